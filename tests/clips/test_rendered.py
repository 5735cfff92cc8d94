"""What AVLAB_RENDERED keeps is what was rendered, byte for byte, and nothing is kept unasked."""

from dataclasses import fields
from importlib import import_module

import numpy as np
import pytest

from avlab.clips import load_clip, rendered
from avlab.clips.datasets import synthtalk

maker = import_module("avlab.synthtalk.render")  # the package has a function of that name

ROWS = [row for row in synthtalk.rows() if row.split == "train" and row.duration_s == 0.64]


def same(a, b):
    arrays = [(getattr(a, name), getattr(b, name)) for name in ("frames", "audio", "frame_times", "mask")]
    arrays += [(getattr(a.truth, name), getattr(b.truth, name)) for name in rendered.TRUTH]
    return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in arrays) and a.truth.phonemes == b.truth.phonemes and (a.row, a.clip_id) == (b.row, b.clip_id)


@pytest.mark.parametrize("forger", ["real", "dub", "reenact", "rtvc"])
def test_a_kept_clip_is_the_rendered_one(forger, tmp_path, monkeypatch):
    row = next(row for row in ROWS if row.forger == forger)
    plain = load_clip(row)
    monkeypatch.setenv(rendered.FOLDER, str(tmp_path))
    first = load_clip(row)
    monkeypatch.setattr(maker, "render", lambda spec: pytest.fail("rendered again"))
    assert same(plain, first) and same(plain, load_clip(row))


def test_all_of_the_truth_is_kept():
    assert {field.name for field in fields(maker.Truth)} == {*rendered.TRUTH, "phonemes"}


def test_another_world_does_not_read_these_files(tmp_path, monkeypatch):
    monkeypatch.setenv(rendered.FOLDER, str(tmp_path))
    row, calls, real = ROWS[0], [], maker.render
    monkeypatch.setattr(maker, "render", lambda spec: calls.append(spec) or real(spec))
    load_clip(row)
    monkeypatch.setattr(rendered, "_world", lambda: "other weights")
    load_clip(row)
    assert len(calls) == 2


def test_nothing_is_kept_unasked(tmp_path, monkeypatch):
    monkeypatch.delenv(rendered.FOLDER, raising=False)
    monkeypatch.chdir(tmp_path)
    load_clip(ROWS[0])
    assert not list(tmp_path.iterdir())
