"""The toy half of notebook 01: data N(0.5, 0.3^2) whose exact flow is known, and wrong inversions, made on purpose.

Each wrong inversion has one line that differs from `probe.ddim.ddim_invert`. They stand here and not in the probe, so that the
honest function has no switch that could be left on. All take the same arguments as `ddim_invert` and return z_T; the numbers in
their docstrings are rms errors on the toy at 40 steps, where the honest inversion has 0.0585.
"""

import math

import numpy as np
import torch

from avlab.probe.ddim import CLEAN, Schedule, angle, ddim_invert, ddim_sample, ddim_step, to_image_and_noise
from avlab.probe.gaussian import exact_flow, ideal_denoiser, rms, sigma_points

MU, S = 0.5, 0.3  # the data of the toy


def invert_index(denoise, z0, schedule, *, on_step=None):
    """The network is told the step number 0, 1, 2, ... instead of the timestep 24, 49, 74, ... (0.311)."""
    z = z0
    for step, (t, abar_s, abar_t) in enumerate(schedule.moves()):
        z = ddim_step(z, denoise(z, step), abar_s, abar_t, schedule.prediction)
        _tell(on_step, step, t, z)
    return z


def invert_source_label(denoise, z0, schedule, *, on_step=None):
    """The network is told the level it comes from, on the first step the clean one that it never saw in training (0.158)."""
    z, source = z0, CLEAN
    for step, (t, abar_s, abar_t) in enumerate(schedule.moves()):
        z = ddim_step(z, denoise(z, source), abar_s, abar_t, schedule.prediction)
        source = t
        _tell(on_step, step, t, z)
    return z


def invert_swap_alpha(denoise, z0, schedule, *, on_step=None):
    """Image and noise are split with the target's alpha: they are put together again as they were, nothing moves (0.860)."""
    z = z0
    for step, (t, _, abar_t) in enumerate(schedule.moves()):
        z = ddim_step(z, denoise(z, t), abar_t, abar_t, schedule.prediction)
        _tell(on_step, step, t, z)
    return z


def invert_abar0(denoise, z0, schedule, *, on_step=None):
    """The first step starts from abar(0) instead of 1, as if the clean latent already held noise (0.0706)."""
    z = z0
    for step, (t, abar_s, abar_t) in enumerate(schedule.moves()):
        abar_s = schedule.abar(0) if step == 0 else abar_s
        z = ddim_step(z, denoise(z, t), abar_s, abar_t, schedule.prediction)
        _tell(on_step, step, t, z)
    return z


def _tell(on_step, step, t, z):
    if on_step is not None:
        on_step(step, t, z)


def sample_eps_at_terminal(denoise, z_T, schedule):
    """Sampling by the textbook epsilon formula on v-predictions: image = (z - sin eps) / cos, 0 / 0 at zero signal (NaN)."""
    z = z_T
    for t, abar_s, abar_t in reversed(schedule.moves()):
        _, eps = to_image_and_noise(z, denoise(z, t), abar_t)
        image = (z - math.sqrt(1 - abar_t) * eps) / math.sqrt(abar_t) if abar_t else (z - eps) / torch.zeros_like(z)
        z = math.sqrt(abar_s) * image + math.sqrt(1 - abar_s) * eps
    return z


BUGS = {"none": ddim_invert, "index": invert_index, "source_label": invert_source_label, "swap_alpha": invert_swap_alpha}


def inversion(mutant):
    """The inversion that a value of the parameter `mutant` stands for; mutants of the network half leave it honest."""
    return BUGS.get(mutant, ddim_invert)


# ------------------------------------------------------------------------------------------------ measured on the toy


def forward_error(invert, steps, **schedule):
    """Root mean square error over all data of an inversion against the exact map, in units of the noise (spread 1)."""
    schedule = Schedule.ddim(steps, **schedule)
    z0 = sigma_points(MU, S)
    return rms(invert(ideal_denoiser(MU, S, schedule), z0, schedule) - exact_flow(z0, MU, S, schedule.alphas[-1]))


def round_trip_error(invert, steps, sample=ddim_sample, **schedule):
    """Root mean square error over all data of inversion and sampling against the start, relative to the data's spread."""
    schedule = Schedule.ddim(steps, **schedule)
    z0, denoise = sigma_points(MU, S), ideal_denoiser(MU, S, schedule)
    return rms(sample(denoise, invert(denoise, z0, schedule), schedule) - z0) / S


def order(steps, errors):
    """Slope of log error on log steps by least squares: -1 first order, -2 second order, 0 no convergence."""
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def path(steps, starts, invert=ddim_invert, **schedule):
    """The latents that an inversion visits: angles (steps + 1,) in rad and values (steps + 1, len(starts))."""
    schedule = Schedule.ddim(steps, **schedule)
    visited = [torch.as_tensor(starts, dtype=torch.float64)]
    invert(ideal_denoiser(MU, S, schedule), visited[0], schedule, on_step=lambda step, t, z: visited.append(z))
    return np.array([0.0, *(angle(a) for a in schedule.alphas)]), torch.stack(visited).numpy()


def exact_path(angles, starts):
    """The exact flow at given angles: (n, len(starts))."""
    starts = torch.as_tensor(starts, dtype=torch.float64)
    return torch.stack([exact_flow(starts, MU, S, math.cos(a) ** 2) for a in angles]).numpy()
