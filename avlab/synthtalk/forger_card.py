"""The card of a learned forger's weights: recipe, data, measured quality and traces, checksum; written by the command that made them."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from . import aligned, forger_training, forgers, learned
from .render import FPS, VERSION, Spec, shot_of

HELD_OUT = range(78, 102)  # the split test of data_manifests/synthtalk.csv
LAGS_S = np.arange(-0.10, 0.16, 0.01)
WHAT = {
    "reenact": "autoencoder of the whole picture with transposed convolutions (kernel 3, stride 2), of which the inner face is pasted",
    "lipsync": "lower face from 200 ms of sound, the face above the mouth and a reference frame (Wav2Lip in small), played out 42 to 78 ms late",
    "ldm": "inner face by latent diffusion from its upper half, a reference and the sound; clean-code prediction, cosine schedule, 5 steps of DDIM",
    "flow": "lower face by flow matching from the face above the mouth, a reference and the sound; 4 Euler steps",
}
LIMITS = "Knows SynthTalk's drawn people and nothing else. It forges drawings, it cannot forge a person, and its traces are those of a network of this size."


def train(name, work, out, recipe=None, say=print):
    """Train (or go on), write the weights to `out`, measure them on people they never saw, and write the card beside them."""
    path = Path(out)
    net, recipe, seconds = forger_training.train(name, work, path, recipe, say=say)
    path.with_suffix(".json").unlink(missing_ok=True)  # of older weights
    net = learned.read(name, path)  # as it will be used: in half precision
    card = {
        "what": f"SynthTalk's forger {name}: {WHAT[name]}", "parameters": sum(p.numel() for p in net.parameters()), "recipe": asdict(recipe),
        "made_by": f"avlab train forger {name}", "minutes": round(seconds / 60, 1),
        "data": f"clean pictures and sounds of {recipe.clips} real clips of 0.64 s (world version {VERSION}), identities 0 to "
                f"{forger_training.PEOPLE - 1}, the split train of synthtalk.csv; no forger, label or phoneme",
        "measured": measure(name, net, say=say),
        "measured_on": f"one clip of 1.28 s of each of {len(HELD_OUT)} people of the split test; repeat with `avlab train forger {name} --measure`",
        "machine": f"{platform.machine()}, torch {torch.__version__.split('+')[0]}", "limits": LIMITS, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(card, indent=1) + "\n")
    partial.replace(path.with_suffix(".json"))
    say(f"card written: {path.with_suffix('.json')}")


def repeat(name, path=None, say=print):
    """Measure weights again and print the figures beside those of their card; returns the new ones."""
    path = Path(path or learned.WEIGHTS / f"forger_{name}.safetensors")
    found, card = measure(name, learned.read(name, path), say=say), path.with_suffix(".json")
    promised = json.loads(card.read_text())["measured"] if card.is_file() else {}
    for key, value in found.items():
        say(f"{key:28} {value:10.4f}" + (f"   card {promised[key]:10.4f}" if key in promised else ""))
    return found


def measure(name, net, people=HELD_OUT, say=print):
    """Forge one clean shot of each person and return {figure: value}.

    opening_r            correlation of the opening drawn with the one that the sound asks for, mean over clips; opening_r_reader the same of the
                         reader on true pictures, which no forger can beat
    opening_r_other      the same against another clip's sound: what a deaf forger would reach
    lag_ms               shift at which the opening drawn agrees best, mean over clips; opening_r_at_lag the correlation there
    swing                deviation of the opening drawn over the true one's
    psnr_db              against the true picture, inside the forged area, before camera and codec
    lattice_db, still_db, fine_db   traces, see `traces`
    seconds              processor time of one core for 16 frames, all steps included
    """
    shots = [shot_of(spec_of(k)) for k in people]
    made, spent = [], time.process_time()
    for k, shot in zip(people, shots, strict=True):
        made.append(learned.forge(name, shot, np.random.default_rng([5, k]), forgers.finish(name), net=net))
    spent = time.process_time() - spent
    true, shown = np.array([shot.mouth[:, 0] for shot in shots]), np.array([opening for _, _, opening in made])
    read = [aligned.opening_of(shot.who, aligned.cut(shot.clean, shot.move, aligned.LOWER)) for shot in shots]
    curves = np.array([[_late(a, b, lag) for lag in LAGS_S] for a, b in zip(shown, true, strict=True)])
    error = [np.square(picture - shot.clean)[mask].mean() for (picture, mask, _), shot in zip(made, shots, strict=True)]
    found = {
        "opening_r": _r(shown, true), "opening_r_reader": _r(read, true), "opening_r_other": _r(shown, np.roll(true, 1, 0)),
        "lag_ms": 1000 * LAGS_S[curves.argmax(1)].mean(), "opening_r_at_lag": curves.max(1).mean(), "swing": (shown.std(1) / true.std(1)).mean(),
        "psnr_db": -10 * np.log10(np.mean(error)), **traces(shots, [(picture, mask) for picture, mask, _ in made]),
        "seconds": spent / len(shots) * 16 / len(shots[0].clean),
    }
    return {key: round(float(value), 4) for key, value in found.items()}


def spec_of(identity):
    """The spec of the clip on which this person's forgery is measured."""
    return Spec(identity, 43_000_000 + identity, 44_000_000 + identity, 45_000_000 + identity, 1.28, forger_seed=identity)


