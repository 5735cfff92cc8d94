"""The five exercises of notebook 10: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import math

import numpy as np
import pytest

from avlab import course
from avlab.course import nb10
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def possible_counts(percent, n, digits):
    return [k for k in range(n + 1) if abs(100 * k / n - percent) <= 0.5001 * 10**-digits]


def solve_counts(acc, auc, n_real, n_fake):
    fits = lambda value, target: abs(100 * value - target) <= 0.00501
    return [(r, f) for r in range(n_real + 1) for f in range(n_fake + 1)
            if fits(1 - (r + f) / (n_real + n_fake), acc) and fits(1 - (r / n_real + f / n_fake) / 2, auc)]


def relative_and_points(new, old):
    return 100 * (new - old) / old, new - old


def outside_columns(columns, printed, metrics, digits):
    slack = 1.001 * 10.0**-digits
    outside = (printed > columns.max(0) + slack) | (printed < columns.min(0) - slack)
    return outside & np.array([m == "Acc" for m in metrics])


def diagonal_share(batch, classes):
    p = [math.comb(batch, k) * (1 / classes) ** k * (1 - 1 / classes) ** (batch - k) for k in range(batch + 1)]
    return sum(p[k] / k for k in range(1, batch + 1)) / (1 - p[0])


SOLUTIONS = {"1": possible_counts, "2": solve_counts, "3": relative_and_points, "4": outside_columns, "5": diagonal_share}

# ------------------------------------------------------------------------------------------------ what goes wrong


def counts_truncated(percent, n, digits):
    return [k for k in range(n + 1) if math.floor(100 * 10**digits * k / n + 1e-9) == round(percent * 10**digits)]


def counts_exact(percent, n, digits):
    return [k for k in range(n + 1) if 100 * k / n == percent]


def counts_first(percent, n, digits):
    return possible_counts(percent, n, digits)[:1]


def counts_whole_unit(percent, n, digits):
    return [k for k in range(n + 1) if abs(100 * k / n - percent) <= 10**-digits]


def solve_swapped_result(acc, auc, n_real, n_fake):
    return [(f, r) for r, f in solve_counts(acc, auc, n_real, n_fake)]


def solve_swapped_input(acc, auc, n_real, n_fake):
    return solve_counts(acc, auc, n_fake, n_real)


def solve_accuracy_twice(acc, auc, n_real, n_fake):
    return [(r, f) for r in range(n_real + 1) for f in range(n_fake + 1) if abs(100 * (1 - (r + f) / (n_real + n_fake)) - acc) <= 0.00501]


def solve_wide(acc, auc, n_real, n_fake):
    return [(r, f) for r in range(n_real + 1) for f in range(n_fake + 1)
            if abs(100 * (1 - (r + f) / (n_real + n_fake)) - acc) < 0.3 and abs(100 * (1 - (r / n_real + f / n_fake) / 2) - auc) < 0.3]


def relative_to_new(new, old):
    return 100 * (new - old) / new, new - old


def relative_of_errors(new, old):
    return 100 * (new - old) / (100 - old), new - old


def relative_turned(new, old):
    return new - old, 100 * (new - old) / old


def relative_fraction(new, old):
    return (new - old) / old, new - old


def outside_any_metric(columns, printed, metrics, digits):
    slack = 1.001 * 10.0**-digits
    return (printed > columns.max(0) + slack) | (printed < columns.min(0) - slack)


def outside_no_slack(columns, printed, metrics, digits):
    return ((printed > columns.max(0)) | (printed < columns.min(0))) & np.array([m == "Acc" for m in metrics])


def outside_plain_mean(columns, printed, metrics, digits):
    return (np.abs(printed - columns.mean(0)) > 1.001 * 10.0**-digits) & np.array([m == "Acc" for m in metrics])


def diagonal_over_batch(batch, classes):
    k = np.arange(batch + 1)
    p = np.array([math.comb(batch, int(j)) * (1 / classes) ** j * (1 - 1 / classes) ** (batch - j) for j in k])
    return (p * k).sum() / (p * k * k).sum()


def diagonal_all_pairs(batch, classes):
    return 1 / batch


def diagonal_unconditional(batch, classes):
    return diagonal_share(batch, classes) * (1 - (1 - 1 / classes) ** batch)


def diagonal_without_reals(batch, classes):
    return diagonal_share(batch, classes - 1)


WRONG = {
    "1": {counts_truncated: "cutting digits off", counts_exact: "hit the number exactly", counts_first: "stop at the first",
          counts_whole_unit: "within half a unit"},
    "2": {solve_swapped_result: "exchanged real and fake", solve_swapped_input: "exchanged real and fake",
          solve_accuracy_twice: "accuracy twice", solve_wide: "wider than the print"},
    "3": {relative_to_new: "divided by the new value", relative_of_errors: "error reduction", relative_turned: "relative first",
          relative_fraction: "not a fraction"},
    "4": {outside_any_metric: "may leave them", outside_no_slack: "room for rounding", outside_plain_mean: "plain mean"},
    "5": {diagonal_over_batch: "pairs over the batch", diagonal_all_pairs: "pairs over the batch",
          diagonal_unconditional: "given that the generator", diagonal_without_reals: "Real clips fill part"},
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_solution_passes(number, capsys):
    course.check(f"10.{number}", SOLUTIONS[number])
    assert capsys.readouterr().out == f"10.{number} passed\n"


@pytest.mark.parametrize("number, fn, words", [(k, fn, w) for k, cases in WRONG.items() for fn, w in cases.items()],
                         ids=lambda v: getattr(v, "__name__", None))
def test_wrong_answer_fails_with_its_own_words(number, fn, words):
    with pytest.raises(CheckFailed, match=words) as caught:
        course.check(f"10.{number}", fn)
    others = {w for w in WRONG[number].values() if w != words}
    assert not [w for w in others if w in str(caught.value)]


@pytest.mark.parametrize("number", SOLUTIONS)
def test_stub_is_told_apart_from_a_wrong_answer(number):
    def stub(*args):
        raise NotImplementedError("return the counts")
    with pytest.raises(NotImplementedError):
        course.check(f"10.{number}", stub)


@pytest.mark.parametrize("number", SOLUTIONS)
def test_an_answer_that_is_no_answer_is_refused(number):
    with pytest.raises(CheckFailed):
        course.check(f"10.{number}", lambda *args: None)


def test_the_library_passes_its_own_exercises():
    """The functions of the library and of the exercises differ in signature only where the text says so."""
    course.check("10.1", nb10.arithmetic.possible_counts)
    course.check("10.2", nb10.arithmetic.solve_counts)
    course.check("10.3", nb10.arithmetic.relative_and_points)
    course.check("10.5", nb10.arithmetic.diagonal_share)


def test_parameters_and_profiles_are_typed():
    from pydantic import ValidationError

    assert nb10.Params(**nb10.PROFILES["full"]) == nb10.Params()
    for bad in ({"digits": 4}, {"digits": "2"}, {"n_max": 10}, {"papers": ["mmms"]}, {"papers": []}, {"mutant": "other"}, {"digit": 2}):
        with pytest.raises(ValidationError):
            nb10.Params(**bad)


def test_presets_follow_the_chosen_papers():
    assert {"MSCT table 2, accuracy"} == set(nb10.presets(["msct"])) and len(nb10.presets(["all"])) == 5
    for percents, digits, _ in nb10.presets(["all"]).values():
        assert all(abs(p * 10**digits - round(p * 10**digits)) < 1e-6 for p in percents)
