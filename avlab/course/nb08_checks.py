"""Checks of the exercises of notebook 08: answers worked by plain loops, and the usual mistakes recognised by their results."""

import numpy as np

from avlab.course.base import CheckFailed, same

SEED = 20260508


def fail(number, said):
    raise CheckFailed(f"08.{number}: {said}")


def array_of(number, value, shape):
    """The answer as float64 of a shape, or the sentence that it is asked for."""
    try:
        value = np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=np.float64)
    except (TypeError, ValueError):
        fail(number, f"return an array of numbers, not {type(value).__name__}")
    if value.shape != shape:
        fail(number, f"return an array of shape {shape}, not {value.shape}")
    return value


def recognised(number, got, mistakes):
    """Fail with the sentence of the mistake whose result this is."""
    for value, said in mistakes:
        if same(got, value, 1e-6):
            fail(number, said)


# ------------------------------------------------------------------------------------------------ 08.1


def cam(a, g, *, weight=None, inside=False, cut=True):
    """Loops: weight(c, t) -> number; default the mean gradient of a channel over the whole film."""
    C, T, h, w = a.shape
    made = np.zeros((T, h, w))
    for c in range(C):
        for t in range(T):
            term = (g[c].mean() if weight is None else weight(c, t)) * a[c, t]
            made[t] += np.maximum(term, 0) if inside else term
    return np.maximum(made, 0) if cut else made


def check_grad_cam(fn):
    """grad_cam(activations, gradients) -> (T, h, w), both inputs (C, T, h, w)."""
    a = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]], [[[1.0, 0.0]], [[0.0, 5.0]]]])  # two channels, two frames of 1 x 2
    g = np.array([[[[2.0, 0.0]], [[1.0, 1.0]]], [[[-1.0, -1.0]], [[0.0, -2.0]]]])  # weights 1 and -1
    got = array_of(1, fn(a.copy(), g.copy()), (2, 1, 2))
    if not same(got, [[[0.0, 2.0]], [[3.0, 0.0]]]):
        rng = np.random.default_rng(SEED)
        a, g = rng.standard_normal((2, 4, 3, 2, 5))
        _name_cam_mistake(array_of(1, fn(a.copy(), g.copy()), (3, 2, 5)), a, g)
        fail(1, f"with weights 1 and -1 the two channels give [[0, 2]], [[3, 0]]; got {np.round(got, 3).tolist()}")
    rng = np.random.default_rng(SEED)
    a, g = rng.standard_normal((2, 4, 3, 2, 5))
    got = array_of(1, fn(a.copy(), g.copy()), (3, 2, 5))
    if not same(got, cam(a, g)):
        _name_cam_mistake(got, a, g)
        fail(1, "another film with four channels comes out differently from sum over channels of mean gradient times activation, cut at 0")


def _name_cam_mistake(got, a, g):
    want = cam(a, g)
    each = [want[t] / max(want[t].max(), 1e-12) for t in range(len(want))]
    recognised(1, got, [
        (np.maximum((a * g).sum(0), 0), "this is gradient times activation, cell by cell: average each channel's gradient over space and time first"),
        (cam(a, g, weight=lambda c, t: g[c, t].mean()), "every frame got weights of its own: average over time as well, or frames cannot be compared"),
        (cam(a, g, weight=lambda c, t: g[c].sum()), "the gradients were summed, not averaged: the map then grows with the size of the grid"),
        (cam(a, g, inside=True), "ReLU comes after the sum over channels: before it, what speaks against the class can no longer cancel"),
        (cam(a, g, cut=False), "the ReLU is missing: Grad-CAM keeps what speaks for the class"),
        (np.stack(each), "every frame was divided by its own largest value: the film is no longer comparable from frame to frame"),
        (want / want.max(), "return the map as it is: dividing by its largest value makes a weak clip look like a strong one")])


# ------------------------------------------------------------------------------------------------ 08.2


