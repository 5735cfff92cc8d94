"""Checks of the exercises of notebook 07: plain loops as second routes, and the usual mistakes recognised by their results."""

import math

import numpy as np

from avlab.course.base import CheckFailed, same

SEED = 20240802


def fail(number, said):
    raise CheckFailed(f"07.{number}: {said}")


# ------------------------------------------------------------------------------------------------ 07.1


def attended(x, y, here, divisor=1.0, *, hide=True):
    """What x takes from y, one moment at a time, before any gate: sum_j softmax_j(x_i . y_j) y_j over the moments that are there."""
    out = np.zeros((len(x), y.shape[1]))
    keys = [j for j in range(len(y)) if here[j] or not hide]
    for i in range(len(x)):
        scores = [sum(a * b for a, b in zip(x[i], y[j])) / divisor for j in keys]
        powers = [math.exp(s - max(scores)) for s in scores]
        out[i] = sum(p / sum(powers) * y[j] for p, j in zip(powers, keys))
    return out


def check_bi_modal_attention(fn):
    """bi_modal_attention(x, y, *, mask, scaled) -> (a1, a2), all (T, D); mask (T,) bool; rows that are not there are 0."""
    hand = (np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[math.log(3), 0.0], [0.0, math.log(2)]]))
    both = np.array([True, True])
    want = (np.array([[0.75 * math.log(3), 0.0], [0.0, 1.6 * math.log(2)]]), np.array([[0.75 * math.log(3), 0.0], [0.0, 1.6 * math.log(2)]]))
    answer = _pair(fn(*(a.copy() for a in hand), mask=both, scaled=False))
    rng = np.random.default_rng(SEED)
    x, y = rng.standard_normal((2, 5, 4))
    full, part = np.ones(5, bool), np.array([True, True, True, False, False])
    _against(_pair(fn(x.copy(), y.copy(), mask=full, scaled=False)), x, y, full, 1.0)
    _against(_pair(fn(x.copy(), y.copy(), mask=full, scaled=True)), x, y, full, 2.0)
    if not all(same(a, w) for a, w in zip(answer, want)):
        fail(1, "two moments by hand: scores [[ln 3, 0], [0, ln 4]] give the weights [[3/4, 1/4], [1/5, 4/5]]; your answer differs there")
    _against(_pair(fn(x.copy(), y.copy(), mask=part.copy(), scaled=False)), x, y, part, 1.0)


