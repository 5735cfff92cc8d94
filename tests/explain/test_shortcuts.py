"""The shortcut audit on planted pictures, sounds and tables whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from avlab import metrics
from avlab.clips import manifest
from avlab.errors import AvlabError
from avlab.explain import shortcuts

NAMES = shortcuts.TRIFLES


def picture(values):
    """Grey frames (T, H, W) as uint8 RGB."""
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, -1)


def trifle(name, frames):
    return shortcuts.of_picture(frames)[NAMES.index(name)]


# ------------------------------------------------------------------------------------------------ the ten numbers


def test_a_flat_picture_has_a_brightness_and_nothing_else():
    got = shortcuts.of_picture(picture(np.full((4, 16, 16), 120)))
    np.testing.assert_allclose(got[[0, 1, 2, 4]], [120, 0, 0, 0], atol=1e-4)


def test_the_noise_level_is_the_deviation_of_planted_noise():
    rng = np.random.default_rng(0)
    for sigma in (3.0, 8.0):
        noisy = np.clip(np.round(128 + sigma * rng.standard_normal((6, 64, 64))), 0, 255)
        assert trifle("noise", picture(noisy)) == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.02)
    ramp = np.broadcast_to(np.arange(64) * 2, (2, 64, 64))
    assert trifle("noise", picture(ramp)) == pytest.approx(0, abs=1e-4)  # a slope is no noise


def test_sharpness_of_a_checkerboard_and_change_of_a_flicker():
    board = 100 + 10 * (np.indices((64, 64)).sum(0) % 2)
    assert trifle("sharpness", picture([board, board])) == pytest.approx(np.log((8 * 5) ** 2), abs=1e-4)  # Laplacian +-8a, a = 5
    assert trifle("change", picture([board, board + 7, board])) == pytest.approx(7, abs=1e-4)


def test_loudness_peak_and_crossings_of_a_tone():
    t = np.arange(16_000) / 16_000
    loud, peak, silence, crossings = shortcuts.of_sound(0.5 * np.sin(2 * np.pi * 200 * t + 0.1))
    assert loud == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01) and peak == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert silence == 0 and crossings == pytest.approx(400, abs=1)


@pytest.mark.parametrize("ms", [0, 20, 60, 200])
def test_leading_silence_is_measured_under_room_noise(ms):
    rng, n = np.random.default_rng(1), round(16 * ms)
    tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)
    sound = np.concatenate([np.zeros(n), tone[: 16_000 - n]]) + 0.1 * 10 ** (-40 / 20) * rng.standard_normal(16_000)
    assert shortcuts.of_sound(sound)[2] == ms
    assert shortcuts.of_sound(np.zeros(1600))[2] == 100


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(AvlabError, match="sound"):
        shortcuts.of_sound(None)
    with pytest.raises(AvlabError, match="T >= 2"):
        shortcuts.of_picture(np.zeros((1, 8, 8, 3), np.uint8))


# ------------------------------------------------------------------------------------------------ which clips


ROWS = manifest.load("synthtalk").select(duration_s=0.64)


def test_every_fake_comes_with_the_clip_it_was_made_from():
    drawn = shortcuts.draw(ROWS, 20, seed=3)
    assert len({row.clip_id for row in drawn}) == len(drawn)
    sources = {row.source for row in drawn if row.forger == "real"}
    fakes = [row for row in drawn if row.forger != "real"]
    assert len(fakes) == 9 * 20 == len({(row.identity, row.forger) for row in fakes})
    assert {row.source for row in fakes} == sources
    assert len(sources) < 4.5 * 20  # few sources serve all forgers
    assert drawn == shortcuts.draw(ROWS, 20, seed=3) != shortcuts.draw(ROWS, 20, seed=4)


def test_people_are_asked_again_only_when_all_were_asked_and_too_many_is_refused():
    fakes = [row for row in shortcuts.draw(ROWS, 150, forgers=["dub"]) if row.forger == "dub"]
    counts = np.unique([row.identity for row in fakes], return_counts=True)[1]
    assert len(fakes) == 150 == len({row.clip_id for row in fakes}) and len(counts) == 102 and set(counts) == {1, 2}
    with pytest.raises(AvlabError, match="500 people"):
        shortcuts.draw(ROWS, 500)


def test_nobody_stands_in_two_folds():
    drawn = shortcuts.draw(ROWS, 40)
    clip = SimpleNamespace(frames=picture(np.zeros((2, 8, 8))), audio=np.ones(1280), sample_rate=16_000, fps=25)
    data = shortcuts.measure(drawn, lambda row: clip)
    places = {}
    for row, fold in zip(drawn, data.fold):
        for person in row.identities:
            places.setdefault(person, set()).add(fold)
    assert all(len(folds) == 1 for folds in places.values())
    assert len(set(data.fold)) == 5 and min(np.unique(data.fold, return_counts=True)[1]) > 0.1 * len(drawn)
    assert data.values[0, NAMES.index("duration_s")] == pytest.approx(2 / 25)


# ------------------------------------------------------------------------------------------------ what they tell


def table(n_people=40, shift=0.0, seed=0, column=2):
    """Made-up trifles: each person with a level of their own, three reals and one fake whose one trifle is shifted."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), 4)
    label = np.tile([0, 0, 0, 1], n_people)
    values = rng.standard_normal((n_people, 10))[people] + rng.standard_normal((len(people), 10))
    values[:, column] += shift * label
    return shortcuts.Trifles(values, label, np.where(label, "dub", "real"), people, people % 5, people)


