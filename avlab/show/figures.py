"""The figures of the workbook. Each takes numbers and returns a plotly figure that carries units and its world."""

import numpy as np

from avlab.errors import AvlabError
from avlab.show import theme
from avlab.show.pictures import contrast, shades
from avlab.show.theme import WORLD, axes, dressed, style


def _guess(fig, guess, along="x"):
    """Draw a reader's numeric prediction, or write a worded one, as a dashed mark; nothing for None."""
    choice = getattr(guess, "choice", guess)
    if choice is None:
        return fig
    try:
        at = float(choice)
    except ValueError:
        return fig.add_annotation(text=f"your prediction: {choice}", xref="paper", yref="paper", x=0, y=1, yanchor="bottom",
                                  xanchor="left", showarrow=False, font={"size": 11})
    line = {"line_dash": "dash", "line_color": theme.AXIS, "annotation_text": "your prediction"}
    return fig.add_vline(at, **line) if along == "x" else fig.add_hline(at, **line)


def dot_interval(rows, *, x, title="", null=None, null_band=None, guess=None, world=WORLD):
    """Points with intervals, one line each, beside a null line and a grey null band.

    rows      list of (label, value, lo, hi); style follows the label, or give a fifth element 'real' | 'fake' | a forger
    x         axis title with unit       null  reference value (0.5 for an AUROC)      null_band  (lo, hi) where nothing is going on
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    if null_band is not None:
        fig.add_vrect(*null_band, fillcolor=theme.BAND, line_width=0, layer="below", annotation_text="null band",
                      annotation_position="top left", annotation_font_size=11)
    if null is not None:
        fig.add_vline(null, line_color=theme.AXIS, line_width=1.5)
    for i, (label, value, lo, hi, *key) in enumerate(rows):
        s = style(key[0] if key else label, 0 if not key else i)
        if not lo <= hi:
            raise AvlabError("An interval has lo <= hi", got=(label, lo, hi))
        fig.add_scatter(x=[lo, hi], y=[label] * 2, mode="lines", line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip")
        fig.add_scatter(x=[value], y=[label], mode="markers", marker={"color": s.colour, "symbol": s.symbol, "size": 11}, showlegend=False,
                        hovertemplate=f"{label}: %{{x:.3g}} [{lo:.3g}, {hi:.3g}]<extra></extra>")
    fig.update_yaxes(autorange="reversed", type="category")
    return _guess(axes(dressed(fig, title=title, world=world, height=130 + 34 * len(rows)), x), guess)


def strip(groups, *, x, title="", log=False, guess=None, world=WORLD):
    """Every value as a mark, one line per group, with the median as a bar. groups = {name: values}; x = axis title with unit."""
    import plotly.graph_objects as go
    fig = go.Figure()
    for i, (name, values) in enumerate(groups.items()):
        s, values = style(name, i), np.sort(np.asarray(values, float))
        spread = (np.arange(len(values)) * 0.618034 % 1 - 0.5) * 0.5          # low-discrepancy jitter: no random state, no overlap
        fig.add_scatter(x=values, y=i + spread, mode="markers", name=s.label, showlegend=False,
                        marker={"color": s.colour, "symbol": s.symbol, "size": 8, "opacity": 0.8}, hovertemplate=f"{s.label} %{{x:.3g}}<extra></extra>")
        if len(values):
            fig.add_scatter(x=[np.median(values)] * 2, y=[i - 0.36, i + 0.36], mode="lines",
                            line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip")
    fig.update_yaxes(tickvals=list(range(len(groups))), ticktext=[style(n).label for n in groups], range=[len(groups) - 0.4, -0.6], zeroline=False)
    fig.update_xaxes(type="log" if log else "linear")
    return _guess(axes(dressed(fig, title=title, world=world, height=140 + 44 * len(groups)), x), guess)


def _faint(colour, alpha=0.2):
    r, g, b = (int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return f"rgba({r},{g},{b},{alpha})"


def lines_with_band(series, *, x, y, title="", log_x=False, log_y=False, markers=True, null=None, guess=None, world=WORLD, height=360):
    """Lines with an interval band. series = {name: (x, y) or (x, y, lo, hi)}; x, y = axis titles with units."""
    import plotly.graph_objects as go
    fig = go.Figure()
    for i, (name, (px, py, *band)) in enumerate(series.items()):
        s, px = style(name, i), np.asarray(px)
        if band:
            lo, hi = band
            fig.add_scatter(x=np.concatenate([px, px[::-1]]), y=np.concatenate([hi, np.asarray(lo)[::-1]]), fill="toself", fillcolor=_faint(s.colour),
                            line={"width": 0}, mode="lines", hoverinfo="skip", showlegend=False, legendgroup=s.label)
        fig.add_scatter(x=px, y=np.asarray(py), name=s.label, mode="lines+markers" if markers and len(px) <= 24 else "lines", legendgroup=s.label,
                        line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"symbol": s.symbol, "color": s.colour})
    if null is not None:
        fig.add_hline(null, line_color=theme.AXIS, line_width=1.5)
    fig.update_xaxes(type="log" if log_x else "linear")
    fig.update_yaxes(type="log" if log_y else "linear")
    seen = sorted({float(v) for px, *_ in series.values() for v in px})
    if log_x and len(seen) <= 8:                                # the measured values are the ticks worth reading
        fig.update_xaxes(tickvals=seen, ticktext=[f"{v:g}" for v in seen])
    fig.update_layout(showlegend=len(series) > 1)
    return _guess(axes(dressed(fig, title=title, world=world, height=height), x, y), guess)


def scatter(groups, *, x, y, title="", log_x=False, log_y=False, line=None, hover=None, world=WORLD, height=420):
    """Points by group. groups = {name: (x, y)}; line = (x, y, name) drawn thin; hover = {name: list of texts}."""
    import plotly.graph_objects as go
    fig = go.Figure()
    for i, (name, (px, py)) in enumerate(groups.items()):
        s = style(name, i)
        fig.add_scatter(x=np.asarray(px), y=np.asarray(py), mode="markers", name=s.label, text=(hover or {}).get(name),
                        marker={"color": s.colour, "symbol": s.symbol, "size": 9, "opacity": 0.85})
    if line is not None:
        fig.add_scatter(x=np.asarray(line[0]), y=np.asarray(line[1]), mode="lines", name=line[2], line={"color": theme.AXIS, "width": 2})
    fig.update_xaxes(type="log" if log_x else "linear")
    fig.update_yaxes(type="log" if log_y else "linear")
    return axes(dressed(fig, title=title, world=world, height=height), x, y)


def bars(parts, groups, *, y, title="", world=WORLD):
    """Stacked bars. parts = {name: (n,) heights}; groups = n labels; y = axis title with unit. Parts differ by colour and hatching."""
    import plotly.graph_objects as go
    fig, hatch = go.Figure(), ("", "/", ".", "x", "-")
    for i, (name, heights) in enumerate(parts.items()):
        fig.add_bar(x=list(groups), y=np.asarray(heights, float), name=name,
                    marker={"color": theme.PALETTE[i % 7], "line": {"width": 1, "color": theme.AXIS}, "pattern": {"shape": hatch[i % 5], "solidity": 0.25}})
    fig.update_layout(barmode="stack", bargap=0.45)
    return axes(dressed(fig, title=title, world=world), "", y)


def heat_grid(grids, rows, columns, *, unit="", low=None, high=None, text=None, signed=False, x="", y="", title="", world=WORLD):
    """Heat grids side by side on one colour scale, a number and its interval written in every cell.

    grids  {name: (R, C) values, or (values, lo, hi) each (R, C)}; all on the scale low..high (default: their range)
    signed True: the scale is centred on 0          text  {name: (R, C) strings} instead of the default 'value [lo, hi]'
    """
    from plotly.subplots import make_subplots
    made = {k: v if isinstance(v, tuple) else (v,) for k, v in grids.items()}
    every = np.concatenate([np.asarray(v[0], float).ravel() for v in made.values()])
    top = np.nanmax(np.abs(every)) if high is None else high
    low, high = (-top, top) if signed else (np.nanmin(every) if low is None else low, np.nanmax(every) if high is None else high)
    fig = make_subplots(1, len(made), subplot_titles=list(made) if len(made) > 1 else None, shared_yaxes=True, horizontal_spacing=0.04)
    for i, (name, (value, *band)) in enumerate(made.items(), 1):
        value = np.asarray(value, float)
        words = (text or {}).get(name)
        if words is None:
            words = [[f"{value[r, c]:.2f}" + (f"<br>[{band[0][r][c]:.2f}, {band[1][r][c]:.2f}]" if band else "")
                      for c in range(value.shape[1])] for r in range(value.shape[0])]
        fig.add_heatmap(z=value, x=[str(c) for c in columns], y=list(rows), text=words, xgap=2, ygap=2,
                        coloraxis="coloraxis", row=1, col=i, hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>")
        _cell_texts(fig, value, words, rows, columns, (low, high), theme.SIGNED if signed else "Cividis", i)
    fig.update_layout(coloraxis={"cmin": low, "cmax": high, "colorscale": theme.SIGNED if signed else "Cividis",
                                 "colorbar": {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}})
    fig.update_xaxes(type="category", showgrid=False, ticks="", title_text=x)
    fig.update_yaxes(autorange="reversed", showgrid=False, ticks="")
    fig.update_yaxes(title_text=y, col=1)
    widest = 84 if any(len(v) > 1 for v in made.values()) else 56                   # '[0.83, 1.00]' or '0.83'
    fig.update_layout(meta={"min_width": 150 + widest * len(columns) * len(made)})   # a phone scrolls the grid instead of squeezing its texts
    return dressed(fig, title=title, world=world, height=150 + 66 * len(rows))


def _cell_texts(fig, value, words, rows, columns, span, scale, col):
    """Write the cells' texts in black or white by contrast; plotly's own greys read at only 3:1 on the middle colours."""
    rgb = shades((value - span[0]) / ((span[1] - span[0]) or 1), scale)
    cells = list(np.ndindex(value.shape))
    fig.add_scatter(x=[str(columns[c]) for _, c in cells], y=[rows[r] for r, _ in cells], text=[words[r][c] for r, c in cells], mode="text",
                    textfont={"color": [contrast(rgb[r, c]) for r, c in cells], "size": 12}, hoverinfo="skip", showlegend=False, row=1, col=col)


def timeline(*, sound=None, mel=None, traces=None, frames=None, at=None, title="", world=WORLD):
    """Sound, spectrogram, traces and frames on one time axis in seconds.

    sound   (samples (S,), rate in Hz)           mel   (bands (F, n), hop in s, top frequency in Hz)
    traces  {name: (times s, values)}, each drawn in a row of its own, name = its axis title with unit
    frames  (film (T, H, W, 3) uint8, fps)       at    time in s of a vertical mark, or None
    """
    from plotly.subplots import make_subplots

    from avlab.show import pictures
    parts = [p for p, given in (("frames", frames), ("sound", sound), ("mel", mel)) if given is not None] + list(traces or {})
    weight = {"frames": 1.3, "sound": 0.8, "mel": 1.3}
    fig = make_subplots(len(parts), 1, shared_xaxes=True, vertical_spacing=0.035, row_heights=[weight.get(p, 0.8) for p in parts])
    end = 0.0
    for r, part in enumerate(parts, 1):
        if part == "frames":
            end = max(end, _frames_row(fig, r, *frames, pictures))
        elif part == "sound":
            end = max(end, _sound_row(fig, r, *sound))
        elif part == "mel":
            bands, hop, top = mel
            fig.add_heatmap(z=np.asarray(bands, np.float16).astype(float).round(2), x0=hop / 2, dx=hop, y0=0, dy=top / 1000 / max(len(bands) - 1, 1),
                            colorscale="Viridis", showscale=False, row=r, col=1)
            fig.update_yaxes(title_text="mel (kHz)", row=r, col=1)
        else:
            t, y = traces[part]
            s = style(part, r)
            fig.add_scatter(x=np.asarray(t), y=np.asarray(y), mode="lines", line={"width": 2, "color": s.colour}, showlegend=False, row=r, col=1)
            fig.update_yaxes(title_text=part, row=r, col=1)
            end = max(end, float(np.max(t)))
    if at is not None:
        fig.add_vline(at, line_dash="dash", line_color=theme.AXIS)
    fig.update_xaxes(range=[0, end] if end else None)
    fig.update_xaxes(title_text="time (s)", row=len(parts), col=1)
    return dressed(fig, title=title, world=world, height=90 + 118 * len(parts))


def _sound_row(fig, row, wave, rate):
    """Draw a sound's outline, the extremes of 2,000 pieces, so that no peak is lost; returns its end in seconds."""
    import plotly.graph_objects as go
    wave = np.asarray(wave, float)
    step = max(1, len(wave) // 2000)
    pieces = wave[:len(wave) // step * step].reshape(-1, step)
    t = np.arange(len(pieces)) * step / rate
    y = np.stack([pieces.min(1), pieces.max(1)], 1).ravel() if step > 1 else pieces.ravel()
    line = go.Scatter(x=np.repeat(t, 2) if step > 1 else t, y=y, mode="lines", line={"width": 1, "color": theme.BLUE}, showlegend=False)
    fig.add_trace(line, row=row, col=1)
    fig.update_yaxes(title_text="sound", row=row, col=1)
    return len(wave) / rate


def _frames_row(fig, row, film, fps, pictures):
    """Put evenly spaced frames at their times into one row of a timeline; returns the clip's end in seconds."""
    T, H, W = film.shape[:3]
    end, n = T / fps, min(8, T)
    name = "" if row == 1 else str(row)
    for k, i in enumerate(np.linspace(0, T - 1, n).round().astype(int)):
        fig.add_layout_image(source=pictures.data_uri(film[i], 2), xref=f"x{name}", yref=f"y{name}", x=end * (k + 0.04) / n, y=1,
                             sizex=end / n * 0.92, sizey=1, sizing="contain", layer="above")
    fig.add_scatter(x=[0, end], y=[0, 1], mode="markers", marker={"opacity": 0}, hoverinfo="skip", showlegend=False, row=row, col=1)
    fig.update_yaxes(range=[0, 1], showticklabels=False, showgrid=False, zeroline=False, ticks="", title_text="frames", row=row, col=1)
    return end
