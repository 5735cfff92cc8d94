"""Figures about differential and multi-scale attention (notebook 06). Each only draws what it is given."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _guess
from avlab.show.theme import PUBLISHED, WORLD, axes, dressed, style

TOY = "toy, drawn numbers"


def durations(groups, *, step, marks, x, title="", guess=None, world=WORLD):
    """Histograms on one axis, as shares of each group. groups = {name: values}; step = width of a bin; marks = {value: words} vertical lines."""
    import plotly.graph_objects as go
    fig, top = go.Figure(), max(max(v) for v in groups.values())
    edges = np.arange(0, top + step, step)
    for i, (name, values) in enumerate(groups.items()):
        s, share = style(name, i), 100 * np.histogram(values, edges)[0] / len(values)
        fig.add_bar(x=edges[:-1] + step * (0.3 + 0.4 * i), y=share, name=name, width=step * 0.38, hovertemplate="%{y:.0f} %<extra>" + name + "</extra>",
                    marker={"color": s.colour, "line": {"width": 1, "color": theme.AXIS}, "pattern": {"shape": ("", "/")[i % 2], "solidity": 0.25}})
    for at, words in marks.items():
        fig.add_vline(at, line_dash="dash", line_color=theme.AXIS, annotation_text=words, annotation_font_size=11)
    fig.update_layout(barmode="overlay")
    return _guess(axes(dressed(fig, title=title, world=world), x, "share of the sounds (%)"), guess, along="y")


def grouped(series, groups, *, y, title="", null=None, log=False, guess=None, world=WORLD):
    """Marks of several series over named groups, joined by thin lines. series = {name: values}; y = axis title with unit."""
    import plotly.graph_objects as go
    fig = go.Figure()
    for i, (name, values) in enumerate(series.items()):
        s = style(name, i)
        fig.add_scatter(x=list(groups), y=np.asarray(values, float), name=name, mode="lines+markers", line={"color": s.colour, "dash": "dot", "width": 1.5},
                        marker={"color": s.colour, "symbol": s.symbol, "size": 12}, hovertemplate="%{x}: %{y:.3g}<extra>" + name + "</extra>")
    if null is not None:
        fig.add_hline(null, line_color=theme.AXIS, line_width=1.5)
    fig.update_xaxes(type="category")
    fig.update_yaxes(type="log" if log else "linear", zeroline=False)
    fig.update_layout(showlegend=len(series) > 1)
    return _guess(axes(dressed(fig, title=title, world=world, height=340), "", y), guess, along="y")


def interaction(cells, published, *, references, title="", guess=None, world=f"{WORLD} | {PUBLISHED}"):
    """The 2x2 ablation twice: measured score AUROC with intervals, and the published errors. A brick that helps lifts its line or its slope.

    cells       {"CA+SA": Interval, ...}      published  {"CA+SA": errors, ...} of 400 clips
    references  {words: AUROC} drawn as dashed lines in the left panel: what no attention, or labels without meaning, give
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, 2, horizontal_spacing=0.18)
    at = ("SA", "MSSA")
    for i, cross in enumerate(("CA", "DCA")):
        s, mine = style(cross, i), [cells[f"{cross}+{own}"] for own in at]
        look = {"name": cross, "legendgroup": cross, "mode": "lines+markers", "line": {"color": s.colour, "dash": s.dash, "width": 2.2},
                "marker": {"color": s.colour, "symbol": s.symbol, "size": 11}}
        error = {"type": "data", "array": [c.hi - c.value for c in mine], "arrayminus": [c.value - c.lo for c in mine], "thickness": 1.8}
        fig.add_scatter(x=[k + 0.05 * (i - 0.5) for k in range(2)], y=[c.value for c in mine], error_y=error, row=1, col=1, **look)
        fig.add_scatter(x=[0, 1], y=[published[f"{cross}+{own}"] for own in at], row=1, col=2, showlegend=False, **look)
    for words, value in references.items():
        fig.add_hline(value, line_dash="dash", line_color=theme.AXIS, annotation_text=words, annotation_font_size=11, annotation_position="bottom left",
                      row=1, col=1)
    fig.update_xaxes(tickvals=[0, 1], ticktext=["self-attention", "multi-scale"], range=[-0.35, 1.35], zeroline=False)
    fig.update_yaxes(title_text="<b>measured here</b><br>AUROC of scores", row=1, col=1)
    fig.update_yaxes(title_text="<b>published</b><br>errors of 400, fewer is better", autorange="reversed", row=1, col=2)
    fig.update_layout(meta={"min_width": 620})
    return _guess(dressed(fig, title=title, world=world, height=420), guess)


def growth(shares, curves, at, *, title="", world=WORLD):
    """A norm that grows with a disturbance: one thin line a clip, the mean bold, a mark at the share that is looked at."""
    import plotly.graph_objects as go
    fig, mean = go.Figure(), np.mean(curves, axis=0)
    for k, line in enumerate(curves):
        fig.add_scatter(x=list(shares), y=np.asarray(line).tolist(), mode="lines", name="one real clip", showlegend=k == 0,
                        line={"color": theme.GREY, "width": 1})
    fig.add_scatter(x=list(shares), y=mean.tolist(), mode="lines", name="mean", line={"color": theme.BLUE, "width": 3})
    fig.add_scatter(x=[at], y=[float(np.interp(at, shares, mean))], mode="markers", name="shown", marker={"color": theme.BLUE, "size": 12})
    return axes(dressed(fig, title=title, world=world, height=340), "cross query: own sound (0), another's (0.5), noise (1)", "norm of the difference of maps")
