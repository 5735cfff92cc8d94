"""The experiments of notebook 01 on planted answers: a probe that remembers, residuals worked out by hand, words that follow numbers."""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avlab import metrics
from avlab.course import nb01_experiments as lab
from avlab.course import nb01_walks as walks
from avlab.course import nb01_words as words
from avlab.probe.ddim import Schedule, ddim_invert, ddim_sample
from avlab.show import figures_diffusion as drawn


class Planted:
    """A probe with a known answer: it rebuilds the clip's first frame, plus the loudness of the sound in the right half of the picture.

    Latents are 4x4 pixel means; the denoiser is the ideal one of data that are a single point.
    """

    device = "cpu"

    def __init__(self):
        self.unet, self.schedule = torch.nn.Identity(), Schedule.ddim(8)

    def encode(self, frames):
        return torch.nn.functional.avg_pool2d(frames.permute(0, 1, 4, 2, 3).flatten(0, 1).double() / 255, 4).unflatten(0, frames.shape[:2]).transpose(1, 2)

    def decode(self, z):
        return z.transpose(1, 2).permute(0, 1, 3, 4, 2).repeat_interleave(4, 2).repeat_interleave(4, 3)

    def tokens(self, audio):
        return audio.abs().mean(1)

    def denoiser(self, reference, tokens):
        right = torch.arange(reference.shape[-1]) >= reference.shape[-1] // 2
        memory = (reference + tokens[:, None, None, None] * right)[:, :, None]

        def denoise(z, t):
            a = self.schedule.abar(t)
            return self.unet((math.sqrt(a) * z - memory) / math.sqrt(1 - a))  # x0 = memory whatever z is
        return denoise


