"""The read-out finds planted signals, finds nothing where nothing is, and refuses leaks."""

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.explain import controls, readout


def world(n_people=40, per=6, effect=1.5, seed=0, features=16):
    """People with their own look (a large offset) and a fakeness of `effect` deviations along one feature."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(n_people), per)
    label = np.tile([0, 1] * (per // 2), n_people)
    train = people < n_people // 2
    forger = np.where(label == 0, "real", np.where(train, "faceswap", "dub"))
    x = rng.standard_normal((len(label), features))
    x[:, 1] += 3 * rng.standard_normal(n_people)[people]
    x[:, 0] += effect * label
    return x, label, people, forger, train


def auroc_expected(effect):
    from scipy.stats import norm
    return norm.cdf(effect / 2**0.5)  # two unit normals, effect apart


def test_a_planted_signal_is_found_at_its_size():
    x, label, people, forger, train = world(n_people=80)
    scores = readout.read_out({"x": x}, label, people, forger, train, ~train)
    got = readout.intervals(scores, n=300)["x"]
    assert got.lo < auroc_expected(1.5) < got.hi and got.value == pytest.approx(auroc_expected(1.5), abs=0.06)


def test_shuffled_labels_give_chance():
    x, label, people, forger, train = world(n_people=80)
    rng = np.random.default_rng(1)

    def fit_and_score(y):
        scores = readout.read_out({"x": x}, y, people, np.where(y == 0, "real", forger), train, ~train, seeds=(0,))
        return readout.metrics.auroc(scores.score["x"][0], scores.label)
    lo, hi = controls.null_band(fit_and_score, label, people, 30, rng)
    assert 0.35 < lo < 0.5 < hi < 0.65
    assert fit_and_score(label) > hi + 0.1


def test_no_signal_is_no_signal():
    x, label, people, forger, train = world(effect=0.0, n_people=80)
    got = readout.intervals(readout.read_out({"x": x}, label, people, forger, train, ~train), n=200)["x"]
    assert got.lo < 0.5 < got.hi


def test_names_share_their_draws_so_a_copy_differs_by_nothing():
    x, label, people, forger, train = world()
    scores = readout.read_out({"a": x, "b": x.copy(), "worse": x[:, 1:]}, label, people, forger, train, ~train)
    got = readout.intervals(scores, n=100)
    assert np.array_equal(got["a"].draws, got["b"].draws)
    assert readout.metrics.difference(got["a"], got["worse"]).lo > 0.1


def test_people_are_fewer_witnesses_than_clips():
    """Twelve identical clips of one person: resampling clips pretends to twelve witnesses."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(24), 12)
    label = (people % 2).astype(int)
    score = rng.standard_normal(24)[people] + 0.5 * label
    scores = readout.Scores({"x": score[None]}, label, people, np.where(label, "dub", "real"), (0,), "linear")
    width = {by: np.subtract(*[getattr(readout.intervals(scores, n=400, by=by)["x"], end) for end in ("hi", "lo")]) for by in ("people", "clips")}
    assert width["people"] > 2.5 * width["clips"]  # about sqrt(12)


def test_seeds_train_on_different_people_and_all_count():
    x, label, people, forger, train = world(n_people=12)
    scores = readout.read_out({"x": x}, label, people, forger, train, ~train, seeds=(0, 1, 2))
    rows = scores.score["x"]
    assert rows.shape == (3, 36) and not np.allclose(rows[0], rows[1])
    each = [readout.metrics.auroc(r, scores.label) for r in rows]
    assert readout.intervals(scores, n=20)["x"].value == pytest.approx(np.mean(each))


def test_train_on_one_signal_test_on_another():
    x, label, people, forger, train = world(n_people=80)
    flipped = x.copy()
    flipped[:, 0] = -flipped[:, 0]
    got = readout.read_out({"own": x, "turned": (x, flipped)}, label, people, forger, train, ~train)
    assert readout.intervals(got, n=20)["turned"].value < 0.3 < 0.7 < readout.intervals(got, n=20)["own"].value


def test_leaks_are_refused():
    x, label, people, forger, train = world()
    with pytest.raises(AvlabError, match="person"):
        readout.read_out({"x": x}, label, people % 20, forger, train, ~train)
    with pytest.raises(AvlabError, match="forger"):
        readout.read_out({"x": x}, label, people, np.where(label, "dub", "real"), train, ~train)
    with pytest.raises(AvlabError, match="both"):
        readout.fit_scores(x, np.zeros(len(x)), x)


@pytest.mark.parametrize("classifier", ["linear", "mlp"])
def test_scaling_a_feature_changes_nothing(classifier):
    x, label, people, forger, train = world()
    plain = readout.fit_scores(x[train], label[train], x[~train], classifier=classifier)
    scaled = readout.fit_scores(1000 * x[train] + 5, label[train], 1000 * x[~train] + 5, classifier=classifier)
    assert np.allclose(plain, scaled, rtol=1e-3, atol=1e-3)


def test_channel_features_by_hand():
    film = np.zeros((1, 2, 2, 1, 1))
    film[0, 0, :, 0, 0], film[0, 1, :, 0, 0] = (1, 3), (5, 5)
    assert np.allclose(readout.channel_features(film), [[2, 5, 1, 0]])
    only_second = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
    assert np.allclose(readout.channel_features(film, only_second), [[3, 5, 0, 0]])
    with pytest.raises(AvlabError):
        readout.channel_features(film, only_second * 0)
    with pytest.raises(AvlabError):
        readout.channel_features(film * np.nan)


def test_one_forger_against_all_reals():
    scores = readout.Scores({"x": np.arange(6.0)[None]}, np.array([0, 1, 1, 0, 1, 0]), np.arange(6),
                            np.array(["real", "dub", "lipsync", "real", "dub", "real"]), (0,), "linear")
    one = scores.against("dub")
    assert one.forger.tolist() == ["real", "dub", "real", "dub", "real"] and one.score["x"].tolist() == [[0, 1, 3, 4, 5]]
