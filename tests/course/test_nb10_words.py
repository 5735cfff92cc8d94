"""The words of notebook 10 follow the numbers: each finding word has its opposite, and both can be reached."""

import pytest

from avlab.course import nb10
from avlab.course import nb10_arithmetic as arithmetic
from avlab.course import nb10_words as words
from avlab.show import alt_text

ROWS = {"a": [(5, 8)], "b": [(3, 9)]}
CONSTANT = {"x": 39.3, "y": 51.7, "real": 0.0}
SINGLE, BOTH = ("one", 0.0625, 0.38), ("both", 0.0078, 0.096)


def overlap(lo, hi):
    return words.beat2([("plain", 96.75, 94.5, 98.1), ("full", 98.75, lo, hi)], [SINGLE, BOTH])["alt"]


PAIRS = [  # (text one way, words in it, text the other way, words in it)
    (words.beat1(ROWS, 3.0, {"200 + 200": 2}), "exactly one cell", words.beat1(ROWS | {"c": []}, 3.0, {}), "c without any"),
    (words.beat1(ROWS, 3.0, {}), "exactly one cell", words.beat1(ROWS | {"c": [(1, 2), (2, 1)]}, 3.0, {}), "c with several"),
    ({"alt": overlap(97.1, 99.5)}, "98.75 % overlap;", {"alt": overlap(98.2, 99.5)}, "do not overlap"),
    (words.beat3(10.7, 13.16, 57.2, 13.1), "the relative gain, not the points", words.beat3(13.1, 16.1, 70.0, 13.1), "is points."),
    (words.beat3(10.7, 13.16, 57.2, 13.1), "relative gain", words.beat3(10.7, 20.0, 57.2, 13.1), "none of the three"),
    (words.beat4(7, 40, {"L": ["AUROC", "Acc"]}, 0, 9), "No weighting", words.beat4(40, 40, {}, 0, 9), "could be a weighted mean"),
    (words.beat4(7, 40, {"L": ["AUROC"]}, 0, 9), "do not invent", words.beat4(7, 40, {"L": ["AUROC"]}, 2, 9), "prove nothing"),
    (words.beat5("X", {"a": 1.0, "b": -7.4}, ["a", "b"], 0.7), "behind on b by 7.40", words.beat5("X", {"a": 1.0, "b": 2.0}, ["a", "b"], -0.7), "nowhere behind"),
    (words.beat5("X", {"a": 1.0}, ["a"], 0.7), "it leads on FF++ by 0.70", words.beat5("X", {"a": 1.0}, ["a"], -0.7), "it is behind on FF++ by 0.70"),
    (words.beat6([145, 146], 481, 125, 145, 220, CONSTANT, 11.0, 0.25), "fakes, is one of them and 220", words.beat6([220], 481, 125, 145, 220, CONSTANT, 11.0, 0.01), "220, the number of clips, is one"),
    (words.beat6([145], 481, 125, 145, 220, CONSTANT, 11.0, 0.25), "noise covers it", words.beat6([145], 481, 125, 145, 220, CONSTANT, 60.0, 0.01), "lies outside"),
    (words.beat7("d", 88.8, 88.9, 49.6, 0.5), "is the all-fake answer's", words.beat7("d", 70.0, 88.9, 49.6, 5.0), "not the all-fake answer's"),
    (words.beat8(1.0, 0.75), "does not include", words.beat8(1.0, 1.0), "includes"),
    (words.cmffc(0.6, 0.8), "mostly aligns", words.cmffc(0.1, 0.2), "different clips more often"),
    ({"alt": words.own_paper("n", "w", [64], 481, 1)}, "1 of 481 sizes fit", {"alt": words.own_paper("n", "w", [], 481, 1)}, "none of 481"),
    ({"alt": words.reach(145, 1, 0.146, 4)}, "by accident in 14.6 %", {"alt": words.reach(2000, 1, 1.0, 4)}, "everything fits"),
]


@pytest.mark.parametrize("one, here, other, there", PAIRS, ids=range(len(PAIRS)))
def test_a_finding_word_has_its_opposite(one, here, other, there):
    first, second = (" ".join(text.values()) for text in (one, other))
    assert here in first and there in second
    assert here not in second and there not in first


@pytest.mark.parametrize("text", [pair[i] for pair in PAIRS for i in (0, 2)])
def test_every_alt_text_is_accepted(text):
    assert alt_text(text["alt"]) == text["alt"]


@pytest.mark.parametrize("small, large, said", [(0.2, 0.9, "cannot be significant"), (0.001, 0.02, "is significant however"), (0.01, 0.2, "may or may not")])
def test_bounds_decide_what_may_be_said(small, large, said):
    rows = [("plain", 96.75, 94.5, 98.1), ("full", 98.75, 97.1, 99.5)]
    assert said in words.beat2(rows, [SINGLE, ("both", small, large)])["caption"]
    assert "Every single step could" in words.beat2(rows, [("one", 0.01, 0.2), ("both", small, large)])["caption"]


def test_lists_and_runs_read_as_english():
    assert [words.several(x) for x in ([], ["a"], ["a", "b"], ["a", "b", 3])] == ["none", "a", "a and b", "a, b and 3"]
    assert words.runs([145, 146, 290, 291, 292, 437]) == ["145-146", "290-292", "437"]
    assert words.counted(1, "row") == "1 row" and words.counted(0, "row") == "0 rows"


@pytest.mark.parametrize("mutant, rows", [("none", 4), ("digit_slip", 3), ("tolerance_wide", 0)])
def test_each_mutant_breaks_the_uniqueness_of_the_ablation(mutant, rows):
    """What the notebook records as l01.unique_rows, here without MRDF's row, which no slipped digit touches."""
    table, slack = nb10.tables(mutant)["msct.t2"], nb10.slack(mutant)
    assert sum(len(arithmetic.solve_counts(*v, *nb10.MSCT_CLIPS, slack=slack)) == 1 for v in table.rows.values()) == rows
    assert set(nb10.MUTANTS) == {"digit_slip", "tolerance_wide"} and set(nb10.MUTANTS.values()) <= set(nb10.METRICS)
