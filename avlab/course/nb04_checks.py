"""Checks of the exercises of notebook 04: plain loops as second routes, and the usual mistakes recognised by their results."""

import math
import signal
import threading
from contextlib import contextmanager

import numpy as np

from avlab.course.base import CheckFailed, same

SEED = 20261125


def fail(number, said):
    raise CheckFailed(f"04.{number}: {said}")


# ------------------------------------------------------------------------------------------------ 04.1


def curve_by_hand(opening, energy, max_lag, *, whole_mean=False, wrap=False):
    """Pair by pair: at lag L every (opening[t + L], energy[t]) that exists."""
    out, n = [], len(opening)
    for lag in range(-max_lag, max_lag + 1):
        pairs = [(opening[(t + lag) % n], energy[t]) for t in range(n) if wrap or 0 <= t + lag < n]
        a, b = zip(*pairs)
        ma, mb = (sum(opening) / n, sum(energy) / n) if whole_mean else (sum(a) / len(a), sum(b) / len(b))
        top = sum((x - ma) * (y - mb) for x, y in pairs)
        out.append(top / math.sqrt(sum((x - ma)**2 for x in a) * sum((y - mb)**2 for y in b)))
    return np.array(out)


def check_lag_curve(fn):
    """lag_curve(opening, energy, max_lag) -> (2 max_lag + 1,), correlation at each lag; positive = the picture is late."""
    rng = np.random.default_rng(SEED)
    energy = np.cumsum(rng.standard_normal(30)) + np.linspace(0, 6, 30)  # it drifts, so ends and means matter
    opening = np.concatenate([rng.standard_normal(3), energy[:-3]])
    want, got = curve_by_hand(opening, energy, 5), fn(opening.copy(), energy.copy(), 5)
    if np.shape(got) != (11,):
        fail(1, f"return 2 max_lag + 1 = 11 numbers, from lag -5 to lag 5; got the shape {np.shape(got)}")
    if same(got, want[::-1]):
        fail(1, "the sign is turned round: this opening copies the sound three frames later, so the picture is late and the peak belongs to lag +3")
    if same(got, curve_by_hand(opening, energy, 5, wrap=True)):
        fail(1, "the shift is circular (np.roll): the end of the clip was compared with its beginning; use only the frames that both have")
    if same(got, curve_by_hand(opening, energy, 5, whole_mean=True)):
        fail(1, "the mean of the whole clip was removed, not that of the frames that overlap at this lag")
    if not same(got, want):
        fail(1, "a copy delayed by three frames must give exactly 1 at lag +3, and every other lag the correlation of the frames that overlap")
    if not same(fn(energy.copy(), energy.copy(), 2)[2], 1.0):
        fail(1, "a signal with itself gives 1 at lag 0")


# ------------------------------------------------------------------------------------------------ 04.2


