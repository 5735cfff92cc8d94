"""The experiments of notebook 05: X-AVDT small and its variants, trained and scored on one set of clips.

A variant takes one part away and nothing else: same clips, same seeds of weights and order, same number of steps. Scores of all variants
are of the same test clips, so differences are paired; intervals resample trainings and people.
"""

from __future__ import annotations

import numpy as np
import torch

from avlab import detectors, metrics
from avlab.detectors import xavdt
from avlab.detectors.batches import ClipDataset
from avlab.detectors.losses import CODE_MARGIN
from avlab.detectors.training import fit, predict
from avlab.errors import AvlabError
from avlab.explain import controls, readout

WIDER = {"phi_stem": (32, 3, (2, 2, 2)), "phi_layers": ((48, 32, 1, (1, 1, 1)), (96, 64, 1, (2, 2, 2)), (96, 64, 1, (2, 1, 1)))}  # as many weights as full has
VARIANTS = {  # arguments of the detector; `features_of` says what it reads
    "full": {}, "no_psi": {"use_psi": False}, "no_phi": {"use_phi": False}, "no_residual": {"use_residual": False}, "no_triplet": {"triplet_weight": 0.0},
    "random_probe": {}, "rgb": {"use_psi": False, "rgb_only": True} | WIDER, "noise_psi": {}, "still_psi": {}}
PRINTED = {"no_psi": "w/o psi", "no_phi": "w/o phi", "no_residual": "w/o residual", "no_triplet": "w/o triplet"}  # rows of X-AVDT's table 7
CAPACITY = ("noise_psi", "still_psi")  # psi's branch kept and fed with nothing
RECIPE = {"lr": 2e-3, "weight_decay": 0.05, "schedule": "cosine", "warmup": 10, "batch_size": 16, "balance": "source"}


def config(variant: str, p) -> dict:
    """Arguments of `detectors.build("xavdt", "small", ...)` for a variant; p holds lam, margin and mining of the triplet term."""
    return {"triplet_weight": p.lam, "margin": p.margin, "mining": p.mining} | VARIANTS[variant]


def features_of(variant: str, inputs: dict) -> dict:
    """What a variant reads: {"composite": (N, ...), "av_attention": (N, ...)}.

    inputs  {"own": features of the probe, "random": of the random probe (only if asked for)}
    noise_psi: white noise with psi's mean and deviation in every channel;  still_psi: psi's own mean over time, repeated
    """
    if variant == "random_probe":
        return inputs["random"]
    own = inputs["own"]
    if variant not in CAPACITY:
        return own
    psi = own["av_attention"].astype(np.float32)
    mean = psi.mean(2, keepdims=True)
    if variant == "noise_psi":
        axes = (0, 2, 3, 4)
        noise = np.random.default_rng(0).standard_normal(psi.shape, np.float32)
        mean, psi = psi.mean(axes, keepdims=True), psi.mean(axes, keepdims=True) + noise * psi.std(axes, keepdims=True)
    else:
        psi = np.broadcast_to(mean, psi.shape)
    return own | {"av_attention": np.ascontiguousarray(psi).astype(np.float16)}


def dataset(sample, features: dict, forgers, *, labels=None) -> ClipDataset:
    """The clips of a sample with what a variant reads of them.  labels  (N,) 0 or 1 instead of the true ones: the permuted-label control."""
    place = {row.clip_id: i for i, row in enumerate(sample.rows)}
    said = None
    if labels is not None:
        real, fake = (next(row for row, y in zip(sample.rows, sample.label) if y == k) for k in (0, 1))
        said = [fake if y else real for y in labels]

    def arrays(row):
        return {name: value[place[row.clip_id]] for name, value in features.items()}
    return ClipDataset(sample.rows, arrays, forgers=forgers, labels=said, frames=sample.frames.shape[1])


