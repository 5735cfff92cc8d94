"""Figures about explanations (notebook 08): overlays, films of maps, curves of removal, a line-up. Each only draws, and draws cells as they are.

A true forged area is hatched and outlined; an explanation never is.
"""

import numpy as np

from avlab.errors import AvlabError
from avlab.show import pictures, theme
from avlab.show.figures import _guess
from avlab.show.figures_world import hatched, with_segments
from avlab.show.theme import WORLD, axes, dressed, style

__all__ = ["gallery", "hatched", "log_ratios", "overlaid", "overlay", "removal", "sound_maps", "spread", "with_segments"]

NAMES = {"grad_cam": "Grad-CAM", "integrated_gradients": "integrated gradients", "occlusion": "occlusion", "psi": "|psi| of the probe",
         "psi_of_the_sound": "|psi| of the sound"}
BRIEF = {"grad_cam": "Grad-CAM", "integrated_gradients": "int. gradients", "occlusion": "occlusion", "psi": "|psi|"}  # where legends are narrow


def spread(heat, size) -> np.ndarray:
    """Values of a Heatmap at every pixel of a film (T, H, W): cells as squares, steps held in time, NaN outside the heat's box."""
    (T, H, W), (t, h, w) = size, heat.values.shape
    top, left, bottom, right = heat.box
    rows, columns = (np.floor(((np.arange(n) + 0.5) / n - a) / (b - a) * g).astype(int) for n, a, b, g in ((H, top, bottom, h), (W, left, right, w)))
    step = np.arange(T) * t // T
    made = heat.values[step][:, np.clip(rows, 0, h - 1)][:, :, np.clip(columns, 0, w - 1)].astype(float)
    made[:, (rows < 0) | (rows >= h)] = np.nan
    made[:, :, (columns < 0) | (columns >= w)] = np.nan
    return made


def overlaid(frame, values, *, top, signed=False, truth=None, opacity=0.6, zoom=4) -> np.ndarray:
    """One picture (H, W, 3) under one map (H, W) on the scale up to `top`, enlarged; truth (H, W) bool is hatched.  Returns uint8 (zoom H, zoom W, 3)."""
    frame, values = np.asarray(frame), np.asarray(values, float)
    if frame.shape[:2] != values.shape:
        raise AvlabError("A map lies on a picture of its own size", got=f"{frame.shape[:2]} and {values.shape}")
    inside = np.isfinite(values)[..., None]
    colour = pictures.paint(np.nan_to_num(values), "signed" if signed else "magnitude", top)
    mixed = np.where(inside, (1 - opacity) * frame + opacity * colour, 0.45 * frame + 0.55 * 127).round().astype(np.uint8)
    return hatched(mixed, truth, zoom=zoom) if truth is not None else mixed.repeat(zoom, 0).repeat(zoom, 1)


def overlay(clip, heat, *, frames=6, truth=None, title="", guess=None, world=WORLD):
    """Frames of a clip above the same frames under a Heatmap; one colour scale for the whole film, cells drawn as they are.

    clip    Clip, or pictures (T, H, W, 3) uint8        truth   (T, H, W) bool, the forged area, hatched; None draws none
    Outside the heat's box, which the network does not see, frames are grey. The title tells the grid.
    """
    film = np.asarray(getattr(clip, "frames", clip))
    T, H, W = film.shape[:3]
    values, pick = spread(heat, (T, H, W)), np.unique(np.linspace(0, T - 1, min(frames, T)).round().astype(int))
    largest = pictures.limit(heat.values)
    rows = [np.stack([film[k].repeat(4, 0).repeat(4, 1) for k in pick]),
            np.stack([overlaid(film[k], values[k], top=largest, signed=heat.signed, truth=None if truth is None else truth[k]) for k in pick])]
    t, h, w = heat.grid
    cell = (heat.box[2] - heat.box[0]) * H / h
    name = NAMES.get(heat.method, heat.method) + (f" at {heat.layer}" if heat.layer else "")
    text = title or f"{name}: {t} step{'s' * (t > 1)} of {h} x {w} cells, {cell:.3g} px each"
    seconds = [f"{k / getattr(clip, 'fps', 25):.2f}" for k in pick]
    unit = "attribution (logit)" if heat.signed else "map value (no unit)"
    return _guess(_sheet(rows, ("frame", "map"), seconds, largest, heat.signed, unit, text, world), guess)


