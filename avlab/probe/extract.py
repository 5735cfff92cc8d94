"""Probe features of many clips into a store: psi always, latents of the round trip if asked for; a killed run goes on where it was.

Half precision and latents instead of pictures: phi is decoded again on reading (`composite`), an eighth of its size on disk.
"""

import hashlib

import numpy as np
import torch

from avlab.clips import Store, load_clip, manifest
from avlab.errors import AvlabError
from avlab.synthtalk import VERSION

from . import bundled
from .diffusion_probe import DiffusionProbe


def settings(probe, *, phi):
    """What stored features depend on besides the clip: the weights, the schedule, the tap, SynthTalk's version, and whether phi is there."""
    digest = hashlib.sha256()
    for net in (probe.vae, probe.audio, probe.unet):
        for key, value in sorted(net.state_dict().items()):
            digest.update(key.encode() + value.detach().cpu().numpy().tobytes())
    return {"probe": digest.hexdigest()[:16], "steps": probe.schedule.steps, "layer": probe.layer, "phi": bool(phi), "synthtalk": VERSION}


def features(probe, clip, *, phi):
    """Arrays to keep of one clip, float16: psi (D, T, h, w), z0 and with phi z_T and z0_hat, each (4, T, 16, 16)."""
    probed = probe(clip, phi=phi)
    return {"psi": probed.av_attention.half(), **{key: value.half() for key, value in probed.latents.items()}}


def composite(probe, arrays, frames):
    """phi (12, T, H, W) float32 from stored latents and the clip's frames uint8 (T, 64, 64, 3)."""
    x = torch.as_tensor(np.asarray(frames)).float() / 255
    inverted, made = (probe.decode(torch.as_tensor(arrays[key]).float()[None].to(probe.device))[0].cpu() for key in ("z_T", "z0_hat"))
    return torch.cat([film.permute(3, 0, 1, 2) for film in (x[: len(made)], inverted, made, (x[: len(made)] - made).abs())])


def extract(source, out, *, split="", phi=False, device="cpu", say=print):
    """Compute what is missing in the store `out` for every row of a manifest; bad rows and clips are reported, the others go on.

    Raises AvlabError for a device that is not there, or if no row is left to compute.
    """
    if device != "cpu" and not (device.startswith("cuda") and torch.cuda.is_available()):
        raise AvlabError("The device is cpu, or cuda where torch sees a GPU", got=device, todo="`avlab doctor` says what this machine has")
    rows = manifest.load(source)
    for line, column, message in rows.problems:
        say(f"skipped: line {line}, {column}: {message}")
    wanted = rows.select(split=split) if split else rows
    if not wanted:
        raise AvlabError("There are no rows to compute", got=f"{len(rows)} good rows" + (f", none in split {split!r}" if split else ""))
    probe = DiffusionProbe.bundled(device)
    store = Store(out, settings(probe, phi=phi))

    def progress(number, total, row, state):
        if state.startswith("failed") or number % 10 == 0 or number == total:
            say(f"{number}/{total} {row.clip_id} {state}")

    done = store.map(wanted, lambda row: features(probe, load_clip(row, size=None if not row.path else bundled.SIZE), phi=phi), progress=progress)
    say(f"{len(done.done)} computed, {len(done.kept)} were there, {len(done.failed)} failed")
    return done