@contextmanager
def at_most(seconds, number):
    """Stop a loop that never ends, where the system can (main thread, alarm signal)."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def rung(*_):
        fail(number, "no answer after three seconds: where one person owns more than half of the clips no derangement exists, "
                     "and drawing again and again never ends; say so with an error")

    before = signal.signal(signal.SIGALRM, rung)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def check_derange(fn):
    """derange(identities, rng) -> permutation (N,) in which no clip gets a sound of its own person; ValueError where there is none."""
    people = np.array([3, 3, 3, 7, 7, 5, 5, 5, 9, 9, 1, 1])
    orders = []
    for k in range(12):
        with at_most(3, 2):
            order = np.asarray(fn(people.copy(), np.random.default_rng(SEED + k)))
        if order.shape != people.shape or sorted(order.tolist()) != list(range(len(people))):
            fail(2, "return a permutation: every clip's number exactly once, whose sound clip i gets in place i")
        orders.append(tuple(order))
    if any((np.array(order) == np.arange(len(people))).any() for order in orders):
        fail(2, "a clip kept its own sound: a plain permutation has fixed points (one on average, however many clips there are)")
    if any((people[list(order)] == people).any() for order in orders):
        fail(2, "a clip got another clip of the same person: that pair shares a voice and a face, so it is no baseline of strangers")
    if len(set(orders)) == 1:
        fail(2, "the same pairing came out for every generator: draw it with rng")
    half = np.array([1, 1, 1, 2, 2, 2])
    with at_most(3, 2):
        order = np.asarray(fn(half.copy(), np.random.default_rng(SEED)))
    if (half[order] == half).any():
        fail(2, "with two people who own half each a pairing exists: everybody gets the other's sound")
    with at_most(3, 2):
        try:
            fn(np.array([1, 1, 1, 2]), np.random.default_rng(SEED))
        except (CheckFailed, NotImplementedError):
            raise
        except Exception:  # noqa: BLE001, any refusal is a refusal
            return
    fail(2, "one person owns three of four clips: no such permutation exists, and an answer was given; refuse it with a ValueError")


# ------------------------------------------------------------------------------------------------ 04.3


def cmffc_by_hand(video, audio, generator, *, reals=False, pooled=False, normalise=True):
    """Pair by pair, generator by generator."""
    def unit(x):
        return [v / math.sqrt(sum(c * c for c in v)) if normalise else v for v in x]

    groups, video, audio = [], unit(video), unit(audio)
    for g in sorted(set(generator)):
        members = [i for i, name in enumerate(generator) if name == g]
        if g >= 1 or reals:
            groups.append([1 - sum(a * b for a, b in zip(video[i], audio[j])) for i in members for j in members])
    if not groups:
        return 0.0
    return float(np.mean([d for group in groups for d in group]) if pooled else np.mean([np.mean(group) for group in groups]))


def check_cmffc(fn):
    """cmffc(p_video, p_audio, generator) -> loss; torch tensors (B, D), (B, D), (B,) with 0 = real."""
    import torch

    rng = np.random.default_rng(SEED)
    video, audio, generator = rng.standard_normal((7, 5)), rng.standard_normal((7, 5)), np.array([0, 1, 1, 1, 2, 0, 0])
    ask = lambda v, a, g: float(fn(torch.tensor(v), torch.tensor(a), torch.tensor(g)))  # noqa: E731
    got, want = ask(video, audio, generator), cmffc_by_hand(video, audio, generator)
    mistakes = (({"reals": True}, "reals (generator 0) took part: the loss speaks of fakes only"),
                ({"pooled": True}, "all pairs were averaged together, so a generator with three clips counts nine times as much as one with a single clip: "
                                   "average per generator first"),
                ({"normalise": False}, "the projections were not brought to unit length, so the inner product is no cosine"))
    for change, said in mistakes:
        if not same(got, want) and same(got, cmffc_by_hand(video, audio, generator, **change)):
            fail(3, said)
    if not same(got, want):
        fail(3, f"expected {want:.4f} on a drawn batch, got {got:.4f}: the mean over generators of the mean over all pairs (i, j), "
                "i = j included, of 1 - cosine")
    one = np.tile(video[:1], (4, 1))
    if not same(ask(one, one, np.array([1, 1, 2, 2])), 0.0):
        fail(3, "identical vectors agree: the loss is 0")
    for name, labels in (("a batch of reals", np.zeros(4, int)), ("a batch with one fake", np.array([0, 0, 0, 3]))):
        value = ask(video[:4], audio[:4], labels)
        if not math.isfinite(value) or (not labels.any() and value != 0):
            fail(3, f"{name} gives {value}: a mean over nothing is not a number; return 0 where no generator is there")


# ------------------------------------------------------------------------------------------------ 04.4


def info_nce_by_hand(a, b, temperature, *, both=True, multiplied=False, axis="row"):
    """Logarithms of shares, row by row."""
    norm = lambda x: x / np.sqrt((x**2).sum(1, keepdims=True))  # noqa: E731
    s = norm(a) @ norm(b).T * (temperature if multiplied else 1 / temperature)
    one = lambda m: float(np.mean([math.log(sum(math.exp(v) for v in row)) - row[i] for i, row in enumerate(m)]))  # noqa: E731
    return (one(s) + one(s.T)) / 2 if both else one(s)


def check_info_nce(fn):
    """info_nce(a, b, temperature) -> loss; torch tensors (B, D), row i of both from one clip."""
    import torch

    rng = np.random.default_rng(SEED)
    a = rng.standard_normal((6, 4))
    b = a + 0.8 * rng.standard_normal((6, 4))
    ask = lambda x, y, t: float(fn(torch.tensor(x), torch.tensor(y), t))  # noqa: E731
    got, want = ask(a, b, 0.2), info_nce_by_hand(a, b, 0.2)
    if not same(got, want):
        _diagnose_info_nce(got, a, b)
    if not same(ask(np.ones((5, 3)), np.ones((5, 3)), 0.07), math.log(5)):
        fail(4, "where nothing is told apart every one of five sounds is as likely as the others: the loss is ln 5")
    if not same(ask(a, b, 0.2), ask(b, a, 0.2)):
        fail(4, "exchanging picture and sound must not change the loss")


def _diagnose_info_nce(got, a, b):
    if same(got, info_nce_by_hand(a, b, 0.2, both=False)) or same(got, info_nce_by_hand(b, a, 0.2, both=False)):
        fail(4, "one direction only: pictures look for their sound, and sounds must look for their picture too; average the two")
    if same(got, info_nce_by_hand(a, b, 0.2, multiplied=True)):
        fail(4, "the cosines were multiplied with the temperature; they are divided by it, so that a small one sharpens")
    logs = [x - np.log(np.exp(x).sum(1, keepdims=True)) for x in (a, b)]
    if any(same(got, -float((logs[i] * other).sum(1).mean())) or same(got, -float(np.diag(logs[i] @ other.T).mean())) for i, other in ((0, b), (1, a))):
        fail(4, "the softmax ran over the features of one vector; it runs over the clips of the batch: which sound belongs to this picture?")
    fail(4, f"expected {info_nce_by_hand(a, b, 0.2):.4f} on a drawn batch, got {got:.4f}: "
            "cross-entropy of cosine / temperature with the partner as the right answer")


CHECKS = {"1": check_lag_curve, "2": check_derange, "3": check_cmffc, "4": check_info_nce}
