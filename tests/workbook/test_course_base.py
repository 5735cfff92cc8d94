"""Course modules: declarations that cannot be judged are refused; checks pass, fail and say why."""

import pytest

from avlab import course
from avlab.course import CheckFailed, Metric
from avlab.course.base import declared
from avlab.course.texts import ETHICS, GLOSSARY, glossary
from avlab.errors import AvlabError


@pytest.mark.parametrize(
    "pattern, name, same",
    [
        ("auroc.{kind}.{t}", "auroc.cross.24", True),
        ("auroc.{kind}.{t}", "auroc.cross", False),
        ("auroc.{kind}", "auroc.cross.24", False),
        ("a.b", "axb", False),
        ("a.{x}", "a.", False),
    ],
)
def test_patterns_stand_for_one_part_each(pattern, name, same):
    assert course.matches(pattern, name) is same


def test_an_exact_name_wins_over_a_pattern():
    class module:
        METRICS = {"a.{x}": ("R",), "a.all": ("E", "clips", "-", 3)}

    assert course.metric_of(module, "a.all") == Metric("E", "clips", "-", 3)
    assert course.metric_of(module, "a.dub").kind == "R"
    with pytest.raises(AvlabError, match="did you mean a.all"):
        course.metric_of(module, "a-all")


@pytest.mark.parametrize("spec", [("X",), ("I",), ("I", "", "-", (None, None)), ("B",), ("B", "", "-", 0), ("N", "", "upwards")])
def test_declarations_that_cannot_be_judged_are_refused(spec):
    with pytest.raises(AvlabError):
        declared("some", spec)


def test_chance_is_a_half_for_rates_over_two_classes():
    assert Metric("B", "AUROC").chance == 0.5 and Metric("B", "rms").chance == 0 and Metric("B", "AUROC", null=0.25).chance == 0.25


def test_a_check_passes_fails_and_lets_a_stub_through(fixture_course, capsys):
    course.check("fixture_course.1", lambda x: x + x)
    assert "passed" in capsys.readouterr().out
    with pytest.raises(CheckFailed, match="the square, not the double"):
        course.check("fixture_course.1", lambda x: x * x)
    with pytest.raises(CheckFailed, match=r"fixture_course.1: fn\(3\) must be 6"):
        course.check("fixture_course.1", lambda x: x)
    with pytest.raises(CheckFailed, match="TypeError"):
        course.check("fixture_course.1", lambda: 0)
    with pytest.raises(CheckFailed, match="the function itself"):
        course.check("fixture_course.1", 6)

    def stub(x):
        raise NotImplementedError("Return two times x.")

    with pytest.raises(NotImplementedError):
        course.check("fixture_course.1", stub)
    with pytest.raises(AvlabError, match="known here: fixture_course.1"):
        course.check("fixture_course.2", stub)


def test_an_unknown_course_module_is_refused_but_its_own_import_error_is_not_hidden(tmp_path, monkeypatch):
    with pytest.raises(AvlabError, match="course module"):
        course.load("99")
    (tmp_path / "broken_course.py").write_text("import no_such_thing_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_thing_at_all"):
        course.load("broken_course")


def test_the_box_and_the_glossary_are_whole():
    assert ETHICS.count("> **") == 8 and "98 of 100 alarms" in ETHICS
    assert glossary().count("\n") == len(GLOSSARY) + 1 and len({term for term, _ in GLOSSARY}) == len(GLOSSARY)
