"""The benchmark's arithmetic, on almost no work: what it says of a solver is what a second route says."""

import time

import numpy as np
import pytest
import torch

from avlab.probe import DiffusionProbe, Schedule, bench, ddim_invert, ddim_sample


@pytest.fixture(scope="module")
def probe():
    return DiffusionProbe.bundled()


def test_quality_of_a_solver_is_the_mean_residual_of_the_round_trip(probe, monkeypatch):
    one = {"two steps": (Schedule.ddim(steps=2), ddim_invert, ddim_sample, 4)}
    monkeypatch.setattr(bench, "solvers", lambda: one)
    monkeypatch.setattr(bench, "VIDEO_FORGERS", ("faceswap", "dub"))
    found = bench.quality(probe, 1, lambda text: None)["two steps"]
    assert found["clips"] == 5 and found["calls"] == 4 and found["auroc_low"] <= found["auroc"] <= found["auroc_high"]
    two = DiffusionProbe.bundled(steps=2)
    residuals = []
    for forger, n in (("real", 3), ("faceswap", 1), ("dub", 1)):
        frames, audio = bench.sample_clips(n, forger=forger)
        residuals += (255 * two.measure(frames, audio)["composite"][:, 9:].mean((1, 2, 3, 4))).tolist()
    assert found["residual"] == pytest.approx(np.mean(residuals), rel=1e-4)


def test_the_bare_calls_are_counted(probe, monkeypatch):
    calls = []
    true = probe.unet.forward
    monkeypatch.setattr(probe.unet, "forward", lambda *a, **k: calls.append(1) or true(*a, **k))
    frames, audio = bench.sample_clips(1)
    bench.run_variant("bare psi", probe, frames, audio)
    bench.run_variant("psi", probe, frames, audio)
    assert len(calls) == 2


def test_plain_and_ours_measure_the_same_thing(probe):
    """diffusers' own schedulers and materialised maps against DiffusionProbe, the same eight calls."""
    small = DiffusionProbe.bundled(steps=4)
    frames, audio = bench.sample_clips(1)
    before = small.unet.attn_processors
    small.unet.set_attn_processor(bench.plain.KeepEveryMap())
    plain = bench.plain.round_trip(small.vae, small.unet, frames, small.tokens(audio), steps=4)
    small.unet.set_attn_processor(before)
    torch.testing.assert_close(plain, small.measure(frames, audio)["composite"][0], atol=2e-3, rtol=0)


def test_the_tables_name_the_device_and_every_variant():
    figures = {"device": "toy", "torch": "0", "clips_per_minute": {"psi": 60.0}, "peak_mb": {"psi": {"one clip": 10.0}, "phi": {"one clip": 20.0}},
               "ratios": {"a over b": 1.25}, "quality": {}}
    text = bench.markdown(figures)
    assert "## toy" in text and "| psi | 60.0 | 10 |" in text and "| phi | not timed | 20 |" in text and "| a over b | 1.25 |" in text


def test_the_highest_memory_is_that_between_start_and_end():
    planted = [10, 12, 50, 30, 11]
    with bench.Highest(lambda: 2**20 * (planted.pop(0) if len(planted) > 1 else planted[0])) as resident:
        while len(planted) > 1:
            time.sleep(0.001)
    assert resident.megabytes == 40


def test_a_block_of_memory_is_seen():
    before = bench._own_bytes()
    block = np.ones(256 * 2**20 // 8)
    assert bench._own_bytes() - before > 128 * 2**20 and block[-1] == 1


def test_clips_are_taken_from_as_many_people_as_there_are():
    rows = bench.sample_rows(30, forger="real")
    people = [row.identity for row in rows]
    assert len(set(people[:24])) == 24 == len(set(people)) and all(row.split == "test" and round(row.duration_s * 25) == 16 for row in rows)
