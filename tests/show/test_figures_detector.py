"""Figures of notebook 05 draw what they are given, and nothing besides."""

import numpy as np
import pytest

from avlab.show import figures_detector as detector
from avlab.show import theme


def test_stages_writes_every_shape_and_rings_only_what_is_marked():
    rows = [("stem", 1000, [(8, 8), (8, 9)]), ("fuse", 2500, [(4, 1), None])]
    fig = detector.stages(rows, columns=["16 frames", "17 frames"], marked={(0, 1)})
    said = {(a.x, a.y): a for a in fig.layout.annotations if a.name != "world" and a.yref == "y2"} or {(a.x, a.y): a for a in fig.layout.annotations if a.name != "world"}
    assert {k: a.text for k, a in said.items()} == {(0, 0): "8 x 8", (1, 0): "8 x 9", (0, 1): "4 x 1", (1, 1): "not reached"}
    assert [k for k, a in said.items() if a.bordercolor == theme.VERMILLION] == [(1, 0)]
    assert list(fig.data[0].x) == [1.0, 2.5] and list(fig.data[0].y) == ["stem", "fuse"]


def test_gaps_draws_intervals_and_printed_marks_of_its_own_lines_alone():
    fig = detector.gaps([("without psi", 0.1, 0.05, 0.2), ("pictures alone", -0.1, -0.3, 0.1)], {"without psi": 0.07, "without phi": 0.05}, x="AUROC difference")
    spans = [tuple(t.x) for t in fig.data if t.mode == "lines"]
    assert spans == [(0.05, 0.2), (-0.3, 0.1)]
    here, printed = fig.data[-2:]
    assert list(here.x) == [0.1, -0.1] and list(printed.y) == ["without psi"] and list(printed.x) == [0.07] and "open" in printed.marker.symbol


def test_circle_writes_straight_distances_from_the_first_point():
    fig = detector.circle({"anchor": 90, "near": 90 - 60, "far": -90})
    texts = [a.text for a in fig.layout.annotations if a.name != "world"]
    assert texts == ["anchor", "near: 1.00", "far: 2.00"]
    for trace in fig.data[1:]:
        if trace.mode == "markers":
            assert np.hypot(*[trace.x[0], trace.y[0]]) == pytest.approx(1)
