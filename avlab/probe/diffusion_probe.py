"""From a clip to phi and psi: encode, invert with the clip's own sound, reconstruct, and read one attention layer on the way.

Nothing here sees a label, a seed or a forger's name: frames and sound go in, measurements come out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from avlab.errors import AvlabError
from avlab.results import Probed

from . import bundled
from .attention import AttentionStore, last_layer
from .ddim import Schedule, ddim_invert, ddim_sample

PSI_T = 24  # the first inversion step: psi costs one network call
CHUNKS_AT_ONCE = 8  # chunks of 16 frames in one batch; bounds the memory of a long clip
OUT_OF_DOMAIN = "The bundled probe was trained on SynthTalk, a drawn world: it knows no real people, and its numbers on real video are not findings."


@dataclass(frozen=True, eq=False)
class DiffusionProbe:
    """A frozen talking-head diffusion model as a measuring instrument (X-AVDT section 3).

    vae, audio, unet  networks in eval mode (bundled.load);  schedule: Schedule, 40 trailing steps by default
    layer             attention layer that psi is read from;  device: where the networks lie
    """

    vae: Any
    audio: Any
    unet: Any
    schedule: Schedule
    layer: str
    device: str = "cpu"

    @classmethod
    def bundled(cls, device="cpu", steps=40, weights=None):
        """Load the probe that ships with avlab; `weights` names another safetensors file of the same layout."""
        vae, audio, unet = bundled.load(weights, device)
        return cls(vae, audio, unet, Schedule.ddim(steps=steps), last_layer(unet, "cross").name, device)

    @classmethod
    def random(cls, device="cpu", steps=40, seed=0, like=None):
        """The random-weights control: the same autoencoder and audio filters, U-Net and token weights freshly initialised from `seed`."""
        like = like or cls.bundled(device, steps)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh, unet = bundled.AudioTokens(), bundled.build_unet()
        for name in ("mel", "centre", "spread"):
            getattr(fresh, name).copy_(getattr(like.audio, name).cpu())
        return replace(like, audio=fresh.to(device).eval().requires_grad_(False), unet=unet.to(device).eval().requires_grad_(False))

    @property
    def psi_on_grid(self):
        """Whether the inversion itself passes t = 24 (40 trailing steps do); otherwise psi takes a call of its own (trap X3)."""
        return PSI_T in self.schedule.timesteps

    def with_steps(self, steps):
        """The same instrument on another number of steps."""
        return replace(self, schedule=Schedule.ddim(steps=steps, prediction=self.schedule.prediction))

    @torch.no_grad()
    def encode(self, frames):
        """uint8 (B, T, 64, 64, 3), array or tensor -> scaled latents (B, 4, T, 16, 16)."""
        return bundled.encode(self.vae, torch.as_tensor(frames).to(self.device))

    @torch.no_grad()
    def decode(self, latents):
        """(B, 4, T, 16, 16) -> pictures (B, T, 64, 64, 3) float in 0..1."""
        return bundled.decode(self.vae, latents)

    @torch.no_grad()
    def tokens(self, audio):
        """Sound (B, S) at 16 kHz, S = 640 T -> audio tokens (B * T, 16, 64)."""
        return self.audio(torch.as_tensor(audio).to(self.device))

    def denoiser(self, reference, tokens):
        """denoise(z, t) -> v for the latents of clips whose frame 0 is `reference` (B, 4, 16, 16) and whose sound is `tokens`."""

        @torch.no_grad()
        def denoise(z, t):
            return bundled.predict_v(self.unet, z, t, reference, tokens)

        return denoise

    def psi(self, clip):
        """Only psi: one network call for each chunk of 16 frames. Returns Probed without composite."""
        return self(clip, phi=False)

    @torch.no_grad()
    def __call__(self, clip, *, phi=True, progress=None):
        """Measure a clip in chunks of 16 frames; a shorter remainder is dropped, as in X-AVDT.

        Each chunk's reference is its own first frame (the paper's later chunks use decoded noise as motion frames: trap X9; we do not).
        progress  called with (chunks done, chunks in all)
        Raises AvlabError without sound, with fewer than 16 frames, or on other clocks than 25 fps and 16 kHz.
        """
        frames, audio, notes = prepare(clip)
        parts = []
        for first in range(0, len(frames), CHUNKS_AT_ONCE):
            run = slice(first, first + CHUNKS_AT_ONCE)
            parts.append(self.measure(frames[run], audio[run], phi=phi))
            if progress:
                progress(min(run.stop, len(frames)), len(frames))
        film = lambda key: torch.cat([chunk for part in parts for chunk in part[key]], 1).cpu()  # noqa: E731  (chunks follow one another in time)
        return Probed(
            composite=film("composite") if phi else None, av_attention=film("psi"), clip_id=getattr(clip, "clip_id", ""),
            latents={key: film(key) for key in ("z0", "z_T", "z0_hat") if key in parts[0]}, layer=self.layer, t=PSI_T,
            steps=self.schedule.steps, calls=2 * self.schedule.steps + (not self.psi_on_grid) if phi else 1, notes=notes,
        )

    @torch.no_grad()
    def measure(self, frames, audio, *, phi=True):
        """Measure chunks: uint8 (B, 16, 64, 64, 3) and (B, 10240) -> dict of batched tensors: psi (B, D, T, h, w), z0, and with phi z_T, z0_hat, composite."""
        z0, tokens = self.encode(frames), self.tokens(audio)
        denoise = self.denoiser(z0[:, :, 0], tokens)
        with AttentionStore(self.unet, layers=[self.layer], timesteps=(PSI_T,)) as store:
            if not (phi and self.psi_on_grid):
                denoise(z0, PSI_T)
            if not phi:
                return {"psi": store.map(self.layer, PSI_T), "z0": z0}
            z_T = ddim_invert(denoise, z0, self.schedule)
            psi = store.map(self.layer, PSI_T)
        z0_hat = ddim_sample(denoise, z_T, self.schedule)
        x = torch.as_tensor(frames).to(self.device).float() / 255
        made = self.decode(z0_hat)
        films = [x, self.decode(z_T), made, (x - made).abs()]
        return {"psi": psi, "z0": z0, "z_T": z_T, "z0_hat": z0_hat, "composite": torch.cat([film.permute(0, 4, 1, 2, 3) for film in films], 1)}


def prepare(clip):
    """Cut a clip into what the probe takes: frames uint8 (N, 16, 64, 64, 3), sound (N, 10240), and notes on what was done."""
    n, notes = len(clip.frames) // bundled.CLIP_FRAMES, []
    if clip.audio is None:
        raise AvlabError("The probe listens: a clip without sound has no phi or psi", todo="Give the sound, or pass digital silence on purpose and say so")
    if (round(clip.fps, 3), clip.sample_rate) != (25, 16_000):
        raise AvlabError("The probe runs at 25 fps and 16 kHz", got=(clip.fps, clip.sample_rate), todo="Read the clip with load_clip, which resamples")
    if n == 0:
        raise AvlabError(f"The probe's window is {bundled.CLIP_FRAMES} frames", got=f"{len(clip.frames)} frames", todo="Give at least 0.64 s")
    if len(clip.frames) % bundled.CLIP_FRAMES:
        notes.append(f"the last {len(clip.frames) % bundled.CLIP_FRAMES} frames do not fill a chunk of 16 and were dropped")
    frames = torch.as_tensor(clip.frames[: n * bundled.CLIP_FRAMES])
    if tuple(frames.shape[1:3]) != (bundled.SIZE, bundled.SIZE):
        notes.append(f"frames of {frames.shape[2]}x{frames.shape[1]} were cut to their central square and shrunk to {bundled.SIZE}x{bundled.SIZE}")
        frames = central_square(frames)
    wanted = n * bundled.CLIP_FRAMES * bundled.SAMPLES_PER_FRAME
    audio = torch.as_tensor(clip.audio[:wanted]).float()
    audio = torch.nn.functional.pad(audio, (0, wanted - len(audio)))
    if getattr(clip, "row", None) is None or clip.row.path:
        notes.append(OUT_OF_DOMAIN)
    return frames.unflatten(0, (n, -1)), audio.unflatten(0, (n, -1)), tuple(notes)


def central_square(frames, size=bundled.SIZE):
    """uint8 (T, H, W, 3) -> uint8 (T, size, size, 3): the largest central square, averaged over areas."""
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[:, top : top + side, left : left + side].permute(0, 3, 1, 2)
    small = [torch.nn.functional.interpolate(f[None].float(), (size, size), mode="area")[0] for f in square]  # one at a time: frames may be large
    return torch.stack(small).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