def _sheet(rows, names, columns, top, signed, unit, title, world):
    """Pictures in rows on one axis of columns, with a colour bar."""
    import plotly.graph_objects as go
    fig, n, R = go.Figure(), len(columns), len(rows)
    sheet = pictures.data_uri(pictures.montage(rows, gap=6))
    fig.add_layout_image(source=sheet, xref="x", yref="y", x=0, y=0, sizex=n, sizey=R, sizing="stretch", layer="above")
    bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    scale = theme.SIGNED if signed else theme.MAGNITUDE
    fig.add_scatter(x=[0], y=[0], mode="markers", hoverinfo="skip", showlegend=False,
                    marker={"size": 0.01, "opacity": 0, "color": [0], "colorscale": scale, "cmin": -top if signed else 0, "cmax": top, "showscale": True,
                            "colorbar": bar})
    bare = {"showgrid": False, "zeroline": False, "constrain": "domain"}
    fig.update_xaxes(range=[0, n], tickvals=np.arange(n) + 0.5, ticktext=list(columns), title_text="time (s)", **bare)
    fig.update_yaxes(range=[R, 0], tickvals=np.arange(R) + 0.5, ticktext=list(names), scaleanchor="x", ticks="", **bare)
    fig.update_layout(meta={"min_width": 110 * n})
    return dressed(fig, title=title, world=world, height=int(120 + 118 * R))


def gallery(maps, *, frame=None, signed=(), columns=4, zoom=4, title="", guess=None, world=WORLD):
    """Maps of one moment side by side, each on its own scale, under its name. maps = {name: (H, W)}; signed = names drawn with 0 in white.

    frame   (H, W, 3) uint8: shown first, and under every magnitude
    """
    from avlab.show.figures_world import panels
    made = {} if frame is None else {"the frame": np.asarray(frame).repeat(zoom, 0).repeat(zoom, 1)}
    for name, values in maps.items():
        made[name] = overlaid(np.full((*values.shape, 3), 127, np.uint8) if frame is None or name in signed else frame, values, top=pictures.limit(values),
                              signed=name in signed, opacity=1.0 if frame is None or name in signed else 0.65, zoom=zoom)
    return _guess(panels(made, columns=columns, title=title, world=world), guess)


def log_ratios(rows, *, x, title="", guess=None, world=WORLD):
    """Ratios with intervals on a logarithmic axis beside 1. rows = list of (line, series, value, lo, hi), one line a forger, one series a map."""
    import plotly.graph_objects as go
    fig = go.Figure()
    lines, series = list(dict.fromkeys(r[0] for r in rows)), list(dict.fromkeys(r[1] for r in rows))
    for k, name in enumerate(series):
        s = style(name, k)
        own = [r for r in rows if r[1] == name]
        y = [lines.index(r[0]) + (k - (len(series) - 1) / 2) * 0.76 / len(series) for r in own]
        value, lo, hi = (np.array([r[i] for r in own]) for i in (2, 3, 4))
        fig.add_scatter(x=value, y=y, mode="markers", name=name, marker={"color": s.colour, "symbol": s.symbol, "size": 9},
                        error_x={"type": "data", "array": hi - value, "arrayminus": value - lo, "color": s.colour, "thickness": 2.5, "width": 0},
                        hovertemplate=f"{name}: %{{x:.2f}}<extra></extra>")
    for k in range(1, len(lines)):
        fig.add_hline(k - 0.5, line_color=theme.GRID, line_width=1)
    fig.add_vline(1, line_color=theme.AXIS, line_width=1.5)
    ticks = (0.25, 0.5, 0.7, 1, 1.4, 2, 3, 4, 8, 16)
    fig.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{v:g}" for v in ticks])
    fig.update_yaxes(tickvals=list(range(len(lines))), ticktext=lines, range=[len(lines) - 0.45, -0.55], zeroline=False, showgrid=False)
    height = 150 + (16 + 15 * len(series)) * len(lines)
    fig = axes(dressed(fig, title=title, world=world, height=height), x)
    return _guess(fig.update_layout(legend_y=-60 / (height - 110)), guess)


