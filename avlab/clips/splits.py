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
    wanted = dict(fractions) if isinstance(fractions, Mapping) else dict(zip(SPLITS, fractions, strict=False))
    if len(wanted) != len(fractions) or any(not value >= 0 for value in wanted.values()) or abs(sum(wanted.values()) - 1) > 1e-6:
        raise AvlabError("Fractions of a split are not negative and add up to 1", got=wanted)
    rows = list(rows)
    groups = components(rows)
    random.Random(seed).shuffle(groups)
    groups.sort(key=len, reverse=True)  # a stable sort: equal sizes stay shuffled
    room = {name: share * len(rows) for name, share in wanted.items()}
    names = [""] * len(rows)
    for group in groups:
        split = max(room, key=room.get)
        room[split] -= len(group)
        for number in group:
            names[number] = split
    return names


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
