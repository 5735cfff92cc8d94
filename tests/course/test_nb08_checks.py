"""Every check of notebook 08 takes the solution, refuses the stub, and names every listed wrong answer by its own mistake."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from avlab import course
from avlab.course.base import CheckFailed

SOURCE = Path(__file__).parents[2] / "notebooks/src/08_where_the_model_looks.py"


def solutions():
    """The functions of the notebook's exercise cells, executed as a reader would."""
    cells = re.findall(r"# %%\n(def (\w+)\(.*?)(?=\n\ncourse\.check)", SOURCE.read_text(), re.S)
    space = {"np": np, "torch": torch}
    for body, _ in cells:
        exec(body, space)  # noqa: S102, our own notebook
    return {name: space[name] for _, name in cells}


def stub(*_):
    raise NotImplementedError


def relu(x):
    return np.maximum(x, 0)


def per_frame_scale(a, g):
    made = relu((g.mean((1, 2, 3), keepdims=True) * a).sum(0))
    return made / np.maximum(made.max((1, 2), keepdims=True), 1e-12)


def ig(f, x, b, steps, where=0.5, factor=True):
    total = torch.zeros_like(x)
    for k in range(steps):
        at = (b + (k + where) / steps * (x - b)).requires_grad_(True)
        total += torch.autograd.grad(f(at), at)[0]
    return total / steps * ((x - b) if factor else 1)


def ig_not_reset(f, x, b, steps):
    at, total = b.clone().requires_grad_(True), torch.zeros_like(x)
    for k in range(steps):
        at.data = b + (k + 0.5) / steps * (x - b)
        f(at).backward()
        total += at.grad
    return total / steps * (x - b)


def big(values, shape):
    return np.kron(values, np.ones((shape[0] // values.shape[0], shape[1] // values.shape[1])))


def share(values, mask):
    return relu(values)[mask].sum() / relu(values).sum()


def swapped(values, mask):
    rows, columns = (np.arange(n) * m // n for n, m in zip(mask.shape, values.T.shape, strict=True))
    large = values.T[rows][:, columns]
    return share(large, mask) / mask.mean()


def deletion(f, x, order, fill, steps, *, turned=False, zero=False, anew=False):
    made, other = [], np.zeros_like(x) if zero else fill(x)
    for k in range(steps + 1):
        now, gone = x.copy(), (order[::-1] if turned else order)[:round(k * len(x) / steps)]
        other = fill(x) if anew else other
        now[gone] = other[gone]
        made.append(f(now))
    return np.array(made)


WRONG = {
    "1": [(lambda a, g: relu((a * g).sum(0)), "average each channel"),
          (lambda a, g: relu((g.mean((2, 3), keepdims=True) * a).sum(0)), "weights of its own"),
          (lambda a, g: relu(g.mean((1, 2, 3), keepdims=True) * a).sum(0), "after the sum"),
          (lambda a, g: (g.mean((1, 2, 3), keepdims=True) * a).sum(0), "ReLU is missing"),
          (per_frame_scale, "no longer comparable")],
    "2": [(lambda f, x, b, n: ig(f, x, b, n, factor=False), "multiply by"), (ig_not_reset, "reset"),
          (lambda f, x, b, n: ig(f, x, b, n, where=0.0), "left ends"), (lambda f, x, b, n: ig(f, x, b, n, where=1.0), "right ends")],
    "3": [(lambda m, k: share(big(m, k.shape), k), "share of the area"),
          (lambda m, k: big(m, k.shape)[k].sum() / big(m, k.shape).sum() / k.mean(), "negative attributions"), (swapped, "changed places")],
    "4": [(lambda *a: deletion(*a, turned=True), "least important"), (lambda *a: deletion(*a, zero=True), "normalised"),
          (lambda *a: deletion(*a, anew=True), "draw it once")],
}


@pytest.mark.parametrize("number, k", [(number, k) for number, wrong in WRONG.items() for k in range(len(wrong))])
def test_every_wrong_answer_is_refused_by_its_own_name(number, k):
    answer, said = WRONG[number][k]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"08.{number}", answer)


@pytest.mark.parametrize("number", list(WRONG))
def test_stubs_are_refused(number):
    with pytest.raises(NotImplementedError):
        course.check(f"08.{number}", stub)


def test_solutions_of_the_notebook_pass():
    found = solutions()
    assert list(found) == ["grad_cam", "integrated_gradients", "pointing_ratio", "deletion_curve"]
    for number, fn in enumerate(found.values(), 1):
        course.check(f"08.{number}", fn)
