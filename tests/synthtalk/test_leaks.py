"""The world gate: no forger of the manifest may be told from real by ten trifles. Tune the forger, never this test."""

from collections import Counter

import numpy as np
import pytest

from avlab.clips import load_clip, manifest
from avlab.explain import shortcuts

PEOPLE = 48  # one clip of each forger and its source
LIMIT = 0.60
ROWS = manifest.load("synthtalk")
FORGERS = sorted({row.forger for row in ROWS.select(duration_s=0.64)} - {"real"})


@pytest.fixture(scope="module")
def data():
    return shortcuts.measure(shortcuts.draw(ROWS.select(duration_s=0.64), PEOPLE), load_clip)


@pytest.fixture(scope="module")
def table(data):
    return shortcuts.audit(data, n=300)


@pytest.mark.parametrize("forger", FORGERS)
def test_ten_trifles_do_not_tell_a_forger_from_real(table, forger):
    found = table[forger]
    print(f"{forger}: {found.value:.3f} [{found.lo:.3f}, {found.hi:.3f}]")
    assert found.value < LIMIT


def test_the_test_could_see_a_leak(data, table):
    """The intervals are narrow enough to mean something, and one planted trifle is found: grain, or 60 ms of silence, in one forger."""
    assert max((found.hi - found.lo) / 2 for found in table.values()) < 0.09
    for name, amount in (("noise", data.values[:, shortcuts.TRIFLES.index("noise")].std()), ("leading_silence_ms", 60)):
        values = data.values.copy()
        values[data.forger == "dub", shortcuts.TRIFLES.index(name)] += amount  # a planted truth
        assert shortcuts.audit(data.with_values(values), forgers=["dub"], n=2)["dub"].value > 0.65


def test_durations_do_not_tell(table):
    """Real and forged whole clips last equally long in equal shares, by the manifest itself."""
    shares = {}
    for forger in ("real", *FORGERS):
        counts = Counter(row.duration_s for row in ROWS if row.forger == forger and row.duration_s < 6)
        shares[forger] = {seconds: count / sum(counts.values()) for seconds, count in counts.items()}
    assert len(shares["real"]) == 2
    for forger in FORGERS:
        assert shares[forger] == pytest.approx(shares["real"])


def test_every_whole_fake_has_its_source_among_the_reals():
    """Speech, motion and camera of a fake are those of a real clip of the same person: nothing about them can tell."""
    reals = {(r.identity, r.duration_s, r.speech_seed, r.motion_seed, r.camera_seed) for r in ROWS if r.forger == "real"}
    assert all((r.identity, r.duration_s, r.speech_seed, r.motion_seed, r.camera_seed) in reals for r in ROWS)
    assert np.mean([r.forger == "real" for r in ROWS]) > 0.25
