"""LAV-DF (Cai et al. 2022): localised forgeries of 153 people of VoxCeleb2, listed in metadata.min.json or metadata.json.

Traps (`data_manifests/lavdf.md`): no names of people, so only clips that stem from one original can be kept together; one list of forged periods for
both streams; changed sound re-times the picture, so a fake and its original have different numbers of frames; dev means val.
"""

import posixpath

import numpy as np
import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, faults, films, numbers, read_json, records_of, says, segments
from avlab.clips.table import complete

FORGERS = {"video": ("wav2lip",), "audio": ("sv2tts",)}  # constant in the whole set, by the paper
SPLITS = {"train": "train", "dev": "val", "test": "test"}
KEYS = ("file", "n_fakes", "fake_periods", "duration", "original", "modify_video", "modify_audio", "split")
LISTS = ("metadata.min.json", "metadata.json")


def rows(root):
    """All clips of the metadata, of which further fields (transcripts) are not read.

    The duration is the stated one until the film is measured. Returns a table.  Raises AvlabError if no list is there.
    """
    base = base_of(root, LISTS, ["LAV-DF"], "LAV-DF")
    name = next(name for name in LISTS if posixpath.join(base, name) in films(root, base, (".json",)))
    data = records_of(read_json(root, base, name), KEYS, name)
    prefix = f"{base}/" if base else ""
    made = pd.DataFrame({"path": prefix + data["file"].astype(str)})
    made["clip_id"] = clip_ids("lavdf", data["file"].astype(str))
    for stream, forger in (("video", "wav2lip"), ("audio", "sv2tts")):
        flags = data[f"modify_{stream}"]  # anything but a flag stands as it is
        made[f"label_{stream}"] = pd.Series(["fake" if flag is True else "real" if flag is False else str(flag) for flag in flags], dtype=str)
        made[f"forger_{stream}"] = says(made[f"label_{stream}"] == "fake", forger)
    made["duration_s"] = numbers(data["duration"])
    periods = pd.Series([segments(value, seconds) for value, seconds in zip(data["fake_periods"], made["duration_s"], strict=True)], dtype=str)
    fake = (made["label_video"] == "fake") | (made["label_audio"] == "fake")
    for stream in ("video", "audio"):
        made[f"segments_{stream}"] = periods.where((made[f"label_{stream}"] == "fake") | ~fake & (stream == "video"), "")
    made["notes"] = says((made["label_video"] == "fake") & (made["label_audio"] == "fake"), "one list of periods for both streams")
    made["scope"] = np.where(fake, "partial", "none")
    made["original"] = clip_ids("lavdf", data["original"].astype(str)).where(data["original"].notna() & fake, "")
    made["identity"] = "lavdf:" + _roots(made).str.rsplit("/", n=1).str[1]
    made["split_raw"] = data["split"].astype(str)
    made["split_official"] = made["split_raw"].map(SPLITS).fillna(made["split_raw"])
    made["provenance"] = name
    made["faults"] = _faults(made, data)
    return complete(made, "lavdf", "")


def _roots(made):
    """The first of the chain of originals of every clip, so that all that stems from one film is one unit."""
    parent, first = dict(zip(made["clip_id"], made["original"], strict=True)), made["clip_id"]
    for _ in range(8):  # a chain is one link long in the release; a circle must end
        above = first.map(parent).fillna("")
        if not above.any():
            break
        first = first.where(above == "", above)
    return first


def _faults(made, data):
    count = pd.Series([len(value) if isinstance(value, list) else -1 for value in data["fake_periods"]], dtype=int)
    folder = made["path"].str.split("/").str[-2]
    return faults(says(count != numbers(data["n_fakes"]), "segments_video: n_fakes is not the number of fake_periods"),
                  says(folder != made["split_raw"], "split_official: split and folder name two splits"))
