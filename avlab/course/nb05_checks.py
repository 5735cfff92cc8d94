"""Checks of the exercises of notebook 05: plain loops as second routes, and the usual mistakes recognised by their results."""

import itertools
import math
from functools import partial

import numpy as np

from avlab.course import base
from avlab.course.base import CheckFailed
from avlab.errors import OneClass

SEED = 20260603


def fail(number, said):
    raise CheckFailed(f"05.{number}: {said}")


number_of = partial(base.number_of, fail, what="the loss, one number", finite=False)


def near(a, b, tolerance=1e-6):
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance)


# ------------------------------------------------------------------------------------------------ 05.1


def triplet_terms(vectors, label, margin, *, squared=True, self_pairs=False, unit=True):
    """One hinge for every anchor, positive and negative, by three loops."""
    u = [np.asarray(v, float) / (np.linalg.norm(v) if unit else 1.0) for v in vectors]

    def apart(i, j):
        d = math.sqrt(sum((a - b)**2 for a, b in zip(u[i], u[j])))
        return d**2 if squared else d
    terms = []
    for a, p, n in itertools.product(range(len(u)), repeat=3):
        if label[a] == label[p] and label[a] != label[n] and (a != p or self_pairs):
            terms.append(max(0.0, apart(a, p) - apart(a, n) + margin))
    return terms


def check_triplet(fn):
    """triplet(embedding (B, D), label (B,), margin) -> mean hinge over all triplets of squared distances of unit vectors."""
    angle = np.deg2rad([0.0, 60.0, 90.0, 180.0])
    hand, label = np.stack([np.cos(angle), np.sin(angle)], 1) * [[3.0], [3.0], [0.5], [1.0]], np.array([0, 0, 1, 1])
    # on the circle: |u0-u1|^2 = 1, |u2-u3|^2 = 2, |u0-u2|^2 = 2, |u0-u3|^2 = 4, |u1-u2|^2 = 2-sqrt 3, |u1-u3|^2 = 3
    hinges = [0, 0, 1 - (2 - math.sqrt(3)) + 0.3, 0, 0.3, 2 - (2 - math.sqrt(3)) + 0.3, 0, 0]
    got = number_of(1, fn(hand.copy(), label.copy(), 0.3))
    if not near(got, sum(hinges) / 8):
        _diagnose_triplet(got, hand, label, 0.3)
    rng = np.random.default_rng(SEED)
    vectors, label = rng.standard_normal((7, 5)), np.array([0, 1, 0, 1, 1, 0, 0])
    got = number_of(1, fn(vectors.copy(), label.copy(), 0.2))
    if not near(got, float(np.mean(triplet_terms(vectors, label, 0.2)))):
        _diagnose_triplet(got, vectors, label, 0.2)
    lone = number_of(1, fn(vectors.copy(), np.ones(7, int), 0.2))
    if not lone == 0:
        fail(1, f"a batch of one class holds no triplet: the loss is 0, not {lone} (a mean over nothing is NaN)")


def _diagnose_triplet(got, vectors, label, margin):
    terms, n = triplet_terms(vectors, label, margin), len(label)
    own = triplet_terms(vectors, label, margin, self_pairs=True)
    above = [t for t in terms if t > 0]
    mistakes = [
        (np.mean(triplet_terms(vectors, label, margin, squared=False)), "the distances were not squared: the released code does that, the paper does not"),
        (np.mean(own), "an anchor was counted as its own positive; p must differ from a"),
        (np.sum(terms) / n**3, "the sum was divided by B^3, impossible triplets included; divide by the triplets that exist"),
        (np.sum(terms), "this is the sum; the loss is the mean over triplets"),
        (np.mean(triplet_terms(vectors, label, margin, unit=False)), "the vectors were not brought to length 1 first"),
        (np.mean(above) if above else 0.0, "only triplets above 0 were averaged, as a library's reducer does; the paper's mean has all of them"),
        (np.mean([t for t in triplet_terms(vectors, 1 - label, -margin)]), "the sign of the margin is turned"),
    ]
    for value, said in mistakes:
        if near(got, float(value)):
            fail(1, said)
    fail(1, f"expected {np.mean(terms):.4f} for {n} vectors and margin {margin}, got {got:.4f}")


# ------------------------------------------------------------------------------------------------ 05.2


def check_clip_scores(fn):
    """clip_scores(score (N,), clip_id (N,)) -> (clips in order of first appearance, mean score of each)."""
    ids = np.array(["ada/7-b", "ada/7-b", "zoe/10", "ada/7", "zoe/10", "ada/7", "zoe/10", "bo/2"])
    score = np.array([1.0, 3.0, -2.0, 0.5, 4.0, 1.5, 1.0, 7.0])
    want = {"ada/7-b": 2.0, "zoe/10": 1.0, "ada/7": 1.0, "bo/2": 7.0}
    answer = fn(score.copy(), ids.copy())
    if not isinstance(answer, tuple) or len(answer) != 2 or len(answer[0]) != len(answer[1]):
        fail(2, "return two things of one length: the clips and their mean scores")
    clips, means = [str(c) for c in answer[0]], [float(m) for m in answer[1]]
    if len(clips) < 4:
        fail(2, f"{len(clips)} clips instead of 4: a clip is its whole id; parts of a name or path join clips that have nothing in common")
    if sorted(clips) != sorted(want):
        fail(2, f"the clips are {', '.join(want)}; got {', '.join(clips[:6])}")
    best = {clip: score[ids == clip].max() for clip in want}
    if all(near(m, best[c]) for c, m in zip(clips, means)) and not all(near(best[c], want[c]) for c in clips):
        fail(2, "these are the highest chunks: the maximum grows with the number of chunks, the mean does not")
    if not all(near(m, want[c]) for c, m in zip(clips, means)):
        if sorted(np.round(means, 6)) == sorted(want.values()):
            fail(2, "the means are right and stand beside other clips' names: names and means must come from the same order")
        fail(2, f"the score of a clip is the mean of its chunks; expected {want}")
    if clips != list(want):
        fail(2, "the clips are sorted by name: labels kept in the order of the clips would no longer match; keep the order of first appearance")


