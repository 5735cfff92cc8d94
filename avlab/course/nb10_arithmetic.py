"""What printed percentages can prove: counts behind them, bounds on a p-value, averages that cannot be averages.

Everything is exact: a percentage printed with d decimals is an integer P / 10^d, a share is k / n, and "fits" means
|100 k / n - P / 10^d| <= half a unit of the last decimal (both ends count, because nobody prints how they round).
Compare Brown & Heathers 2017, "The GRIM test" (SPPS 8:363-369), which does this for means of integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np

from avlab.errors import AvlabError

# ------------------------------------------------------------------------------------------------ counts


def possible_counts(percent: float, n: int, digits: int = 2, *, slack: float | None = None) -> list[int]:
    """Return every k in 0..n that would be printed as ``percent``: |100 k / n - percent| <= slack.

    slack: half a unit of the last printed decimal unless given (in per cent). Raises AvlabError when n < 1, or
    ``percent`` has more decimals than ``digits``.
    """
    if n < 1:
        raise AvlabError("A share needs at least one clip", got=n)
    printed, (over, under) = _printed(percent, digits), _slack(digits, slack)
    k = np.arange(n + 1, dtype=np.int64)
    return k[_near(100 * k, n, printed, digits, over, under)].tolist()


def solve_counts(acc: float, auc: float, n_real: int, n_fake: int, digits: int = 2, *,
                 slack: float | None = None) -> list[tuple[int, int]]:
    """Return every (real errors, fake errors) that prints as this accuracy and this hard-label AUC.

    ACC = 1 - (r + f) / (R + F); the AUC of hard labels is the balanced accuracy, (TPR + TNR) / 2 = 1 - (r/R + f/F) / 2.
    """
    by_acc, by_auc = fitting_cells(acc, auc, n_real, n_fake, digits, slack=slack)
    return [(int(r), int(f)) for r, f in np.argwhere(by_acc & by_auc)]


def fitting_cells(acc: float, auc: float, n_real: int, n_fake: int, digits: int = 2, *,
                  slack: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return two (n_real + 1, n_fake + 1) bool: where r real and f fake errors print as this ACC, and as this AUC."""
    r, f = np.arange(n_real + 1, dtype=np.int64)[:, None], np.arange(n_fake + 1, dtype=np.int64)[None, :]
    over, under = _slack(digits, slack)
    total, product = n_real + n_fake, 2 * n_real * n_fake
    by_acc = _near(100 * (total - r - f), total, _printed(acc, digits), digits, over, under)
    by_auc = _near(100 * (product - r * n_fake - f * n_real), product, _printed(auc, digits), digits, over, under)
    return by_acc, by_auc


def sizes_that_fit(percents: Sequence[float], sizes: Sequence[int], digits: int) -> np.ndarray:
    """Return (len(percents), len(sizes)) bool: True where some k of n prints as that percentage."""
    return np.array([[bool(possible_counts(p, int(n), digits)) for n in sizes] for p in percents])


def reachable_share(n: int, digits: int) -> float:
    """Return the share of all percentages with ``digits`` decimals that some k of n prints: how easily a number fits n clips."""
    unit = 100 * 10**digits
    k = np.arange(n + 1, dtype=np.int64)
    low, high = (2 * unit * k + n - 1) // (2 * n), (2 * unit * k + n) // (2 * n)  # an exact half may print either way
    return np.unique(np.concatenate([low, high])).size / (unit + 1)


def chance_share(n_real: int, n_fake: int, digits: int = 2) -> float:
    """Return how often a random AUC would fit a given ACC: the print step over the step of the possible AUCs.

    With e errors fixed by ACC, moving one error from the fakes to the reals moves the hard-label AUC by
    50 |1/R - 1/F| per cent; a print covers 10^-digits of it. At most 1 (equal classes: no step at all).
    """
    step = 50 * abs(1 / n_real - 1 / n_fake)
    return 1.0 if step == 0 else min(1.0, 10.0**-digits / step)


