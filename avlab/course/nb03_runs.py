"""The measuring runs of notebook 03: which map is drawn of what, and the tables that its figures show."""

from __future__ import annotations

import numpy as np

from avlab.course import nb03_experiments as experiments
from avlab.course.nb03_experiments import NEIGHBOURS
from avlab.explain import embedding as space

DRAWN = 240  # clips in a map of an explorer, so that its page stays light
OVERLAPS = (2, 5, 10, 20, 40)  # sizes of neighbourhood


def noise_maps(perplexities, seed, *, uniform) -> tuple[list, list]:
    """t-SNE of noise at each perplexity and how clustered each drawing looks: ([(200, 2)], [silhouette])."""
    x = experiments.noise(seed=seed, uniform=uniform)
    maps = [space.tsne(x, p, seed) for p in perplexities]
    return maps, [experiments.clumps(drawn) for drawn in maps]


def band(draws) -> tuple[float, float]:
    """The 2.5 and 97.5 per cent points of a null."""
    return tuple(float(q) for q in np.quantile(draws, (0.025, 0.975)))


def wide(draws, chance, margin=0.1) -> tuple[float, float]:
    """Null band of a ledger's control: the draws' band, at least chance +- margin, for a few permutations make too narrow a band."""
    lo, hi = band(draws)
    return min(lo, chance - margin), max(hi, chance + margin)


def ends(interval) -> tuple[float, float, float]:
    """(value, lo, hi)"""
    return interval.value, interval.lo, interval.hi


def silhouette(xs, label) -> float:
    """Mean silhouette of the labels in full dimension over several embeddings."""
    from sklearn.metrics import silhouette_score

    return float(np.mean([silhouette_score(x, label) for x in xs]))


def spread_rows(group, n: int) -> np.ndarray:
    """Numbers of at most n rows, taken evenly from an order by group, so that every group keeps its share."""
    order = np.argsort(np.asarray(group), kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(n, len(order))).round().astype(int))])


def methods(choice: str) -> list[str]:
    """["t-SNE"], ["UMAP"] or both."""
    return {"tsne": ["t-SNE"], "umap": ["UMAP"], "both": ["t-SNE", "UMAP"]}[choice]


def layouts(embeddings: dict, methods, scales, seeds) -> dict:
    """Every map that the explorer shows: {(method, neighbours, seed, network): (N, 2)}. t-SNE takes the number as perplexity, UMAP as its neighbours.

    The principal axes know neither a number of neighbours nor a seed: their maps are all the same.
    """
    draw = {"t-SNE": space.tsne, "UMAP": space.umap, "principal axes": lambda x, *_: principal(x)}
    return {(method, scale, seed, name): draw[method](x, scale if method == "t-SNE" else max(int(scale), 2), seed)
            for method in methods for scale in scales for seed in seeds for name, x in embeddings.items()}


def same_colour(maps: dict, groups: dict) -> dict:
    """{(key of the map, colour): (share of a point's ten nearest in the plane with its colour, share by chance)} of maps {key: (N, 2)}."""
    chance = {colour: space.chance_agreement(group) for colour, group in groups.items()}
    return {(key, colour): (space.knn_agreement(drawn, group, NEIGHBOURS), chance[colour]) for key, drawn in maps.items() for colour, group in groups.items()}


def principal(x) -> np.ndarray:
    """First two principal components of x (N, D): the plain map that nothing was optimised for, (N, 2)."""
    from sklearn.decomposition import PCA

    return PCA(2, random_state=0).fit_transform(x)


def kept(x, maps: dict, sizes=OVERLAPS) -> dict:
    """{method: (sizes, share of each point's k neighbours in x (N, D) that the map keeps)} for maps {method: (N, 2)}; sizes under N / 2 only."""
    sizes = [k for k in sizes if k < len(x) / 2]
    return {name: (sizes, [space.neighbour_overlap(x, drawn, k) for k in sizes]) for name, drawn in maps.items()}


def seed_overlap(maps: list) -> float:
    """Share of each point's ten neighbours that two maps of other seeds have in common, mean over pairs."""
    pairs = [(a, b) for i, a in enumerate(maps) for b in maps[i + 1:]]
    return float(np.mean([space.neighbour_overlap(a, b, NEIGHBOURS) for a, b in pairs]))


def streams(found, sample, groups, *, n, seed, permutations) -> tuple[dict, dict, dict]:
    """Beat 5: ({(category, stream): Interval}, {category: chance}, {category: null band}, {category: (n,) null draws}), categories that hold a known forger."""
    table, chance, bands, nulls = {}, {}, {}, {}
    for category in experiments.CATEGORIES:
        if not (sample.known & (sample.category == category)).any():
            continue
        said, label, keep, classes = experiments.by_category(found, sample, groups, category)
        for stream, value in space.accuracy_intervals(said, label, sample.people[keep], n=n, seed=seed).items():
            table[category, stream] = value
        nulls[category] = experiments.permuted_probe(found[0]["audio"][keep], label, groups[keep], permutations, seed)
        chance[category], bands[category] = 1 / classes, band(nulls[category])
    return table, chance, bands, nulls


def ablation(found: dict, sample, groups, *, n, seed) -> dict:
    """{variant: {"auroc", "head": Interval, "probe": Interval, and for each the single networks' values in "auroc_each" ...}} of every trained variant."""
    from avlab import metrics

    known, table = sample.known, {}
    close = sample.pick(known)
    for name, some in found.items():
        said = experiments.probed({name: [one["fused"][known] for one in some]}, close.forger, groups[known])
        each = {"auroc": [metrics.auroc(one["score"][known], close.label) for one in some],
                "head": [experiments.named([one], sample, n=1, seed=seed).value for one in some],
                "probe": [space.balanced_accuracy(row, close.forger) for row in said[name]]}
        table[name] = {"auroc": experiments.detection(some, sample, n=n, seed=seed)["all known"], "head": experiments.named(some, sample, n=n, seed=seed),
                       "probe": space.accuracy_intervals(said, close.forger, close.people, n=n, seed=seed)[name], "each": each}
    return table


def between(score, label) -> float:
    """Share of the scores that lie in the middle third between the medians of reals and fakes: 0 = two heaps."""
    low, high = (float(np.median(score[label == side])) for side in (0, 1))
    third = (high - low) / 3
    return float(((score > low + third) & (score < high - third)).mean())
