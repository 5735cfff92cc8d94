"""Does the probe listen? The figures of its card, measured on identities it never saw; anyone can repeat them.

Three questions: how well the autoencoder copies (PSNR), whether a clip's own sound helps to denoise its mouth at t = 24 (against another
person's sound, with the same noise), and whether the mouth of clips *sampled* from noise opens when the sound asks for it.
"""

import math

import numpy as np
import torch

from avlab.synthtalk import render

from . import bundled
from .ddim import ddim_sample
from .training import spec_of

T_LISTEN = 24


def held_out(n_clips):
    """Frames, audio, regions and openings asked for (N, T) of `n_clips` real test clips of 0.64 s; neighbours are different people."""
    from avlab.clips import load_clip, manifest

    rows = [row for row in manifest.load("synthtalk").select(split="test", forger="real") if round(row.duration_s * 25) == bundled.CLIP_FRAMES]
    people = sorted({row.identity for row in rows})
    order = {person: i for i, person in enumerate(people)}
    seen = dict.fromkeys(people, 0)
    keyed = []
    for row in rows:  # first clip of everybody, then the second of everybody, ...
        keyed.append((seen[row.identity], order[row.identity], row))
        seen[row.identity] += 1
    clips = [load_clip(row) for _, _, row in sorted(keyed, key=lambda item: item[:2])[:n_clips]]
    stack = lambda values: torch.from_numpy(np.stack(values))  # noqa: E731
    return (stack([c.frames for c in clips]), stack([c.audio for c in clips]), stack([c.truth.regions for c in clips]),
            np.stack([c.truth.mouth_open for c in clips]), np.array([c.row.identity for c in clips]))


def psnr(probe, frames):
    """Peak signal-to-noise ratio of the autoencoder in dB, one value a clip: 10 log10(1 / mean squared error), pixels in 0..1."""
    copies = torch.cat([probe.decode(probe.encode(part)).cpu() for part in frames.split(8)])
    error = (copies - frames.float() / 255).square().mean((1, 2, 3, 4))
    return (-10 * error.log10()).numpy()


@torch.no_grad()
def mouth_loss(probe, frames, audio, regions, *, t=T_LISTEN, draws=4, seed=0):
    """Mean squared v-error in the mouth's latent cells, one value a clip, averaged over `draws` noises that depend on seed alone."""
    rng, abar, out = torch.Generator().manual_seed(seed), probe.schedule.abar(t), []
    for pictures, sound, region in zip(frames.split(8), audio.split(8), regions.split(8)):
        z0, tokens = probe.encode(pictures), probe.tokens(sound)
        weight = bundled.mouth_weights(region).to(z0)[:, None]
        denoise, total = probe.denoiser(z0[:, :, 0], tokens), 0
        for _ in range(draws):
            noise = torch.randn(z0.shape, generator=rng).to(z0)
            v = math.sqrt(abar) * noise - math.sqrt(1 - abar) * z0
            error = (denoise(math.sqrt(abar) * z0 + math.sqrt(1 - abar) * noise, t) - v).square()
            total = total + (error * weight).sum((1, 2, 3, 4)) / (weight.sum((1, 2, 3, 4)) * z0.shape[1])
        out.append(total / draws)
    return torch.cat(out).cpu().numpy()


def fit_opening_reader(probe, n_clips=400, ridge=3.0):
    """A ridge regression from pixels to mouth opening, fitted on real clips of the probe's own identities as its decoder shows them.

    Input: the lower middle of each frame in grey, minus the clip's mean frame; output: opening minus the clip's mean.
    """
    clips = [render(spec_of(i * 7)) for i in range(n_clips)]
    x = np.concatenate([_mouth_pixels(_copied(probe, torch.from_numpy(c.frames)[None]))[0] for c in clips])
    y = np.concatenate([c.truth.mouth_open - c.truth.mouth_open.mean() for c in clips])
    return np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)


def _copied(probe, frames):
    return probe.decode(probe.encode(frames)).cpu()


def _mouth_pixels(pictures):
    """(B, T, 64, 64, 3) in 0..1 -> (B, T, 20 * 20) deviations of half-resolution grey pixels from the clip's mean frame."""
    grey = pictures.mean(-1)[:, :, 24:64, 12:52].unflatten(2, (20, 2)).unflatten(4, (20, 2)).mean((3, 5)).flatten(2)
    return (grey - grey.mean(1, keepdim=True)).numpy().astype(np.float64)


def sampled_openings(probe, reader, frames, audio, seed=0):
    """Mouth openings (N, T), clip mean removed, read from clips sampled from noise with `audio` and the clips' own first frames."""
    rng, out = torch.Generator().manual_seed(seed), []
    for pictures, sound in zip(frames.split(8), audio.split(8)):
        reference = probe.encode(pictures[:, :1])[:, :, 0]
        z = torch.randn(len(pictures), 4, pictures.shape[1], 16, 16, generator=rng).to(reference)
        made = probe.decode(ddim_sample(probe.denoiser(reference, probe.tokens(sound)), z, probe.schedule)).cpu()
        out.append(_mouth_pixels(made) @ reader)
    return np.concatenate(out)


def within_clip_r(a, b):
    """Pearson correlation of (N, T) openings after each clip's own mean is removed from both."""
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return float((a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum()))


def measure(probe, n_clips=120, n_sampled=48, say=print):
    """All figures of the card as a dict of floats, with the conditions they were measured under."""
    frames, audio, regions, opening, people = held_out(n_clips)
    if (people == np.roll(people, 1)).any():
        raise AssertionError("shuffled sound must come from another person")  # held_out orders the clips so
    say(f"{len(frames)} held-out clips of {len(set(people))} people")
    own = mouth_loss(probe, frames, audio, regions)
    other = mouth_loss(probe, frames, audio.roll(1, 0), regions)
    say(f"mouth loss own {own.mean():.4f} shuffled {other.mean():.4f}")
    reader = fit_opening_reader(probe)
    copied = np.concatenate([_mouth_pixels(_copied(probe, part)) @ reader for part in frames.split(8)])
    some = slice(0, n_sampled)
    sampled = sampled_openings(probe, reader, frames[some], audio[some])
    foreign = sampled_openings(probe, reader, frames[some], audio.roll(1, 0)[some])
    return {
        "vae_psnr_db": float(psnr(probe, frames).mean()), "mouth_loss_own": float(own.mean()), "mouth_loss_shuffled": float(other.mean()),
        "listening_gain": float(1 - own.mean() / other.mean()), "share_of_clips_lower": float((own < other).mean()),
        "opening_r_sampled": within_clip_r(sampled, opening[some]), "opening_r_sampled_other_sound": within_clip_r(foreign, opening[some]),
        "opening_r_reader_on_real": within_clip_r(copied, opening), "t": T_LISTEN, "clips": len(frames), "people": len(set(people)), "sampled_clips": n_sampled,
    }
