"""What the detectors of notebook 09 make of clips. One form for all: an embedding for linear heads, and the network's own score where it has one."""

from __future__ import annotations

import numpy as np

from avlab.detectors import amdd, msct, xavdt
from avlab.detectors.batches import ClipDataset
from avlab.detectors.training import predict

NAMES = {"amdd": "AMDD", "msct": "MSCT", "rgb": "pictures alone", "plain": "no network"}


def networks(name: str, n: int, device: str) -> list:
    """At most n bundled networks of a detector, seeds 0, 1 ..., on a device; of "plain" one None: it has none."""
    if name == "plain":
        return [None]
    from avlab.course.nb03_training import bundled as bundled_amdd
    from avlab.course.nb05_runs import bundled as bundled_xavdt
    from avlab.detectors.msct_training import bundled as bundled_msct

    load = {"amdd": lambda seed: bundled_amdd("with", seed), "msct": bundled_msct, "rgb": lambda seed: bundled_xavdt("rgb", seed)}[name]
    return [load(seed).to(device) for seed in range(n)]


def read(name: str, models: list, sample, forgers) -> list[dict]:
    """What each network makes of a sample: [{"embedding" (N, D), "score" (N,) log-odds of fake, "generator_logits" (N, G + 1)}].

    forgers   those the networks were taught, in their order.  AMDD alone names generators. "rgb" is X-AVDT's control that sees pictures and met no probe
    (notebook 05); its lessons held no forged sound.  "plain" has an embedding alone: mean local spectra of the
    picture and mean log-mel of the sound, what AMDD is given, without any network. It was never taught anything, so no forger is known to it.
    """
    if name == "plain":
        return [{"embedding": _plain(sample)}]
    clip_of = {row.clip_id: clip for row, clip in zip(sample.rows, sample.clips, strict=True)}
    inputs = {"amdd": amdd.inputs, "msct": msct.inputs, "rgb": _pictures}[name]
    data = ClipDataset(sample.rows, lambda row: inputs(clip_of[row.clip_id]), forgers=forgers, keep=True)
    parts = ("generator_logits",) if name == "amdd" else ()
    made = [predict(model, data, parts=parts) for model in models]
    return [{"embedding": said["embedding"].astype(np.float64), "score": said["logit"].astype(np.float64),
             **{part: said[part].astype(np.float64) for part in parts}} for said in made]


def _pictures(clip) -> dict:
    """What X-AVDT small reads, with nothing but the clip's own pictures in it: the films and psi that its control does not look at are 0."""
    from avlab.course.nb05_store import SMALL_GRID, SMALL_PX

    film = clip.frames.transpose(3, 0, 1, 2).astype(np.float32) / 255
    return xavdt.inputs(np.concatenate([film, np.zeros((9, *film.shape[1:]), np.float32)]), np.zeros((1, len(clip.frames), 16, 16), np.float32),
                        px=SMALL_PX, grid=SMALL_GRID)


def _plain(sample, batch=32) -> np.ndarray:
    """Mean over time and place of the local spectra, and over time of the log-mel: (N, 144)."""
    import torch

    from avlab.detectors.encoders_amdd import local_spectra

    found = []
    for first in range(0, len(sample), batch):
        some = [amdd.inputs(clip) for clip in sample.clips[first:first + batch]]
        frames = torch.stack([torch.from_numpy(one["frames"]).float() for one in some])
        with torch.inference_mode():
            spectra = local_spectra(frames).mean((1, 3, 4)).numpy()
        found.append(np.concatenate([spectra, np.stack([one["log_mel"].astype(np.float32).mean(1) for one in some])], 1))
    return np.concatenate(found).astype(np.float64)