def check_integrated_gradients(fn):
    """integrated_gradients(f, x, baseline, steps) -> like x; f: tensor (D,) -> number."""
    import torch

    rng = np.random.default_rng(SEED)
    w, x, b = (torch.as_tensor(rng.standard_normal(6)) for _ in range(3))
    want = (w * (x - b)).numpy()
    got = array_of(2, fn(lambda v: w @ v, x.clone(), b.clone(), 10), (6,))
    if not same(got, want, 1e-6):
        recognised(2, got, [
            (w.numpy(), "this is the mean gradient: multiply by (x - baseline), or the sum is not f(x) - f(baseline)"),
            ((w * x).numpy(), "multiply by (x - baseline), not by x: at the baseline there is nothing to explain"),
            (want * 10, "divide by the number of steps: a mean along the line is asked for"),
            (want * 5.5, "gradients were added up from step to step: reset them, or use torch.autograd.grad"),
            (-want, "the sign is turned: the line runs from the baseline to x")])
        fail(2, f"for f(x) = w . x the answer is w * (x - baseline) exactly; got {np.round(got, 3).tolist()}")
    x, b = torch.as_tensor([2.0, -1.0, 0.5]).double(), torch.zeros(3).double()
    curved = lambda v: (v**2).sum() + v[0] * v[1]  # noqa: E731
    got = array_of(2, fn(curved, x.clone(), b.clone(), 50), (3,))
    _curved(got, float(curved(x) - curved(b)), x)


def _curved(got, span, x):
    missed = abs(got.sum() - span) / abs(span)
    exact = (x**2 + torch_product(x)).numpy()
    if missed > 0.01:
        if same(got, exact * (1 - 1 / 50), 1e-3):
            fail(2, f"the sum misses f(x) - f(baseline) by {missed:.1%}: only the left ends of the steps were counted; take their middles")
        if same(got, exact * (1 + 1 / 50), 1e-3):
            fail(2, f"the sum misses f(x) - f(baseline) by {missed:.1%}: only the right ends of the steps were counted; take their middles")
        if abs(got.sum()) > 5 * abs(span):
            fail(2, "gradients were added up from step to step: reset them, or use torch.autograd.grad")
        fail(2, f"attributions add up to f(x) - f(baseline) = {span:.3f} within 1 %; got {got.sum():.3f}")
    if not same(got, exact, 0.02 * np.abs(exact).max()):
        fail(2, f"the sum is right and its parts are not: for x^2 + x0 x1 from 0 they are {np.round(exact, 2).tolist()}, got {np.round(got, 2).tolist()}")


def torch_product(x):
    """What x0 x1 gives each coordinate along the line from 0: half of the product to both."""
    made = x.clone().zero_()
    made[:2] = x[0] * x[1] / 2
    return made


# ------------------------------------------------------------------------------------------------ 08.3


def ratio(values, mask):
    return float(values[mask].sum() / values.sum() / mask.mean())


def check_pointing_ratio(fn):
    """pointing_ratio(map (h, w), mask (H, W) bool) -> float; H, W are multiples of h, w."""
    mask = np.zeros((6, 8), bool)
    mask[:3, :2] = True
    got = _ratio_of(fn, np.full((3, 4), 0.2), mask)
    if abs(got - 1) > 1e-6:
        if abs(got - mask.mean()) < 1e-6:
            fail(3, "divide by the mask's share of the area: a map that is equal everywhere must get 1")
        fail(3, f"a map that is equal everywhere points nowhere: ratio 1, got {got:.3f}")
    rng = np.random.default_rng(SEED)
    values = rng.random((3, 4))
    got, want = _ratio_of(fn, values, mask), ratio(np.kron(values, np.ones((2, 2))), mask)
    if abs(got - want) > 1e-6:
        turned = np.kron(values.T, np.ones((2, 2)))
        swaps = [np.resize(turned, mask.shape), np.kron(values, np.ones((2, 2))).T.reshape(mask.shape), _enlarged(values.T, mask.shape)]
        if any(abs(got - ratio(s, mask)) < 1e-6 for s in swaps):
            fail(3, "height and width changed places on the way: the map is (h, w) and the mask (H, W)")
        if abs(got - want * mask.mean()) < 1e-6:
            fail(3, "divide by the mask's share of the area")
        fail(3, f"expected {want:.4f} for a 3 x 4 map and a 6 x 8 mask, got {got:.4f}: give every pixel of the mask the value of its cell")
    signed = values - 0.5
    got, want = _ratio_of(fn, signed, mask), ratio(np.kron(np.clip(signed, 0, None), np.ones((2, 2))), mask)
    if abs(got - want) > 1e-6:
        if abs(got - ratio(np.kron(np.abs(signed), np.ones((2, 2))), mask)) < 1e-6:
            fail(3, "the absolute value counts what speaks against the class as if it spoke for it: cut negative values to 0")
        fail(3, "negative attributions were summed in: they speak against the class and can make the total nearly 0; cut them to 0 first")


