"""The exercise checks of notebook 01: solutions pass, stubs stay open, and every known wrong answer is told apart by its own words."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from avlab import course
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ answers


def invert_step(z, v, abar_s, abar_t):
    d = math.acos(math.sqrt(abar_t)) - math.acos(math.sqrt(abar_s))
    return math.cos(d) * z + math.sin(d) * v


def step_swapped(z, v, abar_s, abar_t):
    return invert_step(z, v, abar_t, abar_s)


def step_epsilon(z, v, abar_s, abar_t):
    x0 = (z - math.sqrt(1 - abar_s) * v) / (math.sqrt(abar_s) * torch.ones_like(z))
    return math.sqrt(abar_t) * x0 + math.sqrt(1 - abar_t) * v


def step_epsilon_guarded(z, v, abar_s, abar_t):
    return step_epsilon(z, v, max(abar_s, 1e-8), abar_t)


def step_no_roots(z, v, abar_s, abar_t):
    x0, eps = abar_s * z - (1 - abar_s) * v, (1 - abar_s) * z + abar_s * v
    return abar_t * x0 + (1 - abar_t) * eps


def step_same_alpha(z, v, abar_s, abar_t):
    return invert_step(z, v, abar_t, abar_t)


def inversion(label, first=1.0, step=invert_step):
    def ddim_invert(denoise, z0, schedule):
        z, before = z0, first
        for k, abar in enumerate(schedule.alphas):
            z = step(z, denoise(z, label(k, schedule)), before, float(abar))
            before = float(abar)
        return z
    return ddim_invert


def target(k, schedule):
    return int(schedule.timesteps[k])


def split_residual(x, z0, z0_hat, decode):
    a, b = (np.clip(decode(z), 0, 1) * 255 for z in (z0, z0_hat))
    return np.abs(x.astype(float) - a), np.abs(a - b)


def split_uint8(x, z0, z0_hat, decode):
    a, b = ((np.clip(decode(z), 0, 1) * 255).round().astype(np.uint8) for z in (z0, z0_hat))
    return np.abs(x - a), np.abs(a - b)


def split_unclamped(x, z0, z0_hat, decode):
    return np.abs(x - decode(z0) * 255), np.abs(decode(z0) - decode(z0_hat)) * 255


def split_against_x(x, z0, z0_hat, decode):
    a, b = (np.clip(decode(z), 0, 1) * 255 for z in (z0, z0_hat))
    return np.abs(x - a), np.abs(x - b)


def split_shares(x, z0, z0_hat, decode):
    return tuple(r / 255 for r in split_residual(x, z0, z0_hat, decode))


def matched(fit=lambda label: label == 0, sign=-1):
    def matched_auroc(residual, sharpness, label):
        rows = fit(label)
        b1, b0 = np.polyfit(sharpness[rows], np.log(residual[rows]), 1)
        return roc_auc_score(label, sign * (np.log(residual) - b0 - b1 * sharpness))
    return matched_auroc


SOLUTIONS = {"1": invert_step, "2": inversion(target), "3": split_residual, "4": matched()}

WRONG = {
    "1": {
        "alphas swapped": (step_swapped, "alphas swapped"), "epsilon formula": (step_epsilon, "treat v as if it were the noise"),
        "epsilon formula, guarded": (step_epsilon_guarded, "treat v as if it were the noise"), "roots forgotten": (step_no_roots, "square roots are missing"),
        "one alpha": (step_same_alpha, "Nothing moves"), "only z": (lambda z, v, s, t: 0.8 * z, "First x0"),
        "a number": (lambda z, v, s, t: 1.0, "shaped like z")
    },
    "2": {
        "source label": (inversion(lambda k, s: int(s.timesteps[k - 1]) if k else -1), "labels of the source"),
        "index": (inversion(lambda k, s: k), "step numbers"), "abar(0)": (inversion(target, first=1 - 0.00085), "starts from abar(0)"),
        "target alpha": (inversion(target, step=lambda z, v, a, b: invert_step(z, v, b, b)), "Nothing moved"),
        "backwards": (lambda d, z, s: inversion(lambda k, s: int(s.timesteps[::-1][k]))
                      (d, z, s), "climbs"), "two calls": (lambda d, z, s: [d(z, int(t)) for t in s.timesteps for _ in "ab"][0], "you made 80"),
        "sign": (inversion(target, step=lambda z, v, a, b: invert_step(z, -v, a, b)), "Each step turns")
    },
    "3": {
        "uint8": (split_uint8, "wrap around"), "no clamp": (split_unclamped, "clamp"), "r_inv against x": (split_against_x, "compares with x"),
        "shares": (split_shares, "grey levels"), "order": (lambda *a: split_residual(*a)[::-1], "wrong order"),
        "mean": (lambda *a: tuple(r.mean() for r in split_residual(*a)), "the shape of x")
    },
    "4": {
        "fakes fitted too": (matched(lambda label: label >= 0), "fitted the line on fakes too"),
        "fakes only": (matched(lambda label: label == 1), "on the fakes"), "sign": (matched(sign=1), "sign is turned"),
        "raw": (lambda r, s, y: roc_auc_score(y, -np.log(r)), "raw AUROC"),
        "sharpness added": (lambda r, s, y: roc_auc_score(y, -np.log(r) - s), "was added"), "constant": (lambda r, s, y: 0.0, "Fit log residual")
    },
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_solution_passes(number, capsys):
    course.check(f"01.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out


@pytest.mark.parametrize("number", SOLUTIONS)
def test_stub_stays_open(number):
    def stub(*arguments):
        raise NotImplementedError("your turn")

    with pytest.raises(NotImplementedError):
        course.check(f"01.{number}", stub)


@pytest.mark.parametrize("number, name", [(n, name) for n, cases in WRONG.items() for name in cases])
def test_wrong_answer_is_named(number, name):
    fn, words = WRONG[number][name]
    with pytest.raises(CheckFailed, match=words.replace("(", r"\(").replace(")", r"\)")):
        course.check(f"01.{number}", fn)


def test_every_message_is_its_own():
    for number, cases in WRONG.items():
        said = []
        for fn, _ in cases.values():
            with pytest.raises(CheckFailed) as caught:
                course.check(f"01.{number}", fn)
            said.append(str(caught.value))
        assert len({s.split(". ")[-1] for s in said}) >= len(said) - 1  # the guarded epsilon formula is the same mistake twice


def test_course_module_is_sound():
    module = course.load("01")
    assert set(module.CHECKS) == set(SOLUTIONS) == set(WRONG)
    for profile in module.PROFILES.values():
        module.Params(**profile)
    for metric in module.METRICS:
        course.metric_of(module, metric.format(forger="dub", k=2))
    for mutant, metric in module.MUTANTS.items():
        module.Params(mutant=mutant)
        assert metric in module.METRICS
