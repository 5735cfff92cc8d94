"""Checks of the exercises of notebook 03: plain loops as second routes, and the usual mistakes recognised by their results."""

import math
from functools import partial

import numpy as np

from avlab.course import base
from avlab.course.base import CheckFailed

SEED = 20260426


def fail(number, said):
    raise CheckFailed(f"03.{number}: {said}")


number_of = partial(base.number_of, fail)


def apart(a, b):
    return math.sqrt(sum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True)))


def near(x, i, k, own=False):
    """Numbers of the k rows nearest to row i, by one loop; own: row i may be among them."""
    others = [j for j in range(len(x)) if own or j != i]
    return sorted(others, key=lambda j: (apart(x[i], x[j]), j))[:k]


# ------------------------------------------------------------------------------------------------ 03.1


def agreement(x, label, k, own=False):
    shares = [sum(label[j] == label[i] for j in near(x, i, k, own)) / k for i in range(len(x))]
    return sum(shares) / len(shares)


def check_knn_agreement(fn):
    """knn_agreement(x, label, k) -> mean share of the k nearest other rows with the same label, in the full space, Euclidean."""
    rng = np.random.default_rng(SEED)
    label = np.arange(45) % 3
    x = rng.standard_normal((45, 8)) + 3.0 * np.eye(8)[5 + label]  # what separates them lies past the first two columns
    x *= rng.uniform(0.3, 3.0, (45, 1))  # lengths differ, so cosine and Euclid disagree
    got, want = number_of(1, fn(x.copy(), label.copy(), 4)), agreement(x, label, 4)
    if abs(got - want) > 1e-9:
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        mistakes = [(agreement(x, label, 4, own=True), "each point was counted among its own neighbours, and always agrees with itself"),
                    (agreement(x[:, :2], label, 4), "only the first two columns were used: ask in the full space, a map comes later"),
                    (agreement(unit, label, 4), "these are the neighbours by cosine: the rows are not of unit length, so say so or use Euclidean distances"),
                    (want * 4, "divide by k: the mean share is asked for, not the mean number"),
                    (agreement(x, label, 5), "one neighbour too many was taken after leaving the point itself out")]
        for value, said in mistakes:
            if abs(got - value) < 1e-9:
                fail(1, said)
        fail(1, f"expected {want:.4f} on a drawn example, got {got:.4f}")
    twins = np.repeat(rng.standard_normal((6, 3)), 2, axis=0)
    if abs(number_of(1, fn(twins, np.tile([0, 1], 6), 1)) - 0.0) > 1e-9:
        fail(1, "two equal points with different labels are neighbours of each other: leave a point out by its number, not by its distance 0")


# ------------------------------------------------------------------------------------------------ 03.2


def check_probe_accuracy(fn):
    """probe_accuracy(x, label, group, rng) -> balanced accuracy of a linear probe whose folds keep every group together."""
    rng = np.random.default_rng(SEED)
    _by_identity(fn, rng)
    _unbalanced(fn, rng)
    _fitted_scale(fn, rng)
    x, label, group = _useful(rng)
    got = number_of(2, fn(x, label, group, np.random.default_rng(1)))
    if not 0.9 <= got <= 1.0:
        fail(2, f"two classes 4 deviations apart are told apart on new people in nearly all cases; got {got:.2f}")


def _useful(rng, n=120):
    label, group = np.arange(n) % 2, np.arange(n) // 6
    return rng.standard_normal((n, 6)) + 4.0 * np.eye(6)[0] * label[:, None], label, group


def _by_identity(fn, rng):
    """Every person has one label and a face of their own, and nothing else: on new people a probe can only guess."""
    people = np.arange(24)
    faces, labels = 3.0 * rng.standard_normal((24, 40)), rng.permutation(people % 2)
    group = np.repeat(people, 6)
    x = faces[group] + 0.3 * rng.standard_normal((144, 40))
    got = np.mean([number_of(2, fn(x, labels[group], group, np.random.default_rng(k))) for k in range(3)])
    if got > 0.8:
        fail(2, f"{got:.2f} on data in which only the person decides: people stand in training and test folds at once, keep each group in one fold")


def _unbalanced(fn, rng):
    """90 % of one class and nothing to see: always saying it is 0.9 accurate and 0.5 balanced."""
    n = 200
    label, group = (np.arange(n) % 10 == 0).astype(int), np.arange(n) // 10
    got = number_of(2, fn(rng.standard_normal((n, 2)), label, group, np.random.default_rng(2)))
    if got > 0.72:
        fail(2, f"{got:.2f} on noise with nine of ten rows in one class: this is plain accuracy; take the mean over classes of the share named right")


