"""The four exercises of notebook 06: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from avlab import course
from avlab.course import nb06, nb10_arithmetic
from avlab.course.base import CheckFailed
from avlab.detectors import losses, msct

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def soft(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def differential_attention(q, q_cross, k, v, *, reading):
    own, other = q @ k.swapaxes(-1, -2), q_cross @ k.swapaxes(-1, -2)
    scale = q.shape[-1] ** 0.5
    if reading == "maps":
        return (soft(own / scale) - soft(other / scale)) @ v
    if reading == "logits":
        return soft((own - other) / scale) @ v
    return (own - other) @ v


def alignment(video, audio, matched):
    d = (video * audio).sum(1) / np.linalg.norm(video, axis=1) / np.linalg.norm(audio, axis=1)
    return np.where(matched == 1, 1 - d, np.maximum(0, d)).mean()


def hard_auc(tp, fn, tn, fp):
    return (tp / (tp + fn) + tn / (tn + fp)) / 2


def mcnemar_bounds(errors_a, errors_b):
    most = sum(min(a, b) for a, b in zip(errors_a, errors_b))
    p = [1.0 if b + c == 0 else binomtest(min(b, c), b + c).pvalue for b, c in ((sum(errors_a) - s, sum(errors_b) - s) for s in (most, 0))]
    return p[0], p[1]


SOLUTIONS = {"1": differential_attention, "2": alignment, "3": hard_auc, "4": mcnemar_bounds}

# ------------------------------------------------------------------------------------------------ what goes wrong


def readings(**ways):
    def answer(q, q_cross, k, v, *, reading):
        return ways.get(reading, lambda *x: differential_attention(*x, reading=reading))(q, q_cross, k, v)
    return answer


def logits_of(a, k, scale=True):
    return a @ k.swapaxes(-1, -2) / (k.shape[-1] ** 0.5 if scale else 1)


def pooled_bounds(a, b):
    best = binomtest(0, abs(sum(a) - sum(b))).pvalue if sum(a) != sum(b) else 1.0
    return best, mcnemar_bounds(a, b)[1]


def chi_square(a, b):
    return (chi2_contingency([[sum(a), 400 - sum(a)], [sum(b), 400 - sum(b)]]).pvalue,) * 2


def cosine(v, a):
    return (v * a).sum(1) / np.linalg.norm(v, axis=1) / np.linalg.norm(a, axis=1)


WRONG = {
    "1": {
        "softmax of the difference": (readings(maps=lambda q, c, k, v: soft(logits_of(q - c, k)) @ v), "difference of two softmaxes"),
        "one scale forgotten": (readings(maps=lambda q, c, k, v: (soft(logits_of(q, k)) - soft(logits_of(c, k, False))) @ v), "both have the same scale"),
        "no scale": (readings(logits=lambda q, c, k, v: soft(logits_of(q - c, k, False)) @ v), "not divided by"),
        "scaled literal": (readings(literal=lambda q, c, k, v: logits_of(q - c, k) @ v), "no softmax and no scale"),
        "sign turned": (readings(maps=lambda q, c, k, v: differential_attention(c, q, k, v, reading="maps")), "sign is turned"),
        "values of the other side": (readings(maps=lambda q, c, k, v: differential_attention(q, c, k, c, reading="maps")), "came from the other side"),
        "weights alone": (readings(maps=lambda q, c, k, v: soft(logits_of(q, k)) - soft(logits_of(c, k))), "times V"),
    },
    "2": {
        "polarity": (lambda v, a, m: alignment(v, a, 1 - m), "polarity is turned"),
        "absolute value": (lambda v, a, m: np.where(m == 1, 1 - cosine(v, a), abs(cosine(v, a))).mean(), "not the absolute value"),
        "no floor": (lambda v, a, m: np.where(m == 1, 1 - cosine(v, a), cosine(v, a)).mean(), r"not d"),
        "no lengths": (lambda v, a, m: np.where(m == 1, 1 - (v * a).sum(1), np.maximum(0, (v * a).sum(1))).mean(), "divide the product"),
        "mean over features": (lambda v, a, m: np.where(m == 1, 1 - cosine(v, a) / v.shape[1], np.maximum(0, cosine(v, a) / v.shape[1])).mean(), "cosine sums them"),
        "sum over clips": (lambda v, a, m: alignment(v, a, m) * len(v), "their mean"),
        "one a clip": (lambda v, a, m: cosine(v, a)[:, None] + np.zeros(3), "one number"),
    },
    "3": {
        "accuracy": (lambda tp, fn, tn, fp: (tp + tn) / (tp + fn + tn + fp), "follows the larger class"),
        "sensitivity": (lambda tp, fn, tn, fp: tp / (tp + fn), "sensitivity alone"),
        "specificity": (lambda tp, fn, tn, fp: tn / (tn + fp), "specificity alone"),
        "no last corner": (lambda tp, fn, tn, fp: tp / (tp + fn) * fp / (fp + tn) / 2, "ends at"),
        "no corners": (lambda tp, fn, tn, fp: 0.0, "has no area"),
        "per cent": (lambda *x: 100 * hard_auc(*x), "not per cent"),
    },
    "4": {
        "classes pooled": (pooled_bounds, "within a class only"), "one side": (lambda a, b: tuple(p / 2 for p in mcnemar_bounds(a, b)), "has one side"),
        "chi-square": (chi_square, "different clips"), "order": (lambda a, b: mcnemar_bounds(a, b)[::-1], "wrong order"),
        "one end twice": (lambda a, b: (mcnemar_bounds(a, b)[0],) * 2, "Both ends"), "one number": (lambda a, b: mcnemar_bounds(a, b)[0], "two numbers"),
    },
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"06.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_, **__):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"06.{number}", stub)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"06.{number}", fn)


def test_every_message_belongs_to_one_mistake():
    for number, wrong in WRONG.items():
        messages = set()
        for fn, _ in wrong.values():
            with pytest.raises(CheckFailed) as found:
                course.check(f"06.{number}", fn)
            messages.add(str(found.value))
        assert len(messages) == len(wrong)


def test_the_solutions_agree_with_the_library():
    import torch
    torch.manual_seed(0)
    q, cross, k, v = torch.randn(4, 2, 5, 4, dtype=torch.float64)
    for reading in msct.READINGS:
        want = msct.differential_attention(*(x[None] for x in (q, cross, k, v)), reading=reading)[0][0]
        assert np.allclose(differential_attention(*(x.numpy() for x in (q, cross, k, v)), reading=reading), want)
    video, audio, matched = torch.randn(6, 3), torch.randn(6, 3), torch.tensor([1.0, 0, 0, 1, 0, 0])
    assert np.isclose(alignment(video.numpy(), audio.numpy(), matched.numpy()), losses.alignment(video, audio, matched).item(), atol=1e-6)
    for a, b in (((5, 8), (1, 4)), ((5, 8), (3, 9))):
        assert np.allclose(mcnemar_bounds(a, b), nb10_arithmetic.mcnemar_bounds(a, b))
    assert np.allclose(mcnemar_bounds((5, 8), (1, 4)), (0.0078, 0.0963), atol=1e-4) and mcnemar_bounds((5, 8), (3, 9)) == (1, 1)


def test_course_module_is_well_formed():
    for name, spec in nb06.METRICS.items():
        course.base.declared(name, spec)
    for profile in nb06.PROFILES.values():
        nb06.Params(**profile)
    assert set(course.base.mutants(nb06)) | {"none"} == set(nb06.Params.model_fields["mutant"].annotation.__args__)
    assert all(metric in nb06.METRICS for metric in nb06.MUTANTS.values())


@pytest.mark.parametrize("kernels", [[1, 3, 5], [2, 3], []])
def test_kernels_that_do_not_fit_are_refused(kernels):
    from pydantic import ValidationError
    with pytest.raises(ValidationError):
        nb06.Params(kernels=kernels)
