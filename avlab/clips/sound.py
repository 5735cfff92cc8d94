"""Decode the sound of a film: one voice at one rate, every sample at its own time.

Knows nothing of pictures but the span of time that they cover. Late sound is padded, never shifted: a shift would be a false desync.
"""

import os
from dataclasses import dataclass, field

import numpy as np
import soxr

from avlab.clips.opening import frames_of, opened, pick_stream
from avlab.errors import AvlabError

GAP_S = 0.05  # sound that is off by less than this from the sample count is jitter of the timestamps, not a gap
SPEAKERS = {"FL": 0.5, "FR": 0.5, "FC": 0.7071, "LFE": 0.0}
BY_COUNT = {6: ("FL", "FR", "FC", "LFE", "BL", "BR"), 8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")}  # where a file does not say
OTHER_SPEAKER = 0.3536  # surround: half of the usual -3 dB (ITU-R BS.775), because two sides become one
RATES = (1000, 768000)


@dataclass
class Sound:
    """What came out of the sound stream.

    samples  (S,) float32 in [-1, 1], zero where the file has no sound;  known  (S,) bool, True where it has
    start_s  seconds from the first picture to the first sound, negative if the sound begins earlier;  end_s  likewise its end
    """

    samples: np.ndarray
    known: np.ndarray
    start_s: float
    end_s: float
    errors: int
    notes: list


@dataclass
class _Run:
    """Sound without a gap: its first time and its pieces (n,) float32 at one rate."""

    start_s: float
    rate: int
    pieces: list = field(default_factory=list)
    samples: int = 0

    @property
    def end_s(self):
        return self.start_s + self.samples / self.rate


@dataclass
class _Tally:
    errors: int = 0
    broken: int = 0  # NaN or infinite samples


def read_sound(path, *, start_s, seconds, sample_rate):
    """Decode, mix to one channel, resample and place the sound of a file on the picture's clock.

    path         a film, or a wav file
    start_s      time of the first picture on the clock of this file;  seconds  how long the pictures last
    Returns Sound with round(seconds * sample_rate) samples, or None if the file has no sound stream.
    """
    tally = _Tally()
    with opened(path) as container:
        stream, count = pick_stream(container, "audio")
        if stream is None:
            return None
        notes = [] if count == 1 else [f"{count} sound tracks: read number {stream.index}, the first one marked as default, else the first"]
        runs = _runs(container, stream, tally, start_s + seconds, repr(os.path.basename(path)))
        layout = stream.codec_context.layout
    size = round(seconds * sample_rate)
    samples, known = np.zeros(size, np.float32), np.zeros(size, bool)
    for run in runs:
        _place(run, samples, known, start_s, sample_rate)
    if not runs:
        notes.append(f"the sound stream gave no samples ({tally.errors} errors)")
        return Sound(samples, known, seconds, seconds, tally.errors, notes)
    if layout.nb_channels > 1:
        notes.append(f"{layout.name} sound mixed down to mono")
    if runs[0].rate != sample_rate:
        notes.append(f"sound resampled from {runs[0].rate} to {sample_rate} Hz")
    if len(runs) > 1:
        notes.append(f"sound has {len(runs) - 1} gaps: filled with zeros and masked")
    if tally.broken:
        notes.append(f"{tally.broken} sound samples were NaN or infinite: set to 0")
    over = int((np.abs(samples) > 1).sum())
    return Sound(np.clip(samples, -1, 1), known, runs[0].start_s - start_s, runs[-1].end_s - start_s, tally.errors,
                 notes + ([f"{over} sound samples lay outside -1..1 and were clipped"] if over > size / 1000 else []))


def _runs(container, stream, tally, stop_s, name):
    runs = []
    for frame in frames_of(container, stream, tally):
        rate = frame.sample_rate
        if not RATES[0] <= rate <= RATES[1]:
            raise AvlabError(f"Sound is sampled at {RATES[0]} to {RATES[1]} Hz", got=f"{name}: {rate} Hz in sound stream {stream.index}")
        voice = downmix(_floats(frame), [channel.name for channel in frame.layout.channels])
        bad = ~np.isfinite(voice)
        tally.broken += int(bad.sum())
        voice[bad] = 0
        time_s = float(frame.pts * frame.time_base) if frame.pts is not None else (runs[-1].end_s if runs else 0.0)
        if time_s >= stop_s + 0.2:  # a little more than is needed, to know that the sound goes on
            break
        if not runs or rate != runs[-1].rate or abs(time_s - runs[-1].end_s) > GAP_S:
            runs.append(_Run(time_s, rate))
        runs[-1].pieces.append(voice)
        runs[-1].samples += len(voice)
    return runs


def _floats(frame):
    """(channels, n) float32 in [-1, 1] from any sample format."""
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(-1, frame.layout.nb_channels).T
    if data.dtype == np.uint8:
        return (data.astype(np.float32) - 128) / 128
    if data.dtype.kind == "i":
        return data.astype(np.float32) / float(2 ** (8 * data.dtype.itemsize - 1))
    return data.astype(np.float32)


def downmix(data, speakers):
    """Mix channels to one: weights by speaker (front 0.5, centre 0.71, surround 0.35, LFE 0), divided by their sum so nothing clips.

    The same sound in all channels keeps its level.
    data   (channels, n) float32;  speakers   their names, as PyAV gives them (FL, FR, FC, LFE, BL ...)
    Returns (n,) float32.
    """
    if len(data) == 1:
        return data[0].copy()
    if not set(speakers) & set(SPEAKERS):
        speakers = BY_COUNT.get(len(data), speakers)
    weights = np.array([SPEAKERS.get(name, OTHER_SPEAKER) for name in speakers], np.float32)
    if len(weights) != len(data) or weights.sum() <= 0:
        weights = np.ones(len(data), np.float32)
    return (weights / weights.sum()) @ data


def _place(run, samples, known, start_s, sample_rate):
    """Resample one run and write it where its timestamps say."""
    voice = np.concatenate(run.pieces)
    if run.rate != sample_rate:
        voice = soxr.resample(voice, run.rate, sample_rate)
    first = round((run.start_s - start_s) * sample_rate)
    begin, end = max(first, 0), min(first + len(voice), len(samples))
    if begin < end:
        samples[begin:end] = voice[begin - first:end - first]
        known[begin:end] = True
