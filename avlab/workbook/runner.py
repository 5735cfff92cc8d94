"""Run notebooks headless, one child process each, and say of every run exactly one of the outcomes below.

passed · failed (a cell raised) · bad-parameters (refused before a kernel starts) · timeout · dead-kernel ·
metric-drift (an invariant or a golden is broken) · hidden-widget-error (a callback or thread raised and the notebook went on) ·
no-sentinel (it ended without nb.finish()).
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import tempfile
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from avlab import course
from avlab.errors import AvlabError
from avlab.workbook import build, evidence, golden, params, process

EXIT = {"passed": 0, "failed": 1, "bad-parameters": 3, "timeout": 4, "dead-kernel": 5, "metric-drift": 6, "hidden-widget-error": 7, "no-sentinel": 8}
LIMITS = {"smoke": (300, 600), "full": (600, 1800), "gpu": (600, 1800)}  # seconds a cell, seconds a notebook; generous, a slow machine is no error
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Job:
    """One notebook to run with one set of parameters."""

    notebook: Path
    module: object
    profile: str
    p: object  # the validated parameters
    given: tuple[str, ...]  # the name=value words of the command line
    out: Path

    @property
    def key(self) -> str:
        """Name of its folder: the number of the notebook, else its file name."""
        return key_of(self.notebook)

    @property
    def folder(self) -> Path:
        """Where run.json and executed.ipynb go."""
        return self.out / self.key


def key_of(notebook: Path) -> str:
    """"01" of 01_topic.ipynb, otherwise the name without its suffix."""
    head = Path(notebook).stem.split("_")[0]
    return head if head.isdigit() else Path(notebook).stem


def find(names: list[str], folder: Path) -> list[Path]:
    """Notebooks by number ("01"), by path, or all of a folder. Raises AvlabError for one that is not there."""
    if not names:
        names = [key_of(path) for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb"))]
        if not names:
            raise AvlabError("There are no notebooks here", got=str(folder), todo="run `avlab build`, or pass --notebooks DIR")
    found = []
    for name in names:
        hits = [Path(name)] if name.endswith(".ipynb") else sorted(Path(folder).glob(f"{name.zfill(2)}_*.ipynb"))
        if len(hits) != 1 or not hits[0].is_file():
            there = ", ".join(key_of(path) for path in sorted(Path(folder).glob("[0-9][0-9]_*.ipynb")))
            todo = f"choose from {there}" if there else "run `avlab build` first"
            raise AvlabError("A notebook is named by its number or its .ipynb path", got=name, todo=todo)
        found.append(hits[0].resolve())
    return found


def plan(notebooks: list[Path], profile: str, pairs: list[str], out: Path, seeds: int = 0) -> list[Job]:
    """Every run that a command asks for, all parameters checked before the first kernel starts. Raises AvlabError (outcome bad-parameters)."""
    if seeds and any(pair.startswith("seed=") for pair in pairs):
        raise AvlabError("--seeds chooses the seeds itself", todo="leave out -p seed=...")
    jobs = []
    for notebook in notebooks:
        cells = build.cells_of(notebook)
        module = course.load(build.notebook_id(cells))
        if problems := build.check_parameters(cells):
            raise AvlabError(f"{notebook.name}: the parameters cell and {module.__name__}.Params differ", got="; ".join(problems))
        golden.load(golden.path_of(notebook, profile), module)  # a golden that would accept anything is refused now, not after the run
        for words, place in seeded(pairs, Path(out), seeds):
            try:
                jobs.append(Job(notebook, module, profile, params.resolve(module, profile, words), tuple(words), place))
            except AvlabError as error:
                raise AvlabError(f"{notebook.name}: {error.rule}", got=error.got, todo=error.todo) from None
    return jobs


def seeded(pairs: list[str], out: Path, seeds: int) -> list[tuple[list[str], Path]]:
    """The pairs and output folder of each seed; one run as asked without --seeds."""
    return [([*pairs, f"seed={k}"], out / f"seed-{k}") for k in range(seeds)] or [(list(pairs), out)]


def run(job: Job, *, threads: int = 2, cell_s: float | None = None, limit_s: float | None = None, timings: bool = False, say=print, stop=None) -> dict:
    """Execute one job and judge it; writes run.json and executed.ipynb and returns the record that run.json holds."""
    usual_cell, usual_limit = LIMITS.get(job.profile, LIMITS["full"])
    work = Path(tempfile.mkdtemp(prefix="avlab-"))  # short, so that sockets fit, and free of braces, which papermill would fill in
    try:
        source, result = work / job.notebook.name, work / "executed.ipynb"
        shutil.copy(job.notebook, source)
        request = {"notebook": str(source), "output": str(result), "parameters": injected(job), "cell_timeout": int(cell_s or usual_cell), "cwd": os.getcwd()}
        cells, on_event = {}, progress(job, say)

        def note(event):
            if event["event"] == "done":
                cells[event["index"]] = event["seconds"]
            on_event(event, cells)
        seen = process.watch(work, request, threads=threads, limit_s=limit_s or usual_limit, on_event=note, stop=stop)
        nb = evidence.read(result)
        record = describe(job, seen, nb, cells, (work / "log.txt").read_text(errors="replace"), threads)
        job.folder.mkdir(parents=True, exist_ok=True)
        place(job.folder / "executed.ipynb", json.dumps(evidence.scrub(nb, timings), indent=1, ensure_ascii=False) + "\n")
        place(job.folder / "log.txt", evidence.anonymous((work / "log.txt").read_text(errors="replace")))
        place(job.folder / "run.json", json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"{job.key}  {record['status']}  {record['seconds']:.1f} s, {record['peak_rss_mb']:.0f} MB" + (f"  {record['message']}" if record["message"] else ""))
    return record


def injected(job: Job) -> dict:
    """Parameters to inject: those that differ from the notebook's own cell."""
    usual = params.as_json(job.module.Params())
    return {name: value for name, value in params.as_json(job.p).items() if value != usual[name]}


