"""Grad-CAM against a network that is worked out on paper, and the same network with time folded into the batch."""

import numpy as np
import pytest
import torch
from torch import nn

from avlab import explain
from avlab.errors import AvlabError
from avlab.explain.gradcam import grad_cam_films, layer_names
from avlab.results import Prediction


class Paper(nn.Module):
    """Two channels, x and 1 - x; logit = 3 mean(x over time and place) - 1 mean(1 - x). `folded` hides time in the batch."""

    def __init__(self, folded=False):
        super().__init__()
        self.two, self.folded, self.drop = nn.Conv2d(1, 2, 1) if folded else nn.Conv3d(1, 2, 1), folded, nn.Dropout(0.5)
        self.two.weight.data = torch.tensor([1.0, -1.0]).reshape(self.two.weight.shape)
        self.two.bias.data = torch.tensor([0.0, 1.0])
        self.weight = nn.Parameter(torch.tensor([3.0, -1.0]))

    def forward(self, film):  # (B, T, H, W)
        if self.folded:
            made = self.two(film.flatten(0, 1)[:, None]).unflatten(0, film.shape[:2]).transpose(1, 2)
        else:
            made = self.two(film[:, None])
        means = self.drop(made).mean((2, 3, 4))
        return Prediction(means @ self.weight, means)


FILM = torch.tensor([[[[0.0, 0.2], [0.5, 1.0]], [[1.0, 0.1], [0.0, 0.4]], [[0.3, 0.3], [0.9, 0.0]]]])


@pytest.mark.parametrize("folded", [False, True])
def test_two_channels_by_hand(folded):
    """a = (3, -1) / 12, one weight a channel for the whole film; map = ReLU((3 x - (1 - x)) / 12) = ReLU(4 x - 1) / 12."""
    heat = explain.grad_cam(Paper(folded).train(), (FILM,), layer="two")
    np.testing.assert_allclose(heat.values, np.clip(4 * FILM[0].numpy() - 1, 0, None) / 12, atol=1e-6)
    assert (heat.grid, heat.method, heat.layer, heat.detector, heat.target) == ((3, 2, 2), "grad_cam", "two", "Paper", "fake")


def test_a_batch_is_explained_clip_by_clip_and_without_the_cut_if_asked():
    pair = torch.cat([FILM, 1 - FILM])
    both = grad_cam_films(Paper(folded=True), (pair,), layer="two", relu=False)
    torch.testing.assert_close(both, (4 * pair - 1) / 12)


def test_the_network_is_left_as_it_was():
    model = Paper().train()
    model.two.eval()
    explain.grad_cam(model, (FILM,), layer="two")
    assert model.training and model.drop.training and not model.two.training
    assert not model.two._forward_hooks and model.two.weight.grad is None
    assert layer_names(model, (FILM,)) == {"two": (3, 2, 2), "drop": (3, 2, 2)}


def test_refusals_say_what_to_do():
    with pytest.raises(AvlabError, match="one clip"):
        explain.grad_cam(Paper(), (torch.cat([FILM, FILM]),), layer="two")
    with pytest.raises(AvlabError, match="two"):
        explain.grad_cam(Paper(), (FILM,), layer="tow")
    flat = nn.Sequential()
    flat.two, model = nn.Linear(2, 2), Paper()
    model.last = nn.Identity()
    model.forward = lambda film: Prediction(model.last(film.mean((1, 2, 3))), film)
    with pytest.raises(AvlabError, match="grid"):
        explain.grad_cam(model, (FILM,), layer="last")


def test_the_path_of_a_clip_as_the_design_writes_it():
    from avlab import DiffusionProbe, detectors, load_clip, manifest, show

    row = manifest.load("synthtalk")[3]
    clip = load_clip(row)
    probed = DiffusionProbe.bundled(steps=4)(clip)  # 40 by default; the shapes are the same
    model = detectors.build("xavdt", size="small").eval()
    heat = explain.grad_cam(model, (probed.composite[None], probed.av_attention[None]), layer="composite_encoder.layer3")
    figure = show.overlay(clip, heat)
    assert heat.values.shape[1:] == (8, 8) and heat.values.min() >= 0
    assert "8 x 8" in str(figure.layout.title.text) + str([a.text for a in figure.layout.annotations])


@pytest.mark.parametrize("name", ["amdd", "msct"])
def test_every_detector_with_a_picture_network_is_explained(name):
    from avlab import detectors, load_clip, manifest

    model, read = detectors.build(name, "small"), detectors.module_of(name).inputs(load_clip(manifest.load("synthtalk")[3]))
    inputs = tuple(torch.as_tensor(read[key]).float()[None] for key in model.reads)
    layers = layer_names(model, inputs)
    layer = getattr(model, "cam_layer", next(iter(layers)))
    heat = explain.grad_cam(model, inputs, layer=layer)
    assert heat.grid == layers[layer] and heat.grid[0] > 1 and np.isfinite(heat.values).all() and heat.values.min() >= 0
