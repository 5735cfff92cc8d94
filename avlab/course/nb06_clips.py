"""The clips of notebook 06: drawn by seed before anything is measured, read once, kept in memory as what MSCT reads of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from avlab.clips import load_clip
from avlab.clips.audio import fbank104
from avlab.clips.datasets import synthtalk
from avlab.detectors import msct
from avlab.detectors.batches import ClipDataset, stored
from avlab.detectors.msct_training import forgers_to_train_on, vectors
from avlab.errors import AvlabError

PER_REAL = 3  # reals for each fake of one forger
VAL_SHARE = 4  # training clips for one that chooses the epoch


@dataclass(frozen=True, eq=False)
class Clips:
    """Rows of the three sides, and what the detector reads of each: arrays {clip_id: {"frames", "fbank", "mask"}}.

    train, val, test   tuples of manifest rows: train and val with the forgers that may be known, test with all
    """

    train: tuple
    val: tuple
    test: tuple
    arrays: Mapping

    def column(self, name) -> np.ndarray:
        """A field of the test rows, (N,)."""
        return np.array([getattr(row, name) for row in self.test])

    @property
    def seen(self) -> np.ndarray:
        """(N,) bool of the test clips: reals, and fakes whose forgers the training may know."""
        known = {"real", *forgers_to_train_on(self.test)}
        return np.array([row.forger in known for row in self.test])

    @property
    def new(self) -> np.ndarray:
        """(N,) bool of the test clips: fakes of which no part was forged by a forger that the training may know."""
        known = {part for name in forgers_to_train_on(self.test) for part in name.split("+")}
        return np.array([row.label == 1 and not known & set(row.forger.split("+")) for row in self.test])

    def dataset(self, rows, arrays=None, labels=None) -> ClipDataset:
        """The rows as a ClipDataset; arrays replace the clips' own (vectors, another sound)."""
        table = self.arrays if arrays is None else arrays
        forgers = sorted({row.forger for row in (*self.train, *self.val, *self.test)} - {"real"})
        people = sorted({row.identity for row in (*self.train, *self.val, *self.test)})
        return ClipDataset(rows, lambda row: table[row.clip_id], forgers=forgers, people=people, labels=labels, keep=True)


def draw(rows, n_test, n_train, seed) -> tuple:
    """(train, val, test): n clips of each forger and 3 n reals of 0.64 s, evenly over people.  Raises AvlabError for too few clips."""
    rows = replace(rows, rows=tuple(row for row in rows if abs(row.duration_s - synthtalk.SHORT) < 1e-3))
    known = forgers_to_train_on(rows)
    sizes = {"train": (n_train, known), "val": (max(n_train // VAL_SHARE, 1), known), "test": (n_test, None)}
    return tuple(rows.select(split=split).draw(n, seed=seed, reals_per_fake=PER_REAL, forgers=forgers).rows for split, (n, forgers) in sizes.items())


def read(sides, store="") -> Clips:
    """Render or read every clip once. store = folder in which inputs are kept between runs, "" = in memory only."""
    rows = [row for side in sides for row in side]
    if store:
        get = stored(rows, msct.inputs, store, {"detector": "msct", "pixels": 40}, load=load_clip)
        return Clips(*sides, {row.clip_id: get(row) for row in rows})
    return Clips(*sides, {row.clip_id: msct.inputs(load_clip(row)) for row in rows})


def encoded(clips, model) -> dict:
    """Vectors of all pictures by the picture encoder of a model: {clip_id: {"frames": (T, width), "fbank", "mask"}}."""
    rows = [*clips.train, *clips.val, *clips.test]
    return vectors(model, rows, lambda row: clips.arrays[row.clip_id])


def with_sound(table, rows, fbanks) -> dict:
    """The table with another sound for these rows: fbanks (N, 104, T)."""
    return {row.clip_id: {**table[row.clip_id], "fbank": fbank} for row, fbank in zip(rows, fbanks, strict=True)}


def noise(n, frames, seed) -> np.ndarray:
    """fbank-104 of n white noises, (n, 104, frames) float32: loudness does not matter, each row is normalised."""
    rng = np.random.default_rng([6, seed])
    return np.stack([fbank104(0.1 * rng.standard_normal(640 * frames)).T for _ in range(n)])


def sources(clips) -> list:
    """The real clips that the test's fakes were made from, as rows: the same person, words, motion and camera, and no forger.

    Raises AvlabError where a manifest does not render its clips: then nobody knows the source.
    """
    fakes = [row for row in clips.test if row.label]
    if any(row.path for row in fakes):
        raise AvlabError("Only SynthTalk can take a forgery back", got=fakes[0].path, todo="Use manifest=synthtalk")
    real = {"category": "RVRA", "label_video": "real", "label_audio": "real", "forger_video": "", "forger_audio": "", "donor": -1, "forger_seed": 0}
    return [replace(row, clip_id=f"{row.clip_id}-source", **real) for row in fakes]
