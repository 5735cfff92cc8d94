"""Figures about the embedded world (notebook 00): a contact sheet, differences, what is said and shown, traces of forgers, two ways to be fooled."""

import html

import numpy as np

from avlab.show import pictures, theme
from avlab.show.figures import dot_interval
from avlab.show.html import Html, prefix
from avlab.show.theme import WORLD, axes, dressed, style

SHEET_CSS = (
    "#ID{margin:1rem 0;overflow-x:auto;color:var(--jp-content-font-color1,CanvasText)}"
    "#ID .ws-head{display:flex;gap:.6rem;justify-content:space-between;align-items:baseline;font-weight:600;max-width:WIDTHpx}"
    "#ID .ws-world{font-size:.8rem;font-weight:400;border:1px solid rgba(127,127,127,.65);padding:0 .35rem}"
    "#ID .ws-grid{display:flex;gap:6px;margin-top:.5rem;width:max-content}"
    "#ID .ws-names,#ID .ws-col{display:flex;flex-direction:column;gap:6px}"
    "#ID .ws-names span{height:SIZEpx;display:flex;align-items:center;justify-content:flex-end;padding-right:.5rem;font-weight:600}"
    "#ID .ws-top{height:1.5rem;font-size:.85rem;text-align:center;opacity:.85}"
    "#ID .ws-film{display:block;width:SIZEpx;height:SIZEpx;background-size:calc(var(--n)*SIZEpx) SIZEpx;border-radius:5px}"
    "#ID .ws-col:focus-visible{outline:3px solid #E69F00;outline-offset:3px;border-radius:5px}"
    "#ID .ws-col:is(:hover,:focus) .ws-film{animation:ID calc(var(--n)*80ms) steps(var(--n)) infinite}"
    "@keyframes ID{to{background-position-x:calc(var(--n)*-SIZEpx)}}"
    "@media (prefers-reduced-motion:reduce){#ID .ws-col:is(:hover,:focus) .ws-film{animation-duration:calc(var(--n)*400ms)}}")


def sheet(films, people, *, title="", world=WORLD, size=104, frames=8):
    """A contact sheet as HTML: one column a person, one line a kind; a column moves while the mouse or the keyboard is on it.

    films  {kind: list of (T, H, W, 3) uint8, one a person}      people  a short name of each
    """
    columns = []
    for k, who in enumerate(people):
        cells = []
        for kind, own in films.items():
            pick = np.linspace(0, len(own[k]) - 1, frames).round().astype(int)
            sprite = _small(np.concatenate([pictures.paint(own[k][i]) for i in pick], 1))
            text = html.escape(f"{kind}, {who}" if kind else f"film {who}, a loop of {frames} frames", quote=True)
            cells.append(f'<span class="ws-film" role="img" aria-label="{text}" style="background-image:url({sprite});--n:{frames}"></span>')
        who = html.escape(str(who), quote=True)
        columns.append(f'<div class="ws-col" tabindex="0" role="group" aria-label="{who}"><div class="ws-top">{who}</div>{"".join(cells)}</div>')
    names = "".join(f"<span>{html.escape(kind)}</span>" for kind in films)
    names = f'<div class="ws-names"><div class="ws-top"></div>{names}</div>' if any(films) else ""
    body = f'<div class="ws-grid">{names}{"".join(columns)}</div>'
    key = prefix(body + title)
    css = SHEET_CSS.replace("ID", key).replace("SIZE", str(size)).replace("WIDTH", str(110 + (size + 6) * len(people)))
    head = f'<div class="ws-head"><span>{html.escape(title)}</span><span class="ws-world">{html.escape(world)}</span></div>'
    return Html(f'<div id="{key}" class="avlab-world-sheet"><style>{css}</style>{head}{body}</div>')


