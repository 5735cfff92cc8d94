"""fbank104 against its definition written out, against librosa, and on sounds whose place in the answer is known."""

import librosa
import numpy as np
import pytest

from avlab.clips.audio import fbank104

NOISE = np.random.default_rng(0).normal(0, 0.1, 640 * 12)


def triangles():
    """The 26 filters drawn with loops, as the definition is written: corners at whole bins of a 512-point spectrum."""
    top = 2595 * np.log10(1 + 8000 / 700)
    corner = [int(513 * 700 * (10 ** (top * j / 27 / 2595) - 1) // 16000) for j in range(28)]
    bank = np.zeros((26, 257))
    for f in range(26):
        for j in range(corner[f], corner[f + 1]):
            bank[f, j] = (j - corner[f]) / (corner[f + 1] - corner[f])
        for j in range(corner[f + 1], corner[f + 2]):
            bank[f, j] = (corner[f + 2] - j) / (corner[f + 2] - corner[f + 1])
    return bank


def test_against_the_definition_term_by_term():
    j, s = np.arange(257)[:, None], np.arange(400)[None]
    wave = np.exp(-2j * np.pi * j * s / 512)
    sharp = [32768 * (NOISE[i] - (0.97 * NOISE[i - 1] if i else 0)) for i in range(len(NOISE))] + [0.0] * 400
    raw, normal = fbank104(NOISE, normalise=False), fbank104(NOISE)
    for row in (0, 5, 11):
        want = np.concatenate([np.log(triangles() @ (np.abs(wave @ sharp[start:start + 400]) ** 2 / 512))
                               for start in range(640 * row, 640 * row + 640, 160)])
        assert np.abs(raw[row] - want).max() < 1e-5
        assert np.abs(normal[row] - (want - want.mean()) / np.sqrt(want.var() + 1e-5)).max() < 1e-5


def test_against_librosa_for_everything_but_the_filters():
    sharp = librosa.effects.preemphasis(32768 * NOISE, coef=0.97, zi=np.zeros(1))
    # librosa centres a window of 400 in its 512 points: 56 samples in front put it where ours starts, and a shift leaves the power alone
    spectrum = librosa.stft(np.pad(sharp, (56, 512)), n_fft=512, hop_length=160, win_length=400, window="boxcar", center=False)
    energy = triangles() @ (np.abs(spectrum[:, :48]) ** 2 / 512)
    assert np.abs(fbank104(NOISE, normalise=False) - np.log(energy).T.reshape(12, 104)).max() < 1e-4


def test_it_is_no_mel_of_104_bands():
    """Trap M11: librosa's own 26 HTK filters hear nearly the same, 104 of them do not: the columns of a row are four moments."""
    bank = librosa.filters.mel(sr=16000, n_fft=512, n_mels=26, htk=True, norm=None)
    assert all(np.corrcoef(a, b)[0, 1] > 0.9 for a, b in zip(bank[2:], triangles()[2:], strict=True))
    early = np.zeros(6400)
    early[640 * 4 + 40:640 * 4 + 140] = np.random.default_rng(1).normal(0, 0.3, 100)  # only the first window of frame 4 holds it alone
    lit = fbank104(early, normalise=False)[4].reshape(4, 26).mean(1)
    assert lit[0] > 0 > lit[1] and lit[1] == lit[2] == lit[3] == pytest.approx(np.log(np.finfo(float).eps))


@pytest.mark.parametrize("frame", [0, 1, 7, 15])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_a_click_in_frame_k_lights_row_k(frame, share):
    """And row k - 1 too while the click lies in the first 240 samples, which the last windows of that row still reach; no other."""
    at = round(640 * (frame + share))
    audio = np.zeros(640 * 16)
    audio[at] = 0.9
    lit = np.where(fbank104(audio, normalise=False).max(1) > 0)[0].tolist()
    before = [frame - 1] if share * 640 < 240 and frame else []
    assert lit == before + [frame]


@pytest.mark.parametrize("hz", [300, 1000, 3000, 6000])
def test_a_tone_lights_the_filter_it_lies_in(hz):
    audio = np.sin(2 * np.pi * hz * np.arange(16000) / 16000)
    rows = fbank104(audio, normalise=False)[2:-2].reshape(-1, 4, 26)
    assert (rows.argmax(2) == triangles()[:, round(hz * 512 / 16000)].argmax()).all()


def test_layer_norm_takes_the_loudness_away():
    assert np.abs(fbank104(0.01 * NOISE) - fbank104(NOISE)).max() < 1e-4
    assert np.abs(fbank104(2 * NOISE, normalise=False) - fbank104(NOISE, normalise=False) - np.log(4)).max() < 1e-4
    assert np.abs(fbank104(NOISE).mean(1)).max() < 1e-5 and np.abs(fbank104(NOISE).var(1) - 1).max() < 1e-4


def test_a_longer_sound_changes_only_the_last_row():
    """The windows of the last row reach 15 ms past the end; nothing else knows how long the clip is."""
    short, whole = fbank104(NOISE[:640 * 8], normalise=False), fbank104(NOISE, normalise=False)[:8]
    assert (short[:7] == whole[:7]).all() and (short[7, :52] == whole[7, :52]).all() and (short[7, 52:] != whole[7, 52:]).any()


def test_silence_nan_and_nothing_stay_finite():
    assert np.abs(fbank104(np.zeros(1280))).max() < 1e-9 and np.isfinite(fbank104(np.full(1280, np.nan))).all()
    assert fbank104(np.zeros(0)).shape == (0, 104) and fbank104(np.zeros(639)).shape == (0, 104)
    assert fbank104(np.zeros(10240)).shape == (16, 104) and fbank104(NOISE).dtype == np.float32
