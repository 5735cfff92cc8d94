"""The traces of the forgers in notebook 00: what each leaves behind, measured against the very clip it was made from.

No detector has that clip: these curves show that there is something to find, and where, not that anybody finds it.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from avlab.course.nb00_experiments import FPS, MOUTH
from avlab.explain import shortcuts
from avlab.synthtalk import aligned, face

FACE = (slice(16, 56), slice(16, 48))
UPPER = 32  # rows above this one hold eyes and brows, whatever the mouth does


def lattice(films: dict, sources) -> dict:
    """Return {forger: (cycles per pixel, dB)}: power of the face along a line of pixels, forgery over its own source.

    films  {forger: list of (T, H, W, 3)}, sources  list in the same order
    """
    def power(frames):
        grey = (np.asarray(frames, np.float32) @ shortcuts.GREY)[:, FACE[0], FACE[1]]
        grey = (grey - grey.mean(-1, keepdims=True)) * np.hanning(grey.shape[-1])
        return (np.abs(np.fft.rfft(grey, axis=-1)) ** 2).mean((0, 1))

    base = np.mean([power(frames) for frames in sources], 0)
    cycles = np.fft.rfftfreq(FACE[1].stop - FACE[1].start)
    return {name: (cycles[1:], 10 * np.log10(np.mean([power(f) for f in made], 0) / base)[1:]) for name, made in films.items()}


def lag_curves(clips: dict, reach: int = 4) -> dict:
    """Return {forger: (lag ms, mean correlation)} of the mouth's darkness in the picture with the opening that the sound asks for.

    Positive lag: the picture is late. clips {forger: list of Clip}.
    """
    lags = np.arange(-reach, reach + 1)
    found = {}
    for name, own in clips.items():
        found[name] = (1000 / FPS * lags, np.mean([[_correlation(darkness(c.frames), c.truth.mouth_open, k) for k in lags] for c in own], 0))
    return found


def darkness(frames) -> np.ndarray:
    """Return how dark the mouth's box is in every frame, (T,): minus the mean of its darkest tenth, in grey levels."""
    grey = np.sort((np.asarray(frames, np.float32) @ shortcuts.GREY)[:, MOUTH[0], MOUTH[1]].reshape(len(frames), -1), 1)
    return -grey[:, : grey.shape[1] // 10].mean(1)


def _correlation(picture, sound, lag):
    a, b = (picture[lag:], sound[: len(sound) - lag]) if lag >= 0 else (picture[:lag], sound[-lag:])
    return float(np.corrcoef(a, b)[0, 1])


def colour_step(clips: dict, sources: list, reach: int = 6) -> dict:
    """Return {forger: (px, grey levels)}: how far the mean colour is from the source's, against the depth inside the forged area.

    Negative depths lie outside. Only the upper half of the picture is read, where no mouth opens. The mean is taken over all pixels
    of one depth in a clip before its size, so that new detail cancels and a colour that does not match stays; depths that hardly any
    clip has are nan. clips {forger: list of Clip}, sources list of Clip in the same order.
    """
    steps, found = np.arange(-reach, reach), {}
    for name, own in clips.items():
        sizes = []
        for clip, source in zip(own, sources):
            gap = clip.frames.astype(float) - source.frames
            depth = np.stack([np.where(m, distance_transform_edt(m) - 1, -distance_transform_edt(~m)).round() for m in clip.truth.forged])
            depth[:, UPPER:] = np.inf
            sizes.append([np.abs(gap[depth == step].mean(0)).mean() if np.sum(depth == step) > 50 else np.nan for step in steps])
        enough = np.isfinite(sizes).sum(0) >= 3
        found[name] = (steps + 0.5, np.array([np.nanmean(column) if ok else np.nan for column, ok in zip(np.transpose(sizes), enough)]))
    return found


def standing(films: dict, sources: list, rows: list, reach: int = 6) -> dict:
    """Return {forger: (ms apart, correlation)}: how alike the forger's own fine detail is in two frames, seen from the head.

    A network that draws each frame alone spreads its mistakes, one that starts each frame from the same noise repeats them. The detail is
    forged minus source, cut along the head's motion, without what is coarser than 1.5 steps; a forger that changes nothing there is left out.

    films  {forger: list of (T, H, W, 3)}, sources and rows  lists in the same order
    """
    found = {}
    for name, made in films.items():
        curves = []
        for film, source, row in zip(made, sources, rows):
            move = face.motion(row.motion_seed, len(film), FPS)
            own = aligned.cut(film.astype(np.float32) - source, move, aligned.INNER).mean(-1)[:, 20:44, 10:38]
            own = own - gaussian_filter(own, (0, 1.5, 1.5))
            power = (own**2).mean()
            if power > 0.1:  # grey levels squared
                curves.append([(own[k:] * own[: len(own) - k]).mean() / power for k in range(reach + 1)])
        if curves:
            found[name] = (1000 / FPS * np.arange(reach + 1), np.mean(curves, 0))
    return found
