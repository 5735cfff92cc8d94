"""The face of SynthTalk: soft shapes drawn straight into pixels, with a mouth that is given, not chosen, here.

Everything is drawn in the head's own coordinates (x to the viewer's right, y down, the face about -0.6..0.6 wide), so that the head can move
without its parts coming apart. A shape is a signed distance turned into an opacity over one pixel. Knows nothing of sound or forgers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import zoom

SIZE = 64
PIXEL = 2 / SIZE  # the picture spans -1..1
CELLS = 6  # three colourings times two voice ranges; colours of a drawing, not groups of people


@dataclass(frozen=True, eq=False)
class Person:
    """How somebody looks: colours (3,) in 0..1, lengths in units of half the picture. Compared as an object, so that it can be the key of a cache."""

    skin: np.ndarray
    hair: np.ndarray
    iris: np.ndarray
    lips: np.ndarray
    width: float
    height: float
    jaw: float
    eye_gap: float
    eye_size: float
    brow: float
    brow_tilt: float
    nose: float
    mouth_width: float
    mouth_gain: float
    lip: float
    fringe: float
    long_hair: float
    beard: float
    glasses: float


@dataclass(frozen=True)
class Motion:
    """How the head moves, all (T,): shift in picture units, turn in radians, size factor, eyelids 0 open..1 shut, gaze and brows -1..1."""

    x: np.ndarray
    y: np.ndarray
    turn: np.ndarray
    scale: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    brows: np.ndarray


@lru_cache(maxsize=256)
def person(identity: int) -> Person:
    """The person behind an identity number; identity % 6 is the cell, whose colour ranges overlap with the others'."""
    rng = np.random.default_rng([1, identity])
    tone = np.clip(np.array([0.2, 0.5, 0.8])[identity % CELLS // 2] + rng.normal(0, 0.14), 0, 1)
    pale, deep = np.array([0.95, 0.79, 0.69]), np.array([0.44, 0.28, 0.20])
    skin = np.clip(pale + (deep - pale) * tone + rng.normal(0, 0.02, 3), 0, 1)
    hairs = np.array([[0.10, 0.08, 0.07], [0.22, 0.14, 0.09], [0.38, 0.25, 0.14], [0.66, 0.50, 0.28], [0.45, 0.22, 0.12], [0.62, 0.60, 0.58]])
    weights = np.array([3 + 4 * tone, 3, 2.5 - 2 * tone, 1.6 - 1.6 * tone, 0.8 - 0.7 * tone, 0.6])
    hair = np.clip(hairs[rng.choice(6, p=weights / weights.sum())] + rng.normal(0, 0.02, 3), 0, 1)
    irises = np.array([[0.25, 0.15, 0.09], [0.33, 0.22, 0.12], [0.28, 0.40, 0.28], [0.30, 0.42, 0.55]])
    iris = irises[rng.choice(4, p=np.array([3 + 3 * tone, 2, 1.2 - tone, 1.5 - 1.4 * tone]) / (7.7 + 0.6 * tone))]
    lips = np.clip(skin * [0.86, 0.58, 0.60] + rng.normal(0, 0.025, 3), 0, 1)
    low_voice = identity % 2 == 0
    u = rng.uniform
    return Person(
        skin=skin, hair=hair, iris=iris, lips=lips, width=u(0.50, 0.58), height=u(0.66, 0.74), jaw=u(0.62, 0.80), eye_gap=u(0.21, 0.25),
        eye_size=u(0.085, 0.105), brow=u(0.022, 0.045), brow_tilt=u(-0.12, 0.12), nose=u(0.14, 0.20), mouth_width=u(0.20, 0.25),
        mouth_gain=u(0.9, 1.1), lip=u(0.040, 0.062), fringe=u(0.0, 1.0), long_hair=float(rng.random() < (0.2 if low_voice else 0.75)),
        beard=u(0.25, 0.6) * float(low_voice and rng.random() < 0.4), glasses=float(rng.random() < 0.2),
    )


def motion(seed: int, n_frames: int, fps: float) -> Motion:
    """Draw smooth head motion, blinks and gaze from a seed; a longer clip continues the same motion."""
    rng = np.random.default_rng([3, seed])
    t = (np.arange(n_frames) + 0.5) / fps

    def sway(amplitude, low_hz, high_hz):
        freq, phase = rng.uniform(low_hz, high_hz, 3), rng.uniform(0, 2 * np.pi, 3)
        return amplitude * np.sin(2 * np.pi * freq[:, None] * t + phase[:, None]).sum(0) / 1.7

    blink_every, first = rng.uniform(1.6, 4.0), rng.uniform(-0.5, 2.5)
    since = np.mod(t - first, blink_every)
    lids = np.exp(-(((since - 0.12) / 0.06) ** 2))
    return Motion(
        x=rng.uniform(-0.05, 0.05) + sway(0.035, 0.2, 0.7), y=rng.uniform(-0.02, 0.05) + sway(0.025, 0.2, 0.8), turn=sway(0.07, 0.15, 0.6),
        scale=rng.uniform(1.10, 1.26) * (1 + sway(0.012, 0.2, 0.6)), lids=lids, gaze=np.clip(sway(0.7, 0.2, 0.9), -1, 1), brows=sway(0.6, 0.3, 0.9),
    )


def head_coordinates(move: Motion):
    """Pixel centres in head coordinates: x, y of shape (T, 64, 64) float32, and the pixel size there (T, 1, 1)."""
    axis = ((np.arange(SIZE) + 0.5) * PIXEL - 1).astype(np.float32)
    shift_x, shift_y, turn, scale = (v.astype(np.float32)[:, None, None] for v in (move.x, move.y, move.turn, move.scale))
    px, py = (axis[None, None, :] - shift_x) / scale, (axis[None, :, None] - shift_y) / scale
    return np.cos(turn) * px + np.sin(turn) * py, -np.sin(turn) * px + np.cos(turn) * py, PIXEL / scale


def draw(who: Person, move: Motion, mouth: np.ndarray, scene: np.ndarray, clothes: np.ndarray):
    """Draw the clip: RGB float32 (T, 64, 64, 3) in 0..1 and regions uint8 (T, 64, 64): 0 background, 1 face, 2 mouth.

    mouth    (T, 3) open, wide, round in 0..1
    scene    (64, 64, 3) background; clothes (3,) colour
    """
    x, y, pixel = head_coordinates(move)
    image = np.broadcast_to(scene.astype(np.float32), (len(x), SIZE, SIZE, 3)).copy()
    drop = (0.07 * mouth[:, 0] * who.mouth_gain).astype(np.float32)[:, None, None]  # the jaw follows the opening
    face = _face_distance(who, x, y, drop)
    _paint(image, who.hair * 0.85, _fill(_hair_distance(who, x, y, back=True), pixel))
    _paint(image, clothes, _fill(_ellipse(x, y, 0, 1.28, 0.95, 0.48), pixel))
    _paint(image, who.skin * 0.80, _fill(_box(x, y, 0, 0.72, 0.20, 0.26), pixel))
    for side in (-1, 1):
        _paint(image, who.skin * 0.88, _fill(_ellipse(x, y, side * who.width * 0.99, 0.02, 0.075, 0.13), pixel))
    skin = _shaded_skin(who, x, y, drop)
    _paint(image, skin, _fill(face, pixel))
    _eyes(image, who, move, x, y, pixel)
    _nose(image, who, x, y, pixel)
    inside = _mouth(image, who, mouth, x, y, pixel)
    _paint(image, who.hair, _fill(_hair_distance(who, x, y, back=False), pixel))
    if who.glasses:
        _glasses(image, who, x, y, pixel)
    regions = (face < 0).astype(np.uint8)
    regions[inside] = 2
    return np.clip(image, 0, 1), regions


def mouth_box(who: Person, x, y, *, margin: float = 1.0):
    """Soft mask (T, 64, 64) of the mouth's neighbourhood in head coordinates, as a lip-sync forger would cut it out."""
    return np.exp(-(((x / (0.36 * margin)) ** 2 + ((y - 0.40) / (0.24 * margin)) ** 2) ** 2)).astype(np.float32)


def inner_face(who: Person, x, y):
    """Soft mask (T, 64, 64) of brows to chin, as a face-swap forger would cut it out."""
    return np.exp(-(((x / (0.86 * who.width)) ** 2 + ((y - 0.12) / (0.78 * who.height)) ** 2) ** 4)).astype(np.float32)


def background(seed: int):
    """A room out of focus: a gradient with a few soft blobs, (64, 64, 3), and a colour for clothes (3,)."""
    rng = np.random.default_rng([7, seed])
    base = rng.uniform(0.35, 0.8) + rng.normal(0, 0.06, 3)
    coarse = np.clip(base + rng.normal(0, 0.09, (4, 4, 1)) + rng.normal(0, 0.02, (4, 4, 3)), 0.05, 0.95)
    scene = zoom(coarse, (SIZE / 4, SIZE / 4, 1), order=3, grid_mode=True, mode="nearest")
    clothes = np.clip(rng.uniform(0.15, 0.75) + rng.normal(0, 0.10, 3), 0.05, 0.95)
    return np.clip(scene, 0, 1).astype(np.float32), clothes


# Shapes: signed distances (negative inside) in head units.


def _ellipse(x, y, cx, cy, rx, ry):
    return (np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2) - 1) * min(rx, ry)


def _box(x, y, cx, cy, rx, ry):
    return np.maximum(np.abs(x - cx) - rx, np.abs(y - cy) - ry)


def _face_distance(who, x, y, drop):
    below = np.clip(y, 0, None)
    narrow = 1 - (1 - who.jaw) * np.clip(below / who.height, 0, 1.2) ** 2
    stretch = np.where(y > 0, who.height + drop, who.height)
    return (np.sqrt((x / (who.width * narrow)) ** 2 + (y / stretch) ** 2) - 1) * who.width


def _hair_distance(who, x, y, *, back):
    if back:
        cap = _ellipse(x, y, 0, -0.12, who.width * 1.20, who.height * 1.02)
        return np.minimum(cap, _box(x, y, 0, 0.35, who.width * 1.16, 0.50)) if who.long_hair else cap
    line = -0.42 + 0.14 * who.fringe * np.cos(2.2 * x + 2 * who.fringe) + 0.55 * (np.abs(x) / who.width) ** 4 * 0.35
    return np.maximum(_ellipse(x, y, 0, -0.10, who.width * 1.10, who.height * 1.0), y - line)


def _fill(distance, pixel):
    """Opacity 0..1 of a shape: one pixel wide smooth edge."""
    s = np.clip(0.5 - distance / pixel, 0, 1)
    return s * s * (3 - 2 * s)


def _paint(image, colour, alpha):
    image += alpha[..., None].astype(np.float32) * (np.asarray(colour, np.float32) - image)


def _shaded_skin(who, x, y, drop):
    nx, ny = x / who.width, (y - 0.05) / who.height
    light = 1.03 - 0.16 * (nx + 0.35) ** 2 - 0.13 * (ny + 0.25) ** 2
    light -= 0.10 * np.exp(-(((y - 0.60 - drop) / 0.05) ** 2) - (x / 0.16) ** 2)  # fold under the lower lip
    skin = who.skin.astype(np.float32) * light[..., None].astype(np.float32)
    blush = np.exp(-(((np.abs(x) - 0.30) / 0.13) ** 2) - ((y - 0.20) / 0.11) ** 2).astype(np.float32)
    skin += blush[..., None] * np.array([0.035, -0.012, -0.008], np.float32)
    if who.beard:
        stubble = np.clip((y - 0.22) / 0.25, 0, 1) * np.clip((np.abs(x) + np.abs(y - 0.42) * 0.6 - 0.10) / 0.2, 0, 1) * who.beard
        skin += stubble[..., None].astype(np.float32) * (who.hair.astype(np.float32) - skin)
    return skin


def _eyes(image, who, move, x, y, pixel):
    shut = move.lids.astype(np.float32)[:, None, None]
    look = move.gaze.astype(np.float32)[:, None, None] * 0.025
    lift = move.brows.astype(np.float32)[:, None, None] * 0.02
    for side in (-1, 1):
        cx = side * who.eye_gap
        _paint(image, who.skin * 0.80, 0.45 * _fill(_ellipse(x, y, cx, -0.13, who.eye_size * 1.35, who.eye_size * 0.95), pixel * 3))
        half = who.eye_size * (0.12 + 0.50 * (1 - shut))
        u = np.clip((x - cx) / who.eye_size, -1, 1)
        lid = np.abs(y + 0.12) - half * (1 - u * u)
        white = _fill(np.maximum(lid, np.abs(x - cx) - who.eye_size), pixel)
        _paint(image, (0.93, 0.92, 0.90), white * (1 - 0.9 * shut))
        ball = _ellipse(x, y, cx + look, -0.12, who.eye_size * 0.48, who.eye_size * 0.48)
        _paint(image, who.iris, _fill(ball, pixel) * white * (1 - shut))
        _paint(image, (0.05, 0.04, 0.04), _fill(ball + who.eye_size * 0.24, pixel) * white * (1 - shut))
        edge = np.abs(y + 0.12 + half * (1 - u * u)) - 0.010
        _paint(image, who.hair * 0.5, 0.8 * _fill(np.maximum(edge, np.abs(x - cx) - who.eye_size), pixel))
        arch = -0.27 - lift - 0.035 * (1 - u * u) + who.brow_tilt * side * (x - cx)
        brow = np.maximum(np.abs(y - arch) - who.brow, np.abs(x - cx) - who.eye_size * 1.25)
        _paint(image, who.hair * 0.75, 0.9 * _fill(brow, pixel))


def _nose(image, who, x, y, pixel):
    tip = 0.04 + who.nose
    ridge = np.maximum(np.abs(x - 0.035) - 0.016, np.abs(y - (tip - 0.10)) - who.nose * 0.55)
    _paint(image, who.skin * 0.84, 0.45 * _fill(ridge, pixel * 2))
    _paint(image, np.clip(who.skin * 1.10, 0, 1), 0.5 * _fill(_ellipse(x, y, -0.015, tip - 0.03, 0.035, 0.05), pixel * 2))
    _paint(image, who.skin * 0.72, 0.5 * _fill(_ellipse(x, y, 0.0, tip + 0.03, 0.09, 0.025), pixel * 1.5))
    for side in (-1, 1):
        _paint(image, who.skin * 0.45, 0.7 * _fill(_ellipse(x, y, side * 0.045, tip + 0.03, 0.020, 0.014), pixel))


def _mouth(image, who, mouth, x, y, pixel):
    """Lips, cavity, teeth and tongue at (0, 0.40); returns the bool mask of everything the mouth touches."""
    opening, wide, rounding = (mouth[:, i].astype(np.float32)[:, None, None] for i in range(3))
    half_width = who.mouth_width * (1 + 0.28 * wide - 0.36 * rounding)
    gap = 0.165 * opening * who.mouth_gain * (1 - 0.12 * wide) + 0.006
    u = np.clip(x / half_width, -1.3, 1.3)
    profile = np.clip(1 - u * u, 0, None) ** 0.6
    local = y - 0.40 - 0.30 * gap + 0.022 * u * u * (wide - 0.3)  # most of the opening goes down; wide corners rise
    upper, lower = -0.45 * gap * profile, 0.95 * gap * profile
    thick = who.lip * (1 + 0.25 * rounding)
    bow = 1 - 0.22 * np.exp(-((u / 0.16) ** 2))
    within = np.abs(x) - half_width
    outer = np.maximum(np.maximum(upper - thick * 0.8 * profile * bow - local, local - lower - thick * 1.1 * profile), within)
    hole = np.maximum(np.maximum(upper - local, local - lower), within + 0.012)
    shade = who.lips + 0.06 * np.exp(-(((local - lower - 0.5 * thick) / 0.03) ** 2))[..., None]
    _paint(image, np.clip(np.where((local < upper)[..., None], shade * 0.86, shade), 0, 1), _fill(outer, pixel))
    cavity = _fill(hole, pixel) * np.clip((gap - 0.008) / 0.012, 0, 1)
    _paint(image, (0.20, 0.05, 0.06), cavity)
    teeth = np.clip((upper + 0.050 + 0.015 * wide - local) / 0.02, 0, 1) * np.clip((half_width * 0.82 - np.abs(x)) / 0.03, 0, 1)
    _paint(image, (0.93, 0.91, 0.86), cavity * teeth * np.clip(1 - rounding * 0.8, 0, 1))
    tongue = _fill(_ellipse(x, local - 0.95 * gap, 0, 0, 0.6 * who.mouth_width, 0.05), pixel * 2)
    _paint(image, (0.70, 0.34, 0.34), 0.85 * cavity * tongue * (1 - teeth))
    _paint(image, who.lips * 0.45, _fill(np.maximum(np.abs(local - 0.5 * (upper + lower)) - 0.006, within + 0.01), pixel) * np.clip(1 - gap / 0.02, 0, 1))
    return outer < pixel


def _glasses(image, who, x, y, pixel):
    frame = np.full_like(x, np.inf)
    for side in (-1, 1):
        frame = np.minimum(frame, np.abs(_ellipse(x, y, side * who.eye_gap, -0.11, 0.165, 0.135)) - 0.010)
    bridge = np.maximum(np.abs(y + 0.13) - 0.010, np.abs(x) - (who.eye_gap - 0.155))
    _paint(image, (0.13, 0.12, 0.13), 0.85 * _fill(np.minimum(frame, bridge), pixel))
