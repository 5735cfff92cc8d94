"""The bundled detectors where there is nothing to find: the test people's fakes swapped for re-rendered reals, and training on shuffled labels.

A detector that still told the two sides apart would know people, seeds or the order of clips instead of forgeries.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avlab.clips import load_clip
from avlab.clips.datasets import synthtalk
from avlab.metrics import auroc

N, LONG = 40, 6.4  # clips a side


def drawn(duration_s, n):
    """(reals of test people, the same people's reals with other seeds, their seen forgeries): n rows each, people in turn."""
    rows = [row for row in synthtalk.rows() if row.split == "test" and abs(row.duration_s - duration_s) < 1e-3]
    people = sorted({row.identity for row in rows})
    piles = {(who, fake): [row for row in rows if row.identity == who and row.label == fake] for who in people for fake in (0, 1)}
    known = {*synthtalk.SEEN, "rtvc"}
    piles = {key: [row for row in pile if not key[1] or set(row.forger.split("+")) <= known or duration_s == LONG] for key, pile in piles.items()}
    reals = [piles[people[k % len(people)], 0][k // len(people)] for k in range(n)]
    fakes = [(pile := piles[people[k % len(people)], 1])[k % len(pile)] for k in range(n)]
    again = [replace(row, clip_id=f"{row.clip_id}-again", **{f"{name}_seed": getattr(row, f"{name}_seed") + 1_000_000 for name in ("speech", "motion", "camera")})
             for row in reals]
    return reals, again, fakes


def through(model, inputs):
    """A function: clips -> logits of a model that reads arrays of the clips alone."""
    def logits(clips):
        arrays = [inputs(clip) for clip in clips]
        with torch.inference_mode():
            return model(*(torch.stack([torch.as_tensor(one[name]).float() for one in arrays]) for name in model.reads)).logit.numpy()
    return logits


def amdd_scores():
    from avlab.course import nb03_training
    from avlab.detectors import amdd
    return through(nb03_training.bundled("with", 0), amdd.inputs)


def msct_scores():
    from avlab.detectors import msct, msct_training
    return through(msct_training.bundled(0), msct.inputs)


def mmmsba_scores():
    from avlab.course import nb07_training
    from avlab.detectors import mmmsba
    return through(nb07_training.bundled()["plain"][0], mmmsba.inputs)


def xavdt_scores():
    from avlab.course import nb05_clips, nb05_experiments, nb05_runs, nb05_store
    from avlab.probe.diffusion_probe import DiffusionProbe
    probe, model = DiffusionProbe.bundled("cpu", 4), nb05_runs.bundled("full", 0)

    def logits(clips):
        sample = replace(nb05_clips.without_pictures([clip.row for clip in clips]), frames=np.stack([c.frames for c in clips]), audio=np.stack([c.audio for c in clips]))
        return nb05_experiments.logits(model, sample, nb05_experiments.features_of("full", {"own": nb05_store.measured("", probe, sample)}))
    return logits


@pytest.mark.parametrize("scores, duration_s, n", [
    pytest.param(amdd_scores, 0.64, N, id="amdd"), pytest.param(msct_scores, 0.64, N, id="msct"), pytest.param(mmmsba_scores, LONG, 16, id="mmmsba", marks=pytest.mark.slow),
    pytest.param(xavdt_scores, 0.64, N, id="xavdt", marks=pytest.mark.slow)])
def test_rerendered_reals_in_place_of_fakes_are_chance(scores, duration_s, n):
    logits = scores()
    real, again, fake = (logits([load_clip(row) for row in rows]) for rows in drawn(duration_s, n))
    label = np.repeat([0, 1], n)
    found, nothing = (auroc(np.concatenate([real, other]), label) for other in (fake, again))
    print(f"fakes {found:.3f}, re-rendered reals {nothing:.3f}")
    three_sigma = 3 * np.sqrt((2 * n + 1) / (12 * n * n))  # of an AUROC where there is nothing to find
    assert abs(nothing - 0.5) < three_sigma and found > 0.5 + three_sigma
