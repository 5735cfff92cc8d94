"""What the twelve course modules share: common parameters, metric declarations, and the way to a notebook's checks.

A course module `avlab/course/nbNN.py` holds plain names and nothing else:

    TITLE     str, the notebook's title
    Params    class Params(CommonParams), one field a parameter; the defaults are the smoke profile
    PROFILES  {"smoke": {}, "full": {name: value}, "gpu": {...}}: what differs from the defaults
    METRICS   {name or pattern: Metric or tuple}; `auroc.{kind}.{t}` stands for any name of that form
    MUTANTS   {"index": "toy_order"}: planted mistake -> the metric (name or pattern) that it must turn red
    CHECKS    {"1": function(fn)}: raises CheckFailed with the likeliest mistake, returns None when all is well
    TORCH     False when the notebook needs no torch (optional, default True)
"""

import importlib
import math
import re
from difflib import get_close_matches
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from avlab.errors import AvlabError

CLASSES = {"E": "exact", "N": "numeric", "B": "band from repeated seeds", "I": "invariant", "R": "recorded only"}


class CommonParams(BaseModel):
    """Parameters that every notebook has; strict, so that "20" is never taken for 20, and closed, so that a typo is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    seed: int = Field(0, ge=0, le=2**31 - 1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    manifest: str = Field("synthtalk", min_length=1)
    store: str = ""  # "" computes live, otherwise the path of a store made by `avlab extract`
    mutant: Literal["none"] = "none"  # a course module widens this with the names of its MUTANTS


class Metric(NamedTuple):
    """One declared metric: (class, unit, direction, tolerance, null).

    kind       E exact | N numeric | B band from repeated seeds | I invariant | R recorded only
    unit       shown beside the value; "AUROC" and "balanced accuracy" set `null` to 0.5 where it is not given
    direction  "up", "down", "0" (should be near `null`) or "-"
    tolerance  E: the exact value wherever it is the same in every profile, or None · N: rtol or (atol, rtol), default rtol 1e-4 ·
               B: the floor of the band (absolute), required · I: (lo, hi), None = open, required · R: None
    null       what a run that measured nothing would give (chance level)
    """

    kind: str
    unit: str = ""
    direction: str = "-"
    tolerance: object = None
    null: float | None = None

    @property
    def chance(self) -> float:
        """The value of a run that measured nothing: `null` where it is given, 0.5 for AUROC and balanced accuracy, else 0."""
        if self.null is not None:
            return self.null
        return 0.5 if self.unit in ("AUROC", "balanced accuracy") else 0.0


def declared(name: str, spec) -> Metric:
    """Read one METRICS entry and refuse a declaration that could not be judged. Raises AvlabError."""
    metric = spec if isinstance(spec, Metric) else Metric(*spec)
    if metric.kind not in CLASSES:
        raise AvlabError(f"Metric {name}: the class is one of {', '.join(CLASSES)}", got=metric.kind)
    if metric.direction not in ("up", "down", "0", "-"):
        raise AvlabError(f'Metric {name}: the direction is "up", "down", "0" or "-"', got=metric.direction)
    pair = isinstance(metric.tolerance, (tuple, list)) and len(metric.tolerance) == 2
    if metric.kind == "I" and (not pair or tuple(metric.tolerance) == (None, None)):
        raise AvlabError(f"Metric {name}: an invariant has bounds (lo, hi), at least one of them a number", got=metric.tolerance)
    if metric.kind == "B" and not (isinstance(metric.tolerance, (int, float)) and metric.tolerance > 0):
        raise AvlabError(f"Metric {name}: a band has a floor above 0, the smallest half-width that makes sense", got=metric.tolerance)
    return metric


def matches(pattern: str, name: str) -> bool:
    """True where `name` has the form of `pattern`; `{word}` stands for one part without a dot."""
    parts = re.split(r"\{\w*\}", pattern)
    return re.fullmatch(r"[^.]+".join(map(re.escape, parts)), name) is not None


def metric_of(module, name: str) -> Metric:
    """The declaration in module.METRICS that a recorded name falls under; an exact name wins over a pattern. Raises AvlabError."""
    if name in module.METRICS:
        return declared(name, module.METRICS[name])
    for pattern, spec in module.METRICS.items():
        if matches(pattern, name):
            return declared(pattern, spec)
    raise AvlabError(f"{name} is not a metric of this notebook", todo=next_to(name, module.METRICS) + "declare it in METRICS of the course module")


def mutants(module) -> dict[str, str]:
    """The planted mistakes of a notebook, each with the metric it must turn red."""
    return dict(getattr(module, "MUTANTS", {}))


def next_to(name: str, known) -> str:
    """'did you mean ...? ' or nothing."""
    near = get_close_matches(name, [str(k) for k in known], n=1)
    return f"did you mean {near[0]}? Or " if near else ""


def load(nb_id: str):
    """The course module of a notebook: "01" is avlab.course.nb01, any other word is a module name of your own. Raises AvlabError."""
    name = f"avlab.course.nb{nb_id}" if re.fullmatch(r"\d\d", nb_id) else nb_id
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise AvlabError("Every notebook has a course module", got=nb_id, todo=f"write {name}.py, or correct the id") from None
    missing = [word for word in ("TITLE", "Params", "PROFILES", "METRICS") if not hasattr(module, word)]
    if missing:
        raise AvlabError(f"Course module {name} must define {', '.join(missing)}")
    return module


class CheckFailed(AssertionError):
    """An exercise answer is not right yet; the message names the likeliest mistake."""


def check(exercise: str, fn) -> None:
    """Run the check of exercise "NN.k" on a reader's function and print that it passed.

    Raises CheckFailed with the likeliest mistake; NotImplementedError of an untouched stub passes through.
    """
    nb_id, _, number = exercise.rpartition(".")
    checks = getattr(load(nb_id), "CHECKS", {}) if nb_id else {}
    if number not in checks:
        raise AvlabError("check() takes the number of an exercise", got=exercise, todo=f"known here: {', '.join(f'{nb_id}.{k}' for k in checks) or 'none'}")
    if not callable(fn):
        raise CheckFailed(f"{exercise}: pass the function itself, not {type(fn).__name__}")
    try:
        checks[number](fn)
    except (CheckFailed, NotImplementedError):
        raise
    except AssertionError as error:
        raise CheckFailed(f"{exercise}: {error}") from None
    except Exception as error:
        raise CheckFailed(f"{exercise}: your function raised {type(error).__name__}: {error}") from error
    print(f"{exercise} passed")


def number_of(fail, exercise, value, what="one number", *, finite=True) -> float:
    """An answer as a plain float; fail(exercise, sentence) is called, and raises, where it is none (or, with `finite`, not finite)."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        fail(exercise, f"return {what}, not {type(value).__name__}")
    if finite and not math.isfinite(value):
        fail(exercise, f"return {what} that is finite")
    return value


def same(got, want, tolerance=1e-6) -> bool:
    """True where an answer has the right shape and values; anything array-like is taken, tensors included, also those that carry a gradient."""
    import numpy as np
    try:
        got = np.asarray(got.detach() if hasattr(got, "detach") else got, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return got.shape == np.shape(want) and bool(np.allclose(got, want, atol=tolerance, rtol=tolerance))
