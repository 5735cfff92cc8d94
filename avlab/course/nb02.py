"""Notebook 02, attention type and timestep: its parameters, profiles, metrics, mutants and checks."""

from typing import Literal

from pydantic import Field, model_validator

from avlab.course.base import CommonParams, Metric
from avlab.course.nb02_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "Attention type and timestep"


class Params(CommonParams):
    """The parameters of notebook 02; the defaults are the smoke profile.

    timesteps         labels of the grid; 24 is always measured
    layer             block whose last attention layers are tapped; the bundled probe's middle block has no temporal attention
    clips_per_class   n of each forger and 3 n reals on each side, measured at all timesteps (20 calls a clip)
    control_clips     the same at t = 24 alone (one call), with every control; the first clips_per_class of them make the grid
    film_clips        real clips measured with three sounds along the whole inversion (60 calls each)
    control_latents   where the sound controls of t > 24 start from: "noised" costs one call, "inverted" up to 20
    """

    timesteps: list[Literal[24, 249, 499]] = Field([24, 249, 499], min_length=1, max_length=3)
    steps: Literal[40] = 40
    layer: Literal["up.-1", "up.0", "down.1", "down.0"] = "up.-1"
    classifier: Literal["linear", "mlp"] = "linear"
    clips_per_class: int = Field(1, ge=1, le=48)
    control_clips: int = Field(2, ge=1, le=48)
    film_clips: int = Field(1, ge=1, le=64)
    control_latents: Literal["noised", "inverted"] = "noised"
    n_bootstrap: int = Field(200, ge=100, le=5000)
    n_permutations: int = Field(5, ge=2, le=1000)
    mutant: Literal["none", "spatial_for_cross", "last_reconstruction_step", "leading_spacing"] = "none"

    @model_validator(mode="after")
    def _grid_inside_controls(self):
        if self.control_clips < self.clips_per_class:
            raise ValueError(f"control_clips must be at least clips_per_class ({self.clips_per_class}), because the grid is a part of them")
        return self


PROFILES = {
    "smoke": {},
    "full": {"clips_per_class": 5, "control_clips": 14, "film_clips": 4, "n_bootstrap": 1000, "n_permutations": 20},
    "gpu": {
        "clips_per_class": 48, "control_clips": 48, "film_clips": 60, "control_latents": "inverted", "classifier": "mlp", "n_bootstrap": 2000,
        "n_permutations": 100
    },
}

MUTANTS = {
    "spatial_for_cross": "audio_share_cross_first_layer",  # the tap reads attn1: what it calls cross is deaf where it must hear
    "last_reconstruction_step": "psi_wrong_pass",  # t = 24 of the way back, another tensor (papers.md, X4)
    "leading_spacing": "off_grid_refused",  # t = 24 is not on the grid and nobody says so (X3)
}

AUROC = "AUROC"
METRICS = {
    "store_changes_output": Metric("I", "", "0", (0, 0)),
    "hooks_left": Metric("E", "hooks", "0", 0),
    "psi_wrong_pass": Metric("I", "", "0", (0, 1e-4)),
    "off_grid_refused": Metric("E", "", "up", 1),
    "prob_row_sum_error": Metric("I", "", "0", (0, 1e-5)),
    "psi_min": Metric("I", "", "-", (None, -1e-6)),
    "offset_share_mouth": Metric("B", "share", "-", 0.05, 0.2),
    "offset_share_randw": Metric("R", "share"),
    "audio_share.{region}": Metric("B", "share", "-", 0.05),
    "audio_share_spatial_first_layer": Metric("I", "share", "0", (0, 1e-6)),
    "audio_share_cross_first_layer": Metric("I", "share", "up", (1e-4, None)),
    "audio_share_spatial_first_layer_249": Metric("R", "share"),
    "auroc.{kind}.{t}": Metric("B", AUROC, "up", 0.05),
    "auroc_noised.{t}": Metric("R", AUROC),
    "auroc_24.{kind}.{condition}": Metric("B", AUROC, "-", 0.05),
    "auroc_silent.{kind}.{t}": Metric("R", AUROC),
    "auroc_shuffled.{kind}.{t}": Metric("R", AUROC),
    "auroc_silent_at_test": Metric("R", AUROC),
    "auroc_seen.{forger}.{sound}": Metric("R", AUROC),
    "auroc_mask_only": Metric("B", AUROC, "0", 0.05),
    "auroc_randw_mouth": Metric("R", AUROC),
    "null_band_lo": Metric("R", AUROC),
    "null_band_hi": Metric("B", AUROC, "0", 0.05),
    "permuted_auroc": Metric("R", AUROC, "0"),
    "width_ratio": Metric("R", "ratio"),
    "mask_noise_corr": Metric("R", "correlation"),
}
