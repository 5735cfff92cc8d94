"""The command line: light until a command runs, refusals in one sentence, exit codes, and each command wired to a function that exists."""

import ast
import importlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from avlab import cli
from avlab.workbook import doctor

ROOT = Path(__file__).parents[2]


@pytest.fixture
def avlab(monkeypatch, capsys):
    """Call the console script's entry point here: a new process would spend its time on imports."""
    before = signal.getsignal(signal.SIGTERM)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["avlab", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return SimpleNamespace(returncode=end.value.code or 0, stdout=said.out, stderr=said.err)

    yield call
    signal.signal(signal.SIGTERM, before)


def test_help_names_every_command_and_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['avlab', '--help']\nfrom avlab.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(sorted({'torch', 'numpy', 'pydantic', 'plotly', 'papermill', 'jupytext', 'av', 'rich', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    for command in ("run", "build", "params", "golden", "claims", "probe", "manifest", "train", "extract", "bench", "doctor"):
        assert f"\n  {command} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]", done.stdout[-200:]


def imports_of_commands():
    """(module, name) of every import inside a function of cli.py."""
    tree = ast.parse((ROOT / "avlab/cli.py").read_text())
    inside = [node for function in tree.body if isinstance(function, ast.FunctionDef) for node in ast.walk(function)]
    return sorted({(node.module, alias.name) for node in inside if isinstance(node, ast.ImportFrom) for alias in node.names if node.module.startswith("avlab")})


@pytest.mark.parametrize("module, name", imports_of_commands())
def test_what_a_command_imports_exists(module, name):
    home = importlib.import_module(module)
    assert hasattr(home, name) or importlib.import_module(f"{module}.{name}")


def test_a_mistyped_parameter_ends_with_code_3_and_one_sentence(avlab, project, tmp_path):
    done = avlab("run", "90", "-p", "stesp=20", "--profile", "smoke", "--notebooks", project, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (3, "") and not (tmp_path / "out").exists()
    assert done.stderr.strip().count("\n") == 0 and "did you mean steps" in done.stderr


def test_a_run_without_report_says_each_cell_and_a_summary(avlab, project, tmp_path):
    done = avlab("run", "90", "--profile", "smoke", "--notebooks", project, "--out", tmp_path / "out", "--no-report", "--threads", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cell  8/8" in done.stdout and "90   passed" in done.stdout and (tmp_path / "out/90/run.json").exists()


def test_build_check_and_student_build(avlab, project, tmp_path):
    assert avlab("build", "--check", "--notebooks", project).returncode == 0
    source = project / "src/90_fixture.py"
    source.write_text(source.read_text().replace("What is the sum", "What is the total"))
    late = avlab("build", "--check", "--notebooks", project)
    assert late.returncode == 1 and "90_fixture.ipynb: differs from its source" in late.stdout
    assert avlab("build", "--notebooks", project).returncode == 0 and avlab("build", "--check", "--notebooks", project).returncode == 0
    assert avlab("build", "--notebooks", project, "--student", tmp_path / "student").returncode == 0
    assert "NotImplementedError" in (tmp_path / "student/90_fixture.ipynb").read_text()


def test_params_prints_values_of_a_profile_and_a_schema(avlab, project):
    shown = avlab("params", "90", "--notebooks", project, "--profile", "full").stdout
    assert "steps: int = 40\n" in shown and "scales: list[float] = [1.0, 2.0]\n" in shown and 'device: str = "auto"\n' in shown
    schema = json.loads(avlab("params", "90", "--notebooks", project, "--schema").stdout)
    assert schema["properties"]["steps"]["minimum"] == 4 and schema["additionalProperties"] is False


def golden_record(folder, **more):
    folder.mkdir(parents=True)
    record = {
        "notebook": "90",
        "profile": "smoke",
        "status": "passed",
        "golden_sha256": "d",
        "device": "cpu",
        "parameters": {"seed": 0, "mutant": "none"},
        "versions": {},
        "seconds": 3.0,
        "peak_rss_mb": 100.0,
        "machine": "here",
        "metrics": {"sum_of_steps": {"value": 45}},
    } | more
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_golden_writes_beside_the_notebook_and_refuses_the_wrong_run(avlab, project, tmp_path):
    good, other = golden_record(tmp_path / "a"), golden_record(tmp_path / "b", profile="full")
    done = avlab("golden", "90", "--from", good, "--reason", "first recorded for tests", "--notebooks", project)
    assert done.returncode == 0 and "+ sum_of_steps 45" in done.stdout
    assert json.loads((project / "goldens/90.smoke.json").read_text())["metrics"]["sum_of_steps"]["value"] == 45
    done = avlab("golden", "90", "--from", other, "--reason", "first recorded for tests", "--notebooks", project)
    assert done.returncode == 2 and "its own notebook and profile" in done.stderr


def test_manifest_check_reports_by_line_and_column(avlab, tmp_path):
    path = tmp_path / "rows.csv"
    assert avlab("manifest", "build", "--out", path).returncode == 0
    assert avlab("manifest", "check", path).returncode == 0
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("RVRA", "RVRB")
    path.write_text("\n".join(lines) + "\n")
    done = avlab("manifest", "check", path)
    assert done.returncode == 1 and "line 4, " in done.stdout
    split = avlab("manifest", "split", path, "--out", tmp_path / "split.csv", "--fractions", "a,b")
    assert split.returncode == 2 and "three numbers" in split.stderr


def test_the_doctor_finds_what_is_missing(tmp_path, monkeypatch):
    assert doctor.weights(tmp_path)[0].state == "missing"
    (tmp_path / "probe.safetensors").write_bytes(b"weights")
    card = tmp_path / "probe.json"
    card.write_text(json.dumps({"sha256": "0" * 64}))
    assert "differs from" in doctor.weights(tmp_path)[0].said
    card.write_text(json.dumps({"sha256": __import__("hashlib").sha256(b"weights").hexdigest()}))
    assert doctor.weights(tmp_path)[0].state == "ok"
    (tmp_path / "probe.safetensors").unlink()
    assert "not there" in doctor.weights(tmp_path)[0].said

    def broken():
        raise OSError("no such device")

    monkeypatch.setattr(doctor, "python", broken)
    findings = doctor.examine()
    assert len(findings) >= 8 and "cannot run the notebooks: " in doctor.text(findings)
    assert "gpu profile" in doctor.text([doctor.Finding("torch", "ok", "")]) and doctor.text([doctor.Finding("gpu", "ok", "")]).endswith("smoke, full, gpu")


def test_what_cannot_be_read_or_written_ends_in_one_sentence(avlab, project, tmp_path):
    file = tmp_path / "a file"
    file.write_text("no json")
    (tmp_path / "bad.ipynb").write_text("[]")
    (tmp_path / "runs/90").mkdir(parents=True)
    (tmp_path / "runs/90/run.json").write_text("{}")
    refused = {
        ("manifest", "build", "--out", tmp_path / "nowhere/rows.csv"): "could not be read or written",
        ("manifest", "build", "--out", tmp_path): "could not be read or written",
        ("build", "--notebooks", project, "--student", file): "could not be read or written",
        ("run", "90", "--profile", "smoke", "--notebooks", project, "--out", file): "could not be read or written",
        ("golden", "90", "--from", tmp_path / "none", "--reason", "a b c", "--notebooks", project): "could not be read or written",
        ("golden", "90", "--from", file, "--reason", "a b c", "--notebooks", project): "written by `avlab run`",
        ("claims", "--out", tmp_path / "runs"): "without metrics, notebook",
        ("params", tmp_path / "bad.ipynb"): "JSON file with cells",
    }
    for words, sentence in refused.items():
        done = avlab(*words)
        assert done.returncode == 2 and sentence in done.stderr and done.stderr.count("\n") == 1, (words, done.stderr)
    assert avlab("run", tmp_path / "bad.ipynb", "--out", tmp_path / "out").returncode == 3 and not (tmp_path / "out").exists()
