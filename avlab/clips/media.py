"""A row, or a file, becomes a Clip: pictures and sound on one clock, with a note of everything that was done to them."""

import math
import os
from dataclasses import dataclass, field

import numpy as np

from avlab.clips.audio import sound_warnings
from avlab.clips.rows import Row, safe_path
from avlab.clips.writing import write_clip
from avlab.errors import AvlabError

__all__ = ["Clip", "load_clip", "write_clip", "FPS", "SAMPLE_RATE"]

FPS = 25
SAMPLE_RATE = 16000
MAX_BYTES = 4 << 30
SLOW_FPS = 10  # lips open and close about five times a second; fewer than two pictures each show no motion


@dataclass(frozen=True)
class Clip:
    """Pictures and sound of one clip on one clock: frame k covers [k, k + 1) / fps seconds, sample s the time s / sample_rate.

    frames       (T, H, W, 3) uint8 RGB
    audio        (S,) float32 in [-1, 1], S = T * sample_rate / fps; None where the clip has no sound (absent is not silence)
    frame_times  (T,) s, time of the source picture that each frame shows, from the first one; k / fps in a 25-fps file
    mask         (T,) bool, True where the clip has both streams; frames outside it carry padding
    row, truth   the manifest's row and SynthTalk's ground truth, or None
    notes        what was done to the clip, and warnings, one sentence each
    clip_id      the row's clip_id, or the name of the file
    """

    frames: np.ndarray = field(repr=False)
    audio: np.ndarray | None = field(repr=False)
    fps: float
    sample_rate: int
    frame_times: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    row: Row | None = field(default=None, repr=False)
    truth: object = field(default=None, repr=False)
    notes: tuple = ()
    clip_id: str = ""

    @property
    def seconds(self):
        return len(self.frames) / self.fps


def load_clip(source, *, root=None, max_seconds=30.0, fps=FPS, sample_rate=SAMPLE_RATE, size=None, min_seconds=0.0,
              max_pixels=None, max_bytes=MAX_BYTES):
    """Load a clip from a manifest row or a media file, as pictures at fps and sound at sample_rate on one clock.

    Pictures are chosen by their timestamps, turned upright and given square pixels; sound is placed by its timestamps, so a late
    start stays late. A wav file of the same name stands in for a missing sound track.

    source       Row, or path of a file; root   folder that the path must not leave (rows carry their own)
    max_seconds  longer clips are cut;  min_seconds   shorter ones are refused
    size         pixels of the shorter side, scaled down while decoding; None keeps the size of the file
    max_pixels   of one picture, checked before decoding;  max_bytes   of all decoded pictures
    Returns Clip.  Raises AvlabError, naming file, stream and rule, for what cannot be read as a clip.
    """
    _need_positive(max_seconds=max_seconds, fps=fps, sample_rate=sample_rate)
    if isinstance(source, Row):
        if not source.path:
            return _rendered(source, fps, sample_rate, size, max_seconds, min_seconds)
        root = root or source.root or os.curdir
        path = safe_path(source.path, root)
    else:
        path = os.fspath(source) if root is None else safe_path(os.fspath(source), root)
    film = _film(path, fps, max_seconds, size, max_pixels, max_bytes)
    name = repr(os.path.basename(path))
    seconds = len(film.frames) / fps
    if seconds < min_seconds:
        raise AvlabError(f"A clip must last {min_seconds} s at least here", got=f"{name}: {seconds:.2f} s of pictures")
    sound, notes = _sound(path, root, film, seconds, sample_rate)
    notes = film.notes + _film_notes(film, fps, seconds) + notes + _row_notes(source, sound)
    errors = film.errors + (sound.errors if sound else 0)
    if errors:
        notes.append(f"{errors} errors while decoding: the file is damaged")
    frames = _stacked(film.frames)
    if not np.abs(frames[::5].astype(np.int16) - frames[0]).mean() > 0.5:
        notes.append("the picture does not move")
    times = np.array(film.times) - film.start_s
    mask = np.ones(len(frames), bool) if sound is None else _mask(sound.known, len(frames))
    row = source if isinstance(source, Row) else None
    return Clip(frames, None if sound is None else sound.samples, fps, sample_rate, times, mask, row, None, tuple(notes),
                row.clip_id if row else os.path.basename(path))


def _need_positive(**numbers):
    for name, value in numbers.items():
        if not 0 < value < math.inf:
            raise AvlabError(f"{name} must be a positive, finite number", got=value)


def _film(path, fps, max_seconds, size, max_pixels, max_bytes):
    from avlab.clips.film import MAX_PIXELS, read_film
    from avlab.clips.opening import opened

    with opened(path) as container:
        return read_film(container, path, fps=fps, max_seconds=max_seconds, size=size, max_pixels=max_pixels or MAX_PIXELS, max_bytes=max_bytes)


