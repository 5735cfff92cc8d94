"""Goldens: derived from runs, strict about what is missing, and never so wide that a broken run passes."""

import json
from statistics import stdev

import pytest

from avlab.course import Metric
from avlab.errors import AvlabError
from avlab.workbook import golden


class module:
    METRICS = {
        "count": Metric("E"),
        "rms": Metric("N", "rms", "down"),
        "auroc.{f}": Metric("B", "AUROC", "up", 0.02),
        "null": Metric("B", "AUROC", "0", 0.1),
        "order": Metric("I", "", "-", (-1.3, None)),
        "time": Metric("R"),
        "zero": Metric("N", "", "0", (1e-6, 0.0)),
        "rows": Metric("E", "", "up", 5),
    }


def run_of(seed=0, device="cpu", status="passed", **values):
    values = {"count": 45, "rms": 0.0585, "auroc.dub": 0.9, "null": 0.5, "order": -1.06, "time": 3.0, "zero": 0.0, "rows": 5} | values
    return {
        "notebook": "01",
        "profile": "smoke",
        "status": status,
        "golden_sha256": "d",
        "device": device,
        "parameters": {"seed": seed, "mutant": "none"},
        "versions": {},
        "seconds": 10.0,
        "peak_rss_mb": 100.0,
        "machine": "here",
        "metrics": {name: {"value": value} for name, value in values.items()},
    }


def made(*runs):
    return golden.propose(list(runs) or [run_of()], module, "first recorded for tests")


def judge(run, known, **more):
    return golden.judge(run["metrics"], module, known, **({"digest": "d", "device": run["device"], "seed": run["parameters"]["seed"]} | more))


def red(run, known, **more):
    return [p["metric"] for p in judge(run, known, **more)["problems"]]


def test_a_run_agrees_with_its_own_golden_and_everything_but_r_is_checked():
    judged = judge(run_of(), made())
    assert judged["problems"] == [] and judged["compared"] == "golden"
    assert judged["checked"] == sorted(set(run_of()["metrics"]) - {"time"})


@pytest.mark.parametrize(
    "values, name, said",
    [
        ({"count": 46}, "count", "46 is not exactly 45"),
        ({"rms": 0.0586}, "rms", r"0.0586 is higher \(worse\) than 0.0585"),
        ({"rms": 0.0584}, "rms", r"lower \(better\)"),
        ({"auroc.dub": 0.87}, "auroc.dub", r"lower \(worse\)"),
        ({"order": -1.31}, "order", r"outside its invariant \[-1.3, inf\]"),
        ({"zero": 1e-5}, "zero", "higher than 0"),
        ({"rows": 4}, "rows", "4 is not exactly 5"),
        ({"null": 0.61}, "null", "higher than 0.5"),
    ],
)
def test_each_class_breaks_where_it_should_and_only_there(values, name, said):
    problems = judge(run_of(**values), made())["problems"]
    assert [p["metric"] for p in problems] == [name]
    import re

    assert re.search(said, problems[0]["message"])


@pytest.mark.parametrize("values", [{"rms": 0.0585 * 1.00009}, {"auroc.dub": 0.881}, {"time": 99.0}, {"order": 5.0}, {"zero": 9e-7}])
def test_inside_its_tolerance_nothing_breaks(values):
    assert red(run_of(**values), made()) == []


def test_missing_and_extra_metrics_are_red():
    known, run = made(), run_of(**{"auroc.lipsync": 0.8})
    del run["metrics"]["time"]
    assert red(run, known) == ["auroc.lipsync", "time"]


def test_without_a_golden_only_invariants_and_declared_values_hold():
    wrong = run_of(count=0, rms=9.0, order=-2.0, rows=4)
    assert red(wrong, None) == ["order", "rows"]
    assert red(wrong, made(), digest="other parameters") == ["order", "rows"]


def test_another_seed_and_another_device_compare_what_holds_there():
    known = made(run_of(0), run_of(1, **{"auroc.dub": 0.92}))
    off = {"count": 44, "rms": 9.0, "auroc.dub": 0.5}
    assert red(run_of(1, **off), known) == ["auroc.dub", "count"]  # a seed of the golden: bands and exact values
    assert red(run_of(7, **off), known) == ["count"]  # a seed it never saw: exact values
    assert red(run_of(0, device="cuda", **off), known) == ["count"]
    assert red(run_of(0, **off), known) == ["auroc.dub", "count", "rms"]


def test_a_band_is_four_deviations_over_seeds_and_at_least_its_floor():
    values = [0.90, 0.91, 0.89]
    entry = made(*(run_of(k, **{"auroc.dub": v}) for k, v in enumerate(values)))["metrics"]["auroc.dub"]
    assert entry["value"] == pytest.approx(0.9) and entry["atol"] == pytest.approx(4 * stdev(values), rel=1e-2)
    assert made()["metrics"]["auroc.dub"]["atol"] == 0.02


def test_a_band_that_accepts_chance_becomes_recorded_only_unless_chance_is_the_aim():
    entries = made(run_of(0, **{"auroc.dub": 0.9}), run_of(1, **{"auroc.dub": 0.6}))["metrics"]
    assert entries["auroc.dub"]["class"] == "R" and "would accept 0 or chance" in entries["auroc.dub"]["derived"]
    assert entries["null"]["class"] == "B"


@pytest.mark.parametrize("name, edit", [("auroc.dub", {"atol": 0.4}), ("rms", {"atol": 0.06}), ("rms", {"rtol": 1.0})])
def test_a_golden_widened_by_hand_is_refused(tmp_path, name, edit):
    known = made()
    known["metrics"][name] |= edit
    golden.write(tmp_path / "01.smoke.json", known)
    with pytest.raises(AvlabError, match=f"tolerance of {name} accepts"):
        golden.load(tmp_path / "01.smoke.json", module)


def test_a_golden_of_a_metric_that_is_gone_still_loads_and_is_red(tmp_path):
    known = made()
    known["metrics"]["gone"] = known["metrics"]["rms"]
    golden.write(tmp_path / "01.smoke.json", known)
    assert red(run_of(), golden.load(tmp_path / "01.smoke.json", module)) == ["gone"]


def test_a_golden_reads_back_as_written(tmp_path):
    path = golden.path_of(tmp_path / "01_topic.ipynb", "smoke")
    golden.write(path, made())
    assert path.name == "01.smoke.json" and golden.load(path, module) == json.loads(json.dumps(made()))
    assert golden.load(tmp_path / "none.json", module) is None


@pytest.mark.parametrize(
    "runs, reason",
    [
        ([run_of()], "ok"),
        ([], "a good reason here"),
        ([run_of(status="failed")], "a good reason here"),
        ([run_of(0), run_of(1, device="cuda")], "a good reason here"),
        ([run_of(0), run_of(1, count=44)], "a good reason here"),
        ([run_of(0), run_of(1, **{"auroc.x": 1.0})], "a good reason here"),
        ([run_of() | {"parameters": {"seed": 0, "mutant": "index"}}], "a good reason here"),
    ],
)
def test_runs_that_make_no_golden_are_refused(runs, reason):
    with pytest.raises(AvlabError):
        golden.propose(runs, module, reason)


def test_a_gpu_golden_is_wider():
    assert made()["metrics"]["rms"]["rtol"] == 1e-4 and made(run_of(device="cuda"))["metrics"]["rms"]["rtol"] == 1e-2


def test_differences_say_what_moved():
    said = golden.differences(made(), made(run_of(count=46)))
    assert len(said) == 1 and said[0].startswith("~ count 45 -> 46")
    assert len(golden.differences(None, made())) == len(made()["metrics"])
