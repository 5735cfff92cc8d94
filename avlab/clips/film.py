"""Decode the pictures of a film: chosen by their timestamps, upright, with square pixels, a frame at a time.

Knows nothing of sound, rows or labels. Holds the frames that are shown and two decoded pictures, never the whole film of the file.
"""

import os
from dataclasses import dataclass, field

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from avlab.clips.opening import frames_of, pick_stream
from avlab.errors import AvlabError

MAX_PIXELS = 4096 * 4096  # a picture of 8192 x 8192 takes 200 MB as RGB


@dataclass
class Film:
    """What came out of the picture stream; times in seconds on the file's own clock."""

    frames: list = field(default_factory=list)  # (H, W, 3) uint8, one an output frame; repeats share their array
    times: list = field(default_factory=list)  # timestamp of the picture shown in each
    start_s: float = 0.0
    end_s: float = 0.0
    decoded: int = 0  # pictures in the file (up to max_seconds)
    steps: list = field(default_factory=list)  # seconds between pictures of the file
    errors: int = 0
    cut: bool = False
    promised_s: float = 0.0  # what the header says, 0 if nothing
    notes: list = field(default_factory=list)


def read_film(container, path, *, fps, max_seconds, size, max_pixels, max_bytes):
    """Decode the picture stream and show it at fps pictures a second.

    Output frame k shows the picture whose timestamp is nearest to start + k / fps, the earlier one of two equally near: no lag on
    average, whatever the frame rate of the file, even a varying one.
    Returns Film.  Raises AvlabError if there is no picture stream, it is too large, or it holds fewer than two pictures.
    """
    stream, count = pick_stream(container, "video")
    name = repr(os.path.basename(path))
    if stream is None:
        raise AvlabError("A clip needs a picture stream", got=f"{name} has none")
    out = Film(promised_s=_promised(container, stream))
    if count > 1:
        out.notes.append(f"{count} picture streams: read number {stream.index}, the first one marked as default, else the first")
    context = stream.codec_context
    _check_size(context.width, context.height, max_pixels, name)
    context.options = {"max_pixels": str(max_pixels)}
    context.thread_type, context.thread_count = "AUTO", 2  # each thread holds pictures of its own
    shape = Shape(stream.sample_aspect_ratio, size, out.notes)
    limit = round(max_seconds * fps)
    last = None
    for frame in _deinterlaced(frames_of(container, stream, out), stream, out.notes):
        _check_size(frame.width, frame.height, max_pixels, name)
        seconds = _seconds(frame, last, stream)
        if last is None:
            out.start_s = seconds
            _check_memory(shape.size_of(frame), min(limit, (out.promised_s or max_seconds) * fps), max_bytes, name)
        elif seconds <= last[0]:
            out.errors += 1  # time runs backwards
            continue
        else:
            out.steps.append(seconds - last[0])
            _emit(out, last, (seconds, frame), shape, fps, limit)
        out.decoded += 1
        last = (seconds, frame)
        if len(out.frames) >= limit:
            out.cut = True
            break
    _finish(out, last, shape, fps, limit, stream, name)
    return out


def _emit(out, last, new, shape, fps, limit):
    """Append the output frames whose time lies before the new picture: each takes the nearer of the last picture and the new one."""
    (before_s, before), (after_s, after) = last, new
    made = {}
    while len(out.frames) < limit:
        target = out.start_s + len(out.frames) / fps
        if target >= after_s - 1e-6:
            return
        late = target - before_s > after_s - target + 1e-6
        if late not in made:
            made[late] = shape.convert(after if late else before)
        if not late and out.times and out.times[-1] == before_s:
            made[late] = out.frames[-1]  # a repeat: share the array
        out.frames.append(made[late])
        out.times.append(after_s if late else before_s)


def _finish(out, last, shape, fps, limit, stream, name):
    if out.decoded == 0:
        raise AvlabError("A clip needs pictures that can be decoded", got=f"{name}: the picture stream gave none ({out.errors} errors)")
    if out.decoded == 1:
        raise AvlabError("A clip needs at least two pictures", got=f"{name}: the picture stream holds one")
    seconds, frame = last
    rate = float(stream.average_rate or 0)
    length = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0
    length = length or (1 / rate if rate else out.steps[-1])
    out.end_s = seconds + min(length, 10.0)
    while len(out.frames) < limit and out.start_s + (len(out.frames) + 0.5) / fps <= out.end_s + 1e-6:
        out.frames.append(shape.convert(frame) if not out.times or out.times[-1] != seconds else out.frames[-1])
        out.times.append(seconds)
    if len(out.frames) < 2:
        raise AvlabError(f"A clip must last {2 / fps:g} s at least", got=f"{name}: {out.end_s - out.start_s:.4f} s in the picture stream")
    if out.cut:
        out.end_s = out.start_s + len(out.frames) / fps


