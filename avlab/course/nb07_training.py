"""How MMMS-BA small is trained here: live in the notebook on a few people, and once on all of them for the bundled weights.

`python -m avlab.course.nb07_training DIR` repeats the bundled weights (people of the train split only) and measures them on the val split; a
killed run goes on where it was. Weight decay and the number of epochs were chosen on people of the val split; the test split is judged by the
notebook and nowhere else.
"""

from __future__ import annotations

import copy
import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from avlab import detectors
from avlab.clips import load_clip
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb07_clips as clips
from avlab.course.nb07_samples import Sample, arrays_of, read
from avlab.detectors import mmmsba
from avlab.detectors.checkpoints import replace as write_whole
from avlab.detectors.training import fit, load, save
from avlab.errors import AvlabError
from avlab.synthtalk import VERSION

STRIDE = 5  # frames a step: segments of 0.2 s
RECIPE = {"lr": 2e-3, "batch_size": 16, "schedule": "cosine", "warmup": 20, "balance": "label", "weight_decay": 0.2}
LABELS = {"none": "no attention", "ms_sa": "MS-SA", "mmus_sa": "MMUS-SA", "mmms_ba": "MMMS-BA", "mmms_ba scaled": "MMMS-BA scaled"}
FAMILY = {"none": {"family": "none"}, "ms_sa": {"family": "ms_sa"}, "mmus_sa": {"family": "mmus_sa"}, "mmms_ba": {"family": "mmmsba"},
          "mmms_ba scaled": {"family": "mmmsba", "scaled": True}}


def training_set(rows, people, *, cuts: int, seed: int, each=3, store="") -> Sample:
    """Render scenes of people: of each the real clip and `cuts` partial forgeries, whose spans no other clip has."""
    made, arrays = [], {}
    for real, whole in clips.scenes(rows, people, each):
        mine = [real, *(clips.recut(whole, k, seed) for k in range(cuts))]
        made += mine
        arrays |= arrays_of(mine, lambda mine=mine, pair=(real, whole): clips.cut(*clips.loaded(*pair), mine), store)
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
PEOPLE, CUTS, EPOCHS = (0, 60), 6, 80  # all of them, six minutes of rendering; on val people less weight decay or fewer epochs found less
KINDS = {"plain": {}, "gaps": {"modality_dropout": 0.5}}
SEEDS = {"plain": (0, 1, 2), "gaps": (0, 1)}


def path_of(kind, seed, folder=WEIGHTS) -> Path:
    """mmmsba-plain-0.safetensors and so on."""
    return Path(folder) / f"mmmsba-{kind}-{seed}.safetensors"


def bundled(folder=WEIGHTS) -> dict:
    """Return {"plain": [model, ...], "gaps": [...]}, the trained models that come with the course, in order of their seeds."""
    models = {kind: [load(path_of(kind, seed, folder)) for seed in SEEDS[kind] if path_of(kind, seed, folder).exists()] for kind in KINDS}
    if not all(models.values()):
        raise AvlabError("The weights of notebook 07 are missing", got=str(folder), todo="python -m avlab.course.nb07_training DIR makes them")
    return models


def make(out, train=None, say=print):
    """Train the bundled models, keep them in half precision in `out`, and measure them on people of the val split.

    train   what `training_set` makes of these people, if it is there already (minutes of rendering)
    """
    rows, out = load_manifest("synthtalk"), Path(out)
    mine = [row for row in rows if row.split == "train"]
    people = sorted({row.identity for row in mine})[slice(*PEOPLE)]
    train = train or training_set(mine, people, cuts=CUTS, seed=0)
    say(f"{len(train)} clips of {len(people)} people to train on")
    for kind, config in KINDS.items():
        for seed in SEEDS[kind]:
            began = time.monotonic()
            model = trained(train, seed=seed, epochs=EPOCHS, out=out / f"run-{kind}-{seed}", **config)
            save(copy.deepcopy(model).half(), path_of(kind, seed, out), about={"kind": kind, "seed": seed, "synthtalk": VERSION})
            say(f"{kind} {seed}: {time.monotonic() - began:.0f} s")
    card(out, len(train), len(people), measured(out, rows))


def measured(folder, rows, split="val") -> dict:
    """AP and AR of the bundled models on the long clips of the first ten people of a split: {kind: {measure: [one number a seed]}}."""
    from avlab.course import nb07_experiments as experiments
    from avlab.metrics import ap_at_iou, ar_at_n

    long = clips.long_rows(rows, split)
    people = sorted({row.identity for row in long})[:10]
    long = [row for row in long if row.identity in people]
    sample = Sample(tuple(long), {row.clip_id: read(load_clip(row)) for row in long}, {})
    found = {kind: [experiments.found(model, sample) for model in models] for kind, models in bundled(folder).items()}
    return {kind: {f"AP@{v:g}": [round(ap_at_iou(p, sample.truth, v), 4) for p in each] for v in (0.5, 0.75, 0.95)}
            | {"AR@10": [round(ar_at_n(p, sample.truth, 10), 4) for p in each]} for kind, each in found.items()}


def card(out, n_clips, n_people, numbers):
    """Write mmmsba.json beside the weights: recipe, data, seeds, quality, checksums, and the command that repeats all of it."""
    files = {path_of(kind, seed, out).name: hashlib.sha256(path_of(kind, seed, out).read_bytes()).hexdigest() for kind in KINDS for seed in SEEDS[kind]}
    told = {
        "what": "MMMS-BA small for notebook 07: three trainings with everything, two that lost one modality in half of the clips; half precision",
        "recipe": RECIPE | {"epochs": EPOCHS, "stride": STRIDE, "cuts": CUTS, "kinds": KINDS}, "seeds": SEEDS,
        "made_by": "python -m avlab.course.nb07_training DIR",
        "data": f"{n_clips} clips of 6.4 s of {n_people} training people of synthtalk.csv (world version {VERSION}): every real long clip, and partial "
                "forgeries cut from it and its wholly forged twin, the forgers of pictures in turn",
        "chosen_on": "the people of measured_on_val (epochs, weight decay)", "measured_on_val": numbers,
        "measured_on_test": "by the full profile of notebook 07",
        "limits": "Knows SynthTalk, its forgers and spans of 0.6 to 1.6 s. Numbers it gives on real video are not findings.", "sha256": files}
    write_whole(Path(out) / "mmmsba.json", (json.dumps(told, indent=1) + "\n").encode())


if __name__ == "__main__":
    make(sys.argv[1])
