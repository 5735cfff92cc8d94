"""The bundled trainings of notebook 05: which clips they learn from, and that files and card agree."""

import hashlib

import numpy as np
import pytest

from avlab.clips import manifest
from avlab.course import nb05_clips as clips
from avlab.course import nb05_runs as runs
from avlab.course import nb05_weights as weights


def test_lessons_are_forgeries_beside_their_sources_of_the_asked_people_alone():
    rows, (seen, _) = manifest.load("synthtalk"), clips.protocol()
    drawn = weights.lesson_rows(rows, "train", seen, 2)
    fakes, reals = [r for r in drawn if r.label], {r.source for r in drawn if not r.label}
    assert len(drawn) == len({r.clip_id for r in drawn}) and {r.split for r in drawn} == {"train"} and {r.forger for r in fakes} == set(seen)
    assert len(fakes) == 2 * len(seen) * len({r.identity for r in fakes}) and all(r.source in reals for r in fakes)
    first = weights.lesson_rows(rows, "train", seen, 1)
    assert drawn[:len(first)] == first  # more clips are added behind, so a store that is half full is of use


def test_a_training_is_kept_as_it_was_measured(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for split in ("train", "val"):
        part = [r for r in manifest.load("synthtalk") if r.split == split and r.duration_s == 0.64 and r.forger in ("real", "ldm")]
        rows += [r for r in part if r.label][:6] + [r for r in part if not r.label][:6]
    sample = clips.without_pictures(rows)
    own = {"composite": rng.random((24, 12, 16, 32, 32)).astype(np.float16), "spectra": rng.standard_normal((24, 320, 8, 8)).astype(np.float16),
           "av_attention": rng.standard_normal((24, 32, 16, 16, 16)).astype(np.float16)}
    said = weights.train("full", 1, sample, {"own": own}, ("ldm",), tmp_path, epochs=1, say=lambda text: None)
    path = tmp_path / "xavdt_full_1.safetensors"
    assert said[path.name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and path.stat().st_size < 2e6
    from avlab.course import nb05_experiments as experiments
    from avlab.detectors.training import load
    from avlab.metrics import auroc
    model, val = experiments.with_spectra(load(path)), sample.on("val")
    score = experiments.logits(model, val, {name: value[12:] for name, value in own.items()})
    assert auroc(score, val.label) == pytest.approx(said[path.name]["val_auroc"]) and model.about["variant"] == "full"


def test_every_bundled_file_is_the_one_its_card_describes():
    card = runs.card()
    there = {path.name for path in runs.WEIGHTS.glob("xavdt_*.safetensors")}
    assert there == set(card.get("files", {}))
    for name, said in card.get("files", {}).items():
        path = runs.WEIGHTS / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == said["sha256"] and path.stat().st_size < 2e6
        assert runs.bundled(*name.removeprefix("xavdt_").removesuffix(".safetensors").rsplit("_", 1)) is not None
