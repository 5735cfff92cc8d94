"""Checks of the exercises of notebook 06: plain loops as second routes, and the usual mistakes recognised by their results."""

import math
from functools import partial

import numpy as np

from avlab.course import base
from avlab.course.base import CheckFailed

SEED = 20260407


def same(got, want, tolerance=1e-9):
    return base.same(got, want, tolerance)


def fail(number, said):
    raise CheckFailed(f"06.{number}: {said}")


number_of = partial(base.number_of, fail, finite=False)


# ------------------------------------------------------------------------------------------------ 06.1


def soft(row):
    powers = [math.exp(x - max(row)) for x in row]
    return [p / sum(powers) for p in powers]


def one_by_one(q, cross, k, v, weigh):
    """Output (heads, T, d): head by head and query by query, weights = weigh(logits of q, logits of q_cross), unscaled."""
    out = np.zeros_like(q)
    for h in range(len(q)):
        for i in range(q.shape[1]):
            own, other = ([float(a[h, i] @ key) for key in k[h]] for a in (q, cross))
            out[h, i] = sum(w * value for w, value in zip(weigh(own, other), v[h], strict=True))
    return out


def minus(a, b):
    return [x - y for x, y in zip(a, b, strict=True)]


def weighers(root):
    """How each reading makes weights of the two rows of logits, d = root^2."""
    def scaled(row):
        return [x / root for x in row]
    return {"maps": lambda a, b: minus(soft(scaled(a)), soft(scaled(b))), "logits": lambda a, b: soft(scaled(minus(a, b))), "literal": minus,
            "half scaled": lambda a, b: minus(soft(scaled(a)), soft(b)), "other half scaled": lambda a, b: minus(soft(a), soft(scaled(b))),
            "unscaled maps": lambda a, b: minus(soft(a), soft(b)), "unscaled logits": lambda a, b: soft(minus(a, b)),
            "scaled literal": lambda a, b: scaled(minus(a, b))}


def check_differential_attention(fn):
    """differential_attention(q, q_cross, k, v, *, reading) -> (heads, T, d); all inputs (heads, T, d) float64."""
    rng = np.random.default_rng(SEED)
    q, cross, k, v = rng.standard_normal((4, 2, 5, 4))
    ways = weighers(2.0)
    for reading in ("maps", "logits", "literal"):
        got = fn(q.copy(), cross.copy(), k.copy(), v.copy(), reading=reading)
        if not same(got, one_by_one(q, cross, k, v, ways[reading])):
            _diagnose_readings(got, reading, q, cross, k, v, ways)
    for reading in ("maps", "literal"):
        if not same(fn(q, q, k, v, reading=reading), np.zeros_like(q)):
            fail(1, f"{reading}: equal queries must leave nothing")
    if not same(fn(q, q, k, v, reading="logits"), np.repeat(v.mean(1, keepdims=True), 5, 1)):
        fail(1, "logits: equal queries leave the plain mean of V")


def _diagnose_readings(got, reading, q, cross, k, v, ways):
    mistakes = {
        "softmax of the difference": (ways["logits"], "this is the softmax of a difference (the reading logits); maps is the difference of two softmaxes"),
        "half scaled": (ways["half scaled"], "one of the two maps was not divided by sqrt(d): both have the same scale"),
        "other half scaled": (ways["other half scaled"], "one of the two maps was not divided by sqrt(d): both have the same scale"),
        "unscaled": (ways.get(f"unscaled {reading}", ways["maps"]), "the logits were not divided by sqrt(d)"),
        "scaled literal": (ways["scaled literal"], "literal is as printed: no softmax and no scale")}
    for way, said in mistakes.values():
        if same(got, one_by_one(q, cross, k, v, way)) and way is not ways[reading]:
            fail(1, f"{reading}: {said}")
    if same(got, one_by_one(cross, q, k, v, ways[reading])):
        fail(1, f"{reading}: the sign is turned: own minus other, Attn_AA - Attn_BA")
    if same(got, one_by_one(q, cross, k, cross, ways[reading])) or same(got, one_by_one(q, cross, cross, cross, ways[reading])):
        fail(1, f"{reading}: the values came from the other side: the other stream asks, and adds no content")
    fail(1, f"{reading}: expected (heads, T, d) = {q.shape} with the weights of this reading times V; got shape {np.shape(got)}")


# ------------------------------------------------------------------------------------------------ 06.2


def check_alignment(fn):
    """alignment(video, audio, matched) -> mean loss; video, audio (N, D), matched (N,) 1 only for a wholly real clip."""
    hand = np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]])  # cosine 0.6
    for matched, want in ((1, 0.4), (0, 0.6)):
        _one_alignment(fn, *hand, np.array([matched]), want)
    _one_alignment(fn, np.array([[1.0, 0.0]]), np.array([[-3.0, 4.0]]), np.array([0]), 0.0)
    rng = np.random.default_rng(SEED)
    video, audio = rng.standard_normal((2, 8, 3))
    matched = np.array([1, 0, 0, 0, 1, 0, 1, 0])  # RVRA, RVFA, FVRA, FVFA, ...
    _one_alignment(fn, video, audio, matched, float(np.mean([loss(d, y) for d, y in zip(cosines(video, audio), matched, strict=True)])))


def loss(d, y):
    return 1 - d if y else max(0.0, d)


def cosines(video, audio):
    return [sum(a * b for a, b in zip(v, s, strict=True)) / math.hypot(*v) / math.hypot(*s) for v, s in zip(video, audio, strict=True)]


