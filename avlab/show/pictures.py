"""Arrays to pictures: one colour scale over a whole clip, uint8 PNG data URIs, strips and contact sheets."""

import base64
import html
import io
from functools import cache

import numpy as np

from avlab.errors import AvlabError
from avlab.show import theme


@cache
def lookup(kind):
    """256 RGB rows (256, 3) uint8 of a scale: 'magnitude' (viridis), 'signed' (blue, white, orange), 'grey'."""
    from plotly.colors import get_colorscale, sample_colorscale, unlabel_rgb
    if kind == "grey":
        return np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    scale = {"magnitude": get_colorscale(theme.MAGNITUDE), "signed": theme.SIGNED}.get(kind)
    if scale is None:
        raise AvlabError("A picture is 'rgb', 'magnitude', 'signed' or 'grey'", got=kind)
    return np.array([unlabel_rgb(c) for c in sample_colorscale(scale, np.linspace(0, 1, 256).tolist(), colortype="rgb")]).round().astype(np.uint8)


def shades(unit, scale):
    """Values (R, C) in 0..1 to uint8 RGB (R, C, 3) on a plotly colour scale."""
    from plotly.colors import get_colorscale, sample_colorscale, unlabel_rgb
    scale = get_colorscale(scale) if isinstance(scale, str) else [list(s) for s in scale]
    flat = np.clip(np.nan_to_num(np.asarray(unit, float)), 0, 1).ravel()
    rgb = [unlabel_rgb(c) for c in sample_colorscale(scale, flat.tolist(), colortype="rgb")]
    return np.array(rgb).round().astype(np.uint8).reshape(*np.shape(unit), 3)


def contrast(rgb):
    """'#000' or '#fff', whichever has the larger WCAG contrast on a colour; it is at least 4.5:1 for every colour."""
    c = np.asarray(rgb, float) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    light = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#000" if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else "#fff"


def limit(array):
    """Largest absolute finite value of an array: the one scale of a clip (1 where everything is 0)."""
    array = np.asarray(array, float)
    if not np.isfinite(array).all():
        raise AvlabError("A picture needs finite numbers", got=f"{(~np.isfinite(array)).sum()} values that are not finite")
    return float(np.abs(array).max()) or 1.0


