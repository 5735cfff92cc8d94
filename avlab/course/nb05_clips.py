"""The clips of notebook 05: drawn by seed before anything is measured, people apart in training, validation and test.

A block holds one clip of every forger of its side and as many reals as it has people, so that everyone has real and forged clips: labels
can be permuted inside a person, and people can be resampled whole. The reals are sources of the fakes as long as there are some, as in public
sets, where forgers start from real films: what differs inside such a pair is the forgery alone.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from avlab.clips import load_clip
from avlab.clips.datasets import synthtalk
from avlab.course.picked import Picked
from avlab.errors import AvlabError

SECONDS, LONGER = 0.64, 1.28  # one chunk of the probe, and clips of two
CHUNK = 16  # frames
SIDES = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Sample(Picked):
    """N clips in the order in which they were drawn.

    rows (N,) manifest rows    side (N,) "train" | "val" | "test"    label (N,) 1 = fake    forger, people (N,)
    frames (N, T, H, W, 3) uint8    audio (N, S) float32
    """

    rows: np.ndarray
    side: np.ndarray
    label: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    frames: np.ndarray
    audio: np.ndarray

    def on(self, *sides) -> Sample:
        return self.pick(np.isin(self.side, sides))


def protocol(train=(), test=()) -> tuple[tuple, tuple]:
    """(forgers to train on, forgers to test on as unseen): those named, or the generator-disjoint protocol of the world.

    Raises AvlabError where a forger stands on both sides: it would be no unseen one.
    """
    train, test = tuple(train) or synthtalk.SEEN, tuple(test) or synthtalk.UNSEEN
    both = set(train) & set(test)
    if both:
        raise AvlabError("A forger is seen or unseen, not both", got=", ".join(sorted(both)), todo="Take it from train_forgers or test_forgers")
    return train, test


def draw(rows, seen, unseen, sizes: dict, seed: int, *, seconds=SECONDS) -> list:
    """Draw sizes["train"], ["val"] and ["test"] blocks of clips. Training: the seen forgers and as many reals, a person each.
    Validation: the seen forgers, test: seen and unseen ones, each with half as many reals.

    seed     decides people and clips, nothing else does      seconds  duration of the clips used
    Raises AvlabError when the manifest has too few clips.
    """
    rows = [row for row in rows if abs(row.duration_s - seconds) < 1e-3]
    drawn = []
    for side in SIDES:
        forgers = (*seen, *unseen) if side == "test" else tuple(seen)
        count = len(forgers) if side == "train" else max(len(forgers) // 2, 1)
        drawn += _blocks([row for row in rows if row.split == side], forgers, count, sizes.get(side, 0), f"{seed} {side}")
    return drawn


def _blocks(rows, forgers, people_a_block, blocks, key):
    """`blocks` blocks from the rows of one side: person k of a block gets every k-th forger and one real clip."""
    people = sorted({row.identity for row in rows}, key=lambda p: random.Random(f"{key} {p}").random())
    piles = defaultdict(list)
    for row in sorted(rows, key=lambda r: random.Random(f"{key} {r.clip_id}").random()):
        piles[row.identity, row.forger].append(row)
    drawn = []
    for block in range(blocks):
        turn = block * people_a_block // max(len(people), 1)  # after a round of all people the forgers move on by one
        for k in range(people_a_block):
            person = people[(block * people_a_block + k) % len(people)] if people else None
            fakes = [_take(piles, person, forgers[(j + turn) % len(forgers)]) for j in range(k, len(forgers), people_a_block)]
            drawn += [*fakes, _take(piles, person, "real", like=fakes[0])]
    return drawn


def _take(piles, person, forger, like=None):
    """The next clip of a pile, the source of the fake `like` if it is still there: one face, motion, light and voice, forged and not."""
    pile = piles[person, forger]
    if not pile:
        raise AvlabError("The manifest has too few clips", got=f"no further {forger} clip of person {person}",
                         todo="Lower train_clips, val_clips, test_clips or longer_clips")
    same = [i for i, row in enumerate(pile) if like is not None and row.source == like.source]
    return pile.pop(same[0] if same else -1)


def draw_pairs(rows, forgers, n: int, seed: int, *, seconds=LONGER) -> list:
    """Draw n fakes, forgers in turn, and for each a real clip of the same person, another person each time as long as there are some."""
    rows = [row for row in rows if abs(row.duration_s - seconds) < 1e-3]
    people = sorted({row.identity for row in rows}, key=lambda p: random.Random(f"{seed} pairs {p}").random())
    piles, drawn = defaultdict(list), []
    for row in sorted(rows, key=lambda r: random.Random(f"{seed} {r.clip_id}").random()):
        piles[row.identity, row.forger].append(row)
    for k in range(n):
        person = people[k % len(people)] if people else None
        fake = _take(piles, person, forgers[(k + k // max(len(people), 1)) % len(forgers)])
        drawn += [fake, _take(piles, person, "real", like=fake)]
    return drawn


def load_sample(rows) -> Sample:
    """Render or read the clips. Raises AvlabError for clips without sound or of unequal length."""
    clips = [load_clip(row) for row in rows]
    if any(clip.audio is None for clip in clips) or len({len(clip.frames) for clip in clips}) > 1:
        raise AvlabError("X-AVDT reads picture and sound, and the clips of one sample last equally long", todo="Use manifest=synthtalk")
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("split", "label", "forger", "identity")}
    held = np.empty(len(rows), object)
    held[:] = rows
    return Sample(held, column["split"], column["label"], column["forger"], column["identity"], np.stack([clip.frames for clip in clips]),
                  np.stack([clip.audio for clip in clips]))


def without_pictures(rows) -> Sample:
    """The rows as a sample with empty films and sounds, for clips whose inputs lie in a store."""
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("split", "label", "forger", "identity")}
    held = np.empty(len(rows), object)
    held[:] = rows
    return Sample(held, column["split"], column["label"], column["forger"], column["identity"], np.zeros((len(rows), CHUNK, 0, 0, 3), np.uint8),
                  np.zeros((len(rows), 0), np.float32))


def chunked(sample: Sample) -> tuple[Sample, np.ndarray]:
    """Cut every clip into chunks of 16 frames, each with its piece of the sound: (sample of chunks, number of the clip of each)."""
    n = sample.frames.shape[1] // CHUNK
    of = np.repeat(np.arange(len(sample)), n)
    frames = sample.frames[:, :n * CHUNK].reshape(len(sample) * n, CHUNK, *sample.frames.shape[2:])
    step = sample.audio.shape[1] * CHUNK // sample.frames.shape[1]
    audio = np.stack([sample.audio[i, k * step:(k + 1) * step] for i in range(len(sample)) for k in range(n)])
    whole = sample.pick(of)
    return Sample(whole.rows, whole.side, whole.label, whole.forger, whole.people, frames, audio), of


def leaks(sample: Sample) -> int:
    """How many people stand on more than one side, donors of faces included; must be 0."""
    where = defaultdict(set)
    for row, side in zip(sample.rows, sample.side):
        for person in row.identities:
            where[person].add(str(side))
    return sum(len(sides) > 1 for sides in where.values())


def chunks_apart(sample: Sample) -> Sample:
    """The mutant "chunk_split": the sides are drawn clip by clip and not person by person, so people stand on both. Counts a side are kept."""
    order = np.random.default_rng(0).permutation(len(sample))
    return replace(sample, side=sample.side[order])