def progress(job: Job, say):
    """A function that says one line a finished cell, and a heartbeat while a long one runs."""
    code = [cell for cell in json.loads(job.notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    total = len(code) + bool(injected(job))

    def tell(event, cells):
        if event["event"] == "done":
            say(f"{job.key}  cell {len(cells):>2}/{total}  {event['seconds']:6.1f} s  {event['head']}")
        elif event["event"] == "heartbeat":
            say(f"{job.key}  cell {len(cells) + 1:>2}/{total}  still running after {event['seconds']:.0f} s in all, {event['rss_mb']:.0f} MB")
    return tell


def describe(job: Job, seen: dict, nb: dict, cells: dict, log: str, threads: int) -> dict:
    """The record of a run: outcome, where and why it failed, what it cost, what it measured."""
    session = (evidence.bundles(nb, evidence.SESSION) or [{}])[0]
    device = session.get("device", "cpu")
    metrics, digest = evidence.metrics(nb), params.digest(job.p)
    status, message, at = outcome(seen, nb)
    known = golden.load(golden.path_of(job.notebook, job.profile), job.module)
    judged = golden.judge(metrics, job.module, known, digest=digest, device=device, seed=job.p.seed) if status == "passed" else None
    if judged and judged["problems"]:
        status, message = "metric-drift", "; ".join(f"{p['metric']}: {p['message']}" for p in judged["problems"])
    failing = nb["cells"][at] if at is not None and at < len(nb["cells"]) else None
    return {
        "notebook": job.key, "file": job.notebook.name, "title": job.module.TITLE, "profile": job.profile, "status": status, "message": message,
        "cell": None if failing is None else {"index": at, "id": failing.get("id"), "source": "".join(failing["source"])},
        "tail": tail(failing, log) if status != "passed" else [], "command": command(job),
        "parameters": params.as_json(job.p), "parameters_sha256": params.digest_all(job.p), "golden_sha256": digest,
        "source_sha256": source_digest(job.notebook),
        "seconds": seen["seconds"], "peak_rss_mb": seen["peak_rss_mb"],
        "gpu_peak_mb": next((b["gpu_peak_mb"] for b in evidence.bundles(nb, evidence.FINISH)), None),
        "cells": [{"id": nb["cells"][i].get("id"), "seconds": s} for i, s in cells.items() if i < len(nb["cells"])],
        "device": device, "threads": threads, "versions": session.get("versions", {}), "machine": machine(session.get("versions", {}), threads),
        "metrics": metrics, "golden": judged, "claims": evidence.bundles(nb, evidence.CLAIM),
    }


def outcome(seen: dict, nb: dict) -> tuple[str, str, int | None]:
    """(status, message, index of the failing cell) from how the child ended and what the notebook holds; never from cell metadata."""
    end = seen["end"]
    if seen["timed_out"]:
        return "timeout", f"the notebook ran longer than its limit ({seen['seconds']:.0f} s)", None
    if end is None:
        return "dead-kernel", f"the executing process ended with code {seen['code']} (killed, or out of memory)", None
    if end["status"] != "passed":
        return end["status"], end["message"], end["cell"]
    hidden = evidence.hidden_errors(nb)
    if missing := evidence.unfinished(nb):
        return "no-sentinel", "; ".join([missing, *hidden]), None
    return ("hidden-widget-error", "; ".join(hidden), None) if hidden else ("passed", "", None)


def tail(cell: dict | None, log: str, lines: int = 30) -> list[str]:
    """Last lines of what was said: the failing cell's streams and traceback, after the end of the log."""
    said = log.splitlines()[-lines:]
    for output in (cell or {}).get("outputs", []):
        said += evidence.text_of(output).splitlines() if output["output_type"] == "stream" else "\n".join(output.get("traceback", [])).splitlines()
    return [evidence.anonymous(ANSI.sub("", line)) for line in said[-lines:]]


def command(job: Job) -> str:
    """The command that repeats the run."""
    return shlex.join(["avlab", "run", job.key, "--profile", job.profile, *(word for pair in job.given for word in ("-p", pair))])


def machine(versions: dict, threads: int) -> str:
    """What it ran on, in words and without names of machines."""
    return versions.get("gpu") or f"{threads} threads of {os.cpu_count()} {platform.machine()} cores"


def source_digest(notebook: Path) -> str:
    """First 16 hex digits of a sha256 of the notebook and of the whole package: same digest, same computation."""
    return hashlib.sha256(Path(notebook).read_bytes() + package_digest(Path(__file__).resolve().parents[1])).hexdigest()[:16]


def package_digest(package: Path) -> bytes:
    """sha256 of every file of the package (code, weights, ledger), names included."""
    total = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        total.update(str(path.relative_to(package)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.digest()


def place(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def earlier(job: Job) -> dict | None:
    """The record of an earlier run that passed with the same parameters and sources and still agrees with the goldens of today."""
    try:
        record = json.loads((job.folder / "run.json").read_text(encoding="utf-8"))
        same = (record["status"], record["profile"], record["parameters_sha256"], record["source_sha256"])
    except (OSError, ValueError, KeyError):
        return None
    if same != ("passed", job.profile, params.digest_all(job.p), source_digest(job.notebook)) or not (job.folder / "executed.ipynb").exists():
        return None
    known = golden.load(golden.path_of(job.notebook, job.profile), job.module)
    judged = golden.judge(record["metrics"], job.module, known, digest=record["golden_sha256"], device=record["device"], seed=job.p.seed)
    return None if judged["problems"] else record


def run_all(jobs: list[Job], *, at_once: int = 1, resume: bool = False, say=print, **options) -> list[dict]:
    """Run jobs, `at_once` side by side, going on after a failure; with `resume`, a job that already passed is not run again.

    Returns the records in the order of the jobs. Stopped by a signal, it leaves no process behind.
    """
    stop = threading.Event()

    def one(number, job):
        where = f"{job.key} ({number}/{len(jobs)})" + (f" seed {job.p.seed}" if job.p.seed else "")
        done = earlier(job) if resume else None
        say(f"{where}  {'already passed with the same parameters and sources' if done else job.module.TITLE + ', profile ' + job.profile}")
        return done or run(job, say=say, stop=stop, **options)

    def unless_stopped(*numbered):
        if stop.is_set():
            raise process.Stopped
        try:
            return one(*numbered)
        except BaseException:  # a fault of ours, no outcome of a notebook: the runs beside it end too
            stop.set()
            raise

    with ThreadPoolExecutor(at_once) as pool:
        try:
            asked = [pool.submit(unless_stopped, number, job) for number, job in enumerate(jobs, 1)]
            wait(asked, return_when=FIRST_EXCEPTION)
            for fault in (future.exception() for future in asked if future.done()):
                if fault and not isinstance(fault, process.Stopped):
                    raise fault
            return [future.result() for future in asked]
        finally:  # a signal comes this way
            stop.set()


def summary(records: list[dict]) -> str:
    """One line a run, and what to do about each that did not pass."""
    lines = []
    for r in records:
        more = (f"  seed {r['parameters']['seed']}" if r["parameters"]["seed"] else "") + (f"  ({r['golden']['compared']})" if r["golden"] else "")
        lines.append(f"{r['notebook']:<4} {r['status']:<20} {r['seconds']:7.1f} s {r['peak_rss_mb']:7.0f} MB  {len(r['metrics']):>3} metrics{more}")
    for r in (r for r in records if r["status"] != "passed"):
        lines += ["", f"{r['notebook']} {r['status']}: {r['message']}"]
        lines += [f"    {line}" for line in (r["cell"] or {"source": ""})["source"].splitlines()] + [f"    | {line}" for line in r["tail"]]
        lines.append(f"    repeat: {r['command']}")
    return "\n".join(lines)


def exit_code(records: list[dict]) -> int:
    """0 when all passed, the outcome's own code when all failures are of one kind, otherwise 1."""
    codes = {EXIT[record["status"]] for record in records} - {0}
    return 0 if not codes else codes.pop() if len(codes) == 1 else 1
