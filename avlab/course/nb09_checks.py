"""Checks of the exercises of notebook 09: plain loops as second routes, and the usual mistakes recognised by their results."""

import math
from functools import partial

import numpy as np

from avlab.course import base
from avlab.course.base import CheckFailed, same

SEED = 20260909


def fail(number, said):
    raise CheckFailed(f"09.{number}: {said}")


number_of = partial(base.number_of, fail)


# ------------------------------------------------------------------------------------------------ 09.1


def check_ppv(fn):
    """ppv(tpr, fpr, base_rate) -> share of alarms that are right."""
    for tpr, fpr, rate in ((0.9, 0.05, 0.001), (0.99, 0.01, 0.001), (0.7, 0.2, 0.3)):
        clips = 10**6
        right, false = clips * rate * tpr, clips * (1 - rate) * fpr  # counted in a population
        got, want = number_of(1, fn(tpr, fpr, rate)), right / (right + false)
        if abs(got - want) < 1e-9:
            continue
        small = rate / 100
        mistakes = [(tpr / (tpr + fpr), "this is the precision on a set with as many reals as fakes: weigh both rates with the base rate"),
                    (1 - fpr, "1 - fpr is the share of reals that raise no alarm, asked among reals; here it is asked among alarms"),
                    (100 * want, "return a share, not per cent"),
                    (tpr * small / (tpr * small + fpr * (1 - small)), "the base rate was divided by 100: it comes as a share already"),
                    (tpr * rate, "divide by all alarms, right and false")]
        for value, said in mistakes:
            if abs(got - value) < 1e-9:
                fail(1, said)
        fail(1, f"expected {want:.4f} for tpr {tpr}, fpr {fpr}, base rate {rate}, got {got:.4f}")


# ------------------------------------------------------------------------------------------------ 09.2


def ece_by_loop(prob, label, bins, *, weighted=True, edge=True, argmax=False):
    """Expected calibration error by one loop over bins, and the ways to get it wrong."""
    said, right = list(map(float, prob)), list(map(float, label))
    if argmax:
        right = [y if p >= 0.5 else 1 - y for p, y in zip(said, right, strict=True)]
        said = [max(p, 1 - p) for p in said]
    gaps, counts = [], []
    for b in range(bins):
        here = [i for i, p in enumerate(said) if b / bins <= p < (b + 1) / bins or (edge and b == bins - 1 and p == 1)]
        if here:
            gaps.append(abs(sum(said[i] for i in here) - sum(right[i] for i in here)) / len(here))
            counts.append(len(here))
    weights = counts if weighted else [1] * len(counts)
    total = len(said) if weighted else len(counts)
    return sum(g * w for g, w in zip(gaps, weights, strict=True)) / total


def check_ece(fn):
    """ece(prob, label, bins) -> expected calibration error of P(fake) in equal bins."""
    rng = np.random.default_rng(SEED)
    prob = np.concatenate([rng.choice([0.07, 0.13, 0.33, 0.62, 0.71, 0.97], 80, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), np.ones(12)])
    label = (rng.random(92) < prob**1.7).astype(int)
    label[-6:] = 0  # six of the twelve certain ones are wrong
    got, want = number_of(2, fn(prob.copy(), label.copy(), 10)), ece_by_loop(prob, label, 10)
    if abs(got - want) > 1e-9:
        mistakes = [({"weighted": False}, "every bin was given the same weight: weigh it with its share of the clips"),
                    ({"edge": False}, "clips with p = 1 fell out of the last bin: its right edge is closed"),
                    ({"argmax": True}, "this is the confidence in the preferred answer; the score says P(fake), so 0.1 is a statement about fakes too")]
        for options, said in mistakes:
            if abs(got - ece_by_loop(prob, label, 10, **options)) < 1e-9:
                fail(2, said)
        if abs(got - abs(prob.mean() - label.mean())) < 1e-9:
            fail(2, "one bin for everything: gaps of opposite sign cancel, which is what bins are for")
        fail(2, f"expected {want:.4f} on a drawn example, got {got:.4f}")
    perfect = rng.random(10_000)
    if number_of(2, fn(perfect, (rng.random(10_000) < perfect).astype(int), 10)) > 0.03:
        fail(2, "a perfect model with 10,000 clips has an ECE near 0")


