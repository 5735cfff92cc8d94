"""What an embedding knows, and how much of it a drawing shows: neighbours, probes on people never seen, novelty, maps of two dimensions.

Questions are asked in the full space first; a map comes last and is judged by how much of the full space it keeps. Every probe and every
neighbour vote crosses people: a clip is never judged by clips of the same person, or the people would pass for generators.
Distances are Euclidean on the embedding as it is. For cosine distances pass rows of unit length: on those both orders are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from avlab import metrics
from avlab.errors import AvlabError

PENALTY_C = 0.1  # of the linear probe, as in `readout`: firm, because clips are few
FOLDS = 5


# ------------------------------------------------------------------------------------------------ neighbours


def distances(x, y) -> np.ndarray:
    """Euclidean distances between the rows of x (N, D) and of y (M, D): (N, M)."""
    from scipy.spatial.distance import cdist

    return cdist(np.asarray(x, np.float64), np.asarray(y, np.float64))


def neighbours(x, k: int) -> np.ndarray:
    """Return the k nearest other rows of every row of x (N, D), nearest first: (N, k). A row is never its own neighbour, a copy of it is.

    Raises AvlabError unless 1 <= k < N and x is finite.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not np.isfinite(x).all() or not 1 <= k < len(x):
        raise AvlabError("Neighbours need finite rows (N, D), and 1 <= k < N", got=f"{x.shape}, k={k}")
    apart = distances(x, x)
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :k]


def knn_agreement(x, label, k: int = 10) -> float:
    """Return the mean share of a row's k nearest other rows that carry its label, 0..1; by chance see `chance_agreement`."""
    label = np.asarray(label)
    return float((label[neighbours(x, k)] == label[:, None]).mean())


def chance_agreement(label) -> float:
    """Return the share of ordered pairs of two rows with one label, sum_c n_c (n_c - 1) / (N (N - 1)): `knn_agreement` of random neighbours."""
    counts = np.unique(np.asarray(label), return_counts=True)[1].astype(float)
    return float((counts * (counts - 1)).sum() / (counts.sum() * (counts.sum() - 1)))


def neighbour_overlap(a, b, k: int) -> float:
    """Return the mean share of a row's k nearest neighbours in a (N, D) that are among its k nearest in b (N, E), 0..1.

    Blind to rotation, scale and to where clusters lie. Random maps give k / (N - 1).  Raises AvlabError when a and b differ in length.
    """
    if len(a) != len(b):
        raise AvlabError("Two maps of the same rows are compared", got=f"{len(a)} and {len(b)} rows")
    return float(np.mean([len(set(p) & set(q)) for p, q in zip(neighbours(a, k), neighbours(b, k), strict=True)]) / k)


def trustworthiness(x, y, k: int = 10) -> float:
    """Return how far neighbours in the map y (N, 2) are neighbours in x (N, D), 0..1 (Venna & Kaski 2001; scikit-learn's).

    T = 1 - 2 / (N k (2 N - 3 k - 1)) * sum_i sum_{j near i in y, not in x} (rank of j in x - k); a random map gives about 0.5.
    """
    from sklearn.manifold import trustworthiness as of

    return float(of(np.asarray(x), np.asarray(y), n_neighbors=k))


# ------------------------------------------------------------------------------------------------ probes


def folds(group, n: int, seed: int) -> np.ndarray:
    """Return (N,) the fold of every row, 0..n-1, whole groups (people) in one fold, sizes as equal as a shuffle of them allows.

    Raises AvlabError when there are fewer groups than folds.
    """
    names, member = np.unique(np.asarray(group), return_inverse=True)
    if not 2 <= n <= len(names):
        raise AvlabError("Every fold needs a person of its own", got=f"{n} folds, {len(names)} people", todo="Take clips of more people, or fewer folds")
    return (np.random.default_rng([seed, 17]).permutation(len(names)) % n)[member]


