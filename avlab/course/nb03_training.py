"""The trained AMDDs of notebook 03: one function that trains one, the bundled ones, and the command that made them.

    python -m avlab.course.nb03_training --work FOLDER        trains all of `BUNDLED` and writes them beside the package

Trained on the people of the split train, the epoch chosen on those of the split val; people of the split test, and every forger that the
generator-disjoint protocol keeps for the test, are never seen.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from avlab.clips import manifest
from avlab.clips.datasets import synthtalk
from avlab.errors import AvlabError

WEIGHTS = Path(__file__).parent.parent / "weights"
SECONDS = 0.64
VARIANTS = {  # arguments of AMDD: the paper's table 5 takes attribution away, and two of the other terms; the centroids are ours to ask
    "with": {}, "without": {"use_attribution": False}, "no alignment": {"use_alignment": False}, "no CMFFC": {"use_cmffc": False},
    "no centroid": {"use_centroid": False},
}
SEEDS = (0, 1, 2)
BUNDLED = {"with": SEEDS, "without": SEEDS, "no alignment": (0,), "no CMFFC": (0,), "no centroid": (0,)}  # seeds; two minutes a network
RECIPE = {"epochs": 12, "lr": 1e-3, "batch_size": 16, "schedule": "cosine", "warmup": 100, "weight_decay": 0.01, "balance": "generator"}


def known_forgers(rows) -> tuple[str, ...]:
    """Forgers that AMDD may learn: those whose picture is true or forged by one of `synthtalk.SEEN`, in alphabetical order."""
    return tuple(sorted({row.forger for row in rows if row.label and row.forger_video in ("", *synthtalk.SEEN)}))


def strangers(rows) -> tuple[str, ...]:
    """Forgers whose picture comes from a forger that is kept for the test, in alphabetical order."""
    return tuple(sorted({row.forger for row in rows if row.label} - set(known_forgers(rows))))


def training_rows(rows, split: str, forgers) -> list:
    """Clips of `SECONDS` of one split, reals and these forgers."""
    chosen = [row for row in rows if row.split == split and abs(row.duration_s - SECONDS) < 1e-3 and row.forger in ("real", *forgers)]
    if not chosen:
        raise AvlabError(f"Training needs clips of {SECONDS} s in the splits train and val", got=f"none in {split}", todo="Use manifest=synthtalk")
    return chosen


def train(rows, arrays, variant: str, seed: int, *, forgers=None, device="auto", progress=None, **recipe):
    """Train one small AMDD on the clips of the split train; returns it in eval mode, with what was measured in `about`.

    rows     a manifest;  arrays   row -> AMDD's inputs;  variant   of VARIANTS;  forgers   default: `known_forgers`;  recipe   replaces entries of RECIPE
    """
    import torch

    from avlab import detectors
    from avlab.detectors import amdd
    from avlab.detectors.batches import ClipDataset
    from avlab.detectors.training import fit

    forgers, recipe = tuple(forgers or known_forgers(rows)), RECIPE | recipe
    data = [ClipDataset(training_rows(rows, split, forgers), arrays, forgers=forgers, keep=True) for split in ("train", "val")]
    torch.manual_seed(seed)
    model = detectors.build("amdd", "small", generators=len(forgers), **VARIANTS[variant])
    state = fit(model, amdd.total_loss, *data, seed=seed, device=device, progress=progress, **recipe)
    model.about = {"variant": variant, "seed": seed, "forgers": list(forgers), "clips": len(data[0]), "val_clips": len(data[1]), "recipe": recipe,
                   "best_epoch": state.best_epoch, "val_auroc": round(state.history[state.best_epoch]["val_auroc"], 4)}
    return model


# ------------------------------------------------------------------------------------------------ the bundled ones


def path_of(variant: str, seed: int, folder=WEIGHTS) -> Path:
    """Where the weights of a variant and a seed lie."""
    return Path(folder) / f"amdd_{variant.replace(' ', '_').lower()}_{seed}.safetensors"


def bundled(variant: str, seed: int):
    """The bundled AMDD of a variant and a seed, in eval mode. Raises AvlabError where its file is missing or not the one of the card."""
    from avlab.detectors.checkpoints import load_bundled

    card = json.loads((WEIGHTS / "amdd.json").read_text())
    return load_bundled(path_of(variant, seed), card["sha256"], todo="Repeat its training: python -m avlab.course.nb03_training")


def networks(rows, n: int, *, live=False, device="cpu", store="") -> dict:
    """{variant: at most n networks, seeds 0, 1 ...} on a device: the bundled ones, or with and without attribution trained now.

    store   folder of computed inputs for live training, "" = in memory only
    """
    if not live:
        return {variant: [bundled(variant, seed).to(device) for seed in seeds[:n]] for variant, seeds in BUNDLED.items()}
    forgers = known_forgers(rows)
    with TemporaryDirectory() as empty:
        arrays = inputs_of([row for split in ("train", "val") for row in training_rows(rows, split, forgers)], store or empty)
        return {variant: [train(rows, arrays, variant, seed, device=device) for seed in SEEDS[:n]] for variant in ("with", "without")}


def bundle(work, out=WEIGHTS, *, variants=tuple(VARIANTS), seeds=SEEDS, say=print):
    """Train those of `BUNDLED` that have these variants and seeds, write their weights (half precision) and the card: what they reach on the split val.

    work   folder of computed inputs; a second call reads them, and leaves out what was trained before
    """
    from avlab.detectors.training import load, save

    rows = manifest.load("synthtalk")
    forgers, out = known_forgers(rows), Path(out)
    arrays = inputs_of([row for split in ("train", "val") for row in training_rows(rows, split, forgers)], work, say=say)
    measured = {}
    for variant, seed in [(name, k) for name in variants for k in BUNDLED[name] if k in seeds]:
        path, began = path_of(variant, seed, work), time.monotonic()
        if not path.is_file():
            model = train(rows, arrays, variant, seed, progress=lambda r: say(f"epoch {r['epoch']}: {r['val_total']:.3f}, AUROC {r['val_auroc']:.3f}"))
            save(model.half(), path, about=model.about | {"minutes": round((time.monotonic() - began) / 60, 1)})
        model = load(path)
        measured[path.name] = model.about | validate(model, rows, arrays)
        say(f"{path.name}: {measured[path.name]}")
    write_card(measured, forgers, work, out)


def inputs_of(rows, folder, *, say=print):
    """AMDD's inputs of these rows, computed once into a store: row -> arrays."""
    from avlab.detectors import amdd
    from avlab.detectors.batches import stored

    def progress(number, total, row, state):
        if number % 200 == 0 or number == total:
            say(f"inputs {number}/{total}")

    return stored(rows, amdd.inputs, Path(folder) / "inputs", {"detector": "amdd", "size": "small"}, progress=progress)


