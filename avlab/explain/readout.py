"""The simple read-out: can a straight line tell real from fake in a signal, on people and forgers it never saw?

A signal (a film of D channels) is reduced to the mean and the deviation of every channel, and a standardised linear
classifier is fitted. Nothing is tuned: one penalty, fixed beforehand, for every cell of a table. Label 1 = fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from avlab import metrics
from avlab.errors import AvlabError

PENALTY_C = 0.1  # inverse L2 strength of scikit-learn: firm, because clips are fewer than twice the features
KEEP = 0.8  # share of the training people that one seed sees


@dataclass(frozen=True)
class Scores:
    """What a read-out gave the test clips.

    score  {name: (K, N)} larger = more fake, one row a seed      label, people, forger  (N,) of the test clips
    seeds  (K,) what produced the rows                            classifier  "linear" or "mlp"
    """

    score: dict
    label: np.ndarray
    people: np.ndarray
    forger: np.ndarray
    seeds: tuple
    classifier: str

    def pick(self, keep) -> Scores:
        """Return the scores of the test clips where keep (N,) is true."""
        keep = np.asarray(keep, bool)
        return Scores({k: v[:, keep] for k, v in self.score.items()}, self.label[keep], self.people[keep], self.forger[keep], self.seeds, self.classifier)

    def against(self, forger: str) -> Scores:
        """Return the scores of one forger's clips and of all reals."""
        return self.pick((self.forger == forger) | (self.label == 0))


def channel_features(film, weight=None) -> np.ndarray:
    """Return mean and deviation of every channel: (B, D, T, h, w) -> (B, 2D), means first.

    weight  (B, T, h, w) or broadcastable, 0..1: how much each cell counts (a mask); None = all alike
    Raises AvlabError for a film that is not finite, or a weight that is 0 everywhere.
    """
    film = np.asarray(film, dtype=np.float64)
    if film.ndim != 5 or not np.isfinite(film).all():
        raise AvlabError("A film of features is (B, D, T, h, w) and finite", got=film.shape)
    share = np.ones_like(film[:, :1]) if weight is None else np.broadcast_to(np.asarray(weight, np.float64)[:, None], film[:, :1].shape)
    total = share.sum((2, 3, 4))
    if not (total > 0).all():
        raise AvlabError("A mask must cover something in every clip", got=f"{int((total <= 0).sum())} empty")
    mean = (film * share).sum((2, 3, 4)) / total
    spread = ((film - mean[:, :, None, None, None]) ** 2 * share).sum((2, 3, 4)) / total
    return np.concatenate([mean, np.sqrt(spread)], 1)


def fit_scores(train_x, train_label, test_x, *, classifier="linear", seed=0) -> np.ndarray:
    """Fit on the training clips, return one score for each test clip (log-odds of fake).

    "linear": standardise, then logistic regression with balanced classes. "mlp": the same with one hidden layer of 32.
    Mean and scale come from the training clips alone.  Raises AvlabError when training holds one class.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train_label = np.asarray(train_label)
    if len(set(train_label.tolist())) != 2:
        raise AvlabError("Real and fake clips are both needed to fit a read-out", got=f"{len(train_label)} clips of one class")
    if classifier not in ("linear", "mlp"):
        raise AvlabError("A read-out is linear or mlp", got=classifier)
    if classifier == "linear":
        last = LogisticRegression(C=PENALTY_C, class_weight="balanced", max_iter=2000)
        return make_pipeline(StandardScaler(), last).fit(train_x, train_label).decision_function(test_x)
    last = MLPClassifier((32,), alpha=1.0, max_iter=2000, random_state=seed)
    fake = make_pipeline(StandardScaler(), last).fit(train_x, train_label).predict_proba(test_x)[:, 1]
    return np.log(np.clip(fake, 1e-9, 1) / np.clip(1 - fake, 1e-9, 1))


def read_out(features: Mapping, label, people, forger, train, test, *, seeds=(0, 1, 2), classifier="linear", keep=KEEP, new_forgers=True) -> Scores:
    """Train on some people, score others; once for every seed, each on its own draw of the training people.

    features  {name: (N, F)}, or {name: (train (N, F), test (N, F))} to fit on one signal and test on another
    label, people, forger  (N,); people = who is seen      train, test  (N,) bool
    keep      share of the training people a seed draws; both classes are kept
    new_forgers  True: the forgers of the test are new too; False: only its people are
    Raises AvlabError when a person (or, if new_forgers, a forger) stands on both sides.  Real clips do, under forger "real".
    """
    label, people, forger, train, test = (np.asarray(x) for x in (label, people, forger, train, test))
    check_disjoint(people, forger, train, test, forgers=new_forgers)
    rows = {seed: _draw_people(people, label, np.flatnonzero(train), keep, seed) for seed in seeds}
    score = {}
    for name, x in features.items():
        fit_x, test_x = x if isinstance(x, tuple) else (x, x)
        score[name] = np.stack([fit_scores(fit_x[rows[s]], label[rows[s]], test_x[test], classifier=classifier, seed=s) for s in seeds])
    return Scores(score, label[test], people[test], forger[test], tuple(seeds), classifier)


def check_disjoint(people, forger, train, test, *, forgers=True):
    """Raise AvlabError unless no person (and, if forgers, no forger) stands in training and test alike."""
    for what, names in (("person", people), ("forger", forger)) if forgers else (("person", people),):
        both = set(np.asarray(names)[np.asarray(train)].tolist()) & set(np.asarray(names)[np.asarray(test)].tolist()) - {"real"}
        if both:
            raise AvlabError(f"No {what} may stand in training and test", got=sorted(map(str, both)), todo="Split the clips again")


def intervals(scores: Scores, *, n=1000, seed=0, by="people", level=0.95) -> dict:
    """Return {name: metrics.Interval} of the AUROC, all names on the same draws so that differences are paired.

    value = mean AUROC over seeds. A draw takes one seed, then resamples whole people inside it (curriculum 1.4); by="clips"
    resamples single clips instead, which is too narrow when a person has several clips.  Raises AvlabError for one class.
    """
    if by not in ("people", "clips"):
        raise AvlabError("Resampling is by people or by clips", got=by)
    value = {name: float(np.mean([metrics.auroc(row, scores.label) for row in rows])) for name, rows in scores.score.items()}
    groups = scores.people if by == "people" else np.arange(len(scores.label))
    rng, draws, left = np.random.default_rng(seed), [], 20 * n
    while len(draws) < n:
        rows, k, left = metrics.resample(groups, rng), rng.integers(len(scores.seeds)), left - 1
        try:
            draws.append([metrics.auroc(s[k, rows], scores.label[rows]) for s in scores.score.values()])
        except metrics.OneClass:
            if left < 0:
                raise AvlabError("Resampling hardly ever keeps both classes", got=f"{len(set(groups.tolist()))} groups", todo="Take more clips") from None
    draws, ends = np.array(draws), ((1 - level) / 2, (1 + level) / 2)
    return {name: metrics.Interval(value[name], *map(float, np.quantile(d, ends)), d) for name, d in zip(scores.score, draws.T)}


def _draw_people(people, label, rows, keep, seed):
    """Return the rows of a random share of the people; drawn again while a class is missing."""
    rng, names = np.random.default_rng(seed), np.unique(people[rows])
    for _ in range(100):
        chosen = rng.permutation(names)[: max(1, round(keep * len(names)))]
        mine = rows[np.isin(people[rows], chosen)]
        if len(set(label[mine].tolist())) == 2:
            return mine
    return rows
