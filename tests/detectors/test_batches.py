"""Labels follow the words of a row; what is stored comes back; every epoch's order is decided by seed and epoch."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from avlab.clips import manifest
from avlab.clips.rows import Row, category
from avlab.detectors.batches import BalancedSampler, ClipDataset, PairedSampler, forged_frames, forged_spans, stored
from avlab.errors import AvlabError
from avlab.synthtalk.render import Spec, render


def row(name="a", video="", audio="", identity=0, **more):
    words = ["fake" if forger else "real" for forger in (video, audio)]
    return Row(name, "files", category(*words), *words, video, audio, identity, path=f"{name}.mp4", **more)


def arrays(of):
    return {"x": np.full((2, 3), len(of.clip_id), np.float16), "steps": np.arange(4, dtype=np.uint8), "mask": np.array([True, False])}


def data(rows, forgers=("swap", "voice"), **options):
    return ClipDataset(rows, arrays, forgers=forgers, **options)


# ------------------------------------------------------------------------------------------------ labels


@pytest.mark.parametrize("video, audio, want", [("", "", (0, 0, 0, 0)), ("swap", "", (1, 1, 0, 1)), ("", "voice", (1, 0, 1, 2)),
                                                ("swap", "voice", (1, 1, 1, 3)), ("new", "", (1, 1, 0, -1))])
def test_labels_come_from_the_words_of_the_row(video, audio, want):
    sample = data([row(video=video, audio=audio)], forgers=("swap", "voice", "swap+voice"))[0]
    assert tuple(sample[name].item() for name in ("label", "label_video", "label_audio", "generator")) == want
    assert sample["frame_label"].tolist() == [want[0]] * 16
    assert sample["label"].dtype == torch.float32 and sample["generator"].dtype == torch.int64


def test_a_stream_that_is_absent_is_not_fake_and_one_that_is_unknown_is_no_number():
    silent = replace(row(video="swap"), label_audio="absent", category="FV-A")
    unsure = replace(row(video="swap"), label_audio="unknown", category="FV?A")
    assert data([silent])[0]["label_audio"] == 0
    assert math.isnan(data([unsure])[0]["label_audio"]) and data([unsure])[0]["label"] == 1


def test_a_clip_without_a_class_is_refused_when_the_data_set_is_made():
    with pytest.raises(AvlabError, match="unknown label"):
        data([row(), replace(row(), label_video="unknown", category="?VRA")])


def test_forged_frames_agree_with_the_pixels_and_samples_that_the_renderer_changed():
    made = Row("long", identity=3, duration_s=1.28, label_video="fake", label_audio="fake", category="FVFA", forger_video="faceswap", forger_audio="rtvc",
               donor=9, forger_seed=4, segments_video=((0.2, 0.4), (0.7, 0.75)), segments_audio=((0.36, 0.5),))
    names = ("identity", "speech_seed", "motion_seed", "camera_seed", "duration_s", "forger_video", "forger_audio", "forger_seed", "donor",
             "segments_video", "segments_audio")
    truth = render(Spec(**{name: getattr(made, name) for name in names})).truth
    changed = truth.forged.any((1, 2)) | truth.forged_audio.reshape(32, -1).any(1)
    assert np.array_equal(forged_frames(made, 32), changed) and 0 < changed.sum() < 32
    assert forged_spans(made) == [(0.2, 0.5), (0.7, 0.75)]


def test_a_fake_stream_without_segments_is_forged_throughout_and_a_real_one_never():
    assert forged_spans(row(video="swap")) == [(0.0, 0.64)] and forged_spans(row()) == []
    partly = row(video="swap", audio="voice", segments_video=((0.1, 0.2),))
    assert forged_spans(partly) == [(0.0, 0.64)] and forged_frames(partly, 16).all()
    long = row(video="swap", audio="voice", duration_s=4.0, segments_audio=((0.2, 0.3), (0.6, 0.9), (2.0, 3.0)))
    cut = data([long, replace(long, label_video="real", forger_video="", category="RVFA")], frames=16, segments=True)
    assert cut[0]["segments"].tolist() == [[0, pytest.approx(0.64)]]  # a span ends where the cut clip does
    assert np.allclose(cut[1]["segments"], [[0.2, 0.3], [0.6, 0.64]]) and forged_spans(long) == [(0.0, 4.0)]
    edge = row(video="swap", segments_video=((0.04, 0.12),))
    assert forged_frames(edge, 5).tolist() == [False, True, True, False, False]  # half-open: frame 3 starts at 0.12


def test_shuffled_labels_move_everything_about_forging_and_nothing_about_the_clip():
    rows = [row("a", identity=1), row("bb", "swap", identity=2)]
    mixed = data(rows, labels=rows[::-1], segments=True)
    assert [mixed[i]["label"].item() for i in (0, 1)] == [1, 0] and [mixed[i]["generator"].item() for i in (0, 1)] == [1, 0]
    assert [mixed[i]["x"][0, 0].item() for i in (0, 1)] == [1, 2] and [mixed[i]["person"].item() for i in (0, 1)] == [0, 1]
    assert mixed[0]["frame_label"].all() and mixed[0]["segments"].shape == (1, 2) and mixed[1]["segments"].shape == (0, 2)
    assert mixed.groups("generator").tolist() == ["swap", "real"] and mixed.groups().tolist() == ["1", "0"]


def test_people_are_numbered_together_and_donors_count_as_people():
    rows = [row("a", identity="Ann"), row("b", "swap", identity="Bob", donor="Dan")]
    assert [data(rows, people=["Zoe", "Bob", "Ann"])[i]["person"].item() for i in (0, 1)] == [2, 1]
    assert data(rows).identities == {"files:Ann", "files:Bob", "files:Dan"}
    with pytest.raises(AvlabError, match="Bob"):
        data(rows, people=["Ann"])


# ------------------------------------------------------------------------------------------------ batches


def test_a_batch_stacks_arrays_and_keeps_lists_as_lists():
    rows = [row("a"), row("bb", "swap", segments_video=((0.1, 0.2), (0.3, 0.4)))]
    clips = data(rows, segments=True)
    batch = clips.collate([clips[0], clips[1]])
    assert batch["x"].shape == (2, 2, 3) and batch["x"].dtype == torch.float32 and batch["x"][1, 0, 0] == 2
    assert batch["steps"].dtype == torch.int64 and batch["mask"].dtype == torch.bool
    assert batch["label"].tolist() == [0, 1] and batch["clip_id"] == ["a", "bb"]
    assert [s.shape for s in batch["segments"]] == [(0, 2), (2, 2)]


def test_unequal_clips_are_refused_or_padded_at_the_end():
    rows = [row("a"), row("bb", "swap", duration_s=1.0)]
    clips = ClipDataset(rows, lambda of: {"x": np.ones((2, len(of.clip_id)), np.float16), "mask": np.ones(len(of.clip_id), bool)}, forgers=["swap"])
    with pytest.raises(AvlabError, match="one shape"):
        clips.collate([clips[0], clips[1]])
    clips.pad = True
    batch = clips.collate([clips[0], clips[1]])
    assert batch["x"].tolist() == [[[1, 0], [1, 0]], [[1, 1], [1, 1]]] and batch["mask"].tolist() == [[True, False], [True, True]]
    assert batch["frame_label"].shape == (2, 25) and batch["frame_label"].sum(1).tolist() == [0, 25]


def test_arrays_are_read_once_where_they_are_kept_and_must_not_pose_as_labels():
    reads = []
    clips = ClipDataset([row()], lambda of: reads.append(of) or {"x": np.ones(2)}, forgers=[], keep=True)
    assert [clips[0]["x"].sum().item() for _ in range(3)] == [2, 2, 2] and len(reads) == 1
    with pytest.raises(AvlabError, match="label"):
        ClipDataset([row()], lambda of: {"label": np.ones(2)}, forgers=[])[0]


# ------------------------------------------------------------------------------------------------ the sampler


def test_every_group_comes_equally_often_and_no_clip_twice_before_all_came_once():
    groups = ["real"] * 30 + ["swap"] * 7 + ["voice"] * 3
    drawn = list(BalancedSampler(groups, seed=1, length=40))
    count = Counter(groups[i] for i in drawn)
    assert len(drawn) == 40 and sorted(count.values()) == [13, 13, 14]
    times = Counter(drawn)
    assert max(times[i] for i in range(30)) == 1 and {times[i] for i in range(30, 37)} <= {1, 2} and {times[i] for i in range(37, 40)} <= {4, 5}


def test_one_group_is_a_plain_shuffle_and_the_order_is_that_of_seed_and_epoch():
    sampler = BalancedSampler(np.zeros(50), seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(50)) and first == list(sampler) and first != list(range(50))
    sampler.at(4)
    later = BalancedSampler(np.zeros(50), seed=3)
    later.load_state_dict(sampler.state_dict())
    assert list(sampler) == list(later) != first
    assert list(BalancedSampler(np.zeros(50), seed=4)) != first


def test_the_sampler_does_not_touch_the_global_random_state():
    torch.manual_seed(0)
    np.random.seed(0)
    want = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    list(BalancedSampler([0, 1, 1], seed=0))
    assert (torch.rand(1), np.random.rand()) == want


# ------------------------------------------------------------------------------------------------ the store


def test_inputs_are_computed_once_and_come_back_as_halves(tmp_path):
    rows = [r for r in manifest.load("synthtalk") if r.duration_s == 0.64][:3]
    calls, seen = [], []

    def inputs(clip):
        calls.append(clip.clip_id)
        return {"mean": clip.frames.mean((1, 2, 3)) / 255, "shape": np.array(clip.frames.shape)}

    read = stored(rows, inputs, tmp_path, {"detector": "toy"}, progress=lambda *word: seen.append(word[3]))
    again = stored(rows, inputs, tmp_path, {"detector": "toy"}, progress=lambda *word: seen.append(word[3]))
    assert len(calls) == 3 and seen == ["done"] * 3 + ["kept"] * 3
    assert read(rows[1])["mean"].dtype == np.float16 and read(rows[1])["shape"].tolist() == [16, 64, 64, 3]
    assert np.array_equal(read(rows[1])["mean"], again(rows[1])["mean"])
    stored(rows[:1], inputs, tmp_path, {"detector": "other"})
    assert len(calls) == 4  # other settings, other files


def test_a_clip_that_fails_is_named_after_the_others_were_computed(tmp_path):
    rows = [row("good"), row("bad"), row("fine")]

    def inputs(name):
        if name == "bad":
            raise AvlabError("No face")
        return {"x": np.ones(2)}

    with pytest.raises(AvlabError, match="bad: No face"):
        stored(rows, inputs, tmp_path, {}, load=lambda of: of.clip_id)
    failed = []
    stored(rows, inputs, tmp_path, {}, load=lambda of: of.clip_id, failed=failed)
    assert failed == [("bad", "No face.")]
    read = stored([rows[0], rows[2]], None, tmp_path, {})  # nothing is left to compute
    assert read(rows[2])["x"].tolist() == [1, 1]


@pytest.mark.parametrize("call", [
    lambda: data([]), lambda: data([row()], labels=[]), lambda: data([row()]).groups("people"),
    lambda: BalancedSampler([], seed=0), lambda: BalancedSampler([1], seed=-1), lambda: BalancedSampler([1], seed=0, length=0),
])
def test_errors_name_the_rule(call):
    with pytest.raises(AvlabError):
        call()


# ------------------------------------------------------------------------------------------------ pairs


def test_every_fake_stands_beside_its_source():
    scenes = [dict(identity=who, speech_seed=10 * who + k) for who in (1, 2) for k in range(3)]
    rows = [row(f"r{i}", **scene) for i, scene in enumerate(scenes)] + [row(f"f{i}", "swap", **scene) for i, scene in enumerate(scenes[:5])]
    sampler = data(rows).sampler("source", seed=3)
    order = list(sampler)
    assert len(order) == len(sampler) == 10 and sorted(order[::2]) == [6, 7, 8, 9, 10]
    assert all(rows[fake].speech_seed == rows[real].speech_seed and not rows[real].label for fake, real in zip(order[::2], order[1::2]))
    assert order == list(data(rows).sampler("source", seed=3)) != list(data(rows).sampler("source", seed=4))
    sampler.at(1)
    assert list(sampler) != order


def test_without_a_source_another_real_clip_of_the_person_or_any():
    rows = [row("own", identity=1, speech_seed=5), row("far", identity=2), row("a", "swap", identity=1, speech_seed=9), row("b", "swap", identity=3)]
    pairs = {tuple(list(PairedSampler(rows, [0, 0, 1, 1], seed=s))[k:k + 2]) for s in range(20) for k in (0, 2)}
    assert pairs == {(2, 0), (3, 0), (3, 1)}
    with pytest.raises(AvlabError, match="real and fake"):
        PairedSampler(rows, [1, 1, 1, 1], seed=0)


def test_given_labels_decide_who_is_called_a_fake():
    rows = [row(f"r{i}", identity=i) for i in range(4)]
    told = [rows[0], row("x", "swap"), rows[2], row("y", "swap")]
    order = list(data(rows, labels=told).sampler("source", seed=0))
    assert sorted(order[::2]) == [1, 3] and set(order[1::2]) <= {0, 2}
