"""Explorers: one call computes every state, and the same HTML moves in JupyterLab, in the exported page and after reopening.

The default form needs no kernel: native inputs, pictures as data URIs, a description per state. Where Python has to answer
(`live=`), JupyterLab gets ipywidgets beside the static form. Headless, only the static form is shown, but every state was
computed, so an error in any of them fails the run.
"""

import html
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from avlab.errors import AvlabError
from avlab.show import pictures
from avlab.show.display import alt_text, headless
from avlab.show.html import Html
from avlab.show.shell import control, is_number, packed, shell, starts, words_of
from avlab.show.sound import wav_uri
from avlab.show.svg import from_plotly
from avlab.show.svg_axes import extent, union
from avlab.show.theme import WORLD

STATES = 240                                       # 160 frames, or a grid of four controls; past it nobody looks at them all


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


def explore(fn, *, title, alt, live=None, caption="", labels=None, start=None, size=192, layers=None, quality=None,
            world=WORLD, **controls):
    """Compute fn over the grid of its controls and return an explorer of the results.

    fn        fn(**values) -> a uint8 image (H, W, 3) | a plotly figure | {name: image or figure} where the names
              'sound': (samples, rate in Hz) and 'note': str are special. An image with others laid over it is (image, {layer: image});
              a layer may have a fourth channel, its own opacity
    title     what can be explored, in words
    alt       description of one state: a format string over the controls ('Residual after {step} steps'), or a function
              (values, result) -> str. Lazy texts are refused, as in show()
    live      fn(**values) answered by Python in JupyterLab, for what cannot be computed beforehand; errors are shown
    quality   None: lossless PNG; 0..100: lossy WebP, a fifth of the bytes where pictures are noisy
    labels    {control: its label, unit in brackets}        start  {control: value shown first}
    size      width of one picture in CSS pixels
    layers    {layer: opacity at the start, 0..1, moved by a slider | True or False, moved by a switch}: for all panels at once
    controls  name = range or list of values; numbers become a slider, words a menu

    Raises AvlabError past 240 states or 3 MB, and for an empty control. Everything else that fn raises goes through.
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
    states = [_state(result, described, blobs, spans, quality) for result, described in computed]
    if any(s["names"] != states[0]["names"] for s in states):
        raise AvlabError("Every state of an explorer shows the same panels", got=sorted({tuple(s["names"]) for s in states}))
    first = starts(names, grid, start or {})
    labels = {n: (labels or {}).get(n, n.replace("_", " ")) for n in names}
    page = _page(title, caption, world, size, [(labels[n], g) for n, g in zip(names, grid, strict=True)], states, list(blobs), first, layers or {})
    widget = None if live is None or headless() else _live(live, labels, dict(zip(names, grid, strict=True)), start or {})
    return Explorer(page, count, f"{title}: {count} states. {states[0]['alt']}", widget)


def _spans(results):
    """{panel: axis ranges common to all states} of the plotly panels, so that the axes stand still while a control moves."""
    drawn = {n: [r[n] for r in results if n in r] for n, v in results[0].items() if hasattr(v, "to_plotly_json")}
    return {n: union([extent(f) for f in figs]) for n, figs in drawn.items()}


def _state(result, described, blobs, spans, quality):
    """One state as indices into the shared, deduplicated blobs (a dict used as an ordered set)."""
    panels = dict(result)
    sound, note = panels.pop("sound", None), panels.pop("note", "")
    if sound is not None:
        sound = _index(blobs, wav_uri(*sound))
    state = {"alt": described, "alts": [], "pictures": [], "drawings": [], "sound": sound, "note": note or described, "names": []}
    for name, panel in panels.items():
        drawn = _drawing(panel, spans.get(name))
        under, over = panel if isinstance(panel, tuple) else (panel, {})
        state["names"].append(("drawing" if drawn else "picture", name, tuple(over)))
        if drawn:
            state["drawings"].append(_index(blobs, drawn))
            continue
        for layer, image in {"": under, **over}.items():
            image = np.asarray(image)
            lossy = quality is not None and image.shape[-1] == 3
            state["pictures"].append(_index(blobs, pictures.film_uri(image[None], 1, quality) if lossy else pictures.data_uri(image)))
            state["alts"].append(": ".join(filter(None, (name, layer, described))))
    return state


def _drawing(panel, span):
    """SVG or HTML text of a figure-like panel; None for a picture."""
    if hasattr(panel, "to_plotly_json"):
        return from_plotly(panel, span)
    return panel._repr_html_() if isinstance(panel, Html) else None


def _index(blobs, blob):
    return blobs.setdefault(blob, len(blobs))


def _switches(key, layers):
    """A labelled slider or switch for every layer; the data of the states does not know them."""
    out = []
    for k, (name, start) in enumerate(layers.items()):
        uid, told = f"{key}-l{k}", html.escape(name, quote=True)
        if is_number(start):
            out.append(f'<label for="{uid}">opacity of {told} <input id="{uid}" data-opacity="{told}" type="range" min="0" max="1" step="0.1" '
                       f'value="{start:g}" autocomplete="off" aria-valuetext="{start:.0%}"> <output for="{uid}">{start:.0%}</output></label>')
        else:
            out.append(f'<label for="{uid}" class="av-switch"><input id="{uid}" data-opacity="{told}" type="checkbox" autocomplete="off"'
                       f'{" checked" if start else ""}> {told}</label>')
    return "".join(out)


def _stage(state, blobs, size, layers):
    """The panels of one state as plain HTML, in the order in which fn gave them."""
    cells, p, d = [], 0, 0
    for kind, name, over in state["names"]:
        if kind == "picture":
            films = []
            for layer in ("", *over):
                style = f'data-layer="{html.escape(layer, quote=True)}" style="opacity:{float(layers.get(layer, 1)):g}" ' if layer else ""
                films.append(f'<img data-slot="{p}" {style}width="{size}" src="{blobs[state["pictures"][p]]}" '
                             f'alt="{html.escape(state["alts"][p], quote=True)}">')
                p += 1
            stack = f'<div class="av-layers" style="width:{size}px">{"".join(films)}</div>' if over else films[0]
            cells.append(f'<div class="av-cell">{stack}{html.escape(name)}</div>')
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


def _page(title, caption, world, size, controls, states, blobs, first, layers):
    """The whole explorer as one HTML figure; its id depends on the content alone."""
    at = int(np.ravel_multi_index(first, [len(v) for _, v in controls]))
    data = {"controls": [{"texts": [words_of(v) for v in values]} for _, values in controls], "blobs": blobs,
            "states": [{k: s[k] for k in ("alt", "alts", "pictures", "drawings", "sound", "note")} for s in states]}
    key, body = packed(title, data)
    inputs = "".join(control(key, k, label, values, first[k]) for k, (label, values) in enumerate(controls)) + _switches(key, layers)
    sound = states[at]["sound"]
    audio = "" if sound is None else f'<audio controls src="{blobs[sound]}" aria-label="sound of the state shown"></audio>'
    return shell(key, body, title=title, world=world, controls=inputs, stage=f'<div class="av-stage">{_stage(states[at], blobs, size, layers)}</div>{audio}',
                 note=states[at]["note"], caption=caption, script="explore.js", after=_sheet(states, blobs, at))


def _live(fn, labels, grid, start):
    """ipywidgets for an explorer that Python answers. An error appears under the controls, not in a log nobody reads."""
    import ipywidgets as widgets
    from IPython.display import display
    inputs = {n: widgets.SelectionSlider(options=[(words_of(v), v) for v in values], value=start.get(n, values[0]), description=labels[n],
                                         continuous_update=False, style={"description_width": "initial"}) for n, values in grid.items()}
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
