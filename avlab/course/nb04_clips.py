"""The clips of notebook 04: drawn by seed before anything is measured, rendered once, the same for every figure.

Every forger forges the same people, and everybody is there as a real clip too: so a person can be compared with himself, labels can be
permuted inside a person, and people can be resampled whole.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from avlab.clips import load_clip
from avlab.course.picked import Picked
from avlab.errors import AvlabError
from avlab.explain import similarity, two_tower
from avlab.probe.bundled import CLIP_FRAMES as WINDOW

FPS, SAMPLES = 25, 640  # pictures a second, samples a picture
SHORT = 0.64  # seconds of the rows that are used
MOUTH = (slice(34, 58), slice(20, 44))  # where SynthTalk's mouths are: rows, columns


@dataclass(frozen=True, eq=False)
class Sample(Picked):
    """N clips of T frames as arrays, in the order in which they were drawn.

    rows (N,) manifest rows    label (N,) 1 = fake    forger, people (N,)    frames (N, T, 64, 64, 3) uint8    audio (N, 640 T) float32
    opening (N, T)  darkness of the mouth in the picture, a measurement      loudness (N, T) dB, likewise of the sound
    """

    rows: np.ndarray
    label: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    frames: np.ndarray
    audio: np.ndarray
    opening: np.ndarray
    loudness: np.ndarray

    @property
    def category(self) -> np.ndarray:
        """Four-letter category of each clip, (N,)."""
        return np.array([row.category for row in self.rows])


def forgers(rows) -> list[str]:
    """The single forgers of a manifest in its own order, those of the picture first; combinations of two are left out."""
    seen = dict.fromkeys(row.forger for row in rows if row.label == 1 and "+" not in row.forger and not (row.segments_video or row.segments_audio))
    video = {row.forger for row in rows if row.label_video == "fake"}
    return sorted(seen, key=lambda name: name not in video)


def of_the_picture(rows) -> list[str]:
    """The forgers of FVRA clips: those of AMDD's figure 10."""
    video = {row.forger_video for row in rows if row.category == "FVRA"}
    return [name for name in forgers(rows) if name in video]


def draw(rows, n: int, seed: int, *, split="test", names=None, reals=4) -> list:
    """Draw n clips of every forger and reals * n real ones, all of the same people; clip k of each forger shows the same person.

    rows   a manifest of which the clips of 0.64 s are used      names  forgers, default `forgers(rows)`      seed   decides people and clips
    Raises AvlabError when there are too few clips.
    """
    rows = [row for row in rows if abs(row.duration_s - SHORT) < 1e-3 and row.split == split]
    names = forgers(rows) if names is None else list(names)
    people = sorted({row.identity for row in rows}, key=lambda p: random.Random(f"{seed} {split} {p}").random())
    piles = {}
    for row in sorted(rows, key=lambda r: random.Random(f"{seed} {r.clip_id}").random()):
        piles.setdefault((row.identity, row.forger), []).append(row)
    drawn = []
    for k in range(n):
        person = people[k % len(people)] if people else None
        for forger in [*names, *["real"] * reals]:
            if not piles.get((person, forger)):
                raise AvlabError(f"{n} clips of each forger need more clips than the manifest has", got=f"no further {forger} clip of {person} in {split}",
                                 todo="Lower the number of clips")
            drawn.append(piles[person, forger].pop())
    return drawn


def lengthened(row, frames: int):
    """The same person, light, forger and beginning of speech on a film of so many frames: SynthTalk renders what a row says.

    Raises AvlabError for the clip of a file, which lasts as long as it does.
    """
    if row.path:
        raise AvlabError("Notebook 04 needs clips whose length it can choose", got=row.clip_id, todo="Use manifest=synthtalk")
    return row if round(row.duration_s * FPS) == frames else replace(row, clip_id=f"{row.clip_id}-as-{frames}f", duration_s=frames / FPS)


def load_sample(rows, frames: int, *, shift_frames=0) -> Sample:
    """Render the clips at the given length and measure opening and loudness once.

    shift_frames  move every sound so many frames later, its end to the front: the planted mistake `audio_shift`
    """
    clips = [load_clip(lengthened(row, frames)) for row in rows]
    audio = np.stack([np.roll(clip.audio, shift_frames * SAMPLES) for clip in clips])
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("label", "forger", "identity")}
    return Sample(np.array(rows, dtype=object), column["label"], column["forger"], column["identity"], np.stack([clip.frames for clip in clips]), audio,
                  np.stack([similarity.darkness(clip.frames, MOUTH) for clip in clips]), np.stack([similarity.loudness(sound, frames) for sound in audio]))


def windows(sample, *, lag=0, audio=None) -> tuple[np.ndarray, np.ndarray]:
    """The middle 16 frames of each clip and the sound that goes with them: (N, 16, 64, 64, 3) and (N, 10240).

    lag  frames by which the picture is taken to be late: picture frame t meets sound frame t - lag
    Raises AvlabError when the clip does not reach that far.
    """
    total = sample.frames.shape[1]
    first = (total - WINDOW) // 2
    if not 0 <= first - lag <= total - WINDOW:
        raise AvlabError("A window of sound lies inside its clip", got=f"lag {lag} of a clip of {total} frames", todo="Take longer clips or a smaller lag")
    audio = sample.audio if audio is None else audio
    return sample.frames[:, first:first + WINDOW], audio[:, (first - lag) * SAMPLES:(first - lag + WINDOW) * SAMPLES]


def towers_see(frames, audio) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of the two towers: (N, T, 20, 20) and (N, T, 160) of films (N, T, H, W, 3) and sounds (N, S)."""
    return np.stack([two_tower.mouth_pixels(film) for film in frames]), np.stack([two_tower.mel_rows(sound, frames.shape[1]) for sound in audio])