def _small(image, quality=93):
    """A lossy WebP data URI: a sheet is for looking, and thirty lossless films would make a page of several megabytes."""
    import base64
    import io

    from PIL import Image
    out = io.BytesIO()
    Image.fromarray(image).save(out, "WEBP", quality=quality, method=4)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def panels(images, *, columns, title="", unit="", top=255, world=WORLD, height=None):
    """Pictures in a grid, each under its name. images = {name: (H, W, 3) uint8 or (H, W) numbers on one grey scale 0..top in `unit`}."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots
    names, rows = list(images), -(-len(images) // columns)
    fig = make_subplots(rows, columns, subplot_titles=[n.split("|")[0] for n in names], horizontal_spacing=0.012, vertical_spacing=0.10 / rows)
    for k, (name, image) in enumerate(images.items()):
        flat = np.ndim(image) == 2
        picture = pictures.paint(image, "magnitude", top) if flat else pictures.paint(image)
        place = {"row": k // columns + 1, "col": k % columns + 1}
        fig.add_layout_image(source=pictures.data_uri(picture, 4 if len(picture) <= 96 else 1), xref="x", yref="y", x=0, y=0, sizex=1, sizey=1,
                             sizing="stretch", layer="above", **place)
        fig.add_scatter(x=[0, 1], y=[0, 1], mode="markers", marker={"opacity": 0, "size": 0.01}, hoverinfo="skip", showlegend=False, **place)
    if unit:
        bar = {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}
        fig.add_trace(
            go.Scatter(
                x=[0.5], y=[0.5], mode="markers", hoverinfo="skip", showlegend=False,
                marker={"size": 0.01, "opacity": 0, "color": [0], "colorscale": theme.MAGNITUDE, "cmin": 0, "cmax": top, "showscale": True, "colorbar": bar}),
            row=1, col=1)
    fig.update_xaxes(range=[0, 1], visible=False, constrain="domain")
    fig.update_yaxes(range=[1, 0], visible=False, constrain="domain", scaleanchor=None)
    for k in range(len(names)):
        n = "" if k == 0 else str(k + 1)
        fig.update_layout({f"yaxis{n}": {"scaleanchor": f"x{n}"}})
    fig.update_annotations(font_size=12)
    return dressed(fig, title=title, world=world, height=height or 84 + int(760 / columns + 14) * rows)


def hatched(frame, mask, zoom=4, step=6):
    """A frame (H, W, 3) enlarged, with the true forged area (H, W) hatched and outlined: explanations are never drawn like this."""
    big, area = np.asarray(frame).repeat(zoom, 0).repeat(zoom, 1).copy(), np.asarray(mask, bool).repeat(zoom, 0).repeat(zoom, 1)
    y, x = np.mgrid[: area.shape[0], : area.shape[1]]
    inner = area.copy()
    for axis in (0, 1):
        inner &= np.roll(area, 2, axis) & np.roll(area, -2, axis)
    stripes = area & ((x + y) % (2 * step) < 2)
    big[stripes] = (0.35 * big[stripes] + 0.65 * 255).astype(np.uint8)
    big[area & ~inner] = (255, 255, 255)
    return big


def with_segments(fig, spans):
    """Mark true forged spans on a figure with time on x. spans = {"picture forged": ((start_s, end_s), ...)}; dashed, named at the top."""
    for k, (name, segments) in enumerate(spans.items()):
        for i, (a, b) in enumerate(segments):
            fig.add_vrect(a, b, line={"dash": "dash", "width": 2, "color": theme.VERMILLION if k == 0 else theme.PURPLE},
                          fillcolor="rgba(213,94,0,0.10)" if k == 0 else "rgba(204,121,167,0.14)", layer="above")
            if i == 0:
                fig.add_annotation(x=a, y=1, yref="paper", xanchor="left", yanchor="bottom", text=name, showarrow=False, font={"size": 11}, yshift=2 + 15 * k)
    return fig.update_layout(margin_t=86, height=(fig.layout.height or 400) + 30)


def said_and_shown(times, formants, opening, loudness, phonemes, *, title="", world=WORLD):
    """Formants (Hz), opening of the mouth (0..1) and loudness (dB) on one time axis, phonemes above, m b p shaded.

    times (n,) s of formants (n, 2); opening, loudness = (times, values); phonemes ((start_s, end_s, symbol), ...)
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(3, 1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[1.2, 1, 0.8])
    end = float(max(times[-1], opening[0][-1]))
    for k, name in enumerate(("F1", "F2")):
        fig.add_scatter(x=times, y=formants[:, k], name=name, mode="lines", line={"width": 2.2, "color": theme.PALETTE[k], "dash": ("solid", "dash")[k]},
                        row=1, col=1)
    fig.add_scatter(x=opening[0], y=opening[1], name="opening", mode="lines+markers", line={"width": 2.2, "color": theme.GREEN}, marker={"size": 5},
                    showlegend=False, row=2, col=1)
    fig.add_scatter(x=loudness[0], y=loudness[1], name="loudness", mode="lines", line={"width": 2.2, "color": theme.ORANGE}, showlegend=False, row=3, col=1)
    for start, stop, symbol in phonemes:
        if symbol in ("m", "b", "p") and stop > 0 and start < end:
            fig.add_vrect(max(start, 0), min(stop, end), fillcolor=theme.BAND, line_width=0, layer="below")
        if 0 < (start + stop) / 2 < end:
            fig.add_annotation(x=(start + stop) / 2, y=1.0, yref="paper", yanchor="bottom", text=f"<b>{symbol}</b>" if symbol in ("m", "b", "p") else symbol,
                               showarrow=False, font={"size": 12})
    for row, name in ((1, "formants (Hz)"), (2, "opening"), (3, "sound (dB)")):
        fig.update_yaxes(title_text=name, row=row, col=1)
    fig.update_xaxes(range=[0, end])
    fig.update_xaxes(title_text="time (s); grey: the lips must close. opening 0 to 1", row=3, col=1)
    fig.update_layout(legend={"y": 0.98, "x": 0.99, "xanchor": "right", "yanchor": "top"})
    return dressed(fig, title=title, world=world, height=520)


