"""The four exercises of notebook 00: the solution passes, the stub is let through, each wrong answer fails with its own words."""

import random
from math import ceil, sqrt

import numpy as np
import pytest

from avlab import course, metrics
from avlab.clips import manifest
from avlab.course import nb00, nb00_checks
from avlab.course.base import CheckFailed
from avlab.synthtalk.render import frames_inside

# ------------------------------------------------------------------------------------------------ what the notebook shows as solutions


def category(label_video, label_audio):
    letter = {"real": "R", "fake": "F", "absent": "-", "unknown": "?"}
    return f"{letter[label_video]}V{letter[label_audio]}A"


def deal(groups, rows, fractions, seed):
    """Groups of row numbers, shuffled, from the largest to the smallest, each to the split that lacks most."""
    groups = [list(g) for g in groups]
    random.Random(seed).shuffle(groups)
    room, names = {name: share * len(rows) for name, share in fractions.items()}, [""] * len(rows)
    for group in sorted(groups, key=len, reverse=True):
        split = max(room, key=room.get)
        room[split] -= len(group)
        for number in group:
            names[number] = split
    return names


def circles(rows, of=lambda row: row.identities):
    groups = []
    for number, row in enumerate(rows):
        people = set(of(row))
        near = [g for g in groups if g[0] & people]
        joined = (people.union(*(g[0] for g in near)), [number, *(k for g in near for k in g[1])])
        groups = [g for g in groups if not g[0] & people] + [joined]
    return [g[1] for g in groups]


def split_by_identity(rows, fractions, seed):
    return deal(circles(rows), rows, fractions, seed)


def frame_mask(segments_s, n_frames, fps=25):
    start = np.arange(n_frames) / fps + 1e-9
    mask = np.zeros(n_frames, bool)
    for a, b in segments_s:
        mask |= (a <= start) & (start < b)
    return mask


