"""The bundled probe's networks: autoencoder, audio tokens and the audio-conditioned video U-Net, small enough to ship.

The layout is Hallo's in small (Xu et al. 2024): latents of a 4x autoencoder, a U-Net with spatial, cross-to-audio and temporal attention, the
reference frame's latent beside the noisy one, and 16 audio tokens per frame made from a window of five. It was trained on SynthTalk's real
clips alone (training.py) and knows nothing of forgers, labels or real people.
"""

import hashlib
import json
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from avlab.errors import AvlabError

WEIGHTS = Path(__file__).parent.parent / "weights"
CLIP_FRAMES = 16  # the probe's window, as X-AVDT's
SIZE = 64  # pixels a side
LATENT_CHANNELS, LATENT_SIZE = 4, 16
SAMPLES_PER_FRAME = 640  # 16 kHz at 25 fps
TOKENS, TOKEN_WIDTH = 16, 64  # slots per frame, not positions: with tokens bound to positions psi hardly depends on the picture
CONTEXT = 2  # frames of sound on either side


class AudioTokens(nn.Module):
    """Sound (B, S) at 16 kHz -> tokens (B * T, 16, 64), T = S / 640; frame i hears frames i-2..i+2 (edges repeated).

    log-mel: 40 bands, 32 ms window, 10 ms hop, four columns a frame; an MLP mixes the window's 800 numbers into 16 slot tokens
    (Hallo's AudioProjModel in small; there the input is wav2vec 2.0's layers).
    """

    def __init__(self, bands=40, hidden=192):
        super().__init__()
        self.register_buffer("mel", torch.zeros(bands, 257))
        self.register_buffer("centre", torch.zeros(bands, 1))
        self.register_buffer("spread", torch.ones(bands, 1))
        window = (2 * CONTEXT + 1) * 4 * bands
        self.mlp = nn.Sequential(nn.Linear(window, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, TOKENS * TOKEN_WIDTH))
        self.norm = nn.LayerNorm(TOKEN_WIDTH)

    def log_mel(self, audio):
        """(B, S) -> (B, T, 4 * bands): natural logarithm of mel power with a floor of 1e-6, not yet normalised per band."""
        window = torch.hann_window(512, device=audio.device, dtype=audio.dtype)
        spectrum = torch.stft(audio, 512, 160, window=window, center=True, pad_mode="constant", return_complex=True)
        power = (self.mel @ spectrum.abs().square())[..., : 4 * (audio.shape[-1] // SAMPLES_PER_FRAME)]
        log = ((power + 1e-6).log() - self.centre) / self.spread
        return log.unflatten(-1, (-1, 4)).permute(0, 2, 1, 3).flatten(2)

    def forward(self, audio):
        return self.from_mel(self.log_mel(audio))

    def from_mel(self, mel):
        """(B, T, 160) log-mel -> (B * T, 16, 64) tokens."""
        n_frames = mel.shape[1]
        padded = torch.cat([mel[:, :1]] * CONTEXT + [mel] + [mel[:, -1:]] * CONTEXT, 1)
        windows = torch.cat([padded[:, i : i + n_frames] for i in range(2 * CONTEXT + 1)], -1)
        return self.norm(self.mlp(windows).unflatten(-1, (TOKENS, TOKEN_WIDTH))).flatten(0, 1)


def build_vae():
    """The 4x autoencoder: 64x64 RGB in [-1, 1] to 4 channels of 16x16 (diffusers' AutoencoderKL)."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3, up_block_types=("UpDecoderBlock2D",) * 3, block_out_channels=(32, 32, 64), layers_per_block=1,
        latent_channels=LATENT_CHANNELS, norm_num_groups=8, mid_block_add_attention=False, sample_size=SIZE, scaling_factor=1.0,
    )


def build_unet():
    """The video U-Net on latents: two resolutions of widths 32 and 64, every block with spatial, cross and temporal attention.

    Heads are 16 wide, not 8: half the attention maps at the same cost in weights.
    """
    from diffusers import UNetMotionModel

    return UNetMotionModel(
        sample_size=LATENT_SIZE, in_channels=2 * LATENT_CHANNELS, out_channels=LATENT_CHANNELS, down_block_types=("CrossAttnDownBlockMotion",) * 2,
        up_block_types=("CrossAttnUpBlockMotion",) * 2, block_out_channels=(32, 64), layers_per_block=1, norm_num_groups=8,
        cross_attention_dim=TOKEN_WIDTH, num_attention_heads=2, motion_num_attention_heads=2, motion_max_seq_length=32, use_motion_mid_block=False,
    )


def build():
    """Freshly initialised (vae, audio, unet); the mel filters are filled in, the weights are whatever the random state gives."""
    import librosa

    vae, audio, unet = build_vae(), AudioTokens(), build_unet()
    audio.mel.copy_(torch.from_numpy(librosa.filters.mel(sr=16_000, n_fft=512, n_mels=40)))
    return vae, audio, unet


def save(vae, audio, unet, path):
    """Write the three networks as one safetensors file in half precision; replaces `path` in one step."""
    from safetensors.torch import save_file

    parts = {"vae": vae, "audio": audio, "unet": unet}
    tensors = {f"{name}.{key}": value.detach().cpu().half().contiguous() for name, net in parts.items() for key, value in net.state_dict().items()}
    partial = Path(path).with_suffix(".partial")
    save_file(tensors, partial, metadata={"scaling_factor": repr(float(vae.config.scaling_factor))})
    partial.chmod(0o644)  # safetensors makes it private
    partial.replace(path)


def load(path=None, device="cpu"):
    """Load (vae, audio, unet) in float32 eval mode from safetensors; the default file's checksum is held against its card.

    Raises AvlabError if the file is missing, is not the one its card describes, or does not fit these networks.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path or WEIGHTS / "probe.safetensors")
    if not path.is_file():
        raise AvlabError("The probe's weights must lie beside the package", got=path.name, todo="Run `avlab train probe`, or reinstall avlab")
    verify(path)
    vae, audio, unet = build_vae(), AudioTokens(), build_unet()
    try:
        with safe_open(path, "pt") as file:
            state = {key: file.get_tensor(key).float() for key in file.keys()}
            vae.register_to_config(scaling_factor=float(file.metadata()["scaling_factor"]))
        for name, net in {"vae": vae, "audio": audio, "unet": unet}.items():
            net.load_state_dict({key.split(".", 1)[1]: value for key, value in state.items() if key.startswith(name + ".")})
    except (SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise AvlabError("The probe's weights must fit its networks", got=f"{path.name}: {str(error)[:120]}") from error
    return tuple(net.to(device).eval().requires_grad_(False) for net in (vae, audio, unet))


def verify(path):
    """Hold a weights file against the sha256 in the card beside it (if there is one). Raises AvlabError on a difference."""
    card = Path(path).with_suffix(".json")
    if not card.is_file():
        return
    promised = json.loads(card.read_text())["sha256"]
    found = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    if found != promised:
        raise AvlabError("Weights must be the ones their card describes", got=f"{Path(path).name} has sha256 {found[:12]}..., its card says {promised[:12]}...")


def to_pixels(frames):
    """uint8 (..., H, W, 3) -> float (..., 3, H, W) in [-1, 1]."""
    return frames.movedim(-1, -3).float() / 127.5 - 1


def encode(vae, frames):
    """Frames uint8 (B, T, 64, 64, 3) -> scaled posterior mean (B, 4, T, 16, 16); the mean, never a sample (papers: trap X6)."""
    batch, n_frames = frames.shape[:2]
    mean = vae.encode(to_pixels(frames).flatten(0, 1)).latent_dist.mean * vae.config.scaling_factor
    return mean.unflatten(0, (batch, n_frames)).transpose(1, 2)


def decode(vae, latents):
    """Latents (B, 4, T, 16, 16) -> pictures (B, T, 64, 64, 3) float in [0, 1], clamped as X-AVDT does."""
    batch = latents.shape[0]
    pixels = vae.decode(latents.transpose(1, 2).flatten(0, 1) / vae.config.scaling_factor).sample
    return ((pixels + 1) / 2).clamp(0, 1).movedim(-3, -1).unflatten(0, (batch, -1))


def predict_v(unet, z, t, reference, tokens):
    """The network call: v for latents z (B, 4, T, 16, 16) at label t (int or (B,)), given frame 0's latent (B, 4, 16, 16) and audio tokens."""
    t = torch.as_tensor(t, device=z.device).expand(len(z))
    beside = reference[:, :, None].expand(-1, -1, z.shape[2], -1, -1)
    return unet(torch.cat([z, beside], 1), t, encoder_hidden_states=tokens).sample


def mouth_weights(regions):
    """Share of mouth in each latent cell, (..., 64, 64) uint8 regions -> (..., 16, 16) float: 1 if any of its 16 pixels is mouth."""
    return F.max_pool2d((regions == 2).float().flatten(0, -3)[:, None], 4)[:, 0].unflatten(0, regions.shape[:-2])
