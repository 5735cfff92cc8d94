"""The clips of notebook 07: partial forgeries of known people, rendered once and cut into as many as a training needs.

A *scene* is one moment of one person rendered twice, all of it true and all of it forged. Frames and samples of the two are aligned, so
swapping a span of one for the other is a partial forgery; for the picture it is the very one that the renderer makes, because camera and
codec work frame by frame. Rendering is the dear part (about a second a scene), cutting is nearly free.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from avlab.clips import load_clip
from avlab.clips.rows import category
from avlab.errors import AvlabError

SECONDS, FPS = 6.4, 25
SHORTEST, LONGEST, GAP = 15, 40, 10  # frames: spans of 0.6 to 1.6 s at least 0.4 s apart, as in the manifest
SPLICE = 81  # samples of the cross-fade at a splice of the sound, as in synthtalk.render


def long_rows(rows, split) -> list:
    """The rows of 6.4 s of one split, person by person."""
    return [row for row in rows if row.split == split and abs(row.duration_s - SECONDS) < 1e-3]


def loaded(*rows) -> list:
    """Load a few clips side by side: rendering is array arithmetic, which two threads share well."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(load_clip, rows))


def people_of(rows, n: int, seed: int) -> list:
    """Draw n people; fewer people are the first ones of more.  Raises AvlabError when there are not so many."""
    people = sorted({row.identity for row in rows}, key=lambda who: random.Random(f"{seed} {who}").random())
    if not 1 <= n <= len(people):
        raise AvlabError("There are not so many people with long clips", got=f"{n} of {len(people)}", todo="Ask for fewer people")
    return people[:n]


def source_of(row, rows):
    """The real row whose speech, motion and camera a partial forgery shares."""
    found = [other for other in rows if other.label == 0 and other.source == row.source]
    if not found:
        raise AvlabError("Every partial forgery has its real clip in the manifest", got=row.clip_id)
    return found[0]


def spliced(real, forged, row):
    """Return the clip of `row`: the pictures of its forged spans from `forged`, the rest from `real`, and likewise the sound.

    real, forged   Clips of one length and the same seeds; row   says the spans, a stream that is "real" keeps all of real's
    The sound changes over 5 ms at each end of a span, as in the renderer. There the level is set after the splice, here before it:
    the samples differ by the little that the loudness of a whole clip differs (tests/course/test_nb07_clips.py).
    """
    from avlab.synthtalk.render import frames_inside

    frames, audio = real.frames, real.audio
    if row.label_video == "fake":
        frames = np.where(frames_inside(row.segments_video, len(frames))[:, None, None, None], forged.frames, frames)
    if row.label_audio == "fake":
        inside = np.repeat(frames_inside(row.segments_audio, len(frames)), len(audio) // len(frames))
        audio = (audio + np.convolve(inside, np.ones(SPLICE) / SPLICE, "same") * (forged.audio - audio)).astype(np.float32)
    return replace(real, frames=frames, audio=audio, row=row, clip_id=row.clip_id, truth=None)


def cut(real, forged, rows):
    """Yield the clips of rows from two renderings of their scene; a real row is the real clip."""
    for row in rows:
        yield real if row.label == 0 else spliced(real, forged, row)


def recut(row, k: int, seed: int):
    """The k-th partial forgery cut from a scene: its picture alone (half of the cuts), picture and sound (a third) or its sound alone is forged.

    row   of the wholly forged clip, both streams;  spans as in the manifest, those of picture and sound differ in half of the clips that have both
    """
    rng = np.random.default_rng([seed, k, *row.clip_id.encode()])
    picture, sound = ((True, False), (True, True), (False, True))[int(np.searchsorted((1 / 2, 5 / 6), rng.random()))]
    spans = _spans(rng, round(row.duration_s * FPS))
    other = _spans(rng, round(row.duration_s * FPS)) if picture and sound and rng.random() < 0.5 else spans
    streams = {"label_video": "fake", "segments_video": spans} if picture else {"label_video": "real", "forger_video": "", "segments_video": (), "donor": -1}
    streams |= {"label_audio": "fake", "segments_audio": other} if sound else {"label_audio": "real", "forger_audio": "", "segments_audio": ()}
    return replace(row, clip_id=f"{row.clip_id}-cut{k}", category=category(streams["label_video"], streams["label_audio"]), **streams)


def _spans(rng, frames):
    """One or two spans on the frame grid in seconds, anywhere in the clip, drawn like the manifest's."""
    lengths = rng.integers(SHORTEST, LONGEST + 1, rng.integers(1, 3))
    slack = frames - lengths.sum() - GAP * (len(lengths) - 1)
    starts = np.sort(rng.integers(0, slack + 1, len(lengths))) + np.cumsum([0, *(lengths[:-1] + GAP)])
    return tuple((int(a) / FPS, int(a + n) / FPS) for a, n in zip(starts, lengths))


def forgers_of(rows) -> tuple:
    """The forgers of pictures and of sound that the rows name, two sorted lists."""
    return sorted({row.forger_video for row in rows} - {""}), sorted({row.forger_audio for row in rows} - {""})


def scenes(rows, people, each=3):
    """Yield (row of the real clip, row of the same wholly forged) of `each` long clips a person: forgers of pictures take turns, the sound is forged too.

    rows   a manifest: its long real clips are the scenes, and whose face a swap puts in stands in its other rows
    """
    video, audio = forgers_of(rows)
    for who in people:
        mine = [row for row in rows if row.identity == who]
        donor = next((row.donor for row in mine if row.donor >= 0), -1)
        for k, row in enumerate([row for row in mine if row.label == 0 and abs(row.duration_s - SECONDS) < 1e-3][:each]):
            forger = video[(3 * who + k) % len(video)]
            whole = replace(row, clip_id=f"{row.clip_id}-{forger}", category="FVFA", label_video="fake", label_audio="fake", forger_video=forger,
                            forger_audio=audio[k % len(audio)], forger_seed=row.speech_seed, donor=donor if forger == "faceswap" else -1)
            yield row, whole
