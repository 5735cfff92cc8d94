"""The argument of MSCT under test (notebook 06, beat 6): does alignment weaken the cross map on fakes, and does the difference then grow?

Norms are compared as means of logarithms over blocks, heads and both streams: ratios do not depend on a network's own scale.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr

from avlab import metrics
from avlab.course import nb06_clips, nb06_runs
from avlab.detectors.msct_training import fresh
from avlab.explain.controls import permuted_labels, shuffled_order

STREAMS = nb06_runs.STREAMS


def log_norm(found, kind) -> np.ndarray:
    """Mean log of a recorded norm ("cross" = |Attn_BA|, "diff" = |Diff|) over blocks, heads and streams, (K, N) of K measurements."""
    return np.mean([np.log(np.maximum(nb06_runs.stack(found, f"{kind}_norm_{stream}"), 1e-12)).mean((2, 3)) for stream in STREAMS], axis=0)


def real_minus_fake(values, label):
    """(K, function) for `nb06_runs.intervals`: mean of values (K, N) over trainings and real clips, minus that over fakes."""
    def gap(rows, chosen):
        part, y = values[chosen][:, rows], label[rows]
        if not 0 < y.sum() < len(y):
            raise metrics.OneClass("Real and fake clips are both needed", got=len(y))
        return part[:, y == 0].mean() - part[:, y == 1].mean()
    return len(values), gap


def rank_correlation(a, b):
    """(K, function): mean over trainings of Spearman's rank correlation of a and b, both (K, N)."""
    return len(a), lambda rows, chosen: float(np.mean([spearmanr(a[k][rows], b[k][rows]).statistic for k in chosen]))


def cosine_gap(found) -> float:
    """Mean d of wholly real clips minus that of all others, mean over trainings: what the alignment loss pulls apart."""
    return float(np.mean([one["similarity"][one["label"] == 0].mean() - one["similarity"][one["label"] == 1].mean() for one in found]))


class View:
    """What the mechanism needs of two groups of trainings on the test clips whose forgers may be known.

    trained {group: [measured ...]};  label, people, known (N,) of all test clips
    """

    def __init__(self, trained, label, people, known):
        self.label, self.people, self.groups = label[known], people[known], tuple(trained)
        self.cosine = {name: nb06_runs.stack(found, "similarity")[:, known] for name, found in trained.items()}
        self.cross = {name: log_norm(found, "cross")[:, known] for name, found in trained.items()}
        self.diff = {name: log_norm(found, "diff")[:, known] for name, found in trained.items()}
        self.known = known

    def intervals(self, n, seed) -> dict:
        """{(what, group): Interval} on common draws: "cosine", "cross" and "diff" real minus fake, and "rank", the correlation of d and |Attn_BA|."""
        statistics = {}
        for name in self.groups:
            for what, values in (("cosine", self.cosine[name]), ("cross", self.cross[name]), ("diff", self.diff[name])):
                statistics[what, name] = real_minus_fake(values, self.label)
            statistics["rank", name] = rank_correlation(self.cosine[name], self.cross[name])
        return nb06_runs.intervals(statistics, self.people, n, seed)

    def points(self, group, every) -> tuple:
        """(d, log|Attn_BA|) of some test clips, means over trainings; every (N,) bool over all test clips."""
        keep = every[self.known]
        return self.cosine[group].mean(0)[keep], self.cross[group].mean(0)[keep]

    def label_control(self, n, seed) -> tuple:
        """(value, lo, hi): |Attn_BA| real minus fake under one permutation of the labels inside people, and the band of n others."""
        rng, draws = np.random.default_rng([8, seed]), []
        for _ in range(n + 1):
            k, gap = real_minus_fake(self.cross[self.groups[0]], permuted_labels(self.label, self.people, rng))
            draws.append(gap(np.arange(len(self.label)), np.arange(k)))
        return (float(draws[0]), *map(float, np.quantile(draws[1:], (0.025, 0.975))))


# ------------------------------------------------------------------------------------------------ other sounds


def other_sounds(clips, table, seed) -> tuple:
    """The real test clips with their own sound, another person's, and white noise: (rows, {name: fbanks (n, 104, T)})."""
    rows = reals(clips)
    own = np.stack([table[row.clip_id]["fbank"] for row in rows]).astype(np.float32)
    order = shuffled_order([row.identity for row in rows], [row.category for row in rows], seed=seed)
    return rows, {"own": own, "another's": own[order], "noise": nb06_clips.noise(len(rows), own.shape[2], seed)}


def sound_norms(clips, tables, models, seed) -> dict:
    """log|Diff| of the real test clips under each sound: {name: (K, n)}, and "people" (n,)."""
    rows, sounds = other_sounds(clips, tables[0], seed)
    made = {name: log_norm([nb06_runs.measured(clips, nb06_clips.with_sound(tables[k], rows, fbank), model, rows) for k, model in enumerate(models)], "diff")
            for name, fbank in sounds.items()}
    return made | {"people": np.array([row.identity for row in rows])}


