"""The trainings of notebook 06 and what is read off them: the 2x2 ablation, the mechanism, and scores of the finished detectors.

Scores of several trainings are (K, N): K trainings, N test clips. Intervals resample people and, inside each draw, trainings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.stats import spearmanr

from avlab import metrics
from avlab.course import nb06_clips
from avlab.detectors import losses, msct
from avlab.detectors.msct_training import SEEDS, bundled, fresh, train_attention
from avlab.detectors.training import fit, predict
from avlab.explain.controls import permuted_labels, shuffled_order

CELLS = {"CA+SA": (False, False), "CA+MSSA": (False, True), "DCA+SA": (True, False), "DCA+MSSA": (True, True)}  # differential, multi-scale
FULL = "DCA+MSSA"
STREAMS = ("video", "audio")
PARTS = ("similarity", "logits_video", "logits_audio", *(f"{kind}_norm_{stream}" for kind in ("cross", "diff") for stream in STREAMS))


# ------------------------------------------------------------------------------------------------ trainings


def encoders(n: int) -> list:
    """The bundled detectors whose picture encoders n trainings use: training s takes number s modulo 3."""
    kept = {seed: bundled(seed) for seed in SEEDS[:n]}
    return [kept[SEEDS[s % len(SEEDS)]] for s in range(n)]


def flipped_loss(model, batch):
    """`msct.total_loss` with the alignment's polarity the wrong way round: the mutant polarity_flip (trap M6)."""
    said = []
    hook = model.register_forward_hook(lambda module, inputs, made: said.append(made.parts))
    try:
        found = msct.total_loss(model, batch)
    finally:
        hook.remove()
    wrong = losses.alignment(said[0]["video"], said[0]["audio"], batch["label"])
    return {**found, "alignment": wrong, "total": found["total"] + model.align_weight * (wrong - found["alignment"])}


def choosing_rows(clips, mutant="none") -> tuple:
    """The clips that choose the epoch: the val split; under test_is_val the very clips that are scored, as in the inherited protocol (M9)."""
    if mutant == "test_is_val":
        return tuple(replace(row, split="val") for row in clips.test if row.forger in {r.forger for r in clips.train})
    return clips.val


def train(clips, table, encoder, p, *, seed, labels=None, mutant="none", **config):
    """One MSCT behind a given picture encoder, trained on its vectors. config as of `msct.MSCT`; labels as of ClipDataset (train only)."""
    options = {"reading": p.reading, "kernels": tuple(p.kernels), "blocks": p.blocks, "align_weight": p.align_weight} | config
    model = fresh(encoder, seed=seed, **options)
    data = clips.dataset(clips.train, table, labels), clips.dataset(choosing_rows(clips, mutant), table)
    if mutant == "polarity_flip":
        from avlab.detectors.msct_training import ATTENTION
        fit(model, flipped_loss, *data, seed=seed, **ATTENTION | {"epochs": p.epochs})
    else:
        train_attention(model, *data, seed=seed, epochs=p.epochs)
    return model


def ablation(clips, tables, models, p, mutant="none", progress: Callable = print) -> dict:
    """The four cells, trained with paired seeds: {cell: [model ...]}; tables and models one a seed."""
    found = {}
    for cell, (differential, multi_scale) in CELLS.items():
        found[cell] = [train(clips, tables[s], models[s], p, seed=p.seed + s, mutant=mutant, differential=differential, multi_scale=multi_scale)
                       for s in range(p.seeds_train)]
        progress(f"{cell}: {p.seeds_train} trainings, {weights(found[cell][0]):,} weights behind the picture encoder")
    return found


def weights(model) -> int:
    """Weights that a training here moves: all but the picture encoder's."""
    return sum(v.numel() for name, v in model.named_parameters() if not name.startswith("picture_encoder"))


def shuffled_rows(rows, seed) -> tuple:
    """The rows that lend their labels when labels mean nothing: permuted inside each person."""
    order = permuted_labels(np.arange(len(rows)), np.array([row.identity for row in rows]), np.random.default_rng([7, seed]))
    return tuple(rows[i] for i in order)


# ------------------------------------------------------------------------------------------------ scores


def measured(clips, table, model, rows=None) -> dict:
    """`predict` on test rows with the parts that the notebook reads; table holds vectors or pictures, this model's or the clips' own."""
    return predict(model, clips.dataset(clips.test if rows is None else rows, table), parts=PARTS)


def stack(found, name="logit") -> np.ndarray:
    """One quantity of several measurements, (K, N)."""
    return np.stack([one[name] for one in found])


def head(found, stream) -> np.ndarray:
    """Log-odds of fake of one stream's own head, (K, N)."""
    logits = stack(found, f"logits_{stream}")
    return logits[..., 1] - logits[..., 0]


def mean_auroc(scores, label) -> float:
    """Mean over trainings of the AUROC of scores (K, N)."""
    return float(np.mean([metrics.auroc(row, label) for row in scores]))


