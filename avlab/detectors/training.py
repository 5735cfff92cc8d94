"""One training loop for all four detectors: a Lightning module around a model and its paper's total loss, and what surrounds it.

A run is decided by its recipe, its seed and its data. Every epoch draws its randomness afresh from (seed, epoch), and after every epoch
one file is written whole: so a run that was killed anywhere and started again ends with the very weights of one that was not.
"""

import json
import math
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader

from avlab import metrics
from avlab.detectors.batches import ONE_A_CLIP
from avlab.detectors.checkpoints import calm, load, own_randomness, restore, save, write
from avlab.errors import AvlabError

__all__ = ["Recipe", "Progress", "Training", "fit", "predict", "save", "load"]

CHECKPOINT = "last.ckpt"


@dataclass(frozen=True)
class Recipe:
    """What a run depends on besides model, loss and data. Epochs and patience may grow when a run is resumed, the rest may not change.

    epochs        at most;  patience    epochs without a better validation before the run stops, None = never
    monitor       "loss" (validation total, lower is better) or "auroc" (higher is better)
    lr, weight_decay, betas             of AdamW;  clip_norm   of the gradient, None = not clipped
    schedule      "constant", or "cosine": from lr down to 0 over `epochs` (which then may not grow), after `warmup` steps up from 0
    balance       what every epoch holds equally often: "label", "generator", "category", or None for the clips as they are;
                  "source" = each fake beside the real clip that it was made from
    """

    epochs: int
    lr: float
    seed: int
    batch_size: int = 16
    patience: int | None = None
    monitor: str = "loss"
    weight_decay: float = 0.01
    betas: tuple = (0.9, 0.999)
    clip_norm: float | None = 1.0
    schedule: str = "constant"
    warmup: int = 0
    balance: str | None = "label"


@dataclass
class Progress:
    """How far a run has come; `fit` returns it.

    history      one dict an epoch: epoch, train_<part>, val_<part> (means of the loss's parts), val_auroc, lr, seconds
    steps        the total loss of every step          best_epoch   whose weights the model has now
    stopped      True if patience ended the run        resumed      epochs that were done before this call
    """

    history: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    best_epoch: int = -1
    stopped: bool = False
    resumed: int = 0
    best: dict = field(default_factory=dict, repr=False)
    optimiser: dict = field(default_factory=dict, repr=False)
    scaler: dict = field(default_factory=dict, repr=False)


def fit(model, total_loss: Callable, train, val=None, *, epochs, lr, seed, out=None, resume=True, precision="auto", device="auto", devices="auto",
        num_workers=0, progress=None, **recipe):
    """Train a detector; it ends in eval mode with the weights of its best epoch on `val` (without `val`: of the last one).

    model        nn.Module -> Prediction;  total_loss   (model, batch) -> {"total": scalar, part: scalar ...}
    train, val   ClipDataset; no person may stand in both, and neither may hold rows of the test split
    out          folder of the checkpoint `last.ckpt`, None = nothing is kept;  resume=False starts anew in spite of one
    precision    "auto" (bf16-mixed on a GPU that has it, else 32-true) or Lightning's words
    device       "auto" | "cpu" | "cuda";  devices   how many; "auto" is one, more run under Lightning's ddp
    progress     called with the epoch's dict of `Progress.history` after each epoch
    recipe       the fields of `Recipe`: batch_size, patience, monitor, weight_decay, betas, clip_norm, schedule, warmup, balance
    Returns Progress. The caller's random state is left as it was: seed it before the model is built.
    Raises AvlabError for leaking splits, a checkpoint of another run, unknown options, or a loss that is not finite.
    """
    recipe = _checked(recipe | {"epochs": epochs, "lr": lr, "seed": seed}, train, val)
    home = next((value.device for value in model.parameters()), torch.device("cpu"))
    path, mark = None if out is None else os.path.join(os.fspath(out), CHECKPOINT), _mark(model, total_loss, recipe, train, val)
    state = Progress(**(restore(path, mark, model) if path and resume else None) or {})
    state.resumed, state.stopped = len(state.history), _patience_ended(state, recipe)
    if state.resumed > recipe.epochs:
        raise AvlabError("A resumed run has as many epochs as before, or more", got=f"{recipe.epochs}, and {state.resumed} are done", todo="Pass resume=False")
    if state.resumed < recipe.epochs and not state.stopped:
        sampler = train.sampler(recipe.balance, recipe.seed)
        sampler.at(state.resumed)
        module = Training(model.train(), total_loss, recipe, state, sampler, path, mark, progress)
        loaders = [None if data is None else _loader(data, recipe, order, num_workers) for data, order in ((train, sampler), (val, None))]
        with calm(), own_randomness():
            _trainer(recipe, state, device, devices, precision, out).fit(module, *loaders)
    model.load_state_dict(state.best or model.state_dict())
    model.to(home).eval()
    return state