def still_clips(n=4, grey=100, loud=0.1):
    """Clips that stand still at one grey level: face = left half and right half, mouth = right half."""
    regions = np.zeros((n, 16, 8, 8), np.uint8)
    regions[:, :, :4] = 1
    regions[:, :, :4, 4:] = 2
    return lab.Material(np.arange(n).astype(str), np.full((n, 16, 8, 8, 3), grey, np.uint8), np.full((n, 160), loud, np.float32), regions,
                        np.array([0, 1] * (n // 2)), np.array(["real", "dub"] * (n // 2)), np.arange(n))


def test_round_trip_reads_what_was_planted():
    probe, clips = Planted(), still_clips()
    trip = lab.round_trip(probe, clips, probe.schedule, batch=3)
    lost, added = lab.split(probe, trip)
    assert np.allclose(lost, 0, atol=1e-4)
    loudness = 0.1 * 255
    assert lab.in_region(trip.residual, clips.regions, "mouth") == pytest.approx(loudness, abs=1e-3)
    assert lab.in_region(trip.residual, clips.regions, "face") == pytest.approx(loudness / 2, abs=1e-3)  # half of the face is mouth
    assert lab.in_region(trip.residual, clips.regions, "all") == pytest.approx(loudness / 2, abs=1e-3)
    assert np.allclose(trip.residual, added, atol=1e-3)
    assert np.array_equal(trip.take([2, 0]).x, trip.x[[2, 0]])


def test_eps_and_v_tell_the_same_story_to_the_sampler():
    probe, clips = Planted(), still_clips()
    both = [lab.round_trip(probe, clips, Schedule.ddim(8, prediction=kind, zero_snr=False)).rebuilt for kind in ("v", "eps")]
    assert np.abs(both[0] - both[1]).max() < 0.02  # the planted denoiser was made for the zero-SNR table, so only nearly


def test_watch_keeps_the_first_clip_level_by_level():
    probe, clips, watch = Planted(), still_clips(), lab.Watch(8)
    clips.frames[0, :, :4] = 50  # two grey levels, so that there is something to correlate
    trip = lab.round_trip(probe, clips, probe.schedule, invert=partial(ddim_invert, on_step=watch.there), sample=partial(ddim_sample, on_step=watch.back),
                          batch=2)
    there, back, agreement = watch.films(probe, trip, 3)
    assert there.shape == back.shape == (9, 8, 8, 3)
    assert np.array_equal(there[-1], back[-1]) and there[0, 0] == pytest.approx(50 / 255, abs=1e-6) and there[0, 7] == pytest.approx(100 / 255, abs=1e-6)
    assert lab.grey(there, back)[0] == pytest.approx(trip.residual[0, 3], abs=1e-3)  # what is left at the clean level is the residual
    assert agreement[0] == pytest.approx(1) and agreement[-1] < 0.9


def test_a_passage_keeps_every_clip_from_clean_to_noise_and_back():
    probe, clips, passage = Planted(), still_clips(), walks.Passage(8, frame=3)
    heard = []
    hooks = passage.hooks(ddim_invert)
    hooks["invert"] = partial(ddim_invert, on_step=walks.each(passage.there, lambda step, t, z: heard.append(t)))
    trip = lab.round_trip(probe, clips, probe.schedule, **hooks, batch=3)                     # batches of three and of one
    walk = passage.walk(trip)
    assert walk.shape[:3] == (2, 9, 4) and len(heard) == 16
    assert torch.equal(walk[0, 0], trip.z0[:, :, 3]) and torch.equal(walk[1, 0], trip.z0_hat[:, :, 3])
    assert torch.equal(walk[0, -1], trip.z_T[:, :, 3]) and torch.equal(walk[1, -1], trip.z_T[:, :, 3])
    film = walks.films(probe, walk, [2, 0])
    assert film.shape == (2, 9, 2, 8, 8, 3)
    assert walks.gap(film, 0, 0) == pytest.approx(trip.residual[2, 3].mean(), abs=1e-3) and walks.gap(film, 1, 8) == 0
    panels = walks.state(walk, film, 2, 0, 0, 100.0)
    assert [p.dtype for p in panels.values()] == [np.uint8] * 4 and panels["difference"].mean() == pytest.approx(2.55 * walks.gap(film, 0, 0), abs=1)


def test_one_clip_of_each_kind_and_a_few_levels_are_shown():
    assert walks.one_of_each(np.array(["dub", "real", "dub", "flow"])) == {"real": 1, "dub": 0, "flow": 3}
    assert list(walks.one_of_each(np.array(list("gfedcb") + ["real"]))) == ["real", "g", "f", "e", "d"]
    assert walks.shown_levels(8) == list(range(9)) and walks.shown_levels(40) == list(range(0, 41, 5))


def test_calls_are_counted_and_the_hook_is_gone():
    probe, clips = Planted(), still_clips(2)
    n, trip = lab.network_calls(probe, lambda: lab.round_trip(probe, clips, probe.schedule))
    assert n == 16 and trip.x.shape[0] == 2 and not probe.unet._forward_hooks
    with pytest.raises(ZeroDivisionError):
        lab.network_calls(probe, lambda: 1 / 0)
    assert not probe.unet._forward_hooks


def test_audio_effects_are_the_planted_ones():
    probe, clips = Planted(), still_clips()
    clips.audio[:] *= np.array([1, 1, 3, 3])[:, None]  # two quiet clips, two loud ones
    own = lab.round_trip(probe, clips, probe.schedule)
    effects = lab.audio_effects(probe, clips, probe.schedule, own, seed=0)
    loud = np.array([0.1, 0.1, 0.3, 0.3]) * 255
    assert effects["silent", "mouth"] == pytest.approx(-loud, abs=1e-3)
    assert sum(effects["shuffled", "mouth"]) == pytest.approx(0, abs=1e-3)  # a permutation of the sounds
    assert effects["silent", "background"] == pytest.approx(-loud / 2, abs=1e-3)


def test_matched_auroc_takes_out_sharpness_and_nothing_else():
    rng = np.random.default_rng(0)
    label, sharp = np.repeat([0, 1], 300), rng.normal(size=600)
    sharp[label == 1] -= 2
    only = np.exp(1 + 0.4 * sharp + 0.05 * rng.normal(size=600))
    assert metrics.auroc(-np.log(only), label) > 0.9 and lab.matched_auroc(only, sharp, label) == pytest.approx(0.5, abs=0.05)
    assert lab.matched_auroc(only * np.exp(-0.3 * label), sharp, label) > 0.95
    assert lab.matched_auroc(only, np.ones(600), label) == pytest.approx(metrics.auroc(-np.log(only), label))  # nothing to fit


def test_sharpness_falls_with_blur_and_ignores_the_background():
    rng = np.random.default_rng(1)
    clips = still_clips(2)
    clips.frames[:] = rng.integers(0, 255, clips.frames.shape)
    before = lab.sharpness_db(clips.frames, clips.regions)
    assert (lab.sharpness_db(lab.blurred(clips, 1.0).frames, clips.regions) < before - 6).all()
    assert np.array_equal(lab.blurred(clips, 0.0).frames, clips.frames)
    flat = clips.frames.copy()
    flat[:, :, 7] = 0  # far from the face
    assert lab.sharpness_db(flat, clips.regions) == pytest.approx(before, abs=0.01)


def test_balanced_rows_take_each_forger_in_turn():
    label = np.array([0] * 5 + [1] * 6)
    clips = SimpleNamespace(label=label, forger=np.array(["real"] * 5 + ["dub"] * 4 + ["lipsync", "reenact"]))
    rows = lab.balanced_rows(clips, 3, seed=0)
    assert label[rows].tolist() == [0, 0, 0, 1, 1, 1] and set(clips.forger[rows[3:]]) == {"dub", "lipsync", "reenact"}
    assert len(lab.balanced_rows(clips, 99, seed=0)) == 11


def test_chance_band_and_auroc_table():
    clips = SimpleNamespace(label=np.repeat([0, 1], 20), forger=np.repeat(["real", "dub", "rtvc"], (20, 10, 10)), people=np.arange(40))
    residual = np.exp(-2.0 * (clips.forger == "dub") + 0.1 * np.random.default_rng(0).normal(size=40))
    lo, hi = lab.chance_band(-np.log(residual), clips, seed=0)
    assert 0.25 < lo < 0.5 < hi < 0.75
    table = lab.auroc_table(residual, clips, n=200)
    assert list(table) == ["all", "dub", "rtvc"] and table["dub"].value == 1.0
    assert table["all"].value == pytest.approx((table["dub"].value + table["rtvc"].value) / 2)
    assert words.side(table["dub"]) == 1 and words.side(table["rtvc"]) == 0


def test_codec_changes_a_film_a_little():
    y, x = np.mgrid[0:64, 0:64] / 64
    film = np.stack([np.stack([x, y, (x + y + t / 16) % 1], -1) for t in range(4)])
    back = lab.through_codec(film)
    assert back.shape == film.shape and 0 < np.abs(back - film).mean() < 0.05


def interval(value, lo, hi):
    return metrics.Interval(value, lo, hi, np.zeros(3))


@pytest.mark.parametrize("said, other", [
    (words.beat2(-1.05, 0.06, -1.9), words.beat2(-0.4, 0.3, -1.9)),
    (words.beat4(7, 10, {"face": 3.0, "mouth": 4.0, "background": 1.0}), words.beat4(0, 10, {"face": 5.0, "mouth": 4.0, "background": 1.0})),
    (words.beat5(0.8, 12), words.beat5(0.2, 12)),
    (words.beat6({"all": interval(0.6, 0.4, 0.7), "dub": interval(0.8, 0.7, 0.9)}, interval(0.5, 0.4, 0.6), 9),
     words.beat6({"all": interval(0.6, 0.4, 0.7), "dub": interval(0.2, 0.1, 0.3)}, interval(0.5, 0.4, 0.6), 9)),
    (words.beat6({"all": interval(0.6, 0.4, 0.7), "dub": interval(1.0, 1.0, 1.0)}, interval(0.5, 0.4, 0.6), 1),
     words.beat6({"all": interval(0.6, 0.55, 0.7), "dub": interval(1.0, 1.0, 1.0)}, interval(0.5, 0.4, 0.6), 1)),
    (words.beat8([0, 2], [11.0, 7.2], [interval(0.7, 0, 1)] * 2, 7.0, 7.1, 8), words.beat8([0, 2], [11.0, 10.2], [interval(0.7, 0, 1)] * 2, 7.0, 12.0, 8)),
    (words.beat7(0.9, interval(0.6, 0.4, 0.7), interval(0.5, 0.4, 0.6), interval(0.6, 0.5, 0.7)),
     words.beat7(0.1, interval(0.6, 0.4, 0.7), interval(0.7, 0.6, 0.8), interval(0.6, 0.5, 0.7))),
    (words.beat9(interval(0.3, 0.1, 0.5), 8), words.beat9(interval(0.1, -0.1, 0.3), 8)),
    (words.blur([0, 1, 2], [5, 4, 3], (2.5, 3.5)), words.blur([0, 1, 2], [3, 4, 5], (9, 10))),
    (words.perfect([0, 4], [0.2, 0.0], [0.05, 0.2]), words.perfect([0, 4], [0.2, 0.0], [0.05, 0.01])),
])
def test_words_follow_the_numbers(said, other):
    import re

    strip = lambda text: re.sub(r"[-+]?\d[\d.]*", "#", text)  # noqa: E731
    assert strip(said["alt"]) != strip(other["alt"])  # not only the numbers differ
    assert len(said["alt"]) > 40


def test_a_bootstrap_of_one_clip_is_not_put_into_words():
    said = words.beat6({"all": interval(0.6, 0.4, 0.7), "dub": interval(1.0, 1.0, 1.0)}, interval(0.5, 0.4, 0.6), 1)["alt"]
    assert "no single forger can be judged" in said and "dub" not in said


def test_figures_draw_what_they_are_given():
    table = {"all": interval(0.6, 0.5, 0.7), "dub": interval(0.8, 0.7, 0.9)}
    fig = drawn.strip_and_auroc({"real": [1.0, 2.0], "dub": [3.0]}, table, control=("random weights", interval(0.5, 0.4, 0.6)), null_band=(0.4, 0.6))
    marks = {t.y[0]: t.x[0] for t in fig.data if t.xaxis == "x2" and t.mode == "markers"}
    assert marks == {"all forgers": 0.6, "dub": 0.8, "random weights": 0.5}
    fig = drawn.side_by_side({"a": ([1, 2], [3, 4])}, {"a": ([1, 2], [0.5, 0.6], [0.4, 0.5], [0.6, 0.9])}, x="n", y=("l", "r"), titles=("L", "R"))
    assert list(fig.data[1].error_y.array) == pytest.approx([0.1, 0.3]) and list(fig.data[1].error_y.arrayminus) == pytest.approx([0.1, 0.1])
    assert fig.data[0].line.color == fig.data[1].line.color
    exact = np.array([[1.0, 2.0], [3.0, 4.0]])
    fig = drawn.walks([0.0, 1.0], exact, {"2 steps": (np.array([0.0, 1.0]), exact)})
    assert list(fig.data[-1].x) == [0, 1, 0, 1] and list(fig.data[-1].y) == [1, 3, 2, 4]


def test_first_inversion_step_asks_about_the_clip_itself():
    seen, probe, clips = [], Planted(), still_clips(2)
    z0 = probe.encode(torch.from_numpy(clips.frames))
    inner = probe.denoiser(z0[:, :, 0], probe.tokens(torch.from_numpy(clips.audio)))

    def denoise(z, t):
        seen.append((t, z.clone()))
        return inner(z, t)

    ddim_invert(denoise, z0, Schedule.ddim(40))
    assert seen[0][0] == 24 and torch.equal(seen[0][1], z0)
