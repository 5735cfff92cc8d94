"""Features of a sound, and plain checks of it.  Pure functions on arrays; knows no files."""

import functools

import numpy as np

SAMPLE_RATE = 16000


@functools.cache
def _mel_filters(sample_rate, n_fft, n_mels, low_hz, high_hz):
    from librosa.filters import mel  # slow to import, and only needed here

    return mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels, fmin=low_hz, fmax=high_hz).astype(np.float32)


def log_mel(audio, *, sample_rate=SAMPLE_RATE, n_mels=64, hop_s=0.010, window_s=0.025, n_fft=512, low_hz=60.0, high_hz=7600.0, floor=1e-6):
    """Log mel spectrogram of a sound: how much energy each band holds, every hop.

    out[f, n] = log(max(sum_k M[f, k] |STFT[k, n]|^2, floor))

    M is librosa's Slaney-normalised mel filterbank (librosa.filters.mel); the STFT has a periodic Hann window of window_s, zero-padded
    to n_fft, and frame n is centred on n * hop_s, with zeros beyond the ends.

    audio    (S,) float in [-1, 1]
    floor    energy below which nothing is told apart, so silence gives log(floor) everywhere, finite
    Returns (F, n) float32, natural log, F = n_mels, n = S // hop: 4 columns a video frame at 10 ms and 25 fps.
    Differs from Whisper and librosa in leaving out the column that would be centred on the very end.
    """
    audio = np.nan_to_num(np.asarray(audio, np.float32), posinf=0.0, neginf=0.0)
    hop, window = round(hop_s * sample_rate), round(window_s * sample_rate)
    n = len(audio) // hop
    if n == 0:
        return np.zeros((n_mels, 0), np.float32)
    taper = np.zeros(n_fft, np.float32)
    left = (n_fft - window) // 2
    taper[left:left + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(audio, (n_fft // 2, n_fft))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop][:n]
    power = np.abs(np.fft.rfft(frames * taper, axis=1)).astype(np.float32) ** 2
    return np.log(np.maximum(_mel_filters(sample_rate, n_fft, n_mels, low_hz, high_hz) @ power.T, floor))


@functools.cache
def _hand_mel_filters():
    """(26, 257): the triangles of python_speech_features, whose corners sit on whole bins; librosa's stand between them (trap M11)."""
    mel = np.linspace(0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), 26 + 2)
    left, peak, right = np.lib.stride_tricks.sliding_window_view(np.floor(513 * 700 * (10 ** (mel / 2595) - 1) / SAMPLE_RATE), 3).T[:, :, None]
    bins = np.arange(257)
    return np.clip(np.minimum((bins - left) / (peak - left), (right - bins) / (right - peak)), 0, None)


def fbank104(audio, *, normalise=True):
    """Return the audio feature of AV-HuBERT, MRDF and MSCT: 26 log filterbank energies every 10 ms, four stacked into one row a video frame.

    x[s] <- 32768 (x[s] - 0.97 x[s - 1]);  power[n, j] = |sum_s x[160 n + s] exp(-2 pi i j s / 512)|^2 / 512, s = 0..399 (25 ms, no taper)
    out[k, 26 i + f] = log(max(sum_j M[f, j] power[4 k + i, j], eps)),  i = 0..3;  then layer norm over the 104 numbers of a row
    (logfbank of python_speech_features with its defaults, `stacker` of AV-HuBERT; Shi et al. 2022, Zou et al. 2024)

    audio      (S,) float in [-1, 1] at 16 kHz; NaN counts as 0
    normalise  False leaves out the layer norm, which takes a row's loudness away: (row - mean) / sqrt(variance + 1e-5)
    Returns (T, 104) float32, T = S // 640. Row k covers the samples 640 k .. 640 k + 879: video frame k and the first 15 ms of the next one.

    Departs from its sources at a clip's end only: they complete the last row with the number 0 in the place of log energies; we compute
    these windows too, with silence after the end, so that the length of a clip cannot be read from its last row.
    The factor 32768 is there because they read 16-bit files: the floor eps = 2e-16 lies where theirs does.
    """
    audio = 32768 * np.nan_to_num(np.asarray(audio, np.float64), posinf=0.0, neginf=0.0)
    n = len(audio) // 640
    if n == 0:
        return np.zeros((0, 104), np.float32)
    sharp = np.pad(np.r_[audio[0], audio[1:] - 0.97 * audio[:-1]], (0, 400))
    windows = np.lib.stride_tricks.sliding_window_view(sharp, 400)[::160][:4 * n]
    power = np.abs(np.fft.rfft(windows, 512, axis=1)) ** 2 / 512
    rows = np.log(np.maximum(power @ _hand_mel_filters().T, np.finfo(np.float64).eps)).reshape(n, 104)
    if normalise:
        rows = (rows - rows.mean(1, keepdims=True)) / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
    return rows.astype(np.float32)


def sound_warnings(audio, sample_rate=SAMPLE_RATE):
    """Say what is odd about a sound: silence, very quiet, clipped, one tone, white noise.

    audio   (S,) float in [-1, 1].  Returns a list of sentences, empty for ordinary speech.
    """
    audio = np.asarray(audio, np.float64)
    if audio.size == 0 or not np.any(audio):
        return ["the sound is digital silence"]
    found = []
    level_db = 20 * np.log10(np.sqrt(np.mean(audio**2)) + 1e-12)
    if level_db < -50:
        found.append(f"the sound is very quiet ({level_db:.0f} dB re full scale)")
    clipped = float(np.mean(np.abs(audio) >= 0.999))
    if clipped > 0.001:
        found.append(f"the sound is clipped ({100 * clipped:.1f} % of samples at full scale)")
    return found + _spectrum_warnings(audio, sample_rate)


def _spectrum_warnings(audio, sample_rate):
    """One tone: 95 % of the power in 5 neighbouring bins of 31 Hz.  White noise: geometric over arithmetic mean of the power > 0.7."""
    size = 512
    if len(audio) < 8 * size:
        return []
    blocks = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2] * np.hanning(size)
    power = np.mean(np.abs(np.fft.rfft(blocks, axis=1)) ** 2, axis=0)[1:-1]
    peak = int(power.argmax())
    if power[max(0, peak - 2):peak + 3].sum() > 0.95 * power.sum():
        return [f"the sound is a single tone near {(peak + 1) * sample_rate / size:.0f} Hz"]
    flatness = np.exp(np.mean(np.log(power + 1e-20))) / np.mean(power)
    return ["the sound is white noise"] if flatness > 0.7 else []


def leading_silence_s(audio, sample_rate=SAMPLE_RATE, *, below_db=30.0, block_s=0.005):
    """Seconds before a block first comes within 30 dB of the sound's own loudness; all of them in a silent sound.

    A clip that starts with digital silence where real ones start with room noise gives a forger away (Smeu et al. 2025).
    Room noise lies 35 dB down and more, and a pause between words hardly ever starts a clip.
    audio   (S,) float;  block_s  of 5 ms, the resolution of the answer
    """
    audio = np.asarray(audio, np.float64)
    block = round(block_s * sample_rate)
    power = np.sqrt((audio[: len(audio) // block * block].reshape(-1, block) ** 2).mean(1))
    loud = power > max(np.sqrt(np.mean(audio**2)) * 10 ** (-below_db / 20), 1e-9) if len(audio) else power > 0
    return block_s * (int(loud.argmax()) if loud.any() else len(loud))
