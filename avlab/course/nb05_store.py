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
SMALL_PX, SMALL_GRID = 32, (8, 8)  # of X-AVDT small's encoder and of the grid on which its streams end


@torch.no_grad()
def latents(probe, frames, audio) -> dict:
    """psi (B, D, T, h, w), z0, z_T and z0_hat (B, 4, T, h, w), float16 arrays: `probe.measure` without the pictures."""
    made = probe.measure(frames, audio, phi=False)
    denoise = probe.denoiser(made["z0"][:, :, 0], probe.tokens(audio))
    made["z_T"] = ddim_invert(denoise, made["z0"], probe.schedule)
    made["z0_hat"] = ddim_sample(denoise, made["z_T"], probe.schedule)
    return {name: value.half().cpu().numpy() for name, value in made.items()}


def measured(store: str, probe, sample, audio=None) -> dict:
    """Return what X-AVDT small reads of N clips, float16: composite (N, 12, T, 32, 32), spectra (N, 320, 8, 8), av_attention (N, D, T, h, w).

    store   folder, "" = live      audio   (N, S), default the clips' own
    """
    own = audio is None
    audio = sample.audio if own else audio
    kept = [Store(store, extract.settings(probe, phi=True)), Store(store, inputs_settings(probe))] if store else None
    items = list(sample.rows) if own else [_key(row, sound) for row, sound in zip(sample.rows, audio)]
    found = [kept[1].get(item) if kept and kept[1].has(item) else None for item in items]
    missing = [i for i, arrays in enumerate(found) if arrays is None]
    for first in range(0, len(missing), BATCH):
        rows = missing[first:first + BATCH]
        for i, arrays in zip(rows, _latents_of(kept and kept[0], [items[i] for i in rows], probe, sample.frames[rows], audio[rows])):
            found[i] = xavdt.inputs(extract.composite(probe, arrays, sample.frames[i]), arrays["psi"], px=SMALL_PX, grid=SMALL_GRID)
            if kept:
                kept[1].put(items[i], found[i])
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def inputs_settings(probe) -> dict:
    """Settings under which the inputs of X-AVDT small lie in a store."""
    return extract.settings(probe, phi=True) | {"inputs": "xavdt small"}


def _latents_of(kept, items, probe, frames, audio) -> list:
    """[arrays of each clip]: read where they are kept, measured together and kept where not."""
    found = {i: kept.get(item) for i, item in enumerate(items) if kept and kept.has(item)}
    rows = [i for i in range(len(items)) if i not in found]
    batch = latents(probe, frames[rows], audio[rows]) if rows else {}
    for k, i in enumerate(rows):
        found[i] = {name: value[k] for name, value in batch.items()}
        if kept:
            kept.put(items[i], found[i])
    return [found[i] for i in range(len(items))]


def _key(row, sound):
    """The name of a clip with a sound that is not its own."""
    return f"{row.clip_id}\x1f{row.digest}\x1f{hashlib.sha256(np.ascontiguousarray(sound).tobytes()).hexdigest()[:16]}"
