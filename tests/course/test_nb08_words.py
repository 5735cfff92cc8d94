"""The texts of notebook 08 follow their numbers: every branch is reached, and passes as a description."""

import numpy as np
import pytest

from avlab.course import nb08_words as words
from avlab.metrics import Interval
from avlab.show import alt_text


def interval(value, lo=None, hi=None):
    return Interval(value, value if lo is None else lo, value if hi is None else hi, np.full(100, float(value)))


def fine(said):
    assert alt_text(said["alt"]) and said["caption"] and "nan" not in said["alt"] + said["caption"]
    return said["alt"], said["caption"]


@pytest.mark.parametrize("share, word", [(0.9, "more than"), (0.5, "about"), (0.2, "less than")])
def test_where_it_looks(share, word):
    assert word in fine(words.looks("stage", (4, 3, 3), 13.3, share, 0.5))[0]


def test_agreement_names_pairs_and_the_outsider():
    table = np.array([[1, 0.2, 0.6, 0], [0.2, 1, 0.1, 0], [0.6, 0.1, 1, 0], [0, 0, 0, 1]])
    alt, _ = fine(words.agree(["grad_cam", "occlusion", "centre", "edges"], table))
    assert "0.20 (Grad-CAM and occlusion)" in alt and "0.60, more than" in alt
    table[0, 2] = table[2, 0] = 0.1
    assert "less than any" in fine(words.agree(["grad_cam", "occlusion", "centre", "edges"], table))[0]


def test_random_weights():
    assert "Grad-CAM keeps more" in fine(words.weights_gone({"grad_cam": 0.6}, {"grad_cam": (-0.4, 0.1)}))[1]
    alt, caption = fine(words.weights_gone({"occlusion": 0.0}, {"occlusion": (-0.1, 0.7)}))
    assert "No method keeps" in caption and "0.70" in caption


def test_pointing_against_blob_and_random():
    ratio = {"grad_cam": 1.0, "centre": 1.4, "edges": 1.1, "random model": 1.0, "occlusion": 1.2}
    below = {"blob": interval(-0.4, -0.5, -0.3), "random_model": interval(0.0, -0.1, 0.1)}
    alt, caption = fine(words.points(ratio, ["grad_cam", "occlusion"], {"grad_cam": [], "occlusion": []}, below))
    assert "no forger" in alt and "worse than the blob" in caption and "cannot be told from random" in caption
    above = {"blob": interval(0.4, 0.3, 0.5), "random_model": interval(0.5, 0.4, 0.6)}
    alt, caption = fine(words.points(ratio, ["grad_cam"], {"grad_cam": ["dub"]}, above))
    assert "for dub only" in alt and "better than" in caption


def test_deletion_turns_or_holds():
    gain = {(m, f): interval(v) for (m, f), v in {("a", "blur"): 1, ("b", "blur"): 2, ("a", "mean"): 2, ("b", "mean"): 1}.items()}
    assert "turns" in fine(words.cares(gain, ["a", "b"], ["blur", "mean"]))[0]
    gain["a", "mean"] = gain["b", "blur"] = interval(-1)
    gain["a", "blur"], gain["b", "mean"] = interval(-2), interval(-0.5)
    alt, caption = fine(words.cares(gain, ["a", "b"], ["blur", "mean"]))
    assert "holds" in alt and "every map does worse" in caption
    assert "never heard" in fine(words.cares({("psi", "blur"): interval(2), ("a", "blur"): interval(1)}, ["psi", "a"], ["blur"]))[1]
    assert "a blur alone looks forged" in words.filled({"blur": 1.0, "mean": -1.0}, 2.0)
    assert "no fill alone" in words.filled({"mean": -1.0}, 2.0)


@pytest.mark.parametrize("trained, random, word", [(2, 2.1, "as well as"), (2, 3, "better than"), (3, 1, "less than")])
def test_baselines(trained, random, word):
    assert word in fine(words.baselines(0.3, trained, random))[1]


def test_the_cheat_is_caught_or_missed():
    assert "found first by occlusion" in fine(words.caught(1.0, {"grad_cam": 20, "occlusion": 1}, 20))[1]
    assert "no method" in fine(words.caught(1.0, {"grad_cam": 20}, 20))[1]


def test_when_and_what_is_heard():
    assert "neither tells" in fine(words.when({"occlusion": interval(0.5, 0.3, 0.7), "own": interval(0.5, 0.4, 0.6)}, {"occlusion": 0.2, "own": 0}))[0]
    assert "alone tells when" in fine(words.when({"occlusion": interval(0.5, 0.3, 0.7), "own": interval(0.9, 0.8, 1)}, {"occlusion": 0.2, "own": 0}))[0]
    alt, _ = fine(words.hears({"rtvc": 0.3, "dub": 0.9, "real": 0.1}, {"rtvc": 10, "dub": 0.1, "real": 0.2}))
    assert "for rtvc 30 %" in alt and "dub and real hardly move" in alt
    assert "no group" in fine(words.hears({"rtvc": 0.3}, {"rtvc": 10}))[0]


@pytest.mark.parametrize("gain, word", [(0.2, "grows"), (0.0, "stays"), (-0.2, "falls")])
def test_the_line_up(gain, word):
    assert word in fine(words.fooled(("A", "D", "E"), gain))[0]
    assert alt_text(words.likeness(2, [0, 2], {"A": [0.1, 0.2], "B": [0.1, 0.5]}))
