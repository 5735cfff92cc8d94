"""The experiments of notebook 02: what the attention layers say under each control, and how well a straight line reads it.

Everything here is measured on a `Sample` (nb02_clips) with a `DiffusionProbe`; nothing is drawn and nothing is tuned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from avlab.errors import AvlabError
from avlab.explain import controls, readout
from avlab.metrics import auroc
from avlab.probe.attention import AttentionStore, last_layer, layers
from avlab.probe.ddim import ddim_invert, ddim_sample

BATCH = 8
KINDS = ("spatial", "cross", "temporal")
SOUNDS = ("own", "silent", "shuffled")


def taps(unet, block="up.-1", mutant="none") -> dict:
    """Return {name: layer}: the last layer of each kind in the block (psi is "cross"), and the very first spatial and cross layers."""
    tapped = {kind: last_layer(unet, kind, block).name for kind in KINDS}
    tapped |= {f"first_{kind}": layers(unet, kind)[0].name for kind in ("spatial", "cross")}
    if mutant == "spatial_for_cross":
        tapped |= {"cross": tapped["spatial"], "first_cross": tapped["first_spatial"]}
    return tapped


def until(schedule, t):
    """Return the schedule cut after label t: the inversion that reaches t asks for no more calls than it needs."""
    n = int(np.searchsorted(schedule.timesteps, t, side="right"))
    return replace(schedule, timesteps=schedule.timesteps[:n].copy(), alphas=schedule.alphas[:n].copy())


def leading(schedule):
    """Return a schedule with leading spacing and offset 1: 1, 26, 51, ... It never visits 24 (papers.md, X3)."""
    timesteps = np.arange(schedule.steps) * (1000 // schedule.steps) + 1
    return replace(schedule, timesteps=timesteps, alphas=schedule.table[timesteps].copy())


def one_batch(probe, z0, audio, tapped: dict, timesteps, noise=None) -> dict:
    """Run one batch and return {(tap, t): film (B, D, T, h, w)}.

    By inversion with the given sound; or, with noise (B, 4, T, h, w), from the clean latent noised to the level that the
    inversion would be at when it asks for t (that of t - 25): one call a timestep instead of (t + 1) / 25.
    """
    denoise = probe.denoiser(z0[:, :, 0], probe.tokens(audio))
    with AttentionStore(probe.unet, layers=sorted(set(tapped.values())), timesteps=timesteps) as store:
        if noise is None:
            ddim_invert(denoise, z0, until(probe.schedule, max(timesteps)))
        else:
            level = {t: source for t, source, _ in probe.schedule.moves()}
            for t in timesteps:
                denoise(level[t] ** 0.5 * z0 + (1 - level[t]) ** 0.5 * noise, t)
    return {(name, t): store.map(layer, t).float().cpu().numpy() for name, layer in tapped.items() for t in timesteps}


def capture(probe, sample, tapped: dict, timesteps, audio=None, *, noised=False, seed=0, reduce: Callable | None = None) -> dict:
    """Measure all clips of a sample: {(tap, t): array (N, ...)}.

    audio   (N, S), the sample's own sound by default      noised  random latents instead of the inversion's
    reduce  film (B, D, T, h, w), regions (B, T, H, W) -> (B, ...); default the mean and deviation of every channel (B, 2D)
    """
    audio = sample.audio if audio is None else audio
    reduce = reduce or (lambda film, regions: readout.channel_features(film))
    found = {(name, t): [] for name in tapped for t in timesteps}
    noise = noise_of(sample, seed) if noised else None
    for first in range(0, len(sample), BATCH):
        rows = slice(first, first + BATCH)
        part = one_batch(probe, sample.z0[rows], audio[rows], tapped, timesteps, None if noise is None else noise[rows].to(sample.z0))
        for key, film in part.items():
            found[key].append(reduce(film, sample.regions[rows]))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def noise_of(sample, seed: int):
    """White noise (N, 4, T, h, w) that depends on the clip and the seed alone, not on the company a clip is measured in."""
    draws = [torch.Generator().manual_seed((int(row.digest[:12], 16) + seed) % 2**63) for row in sample.rows]
    return torch.stack([torch.randn(sample.z0.shape[1:], generator=g) for g in draws])


def sounds(sample, seed=0) -> dict:
    """Return {"own", "silent", "shuffled"}: (N, S) sounds; shuffled is another speaker's, of the same category.

    Partners may come from the other side: the sound of a training person in a test clip says nothing about any label.
    """
    order = controls.shuffled_order([row.identity for row in sample.rows], [row.category for row in sample.rows], seed=seed)
    return {"own": sample.audio, "silent": controls.silent(sample.audio), "shuffled": sample.audio[order]}


def checks_of_the_store(probe, sample, tapped: dict, mutant="none") -> dict:
    """Beat 1 on the sample's first clip: prove that reading changes nothing and reads the right pass.

    Returns change (max |output with store - without|, must be 0), wrong_pass (max |psi kept during an inversion - psi of one call
    on the clean latent with label 24|, must be 0), off_grid_refused (1 when a schedule without 24 raises instead of giving None).
    """
    z0, audio = sample.z0[:1], sample.audio[:1]
    denoise, layer = probe.denoiser(z0[:, :, 0], probe.tokens(audio)), tapped["cross"]
    bare = denoise(z0, 24)
    with AttentionStore(probe.unet, KINDS, probabilities=True) as store:
        watched = denoise(z0, 24)
    first = store.map(layer, 24)
    with AttentionStore(probe.unet, layers=[layer], timesteps=(24,), repeat="last") as kept:
        if mutant == "last_reconstruction_step":  # papers.md X4: the same label, another tensor
            ddim_sample(denoise, ddim_invert(denoise, z0, probe.schedule), probe.schedule)
        else:
            ddim_invert(denoise, z0, until(probe.schedule, 49))
    read = kept.map(layer, 24)
    with AttentionStore(probe.unet, layers=[layer], timesteps=(24,)) as never:
        ddim_invert(denoise, z0, until(leading(probe.schedule), 51))
    return {"change": float((bare - watched).abs().max()), "wrong_pass": float((first - read).abs().max()), "off_grid_refused": refused(never, layer, mutant)}


def refused(store, layer, mutant="none") -> int:
    """Return 1 when reading t = 24 from a store that never met it raises, 0 when it quietly gives nothing."""
    if mutant == "leading_spacing":  # the silent form: a plain dictionary says None
        return int(dict(store.outputs).get((layer, 24)) is not None)
    try:
        store.map(layer, 24)
    except AvlabError:
        return 1
    return 0


def region_probabilities(probe, sample, layer: str, regions: dict) -> np.ndarray:
    """Beat 3: mean probability by region and token slot, (R, 16), rows summing to 1; heads, frames and clips averaged."""
    n = len(sample)
    denoise = probe.denoiser(sample.z0[:, :, 0], probe.tokens(sample.audio))
    with AttentionStore(probe.unet, layers=[layer], timesteps=(24,), probabilities=True) as store:
        denoise(sample.z0, 24)
    weight = torch.from_numpy(np.stack([mask.reshape(n * mask.shape[1], -1) for mask in regions.values()], 1))
    share = weight / weight.sum((0, 2), keepdim=True)
    return store.pooled(layer, 24, share.to(probe.device)).sum(0).mean(0).float().cpu().numpy()


def offset_shares(probe, sample, layer: str, regions: dict) -> np.ndarray:
    """Beat 3: how much psi moves when one frame of the sound is silenced in every window, by region: (R, 5), rows summing to 1.

    A slot token mixes all five frames of its window, so probabilities cannot say which moment is read; taking a moment away can.
    """
    own = psi_of(probe, sample.z0, probe.tokens(sample.audio), layer)
    moved = [(psi_of(probe, sample.z0, without_offset(probe.audio, torch.as_tensor(sample.audio).to(probe.device), k), layer) - own) ** 2 for k in range(5)]
    energy = np.array([[float((m * mask[:, None]).sum()) for m in moved] for mask in regions.values()])
    return energy / energy.sum(1, keepdims=True)


def psi_of(probe, z0, tokens, layer) -> np.ndarray:
    """psi at t = 24 for given tokens: one call. (B, D, T, h, w)"""
    with AttentionStore(probe.unet, layers=[layer], timesteps=(24,)) as store:
        probe.denoiser(z0[:, :, 0], tokens)(z0, 24)
    return store.map(layer, 24).float().cpu().numpy()


@torch.no_grad()
def without_offset(ears, audio, k: int):
    """Tokens (B*T, 16, 64) of a sound whose window has lost frame k - 2 (k = 0..4): its log-mel is that of silence."""
    from avlab.probe.bundled import CONTEXT, TOKEN_WIDTH, TOKENS

    mel, quiet = ears.log_mel(audio), ears.log_mel(torch.zeros_like(audio))
    padded = torch.cat([mel[:, :1]] * CONTEXT + [mel] + [mel[:, -1:]] * CONTEXT, 1)
    frames = mel.shape[1]
    window = [quiet if i == k else padded[:, i:i + frames] for i in range(2 * CONTEXT + 1)]
    return ears.norm(ears.mlp(torch.cat(window, -1)).unflatten(-1, (TOKENS, TOKEN_WIDTH))).flatten(0, 1)


def share_map(own, other) -> np.ndarray:
    """Energy of the difference over energy, cell by cell: films (N, D, T, h, w) -> (h, w), clips, channels and frames summed."""
    return ((own - other) ** 2).sum((0, 1, 2)) / np.maximum((own**2).sum((0, 1, 2)), 1e-12)


def judge(features: dict, sample, *, classifier="linear", seeds=(0, 1, 2), unseen=True) -> readout.Scores:
    """Fit on the training people, score the test people. unseen: also on forgers that training never showed (Table 6's setting)."""
    return readout.read_out(features, sample.label, sample.people, sample.forger, sample.side == "train", sample.side == "test",
                            seeds=seeds, classifier=classifier, new_forgers=unseen)


def permuted(feature, sample, n: int, rng, *, classifier="linear") -> np.ndarray:
    """AUROC of the whole read-out after permuting labels inside each person, n times: where it falls when labels mean nothing."""
    train = sample.side == "train"
    draws = []
    for i in range(n):
        label = controls.permuted_labels(sample.label, sample.people, rng)
        draws.append(auroc(readout.fit_scores(feature[train], label[train], feature[~train], classifier=classifier, seed=i), label[~train]))
    return np.array(draws)
