"""What an executed notebook carries: metrics, claims, session facts, the sentinel, hidden errors. Plain dictionaries in and out."""

import json
import re
import sys
from pathlib import Path

METRIC = "application/vnd.avlab.metric+json"
CLAIM = "application/vnd.avlab.claim+json"
SESSION = "application/vnd.avlab.session+json"
FINISH = "application/vnd.avlab.finish+json"
WIDGETS = "application/vnd.jupyter.widget-state+json"
THREAD = re.compile(r"^(Exception in thread|Task exception was never retrieved|Exception ignored in)", re.MULTILINE)


def read(path: Path) -> dict:
    """An executed notebook without the banners that papermill puts in on an error (they shift every index); empty where there is none."""
    if not Path(path).exists():
        return {"cells": [], "metadata": {}}
    nb = json.loads(Path(path).read_text(encoding="utf-8"))
    nb["cells"] = [cell for cell in nb["cells"] if "papermill-error-cell-tag" not in cell["metadata"].get("tags", [])]
    return nb


def outputs(nb):
    """All outputs of all code cells in order."""
    return (output for cell in nb["cells"] if cell["cell_type"] == "code" for output in cell.get("outputs", []))


def bundles(nb, mime: str) -> list[dict]:
    """The payloads of one display type, in order."""
    return [output["data"][mime] for output in outputs(nb) if mime in output.get("data", {})]


def metrics(nb) -> dict[str, dict]:
    """{name: {value, unit, class, direction}} of everything that `nb.record` noted."""
    return {m["name"]: {k: v for k, v in m.items() if k != "name"} for m in bundles(nb, METRIC)}


def hidden_errors(nb) -> list[str]:
    """Errors that a notebook survives: in widget callbacks (kept in widget state only) and in threads or tasks (on stderr only)."""
    states = nb["metadata"].get("widgets", {}).get(WIDGETS, {}).get("state", {})
    found = [f"{out.get('ename')}: {out.get('evalue')}" for state in states.values()
             for out in state.get("state", {}).get("outputs", ()) if out.get("output_type") == "error"]
    for output in outputs(nb):
        if output["output_type"] == "error":
            found.append(f"{output.get('ename')}: {output.get('evalue')}")
        elif output["output_type"] == "stream" and output["name"] == "stderr" and THREAD.search(text_of(output)):
            found.append(text_of(output).strip().splitlines()[-1])
    return found


def text_of(output) -> str:
    """Text of a stream output, which notebooks store as one string or as lines."""
    return output["text"] if isinstance(output["text"], str) else "".join(output["text"])


def unfinished(nb) -> str | None:
    """None when the last code cell gave the sentinel and every code cell ran; otherwise what is missing."""
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    skipped = [cell["id"] for cell in code if cell.get("execution_count") is None]
    if skipped:
        return f"cells that never ran: {', '.join(skipped)}"
    last = code[-1] if code else {"outputs": []}
    if not any(FINISH in output.get("data", {}) for output in last["outputs"]):
        return "the last code cell is not a successful nb.finish()"
    return None


def scrub(nb, timings: bool = False):
    """The notebook without what differs from machine to machine: paths, dates, widget state, process numbers. Changes `nb` and returns it."""
    nb["metadata"].pop("widgets", None)
    kept = nb["metadata"].get("papermill", {})
    nb["metadata"]["papermill"] = {key: Path(str(kept[key])).name for key in ("input_path", "output_path") if kept.get(key)}
    nb["metadata"]["papermill"] |= {"parameters": dict(kept.get("parameters", {})), "version": kept.get("version")}
    if timings and "duration" in kept:
        nb["metadata"]["papermill"]["duration"] = kept["duration"]
    for cell in nb["cells"]:
        duration = cell["metadata"].pop("papermill", {}).get("duration")
        cell["metadata"].pop("execution", None)
        if timings and duration is not None:
            cell["metadata"]["duration_s"] = round(duration, 3)
    for output in outputs(nb):
        for key in ("text", "traceback", "evalue"):
            if key in output:
                output[key] = [anonymous(t) for t in output[key]] if isinstance(output[key], list) else anonymous(output[key])
    return nb


def anonymous(text: str) -> str:
    """A text without the paths of this machine: the environment, the package's folder, the home folder, IPython's numbered files."""
    package = str(Path(__file__).resolve().parents[2])
    text = re.sub(r"\S*ipykernel_\d+/\d+\.py", "<cell>", text)
    places = [(sys.prefix, "<env>"), (package, "<project>"), (str(Path.cwd()), "."), (str(Path.home()), "~")]
    for path, word in sorted(places, key=lambda place: -len(place[0])):
        if len(path) > 1:
            text = text.replace(path, word)
    return text
