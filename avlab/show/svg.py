"""A plotly figure of lines, marks, bars and heat cells as plain SVG, so that an explorer needs no plotly.js to move.

Text and axes use currentColor and so follow the page's theme. What is not drawn here (3-D, maps, several legends) is
refused rather than left out silently.
"""

import html
import re

import numpy as np

from avlab.errors import AvlabError
from avlab.show import theme
from avlab.show.svg_axes import LEFT, RIGHT, TOP, extent, frame, line, text, width_of

MARKS = {"circle": "M0,-4.5A4.5,4.5 0 1,1 0,4.5A4.5,4.5 0 1,1 0,-4.5Z", "diamond": "M0,-5.5L5.5,0L0,5.5L-5.5,0Z", "square": "M-4,-4H4V4H-4Z",
         "triangle-up": "M0,-5L5,4H-5Z", "x": "M-4,-2L-2,-4L0,-2L2,-4L4,-2L2,0L4,2L2,4L0,2L-2,4L-4,2L-2,0Z",
         "star": "M0,-6L1.6,-2L6,-2L2.5,.8L4,5L0,2.4L-4,5L-2.5,.8L-6,-2L-1.6,-2Z",
         "pentagon": "M0,-5L5,-1.2L3,4.5H-3L-5,-1.2Z", "hexagon": "M-2.5,-4.5H2.5L5,0L2.5,4.5H-2.5L-5,0Z"}
DASH = {"dash": "8 5", "dot": "2 4", "dashdot": "8 4 2 4", "longdash": "12 5", "longdashdot": "12 4 2 4"}


def _points(t, sx, sy):
    return [(sx(x), sy(y)) for x, y in zip(t.x, t.y, strict=True) if y is not None and x is not None]


def _mark(t):
    """Path of a trace's symbol, drawn 9 px wide; a symbol not in MARKS is a bar or, failing that, a circle."""
    name = t.marker.symbol if isinstance(t.marker.symbol, str) else "circle"
    if name.startswith("line-"):
        return "M-1,-5H1V5H-1Z" if name.startswith("line-ns") else "M-5,-1V1H5V-1Z"
    return MARKS.get(name.removesuffix("-open"), MARKS["circle"])


def _paint(t, colour):
    """Fill and stroke of a trace's marks; '-open' symbols are outlines."""
    shade = t.marker.color if isinstance(t.marker.color, str) else colour
    if isinstance(t.marker.symbol, str) and t.marker.symbol.endswith("-open"):
        return f'fill="none" stroke="{shade}" stroke-width="1.6"'
    alpha = f' fill-opacity="{t.marker.opacity}"' if isinstance(t.marker.opacity, (int, float)) else ""
    return f'fill="{shade}"{alpha} stroke="{theme.AXIS}" stroke-width=".7"'


def _sizes(t, n):
    """Scale of each mark from marker.size, one number or one a point."""
    size = t.marker.size if t.marker.size is not None else 9
    return np.broadcast_to(np.asarray(size, float) / 9, n)


def _notes(fig, scales):
    """Annotations without arrows: subplot titles, labels on points. The world's tag stands in the explorer's head already."""
    foot, out = max(s.start for n, s in scales.items() if n[0] == "y"), []
    paper = {"x": (LEFT, width_of(fig) - RIGHT), "y": (foot, TOP)}

    def at(name, ref, value):
        ref = ref or name
        if ref in scales:
            return scales[ref](value)
        scale = scales.get(ref.split()[0])                     # 'x domain' spans its axis, 'paper' the whole plot
        a, b = (scale.start, scale.end) if scale else paper[name]
        return a + float(value) * (b - a)
    for a in fig.layout.annotations:
        if a.name == "world" or not a.text:
            continue
        x, y = at("x", a.xref, a.x) + (a.xshift or 0), at("y", a.yref, a.y) - (a.yshift or 0)
        anchor = {"left": "start", "right": "end"}.get(a.xanchor, "middle")
        lines = re.sub(r"<(?!br)[^>]+>", "", a.text).split("<br>")
        drop = {"bottom": -4, "top": 12}.get(a.yanchor, 4)
        out += [text(x, y + drop + 14 * k, words, anchor, a.font.size or 12) for k, words in enumerate(lines)]
    return "".join(out)


