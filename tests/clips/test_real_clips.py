"""Real talking-head films, where the user has some: AVLAB_REAL_CLIPS names a folder of mp4 files with sound."""

import os
from pathlib import Path

import numpy as np
import pytest

from avlab.clips import load_clip

FOLDER = os.environ.get("AVLAB_REAL_CLIPS", "")


@pytest.mark.skipif(not FOLDER, reason="AVLAB_REAL_CLIPS names no folder of real clips")
def test_real_films_decode_to_moving_pictures_and_speech():
    paths = sorted(Path(FOLDER).glob("*.mp4"))
    assert paths, f"no mp4 in {FOLDER}"
    for path in paths:
        clip = load_clip(path, size=128, max_seconds=4)
        assert min(clip.frames.shape[1:3]) == 128 and clip.frames.std() > 10
        assert clip.audio.shape == (len(clip.frames) * 640,) and clip.audio.std() > 0.005 and clip.mask.mean() > 0.95
        assert np.abs(np.diff(clip.frames.astype(np.int16), axis=0)).mean() > 0.1