# ------------------------------------------------------------------------------------------------ differences


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Return the two-sided exact McNemar p: clips only one of two detectors got wrong, against a fair coin."""
    from scipy.stats import binomtest

    n = only_first + only_second
    return 1.0 if n == 0 else float(binomtest(min(only_first, only_second), n).pvalue)


def mcnemar_bounds(first: Sequence[int], second: Sequence[int]) -> tuple[float, float]:
    """Return the smallest and largest McNemar p that error counts per class allow.

    first, second: errors of two detectors on the same clips, one count a class. Which errors they share is not printed:
    s shared errors leave sum(first) - s and sum(second) - s, and s may be 0 .. sum of min(first, second) over classes.
    """
    shared = range(sum(min(a, b) for a, b in zip(first, second, strict=True)) + 1)
    p = [mcnemar_p(sum(first) - s, sum(second) - s) for s in shared]
    return min(p), max(p)


def relative_and_points(new: float, old: float) -> tuple[float, float]:
    """Return (gain in per cent of the old value, gain in percentage points)."""
    return 100 * (new - old) / old, new - old


def error_cut(new: float, old: float) -> float:
    """Return by how many per cent the error 100 - accuracy fell."""
    return 100 * (1 - (100 - new) / (100 - old))


# ------------------------------------------------------------------------------------------------ averages


def outside_columns(columns, printed, digits: int = 2) -> np.ndarray:
    """Return bool[m]: True where ``printed`` lies outside the range of its columns by more than rounding explains.

    columns (c, m) parts, printed (m,) totals. A weighted mean of parts cannot leave them, whatever the weights; all
    numbers were rounded, so one whole unit of the last decimal is allowed. Only for quantities that *are* weighted
    means (accuracy at one threshold); a pooled AUROC may leave its parts.
    """
    columns, printed = np.asarray(columns, dtype=np.float64), np.asarray(printed, dtype=np.float64)
    slack = 10.0**-digits + 1e-9  # half a unit in the printed total, half in the part; 1e-9 for binary fractions
    return (printed > columns.max(axis=0) + slack) | (printed < columns.min(axis=0) - slack)


def is_column_mean(columns, printed, digits: int = 2) -> np.ndarray:
    """Return bool[m]: True where ``printed`` is the plain mean of ``columns`` (c, m) up to one unit of rounding."""
    gap = np.abs(np.mean(np.asarray(columns, dtype=np.float64), axis=0) - np.asarray(printed, dtype=np.float64))
    return gap <= 10.0**-digits + 1e-9


# ------------------------------------------------------------------------------------------------ scores and losses


def f1_percent(true_fake: int, false_fake: int, missed_fake: int) -> float:
    """Return F1 = 2 TP / (2 TP + FP + FN) in per cent, fake = positive."""
    return 100 * 2 * true_fake / (2 * true_fake + false_fake + missed_fake)


def f1_without_looking(share, n_fake: int, n_real: int) -> np.ndarray:
    """Return the F1 (per cent) of a detector that calls a random ``share`` of all clips fake: 2 s F / (s (F + R) + F)."""
    share = np.asarray(share, dtype=np.float64)
    return 100 * 2 * share * n_fake / (share * (n_fake + n_real) + n_fake)


def present_counts(batch: int, classes: int) -> np.ndarray:
    """Return (batch,): P(K = 1 .. batch | K >= 1), K ~ Bin(batch, 1/classes) clips of one generator in a batch."""
    p = np.array([comb(batch, k) / classes**k * (1 - 1 / classes) ** (batch - k) for k in range(batch + 1)])
    return p[1:] / p[1:].sum()


def diagonal_share(batch: int, classes: int) -> float:
    """Return the expected share of pairs i = j in CMFFC (AMDD eq. 12), given that the generator is in the batch.

    K clips of a generator make K^2 audio-video pairs, K of them a clip with itself: E[K / K^2 | K >= 1] = E[1/K | K >= 1].
    The loss averages within a generator first, so this is the weight of the diagonal.
    """
    return float((present_counts(batch, classes) / np.arange(1, batch + 1)).sum())


@dataclass(frozen=True)
class ThreePoints:
    """The counterexample of beat 8: x (N,), generator (N,) 0 = real, logits (3, N), and what each head reaches."""

    x: np.ndarray
    generator: np.ndarray
    logits: np.ndarray
    attribution: float
    thresholds: np.ndarray
    balanced: np.ndarray


def three_points(n: int = 50) -> ThreePoints:
    """Return fakes of A at -1, reals at 0, fakes of B at +1: a linear head names the generator, no threshold finds fakes.

    Logits (real, A, B) = (5, -10 x, 10 x). ``balanced`` is the better of "fake above" and "fake below" each threshold.
    """
    x, generator = np.repeat([-1.0, 0.0, 1.0], n), np.repeat([1, 0, 2], n)
    logits = np.stack([np.full_like(x, 5), -10 * x, 10 * x])
    thresholds = np.linspace(-1.5, 1.5, 301)
    above = x[None, :] > thresholds[:, None]
    fake = generator > 0
    balanced = (above[:, fake].mean(1) + (~above[:, ~fake]).mean(1)) / 2
    return ThreePoints(x, generator, logits, float((logits.argmax(0) == generator).mean()), thresholds,
                       np.maximum(balanced, 1 - balanced))


# ------------------------------------------------------------------------------------------------ who is first


def leaders(column: Mapping[str, float | None]) -> list[tuple[str, float]]:
    """Return [(name, value)] of a printed column, best first, rows without a number left out."""
    return sorted(((k, float(v)) for k, v in column.items() if v is not None), key=lambda kv: -kv[1])


# ------------------------------------------------------------------------------------------------ inside


def _printed(percent, digits):
    """Return the printed number as an integer count of its last decimal, so that nothing is compared as a float."""
    if not (isinstance(digits, int) and 0 <= digits <= 6):
        raise AvlabError("digits is the number of printed decimals, 0 to 6", got=digits)
    printed = round(percent * 10**digits)
    if abs(percent * 10**digits - printed) > 1e-6:
        raise AvlabError("A percentage cannot have more decimals than it is printed with",
                         got=f"{percent} with digits={digits}", todo="raise digits")
    return printed


def _slack(digits, slack):
    """Return the allowed distance in per cent as a fraction (numerator, denominator)."""
    exact = Fraction(1, 2 * 10**digits) if slack is None else Fraction(str(slack))
    return exact.numerator, exact.denominator


def _near(numerator, denominator, printed, digits, over, under):
    """True where |numerator / denominator - printed / 10^digits| <= over / under, in integers."""
    return np.abs(numerator * 10**digits - printed * denominator) * under <= over * 10**digits * denominator