def intervals(statistics: dict, people, n, seed) -> dict:
    """{name: Interval} of statistics that are functions (rows, trainings) -> float; all names on the same draws, so that differences are paired.

    A draw takes people with replacement, and trainings with replacement; one in which a statistic is undefined (one class) is drawn again.
    people (N,); every statistic also has its number of trainings K as an attribute of the tuple (K, function)
    """
    people = np.asarray(people)
    counts = max(k for k, _ in statistics.values())
    everything = {name: float(fn(np.arange(len(people)), np.arange(k))) for name, (k, fn) in statistics.items()}
    rng, draws = np.random.default_rng(seed), []
    for _ in range(20 * n):
        rows, chosen = metrics.resample(people, rng), rng.integers(0, counts, counts)
        try:
            draws.append([fn(rows, chosen % k) for k, fn in statistics.values()])
        except metrics.OneClass:
            continue
        if len(draws) == n:
            break
    ends = np.quantile(draws, (0.025, 0.975), axis=0)
    return {name: metrics.Interval(everything[name], *map(float, ends[:, i]), np.array([d[i] for d in draws])) for i, name in enumerate(statistics)}


def auroc_of(scores, label):
    """(K, function) for `intervals`: the mean AUROC of scores (K, N)."""
    return len(scores), lambda rows, chosen: mean_auroc(scores[chosen][:, rows], label[rows])


def effects(cells: dict) -> dict:
    """Main effects and interaction of {cell: Interval} on common draws: {"dca", "mssa", "interaction", "dca-mssa"}.

    dca = mean of the two DCA cells minus mean of the two CA cells, mssa likewise;  interaction = (DCA+MSSA - DCA+SA) - (CA+MSSA - CA+SA)
    """
    signs = {"dca": (-0.5, -0.5, 0.5, 0.5), "mssa": (-0.5, 0.5, -0.5, 0.5), "interaction": (1, -1, -1, 1), "dca-mssa": (0, -1, 1, 0)}
    return {name: combined([cells[cell] for cell in CELLS], sign) for name, sign in signs.items()}


def combined(parts, sign):
    """The weighted sum of intervals on common draws, as an Interval."""
    draws = sum(s * part.draws for s, part in zip(sign, parts, strict=True))
    value = sum(s * part.value for s, part in zip(sign, parts, strict=True))
    return metrics.Interval(float(value), *map(float, np.quantile(draws, (0.025, 0.975))), draws)


def hard_counts(logit, label, threshold=0.5) -> tuple:
    """(tp, fn, tn, fp) of calling fake whatever has a probability of at least the threshold."""
    called = 1 / (1 + np.exp(-np.asarray(logit, float))) >= threshold
    label = np.asarray(label)
    return tuple(int(((called == c) & (label == y)).sum()) for c, y in ((True, 1), (False, 1), (False, 0), (True, 0)))


def hard_auc(tp, fn, tn, fp) -> float:
    """AUC of yes-or-no answers: (TPR + TNR) / 2."""
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


# ------------------------------------------------------------------------------------------------ the mechanism


def log_norm(found, kind) -> np.ndarray:
    """Mean log of a norm over blocks, heads and both streams, (K, N): ratios of norms become differences, whatever the network's scale."""
    return np.mean([np.log(np.maximum(stack(found, f"{kind}_norm_{stream}"), 1e-12)).mean((2, 3)) for stream in STREAMS], axis=0)


def real_minus_fake(values, label):
    """(K, function) for `intervals`: mean over trainings and real clips minus that over fakes, of values (K, N)."""
    def gap(rows, chosen):
        part, y = values[chosen][:, rows], label[rows]
        if not 0 < y.sum() < len(y):
            raise metrics.OneClass("Real and fake clips are both needed", got=len(y))
        return part[:, y == 0].mean() - part[:, y == 1].mean()
    return len(values), gap


def rank_correlation(a, b):
    """(K, function) for `intervals`: mean over trainings of Spearman's rank correlation of a and b, both (K, N)."""
    return len(a), lambda rows, chosen: float(np.mean([spearmanr(a[k][rows], b[k][rows]).statistic for k in chosen]))


def other_sounds(clips, table, seed) -> dict:
    """Tables of the test's real clips with their own sound, another person's, and white noise: (rows, {name: table})."""
    rows = [row for row in clips.test if row.label == 0]
    own = np.stack([table[row.clip_id]["fbank"] for row in rows]).astype(np.float32)
    order = shuffled_order([row.identity for row in rows], [row.category for row in rows], seed=seed)
    sounds = {"own": own, "another's": own[order], "noise": nb06_clips.noise(len(rows), own.shape[2], seed)}
    return rows, {name: nb06_clips.with_sound(table, rows, fbank) for name, fbank in sounds.items()}, sounds


def disturbed(sounds: dict, t: float) -> np.ndarray:
    """fbanks between the own sound (0), another's (0.5) and noise (1), mixed linearly."""
    left, right, share = ("own", "another's", 2 * t) if t <= 0.5 else ("another's", "noise", 2 * t - 1)
    return (1 - share) * sounds[left] + share * sounds[right]


def flip_cross_queries(model) -> dict:
    """W' -> -W' in the first block, in place."""
    import torch
    with torch.no_grad():
        for stream in (model.blocks[0].video, model.blocks[0].audio):
            stream.cross_attention.to_q_cross.weight.neg_()


def permutation_band(values, label, people, n, seed) -> tuple:
    """(value, lo, hi): real minus fake under one permutation of the labels inside people, and the band of n others."""
    rng, (k, gap) = np.random.default_rng([8, seed]), (None, None)
    draws = []
    for _ in range(n + 1):
        k, gap = real_minus_fake(values, permuted_labels(label, people, rng))
        draws.append(gap(np.arange(len(label)), np.arange(k)))
    return (float(draws[0]), *map(float, np.quantile(draws[1:], (0.025, 0.975))))
