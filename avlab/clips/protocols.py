"""The splits of the papers, by name, and the two of our own; each says which rows go where and nothing else.

Departures are said at each function: what a paper leaves open is drawn by the seed, never guessed to look like the paper's numbers.
"""

import random

import numpy as np
import pandas as pd

from avlab.clips.splits import fractions_of
from avlab.clips.table import classes
from avlab.clips.table_splits import by_generator, by_identity, by_people, official
from avlab.errors import AvlabError

AMDD = {"real": (350, 75, 75), "faceswap": (265, 57, 57), "wav2lip": (350, 75, 75), "fsgan": (59, 13, 13)}  # table III: train, val, test
XAVDT = (("hallo2", "liveportrait", "faceadapter"), ("hunyuanavatar", "megactor-sigma", "aniportrait"))
MRDF_FOLDS, MRDF_CLIPS = 5, 500


def amdd(rows, *, seed=0, disjoint=False):
    """AMDD, table III: real clips and fakes of category C (real sound) of FakeAVCeleb, drawn to the table's numbers; DF-TIMIT's reals all train.

    The paper does not say whether people are apart. Real people are divided 350/75/75 inside their cells, and a fake follows the person on
    screen; donors of faces then stand on several sides, which `check` reports. disjoint=True also keeps donors apart and takes what is left,
    fewer than the table's numbers if need be. DF-TIMIT's fakes are a test set; its reals are the test's reals as well in the paper (A9).
    Returns (N,) split names.  Raises AvlabError for other data, and where a class is too small.
    """
    made = np.full(len(rows), "", object)
    names = set(rows["dataset"].astype(str))
    if not names or not names <= {"fakeavceleb", "dftimit"}:
        raise AvlabError("AMDD's table III is of fakeavceleb, with the reals of dftimit", got=", ".join(sorted(names)))
    timit = (rows["dataset"] == "dftimit").to_numpy()
    made[timit] = np.where(classes(rows)[timit] == "real", "train", "test")
    own = np.flatnonzero(~timit)
    if len(own):
        made[own] = _amdd_of(rows.iloc[own], random.Random(f"{seed} amdd"), seed, disjoint)
    return made


def _amdd_of(rows, rng, seed, disjoint):
    total = sum(AMDD["real"])
    shares = tuple(count / total for count in AMDD["real"])
    base = by_people(rows if disjoint else _alone(rows), shares, seed)
    video, audio = rows["forger_video"].astype(object).to_numpy(), rows["label_audio"].astype(object).to_numpy()
    kind = np.where(classes(rows) == "real", "real", video)
    made = np.full(len(rows), "", object)
    for name, counts in AMDD.items():
        for split, count in zip(("train", "val", "test"), counts, strict=True):
            there = np.flatnonzero((kind == name) & (audio == "real") & (base == split))
            if len(there) < count and not disjoint:
                raise AvlabError(f"AMDD's table III has {count} clips of {name} in {split}", got=f"{len(there)} there", todo="Is the manifest complete?")
            made[rng.sample(list(there), min(count, len(there)))] = split
    return made


def _alone(rows):
    """The rows with the person on screen alone."""
    return rows.assign(donor=pd.Categorical([""] * len(rows)), others=pd.Categorical([""] * len(rows)))


def mrdf(rows, *, seed=0, fold=0):
    """MRDF's balanced folds of FakeAVCeleb: 500 clips of each category, one a person on screen, five folds of people; fold k tests, the others train.

    There is no val split: MRDF chooses its checkpoint on the test fold, which is nothing to imitate. Donors are not kept apart (`check` says so).
    MRDF's own lists are not shipped here; which clip of a person is drawn, and which fold a person is in, follow the seed.
    Returns (N,) split names.  Raises AvlabError for other data and for a fold that is none.
    """
    if set(rows["dataset"].astype(str)) != {"fakeavceleb"} or fold not in range(MRDF_FOLDS):
        raise AvlabError(f"MRDF's folds are 0..{MRDF_FOLDS - 1} of fakeavceleb", got=f"fold {fold} of {', '.join(set(rows['dataset'].astype(str)))}")
    rng = random.Random(f"{seed} mrdf")
    cells = rows.groupby(rows["identity"].astype(str))["identity_group"].first().astype(str)
    place = {}
    for cell in sorted(set(cells)):
        members = sorted(cells.index[cells == cell])
        rng.shuffle(members)
        place |= {name: number % MRDF_FOLDS for number, name in enumerate(members)}
    made = np.full(len(rows), "", object)
    table = pd.DataFrame({"row": np.arange(len(rows)), "person": rows["identity"].astype(str).to_numpy(), "category": rows["category"].astype(str).to_numpy()})
    for (category, person), clips in table.groupby(["category", "person"], sort=True):
        made[rng.choice(list(clips["row"]))] = "test" if place[person] == fold else "train"
    return made


def xavdt(rows, *, seed=0):
    """X-AVDT's protocol on MMDF: train and val with the reals and Hallo2, LivePortrait, FaceAdapter, test with the three others; official splits.

    Returns (N,) split names.  Raises AvlabError where a generator has no row.
    """
    return by_generator(rows, official(rows), *XAVDT)


SCHEMES = {
    "identity": "groups of people, families and cells, whole; by --fractions",
    "people": "people of each cell by --fractions; clips whose people fall apart are dropped",
    "official": "the authors' own; with --disjoint, people in two parts are dropped from the earlier",
    "generator": "people by --fractions, and --train-generators and --test-generators on their own sides",
    "amdd": "AMDD's table III; with --disjoint, donors apart, too", "mrdf": "MRDF's five folds, --fold K", "xavdt": "X-AVDT's generator split of MMDF"}


def assign(rows, scheme, *, fractions=(0.6, 0.2, 0.2), seed=0, fold=0, disjoint=False, train=(), test=()):
    """(N,) split names of a scheme by its name, and the text that goes into split_scheme.  Raises AvlabError for a name that is none."""
    shares = ",".join(f"{share:g}" for share in fractions_of(fractions).values())
    if scheme == "identity":
        return by_identity(rows, fractions, seed), f"identity {shares} seed {seed}"
    if scheme == "people":
        return by_people(rows, fractions, seed), f"people {shares} seed {seed}"
    if scheme == "official":
        return official(rows, disjoint=disjoint, fractions=fractions, seed=seed), "official" + " disjoint" * disjoint
    if scheme == "generator":
        whole = by_identity(rows, fractions, seed)
        base = whole if len(set(whole)) == 3 else by_people(rows, fractions, seed)
        return by_generator(rows, base, train, test), f"generator train {'+'.join(train)} test {'+'.join(test)} seed {seed}"
    if scheme == "amdd":
        return amdd(rows, seed=seed, disjoint=disjoint), "amdd table III" + " disjoint" * disjoint + f" seed {seed}"
    if scheme == "mrdf":
        return mrdf(rows, seed=seed, fold=fold), f"mrdf fold {fold} seed {seed}"
    if scheme == "xavdt":
        return xavdt(rows, seed=seed), "xavdt"
    raise AvlabError(f"A split is made by one of {', '.join(SCHEMES)}", got=scheme)


def dropped(rows, made):
    """A sentence on what a split leaves out, by category."""
    out = rows[np.asarray(made) == ""]["category"].astype(str).value_counts()
    return f"{out.sum()} rows in no split" + (f" ({', '.join(f'{n} {name}' for name, n in out.items())})" if len(out) else "")
