"""`avlab manifest build|check|split|assemble`. Each command imports what it needs when it runs."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from avlab.errors import AvlabError

SHOWN = 10  # problems of one kind that are printed; --all prints every one
ROOT = Annotated[Path | None, typer.Option("--root", help="Folder that paths start from.")]
app = typer.Typer(help="Manifests: what each clip is, and which split it may be used in.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def build(name: Annotated[str, typer.Argument(help="synthtalk, or fakeavceleb, dftimit, lavdf ...; data_manifests/ has a card of each.")] = "synthtalk",
          root: Annotated[Path | None, typer.Option("--root", help="Folder of the data set; it is only read.")] = None,
          out: Annotated[Path | None, typer.Option("--out", help=".csv, .csv.gz or .parquet file to write.")] = None,
          measure: Annotated[bool, typer.Option(help="Open every film: length, rate, codecs, silence, sha256. Resumable (OUT.journal).")] = True,
          workers: Annotated[int, typer.Option(min=1, help="Films measured at a time.")] = 2):
    """Write the manifest of a data set that lies on this machine, or SynthTalk's from its recipe."""
    from avlab.clips import datasets, facts, manifest, table
    if name == "synthtalk":
        out = out or Path("data_manifests/synthtalk.csv")
        rows = manifest.load("synthtalk")
        manifest.save(rows, out)
        say(f"{len(rows)} rows written to {out}")
        return
    module = datasets.module(name)
    if root is None or out is None:
        raise AvlabError("A manifest of files needs --root, the folder of the data set, and --out, the file to write", got=name)
    rows = module.rows(str(root))
    for path in rows.attrs["left_out"]:
        say(f"left out, the name holds odd characters: {path}")
    failed = []
    table.write(rows, out)  # before hours of measuring: what cannot be written is known now
    if measure:
        rows, failed = facts.measure_table(rows, str(root), f"{out}.journal", workers=workers, say=say)
        table.write(rows, out)
    say("\n".join(limited([("films that could not be measured", f"not measured: {clip_id}: {message}") for clip_id, message in failed], False)))
    say(f"{len(rows)} rows written to {out}: {counts(rows)}")
    say(f"now: avlab manifest check {out} --root {root}")
    raise typer.Exit(1 if failed else 0)


@app.command()
def check(path: Annotated[str, typer.Argument(help=".csv, .csv.gz or .parquet file, or synthtalk.")], root: ROOT = None,
          files: Annotated[bool, typer.Option(help="Look whether each file is there. Default: with --root.")] = False,
          shortcuts: Annotated[bool, typer.Option(help="Audit what length, silence, codec and size tell about the label.")] = True,
          everything: Annotated[bool, typer.Option("--all", help=f"Print every problem, not the first {SHOWN} of a kind.")] = False):
    """Report bad rows by line and column, and people, files or families that stand in two splits; exit 1 when there are any."""
    from avlab.clips import audit, table, table_check
    found = table.read(path, root=root)
    problems = table_check.problems(found, files=files or root is not None)
    generators = found.rows["split_scheme"].astype(str).str.contains("^generator|^xavdt", regex=True).any()
    leaks = table_check.leaks(found.rows, generators=generators)
    say("\n".join(limited([(column, f"line {line}, {column}: {message}") for line, column, message in problems], everything)
                  + limited([(leak.kind, f"leak: {leak.kind} {leak.value} stands in {', '.join(leak.splits)}") for leak in leaks], everything)
                  + [f"notice: {text}" for text in table_check.notices(found.rows)]))
    told = audit.shortcuts(found.rows) if shortcuts and found.name != "synthtalk" else []
    if told:
        say("\nWhat the file tells about the label (shortcut: the interval lies above 0.60; weak: above 0.50)\n" + "\n".join(audit.as_text(told)) + "\n")
    bad = {line for line, _, _ in problems}
    good = len(found.rows) - len(bad & set(found.rows.index))
    say(f"{good} good rows, {len(problems)} problems in {len(bad)} rows, {len(leaks)} leaks: {counts(found.rows)}")
    raise typer.Exit(1 if problems or leaks else 0)


