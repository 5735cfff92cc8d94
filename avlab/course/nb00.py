"""Notebook 00, start here: its parameters, profiles, metrics, mutants and checks. The experiments stand in nb00_experiments."""

from typing import Literal

from pydantic import Field

from avlab.course.base import CommonParams, Metric
from avlab.course.nb00_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "TORCH", "Params"]

TITLE = "Start here"
TORCH = False  # clips, rows and a logistic regression: the notebook runs where torch is not installed


class Params(CommonParams):
    """The parameters of notebook 00; the defaults are the smoke profile.

    clips_per_class       people in the shortcut audit: one clip of each of seven forgers and their real sources, about 10 clips a person
    frames                frames of a clip in the audit, 25 a second
    n_permutations        label permutations for each forger, the null band of the audit
    silence_ms            leading silence that beat 6 puts before forged sound
    split_people          people of beat 7, six clips each
    label_identity_share  share of a person's clips in beat 7 that carry that person's usual label
    """

    clips_per_class: int = Field(16, ge=4, le=200)
    frames: Literal[16, 32] = 16
    n_permutations: int = Field(5, ge=5, le=200)
    silence_ms: int = Field(60, ge=0, le=200)
    split_people: int = Field(20, ge=8, le=60)
    label_identity_share: float = Field(0.9, ge=0.5, le=1.0)
    mutant: Literal["none", "leading_silence", "closed_interval"] = "none"


PROFILES = {
    "smoke": {},
    "full": {"clips_per_class": 60, "n_permutations": 30, "split_people": 40},
    "gpu": {"clips_per_class": 120, "n_permutations": 200, "split_people": 60},
}

MUTANTS = {
    "leading_silence": "shortcut_gate_lo",  # forged sound starts late: the gate must see it
    "closed_interval": "frame_mask_ok",  # the frame after a segment counts as forged: no leak, and wrong all the same
}

AUROC = "AUROC"
METRICS = {
    # what a clip is
    "clip_sha_equal": Metric("E", "share", "up", 1),
    "category_from_labels_ok": Metric("E", "share", "up", 1),
    "frame_mask_ok": Metric("E", "share", "up", 1),
    "speech_changes_pixels": Metric("B", "share", "-", 0.03),
    "opening_gap": Metric("I", "opening", "up", (0.3, 1)),
    "outside_segments_equal": Metric("E", "share", "up", 1),
    # through a file and back
    "file_psnr": Metric("I", "dB", "up", (28, None)),
    "file_lag_ms": Metric("I", "ms", "0", (-2, 2)),
    # the traces of the forgers
    "trace_lattice_db": Metric("R", "dB", "up"),
    "trace_lag_ms": Metric("R", "ms", "-"),
    "trace_colour_step": Metric("R", "grey levels", "up"),
    "trace_standing.{forger}": Metric("R", "correlation", "-"),
    # protocol
    "leaks": Metric("I", "leaks", "0", (0, 0)),
    "leaks_generator_disjoint": Metric("I", "leaks", "0", (0, 0)),
    # the shortcut audit, and the two ways to be fooled
    "shortcut_auroc.{forger}": Metric("B", AUROC, "0", 0.05),
    "shortcut_gate_lo": Metric("B", AUROC, "-", 0.05),  # the gate itself is judged at claims size, by tests/synthtalk/test_leaks.py and the ledger
    "shortcut_auroc_silence": Metric("B", AUROC, "up", 0.05),
    "permuted_auroc": Metric("B", AUROC, "0", 0.05),
    "auroc_by_clip": Metric("B", AUROC, "up", 0.05),
    "auroc_by_person": Metric("B", AUROC, "0", 0.05),
    "split_gap": Metric("B", AUROC, "up", 0.05, 0),
    "best_of_200": Metric("R", "sd", "-"),
}