def growth_intervals(view, sounds, n, seed) -> dict:
    """Log ratios of |Diff|: fake over real, and the real clips' other sounds over their own: {words: Interval}."""
    k, gap = real_minus_fake(-view.diff[view.groups[0]], view.label)
    made = nb06_runs.intervals({"forging (fake over real)": (k, gap)}, view.people, n, seed)
    paired = {f"{name} over own sound": sounds[key] - sounds["own"] for name, key in (("another's", "another's"), ("noise", "noise"))}
    statistics = {name: (len(v), lambda rows, chosen, v=v: v[chosen][:, rows].mean()) for name, v in paired.items()}
    return made | nb06_runs.intervals(statistics, sounds["people"], n, seed)


def norms(view, sounds) -> dict:
    """Geometric mean of |Diff|: {"real", "fake"} of the test clips, {"noise"} of the reals with noise for a sound."""
    values = view.diff[view.groups[0]]
    return {"real": float(np.exp(values[:, view.label == 0].mean())), "fake": float(np.exp(values[:, view.label == 1].mean())),
            "noise": float(np.exp(sounds["noise"].mean()))}


# ------------------------------------------------------------------------------------------------ inside one network


def tokens(model, table, rows, frames=None):
    """The picture stream's first DCA and the tokens (B, 1 + T, C) of both streams that enter it, float64; frames = T to keep.

    table   vectors of the model's own picture encoder, {clip_id: {"frames" (T, C), "fbank"}}
    """
    model, kept = copy.deepcopy(model).double().eval(), []
    layer = model.blocks[0].video.cross_attention
    hook = layer.register_forward_pre_hook(lambda module, given: kept.append(given[:2]))
    vectors, fbank = (torch.stack([torch.as_tensor(np.asarray(table[row.clip_id][name], np.float64)) for row in rows]) for name in ("frames", "fbank"))
    try:
        with torch.no_grad():
            model(vectors[:, :frames], fbank[:, :, :frames])
    finally:
        hook.remove()
    return layer, *kept[0]


def reals(clips) -> list:
    """The real test clips."""
    return [row for row in clips.test if row.label == 0]


def first_cross_attention(model, clips, table, frames):
    """(layer, own, other) of the picture stream's first DCA for the first real test clip cut to some frames: float64, tokens (1, L, C)."""
    return tokens(model, table, reals(clips)[:1], frames)


def flipped(model, clips, table) -> dict:
    """W' -> -W' in the first DCA: relative change of |Attn_BA| ("norm") and of its softmax ("map"), for the real test clips; tokens stay."""
    layer, own, other = tokens(model, table, reals(clips))
    with torch.no_grad():
        before = layer(own, other)
        layer.to_q_cross.weight.neg_()
        after = layer(own, other)
    change = (after[1] - before[1]).square().sum() / before[1].square().sum()
    return {"norm": float(((after[2] - before[2]) / before[2]).abs().max()), "map": float(change.sqrt())}


def one_map(model, clips, table) -> np.ndarray:
    """The first head's difference of maps (L, L) of the picture stream's first DCA, for the first real test clip."""
    layer, own, other = first_cross_attention(model, clips, table, None)
    with torch.no_grad():
        return layer(own, other)[1][0, 0].numpy()


# ------------------------------------------------------------------------------------------------ how this can fool you


@dataclass(frozen=True, eq=False)
class Path:
    """|Diff| of real clips in an untrained network while the cross query goes from the own one to noise.

    shares (S,) in 0..1;  norms (N, S) mean over heads;  maps {share: (heads, L, L)} of one clip;  top  their scale
    """

    shares: tuple
    norms: np.ndarray
    maps: dict
    top: float

    def mean(self, share) -> float:
        return float(self.norms.mean(0)[self.shares.index(share)])

    def rank_correlation(self) -> float:
        """Spearman's correlation of the share and the mean norm."""
        return float(spearmanr(self.shares, self.norms.mean(0)).statistic)


def noise_path(clips, table, p, seed, steps=9) -> Path:
    """An untrained DCA that has what the argument wishes for, a cross query equal to the own one on real clips (W' = W, the same tokens), disturbed.

    The own tokens are those of the sound; the other stream's are made of the own sound (share 0), another person's (0.5) and noise (1), mixed linearly.
    """
    rows, sounds = other_sounds(clips, table, seed)
    model = fresh(nb06_runs.encoders(1)[0], seed=seed, reading="maps", kernels=tuple(p.kernels), blocks=1).eval()
    stream, shares, norms, maps = model.blocks[0].audio, tuple(np.round(np.linspace(0, 1, steps), 3).tolist()), [], {}

    def enter(fbank):
        return stream.norm_cross(model._tokens(model.cls_audio, model.sound_encoder(torch.as_tensor(fbank, dtype=torch.float32).mT)))

    with torch.no_grad():
        stream.cross_attention.to_q_cross.weight.copy_(stream.cross_attention.to_q.weight)
        for share in shares:
            left, right, part = ("own", "another's", 2 * share) if share <= 0.5 else ("another's", "noise", 2 * share - 1)
            _, weights, _ = stream.cross_attention(enter(sounds["own"]), enter((1 - part) * sounds[left] + part * sounds[right]))
            norms.append(weights.square().sum((2, 3)).sqrt().mean(1).numpy())
            maps[share] = weights[0].numpy()
    return Path(shares, np.stack(norms, 1), maps, max(float(abs(m).max()) for m in maps.values()))
