"""The experiments of notebook 08: do maps agree, survive random weights, point at the forgery, and name what the detector uses?"""

from __future__ import annotations

import numpy as np

from avlab import metrics
from avlab.course import nb08_maps as made
from avlab.course.nb08_maps import GRID, TILES
from avlab.explain import faithfulness
from avlab.explain.gradcam import as_found, logit_of

FLOOR = 0.05  # a pointing ratio below a twentieth counts as one: a logarithm of 0 would decide every mean
FILLS = (*faithfulness.FILLS, "source")
ORDERS = 3  # random orders a clip


def spread_over(groups, n: int) -> np.ndarray:
    """At most n row numbers, taken in turn from every group, so that a small part holds all of them."""
    groups, order = np.asarray(groups), []
    rows = [np.flatnonzero(groups == name).tolist() for name in dict.fromkeys(groups.tolist())]
    while any(rows):
        order += [r.pop(0) for r in rows if r]
    return np.sort(order[:n])


# ------------------------------------------------------------------------------------------------ agreement, random weights


def agreement(films: dict) -> np.ndarray:
    """Mean over clips of the rank correlation of every pair of maps on tiles, (M, M); films {name: (N, 16, 40, 40)}."""
    tiles = [made.tiled(film) for film in films.values()]
    return np.array([[np.mean([faithfulness.rank_correlation(p, q) for p, q in zip(a, b, strict=True)]) for b in tiles] for a in tiles])


def still(model, sample, method: str, p) -> np.ndarray:
    """A method's map without time, (N, 10, 10): cheaper, for experiments with many networks."""
    if method == "occlusion":
        return made.tiled(made.occlusion(model, sample, fill=p.fill, stride=8, frames=16)).mean(1)
    film = made.grad_cam(model, sample, layer=p.layer) if method == "grad_cam" else made.integrated_gradients(model, sample, kind=p.ig_baseline, steps=8)
    return made.tiled(film).mean(1)


def randomised(model, sample, methods, p, *, seed) -> tuple[dict, dict]:
    """Rank correlation with the trained network's own map while parts lose their weights, from the logit down.

    Returns ({method: (N, parts + 1)}, the first column 1; {method: (lo, hi)} of two random networks against each other, over clips).
    """
    lines, null = {}, {}
    fresh = [network.eval() for _, network in faithfulness.cascade(model, made.PARTS, seed=seed)]
    other = made.random_network(model, seed + 1)
    for method in methods:
        own = still(model, sample, method, p)
        each = [own] + [still(network, sample, method, p) for network in fresh]
        lines[method] = np.array([[faithfulness.rank_correlation(a, b) for b in maps] for a, maps in zip(own, zip(*each, strict=True), strict=True)])
        pairs = [faithfulness.rank_correlation(a, b) for a, b in zip(each[-1], still(other, sample, method, p), strict=True)]
        null[method] = tuple(float(q) for q in np.quantile(pairs, (0.025, 0.975)))
    return lines, null


# ------------------------------------------------------------------------------------------------ pointing


def log_ratios(films, masks) -> np.ndarray:
    """Logarithm of every clip's pointing ratio, (N,); ratios under FLOOR count as FLOOR."""
    return np.log([max(faithfulness.pointing_ratio(film, mask), FLOOR) for film, mask in zip(films, masks, strict=True)])


def pointing(films: dict, sample, randoms) -> dict:
    """{map: (N,) log pointing ratios} of the methods' maps, of the baselines, and the mean over Grad-CAMs of random networks (K, N)."""
    table = {name: log_ratios(film, sample.forged) for name, film in (films | made.plain_maps(sample)).items()}
    table["random model"] = randoms.mean(0)
    return table


def random_logs(model, sample, p, *, seed) -> np.ndarray:
    """(random_models, N) log pointing ratios of Grad-CAMs of networks with fresh weights."""
    return np.stack([log_ratios(made.grad_cam(made.random_network(model, 100 * seed + k), sample, layer=p.layer), sample.forged)
                     for k in range(p.random_models)])


def intervals(table: dict, people, *, n, seed) -> dict:
    """{map: metrics.Interval} of the mean over clips of (N,) numbers, resampling people, all on the same draws."""
    return metrics.paired_bootstrap(np.mean, table, groups=np.asarray(people), n=n, seed=seed)


