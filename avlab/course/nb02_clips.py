"""The clips of notebook 02: drawn by seed before anything is measured, the same for every figure.

A block is two people and nine clips: the forgers of the two sides in turn of the first and of the second person, and three reals of both. So
every person has real and forged clips, which is what lets labels be permuted inside a person and people be resampled whole.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from avlab.clips import load_clip
from avlab.clips.datasets import synthtalk
from avlab.course.picked import Picked
from avlab.errors import AvlabError
from avlab.explain.controls import shrink_mask
from avlab.probe.bundled import CLIP_FRAMES, LATENT_SIZE

SECONDS = 0.64  # one window of the probe
TRAIN, TEST = synthtalk.SEEN, synthtalk.UNSEEN  # the generator-disjoint protocol
BLOCK = (*((name, k % 2) for k, name in enumerate((*TRAIN, *TEST))), ("real", 0), ("real", 1), ("real", None))


@dataclass(frozen=True, eq=False)
class Sample(Picked):
    """N clips of one window each, as arrays, in the order in which they were drawn.

    rows (N,) manifest rows    block (N,) in which block they were drawn    side (N,) "train" | "test"    label (N,) 1 = fake    forger, people (N,)
    frames (N, T, H, W, 3) uint8    audio (N, S) float32    regions (N, T, H, W) 0 background, 1 face, 2 mouth    z0 (N, 4, T, h, w) tensor
    """

    rows: np.ndarray
    block: np.ndarray
    side: np.ndarray
    label: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    frames: np.ndarray
    audio: np.ndarray
    regions: np.ndarray
    z0: object

    @property
    def unseen(self) -> np.ndarray:
        """Clips of the generator-disjoint protocol: reals, and the forgers of their own side. (N,) bool"""
        return (self.label == 0) | np.where(self.side == "train", np.isin(self.forger, TRAIN), np.isin(self.forger, TEST))


def draw(rows, n: int, seed: int) -> list:
    """Draw n blocks of clips from the training people and n from the test people: 18 n rows.

    rows  a manifest of which the clips of 0.64 s are used      seed  decides people and clips, nothing else does
    Raises AvlabError when there are too few clips.
    """
    rows = [row for row in rows if abs(row.duration_s - SECONDS) < 1e-3]
    drawn = []
    for side in ("train", "test"):
        mine = [row for row in rows if row.split == side]
        people = sorted({row.identity for row in mine}, key=lambda p: random.Random(f"{seed} {side} {p}").random())
        piles = {}
        for row in sorted(mine, key=lambda r: random.Random(f"{seed} {r.clip_id}").random()):
            piles.setdefault((row.identity, row.forger), []).append(row)
        for block in range(n):
            for forger, who in BLOCK:
                person = people[(2 * block + (block % 2 if who is None else who)) % len(people)] if people else None
                if not piles.get((person, forger)):
                    raise AvlabError(f"{n} clips of each forger need more clips than the manifest has", got=f"no further {forger} clip of {person} in {side}",
                                     todo="Lower clips_per_class")
                drawn.append(piles[person, forger].pop())
    return drawn


def load_sample(rows, probe, *, batch=16) -> Sample:
    """Render or read the clips and encode them. Raises AvlabError for a clip whose face and mouth are not known."""
    clips = [load_clip(row) for row in rows]
    unknown = [clip.clip_id for clip in clips if clip.truth is None or clip.audio is None]
    if unknown:
        raise AvlabError("Notebook 02 needs sound, and to know where the mouth is", got=unknown[:3], todo="Use manifest=synthtalk")
    import torch

    frames = np.stack([clip.frames[:CLIP_FRAMES] for clip in clips])
    z0 = torch.cat([probe.encode(frames[i:i + batch]) for i in range(0, len(frames), batch)])
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("split", "label", "forger", "identity")}
    first, where = {}, []  # blocks of one side follow one another, nine clips each, as `draw` gives them
    for row in rows:
        where.append(first.setdefault(row.split, 0) // len(BLOCK))
        first[row.split] += 1
    return Sample(np.array(rows, dtype=object), np.array(where), column["split"], column["label"], column["forger"], column["identity"], frames,
                  np.stack([clip.audio for clip in clips]), np.stack([clip.truth.regions[:CLIP_FRAMES] for clip in clips]), z0)


def region_masks(regions, h=LATENT_SIZE, w=LATENT_SIZE) -> dict:
    """Return the share of every latent cell in the mouth, in the rest of the face, in the background: {name: (N, T, h, w)}, adding to 1."""
    return {name: shrink_mask(regions == code, h, w) for name, code in (("mouth", 2), ("face", 1), ("background", 0))}
