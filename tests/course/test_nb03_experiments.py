"""The experiments of notebook 03 on planted embeddings and freshly initialised networks: who is drawn, what is asked, what a control changes."""

import numpy as np
import pytest
import torch

from avlab import detectors
from avlab.clips import manifest
from avlab.clips.datasets import synthtalk
from avlab.course import nb03_clips
from avlab.course import nb03_experiments as experiments
from avlab.course import nb03_runs as runs
from avlab.course import nb03_training as training
from avlab.errors import AvlabError


@pytest.fixture(scope="module")
def rows():
    return manifest.load("synthtalk")


@pytest.fixture(scope="module")
def forgers(rows):
    return training.known_forgers(rows)


@pytest.fixture(scope="module")
def sample(rows, forgers):
    """Clips of the real manifest with pictures and sounds of noise: enough to run a network and to plant embeddings on."""
    drawn = list(nb03_clips.draw(rows, 240, seed=0))
    rng = np.random.default_rng(0)
    names = np.array([row.forger for row in drawn])
    number = {name: k for k, name in enumerate(("real", *forgers))}
    return nb03_clips.Sample(
        np.array(drawn, dtype=object), names, np.array([row.identity for row in drawn]), np.array([row.category for row in drawn]),
        np.array([number.get(name, -1) for name in names]), forgers, rng.integers(0, 256, (len(drawn), 4, 3, 40, 40)).astype(np.float16),
        rng.random((len(drawn), 64, 64)).astype(np.float16), {"person": np.array([row.identity for row in drawn])})


def planted(sample, rng, size=6.0, names=None):
    """Embeddings (N, 24) in which each forger (or only `names`) has a place of its own, strangers included."""
    places = {name: size * np.eye(24)[k] for k, name in enumerate(sorted(set(sample.forger.tolist()))) if names is None or name in names}
    return rng.standard_normal((len(sample), 24)) + np.array([places.get(name, np.zeros(24)) for name in sample.forger])


# ------------------------------------------------------------------------------------------------ clips and protocol


def test_every_forger_is_known_or_a_stranger_and_the_protocol_decides(rows, forgers):
    strangers = training.strangers(rows)
    assert set(forgers) | set(strangers) == {row.forger for row in rows} - {"real"} and not set(forgers) & set(strangers)
    assert set(synthtalk.SEEN) <= set(forgers) and set(synthtalk.UNSEEN) <= set(strangers)
    assert not any(part in synthtalk.UNSEEN for name in forgers for part in name.split("+"))


def test_training_rows_never_hold_test_people_or_strangers(rows, forgers):
    chosen = [row for split in ("train", "val") for row in training.training_rows(rows, split, forgers)]
    assert {row.split for row in chosen} == {"train", "val"} and {row.forger for row in chosen} == {"real", *forgers}
    test = {row.identity for row in rows if row.split == "test"}
    assert not test & nb03_clips.trained_people(rows)
    assert nb03_clips.trained_people(rows) == frozenset().union(*(row.identities for row in chosen))
    with pytest.raises(AvlabError, match="train and val"):
        training.training_rows([row for row in rows if row.split == "test"], "train", forgers)


def test_a_draw_is_balanced_spread_over_people_and_decided_by_the_seed(rows):
    drawn = nb03_clips.draw(rows, 120, seed=3)
    counts = {name: sum(row.forger == name for row in drawn) for name in {row.forger for row in drawn}}
    n = counts["dub"]
    assert counts["real"] == 3 * n and set(counts.values()) == {n, 3 * n} and abs(len(drawn) - 120) < len(counts) + 3
    assert len({row.identity for row in drawn if row.forger == "dub"}) == min(n, 24)
    assert {row.split for row in drawn} == {"test"}
    assert [r.clip_id for r in drawn] == [r.clip_id for r in nb03_clips.draw(rows, 120, seed=3)] != [r.clip_id for r in nb03_clips.draw(rows, 120, seed=4)]


def test_a_sample_reads_clips_once_and_knows_their_nuisances(rows, forgers):
    from avlab.detectors import amdd
    drawn = [next(row for row in rows if row.split == "test" and row.forger == name and row.duration_s == 0.64) for name in ("real", "faceswap", "dub", "rtvc")]
    sample = nb03_clips.load_sample(drawn, forgers, amdd.inputs)
    assert sample.frames.shape == (4, 16, 3, 40, 40) and sample.log_mel.shape == (4, 64, 64)
    assert sample.generator.tolist() == [0, 1 + forgers.index("faceswap"), -1, 1 + forgers.index("rtvc")]
    assert sample.known.tolist() == [True, True, False, True] and sample.label.tolist() == [0, 1, 1, 1]
    assert set(sample.nuisance) == {"person", "background hue", "camera blur and grain", "light", "phoneme rate"}
    assert sorted(sample.nuisance["light"].tolist()) == [0, 1, 2, 3]  # four clips, a quarter each
    half = sample.pick([True, False, False, True])
    assert half.forger.tolist() == ["real", "rtvc"] and len(half.nuisance["person"]) == 2


