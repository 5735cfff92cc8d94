"""A spec of plain numbers -> frames, sound and the truth about them.

The order is that of a real clip: somebody speaks and moves (speech, face), perhaps somebody forges (forgers), and then everything, real or
not, goes through one camera and codec. The same spec gives the same bytes. Knows no manifest, label or split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter
from scipy.signal import butter, sosfiltfilt

from ..errors import AvlabError
from . import face, forgers, speech

VERSION = 2  # of the world: raise it when the same spec gives other bytes, so that no store mixes two worlds
FPS = 25
SAMPLE_RATE = speech.SAMPLE_RATE
SIZE = face.SIZE
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
MAX_SECONDS = 60.0


@dataclass(frozen=True)
class Spec:
    """All that a clip depends on. Segments are half-open (start_s, end_s) pairs; empty with a forger named means the whole clip."""

    identity: int
    speech_seed: int
    motion_seed: int
    camera_seed: int
    duration_s: float
    forger_video: str = ""
    forger_audio: str = ""
    forger_seed: int = 0
    donor: int = -1
    segments_video: tuple = ()
    segments_audio: tuple = ()


@dataclass(frozen=True)
class Truth:
    """What only the maker of a clip can know.

    mouth_open   (T,) 0..1, the opening that the utterance asks for: the truth about the sound
    mouth_shown  (T,) 0..1, the opening that was drawn: equal to mouth_open where the picture is real
    regions      (T, 64, 64) uint8: 0 background, 1 face, 2 mouth
    forged       (T, 64, 64) bool, pixels that a forger changed; forged_audio (S,) bool likewise
    phonemes     (start_s, end_s, symbol), ...
    track        (n, 9) at 200 Hz, columns speech.COLUMNS, as the voice read it
    """

    mouth_open: np.ndarray
    mouth_shown: np.ndarray
    regions: np.ndarray
    forged: np.ndarray
    forged_audio: np.ndarray
    phonemes: tuple
    track: np.ndarray


@dataclass(frozen=True)
class Rendered:
    """frames (T, 64, 64, 3) uint8 at 25 fps, audio (S,) float32 in [-1, 1] at 16 kHz, and the truth about both."""

    frames: np.ndarray
    audio: np.ndarray
    truth: Truth


@dataclass(frozen=True)
class Shot:
    """The true scene before camera and codec, as a forger finds it."""

    who: face.Person
    move: face.Motion
    utterance: speech.Utterance
    mouth: np.ndarray
    scene: np.ndarray
    clothes: np.ndarray
    clean: np.ndarray
    sound: np.ndarray
    fps: float


def cell(identity: int) -> int:
    """Demographic-like cell 0..5 of an identity: three colourings times two voice ranges of a drawing."""
    return identity % face.CELLS


def voice(identity: int) -> speech.Voice:
    """The voice of an identity; even cells speak low, odd ones high, and the ranges touch."""
    rng = np.random.default_rng([8, identity])
    low = identity % 2 == 0
    f0 = rng.uniform(85, 150) if low else rng.uniform(150, 240)
    return speech.Voice(f0, rng.uniform(0.92, 1.02) if low else rng.uniform(1.03, 1.16), rng.uniform(0.3, 1.0), rng.uniform(0.4, 1.0))


def render(spec: Spec) -> Rendered:
    """Make the clip of a spec. Raises AvlabError for an unknown forger, a bad duration or segments outside the clip."""
    shot, regions = _shot(spec)
    picture, forged, shown = _picture(spec, shot, regions)
    sound, forged_audio = _sound(spec, shot.sound)
    truth = Truth(shot.mouth[:, 0], shown, regions, forged, forged_audio, shot.utterance.phonemes,
                  speech.clip_track(shot.utterance, len(shot.clean) / FPS, speech.SMOOTH_SOUND_S))
    return Rendered(_camera(picture, spec.camera_seed), _microphone(sound, spec.camera_seed), truth)


def shot_of(spec: Spec) -> Shot:
    """The true scene of a spec before forger, camera and codec; raises as `render` does."""
    return _shot(spec)[0]


def _shot(spec):
    _check(spec)
    n_frames = round(spec.duration_s * FPS)
    duration_s = n_frames / FPS
    utterance = speech.utter(spec.speech_seed, duration_s)
    who, move = face.person(spec.identity), face.motion(spec.motion_seed, n_frames, FPS)
    scene, clothes = face.background(spec.camera_seed)
    mouth = speech.visemes(utterance, n_frames, FPS)
    clean, regions = face.draw(who, move, mouth, scene, clothes)
    sound = speech.speak(utterance, voice(spec.identity), duration_s, spec.speech_seed)
    return Shot(who, move, utterance, mouth, scene, clothes, clean, sound, FPS), regions


def _check(spec):
    if not 2 / FPS <= spec.duration_s <= MAX_SECONDS:
        raise AvlabError(f"A SynthTalk clip lasts {2 / FPS} to {MAX_SECONDS:g} s", got=spec.duration_s)
    for name, known in ((spec.forger_video, forgers.VIDEO_FORGERS), (spec.forger_audio, forgers.AUDIO_FORGERS)):
        if name and name not in known:
            raise AvlabError("Unknown forger", got=name, todo=f"Known here: {', '.join(known)}")
    if spec.forger_video == "faceswap" and spec.donor < 0:
        raise AvlabError("faceswap needs a donor identity", got=spec.donor)
    for start, end in (*spec.segments_video, *spec.segments_audio):
        if not 0 <= start < end <= spec.duration_s + 1e-6:
            raise AvlabError("A segment lies inside its clip and ends after it starts", got=(start, end))


def frames_inside(segments, n_frames: int, fps: float = FPS) -> np.ndarray:
    """Frames (T,) bool whose start time lies in one of the half-open segments; all of them if there are no segments."""
    if not segments:
        return np.ones(n_frames, bool)
    start = np.arange(n_frames) / fps + 1e-9
    return np.any([(a <= start) & (start < b) for a, b in segments], 0)


def _picture(spec, shot, regions):
    n_frames = len(shot.clean)
    if not spec.forger_video:
        return shot.clean, np.zeros(regions.shape, bool), shot.mouth[:, 0]
    made, mask, opening = forgers.forge_video(spec.forger_video, shot, spec.forger_seed, spec.donor)
    inside = frames_inside(spec.segments_video, n_frames)
    return np.where(inside[:, None, None, None], made, shot.clean), mask & inside[:, None, None], np.where(inside, opening, shot.mouth[:, 0])


def _sound(spec, sound):
    if not spec.forger_audio:
        return sound, np.zeros(len(sound), bool)
    made = forgers.forge_audio(spec.forger_audio, sound, spec.forger_seed)
    inside = np.repeat(frames_inside(spec.segments_audio, len(sound) // SAMPLES_PER_FRAME), SAMPLES_PER_FRAME)
    fade = np.convolve(inside, np.ones(81) / 81, "same") if spec.segments_audio else 1.0  # 5 ms cross-fade at each splice
    return (sound + fade * (made - sound)).astype(np.float32), inside


def _camera(picture, seed):
    """Lens, sensor and codec, the same for every clip: blur, exposure, grain, 4:2:0 chroma, 8x8 transform quantisation, 8 bits.

    Blur and grain vary from clip to clip and widely, as they do in the wild: a forger's own softness must not stand out by itself.
    """
    rng = np.random.default_rng([4, seed])
    blur = rng.uniform(0.25, 0.65)
    picture = gaussian_filter(picture * np.float32(rng.uniform(0.90, 1.08)), (0, blur, blur, 0))
    picture = picture + np.float32(rng.uniform(0.004, 0.014)) * rng.standard_normal(picture.shape, np.float32)
    luma = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = picture[..., [0, 2]] - luma[..., None]
    small = chroma.reshape(len(picture), SIZE // 2, 2, SIZE // 2, 2, 2).mean((2, 4))
    chroma = _quantised(small.repeat(2, 1).repeat(2, 2).transpose(0, 3, 1, 2), 0.010).transpose(0, 2, 3, 1)
    luma = _quantised(luma, 0.010)
    red, blue = luma + chroma[..., 0], luma + chroma[..., 1]
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return np.round(np.clip(np.stack([red, green, blue], -1), 0, 1) * 255).astype(np.uint8)


def _quantised(plane, step):
    """8x8 cosine transform, coefficients rounded to steps that grow with frequency, and back. (..., 64, 64) in, same out."""
    blocks = plane.reshape(*plane.shape[:-2], SIZE // 8, 8, SIZE // 8, 8)
    axes = (-3, -1)
    table = step * (1 + 0.35 * (np.arange(8)[:, None, None] + np.arange(8)[None, None, :]))
    spectrum = dctn(blocks, axes=axes, norm="ortho")
    return idctn(np.round(spectrum / table) * table, axes=axes, norm="ortho").reshape(plane.shape).astype(np.float32)


def _microphone(sound, seed):
    """Level -26..-18 dBFS, room noise 35..50 dB below, low-pass at 7 kHz, 16 bits: the same for every clip."""
    rng = np.random.default_rng([9, seed])
    level = 10 ** (rng.uniform(-26, -18) / 20)
    sound = sound * (level / max(np.sqrt(np.mean(sound**2)), 1e-6))
    sound = sound + level * 10 ** (rng.uniform(-50, -35) / 20) * rng.standard_normal(len(sound))
    sound = sosfiltfilt(butter(4, 7000, fs=SAMPLE_RATE, output="sos"), sound)
    return (np.round(np.clip(sound, -1, 1) * 32767) / 32767).astype(np.float32)
