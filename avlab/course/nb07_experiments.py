"""The experiments of notebook 07: what a localiser finds, what it finds without one of its senses, and what its attention has to do with it.

Everything here is measured on a `Sample` (nb07_clips) with a MMMS-BA model; nothing is trained and nothing is drawn.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import spearmanr
from torch.nn import functional as F

from avlab.detectors import localise, mmmsba
from avlab.detectors.training import predict
from avlab.localisation_metrics import AR_IOU, ROUNDING
from avlab.metrics import Interval, ap_from_hits, interval_iou, paired_bootstrap, proposal_hits

PARTS = ("frame_logit", "spans", "valid")
IOUS = (0.5, 0.75, 0.95)


# ------------------------------------------------------------------------------------------------ what is found


def found(model, sample, *, sigma=0.75, spans=True) -> list:
    """Proposals of every clip, best first: from frames and spans after soft-NMS, or (spans=False) from runs of frames alone."""
    parts = predict(model, sample.data(), parts=PARTS)
    return localise.proposals(parts, stride=model.stride, sigma=sigma) if spans else localise.grouped(parts)


def by_chance(sample, seed, *, each=10) -> list:
    """Proposals that know the lengths of the true spans and nothing else: times and scores are drawn."""
    rng, lengths = np.random.default_rng(seed), np.concatenate([np.diff(t)[:, 0] for t in sample.truth if len(t)])
    made = []
    for row in sample.rows:
        length = rng.choice(lengths, each)
        start = rng.random(each) * (row.duration_s - length)
        made.append(np.stack([start, start + length, rng.random(each)], 1))
    return made


def judged(proposals: dict, sample, measure, *, n=200, seed=0) -> dict:
    """Measure {name: [proposals of one trained model, ...]} and bootstrap: {name: Interval} of the mean over models.

    measure  (truth of one clip, its proposals) -> an array for `pooled`; use `average_precision(iou)` or `recall(n, iou)`
    A draw resamples people, the same for all names, and the models of each name (its training seeds).
    """
    card, pool = measure
    counts = np.array([len(t) for t in sample.truth])
    scores = {}
    for name, models in proposals.items():
        for k, made in enumerate(models):
            cards = np.empty(len(counts), object)
            cards[:] = [card(t, p) for t, p in zip(sample.truth, made, strict=True)]
            scores[name, k] = cards
    each = paired_bootstrap(pool, scores, counts, groups=sample.people, n=n, seed=seed)
    return {name: _over_models([each[name, k] for k in range(len(models))], seed) for name, models in proposals.items()}


def _over_models(each, seed):
    draws, rng = np.stack([one.draws for one in each], 1), np.random.default_rng(seed)
    chosen = rng.integers(0, len(each), draws.shape)
    mean = np.take_along_axis(draws, chosen, 1).mean(1)
    value = float(np.mean([one.value for one in each]))
    return Interval(value, *(float(q) for q in np.quantile(mean, (0.025, 0.975))), mean)


def average_precision(iou):
    """AP at one IoU, as a measure for `judged`."""
    def pool(cards, counts):
        return ap_from_hits(np.concatenate([c[0] for c in cards]), np.concatenate([c[1] for c in cards]), int(counts.sum()))
    return (lambda truth, made: (made[:, 2], proposal_hits(made, truth, iou))), pool


def recall(n, iou=None):
    """Share of true spans that one of the n best proposals covers, at one IoU or averaged over LAV-DF's ten, as a measure for `judged`."""
    from avlab.errors import OneClass

    levels = AR_IOU if iou is None else np.array([iou])

    def card(truth, made):
        best = interval_iou(made[:n, :2], truth).max(0, initial=0.0)
        return (best[:, None] > levels + ROUNDING).mean(1)

    def pool(cards, counts):
        if not counts.sum():
            raise OneClass("Recall needs a true span")
        return float(np.concatenate(list(cards)).mean())
    return card, pool


def ties(mutant="none") -> float:
    """AP@0.5 of three proposals that overlap their true span by exactly one half, which is not above: 0."""
    truth = [np.array([[0.2 * k, 0.2 * k + 0.4]]) for k in range(3)]
    made = [np.array([[t[0, 0], t[0, 0] + 0.2, 0.9]]) for t in truth]
    hits = [interval_iou(p[:, :2], t)[:, 0] >= 0.5 - ROUNDING if mutant == "iou_ge" else proposal_hits(p, t, 0.5) for p, t in zip(made, truth)]
    return ap_from_hits(np.concatenate([p[:, 2] for p in made]), np.concatenate(hits), 3)


def chance_band(sample, seed, *, draws=20, iou=0.5) -> float:
    """Upper end of the null band of AP: the largest of some draws of spans that know nothing but lengths."""
    card, pool = average_precision(iou)
    counts = np.array([len(t) for t in sample.truth])
    return max(pool([card(t, p) for t, p in zip(sample.truth, by_chance(sample, 1000 * seed + k), strict=True)], counts) for k in range(draws))


