"""Degradations do what they say, to planted clips: the clock stays, the frequencies and bitrates fall as physics or the codec say."""

import numpy as np
import pytest

from avlab.clips import degrade
from avlab.clips.media import Clip
from avlab.errors import AvlabError

T, FPS, RATE = 16, 25, 16000


def stripes(cycles=0.25, seed=0):
    """A moving wave of so many cycles a pixel over grey, with a 440 Hz tone: 64 x 64, 0.64 s."""
    x = np.arange(64)[None, :] + 3 * np.arange(T)[:, None]
    wave = 128 + 80 * np.sin(2 * np.pi * cycles * x)
    frames = np.rint(np.broadcast_to(wave[:, None, :, None], (T, 64, 64, 3))).astype(np.uint8)
    audio = (0.3 * np.sin(2 * np.pi * 440 * np.arange(T * 640) / RATE)).astype(np.float32)
    return Clip(frames, audio, FPS, RATE, np.arange(T) / FPS, np.ones(T, bool), clip_id=f"stripes-{seed}")


def photo(seed=0):
    """Smooth grey random pictures that move: something for a codec to do (of colours it keeps a quarter at every level)."""
    import cv2
    rng = np.random.default_rng(seed)
    big = cv2.GaussianBlur(np.repeat(rng.uniform(0, 255, (64, 64 + 2 * T, 1)), 3, 2).astype(np.float32), (0, 0), 1.2)
    frames = np.stack([big[:, 2 * t:2 * t + 64] for t in range(T)])
    return Clip(np.clip((frames - 128) * 3 + 128, 0, 255).astype(np.uint8), stripes().audio, FPS, RATE, np.arange(T) / FPS, np.ones(T, bool), clip_id="photo")


def amplitude(clip, cycles):
    """Amplitude of the wave in the middle rows."""
    row = clip.frames[:, 32, :, 1].astype(float)
    at = np.exp(-2j * np.pi * cycles * np.arange(64))
    return np.abs(row @ at).mean() * 2 / 64


def away(clip, other):
    return np.abs(clip.frames.astype(float) - other.frames).mean()


@pytest.mark.parametrize("change", [lambda c: degrade.h264(c, 30), lambda c: degrade.aac(c, 24), lambda c: degrade.blur(c, 1), lambda c: degrade.noise(c, 8),
                                    lambda c: degrade.rescale(c, 0.5), lambda c: degrade.frame_rate(c, 12.5), degrade.silent, lambda c: degrade.noisy_sound(c, 10)])
def test_every_degradation_keeps_shape_length_and_clock_and_says_what_it_did(change):
    clip = photo()
    made = change(clip)
    assert made.frames.shape == clip.frames.shape and made.frames.dtype == np.uint8 and made.audio.shape == clip.audio.shape
    assert (made.fps, made.sample_rate, made.seconds, made.clip_id) == (clip.fps, clip.sample_rate, clip.seconds, clip.clip_id)
    assert made.mask.all() and len(made.frame_times) == T and len(made.notes) == 1 and not clip.notes
    assert (made.audio.dtype, np.abs(made.audio).max() <= 1) == (np.float32, True)


def test_the_bitrate_falls_and_the_damage_grows_with_the_level():
    clip, levels = photo(), (10, 25, 40)
    kbits = [degrade.h264_kbits(clip, crf) for crf in levels]
    assert kbits[0] > 1.5 * kbits[1] > 2 * kbits[2] > 0
    damage = [away(degrade.h264(clip, crf), clip) for crf in levels]
    assert damage[0] < damage[1] < damage[2] and damage[0] < 12


def test_a_clip_comes_out_of_the_codec_the_same_every_time():
    """x264's macroblock tree is off for this: it gave small pictures other bytes now and then, whatever the threads."""
    rng = np.random.default_rng(0)
    for seed in range(3):
        clip, seen = degrade.noise(photo(seed), 2.0), set()
        for _ in range(8):
            memory = [rng.random(rng.integers(1, 6000)) for _ in range(20)]  # other allocations before each
            seen.add(degrade.h264(clip, 30).frames.tobytes())
        assert len(seen) == 1 and memory


def test_pictures_through_the_codec_stay_at_their_times():
    """Each frame is a grey of its own: after the codec it is still the nearest to itself."""
    clip = stripes()
    greys = np.linspace(20, 230, T).astype(np.uint8)
    clip = Clip(np.broadcast_to(greys[:, None, None, None], (T, 64, 64, 3)).copy(), clip.audio, FPS, RATE, clip.frame_times, clip.mask, clip_id="greys")
    seen = degrade.h264(clip, 23).frames.mean((1, 2, 3))
    assert (np.abs(seen[:, None] - greys).argmin(1) == np.arange(T)).all()


