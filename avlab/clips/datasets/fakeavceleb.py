"""FakeAVCeleb v1.2 (Khalid et al. 2021): 500 people, four categories, generators named in meta_data.csv.

Traps (`data_manifests/fakeavceleb.md`): the last column of meta_data.csv has no name and holds the folder, "path" holds the file's name; 22 files
are listed twice with two methods; file names do not tell the method; people swap faces inside their own cell only, and do so everywhere in it.
"""

import csv
import io
import os
import re

import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, faults, films, read_lines, says
from avlab.clips.table import complete
from avlab.errors import AvlabError

FORGERS = {"video": ("faceswap", "fsgan", "wav2lip"), "audio": ("sv2tts",)}
TYPES = {"RealVideo-RealAudio": ("real", "real", "A"), "RealVideo-FakeAudio": ("real", "fake", "B"),
         "FakeVideo-RealAudio": ("fake", "real", "C"), "FakeVideo-FakeAudio": ("fake", "fake", "D")}
HEADER = ["source", "target1", "target2", "method", "category", "type", "race", "gender", "path"]
PERSON = r"id\d{5}"
RACES = ("African", "Asian (East)", "Asian (South)", "Caucasian (American)", "Caucasian (European)")
CELLS = [f"{race}/{gender}" for race in RACES for gender in ("men", "women")]


def rows(root):
    """All clips of meta_data.csv, and films that it does not list; one row a file.

    The person on screen is `source` (identity); `target1` gave the face (donor): the set uses the words the other way round.
    Returns a table.  Raises AvlabError if meta_data.csv is not there or has another header.
    """
    base = base_of(root, ["meta_data.csv"], ["FakeAVCeleb_v1.2", "FakeAVCeleb"], "FakeAVCeleb")
    listed = _listed(root, base)
    listed = pd.concat([listed, _unlisted(root, base, set(listed["path"]))], ignore_index=True)
    methods = listed.groupby("path")["method"].agg(lambda values: ", ".join(sorted(set(values))))
    twice = listed["path"].duplicated(keep=False)
    made = listed[~listed["path"].duplicated()].reset_index(drop=True)
    both, twice = made["path"].map(methods), made["path"].isin(listed["path"][twice])
    made["notes"] = says(twice, "listed twice: " + both)
    made["attribution_class"] = made["method"].where(~twice, "").replace("real", "")
    return complete(_labelled(made, both, base), "fakeavceleb", "v1.2")


def _listed(root, base):
    """Rows of meta_data.csv, with the path below the root."""
    lines = read_lines(root, base, "meta_data.csv")
    header, *values = csv.reader(io.StringIO("\n".join(lines) + "\n"))
    if header[:9] != HEADER or len(header) != 10:
        raise AvlabError("meta_data.csv of FakeAVCeleb has 9 names and a tenth column, which holds the folder", got=",".join(header))
    found = pd.DataFrame([(line + [""] * 10)[:10] for line in values], columns=[*HEADER[:8], "name", "folder"], dtype=str)
    folder = found["folder"].str.replace(r"^FakeAVCeleb(_v1\.2)?/", "", regex=True).str.strip("/")
    found["path"] = (f"{base}/" if base else "") + folder + "/" + found["name"]
    found["provenance"] = "meta_data.csv"
    return found


def _unlisted(root, base, listed):
    """Films that meta_data.csv does not list: what their folders say, and no method."""
    found = []
    for path in films(root, base):
        parts = path.removeprefix(f"{base}/").split("/")
        if path not in listed and len(parts) == 5 and parts[0] in TYPES:
            found.append({"source": parts[3], "type": parts[0], "race": parts[1], "gender": parts[2], "name": parts[4],
                          "folder": "/".join(parts[:4]), "path": path, "category": TYPES[parts[0]][2], "method": "",
                          "target1": "-", "target2": "-", "provenance": "folders; not in meta_data.csv"})
    return pd.DataFrame(found, columns=[*HEADER[:8], "name", "folder", "path", "provenance"], dtype=str)


def _labelled(made, methods, base):
    """Columns of the manifest; methods   all methods of each file, joined by ", "."""
    types = made["type"].map(lambda name: TYPES.get(name, (name, name, "?")))
    made["label_video"], made["label_audio"] = types.str[0], types.str[1]
    pipeline = methods.map(lambda text: "+".join(dict.fromkeys(part for part in re.split(r", |-", text) if part not in ("", "rtvc", "real"))))
    made["forger_video"] = pipeline
    made["forger_audio"] = says(made["label_audio"] == "fake", "sv2tts")
    made["scope"] = (types.str[2] == "A").map({True: "none", False: "full"})
    people = made.apply(_people, axis=1)
    made["identity"], made["donor"], made["others"] = (people.str[k] for k in range(3))
    made["identity_group"] = made["race"] + "/" + made["gender"]
    made["cell"] = made["identity_group"].map({name: number for number, name in enumerate(CELLS)})
    made["clip_id"] = clip_ids("fakeavceleb", made["path"], base)
    made["original"] = _originals(made)
    made["split_official"] = "none"
    parts = made["path"].str.split("/")
    made["faults"] = faults(says(parts.str[-5] != made["type"], "label_video: type and folder name two categories"),
                            says(types.str[2] != made["category"], "label_audio: category and type contradict each other"),
                            says(parts.str[-2] != made["source"], "identity: source and folder name two people"),
                            says((made["label_video"] == "real") & (pipeline != ""), "forger_video: a method that makes pictures, on a real one"),
                            says((parts.str[-4] + "/" + parts.str[-3]) != made["identity_group"], "identity_group: race and gender contradict the folder"))
    return made.drop(columns=["category", "source", "target1", "target2", "method", "type", "race", "gender", "name", "folder"])


def _people(row):
    """(on screen, face or voice put in, the others joined by ";"), from the folder, both targets and the file's name; target2 may be a plain number."""
    named = [*(value for value in (row["target1"], row["target2"]) if re.fullmatch(PERSON, value)), *re.findall(PERSON, row["name"])]
    rest = [person for person in dict.fromkeys(named) if person != row["source"]]
    corpus = [f"vox2:{person}" for person in [row["source"], *rest]]
    return corpus[0], corpus[1] if rest else "", ";".join(corpus[2:])


def _originals(made):
    """clip_id of the real clip: same person, the first word of the file's name; "" where there is none."""
    real = made["label_clip"] == "real" if "label_clip" in made else made["type"] == "RealVideo-RealAudio"
    key = made["source"] + "/" + made["name"].map(os.path.basename).str.extract(r"^(\d+)", expand=False).fillna("")
    known = dict(zip(key[real], made["clip_id"][real], strict=True))
    return key.map(known).fillna("").where(~real, "")
