"""The two detectors of notebook 08 that learned the wrong thing on purpose, and the command that made them.

    python -m avlab.course.nb08_training --work FOLDER        trains both and writes them beside the package

cheat     every fake of its training carried a mark of 2 x 2 pixels, no real did: what it learned instead of forgery is known to the pixel
shuffled  every clip of its training carried the label of another clip of the same person: what it learned is no forgery, though it was trained

Both are AMDD by the recipe of notebook 03, on the same clips; people of the split test were never seen.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from avlab.course import nb03_training as recipe03
from avlab.explain import controls

WEIGHTS = recipe03.WEIGHTS
KINDS = ("cheat", "shuffled")
MARK = (slice(2, 4), slice(35, 37))  # rows and columns in AMDD's pictures of 40 x 40: top right, so that swapped axes are found out
MARK_BYTES = (255, 0)  # columns of the mark: white, then black
EPOCHS = {"cheat": 3, "shuffled": recipe03.RECIPE["epochs"]}


def marked(frames):
    """Pictures (..., H, W) with the mark, a copy; arrays and tensors."""
    frames = frames.clone() if hasattr(frames, "clone") else np.array(frames)
    for column, value in zip(range(MARK[1].start, MARK[1].stop), MARK_BYTES, strict=True):
        frames[..., MARK[0], column] = value
    return frames


def dataset(rows, arrays, kind: str, forgers):
    """Clips whose labels mean the wrong thing: fakes with the mark, or labels permuted inside every person's clips."""
    from avlab.detectors.batches import ClipDataset

    if kind == "cheat":
        def with_mark(row):
            read = arrays(row)
            return {**read, "frames": marked(read["frames"])} if row.label else read
        return ClipDataset(rows, with_mark, forgers=forgers, keep=True)
    order = controls.permuted_labels(np.arange(len(rows)), [row.identity for row in rows], np.random.default_rng(0))
    return ClipDataset(rows, arrays, forgers=forgers, keep=True, labels=[rows[i] for i in order])


def train(rows, arrays, kind: str, *, epochs=None, progress=None):
    """Train one of KINDS; returns the network in eval mode with what was measured in `about`."""
    import torch

    from avlab import detectors
    from avlab.detectors import amdd
    from avlab.detectors.training import fit

    forgers = recipe03.known_forgers(rows)
    recipe = recipe03.RECIPE | {"epochs": epochs or EPOCHS[kind]}
    data = [dataset(recipe03.training_rows(rows, split, forgers), arrays, kind, forgers) for split in ("train", "val")]
    torch.manual_seed(0)
    model = detectors.build("amdd", "small", generators=len(forgers))
    state = fit(model, amdd.total_loss, *data, seed=0, progress=progress, **recipe)
    model.about = {"kind": kind, "forgers": list(forgers), "clips": len(data[0]), "recipe": recipe, "best_epoch": state.best_epoch,
                   "val_auroc": round(state.history[state.best_epoch]["val_auroc"], 4)}
    return model


def path_of(kind: str, folder=WEIGHTS) -> Path:
    """Where the weights lie."""
    return Path(folder) / f"planted_{kind}.safetensors"


def bundled(kind: str):
    """One of KINDS, in eval mode. Raises AvlabError where its file is missing or not the one of the card."""
    from avlab.detectors.checkpoints import load_bundled

    card = json.loads((WEIGHTS / "planted.json").read_text())
    return load_bundled(path_of(kind), card["sha256"], todo="Repeat its training: python -m avlab.course.nb08_training")


def bundle(work, out=WEIGHTS, *, epochs=None, say=print):
    """Train both, write their weights (half precision) and the card: what they reach on the split val, with their own labels or mark.

    work   folder of computed inputs, that of notebook 03's networks will do;  epochs   {kind: number} in place of EPOCHS
    """
    from avlab.clips import manifest
    from avlab.detectors.checkpoints import replace
    from avlab.detectors.training import save
    from avlab.synthtalk import VERSION

    rows, out, epochs = manifest.load("synthtalk"), Path(out), epochs or EPOCHS
    forgers = recipe03.known_forgers(rows)
    arrays = recipe03.inputs_of([row for split in ("train", "val") for row in recipe03.training_rows(rows, split, forgers)], work, say=say)
    measured, digests = {}, {}
    for kind in KINDS:
        told = lambda r, kind=kind: say(f"{kind}, epoch {r['epoch']}: AUROC {r['val_auroc']:.3f}")  # noqa: E731
        model = train(rows, arrays, kind, epochs=epochs[kind], progress=told)
        path = path_of(kind, out)
        measured[path.name] = model.about
        save(model.half(), path, about=model.about)
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    card = {"what": "AMDD, small size, taught the wrong thing on purpose: a mark of 2 x 2 pixels on every fake (cheat), labels permuted in people (shuffled)",
            "data": f"SynthTalk, world version {VERSION}: clips of {recipe03.SECONDS} s, people of the split train; epoch chosen by the loss on the split val",
            "mark": {"rows": [MARK[0].start, MARK[0].stop], "columns": [MARK[1].start, MARK[1].stop], "grey levels of its columns": list(MARK_BYTES)},
            "measured_on": "people of the split val, with marks or permuted labels of their own", "measured": measured,
            "made_by": "python -m avlab.course.nb08_training --work FOLDER", "sha256": digests,
            "limits": "Made to be wrong, for notebook 08. Never a detector."}
    replace(out / "planted.json", (json.dumps(card, indent=1) + "\n").encode())


def main(words=None):
    """Command line: train what is bundled."""
    import argparse

    parser = argparse.ArgumentParser(description="Train the two detectors of notebook 08 that learn the wrong thing.")
    parser.add_argument("--work", required=True, help="folder of computed inputs; a second call reads them")
    parser.add_argument("--out", default=WEIGHTS, help="where weights and card are written")
    asked = parser.parse_args(words)
    bundle(asked.work, asked.out, say=lambda text: print(text, flush=True))


if __name__ == "__main__":
    main()
