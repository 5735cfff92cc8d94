"""Splitting a table: by people, by groups of people, by generators; no person, family or group on both sides.

`splits` does the same for a list of rows; here a million rows are tied together by one sparse matrix. `protocols` holds the papers' own splits.
"""

import hashlib
import random

import numpy as np
import pandas as pd

from avlab.clips import splits
from avlab.clips.rows import SPLITS
from avlab.clips.table import classes
from avlab.clips.table_check import families, people
from avlab.errors import AvlabError


def labelled(rows):
    """True where the class of a clip is known; the others (withheld test labels) are in no split."""
    return classes(rows).isin(["real", "fake"]).to_numpy()


def components(rows):
    """Number of the group of every row, (N,) int, numbered in order of first appearance: rows that share a person, a family or an identity_group.

    Connected components of the graph of clips and of what they share, as `splits.components`, which knows people alone.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    said = np.flatnonzero(rows["identity_group"] != "")
    groups = rows["dataset"].iloc[said].astype(object).to_numpy() + "/" + rows["identity_group"].iloc[said].astype(object).to_numpy()
    n, size, edges = len(rows), len(rows), []
    for numbers, keys in (people(rows), families(rows), (said, groups)):
        codes, names = pd.factorize(keys)
        edges.append((numbers, codes + size))
        size += len(names)
    start, end = (np.concatenate([edge[k] for edge in edges]).astype(int) for k in range(2))
    graph = coo_matrix((np.ones(len(start), bool), (start, end)), shape=(size, size))
    return pd.factorize(connected_components(graph, directed=False)[1][:n])[0]


def by_identity(rows, fractions=(0.6, 0.2, 0.2), seed=0):
    """Split so that no component stands in two parts, as near to the fractions of clips as the components allow.

    Returns (N,) split names.  A set whose people form few closed groups (FakeAVCeleb: 10 cells) is split coarsely; see `by_people`.
    """
    groups = components(rows)
    return np.array(splits.allocate(np.bincount(groups).tolist(), fractions, seed), object)[groups]


def by_people(rows, fractions=(0.6, 0.2, 0.2), seed=0):
    """Split the people of each cell by the fractions, and drop clips whose people fall into two parts ("": not used).

    For sets where everybody is tied to everybody through fakes. The cell is identity_group; rows without anyone are split by their families.
    Returns (N,) split names.
    """
    wanted = splits.fractions_of(fractions)
    numbers, names = people(rows)
    first = pd.Series(rows["identity_group"].astype(object).to_numpy()[numbers], index=names)
    cells = first[~first.index.duplicated()].sort_index()  # the cell of everyone who is seen
    rng, place, counts = random.Random(seed), {}, dict.fromkeys(wanted, 0)
    for cell in sorted(set(cells)):
        members = list(cells.index[cells == cell])
        rng.shuffle(members)
        for name in members:  # each to the split that lacks most: even in every cell, exact in all of them together
            place[name] = max(wanted, key=lambda split: wanted[split] * (len(place) + 1) - counts[split])
            counts[place[name]] += 1
    made = agreed(len(rows), numbers, [place[name] for name in names])
    bare = np.setdiff1d(np.arange(len(rows)), numbers)
    if len(bare):
        made[bare] = by_identity(rows.iloc[bare], fractions, seed)
    return made


def agreed(n, numbers, values):
    """The value that all entries of a row agree on, "" where they do not: numbers (m,) rows, values (m,) words; returns (n,)."""
    pairs = pd.DataFrame({"row": numbers, "value": values}).drop_duplicates()
    pairs = pairs[~pairs["row"].duplicated(keep=False)]
    made = np.full(n, "", object)
    made[pairs["row"].to_numpy(int)] = pairs["value"].to_numpy(object)
    return made


def official(rows, *, disjoint=False, fractions=(0.6, 0.2, 0.2), seed=0):
    """The authors' own split; where they ship a test list alone (Celeb-DF), the rest is split into train and val by components.

    disjoint   people and families that stand in two parts stay in the later of train, val, test, and their other rows are dropped
    Returns (N,) split names.
    """
    made = rows["split_official"].astype(object).to_numpy().copy()
    made[~np.isin(made, SPLITS)] = ""
    if set(made) == {"", "test"}:
        rest = np.flatnonzero((made == "") & labelled(rows))
        shares = splits.fractions_of(fractions)
        total = (shares["train"] + shares["val"]) or 1.0
        made[rest] = by_identity(rows.iloc[rest], (shares["train"] / total, shares["val"] / total, 0.0), seed)
    if not (set(made) & set(SPLITS)):
        raise AvlabError("This data set has no official split", got=", ".join(rows["dataset"].cat.categories), todo="Use --scheme identity or people")
    return drop_straddlers(rows, made) if disjoint else made


def drop_straddlers(rows, made):
    """Keep every person and family in the latest part (train < val < test) where they stand; rows elsewhere are dropped."""
    rank = pd.Series(made).map({"": -1, "train": 0, "val": 1, "test": 2}).to_numpy()
    made = made.copy()
    for numbers, keys in (people(rows), families(rows)):
        latest = pd.Series(rank[numbers]).groupby(keys).transform("max").to_numpy()
        made[numbers[(rank[numbers] >= 0) & (rank[numbers] < latest)]] = ""
    return made


def by_generator(rows, base, train, test):
    """Keep of a split the reals, the forgers to train on in train and val, and others in test: the forgers of the test are new.

    rows   table;  base   (N,) split names, whose people stay apart;  train, test   names, of which a pipeline such as faceswap+wav2lip needs all
    Returns (N,) split names.  Raises AvlabError for a name that no row has, or that stands on both sides.
    """
    used = [rows[f"forger_{stream}"].astype(object).to_numpy() for stream in ("video", "audio")]
    known = {part for column in used for value in set(column) for part in value.split("+")} - {""}
    for name in (*train, *test):
        if name not in known or name in train and name in test:
            raise AvlabError("Each generator to train or test on is in the manifest, and on one side", got=name, todo=f"It has {', '.join(sorted(known))}")
    made = np.asarray(base, object).copy()
    for split, names in (("train", train), ("val", train), ("test", test)):
        allowed = {value: set(filter(None, value.split("+"))) <= set(names) for column in used for value in set(column)}
        right = np.array([allowed[a] and allowed[b] for a, b in zip(*used, strict=True)], bool)
        made[(made == split) & ~right] = ""
    return made


def applied(rows, made, name):
    """The table with the column split, and split_scheme: the scheme's name and 12 digits of the sha256 of (clip_id, split)."""
    made = np.where(labelled(rows), made, "")
    text = "\n".join(f"{clip_id}\t{split}" for clip_id, split in zip(rows["clip_id"], made, strict=True))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    scheme = pd.Categorical.from_codes(np.zeros(len(rows), int), [f"{name} sha256:{digest}"])
    return rows.assign(split=pd.Categorical(made), split_scheme=scheme)
