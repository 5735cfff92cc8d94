"""The experiments of notebook 03: toys whose answer is known, and what the embeddings of trained, half-trained and untrained AMDDs know."""

from __future__ import annotations

import numpy as np

from avlab import metrics
from avlab.errors import AvlabError
from avlab.explain import controls, readout
from avlab.explain import embedding as space
from avlab.metrics import Interval

BATCH = 32
NEIGHBOURS = 10
PARTS = ("fused", "video", "audio")
CATEGORIES = ("FVRA", "RVFA", "FVFA")


# ------------------------------------------------------------------------------------------------ toys


def noise(n=200, dimensions=50, *, seed=0, uniform=False) -> np.ndarray:
    """n points without any structure, (n, dimensions): normal, or uniform in a cube."""
    rng = np.random.default_rng([seed, 1])
    return rng.random((n, dimensions)) if uniform else rng.standard_normal((n, dimensions))


def clumps(drawn, k=20) -> float:
    """Mean silhouette of a k-means with k clusters in a map (N, 2): how much a map without classes looks like clusters, -1..1."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(drawn, KMeans(k, n_init=3, random_state=0).fit_predict(drawn)))


def islands(dimensions, *, n=250, classes=5, seed=0) -> dict:
    """Noise and shuffled labels through a linear discriminant to the plane: what it was fitted on, and fresh noise through the same map.

    Returns {"fitted": (drawn (n, 2), label, accuracy, silhouette), "fresh": the same of points that it never saw}.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng([seed, 2])
    x, fresh = rng.standard_normal((2, n, dimensions))
    label = np.arange(n) % classes
    fit = LinearDiscriminantAnalysis(n_components=2).fit(x, label)
    return {name: (fit.transform(points), label, float((fit.predict(points) == label).mean()), float(silhouette_score(fit.transform(points), label)))
            for name, points in (("fitted", x), ("fresh", fresh))}


# ------------------------------------------------------------------------------------------------ embeddings


def embed(model, sample) -> dict:
    """What AMDD makes of every clip: {"fused" (N, 2D), "video" (N, D), "audio" (N, D), "logits" (N, G + 1), "score" (N,)} in float64."""
    import torch

    device, found = next(model.parameters()).device, {name: [] for name in (*PARTS, "logits", "score")}
    with torch.no_grad():
        for first in range(0, len(sample), BATCH):
            frames, log_mel = (torch.from_numpy(x[first:first + BATCH]).float().to(device) for x in (sample.frames, sample.log_mel))
            said = model(frames, log_mel)
            made = {"fused": said.embedding, "video": said.parts["video"], "audio": said.parts["audio"], "logits": said.parts["generator_logits"],
                    "score": said.logit}
            for name, value in made.items():
                found[name].append(value.double().cpu().numpy())
    return {name: np.concatenate(values) for name, values in found.items()}


def untrained(model, seed: int):
    """The same architecture with fresh weights: what a network knows before it has learned anything."""
    return controls.reinitialised(model, seed=seed).eval()


def plain(sample) -> np.ndarray:
    """No network: the mean over time and place of the local spectra that the picture encoder reads, and of the log-mel, (N, 80 + 64)."""
    import torch

    from avlab.detectors.encoders_amdd import local_spectra

    seen = [local_spectra(torch.from_numpy(sample.frames[i:i + BATCH]).float()).mean((1, 3, 4)).numpy() for i in range(0, len(sample), BATCH)]
    return np.concatenate([np.concatenate(seen), sample.log_mel.astype(np.float32).mean(2)], 1)


# ------------------------------------------------------------------------------------------------ probes


def fold_groups(people, mutant="none") -> np.ndarray:
    """What is kept together in the folds of a probe: people. The mutant "group_leak" keeps only clips together."""
    return np.arange(len(people)) if mutant == "group_leak" else np.asarray(people)


def leaks(groups, people, *, seed=0) -> int:
    """Number of people who stand in more than one fold."""
    where = space.folds(groups, space.FOLDS, seed)
    return sum(len(set(where[people == person].tolist())) > 1 for person in np.unique(people))


