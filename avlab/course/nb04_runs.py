"""The measuring runs of notebook 04 between its cells and its experiments: what is averaged, bootstrapped, trained, and kept for a figure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from avlab import detectors, metrics
from avlab.course import nb04_attention as attention
from avlab.course import nb04_experiments as experiments
from avlab.course import nb04_probe as probing
from avlab.course import nb04_projections as projecting
from avlab.course.nb04_projections import gradient_on_reals  # noqa: F401, the notebook asks for it beside the runs
from avlab.explain import controls, similarity
from avlab.show import figures_similarity as drawn

MS = 40


def ends(interval) -> tuple[float, float, float]:
    """(value, lo, hi) of an Interval, for a figure."""
    return interval.value, interval.lo, interval.hi


def name_of(weight: float) -> str:
    """A weight as a part of a metric's name, which holds no dot: 0.2 -> "0p2"."""
    return f"{weight:g}".replace(".", "p")


def mean_of(values, people, *, n, seed):
    """Interval of a mean over clips, people resampled."""
    return metrics.bootstrap_ci(np.mean, np.asarray(values), groups=people, n=n, seed=seed)


def in_ms(curves: dict) -> dict:
    """Curves as figures take them: {name: (ms, mean, lo, hi)}."""
    return {name: (MS * curve.lags, curve.mean, curve.lo, curve.hi) for name, curve in curves.items()}


def marks(curves: dict, level: float) -> dict:
    """{name: ms} of the peaks that rise above `level`; a curve without such a peak gets no mark, for its highest point means nothing."""
    return {name: MS * curve.peak for name, curve in curves.items() if curve.mean.max() > level}


# ------------------------------------------------------------------------------------------------ beats 2 to 5


def listening(heard, people, *, n, seed) -> tuple[dict, dict]:
    """Beat 2: share at lag 0 and mean highest point, each {"own" | "another's": (value, lo, hi) over lengths}."""
    def of(values):
        return np.array([ends(mean_of(v, people, n=n, seed=seed)) for v in values]).T

    share = {"own": of([h.share_at_zero("own") for h in heard]), "another's": of([h.share_at_zero("other") for h in heard])}
    best = {"own": of([h.own.max(1) for h in heard]), "another's": of([h.other.max(1) for h in heard])}
    return share, best


def own_and_other(seen, sample, *, centred, n, seed):
    """Beat 3: cosines of the real clips with their own sound and with another person's, and the AUROC between the two (Interval, people resampled)."""
    real = np.flatnonzero(sample.label == 0)
    order = controls.shuffled_order(sample.people[real].tolist(), ["real"] * len(real), seed=seed)
    own, other = seen.cosine(centred=centred)[real], _with_order(seen, real, order, centred)
    label, people = np.repeat([1, 0], len(real)), np.tile(sample.people[real], 2)
    return own, other, metrics.bootstrap_ci(metrics.auroc, np.r_[own, other], label, groups=people, n=n, seed=seed)


def _with_order(seen, rows, order, centred):
    """Cosines of the clips `rows` with the sounds of rows[order]."""
    taken = np.arange(len(seen.video))
    taken[rows] = rows[order]
    return seen.cosine(taken, centred=centred)[rows]


