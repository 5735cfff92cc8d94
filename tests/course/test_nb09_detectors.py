"""Every detector of notebook 09 reads clips in one form, from the bundled weights, and what it reads matters to it."""

import numpy as np
import pytest

from avlab.clips import degrade, manifest
from avlab.course import nb09_clips as clips
from avlab.course import nb09_detectors as detectors


@pytest.fixture(scope="module")
def sample():
    return clips.load_sample(clips.draw(manifest.load("synthtalk"), 1, 0, split="val").select(forger=("real", "faceswap")))


@pytest.mark.parametrize("name", detectors.NAMES)
def test_a_detector_reads_clips_alone_or_together_and_sees_the_pictures(sample, name):
    models = detectors.networks(name, 1, "cpu")
    made = detectors.read(name, models, sample, ("faceswap",))
    assert len(made) == 1 and len(made[0]["embedding"]) == len(sample) and np.isfinite(made[0]["embedding"]).all()
    one = detectors.read(name, models, sample.pick([2]), ("faceswap",))
    assert np.allclose(one[0]["embedding"], made[0]["embedding"][2:3], atol=1e-3)
    blurred = detectors.read(name, models, clips.changed(sample, lambda clip: degrade.blur(clip, 2)), ("faceswap",))
    assert not np.allclose(blurred[0]["embedding"], made[0]["embedding"], atol=1e-2)
    quiet = detectors.read(name, models, clips.changed(sample, degrade.silent), ("faceswap",))
    assert np.allclose(quiet[0]["embedding"], made[0]["embedding"]) == (name == "rgb")  # pictures alone: deaf
    assert set(made[0]) == {"amdd": {"embedding", "score", "generator_logits"}, "plain": {"embedding"}}.get(name, {"embedding", "score"})
