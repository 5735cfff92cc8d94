"""`avlab probe`: what lies in the folder is what the probe measured, and the page says what it may not be used for."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from avlab.clips import load_clip, manifest, write_clip
from avlab.errors import AvlabError
from avlab.results import Probed
from avlab.workbook import clip_page, gate


class Planted:
    """A probe that knows no network: everything comes back but for a bright square in frame 3."""

    def __call__(self, clip, progress=None):
        x = torch.as_tensor(clip.frames[:16]).float().permute(3, 0, 1, 2)[:, :, :64, :64] / 255
        made = x.clone()
        made[:, 3, 10:20, 10:20] = 1 - made[:, 3, 10:20, 10:20]
        psi = torch.full((2, 16, 16, 16), -0.25)
        return Probed(
            torch.cat([x, 1 - x, made, (x - made).abs()]),
            psi,
            {"z0": torch.zeros(4, 16, 16, 16)},
            "clip",
            "up.-1.cross.1",
            24,
            40,
            80,
            ("a note of the probe",),
        )


@pytest.fixture
def video(tmp_path):
    row = next(r for r in manifest.load("synthtalk") if r.duration_s == 0.64)
    clip = load_clip(row)
    return write_clip(clip, tmp_path / "My Private Name.mp4"), clip


def test_the_folder_holds_what_the_probe_measured(video, tmp_path):
    said = []
    page = clip_page.probe_clip(video[0], tmp_path / "out", probe=Planted(), say=said.append)
    kept = load_file(tmp_path / "out/probed.safetensors")
    assert kept["composite"].shape == (12, 16, 64, 64) and torch.equal(kept["av_attention"], torch.full((2, 16, 16, 16), -0.25))
    bright = kept["composite"][9:].float().mean((0, 2, 3))
    assert bright[3] > 0 and bright[[0, 1, 2, 4, 15]].abs().max() == 0
    film = load_clip(tmp_path / "out/residual.mp4")
    assert film.frames.shape == (16, 256, 256, 3) and film.audio is not None
    apart = film.frames.astype(float)
    assert np.abs(apart[3, 40:80, 40:80] - apart[2, 40:80, 40:80]).mean() > 20 > np.abs(apart[3, 120:] - apart[2, 120:]).mean()
    text = page.read_text()
    assert gate.problems(text) == [] and "knows no real people" in text and "knows no real people" in said[0]
    assert "a note of the probe" in text and "-0.25 to -0.25" in text and "It is not evidence about people" in text
    assert "Private" not in text and str(tmp_path) not in text


def test_a_silent_film_is_refused_with_what_to_do(video, tmp_path):
    silent = write_clip(video[1].frames, tmp_path / "silent.mp4")
    with pytest.raises(AvlabError, match="no sound.*silent.mp4.*wav"):
        clip_page.probe_clip(silent, tmp_path / "out", probe=Planted(), say=lambda _: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("top, seconds, told", [(256, 2.0, "with its sound<"), (256, 14.0, "does not fit"), (2, 14.0, "with its sound (its first 12 s)")])
def test_a_rich_clip_still_has_its_page(top, seconds, told):
    """Noise is the worst that a picture coder can meet; after minutes of computing the page must not fail for its size."""
    from avlab.clips import Clip
    fields = dict.fromkeys(Clip.__dataclass_fields__) | {"fps": 25, "sample_rate": 16_000, "audio": np.zeros(round(16_000 * seconds), np.float32)}
    frames = np.random.default_rng(0).integers(0, top, (round(25 * seconds), 200, 160, 3), dtype=np.uint8)
    assert told in clip_page.player(Clip(**fields | {"frames": frames}))
