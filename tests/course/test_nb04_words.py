"""The words of notebook 04 follow the numbers: each branch is reached by numbers that call for it."""

import numpy as np
import pytest

from avlab.course import nb04_words as words
from avlab.course.nb04_attention import OneKey
from avlab.course.nb04_experiments import Curve
from avlab.metrics import Interval


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def curve(peak, height=0.5, half=0.05):
    lags = np.arange(-3, 4)
    mean = height - 0.1 * abs(lags - peak)
    return Curve(lags, mean, mean - half, mean + half)


def test_lips_are_late_in_step_or_deaf():
    said = words.lips({"real": curve(0), "lipsync": curve(2), "dub": curve(0, height=0.05)}, (-0.1, 0.1))
    assert "In step with the sound: real." in said["caption"] and "Late: lipsync." in said["caption"] and "could not have: dub." in said["caption"]
    assert "lipsync 0.50 at +80 ms" in said["alt"] and "No such peak: dub." in said["alt"]


def test_listening_longer_helps_or_does_not():
    def table(values):
        return np.array(values), np.array(values) - 0.1, np.array(values) + 0.1
    best = {"another's": table([0.4, 0.2])}
    said = words.listening([16, 80], {"own": table([0.7, 1.0]), "another's": table([0.1, 0.1])}, best, 0.06)
    assert "grows with time" in said["caption"] and "falls" in said["caption"] and "0.64 s 70 %" in said["alt"]
    said = words.listening([16, 80], {"own": table([0.7, 0.7]), "another's": table([0.1, 0.1])}, {"another's": table([0.2, 0.2])}, 0.06)
    assert "does not grow" in said["caption"] and "does not fall" in said["caption"]


@pytest.mark.parametrize("auroc, random, said", [(0.99, 0.5, "The encoder hears:"), (0.7, 0.5, "hears a little"), (0.5, 0.5, "cannot be shown"),
                                                 (0.99, 0.7, "random weights do too")])
def test_hearing_is_said_by_the_interval(auroc, random, said):
    assert said in words.hears(np.ones(3), np.zeros(3), at(auroc), at(random))["caption"]


def test_invisible_forgers_are_those_whose_interval_spans_zero():
    said = words.invisible({"dub": at(0.5), "faceswap": at(0.01), "flow": at(-0.2)}, (-0.2, 0.2))
    assert "Similarity sees dub. It does not see faceswap, and flow lies even closer" in said["caption"]
    assert "sees nobody" in words.invisible({"dub": at(0.0)}, (0, 1))["caption"]


def test_silence_unmasks_a_look_at_the_picture():
    own, low = {"dub": at(0.95), "flow": at(0.8)}, {"dub": at(0.5), "flow": at(0.5)}
    said = words.who_sees(own, {"dub": at(0.5), "flow": at(0.9)}, low)["caption"]
    assert "remains for flow: there agreement is not the whole story" in said
    assert "remains for none" in words.who_sees(own, low, low)["caption"]


def ends(first, last):
    return {0.0: at(first), 5.0: at(last)}


@pytest.mark.parametrize("last, said", [(0.1, "the gap shrinks"), (0.9, "the gap grows"), (0.5, "the gap stays about the same")])
def test_the_pull_is_named_by_its_direction(last, said):
    assert f"Raw or centred, {said}" in words.pull(ends(0.5, last), ends(0.5, 0.5), ends(0.5, last))["caption"]


def test_an_answer_that_depends_on_the_origin_is_said_to():
    said = words.pull(ends(0.15, 0.20), ends(0.15, 0.20), ends(0.13, 0.01))["caption"]
    assert "the gap shrinks; centred it grows: the answer depends on where the origin is" in said


def test_shuffled_generators_decide_about_the_fingerprint():
    gaps = ends(0.5, 0.1)
    assert "hardly a fingerprint" in words.pull(gaps, ends(0.6, 0.25), gaps)["caption"]
    assert "the generators matter" in words.pull(gaps, ends(0.6, 0.58), gaps)["caption"]
    assert "huffled" not in words.pull(ends(0.5, 0.5), gaps, gaps)["caption"]


