"""Notebook 05, X-AVDT as a whole: its parameters, profiles, metrics, mutants and checks."""

from typing import Literal

from pydantic import Field, model_validator

from avlab.course.base import CommonParams, Metric
from avlab.course.nb05_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "X-AVDT, whole"
Variant = Literal["full", "no_psi", "no_phi", "no_residual", "no_triplet", "random_probe", "rgb", "noise_psi", "still_psi"]


class Params(CommonParams):
    """The parameters of notebook 05; the defaults are the smoke profile.

    phi_steps        steps of the inversion that makes phi, and as many back: 2 phi_steps + 1 calls of the probe a clip
    weights          "bundled": networks trained beforehand, for every variant that has some; "live": trained here, on train_clips
    train_clips      blocks to train on: a block has one clip of every seen forger and as many reals;  val_clips  the same to choose an epoch
    test_clips       blocks to test on: one clip of every forger, seen and unseen, and half as many reals
    longer_clips     test clips of two chunks, of fakes and of reals each
    listen_clips     test clips that are measured again with another person's sound
    trainings        seeds of weights and order, the same for every variant
    train_forgers, test_forgers   forgers seen and unseen; empty = the generator-disjoint protocol of the world
    """

    phi_steps: int = Field(2, ge=2, le=40)
    weights: Literal["bundled", "live"] = "live"
    epochs: int = Field(12, ge=1, le=60)
    train_clips: int = Field(1, ge=1, le=200)
    val_clips: int = Field(1, ge=1, le=60)
    test_clips: int = Field(1, ge=1, le=72)
    longer_clips: int = Field(2, ge=2, le=48)
    listen_clips: int = Field(4, ge=2, le=600)
    trainings: int = Field(2, ge=1, le=5)
    variants: list[Variant] = Field(["full", "no_psi", "rgb"], min_length=3, max_length=9)
    lam: float = Field(0.3, ge=0, le=1)
    margin: float = Field(0.3, ge=0, le=2)
    mining: Literal["batch_all", "code"] = "batch_all"
    train_forgers: list[str] = Field([], max_length=7)
    test_forgers: list[str] = Field([], max_length=7)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    n_permutations: int = Field(10, ge=2, le=1000)
    mutant: Literal["none", "chunk_split", "bn_train_at_eval", "label_leak_norm"] = "none"

    @model_validator(mode="after")
    def _what_every_beat_needs(self):
        missing = [name for name in ("full", "no_psi", "rgb") if name not in self.variants]
        if missing or len(set(self.variants)) < len(self.variants):
            raise ValueError(f"variants holds full, no_psi and rgb, each name once; missing: {', '.join(missing) or 'none'}")
        return self


EVERYTHING = ["full", "no_psi", "no_phi", "no_residual", "no_triplet", "random_probe", "rgb", "noise_psi", "still_psi"]
PROFILES = {
    "smoke": {},
    "full": {"phi_steps": 4, "weights": "bundled", "epochs": 8, "train_clips": 6, "val_clips": 4, "test_clips": 8, "longer_clips": 6, "listen_clips": 16,
             "trainings": 3, "variants": EVERYTHING, "n_bootstrap": 1000, "n_permutations": 20},
    "gpu": {"phi_steps": 40, "epochs": 10, "train_clips": 120, "val_clips": 40, "test_clips": 60, "longer_clips": 40, "listen_clips": 400,
            "trainings": 3, "variants": EVERYTHING, "n_bootstrap": 2000, "n_permutations": 100},
}

MUTANTS = {
    "chunk_split": "leaks",  # one person's clips in training and in test
    "bn_train_at_eval": "batch_change",  # the score of a clip depends on its neighbours
    "label_leak_norm": "permuted_auroc",  # a normalisation that knows the label: labels that mean nothing separate
}

AUROC = "AUROC"
METRICS = {
    "shapes_ok": Metric("E", "", "up", 1),
    "refusals": Metric("E", "", "up", 2),
    "params_small": Metric("E", "weights", "-", None),
    "params_rgb": Metric("R", "weights"),
    "leaks": Metric("I", "people", "0", (0, 0)),
    "loss_drop": Metric("I", "", "up", (0, None)),
    "seed_spread": Metric("R", AUROC),
    "batch_change": Metric("I", "logits", "0", (0, 1e-3)),
    "auroc_seen": Metric("B", AUROC, "up", 0.04),
    "auroc.{variant}": Metric("B", AUROC, "up", 0.05),
    "delta.{variant}": Metric("B", "AUROC difference", "-", 0.02, 0.0),
    "auroc_forger.{forger}": Metric("B", AUROC, "up", 0.06),
    "auroc_unseen": Metric("B", AUROC, "up", 0.06),
    "auroc_unseen_rgb": Metric("B", AUROC, "up", 0.06),
    "ci_ratio_clip_over_chunk": Metric("B", "ratio", "up", 0.1, 1.0),
    "rho_chunks": Metric("R", "correlation"),
    "logit_shift_shuffled": Metric("B", "logits", "-", 0.05),
    "auroc_shift_change": Metric("I", AUROC, "0", (0, 1e-9)),
    "acc_shift_change": Metric("R", "accuracy", "up"),
    "acc_at_eer": Metric("R", "accuracy"),
    "acc": Metric("R", "accuracy"),
    "eer_threshold": Metric("R", "logits"),
    "permuted_auroc": Metric("I", AUROC, "0", (0.25, 0.75)),
}
