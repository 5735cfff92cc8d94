"""Celeb-DF v1, v2 (Li et al. 2020) and v3: face swaps of celebrities.

Traps (`data_manifests/celebdf.md`): in List_of_testing_videos.txt 1 is REAL and 0 is fake; only a test list is official, and it is not disjoint in people
from the rest; v1 and v2 have one method, without a name.
"""

import os
import posixpath
import re

import pandas as pd

from avlab.clips.datasets.common import base_of, films, read_lines
from avlab.clips.table import complete

FOLDERS = {"Celeb-real": "real", "YouTube-real": "real", "Celeb-synthesis": "fake"}
FORGERS = {"video": None, "audio": ()}  # v3 names its 22 methods by folders, which we have not seen
LIST = "List_of_testing_videos.txt"
REAL = "1"  # in that list, against every other data set


def rows(root):
    """All films of the three folders, and those that the test list names; labels come from folders, the list is the cross-check.

    Sound counts as absent, as all loaders have it; whether files carry a track is measured, and `check` says so.
    Returns a table.  Raises AvlabError if there is no such folder.
    """
    base = base_of(root, list(FOLDERS), ["Celeb-DF-v2", "Celeb-DF-v1", "Celeb-DF-v3", "Celeb-DF"], "Celeb-DF")
    prefix = f"{base}/" if base else ""
    paths = [path.removeprefix(prefix) for path in films(root, base)]
    listed = {}
    for line in read_lines(root, base, LIST) if os.path.exists(os.path.join(root, base, LIST)) else []:
        flag, _, path = line.partition(" ")
        listed[path.strip()] = flag
    paths = sorted({path for path in paths if path.split("/")[0] in FOLDERS} | set(listed))
    release = "v3" if any(path.startswith("Celeb-synthesis/") and path.count("/") > 1 for path in paths) else "v1" if base.endswith("v1") else "v2"
    known = {os.path.splitext(path)[0] for path in paths}
    return complete(pd.DataFrame([_row(path, prefix, release, listed.get(path), known) for path in paths] or {"path": []}), "celebdf", release)


def _row(path, prefix, release, flag, known):
    folder, stem = path.split("/")[0], os.path.splitext(path)[0]
    label = FOLDERS.get(folder, folder)
    target, donor, take = _people(posixpath.basename(stem), folder)
    method = f"celebdf_{release}_faceswap" if path.count("/") == 1 else path.split("/")[-2].lower()
    original = f"Celeb-real/{target}_{take}" if label == "fake" else ""
    wrong = flag is not None and flag != (REAL if label == "real" else "0")
    method = method if label == "fake" else ""
    return {"path": prefix + path, "clip_id": f"celebdf/{stem}", "label_video": label, "label_audio": "absent", "forger_video": method,
            "attribution_class": method, "scope": "none" if label == "real" else "full", "identity": f"celebdf:{target}",
            "donor": f"celebdf:{donor}" if donor else "", "original": f"celebdf/{original}" if original in known else "",
            "split_official": "none" if flag is None else "test", "split_raw": "" if flag is None else LIST, "provenance": "folders",
            "faults": "label_video: folder and test list contradict each other (1 is real there)" if wrong else ""}


def _people(name, folder):
    """(target, donor, take) of id0_0009, id0_id16_0009, or v3's id0_0009_test_<reference>; a film of YouTube-real is a person of its own."""
    swap, talk = re.fullmatch(r"(id\d+)_(id\d+)_(\d+)", name), re.fullmatch(r"(id\d+)_(\d+)(?:_test_(.*))?", name)
    if swap:
        return swap[1], swap[2], swap[3]
    if talk:
        reference = re.match(r"id\d+", talk[3] or "")
        return talk[1], reference[0] if reference else "", talk[2]
    return (f"youtube-{name}" if folder == "YouTube-real" else name), "", ""