def by_forger(table: dict, sample, *, n, seed) -> dict:
    """{(forger, map): (ratio, lo, hi)}: geometric means with intervals over people."""
    forger, found = sample.column("forger"), {}
    for name in dict.fromkeys(forger.tolist()):
        own = forger == name
        cut = intervals({key: logs[own] for key, logs in table.items()}, sample.column("identity")[own], n=n, seed=seed)
        found |= {(name, key): tuple(float(np.exp(v)) for v in (i.value, i.lo, i.hi)) for key, i in cut.items()}
    return found


def labels_control(shuffled, sample, p, randoms) -> tuple[float, float, float]:
    """Control of L27: (value, lo, hi): a network trained on permuted labels points as random ones do.

    value = its mean log pointing ratio minus that of K random networks (K, N); the band is the 95 % prediction interval of one more of these,
    t(0.975, K - 1) s sqrt(1 + 1/K), for a network is the unit here: two of them differ by more than their clips tell.
    """
    from scipy.stats import t

    own = log_ratios(made.grad_cam(shuffled, sample, layer=p.layer), sample.forged).mean()
    each, k = randoms.mean(1), len(randoms)
    half = float(t.ppf(0.975, k - 1) * each.std(ddof=1) * (1 + 1 / k) ** 0.5)
    return float(own - each.mean()), -half, half


# ------------------------------------------------------------------------------------------------ removal


def fill(sample, kind: str, seed=0):
    """Film that replaces what is taken away: blur, mean, noise, or the true clip's pixels ("source")."""
    return made.baseline(sample, kind, seed)


def film_score(model, mel):
    """score(films (n, 16, 3, 40, 40)) -> logits (n,), beside one clip's sound (F, N)."""
    return lambda films: logit_of(model)(films, mel[None].expand(len(films), -1, -1))


def removals(model, sample, films: dict, p, *, kinds=FILLS, insert=False, seed=0) -> dict:
    """{(name or "random", fill): (N, steps + 1)} logits while the tiles of each map are taken away; random: mean over ORDERS orders a clip."""
    frames, mels = made.tensors(sample, model=model)
    tiles, found, sign = {name: made.tiled(film) for name, film in films.items()}, {}, -1 if p.mutant == "wrong_sign" else 1
    with as_found(model):
        for kind in kinds:
            other = fill(sample, kind, seed).to(frames)
            for k in range(len(frames)):
                curve = lambda order, k=k, other=other: faithfulness.removal_curve(film_score(model, mels[k]), frames[k], order, other[k], grid=GRID,  # noqa: E731
                                                                                 steps=p.deletion_steps, insert=insert)
                for name in tiles:
                    found.setdefault((name, kind), []).append(curve(faithfulness.ranked(sign * tiles[name][k])))
                found.setdefault(("random", kind), []).append(np.mean([curve(o) for o in faithfulness.random_orders(TILES, ORDERS, seed=1000 * seed + k)], 0))
    return {key: np.array(curves) for key, curves in found.items()}


def band(curves) -> tuple:
    """(mean, lo, hi) of random-order curves (N, steps + 1): the mean over clips and its interval, two standard errors."""
    middle, error = curves.mean(0), curves.std(0) / max(len(curves), 1) ** 0.5
    return middle, middle - 2 * error, middle + 2 * error


def gains(curves: dict, people, *, n, seed, insert=False) -> dict:
    """{(map, fill): Interval} of how much more the logit moves than in random order, in logits, mean over the steps: AOPC minus AOPC of random."""
    sign = -1 if insert else 1
    area = {key: sign * np.array([faithfulness.aopc(c) for c in rows]) for key, rows in curves.items()}
    return intervals({key: value - area["random", key[1]] for key, value in area.items() if key[0] != "random"}, people, n=n, seed=seed)


# ------------------------------------------------------------------------------------------------ baselines of integrated gradients


def against(model, sample, kinds, *, steps) -> dict:
    """{baseline: (N, 16, 40, 40)} integrated gradients from several baselines."""
    return {kind: made.integrated_gradients(model, sample, kind=kind, steps=steps) for kind in kinds}


def completeness(model, sample, kind: str, films: dict) -> dict:
    """{steps: error} of films {steps: (N, 16, 40, 40)}: what their sums miss, over all there was to explain, both summed over clips.

    So a clip with nothing to explain, whose own error is a ratio of two nothings, has no say.
    """
    span = made.logits(model, sample) - made.logits(model, sample, made.baseline(sample, kind))
    return {steps: float(np.abs(film.sum((1, 2, 3)) - span).sum() / np.abs(span).sum()) for steps, film in films.items()}
