"""The toys of notebook 06 against what paper and pencil say."""

import numpy as np
import pytest
import torch

from avlab.course import nb06_toys as toys
from avlab.detectors.msct import CrossAttention


def test_sounds_last_as_long_as_their_recipe_says():
    found = toys.durations(range(40))
    assert 40 <= found["consonants"].min() and found["consonants"].max() < found["vowels"].max()
    assert found["vowels"].mean() > found["consonants"].mean()


@pytest.mark.parametrize("kernel", [1, 3, 5, 7])
def test_a_kernel_reaches_half_its_size_in_time_and_along_features(kernel):
    plane, moved = toys.impulse(kernel, seed=3)
    half = (kernel - 1) // 2
    assert toys.reach(kernel, 3) == half
    assert np.array_equal(np.flatnonzero(plane.sum(1)) - 7, np.arange(-half, half + 1))
    assert np.array_equal(np.flatnonzero(plane.sum(0)) - 4, np.arange(-half, half + 1)[: 4 + half])
    assert np.array_equal(moved > 0, plane.sum(1) > 0)


@pytest.mark.parametrize("seed", range(3))
def test_only_a_convolution_over_features_notices_their_names(seed):
    assert toys.permuted_features(False, seed) < 1e-12 and toys.permuted_features(True, seed) > 1e-3


@pytest.mark.parametrize("similarity", [0.0, 0.5, 1.0])
def test_queries_have_the_cosine_that_is_asked_for(similarity):
    q, cross, *_ = toys.two_queries(similarity, 2)
    assert torch.allclose(torch.cosine_similarity(q, cross, dim=-1), torch.full((1, 1, 6), similarity, dtype=torch.float64))


def test_the_readings_at_equal_queries():
    made = toys.readings(1.0)
    assert made["maps"][1] == made["literal"][1] == 0 and made["logits"][1] > 0.01
    assert np.allclose(made["logits"][0], 1 / 6)


@pytest.mark.parametrize("seed", range(3))
def test_identities(seed):
    found = toys.identities(seed)
    assert max(found[name] for name in ("one_query", "row_sum", "equal_queries", "equal_logits")) < 1e-12 and found["apart"] > 1e-2


def test_the_other_stream_adds_no_content_unless_its_values_are_taken():
    torch.manual_seed(0)
    layer, own, other = CrossAttention(32, 4, "maps", True, "other").double(), *torch.randn(2, 1, 5, 32, dtype=torch.float64)
    for changed in toys.changed_others(other).values():
        assert toys.who_speaks(layer, own, changed)[0] < 1e-20 and toys.who_speaks(layer, own, changed, values="other")[0] > 0.05
    outs = [toys.who_speaks(layer, own, changed)[1] for changed in toys.changed_others(other).values()]
    assert all(np.abs(out - outs[0]).max() > 1e-3 for out in outs[1:])  # and yet it is heard


def test_two_random_maps_have_islands():
    one, share = toys.random_islands()
    assert np.abs(one.sum(-1)).max() < 1e-12 and 0.001 < share < 0.2