class Training(lightning.LightningModule):
    """A model and its total loss under Lightning; everything that must outlive a kill lies in `state`."""

    def __init__(self, model, total_loss, recipe, state, sampler, path, mark, progress):
        super().__init__()
        self.model, self.total_loss, self.recipe, self.state = model, total_loss, recipe, state
        self.sampler, self.path, self.mark, self.progress = sampler, path, mark, progress
        self.sums = defaultdict(list)

    def configure_optimizers(self):
        optimiser = torch.optim.AdamW(self.model.parameters(), lr=self.recipe.lr, betas=self.recipe.betas, weight_decay=self.recipe.weight_decay)
        if self.state.optimiser:
            optimiser.load_state_dict(self.state.optimiser)
            self.trainer.precision_plugin.load_state_dict(self.state.scaler)
        return optimiser

    def on_train_epoch_start(self):
        self.epoch, self.started = len(self.state.history), time.monotonic()
        self.sampler.at(self.epoch)
        _seed(self.recipe.seed, self.epoch, self.global_rank)

    def training_step(self, batch, index):
        self.lr = self.recipe.lr * _factor(self.recipe, self.epoch * self.trainer.num_training_batches + index, self.trainer.num_training_batches)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.lr
        parts = self.total_loss(self.model, batch)
        self._note("train", parts, 1)
        return parts["total"]

    def validation_step(self, batch, index):
        logits = []
        hook = self.model.register_forward_hook(lambda module, inputs, made: logits.append(made.logit.detach().flatten()))
        try:
            parts = self.total_loss(self.model, batch)
        finally:
            hook.remove()
        self._note("val", parts, len(batch["label"]))
        self.sums["scores"].append((logits[0].float(), batch["label"]))

    def _note(self, stage, parts, weight):
        self.sums[stage].append((weight, {name: value.detach().float() for name, value in parts.items()}))

    def on_train_epoch_end(self):
        state, record = self.state, {"epoch": self.epoch}
        state.steps += [parts["total"].item() for _, parts in self.sums["train"]]
        for stage in ("train", "val"):
            record |= {f"{stage}_{name}": value for name, value in self._means(self.sums[stage]).items()}
        record["val_auroc"] = self._auroc()
        record |= {"lr": self.lr, "seconds": round(time.monotonic() - self.started, 3)}
        self.sums.clear()
        for name in ("train_total", "val_total"):
            if not np.isfinite(record.get(name, 0.0)):
                raise AvlabError("The loss of a training stays finite", got=f"{name} {record[name]} in epoch {self.epoch}", todo="Take a smaller lr")
        scores = [_score(old, self.recipe) for old in state.history]
        state.history.append(record)
        if "val_total" not in record or _score(record, self.recipe) > max(scores, default=-np.inf):
            state.best_epoch = self.epoch
            state.best = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}
        state.stopped = self.trainer.should_stop = _patience_ended(state, self.recipe)
        if self.trainer.is_global_zero:
            if self.path:
                write(self.path, self.mark, state, self.model, self.trainer.optimizers[0].state_dict(), self.trainer.precision_plugin.state_dict())
            if self.progress:
                self.progress(record)

    def _means(self, noted):
        """{part: mean over steps (training) or clips (validation), over all devices}"""
        if not noted:
            return {}
        total = sum(weight for weight, _ in noted)
        means = {name: sum(weight * parts[name] for weight, parts in noted) / total for name in noted[0][1]}
        return {name: self.trainer.strategy.reduce(value, reduce_op="mean").item() for name, value in means.items()}

    def _auroc(self):
        """AUROC of the validation clips, None without them or with one class only."""
        if not self.sums["scores"]:
            return None
        score, label = (torch.cat(part).cpu() for part in zip(*self.sums["scores"], strict=True))
        if self.trainer.world_size > 1:
            every = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(every, (score, label))
            score, label = (torch.cat(part) for part in zip(*every, strict=True))
        return metrics.auroc(score.numpy(), label.numpy()) if len(label.unique()) == 2 and torch.isfinite(score).all() else None


def predict(model, data, batch_size=32, *, parts=()):
    """Score every clip of a ClipDataset, in order, in eval mode (each part of the model gets its own mode back) and on the model's device.

    parts   names of Prediction.parts to keep as well
    Returns {"logit": (N,), "embedding": (N, D), "label", "label_video", "label_audio", "generator", "person": (N,), "clip_id": (N,) str,
    and each of `parts`} as numpy arrays; a part whose shape differs between batches (padded clips) is a list of N arrays.
    """
    device = next((value.device for value in model.parameters()), torch.device("cpu"))
    modes, found = [(part, part.training) for part in model.modules()], defaultdict(list)
    model.eval()
    try:
        with torch.inference_mode():
            for batch in DataLoader(data, batch_size, collate_fn=data.collate, generator=torch.Generator()):
                made = model(*(batch[name].to(device) for name in model.reads))
                for name, value in {"logit": made.logit, "embedding": made.embedding, **{name: made.parts[name] for name in parts}}.items():
                    found[name].append(value.float())
                for name in ONE_A_CLIP:
                    found[name].append(batch[name])
    finally:
        for part, mode in modes:
            part.training = mode
    return {name: np.array(sum(values, [])) if name == "clip_id" else _joined([value.cpu().numpy() for value in values]) for name, values in found.items()}