def trained(variant: str, sample, features: dict, forgers, p, seed: int, *, labels=None, epochs=None):
    """Train one variant on the training people, its epoch chosen on the validation people: (model, Progress).

    features, labels  of the whole sample      seed  of weights and order: one seed gives every variant the same batches
    """
    torch.manual_seed(seed)
    model = with_spectra(detectors.build("xavdt", "small", **config(variant, p)))
    parts = []
    for side in ("train", "val"):
        rows = np.flatnonzero(sample.side == side)
        mine = {name: value[rows] for name, value in features.items()}
        parts.append(dataset(sample.pick(rows), mine, forgers, labels=None if labels is None else np.asarray(labels)[rows]))
    recipe = RECIPE | {"batch_size": min(RECIPE["batch_size"], len(parts[0])), "warmup": min(RECIPE["warmup"], len(parts[0]) // 16)}
    state = fit(model, xavdt.total_loss, *parts, epochs=epochs or p.epochs, seed=seed, **recipe)
    return model, state


def with_spectra(model):
    """Tell a model to read the spectra that were made beforehand; returns it."""
    model.reads = (*model.reads, "spectra")
    return model


def logits(model, sample, features: dict, *, batch=32) -> np.ndarray:
    """Scores (N,) of all clips of a sample, larger = more fake."""
    return predict(model, dataset(sample, features, sorted(set(sample.forger) - {"real"})), batch)["logit"].astype(np.float64)


def scored(models: dict, sample, inputs: dict) -> readout.Scores:
    """Scores of every variant's trainings on a sample.  models {variant: [model, ...]}, as many each; inputs of this very sample."""
    rows = {v: np.stack([logits(m, sample, features_of(v.removesuffix("_here"), inputs)) for m in ms]) for v, ms in models.items()}
    seeds = tuple(range(len(next(iter(rows.values())))))
    return readout.Scores(rows, sample.label, sample.people, sample.forger, seeds, "X-AVDT small")


def among(scores, forgers) -> readout.Scores:
    """The reals and the fakes of some forgers. With equal numbers a forger, the AUROC of all is the mean of the AUROCs of each."""
    return scores.pick((scores.label == 0) | np.isin(scores.forger, list(forgers)))


def gaps(intervals: dict, here=()) -> dict:
    """{variant: Interval of the full network minus it}: what taking the part away costs.

    here   names of those trained in this run; where "full_here" is among them, they are compared with it and not with a bundled network
    """
    base = {v: "full_here" if v in here and "full_here" in intervals else "full" for v in intervals}
    return {v: metrics.difference(intervals[base[v]], cell) for v, cell in intervals.items() if v not in ("full", "full_here")}


# ------------------------------------------------------------------------------------------------ the smaller questions


def shape_walk(frames=(15, 16, 17)) -> tuple[list, set]:
    """Beat 1: [(stage, weights, [shape or None for each number of frames])] and the cells where more or less than one frame is left to fuse."""
    walks = {n: {name: (shape, weights) for name, shape, weights in xavdt.stages("small", frames=n)} for n in frames}
    names = list(walks[xavdt.FRAMES])
    rows = [(name, walks[xavdt.FRAMES][name][1], [walks[n][name][0] if name in walks[n] else None for n in frames]) for name in names]
    ends = [r for r, name in enumerate(names) if name.endswith("encoder.layer3")]
    return rows, {(r, c) for r in ends for c, n in enumerate(frames) if rows[r][2][c][1] != 1}


def walk_agrees(rows, frames) -> int:
    """1 where the walked shapes are those of halving by hand: 16 frames end at one, and any other number at ceil(frames / 16)."""
    ends = [shapes for name, _, shapes in rows if name.endswith("encoder.layer3")]
    return int(len(ends) == 2 and all(shapes[c][1] == -(-n // 16) for shapes in ends for c, n in enumerate(frames)))


def refused(frames: int) -> str:
    """What the detector says of a chunk of so many frames, "" when it takes it."""
    px, cells = xavdt.SIDES["small"]
    model = detectors.build("xavdt", "small").eval()
    try:
        with torch.no_grad():
            model(torch.zeros(1, 12, frames, px, px), torch.zeros(1, model.psi_channels, frames, cells, cells))
    except AvlabError as error:
        return str(error)
    return ""


def triplet_curves(margin: float, positive=0.7) -> tuple[np.ndarray, dict]:
    """Beat 2: loss of one triplet against the straight distance of the negative (0..2), the positive at a fixed distance.

    {"paper": max(0, d_ap^2 - d_an^2 + margin), "released code": softplus(d_ap - d_an + 0.05), whatever the margin is}     (trap X11)
    """
    far = np.linspace(0, 2, 81)
    return far, {"paper": np.maximum(0, positive**2 - far**2 + margin), "released code": np.log1p(np.exp(positive - far + CODE_MARGIN))}


def batch_change(model, sample, features: dict, mutant="none") -> float:
    """Largest change of a clip's score when it is scored alone instead of among others; must be about 0.

    mutant "bn_train_at_eval": batch statistics of the batch at hand, as a model that was left in training mode uses.
    """
    films = [torch.from_numpy(features[name].astype(np.float32)) for name in model.reads]
    model.train(mutant == "bn_train_at_eval")
    try:
        with torch.no_grad():
            together = model(*films).logit
            halves = torch.cat([model(*(film[part] for film in films)).logit for part in (slice(0, 2), slice(2, None))])
    finally:
        model.eval()
    return float((together - halves).abs().max())


def shifted(score, label, shifts) -> dict:
    """Beat 8: {"AUROC", "AP", "Acc@EER", "Acc"}: (S,) for scores with a constant added; Acc calls logits above 0 fake."""
    made = {"AUROC": metrics.auroc, "AP": metrics.average_precision, "Acc@EER": metrics.acc_at_eer, "Acc": lambda s, y: float(((s > 0) == (y == 1)).mean())}
    return {name: np.array([fn(score + shift, label) for shift in shifts]) for name, fn in made.items()}


def by_chunk_and_clip(score, label, clip, *, n, seed) -> dict:
    """Beat 6: AUROC over chunks with its interval, {"chunk": chunks resampled, "clip": whole clips resampled}."""
    return {name: metrics.bootstrap_ci(metrics.auroc, score, label, groups=groups, n=n, seed=seed) for name, groups in (("chunk", None), ("clip", clip))}


def likeness(score, label, clip) -> float:
    """How alike the chunks of a clip are inside their class: intraclass correlation rho (one-way ANOVA), at most 1.

    An average over m chunks has 1 + (m - 1) rho times the variance that m independent clips would give (Kish 1965, the design effect).
    """
    score, label, clip = np.asarray(score, float), np.asarray(label), np.asarray(clip)
    score = score - np.array([score[label == y].mean() for y in label])
    table = np.stack([score[clip == c] for c in np.unique(clip)])
    m = table.shape[1]
    between, within = m * table.mean(1).var(ddof=1), table.var(1, ddof=1).mean()
    return float((between - within) / (between + (m - 1) * within))


def maps_of(features: dict, grid=4) -> np.ndarray:
    """Plain numbers for a read-out: phi's local spectra and psi's statistics on a coarse grid, (N, F)."""
    spectra, psi = (torch.from_numpy(features[name].astype(np.float32)) for name in ("spectra", "av_attention"))
    small = torch.nn.functional.adaptive_avg_pool2d(spectra, (grid, grid))
    return torch.cat([small.flatten(1), xavdt.statistics(psi, (grid, grid)).flatten(1)], 1).numpy()


def permuted(x, sample, n: int, rng, mutant="none") -> np.ndarray:
    """AUROC of a linear read-out of x (N, F) after permuting labels inside each person, before fitting, n times: (n,).

    mutant "label_leak_norm": the features are centred per class, test clips included, as a normalisation that knows the label does.
    """
    train, test, found = sample.side == "train", sample.side == "test", []
    for i in range(n):
        label = controls.permuted_labels(sample.label, sample.people, rng)
        z = x.copy()
        if mutant == "label_leak_norm":
            for y in (0, 1):
                z[label == y] += 3 * (2 * y - 1) * x.std(0)  # each class with its own centre
        found.append(metrics.auroc(readout.fit_scores(z[train], label[train], z[test], seed=i), label[test]))
    return np.array(found)
