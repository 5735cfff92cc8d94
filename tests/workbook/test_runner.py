"""The runner on a planted fault of every kind: each comes out as itself, with its exit code, and leaves no process behind."""

import json
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

from avlab.errors import AvlabError
from avlab.workbook import evidence, golden, process, runner


def jobs_of(project, out, *pairs, profile="smoke", seeds=0):
    return runner.plan(runner.find([], project), profile, list(pairs), out, seeds)


def run(project, out, *pairs, **options):
    said = []
    record = runner.run(jobs_of(project, out, *pairs)[0], threads=1, say=said.append, **({"cell_s": 60, "limit_s": 90} | options))
    return record, said


def children():
    return {p.pid for p in psutil.Process().children(recursive=True)}


@pytest.fixture
def folders(monkeypatch):
    """The temporary folders that this test's runs make; every process of a run has its folder in its command line."""
    made, real = [], tempfile.mkdtemp
    monkeypatch.setattr(runner.tempfile, "mkdtemp", lambda **how: made.append(real(**how)) or made[-1])
    return made


def processes_of(folders):
    lines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    return [line for line in lines if any(folder in line for folder in folders)]


@pytest.fixture
def no_process_left(folders):
    before = children()
    yield
    assert folders and children() <= before and processes_of(folders) == []
    assert not any(Path(folder).exists() for folder in folders)


def test_the_processes_of_a_run_can_be_told(project, tmp_path, folders):
    """What no_process_left looks for is really seen while a notebook runs: the worker and its kernel."""
    seen = set()
    runner.run(jobs_of(project, tmp_path / "out")[0], threads=1, say=lambda line: seen.update(processes_of(folders)))
    assert any("ipykernel_launcher" in line for line in seen) and any("avlab.workbook.worker" in line for line in seen)


