"""A spec becomes a clip: the same bytes everywhere, forged where it says and nowhere else, refused where it makes no sense."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from avlab.clips.audio import log_mel
from avlab.errors import AvlabError
from avlab.synthtalk import Spec, cell, forgers, render, speech
from avlab.synthtalk.render import FPS, SAMPLES_PER_FRAME, frames_inside, voice

REAL = Spec(identity=8, speech_seed=21, motion_seed=22, camera_seed=23, duration_s=0.64)
DONOR = 14
rendered = cache(render)


def fake(name, seed=5, **more):
    kind = {"forger_audio": name} if name in forgers.AUDIO_FORGERS else {"forger_video": name, "donor": DONOR if name == "faceswap" else -1}
    return replace(REAL, forger_seed=seed, **kind, **more)


def digest(clip):
    return hashlib.sha256(clip.frames.tobytes() + clip.audio.tobytes()).hexdigest()


# ------------------------------------------------------------------------------------------------ the same clip, everywhere


def test_the_same_spec_gives_the_same_bytes_in_another_process():
    spec = replace(fake("faceswap"), forger_audio="rtvc", segments_audio=((0.2, 0.4),))
    code = (f"import hashlib; from avlab.synthtalk import Spec, render; clip = render({spec!r}); "
            "print(hashlib.sha256(clip.frames.tobytes() + clip.audio.tobytes()).hexdigest())")
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest(rendered(spec))


@pytest.mark.parametrize("field", ["identity", "speech_seed", "motion_seed", "camera_seed"])
def test_every_seed_matters(field):
    other = render(replace(REAL, **{field: getattr(REAL, field) + 6}))
    assert digest(other) != digest(rendered(REAL))
    if field == "motion_seed":  # how the head moves says nothing about the sound
        np.testing.assert_array_equal(other.audio, rendered(REAL).audio)


def test_who_speaks_does_not_change_what_is_said():
    other = render(replace(REAL, identity=REAL.identity + 6))
    np.testing.assert_array_equal(other.truth.mouth_open, rendered(REAL).truth.mouth_open)
    assert other.truth.phonemes == rendered(REAL).truth.phonemes


def test_documented_ranges_hold():
    for spec in (REAL, fake("reenact"), fake("rtvc"), replace(REAL, identity=1, duration_s=1.28)):
        clip, n = rendered(spec), round(spec.duration_s * FPS)
        assert clip.frames.shape == (n, 64, 64, 3) and clip.frames.dtype == np.uint8
        assert clip.audio.shape == (n * SAMPLES_PER_FRAME,) and clip.audio.dtype == np.float32 and np.abs(clip.audio).max() <= 1
        for opening in (clip.truth.mouth_open, clip.truth.mouth_shown):
            assert opening.shape == (n,) and opening.min() >= 0 and opening.max() <= 1
        assert clip.truth.regions.shape == clip.truth.forged.shape == (n, 64, 64) and set(np.unique(clip.truth.regions)) == {0, 1, 2}
        assert clip.truth.forged_audio.shape == clip.audio.shape and clip.truth.track.shape == (n * 8, len(speech.COLUMNS))
        assert 30 < clip.frames.mean() < 225 and -27 < 20 * np.log10(clip.audio.std()) < -17


def test_cells_are_three_colourings_times_two_voices():
    assert [cell(k) for k in range(8)] == [0, 1, 2, 3, 4, 5, 0, 1]
    assert all(voice(k).f0_hz <= 150 <= voice(k + 1).f0_hz for k in range(0, 40, 2))


# ------------------------------------------------------------------------------------------------ what a real clip is


def test_a_real_clip_has_nothing_forged_and_shows_what_it_says():
    truth = rendered(REAL).truth
    assert not truth.forged.any() and not truth.forged_audio.any()
    np.testing.assert_array_equal(truth.mouth_shown, truth.mouth_open)


def test_the_picture_shows_the_opening():
    """The mouth's box grows darker as the mouth opens: the drawn opening can be read from the finished picture."""
    spec = replace(REAL, duration_s=1.28)
    clip = rendered(spec)
    box = np.sort(clip.frames[:, 36:58, 18:46].mean(-1).reshape(32, -1), 1)[:, :60].mean(1)
    assert np.corrcoef(-box, clip.truth.mouth_shown)[0, 1] > 0.8


# ------------------------------------------------------------------------------------------------ where a forgery is


@pytest.mark.parametrize("name", forgers.VIDEO_FORGERS)
def test_outside_a_segment_the_frames_are_the_real_ones_bit_for_bit(name):
    clip, real = rendered(fake(name, segments_video=((0.2, 0.4),))), rendered(REAL)
    inside = np.zeros(16, bool)
    inside[5:10] = True
    np.testing.assert_array_equal(clip.truth.forged.any((1, 2)), inside)
    np.testing.assert_array_equal(clip.frames[~inside], real.frames[~inside])
    assert (clip.frames[inside] != real.frames[inside]).any((1, 2, 3)).all()
    np.testing.assert_array_equal(clip.audio, real.audio)


