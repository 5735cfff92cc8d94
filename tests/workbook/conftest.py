"""A project of one tiny notebook, built in a temporary folder, with a course module beside it."""

import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def fixture_course(monkeypatch):
    """Make the fixture's course module importable here and in kernels."""
    monkeypatch.syspath_prepend(str(FIXTURES))
    monkeypatch.setenv("PYTHONPATH", str(FIXTURES))
    import fixture_course
    return fixture_course


@pytest.fixture
def project(tmp_path, fixture_course):
    """A notebooks folder with the fixture's source, built."""
    from avlab.workbook import build
    folder = tmp_path / "notebooks"
    (folder / "src").mkdir(parents=True)
    shutil.copy(FIXTURES / "90_fixture.py", folder / "src")
    build.build_all(folder)
    return folder
