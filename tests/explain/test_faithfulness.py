"""Tests of maps, on scores whose curves and maps whose ratios are known in closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from avlab.errors import AvlabError
from avlab.explain import faithfulness as faith

GRID = (2, 2, 3)
WEIGHT = np.random.default_rng(0).permutation(12).reshape(GRID).astype(float)


def score(films):
    """Sum over tiles of weight times the tile's mean: linear, so every curve is a sum."""
    return torch.as_tensor(faith.pooled(films[:, :, 0].numpy(), GRID) * WEIGHT).sum((1, 2, 3))


def film():
    return torch.ones(4, 3, 4, 6)


def test_deletion_of_a_linear_score_is_a_sum():
    curve = faith.removal_curve(score, film(), faith.ranked(WEIGHT), torch.zeros(4, 3, 4, 6), grid=GRID, steps=12)
    np.testing.assert_allclose(curve, [WEIGHT.sum() - np.sort(WEIGHT.ravel())[::-1][:k].sum() for k in range(13)])
    back = faith.removal_curve(score, film(), faith.ranked(WEIGHT), torch.zeros(4, 3, 4, 6), grid=GRID, steps=12, insert=True)
    np.testing.assert_allclose(back, WEIGHT.sum() - curve)


def test_the_best_order_beats_random_ones_and_the_worst_loses():
    orders = [faith.ranked(WEIGHT), *faith.random_orders(12, 20, seed=1), faith.ranked(-WEIGHT)]
    area = [faith.aopc(faith.removal_curve(score, film(), o, torch.zeros(4, 3, 4, 6), grid=GRID, steps=6)) for o in orders]
    assert area[0] > max(area[1:-1]) and area[-1] < min(area[1:-1])
    np.testing.assert_allclose(np.mean(area[1:-1]), WEIGHT.sum() * np.mean(np.arange(1, 7) / 6), rtol=0.15)  # a straight line, on average
    with pytest.raises(AvlabError, match="once"):
        faith.removal_curve(score, film(), np.arange(11), torch.zeros(4, 3, 4, 6), grid=GRID, steps=6)


def test_pointing_ratio_of_known_maps():
    mask = np.zeros((2, 4, 5), bool)
    mask[0, :2, :2] = True
    assert faith.pointing_ratio(np.full(mask.shape, 7.0), mask) == pytest.approx(1)
    assert faith.pointing_ratio(mask.astype(float), mask) == pytest.approx(10)
    assert faith.pointing_ratio(np.where(mask, 1.0, -9.0), mask) == pytest.approx(10)  # what speaks against counts nothing
    assert faith.pointing_ratio(np.zeros(mask.shape), mask) == 1
    with pytest.raises(AvlabError, match="shape"):
        faith.pointing_ratio(np.ones((2, 5, 4)), mask)


def test_grids_are_pooled_held_and_enlarged():
    film = np.arange(2 * 2 * 2.0).reshape(2, 2, 2)
    np.testing.assert_array_equal(faith.pooled(film, (1, 1, 1)), [[[3.5]]])
    assert faith.pooled(film, (4, 2, 2)).shape == (4, 2, 2) and (faith.pooled(film, (4, 2, 2))[1] == film[0]).all()
    large = faith.resized(film, (4, 4, 4))
    assert large.shape == (4, 4, 4) and (large[0] == large[1]).all() and large[3, 3, 3] == 7
    np.testing.assert_allclose(faith.resized(np.full((3, 3, 3), 2.0), (6, 9, 9)), 2)


def test_baselines_know_the_picture_or_nothing():
    blob = faith.centred_blob(6, 8)
    assert blob.shape == (6, 8) and np.allclose(blob, blob[::-1, ::-1]) and blob[2:4, 3:5].min() > blob[0, 0]
    step = np.zeros((1, 3, 5, 6))
    step[..., 3:] = 1
    found = faith.edges(step)[0]
    assert (found[:, 2:4] > 0).all() and found[:, :2].sum() == 0


def test_fills_keep_what_they_promise():
    torch.manual_seed(0)
    x = torch.rand(2, 4, 3, 20, 20) * torch.tensor([1.0, 50.0]).view(2, 1, 1, 1, 1)
    mean, noise, blur = (faith.filled(x, kind) for kind in ("mean", "noise", "blur"))
    torch.testing.assert_close(mean, x.mean((1, 3, 4), keepdim=True).expand_as(x))
    torch.testing.assert_close(noise.std((1, 3, 4)), x.std((1, 3, 4)), rtol=0.1, atol=0)
    assert blur.std() < x.std() and abs(float(blur.mean() - x.mean())) < 0.2 and torch.equal(noise, faith.filled(x, "noise"))
    with pytest.raises(AvlabError, match="fill"):
        faith.filled(x, "black")


def test_rank_correlation():
    a = np.arange(12.0).reshape(3, 4)
    assert faith.rank_correlation(a, a**3) == pytest.approx(1) and faith.rank_correlation(a, -a) == pytest.approx(-1)
    assert faith.rank_correlation(a, np.ones((3, 4))) == 0


def test_the_cascade_goes_down_from_the_logit_and_touches_nothing_else():
    model = nn.Sequential()
    for name in ("encoder", "middle", "head"):
        model.add_module(name, nn.Linear(3, 3))
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    made = list(faith.cascade(model, ("head", "middle", "encoder"), seed=1))
    assert [names for names, _ in made] == [("head",), ("head", "middle"), ("head", "middle", "encoder")]
    for names, fresh in made:
        for name, value in fresh.state_dict().items():
            assert torch.equal(value, kept[name]) == (name.split(".")[0] not in names)
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    with pytest.raises(AvlabError, match="part"):
        list(faith.cascade(model, ("hat",), seed=0))
