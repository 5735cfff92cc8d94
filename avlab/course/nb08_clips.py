"""The clips of notebook 08: as AMDD reads them, with the true forged area and the real clip that each forgery was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avlab.clips import load_clip
from avlab.course import nb03_training as training
from avlab.course.nb00_experiments import source_of
from avlab.course.picked import Picked
from avlab.detectors import amdd
from avlab.errors import AvlabError
from avlab.explain.faithfulness import resized

BOX = (amdd.TOP, amdd.LEFT, amdd.TOP + amdd.SIDE, amdd.LEFT + amdd.SIDE)  # where AMDD's pictures lie in the clip's
PX = 40
FRAMES = 16


@dataclass(frozen=True, eq=False)
class Sample(Picked):
    """N clips of 16 frames.

    rows (N,)    frames (N, T, 3, 40, 40) float32 in 0..255, log_mel (N, F, n) float32: what AMDD reads
    source (N, T, 3, 40, 40)  the same of the real clip that a forgery was made from: same person, words, camera, noise; a real clip is its own
    forged (N, T, 40, 40) bool, pixels that a forger changed    face (N, T, 40, 40) bool    pictures (N, T, 64, 64, 3) uint8, audio (N, S)
    """

    rows: np.ndarray
    frames: np.ndarray
    log_mel: np.ndarray
    source: np.ndarray
    forged: np.ndarray
    face: np.ndarray
    pictures: np.ndarray
    audio: np.ndarray

    def column(self, name) -> np.ndarray:
        """One column of the rows, (N,)."""
        return np.array([getattr(row, name) for row in self.rows])

    @property
    def faces(self) -> np.ndarray:
        """The part of the pictures that AMDD sees, (N, T, 40, 40, 3) uint8."""
        return cropped(self.pictures.transpose(0, 1, 4, 2, 3)).transpose(0, 1, 3, 4, 2)

    @property
    def mine(self) -> np.ndarray:
        """(N,) True where the picture is forged, so that there is something to point at."""
        return self.forged.any((1, 2, 3))


def picture_forgers(rows) -> tuple[str, ...]:
    """Forgers of the picture alone, those that AMDD was taught first."""
    names = {row.forger for row in rows if row.label_video == "fake" and row.label_audio == "real"}
    known = training.known_forgers(rows)
    return tuple(sorted(names, key=lambda name: (name not in known, name)))


def draw(rows, n_clips: int, seed: int, *, split="test", forgers=None, reals=0):
    """About n_clips rows of one split: equally many of every forger, and so many reals. Raises AvlabError where there are too few, or none rendered."""
    part = rows.select(split=split, duration_s=training.SECONDS)
    forgers = forgers or picture_forgers(part)
    if not forgers or any(row.path for row in part):
        raise AvlabError("Notebook 08 scores maps against the true forged area, which only a rendered clip knows", got=f"{len(part)} clips",
                         todo="Use manifest=synthtalk")
    drawn = part.draw(max(n_clips // len(forgers), 1), seed=seed, reals_per_fake=1, forgers=forgers)
    real = [row for row in drawn if row.forger == "real"]
    return real[:reals] + [row for row in drawn if row.forger != "real"]


def load_sample(rows) -> Sample:
    """Render the clips and, of every forgery, the real clip it was made from."""
    made = [_one(row) for row in rows]
    return Sample(np.array(list(rows), dtype=object), *(np.stack(column) for column in zip(*made, strict=True)))


def _one(row):
    clip = load_clip(row)
    read = amdd.inputs(clip)
    true = amdd.inputs(load_clip(source_of(row))) if row.label_video == "fake" else read
    return (read["frames"].astype(np.float32), read["log_mel"].astype(np.float32), true["frames"].astype(np.float32), cropped(clip.truth.forged),
            cropped(clip.truth.regions) > 0, clip.frames, clip.audio)


def cropped(film) -> np.ndarray:
    """The part of a film (..., 64, 64) that AMDD sees, (..., 40, 40)."""
    size = film.shape[-1]
    top, left, bottom, right = (round(edge * size) for edge in BOX)
    return np.asarray(film)[..., top:bottom, left:right]


def on_picture(film, size: int = 64) -> np.ndarray:
    """A mask on AMDD's part (..., 40, 40) at its place in the whole picture, (..., size, size); False elsewhere."""
    made = np.zeros((*film.shape[:-2], size, size), film.dtype)
    cropped(made)[...] = film  # a view
    return made


def into_box(film, side: int = 64) -> np.ndarray:
    """Films on the whole picture (..., T, h, w) -> on AMDD's part of it, (..., 16, 40, 40)."""
    return cropped(resized(film, (FRAMES, side, side)))
