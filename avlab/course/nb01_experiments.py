"""The experiments of notebook 01 on the bundled probe: which clips, one round trip, its residuals, and what explains them.

Residuals are in grey levels, 0..255. Regions come from SynthTalk's truth (1 face, 2 mouth): they say where to look, never what is
forged. Nothing here draws.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from avlab import metrics
from avlab.errors import AvlabError
from avlab.explain import controls
from avlab.probe.ddim import ddim_invert, ddim_sample, to_image_and_noise

GREY = 255.0  # pictures are 0..1, residuals are told in grey levels
SECONDS = 0.64  # one chunk of 16 frames


@dataclass(frozen=True, eq=False)
class Material:
    """N clips of 16 frames, ready for the probe: frames (N, T, H, W, 3) uint8, audio (N, S), regions (N, T, H, W); label 1 = fake."""

    ids: np.ndarray
    frames: np.ndarray
    audio: np.ndarray
    regions: np.ndarray
    label: np.ndarray
    forger: np.ndarray
    people: np.ndarray

    def __len__(self):
        return len(self.label)

    def take(self, rows):
        """The same, with some rows only."""
        return Material(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def balanced_rows(clips, n, *, seed):
    """Row numbers of n reals and n fakes (fewer where there are fewer), the fakes spread over the forgers."""
    rng = np.random.default_rng([seed, 1])
    chosen = []
    for kind in (0, 1):
        rows = rng.permutation(np.flatnonzero(clips.label == kind))
        turn = [np.count_nonzero(clips.forger[rows[:i]] == clips.forger[row]) for i, row in enumerate(rows)]
        chosen.append(rows[np.argsort(turn, kind="stable")][:n])
    return np.concatenate(chosen)


def material(manifest_name, per_forger, *, seed):
    """Draw n clips of each forger and 3n reals from the test people and load them. Raises AvlabError without regions."""
    from avlab.clips import load_clip, manifest

    rows = manifest.load(manifest_name).select(split="test", duration_s=SECONDS).draw(per_forger, seed=seed)
    clips = [load_clip(row) for row in rows]
    if any(clip.truth is None for clip in clips):
        raise AvlabError("Notebook 01 asks where face and mouth are, which only SynthTalk's clips say", got=manifest_name, todo='use manifest="synthtalk"')
    stacked = (np.stack([getattr(clip, name) for clip in clips]) for name in ("frames", "audio"))
    named = ([row.clip_id for row in rows], *stacked, [clip.truth.regions for clip in clips], [row.label for row in rows],
             [row.forger for row in rows], [row.identity for row in rows])
    return Material(*map(np.asarray, named))


# ------------------------------------------------------------------------------------------------ one round trip


@dataclass(frozen=True, eq=False)
class Trip:
    """What one round trip leaves: latents z0, z_T, z0_hat (N, 4, T, h, w), and the films x and rebuilt = D(z0_hat), (N, T, H, W, 3) in 0..1."""

    z0: torch.Tensor
    z_T: torch.Tensor
    z0_hat: torch.Tensor
    x: np.ndarray
    rebuilt: np.ndarray

    def take(self, rows):
        """The same, with some clips only."""
        return Trip(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @property
    def residual(self):
        """|x - D(z0_hat)| in grey levels, mean over colours: (N, T, H, W)."""
        return grey(self.x, self.rebuilt)


def grey(a, b):
    """Absolute difference of two films in grey levels, mean over colours."""
    return GREY * np.abs(a - b).mean(-1)


def round_trip(probe, clips, schedule, *, audio=None, invert=ddim_invert, sample=ddim_sample, encode=None, batch=None):
    """Encode, invert and reconstruct clips with their own sound (or `audio` (N, S)), a few at a time. Returns a Trip on the CPU."""
    batch = batch or batch_of(probe)
    audio, parts = clips.audio if audio is None else audio, []
    for first in range(0, len(clips), batch):
        run = slice(first, first + batch)
        z0 = (encode or probe.encode)(torch.from_numpy(clips.frames[run]))
        denoise = as_asked(probe.denoiser(z0[:, :, 0], probe.tokens(torch.from_numpy(np.ascontiguousarray(audio[run])))), schedule)
        z_T = invert(denoise, z0, schedule)
        z0_hat = sample(denoise, z_T, schedule)
        parts.append([z.cpu() for z in (z0, z_T, z0_hat)] + [clips.frames[run].astype(np.float32) / GREY, probe.decode(z0_hat).cpu().numpy()])
    return Trip(*(torch.cat(p) if isinstance(p[0], torch.Tensor) else np.concatenate(p) for p in zip(*parts)))


def batch_of(probe):
    """Clips in one call: enough to keep the device busy, few enough for its memory."""
    return 8 if probe.device == "cpu" else 64


def decoded(probe, z):
    """Films (N, T, H, W, 3) in 0..1 of latents, a few at a time, as numpy."""
    return np.concatenate([probe.decode(part.to(probe.device)).cpu().numpy() for part in z.split(batch_of(probe))])


def split(probe, trip):
    """The two parts of a residual, in grey levels (N, T, H, W).

    |x - D(z0)|, lost although nothing was diffused, and |D(z0) - D(z0_hat)|, what the walk there and back adds.
    """
    coded = decoded(probe, trip.z0)
    return grey(trip.x, coded), grey(coded, trip.rebuilt)


def as_asked(denoise, schedule):
    """The probe predicts v; where the schedule asks for eps, hand on eps = sin z + cos v of the same prediction."""
    if schedule.prediction == "v":
        return denoise
    return lambda z, t: to_image_and_noise(z, denoise(z, t), schedule.abar(t))[1]


class Watch:
    """Keeps the latents that the first clip of a round trip passes, level by level: pass `watch.there` and `watch.back` as on_step."""

    def __init__(self, steps):
        self.steps, self.seen = steps, {"there": [], "back": []}

    def there(self, step, t, z):
        self._keep("there", z)

    def back(self, step, t, z):
        self._keep("back", z)

    def _keep(self, way, z):
        if len(self.seen[way]) < self.steps:  # later batches are other clips
            self.seen[way].append(z[:1].cpu())

    def films(self, probe, trip, frame):
        """One frame at every level 0 = clean .. steps, (steps + 1, H, W, 3) in 0..1, on the way to noise and on the way back,
        and the correlation of each latent on the way there with the clean one, (steps + 1,)."""
        z0, z_T = trip.z0[:1], trip.z_T[:1]
        there, back = [z0, *self.seen["there"]], [z_T, *self.seen["back"]][::-1]
        films = [decoded(probe, torch.cat([z[:, :, frame:frame + 1] for z in latents]))[:, 0] for latents in (there, back)]
        return *films, np.array([torch.corrcoef(torch.stack([z0.flatten(), z.flatten()]))[0, 1].item() for z in there])


def tensor(frames):
    """Frames as the probe's encoder takes them."""
    return torch.from_numpy(frames)


