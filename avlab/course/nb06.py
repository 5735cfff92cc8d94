"""Notebook 06, MSCT: its parameters, profiles, metrics, mutants and checks."""

from typing import Literal

from pydantic import Field, field_validator

from avlab.course.base import CommonParams, Metric
from avlab.course.nb06_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "MSCT"


class Params(CommonParams):
    """The parameters of notebook 06; the defaults are the smoke profile. The width is 64, that of the trained picture encoders.

    reading          of the difference, in every network that is trained here
    kernels          of the keys; odd, as many as divide the eight heads
    clips_per_class  n test clips of each forger, and 3 n reals
    train_clips      n training clips of each forger that may be known, and 3 n reals; the val clips that choose the epoch are a quarter of them
    seeds_train      trainings of each cell, paired: seed s has the same encoder, order and first weights in all cells
    """

    reading: Literal["maps", "logits", "literal"] = "maps"
    kernels: list[int] = Field([1, 3, 5, 7], min_length=1, max_length=8)
    clips_per_class: int = Field(2, ge=2, le=90)
    train_clips: int = Field(2, ge=2, le=200)
    epochs: int = Field(8, ge=1, le=200)
    blocks: int = Field(1, ge=1, le=6)
    align_weight: float = Field(1.0, ge=0, le=5)
    seeds_train: int = Field(1, ge=1, le=10)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    mutant: Literal["none", "polarity_flip", "kv_other_side", "test_is_val"] = "none"

    @field_validator("kernels")
    @classmethod
    def _fit_the_heads(cls, kernels):
        if 8 % len(kernels) or any(k < 1 or k % 2 == 0 for k in kernels):
            raise ValueError("kernels are odd, and 1, 2, 4 or 8 of them, because they share eight heads")
        return kernels


PROFILES = {
    "smoke": {},
    "full": {"clips_per_class": 12, "train_clips": 30, "epochs": 8, "blocks": 2, "seeds_train": 3, "n_bootstrap": 1000},
    "gpu": {"clips_per_class": 90, "train_clips": 200, "epochs": 20, "blocks": 6, "seeds_train": 5, "n_bootstrap": 2000},
}

MUTANTS = {
    "polarity_flip": "cos_gap_real_minus_fake",  # the alignment loss trained with 1 = fake: it pulls forged pairs together (trap M6)
    "kv_other_side": "span_residual",  # keys and values of the other stream: its content gets in (M2)
    "test_is_val": "selection_split",  # the checkpoint is chosen on the clips that are scored (M9)
}

AUROC = "AUROC"
METRICS = {
    "consonants_under_two_frames": Metric("B", "share", "-", 0.05),
    "reach_error": Metric("E", "frames", "0", 0),
    "permute_change_plain": Metric("I", "", "0", (0, 1e-10)),
    "permute_change_mssa": Metric("I", "", "up", (1e-3, None)),
    "permute_auroc_drop": Metric("R", AUROC, "-", None, 0),
    "logits_equals_single_query": Metric("I", "", "0", (0, 1e-12)),
    "maps_rowsum": Metric("I", "", "0", (0, 1e-12)),
    "equal_queries_leave": Metric("I", "", "0", (0, 1e-12)),
    "l13.ok": Metric("E", "", "up", 1),
    "span_residual": Metric("I", "share", "0", (0, 1e-10)),
    "span_residual_usual": Metric("I", "share", "up", (1e-3, None)),
    "flip_norm_change": Metric("I", "", "0", (0, 1e-9)),
    "flip_map_change": Metric("I", "share", "up", (1e-3, None)),
    "cos_gap_real_minus_fake": Metric("I", "cosine", "up", (0, None)),
    "cos_gap_test": Metric("R", "cosine"),
    "cos_gap_test_without_loss": Metric("R", "cosine"),
    "mech_rank_corr": Metric("R", "rank correlation"),
    "cross_norm_real_minus_fake": Metric("R", "log ratio"),
    "cross_norm_without_loss": Metric("R", "log ratio"),
    "diff_norm_{sound}": Metric("R", "norm"),
    "score_auc.{cell}": Metric("R", AUROC),
    "hard_auc.{cell}": Metric("R", AUROC),
    "errors.{cell}": Metric("R", "clips", "down"),
    "parameters.{cell}": Metric("R", "weights"),
    "main_effect_dca": Metric("R", AUROC, "-", None, 0),
    "main_effect_mssa": Metric("R", AUROC, "-", None, 0),
    "interaction": Metric("R", AUROC, "-", None, 0),
    "no_attention_auc": Metric("R", AUROC),
    "shuffled_labels_auc": Metric("R", AUROC, "0"),
    "selection_split": Metric("E", "people", "0", 0),
    "trained_auc.{side}": Metric("B", AUROC, "up", 0.05),
    "trained_auc_stream.{stream}": Metric("B", AUROC, "up", 0.05),
    "hard_auc_best": Metric("B", AUROC, "up", 0.05),
    "hard_auc_at_half": Metric("R", AUROC),
    "category_auc.{category}": Metric("R", AUROC),
    "forger_auc.{forger}": Metric("R", AUROC),
    "reals_as_fakes_auc": Metric("R", AUROC, "0"),
    "noise_growth": Metric("I", "rank correlation", "up", (0.5, 1)),
    "random_islands": Metric("R", "share"),
}