def _sound(path, root, film, seconds, sample_rate):
    """Sound or None, and notes; from the film, else from a wav file of the same name beside it."""
    from avlab.clips.sound import read_sound

    sound, notes = read_sound(path, start_s=film.start_s, seconds=seconds, sample_rate=sample_rate), []
    if sound is None:
        beside = _sidecar(path, root)
        if beside is None:
            return None, ["no sound track: the sound is absent, not silent"]
        sound = read_sound(beside, start_s=0.0, seconds=seconds, sample_rate=sample_rate)
        notes.append(f"no sound track: sound read from {os.path.basename(beside)!r}, which is taken to start with the picture")
        if sound is None:
            return None, ["no sound track, and the wav file beside it holds none either"]
    return sound, notes + sound.notes + _span_notes(sound, seconds, film.cut) + sound_warnings(sound.samples[sound.known], sample_rate)


def _sidecar(path, root):
    beside = os.path.splitext(path)[0] + ".wav"
    if not os.path.isfile(beside):
        return None
    if root is not None:
        beside = safe_path(os.path.relpath(beside, os.path.realpath(root)), root)
    return beside


def _span_notes(sound, seconds, cut):
    notes = []
    if sound.start_s > 0.05:
        notes.append(f"sound starts {sound.start_s:.2f} s after the picture: padded with zeros and masked")
    if sound.start_s < -0.05:
        notes.append(f"sound starts {-sound.start_s:.2f} s before the picture: cut off")
    if sound.end_s < seconds - 0.1:
        notes.append(f"sound ends {seconds - sound.end_s:.2f} s before the picture: the rest is masked")
    if sound.end_s > seconds + 0.1 and not cut:
        notes.append("sound goes on after the picture: cut off")
    return notes


def _film_notes(film, fps, seconds):
    notes, steps = [], np.array(film.steps)
    rate = 1 / np.median(steps)
    if steps.max() > 1.5 * np.median(steps) or steps.min() < 0.6 * np.median(steps):
        notes.append(f"varying frame rate (about {rate:.2f} a second): resampled to {fps} by timestamps")
    elif abs(rate - fps) > 0.01:
        notes.append(f"{rate:.2f} pictures a second resampled to {fps} by timestamps")
    if rate < SLOW_FPS:
        notes.append(f"{rate:.1f} pictures a second are too few to show lips moving")
    if film.cut and film.promised_s > seconds + 0.1:
        notes.append(f"cut after {seconds:.2f} s of {film.promised_s:.2f} s")
    elif not film.cut and film.promised_s > (film.end_s - film.start_s) + max(0.5, 0.05 * film.promised_s):
        notes.append(f"the header promises {film.promised_s:.2f} s and the file holds {film.end_s - film.start_s:.2f} s of pictures: it is truncated")
    if min(film.frames[0].shape[:2]) < 64:
        notes.append("the picture is under 64 pixels: too small to see a mouth")
    return notes


def _row_notes(source, sound):
    if not isinstance(source, Row) or (sound is None) == (source.label_audio == "absent"):
        return []
    return [f"the manifest says that the sound is {source.label_audio}, but the file has {'none' if sound is None else 'some'}"]


def _mask(known, frames):
    """A frame is valid if at least half of its samples are."""
    edges = np.linspace(0, len(known), frames + 1).round().astype(int)
    return np.array([known[a:b].mean() >= 0.5 if b > a else False for a, b in zip(edges[:-1], edges[1:], strict=True)])


def _stacked(frames):
    """Copy a list of frames into one array, letting each go, so that the clip is held once and not twice."""
    out = np.empty((len(frames), *frames[0].shape), np.uint8)
    for number in range(len(frames)):
        out[number], frames[number] = frames[number], None
    return out


def _rendered(row, fps, sample_rate, size, max_seconds, min_seconds):
    """Render a SynthTalk row, which has one size, one rate and its whole length."""
    from avlab.clips.rendered import kept
    from avlab.synthtalk.render import FPS as RENDER_FPS
    from avlab.synthtalk.render import SAMPLE_RATE as RENDER_RATE
    from avlab.synthtalk.render import SIZE, Spec, render

    if fps != RENDER_FPS or sample_rate != RENDER_RATE or (size or SIZE) < SIZE or not min_seconds <= row.duration_s <= max_seconds:
        raise AvlabError(f"SynthTalk renders whole clips of {SIZE} x {SIZE} pixels at {RENDER_FPS} a second with sound at {RENDER_RATE} Hz",
                         got=f"{row.clip_id}: fps={fps} sample_rate={sample_rate} size={size} max_seconds={max_seconds} min_seconds={min_seconds}")
    names = ("identity", "speech_seed", "motion_seed", "camera_seed", "duration_s", "forger_video", "forger_audio", "forger_seed", "donor",
             "segments_video", "segments_audio")
    made = kept(row, lambda: render(Spec(**{name: getattr(row, name) for name in names})))
    n = len(made.frames)
    return Clip(made.frames, made.audio, RENDER_FPS, RENDER_RATE, np.arange(n) / RENDER_FPS, np.ones(n, bool), row, made.truth, (), row.clip_id)
