"""The experiments of notebook 00: clips made from rows, the traces of the forgers, the shortcut audit with a trifle planted, two splits.

Everything takes what it needs as arguments and draws from the seed it is given; nothing is chosen after looking.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace

import numpy as np

from avlab.clips import load_clip, manifest, write_clip
from avlab.clips.media import Clip
from avlab.clips.rows import Row
from avlab.errors import AvlabError
from avlab.explain import shortcuts
from avlab.synthtalk.forgers import VIDEO_FORGERS

FPS = 25
FORGERS = VIDEO_FORGERS
MOUTH = (slice(36, 58), slice(18, 46))  # where the mouth moves, whatever the head does

# ------------------------------------------------------------------------------------------------ rows


def rows_of(source: str):
    """Return the manifest of this notebook. Raises AvlabError where a row is not rendered: only a rendered clip knows its truth."""
    rows = manifest.load(source)
    if any(row.path for row in rows):
        raise AvlabError("Notebook 00 speaks of SynthTalk, whose truth is known", got=source, todo='use manifest="synthtalk"; other sets work from 03 on')
    return rows


def one_of_each_cell(rows, *, seed: int, frames: int = 16) -> list[Row]:
    """Return one real row of one person for each cell, in order of cell, drawn by the seed."""
    rng, out = np.random.default_rng([seed, 1]), []
    reals = rows.select(forger="real", duration_s=frames / FPS)
    for cell in sorted({row.cell for row in reals}):
        own = [row for row in reals if row.cell == cell]
        out.append(own[int(rng.integers(len(own)))])
    return out


def forged(row: Row, video: str = "", audio: str = "", *, seed: int = 0) -> Row:
    """Return the row of a forgery of this very clip: its seeds, another label; a face-swap donor is the next person of the cell."""
    label = {"label_video": "fake" if video else "real", "label_audio": "fake" if audio else "real"}
    donor = (row.identity + 6 if row.identity + 6 < 60 else row.cell) if video == "faceswap" else -1
    name = "+".join(filter(None, (video, audio))) or "real"
    return replace(row, clip_id=f"{row.clip_id}-{name}", category=manifest.category(**label), forger_video=video, forger_audio=audio, forger_seed=seed,
                   donor=donor, **label)


def source_of(row: Row) -> Row:
    """Return the row of the real clip that a forgery was made from: its seeds, no forger, no segment."""
    return replace(forged(row), clip_id=f"{row.clip_id}-source", segments_video=(), segments_audio=())


def digest(clip: Clip) -> str:
    """Return the sha256 of the clip's pictures and sound, 64 hex digits."""
    return hashlib.sha256(clip.frames.tobytes() + clip.audio.tobytes()).hexdigest()


def frame_mask(segments, n_frames: int, *, fps: float = FPS, closed: bool = False) -> np.ndarray:
    """Return which frames (n,) start inside a segment [start, end); closed=True is the mutant that also takes the end."""
    start, slack = np.arange(n_frames) / fps, 1e-6
    inside = [(a - slack <= start) & ((start <= b + slack) if closed else (start < b - slack)) for a, b in segments]
    return np.any(inside, 0) if inside else np.zeros(n_frames, bool)


def untouched(row: Row, clip: Clip, real: Clip, *, closed: bool = False):
    """Return (share of frames whose mask is right, share of frames outside the segments that equal the real clip's)."""
    mask = frame_mask(row.segments_video, len(clip.frames), closed=closed)
    truth = clip.truth.forged.any((1, 2))
    same = (clip.frames == real.frames).all((1, 2, 3))
    return float((mask == truth).mean()), float(same[~truth].mean())


def changes(row: Row, clip: Clip, *, seed: int) -> dict:
    """Return {what was changed: the clip's frames} for the same row again and for one number of the row changed at a time."""
    rng = np.random.default_rng([seed, 2])
    other = {name: int(rng.integers(10**6)) for name in ("speech_seed", "motion_seed", "camera_seed")}
    made = {"nothing": row} | {name.replace("_", " "): replace(row, **{name: value}) for name, value in other.items()}
    made |= {"identity": replace(row, identity=(row.identity + 7) % 60), "forger: dub": forged(row, "dub", seed=seed)}
    return {name: load_clip(one).frames for name, one in made.items()}


def difference(a, b) -> np.ndarray:
    """Return the absolute difference in grey levels, (T, H, W), the largest of the three colours."""
    return np.abs(np.asarray(a, np.int16) - np.asarray(b, np.int16)).max(-1)


# ------------------------------------------------------------------------------------------------ what a clip is made of