def probed(embeddings: dict, label, groups, *, seed=0) -> dict:
    """{name: (K, N)} what a linear probe says of every clip, for lists of K embeddings (N, D), on people it was not fitted on."""
    return {name: np.stack([space.probe_predictions(x, label, groups, seed=seed) for x in xs]) for name, xs in embeddings.items()}


def voted(embeddings: dict, label, groups, *, k=NEIGHBOURS) -> dict:
    """{name: (K, N)} what the k nearest clips of other people vote for."""
    return {name: np.stack([space.knn_predictions(x, label, groups, k) for x in xs]) for name, xs in embeddings.items()}


def permuted_probe(x, label, groups, n: int, seed: int) -> np.ndarray:
    """Balanced accuracy (n,) of the probe when labels were permuted before fitting, inside each of its folds, so that every fold keeps its labels.

    Inside single people, as elsewhere in the course, would shuffle nothing where a person has one clip or two.
    """
    rng, where = np.random.default_rng([seed, 23]), space.folds(groups, space.FOLDS, seed)
    draws = []
    for _ in range(n):
        shuffled = controls.permuted_labels(label, where, rng)
        draws.append(space.balanced_accuracy(space.probe_predictions(x, shuffled, groups, seed=seed), shuffled))
    return np.array(draws)


def agreement(x, label, k=NEIGHBOURS, mutant="none") -> float:
    """Share of a clip's k neighbours with its label; the mutant "self_neighbour" counts the clip itself among them."""
    if mutant != "self_neighbour":
        return space.knn_agreement(x, label, k)
    near = np.argsort(space.distances(x, x), axis=1, kind="stable")[:, :k]
    return float((np.asarray(label)[near] == np.asarray(label)[:, None]).mean())


def excess(x, label, mutant="none") -> float:
    """How far neighbours agree beyond chance, as a share of what there is to gain: (agreement - chance) / (1 - chance); 0 = nothing, 1 = all."""
    chance = space.chance_agreement(label)
    return (agreement(x, label, mutant=mutant) - chance) / (1 - chance)


def permuted_excess(x, label, n: int, seed: int, mutant="none") -> float:
    """Mean of `excess` over n permutations of the labels: 0 by construction, whatever the embedding."""
    rng = np.random.default_rng([seed, 29])
    return float(np.mean([excess(x, rng.permutation(label), mutant) for _ in range(n)]))


def by_category(found: list, sample, groups, category: str, *, seed=0) -> tuple[dict, np.ndarray, np.ndarray, int]:
    """Probes on picture and sound before fusion, for one category: ({"visual", "audio"}: (K, N)}, label, keep (N,), classes).

    FVRA with several forgers: which of them; a category with one known forger: it or real. Strangers are left out.
    """
    mine = sample.known & (sample.category == category)
    keep = mine if len(set(sample.forger[mine].tolist())) > 1 else mine | (sample.forger == "real")
    label = sample.forger[keep]
    if len(set(label.tolist())) < 2:
        raise AvlabError("A category needs clips of a forger that the networks know", got=category, todo="Draw more clips")
    parts = {name: [one[part][keep] for one in found] for name, part in (("visual", "video"), ("audio", "audio"))}
    return probed(parts, label, groups[keep], seed=seed), label, keep, len(set(label.tolist()))


# ------------------------------------------------------------------------------------------------ heads, strangers


def random_heads(x, generator, forgers, n: int, seed: int) -> np.ndarray:
    """Accuracy (n,) over the fakes of n attribution heads with fresh weights on a fixed embedding x (N, 2D): AMDD's ablation, n times."""
    import torch

    from avlab.detectors import amdd

    hidden, fake = amdd.SIZES["small"]["hidden"], generator > 0
    seen, right = torch.from_numpy(x[fake]).float(), []
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for k in range(n):
            torch.manual_seed(seed * 100_003 + k)
            said = amdd.head(x.shape[1], hidden, len(forgers) + 1, 0.0)(seen).argmax(1).numpy()
            right.append(float((said == generator[fake]).mean()))
    return np.array(right)


def constant_answers(generator, forgers) -> dict:
    """Accuracy over the fakes of always naming one class."""
    fake = generator[generator > 0]
    return {name: float((fake == k).mean()) for k, name in enumerate(("real", *forgers))}


