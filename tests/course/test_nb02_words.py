"""The words of notebook 02 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.course import nb02_words as words
from avlab.metrics import Interval
from avlab.show import alt_text


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    return said["alt"] + " " + said["caption"]


def test_every_alt_text_is_accepted_by_show():
    table = {(f, "cross", c): 0.5 for f in ("dub", "lipsync") for c in ("own", "silent", "shuffled")}
    share = {("cross", 24, r): 0.5 for r in ("mouth", "face", "background")}
    texts = [words.probability_or_output(0, -1, 1), words.offsets(np.full((3, 5), 0.2), np.full((3, 5), 0.2)), words.shares(share), words.noise({}), words.noise({249: at(0.0)}),
             words.grid({("cross", 24, "own"): at(0.7), ("spatial", 24, "own"): at(0.6)}), words.kinds({(k, 24, "own"): at(0.6) for k in words.KINDS}, at(0.1), at(0.1)), words.sounds(at(0.7), at(0.6), at(0.5)),
             words.seen(table, ("dub", "lipsync")), words.controls(at(0.7), {"silent": at(0.5)}), words.sure(at(0.7), at(0.7), (0.4, 0.6))]
    for said in texts:
        assert alt_text(said["alt"]) and len(said["caption"]) > 20
    assert alt_text(words.fooled(0.3, 0.9))


@pytest.mark.parametrize("change,said", [(0, "is the same to the last bit"), (1e-3, "differs by up to 1.0e-03")])
def test_layers(change, said):
    assert said in both(words.layers([], change, 0))


def test_probability_or_output_knows_an_unsigned_output():
    assert "not a map of probability" in words.probability_or_output(0, -1, 1)["alt"]
    assert "one sign only" in words.probability_or_output(0, 0.1, 1)["alt"]
    assert "miss 1 by up to 2.0e-02" in words.probability_or_output(0.02, -1, 1)["alt"]


def test_offsets_name_the_peak():
    mouth = np.array([[0.1, 0.1, 0.6, 0.1, 0.1]] * 3)
    assert "the present frame is silenced: 60 %" in words.offsets(mouth, np.full((3, 5), 0.2))["alt"]
    said = words.offsets(np.roll(mouth, 1, 1), mouth)["alt"]
    assert "offset +40 ms" in said and "differ from 20 % by up to 40 %" in said


@pytest.mark.parametrize("mouth,back,word", [(0.6, 0.2, "more than"), (0.2, 0.6, "less than"), (0.5, 0.5, "about as much as")])
def test_shares(mouth, back, word):
    found = {("cross", 24, "mouth"): mouth, ("cross", 24, "face"): 0.3, ("cross", 24, "background"): back}
    assert f"depends on the sound {word} the background" in words.shares(found)["caption"]


def test_grid():
    cells = {("temporal", 249, "own"): at(0.9), ("cross", 24, "own"): at(0.5), ("cross", 249, "own"): at(0.88)}
    said = words.grid(cells)["alt"]
    assert "Here temporal attention at t = 249 is best (0.90" in said and "1 of the other 2 cells overlaps its" in said and "2 of 3 cells lie above chance" in said
    alone = words.grid({("cross", 24, "own"): at(0.5), ("spatial", 24, "own"): at(0.3)})["alt"]
    assert "no other cell reaches" in alone and "no cell lies above chance" in alone


@pytest.mark.parametrize("gap,word", [(0.2, "leads"), (-0.2, "falls behind"), (0.0, "is not told apart from")])
def test_kinds(gap, word):
    near = {(k, 24, "own"): at(0.6) for k in words.KINDS}
    assert f"Cross attention {word} temporal, and temporal leads spatial" in words.kinds(near, at(gap), at(0.2))["caption"]


@pytest.mark.parametrize("difference,word", [(0.2, "buys something"), (-0.2, "costs"), (0.0, "buys nothing")])
def test_noise(difference, word):
    assert word in words.noise({249: at(difference)})["alt"]


def test_noise_names_gains_and_losses_together():
    assert "buys something at t = 249 and costs something at t = 499." in words.noise({249: at(0.2), 499: at(-0.2)})["alt"]


def test_a_store_that_leaves_a_trace_is_not_called_quiet():
    assert words.layers([], 0, 0)["caption"].startswith("Reading changed nothing")
    assert "must not" in words.layers([], 1e-3, 0)["caption"] and "must not" in words.layers([], 0, 2)["caption"]


@pytest.mark.parametrize("own,word", [(0.9, "falls"), (0.5, "hardly moves"), (0.3, "rises")])
def test_sounds(own, word):
    assert f"t = 24 {word} from" in words.sounds(at(own), at(0.5), at(0.5))["alt"]


def test_seen_splits_forgers_by_what_silence_takes():
    table = {("dub", "cross", "own"): 0.9, ("dub", "cross", "silent"): 0.5, ("dub", "cross", "shuffled"): 0.5,
             ("lipsync", "cross", "own"): 0.9, ("lipsync", "cross", "silent"): 0.95, ("lipsync", "cross", "shuffled"): 0.9}
    said = words.seen(table, ("lipsync", "dub"))
    assert "dub loses more than 0.10" in said["alt"] and "(lipsync)" in said["caption"]
    table["dub", "cross", "silent"] = 0.85
    assert "no forger loses" in words.seen(table, ("lipsync", "dub"))["alt"]


def test_controls_name_the_one_that_reaches_up():
    assert "above every control" in words.controls(at(0.9), {"silent": at(0.5), "mask only": at(0.6)})["alt"]
    assert "not above the control mask only" in words.controls(at(0.6), {"silent": at(0.5), "mask only": at(0.6)})["alt"]


def test_sure():
    assert "widens the interval (factor 2.00)" in words.sure(at(0.7, 0.1), at(0.7, 0.05), (0.4, 0.6))["alt"]
    assert "lies inside the null band" in words.sure(at(0.5), at(0.5), (0.4, 0.6))["alt"]


@pytest.mark.parametrize("silent, said", [((1.04, 1.0), "its place hardly changes"), ((1.3, 1.0), "its place changes")])
def test_real_beside_fake(silent, said):
    text = words.real_beside_fake((1.05, 1.0), silent, (0.9, 0.9))
    assert said in text["caption"] and f"silence {silent[0]:.2f}" in text["alt"] and alt_text(text["alt"])


def test_a_state_of_the_attention_explorer_says_how_much_is_left():
    state = {"kind": "cross", "block": "up.-1", "t": 24, "sound": "silence"}
    assert "mouth psi is 1.50 times its mean in the real clip, 0.50 times in the fake. It is 25 % as long" in words.looked_at(state, (1.5, 0.5), 0.25)
    assert "as long" not in words.looked_at(state | {"sound": "own sound"}, (1.5, 0.5), 1)
