"""The child process of the runner: executes one notebook with papermill and says what happened, one JSON line an event.

`python -m avlab.workbook.worker JOB.json`; JOB holds notebook, output, parameters, cell_timeout, events, cwd. It never judges: the
parent, which also sees this process die, does that.
"""

import json
import os
import sys
import time
from pathlib import Path


def main(job_file: str) -> None:
    """Execute the notebook of a job; the last event is `end` with the outcome that the exception means."""
    job = json.loads(Path(job_file).read_text())
    job["sockets"] = str(Path(job_file).resolve().parent / "kernel")
    with open(job["events"], "a", buffering=1) as stream:
        def tell(event, **facts):
            stream.write(json.dumps({"event": event, **facts}) + "\n")
        tell("end", **execute(job, tell))


def execute(job: dict, tell) -> dict:
    """Run papermill; {"status": ..., "message": ..., "cell": index or None}."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    now = {"cell": None, "since": 0.0}

    def started(cell, cell_index):
        now.update(cell=cell_index, since=time.monotonic())
        tell("cell", index=cell_index)

    def done(cell, cell_index, **_):
        head = next((line for line in cell["source"].splitlines() if line.strip() and not line.startswith("#")), "")
        tell("done", index=cell_index, seconds=round(time.monotonic() - now["since"], 3), head=head[:60])

    try:
        papermill.execute_notebook(
            job["notebook"], job["output"], parameters=job["parameters"], kernel_name="python3", cwd=job["cwd"], progress_bar=False,
            start_timeout=120, execution_timeout=job["cell_timeout"], kernel_manager_class=own_kernel(job["sockets"]),
            on_cell_start=code_only(started), on_cell_executed=done)
    except PapermillExecutionError as error:
        return {"status": "failed", "message": f"{error.ename}: {error.evalue}", "cell": error.cell_index}
    except CellTimeoutError:
        return {"status": "timeout", "message": f"a cell ran longer than {job['cell_timeout']} s", "cell": now["cell"]}
    except DeadKernelError as error:
        return {"status": "dead-kernel", "message": f"the kernel died ({error})", "cell": now["cell"]}
    return {"status": "passed", "message": "", "cell": None}


def code_only(hook):
    """The hook, called for code cells only."""
    return lambda cell, cell_index: hook(cell, cell_index) if cell["cell_type"] == "code" else None


def own_kernel(sockets: str):
    """A kernel of this very interpreter, whatever kernelspec of that name lies around; over IPC where the socket path is short enough.

    sockets   beginning of the socket paths. Left to itself the manager puts them into the working directory, where a second run would meet them.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    fits = os.name == "posix" and len(sockets) < 95  # a socket path has at most 103 bytes, its number included

    class OwnKernel(AsyncKernelManager):
        transport, ip = ("ipc", sockets) if fits else ("tcp", "127.0.0.1")
        kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
    return OwnKernel


if __name__ == "__main__":
    main(sys.argv[1])
