"""Speech of SynthTalk: a phoneme track that drives a source-filter voice and, later, the lips.

One track of nine numbers every 5 ms says what the vocal tract does. The voice reads its first three, the face its next three, both read
the rest. That is the whole reason why picture and sound of a real clip agree, and it can be read here in one screen.
Knows nothing of faces, forgers or manifests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

SAMPLE_RATE = 16_000
TRACK_HZ = 200  # one row of the track every 5 ms
SMOOTH_SOUND_S = 0.015
SMOOTH_LIPS_S = 0.025  # lips are heavier than the tract's acoustics: the same track, smoothed a little more
LEAD_S = 0.5  # the utterance starts before the clip, so that no clip begins with a silence of its own

COLUMNS = ("f1_hz", "f2_hz", "f3_hz", "open", "wide", "round", "voiced", "level", "friction")

# Formants after Peterson & Barney 1952 (men, rounded); for fricatives f3 is the centre of the noise. open, wide, round are 0..1 targets.
PHONEMES = {
    #      f1   f2    f3   open wide round voiced level friction
    "a": (730, 1090, 2440, 1.00, 0.35, 0.00, 1.0, 1.00, 0.00),
    "ae": (660, 1720, 2410, 0.85, 0.70, 0.00, 1.0, 0.95, 0.00),
    "e": (530, 1840, 2480, 0.55, 0.75, 0.00, 1.0, 0.90, 0.00),
    "i": (270, 2290, 3010, 0.28, 1.00, 0.00, 1.0, 0.75, 0.00),
    "o": (570, 840, 2410, 0.65, 0.00, 0.75, 1.0, 0.90, 0.00),
    "u": (300, 870, 2240, 0.30, 0.00, 1.00, 1.0, 0.75, 0.00),
    "er": (490, 1350, 1690, 0.45, 0.30, 0.30, 1.0, 0.80, 0.00),
    "m": (250, 1100, 2200, 0.00, 0.35, 0.00, 1.0, 0.30, 0.00),
    "b": (220, 900, 2200, 0.00, 0.35, 0.05, 1.0, 0.12, 0.00),
    "p": (220, 900, 2200, 0.00, 0.35, 0.05, 0.0, 0.02, 0.05),
    "f": (300, 1400, 4500, 0.08, 0.50, 0.00, 0.0, 0.25, 0.55),
    "v": (280, 1300, 4500, 0.10, 0.50, 0.00, 0.8, 0.35, 0.25),
    "n": (260, 1650, 2600, 0.22, 0.50, 0.00, 1.0, 0.35, 0.00),
    "l": (360, 1250, 2800, 0.35, 0.45, 0.00, 1.0, 0.50, 0.00),
    "w": (300, 650, 2200, 0.12, 0.00, 1.00, 1.0, 0.45, 0.00),
    "d": (300, 1700, 2600, 0.20, 0.50, 0.00, 0.9, 0.15, 0.05),
    "t": (320, 1750, 4200, 0.18, 0.50, 0.00, 0.0, 0.15, 0.45),
    "k": (320, 1600, 2600, 0.30, 0.40, 0.05, 0.0, 0.10, 0.30),
    "s": (320, 1700, 5800, 0.14, 0.75, 0.00, 0.0, 0.35, 1.00),
    "sh": (320, 1800, 3100, 0.18, 0.10, 0.65, 0.0, 0.35, 0.90),
    "sil": (500, 1500, 2500, 0.04, 0.35, 0.00, 0.0, 0.00, 0.00),
}
VOWELS = ("a", "ae", "e", "i", "o", "u", "er")
CONSONANTS = ("m", "b", "p", "f", "v", "n", "l", "w", "d", "t", "k", "s", "sh")


@dataclass(frozen=True)
class Voice:
    """Who speaks: pitch in Hz, tract length as a factor on the formants, share of breath noise 0..1, wander of the pitch in semitones."""

    f0_hz: float
    formant_scale: float
    breath: float
    wander: float


@dataclass(frozen=True)
class Utterance:
    """What is said: (start_s, end_s, symbol) from the clip's start (the first may be negative) and the raw track (n, 9) from -LEAD_S."""

    phonemes: tuple
    track: np.ndarray


def utter(seed: int, duration_s: float) -> Utterance:
    """Draw an utterance: consonant-vowel syllables with pauses, at a rate of its own.

    seed        any non-negative integer; the same seed gives the same utterance, a longer duration continues it
    duration_s  length of the clip in seconds; 0.25 s more is drawn so that the last frame has a future
    """
    rng = np.random.default_rng([2, seed])
    rate = rng.uniform(0.85, 1.2)
    now, phonemes = -LEAD_S, []
    while now < duration_s + 0.25:
        for symbol, length_s in _syllable(rng):
            phonemes.append((now, now + length_s / rate, symbol))
            now += length_s / rate
    times = np.arange(round((duration_s + LEAD_S + 0.25) * TRACK_HZ)) / TRACK_HZ - LEAD_S
    which = np.searchsorted([start for start, _, _ in phonemes], times, side="right") - 1
    table = np.array([PHONEMES[symbol] for _, _, symbol in phonemes], np.float64)
    return Utterance(tuple((round(s, 4), round(e, 4), p) for s, e, p in phonemes), table[which])


