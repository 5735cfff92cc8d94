"""Sources to notebooks: the same bytes every time, ids from content, nothing of a solution in the student edition."""

import json
import re

import nbformat
import pytest

from avlab.errors import AvlabError
from avlab.workbook import build, lint, solutions


def cells_of(text):
    return json.loads(text)["cells"]


def source_of(folder):
    return folder / "src" / "90_fixture.py"


def edit(folder, old, new):
    path = source_of(folder)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_building_twice_gives_the_same_bytes_and_no_outputs(project):
    first = (project / "90_fixture.ipynb").read_bytes()
    assert build.build_all(project) == []
    assert (project / "90_fixture.ipynb").read_bytes() == first
    nb = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(nb)
    assert all(cell.get("outputs", []) == [] and cell.get("execution_count") is None for cell in nb.cells)
    assert "notebooks/src/90_fixture.py" in nb.cells[0].source and nb.metadata.kernelspec.name == "python3"


def test_an_id_belongs_to_the_content_of_its_cell_alone(project):
    before = {"".join(c["source"]): c["id"] for c in cells_of(build.build(source_of(project)))}
    edit(project, 'print("a line on stdout")', 'print("another line")')
    after = {"".join(c["source"]): c["id"] for c in cells_of(build.build(source_of(project)))}
    changed = set(before) ^ set(after)
    assert len(changed) == 2 and all("line" in text for text in changed)
    assert all(before[text] == after[text] for text in set(before) & set(after))


def test_equal_cells_get_different_ids(project):
    edit(project, "# %% [markdown]\n# ## Exercise 1", "# %%\nx = 1\n\n# %%\nx = 1\n\n# %% [markdown]\n# ## Exercise 1")
    ids = [c["id"] for c in cells_of(build.build(source_of(project)))]
    assert len(set(ids)) == len(ids)


def test_shared_texts_are_put_in_and_unknown_ones_refused(project):
    text = build.build(source_of(project))
    assert "It is not evidence about people" in text and "{{" not in text
    edit(project, "{{ethics}}", "{{ethic}}")
    with pytest.raises(AvlabError, match=r"unknown text.*\{\{ethic\}\}"):
        build.build(source_of(project))


def test_the_measured_cost_comes_from_the_goldens(project):
    edit(project, "{{ethics}}", "{{cost}}")
    assert "Not measured yet." in build.build(source_of(project))
    (project / "goldens").mkdir()
    (project / "goldens/90.smoke.json").write_text('{"measured": {"seconds": 41.4, "peak_rss_mb": 1536, "machine": "2 threads"}}')
    assert "Measured: smoke 41 s and 1.5 GB on 2 threads." in build.build(source_of(project))


def test_stale_names_every_way_to_be_out_of_step(project):
    assert build.stale(project) == []
    edit(project, "What is the sum", "What is the total")
    (project / "91_orphan.ipynb").write_text("{}")
    (project / "src/92_new.py").write_text(source_of(project).read_text())
    assert sorted(build.stale(project)) == ["90_fixture.ipynb: differs from its source", "91_orphan.ipynb: has no source", "92_new.ipynb: not built"]


def test_the_course_edition_folds_solutions_and_keeps_their_markers(project):
    cells = [c for c in cells_of(build.build(source_of(project))) if "solution" in c["metadata"].get("tags", [])]
    assert len(cells) == 2 and all(c["metadata"]["jupyter"] == {"source_hidden": True} for c in cells)
    assert "### BEGIN SOLUTION" in "".join(cells[0]["source"])


def test_nbgrader_finds_each_exercise_under_a_name_of_its_own(project):
    marked = [c["metadata"]["nbgrader"] for c in cells_of(build.build(source_of(project))) if "nbgrader" in c["metadata"]]
    assert [m["grade_id"] for m in marked] == ["exercise-fixture_course.1"] and marked[0]["solution"] and marked[0]["schema_version"] == 3
    assert "nbgrader" not in build.build(source_of(project), student=True)


def test_the_student_edition_holds_no_line_of_a_solution(project, tmp_path):
    build.build_all(project, student=tmp_path / "student")
    text = (tmp_path / "student/90_fixture.ipynb").read_text()
    body = re.search(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", source_of(project).read_text(), re.DOTALL)[1]
    for line in [*filter(None, map(str.strip, body.splitlines())), "SOLUTION\\n", "Adding a number to itself"]:
        assert line not in text, line
    stub = next(c for c in json.loads(text)["cells"] if "exercise" in c["metadata"].get("tags", []))
    assert 'raise NotImplementedError("Return two times x.")' in "".join(stub["source"])
    assert "raises-exception" in stub["metadata"]["tags"] and "solution" not in stub["metadata"]["tags"]
    compile("".join(stub["source"]), "stub", "exec")


def code(source, tags=()):
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source}


def test_a_stub_says_the_sentence_of_its_marker():
    cell = code("def f():\n    a = 1\n    ### BEGIN SOLUTION say a thing\n    b = 2\n    ### END SOLUTION\n    return b")
    assert solutions.stub(cell)["source"] == 'def f():\n    a = 1\n    raise NotImplementedError("say a thing")\n    return b'


@pytest.mark.parametrize("source", ["### BEGIN SOLUTION\nx = 1", "x = 1\n### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"])
def test_markers_that_do_not_pair_are_refused(source):
    with pytest.raises(AvlabError):
        solutions.fold(code(source))


@pytest.mark.parametrize(
    "source, said",
    [
        ("import sys\nsys.exit(0)", "looks like success"),
        ("input('name')", "waits for a reader"),
        ("!ls", "no shell or magic"),
        ("%matplotlib inline", "no shell or magic"),
        ("widgets.interact(f, x=3)", "use an explorer"),
        ("open('/home/me/clip.mp4')", "absolute paths"),
        ("\n".join(f"x{i} = {i}" for i in range(26)), "at most 25 lines"),
    ],
)
def test_lint_refuses(source, said):
    assert any(said in problem for problem in lint.of_cell(code(source)))


def test_lint_accepts_25_lines_and_harmless_names():
    assert lint.of_cell(code("\n".join(f"x{i} = {i}" for i in range(25)))) == []
    assert lint.of_cell(code("model.input(3)\nreader.exit()\nprint('!ls is shell')")) == []


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('tags=["parameters"]', 'tags=["params"]', "tag parameters"),
        ("# %%\nnb.finish()", "# %%\nx = 1", "nb.finish"),
        ("# # A fixture", "# A fixture", "begins with the title"),
        ("nb = workbook.start", "nb = start", "workbook.start"),
    ],
)
def test_a_source_without_its_anatomy_is_refused(project, old, new, said):
    with pytest.raises(AvlabError, match=said):
        build.build(edit(project, old, new))


def test_a_source_that_is_not_python_is_refused_by_name(project):
    with pytest.raises(AvlabError, match="90_fixture.py must be Python"):
        build.build(edit(project, "nb.finish()", "nb.finish("))