def unrelated(towers, real, reference, generators: int, seed: int) -> dict:
    """Beat 5: raw and centred cosines of picture and sound of strangers, {encoder: (Interval, Interval)}, real clips only."""
    order = controls.shuffled_order(real.people.tolist(), ["real"] * len(real), seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = detectors.build("amdd", "small", generators=generators)
    found = {}
    seen = experiments.embed(towers, real, reference)
    found["two towers"] = [seen.cosine(order, centred=c) for c in (False, True)]
    from avlab.detectors.training import predict

    said, about = (predict(model, attention.data_of(part, sorted(set(part.forger) - {"real"})), parts=("video", "audio"))
                   for part in (real, reference.pick(reference.label == 0)))
    centre = {"centre_a": about["video"].mean(0), "centre_b": about["audio"].mean(0)}
    found["untrained AMDD"] = [similarity.cosine(said["video"], said["audio"][order], **c) for c in ({}, centre)]
    same_side = {"centre_a": about["video"].mean(0), "centre_b": about["video"].mean(0)}
    found["its pictures among themselves"] = [similarity.cosine(said["video"], said["video"][order], **c) for c in ({}, same_side)]
    return {name: [mean_of(v, real.people, n=200, seed=seed) for v in both] for name, both in found.items()}


# ------------------------------------------------------------------------------------------------ the explorer


@dataclass(frozen=True)
class State:
    """One clip of every forger for the explorer: opening, loudness (T,) and both lag curves (K,)."""

    opening: dict
    loudness: dict
    lips: dict
    towers: dict
    frames: dict


def explorer_state(sample, table, tower_table, names) -> State:
    """The first clip of every forger: drawn by the seed, not picked."""
    first = {name: int(np.flatnonzero(sample.forger == name)[0]) for name in names}
    return State(*({name: values[k] for name, k in first.items()} for values in (sample.opening, sample.loudness, table, tower_table, sample.frames)))


def at_lag(state, forger, lag) -> tuple[float, float]:
    """(correlation of lips and loudness, cosine of the towers) of a clip at a lag."""
    middle = len(state.lips[forger]) // 2
    return float(state.lips[forger][middle + lag]), float(state.towers[forger][middle + lag])


def one_state(state, forger, lag) -> dict:
    """What the explorer shows: a frame, opening over the shifted loudness, and both lag curves with the lag marked."""
    scaled = lambda x: (x - x.mean()) / max(x.std(), 1e-9)  # noqa: E731
    opening, loudness = scaled(state.opening[forger]), scaled(state.loudness[forger])
    moved = np.full(len(loudness), np.nan)
    moved[max(lag, 0):len(moved) + min(lag, 0)] = loudness[max(-lag, 0):len(loudness) - max(lag, 0)]
    ms = MS * similarity.lags(len(state.lips[forger]) // 2)
    curves = {"lips and loudness": (ms, state.lips[forger]), "two towers": (ms, state.towers[forger])}
    return {"over time": drawn.overlaid(np.arange(len(opening)) * MS / 1000, opening, moved), "lag curves": drawn.at_lag(curves, MS * lag, y="agreement")}


# ------------------------------------------------------------------------------------------------ beat 6


@dataclass(frozen=True)
class Trained:
    """Cosines of the test clips after training the projections, centred (if asked for) and raw: {(weight, kind): (seeds, N)}, kind "true" or "shuffled"."""

    cosine: dict
    raw: dict


def numbers(forger, names) -> np.ndarray:
    """Generators as numbers: 0 = real, k = the k-th name."""
    known = {name: k for k, name in enumerate(("real", *names))}
    return np.array([known[name] for name in forger])


def pairs_with_itself(train, names, seed) -> float:
    """Share of self pairs in the batches that beat 6 draws."""
    return projecting.pairs_with_itself(numbers(train.forger, names), seed=seed)


def projections(towers, sample, train, names, p, seed) -> Trained:
    """Train the projections for every weight, with true generators and with generators shuffled among the fakes; apply them to the test clips."""
    seen, known = experiments.embed(towers, sample, train), experiments.embed(towers, train, train)
    video, audio = projecting.scaled(known)
    test, true = projecting.scaled(seen), numbers(train.forger, names)
    trained = Trained({}, {})
    for kind in ("true", "shuffled"):
        for weight in p.fp_weights:
            both = [_after(video, audio, test, _shuffled(true, k + seed) if kind == "shuffled" else true, weight, p, 100 * seed + k)
                    for k in range(p.projection_seeds)]
            trained.cosine[weight, kind], trained.raw[weight, kind] = (np.stack(rows) for rows in zip(*both, strict=True))
    return trained


def _after(video, audio, test, generator, weight, p, seed):
    """Cosines of the test clips after one training: centred with the means of the training clips (if asked for), and raw."""
    heads = projecting.train(video, audio, generator, weight=weight, epochs=p.projection_epochs, temperature=p.temperature, seed=seed, mutant=p.mutant)
    made, raw = projecting.projected(heads, *test), similarity.cosine(*projecting.projected(heads, *test))
    if not p.centred:
        return raw, raw
    centre = [side.mean(0) for side in projecting.projected(heads, video, audio)]
    return similarity.cosine(*made, centre_a=centre[0], centre_b=centre[1]), raw


def _shuffled(generator, seed):
    """Generators shuffled among the fakes; reals stay real."""
    made, fake = generator.copy(), np.flatnonzero(generator > 0)
    made[fake] = generator[np.random.default_rng(seed).permutation(fake)]
    return made


def pulls(trained, sample, fvra, p, seed) -> dict:
    """Gap and raw means on the FVRA clips and the reals: {"true generators" | "shuffled generators" | "raw" | "real" | "fake": {weight: Interval}}.

    All on the same draws: a draw takes one training seed and resamples people (curriculum 1.4), so differences between weights are paired.
    """
    keep = (sample.label == 0) | np.isin(sample.forger, fvra)
    label, people = sample.label[keep], sample.people[keep]
    rng, plan = np.random.default_rng(seed), []
    for _ in range(p.n_bootstrap):
        plan.append((int(rng.integers(p.projection_seeds)), metrics.resample(people, rng)))
    statistics = {"gap": experiments.gap, "real": lambda c, y: float(c[y == 0].mean()), "fake": lambda c, y: float(c[y == 1].mean())}

    def interval(cosines, weight, kind, statistic):
        table = cosines[weight, kind][:, keep]
        draws = np.array([statistics[statistic](table[k, rows], label[rows]) for k, rows in plan])
        value = float(np.mean([statistics[statistic](row, label) for row in table]))
        return metrics.Interval(value, *map(float, np.quantile(draws, (0.025, 0.975))), draws)

    made = {"true generators": (trained.cosine, "true", "gap"), "shuffled generators": (trained.cosine, "shuffled", "gap"), "raw": (trained.raw, "true", "gap"),
            "real": (trained.raw, "true", "real"), "fake": (trained.raw, "true", "fake")}
    return {name: {w: interval(cosines, w, kind, what) for w in p.fp_weights} for name, (cosines, kind, what) in made.items()}


def effect_of(gaps):
    """L21: gap at the paper's weight minus gap without the loss, paired."""
    return metrics.difference(gaps[0.2], gaps[0.0])


def permuted_effect(trained, sample, p, seed):
    """The control of L21: the same effect with test labels permuted inside each person, and the band it must stay in."""
    rng, found = np.random.default_rng(seed), []
    with_it, without = (trained.cosine[w, "true"].mean(0) for w in (0.2, 0.0))
    for _ in range(p.n_permutations):
        label = controls.permuted_labels(sample.label, sample.people, rng)
        found.append(experiments.gap(with_it, label) - experiments.gap(without, label))
    return float(np.mean(found)), -0.05, 0.05


# ------------------------------------------------------------------------------------------------ beats 9 and 10


def first_of_each(sample, n: int) -> np.ndarray:
    """Numbers of the first n clips of every forger, and of two reals of each of these n draws: the same people throughout."""
    draws = int((sample.forger == next(name for name in sample.forger if name != "real")).sum())
    block = np.arange(len(sample)) // (len(sample) // draws)  # `draw` gives one block of clips a person
    kept = []
    for k in range(n):
        rows = np.flatnonzero(block == k)
        real = sample.forger[rows] == "real"
        kept += [*rows[~real], *rows[real][:2]]
    return np.sort(kept)


def agreements(probe, sample, rows, *, noise_draws, names, seed, n) -> tuple[dict, dict]:
    """Beat 9: agreement of the clips `rows` {"own", "silent", "random": (n,)}, and {"own sound" | "silent" | "random weights": {forger: Interval of AUROC}}."""
    from avlab.probe.diffusion_probe import DiffusionProbe

    found = probing.agreement(probe, sample, rows, draws=noise_draws, seed=seed)
    fresh = DiffusionProbe.random(probe.device, seed=seed, like=probe)
    found["random"] = probing.agreement(fresh, sample, rows, draws=1, seed=seed, silent=False)["own"]
    told = {label: experiments.aurocs(sample.pick(rows), -found[key], names, n=n, seed=seed)
            for label, key in (("own sound", "own"), ("silent", "silent"), ("random weights", "random"))}
    return found, told