def test_who_is_helped_by_the_own_sound():
    said = words.probe_values({"real": (0.7, 0.6, 0.8), "dub": (0.0, -0.1, 0.1), "flow": (-0.5, -0.6, -0.4)})["caption"]
    assert "helps for real; it makes no difference for dub; it hurts for flow" in said and "divides the error by 2.0" in said


@pytest.mark.parametrize("real, fake, said", [(0.9, 0.9, "Both rise"), (0.5, 0.9, "The fakes rise and the reals do not"), (0.5, 0.2, "Neither rises")])
def test_who_moves(real, fake, said):
    assert said in words.where_they_go({0.0: at(0.5), 5.0: at(real)}, {0.0: at(0.2), 5.0: at(fake)})["caption"]


@pytest.mark.parametrize("moment, said", [(1.5, "prefers"), (0.5, "avoids"), (1.0, "no preference")])
def test_the_own_moment(moment, said):
    found = words.one_key(OneKey(1, 1, 0, 5, 10), at(moment), at(1.0), 0.9, 0.95)
    assert said in found["caption"] and "every weight is 1.000" in found["alt"] and "hardly works" not in found["caption"]
    assert "all pictures ask alike" in found["caption"]
    assert "hardly works" in words.one_key(OneKey(1, 1, 0, 5, 10), at(moment), at(1.0), 0.55, 0.2)["caption"]
    assert "different stretches" in words.one_key(OneKey(1, 1, 0, 5, 10), at(moment), at(1.0), 0.55, 0.2)["caption"]


@pytest.mark.parametrize("spread, said", [(0.01, "land at the same place"), (0.1, "lie close together"), (0.4, "do not land")])
def test_silence_is_a_constant_or_not(spread, said):
    assert said in words.silence(0.1, 0.05, spread)["alt"]


def test_the_probe_names_its_best_and_its_controls():
    own = {"dub": at(0.95), "faceswap": at(0.5), "flow": at(0.2)}
    chance = {name: at(0.5) for name in own}
    said = words.probe_sees(own, chance, chance)["caption"]
    assert "Highest for dub" in said and "Above chance: dub; below: flow." in said and "No control leaves chance" in said
    assert "A control also leaves chance for dub" in words.probe_sees(own, chance | {"dub": at(0.9)}, chance)["caption"]


def test_the_valley_says_who_is_late_and_who_has_none():
    deep = lambda at_lag: Curve(np.arange(-2, 3), 0.1 * abs(np.arange(-2, 3) - at_lag), np.zeros(5), np.ones(5))  # noqa: E731
    flat = Curve(np.arange(-2, 3), np.array([0, 0.01, 0, 0.01, 0]), np.zeros(5), np.zeros(5))
    said = words.probe_lag({"real": deep(0), "lipsync": deep(1), "dub": flat})
    assert "late side: lipsync." in said["caption"] and "valley of its own: dub." in said["caption"] and "lipsync +40 ms" in said["alt"]


def test_raw_cosines_and_towers_have_both_words():
    assert "is high" in words.raw_cosines({"a": (0.9, 0.0)})["caption"] and "is low" in words.raw_cosines({"a": (0.1, 0.0)})["caption"]
    sharp = Curve(np.arange(-3, 4), np.array([0, 0, 0.2, 0.9, 0.2, 0, 0.0]), np.zeros(7), np.ones(7))
    broad = Curve(np.arange(-3, 4), np.array([0.7, 0.8, 0.85, 0.9, 0.85, 0.8, 0.7]), np.zeros(7), np.ones(7))
    assert "falls steeply" in words.towers_lag({"real": sharp})["caption"] and "is broad" in words.towers_lag({"real": broad})["caption"]


def test_lists_read_well():
    assert [words.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["none", "a", "a and b", "a, b and c"]
    assert words.delay(0) == "0 ms" and words.delay(-2) == "-80 ms"
    assert "ms of silence" in words.chosen(0, 4, 0.3) and "best of 17 lags" in words.chosen(8, 0, 0.4) and "late by 80 ms" in words.explored("dub", 2, 0.1, 0.2)
