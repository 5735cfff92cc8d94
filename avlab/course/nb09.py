"""Notebook 09, generalisation and robustness: its parameters, profiles, metrics, mutants and checks."""

from typing import Annotated, Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb09_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "Params"]

TITLE = "Generalisation and robustness"


class Params(CommonParams):
    """The parameters of notebook 09; the defaults are the smoke profile.

    clips_per_class   clips of each of the nine forgers, and six times as many reals, of val people and again of test people
    networks          bundled seeds of each network (the bundled ones are three)
    also              detectors beside AMDD in beats 1, 2 and 4; "rgb" is X-AVDT's control on pictures
                      alone, "plain" no network at all: what AMDD is given, as means
    qualities         constant rate factors of H.264, in rising order; the first one is also the second style of beat 9
    base_rate         share of fakes in the world of beat 8
    """

    clips_per_class: int = Field(3, ge=3, le=36)
    networks: int = Field(1, ge=1, le=3)
    also: list[Literal["msct", "rgb", "plain"]] = Field(["plain"], min_length=1, max_length=3)
    qualities: list[Annotated[int, Field(ge=1, le=51)]] = Field([30], min_length=1, max_length=5)
    base_rate: float = Field(0.001, ge=1e-5, le=0.5)
    n_bins: int = Field(5, ge=5, le=20)
    n_bootstrap: int = Field(200, ge=100, le=5000)
    n_permutations: int = Field(10, ge=5, le=1000)
    mutant: Literal["none", "leak_forger", "flip_polarity", "calibrate_on_test"] = "none"


PROFILES = {
    "smoke": {},
    "full": {"clips_per_class": 10, "networks": 3, "also": ["msct", "rgb", "plain"], "qualities": [20, 30, 40], "n_bins": 10, "n_bootstrap": 1000,
             "n_permutations": 50},
    "gpu": {"clips_per_class": 36, "networks": 3, "also": ["msct", "rgb", "plain"], "qualities": [15, 20, 25, 30, 40], "n_bins": 15, "n_bootstrap": 2000,
            "n_permutations": 100},
}

MUTANTS = {
    "leak_forger": "leaks_forger",  # "lipsync" is left out and "lipsync+rtvc" stays in the lessons
    "flip_polarity": "auroc_matrix_diag",  # real counts as 1 for one detector
    "calibrate_on_test": "ece_over_floor",  # recalibrated on the clips that judge it: better than a perfect model could look
}

AUROC = "AUROC"
METRICS = {
    "leaks_people": Metric("E", "people", "0", 0),
    "leaks_forger": Metric("E", "clips", "0", 0),
    "auroc_matrix_diag": Metric("I", AUROC, "up", (0.55, None)),
    "auroc_matrix_off": Metric("B", AUROC, "up", 0.06),
    "auroc_matrix_permuted": Metric("B", AUROC, "0", 0.06),
    "auroc_lofo.{forger}.{detector}": Metric("R", AUROC, "up"),
    "retention": Metric("B", "share", "up", 0.15, 0.0),
    "auroc_known": Metric("B", AUROC, "up", 0.05),
    "auroc_strangers": Metric("B", AUROC, "-", 0.08),
    "kbits.{q}": Metric("B", "kbit/s", "-", 4.0, 0.0),
    "auroc_quality.{q}": Metric("B", AUROC, "up", 0.08),
    "auroc_quality_taught.{q}": Metric("B", AUROC, "up", 0.08),
    "reals_right.{q}": Metric("R", "share", "up"),
    "auroc_changed.{change}": Metric("R", AUROC, "up"),
    "drop.{sound}": Metric("R", AUROC),
    "false_alarms.{sound}": Metric("R", "share", "down"),
    "ece.{set}": Metric("B", "ECE", "down", 0.08),
    "ece_floor.{set}": Metric("B", "ECE", "down", 0.03),
    "ece_over_floor": Metric("I", "floors", "-", (0.25, None)),
    "acc_carried.{set}": Metric("B", "share", "up", 0.08, 0.5),
    "acc_at_eer.{set}": Metric("B", "share", "up", 0.06, 0.5),
    "aurc.{order}": Metric("R", "share", "down"),
    "risk_at_80.{order}": Metric("R", "share", "down"),
    "ppv": Metric("N", "share", "up"),
    "ppv_here.{set}": Metric("R", "share", "up"),
    "world_gap": Metric("B", AUROC, "-", 0.1, 0.0),
    "world_gain": Metric("R", AUROC, "-"),
    "world_cost": Metric("R", AUROC, "-"),
    "pooled_low": Metric("N", AUROC, "-", 1e-4),
    "pooled_high": Metric("N", AUROC, "-", 1e-4),
}
