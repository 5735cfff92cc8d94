"""Notebook 08, where the model looks: its parameters, profiles, metrics, mutants and checks."""

from typing import Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb08_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "Where the model looks"


class Params(CommonParams):
    """The parameters of notebook 08; the defaults are the smoke profile.

    methods        maps that are compared; psi is the probe's, which knows no detector
    layer          that Grad-CAM reads: a dotted name, checked against the network
    ig_steps       of integrated gradients, a quarter of them where maps are only compared
    ig_baseline, fill   what stands where nothing is: "source" is the true clip of a forgery
    stride         pixels between two places that occlusion hides;  deletion_steps   of a curve
    clips          forged test clips, equally many of every forger of the picture;  few   of them where many networks or settings are tried
    long_clips     partly forged clips of beat 8;  heard   clips of rtvc, dub and real each of beat 9
    random_models  networks with fresh weights beside the trained one; their spread is the null of the control
    """

    methods: list[Literal["grad_cam", "integrated_gradients", "occlusion", "psi"]] = Field(["grad_cam", "occlusion"], min_length=2, max_length=4)
    layer: str = Field("visual_encoder.resnet.encoder.stages.1", min_length=1)
    ig_steps: int = Field(64, ge=8, le=256)
    ig_baseline: Literal["black", "blur", "mean", "other", "source"] = "blur"
    stride: int = Field(8, ge=2, le=8)
    deletion_steps: int = Field(10, ge=5, le=100)
    fill: Literal["blur", "mean", "noise", "source"] = "blur"
    clips: int = Field(6, ge=6, le=400)
    few: int = Field(3, ge=3, le=60)
    long_clips: int = Field(2, ge=2, le=20)
    heard: int = Field(2, ge=2, le=60)
    random_models: int = Field(4, ge=3, le=20)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    target: Literal["fake"] = "fake"
    mutant: Literal["none", "wrong_sign", "wh_swap", "train_mode"] = "none"


ALL = ["grad_cam", "integrated_gradients", "occlusion", "psi"]
PROFILES = {
    "smoke": {},
    "full": {"methods": ALL, "stride": 4, "deletion_steps": 20, "clips": 24, "few": 8, "long_clips": 6, "heard": 10, "random_models": 8,
             "n_bootstrap": 1000},
    "gpu": {"methods": ALL, "ig_steps": 128, "stride": 4, "deletion_steps": 50, "clips": 198, "few": 60, "long_clips": 12, "heard": 48, "random_models": 20,
            "n_bootstrap": 2000},
}

MUTANTS = {
    "wrong_sign": "linear_deletion",  # tiles are taken away as if the logit of real were explained: what matters least goes first
    "wh_swap": "mark_pointing",  # rows and columns of a map change places
    "train_mode": "linear_model_exact",  # batch normalisation looks at the other films of the call
}

METRICS = {
    "linear_model_exact": Metric("I", "logit", "0", (-1e-6, 1e-6)),
    "linear_deletion": Metric("I", "logit", "up", (0.05, None)),
    "completeness_error": Metric("I", "share", "down", (None, 0.05)),
    "map_agreement.{pair}": Metric("R", "correlation"),
    "randomised_corr.{method}": Metric("R", "correlation", "down"),
    "pointing_ratio.{map}.{forger}": Metric("R", "ratio", "up", None, 1.0),
    "pointing_ratio.{map}": Metric("B", "ratio", "up", 0.15, 1.0),
    "uniform_ratio": Metric("I", "ratio", "-", (1 - 1e-9, 1 + 1e-9)),
    "source_ratio.{network}": Metric("B", "ratio", "up", 0.3, 1.0),
    "deletion_gain.{method}.{fill}": Metric("B", "logit", "up", 0.4),
    "fill_logit.{fill}": Metric("B", "logit", "-", 0.4),
    "mark_rank.{method}": Metric("R", "place of 100", "down"),
    "mark_pointing": Metric("I", "ratio", "up", (1.0, None)),
    "mark_flip_rate": Metric("B", "share", "up", 0.2),
    "frame_auroc.{score}": Metric("B", "AUROC", "up", 0.08),
    "late_s.{score}": Metric("R", "s", "0"),
    "high_share.{forger}": Metric("R", "share", "up"),
    "blur_gain": Metric("R", "cosine", "up"),
}
