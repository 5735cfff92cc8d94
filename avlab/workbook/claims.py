"""The claims ledger: rows of claims.toml, evidence of recorded runs, a verdict for each, and whether a verdict has flipped."""

import fnmatch
import hashlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from avlab.errors import AvlabError
from avlab.workbook import judge

NOT_RUN, FEW, SMOKE, ARITHMETIC, IDENTITY, BROKEN = "not run yet", "too few seeds", "not judged (smoke)", "arithmetic", "identity", "does not add up"
INCOMPLETE = "evidence incomplete"                  # a run recorded other parts than the row asks for
ALWAYS = ("id", "name", "kind", "paper", "statement", "numbers", "expected", "notebooks")
NEEDED = {"A": ("metrics", "ours", "says"), "I": ("metrics", "ours", "says"), "M": ("parts", "test", "min_effect", "controls", "seeds", "effect")}


@dataclass(frozen=True)
class Judged:
    """One row with its verdict, what we measured in words, the parts behind it, and remarks."""
    id: str
    name: str
    kind: str
    verdict: str
    ours: str
    row: dict
    parts: tuple = ()
    notes: tuple = ()
    seeds: int = 0
    p: float | None = None
    survives_holm: bool | None = None


def rows(path=None):
    """The ledger: (list of claim rows, list of untestable rows, the world gate). Raises AvlabError for a row that cannot be judged."""
    text = Path(path).read_text(encoding="utf-8") if path else (files("avlab.workbook") / "claims.toml").read_text(encoding="utf-8")
    try:
        made = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AvlabError("The claims ledger is a TOML file", got=str(error)) from None
    seen = set()
    for row in made["claim"]:
        lacking = [k for k in (*ALWAYS, *NEEDED.get(row.get("kind"), ())) if k not in row]
        if lacking or row["kind"] not in NEEDED:
            raise AvlabError("A claim has its kind A, I or M and every field of that kind", got=f"{row.get('id')} without {lacking}")
        if {row["id"], row["name"]} & seen:
            raise AvlabError("A claim's id and name are its own", got=row["id"])
        if row["kind"] == "M" and (row["test"] not in ("each", "holm", "equivalence") or row["test"] == "equivalence" and not row.get("margin", 0) > 0):
            raise AvlabError("A measured claim is tested by each, holm, or equivalence with a margin", got=f"{row['id']}: {row['test']}")
        seen |= {row["id"], row["name"]}
    return made["claim"], made.get("untestable", []), made.get("gate")


def runs(folder):
    """Records of the runner under a folder: NN/run.json and seed-K/NN/run.json, in order."""
    found = sorted(Path(folder).glob("*/run.json")) + sorted(Path(folder).glob("seed-*/*/run.json"))
    return [record(path) for path in found]


def record(path):
    """One run.json. Raises AvlabError for a file that the runner did not write whole."""
    try:
        made = json.loads(Path(path).read_text(encoding="utf-8"))
        lacking = {"notebook", "profile", "status", "parameters", "metrics"} - set(made)
    except (ValueError, TypeError) as error:
        raise AvlabError("A run.json is written by `avlab run`", got=f"{path}: {error}", todo="Delete it and run again") from None
    if lacking:
        raise AvlabError("A run.json is written by `avlab run`", got=f"{path}: without {', '.join(sorted(lacking))}", todo="Delete it and run again")
    return made


def ledger(records, path=None):
    """Judge every row on recorded runs; returns a list of Judged in the ledger's order."""
    claims, _, gate = rows(path)
    good = [r for r in records if r["status"] == "passed"]
    shut = gate_out(gate, good)
    made = [_judged(row, good, shut) for row in claims]
    tested = [j for j in made if j.p is not None and j.verdict in (judge.HOLDS, judge.FAILS, judge.OPEN)]
    alive = dict(zip([j.id for j in tested], judge.holm([j.p for j in tested]), strict=True))
    return [Judged(**{**j.__dict__, "survives_holm": alive.get(j.id)}) for j in made]