def test_a_planted_trifle_is_found_as_strongly_as_it_was_planted():
    """One trifle shifted by 2 among unit noise over unit people: the best possible AUROC is Phi(2 / (sqrt 2 * sqrt 2)) = 0.84."""
    found = shortcuts.audit(table(200, shift=2.0), n=100)["dub"]
    assert 0.76 < found.value < 0.86 and found.lo < found.value < found.hi
    assert shortcuts.audit(table(200, shift=-2.0), n=100)["dub"].value > 0.76  # the sign is learned


def test_no_trifle_gives_one_half():
    """On twelve people without any signal the AUROC of clips that were held out averages 0.5."""
    inside = []
    for seed in range(60):
        data = table(12, seed=seed)
        data = data.with_labels(np.random.default_rng(seed).permutation(data.label))
        inside.append(shortcuts.within(shortcuts.held_out(data), data.label, data.fold))
    assert abs(np.mean(inside) - 0.5) < 3 * np.std(inside) / np.sqrt(60)


def test_pairs_of_one_fold_only():
    """Two folds, each perfectly ordered, with an offset between them that would spoil a pooled AUROC."""
    score, label, fold = np.array([0, 1, 10, 11.0]), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    assert shortcuts.within(score, label, fold) == 1.0 and metrics.auroc(score, label) == 0.75
    weights = shortcuts.within(np.array([1, 0, 0, 1, 2.0]), np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 1]))
    assert weights == pytest.approx((1 * 0 + 2 * 1) / 3)
    with pytest.raises(metrics.OneClass):
        shortcuts.within(score, np.array([0, 0, 1, 1]), fold)


def test_a_fake_is_not_compared_with_its_own_source():
    """Each fake beats its own source by a hair and people differ at random: nothing is left but pairs of two people, and these say 0.5."""
    people, label = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    score = np.random.default_rng(1).standard_normal(12)[people] + 1e-6 * label
    assert shortcuts.within(score, label, people % 5) == pytest.approx((12 + 9) / 30)  # 12 own pairs, 18 others
    found = shortcuts.interval_within(score, label, people % 5, people, n=300)
    assert found.value == shortcuts.within(score, label, people % 5, people) == pytest.approx(0.5)
    assert found.lo == pytest.approx(0.5) and found.hi == pytest.approx(0.5)  # i beats j or j beats i, whoever is drawn


def test_the_interval_is_that_of_a_bootstrap_by_hand():
    rng = np.random.default_rng(2)
    people, label = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    score, fold = rng.standard_normal(40) + 0.7 * label, np.repeat(np.arange(20), 2) % 2
    found = shortcuts.interval_within(score, label, fold, people, n=400, seed=3)
    by_hand = []
    for weight in np.random.default_rng(3).multinomial(20, np.full(20, 1 / 20), 400):
        won = met = 0
        for i in range(20):
            for j in range(20):
                if i != j and i % 2 == j % 2:
                    won += weight[i] * weight[j] * (score[2 * i + 1] > score[2 * j])
                    met += weight[i] * weight[j]
        by_hand.append(won / met)
    np.testing.assert_allclose(found.draws, by_hand)
    assert found.lo < found.value < found.hi


def test_a_forger_is_compared_with_its_own_sources():
    rows = [row for row in shortcuts.draw(ROWS, 6) if row.forger in ("real", "dub", "rtvc")]
    clip = SimpleNamespace(frames=picture(np.zeros((2, 8, 8))), audio=np.ones(1280), sample_rate=16_000, fps=25)
    one = shortcuts.measure(rows, lambda row: clip, folds=2).against("dub")
    assert sorted(one.forger.tolist()) == ["dub"] * 6 + ["real"] * 6
    assert all(np.sum(one.source == name) == 2 for name in one.source)


def test_shuffled_labels_read_nothing_even_where_the_labels_are_plain():
    data = table(60, shift=50.0)
    assert shortcuts.audit(data, n=20)["dub"].value == 1.0
    null = shortcuts.null_scores(data, n=20)
    assert len(null) == 20 and abs(null.mean() - 0.5) < 0.08 and null.max() < 0.8  # three reals and one fake a person


def test_a_person_is_held_out():
    """A trifle that only names the person must not help: people have levels, labels are balanced inside each."""
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(30), 4)
    values = 10 * rng.standard_normal((30, 10))[people]
    data = shortcuts.Trifles(values, np.tile([0, 0, 0, 1], 30), np.tile(["real"] * 3 + ["dub"], 30), people, people % 5, people)
    assert shortcuts.audit(data, n=20)["dub"].value == pytest.approx(0.5)