def _pair(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        fail(1, "return two things: what x takes from y, and what y takes from x")
    return tuple(np.asarray(a, dtype=np.float64) for a in answer)


def _against(got, x, y, here, divisor):
    o1, o2 = attended(x, y, here, divisor), attended(y, x, here, divisor)
    want = [np.where(here[:, None], o, 0.0) for o in (o1 * x, o2 * y)]
    if not all(same(a, w) for a, w in zip(got, want)):
        _diagnose_attention(got, x, y, here, divisor, want)


def _diagnose_attention(got, x, y, here, divisor, want):
    if got[0].shape != x.shape or got[1].shape != y.shape:
        fail(1, f"both answers have the shape (T, D) = {x.shape}, not {got[0].shape} and {got[1].shape}")
    keep, o1 = here[:, None], attended(x, y, here, divisor)
    if same(got[0], np.where(keep, o1 * y, 0)):
        fail(1, "the result is gated by the side that was asked; the gate is the asking side's own code: a1 = (N1 y) * x")
    powers = np.exp(x @ y.T / divisor)
    columns, rows = powers / powers.sum(0), powers / powers.sum(1, keepdims=True)
    if here.all() and same(got[0], (columns @ y) * x):
        fail(1, "the softmax runs over the asking side's moments, so that columns sum to 1; it runs over the moments that are asked")
    if same(got[0], want[0]) and here.all() and same(got[1], (rows.T @ x) * y):
        fail(1, "N2 is N1 turned over here; it has a normalisation of its own: softmax of y x^T over x's moments")
    other = 1.0 if divisor != 1.0 else x.shape[1] ** 0.5
    if here.all() and same(got[0], attended(x, y, here, other) * x):
        fail(1, "scaled=True divides the scores by sqrt(D), scaled=False leaves them: here it is the other way round, or ignored")
    if not here.all() and same(got[0][here], (attended(x, y, here, divisor, hide=False) * x)[here]):
        fail(1, "moments that are not there still take weight as keys: padding must not be attended to")
    if not here.all() and same(got[0][here], want[0][here]):
        fail(1, "the keys are masked, but rows of moments that are not there are not 0")
    fail(1, "expected a1 = (softmax(x y^T) y) * x and a2 = (softmax(y x^T) x) * y; a drawn example differs")


# ------------------------------------------------------------------------------------------------ 07.2


def check_diou_1d(fn):
    """diou_1d(pred, target) -> loss; pred and target are (start, end) in seconds."""
    cases = {((1.0, 2.0), (1.5, 2.5)): 7 / 9, ((0.0, 0.4), (1.0, 1.4)): 74 / 49, ((0.0, 0.4), (10.0, 10.4)): 1 + 100 / 10.4**2, ((2.0, 3.0), (2.0, 3.0)): 0.0,
             ((0.0, 4.0), (1.0, 2.0)): 1 - 0.25 + 0.25 / 16}
    for (pred, true), want in cases.items():
        got = _number(fn(pred, true))
        if not abs(got - want) < 1e-6:
            _diagnose_diou(got, pred, true, want)
    if not math.isfinite(_number(fn((1.0, 1.0), (1.5, 2.5)))):
        fail(2, "a span of no length must still have a finite loss: it is what an untrained network says first")
    if not abs(_number(fn((1.0, 1.0), (1.0, 1.0)))) < 1e-6:
        fail(2, "two equal spans of no length have a loss of 0, not 0 / 0: guard the denominators")


def _number(value):
    try:
        value = float(value)
    except (TypeError, ValueError):
        fail(2, "return one number")
    return value


def _diagnose_diou(got, pred, true, want):
    (s, e), (a, b) = pred, true
    inside, both = max(0.0, min(e, b) - max(s, a)), (e - s) + (b - a)
    hull, gap = max(e, b) - min(s, a), abs((s + e) - (a + b)) / 2
    iou = inside / (both - inside)
    mistakes = [(1 - iou + gap**2 / both**2, "the denominator is (length + length*)^2, as in the released code; by definition it is the hull's length squared"),
                (1 - iou + (2 * gap)**2 / hull**2, "the distance of the centres lacks its half: a centre is (start + end) / 2"),
                (1 - iou, "this is 1 - IoU alone: where the spans do not meet its slope is 0 and nothing is learned"),
                (1 - iou + gap / hull, "distance and hull come squared"),
                (iou - gap**2 / hull**2, "this is the DIoU itself; the loss is 1 minus it")]
    for value, said in mistakes:
        if math.isfinite(got) and abs(got - value) < 1e-6 < abs(value - want):
            fail(2, said)
    fail(2, f"expected {want:.4f} for {pred} against {true}, got {got:.4f}; the loss of distant spans stays below 2")


# ------------------------------------------------------------------------------------------------ 07.3


def overlap(p, t):
    inside = max(0.0, min(p[1], t[1]) - max(p[0], t[0]))
    return inside / ((p[1] - p[0]) + (t[1] - t[0]) - inside)


def average_precision(proposals, truth, iou, *, twice=False, equal=False, skip=False, peak=True, per_video=False):
    """AP by going through all proposals in order of score; the options are the usual mistakes."""
    if per_video:
        each = [average_precision([p], [t], iou) for p, t in zip(proposals, truth) if len(t)]
        return sum(each) / len(each)
    queue = sorted(((p[2], v, tuple(p)) for v, video in enumerate(proposals) for p in video), reverse=True)
    taken, hits, points = set(), 0, []
    for _, v, p in queue:
        if skip and not len(truth[v]):
            continue
        close = [k for k, t in enumerate(truth[v]) if overlap(p, t) > iou or (equal and overlap(p, t) >= iou - 1e-12)]
        free = [k for k in close if (v, k) not in taken or twice]
        taken |= {(v, k) for k in free[:1]}
        points.append((hits := hits + bool(free), len(points) + 1))
    total, area, before = sum(map(len, truth)), 0.0, 0.0
    for n, (found, _) in enumerate(points):
        precision = max(f / k for f, k in points[n:]) if peak else found / points[n][1]
        area += (found / total - before) * precision
        before = found / total
    return area


def check_ap_at_iou(fn):
    """ap_at_iou(proposals, truth, iou) -> float; lists with one array a video, (N, 3) start_s, end_s, score and (M, 2) start_s, end_s."""
    proposals = [np.array([[1.0, 2.0, 0.9], [1.05, 2.05, 0.8], [4.0, 5.0, 0.35]]), np.array([[0.0, 1.0, 0.85], [2.0, 2.4, 0.3]]),
                 np.array([[3.0, 4.0, 0.7], [0.5, 2.5, 0.6]]), np.array([[0.2, 0.9, 0.5]])]
    truth = [np.array([[1.0, 2.0], [4.1, 5.0]]), np.zeros((0, 2)), np.array([[0.5, 1.5]]), np.array([[0.2, 1.0]])]
    for threshold in (0.5, 0.75):
        want = average_precision(proposals, truth, threshold)
        got = fn([p.copy() for p in proposals], [t.copy() for t in truth], threshold)
        if not same(got, want):
            _diagnose_ap(got, proposals, truth, threshold, want)
    if not same(fn(proposals[::-1], truth[::-1], 0.5), average_precision(proposals, truth, 0.5)):
        fail(3, "the order of the videos changed the result: pool the proposals of all videos before ranking them")
    if not same(fn([np.zeros((0, 3))], [truth[0]], 0.5), 0.0):
        fail(3, "without a proposal nothing is found and AP is 0")


def _diagnose_ap(got, proposals, truth, threshold, want):
    mistakes = {"twice": "a true segment was matched more than once: the second proposal for it is a false positive",
                "equal": "an IoU equal to the threshold was counted; LAV-DF asks for strictly above",
                "skip": "videos without a forged segment were left out: every proposal in a real video is a false positive",
                "per_video": "AP was averaged over videos: pool the proposals of all videos, then rank them",
                }
    for name, said in mistakes.items():
        if same(got, average_precision(proposals, truth, threshold, **{name: True})):
            fail(3, said)
    if same(got, average_precision(proposals, truth, threshold, peak=False)):
        fail(3, "the precision is the one at each rank; LAV-DF takes the best precision at this recall or any higher")
    fail(3, f"expected {want:.4f} at IoU {threshold}, got {got!r}")


# ------------------------------------------------------------------------------------------------ 07.4


def check_effective_keys(fn):
    """effective_keys(p) -> exp of the entropy of each row; p (T, K), rows summing to 1. Returns (T,)."""
    rng = np.random.default_rng(SEED)
    p = rng.dirichlet(np.full(6, 0.5), 4)
    want = np.array([math.exp(-sum(v * math.log(v) for v in row)) for row in p])
    got = fn(p.copy())
    if not same(got, want):
        bits, mean = np.log(want) / math.log(2), p.mean(0)
        mistakes = [(np.exp(bits), "the entropy is in bits and exp was taken: use the natural logarithm, or 2 to its power"),
                    (np.log(want), "this is the entropy; exp is missing"), (bits, "this is the entropy in bits, not a number of keys"),
                    (1 / (p**2).sum(1), "this is one over the sum of squares: another effective number"),
                    (math.exp(-(mean * np.log(mean)).sum()), "this is the mean row's number: every row has its own, then one may average"),
                    (want.mean(), "return one number for each row")]
        for value, said in mistakes:
            if same(got, value):
                fail(4, said)
        fail(4, f"expected {np.round(want, 3).tolist()}, got {got!r}")
    sure = np.asarray(fn(np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]])), dtype=np.float64)
    if not same(sure, [1.0, 2.0]):
        fail(4, "weights of exactly 0 add nothing: 0 log 0 is 0, not NaN; one key of weight 1 is one key")


CHECKS = {"1": check_bi_modal_attention, "2": check_diou_1d, "3": check_ap_at_iou, "4": check_effective_keys}
