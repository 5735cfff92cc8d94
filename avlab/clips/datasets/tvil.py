"""TVIL (Zhang et al. 2023, UMMAFormer): spans of films in which an object was painted out; no faces, no sound.

Traps (`data_manifests/tvil.md`): the list is a dict; its third split is called valid; fps may be missing; which of the four inpainters made a clip is not said.
"""

import os

import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, films, read_json, segments
from avlab.clips.table import complete
from avlab.errors import AvlabError

FORGERS = {"video": ("e2fgvi", "fgt", "fuseformer", "sttn"), "audio": ()}
SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test"}
LIST = "annotations/metadata.json"


def rows(root):
    """All clips of annotations/metadata.json; a film is found by its name, wherever it lies.

    Returns a table.  Raises AvlabError if the list is not there or is no dict of entries.
    """
    base = base_of(root, [LIST], ["TVIL"], "TVIL")
    entries = read_json(root, base, LIST)
    if not isinstance(entries, dict) or not all(isinstance(value, dict) and isinstance(value.get("file"), str) for value in entries.values()):
        raise AvlabError("The list of TVIL is a JSON object of objects that name a file", got=LIST)
    places = {os.path.basename(path): path for path in films(root, base)}
    prefix = f"{base}/" if base else ""
    return complete(pd.DataFrame([_row(said, places.get(os.path.basename(said["file"]), f"{prefix}videos/{said['file']}"), prefix) for said in entries.values()]
                                 or {"path": []}), "tvil")


def _row(said, path, prefix):
    seconds = said.get("duration") if isinstance(said.get("duration"), (int, float)) else None
    spans, split = segments(said.get("fake_periods"), seconds), str(said.get("split", ""))
    source = os.path.splitext(os.path.basename(said["file"]))[0].removesuffix("_result")
    fake = spans != ""
    return {"path": path, "clip_id": clip_ids("tvil", pd.Series([path.removeprefix(prefix)]))[0],
            "label_video": "fake" if fake else "real", "label_audio": "absent",
            "duration_s": seconds, "segments_video": spans, "scope": "partial" if fake else "none", "identity_group": f"ytvos:{source}",
            "split_raw": split, "split_official": SPLITS.get(split.lower(), split), "provenance": LIST,
            "faults": "" if isinstance(said.get("fake_periods"), list) else "segments_video: fake_periods is no list"}
