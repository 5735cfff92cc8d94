"""How MMMS-BA small is trained here: live in the notebook on a few people, and once on all of them for the bundled weights.

`python -m avlab.course.nb07_training DIR` repeats the bundled weights (train people only) and measures them on the test people; a killed run
goes on where it was. The recipe was chosen on the people of the val split; the test split was read once, by the last step of this command.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from avlab import detectors
from avlab.course import nb07_clips as clips
from avlab.course.nb07_samples import Sample, read
from avlab.detectors import mmmsba
from avlab.detectors.training import fit, load
from avlab.errors import AvlabError

STRIDE = 5  # frames a step: segments of 0.2 s
RECIPE = {"lr": 2e-3, "batch_size": 16, "schedule": "cosine", "warmup": 20, "balance": "label"}
FAMILY = {"none": {"family": "none"}, "ms_sa": {"family": "ms_sa"}, "mmus_sa": {"family": "mmus_sa"}, "mmms_ba": {"family": "mmmsba"},
          "mmms_ba scaled": {"family": "mmmsba", "scaled": True}}


def training_set(rows, people, *, cuts: int, seed: int, each=3) -> Sample:
    """Render scenes of people: of each the real clip and `cuts` partial forgeries, whose spans no other clip has."""
    made, arrays = [], {}
    for real, forged in clips.scenes(rows, people, each):
        for clip in (real, *(clips.spliced(real, forged, clips.recut(forged.row, k, seed)) for k in range(cuts))):
            made.append(clip.row)
            arrays[clip.clip_id] = read(clip)
    return Sample(tuple(made), arrays, {})


def untrained(seed: int, **config):
    """A model with random weights, from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return detectors.build("mmmsba", "small", **{"stride": STRIDE, **config}).eval()


def trained(sample, *, seed: int, epochs: int, labels=None, val=None, out=None, progress=None, **config):
    """Train one model on a sample; labels = rows that lend their labels (the control), config as of MMMSBA.  Returns it in eval mode."""
    model = untrained(seed, **config)
    fit(model, mmmsba.total_loss, sample.data(labels), val, epochs=epochs, seed=seed, out=out, device="cpu", progress=progress, **RECIPE)
    return model


def permuted(sample, seed) -> list:
    """Rows in an order that gives every clip the labels of another clip of the same person: spans, streams and real or fake."""
    rng, rows = np.random.default_rng(seed), list(sample.rows)
    for who in set(sample.people.tolist()):
        mine = rng.permutation(np.flatnonzero(sample.people == who))
        for place, other in zip(mine, np.roll(mine, 1)):
            rows[place] = sample.rows[other]
    return rows


# ------------------------------------------------------------------------------------------------ bundled weights

WEIGHTS = Path(__file__).parent.parent / "weights"
SEEDS, CUTS, EPOCHS = (0, 1, 2), 6, 20
KINDS = {"plain": {}, "gaps": {"modality_dropout": 0.5}}


def path_of(kind, seed, folder=WEIGHTS) -> Path:
    """mmmsba-plain-0.safetensors and so on."""
    return Path(folder) / f"mmmsba-{kind}-{seed}.safetensors"


def bundled(folder=WEIGHTS) -> dict:
    """Return {"plain": [model, ...], "gaps": [...]}, the trained models that come with the course, in order of their seeds."""
    models = {kind: [load(path_of(kind, seed, folder)) for seed in SEEDS if path_of(kind, seed, folder).exists()] for kind in KINDS}
    if not all(models.values()):
        raise AvlabError("The weights of notebook 07 are missing", got=str(folder), todo="python -m avlab.course.nb07_training DIR makes them")
    return models
