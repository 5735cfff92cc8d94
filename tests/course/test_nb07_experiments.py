"""The measurements of notebook 07 on planted answers: proposals that are right, clips that hold a mark, networks that know nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avlab.clips import load_clip
from avlab.clips.datasets import synthtalk
from avlab.course import nb07_clips as clips
from avlab.course import nb07_experiments as experiments
from avlab.course import nb07_runs as runs
from avlab.course import nb07_samples as samples
from avlab.course import nb07_toys as toys
from avlab.course import nb07_training as training
from avlab.detectors import mmmsba
from avlab.detectors.batches import forged_spans
from avlab.errors import AvlabError
from avlab.metrics import interval_iou

ROWS = synthtalk.rows()
LONG = clips.long_rows(ROWS, "val")


@pytest.fixture(scope="module")
def sample():
    """Six people's long clips with random features: real rows, real truth, nothing rendered."""
    people = clips.people_of(LONG, 6, 0)
    rows = [row for row in LONG if row.identity in people]
    rng = np.random.default_rng(0)
    widths = dict(zip(("audio", "face", "lips"), mmmsba.SIZES["small"]["widths"]))
    arrays = {row.clip_id: {name: rng.standard_normal((160, w)).astype(np.float16) for name, w in widths.items()} | {"mask": np.ones((160, 3), np.float32)} for row in rows}
    return samples.Sample(tuple(rows), arrays, {})


# ------------------------------------------------------------------------------------------------ clips


def test_recut_spans_lie_in_the_clip_and_streams_say_what_they_hold():
    whole = next(row for row in LONG if row.label_video == row.label_audio == "fake")
    cuts = [clips.recut(whole, k, 3) for k in range(300)]
    for row in cuts:
        for label, forger, spans in ((row.label_video, row.forger_video, row.segments_video), (row.label_audio, row.forger_audio, row.segments_audio)):
            assert (label == "fake") == bool(forger) == bool(spans)
            for a, b in spans:
                assert 0 <= a < b <= 6.4 and 15 <= round((b - a) * 25) <= 40 and abs(a * 25 - round(a * 25)) < 1e-9
            assert all(later[0] - earlier[1] >= 0.4 - 1e-9 for earlier, later in zip(spans, spans[1:]))
    kinds = [row.category for row in cuts]
    assert 0.4 < kinds.count("FVRA") / 300 < 0.6 and 0.25 < kinds.count("FVFA") / 300 < 0.42 and len({row.clip_id for row in cuts}) == 300
    apart = [row.segments_video != row.segments_audio for row in cuts if row.category == "FVFA"]
    assert 0.35 < np.mean(apart) < 0.65
    assert clips.recut(whole, 5, 3) == cuts[5] and clips.recut(whole, 5, 4) != cuts[5]


def test_a_cut_is_what_the_renderer_makes():
    """Frames to the last bit; samples up to the loudness of the whole clip, which the renderer sets after the splice."""
    row = next(row for row in LONG if row.forger == "faceswap+rtvc")
    real, whole = load_clip(clips.source_of(row, LONG)), load_clip(replace(row, segments_video=(), segments_audio=()))
    made, true = clips.spliced(real, whole, row), load_clip(row)
    assert np.array_equal(made.frames, true.frames) and not np.array_equal(made.frames, real.frames)
    assert abs(made.audio - true.audio).max() < 0.02 * abs(true.audio).max() < abs(made.audio - real.audio).max()


def test_people_are_nested_and_too_many_are_refused():
    assert clips.people_of(LONG, 9, 4)[:3] == clips.people_of(LONG, 3, 4) != clips.people_of(LONG, 3, 5)
    with pytest.raises(AvlabError, match="not so many people"):
        clips.people_of(LONG, 19, 0)


def test_permuted_labels_come_from_the_same_person_and_never_from_the_clip_itself(sample):
    other = training.permuted(sample, 0)
    assert all(a.identity == b.identity and a.clip_id != b.clip_id for a, b in zip(sample.rows, other))
    assert sorted(row.clip_id for row in other) == sorted(row.clip_id for row in sample.rows)


