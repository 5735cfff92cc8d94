"""DFDC (Dolhansky et al. 2020) and its preview: labels of clips, not of streams.

Traps (`data_manifests/dfdc.md`): FAKE does not say which stream, and some fakes have swapped sound only; no actors are named, parts of the training
set group them; labels.csv of the test has 1 = fake; several people may be in view.
"""

import os
import re

import pandas as pd

from avlab.clips.datasets.common import clip_ids, read_json, read_lines
from avlab.clips.table import complete
from avlab.errors import AvlabError

FORGERS = {"video": ("method_a", "method_b"), "audio": ()}
LABELS = {"REAL": "real", "FAKE": "fake", "real": "real", "fake": "fake", 0: "real", 1: "fake", "0": "real", "1": "fake"}  # the test list: 1 = fake
PART = r"dfdc_train_part_\d+"


def rows(root):
    """Clips of every dfdc_train_part_N/metadata.json, of test/labels.csv or test/metadata.json, or of the preview's dataset.json.

    A real clip is RVRA; of a fake one the streams are unknown and label_clip says fake. Returns a table.  Raises AvlabError if no list is there.
    """
    if not os.path.isdir(root):
        raise AvlabError("The data root is a folder", got=root)
    found = [row for name in sorted(os.listdir(root)) if re.fullmatch(PART, name) for row in _part(root, name)]
    found += _test(root) + _preview(root)
    if not found:
        raise AvlabError("DFDC has dfdc_train_part_N/metadata.json, test/labels.csv or dataset.json in it",
                         got=f"{root}: {', '.join(sorted(os.listdir(root))[:8]) or 'nothing'}")
    made = pd.DataFrame(found)
    made["clip_id"] = clip_ids("dfdc", made["path"])
    made["original"] = clip_ids("dfdc", made["original"]).where(made["original"] != "", "")
    return complete(made, "dfdc", "preview" if (made["provenance"] == "dataset.json").any() else "full")


def _word(label):
    """real or fake; a label that is no word of the set stands as it is, for `check` to find."""
    return LABELS.get(label, str(label)) if isinstance(label, (str, int)) else str(label)


def _row(path, label, **more):
    """One clip."""
    word = _word(label)
    stream = "real" if word == "real" else "unknown"
    return {"path": path, "label_video": stream, "label_audio": stream, "label_clip": word, "scope": {"real": "none", "fake": "full"}.get(word, "unknown"),
            "original": "", "identity_group": "", "forger_video": "", "faults": ""} | more


def _entries(root, *parts):
    """{name: dict} of a list.  Raises AvlabError where it is none."""
    values = read_json(root, *parts)
    if not isinstance(values, dict) or not all(isinstance(value, dict) for value in values.values()):
        raise AvlabError("A list of DFDC is a JSON object of objects", got="/".join(parts))
    return values.items()


def _part(root, part):
    if not os.path.exists(os.path.join(root, part, "metadata.json")):
        return []
    return [_row(f"{part}/{name}", said.get("label"), split_official="train", split_raw=str(said.get("split", "")), identity_group=part,
                 original=f"{part}/{said['original']}" if said.get("original") and isinstance(said["original"], str) else "",
                 provenance=f"{part}/metadata.json")
            for name, said in _entries(root, part, "metadata.json")]


def _test(root):
    if os.path.exists(os.path.join(root, "test", "labels.csv")):
        header, *lines = read_lines(root, "test", "labels.csv")
        if header.replace(" ", "") != "filename,label":
            raise AvlabError("labels.csv of DFDC has the columns filename,label", got=header)
        pairs = [line.rsplit(",", 1) for line in lines]
        return [_row(f"test/{pair[0]}", pair[-1].strip(), split_official="test", split_raw="test", provenance="test/labels.csv") for pair in pairs]
    if os.path.exists(os.path.join(root, "test", "metadata.json")):
        return [_row(f"test/{name}", said.get("is_fake", said.get("label")), split_official="test", split_raw="test", provenance="test/metadata.json")
                for name, said in _entries(root, "test", "metadata.json")]
    return []


def _preview(root):
    """Clips of the preview, whose folders name the method, and the actor as second part of the path."""
    if not os.path.exists(os.path.join(root, "dataset.json")):
        return []
    found = []
    for path, said in _entries(root, "dataset.json"):
        parts = path.split("/")
        word = _word(said.get("label"))
        method = parts[0].lower() if parts[0].startswith("method_") else ""
        contradiction = "label_clip: label and folder contradict each other" if (word == "fake") != bool(method) else ""
        found.append(_row(path, said.get("label"), split_official=str(said.get("set", "none")), split_raw=str(said.get("set", "")), provenance="dataset.json",
                          forger_video=method, attribution_class=method, faults=contradiction, identity_group=parts[1] if len(parts) > 2 else "")
                     | ({"label_video": "unknown", "label_audio": "unknown"} if method else {}))
    return found
