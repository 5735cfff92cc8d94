"""The experiments of notebook 09. `fit` is a list of readings (one a network) of the val people, `test` one of the test people; see nb09_detectors."""

from __future__ import annotations

import numpy as np

from avlab import calibration_metrics as calibration
from avlab import metrics
from avlab.course.nb09_clips import Sample
from avlab.explain import embedding as space
from avlab.explain import readout
from avlab.metrics import Interval

NEIGHBOURS = 10


# ------------------------------------------------------------------------------------------------ heads on frozen embeddings


def head(fit, test, rows, label) -> np.ndarray:
    """Scores (K, N) of a linear head for every network, fitted on rows of the val people with label (rows,), for all test clips."""
    return np.stack([readout.fit_scores(a["embedding"][rows], label, b["embedding"]) for a, b in zip(fit, test, strict=True)])


def scores(table: dict, sample: Sample) -> readout.Scores:
    """{name: (K, N)} of a sample's clips as Scores, so that intervals resample people and networks."""
    return readout.Scores(table, sample.label, sample.people, sample.forger, tuple(range(len(next(iter(table.values()))))), "linear")


def own(test) -> np.ndarray:
    """The networks' own scores, (K, N)."""
    return np.stack([one["score"] for one in test])


def train_by_test(fit, test, val: Sample, forgers, mutant="none") -> dict:
    """{forger: (K, N) scores of a head that was taught this forger and reals alone}. The mutant "flip_polarity" counts real as 1."""
    sign = -1.0 if mutant == "flip_polarity" else 1.0
    rows = {name: np.flatnonzero(val.among([name])) for name in forgers}
    return {name: sign * head(fit, test, rows[name], val.label[rows[name]]) for name in forgers}


def permuted(fit, test, val: Sample, forgers, rng) -> dict:
    """`train_by_test` with the labels of the val clips shuffled before every head is fitted: what the matrix is when labels mean nothing."""
    rows = {name: np.flatnonzero(val.among([name])) for name in forgers}
    return {name: head(fit, test, rows[name], rng.permutation(val.label[rows[name]])) for name in forgers}


def matrix(table: dict, sample: Sample, forgers) -> np.ndarray:
    """AUROC (taught, tested) of every head on every forger against all reals, mean over networks."""
    made = np.zeros((len(forgers), len(forgers)))
    for c, tested in enumerate(forgers):
        keep = sample.among([tested])
        for r, taught in enumerate(forgers):
            made[r, c] = np.mean([metrics.auroc(row[keep], sample.label[keep]) for row in table[taught]])
    return made


def diagonal(m) -> tuple[float, float]:
    """Means of the diagonal and of the rest."""
    m = np.asarray(m)
    return float(np.diag(m).mean()), float(m[~np.eye(len(m), dtype=bool)].mean())


def kept_out(val: Sample, forger: str, mutant="none") -> np.ndarray:
    """Rows of the val clips for a head that must not know a forger: reals, and fakes without any part by it.

    The mutant "leak_forger" goes by the whole name and so keeps "lipsync+rtvc" when "lipsync" is left out.
    """
    parts = np.array([forger in ([name] if mutant == "leak_forger" else name.split("+")) for name in val.forger])
    return np.flatnonzero(~parts)


def leave_one_out(fit, test, val: Sample, forgers, mutant="none") -> tuple[dict, int]:
    """({forger: (K, N) scores of a head taught all others}, number of training clips with a part by the forger left out, over all forgers)."""
    table, leaks = {}, 0
    for name in forgers:
        rows = kept_out(val, name, mutant)
        leaks += sum(name in val.forger[i].split("+") for i in rows)
        table[name] = head(fit, test, rows, val.label[rows])
    return table, leaks


def taught_all(fit, test, val: Sample) -> np.ndarray:
    """Scores (K, N) of a head taught every forger: the ceiling of `leave_one_out`."""
    return head(fit, test, np.arange(len(val)), val.label)


def against(table: dict, sample: Sample, forger: str, *, n, seed) -> dict:
    """{name: Interval} of the AUROC on one forger against all reals, all names on the same draws."""
    return readout.intervals(scores(table, sample).against(forger), n=n, seed=seed)