def wilson(k, n):
    z = 1.959964
    centre, half = k / n + z * z / (2 * n), z * sqrt(k * (n - k) / n**3 + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


SOLUTIONS = {"1": category, "2": split_by_identity, "3": frame_mask, "4": wilson}

# ------------------------------------------------------------------------------------------------ what goes wrong


def by_key(key):
    def answer(rows, fractions, seed):
        groups = {}
        for number, row in enumerate(rows):
            groups.setdefault(key(row), []).append(number)
        return deal(groups.values(), rows, fractions, seed)
    return answer


def whole_circles_but_equal_sizes(rows, fractions, seed):
    groups = circles(rows)
    random.Random(seed).shuffle(groups)
    names = [""] * len(rows)
    for k, group in enumerate(groups):
        for number in group:
            names[number] = ("train", "val", "test")[k % 3]
    return names


def mask(inside, rate=None, turn=lambda x: x):
    def answer(segments_s, n_frames, fps=25):
        out = np.zeros(n_frames, bool)
        for a, b in segments_s:
            for k in range(n_frames):
                out[k] |= inside(k / (rate or fps), a, b, 1 / fps)
        return out
    return answer


def mask_float_trap(segments_s, n_frames, fps=25):
    out = np.zeros(n_frames, bool)
    for a, b in segments_s:
        out[ceil(a * fps):ceil(b * fps)] = True  # 0.28 * 25 is a little more than 7
    return out


def mask_ints(segments_s, n_frames, fps=25):
    return frame_mask(segments_s, n_frames, fps).astype(int)


def wald(k, n):
    half = 1.959964 * sqrt(k * (n - k) / n**3)
    return k / n - half, k / n + half


WRONG = {
    "1": {
        "swapped": (lambda v, a: category(a, v), "swapped"),
        "absent is real": (lambda v, a: category("real" if v == "absent" else v, "real" if a == "absent" else a), "not there is not real"),
        "unknown is real": (lambda v, a: category("real" if v == "unknown" else v, "real" if a == "unknown" else a), "nobody knows"),
        "unknown is fake": (lambda v, a: category("fake" if v == "unknown" else v, "fake" if a == "unknown" else a), "nobody knows"),
        "three letters": (lambda v, a: category(v, a)[:3], "Picture letter, V, sound letter, A"),
    },
    "2": {
        "first person": (by_key(lambda row: row.identity), "first person only"),
        "clip": (by_key(lambda row: row.clip_id), "one by one"),
        "folder": (by_key(lambda row: row.path.split("/")[0]), "keep folders together"),
        "pair": (by_key(lambda row: row.identities), "A-B and B-C"),
        "nobody is a person": (lambda rows, f, s: deal(circles(rows, lambda r: {r.identity, r.donor}), rows, f, s), "means nobody"),
        "equal thirds": (whole_circles_but_equal_sizes, "fractions are of clips"),
        "no seed": (lambda rows, f, seed: split_by_identity(rows, f, 0), "another seed"),
        "not repeatable": (lambda rows, f, seed, calls=iter(range(99)): split_by_identity(rows, f, next(calls)), "same seed"),
        "other names": (lambda rows, f, seed: ["dev" if n == "val" else n for n in split_by_identity(rows, f, seed)], "names are those"),
        "too short": (lambda rows, f, seed: split_by_identity(rows, f, seed)[:-1], "one name for each"),
    },
    "3": {
        "closed": (mask(lambda t, a, b, step: a - 1e-9 <= t <= b + 1e-9), "closed"),
        "end rounded up": (mask(lambda t, a, b, step: a - 1e-9 <= t < b + step - 1e-9), "rounded up"),
        "30 fps": (mask(lambda t, a, b, step: a - 1e-9 <= t < b - 1e-9, rate=30), "30 a second"),
        "always 25 fps": (mask(lambda t, a, b, step: a - 1e-9 <= t < b - 1e-9, rate=25), "25 frames a second whatever"),
        "float trap": (mask_float_trap, "floating point"),
        "numbers": (mask_ints, "booleans"),
    },
    "4": {
        "Wald": (wald, "Wald"),
        "Wald, clipped": (lambda k, n: tuple(np.clip(wald(k, n), 0, 1)), "Wald"),
        "rule of thumb": (lambda k, n: (k / n - n**-0.5, k / n + n**-0.5), "rule of thumb"),
        "turned": (lambda k, n: wilson(k, n)[::-1], "lower end"),
        "no shrinking": (lambda k, n: tuple(x * (1 + 3.8416 / n) for x in wilson(k, n)), "Solve"),
        "one number": (lambda k, n: k / n, "two numbers"),
    },
}


def test_every_exercise_has_a_solution_and_wrong_answers():
    assert set(nb00.CHECKS) == set(SOLUTIONS) == set(WRONG)


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_solution_passes(number, capsys):
    course.check(f"00.{number}", SOLUTIONS[number])
    assert "passed" in capsys.readouterr().out


@pytest.mark.parametrize("number", SOLUTIONS)
def test_the_stub_is_let_through(number):
    def stub(*_, **__):
        raise NotImplementedError("what to return")
    with pytest.raises(NotImplementedError):
        course.check(f"00.{number}", stub)


@pytest.mark.parametrize("number, name", [(number, name) for number, wrong in WRONG.items() for name in wrong])
def test_each_wrong_answer_fails_with_its_own_words(number, name):
    answer, words = WRONG[number][name]
    with pytest.raises(CheckFailed) as told:
        course.check(f"00.{number}", answer)
    assert words in str(told.value)
    others = [fragment for other, (_, fragment) in WRONG[number].items() if fragment != words]
    assert not [fragment for fragment in others if fragment in str(told.value)]


def test_the_checks_agree_with_the_library():
    """The library's own functions pass the checks, though the checks never call them."""
    nb00_checks.check_category(manifest.category)
    nb00_checks.check_split_by_identity(manifest.split_by_identity)
    nb00_checks.check_wilson(metrics.wilson)
    nb00_checks.check_frame_mask(lambda segments, n, fps=25: frames_inside(segments, n, fps) if segments else np.zeros(n, bool))


def test_the_made_up_clips_can_tell_the_mistakes_apart():
    rows = nb00_checks.clips_of_pairs()
    assert len(circles(rows)) == 40 < len({row.identity for row in rows})
    assert max(map(len, circles(rows))) < 0.1 * len(rows)