def _promised(container, stream):
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def _seconds(frame, last, stream):
    stamp = frame.pts if frame.pts is not None else frame.dts
    if stamp is not None and frame.time_base:
        return float(stamp * frame.time_base)
    step = 1 / float(stream.average_rate or 25)  # no clock in the file: believe its frame rate
    return 0.0 if last is None else last[0] + step


def _check_size(width, height, max_pixels, name):
    if width * height > max_pixels:
        raise AvlabError(f"A picture may have {max_pixels} pixels at most", got=f"{name}: {width} x {height} in the picture stream",
                         todo="Scale the film down first, or raise max_pixels")


def _check_memory(size, frames, max_bytes, name):
    width, height = size
    need = 3 * width * height * frames
    if need > max_bytes:
        raise AvlabError(f"Decoded pictures may take {max_bytes / 1e9:.1f} GB at most", got=f"{name}: {width} x {height}, {need / 1e9:.1f} GB",
                         todo="Pass size= (shorter side in pixels) or a smaller max_seconds")


@dataclass
class Shape:
    """How a decoded picture becomes an upright RGB array with square pixels, at most `size` pixels on its shorter side."""

    aspect: object
    size: int | None
    notes: list
    target: tuple = ()
    source: tuple = ()
    matrix: tuple | None = None
    reformatter: object = field(default_factory=VideoReformatter)  # one for all pictures: each holds a scaler of some MB

    def size_of(self, frame):
        """(width, height) after squaring the pixels and scaling down, before turning."""
        if not self.target:
            self.source = (frame.width, frame.height)
            self.target = self._scaled(frame)
        return self.target

    def _scaled(self, frame):
        aspect = float(self.aspect or 1)
        if not 0.1 <= aspect <= 10:
            self.notes.append(f"pixel aspect {aspect:.3g} is absurd and was not believed")
            aspect = 1.0
        width, height = frame.width * aspect, frame.height
        if aspect != 1:
            self.notes.append(f"pixels are not square ({aspect:.3f}): width rescaled from {frame.width} to {round(width)}")
        shrink = min(1.0, (self.size or 1e9) / min(width, height))
        if shrink < 1:
            self.notes.append(f"scaled down while decoding, shorter side {self.size} pixels")
        return max(1, round(width * shrink)), max(1, round(height * shrink))

    def convert(self, frame):
        """(H, W, 3) uint8 RGB, upright."""
        width, height = self.size_of(frame)
        if (frame.width, frame.height) != self.source and "picture size changes" not in "".join(self.notes):
            self.notes.append("picture size changes within the film: all rescaled to the first")
        shrinks = frame.width > width or frame.height > height
        scaled = self.reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA" if shrinks else "BICUBIC")
        picture = scaled.to_ndarray().copy()  # the array may be a view that keeps the decoder's memory
        if self.matrix is None:
            self.matrix = _display_matrix(frame)  # once: PyAV ties a frame to its side data, and each would wait for the collector
            if self.matrix != UPRIGHT:
                self.notes.append("turned upright by the display matrix of the file")
        return _turned(picture, self.matrix)


UPRIGHT = (65536, 0, 0, 65536)


def _display_matrix(frame):
    """(a, b, c, d) of the display matrix (ISO 14496-12 8.2.2), which phones store beside the picture; x' = a x + c y, y' = b x + d y."""
    try:
        data = frame.side_data["DISPLAYMATRIX"]
    except KeyError:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    return a, b, c, d


def _turned(picture, matrix):
    """Turn or mirror a picture by the nearest multiple of a quarter turn."""
    a, b, c, d = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        step_y, step_x = (-1 if d < 0 else 1), (-1 if a < 0 else 1)
    else:
        picture = picture.transpose(1, 0, 2)
        step_y, step_x = (-1 if b < 0 else 1), (-1 if c < 0 else 1)
    return np.ascontiguousarray(picture[::step_y, ::step_x])


def _deinterlaced(frames, stream, notes):
    """Pass frames on; from the first interlaced one, through the bwdif filter, which gives one picture for each."""
    graph = None
    for frame in frames:
        if graph is None and frame.interlaced_frame:
            graph = _bwdif(frame, stream)
            notes.append("interlaced: fields joined by bwdif, one picture for two fields")
        if graph is None:
            yield frame
        else:
            graph.push(frame)
            yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _bwdif(frame, stream):
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or stream.time_base)
    bwdif, sink = graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    source.link_to(bwdif)
    bwdif.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph):
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
