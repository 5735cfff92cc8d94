"""The toys of notebook 06: attention whose answer is known on paper. No clip, no training; float64 wherever an equation is tested."""

from __future__ import annotations

import numpy as np
import torch
from scipy.linalg import orth

from avlab.detectors.msct import READINGS, MultiScaleKeys, SelfAttention, attention_map, differential_attention
from avlab.synthtalk import speech

FRAME_MS = 40


def durations(seeds) -> dict:
    """How long the sounds of some utterances last: {"consonants", "vowels"}: milliseconds."""
    found = {"consonants": [], "vowels": []}
    for seed in seeds:
        for start, end, symbol in speech.utter(int(seed), 0.64).phonemes:
            kind = "consonants" if symbol in speech.CONSONANTS else "vowels" if symbol in speech.VOWELS else None
            if kind:
                found[kind].append(1000 * (end - start))
    return {kind: np.array(values) for kind, values in found.items()}


def generator(seed):
    return torch.Generator().manual_seed(int(seed))


def drawn(module, seed):
    """Weights of a module drawn anew from its own sizes by the seed, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        for part in module.modules():
            if hasattr(part, "reset_parameters"):
                part.reset_parameters()
    return module.double()


def impulse(kernel, seed=0, frames=15, d=8):
    """What one frame of K becomes: K' over the (time, feature) plane, and how far the logits of a query move at each key.

    One head, one kernel. At frame (frames - 1) / 2 one feature of K is 1, everything else 0.
    Returns |K'| (frames, d) and the mean of |q K'^T / sqrt d| over drawn queries (frames,).
    """
    keys = torch.zeros(1, 1, 1 + frames, d, dtype=torch.float64)
    keys[0, 0, 1 + frames // 2, d // 2] = 1
    made = drawn(MultiScaleKeys(1, (kernel,)), seed)(keys)[0, 0, 1:].detach()
    queries = torch.randn(64, d, dtype=torch.float64, generator=generator(seed))
    return made.abs().numpy(), (queries @ made.T / d**0.5).abs().mean(0).numpy()


def reach(kernel, seed=0):
    """Frames between the impulse and the farthest key that it changed."""
    plane, _ = impulse(kernel, seed)
    return int(max(abs(np.flatnonzero(plane.sum(1) > 0) - len(plane) // 2)))


def permuted_features(multi_scale, seed=0, heads=4, d=8, kernels=(1, 3, 5, 7)):
    """Shuffle the feature axis of every head in Q, K and V alike, and undo it at the output: how far does the output move?

    What the features are called means nothing to a sum over them, so a plain attention cannot notice.  Returns max |change|.
    """
    module = drawn(SelfAttention(heads * d, heads, kernels, multi_scale), seed)
    x = torch.randn(2, 6, heads * d, dtype=torch.float64, generator=generator(seed))
    with torch.no_grad():
        before = module(x)[0]
        relabel(module, np.random.default_rng(seed).permutation(d))
        return float((module(x)[0] - before).abs().max())


def relabel(attention, order):
    """Give the features of every head of a SelfAttention new places, in Q, K, V and in the matrix behind the heads. In place."""
    d = len(order)
    rows = np.concatenate([d * head + order for head in range(attention.heads)])
    with torch.no_grad():
        for layer in (attention.to_q, attention.to_k, attention.to_v):
            layer.weight.copy_(layer.weight[rows].clone())
        attention.leave.weight.copy_(attention.leave.weight[:, rows].clone())


def two_queries(similarity, seed=0, frames=6, d=8):
    """Queries whose cosine is about `similarity` in every row, keys and values: q, q_cross, k, v (1, 1, frames, d) float64."""
    q, other, k, v = torch.randn(4, 1, 1, frames, d, dtype=torch.float64, generator=generator(seed))
    other = other - (other * q).sum(-1, keepdim=True) / (q * q).sum(-1, keepdim=True) * q
    other = other * q.norm(dim=-1, keepdim=True) / other.norm(dim=-1, keepdim=True)
    return q, similarity * q + (1 - similarity**2) ** 0.5 * other, k, v


def readings(similarity, seed=0):
    """Weights (frames, frames) and largest |output| of the three readings: {reading: (weights, size)}."""
    made = {reading: differential_attention(*two_queries(similarity, seed), reading=reading) for reading in READINGS}
    return {reading: (weights[0, 0].numpy(), float(out.abs().max())) for reading, (out, weights) in made.items()}


def identities(seed=0):
    """The algebra of L13 on drawn numbers: what must be 0 (first three) and what must not (the rest), as largest absolute values.

    one_query      logits against one plain attention with the query q - q_cross
    row_sum        rows of the maps reading
    equal_queries  output of maps and literal where both queries agree;  equal_logits  of logits there, minus the plain mean of v
    apart          smallest pairwise difference of the three outputs: three operators, not one
    """
    q, cross, k, v = two_queries(0.3, seed)
    out = {reading: differential_attention(q, cross, k, v, reading=reading) for reading in READINGS}
    same = {reading: differential_attention(q, q, k, v, reading=reading)[0] for reading in READINGS}
    pairs = [(out[a][0] - out[b][0]).abs().max() for a, b in (("maps", "logits"), ("maps", "literal"), ("logits", "literal"))]
    found = {"one_query": (out["logits"][0] - attention_map(q - cross, k) @ v).abs().max(), "row_sum": out["maps"][1].sum(-1).abs().max(),
             "equal_queries": max(same["maps"].abs().max(), same["literal"].abs().max()),
             "equal_logits": (same["logits"] - v.mean(2, keepdim=True)).abs().max(), "apart": min(pairs)}
    return {name: float(value) for name, value in found.items()}


def who_speaks(layer, own, other, *, values="own"):
    """What lies outside the span of the own values: share of the output's energy, over all heads.

    layer   a differential CrossAttention;  own, other  (1, L, C) float64 with fewer tokens L than features in a head
    values  "own": DCA as written;  "other": keys and values from the other stream (what most code calls cross-attention)
    Returns (share outside, outputs (heads, L, d)).
    """
    def split(x):
        return x.unflatten(2, (layer.heads, -1)).transpose(1, 2)

    with torch.no_grad():
        holds = own if values == "own" else other
        k, v, mine = split(layer.to_k(holds)), split(layer.to_v(holds)), split(layer.to_v(own))
        out, _ = differential_attention(split(layer.to_q(own)), split(layer.to_q_cross(other)), k, v, reading="maps")
        outside = total = 0.0
        for head in range(layer.heads):
            basis = torch.from_numpy(orth(mine[0, head].T.numpy()))
            made = out[0, head]
            outside += float((made - made @ basis @ basis.T).square().sum())
            total += float(made.square().sum())
    return outside / total, out[0].numpy()


def changed_others(other, seed=0):
    """The other stream's tokens (1, L, C) as they are, three times as large, turned by a random rotation, and replaced by noise."""
    width = other.shape[2]
    turn = torch.linalg.qr(torch.randn(width, width, dtype=other.dtype, generator=generator(seed)))[0]
    noise = torch.randn(other.shape, dtype=other.dtype, generator=generator(seed + 1)) * other.std()
    return {"as it is": other, "three times as large": 3 * other, "turned": other @ turn, "replaced by noise": noise}


def random_islands(seed=0, frames=17, d=8, pairs=50):
    """Two softmax maps of nothing, one minus the other: a map for a look, and the mean share of cells beyond half of its largest value."""
    q, cross, k = torch.randn(3, pairs, 1, frames, d, dtype=torch.float64, generator=generator(seed))
    maps = (attention_map(q, k) - attention_map(cross, k))[:, 0]
    share = (maps.abs() > maps.abs().amax((1, 2), keepdim=True) / 2).double().mean()
    return maps[0].numpy(), float(share)
