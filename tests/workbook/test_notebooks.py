"""The notebooks of the course: built == committed, parameters == model, and the smoke profile through the real runner, whole and broken."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from avlab import course
from avlab.workbook import build, evidence, golden, lint, params, runner, solutions

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


def editions(number):
    """Cells of the course edition and of the student edition, without the line that says where they come from."""
    return [json.loads(build.build(source(number), student=student))["cells"][1:] for student in (False, True)]


def text_of(cell):
    return "".join(cell["source"])


@pytest.mark.parametrize("number", NUMBERS)
def test_the_student_edition_holds_no_solution(number):
    student = " ".join(" ".join(text_of(cell) for cell in editions(number)[1]).split())
    told = {" ".join(line.split()) for cell in build.read(source(number)) if not solutions.regions(cell) and "solution" not in cell.metadata.get("tags", [])
            for line in cell.source.split("\n")}
    for cell in build.read(source(number)):
        lines = cell.source.split("\n")
        hidden = [line for first, last, *_ in solutions.regions(cell) for line in lines[first + 1:last]]
        if "solution" in cell.metadata.get("tags", []):
            hidden = lines
        hidden = {" ".join(line.split()) for line in hidden}
        assert not [line for line in hidden if len(line) > 20 and line in student and line not in told]
    assert "SOLUTION" not in student


STUB = re.compile(r"^ *raise NotImplementedError\(\".*\"\)$", re.M)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_student_edition_with_the_solutions_pasted_in_is_the_course_edition(number):
    """Cell for cell and byte for byte, so that what passes there passes here, too."""
    course_cells, student = editions(number)
    course_cells = [cell for cell in course_cells if not ("solution" in cell["metadata"].get("tags", []) and "### BEGIN SOLUTION" not in text_of(cell))]
    assert len(course_cells) == len(student)
    open_cells = 0
    for whole, cell in zip(course_cells, student, strict=True):
        written = text_of(whole).split("\n")
        answers = ["\n".join(written[first:last + 1]) for first, last, *_ in solutions.regions(whole | {"source": text_of(whole)})]
        stubs = len(STUB.findall(text_of(cell)))
        assert stubs == len(answers) and ("raises-exception" in cell["metadata"].get("tags", [])) == bool(answers)
        open_cells += bool(answers)
        rest = iter(answers)
        assert (STUB.sub(lambda _: next(rest), text_of(cell)) if answers else text_of(cell)) == text_of(whole)  # noqa: B023
    assert open_cells == len(course.load(number).CHECKS), "every check has its exercise"


@pytest.mark.parametrize("number", NUMBERS)
def test_nothing_after_an_exercise_needs_its_answer(number):
    """So the student edition runs to its end, with the stubs as its only errors."""
    answers, cells = set(), [cell for cell in build.read(source(number)) if cell.cell_type == "code"]
    for cell in cells:
        tree = ast.parse(cell.source)
        if solutions.regions(cell):
            answers |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        else:
            made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            answers -= made                                                        # a later cell may take the name for something else
            assert not answers & used, f"{answers & used} in {cell.source[:80]!r}"
    assert answers


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.parametrize("number", NUMBERS)
def test_the_student_edition_runs_and_stops_only_at_its_stubs(number, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    path = tmp_path / f"{number}.ipynb"
    path.write_text(build.build(source(number), student=True), encoding="utf-8")
    nb = nbformat.read(path, as_version=4)
    NotebookClient(nb, timeout=600, resources={"metadata": {"path": str(FOLDER)}}).execute()      # raises at any error in a cell without the tag
    errors = [out.ename for cell in nb.cells if cell.cell_type == "code" for out in cell.outputs if out.output_type == "error"]
    assert errors == ["NotImplementedError"] * len(course.load(number).CHECKS) and evidence.unfinished(nb) is None


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
