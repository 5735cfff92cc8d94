"""The one case where the right answer is known: data that are Gaussian.

For x ~ N(mu, s^2) the best possible denoiser and the map of the probability-flow ODE are closed formulas, so an inversion can
be checked against the truth and not only against itself. Works on tensors of any shape; use float64.
"""

import math

import torch


def ideal_denoiser(mu, s, schedule):
    """The least-squares denoiser of N(mu, s^2) data, as denoise(z, t) -> v or eps (what schedule.prediction asks for).

    E[eps | z] = sqrt(1-a) (z - sqrt(a) mu) / q,   E[x0 | z] = mu + sqrt(a) s^2 (z - sqrt(a) mu) / q,   q = a s^2 + 1 - a
    v = sqrt(a) E[eps | z] - sqrt(1-a) E[x0 | z]         (Gaussian conditioning; a = schedule.abar(t), t = -1 is the clean level)
    """

    def denoise(z, t):
        a = schedule.abar(t)
        centred = (z - math.sqrt(a) * mu) / (a * s**2 + 1 - a)
        eps = math.sqrt(1 - a) * centred
        image = mu + math.sqrt(a) * s**2 * centred
        return eps if schedule.prediction == "eps" else math.sqrt(a) * eps - math.sqrt(1 - a) * image

    return denoise


def exact_flow(z, mu, s, abar_to, abar_from=1.0):
    """Where the exact ODE carries z from one noise level to another.

    (z' - sqrt(a') mu) / sqrt(a' s^2 + 1 - a') = (z - sqrt(a) mu) / sqrt(a s^2 + 1 - a): standardised values do not move.
    """
    spread = math.sqrt((abar_to * s**2 + 1 - abar_to) / (abar_from * s**2 + 1 - abar_from))
    return math.sqrt(abar_to) * mu + spread * (z - math.sqrt(abar_from) * mu)


def sigma_points(mu, s):
    """(2,) float64 tensor mu - s, mu + s: enough for exact rms errors over all data.

    Every solver here is affine in z, so its error at mu + s g is b + c g and its mean square over g ~ N(0, 1) is b^2 + c^2:
    the mean of the squares at g = -1 and g = 1.
    """
    return torch.tensor([mu - s, mu + s], dtype=torch.float64)


def rms(error):
    """Root mean square of a tensor, as a float."""
    return float(error.double().square().mean().sqrt())
