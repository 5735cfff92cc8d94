"""`avlab train DETECTOR`: from a manifest to the weights of one of the four detectors, with nothing in between that a notebook could not do.

Rows -> the detector's inputs, computed once into a store -> fit -> OUT/DETECTOR.safetensors and OUT/history.json.  The test split is never read.
"""

import json
import time
from dataclasses import replace
from pathlib import Path

from avlab import detectors
from avlab.clips import Store, load_clip, manifest
from avlab.detectors.batches import ClipDataset, forged_frames, stored
from avlab.detectors.checkpoints import replace as write_whole
from avlab.detectors.training import fit, save
from avlab.errors import AvlabError

FPS = 25
PIXELS = 64  # of a film's shorter side, as SynthTalk's clips; the paper's size reads films as large as they are
RECIPES = {  # papers.md: X-AVDT section 1.6; MSCT and MMMS-BA after their code bases; AMDD section 3.5. The small ones are ours.
    # All run with AdamW and gradients clipped at 1: for MSCT and MMMS-BA (Adam) and X-AVDT (not clipped, as far as we know) that is ours too
    "paper": {"xavdt": {"lr": 1e-4, "weight_decay": 0.05, "batch_size": 8}, "msct": {"lr": 1e-3, "weight_decay": 1e-4, "betas": (0.5, 0.9), "batch_size": 64},
              "amdd": {"lr": 1e-4, "weight_decay": 1e-4, "batch_size": 4, "schedule": "cosine"}, "mmmsba": {"lr": 1e-3, "weight_decay": 0.0, "batch_size": 64}},
    "small": dict.fromkeys(detectors.NAMES, {"lr": 2e-3, "warmup": 20, "schedule": "cosine"})
    | {"amdd": {"lr": 1e-3, "warmup": 100, "schedule": "cosine", "batch_size": 16, "weight_decay": 0.01}}}  # as its bundled networks: 2e-3 was unstable
BALANCE = {"xavdt": "source", "msct": "category", "amdd": "generator", "mmmsba": "label"}


