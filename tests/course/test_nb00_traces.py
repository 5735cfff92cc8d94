"""The traces of notebook 00 on planted forgeries: each curve shows what was planted, and nothing where nothing was."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from avlab.clips import load_clip, manifest
from avlab.course import nb00_traces as traces
from avlab.course import nb00_words as words
from avlab.synthtalk import aligned, face

ROWS = [row for row in manifest.load("synthtalk").select(split="test", forger="real", duration_s=0.64)[::97]][:2]
CLIPS = [load_clip(row) for row in ROWS]
FILMS = [clip.frames for clip in CLIPS]


def test_detail_that_is_painted_on_the_head_stands_and_fresh_detail_does_not():
    rng = np.random.default_rng(0)
    made = {"stands": [], "fresh": []}
    for row, film in zip(ROWS, FILMS):
        move = face.motion(row.motion_seed, len(film), 25)
        one = np.repeat(rng.normal(0, 12, (1, aligned.INNER.height, aligned.INNER.width, 1)), 3, -1)
        for name, detail in (("stands", np.repeat(one, len(film), 0)), ("fresh", rng.normal(0, 12, (len(film), *one.shape[1:])))):
            made[name].append(film + aligned.paste(detail.astype(np.float32), move, aligned.INNER))
    found = traces.standing(made | {"nothing": FILMS}, FILMS, ROWS)
    assert set(found) == {"stands", "fresh"}
    assert found["stands"][1].min() > 0.7 and np.abs(found["fresh"][1][1:]).max() < 0.1
    np.testing.assert_allclose(found["stands"][0], 40 * np.arange(7))


def test_a_planted_lattice_is_seen_at_half_a_cycle_a_pixel_and_nowhere_else():
    stripes = 4 * (-1.0) ** np.arange(64)[None, None, :, None]
    cycles, db = traces.lattice({"striped": [film + stripes for film in FILMS]}, FILMS)["striped"]
    assert cycles[-1] == 0.5 and db[-1] > 6 and np.abs(db[cycles < 0.4]).max() < 0.5


@pytest.mark.parametrize("late", [-2, 0, 2])
def test_a_late_picture_peaks_at_its_lag(late):
    clips = [SimpleNamespace(frames=np.roll(clip.frames, late, 0), truth=clip.truth) for clip in CLIPS]
    ms, curve = traces.lag_curves({"x": clips})["x"]
    assert ms[np.argmax(curve)] == 40 * late


def test_a_colour_that_is_off_inside_the_mask_is_a_step():
    mask = np.zeros((16, 64, 64), bool)
    mask[:, 10:30, 20:44] = True
    clips = [replace(clip, frames=np.where(mask[..., None], clip.frames.astype(int) + 7, clip.frames), truth=replace(clip.truth, forged=mask)) for clip in CLIPS]
    depth, off = traces.colour_step({"x": clips}, CLIPS)["x"]
    np.testing.assert_allclose(off[(depth > 0) & np.isfinite(off)], 7)
    np.testing.assert_allclose(off[(depth < 0) & np.isfinite(off)], 0)


def test_words_name_who_rides_along():
    assert "the mistakes of ldm and flow ride" in words.traces(1.0, 40, 3.0, {"ldm": 0.5, "flow": 0.4, "dub": 0.0})["alt"]
    assert "nobody's mistakes" in words.traces(1.0, 40, 3.0, {"dub": 0.0})["alt"]
