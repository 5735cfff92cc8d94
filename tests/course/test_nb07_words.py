"""The words of notebook 07 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.course import nb07_words as words
from avlab.metrics import Interval
from avlab.show import alt_text


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    assert alt_text(said["alt"]) and len(said["caption"]) > 20
    return said["alt"] + " " + said["caption"]


def test_grid():
    lengths = [0.2, 0.6, 4.0]
    said = both(words.grid(lengths, [0.5, 0.75, 0.96], [0.5, 0.8, 0.97], 0.2))
    assert "labels 0.6 s with IoU 0.75 and reaches 0.95 only beyond 4.0 s" in said and "is better" in said
    said = both(words.grid(lengths, [0.5, 0.75, 0.9], [0.5, 0.6, 0.9], 0.2))
    assert "never reaches 0.95 here" in said and "is worse" in said


def test_by_hand():
    assert "Rows sum to 1 in both; N2 is not N1 turned over" in both(words.by_hand(1e-9, 0.4))
    assert "Rows miss 1 by up to 0.30; N2 is N1 turned over" in both(words.by_hand(0.3, 0.0))


@pytest.mark.parametrize("unscaled,word", [(3.0, "fewer than half as many"), (15.0, "fewer keys"), (23.0, "about as many")])
def test_keys(unscaled, word):
    assert word in both(words.keys(unscaled, 23.0, 25))


def test_watched():
    truth, found = np.array([[1.0, 2.0]]), np.array([[1.0, 1.8, 0.9], [3.0, 4.0, 0.6]])
    assert "2 proposals reach 0.50, the best 1.00 to 1.80 s with IoU 0.80" in words.watched("a", truth, found, 0.5)
    assert "1 proposal reaches 0.50" in words.watched("a", truth, found[:1], 0.5)
    assert "no proposal reaches 0.90" in words.watched("a", truth, found[:0], 0.9)
    assert "forged is nothing" in words.watched("a", truth[:0], found, 0.5)


@pytest.mark.parametrize("head,bare,gain,strict", [(0.8, 0.5, "adds more than 0.02 at IoU 0.5, 0.75, 0.95", "some spans"), (0.05, 0.05, "adds nothing", "almost no span")])
def test_curves(head, bare, gain, strict):
    said = both(words.curves({v: at(head) for v in (0.5, 0.75, 0.95)}, {v: at(bare) for v in (0.5, 0.75, 0.95)}, at(0.01), at(0.02), (0.9, 0.8)))
    assert gain in said and strict in said and "AUROC 0.90 and clips with 0.80" in said


def test_target():
    assert "reaches the target of 0.80" in words.target(at(0.81), 0.8, 3) and "does not reach the target" in words.target(at(0.79), 0.8, 3)


def test_streams():
    assert "A span forged in sound is far easier than one forged in picture" in both(words.streams({"sound": at(0.9), "picture": at(0.3)}))
    assert "is not clearly easier" in both(words.streams({"sound": at(0.5), "picture": at(0.45)}))


def test_family():
    said = both(words.family({"no attention": at(0.2), "ms_sa": at(-0.2), "mmus_sa": at(0.0)}, at(0.01), 0.05))
    assert "ahead of no attention and behind ms_sa" in said and "lies inside" in said
    said = both(words.family({"no attention": at(0.0)}, at(0.3), 0.05))
    assert "ahead of none of them." in said and "lies above" in said


def test_missing():
    names = ("all there", "no sound", "silence", "someone else's sound", "no lips")
    plain = dict(zip(names, map(at, (0.8, 0.7, 0.3, 0.6, 0.6))))
    said = both(words.missing(plain, dict(zip(names, map(at, (0.8, 0.8, 0.7, 0.8, 0.8))))))
    assert "Silence costs 0.50" in said and "The dearest change is silence in its place" in said and "pays less" in said
    assert "pays as much" in both(words.missing(plain, plain))
    assert "pays more" in both(words.missing(plain, plain | {"silence": at(0.1)}))


def test_pointing():
    said = both(words.pointing(at(0.5), at(0.0), at(1.5), at(1.0)))
    assert "Attention goes with" in said and "more than in a network" in said and "receive more than their share" in said
    said = both(words.pointing(at(0.0), at(0.0), at(1.0), at(1.0)))
    assert "says nothing certain about" in said and "no more than in a network" in said and "receive about their share" in said
    assert "goes against" in both(words.pointing(at(-0.5), at(0.0), at(0.5), at(1.0)))


def test_mixing():
    assert "mostly from outside" in both(words.mixing(0.7, 0.8, 0.2)) and "mostly from inside" in both(words.mixing(0.3, 0.8, 0.2))


def test_diou_and_sharp():
    values = {"definition": np.array([0, 1.9]), "released code": np.array([0, 100.0])}
    assert "stays below 2" in both(words.diou(values)) and "grows to 100" in both(words.diou(values))
    assert "reaches 3.0" in both(words.diou(values | {"definition": np.array([3.0])}))
    assert alt_text(words.sharp(1.0, 3.2, 25))