class _Watched(np.ndarray):
    """Rows that remember whether mean or deviation of all of them was taken; a part of them does not count."""

    seen: list = []

    def mean(self, axis=None, *args, **words):
        self._note(axis)
        return np.asarray(self).mean(axis, *args, **words)

    def std(self, axis=None, *args, **words):
        self._note(axis)
        return np.asarray(self).std(axis, *args, **words)

    def _note(self, axis):
        if self.ndim == 2 and axis == 0:
            self.seen.append(len(self))


def _fitted_scale(fn, rng):
    """Whose mean and deviation are taken: of the training rows of a fold, never of all rows."""
    from unittest.mock import patch

    from sklearn.preprocessing import StandardScaler

    x, label, group = _useful(rng)
    _Watched.seen, fit = [], StandardScaler.partial_fit

    def watched(self, rows, *args, **words):
        _Watched.seen.append(len(rows))
        return fit(self, rows, *args, **words)

    with patch.object(StandardScaler, "partial_fit", watched):
        fn(x.view(_Watched), label, group, np.random.default_rng(3))
    if len(x) in _Watched.seen:
        fail(2, "mean and scale were taken from all rows, test rows included: fit the scaler on the training rows of each fold, as a pipeline does")


# ------------------------------------------------------------------------------------------------ 03.3


def overlap(a, b, k, divide=None):
    shared = sum(len(set(near(a, i, k)) & set(near(b, i, k))) for i in range(len(a)))
    return shared / (divide or len(a) * k)


def check_neighbour_overlap(fn):
    """neighbour_overlap(a, b, k) -> share of the k nearest neighbours in a that are neighbours in b."""
    rng = np.random.default_rng(SEED)
    a = np.concatenate([rng.standard_normal((20, 2)) + 40 * np.array([c, 0]) for c in range(2)])
    turned = 5 * a @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + 100
    got = number_of(3, fn(a, turned, 5))
    if abs(got - 1) > 1e-9:
        if abs(got - overlap(a, turned, 5, len(a))) < 1e-9:
            fail(3, "divide by n * k: there are k neighbours for each of the n points")
        fail(3, f"a map that was turned, enlarged and moved has the same neighbours: overlap 1, got {got:.3f}; compare neighbours, not coordinates")
    mixed = a.copy()
    for c in range(2):  # clusters stay where they are, and inside them nothing stays
        mixed[20 * c:20 * c + 20] = rng.standard_normal((20, 2)) + 40 * np.array([c, 0])
    got, want = number_of(3, fn(a, mixed, 5)), overlap(a, mixed, 5)
    if abs(got - want) > 1e-9:
        if got > 0.9:
            fail(3, f"{got:.2f} for maps that share nothing but the place of two far clusters: a correlation of distances sees only those; compare neighbours")
        if abs(got - overlap(a, mixed, 5, len(a))) < 1e-9:
            fail(3, "divide by n * k: there are k neighbours for each of the n points")
        if got > want and abs(got - (overlap(a, mixed, 4) * 4 + 1) / 5) < 1e-9:
            fail(3, "each point was counted among its own neighbours, and is shared by every two maps")
        fail(3, f"expected {want:.4f} for two maps with the same clusters and other neighbours, got {got:.4f}")


# ------------------------------------------------------------------------------------------------ 03.4


def check_novelty_score(fn):
    """novelty_score(train_x, train_label, x) -> (M,) larger = less like anything in train_x."""
    rng = np.random.default_rng(SEED)
    middles = np.array([[-6.0, 0.0], [6.0, 0.0], [0.0, 9.0]])
    label = np.repeat(np.arange(3), 40)
    train = middles[label] + rng.standard_normal((120, 2))
    known, between, far = middles, np.array([[0.0, 2.5]]), np.array([[60.0, 0.0]])
    score = np.asarray(fn(train.copy(), label.copy(), np.concatenate([known, between, far])), float)
    if score.shape != (5,):
        fail(4, f"return one score for each row of x, shape (5,), not {score.shape}")
    if not np.isfinite(score).all():
        fail(4, "every score is a finite number")
    inside, middle, outside = score[:3].max(), score[3], score[4]
    if score[:3].min() > max(middle, outside):
        fail(4, "the sign is turned: strangers come out as the most familiar")
    if not middle > inside:
        fail(4, "a stranger in the gap between the classes looks as familiar as they do: the mean of everything lies there, so a distance to it cannot see it")
    if not outside > inside:
        fail(4, "a stranger far outside looks familiar: a classifier is most confident there, so 1 - its largest softmax is smallest; use a distance")


CHECKS = {"1": check_knn_agreement, "2": check_probe_accuracy, "3": check_neighbour_overlap, "4": check_novelty_score}
