"""Figures about when a clip was forged (notebook 07): spans and scores on one time axis, curves over IoU, heat over time. Each only draws."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _faint
from avlab.show.theme import WORLD, dressed

TRUE = theme.Style("true span", theme.VERMILLION, "diamond")


def timeline(truth, score, *, step_s, seconds, attention=None, title="", world=WORLD):
    """What is forged and how likely each step is held to be, one under the other on one time axis.

    truth      {stream: (M, 2) seconds}, one bar row each;  score   (steps,) probability of each step
    attention  (steps,), 1 = an even share, or None
    """
    from plotly.subplots import make_subplots
    n = 2 + (attention is not None)
    fig = make_subplots(n, 1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.35 * len(truth), 2.0, 0.8][:n])
    for r, (name, spans) in enumerate(truth.items()):
        for a, b in spans:
            fig.add_scatter(x=[a, b], y=[-r, -r], mode="lines", line={"color": TRUE.colour, "width": 13}, showlegend=False, row=1, col=1,
                            hovertemplate=f"{name} forged {a:.2f} to {b:.2f} s<extra></extra>")
    fig.add_scatter(x=[0, seconds], y=[0.5, 0.5 - len(truth)], mode="markers", marker={"opacity": 0}, showlegend=False, hoverinfo="skip", row=1, col=1)
    edges = np.arange(len(score) + 1) * step_s
    for row, values, colour in ((2, score, theme.BLUE), (3, attention, theme.GREEN))[:n - 1]:
        fig.add_scatter(x=np.repeat(edges, 2)[1:-1], y=np.repeat(values, 2), mode="lines", line={"color": colour, "width": 2}, showlegend=False, row=row, col=1)
    if attention is not None:
        fig.add_hline(1.0, line_color=theme.AXIS, row=3, col=1)
        fig.update_yaxes(title_text="x share", row=3, col=1)
    fig.update_yaxes(tickvals=[-k for k in range(len(truth))], ticktext=list(truth), zeroline=False, showgrid=False, range=[0.1 - len(truth), 0.9],
                     row=1, col=1)
    fig.update_yaxes(title_text="score", range=[0, 1], row=2, col=1)
    fig.update_xaxes(range=[0, seconds])
    fig.update_xaxes(title_text="time (s)", row=n, col=1)
    return dressed(fig, title=title, world=world, height=170 + 80 * n)


def curves_over(panels, *, x, title="", world=WORLD, marks=()):
    """Panels of curves side by side, the same names in the same style, with bands.

    panels   {axis title: {name: (x, y, lo, hi)}};  marks   values of x with a vertical line
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, len(panels), horizontal_spacing=0.11)
    for col, (label, series) in enumerate(panels.items(), 1):
        for i, (name, (px, py, lo, hi)) in enumerate(series.items()):
            s, px = theme.style(name, i), np.asarray(px)
            fig.add_scatter(x=np.concatenate([px, px[::-1]]), y=np.concatenate([hi, np.asarray(lo)[::-1]]), fill="toself", fillcolor=_faint(s.colour),
                            line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False, row=1, col=col)
            fig.add_scatter(x=px, y=py, name=s.label, mode="lines+markers" if len(px) <= 24 else "lines",
                            line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"symbol": s.symbol, "color": s.colour, "size": 7},
                            legendgroup=s.label, showlegend=col == 1, row=1, col=col)
        fig.update_yaxes(title_text=label, rangemode="tozero", row=1, col=col)
    for at in marks:
        fig.add_vline(at, line_color=theme.AXIS, line_dash="dot")
    fig.update_xaxes(title_text=x)
    return dressed(fig, title=title, world=world, height=380)


def time_heats(maps, *, step_s, unit, x, y, forged=(), title="", world=WORLD):
    """Square heat maps over time side by side on one scale, axes in seconds; forged spans (start_s, end_s) are framed on both axes."""
    from plotly.subplots import make_subplots
    top = max(float(np.max(m)) for m in maps.values())
    fig = make_subplots(1, len(maps), subplot_titles=list(maps) if len(maps) > 1 else None, shared_yaxes=True, horizontal_spacing=0.06)
    for col, values in enumerate(maps.values(), 1):
        values = np.asarray(values, float)
        fig.add_heatmap(z=values.round(4), x0=step_s / 2, dx=step_s, y0=step_s / 2, dy=step_s, coloraxis="coloraxis", row=1, col=col)
        end = len(values) * step_s
        for a, b in forged:
            for box in ({"x0": a, "x1": b, "y0": 0, "y1": end}, {"x0": 0, "x1": end, "y0": a, "y1": b}):
                fig.add_shape(type="rect", **box, line={"color": TRUE.colour, "width": 1.5, "dash": "dash"}, row=1, col=col)
    fig.update_layout(coloraxis={"cmin": 0, "cmax": top, "colorscale": "Cividis", "colorbar": {"title": {"text": unit, "side": "right"}, "thickness": 12}})
    fig.update_xaxes(title_text=x, showgrid=False)
    fig.update_yaxes(autorange="reversed", showgrid=False)
    fig.update_yaxes(title_text=y, col=1)
    return dressed(fig, title=title, world=world, height=420)