def paint(array, kind="rgb", top=None):
    """Array (..., H, W[, 3]) to uint8 RGB (..., H, W, 3).

    rgb        uint8 as is, or floats in 0..1
    magnitude  0 .. top in viridis      grey  0 .. top in grey      signed  -top .. top, white at 0
    top        end of the scale; default the largest absolute value of the *whole* array, so that frames compare
    """
    array = np.asarray(array)
    if kind == "rgb":
        if array.shape[-1] != 3:
            raise AvlabError("An rgb picture ends in 3 channels", got=array.shape)
        return array if array.dtype == np.uint8 else (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    top = limit(array) if top is None else top
    unit = (array / top + 1) / 2 if kind == "signed" else array / top
    return lookup(kind)[(np.clip(unit, 0, 1) * 255).round().astype(np.uint8)]


def png(image, zoom=1):
    """uint8 image (H, W, 3 or 4) as PNG bytes; zoom repeats pixels."""
    from PIL import Image
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (3, 4):
        raise AvlabError("A picture is uint8 of shape (H, W, 3)", got=f"{image.dtype} {image.shape}", todo="Use show.pictures.paint")
    out = io.BytesIO()
    Image.fromarray(image.repeat(zoom, 0).repeat(zoom, 1)).save(out, "PNG", optimize=True)
    return out.getvalue()


def data_uri(image, zoom=1):
    """The PNG of a uint8 image as a data: URI."""
    return "data:image/png;base64," + base64.b64encode(png(image, zoom)).decode()


def film_uri(film, columns, quality=None):
    """Frames (T, H, W, 3) uint8, `columns` in a row, as one WebP data: URI; quality None = lossless, 0..100 = lossy."""
    from PIL import Image
    T, H, W = film.shape[:3]
    pad = np.concatenate([film, np.zeros((-T % columns, H, W, 3), np.uint8)])
    sheet, out = pad.reshape(-1, columns, H, W, 3).swapaxes(1, 2).reshape(-1, columns * W, 3), io.BytesIO()
    Image.fromarray(sheet).save(out, "WEBP", lossless=quality is None, quality=60 if quality is None else quality, method=3)
    return "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode()


def montage(rows, gap=2):
    """Equal frames in a grid: list of (T, H, W, 3) uint8 -> one (.., .., 4) uint8 image, gaps transparent."""
    R, T, H, W = len(rows), max(len(r) for r in rows), *rows[0].shape[1:3]
    sheet = np.zeros((R * (H + gap) - gap, T * (W + gap) - gap, 4), np.uint8)
    for i, row in enumerate(rows):
        for j, frame in enumerate(row):
            y, x = i * (H + gap), j * (W + gap)
            sheet[y:y + H, x:x + W] = np.dstack([frame, np.full((H, W), 255, np.uint8)])
    return sheet


def filmstrip(rows, *, times=None, kinds=None, unit="", title="", world=theme.WORLD, frames=8, top=None):
    """Film strips one under the other on a common time axis, with one scale over the whole clip for all maps.

    rows   {label: (T, H, W, 3) uint8 or float rgb, or (T, H, W) numbers}
    times  (T,) seconds of the frames; default: frame numbers
    kinds  {label: 'magnitude' | 'signed' | 'grey'} of the number rows (default magnitude)
    unit   what the map's colour bar measures ('grey levels')
    frames how many, evenly spaced, are shown
    """
    import plotly.graph_objects as go
    kinds, T = kinds or {}, min(len(r) for r in rows.values())
    pick = np.unique(np.linspace(0, T - 1, min(frames, T)).round().astype(int))
    maps = [np.asarray(r) for r in rows.values() if np.ndim(r) == 3]
    top = top or max((limit(m) for m in maps), default=1.0)
    strips = [paint(np.asarray(r), "rgb") if np.ndim(r) == 4 else paint(r, kinds.get(k, "magnitude"), top) for k, r in rows.items()]
    sheet, R, n = montage([s[pick] for s in strips]), len(strips), len(pick)
    fig = go.Figure()
    fig.add_layout_image(source=data_uri(sheet, 2), xref="x", yref="y", x=0, y=0, sizex=n, sizey=R, sizing="stretch", layer="above")
    shown = [kinds.get(k, "magnitude") for k, r in rows.items() if np.ndim(r) == 3]
    mark = {"size": 0.01, "opacity": 0, "color": [0]}
    if shown:
        scale = {"signed": theme.SIGNED, "grey": "Greys_r"}.get(shown[0], theme.MAGNITUDE)
        mark |= {"colorscale": scale, "cmin": -top if shown[0] == "signed" else 0, "cmax": top, "showscale": True,
                 "colorbar": {"title": {"text": unit, "side": "right"}, "thickness": 12, "outlinewidth": 0}}
    fig.add_scatter(x=[0], y=[0], mode="markers", marker=mark, hoverinfo="skip", showlegend=False)
    labels = [f"{times[i]:.2f}" for i in pick] if times is not None else [str(i) for i in pick]
    fig.update_xaxes(range=[0, n], tickvals=np.arange(n) + 0.5, ticktext=labels, showgrid=False, zeroline=False,
                     title_text="time (s)" if times is not None else "frame", constrain="domain")
    fig.update_yaxes(range=[R, 0], tickvals=np.arange(R) + 0.5, ticktext=list(rows), showgrid=False, zeroline=False,
                     scaleanchor="x", constrain="domain", ticks="")
    return theme.dressed(fig, title=title, world=world, height=int(120 + 95 * R))


def contact_sheet(clips, *, title="", world=theme.WORLD, size=112, frames=12):
    """A grid of small clips that move while the mouse or the keyboard's focus is on them, as HTML.

    clips : list of (label, note, frames (T, H, W, 3) uint8); the label is bold, the note small
    Each clip is one sprite sheet moved by CSS steps, so there is no script and nothing moves by itself.
    """
    from avlab.show.html import Html, prefix
    cells = []
    for label, note, film in clips:
        pick = np.linspace(0, len(film) - 1, min(frames, len(film))).round().astype(int)
        sprite, n = np.concatenate([paint(film[i]) for i in pick], 1), len(pick)
        text = html.escape(f"{label}, {note}: frame {pick[0]} of {len(film)}", quote=True)
        cells.append(f'<li><span class="film" role="img" tabindex="0" aria-label="{text}" style="background-image:'
                     f'url({data_uri(sprite)});--n:{n}"></span><b>{html.escape(label)}</b><small>{html.escape(note)}</small></li>')
    body = "".join(cells)
    p = prefix(body + title)
    css = (f"#{p} .avlab-world{{border:1px solid {theme.AXIS};padding:0 .35rem;font-size:.8rem}}"
           f"#{p} ul{{list-style:none;margin:0;padding:0;display:grid;gap:.6rem;grid-template-columns:repeat(auto-fill,minmax({size}px,1fr))}}"
           f"#{p} li{{display:flex;flex-direction:column;margin:0}}#{p} small{{opacity:.85}}"
           f"#{p} .film{{display:block;width:{size}px;height:{size}px;background-size:calc(var(--n)*{size}px) {size}px;image-rendering:pixelated;"
           f"border-radius:4px}}"
           f"#{p} .film:is(:hover,:focus){{animation:{p} calc(var(--n)*80ms) steps(var(--n)) infinite;outline:2px solid currentColor}}"
           f"@keyframes {p}{{to{{background-position-x:calc(var(--n)*-{size}px)}}}}")
    head = f'<p><b>{html.escape(title)}</b> <span class="avlab-world">{html.escape(world)}</span></p>'
    return Html(f'<div id="{p}" class="avlab-sheet"><style>{css}</style>{head}<ul>{body}</ul></div>')
