"""Each control does what its one-line definition says, and nothing else."""

import numpy as np
import pytest
import torch

from avlab.errors import AvlabError
from avlab.explain import controls


def test_silence_keeps_length_and_type():
    sound = np.linspace(-1, 1, 640, dtype=np.float32)
    quiet = controls.silent(sound)
    assert quiet.shape == sound.shape and quiet.dtype == np.float32 and not quiet.any() and sound.any()
    assert not controls.silent(torch.ones(2, 5)).any()


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_joins_no_person_with_themselves_and_stays_in_the_category(seed):
    people = [f"p{i // 3}" for i in range(30)]
    category = ["RVRA" if i % 2 else "FVRA" for i in range(30)]
    order = controls.shuffled_order(people, category, seed=seed)
    assert sorted(order) == list(range(30))
    assert all(people[i] != people[j] and category[i] == category[j] for i, j in enumerate(order))


def test_shuffled_knows_clips_that_name_two_people():
    people = [frozenset({0, 1}), frozenset({1, 2}), frozenset({3}), frozenset({4})]
    for seed in range(20):
        order = controls.shuffled_order(people, ["FVRA"] * 4, seed=seed)
        assert all(not people[i] & people[j] for i, j in enumerate(order))  # 0 and 1 share person 1


def test_shuffled_differs_between_seeds_and_repeats_within_one():
    people, category = list(range(20)), ["RVRA"] * 20
    draws = [tuple(controls.shuffled_order(people, category, seed=s)) for s in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("people", [["a"], ["a", "a", "a", "b"]])
def test_shuffled_refuses_where_no_derangement_exists(people):
    with pytest.raises(AvlabError, match="more people"):
        controls.shuffled_order(people, ["RVRA"] * len(people), seed=0)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.line, self.norm = torch.nn.Linear(64, 64), torch.nn.BatchNorm1d(64)
        self.tokens, self.constant = torch.nn.Parameter(3 * torch.randn(16, 64)), torch.nn.Parameter(torch.zeros(64))


def test_reinitialised_forgets_everything_and_touches_nothing():
    net = Net()
    with torch.no_grad():
        net.line.weight.fill_(7.0)
        net.norm.running_mean.fill_(5.0)
    before, state = {k: v.clone() for k, v in net.state_dict().items()}, torch.get_rng_state()
    fresh = controls.reinitialised(net.requires_grad_(False), seed=1)
    assert all(torch.equal(net.state_dict()[k], v) for k, v in before.items()) and torch.equal(torch.get_rng_state(), state)
    assert fresh.line.weight.abs().max() < 1 and fresh.norm.running_mean.abs().max() == 0
    assert abs(float(torch.corrcoef(torch.stack([fresh.tokens.flatten(), net.tokens.flatten()]))[0, 1])) < 0.2
    assert fresh.tokens.std().item() == pytest.approx(3, rel=0.15)
    again, other = controls.reinitialised(net, seed=1), controls.reinitialised(net, seed=2)
    assert torch.equal(again.line.weight, fresh.line.weight) and not torch.equal(other.line.weight, fresh.line.weight)


def test_permuted_labels_keep_each_persons_count():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(10), 8)
    label = (np.arange(80) % 8 < people % 5).astype(int)  # people differ in how many fakes they have
    out = controls.permuted_labels(label, people, rng)
    assert all(out[people == p].sum() == label[people == p].sum() for p in range(10))
    assert not np.array_equal(out, label) and set(out) == {0, 1}


def test_null_band_lies_around_half_and_permutes_before_fitting():
    rng, seen = np.random.default_rng(0), []
    people, label = np.repeat(np.arange(20), 10), np.tile([0, 1], 100)
    x = label + 0.1 * rng.standard_normal(200)  # a perfect signal: only the labels can make it null
    train = people < 10

    def fit_and_score(y):
        from avlab.metrics import auroc
        seen.append(np.array(y))
        sign = np.sign(x[train][y[train] == 1].mean() - x[train][y[train] == 0].mean())
        return auroc(sign * x[~train], y[~train])
    lo, hi = controls.null_band(fit_and_score, label, people, 40, rng)
    assert lo < 0.5 < hi and 0.3 < lo and hi < 0.7
    assert fit_and_score(label) > 0.99 and not any(np.array_equal(y, label) for y in seen[:-1])


def test_masks_count_cells():
    regions = np.zeros((1, 1, 8, 8), np.uint8)
    regions[..., :4, :4] = 1
    regions[..., :2, :2] = 2
    film = controls.mask_only(regions, 4, 2)  # cells of 2 x 4 pixels
    assert film.shape == (1, 2, 1, 4, 2)
    assert np.array_equal(film[0, 0, 0], [[1, 0], [1, 0], [0, 0], [0, 0]])
    assert np.array_equal(film[0, 1, 0], [[0.5, 0], [0, 0], [0, 0], [0, 0]])
    with pytest.raises(AvlabError):
        controls.mask_only(regions, 3, 2)


def test_audio_share_by_hand():
    own = np.zeros((2, 1, 1, 2))  # C T h w
    own[:, 0, 0, 0], own[:, 0, 0, 1] = (3, 4), (1, 0)
    quiet = own.copy()
    quiet[0, 0, 0, 0] = 0  # takes 9 of 25 in the left cell
    left, right = np.array([[[1.0, 0]]]), np.array([[[0, 1.0]]])
    assert controls.audio_share(own, quiet, left) == pytest.approx(9 / 25)
    assert controls.audio_share(own, quiet, right) == 0
    assert controls.audio_share(own, quiet, left + right) == pytest.approx(9 / 26)
    assert controls.audio_share(own, -own, left) == pytest.approx(4)  # energies are equal: a difference of energies would say 0
    with pytest.raises(AvlabError):
        controls.audio_share(own, quiet, left * 0)
