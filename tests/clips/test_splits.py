"""Nobody stands on both sides of a split, however clips tie people together."""

import random
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest

from avlab.clips.manifest import leaks, load, split_by_identity
from avlab.clips.splits import components
from avlab.errors import AvlabError


def clip(*people, split="", forger="real", path=""):
    return SimpleNamespace(identities=frozenset(people), split=split, forger=forger, path=path, root="")


def test_components_follow_chains_of_people():
    rows = [clip(1), clip(1, 2), clip(3), clip(2, 4), clip(), clip(5, 3), clip(4)]
    assert components(rows) == [[0, 1, 3, 6], [2, 5], [4]]


def test_components_against_a_slow_second_route():
    rng = random.Random(0)
    rows = [clip(*rng.sample(range(60), rng.choice([1, 1, 2]))) for _ in range(80)]
    groups = [{i} for i in range(len(rows))]
    changed = True
    while changed:  # join any two groups that share a person, until none do
        changed = False
        for a in groups:
            for b in groups:
                people_a, people_b = (set().union(*(rows[i].identities for i in g)) if g else set() for g in (a, b))
                if a is not b and people_a & people_b:
                    a |= b
                    b.clear()
                    changed = True
    assert sorted(map(sorted, filter(None, groups))) == sorted(components(rows))


@pytest.mark.parametrize("seed", range(5))
def test_no_person_is_split_and_fractions_are_met(seed):
    rng = random.Random(seed)
    rows = [clip(2 * p, *([2 * p + 1] if rng.random() < 0.4 else [])) for p in range(100) for _ in range(rng.randint(3, 8))]
    rows += [clip(2 * p + 1) for p in range(100)]
    names = split_by_identity(rows, {"train": 0.6, "val": 0.2, "test": 0.2}, seed)
    places = {}
    for row, name in zip(rows, names, strict=True):
        for person in row.identities:
            assert places.setdefault(person, name) == name
    counts = Counter(names)
    assert all(abs(counts[name] / len(rows) - share) < 0.02 for name, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)))


def test_grouping_by_the_first_person_alone_would_leak():
    rows = [clip(p, (p + 1) % 3) for p in range(3)] * 4 + [clip(p) for p in range(3, 15)] * 4
    names = split_by_identity(rows, (0.5, 0.25, 0.25), 0)
    assert len({name for row, name in zip(rows, names, strict=True) if row.identities & {0, 1, 2}}) == 1


def test_the_seed_decides():
    rows = [clip(p) for p in range(50)]
    assert split_by_identity(rows, (0.6, 0.2, 0.2), 3) == split_by_identity(rows, (0.6, 0.2, 0.2), 3)
    assert split_by_identity(rows, (0.6, 0.2, 0.2), 3) != split_by_identity(rows, (0.6, 0.2, 0.2), 4)


@pytest.mark.parametrize("fractions", [(0.5, 0.2, 0.2), (1.2, -0.1, -0.1), {"train": float("nan"), "test": 1.0}, (0.5, 0.2, 0.2, 0.1)])
def test_fractions_must_make_sense(fractions):
    with pytest.raises(AvlabError, match="add up to 1"):
        split_by_identity([clip(1)], fractions, 0)


def test_planted_leaks_are_found():
    rows = [clip(1, split="train"), clip(2, 1, split="test"), clip(3, split="train", forger="dub"), clip(4, split="test", forger="dub+rtvc"),
            clip(5, split="val", path="a.mp4"), clip(6, split="test", path="a.mp4"), clip(7, split=""), clip(7, split="train")]
    assert [(leak.kind, leak.splits) for leak in leaks(rows)] == [("file", ("test", "val")), ("identity", ("test", "train"))]
    assert [(leak.kind, leak.value) for leak in leaks(rows, generators=True) if leak.kind == "generator"] == [("generator", "dub")]


def test_validation_may_share_the_training_forgers():
    assert leaks([clip(1, split="train", forger="dub"), clip(2, split="val", forger="dub")], generators=True) == []


def test_synthtalk_can_be_split_again_without_a_leak():
    rows = load("synthtalk").select(duration_s=0.64)
    names = split_by_identity(rows, (0.6, 0.2, 0.2), 0)
    assert set(names) == {"train", "val", "test"}
    assert leaks([replace(row, split=name) for row, name in zip(rows, names, strict=True)]) == []


def test_a_file_under_another_spelling_is_the_same_file():
    found = leaks([clip(1, split="train", path="a.mp4"), clip(2, split="test", path="sub/../a.mp4")])
    assert [(leak.kind, leak.splits) for leak in found] == [("file", ("test", "train"))]