# ------------------------------------------------------------------------------------------------ probes and neighbours


def test_the_mutants_break_their_own_number(sample):
    people = experiments.fold_groups(sample.people)
    assert experiments.leaks(people, sample.people) == 0
    assert experiments.leaks(experiments.fold_groups(sample.people, "group_leak"), sample.people) > 10
    x = np.random.default_rng(1).standard_normal((len(sample), 8))
    assert abs(experiments.permuted_excess(x, sample.forger, 20, 0)) < 0.02
    assert experiments.permuted_excess(x, sample.forger, 20, 0, "self_neighbour") > 0.07


def test_probes_find_the_planted_generator_and_permuted_labels_do_not(sample):
    x = planted(sample, np.random.default_rng(2))
    said = experiments.probed({"a": [x, x]}, sample.forger, sample.people)["a"]
    assert said.shape == (2, len(sample)) and (said[0] == sample.forger).mean() > 0.9
    assert (experiments.voted({"a": [x]}, sample.forger, sample.people)["a"][0] == sample.forger).mean() > 0.9
    classes = len(set(sample.forger.tolist()))
    assert abs(experiments.permuted_probe(x, sample.forger, sample.people, 4, 0).mean() - 1 / classes) < 0.08
    few = np.arange(len(sample)) % 4 == 0  # hardly two clips a person: a null all the same
    assert abs(experiments.permuted_probe(x[few], sample.forger[few], sample.people[few], 20, 0).mean() - 1 / classes) < 0.08
    assert experiments.excess(x, sample.forger) > 0.8 > 0.1 > abs(experiments.excess(x, sample.people))


def test_categories_find_the_stream_that_carries_the_trace(sample):
    rng = np.random.default_rng(3)
    picture = planted(sample, rng, names=synthtalk.SEEN)
    sound = rng.standard_normal((len(sample), 24)) + 6 * np.eye(24)[0] * np.array([["rtvc" in name] for name in sample.forger])
    found = [{"video": picture, "audio": sound, "fused": picture}]
    table, chance, bands, _ = runs.streams(found, sample, sample.people, n=100, seed=0, permutations=4)
    assert chance["FVRA"] == pytest.approx(1 / len(synthtalk.SEEN)) and chance["RVFA"] == 0.5
    assert table["FVRA", "visual"].lo > 0.9 and table["FVRA", "audio"].value < chance["FVRA"] + 0.2
    assert table["RVFA", "audio"].lo > 0.9 and table["RVFA", "visual"].value < 0.75
    assert bands["FVRA"][0] <= chance["FVRA"] + 0.15
    with pytest.raises(AvlabError, match="needs clips of a forger"):
        experiments.by_category(found, sample.pick(sample.forger == "real"), sample.people[sample.forger == "real"], "RVFA")


# ------------------------------------------------------------------------------------------------ heads and strangers


def test_random_heads_are_repeatable_and_as_bad_as_chance(sample, forgers):
    x = planted(sample, np.random.default_rng(4))
    before = torch.get_rng_state()
    drawn = experiments.random_heads(x, sample.generator, forgers, 60, 0)
    assert torch.equal(before, torch.get_rng_state()) and np.array_equal(drawn[:5], experiments.random_heads(x, sample.generator, forgers, 5, 0))
    assert 0 <= drawn.min() < 0.1 and 0.05 < drawn.mean() < 0.4
    constants = experiments.constant_answers(sample.generator, forgers)
    assert constants["real"] == 0 and sum(constants.values()) == pytest.approx(1)


def test_a_stranger_with_a_place_of_its_own_is_new_and_one_in_a_crowd_is_not(sample):
    rng = np.random.default_rng(5)
    x = planted(sample, rng, names={*sample.forgers, "flow"})
    x[sample.forger == "dub"] = rng.standard_normal(((sample.forger == "dub").sum(), 24))  # looks like a real clip
    logits = x[:, :len(sample.forgers) + 1]
    table = experiments.novelty_aurocs([{"fused": x, "logits": logits}], sample, ("dub", "flow"), n=100, seed=0)
    assert table["flow", "distance"].lo > 0.8 and table["dub", "distance"].value < 0.75
    rows = experiments.landing({"fused": x}, sample, ("dub", "flow"))
    assert np.allclose(rows.sum(1), 1) and rows[0].argmax() == 0  # dub stands among the reals


