"""The command line. Every command imports what it needs when it runs, so that `avlab --help` stays instant."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from avlab.errors import AvlabError

NOTEBOOKS = Annotated[Path, typer.Option("--notebooks", help="Folder of the notebooks.")]
OUT = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
app = typer.Typer(help="avlab: audio-visual deepfake detectors, taken apart. A workbook of notebooks, and the library behind it.",
                  no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
manifest_app = typer.Typer(help="Manifests: what each clip is, and which split it may be used in.", no_args_is_help=True, rich_markup_mode=None)
train_app = typer.Typer(help="Train the probe that the package ships, or a detector.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(manifest_app, name="manifest")
app.add_typer(train_app, name="train")


class Profile(StrEnum):
    """How much a run does: smoke about a minute a notebook, full a few, gpu wants a GPU."""

    smoke = "smoke"
    full = "full"
    gpu = "gpu"


PROFILE = Annotated[Profile, typer.Option("--profile", help="smoke, full or gpu.")]


@app.command()
def run(notebooks: Annotated[list[str] | None, typer.Argument(help="Numbers such as 01, or .ipynb paths; all when left out.")] = None,
        profile: PROFILE = Profile.full,
        parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value, may be repeated.")] = None,
        out: OUT = Path("reports"), folder: NOTEBOOKS = Path("notebooks"),
        seeds: Annotated[int, typer.Option(min=0, help="Run seeds 0..N-1 into OUT/seed-K.")] = 0,
        resume: Annotated[bool, typer.Option(help="Skip what passed before with the same parameters and sources.")] = False,
        threads: Annotated[int, typer.Option(min=1, help="Threads of each notebook.")] = 2,
        at_once: Annotated[int, typer.Option("--jobs", min=1, help="Notebooks side by side; give each its share of the cores with --threads.")] = 1,
        cell_timeout: Annotated[float | None, typer.Option(help="Seconds a cell may take.")] = None,
        timeout: Annotated[float | None, typer.Option(help="Seconds a notebook may take.")] = None,
        timings: Annotated[bool, typer.Option(help="Keep cell times in the executed notebooks.")] = False,
        report: Annotated[bool, typer.Option(help="Write the HTML pages and OUT/index.html.")] = True):
    """Execute notebooks headless, judge them, and write the report."""
    import signal

    from avlab.workbook import runner
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a stopped run still ends its kernels
    try:
        jobs = runner.plan(runner.find(notebooks or [], folder), profile.value, parameter or [], out, seeds)
    except AvlabError as error:
        fail(error, runner.EXIT["bad-parameters"])
    out.mkdir(parents=True, exist_ok=True)  # a folder that cannot be written is refused now, not after the first run
    records = runner.run_all(jobs, at_once=at_once, resume=resume, threads=threads, cell_s=cell_timeout, limit_s=timeout, timings=timings, say=say)
    say("\n" + runner.summary(records))
    code = runner.exit_code(records)
    if report:
        from avlab.workbook.report import write_report
        try:
            say(f"report: {write_report(out)}")
        except AvlabError as error:
            say(f"report: {error}")
            code = code or 1
    raise typer.Exit(code)


@app.command()
def build(folder: NOTEBOOKS = Path("notebooks"),
          student: Annotated[Path | None, typer.Option(help="Write notebooks with open exercises into this folder instead.")] = None,
          check: Annotated[bool, typer.Option("--check", help="Change nothing; say what is out of step and exit 1.")] = False):
    """Build notebooks/*.ipynb from notebooks/src/*.py."""
    from avlab.workbook import build as builder
    if check:
        late = builder.stale(folder)
        say("\n".join(late) or "all notebooks are in step with their sources")
        raise typer.Exit(1 if late else 0)
    changed = builder.build_all(folder, student=student)
    say("\n".join(str(path) for path in changed) or "nothing changed")


@app.command()
def params(notebook: Annotated[str, typer.Argument(help="Number or .ipynb path.")], folder: NOTEBOOKS = Path("notebooks"),
           schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema.")] = False, profile: PROFILE = Profile.smoke):
    """Show the parameters of a notebook: name, type, value in a profile."""
    import json

    from avlab import course
    from avlab.workbook import build as builder
    from avlab.workbook import params as parameters
    from avlab.workbook import runner
    module = course.load(builder.notebook_id(builder.cells_of(runner.find([notebook], folder)[0])))
    if schema:
        say(json.dumps(module.Params.model_json_schema(), indent=2))
        return
    values = parameters.as_json(parameters.resolve(module, profile.value))
    for name, field in module.Params.model_fields.items():
        say(f"{name}: {parameters.plain_type(field.annotation)} = {json.dumps(values[name])}")


@app.command()
def golden(notebook: Annotated[str, typer.Argument(help="Number or .ipynb path.")],
           source: Annotated[list[Path], typer.Option("--from", help="run.json of a run, or its folder; repeat for several seeds.")],
           reason: Annotated[str, typer.Option(help="Why the new values are right.")],
           profile: PROFILE = Profile.smoke, folder: NOTEBOOKS = Path("notebooks")):
    """Write the golden of a notebook and profile from runs that somebody has looked at."""
    import json

    from avlab import course
    from avlab.workbook import build as builder
    from avlab.workbook import claims as ledger
    from avlab.workbook import golden as goldens
    from avlab.workbook import runner
    path = runner.find([notebook], folder)[0]
    module = course.load(builder.notebook_id(builder.cells_of(path)))
    files = [place if place.is_file() else place / "run.json" for place in source]
    records = [ledger.record(file) for file in files]
    for record, file in zip(records, files, strict=True):
        if (record["notebook"], record["profile"]) != (runner.key_of(path), profile.value):
            raise AvlabError("A golden comes from runs of its own notebook and profile", got=f"{file}: {record['notebook']}, {record['profile']}")
    made, target = goldens.propose(records, module, reason), goldens.path_of(path, profile.value)
    old = json.loads(target.read_text(encoding="utf-8")) if target.exists() else None
    say("\n".join(goldens.differences(old, made)) or "no metric changed")
    goldens.write(target, made)
    say(f"written: {target}")


@app.command()
def claims(out: OUT = Path("reports"),
           accept: Annotated[bool, typer.Option("--accept", help="Hold the verdicts of these runs from now on.")] = False):
    """Judge the claims ledger over the runs of a report folder; exit 1 when a verdict flipped without its row being touched."""
    from avlab.workbook import claims as ledger
    raise typer.Exit(ledger.main(out, say=say, accept_them=accept))


@app.command()
def probe(clip: Annotated[Path, typer.Argument(help="A video file with sound.")], out: OUT = Path("probed"),
          max_seconds: Annotated[float, typer.Option(min=0.64, help="Longer clips are cut; a second of film takes about 9 s on two cores.")] = 6.4):
    """Take one clip through the bundled probe: phi, psi, the residual film and one HTML page."""
    from avlab.workbook.clip_page import probe_clip
    say(f"page: {probe_clip(clip, out, max_seconds=max_seconds, say=say)}")


@manifest_app.command("build")
def manifest_build(out: Annotated[Path, typer.Option("--out", help="CSV file to write.")] = Path("data_manifests/synthtalk.csv")):
    """Write SynthTalk's manifest from its recipe."""
    from avlab.clips import manifest
    rows = manifest.load("synthtalk")
    manifest.save(rows, out)
    say(f"{len(rows)} rows written to {out}")


@manifest_app.command("check")
def manifest_check(path: Annotated[str, typer.Argument(help="CSV file, or synthtalk.")],
                   root: Annotated[Path | None, typer.Option(help="Folder that paths start from.")] = None):
    """Report bad rows by line and column, and people or files that stand in two splits; exit 1 when there are any."""
    from avlab.clips import manifest, splits
    rows = manifest.load(path, root=root)
    problems = [f"line {line}, {column}: {message}" for line, column, message in rows.problems]
    found = [f"leak: {leak.kind} {leak.value} stands in {', '.join(leak.splits)}" for leak in splits.leaks(rows)]
    say("\n".join(problems + found + [f"{len(rows)} good rows, {len(problems)} bad, {len(found)} leaks"]))
    raise typer.Exit(1 if problems or found else 0)


@manifest_app.command("split")
def manifest_split(path: Annotated[str, typer.Argument(help="CSV file.")], out: Annotated[Path, typer.Option("--out", help="CSV file to write.")],
                   fractions: Annotated[str, typer.Option(help="train,val,test")] = "0.6,0.2,0.2", seed: int = 0):
    """Split a manifest so that no person stands in two parts; bad rows are reported and left out, and the exit code is then 1."""
    from dataclasses import replace

    from avlab.clips import manifest, splits
    rows = manifest.load(path)
    for line, column, message in rows.problems:
        say(f"left out: line {line}, {column}: {message}")
    if any(row.path for row in rows) and out.resolve().parent != Path(path).resolve().parent:
        raise AvlabError("A split manifest stands beside its source, where its paths start", got=out, todo=f"--out {Path(path).parent / out.name}")
    try:
        shares = tuple(float(part) for part in fractions.split(","))
    except ValueError:
        raise AvlabError("Fractions are three numbers, such as 0.6,0.2,0.2", got=fractions) from None
    if len(shares) != 3:
        raise AvlabError("Fractions are three numbers, such as 0.6,0.2,0.2", got=fractions)
    names = splits.split_by_identity(rows, shares, seed)
    manifest.save([replace(row, split=name) for row, name in zip(rows, names, strict=True)], out)
    say(f"{', '.join(f'{names.count(name)} {name}' for name in ('train', 'val', 'test'))}; written to {out}")
    raise typer.Exit(1 if rows.problems else 0)


@train_app.command("probe")
def train_probe(work: Annotated[Path, typer.Option(help="Folder for checkpoints; a second call goes on from them.")] = Path("work/probe"),
                out: Annotated[Path | None, typer.Option(help="Weights (.safetensors), with the card beside them. Default: WORK/probe.safetensors.")] = None,
                measure: Annotated[bool, typer.Option("--measure", help="Train nothing: measure weights (the bundled ones without --out).")] = False):
    """Train the bundled probe by its recipe (one to two hours on two cores; resumable), or repeat the figures of its card."""
    from avlab.probe import card
    if measure:
        card.repeat(out, say=say)
    else:
        card.train(work, out or work / "probe.safetensors", say=say)


@train_app.command("forger")
def train_forger(name: Annotated[str, typer.Argument(help="reenact, lipsync, ldm or flow.")],
                 work: Annotated[Path, typer.Option(help="Folder for data and checkpoints; a second call goes on from them.")] = Path("work/forgers"),
                 out: Annotated[Path | None, typer.Option(help="Weights (.safetensors), with the card beside them.")] = None,
                 measure: Annotated[bool, typer.Option("--measure", help="Train nothing: measure weights (the bundled ones without --out).")] = False):
    """Train one of SynthTalk's learned forgers by its recipe (minutes; resumable), or repeat the figures of its card."""
    from avlab.synthtalk import forger_card
    if measure:
        forger_card.repeat(name, out, say=say)
    else:
        forger_card.train(name, work, out or work / f"forger_{name}.safetensors", say=say)


def train_detector(name: str, title: str):
    """Add `avlab train NAME`: one function a detector, because typer reads commands from functions."""
    def command(out: Annotated[Path, typer.Option("--out", help="Folder for the weights and the checkpoint; a second call goes on from it.")],
                source: Annotated[str, typer.Option("--manifest", help="CSV file, or synthtalk.")] = "synthtalk",
                root: Annotated[Path | None, typer.Option(help="Folder that paths of the manifest start from.")] = None,
                size: Annotated[str, typer.Option(help="small or paper.")] = "small",
                epochs: Annotated[int, typer.Option(min=1)] = 20, seed: Annotated[int, typer.Option(min=0)] = 0,
                forgers: Annotated[str, typer.Option(help="Comma-separated, such as faceswap,dub; all of the train split when left out.")] = "",
                clips: Annotated[int, typer.Option(min=0, help="At most so many to train on, half as many to validate; 0 = all.")] = 0,
                seconds: Annotated[float, typer.Option(min=0.64, help="Length of a clip.")] = 0.64,
                patience: Annotated[int, typer.Option(min=0, help="Epochs without a better validation before it stops; 0 = never.")] = 5,
                lr: Annotated[float | None, typer.Option(help="Learning rate; default: that of the size.")] = None,
                batch_size: Annotated[int | None, typer.Option(min=1)] = None,
                device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
                store: Annotated[Path | None, typer.Option(help="Folder of computed inputs. Default: OUT/inputs.")] = None,
                anew: Annotated[bool, typer.Option("--anew", help="Start again in spite of a checkpoint.")] = False,
                parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value of the detector, such as use_phi=false; may be repeated.")] = None):
        from avlab.workbook import train_detector as trainer
        trainer.train(name, out, source=source, root=root, size=size, epochs=epochs, seed=seed, forgers=[part for part in forgers.split(",") if part],
                      clips=clips, seconds=seconds, patience=patience, lr=lr, batch_size=batch_size, device=device, store=store,
                      options=detector_options(parameter or []), resume=not anew, say=say)

    train_app.command(name, help=f"Train {title} on the train split of a manifest, chosen on its val split; resumable.")(command)


def detector_options(words: list[str]) -> dict:
    """{"use_phi": False, "embed": "tokens"} of ["use_phi=false", "embed=tokens"]: values are JSON, or words."""
    import json
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise AvlabError("An option of a detector is written name=value", got=word)
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


for _name, _title in (("xavdt", "X-AVDT"), ("msct", "MSCT"), ("amdd", "AMDD"), ("mmmsba", "MMMS-BA")):
    train_detector(_name, _title)


@app.command()
def extract(source: Annotated[str, typer.Argument(metavar="MANIFEST", help="CSV file, or synthtalk.")],
            out: Annotated[Path, typer.Option("--out", help="The store.")],
            split: Annotated[str, typer.Option(help="Only this split.")] = "",
            phi: Annotated[bool, typer.Option(help="Invert and reconstruct as well.")] = False,
            device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu"):
    """Compute probe features of every clip into a store; resumable."""
    from avlab.probe.extract import extract as compute
    done = compute(source, out, split=split, phi=phi, device=device, say=say)
    raise typer.Exit(1 if done.failed else 0)


@app.command()
def bench(out: Annotated[Path | None, typer.Option("--out", help="JSON file for the figures.")] = None):
    """Measure what the probe costs beside a plain implementation and the bare network calls."""
    from avlab.probe import bench as benchmark
    benchmark.main(out, say=say)


@app.command()
def doctor():
    """Say what this machine can run and what is missing; exit 1 when the smoke profile could not run."""
    from avlab.workbook import doctor as check
    findings = check.examine()
    say(check.text(findings))
    raise typer.Exit(1 if any(finding.state == "missing" and finding.needed for finding in findings) else 0)


def say(text: str) -> None:
    """Print a line now, also into a pipe."""
    print(text, flush=True)


def fail(error: AvlabError, code: int = 2):
    """Say what was wrong on stderr and end with a code."""
    print(f"avlab: {error}", file=sys.stderr)
    sys.exit(code)


def main() -> None:
    """Entry point of the console script: what a user can put right ends in one sentence, a bug of ours in a traceback."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files and cells may hold what the terminal cannot show
    try:
        app(prog_name="avlab")
    except AvlabError as error:
        fail(error)
    except OSError as error:
        if error.errno is None:
            raise
        fail(AvlabError("A file or folder could not be read or written", got=str(error)))


if __name__ == "__main__":
    main()
