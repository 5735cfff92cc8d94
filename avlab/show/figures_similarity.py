"""Figures about agreement of picture and sound (notebook 04): lag curves side by side, how long to listen, cosines against their baseline."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _faint, _guess
from avlab.show.theme import WORLD, axes, dressed, style


def lag_panels(curves, *, band=None, mark=None, x="the picture is late by (ms)", y="", columns=4, title="", world=WORLD):
    """One small panel for each forger, its lag curve and interval over those of the real clips, all on one pair of axes.

    curves  {name: (x, mean, lo, hi)}; "real" is repeated thin in every other panel      band  (x, lo, hi) of pairs that do not belong together
    mark    {name: lag in ms} a short vertical line (the highest or lowest point)
    """
    from plotly.subplots import make_subplots
    rows = -(-len(curves) // columns)
    fig = make_subplots(rows, columns, shared_xaxes=True, shared_yaxes=True, subplot_titles=[style(n).label for n in curves], horizontal_spacing=0.02,
                        vertical_spacing=0.22 / rows)
    for k, (name, (px, mean, lo, hi)) in enumerate(curves.items()):
        s, place = style(name, k), {"row": k // columns + 1, "col": k % columns + 1}
        _filled(fig, px, lo, hi, _faint(s.colour), place)
        if name != "real" and "real" in curves:
            fig.add_scatter(x=curves["real"][0], y=curves["real"][1], mode="lines", line={"color": theme.REAL.colour, "width": 1.2}, showlegend=False,
                            hoverinfo="skip", **place)
        fig.add_scatter(x=px, y=mean, mode="lines+markers", line={"color": s.colour, "dash": s.dash, "width": 2.2}, showlegend=False,
                        marker={"symbol": s.symbol, "color": s.colour, "size": 6}, hovertemplate=f"{s.label} %{{x}} ms: %{{y:.3g}}<extra></extra>", **place)
        if band is not None:  # after the traces: plotly leaves shapes out of panels that are still empty
            fig.add_hrect(*band, fillcolor=theme.BAND, line_width=0, layer="below", **place)
        fig.add_vline(0, line_color=theme.AXIS, line_width=1, **place)
        if mark is not None and name in mark:
            fig.add_vline(mark[name], line_dash="dash", line_color=s.colour, line_width=1.8, **place)
    fig.update_yaxes(title_text=y, col=1)
    fig.update_xaxes(title_text=x, row=rows, col=(columns + 1) // 2)  # once: under every panel the words would run into each other
    fig.update_annotations(font_size=13)
    fig.update_layout(meta={"min_width": 190 * columns})
    return dressed(fig, title=title, world=world, height=120 + 185 * rows)


def _filled(fig, x, lo, hi, colour, place):
    x = np.asarray(x)
    fig.add_scatter(x=np.concatenate([x, x[::-1]]), y=np.concatenate([np.asarray(hi), np.asarray(lo)[::-1]]), fill="toself", fillcolor=colour,
                    line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False, **place)


def listening(seconds, share, best, chance, *, title="", guess=None, world=WORLD):
    """Two panels over the seconds listened: share of clips whose curve peaks at lag 0, and the mean of each curve's maximum.

    share, best  {"own" | "another's": (value, lo, hi), each (n,)}      chance  the share that no signal would give
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, 2, subplot_titles=["peak at lag 0 (share of clips)", "highest point of the curve (r)"], horizontal_spacing=0.09)
    looks = {"own": theme.Style("own sound", theme.BLUE, "circle"), "another's": theme.Style("another's sound", theme.VERMILLION, "diamond", "dash")}
    for col, part in enumerate((share, best), 1):
        for name, (value, lo, hi) in part.items():
            s, place = looks[name], {"row": 1, "col": col}
            _filled(fig, seconds, lo, hi, _faint(s.colour), place)
            fig.add_scatter(x=seconds, y=value, mode="lines+markers", name=s.label, legendgroup=name, showlegend=col == 1,
                            line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"symbol": s.symbol, "color": s.colour}, **place)
    fig.add_hline(chance, line_dash="dot", line_color=theme.AXIS, annotation_text="chance", annotation_position="bottom right", row=1, col=1)
    fig.update_xaxes(title_text="seconds listened")
    fig.update_yaxes(range=[0, 1.03])
    fig.update_annotations(font_size=13)
    return _guess(dressed(fig, title=title, world=world, height=360), guess)


def histograms(rows, *, x, y="share of clips", low=-1.0, high=1.0, bins=40, title="", guess=None, world=WORLD):
    """Histograms one above the other on one axis: rows = {line: {"own" | "another's": values}}; every line has the same bins and height."""
    from plotly.subplots import make_subplots
    fig = make_subplots(len(rows), 1, shared_xaxes=True, shared_yaxes=True, vertical_spacing=0.09, subplot_titles=list(rows))
    edges = np.linspace(low, high, bins + 1)
    looks = (theme.Style("own sound", theme.BLUE, ""), theme.Style("another's sound", theme.VERMILLION, "/"))
    for r, groups in enumerate(rows.values(), 1):
        for s, values in zip(looks, groups.values(), strict=False):
            share = np.histogram(values, edges)[0] / max(len(values), 1)
            fig.add_bar(x=(edges[:-1] + edges[1:]) / 2, y=share, name=s.label, legendgroup=s.label, showlegend=r == 1, opacity=0.8, row=r, col=1,
                        marker={"color": s.colour, "pattern": {"shape": s.symbol, "solidity": 0.2}, "line": {"width": 0.5, "color": theme.AXIS}})
    fig.update_layout(barmode="overlay", bargap=0.02)
    fig.update_yaxes(title_text=y)
    fig.update_xaxes(title_text=x, row=len(rows))
    fig.update_annotations(font_size=13)
    return _guess(dressed(fig, title=title, world=world, height=130 + 150 * len(rows)), guess)


