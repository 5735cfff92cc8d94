"""The measuring runs of notebook 02 and what is computed from them: which clips meet which sound, latents and weights.

Keys of a feature table are (kind, t, condition). Conditions: own, noised, silent, shuffled, random, random_mouth, silent_at_test, mask_only.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from avlab import metrics
from avlab.course import nb02_experiments as experiments
from avlab.course.nb02_clips import TEST, TRAIN, region_masks
from avlab.course.nb02_experiments import KINDS
from avlab.course.nb02_store import measured
from avlab.explain import controls, readout

FORGERS = (*TRAIN, *TEST)


def main_taps(tapped: dict) -> dict:
    """The three taps of the grid, without the first layers."""
    return {kind: tapped[kind] for kind in KINDS}


def own_features(probe, sample, inside, tapped, timesteps, store="") -> tuple[dict, dict]:
    """Return (grid, early): own sound by inversion at all timesteps for the clips `inside` (N,) bool, and at t = 24 for all clips.

    grid {(kind, t, "own"): (clips inside, 2D)}      early {(kind, 24, "own"): (N, 2D)}
    """
    tapped = main_taps(tapped)
    grid = measured(store, probe, sample.pick(inside), tapped, timesteps)
    rest = measured(store, probe, sample.pick(~inside), tapped, (24,))
    early = {}
    for kind in KINDS:
        whole = np.empty((len(sample), grid[kind, 24].shape[1]))
        whole[inside], whole[~inside] = grid[kind, 24], rest[kind, 24]
        early[kind, 24, "own"] = whole
    return {(*key, "own"): value for key, value in grid.items()}, early


def noised_features(probe, grid, tapped, timesteps, seed, store="") -> dict:
    """Own sound from noised instead of inverted latents, {(kind, t, "noised")}; t = 24 starts from the clean latent in both and is left out."""
    later = [t for t in timesteps if t > 24]
    found = measured(store, probe, grid, main_taps(tapped), later, noised=True, seed=seed) if later else {}
    return {(*key, "noised"): value for key, value in found.items()}


def sound_features(probe, sample, inside, tapped, timesteps, latents, seed, store="") -> tuple[dict, dict]:
    """Silent and shuffled sound: (grid, early) as in `own_features`; t > 24 from noised or inverted latents."""
    grid, early, tapped = {}, {}, main_taps(tapped)
    later = [t for t in timesteps if t > 24]
    heard = experiments.sounds(sample, seed)
    for name in ("silent", "shuffled"):
        found = measured(store, probe, sample, tapped, (24,), heard[name])
        early |= {(*key, name): value for key, value in found.items()}
        grid |= {(*key, name): value[inside] for key, value in found.items()}
        if later:
            found = measured(store, probe, sample.pick(inside), tapped, later, heard[name][inside], noised=latents == "noised", seed=seed)
            grid |= {(*key, name): value for key, value in found.items()}
    return grid, early


def random_features(fresh, sample, tapped, store="") -> dict:
    """The random-weights probe at t = 24: {(kind, 24, "random")}, and psi weighted with the mouth mask, {("cross", 24, "random_mouth")}."""
    def both(film, regions):
        mouth = region_masks(regions, *film.shape[-2:])["mouth"] + 1e-6  # a mouth hidden for the whole clip still has a mean
        return np.concatenate([readout.channel_features(film), readout.channel_features(film, mouth)], 1)
    found = measured(store, fresh, sample, main_taps(tapped), (24,), reduce=both, name="channels and mouth")
    half = {key: value.shape[1] // 2 for key, value in found.items()}
    features = {(*key, "random"): value[:, :half[key]] for key, value in found.items()}
    return features | {("cross", 24, "random_mouth"): found["cross", 24][:, half["cross", 24]:]}


def mask_features(sample) -> dict:
    """The mask alone, no network: area and movement of face and mouth, {("mask", 24, "mask_only"): (N, 4)}."""
    h, w = sample.z0.shape[-2:]
    return {("mask", 24, "mask_only"): readout.channel_features(controls.mask_only(sample.regions, h, w))}


def intervals(features, sample, p, seed, *, unseen=True, by="people") -> tuple[dict, readout.Scores]:
    """Read out and bootstrap: ({key: Interval}, scores). Equal clips and seed give equal draws, so differences between calls are paired."""
    scores = experiments.judge(features, sample, classifier=p.classifier, unseen=unseen)
    return readout.intervals(scores, n=p.n_bootstrap, seed=seed, by=by), scores


def seen_table(early: dict, sample, p) -> dict:
    """AUROC of each forger when training knew it (people are new all the same): {(forger, kind, condition): mean over seeds}."""
    scores = experiments.judge(early, sample, classifier=p.classifier, unseen=False)
    table = {}
    for forger in FORGERS:
        one = scores.against(forger)
        for (kind, _, condition), rows in one.score.items():
            table[forger, kind, condition] = float(np.mean([metrics.auroc(row, one.label) for row in rows]))
    return table


def few(sample, n: int):
    """The first n real clips, test people first: the clips that are measured with three sounds along the whole inversion."""
    real = np.flatnonzero(sample.label == 0)
    order = np.concatenate([real[sample.side[real] == "test"], real[sample.side[real] == "train"]])
    return order[:n]


def sound_films(probe, sample, rows, tapped, timesteps, seed) -> dict:
    """Films under each sound along the inversion: {sound: {(tap, t): (n, D, T, h, w)}}."""
    heard = experiments.sounds(sample, seed)
    return {name: experiments.capture(probe, sample.pick(rows), tapped, timesteps, audio[rows], reduce=lambda film, _: film) for name, audio in heard.items()}


def shares(films, regions: dict, other="silent") -> dict:
    """Share of the output's energy that depends on the sound: {(tap, t, region): share}; region "all" is everywhere.

    regions  {name: (n, T, h, w)} on the grid of the main taps; taps on another grid get "all" only
    """
    found = {}
    for (tap, t), own in films["own"].items():
        silent = films[other][tap, t]
        found[tap, t, "all"] = controls.audio_share(own, silent, np.ones((len(own), *own.shape[2:])))
        for name, mask in regions.items():
            if own.shape[-2:] == mask.shape[-2:]:
                found[tap, t, name] = controls.audio_share(own, silent, mask)
    return found


def painted_lips(psi, mouth, share: float, seed: int):
    """Mix psi's magnitude with white noise, multiply with a blurred mouth mask, average over frames: (h, w), largest value 1.

    psi (D, T, h, w)      mouth (T, h, w) mask      share  of real psi, 0 = noise alone.  Both are made non-negative as sqrt(mean over D of squares).
    """
    rng = np.random.default_rng(seed)
    real = np.sqrt((psi**2).mean(0))
    noise = np.abs(rng.standard_normal(real.shape))
    mixed = share * real / real.mean() + (1 - share) * noise / noise.mean()
    made = (mixed * lip_mask(mouth)).mean(0)
    return made / made.max()


def lip_mask(mouth):
    """Blur a mouth mask (T, h, w) of frame 0 as a talking-head model does, the same for all frames: (1, h, w), largest value 1."""
    blurred = gaussian_filter(np.asarray(mouth[0], float), 1.2)
    return (blurred / blurred.max())[None]


def correlation(a, b) -> float:
    """Pearson correlation of two maps."""
    return float(np.corrcoef(np.ravel(a), np.ravel(b))[0, 1])


def label_control(draws) -> tuple:
    """(mean AUROC under permuted labels, 0.4, 0.6): beyond that the protocol itself would leak."""
    return float(np.mean(draws)), 0.4, 0.6
