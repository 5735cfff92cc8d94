"""A second-order solver for the same walk, at one network call a step (and two more for the start of an inversion).

DDIM turns with image and noise held still. In truth they drift: dv/dth = -z would be a pure turn, and z + dv/dth is what is
missing. Two neighbouring calls give dv/dth for nothing, so the solver remembers the last v and adds the missing curvature.
The idea is that of DPM-Solver++(2M) (Lu et al. 2022); the form in angles is ours. Use it with spacing="angle".
"""

import math

import numpy as np

from avlab.probe.ddim import angle, require_finite, to_v, turn


def multistep_invert(denoise, z0, schedule, *, on_step=None):
    """Second-order inversion: steps + 2 calls (the first step has no history and takes three).

    z' = z + sin(d) v + (1 - cos(d)) (v - v_before) / d_before

    Unlike `ddim_invert` the label is the source's own, so no label error is left; only the clean level has no label, and
    there the network is asked for the middle and the end of the first turn. Arguments, returns and errors as `ddim_invert`.
    """
    z, before, d_before = require_finite(z0, "z0"), None, None
    moves = schedule.moves()
    for step, (t, abar_s, abar_t) in enumerate(moves):
        d = angle(abar_t) - angle(abar_s)
        if step == 0:
            z, before, d_before = _first_step(denoise, z, schedule, t, d)
        else:
            v = to_v(denoise(z, moves[step - 1][0]), z, abar_s, schedule.prediction)
            z, before, d_before = _second_order(z, v, d, before, d_before), v, d
        if on_step is not None:
            on_step(step, t, z)
    return require_finite(z, "the inverted latent")


def multistep_sample(denoise, z_T, schedule, *, on_step=None):
    """Second-order sampling, one call a step; the first step is DDIM's. Arguments and errors as `ddim_sample`."""
    z, before, d_before = require_finite(z_T, "z_T"), None, None
    for step, (t, abar_s, abar_t) in enumerate(reversed(schedule.moves())):
        d = angle(abar_s) - angle(abar_t)
        v = to_v(denoise(z, t), z, abar_t, schedule.prediction)
        z, before, d_before = _second_order(z, v, d, before, d_before), v, d
        if on_step is not None:
            on_step(step, t, z)
    return require_finite(z, "the sampled latent")


def _second_order(z, v, d, before, d_before):
    if before is None:
        return turn(z, v, d)
    # the pure turn cos(d) z + sin(d) v plus (1 - cos(d)) (z + dv/dth), with dv/dth from the last two calls
    return z + math.sin(d) * v + (1 - math.cos(d)) * (v - before) / d_before


def _first_step(denoise, z, schedule, t, d):
    """The first turn, where no history and no label of the clean level exist: a midpoint call and an end call.

    Plain DDIM where no label lies below t (many steps). Returns z', and the last v with its distance for the next step.
    """
    if t == 0:
        return turn(z, to_v(denoise(z, t), z, 1.0, schedule.prediction), d), None, None
    angles = np.arccos(np.sqrt(schedule.table[:t]))
    middle = int(np.abs(angles - d / 2).argmin())
    inside = float(angles[middle])
    half = turn(z, to_v(denoise(z, middle), z, 1.0, schedule.prediction), inside)
    v = to_v(denoise(half, middle), half, schedule.abar(middle), schedule.prediction)
    end = turn(half, v, d - inside)
    slope = (to_v(denoise(end, t), end, schedule.abar(t), schedule.prediction) - v) / (d - inside)
    # the label is rarely the exact middle: integrate the straight line through both calls over the whole turn
    return z + d * (v + slope * (d / 2 - inside)), v, d - inside
