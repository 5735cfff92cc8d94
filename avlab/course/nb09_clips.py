"""The clips of notebook 09: people of the val split, on whom heads, thresholds and calibration are fitted, and people of the test split, who are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from avlab.clips import degrade, load_clip
from avlab.course.nb03_training import SECONDS, known_forgers, strangers
from avlab.course.picked import Picked
from avlab.errors import AvlabError
from avlab.explain import controls

REALS = 6  # reals drawn for every clip of a forger: they are cheap to render, and every AUROC needs them
CORRUPTIONS = {  # one strength each, chosen by looking at them: plain to see or hear, and everybody would still answer
    "blur, 1 pixel": lambda clip: degrade.blur(clip, 1.0), "noise, 8 grey levels": lambda clip: degrade.noise(clip, 8.0),
    "half size and back": lambda clip: degrade.rescale(clip, 0.5), "12.5 pictures a second": lambda clip: degrade.frame_rate(clip, 12.5),
    "AAC, 16 kbit/s": lambda clip: degrade.aac(clip, 16), "noise in the sound, 10 dB": lambda clip: degrade.noisy_sound(clip, 10.0),
}
PICTURE_CHANGES = {name: change for name, change in CORRUPTIONS.items() if "sound" not in name and "AAC" not in name}


@dataclass(frozen=True, eq=False)
class Sample(Picked):
    """N clips of 0.64 s in memory, and what is known about them.

    rows (N,) manifest rows   clips (N,) Clip   forger, people, category (N,)   label (N,) 1 = fake
    """

    rows: np.ndarray
    clips: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    category: np.ndarray
    label: np.ndarray

    def among(self, forgers) -> np.ndarray:
        """(N,) bool: reals, and fakes of these forgers."""
        return (self.label == 0) | np.isin(self.forger, list(forgers))


@dataclass(frozen=True)
class Protocol:
    """Forgers by what the bundled networks were taught, names as in Row.forger: known, strangers, and the single ones of both."""

    known: tuple
    strangers: tuple

    @property
    def single(self) -> tuple:
        """Forgers of one stream, known ones first: a combined forgery is no third method."""
        return tuple(name for name in (*self.known, *self.strangers) if "+" not in name)


def protocol(rows) -> Protocol:
    """Which forgers of a manifest the bundled networks know. Raises AvlabError for a manifest without both kinds."""
    made = Protocol(known_forgers(rows), strangers(rows))
    if not made.known or not made.strangers:
        raise AvlabError("Notebook 09 needs forgers that the networks know and strangers", got=f"{made.known} and {made.strangers}",
                         todo="Use manifest=synthtalk")
    return made


def draw(rows, n: int, seed: int, *, split: str):
    """n clips of every forger and REALS * n reals of one split, spread over people by the seed. Raises AvlabError when there are too few."""
    part = rows.select(split=split, duration_s=SECONDS)
    return part.draw(n, seed=seed, reals_per_fake=REALS, forgers=sorted({row.forger for row in part} - {"real"}))


def load_sample(rows) -> Sample:
    """Render or read the clips once."""
    held, clips = np.empty(len(rows), object), np.empty(len(rows), object)
    held[:], clips[:] = list(rows), [load_clip(row) for row in rows]
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("forger", "identity", "category", "label")}
    return Sample(held, clips, column["forger"], column["identity"], column["category"], column["label"])


def changed(sample: Sample, change: Callable) -> Sample:
    """The sample with every clip sent through change(clip) -> Clip."""
    clips = np.empty(len(sample), object)
    clips[:] = [change(clip) for clip in sample.clips]
    return replace(sample, clips=clips)


def with_other_sound(sample: Sample, seed: int) -> Sample:
    """Every clip with the sound of another person's clip of its category: the control `shuffled`."""
    order = controls.shuffled_order([row.identities for row in sample.rows], sample.category, seed=seed)
    clips = np.empty(len(sample), object)
    clips[:] = [degrade.with_sound(clip, sample.clips[k].audio) for clip, k in zip(sample.clips, order, strict=True)]
    return replace(sample, clips=clips)


def shared_people(*samples) -> int:
    """How many people, donors included, stand in more than one of the samples; must be 0."""
    seen = [frozenset().union(*(row.identities for row in sample.rows)) for sample in samples]
    return sum(len(a & b) for i, a in enumerate(seen) for b in seen[i + 1:])


def kbits(sample: Sample, crf: int, n: int = 8) -> float:
    """Mean bitrate (kbit/s) of the picture of the first n clips at an H.264 level."""
    return float(np.mean([degrade.h264_kbits(clip, crf) for clip in sample.clips[:n]]))


def raw_kbits(sample: Sample) -> float:
    """Bitrate (kbit/s) of the pictures as they are, three bytes a pixel."""
    clip = sample.clips[0]
    return clip.frames[0].size * 8 * clip.fps / 1000
