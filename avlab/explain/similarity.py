"""Do picture and sound agree? Lag curves, cosines that were centred first, and the baseline that both need: pairs that do not belong together.

Pure functions on arrays; they know no network, no label and no forger. Positive lags mean that the picture is late, everywhere.
"""

from __future__ import annotations

import numpy as np

from avlab.errors import AvlabError

LEAST = 4  # frames that must overlap at the largest lag; a correlation of three points is hardly ever far from 1


def lag_curve(picture, sound, max_lag: int, *, circular=False) -> np.ndarray:
    """Correlation of two signals of one clip at every shift: (2 max_lag + 1,), lags -max_lag..max_lag, in -1..1.

    out[max_lag + L] = corr(picture[t + L], sound[t])  over the t that both have;  L > 0: the picture is late

    The mean is taken of what overlaps, not of the whole. A signal that does not move correlates with nothing: 0.
    picture, sound   (T,), one number a frame      circular   wrap the ends around (np.roll), the usual mistake: start and end of a clip
                     are no neighbours, and the overlap does not shrink
    Raises AvlabError when fewer than LEAST frames overlap at the largest lag.
    """
    picture, sound = (np.asarray(x, np.float64) for x in (picture, sound))
    if picture.ndim != 1 or picture.shape != sound.shape:
        raise AvlabError("A lag curve takes two signals of the same frames", got=f"{picture.shape} and {sound.shape}")
    if len(picture) - max_lag < LEAST:
        raise AvlabError(f"At least {LEAST} frames overlap at the largest lag", got=f"{len(picture)} frames, lag {max_lag}", todo="Take a smaller max_lag")
    if circular:
        return np.array([correlation(np.roll(picture, -lag), sound) for lag in range(-max_lag, max_lag + 1)])
    last = len(picture)
    return np.array([correlation(picture[max(lag, 0):last + min(lag, 0)], sound[max(-lag, 0):last - max(lag, 0)]) for lag in range(-max_lag, max_lag + 1)])


def correlation(a, b) -> float:
    """Pearson's r of two equally long signals; 0 where one of them does not move."""
    a, b = a - np.mean(a), b - np.mean(b)
    norm = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / norm) if norm > 1e-12 else 0.0


def lags(max_lag: int) -> np.ndarray:
    """The lags of a curve in frames: -max_lag..max_lag."""
    return np.arange(-max_lag, max_lag + 1)


def peak_lag(curve) -> int:
    """The lag in frames at which a curve is highest; of equal ones the nearest to 0."""
    curve = np.asarray(curve)
    at = lags(len(curve) // 2)
    best = np.flatnonzero(curve == curve.max())
    return int(at[best[np.abs(at[best]).argmin()]])


def loudness(audio, n_frames: int) -> np.ndarray:
    """Log energy of the sound under each frame, (T,) in dB; silence is -80 dB and not minus infinity."""
    audio = np.asarray(audio, np.float64)
    pieces = audio[:len(audio) // n_frames * n_frames].reshape(n_frames, -1)
    return 10 * np.log10((pieces**2).mean(1) + 1e-8)


def darkness(frames, box) -> np.ndarray:
    """How far a mouth is open, read from the picture alone: minus the mean of the darkest tenth of a box, (T,) in grey levels.

    frames  (T, H, W, 3) uint8      box  (slice of rows, slice of columns) that holds the mouth
    """
    grey = np.asarray(frames[:, box[0], box[1]], np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    grey = np.sort(grey.reshape(len(grey), -1), 1)
    return -grey[:, :max(1, grey.shape[1] // 10)].mean(1)


def cosine(a, b, *, centre_a=None, centre_b=None) -> np.ndarray:
    """Cosine of each row of a with the same row of b: (N,), in -1..1; 0 for a row without length.

    a, b                (N, ...), joined to one vector a row
    centre_a, centre_b  subtracted first, one vector for all rows: means over *reference* clips, not over the clips that are judged.
                        Without it a mean that all rows share makes unrelated rows look alike (`shared_mean_cosine`).
    """
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (a, b))
    if a.shape != b.shape:
        raise AvlabError("A cosine compares vectors of one length, row by row", got=f"{a.shape} and {b.shape}")
    a = a if centre_a is None else a - np.ravel(centre_a)
    b = b if centre_b is None else b - np.ravel(centre_b)
    norm = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.where(norm > 1e-12, (a * b).sum(1) / np.maximum(norm, 1e-12), 0.0)


def shared_mean_cosine(mean: float) -> float:
    """Cosine of unrelated vectors whose coordinates are N(mean, 1): mean^2 / (1 + mean^2) in the limit of many dimensions.

    1, 2, 5 give 0.50, 0.80, 0.96. What a ReLU at the end of an encoder does to every pair of clips.
    """
    return mean**2 / (1 + mean**2)
