"""The four exercises of notebook 07: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest

from avlab import course
from avlab.course import nb07
from avlab.course import nb07_checks as checks
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def soft(scores, axis=-1):
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def attention(*, axis=-1, turned=False, gate="asks", hide=True, blank=True, scale=None):
    def answer(x, y, *, mask, scaled):
        divisor = x.shape[1] ** 0.5 if (scaled if scale is None else scale(scaled)) else 1

        def weights(a, b):
            scores = a @ b.T / divisor
            return soft(np.where(mask[None], scores, -1e9) if hide else scores, axis)

        n1 = weights(x, y)
        n2 = n1.T if turned else weights(y, x)
        a1, a2 = n1 @ y * (x if gate == "asks" else y), n2 @ x * (y if gate == "asks" else x)
        keep = mask[:, None] if blank else np.ones_like(mask)[:, None]
        return np.where(keep, a1, 0), np.where(keep, a2, 0)
    return answer


def diou(pred, target, *, below="hull", half=2, root=False):
    inside = max(0.0, min(pred[1], target[1]) - max(pred[0], target[0]))
    both = pred[1] - pred[0] + target[1] - target[0]
    hull = max(pred[1], target[1]) - min(pred[0], target[0])
    if hull == 0:
        return 0.0
    iou = inside / (both - inside) if both > inside else 0.0
    gap, length = abs(sum(pred) - sum(target)) / half, hull if below == "hull" else both
    return 1 - iou + (gap / length if root else (gap / length) ** 2)


def ap(**mistake):
    return lambda proposals, truth, iou: checks.average_precision(proposals, truth, iou, **mistake)


def ap_by_rank(proposals, truth, iou):
    ranked = sorted(((-s, v, a, b) for v, video in enumerate(proposals) for a, b, s in video))
    taken, hits = set(), []
    for _, v, a, b in ranked:
        hit = None
        for k, (c, d) in enumerate(truth[v]):
            shared = max(0, min(b, d) - max(a, c))
            if shared / (b - a + d - c - shared) > iou and (v, k) not in taken:
                hit = (v, k)
        taken |= {hit} - {None}
        hits.append(hit is not None)
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(found) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1] if len(found) else precision
    return float((np.array(hits, float) * best).sum() / sum(map(len, truth)))


def effective(p):
    return np.exp(-(p * np.log(np.where(p > 0, p, 1.0))).sum(1))


SOLUTIONS = {"1": attention(), "2": diou, "3": ap_by_rank, "4": effective}

# ------------------------------------------------------------------------------------------------ what goes wrong


def infinite(pred, target):
    return float("nan") if pred[0] == pred[1] else diou(pred, target)


def bits(p):
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(1)


def with_nan(p):
    with np.errstate(all="ignore"):
        return np.exp(-(p * np.log(p)).sum(1))


WRONG = {
    "1": {
        "own index": (attention(axis=-2), "columns sum to 1"), "turned over": (attention(turned=True), "turned over"), "gate": (attention(gate="asked"), "gated by"),
        "padding": (attention(hide=False), "padding must not"), "rows of padding": (attention(blank=False), "are not 0"),
        "never scaled": (attention(scale=lambda s: False), "sqrt"), "one answer": (lambda x, y, *, mask, scaled: attention()(x, y, mask=mask, scaled=scaled)[0][:1], "two things")
    },
    "2": {
        "lengths": (lambda p, t: diou(p, t, below="both"), "released code"), "no half": (lambda p, t: diou(p, t, half=1), "lacks its half"),
        "not squared": (lambda p, t: diou(p, t, root=True), "come squared"),
        "no distance": (lambda p, t: diou(p, t, half=1e9), "1 - IoU alone"), "not a loss": (lambda p, t: 1 - diou(p, t), "1 minus it"), "no length": (infinite, "finite loss"),
        "zero over zero": (lambda p, t: float("nan") if p == t == (1.0, 1.0) else diou(p, t), "guard the denominators")
    },
    "3": {
        "matched twice": (ap(twice=True), "more than once"), "at the threshold": (ap(equal=True), "strictly above"), "no reals": (ap(skip=True), "left out"),
        "mean over videos": (ap(per_video=True), "averaged over videos"), "precision at the rank": (ap(peak=False), "any higher")
    },
    "4": {
        "bits": (lambda p: np.exp(bits(p)), "in bits and exp"), "entropy": (lambda p: np.log(effective(p)), "exp is missing"), "entropy in bits": (bits, "not a number of keys"),
        "mean row": (lambda p: effective(p.mean(0, keepdims=True))[0], "mean row"), "mean": (lambda p: effective(p).mean(), "each row"),
        "squares": (lambda p: 1 / (p**2).sum(1), "sum of squares"), "log of 0": (with_nan, "0 log 0")
    },
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"07.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_, **__):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"07.{number}", stub)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"07.{number}", fn)


def test_every_message_belongs_to_one_mistake():
    for number, wrong in WRONG.items():
        messages = {}
        for name, (fn, _) in wrong.items():
            with pytest.raises(CheckFailed) as found:
                course.check(f"07.{number}", fn)
            messages[name] = str(found.value)
        assert len(set(messages.values())) == len(messages), messages


def test_the_second_route_to_ap_agrees_with_the_library():
    from avlab.metrics import ap_at_iou
    rng = np.random.default_rng(0)
    for _ in range(20):
        starts = rng.uniform(0, 5, (4, 6))
        proposals = [np.stack([s, s + rng.uniform(0.2, 2, 6), rng.random(6)], 1) for s in starts]
        truth = [np.array([[0.5, 1.5], [3.0, 4.5]]), np.zeros((0, 2)), np.array([[1.0, 2.0]]), np.array([[2.0, 2.8], [4.0, 5.0]])]
        assert checks.average_precision(proposals, truth, 0.5) == pytest.approx(ap_at_iou(proposals, truth, 0.5), abs=1e-12)


def test_course_module_is_well_formed():
    for name, spec in nb07.METRICS.items():
        course.base.declared(name, spec)
    for profile in nb07.PROFILES.values():
        nb07.Params(**profile)
    assert set(course.base.mutants(nb07)) | {"none"} == set(nb07.Params.model_fields["mutant"].annotation.__args__)
    assert all(metric in nb07.METRICS for metric in nb07.MUTANTS.values())
