"""The two towers: what they read, what they may not know, that training teaches them something, and that their file is the one of its card."""

import json

import numpy as np
import pytest
import torch

from avlab.clips import load_clip, manifest
from avlab.errors import AvlabError
from avlab.explain import two_tower
from avlab.explain import two_tower_training as training


@pytest.fixture(scope="module")
def clips():
    return [load_clip(row) for row in training.real_rows("val")[:3]]


def test_inputs_are_movement_and_what_is_said_not_level_or_light(clips):
    clip = clips[0]
    read = two_tower.inputs(clip)
    assert read["mouth"].shape == (16, 20, 20) and read["mel"].shape == (16, 160)
    assert np.allclose(read["mouth"].mean(0), 0, atol=1e-5) and np.allclose(read["mel"].reshape(16, 4, 40).mean((0, 1)), 0, atol=1e-5)
    louder = two_tower.mel_rows(clip.audio * 2, 16)
    assert np.abs(louder - read["mel"]).mean() < 0.02  # but for bands that lie on the floor
    assert np.abs(two_tower.mel_rows(clip.audio * 0, 16)).max() < 1e-5
    brighter = two_tower.mouth_pixels(np.clip(clip.frames.astype(int) + 5, 0, 255).astype(np.uint8))
    assert np.abs(brighter - read["mouth"]).mean() < 0.01


def test_a_mel_row_is_the_sound_of_its_own_frame():
    sound = np.zeros(16 * 640, np.float32)
    sound[5 * 640 + 200:5 * 640 + 400] = np.random.default_rng(0).standard_normal(200) * 0.3
    assert np.abs(two_tower.mel_rows(sound, 16)).max(1).argmax() == 5 and two_tower.mel_rows(sound, 16).max(1).argmax() == 5


def test_a_frame_vector_sees_two_frames_on_either_side():
    torch.manual_seed(0)
    net = two_tower.TwoTower().eval()
    mouth, mel = torch.randn(1, 16, 20, 20), torch.randn(1, 16, 160)
    video, audio = two_tower.embed(net, mouth, mel)
    mouth[0, 8] += 1
    mel[0, 8] += 1
    for before, after in zip((video, audio), two_tower.embed(net, mouth, mel)):
        moved = np.abs(after - before).max((0, 2)) > 1e-6
        assert np.flatnonzero(moved).tolist() == [6, 7, 8, 9, 10]


def test_what_does_not_fit_is_refused():
    with pytest.raises(AvlabError):
        two_tower.TwoTower()(torch.zeros(2, 16, 20, 20), torch.zeros(2, 15, 160))


def test_the_training_rows_are_real_and_of_their_split():
    for split in ("train", "val"):
        rows = training.real_rows(split)
        assert rows and all(row.forger == "real" and row.split == split and row.duration_s == 0.64 for row in rows)


def toy(n, seed, link):
    """Clips in which the mouth repeats (or, link=False, does not repeat) a drawn signal of the sound."""
    rng, made = np.random.default_rng(seed), {}
    for k in range(n):
        signal = rng.standard_normal(16)
        mouth = np.zeros((16, 20, 20), np.float32)
        mouth[:, 5:15, 5:15] = (signal if link else rng.standard_normal(16))[:, None, None]
        mel = np.zeros((16, 160), np.float32)
        mel[:, 40:80] = signal[:, None]
        made[k] = {"mouth": mouth, "mel": mel}
    return made


@pytest.mark.parametrize("link", [True, False])
def test_training_learns_a_link_and_invents_none(link):
    rows = {split: training.real_rows(split)[:n] for split, n in (("train", 96), ("val", 48))}
    people = sorted({row.identity for part in rows.values() for row in part})
    data = {}
    for split, part in rows.items():
        made = toy(len(part), len(part), link)
        place = {row.clip_id: k for k, row in enumerate(part)}
        data[split] = training.ClipDataset(part, lambda row, made=made, place=place: made[place[row.clip_id]], forgers=(), people=people, keep=True)
    net, state = training.train(data["train"], data["val"], epochs=8, batch_size=24, warmup=2)
    found = training.measure(net, data["val"])
    assert len(state.history) == 8
    if link:
        assert found["auroc_own_against_shuffled"] > 0.95 and found["cos_own"] > found["cos_shuffled"] + 0.2
    else:
        assert abs(found["auroc_own_against_shuffled"] - 0.5) < 0.12


def test_a_saved_file_reads_back_and_a_changed_one_is_refused(tmp_path):
    torch.manual_seed(0)
    net, path = two_tower.TwoTower().eval(), tmp_path / "towers.safetensors"
    two_tower.save(net, path)
    read = two_tower.load(path)
    assert not read.training and not any(p.requires_grad for p in read.parameters())
    for name, value in net.state_dict().items():
        assert torch.equal(read.state_dict()[name], value.half().float())
    path.with_suffix(".json").write_text(json.dumps({"sha256": "0"}))
    with pytest.raises(AvlabError, match="card"):
        two_tower.load(path)
    with pytest.raises(AvlabError, match="beside the package"):
        two_tower.load(tmp_path / "nothing.safetensors")


def test_the_bundled_towers_are_small_hear_and_have_a_card():
    card = json.loads(two_tower.WEIGHTS.with_suffix(".json").read_text())
    assert two_tower.WEIGHTS.stat().st_size < 1_000_000
    assert {"recipe", "data", "measured", "made_by", "limits", "sha256"} <= set(card)
    rows = training.real_rows("val")[:48:2]
    found = training.measure(two_tower.load(), training.data_of(rows, sorted({row.identity for row in rows})))
    assert found["auroc_own_against_shuffled"] > 0.9


def test_no_training_person_is_a_test_person():
    people = {split: set().union(*(row.identities for row in manifest.load("synthtalk") if row.split == split)) for split in ("train", "val", "test")}
    assert not people["train"] & people["test"] and not people["val"] & people["test"]