def _scatter(t, sx, sy):
    """Line, band and marks of one scatter trace."""
    pts, mode, out = _points(t, sx, sy), t.mode or "lines", []
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in pts) if pts else ""
    colour = t.line.color or t.marker.color or theme.BLUE
    if t.fill == "toself":
        return f'<path d="{path}Z" fill="{t.fillcolor}"/>'
    if "lines" in mode and path and t.line.width != 0:
        dash = f'stroke-dasharray="{DASH[t.line.dash]}"' if t.line.dash in DASH else ""
        out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{t.line.width or 2}" {dash}/>')
    if "markers" in mode and t.marker.opacity != 0:
        out.append(f'<g {_paint(t, colour)}>' + "".join(f'<path transform="translate({x:.1f},{y:.1f}) scale({k:.2f})" d="{_mark(t)}"/>'
                   for (x, y), k in zip(pts, _sizes(t, len(pts)), strict=True)) + "</g>")
    if "text" in mode:
        shade = t.textfont.color
        for k, ((x, y), words) in enumerate(zip(pts, t.text, strict=True)):
            ink = shade[k] if isinstance(shade, tuple | list) else "currentColor"
            lines = str(words).split("<br>")
            out += [text(x, y + 4 + 15 * (i - (len(lines) - 1) / 2), w, fill=ink) for i, w in enumerate(lines)]
    return "".join(out)


def _bars(traces, scales, stacked):
    """Bars beside each other or stacked, in the order of the traces."""
    out, below = [], {}
    for k, t in enumerate(traces):
        sx, sy = scales[t.xaxis or "x"], scales[t.yaxis or "y"]
        pitch = abs(sx.end - sx.start) / max(len(sx.names or t.x), 1)
        wide = pitch * 0.55 / (1 if stacked else len(traces))
        for x, y in zip(t.x, t.y, strict=True):
            low = below.get(str(x), 0.0) if stacked else 0.0
            left = sx(x) - (wide / 2 if stacked else wide * (len(traces) / 2 - k))
            top, foot = sorted((sy(low + y), sy(low)))
            out.append(f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{foot - top:.1f}" fill="{t.marker.color or theme.PALETTE[k % 7]}" '
                       f'stroke="{theme.AXIS}"/>')
            below[str(x)] = low + y
    return "".join(out)


def _heat(fig, t, sx, sy):
    """Cells of a heat map; their words are a text trace of their own (figures.heat_grid)."""
    from avlab.show.pictures import shades
    z = np.asarray(t.z, float)
    bar = fig.layout.coloraxis if t.coloraxis else t
    low, high = (bar.cmin, bar.cmax) if t.coloraxis else (t.zmin, t.zmax)
    low, high = np.nanmin(z) if low is None else low, np.nanmax(z) if high is None else high
    colours = shades((z - low) / ((high - low) or 1), bar.colorscale or theme.MAGNITUDE)
    xs, ys = (list(t[a]) if t[a] is not None else ((t[f"{a}0"] or 0) + np.arange(z.shape[n]) * (t[f"d{a}"] or 1)).tolist() for a, n in (("x", 1), ("y", 0)))
    w, h = abs(sx.end - sx.start) / z.shape[1], abs(sy.end - sy.start) / z.shape[0]
    out = []
    for r, c in np.ndindex(z.shape):
        x, y, rgb = sx(xs[c]), sy(ys[r]), colours[r, c]
        out.append(f'<rect x="{x - w / 2 + 1:.1f}" y="{y - h / 2 + 1:.1f}" width="{w - 2:.1f}" height="{h - 2:.1f}" fill="rgb({rgb[0]},{rgb[1]},{rgb[2]})"/>')
    return "".join(out)


