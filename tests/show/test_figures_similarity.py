"""The figures of notebook 04 draw what they are given: panels, bands, marks, histograms that add up, attention against an even share."""

import numpy as np
import pytest

from avlab.show import figures_similarity as drawn
from avlab.show import theme
from avlab.show.svg import from_plotly

X = np.array([-40, 0, 40])


def curve(top):
    return X, np.array([0, top, 0]), np.array([-0.1, top - 0.1, -0.1]), np.array([0.1, top + 0.1, 0.1])


def test_every_forger_has_a_panel_with_the_reals_behind_it():
    fig = drawn.lag_panels({"real": curve(0.5), "dub": curve(0.1), "flow": curve(0.4)}, band=(-0.2, 0.2), mark={"dub": 40}, y="r", columns=2)
    assert [a.text for a in fig.layout.annotations[:3]] == ["real", "dub", "flow"]
    thin = [t for t in fig.data if t.line.width == 1.2]
    assert len(thin) == 2 and all(t.line.color == theme.REAL.colour and t.y[1] == 0.5 for t in thin)
    assert [s.y1 for s in fig.layout.shapes if s.fillcolor == theme.BAND] == [0.2] * 3
    assert [s.x0 for s in fig.layout.shapes if s.line.dash == "dash"] == [40]
    assert fig.layout.meta["min_width"] == 380


def test_listening_has_two_panels_and_a_chance_line():
    three = (np.array([0.4, 0.9]), np.array([0.3, 0.8]), np.array([0.5, 1.0]))
    fig = drawn.listening(np.array([0.64, 3.2]), {"own": three, "another's": three}, {"own": three, "another's": three}, 0.06)
    assert len([t for t in fig.data if t.mode == "lines+markers"]) == 4 and fig.layout.shapes[0].y0 == 0.06
    assert sum(bool(t.showlegend) for t in fig.data) == 2


def test_histograms_hold_every_clip_once():
    values = np.linspace(-0.9, 0.9, 37)
    fig = drawn.histograms({"a": {"own": values, "other": values}, "b": {"own": values[:10]}}, x="cosine", bins=10)
    assert len(fig.data) == 3 and all(np.isclose(np.sum(t.y), 1) for t in fig.data)
    assert fig.data[0].marker.pattern.shape != fig.data[1].marker.pattern.shape  # not by colour alone


def test_strips_show_all_clips_the_mean_and_the_band():
    groups, means = {"real": [0.8, 0.9], "dub": [0.1, 0.2, 0.3]}, {"real": (0.85, 0.8, 0.9), "dub": (0.2, 0.1, 0.3)}
    fig = drawn.strips(groups, means, x="cosine", band=(-0.2, 0.2), null=0.0)
    assert sorted(len(t.x) for t in fig.data if t.mode == "markers") == [2, 3]
    assert list(fig.layout.yaxis.ticktext) == ["real", "dub"] and fig.layout.shapes[0].x1 == 0.2
    assert [tuple(t.x) for t in fig.data if t.line.width == 4] == [(0.8, 0.9), (0.1, 0.3)]


def test_attention_is_drawn_as_its_distance_from_an_even_share():
    fig = drawn.attention_maps({"one key": np.ones((4, 1)), "tokens": np.array([[0.5, 0.5, 0, 0]] * 4)}, step_ms=80)
    assert not np.any(fig.data[0].z) and list(fig.data[0].x) == ["all"]
    assert np.allclose(fig.data[1].z[0], [100, 100, -100, -100]) and list(fig.data[1].x) == ["0", "80", "160", "240"]
    assert (fig.layout.coloraxis.cmin, fig.layout.coloraxis.cmax) == (-100, 100)
    faint = drawn.attention_maps({"tokens": np.full((2, 4), 0.25)}, step_ms=80)
    assert faint.layout.coloraxis.cmax == pytest.approx(5)  # nothing is not blown up to something


@pytest.mark.parametrize("fig", [drawn.overlaid(np.arange(4) / 25, np.arange(4.0), np.array([np.nan, 0, 1, 2])), drawn.at_lag({"a": (X, [0, 1, 0])}, 40, y="r")])
def test_what_an_explorer_shows_can_be_drawn_as_svg(fig):
    assert "<path" in from_plotly(fig) or "<polyline" in from_plotly(fig)
