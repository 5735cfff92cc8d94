"""The trainings of notebook 06 and what is read off them: the 2x2 ablation, and scores of the finished detectors.

Scores of several trainings are (K, N): K trainings, N test clips. Intervals resample people and, inside each draw, trainings.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from avlab import metrics
from avlab.clips import load_clip
from avlab.course import nb06_clips
from avlab.course.nb06_toys import relabel
from avlab.detectors import losses, msct
from avlab.detectors.msct_training import ATTENTION, SEEDS, bundled, fresh
from avlab.detectors.training import fit, predict
from avlab.errors import AvlabError

CELLS = {"CA+SA": (False, False), "CA+MSSA": (False, True), "DCA+SA": (True, False), "DCA+MSSA": (True, True)}  # differential, multi-scale
FULL = "DCA+MSSA"
STREAMS = ("video", "audio")
PARTS = ("similarity", "logits_video", "logits_audio", *(f"{kind}_norm_{stream}" for kind in ("cross", "diff") for stream in STREAMS))


# ------------------------------------------------------------------------------------------------ trainings


def encoders(n: int) -> list:
    """The bundled detectors whose picture encoders n trainings use: training s takes number s modulo their number."""
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


def train(clips, table, encoder, p, *, seed, shuffled=False, mutant="none", **config):
    """One MSCT behind a given picture encoder, trained on its vectors. config as of `msct.MSCT`.

    shuffled   labels that mean nothing, in training and where the epoch is chosen: true ones there would pick the epoch that reads them best
    """
    options = {"reading": p.reading, "kernels": tuple(p.kernels), "blocks": p.blocks, "align_weight": p.align_weight} | config
    model = fresh(encoder, seed=seed, **options)
    data = [clips.dataset(rows, table, shuffled_rows(rows, seed) if shuffled else None) for rows in (clips.train, choosing_rows(clips, mutant))]
    fit(model, flipped_loss if mutant == "polarity_flip" else msct.total_loss, *data, seed=seed, **recipe(len(clips.train), p.epochs))
    return model


def recipe(clips: int, epochs: int) -> dict:
    """ATTENTION for as many clips: small batches for few of them, a warmup of a fifth of the steps at most, and the epoch by its loss.

    An AUROC of a few dozen val clips is too coarse to choose by.
    """
    size = 32 if clips >= 256 else 16 if clips >= 64 else 8
    return ATTENTION | {"epochs": epochs, "batch_size": size, "warmup": min(20, epochs * (clips // size) // 5), "monitor": "loss"}


def trainings(clips, tables, encoders, p, **options) -> list:
    """`train` once for every seed of the run, on that seed's picture vectors: a list of models."""
    return [train(clips, tables[s], encoders[s], p, seed=p.seed + s, **options) for s in range(p.seeds_train)]


def ablation(clips, tables, encoders, p, mutant="none", ready=None) -> dict:
    """The four cells, trained with paired seeds: {cell: [model ...]}; ready = cells that were trained before."""
    found = {}
    for cell, (differential, multi_scale) in CELLS.items():
        words = {"mutant": mutant, "differential": differential, "multi_scale": multi_scale}
        found[cell] = (ready or {}).get(cell) or trainings(clips, tables, encoders, p, **words)
        print(f"{cell:8} {p.seeds_train} training{'s' * (p.seeds_train > 1)}, {weights(found[cell][0]):,} weights behind the picture encoder")
    return found


def weights(model) -> int:
    """Weights that a training here moves: all but the picture encoder's."""
    return sum(v.numel() for name, v in model.named_parameters() if not name.startswith("picture_encoder"))


def shuffled_rows(rows, seed) -> tuple:
    """The rows that lend their labels when labels mean nothing: permuted over all clips.

    Not inside people, as elsewhere: most people have one or two clips here, whose labels would stay where they are, and the control would learn from them.
    """
    return tuple(rows[i] for i in np.random.default_rng([7, seed]).permutation(len(rows)))


# ------------------------------------------------------------------------------------------------ scores


def bundled_scores(clips, tables, models) -> list:
    """`measured` of the bundled detectors as they are, one a different seed."""
    return measured_all(clips, tables[:len(SEEDS)], models[:len(SEEDS)])


