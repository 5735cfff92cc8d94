"""The experiments of notebook 02 on freshly initialised networks: who is drawn, what is asked, what a control changes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avlab.clips import manifest
from avlab.clips.datasets.synthtalk import SEEN, UNSEEN
from avlab.course import nb02_clips
from avlab.course import nb02_experiments as experiments
from avlab.course import nb02_looks as looks
from avlab.course import nb02_runs as runs
from avlab.errors import AvlabError
from avlab.probe import bundled
from avlab.probe.attention import last_layer
from avlab.probe.ddim import Schedule
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.show import pictures


@pytest.fixture(scope="module")
def rows():
    return manifest.load("synthtalk")


@pytest.fixture(scope="module")
def probe():
    torch.manual_seed(0)
    vae, ears, unet = (net.eval().requires_grad_(False) for net in bundled.build())
    return DiffusionProbe(vae, ears, unet, Schedule.ddim(), last_layer(unet, "cross").name)


@pytest.fixture(scope="module")
def sample(probe):
    """Two clips of six frames of noise: enough to run the network on."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (2, 6, 64, 64, 3), dtype=np.uint8)
    regions = np.zeros((2, 6, 64, 64), np.uint8)
    regions[:, :, 16:48, 16:48], regions[:, :, 36:44, 26:38] = 1, 2
    rows = manifest.load("synthtalk").select(split="test", forger="real", duration_s=0.64)
    rows = np.array([rows[0], next(r for r in rows if r.identity != rows[0].identity)], dtype=object)
    audio = (rng.standard_normal((2, 6 * 640)) * 0.1).astype(np.float32)
    return nb02_clips.Sample(rows, np.array([0, 0]), np.array(["test"] * 2), np.array([0, 0]), np.array(["real"] * 2), np.array([r.identity for r in rows]),
                             frames, audio, regions, probe.encode(frames))


@pytest.mark.parametrize("n", [1, 4])
def test_a_draw_is_balanced_disjoint_and_decided_by_the_seed(rows, n):
    drawn = nb02_clips.draw(rows, n, seed=3)
    assert len(drawn) == len({r.clip_id for r in drawn}) == 18 * n
    assert [r.clip_id for r in drawn] == [r.clip_id for r in nb02_clips.draw(rows, n, seed=3)] != [r.clip_id for r in nb02_clips.draw(rows, n, seed=4)]
    for side in ("train", "test"):
        mine = [r for r in drawn if r.split == side]
        assert {f: sum(r.forger == f for r in mine) for f in {r.forger for r in mine}} == dict.fromkeys((*SEEN, *UNSEEN), n) | {"real": 3 * n}
        people = {r.identity for r in mine}
        assert len(people) == 2 * n
        for person in people:  # reals and fakes of everyone, or labels could not be permuted inside a person
            assert len({r.label for r in mine if r.identity == person}) == 2
    people = [set().union(*(r.identities for r in drawn if r.split == s)) for s in ("train", "test")]
    assert not people[0] & people[1]


def test_a_draw_of_everything_works_and_more_is_refused(rows):
    assert len(nb02_clips.draw(rows, 48, seed=0)) == 18 * 48
    with pytest.raises(AvlabError, match="clips_per_class"):
        nb02_clips.draw(rows, 200, seed=0)


def test_the_unseen_protocol_keeps_each_sides_forgers():
    side = np.array(["train", "train", "test", "test", "test"])
    forger = np.array(["faceswap", "dub", "dub", "reenact", "real"])
    sample = nb02_clips.Sample(None, None, side, (forger != "real").astype(int), forger, *[None] * 5)
    assert sample.unseen.tolist() == [True, False, True, False, True]


def test_regions_share_every_cell_out():
    regions = np.random.default_rng(0).integers(0, 3, (1, 2, 64, 64))
    masks = nb02_clips.region_masks(regions)
    assert np.allclose(sum(masks.values()), 1) and masks["mouth"].shape == (1, 2, 16, 16)
    assert np.isclose(masks["mouth"].mean(), (regions == 2).mean())


def test_until_stops_at_the_label_and_leading_never_meets_it():
    schedule = Schedule.ddim()
    assert experiments.until(schedule, 24).timesteps.tolist() == [24]
    assert experiments.until(schedule, 249).timesteps.tolist()[-1] == 249 and len(experiments.until(schedule, 499).timesteps) == 20
    early = experiments.leading(schedule)
    assert early.timesteps[:3].tolist() == [1, 26, 51] and 24 not in early.timesteps
    assert np.allclose(early.alphas, [schedule.abar(t) for t in early.timesteps])


def test_the_proof_holds_and_each_mutant_breaks_its_own_part(probe, sample):
    honest = experiments.checks_of_the_store(probe, sample, experiments.taps(probe.unet))
    assert honest == {"change": 0.0, "wrong_pass": 0.0, "off_grid_refused": 1}
    quiet = experiments.checks_of_the_store(probe, sample, experiments.taps(probe.unet), "leading_spacing")
    assert quiet["off_grid_refused"] == 0


