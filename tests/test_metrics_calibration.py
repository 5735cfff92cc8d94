"""Calibration, abstention and predictive values: closed forms, planted models, and torchmetrics and scikit-learn as second routes."""

import numpy as np
import pytest

from avlab.calibration_metrics import aurc, ece, ece_floor, ppv, reliability, risk_coverage
from avlab.errors import AvlabError


def perfect(n, seed=0):
    rng = np.random.default_rng(seed)
    prob = rng.random(n)
    return prob, (rng.random(n) < prob).astype(int)


def test_ece_by_hand():
    prob, label = np.array([0.1, 0.1, 0.9, 1.0]), np.array([0, 1, 1, 1])
    assert ece(prob, label, 2) == pytest.approx(0.5 * 0.4 + 0.5 * 0.05)  # two of four clips a bin; the empty ones of ten bins count nothing
    assert ece(prob, label, 10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.05)  # 0.9 and 1.0 share the last bin
    found = reliability(prob, label, 10)
    assert found.count.tolist() == [2, 2] and found.happened.tolist() == [0.5, 1.0] and (found.lo <= found.happened).all() and found.hi[1] == 1


def test_ece_agrees_with_torchmetrics_and_scikit_learn():
    import torch
    from sklearn.calibration import calibration_curve
    from torchmetrics.functional.classification import binary_calibration_error

    prob, label = perfect(400)
    prob = prob**2
    second = binary_calibration_error(torch.tensor(prob), torch.tensor(label), n_bins=8, norm="l1")
    assert ece(prob, label, 8) == pytest.approx(float(second), abs=1e-6)
    happened, said = calibration_curve(label, prob, n_bins=8)
    found = reliability(prob, label, 8)
    assert np.allclose(found.happened, happened) and np.allclose(found.said, said)


def test_a_perfect_model_has_an_ece_above_zero_that_falls_with_the_clips():
    floors = [ece_floor(perfect(n)[0], 10, n=200).value for n in (50, 200, 1000)]
    assert floors == pytest.approx([0.142, 0.070, 0.032], abs=0.012)
    prob, label = perfect(10_000)
    assert ece(prob, label, 10) < 0.02
    floor = ece_floor(prob[:200], 10, n=200)
    assert floor.lo <= ece(prob[:200], label[:200], 10) <= floor.hi < ece(prob[:200] ** 3, label[:200], 10)
    assert np.array_equal(floor.draws, ece_floor(prob[:200], 10, n=200).draws)


def test_risk_and_coverage_by_hand_ties_together():
    coverage, risk = risk_coverage([0, 1, 0, 1], [0.1, 0.9, 0.5, 0.5])
    assert coverage.tolist() == [0.25, 0.75, 1.0] and risk.tolist() == pytest.approx([0, 1 / 3, 0.5])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1]):  # the order of the file decides nothing
        e, u = np.array([0, 1, 0, 1])[order], np.array([0.1, 0.9, 0.5, 0.5])[order]
        assert aurc(e, u) == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)
    assert aurc([0, 1, 0, 1], [0, 0, 0, 0]) == 0.5  # no order at all: the mean error


def test_aurc_is_lowest_for_the_errors_themselves_and_highest_for_their_opposite():
    rng = np.random.default_rng(0)
    error = (rng.random(300) < 0.3).astype(int)
    best, worst = aurc(error, error + 1e-6 * rng.random(300)), aurc(error, -error + 1e-6 * rng.random(300))
    middle = aurc(error, rng.random(300))
    assert best < 0.07 < middle < 0.45 < worst and middle == pytest.approx(error.mean(), abs=0.08)


@pytest.mark.parametrize("tpr,fpr,base,want", [(0.9, 0.05, 0.001, 0.0177), (0.99, 0.01, 0.001, 0.0902), (0.9, 0.05, 0.5, 0.9474), (1, 0, 0.1, 1.0), (0.3, 0.3, 0.2, 0.2)])
def test_ppv(tpr, fpr, base, want):
    assert ppv(tpr, fpr, base) == pytest.approx(want, abs=5e-5)


def test_ppv_counts_alarms_of_a_population():
    rng = np.random.default_rng(1)
    fake = rng.random(400_000) < 0.02
    alarm = rng.random(400_000) < np.where(fake, 0.8, 0.1)
    assert ppv(0.8, 0.1, 0.02) == pytest.approx(fake[alarm].mean(), abs=0.01)
    assert np.allclose(ppv(0.9, 0.05, np.array([0.001, 0.5])), [0.01769, 0.94737], atol=1e-5)


@pytest.mark.parametrize("call,said", [(lambda: ece([1.2], [1]), "lies in 0..1"), (lambda: ece([0.5], [2]), "0 \\(real\\)"), (lambda: ece([], []), "needs clips"),
                                       (lambda: ece([0.5], [1], 0), "at least one bin"), (lambda: ppv(90, 0.05, 0.1), "per cent"), (lambda: ppv(0, 0, 0.1), "Without alarms"),
                                       (lambda: risk_coverage([0, 1], [0.1]), "one finite novelty"), (lambda: aurc([0, 1], [0.1, np.nan]), "finite novelty")])
def test_bad_input_is_refused_in_words(call, said):
    with pytest.raises(AvlabError, match=said):
        call()