def test_what_is_absent_is_not_read(sample):
    model = training.untrained(0)
    gone = samples.without(sample, "audio")
    assert np.isnan(gone.arrays[gone.rows[0].clip_id]["audio"]).all()
    parts = experiments.predict(model, gone.data(), parts=experiments.PARTS)
    assert np.isfinite(parts["frame_logit"]).all() and np.isfinite(parts["logit"]).all()
    assert not np.isnan(sample.arrays[sample.rows[0].clip_id]["audio"]).any()


def test_a_true_sound_leaves_the_forged_picture():
    row = next(row for row in LONG if row.label_video == row.label_audio == "fake")
    true = samples.true_sound(row)
    assert true.category == "FVRA" and true.segments_video == row.segments_video and forged_spans(true) == list(row.segments_video)
    alone = next(row for row in LONG if row.category == "FVRA")
    assert samples.true_sound(alone) is alone


# ------------------------------------------------------------------------------------------------ measures


def right(sample, late=0.0):
    return [np.array([[a + late, b + late, 0.9] for a, b in t]).reshape(-1, 3) for t in sample.truth]


def test_right_proposals_have_an_ap_of_one_and_late_ones_none(sample):
    made = {"right": [right(sample)], "late": [right(sample, 2.0)], "mixed": [right(sample), right(sample, 2.0)]}
    ap = experiments.judged(made, sample, experiments.average_precision(0.5), n=100)
    assert ap["right"].value == ap["right"].lo == 1 and ap["late"].value < 0.05
    assert ap["mixed"].value == pytest.approx((1 + ap["late"].value) / 2)
    assert ap["mixed"].lo < 0.1 and ap["mixed"].hi == 1, "the models of a name are resampled"
    hit = experiments.judged(made, sample, experiments.recall(10), n=100)
    assert hit["right"].value == 1 and hit["late"].value < 0.1


def test_spans_that_know_lengths_only_are_no_finders(sample):
    chance = experiments.chance_band(sample, 0)
    assert 0 < chance < 0.25
    assert all((p[:, 0] >= 0).all() and (p[:, 1] <= 6.4 + 1e-9).all() for p in experiments.by_chance(sample, 0))


def test_ties_count_only_for_the_mutant():
    assert experiments.ties() == 0 and experiments.ties("iou_ge") == 1


def test_padding_takes_weight_only_where_it_is_not_masked(sample):
    model = training.untrained(0)
    inputs = experiments.batch(model, sample, 0)
    assert experiments.padding_mass(model, inputs, masked=True) == 0
    assert 0.1 < experiments.padding_mass(model, inputs, masked=False) < 0.7 and model.mask_padding


def test_gradient_shares_sum_to_one_and_reach_other_moments(sample):
    model = training.untrained(0)
    heat = experiments.mixing(model, experiments.batch(model, sample, 0))
    assert heat.shape == (32, 32) and np.allclose(heat.sum(1), 1)
    own = np.diag(heat)
    assert 0.1 < own.mean() < 1 and (heat[np.triu_indices(32, 1)] > 0).any() and (heat[np.tril_indices(32, -1)] > 0).any()
    forged = np.zeros(32, bool)
    forged[8:12] = True
    assert experiments.outside(np.eye(32), forged) == 0 and experiments.outside(np.full((32, 32), 1 / 32), forged) == pytest.approx(28 / 32)


def test_occlusion_finds_the_moment_that_a_planted_model_reads(sample):
    class Reads(torch.nn.Module):
        """A clip's logit is the first number of the sound at frame 41; attention looks there as well."""
        reads, stride, fps, modalities = ("audio", "face", "lips", "mask"), 5, 25, ("audio",)

        def forward(self, audio, face, lips, mask, attention=False):
            weights = torch.zeros(len(audio), 32, 32)
            weights[:, :, 8] = 1
            return type("P", (), {"logit": 10 + audio[:, 41, 0], "parts": {"attention.a.b": weights}})

    model, inputs = Reads(), experiments.batch(Reads(), sample, 0)
    inputs[0][0, 41, 0] = 30
    drop = experiments.occlusion(model, inputs)
    assert drop.argmax() == 8 and np.allclose(np.delete(drop, 8), 0)
    assert experiments.attention_received(model, inputs).argmax() == 8