# ------------------------------------------------------------------------------------------------ 05.3


def sweep(score, label):
    """(accuracy, threshold) where |FPR - FNR| is least among all scores as thresholds, by counting; the highest threshold wins a tie."""
    best = None
    for threshold in sorted(set(score), reverse=True):
        said = [s >= threshold for s in score]
        alarms = sum(s and not y for s, y in zip(said, label)) / sum(not y for y in label)
        misses = sum((not s) and y for s, y in zip(said, label)) / sum(bool(y) for y in label)
        if best is None or abs(alarms - misses) < best[0] - 1e-12:
            best = abs(alarms - misses), sum(s == bool(y) for s, y in zip(said, label)) / len(label), threshold
    return best[1:]


def check_acc_at_eer(fn):
    """acc_at_eer(score, label) -> (accuracy, threshold) at the ROC point where false alarms and misses are nearest."""
    from sklearn.metrics import roc_curve

    hand = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    rng = np.random.default_rng(SEED)
    for score, label in (hand, *((np.round(rng.standard_normal(20) + y, 3), y) for y in (np.arange(20) % 3 == 0, np.arange(20) % 2 == 0))):
        label = label.astype(int)
        answer = fn(score.copy(), label.copy())
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            fail(3, "return two things, the accuracy and the threshold")
        acc, threshold = (float(x) for x in answer)
        want = sweep(score.tolist(), label.tolist())
        if near(acc, want[0]) and near(threshold, want[1]):
            continue
        alarm, hit, thresholds = roc_curve(label, score)
        at = int(np.argmin(np.abs(alarm - (1 - hit))))
        if near(threshold, thresholds[at]) and not near(thresholds[at], want[1]):
            fail(3, "roc_curve leaves out points by default, and here the EER point is one of them: pass drop_intermediate=False")
        if near(threshold, 0.5) or near(acc, float(((score >= 0.5) == label).mean())) and not near(threshold, want[1]):
            fail(3, "0.5 was used as the threshold: that is plain accuracy, which knows nothing of the EER")
        if near(threshold, want[1]) and near(acc, float(((score > want[1]) == label).mean())):
            fail(3, "the threshold itself was called real: a score at the threshold counts as fake")
        if near(threshold, want[1]):
            fail(3, f"1 - EER is not the accuracy unless the ROC crosses FPR = FNR exactly and classes are balanced: count ({want[0]:.4f}, not {acc:.4f})")
        fail(3, f"expected accuracy {want[0]:.4f} at {want[1]:.3f}, got {acc:.4f} at {threshold:.3f}")


# ------------------------------------------------------------------------------------------------ 05.4


class Watched:
    """A metric that remembers which rows it was asked about and refuses one class, as an AUROC does."""

    def __init__(self):
        self.rows, self.refused, self.values = [], 0, []

    def __call__(self, score, label):
        self.rows.append(np.asarray(score).round().astype(int).tolist())
        if len(set(np.asarray(label).tolist())) < 2:
            self.refused += 1
            raise OneClass("both classes are needed", got="one")
        self.values.append(float(np.mean(score)))
        return self.values[-1]


def check_bootstrap_by_group(fn):
    """bootstrap_by_group(metric, score, label, group, n, rng) -> (lo, hi, refused): whole groups, n good draws, refused ones counted."""
    group = np.repeat(np.arange(6), [1, 2, 3, 2, 1, 3])
    score, label = np.arange(12.0), np.where(group == 0, 1, 0)  # one group alone holds the fakes: many draws miss it
    watch = Watched()
    answer = fn(watch, score.copy(), label.copy(), group.copy(), 60, np.random.default_rng(1))
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        fail(4, "return three things: the 2.5 and 97.5 per cent points, and how many draws were refused for want of a class")
    members = {g: np.flatnonzero(group == g).tolist() for g in range(6)}
    whole = [_whole(rows, members) for rows in watch.rows if rows != list(range(12))]
    if len({tuple(r) for r in watch.rows}) <= 3:
        fail(4, "the same rows came again and again: every draw needs a resample of its own")
    if not all(whole):
        fail(4, "single rows were resampled: draw groups with replacement, and take all rows of each")
    lo, hi, refused = (float(x) for x in answer)
    if len(watch.values) < 60:
        fail(4, f"{len(watch.values)} of 60 draws are left: a draw without both classes is drawn again, or the interval rests on fewer draws than it says")
    if refused != watch.refused:
        fail(4, f"{watch.refused} draws were refused and {refused:.0f} were reported: an interval that leaves out draws must say how many")
    used = watch.values[-60:]
    if not (near(lo, float(np.quantile(used, 0.025))) and near(hi, float(np.quantile(used, 0.975)))):
        fail(4, "return the 2.5 and 97.5 per cent points of the n values")


def _whole(rows, members):
    """True where rows are whole groups, one after another, as many as there are."""
    rows, drawn = list(rows), 0
    while rows:
        mine = next((m for m in members.values() if rows[:len(m)] == m), None)
        if mine is None:
            return False
        rows, drawn = rows[len(mine):], drawn + 1
    return drawn == len(members)


CHECKS = {"1": check_triplet, "2": check_clip_scores, "3": check_acc_at_eer, "4": check_bootstrap_by_group}