# ------------------------------------------------------------------------------------------------ 09.3


def risk_by_loop(error, novelty, *, turned=False, over_all=False):
    """[(coverage, risk)] at every distinct novelty, by counting."""
    values, n = sorted(set(map(float, novelty)), reverse=turned), len(error)
    out = []
    for cut in values:
        kept = [e for e, u in zip(error, novelty, strict=True) if (u >= cut if turned else u <= cut)]
        out.append((len(kept) / n, sum(kept) / (n if over_all else len(kept))))
    return [list(column) for column in zip(*out, strict=True)]


def check_risk_coverage(fn):
    """risk_coverage(error, novelty) -> (coverage, risk), one point for every distinct novelty."""
    rng = np.random.default_rng(SEED + 1)
    novelty = np.round(rng.random(40), 1)  # ties
    error = (rng.random(40) < 0.15 + 0.6 * novelty).astype(int)
    made = fn(error.copy(), novelty.copy())
    try:
        coverage, risk = (np.asarray(x, float) for x in made)
    except (TypeError, ValueError):
        fail(3, "return two arrays, coverage and risk")
    want = risk_by_loop(error, novelty)
    if same(coverage, want[0]) and same(risk, want[1]):
        return
    if coverage.shape == (40,) and risk.shape == (40,):
        fail(3, "one point a clip: clips of equal novelty are accepted or refused together, else the order of the file decides")
    for options, said in (({"turned": True}, "the newest clips were accepted first: answer where novelty is small"),
                          ({"over_all": True}, "the risk was divided by all clips: it is the share of wrong answers among those that are given")):
        other = risk_by_loop(error, novelty, **options)
        if same(coverage, other[0]) and same(risk, other[1]):
            fail(3, said)
    fail(3, f"expected {len(want[0])} points ending at coverage 1 and risk {want[1][-1]:.3f}")


# ------------------------------------------------------------------------------------------------ 09.4


def optimum_by_slope(alpha, gamma, prior, *, real=False):
    """The p in (0, 1) at which the expected focal loss stops falling, by bisection of its slope (central differences)."""
    fakes, reals = (prior * (1 - alpha), (1 - prior) * alpha) if real else (prior * alpha, (1 - prior) * (1 - alpha))

    def loss(p):
        return -fakes * (1 - p)**gamma * math.log(p) - reals * p**gamma * math.log(1 - p)
    lo, hi = 1e-4, 1 - 1e-4
    for _ in range(60):
        mid = (lo + hi) / 2
        lo, hi = (lo, mid) if loss(mid + 1e-6) > loss(mid - 1e-6) else (mid, hi)
    return (lo + hi) / 2


def check_focal_optimum(fn):
    """focal_optimum(alpha, gamma, prior) -> what a clip that says nothing is scored by a model with the lowest expected focal loss."""
    for case in ((0.75, 0, 0.5), (0.75, 2, 0.5), (0.5, 2, 0.5), (0.75, 2, 0.2)):
        got, want = number_of(4, fn(*case)), optimum_by_slope(*case)
        if abs(got - want) < 2e-3:
            continue
        mistakes = [(optimum_by_slope(*case, real=True), "alpha stands on the real class: in AMDD it weighs the fakes"),
                    (min(got, 1 - got) < 0.02 and got, "gamma damps the wrong term: (1 - p)^gamma belongs to -log p, else the loss is lowest at an end"),
                    (optimum_by_slope(case[0], 0, case[2]), "gamma was left out: this is the optimum of the weighted cross-entropy"),
                    (optimum_by_slope(case[0], case[1], 0.5), "the prior was left out: fakes are not always half of the clips")]
        for value, said in mistakes:
            if abs(got - value) < 2e-3:
                fail(4, said)
        fail(4, f"expected {want:.3f} for alpha {case[0]}, gamma {case[1]}, prior {case[2]}, got {got:.3f}")


CHECKS = {"1": check_ppv, "2": check_ece, "3": check_risk_coverage, "4": check_focal_optimum}
