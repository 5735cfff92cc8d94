"""The inversion explorer of notebook 01: one frame of several clips, at every level of the walk to noise and back, by several solvers."""

from functools import partial

import numpy as np
import torch

from avlab.course.nb01_experiments import decoded, grey
from avlab.probe.ddim import ddim_sample
from avlab.show import pictures
from avlab.show.figures_attention import tiles

FRAME = 8  # the one that is kept, of 16
LEVELS = 9  # at most so many are shown, clean and noise included
KINDS = 5  # of clips: with five solvers and nine levels an explorer has 225 states
SPREAD = 3.0  # deviations of a latent that its picture reaches


class Passage:
    """Keeps one frame of the latents that every clip of a round trip passes: pass `there` and `back` as on_step, or `hooks` to round_trip."""

    def __init__(self, steps, frame=FRAME):
        self.steps, self.frame, self.seen = steps, frame, {"there": [], "back": []}

    def there(self, step, t, z):
        self.seen["there"].append(z[:, :, self.frame].cpu())

    def back(self, step, t, z):
        self.seen["back"].append(z[:, :, self.frame].cpu())

    def hooks(self, invert, sample=ddim_sample) -> dict:
        """What round_trip is to be given so that this passage sees its walk."""
        return {"invert": partial(invert, on_step=self.there), "sample": partial(sample, on_step=self.back)}

    def walk(self, trip):
        """Latents of all clips of that trip, (2, steps + 1, N, 4, h, w): on the way there and on the way back, both from clean to noise."""
        ways = []
        for seen in self.seen.values():  # the batches of a round trip follow one another
            ways.append(torch.cat([torch.stack(seen[i:i + self.steps]) for i in range(0, len(seen), self.steps)], 1))
        clean, noise = (z[:, :, self.frame][None] for z in (trip.z0, trip.z_T))
        return torch.stack([torch.cat([clean, ways[0]]), torch.cat([noise, ways[1]]).flip(0)])


def each(*hooks):
    """One on_step that tells several."""
    def tell(step, t, z):
        for hook in hooks:
            hook(step, t, z)
    return tell


def one_of_each(forger, most=KINDS) -> dict:
    """{name: index of its first clip} of at most so many kinds: real, then forgers in the order in which they were drawn."""
    names = sorted(dict.fromkeys(forger.tolist()), key=lambda name: name != "real")[:most]
    return {name: int(np.flatnonzero(forger == name)[0]) for name in names}


def films(probe, walk, rows):
    """The pictures of a walk's latents for some clips, (2, levels, n, H, W, 3) in 0..1."""
    z = walk[:, :, list(rows)]
    flat = decoded(probe, z.flatten(0, 2)[:, :, None])
    return flat[:, 0].reshape(*z.shape[:3], *flat.shape[2:])


def shown_levels(steps) -> list:
    """At most LEVELS steps of a walk, 0 (clean) and the last one (noise) included."""
    return np.unique(np.linspace(0, steps, min(steps + 1, LEVELS)).round().astype(int)).tolist()


def gap(film, k, level) -> float:
    """Mean difference between there and back of clip k at one level, in grey levels."""
    return float(grey(film[0, level, k], film[1, level, k]).mean())


def state(walk, film, row, k, level, top) -> dict:
    """The panels of one state: the latent's channels, its picture, the picture on the way back, and what they differ by.

    walk (2, levels, N, 4, h, w), of which clip `row`; film (2, levels, n, H, W, 3), of which clip k; top  grey levels of the brightest difference
    """
    latent = tiles(walk[0, level, row].numpy(), 2, kind="signed", top=SPREAD)
    there, back = film[:, level, k]
    return {"latent z, a tile a channel": latent, "D(z) on the way there": pictures.paint(there),
            "D(z) on the way back": pictures.paint(back), "difference": pictures.paint(grey(there, back), "grey", top)}
