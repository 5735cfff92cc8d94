"""Agreement of picture and sound against answers known beforehand: planted delays, shared means, pairs counted one by one."""

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.explain import similarity


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("delay", [-5, -1, 0, 2, 5])
def test_a_planted_delay_is_the_peak_and_exactly_one(rng, delay):
    sound = rng.standard_normal(40).cumsum()
    picture = rng.standard_normal(40)
    for t in range(40):
        if 0 <= t - delay < 40:
            picture[t] = 3 - 2 * -sound[t - delay]  # shown `delay` frames after it was heard
    curve = similarity.lag_curve(picture, sound, 6)
    assert similarity.peak_lag(curve) == delay and np.isclose(curve.max(), 1)


def test_a_lag_curve_is_the_correlation_of_the_pairs_that_exist(rng):
    picture, sound = rng.standard_normal((2, 20)) + np.linspace(0, 4, 20)
    curve = similarity.lag_curve(picture, sound, 4)
    for lag in range(-4, 5):
        pairs = np.array([(picture[t + lag], sound[t]) for t in range(20) if 0 <= t + lag < 20])
        assert np.isclose(curve[4 + lag], np.corrcoef(pairs.T)[0, 1])
    assert not np.allclose(curve, similarity.lag_curve(picture, sound, 4, circular=True))


def test_what_does_not_move_agrees_with_nothing(rng):
    assert not similarity.lag_curve(np.ones(20), rng.standard_normal(20), 3).any()


def test_of_equal_peaks_the_one_nearest_to_zero_is_taken():
    assert similarity.peak_lag([1, 0, 1, 0, 0]) == 0 and similarity.peak_lag([1, 0, 0, 1, 0]) == 1


@pytest.mark.parametrize("picture, sound, max_lag", [(np.zeros(10), np.zeros(10), 7), (np.zeros(10), np.zeros(9), 2), (np.zeros((2, 9)), np.zeros((2, 9)), 2)])
def test_too_little_overlap_is_refused(picture, sound, max_lag):
    with pytest.raises(AvlabError):
        similarity.lag_curve(picture, sound, max_lag)


def test_loudness_is_energy_in_db_and_silence_is_finite():
    sound = np.concatenate([np.full(640, 0.1), np.zeros(640), np.full(640, 0.01)])
    assert np.allclose(similarity.loudness(sound, 3), [-20, -80, -40], atol=0.01)


def test_a_dark_mouth_is_an_open_one():
    frames = np.full((3, 64, 64, 3), 180, np.uint8)
    frames[1, 44:50, 28:36] = 20
    opening = similarity.darkness(frames, (slice(34, 58), slice(20, 44)))
    assert opening.argmax() == 1 and np.isclose(opening[0], -180) and opening[1] > -60


def test_cosine_with_and_without_a_centre(rng):
    a, b = rng.standard_normal((2, 50, 3, 4))
    by_hand = [(x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()) for x, y in zip(a, b)]
    assert np.allclose(similarity.cosine(a, b), by_hand)
    shift = rng.standard_normal(12)
    moved = similarity.cosine(a + shift.reshape(3, 4), b + shift.reshape(3, 4), centre_a=shift, centre_b=shift)
    assert np.allclose(moved, by_hand)
    assert similarity.cosine(np.zeros((1, 3)), np.ones((1, 3))) == 0
    with pytest.raises(AvlabError):
        similarity.cosine(a, b[:10])


@pytest.mark.parametrize("mean, value", [(0, 0), (1, 0.5), (2, 0.8), (5, 25 / 26)])
def test_a_shared_mean_is_the_cosine_of_strangers(rng, mean, value):
    a, b = rng.standard_normal((2, 200, 4000)) + mean
    assert similarity.shared_mean_cosine(mean) == pytest.approx(value)
    assert similarity.cosine(a, b).mean() == pytest.approx(value, abs=0.01)
