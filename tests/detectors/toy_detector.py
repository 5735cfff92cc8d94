"""A detector that is nobody's, for tests of the training: one planted signal, and randomness from every stream that a loss could use.

Run as a program it trains into a folder and kills itself without warning at a given step: python toy_detector.py OUT STEP
"""

import os
import random
import signal
import sys

import numpy as np
import torch
from torch import nn

from avlab.clips.rows import Row
from avlab.detectors.batches import ClipDataset
from avlab.detectors.training import fit
from avlab.results import Prediction

SIGNAL = 1.0  # shift of the fakes' mean, in deviations, in 2 of 8 numbers


class Toy(nn.Module):
    """8 numbers -> 16 -> logit, with what a real detector has: batch statistics, dropout, a buffer that its loss moves."""

    reads = ("x",)

    def __init__(self, width=16):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(width, 1)
        self.register_buffer("centre", torch.zeros(width))

    def forward(self, x):
        embedding = self.body(x)
        return Prediction(self.head(embedding).squeeze(1), embedding, {"double": 2 * embedding})


def total_loss(model, batch, weight=0.1):
    """Cross-entropy, and a pull to a moving centre under noise from torch, numpy and python."""
    noise = torch.rand(()) + float(np.random.rand()) + random.random() if model.training else 1.0
    made = model(batch["x"])
    pull = (made.embedding - model.centre).square().mean() * noise
    if model.training:
        model.centre.lerp_(made.embedding.detach().mean(0), 0.1)
    cross = nn.functional.binary_cross_entropy_with_logits(made.logit, batch["label"])
    return {"total": cross + weight * pull, "cross": cross, "pull": pull}


def rows(people, clips=4, split="train"):
    """Half real, half fake, `clips` of each for every person."""
    made = []
    for person in people:
        for k in range(2 * clips):
            fake = k % 2 == 1
            made.append(Row(f"p{person}-{k}", "files", "FVRA" if fake else "RVRA", "fake" if fake else "real", "real", "swap" if fake else "", "",
                            f"P{person}", split=split, path=f"{person}-{k}.mp4"))
    return made


def arrays(row, shift=SIGNAL):
    x = np.random.default_rng(abs(hash_of(row.clip_id))).standard_normal(8)
    return {"x": x + shift * np.array([1, -1, 0, 0, 0, 0, 0, 0]) * (row.label_video == "fake")}


def hash_of(text):
    return int.from_bytes(text.encode(), "big") % 2**63


def data(made, read=arrays, **options):
    return ClipDataset(made, read, forgers=["swap"], keep=True, **options)


def toy(seed=0):
    torch.manual_seed(seed)
    return Toy()


def trained(out=None, *, loss=total_loss, epochs=4, **options):
    """The run that the tests repeat: 96 clips, 6 steps an epoch."""
    model = toy()
    state = fit(model, loss, data(rows(range(12))), data(rows(range(100, 108), split="val")), epochs=epochs, lr=3e-3, seed=7, out=out, **options)
    return model, state


if __name__ == "__main__":
    steps = 0

    def deadly(model, batch):
        global steps
        if model.training:
            steps += 1
            if steps == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
        return total_loss(model, batch)

    deadly.__module__, deadly.__qualname__ = "toy_detector", total_loss.__qualname__  # the checkpoint names the loss of the run that goes on
    trained(sys.argv[1], loss=deadly)