@pytest.mark.parametrize("name", forgers.VIDEO_FORGERS)
def test_a_forger_changes_nothing_visible_outside_its_mask(name):
    """The mask is what a person would call the forged area: nothing far from it moves, little beside it, most of the change is inside."""
    clip, real = rendered(fake(name)), rendered(REAL)
    gap = np.abs(clip.frames.astype(int) - real.frames).max(-1)
    far = np.array([_grown(mask, 12) for mask in clip.truth.forged])  # blur and 8x8 blocks of the camera spread a little
    assert gap[~far].max() <= 4 and (gap[~far] > 2).mean() < 0.001
    assert gap[clip.truth.forged].mean() > 5 * gap[~clip.truth.forged].mean()
    assert 0.05 < clip.truth.forged.mean() < 0.5


def _grown(mask, pixels):
    from scipy.ndimage import binary_dilation
    return binary_dilation(mask, iterations=pixels)


def test_a_dub_is_another_mouth_and_nothing_else():
    clip, real = rendered(fake("dub")), rendered(REAL)
    np.testing.assert_array_equal(clip.truth.mouth_open, real.truth.mouth_open)  # the sound asks for what it asked for
    assert np.abs(clip.truth.mouth_shown - real.truth.mouth_shown).max() > 0.2
    assert not (np.abs(clip.frames[:, :30].astype(int) - real.frames[:, :30]) > 2).any()  # brow, eyes and nose stay


def test_the_lips_of_a_swapped_face_stay_in_step():
    np.testing.assert_array_equal(rendered(fake("faceswap")).truth.mouth_shown, rendered(REAL).truth.mouth_open)


def test_a_swapped_face_is_nearer_to_its_donor():
    """Face shape and eyes are the donor's: on average the inside of the mask moves towards the donor's own film."""
    clip, real = rendered(fake("faceswap")), rendered(REAL)
    donor = rendered(replace(REAL, identity=DONOR))
    inside = clip.truth.forged
    own, other = (np.abs(clip.frames.astype(float) - film.frames)[inside].mean() for film in (real, donor))
    plain = np.abs(real.frames.astype(float) - donor.frames)[inside].mean()
    assert other < plain and own > 1


# ------------------------------------------------------------------------------------------------ forged sound


def test_rtvc_keeps_length_level_and_mel_but_not_the_wave():
    clip, real = rendered(fake("rtvc")), rendered(REAL)
    assert clip.audio.shape == real.audio.shape and clip.truth.forged_audio.all()
    assert 20 * np.log10(clip.audio.std() / real.audio.std()) == pytest.approx(0, abs=0.3)
    a, b = (log_mel(sound, n_mels=24, window_s=0.032) for sound in (clip.audio, real.audio))
    loud = b > b.max() - 6
    assert np.corrcoef(a[loud], b[loud])[0, 1] > 0.8
    lags = np.fft.irfft(np.fft.rfft(clip.audio, 20480) * np.conj(np.fft.rfft(real.audio, 20480)))
    assert np.abs(lags).max() < 0.6 * np.sum(real.audio**2)  # no shift makes the waves agree
    np.testing.assert_array_equal(clip.frames, real.frames)


def test_outside_a_segment_the_sound_is_the_real_one_up_to_its_level():
    """The microphone sets one level for the whole clip, so the rest is scaled by one number and is otherwise the same."""
    clip, real = rendered(fake("rtvc", segments_audio=((0.2, 0.4),))), rendered(REAL)
    assert clip.truth.forged_audio[3200:6400].all() and clip.truth.forged_audio.sum() == 3200
    for part in (slice(0, 3000), slice(6600, None)):
        scale = (clip.audio[part] @ real.audio[part]) / (real.audio[part] @ real.audio[part])
        assert 0.8 < scale < 1.25
        assert np.abs(clip.audio[part] - scale * real.audio[part]).max() < 0.02 * np.abs(real.audio).max()
    assert np.abs(clip.audio[3400:6200] - real.audio[3400:6200]).max() > 0.1 * np.abs(real.audio).max()


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("change, word", [
    ({"forger_video": "deepfake"}, "Unknown forger"), ({"forger_audio": "dub"}, "Unknown forger"), ({"forger_video": "faceswap"}, "donor"),
    ({"duration_s": 0.04}, "lasts"), ({"duration_s": 61.0}, "lasts"), ({"duration_s": float("nan")}, "lasts"),
    ({"forger_video": "dub", "segments_video": ((0.4, 0.2),)}, "segment"), ({"forger_video": "dub", "segments_video": ((0.4, 0.7),)}, "segment"),
    ({"forger_audio": "rtvc", "segments_audio": ((-0.1, 0.2),)}, "segment"),
])
def test_a_spec_that_makes_no_sense_is_refused(change, word):
    with pytest.raises(AvlabError, match=word):
        render(replace(REAL, **change))


def test_frames_inside_are_half_open():
    np.testing.assert_array_equal(np.flatnonzero(frames_inside(((0.2, 0.4), (0.56, 0.6)), 16)), [5, 6, 7, 8, 9, 14])
    assert frames_inside((), 4).all()