def strips(groups, means, *, x, band=None, band_text="another's sound", null=None, title="", guess=None, world=WORLD):
    """Every clip as a mark, one line a forger, with the mean and its interval, over the band of pairs that do not belong together.

    groups {name: values (n,)}      means {name: (value, lo, hi)}      band (lo, hi), 95 % of the mismatched pairs
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    if band is not None:
        fig.add_vrect(*band, fillcolor=theme.BAND, line_width=0, layer="below", annotation_text=band_text, annotation_position="top left",
                      annotation_font_size=11)
    if null is not None:
        fig.add_vline(null, line_color=theme.AXIS, line_width=1.5)
    for i, (name, values) in enumerate(groups.items()):
        s, values = style(name, i), np.sort(np.asarray(values, float))
        spread = (np.arange(len(values)) * 0.618034 % 1 - 0.5) * 0.42
        fig.add_scatter(x=values, y=i + spread, mode="markers", showlegend=False, hovertemplate=f"{s.label} %{{x:.2f}}<extra></extra>",
                        marker={"color": s.colour, "symbol": s.symbol, "size": 7, "opacity": 0.55})
        value, lo, hi = means[name]
        fig.add_scatter(x=[lo, hi], y=[i, i], mode="lines", line={"color": s.colour, "width": 4}, showlegend=False, hoverinfo="skip")
        fig.add_scatter(x=[value] * 2, y=[i - 0.32, i + 0.32], mode="lines", line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip")
    fig.update_yaxes(tickvals=list(range(len(groups))), ticktext=[style(n).label for n in groups], range=[len(groups) - 0.4, -0.6], zeroline=False)
    return _guess(axes(dressed(fig, title=title, world=world, height=140 + 40 * len(groups)), x), guess)


def attention_maps(maps, *, step_ms, least=0.05, title="", world=WORLD):
    """Attention weights side by side, each as its difference from an even share in per cent of that share: no preference is white.

    maps   {name: (rows, columns)}, rows summing to 1      step_ms  milliseconds a row and a column      least  half-width of the colour scale at least
    """
    from plotly.subplots import make_subplots
    off = {name: 100 * (np.asarray(m, float) * np.shape(m)[1] - 1) for name, m in maps.items()}
    top = max(100 * least, *(float(np.abs(m).max()) for m in off.values()))
    wide = [max(np.shape(m)[1], 3) for m in maps.values()]
    fig = make_subplots(1, len(maps), subplot_titles=list(maps), column_widths=[w / sum(wide) for w in wide], horizontal_spacing=0.09)
    for k, m in enumerate(off.values(), 1):
        rows, columns = ([str(step_ms * i) for i in range(n)] for n in m.shape)
        fig.add_heatmap(z=m, x=columns if m.shape[1] > 1 else ["all"], y=rows, coloraxis="coloraxis", xgap=1, ygap=1, row=1, col=k,
                        hovertemplate="picture %{y}, sound %{x}: %{z:+.1f} %<extra></extra>")
    bar = {"title": {"text": "off an even share (%)", "side": "right"}, "thickness": 12}
    fig.update_layout(coloraxis={"cmin": -top, "cmax": top, "colorscale": theme.SIGNED, "colorbar": bar}, meta={"min_width": 640})
    fig.update_xaxes(type="category", title_text="sound at (ms)", showgrid=False, ticks="")
    fig.update_yaxes(type="category", autorange="reversed", showgrid=False, ticks="")
    fig.update_yaxes(title_text="picture at (ms)", col=1)
    fig.update_annotations(font_size=13)
    return dressed(fig, title=title, world=world, height=390)


def overlaid(seconds, opening, loudness, *, title="", world=WORLD):
    """Opening and shifted loudness of one clip over time, both in standard deviations: what an eye compares. (T,) each; nan where the sound has left."""
    import plotly.graph_objects as go
    fig = go.Figure()
    fig.add_scatter(x=seconds, y=opening, name="mouth opening", mode="lines", line={"color": theme.GREEN, "width": 2.4})
    keep = np.isfinite(loudness)
    fig.add_scatter(x=np.asarray(seconds)[keep], y=np.asarray(loudness)[keep], name="loudness, shifted", mode="lines",
                    line={"color": theme.ORANGE, "width": 2.2, "dash": "dash"})
    fig.update_yaxes(range=[-3, 3])
    return axes(dressed(fig, title=title, world=world, height=260), "time (s)", "standard deviations")


def at_lag(curves, lag, *, y="", title="", world=WORLD):
    """Lag curves of one clip with the chosen lag marked: curves = {name: (x ms, values)}."""
    import plotly.graph_objects as go
    fig = go.Figure()
    for k, (name, (px, py)) in enumerate(curves.items()):
        s = theme.style(name, k)
        fig.add_scatter(x=px, y=py, name=name, mode="lines+markers", line={"color": s.colour, "dash": s.dash, "width": 2.2},
                        marker={"symbol": s.symbol, "color": s.colour, "size": 6})
    fig.add_vline(lag, line_dash="dash", line_color=theme.AXIS, line_width=1.8)
    fig.update_yaxes(range=[-1.05, 1.05])
    return axes(dressed(fig, title=title, world=world, height=260), "the picture is late by (ms)", y)
