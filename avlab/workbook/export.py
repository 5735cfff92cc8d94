"""An executed notebook as one offline HTML page.

Nothing is fetched: formulas are MathML, explorers carry their data, figures are drawn by one plotly.min.js that lies beside
the pages (`shared`, 4.8 MB once instead of in every page; a file next to the page opens with the network cut just as well)
or inside the page (`inline`, for a page that travels alone). Widget state is dropped: its static form stands there already.
"""

import html
import json
import re
from importlib.resources import files
from pathlib import Path

from avlab.errors import AvlabError
from avlab.show.theme import TEXT_CSS
from avlab.workbook import evidence, gate, prose

PLOTLY = "application/vnd.plotly.v1+json"
SCRIPT = "plotly.min.js"
BYTES = 6_000_000


def asset(name):
    """Text of a file in workbook/assets."""
    return (files("avlab.workbook") / "assets" / name).read_text(encoding="utf-8")


def export(notebook, path, *, title=None, facts="", links=(), pages=None, plotly="shared"):
    """Write the page of an executed notebook and return its path.

    notebook  path of an .ipynb, or a notebook node        path   where the page goes
    facts     one line under the title (profile, time, status)        links  (text, href) for the top bar
    pages     {notebook file name: page} so that links between notebooks work
    plotly    'shared' (a file beside the page) or 'inline'

    Raises AvlabError when the page would fetch something, has a figure without description, or passes 6 MB.
    """
    import nbformat
    nb = notebook if hasattr(notebook, "cells") else nbformat.read(notebook, as_version=4)
    body = "\n".join(filter(None, (_cell(cell, i, pages or {}) for i, cell in enumerate(nb.cells))))
    title = title or _title(nb) or Path(path).stem
    if "<h1" not in body:
        body = f"<h1>{html.escape(title)}</h1>\n{body}"
    if facts:
        body = re.sub(r"(</h1>)", lambda m: f'{m[1]}<p class="session">{html.escape(facts)}</p>', body, count=1)
    return write(path, page(title, body, links=links, code="source" in body, plotly=plotly if "data-plot" in body else None))


def write(path, text):
    """Write a page after the gate has seen it, with plotly.js beside it where it asks for it; returns the path."""
    path = Path(path)
    found = gate.problems(re.sub(r"<script data-inline>.*?</script>", "", text, flags=re.S))     # plotly.js itself names addresses
    if found:
        raise AvlabError(f"{path.name} is not an offline, described page", got="; ".join(found[:5]), todo="Show figures through show(), references as text")
    if len(text.encode()) > BYTES + (5_000_000 if "data-inline" in text else 0):
        raise AvlabError("A page stays under 6 MB", got=f"{len(text.encode()) / 1e6:.1f} MB", todo="Show fewer states or smaller pictures")
    path.parent.mkdir(parents=True, exist_ok=True)
    if f'src="{SCRIPT}"' in text and not (path.parent / SCRIPT).exists():
        from plotly.offline import get_plotlyjs
        (path.parent / SCRIPT).write_text(get_plotlyjs(), encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    return path


def page(title, body, *, links=(), code=False, plotly=None, toc=True):
    """A whole page around a body: language, title, top bar, contents, theme and code switches, scripts."""
    marks = prose.headings(body) if toc else []
    contents = "".join(f'<li><a href="#{html.escape(i, quote=True)}">{html.escape(t)}</a></li>' for i, t in marks)
    nav = f'<nav class="toc" aria-label="On this page"><details><summary>On this page</summary><ol>{contents}</ol></details></nav>' if len(marks) > 1 else ""
    tops = "".join(f'<a href="{html.escape(h, quote=True)}">{html.escape(t)}</a>' for t, h in links)
    script = ""
    if plotly == "shared":
        script = f'<script src="{SCRIPT}"></script>'
    elif plotly == "inline":
        from plotly.offline import get_plotlyjs
        script = f"<script data-inline>{get_plotlyjs()}</script>"
    hide = '<button type="button" data-do="code" aria-pressed="false" hidden>Hide code</button>' if code else ""
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<title>{html.escape(title)}</title><style>{asset("page.css")}{TEXT_CSS}</style></head>\n<body><a class="skip" href="#main">Skip to the text</a>'
            f'<header class="top"><a class="brand" href="index.html">avlab</a>{tops}<span class="grow"></span>{hide}<button type="button" data-do="theme" '
            f'hidden>Theme: system</button></header>\n'
            f'<div class="wrap{" with-toc" if nav else ""}">{nav}<main id="main">\n{body}\n</main></div>\n'
            f'<footer class="foot">avlab workbook. This page fetches nothing: it reads the same with the network cut.</footer>\n{script}'
            f'<script>{asset("page.js")}</script></body></html>\n')


def _title(nb):
    """Text of the first level-one heading."""
    for cell in nb.cells:
        if cell.cell_type == "markdown" and (m := re.search(r"^# +(.+)$", cell.source, re.M)):
            return re.sub(r"[*`$]", "", m[1]).strip()
    return None


