"""Exercises in a source: the code between `### BEGIN SOLUTION` and `### END SOLUTION` is folded away or replaced by a stub."""

import ast
import hashlib
import json
import re

from avlab.errors import AvlabError

BEGIN, END = re.compile(r"^(\s*)### BEGIN SOLUTION\s*(.*)$"), re.compile(r"^\s*### END SOLUTION\s*$")

CHECK = re.compile(r"course\.check\(\s*[\"']([\w.]+)[\"']")


def fold(cell: dict) -> dict:
    """The cell as the course edition has it: solutions stay, their cells are collapsed in JupyterLab, and nbgrader finds what it asks for.

    nbgrader's own `generate_assignment` cuts the same regions, but only out of cells that its metadata declares as solutions.
    """
    found = regions(cell)
    if "solution" not in cell["metadata"].get("tags", []) and not found:
        return cell
    tags = sorted({*cell["metadata"].get("tags", []), "solution"})
    grading = {"nbgrader": graded(cell["source"])} if found else {}
    return cell | {"metadata": cell["metadata"] | {"tags": tags, "jupyter": {"source_hidden": True}} | grading}


def graded(source: str) -> dict:
    """nbgrader's metadata (schema 3) of an exercise: a solution cell with one point, which its `course.check("NN.k", ...)` in the same cell decides."""
    number = CHECK.search(source)
    key = number[1] if number else hashlib.sha256(source.encode()).hexdigest()[:8]
    return {"grade": True, "grade_id": f"exercise-{key}", "locked": False, "points": 1, "schema_version": 3, "solution": True, "task": False}


def stub(cell: dict) -> dict | None:
    """The cell as the student edition has it: each region one `raise NotImplementedError`, cells tagged `solution` left out (None).

    The stub says the sentence after BEGIN SOLUTION, or the first line of the function's docstring. The tag `raises-exception` lets
    "Run All" go on past an exercise that is not done.
    """
    if "solution" in cell["metadata"].get("tags", []):
        return None
    found = regions(cell)
    if not found:
        return cell
    lines = cell["source"].split("\n")
    for first, last, indent, sentence in reversed(found):
        said = sentence or docstring(cell["source"], first + 1) or "your turn"
        lines[first:last + 1] = [f"{indent}raise NotImplementedError({json.dumps(said, ensure_ascii=False)})"]
    tags = sorted({*cell["metadata"].get("tags", []), "raises-exception"})
    return cell | {"source": "\n".join(lines), "metadata": cell["metadata"] | {"tags": tags}}


def regions(cell: dict) -> list[tuple[int, int, str, str]]:
    """(first line, last line, indent, sentence) of each marked region of a code cell. Raises AvlabError for markers that do not pair."""
    found, start = [], None
    for number, line in enumerate(cell["source"].split("\n")):
        begin, end = BEGIN.match(line), END.match(line)
        if (begin and start is not None) or (end and start is None):
            raise AvlabError("BEGIN SOLUTION and END SOLUTION come in pairs", got=line.strip())
        if begin:
            start = (number, begin[1], begin[2].strip())
        elif end:
            found.append((start[0], number, start[1], start[2]))
            start = None
    if start is not None:
        raise AvlabError("BEGIN SOLUTION needs its END SOLUTION")
    if found and cell["cell_type"] != "code":
        raise AvlabError("Solution markers belong in code cells", todo="tag a markdown cell with `solution` instead")
    return found


def docstring(source: str, line: int) -> str:
    """First line of the docstring of the innermost function around a line (1-based), or nothing."""
    around = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef) and node.lineno <= line <= node.end_lineno]
    text = ast.get_docstring(max(around, key=lambda node: node.lineno)) if around else None
    return text.splitlines()[0] if text else ""