def train(name, out, *, source="synthtalk", root=None, size="small", epochs=20, seed=0, forgers=(), clips=0, seconds=0.64, patience=5, lr=None,
          batch_size=None, device="auto", store=None, options=None, resume=True, say=print):
    """Train a detector on the train split, choose its epoch on the val split, and write its weights; returns their path.

    forgers   names as in Row.forger; none = all of the train split      clips    at most so many to train on, half as many to validate; 0 = all
    seconds   of a clip: SynthTalk's clips of this length, films cut to it  options  arguments of the detector's constructor
    store     folder of computed inputs, default OUT/inputs; for X-AVDT the same as of `avlab extract`
    lr, batch_size   None = those of RECIPES
    A second call with the same arguments goes on where the first one ended.  Raises AvlabError for what cannot be trained.
    """
    import torch

    began, out = time.monotonic(), Path(out)
    module, options = detectors.module_of(name), dict(options or {})
    _check(name, size, seconds)
    rows = _rows(source, root, seconds, say)
    forgers = list(forgers) or sorted({row.forger for row in rows if row.split == "train"} - {"real"})
    train_rows, val_rows = (_chosen(rows, split, forgers, n, seed) for split, n in (("train", clips), ("val", clips // 2)))
    say(f"{len(train_rows)} clips to train on, {len(val_rows)} to validate; forgers: {', '.join(forgers)}")
    if name == "amdd":
        options.setdefault("generators", len(forgers))
    torch.manual_seed(seed)
    model = detectors.build(name, size, **options)
    failed = []
    arrays = _arrays(name, module, size, [*train_rows, *val_rows], store or out / "inputs", seconds, model, device, failed, say)
    lost = {clip for clip, _ in failed}
    say("".join(f"left out: {clip}: {why}\n" for clip, why in failed) + "inputs are ready")
    common = {"forgers": forgers, "people": sorted({row.identity for row in (*train_rows, *val_rows)}, key=str), "frames": round(seconds * FPS),
              "segments": name == "mmmsba", "keep": True}
    data = [ClipDataset([row for row in some if row.clip_id not in lost], arrays, **common) for some in (train_rows, val_rows)]
    recipe = RECIPES[size][name] | {k: v for k, v in {"lr": lr, "batch_size": batch_size}.items() if v is not None}
    state = fit(model, module.total_loss, *data, epochs=epochs, seed=seed, out=out, resume=resume, patience=patience or None, device=device,
                balance=BALANCE[name], progress=lambda record: say(_line(record)), **recipe)
    best = state.history[state.best_epoch]
    about = {"manifest": str(source), "forgers": forgers, "clips": len(data[0]), "val_clips": len(data[1]), "seconds": seconds, "seed": seed,
             "epochs": len(state.history), "best_epoch": state.best_epoch, "val_auroc": best["val_auroc"], "recipe": recipe}
    save(model, out / f"{name}.safetensors", about=about)
    write_whole(out / "history.json", (json.dumps(state.history, indent=1) + "\n").encode())
    say(f"best epoch {state.best_epoch}: {_line(best)}\n{out / name}.safetensors written after {time.monotonic() - began:.0f} s")
    return out / f"{name}.safetensors"


def _check(name, size, seconds):
    if size == "paper" and name in ("xavdt", "mmmsba"):
        raise AvlabError("From clips alone only the small size can be trained: the paper's size reads a larger probe or other networks' features", got=name)
    if name == "xavdt" and round(seconds * FPS) != detectors.module_of(name).FRAMES:
        raise AvlabError("X-AVDT is trained on chunks of 16 frames", got=f"{seconds} s", todo="Take --seconds 0.64; longer films are cut to it")


def _rows(source, root, seconds, say):
    """The rows that can be used: of known class, long enough, and where they are cut, still forged in every stream that is called so."""
    rows, n = manifest.load(source, root=root), round(seconds * FPS)
    for line, column, message in rows.problems:
        say(f"skipped: line {line}, {column}: {message}")

    def usable(row):
        if "unknown" in (row.label_video, row.label_audio):
            return False
        fits = abs(row.duration_s - seconds) < 1e-3 if not row.path else row.duration_s >= seconds - 1e-3
        one_stream = replace(row, label_audio="real"), replace(row, label_video="real")
        return fits and all(part.label == 0 or forged_frames(part, n).any() for part in one_stream)

    kept = replace(rows, rows=tuple(row for row in rows if usable(row)))
    if not {"train", "val"} <= {row.split for row in kept}:
        raise AvlabError("Training needs clips in the splits train and val", got=f"{len(kept)} of {len(rows)} clips of {seconds} s and known class",
                         todo="Look at the durations, or split the manifest: avlab manifest split")
    return kept


def _chosen(rows, split, forgers, clips, seed):
    part = rows.select(split=split, forger=("real", *forgers))
    strange = sorted({"real", *forgers} - {row.forger for row in part})
    if strange:
        known = sorted({row.forger for row in rows if row.split == split})
        raise AvlabError(f"The {split} split holds clips of every forger, and reals", got=f"none of {', '.join(strange)}", todo=f"There: {', '.join(known)}")
    if not clips:
        return part
    each = max(clips // (2 * len(forgers)), 1)
    return part.draw(each, seed=seed, reals_per_fake=len(forgers), forgers=forgers)


def _arrays(name, module, size, rows, store, seconds, model, device, failed, say):
    """row -> arrays, everything computed."""
    def progress(number, total, row, state):
        if number % 50 == 0 or number == total:
            say(f"inputs {number}/{total}")

    def clip(row):
        return load_clip(row, max_seconds=seconds, size=PIXELS if row.path and size == "small" else None)

    shared = {"store_folder": store, "progress": progress, "failed": failed}
    if name == "xavdt":
        return _probed(module, rows, clip, model, device, shared)
    words = {"msct": {"pixels": 40 if size == "small" else 96}, "amdd": {"size": size}}.get(name, {})
    return stored(rows, lambda made: module.inputs(made, **words), settings={"detector": name, "seconds": seconds, **words}, load=clip, **shared)


def _probed(module, rows, clip, model, device, shared):
    """X-AVDT's inputs, by way of the probe and its store. Without phi (use_phi=False) a clip costs 1 network call instead of 80."""
    import torch

    from avlab.probe import extract
    from avlab.probe.diffusion_probe import DiffusionProbe

    device = "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
    probe, phi = DiffusionProbe.bundled(device), model.use_phi
    settings = extract.settings(probe, phi=phi)
    kept = Store(shared["store_folder"], settings)

    def films(row):
        made = clip(row)
        if not kept.has(row):
            kept.put(row, extract.features(probe, made, phi=phi))
        arrays = kept.get(row)
        return (extract.composite(probe, arrays, made.frames) if phi else torch.zeros(12, *arrays["psi"].shape[1:2], 1, 1)), arrays["psi"]

    return stored(rows, lambda both: module.inputs(*both), settings={"detector": "xavdt", "pixels": PIXELS, **settings}, load=films, **shared)


def _line(record):
    auroc = "-" if record["val_auroc"] is None else f"{record['val_auroc']:.3f}"
    return (f"epoch {record['epoch']}: loss {record['train_total']:.4f}, on validation {record['val_total']:.4f}, AUROC {auroc}, "
            f"{record['seconds']:.1f} s")