def test_two_runs_from_one_folder_do_not_meet(project, tmp_path, no_process_left):
    """Their kernels' sockets lie apart: both pass at the same time, each with its own parameters."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as both:
        records = list(both.map(lambda steps: run(project, tmp_path / steps, f"steps={steps}")[0], ("11", "12")))
    assert [(r["status"], r["parameters"]["steps"]) for r in records] == [("passed", 11), ("passed", 12)]


def test_a_good_run_is_recorded_whole(project, tmp_path, no_process_left):
    record, said = run(project, tmp_path / "out", "steps=12")
    assert (record["status"], record["message"], runner.exit_code([record])) == ("passed", "", 0)
    assert json.loads((tmp_path / "out/90/run.json").read_text()) == record
    assert record["metrics"]["sum_of_steps"] == {"value": 66, "unit": "", "class": "E", "direction": "-"}
    assert record["metrics"]["mean_step"]["value"] == 5.5 and len(record["metrics"]) == 6
    assert record["command"] == "avlab run 90 --profile smoke -p steps=12"
    assert record["peak_rss_mb"] > 50 and 0 < sum(c["seconds"] for c in record["cells"]) < record["seconds"]
    assert sum("  cell " in line and "still" not in line for line in said) == len(record["cells"]) == 9  # a slow machine adds heartbeats
    text = (tmp_path / "out/90/executed.ipynb").read_text()
    nb = json.loads(text)
    assert nb["metadata"]["papermill"] == {"input_path": "90_fixture.ipynb", "output_path": "executed.ipynb", "parameters": {"steps": 12}, "version": "2.7.0"}
    assert str(tmp_path) not in text and "widgets" not in nb["metadata"] and "start_time" not in text and "iopub" not in text
    assert sorted(p.name for p in (tmp_path / "out/90").iterdir()) == ["executed.ipynb", "log.txt", "run.json"]


@pytest.mark.parametrize(
    "fault, status, code, said",
    [
        ("raise", "failed", 1, "RuntimeError: planted failure"),
        ("exit", "no-sentinel", 8, "never ran"),
        ("kill", "dead-kernel", 5, "kernel died"),
        ("crash-worker", "dead-kernel", 5, "ended with code -9"),
        ("callback", "hidden-widget-error", 7, "ZeroDivisionError"),
        ("thread", "hidden-widget-error", 7, "ZeroDivisionError"),
    ],
)
def test_each_fault_has_its_own_outcome(project, tmp_path, no_process_left, fault, status, code, said):
    record, _ = run(project, tmp_path / "out", f"fault={fault}")
    assert record["status"] == status and said in record["message"] and runner.exit_code([record]) == code
    assert len(record["tail"]) <= 30
    if fault in ("raise", "kill"):
        assert 'if fault == "raise"' in record["cell"]["source"] and record["tail"]
    if fault == "raise":
        assert record["tail"][-1] == "RuntimeError: planted failure" and "\x1b" not in "".join(record["tail"])


@pytest.mark.parametrize(
    "limits, said", [({"cell_s": 2}, "a cell ran longer than 2 s"), ({"cell_s": 60, "limit_s": 4}, "the notebook ran longer than its limit")]
)
def test_an_endless_cell_ends_at_either_limit(project, tmp_path, no_process_left, limits, said):
    record, _ = run(project, tmp_path / "out", "fault=endless", **limits)
    assert record["status"] == "timeout" and said in record["message"] and record["seconds"] < 60


def executed(*cells):
    return {
        "cells": [
            {"cell_type": "code", "id": f"c{k}", "source": "x", "execution_count": count, "outputs": outputs} for k, (count, outputs) in enumerate(cells)
        ],
        "metadata": {},
    }


SENTINEL = {"output_type": "display_data", "data": {evidence.FINISH: {}}}


@pytest.mark.parametrize(
    "nb, said",
    [
        (executed((1, []), (2, [SENTINEL])), None),
        (executed((1, []), (2, [])), "nb.finish"),
        (executed((1, [SENTINEL]), (2, [])), "nb.finish"),
        (executed((1, []), (None, []), (2, [SENTINEL])), "never ran: c1"),
        (executed(), "nb.finish"),
    ],
)
def test_only_a_last_cell_that_finished_is_a_sentinel(nb, said):
    found = evidence.unfinished(nb)
    assert found is None if said is None else said in found


def test_the_package_digest_sees_content_and_names(tmp_path):
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    first = runner.package_digest(tmp_path)
    (tmp_path / "__pycache__/a.pyc").write_text("y")
    assert runner.package_digest(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    second = runner.package_digest(tmp_path)
    (tmp_path / "b.py").write_text("z")
    assert len({first, second, runner.package_digest(tmp_path)}) == 3


def test_golden_mutant_resume_and_seeds(project, tmp_path, fixture_course, monkeypatch):
    """One story: two seeds make a golden, a mutant breaks it, resume skips what still agrees and nothing else."""
    monkeypatch.setattr(runner, "package_digest", lambda package: b"")  # somebody may be editing the package while this test runs
    out = tmp_path / "out"
    records = runner.run_all(jobs_of(project, out, seeds=2), threads=1, say=lambda _: None)
    assert [r["status"] for r in records] == ["passed"] * 2 and (out / "seed-1/90/run.json").exists()
    path = golden.path_of(project / "90_fixture.ipynb", "smoke")
    golden.write(path, golden.propose(records, fixture_course, "first two seeds for the test"))
    assert records[0]["golden"]["compared"].startswith("invariants only")

    mutant, _ = run(project, tmp_path / "mutant", "mutant=off_by_one")
    assert mutant["status"] == "metric-drift" and runner.exit_code([mutant]) == 6
    broken = {p["metric"] for p in mutant["golden"]["problems"]}
    assert fixture_course.MUTANTS["off_by_one"] in broken and broken == {"sum_of_steps", "mean_step"}

    said = []
    again = runner.run_all(jobs_of(project, out, seeds=2), threads=1, resume=True, say=said.append)
    assert again == records and sum("already passed" in line for line in said) == 2
    job = jobs_of(project, out, seeds=2)[0]
    assert runner.earlier(jobs_of(project, out, "steps=11", seeds=2)[0]) is None  # other parameters
    stricter = json.loads(path.read_text())
    stricter["metrics"]["sum_of_steps"]["value"] = 46
    golden.write(path, stricter)
    assert runner.earlier(job) is None  # the golden moved
    golden.write(path, golden.propose(records, fixture_course, "put back as it was"))
    assert runner.earlier(job) == records[0]
    nb = json.loads(job.notebook.read_text())
    nb["cells"][0]["source"] = ["other"]
    job.notebook.write_text(json.dumps(nb))
    assert runner.earlier(job) is None  # another source


def test_side_by_side_runs_overlap_and_come_back_in_order(project, tmp_path, no_process_left):
    said = []
    records = runner.run_all(jobs_of(project, tmp_path / "out", seeds=2), at_once=2, threads=1, say=said.append)
    assert [(r["status"], r["parameters"]["seed"]) for r in records] == [("passed", 0), ("passed", 1)]
    begun = [k for k, line in enumerate(said) if "profile smoke" in line]
    first_end = next(k for k, line in enumerate(said) if "  passed  " in line)
    assert len(begun) == 2 and max(begun) < first_end


def test_a_stopped_command_ends_all_its_runs_and_begins_no_other(project, tmp_path, no_process_left):
    said = []

    def say(line):
        said.append(line)
        if "  cell " in line:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        runner.run_all(jobs_of(project, tmp_path / "out", seeds=4), at_once=2, threads=1, say=say)
    assert sum("profile smoke" in line for line in said) <= 2 and not list((tmp_path / "out").rglob("run.json"))


def test_a_failure_does_not_stop_the_next_notebook(project, tmp_path):
    shutil.copy(project / "90_fixture.ipynb", project / "91_second.ipynb")
    first, second = jobs_of(project, tmp_path / "out")
    bad = runner.plan([first.notebook], "smoke", ["fault=raise"], tmp_path / "out")[0]
    records = runner.run_all([bad, second], threads=1, say=lambda _: None)
    assert [r["status"] for r in records] == ["failed", "passed"] and runner.exit_code(records) == 1
    text = runner.summary(records)
    assert "repeat: avlab run 90 --profile smoke -p fault=raise" in text and "91   passed" in text


@pytest.mark.parametrize(
    "pairs, said",
    [
        (["stesp=20"], "90_fixture.ipynb: There is no parameter stesp.*did you mean steps"),
        (["steps=2"], "greater than or equal to 4"),
        (["mutant=x"], "'none' or 'off_by_one'"),
    ],
)
def test_bad_parameters_are_refused_before_any_process(project, tmp_path, pairs, said, monkeypatch):
    monkeypatch.setattr(process, "watch", lambda *a, **k: pytest.fail("a process was started"))
    with pytest.raises(AvlabError, match=said):
        jobs_of(project, tmp_path / "out", *pairs)
    assert not (tmp_path / "out").exists()


def test_a_parameters_cell_that_left_its_model_is_refused(project, tmp_path):
    path = project / "90_fixture.ipynb"
    path.write_text(path.read_text().replace("steps: int = 10", "steps: int = 12"))
    with pytest.raises(AvlabError, match="the cell says 12"):
        jobs_of(project, tmp_path / "out")


def test_a_golden_that_accepts_anything_is_refused_before_the_run(project, tmp_path):
    entry = {"class": "N", "value": 4.5, "atol": 9.0, "rtol": 0.0, "direction": "-"}
    (project / "goldens").mkdir()
    (project / "goldens/90.smoke.json").write_text(json.dumps({"metrics": {"mean_step": entry}}))
    with pytest.raises(AvlabError, match="tolerance of mean_step accepts"):
        jobs_of(project, tmp_path / "out")


def test_notebooks_are_found_by_number_and_path(project):
    here = project / "90_fixture.ipynb"
    assert runner.find(["90"], project) == runner.find([str(here)], project) == runner.find([], project) == [here.resolve()]
    with pytest.raises(AvlabError, match="choose from 90"):
        runner.find(["91"], project)


def record(status, **more):
    return {"status": status} | more


def test_exit_codes_are_distinct_and_mixed_failures_are_1():
    assert len(set(runner.EXIT.values())) == len(runner.EXIT)
    assert runner.exit_code([record("passed"), record("timeout")]) == 4
    assert runner.exit_code([record("metric-drift"), record("timeout")]) == 1
    assert runner.exit_code([record("passed")]) == 0


def test_status_is_never_read_from_cell_metadata():
    cell = {"cell_type": "code", "id": "a", "source": "x", "execution_count": 1, "outputs": [], "metadata": {"papermill": {"status": "completed"}}}
    seen = {"end": {"event": "end", "status": "dead-kernel", "message": "m", "cell": 0}, "timed_out": False, "seconds": 1, "code": 0}
    assert runner.outcome(seen, {"cells": [cell], "metadata": {}})[0] == "dead-kernel"


def test_texts_lose_the_paths_of_this_machine(monkeypatch):
    import sys

    text = f"{sys.prefix}/lib/x.py {Path.home()}/clip.mp4 /tmp/ipykernel_123/456.py {Path(evidence.__file__)}"
    assert evidence.anonymous(text) == "<env>/lib/x.py ~/clip.mp4 <cell> <project>/avlab/workbook/evidence.py"


def test_a_student_notebook_stops_only_at_its_stubs(project, tmp_path):
    from avlab.workbook import build

    build.build_all(project, student=tmp_path)
    import nbformat
    from nbclient import NotebookClient

    nb = nbformat.read(tmp_path / "90_fixture.ipynb", as_version=4)
    NotebookClient(nb, timeout=60).execute()  # the tag raises-exception lets it go on, any other error would raise here
    errors = [(cell, out) for cell in nb.cells if cell.cell_type == "code" for out in cell.outputs if out.output_type == "error"]
    assert [out.ename for _, out in errors] == ["NotImplementedError"] and errors[0][1].evalue == "Return two times x."
    assert evidence.unfinished(nb) is None


def test_plain_papermill_runs_the_notebook_too(project, tmp_path):
    import subprocess
    import sys

    out = tmp_path / "out.ipynb"
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(project / "90_fixture.ipynb"), str(out), "-p", "steps", "20", "--no-progress-bar"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert evidence.metrics(json.loads(out.read_text()))["sum_of_steps"]["value"] == 190