# ------------------------------------------------------------------------------------------------ inside


def _checked(options, train, val):
    """The recipe, after the refusals that need no training."""
    unknown = sorted(set(options) - set(Recipe.__dataclass_fields__))
    if unknown:
        raise AvlabError("Unknown option of fit", got=", ".join(unknown), todo=f"Known: {', '.join(Recipe.__dataclass_fields__)}")
    recipe = Recipe(**options)
    if recipe.monitor not in ("loss", "auroc") or recipe.schedule not in ("constant", "cosine"):
        raise AvlabError("monitor is loss or auroc, schedule constant or cosine", got=f"{recipe.monitor}, {recipe.schedule}")
    if recipe.epochs < 1 or recipe.batch_size < 1 or recipe.seed < 0 or not recipe.lr > 0:
        raise AvlabError("A run has at least one epoch and one clip a batch, a positive lr and a seed from 0", got=recipe)
    if val is None and recipe.patience is not None:
        raise AvlabError("Stopping early needs validation clips", todo="Pass val, or leave patience out")
    for name, data in {"train": train, **({} if val is None else {"val": val})}.items():
        if "test" in data.splits:
            raise AvlabError("Clips of the test split take no part in a training", got=f"some in {name}", todo="Select rows by split")
        strange = {row.forger for row in data.label_rows} - set(data.forgers)
        if strange:
            raise AvlabError("Every forger of a training has its number", got=f"{', '.join(sorted(strange))} in {name}", todo="Add it to `forgers`")
    if val is not None:
        both = train.identities & val.identities
        if both:
            raise AvlabError("No person stands in training and validation", got=sorted(map(str, both)), todo="Split the rows by identity")
        if recipe.monitor == "auroc" and len(set(val.groups())) < 2:
            raise AvlabError("AUROC needs real and fake clips in the validation", got=set(val.groups()))
    return recipe


def _joined(batches):
    alike = len({batch.shape[1:] for batch in batches}) == 1
    return np.concatenate(batches) if alike else [clip for batch in batches for clip in batch]


def _patience_ended(state, recipe):
    return recipe.patience is not None and len(state.history) - 1 - state.best_epoch >= recipe.patience


def _trainer(recipe, state, device, devices, precision, out):
    """Lightning's trainer for the epochs that are left, without files, bars, or summaries of its own."""
    accelerator = "gpu" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
    if precision == "auto":
        precision = "bf16-mixed" if accelerator == "gpu" and torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return lightning.Trainer(
        accelerator=accelerator, devices=1 if devices == "auto" else devices, strategy="auto" if devices in ("auto", 1) else "ddp_find_unused_parameters_true",
        precision=precision, max_epochs=recipe.epochs - state.resumed, gradient_clip_val=recipe.clip_norm, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, default_root_dir=out)


def _loader(data, recipe, sampler, num_workers):
    """Training: the sampler's order, and no odd last batch (one clip alone has no batch statistics). Validation: one fixed mixture."""
    fixed = torch.Generator().manual_seed(recipe.seed)  # a loader draws from it even where nothing is random; the global one stays out of it
    order = torch.randperm(len(data), generator=fixed).tolist() if sampler is None else sampler
    return DataLoader(data, recipe.batch_size, sampler=order, collate_fn=data.collate, num_workers=num_workers, generator=fixed,
                      drop_last=sampler is not None and len(data) > recipe.batch_size)


def _factor(recipe, step, steps_per_epoch):
    rise = min(1.0, (step + 1) / (recipe.warmup + 1))
    return rise if recipe.schedule == "constant" else rise * (1 + math.cos(math.pi * step / (recipe.epochs * steps_per_epoch))) / 2


def _score(record, recipe):
    value = -record.get("val_total", math.inf) if recipe.monitor == "loss" else record["val_auroc"]
    return -math.inf if value is None else value


def _seed(seed, epoch, rank):
    words = np.random.SeedSequence([seed, epoch, rank]).generate_state(3).tolist()
    random.seed(words[0])
    np.random.seed(words[1])
    torch.manual_seed(words[2])


def _mark(model, total_loss, recipe, train, val):
    """What must be the same when a run is resumed, as text."""
    loss = getattr(total_loss, "func", total_loss)
    own = {name: value for name, value in asdict(recipe).items() if name not in ("patience", "epochs") or recipe.schedule == "cosine" and name == "epochs"}
    return json.dumps({
        "recipe": own, "built_as": getattr(model, "built_as", None), "weights": [[name, list(v.shape)] for name, v in model.state_dict().items()],
        "loss": f"{loss.__module__}.{loss.__qualname__} {getattr(total_loss, 'args', '')} {getattr(total_loss, 'keywords', '')}",
        "train": train.digest, "val": val.digest if val is not None else None}, default=str)
