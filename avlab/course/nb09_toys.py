"""Two numbers of notebook 09 that need no clip: what an alarm is worth, and what pooling does to an AUROC. Closed forms."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from avlab.calibration_metrics import ppv

RATES = np.logspace(-5, np.log10(0.5), 61)


def value_curves(points: dict, rates=RATES) -> dict:
    """{name: (base rates, share of alarms that are right)} of operating points {name: (tpr, fpr)}; a point without false alarms stays at 1."""
    return {name: (rates, ppv(tpr, fpr, rates)) for name, (tpr, fpr) in points.items() if tpr + fpr > 0}


def false_alarms_for(ppv_wanted: float, tpr: float, base_rate: float) -> float:
    """The false positive rate at which a share `ppv_wanted` of the alarms is right: tpr b (1 - v) / (v (1 - b))."""
    return tpr * base_rate * (1 - ppv_wanted) / (ppv_wanted * (1 - base_rate))


def pooled_auroc(gap: float, share_first: float, share_second: float) -> float:
    """AUROC of two test sets thrown together, in each of which the score says nothing.

    Scores of set i are N(m_i, 1) for reals and fakes alike, m = 0 and gap; a share s_i of set i is fake; both sets are equally large.
    AUROC = sum_ij s_i (1 - s_j) Phi((m_i - m_j) / sqrt 2) / (sum_i s_i sum_j (1 - s_j))
    """
    fake, mean = np.array([share_first, share_second]), np.array([0.0, gap])
    beats = norm.cdf((mean[:, None] - mean[None]) / np.sqrt(2))
    weight = fake[:, None] * (1 - fake)[None]
    return float((weight * beats).sum() / weight.sum())


def pooled_densities(gap: float, share_first: float, share_second: float, x) -> dict:
    """{"real", "fake": (x, density)} of the pooled scores."""
    fake, mean, x = np.array([share_first, share_second]), (0.0, gap), np.asarray(x)
    both = np.stack([norm.pdf(x - m) for m in mean])
    return {name: (x, (w / w.sum()) @ both) for name, w in (("real", 1 - fake), ("fake", fake))}
