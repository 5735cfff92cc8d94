"""The experiments of notebook 04 where the answer is known: planted delays, towers that copy, a probe that is told what to say."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avlab.clips import manifest
from avlab.course import nb04, nb04_clips
from avlab.course import nb04_attention as attention
from avlab.course import nb04_experiments as experiments
from avlab.course import nb04_probe as probing
from avlab.course import nb04_projections as projecting
from avlab.course import nb04_runs as runs
from avlab.detectors import losses
from avlab.errors import AvlabError
from avlab.explain import similarity
from avlab.probe.ddim import Schedule


@pytest.fixture(scope="module")
def rows():
    return manifest.load("synthtalk")


def made(n_people=6, each=2, frames=40, delay=0, seed=0):
    """A sample without pictures: opening follows loudness with a delay; half of the clips of everybody are called fake."""
    rng = np.random.default_rng(seed)
    n = n_people * each
    loud = rng.standard_normal((n, frames)).cumsum(1)
    opening = np.stack([np.roll(x, delay) for x in loud]) * 2 + 1
    people, label = np.repeat(np.arange(n_people), each), np.tile(np.arange(each) % 2, n_people)
    row = manifest.load("synthtalk").select(split="test", forger="real")[0]
    return nb04_clips.Sample(np.array([row] * n, dtype=object), label, np.where(label == 1, "dub", "real"), people,
                             np.zeros((n, frames, 64, 64, 3), np.uint8), np.arange(n * frames * 640, dtype=np.float32).reshape(n, -1), opening, loud)


# ------------------------------------------------------------------------------------------------ who is drawn


def test_a_draw_shows_every_forger_on_the_same_people(rows):
    names = nb04_clips.forgers(rows)
    drawn = nb04_clips.draw(rows, 3, seed=1)
    assert len({row.clip_id for row in drawn}) == len(drawn) == 3 * (len(names) + 4)
    for name in names:
        assert [row.identity for row in drawn if row.forger == name] == [row.identity for row in drawn if row.forger == names[0]]
    assert {row.split for row in drawn} == {"test"} and all("+" not in row.forger for row in drawn)
    ids = [[row.clip_id for row in nb04_clips.draw(rows, 3, seed=s)] for s in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    with pytest.raises(AvlabError, match="more clips"):
        nb04_clips.draw(rows, 500, seed=0)


def test_forgers_come_from_the_manifest(rows):
    names, fvra = nb04_clips.forgers(rows), nb04_clips.of_the_picture(rows)
    assert set(fvra) == {row.forger for row in rows if row.category == "FVRA"} and names[:len(fvra)] == fvra
    assert set(names) - set(fvra) == {row.forger for row in rows if row.category == "RVFA"}


def test_a_lengthened_clip_is_the_same_person_saying_the_same_and_more(rows):
    from avlab.clips import load_clip
    row = rows.select(split="test", forger="real", duration_s=0.64)[0]
    longer = load_clip(nb04_clips.lengthened(row, 20))
    assert longer.frames.shape[0] == 20 and longer.row.identity == row.identity and longer.clip_id != row.clip_id
    assert np.allclose(longer.truth.mouth_open[:15], load_clip(row).truth.mouth_open[:15])
    assert nb04_clips.lengthened(row, 16) is row


def test_a_window_meets_the_sound_that_a_late_picture_belongs_to():
    sample = made(frames=40)
    for lag in (-3, 0, 5):
        frames, audio = nb04_clips.windows(sample, lag=lag)
        assert frames.shape[1] == 16 and audio.shape[1] == 16 * 640
        assert audio[0, 0] == (12 - lag) * 640  # the sound counts its own samples
    with pytest.raises(AvlabError, match="inside its clip"):
        nb04_clips.windows(sample, lag=13)


# ------------------------------------------------------------------------------------------------ curves


@pytest.mark.parametrize("delay", [0, 2])
def test_the_mean_curve_of_delayed_clips_peaks_at_the_delay(delay):
    sample = made(delay=delay)
    table = experiments.curves(sample.opening, sample.loudness, 5)
    found = experiments.mean_curves(sample, table, ["real", "dub"], similarity.lags(5), n=100, seed=0)
    assert found["real"].peak == found["dub"].peak == delay
    assert (found["real"].lo <= found["real"].mean).all() and (found["real"].mean <= found["real"].hi).all()
    pool = experiments.mismatched(sample, 5, 0)
    assert pool.shape == (4 * len(sample), 11)
    few, more = (experiments.best_of_strangers(pool, k, n=200, seed=0) for k in (2, 12))
    assert few[0] < more[0] < 0 < more[1] < few[1] and more[1] < 0.8 < found["real"].mean.max()


def test_the_planted_peak_is_one_and_a_circular_shift_breaks_it():
    assert abs(experiments.planted(8) - 1) < 1e-12 and experiments.planted(8, circular=True) < 1 - 1e-3


def test_the_best_of_many_lags_grows_with_the_lags_and_own_pairs_keep_zero():
    sample = made(n_people=20)
    heard = experiments.listening(sample, [16, 40], 6, 0)
    assert heard[0].share_at_zero().mean() == 1 and heard[0].own.shape == (40, 13)
    best = [experiments.best_of_lags(heard[0].other, k).mean() for k in (0, 2, 6)]
    assert best[0] < best[1] < best[2]
    assert np.array_equal(experiments.best_of_lags(heard[0].other, 0), heard[0].other[:, 6])


def test_a_shared_silence_puts_strangers_in_step():
    sample = made(n_people=20)
    assert experiments.led_by_silence(sample, 6, 0).mean() > experiments.led_by_silence(sample, 0, 0).mean() + 0.2


# ------------------------------------------------------------------------------------------------ cosines


def copied(noise=0.0, shift=0.0):
    """Embedded in which sound repeats picture (plus noise), both with a common mean."""
    rng = np.random.default_rng(1)
    video = rng.standard_normal((12, 16, 4))
    audio = video + noise * rng.standard_normal(video.shape)
    mean = np.full(4, shift)
    return experiments.Embedded(video + shift, audio + shift, mean, mean)


def test_centring_takes_a_common_mean_away():
    seen, plain, order = copied(shift=3.0), copied(), np.roll(np.arange(12), 1)
    assert np.allclose(seen.cosine(), 1) and np.allclose(seen.cosine(order), plain.cosine(order))
    assert seen.cosine(order, centred=False).mean() > 0.85 > abs(seen.cosine(order).mean())


def test_a_gap_is_real_minus_fake_and_permuted_labels_have_none():
    sample = made(n_people=20)
    cosine = np.where(sample.label == 1, 0.2, 0.7) + 0.01 * np.random.default_rng(0).standard_normal(40)
    found = experiments.gaps(sample, cosine, ["dub"], n=100, seed=0)["dub"]
    assert abs(found.value - 0.5) < 0.02 and found.lo > 0.4
    assert experiments.aurocs(sample, -cosine, ["dub"], n=100, seed=0)["dub"].value == 1
    assert abs(experiments.permuted_gap(sample, cosine, 200, 0)) < 0.05


def test_a_toy_mean_reaches_its_closed_form():
    for size in (0.0, 1.0, 5.0):
        raw, centred = experiments.shared_mean(size)
        assert abs(raw.mean() - similarity.shared_mean_cosine(size)) < 0.03 and abs(centred.mean()) < 0.03


# ------------------------------------------------------------------------------------------------ the projections


def test_the_objective_is_amdds_two_losses_and_speaks_of_fakes_only():
    rng = torch.Generator().manual_seed(0)
    video, audio, generator = torch.randn(5, 6, generator=rng), torch.randn(5, 6, generator=rng), torch.tensor([0, 1, 1, 2, 0])
    want = 0.1 * losses.info_nce(video, audio, temperature=0.3) + 0.2 * losses.cmffc(video, audio, generator)
    assert torch.isclose(projecting.objective(video, audio, generator, 0.2, 0.3), want)
    assert projecting.gradient_on_reals() < 1e-12 < 1e-3 < projecting.gradient_on_reals("fp_on_reals")


def test_cmffc_ties_different_clips_of_a_generator_and_training_repeats():
    rng = np.random.default_rng(0)
    video, audio = (rng.standard_normal((40, 12)).astype(np.float32) for _ in range(2))
    generator = np.arange(40) % 4
    fit = lambda w: projecting.train(video, audio, generator, weight=w, epochs=20, temperature=0.5, seed=3)  # noqa: E731
    apart = {w: float(losses.cmffc(*map(torch.tensor, projecting.projected(fit(w), video, audio)), torch.tensor(generator), same_clip=False)) for w in (0.0, 5.0)}
    assert apart[5.0] < 0.5 * apart[0.0]
    assert all(np.array_equal(a, b) for a, b in zip(projecting.projected(fit(5.0), video, audio), projecting.projected(fit(5.0), video, audio)))


def test_self_pairs_of_balanced_batches_follow_the_arithmetic():
    from avlab.course.nb10_arithmetic import diagonal_share
    found = projecting.pairs_with_itself(np.repeat(np.arange(4), 50), seed=0, epochs=20)
    assert abs(found - diagonal_share(4, 4)) < 0.03


# ------------------------------------------------------------------------------------------------ one key


def test_one_key_has_weight_one_and_no_gradient_and_tokens_do():
    alone, tokens = attention.one_key(width=64, heads=4), attention.one_key(width=64, heads=4, over="tokens")
    assert (alone.lowest, alone.highest, alone.gradient_ratio) == (1, 1, 0) and 2 * alone.silent == alone.weights
    assert tokens.gradient_ratio > 1e-3 and tokens.highest < 1
    assert attention.one_key().silent == 1_050_624  # papers.md: half of 2,101,248


def test_the_own_moment_of_an_even_map_is_one():
    columns = np.tile([0.2, 0.2, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15], (3, 8, 1))
    assert np.isclose(attention.alike(columns), 1) and attention.alike(np.eye(8)[None]) < 1e-9
    assert np.allclose(attention.own_moment(np.full((3, 8, 8), 1 / 8)), 1) and np.allclose(attention.own_moment(np.eye(8)[None]), 8)


# ------------------------------------------------------------------------------------------------ the probe


class Hearing:
    """Stands in for the probe: its error is the distance of the sound it is given from the one that the picture shows (its first pixel)."""

    device, schedule = "cpu", Schedule.ddim()

    def encode(self, frames):
        return torch.as_tensor(frames[:, :, 0, 0, 0]).float()[:, None, :, None, None].expand(-1, 4, -1, 16, 16) / 255

    def tokens(self, audio):
        return torch.as_tensor(audio)[:, ::640]

    def denoiser(self, reference, tokens):
        abar = self.schedule.abar(probing.T)

        def denoise(z, t):
            assert t == probing.T
            z0 = tokens[:, None, :, None, None].expand(-1, 4, -1, 16, 16)  # what it hears is what it expects to see
            noise = (z - abar**0.5 * z0) / (1 - abar)**0.5
            return abar**0.5 * noise - (1 - abar)**0.5 * z0
        return denoise


def spoken(delay=0, frames=40):
    """A sample whose picture's corner repeats its sound, `delay` frames late."""
    sample = made(frames=frames)
    value = np.random.default_rng(2).integers(0, 255, (len(sample), frames))
    audio = np.repeat(value / 255, 640, 1).astype(np.float32)
    sample.frames[..., 0, 0, 0] = np.roll(value, delay, 1)
    return nb04_clips.Sample(sample.rows, sample.label, sample.forger, sample.people, sample.frames, audio, sample.opening, sample.loudness)