def renamed(clips, table, model, seed) -> np.ndarray:
    """Logits (1, N) of the test clips after the features of every head of every self-attention were given new places (`nb06_toys.relabel`)."""
    model, rng = copy.deepcopy(model), np.random.default_rng([9, seed])
    for block in model.blocks:
        for stream in (block.video, block.audio):
            attention = stream.self_attention
            relabel(attention, rng.permutation(attention.to_q.out_features // attention.heads))
    return measured(clips, table, model)["logit"][None]


def measured(clips, table, model, rows=None) -> dict:
    """`predict` on test rows with the parts that the notebook reads; table holds vectors or pictures, this model's or the clips' own."""
    return predict(model, clips.dataset(clips.test if rows is None else rows, table), parts=PARTS if len(model.blocks) else PARTS[:3])


def measured_all(clips, tables, models, rows=None) -> list:
    """`measured` of every model of `trainings`."""
    return [measured(clips, table, model, rows) for table, model in zip(tables, models, strict=True)]


def stack(found, name="logit") -> np.ndarray:
    """One quantity of several measurements, (K, N)."""
    return np.stack([one[name] for one in found])


def head(found, stream) -> np.ndarray:
    """Log-odds of fake of one stream's own head, (K, N)."""
    logits = stack(found, f"logits_{stream}")
    return logits[..., 1] - logits[..., 0]


def either(found) -> np.ndarray:
    """Log-odds that picture or sound is forged, from the two streams' own heads taken as independent, (K, N): a detector without attention."""
    real = -np.logaddexp(0, head(found, "video")) - np.logaddexp(0, head(found, "audio"))  # log of both being real
    return np.log(-np.expm1(np.minimum(real, -1e-12))) - real


def mean_auroc(scores, label) -> float:
    """Mean over trainings of the AUROC of scores (K, N)."""
    return float(np.mean([metrics.auroc(row, label) for row in scores]))


def intervals(statistics: dict, people, n, seed) -> dict:
    """{name: Interval} of statistics {name: (K, function)}, function (rows, trainings) -> float, all on the same draws: differences are paired.

    A draw takes people with replacement, and trainings (of K) with replacement; one in which a statistic is undefined is drawn again.
    people (N,).  Raises AvlabError where hardly any draw keeps both classes.
    """
    people, counts = np.asarray(people), max(k for k, _ in statistics.values())
    whole = [float(fn(np.arange(len(people)), np.arange(k))) for k, fn in statistics.values()]
    rng, draws, left = np.random.default_rng(seed), [], 20 * n
    while len(draws) < n:
        rows, chosen, left = metrics.resample(people, rng), rng.integers(0, counts, counts), left - 1
        try:
            draws.append([fn(rows, chosen % k) for k, fn in statistics.values()])
        except metrics.OneClass:
            if left < 0:
                raise AvlabError("Resampling hardly ever keeps both classes", got=f"{len(set(people.tolist()))} people", todo="Take more clips") from None
    draws = np.array(draws)
    ends = np.quantile(draws, (0.025, 0.975), axis=0)
    return {name: metrics.Interval(whole[i], *map(float, ends[:, i]), draws[:, i]) for i, name in enumerate(statistics)}


def auroc_of(scores, label):
    """(K, function) for `intervals`: the mean AUROC of scores (K, N)."""
    return len(scores), lambda rows, chosen: mean_auroc(scores[chosen][:, rows], label[rows])


def judge_cells(scores, clips, n, seed) -> dict:
    """AUROC of scores {name: (K, N)} on the test clips whose forgers may be known: {name: Interval}, all on common draws."""
    known, label = clips.seen, clips.column("label")
    statistics = {name: auroc_of(values[:, known], label[known]) for name, values in scores.items()}
    return intervals(statistics, clips.column("identity")[known], n, seed)


def shuffled_control(scores, clips, seed) -> tuple:
    """(AUROC, 0.4, 0.6) of detectors trained on labels permuted over all clips, scored against test labels permuted likewise."""
    label = np.random.default_rng([10, seed]).permutation(clips.column("label")[clips.seen])
    return mean_auroc(scores[:, clips.seen], label), 0.4, 0.6


def by_forger(clips, found, n, seed) -> dict:
    """AUROC of each forger against all reals, mean over detectors: {forger: Interval}."""
    label, forger = clips.column("label"), clips.column("forger")
    made = {}
    for name in sorted(set(forger) - {"real"}, key=lambda f: (f not in set(forger[clips.seen]), f)):
        part = (label == 0) | (forger == name)
        made |= intervals({name: auroc_of(stack(found)[:, part], label[part])}, clips.column("identity")[part], n, seed)
    return made


def stream_auroc(clips, found, stream) -> float:
    """AUROC of one stream's own head for that stream's own label, on the clips whose forgers may be known."""
    label = (clips.column(f"label_{stream}") == "fake").astype(int)
    return mean_auroc(head(found, stream)[:, clips.seen], label[clips.seen])


def seen_and_new(clips, found, models, n, seed) -> dict:
    """AUROC Intervals of the bundled detectors: forgers of the training, new forgers, and the control: the fakes' true clips called fake."""
    label, people, seen, new = clips.column("label"), clips.column("identity"), clips.seen, clips.new
    rows = nb06_clips.sources(clips)
    arrays = {row.clip_id: msct.inputs(load_clip(row)) for row in rows}
    truth = [predict(model, clips.dataset(rows, arrays))["logit"] for model in models[:len(found)]]
    real, logit = label == 0, stack(found)
    parts = {"forgers of the training": (logit[:, seen], label[seen], people[seen]),
             "new forgers": (logit[:, real | new], label[real | new], people[real | new]),
             "true clips called fake": (np.concatenate([np.stack(truth), logit[:, real]], 1), np.repeat([1, 0], [len(rows), int(real.sum())]),
                                        np.concatenate([[row.identity for row in rows], people[real]]))}
    return {name: intervals({name: auroc_of(scores, y)}, who, n, seed)[name] for name, (scores, y, who) in parts.items()}


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


def probability(logit) -> np.ndarray:
    """What a logit says of fake, 0..1."""
    return 1 / (1 + np.exp(-np.asarray(logit, float)))


def hard_counts(logit, label, threshold=0.5) -> tuple:
    """(tp, fn, tn, fp) of calling fake whatever has a probability of at least the threshold."""
    called = probability(logit) >= threshold
    label = np.asarray(label)
    return tuple(int(((called == c) & (label == y)).sum()) for c, y in ((True, 1), (False, 1), (False, 0), (True, 0)))


def hard_auc(tp, fn, tn, fp) -> float:
    """AUC of yes-or-no answers: (TPR + TNR) / 2."""
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