def loudness_db(audio, n_frames: int) -> np.ndarray:
    """Return 20 log10 of the root mean square of the sound of every frame, (T,)."""
    return 20 * np.log10(np.sqrt((audio[: n_frames * (len(audio) // n_frames)].reshape(n_frames, -1) ** 2).mean(1)) + 1e-6)


def at_phonemes(clip: Clip) -> dict:
    """Return {"closed": openings shown in the middle of m, b, p; "vowels": of a, ae, e, o} of one clip, by linear interpolation."""
    centres = (np.arange(len(clip.frames)) + 0.5) / clip.fps
    found = {"closed": [], "vowels": []}
    for start, end, symbol in clip.truth.phonemes:
        middle = (start + end) / 2
        key = "closed" if symbol in ("m", "b", "p") else "vowels" if symbol in ("a", "ae", "e", "o") else ""
        if key and centres[0] <= middle <= centres[-1]:
            found[key].append(float(np.interp(middle, centres, clip.truth.mouth_shown)))
    return found


def closing_lips(rows, *, seed: int, times: int = 2) -> Row:
    """Return the first row, in the seed's order, whose speaker says m, b or p at least that often inside the clip."""
    from avlab.synthtalk import speech

    order = np.random.default_rng([seed, 3]).permutation(len(rows))
    for k in order:
        said = speech.utter(rows[int(k)].speech_seed, rows[int(k)].duration_s).phonemes
        if sum(symbol in ("m", "b", "p") and start > 0 and end < rows[int(k)].duration_s for start, end, symbol in said) >= times:
            return rows[int(k)]
    raise AvlabError("A clip in which lips close is needed", got=f"{len(rows)} rows", todo="take more rows")


def phoneme_at(clip: Clip, seconds: float) -> str:
    """Return the symbol that is being said."""
    return next((symbol for start, end, symbol in clip.truth.phonemes if start <= seconds < end), "sil")


@dataclass(frozen=True)
class ThroughFile:
    """A clip after a file: the clip as read back, its bytes on disk, mean squared error as PSNR in dB, and the sound's lag in ms."""

    clip: Clip
    size: int
    psnr: float
    lag_ms: float


def through_a_file(clip: Clip) -> ThroughFile:
    """Write a clip as mp4, read it back through the decoder that reads any film, and measure what the way cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_clip(clip, os.path.join(folder, "clip.mp4"))
        back, size = load_clip(path), os.path.getsize(path)
    n = min(len(back.frames), len(clip.frames))
    error = np.mean((back.frames[:n].astype(float) - clip.frames[:n]) ** 2)
    m = min(len(back.audio), len(clip.audio))
    product = np.fft.irfft(np.fft.rfft(back.audio[:m], 2 * m) * np.conj(np.fft.rfft(clip.audio[:m], 2 * m)))
    lag = int(np.argmax(product))
    lag = lag - 2 * m if lag > m else lag
    return ThroughFile(back, size, float(10 * np.log10(255**2 / max(error, 1e-9))), 1000 * lag / clip.sample_rate)


# ------------------------------------------------------------------------------------------------ the audit


@dataclass(frozen=True)
class Audited:
    """The clips of the audit: their trifles, their sounds (N, S), which sounds are forged (N,), and a middle frame of each (N, H, W, 3)."""

    data: shortcuts.Trifles
    sounds: np.ndarray
    forged_sound: np.ndarray
    middle: np.ndarray


def audited(rows, n: int, *, frames: int = 16, seed: int = 0, late_ms: int = 0) -> Audited:
    """Draw and render the clips of the audit; late_ms > 0 starts every forged sound late (the mutant)."""
    drawn = shortcuts.draw(rows.select(duration_s=frames / FPS), n, seed=seed)
    sounds, middle = [], []

    def load(row):
        clip = load_clip(row)
        if late_ms and row.label_audio == "fake":
            clip = replace(clip, audio=delayed(clip.audio, late_ms))
        sounds.append(clip.audio)
        middle.append(clip.frames[len(clip.frames) // 2])
        return clip

    data = shortcuts.measure(drawn, load, seed=seed)
    return Audited(data, np.stack(sounds), np.array([row.label_audio == "fake" for row in drawn]), np.stack(middle))


def delayed(audio, ms: float, sample_rate: int = 16_000) -> np.ndarray:
    """Return the sound with ms of digital silence before it and the same length: its end is lost."""
    n = round(ms / 1000 * sample_rate)
    return np.concatenate([np.zeros(n, np.float32), audio[: len(audio) - n]])


def with_silence(found: Audited, ms: float) -> shortcuts.Trifles:
    """Return the trifles as they are when every forged sound starts ms later."""
    values = found.data.values.copy()
    first = shortcuts.TRIFLES.index(shortcuts.SOUND[0])
    for k in np.flatnonzero(found.forged_sound):
        values[k, first : first + len(shortcuts.SOUND)] = shortcuts.of_sound(delayed(found.sounds[k], ms))
    return found.data.with_values(values)


def null_band(data: shortcuts.Trifles, n: int, *, seed: int = 0) -> np.ndarray:
    """Return the AUROCs of the audit under shuffled labels, n for each forger, in one array."""
    names = dict.fromkeys(data.forger[data.forger != "real"])
    return np.concatenate([shortcuts.null_scores(data.against(name), n=n, seed=seed + k) for k, name in enumerate(names)])


# ------------------------------------------------------------------------------------------------ two splits


@dataclass(frozen=True)
class Colours:
    """Clips of people who are usually one thing: colours (N, 9), label (N,), people (N,), usual label of each clip's person (N,)."""

    values: np.ndarray
    label: np.ndarray
    people: np.ndarray
    usual: np.ndarray


def colours(rows, n_people: int, share: float, *, seed: int, clips: int = 6) -> Colours:
    """Draw `clips` short clips of each of n people, of whom half are usually fake and half usually real, and measure mean colours.

    share  chance that a clip has its person's usual label
    """
    rng = np.random.default_rng([seed, 7])
    rows = rows.select(duration_s=0.64)
    by = {}
    for row in rows:
        by.setdefault((row.identity, row.label), []).append(row)
    people = rng.permutation(sorted({row.identity for row in rows}))[:n_people]
    values, label, who, usual = [], [], [], []
    for k, person in enumerate(people):
        left = {one: list(rng.permutation(len(by[person, one]))) for one in (0, 1)}
        for _ in range(clips):
            one = k % 2 if rng.random() < share else 1 - k % 2
            row = by[person, one][left[one].pop()]
            # two frames are enough for a colour, and much sooner drawn
            values.append(mean_colours(load_clip(replace(row, duration_s=2 / FPS)).frames))
            label, who, usual = [*label, one], [*who, person], [*usual, k % 2]
    return Colours(np.array(values), np.array(label), np.array(who), np.array(usual))


def mean_colours(frames) -> np.ndarray:
    """Return nine numbers: mean red, green and blue of the hair, the brow and the cheeks."""
    boxes = ((slice(4, 14), slice(22, 42)), (slice(20, 25), slice(26, 38)), (slice(32, 40), slice(18, 46)))
    return np.concatenate([np.asarray(frames, float)[:, r, c].mean((0, 1, 2)) for r, c in boxes])


def halves(found: Colours, by: str, *, seed: int) -> np.ndarray:
    """Return the half, 0 or 1, of every clip: by "person" whole people (both kinds in each half), by "clip" half of each one's clips."""
    rng, half = np.random.default_rng([seed, 8]), np.zeros(len(found.label), int)
    if by == "person":
        for kind in (0, 1):
            names = rng.permutation(np.unique(found.people[found.usual == kind]))
            half[np.isin(found.people, names[::2])] = 1
        return half
    for person in np.unique(found.people):
        mine = rng.permutation(np.flatnonzero(found.people == person))
        half[mine[::2]] = 1
    return half


def nearest(found: Colours, half) -> np.ndarray:
    """Return for every clip (N,) how much nearer the nearest fake of the other half is than its nearest real: 1-NN as a score."""
    x = (found.values - found.values.mean(0)) / found.values.std(0)
    far = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    far[half[:, None] == half[None]] = np.inf
    return far[:, found.label == 0].min(1) - far[:, found.label == 1].min(1)


# ------------------------------------------------------------------------------------------------ the cherry tree


def pairs_of_reals(found: Audited, n: int = 200, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (pairs (n, 2) of real clips, differences (n,) of their sharpness in standard deviations of such differences).

    Which clip of a pair is called A is a coin's work, so the true difference of the two groups is 0.
    """
    rng = np.random.default_rng([seed, 9])
    reals = np.flatnonzero(found.data.label == 0)
    sharp = found.data.values[:, shortcuts.TRIFLES.index("sharpness")]
    pairs = np.array([rng.choice(reals, 2, replace=False) for _ in range(n)])
    return pairs, (sharp[pairs[:, 0]] - sharp[pairs[:, 1]]) / (np.sqrt(2) * sharp[reals].std())