def pooled_scores(models, sample):
    """Return ((frame scores, frame labels), (clip scores, clip labels)), each of the four a list with one flat array a model."""
    data = sample.data()
    frames = np.concatenate([data[k]["frame_label"].numpy() for k in range(len(data))])
    parts = [predict(model, data, parts=("frame_logit",)) for model in models]
    return ([p["frame_logit"].ravel() for p in parts], [frames] * len(parts)), ([p["logit"] for p in parts], [p["label"] for p in parts])


# ------------------------------------------------------------------------------------------------ what attention has to do with it


def batch(model, sample, index):
    """The inputs of one clip as a batch of one, in the order in which the model reads them."""
    return [torch.as_tensor(np.asarray(sample.arrays[sample.rows[index].clip_id][name]))[None].float() for name in model.reads]


def attention_of(model, inputs) -> dict:
    """{"asking.asked": (steps, steps)} of one clip, and "mean" over all six rows."""
    with torch.inference_mode():
        parts = model(*inputs, attention=True).parts
    maps = {name.removeprefix("attention."): value[0].numpy() for name, value in parts.items() if name.startswith("attention.")}
    return maps | {"mean": np.mean(list(maps.values()), 0)}


def forged_steps(sample, index, stride) -> np.ndarray:
    """(steps,) bool: steps that touch a forged frame."""
    label = sample.data()[index]["frame_label"][None]
    return localise.cover(label, stride)[0].numpy() > 0.5


def attention_received(model, inputs) -> np.ndarray:
    """(steps,): weight that each moment receives, mean over who asks and over the six maps, times the number of moments: 1 = its share."""
    weights = attention_of(model, inputs)["mean"]
    return weights.mean(0) * weights.shape[1]


def occlusion(model, inputs) -> np.ndarray:
    """(steps,): how much the clip's logit falls when one step of all three inputs is replaced by the clip's mean over time."""
    *streams, mask = inputs
    n = -(-mask.shape[1] // model.stride)
    copies = [stream.repeat(n + 1, 1, 1) for stream in streams]
    for k in range(n):
        frames = slice(k * model.stride, (k + 1) * model.stride)
        for stream, copy in zip(streams, copies):
            copy[k, frames] = stream[0].mean(0)
    with torch.inference_mode():
        logit = model(*copies, mask.repeat(n + 1, 1, 1)).logit.numpy()
    return logit[-1] - logit[:-1]


def attention_and_occlusion(model, sample) -> list:
    """One dict a forged clip: received (steps,), drop (steps,), forged (steps,) bool, rho (rank correlation), ratio (attention on forged over their share)."""
    told = []
    for index, row in enumerate(sample.rows):
        if row.label == 1:
            inputs, forged = batch(model, sample, index), forged_steps(sample, index, model.stride)
            received, drop = attention_received(model, inputs), occlusion(model, inputs)
            told.append({"index": index, "received": received, "drop": drop, "forged": forged, "rho": float(spearmanr(received, drop).statistic),
                         "ratio": float(received[forged].mean())})
    return told


def mixing(model, inputs, seed=0) -> np.ndarray:
    """(steps, steps): share of the gradient of step t's codes that goes to the inputs of step s, rows summing to 1, mean over modalities.

    The gradient of a random +-1 mixture of the code's numbers with respect to the incoming features, its norm over each step.
    """
    *streams, mask = inputs
    g, heat, steps = torch.Generator().manual_seed(seed), [], -(-mask.shape[1] // model.stride)
    for k, name in enumerate(model.modalities):
        x = streams[mmmsba.MODALITIES.index(name)].repeat(steps, 1, 1).requires_grad_(True)  # copy t asks for step t: one backward pass for all
        with torch.enable_grad():
            code, _ = model.encoders[name](x, mask[..., k].repeat(steps, 1) > 0.5, model.stride)
            own = code[torch.arange(steps), torch.arange(steps)]
            rows = torch.autograd.grad((own * (torch.randint(0, 2, own.shape, generator=g) * 2 - 1)).sum(), x)[0]
        energy = F.pad(rows.norm(dim=-1), (0, -x.shape[1] % model.stride)).unflatten(1, (-1, model.stride)).norm(dim=-1)
        heat.append((energy / energy.sum(1, keepdim=True)).numpy())
    return np.mean(heat, 0)


def outside(heat, forged) -> float:
    """Share of the gradient of forged steps that goes to steps that are not forged."""
    return float(heat[np.ix_(forged, ~forged)].sum() / heat[forged].sum())


def padding_mass(model, inputs, *, masked: bool, longer=0.5) -> float:
    """Share of attention on padding when a clip is padded with zeros to 1 + `longer` times its length, mean over the moments that are there."""
    n = inputs[0].shape[1]
    padded = [F.pad(x, (0, 0, 0, round(longer * n))) for x in inputs]
    was, model.mask_padding = model.mask_padding, masked
    try:
        maps = attention_of(model, padded)
    finally:
        model.mask_padding = was
    steps = -(-n // model.stride)
    return float(maps["mean"][:steps, steps:].sum(1).mean())