def relative_error(made, true):
    """Root mean square of made - true over that of true."""
    return float((made - true).square().mean().sqrt() / true.square().mean().sqrt())


def network_calls(probe, run):
    """How many clip-batches went through the U-Net while run() worked, and what run() returned."""
    count = []
    hook = probe.unet.register_forward_hook(lambda *_: count.append(1))
    try:
        result = run()
        return len(count), result
    finally:
        hook.remove()


def sampled_latent(probe, *, seed):
    """The mutant `sample_latent`: an encoder that draws from the posterior instead of taking its mean, anew at every call."""
    from avlab.probe import bundled

    generator = torch.Generator().manual_seed(seed)

    def encode(frames):
        pixels = bundled.to_pixels(frames.to(probe.device)).flatten(0, 1)
        posterior = probe.vae.encode(pixels).latent_dist
        noise = torch.randn(posterior.mean.shape, generator=generator).to(posterior.mean)
        z = (posterior.mean + posterior.std * noise) * probe.vae.config.scaling_factor
        return z.unflatten(0, frames.shape[:2]).transpose(1, 2)

    return torch.no_grad()(encode)


# ------------------------------------------------------------------------------------------------ what is read from it


def in_region(film, regions, name):
    """Mean of a film (N, T, H, W) over a region, one number a clip: "face" (mouth included), "mouth", "background", "all"."""
    inside = {"face": regions >= 1, "mouth": regions == 2, "background": regions == 0, "all": regions >= 0}[name]
    return (film * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))


