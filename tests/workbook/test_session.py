"""The session outside a notebook: parameters checked again, metrics finite, declared and single, figures described."""

import sys

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.workbook import session, start

CELL = {"seed": 0, "device": "auto", "manifest": "synthtalk", "store": "", "mutant": "none", "steps": 10, "scales": [1.0, 2.0], "fault": "none"}


@pytest.fixture
def nb(fixture_course, monkeypatch):
    monkeypatch.setattr(session, "shell", lambda: None)
    return start("fixture_course", dict(CELL))


def test_start_says_in_one_line_what_this_run_is(nb, capsys, fixture_course):
    start("fixture_course", CELL | {"steps": 40, "seed": 3, "mutant": "off_by_one"})
    line = capsys.readouterr().out.splitlines()[-1]
    for word in ("fixture_course fixture", "profile full", "device cpu", "seed 3", f"numpy {np.__version__}", "MUTANT off_by_one"):
        assert word in line
    assert nb.p.steps == 10 and nb.device == "cpu" and nb.seed == 0


def test_start_seeds_python_and_numpy(nb, fixture_course):
    import random

    draws = []
    for seed in (5, 5, 6):
        start("fixture_course", CELL | {"seed": seed})
        draws.append((random.random(), np.random.random()))
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"steps": "20"}, "valid integer"),
        ({"steps": 200}, "less than or equal to 100"),
        ({"In": ["", "# Parameters\nstpes = 20\n"], "stpes": 20}, "did you mean steps"),
    ],
)
def test_start_refuses_what_plain_papermill_lets_through(fixture_course, change, said):
    with pytest.raises(AvlabError, match=said):
        start("fixture_course", CELL | change)


def test_start_before_the_parameters_cell_is_refused(fixture_course):
    with pytest.raises(AvlabError, match="no seed, device"):
        start("fixture_course", {})


@pytest.mark.parametrize("value, plain", [(3, 3), (np.float32(0.5), 0.5), (np.int64(4), 4), (True, 1), (np.array([[2.0]]), 2.0)])
def test_record_takes_one_number_of_any_make(nb, value, plain):
    got = nb.record("seconds", value)
    assert got == plain and type(got) in (int, float)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "3", None, 1j])
def test_record_refuses_what_is_no_finite_number(nb, value):
    with pytest.raises(AvlabError, match="seconds must be one finite number"):
        nb.record("seconds", value)
    nb.record("seconds", 1.0)  # a refused value leaves no trace


def test_record_refuses_unknown_names_other_units_and_second_values(nb):
    with pytest.raises(AvlabError, match="did you mean mean_step"):
        nb.record("meen_step", 1)
    with pytest.raises(AvlabError, match="declared in steps"):
        nb.record("mean_step", 1, "frames")
    nb.record("mean_step", 1)
    with pytest.raises(AvlabError, match="recorded once"):
        nb.record("mean_step", 1)


def test_running_a_cell_again_records_again_but_another_cell_may_not(nb, monkeypatch):
    now = ["cell-a", 1]
    monkeypatch.setattr(session, "where", lambda: tuple(now))
    nb.record("share", 0.5)
    with pytest.raises(AvlabError):
        nb.record("share", 0.5)  # twice in one run of one cell
    now[:] = ["cell-a", 2]
    nb.record("share", 0.6)  # the same cell, run again
    now[:] = ["cell-b", 3]
    with pytest.raises(AvlabError):
        nb.record("share", 0.7)


def test_a_claim_needs_finite_draws_and_whole_bands(nb):
    draws = np.linspace(0, 1, 200)
    nb.claim("L14", {"all": (0.5, draws)}, {"random": (0.5, 0.4, 0.6)})
    with pytest.raises(AvlabError, match="recorded once"):
        nb.claim("L14", {"all": (0.5, draws)})
    for parts in ({"all": (0.5, draws[:50])}, {"all": (0.5, [float("nan")] * 200)}, {"all": (float("nan"), draws)}, {}):
        with pytest.raises(AvlabError):
            nb.claim("L15", parts)
    with pytest.raises(ValueError):
        nb.claim("L16", {"all": (0.5, draws)}, {"random": (0.5, 0.4)})


def test_finish_names_the_metrics_that_are_missing(nb, capsys):
    for name in ("sum_of_steps", "mean_step", "share", "seconds"):
        nb.record(name, 0.5)
    with pytest.raises(AvlabError, match=r"no noisy\.\{scale\}"):
        nb.finish()
    nb.record("noisy.1", 1)
    nb.finish()
    assert "finished, 5 metrics recorded" in capsys.readouterr().out


def test_show_refuses_a_figure_without_a_finding(nb):
    with pytest.raises(AvlabError, match="lternative text"):
        nb.show(np.zeros((4, 4, 3), np.uint8), alt="")


def test_a_wish_for_a_missing_gpu_is_refused_and_auto_takes_what_is_there():
    torch = pytest.importorskip("torch")
    there = torch.cuda.is_available()
    device, versions = session.choose_device("auto", 0)
    assert device == ("cuda" if there else "cpu") and versions["torch"] == torch.__version__
    assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.allow_tf32
    a = torch.rand(3)
    session.choose_device("cpu", 0)
    assert torch.equal(a, torch.rand(3))
    if not there:
        with pytest.raises(AvlabError, match="needs a GPU"):
            session.choose_device("cuda", 0)


def test_importing_the_workbook_brings_no_torch_and_no_papermill():
    import subprocess

    code = "import sys; from avlab import workbook; workbook.start; print(sorted({'torch', 'papermill', 'plotly', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