def gate_out(gate, records):
    """The world gate: a sentence where a forger can be told by trifles, '' where not (or where it was never measured)."""
    if not gate:
        return ""
    seen = [(name, m["value"]) for r in records if r["notebook"] == gate["notebook"] and r["profile"] != "smoke"
            for name, m in r["metrics"].items() if fnmatch.fnmatch(name, gate["metric"])]
    worst = {}
    for name, value in seen:
        worst.setdefault(name, []).append(value)
    over = {n: sum(v) / len(v) for n, v in worst.items() if sum(v) / len(v) >= gate["below"]}
    return "" if not over else "world gate: " + ", ".join(f"{n} = {v:.2f}" for n, v in sorted(over.items())) + f", not below {gate['below']:.2f}"


def _judged(row, records, shut):
    base = {"id": row["id"], "name": row["name"], "kind": row["kind"], "row": row}
    return (_measured if row["kind"] == "M" else _computed)(row, records, base, shut)


def _computed(row, records, base, _):
    """An arithmetic or identity row: every one of its metrics must read 1."""
    noted = {}
    for record in (r for r in records if r["notebook"] in row["notebooks"]):
        noted |= {name: m["value"] for name, m in record["metrics"].items()}
    if not all(name in noted for name in row["metrics"]):
        return Judged(verdict=NOT_RUN, ours="", **base)
    wrong = [name for name in row["metrics"] if noted[name] != 1]
    said = {"A": ARITHMETIC, "I": IDENTITY}[row["kind"]]
    return Judged(verdict=BROKEN if wrong else said, ours=fill(row["ours"], noted), notes=tuple(f"{n} = {noted[n]:g}" for n in wrong), **base)


def fill(template, metrics):
    """Put recorded metrics into a sentence: '{l03.points:.2f} points'. A metric that was not recorded reads '?'."""
    def put(match):
        value = metrics.get(match[1])
        return "?" if value is None else format(value, match[2] or ".3g")
    return re.sub(r"\{([\w.\-+]+)(?::([^{}]*))?\}", put, template)


def _measured(row, records, base, shut):
    """A measured row: evidence of every seed, controls, parts, verdict."""
    found = [(r, c) for r in records if r["notebook"] in row["notebooks"] for c in r.get("claims", []) if c["id"] in (row["id"], row["name"])]
    if not found:
        return Judged(verdict=NOT_RUN, ours="", **base)
    real = [(r, c) for r, c in found if r["profile"] != "smoke"]
    if not real:
        return Judged(verdict=SMOKE, ours="a smoke run shows the machinery and gives no verdict", seeds=len(found), **base)
    evidence = [c for _, c in real]
    try:
        parts = judge.judge_parts(row, [c["parts"] for c in evidence])
    except AvlabError as error:
        return Judged(verdict=INCOMPLETE, ours="", notes=(str(error),), seeds=len(evidence), **base)
    seeds = sum(int(c.get("seeds", 1)) for c in evidence)
    out = ([shut] if shut else []) + judge.controls_out(row["controls"], [c.get("controls", {}) for c in evidence])
    said, notes = judge.together(parts, row["test"]), list(out)
    if out:
        said = judge.CONTROL
    elif seeds < min(3, row["seeds"]):
        said = FEW
        notes.append(f"{seeds} of {row['seeds']} seeds: the interval does not yet hold what changes from seed to seed")
    notes += _remarks(row, parts, said, real[0][0])
    p = max(p.p for p in parts) if row["test"] == "each" else min(p.p for p in parts)
    ours = "; ".join(f"{p.name} {p.estimate:+.3f} [{p.lo:+.3f}, {p.hi:+.3f}]" for p in parts)
    return Judged(verdict=said, ours=ours, parts=tuple(parts), notes=tuple(notes), seeds=seeds, p=p, **base)


