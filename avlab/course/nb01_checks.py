"""Checks of the exercises of notebook 01: other routes to the answers, and the mistakes that people make, recognised by their results.

Nothing here calls the solutions or the library's DDIM step: a step is checked by taking image and noise apart and putting them
together again, an inversion by the closed-form flow of Gaussian data. torch is imported inside, so that reading parameters stays light.
"""

import math

import numpy as np

from avlab.course.base import CheckFailed

SEED = 20260308


def fail(number, said):
    raise CheckFailed(f"01.{number}: {said}")


# ------------------------------------------------------------------------------------------------ 01.1


def by_parts(z, v, abar_s, abar_t):
    """Take image and noise apart at the source level, mix them again at the target level."""
    c, s = math.sqrt(abar_s), math.sqrt(1 - abar_s)
    return math.sqrt(abar_t) * (c * z - s * v) + math.sqrt(1 - abar_t) * (s * z + c * v)


def check_invert_step(fn):
    """invert_step(z, v, abar_s, abar_t) -> z_t."""
    import torch

    g = torch.Generator().manual_seed(SEED)
    z, v = torch.randn(2, 3, 4, 5, generator=g, dtype=torch.float64)
    for abar_s, abar_t in ((1.0, 0.64), (0.9, 0.5), (0.37, 0.02), (0.05, 0.0), (0.0, 0.36), (0.5, 0.5)):
        got = fn(z, v, abar_s, abar_t)
        if not isinstance(got, torch.Tensor) or got.shape != z.shape:
            fail(1, f"return a tensor shaped like z, {tuple(z.shape)}, not {type(got).__name__} {tuple(getattr(got, 'shape', ()))}")
        if not torch.allclose(got.double(), by_parts(z, v, abar_s, abar_t), atol=1e-9):
            _step_mistake(z, v, abar_s, abar_t, got)
    ortho = torch.linalg.qr(torch.randn(6, 2, generator=g, dtype=torch.float64))[0].T
    length = float(fn(ortho[0], ortho[1], 0.8, 0.3).norm())
    if abs(length - 1) > 1e-9:
        fail(1, f"a turn keeps lengths: for orthonormal z and v the result has length 1, yours {length:.3f}")


def _step_mistake(z, v, abar_s, abar_t, got):
    import torch

    said = f"wrong from abar {abar_s} to {abar_t}. "
    alike = lambda want: torch.allclose(got, want, atol=1e-9, equal_nan=True)  # noqa: E731
    if not torch.isfinite(got).all():
        fail(1, said + "The result is not finite: you divide by sqrt(abar). That is the epsilon formula; with v nothing is divided")
    if alike(by_parts(z, v, abar_t, abar_s)):
        fail(1, said + "This is the answer with the two alphas swapped (the sign of v flips): split at the source, mix at the target")
    eps_form = math.sqrt(abar_t) * (z - math.sqrt(1 - abar_s) * v) / math.sqrt(abar_s or 1) + math.sqrt(1 - abar_t) * v
    if alike(eps_form):
        fail(1, said + "You treat v as if it were the noise (the epsilon formula); v = cos noise - sin image")
    if alike(abar_t * (abar_s * z - (1 - abar_s) * v) + (1 - abar_t) * ((1 - abar_s) * z + abar_s * v)):
        fail(1, said + "The square roots are missing: cos(th) = sqrt(abar), sin(th) = sqrt(1 - abar)")
    if alike(by_parts(z, v, abar_t, abar_t)) or alike(z):
        fail(1, said + "Nothing moves: you split and mix with the same alpha")
    fail(1, said + "First x0 = cos z - sin v and eps = sin z + cos v at the source, then cos x0 + sin eps at the target")


# ------------------------------------------------------------------------------------------------ 01.2

ERROR_40, SOURCE, INDEX, ABAR0, SWAP = 0.0585, 0.158, 0.3106, 0.0706, 0.8602  # rms on N(0.5, 0.3^2), 40 steps


