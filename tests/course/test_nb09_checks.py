"""The four exercises of notebook 09: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest

from avlab import course
from avlab.calibration_metrics import ece, ppv, risk_coverage
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def solved_ece(prob, label, bins):
    where = np.minimum((prob * bins).astype(int), bins - 1)
    return sum((where == b).mean() * abs(prob[where == b].mean() - label[where == b].mean()) for b in np.unique(where))


def solved_risk(error, novelty):
    answered = [novelty <= cut for cut in np.unique(novelty)]
    return np.array([a.mean() for a in answered]), np.array([error[a].mean() for a in answered])


def focal(alpha, gamma, prior, power=lambda p: (1 - p, p)):
    p = np.arange(0.001, 1, 0.001)
    a, b = power(p)
    return p[np.argmin(-prior * alpha * a**gamma * np.log(p) - (1 - prior) * (1 - alpha) * b**gamma * np.log(1 - p))]


SOLUTIONS = {"1": lambda tpr, fpr, b: tpr * b / (tpr * b + fpr * (1 - b)), "2": solved_ece, "3": solved_risk, "4": focal}

# ------------------------------------------------------------------------------------------------ what goes wrong


def bins_of(prob, bins, closed=True):
    where = (prob * bins).astype(int)
    return np.minimum(where, bins - 1) if closed else where


def unweighted(prob, label, bins):
    where = bins_of(prob, bins)
    return np.mean([abs(prob[where == b].mean() - label[where == b].mean()) for b in np.unique(where)])


def open_edge(prob, label, bins):
    where = bins_of(prob, bins, closed=False)
    return sum((where == b).mean() * abs(prob[where == b].mean() - label[where == b].mean()) for b in range(bins) if (where == b).any())


def preferred(prob, label, bins):
    return solved_ece(np.maximum(prob, 1 - prob), np.where(prob >= 0.5, label, 1 - label), bins)


def newest_first(error, novelty):
    answered = [novelty >= cut for cut in np.unique(novelty)[::-1]]
    return np.array([a.mean() for a in answered]), np.array([error[a].mean() for a in answered])


def over_all(error, novelty):
    answered = [novelty <= cut for cut in np.unique(novelty)]
    return np.array([a.mean() for a in answered]), np.array([error[a].sum() / len(error) for a in answered])


def one_a_clip(error, novelty):
    order = np.argsort(novelty, kind="stable")
    n = np.arange(1, len(error) + 1)
    return n / len(error), np.cumsum(error[order]) / n


WRONG = {
    "1": {"balanced": (lambda t, f, b: t / (t + f), "as many reals as fakes"), "1 - fpr": (lambda t, f, b: 1 - f, "asked among reals"),
          "per cent": (lambda t, f, b: 100 * ppv(t, f, b), "a share, not per cent"), "rate in per cent": (lambda t, f, b: ppv(t, f, b / 100), "divided by 100"),
          "right alarms of all clips": (lambda t, f, b: t * b, "by all alarms"), "a string": (lambda t, f, b: "high", "return one number")},
    "2": {"unweighted": (unweighted, "same weight"), "right edge lost": (open_edge, "right edge is closed"), "argmax": (preferred, "preferred answer"),
          "one bin": (lambda p, y, bins: abs(p.mean() - y.mean()), "one bin for everything"), "zero": (lambda p, y, bins: 0.0, "expected 0")},
    "3": {"sorted the wrong way": (newest_first, "newest clips were accepted first"), "over all clips": (over_all, "divided by all clips"),
          "ties by order of file": (one_a_clip, "accepted or refused together"), "one array": (lambda e, u: 0.5, "return two arrays"),
          "the error itself": (lambda e, u: (np.ones(2), np.ones(2)), "points ending at coverage 1")},
    "4": {"alpha on the reals": (lambda a, g, q: focal(1 - a, g, q), "alpha stands on the real class"), "gamma on the wrong term": (
        lambda a, g, q: focal(a, g, q, lambda p: (p, 1 - p)), "wrong term"), "no gamma": (lambda a, g, q: focal(a, 0, q), "gamma was left out"),
          "no prior": (lambda a, g, q: focal(a, g, 0.5), "prior was left out"), "the prior": (lambda a, g, q: q, "expected 0.750")},
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"09.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"09.{number}", stub)


def test_the_library_passes_its_own_exercises():
    for number, fn in (("1", ppv), ("2", ece), ("3", risk_coverage)):
        course.check(f"09.{number}", fn)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"09.{number}", fn)
    others = [message for other, (_, message) in WRONG[number].items() if other != name]
    with pytest.raises(CheckFailed) as found:
        course.check(f"09.{number}", fn)
    assert not [message for message in others if message in str(found.value)]


def test_the_printed_answers_of_the_curriculum():
    assert ppv(0.90, 0.05, 0.001) == pytest.approx(0.0177, abs=5e-5)
    assert [focal(*case) for case in ((0.75, 0, 0.5), (0.75, 2, 0.5), (0.5, 2, 0.5))] == pytest.approx([0.75, 0.601, 0.5], abs=1e-3)
    assert focal(0.25, 2, 0.5) == pytest.approx(0.399, abs=1e-3)
