"""The words of notebook 06 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.course import nb06_words as words
from avlab.metrics import Interval
from avlab.show import alt_text

ZERO = {"one_query": 0.0, "row_sum": 0.0, "equal_queries": 0.0, "equal_logits": 0.0, "apart": 1.0}


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    return said["alt"] + " " + said["caption"]


def effect(dca=0.1, mssa=0.1, gap=0.1):
    return {"dca": at(dca), "mssa": at(mssa), "interaction": at(0.0), "dca-mssa": at(gap)}


def test_every_alt_text_is_accepted_by_show():
    texts = [words.durations(0.4, 80), words.impulse({1: 0, 3: 1}), words.permuted(0, 0.2, 0), words.readings(ZERO), words.who_speaks({"a": 0.0}, {"a": 0.5}),
             words.mechanism(at(0.1), at(0.1), at(0.1)), words.mechanism_table(at(0.1), at(0.1)), words.cells(effect(), {"CA+SA": at(0.9)}),
             words.hard(0.8, 0.85, 0.9), words.missed({"dub": at(0.5)}, ()), words.seen_and_new(at(0.97), at(0.7), at(0.5)), words.growth(1.0), words.islands(0.1)]
    for said in texts:
        assert alt_text(said["alt"]) and len(said["caption"]) > 20
    for text in (words.impulse_state(3, 1), words.readings_state(0.5, {"maps": (None, 0.1)}), words.growth_state(0.5, 1.0)):
        assert alt_text(text)


@pytest.mark.parametrize("share, word", [(0.6, "Most"), (0.3, "Many"), (0.1, "Few")])
def test_durations(share, word):
    assert words.durations(share, 70)["caption"].startswith(word)


def test_impulse_calls_a_wrong_reach_a_fault():
    assert "as it must be" in both(words.impulse({1: 0, 5: 2})) and "is a fault" in both(words.impulse({5: 1}))


@pytest.mark.parametrize("plain, drop, said", [(0, 0, "does not notice"), (1e-3, 0, "must not"), (0, 0.1, "by -0.100"), (0, -0.1, "by +0.100"), (0, 0.001, "costs")])
def test_permuted(plain, drop, said):
    assert said in both(words.permuted(plain, 0.3, drop))


def test_readings():
    assert "three operators" in both(words.readings(ZERO))
    assert "not the identities" in both(words.readings(ZERO | {"row_sum": 1e-3})) and "not the identities" in both(words.readings(ZERO | {"apart": 0.0}))


def test_who_speaks():
    assert "stays inside" in both(words.who_speaks({"a": 0.0}, {"a": 0.4})) and "leaves by up to 40 %" in both(words.who_speaks({"a": 0.4}, {"a": 0.4}))
    assert "it does too" in both(words.who_speaks({"a": 0.0}, {"a": 0.0}))


@pytest.mark.parametrize("value, word", [(0.2, "larger on reals"), (-0.2, "larger on fakes"), (0.0, "not told apart")])
def test_mechanism(value, word):
    assert f"With the loss the norm is {word}" in both(words.mechanism(at(0.1), at(value), at(0.3)))


@pytest.mark.parametrize("forging, noise, word", [(0.1, 0.5, "more than"), (0.5, 0.1, "less than"), (0.1, 0.12, "about as much as")])
def test_mechanism_table(forging, noise, word):
    assert word in both(words.mechanism_table(at(forging), at(noise)))
    assert "lowers" in both(words.mechanism_table(at(-0.4), at(noise)))


@pytest.mark.parametrize("value, word", [(0.2, "helps"), (-0.2, "hurts"), (0.0, "is not resolved")])
def test_cells(value, word):
    said = both(words.cells(effect(dca=value, mssa=0.3, gap=value), {"CA+SA": at(0.9), "DCA+SA": at(0.95)}))
    assert f"Here DCA {word}, MSSA helps" in said and "best cell is DCA+SA with 0.950" in said
    assert {0.2: "DCA adds more", -0.2: "MSSA adds more", 0.0: "which adds more is not resolved"}[value] in said


@pytest.mark.parametrize("best, word", [(0.85, "stays below"), (0.9, "touches")])
def test_hard(best, word):
    assert word in both(words.hard(0.8, best, 0.9))


def test_missed():
    rows = {"dub": at(0.52), "faceswap": at(0.9)}
    assert "Weakest: dub" in both(words.missed(rows, {"faceswap"})) and "new to the training; not told from chance: dub" in both(words.missed(rows, {"faceswap"}))
    assert "known from the training; all above chance" in both(words.missed({"dub": at(0.7)}, {"dub"}))


@pytest.mark.parametrize("seen, reals, said", [(0.96, 0.5, "which reaches 0.95"), (0.9, 0.5, "which misses 0.95"), (0.96, 0.8, "something besides forgery"),
                                               (0.96, 0.5, "in their place 0.500 [0.450, 0.550]: chance")])
def test_seen_and_new(seen, reals, said):
    assert said in both(words.seen_and_new(at(seen), at(0.7), at(reals)))


@pytest.mark.parametrize("correlation, word", [(1.0, "grows with every step"), (0.9, "grows from"), (0.1, "does not grow")])
def test_growth(correlation, word):
    assert word in both(words.growth(correlation))