def _remarks(row, parts, said, record):
    """What a verdict alone would hide: a real but small effect, and how many clips would settle an open one."""
    notes = []
    if said == judge.FAILS:
        notes += [f"{p.name} is real but too small to matter" for p in parts if p.lo > 0 and p.verdict == judge.FAILS]
    if said == judge.OPEN:
        clips = record["parameters"].get("clips_per_class")
        need = [judge.clips_needed(p, row["min_effect"], clips) for p in parts if p.verdict == judge.OPEN]
        if need and all(need):
            notes.append(f"about {max(need)} clips per class would tell 0 from {row['min_effect']:g} (now {clips})")
    return notes


def digest(row):
    """Fingerprint of a row: a verdict may change when its row changes."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:16]


def verdicts_file():
    """Where the accepted verdicts lie."""
    return Path(str(files("avlab.workbook") / "verdicts.json"))


def flips(judged, path=None):
    """Verdicts that differ from the accepted ones although their row was not touched, as sentences; a row that was not run is no flip."""
    path = Path(path or verdicts_file())
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    silent = (NOT_RUN, SMOKE, FEW)
    return [f"{j.id} {j.name}: was '{known[j.id]['verdict']}', now '{j.verdict}'" for j in judged
            if j.id in known and j.verdict not in silent and known[j.id]["verdict"] != j.verdict and known[j.id]["row"] == digest(j.row)]


def accept(judged, path=None):
    """Write the verdicts that were reached as the accepted ones, keeping accepted ones of rows that were not run; returns the path."""
    path = Path(path or verdicts_file())
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known |= {j.id: {"verdict": j.verdict, "row": digest(j.row)} for j in judged if j.verdict not in (NOT_RUN, SMOKE, FEW)}
    path.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
    return path


def multiplicity(judged):
    """One sentence on how many verdicts would be false by chance, and which survive Holm's correction."""
    tested = [j for j in judged if j.p is not None]
    planned = sum(j.kind == "M" for j in judged)
    expected, some = judge.chance_of_error(len(tested) or planned)
    kept = [j.id for j in tested if j.survives_holm]
    now = f"{len(tested)} rows were tested" if tested else f"{planned} rows will be tested"
    return (f"{now} at 95 %. If no effect were real, {expected:.2f} verdicts would be false on average, and the chance of at least one would be {some:.0%}."
            + (f" After Holm's correction these differ from 0: {', '.join(kept) or 'none'}." if tested else ""))


def table(judged):
    """The ledger as text, one row a claim."""
    said = [f"{j.verdict}: {j.row['says']}" if j.verdict in (ARITHMETIC, IDENTITY) else j.verdict for j in judged]
    wide = max(map(len, said))
    lines = [f"{j.id}  {verdict:<{wide}}  {j.name:<30} {j.ours or 'expected ' + j.row['expected']}" for j, verdict in zip(judged, said, strict=True)]
    lines += [f"       {note}" for j in judged for note in j.notes if j.verdict in (judge.CONTROL, BROKEN, INCOMPLETE)]
    return "\n".join([*lines, "", multiplicity(judged)])


def as_json(judged):
    """The judged ledger as plain data, for the report and for other programs."""
    return [{**asdict(j), "row": j.row} for j in judged]


def main(out, say=print, accept_them=False):
    """Judge the runs of a report folder, say the ledger, and return 1 when a verdict flipped or could not be reached rightly, else 0.

    accept_them  take the verdicts of these runs as the ones to hold from now on
    """
    records = runs(out)
    if not records:
        raise AvlabError("The ledger is judged on recorded runs", got=f"none in {out}", todo="Run `avlab run` first")
    judged = ledger(records)
    broken = [j.id for j in judged if j.verdict in (BROKEN, INCOMPLETE, judge.CONTROL)]
    say(table(judged))
    if accept_them:
        say(f"accepted: {accept(judged).name}")
    turned = flips(judged)
    for line in turned:
        say(f"FLIPPED  {line}")
    return 1 if turned or broken else 0