def test_attention_received_is_a_share(sample):
    told = experiments.attention_and_occlusion(training.untrained(1), sample.pick(np.arange(len(sample)) < 8))
    assert told and all(t["received"].mean() == pytest.approx(1, abs=1e-5) and -1 <= t["rho"] <= 1 for t in told)
    assert all(t["forged"].any() and not t["forged"].all() for t in told)
    mean = runs.over_people(told, sample, "ratio", n=100, seed=0)
    assert mean.lo <= mean.value <= mean.hi and abs(mean.value - 1) < 0.2


# ------------------------------------------------------------------------------------------------ toys


@pytest.mark.parametrize("length", [0.2, 0.6, 1.6, 3.2])
def test_a_cover_has_its_closed_form(length):
    assert toys.grid_ious([length], 0.2, 50, 1) == pytest.approx(length / (length + 0.2))
    assert (toys.grid_ious([length], 0.2, 50, 1, "inside") < length / (length + 0.2)).all()


def test_grid_rules_on_one_span():
    assert toys.on_grid([[0.31, 0.72]], 0.2)[0] == pytest.approx([0.2, 0.8])
    assert toys.on_grid([[0.31, 0.72]], 0.2, "nearest")[0] == pytest.approx([0.4, 0.8])
    assert toys.on_grid([[0.31, 0.72]], 0.2, "inside")[0] == pytest.approx([0.4, 0.6])
    assert interval_iou(toys.on_grid([[0.45, 0.5]], 0.2, "nearest"), [[0.4, 0.6]])[0, 0] == pytest.approx(1), "one step at least"


def test_hand_weights_and_their_mutant():
    n1, n2 = toys.hand_weights()
    e = np.e
    assert n1[0] == pytest.approx(np.array([e**2, 1, 1]) / (e**2 + 2), abs=1e-6) and n2[2] == pytest.approx([1 / 3] * 3, abs=1e-6)
    assert abs(toys.hand_weights("softmax_axis")[0].sum(1) - 1).max() > 0.1


def test_effective_keys_of_even_sure_and_drawn_rows():
    assert toys.effective([[0.25] * 4, [1, 0, 0, 0], [0.5, 0.5, 0, 0]]) == pytest.approx([4, 1, 2])
    assert toys.effective(toys.random_rows(1.0)).mean() == pytest.approx(3.2, abs=0.05) and toys.effective(toys.random_rows(0.1)).mean() == pytest.approx(23.2, abs=0.05)


def test_diou_pairs():
    pairs = toys.DIOU_PAIRS
    assert toys.diou(pairs, "enclosing") == pytest.approx([p[2] for p in pairs]) and toys.diou(pairs, "lengths") == pytest.approx([0.7291667, 2.5625, 157.25])


def test_a_store_gives_the_same_inputs_and_renders_once(tmp_path):
    from types import SimpleNamespace
    row, calls = LONG[0], []
    film = SimpleNamespace(frames=np.random.default_rng(0).integers(0, 255, (8, 64, 64, 3), dtype=np.uint8), audio=np.zeros(8 * 640, np.float32), sample_rate=16000,
                           mask=np.ones(8, bool))

    def make():
        calls.append(1)
        return [film]
    live = samples.arrays_of([row], make)[row.clip_id]
    kept = [samples.arrays_of([row], make, tmp_path)[row.clip_id] for _ in range(2)]
    assert len(calls) == 2, "live once, for the store once"
    for arrays in kept:
        assert all(np.array_equal(live[name], arrays[name]) and live[name].dtype == arrays[name].dtype for name in live)
