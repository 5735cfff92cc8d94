"""Notebook 04, cross-modal similarity: its parameters, profiles, metrics, mutants and checks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from avlab.course.base import CommonParams, Metric
from avlab.course.nb04_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "Cross-modal similarity"


class Params(CommonParams):
    """The parameters of notebook 04; the defaults are the smoke profile.

    store             not used: every clip is rendered once a run, and nothing here is worth keeping
    frames_lag        frames of every clip; the encoders and the probe see the middle 16, the rest is room for shifting the sound
    clips_per_class   n of each forger and 4 n reals, of n test people (at most 24 different ones)
    real_clips        real clips of 80 frames for the question how long one must listen
    max_lag           frames on either side
    train_clips       n of each forger and 4 n reals of the training people, for the projections and the attention over tokens
    fp_weights        weights of CMFFC; the paper's is 0.2
    projection_epochs, projection_seeds, temperature   of the two projections
    token_epochs      of the small AMDD that attends over tokens
    centred           whether cosines are centred first
    probe_clips       the first so many of clips_per_class, for the probe's error (3 sounds * noise_draws calls a clip, two thirds of it for random weights)
    lag_clips         the first so many, for its lag curve (2 probe_max_lag + 1 sounds)
    """

    frames_lag: Literal[40, 80, 160] = 40
    clips_per_class: int = Field(2, ge=2, le=72)
    real_clips: int = Field(12, ge=4, le=288)
    max_lag: int = Field(8, ge=2, le=12)
    train_clips: int = Field(2, ge=2, le=180)
    fp_weights: list[Annotated[float, Field(ge=0, le=10)]] = Field([0.0, 0.2], min_length=2, max_length=8)
    projection_epochs: int = Field(2, ge=1, le=50)
    projection_seeds: int = Field(1, ge=1, le=10)
    temperature: float = Field(0.07, ge=0.01, le=1)
    token_epochs: int = Field(1, ge=1, le=60)
    centred: bool = True
    probe_clips: int = Field(1, ge=1, le=72)
    noise_draws: int = Field(1, ge=1, le=16)
    lag_clips: int = Field(1, ge=1, le=72)
    probe_max_lag: int = Field(1, ge=1, le=8)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    n_permutations: int = Field(20, ge=10, le=1000)
    mutant: Literal["none", "audio_shift", "np_roll", "fp_on_reals"] = "none"

    @model_validator(mode="after")
    def _parts_of_the_sample(self):
        if max(self.probe_clips, self.lag_clips) > self.clips_per_class:
            raise ValueError(f"probe_clips and lag_clips must be at most clips_per_class ({self.clips_per_class}), because the probe measures a part of them")
        if not {0.0, 0.2} <= set(self.fp_weights):
            raise ValueError("fp_weights must hold 0 and 0.2, because the claim compares them")
        return self


PROFILES = {
    "smoke": {},
    "full": {
        "clips_per_class": 20, "real_clips": 60, "train_clips": 20, "fp_weights": [0.0, 0.2, 1.0, 5.0], "projection_epochs": 15, "projection_seeds": 3,
        "token_epochs": 6, "probe_clips": 12, "noise_draws": 2, "lag_clips": 4, "probe_max_lag": 4, "n_bootstrap": 1000, "n_permutations": 200
    },
    "gpu": {
        "frames_lag": 80, "clips_per_class": 72, "real_clips": 240, "train_clips": 120, "fp_weights": [0.0, 0.2, 1.0, 5.0], "projection_epochs": 30,
        "projection_seeds": 5, "token_epochs": 30, "probe_clips": 72, "noise_draws": 4, "lag_clips": 48, "probe_max_lag": 6, "n_bootstrap": 2000,
        "n_permutations": 1000
    },
}

MUTANTS = {
    "audio_shift": "peak_lag_real",  # every sound one frame early: the picture of a real clip comes out late
    "np_roll": "planted_peak",  # a circular shift: start and end of a clip become neighbours
    "fp_on_reals": "cmffc_on_reals",  # CMFFC takes class 0 for one more generator
}

AUROC, R, SHARE = "AUROC", "correlation", "share"
METRICS = {
    "leaks": Metric("E", "people", "0", 0),
    "planted_peak": Metric("I", R, "up", (1 - 1e-9, 1 + 1e-9)),
    "peak_lag_real": Metric("I", "frames", "0", (0, 0)),
    "peak_lag_lipsync": Metric("B", "frames", "up", 0.9),
    "lips_r_real": Metric("B", R, "up", 0.05),
    "peak_lag.{forger}": Metric("R", "frames"),
    "peak_share.{frames}": Metric("B", SHARE, "up", 0.05),
    "mismatched_max.{frames}": Metric("B", R, "down", 0.04),
    "mismatched_zero.{frames}": Metric("R", R, "0"),
    "cos_own": Metric("B", "cosine", "up", 0.05),
    "cos_shuffled": Metric("B", "cosine", "0", 0.05),
    "cos_pairs_auroc": Metric("B", AUROC, "up", 0.03),
    "cos_pairs_auroc_random": Metric("R", AUROC, "0"),
    "tower_lag_real": Metric("I", "frames", "0", (0, 0)),
    "tower_lag.{forger}": Metric("R", "frames"),
    "cos_auroc.{forger}": Metric("B", AUROC, "-", 0.05),
    "cos_auroc_random.{forger}": Metric("R", AUROC, "0"),
    "cos_auroc_silent.{forger}": Metric("R", AUROC, "0"),
    "shared_mean_error": Metric("I", "cosine", "0", (0, 0.03)),
    "raw_unrelated.{encoder}": Metric("R", "cosine"),
    "l08.ok": Metric("E", "", "up", 1),
    "l08.diagonal_share": Metric("N", SHARE),
    "self_pairs_drawn": Metric("R", SHARE),
    "cmffc_on_reals": Metric("I", "", "0", (0, 1e-12)),
    "cos_gap.{weight}": Metric("B", "cosine", "-", 0.05),
    "cos_gap_shuffled.{weight}": Metric("R", "cosine"),
    "cos_gap_raw.{weight}": Metric("R", "cosine"),
    "onekey_weight": Metric("I", "", "-", (1, 1)),
    "onekey_qk_grad_ratio": Metric("I", "ratio", "0", (0, 1e-12)),
    "l07.ok": Metric("E", "", "up", 1),
    "own_moment.{weights}": Metric("R", "x"),
    "token_auroc": Metric("R", AUROC, "up"),
    "cos_silent_mean": Metric("R", "cosine"),
    "cos_silent_sd": Metric("R", "cosine", "0"),
    "probe_auroc.{forger}": Metric("B", AUROC, "-", 0.05),
    "probe_auroc_silent.{forger}": Metric("R", AUROC, "0"),
    "probe_auroc_random.{forger}": Metric("R", AUROC, "0"),
    "probe_lag.{forger}": Metric("R", "frames"),
    "chosen_lag.{lags}": Metric("R", R, "up"),
    "led_by_silence": Metric("R", R, "up"),
}
