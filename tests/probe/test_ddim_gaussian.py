"""The solvers against Gaussian data, where denoiser and flow are closed formulas: orders, sizes, and what each bug costs."""

import math

import numpy as np
import pytest
import torch

from avlab.course import nb01_toys as toys
from avlab.probe.ddim import Schedule, ddim_invert, ddim_invert_fixed_point, ddim_sample
from avlab.probe.gaussian import exact_flow, ideal_denoiser, rms, sigma_points
from avlab.probe.multistep import multistep_invert, multistep_sample

MU, S = 0.5, 0.3
STEPS = (5, 10, 20, 40, 80, 160)


def forward_error(invert, steps, **schedule):
    schedule = Schedule.ddim(steps, **schedule)
    z0 = sigma_points(MU, S)
    return rms(invert(ideal_denoiser(MU, S, schedule), z0, schedule) - exact_flow(z0, MU, S, schedule.alphas[-1]))


def sampling_error(sample, steps, **schedule):
    schedule = Schedule.ddim(steps, **schedule)
    z0 = sigma_points(MU, S)
    return rms(sample(ideal_denoiser(MU, S, schedule), exact_flow(z0, MU, S, schedule.alphas[-1]), schedule) - z0)


def slope(error, steps):
    return np.polyfit(np.log(steps), np.log([error(n) for n in steps]), 1)[0]


def test_closed_forms_agree_with_a_simulation():
    # draw images and noise, regress v on z at one level: the least-squares line is the ideal denoiser
    g = torch.Generator().manual_seed(0)
    schedule = Schedule.ddim(40)
    image, eps = MU + S * torch.randn(400_000, generator=g).double(), torch.randn(400_000, generator=g).double()
    a = schedule.abar(249)
    z, v = math.sqrt(a) * image + math.sqrt(1 - a) * eps, math.sqrt(a) * eps - math.sqrt(1 - a) * image
    gain, offset = np.polyfit(z.numpy(), v.numpy(), 1)
    line = ideal_denoiser(MU, S, schedule)(torch.tensor([0.0, 1.0], dtype=torch.float64), 249)
    assert float(line[0]) == pytest.approx(offset, abs=5e-3) and float(line[1] - line[0]) == pytest.approx(gain, abs=5e-3)


def test_exact_flow_is_what_its_own_denoiser_integrates():
    assert sampling_error(multistep_sample, 80, spacing="angle") < 5e-4  # tends to the formula, which knows no steps
    z0 = sigma_points(MU, S)
    there = exact_flow(z0, MU, S, 0.2)
    assert torch.allclose(exact_flow(there, MU, S, 1.0, abar_from=0.2), z0)
    assert torch.allclose(exact_flow(z0, MU, S, 0.0), torch.tensor([-1.0, 1.0], dtype=torch.float64))


def test_sigma_points_give_the_error_over_all_data():
    schedule = Schedule.ddim(10)
    z0 = MU + S * torch.randn(200_000, generator=torch.Generator().manual_seed(2)).double()
    over_data = rms(ddim_invert(ideal_denoiser(MU, S, schedule), z0, schedule) - exact_flow(z0, MU, S, 0.0))
    assert over_data == pytest.approx(forward_error(ddim_invert, 10), rel=0.01)


@pytest.mark.parametrize("steps, error", [(10, 0.2960), (20, 0.1365), (40, 0.0585), (80, 0.0286)])
def test_forward_error_of_ddim_inversion(steps, error):
    assert forward_error(ddim_invert, steps) == pytest.approx(error, abs=5e-5)


def test_ddim_inversion_is_first_order():
    assert slope(lambda n: forward_error(ddim_invert, n), STEPS) == pytest.approx(-1.04, abs=0.005)


def test_eps_and_v_prediction_sample_alike_but_invert_differently():
    alike = [sampling_error(ddim_sample, 40, prediction=p, zero_snr=False) for p in ("v", "eps")]
    # inversion asks about the source latent with the target's label, and what is made of that answer depends on its form
    different = [forward_error(ddim_invert, 40, prediction=p, zero_snr=False) for p in ("v", "eps")]
    assert different == pytest.approx([0.0557, 0.0638], abs=5e-5)
    assert alike[0] == pytest.approx(alike[1], rel=1e-9) and alike[0] < 0.05