def test_aac_keeps_a_tone_in_its_place_and_loses_more_with_fewer_bits():
    clip = stripes()
    clip.audio[:] *= (np.arange(len(clip.audio)) > 5120)  # the tone begins at 0.32 s
    made = degrade.aac(clip, 64).audio
    start = np.flatnonzero(np.abs(made) > 0.15)[0] / RATE
    assert abs(start - 0.32) < 0.01
    rng = np.random.default_rng(0)
    voice = degrade.with_sound(clip, rng.standard_normal(len(clip.audio)).astype(np.float32) * 0.1)
    loss = [np.mean((degrade.aac(voice, k).audio - voice.audio)[2000:-2000] ** 2) for k in (96, 16)]
    assert loss[0] < loss[1]


@pytest.mark.parametrize("sigma,cycles", [(0.8, 0.125), (0.8, 0.25), (1.5, 0.125)])
def test_blur_damps_a_wave_as_a_gaussian_does(sigma, cycles):
    clip = stripes(cycles)
    ratio = amplitude(degrade.blur(clip, sigma), cycles) / amplitude(clip, cycles)
    assert ratio == pytest.approx(np.exp(-2 * (np.pi * sigma * cycles) ** 2), abs=0.03)
    assert away(degrade.blur(clip, 0), clip) == 0


def test_noise_has_its_deviation_and_repeats():
    clip = stripes(0.0)  # grey 128
    made = degrade.noise(clip, 10)
    assert (made.frames.astype(float) - clip.frames).std() == pytest.approx(10, rel=0.03)
    assert np.array_equal(made.frames, degrade.noise(clip, 10).frames)
    assert not np.array_equal(made.frames, degrade.noise(clip, 10, seed=1).frames) and not np.array_equal(made.frames, degrade.noise(stripes(0.0, 1), 10).frames)


def test_rescaling_keeps_slow_waves_and_loses_fast_ones():
    slow, fast = stripes(1 / 32), stripes(7 / 16)
    assert amplitude(degrade.rescale(slow, 0.5), 1 / 32) > 0.9 * amplitude(slow, 1 / 32)
    assert amplitude(degrade.rescale(fast, 0.5), 7 / 16) < 0.3 * amplitude(fast, 7 / 16)
    assert away(degrade.rescale(fast, 1), fast) == 0


def test_fewer_pictures_a_second_show_the_nearest_ones_without_a_lag():
    clip = photo()
    made = degrade.frame_rate(clip, 5)
    assert sorted(set(made.frame_times.tolist())) == [0.0, 0.2, 0.4, 0.6]  # seconds
    shown = np.rint(made.frame_times * FPS).astype(int)
    assert all(np.array_equal(made.frames[k], clip.frames[shown[k]]) for k in range(T))
    lag = made.frame_times - np.arange(T) / FPS
    assert np.abs(lag).max() <= 0.1 + 1e-9 and abs(lag[:13].mean()) < 0.02
    assert np.array_equal(degrade.frame_rate(clip, 25).frames, clip.frames)


def test_sound_is_silenced_taken_away_replaced_or_drowned():
    clip = stripes()
    assert not degrade.silent(clip).audio.any() and degrade.without_sound(clip).audio is None
    assert degrade.with_sound(clip, np.ones(10)).audio.sum() == 10 and len(degrade.with_sound(clip, np.ones(99999)).audio) == len(clip.audio)
    noise = degrade.noisy_sound(clip, 6).audio - clip.audio
    assert 10 * np.log10((clip.audio**2).mean() / (noise**2).mean()) == pytest.approx(6, abs=0.3)
    assert not degrade.noisy_sound(degrade.silent(clip), 6).audio.any()


@pytest.mark.parametrize("change,said", [(lambda c: degrade.h264(c, 52), "rate factor"), (lambda c: degrade.aac(c, 1), "bitrate of a voice"), (lambda c: degrade.blur(c, -1), "A blur"),
                                         (lambda c: degrade.noise(c, float("nan")), "deviation of noise"), (lambda c: degrade.rescale(c, 0), "share of width"),
                                         (lambda c: degrade.frame_rate(c, 30), "pictures a second"), (lambda c: degrade.silent(degrade.without_sound(c)), "where there is one"),
                                         (lambda c: degrade.with_sound(c, np.ones((2, 2))), "Sound is"), (lambda c: degrade.noisy_sound(c, 500), "signal to noise")])
def test_bad_settings_are_refused_in_words(change, said):
    with pytest.raises(AvlabError, match=said):
        change(stripes())
