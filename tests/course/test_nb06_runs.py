"""What notebook 06 draws, trains and reads off, on clips of noise: who stands where, what a statistic is, what a mutant changes."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from avlab import detectors, metrics
from avlab.clips import manifest
from avlab.clips.datasets import synthtalk
from avlab.course import nb06, nb06_clips
from avlab.course import nb06_mechanism as mechanism
from avlab.course import nb06_runs as runs
from avlab.detectors import msct

T = 6


def noise_clip(row):
    rng = np.random.default_rng(int(row.digest[:8], 16))
    return {"frames": rng.standard_normal((3, T, 40, 40)).astype(np.float16), "fbank": rng.standard_normal((104, T)).astype(np.float16),
            "mask": np.ones(T, bool)}


@pytest.fixture(scope="module")
def sides():
    return nb06_clips.draw(manifest.load("synthtalk"), 2, 4, 0)


@pytest.fixture(scope="module")
def clips(sides):
    return nb06_clips.Clips(*sides, {row.clip_id: noise_clip(row) for side in sides for row in side})


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return detectors.build("msct", "small").eval()


@pytest.fixture(scope="module")
def table(clips, encoder):
    return nb06_clips.encoded(clips, encoder)


@pytest.fixture(autouse=True)
def short(monkeypatch, encoder):
    """Clips of noise last six frames."""
    from avlab.detectors import batches
    whole = batches.ClipDataset
    monkeypatch.setattr(nb06_clips, "ClipDataset", lambda *args, **words: whole(*args, **words, frames=T))
    monkeypatch.setattr(runs, "bundled", lambda seed: encoder)


P = nb06.Params(epochs=1)


def test_a_draw_knows_its_sides(sides):
    train, val, test = sides
    people = [set().union(*(row.identities for row in side)) for side in sides]
    assert not people[0] & people[1] and not people[0] & people[2] and not people[1] & people[2]
    counts = {name: sum(row.forger == name for row in test) for name in {row.forger for row in test}}
    assert counts.pop("real") == 6 and set(counts.values()) == {2} and {f for name in counts for f in name.split("+")} >= {*synthtalk.SEEN, *synthtalk.UNSEEN}
    assert not any(part in synthtalk.UNSEEN for row in (*train, *val) for part in row.forger.split("+"))
    assert [row.clip_id for row in test] == [row.clip_id for row in nb06_clips.draw(manifest.load("synthtalk"), 2, 4, 0)[2]]


def test_seen_clips_are_reals_and_known_forgers(clips):
    known = {row.forger for row in clips.train}
    assert [row.forger in known for row in clips.test] == clips.seen.tolist()
    assert {row.forger for row, new in zip(clips.test, clips.new, strict=True) if new} == set(synthtalk.UNSEEN)


def test_sources_are_the_same_person_and_words_without_a_forger(clips):
    fakes = [row for row in clips.test if row.label]
    for fake, source in zip(fakes, nb06_clips.sources(clips), strict=True):
        assert source.label == 0 and source.forger == "real" and source.donor == -1
        assert (source.identity, source.speech_seed, source.motion_seed, source.camera_seed) == (fake.identity, fake.speech_seed, fake.motion_seed, fake.camera_seed)


def test_noise_sounds_like_nothing():
    made = nb06_clips.noise(3, 8, 0)
    assert made.shape == (3, 104, 8) and np.allclose(made.mean(1), 0, atol=1e-4) and not np.allclose(made[0], made[1])


@pytest.mark.parametrize("cell", runs.CELLS)
def test_every_cell_trains_from_the_same_start(clips, table, encoder, cell):
    differential, multi_scale = runs.CELLS[cell]
    model = runs.train(clips, table, encoder, P, seed=3, differential=differential, multi_scale=multi_scale)
    found = runs.measured(clips, table, model)
    assert found["logit"].shape == (len(clips.test),) and np.isfinite(found["cross_norm_video"]).all()
    assert (model.blocks[0].video.self_attention.scales is not None) == multi_scale
    assert runs.weights(model) == sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in encoder.picture_encoder.parameters())


def test_without_attention_there_are_no_blocks(clips, table, encoder):
    model = runs.train(clips, table, encoder, P, seed=0, blocks=0)
    found = [runs.measured(clips, table, model)]
    video, audio = (1 / (1 + np.exp(-runs.head(found, stream).astype(float))) for stream in runs.STREAMS)
    assert len(model.blocks) == 0 and np.allclose(1 / (1 + np.exp(-runs.either(found))), 1 - (1 - video) * (1 - audio), atol=1e-5)


def test_the_flipped_loss_differs_in_the_alignment_alone(clips, table):
    torch.manual_seed(0)
    model = detectors.build("msct", "small", align_weight=0.5).eval()
    data = clips.dataset(clips.train, table)
    batch = data.collate([data[i] for i in range(8)])
    right, wrong = msct.total_loss(model, batch), runs.flipped_loss(model, batch)
    assert all(torch.equal(right[name], wrong[name]) for name in ("video", "audio", "both"))
    assert (wrong["total"] - right["total"] - 0.5 * (wrong["alignment"] - right["alignment"])).abs() < 1e-6
    batch["label"] = 1 - batch["label"]
    assert (msct.total_loss(model, batch)["alignment"] - wrong["alignment"]).abs() < 1e-6


def test_who_chooses_the_epoch(clips):
    tested = {row.identity for row in clips.test}
    assert not {row.identity for row in runs.choosing_rows(clips)} & tested
    wrong = runs.choosing_rows(clips, "test_is_val")
    assert {row.identity for row in wrong} <= tested and {row.split for row in wrong} == {"val"}


def test_intervals_are_paired_and_hold_their_value():
    rng = np.random.default_rng(0)
    label, people = np.tile([0, 1], 60), np.repeat(np.arange(20), 6)
    scores = rng.standard_normal((3, 120)) + label
    got = runs.intervals({"a": runs.auroc_of(scores, label), "b": runs.auroc_of(scores[:1], label), "c": runs.auroc_of(scores + 5, label)}, people, 200, 0)
    assert np.isclose(got["a"].value, np.mean([metrics.auroc(row, label) for row in scores])) and got["a"].lo < got["a"].value < got["a"].hi
    assert np.array_equal(got["a"].draws, got["c"].draws) and not np.array_equal(got["a"].draws, got["b"].draws)
    assert 0.05 < got["b"].hi - got["b"].lo < 0.35


def test_effects_of_a_table_worked_by_hand():
    cells = {name: metrics.Interval(value, value, value, np.full(100, value)) for name, value in zip(runs.CELLS, (0.80, 0.82, 0.88, 0.96), strict=True)}
    got = {name: round(e.value, 6) for name, e in runs.effects(cells).items()}
    assert got == {"dca": 0.11, "mssa": 0.05, "interaction": 0.06, "dca-mssa": 0.06}


def test_hard_counts_and_their_auc():
    logit, label = np.array([2.0, -2.0, 0.0, -1.0, 3.0]), np.array([1, 1, 1, 0, 0])
    assert runs.hard_counts(logit, label) == (2, 1, 1, 1) and runs.hard_auc(2, 1, 1, 1) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert runs.hard_counts(logit, label, 0.9) == (0, 3, 1, 1)


def test_shuffled_labels_know_nothing_of_the_true_ones(clips):
    """Every label is lent once, and over many seeds lent and true ones do not go together (0.1 is over four standard errors of 100 draws)."""
    label, together = np.array([row.label for row in clips.train]), []
    for seed in range(100):
        lent = runs.shuffled_rows(clips.train, seed)
        assert sorted(row.clip_id for row in lent) == sorted(row.clip_id for row in clips.train)
        together.append(np.corrcoef(label, [row.label for row in lent])[0, 1])
    assert abs(np.mean(together)) < 0.1


@pytest.mark.parametrize("shuffled", [True, False])
def test_labels_that_mean_nothing_mean_nothing_where_the_epoch_is_chosen_either(clips, encoder, monkeypatch, shuffled):
    """Both data sets of the control carry lent labels; those of a true training carry their own."""
    seen = []
    monkeypatch.setattr(runs, "fit", lambda model, loss, train, val, **recipe: seen.extend((train, val)))
    runs.train(clips, None, encoder, nb06.Params(), seed=0, shuffled=shuffled)
    assert [data.rows for data in seen] == [clips.train, clips.val]
    for data in seen:
        lent = [row.clip_id for row in data.label_rows]
        assert sorted(lent) == sorted(row.clip_id for row in data.rows) and (lent != [row.clip_id for row in data.rows]) == shuffled


# ------------------------------------------------------------------------------------------------ the mechanism


def test_norms_are_means_of_logarithms():
    found = [{f"cross_norm_{s}": np.full((4, 2, 8), np.e**k) for s in runs.STREAMS} for k in (1, 3)]
    assert np.allclose(mechanism.log_norm(found, "cross"), [[1] * 4, [3] * 4])


def test_a_view_of_planted_numbers():
    """Trainings in which |Attn_BA| is e^(2 d) and d is 1 on reals, 0 on fakes, and a second group in which it is 1 everywhere."""
    label, people = np.tile([0, 1], 20), np.repeat(np.arange(10), 4)
    d = np.where(label == 0, 1.0, 0.0) + 0.01 * np.arange(40)

    def group(exponent):
        norm = np.exp(exponent * d)[:, None, None] * np.ones((40, 1, 8))
        return [{"similarity": d} | {f"{kind}_norm_{s}": norm for kind in ("cross", "diff") for s in runs.STREAMS}]

    view = mechanism.View({"with": group(2.0), "without": group(0.0)}, label, people, np.ones(40, bool))
    got = view.intervals(100, 0)
    gap = 1 - 0.01
    assert got["cosine", "with"].value == pytest.approx(gap) and got["cross", "with"].value == pytest.approx(2 * gap) and got["cross", "without"].value == 0
    assert got["rank", "with"].value == pytest.approx(1)
    value, lo, hi = view.label_control(100, 0)
    assert lo < 0 < hi and hi < got["cross", "with"].value
    x, y = view.points("with", label == 1)
    assert len(x) == 20 and np.allclose(y, 2 * x)


def test_other_sounds_are_other_peoples(clips, table):
    rows, sounds = mechanism.other_sounds(clips, table, 0)
    people = [row.identity for row in rows]
    for i, fbank in enumerate(sounds["another's"]):
        j = next(j for j in range(len(rows)) if np.array_equal(fbank, sounds["own"][j]))
        assert people[i] != people[j]


def test_the_sign_of_the_cross_query_is_free(encoder, clips, table):
    got = mechanism.flipped(encoder, clips, table)
    assert got["norm"] < 1e-12 and got["map"] > 1e-3


def test_the_first_tokens_span_less_than_a_head(encoder, clips, table):
    layer, own, other = mechanism.first_cross_attention(encoder, clips, table, frames=4)
    assert own.shape == other.shape == (1, 5, 64) and own.dtype == torch.float64 and 64 // layer.heads > 5
    assert encoder.cls_video.dtype == torch.float32  # a copy was measured


def test_a_disturbed_query_earns_a_gain(clips, table):
    path = mechanism.noise_path(clips, table, P, 0, steps=5)
    assert np.allclose(path.norms[:, 0], 0) and (path.norms[:, 1:] > 0).all()
    assert path.rank_correlation() == pytest.approx(spearmanr(path.shares, path.norms.mean(0)).statistic) and path.maps[1.0].shape == (8, 1 + T, 1 + T)


def test_renaming_features_leaves_a_plain_network_alone(clips, table, encoder):
    plain = runs.train(clips, table, encoder, P, seed=0, multi_scale=False)
    assert np.abs(runs.renamed(clips, table, plain, 0)[0] - runs.measured(clips, table, plain)["logit"]).max() < 1e-4
    assert np.abs(runs.renamed(clips, table, encoder, 0)[0] - runs.measured(clips, table, encoder)["logit"]).max() > 1e-4


def test_the_recipe_fits_the_number_of_clips():
    assert runs.recipe(16, 8)["batch_size"] == 8 and runs.recipe(16, 8)["warmup"] == 3
    assert runs.recipe(400, 12)["batch_size"] == 32 and runs.recipe(400, 12)["warmup"] == 20 and runs.recipe(400, 12)["monitor"] == "loss"


def test_the_cosine_gap_of_planted_numbers():
    found = [{"similarity": np.array([0.9, 0.7, 0.1]), "label": np.array([0, 0, 1])}, {"similarity": np.array([0.5, 0.5, 0.5]), "label": np.array([0, 0, 1])}]
    assert mechanism.cosine_gap(found) == pytest.approx(0.35)
