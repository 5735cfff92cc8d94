"""What X-AVDT reads of the clips of notebook 05: psi and phi from a probe, live or through a store.

A store is one that `avlab extract` fills as well: the same folder, settings and arrays (psi, and with phi the three latents, in half
precision), under the row of a clip with its own sound. So a store made with `avlab extract MANIFEST --out STORE --phi` (40 steps) is read
with phi_steps=40 and no network is asked; other steps, sounds and probes lie beside it in the same folder. Live numbers go through half
precision too: a run gives the same with a store and without.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from avlab.clips.store import Store
from avlab.detectors import xavdt
from avlab.probe import extract
from avlab.probe.ddim import ddim_invert, ddim_sample

BATCH = 8


@torch.no_grad()
def latents(probe, frames, audio, *, phi=True) -> dict:
    """psi (B, D, T, h, w), z0 and with phi z_T and z0_hat (B, 4, T, h, w), float16 arrays: `probe.measure` without the pictures."""
    made = probe.measure(frames, audio, phi=False)
    if phi:
        denoise = probe.denoiser(made["z0"][:, :, 0], probe.tokens(audio))
        made["z_T"] = ddim_invert(denoise, made["z0"], probe.schedule)
        made["z0_hat"] = ddim_sample(denoise, made["z_T"], probe.schedule)
    return {name: value.half().cpu().numpy() for name, value in made.items()}


def measured(store: str, probe, sample, audio=None, *, phi=True, px=None) -> dict:
    """Return what X-AVDT reads of N clips: {"composite": (N, 12, T, px, px), "av_attention": (N, D, T, h, w)}, float16.

    store   folder, "" = live      audio   (N, S), default the clips' own      phi=False: composite is zeros of one pixel, one call a clip
    """
    own = audio is None
    audio = sample.audio if own else audio
    kept = Store(store, extract.settings(probe, phi=phi)) if store else None
    items = list(sample.rows) if own else [_key(row, sound) for row, sound in zip(sample.rows, audio)]
    found = [kept.get(item) if kept and kept.has(item) else None for item in items]
    missing = [i for i, arrays in enumerate(found) if arrays is None]
    for first in range(0, len(missing), BATCH):
        rows = missing[first:first + BATCH]
        batch = latents(probe, sample.frames[rows], audio[rows], phi=phi)
        for k, i in enumerate(rows):
            found[i] = {name: value[k] for name, value in batch.items()}
            if kept:
                kept.put(items[i], found[i])
    made = [_inputs(probe, arrays, frames, phi, px) for arrays, frames in zip(found, sample.frames)]
    return {name: np.stack([one[name] for one in made]) for name in made[0]}


def _inputs(probe, arrays, frames, phi, px):
    film = extract.composite(probe, arrays, frames) if phi else torch.zeros(12, len(frames), 1, 1)
    return xavdt.inputs(film, arrays["psi"], px=px if phi else None)


def _key(row, sound):
    """The name of a clip with a sound that is not its own."""
    return f"{row.clip_id}\x1f{row.digest}\x1f{hashlib.sha256(np.ascontiguousarray(sound).tobytes()).hexdigest()[:16]}"
