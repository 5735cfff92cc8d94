"""The forgers of SynthTalk: each really forges, and each leaves a trace with a cause one can read.

faceswap   another person's inner face, warped through a low resolution, colour-matched and blended; the lips stay in step with the sound
dub        the mouth of another utterance, drawn perfectly: pure mismatch
rtvc       the voice made anew from a coarse mel spectrogram by Griffin-Lim
reenact, lipsync, ldm, flow   trained networks, in learned.py, whose import needs torch

A forger takes and gives clean pictures (before camera and codec) or sound; which frames are forged is the caller's business (render.py).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d, zoom

from . import face, speech

LEARNED = ("reenact", "lipsync", "ldm", "flow")
VIDEO_FORGERS = ("faceswap", *LEARNED, "dub")
AUDIO_FORGERS = ("rtvc",)
VISIBLE = 1 / 255  # a pixel that moved by more belongs to the forged area
GAINS = {"reenact": (1.0, 1.0), "lipsync": (1.0, 1.0), "ldm": (1.0, 1.0), "flow": (1.0, 1.0)}  # of _matched
TEXTURE = {"reenact": 0.4, "lipsync": 0.0, "ldm": 0.6, "flow": 0.0}  # of _retextured


def forge_video(name, shot, seed: int, donor: int):
    """Forge a clean picture: float32 (T, 64, 64, 3), the bool mask (T, 64, 64) of what was changed, and the opening drawn (T,).

    name   one of VIDEO_FORGERS
    shot   render.Shot of the true clip
    donor  identity whose face is put in (faceswap only)
    """
    rng = np.random.default_rng([5, seed])
    if name == "faceswap":
        made, mask, opening = _faceswap(shot, rng, donor)
    elif name in LEARNED:
        from . import learned  # torch, only now

        made, mask, opening = learned.forge(name, shot, rng, finish(name))
    else:
        made, mask, opening = _dub(shot, rng)
    return made, mask | (np.abs(made - shot.clean).max(-1) > VISIBLE), opening  # a new mouth moves the jaw, a soft edge reaches further


def finish(name):
    """The last step of the learned forger `name`: (made, clean, mask, rng) -> made with about the true picture's detail."""
    def finished(made, clean, mask, rng):
        return _matched(_retextured(made, clean, TEXTURE[name]), clean, mask, rng, gains=GAINS[name])
    return finished


def _faceswap(shot, rng, donor):
    x, y, _ = face.head_coordinates(shot.move)
    other, _ = face.draw(face.person(donor), _jittered(shot.move, rng, 0.0007), shot.mouth, shot.scene, shot.clothes)
    other = _through(other, 52) + np.float32(rng.uniform(0.75, 0.95)) * (other - gaussian_filter(other, (0, 1, 1, 0)))
    mask = face.inner_face(shot.who, x, y)[..., None] ** 5  # eyes to mouth, well inside the outline, where landmarks are firm
    weight = mask / mask.sum((0, 1, 2))
    gap = (shot.clean * weight).sum((0, 1, 2)) - (other * weight).sum((0, 1, 2))
    other = other + rng.uniform(0.6, 0.95) * gap  # colour transfer that stops short of a match
    if rng.random() < 0.5:
        other = other + _membrane(shot.clean - other, mask)
    other = _matched(gaussian_filter(other, (0.4, 0, 0, 0)), shot.clean, mask, rng, gains=(1.12, 0.84))  # a tracker's wobble is smoothed away
    blend = mask * np.float32(rng.uniform(0.94, 1.0))
    return shot.clean + blend * (other - shot.clean), mask[..., 0] > 0.5, shot.mouth[:, 0]


def _jittered(move, rng, amount):
    """The same motion with a landmark tracker's error, independent from frame to frame."""
    wobble = rng.normal(0, amount, (2, len(move.x)))
    return face.Motion(move.x + wobble[0], move.y + wobble[1], move.turn, move.scale, move.lids, move.gaze, move.brows)


def _through(image, size):
    """Shrink every frame to size x size (linear) and back (quadratic splines): what a warp through a low-resolution crop costs."""
    there_and_back = _resize(size, face.SIZE, 2) @ _resize(face.SIZE, size, 1)
    return np.einsum("ij,kl,tjlc->tikc", there_and_back, there_and_back, image, optimize=True).astype(np.float32)


@cache
def _resize(old, new, order):
    """The matrix (new, old) that scipy's zoom applies along an axis; two small products are ten times faster than zooming films."""
    return zoom(np.eye(old), (new / old, 1), order=order, grid_mode=True, mode="nearest").astype(np.float32)


