"""The words of notebook 09 follow their numbers: each text has its opposite branch, and says the numbers it is given."""

import numpy as np
import pytest

from avlab.calibration_metrics import Reliability
from avlab.course import nb09_words as words
from avlab.metrics import Interval
from avlab.show import alt_text

NAMES = ("ldm", "reenact", "flow")
LEVELS, SHARES = [2458.0, 20.0], {"real": [0.99, 0.01, 0.92], "fake": [0.01, 1.0, 0.09]}


def at(value, half=0.05):
    return Interval(value, value - half, value + half, np.array([value]))


def both(said):
    return said["alt"] + " " + said["caption"]


def matrix(off=0.6, low=0.5):
    m = np.full((3, 3), off)
    np.fill_diagonal(m, 0.95)
    m[0, 2] = low
    return words.matrix(m, NAMES, 0.5, ("flow",))


def codec(clean=0.7, taught=0.85):
    curves = {"known": {"clean lessons": [0.9, clean], "lessons through it": [0.9, taught]}, "strangers": {"clean lessons": [0.8, 0.6], "lessons through it": [0.8, 0.7]}}
    return words.codec(curves, LEVELS, 40)


def called(reals=0.1, auroc=0.88):
    return words.called_right({"real": [0.9, reals], "fake": [0.9, 0.95]}, [0.9, auroc], SHARES, [0.496] * 3)


def changes(blur=0.5, alarms=0.9):
    return words.corruptions({"as rendered": at(0.95), "blur": at(blur), "noise": at(0.94)}, {"as rendered": 0.1, "blur": 0.2, "noise": alarms})


def sound(gone=0.9, alarms=0.9):
    cells = {"own sound": at(0.9), "another voice": at(0.9), "silent": at(0.7), "declared absent": at(gone)}
    return words.sound({("AMDD", c): v for c, v in cells.items()}, {"own sound": 0.1, "silent": alarms, "another voice": 0.1})


def calibration(better=0.05, far=0.3):
    bins = Reliability(np.array([0.1, 0.9]), np.array([0.5, 0.9]), np.array([0.3, 0.8]), np.array([0.7, 1.0]), np.array([10, 10]))
    kinds = ("as it comes", "recalibrated")
    eces = {("seen", kinds[0]): 0.2, ("seen", kinds[1]): better, ("unseen", kinds[0]): 0.3, ("unseen", kinds[1]): far}
    return words.calibration(eces, {key: at(0.06, 0.03) for key in eces}, {s: {k: bins for k in kinds} for s in ("seen", "unseen")})


def carried(acc=0.6):
    row = {"AUROC": at(0.9), "Acc@EER": at(0.85), "Acc, threshold carried": at(acc)}
    return words.carried({"known forgers": row, "strangers": row})


def abstention(gap=0.1, novelty=0.1):
    return words.abstention({"novelty": 0.1, "softmax": 0.1, "best possible": 0.01}, 0.2, 0.8, {"novelty": 0.1, "softmax": 0.15}, {"novelty": at(novelty), "softmax": at(0.1)}, at(gap))


def alarm(value=0.02):
    points = {"a textbook's": (0.9, 0.05), "known forgers": (0.95, 0.1)}
    return words.alarm(points, 0.001, {"a textbook's": value, "known forgers": value})


def worlds(swapped=0.4):
    cells = {(t, k): at(0.9) for t in ("as trained", "all new", "swapped") for k in ("one world", "two worlds")}
    return words.worlds(cells | {("swapped", "two worlds"): at(swapped)})


def kept(first=0.9, last=0.3, worst=0.5):
    cells = {"ldm": at(0.95), "flow": at(worst)}
    return words.kept_out(cells, {"ldm": at(0.96), "flow": at(0.9 if worst < 0.8 else worst)}, ("ldm",), ("flow",), {"AMDD": (first, 0.95), "no network": (last, 0.52)})


def beside(unseen=0.8, half=0.05):
    return words.beside(at(0.98, 0.01), at(unseen, half), {"AMDD": {"flow": at(unseen)}, "MSCT": {"flow": at(0.61)}}, {"AMDD, sets of other origin": [0.5, 0.7]})


