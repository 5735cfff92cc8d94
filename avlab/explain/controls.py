"""The five controls, one definition for every notebook: silent, shuffled, random, labels, mask only.

A control is the picture or the number as it would look if the claim were false. Each function here returns changed *inputs*
(sound, weights, labels, features); the measurement itself stays the one under test.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np

from avlab.errors import AvlabError


def silent(audio):
    """Return digital silence of the same length: an input that says nothing, not an absent one.

    audio  array or tensor (..., S) in [-1, 1].  Returns the same shape and type, all 0.
    """
    return audio * 0


def shuffled_order(people: Sequence, category: Sequence, *, seed: int) -> np.ndarray:
    """Return whose sound each clip gets: order (N,), a permutation within each category that joins no person with themselves.

    Clip i takes the sound of clip order[i]. No clip keeps its own, and no pair shares a person (a clip may name several).

    people    N names, or N sets of names (face, donor, voice)
    category  N labels; the swap stays inside a category, so that real sounds meet real-sound clips only
    Raises AvlabError when a category has no such permutation: one person holds more than half of it, or it has one clip.
    """
    from scipy.optimize import linear_sum_assignment

    sets = [frozenset([p]) if isinstance(p, (str, int, np.integer)) else frozenset(p) for p in people]
    if len(sets) != len(category):
        raise AvlabError("Every clip needs its people and its category", got=f"{len(sets)} and {len(category)}")
    rng, order = np.random.default_rng(seed), np.arange(len(sets))
    for name in sorted(set(category)):
        rows = np.flatnonzero([c == name for c in category])
        # a random cost picks one derangement at random; a shared person costs more than any choice can save
        cost = rng.random((len(rows), len(rows)))
        shared = np.array([[bool(sets[i] & sets[j]) for j in rows] for i in rows])
        taken = linear_sum_assignment(cost + shared * (len(rows) + 1.0))[1]
        if shared[np.arange(len(rows)), taken].any():
            raise AvlabError("Shuffled sound needs, in each category, a partner of another person for every clip",
                             got=f"{len(rows)} clips of {len(set().union(*(sets[i] for i in rows)))} people in {name}",
                             todo="Take clips of more people")
        order[rows] = rows[taken]
    return order


def reinitialised(network, *, seed: int):
    """Return a copy of a network with new random weights: same architecture, nothing learned.

    Every part that knows how to draw its weights (reset_parameters) draws them again; a free parameter (tokens, tables) is
    drawn from N(0, its own deviation^2), or kept where it is constant. Buffers of normalisation are reset with their layer.
    The global random state is left as it was. The network itself is not touched.
    """
    import torch

    devices = [p.device for p in network.parameters()]
    fresh = copy.deepcopy(network).cpu()  # drawn on the CPU: the same weights on every device
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = set()
        for module in fresh.modules():
            if callable(getattr(module, "reset_parameters", None)):
                module.reset_parameters()
                drawn |= {id(p) for p in module.parameters(recurse=False)}
        for parameter in fresh.parameters():
            if id(parameter) not in drawn and parameter.numel() > 1 and float(parameter.std()) > 0:
                parameter.copy_(torch.randn(parameter.shape).to(parameter) * parameter.std())
    return fresh.to(devices[0]) if devices else fresh


def permuted_labels(label, people, rng: np.random.Generator) -> np.ndarray:
    """Return labels shuffled inside each person's clips: what a person's clips have in common stays, the label does not."""
    label, out = np.asarray(label), np.array(label)
    if len(people) != len(label):
        raise AvlabError("Every label needs its person", got=f"{len(label)} labels, {len(people)} people")
    groups = np.asarray(people)
    for name in np.unique(groups):
        rows = np.flatnonzero(groups == name)
        out[rows] = label[rng.permutation(rows)]
    return out


def null_band(fit_and_score: Callable, label, people, n: int, rng: np.random.Generator, *, level: float = 0.95):
    """Return (lo, hi): where the score falls when the labels mean nothing.

    Labels are permuted within identity groups *before* fitting, n times; fit_and_score(label) -> AUROC of clips it did not
    train on. lo, hi are the percentile ends; with n = 20 they are nearly the smallest and the largest.
    """
    if n < 2:
        raise AvlabError("A null band needs at least two permutations", got=n)
    draws = [fit_and_score(permuted_labels(label, people, rng)) for _ in range(n)]
    return tuple(float(q) for q in np.quantile(draws, ((1 - level) / 2, (1 + level) / 2)))


def shrink_mask(mask, h: int, w: int):
    """Return the share of every latent cell that a mask covers: (..., H, W) bool -> (..., h, w) float 0..1.

    Raises AvlabError when H, W are not multiples of h, w.
    """
    mask = np.asarray(mask, dtype=np.float32)
    H, W = mask.shape[-2:]
    if H % h or W % w:
        raise AvlabError("The picture must be a whole number of latent cells", got=f"{H}x{W} into {h}x{w}")
    return mask.reshape(*mask.shape[:-2], h, H // h, w, W // w).mean((-3, -1))


def mask_only(regions, h: int, w: int) -> np.ndarray:
    """Return the masks themselves as a film of features, no network at all: (B, T, H, W) regions -> (B, 2, T, h, w).

    Channel 0 is the share of the cell inside the face (mouth included), channel 1 inside the mouth. With SynthTalk's own
    regions this is a perfect tracker, the strongest form this control can take.
    """
    regions = np.asarray(regions)
    return np.stack([shrink_mask(regions >= 1, h, w), shrink_mask(regions == 2, h, w)], 1)


def audio_share(psi_own, psi_silent, mask) -> float:
    """Return the share of an attention output's energy that goes when the sound goes, inside a region.

    share = sum m (psi_own - psi_silent)^2 / sum m psi_own^2. 0: the sound changes nothing; it may exceed 1.

    psi_own, psi_silent  (..., C, T, h, w)      mask  (..., T, h, w) weights 0..1, or broadcastable to it
    Raises AvlabError when psi_own has no energy in the region.
    """
    own, quiet, weight = (np.asarray(x, dtype=np.float64) for x in (psi_own, psi_silent, mask))
    if own.shape != quiet.shape:
        raise AvlabError("Both outputs must have one shape", got=f"{own.shape} and {quiet.shape}")
    weight = np.expand_dims(weight, -4)
    energy = (weight * own**2).sum()
    if not energy > 0:
        raise AvlabError("The output has no energy in this region", got="0", todo="Use another mask")
    return float((weight * (own - quiet) ** 2).sum() / energy)