def _enlarged(values, shape):
    rows, columns = (np.arange(n) * m // n for n, m in zip(shape, values.shape, strict=True))
    return values[rows][:, columns]


def _ratio_of(fn, values, mask):
    try:
        return float(array_of(3, fn(values.copy(), mask.copy()), ()))
    except IndexError as error:
        fail(3, f"height and width changed places on the way, or the map was not enlarged to the mask: {error}")


# ------------------------------------------------------------------------------------------------ 08.4


def curve(f, x, order, other, steps):
    made = []
    for k in range(steps + 1):
        now = x.copy()
        now[order[:round(k * len(x) / steps)]] = other[order[:round(k * len(x) / steps)]]
        made.append(float(f(now)))
    return np.array(made)


def check_deletion_curve(fn):
    """deletion_curve(f, x, order, fill, steps) -> (steps + 1,); order: most important first; fill(x) -> array like x, drawn anew at each call."""
    rng = np.random.default_rng(SEED)
    w, x = rng.permutation(np.arange(1.0, 13.0)), rng.standard_normal(12) + 4
    order, draws = np.argsort(-w * x), []

    def fill(values):
        draws.append(-2 + 0.5 * rng.standard_normal(len(values)))  # in the units of x an empty place is about -2, not 0
        return draws[-1].copy()

    f = lambda v: float(w @ v)  # noqa: E731
    kept = x.copy()
    got = array_of(4, fn(f, kept, order.copy(), fill, 6), (7,))
    if not np.array_equal(kept, x):
        fail(4, "the input was changed: work on a copy, or the next experiment starts from a deleted film")
    if not draws:
        recognised(4, got, [(curve(f, x, order, np.zeros(12), 6), "0 was put in, not the fill: in normalised units 0 is no empty place "
                             "(a residual of zero is -2 there)")])
        fail(4, "fill(x) was never asked what stands where something is deleted")
    want = curve(f, x, order, draws[0], 6)
    if same(got, want):
        return
    recognised(4, got, [(curve(f, x, order[::-1], draws[0], 6), "the least important went first: order names the most important first"),
                        (want[::-1], "the curve runs backwards: entry 0 is f(x) with nothing deleted")])
    if len(draws) > 1:
        fail(4, f"fill was drawn {len(draws)} times: the curve then moves by the draw alone; draw it once and delete more and more of the same film")
    if not same(got[0], f(x)):
        fail(4, f"entry 0 is f(x) = {f(x):.3f} with nothing deleted, got {got[0]:.3f}")
    if not same(got[-1], f(draws[0])):
        fail(4, f"at the end everything is deleted: f(fill) = {f(draws[0]):.3f}, got {got[-1]:.3f}")
    fail(4, f"expected {np.round(want, 2).tolist()}, got {np.round(got, 2).tolist()}: after step k the first k / steps of the order are gone")


CHECKS = {"1": check_grad_cam, "2": check_integrated_gradients, "3": check_pointing_ratio, "4": check_deletion_curve}
