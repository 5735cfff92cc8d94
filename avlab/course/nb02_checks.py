"""Checks of the exercises of notebook 02: plain loops as second routes, and the usual mistakes recognised by their results."""

import math

import numpy as np

from avlab.course.base import CheckFailed, same

SEED = 20260308


def fail(number, said):
    raise CheckFailed(f"02.{number}: {said}")


# ------------------------------------------------------------------------------------------------ 02.1


def softmax_rows(q, k, divisor):
    """One head at a time, one query at a time: exp(q . k / divisor) over their sum."""
    prob = np.empty((len(q), q.shape[1], k.shape[1]))
    for head in range(len(q)):
        for i, query in enumerate(q[head]):
            logits = [sum(a * b for a, b in zip(query, key)) / divisor for key in k[head]]
            powers = [math.exp(x - max(logits)) for x in logits]
            prob[head, i] = [p / sum(powers) for p in powers]
    return prob


def check_attention_parts(fn):
    """attention_parts(q, k, v) -> (prob (heads, N, M), out (heads, N, d)); all inputs (heads, N or M, d) arrays."""
    rng = np.random.default_rng(SEED)
    q, k, v = (rng.standard_normal((2, n, 4)) * 1.5 for n in (3, 5, 5))
    answer = fn(q, k, v)
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        fail(1, "return two things, the probabilities and the output")
    prob, out = (np.asarray(x, dtype=np.float64) for x in answer)
    want = softmax_rows(q, k, 2.0)
    if prob.shape != want.shape:
        fail(1, f"the probabilities have the shape (heads, queries, keys) = {want.shape}, not {prob.shape}")
    if not same(prob, want):
        _diagnose_probabilities(prob, q, k)
    if same(out, np.einsum("nm,hmd->hnd", want.mean(0), v)):
        fail(1, "the output was taken from the mean of the heads: every head mixes its own values with its own probabilities")
    if not same(out, np.einsum("hnm,hmd->hnd", want, v)):
        fail(1, f"the probabilities are right, the output is not: it is the sum over keys of probability times value, shape {(*q.shape[:2], v.shape[2])}")
    flat = fn(np.zeros_like(q), k, v)
    if not same(flat[0], np.full(want.shape, 0.2)):
        fail(1, "a query of zeros likes all keys alike: five keys, 0.2 each")


def _diagnose_probabilities(prob, q, k):
    if same(prob.sum(-2), np.ones((len(q), k.shape[1]))):
        fail(1, "the columns sum to 1 and the rows do not: the softmax runs over the keys, for each query")
    if same(prob, softmax_rows(q, k, 4.0)):
        fail(1, "the scores were divided by d; it is its square root")
    if same(prob, softmax_rows(q, k, 1.0)):
        fail(1, "the scores were not divided by sqrt(d): the softmax comes out too sharp")
    fail(1, "the probabilities differ from softmax(q k^T / sqrt(d)); do the rows sum to 1?")


# ------------------------------------------------------------------------------------------------ 02.2


def check_to_map(fn):
    """to_map(tokens, kind, b, t, h, w) -> (b, c, t, h, w); every token carries its own place, so a scrambled film shows itself."""
    b, t, h, w = 2, 3, 4, 5
    place = np.stack(np.meshgrid(*map(np.arange, (b, t, h, w)), indexing="ij"), -1).astype(np.float64)  # (b, t, h, w, 4)
    tokens = {"spatial": place.reshape(b * t, h * w, 4), "cross": place.reshape(b * t, h * w, 4),
              "temporal": place.transpose(0, 2, 3, 1, 4).reshape(b * h * w, t, 4)}
    want = place.transpose(0, 4, 1, 2, 3)
    for kind, given in tokens.items():
        got = np.asarray(fn(given.copy(), kind, b, t, h, w))
        if not same(got, want):
            _diagnose_map(got, given, kind, (b, t, h, w), want)


def _diagnose_map(got, given, kind, sizes, want):
    b, t, h, w = sizes
    if got.shape == want.shape and same(got, given.reshape(b, 4, t, h, w)):
        fail(2, f"{kind}: the numbers were cut into the new shape in their old order, which scrambles the film: split the axes first, then permute them")
    if got.shape == (b, 4, t, w, h):
        fail(2, f"{kind}: the film comes out w high and h wide: cells are stored row by row, h before w")
    if kind == "temporal" and got.shape == want.shape and same(got, given.reshape(b, t, h, w, 4).transpose(0, 4, 1, 2, 3)):
        fail(2, "temporal: these tokens come as (b*h*w, t, c): cells outside, frames inside; they were read as if frames were outside")
    if got.shape == want.shape and same(got, given.reshape(t, b, h, w, 4).transpose(1, 4, 0, 2, 3)):
        fail(2, f"{kind}: frames and clips are exchanged: the first axis runs over clips slowly and over frames fast")
    if got.shape == want.shape and same(got, given.reshape(h, w, b, t, 4).transpose(2, 4, 3, 0, 1)):
        fail(2, "temporal: clips and cells are exchanged: the first axis is (b h w), clips slowest")
    if got.shape == want.shape and same(got, given.reshape(b * t, w, h, 4).reshape(b, t, w, h, 4).transpose(0, 4, 1, 3, 2)):
        fail(2, f"{kind}: h and w are exchanged: cells are stored row by row, w fastest")
    fail(2, f"{kind}: return (b, c, t, h, w) = {want.shape} with every token in its place; got shape {got.shape}")


