"""Extraction: what the store holds is what the probe says of the clip, and a second run computes nothing."""

import numpy as np
import pytest
import torch

from avlab.clips import Store, load_clip, manifest
from avlab.errors import AvlabError
from avlab.probe import bundled, extract
from avlab.probe.diffusion_probe import DiffusionProbe


@pytest.fixture
def random_weights(tmp_path, monkeypatch):
    """Let the bundled probe be one of random weights: what extraction does does not depend on how well the probe listens."""
    torch.manual_seed(0)
    bundled.save(*bundled.build(), tmp_path / "probe.safetensors")
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path)


def test_the_store_holds_psi_and_a_second_run_keeps_it(random_weights, tmp_path):
    rows = [row for row in manifest.load("synthtalk") if row.duration_s == 0.64][:2]
    manifest.save(rows, tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", "a") as file:
        file.write("broken,row\n")
    said = []
    done = extract.extract(tmp_path / "rows.csv", tmp_path / "store", say=said.append)
    assert len(done.done) == 2 and not done.failed and any("line 4" in line for line in said)
    probe = DiffusionProbe.bundled()
    kept = Store(tmp_path / "store", extract.settings(probe, phi=False)).get(rows[1])
    assert np.array_equal(kept["psi"], probe.psi(load_clip(rows[1])).av_attention.half().numpy()) and set(kept) == {"psi", "z0"}
    again = extract.extract(tmp_path / "rows.csv", tmp_path / "store", say=lambda _: None)
    assert not again.done and len(again.kept) == 2


def test_other_weights_are_other_settings(random_weights):
    probe = DiffusionProbe.bundled()
    other = DiffusionProbe.random(like=probe, seed=1)
    assert extract.settings(probe, phi=False) != extract.settings(other, phi=False) != extract.settings(other, phi=True)


def test_a_device_that_is_not_there_and_an_empty_selection_are_refused(tmp_path):
    with pytest.raises(AvlabError, match="device"):
        extract.extract("synthtalk", tmp_path / "store", device="abacus")
    with pytest.raises(AvlabError, match="none in split 'tset'"):
        extract.extract("synthtalk", tmp_path / "store", split="tset")
    assert not (tmp_path / "store").exists()
