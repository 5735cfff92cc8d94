"""Every loss against the equation computed a second time in float64 numpy, by loops; closed forms; slopes; batches with nothing to compare."""

import math

import numpy as np
import pytest
import torch

from avlab.detectors import losses
from avlab.errors import AvlabError


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def tensor(array, grad=False):
    return torch.tensor(np.asarray(array), dtype=torch.float64, requires_grad=grad)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def slope(value, *tensors):
    return torch.autograd.grad(value, tensors)


# ------------------------------------------------------------------------------------------------ focal


@pytest.mark.parametrize("alpha, gamma", [(0.75, 2), (0.25, 2), (0.5, 0.5), (None, 0), (None, 2)])
def test_focal_is_its_equation(alpha, gamma):
    z, y = 2 * draw(4, 5), (draw(4, 5, seed=1) > 0).astype(float)
    p = 1 / (1 + np.exp(-z))
    p_t, a_t = np.where(y == 1, p, 1 - p), 1 if alpha is None else np.where(y == 1, alpha, 1 - alpha)
    want = (-a_t * (1 - p_t) ** gamma * np.log(p_t)).mean()
    assert losses.focal(tensor(z), tensor(y), alpha=alpha, gamma=gamma).item() == pytest.approx(want, abs=1e-14)


def test_focal_without_weights_is_cross_entropy_and_gamma_two_at_chance_is_a_quarter_of_it():
    z, y = tensor(draw(9)), tensor(draw(9, seed=1) > 0)
    assert losses.focal(z, y, alpha=None, gamma=0).item() == pytest.approx(torch.nn.functional.binary_cross_entropy_with_logits(z, y).item(), abs=1e-14)
    assert losses.focal(z * 0, y, alpha=None, gamma=2).item() == pytest.approx(math.log(2) / 4, abs=1e-15)


@pytest.mark.parametrize("gamma", [0, 0.5, 2])
def test_focal_and_its_slope_are_finite_for_extreme_logits(gamma):
    z = torch.tensor([-200.0, -200.0, 200.0, 200.0, 0.0], requires_grad=True)
    value = losses.focal(z, torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0]), alpha=0.25, gamma=gamma)
    wrong = slope(value, z)[0]
    assert torch.isfinite(value) and torch.isfinite(wrong).all()
    assert wrong[1] == pytest.approx(-0.25 / 5, rel=1e-5) and wrong[2] == pytest.approx(0.75 / 5, rel=1e-5) and wrong[3] == 0


# ------------------------------------------------------------------------------------------------ triplet


def triplet_by_hand(x, label, margin, code=False):
    u, found = unit(x), []
    for a in range(len(u)):
        for p in range(len(u)):
            for n in range(len(u)):
                if p != a and label[p] == label[a] and label[n] != label[a]:
                    d_p, d_n = np.sum((u[a] - u[p]) ** 2), np.sum((u[a] - u[n]) ** 2)
                    found.append(np.log1p(np.exp(np.sqrt(d_p) - np.sqrt(d_n) + 0.05)) if code else max(0, d_p - d_n + margin))
    return np.mean(found)


@pytest.mark.parametrize("label", [[0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1], [0, 1, 2, 0, 1, 2]])
def test_triplet_is_its_equation(label):
    x, y = draw(6, 3), torch.tensor(label)
    for margin in (0.3, 1.0):
        assert losses.triplet(tensor(x), y, margin=margin).item() == pytest.approx(triplet_by_hand(x, label, margin), abs=1e-14)
    assert losses.triplet(tensor(x), y, mining="code").item() == pytest.approx(triplet_by_hand(x, label, 0.3, code=True), abs=1e-14)


def test_triplet_of_four_points_on_the_circle():
    """Reals at 0 and 90 degrees, fakes at 180 and 270: |u_a - u_p|^2 = 2, negatives at 2 and 4, so the terms are m and 0."""
    x = tensor([[1, 0], [0, 1], [-1, 0], [0, -1]])
    y = torch.tensor([0.0, 0.0, 1.0, 1.0])
    assert losses.triplet(5 * x, y, margin=0.3).item() == pytest.approx(0.15, abs=1e-15)
    assert losses.triplet(x[:3], y[:3], margin=0.3).item() == pytest.approx(0.15, abs=1e-15)  # the lone fake is nobody's anchor
    code = np.mean([np.log1p(np.exp(0.05)), np.log1p(np.exp(np.sqrt(2) - 2 + 0.05))])
    assert losses.triplet(x, y, mining="code").item() == pytest.approx(code, abs=1e-15)