def test_every_alt_text_is_accepted_by_show():
    for said in (matrix(), kept(), beside(), codec(), called(), changes(), sound(), calibration(), carried(), abstention(), alarm(), worlds()):
        assert alt_text(said["alt"]) and len(said["caption"]) > 20
    assert alt_text(words.pooled(2.0, 0.95, 0.8))


@pytest.mark.parametrize("text,said", [
    (lambda: matrix(), "best transfer ldm to reenact (0.60)"), (lambda: matrix(low=0.3), "speaks for the opposite"), (lambda: matrix(low=0.5), "not below 0.5"),
    (lambda: matrix(low=0.3), "worst ldm to flow (0.30)"), (lambda: matrix(), "reaches 0.60 on forgers that only the head"),
    (lambda: kept(), "most is lost for flow (0.90 to 0.50)"), (lambda: kept(worst=0.9), "hardly a forger needs"), (lambda: kept(), "told from real when left out: flow"),
    (lambda: kept(), "the network's knowledge, not the head's"), (lambda: kept(0.3, 0.3), "no more of a general fake"), (lambda: kept(), "AMDD 0.95 to 0.90; no network 0.52 to 0.30, nothing there to keep"),
    (lambda: beside(), "which are detected"), (lambda: beside(0.5), "are not told from reals"), (lambda: beside(0.2), "rank below the reals"),
    (lambda: beside(0.5), "it is inside that"), (lambda: beside(0.8), "it is not inside that"), (lambda: beside(), "0.50 to 0.70"), (lambda: beside(), "MSCT: mean 0.61"), (lambda: beside(), "one by one: flow"),
    (lambda: codec(), "loses 0.20 of AUROC"), (lambda: codec(0.9, 0.9), "loses hardly anything"), (lambda: codec(), "bring 0.15 back"), (lambda: codec(0.7, 0.7), "bring nothing back"),
    (lambda: codec(0.7, 0.7), "no longer in the file"), (lambda: codec(0.7, 0.9), "still in the file"),
    (lambda: called(), "level of the scores moved more"), (lambda: called(0.5, 0.5), "damaged alike"), (lambda: called(0.88), "threshold held"), (lambda: called(), "0.496 to 0.496"),
    (lambda: changes(), "worst blur (0.50)"), (lambda: changes(), "from 10 % to 90 % with noise"), (lambda: changes(), "Noise: the threshold no longer fits"), (lambda: changes(), "still 0.94 or more"),
    (lambda: changes(alarms=0.12), "No change moved false alarms"), (lambda: sound(), "missing does better"), (lambda: sound(0.7), "does as well"), (lambda: sound(0.5), "does worse"),
    (lambda: sound(), "moves false alarms from 10 % to 90 %"), (lambda: sound(alarms=0.1), "leaves false alarms where they were"),
    (lambda: calibration(), "helps on known forgers and is not carried over"), (lambda: calibration(0.3), "does not help"), (lambda: calibration(far=0.05), "and is carried over"),
    (lambda: calibration(), "this number of clips: seen"), (lambda: calibration(0.3, 0.3), "this number of clips: none"), (lambda: calibration(), "says 0.10, 0.50 happens"),
    (lambda: carried(), "hides what a user would lose here (+0.25)"), (lambda: carried(0.85), "does not hide"),
    (lambda: abstention(), "novelty is the better"), (lambda: abstention(-0.1), "softmax is the better"), (lambda: abstention(0.0), "neither order"),
    (lambda: abstention(), "at random beyond doubt: novelty and softmax"), (lambda: abstention(novelty=0.0), "beyond doubt: softmax."),
    (lambda: alarm(), "2.0 % of alarms right"), (lambda: alarm(), "most alarms are wrong for a textbook's and known forgers"), (lambda: alarm(0.9), "most alarms are right"),
    (lambda: worlds(), "it learned the style"), (lambda: worlds(0.9), "the style was not learned"),
])
def test_the_words_follow_the_numbers(text, said):
    assert said in both(text())


@pytest.mark.parametrize("value,said", [(0.8, "like a detector."), (0.2, "wrong sign"), (0.5, "chance that it is")])
def test_pooled(value, said):
    assert said in words.pooled(2.0, 0.9, value)
