"""A two-tower encoder: one vector a frame for the mouth, one for the sound, and how far they point the same way. It knows real clips only.

An instrument, as the diffusion probe is one, and not a detector: nothing in it was ever shown a forgery or a label. Each tower sees a few frames
at a time, so the similarity of a clip is a mean over its frames, and the sound may be shifted against the picture afterwards.

    mouth (B, T, 20, 20) -> video (B, T, D)        mel (B, T, 160) -> audio (B, T, D)        similarity = cosine of the two, all frames joined

After Chung & Zisserman 2016 (two towers for lips and sound) and van den Oord et al. 2018 (InfoNCE); the sizes are ours.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avlab.clips.audio import log_mel
from avlab.errors import AvlabError
from avlab.results import Prediction

WEIGHTS = Path(__file__).parent.parent / "weights" / "two_tower.safetensors"
FRAMES = 16  # of the clips it was trained on; other lengths work
BANDS, COLUMNS = 40, 4  # of the log-mel, columns a frame (10 ms each)
TOP, LEFT, SIDE = 24 / 64, 12 / 64, 40 / 64  # where the lower face is in SynthTalk's pictures
PIXELS = 20
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def inputs(clip):
    """What the two towers read of a clip, no label: {"mouth": (T, 20, 20), "mel": (T, 160)} float32.

    mouth  lower middle of each picture in grey at half resolution, minus the clip's mean picture: movement, no person and no light
    mel    40 log-mel bands in four 10-ms columns a frame, minus the clip's mean of each band: what is said, not how loud or by whom.
           Digital silence becomes 0 everywhere.  A clip without sound is given silence; whether that is fair is a question of notebook 04.
    """
    audio = np.zeros(round(clip.seconds * clip.sample_rate), np.float32) if clip.audio is None else clip.audio
    return {"mouth": mouth_pixels(clip.frames), "mel": mel_rows(audio, len(clip.frames))}


def mouth_pixels(frames):
    """(T, H, W, 3) uint8 -> (T, 20, 20) float32, deviations from the mean picture in units of 32 grey levels."""
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left, size = (height - side) // 2 + round(TOP * side), (width - side) // 2 + round(LEFT * side), round(SIDE * side)
    grey = torch.as_tensor(np.asarray(frames[:, top:top + size, left:left + size], np.float32) @ GREY)[:, None]
    small = F.adaptive_avg_pool2d(grey, PIXELS)[:, 0].numpy()
    return (small - small.mean(0)) / 32


def mel_rows(audio, n_frames):
    """(S,) at 16 kHz -> (T, 160) float32: log-mel minus the clip's mean of each band, in units of 4 natural logarithms."""
    mel = log_mel(audio, n_mels=BANDS)[:, :COLUMNS * n_frames]  # (40, 4 T)
    mel = (mel - mel.mean(1, keepdims=True)) / 4
    return mel.reshape(BANDS, n_frames, COLUMNS).transpose(1, 2, 0).reshape(n_frames, COLUMNS * BANDS)


class OverTime(nn.Module):
    """Two convolutions over time, each three frames wide, zeros outside the clip: (B, T, C) -> (B, T, D); a frame sees two on either side."""

    def __init__(self, channels, width):
        super().__init__()
        self.first, self.second = nn.Conv1d(channels, channels, 3, padding=1), nn.Conv1d(channels, width, 3, padding=1)

    def forward(self, x):
        return self.second(F.relu(self.first(x.transpose(1, 2)))).transpose(1, 2)


class TwoTower(nn.Module):
    """mouth (B, T, 20, 20) and mel (B, T, 160) -> Prediction: logit = minus the similarity, embedding = both (B, 2 T D), parts video and audio (B, T, D)."""

    reads = ("mouth", "mel")

    def __init__(self, hidden=64, width=32):
        super().__init__()
        self.picture = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 25, hidden), nn.ReLU())
        self.sound = nn.Sequential(nn.Linear(COLUMNS * BANDS, 2 * hidden), nn.ReLU(), nn.Linear(2 * hidden, hidden), nn.ReLU())
        self.video_over_time, self.audio_over_time = OverTime(hidden, width), OverTime(hidden, width)

    def video(self, mouth):
        """(B, T, 20, 20) -> (B, T, D)"""
        return self.video_over_time(self.picture(mouth.flatten(0, 1)[:, None]).unflatten(0, mouth.shape[:2]))

    def audio(self, mel):
        """(B, T, 160) -> (B, T, D)"""
        return self.audio_over_time(self.sound(mel))

    def forward(self, mouth, mel):
        if mouth.ndim != 4 or mel.ndim != 3 or mouth.shape[:2] != mel.shape[:2]:
            raise AvlabError("The two towers read mouth (B, T, 20, 20) and mel (B, T, 160)", got=f"{tuple(mouth.shape)} and {tuple(mel.shape)}")
        video, audio = self.video(mouth), self.audio(mel)
        similarity = F.cosine_similarity(video.flatten(1), audio.flatten(1))
        return Prediction(-similarity, torch.cat([video.flatten(1), audio.flatten(1)], 1), {"video": video, "audio": audio})


def save(net, path):
    """Write the weights as one safetensors file in half precision; replaces `path` in one step."""
    from safetensors.torch import save as as_bytes

    from avlab.detectors.checkpoints import replace

    replace(path, as_bytes({key: value.detach().cpu().half().contiguous() for key, value in net.state_dict().items()}))


def load(path=WEIGHTS, device="cpu"):
    """The trained towers, float32 in eval mode, frozen. Raises AvlabError where the file is missing, does not fit, or is not the one of its card."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    path = Path(path)
    if not path.is_file():
        raise AvlabError("The two towers' weights must lie beside the package", got=path.name, todo="Run `python -m avlab.explain.two_tower_training`")
    data, card = path.read_bytes(), path.with_suffix(".json")
    if card.is_file() and json.loads(card.read_text())["sha256"] != hashlib.sha256(data).hexdigest():
        raise AvlabError("Weights must be the ones their card describes", got=path.name)
    net = TwoTower()
    try:
        net.load_state_dict({key: value.float() for key, value in from_bytes(data).items()})
    except (SafetensorError, RuntimeError) as error:
        raise AvlabError("The two towers' weights must fit their networks", got=f"{path.name}: {str(error)[:120]}") from None
    return net.to(device).eval().requires_grad_(False)


@torch.no_grad()
def embed(net, mouth, mel, *, batch=64) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of many clips: mouth (N, T, 20, 20) and mel (N, T, 160) -> video and audio (N, T, D) float32."""
    device = next(net.parameters()).device
    parts = [(net.video(torch.as_tensor(mouth[i:i + batch]).to(device)), net.audio(torch.as_tensor(mel[i:i + batch]).to(device)))
             for i in range(0, len(mouth), batch)]
    return tuple(torch.cat(side).cpu().numpy() for side in zip(*parts, strict=True))
