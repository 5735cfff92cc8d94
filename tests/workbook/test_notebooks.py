"""The notebooks of the course: built == committed, parameters == model, and the smoke profile through the real runner, whole and broken."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from avlab import course
from avlab.workbook import build, golden, lint, params, runner, solutions

FOLDER = Path(__file__).parents[2] / "notebooks"
NUMBERS = [path.stem.split("_")[0] for path in sorted((FOLDER / "src").glob("[0-9][0-9]_*.py"))]
SMOKE_S = 60  # a notebook's smoke profile on two cores; printed, and a budget of the report, not an assertion: machines differ
MUTANTS = [(number, mutant, k) for number in NUMBERS for k, mutant in enumerate(course.mutants(course.load(number)))]


def source(number):
    return next((FOLDER / "src").glob(f"{number}_*.py"))


def test_there_are_notebooks():
    assert NUMBERS


def test_built_equals_committed():
    assert build.stale(FOLDER) == [], "run `avlab build`"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_parameters_cell_equals_the_model_and_smoke_is_the_default(number):
    cells = json.loads(build.build(source(number)))["cells"]
    module = course.load(number)
    assert build.notebook_id(cells) == number
    assert build.check_parameters(cells) == []
    assert params.as_json(params.resolve(module, "smoke")) == params.as_json(module.Params())
    for profile in module.PROFILES:
        params.resolve(module, profile)
    for name in module.METRICS:
        course.metric_of(module, name)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_mutant_is_a_parameter_and_names_a_declared_metric(number):
    module = course.load(number)
    planted = course.mutants(module)
    assert planted, "a notebook without a mutant does not know whether its metrics can fail"
    for mutant, metric in planted.items():
        module.Params(mutant=mutant)
        course.metric_of(module, metric)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_student_edition_holds_no_solution(number):
    text = build.build(source(number), student=True)
    shown = {line.strip() for cell in json.loads(text)["cells"] for line in "".join(cell["source"]).splitlines()}
    for cell in build.read(source(number)):
        lines = cell.source.split("\n")
        hidden = [line.strip() for first, last, *_ in solutions.regions(cell) for line in lines[first + 1:last]]
        if "solution" in cell.metadata.get("tags", []):
            hidden = [line.strip() for line in lines]
        assert not {line for line in hidden if len(line) > 12} & shown


@pytest.mark.parametrize("number", NUMBERS)
def test_the_ethics_box_closes_the_notebook(number):
    assert "{{ethics}}" in source(number).read_text()


@pytest.mark.notebooks
@pytest.mark.parametrize("number", NUMBERS)
def test_smoke_passes_and_agrees_with_its_golden(number, smoke_run):
    record, _ = smoke_run(number)
    print(f"{number}: {record['seconds']:.0f} s of {SMOKE_S}, {record['peak_rss_mb']:.0f} MB")
    assert record["status"] == "passed", runner.summary([record])
    assert golden.path_of(FOLDER / f"{number}_x.ipynb", "smoke").exists(), "record it: avlab golden"
    if record["device"] == "cpu":
        assert record["golden"]["compared"] == "golden"


def until_recorded(notebook, metric, folder):
    """A copy of a notebook that ends with the last cell that records the metric: what comes after it cannot turn it red."""
    content = json.loads(notebook.read_text())
    called = f'nb.record({"f" * ("{" in metric)}"{metric.split("{")[0]}'
    recording = [k for k, cell in enumerate(content["cells"]) if cell["cell_type"] == "code" and called in "".join(cell["source"])]
    if recording:
        content["cells"] = content["cells"][: recording[-1] + 1]
    path = folder / notebook.name
    path.write_text(json.dumps(content))
    return path


def red(number, mutant, out):
    module, whole = course.load(number), runner.find([number], FOLDER)[0]
    stated = course.mutants(module)[mutant]
    job = runner.plan([whole], "smoke", [f"mutant={mutant}"], out)[0]
    record = runner.run(replace(job, notebook=until_recorded(whole, stated, out)), threads=1, say=lambda _: None)
    if record["status"] == "failed":
        assert stated.split("{")[0].rstrip(".") in record["message"], record["message"]
        return
    assert record["status"] in ("no-sentinel", "passed", "metric-drift"), f"{mutant} came out {record['status']}: {record['message']}: {record['tail']}"
    known = golden.load(golden.path_of(whole, "smoke"), module)
    judged = golden.judge(record["metrics"], module, known, digest=params.digest(job.p), device=record["device"], seed=job.p.seed)
    broken = [problem["metric"] for problem in judged["problems"] if problem["metric"] in record["metrics"]]
    assert any(course.matches(stated, name) for name in broken), f"{mutant} should turn {stated} red, and turned {broken}"


@pytest.mark.notebooks
@pytest.mark.parametrize("number, mutant", [(number, mutant) for number, mutant, k in MUTANTS if k == 0])
def test_the_first_mutant_turns_its_metric_red(number, mutant, tmp_path, kept_renders, monkeypatch):
    monkeypatch.setenv("AVLAB_RENDERED", kept_renders)
    red(number, mutant, tmp_path)


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.parametrize("number, mutant", [(number, mutant) for number, mutant, k in MUTANTS if k > 0])
def test_every_other_mutant_turns_its_metric_red(number, mutant, tmp_path, kept_renders, monkeypatch):
    monkeypatch.setenv("AVLAB_RENDERED", kept_renders)
    red(number, mutant, tmp_path)


def test_no_cell_is_long():
    long = [f"{number}: {cell.source.splitlines()[0]}" for number in NUMBERS for cell in build.read(source(number))
            if cell.cell_type == "code" and cell.source.count("\n") >= lint.LONGEST]
    assert not long
