"""Notebook 01, DDIM inversion residuals: its parameters, metrics, mutants and checks. The experiments stand in nb01_experiments."""

from typing import Annotated, Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb01_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "DDIM inversion residuals"

Steps = Annotated[int, Field(ge=2, le=500)]


class Params(CommonParams):
    """The parameters of notebook 01; the costs are network calls, and a round trip of one clip costs 2 * steps of them."""

    steps: int = Field(8, ge=4, le=100)
    toy_steps: list[Steps] = Field([5, 10, 20, 40], min_length=3, max_length=12)
    clips_per_class: int = Field(1, ge=1, le=200)  # n of every forger and 3n reals
    control_clips: int = Field(2, ge=2, le=400)  # half real, half fake, through the probe with random weights
    fixed_point_iters: list[Annotated[int, Field(ge=0, le=8)]] = Field([0, 1], min_length=1, max_length=6)
    solver_clips: int = Field(1, ge=1, le=64)  # that many reals and as many fakes
    audio_clips: int = Field(2, ge=2, le=64)  # reals with silent and with other people's sound
    blur_px: list[Annotated[float, Field(ge=0, le=4)]] = Field([0.0, 2.0], min_length=2, max_length=9)
    prediction: Literal["v", "eps"] = "v"
    zero_snr: bool = True
    mutant: Literal["none", "index", "source_label", "swap_alpha", "sample_latent", "eps_at_terminal"] = "none"


PROFILES = {
    "smoke": {},
    "full": {"steps": 20, "toy_steps": [5, 10, 20, 40, 80, 160], "clips_per_class": 3, "control_clips": 12, "fixed_point_iters": [0, 1, 2],
             "solver_clips": 2, "audio_clips": 6, "blur_px": [0.0, 0.5, 1.0, 1.5, 2.0]},
    "gpu": {"steps": 40, "toy_steps": [5, 10, 20, 40, 80, 160, 320], "clips_per_class": 60, "control_clips": 120,
            "fixed_point_iters": [0, 1, 2, 4], "solver_clips": 32, "audio_clips": 32, "blur_px": [0.0, 0.5, 1.0, 1.5, 2.0]},
}

# planted mistake -> the metric that it must turn red
MUTANTS = {"index": "toy_order", "source_label": "toy_order", "swap_alpha": "toy_order", "sample_latent": "latent_repeat",
           "eps_at_terminal": "terminal_finite"}

METRICS = {
    # the toy half: closed forms, the same on every machine
    "toy_order": Metric("I", "slope", "-", (-1.3, -0.85)),
    "toy_forward_error_40": Metric("N", "rms", "down"),
    "toy_roundtrip_40": Metric("N", "relative", "down"),
    "toy_second_order": Metric("I", "slope", "-", (-2.3, -1.5)),
    "toy_perfect_roundtrip": Metric("N", "relative", "down", (1e-6, 1e-3)),
    "toy_perfect_error": Metric("N", "rms", "down"),
    "terminal_finite": Metric("I", "share", "up", (1, 1)),
    # the instrument
    "calls_psi": Metric("E", "calls", "-", 1),
    "calls_phi": Metric("E", "calls"),
    "latent_repeat": Metric("E", "latent units", "0", 0),
    "roundtrip_latent": Metric("B", "relative", "down", 0.02),
    "vae_share": Metric("B", "share", "-", 0.03),
    # claim L14 and its controls
    "residual_auroc_all": Metric("B", "AUROC", "-", 0.05),
    "residual_auroc.{forger}": Metric("B", "AUROC", "-", 0.05),
    "residual_auroc_randw": Metric("R", "AUROC", "0"),
    "residual_auroc_randw_own": Metric("R", "AUROC", "-"),
    "residual_auroc_matched": Metric("B", "AUROC", "-", 0.05),
    "sharpness_rho": Metric("R", "Spearman", "-"),
    "sharpness_auroc": Metric("R", "AUROC", "-"),
    # solver and sound
    "residual_by_fixed_point.{k}": Metric("R", "grey levels", "down"),
    "residual_second_order": Metric("R", "grey levels", "down"),
    "auroc_by_fixed_point.{k}": Metric("R", "AUROC", "-"),
    "audio_effect_mouth": Metric("B", "grey levels", "up", 0.02),
    "audio_effect_face": Metric("R", "grey levels", "-"),
    "audio_effect_background": Metric("R", "grey levels", "0"),
    "blur_slope": Metric("R", "grey levels per px", "-"),
    "codec_change": Metric("R", "grey levels", "-"),
}
