"""Rules of a notebook source that a reader or a headless run would trip over; each is one line of `problems`."""

import ast
import re

LONGEST = 25  # lines of a code cell
MARKDOWN_IMAGE = re.compile(r"!\[\s*\]\(")
CALLS = {"input": "input() waits for a reader who is not there", "exit": "exit() ends the run and looks like success",
         "quit": "quit() ends the run and looks like success", "interact": "interact() hides errors of its callback: use an explorer"}


def problems(cells: list[dict]) -> list[str]:
    """What is wrong with the cells of a source, in words, each with the first line of its cell; empty when all is well."""
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    found = [f"`{cell['source'].strip().splitlines()[0][:60]}`: {said}" for cell in cells if cell["source"].strip() for said in of_cell(cell)]
    tagged = sum("parameters" in cell["metadata"].get("tags", []) for cell in code)
    if tagged != 1:
        found.append(f"exactly one code cell has the tag parameters (found {tagged})")
    if sum(bool(re.search(r"workbook\.start\(", cell["source"])) for cell in code) != 1:
        found.append("exactly one code cell calls workbook.start")
    if not code or code[-1]["source"].strip() != "nb.finish()":
        found.append("the last code cell is nb.finish() alone")
    if not cells or not cells[0]["source"].startswith("# "):
        found.append("the first cell is markdown and begins with the title, `# ...`")
    return found


def of_cell(cell: dict) -> list[str]:
    """What is wrong with one cell, in words."""
    source = cell["source"]
    if cell["cell_type"] == "markdown":
        return ["an image in the text needs an alt text"] if MARKDOWN_IMAGE.search(source) else []
    if cell["cell_type"] != "code":
        return ["cells are code or markdown"]
    found = [f"a code cell has at most {LONGEST} lines (this one {source.count(chr(10)) + 1})"] if source.count("\n") >= LONGEST else []
    if re.search(r"^\s*[!%]", source, re.MULTILINE):
        found.append("no shell or magic lines: their failures are silent and the source must be Python")
    if re.search(r"/home/|/Users/|[A-Z]:\\\\", source):
        found.append("no absolute paths")
    try:
        return found + [said for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) for said in of_call(node)]
    except SyntaxError as error:
        return [*found, f"not Python: {error.msg}"]


def of_call(node: ast.Call) -> list[str]:
    """What is wrong with one call, in words."""
    name = ast.unparse(node.func)
    if name.endswith("sys.exit") or name == "os._exit":
        return [f"{name}() ends the run and looks like success"]
    name = "interact" if name.endswith(".interact") else name
    return [CALLS[name]] if name in CALLS else []
