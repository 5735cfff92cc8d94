"""Rendered SynthTalk clips, kept between runs for those who ask for it: the environment variable AVLAB_RENDERED names a folder.

A learned forger takes a third of a second a clip, and the notebooks of a report draw many of the same clips. What is kept is what was
rendered, byte for byte; whatever changes the world's code or its forgers' weights asks for other files.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import numpy as np

from avlab.clips.store import Store

FOLDER = "AVLAB_RENDERED"
TRUTH = ("mouth_open", "mouth_shown", "regions", "forged", "forged_audio", "track")


def kept(row, render):
    """Return the Rendered of a row: the one on disk if AVLAB_RENDERED names a folder that has it, else render(), which is then kept there."""
    folder = os.environ.get(FOLDER, "")
    if not folder:
        return render()
    store = Store(folder, {"what": "rendered clips", "world": _world()})
    if store.has(row):
        return _unpacked(store.get(row))
    made = render()
    store.put(row, _packed(made))
    return made


def _packed(made) -> dict:
    starts, ends, symbols = zip(*made.truth.phonemes, strict=True)
    return {"frames": made.frames, "audio": made.audio, **{name: getattr(made.truth, name) for name in TRUTH},
            "spans": np.array([starts, ends], np.float64), "symbols": np.frombuffer("\n".join(symbols).encode(), np.uint8)}


def _unpacked(arrays):
    from avlab.synthtalk.render import Rendered, Truth

    symbols = arrays["symbols"].tobytes().decode().split("\n")
    phonemes = tuple((start, end, symbol) for start, end, symbol in zip(*arrays["spans"].tolist(), symbols, strict=True))
    return Rendered(arrays["frames"], arrays["audio"], Truth(phonemes=phonemes, **{name: arrays[name] for name in TRUTH}))


@cache
def _world() -> str:
    """sha256 of the world's code and of its forgers' weights."""
    package, total = Path(__file__).resolve().parents[1], hashlib.sha256()
    for path in sorted([*(package / "synthtalk").glob("*.py"), *(package / "weights").glob("forger_*.safetensors")]):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()
