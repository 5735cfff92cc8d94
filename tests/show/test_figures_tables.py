"""The figures of notebook 10 draw the numbers they are given, where they say, and an explorer can draw the ones it uses."""

import numpy as np
import pytest

from avlab.show import figures_tables as figures
from avlab.show.display import Guess
from avlab.show.svg import from_plotly


def named(fig, name):
    return [t for t in fig.data if t.name == name]


def texts(fig):
    return [a.text for a in fig.layout.annotations]


def test_lattice_marks_the_cells_that_fit_both():
    first, second = np.array([[4, 9], [5, 8], [6, 7]]), np.array([[4, 11], [5, 8]])
    fig = figures.lattice({"row": (first, second), "none": (first, second[:1])}, clips=(100, 300))
    both = named(fig, "fits both")
    assert [(list(t.x), list(t.y)) for t in both] == [([5], [8]), ([], [])]
    assert "5 real, 8 fake" in texts(fig) and "published numbers" in texts(fig)
    dots = fig.data[0]
    assert set(zip(dots.x, dots.y)) >= {(0, 0), (7, 12)}  # the lattice reaches past every marked cell


def test_intervals_stand_on_their_ends_and_p_is_logarithmic():
    fig = figures.intervals_and_bounds([("a", 96.75, 94.5, 98.1)], [("s", 0.0078, 0.096)])
    assert list(fig.data[0].x) == [94.5, 98.1] and list(fig.data[1].x) == [96.75] and list(fig.data[2].x) == [0.0078, 0.096]
    assert fig.layout.xaxis2.type == "log" and "0.05" in texts(fig)


def test_wholes_fill_their_bars():
    fig = figures.wholes([("of all", 81.28, 10.70, 100, "x"), ("of errors", 0, 10.70, 18.72, "y")])
    parts = np.array([t.x for t in fig.data])
    assert np.allclose(parts.sum(axis=0), 100) and parts[1] == pytest.approx([10.70, 57.16], abs=0.01)
    assert fig.layout.barmode == "stack"


def test_a_print_equal_to_its_mean_lies_on_the_line():
    fig = figures.print_against_mean({"Acc": (np.array([90.0, 50.0]), np.array([0.0, 2.5]), ["a", "b"])}, ([50.0], [2.5]), ([70.0], [0.004]))
    assert list(named(fig, "Acc")[0].y) == [0.0, 2.5] and list(named(fig, "outside all its columns")[0].x) == [50.0]
    assert fig.layout.shapes[0].y0 == fig.layout.shapes[0].y1 == 0


def test_leads_are_written_over_their_sets():
    columns = {"s": {"own": 99.1, "b": 98.94, "c": None}, "t": {"own": 90.17, "b": 97.6, "c": 80.0}}
    fig = figures.leads(columns, "own", same_training=["b"], saw={("t", "c")})
    assert "<b>+0.16</b>" in texts(fig) and "<b>-7.43</b>" in texts(fig)
    assert list(named(fig, "own")[0].y) == [99.1, 90.17] and list(named(fig, "trained on the same data")[0].y) == [98.94, 97.6]
    assert list(named(fig, "released, this set in training")[0].text) == ["c"] and not len(named(fig, "released weights")[0].x)


def test_sizes_that_fit_are_ticked_and_the_last_line_is_their_intersection():
    fits = np.array([[True, True, False], [False, True, True]])
    fig = figures.sizes(["a", "b"], [20, 21, 22], fits, marks={21: "21 fakes"})
    assert [list(t.x) for t in fig.data] == [[20, 21], [21, 22], [21]] and "21 fakes" in texts(fig)
    dots = figures.size_dots(["a", "b"], [20, 21, 22], fits)
    assert [list(t.x) for t in dots.data] == [[21], [21, 22], [20, 21]] and list(dots.layout.yaxis.ticktext) == ["all", "b", "a"]
    assert from_plotly(dots).count("<path transform") == 5


def test_many_sizes_share_a_mark_and_say_so():
    sizes = np.arange(20, 3001)
    dots = figures.size_dots(["a"], sizes, np.ones((1, sizes.size), bool))
    assert max(len(t.x) for t in dots.data) <= 501 and "one mark for 6 sizes" in dots.layout.xaxis.title.text


def test_f1_rows_lie_where_they_were_measured_and_a_guess_lies_across():
    fig = figures.f1_curve(np.array([0.0, 1.0]), np.array([0.0, 88.9]), [("crf10", 0.995, 88.8, 50.2)], guess=Guess("q", ("50", "80"), "80"))
    assert list(named(fig, "printed F1")[0].x) == [99.5] and list(named(fig, "printed balanced accuracy")[0].y) == [50.2]
    assert [s.y0 for s in fig.layout.shapes] == [80.0]


def test_three_points_stand_on_the_winning_line():
    x, g = np.repeat([-1.0, 0.0, 1.0], 2), np.repeat([1, 0, 2], 2)
    logits = np.stack([np.full_like(x, 5), -10 * x, 10 * x])
    fig = figures.three_points(x, g, logits, np.array([-1.5, 0.0, 1.5]), np.array([0.5, 0.75, 0.5]))
    assert list(named(fig, "clips: generator A")[0].y) == [10] and list(named(fig, "logit of generator B")[0].y) == [-15, 15]
    assert list(named(fig, "one threshold, either side")[0].y) == [50, 75, 50]


def test_batch_counts_write_their_share_over_the_right_bar():
    fig = figures.batch_counts([0.6, 0.3, 0.1])
    assert list(fig.data[0].y) == pytest.approx([60, 30, 10])
    assert [(a.x, a.text) for a in fig.layout.annotations if a.name != "world"] == [(0, "its only pair is i = j"), (1, "2 of 4 pairs i = j"),
                                                                                    (2, "3 of 9 pairs i = j")]


def test_reach_multiplies_for_several_numbers():
    fig = figures.reach([10, 1000], [0.5, 1.0], 10, decimals=1, numbers=3)
    assert list(fig.data[0].y) == [50, 100] and list(fig.data[1].y) == [12.5, 100]
    assert "1 decimal" in fig.layout.yaxis.title.text and "<path" in from_plotly(fig)
