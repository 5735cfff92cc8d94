"""The voice and the visemes, against planted phonemes whose formants, pitch and lips are known."""

import numpy as np
import pytest

from avlab.synthtalk import speech

RATE = speech.SAMPLE_RATE


def held(symbol, seconds=1.0):
    """An utterance that holds one phoneme from before the clip until after it."""
    n = round((seconds + speech.LEAD_S + 0.25) * speech.TRACK_HZ)
    return speech.Utterance(((-speech.LEAD_S, seconds + 0.25, symbol),), np.tile(np.array(speech.PHONEMES[symbol], float), (n, 1)))


def spectrum(sound):
    """Amplitude at every Hz of one second of sound."""
    return np.abs(np.fft.rfft(sound[:RATE] * np.hanning(RATE)))


STEADY = {"f0_hz": 100.0, "formant_scale": 1.0, "breath": 0.0, "wander": 0.0}


@pytest.mark.parametrize("f0", [100.0, 160.0])
def test_a_held_vowel_has_its_energy_at_multiples_of_the_pitch(f0):
    voice = speech.Voice(**STEADY | {"f0_hz": f0})
    power = spectrum(speech.speak(held("a"), voice, 1.0, 0)) ** 2
    at = np.arange(1, int(7000 / f0)) * int(f0)
    near = sum(power[at + d].sum() for d in (-2, -1, 0, 1, 2))
    assert near > 0.999 * power.sum()


@pytest.mark.parametrize("symbol", ["a", "i", "u", "e"])
def test_the_formants_of_a_held_vowel_stand_where_the_table_says(symbol):
    """Every formant above the first is a local peak of the harmonics, and the strongest harmonic is the one nearest to F1."""
    power = spectrum(speech.speak(held(symbol), speech.Voice(**STEADY), 1.0, 0))
    harmonics = power[np.arange(1, 60) * 100]
    f1, f2, f3 = speech.PHONEMES[symbol][:3]
    assert abs((harmonics.argmax() + 1) * 100 - f1) <= 50
    for formant in (f2, f3):
        k = round(formant / 100) - 1
        if formant - f1 > 600:  # "u" and "a": F2 lies in F1's skirt and only bends it
            assert harmonics[k] > 1.2 * max(harmonics[k - 3], harmonics[k + 3])


def test_a_shorter_tract_moves_the_formants_up():
    low, high = (spectrum(speech.speak(held("i"), speech.Voice(**STEADY | {"formant_scale": scale}), 1.0, 0)) for scale in (1.0, 1.16))
    band = np.arange(15, 40) * 100
    assert band[high[band].argmax()] / band[low[band].argmax()] == pytest.approx(1.16, abs=0.05)


def test_a_voiceless_fricative_is_noise_in_its_band_and_has_no_harmonics():
    power = spectrum(speech.speak(held("s"), speech.Voice(**STEADY), 1.0, 0)) ** 2
    assert power[4500:7500].sum() > 0.9 * power.sum()
    comb = power[4600:7000].reshape(-1, 100)[:, 0].sum() / power[4600:7000].sum()
    assert comb < 0.03  # every hundredth bin of noise: about one per cent


def test_silence_is_silent_and_closed():
    quiet = held("sil")
    assert not speech.speak(quiet, speech.Voice(120.0, 1.0, 1.0, 1.0), 1.0, 3).any()
    assert speech.visemes(quiet, 25, 25)[:, 0] == pytest.approx(np.full(25, speech.PHONEMES["sil"][3]))


def test_lips_close_at_m_b_p_and_open_at_vowels():
    at = {"closed": [], "open": []}
    for seed in range(40):
        said = speech.utter(seed, 1.28)
        lips = speech.visemes(said, 320, 250)[:, 0]  # 4 ms apart, so that every middle is hit
        for start, end, symbol in said.phonemes:
            k = round((start + end) / 2 * 250)
            if 0 <= k < 320:
                at["closed"] += [lips[k]] if symbol in "mbp" else []
                at["open"] += [lips[k]] if symbol in ("a", "ae") else []
    assert len(at["closed"]) > 40 and np.median(at["closed"]) < 0.15 and max(at["closed"]) < 0.35
    assert np.median(at["open"]) > 0.8 and min(at["open"]) > 0.5


def test_a_delay_of_one_frame_shifts_the_lips_by_exactly_one_frame():
    said = speech.utter(5, 1.28)
    now, late = (speech.visemes(said, 32, 25, delay_s=d) for d in (0.0, 1 / 25))
    np.testing.assert_allclose(late[1:], now[:-1], atol=1e-12)
    assert np.abs(late - now).max() > 0.1
    on_time, behind = (speech.clip_track(said, 1.28, speech.SMOOTH_SOUND_S, delay_s=d) for d in (0.0, 0.04))
    np.testing.assert_array_equal(behind[8:], on_time[:-8])


def test_the_same_seed_says_the_same_and_a_longer_clip_continues_it():
    short, long = speech.utter(11, 0.64), speech.utter(11, 1.28)
    assert short.phonemes == long.phonemes[: len(short.phonemes)]
    np.testing.assert_array_equal(short.track, long.track[: len(short.track)])
    assert speech.utter(12, 0.64).phonemes != short.phonemes


def test_the_track_stays_in_its_documented_ranges():
    for seed in range(30):
        said = speech.utter(seed, 0.64)
        starts, ends, _ = zip(*said.phonemes)
        assert starts[0] == -speech.LEAD_S and ends[-1] >= 0.64 + 0.25
        np.testing.assert_allclose(starts[1:], ends[:-1])  # no gap, no overlap
        lips = speech.visemes(said, 16, 25)
        assert lips.shape == (16, 3) and lips.min() >= 0 and lips.max() <= 1
        assert said.track[:, 3:].min() >= 0 and said.track[:, 3:].max() <= 1
