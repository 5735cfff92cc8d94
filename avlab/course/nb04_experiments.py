"""The experiments of notebook 04: lag curves of lips and loudness, cosines of the two towers, and what each control makes of them.

Everything is measured on a `Sample` (nb04_clips); nothing is drawn and nothing is tuned on these clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from avlab import metrics
from avlab.course.nb04_clips import SAMPLES, towers_see, windows
from avlab.explain import controls, similarity, two_tower

# ------------------------------------------------------------------------------------------------ lips and loudness


def planted(max_lag: int, *, circular=False) -> float:
    """The height of a lag curve where it is known: a picture that copies its sound three frames late, so exactly 1 at lag 3."""
    sound = np.random.default_rng(4).standard_normal(40)
    return float(similarity.lag_curve(np.concatenate([np.zeros(3), sound[:-3]]), sound, max_lag, circular=circular)[max_lag + 3])


def curves(opening, loudness, max_lag: int) -> np.ndarray:
    """Lag curve of every clip: opening, loudness (N, T) -> (N, 2 max_lag + 1)."""
    return np.stack([similarity.lag_curve(a, b, max_lag) for a, b in zip(opening, loudness, strict=True)])


def by_forger(sample, values, names, *, n, seed, by=np.mean) -> dict:
    """{forger: Interval} of a statistic of a value a clip (N,), people resampled."""
    return {name: metrics.bootstrap_ci(by, values[sample.forger == name], groups=sample.people[sample.forger == name], n=n, seed=seed) for name in names}


@dataclass(frozen=True)
class Curve:
    """A mean lag curve: lags (K,) frames, mean, lo, hi (K,); the interval resamples people."""

    lags: np.ndarray
    mean: np.ndarray
    lo: np.ndarray
    hi: np.ndarray

    @property
    def peak(self) -> int:
        """Lag in frames of the highest point."""
        return similarity.peak_lag(self.mean)

    @property
    def valley(self) -> int:
        """Lag in frames of the lowest point."""
        return similarity.peak_lag(-self.mean)


def mean_curve(table, people, at, *, n, seed) -> Curve:
    """Average the curves (N, K) of clips, at lags `at` (K,), with an interval from resampling people n times."""
    rng, table = np.random.default_rng(seed), np.asarray(table)
    draws = np.stack([table[metrics.resample(people, rng)].mean(0) for _ in range(n)])
    return Curve(np.asarray(at), table.mean(0), *np.quantile(draws, (0.025, 0.975), axis=0))


def mean_curves(sample, table, names, at, *, n, seed) -> dict:
    """{forger: Curve} of a table (N, K) of curves."""
    return {name: mean_curve(table[sample.forger == name], sample.people[sample.forger == name], at, n=n, seed=seed) for name in names}


def mismatched(sample, max_lag: int, seed: int, *, rounds=4) -> np.ndarray:
    """Lag curves of lips with another person's sound, (rounds * N, K): every clip with `rounds` strangers; nothing here is in step."""
    people, category = sample.people.tolist(), sample.category.tolist()
    orders = [controls.shuffled_order(people, category, seed=seed + k) for k in range(rounds)]
    return np.concatenate([curves(sample.opening, sample.loudness[order], max_lag) for order in orders])


def best_of_strangers(table, clips: int, *, n, seed, level=0.95) -> tuple[float, float]:
    """(lowest, highest) that the mean curve of so many strangers gets at its own best lag, at the ends of the level: the null of a peak.

    A peak is a maximum over lags, so it must be held against the maximum of strangers and not against their value at one lag.
    """
    rng = np.random.default_rng(seed)
    means = np.stack([table[rng.integers(0, len(table), clips)].mean(0) for _ in range(n)])
    return float(np.quantile(means.min(1), (1 - level) / 2)), float(np.quantile(means.max(1), (1 + level) / 2))


@dataclass(frozen=True)
class Heard:
    """What so many frames of own and mismatched pairs give: own, other (N, 2 max_lag + 1)."""

    frames: int
    own: np.ndarray
    other: np.ndarray

    def share_at_zero(self, which="own") -> np.ndarray:
        """(N,) 1.0 where the curve peaks at lag 0."""
        return np.array([float(similarity.peak_lag(curve) == 0) for curve in getattr(self, which)])


