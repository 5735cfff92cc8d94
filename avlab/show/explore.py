"""Explorers: one call computes every state, and the same HTML moves in JupyterLab, in the exported page and after reopening.

The default form needs no kernel: native inputs, pictures as data URIs, a description per state. Where Python has to answer
(`live=`), JupyterLab gets ipywidgets beside the static form. Headless, only the static form is shown, but every state was
computed, so an error in any of them fails the run.
"""

import html
import itertools
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from avlab.errors import AvlabError
from avlab.show import pictures
from avlab.show.display import alt_text, headless
from avlab.show.html import Html, prefix
from avlab.show.sound import wav_uri
from avlab.show.svg import from_plotly
from avlab.show.svg_axes import extent, union
from avlab.show.theme import WORLD

STATES, BYTES = 60, 3_000_000                      # an explorer past these limits is a slow page, not a better explanation


@dataclass(frozen=True)
class Explorer:
    """A computed explorer: static HTML, its number of states, and the live widget (None headless or without `live`)."""
    html: str
    states: int
    text: str
    widget: Any = None

    def _repr_mimebundle_(self, include=None, exclude=None):
        static = {"text/html": self.html, "text/plain": self.text}
        if self.widget is None:
            return static
        made = self.widget._repr_mimebundle_()
        return (made[0] if isinstance(made, tuple) else made) | static


def explore(fn, *, title, alt, live=None, caption="", labels=None, start=None, size=192, world=WORLD, **controls):
    """Compute fn over the grid of its controls and return an explorer of the results.

    fn        fn(**values) -> a uint8 image (H, W, 3) | a plotly figure | {name: image or figure} where the names
              'sound': (samples, rate in Hz) and 'note': str are special
    title     what can be explored, in words
    alt       description of one state: a format string over the controls ('Residual after {step} steps'), or a function
              (values, result) -> str. Lazy texts are refused, as in show()
    live      fn(**values) answered by Python in JupyterLab, for what cannot be computed beforehand; errors are shown
    labels    {control: its label, unit in brackets}        start  {control: value shown first}
    size      width of one picture in CSS pixels
    controls  name = range or list of values; numbers become a slider, words a menu

    Raises AvlabError past 60 states or 3 MB, and for an empty control. Everything else that fn raises goes through.
    """
    names, grid = list(controls), [list(v) for v in controls.values()]
    count = int(np.prod([len(g) for g in grid])) if grid else 0
    if not 1 <= count <= STATES:
        raise AvlabError(f"An explorer has 1 to {STATES} states", got=f"{count} from {({n: len(g) for n, g in zip(names, grid, strict=True)})}",
                         todo="Give fewer values, or make two explorers")
    computed = []
    for values in itertools.product(*grid):
        values = dict(zip(names, values, strict=True))
        result = fn(**values)
        computed.append((result if isinstance(result, dict) else {"": result}, alt_text(alt(values, result) if callable(alt) else alt.format(**values))))
    spans, blobs = _spans([r for r, _ in computed]), {}
    states = [_state(result, described, blobs, spans) for result, described in computed]
    if any(s["names"] != states[0]["names"] for s in states):
        raise AvlabError("Every state of an explorer shows the same panels", got=sorted({tuple(s["names"]) for s in states}))
    first = _first(names, grid, start or {})
    labels = {n: (labels or {}).get(n, n.replace("_", " ")) for n in names}
    page = _page(title, caption, world, size, [(labels[n], g) for n, g in zip(names, grid, strict=True)], states, list(blobs), first)
    if len(page) > BYTES:
        raise AvlabError(f"An explorer stays under {BYTES / 1e6:.0f} MB", got=f"{len(page) / 1e6:.1f} MB in {count} states",
                         todo="Send uint8 pictures, fewer states or smaller frames")
    widget = None if live is None or headless() else _live(live, labels, dict(zip(names, grid, strict=True)), start or {})
    return Explorer(page, count, f"{title}: {count} states. {states[0]['alt']}", widget)


def _first(names, grid, start):
    """Index of every control at the start; refuses a value that is not on its grid."""
    for name, value in start.items():
        if name not in names or value not in grid[names.index(name)]:
            raise AvlabError("The start of an explorer is one of its states", got=f"{name}={value!r}")
    return [g.index(start[n]) if n in start else 0 for n, g in zip(names, grid, strict=True)]


def _spans(results):
    """{panel: axis ranges common to all states} of the plotly panels, so that the axes stand still while a control moves."""
    drawn = {n: [r[n] for r in results if n in r] for n, v in results[0].items() if hasattr(v, "to_plotly_json")}
    return {n: union([extent(f) for f in figs]) for n, figs in drawn.items()}


def _state(result, described, blobs, spans):
    """One state as indices into the shared, deduplicated blobs (a dict used as an ordered set)."""
    panels = dict(result)
    sound, note = panels.pop("sound", None), panels.pop("note", "")
    if sound is not None:
        sound = _index(blobs, wav_uri(*sound))
    state = {"alt": described, "alts": [], "pictures": [], "drawings": [], "sound": sound, "note": note or described, "names": []}
    for name, panel in panels.items():
        drawn = _drawing(panel, spans.get(name))
        state["names"].append(("drawing" if drawn else "picture", name))
        if drawn:
            state["drawings"].append(_index(blobs, drawn))
        else:
            state["pictures"].append(_index(blobs, pictures.data_uri(np.asarray(panel))))
            state["alts"].append(f"{name}: {described}" if name else described)
    return state


def _drawing(panel, span):
    """SVG or HTML text of a figure-like panel; None for a picture."""
    if hasattr(panel, "to_plotly_json"):
        return from_plotly(panel, span)
    return panel._repr_html_() if isinstance(panel, Html) else None


