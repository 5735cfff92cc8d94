"""Axes of a small SVG: ranges, scales, ticks and the frame of a plotly figure."""

import html
import math

import numpy as np

from avlab.show import theme

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 600, 66, 18, 44, 50


def _axes_of(fig):
    """{'x': axis, 'y2': axis, ...} of the axes that traces stand on."""
    used = {t.xaxis or "x" for t in fig.data} | {t.yaxis or "y" for t in fig.data}
    return {a: fig.layout[f"{a[0]}axis{a[1:]}"] for a in sorted(used)}


def _values(fig, name):
    """Every value that traces put on one axis, words for a category axis."""
    out, axis = [], name[0]
    for t in fig.data:
        if (t[f"{axis}axis"] or axis) != name:
            continue
        given = t[axis]
        if given is None:
            count = np.shape(t.z)[1 if axis == "x" else 0] if t.type == "heatmap" else len(t["y" if axis == "x" else "x"])
            given = (t[f"{axis}0"] or 0) + np.arange(count) * (t[f"d{axis}"] or 1)
        out += list(given)
        if t.type == "bar" and axis == "y":
            out.append(0)
    if fig.layout.barmode == "stack" and axis == "y":
        out.append(float(np.sum([np.max(np.asarray(t.y, float)) for t in fig.data if t.type == "bar"])))
    return out


def extent(fig):
    """{axis: (lo, hi) in axis units (log10 for log axes) or list of categories}: the range that each axis needs."""
    out = {}
    for name, axis in _axes_of(fig).items():
        values = _values(fig, name)
        if axis.type == "category" or any(isinstance(v, str) for v in values):
            out[name] = list(dict.fromkeys(str(v) for v in values))
        elif axis.range:
            out[name] = tuple(map(float, axis.range))
        else:
            v = np.asarray(values, float)
            v = np.log10(v[v > 0]) if axis.type == "log" else v[np.isfinite(v)]
            lo, hi = (float(v.min()), float(v.max())) if len(v) else (0.0, 1.0)
            pad = 0.05 * (hi - lo) or 0.5
            out[name] = (lo - pad, hi + pad)
    return out


def union(extents):
    """One range per axis for several figures: states of one explorer share their axes, else nothing can be compared."""
    out = dict(extents[0])
    for other in extents[1:]:
        for name, got in other.items():
            have = out[name]
            if isinstance(have, list):
                out[name] = list(dict.fromkeys(have + got))
            else:
                f, g = (min, max) if have[0] <= have[1] else (max, min)
                out[name] = (f(have[0], got[0]), g(have[1], got[1]))
    return out


class Scale:
    """Axis units to pixels of one axis."""

    def __init__(self, axis, span, start, end):
        self.log, self.names = axis.type == "log", span if isinstance(span, list) else None
        self.lo, self.hi = (-0.5, len(span) - 0.5) if self.names else span
        if axis.autorange == "reversed":
            self.lo, self.hi = self.hi, self.lo
        self.start, self.end = start, end

    def __call__(self, value):
        if self.names is not None:
            value = self.names.index(str(value)) if isinstance(value, str) or str(value) in self.names else float(value)
        value = math.log10(value) if self.log and value > 0 else -1e9 if self.log else float(value)
        return self.start + (value - self.lo) / ((self.hi - self.lo) or 1) * (self.end - self.start)

    def ticks(self, axis):
        """(value, text) of the tick marks."""
        if axis.tickvals is not None:
            return list(zip(axis.tickvals, axis.ticktext or [f"{v:g}" for v in axis.tickvals], strict=True))
        if self.names is not None:
            return [(n, n) for n in self.names]
        lo, hi = sorted((self.lo, self.hi))
        if self.log:
            steps = [1, 2, 5] if hi - lo < 2.5 else [1]
            every = [s * 10.0 ** e for e in range(math.floor(lo), math.ceil(hi) + 1) for s in steps]
            return [(v, f"{v:g}") for v in every if lo - 1e-9 <= math.log10(v) <= hi + 1e-9]
        raw = (hi - lo) / 6
        unit = 10 ** math.floor(math.log10(raw)) if raw > 0 else 1
        step = next(unit * s for s in (1, 2, 5, 10) if unit * s >= raw)
        return [(k * step, f"{k * step:.6g}") for k in range(math.ceil(lo / step - 1e-9), math.floor(hi / step + 1e-9) + 1)]


def width_of(fig):
    """Width of a figure in SVG units: its own, else that of one that stands alone; a narrower one keeps its letters large beside others."""
    return int(fig.layout.width or WIDTH)


def text(x, y, words, anchor="middle", size=12, extra="", fill="currentColor"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}" {extra}>{html.escape(str(words))}</text>'


def line(x1, y1, x2, y2, style=f'stroke="{theme.AXIS}"'):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def frame(fig, spans, height):
    """Pixel scales of every axis, with its grid, ticks and title as SVG."""
    axes, scales, out = _axes_of(fig), {}, []
    x1, y0 = width_of(fig) - RIGHT, height - BOTTOM
    for name, axis in axes.items():
        d = axis.domain or (0, 1)
        ends = (LEFT + d[0] * (x1 - LEFT), LEFT + d[1] * (x1 - LEFT)) if name[0] == "x" else (y0 - d[0] * (y0 - TOP), y0 - d[1] * (y0 - TOP))
        scales[name] = Scale(axis, spans[name], *ends)
    pairs = {(t.xaxis or "x", t.yaxis or "y") for t in fig.data}
    for xn, yn in sorted(pairs):
        sx, sy, ax, ay = scales[xn], scales[yn], axes[xn], axes[yn]
        for v, words in sx.ticks(ax):
            p = sx(v)
            out.append(line(p, sy.start, p, sy.end, f'stroke="{theme.GRID}"') if ax.showgrid is not False else "")
            out.append(text(p, sy.start + 16, words) if ax.showticklabels is not False and (ay.domain or (0,))[0] == 0 else "")
        for v, words in sy.ticks(ay):
            p = sy(v)
            out.append(line(sx.start, p, sx.end, p, f'stroke="{theme.GRID}"') if ay.showgrid is not False else "")
            out.append(text(sx.start - 6, p + 4, words, "end") if ay.showticklabels is not False and (ax.domain or (0,))[0] == 0 else "")
        out += [line(sx.start, sy.start, sx.end, sy.start), line(sx.start, sy.start, sx.start, sy.end)]
        if ax.title.text and (ay.domain or (0,))[0] == 0:
            out.append(text((sx.start + sx.end) / 2, sy.start + 34, ax.title.text, size=13))
        if ay.title.text:
            mid = (sy.start + sy.end) / 2
            out.append(text(sx.start - 46, mid, ay.title.text, size=13, extra=f'transform="rotate(-90 {sx.start - 46:.1f} {mid:.1f})"'))
    return scales, "".join(out)