def on(table: dict, sample: Sample, forgers, *, n, seed) -> dict:
    """{name: Interval} of the AUROC on several forgers together against all reals."""
    return readout.intervals(scores(table, sample).pick(sample.among(forgers)), n=n, seed=seed)


def retention(left_out: float, taught: float) -> float:
    """Share of the excess over 0.5 that a mean AUROC keeps when the forger is left out; 1 = nothing is lost. 0 where a taught head has no excess of 0.05."""
    return (left_out - 0.5) / (taught - 0.5) if taught > 0.55 else 0.0


def null(fit, test, val: Sample, sample: Sample, taught, tested, n: int, seed: int) -> np.ndarray:
    """AUROC (n,) of heads fitted on shuffled labels of the forgers `taught`, judged on `tested`."""
    rng, rows, keep = np.random.default_rng([seed, 9]), np.flatnonzero(val.among(taught)), sample.among(tested)
    return np.array([np.mean([metrics.auroc(row[keep], sample.label[keep]) for row in head(fit, test, rows, rng.permutation(val.label[rows]))])
                     for _ in range(n)])


# ------------------------------------------------------------------------------------------------ thresholds


def thresholds(fit, val: Sample, forgers) -> np.ndarray:
    """(K,) the EER threshold of each network's own score on the val people, known forgers alone."""
    keep = val.among(forgers)
    return np.array([metrics.eer_threshold(one["score"][keep], val.label[keep]) for one in fit])


def shares(test, sample: Sample, cuts, forgers) -> tuple[float, float]:
    """(reals called real, fakes of these forgers called fake) at one threshold a network, means over networks."""
    said = own(test) >= np.asarray(cuts)[:, None]
    fakes = (sample.label == 1) & np.isin(sample.forger, list(forgers))
    return float(1 - said[:, sample.label == 0].mean()), float(said[:, fakes].mean())


def three_numbers(test, sample: Sample, cuts, forgers, *, n, seed) -> dict:
    """{"AUROC", "Acc@EER", "Acc, threshold carried": Interval} of the own scores on reals and some forgers; people and networks are resampled."""
    keep = sample.among(forgers)
    score, label, people = own(test)[:, keep], sample.label[keep], sample.people[keep]

    def judged(k, rows):
        s, y = score[k, rows], label[rows]
        return metrics.auroc(s, y), metrics.acc_at_eer(s, y), float(((s >= cuts[k]) == y).mean())
    rng, draws, left, every = np.random.default_rng([seed, 11]), [], 20 * n, np.arange(len(label))
    while len(draws) < n and left:
        left -= 1
        try:
            draws.append(judged(rng.integers(len(score)), metrics.resample(people, rng)))
        except metrics.OneClass:
            continue
    values, draws = np.mean([judged(k, every) for k in range(len(score))], 0), np.array(draws)
    ends = np.quantile(draws, (0.025, 0.975), axis=0)
    return {name: Interval(float(values[i]), float(ends[0, i]), float(ends[1, i]), draws[:, i])
            for i, name in enumerate(("AUROC", "Acc@EER", "Acc, threshold carried"))}


# ------------------------------------------------------------------------------------------------ probabilities


def probability(logit) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


def recalibrated(fit_score, fit_label, score) -> np.ndarray:
    """Isotonic regression from scores to P(fake), fitted on other clips (Zadrozny & Elkan 2002)."""
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(fit_score, fit_label).predict(score)


def claimed(fit, test, val: Sample, sample: Sample, known, tested, mutant="none") -> dict:
    """{"as it comes", "recalibrated": (prob (n,), label (n,))} of the first network on reals and the forgers `tested`.

    Recalibrated on val people and known forgers. The mutant "calibrate_on_test" does it on the very clips that it is judged on.
    """
    keep, ours = sample.among(tested), val.among(known)
    score, label = test[0]["score"][keep], sample.label[keep]
    base = (score, label) if mutant == "calibrate_on_test" else (fit[0]["score"][ours], val.label[ours])
    return {"as it comes": (probability(score), label), "recalibrated": (recalibrated(*base, score), label)}


