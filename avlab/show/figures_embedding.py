"""Figures about embeddings (notebook 03): maps without units, what random answers reach, our numbers beside printed ones. Each only draws."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _guess
from avlab.show.theme import WORLD, axes, dressed, style

WIDE = 516 / 336  # of the plot of an explorer's drawing 430 px high: its units are as long to the right as up


def unit(drawn):
    """A map (N, 2) moved to its middle and shrunk into -1..1: a map has no unit, and several must fit one frame."""
    drawn = np.asarray(drawn, float)
    drawn = drawn - (drawn.max(0) + drawn.min(0)) / 2
    return drawn / max(np.abs(drawn).max(), 1e-12)


def _bare(fig, **where):
    return fig.update_xaxes(showticklabels=False, showgrid=False, zeroline=False, ticks="", **where).update_yaxes(
        showticklabels=False, showgrid=False, zeroline=False, ticks="", **where)


def one_map(drawn, group, order=None, *, crosses=(), title="", world=WORLD):
    """A map (N, 2) with a colour and a symbol for each group (N,), equal aspect and no ticks: places and distances have no unit.

    order     names of the groups, in the order of the legend      crosses  names drawn as large crosses on top
    """
    import plotly.graph_objects as go
    fig, drawn, group = go.Figure(), unit(drawn), np.asarray(group)
    names = list(dict.fromkeys(group.tolist())) if order is None else [name for name in order if (group == name).any()]
    for i, name in enumerate(sorted(names, key=lambda n: n in crosses)):
        s, (x, y) = style(name, i), drawn[group == name].T.round(3)
        look = {"color": s.colour, "symbol": "cross" if name in crosses else s.symbol, "size": 12 if name in crosses else 8, "opacity": 0.85}
        fig.add_scatter(x=x, y=y, mode="markers", name=str(s.label), marker=look, hovertemplate=f"{s.label}<extra></extra>")
    fig.update_xaxes(range=[-1.06 * WIDE, 1.06 * WIDE], scaleanchor="y")
    fig.update_yaxes(range=[-1.06, 1.06])
    return _bare(dressed(fig, title=title, world=world, height=430))


def map_rows(rows, *, title="", guess=None, world=WORLD):
    """Small maps side by side, one line a row: rows = {row title: {panel title: drawn (N, 2)}}, all rows with the same panels."""
    from plotly.subplots import make_subplots
    panels = list(next(iter(rows.values())))
    fig = make_subplots(len(rows), len(panels), subplot_titles=panels, horizontal_spacing=0.03, vertical_spacing=0.04)
    for r, (name, maps) in enumerate(rows.items(), 1):
        for c, drawn in enumerate(maps.values(), 1):
            x, y = unit(drawn).T.round(3)
            fig.add_scatter(x=x, y=y, mode="markers", marker={"size": 5, "color": style(name, r - 1).colour, "symbol": style(name, r - 1).symbol},
                            showlegend=False, hoverinfo="skip", row=r, col=c)
        fig.update_yaxes(title_text=name, row=r, col=1)
    _bare(fig).update_xaxes(range=[-1.08, 1.08]).update_yaxes(range=[-1.08, 1.08])
    fig.update_layout(meta={"min_width": 170 * len(panels)})
    return _guess(dressed(fig, title=title, world=world, height=110 + 190 * len(rows)), guess)


def histogram(values, *, x, marks=None, bins=30, span=None, title="", guess=None, world=WORLD):
    """Outlined histograms of one or several sets: values = {name: (n,)}; marks = {label: value} as labelled lines.

    x  axis title with unit      span  (lo, hi) of the bins; default that of all values and marks
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    every = np.concatenate([np.asarray(v, float) for v in values.values()] + [list((marks or {}).values())])
    edges = np.linspace(*(span or (every.min(), every.max())), bins + 1)
    top = 0.0
    for i, (name, v) in enumerate(values.items()):
        s, share = style(name, i), np.histogram(v, edges)[0] / max(len(v), 1)
        top = max(top, share.max())
        fig.add_scatter(x=np.repeat(edges, 2)[1:-1], y=100 * np.repeat(share, 2), mode="lines", name=str(s.label), fill="tozeroy",
                        line={"color": s.colour, "dash": s.dash, "width": 2})
    for k, (label, value) in enumerate((marks or {}).items()):
        fig.add_vline(value, line_color=theme.AXIS, line_width=1.5, line_dash="dot")
        fig.add_annotation(x=value, y=100 * top * (1.06 + 0.13 * (k % 4)), text=label, showarrow=False, font={"size": 12}, yanchor="bottom")
    fig.update_yaxes(range=[0, 100 * top * (1.75 if marks else 1.08)])
    fig.update_layout(showlegend=len(values) > 1)
    return _guess(axes(dressed(fig, title=title, world=world, height=380), x, "share of the set (%)"), guess)


def beside_published(panels, *, title="", guess=None, world="SynthTalk | published numbers"):
    """Our intervals as filled marks and printed numbers as hollow ones, one panel a measure, one line a variant.

    panels  {axis title with unit: [(line, value, lo, hi, printed or None, points)]}; points = single runs, drawn small
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, len(panels), shared_yaxes=True, horizontal_spacing=0.06)
    for c, (name, rows) in enumerate(panels.items(), 1):
        for i, (line, value, lo, hi, printed, points) in enumerate(rows):
            first = c == 1 and i == 0
            fig.add_scatter(x=[lo, hi], y=[line] * 2, mode="lines", line={"color": theme.BLUE, "width": 3}, showlegend=False, hoverinfo="skip", row=1, col=c)
            fig.add_scatter(x=[value], y=[line], mode="markers", name="SynthTalk, interval over people and seeds", showlegend=first, legendgroup="ours",
                            marker={"color": theme.BLUE, "size": 11}, row=1, col=c)
            fig.add_scatter(x=list(points), y=[line] * len(points), mode="markers", name="one seed", showlegend=first, legendgroup="seed",
                            marker={"color": theme.BLUE, "symbol": "line-ns-open", "size": 12, "line": {"width": 2, "color": theme.BLUE}}, row=1, col=c)
            if printed is not None:
                fig.add_scatter(x=[printed], y=[line], mode="markers", name="printed (other data)", showlegend=first, legendgroup="printed",
                                marker={"color": theme.VERMILLION, "symbol": "diamond-open", "size": 13, "line": {"width": 2}}, row=1, col=c)
        fig.update_xaxes(title_text=name, row=1, col=c)
    fig.update_yaxes(autorange="reversed", type="category")
    fig.update_layout(meta={"min_width": 300 * len(panels)})
    count = max(len(rows) for rows in panels.values())
    return _guess(dressed(fig, title=title, world=world, height=170 + 40 * count), guess)