@pytest.mark.parametrize("bug, error", [(toys.invert_index, 0.3106), (toys.invert_source_label, 0.1580),
                                        (toys.invert_abar0, 0.0706), (toys.invert_swap_alpha, 0.8602)])
def test_each_bug_has_its_own_number(bug, error):
    assert forward_error(bug, 40) == pytest.approx(error, abs=5e-5)


def test_orders_of_the_mutants():
    orders = {name: slope(lambda n: forward_error(toys.inversion(name), n), (5, 10, 20, 40)) for name in toys.BUGS}
    assert orders == pytest.approx({"none": -1.061, "index": -0.368, "source_label": -0.662, "swap_alpha": 0.0}, abs=1e-3)


def test_the_round_trip_does_not_see_the_index_bug():
    schedule, z0 = Schedule.ddim(40), sigma_points(MU, S)
    denoise = ideal_denoiser(MU, S, schedule)
    trip = {name: rms(ddim_sample(denoise, invert(denoise, z0, schedule), schedule) - z0) / S
            for name, invert in (("right", ddim_invert), ("index", toys.invert_index))}
    assert trip == pytest.approx({"right": 0.1913, "index": 0.2386}, abs=1e-4)
    assert [round(forward_error(toys.invert_index, n), 2) for n in (40, 80, 160)] == [0.31, 0.65, 1.04]


def test_a_perfect_round_trip_is_not_a_correct_inversion():
    schedule, z0 = Schedule.ddim(40), sigma_points(MU, S)
    denoise = ideal_denoiser(MU, S, schedule)
    z_T = ddim_invert_fixed_point(denoise, z0, schedule, 4)
    assert rms(ddim_sample(denoise, z_T, schedule) - z0) / S < 2e-4
    assert rms(z_T - exact_flow(z0, MU, S, 0.0)) == pytest.approx(0.1875, abs=1e-4)


def test_textbook_epsilon_formula_breaks_at_zero_signal():
    schedule, z0 = Schedule.ddim(40), sigma_points(MU, S)
    assert torch.isnan(toys.sample_eps_at_terminal(ideal_denoiser(MU, S, schedule), z0, schedule)).all()
    harmless = Schedule.ddim(40, zero_snr=False)
    z_T = exact_flow(z0, MU, S, harmless.alphas[-1])
    pair = [f(ideal_denoiser(MU, S, harmless), z_T, harmless) for f in (toys.sample_eps_at_terminal, ddim_sample)]
    assert torch.allclose(*pair)


def test_multistep_is_second_order():
    steps = (10, 20, 40)
    sampling = slope(lambda n: sampling_error(multistep_sample, n, spacing="angle"), steps)
    inverting = slope(lambda n: forward_error(multistep_invert, n, spacing="angle"), steps)
    assert sampling == pytest.approx(-2, abs=0.15) and inverting == pytest.approx(-2, abs=0.25)
    assert slope(lambda n: sampling_error(ddim_sample, n, spacing="angle"), steps) == pytest.approx(-1, abs=0.15)
    # and it is worth it: at the same 40 steps
    assert sampling_error(multistep_sample, 40, spacing="angle") < sampling_error(ddim_sample, 40) / 20
    assert forward_error(multistep_invert, 40, spacing="angle") < forward_error(ddim_invert, 40) / 10


def test_multistep_costs_one_call_a_step():
    calls, schedule = [], Schedule.ddim(40, spacing="angle")
    ideal = ideal_denoiser(MU, S, schedule)

    def denoise(z, t):
        calls.append(t)
        return ideal(z, t)

    z_T = multistep_invert(denoise, sigma_points(MU, S), schedule)
    assert len(calls) == 42
    multistep_sample(denoise, z_T, schedule)
    assert calls[42:] == schedule.timesteps[::-1].tolist()
