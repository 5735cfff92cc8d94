"""Notebook 02 with a store: features of clips that were measured before are read, the others are measured and kept.

A feature depends on the clip, on the sound it was measured with, on the networks, the taps and the latents: all of them are in the key,
so a store can be filled by many runs, seeds and people, and a killed run loses one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from avlab.clips.store import Store
from avlab.course import nb02_experiments as experiments


def fingerprint(probe) -> str:
    """16 hex digits of all weights of a probe: two probes of one architecture never share a record."""
    digest = hashlib.sha256()
    for network in (probe.vae, probe.audio, probe.unet):
        for name, value in network.state_dict().items():
            digest.update(name.encode() + np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]


def keys(sample, audio) -> list[str]:
    """One key a clip: the very pictures and samples that are measured, so that a store outlives neither a new renderer nor another sound."""
    return [f"{row.clip_id}\x1f{_digest(film)}\x1f{_digest(sound)}" for row, film, sound in zip(sample.rows, sample.frames, audio)]


def _digest(array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def measured(path: str, probe, sample, tapped: dict, timesteps, audio=None, *, noised=False, seed=0, reduce: Callable | None = None, name="channels") -> dict:
    """`experiments.capture` through a store at `path`; "" measures live.  name  says what `reduce` makes, for the settings.

    Returns {(tap, t): (N, ...)}, the same numbers either way.
    """
    if not path:
        return experiments.capture(probe, sample, tapped, timesteps, audio, noised=noised, seed=seed, reduce=reduce)
    settings = {
        "features": name, "probe": fingerprint(probe), "steps": probe.schedule.steps, "taps": dict(sorted(tapped.items())), "timesteps": list(timesteps),
        "latents": f"noised {seed}" if noised else "inverted"
    }
    store, audio = Store(path, settings), sample.audio if audio is None else audio
    items = keys(sample, audio)
    missing = [i for i, item in enumerate(items) if not store.has(item)]
    for first in range(0, len(missing), experiments.BATCH):
        rows = missing[first:first + experiments.BATCH]
        found = experiments.capture(probe, sample.pick(rows), tapped, timesteps, audio[rows], noised=noised, seed=seed, reduce=reduce)
        for k, i in enumerate(rows):
            store.put(items[i], {f"{tap}@{t}": value[k] for (tap, t), value in found.items()})
    kept = [store.get(item) for item in items]
    return {(tap, t): np.stack([arrays[f"{tap}@{t}"] for arrays in kept]) for tap in tapped for t in timesteps}
