"""The figures of notebook 03 put every mark where its number says, and draw no unit where there is none."""

import numpy as np
import pytest

from avlab.show import figures_embedding as figures
from avlab.show.svg import from_plotly


def test_a_map_has_no_unit_no_ticks_and_every_clip_once():
    rng = np.random.default_rng(0)
    drawn, group = 50 + 300 * rng.standard_normal((40, 2)), np.array(["real", "ldm", "flow", "real"] * 10)
    fig = figures.one_map(drawn, group, crosses=("flow",))
    assert sum(len(t.x) for t in fig.data) == 40 and [t.name for t in fig.data] == ["real", "ldm", "flow"]
    assert max(np.abs(np.concatenate([np.r_[t.x, t.y] for t in fig.data]))) == pytest.approx(1, abs=1e-3)
    assert fig.layout.xaxis.showticklabels is False and fig.layout.yaxis.showticklabels is False
    assert fig.data[-1].marker.symbol == "cross" and fig.data[-1].marker.size > fig.data[0].marker.size
    assert [t.name for t in figures.one_map(drawn, group, ["flow", "real", "ldm"]).data] == ["flow", "real", "ldm"]
    moved = figures.one_map(7 * drawn - 3, group)
    assert np.allclose(moved.data[0].x, figures.one_map(drawn, group).data[0].x, atol=2e-3)
    assert from_plotly(fig).count("<path transform") == 43  # 40 clips and three names in the legend


def test_equal_aspect_in_an_explorer():
    square = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    import re
    fig = figures.one_map(square, ["real"] * 4)
    at = np.array([[float(v) for v in m] for m in re.findall(r"translate\(([\d.]+),([\d.]+)\) scale", from_plotly(fig))])
    assert np.ptp(at[:, 0]) == pytest.approx(np.ptp(at[:, 1]), rel=0.02)


def test_rows_of_maps_are_a_grid():
    maps = {"p 2": np.eye(3)[:, :2], "p 30": np.eye(3)[:, 1:]}
    fig = figures.map_rows({"normal": maps, "uniform": maps})
    assert len(fig.data) == 4 and {a.text for a in fig.layout.annotations} >= {"p 2", "p 30", "SynthTalk"}


def test_histograms_are_shares_and_marks_stand_at_their_values():
    fig = figures.histogram({"real": np.array([0.1, 0.1, 0.9]), "fake": np.full(7, 0.9)}, x="score", span=(0, 1), bins=10, marks={"here": 0.4})
    assert [max(t.y) for t in fig.data] == pytest.approx([200 / 3, 100]) and fig.layout.shapes[0].x0 == 0.4
    at = fig.data[0]
    assert at.x[int(np.argmax(at.y))] == pytest.approx(0.1) and "here" in {a.text for a in fig.layout.annotations}


def test_printed_numbers_are_hollow_and_ours_carry_intervals():
    fig = figures.beside_published({"AUROC (%)": [("with", 98, 96, 99, 99.8, [97, 99]), ("no CMFFC", 97, 95, 98, None, [97])]})
    hollow = [t for t in fig.data if t.marker.symbol == "diamond-open"]
    assert [t.x[0] for t in hollow] == [99.8] and "other data" in hollow[0].name
    assert [tuple(t.x) for t in fig.data if t.mode == "lines"] == [(96, 99), (95, 98)]
    assert sum(bool(t.showlegend) for t in fig.data) == 3
