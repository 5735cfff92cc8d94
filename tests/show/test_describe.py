"""Figures keep their description, lazy descriptions are refused, predictions work without a reader."""

import numpy as np
import plotly.graph_objects as go
import pytest

from avlab import show
from avlab.errors import AvlabError
from avlab.show import display
from avlab.show.figures import dot_interval

GOOD = "The residual of dub lies above real: AUROC 0.71, interval 0.62 to 0.80"


@pytest.fixture
def shown(monkeypatch):
    """What show() hands to the notebook: list of (bundle, metadata)."""
    import IPython.display
    got = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw, metadata: got.append((bundle, metadata)))
    return got


@pytest.mark.parametrize("alt", ["", None, "short", "Bar chart of the residuals by forger", "A plot showing AUROC over time for all",
                                 "Scatter plot of residual against sharpness", "The heatmap of nine cells with numbers", "Figure: residuals of everything"])
def test_lazy_descriptions_are_refused(alt):
    with pytest.raises(AvlabError):
        show.alt_text(alt)


@pytest.mark.parametrize("alt", [GOOD, "Mouth pixels put 61 % on offset 0; with random weights every cell is near 20 %",
                                 "Dots leave the curves most at 5 steps; at 20 the largest gap is 0.1", "Bars never exceed 0.2 for any of the forgers"])
def test_findings_are_accepted(alt):
    assert show.alt_text(f"  {alt}\n") == alt


def test_alt_and_caption_travel_with_the_figure(shown):
    show.show(dot_interval([("dub", 0.7, 0.6, 0.8)], x="AUROC"), alt=GOOD, caption="Look   at the interval.")
    (bundle, meta), (under, second) = shown
    assert meta["avlab"] == {"role": "figure", "alt": GOOD, "caption": "Look at the interval."} and second["avlab"]["role"] == "caption"
    assert bundle["text/plain"] == GOOD and bundle[display.PLOTLY]["data"][1]["y"] == ["dub"]
    assert "Look at the interval." in under["text/html"] and "<script" not in under["text/html"]


def test_nothing_is_shown_without_a_description(shown):
    with pytest.raises(AvlabError):
        show.show(go.Figure(), alt="A plot")
    assert shown == []


def test_a_picture_gets_its_alt_attribute_escaped(shown):
    show.show(np.zeros((2, 2, 3), np.uint8), alt='Four "black" pixels & nothing else is in this picture')
    assert 'alt="Four &quot;black&quot; pixels &amp; nothing else is in this picture"' in shown[0][0]["text/html"]


def test_predict_headless_is_text_and_none(shown, monkeypatch):
    monkeypatch.setenv("AVLAB_HEADLESS", "1")
    assert show.predict("1.1", "Half or <quarter>?", ["half", "<quarter>"]) is None
    (bundle, meta), = shown
    assert "<details" in bundle["text/html"] and "&lt;quarter&gt;" in bundle["text/html"] and "widget" not in " ".join(bundle)
    assert meta["avlab"]["role"] == "predict"


def test_predict_live_follows_the_click(shown, monkeypatch):
    monkeypatch.delenv("AVLAB_HEADLESS", raising=False)
    guess = show.predict("1.1", "Half or quarter?", ["half", "quarter"])
    assert guess.choice is None
    import ipywidgets
    radio = next(w for w in ipywidgets.widgets.widget._instances.values() if isinstance(w, ipywidgets.RadioButtons) and w.options == ("half", "quarter"))
    radio.value = "quarter"
    assert guess.choice == "quarter"


def test_predict_needs_a_choice():
    with pytest.raises(AvlabError):
        show.predict("1.1", "Only one?", ["yes"])