def test_embedding_a_sample_is_what_the_network_says_and_batches_do_not_matter(sample, forgers):
    torch.manual_seed(0)
    model = detectors.build("amdd", "small", generators=len(forgers)).eval()
    few = sample.pick(np.arange(len(sample)) < 40)
    made = experiments.embed(model, few)
    with torch.no_grad():
        said = model(torch.from_numpy(few.frames[33:40]).float(), torch.from_numpy(few.log_mel[33:40]).float())
    assert np.allclose(made["score"][33:], said.logit.numpy(), atol=1e-5) and np.allclose(made["fused"][33:], said.embedding.numpy(), atol=1e-5)
    assert np.allclose(made["video"][33:], said.parts["video"].numpy(), atol=1e-5) and made["logits"].shape == (40, len(forgers) + 1)
    fresh = experiments.embed(experiments.untrained(model, 1), few)
    assert np.isfinite(fresh["fused"]).all() and not np.allclose(fresh["fused"], made["fused"], atol=0.1)
    assert experiments.plain(few).shape == (40, 144)


def test_detection_and_confusion_read_planted_scores(sample):
    score = np.where(np.isin(sample.forger, ("real", "dub")), -1.0, 1.0) + 0.01 * np.random.default_rng(7).random(len(sample))
    logits = 9.0 * np.eye(len(sample.forgers) + 1)[np.maximum(sample.generator, 0)]  # strangers are called real
    found = [{"score": score, "logits": logits, "fused": logits}] * 2
    table = experiments.detection(found, sample, n=100, seed=0)
    assert table["faceswap"].value == 1 and table["flow"].value == 1 and table["dub"].value < 0.9 and table["all known"].lo == 1
    shares, names = experiments.confusion(found, sample)
    assert np.allclose(shares.sum(1), 1) and np.allclose(np.diag(shares), 1) and shares[names.index("flow"), 0] == 1
    assert experiments.named(found, sample, n=100, seed=0).value == 1


# ------------------------------------------------------------------------------------------------ toys and maps


def test_islands_come_out_of_noise_and_vanish_on_fresh_noise():
    made = experiments.islands(200)
    assert made["fitted"][2] == 1 and made["fitted"][3] > 0.3 and made["fresh"][2] < 0.3 and made["fresh"][3] < 0.05
    assert experiments.islands(10)["fitted"][2] < 0.5


def test_silhouettes_of_20_means_are_high_for_clumps_and_noise_has_some_too():
    rng = np.random.default_rng(0)
    dots = (np.array([[i, j] for i in range(5) for j in range(4)]) * 10.0)[np.arange(200) % 20] + 0.1 * rng.standard_normal((200, 2))
    assert experiments.clumps(dots) > 0.95 and 0.2 < experiments.clumps(rng.random((200, 2))) < 0.5


def test_maps_keep_what_they_say():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 9))  # a plane in nine dimensions
    curves = runs.kept(x, {"plane": runs.principal(x), "noise": rng.standard_normal((60, 2))})
    assert curves["plane"][0] == [2, 5, 10, 20] and min(curves["plane"][1]) > 0.95 and max(curves["noise"][1][:2]) < 0.3
    assert runs.seed_overlap([x, 2 * x, -x]) == 1
    group = np.repeat(["a", "b"], [90, 10])
    picked = runs.spread_rows(group, 20)
    assert len(picked) == 20 and 1 <= (group[picked] == "b").sum() <= 3 and len(runs.spread_rows(group, 500)) == 100


def test_between_tells_one_heap_from_two():
    label = np.arange(100) % 2
    assert runs.between(label.astype(float), label) == 0
    assert runs.between(np.linspace(0, 1, 100), (np.arange(100) > 49).astype(int)) > 0.15


def test_a_map_knows_how_many_of_its_neighbours_share_a_colour():
    groups = {"island": ["a"] * 12 + ["b"] * 12, "alternating": ["a", "b"] * 12}
    places = np.r_[np.random.default_rng(0).normal(0, 1, (12, 2)), np.random.default_rng(1).normal(99, 1, (12, 2))]
    told = runs.same_colour({"map": places}, groups)
    assert told["map", "island"] == (1.0, pytest.approx(11 / 23)) and told["map", "alternating"][0] == pytest.approx(0.5, abs=0.1)


def test_the_films_of_a_map_are_every_second_frame_and_are_picked_with_the_clips(rows, forgers):
    from avlab.clips import load_clip
    from avlab.detectors import amdd
    from avlab.show.pictures import film_uri

    drawn = list(nb03_clips.draw(rows, 240, seed=0))[:2]
    sample = nb03_clips.load_sample(drawn, forgers, amdd.inputs)
    clip = load_clip(drawn[1])
    assert (sample.film[1] == clip.frames[::2]).all() and sample.sound.shape == (2, len(clip.audio) * 2 // 5)
    assert 240 * (sample.sound.shape[1] * 4 / 3 + len(film_uri(np.concatenate(sample.film), 32, 50)) / 2) < 2.7e6, "a full map has 240 clips and 3 MB"
    assert (sample.pick([False, True]).film == sample.film[1:]).all()
