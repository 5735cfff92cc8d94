"""One child process that executes one notebook: started in its own group, watched, measured, and always cleaned up after."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

PACKAGE = Path(__file__).resolve().parents[2]
HEARTBEAT_S = 15.0
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PLOTLY_RENDERER": "plotly_mimetype",
           "MPLBACKEND": "module://matplotlib_inline.backend_inline", "PYTHONHASHSEED": "0", "AVLAB_HEADLESS": "1",
           "CUBLAS_WORKSPACE_CONFIG": ":4096:8", "PYTHONUNBUFFERED": "1"}


def environment(folder: Path, threads: int) -> dict[str, str]:
    """The child's environment: offline, headless, a fixed number of threads, its own temporary, runtime and IPython folders."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads))
    path = os.pathsep.join(filter(None, [str(PACKAGE), os.environ.get("PYTHONPATH")]))
    own = {"PYTHONPATH": path, "IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "run"), "TMPDIR": str(folder)}
    return os.environ | OFFLINE | counts | own


class Stopped(Exception):
    """The command that asked for a run was itself stopped."""


def watch(folder: Path, job: dict, *, threads: int, limit_s: float, on_event, stop=None) -> dict:
    """Start the worker on a job, report its events, and return {"end": last event or None, "seconds", "peak_rss_mb", "timed_out", "code"}.

    stop   a threading.Event that ends the run from another thread: then `Stopped` is raised
    Whatever happens, no process of the child's tree is left behind.
    """
    (folder / "run").mkdir()
    events = folder / "events.jsonl"
    (folder / "job.json").write_text(json.dumps(job | {"events": str(events)}))
    begun, seen, peak, told, end, timed_out = time.monotonic(), {}, 0.0, 0, None, False
    news = begun
    with open(folder / "log.txt", "wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "avlab.workbook.worker", str(folder / "job.json")], stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT, cwd=job["cwd"], env=environment(folder, threads), start_new_session=True)
        try:
            while True:
                if stop is not None and stop.is_set():
                    raise Stopped
                gone = child.poll() is not None
                peak = max(peak, resident_mb(child.pid, seen))
                for event in read_events(events)[told:]:
                    told, news = told + 1, time.monotonic()
                    end = event if event["event"] == "end" else end
                    on_event(event)
                spent = time.monotonic() - begun
                if gone or (end and time.monotonic() - news > 20):
                    break
                if spent > limit_s:
                    timed_out = True
                    break
                if time.monotonic() - news > HEARTBEAT_S:
                    news = time.monotonic()
                    on_event({"event": "heartbeat", "seconds": spent, "rss_mb": resident_mb(child.pid, seen)})
                time.sleep(0.1)
        finally:
            clear(child, seen)
    return {"end": end, "seconds": round(time.monotonic() - begun, 2), "peak_rss_mb": round(peak, 1), "timed_out": timed_out, "code": child.returncode}


def read_events(path: Path) -> list[dict]:
    """All complete lines of the event file so far."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def resident_mb(pid: int, seen: dict) -> float:
    """Resident memory of a process and all its descendants; notes each of them in `seen`."""
    total = 0
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in tree:
        seen[process.pid] = process
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def clear(child, seen: dict) -> None:
    """End the child and every process ever seen below it; a kernel has a group of its own and would outlive its parent's group."""
    if child.poll() is None:
        resident_mb(child.pid, seen)
    for sign, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        alive = [process for process in seen.values() if running(process)]
        for process in alive:
            try:
                process.send_signal(sign)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(alive, timeout=patience)
    child.wait()


def running(process) -> bool:
    """True for the same process as when it was noted, still alive."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
