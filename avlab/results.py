"""The nouns that cross from one room to the next: frozen records that keep what produced them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, eq=False)
class Probed:
    """What the diffusion probe reads off a clip (X-AVDT section 3: phi and psi).

    composite     phi (12, T, H, W) float32 in 0..1: the frames, D(z_T), D(z0_hat) and the residual |frames - D(z0_hat)|; None if only psi was asked for
    av_attention  psi (D, T, h, w) float32, signed: what one audio cross-attention layer writes at timestep `t`. Not a probability.
    latents       z0, z_T, z0_hat, each (4, T, h, w) (only z0 without phi)
    clip_id       whose; layer, t, steps: the tap and the schedule; calls: network calls spent on each chunk of 16 frames
    notes         what was done to the clip or should be known about the numbers
    """

    composite: torch.Tensor | None
    av_attention: torch.Tensor
    latents: dict
    clip_id: str
    layer: str
    t: int
    steps: int
    calls: int
    notes: tuple = field(default=())

    @property
    def frames(self):
        return self.composite[0:3]

    @property
    def inverted(self):
        return self.composite[3:6]

    @property
    def reconstructed(self):
        return self.composite[6:9]

    @property
    def residual(self):
        return self.composite[9:12]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a detector says of a batch.

    logit      (B,) log-odds that a clip is fake (label 1)
    embedding  (B, D) the vector in front of the last layer, as the paper's own plots use it
    parts      further tensors by name, each documented by its detector: attention weights, per-generator logits, segments
    """

    logit: torch.Tensor
    embedding: torch.Tensor
    parts: dict = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where an explanation says a decision came from: a film on its own grid, never enlarged.

    values    (t, h, w) float; t steps divide the clip evenly, so t may be fewer than its frames. Magnitudes >= 0, or signed (see `signed`)
    method    "grad_cam", "occlusion", "integrated_gradients", "psi" ...;  layer   that was read, or ""
    target    the class explained;  detector   class name of the network, or ""
    box       top, left, bottom, right of the film in the clip's pictures, as shares of height and width
    signed    True: values < 0 speak against the target
    """

    values: np.ndarray
    method: str
    layer: str = ""
    target: str = "fake"
    detector: str = ""
    box: tuple = (0.0, 0.0, 1.0, 1.0)
    signed: bool = False

    @property
    def grid(self) -> tuple[int, int, int]:
        """Steps, rows and columns of the map: how fine the explanation really is."""
        return tuple(self.values.shape)