def _matched(made, clean, mask, rng, *, gains):
    """Unsharp masking in two bands until the made region has gains times the true one's detail, as every pipeline's last step does.

    Without it the loss of detail alone would give the forgery away, and with one band for all the ratio of fine to coarse detail
    would; what stays is how the detail is arranged. The gains are those at which noise level and sharpness of the finished film move
    least against each other (tests/synthtalk/test_leaks.py); they were found on people and forgeries of all splits, with ten trifles, and never on a detector.
    """
    rest, true, out = made, clean, made
    for sigma, gain in zip((0.5, 1.2), gains):
        soft, soft_true = (gaussian_filter(image, (0, sigma, sigma, 0)) for image in (made, clean))
        band, band_true = rest - soft, true - soft_true
        level = np.sqrt((band_true**2 * mask).sum() / (band**2 * mask).sum())
        out = out + np.float32(gain * level * rng.uniform(0.94, 1.06) - 1) * band
        rest, true = soft, soft_true
    return out


def _retextured(made, clean, share, sigma=0.8):
    """Replace a share of the finest band by the true picture's, as editors do who lay the pores of the original over a face that looks too clean."""
    if not share:
        return made
    fine, true = (image - gaussian_filter(image, (0, sigma, sigma, 0)) for image in (made, clean))
    return made + np.float32(share) * (true - fine)


def _membrane(difference, mask):
    """Smooth offset that agrees with the surroundings at the seam (a cheap stand-in for Poisson blending, Perez et al. 2003)."""
    ring = mask * (1 - mask) + 1e-4
    spread = (0, 7, 7, 0)
    return gaussian_filter(difference * ring, spread) / gaussian_filter(ring, spread)


def _dub(shot, rng):
    """Another utterance's mouth on the same face: nothing in the picture is wrong, only its agreement with the sound."""
    other = speech.utter(int(rng.integers(1 << 62)), len(shot.clean) / shot.fps)
    lips = speech.visemes(other, len(shot.clean), shot.fps)
    made, _ = face.draw(shot.who, shot.move, lips, shot.scene, shot.clothes)
    x, y, _ = face.head_coordinates(shot.move)
    return made.astype(np.float32), face.mouth_box(shot.who, x, y) > 0.5, lips[:, 0]


def forge_audio(name, sound, seed: int):
    """Forge a sound (S,) float32 at 16 kHz by the named audio forger; same length, same root mean square."""
    assert name == "rtvc", name  # the only one; render.py refuses unknown names with a sentence
    import librosa

    n_fft, hop, n_mels = 512, 200, 40
    mel = librosa.filters.mel(sr=speech.SAMPLE_RATE, n_fft=n_fft, n_mels=n_mels)
    power = np.abs(librosa.stft(sound, n_fft=n_fft, hop_length=hop)) ** 2
    coarse = gaussian_filter1d(mel @ power, 0.8, axis=1)
    magnitude = _postfiltered(np.sqrt(np.clip(np.linalg.pinv(mel) @ coarse, 1e-10, None)))
    made = librosa.griffinlim(magnitude, n_iter=16, hop_length=hop, n_fft=n_fft, length=len(sound), random_state=seed % (1 << 32), init="random")
    return _limited(made, sound).astype(np.float32)


def _postfiltered(magnitude, power=1.1):
    """Deepen the valleys between formants, which the coarse mel has filled, at the same energy a frame: a vocoder's formant post-filter."""
    level = np.sqrt((magnitude**2).sum(0))
    deep = (magnitude / level) ** power
    return deep * level / np.sqrt((deep**2).sum(0))


def _limited(made, sound, room=1.07):
    """Compress the peaks until their height over the root mean square is `room` times the true voice's, and give it the true level.

    Phases out of Griffin-Lim pile up to higher peaks than a voice has; peak level alone would give the forgery away.
    """
    made, low, high = made / np.sqrt(max(np.mean(made**2), 1e-12)), 0.3, 50.0
    level = np.sqrt(np.mean(sound**2))
    for _ in range(30):
        knee = np.sqrt(low * high)
        pressed = np.tanh(made / knee)
        pressed = pressed / np.sqrt(max(np.mean(pressed**2), 1e-12))
        low, high = (low, knee) if np.abs(pressed).max() * level > room * np.abs(sound).max() else (knee, high)
    return pressed * level
