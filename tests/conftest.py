"""What all tests share: one thread a process (several suites may run side by side), no network, no reader."""

import os

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before torch or numpy is imported
    os.environ.setdefault(name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("AVLAB_HEADLESS", "1")

import pytest  # noqa: E402


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
def shared_folder(tmp_path_factory):
    """One folder for the whole session, the same for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def kept_renders(shared_folder):
    """AVLAB_RENDERED of the notebooks that the tests execute: what one has rendered, the next one reads (tests/clips/test_rendered.py: byte for byte)."""
    return str(shared_folder / "rendered")


@pytest.fixture(scope="session")
def smoke_run(shared_folder, kept_renders):
    """A function: number of a notebook -> (record, folder of run.json and executed.ipynb) of its smoke run, executed once for all workers of pytest-xdist."""
    import json
    from pathlib import Path
    from unittest.mock import patch

    from filelock import FileLock

    from avlab.workbook import runner
    out = shared_folder / "smoke-runs"
    out.mkdir(exist_ok=True)

    def run(number):
        job = runner.plan(runner.find([number], Path(__file__).parents[1] / "notebooks"), "smoke", [], out)[0]
        with FileLock(out / f"{number}.lock"):
            if not (job.folder / "run.json").exists():
                with patch.dict(os.environ, AVLAB_RENDERED=kept_renders):
                    runner.run(job, threads=1)  # two workers share two cores
        return json.loads((job.folder / "run.json").read_text()), job.folder
    return run