def four_traces(lattice, lag, seam, standing, *, title="", world=WORLD):
    """Four panels, one look a forger: power against its source, correlation by lag, difference by distance to the seam, likeness of distant frames.

    lattice {forger: (cycles a pixel, dB)}      lag {forger: (ms, correlation)}      seam {forger: (px, grey levels)}      standing {forger: (ms, correlation)}
    """
    from plotly.subplots import make_subplots
    parts = ((lattice, "the spectrum: reenact, ldm", "cycles a pixel", "dB against the source"),
             (lag, "late lips: lipsync", "the picture is late by (ms)", "correlation with the sound"),
             (seam, "a colour step: faceswap", "px inside the forged area", "grey levels off the source"),
             (standing, "mistakes that ride along: one noise for all frames", "frames this far apart (ms)", "correlation of own detail"))
    fig = make_subplots(2, 2, horizontal_spacing=0.1, vertical_spacing=0.2, subplot_titles=[f"<b>{head}</b>" for _, head, *_ in parts])
    named = set()
    for k, (series, _, x, y) in enumerate(parts):
        at = {"row": k // 2 + 1, "col": k % 2 + 1}
        for name, (px, py) in series.items():
            s = style(name)
            fig.add_scatter(x=np.asarray(px), y=np.asarray(py), name=s.label, legendgroup=name, showlegend=name not in named,
                            mode="lines+markers" if len(px) < 20 else "lines", line={"color": s.colour, "dash": s.dash, "width": 2.2},
                            marker={"symbol": s.symbol, "color": s.colour, "size": 7}, **at)
            named.add(name)
        fig.update_xaxes(title_text=x, **at)
        fig.update_yaxes(title_text=y, **at)
        fig.add_shape(type="line", xref="x domain", x0=0, x1=1, y0=0, y1=0, line={"color": theme.AXIS, "width": 1.2}, **at)
    for row, col in ((1, 2), (2, 1)):
        fig.add_vline(0, line_color=theme.AXIS, line_width=1.2, row=row, col=col)
    fig.update_layout(meta={"min_width": 760}, legend={"y": -0.14})
    fig.update_annotations(font_size=13)
    return dressed(fig, title=title, world=world, height=660)


def audit(rows, band, *, limit=0.60, title="", guess=None, world=WORLD):
    """The shortcut audit: one interval a forger on an AUROC axis, the null band grey, the limit dashed. rows = list of (label, value, lo, hi[, style])."""
    fig = dot_interval(rows, x="AUROC of ten trifles (0.5: no better than a coin)", null=0.5, null_band=band, title=title, guess=guess, world=world)
    fig.add_vline(limit, line_dash="dash", line_color=theme.VERMILLION, annotation_text=f"limit {limit:.2f}", annotation_position="bottom right",
                  annotation_font_size=11)
    low = min([band[0], *(row[2] for row in rows)])
    return fig.update_xaxes(range=[min(0.4, low - 0.03), 1.02])


def cherries(values, k, *, title="", world=WORLD):
    """The first k differences as small marks, the largest ringed; k runs from 1 to len(values). values (n,) in standard deviations."""
    import plotly.graph_objects as go
    values = np.asarray(values, float)
    best = int(np.argmax(values[:k]))
    fig = go.Figure()
    fig.add_scatter(x=np.arange(1, k + 1), y=values[:k], mode="markers", name="pairs looked at", marker={"color": theme.GREY, "size": 6, "opacity": 0.75})
    fig.add_scatter(x=[best + 1], y=[values[best]], mode="markers", name="the pair that makes the figure",
                    marker={"color": theme.VERMILLION, "size": 13, "symbol": "diamond"})
    fig.add_hline(0, line_color=theme.AXIS, line_width=1.5)
    fig.update_xaxes(range=[0, len(values) + 2])
    fig.update_yaxes(range=[-3.6, 3.6])
    return axes(dressed(fig, title=title, world=world, height=300), "pair, in the order of looking", "A sharper than B (sd)")
