"""Attributions of functions whose answer is known: a line, a planted patch, a film that is heard."""

import numpy as np
import pytest
import torch

from avlab.errors import AvlabError
from avlab.explain import attribution
from avlab.results import Probed

W = torch.linspace(-1, 2, 2 * 3 * 4).reshape(2, 3, 4)


def line(x, y):
    return (W * x).sum((1, 2, 3)) + 5 * y.sum(1) + 2


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    return (torch.rand(2, 2, 3, 4), torch.rand(2, 6)), (torch.rand(2, 2, 3, 4), torch.zeros(2, 6))


def test_integrated_gradients_of_a_line_are_exact(inputs):
    (x, y), (b, c) = inputs
    (a, h), missed = attribution.integrated_gradients(line, (x, y), (b, c), steps=2)
    torch.testing.assert_close(a, W * (x - b))
    torch.testing.assert_close(h, 5 * (y - c))
    assert missed.max() < 1e-5


def test_completeness_improves_with_steps():
    x = torch.tensor([[2.0, -1.0]])

    def curved(x):
        return (x**4).sum(1) + x.prod(1)

    errors = [float(attribution.integrated_gradients(curved, (x,), (torch.zeros(1, 2),), steps=n, method="riemann_left")[1]) for n in (4, 16, 64)]
    assert errors[0] > 3 * errors[1] > 9 * errors[2] > 0
    (made,), missed = attribution.integrated_gradients(curved, (x,), (torch.zeros(1, 2),), steps=16)
    np.testing.assert_allclose(made.sum(), 15, rtol=1e-5)  # 16 + 1 - 2 - 0
    assert missed < 1e-5


def test_occlusion_of_a_line_is_exact_and_leaves_other_inputs_alone(inputs):
    (x, y), (b, _) = inputs
    made = attribution.occlusion(line, (x, y), 0, window=(1, 1, 1), stride=(1, 1, 1), fill=b)
    torch.testing.assert_close(made, W * (x - b), atol=1e-5, rtol=1e-4)
    heard = attribution.occlusion(line, (x, y), 1, window=(3,), stride=(3,), fill=torch.zeros(2, 6))
    torch.testing.assert_close(heard[:, :3], 5 * y[:, :3].sum(1, keepdim=True).expand(2, 3), atol=1e-5, rtol=1e-4)


def test_a_planted_patch_is_found_in_place_and_time():
    film = torch.zeros(1, 4, 3, 8, 8)
    film[:, 2:, :, 0:2, 6:8] = 1
    made = attribution.occlusion(lambda x: x.mean((1, 2, 3, 4)), (film,), 0, window=(2, 3, 2, 2), stride=(2, 3, 2, 2), fill=torch.zeros_like(film))
    where = made[0, :, 0] > 0
    assert where.sum() == 2 * 2 * 2 and where[2:, 0:2, 6:8].all()


def test_psi_has_a_size_and_its_sound_a_share():
    psi = torch.zeros(2, 3, 4, 5)
    psi[:, 1, 2, 3] = torch.tensor([3.0, -4.0])
    probed = Probed(None, psi, {}, "c", "cross.2", 24, 40, 1)
    heat = attribution.psi_map(probed)
    assert heat.grid == (3, 4, 5) and heat.values[1, 2, 3] == 5 and heat.values.sum() == 5
    assert attribution.psi_map(probed, silent=probed).values.sum() == 0


def test_attention_over_time_counts_what_is_asked_for():
    weights = torch.zeros(1, 2, 2)
    weights[:, :, 1] = 1  # everybody asks the second half
    np.testing.assert_allclose(attribution.attended(weights, 4), [[0, 0, 2, 2]])
    with pytest.raises(AvlabError, match="divides"):
        attribution.attended(weights, 5)


def test_unequal_shapes_are_refused(inputs):
    (x, y), (b, c) = inputs
    with pytest.raises(AvlabError, match="baseline"):
        attribution.integrated_gradients(line, (x, y), (b, y[:, :2]))
    with pytest.raises(AvlabError, match="fill"):
        attribution.occlusion(line, (x, y), 0, window=(1, 1), stride=(1, 1), fill=b)