@pytest.mark.parametrize("mining", ["batch_all", "code"])
def test_triplet_of_equal_vectors_has_a_finite_slope_and_the_value_of_its_margin(mining):
    x = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    value = losses.triplet(x, torch.tensor([0, 0, 1, 1]), mining=mining)
    assert value.item() == pytest.approx(0.3 if mining == "batch_all" else math.log1p(math.exp(0.05)), abs=1e-15)
    assert torch.isfinite(slope(value, x)[0]).all()


def test_the_code_variant_does_not_read_the_margin_and_the_paper_variant_does():
    x, y = tensor(draw(6, 3)), torch.tensor([0, 0, 0, 1, 1, 1])
    assert losses.triplet(x, y, margin=9.0, mining="code") == losses.triplet(x, y, mining="code")
    step = losses.triplet(x, y, margin=9.0) - losses.triplet(x, y, margin=8.0)
    assert step.item() == pytest.approx(1, abs=1e-14)  # squared distances reach 4: with such margins every triplet is active


# ------------------------------------------------------------------------------------------------ AMDD


def test_info_nce_is_its_equation_and_symmetric():
    a, b = draw(5, 4), draw(5, 4, seed=1)
    s = unit(a) @ unit(b).T / 0.07
    one = np.mean([np.log(np.exp(s[i]).sum()) - s[i, i] for i in range(5)])
    two = np.mean([np.log(np.exp(s[:, i]).sum()) - s[i, i] for i in range(5)])
    assert losses.info_nce(tensor(a), tensor(3 * b)).item() == pytest.approx((one + two) / 2, abs=1e-12)
    assert losses.info_nce(tensor(b), tensor(a)).item() == pytest.approx((one + two) / 2, abs=1e-12)
    assert abs(one - two) > 0.01  # so the symmetry above says something


def test_info_nce_closed_forms():
    """Alike rows: ln B. Orthogonal partners: ln(1 + (B - 1) e^(-1/T)). One clip: nothing to tell apart."""
    same = tensor(np.ones((7, 3)))
    assert losses.info_nce(same, 2 * same).item() == pytest.approx(math.log(7), abs=1e-14)
    eye = tensor(np.eye(4))
    assert losses.info_nce(eye, eye, temperature=0.5).item() == pytest.approx(math.log(1 + 3 * math.exp(-2)), abs=1e-14)
    assert losses.info_nce(eye[:1], eye[:1]).item() == 0


def cmffc_by_hand(v, a, g, same_clip):
    v, a, means = unit(v), unit(a), []
    for name in sorted(set(g) - {0}):
        rows = [i for i in range(len(g)) if g[i] == name]
        pairs = [1 - v[i] @ a[j] for i in rows for j in rows if same_clip or i != j]
        means += [np.mean(pairs)] if pairs else []
    return np.mean(means)


@pytest.mark.parametrize("same_clip", [True, False])
def test_cmffc_is_its_equation(same_clip):
    v, a, g = draw(9, 4), draw(9, 4, seed=1), [0, 1, 1, 1, 1, 2, 2, 3, 0]
    got = losses.cmffc(tensor(v), tensor(2 * a), torch.tensor(g), same_clip=same_clip)
    assert got.item() == pytest.approx(cmffc_by_hand(v, a, g, same_clip), abs=1e-14)


def test_cmffc_counts_a_generator_once_and_never_a_real():
    """Generator 1: three clips that agree (0); generator 2: one that is opposite (2). Mean over generators 1, over clips 0.5."""
    v = tensor([[1, 0], [1, 0], [1, 0], [0, 1], [3, 4]]).requires_grad_()
    a = tensor([[2, 0], [2, 0], [2, 0], [0, -1], [-4, 3]]).requires_grad_()
    value = losses.cmffc(v, a, torch.tensor([1, 1, 1, 2, 0]))
    assert value.item() == pytest.approx(1, abs=1e-15)
    d_v, d_a = slope(value, v, a)
    assert (d_v[4] == 0).all() and (d_a[4] == 0).all()


