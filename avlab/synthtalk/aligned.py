"""What a learned forger sees, hears and leaves behind: crops in the head's own coordinates, windows of sound, and how far the drawn mouth is open.

Numpy alone: no network, no training, no truth about what is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from . import face

SAMPLE_RATE = 16_000
N_FFT, HOP, BANDS, COLUMNS = 800, 200, 32, 16  # Wav2Lip's analysis: 50 ms windows every 12.5 ms, 16 of them are 200 ms; there 80 bands


@dataclass(frozen=True)
class Grid:
    """A crop of height x width points, `step` head units apart, with its middle at (0, middle) in head coordinates."""

    height: int
    width: int
    step: float
    middle: float

    @property
    def rows(self):
        """Head coordinate y of every row, (height,)."""
        return self.middle + (np.arange(self.height) - (self.height - 1) / 2) * self.step

    @property
    def columns(self):
        """Head coordinate x of every column, (width,)."""
        return (np.arange(self.width) - (self.width - 1) / 2) * self.step


LOWER = Grid(32, 40, 0.0265, 0.385)  # nose to chin; about a pixel a step at the usual size of a head
INNER = Grid(48, 48, 0.0275, 0.12)  # brows to chin


def cut(picture, move, grid):
    """Crop every frame along the head: (T, 64, 64, 3) -> float32 (T, height, width, 3), cubic splines."""
    u, v = np.meshgrid(grid.columns, grid.rows)
    shift_x, shift_y, turn, scale = (value[:, None, None] for value in (move.x, move.y, move.turn, move.scale))
    x = (np.cos(turn) * u - np.sin(turn) * v) * scale + shift_x
    y = (np.sin(turn) * u + np.cos(turn) * v) * scale + shift_y
    return _sampled(picture, ((y + 1) / face.PIXEL - 0.5, (x + 1) / face.PIXEL - 0.5))


def paste(crops, move, grid):
    """Put crops (T, height, width, 3) back where `cut` took them: float32 (T, 64, 64, 3), edge values outside."""
    x, y, _ = face.head_coordinates(move)
    return _sampled(crops, ((y - grid.rows[0]) / grid.step, (x - grid.columns[0]) / grid.step))


def _sampled(images, at):
    made = np.empty((*at[0].shape, 3), np.float32)
    for frame, image in enumerate(images):
        for channel in range(3):
            made[frame, ..., channel] = map_coordinates(image[..., channel], (at[0][frame], at[1][frame]), order=3, mode="nearest", output=np.float32)
    return made


# ------------------------------------------------------------------------------------------------ sound


@cache
def _mel_filters():
    import librosa

    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=BANDS)


def log_mel(sound):
    """Sound (S,) -> (columns, BANDS) float32, column j at j * 12.5 ms: log(mel power + 0.01) of the sound at unit root mean square."""
    import librosa

    sound = sound / max(np.sqrt(np.mean(np.square(sound, dtype=np.float64))), 1e-6)
    power = np.abs(librosa.stft(sound.astype(np.float32), n_fft=N_FFT, hop_length=HOP, pad_mode="constant")) ** 2
    return np.log(_mel_filters() @ power + 1e-2).T.astype(np.float32)


def windows(mel, n_frames: int, fps: float, late_s: float = 0.0):
    """What each frame hears, (T, COLUMNS * BANDS): 200 ms around its middle, or around late_s before it; the clip's ends are repeated."""
    centres = (np.arange(n_frames) + 0.5) / fps - late_s
    at = (centres[:, None] * SAMPLE_RATE / HOP + np.arange(COLUMNS) - (COLUMNS - 1) / 2).clip(0, len(mel) - 1)
    low = np.minimum(at.astype(int), len(mel) - 2)
    part = (at - low)[..., None]
    return ((1 - part) * mel[low] + part * mel[low + 1]).reshape(n_frames, -1).astype(np.float32)


# ------------------------------------------------------------------------------------------------ how far a drawn mouth is open

OPENINGS = np.linspace(0, 1, 7)
SHAPES = ((1.0, 0.0), (0.65, 0.0), (0.3, 0.05), (0.15, 0.5), (0.0, 1.0))  # wide, round: from spread to rounded, where all visemes lie nearby


def opening_of(who, crops):
    """Read from crops LOWER (T, 32, 40, 3) how far the mouth in them is open, (T,) in 0..1.

    The answer is the opening at which the same person's own mouth, drawn at seven openings in five shapes, looks most like the crop: the nearest
    drawing under face.mouth_box, then one Gauss-Newton step towards its neighbours in opening and shape. Both are softened first, so that a
    forger's own softness hardly counts. On true pictures of people of the test split: correlation 0.98, mean error 0.03 (tests/synthtalk/test_learned.py).
    """
    templates, seen = _templates(who), _softened(who, crops)
    nearest = ((templates**2).sum(1) - 2 * seen @ templates.T).argmin(1)
    at = np.stack(np.unravel_index(nearest, (len(OPENINGS), len(SHAPES))), 1)
    slopes = np.stack(np.gradient(templates.reshape(len(OPENINGS), len(SHAPES), -1), axis=(0, 1)), -1)[at[:, 0], at[:, 1]]
    step = [np.linalg.lstsq(slope, gap, rcond=None)[0] for slope, gap in zip(slopes, seen - templates[nearest], strict=True)]
    return np.clip((at[:, 0] + np.clip(np.array(step)[:, 0], -1, 1)) * OPENINGS[1], 0, 1)


@lru_cache(maxsize=128)
def _templates(who):
    """A person's own mouth at seven openings in five shapes, softened: (35, numbers). Kept, because a forger draws many films of one person."""
    mouths = np.array([(opening, *shape) for opening in OPENINGS for shape in SHAPES])
    still = np.zeros(len(mouths))
    move = face.Motion(still, still - 0.3, still, still + face.PIXEL / LOWER.step, still, still, still)
    drawn, _ = face.draw(who, move, mouths, np.full((face.SIZE, face.SIZE, 3), 0.5, np.float32), np.full(3, 0.5))
    return _softened(who, cut(drawn, move, LOWER))


def _softened(who, crops):
    weight = np.sqrt(face.mouth_box(who, *np.meshgrid(LOWER.columns, LOWER.rows), margin=0.8))[..., None]
    return (weight * gaussian_filter(crops, (0, 1.2, 1.2, 0))).reshape(len(crops), -1).astype(np.float64)
