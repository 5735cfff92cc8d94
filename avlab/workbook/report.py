"""The report: a page for every executed notebook, and a front page with the claims ledger. Offline, and for every reader."""

import html
import json
import re
import tomllib
import zipfile
from importlib.resources import files
from pathlib import Path

from avlab.course import texts
from avlab.errors import AvlabError
from avlab.show.html import table
from avlab.workbook import changes, claims, export, judge, prose

WORLD = "SynthTalk"
CLASS = {judge.HOLDS: "good", claims.ARITHMETIC: "calc", claims.IDENTITY: "calc", judge.FAILS: "bad", judge.CONTROL: "bad", claims.BROKEN: "bad",
         claims.INCOMPLETE: "bad"}
SIGN = {"good": "✓", "bad": "✗", "open": "–", "calc": "="}          # a verdict is never shown by colour alone


def write_report(out):
    """Write NN_topic.html of every executed notebook under `out`, index.html, and both in report.zip; returns the front page's path.

    Reads NN/run.json and executed.ipynb, or seed-K/NN where there are several seeds (pages from the first). Every page is written
    before a problem with one of them is raised, so one bad notebook does not take the report with it. Raises AvlabError.
    """
    out = Path(out)
    records = claims.runs(out)
    if not records:
        raise AvlabError("A report needs executed notebooks", got=f"no run.json under {out}", todo="Run `avlab run` first")
    shown = first_runs(out)
    pages = {r["file"]: f"{Path(r['file']).stem}.html" for r, _ in shown}
    problems = {}
    for at, (record, folder) in enumerate(shown):
        try:
            links = [("Report", "index.html")] + [(t, pages[shown[k][0]["file"]]) for t, k in (("Previous", at - 1), ("Next", at + 1)) if 0 <= k < len(shown)]
            title = f"{record['notebook']} {record['title']}"
            export.export(folder / "executed.ipynb", out / pages[record["file"]], title=title, facts=facts(record), links=links, pages=pages)
        except AvlabError as error:
            problems[record["notebook"]] = str(error)
    path = index(out / "index.html", [r for r, _ in shown], records, {r["notebook"]: goals(f) for r, f in shown}, pages, problems)
    archive(out, [path, *(out / name for name in pages.values())])
    if problems:
        raise AvlabError("Every page of the report can be written", got="; ".join(f"{k}: {v}" for k, v in problems.items()), todo=f"The others are in {path}")
    return path