def _cell(cell, index, pages):
    """One cell as HTML, '' for an empty one."""
    if cell.cell_type == "markdown":
        return f'<section class="prose">{prose.to_html(cell.source, pages)}</section>'
    if cell.cell_type != "code":
        return ""
    noted = any(evidence.METRIC in o.get("data", {}) for o in cell.outputs)      # then a bare last value only repeats a metric
    kept = [(k, o) for k, o in enumerate(cell.outputs) if not (noted and o.output_type == "execute_result" and set(o.data) == {"text/plain"})]
    outputs = _fold("".join(_output(o, f"fig-{index}-{k}") for k, o in kept))
    tags, source = set(cell.metadata.get("tags", [])), ""
    if cell.source.strip() and "remove-input" not in tags:
        source = f'<div class="source">{_highlight(cell.source)}</div>'
        if tags & {"hide-input", "parameters", "injected-parameters", "setup", "solution"}:
            name = "Parameters" if tags & {"parameters", "injected-parameters"} else "Solution" if "solution" in tags else "Code"
            source = f"<details><summary>{name}</summary>{source}</details>"
    return f'<div class="cell">{source}{outputs}</div>' if source or outputs else ""


def _fold(outputs):
    """More than four recorded numbers in a row fold into one line; prose and figures say what they mean."""
    def fold(match):
        count = match[0].count('class="metric"')
        return match[0] if count <= 4 else f"<details><summary>{count} recorded numbers</summary>{match[0]}</details>"
    return re.sub(r'(?:<span class="metric">.*?</span>)+', fold, outputs, flags=re.S)


def _highlight(source):
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer
    return highlight(source, PythonLexer(), HtmlFormatter(nowrap=False)).replace("<pre>", '<pre tabindex="0">')


def _output(out, uid):
    """One output as HTML: evidence as a chip, figures with their description, the rest by the richest form that is allowed."""
    if out.output_type == "stream":
        text = out.text if isinstance(out.text, str) else "".join(out.text)
        return f'<pre class="{out.name}" tabindex="0">{_ansi(text)}</pre>' if text.strip() else ""
    if out.output_type == "error":
        return f'<pre class="error" tabindex="0">{_ansi(chr(10).join(out.traceback))}</pre>'
    data, meta = out.data, out.get("metadata", {}).get("avlab", {})
    if meta.get("role") == "caption":
        return ""
    if PLOTLY in data:
        return _plot(data[PLOTLY], meta, uid)
    if evidence.METRIC in data:
        m = data[evidence.METRIC]
        return f'<span class="metric"><code>{html.escape(m["name"])}</code> = {m["value"]:.4g} {html.escape(m.get("unit") or "")}</span>'
    if any(kind in data for kind in (evidence.CLAIM, evidence.FINISH, evidence.SESSION)):
        return f'<p class="session">{html.escape(_joined(data["text/plain"]))}</p>'
    return _rich(data, meta)


def _rich(data, meta):
    """HTML, a picture, or text of an output that is none of ours."""
    caption = f"<figcaption>{html.escape(meta['caption'])}</figcaption>" if meta.get("caption") else ""
    if "text/html" in data:
        body = _joined(data["text/html"])
        return f'<div class="avlab-html">{body}{caption.replace("figcaption", "p")}</div>'
    for kind in ("image/svg+xml", "image/png", "image/jpeg"):
        if kind in data:
            import base64
            raw = base64.b64encode(_joined(data[kind]).encode()).decode() if kind.endswith("xml") else _joined(data[kind]).replace("\n", "")
            alt = html.escape(meta.get("alt", ""), quote=True)
            return f'<figure class="avlab-figure"><img src="data:{kind};base64,{raw}" alt="{alt}">{caption}</figure>'
    text = _joined(data.get("text/markdown") or "")
    if text:
        return f'<div class="prose">{prose.to_html(text)}</div>'
    return f'<pre tabindex="0">{_ansi(_joined(data["text/plain"]))}</pre>' if "text/plain" in data else ""


def _plot(fig, meta, uid):
    """A plotly figure: an image with its description to a screen reader, a drawing to the rest. Refuses a missing description."""
    if not meta.get("alt"):
        words = (fig.get("layout", {}).get("title") or {}).get("text", "")
        raise AvlabError("Every figure of a page has a description", got=f"a figure without alt text {words!r}", todo="Show it with nb.show(fig, alt=...)")
    body = json.dumps({"data": fig["data"], "layout": fig.get("layout", {})}, separators=(",", ":")).replace("</", "<\\/")
    layout = fig.get("layout", {})
    wide = (layout.get("meta") or {}).get("min_width", 300) if isinstance(layout.get("meta"), dict) else 300
    caption = f"<figcaption>{html.escape(meta['caption'])}</figcaption>" if meta.get("caption") else ""
    return (f'<figure class="avlab-figure"><div class="avlab-plot" role="img" tabindex="0" aria-label="{html.escape(meta["alt"], quote=True)}">'
            f'<div id="{uid}" class="plotly-graph-div" style="min-width:{int(wide)}px;height:{int(layout.get("height") or 400)}px"></div></div>{caption}'
            f'<script type="application/json" data-plot="{uid}">{body}</script></figure>')


def _joined(value):
    return value if isinstance(value, str) else "".join(value)


def _ansi(text):
    from nbconvert.filters.ansi import strip_ansi
    return html.escape(strip_ansi(text))
