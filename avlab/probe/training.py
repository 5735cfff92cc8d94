"""Training of the bundled probe on SynthTalk's real clips: first the autoencoder, then, on its frozen latents, the U-Net and its ears.

Resumable: every stage leaves a checkpoint in `work`, and the data are memory maps that are filled once. Identities from 1,000 upwards
belong to the probe alone; no manifest row uses them. No audio-visual jitter: it would teach tolerance of the very thing psi measures.
"""

import json
import math
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from avlab.errors import AvlabError
from avlab.synthtalk import Spec, render

from . import bundled
from .ddim import abar_table

FIRST_IDENTITY, N_IDENTITIES = 1000, 600


@dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on besides the code."""

    seed: int = 0
    clips: int = 4800  # real clips of 0.64 s
    vae_steps: int = 1000
    vae_batch: int = 24  # frames
    vae_lr: float = 2e-3
    steps: int = 2600
    batch: int = 6  # clips
    lr: float = 1.2e-3
    mouth_weight: float = 8.0  # Hallo has lip masks; speeds up listening, which switches on late
    average: float = 0.998  # decay of the averaged weights that are kept


def spec_of(index):
    """The spec of training clip `index`: a real clip of one of the probe's own identities."""
    return Spec(FIRST_IDENTITY + index % N_IDENTITIES, 10_000_000 + index, 20_000_000 + index, 30_000_000 + index, bundled.CLIP_FRAMES / 25)


def _rendered(index):
    clip = render(spec_of(index))
    return clip.frames, clip.audio, clip.truth.regions


def render_clips(work, recipe, say=print, workers=2):
    """Render the training clips into memory maps under `work` (once): frames, audio, regions."""
    n, t = recipe.clips, bundled.CLIP_FRAMES
    shapes = {"frames": ((n, t, 64, 64, 3), np.uint8), "audio": ((n, t * 640), np.float32), "regions": ((n, t, 64, 64), np.uint8)}
    done = work / f"clips-{n}.done"
    mode = "r" if done.exists() else "w+"
    maps = {k: np.lib.format.open_memmap(work / f"{k}-{n}.npy", mode=mode, **({} if mode == "r" else {"dtype": d, "shape": s})) for k, (s, d) in shapes.items()}
    if mode == "w+":
        with ProcessPoolExecutor(workers) as pool:
            for i, arrays in enumerate(pool.map(_rendered, range(n), chunksize=8)):
                for array, value in zip(maps.values(), arrays):
                    array[i] = value
                if i % 400 == 0:
                    say(f"rendered {i} of {n}")
        done.touch()
    return maps


