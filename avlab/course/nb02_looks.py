"""The attention explorer of notebook 02: one fake beside the very clip that it was made from, every layer, every sound, one scale."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from avlab.course import nb02_clips
from avlab.course.nb02_experiments import KINDS, one_batch
from avlab.errors import AvlabError
from avlab.explain import controls
from avlab.probe.attention import last_layer
from avlab.show import pictures

BLOCKS = ("down.0", "down.1", "up.0", "up.-1")  # those that hold all three kinds
SOUNDS = ("own sound", "silence", "someone else's sound", "own minus silence", "random weights")


def pair(manifest, sample, probe, forger="dub"):
    """The real clip that the sample's first test clip of a forger was made from, and that fake: a sample of two.

    The forger is named before anything is measured, and the clip is the first that was drawn.  Raises AvlabError when its real clip is not there.
    """
    fake = sample.rows[(sample.side == "test") & (sample.forger == forger)][0]
    real = [row for row in manifest if row.forger == "real" and row.source == fake.source]
    if not real:
        raise AvlabError("The attention explorer shows a fake beside the clip it was made from", got=fake.clip_id, todo="Use manifest=synthtalk")
    return nb02_clips.load_sample([real[0], fake], probe)


def open_frame(both) -> int:
    """The frame in which the real clip's mouth is largest."""
    return int((both.regions[0] == 2).sum((1, 2)).argmax())


def strengths(probe, fresh, both, stranger, timesteps, seed: int) -> dict:
    """Length of psi over channels, at the open frame: {(kind, block, t, sound): (2, h, w)}, the real clip first.

    probe, fresh  the trained one and one with random weights      stranger (S,) another speaker's sound
    Both clips start from their clean latent with the same noise on it, so one call a timestep does; at t = 24 there is no noise yet.
    """
    import torch

    frame, tapped = open_frame(both), {(kind, block): last_layer(probe.unet, kind, block).name for kind in KINDS for block in BLOCKS}
    noise = torch.randn(both.z0[:1].shape, generator=torch.Generator().manual_seed(seed)).to(both.z0).expand_as(both.z0)
    heard = {"own sound": both.audio, "silence": controls.silent(both.audio), "someone else's sound": np.stack([stranger] * 2)}
    found, length = {}, lambda film: np.sqrt((film[:, :, frame] ** 2).mean(1))
    for sound, audio in heard.items():
        films = one_batch(probe, both.z0, audio, tapped, timesteps, noise)
        found |= {(*tap, t, sound): length(film) for (tap, t), film in films.items()}
        if sound == "own sound":
            own = films
        if sound == "silence":
            found |= {(*tap, t, "own minus silence"): length(own[tap, t] - film) for (tap, t), film in films.items()}
    blind = one_batch(fresh, both.z0, both.audio, tapped, timesteps, noise)
    return found | {(*tap, t, "random weights"): length(film) for (tap, t), film in blind.items()}


def mouth_ratio(both, maps) -> np.ndarray:
    """How many times its mean over the frame psi is in the mouth, for both clips: (2,); maps (2, h, w)."""
    weight = nb02_clips.region_masks(both.regions, *maps.shape[-2:])["mouth"][:, open_frame(both)]
    return (maps * weight).sum((1, 2)) / np.maximum(weight.sum((1, 2)), 1e-6) / maps.mean((1, 2))


def outline(both, clip: int) -> np.ndarray:
    """The edge of the mouth in the open frame as a picture that is transparent elsewhere, (H, W, 4) uint8."""
    mouth = both.regions[clip, open_frame(both)] == 2
    edge = binary_dilation(mouth) & ~mouth
    return np.dstack([np.full((*edge.shape, 3), 255, np.uint8), 255 * edge.astype(np.uint8)])


def level(found, kind, block, t, sound) -> float:
    """Mean length of psi over both clips against that under their own sound."""
    return float(found[kind, block, t, sound].mean() / found[kind, block, t, "own sound"].mean())


def looked_at(both, found, kind, block, t, sound) -> dict:
    """The panels of one state: {clip: (frame, {layer: picture})}; psi over its mean in the frame, from 0 (blue) over 1 (white) to 2 (orange)."""
    maps = found[kind, block, t, sound]
    relative, frame = maps / maps.mean((1, 2), keepdims=True) - 1, open_frame(both)
    return {name: (both.frames[k, frame], {"psi": pictures.paint(relative[k], "signed", 1.0), "outline of the mouth": outline(both, k)})
            for k, name in enumerate(("the real clip", f"the {both.forger[1]} made from it"))}
