"""DFDM (Jia et al. 2022): one face-swap tool in five variants, at three compressions, without sound.

Traps (`data_manifests/dfdm.md`): no real clips (they are Celeb-DF v2's); the file's last word carries the model and a stray digit, as in 4dfaker;
one clip at three compressions is one clip; sound is absent, not silent.
"""

import posixpath
import re

import pandas as pd

from avlab.clips.datasets.common import base_of, clip_ids, films
from avlab.clips.table import complete

QUALITIES = ("crf0", "crf10", "crf23")
MODELS = {"faceswap": "faceswap", "lightweight": "lightweight", "iae": "iae", "dfaker": "dfaker", "dflh128": "dfl-h128", "h128": "dfl-h128"}
FORGERS = {"video": tuple(dict.fromkeys(MODELS.values())), "audio": ()}


def rows(root):
    """All films of DFDM_crf0, DFDM_crf10 and DFDM_crf23, in model folders or not.

    The original is named by its clip_id in the manifest of celebdf.  Returns a table.  Raises AvlabError if none of the folders is there.
    """
    base = base_of(root, [f"DFDM_{quality}" for quality in QUALITIES], ["DFDM"], "DFDM")
    paths = [path for path in films(root, base) if re.fullmatch(r"DFDM_crf\d+", path.removeprefix(f"{base}/").split("/")[0])]
    return complete(pd.DataFrame([_row(path, base) for path in paths] or {"path": []}), "dfdm")


def model_of(tag):
    """Model of the last word of a file's name; one digit before it is no part of it. The word itself where it is none of the five."""
    plain = re.sub(r"[^a-z0-9]", "", tag.lower())
    return MODELS.get(plain) or MODELS.get(plain[1:] if plain[:1].isdigit() else "") or tag.lower()


def _row(path, base):
    parts = path.removeprefix(f"{base}/").split("/")
    stem = posixpath.splitext(parts[-1])[0]
    said = re.fullmatch(r"(id\d+)_(id\d+)_(\d+)_(.+)", stem)
    target, donor, scene, tag = said.groups() if said else ("", "", "", "")
    model, faults = model_of(tag), [] if said else ["clip_id: the name is not id<target>_id<source>_<scene>_<model>"]
    if len(parts) == 3 and model_of(parts[1]) != model:
        faults.append("forger_video: folder and name say two models")
    quality = parts[0].removeprefix("DFDM_")
    if quality not in QUALITIES:
        faults.append(f"quality: the release has {', '.join(QUALITIES)}")
    return {"path": path, "clip_id": clip_ids("dfdm", pd.Series([path]), base)[0], "label_video": "fake", "label_audio": "absent", "forger_video": model,
            "attribution_class": model if said else "", "scope": "full", "identity": f"celebdf:{target}" if said else "",
            "donor": f"celebdf:{donor}" if said else "", "original": f"celebdf/Celeb-real/{target}_{scene}" if said else "",
            "variant_of": f"dfdm/{stem}", "quality": quality, "split_official": "none",
            "provenance": "file name", "faults": "; ".join(faults)}
