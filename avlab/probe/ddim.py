"""DDIM backwards and forwards, as plain functions on a noise schedule.

This file knows no network: whoever has one wraps it to `denoise(z, t) -> v or eps` first. It draws no random numbers, clips
nothing and uses no guidance, so the same latent always gives the same noise.

One picture explains all of it. Write sqrt(abar) = cos(th) and sqrt(1 - abar) = sin(th): a noised latent is
z = cos(th) image + sin(th) noise, a point on a circle at the angle th. Clean is th = 0, pure noise is th = pi/2. Walking along
the circle changes z by dz/dth = v = cos(th) noise - sin(th) image, and a DDIM step holds image and noise still while it turns.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from avlab.errors import AvlabError

TRAIN_STEPS = 1000  # labels 0..999 the network was trained with
BETA_FIRST, BETA_LAST = 0.00085, 0.012  # Stable Diffusion's range, kept by X-AVDT's probe
CLEAN = -1  # the label of the noiseless level, where abar = 1; no network was trained there
BETAS, PREDICTIONS, SPACINGS = ("linear", "scaled_linear"), ("v", "eps"), ("trailing", "angle")


@dataclass(frozen=True, eq=False)
class Schedule:
    """The noise levels that an inversion visits, in the order it visits them.

    timesteps   (steps,) int64 ascending: labels for the network, 24, 49, ..., 999 at 40 trailing steps
    alphas      (steps,) float64: abar at those labels, in [0, 1), falling; the clean level before them has abar = 1
    table       (1000,) float64: abar of every label
    prediction  "v" or "eps": what the network returns
    Raises AvlabError for eps-prediction with abar = 0 at the end: there the image is (z - eps) / 0.
    """

    timesteps: np.ndarray
    alphas: np.ndarray
    table: np.ndarray
    prediction: str = "v"

    def __post_init__(self):
        if self.prediction == "eps" and self.alphas[-1] <= 0:
            raise AvlabError("eps-prediction cannot leave a level with zero signal: the image estimate divides by sqrt(abar) = 0",
                             got=f"prediction='eps' and abar({int(self.timesteps[-1])}) = 0",
                             todo="use prediction='v', or zero_snr=False")
        for array in (self.timesteps, self.alphas, self.table):
            array.setflags(write=False)

    @classmethod
    def ddim(cls, steps=40, betas="linear", zero_snr=True, prediction="v", spacing="trailing"):
        """Build the schedule of X-AVDT's probe, or a relative of it.

        trailing: t_k = round(1000 k / steps) - 1, k = 1..steps          (Lin et al. 2024, table 2)
        angle:    the labels whose angles are nearest to equal turns      (ours; what a second-order solver needs)

        Departs from diffusers where `steps` does not divide 1000: there the inverse scheduler takes the source level at
        t - 1000 // steps, which is not on its own grid; here the source is always the level before.
        Raises AvlabError for an unknown name or a number of steps outside 1..1000.
        """
        for name, value, known in (("betas", betas, BETAS), ("prediction", prediction, PREDICTIONS), ("spacing", spacing, SPACINGS)):
            if value not in known:
                raise AvlabError(f"{name} must be one of {', '.join(known)}", got=value)
        if not isinstance(steps, (int, np.integer)) or isinstance(steps, bool) or not 1 <= steps <= TRAIN_STEPS:
            raise AvlabError(f"steps must be a whole number from 1 to {TRAIN_STEPS}", got=steps)
        table = abar_table(betas, zero_snr=zero_snr)
        timesteps = trailing_timesteps(steps) if spacing == "trailing" else angle_timesteps(table, steps)
        return cls(timesteps, table[timesteps], table, prediction)

    @property
    def steps(self):
        """Number of steps, and of network calls in one direction."""
        return len(self.timesteps)

    def abar(self, t):
        """Share of signal variance left at label t in -1..999; abar(-1) = 1 is the clean level."""
        if not CLEAN <= t < TRAIN_STEPS:
            raise AvlabError(f"a timestep lies in {CLEAN}..{TRAIN_STEPS - 1}", got=t)
        return 1.0 if t == CLEAN else float(self.table[int(t)])

    def moves(self):
        """(label, abar of the source, abar of the target) of every inversion step; sampling reads them from the end."""
        return list(zip((int(t) for t in self.timesteps), [1.0, *map(float, self.alphas[:-1])], map(float, self.alphas)))


def abar_table(betas="linear", *, zero_snr=True):
    """abar of the labels 0..999, (1000,) float64.

    abar(t) = prod_{i <= t} (1 - beta_i); with zero terminal SNR sqrt(abar) is shifted and stretched so that its first value
    stays and its last is 0 (Lin et al. 2024, algorithm 1). "scaled_linear" is linear in sqrt(beta).
    """
    power = 0.5 if betas == "scaled_linear" else 1.0
    beta = np.linspace(BETA_FIRST**power, BETA_LAST**power, TRAIN_STEPS) ** (1 / power)
    root = np.sqrt(np.cumprod(1 - beta))
    if zero_snr:
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root**2


def trailing_timesteps(steps):
    """round(1000 k / steps) - 1 for k = 1..steps: the last label is always 999 (counted down as diffusers does, halves included)."""
    # the slice: where 1000 / steps is rounded down, counting to 0 in floats reaches one value too many
    return np.round(np.arange(TRAIN_STEPS, 0, -TRAIN_STEPS / steps)[:steps][::-1]).astype(np.int64) - 1


def angle_timesteps(table, steps):
    """The labels nearest to `steps` equal turns from clean to the last level.

    With trailing spacing the first turn is the largest (0.16 of 1.57 at 40 steps) and shrinks only with the square root of
    the number of steps, which no second-order formula survives. Raises AvlabError where two turns fall on one label.
    """
    angles = np.arccos(np.sqrt(table))
    wanted = np.linspace(0, angles[-1], steps + 1)[1:]
    timesteps = np.abs(angles[None] - wanted[:, None]).argmin(1)
    if len(set(timesteps.tolist())) < steps:
        raise AvlabError("equal turns need a label of their own each, and there are too few labels near the clean end",
                         got=f"{steps} steps", todo="use fewer steps (up to about 80) or spacing='trailing'")
    return timesteps


def angle(abar):
    """th with cos(th) = sqrt(abar), in 0 (clean) .. pi/2 (pure noise)."""
    return math.atan2(math.sqrt(1 - abar), math.sqrt(abar))


def turn(z, v, d):
    """cos(d) z + sin(d) v: walk d radians with image and noise held still (Salimans & Ho 2022, appendix D)."""
    return math.cos(d) * z + math.sin(d) * v


def to_v(output, z, abar, prediction):
    """The network's output as v. From eps: image = (z - sin eps) / cos, hence v = (eps - sin z) / cos."""
    if prediction == "v":
        return output
    if abar <= 0:
        raise AvlabError("eps-prediction has no image estimate where abar = 0", todo="use v-prediction, or zero_snr=False")
    return (output - math.sqrt(1 - abar) * z) / math.sqrt(abar)