# ------------------------------------------------------------------------------------------------ 02.3


class Recorder:
    """Stands in for fitting and scoring: returns fixed numbers and remembers what it was asked."""

    def __init__(self, values):
        self.values, self.calls = list(values), []

    def __call__(self, fit_labels, score_labels, on="test"):
        if len(self.calls) >= len(self.values):
            fail(3, f"fit_and_score was called more than n = {len(self.values)} times")
        self.calls.append((np.array(fit_labels), np.array(score_labels), on))
        return self.values[len(self.calls) - 1]


def check_null_band(fn):
    """null_band(fit_and_score, labels, groups, n, rng) -> (lo, hi), the 2.5 and 97.5 per cent points of n permuted runs."""
    rng = np.random.default_rng(SEED)
    groups = np.repeat(np.arange(12), 6)
    labels = (np.arange(72) % 6 < groups % 5 + 1).astype(int)  # people differ in their share of fakes
    recorder = Recorder(rng.uniform(0.3, 0.7, 25))
    answer = fn(recorder, labels.copy(), groups.copy(), 25, np.random.default_rng(1))
    if len(recorder.calls) != 25:
        fail(3, f"fit and score n times (25 here), each time with new labels; it was called {len(recorder.calls)} times")
    for fit, score, on in recorder.calls:
        _one_permutation(fit, score, on, labels, groups)
    if len({tuple(fit) for fit, _, _ in recorder.calls}) < 20:
        fail(3, "every run needs a permutation of its own")
    lo, hi = (float(x) for x in answer)
    if not (abs(lo - np.quantile(recorder.values, 0.025)) < 0.02 and abs(hi - np.quantile(recorder.values, 0.975)) < 0.02):
        fail(3, "return the 2.5 and the 97.5 per cent points of the n scores")


def _one_permutation(fit, score, on, labels, groups):
    if on != "test":
        fail(3, "the scores come from the clips that were trained on: a flexible classifier can learn any labels by heart; score the test clips")
    if np.array_equal(fit, labels):
        fail(3, "the classifier was fitted with the true labels and only the scoring was permuted: the null must hold before fitting")
    counts = [(fit[groups == g].sum(), labels[groups == g].sum()) for g in np.unique(groups)]
    if any(a != b for a, b in counts):
        fail(3, "labels moved from one person to another: permute inside each identity group, so that what a person's clips share stays as it was")
    if not np.array_equal(fit, score):
        fail(3, "fit and score with the same permuted labels")


# ------------------------------------------------------------------------------------------------ 02.4


def check_audio_share(fn):
    """audio_share(psi_own, psi_silent, mask) -> energy of the difference over energy of psi_own, inside the mask."""
    rng = np.random.default_rng(SEED)
    own = rng.standard_normal((6, 3, 4, 5))
    quiet, mask = 0.6 * own + 0.8 * rng.standard_normal(own.shape) + 0.1, (rng.random((3, 4, 5)) < 0.3).astype(float)

    def total(x, weight=mask):
        return float(sum((weight * channel**2).sum() for channel in x))
    want, got = total(own - quiet) / total(own), fn(own.copy(), quiet.copy(), mask.copy())
    if not same(got, want):
        everywhere = np.ones_like(mask)
        mistakes = [
            ((total(own) - total(quiet)) / total(own), "this is the difference of two energies: two outputs of equal energy can be quite different"),
            (abs(total(own) - total(quiet)) / total(own), "this is the difference of two energies: two outputs of equal energy can be quite different"),
            (total(own - quiet) / total(quiet), "the energy of the silent output stands below the line; the question is a share of psi with its own sound"),
            (total(own - quiet, everywhere) / total(own, everywhere), "the mask was ignored"),
            (total(own - quiet) / total(own, everywhere), "the mask was used above the line only"),
            (math.sqrt(want), "energy is the sum of squares; a square root was taken")
        ]
        for value, said in mistakes:
            if same(got, value):
                fail(4, said)
        fail(4, f"expected {want:.4f} on a drawn example, got {got!r}")
    if not same(fn(own, own, mask), 0.0):
        fail(4, "where silence changes nothing the share is 0")


CHECKS = {"1": check_attention_parts, "2": check_to_map, "3": check_null_band, "4": check_audio_share}
