"""Figures about a trained detector (notebook 05): its stages, what its parts are worth beside printed differences. Each only draws."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _guess
from avlab.show.theme import WORLD, axes, dressed


def stages(rows, *, columns, marked=(), title="", world=WORLD):
    """The path of a tensor: one line a stage, its weights as a bar, its shape under each number of frames; marked cells carry a ring.

    rows    list of (stage, weights, [shape or None for each column]), in the order of the path     columns  what the shapes belong to
    marked  set of (row number, column number) that differ from what the next stage takes
    """
    from plotly.subplots import make_subplots
    names = [name for name, *_ in rows]
    fig = make_subplots(1, 2, shared_yaxes=True, column_widths=[0.34, 0.66], horizontal_spacing=0.02)
    fig.add_bar(y=names, x=[weights / 1000 for _, weights, _ in rows], orientation="h", showlegend=False, row=1, col=1,
                marker={"color": theme.BLUE, "line": {"width": 1, "color": theme.AXIS}}, hovertemplate="%{x:.1f} thousand<extra></extra>")
    fig.add_scatter(x=list(columns), y=[names[0]] * len(columns), mode="markers", marker={"opacity": 0}, hoverinfo="skip", showlegend=False, row=1, col=2)
    for r, (name, _, shapes) in enumerate(rows):
        for c, shape in enumerate(shapes):  # annotations take the page's text colour
            ring = {"bordercolor": theme.VERMILLION, "borderwidth": 2, "borderpad": 2} if (r, c) in marked else {}
            fig.add_annotation(x=c, y=r, text=" x ".join(map(str, shape)) if shape else "not reached", showarrow=False, font={"size": 12}, row=1, col=2, **ring)
    fig.update_yaxes(autorange="reversed", type="category", showgrid=False)
    fig.update_xaxes(title_text="weights (thousand)", row=1, col=1)
    fig.update_xaxes(title_text="channels x frames x height x width", type="category", showgrid=False,
                     range=[-0.6, len(columns) - 0.4], row=1, col=2)
    fig.update_layout(meta={"min_width": 300 + 150 * len(columns)})
    return dressed(fig, title=title, world=world, height=120 + 25 * len(rows))


def gaps(rows, printed, *, x, title="", printed_name="published", guess=None, world=WORLD):
    """Differences with intervals, one line each, beside hollow marks of printed differences that have no interval.

    rows  list of (line, value, lo, hi)      printed  {line: value} in the same unit
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    fig.add_vline(0, line_color=theme.AXIS, line_width=1.5)
    for line, value, lo, hi in rows:
        fig.add_scatter(x=[lo, hi], y=[line] * 2, mode="lines", line={"color": theme.BLUE, "width": 3}, showlegend=False, hoverinfo="skip")
    fig.add_scatter(x=[r[1] for r in rows], y=[r[0] for r in rows], mode="markers", name="measured here",
                    marker={"color": theme.BLUE, "symbol": "circle", "size": 11}, hovertemplate="%{y}: %{x:.3f}<extra></extra>")
    shown = {line: value for line, value in printed.items() if line in {r[0] for r in rows}}
    fig.add_scatter(x=list(shown.values()), y=list(shown), mode="markers", name=printed_name,
                    marker={"color": theme.ORANGE, "symbol": "diamond-open", "size": 14, "line": {"width": 2.5}}, hovertemplate="%{y}: %{x:.4f}<extra></extra>")
    fig.update_yaxes(autorange="reversed", type="category", categoryorder="array", categoryarray=[r[0] for r in rows])
    height = 180 + 36 * len(rows)
    fig = axes(dressed(fig, title=title, world=world, height=height), x)
    return _guess(fig.update_layout(showlegend=True, legend_y=-60 / (height - 110)), guess)  # just below the axis title, however tall the figure


def circle(places, *, title="", world="toy"):
    """Vectors on the unit circle. places = {name: angle in degrees}; straight distances from the first one are drawn and written."""
    import plotly.graph_objects as go
    fig, turn = go.Figure(), np.linspace(0, 2 * np.pi, 181)
    fig.add_scatter(x=np.cos(turn), y=np.sin(turn), mode="lines", line={"color": theme.AXIS, "width": 1.5}, showlegend=False, hoverinfo="skip")
    points = {name: np.array([np.cos(np.deg2rad(a)), np.sin(np.deg2rad(a))]) for name, a in places.items()}
    first = next(iter(points.values()))
    for i, (name, at) in enumerate(points.items()):
        s = theme.style(name, i)
        if i:
            fig.add_scatter(x=[first[0], at[0]], y=[first[1], at[1]], mode="lines", line={"color": s.colour, "width": 2.5, "dash": s.dash}, showlegend=False,
                            hoverinfo="skip")
        fig.add_scatter(x=[at[0]], y=[at[1]], mode="markers", name=name, marker={"color": s.colour, "symbol": s.symbol, "size": 13})
        side = {"xanchor": "left", "xshift": 10} if at[0] > 0.1 else {"xanchor": "right", "xshift": -10} if at[0] < -0.1 else {"yshift": 14}
        fig.add_annotation(x=at[0], y=at[1], text=name if not i else f"{name}: {np.linalg.norm(at - first):.2f}", showarrow=False, **side)
    fig.update_xaxes(range=[-1.9, 1.9], zeroline=False, constrain="domain")
    fig.update_yaxes(range=[-1.25, 1.25], zeroline=False, scaleanchor="x")
    fig.update_layout(showlegend=False)
    return axes(dressed(fig, title=title, world=world, height=360), "first coordinate", "second coordinate")
