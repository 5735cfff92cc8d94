"""The experiments of notebook 05 where the answer is known: who is drawn, what a variant reads, what each measure must say."""

import itertools

import numpy as np
import pytest
import torch

from avlab import detectors
from avlab.clips import manifest
from avlab.clips.datasets import synthtalk
from avlab.course import nb05, nb05_store
from avlab.course import nb05_clips as clips
from avlab.course import nb05_experiments as experiments
from avlab.course import nb05_runs as runs
from avlab.detectors.losses import triplet
from avlab.errors import AvlabError
from avlab.probe import bundled, extract
from avlab.probe.attention import last_layer
from avlab.probe.ddim import Schedule
from avlab.probe.diffusion_probe import DiffusionProbe

SIZES = {"train": 3, "val": 2, "test": 4}


@pytest.fixture(scope="module")
def rows():
    return manifest.load("synthtalk")


@pytest.fixture(scope="module")
def probe():
    torch.manual_seed(0)
    vae, ears, unet = (net.eval().requires_grad_(False) for net in bundled.build())
    return DiffusionProbe(vae, ears, unet, Schedule.ddim(steps=2), last_layer(unet, "cross").name)


def noise_sample(n=12, seed=0):
    """Clips of noise under real rows: half real, half fake, two people a side."""
    rng, every = np.random.default_rng(seed), manifest.load("synthtalk")
    drawn = []
    for side, people in (("train", 2), ("test", 2)):
        part = [r for r in every if r.split == side and r.duration_s == 0.64]
        for person in sorted({r.identity for r in part})[:people]:
            for forger in ("real", synthtalk.SEEN[0]):
                drawn += [r for r in part if r.identity == person and r.forger == forger][:n // 8 + 1]
    held = np.empty(len(drawn), object)
    held[:] = drawn
    return clips.Sample(held, *(np.array([getattr(r, k) for r in drawn]) for k in ("split", "label", "forger", "identity")),
                        rng.integers(0, 255, (len(drawn), 16, 64, 64, 3), dtype=np.uint8), (0.1 * rng.standard_normal((len(drawn), 10240))).astype(np.float32))


def features(n, seed=0):
    rng = np.random.default_rng(seed)
    return {"composite": rng.random((n, 12, 16, 32, 32)).astype(np.float16), "spectra": rng.standard_normal((n, 320, 8, 8)).astype(np.float16),
            "av_attention": (2 + rng.standard_normal((n, 32, 16, 16, 16))).astype(np.float16)}


# ------------------------------------------------------------------------------------------------ the clips


def test_a_draw_is_disjoint_balanced_and_decided_by_the_seed(rows):
    seen, unseen = clips.protocol()
    drawn = clips.draw(rows, seen, unseen, SIZES, seed=3)
    ids = [r.clip_id for r in drawn]
    assert len(set(ids)) == len(ids) and ids == [r.clip_id for r in clips.draw(rows, seen, unseen, SIZES, seed=3)]
    assert ids != [r.clip_id for r in clips.draw(rows, seen, unseen, SIZES, seed=4)]
    for side, forgers in (("train", seen), ("val", seen), ("test", (*seen, *unseen))):
        mine = [r for r in drawn if r.split == side]
        counts = {f: sum(r.forger == f for r in mine) for f in {r.forger for r in mine}}
        assert counts == {**dict.fromkeys(forgers, SIZES[side]), "real": SIZES[side] * (len(forgers) if side == "train" else max(len(forgers) // 2, 1))}
        assert all(len({r.label for r in mine if r.identity == person}) == 2 for person in {r.identity for r in mine})
    sources = {(r.identity, r.speech_seed, r.motion_seed, r.camera_seed) for r in drawn if r.forger == "real" and r.split == "train"}
    paired = [(r.identity, r.speech_seed, r.motion_seed, r.camera_seed) in sources for r in drawn if r.label and r.split == "train"]
    assert np.mean(paired) > 0.9  # forgery and source side by side
    groups = [set().union(*(r.identities for r in drawn if r.split == s)) for s in clips.SIDES]
    assert not any(a & b for a, b in itertools.combinations(groups, 2))


@pytest.mark.parametrize("profile", ["smoke", "full", "gpu"])
def test_every_profile_can_be_drawn_from_the_manifest(rows, profile):
    p = nb05.Params(**nb05.PROFILES[profile])
    seen, unseen = clips.protocol(p.train_forgers, p.test_forgers)
    drawn = clips.draw(rows, seen, unseen, {"train": p.train_clips, "val": p.val_clips, "test": p.test_clips}, 0)
    pairs = clips.draw_pairs([r for r in rows if r.split == "test"], seen, p.longer_clips, 0)
    assert len(drawn) == len({r.clip_id for r in drawn}) and len(pairs) == 2 * p.longer_clips
    assert all(a.label == 1 and b.label == 0 and a.identity == b.identity for a, b in zip(pairs[::2], pairs[1::2]))


def test_too_many_blocks_and_forgers_on_both_sides_are_refused(rows):
    with pytest.raises(AvlabError, match="too few clips"):
        clips.draw(rows, *clips.protocol(), {"train": 300, "val": 1, "test": 1}, 0)
    with pytest.raises(AvlabError, match="not both"):
        clips.protocol(["dub"], ["dub", "faceswap"])


def test_chunks_follow_one_another_and_keep_their_sound():
    sample = noise_sample()
    two = clips.Sample(*(getattr(sample, k) for k in ("rows", "side", "label", "forger", "people")), np.concatenate([sample.frames, 255 - sample.frames], 1),
                       np.concatenate([sample.audio, -sample.audio], 1))
    chunks, of = clips.chunked(two)
    assert of.tolist() == np.repeat(np.arange(len(sample)), 2).tolist() and len(chunks) == 2 * len(sample)
    assert np.array_equal(chunks.frames[1::2], 255 - sample.frames) and np.array_equal(chunks.audio[::2], sample.audio)
    assert np.array_equal(chunks.label[::2], sample.label)


def test_leaks_counts_people_and_its_mutant_makes_some(rows):
    sample = noise_sample()
    assert clips.leaks(sample) == 0 < clips.leaks(clips.chunks_apart(sample))
    drawn = clips.draw(rows, *clips.protocol(), {"train": 1, "val": 1, "test": 1}, 0)  # the smoke profile's clips
    held = np.empty(len(drawn), object)
    held[:] = drawn
    whole = clips.Sample(held, *(np.array([getattr(r, k) for r in drawn]) for k in ("split", "label", "forger", "identity")), held, held)
    assert clips.leaks(whole) == 0 < clips.leaks(clips.chunks_apart(whole))


# ------------------------------------------------------------------------------------------------ features


def test_a_store_gives_the_same_numbers_and_is_that_of_avlab_extract(probe, tmp_path, monkeypatch):
    sample = noise_sample().pick([0, 1, 5])
    live, stored = nb05_store.measured("", probe, sample), nb05_store.measured(str(tmp_path), probe, sample)
    assert all(np.array_equal(live[name], stored[name]) for name in live) and live["composite"].shape == (3, 12, 16, 32, 32) and live["spectra"].shape == (3, 320, 8, 8)

    class Clip:
        frames, audio, fps, sample_rate, clip_id, row = sample.frames[1], sample.audio[1], 25, 16_000, "c", sample.rows[1]
    from avlab.clips.store import Store
    kept, made = Store(tmp_path, extract.settings(probe, phi=True)).get(sample.rows[1]), extract.features(probe, Clip, phi=True)
    assert set(kept) == set(made) and all(np.allclose(kept[k], np.asarray(made[k]), atol=5e-3) for k in made)
    monkeypatch.setattr(nb05_store, "latents", lambda *_, **__: pytest.fail("everything is in the store"))
    assert np.array_equal(nb05_store.measured(str(tmp_path), probe, sample.pick([2, 0]))["composite"], live["composite"][[2, 0]])
    for changed in (dict(audio=sample.audio * 0), dict(probe=DiffusionProbe.random(like=probe, seed=1))):
        with pytest.raises(pytest.fail.Exception):
            nb05_store.measured(str(tmp_path), changed.get("probe", probe), sample, changed.get("audio"))


def test_what_the_variants_read():
    inputs = {"own": features(3), "random": features(3, seed=1)}
    assert experiments.features_of("random_probe", inputs) is inputs["random"] and experiments.features_of("no_psi", inputs) is inputs["own"]
    psi = inputs["own"]["av_attention"].astype(np.float32)
    still = experiments.features_of("still_psi", inputs)["av_attention"].astype(np.float32)
    assert np.abs(np.diff(still, axis=2)).max() == 0 and np.allclose(still.mean(2), psi.mean(2), atol=2e-3)
    noise = experiments.features_of("noise_psi", inputs)["av_attention"].astype(np.float32)
    assert np.allclose(noise.mean((0, 2, 3, 4)), psi.mean((0, 2, 3, 4)), atol=0.05) and np.allclose(noise.std((0, 2, 3, 4)), psi.std((0, 2, 3, 4)), atol=0.05)
    assert abs(np.corrcoef(noise.ravel(), psi.ravel())[0, 1]) < 0.02
    assert set(experiments.VARIANTS) == set(nb05.EVERYTHING) == set(experiments.VARIANTS) and set(experiments.PRINTED) < set(experiments.VARIANTS)


def test_variants_differ_in_one_part_and_pictures_alone_is_as_large():
    p = nb05.Params()
    full = detectors.build("xavdt", "small", **experiments.config("full", p))
    assert experiments.config("no_triplet", p)["triplet_weight"] == 0 and full.triplet_weight == p.lam
    weights = {v: sum(w.numel() for w in detectors.build("xavdt", "small", **experiments.config(v, p)).parameters()) for v in ("full", "rgb", "no_psi", "no_phi")}
    assert 0.9 < weights["rgb"] / weights["full"] < 1.1, weights
    assert max(weights["no_psi"], weights["no_phi"]) < weights["full"]


# ------------------------------------------------------------------------------------------------ measures


def test_the_walk_is_halving_and_a_wrong_walk_is_seen():
    rows, odd = experiments.shape_walk((15, 16, 17))
    assert experiments.walk_agrees(rows, (15, 16, 17)) == 1 and {c for _, c in odd} == {2}
    assert experiments.walk_agrees(rows, (15, 17, 16)) == 0
    assert sum(w for _, w, _ in rows) == sum(v.numel() for v in detectors.build("xavdt", "small").parameters())
    assert "16 frames" in experiments.refused(15) and experiments.refused(16) == ""


def test_triplet_curves_are_the_losses_of_a_symmetric_triplet():
    """Two clips of one class 0.7 apart and a negative as far from both: each of the two triplets has the same hinge."""
    for margin in (0.0, 0.3, 0.8):
        far, curves = experiments.triplet_curves(margin)
        for k in (40, 60, 79):
            d = far[k]  # from both; on the unit sphere in 3-D
            half = 0.35
            x = np.array([[half, np.sqrt(1 - half**2), 0], [-half, np.sqrt(1 - half**2), 0]])
            y = (1 - d**2 / 2) / x[0, 1]
            if abs(y) > 1:
                continue
            points = torch.tensor(np.vstack([x, [0, y, np.sqrt(1 - y**2)]]))
            label = torch.tensor([0, 0, 1])
            assert float(triplet(points, label, margin=margin)) == pytest.approx(curves["paper"][k], abs=1e-9)
            assert float(triplet(points, label, margin=margin, mining="code")) == pytest.approx(curves["released code"][k], abs=1e-9)


def test_likeness_of_chunks_by_hand():
    rng = np.random.default_rng(0)
    clip, label = np.repeat(np.arange(400), 2), np.repeat(np.arange(400) % 2, 2)
    alike = np.repeat(rng.standard_normal(400), 2) + 3 * label
    assert experiments.likeness(alike, label, clip) == pytest.approx(1, abs=1e-9)
    assert abs(experiments.likeness(rng.standard_normal(800) + 3 * label, label, clip)) < 0.12
    assert experiments.likeness(alike + rng.standard_normal(800), label, clip) == pytest.approx(0.5, abs=0.1)


def test_identical_chunks_double_the_variance():
    """rho = 1 and two chunks a clip: resampling chunks claims an interval too short by the square root of two."""
    rng = np.random.default_rng(1)
    clip, label = np.repeat(np.arange(120), 2), np.repeat(np.arange(120) % 2, 2)
    both = experiments.by_chunk_and_clip(np.repeat(rng.standard_normal(120), 2) + label, label, clip, n=2000, seed=0)
    ratio = (both["clip"].hi - both["clip"].lo) / (both["chunk"].hi - both["chunk"].lo)
    assert ratio == pytest.approx(2**0.5, abs=0.12) and both["clip"].value == both["chunk"].value


def test_only_accuracy_sees_a_shift():
    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    columns = experiments.shifted(rng.standard_normal(60) + 2 * (label - 0.5), label, np.linspace(-4, 4, 9))
    assert max(np.ptp(columns[name]) for name in ("AUROC", "AP", "Acc@EER")) < 1e-12
    assert columns["Acc"][[0, -1]].tolist() == [0.5, 0.5] and columns["Acc"][4] > 0.75


def test_permuted_labels_fall_around_half_and_the_mutant_leaks():
    sample = noise_sample()
    many = sample.pick(np.tile(np.arange(len(sample)), 6))
    x = np.random.default_rng(0).standard_normal((len(many), 4))
    fair = experiments.permuted(x, many, 20, np.random.default_rng(0))
    wrong = experiments.permuted(x, many, 20, np.random.default_rng(0), "label_leak_norm")
    assert abs(fair.mean() - 0.5) < 0.12 and wrong.mean() > 0.95


def test_a_batch_does_not_change_a_score_and_a_model_left_in_training_mode_does():
    sample = noise_sample().pick(np.arange(6))
    torch.manual_seed(0)
    model, own = experiments.with_spectra(detectors.build("xavdt", "small")).eval(), features(6)
    assert experiments.batch_change(model, sample, own) < 1e-4 < 0.01 < experiments.batch_change(model, sample, own, "bn_train_at_eval")
    assert not model.training


def test_shuffled_training_labels_learn_nothing_that_true_labels_say():
    """A planted signal (fakes have a larger psi) is found with true labels; trained on labels that say nothing, the same run is near chance."""
    sample = noise_sample(40)
    own = features(len(sample))
    own["av_attention"][sample.label == 1] *= np.float16(2)
    split = np.where(sample.people == sorted(set(sample.people[sample.side == "train"]))[1], "val", sample.side)
    sample = clips.Sample(sample.rows, split, *(getattr(sample, k) for k in ("label", "forger", "people", "frames", "audio")))
    p, seen = nb05.Params(), synthtalk.SEEN
    from avlab.metrics import auroc
    test = np.flatnonzero(split == "test")
    films = {k: v[test] for k, v in own.items()}
    again = {k: v[test] for k, v in features(len(sample), seed=9).items()}  # as if every test clip were a real one, made anew

    def score(labels=None):
        model, state = experiments.trained("no_phi", sample, own, seen, p, 0, labels=labels, epochs=6)
        return auroc(experiments.logits(model, sample.pick(test), films), sample.label[test]), model, state
    found, model, state = score()
    assert found > 0.9 and len(runs.curves([state])["AUROC"]["seed 0"][0]) == 6
    assert 0.2 < auroc(experiments.logits(model, sample.pick(test), again), sample.label[test]) < 0.8
    blank = np.zeros(len(sample), int)  # says nothing of the planted signal: half of every person's fakes and half of the reals
    for person, y in itertools.product(set(sample.people), (0, 1)):
        blank[np.flatnonzero((sample.people == person) & (sample.label == y))[::2]] = 1
    assert 0.2 < auroc(experiments.logits(score(blank)[1], sample.pick(test), films), blank[test]) < 0.8


def test_gaps_are_paired_and_every_forger_meets_all_reals():
    from avlab.explain import readout
    rng = np.random.default_rng(0)
    label = np.array([0] * 20 + [1] * 40)
    forger = np.array(["real"] * 20 + ["faceswap"] * 20 + ["dub"] * 20)
    base = rng.standard_normal((2, 60)) + label
    scores = readout.Scores({"full": base, "no_psi": base.copy()}, label, np.arange(60) % 10, forger, (0, 1), "x")
    gap = experiments.gaps(readout.intervals(scores, n=100))["no_psi"]
    assert gap.value == gap.lo == gap.hi == 0
    cells = readout.intervals(scores, n=100)
    assert np.mean([readout.intervals(experiments.among(scores, [f]), n=100)["full"].value for f in ("faceswap", "dub")]) == pytest.approx(cells["full"].value)
