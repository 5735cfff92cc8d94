"""The small computations between the experiments of notebook 07 and its figures."""

from __future__ import annotations

import numpy as np
import torch

from avlab.course import nb07_experiments as experiments
from avlab.course import published
from avlab.metrics import auroc, bootstrap_ci
from avlab.show import figures, pictures, theme

CONDITIONS = {"no sound": "absent", "silence": "silent", "someone else's sound": "shuffled", "no lips": "lips"}  # figure's name -> metric's

__all__ = ["CONDITIONS", "above", "auroc", "curves", "grid_figure", "keys_figure", "moments", "over_people", "painted", "printed", "watched"]


def above(proposals, threshold) -> np.ndarray:
    """Proposals (N, 3) whose score is at or above a threshold, best first."""
    return proposals[proposals[:, 2] >= threshold]


def watched(model, sample, index, proposals) -> dict:
    """One clip of the timeline explorer: its frames and sound, what is forged in it, and what the model says of it."""
    row, film = sample.rows[index], sample.films[sample.rows[index].clip_id]
    inputs = experiments.batch(model, sample, index)
    with torch.inference_mode():
        score = model(*inputs).parts["frame_logit"][0].sigmoid().numpy()[::model.stride]
    return {"truth": {"picture": row.segments_video, "sound": row.segments_audio}, "proposals": proposals, "score": score,
            "step_s": model.stride / model.fps, "seconds": row.duration_s, "frames": film.frames, "sound": (film.audio, film.sample_rate),
            "attention": experiments.attention_received(model, inputs)}


def curves(judged: dict) -> dict:
    """{level: {name: Interval}} -> {name: (levels, values, lower ends, upper ends)}."""
    levels = list(judged)
    return {name: (levels, *(np.array([getattr(judged[v][name], end) for v in levels]) for end in ("value", "lo", "hi"))) for name in judged[levels[0]]}


def printed() -> dict:
    """MMMS-BA's AP on LAV-DF as a curve of three points, second-hand (published.py says from where)."""
    value = np.array([published.MMMSBA_LAVDF.get("MMMS-BA", f"AP@{v:g}") for v in experiments.IOUS]) / 100
    return {"published (LAV-DF)": (list(experiments.IOUS), value, value, value)}


def over_people(told, sample, key, *, n, seed):
    """Interval of the mean over clips of told[i][key], people resampled."""
    values = np.array([t[key] for t in told])
    return bootstrap_ci(np.mean, values, groups=[sample.rows[t["index"]].identity for t in told], n=n, seed=seed)


def moments(told) -> dict:
    """{"not forged", "forged": (fall of the logit, attention received)} of all moments of all clips."""
    return {name: tuple(np.concatenate([t[key][t["forged"] == state] for t in told]) for key in ("drop", "received"))
            for name, state in (("not forged", False), ("forged", True))}


def grid_figure(lengths, cover, nearest):
    """Mean IoU of spans with their labels on a grid, by length: the cover, and the nearest step with the middle 90 %."""
    series = {"cover (start down, end up)": (lengths, cover.mean(1)), "nearest step": (lengths, nearest.mean(1), *np.quantile(nearest, (0.05, 0.95), 1))}
    fig = figures.lines_with_band(series, x="length of the forged span (s)", y="IoU with its label on the grid", title="What a grid of 0.2 s can say",
                                  world="toy")
    for level in experiments.IOUS:
        fig.add_hline(level, line_dash="dot", line_color=theme.AXIS)
    return fig.add_vrect(0.6, 1.6, fillcolor=theme.BAND, line_width=0, layer="below")


def keys_figure(factors, rows):
    """Effective keys of 25 by the factor on the scores, a line for each spread of the units, with the middle half of the rows."""
    series = {f"tanh of N(0, {spread:g}²)": (factors, np.array([r.mean() for r in found]), *np.array([np.quantile(r, (0.25, 0.75)) for r in found]).T)
              for spread, found in rows.items()}
    fig = figures.lines_with_band(series, x="factor on the scores", y="effective keys of 25", log_x=True, markers=False, world="toy",
                                  title="One constant decides how sharp attention looks")
    fig.update_xaxes(tickvals=[0.05, 0.1, 0.2, 0.5, 1], ticktext=["0.05", "0.1 = 1/sqrt(100)", "0.2", "0.5", "1, the paper"])
    return fig.add_vline(0.1, line_color=theme.AXIS).add_vline(1.0, line_dash="dot", line_color=theme.AXIS)


def painted(weights) -> np.ndarray:
    """Attention rows (T, T) as a picture, 0 to 1."""
    return pictures.paint(np.asarray(weights), "magnitude", 1.0).repeat(8, 0).repeat(8, 1)