def removal(curves, band, *, y="logit of fake", title="", guess=None, world=WORLD, share=None):
    """Curves over the share removed, with the band of random orders. curves = {name: (steps + 1,)}; band = (middle, lo, hi), each (steps + 1,)."""
    import plotly.graph_objects as go
    middle, lo, hi = (np.asarray(v, float) for v in band)
    at = np.linspace(0, 100, len(middle)) if share is None else np.asarray(share)
    fig = go.Figure()
    fig.add_scatter(x=np.concatenate([at, at[::-1]]), y=np.concatenate([hi, lo[::-1]]), fill="toself", fillcolor=theme.BAND, line={"width": 0}, mode="lines",
                    hoverinfo="skip", showlegend=False)
    fig.add_scatter(x=at, y=middle, mode="lines", name="random order", line={"color": theme.GREY, "dash": "dot", "width": 2})
    for i, (name, values) in enumerate(curves.items()):
        s = style(name, i)
        fig.add_scatter(x=at, y=np.asarray(values), mode="lines+markers" if len(at) <= 24 else "lines", name=BRIEF.get(name, s.label),
                        line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"symbol": s.symbol, "color": s.colour})
    return _guess(axes(dressed(fig, title=title, world=world, height=380), "tiles taken away (%)", y), guess)


def weights_lost(lines, null, steps, *, title="", guess=None, world=WORLD):
    """Correlation with the trained map while parts lose their weights. lines = {name: (S,)}; null = {name: (lo, hi)}, drawn at the right; steps = S names."""
    import plotly.graph_objects as go
    fig, at = go.Figure(), np.arange(len(steps))
    for i, (name, values) in enumerate(lines.items()):
        s, (lo, hi) = style(name, i), null[name]
        fig.add_scatter(x=at, y=values, mode="lines+markers", name=name, line={"color": s.colour, "dash": s.dash, "width": 2.2},
                        marker={"symbol": s.symbol, "color": s.colour})
        x = len(steps) - 0.3 + 0.3 * i
        fig.add_scatter(x=[x, x], y=[lo, hi], mode="lines", line={"color": s.colour, "width": 9}, opacity=0.45, name=f"{name}: two random networks",
                        showlegend=False, hovertemplate=f"{name}, two random networks: %{{y:.2f}}<extra></extra>")
    end = len(steps) - 0.3 + 0.3 * (len(lines) - 1)
    fig.add_hline(0, line_color=theme.AXIS, line_width=1.5)
    fig.update_xaxes(tickvals=[*at, (len(steps) - 0.3 + end) / 2], ticktext=[*steps, "random<br>pairs"], range=[-0.3, end + 0.4], tickangle=0)
    fig.update_yaxes(range=[min(-0.2, *(v for pair in null.values() for v in pair), *(float(np.min(v)) for v in lines.values())) - 0.05, 1.05])
    fig.update_layout(meta={"min_width": 640}, legend_y=-0.32)
    return _guess(axes(dressed(fig, title=title, world=world, height=390), "weights drawn anew, with all before", "rank correlation"), guess, "y")


def sound_maps(maps, *, hop_s, hz, title="", world=WORLD):
    """Maps over bands and time, all on one signed scale. maps = {name: (F, n)}; hz (F,) the middle of every band; hop_s seconds between columns."""
    from plotly.subplots import make_subplots
    top = max(pictures.limit(v) for v in maps.values())
    fig = make_subplots(1, len(maps), subplot_titles=list(maps), shared_yaxes=True, horizontal_spacing=0.03)
    ticks = [int(np.argmin(np.abs(np.asarray(hz) - f))) for f in (250, 500, 1000, 2000, 4000, 7000)]
    for k, values in enumerate(maps.values(), 1):
        fig.add_heatmap(z=np.round(values, 4), x0=hop_s / 2, dx=hop_s, coloraxis="coloraxis", row=1, col=k, hovertemplate="%{x:.2f} s: %{z:.3f}<extra></extra>")
        fig.update_xaxes(title_text="time (s)", row=1, col=k)
    fig.update_yaxes(tickvals=ticks, ticktext=[f"{hz[i] / 1000:.2g}" for i in ticks], showgrid=False)
    fig.update_yaxes(title_text="frequency (kHz)", col=1)
    bar = {"title": {"text": "fall of the logit", "side": "right"}, "thickness": 12, "outlinewidth": 0}
    fig.update_layout(meta={"min_width": 230 * len(maps)}, coloraxis={"cmin": -top, "cmax": top, "colorscale": theme.SIGNED, "colorbar": bar})
    return dressed(fig, title=title, world=world, height=330)
