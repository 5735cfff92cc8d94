"""Further experiments of notebook 08: a toy whose answer is known, a detector that cheats, when and what a detector reads, and a line-up of maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from avlab import metrics
from avlab.clips import load_clip
from avlab.clips.media import FPS
from avlab.course import nb03_training, nb08_training
from avlab.course import nb08_maps as made
from avlab.detectors import amdd
from avlab.detectors.batches import forged_frames
from avlab.explain import attribution, faithfulness
from avlab.explain.gradcam import as_found, grad_cam_films, logit_of
from avlab.results import Prediction

STEP = 4  # frames of one step in time: a stretch of AMDD's spectra
BANDS, COLUMNS = 8, 8  # of the log-mel, hidden at once: 80 ms

# ------------------------------------------------------------------------------------------------ a toy


class Toy(nn.Module):
    """Batch normalisation with fixed statistics, then a weighted sum: a straight line, so that every method has an answer on paper."""

    def __init__(self, channels=3):
        super().__init__()
        self.norm = nn.BatchNorm3d(channels, affine=False)
        self.norm.running_mean.copy_(torch.arange(channels) / 10)
        self.norm.running_var.copy_(1 + torch.arange(channels) / 2)
        self.weight = nn.Parameter(torch.tensor([2.0, -1.0, 0.5][:channels]))

    def forward(self, film):  # (B, C, T, H, W)
        means = self.norm(film).mean((2, 3, 4))
        return Prediction(means @ self.weight, means)


def toy_error(mutant="none", seed=0) -> float:
    """Largest difference between three methods and what they must give on the toy; the mutant "train_mode" lets the norm look at the batch."""
    rng = np.random.default_rng([seed, 7])
    film, start = (torch.as_tensor(rng.random((1, 3, 2, 4, 4)), dtype=torch.float64) for _ in range(2))
    model = Toy().double().eval()
    score = (lambda x: model.train()(x).logit) if mutant == "train_mode" else logit_of(model)
    slope = (model.weight / (model.norm.running_var + model.norm.eps).sqrt()).detach().view(1, 3, 1, 1, 1) / film[0, 0].numel()
    (own,), _ = attribution.integrated_gradients(score, (film,), (start,), steps=4)
    hidden = attribution.occlusion(score, (film,), 0, window=(1, 1, 1, 1), stride=(1, 1, 1, 1), fill=start)
    model.eval()
    model.norm.running_mean.copy_(torch.arange(3) / 10)  # a norm in train mode moves its own statistics
    model.norm.running_var.copy_(1 + torch.arange(3) / 2)
    cam = grad_cam_films(model, (film,), layer="norm", relu=False)
    want = (model.weight.detach().view(1, 3, 1, 1, 1) / film[0, 0].numel() * model.norm(film).detach()).sum(1)
    return max(float((own - slope * (film - start)).abs().max()), float((hidden - slope * (film - start)).abs().max()), float((cam - want).abs().max()))


def toy_deletion(mutant="none", seed=0) -> float:
    """Deletion of the toy in the order of its occlusion map, beyond random orders, in logits (> 0); the mutant "wrong_sign" explains the logit of real."""
    rng = np.random.default_rng([seed, 8])
    film, model, grid = torch.as_tensor(rng.random((1, 3, 2, 4, 4))) * 4, Toy().double().eval(), (2, 4, 4)
    score = (lambda x: -model(x).logit) if mutant == "wrong_sign" else logit_of(model)
    tiles = attribution.occlusion(score, (film,), 0, window=(3, 1, 1, 1), stride=(3, 1, 1, 1), fill=torch.zeros_like(film))[0, 0].numpy()
    turned = film[0].transpose(0, 1)  # removal takes films (T, C, H, W)

    def area(order):
        fake = lambda films: model(films.transpose(1, 2)).logit  # noqa: E731
        return faithfulness.aopc(faithfulness.removal_curve(fake, turned, order, torch.zeros_like(turned), grid=grid, steps=8))

    return float(area(faithfulness.ranked(tiles)) - np.mean([area(order) for order in faithfulness.random_orders(32, 8, seed=seed)]))


# ------------------------------------------------------------------------------------------------ a cheat


def cheats(model, sample, p, mutant="none") -> dict:
    """What the detector with the mark says and what maps say of it, on fakes that carry it.

    Returns {"with", "without": (N,) logits, "rank": {method: (N,)} place of the mark among the 100 tiles of the picture (1 = first), "pointing":
    (N,) pointing ratio of occlusion on the mark, "maps": {method: (N, 10, 10)}}.
    """
    marked = replace(sample, frames=nb08_training.marked(sample.frames))
    mark = np.zeros((made.PX, made.PX), bool)
    mark[nb08_training.MARK] = True
    tiles, maps, ranks = faithfulness.pooled(mark[None].astype(float), (1, 10, 10))[0] > 0, {}, {}
    films = {"grad_cam": made.grad_cam(model, marked, layer=p.layer), "grad_cam_9x9": made.grad_cam(model, marked, layer="visual_encoder.scale"),
             "occlusion": made.occlusion(model, marked, fill=p.fill, frames=16),
             "integrated_gradients": made.integrated_gradients(model, marked, kind=p.ig_baseline, steps=16)}
    for method, film in films.items():
        maps[method] = made.tiled(film).mean(1)
        ranks[method] = np.array([1 + int((one > one[tiles].max()).sum()) for one in maps[method]])
    seen = maps["occlusion"].transpose(0, 2, 1) if mutant == "wh_swap" else maps["occlusion"]
    pointed = np.array([faithfulness.pointing_ratio(one, tiles) for one in seen])
    return {"with": made.logits(model, marked), "without": made.logits(model, sample), "rank": ranks, "pointing": pointed, "maps": maps, "tiles": tiles,
            "frames": marked.frames}


def flip_rate(found) -> float:
    """Share of the marked fakes called fake that are called real once the mark is gone."""
    called = found["with"] > 0
    return float((found["without"][called] <= 0).mean()) if called.any() else 0.0


# ------------------------------------------------------------------------------------------------ when


def long_rows(rows, n: int, seed: int) -> list:
    """n partly forged clips of the split test by forgers of the picture that AMDD was taught, half of whose frames at most are forged, drawn by the seed."""
    known = nb03_training.known_forgers(rows)
    part = [row for row in rows.select(split="test", label=1) if row.segments_video and row.forger in known and row.duration_s > 2]
    chosen = np.random.default_rng([seed, 43]).permutation(len(part))[:n]
    return [part[i] for i in sorted(chosen)]


def timing(model, rows, *, fill="mean") -> dict:
    """When a detector looks: every STEP frames of long clips, (n,) each, one list entry a clip.

    "truth": share of the step's frames whose picture or sound is forged    "occlusion": fall of the logit when the step's picture is hidden
    "own": logit of the 16 frames around the step alone    "start": seconds
    """
    found = {name: [] for name in ("truth", "occlusion", "own", "start", "rows")}
    for row in rows:
        clip = load_clip(row)
        read = amdd.inputs(clip)
        frames, mel = (torch.from_numpy(read[name]).float()[None].to(made.place(model)) for name in ("frames", "log_mel"))
        frames = frames[:, :frames.shape[1] // STEP * STEP]
        n, columns = frames.shape[1] // STEP, mel.shape[2] // frames.shape[1]
        other = faithfulness.filled(frames, fill)
        with as_found(model):
            whole = attribution.occlusion(logit_of(model), (frames, mel), 0, window=(STEP, *frames.shape[2:]), stride=(STEP, *frames.shape[2:]), fill=other)
            first = np.clip(np.arange(n) * STEP + STEP // 2 - 8, 0, frames.shape[1] - 16)
            with torch.no_grad():
                own = model(torch.stack([frames[0, k:k + 16] for k in first]), torch.stack([mel[0, :, columns * k:columns * (k + 16)] for k in first])).logit
        found["truth"].append(forged_frames(row, n * STEP).reshape(n, STEP).mean(1))
        found["occlusion"].append(whole[0, ::STEP, 0, 0, 0].double().cpu().numpy())
        found["own"].append(own.double().cpu().numpy())
        found["start"].append(np.arange(n) * STEP / clip.fps)
        found["rows"].append(row)
    return found


def frame_auroc(found, name: str, *, n, seed):
    """Interval of the AUROC of steps that are mostly forged against the others, pooled over clips, resampling clips."""
    truth = np.concatenate([t >= 0.5 for t in found["truth"]]).astype(int)
    clip = np.concatenate([np.full(len(t), k) for k, t in enumerate(found["truth"])])
    return metrics.bootstrap_ci(metrics.auroc, np.concatenate(found[name]), truth, groups=clip, n=n, seed=seed)


def lateness(found, name: str, *, most=5) -> float:
    """Seconds by which a score runs behind the truth: the shift of best mean correlation over clips; ends of clips are left out."""
    def fits(shift):
        pairs = [(np.roll(score, -shift)[most:-most], truth[most:-most]) for score, truth in zip(found[name], found["truth"], strict=True)]
        return np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs if np.ptp(a) > 0 and np.ptp(b) > 0] or [0.0])
    return float(max(range(-most, most + 1), key=fits) * STEP / FPS)


# ------------------------------------------------------------------------------------------------ what is heard


def heard(model, sample, *, what="silence") -> np.ndarray:
    """Fall of the logit when 8 bands of 80 ms are silenced, (N, F, n).  what   "silence", or "mean": the band's own mean level"""
    inputs, maps = made.tensors(sample, model=model), []
    with as_found(model):
        for k in range(len(sample)):
            one = tuple(x[k:k + 1] for x in inputs)
            other = torch.zeros_like(one[1]) if what == "silence" else one[1].mean(2, keepdim=True).expand_as(one[1])
            maps.append(attribution.occlusion(logit_of(model), one, 1, window=(BANDS, COLUMNS), stride=(BANDS, COLUMNS), fill=other)[0].double().cpu().numpy())
    return np.stack(maps)