def sharpness_db(frames, regions):
    """High-frequency energy of the face, 10 log10 of the mean square of luma minus its blur of 1 px: (N,) in dB."""
    from scipy.ndimage import gaussian_filter

    luma = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    high = luma - gaussian_filter(luma, (0, 0, 1, 1))
    return 10 * np.log10(in_region(high**2, regions, "face"))


def matched_auroc(residual, sharpness, label):
    """AUROC of -log residual after its linear dependence on sharpness, fitted on reals only, is taken out.

    score = -(log residual - (b0 + b1 sharpness)), b from least squares over label 0; 0.5 if the residual is only sharpness.
    """
    log, sharp, label = np.log(residual), np.asarray(sharpness, float), np.asarray(label)
    x, y = sharp[label == 0], log[label == 0]
    if not len(x):
        raise metrics.OneClass("The line is fitted on reals, and there are none")
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread if spread > 0 else 0.0
    return metrics.auroc(-(log - y.mean() - slope * (sharp - x.mean())), label)


def auroc_table(residual, clips, *, n=1000, seed=0):
    """{"all": Interval, forger: Interval, ...}: AUROC of -log residual, each forger against all reals, people resampled."""
    table = {}
    for name in ["all", *dict.fromkeys(clips.forger[clips.label == 1].tolist())]:
        rows = (clips.label == 0) | (clips.forger == name) | (name == "all")
        table[name] = metrics.bootstrap_ci(metrics.auroc, -np.log(residual[rows]), clips.label[rows], groups=clips.people[rows], n=n, seed=seed)
    return table


def chance_band(score, clips, *, seed, n=400):
    """Where the AUROC of a fixed score falls when the labels are shuffled: (lo, hi), 95 %."""
    rng = np.random.default_rng([seed, 2])
    draws = [metrics.auroc(score, rng.permutation(clips.label)) for _ in range(n)]
    return tuple(map(float, np.quantile(draws, (0.025, 0.975))))


def audio_effects(probe, clips, schedule, own, *, seed):
    """How much a wrong sound adds to the residual, in both directions of the walk: {(sound, region): (N,) grey levels}.

    own   Trip of the same clips with their own sound; the sounds are silence and another person's ("shuffled")
    """
    order = controls.shuffled_order(clips.people.tolist(), ["same"] * len(clips), seed=seed)
    effects = {}
    for name, audio in (("shuffled", clips.audio[order]), ("silent", controls.silent(clips.audio))):
        other = round_trip(probe, clips, schedule, audio=audio)
        for region in ("mouth", "face", "background"):
            effects[name, region] = in_region(other.residual, clips.regions, region) - in_region(own.residual, clips.regions, region)
    return effects


def blurred(clips, sigma):
    """Clips whose pictures were blurred by sigma pixels and nothing else."""
    from scipy.ndimage import gaussian_filter

    soft = gaussian_filter(clips.frames.astype(np.float32), (0, 0, sigma, sigma, 0))
    return replace(clips, frames=soft.round().clip(0, 255).astype(np.uint8))


def through_codec(film, crf=18):
    """A film (T, H, W, 3) in 0..1 as it comes back from an 8-bit H.264 file of that quality (papers: trap X10)."""
    import tempfile
    from pathlib import Path

    from avlab.clips import load_clip, write_clip

    with tempfile.TemporaryDirectory() as folder:
        path = write_clip((film * GREY).round().clip(0, 255).astype(np.uint8), Path(folder) / "film.mp4", crf=crf)
        return load_clip(path).frames[: len(film)].astype(np.float32) / GREY