def strangeness(one: dict, sample, *, k=NEIGHBOURS, seed=0) -> dict:
    """How new every clip looks, (N,) each: {"distance": to the k-th neighbour among known clips of other people, "energy": of the attribution head}."""
    where, score = space.folds(sample.people, space.FOLDS, seed), np.zeros(len(sample))
    for fold in range(space.FOLDS):
        here = where == fold
        score[here] = space.novelty(one["fused"][~here & sample.known], one["fused"][here], k)
    return {"distance": score, "energy": space.energy(one["logits"])}


def novelty_aurocs(found: list, sample, strangers, *, n: int, seed: int) -> dict:
    """{(stranger, score name): Interval} of the AUROC of a stranger's clips against known ones (real and fake), mean over networks."""
    each = [strangeness(one, sample, seed=seed) for one in found]
    table = {}
    for name in strangers:
        keep = sample.known | (sample.forger == name)
        new = (sample.forger[keep] == name).astype(int)
        score = {kind: np.stack([one[kind][keep] for one in each]) for kind in ("distance", "energy")}
        said = readout.Scores(score, new, sample.people[keep], sample.forger[keep], tuple(range(len(each))), "linear")
        table |= {(name, kind): value for kind, value in readout.intervals(said, n=n, seed=seed).items()}
    return table


def landing(one: dict, sample, strangers) -> np.ndarray:
    """Which known class the neighbours of each stranger's clips belong to: (strangers, 1 + forgers) shares, rows adding to 1."""
    names = ("real", *sample.forgers)
    rows = np.zeros((len(strangers), len(names)))
    for r, stranger in enumerate(strangers):
        mine = np.flatnonzero(sample.forger == stranger)
        for i in mine:
            others = np.flatnonzero(sample.known & (sample.people != sample.people[i]))
            near = others[np.argsort(space.distances(one["fused"][i:i + 1], one["fused"][others])[0], kind="stable")[:NEIGHBOURS]]
            rows[r] += np.bincount(sample.generator[near], minlength=len(names))
    return rows / np.maximum(rows.sum(1, keepdims=True), 1)


# ------------------------------------------------------------------------------------------------ AMDD as a detector


def detection(found: list, sample, *, n: int, seed: int) -> dict:
    """{forger: Interval} of the AUROC of its clips against all reals, mean over networks, people resampled; and "all known"."""
    names = [*sample.forgers, *sorted(set(sample.forger[~sample.known].tolist()))]
    said = readout.Scores({"fake": np.stack([one["score"] for one in found])}, sample.label, sample.people, sample.forger, tuple(range(len(found))), "linear")
    table = {name: readout.intervals(said.against(name), n=n, seed=seed)["fake"] for name in names if (sample.forger == name).any()}
    return table | {"all known": readout.intervals(said.pick(sample.known), n=n, seed=seed)["fake"]}


def confusion(found: list, sample) -> tuple[np.ndarray, list]:
    """What the attribution head calls each class: shares (rows: real, known forgers, strangers; columns: the known), mean over networks; and row names."""
    names = ["real", *sample.forgers, *sorted(set(sample.forger[~sample.known].tolist()))]
    rows = [np.mean([np.bincount(one["logits"][sample.forger == name].argmax(1), minlength=len(sample.forgers) + 1) for one in found], 0) for name in names]
    return np.array([row / max(row.sum(), 1) for row in rows]), names


def named(found: list, sample, *, n: int, seed: int) -> Interval:
    """Share of the known fakes whose generator the attribution head names, as the paper counts (fakes only), people resampled."""
    fake = sample.generator > 0
    said = np.stack([one["logits"][fake].argmax(1) == sample.generator[fake] for one in found]).astype(float)
    rng, draws = np.random.default_rng(seed), []
    for _ in range(n):
        rows = metrics.resample(sample.people[fake], rng)
        draws.append(said[int(rng.random() * len(said)), rows].mean())
    return Interval(float(said.mean()), *map(float, np.quantile(draws, (0.025, 0.975))), np.array(draws))
