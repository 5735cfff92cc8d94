"""Neighbours, probes, novelty and maps on points whose answer is known by hand or by a second route."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from avlab.errors import AvlabError
from avlab.explain import embedding

LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.5]])  # two groups of three on a line
LABEL = np.array([0, 0, 1, 1, 1, 1])


def test_neighbours_on_a_line_by_hand():
    assert embedding.neighbours(LINE, 2).tolist() == [[1, 2], [0, 2], [1, 0], [4, 5], [3, 5], [4, 3]]
    assert embedding.knn_agreement(LINE, LABEL, 2) == pytest.approx((0.5 + 0.5 + 0 + 1 + 1 + 1) / 6)
    twins = np.zeros((4, 2))
    assert all(i not in near for i, near in enumerate(embedding.neighbours(twins, 3).tolist()))  # copies are neighbours, oneself is not


def test_chance_agreement_is_what_random_neighbours_reach():
    assert embedding.chance_agreement([0, 0, 1, 1]) == pytest.approx(1 / 3)
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], [200, 100, 60])
    drawn = [embedding.knn_agreement(rng.standard_normal((360, 20)), label, 10) for _ in range(3)]
    assert np.mean(drawn) == pytest.approx(embedding.chance_agreement(label), abs=0.02)


def test_overlap_is_blind_to_place_and_size_and_sees_a_shuffle():
    rng = np.random.default_rng(1)
    a = rng.standard_normal((50, 3))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert embedding.neighbour_overlap(a, 7 * a @ turn - 3, 6) == 1
    assert embedding.neighbour_overlap(a, rng.permutation(a), 6) == pytest.approx(6 / 49, abs=0.06)
    assert embedding.neighbour_overlap(LINE, LINE[[1, 0, 2, 3, 4, 5]], 1) == pytest.approx(5 / 6)  # only point 2 gets another neighbour
    with pytest.raises(AvlabError, match="same rows"):
        embedding.neighbour_overlap(a, a[:10], 3)


def test_trustworthiness_of_the_space_itself_and_of_nothing():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((80, 2))
    assert embedding.trustworthiness(x, 5 * x, 8) == 1
    assert embedding.trustworthiness(x, rng.standard_normal((80, 2)), 8) == pytest.approx(0.5, abs=0.08)


def test_folds_keep_people_together():
    group = np.repeat(np.arange(11), 7)
    where = embedding.folds(group, 5, seed=3)
    assert {len(set(where[group == g])) for g in range(11)} == {1} and set(where) == set(range(5))
    assert sorted(np.bincount(where) // 7) == [2, 2, 2, 2, 3]
    assert not np.array_equal(where, embedding.folds(group, 5, seed=4))
    with pytest.raises(AvlabError, match="person of its own"):
        embedding.folds([0, 0, 1], 3, seed=0)


def test_a_probe_finds_what_crosses_people_and_nothing_that_is_a_person():
    rng = np.random.default_rng(4)
    group, label = np.repeat(np.arange(20), 6), np.tile(np.arange(3), 40)
    signal = rng.standard_normal((120, 10)) + 4 * np.eye(10)[label]
    assert embedding.probe_accuracy(signal, label, group) > 0.9
    faces = 5 * rng.standard_normal((20, 40))[group] + 0.1 * rng.standard_normal((120, 40))
    owners = rng.integers(0, 2, 20)[group]  # the label is the person's: learnable by heart, useless on others
    assert embedding.probe_accuracy(faces, owners, group) < 0.75
    assert embedding.probe_accuracy(faces, owners, np.arange(120)) > 0.95  # what a leak would have reported


def test_a_vote_leaves_the_own_person_out_and_weighs_rare_labels_up():
    x = np.array([[0.0], [0.1], [1.0], [1.2], [1.3], [1.4], [1.5]])
    label = np.array(["a", "a", "b", "b", "b", "b", "a"])
    group = np.array([0, 0, 1, 1, 2, 3, 4])
    assert embedding.knn_predictions(x, label, group, k=1).tolist() == ["b"] * 7  # the first two would call each other "a"
    rare = embedding.knn_predictions(np.array([[0.0], [1.0], [-1.0], [1.1], [9.0], [9.1]]), np.array(["a", "a", "b", "b", "b", "b"]), np.arange(6), k=3)
    assert rare[0] == "a"  # one of two a's weighs as much as two of four b's, and stands nearer


def test_balanced_accuracy_is_scikit_learns():
    rng = np.random.default_rng(5)
    label, said = rng.choice(4, 200, p=(0.7, 0.1, 0.1, 0.1)), rng.integers(0, 4, 200)
    assert embedding.balanced_accuracy(said, label) == pytest.approx(balanced_accuracy_score(label, said))
    assert embedding.balanced_accuracy(np.zeros(200), label) == 0.25


def test_intervals_hold_the_value_pair_the_draws_and_widen_with_people():
    rng = np.random.default_rng(6)
    people, label = np.repeat(np.arange(30), 8), np.tile([0, 1], 120)
    good = np.where(rng.random((2, 240)) < 0.9, label, 1 - label)
    moody = np.where((people % 2 == 0), label, 1 - label)[None]  # half of the people always right, half always wrong
    found = embedding.accuracy_intervals({"good": good, "again": good, "moody": moody}, label, people, n=300)
    assert found["good"].lo < found["good"].value < found["good"].hi and np.array_equal(found["good"].draws, found["again"].draws)
    assert found["moody"].value == 0.5 and found["moody"].hi - found["moody"].lo > 2 * (found["good"].hi - found["good"].lo)


def test_novelty_sees_gaps_and_far_places_and_no_units():
    rng = np.random.default_rng(7)
    train = np.concatenate([rng.standard_normal((60, 2)) + c for c in ([-8, 0], [8, 0])])
    score = embedding.novelty(train, np.array([[-8.0, 0], [8, 0], [0, 0], [80, 0]]), k=10)
    assert score[:2].max() < score[2] < score[3]
    stretched = embedding.novelty(train * [1, 1000], np.array([[-8.0, 0], [0, 0]]) * [1, 1000], k=10)
    assert np.allclose(stretched, score[[0, 2]])
    by_hand = np.sort(np.linalg.norm(train / train.std(0) - np.array([-8.0, 0]) / train.std(0), axis=1))[9]
    assert score[0] == pytest.approx(by_hand, rel=1e-6)
    with pytest.raises(AvlabError, match="k-th neighbour"):
        embedding.novelty(train[:5], train, k=6)


def test_energy_by_hand():
    assert np.allclose(embedding.energy([[0.0, 0.0], [10.0, -50.0]]), [-np.log(2), -10.0])


def test_tsne_is_repeatable_keeps_two_far_groups_apart_and_its_seed_moves_it():
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.standard_normal((30, 10)) + 30 * s for s in (0, 1)])
    a, again, other = (embedding.tsne(x, 10, seed) for seed in (0, 0, 1))
    assert np.array_equal(a, again) and not np.allclose(a, other)
    assert embedding.knn_agreement(a, np.repeat([0, 1], 30), 5) == 1
    assert embedding.tsne(x[:9], 30, 0).shape == (9, 2)  # the perplexity is cut to what nine points allow


@pytest.mark.slow
def test_umap_is_repeatable_and_keeps_two_far_groups_apart():
    rng = np.random.default_rng(9)
    x = np.concatenate([rng.standard_normal((30, 10)) + 30 * s for s in (0, 1)])
    a, again = (embedding.umap(x, 10, 0) for _ in range(2))
    assert np.array_equal(a, again) and embedding.knn_agreement(a, np.repeat([0, 1], 30), 5) == 1


def test_refusals_name_the_rule():
    with pytest.raises(AvlabError, match="1 <= k < N"):
        embedding.neighbours(LINE, 6)
    with pytest.raises(AvlabError, match="finite"):
        embedding.neighbours(np.array([[np.nan], [1.0], [2.0]]), 1)
    with pytest.raises(AvlabError, match="two labels"):
        embedding.probe_predictions(LINE, np.array([0, 0, 0, 0, 0, 1]), np.arange(6), n_folds=6)
