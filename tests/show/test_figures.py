"""Figures draw the numbers they are given, say their world, and tell categories apart without colour."""

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.show import figures, pictures, theme


def tag(fig):
    return [a.text for a in fig.layout.annotations if a.name == "world"]


def luminance(colour):
    c = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def ratio(a, b):
    hi, lo = sorted((luminance(a), luminance(b)), reverse=True)
    return (hi + 0.05) / (lo + 0.05)


def test_real_and_fake_stand_out_on_both_papers_and_differ_beyond_colour():
    for style in (theme.REAL, theme.FAKE):
        assert ratio(style.colour, "#ffffff") > 3 and ratio(style.colour, "#111111") > 3
    assert theme.REAL.symbol != theme.FAKE.symbol and theme.REAL.dash != theme.FAKE.dash
    symbols = [s.symbol for s in theme.FORGER.values()]
    assert len(set(symbols)) == len(symbols) and len({s.colour for s in theme.FORGER.values()}) == len(symbols)


def test_a_combination_of_forgers_takes_the_first_ones_colour_and_its_own_symbol():
    both, first = theme.style("lipsync+rtvc"), theme.style("lipsync")
    assert both.colour == first.colour and both.symbol != first.symbol and both.label == "lipsync+rtvc"


def test_every_figure_says_its_world_and_an_empty_one_is_refused():
    assert tag(figures.strip({"real": [1, 2]}, x="residual (grey levels)")) == ["SynthTalk"]
    assert tag(figures.lines_with_band({"a": ([1, 2], [3, 4])}, x="steps", y="rms", world=theme.PUBLISHED)) == ["published numbers"]
    with pytest.raises(AvlabError):
        figures.scatter({"a": ([1], [1])}, x="x", y="y", world="")


def test_dot_interval_draws_value_interval_and_null_band():
    fig = figures.dot_interval([("dub", 0.7, 0.6, 0.8)], x="AUROC", null=0.5, null_band=(0.42, 0.58))
    assert list(fig.data[0].x) == [0.6, 0.8] and list(fig.data[1].x) == [0.7] and fig.data[1].marker.symbol == theme.FORGER["dub"].symbol
    assert {(s.x0, s.x1) for s in fig.layout.shapes} == {(0.42, 0.58), (0.5, 0.5)} and fig.layout.xaxis.title.text == "AUROC"
    with pytest.raises(AvlabError):
        figures.dot_interval([("dub", 0.7, 0.8, 0.6)], x="AUROC")


def test_strip_keeps_every_value_and_marks_the_median():
    fig = figures.strip({"real": [3.0, 1.0, 2.0]}, x="residual", log=True)
    assert sorted(fig.data[0].x) == [1, 2, 3] and set(fig.data[1].x) == {2.0} and fig.layout.xaxis.type == "log"


def test_band_encloses_the_line():
    x, lo, y, hi = np.arange(3), np.array([0.0, 1, 2]), np.array([1.0, 2, 3]), np.array([2.0, 3, 4])
    band, line = figures.lines_with_band({"a": (x, y, lo, hi)}, x="x", y="y").data
    assert list(band.x) == [0, 1, 2, 2, 1, 0] and list(band.y) == [2, 3, 4, 2, 1, 0] and list(line.y) == [1, 2, 3]


def test_grids_share_one_scale_and_write_their_intervals():
    a, b = np.array([[0.5, 0.9]]), np.array([[0.2, 0.6]])
    fig = figures.heat_grid({"own": (a, a - 0.1, a + 0.1), "silent": b}, ["cross"], [24, 249], unit="AUROC")
    assert (fig.layout.coloraxis.cmin, fig.layout.coloraxis.cmax) == (0.2, 0.9)
    words = [t.text for t in fig.data if t.type == "scatter"]
    assert words[0] == ("0.50<br>[0.40, 0.60]", "0.90<br>[0.80, 1.00]") and words[1] == ("0.20", "0.60")


def test_signed_grids_are_centred_on_zero():
    fig = figures.heat_grid({"d": np.array([[-0.1, 0.4]])}, ["a"], ["b", "c"], signed=True)
    assert fig.layout.coloraxis.cmin == -0.4 and fig.layout.coloraxis.cmax == 0.4


@pytest.mark.parametrize("rgb", [(0, 0, 0), (255, 255, 255), (127, 127, 127), (119, 119, 119), (213, 94, 0), (124, 123, 120)])
def test_words_on_a_colour_read_at_four_and_a_half_to_one(rgb):
    ink = {"#000": "#000000", "#fff": "#ffffff"}[pictures.contrast(rgb)]
    assert ratio(ink, "#{:02x}{:02x}{:02x}".format(*rgb)) >= 4.5


def test_a_prediction_is_drawn_dashed_or_in_words():
    drawn = figures.dot_interval([("a", 1, 0, 2)], x="x", guess="0.5")
    assert any(s.line.dash == "dash" and s.x0 == 0.5 for s in drawn.layout.shapes)
    worded = figures.dot_interval([("a", 1, 0, 2)], x="x", guess="half")
    assert any("half" in a.text for a in worded.layout.annotations)


def test_timeline_puts_everything_on_one_axis_in_seconds():
    film = np.zeros((10, 8, 8, 3), np.uint8)
    fig = figures.timeline(frames=(film, 25), sound=(np.sin(np.arange(6400) / 9), 16000), mel=(np.zeros((4, 40)), 0.01, 8000),
                           traces={"mouth (0-1)": (np.arange(10) / 25, np.zeros(10))}, at=0.2)
    assert tuple(fig.layout.xaxis4.range) == (0, 0.4) and fig.layout.xaxis4.title.text == "time (s)" and len(fig.layout.images) == 8
    assert any(s.x0 == 0.2 for s in fig.layout.shapes)


def test_the_outline_of_a_sound_keeps_its_extremes():
    wave = np.zeros(100_000)
    wave[54_321], wave[54_322] = 0.9, -0.8
    line = figures.timeline(sound=(wave, 16000)).data[0]
    assert max(line.y) == 0.9 and min(line.y) == -0.8 and len(line.y) < 5000
