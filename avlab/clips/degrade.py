"""What happens to a clip on its way to a detector: codecs, blur, noise, scaling, lost frames, lost sound. Plain functions Clip -> Clip.

Every function keeps the shape of the pictures, the length and the clock of both streams, the row and the ground truth, and adds a sentence
to `notes`. None of them knows a label. Codecs are the real ones: the clip is written by `write_clip` and read by `load_clip`, as an upload is.
"""

import os
import zlib
from dataclasses import replace
from tempfile import TemporaryDirectory

import av
import numpy as np

from avlab.clips.media import load_clip
from avlab.clips.writing import write_clip
from avlab.errors import AvlabError

# ------------------------------------------------------------------------------------------------ codecs


def h264(clip, crf):
    """Send the pictures through an H.264 file (x264, 4:2:0) and back; the sound stays as it is.

    crf   constant rate factor of x264, 0 (lossless but for the colours) .. 51 (worst); 18 to 28 is usual, every 6 steps halve the bitrate of a large picture
    Returns Clip.  Raises AvlabError where x264 is missing: another codec would have another ladder.
    """
    with TemporaryDirectory() as folder:
        return replace(clip, frames=load_clip(_h264_file(clip, crf, folder)).frames, notes=_noted(clip, f"sent through H.264 at crf {crf:g}"))


def h264_kbits(clip, crf) -> float:
    """Return the bitrate of the picture stream that `h264` makes, kbit/s; the file around it is not counted, which in a short clip outweighs it."""
    with TemporaryDirectory() as folder, av.open(_h264_file(clip, crf, folder)) as container:
        return sum(packet.size for packet in container.demux(video=0)) * 8 / 1000 / clip.seconds


def aac(clip, kbits):
    """Send the sound through AAC at about so many kbit/s and back; the pictures stay as they are.

    kbits   6 .. 128 for one voice at 16 kHz; the native encoder of FFmpeg takes it as a wish
    Returns Clip, the sound in its old place.  Raises AvlabError for a clip without sound.
    """
    _within("The bitrate of a voice", kbits, 6, 128, "kbit/s")
    _heard(clip)
    with TemporaryDirectory() as folder:
        path = write_clip(np.zeros((len(clip.frames), 16, 16, 3), np.uint8), os.path.join(folder, "clip.mp4"), audio=clip.audio, fps=clip.fps,
                          sample_rate=clip.sample_rate, audio_kbits=kbits)
        heard = load_clip(path, fps=clip.fps, sample_rate=clip.sample_rate).audio
    return replace(clip, audio=heard, notes=_noted(clip, f"sound sent through AAC at {kbits:g} kbit/s"))


def _h264_file(clip, crf, folder):
    _within("The constant rate factor of x264", crf, 0, 51)
    if "libx264" not in av.codecs_available:
        raise AvlabError("The compression ladder is that of x264", got="an FFmpeg without it", todo="Install PyAV from its wheel, which brings it")
    return write_clip(clip.frames, os.path.join(folder, "clip.mp4"), fps=clip.fps, crf=crf)


# ------------------------------------------------------------------------------------------------ pictures


def blur(clip, sigma):
    """Blur every picture by a Gaussian of deviation sigma pixels (a lens out of focus): a wave of f cycles a pixel keeps exp(-2 (pi sigma f)^2)."""
    import cv2

    _within("A blur", sigma, 0, 100, "pixels")
    frames = clip.frames if sigma == 0 else np.stack([cv2.GaussianBlur(picture, (0, 0), sigma) for picture in clip.frames])
    return replace(clip, frames=frames, notes=_noted(clip, f"blurred by {sigma:g} pixels"))


def noise(clip, deviation, *, seed=0):
    """Add independent normal noise to every value of every picture (a dark room).

    deviation   in grey levels of 0..255; values past the ends are cut.  One clip and seed always get the same noise, two clips never.
    """
    _within("The deviation of noise", deviation, 0, 128, "grey levels")
    drawn = _rng(clip, seed, "picture").standard_normal(clip.frames.shape, np.float32)
    frames = np.clip(np.rint(clip.frames + np.float32(deviation) * drawn), 0, 255).astype(np.uint8)
    return replace(clip, frames=frames, notes=_noted(clip, f"noise of {deviation:g} grey levels added"))