def train_vae(vae, frames, recipe, work, say=print):
    """Autoencoder: L1 + 5 x squared error + 1e-6 KL on single frames, posterior sampled; cosine decay. Sets the scaling factor."""
    state = Stage(work / "vae.pt", vae, recipe.vae_lr, recipe.vae_steps, recipe.seed, average=0.995)
    flat = frames.reshape(-1, 64, 64, 3)
    for step in state.steps():
        pick = np.sort(state.rng.integers(0, len(flat), recipe.vae_batch))
        x = bundled.to_pixels(torch.from_numpy(flat[pick]))
        posterior = vae.encode(x).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=state.torch_rng)
        error = vae.decode(posterior.mean + posterior.std * noise).sample - x
        loss = error.abs().mean() + 5 * error.square().mean() + 1e-6 * posterior.kl().mean()
        state.update(loss)
        if step % 100 == 0:
            psnr = 10 * math.log10(4 / error.detach().square().mean().item())
            say(f"vae {step} loss {loss.item():.4f} psnr {psnr:.2f} dB")
    state.finish()
    with torch.no_grad():
        means = vae.encode(bundled.to_pixels(torch.from_numpy(flat[:: max(len(flat) // 512, 1)]))).latent_dist.mean
    vae.register_to_config(scaling_factor=1 / means.std().item())


@torch.no_grad()
def precompute(vae, audio, maps, say=print):
    """Latents (N, 4, T, 16, 16), log-mel (N, T, 160) and mouth cells (N, T, 16, 16) of every clip, float16 in memory.

    Sets the audio normalisation from the data first.
    """
    some = torch.from_numpy(maps["audio"][:256])
    raw = audio.log_mel(some).unflatten(-1, (-1, 4)).movedim(2, 0).flatten(1)
    audio.centre.copy_(raw.mean(1)[:, None])
    audio.spread.copy_(raw.std(1)[:, None])
    latents, mel, mouth = [], [], []
    for i in range(0, len(maps["frames"]), 16):
        latents.append(bundled.encode(vae, torch.from_numpy(maps["frames"][i : i + 16])).half())
        mel.append(audio.log_mel(torch.from_numpy(maps["audio"][i : i + 16])).half())
        mouth.append(bundled.mouth_weights(torch.from_numpy(maps["regions"][i : i + 16])).half())
        if i % 1600 == 0:
            say(f"encoded {i} of {len(maps['frames'])}")
    return torch.cat(latents), torch.cat(mel), torch.cat(mouth)


def train_unet(unet, audio, data, recipe, work, say=print):
    """U-Net and audio tokens: v-prediction under the zero-terminal-SNR schedule, mouth cells weighted `mouth_weight` times.

    Half of the labels are uniform on 0..999, half are denser towards the clean end, where psi is read.
    """
    latents, mel, mouth = data
    both = torch.nn.ModuleDict({"unet": unet, "audio": audio})
    state = Stage(work / "unet.pt", both, recipe.lr, recipe.steps, recipe.seed + 1, average=recipe.average)
    abar = torch.from_numpy(abar_table("linear", zero_snr=True)).float()
    running = None
    for step in state.steps():
        pick = torch.from_numpy(state.rng.integers(0, len(latents), recipe.batch))
        z0, weight = latents[pick].float(), 1 + (recipe.mouth_weight - 1) * mouth[pick].float()[:, None]
        u = torch.rand(recipe.batch, generator=state.torch_rng)
        u[::2] = u[::2] ** 2.5
        t = (u * 1000).long().clamp(max=999)
        a = abar[t][:, None, None, None, None]
        noise = torch.randn(z0.shape, generator=state.torch_rng)
        v = a.sqrt() * noise - (1 - a).sqrt() * z0
        out = bundled.predict_v(unet, a.sqrt() * z0 + (1 - a).sqrt() * noise, t, z0[:, :, 0], audio.from_mel(mel[pick].float()))
        loss = ((out - v).square() * weight).sum() / (weight.sum() * v.shape[1])
        state.update(loss)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if step % 50 == 0:
            say(f"unet {step} loss {running:.4f} {state.seconds_per_step():.2f} s/step")
    state.finish()


class Stage:
    """One optimisation with warm-up, cosine decay, averaged weights and a checkpoint that resumes exactly (random state included)."""

    def __init__(self, path, net, lr, n_steps, seed, average):
        self.path, self.net, self.n_steps, self.decay = path, net, n_steps, average
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=0.01)
        shape = lambda s: min(1, (s + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(s / n_steps, 1))))  # noqa: E731
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, shape)
        self.average = {k: v.detach().clone() for k, v in net.state_dict().items()}
        self.rng, self.torch_rng, self.step = np.random.default_rng(seed), torch.Generator().manual_seed(seed), 0
        self.started = (time.monotonic(), 0)
        if path.exists():
            self._restore(torch.load(path, weights_only=True))

    def _restore(self, saved):
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        self.average, self.step = saved["average"], saved["step"]
        self.torch_rng.set_state(saved["torch_rng"])
        self.rng.bit_generator.state = json.loads(saved["rng"])
        self.started = (time.monotonic(), self.step)

    def steps(self):
        self.net.train()
        while self.step < self.n_steps:
            yield self.step
            self.step += 1
            if self.step % 250 == 0 or self.step == self.n_steps:
                self.save()

    def update(self, loss):
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        decay = min(self.decay, (self.step + 1) / (self.step + 10))
        for key, value in self.net.state_dict().items():
            self.average[key].lerp_(value, 1 - decay) if value.is_floating_point() else self.average[key].copy_(value)

    def seconds_per_step(self):
        return (time.monotonic() - self.started[0]) / max(self.step - self.started[1], 1)

    def save(self):
        partial = self.path.with_suffix(".partial")
        torch.save({"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(), "average": self.average,
                    "step": self.step, "torch_rng": self.torch_rng.get_state(), "rng": json.dumps(self.rng.bit_generator.state)}, partial)
        partial.replace(self.path)

    def finish(self):
        """Put the averaged weights into the network and freeze it."""
        self.net.load_state_dict(self.average)
        self.net.eval().requires_grad_(False)


def train_probe(work, out, recipe=None, say=print):
    """Train the bundled probe with `recipe` (default Recipe()); resumes from `work`, writes the weights to `out` (.safetensors) and returns seconds."""
    recipe, work, started = recipe or Recipe(), Path(work), time.monotonic()
    work.mkdir(parents=True, exist_ok=True)
    mark = work / "recipe.json"
    if mark.exists() and json.loads(mark.read_text()) != asdict(recipe):
        raise AvlabError("A training folder holds one recipe", got=str(mark), todo="Choose another --work folder, or delete this one")
    mark.write_text(json.dumps(asdict(recipe), indent=1))
    torch.manual_seed(recipe.seed)
    vae, audio, unet = bundled.build()
    maps = render_clips(work, recipe, say)
    train_vae(vae, maps["frames"], recipe, work, say)
    train_unet(unet, audio, precompute(vae, audio, maps, say), recipe, work, say)
    bundled.save(vae, audio, unet, out)
    return time.monotonic() - started
