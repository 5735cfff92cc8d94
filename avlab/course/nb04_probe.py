"""Notebook 04's signal without training on fakes: the probe's own denoising error, with the clip's sound, a shifted one, another person's, and silence.

A network that listens denoises lips better when it hears what they say. So the error with a wrong sound minus the error with the right one
measures agreement, and the error against the shift of the sound is a lag curve. One network call gives one error of one clip.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from avlab.course.nb04_clips import windows
from avlab.explain import controls

T = 249  # noise level of design.md section 4: lips are gone, the head is not
BATCH = 8
LIPS = (slice(8, 15), slice(4, 12))  # latent rows and columns around SynthTalk's mouths, the same for every clip: no truth about a clip is read


def noise_of(rows, shape, draw: int, seed: int):
    """White noise (N, *shape) that depends on clip, draw and seed alone: a clip meets the same noise under every sound and in any company."""
    generators = [torch.Generator().manual_seed((int(row.digest[:12], 16) + 7919 * draw + seed) % 2**63) for row in rows]
    return torch.stack([torch.randn(shape, generator=g) for g in generators])


@torch.no_grad()
def errors(probe, rows, frames, sounds: dict, *, draws=2, seed=0, t=T) -> dict:
    """Mean squared v-error around the lips of every clip under every sound: {name: (N,)}, averaged over noise draws.

    z_t = sqrt(abar) z_0 + sqrt(1 - abar) noise,  error = mean (v(z_t, t, sound) - (sqrt(abar) noise - sqrt(1 - abar) z_0))^2

    frames (N, 16, 64, 64, 3) uint8      sounds  {name: (N, 10240)}      draws  noises a clip, the same for all sounds, so differences are paired
    Costs draws * len(sounds) network calls a clip.
    """
    abar, found = probe.schedule.abar(t), {name: [] for name in sounds}
    for first in range(0, len(rows), BATCH):
        part = slice(first, first + BATCH)
        z0 = probe.encode(frames[part])
        noises = [noise_of(rows[part], z0.shape[1:], k, seed).to(z0) for k in range(draws)]
        for name, audio in sounds.items():
            denoise, total = probe.denoiser(z0[:, :, 0], probe.tokens(np.ascontiguousarray(audio[part]))), 0
            for noise in noises:
                v = math.sqrt(abar) * noise - math.sqrt(1 - abar) * z0
                gap = denoise(math.sqrt(abar) * z0 + math.sqrt(1 - abar) * noise, t) - v
                total = total + gap[..., LIPS[0], LIPS[1]].square().mean((1, 2, 3, 4))
            found[name].append((total / draws).cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def others(sample, seed: int) -> np.ndarray:
    """Whose sound each clip gets when it may not keep its own: another person's, of the same category."""
    return controls.shuffled_order(sample.people.tolist(), sample.category.tolist(), seed=seed)


def agreement(probe, sample, rows, *, draws, seed, silent=True) -> dict:
    """log(error with another's sound / error with its own) of the clips `rows` of a sample, larger = the lips say what is heard: {"own", "silent": (n,)}.

    The other's sound may come from any clip of the sample. "silent" is the control: the same with silence in the place of the own sound.
    A ratio, because clips differ in how hard their pixels are.
    """
    frames, own = windows(sample)
    sounds = {"own": own[rows], "shuffled": own[others(sample, seed)][rows]} | ({"silent": controls.silent(own[rows])} if silent else {})
    error = errors(probe, sample.rows[rows], frames[rows], sounds, draws=draws, seed=seed)
    return {name: np.log(error["shuffled"] / error[name]) for name in sounds if name != "shuffled"}


def lag_errors(probe, sample, lags, *, draws, seed) -> np.ndarray:
    """Error at every lag over the error's mean over lags, minus 1: (N, len(lags)). The lowest point is the lag at which lips and sound agree."""
    sounds = {lag: windows(sample, lag=lag)[1] for lag in lags}
    error = errors(probe, sample.rows, windows(sample)[0], sounds, draws=draws, seed=seed)
    table = np.stack([error[lag] for lag in lags], 1)
    return table / table.mean(1, keepdims=True) - 1
