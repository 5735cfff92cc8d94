"""How far a probability can be believed, what is gained by abstaining, and what an alarm is worth. Label 1 = fake = positive.

A probability here is a detector's claim P(fake | clip) in 0..1, binned as it is: not the confidence in whichever class it prefers.
"""

from dataclasses import dataclass

import numpy as np

from avlab.errors import AvlabError
from avlab.metrics import Interval, wilson


@dataclass(frozen=True)
class Reliability:
    """Bins of predicted probability that hold at least one clip: all fields (B,), in order of the bins.

    said      mean prediction in the bin      happened  share of fakes in it, with the ends of its Wilson interval lo, hi      count  its clips
    """

    said: np.ndarray
    happened: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    count: np.ndarray


def reliability(prob, label, bins: int = 10) -> Reliability:
    """Return what was said and what happened in equal bins of 0..1 (the last one closed, so that 1 is in it); empty bins are left out."""
    prob, label, where = _binned(prob, label, bins)
    full = np.unique(where)
    count, fakes = (np.array([fn(where == b) for b in full]) for fn in (np.sum, lambda here: label[here].sum()))
    ends = np.array([wilson(int(k), int(n)) for k, n in zip(fakes, count, strict=True)])
    return Reliability(np.array([prob[where == b].mean() for b in full]), fakes / count, ends[:, 0], ends[:, 1], count)


def ece(prob, label, bins: int = 10) -> float:
    """Return the expected calibration error, sum over bins of (n_b / n) |mean prediction - share of fakes| (Naeini et al. 2015; Guo et al. 2017, eq. 3).

    In 0..1, and above 0 even for a perfect model when clips are few: compare with `ece_floor`. Guo's is of the confidence in the preferred class of
    many; this is of P(fake), which a detector of one thing prints.
    """
    found = reliability(prob, label, bins)
    return float((found.count * np.abs(found.said - found.happened)).sum() / found.count.sum())


def ece_floor(prob, bins: int = 10, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Return the ECE that a perfect model with these predictions (N,) would show: labels are drawn with just those probabilities, n times.

    value = mean of the draws.  What lies inside lo..hi is no evidence of bad calibration.
    """
    prob = np.asarray(prob, np.float64)
    rng = np.random.default_rng([seed, 31])
    draws = np.array([ece(prob, rng.random(prob.size) < prob, bins) for _ in range(n)])
    return Interval(float(draws.mean()), *(float(q) for q in np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))), draws)


def risk_coverage(error, novelty) -> tuple[np.ndarray, np.ndarray]:
    """Return (coverage, risk), both (K,): of the share of clips that look least new, the share that was judged wrong (El-Yaniv & Wiener 2010).

    error    (N,) 0 or 1, what an answer costs;  novelty   (N,) larger = rather abstain. Clips of equal novelty are accepted together.
    coverage rises to 1; risk at coverage 1 is the mean error.  Raises AvlabError for unequal lengths or values that are not finite.
    """
    error, novelty = (np.asarray(x, np.float64).ravel() for x in (error, novelty))
    if error.size != novelty.size or not error.size or not (np.isfinite(error).all() and np.isfinite(novelty).all()):
        raise AvlabError("Every clip has one finite error and one finite novelty", got=f"{error.size} and {novelty.size} values")
    order = np.argsort(novelty, kind="stable")
    accepted = np.flatnonzero(np.append(np.diff(novelty[order]) > 0, True))  # the last clip of each value
    return (accepted + 1) / error.size, np.cumsum(error[order])[accepted] / (accepted + 1)


def aurc(error, novelty) -> float:
    """Return the area under risk against coverage, 0..1, lower is better (Geifman & El-Yaniv 2019): the mean risk, each clip of a tie at the tie's end.

    Of a useless order it is the mean error; lowest is an order that puts every error last, no two clips alike.
    """
    coverage, risk = risk_coverage(error, novelty)
    return float((np.diff(coverage, prepend=0.0) * risk).sum())


def ppv(tpr, fpr, base_rate):
    """Return the predictive value of an alarm, tpr b / (tpr b + fpr (1 - b)): the share of alarms that are right where a share b of clips is fake.

    tpr, fpr, base_rate   numbers or arrays in 0..1.  Raises AvlabError outside, and where there are no alarms at all.
    """
    tpr, fpr, base_rate = (np.asarray(x, np.float64) for x in (tpr, fpr, base_rate))
    if not all(((x >= 0) & (x <= 1)).all() for x in (tpr, fpr, base_rate)):
        raise AvlabError("Rates are shares from 0 to 1", got=f"tpr {tpr}, fpr {fpr}, base rate {base_rate}", todo="Divide per cent by 100")
    right, alarms = tpr * base_rate, tpr * base_rate + fpr * (1 - base_rate)
    if not (alarms > 0).all():
        raise AvlabError("Without alarms their predictive value is not defined", got=f"tpr {tpr}, fpr {fpr}, base rate {base_rate}")
    return float(right / alarms) if np.ndim(right / alarms) == 0 else right / alarms


def _binned(prob, label, bins):
    """Predictions and labels as arrays, and the number of each prediction's bin."""
    prob, label = np.asarray(prob, np.float64).ravel(), np.asarray(label).ravel()
    if prob.size != label.size or not prob.size or bins < 1:
        raise AvlabError("Calibration needs clips, a label for each, and at least one bin", got=f"{prob.size} predictions, {label.size} labels, {bins} bins")
    if not ((prob >= 0) & (prob <= 1)).all():
        raise AvlabError("A predicted probability lies in 0..1", got=f"{np.nanmin(prob):.3g} to {np.nanmax(prob):.3g}",
                         todo="Pass 1 / (1 + exp(-logit))")
    if not np.isin(label, (0, 1)).all():
        raise AvlabError("A label is 0 (real) or 1 (fake)", got=sorted(set(label.tolist()))[:8])
    return prob, label.astype(np.int64), np.minimum((prob * bins).astype(int), bins - 1)
