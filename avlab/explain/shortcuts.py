"""The shortcut audit: could something silly tell the forgeries from the real clips?

Ten trifles that a person would read off a file's properties, a logistic regression on them, people who are new in the test, and
an AUROC with its interval for every forger. If this reads a forger, no figure about that forger says anything about forgery.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from avlab import metrics
from avlab.clips.audio import leading_silence_s
from avlab.clips.splits import split_by_identity
from avlab.errors import AvlabError
from avlab.explain.controls import permuted_labels
from avlab.explain.readout import fit_scores

PICTURE = ("brightness", "contrast", "noise", "sharpness", "change")
SOUND = ("loudness_db", "peak_db", "leading_silence_ms", "zero_crossings_hz")
TRIFLES = (*PICTURE, *SOUND, "duration_s")
GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Trifles:
    """What the audit reads: values (N, 10) in the order of TRIFLES, and for every clip its label (1 = fake), forger, person, fold and source.

    No person, and no face-swap donor, stands in two folds. A fake has the source of the real clip that it was made from.
    """

    values: np.ndarray
    label: np.ndarray
    forger: np.ndarray
    people: np.ndarray
    fold: np.ndarray
    source: np.ndarray

    def with_values(self, values) -> Trifles:
        """Return the same clips with other values."""
        return replace(self, values=np.asarray(values, float))

    def with_labels(self, label) -> Trifles:
        """Return the same clips with other labels."""
        return replace(self, label=np.asarray(label))

    def against(self, forger: str) -> Trifles:
        """Return the clips of one forger and the real clips that they were made from."""
        fakes = self.forger == forger
        keep = fakes | ((self.forger == "real") & np.isin(self.source, self.source[fakes]))
        return Trifles(*(getattr(self, column.name)[keep] for column in fields(self)))


# ------------------------------------------------------------------------------------------------ the ten numbers


def of_picture(frames) -> np.ndarray:
    """Return the five trifles of a picture, (5,): all in grey levels 0..255 but the fourth.

    brightness  mean grey                                  contrast  standard deviation of all pixels
    noise       sqrt(pi/2)/6 mean |N * grey|, N = [[1,-2,1],[-2,4,-2],[1,-2,1]] (Immerkaer 1996, CVIU 64:300)
    sharpness   log of the variance of the Laplacian       change    mean |difference| of neighbouring frames

    frames  (T, H, W, 3) uint8 with T >= 2.  Raises AvlabError for other shapes.
    """
    if np.ndim(frames) != 4 or np.shape(frames)[-1] != 3 or len(frames) < 2:
        raise AvlabError("The audit needs frames (T, H, W, 3) with T >= 2", got=np.shape(frames))
    grey = np.asarray(frames, np.float32) @ GREY
    inner = grey[:, 1:-1]
    rows = grey[:, :-2] - 2 * inner + grey[:, 2:]  # second difference downwards; the same across gives the noise mask
    mask = rows[:, :, :-2] - 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    laplacian = rows[:, :, 1:-1] + inner[:, :, :-2] - 2 * inner[:, :, 1:-1] + inner[:, :, 2:]
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(mask).mean()
    return np.array([grey.mean(), grey.std(), noise, np.log(laplacian.var() + 1e-6), np.abs(np.diff(grey, axis=0)).mean()], float)


def of_sound(audio, sample_rate: int = 16_000) -> np.ndarray:
    """Return the four trifles of a sound, (4,).

    loudness  20 log10 of the root mean square, dB re full scale     peak  the same of the largest sample
    leading silence  ms before a 5 ms block first comes within 30 dB of the loudness     zero crossings  sign changes per second

    audio  (S,) float in [-1, 1].  Raises AvlabError where the clip has no sound: absent is not silence.
    """
    if audio is None or np.ndim(audio) != 1 or not len(audio):
        raise AvlabError("The audit needs a sound (S,)", got=None if audio is None else np.shape(audio), todo="Audit clips without sound by their pictures")
    audio = np.asarray(audio, np.float64)
    level = np.sqrt(np.mean(audio**2))
    silence_ms = 1000 * leading_silence_s(audio, sample_rate)
    crossings = np.count_nonzero(np.diff(np.signbit(audio))) * sample_rate / len(audio)
    return np.array([20 * np.log10(level + 1e-9), 20 * np.log10(np.abs(audio).max() + 1e-9), silence_ms, crossings])


def trifles(clip) -> np.ndarray:
    """Return the ten trifles of a clip, (10,), in the order of TRIFLES."""
    return np.concatenate([of_picture(clip.frames), of_sound(clip.audio, clip.sample_rate), [len(clip.frames) / clip.fps]])


# ------------------------------------------------------------------------------------------------ which clips


def draw(rows: Sequence, n: int, *, seed: int = 0, forgers=None) -> list:
    """Return rows in pairs: for each of n people one clip of every forger and the real clips that these were made from.

    A fake and its source share words, head motion and camera, so whatever else differs is the forger's, and a trifle that no
    forger touches reads exactly 0.5. Which clips is decided by the seed alone, with as few sources as cover all forgers; past the
    number of people, people are asked again for other fakes. Raises AvlabError when n is more than these rows can give.
    """
    shelves = defaultdict(lambda: defaultdict(list))
    for row in rows:
        shelves[row.identity][row.forger].append(row)
    names = sorted({row.forger for row in rows} - {"real"}) if forgers is None else list(forgers)
    rng = random.Random(f"{seed} trifles")
    order = sorted(shelves, key=lambda person: (rng.random(), str(person)))
    drawn = {}
    for place in range(n):
        shelf = shelves[order[place % len(order)]] if order else {}
        taken = _pairs(shelf, names, rng)
        if len(taken) < len(names):
            raise AvlabError(f"{n} people with a clip of every forger and its real source were asked for", got=f"{place} in these rows", todo="Ask for fewer")
        for name, (fake, source) in taken.items():
            shelf[name].remove(fake)
            drawn |= {source.clip_id: source, fake.clip_id: fake}
    return list(drawn.values())


def _pairs(shelf, names, rng):
    """{forger: (fake, its source)} of one person, from the fewest sources: the one that serves most forgers first."""
    reals = {row.source: row for row in rng.sample(shelf.get("real", []), len(shelf.get("real", [])))}
    taken = {}
    while len(taken) < len(names):
        serves = {key: {name: row for name in names if name not in taken for row in shelf.get(name, []) if row.source == key} for key in reals}
        best = max(serves, key=lambda key: len(serves[key]), default=None)
        if best is None or not serves[best]:
            break
        taken |= {name: (row, reals[best]) for name, row in serves[best].items()}
    return taken


def measure(rows: Sequence, load, *, folds: int = 5, seed: int = 0) -> Trifles:
    """Return the Trifles of the clips of these rows; load(row) gives a clip, of which only the ten numbers are kept."""
    rows = list(rows)
    names = [f"fold {k}" for k in range(folds)]
    fold = split_by_identity(rows, dict.fromkeys(names, 1 / folds), seed)
    columns = ([row.label for row in rows], [row.forger for row in rows], [row.identity for row in rows], fold, [row.source for row in rows])
    return Trifles(np.stack([trifles(load(row)) for row in rows]), *map(np.asarray, columns))


# ------------------------------------------------------------------------------------------------ what they tell


def audit(data: Trifles, *, forgers=None, n: int = 500, seed: int = 0) -> dict[str, metrics.Interval]:
    """Return {forger: Interval} of the AUROC of the ten trifles against the forger's own sources, resampled by people.

    Each fold is scored by a logistic regression fitted on the others; clips of one fold and of two people are compared (`within`).
    """
    names = list(dict.fromkeys(data.forger[data.forger != "real"].tolist())) if forgers is None else list(forgers)
    found = {}
    for name in names:
        one = data.against(name)
        found[name] = interval_within(held_out(one), one.label, one.fold, one.people, n=n, seed=seed)
    return found


def held_out(data: Trifles) -> np.ndarray:
    """Return a score for every clip, (N,), from a logistic regression that saw neither its person nor its fold."""
    score = np.zeros(len(data.label))
    for name in np.unique(data.fold):
        test = data.fold == name
        score[test] = fit_scores(data.values[~test], data.label[~test], data.values[test])
    return score


def within(score, label, fold, people=None) -> float:
    """Return the share of pairs, a fake and a real of one fold, that are in the right order; ties count half (an AUROC within folds).

    Scores of different folds come from different fits, each with an offset of its own, and must not be compared. With `people`, no
    fake is compared with a real of its own person: here these are the very clips that it was made from, and a detector that meets
    a fake does not have its source beside it.  Raises metrics.OneClass when no pair is left.
    """
    hits, pairs = _pairs_between(score, label, fold, np.arange(len(label)) if people is None else people)
    return float(hits.sum() / pairs.sum())


def interval_within(score, label, fold, people, *, n: int = 500, seed: int = 0, level: float = 0.95) -> metrics.Interval:
    """Return `within` with its bootstrap interval over people: a person drawn twice meets every other person twice, and never their copy.

    Raises metrics.OneClass like `within`.
    """
    hits, pairs = _pairs_between(score, label, fold, people)
    rng, size, draws = np.random.default_rng(seed), len(hits), []
    for weight in rng.multinomial(size, np.full(size, 1 / size), n):
        if (count := weight @ pairs @ weight):
            draws.append(weight @ hits @ weight / count)
    ends = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2))
    return metrics.Interval(float(hits.sum() / pairs.sum()), *map(float, ends), np.array(draws))


def _pairs_between(score, label, fold, people):
    """Pairs in the right order, and pairs, between the fakes of one person (row) and the reals of another (column), each (P, P)."""
    score, label, fold, people = (np.asarray(x) for x in (score, label, fold, people))
    member = (np.unique(people)[:, None] == people).astype(float)
    fake, real = member * (label == 1), member * (label == 0)
    comparable = np.equal.outer(fold, fold) & np.not_equal.outer(people, people)
    wins = 0.5 * (1 + np.sign(np.subtract.outer(score, score)))
    pairs = fake @ comparable @ real.T
    if not pairs.any():
        raise metrics.OneClass("Real and fake clips of two people are both needed in one fold", got=f"{len(label)} clips")
    return fake @ (wins * comparable) @ real.T, pairs


def null_scores(data: Trifles, *, n: int = 20, seed: int = 0) -> np.ndarray:
    """Return the AUROC (n,) of the same audit when the labels mean nothing: permuted inside each person before fitting.

    data  one forger against real, see Trifles.against; people must have clips of both kinds, else nothing is shuffled
    """
    rng = np.random.default_rng([seed, 11])
    shuffled = (data.with_labels(permuted_labels(data.label, data.people, rng)) for _ in range(n))
    return np.array([within(held_out(one), one.label, one.fold, one.people) for one in shuffled])