def _index(blobs, blob):
    return blobs.setdefault(blob, len(blobs))


def _input(key, k, label, values, at):
    """A labelled slider for numbers, a labelled menu for words; a control with one value is no control."""
    if len(values) == 1:
        return f'<input type="hidden" data-control="{k}" value="0">'
    texts, uid = [_text(v) for v in values], f"{key}-{k}"
    name = html.escape(label)
    if all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in values):
        return (f'<label for="{uid}">{name} <input id="{uid}" data-control="{k}" type="range" min="0" max="{len(values) - 1}" step="1" '
                f'value="{at}" autocomplete="off" aria-valuetext="{html.escape(texts[at])}"> <output for="{uid}" data-out="{k}">{html.escape(texts[at])}'
                f'</output></label>')
    options = "".join(f'<option value="{i}"{" selected" if i == at else ""}>{html.escape(t)}</option>' for i, t in enumerate(texts))
    return f'<label for="{uid}">{name} <select id="{uid}" data-control="{k}" autocomplete="off">{options}</select></label>'


def _text(value):
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def _stage(state, blobs, size):
    """The panels of one state as plain HTML, in the order in which fn gave them."""
    cells, p, d = [], 0, 0
    for kind, name in state["names"]:
        if kind == "picture":
            cells.append(f'<div class="av-cell"><img data-slot="{p}" width="{size}" src="{blobs[state["pictures"][p]]}" '
                         f'alt="{html.escape(state["alts"][p], quote=True)}">{html.escape(name)}</div>')
            p += 1
        else:
            cells.append(f'<div class="av-drawing" data-drawing="{d}" role="img" tabindex="0" aria-label="{html.escape(state["alt"], quote=True)}'
                         f'">{blobs[state["drawings"][d]]}</div>')
            d += 1
    return "".join(cells)


def _sheet(states, blobs, here):
    """What a reader without scripts sees besides the first state: up to eight others, described."""
    if not states[0]["pictures"]:
        return ""
    picks = [i for i in np.unique(np.linspace(0, len(states) - 1, min(8, len(states))).round().astype(int)) if i != here]
    cells = "".join(f'<div><img width="96" src="{blobs[states[i]["pictures"][-1]]}" alt="{html.escape(states[i]["alt"], quote=True)}"></div>' for i in picks)
    return f'<noscript><div class="av-sheet">{cells}</div></noscript>' if cells else ""


def _page(title, caption, world, size, controls, states, blobs, first):
    """The whole explorer as one HTML figure; its id depends on the content alone."""
    at = int(np.ravel_multi_index(first, [len(v) for _, v in controls]))
    data = {"controls": [{"texts": [_text(v) for v in values]} for _, values in controls], "blobs": blobs,
            "states": [{k: s[k] for k in ("alt", "alts", "pictures", "drawings", "sound", "note")} for s in states]}
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    key, asset = prefix(title + body), files("avlab.show") / "assets"
    inputs = "".join(_input(key, k, label, values, first[k]) for k, (label, values) in enumerate(controls))
    sound = states[at]["sound"]
    audio = "" if sound is None else f'<audio controls src="{blobs[sound]}" aria-label="sound of the state shown"></audio>'
    words = html.escape(title)
    return (f'<figure id="{key}" class="avlab-explorer" aria-label="{html.escape(title, quote=True)}">'
            f'<style>{(asset / "explore.css").read_text().replace("#ID", "#" + key)}</style>'
            f'<div class="av-head"><span>{words}</span><span class="av-world">{html.escape(world)}</span></div><div class="av-controls">{inputs}</div>'
            f'<div class="av-stage">{_stage(states[at], blobs, size)}</div>{audio}'
            f'<figcaption><p class="av-live" aria-live="polite">{html.escape(states[at]["note"])}</p>{html.escape(caption)}'
            f'</figcaption>{_sheet(states, blobs, at)}'
            f'<script>{(asset / "explore.js").read_text().rstrip()}("{key}",{body})</script></figure>')


def _live(fn, labels, grid, start):
    """ipywidgets for an explorer that Python answers. An error appears under the controls, not in a log nobody reads."""
    import ipywidgets as widgets
    from IPython.display import display
    inputs = {n: widgets.SelectionSlider(options=[(_text(v), v) for v in values], value=start.get(n, values[0]), description=labels[n], continuous_update=False,
                                         style={"description_width": "initial"}) for n, values in grid.items()}
    out = widgets.Output()

    def answer(_=None):
        with out:
            out.clear_output(wait=True)
            for panel in _answer(fn(**{n: w.value for n, w in inputs.items()})):
                display(panel)

    for w in inputs.values():
        w.observe(answer, "value")
    answer()
    return widgets.VBox([*inputs.values(), out])


def _answer(result):
    """What a live explorer displays for one result: its pictures in a row, each with its name, then everything else."""
    panels = result if isinstance(result, dict) else {"": result}
    row = "".join(f'<figure style="margin:0"><img width="192" style="image-rendering:pixelated" src="{pictures.data_uri(p)}" '
                  f'alt="{html.escape(n or "result", quote=True)}">'
                  f"<figcaption>{html.escape(n)}</figcaption></figure>" for n, p in panels.items() if isinstance(p, np.ndarray))
    rest = [Html(html.escape(p)) if isinstance(p, str) else p for n, p in panels.items() if not isinstance(p, np.ndarray) and n != "sound"]
    return ([Html(f'<div style="display:flex;gap:12px;flex-wrap:wrap">{row}</div>')] if row else []) + rest
