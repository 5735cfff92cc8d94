"""The small SVG drawer puts points where they belong and refuses what it cannot draw."""

import re

import numpy as np
import plotly.graph_objects as go
import pytest

from avlab.errors import AvlabError
from avlab.show import figures, svg
from avlab.show.svg_axes import LEFT, RIGHT, WIDTH, union


def marks(text):
    return [tuple(map(float, m)) for m in re.findall(r"translate\((-?[\d.]+),(-?[\d.]+)\) scale", text)]


def test_points_keep_their_proportions():
    (x0, y0), (x1, y1), (x2, y2) = marks(svg.from_plotly(go.Figure(go.Scatter(x=[0, 1, 4], y=[0, 2, 8], mode="markers"))))
    assert (x2 - x0) / (x1 - x0) == pytest.approx(4, abs=0.01) and (y0 - y2) / (y0 - y1) == pytest.approx(4, abs=0.01)


def test_log_axes_put_equal_ratios_at_equal_distances():
    fig = figures.lines_with_band({"a": ([1, 10, 100], [1, 1, 1])}, x="steps", y="rms", log_x=True)
    xs = [x for x, _ in marks(svg.from_plotly(fig))][:3]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.1)


def test_reversed_categories_and_reference_lines():
    fig = figures.dot_interval([("first", 0.7, 0.6, 0.8), ("second", 0.4, 0.3, 0.5)], x="AUROC", null=0.5)
    out = svg.from_plotly(fig)
    assert marks(out)[0][1] < marks(out)[1][1] and ">first<" in out and ">AUROC<" in out
    spans = {"x": (0.0, 1.0), "y": ["first", "second"]}
    line = re.search(r'<line x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"[^>]*stroke-width="1.5"', svg.from_plotly(fig, spans))
    assert float(line[1]) == float(line[2]) == pytest.approx((LEFT + WIDTH - RIGHT) / 2, abs=0.1)


def test_heat_cells_carry_their_colour_and_words():
    out = svg.from_plotly(figures.heat_grid({"g": np.array([[0.0, 1.0]])}, ["cross"], [24, 249], low=0, high=1))
    assert "rgb(0,34,78)" in out and "rgb(254,232,56)" in out and ">0.00<" in out and ">1.00<" in out      # the two ends of cividis


def test_stacked_bars_stand_on_each_other():
    out = svg.from_plotly(figures.bars({"a": [3.0], "b": [1.0]}, ["real"], y="grey levels"))
    rects = [tuple(map(float, r)) for r in re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" fill="#', out)]
    (y_a, h_a), (y_b, h_b) = rects[:2]
    assert h_a / h_b == pytest.approx(3, rel=0.02) and y_b + h_b == pytest.approx(y_a, abs=0.2)


def test_labels_on_points_and_subplot_titles_are_drawn_but_not_the_tag():
    fig = figures.heat_grid({"own": np.eye(2), "silent": np.eye(2)}, ["a", "b"], ["c", "d"])
    fig.add_annotation(x="c", y="a", text="here<br>there", showarrow=False)
    out = svg.from_plotly(fig)
    assert all(f">{w}<" in out for w in ("own", "silent", "here", "there")) and "SynthTalk" not in out


def test_union_widens_and_keeps_a_reversed_axis_reversed():
    assert union([{"x": (0, 2), "y": (5, 1), "z": ["a"]}, {"x": (-1, 1), "y": (7, 2), "z": ["b", "a"]}]) == {"x": (-1, 2), "y": (7, 1), "z": ["a", "b"]}


@pytest.mark.parametrize("fig", [go.Figure(go.Surface(z=[[1, 2], [3, 4]])), go.Figure(), go.Figure(go.Box(y=[1, 2]))])
def test_what_cannot_be_drawn_is_refused(fig):
    with pytest.raises(AvlabError):
        svg.from_plotly(fig)


def test_text_follows_the_page_and_is_escaped():
    out = svg.from_plotly(figures.scatter({"<b>": ([1, 2], [1, 2]), "c": ([1], [1])}, x="x & y", y="y"))
    assert "currentColor" in out and "&lt;b&gt;" in out and "x &amp; y" in out
