"""Beat 6: AMDD's two projections trained on frozen encoders, with and without CMFFC, and what that does to real and fake similarity.

Only two of AMDD's five losses touch the projections: alignment (InfoNCE, eq. 11) and CMFFC (eq. 12). So with frozen encoders nothing else
needs to be trained. The encoders are the two towers, which know real clips only: at weight 0 they hear lips and sound agree.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avlab.detectors import amdd, losses
from avlab.detectors.batches import BalancedSampler

HIDDEN = 128
BATCH = 4  # as in the paper
LR, DECAY = 1e-3, 0.1


def projection(width: int) -> nn.Sequential:
    """AMDD's projection head: Linear, ReLU, Linear."""
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN))


def objective(p_video, p_audio, generator, weight: float, temperature: float, mutant="none"):
    """0.1 InfoNCE + weight CMFFC (AMDD table IV; weight 0.2 there). The mutant fp_on_reals lets CMFFC count reals as one more generator."""
    tied = generator + 1 if mutant == "fp_on_reals" else generator
    return amdd.WEIGHTS["alignment"] * losses.info_nce(p_video, p_audio, temperature=temperature) + weight * losses.cmffc(p_video, p_audio, tied)


def gradient_on_reals(mutant="none") -> float:
    """Largest gradient that CMFFC alone sends to the projections of real clips: 0, because it speaks of fakes only."""
    rng = torch.Generator().manual_seed(0)
    video, audio = (torch.randn(6, 8, generator=rng, dtype=torch.float64, requires_grad=True) for _ in range(2))
    generator = torch.tensor([0, 0, 1, 1, 2, 0])
    with_it, without = (objective(video, audio, generator, w, 1.0, mutant) for w in (1.0, 0.0))
    moved = torch.autograd.grad(with_it - without, (video, audio))
    return float(max(g[generator == 0].abs().max() for g in moved))


def train(video, audio, generator, *, weight, epochs, temperature, seed, mutant="none"):
    """Train both projections on frozen vectors (N, W), generators (N,) 0 = real, in batches of four drawn evenly over generators.

    Returns (project_video, project_audio), and leaves the global random state alone.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = nn.ModuleList([projection(video.shape[1]), projection(audio.shape[1])])
    optimiser = torch.optim.AdamW(heads.parameters(), lr=LR, weight_decay=DECAY)
    sampler = BalancedSampler(np.asarray(generator), seed=seed)
    video, audio, generator = torch.as_tensor(video), torch.as_tensor(audio), torch.as_tensor(generator)
    for epoch in range(epochs):
        sampler.at(epoch)
        order = list(sampler)
        for first in range(0, len(order) - BATCH + 1, BATCH):
            rows = order[first:first + BATCH]
            loss = objective(heads[0](video[rows]), heads[1](audio[rows]), generator[rows], weight, temperature, mutant)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(heads.parameters(), 1.0)
            optimiser.step()
    return heads.eval()


@torch.no_grad()
def projected(heads, video, audio) -> tuple[np.ndarray, np.ndarray]:
    """Unit projections of picture and sound, (N, 128) each."""
    return tuple(F.normalize(head(torch.as_tensor(x)), dim=1).numpy() for head, x in zip(heads, (video, audio), strict=True))


def scaled(embedded) -> tuple[np.ndarray, np.ndarray]:
    """The frozen vectors that the projections read: centred frames joined, all of one length, (N, 16 D) float32."""
    sides = []
    for vectors, centre in ((embedded.video, embedded.centre_video), (embedded.audio, embedded.centre_audio)):
        flat = (vectors - centre).reshape(len(vectors), -1)
        sides.append((flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9) * flat.shape[1]**0.5).astype(np.float32))
    return tuple(sides)


def pairs_with_itself(generator, *, seed: int, epochs=20) -> float:
    """Share of CMFFC's pairs that are a clip with itself in the batches that are really drawn, averaged as the loss averages: over generators present."""
    sampler, shares, generator = BalancedSampler(np.asarray(generator), seed=seed), [], np.asarray(generator)
    for epoch in range(epochs):
        sampler.at(epoch)
        order = list(sampler)
        for first in range(0, len(order) - BATCH + 1, BATCH):
            _, counts = np.unique(generator[order[first:first + BATCH]][generator[order[first:first + BATCH]] > 0], return_counts=True)
            shares += (1 / counts).tolist()
    return float(np.mean(shares))