def _syllable(rng):
    """One consonant-vowel(-consonant) group with lengths in seconds; one in nine is followed by a pause."""
    parts = [(CONSONANTS[rng.integers(len(CONSONANTS))], rng.uniform(0.06, 0.10)), (VOWELS[rng.integers(len(VOWELS))], rng.uniform(0.10, 0.20))]
    if rng.random() < 0.3:
        parts.append((CONSONANTS[rng.integers(len(CONSONANTS))], rng.uniform(0.06, 0.09)))
    if rng.random() < 0.11:
        parts.append(("sil", rng.uniform(0.08, 0.18)))
    return parts


def clip_track(utterance: Utterance, duration_s: float, smooth_s: float, delay_s: float = 0.0) -> np.ndarray:
    """The track of the clip's own span, smoothed (Gaussian of standard deviation smooth_s): (round(duration * 200), 9) float64.

    delay_s > 0 reads the track late by that much; used by forgers whose lips lag.
    """
    smooth = gaussian_filter1d(utterance.track, smooth_s * TRACK_HZ, axis=0, mode="nearest")
    first = round((LEAD_S - delay_s) * TRACK_HZ)
    return smooth[first : first + round(duration_s * TRACK_HZ)]


def visemes(utterance: Utterance, n_frames: int, fps: float, *, smooth_s: float = SMOOTH_LIPS_S, delay_s: float = 0.0) -> np.ndarray:
    """Mouth targets (T, 3) = open, wide, round in 0..1 at the frame centres: the audio's own track, smoothed for the lips."""
    smooth = gaussian_filter1d(utterance.track[:, 3:6], smooth_s * TRACK_HZ, axis=0, mode="nearest")
    centres = (np.arange(n_frames) + 0.5) / fps - delay_s
    index = (centres + LEAD_S) * TRACK_HZ
    return np.stack([np.interp(index, np.arange(len(smooth)), column) for column in smooth.T], 1)


def speak(utterance: Utterance, voice: Voice, duration_s: float, seed: int) -> np.ndarray:
    """Synthesise the utterance: harmonics of a wandering pitch under a formant envelope, plus filtered noise.

    s(t) = sum_k A(k f0(t)) sin(2 pi k phase(t)) + friction(t) * noise(t),   A(f) = level / (1 + f / 500 Hz) * sum_i 1 / (1 + ((f - F_i) / B_i)^2)
    (source-filter theory: Fant 1960). Returns (S,) float32, not yet levelled; S = duration * 16,000.
    """
    rng = np.random.default_rng([6, seed])
    track = clip_track(utterance, duration_s, SMOOTH_SOUND_S)
    n_samples = round(duration_s * SAMPLE_RATE)
    at = (np.arange(n_samples) + 0.5) / SAMPLE_RATE * TRACK_HZ - 0.5
    rows = np.arange(len(track))
    formants = track[:, :3] * voice.formant_scale
    wander = gaussian_filter1d(rng.standard_normal(len(track) + 400), 25)[200 : 200 + len(track)] * 11  # about unit deviation
    f0 = voice.f0_hz * 2 ** (voice.wander * wander / 12)
    phase = np.cumsum(np.interp(at, rows, f0)) / SAMPLE_RATE + rng.random()
    sound = np.zeros(n_samples)
    for k in range(1, int(7000 / f0.min()) + 1):
        gain = _envelope(k * f0, formants) * track[:, 7] * track[:, 6]
        sound += np.interp(at, rows, gain) * np.sin(2 * np.pi * k * phase)
    return (sound + _noise(track, at, rows, voice, rng)).astype(np.float32)


def _envelope(freq_hz, formants):
    """Formant envelope at one frequency per track row, (n,): three resonances under the source's tilt; nothing above 7 kHz."""
    widths = np.array([70.0, 100.0, 160.0])
    resonances = (1 / (1 + ((freq_hz[:, None] - formants) / widths) ** 2)).sum(1)
    return np.where(freq_hz < 7000, (resonances + 0.02) / (1 + freq_hz / 500), 0)


def _noise(track, at, rows, voice, rng):
    """Frication in three fixed bands, mixed by the noise centre in column f3, plus breath that follows the voice."""
    white = rng.standard_normal(len(at))
    bands = [(2200, 3600), (3600, 5000), (5000, 7200)]
    out = np.zeros(len(at))
    for low, high in bands:
        near = np.exp(-(((track[:, 2] - (low + high) / 2) / 900) ** 2)) * track[:, 8] * 0.35
        breath = voice.breath * track[:, 7] * 0.02
        sos = butter(2, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
        out += np.interp(at, rows, near + breath) * sosfilt(sos, white)
    return out
