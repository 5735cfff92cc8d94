"""Checks of the exercises of notebook 10: other routes to the answers, and the mistakes that people make, recognised by their results.

Nothing here calls the functions of nb10_arithmetic: counts are found by decimal rounding, the loss by listing every batch.
"""

import itertools
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np

from avlab.course.base import CheckFailed

SEED = 20260429


def printed(share: Fraction, digits: int, rounding=ROUND_HALF_UP) -> Decimal:
    """A share as a paper prints it, in per cent with `digits` decimals; 60 digits are enough to round exactly."""
    exact = Decimal(share.numerator) * 100 / Decimal(share.denominator)
    return exact.quantize(Decimal(1).scaleb(-digits), rounding=rounding)


def is_half(share: Fraction, digits: int) -> bool:
    """True where the share lies exactly between two prints, so that two honest roundings differ."""
    return (share * 100 * 10**digits).denominator == 2


def fail(number, said):
    raise CheckFailed(f"10.{number}: {said}")


def as_list(number, got, what):
    try:
        return [tuple(int(x) for x in g) if isinstance(g, (tuple, list, np.ndarray)) else int(g) for g in got]
    except (TypeError, ValueError):
        fail(number, f"return {what}, not {got!r}")


# ------------------------------------------------------------------------------------------------ 10.1


def check_possible_counts(fn):
    """possible_counts(percent, n, digits) -> every k that prints as percent."""
    rng = np.random.default_rng(SEED)
    # the first case keeps the mistakes apart: two counts by rounding, two others by cutting off, none exactly
    cases = [(50.1, 1500, 1), (95.9, 145, 1), (95.9, 220, 1), (11.0, 220, 1), (96.75, 400, 2)]
    for _ in range(40):
        n, digits = int(rng.integers(30, 900)), int(rng.integers(0, 3))
        cases.append((float(printed(Fraction(int(rng.integers(n + 1)), n), digits)), n, digits))
    cases += [(round(float(rng.uniform(0, 100)), 2), int(rng.integers(30, 300)), 2) for _ in range(20)]
    for percent, n, digits in cases:
        if not any(is_half(Fraction(k, n), digits) for k in range(n + 1)):  # both roundings of a half are honest: not asked
            _one_count(fn, percent, n, digits)


def _one_count(fn, percent, n, digits):
    shares, target = [Fraction(k, n) for k in range(n + 1)], Decimal(str(percent)).quantize(Decimal(1).scaleb(-digits))
    want = [k for k, s in enumerate(shares) if printed(s, digits) == target]
    got = as_list(1, fn(percent, n, digits), "a list of counts")
    if got == want:
        return
    said = f"possible_counts({percent}, {n}, {digits}) is {want}, yours gave {got}. "
    if got == [k for k in range(n + 1) if 100 * k / n == percent]:
        fail(1, said + "These are the counts that hit the number exactly; a print only has to be within half its last digit")
    if got == [k for k, s in enumerate(shares) if printed(s, digits, ROUND_DOWN) == target]:
        fail(1, said + "These are the counts for cutting digits off; printed numbers are rounded")
    if want and len(want) > 1 and got in (want[:1], want[-1:]):
        fail(1, said + "You stop at the first that fits; with many clips several counts print alike")
    fail(1, said + "A count k fits where 100 k / n is within half a unit of the last printed digit")


# ------------------------------------------------------------------------------------------------ 10.2


