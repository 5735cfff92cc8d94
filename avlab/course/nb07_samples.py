"""Clips as MMMS-BA reads them, with their truth; and the same clips with a sense missing, silent or swapped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from avlab.clips.rows import category
from avlab.clips.store import Store
from avlab.course.nb07_clips import FPS, SECONDS, loaded, source_of
from avlab.detectors import mmmsba
from avlab.detectors.batches import ClipDataset, forged_spans
from avlab.explain.controls import shuffled_order
from avlab.synthtalk import VERSION

HALF = np.float16
INPUTS = 2  # of mmmsba.inputs: raise it when they change, so that no store mixes two kinds


@dataclass(frozen=True, eq=False)
class Sample:
    """N clips: rows (N,), arrays {clip_id: {name: array}}, and films {clip_id: Clip}, the few that are shown."""

    rows: tuple
    arrays: dict
    films: dict

    def __len__(self):
        return len(self.rows)

    @cached_property
    def truth(self) -> list:
        """Forged spans of every clip in seconds, (M, 2), either stream, merged."""
        return [np.array(forged_spans(row), float).reshape(-1, 2) for row in self.rows]

    @cached_property
    def people(self) -> np.ndarray:
        return np.array([row.identity for row in self.rows])

    @cached_property
    def stream(self) -> np.ndarray:
        """(N,) "real", "picture", "sound" or "both": what is forged."""
        names = {("real", "real"): "real", ("fake", "real"): "picture", ("real", "fake"): "sound", ("fake", "fake"): "both"}
        return np.array([names[row.label_video, row.label_audio] for row in self.rows])

    def data(self, labels=None) -> ClipDataset:
        """The clips as a data set of the detector's training; labels = rows that lend their labels."""
        if labels is None:
            return self._data
        return dataset(self.rows, self.arrays, labels)

    @cached_property
    def _data(self):
        return dataset(self.rows, self.arrays)

    def pick(self, keep) -> Sample:
        """The clips of a boolean mask (N,)."""
        return Sample(tuple(row for row, k in zip(self.rows, keep, strict=True) if k), self.arrays, self.films)


def dataset(rows, arrays, labels=None):
    forgers = sorted({row.forger for row in rows} - {"real"})
    return ClipDataset(rows, lambda row: arrays[row.clip_id], forgers=forgers, labels=labels, segments=True, frames=round(SECONDS * FPS), keep=True)


def read(clip) -> dict:
    """A clip's inputs in half precision, as stores keep them."""
    return {name: value.astype(HALF) for name, value in mmmsba.inputs(clip).items()}


def arrays_of(rows, make, store="") -> dict:
    """Inputs of clips by clip_id: of the clips that make() renders, in the order of rows; or from the store at a path, filled where it has gaps."""
    if not store:
        return {row.clip_id: read(clip) for row, clip in zip(rows, make(), strict=True)}
    kept = Store(store, {"synthtalk": VERSION, "detector": "mmmsba", "seconds": SECONDS, "inputs": INPUTS})
    if kept.missing(rows):
        for row, clip in zip(rows, make(), strict=True):
            kept.put(row, read(clip))
    return {row.clip_id: kept.get(row) for row in rows}


def test_set(rows, people, kinds=(0, 1, 2), shown=1, store=""):
    """Render the real and the partly forged clips of people; returns (all of them, those of a sample whose pictures alone are forged).

    The second sample has the reals, and every picture forgery with its true sound, also where the manifest's clip forges both: with or
    without its sound, the same spans are there to be found.  films  of the first `shown` people are kept for the timeline.
    """
    made, arrays, films, seen, seen_arrays = [], {}, {}, [], {}
    for number, who in enumerate(people):
        mine = [row for row in rows if row.identity == who]
        partial = [row for row in mine if row.label == 1]
        for row in (partial[kind] for kind in kinds):
            source = source_of(row, mine)
            both = loaded(source, row) if number < shown or not store else None
            made += [source, row]
            arrays |= arrays_of([source, row], lambda both=both, rows=(source, row): both or loaded(*rows), store)
            films |= {clip.clip_id: replace(clip, truth=None) for clip in both} if number < shown else {}
            seen.append(source)
            if row.label_video == "fake":
                mute = true_sound(row)
                seen.append(mute)
                seen_arrays[mute.clip_id] = arrays[row.clip_id] | {"audio": arrays[source.clip_id]["audio"]}
    return Sample(tuple(made), arrays, films), Sample(tuple(seen), arrays | seen_arrays, {})


def true_sound(row):
    """The row of a picture forgery with its true sound."""
    if row.label_audio == "real":
        return row
    return replace(row, clip_id=f"{row.clip_id}-true-sound", label_audio="real", forger_audio="", segments_audio=(), category=category(row.label_video, "real"))


def without(sample, *names) -> Sample:
    """Declare modalities absent: their part of the mask is 0, and their numbers are NaN, which nothing may read."""
    def change(arrays):
        mask = arrays["mask"].copy()
        mask[:, [mmmsba.MODALITIES.index(name) for name in names]] = 0
        return arrays | {"mask": mask} | {name: np.full_like(arrays[name], np.nan) for name in names}
    return _changed(sample, lambda index, arrays: change(arrays))


def silenced(sample) -> Sample:
    """Digital silence in place of the sound: an input, and declared to be there."""
    from avlab.clips.audio import log_mel

    def change(index, arrays):
        bands = log_mel(np.zeros(round(SECONDS * 16000), np.float32)).T[:4 * len(arrays["mask"])].reshape(-1, 4, 64)
        return arrays | {"audio": np.concatenate([bands.mean(1), bands.std(1)], 1).astype(HALF)}
    return _changed(sample, change)


def swapped(sample, seed) -> Sample:
    """Someone else's sound of the same category."""
    order = shuffled_order([row.identities for row in sample.rows], [row.category for row in sample.rows], seed=seed)
    return _changed(sample, lambda index, arrays: arrays | {"audio": sample.arrays[sample.rows[order[index]].clip_id]["audio"]})


def _changed(sample, change):
    return Sample(sample.rows, {row.clip_id: change(index, sample.arrays[row.clip_id]) for index, row in enumerate(sample.rows)}, {})
