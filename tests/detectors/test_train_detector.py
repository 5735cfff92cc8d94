"""`avlab train DETECTOR`: from a manifest to weights that load and score; a second call computes nothing; refusals in one sentence."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avlab import cli
from avlab.clips import Store, load_clip, manifest
from avlab.detectors import training
from avlab.detectors.batches import ClipDataset, stored
from avlab.errors import AvlabError
from avlab.probe import bundled, extract
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.workbook import train_detector


@pytest.fixture
def avlab(monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["avlab", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=said.out, err=said.err)
    return call


@pytest.fixture
def quick_probe(tmp_path, monkeypatch):
    """Random weights and 2 steps: how the pieces are joined does not depend on how well the probe listens."""
    torch.manual_seed(0)
    bundled.save(*bundled.build(), tmp_path / "probe.safetensors")
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path)
    like = DiffusionProbe.bundled(steps=2)
    monkeypatch.setattr(DiffusionProbe, "bundled", classmethod(lambda cls, device="cpu": like))
    return like


def test_the_command_trains_goes_on_and_its_weights_load(avlab, tmp_path):
    words = ("train", "mmmsba", "--out", tmp_path, "--clips", 8, "--forgers", "dub,rtvc", "--seed", 3, "--device", "cpu", "-p", "width=8")
    first = avlab(*words, "--epochs", 1, "--patience", 0)
    assert first.code == 0, first.err
    assert "8 clips to train on, 4 to validate; forgers: dub, rtvc" in first.out and "epoch 0: loss" in first.out
    model = training.load(tmp_path / "mmmsba.safetensors")
    assert model.built_as["config"] == {"width": 8} and model.about["forgers"] == ["dub", "rtvc"] and model.about["seed"] == 3
    history = json.loads((tmp_path / "history.json").read_text())
    assert len(history) == 1 and np.isfinite(history[0]["val_total"])
    rows = manifest.load("synthtalk").select(split="test", duration_s=0.64)[:2]
    read = stored(rows, sys.modules["avlab.detectors.mmmsba"].inputs, tmp_path / "test", {})
    assert np.isfinite(training.predict(model, ClipDataset(rows, read, forgers=["dub"]))["logit"]).all()
    again = avlab(*words, "--epochs", 1, "--patience", 0)
    assert again.code == 0 and "\nepoch 0" not in again.out and "best epoch 0" in again.out


@pytest.mark.parametrize("use_phi", [True, False])
def test_xavdt_is_trained_from_the_probe_and_shares_its_store(quick_probe, tmp_path, use_phi):
    said = []
    options = {} if use_phi else {"use_phi": False}
    path = train_detector.train("xavdt", tmp_path, forgers=["dub"], clips=2, epochs=1, device="cpu", options=options, say=said.append)
    model = training.load(path)
    assert model.use_phi is use_phi and any("epoch 0" in line for line in said)
    row = train_detector._chosen(train_detector._rows("synthtalk", None, 0.64, said.append), "val", ["dub"], 1, 0)[1]
    settings = extract.settings(quick_probe, phi=use_phi)
    kept = Store(tmp_path / "inputs", settings).get(row)  # where `avlab extract --out` would have put it
    read = Store(tmp_path / "inputs", {"synthtalk": settings["synthtalk"], "detector": "xavdt", "pixels": 64, **settings}).get(row)
    probed = quick_probe(load_clip(row), phi=use_phi)
    assert np.allclose(read["av_attention"], probed.av_attention.numpy(), atol=2e-3)
    assert set(kept) == {"psi", "z0", *(("z_T", "z0_hat") if use_phi else ())}
    if use_phi:
        assert np.allclose(read["composite"], probed.composite.numpy(), atol=5e-3)
    else:
        assert read["composite"].shape == (12, 16, 1, 1)


def test_refusals_are_one_sentence(avlab, tmp_path):
    def refused(*words):
        done = avlab("train", *words, "--out", tmp_path)
        assert done.code == 2 and done.err.count("\n") == 1 and not list(tmp_path.glob("*.safetensors"))
        return done.err

    assert "name=value" in refused("msct", "-p", "width")
    assert "widht" in refused("msct", "-p", "widht=3", "--clips", 2)
    assert "small" in refused("msct", "--size", "large", "--clips", 2)
    assert "other networks" in refused("mmmsba", "--size", "paper")
    assert "chunks of 16 frames" in refused("xavdt", "--seconds", 1.28)
    assert "splits train and val" in refused("amdd", "--seconds", 3)
    assert "none of deepfacelab" in refused("amdd", "--forgers", "dub,deepfacelab")


def test_rows_are_kept_where_the_cut_clip_is_still_what_it_is_called(tmp_path):
    fake = manifest.Row("late", "files", "FVRA", "fake", "real", "swap", "", "A", split="train", duration_s=4.0, segments_video=((2.0, 3.0),), path="a.mp4")
    early = manifest.Row("early", "files", "FVRA", "fake", "real", "swap", "", "B", split="val", duration_s=4.0, segments_video=((0.5, 3.0),), path="b.mp4")
    real = manifest.Row("real", "files", identity="C", split="train", duration_s=4.0, path="c.mp4")
    short = manifest.Row("short", "files", identity="D", split="train", duration_s=0.5, path="d.mp4")
    half = manifest.Row("half", "files", "FVFA", "fake", "fake", "swap", "clone", "E", split="val", duration_s=4.0, segments_video=((0.0, 0.3),),
                        segments_audio=((2.0, 3.0),), path="e.mp4")  # its sound is still called fake where the cut clip's is real
    manifest.save([fake, early, real, short, half], tmp_path / "rows.csv")
    kept = train_detector._rows(tmp_path / "rows.csv", None, 0.64, print)
    assert [row.clip_id for row in kept] == ["early", "real"]
    with pytest.raises(AvlabError, match="splits"):
        train_detector._rows(tmp_path / "rows.csv", None, 8.0, print)


@pytest.mark.parametrize("size, shorter", [("small", 64), ("paper", None)])
def test_the_papers_size_sees_films_as_large_as_they_are(tmp_path, monkeypatch, size, shorter):
    asked = []

    def film(row, max_seconds, size):
        asked.append((max_seconds, size))
        return row

    monkeypatch.setattr(train_detector, "load_clip", film)
    module = SimpleNamespace(inputs=lambda clip, size: {"x": np.ones(2)})
    rows = [manifest.Row("film", "files", identity="A", path="a.mp4"), manifest.Row("drawn", identity=3)]
    train_detector._arrays("amdd", module, size, rows, tmp_path, 0.64, None, "cpu", [], print)
    assert asked == [(0.64, shorter), (0.64, None)]
