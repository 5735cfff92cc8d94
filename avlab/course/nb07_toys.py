"""The toys of notebook 07: no network and no clip, so that every number has a closed form or can be worked by hand."""

from __future__ import annotations

import numpy as np
import torch

from avlab.detectors import losses, mmmsba
from avlab.metrics import interval_iou

HAND_X = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))  # three moments of one modality, two numbers each
HAND_Y = ((2.0, 0.0), (0.0, 1.0), (0.0, 0.0))
DIOU_PAIRS = (((1.0, 2.0), (1.5, 2.5), 7 / 9), ((0.0, 0.4), (1.0, 1.4), 74 / 49), ((0.0, 0.4), (10.0, 10.4), 1 + 100 / 10.4**2))  # the last by the definition


# ------------------------------------------------------------------------------------------------ beat 1


def on_grid(spans, step, how="cover"):
    """Return spans (N, 2) in seconds as labels of steps of `step` seconds can say them.

    how   "cover"  start rounded down, end up: a step is fake as soon as it touches (MMMS-BA's rule)   "nearest"  both to the nearest step, at least one step
          "inside" start up, end down: only steps that are fake throughout, which may be none (zero length)
    """
    start, end = np.asarray(spans, float).T / step
    if how == "nearest":
        first = np.round(start)
        return step * np.stack([first, np.maximum(np.round(end), first + 1)], 1)
    first, last = (np.floor(start), np.ceil(end)) if how == "cover" else (np.ceil(start), np.floor(end))
    return step * np.stack([first, np.maximum(last, first)], 1)


def grid_ious(lengths, step, n, seed, how="cover"):
    """Return (len(lengths), n): IoU of true spans of each length, n random starts, with their labels on the grid."""
    rng, found = np.random.default_rng(seed), []
    for length in lengths:
        start = 10 * step + rng.random(n) * step
        spans = np.stack([start, start + length], 1)
        found.append([interval_iou(a[None], b[None])[0, 0] for a, b in zip(spans, on_grid(spans, step, how))])
    return np.array(found)


# ------------------------------------------------------------------------------------------------ beats 2 and 3


def hand_weights(mutant="none"):
    """N1 and N2 (3, 3) of the two sequences above, from the detector's own function."""
    x, y = torch.tensor([HAND_X]), torch.tensor([HAND_Y])
    n1, n2 = (n[0].double().numpy() for n in mmmsba.bi_modal_weights(x, y))
    if mutant == "softmax_axis":  # over the asking side's moments: columns sum to 1, rows do not
        scores = np.exp(np.array(HAND_X) @ np.array(HAND_Y).T)
        n1, n2 = scores / scores.sum(0), scores.T / scores.T.sum(0)
    return n1, n2


def effective(prob):
    """Return exp of the entropy of rows of probabilities (..., K), (...): as many keys as an even row with this entropy has. 1..K"""
    prob = np.asarray(prob, float)
    return np.exp(-np.where(prob > 0, prob * np.log(np.where(prob > 0, prob, 1.0)), 0.0).sum(-1))


def random_rows(factor, *, spread=1.0, keys=25, width=100, clips=40, seed=0, same=False):
    """Attention rows (clips, keys, keys) between codes tanh(spread N(0, 1)) that mean nothing, scores times `factor`.

    same   True: both sides are one sequence, as in self-attention
    """
    rng = np.random.default_rng(seed)
    x, y = np.tanh(spread * rng.standard_normal((2, clips, keys, width)))
    scores = factor * np.einsum("cid,cjd->cij", x, x if same else y)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


# ------------------------------------------------------------------------------------------------ the loss of the spans


def diou(pairs, denominator):
    """DIoU of [(pred, true, ...), ...] by the detector's loss, (N,) float64."""
    pred, true = (torch.tensor([pair[k] for pair in pairs], dtype=torch.float64) for k in (0, 1))
    return losses.diou_1d(pred, true, denominator=denominator).numpy()


def diou_by_distance(distances, length=0.4):
    """Loss of two spans of one length whose centres are so far apart: {"definition": (n,), "released code": (n,)}."""
    pairs = [((0.0, length), (d, d + length)) for d in distances]
    return {"definition": diou(pairs, "enclosing"), "released code": diou(pairs, "lengths")}
