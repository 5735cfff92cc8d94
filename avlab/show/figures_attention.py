"""Figures about attention layers (notebook 02): where they sit, what they hold, what a mask alone can paint. Each only draws."""

import numpy as np

from avlab.show import pictures, theme
from avlab.show.theme import WORLD, axes, dressed

KIND = {"spatial": theme.Style("spatial", theme.BLUE, "square"), "cross": theme.Style("cross", theme.VERMILLION, "diamond"),
        "temporal": theme.Style("temporal", theme.GREEN, "circle")}


def block_diagram(layers, *, title="", tapped=(), world=WORLD):
    """The U-Net as a U: every attention layer a mark, in the order of a pass from left to right, one height for each grid size.

    layers  list of (name, kind, block, side of the grid in cells), in the order of a pass      tapped  names drawn with a ring
    """
    import plotly.graph_objects as go
    sides = sorted({side for *_, side in layers}, reverse=True)
    x, last, spans = 0.0, None, {}
    marks = {kind: ([], [], []) for kind in KIND}
    for name, kind, block, side in layers:
        x += 1.0 if block == last or last is None else 2.2
        last = block
        spans.setdefault(block, [x, x, side])[1] = x
        for column, value in zip(marks[kind], (x, -sides.index(side), name)):
            column.append(value)
    fig = go.Figure()
    for block, (a, b, side) in spans.items():
        y = -sides.index(side)
        fig.add_shape(type="rect", x0=a - 0.7, x1=b + 0.7, y0=y - 0.26, y1=y + 0.26, line={"color": theme.AXIS, "width": 1.5}, fillcolor=theme.BAND,
                      layer="below")
        fig.add_annotation(x=(a + b) / 2, y=y + 0.3, text=block, showarrow=False, yanchor="bottom", font={"size": 12})
    for kind, (px, py, names) in marks.items():
        s = KIND[kind]
        ring = [3 if n in tapped else 0.8 for n in names]
        fig.add_scatter(
            x=px, y=py, mode="markers", name=s.label, text=names, hovertemplate="%{text}<extra></extra>",
            marker={"symbol": s.symbol, "color": s.colour, "size": [17 if n in tapped else 11 for n in names], "line": {"width": ring, "color": theme.AXIS}})
    fig.update_xaxes(showticklabels=False, showgrid=False, zeroline=False, ticks="", range=[0, x + 1])
    fig.update_yaxes(tickvals=[-i for i in range(len(sides))], ticktext=[f"{s} x {s}" for s in sides], showgrid=False, zeroline=False,
                     range=[-len(sides) + 0.35, 0.65])
    return axes(dressed(fig, title=title, world=world, height=300), "one pass of the network, left to right; ringed: the taps of this notebook", "grid (cells)")


def tiles(maps, columns, *, kind="magnitude", top=None, gap=1):
    """Small maps (n, h, w) side by side as one uint8 picture (H, W, 3), all on one scale, with a grey gap between."""
    maps = np.asarray(maps, float)
    n, h, w = maps.shape
    rows = -(-n // columns)
    made = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 127, np.uint8)
    painted = pictures.paint(maps, kind, top)
    for i in range(n):
        y, x = i // columns * (h + gap), i % columns * (w + gap)
        made[y:y + h, x:x + w] = painted[i]
    return made


def interval_pairs(rows, *, x, null=0.5, null_band=None, title="", guess=None, world=WORLD):
    """Several values of one thing on one line each: rows = list of (line, series, value, lo, hi); series differ by colour and symbol."""
    import plotly.graph_objects as go
    fig = go.Figure()
    lines, series = list(dict.fromkeys(r[0] for r in rows)), list(dict.fromkeys(r[1] for r in rows))
    if null_band is not None:
        fig.add_vrect(*null_band, fillcolor=theme.BAND, line_width=0, layer="below", annotation_text="null band", annotation_position="top left",
                      annotation_font_size=11)
    fig.add_vline(null, line_color=theme.AXIS, line_width=1.5)
    for k, name in enumerate(series):
        s = KIND.get(name) or theme.style(name, k)
        for j, (line, _, value, lo, hi) in enumerate(r for r in rows if r[1] == name):
            y = lines.index(line) + (k - (len(series) - 1) / 2) * 0.22
            fig.add_scatter(x=[lo, hi], y=[y, y], mode="lines", line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip")
            fig.add_scatter(x=[value], y=[y], mode="markers", name=name, legendgroup=name, showlegend=j == 0,
                            marker={"color": s.colour, "symbol": s.symbol,
                                    "size": 10}, hovertemplate=f"{line}, {name}: %{{x:.2f}} [{lo:.2f}, {hi:.2f}]<extra></extra>")
    fig.update_yaxes(tickvals=list(range(len(lines))), ticktext=lines, range=[len(lines) - 0.45, -0.55], zeroline=False)
    from avlab.show.figures import _guess
    height = 150 + (30 + 18 * len(series)) * len(lines)
    fig = axes(dressed(fig, title=title, world=world, height=height), x)
    return _guess(fig.update_layout(legend_y=-60 / (height - 110)), guess)  # just below the axis title, however tall the figure
