"""The small computations between the experiments of notebook 07 and its figures."""

from __future__ import annotations

import numpy as np
import torch

from avlab.course import nb07_experiments as experiments
from avlab.metrics import auroc, bootstrap_ci
from avlab.show import figures_localise as drawn
from avlab.show import pictures

CONDITIONS = {"no sound": "absent", "silence": "silent", "someone else's sound": "shuffled", "no lips": "lips"}  # figure's name -> metric's

__all__ = ["CONDITIONS", "above", "auroc", "curves", "over_people", "painted", "watched"]


def above(proposals, threshold) -> np.ndarray:
    """Proposals (N, 3) whose score is at or above a threshold, best first."""
    return proposals[proposals[:, 2] >= threshold]


def watched(model, sample, index, proposals, threshold) -> dict:
    """One state of the timeline: the frames, spans and scores of one clip, its sound, as panels of an explorer."""
    row, film = sample.rows[index], sample.films[sample.rows[index].clip_id]
    inputs = experiments.batch(model, sample, index)
    with torch.inference_mode():
        score = model(*inputs).parts["frame_logit"][0].sigmoid().numpy()[::model.stride]
    fig = drawn.spans_on_time({"picture": row.segments_video, "sound": row.segments_audio}, above(proposals, threshold)[:8], score, threshold=threshold,
                              step_s=model.stride / model.fps, seconds=row.duration_s, attention=experiments.attention_received(model, inputs))
    pick = np.linspace(0, len(film.frames) - 1, 10).round().astype(int)
    return {"ten frames, evenly spaced": pictures.montage([film.frames[pick]]), "spans and scores": fig, "sound": (film.audio, film.sample_rate)}


def curves(judged: dict) -> dict:
    """{level: {name: Interval}} -> {name: (levels, values, lower ends, upper ends)}."""
    levels = list(judged)
    return {name: (levels, *(np.array([getattr(judged[v][name], end) for v in levels]) for end in ("value", "lo", "hi"))) for name in judged[levels[0]]}


def over_people(told, sample, key, *, n, seed):
    """Interval of the mean over clips of told[i][key], people resampled."""
    values = np.array([t[key] for t in told])
    return bootstrap_ci(np.mean, values, groups=[sample.rows[t["index"]].identity for t in told], n=n, seed=seed)


def painted(weights) -> np.ndarray:
    """Attention rows (T, T) as a picture, 0 to 1."""
    return pictures.paint(np.asarray(weights), "magnitude", 1.0).repeat(8, 0).repeat(8, 1)
