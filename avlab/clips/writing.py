"""Write frames and sound as an mp4 that players, browsers and `load_clip` read."""

import os
import tempfile
from fractions import Fraction

import av
import numpy as np

from avlab.errors import AvlabError

X264 = {"preset": "medium", "x264-params": "mbtree=0"}  # with it small pictures came out different now and then, in one process: measured, 19 of 60 times


def write_clip(clip, path, *, audio=None, fps=25, sample_rate=16000, crf=12, audio_kbits=96):
    """Write a clip as mp4: H.264 picture and AAC sound, in time with each other.

    clip    a Clip, or frames (T, H, W, 3) uint8 with audio= (S,) float32 in [-1, 1] or None (a silent film has no sound track)
    crf     quality of x264, 0 (lossless) .. 51; where x264 is missing, MPEG-4 part 2 at its finest is written instead
    audio_kbits   bitrate asked of AAC, kbit/s
    Odd widths or heights are written with 4:4:4 colour, because 4:2:0 needs even ones. The file appears whole or not at all and holds
    no date, so one x264 writes the same bytes every time; another version need not.
    Returns path.  Raises AvlabError for frames or sound of another shape or type.
    """
    if hasattr(clip, "frames"):
        frames, audio = clip.frames, (clip.audio if audio is None else audio)
        fps, sample_rate = getattr(clip, "fps", fps), getattr(clip, "sample_rate", sample_rate)
    else:
        frames = clip
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or len(frames) == 0:
        raise AvlabError("Frames are (T, H, W, 3) uint8", got=f"{frames.shape} {frames.dtype}")
    if audio is not None and (np.ndim(audio) != 1 or not np.isfinite(audio).all()):
        raise AvlabError("Sound is (S,) and finite", got=f"shape {np.shape(audio)}")
    path = os.fspath(path)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    os.close(handle)
    try:
        _encode(temporary, frames, audio, fps, sample_rate, crf, audio_kbits)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def _encode(path, frames, audio, fps, sample_rate, crf, audio_kbits):
    with av.open("file:" + path, "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        picture = _picture_stream(container, frames, fps, crf)
        sound = None if audio is None else _sound_stream(container, sample_rate, audio_kbits)
        for number, frame in enumerate(frames):
            packed = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            packed.pts, packed.time_base = number, picture.codec_context.time_base
            container.mux(picture.encode(packed.reformat(format=picture.codec_context.pix_fmt, dst_colorspace="ITU709")))
        container.mux(picture.encode(None))
        if sound is not None:
            _encode_sound(container, sound, audio, sample_rate)


def _picture_stream(container, frames, fps, crf):
    rate = Fraction(fps).limit_denominator(1001)
    name = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    stream = container.add_stream(name, rate=rate, options=X264 | {"crf": str(crf)} if name == "libx264" else {"qscale": "1"})
    stream.height, stream.width = frames.shape[1:3]
    odd = frames.shape[1] % 2 or frames.shape[2] % 2
    stream.pix_fmt = "yuv444p" if odd and name == "libx264" else "yuv420p"
    context = stream.codec_context
    context.time_base, context.thread_count = 1 / rate, 1
    context.colorspace, context.color_primaries, context.color_trc, context.color_range = 1, 1, 1, 1  # BT.709, TV range
    return stream


def _sound_stream(container, sample_rate, kbits):
    return container.add_stream("aac", rate=sample_rate, layout="mono", options={"b": f"{kbits:g}k"})


def _encode_sound(container, stream, audio, sample_rate):
    samples = np.clip(np.asarray(audio, np.float32), -1, 1)
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, start:start + 1024]), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
