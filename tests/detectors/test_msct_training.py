"""Training of the small MSCT in two steps: what each may see, what it leaves alone, and that meaningless labels teach nothing."""

import json

import numpy as np
import pytest
import torch

from avlab import metrics
from avlab.clips import manifest
from avlab.clips.datasets import synthtalk
from avlab.detectors import msct_training as made
from avlab.detectors.batches import ClipDataset
from avlab.detectors.training import predict
from avlab.errors import AvlabError

T = 4


@pytest.fixture(scope="module")
def rows():
    every = [row for row in manifest.load("synthtalk") if abs(row.duration_s - synthtalk.SHORT) < 1e-3 and row.forger in ("real", "faceswap", "rtvc", "faceswap+rtvc")]
    picked = {}
    for split, n in (("train", 20), ("val", 6), ("test", 12)):
        mine = [row for row in every if row.split == split]
        picked[split] = [row for forger, m in (("real", 3), ("faceswap", 1), ("rtvc", 1), ("faceswap+rtvc", 1))
                         for row in [row for row in mine if row.forger == forger][:m * n]]
    return picked


def planted(row):
    """Vectors and sound in which a forgery is a shift of one feature, beneath noise that depends on the clip alone."""
    rng = np.random.default_rng(int(row.digest[:8], 16))
    frames, fbank = rng.standard_normal((T, 64)).astype(np.float32), rng.standard_normal((104, T)).astype(np.float32)
    frames[:, 5] += 3.0 * (row.label_video == "fake")
    fbank[7] += 3.0 * (row.label_audio == "fake")
    return {"frames": frames, "fbank": fbank, "mask": np.ones(T, bool)}


def data(rows, labels=None, people=None):
    return ClipDataset(rows, planted, forgers=["faceswap", "faceswap+rtvc", "rtvc"], frames=T, people=people, labels=labels, keep=True)


def model_of(seed=0, **config):
    torch.manual_seed(seed)
    return made.fresh(made.detectors.build("msct", "small"), seed=seed, blocks=1, **config)


def test_the_forgers_that_may_be_known_are_parts_of_the_seen_ones():
    names = made.forgers_to_train_on(manifest.load("synthtalk"))
    assert set(synthtalk.SEEN) <= set(names) and "rtvc" in names and "faceswap+rtvc" in names
    assert not any(part in synthtalk.UNSEEN for name in names for part in name.split("+"))


def test_attention_learns_what_is_planted_and_leaves_the_encoder(rows):
    model = model_of()
    before = {name: value.clone() for name, value in model.picture_encoder.state_dict().items()}
    state = made.train_attention(model, data(rows["train"]), data(rows["val"]), seed=0, epochs=24)
    assert all(torch.equal(before[name], value) for name, value in model.picture_encoder.state_dict().items())
    found = predict(model, data(rows["test"]))
    assert len(state.history) == 24 and metrics.auroc(found["logit"], found["label"]) > 0.9


def test_labels_without_meaning_teach_nothing(rows):
    train, rng, scores = rows["train"], np.random.default_rng(0), []
    for seed in range(3):
        lent = [train[i] for i in rng.permutation(len(train))]
        model = model_of(seed)
        made.train_attention(model, data(train, labels=lent), seed=seed, epochs=4)
        found = predict(model, data(rows["test"]))
        scores.append(metrics.auroc(found["logit"], rng.permutation(found["label"])))
    assert abs(np.mean(scores) - 0.5) < 0.12


def test_pictures_are_trained_on_true_sound_alone(rows):
    with pytest.raises(AvlabError, match="true sound"):
        made.train_pictures(model_of(), data(rows["train"]), seed=0)


def test_the_picture_side_learns_a_texture_without_sound():
    """Fakes carry a faint lattice; frames of 40 px, a few steps."""
    kept = [row for row in manifest.load("synthtalk") if row.split == "train" and abs(row.duration_s - synthtalk.SHORT) < 1e-3 and row.forger in ("real", "faceswap")]
    some = [row for forger in ("real", "faceswap") for row in [row for row in kept if row.forger == forger][:24]]

    def film(row):
        rng = np.random.default_rng(int(row.digest[:8], 16))
        frames = rng.standard_normal((3, T, 40, 40)).astype(np.float32)
        return {"frames": frames + 0.5 * row.label * (np.arange(40) % 2 * 2 - 1).astype(np.float32), "fbank": np.zeros((104, T), np.float32), "mask": np.ones(T, bool)}

    clips = ClipDataset(some, film, forgers=["faceswap"], frames=T)
    model = model_of()
    state = made.train_pictures(model, clips, seed=0, epochs=3, batch_size=8)
    assert state.history[-1]["train_total"] < state.history[0]["train_total"]
    table = made.vectors(model, some, film)
    assert table[some[0].clip_id]["frames"].shape == (T, 64)
    side = made.PictureSide(model.picture_encoder).eval()
    with torch.no_grad():
        want = side(torch.as_tensor(film(some[0])["frames"])[None]).embedding
    assert np.allclose(table[some[0].clip_id]["frames"].mean(0), want[0], atol=1e-5)


def test_a_training_step_sees_every_fourth_picture():
    frames = torch.arange(16.0).view(1, 1, 16, 1, 1).expand(2, 3, 16, 4, 4)
    torch.manual_seed(0)
    for _ in range(5):
        shown = made.some_pictures(frames)[:, 0, :, 0, 0]
        assert shown.shape == (2, 4) and (shown.diff(dim=1) == 4).all() and torch.equal(shown[0], shown[1])


def test_fresh_is_decided_by_its_seed_and_takes_the_encoder():
    torch.manual_seed(5)
    other = made.detectors.build("msct", "small")
    state = torch.get_rng_state()
    a, b, c = (made.fresh(other, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(a.head_video.weight, b.head_video.weight) and not torch.equal(a.head_video.weight, c.head_video.weight)
    assert all(torch.equal(value, other.picture_encoder.state_dict()[name]) for name, value in c.picture_encoder.state_dict().items())


@pytest.mark.parametrize("seed", made.SEEDS)
def test_the_bundled_detectors_are_the_ones_of_their_cards(seed):
    model, card = made.bundled(seed), json.loads((made.WEIGHTS / f"msct_small_{seed}.json").read_text())
    assert model.built_as["size"] == "small" and card["seed"] == seed and set(card["forgers"]) == set(made.forgers_to_train_on(manifest.load("synthtalk")))
    assert card["val_auroc"] > 0.9 and (made.WEIGHTS / f"msct_small_{seed}.safetensors").stat().st_size < 2_000_000


def test_weights_that_are_not_their_cards_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(made, "WEIGHTS", tmp_path)
    with pytest.raises(AvlabError, match="lies beside"):
        made.bundled(0)
    (tmp_path / "msct_small_0.safetensors").write_bytes(b"x")
    (tmp_path / "msct_small_0.json").write_text('{"sha256": "0"}')
    with pytest.raises(AvlabError, match="card"):
        made.bundled(0)
