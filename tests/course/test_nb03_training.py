"""The networks of notebook 03: how they are trained, that labels matter, and that the bundled ones are those of their card."""

import hashlib
import json

import numpy as np
import pytest

from avlab import metrics
from avlab.clips import manifest
from avlab.course import nb03_training as training
from avlab.detectors.batches import ClipDataset
from avlab.detectors.training import fit, predict
from avlab.errors import AvlabError


@pytest.fixture(scope="module")
def rows():
    """A few people of each side, reals and two known forgers, as a manifest of their own."""
    everything = manifest.load("synthtalk")
    people = {"train": range(0, 12), "val": range(60, 64), "test": range(78, 84)}
    return [row for row in everything if row.identity in people[row.split] and row.duration_s == 0.64 and row.forger in ("real", "faceswap", "rtvc", "dub")]


def arrays(row):
    """Noise with a planted trace: faceswap leaves stripes in the pictures, rtvc a bright column in the sound; nothing else is in it."""
    rng = np.random.default_rng([row.identity, int(hashlib.sha256(row.clip_id.encode()).hexdigest()[:6], 16)])
    frames, mel = rng.uniform(90, 160, (4, 3, 40, 40)), rng.uniform(0, 1, (64, 64))
    if row.forger == "faceswap":
        frames += np.tile([14.0, -14.0], 20)
    if row.forger == "rtvc":
        mel[20:28] += 0.5
    return {"frames": frames.astype(np.float16), "log_mel": mel.astype(np.float16)}


def test_a_variant_is_trained_on_train_and_chosen_on_val_and_says_so(rows):
    seen = []

    def noted(row):
        seen.append(row)
        return arrays(row)
    model = training.train(rows, noted, "without", 1, epochs=1)
    assert {row.split for row in seen} == {"train", "val"} and {row.forger for row in seen} == {"real", "faceswap", "rtvc"}
    assert model.about["forgers"] == ["faceswap", "rtvc"] and model.about["variant"] == "without" and model.about["recipe"]["epochs"] == 1
    assert "attribution" not in model.weights and not model.training
    with pytest.raises(KeyError):
        training.train(rows, arrays, "nothing", 0)


def trained_auroc(rows, shuffled):
    """Train AMDD on the planted trace with true or shuffled labels; AUROC of new people's true labels."""
    import torch

    from avlab import detectors
    from avlab.detectors import amdd

    forgers = ("faceswap", "rtvc")
    part = {split: [row for row in rows if row.split == split and row.forger in ("real", *forgers)] for split in ("train", "test")}
    order = np.random.default_rng(0).permutation(len(part["train"])) if shuffled else np.arange(len(part["train"]))
    train = ClipDataset(part["train"], arrays, forgers=forgers, labels=[part["train"][i] for i in order], keep=True)
    torch.manual_seed(0)
    model = detectors.build("amdd", "small", generators=2)
    fit(model, amdd.total_loss, train, epochs=4, lr=2e-3, seed=0, balance="generator", warmup=5)
    said = predict(model, ClipDataset(part["test"], arrays, forgers=forgers))
    return metrics.auroc(said["logit"], said["label"])


def test_true_labels_are_learned_and_shuffled_ones_leave_chance(rows):
    assert trained_auroc(rows, shuffled=False) > 0.95
    assert 0.25 < trained_auroc(rows, shuffled=True) < 0.75


def test_live_networks_come_from_clips_and_a_store_that_a_second_run_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "RECIPE", training.RECIPE | {"epochs": 1, "batch_size": 4})
    some = [row for row in manifest.load("synthtalk") if row.duration_s == 0.64 and row.forger in ("real", "rtvc") and row.clip_id[-1] in "01"]
    few = [row for row in some if row.identity in (0, 1, 60) and "10" not in row.clip_id[-2:] and "11" not in row.clip_id[-2:]]
    made = training.networks(few, 1, live=True, device="cpu", store=str(tmp_path))
    assert list(made) == ["with", "without"] and all(len(some) == 1 for some in made.values())
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    before = [path.stat().st_mtime_ns for path in files]
    read = training.inputs_of(few, tmp_path, say=lambda text: None)(few[0])
    assert [path.stat().st_mtime_ns for path in files] == before and read["frames"].shape == (16, 3, 40, 40)


# ------------------------------------------------------------------------------------------------ bundled


def card():
    return json.loads((training.WEIGHTS / "amdd.json").read_text())


def test_every_bundled_network_is_the_one_of_the_card():
    said = card()
    files = sorted(path.name for path in training.WEIGHTS.glob("amdd_*.safetensors"))
    assert files == sorted(said["sha256"]) == sorted(said["measured"])
    for name in files:
        data = (training.WEIGHTS / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == said["sha256"][name] and len(data) < 2e6
    assert said["recipe"] == json.loads(json.dumps(training.RECIPE)) and said["variants"] == training.VARIANTS


def test_the_card_names_the_world_and_the_forgers_of_the_manifest():
    from avlab.synthtalk import VERSION
    said = card()
    assert f"world version {VERSION}:" in said["data"], "the world has changed since these networks were trained: python -m avlab.course.nb03_training"
    assert tuple(said["forgers"]) == training.known_forgers(manifest.load("synthtalk"))


@pytest.mark.parametrize("variant", training.VARIANTS)
def test_a_bundled_network_is_built_as_its_variant_says(variant):
    model = training.bundled(variant, 0)
    off = {"without": "attribution", "no alignment": "alignment", "no CMFFC": "cmffc", "no centroid": "centroid"}.get(variant)
    assert set(model.weights) == {"detection", "attribution", "alignment", "cmffc", "centroid"} - {off} and not model.training


def test_with_and_without_attribution_come_in_three_seeds():
    assert all(training.path_of(variant, seed).is_file() for variant in ("with", "without") for seed in training.SEEDS)


def test_the_networks_are_good_on_the_people_of_the_split_val():
    """What the card promises: known forgers at AUROC 0.95 or more, and named in nine of ten cases, mean over seeds."""
    measured = card()["measured"]
    some = [measured[training.path_of("with", seed).name] for seed in training.SEEDS]
    assert np.mean([value for one in some for value in one["val_auroc_of"].values()]) >= 0.95
    assert np.mean([value for one in some for name, value in one["val_named"].items() if name != "real"]) >= 0.9


def test_a_changed_or_missing_file_is_refused(tmp_path, monkeypatch):
    name = training.path_of("with", 0).name
    (tmp_path / "amdd.json").write_text((training.WEIGHTS / "amdd.json").read_text())
    monkeypatch.setattr(training, "WEIGHTS", tmp_path)
    monkeypatch.setattr(training.path_of, "__defaults__", (tmp_path,))
    with pytest.raises(AvlabError, match="Repeat its training"):
        training.bundled("with", 0)
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(AvlabError, match="ones their card describes"):
        training.bundled("with", 0)
