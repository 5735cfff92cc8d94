"""A clip player: frames and sound in step, by keyboard too, in one piece of HTML without a kernel."""

import html
from importlib.resources import files

import numpy as np

from avlab.errors import AvlabError
from avlab.show import pictures
from avlab.show.display import alt_text
from avlab.show.html import Html
from avlab.show.shell import BYTES, packed
from avlab.show.sound import wav_uri
from avlab.show.theme import WORLD


def play(clips, *, title, alt, size=256, world=WORLD, quality=None):
    """One clip, or several behind a menu, as frames that follow the sound's own clock.

    clips  a clip, or {name: clip}; a clip has frames (T, H, W, 3) uint8, fps, audio (S,) or None, sample_rate
    alt    a format string over {name}, {seconds}, or a function (name, clip) -> str; lazy texts are refused
    quality  None: lossless WebP, since a lossy one smears colour across the edges of small frames; 0..100: lossy, for larger photographs
    Raises AvlabError past 3 MB.
    """
    clips = clips if isinstance(clips, dict) else {"": clips}
    if not clips:
        raise AvlabError("A player needs at least one clip", got=0)
    data = [_clip(name, clip, alt, quality) for name, clip in clips.items()]
    key, body = packed(title, data)
    if len(body) > BYTES:
        raise AvlabError(f"A player stays under {BYTES / 1e6:.0f} MB", got=f"{len(body) / 1e6:.1f} MB", todo="Show fewer or shorter clips")
    asset = files("avlab.show") / "assets"
    css = (asset / "explore.css").read_text().replace("#ID", "#" + key)
    first, clip = data[0], next(iter(clips.values()))
    options = "".join(f'<option value="{i}">{html.escape(n)}</option>' for i, n in enumerate(clips))
    menu = f'<label for="{key}-m">clip <select id="{key}-m" autocomplete="off">{options}</select></label>' if len(clips) > 1 else ""
    words = html.escape(title)
    return Html(
        f'<figure id="{key}" class="avlab-explorer avlab-player" aria-label="{html.escape(title, quote=True)}"><style>{css}#{key} '
        f'[hidden]{{display:none!important}}</style>'
        f'<div class="av-head"><span>{words}</span><span class="av-world">{html.escape(world)}</span></div>'
        f'<div class="av-stage"><div class="av-cell"><canvas hidden role="img" style="width:{size}px"></canvas>'
        f'<img class="av-still" width="{size}" src="{pictures.data_uri(np.asarray(clip.frames[0]))}" alt="{html.escape(first["alt"], quote=True)}"></div></div>'
        f'<audio controls {"" if first["sound"] is None else "src=" + chr(34) + first["sound"] + chr(34)} aria-label="sound of the clip"></audio>'
        f'<div class="av-controls" hidden>{menu}<label for="{key}-t">time <input id="{key}-t" type="range" min="0" max="{first["frames"] - 1}" step="1" '
        f'value="0" autocomplete="off">'
        f'<output for="{key}-t">frame 0, 0.00 s</output></label><button type="button" hidden>Play</button></div>'
        f'<figcaption><p class="av-live" aria-live="polite">{html.escape(first["note"])}</p></figcaption>'
        f'<script>{(asset / "player.js").read_text().rstrip()}("{key}",{body})</script></figure>')


def _clip(name, clip, alt, quality, columns=16):
    """One clip as the player's script wants it: a sheet of frames, the sound, sizes and its description."""
    film = np.asarray(clip.frames)
    T, H, W = film.shape[:3]
    seconds = T / clip.fps
    text = alt_text(alt(name, clip) if callable(alt) else alt.format(name=name, seconds=f"{seconds:.2f}"))
    sound = None if clip.audio is None else wav_uri(clip.audio, clip.sample_rate)
    note = text if sound else f"{text} This clip has no sound track."
    return {"film": pictures.film_uri(film, columns, quality), "sound": sound, "frames": T, "fps": float(clip.fps), "width": W, "height": H, "columns": columns,
            "alt": text, "note": note}
