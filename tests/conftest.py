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
def smoke_run(tmp_path_factory):
    """A function: number of a notebook -> (record, folder of run.json and executed.ipynb) of its smoke run, executed once for all workers of pytest-xdist."""
    import json
    from pathlib import Path

    from filelock import FileLock

    from avlab.workbook import runner
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke-runs"
    out.mkdir(exist_ok=True)

    def run(number):
        job = runner.plan(runner.find([number], Path(__file__).parents[1] / "notebooks"), "smoke", [], out)[0]
        with FileLock(out / f"{number}.lock"):
            if not (job.folder / "run.json").exists():
                runner.run(job, threads=1)  # two workers share two cores
        return json.loads((job.folder / "run.json").read_text()), job.folder
    return run
