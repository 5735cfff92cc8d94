"""The figures of notebook 09 draw what they are given: every number in its place, every name in the legend or on its axis."""

import numpy as np
import pytest

from avlab.calibration_metrics import reliability
from avlab.metrics import Interval
from avlab.show import figures_robust as drawn
from avlab.show.svg import from_plotly


def at(value):
    return Interval(value, value - 0.1, value + 0.1, np.array([value]))


def traces(fig, name):
    return [t for t in fig.data if t.name == name]


def test_the_matrix_is_centred_on_a_half_and_marks_strangers():
    fig = drawn.train_by_test({"": [[0.9, 0.3], [0.5, 1.0]]}, ["ldm", "flow"], strangers=("flow",))
    heat = next(t for t in fig.data if t.type == "heatmap")
    assert np.allclose(heat.z, [[0.4, -0.2], [0, 0.5]]) and list(heat.x) == ["ldm", "flow *"] and (fig.layout.coloraxis.cmin, fig.layout.coloraxis.cmax) == (-0.5, 0.5)
    assert "0.30" in str(from_plotly(fig))


def test_reliability_has_a_diagonal_and_larger_marks_for_more_clips():
    rng = np.random.default_rng(0)
    prob = rng.random(100) ** 2
    found = reliability(prob, rng.random(100) < prob, 5)
    fig = drawn.reliability({"known": {"raw": found}, "new": {"raw": found}})
    marks = traces(fig, "raw")
    assert len(marks) == 2 and np.allclose(marks[0].y, found.happened) and list(marks[0].x) == pytest.approx(list(found.said))
    assert np.argmax(marks[0].marker.size) == np.argmax(found.count) and list(traces(fig, "what is said happens")[0].x) == [0, 1]


def test_slopes_join_the_columns_of_each_set():
    fig = drawn.slopes({"a": {"AUROC": at(0.9), "Acc": at(0.6)}, "b": {"AUROC": at(0.8), "Acc": at(0.7)}}, y="value")
    assert list(traces(fig, "a")[0].y) == [0.9, 0.6] and list(fig.layout.xaxis.ticktext) == ["AUROC", "Acc"]


def test_printed_numbers_are_hollow_and_have_no_interval():
    fig = drawn.ours_and_printed([("here", [(0.9, 0.8, 1.0, "known")]), ("there", [(0.6, "x"), (0.7, "y")])], x="AUROC")
    hollow = [t for t in fig.data if t.name and t.name.startswith("printed")]
    assert [t.x[0] for t in hollow] == [0.6, 0.7] and all("open" in t.marker.symbol for t in hollow)
    assert len([t for t in fig.data if t.mode == "lines"]) == 1 and "published" in fig.layout.annotations[-1].text


def test_curves_of_shares_risk_and_value():
    fig = drawn.right_and_wrong({"real": ([0, 30], [1, 0.5])}, {"real": ([0, 10], [0.99, 0.01])}, x="crf", printed_name="AMDD")
    assert list(traces(fig, "reals here")[0].y) == [1, 0.5] and "open" in traces(fig, "reals, AMDD")[0].marker.symbol
    fig = drawn.abstention({"novelty": ([0.5, 1], [0.1, 0.2]), "random": ([0.5, 1], [0.2, 0.2])}, 0.8)
    assert list(traces(fig, "novelty")[0].y) == [0.1, 0.2] and fig.layout.shapes[0].x0 == 0.8
    fig = drawn.alarm_value({"book": (np.array([1e-5, 0.5]), np.array([0.0, 1.0]))}, 0.001)
    assert fig.layout.xaxis.type == "log" and fig.data[-1].x[0] == 0.001 and "<svg" in from_plotly(fig)


def test_pooled_marks_the_present_state():
    x = np.linspace(-3, 3, 11)
    fig = drawn.pooled({"real": (x, x * 0 + 0.1), "fake": (x, x * 0 + 0.2)}, ([0, 1], [0.2, 0.8]), (0.5, 0.6))
    assert (fig.data[-1].x[0], fig.data[-1].y[0]) == (0.5, 0.6) and "<svg" in from_plotly(fig)
