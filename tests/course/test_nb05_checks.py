"""The four exercises of notebook 05: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import numpy as np
import pytest

from avlab import course
from avlab.course import nb05
from avlab.course.base import CheckFailed
from avlab.errors import AvlabError

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def triplet(embedding, label, margin):
    u = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    d = ((u[:, None] - u[None]) ** 2).sum(-1)
    same = label[:, None] == label[None]
    positive = same & ~np.eye(len(label), dtype=bool)
    valid = positive[:, :, None] & ~same[:, None, :]
    hinges = np.maximum(0, d[:, :, None] - d[:, None, :] + margin)[valid]
    return hinges.mean() if len(hinges) else 0.0


def clip_scores(score, clip_id):
    clips_in_order = list(dict.fromkeys(clip_id))
    return clips_in_order, [score[clip_id == clip].mean() for clip in clips_in_order]


def acc_at_eer(score, label, **options):
    from sklearn.metrics import roc_curve
    alarms, hits, thresholds = roc_curve(label, score, drop_intermediate=options.get("drop", False))
    threshold = thresholds[np.argmin(abs(alarms - (1 - hits)))]
    return ((score >= threshold) == (label == 1)).mean(), threshold


def bootstrap_by_group(metric, score, label, group, n, rng):
    names, values, refused = np.unique(group), [], 0
    while len(values) < n:
        drawn = rng.choice(names, len(names))
        rows = np.concatenate([np.flatnonzero(group == g) for g in drawn])
        try:
            values.append(metric(score[rows], label[rows]))
        except AvlabError:
            refused += 1
    return np.quantile(values, 0.025), np.quantile(values, 0.975), refused


SOLUTIONS = {"1": triplet, "2": clip_scores, "3": acc_at_eer, "4": bootstrap_by_group}

# ------------------------------------------------------------------------------------------------ what goes wrong


def triplet_with(*, squared=True, own=False, unit=True, active=False, how="mean", sign=1):
    def answer(embedding, label, margin):
        u = embedding / np.linalg.norm(embedding, axis=1, keepdims=True) if unit else embedding
        d = ((u[:, None] - u[None]) ** 2).sum(-1)
        d = d if squared else np.sqrt(d)
        same = label[:, None] == label[None]
        positive = same if own else same & ~np.eye(len(label), dtype=bool)
        hinges = np.maximum(0, d[:, :, None] - d[:, None, :] + sign * margin)[positive[:, :, None] & ~same[:, None, :]]
        hinges = hinges[hinges > 0] if active else hinges
        if not len(hinges):
            return 0.0
        return {"mean": hinges.mean(), "sum": hinges.sum(), "cube": hinges.sum() / len(label) ** 3}[how]
    return answer


def nan_for_one_class(embedding, label, margin):
    u = triplet(embedding, label, margin)
    return u if len(set(label.tolist())) > 1 else float("nan")


def highest(score, clip_id):
    names = list(dict.fromkeys(clip_id))
    return names, [score[clip_id == c].max() for c in names]


def by_name(score, clip_id):
    names = np.unique(clip_id)
    return names, [score[clip_id == c].mean() for c in names]


def names_of_another_order(score, clip_id):
    return list(dict.fromkeys(clip_id)), [score[clip_id == c].mean() for c in np.unique(clip_id)]


def from_the_path(score, clip_id):
    person = np.array([c.split("/")[0] for c in clip_id])
    names = list(dict.fromkeys(person))
    return names, [score[person == c].mean() for c in names]


def half(score, label):
    return ((score >= 0.5) == (label == 1)).mean(), 0.5


def one_minus_eer(score, label):
    from avlab.metrics import eer
    return 1 - eer(score, label), acc_at_eer(score, label)[1]


def above_only(score, label):
    threshold = acc_at_eer(score, label)[1]
    return ((score > threshold) == (label == 1)).mean(), threshold


def bootstrap_with(rows_of, *, again=True, count=True, ends=(0.025, 0.975)):
    def answer(metric, score, label, group, n, rng):
        values, refused, tried = [], 0, 0
        while len(values) < n and (again or tried < n):
            rows, tried = rows_of(group, rng), tried + 1
            try:
                values.append(metric(score[rows], label[rows]))
            except AvlabError:
                refused += 1
        return np.quantile(values, ends[0]), np.quantile(values, ends[1]), refused if count else 0
    return answer


def whole(group, rng):
    return np.concatenate([np.flatnonzero(group == g) for g in rng.choice(np.unique(group), len(np.unique(group)))])


def single(group, rng):
    return rng.choice(len(group), len(group))


def jittered(metric, score, label, group, n, rng):
    rows = np.concatenate([np.flatnonzero(group == g) for g in (0, 1, 2, 3, 4, 5)])
    values = [metric(score[rows], label[rows]) + 0.1 * rng.standard_normal() for _ in range(n)]
    return np.quantile(values, 0.025), np.quantile(values, 0.975), 0


WRONG = {
    "1": {
        "not squared": (triplet_with(squared=False), "not squared"), "own positive": (triplet_with(own=True), "its own positive"),
        "by B cubed": (triplet_with(how="cube"), "B\\^3"), "sum": (triplet_with(how="sum"), "this is the sum"), "long vectors": (triplet_with(unit=False), "length 1"),
        "active only": (triplet_with(active=True), "only triplets above 0"), "nan": (nan_for_one_class, "one class"), "a tuple": (lambda e, y, m: (1, 2), "one number"),
    },
    "2": {
        "maximum": (highest, "highest chunks"), "sorted": (by_name, "order of first appearance"), "mixed up": (names_of_another_order, "other clips' names"),
        "path": (from_the_path, "whole id"), "means alone": (lambda s, c: clip_scores(s, c)[1], "two things"),
    },
    "3": {
        "dropped points": (lambda s, y: acc_at_eer(s, y, drop=True), "drop_intermediate"), "half": (half, "0.5 was used"), "1 - EER": (one_minus_eer, "1 - EER is not"),
        "strictly above": (above_only, "counts as fake"), "accuracy alone": (lambda s, y: float(acc_at_eer(s, y)[0]), "two things"),
    },
    "4": {
        "rows": (bootstrap_with(single), "single rows"), "jitter": (jittered, "again and again"), "dropped": (bootstrap_with(whole, again=False), "drawn again"),
        "not counted": (bootstrap_with(whole, count=False), "must say how many"), "90 per cent": (bootstrap_with(whole, ends=(0.05, 0.95)), "97.5"),
        "no count": (lambda *a: bootstrap_with(whole)(*a)[:2], "three things"),
    },
}


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes_and_the_stub_is_let_through(number, capsys):
    course.check(f"05.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out

    def stub(*_):
        raise NotImplementedError("your turn")
    with pytest.raises(NotImplementedError):
        course.check(f"05.{number}", stub)


@pytest.mark.parametrize("number,name", [(n, name) for n, wrong in WRONG.items() for name in wrong])
def test_every_wrong_answer_fails_with_its_own_message(number, name):
    fn, said = WRONG[number][name]
    with pytest.raises(CheckFailed, match=said):
        course.check(f"05.{number}", fn)


def test_every_message_belongs_to_one_mistake():
    for number, wrong in WRONG.items():
        messages = {}
        for name, (fn, _) in wrong.items():
            with pytest.raises(CheckFailed) as found:
                course.check(f"05.{number}", fn)
            messages[name] = str(found.value)
        assert len(set(messages.values())) == len(messages), messages


def test_course_module_is_well_formed():
    for name, spec in nb05.METRICS.items():
        course.base.declared(name, spec)
    for profile in nb05.PROFILES.values():
        nb05.Params(**profile)
    assert set(course.base.mutants(nb05)) | {"none"} == set(nb05.Params.model_fields["mutant"].annotation.__args__)
    assert all(metric in nb05.METRICS for metric in nb05.MUTANTS.values())


def test_a_table_needs_its_base_and_its_controls():
    from pydantic import ValidationError
    with pytest.raises(ValidationError, match="missing: rgb"):
        nb05.Params(variants=["full", "no_psi", "no_phi"])
    with pytest.raises(ValidationError, match="each name once"):
        nb05.Params(variants=["full", "no_psi", "rgb", "rgb"])
