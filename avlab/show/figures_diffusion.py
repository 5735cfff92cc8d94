"""Figures about diffusion walks and their residuals (notebook 01). Each only draws what it is given."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _faint, _guess
from avlab.show.theme import WORLD, axes, dressed, style

TOY = "toy, closed form"


def walks(angles, exact, dots, *, title="", world=TOY):
    """Exact curves of a flow over the angle, and the dots of one or two solvers on them.

    angles  (n,) rad      exact  (n, k) values, one column a curve      dots  {name: (angles (m,), values (m, k))}
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    for j, curve in enumerate(np.asarray(exact).T):
        fig.add_scatter(x=angles, y=curve, mode="lines", name="exact flow", legendgroup="exact", showlegend=j == 0, hoverinfo="skip",
                        line={"color": theme.GREY, "width": 1.5})
    for i, (name, (at, values)) in enumerate(dots.items()):
        s, values = style(name, i), np.asarray(values)
        fig.add_scatter(x=np.tile(at, values.shape[1]), y=values.T.ravel(), mode="markers", name=name,
                        marker={"color": s.colour, "symbol": s.symbol, "size": 7}, hovertemplate="%{x:.2f} rad: %{y:.2f}<extra>" + name + "</extra>")
    fig.update_xaxes(range=[-0.03, 1.62])
    return axes(dressed(fig, title=title, world=world, height=430), "angle th (rad): 0 is clean, pi/2 is pure noise", "value z")


def side_by_side(left, right, *, x, y, titles, log=(True, True), null=None, title="", guess=None, world=WORLD):
    """Two panels of lines over one kind of x axis; the same name has the same look in both.

    left, right  {name: (x, y) or (x, y, lo, hi)}      x  axis title with unit      y  (left title, right title)
    titles       what each panel shows, in bold over its y title      log  whether the y axes are logarithmic      null  reference value of the right panel
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, 2, horizontal_spacing=0.16)
    names = list(dict.fromkeys([*left, *right]))
    for col, series in ((1, left), (2, right)):
        for name, (px, py, *band) in series.items():
            s = style(name, names.index(name))
            error = {"type": "data", "array": np.subtract(band[1], py), "arrayminus": np.subtract(py, band[0]), "thickness": 1.5} if band else None
            fig.add_scatter(x=np.asarray(px), y=np.asarray(py), name=s.label, legendgroup=name, showlegend=col == 1 or name not in left, error_y=error,
                            mode="lines+markers", line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"symbol": s.symbol, "color": s.colour},
                            row=1, col=col)
        fig.update_yaxes(title_text=f"<b>{titles[col - 1]}</b><br>{y[col - 1]}", type="log" if log[col - 1] else "linear", row=1, col=col)
        seen = sorted({float(v) for px, *_ in series.values() for v in px})
        ticks = {"tickvals": seen, "ticktext": [f"{v:g}" for v in seen]} if len(seen) <= 8 else {}
        fig.update_xaxes(title_text=x, type="log" if log[col - 1] else "linear", row=1, col=col, **ticks)
    if null is not None:
        fig.add_hline(null, line_color=theme.AXIS, line_width=1.5, row=1, col=2)
    fig.update_layout(showlegend=len(names) > 1, meta={"min_width": 620})
    return _guess(dressed(fig, title=title, world=world, height=420), guess)


def strip_and_auroc(residuals, table, *, control, null_band, title="", guess=None, world=WORLD):
    """Left: every clip's residual by forger (log axis); right: AUROC of each forger with its interval, the control in the same panel.

    residuals  {forger: (n,) grey levels}, reals first      table  {forger or "all": Interval}
    control    (name, Interval) of the same score from the control      null_band  (lo, hi) of shuffled labels, drawn grey
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, 2, shared_yaxes=False, horizontal_spacing=0.2)
    for i, (name, values) in enumerate(residuals.items()):
        s, values = style(name, i), np.sort(np.asarray(values, float))
        spread = (np.arange(len(values)) * 0.618034 % 1 - 0.5) * 0.5
        fig.add_scatter(x=values, y=i + spread, mode="markers", showlegend=False, row=1, col=1, hovertemplate=f"{s.label} %{{x:.3g}}<extra></extra>",
                        marker={"color": s.colour, "symbol": s.symbol, "size": 8, "opacity": 0.8})
        fig.add_scatter(x=[np.median(values)] * 2, y=[i - 0.36, i + 0.36], mode="lines", line={"color": s.colour, "width": 3}, showlegend=False,
                        hoverinfo="skip", row=1, col=1)
    labels = list(residuals)
    fig.update_yaxes(tickvals=list(range(len(labels))), ticktext=[style(n).label for n in labels], range=[len(labels) - 0.4, -0.6], zeroline=False, row=1,
                     col=1)
    fig.update_xaxes(type="log", title_text="residual of the face (grey levels)", row=1, col=1)
    _auroc_panel(fig, table, control, null_band)
    fig.update_layout(meta={"min_width": 680})
    return _guess(dressed(fig, title=title, world=world, height=170 + 40 * len(labels)), guess)


def _auroc_panel(fig, table, control, null_band):
    rows = [("all forgers" if name == "all" else name, name, interval) for name, interval in table.items()] + [(control[0], "random", control[1])]
    for label, name, interval in rows:
        s = theme.Style(label, theme.GREY, "cross") if name in ("random", "all") else style(name)
        fig.add_scatter(x=[interval.lo, interval.hi], y=[label] * 2, mode="lines", line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip",
                        row=1, col=2)
        fig.add_scatter(x=[interval.value], y=[label], mode="markers", showlegend=False, row=1, col=2,
                        marker={"color": s.colour, "symbol": s.symbol,
                                "size": 11}, hovertemplate=f"{label}: %{{x:.2f}} [{interval.lo:.2f}, {interval.hi:.2f}]<extra></extra>")
    # after the traces: plotly leaves lines out of a panel that is still empty
    fig.add_vrect(*null_band, fillcolor=theme.BAND, line_width=0, layer="below", row=1, col=2)
    fig.add_vline(0.5, line_color=theme.AXIS, line_width=1.5, row=1, col=2)
    fig.update_xaxes(range=[-0.02, 1.02], title_text="AUROC of -log residual", row=1, col=2)
    fig.update_yaxes(autorange="reversed", type="category", row=1, col=2)


def stacked_parts(parts, groups, *, y, title="", guess=None, world=WORLD):
    """Stacked bars of residual parts, one bar a class. parts = {name: heights}; y = axis title with unit."""
    from avlab.show.figures import bars
    return _guess(bars(parts, groups, y=y, title=title, world=world), guess, along="y")


def one_curve_and_band(x, y, band, *, x_title, y_title, title="", world=WORLD):
    """A line with marks over a grey horizontal band that it is compared with: band = (lo, hi, name)."""
    import plotly.graph_objects as go
    fig = go.Figure()
    lo, hi, name = band
    fig.add_scatter(x=[min(x), max(x), max(x), min(x)], y=[lo, lo, hi, hi], fill="toself", mode="lines", line={"width": 0}, fillcolor=_faint(theme.VERMILLION),
                    name=name, hoverinfo="skip")
    fig.add_scatter(x=list(x), y=list(y), mode="lines+markers", name="the blurred real clip", line={"color": theme.BLUE, "width": 2.2},
                    marker={"symbol": "circle"})
    return axes(dressed(fig, title=title, world=world), x_title, y_title)