def validate(model, rows, arrays) -> dict:
    """What a model reaches on the people of the split val: AUROC against real of each forger, and the share of each class named right."""
    from avlab import metrics
    from avlab.detectors.batches import ClipDataset
    from avlab.detectors.training import predict

    forgers = tuple(model.about["forgers"])
    data = ClipDataset(training_rows(rows, "val", forgers), arrays, forgers=forgers)
    said = predict(model, data, parts=("generator_logits",))
    of, named = said["generator"], said["generator_logits"].argmax(1)
    auroc = {name: round(metrics.auroc(said["logit"][np.isin(of, (0, k))], of[np.isin(of, (0, k))] == k), 4) for k, name in enumerate(forgers, 1)}
    return {"val_auroc_of": auroc, "val_named": {name: round(float((named[of == k] == k).mean()), 4) for k, name in enumerate(("real", *forgers))}}


def write_card(measured: dict, forgers, work, out):
    """Copy the weights beside the package and write their card."""
    from avlab.detectors.checkpoints import replace
    from avlab.synthtalk import VERSION

    digests = {}
    for name in measured:
        data = (Path(work) / name).read_bytes()
        digests[name] = hashlib.sha256(data).hexdigest()
        replace(out / name, data)
    card = {
        "what": "AMDD, small size, trained on SynthTalk: with all five losses and without attribution (three seeds each), and without one other loss",
        "data": f"SynthTalk, world version {VERSION}: clips of {SECONDS} s, people of the split train; epoch chosen by the loss on the split val",
        "forgers": list(forgers), "recipe": RECIPE, "variants": VARIANTS, "measured_on": "people of the split val", "measured": measured,
        "made_by": "python -m avlab.course.nb03_training --work FOLDER", "sha256": digests,
        "limits": "Knows SynthTalk's drawn people and these forgers. It says nothing about any real face, voice or video."}
    replace(out / "amdd.json", (json.dumps(card, indent=1) + "\n").encode())


def main(words=None):
    """Command line: train what is bundled."""
    import argparse

    parser = argparse.ArgumentParser(description="Train the AMDDs of notebook 03 and write them beside the package.")
    parser.add_argument("--work", required=True, help="folder of inputs and finished weights; a second call goes on from it")
    parser.add_argument("--out", default=WEIGHTS, help="where weights and card are written")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="comma-separated; the card holds these alone")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="comma-separated")
    asked = parser.parse_args(words)
    bundle(asked.work, asked.out, variants=tuple(asked.variants.split(",")), seeds=tuple(map(int, asked.seeds.split(","))),
           say=lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
