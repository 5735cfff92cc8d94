"""Small films with a planted truth, written with PyAV: the picture's grey says its own time, a bright square says which way is up."""

from fractions import Fraction

import av
import numpy as np

BASE, RISE = 40.0, 60.0  # grey = BASE + RISE * seconds


def grey_at(seconds):
    return BASE + RISE * np.asarray(seconds, float)


def time_shown(frames):
    """Seconds that the frames say they were made at, read from their lower right part."""
    height, width = frames.shape[1:3]
    return (frames[:, height // 2 + 4:-2, width // 2 + 4:-2].mean((1, 2, 3)) - BASE) / RISE


def clock_frames(times, height=48, width=64):
    """One frame for each time: grey rising with time, red square upper left, blue bar along the top right."""
    frames = np.repeat(np.clip(grey_at(times), 0, 255)[:, None, None, None], 3, axis=3) * np.ones((1, height, width, 1))
    frames[:, : height // 3, : width // 4] = (220, 30, 30)
    frames[:, : height // 6, width // 2:] = (30, 30, 220)
    return frames.round().astype(np.uint8)


def voice(seconds, rate, clicks=()):
    """A buzz of 8 harmonics that swells and fades, or if clicks are given, silence with one short burst at each of these times."""
    t = np.arange(round(seconds * rate)) / rate
    if len(clicks):
        return sum(0.8 * np.exp(-(((t - c) / 0.004) ** 2)) * np.cos(2 * np.pi * 1000 * (t - c)) for c in clicks).astype(np.float32)
    harmonics = sum(np.sin(2 * np.pi * 120 * k * t + k) / k for k in range(1, 9))
    return (0.15 * harmonics * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)


def write_film(path, frames=None, times=None, *, fps=25, codec="libx264", pix_fmt="yuv420p", options=None, container=None, tracks=(),
               aspect=None, matrix=None, interlaced=False, container_options=None):
    """Write frames at these times (default k / fps) and sound tracks made by `track`.

    matrix   nine integers of the display matrix;   aspect   pixel aspect ratio
    """
    times = np.arange(len(frames)) / fps if times is None else np.asarray(times)
    with av.open(str(path), "w", format=container, options=container_options or {}) as out:
        stream = None
        if frames is not None:
            stream = out.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options or {})
            stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pix_fmt
            stream.codec_context.thread_count = 1
            coarse = codec in ("mpeg4", "mpeg2video", "mjpeg")  # these count in frames
            stream.codec_context.time_base = 1 / Fraction(fps).limit_denominator(1001) if coarse else Fraction(1, 30000)
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if matrix:
                stream.set_display_matrix(matrix)
        sounds = [_sound_stream(out, each) for each in tracks]
        if stream is not None:
            _encode_film(out, stream, frames, times)
        for sound, each in zip(sounds, tracks, strict=True):
            _encode_track(out, sound, each)
    return path


def track(samples, rate, *, codec="aac", layout="mono", fmt="fltp", start=0.0, default=None, options=None):
    """A sound track: samples (S,) for mono or (channels, S)."""
    return dict(samples=np.atleast_2d(samples), rate=rate, codec=codec, layout=layout, fmt=fmt, start=start, default=default, options=options)


def _encode_film(out, stream, frames, times):
    for frame, seconds in zip(frames, times, strict=True):
        packed = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(format=stream.codec_context.pix_fmt)
        packed.pts, packed.time_base = round(seconds / stream.codec_context.time_base), stream.codec_context.time_base
        out.mux(stream.encode(packed))
    out.mux(stream.encode(None))


def _sound_stream(out, each):
    stream = out.add_stream(each["codec"], rate=each["rate"], layout=each["layout"], options=each["options"] or {})
    if each["default"] is not None:
        stream.disposition = av.stream.Disposition.default if each["default"] else av.stream.Disposition(0)
    return stream


def _encode_track(out, stream, each):
    data, rate = each["samples"], each["rate"]
    step = stream.codec_context.frame_size or 1024
    for start in range(0, data.shape[1], step):
        chunk = np.ascontiguousarray(data[:, start:start + step])
        frame = av.AudioFrame.from_ndarray(chunk.astype(np.float32), format="fltp", layout=each["layout"])
        if each["fmt"] != "fltp":
            frame = _as_format(chunk, each["fmt"], each["layout"])
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), start + round(each["start"] * rate)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def _as_format(chunk, fmt, layout):
    packed = chunk.T.reshape(1, -1)
    packed = (np.clip(packed, -1, 1) * 32767).astype(np.int16) if fmt == "s16" else packed.astype(np.float32)
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format=fmt, layout=layout)


def lag_samples(a, b):
    """By how many samples b comes after a, by cross-correlation."""
    size = len(a) + len(b)
    cross = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    lag = int(cross.argmax())
    return lag - size if lag > size // 2 else lag
