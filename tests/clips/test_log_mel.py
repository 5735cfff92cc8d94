"""Features whose answer is known: a tone in its band, silence at the floor, librosa as second route."""

import numpy as np
import pytest
from librosa import mel_frequencies
from librosa.filters import mel

from avlab.clips.audio import log_mel, sound_warnings

T = np.arange(16000) / 16000


@pytest.mark.parametrize("hz", [200, 500, 1000, 3000, 6000])
def test_a_tone_lights_the_band_it_lies_in(hz):
    centres = mel_frequencies(66, fmin=60, fmax=7600)[1:-1]
    band = log_mel(np.sin(2 * np.pi * hz * T))[:, 10:-10].mean(1).argmax()
    assert abs(centres[band] - hz) <= max(35.0, 0.06 * hz)  # bands below 1 kHz are one bin (31 Hz) wide


def test_four_columns_a_video_frame_and_a_click_in_its_column():
    audio = np.zeros(10240, np.float32)
    audio[3200] = 1.0
    mel = log_mel(audio)
    assert mel.shape == (64, 64) and mel.dtype == np.float32
    assert mel.sum(0).argmax() == 20 and (mel[:, :18] == mel.min()).all() and (mel[:, 23:] == mel.min()).all()


def test_silence_nan_and_nothing_stay_finite():
    assert np.all(log_mel(np.zeros(1600)) == np.float32(np.log(1e-6)))
    assert np.isfinite(log_mel(np.full(1600, np.nan))).all()
    assert log_mel(np.zeros(0)).shape == (64, 0) and log_mel(np.zeros(100)).shape == (64, 0)


def test_against_the_formula_written_out():
    """Second route: the Fourier sum of single windows, term by term, and librosa's filters."""
    audio = np.random.default_rng(0).normal(0, 0.1, 8000)
    mine = log_mel(audio, n_mels=80, low_hz=0, high_hz=8000)
    assert mine.shape == (80, 50)
    filters = mel(sr=16000, n_fft=512, n_mels=80, fmin=0, fmax=8000)
    padded = np.r_[np.zeros(256), audio, np.zeros(256)]
    k, n = np.arange(257)[:, None], np.arange(512)[None]
    window = np.r_[np.zeros(56), 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400), np.zeros(56)]
    for column in (0, 1, 24, 49):
        spectrum = (np.exp(-2j * np.pi * k * n / 512) * (window * padded[column * 160:column * 160 + 512])).sum(1)
        assert np.abs(mine[:, column] - np.log(np.maximum(filters @ np.abs(spectrum) ** 2, 1e-6))).max() < 1e-3


def test_twice_as_loud_is_log_four_more():
    audio = np.random.default_rng(1).normal(0, 0.1, 8000)
    assert np.allclose(log_mel(2 * audio) - log_mel(audio), np.log(4), atol=1e-3)


def test_warnings_on_an_empty_and_a_short_sound_are_finite():
    assert sound_warnings(np.zeros(0)) == ["the sound is digital silence"]
    assert sound_warnings(np.full(10, 0.1)) == []