def check_solve_counts(fn):
    """solve_counts(acc, auc, n_real, n_fake) -> every (real errors, fake errors), two printed decimals."""
    rng = np.random.default_rng(SEED + 1)
    cases = [(96.75, 96.17, 100, 300), (97.0, 97.0, 100, 300), (98.0, 98.0, 100, 300), (98.75, 98.83, 100, 300), (94.05, 92.43, 500, 1500)]
    for _ in range(12):
        R, F = (int(x) for x in rng.integers(40, 260, 2))
        r, f = int(rng.integers(R // 3)), int(rng.integers(F // 3))
        cases.append((*(float(printed(s, 2)) for s in rates(r, f, R, F)), R, F))
    for case in cases:
        want, halves = solutions(*case)
        if not halves:
            _one_solution(fn, case, want)


def rates(r, f, R, F):
    """(accuracy, balanced accuracy) as exact shares."""
    return 1 - Fraction(r + f, R + F), 1 - (Fraction(r, R) + Fraction(f, F)) / 2


def solutions(acc, auc, R, F, which=rates, digits=2):
    """Every (r, f) that prints so, and whether any candidate lies on a half; only error totals near ACC are walked through."""
    total, found, halves = round((1 - acc / 100) * (R + F)), [], False
    for e in range(max(0, total - 2), min(R + F, total + 2) + 1):
        for r in range(max(0, e - F), min(R, e) + 1):
            shares = which(r, e - r, R, F)
            if [printed(s, digits) for s in shares] == [Decimal(str(x)).quantize(Decimal(1).scaleb(-digits)) for x in (acc, auc)]:
                found.append((r, e - r))
            halves |= is_half(shares[0], digits) or abs(float(shares[1]) * 100 - auc) < 0.02 and is_half(shares[1], digits)
    return sorted(found), halves


def _one_solution(fn, case, want):
    acc, auc, R, F = case
    got = sorted(as_list(2, fn(*case), "a list of (real errors, fake errors)"))
    if got == want:
        return
    said = f"solve_counts({acc}, {auc}, {R}, {F}) is {want}, yours gave {got}. "
    if got and got == sorted((f, r) for r, f in want):
        fail(2, said + "You exchanged real and fake: n_real clips are real, and their errors come first")
    if got == solutions(acc, auc, R, F, lambda r, f, R, F: (rates(r, f, R, F)[0],) * 2)[0] or len(got) > 5 and len({r + f for r, f in got}) == 1:
        fail(2, said + "You used the accuracy twice; the AUC of hard labels is the mean of the two rates, 1 - (r/R + f/F)/2")
    if set(want) < set(got):
        fail(2, said + "Your tolerance is wider than the print; two decimals leave 0.005 on each side")
    fail(2, said + "Walk over all (r, f) and keep those where both printed numbers fit")


# ------------------------------------------------------------------------------------------------ 10.3


def check_relative_and_points(fn):
    """relative_and_points(new, old) -> (relative gain in per cent of old, gain in points)."""
    rng = np.random.default_rng(SEED + 2)
    for new, old in [(91.98, 81.28), (50.0, 40.0), (30.0, 60.0), *(rng.uniform(20, 95, 2).round(2).tolist() for _ in range(8))]:
        points = new - old
        want = (points / old * 100, points)
        try:
            got = tuple(float(x) for x in fn(new, old))
        except (TypeError, ValueError):
            fail(3, "return two numbers, (relative per cent, points)")
        if np.allclose(got, want, atol=1e-6):
            continue
        said = f"from {old} to {new} is {want[0]:.2f} % and {want[1]:.2f} points, yours gave {tuple(round(g, 2) for g in got)}. "
        if np.allclose(got, want[::-1], atol=1e-6):
            fail(3, said + "Right numbers, wrong order: relative first")
        if np.isclose(got[0], points / new * 100, atol=1e-6):
            fail(3, said + "You divided by the new value; a gain is relative to what was there before")
        if np.isclose(got[0], points / (100 - old) * 100, atol=1e-6):
            fail(3, said + "That is the error reduction, the share of the errors that went away; the question was the gain over the old value")
        if np.isclose(got[0], points / old, atol=1e-9):
            fail(3, said + "Give per cent, not a fraction")
        fail(3, said + "Points are new - old; relative is that, in per cent of the old value")


# ------------------------------------------------------------------------------------------------ 10.4

KINDS = ("AUROC", "AP", "Acc@EER", "Acc")


def check_outside_columns(fn):
    """outside_columns(columns, printed, metrics, digits) -> bool[m]: True where no weighting of the columns gives the print."""
    cases = [  # columns (c, m), printed (m,), metrics (m,), digits, answer
        ([[49.59, 49.75], [50.32, 50.18], [48.39, 48.96]], [53.75, 52.87], ("AUROC", "Acc"), 2, [False, True]),
        ([[80.0, 80.0], [90.0, 90.0]], [79.0, 91.0], ("Acc", "Acc"), 1, [True, True]),
        ([[80.0], [80.0]], [80.1], ("Acc",), 1, [False]),     # 80.04 and 80.05 print so
        ([[80.00], [80.00]], [80.01], ("Acc",), 2, [False]),
        ([[80.00], [80.00]], [80.02], ("Acc",), 2, [True]),
        ([[70.0] * 4, [75.0] * 4], [69.0, 76.0, 90.0, 72.0], KINDS, 1, [False, False, False, False]),
        ([[97.05], [84.52], [97.91]], [91.98], ("Acc",), 2, [False]),
    ]
    for columns, total, metrics, digits, want in cases:
        got = np.asarray(fn(np.array(columns), np.array(total), metrics, digits))
        if got.shape != (len(want),):
            fail(4, f"return one bool for each printed number, {len(want)} here, not {got!r}")
        got = got.astype(bool).tolist()
        if got != want:
            _outside_mistake(np.array(columns), np.array(total), metrics, digits, want, got)


def _outside_mistake(columns, total, metrics, digits, want, got):
    low, high, acc = columns.min(0), columns.max(0), np.array([m == "Acc" for m in metrics])
    said = f"columns {columns.tolist()}, print {total.tolist()}, {metrics}: the answer is {want}, yours gave {got}. "
    slack = 1.0000001 * 10.0**-digits
    if got == ((total > high + slack) | (total < low - slack)).tolist():
        fail(4, said + "Only accuracy at one threshold is a weighted mean of its parts; a pooled AUROC (or AP, or Acc@EER) may leave them")
    if got == (((total > high) | (total < low)) & acc).tolist() or got == ((total > high) | (total < low)).tolist():
        fail(4, said + "Leave room for rounding: part and total may each be off by half a unit of the last digit")
    if got == (np.abs(total - columns.mean(0)) > slack).tolist() or got == ((np.abs(total - columns.mean(0)) > slack) & acc).tolist():
        fail(4, said + "You compared with the plain mean; the weights are not known, so only leaving the range is proof")
    fail(4, said + "A weighted mean lies between the smallest and the largest of its parts")


# ------------------------------------------------------------------------------------------------ 10.5


def every_batch(batch, classes):
    """E[share of pairs i = j | class 1 is present], by listing all classes^batch batches (class 0 = real)."""
    counts = [b.count(1) for b in itertools.product(range(classes), repeat=batch)]
    return float(np.mean([1 / k for k in counts if k]))


def check_diagonal_share(fn):
    """diagonal_share(batch, classes) -> expected share of pairs i = j in CMFFC."""
    for batch, classes in ((4, 4), (1, 4), (3, 5), (6, 3), (2, 2)):
        want, got = every_batch(batch, classes), fn(batch, classes)
        try:
            got = float(got)
        except (TypeError, ValueError):
            fail(5, f"return one number, not {got!r}")
        if abs(got - want) > 1e-6:
            _diagonal_mistake(batch, classes, want, got)


def _diagonal_mistake(batch, classes, want, got):
    counts = np.array([b.count(1) for b in itertools.product(range(classes), repeat=batch)])
    said = f"diagonal_share({batch}, {classes}) is {want:.3f}, yours gave {got:.3f}. "
    if np.isclose(got, counts.sum() / (counts**2).sum()) or np.isclose(got, 1 / batch):
        fail(5, said + "You counted pairs over the batch; the loss averages inside each generator first, so average 1/K over batches")
    if np.isclose(got, np.mean([1 / k if k else 0 for k in counts])):
        fail(5, said + 'You forgot "given that the generator is in the batch": divide by the chance that K is at least 1')
    if classes > 2 and np.isclose(got, every_batch(batch, classes - 1)):
        fail(5, said + "Real clips fill part of the batch too: a clip is of a given generator with probability 1/classes")
    fail(5, said + "It is the mean of 1/K over batches with K >= 1, K ~ Bin(batch, 1/classes)")


CHECKS = {"1": check_possible_counts, "2": check_solve_counts, "3": check_relative_and_points, "4": check_outside_columns,
          "5": check_diagonal_share}