def test_cmffc_of_single_clips_is_an_alignment_loss_on_fakes():
    """papers.md A5: with one clip a generator only i = j is left."""
    v, a = draw(4, 6), draw(4, 6, seed=1)
    fakes = 1 - (unit(v) * unit(a)).sum(1)[1:]
    assert losses.cmffc(tensor(v), tensor(a), torch.tensor([0, 1, 2, 3])).item() == pytest.approx(fakes.mean(), abs=1e-14)
    assert losses.cmffc(tensor(v), tensor(a), torch.tensor([0, 1, 2, 3]), same_clip=False).item() == 0


def test_centroid_is_its_equation_and_gives_the_centroids_no_slope():
    f, g, c = draw(6, 4), [0, 1, 2, 1, 0, 2], draw(3, 4, seed=1)
    apart = ((unit(f) - unit(c)[g]) ** 2).sum(1)
    embedding, centre = tensor(f, grad=True), tensor(c, grad=True)
    value = losses.centroid(embedding, torch.tensor(g), centre)
    assert value.item() == pytest.approx(apart.mean(), abs=1e-14)
    assert losses.centroid(embedding, torch.tensor(g), centre, reals=False).item() == pytest.approx(apart[[1, 2, 3, 5]].mean(), abs=1e-14)
    value.backward()
    assert embedding.grad.abs().sum() > 0 and centre.grad is None


def test_centroids_follow_by_their_momentum_start_at_first_sight_and_rest_when_missing():
    c, f = np.array([[1.0, 0], [0, 0], [0, 1.0]]), np.array([[0, 3.0], [0, 5.0], [-2.0, 0], [0, 2.0]])
    new = losses.update_centroids(tensor(c), tensor(f), torch.tensor([0, 0, 1, 1]))
    assert np.allclose(new, [[0.9, 0.1], [-0.5, 0.5], [0, 1]], atol=1e-15)
    before = tensor(c)
    losses.update_centroids(before, tensor(f), torch.tensor([0, 0, 1, 1]))
    assert np.array_equal(before, c)  # the caller's are left alone


def test_a_generator_without_a_centroid_does_not_count():
    f, c = tensor(draw(3, 4)), torch.zeros(3, 4, dtype=torch.float64)
    c[0] = tensor(draw(4, seed=1))
    value = losses.centroid(f, torch.tensor([0, 1, 2]), c)
    assert value.item() == pytest.approx(losses.centroid(f[:1], torch.tensor([0]), c).item(), abs=1e-15) and value > 0


# ------------------------------------------------------------------------------------------------ MSCT


def test_alignment_is_its_equation_for_vectors_and_for_sequences():
    v, a, y = draw(6, 5, 4), draw(6, 5, 4, seed=1), np.array([1, 0, 0, 1, 0, 1])
    for left, right in ((v, a), (v[:, 0], a[:, 0])):
        p, q = (left.mean(1), right.mean(1)) if left.ndim == 3 else (left, right)
        d = (unit(p) * unit(q)).sum(1)
        want = (y * (1 - d) + (1 - y) * np.maximum(0, d)).mean()
        assert losses.alignment(tensor(left), tensor(right), torch.tensor(y)).item() == pytest.approx(want, abs=1e-14)


@pytest.mark.parametrize("matched, d, want", [(1, 0.6, 0.4), (0, 0.6, 0.6), (0, -0.6, 0), (1, -0.6, 1.6), (1, 1, 0), (0, 1, 1)])
def test_alignment_by_hand(matched, d, want):
    v, a = tensor([[1, 0]], grad=True), tensor([[2 * d, 2 * math.sqrt(1 - d * d)]])
    value = losses.alignment(v, a, torch.tensor([matched]))
    assert value.item() == pytest.approx(want, abs=1e-14)
    assert (slope(value, v)[0] == 0).all() == (abs(d) == 1 or (matched, d) == (0, -0.6))  # an unmatched pair apart enough is left alone


# ------------------------------------------------------------------------------------------------ DIoU


def diou_by_hand(p, t, denominator):
    shared = max(0, min(p[1], t[1]) - max(p[0], t[0]))
    lengths = (p[1] - p[0]) + (t[1] - t[0])
    below = max(p[1], t[1]) - min(p[0], t[0]) if denominator == "enclosing" else lengths
    rho = abs((p[0] + p[1]) / 2 - (t[0] + t[1]) / 2)
    return 1 - shared / (lengths - shared) + (rho / below) ** 2