def band_hz(bands=64, low_hz=60.0, high_hz=7600.0) -> np.ndarray:
    """Middle of every mel band in Hz, (F,)."""
    import librosa

    return librosa.mel_frequencies(bands + 2, fmin=low_hz, fmax=high_hz)[1:-1]


def high_share(fall, hz, above=4000.0) -> float:
    """Share of the positive fall (N, F, n) that lies in bands above a frequency."""
    positive = np.clip(fall, 0, None).sum((0, 2))
    return float(positive[hz >= above].sum() / max(positive.sum(), 1e-12))


# ------------------------------------------------------------------------------------------------ a line-up


def blurred(film, sigma: float) -> np.ndarray:
    """A map (..., H, W) through a Gaussian of `sigma` pixels; 0 leaves it."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(film, float) if sigma == 0 else gaussian_filter(np.asarray(film, float), (0,) * (np.ndim(film) - 2) + (sigma, sigma), mode="constant")


def line_up(model, sample, p, *, seed) -> tuple[dict, tuple]:
    """Three pairs of maps, one of each pair by the trained network and one by random weights: ({letter: (40, 40)}, the three letters of the trained one).

    One clip a pair, in the order of the sample, which side is which decided by the seed.
    """
    rng, letters, maps, right = np.random.default_rng([seed, 47]), "ABCDEF", {}, []
    for k in range(3):
        one = sample.pick([k % len(sample)])
        pair = [made.grad_cam(network, one, layer=p.layer)[0].mean(0) for network in (model, made.random_network(model, 500 * seed + k))]
        turn = int(rng.integers(2))
        maps |= dict(zip(letters[2 * k:2 * k + 2], pair[::-1] if turn else pair, strict=True))
        right.append(letters[2 * k + turn])
    return maps, tuple(right)


def face_agreement(maps: dict, face, sigmas) -> dict:
    """{letter: (len(sigmas),)} cosine between a map, blurred, and the face blurred likewise; face (40, 40) share of frames. 1 = the same picture."""
    found = {}
    for name, values in maps.items():
        pairs = [(blurred(values, s), blurred(face, s)) for s in sigmas]
        found[name] = np.array([float((a * b).sum() / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-12)) for a, b in pairs])
    return found