def _r(found, true):
    return np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(found, true, strict=True)])


def _late(shown, asked, lag_s):
    """Correlation on a 10 ms grid of the opening shown lag_s later with the opening asked for."""
    centres = (np.arange(len(shown)) + 0.5) / FPS
    fine = np.arange(0.2, centres[-1] - 0.2, 0.01)
    return np.corrcoef(np.interp(fine + lag_s, centres, shown), np.interp(fine, centres, asked))[0, 1]


def traces(shots, made):
    """Power of forged pictures over their sources', in dB, before camera and codec, inside the forged area.

    lattice_db   of the finest stripes and checks (the three corners of the spectrum at half a cycle a pixel): what stride-2 up-sampling leaves
    fine_db      of all detail finer than a Gaussian of one pixel: what is lost or invented
    still_db     of the part of the forger's own fine detail (forged minus true) that stands still on the head, over the part that moves:
                 a network that draws each frame alone spreads its mistakes, one fed with the same noise in every frame repeats them
    """
    corner, fine, still = [], [], []
    for (picture, mask), shot in zip(made, shots, strict=True):
        grey, true = picture.mean(-1), shot.clean.mean(-1)
        corner.append([_corners(image)[_blocks(mask)].mean() for image in (grey, true)])
        fine.append([np.square(image - gaussian_filter(image, (0, 1, 1)))[mask].mean() for image in (grey, true)])
        own = aligned.cut(picture - shot.clean, shot.move, aligned.INNER).mean(-1)[:, 20:40, 12:36]
        own = own - gaussian_filter(own, (0, 1.5, 1.5))
        still.append([np.square(own.mean(0)).mean(), own.var(0).mean()])
    names = ("lattice_db", "fine_db", "still_db")
    return {name: 10 * np.log10(np.divide(*np.mean(pairs, 0))) for name, pairs in zip(names, (corner, fine, still), strict=True)}


def _corners(image):
    """Power at half a cycle a pixel, across, down and both, in windows of 8 x 8 (stride 4): (T, 15, 15)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (8, 8), (1, 2))[:, ::4, ::4]
    signs, taper = (-1.0) ** np.arange(8), np.hanning(10)[1:-1]
    rows, flat = taper * signs, taper
    return sum(np.square(np.einsum("thwij,i,j->thw", windows, a, b)) for a, b in ((rows, flat), (flat, rows), (rows, rows)))


def _blocks(mask):
    return np.lib.stride_tricks.sliding_window_view(mask, (8, 8), (1, 2))[:, ::4, ::4].all((-2, -1))