def _one_alignment(fn, video, audio, matched, want):
    got, d = number_of(2, fn(video.copy(), audio.copy(), matched.copy())), cosines(video, audio)
    if same(got, want):
        return
    plain = [float(v @ a) for v, a in zip(video, audio, strict=True)]
    mistakes = [
        (np.mean([loss(x, 1 - y) for x, y in zip(d, matched, strict=True)]), "the polarity is turned: matched = 1 is wholly real and pulled together"),
        (np.mean([1 - x if y else abs(x) for x, y in zip(d, matched, strict=True)]),
         "below 0 an unmatched pair costs nothing: max(0, d), not the absolute value"),
        (np.mean([1 - x if y else x for x, y in zip(d, matched, strict=True)]), "below 0 an unmatched pair costs nothing: max(0, d), not d"),
        (np.mean([loss(x, y) for x, y in zip(plain, matched, strict=True)]), "d is a cosine: divide the product by both lengths"),
        (np.mean([loss(x / video.shape[1], y) for x, y in zip(d, matched, strict=True)]), "the product was averaged over features; a cosine sums them"),
        (np.sum([loss(x, y) for x, y in zip(d, matched, strict=True)]), "this is the sum over clips; the loss is their mean")]
    for value, said in mistakes:
        if same(got, value):
            fail(2, f"cosines {[round(x, 2) for x in d]}, matched {matched.tolist()}: {want:.3f}, yours {got:.3f}. {said[0].upper()}{said[1:]}")
    fail(2, f"cosines {[round(x, 2) for x in d]}, matched {matched.tolist()}: {want:.3f}, yours {got:.3f}")


# ------------------------------------------------------------------------------------------------ 06.3


def check_hard_auc(fn):
    """hard_auc(tp, fn, tn, fp) -> AUC of yes-or-no answers."""
    for counts in ((292, 8, 95, 5), (296, 4, 99, 1), (30, 70, 20, 5), (0, 10, 7, 3)):
        tp, fn_, tn, fp = counts
        scores, labels = [1] * tp + [0] * fn_ + [0] * tn + [1] * fp, [1] * (tp + fn_) + [0] * (tn + fp)
        pairs = [(a > b) + 0.5 * (a == b) for a, x in zip(scores, labels, strict=True) if x for b, y in zip(scores, labels, strict=True) if not y]
        want, got = sum(pairs) / len(pairs), number_of(3, fn(*counts))
        if same(got, want):
            continue
        tpr, fpr = tp / (tp + fn_), fp / (fp + tn)
        mistakes = [((tp + tn) / sum(counts), "this is the accuracy, which follows the larger class"),
                    (tpr, "this is the sensitivity alone; the reals count as much"),
                    (1 - fpr, "this is the specificity alone; the fakes count as much"),
                    (tpr * fpr / 2, "the curve ends at (1, 1): add the trapezoid from the one point to that corner"),
                    (0.0, "one point has no area: the curve starts at (0, 0) and ends at (1, 1)"),
                    ((1 - fpr) * (1 + tpr) / 2, "the curve starts at (0, 0): add the triangle below the first point"),
                    (100 * want, "give a share, not per cent")]
        for value, said in mistakes:
            if same(got, value):
                fail(3, f"{counts}: {want:.4f}, yours {got:.4f}. {said[0].upper()}{said[1:]}")
        fail(3, f"{counts}: {want:.4f}, yours {got:.4f}. How often does a fake answer beat a real one, ties counted half?")


# ------------------------------------------------------------------------------------------------ 06.4


def two_sided(b, c):
    """Exact McNemar: twice the smaller tail of a fair coin, at most 1."""
    n = b + c
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(min(b, c) + 1)) / 2**n) if n else 1.0


def check_mcnemar_bounds(fn):
    """mcnemar_bounds(errors_a, errors_b) -> (smallest p, largest p) that error counts per class allow."""
    for a, b in (((8, 2), (1, 5)), ((5, 8), (1, 4)), ((5, 8), (3, 9)), ((5, 8), (2, 6)), ((0, 3), (0, 0)), ((4, 0), (0, 4))):
        shared = [sum(min(x, y) for x, y in zip(a, b, strict=True)), 0]
        want = tuple(two_sided(sum(a) - s, sum(b) - s) for s in shared)
        try:
            got = tuple(float(x) for x in fn(a, b))
        except TypeError:
            fail(4, "return two numbers, (smallest p, largest p)")
        if not same(got, want):
            _diagnose_bounds(a, b, want, got)


def _diagnose_bounds(a, b, want, got):
    from scipy.stats import chi2_contingency

    said = f"errors {a} against {b}: {tuple(round(p, 4) for p in want)}, yours {tuple(round(p, 4) for p in got)}. "
    up, down = max(sum(a) - sum(b), 0), max(sum(b) - sum(a), 0)
    if same(got, want[::-1]):
        fail(4, said + "Right numbers, wrong order: the smallest p first")
    if same(got, (two_sided(up, down), want[1])):
        fail(4, said + "The classes were added up before nesting: a real clip cannot be the same clip as a fake one, so errors are shared within a class only")
    if same(got, tuple(p / 2 for p in want)):
        fail(4, said + "This p has one side; nobody knew beforehand which detector would be better")
    table = [[sum(a), 400 - sum(a)], [sum(b), 400 - sum(b)]]
    if len(set(got)) == 1 and same(got[0], chi2_contingency(table).pvalue):
        fail(4, said + "A chi-square of the totals takes the two detectors for tested on different clips; they were tested on the same ones")
    if same(got, (want[0],) * 2) or same(got, (want[1],) * 2):
        fail(4, said + "Both ends are asked: as many errors shared as can be, and none")
    fail(4, said + "s shared errors leave sum(a) - s and sum(b) - s clips that only one got wrong")


CHECKS = {"1": check_differential_attention, "2": check_alignment, "3": check_hard_auc, "4": check_mcnemar_bounds}