def probe_predictions(x, label, group, *, n_folds: int = FOLDS, seed: int = 0, c: float = PENALTY_C) -> np.ndarray:
    """Return the label that a linear probe gives every row, (N,), fitted on the clips of other people only.

    Alain & Bengio 2016: standardise, then multinomial logistic regression with balanced classes; mean and scale of the training folds.
    x (N, D)   label (N,)   group (N,) people
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, label = np.asarray(x, np.float64), np.asarray(label)
    where, said = folds(group, n_folds, seed), np.empty_like(label)
    for fold in range(n_folds):
        test = where == fold
        if len(set(label[~test].tolist())) < 2:
            raise AvlabError("A probe needs two labels among the people it is fitted on", got=set(label[~test].tolist()))
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=c, class_weight="balanced", max_iter=2000))
        said[test] = probe.fit(x[~test], label[~test]).predict(x[test])
    return said


def knn_predictions(x, label, group, k: int = 10) -> np.ndarray:
    """Return the label that the k nearest rows of other people vote for, (N,); votes weigh 1 / (clips of that label), ties go to the nearer."""
    label, group = np.asarray(label), np.asarray(group)
    apart = distances(x, x)
    apart[group[:, None] == group] = np.inf
    near = np.argsort(apart, axis=1, kind="stable")[:, :k]
    names, number, count = np.unique(label, return_inverse=True, return_counts=True)
    votes = np.zeros((len(label), len(names)))
    for rank in range(near.shape[1]):
        np.add.at(votes, (np.arange(len(label)), number[near[:, rank]]), 1 / count[number[near[:, rank]]] * (1 - 1e-6 * rank))
    return names[votes.argmax(1)]


def balanced_accuracy(said, label) -> float:
    """Return the mean over the labels that occur of the share of their rows that were named right; a constant answer gives 1 / labels."""
    said, label = np.asarray(said), np.asarray(label)
    return float(np.mean([(said[label == name] == name).mean() for name in np.unique(label)]))


def probe_accuracy(x, label, group, *, n_folds: int = FOLDS, seed: int = 0) -> float:
    """Return the balanced accuracy of `probe_predictions`."""
    return balanced_accuracy(probe_predictions(x, label, group, n_folds=n_folds, seed=seed), label)


def accuracy_intervals(said: Mapping[str, Sequence], label, people, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> dict:
    """Return {name: metrics.Interval} of the balanced accuracy, all names on the same draws, so that differences are paired.

    said    {name: (K, N)} what each of K networks (or fits) said of every clip; K may differ between names
    value = mean over the K. A draw takes one of the K rows by a common random share and resamples whole people inside it.
    """
    label, rng, draws = np.asarray(label), np.random.default_rng(seed), []
    said = {name: np.atleast_2d(rows) for name, rows in said.items()}
    for _ in range(n):
        rows, place = metrics.resample(people, rng), rng.random()
        draws.append([balanced_accuracy(s[int(place * len(s)), rows], label[rows]) for s in said.values()])
    ends = ((1 - level) / 2, (1 + level) / 2)
    return {name: metrics.Interval(float(np.mean([balanced_accuracy(row, label) for row in s])), *map(float, np.quantile(d, ends)), d)
            for (name, s), d in zip(said.items(), np.array(draws).T, strict=True)}


# ------------------------------------------------------------------------------------------------ strangers


def novelty(train_x, x, k: int = 10) -> np.ndarray:
    """Return the distance of every row of x (M, D) to its k-th nearest row of train_x (N, D): (M,), larger = further from all that is known.

    Both are divided by the deviations of train_x, so that no dimension rules by its unit alone.  Raises AvlabError unless 1 <= k <= N.
    """
    train_x, x = np.asarray(train_x, np.float64), np.asarray(x, np.float64)
    if not 1 <= k <= len(train_x):
        raise AvlabError("The k-th neighbour must exist", got=f"k={k} of {len(train_x)} clips")
    scale = train_x.std(0) + 1e-9
    return np.sort(distances(x / scale, train_x / scale), axis=1)[:, k - 1]


def energy(logits) -> np.ndarray:
    """Return the free energy of class logits (N, C), -log sum_c exp(logit_c): (N,), larger = less like any class (Liu et al. 2020)."""
    from scipy.special import logsumexp

    return -logsumexp(np.asarray(logits, np.float64), axis=1)


# ------------------------------------------------------------------------------------------------ maps


def tsne(x, perplexity: float = 30.0, seed: int = 0, *, start: str = "random") -> np.ndarray:
    """Return a t-SNE map (N, 2) of x (N, D) (van der Maaten & Hinton 2008).

    start   "random", as first published: then where the clusters lie is drawn by `seed`; "pca": first two principal components, so that the
            arrangement says something and every seed gives the same (Kobak & Linderman 2021)
    A perplexity past a third of N is cut to it.
    """
    from sklearn.manifold import TSNE

    x = np.asarray(x, np.float32)
    made = TSNE(perplexity=min(perplexity, (len(x) - 1) / 3), init=start, random_state=seed, learning_rate="auto", n_jobs=1).fit_transform(x)
    return made.astype(np.float64)


def umap(x, n_neighbors: int = 15, seed: int = 0) -> np.ndarray:
    """Return a UMAP map (N, 2) of x (N, D) (McInnes, Healy & Melville 2018). The first call compiles for some seconds."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "n_jobs value 1 overridden to 1 by setting random_state"
        from umap import UMAP

        return UMAP(n_neighbors=min(n_neighbors, len(x) - 1), random_state=seed, n_jobs=1).fit_transform(np.asarray(x, np.float32)).astype(np.float64)

