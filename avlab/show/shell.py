"""What all explorers have in common: one HTML figure with a head, labelled controls, a stage, a line that is read aloud, and a script of its own."""

import html
import json
from importlib.resources import files

import numpy as np

from avlab.errors import AvlabError
from avlab.show.html import prefix

BYTES = 3_000_000                                  # an explorer past this limit is a slow page, not a better explanation


def packed(title, data):
    """(id, JSON) of an explorer's data; the id depends on the content alone, and the JSON may stand inside a script element."""
    body = json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    return prefix(title + body), body


def words_of(value):
    """How a control says one of its values."""
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def is_number(value):
    """A number that a slider can stand on; True and False are words."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def control(key, k, label, values, at):
    """A labelled slider for numbers, a labelled menu for words; a control with one value is no control."""
    if len(values) == 1:
        return f'<input type="hidden" data-control="{k}" value="0">'
    texts, uid = [words_of(v) for v in values], f"{key}-{k}"
    name = html.escape(label)
    if all(is_number(v) for v in values):
        return (f'<label for="{uid}">{name} <input id="{uid}" data-control="{k}" type="range" min="0" max="{len(values) - 1}" step="1" '
                f'value="{at}" autocomplete="off" aria-valuetext="{html.escape(texts[at])}"> <output for="{uid}" data-out="{k}">{html.escape(texts[at])}'
                f'</output></label>')
    options = "".join(f'<option value="{i}"{" selected" if i == at else ""}>{html.escape(t)}</option>' for i, t in enumerate(texts))
    return f'<label for="{uid}">{name} <select id="{uid}" data-control="{k}" autocomplete="off">{options}</select></label>'


def starts(names, grid, start):
    """Index of every control at the start; refuses a value that is not on its grid."""
    for name, value in start.items():
        if name not in names or value not in grid[names.index(name)]:
            raise AvlabError("The start of an explorer is one of its states", got=f"{name}={value!r}")
    return [g.index(start[n]) if n in start else 0 for n, g in zip(names, grid, strict=True)]


def shell(key, body, *, title, world, controls, stage, note, caption, script, after=""):
    """The whole explorer as one HTML figure. Raises AvlabError past 3 MB.

    controls, stage, after   HTML        note   the words of the state shown        script   name of its file in assets/
    """
    asset, said = files("avlab.show") / "assets", html.escape(title, quote=True)
    page = (f'<figure id="{key}" class="avlab-explorer" aria-label="{said}"><style>{(asset / "explore.css").read_text().replace("#ID", "#" + key)}</style>'
            f'<div class="av-head"><span>{html.escape(title)}</span><span class="av-world">{html.escape(world)}</span></div>'
            f'<div class="av-controls">{controls}</div>{stage}'
            f'<figcaption><p class="av-live" aria-live="polite">{html.escape(note)}</p>{html.escape(caption)}</figcaption>{after}'
            f'<script>{(asset / script).read_text().rstrip()}("{key}",{body})</script></figure>')
    if len(page) > BYTES:
        raise AvlabError(f"An explorer stays under {BYTES / 1e6:.0f} MB", got=f"{len(page) / 1e6:.1f} MB",
                         todo="Send uint8 pictures, fewer states or clips, or smaller frames")
    return page
