"""The explorers of a threshold: counts, shares and places at every threshold, against numbers counted by hand."""

import json
import re

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.show.thresholds import threshold_explorer, timeline_explorer

SCORE, LABEL = np.array([0.1, 0.2, 0.4, 0.6, 0.7, 0.9]), np.array([0, 0, 1, 0, 1, 1])


def data(explorer):
    return json.loads(re.search(r'\("av\w+",(.*)\)</script>', explorer.html, re.S)[1])


def test_counts_are_those_of_score_at_or_above_the_threshold():
    d = data(threshold_explorer((SCORE, LABEL), title="One"))
    at = {t: k for k, t in enumerate(d["thresholds"])}
    told = {t: [int(d["views"][0]["texts"][name][at[t]]) for name in ("hits", "misses", "alarms", "passes")] for t in (0.0, 0.4, 0.5, 0.7, 1.0)}
    assert told == {0.0: [3, 0, 3, 0], 0.4: [3, 0, 1, 2], 0.5: [2, 1, 1, 2], 0.7: [2, 1, 0, 3], 1.0: [0, 3, 0, 3]}
    note = d["views"][0]["notes"][at[0.5]]
    assert "2 of 3 fakes found (67 %), 1 of 3 reals accused (33 %); precision 0.67, accuracy 0.67, balanced accuracy 0.67" in note
    assert "nothing is called fake" in d["views"][0]["notes"][at[1.0]]


def test_the_bin_of_the_threshold_says_how_many_in_it_are_fake():
    score, label = np.array([0.31, 0.35, 0.38, 0.9]), np.array([0, 1, 0, 1])
    d = data(threshold_explorer((score, label), title="One"))
    notes = dict(zip(d["thresholds"], d["views"][0]["notes"], strict=True))
    assert notes[0.36].endswith("Of 3 clips scored 0.3 to 0.4, 1 is fake.") and notes[0.5].endswith("No clip is scored 0.5 to 0.6.")
    assert notes[1.0].endswith("Of 1 clip scored 0.9 to 1.0, 1 is fake.")


def test_the_point_runs_along_the_curve_from_all_to_nothing():
    points = [tuple(map(float, p.split(","))) for p in data(threshold_explorer((SCORE, LABEL), title="One"))["views"][0]["moves"]["point"]]
    (right, top), (left, foot) = points[0], points[-1]
    assert left < right and foot > top
    assert all(a[0] >= b[0] and a[1] <= b[1] for a, b in zip(points, points[1:], strict=False))


def test_logits_have_no_reliability_but_all_the_rest():
    plain, logits = threshold_explorer((SCORE, LABEL), title="One"), threshold_explorer((SCORE * 9 - 4, LABEL), title="One")
    assert "Reliability" in plain.html and "Reliability" not in logits.html and "bin" not in data(logits)["views"][0]["moves"]
    assert data(logits)["thresholds"][0] == pytest.approx(-3.1) and data(logits)["thresholds"][-1] == pytest.approx(4.1)


def test_several_detectors_stand_behind_a_menu():
    explorer = threshold_explorer({"a": (SCORE, LABEL), "b": (1 - SCORE, LABEL)}, title="Two", start=0.5)
    d, page = data(explorer), explorer.html.split("<script")[0]
    assert d["controls"][0]["texts"] == ["a", "b"] and page.count("<div data-view") == 2 and page.count('data-view="1" hidden') == 1
    assert 'data-text="hits">2<' in page and "{note}" not in page and 'data-move="line" transform' in page


@pytest.mark.parametrize("pair", [(SCORE, LABEL[:5]), (SCORE, np.zeros(6)), (np.append(SCORE[:5], np.nan), LABEL), (SCORE, LABEL + 1)])
def test_what_no_threshold_can_divide_is_refused(pair):
    with pytest.raises(AvlabError):
        threshold_explorer(pair, title="One")


def clip(**changes):
    return {"truth": {"picture": [(0.2, 0.5)], "sound": []}, "proposals": np.array([[0.2, 0.6, 0.8], [0.1, 0.3, 0.3]]), "score": [0.1, 0.9, 0.2],
            "step_s": 0.32, "seconds": 0.96} | changes


def test_proposals_stand_at_the_height_of_their_score_where_the_line_meets_them():
    explorer = timeline_explorer({"one": clip()}, title="Where", alt=lambda name, t: f"{name} at {t:.2f} says nothing new")
    d = data(explorer)
    line = dict(zip(d["thresholds"], d["views"][0]["moves"]["line"], strict=True))
    bars = re.findall(r'data-score="([\d.]+)" x1="([\d.]+)" x2="([\d.]+)" y1="([\d.]+)"', explorer.html)
    assert [line[round(float(s), 2)] for s, *_ in bars] == [f"0,{y}" for *_, y in bars]
    widths = [float(b) - float(a) for _, a, b, _ in bars]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.02)                       # 0.4 s against 0.2 s
    assert d["views"][0]["notes"][0] == "one at 0.00 says nothing new"


def test_frames_sound_and_attention_may_be_left_out():
    bare = timeline_explorer({"one": clip()}, title="Where", alt=lambda name, t: f"{name} at {t:.2f} says nothing new").html
    whole = timeline_explorer({"one": clip(frames=np.zeros((12, 4, 4, 3), np.uint8), sound=(np.zeros(99), 8000), attention=[1, 2, 0])}, title="Where",
                              alt=lambda name, t: f"{name} at {t:.2f} says nothing new").html
    assert "<audio" in whole and "av-strip" in whole.split("<script")[0] and "x share" in whole
    assert "<audio" not in bare and "x share" not in bare
    with pytest.raises(AvlabError):
        timeline_explorer({}, title="Where", alt="nothing")
