"""The four exercises of notebook 02: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest

from avlab import course
from avlab.course import nb02
from avlab.course.base import CheckFailed

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def attention_parts(q, k, v):
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5
    prob = np.exp(scores - scores.max(-1, keepdims=True))
    prob = prob / prob.sum(-1, keepdims=True)
    return prob, prob @ v


def to_map(tokens, kind, b, t, h, w):
    if kind == "temporal":
        return tokens.reshape(b, h, w, t, -1).transpose(0, 4, 3, 1, 2)
    return tokens.reshape(b, t, h, w, -1).transpose(0, 4, 1, 2, 3)


def null_band(fit_and_score, labels, groups, n, rng):
    scores = []
    for _ in range(n):
        permuted = labels.copy()
        for g in np.unique(groups):
            permuted[groups == g] = rng.permutation(labels[groups == g])
        scores.append(fit_and_score(permuted, permuted))
    return np.quantile(scores, 0.025), np.quantile(scores, 0.975)


def audio_share(psi_own, psi_silent, mask):
    return (mask * (psi_own - psi_silent) ** 2).sum() / (mask * psi_own**2).sum()


SOLUTIONS = {"1": attention_parts, "2": to_map, "3": null_band, "4": audio_share}

# ------------------------------------------------------------------------------------------------ what goes wrong


def soft(scores, axis=-1):
    e = np.exp(scores - scores.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def parts(scores_axis=-1, divide=None, mean=False):
    def answer(q, k, v):
        prob = soft(q @ k.swapaxes(-1, -2) / (divide or q.shape[-1] ** 0.5), scores_axis)
        return prob, np.broadcast_to(prob.mean(0), prob.shape) @ v if mean else prob @ v
    return answer


def map_view(tokens, kind, b, t, h, w):
    return tokens.reshape(b, -1, t, h, w)


def map_h_w(tokens, kind, b, t, h, w):
    return to_map(tokens, kind, b, t, w, h)


def map_h_w_turned(tokens, kind, b, t, h, w):
    return to_map(tokens, kind, b, t, w, h).swapaxes(-1, -2)


def map_frames_clips(tokens, kind, b, t, h, w):
    if kind == "temporal":
        return to_map(tokens, kind, b, t, h, w)
    return tokens.reshape(t, b, h, w, -1).transpose(1, 4, 0, 2, 3)


def map_one_layout(tokens, kind, b, t, h, w):
    return to_map(tokens.reshape(b * t, h * w, -1), "spatial", b, t, h, w)


def map_cells_clips(tokens, kind, b, t, h, w):
    if kind == "temporal":
        return tokens.reshape(h, w, b, t, -1).transpose(2, 4, 3, 0, 1)
    return to_map(tokens, kind, b, t, h, w)


def band(permute, run):
    def answer(fit_and_score, labels, groups, n, rng):
        scores = [run(fit_and_score, permute(labels, groups, rng), labels) for _ in range(n)]
        return np.quantile(scores, 0.025), np.quantile(scores, 0.975)
    return answer


def inside(labels, groups, rng):
    out = labels.copy()
    for g in np.unique(groups):
        out[groups == g] = rng.permutation(labels[groups == g])
    return out


after_fitting = band(inside, lambda f, p, y: f(y, p))
across_people = band(lambda y, g, rng: rng.permutation(y), lambda f, p, y: f(p, p))
on_training = band(inside, lambda f, p, y: f(p, p, on="train"))
scored_by_truth = band(inside, lambda f, p, y: f(p, y))


def one_for_all(fit_and_score, labels, groups, n, rng):
    permuted = inside(labels, groups, rng)
    scores = [fit_and_score(permuted, permuted) for _ in range(n)]
    return np.quantile(scores, 0.025), np.quantile(scores, 0.975)


def mean_and_sd(fit_and_score, labels, groups, n, rng):
    scores = [fit_and_score(*[inside(labels, groups, rng)] * 2) for _ in range(n)]
    return np.mean(scores) - np.std(scores), np.mean(scores) + np.std(scores)


WRONG = {
    "1": {
        "over queries": (parts(scores_axis=-2), "over the keys"), "by d": (parts(divide=4.0), "square root"), "unscaled": (parts(divide=1.0), "too sharp"),
        "head mean": (parts(mean=True), "mean of the heads"), "output alone": (lambda q, k, v: parts()(q, k, v)[1], "two things"),
        "values unmixed": (lambda q, k, v: (parts()(q, k, v)[0], v[:, :3]), "probabilities are right")
    },
    "2": {
        "view": (map_view, "scrambles"), "h and w": (map_h_w, "w high"), "h and w turned back": (map_h_w_turned, "w fastest"),
        "frames and clips": (map_frames_clips, "frames and clips"), "one layout for all": (map_one_layout, "cells outside, frames inside"),
        "cells and clips": (map_cells_clips, "clips and cells")
    },
    "3": {
        "after fitting": (after_fitting, "before fitting"), "across people": (across_people, "one person to another"),
        "training clips": (on_training, "trained on"), "scored by truth": (scored_by_truth, "same permuted labels"),
        "one permutation": (one_for_all, "of its own"), "one deviation": (mean_and_sd, "97.5")
    },
    "4": {
        "difference of energies": (lambda a, s, m: ((m * a**2).sum() - (m * s**2).sum()) / (m * a**2).sum(), "difference of two energies"),
        "over silent": (lambda a, s, m: (m * (a - s)**2).sum() / (m * s**2).sum(), "below the line"), "no mask": (lambda a, s, m: ((a - s)**2).sum() /
                                                                                                                  (a**2).sum(), "mask was ignored"),
        "half a mask": (lambda a, s, m: (m * (a - s)**2).sum() /
                        (a**2).sum(), "above the line only"), "root": (lambda a, s, m: audio_share(a, s, m)**0.5, "square root")
    },
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"02.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"02.{number}", stub)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"02.{number}", fn)


def test_every_message_belongs_to_one_mistake():
    for number, wrong in WRONG.items():
        messages = {}
        for name, (fn, _) in wrong.items():
            with pytest.raises(CheckFailed) as found:
                course.check(f"02.{number}", fn)
            messages[name] = str(found.value)
        assert len(set(messages.values())) == len(messages), messages


def test_a_tensor_is_as_good_an_answer_as_an_array():
    import torch
    course.check("02.1", lambda q, k, v: tuple(torch.from_numpy(np.ascontiguousarray(x)) for x in attention_parts(q, k, v)))


def test_course_module_is_well_formed():
    for name, spec in nb02.METRICS.items():
        course.base.declared(name, spec)
    for profile in nb02.PROFILES.values():
        nb02.Params(**profile)
    assert set(course.base.mutants(nb02)) | {"none"} == set(nb02.Params.model_fields["mutant"].annotation.__args__)
    assert all(metric in nb02.METRICS for metric in nb02.MUTANTS.values())


def test_the_grid_is_a_part_of_the_controls():
    from pydantic import ValidationError
    with pytest.raises(ValidationError, match="at least clips_per_class"):
        nb02.Params(clips_per_class=5, control_clips=4)
