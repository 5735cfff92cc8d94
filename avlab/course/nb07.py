"""Notebook 07, MMMS-BA: its parameters, profiles, metrics, mutants and checks."""

from typing import Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb07_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "MMMS-BA: when was it forged?"


class Params(CommonParams):
    """The parameters of notebook 07; the defaults are the smoke profile.

    test_people       whose long clips (three real, three partly forged each) are rendered and judged
    models            training seeds of the bundled weights that are judged
    train_people, scenes, cuts   of the live trainings: a scene is one clip rendered true and forged, a cut one partial forgery made of the two
    epochs, train_seeds          of each live training; a family is compared at equal budget
    explained         forged clips whose attention, occlusion and gradients are measured
    """

    test_people: int = Field(2, ge=2, le=24)
    models: int = Field(1, ge=1, le=3)
    train_people: int = Field(2, ge=2, le=60)
    scenes: int = Field(1, ge=1, le=3)
    cuts: int = Field(3, ge=1, le=20)
    epochs: int = Field(2, ge=1, le=200)
    train_seeds: int = Field(1, ge=1, le=5)
    family: list[Literal["none", "ms_sa", "mmus_sa", "mmms_ba", "mmms_ba scaled"]] = Field(["none", "mmms_ba"], min_length=2, max_length=5)
    explained: int = Field(2, ge=2, le=72)
    soft_nms_sigma: float = Field(0.75, ge=0.1, le=2)
    n_bootstrap: int = Field(100, ge=100, le=5000)
    mutant: Literal["none", "softmax_axis", "mask_off", "ceil_floor", "iou_ge"] = "none"


EVERY = ["none", "ms_sa", "mmus_sa", "mmms_ba", "mmms_ba scaled"]
PROFILES = {
    "smoke": {},
    "full": {"test_people": 16, "models": 3, "train_people": 8, "scenes": 3, "cuts": 6, "epochs": 15, "train_seeds": 2, "family": EVERY, "explained": 24,
             "n_bootstrap": 1000},
    "gpu": {"test_people": 24, "models": 3, "train_people": 40, "scenes": 3, "cuts": 6, "epochs": 30, "train_seeds": 5, "family": EVERY, "explained": 72,
            "n_bootstrap": 2000},
}

MUTANTS = {
    "softmax_axis": "attention_rowsum_error",  # over the asking side's moments (papers.md B1)
    "mask_off": "padding_mass",  # padding is attended to, as in the original (B4)
    "ceil_floor": "grid_cover_error",  # spans rounded inwards: their edges are lost
    "iou_ge": "ap_of_ties",  # an IoU equal to the threshold counts (B10)
}

AUROC, AP = "AUROC", "AP"
METRICS = {
    "grid_iou_cover.{length}": Metric("N", "IoU", "up"),
    "grid_cover_error": Metric("I", "IoU", "0", (0, 1e-6)),
    "attention_rowsum_error": Metric("I", "", "0", (0, 1e-5)),
    "transpose_gap": Metric("I", "", "-", (0.01, None)),
    "effective_keys.{scale}": Metric("N", "keys", "-", 1e-3, 25),
    "effective_keys_here.{weights}": Metric("R", "keys"),
    "l11.ok": Metric("E", "", "up", 1),
    "l12.ok": Metric("E", "", "up", 1),
    "ap.{iou}": Metric("B", AP, "up", 0.05),
    "ap_no_regression.{iou}": Metric("B", AP, "up", 0.05),
    "ap_stream.{stream}": Metric("B", AP, "up", 0.05),
    "ap_untrained": Metric("R", AP, "0"),
    "ap_chance": Metric("R", AP, "0"),
    "ar10": Metric("B", "recall", "up", 0.05),
    "detection_auroc": Metric("B", AUROC, "up", 0.05),
    "frame_auroc": Metric("B", AUROC, "up", 0.03),
    "ap_of_ties": Metric("E", AP, "0", 0),
    "ap_live.{family}": Metric("R", AP, "up"),
    "ap_live_labels": Metric("R", AP, "0"),
    "drop.{condition}.{training}": Metric("B", AP, "-", 0.05),
    "attention_ratio_forged": Metric("B", "x share", "-", 0.05, 1),
    "attention_ratio_untrained": Metric("R", "x share", "0", None, 1),
    "attention_occlusion_rho": Metric("B", "correlation", "-", 0.05),
    "attention_occlusion_rho_untrained": Metric("R", "correlation", "0"),
    "gru_outside_share": Metric("R", "share"),
    "padding_mass": Metric("I", "share", "0", (0, 1e-9)),
    "padding_mass_unmasked": Metric("R", "share"),
}
