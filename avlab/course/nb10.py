"""Notebook 10, reading the tables: its parameters, its metrics with the values that arithmetic fixes, its mutants and checks.

Every metric here follows from printed numbers alone, so almost all are class E (exact) or N (numeric), in every profile.
`lNN.ok` is 1 where the computed numbers say what row NN of the claims ledger states; the parts beside it show how.
"""

from typing import Literal

from pydantic import Field

from avlab.course import nb10_arithmetic as arithmetic
from avlab.course import published
from avlab.course.base import CommonParams, Metric
from avlab.course.nb10_checks import CHECKS

__all__ = ["CHECKS", "METRICS", "MUTANTS", "PROFILES", "TITLE", "TORCH", "Params", "arithmetic", "honest_failures", "presets",
           "record_all", "slack", "tables", "unseen_columns"]

TITLE = "Reading the tables"
TORCH = False  # no network and no data: the notebook runs where torch is not installed


class Params(CommonParams):
    """The parameters of notebook 10; `digits`, `n_max` and `papers` steer the explorers, the ledger rows do not depend on them."""

    digits: int = Field(2, ge=0, le=3)
    n_max: int = Field(500, ge=50, le=3000)
    papers: list[Literal["all", "msct", "xavdt", "amdd"]] = Field(["all"], min_length=1)
    mutant: Literal["none", "digit_slip", "tolerance_wide"] = "none"


PROFILES = {"smoke": {}, "full": {}, "gpu": {}}

# Both misread table 2 of MSCT and nothing else: a slipped digit has no solution, a wide tolerance has many.
MUTANTS = {"digit_slip": "l01.unique_rows", "tolerance_wide": "l01.unique_rows"}

MSCT_ROWS = {"ca_sa": "CA+SA", "ca_mssa": "CA+MSSA", "dca_sa": "DCA+SA", "dca_mssa": "DCA+MSSA"}
MRDF_CLIPS = (500, 1500)  # real, fake: five test folds together, as the evaluation code that MSCT builds on has them
MSCT_CLIPS = (100, 300)   # one test fold
SAW_FFPP = {("FF++", d) for d in ("LipForensics", "RealForensics", "LipFD")}  # X-AVDT table 5 marks them


def _counts():
    errors = {"ca_sa": (5, 8), "ca_mssa": (3, 9), "dca_sa": (2, 6), "dca_mssa": (1, 4), "mrdf": (54, 65)}
    for row, (real, fake) in errors.items():
        yield f"l01.real_errors.{row}", Metric("E", "clips", "-", real)
        yield f"l01.fake_errors.{row}", Metric("E", "clips", "-", fake)
    for row in MSCT_ROWS:
        yield f"l02.errors.{row}", Metric("E", "clips", "-", sum(errors[row]))
    for row, k in {"full": 139, "no_attribution": 16, "row_3": 142, "row_4": 140}.items():
        yield f"l06.correct.{row}", Metric("E", "clips", "-", k)


METRICS = {
    "l01.unique_rows": Metric("E", "rows", "up", 5),
    "l01.chance_percent": Metric("N", "%", "down"),
    "l01.rows_fit_200_200": Metric("E", "rows", "-", 2),
    "l01.rows_fit_50_150": Metric("E", "rows", "-", 1),
    **dict(_counts()),
    "l02.clips_apart": Metric("E", "clips", "-", 8),
    "l02.wilson_lo.{row}": Metric("N", "%"),
    "l02.wilson_hi.{row}": Metric("N", "%"),
    "l02.p_best.{step}": Metric("N"),
    "l02.p_worst.{step}": Metric("N"),
    "l03.points": Metric("N", "points"),
    "l03.relative_percent": Metric("N", "%"),
    "l03.error_cut_percent": Metric("N", "%"),
    "l03.mean_points": Metric("N", "points"),
    "l03.mean_relative_percent": Metric("N", "%"),
    "l03.auroc_points": Metric("N", "points"),
    "l03.auroc_relative_percent": Metric("N", "%"),
    "l04.cells": Metric("E", "cells", "-", 40),
    "l04.cells_equal": Metric("E", "cells", "-", 7),
    "l04.outside_cells": Metric("E", "cells", "-", 4),
    "l04.impossible_acc": Metric("E", "cells", "-", 1),
    "l04.own_gap.{metric}": Metric("N", "points"),
    "l05.first_unseen": Metric("E", "generators", "-", 2),
    "l05.lead.{set}": Metric("N", "points"),
    "l05.lead_same_training": Metric("N", "points"),
    "l06.rows_fit_220": Metric("E", "rows", "-", 1),
    "l06.constant.{generator}": Metric("N", "%"),
    "l06.p_best.{row}": Metric("N"),
    "l06.sizes_fit": Metric("E", "sizes", "-", 9),
    "l06.sizes_fit_one": Metric("E", "sizes", "-", 125),
    "l06.last_misfit": Metric("E", "clips", "-", 976),
    "l08.alone_share": Metric("N", "share"),
    "l08.diagonal_share": Metric("N", "share"),
    "l09.attribution": Metric("E", "share", "-", 1.0),
    "l09.best_threshold": Metric("N", "balanced accuracy"),
    "l10.rows": Metric("E", "rows", "-", 6),
    "l10.exceptions": Metric("E", "rows", "-", 2),
    "l10.training_reals": Metric("E", "clips", "-", 670),
    "l10.shared_reals": Metric("E", "clips", "-", 320),
    "l10.f1_printed_counts": Metric("N", "%"),
    "l10.f1_all_fake": Metric("N", "%"),
    "l10.f1_gap_max": Metric("N", "%"),
    "control.honest_failures": Metric("E", "tests", "down", 0),
    "control.honest_tests": Metric("E", "tests", "-"),
    **{f"l{row}.ok": Metric("E", "", "up", 1) for row in ("01", "02", "03", "04", "05", "06", "08", "09", "10")},
    "arithmetic_rows_ok": Metric("E", "rows", "up", 9),
}


