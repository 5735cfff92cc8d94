"""DeepfakeTIMIT (Korshunov and Marcel 2018) with the real films of VidTIMIT (Sanderson and Lovell 2009).

Traps (`data_manifests/dftimit.md`): no list, all is said by paths; the real films lie in another archive, as numbered pictures; faces are swapped both
ways in 16 pairs, so a split is by pair; lower and higher quality are one clip; the sound is a wav beside the film, and real.
"""

import os
import posixpath

import pandas as pd

from avlab.clips.datasets.common import base_of, films
from avlab.clips.table import complete
from avlab.errors import AvlabError

FORGERS = {"video": ("faceswap_gan_lq", "faceswap_gan_hq"), "audio": ()}
QUALITIES = {"higher_quality": "HQ", "lower_quality": "LQ"}
FPS = 25  # of the pictures of VidTIMIT; its page says so


def rows(root):
    """Fakes of DeepfakeTIMIT/ and, if VidTIMIT/ lies beside it, all its real clips.

    A real clip is VidTIMIT/<person>/video/<utterance>.mp4 (made by `assemble`) or, before that, the folder of its pictures, which `check` reports.
    Returns a table.  Raises AvlabError if there is no DeepfakeTIMIT.
    """
    base = base_of(root, list(QUALITIES), ["DeepfakeTIMIT"], "DeepfakeTIMIT")
    found = [_fake(path) for path in films(root, base) if path.removeprefix(f"{base}/").split("/")[0] in QUALITIES]
    pairs = {row["identity"]: row["identity_group"] for row in found}
    reals = [_real(root, *place, pairs) for place in _utterances(root)]
    known = {row["clip_id"] for row in reals}
    for row in found:
        row["original"] = row["original"] if row["original"] in known else ""
    return complete(pd.DataFrame(found + reals), "dftimit", "1.0")


def _fake(path):
    """Row of <quality>/<person>/<utterance>-video-<other person>.avi."""
    quality, person, name = path.split("/")[-3:]
    stem = os.path.splitext(name)[0]
    utterance, middle, donor = stem.partition("-video-")
    two = sorted([person, donor])
    word = QUALITIES[quality]
    forger = f"faceswap_gan_{word.lower()}"
    faults = "" if middle and donor and donor != person else "donor: the name is not <utterance>-video-<other person>"
    return {"clip_id": f"dftimit/{quality}/{person}/{stem}", "path": path, "audio_path": os.path.splitext(path)[0] + ".wav",
            "label_video": "fake", "label_audio": "real", "forger_video": forger, "attribution_class": forger, "scope": "full", "quality": word,
            "identity": f"vidtimit:{person}", "donor": f"vidtimit:{donor}" if donor else "", "identity_group": "+".join(two),
            "variant_of": f"dftimit/{person}/{stem}", "original": f"dftimit/VidTIMIT/{person}/{utterance}", "split_official": "none",
            "provenance": "path", "notes": "which of the two gave the face is not certain", "faults": faults}


def _utterances(root):
    """(person, utterance) of VidTIMIT, from the folders of pictures and the films made of them."""
    found = set()
    top = os.path.join(root, "VidTIMIT")
    for person in sorted(os.listdir(top)) if os.path.isdir(top) else []:
        folder = os.path.join(root, "VidTIMIT", person, "video")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        found |= {(person, os.path.splitext(name)[0]) for name in names if not name.startswith((".", "head"))}  # head*: turning heads, no speech
    return sorted(found)


def _real(root, person, utterance, pairs):
    stem = f"VidTIMIT/{person}/video/{utterance}"
    film = f"{stem}.mp4" if os.path.exists(os.path.join(root, f"{stem}.mp4")) else stem
    sound = "" if film.endswith(".mp4") else f"VidTIMIT/{person}/audio/{utterance}.wav"
    return {"clip_id": f"dftimit/VidTIMIT/{person}/{utterance}", "path": film, "audio_path": sound, "label_video": "real", "label_audio": "real",
            "identity": f"vidtimit:{person}", "identity_group": pairs.get(f"vidtimit:{person}", person), "scope": "none", "split_official": "none",
            "provenance": "path", "notes": "assembled from pictures" if film.endswith(".mp4") else "pictures: assemble first", "faults": ""}


def assemble(root, *, crf=12, say=print):
    """Make a film, VidTIMIT/<person>/video/<utterance>.mp4, of every folder of pictures and the wav of that name; those that exist stay.

    H.264 at crf 12 is not the codec of the fakes, so codec and bit rate tell real from fake: `check` shows it, and a detector must not see it.
    Returns the number of films made.  Raises AvlabError for a folder without pictures.
    """
    made = 0
    for person, utterance in _utterances(root):
        folder = os.path.join(root, "VidTIMIT", person, "video", utterance)
        if os.path.exists(folder + ".mp4") or not os.path.isdir(folder):
            continue
        _assemble(folder, os.path.join(root, "VidTIMIT", person, "audio", f"{utterance}.wav"), crf)
        made += 1
        say(f"{made}: {posixpath.join(person, utterance)}.mp4")
    return made


def _assemble(folder, sound, crf):
    import cv2
    import numpy as np
    import soundfile

    from avlab.clips.writing import write_clip

    pictures = [cv2.imread(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    if not pictures or any(picture is None for picture in pictures):
        raise AvlabError("A folder of VidTIMIT holds numbered pictures", got=folder)
    audio, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    write_clip(np.stack(pictures)[..., ::-1], folder + ".mp4", audio=audio.mean(1), fps=FPS, sample_rate=rate, crf=crf)