def listening(sample, lengths, max_lag: int, seed: int) -> list[Heard]:
    """Beat 2: own and mismatched lag curves of the middle T frames of every clip, for each T of `lengths`."""
    found, total = [], sample.frames.shape[1]
    order = controls.shuffled_order(sample.people.tolist(), sample.category.tolist(), seed=seed)
    for frames in lengths:
        part = slice((total - frames) // 2, (total - frames) // 2 + frames)
        opening, loudness = sample.opening[:, part], sample.loudness[:, part]
        found.append(Heard(frames, curves(opening, loudness, max_lag), curves(opening, loudness[order], max_lag)))
    return found


def best_of_lags(table, max_lag: int) -> np.ndarray:
    """The highest of the lags -max_lag..max_lag of each curve (N, K): what "synchrony" becomes when one may choose the lag afterwards."""
    middle = np.shape(table)[1] // 2
    return np.asarray(table)[:, middle - max_lag:middle + max_lag + 1].max(1)


def led_by_silence(sample, frames: int, seed: int, *, length=16, level_db=-60.0) -> np.ndarray:
    """Correlation at lag 0 of mismatched pairs when every clip begins with so many frames of closed lips and silence: (N,)."""
    order = controls.shuffled_order(sample.people.tolist(), sample.category.tolist(), seed=seed)
    opening, loudness = sample.opening[:, :length].copy(), sample.loudness[order][:, :length].copy()
    opening[:, :frames], loudness[:, :frames] = opening.min(1, keepdims=True), np.minimum(loudness.min(1, keepdims=True), level_db)
    return np.array([similarity.correlation(a, b) for a, b in zip(opening, loudness, strict=True)])


# ------------------------------------------------------------------------------------------------ the two towers


@dataclass(frozen=True)
class Embedded:
    """Vectors of the middle 16 frames of every clip: video, audio (N, 16, D), and the means of reference clips (D,) that centring takes away."""

    video: np.ndarray
    audio: np.ndarray
    centre_video: np.ndarray
    centre_audio: np.ndarray

    def cosine(self, order=None, *, centred=True, audio=None) -> np.ndarray:
        """Cosine of picture and sound, (N,). order  whose sound each clip gets;  audio  (16, D) or (N, 16, D) in the place of the own one."""
        sound = self.audio if audio is None else np.broadcast_to(audio, self.audio.shape)
        sound = sound if order is None else sound[order]
        if not centred:
            return similarity.cosine(self.video, sound)
        frames = self.video.shape[1]
        return similarity.cosine(self.video, sound, centre_a=np.tile(self.centre_video, frames), centre_b=np.tile(self.centre_audio, frames))


def embed(net, sample, reference) -> Embedded:
    """Embed a sample; the centres are those of the real clips of `reference` (people who are not judged here)."""
    video, audio = two_tower.embed(net, *towers_see(*windows(sample)))
    real = reference.pick(reference.label == 0)
    about = two_tower.embed(net, *towers_see(*windows(real)))
    return Embedded(video, audio, about[0].mean((0, 1)), about[1].mean((0, 1)))


def hear(net, audio, frames=16) -> np.ndarray:
    """What the sound tower says of sounds (N, 640 frames): (N, frames, D)."""
    mel = np.stack([two_tower.mel_rows(sound, frames) for sound in audio])
    with torch.no_grad():
        return net.audio(torch.as_tensor(mel).to(next(net.parameters()).device)).cpu().numpy()


def embedding_curves(net, sample, reference, max_lag: int) -> np.ndarray:
    """Lag curves of the towers: the sound is shifted in front of them, so every lag compares 16 whole frames. (N, 2 max_lag + 1)"""
    base = embed(net, sample, reference)
    return np.stack([base.cosine(audio=hear(net, windows(sample, lag=lag)[1])) for lag in similarity.lags(max_lag)], 1)


def silence_vector(net, frames=16) -> np.ndarray:
    """What the sound tower says of digital silence: (frames, D)."""
    return hear(net, np.zeros((1, frames * SAMPLES), np.float32), frames)[0]


def gap(cosine, label) -> float:
    """Mean cosine of reals minus mean cosine of fakes."""
    return float(cosine[label == 0].mean() - cosine[label == 1].mean())


def gaps(sample, cosine, names, *, n, seed) -> dict:
    """{forger: Interval} of real minus fake; the reals are the same for all, people resampled on the same draws."""
    found = {}
    for name in names:
        keep = (sample.label == 0) | (sample.forger == name)
        found[name] = metrics.bootstrap_ci(gap, cosine[keep], sample.label[keep], groups=sample.people[keep], n=n, seed=seed)
    return found


def aurocs(sample, score, names, *, n, seed) -> dict:
    """{forger: Interval} of the AUROC of a score (larger = more fake) against the reals, people resampled."""
    found = {}
    for name in names:
        keep = (sample.label == 0) | (sample.forger == name)
        found[name] = metrics.bootstrap_ci(metrics.auroc, score[keep], sample.label[keep], groups=sample.people[keep], n=n, seed=seed)
    return found


def permuted_gap(sample, cosine, n: int, seed: int) -> float:
    """Mean gap after permuting labels inside each person n times: about 0, or the protocol itself would make a gap."""
    rng = np.random.default_rng(seed)
    return float(np.mean([gap(cosine, controls.permuted_labels(sample.label, sample.people, rng)) for _ in range(n)]))


def shared_mean(size: float, *, pairs=400, width=64, seed=0) -> tuple[np.ndarray, np.ndarray]:
    """Beat 5: cosines of unrelated pairs of N(size, 1) vectors, raw and after the known mean was taken away: two (pairs,) arrays."""
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, pairs, width)) + size
    mean = np.full(width, size)
    return similarity.cosine(a, b), similarity.cosine(a, b, centre_a=mean, centre_b=mean)
