"""Sequences with gaps: what is not there (padding, a missing modality, a late sound) is skipped, not read as zeros.

Everywhere x is (B, T, D) and here (B, T) bool, True where a moment is there.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def masked_softmax(score, here_query, here_key):
    """Softmax of score (B, T, S) over the keys that are there; 0 for queries that are not, and where there is no key at all."""
    score = score.masked_fill(~here_key[:, None, :], torch.finfo(score.dtype).min)
    return score.softmax(-1) * (here_query[:, :, None] & here_key[:, None, :])


class Standardise(nn.BatchNorm1d):
    """Every feature to mean 0 and deviation 1 over the moments that are there: of the batch in training, of all training batches afterwards."""

    def __init__(self, width):
        super().__init__(width, affine=False)

    def forward(self, x, here):
        x = torch.where(here[..., None], x, 0.0)
        if int(here.sum()) < 2:  # no deviation to learn from
            return x
        return torch.zeros_like(x).masked_scatter(here[..., None], super().forward(x[here]))


class GapGRU(nn.GRU):
    """A bidirectional GRU over the moments that are there, closed up; its states go back to their places, elsewhere they mean nothing."""

    def __init__(self, inside, hidden):
        super().__init__(inside, hidden, batch_first=True, bidirectional=True)

    def forward(self, x, here):
        if bool(here.all()):
            return super().forward(x)[0]
        order = torch.argsort((~here).int(), dim=1, stable=True)
        packed = pack_padded_sequence(taken(x, order), here.sum(1).clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        out = pad_packed_sequence(super().forward(packed)[0], batch_first=True, total_length=x.shape[1])[0]
        return taken(out, order.argsort(1))


def taken(x, order):
    """Row b of the result is x[b, order[b]]."""
    return x.gather(1, order[..., None].expand(-1, -1, x.shape[-1]))


def pooled(x, here, stride):
    """Average of every `stride` moments that are there, (B, ceil(T / stride), D), and which steps hold one at least."""
    if stride == 1:
        return x, here
    pad = -x.shape[1] % stride
    weight = F.pad(here.to(x.dtype), (0, pad)).unflatten(1, (-1, stride))
    total = (F.pad(x, (0, 0, 0, pad)).unflatten(1, (-1, stride)) * weight[..., None]).sum(2)
    return total / weight.sum(2).clamp(min=1)[..., None], weight.sum(2) > 0


def one_dropped(here, share):
    """Return (B, M) bool, False at one of M modalities of about `share` of the clips, among those that are there and never the only one.

    here   (B, T, M) bool.  Draws from torch's global generator.
    """
    there = here.any(1)
    pick = torch.where(there, torch.rand(there.shape, device=here.device), -1.0).argmax(1)
    drop = (torch.rand(len(here), device=here.device) < share) & (there.sum(1) > 1)
    return ~(F.one_hot(pick, here.shape[2]).bool() & drop[:, None])
