"""Open one untrusted media file: content decides the format, and only local media containers are opened.

Playlists are not (they may name other files or addresses). Knows nothing of what is done with the frames.
"""

import os
from contextlib import contextmanager

import av

from avlab.errors import AvlabError

CONTAINERS = "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,ogg,wav,w64,mp3,flac,aac,mxf,m4v,dv"


@contextmanager
def opened(path):
    """Open a media file by content.  Raises AvlabError with the rule that it breaks."""
    refuse_what_is_no_film(path)
    try:
        container = av.open("file:" + os.path.abspath(path), options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
                            metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise AvlabError(f"{os.path.basename(path)!r} cannot be opened as a film", got=_why(path, error)) from None
    try:
        yield container
    finally:
        container.close()


def refuse_what_is_no_film(path):
    """Raise AvlabError for a missing file, a folder, a pipe or an empty file, before anything is parsed."""
    name = os.path.basename(os.path.normpath(path)) or path
    if os.path.isdir(path):
        raise AvlabError("A clip is a file", got=f"{name!r} is a folder")
    if not os.path.exists(path):
        raise AvlabError("There is no such file", got=repr(str(path)))
    if not os.path.isfile(path):
        raise AvlabError("A clip is a plain file", got=f"{name!r} is a device or a pipe")
    if os.path.getsize(path) == 0:
        raise AvlabError("A clip must not be empty", got=f"{name!r} has 0 bytes")
    if not os.access(path, os.R_OK):
        raise AvlabError("The file must be readable", got=f"{name!r} may not be read by this user")


def _why(path, error):
    """Say in words why a file is no film: a picture, text, an mp4 without its index."""
    with open(path, "rb") as file:
        head = file.read(4096)
    known = {b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture", b"GIF8": "a GIF picture", b"%PDF": "a PDF", b"PK\x03\x04": "a zip archive"}
    for magic, what in known.items():
        if head.startswith(magic):
            return f"{what}, not a film"
    if head[4:8] == b"ftyp" and not _has_box(path, b"moov"):
        return "an mp4 without its index (no moov box): the file was cut off while it was written"
    if head and all(byte >= 32 or byte in (9, 10, 13) for byte in head):
        return "text, not a film"
    return getattr(error, "strerror", None) or str(error)


def _has_box(path, wanted):
    """True if an mp4 file has this top-level box."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        position = 0
        while position + 8 <= size:
            file.seek(position)
            head = file.read(16)
            length = int.from_bytes(head[:4], "big")
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            if head[4:8] == wanted:
                return True
            if length < 8:
                return False
            position += length
    return False


def pick_stream(container, kind):
    """The stream to read, the first one marked as default, else the first, and how many there are.

    Cover pictures do not count.  kind is "video" or "audio".  Returns (stream or None, count).
    """
    streams = [s for s in getattr(container.streams, kind) if not s.disposition & av.stream.Disposition.attached_pic]
    streams = [s for s in streams if s.codec_context is not None]
    marked = [s for s in streams if s.disposition & av.stream.Disposition.default]
    return (marked or streams or [None])[0], len(streams)


def frames_of(container, stream, tally):
    """Yield the frames of one stream in order; a packet that cannot be decoded is counted in tally.errors and skipped."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            tally.errors += 1  # the container itself is broken from here on
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            tally.errors += 1
            continue
        for frame in frames:
            tally.errors += bool(frame.is_corrupt)
            yield frame
