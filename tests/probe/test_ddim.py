"""DDIM as plain functions: equal to diffusers' schedulers (second route), honest about its contract, strict about bad input."""

import math

import numpy as np
import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler

from avlab.errors import AvlabError
from avlab.probe.ddim import Schedule, ddim_invert, ddim_invert_fixed_point, ddim_sample, ddim_step, to_image_and_noise, to_v, trailing_timesteps

DIFFUSERS = dict(beta_start=0.00085, beta_end=0.012, clip_sample=False, timestep_spacing="trailing")
NAMES = {"v": "v_prediction", "eps": "epsilon"}


def network(seed=0):
    """A fixed nonlinear denoiser that depends on every value, on the neighbours and on the label."""
    g = torch.Generator().manual_seed(seed)
    mix = torch.randn(4, 4, generator=g) / 4
    return lambda z, t: torch.tanh(torch.einsum("dc,bcthw->bdthw", mix.to(z), z.roll(1, -1)) + math.sin(t / 70))


def latent():
    return torch.randn(1, 4, 3, 5, 5, generator=torch.Generator().manual_seed(1))


def diffusers_round_trip(denoise, z, prediction, zero_snr, betas):
    config = dict(DIFFUSERS, beta_schedule=betas, prediction_type=NAMES[prediction], rescale_betas_zero_snr=zero_snr)
    inverse, forward = DDIMInverseScheduler(**config), DDIMScheduler(**config)
    inverse.set_timesteps(40), forward.set_timesteps(40)
    for t in inverse.timesteps.tolist():
        z = inverse.step(denoise(z, t), t, z).prev_sample
    noise = z
    for t in forward.timesteps.tolist():
        z = forward.step(denoise(z, t), t, z).prev_sample
    return inverse.timesteps.tolist(), noise, z


@pytest.mark.parametrize("betas", ["linear", "scaled_linear"])
@pytest.mark.parametrize("prediction, zero_snr", [("v", True), ("v", False), ("eps", False)])
def test_equals_diffusers_over_40_steps(prediction, zero_snr, betas):
    schedule, denoise, z0 = Schedule.ddim(40, betas, zero_snr, prediction), network(), latent()
    ours = ddim_invert(denoise, z0, schedule)
    back = ddim_sample(denoise, ours, schedule)
    assert ours.dtype == back.dtype == torch.float32
    labels, noise, theirs = diffusers_round_trip(denoise, z0, prediction, zero_snr, betas)
    assert labels == schedule.timesteps.tolist()
    assert (ours - noise).abs().max() < 1e-5
    # eps-prediction divides by sqrt(abar(999)) = 0.04, and diffusers' own rounding then reaches 1e-5 (ours, which only turns,
    # stays under 5e-6): its double-precision run is the yardstick, its single-precision run is held a little more loosely
    assert (back - diffusers_round_trip(denoise, z0.double(), prediction, zero_snr, betas)[2]).abs().max() < 1e-5
    assert (back - theirs).abs().max() < (1e-5 if prediction == "v" else 3e-5)


def test_grid_of_the_paper():
    assert Schedule.ddim(40).timesteps.tolist() == list(range(24, 1000, 25))
    for steps in range(1, 1001):
        theirs = DDIMScheduler(**DIFFUSERS)
        theirs.set_timesteps(steps)
        assert theirs.timesteps.tolist()[:steps] == trailing_timesteps(steps)[::-1].tolist(), steps
        assert abs(trailing_timesteps(steps) + 1 - np.arange(1, steps + 1) * 1000 / steps).max() <= 0.5 + 1e-9


def test_signal_levels_of_the_paper():
    schedule = Schedule.ddim()
    assert [round(schedule.abar(t), 5) for t in (24, 249, 499)] == [0.97472, 0.5557, 0.14253]
    assert schedule.abar(999) == 0 and schedule.abar(-1) == 1 and schedule.abar(0) == pytest.approx(1 - 0.00085)
    assert schedule.alphas.tolist() == [schedule.abar(t) for t in schedule.timesteps]


