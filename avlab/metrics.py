"""How a score is judged, and how sure one may be. Label 1 = fake = positive, everywhere.

Scores are one number a clip, larger = more fake. Nothing here is trained and nothing is remembered.
Intervals come from resampling groups (people), never single frames: two chunks of one person are not two witnesses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from avlab.errors import AvlabError, OneClass
from avlab.localisation_metrics import ap_at_iou, ap_from_hits, ar_at_n, interval_iou, proposal_hits  # noqa: F401, part of these metrics


@dataclass(frozen=True)
class Interval:
    """An estimate on the data as they are, the ends of its percentile interval, and the draws behind them (n,)."""

    value: float
    lo: float
    hi: float
    draws: np.ndarray


# ------------------------------------------------------------------------------------------------ one number


def auroc(score, label) -> float:
    """Return the probability that a random fake scores higher than a random real, ties counted half.

    AUROC = (R1 - n1 (n1 + 1) / 2) / (n1 n0), R1 = sum of the average ranks of the fakes (Mann-Whitney). In 0..1; 0.5 says
    nothing, 0.3 says something with the wrong sign. Computed from ranks and not with scikit-learn's ``roc_auc_score``,
    which it equals: a bootstrap calls it thousands of times and the checks there cost twenty times the work.
    Raises AvlabError when one class is missing or a score is not finite.
    """
    from scipy.stats import rankdata

    score, fake = _scored(score, label)
    n1 = int(fake.sum())
    n0 = fake.size - n1
    return float((rankdata(score)[fake].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def average_precision(score, label) -> float:
    """Return the area under precision against recall as a step function, sum_n (R_n - R_(n-1)) P_n (scikit-learn).

    In 0..1; the floor is the share of fakes, not 0.5. Raises AvlabError when one class is missing.
    """
    from sklearn.metrics import average_precision_score

    score, fake = _scored(score, label)
    return float(average_precision_score(fake, score))


def eer(score, label) -> float:
    """Return the equal error rate: where false alarms (FPR) and misses (1 - TPR) are equal, in 0..1.

    The ROC has few points when there are few clips, so the crossing is taken on the straight line between the two points
    around it (that is: between two thresholds, one is chosen by a coin). Without this, "the nearest point" depends on
    the class balance (papers.md C3). Raises AvlabError when one class is missing.
    """
    false_alarm, hit, _ = _roc(score, label)
    gap = false_alarm - (1 - hit)  # rises from -1 (call nothing fake) to +1 (call everything fake)
    right = int(np.argmax(gap >= 0))
    left = max(right - 1, 0)
    span = gap[right] - gap[left]
    share = 0.0 if span == 0 else -gap[left] / span
    return float(false_alarm[left] + share * (false_alarm[right] - false_alarm[left]))


def eer_threshold(score, label) -> float:
    """Return the threshold of the ROC point with the smallest |FPR - FNR|; scores at or above it are called fake.

    A real point of the ROC, not interpolated, because a threshold must be usable (X-AVDT's evaluate.py does the same).
    """
    false_alarm, hit, threshold = _roc(score, label)
    return float(threshold[int(np.argmin(np.abs(false_alarm - (1 - hit))))])


def acc_at_eer(score, label, *, threshold_from=None) -> float:
    """Return the accuracy at the EER threshold (X-AVDT's Acc@EER), in 0..1.

    By default the threshold is taken from these very scores, as the paper does: it is then a look at the test answers
    (papers.md X15). ``threshold_from=(score, label)`` takes it from other clips, which is the honest form.
    Raises AvlabError when one class is missing.
    """
    threshold = eer_threshold(*(threshold_from if threshold_from is not None else (score, label)))
    score, fake = _scored(score, label)
    return float(((score >= threshold) == fake).mean())


def wilson(k: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval (lo, hi) for k successes in n trials (Wilson 1927, JASA 22:209-212).

    centre = (p + z^2/2n) / (1 + z^2/n), half = z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n). Inside 0..1, and wider than
    nothing at k = 0 and k = n. Raises AvlabError unless 0 <= k <= n and n >= 1.
    """
    from scipy.stats import norm

    if not (n >= 1 and 0 <= k <= n):
        raise AvlabError("A share needs 0 <= k <= n and n >= 1", got=f"k={k}, n={n}")
    z = float(norm.ppf((1 + level) / 2))
    p, shrink = k / n, 1 + z * z / n
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / shrink
    centre = (p + z * z / (2 * n)) / shrink
    # the ends are exact at the edges in algebra; rounding must not push them outside 0..1
    return (0.0 if k == 0 else float(centre - half)), (1.0 if k == n else float(centre + half))


# ------------------------------------------------------------------------------------------------ how sure


def bootstrap_ci(metric: Callable, *arrays, groups=None, n: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Return ``metric(*arrays)`` with its percentile bootstrap interval (Efron & Tibshirani 1993, ch. 13).

    arrays: any number of (N, ...) arrays, resampled together. groups: (N,) names; whole groups are drawn with
    replacement (resample people, not clips); None = every item is its own group. A draw in which the metric is
    undefined (one class missing) is drawn again, so the interval is conditional on both classes being there.
    Raises AvlabError when the metric is undefined on the data, or on almost every draw.
    """
    arrays = _same_length(arrays, groups)
    value = float(metric(*arrays))
    draws = _draws(lambda rows: [metric(*(a[rows] for a in arrays))], len(arrays[0]), groups, n, seed)[:, 0]
    return Interval(value, *_ends(draws, level), draws)


def paired_bootstrap(metric: Callable, scores: Mapping[str, np.ndarray], *rest, groups=None, n: int = 1000,
                     seed: int = 0, level: float = 0.95) -> dict[str, Interval]:
    """Return {name: Interval} of ``metric(score, *rest)`` for several scores of the same clips, on the same draws.

    Because draw i is the same people for every name, ``a.draws - b.draws`` is a draw of the difference: see
    `difference`. rest is usually the label (N,). groups, n, seed, level and errors as in `bootstrap_ci`.
    """
    names = list(scores)
    if not names:
        raise AvlabError("paired_bootstrap needs at least one score", todo="pass {'name': score}")
    columns = _same_length((*(scores[name] for name in names), *rest), groups)
    mine, rest = columns[: len(names)], columns[len(names):]
    values = [float(metric(score, *rest)) for score in mine]
    draws = _draws(lambda rows: [metric(score[rows], *(a[rows] for a in rest)) for score in mine],
                   len(mine[0]), groups, n, seed)
    return {name: Interval(value, *_ends(column, level), column) for name, value, column in zip(names, values, draws.T)}


def difference(a: Interval, b: Interval, *, level: float = 0.95) -> Interval:
    """Return a - b with its interval, draw by draw; both must come from one `paired_bootstrap` call."""
    if a.draws.shape != b.draws.shape:
        raise AvlabError("A paired difference needs draws on the same resamples",
                         got=f"{a.draws.shape} and {b.draws.shape} draws", todo="take both from one paired_bootstrap")
    draws = a.draws - b.draws
    return Interval(a.value - b.value, *_ends(draws, level), draws)


def resample(groups, rng: np.random.Generator) -> np.ndarray:
    """Return row indices of one bootstrap draw: as many groups as there are, drawn with replacement, each one whole."""
    return _one_draw(_members(groups), rng)


# ------------------------------------------------------------------------------------------------ inside


def _scored(score, label):
    """Return score (N,) float64 and fake (N,) bool, or say what is wrong with them."""
    score, label = np.asarray(score, dtype=np.float64).ravel(), np.asarray(label).ravel()
    if score.size != label.size:
        raise AvlabError("A score and a label are needed for every clip", got=f"{score.size} scores, {label.size} labels")
    if not np.isfinite(score).all():
        raise AvlabError("Every score must be a finite number", got=f"{int((~np.isfinite(score)).sum())} that are not")
    if not np.isin(label, (0, 1)).all():
        raise AvlabError("A label is 0 (real) or 1 (fake)", got=sorted(set(label.tolist()))[:8])
    fake = label == 1
    if fake.all() or not fake.any():
        raise OneClass("Real and fake clips are both needed to compare them",
                       got=f"{int(fake.sum())} fake of {fake.size}", todo="take more clips")
    return score, fake


def _roc(score, label):
    from sklearn.metrics import roc_curve

    score, fake = _scored(score, label)
    return roc_curve(fake, score, drop_intermediate=False)


def _same_length(arrays, groups):
    arrays = tuple(np.asarray(a) for a in arrays)
    sizes = {len(a) for a in arrays} | ({len(groups)} if groups is not None else set())
    if len(sizes) != 1 or 0 in sizes:
        raise AvlabError("All arrays (and the groups) must have the same length, at least 1", got=sorted(sizes))
    return arrays


def _members(groups):
    """Return one array of row indices for each group."""
    _, inverse = np.unique(np.asarray(groups), return_inverse=True)
    return np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])


def _one_draw(members, rng):
    return np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])


def _draws(values, size, groups, n, seed):
    """Return (n, k): ``values(rows)`` on n resamples, those in which a class is missing drawn again."""
    if n < 1:
        raise AvlabError("A bootstrap needs at least one draw", got=n)
    members = _members(np.arange(size) if groups is None else groups)
    rng, out, left = np.random.default_rng(seed), [], 20 * n
    while len(out) < n:
        left -= 1
        if left < 0:
            raise AvlabError("Resampling whole groups hardly ever keeps both classes",
                             got=f"{len(members)} groups", todo="take clips of more people")
        try:
            out.append(values(_one_draw(members, rng)))
        except OneClass:
            continue
    return np.array(out, dtype=np.float64)


def _ends(draws, level):
    return tuple(float(q) for q in np.quantile(draws, ((1 - level) / 2, (1 + level) / 2)))
