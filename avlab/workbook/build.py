"""From `notebooks/src/*.py` (py:percent, written by hand) to `notebooks/*.ipynb` (built, without outputs, the same bytes on every run).

The whole-course build keeps every solution, folded. The student build writes stubs instead, and no text of a solution.
"""

import ast
import hashlib
import json
import re
from pathlib import Path

from avlab import course
from avlab.course.texts import INCLUDES
from avlab.errors import AvlabError
from avlab.workbook import lint, solutions

INCLUDE = re.compile(r"\{\{(\w+)\}\}")
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
          "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}}


def build(source: Path, *, student: bool = False) -> str:
    """The notebook of one source as text. Raises AvlabError naming the source and the cell."""
    cells = [tidy(cell) for cell in read(source)]
    problems = lint.problems(cells)
    if problems:
        raise AvlabError(f"{source.name}: " + "; ".join(problems))
    cells = [cell for cell in map(solutions.stub if student else solutions.fold, cells) if cell is not None]
    kind = " Exercises are left open; the solutions are in the course edition." if student else ""
    origin = f"<small>Generated from `notebooks/src/{source.name}` by `avlab build`: edit that file, not this one.{kind}</small>"
    cells.insert(0, {"cell_type": "markdown", "metadata": {"tags": ["generated"]}, "source": origin})
    notebook = {"cells": with_ids([include(cell, source) for cell in cells]), "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(source: Path) -> list:
    """The cells of a py:percent file. Raises AvlabError."""
    import jupytext
    try:
        text = source.read_text(encoding="utf-8")
        ast.parse(text)
        return jupytext.reads(text, fmt="py:percent").cells
    except (SyntaxError, UnicodeDecodeError) as error:
        raise AvlabError(f"{source.name} must be Python in UTF-8", got=str(error)) from None


def tidy(cell) -> dict:
    """A cell with the fields that stay: type, source, tags."""
    tags = list(cell["metadata"].get("tags", []))
    kept = {"cell_type": cell["cell_type"], "metadata": {"tags": tags} if tags else {}, "source": cell["source"]}
    if "hide-input" in tags:
        kept["metadata"]["jupyter"] = {"source_hidden": True}
    return kept


def include(cell: dict, source: Path) -> dict:
    """A markdown cell with its `{{name}}` marks replaced by the shared texts. Raises AvlabError."""
    if cell["cell_type"] != "markdown":
        return cell
    known = INCLUDES | {"cost": cost(source)}

    def text(found):
        if found[1] not in known:
            raise AvlabError(f"{source.name} includes an unknown text", got=found[0], todo=f"known: {', '.join(known)}")
        return known[found[1]]
    return cell | {"source": INCLUDE.sub(text, cell["source"])}


def cost(source: Path) -> str:
    """What a run of this notebook took when its goldens were recorded, as one sentence."""
    files = sorted((source.parent.parent / "goldens").glob(f"{source.stem.split('_')[0]}.*.json"))
    runs = {path.name.split(".")[1]: json.loads(path.read_text())["measured"] for path in files}
    said = [f"{profile} {r['seconds']:.0f} s and {r['peak_rss_mb'] / 1024:.1f} GB on {r['machine']}" for profile, r in runs.items()]
    return f"Measured: {'; '.join(said)}." if said else "Not measured yet."


def with_ids(cells: list[dict]) -> list[dict]:
    """Cells with ids made from their content, so that the same source gives the same bytes; equal cells are numbered apart."""
    seen, done = {}, []
    for cell in cells:
        text = cell["cell_type"] + cell["source"]
        seen[text] = seen.get(text, 0) + 1
        key = hashlib.sha256((text + (f"#{seen[text]}" if seen[text] > 1 else "")).encode()).hexdigest()[:12]
        cell = {key_: cell[key_] for key_ in ("cell_type", "metadata")} | {"id": key, "source": cell["source"].splitlines(keepends=True)}
        done.append(cell | ({"execution_count": None, "outputs": []} if cell["cell_type"] == "code" else {}))
    return done


def sources(folder: Path) -> list[Path]:
    """The notebook sources of a notebooks folder, in order. Raises AvlabError where there are none."""
    found = sorted((Path(folder) / "src").glob("[0-9][0-9]_*.py"))
    if not found:
        raise AvlabError("A notebooks folder holds src/NN_topic.py", got=str(folder), todo="run in the project's root or pass --notebooks DIR")
    return found


def build_all(folder: Path, *, student: Path | None = None) -> list[Path]:
    """Build every source of `folder` beside it, or as student notebooks into `student`; returns the files that changed."""
    target, changed = Path(student or folder), []
    texts = {target / f"{source.stem}.ipynb": build(source, student=student is not None) for source in sources(folder)}
    target.mkdir(parents=True, exist_ok=True)
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")
            changed.append(path)
    return changed


def stale(folder: Path) -> list[str]:
    """What differs between the committed notebooks and their sources, in words; empty when all are in step."""
    expected = {f"{source.stem}.ipynb": build(source) for source in sources(folder)}
    there = {path.name: path.read_text(encoding="utf-8") for path in Path(folder).glob("*.ipynb")}
    said = [f"{name}: not built" for name in expected if name not in there]
    said += [f"{name}: has no source" for name in there if name not in expected]
    return said + [f"{name}: differs from its source" for name in expected if name in there and there[name] != expected[name]]


def cells_of(notebook: Path) -> list[dict]:
    """The cells of an .ipynb file. Raises AvlabError for a file that is no notebook."""
    try:
        return json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    except (ValueError, TypeError, KeyError) as error:
        raise AvlabError("A notebook is a JSON file with cells", got=f"{notebook}: {type(error).__name__}: {error}") from None


def notebook_id(cells: list[dict]) -> str:
    """The id that the setup cell passes to workbook.start("NN", globals()). Raises AvlabError."""
    code = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    for text in code:
        found = re.search(r"workbook\.start\(\s*[\"']([\w.]+)[\"']", text)
        if found:
            return found[1]
    raise AvlabError('A notebook says which one it is by `nb = workbook.start("NN", globals())` in its setup cell')


def check_parameters(cells: list[dict]) -> list[str]:
    """What differs between a notebook's parameters cell and its course module, in words."""
    from avlab.workbook import params
    cell = next(cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    return params.compare("".join(cell["source"]), course.load(notebook_id(cells)).Params)
