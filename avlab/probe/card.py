"""The card of the probe's weights: recipe, data, measured quality and checksum, written by the command that made them."""

import hashlib
import json
import platform
from dataclasses import asdict
from pathlib import Path

import torch

from avlab.synthtalk import VERSION

from . import bundled, listening, training
from .diffusion_probe import DiffusionProbe

LIMITS = ("Knows SynthTalk's real clips and nothing else: no forger, no label, no real person. Numbers it gives on real video are not findings. "
          "Colours and voices of its people are ranges of a drawing and say nothing about groups of people.")


def train(work, out, recipe=None, say=print):
    """Train (or go on), write the weights to `out`, measure them on held-out people, and write the card beside them."""
    recipe = recipe or training.Recipe()
    seconds = training.train_probe(work, out, recipe, say=say)
    write(out, recipe, seconds, say=say)


def write(out, recipe, seconds=None, say=print):
    """Measure the weights at `out` and write their card."""
    path = Path(out)
    measured = listening.measure(DiffusionProbe.bundled(weights=path), say=say)
    vae, audio, unet = bundled.load(path)
    card = {
        "what": "avlab's bundled probe: 4x autoencoder, 16 audio tokens a frame, audio-conditioned video U-Net (diffusers UNetMotionModel)",
        "parameters": {name: sum(p.numel() for p in net.parameters()) for name, net in (("vae", vae), ("audio", audio), ("unet", unet))},
        "recipe": asdict(recipe), "made_by": "avlab train probe", "minutes": None if seconds is None else round(seconds / 60),
        "data": f"{recipe.clips} real SynthTalk clips of 0.64 s (world version {VERSION}), identities {training.FIRST_IDENTITY} to "
                f"{training.FIRST_IDENTITY + training.N_IDENTITIES - 1}, which no manifest row uses; no audio-visual jitter",
        "measured": {key: round(value, 4) for key, value in measured.items()},
        "measured_on": "real test clips of synthtalk.csv, people the probe never saw; repeat with `avlab train probe --measure`",
        "machine": f"{platform.machine()}, torch {torch.__version__.split('+')[0]}",
        "limits": LIMITS, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    target = path.with_suffix(".json")
    partial = target.with_suffix(".json.partial")
    partial.write_text(json.dumps(card, indent=1) + "\n")
    partial.replace(target)
    say(f"card written: {target}")


def repeat(path=None, say=print):
    """Measure weights again and print the figures beside those of their card; returns the new ones."""
    path = Path(path or bundled.WEIGHTS / "probe.safetensors")
    measured, promised = listening.measure(DiffusionProbe.bundled(weights=path), say=say), {}
    if path.with_suffix(".json").is_file():
        promised = json.loads(path.with_suffix(".json").read_text())["measured"]
    for name, value in measured.items():
        say(f"{name:32} {value:10.4f}" + (f"   card {promised[name]:10.4f}" if name in promised else ""))
    return measured
