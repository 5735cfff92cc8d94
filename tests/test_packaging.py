"""The install paths agree, the package imports lightly, and its rooms only look back along the clip's path."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
ROOMS = ("errors", "results", "localisation_metrics", "metrics", "calibration_metrics", "synthtalk", "clips", "probe", "detectors", "explain", "show", "course", "workbook", "cli", "__main__")


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements():
    project = pyproject()
    return project["dependencies"] + project["optional-dependencies"]["test"]


def constraints():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.lower().split("==") for line in lines)


def test_environment_yml_equals_pyproject():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(part["pip"] for part in conda if isinstance(part, dict))
    assert sorted(pip) == sorted(["-c constraints.txt", "-e .", *requirements()])
    python = next(part for part in conda if isinstance(part, str) and part.startswith("python="))
    assert Requirement("python" + pyproject()["requires-python"]).specifier.contains(python.split("=")[1])


def test_every_requirement_is_pinned_once_and_allowed():
    pins = constraints()
    for line in requirements():
        requirement = Requirement(line)
        assert requirement.specifier.contains(Version(pins[requirement.name.lower()])), line


def test_the_constraints_hold_what_is_installed():
    from importlib.metadata import version

    different = {n: (v, found) for n, v in constraints().items() if (found := _installed(n, version)) and Version(found).public != Version(v).public}
    if different and not (os.environ.get("CI") or Path(sys.prefix).parent == ROOT):
        pytest.skip(f"this environment was not made from constraints.txt: {sorted(different)[:3]}")
    assert not different


def _installed(name, version):
    try:
        return version(name)
    except ModuleNotFoundError:
        return None


def imported_rooms(path):
    """(room of the file, rooms it imports at any depth, relative imports resolved)."""
    parts = path.relative_to(ROOT / "avlab").with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ("avlab", *parts[:-1])[: len(parts) + 1 - node.level] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("avlab."):
                yield name.split(".")[1]


def test_rooms_look_back_only():
    bad = []
    for path in sorted((ROOT / "avlab").rglob("*.py")):
        room = path.relative_to(ROOT / "avlab").with_suffix("").parts[0]
        if room == "__init__":
            continue
        for other in imported_rooms(path):
            backwards = other == room or (other in ROOMS and ROOMS.index(other) < ROOMS.index(room)) or other.startswith("__")
            if not backwards or {room, other} == {"probe", "detectors"}:
                bad.append(f"{path.relative_to(ROOT)} imports avlab.{other}")
    assert not bad, "\n".join(bad)


def test_show_and_workbook_know_no_network():
    """show and workbook may not import torch at module level (session.py may inside functions, to seed and to choose the device)."""
    for path in [*(ROOT / "avlab/show").rglob("*.py"), *(ROOT / "avlab/workbook").rglob("*.py")]:
        top = [n for n in ast.parse(path.read_text()).body if isinstance(n, (ast.Import, ast.ImportFrom))]
        assert not [n for n in top if re.match(r"torch|diffusers|captum", getattr(n, "module", None) or n.names[0].name)], path


def test_import_is_silent_and_light():
    code = "import sys, avlab; print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'plotly', 'pandas', 'diffusers', 'librosa', 'scipy', 'av'}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)
