"""MMDF (X-AVDT, Kim et al. 2026): talking heads of six generators; labels come from folders, and the split is by generator.

Traps (`data_manifests/mmdf.md`): no list, and nobody is named, so people in two splits cannot be seen; the test generators are others than the
training ones, so a random split answers another question; the layout is that of the released code, not of files that we saw.
"""

import re

import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, films
from avlab.clips.table import complete

SPLITS = ("train", "val", "test")
FORGERS = {"video": ("hallo2", "liveportrait", "faceadapter", "hunyuanavatar", "megactor-sigma", "aniportrait"), "audio": ()}
SPELLINGS = {re.sub(r"[^a-z0-9]", "", name): name for name in FORGERS["video"]} | {"megactor": "megactor-sigma"}


def rows(root):
    """All films of <split>/<real or fake>/<generator>/<clip>; what lies elsewhere is a row with a fault.

    The sound of fakes drives them and is real, as far as the paper says.  Returns a table.  Raises AvlabError if there is no split folder.
    """
    base = base_of(root, SPLITS, ["MMDF"], "MMDF")
    return complete(pd.DataFrame([_row(path, base) for path in films(root, base)] or {"path": []}), "mmdf")


def _row(path, base):
    parts = path.removeprefix(f"{base}/").split("/")
    split, label, model = (parts + ["", "", ""])[:3]
    plain = re.sub(r"[^a-z0-9]", "", model.lower().replace("σ", "sigma"))
    generator = SPELLINGS.get(plain, model.lower()) if label == "fake" else ""
    faults = "" if len(parts) == 4 else "path: is not <split>/<label>/<generator>/<clip>"
    return {"path": path, "clip_id": clip_ids("mmdf", pd.Series([path]), base)[0], "label_video": label, "label_audio": "real", "forger_video": generator,
            "attribution_class": generator, "scope": "none" if label == "real" else "full", "split_official": split, "split_raw": split,
            "provenance": "folders", "faults": faults}
