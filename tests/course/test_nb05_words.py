"""The words of notebook 05 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.course import nb05_words as words
from avlab.metrics import Interval
from avlab.show import alt_text


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    return said["alt"] + " " + said["caption"]


def test_every_alt_text_is_accepted_by_show():
    gaps = {"no_psi": at(0.1), "no_phi": at(0.0), "noise_psi": at(0.1)}
    texts = [words.stages((15, 16, 17), [17], 1000, {15: "16", 16: "", 17: "16"}), words.training([0.6, 0.7], [0.05]), words.training([0.6], [0.05]), words.losses(0.1, [0.7]),
             words.variants({"full": at(0.7), "rgb": at(0.6)}), words.table7(gaps, {"no_psi": 0.07}), words.unseen(at(0.7), at(0.6), at(0.1), ("dub",)),
             words.forgers({("dub", "full"): at(0.7), ("dub", "rgb"): at(0.5)}, ("faceswap",)), words.chunks({"chunk": at(0.7), "clip": at(0.7, 0.1)}, 0.5, 20),
             words.listens({"real": at(0.5), "dub": at(0.0)}, ("dub",)), words.shift({"AUROC": 0.0, "Acc": 0.3}), words.permuted(0.5, (0.3, 0.7)), words.capacity(gaps, "no_psi", ["noise_psi"])]
    for said in texts:
        assert alt_text(said["alt"]) and len(said["caption"]) > 20
    assert alt_text(words.circle(0.7, 1.64)["alt"]) and "0.49 and 2.69" in words.circle(0.7, 1.64)["alt"] and "by 0.94" in words.circle(0.7, 1.64)["caption"]
    assert alt_text(words.triplet(0.3, 0.7, 0.3))


def test_stages_says_what_strides_let_through_and_who_refuses():
    said = words.stages((15, 16, 17), [17], 1000, {15: "16 frames", 16: "", 17: "16 frames"})["alt"]
    assert "17 do not" in said and "let 15 frames through" in said and "only a check in front" in said
    assert "nothing refuses 15 frames" in words.stages((15, 16), [], 1000, {15: "", 16: ""})["alt"]


@pytest.mark.parametrize("last,said", [([0.6, 0.9], "more than 2 of the 2"), ([0.7, 0.701], "less than every"), ([0.7, 0.73], "more than 1 of the 2")])
def test_training_compares_the_spread_with_the_table(last, said):
    assert said in words.training(last, [0.01, 0.05])["alt"]


def test_losses():
    assert "falls by 0.10" in words.losses(0.1, [0.9])["alt"] and "the validation follows" in words.losses(0.1, [0.9])["caption"]
    assert "hardly does" in words.losses(0.1, [0.5])["caption"] and "does not fall" in words.losses(-0.1, [0.5])["alt"]


def test_variants_name_the_best_and_who_is_above_chance():
    said = words.variants({"full": at(0.7), "rgb": at(0.9)})["alt"]
    assert "highest value is pictures alone (0.90" in said and "full and pictures alone" in said
    assert "no interval lies above" in words.variants({"full": at(0.5)})["alt"]


def test_table7_names_helps_and_hurts():
    said = words.table7({"no_psi": at(0.1), "no_phi": at(0.2), "rgb": at(-0.1)}, {"no_psi": 0.07, "no_phi": 0.05})["caption"]
    assert "2 rows the largest loss here is without phi, in the paper without psi" in said and "Clearly worse than full: without psi and without phi; clearly better: pictures alone" in said
    assert "0 of table 7's 1 rows were run" in words.table7({"rgb": at(0.0)}, {"no_psi": 0.07})["caption"]
    assert "Clearly worse than full: none; clearly better: none" in words.table7({"no_psi": at(0.0)}, {})["caption"]


@pytest.mark.parametrize("gap,word", [(0.2, "transfers better than"), (-0.2, "transfers worse than"), (0.0, "is not told apart from")])
def test_unseen(gap, word):
    assert word in words.unseen(at(0.6), at(0.6), at(gap), ("dub", "flow"))["alt"]
    assert "holds chance" in words.unseen(at(0.5), at(0.6), at(gap), ("dub",))["caption"]
    assert "holds chance" not in words.unseen(at(0.8), at(0.6), at(gap), ("dub",))["caption"]


def test_forgers_name_the_lowest():
    cells = {("dub", "full"): at(0.4), ("dub", "rgb"): at(0.6), ("ldm", "full"): at(0.8), ("ldm", "rgb"): at(0.6)}
    assert "lowest for dub" in words.forgers(cells, ("ldm",))["alt"] and "dub 0.40 against 0.60" in words.forgers(cells, ("ldm",))["alt"]


@pytest.mark.parametrize("half,word", [(0.1, "wider (factor 2.00)"), (0.02, "narrower"), (0.05, "as wide")])
def test_chunks(half, word):
    said = words.chunks({"chunk": at(0.7, 0.05), "clip": at(0.7, half)}, 0.5, 20)
    assert word in said["alt"] and "1 + 6 rho = 4.0 times" in said["caption"] and "2.0 times what" in said["caption"]
    assert "hardly repeat" in words.chunks({"chunk": at(0.7), "clip": at(0.7)}, 0.0, 20)["caption"]
    assert "too few" in words.chunks({"chunk": at(0.7), "clip": at(0.7)}, 0.0, 4)["caption"] and "too few" not in said["caption"]


@pytest.mark.parametrize("real,word,verdict", [(0.5, "towards fake", "The detector listens"), (-0.5, "towards real", "not shown"), (0.0, "neither way", "not shown")])
def test_listens(real, word, verdict):
    said = words.listens({"real": at(real), "dub": at(0.0)}, ("dub",))
    assert word in said["alt"] and verdict in said["caption"]


def test_shift_names_who_moves():
    assert "changes Acc and leaves AUROC and AP" in words.shift({"AUROC": 0.0, "AP": 0.0, "Acc": 0.4})["alt"]
    assert "changes none" in words.shift({"AUROC": 0.0})["alt"]


def test_permuted():
    assert "near chance" in words.permuted(0.5, (0.25, 0.75))["alt"] and "leaks" in words.permuted(0.95, (0.25, 0.75))["alt"]


def test_capacity_says_who_costs_as_much():
    said = words.capacity({"no_psi": at(0.1), "noise_psi": at(0.11), "still_psi": at(0.0)}, "no_psi", ["noise_psi", "still_psi"])["caption"]
    assert "As much as taking the branch out: psi replaced by noise." in said
    assert "None costs as much" in words.capacity({"no_psi": at(0.1), "noise_psi": at(0.0)}, "no_psi", ["noise_psi"])["caption"]


def test_listed():
    assert [words.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["none", "a", "a and b", "a, b and c"]