def test_one_step_on_paper():
    # from clean to abar = 0.64 is a turn by acos(0.8): 0.8 z + 0.6 v
    assert float(ddim_step(torch.tensor(10.0), torch.tensor(5.0), 1.0, 0.64)) == pytest.approx(11.0)
    # from 0.64 to 0 (pure noise) only eps = 0.6 z + 0.8 v is left
    assert float(ddim_step(torch.tensor(10.0), torch.tensor(5.0), 0.64, 0.0)) == pytest.approx(10.0)
    assert float(ddim_step(torch.tensor(2.0), torch.tensor(7.0), 1.0, 0.64, "eps")) == pytest.approx(0.8 * 2 + 0.6 * 7)


def test_eps_and_v_are_two_names_for_one_step():
    z, v, a = torch.randn(50, dtype=torch.float64), torch.randn(50, dtype=torch.float64), 0.3
    image, eps = to_image_and_noise(z, v, a)
    assert torch.allclose(math.sqrt(a) * image + math.sqrt(1 - a) * eps, z)
    assert torch.allclose(to_v(eps, z, a, "eps"), v)
    assert torch.allclose(ddim_step(z, eps, a, 0.1, "eps"), ddim_step(z, v, a, 0.1, "v"))


def test_network_is_asked_the_target_label_once_a_step():
    asked, schedule = [], Schedule.ddim(40)

    def denoise(z, t):
        asked.append(t)
        return torch.zeros_like(z)

    ddim_invert(denoise, latent(), schedule)
    assert asked == list(range(24, 1000, 25)) and all(type(t) is int for t in asked)
    ddim_sample(denoise, latent(), schedule)
    assert asked[40:] == list(range(999, 0, -25))


def test_on_step_sees_every_latent():
    seen, schedule, z0 = [], Schedule.ddim(5), latent()
    z_T = ddim_invert(network(), z0, schedule, on_step=lambda *a: seen.append(a))
    assert [(step, t) for step, t, _ in seen] == list(enumerate((199, 399, 599, 799, 999)))
    assert torch.equal(seen[-1][2], z_T)
    by_hand = ddim_step(z0, network()(z0, 199), 1.0, schedule.abar(199))
    assert torch.equal(seen[0][2], by_hand)
    seen.clear()
    z0_hat = ddim_sample(network(), z_T, schedule, on_step=lambda *a: seen.append(a))
    assert [(step, t) for step, t, _ in seen] == list(enumerate((999, 799, 599, 399, 199))) and torch.equal(seen[-1][2], z0_hat)


def test_fixed_point_iterations_make_the_round_trip_exact():
    schedule, denoise, z0 = Schedule.ddim(40), network(), latent()
    gap = [float((ddim_sample(denoise, ddim_invert_fixed_point(denoise, z0, schedule, k), schedule) - z0).abs().max()) for k in (0, 1, 4, 8)]
    assert gap[0] > 3 * gap[1] > 10 * gap[2] and gap[3] < 1e-4
    assert torch.equal(ddim_invert_fixed_point(denoise, z0, schedule, 0), ddim_invert(denoise, z0, schedule))


def test_eps_prediction_at_zero_terminal_snr_is_refused():
    with pytest.raises(AvlabError, match=r"sqrt\(abar\) = 0.*zero_snr=False"):
        Schedule.ddim(40, prediction="eps", zero_snr=True)
    with pytest.raises(AvlabError, match="no image estimate"):
        to_v(latent(), latent(), 0.0, "eps")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_latents_are_refused(bad):
    z0 = latent()
    z0[0, 0, 0, 0, 0] = bad
    for run in (ddim_invert, ddim_sample):
        with pytest.raises(AvlabError, match="1 of 300 values"):
            run(network(), z0, Schedule.ddim(4))
    with pytest.raises(AvlabError, match="inverted latent"):
        ddim_invert(lambda z, t: z / 0, latent(), Schedule.ddim(4))


@pytest.mark.parametrize("arguments, words", [(dict(steps=0), "1 to 1000"), (dict(steps=2.0), "whole number"), (dict(betas="cosine"), "linear"),
                                              (dict(prediction="x0"), "v, eps"), (dict(spacing="leading"), "trailing"),
                                              (dict(steps=400, spacing="angle"), "label of their own")])
def test_bad_schedules_say_what_is_allowed(arguments, words):
    with pytest.raises(AvlabError, match=words):
        Schedule.ddim(**arguments)
