"""The four exercises of notebook 04: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avlab import course
from avlab.course import nb04, nb04_checks
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def lag_curve(opening, energy, max_lag):
    curve = []
    for lag in range(-max_lag, max_lag + 1):
        a = opening[max(lag, 0):len(opening) + min(lag, 0)]
        b = energy[max(-lag, 0):len(energy) - max(lag, 0)]
        curve.append(np.corrcoef(a, b)[0, 1])
    return np.array(curve)


def derange(identities, rng):
    identities = np.asarray(identities)
    shuffled = rng.permutation(len(identities))
    order = shuffled[np.argsort(identities[shuffled], kind="stable")]
    largest = np.unique(identities, return_counts=True)[1].max()
    if 2 * largest > len(identities):
        raise ValueError("one person owns more than half of the clips")
    taken = np.empty(len(identities), int)
    taken[order] = np.roll(order, -largest)
    return taken


def cmffc(p_video, p_audio, generator):
    apart = 1 - F.normalize(p_video, dim=1) @ F.normalize(p_audio, dim=1).T
    groups = [apart[generator == g][:, generator == g].mean() for g in generator.unique() if g >= 1]
    return torch.stack(groups).mean() if groups else apart.sum() * 0


def info_nce(a, b, temperature):
    similarity = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    partner = torch.arange(len(a))
    return (F.cross_entropy(similarity, partner) + F.cross_entropy(similarity.T, partner)) / 2


SOLUTIONS = {"1": lag_curve, "2": derange, "3": cmffc, "4": info_nce}

# ------------------------------------------------------------------------------------------------ what goes wrong


def lag_rolled(opening, energy, max_lag):
    return np.array([np.corrcoef(np.roll(opening, -lag), energy)[0, 1] for lag in range(-max_lag, max_lag + 1)])


def lag_whole_mean(opening, energy, max_lag):
    return nb04_checks.curve_by_hand(opening, energy, max_lag, whole_mean=True)


def lag_unnormed(opening, energy, max_lag):
    return lag_curve(opening, energy, max_lag) * 0.9


def derange_plain(identities, rng):
    return rng.permutation(len(identities))


def derange_roll(identities, rng):
    order = np.argsort(identities, kind="stable")
    taken = np.empty(len(order), int)
    taken[order] = np.roll(order, -1)
    return taken


def derange_fixed(identities, rng):
    return derange(identities, np.random.default_rng(0))


def derange_for_ever(identities, rng):
    while True:
        order = rng.permutation(len(identities))
        if not (identities[order] == identities).any():
            return order


def derange_by_luck(identities, rng):
    try:
        return derange(identities, rng)
    except ValueError:
        return np.roll(np.arange(len(identities)), 1)


def cmffc_by(**change):
    def answer(v, a, g):
        return nb04_checks.cmffc_by_hand(v.numpy(), a.numpy(), g.tolist(), **change)
    return answer


def cmffc_no_guard(v, a, g):
    apart = 1 - F.normalize(v, dim=1) @ F.normalize(a, dim=1).T
    return torch.tensor([apart[g == k][:, g == k].mean() for k in g.unique() if k >= 1]).mean()


def cmffc_no_self(v, a, g):
    from avlab.detectors.losses import cmffc as ours
    return ours(v, a, g, same_clip=False)


def nce(**change):
    def answer(a, b, t):
        return nb04_checks.info_nce_by_hand(a.numpy(), b.numpy(), t, **change)
    return answer


def nce_features(a, b, t):
    return -(a.log_softmax(1) * b).sum(1).mean()


def nce_no_norm(a, b, t):
    return F.cross_entropy(a @ b.T / t, torch.arange(len(a)))


WRONG = [
    ("1", lambda o, e, m: lag_curve(o, e, m)[::-1], "sign is turned"),
    ("1", lag_rolled, "circular"),
    ("1", lag_whole_mean, "mean of the whole clip"),
    ("1", lag_unnormed, "exactly 1 at lag"),
    ("1", lambda o, e, m: lag_curve(o, e, m)[m:], "2 max_lag"),
    ("2", derange_plain, "fixed points"),
    ("2", derange_roll, "same person"),
    ("2", derange_fixed, "draw it with rng"),
    ("2", derange_for_ever, "never ends"),
    ("2", derange_by_luck, "refuse it"),
    ("2", lambda identities, rng: rng.integers(0, len(identities), len(identities)), "return a permutation"),
    ("3", cmffc_by(reals=True), "reals"),
    ("3", cmffc_by(pooled=True), "average per generator"),
    ("3", cmffc_by(normalise=False), "unit length"),
    ("3", cmffc_no_guard, "mean over nothing"),
    ("3", cmffc_no_self, "i = j included"),
    ("4", nce(both=False), "one direction"),
    ("4", nce(multiplied=True), "divided by it"),
    ("4", nce_features, "features"),
    ("4", nce_no_norm, "cross-entropy"),
]


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes(number, capsys):
    course.check(f"04.{number}", SOLUTIONS[number])
    assert f"04.{number} passed" in capsys.readouterr().out


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_stub_is_let_through_as_a_stub(number):
    def stub(*_, **__):
        raise NotImplementedError("write it")
    with pytest.raises(NotImplementedError):
        course.check(f"04.{number}", stub)


@pytest.mark.parametrize("number, answer, words", WRONG)
def test_a_wrong_answer_is_told_what_it_did(number, answer, words):
    with pytest.raises(CheckFailed, match=words):
        course.check(f"04.{number}", answer)


def test_every_wrong_answer_has_words_of_its_own():
    said = {}
    for number, answer, _ in WRONG:
        with pytest.raises(CheckFailed) as caught:
            course.check(f"04.{number}", answer)
        said.setdefault(str(caught.value), []).append(number)
    assert len(said) == len(WRONG), said


def test_every_exercise_has_a_check():
    assert set(nb04.CHECKS) == set(SOLUTIONS)