def test_the_last_step_of_the_way_back_is_another_tensor(probe, sample):
    from dataclasses import replace
    short = replace(probe, schedule=experiments.until(probe.schedule, 74))  # three steps there and back are enough to see it
    wrong = experiments.checks_of_the_store(short, sample, experiments.taps(probe.unet), "last_reconstruction_step")
    assert wrong["wrong_pass"] > 1e-3 and wrong["change"] == 0


def test_capture_at_24_is_psi_of_one_call_whatever_the_latents(probe, sample):
    tapped = {"cross": last_layer(probe.unet, "cross").name}
    film = lambda x, _: x  # noqa: E731
    inverted = experiments.capture(probe, sample, tapped, (24,), reduce=film)["cross", 24]
    noised = experiments.capture(probe, sample, tapped, (24,), noised=True, reduce=film)["cross", 24]
    direct = experiments.psi_of(probe, sample.z0, probe.tokens(sample.audio), tapped["cross"])
    assert np.array_equal(inverted, direct) and np.allclose(noised, direct, atol=1e-5)
    assert np.allclose(direct, probe.measure(sample.frames, sample.audio, phi=False)["psi"].numpy(), atol=1e-6)


def test_only_what_can_hear_moves_with_the_sound(probe, sample):
    tapped = experiments.taps(probe.unet)
    films = runs.sound_films(probe, sample, [0, 1], tapped, (24, 49), seed=0)
    share = runs.shares(films, nb02_clips.region_masks(sample.regions))
    assert share["first_spatial", 24, "all"] == 0 < 1e-4 < share["first_cross", 24, "all"]
    assert share["first_spatial", 49, "all"] > 0  # the latent has been carried there with sound
    assert np.array_equal(films["shuffled"]["first_spatial", 24], films["own"]["first_spatial", 24])
    wrong = experiments.taps(probe.unet, mutant="spatial_for_cross")
    assert runs.shares(runs.sound_films(probe, sample, [0, 1], wrong, (24,), seed=0), {})["first_cross", 24, "all"] == 0


def test_shuffled_sound_is_the_others(sample):
    heard = experiments.sounds(sample)
    assert np.array_equal(heard["shuffled"], sample.audio[[1, 0]]) and not heard["silent"].any()


def test_taking_a_moment_away_is_what_it_says(probe, sample):
    audio = torch.from_numpy(sample.audio)
    whole = probe.audio(audio)
    for k in range(5):
        assert not torch.allclose(experiments.without_offset(probe.audio, audio, k), whole, atol=1e-4)
    quiet = torch.zeros_like(audio)
    assert torch.allclose(experiments.without_offset(probe.audio, quiet, 3), probe.audio(quiet), atol=1e-6)  # silence has nothing to lose
    tail = audio.clone()
    tail[:, 640 * 2:] = 0
    ahead = [experiments.without_offset(probe.audio, tail, k).unflatten(0, (2, 6))[:, 5] for k in range(5)]
    assert all(torch.allclose(x, ahead[0], atol=1e-3) for x in ahead)  # the last frame hears frames 3, 4, 5, 5, 5: all silent


def test_offset_shares_and_region_probabilities_add_up(probe, sample):
    masks = nb02_clips.region_masks(sample.regions)
    moved = experiments.offset_shares(probe, sample, last_layer(probe.unet, "cross").name, masks)
    assert moved.shape == (3, 5) and np.allclose(moved.sum(1), 1) and moved.min() > 0
    prob = experiments.region_probabilities(probe, sample, last_layer(probe.unet, "cross").name, masks)
    assert prob.shape == (3, 16) and np.allclose(prob.sum(1), 1, atol=1e-5)


def test_noise_painted_through_a_mask_looks_like_the_mask():
    rng = np.random.default_rng(0)
    psi, mouth = rng.standard_normal((32, 16, 16, 16)), np.zeros((16, 16, 16))
    mouth[:, 9:11, 6:10] = 1
    noise, real = runs.painted_lips(psi, mouth, 0.0, seed=1), runs.painted_lips(psi, mouth, 1.0, seed=1)
    assert noise.max() == real.max() == 1 and runs.correlation(noise, real) > 0.9
    assert np.unravel_index(noise.argmax(), noise.shape)[0] in (9, 10)


def test_permuted_labels_fall_around_half_even_for_a_perfect_feature():
    rng = np.random.default_rng(0)
    people, label = np.repeat(np.arange(40), 5), np.tile([0, 0, 0, 1, 1], 40)
    sample = nb02_clips.Sample(None, None, np.where(people < 20, "train", "test"), label, None, people, *[None] * 4)
    draws = experiments.permuted(label[:, None] + 0.01 * rng.standard_normal((200, 1)), sample, 20, rng)
    assert abs(draws.mean() - 0.5) < 0.05 and draws.std() > 0.02
    value, lo, hi = runs.label_control(draws)
    assert lo < value < hi


