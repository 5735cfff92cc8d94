"""Experiments of notebook 08 on networks and maps whose answer is known; the bundled ones are what their card says."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from avlab.clips.manifest import load
from avlab.course import nb03_training, nb08_clips, nb08_training
from avlab.course import nb08_experiments as experiments
from avlab.course import nb08_maps as maps
from avlab.course import nb08_runs as runs
from avlab.course.nb08 import Params
from avlab.errors import AvlabError
from avlab.results import Prediction

ROWS = load("synthtalk")


class Corner(nn.Module):
    """Reads the mean brightness of the top right 8 x 8 px, and a little of the sound: where it looks is known."""

    def forward(self, frames, log_mel):
        logit = frames[..., :8, 32:].mean((1, 2, 3, 4)) / 64 - 1 + 0.1 * log_mel.mean((1, 2))
        return Prediction(logit, logit[:, None])


@pytest.fixture(scope="module")
def sample():
    """Two clips by hand: noise, and in the second a forged bottom."""
    rng = np.random.default_rng(0)
    rows = np.array([SimpleNamespace(forger=f, identity=i) for i, f in enumerate(("dub", "flow"))], dtype=object)
    frames = rng.uniform(100, 255, (2, 16, 3, 40, 40)).astype(np.float32)
    forged = np.zeros((2, 16, 40, 40), bool)
    forged[:, :, :8, 32:] = True
    return nb08_clips.Sample(rows, frames, rng.random((2, 64, 64)).astype(np.float32), frames * 0, forged, forged,
                             rng.integers(0, 255, (2, 16, 64, 64, 3), dtype=np.uint8), np.zeros((2, 10240), np.float32))


def test_occlusion_and_gradients_find_the_corner_that_is_read(sample):
    for film in (maps.occlusion(Corner(), sample, fill="source"), maps.integrated_gradients(Corner(), sample, kind="black", steps=4)):
        assert (experiments.log_ratios(film, sample.forged) > np.log(10)).all()
    np.testing.assert_allclose(experiments.log_ratios(maps.plain_maps(sample)["uniform"], sample.forged), 0, atol=1e-12)


def test_deleting_what_is_read_beats_random_orders_and_the_wrong_sign_loses(sample):
    films = {"occlusion": maps.occlusion(Corner(), sample, fill="source", stride=4)}
    for mutant, better in (("none", True), ("wrong_sign", False)):
        gone = experiments.removals(Corner(), sample, films, Params(deletion_steps=5, mutant=mutant), kinds=("source",))
        gain = experiments.gains(gone, [0, 1], n=100, seed=0)["occlusion", "source"].value
        assert (gain > 0) == better
        assert gone["random", "source"].shape == (2, 6)


def test_a_straight_line_is_attributed_exactly_and_the_mutants_are_not():
    assert abs(runs.toy_error()) < 1e-6 and runs.toy_error("train_mode") > 1e-3
    assert runs.toy_deletion() > 0.05 and runs.toy_deletion("wrong_sign") < 0


def test_integrals_of_a_line_are_complete(sample):
    film = maps.integrated_gradients(Corner(), sample, kind="black", steps=3)
    assert experiments.completeness(Corner(), sample, "black", {3: film})[3] < 1e-4


def test_agreement_is_one_with_itself_and_minus_one_with_its_negative(sample):
    film = np.random.default_rng(1).random((2, 16, 40, 40))
    np.testing.assert_allclose(experiments.agreement({"a": film, "b": -film}), [[1, -1], [-1, 1]])


def test_spread_over_takes_of_every_group_in_turn():
    assert experiments.spread_over(["a", "a", "a", "b", "c", "c"], 4).tolist() == [0, 1, 3, 4]
    assert experiments.spread_over(["a", "b"], 9).tolist() == [0, 1]


def test_intervals_are_ratios_of_known_maps(sample):
    table = {"twice": np.log([2.0, 2.0]), "mixed": np.log([1.0, 4.0])}
    cells = experiments.by_forger(table, sample, n=100, seed=0)
    assert cells["dub", "twice"] == pytest.approx((2, 2, 2)) and cells["flow", "mixed"] == pytest.approx((4, 4, 4))
    assert np.exp(experiments.intervals(table, [0, 1], n=100, seed=0)["mixed"].value) == pytest.approx(2)


def test_the_time_of_a_forgery_is_found_and_so_is_a_delay():
    truth = np.zeros(40)
    truth[10:16] = 1
    found = {"truth": [truth, truth], "own": [truth, truth], "late": [np.roll(truth, 2)] * 2}
    assert runs.frame_auroc(found, "own", n=100, seed=0).value == 1
    assert runs.lateness(found, "own") == 0 and runs.lateness(found, "late") == pytest.approx(2 * 4 / 25)


def test_what_is_heard_above_4_khz():
    hz, fall = runs.band_hz(), np.zeros((1, 64, 8))
    assert hz[0] > 60 and hz[-1] < 7600 and (np.diff(hz) > 0).all()
    fall[0, np.argmax(hz > 5000)], fall[0, 3] = 1, 3
    assert runs.high_share(fall, hz) == pytest.approx(0.25)
    assert runs.high_share(-fall, hz) == 0


def test_any_map_grows_like_a_disc_when_both_are_blurred():
    y, x = np.mgrid[:40, :40]
    face = ((y - 20) ** 2 + (x - 20) ** 2 < 150).astype(float)
    noise = np.random.default_rng(0).random((40, 40)) ** 8
    grown = runs.face_agreement({"A": noise}, face, [0, 8])["A"]
    assert grown[1] > grown[0] + 0.1 and runs.face_agreement({"B": face}, face, [0])["B"] == pytest.approx(1)


def test_the_rows_drawn_are_forged_test_clips_in_equal_numbers_and_other_sets_are_refused():
    drawn = nb08_clips.draw(ROWS, 12, 3)
    assert len(drawn) == 12 and {row.split for row in drawn} == {"test"} and all(row.label_video == "fake" for row in drawn)
    assert sorted(nb08_clips.picture_forgers(ROWS)) == sorted({row.forger for row in drawn})
    assert all(row.segments_video and row.split == "test" for row in runs.long_rows(ROWS, 4, 0))
    from dataclasses import replace
    strange = replace(ROWS, rows=tuple(replace(row, path="a.mp4") for row in ROWS.select(split="test", duration_s=0.64).rows))
    with pytest.raises(AvlabError, match="synthtalk"):
        nb08_clips.draw(strange, 12, 0)


def test_a_forged_clip_and_its_source_differ_where_the_truth_says():
    row = next(row for row in nb08_clips.draw(ROWS, 6, 0) if row.forger == "dub")
    one = nb08_clips.load_sample([row])
    change = np.abs(one.frames[0] - one.source[0]).mean(1)
    assert (nb08_clips.cropped(nb08_clips.on_picture(one.forged)) == one.forged).all() and nb08_clips.on_picture(one.forged).sum() == one.forged.sum()
    assert one.forged.any() and change[one.forged[0]].mean() > 5 * change[~one.forged[0]].mean()
    assert (nb08_clips.cropped(one.pictures.transpose(0, 1, 4, 2, 3)) == one.frames).all() and one.faces.shape == (1, 16, 40, 40, 3)


def test_the_mark_is_four_pixels_and_the_arrays_stay_as_they_were():
    frames = np.full((1, 2, 3, 40, 40), 100, np.uint8)
    marked = nb08_training.marked(frames)
    assert (marked != frames).sum() == 2 * 3 * 4 and (frames == 100).all()
    assert set(np.unique(marked[..., nb08_training.MARK[0], nb08_training.MARK[1]])) == {0, 255}
    assert torch.equal(nb08_training.marked(torch.as_tensor(frames)), torch.as_tensor(marked))


def test_the_bundled_wrong_detectors_are_those_of_the_card_and_cheat_or_know_nothing():
    assert nb08_training.bundled("shuffled").about["val_auroc"] < 0.6
    cheat = nb08_training.bundled("cheat")
    real = nb08_clips.load_sample(ROWS.select(split="val", forger="real", duration_s=0.64).rows[:4])
    assert (maps.logits(cheat, real) < 0).all() and (maps.logits(cheat, real, nb08_training.marked(real.frames)) > 0).all()
    with pytest.raises(AvlabError, match="beside the package"):
        nb08_training.bundled("other")


def test_two_epochs_of_a_few_clips_run_through():
    rng, rows = np.random.default_rng(0), [row for row in ROWS if row.split in ("train", "val") and row.duration_s == 0.64 and row.identity % 5 == 0]
    kept = [row for k, row in enumerate(rows) if row.forger in ("real", "rtvc", *nb03_training.known_forgers(ROWS)) and k % 9 == 0]
    arrays = {"frames": rng.uniform(0, 255, (16, 3, 40, 40)).astype(np.float16), "log_mel": rng.random((64, 64)).astype(np.float16)}
    model = nb08_training.train(kept, lambda row: arrays, "cheat", epochs=1)
    assert model.about["kind"] == "cheat" and not model.training
    data = nb08_training.dataset(kept, lambda row: arrays, "shuffled", model.about["forgers"])
    assert sorted(r.clip_id for r in data.label_rows) == sorted(r.clip_id for r in kept) and [r.clip_id for r in data.label_rows] != [r.clip_id for r in kept]
    assert all(a.identity == b.identity for a, b in zip(data.rows, data.label_rows, strict=True))


def test_the_control_of_labels_is_a_prediction_interval_over_networks(sample, monkeypatch):
    monkeypatch.setattr(maps, "grad_cam", lambda *_, **__: np.where(sample.forged, 2.0, 1.0))
    area = sample.forged.mean()
    own = np.log(2 / (1 + area))
    value, lo, hi = experiments.labels_control(Corner(), sample, Params(), np.array([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]))
    assert value == pytest.approx(own - 0.2) and hi == -lo == pytest.approx(4.3027 * 0.1 * (4 / 3) ** 0.5, rel=1e-3)