@app.command()
def split(path: Annotated[str, typer.Argument(help=".csv, .csv.gz or .parquet file.")],
          out: Annotated[Path, typer.Option("--out", help="File to write, .csv, .csv.gz or .parquet.")],
          scheme: Annotated[str, typer.Option(help="identity, people, official, generator, amdd, mrdf or xavdt.")] = "identity",
          fractions: Annotated[str, typer.Option(help="train,val,test")] = "0.6,0.2,0.2", seed: int = 0,
          fold: Annotated[int, typer.Option(help="Test fold of mrdf, 0 to 4.")] = 0,
          disjoint: Annotated[bool, typer.Option("--disjoint", help="Drop rows of people who stand in two parts (official, amdd).")] = False,
          train: Annotated[str, typer.Option("--train-generators", help="Comma-separated (generator).")] = "",
          test: Annotated[str, typer.Option("--test-generators", help="Comma-separated (generator).")] = "", root: ROOT = None):
    """Split a manifest; bad rows are reported and left out, and the exit code is then 1."""
    from avlab.clips import protocols, table, table_check, table_splits
    shares = parsed_fractions(fractions)
    found = table.read(path, root=root)
    if (found.rows["path"] != "").any() and root is None and out.resolve().parent != Path(path).resolve().parent:
        raise AvlabError("A split manifest stands beside its source, where its paths start", got=out,
                         todo=f"--out {Path(path).parent / out.name}, or --root with the folder that paths start from")
    problems = table_check.problems(found)
    say("\n".join(limited([(column, f"left out: line {line}, {column}: {message}") for line, column, message in problems], False)))
    rows = found.rows.drop(index=[line for line in {problem.line for problem in problems} if line in found.rows.index])
    lists = [[part.strip() for part in text.split(",") if part.strip()] for text in (train, test)]
    made, name = protocols.assign(rows, scheme, fractions=shares, seed=seed, fold=fold, disjoint=disjoint, train=lists[0], test=lists[1])
    rows = table_splits.applied(rows, made, name)
    table.write(rows, out)
    sizes = Counter(rows["split"].astype(str))
    say(f"{', '.join(f'{sizes[part]} {part}' for part in ('train', 'val', 'test'))}, {protocols.dropped(rows, rows['split'])}; written to {out}")
    leaks = table_check.leaks(rows, generators=scheme in ("generator", "xavdt"))
    if leaks:
        say(f"{len(leaks)} leaks: {', '.join(f'{n} {kind}' for kind, n in Counter(leak.kind for leak in leaks).items())} (avlab manifest check {out})")
    raise typer.Exit(1 if problems else 0)


@app.command()
def assemble(root: Annotated[Path, typer.Argument(help="Folder that holds VidTIMIT/.")]):
    """Make films of VidTIMIT's folders of pictures, beside them, for the data set dftimit."""
    from avlab.clips.datasets import dftimit
    say(f"{dftimit.assemble(str(root), say=say)} films made")


def parsed_fractions(text: str) -> tuple:
    """Three numbers of "0.6,0.2,0.2"."""
    try:
        shares = tuple(float(part) for part in text.split(","))
    except ValueError:
        shares = ()
    if len(shares) != 3:
        raise AvlabError("Fractions are three numbers, such as 0.6,0.2,0.2", got=text)
    return shares


def limited(lines: list, everything: bool) -> list:
    """Texts of (kind, text), at most SHOWN of a kind unless everything is wanted, and how many more there are."""
    seen, kept = Counter(), []
    for kind, text in lines:
        seen[kind] += 1
        if everything or seen[kind] <= SHOWN:
            kept.append(text)
    return kept + [f"... and {n - SHOWN} more of {kind or 'lines'}" for kind, n in seen.items() if n > SHOWN and not everything]


def counts(rows) -> str:
    """"3 RVRA, 2 FVRA": rows of each category."""
    return ", ".join(f"{n} {name}" for name, n in rows["category"].astype(str).value_counts().items() if n)


def say(text: str) -> None:
    """Print a line now, also into a pipe; nothing for no text."""
    if text:
        print(text, flush=True)