def test_the_probe_errs_least_with_the_own_sound_and_at_the_planted_lag():
    sample = spoken()
    frames, own = nb04_clips.windows(sample)
    error = probing.errors(Hearing(), sample.rows, frames, {"own": own, "other": own[probing.others(sample, 0)]}, draws=2)
    assert error["own"].max() < 1e-6 < 1e-3 < error["other"].min()
    for delay in (-2, 0, 1):
        table = probing.lag_errors(Hearing(), spoken(delay), [-2, -1, 0, 1, 2], draws=1, seed=0)
        assert (table.argmin(1) - 2 == delay).all() and np.allclose(table.mean(1), 0, atol=1e-6)


def test_others_are_other_people_of_the_same_category():
    sample = made()
    order = probing.others(sample, 3)
    assert not (sample.people[order] == sample.people).any()


def test_noise_depends_on_clip_draw_and_seed_alone(rows):
    some = np.array(list(rows)[:3], dtype=object)
    a = probing.noise_of(some, (2, 3), 0, 5)
    assert torch.equal(a[[2, 0]], probing.noise_of(some[[2, 0]], (2, 3), 0, 5))
    assert not torch.equal(a, probing.noise_of(some, (2, 3), 1, 5)) and not torch.equal(a, probing.noise_of(some, (2, 3), 0, 6))


