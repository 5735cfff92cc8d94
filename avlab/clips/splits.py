"""Splitting clips without leaks: people who appear together stay together.

Reads rows only through .identities, .split, .forger and the few fields that name their source.
"""

import os
import random
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from avlab.clips.rows import SPLITS
from avlab.errors import AvlabError


class Leak(NamedTuple):
    """One thing that stands in more than one split: kind is "identity", "file" or "generator"."""

    kind: str
    value: object
    splits: tuple


def components(rows):
    """Group clips that share a person, directly or through other clips (connected components, union-find).

    A face-swapped clip names two people and so ties their groups together; grouping by the first identity alone would put the
    donor's face on both sides.
    Returns a list of lists of row numbers, in order of first appearance; a clip without anyone is a group of its own.
    """
    parent = {}

    def find(node):
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for number, row in enumerate(rows):
        for person in row.identities:
            parent[find(("person", person))] = find(("clip", number))
    groups = defaultdict(list)
    for number in range(len(rows)):
        groups[find(("clip", number))].append(number)
    return list(groups.values())


def split_by_identity(rows, fractions=(0.6, 0.2, 0.2), seed=0):
    """Give every clip a split so that no person stands in two, as near to the wanted fractions of clips as the groups allow.

    Components (see `components`) are shuffled, taken from the largest to the smallest, and each goes to the split that lacks most.

    rows        clips with .identities
    fractions   {"train": 0.6, "val": 0.2, "test": 0.2} or three numbers in that order; they add up to 1
    Returns a list of split names, one a row.  Raises AvlabError if the fractions do not add up to 1, or are negative.
    """
    rows = list(rows)
    groups = components(rows)
    names = [""] * len(rows)
    for group, split in zip(groups, allocate([len(group) for group in groups], fractions, seed), strict=True):
        for number in group:
            names[number] = split
    return names


def fractions_of(fractions):
    """{"train": 0.6, ...} of a mapping or of three numbers.  Raises AvlabError if they are negative or do not add up to 1."""
    wanted = dict(fractions) if isinstance(fractions, Mapping) else dict(zip(SPLITS, fractions, strict=False))
    if len(wanted) != len(fractions) or any(not value >= 0 for value in wanted.values()) or abs(sum(wanted.values()) - 1) > 1e-6:
        raise AvlabError("Fractions of a split are not negative and add up to 1", got=wanted)
    return wanted


def allocate(sizes, fractions, seed):
    """A split for each group: shuffled, then from the largest to the smallest to the split that lacks most.

    sizes   number of clips of each group;  Returns a list of split names, one a group.
    """
    wanted = fractions_of(fractions)
    order = list(range(len(sizes)))
    random.Random(seed).shuffle(order)
    order.sort(key=sizes.__getitem__, reverse=True)  # a stable sort: equal sizes stay shuffled
    room = {name: share * sum(sizes) for name, share in wanted.items()}
    chosen = [""] * len(sizes)
    for group in order:
        chosen[group] = max(room, key=room.get)
        room[chosen[group]] -= sizes[group]
    return chosen


def leaks(rows, *, generators=False):
    """List what stands in more than one split: people, files, and with generators=True forgers in train and test.

    Forgers are shared between the splits of an ordinary protocol and are a leak only in a generator-disjoint one.
    Rows without a split are left out.  Returns a list of Leak, empty if the split is clean.
    """
    places = defaultdict(set)
    for row in rows:
        if not row.split:
            continue
        for person in row.identities:
            places["identity", person].add(row.split)
        if row.path:
            places["file", os.path.normpath(os.path.join(row.root, row.path))].add(row.split)
        if generators and row.forger != "real":
            for name in row.forger.split("+"):
                places["generator", name].add("train" if row.split == "val" else row.split)
    found = [Leak(kind, value, tuple(sorted(splits))) for (kind, value), splits in places.items() if len(splits) > 1]
    return sorted(found, key=lambda leak: (leak.kind, str(leak.value)))
