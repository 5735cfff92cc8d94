"""The bundled trainings of notebook 05: how they were made, so that anybody can make them again.

    python -m avlab.course.nb05_weights STORE OUT [VARIANT ...]

Trains on the train people and chooses the epoch on the val people; the test people are never read. Measuring the clips costs about a second
each and thread, once; STORE keeps what was measured.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np

from avlab.clips import manifest
from avlab.clips.store import Store
from avlab.course import nb05_clips as clips
from avlab.course import nb05_experiments as experiments
from avlab.course.nb05 import Params
from avlab.course.nb05_store import inputs_settings, measured
from avlab.detectors.checkpoints import replace
from avlab.detectors.training import save
from avlab.metrics import auroc
from avlab.probe.diffusion_probe import DiffusionProbe

VARIANTS = ("full", "rgb", "no_psi", "no_phi", "no_residual", "no_triplet")  # a random probe would need every clip measured again
PHI_STEPS, EPOCHS, SEEDS = 4, 6, (0, 1, 2)
EACH = {"train": 4, "val": 2}  # fakes of every person and seen forger, and beside them their sources


def lesson_rows(rows, split, forgers, each) -> list:
    """The first `each` fakes of everybody and of every forger, and the real clips that they were made from; in an order that fills evenly."""
    rows = [row for row in rows if row.split == split and abs(row.duration_s - clips.SECONDS) < 1e-3]
    source = {row.source: row for row in rows if row.forger == "real"}
    piles = {}
    for row in rows:
        piles.setdefault((row.identity, row.forger), []).append(row)
    wanted = []
    for k in range(each):
        for person in sorted({row.identity for row in rows}):
            for forger in forgers:
                fake = piles[person, forger][k]
                wanted += [fake, source[fake.source]]
    return list(dict.fromkeys(wanted))


def fill(store, probe, rows, *, say=print, at_once=8):
    """Measure what the store lacks, a few clips at a time: a killed run loses those in hand."""
    kept = Store(store, inputs_settings(probe))
    missing = kept.missing(rows)
    for first in range(0, len(missing), at_once):
        measured(store, probe, clips.load_sample(missing[first:first + at_once]))
        if first % (10 * at_once) == 0:
            say(f"measured {first} of {len(missing)} missing clips")


def lessons(store, *, each=None, say=print):
    """(sample of train and val without pictures, {"own": inputs}, seen forgers), everything measured."""
    probe, (seen, _) = DiffusionProbe.bundled("cpu", PHI_STEPS), clips.protocol()
    every = manifest.load("synthtalk")
    rows = [row for split, n in (each or EACH).items() for row in lesson_rows(every, split, seen, n)]
    fill(store, probe, rows, say=say)
    sample = clips.without_pictures(rows)
    return sample, {"own": measured(store, probe, sample)}, seen


def train(variant, seed, sample, inputs, seen, out, *, epochs=EPOCHS, say=print) -> dict:
    """Train one variant, write OUT/xavdt_VARIANT_SEED.safetensors in half precision, and return what the card says of it."""
    began, own = time.monotonic(), experiments.features_of(variant, inputs)
    model, state = experiments.trained(variant, sample, own, seen, Params(), seed, epochs=epochs)
    for weight in model.parameters():
        weight.data = weight.data.half().to(weight.dtype)  # what is measured is what is kept
    val = np.flatnonzero(sample.side == "val")
    part, score = sample.pick(val), experiments.logits(model, sample.pick(val), {name: value[val] for name, value in own.items()})
    said = {"val_auroc": auroc(score, part.label), "best_epoch": state.best_epoch, "steps": len(state.steps), "seconds": round(time.monotonic() - began),
            "by_forger": {f: auroc(score[keep], part.label[keep]) for f in seen for keep in [(part.forger == f) | (part.label == 0)]}}
    path = Path(out) / f"xavdt_{variant}_{seed}.safetensors"
    for weight in model.parameters():
        weight.data = weight.data.half()
    save(model, path, about={"variant": variant, "seed": seed, **said})
    say(f"{variant} {seed}: validation AUROC {said['val_auroc']:.3f}, {said['seconds']} s")
    return {path.name: said | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}


def card(files, sample, seen) -> dict:
    """What is known of the bundled trainings, as plain JSON values."""
    count = {side: {"real": int(((sample.side == side) & (sample.label == 0)).sum()), "fake": int(((sample.side == side) & (sample.label == 1)).sum())}
             for side in ("train", "val")}
    return {
        "what": "X-AVDT small and its ablations, trained on features of the bundled probe (notebook 05)",
        "made_by": "python -m avlab.course.nb05_weights STORE OUT",
        "recipe": experiments.RECIPE | {"epochs": EPOCHS, "optimiser": "AdamW, gradients clipped at 1"},
        "phi_steps": PHI_STEPS, "clips": count, "forgers": list(seen), "people": "those of the train split; the epoch was chosen on those of the val split",
        "data": "SynthTalk, clips of 0.64 s: the first fakes of every person and forger and the real clips that they were made from",
        "limits": "Knows SynthTalk, three forgers of it and one probe. A score of real video is not a finding.", "files": files}


def main(store, out, *variants):
    """Train all seeds of the variants (all of VARIANTS if none is named) and write the card; files that are there already are kept."""
    sample, inputs, seen = lessons(store)
    path = Path(out) / "xavdt.json"
    files = json.loads(path.read_text())["files"] if path.is_file() else {}
    for variant in variants or VARIANTS:
        for seed in SEEDS:
            if f"xavdt_{variant}_{seed}.safetensors" not in files:
                files |= train(variant, seed, sample, inputs, seen, out)
                replace(path, (json.dumps(card(files, sample, seen), indent=1) + "\n").encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