@pytest.mark.parametrize("denominator", ["enclosing", "lengths"])
def test_diou_is_its_equation(denominator):
    p, t = np.sort(draw(200, 2), 1), np.sort(draw(200, 2, seed=1), 1)
    want = [diou_by_hand(p[i], t[i], denominator) for i in range(200)]
    assert np.allclose(losses.diou_1d(tensor(p), tensor(t), denominator=denominator), want, atol=1e-13)


@pytest.mark.parametrize("pred, target, right, printed", [
    ([1, 2], [1, 2], 0, 0),
    ([1, 2], [1.5, 2.5], 0.7778, 0.7292),
    ([0, 4], [1, 3], 0.5, 0.5),  # nested, same centre
    ([0, 4], [0, 2], 0.5 + 1 / 16, 0.5 + 1 / 36),  # nested, off centre
    ([0, 1], [1, 2], 1.25, 1.25),  # touching: the hull is as long as both together
    ([0, 0.4], [1, 1.4], 1.5102, 2.5625),
    ([0, 0.4], [10, 10.4], 1 + 100 / 10.4**2, 1 + 100 / 0.64),
    ([1, 1], [0, 4], 1 + 1 / 16, 1 + 1 / 16),  # no length, inside
    ([1, 1], [3, 3], 2, None),  # two points: as far apart as can be
    ([1, 1], [1, 1], 0, 0),
])
def test_diou_closed_forms(pred, target, right, printed):
    p, t = tensor([pred], grad=True), tensor([target])
    value = losses.diou_1d(p, t)
    assert value.item() == pytest.approx(right, abs=5e-5)
    assert torch.isfinite(slope(value.sum(), p)[0]).all()
    assert losses.diou_1d(t, p).item() == pytest.approx(value.item(), abs=1e-15)
    if printed is not None:
        assert losses.diou_1d(p, t, denominator="lengths").item() == pytest.approx(printed, abs=5e-5)


def test_diou_stays_under_two_and_does_not_see_shifts_or_units():
    p, t = tensor(np.sort(100 * draw(500, 2), 1)), tensor(np.sort(100 * draw(500, 2, seed=1), 1))
    value = losses.diou_1d(p, t)
    assert 0 <= value.min() and value.max() < 2
    assert torch.allclose(losses.diou_1d(25 * p + 7, 25 * t + 7), value, atol=1e-12)
    assert losses.diou_1d(tensor([[0, 0.4]]), tensor([[10, 10.4]]), denominator="lengths") > 150  # no bound there


@pytest.mark.parametrize("target", [[5.0, 6.0], [-5.0, -4.0]])
def test_diou_pulls_disjoint_intervals_together_where_iou_alone_would_not(target):
    """d rho^2/c^2 along a shift of [0, 1] towards [5, 6]: rho = 5, c = 6, so -2 rho / c^2 + 2 rho^2 / c^3 = -10/216."""
    p, away = tensor([[0, 1]], grad=True), 1 if target[0] < 0 else -1
    start, end = slope(losses.diou_1d(p, tensor([target])).sum(), p)[0][0].tolist()
    assert (start + end) * away == pytest.approx(10 / 216, abs=1e-14)  # as a whole it moves towards the truth ...
    near, far = (end, start) if away < 0 else (start, end)
    assert near * away == pytest.approx(5 / 36, abs=1e-14) and far * away < 0  # ... by its near end; the far end first moves away: the interval grows


# ------------------------------------------------------------------------------------------------ nothing to compare


def degenerate():
    x = tensor(draw(4, 3), grad=True)
    none = torch.zeros(4, dtype=torch.long)
    return {
        "focal of nothing": (x, losses.focal(x[:0], tensor(draw(0, 3)), alpha=0.5, gamma=2)),
        "one class": (x, losses.triplet(x, none)),
        "one class, code": (x, losses.triplet(x, none, mining="code")),
        "one clip a class": (x, losses.triplet(x[:2], torch.tensor([0, 1]))),
        "one clip": (x, losses.triplet(x[:1], none[:1])),
        "no clips": (x, losses.triplet(x[:0], none[:0])),
        "one pair": (x, losses.info_nce(x[:1], x[1:2])),
        "no pair": (x, losses.info_nce(x[:0], x[:0])),
        "no fakes": (x, losses.cmffc(x, x, none)),
        "no other clip": (x, losses.cmffc(x, x, torch.arange(4), same_clip=False)),
        "no centroids": (x, losses.centroid(x, none, torch.zeros(2, 3))),
        "reals left out": (x, losses.centroid(x, none, torch.ones(2, 3), reals=False)),
        "no clips to align": (x, losses.alignment(x[:0], x[:0], none[:0])),
        "no intervals": (x, losses.diou_1d(x[:0, :2], x[:0, :2]).sum()),
    }


