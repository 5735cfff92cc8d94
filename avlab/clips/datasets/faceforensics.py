"""FaceForensics++ (Roessler et al. 2019) with FaceShifter, and the DeepFakeDetection films of actors.

Traps (`data_manifests/faceforensics.md`): no sound; 4:4:4 colour; the official split is by sequence, and 7 YouTube films stand in two of its parts;
actors' films have no split; one film at three compressions is one film; the 1,000 masks are no films.
"""

import os
import posixpath
import re

import pandas as pd

from avlab.clips.datasets.common import base_of, films, read_json
from avlab.clips.table import complete
from avlab.errors import AvlabError

QUALITIES = {"raw": "raw", "c0": "raw", "c23": "c23", "c40": "c40"}
METHODS = {"Deepfakes": "deepfakes", "Face2Face": "face2face", "FaceSwap": "faceswap", "NeuralTextures": "neuraltextures", "FaceShifter": "faceshifter",
           "DeepFakeDetection": "dfd"}
FORGERS = {"video": tuple(METHODS.values()), "audio": ()}
ACTORS = ("actors", "DeepFakeDetection")


def rows(root):
    """All films of original_sequences and manipulated_sequences; splits and YouTube ids where dataset/ of the authors' repository lies there.

    A sequence is known by its YouTube id where conversion_dict.json is there: a film that is used twice is one person.
    Returns a table.  Raises AvlabError if neither folder is there.
    """
    base = base_of(root, ["original_sequences", "manipulated_sequences"], ["FaceForensics++", "FaceForensics"], "FaceForensics++")
    splits, youtube = _splits(root, base), _youtube(root, base)
    prefix = f"{base}/" if base else ""
    paths = [path.removeprefix(prefix) for path in films(root, base)]
    places = [path for path in paths if re.fullmatch(r"(original|manipulated)_sequences/[^/]+/(?!masks/)[^/]+/videos/[^/]+", path)]
    made = pd.DataFrame([_row(path, prefix, splits, youtube, set(places)) for path in places] or {"path": []})
    return complete(made, "faceforensics", "")


def _find(root, base, name):
    """Path of a list below root, or None."""
    places = (posixpath.join(folder, name) for folder in (base, posixpath.join(base, "dataset"), "dataset", ""))
    return next((place for place in places if os.path.exists(os.path.join(root, place))), None)


def _splits(root, base):
    """{sequence: split} of splits/{train,val,test}.json, lists of pairs; {} where they are not there."""
    found = {}
    for split in ("train", "val", "test"):
        path = _find(root, base, f"splits/{split}.json")
        pairs = [] if path is None else read_json(root, path)
        if not isinstance(pairs, list) or not all(isinstance(pair, list) for pair in pairs):
            raise AvlabError("A split of FaceForensics++ is a list of pairs", got=path)
        for pair in pairs:
            for sequence in pair:
                found[str(sequence)] = split if found.get(str(sequence), split) == split else f"{found[str(sequence)]} and {split}"
    return found


def _youtube(root, base):
    """{sequence: YouTube id} of conversion_dict.json, whose values are an id and a number; {} where it is not there."""
    path = _find(root, base, "conversion_dict.json")
    values = {} if path is None else read_json(root, path)
    return {str(name): str(value).split(" ")[0] for name, value in values.items()} if isinstance(values, dict) else {}


def _row(path, prefix, splits, youtube, places):
    kind, source, quality, _, name = path.split("/")
    stem, fake = os.path.splitext(name)[0], kind == "manipulated_sequences"
    actors = source in ACTORS
    first, second, original = _people(stem, fake, actors, quality)
    people = [f"dfd:{one}" if actors else f"youtube:{youtube[one]}" if one in youtube else f"ff:{one}" for one in (first, second) if one]
    parts = [splits.get(one, "none") for one in (first, second) if one] if splits and not actors else ["none"]
    faults = "" if len(set(parts)) == 1 else f"split_official: the two sequences stand in {' and '.join(parts)}"
    method = METHODS.get(source, source.lower()) if fake else ""
    word = QUALITIES.get(quality, quality)
    faults = "; ".join(filter(None, [faults, "" if quality in QUALITIES else f"quality: the release has {', '.join(QUALITIES)}"]))
    return {"path": prefix + path, "clip_id": f"faceforensics/{os.path.splitext(path)[0]}", "label_video": "fake" if fake else "real", "label_audio": "absent",
            "forger_video": method, "attribution_class": method, "scope": "full" if fake else "none", "identity": people[0],
            "donor": people[1] if len(people) > 1 else "", "original": f"faceforensics/{os.path.splitext(original)[0]}" if original in places else "",
            "variant_of": f"faceforensics/{source}/{stem}", "quality": word, "split_official": parts[0], "split_raw": parts[0] if parts[0] != "none" else "",
            "provenance": "path", "faults": faults}


def _people(stem, fake, actors, quality):
    """(target, donor, path of the real film) of 071_054, of 24_07__scene__id, or of a real film, which has no donor."""
    if not fake:
        return (stem.split("__")[0] if actors else stem), "", ""
    two = stem.split("__")[0].split("_")
    target, donor = two[0], two[1] if len(two) == 2 else ""
    folder, name = ("actors", f"{target}__{stem.split('__')[1]}" if stem.count("__") else target) if actors else ("youtube", target)
    return target, donor, f"original_sequences/{folder}/{quality}/videos/{name}.mp4"