def over_floor(ece: float, floor: Interval) -> float:
    """An ECE in units of what a perfect model would show on average; far under 1 is better than calibration can be. 0.001 keeps certain models finite."""
    return (ece + 0.001) / (floor.value + 0.001)


# ------------------------------------------------------------------------------------------------ abstaining


def unsure(fit, test, val: Sample, known) -> dict:
    """How unwilling to answer, (K, N) each: {"novelty": distance to the 10th nearest val clip of reals and known forgers, "softmax": 1 - the largest
    probability of the attribution head (Hendrycks & Gimpel 2017)}."""
    rows = val.among(known)
    far = [space.novelty(a["embedding"][rows], b["embedding"], min(NEIGHBOURS, int(rows.sum()))) for a, b in zip(fit, test, strict=True)]
    return {"novelty": np.stack(far), "softmax": np.stack([1 - _softmax(one["generator_logits"]).max(1) for one in test])}


def _softmax(logits):
    shifted = np.exp(logits - logits.max(1, keepdims=True))
    return shifted / shifted.sum(1, keepdims=True)


def wrong(test, sample: Sample, cuts) -> np.ndarray:
    """(K, N) 1 where a network's answer at its threshold is wrong."""
    return ((own(test) >= np.asarray(cuts)[:, None]) != (sample.label == 1)).astype(float)


def risk_at(error, novelty, coverage: float) -> float:
    """Share of wrong answers among the most familiar clips, at the first coverage at or above the one asked for."""
    at, risk = calibration.risk_coverage(error, novelty)
    return float(risk[np.searchsorted(at, coverage - 1e-9)])


def abstaining(error, order: dict, *, grid=np.linspace(0.1, 1, 19)) -> tuple[dict, dict]:
    """({name: (coverage, risk)}, {name: AURC}), means over networks; "best possible" abstains where the answer is wrong."""
    order = order | {"best possible": error + 1e-9 * np.arange(error.shape[1])}  # errors last, no ties
    curves = {name: (grid, np.mean([[risk_at(e, u, c) for c in grid] for e, u in zip(error, value, strict=True)], 0)) for name, value in order.items()}
    return curves, {name: float(np.mean([calibration.aurc(e, u) for e, u in zip(error, value, strict=True)])) for name, value in order.items()}


# ------------------------------------------------------------------------------------------------ two worlds


def two_worlds(fit, fit_new, test, test_new, val: Sample, sample: Sample, known) -> dict:
    """A second style, in training on half of the real people only: {test set: {"one world", "two worlds": (K, N), "label", "people", "forger"}}.

    fit_new, test_new   readings of the same clips in the new style (here: sent through a codec)
    "as trained"    reals of half of the people in the new style, all fakes in the old one: how a benchmark with added reals looks
    "all new"       everything in the new style;   "swapped"   reals old, fakes new: the shortcut says the opposite of the truth
    """
    rows, keep = np.flatnonzero(val.among(known)), np.flatnonzero(sample.among(known))

    def mixed(old, new, who, where):
        return [{"embedding": np.where(where[:, None], b["embedding"][who], a["embedding"][who])} for a, b in zip(old, new, strict=True)]

    half = _half_of_reals(val)[rows]
    lessons = {"one world": mixed(fit, fit_new, rows, np.zeros(len(rows), bool)), "two worlds": mixed(fit, fit_new, rows, half)}
    fake = sample.label[keep] == 1
    sets = {"as trained": _half_of_reals(sample)[keep], "all new": np.ones(len(keep), bool), "swapped": fake}
    made, part = {}, sample.pick(keep)
    for name, where in sets.items():
        seen = mixed(test, test_new, keep, where)
        made[name] = scores({k: head(x, seen, np.arange(len(rows)), val.label[rows]) for k, x in lessons.items()}, part)
    return made


def _half_of_reals(sample: Sample) -> np.ndarray:
    """(N,) bool: the real clips of every second person."""
    order = {person: i for i, person in enumerate(sorted(set(sample.people.tolist())))}
    return (sample.label == 0) & np.array([order[p] % 2 == 1 for p in sample.people.tolist()])
