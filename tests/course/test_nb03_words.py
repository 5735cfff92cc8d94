"""The words of notebook 03 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.course import nb03_words as words
from avlab.metrics import Interval
from avlab.show import alt_text


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    return said["alt"] + " " + said["caption"]


def networks(taught, untaught, fresh):
    return {"with": at(taught), "without": at(untaught), "untrained": at(fresh)}


def test_every_alt_text_is_accepted_by_show():
    two = {("FVRA", "visual"): at(0.9), ("FVRA", "audio"): at(0.3)}
    texts = [words.clumps({5: 0.4, 30: 0.3}, {5: 0.4, 30: 0.3}), words.knows(networks(0.9, 0.6, 0.5), (0.1, 0.2), 0.17, at(0.2)), words.drawing(0.5, "t-SNE", "30 neighbours"),
             words.truth({"t-SNE": 0.5}, {"t-SNE": 0.9}, 0.1), words.streams(two, {"FVRA": 0.33}, {"FVRA": (0.2, 0.4)}),
             words.heads(0.0, 0.4, 0.9, 0.1, {"real": 0, "ldm": 0.2}, 11.0, 0.5), words.stranger("flow", {"distance": at(0.7), "energy": at(0.6)}, {"real": 0.9, "ldm": 0.1}),
             words.novelty({("flow", "distance"): at(0.7)}, ["flow"]), words.nuisances({"generator": 0.5, "person": 0.1}, {"generator": 0.0, "person": 0.2}),
             words.per_generator({"ldm": at(0.9), "all known": at(0.96), "dub": at(0.5)}, ["ldm"], ["dub"]), words.histogram(0.1),
             words.confused([[0.9, 0.1], [0.3, 0.7]], ["real", "ldm"], ["real", "ldm"]), words.ablation({"with": (0.9, 0.9, 0.9), "without": (0.9, 0.1, 0.6)}, 0.05, (0.0, 0.4), 0.02)]
    for said in texts:
        assert alt_text(said["alt"]) and len(said["caption"]) > 20
    assert alt_text(words.fooled(200, (1.0, 0.4), (0.2, 0.0)))


@pytest.mark.parametrize("low,said", [(0.5, "more clustered"), (0.3, "as clustered"), (0.1, "less clustered")])
def test_clumps(low, said):
    assert said in words.clumps({2: low, 60: 0.3}, {2: 0.3, 60: 0.3})["alt"]


def test_only_attribution_needs_the_probe_without_it_at_chance():
    assert "still names the generator: 0.60" in words.knows(networks(0.9, 0.6, 0.4), (0.1, 0.3), 0.2, at(0.2))["alt"]
    assert "detection alone teaches" in words.knows(networks(0.9, 0.6, 0.4), (0.1, 0.3), 0.2, at(0.2))["caption"]
    assert "does not name the generator better than shuffled" in words.knows(networks(0.9, 0.25, 0.2), (0.1, 0.3), 0.2, at(0.2))["alt"]
    assert "random weights come as far" in words.knows(networks(0.9, 0.6, 0.6), (0.1, 0.3), 0.2, at(0.0))["caption"]
    assert "+0.30" in words.knows(networks(0.9, 0.6, 0.6), (0.1, 0.3), 0.2, at(0.2))["caption"]


@pytest.mark.parametrize("overlap,said", [(0.9, "most of the ten"), (0.5, "about half"), (0.1, "few of the ten")])
def test_drawing(overlap, said):
    assert said in words.drawing(overlap, "UMAP", 15)["caption"]


def test_truth_names_the_half():
    assert "under half" in both(words.truth({"a": 0.3, "b": 0.4}, {"a": 0.8, "b": 0.8}, 0.1))
    assert "more than half" in both(words.truth({"a": 0.3, "b": 0.6}, {"a": 0.8, "b": 0.8}, 0.1))


def test_streams_say_which_is_above_its_own_band():
    def said(picture, sound):
        found = {("FVRA", "visual"): at(picture), ("FVRA", "audio"): at(sound), ("RVFA", "visual"): at(0.5), ("RVFA", "audio"): at(0.9)}
        return words.streams(found, {"FVRA": 0.33, "RVFA": 0.5}, {"FVRA": (0.2, 0.45), "RVFA": (0.4, 0.6)})["caption"]
    assert "FVRA visual; RVFA audio: as it should be" in said(0.9, 0.33)
    assert "FVRA visual and audio" in said(0.9, 0.8) and "not simply" in said(0.9, 0.8)
    assert "FVRA none" in said(0.3, 0.3)


@pytest.mark.parametrize("lo,hi,said", [(0.0, 0.4, "lies inside"), (0.2, 0.4, "lies outside")])
def test_heads(lo, hi, said):
    assert said in words.heads(lo, hi, 0.9, 0.1, {"real": 0, "ldm": 0.2}, 11.0, 0.5)["alt"]


@pytest.mark.parametrize("value,said", [(0.8, "recognised as new"), (0.5, "not told from"), (0.2, "less new than")])
def test_stranger(value, said):
    assert said in words.stranger("dub", {"distance": at(value), "energy": at(0.5)}, {"real": 1.0})["alt"]


def test_novelty_lists_those_that_can_be_called_new():
    table = {(name, "distance"): at(v) for name, v in (("a", 0.8), ("b", 0.7), ("c", 0.5))}
    assert "a and b can be called new" in both(words.novelty(table, "abc")) and "no stranger" in words.novelty(table, "c")["alt"]


@pytest.mark.parametrize("other,said", [(0.6, "more than the generator"), (0.4, "nearly as much"), (0.1, "less than the generator")])
def test_nuisances(other, said):
    assert said in words.nuisances({"generator": 0.5, "person": other, "light": 0.0}, {"generator": 0.0, "person": 0.0, "light": 0.3})["alt"]


def test_nuisances_say_when_there_is_no_rival_and_what_random_weights_see():
    quiet = words.nuisances({"generator": 0.8, "person": 0.01}, {"generator": 0.0, "person": 0.2})["caption"]
    assert "nothing else that we asked for does" in quiet and "neighbours share person (0.20)" in quiet
    loud = words.nuisances({"generator": 0.8, "person": 0.3}, {"generator": 0.0, "person": 0.0})["caption"]
    assert "strongest rival is person" in loud and "share nothing that we asked for" in loud


def test_per_generator_states_the_goal_and_the_silent_strangers():
    table = {"ldm": at(0.9), "all known": at(0.96), "dub": at(0.5), "flow": at(0.9)}
    said = words.per_generator(table, ["ldm"], ["dub", "flow"])["caption"]
    assert "at or above 0.95" in said and "strangers: dub." in said and "cost 0.26 of AUROC" in said
    assert "hardly anything" in words.per_generator(table | {"flow": at(0.95)}, ["ldm"], ["flow"])["caption"]
    assert "below 0.95" in words.per_generator(table | {"all known": at(0.9)}, ["ldm"], ["dub"])["caption"]


@pytest.mark.parametrize("share,said", [(0.1, "form two heaps:"), (0.3, "that overlap"), (0.6, "hardly two")])
def test_histogram(share, said):
    assert said in words.histogram(share)["alt"]


def test_confused_names_the_weakest_and_whom_it_is_taken_for():
    said = both(words.confused([[0.9, 0.1, 0], [0.3, 0.6, 0.1], [0.0, 0.0, 1.0], [1, 0, 0]], ["real", "a", "b", "dub"], ["real", "a", "b"]))
    assert "weakest a (60 %), then taken for real" in said and "80 %, below 90 %" in said
    assert "at or above 90 %" in both(words.confused([[0.9, 0.1], [0.05, 0.95]], ["real", "a"], ["real", "a"]))


def test_ablation_measures_against_the_spread_of_seeds():
    rows = {"with": (0.9, 0.9, 0.90), "without": (0.9, 0.1, 0.60), "no CMFFC": (0.9, 0.9, 0.92)}
    assert "without moves the probe by more than seeds do" in words.ablation(rows, 0.05, (0.0, 0.4), 0.02)["alt"]
    assert "no variant moves the probe" in words.ablation(rows, 0.5, (0.0, 0.4), 0.02)["alt"]
    said = words.ablation(rows, 0.05, (0.0, 0.4), 0.02)["caption"]
    assert "lies where fresh heads lie (0 % to 40 %)" in said and "differ by 2 %, less than our seeds" in said
    assert "outside what fresh heads reach" in words.ablation(rows, 0.05, (0.2, 0.4), 0.02)["caption"]
    assert "more than our seeds" in words.ablation(rows, 0.01, (0.0, 0.4), 0.02)["caption"]


def test_listed():
    assert [words.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["none", "a", "a and b", "a, b and c"]


def test_one_map_says_how_many_neighbours_share_a_colour_and_no_seed_where_there_is_none():
    state = {"method": "t-SNE", "neighbours": 30.0, "seed": 1, "network": "without"}
    said = words.one_map(state, "person", 0.25, 0.1)
    assert said.startswith("t-SNE, 30 neighbours, seed 1, without attribution loss: 25 %") and "person; at random 10 %" in said
    assert words.one_map(state | {"method": "principal axes"}, "person", 0.25, 0.1).startswith("principal axes, without")
