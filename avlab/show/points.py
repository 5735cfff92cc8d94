"""The embedding explorer: a map of clips in which every point has a face to look at and a clip to play, by mouse and by keyboard."""

import base64
import html
import itertools
from collections import Counter

import numpy as np

from avlab.errors import AvlabError
from avlab.show import pictures, theme
from avlab.show.display import alt_text
from avlab.show.explore import Explorer
from avlab.show.shell import control, packed, shell, starts, words_of
from avlab.show.svg import MARKS

SIDE, EDGE = 440, 16            # the map in SVG units, and its margin
COLUMNS = 32                    # frames in a row of the sheet that holds all films: far from WebP's 16,383 pixels
COLOUR = "colour by"


def point_map(fn, groups, films, *, title, alt, names, sounds=None, rate=8000, fps=12.5, labels=None, start=None, quality=75, caption="", world=theme.WORLD,
              **controls):
    """A map of N clips over a grid of controls: hover or arrow keys show a clip's face, a click or Enter plays it.

    fn       fn(**values) -> (N, 2), a map without units      groups  {what the colour says: (N,) names}, at least one
    films    (N, T, H, W, 3) uint8, T frames at `fps` a second      sounds  (N, S) in [-1, 1] at `rate` Hz, or None; carried as 8 bits
    names    (N,) words about each clip      alt  (values, what the colour says) -> str, the finding of one state, or a format string over the controls
    quality  of the films: lossy WebP, 0..100      labels, start, caption, world, controls  as in explore()

    Points carry a symbol as well as a colour. Raises AvlabError for lengths that differ, a map that is not finite, and past 3 MB.
    """
    keys, grid = list(controls), [list(v) for v in controls.values()]
    n = len(films)
    _check(n, groups, names, sounds)
    states = [dict(zip(keys, values, strict=True)) for values in itertools.product(*grid)]
    maps = [_placed(fn(**values), n) for values in states]
    looks = [_look(group) for group in groups.values()]
    said = [[alt_text(alt(v, name) if callable(alt) else alt.format(**v)) for name in groups] for v in states]
    keys, grid = [*keys, "colour"], [*grid, list(groups)]
    first = starts(keys, grid, start or {})
    data = {"controls": [{"texts": [words_of(v) for v in values]} for values in grid], "maps": maps, "alts": [a for row in said for a in row],
            "looks": looks, "names": [str(x) for x in names], "film": pictures.film_uri(np.concatenate(films), COLUMNS, quality), "columns": COLUMNS,
            "frames": films.shape[1], "height": films.shape[2], "width": films.shape[3], "fps": fps, "rate": rate,
            "sounds": None if sounds is None else [_bytes(s) for s in sounds]}
    key, body = packed(title, data)
    known = {"colour": COLOUR} | (labels or {})
    inputs = "".join(control(key, k, known.get(name, name.replace("_", " ")), values, first[k])
                     for k, (name, values) in enumerate(zip(keys, grid, strict=True)))
    at = int(np.ravel_multi_index(first, [len(g) for g in grid]))
    place, look = maps[at // len(groups)], looks[at % len(groups)]
    page = shell(key, body, title=title, world=world, controls=inputs, stage=_stage(place, look, data["alts"][at], films[0, 0]), note=data["alts"][at],
                 caption=caption, script="points.js", after=_sheet(films, names))
    return Explorer(page, len(data["alts"]), f"{title}: {n} clips. {data['alts'][at]}")


def _sheet(films, names):
    """What a reader without scripts sees besides the map: up to eight faces, each with its words."""
    picks = np.unique(np.linspace(0, len(films) - 1, min(8, len(films))).round().astype(int))
    cells = "".join(f'<div><img width="96" src="{pictures.data_uri(films[i, films.shape[1] // 2])}" alt="face of {html.escape(str(names[i]), quote=True)}"><br>'
                    f'{html.escape(str(names[i]))}</div>' for i in picks)
    return f'<noscript><div class="av-sheet">{cells}</div></noscript>'


def _check(n, groups, names, sounds):
    """Refuse columns of other lengths than the films."""
    lengths = {name: len(g) for name, g in groups.items()} | {"names": len(names)} | ({} if sounds is None else {"sounds": len(sounds)})
    if not n or not groups or set(lengths.values()) != {n}:
        raise AvlabError("A map of clips has one name, one sound and one group of each kind for every film", got=f"{n} films, {lengths}")


def _placed(drawn, n):
    """A map (N, 2) as whole SVG units [x0, y0, x1, ...], middle in the middle, equal scale on both axes, up is up."""
    drawn = np.asarray(drawn, float)
    if drawn.shape != (n, 2) or not np.isfinite(drawn).all():
        raise AvlabError("A map gives every film two finite numbers", got=f"{drawn.shape}, {np.isfinite(drawn).all()=}")
    drawn = drawn - (drawn.max(0) + drawn.min(0)) / 2
    unit = drawn / max(np.abs(drawn).max(), 1e-12)
    return (SIDE / 2 + unit * (1, -1) * (SIDE / 2 - EDGE)).round().astype(int).ravel().tolist()


def _look(group):
    """Colour, symbol and legend of one way to colour: which entry each point has, and the legend as HTML."""
    group = [str(g) for g in group]
    order = list(dict.fromkeys(sorted(group, key=lambda g: (g != "real", g))))
    styles = [theme.style(name, k) for k, name in enumerate(order)]
    marks = [MARKS.get(s.symbol.removesuffix("-open"), MARKS["circle"]) for s in styles]
    paints = [["none", s.colour, 2] if s.symbol.endswith("-open") else [s.colour, theme.AXIS, 0.7] for s in styles]
    count = Counter(group)
    legend = "".join(f'<li><svg viewBox="-8 -8 16 16" aria-hidden="true"><path d="{d}" {_ink(p)}/></svg>{html.escape(s.label)} '
                     f'<small>{count[name]}</small></li>' for name, s, d, p in zip(order, styles, marks, paints, strict=True))
    return {"of": [order.index(g) for g in group], "paints": paints, "marks": marks, "legend": legend}


def _ink(paint):
    return 'fill="{}" stroke="{}" stroke-width="{}"'.format(*paint)


def _bytes(sound):
    """Samples in [-1, 1] as unsigned bytes, base64; the script puts the WAV header before them."""
    return base64.b64encode(((np.clip(np.asarray(sound, float), -1, 1) * 127) + 128).round().astype(np.uint8).tobytes()).decode()


def _stage(place, look, alt, face):
    """The map of the first state, the picture of the clip pointed at, and the legend."""
    marks = "".join(f'<path data-p="{i}" transform="translate({place[2 * i]},{place[2 * i + 1]})" d="{look["marks"][g]}" {_ink(look["paints"][g])}/>'
                    for i, g in enumerate(look["of"]))
    H, W = face.shape[:2]
    return (f'<div class="av-stage av-points"><div class="av-map" role="img" aria-label="{html.escape(alt, quote=True)}"><svg viewBox="0 0 {SIDE} {SIDE}" '
            f'aria-hidden="true" focusable="false"><g fill-opacity=".85">{marks}</g>'
            f'<circle class="av-ring" r="10" fill="none" stroke="currentColor" stroke-width="2" visibility="hidden"/></svg></div>'
            f'<div class="av-side"><canvas hidden role="img" aria-label="no clip chosen yet" width="{W}" height="{H}"></canvas>'
            f'<p class="av-at" aria-live="polite">Every point is a clip.</p><button type="button" hidden>Play the clip</button>'
            f'<ul class="av-key">{look["legend"]}</ul></div></div>')
