"""What all tests share: one thread a process (several suites may run side by side), no network, no reader."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before torch or numpy is imported
    os.environ.setdefault(name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("AVLAB_HEADLESS", "1")

import pytest  # noqa: E402


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items):
    """Two workers share the tests (pytest-xdist, --dist loadgroup): what lives in JupyterLab stays with one, what needs the smoke runs with one."""
    for item in items:
        for group, fixtures in (("lab", {"lab"}), ("report", {"smoke_run", "any_page", "open_page"})):
            if fixtures & set(item.fixturenames):
                item.add_marker(pytest.mark.xdist_group(group))
                break


@pytest.fixture(autouse=True)
def leave_torch_as_it_was(request):
    """Every test begins at the same seed, whatever ran before it. workbook.start switches deterministic algorithms on for the whole process: put that back."""
    import sys

    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
    before = torch.are_deterministic_algorithms_enabled() if torch else False
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.are_deterministic_algorithms_enabled() != before:
        torch.use_deterministic_algorithms(before)


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory):
    """A function: number of a notebook -> (record, folder of run.json and executed.ipynb) of its smoke run, executed once a session."""
    from pathlib import Path

    from avlab.workbook import runner
    out, done = tmp_path_factory.mktemp("smoke"), {}

    def run(number):
        if number not in done:
            folder = Path(__file__).parents[1] / "notebooks"
            job = runner.plan(runner.find([number], folder), "smoke", [], out)[0]
            done[number] = runner.run(job, threads=2), job.folder
        return done[number]
    return run