@pytest.mark.parametrize("name", list(degenerate()))
def test_a_batch_with_nothing_to_compare_is_zero_and_differentiable(name):
    x, value = degenerate()[name]
    assert value.shape == () and value.item() == pytest.approx(0, abs=1e-15)
    assert slope(value, x)[0].abs().max() < 1e-14


@pytest.mark.parametrize("call", [
    lambda x: losses.triplet(x, torch.tensor([0, 0, 1, 1])), lambda x: losses.triplet(x, torch.tensor([0, 0, 1, 1]), mining="code"),
    lambda x: losses.info_nce(x, x), lambda x: losses.cmffc(x, x, torch.ones(4, dtype=torch.long)),
    lambda x: losses.centroid(x, torch.ones(4, dtype=torch.long), torch.ones(2, 3)), lambda x: losses.alignment(x, x, torch.ones(4)),
])
def test_a_vector_of_zeros_gives_no_nan(call):
    x = torch.zeros(4, 3, requires_grad=True)
    value = call(x)
    assert torch.isfinite(value) and torch.isfinite(slope(value, x)[0]).all()


@pytest.mark.parametrize("call", [
    lambda x: losses.triplet(x, torch.tensor([0, 1, 0, 1])), lambda x: losses.triplet(x, torch.tensor([0, 1, 0, 1]), mining="code"),
    lambda x: losses.info_nce(x, x.flip(0)), lambda x: losses.cmffc(x, x.flip(1), torch.tensor([0, 1, 1, 2])),
    lambda x: losses.centroid(x, torch.tensor([0, 1, 1, 0]), torch.ones(2, 3)), lambda x: losses.alignment(x, x.flip(1), torch.tensor([1, 0, 1, 0])),
    lambda x: losses.focal(x, (x > 0).detach(), alpha=0.75, gamma=2), lambda x: losses.diou_1d(x[:, :2].sort(1)[0], tensor(np.sort(draw(4, 2), 1))).sum(),
])
def test_slopes_are_those_of_finite_differences(call):
    assert torch.autograd.gradcheck(call, (tensor(draw(4, 3, seed=5), grad=True),), eps=1e-6, atol=1e-6)


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("call", [
    lambda: losses.focal(torch.ones(3), torch.ones(4), alpha=0.5, gamma=2),
    lambda: losses.focal(torch.ones(3), torch.ones(3), alpha=1.5, gamma=2),
    lambda: losses.focal(torch.ones(3), torch.ones(3), alpha=0.5, gamma=-1),
    lambda: losses.triplet(torch.ones(3, 2), torch.ones(4)),
    lambda: losses.triplet(torch.ones(3, 2), torch.ones(3), mining="hard"),
    lambda: losses.info_nce(torch.ones(3, 2), torch.ones(4, 2)),
    lambda: losses.info_nce(torch.ones(3, 2), torch.ones(3, 2), temperature=0),
    lambda: losses.cmffc(torch.ones(3, 2), torch.ones(3, 2), torch.ones(2)),
    lambda: losses.centroid(torch.ones(3, 2), torch.tensor([0, 1, 2]), torch.ones(2, 2)),
    lambda: losses.centroid(torch.ones(3, 2), torch.tensor([0, 1, 1]), torch.ones(2, 3)),
    lambda: losses.update_centroids(torch.ones(2, 2), torch.ones(1, 2), torch.tensor([-1])),
    lambda: losses.alignment(torch.ones(3, 2), torch.ones(3, 2), torch.ones(2)),
    lambda: losses.diou_1d(torch.tensor([[2.0, 1.0]]), torch.tensor([[0.0, 1.0]])),
    lambda: losses.diou_1d(torch.ones(3, 2), torch.ones(2, 2)),
    lambda: losses.diou_1d(torch.ones(3, 2), torch.ones(3, 2), denominator="union"),
])
def test_errors_name_the_rule(call):
    with pytest.raises(AvlabError):
        call()