def rescale(clip, share):
    """Shrink every picture to a share of its width and height (averaging areas) and enlarge it again (bicubic): detail lost, size kept.

    share   above 0, at most 1; 0.5 leaves a quarter of the pixels
    """
    import cv2

    _within("The share of width and height", share, 1e-9, 1)
    height, width = clip.frames.shape[1:3]
    small = max(1, round(width * share)), max(1, round(height * share))
    frames = clip.frames if small == (width, height) else np.stack(
        [cv2.resize(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), (width, height), interpolation=cv2.INTER_CUBIC) for picture in clip.frames])
    return replace(clip, frames=frames, notes=_noted(clip, f"pictures scaled to {small[0]} x {small[1]} and back"))


def frame_rate(clip, fps):
    """Keep fps pictures a second and show each in the places of those that are gone: the clock and the number of frames stay.

    fps   above 0, at most the clip's own.  The kept picture number m is the one nearest to m / fps seconds, and a frame shows the kept picture that
    is nearest to it in time, so lips are never late on average. `frame_times` says when each shown picture was taken, in s.
    """
    _within("The pictures a second that are kept", fps, 1e-9, clip.fps, f"of {clip.fps:g}")
    now = np.arange(len(clip.frames)) / clip.fps
    kept = np.unique(np.rint(np.arange(np.ceil(now[-1] * fps) + 1) / fps * clip.fps).astype(int))
    kept = kept[kept < len(now)]
    shown = kept[np.abs(now[:, None] - now[kept]).argmin(1)]
    return replace(clip, frames=clip.frames[shown], frame_times=np.asarray(clip.frame_times)[shown],
                   notes=_noted(clip, f"{fps:g} pictures a second kept, of {clip.fps:g}"))


# ------------------------------------------------------------------------------------------------ sound


def silent(clip):
    """Replace the sound by digital silence: an input that says nothing, not an absent one."""
    return replace(clip, audio=np.zeros_like(_heard(clip)), notes=_noted(clip, "sound replaced by silence"))


def without_sound(clip):
    """Take the sound away: `audio` is None, and a detector that needs it must say what it does then."""
    return replace(clip, audio=None, notes=_noted(clip, "sound taken away"))


def with_sound(clip, audio):
    """Give a clip another sound: audio (S,) float32 at the clip's own rate, cut or filled with silence to its length."""
    audio, size = np.asarray(audio, np.float32), round(clip.seconds * clip.sample_rate)
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise AvlabError("Sound is (S,) and finite", got=f"shape {audio.shape}")
    return replace(clip, audio=np.pad(audio[:size], (0, max(0, size - len(audio)))), notes=_noted(clip, "given another sound"))


def noisy_sound(clip, snr_db, *, seed=0):
    """Add white noise to the sound, snr_db below (or, negative, above) its own mean power; silence stays silent.

    Values past -1..1 are cut. One clip and seed always get the same noise.
    """
    _within("A ratio of signal to noise", snr_db, -60, 120, "dB")
    voice = _heard(clip)
    level = np.sqrt(np.mean(voice.astype(np.float64) ** 2) * 10 ** (-snr_db / 10))
    drawn = _rng(clip, seed, "sound").standard_normal(len(voice))
    return replace(clip, audio=np.clip(voice + level * drawn, -1, 1).astype(np.float32), notes=_noted(clip, f"white noise {snr_db:g} dB below the voice added"))


# ------------------------------------------------------------------------------------------------ inside


def _noted(clip, sentence):
    return (*clip.notes, sentence)


def _heard(clip):
    if clip.audio is None:
        raise AvlabError("A sound can be changed only where there is one", got=f"{clip.clip_id} has none")
    return clip.audio


def _within(what, value, low, high, unit=""):
    if not low <= value <= high:
        raise AvlabError(f"{what} is a number from {low:g} to {high:g} {unit}".rstrip(), got=value)


def _rng(clip, seed, stream):
    """A generator of its own for a clip, a seed and a stream."""
    return np.random.default_rng([seed, zlib.crc32(f"{stream} {clip.clip_id}".encode())])
