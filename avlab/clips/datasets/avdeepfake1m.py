"""AV-Deepfake1M (Cai et al. 2024) and its successor ++: localised forgeries, four variants of each utterance.

Traps (`data_manifests/avdeepfake1m.md`): in 6,160 entries the segments stand at the wrong stream; the value is both_modified, with an underscore; there
is no duration; train and val share people; test labels are withheld; ++ has three source corpora and its lists beside the films.
"""

import os
import posixpath

import numpy as np
import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, faults, films, numbers, read_json, read_lines, records_of, says, segments
from avlab.clips.table import complete

FPS = 25  # of both releases; the lists give frames and no seconds
FORGERS = {"video": ("talklip", "diff2lip"), "audio": ("vits", "yourtts")}
TYPES = {"real": ("real", "real"), "visual_modified": ("fake", "real"), "audio_modified": ("real", "fake"), "both_modified": ("fake", "fake")}
KEYS = ("file", "original", "modify_type", "audio_model", "video_model", "fake_segments", "audio_fake_segments", "visual_fake_segments", "video_frames")
PAIRS = {("real", ""), ("audio_modified", ""), ("visual_modified", "talklip"), ("visual_modified", "diff2lip"), ("both_modified", "talklip")}  # of ++
CORPORA = {"vox_celeb_2": "vox2", "lrs3": "lrs3", "silent_videos": "silent"}
TESTS = {"test_files.txt": "test", "testA_files.txt": "testA", "testB_files.txt": "testB"}


def rows(root):
    """All clips of train and val, with their labels, and those of the test lists, without.

    Lists are read from <split>_metadata.json, else from one JSON a clip in <split>_metadata/ or beside the films.
    The duration is video_frames / 25 until the film is measured. Returns a table.  Raises AvlabError if there is no list at all.
    """
    marks = ["train_metadata.json", "val_metadata.json", "train_metadata", "val_metadata", *TESTS, "train", "val"]
    base = base_of(root, marks, ["AV-Deepfake1M", "AV-Deepfake1M-PlusPlus"], "AV-Deepfake1M")
    plus = any(os.path.exists(os.path.join(root, base, name)) for name in ("testA_files.txt", "testB_files.txt", "train/vox_celeb_2", "val/vox_celeb_2"))
    parts = [_labelled(*_listed(root, base, split), split) for split in ("train", "val")]
    made = pd.concat([*parts, *(_unlabelled(root, base, name) for name in TESTS)], ignore_index=True)
    made["clip_id"] = clip_ids("avdeepfake1m", made["path"])
    made["original"] = _originals(made)
    made["path"] = (f"{base}/" if base else "") + made["path"]
    return complete(made.drop(columns=["said"]), "avdeepfake1m", "1M++" if plus else "1M")


def _listed(root, base, split):
    """The entries of one split as a frame, and where they stood."""
    name = f"{split}_metadata.json"
    if os.path.exists(os.path.join(root, base, name)):
        return records_of(read_json(root, base, name), KEYS, name), name
    for folder in (f"{split}_metadata", split):
        lists = films(root, posixpath.join(base, folder), (".json",)) if os.path.isdir(os.path.join(root, base, folder)) else []
        if lists:
            return records_of([read_json(root, path) for path in lists], KEYS, folder), f"{folder}/**.json"
    return records_of([], KEYS, name), name


def _labelled(data, where, split):
    """Rows of one split; said keeps the original as it stands in the list."""
    path = data["file"].astype(str)
    made = pd.DataFrame({"path": path.where(path.str.startswith(f"{split}/"), f"{split}/" + path)})
    kind = data["modify_type"].fillna("").astype(str)
    for number, stream in enumerate(("video", "audio")):
        made[f"label_{stream}"] = kind.map({name: labels[number] for name, labels in TYPES.items()}).fillna(kind)  # another word stands as it is
    video = data["video_model"].fillna("").astype(str).str.lower()
    made["forger_video"] = says(made["label_video"] == "fake", video.where(video != "", "talklip"))
    made["forger_audio"] = says(made["label_audio"] == "fake", data["audio_model"].fillna("").astype(str).str.lower())
    made["duration_s"] = numbers(data["video_frames"]) / FPS
    _add_segments(made, data, kind)
    made["scope"] = np.where(kind == "real", "none", np.where(kind.isin(list(TYPES)), "partial", "unknown"))
    made["identity"] = _people(made["path"])
    made["variant_of"] = "avdeepfake1m/" + made["path"].str.rsplit("/", n=1).str[0]
    made["split_official"], made["split_raw"], made["provenance"] = split, split, where
    strange = pd.Series([bool(model) and pair not in PAIRS for model, pair in zip(video, zip(kind, video, strict=True), strict=True)], made.index, dtype=bool)
    made["faults"] = says(strange, "forger_video: no such pair in the release: " + kind + ", " + video)
    said = data["original"].fillna("").astype(str)
    made["said"] = said.where((said == "") | said.str.startswith(f"{split}/"), f"{split}/" + said)
    return made


def _add_segments(made, data, kind):
    """Segments of each stream: where one stream is forged they are the union, whatever its own list says (that list is wrong in 6,160 entries)."""
    union, video, audio = (pd.Series([segments(value, end) for value, end in zip(data[key], made["duration_s"], strict=True)], made.index, dtype=str)
                           for key in ("fake_segments", "visual_fake_segments", "audio_fake_segments"))
    both = kind == "both_modified"
    made["segments_video"] = says(~kind.eq("audio_modified"), video.where(both, union))
    made["segments_audio"] = says(~kind.isin(["visual_modified", "real"]), audio.where(both, union))
    made["notes"] = faults(says(kind.eq("audio_modified") & (video != ""), "segments repaired: cleared visual_fake_segments"),
                           says(kind.eq("visual_modified") & (audio != ""), "segments repaired: cleared audio_fake_segments"))


def _people(path):
    """Who is seen, prefixed by the corpus: <split>/<VoxCeleb2 id>/... of 1M, <split>/<corpus>/<id>/... of ++."""
    parts = path.str.split("/", n=3)
    corpus = parts.str[1].map(CORPORA)
    name = parts.str[2].fillna("").where(corpus.notna(), parts.str[1].fillna(""))
    name = name.str.extract(r"^(subject_\d+)", expand=False).where(corpus == "silent", name).fillna(name)
    return corpus.fillna("vox2") + ":" + name


def _originals(made):
    """The clip that an entry names, where it is a row and a real one; the word has three meanings in ++, and the others are left."""
    named = clip_ids("avdeepfake1m", made["said"])
    real = made["clip_id"][(made["label_video"] == "real") & (made["label_audio"] == "real")]
    return named.where(named.isin(real) & (named != made["clip_id"]), "")


def _unlabelled(root, base, name):
    """Rows of a list of test files, whose labels are withheld."""
    split = TESTS[name]
    lines = pd.Series(read_lines(root, base, name) if os.path.exists(os.path.join(root, base, name)) else [], dtype=str)
    path = lines.where(lines.str.startswith(f"{split}/"), f"{split}/" + lines)
    return pd.DataFrame({"path": path, "label_video": "unknown", "label_audio": "unknown", "scope": "unknown", "split_official": "test", "split_raw": split,
                         "provenance": name, "notes": "labels withheld", "said": "", "faults": "", "identity": "", "variant_of": ""})
