"""Checks of the exercises of notebook 00: answers found by another route, and the mistakes that people make, recognised by their results.

Nothing here calls the library's own category, split, segment or interval functions.
"""

import random
from types import SimpleNamespace

import numpy as np

from avlab.course.base import CheckFailed

SEED = 20260317


def fail(number, said):
    raise CheckFailed(f"00.{number}: {said}")


# ------------------------------------------------------------------------------------------------ 00.1

WORDS = ("real", "fake", "absent", "unknown")
TABLE = ("RVRA RVFA RV-A RV?A", "FVRA FVFA FV-A FV?A", "-VRA -VFA -V-A -V?A", "?VRA ?VFA ?V-A ?V?A")  # one line a video label, one column an audio label


def check_category(fn):
    """category(label_video, label_audio) -> four letters."""
    want = {(v, a): word for v, line in zip(WORDS, TABLE) for a, word in zip(WORDS, line.split())}
    got = {pair: fn(*pair) for pair in want}
    wrong = {pair: word for pair, word in got.items() if word != want[pair]}
    if not wrong:
        return
    (video, audio), word = next(iter(wrong.items()))
    said = f'category("{video}", "{audio}") is "{want[video, audio]}", yours gave {word!r}. '
    if all(got[v, a] == want[a, v] for v, a in want):
        fail(1, said + "Picture and sound are swapped: the picture's letter comes first, so RVFA is a real picture with forged sound")
    if got["real", "absent"] == "RVRA":
        fail(1, said + "A stream that is not there is not real: a silent film would be counted as one with real sound")
    if str(got["unknown", "real"])[:1] in ("R", "F") or str(got["real", "unknown"])[2:3] in ("R", "F"):
        fail(1, said + "You decide a label that nobody knows; unknown stays ?")
    fail(1, said + "Picture letter, V, sound letter, A, with R real, F fake, - absent, ? unknown")


# ------------------------------------------------------------------------------------------------ 00.2


def clips_of_pairs(n_groups=40, seed=SEED):
    """Made-up clips of many small circles of people: each circle is held together only by clips that name two of its people."""
    rng, rows, person = random.Random(seed), [], 0
    for circle in range(n_groups):
        people = list(range(person, person + rng.randint(2, 4)))
        person += len(people)
        links = list(zip(people, people[1:]))
        pairs = links + [(rng.choice(people), -1) for _ in range(rng.randint(2, 5))]
        rows += [(a, b, f"set{rng.randint(0, 7)}/{a}/{k}.mp4") for k, (a, b) in enumerate(pairs)]
    rng.shuffle(rows)
    return [SimpleNamespace(clip_id=f"c{i:03d}", identity=a, donor=b, identities=frozenset({a, b} - {-1}), path=path) for i, (a, b, path) in enumerate(rows)]


FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}


def both_sides(rows, names, of):
    """Keys of clips that stand in more than one split."""
    seen = {}
    for row, name in zip(rows, names):
        for key in of(row):
            seen.setdefault(key, set()).add(name)
    return sorted((key for key, splits in seen.items() if len(splits) > 1), key=str)


def check_split_by_identity(fn):
    """split_by_identity(rows, fractions, seed) -> one split name a row."""
    rows = clips_of_pairs()
    names = fn(rows, FRACTIONS, 0)
    if not isinstance(names, (list, tuple, np.ndarray)) or len(names) != len(rows):
        fail(2, f"return one name for each of the {len(rows)} rows, not {type(names).__name__} of {len(names) if hasattr(names, '__len__') else '?'}")
    names = [str(name) for name in names]
    if set(names) - set(FRACTIONS):
        fail(2, f"the names are those of fractions, {list(FRACTIONS)}; yours include {sorted(set(names) - set(FRACTIONS))[:3]}")
    if max(names.count(name) for name in FRACTIONS) == len(rows):
        fail(2, "all clips went to one split. Is donor -1 a person to you? It means nobody, and it ties everybody together; row.identities leaves it out")
    leaked = both_sides(rows, names, lambda row: row.identities)
    if leaked:
        _why_leaked(rows, names, leaked)
    for name, share in FRACTIONS.items():
        if abs(names.count(name) / len(rows) - share) > 0.1:
            fail(2, f"{name} holds {names.count(name) / len(rows):.0%} of the clips instead of {share:.0%}: fractions are of clips, and groups differ in size")
    if [str(x) for x in fn(rows, FRACTIONS, 0)] != names:
        fail(2, "the same seed must give the same split; draw from random.Random(seed)")
    if all([str(x) for x in fn(rows, FRACTIONS, s)] == names for s in (1, 2, 3)):
        fail(2, "another seed gives the same split: shuffle the groups with random.Random(seed)")


