"""Overlays put a map where its box says, on its own grid, and hatch the truth; nothing is enlarged smoothly."""

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.results import Heatmap
from avlab.show import figures_explain as drawn
from avlab.show import overlay

FILM = np.full((4, 8, 12, 3), 100, np.uint8)


def test_cells_lie_in_their_box_and_are_held_in_time():
    heat = Heatmap(np.arange(2 * 1 * 2.0).reshape(2, 1, 2), "grad_cam", box=(0.25, 0.5, 0.75, 1.0))
    made = drawn.spread(heat, (4, 8, 12))
    assert np.isnan(made[:, :2]).all() and np.isnan(made[:, 6:]).all() and np.isnan(made[:, :, :6]).all()
    for t, step in enumerate((0, 0, 1, 1)):
        assert (made[t, 2:6, 6:9] == heat.values[step, 0, 0]).all() and (made[t, 2:6, 9:] == heat.values[step, 0, 1]).all()


def test_an_overlay_names_its_grid_and_its_world():
    figure = overlay(FILM, Heatmap(np.ones((2, 2, 3)), "grad_cam", layer="stage"))
    assert figure.layout.title.text == "Grad-CAM at stage: 2 steps of 2 x 3 cells, 4 px each"
    assert any(a.text == "SynthTalk" for a in figure.layout.annotations) and len(figure.layout.images) == 1


def test_the_truth_is_hatched_and_the_map_coloured_on_one_scale():
    values, truth = np.zeros((8, 12)), np.zeros((8, 12), bool)
    truth[2:6, 2:8] = True
    plain, marked = (drawn.overlaid(FILM[0], values, top=1, truth=mask) for mask in (None, truth))
    assert (plain[0] == marked[0]).all() and (plain != marked).any() and marked.shape == (32, 48, 3)
    with pytest.raises(AvlabError, match="size"):
        drawn.overlaid(FILM[0], values[:4], top=1)


def test_the_other_figures_are_drawn_with_units():
    rows = [("dub", "a", 1.0, 0.5, 2.0), ("dub", "b", 2.0, 1.5, 3.0), ("flow", "a", 1.0, 0.9, 1.1), ("flow", "b", 1.0, 1.0, 1.0)]
    assert drawn.log_ratios(rows, x="ratio").layout.xaxis.type == "log"
    curves = drawn.removal({"grad_cam": [2, 1, 0]}, ([2, 1, 0], [1, 0, -1], [3, 2, 1]))
    assert curves.layout.yaxis.title.text == "logit of fake" and list(curves.data[1].x) == [0, 50, 100]
    lost = drawn.weights_lost({"a": np.array([1, 0.2])}, {"a": (-0.1, 0.3)}, ["trained", "head"])
    assert lost.layout.yaxis.title.text == "rank correlation"
    heard = drawn.sound_maps({"rtvc": np.ones((4, 3))}, hop_s=0.01, hz=[100, 500, 2000, 6000])
    assert "kHz" in heard.layout.yaxis.title.text
    shown = drawn.gallery({"a": np.ones((8, 12)), "b": -np.ones((8, 12))}, frame=FILM[0], signed=["b"])
    assert len(shown.layout.images) == 3