def _shapes(fig, scales, height):
    """Reference lines and bands; a reference to the whole plot ('paper', 'x domain') spans the axis."""
    out = []
    for s in fig.layout.shapes:
        def at(name, ref, value):
            scale = scales.get((ref or name).split()[0]) or scales[name]
            whole = ref == "paper" or "domain" in (ref or "")
            return scale.start + float(value) * (scale.end - scale.start) if whole else scale(value)
        (xa, xb), (ya, yb) = ([at(n, s[f"{n}ref"], s[f"{n}{k}"]) for k in (0, 1)] for n in "xy")
        if s.type == "rect":
            out.append(f'<rect x="{min(xa, xb):.1f}" y="{min(ya, yb):.1f}" width="{abs(xb - xa):.1f}" height="{abs(yb - ya):.1f}" '
                       f'fill="{s.fillcolor or theme.BAND}"/>')
        else:
            dash = f'stroke-dasharray="{DASH[s.line.dash]}"' if s.line.dash in DASH else ""
            out.append(line(xa, ya, xb, yb, f'stroke="{s.line.color or theme.AXIS}" stroke-width="1.5" {dash}'))
    return "".join(out)


def _legend(fig, height):
    """Names of the shown traces under the plot, each with its mark or line."""
    named = [t for t in fig.data if t.name and t.showlegend is not False]
    if len(named) < 2 or fig.layout.showlegend is False:
        return ""
    out, x, y = [], LEFT, height - 8
    for k, t in enumerate(named):
        colour = (t.line.color if t.type == "scatter" else None) or t.marker.color or theme.PALETTE[k % 7]
        dash = f'stroke-dasharray="{DASH[t.line.dash]}"' if t.type == "scatter" and t.line.dash in DASH else ""
        if t.type == "bar":
            out.append(f'<rect x="{x}" y="{y - 10}" width="22" height="10" fill="{colour}"/>')
        else:
            out.append(line(x, y - 4, x + 24, y - 4, f'stroke="{colour}" stroke-width="2" {dash}') if "lines" in (t.mode or "lines") else "")
            out.append(f'<path transform="translate({x + 12},{y - 4})" {_paint(t, colour)} d="{_mark(t)}"/>' if "markers" in (t.mode or "") else "")
        out.append(text(x + 30, y, t.name, "start"))
        x += 46 + 7 * len(t.name)
    return "".join(out)


def from_plotly(fig, spans=None):
    """SVG text of a plotly figure of scatter, bar and heatmap traces; `spans` as from extent() or union().

    Raises AvlabError for other traces. Drawn: linear, log and category axes, subplots, dashes, symbols, bands,
    reference lines, cell texts, legend, title. Left out: hover, colour bars.
    """
    other = {t.type for t in fig.data} - {"scatter", "bar", "heatmap"}
    if other or not fig.data:
        raise AvlabError("An explorer draws scatter, bar and heatmap traces", got=sorted(other) or "no trace",
                         todo="Return pictures, or show the figure outside the explorer")
    legend = len([t for t in fig.data if t.name and t.showlegend is not False]) > 1 and fig.layout.showlegend is not False
    plot = int(fig.layout.height or 360)
    height = plot + (26 if legend else 0)
    scales, grid = frame(fig, spans or extent(fig), plot)
    bars, body = [t for t in fig.data if t.type == "bar"], []
    for t in fig.data:
        sx, sy = scales[t.xaxis or "x"], scales[t.yaxis or "y"]
        body.append(_scatter(t, sx, sy) if t.type == "scatter" else _heat(fig, t, sx, sy) if t.type == "heatmap" else "")
    clip = f'<g>{_shapes(fig, scales, plot)}{_bars(bars, scales, fig.layout.barmode == "stack")}{"".join(body)}</g>'
    title = text(LEFT, 22, fig.layout.title.text, "start", 15) if fig.layout.title.text else ""
    return (f'<svg viewBox="0 0 {width_of(fig)} {height}" font-family="{html.escape(theme.FONT, quote=True)}" aria-hidden="true" focusable="false">'
            f'{title}{grid}{clip}{_notes(fig, scales)}{_legend(fig, height)}</svg>')