def test_a_store_gives_the_same_numbers_and_asks_the_network_once(probe, sample, tmp_path, monkeypatch):
    from avlab.course import nb02_store
    tapped, path = {"cross": last_layer(probe.unet, "cross").name}, str(tmp_path)
    live = experiments.capture(probe, sample, tapped, (24,))["cross", 24]
    first = nb02_store.measured(path, probe, sample, tapped, (24,))["cross", 24]
    assert np.allclose(live, first, atol=1e-6)
    monkeypatch.setattr(experiments, "one_batch", lambda *_: pytest.fail("everything is in the store"))
    assert np.array_equal(nb02_store.measured(path, probe, sample.pick([1, 0]), tapped, (24,))["cross", 24], first[::-1])
    other = DiffusionProbe.random(like=probe, seed=1)
    silent = sample.audio * 0
    for changed in (dict(audio=silent), dict(noised=True), dict(probe=other)):  # each is another measurement: it must ask
        with pytest.raises(pytest.fail.Exception):
            nb02_store.measured(path, changed.get("probe", probe), sample, tapped, (24,), changed.get("audio"), noised=changed.get("noised", False))


def test_noise_belongs_to_the_clip_not_to_its_place(sample):
    both, turned = experiments.noise_of(sample, 3), experiments.noise_of(sample.pick([1, 0]), 3)
    assert torch.equal(both, turned.flip(0)) and not torch.equal(both[0], both[1]) and not torch.equal(both, experiments.noise_of(sample, 4))


def test_a_half_filled_store_weighs_each_clip_with_its_own_mask(probe, sample, tmp_path):
    """Only what is missing is measured, so a clip's place in the batch changes; its mouth mask must come along."""
    tapped, path = experiments.taps(probe.unet), str(tmp_path)
    sample.regions[1, :, 20:30, 20:30] = 2  # the two mouths differ
    live = runs.random_features(probe, sample, tapped)
    runs.random_features(probe, sample.pick([0]), tapped, path)
    stored = runs.random_features(probe, sample, tapped, path)
    assert all(np.allclose(live[key], stored[key], atol=1e-5) for key in live)
    assert not np.allclose(live["cross", 24, "random_mouth"], live["cross", 24, "random"])


# ------------------------------------------------------------------------------------------------ real beside fake


def two_clips():
    """Two clips of two frames, 8 x 8: the mouth is the lower left quarter of frame 1, and there is none in frame 0."""
    regions = np.zeros((2, 2, 8, 8), int)
    regions[:, 1, 4:, :4] = 2
    return SimpleNamespace(regions=regions, frames=np.zeros((2, 2, 8, 8, 3), np.uint8), forger=np.array(["real", "dub"]))


def test_the_mouth_is_looked_at_where_it_is_widest_and_against_the_whole_frame():
    both, maps = two_clips(), np.ones((2, 4, 4))
    maps[0, 2:, :2] = 3                                                           # mean 1.5, mouth 3; the other clip is flat
    assert looks.open_frame(both) == 1
    assert looks.mouth_ratio(both, maps) == pytest.approx([2, 1])


def test_the_outline_surrounds_the_mouth_and_nothing_else():
    edge = looks.outline(two_clips(), 0)[..., 3] > 0
    assert edge[3, :4].all() and edge[4:, 4].all() and edge.sum() == 8            # a square in the corner has two open sides


def test_psi_is_painted_against_its_mean():
    found = {("cross", "up.-1", 24, sound): np.full((2, 4, 4), size) for sound, size in (("own sound", 2.0), ("silence", 0.5))}
    found["cross", "up.-1", 24, "silence"][1, 0, 0] = 0.5
    panels = looks.looked_at(two_clips(), found, "cross", "up.-1", 24, "silence")
    assert list(panels) == ["the real clip", "the dub made from it"]
    frame, layers = panels["the real clip"]
    assert (layers["psi"] == pictures.paint(np.zeros((4, 4)), "signed", 1.0)).all() and layers["outline of the mouth"].shape == (8, 8, 4)
    assert looks.level(found, "cross", "up.-1", 24, "silence") == pytest.approx(0.25)


def test_a_fake_stands_beside_the_clip_it_was_made_from_and_the_first_layer_is_deaf(rows, probe):
    drawn = nb02_clips.draw(rows, 1, seed=0)
    sample = SimpleNamespace(rows=np.array(drawn, dtype=object), side=np.array([r.split for r in drawn]), forger=np.array([r.forger for r in drawn]))
    both = looks.pair(rows, sample, probe)
    assert both.forger.tolist() == ["real", "dub"] and both.rows[0].source == both.rows[1].source and both.rows[1].split == "test"
    found = looks.strengths(probe, probe, both, both.audio[0][::-1].copy(), (24,), seed=0)
    assert len(found) == 3 * 4 * 5 and found["cross", "up.-1", 24, "own sound"].shape == (2, 16, 16)
    assert (found["spatial", "down.0", 24, "own minus silence"] == 0).all() and (found["cross", "down.0", 24, "own minus silence"] > 0).any()
    assert (found["cross", "up.0", 24, "random weights"] == found["cross", "up.0", 24, "own sound"]).all()      # here both probes are one
    with pytest.raises(AvlabError, match="beside the clip"):
        looks.pair([row for row in rows if row.forger != "real"], sample, probe)
