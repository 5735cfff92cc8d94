"""The clips of notebook 03: people of the split test, whom no bundled network has met, and what else about a clip could make neighbours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, fields, replace

import numpy as np

from avlab.clips import load_clip
from avlab.course import nb03_training as training
from avlab.errors import AvlabError

REALS = 3  # reals drawn for every clip of a forger
BINS = 4  # of a nuisance that is a number: its quarters
SHOWN, HEARD = 2, 6_400  # every second frame, and so many samples a second, go into an explorer: 240 clips must fit 3 MB


@dataclass(frozen=True, eq=False)
class Sample:
    """N clips of 0.64 s as AMDD reads them, and what is known about them.

    rows (N,) manifest rows    forger, people, category (N,)    known (N,) bool: real, or of a forger that the networks were taught
    generator (N,) 0 = real, k = the k-th of `forgers`, -1 = a stranger    forgers  names that the networks were taught
    frames (N, T, 3, 40, 40) float16    log_mel (N, F, n) float16    nuisance {name: (N,)} numbers or names that are no forgery
    film (N, T / 2, H, W, 3) uint8, sound (N, S / 2.5)   what a reader sees and hears of the clips, or None; no network reads them
    """

    rows: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    category: np.ndarray
    generator: np.ndarray
    forgers: tuple
    frames: np.ndarray
    log_mel: np.ndarray
    nuisance: dict
    film: np.ndarray | None = None
    sound: np.ndarray | None = None

    def __len__(self):
        return len(self.rows)

    @property
    def known(self) -> np.ndarray:
        """Clips that are real or come from a forger that the networks were taught, (N,) bool."""
        return self.generator >= 0

    @property
    def label(self) -> np.ndarray:
        """(N,) 1 = fake."""
        return (self.forger != "real").astype(int)

    def pick(self, keep) -> Sample:
        """Return the clips of a mask (N,)."""
        keep = np.asarray(keep, bool)
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("forgers", "nuisance")}
        cut = {name: value[keep] for name, value in told.items() if value is not None}
        return replace(self, **cut, nuisance={name: value[keep] for name, value in self.nuisance.items()})


def draw(rows, n_clips: int, seed: int, *, split: str = "test"):
    """Draw about n_clips clips of one split: n of every forger and 3 n reals, spread over people by the seed. Raises AvlabError when there are too few."""
    part = rows.select(split=split, duration_s=training.SECONDS)
    names = sorted({row.forger for row in part} - {"real"})
    if not names:
        raise AvlabError(f"Notebook 03 needs forged clips of {training.SECONDS} s in the split {split}", got=len(part), todo="Use manifest=synthtalk")
    return part.draw(max(n_clips // (len(names) + REALS), 2), seed=seed, reals_per_fake=REALS, forgers=names)


def load_sample(rows, forgers, inputs) -> Sample:
    """Render or read the clips once. forgers  those the networks were taught, in their order; inputs  Clip -> AMDD's arrays."""
    from scipy.signal import resample_poly

    made, nuisance, film, sound = [], [], [], []
    for row in rows:
        clip = load_clip(row)
        film.append(clip.frames[::SHOWN])
        sound.append(resample_poly(clip.audio, HEARD, clip.sample_rate))
        made.append(inputs(clip))
        nuisance.append(_nuisances(clip))
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("forger", "identity", "category")}
    number = {name: k for k, name in enumerate(("real", *forgers))}
    told = {name: np.array([one[name] for one in nuisance]) for name in nuisance[0]}
    binned = {name: _quarters(value) for name, value in told.items()}
    return Sample(np.array(list(rows), dtype=object), column["forger"], column["identity"], column["category"],
                  np.array([number.get(name, -1) for name in column["forger"]]), tuple(forgers), np.stack([one["frames"] for one in made]),
                  np.stack([one["log_mel"] for one in made]), {"person": column["identity"], **binned}, np.stack(film), np.stack(sound))


def _nuisances(clip) -> dict:
    """What is not the forgery: colour of the wall, sharpness of the camera, speed of the speech, light. Read from the corners, where no forger works."""
    corner = clip.frames[:, :10, :10].astype(float)
    hue = colorsys.rgb_to_hsv(*(corner.mean((0, 1, 2)) / 255))[0]
    fine = np.abs(np.diff(corner.mean(-1), axis=2)).mean()
    if clip.truth is None:
        raise AvlabError("Notebook 03 asks for the speed of the speech, which only a rendered clip tells", got=clip.clip_id, todo="Use manifest=synthtalk")
    return {"background hue": hue, "camera blur and grain": fine, "light": float(clip.frames.mean()), "phoneme rate": len(clip.truth.phonemes) / clip.seconds}


def _quarters(value) -> np.ndarray:
    """Number of the quarter that each value lies in, 0..3."""
    return np.searchsorted(np.quantile(value, np.arange(1, BINS) / BINS), value)


def trained_people(rows) -> frozenset:
    """Everyone who is seen in the clips that the bundled networks were trained on or chosen by."""
    forgers = training.known_forgers(rows)
    return frozenset().union(*(row.identities for split in ("train", "val") for row in training.training_rows(rows, split, forgers)))
