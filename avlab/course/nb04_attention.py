"""Beat 7: AMDD's cross-modal attention with one key, as its equation 6 has it, and the token version that has something to choose from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from avlab import detectors, metrics
from avlab.clips.media import Clip
from avlab.course.nb04_clips import FPS, SAMPLES, windows
from avlab.detectors import amdd
from avlab.detectors.batches import ClipDataset
from avlab.detectors.training import fit, predict
from avlab.explain import controls

RECIPE = {"lr": 2e-3, "warmup": 20, "schedule": "cosine", "batch_size": 16, "balance": "label"}  # that of `avlab train`, small size


class OneKey(NamedTuple):
    """Eq. 6-7 at the paper's width: smallest and largest weight, |gradient of Q and K| over |gradient of V|, numbers of weights, the loss."""

    lowest: float
    highest: float
    gradient_ratio: float
    silent: int
    weights: int


def one_key(width=512, heads=8, clips=6, *, over="pooled", seed=0) -> OneKey:
    """Send random vectors through AMDD's cross-modal attention in float64 and look at weights and gradients.

    over  "pooled" as written (one key) | "tokens" (5 pictures, 7 stretches of sound): the same code, where Q and K do learn
    In float32 the fused kernel leaves rounding of 1e-6 where the gradient is exactly 0, hence float64.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        block = amdd.CrossModalAttention(width, heads, over).double()
        video, audio = torch.randn(clips, 5, width, dtype=torch.float64), torch.randn(clips, 7, width, dtype=torch.float64)
    new_video, new_audio, to_audio, to_video = block(video, audio)
    (new_video.pow(3).sum() + new_audio.pow(3).sum()).backward()  # a cube: of squares behind a LayerNorm the sum is constant
    asking, answering, silent, total = 0.0, 0.0, 0, 0
    for side in (block.video.mha, block.audio.mha):
        for gradient in (side.in_proj_weight.grad, side.in_proj_bias.grad):
            asking, answering = max(asking, float(gradient[:2 * width].abs().max())), max(answering, float(gradient[2 * width:].abs().max()))
            silent += gradient[:2 * width].numel()
        total += sum(p.numel() for p in side.parameters())
    weights = torch.cat([to_audio.flatten(), to_video.flatten()]).detach()
    return OneKey(float(weights.min()), float(weights.max()), asking / answering, silent, total)


def arrays(sample) -> dict:
    """AMDD's small inputs of the middle 16 frames of every clip: {clip_id: {"frames", "log_mel"}}."""
    frames, audio = windows(sample)
    found = {}
    for row, film, sound in zip(sample.rows, frames, audio, strict=True):
        clip = Clip(film, sound, FPS, FPS * SAMPLES, np.arange(len(film)) / FPS, np.ones(len(film), bool))
        found[row.clip_id] = amdd.inputs(clip, size="small")
    return found


def data_of(sample, forgers) -> ClipDataset:
    """The clips of a sample as AMDD reads them."""
    read = arrays(sample)
    return ClipDataset(list(sample.rows), lambda row: read[row.clip_id], forgers=forgers, frames=16, keep=True)


def train_tokens(sample, forgers, *, epochs, seed, device="auto"):
    """Train the small AMDD with cross="tokens" on the training people; returns the model."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = detectors.build("amdd", "small", generators=len(forgers), cross="tokens")
    fit(model, amdd.total_loss, data_of(sample, forgers), epochs=epochs, seed=seed, device=device, **RECIPE)
    return model


class TokenMaps(NamedTuple):
    """What a model with tokens attends to: maps (N, 8 pictures, 8 stretches of sound), rows summing to 1; its AUROC on these clips."""

    maps: np.ndarray
    auroc: float


def token_maps(model, sample, forgers) -> TokenMaps:
    """Run a model on a sample and keep the attention of pictures to sound."""
    said = predict(model, data_of(sample, forgers), parts=("video_to_audio",))
    return TokenMaps(said["video_to_audio"], metrics.auroc(said["logit"], said["label"]))


def untrained(model, seed: int):
    """The random-weights control of a model."""
    return controls.reinitialised(model, seed=seed).eval()


def own_moment(maps) -> np.ndarray:
    """Weight that a picture gives to its own moment of sound, as a multiple of an even share, one number a clip: 1 = no preference."""
    maps = np.asarray(maps)
    return np.trace(maps, axis1=1, axis2=2) / maps.shape[1] * maps.shape[2]


def alike(maps) -> float:
    """Share of a mean map's variation that all its rows have in common, 0..1: 1 = every picture asks for the same stretches, whatever it shows."""
    off = np.asarray(maps).mean(0) - 1 / np.shape(maps)[2]
    return float((off.mean(0)**2).sum() * len(off) / max((off**2).sum(), 1e-30))