def tables(mutant: str = "none") -> dict[str, published.Table]:
    """Return the printed tables by name; the mutant `digit_slip` misprints one digit of MSCT's table 2 (96.17 as 96.27)."""
    made = dict(published.TABLES)
    if mutant == "digit_slip":
        made["msct.t2"] = made["msct.t2"].with_cell("CA+SA", "AUC", 96.27)
    return made


def slack(mutant: str = "none") -> float | None:
    """Return the tolerance of a printed percentage: None = half its last decimal; `tolerance_wide` takes half a point."""
    return 0.5 if mutant == "tolerance_wide" else None


def record_all(nb, row: str, **values) -> None:
    """Note several metrics of one ledger row: record_all(nb, "l03", points=10.7) is nb.record("l03.points", 10.7)."""
    for name, value in values.items():
        nb.record(f"{row}.{name}", value)


def unseen_columns(table, column: str = "AUROC") -> dict[str, dict[str, float]]:
    """Return {group: {row: value}} of one column of a table, the "Average" group left out."""
    return {g: {row: table.get(row, column, g) for row in table.rows} for g in table.groups if g != "Average"}


def presets(papers: list[str]) -> dict[str, tuple[tuple[float, ...], int, str]]:
    """Return {name: (percentages, printed digits, what they count)}: rows of the chosen papers for "your own paper"."""
    t2, t5, t6 = published.MSCT_T2, published.AMDD_T5, published.AMDD_T6
    t8, x4 = published.AMDD_T8, published.XAVDT_T4
    known = {
        "MSCT table 2, accuracy": ("msct", tuple(t2.get(r, "ACC") for r in t2.rows), 2, "accuracy of four models on one test set"),
        "AMDD table 5, attribution": ("amdd", tuple(t5.get(r, "Attr") for r in t5.rows), 1, "attribution accuracy of four models"),
        "AMDD table 6, FaceSwap": ("amdd", (t6.get("FaceSwap", "Acc"),), 1, "accuracy on one generator"),
        "AMDD table 8, DFDM fakes": ("amdd", tuple(t8.get(f"DFDM crf{c}", "Fake") for c in (0, 10, 23)), 1,
                                     "fake accuracy at three compressions"),
        "X-AVDT table 4, human": ("xavdt", tuple(x4.get("Human", "Acc", g) for g in x4.groups[:3]), 2, "human accuracy on three generators"),
    }
    return {name: rest for name, (paper, *rest) in known.items() if "all" in papers or paper in papers}


def honest_failures(n: int = 200, seed: int = 0) -> tuple[int, int]:
    """Return (tests that fired, tests made) on n made-up honest tables: the false-positive control of the whole notebook.

    Each table has three sets of clips, errors drawn at random, and prints ACC, hard-label AUC and their plain means with two
    decimals. None of the notebook's tests may fire on it: counts must be found, the average must be one, nothing lies outside.
    """
    import numpy as np
    rng, fired, made = np.random.default_rng(seed), 0, 0
    for _ in range(n):
        sizes = rng.integers(20, 150, (3, 2))
        errors = rng.integers(0, sizes // 2)
        exact = np.array([[1 - e.sum() / s.sum(), 1 - (e / s).mean()] for e, s in zip(errors, sizes)]) * 100
        parts, average = exact.round(2), exact.mean(0).round(2)
        found = [tuple(e) in arithmetic.solve_counts(*p, *s) for e, p, s in zip(errors.tolist(), parts.tolist(), sizes.tolist())]
        fired += found.count(False) + int((~arithmetic.is_column_mean(parts, average)).sum()) + int(arithmetic.outside_columns(parts, average).sum())
        made += 3 + 2 + 2
    return fired, made