def check_ddim_invert(fn):
    """ddim_invert(denoise, z0, schedule) -> z_T."""
    import torch

    from avlab.probe.ddim import Schedule
    from avlab.probe.gaussian import exact_flow, ideal_denoiser, rms, sigma_points

    schedule, asked = Schedule.ddim(40), []

    def recorder(z, t):
        asked.append(int(t))
        return torch.zeros_like(z)

    fn(recorder, torch.ones(2, dtype=torch.float64), schedule)
    _labels(asked)
    z0 = sigma_points(0.5, 0.3)
    got = fn(ideal_denoiser(0.5, 0.3, schedule), z0, schedule)
    if not isinstance(got, torch.Tensor) or got.shape != z0.shape:
        fail(2, "return the last latent, shaped like z0")
    error = rms(got - exact_flow(z0, 0.5, 0.3, 0.0))
    if not abs(error - ERROR_40) < 0.01 * ERROR_40:
        _inversion_mistake(error)


def _labels(asked):
    right = list(range(24, 1000, 25))
    said = f"the network was asked about {asked[:4]}..., "
    if asked == right:
        return
    if asked == list(range(40)):
        fail(2, said + "which are step numbers. The label is the timestep schedule.timesteps[k] (error on Gaussian data 0.311 instead of 0.0585)")
    if asked == [-1, *right[:-1]] or asked == [0, *right[:-1]]:
        fail(2, said + "the labels of the source. X-AVDT asks with the target's label (error on Gaussian data 0.158 instead of 0.0585)")
    if asked == right[::-1]:
        fail(2, said + "from noise to clean. Inversion climbs: 24 first, 999 last")
    if len(asked) != 40:
        fail(2, f"40 steps are 40 network calls, you made {len(asked)}")
    fail(2, said + "it should be 24, 49, 74, ..., 999")


def _inversion_mistake(error):
    said = f"the error against the exact map is {error:.4f}, it should be {ERROR_40}. "
    if abs(error - ABAR0) < 0.0005:
        fail(2, said + "This is the answer when the first step starts from abar(0); a clean latent has abar = 1")
    if abs(error - SOURCE) < 0.001:
        fail(2, said + "This is the answer with the source's label")
    if abs(error - INDEX) < 0.001:
        fail(2, said + "This is the answer with the step number as label")
    if abs(error - SWAP) < 0.001:
        fail(2, said + "Nothing moved: you split with the target's alpha; split with the source's")
    fail(2, said + "Each step turns from the level before (1.0 at first) to schedule.alphas[k]")


# ------------------------------------------------------------------------------------------------ 01.3


def check_split_residual(fn):
    """split_residual(x, z0, z0_hat, decode) -> (r_vae, r_inv), films of grey levels."""
    rng = np.random.default_rng(SEED)
    x = rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    z0, z0_hat = rng.normal(0.5, 0.5, (2, 2, 4, 4, 3))
    decode = lambda z: z  # noqa: E731  a decoder that may leave the pixel range, as real ones do
    a, b, pixels = np.clip(z0, 0, 1) * 255, np.clip(z0_hat, 0, 1) * 255, x.astype(float)
    want = np.abs(pixels - a), np.abs(a - b)
    try:
        r_vae, r_inv = fn(x.copy(), z0, z0_hat, decode)
        got = tuple(np.asarray(r, dtype=float) for r in (r_vae, r_inv))
    except (TypeError, ValueError) as error:
        fail(3, f"return two films of numbers, r_vae and r_inv ({error})")
    if any(g.shape != x.shape for g in got):
        fail(3, f"both films have the shape of x, {x.shape}, yours {got[0].shape} and {got[1].shape}")
    if not all(np.allclose(g, w, atol=1e-3) for g, w in zip(got, want)):
        _split_mistake(got, want, pixels, a, b, z0, z0_hat)