def _why_leaked(rows, names, leaked):
    said = f"{len(leaked)} people stand in two splits, person {leaked[0]} for one. "
    if not both_sides(rows, names, lambda row: [row.identity]):
        fail(2, said + "You group by the first person only: a face swap also names its donor, whose own clips are elsewhere")
    if not both_sides(rows, names, lambda row: [row.path.split("/")[0]]):
        fail(2, said + "You keep folders together; a folder is where a clip lies, not who is in it")
    groups = {frozenset(row.identities) for row in rows}
    if not both_sides(rows, names, lambda row: [frozenset(row.identities)]) and len(groups) > 1:
        fail(2, said + "You keep equal pairs together, but A-B and B-C must go together too: join groups that share anyone")
    fail(2, said + "You deal out clips one by one; deal out groups of clips that share people, directly or through others")


# ------------------------------------------------------------------------------------------------ 00.3

CASES = (  # (segments, frames, fps, forged frames), worked by hand: frame k starts at k / fps; the first case tells a closed end from a rounded one
    (((0.21, 0.39),), 16, 25, {6, 7, 8, 9}),
    (((0.2, 0.4),), 16, 25, {5, 6, 7, 8, 9}),
    (((0.0, 0.08), (0.28, 0.56)), 16, 25, {0, 1, *range(7, 14)}),
    (((0.6, 1.2),), 16, 25, {15}),
    ((), 4, 25, set()),
    (((0.5, 1.0),), 60, 30, set(range(15, 30))),
)


def check_frame_mask(fn):
    """frame_mask(segments_s, n_frames, fps=25) -> bool (n_frames,)."""
    for segments, n, fps, want in CASES:
        got = np.asarray(fn(list(segments), n) if fps == 25 else fn(list(segments), n, fps))
        if got.shape != (n,) or got.dtype != bool:
            fail(3, f"return {n} booleans, not {got.dtype} of shape {got.shape}")
        mine = set(np.flatnonzero(got).tolist())
        if mine != want:
            _mask_mistake(fn, segments, n, fps, want, mine)


def _mask_mistake(fn, segments, n, fps, want, mine):
    said = f"frame_mask({list(segments)}, {n}, fps={fps}) marks {sorted(want)}, yours {sorted(mine)}. "

    def starts(rate, inside):
        return {k for k in range(n) for a, b in segments if inside(k / rate, a, b)}

    if mine == starts(30 if fps == 25 else 25, lambda t, a, b: a - 1e-9 <= t < b - 1e-9):
        fail(3, said + ("These are the frames at 30 a second: use fps" if fps == 25 else "fps is an argument; you count 25 frames a second whatever it is"))
    if mine == starts(fps, lambda t, a, b: a - 1e-9 <= t <= b + 1e-9):
        fail(3, said + "Your interval is closed: the frame that starts at the end of a segment is real again")
    if mine == starts(fps, lambda t, a, b: a - 1e-9 <= t < b + 1 / fps - 1e-9):
        fail(3, said + "The end is rounded up by a frame: at the end of a segment the next frame is real")
    if len(mine ^ want) <= len(segments):
        fail(3, said + "One frame off at an edge. 0.28 * 25 is 7.000000000000001 in floating point: compare with a little slack, or round before cutting")
    fail(3, said + "Frame k is forged where its start k / fps lies in [start, end)")


# ------------------------------------------------------------------------------------------------ 00.4

Z = 1.959963984540054


def check_wilson(fn):
    """wilson(k, n) -> (lo, hi), the ends are the p at which k would just be 1.96 standard errors away."""
    rng = np.random.default_rng(SEED)
    cases = [(6, 8), (0, 8), (8, 8), (1, 1)] + [(int(rng.integers(n + 1)), int(n)) for n in rng.integers(2, 400, 20)]
    for k, n in cases:
        want = sorted(np.roots([n + Z * Z, -(2 * k + Z * Z), k * k / n]).real)  # (k/n - p)^2 = z^2 p (1 - p) / n
        got = np.asarray(fn(k, n), float).ravel()
        if got.shape != (2,):
            fail(4, f"return two numbers, lo and hi, not {got.tolist()}")
        if not np.allclose(got, want, atol=2e-3):
            _wilson_mistake(k, n, want, got)


def _wilson_mistake(k, n, want, got):
    p = k / n
    said = f"wilson({k}, {n}) is ({want[0]:.3f}, {want[1]:.3f}), yours ({got[0]:.3f}, {got[1]:.3f}). "
    half = Z * np.sqrt(p * (1 - p) / n)
    alike = lambda lo, hi: np.allclose(got, (lo, hi), atol=2e-3) or np.allclose(got, np.clip((lo, hi), 0, 1), atol=2e-3)  # noqa: E731
    if alike(p - half, p + half):
        fail(4, said + "This is the Wald interval, p +- 1.96 sqrt(p (1 - p) / n): it has no width at 0 of n and can leave 0..1")
    if alike(p - n**-0.5, p + n**-0.5):
        fail(4, said + "This is k/n +- 1/sqrt(n), the rule of thumb of polls: right only in the middle and for many trials")
    if np.allclose(got, want[::-1], atol=2e-3):
        fail(4, said + "The lower end comes first")
    fail(4, said + "Solve (k/n - p)^2 = 1.96^2 p (1 - p) / n for p: centre and half-width both have 1 + z^2/n below")


CHECKS = {"1": check_category, "2": check_split_by_identity, "3": check_frame_mask, "4": check_wilson}