# ------------------------------------------------------------------------------------------------ the course module


def test_the_claims_parts_are_those_the_notebook_gives(rows):
    from avlab.workbook import claims
    row = next(row for row in claims.rows()[0] if row["id"] == "L20")
    assert set(row["parts"]) <= set(nb04_clips.of_the_picture(rows))


def test_a_profile_that_cannot_be_measured_is_refused():
    for wrong in ({"probe_clips": 5}, {"lag_clips": 9}, {"fp_weights": [0.0, 1.0]}):
        with pytest.raises(ValueError):
            nb04.Params(**wrong)
    for profile in nb04.PROFILES.values():
        nb04.Params(**profile)


def test_first_of_each_keeps_the_same_people():
    sample = made(n_people=6, each=2)
    order = np.concatenate([[2 * k + 1, 2 * k, 2 * k] for k in range(6)])  # a fake and twice the real of everybody, as a draw gives them
    some = sample.pick(order).pick(runs.first_of_each(sample.pick(order), 2))
    assert (some.forger == "dub").sum() == 2 and (some.forger == "real").sum() == 4 and set(some.people) == {0, 1}


def test_shuffled_generators_stay_fakes():
    generator = np.array([0, 1, 2, 0, 3, 3, 1, 2])
    mixed = runs._shuffled(generator, 0)
    assert np.array_equal(mixed == 0, generator == 0) and sorted(mixed) == sorted(generator) and not np.array_equal(mixed, generator)


def test_cosine_of_torch_and_ours_agree():
    a, b = torch.randn(5, 6), torch.randn(5, 6)
    assert np.allclose(similarity.cosine(a.numpy(), b.numpy()), F.cosine_similarity(a, b).numpy(), atol=1e-6)