def to_image_and_noise(z, v, abar):
    """(x0, eps) that z and v stand for: x0 = cos z - sin v, eps = sin z + cos v."""
    c, s = math.sqrt(abar), math.sqrt(1 - abar)
    return c * z - s * v, s * z + c * v


def ddim_step(z, output, abar_from, abar_to, prediction="v"):
    """One DDIM step with eta = 0, in either direction.

    z' = cos(d) z + sin(d) v, d = th(abar_to) - th(abar_from)          (Song et al. 2021, eq. 12 with sigma = 0, rewritten)

    output  the network's v or eps for z, same shape; the projection uses abar_from, never abar_to
    """
    return turn(z, to_v(output, z, abar_from, prediction), angle(abar_to) - angle(abar_from))


def ddim_invert(denoise, z0, schedule, *, on_step=None):
    """Run DDIM backwards, from a clean latent to its noise.

    z_t = cos(d) z_s + sin(d) v(z_s, t, c)              (Song et al. 2021, eq. 12, reversed; X-AVDT section 3)

    The network is asked with the *target* label t about the *source* latent z_s, because nothing else is at hand: that gap
    is a first-order error, and with the sampler it makes the residual the probe reads. The first step starts from abar = 1.

    denoise   (z, t: int) -> v or eps as schedule.prediction says, same shape as z
    z0        (B, C, T, h, w) clean latent, or any shape the denoiser takes
    on_step   called with (step, t, z) after each step: step 0, 1, ... and the label t now reached (24 first)
    Returns z at the last label.  Raises AvlabError if z0 or the result is not finite.
    """
    z = require_finite(z0, "z0")
    for step, (t, abar_s, abar_t) in enumerate(schedule.moves()):
        z = ddim_step(z, denoise(z, t), abar_s, abar_t, schedule.prediction)
        if on_step is not None:
            on_step(step, t, z)
    return require_finite(z, "the inverted latent")


def ddim_sample(denoise, z_T, schedule, *, on_step=None):
    """Run DDIM forwards, from noise to a clean latent; the label is that of the latent the network sees.

    denoise, schedule as in `ddim_invert`; on_step is called with (step, t, z) after each step: t the label just used (999 first).
    Returns z0_hat.  Raises AvlabError if z_T or the result is not finite.
    """
    z = require_finite(z_T, "z_T")
    for step, (t, abar_s, abar_t) in enumerate(reversed(schedule.moves())):
        z = ddim_step(z, denoise(z, t), abar_t, abar_s, schedule.prediction)
        if on_step is not None:
            on_step(step, t, z)
    return require_finite(z, "the sampled latent")


def ddim_invert_fixed_point(denoise, z0, schedule, iterations, *, on_step=None):
    """DDIM inversion whose every step is repaired until the sampler undoes it.

    z_t <- (z_s + sin(d) v(z_t, t)) / cos(d), `iterations` times, starting from `ddim_invert`'s step      (as Garibi et al. 2024)

    Costs 1 + iterations calls a step; 0 is `ddim_invert` itself. It makes the round trip consistent, which is not the same
    as making the inversion right: on Gaussian data the error against the exact map grows.
    """
    if iterations < 0:
        raise AvlabError("the number of inner iterations is 0 or more", got=iterations)
    z = require_finite(z0, "z0")
    for step, (t, abar_s, abar_t) in enumerate(schedule.moves()):
        d, source = angle(abar_t) - angle(abar_s), z
        z = ddim_step(source, denoise(source, t), abar_s, abar_t, schedule.prediction)
        for _ in range(iterations):
            z = (source + math.sin(d) * to_v(denoise(z, t), z, abar_t, schedule.prediction)) / math.cos(d)
        if on_step is not None:
            on_step(step, t, z)
    return require_finite(z, "the inverted latent")


def require_finite(z, name):
    """z itself; raises AvlabError with the number of NaN and infinite values otherwise."""
    if not bool(torch.isfinite(z).all()):
        raise AvlabError(f"{name} must be finite everywhere", got=f"{int((~torch.isfinite(z)).sum())} of {z.numel()} values are not",
                         todo="look at the input first, then at the denoiser's output")
    return z