def _split_mistake(got, want, x, a, b, z0, z0_hat):
    r_vae, r_inv = got
    if np.allclose(r_vae * 255, want[0], atol=0.1) and np.allclose(r_inv * 255, want[1], atol=0.1):
        fail(3, "give grey levels, 0..255, not shares of 1")
    if np.allclose(r_inv, np.abs(x - b), atol=1e-3):
        fail(3, "r_inv compares with x, so it holds the autoencoder's loss again; compare the two decoded films")
    if np.allclose(r_vae, np.abs(x - z0 * 255), atol=1e-3) or np.allclose(r_inv, np.abs(z0 - z0_hat) * 255, atol=1e-3):
        fail(3, "a decoder may leave 0..1 and a picture cannot: clamp the decoded films to the pixel range first")
    if np.allclose(got[0], _wrapped(x, a), atol=1e-3) or np.allclose(got[1], _wrapped(a, b), atol=1e-3):
        fail(3, "differences of uint8 wrap around (3 - 5 = 254): turn x into floats before you subtract")
    if np.allclose(r_vae, want[1], atol=1e-3):
        fail(3, "right films, wrong order: r_vae first")
    if (np.array(got) < 0).any():
        fail(3, "a residual is an absolute difference")
    fail(3, "r_vae = |x - D(z0)|, r_inv = |D(z0) - D(z0_hat)|, in grey levels")


def _wrapped(p, q):
    p, q = (np.asarray(f).round().astype(np.uint8) for f in (p, q))
    return np.abs(p - q).astype(float)


# ------------------------------------------------------------------------------------------------ 01.4


def made_up(rng, n, effect):
    """n reals and n fakes; fakes are sharper, log residual grows with sharpness, and a true effect lowers the fakes' residual."""
    label = np.repeat([0, 1], n)
    sharp = rng.normal(0, 2, 2 * n) - 1.5 * label
    log = 1.2 + 0.35 * sharp - effect * label + rng.normal(0, 0.25, 2 * n)
    return np.exp(log), sharp, label


def area(score, label):
    """AUROC by comparing every pair."""
    gap = score[label == 1][:, None] - score[label == 0]
    return float(((gap > 0) + 0.5 * (gap == 0)).mean())


def left_over(residual, sharp, rows):
    """Log residual minus a straight line over sharpness fitted on some rows."""
    line = np.polyfit(sharp[rows], np.log(residual)[rows], 1)
    return np.log(residual) - np.polyval(line, sharp)


def check_matched_auroc(fn):
    """matched_auroc(residual, sharpness, label) -> float."""
    rng = np.random.default_rng(SEED + 3)
    for name, effect in (("residual is only sharpness", 0.0), ("a true effect", 0.6)):
        residual, sharp, label = made_up(rng, 600, effect)
        want = area(-left_over(residual, sharp, label == 0), label)
        try:
            got = float(fn(residual.copy(), sharp.copy(), label.copy()))
        except (TypeError, ValueError):
            fail(4, "return one number, the AUROC")
        if abs(got - want) > 0.005:
            _matched_mistake(f"on data where {name} the answer is {want:.2f}, yours is {got:.2f}. ", got, want, residual, sharp, label)


def _matched_mistake(said, got, want, residual, sharp, label):
    near = lambda value: abs(got - value) < 0.005  # noqa: E731
    everyone = np.ones(len(label), bool)
    if near(area(-left_over(residual, sharp, everyone), label)):
        fail(4, said + "You fitted the line on fakes too, so part of their effect is taken for sharpness; fit on reals only")
    if near(area(-np.log(residual), label)):
        fail(4, said + "This is the raw AUROC: sharpness was not taken out")
    if near(area(-np.log(residual) - sharp, label)) or near(area(-np.log(residual) + sharp, label)) or near(area(-sharp, label)) or near(area(sharp, label)):
        fail(4, said + "Sharpness was added to the score; it has to be predicted from and subtracted")
    if near(area(-left_over(residual, sharp, label == 1), label)):
        fail(4, said + "You fitted the line on the fakes; fit on reals (label 0)")
    if near(1 - want):
        fail(4, said + "The sign is turned: fakes are the positive class and the claim is that their residual is *smaller*, so score = -log residual")
    fail(4, said + "Fit log residual = b0 + b1 sharpness on label 0, subtract it everywhere, score = minus what is left")


CHECKS = {"1": check_invert_step, "2": check_ddim_invert, "3": check_split_residual, "4": check_matched_auroc}