def archive(out, pages):
    """Write report.zip, the pages and what they need in one file, the same bytes for the same pages; returns its path."""
    path = out / "report.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted({p for p in (*pages, out / export.SCRIPT) if p.exists()}):
            entry = zipfile.ZipInfo(f"report/{file.name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def first_runs(out):
    """[(record, folder)] of one run a notebook: the plain run, else the one of the lowest seed; in reading order."""
    order = [n["id"] for n in course_map()]
    found = {}
    for path in sorted(out.glob("*/run.json")) + sorted(out.glob("seed-*/*/run.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        found.setdefault(record["notebook"], (record, path.parent))
    return [found[k] for k in sorted(found, key=lambda k: (order.index(k) if k in order else 99, k))]


def course_map():
    """The twelve notebooks of course.toml, in reading order."""
    return tomllib.loads((files("avlab.workbook") / "course.toml").read_text(encoding="utf-8"))["notebook"]


def goals(folder):
    """The learning goals that a notebook states itself: the list after 'You will be able to'."""
    try:
        cells = json.loads((folder / "executed.ipynb").read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError):
        return []
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    found = re.search(r"[Yy]ou (?:will be|are) able to.*?\n((?:\s*[-*] .*\n?|\s*\d+\. .*\n?|[ \t]+\S.*\n?)+)", text + "\n")
    return [re.sub(r"\s+", " ", g).strip(" .;") for g in re.split(r"\n\s*(?:[-*]|\d+\.) ", "\n" + found[1].strip("\n")) if g.strip()] if found else []


def facts(record):
    """One line about a run: profile, device, outcome, time, memory."""
    words = (record["status"], f"profile {record['profile']}", record["device"], f"seed {record['parameters']['seed']}",
             f"{record['seconds']:.0f} s", f"{record['peak_rss_mb']:.0f} MB")
    return " · ".join(words)


def index(path, shown, records, aims, pages, problems):
    """Write the front page."""
    judged = claims.ledger(records)
    turned = claims.flips(judged)
    now = changes.snapshot(records, judged)
    before = changes.remember(path.parent / changes.MEMORY, now)
    parts = [lead(shown), failures(shown, problems, turned), since(before, now), tally(judged), ledger(judged, shown, pages), untestable(),
             course(shown, aims, pages), box(), glossary(), machine(shown)]
    return export.write(path, export.page("avlab: what four deepfake detectors claim, and what holds here", "\n".join(filter(None, parts)), links=[]))


def lead(shown):
    """What the reader has in front of them."""
    profiles = ", ".join(sorted({r["profile"] for r in shown}))
    return (f'<h1>What four deepfake detectors claim, and what holds here</h1><p class="lead">Each row of the ledger is one claim of a paper, the numbers '
            f'it prints, '
            f'and what our notebooks found: by arithmetic on the printed numbers alone, or by experiment in {WORLD}, a small drawn world in which every '
            f'forgery is known. '
            f'Verdicts on experiments speak of that world and of one probe, not of the papers.</p><p class="session">{len(shown)} '
            f'notebook{"s" * (len(shown) != 1)}, profile {html.escape(profiles)}</p>')


def failures(shown, problems, turned):
    """What went wrong, where, and the command that repeats it; '' when nothing did."""
    bad = [r for r in shown if r["status"] != "passed" or r["notebook"] in problems]
    if not bad and not turned:
        return ""
    items = []
    for r in bad:
        cell, last = r.get("cell"), "\n".join(r.get("tail", [])[-30:])
        why = r["message"] or problems.get(r["notebook"], "")
        source = f'<p>Failing cell {cell["index"]}:</p><pre tabindex="0">{html.escape(cell["source"])}</pre>' if cell else ""
        lines = f'<details><summary>Last lines</summary><pre tabindex="0">{html.escape(last)}</pre></details>' if last else ""
        status = r["status"] if r["status"] != "passed" else "page not written"
        items.append(f'<div class="fail"><h3>{html.escape(r["notebook"])} {html.escape(r["title"])}: {html.escape(status)}</h3><p>{html.escape(why)}'
                     f'</p>{source}{lines}'
                     f'<p>Repeat it: <code>{html.escape(r["command"])}</code></p></div>')
    items += [f'<div class="fail"><h3>A verdict flipped</h3><p>{html.escape(t)}</p><p>Its row in claims.toml was not touched. Either a change broke it, or '
              f'it is news: '
              f'look, then accept it with <code>avlab claims --accept</code>.</p></div>' for t in turned]
    return f'<h2 id="failures">What needs attention</h2>{"".join(items)}'


def since(before, now):
    """What changed since the last run into this folder."""
    if before is None:
        said = "<p>This is the first report in this folder; the next one says here what changed.</p>"
    else:
        found = changes.sentences(before, now)
        said = f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in found)}</ul>" if found else \
            "<p>Every outcome, verdict and number is the same; times and memory differ by no more than noise.</p>"
    return f'<h2 id="changes">Since the last run</h2>{said}'


def tally(judged):
    """How many rows have which verdict."""
    order = [claims.ARITHMETIC, claims.IDENTITY, judge.HOLDS, judge.FAILS, judge.OPEN, judge.CONTROL, claims.BROKEN, claims.INCOMPLETE,
             claims.FEW, claims.SMOKE, claims.NOT_RUN]
    counts = [(v, sum(j.verdict == v for j in judged)) for v in order]
    return '<ul class="tally">' + "".join(f"<li><b>{n}</b><span>{html.escape(v)}</span></li>" for v, n in counts if n) + "</ul>"


def chip(verdict):
    """A verdict with its sign and colour."""
    kind = CLASS.get(verdict, "open")
    return f'<span class="verdict {kind}"><span aria-hidden="true">{SIGN[kind]} </span>{html.escape(verdict)}</span>'


def ledger(judged, shown, pages):
    """The claims ledger as a table; on a phone each row becomes a block."""
    there = {r["notebook"]: pages[r["file"]] for r in shown}
    seen, waiting = [[j for j in judged if (j.verdict == claims.NOT_RUN) == w] for w in (False, True)]
    later = (f'<details><summary>{len(waiting)} more claims wait for their notebook</summary>{rows_table(waiting, there, "Claims not run yet")}'
             f'</details>') if waiting else ""
    return (f'<h2 id="ledger">The claims ledger</h2>{rows_table(seen, there, "The claims ledger")}{later}<p '
            f'class="small">{html.escape(claims.multiplicity(judged))}</p>'
            f'<details><summary>What the verdicts mean</summary><p><b>arithmetic</b>, <b>identity</b>: recomputed here from printed numbers or by algebra; '
            f'such a row speaks of the printed numbers, never of intent. '
            f'<b>holds here</b>: the 95 % interval lies above 0 and reaches the smallest effect worth having, and every control stayed in its null band. '
            f'<b>does not hold here</b>: the interval ends below that smallest effect. '
            f'<b>not resolved</b>: neither; more clips are needed. <b>control failed</b>: a control left its band, so there is no verdict. Runs of fewer '
            f'than three seeds and smoke runs get none either.</p></details>')


def rows_table(judged, there, label):
    """Rows of the ledger as a table; '' without rows."""
    heads = ("Verdict", "Claim, in our words", "The paper prints", "We found", "We expected", "Where")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    body = "".join(ledger_row(j, there, heads) for j in judged)
    return (f'<div class="table" tabindex="0" role="region" aria-label="{label}"><table class="ledger"><thead><tr>{head}</tr></thead><tbody>{body}</tbody>'
            f'</table></div>') if judged else ""


def ledger_row(j, there, heads):
    """One claim: verdict, statement and source, printed numbers, ours with remarks, our prediction, its notebooks."""
    where = ", ".join(f'<a href="{there[n]}">{n}</a>' if n in there else n for n in j.row["notebooks"])
    notes = "".join(f'<br><span class="small">{html.escape(n)}</span>' for n in j.notes)
    what = f'<span class="small">effect: {html.escape(j.row["effect"])}; worth having from {j.row["min_effect"]:g}</span><br>' \
        if j.kind == "M" and j.ours else ""
    cells = (f'{html.escape(j.row["statement"])}<br><span class="small">{html.escape(j.row["paper"])}</span>', html.escape(j.row["numbers"]),
             what + html.escape(j.ours or "") + notes, html.escape(j.row["expected"]), where)
    says = f'<br><span class="says">{html.escape(j.row["says"])}</span>' if j.verdict in (claims.ARITHMETIC, claims.IDENTITY) else ""
    classes = ("statement", "prints", "ours", "expected", "")
    tds = "".join(f'<td class="{c}" data-name="{h}">{v or "–"}</td>' for h, c, v in zip(heads[1:], classes, cells, strict=True))
    return f'<tr id="{j.id}"><th scope="row">{chip(j.verdict)}{says}<br><span class="small">{j.id}</span></th>{tds}</tr>'


def untestable():
    """Claims that cannot be tested here, with the reason."""
    rows = claims.rows()[1]
    body = table(("Claim", "Why not"), [(r["name"], r["why"]) for r in rows])
    return f'<h2 id="untestable">Not testable here</h2>{body}'


def course(shown, aims, pages):
    """The course map: one card a notebook, with what it needs, what it cost here, and how it went."""
    ran = {r["notebook"]: r for r in shown}
    cards = []
    for n in course_map():
        r = ran.get(n["id"])
        name = f'{n["id"]} {html.escape(n["title"])}'
        title = f'<a href="{pages[r["file"]]}">{name}</a>' if r else name
        after = f'after {", ".join(n["needs"])}' if n["needs"] else "no prerequisites"
        list_ = "".join(f"<li>{html.escape(re.sub(r'[*`]', '', g))}</li>" for g in aims.get(n["id"], [])[:5])
        cost = (f'{chip_run(r)} <span class="facts">{r["seconds"]:.0f} s, {r["peak_rss_mb"]:.0f} MB measured, '
                f'profile {html.escape(r["profile"])}</span>') if r else '<span class="facts">not part of this report</span>'
        cards.append(f'<li class="card"><h3>{title}</h3><p class="facts">level {n["level"]} of 5 · about {n["minutes"]} min · {after}</p>'
                     f'<p>{html.escape(n["does"])}</p>'
                     + (f"<ul>{list_}</ul>" if list_ else "") + f"<p>{cost}</p></li>")
    return f'<h2 id="course">The course</h2><p>In reading order. A notebook needs the ones named after "after".</p><ul class="cards">{"".join(cards)}</ul>'


def chip_run(record):
    """Outcome of a run with its sign."""
    good = record["status"] == "passed"
    return f'<span class="verdict {"good" if good else "bad"}"><span aria-hidden="true">{"✓" if good else "✗"} </span>{html.escape(record["status"])}</span>'


def box():
    """The ethics and limits box."""
    return f'<h2 id="limits">Ethics and limits</h2>{prose.to_html(texts.ETHICS)}'


def glossary():
    """The field's words, folded."""
    items = "".join(f"<dt><b>{html.escape(t)}</b></dt><dd>{html.escape(line)}</dd>" for t, line in texts.GLOSSARY)
    return f'<h2 id="glossary">Glossary</h2><details><summary>{len(texts.GLOSSARY)} words of the field</summary><dl>{items}</dl></details>'


def machine(shown):
    """What the numbers were made on."""
    made = sorted({r["machine"] for r in shown})
    versions = sorted({f"{k} {v}" for r in shown for k, v in r["versions"].items() if k != "threads"})
    return f'<h2 id="machine">Made on</h2><p class="session">{html.escape("; ".join(made))}. {html.escape(", ".join(versions))}</p>'
