"""The runs of notebook 05: which clips meet which probe and which training, and what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import avlab
from avlab import metrics
from avlab.course import nb05_clips as clips
from avlab.course import nb05_experiments as experiments
from avlab.course.nb05_store import measured
from avlab.detectors.training import load
from avlab.explain import controls, readout
from avlab.probe.diffusion_probe import DiffusionProbe

WEIGHTS = Path(avlab.__file__).parent / "weights"


def bundled(variant: str, k: int):
    """The k-th bundled training of a variant, or None where there is none."""
    path = WEIGHTS / f"xavdt_{variant}_{k}.safetensors"
    return experiments.with_spectra(load(path)) if path.is_file() else None


def card() -> dict:
    """What is known of the bundled trainings; {} without any."""
    path = WEIGHTS / "xavdt.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def features(p, probe, sample, seed) -> dict:
    """{"own": ..., "random": ...}: what X-AVDT reads of the clips, with the probe and, if a variant asks for it, with a random one."""
    made = {"own": measured(p.store, probe, sample)}
    if "random_probe" in p.variants:
        made["random"] = measured(p.store, DiffusionProbe.random(probe.device, p.phi_steps, seed=0, like=probe), sample)
    return made


def of_rows(inputs: dict, rows) -> dict:
    """The inputs of some clips."""
    return {probe: {name: value[rows] for name, value in films.items()} for probe, films in inputs.items()}


def models(p, sample, inputs, forgers, seed, lessons) -> tuple[dict, tuple]:
    """Return ({variant: [model, ...]}, names of those trained here): bundled where asked for and there, trained here otherwise.

    lessons   [(model, Progress), ...] of "full", trained here already
    Differences are taken inside one kind only: where some variants are bundled and others not, "full" and "no_psi" come a second time as
    trained here, "full_here" and "no_psi_here".
    """
    ready = {v: [bundled(v, k) for k in range(p.trainings)] for v in p.variants} if p.weights == "bundled" else {}
    made = {v: found for v, found in ready.items() if all(found)}
    here = [v for v in p.variants if v not in made]
    twins = {f"{v}_here": v for v in ("full", "no_psi") if here and v in made}
    for name, variant in ({v: v for v in here} | twins).items():
        own = experiments.features_of(variant, inputs)
        runs = lessons if variant == "full" else [experiments.trained(variant, sample, own, forgers, p, 1000 * seed + k) for k in range(p.trainings)]
        made[name] = [model for model, _ in runs]
    return made, (*twins, *here)


def origin(models, here) -> str:
    """Which variants were trained here and which came with the package."""
    ready = [v for v in models if v not in here]
    return "; ".join(filter(None, [ready and f"bundled: {', '.join(ready)}", here and f"trained here: {', '.join(here)}"]))


def curves(states) -> dict:
    """{"AUROC": {seed name: (epoch, validation AUROC)}, "loss": {seed name: (step, loss smoothed over an epoch)}}."""
    found = {"AUROC": {}, "loss": {}}
    for k, state in enumerate(states):
        scores, steps = [r["val_auroc"] for r in state.history], np.asarray(state.steps)
        window = min(max(len(steps) // max(len(state.history), 1), 1), len(steps))
        smooth = np.convolve(steps, np.ones(window) / window, "valid")
        found["AUROC"][f"seed {k}"] = np.arange(1, len(scores) + 1), np.array(scores)
        found["loss"][f"seed {k}"] = np.arange(len(smooth)) + window, smooth
    return found


def loss_drop(lessons) -> float:
    """Mean loss of the first third of the steps minus that of the last, over the trainings."""
    drops = []
    for _, state in lessons:
        steps, third = np.asarray(state.steps), max(len(state.steps) // 3, 1)
        drops.append(steps[:third].mean() - steps[-third:].mean())
    return float(np.mean(drops))


def by_forger(scores, variants, forgers, n, seed) -> dict:
    """{(forger, variant): Interval of the AUROC of one forger against all reals}."""
    found = {}
    for forger in forgers:
        cells = readout.intervals(scores.against(forger), n=n, seed=seed)
        found |= {(forger, v): cells[v] for v in variants}
    return found


def heard_by_others(p, probe, sample, inputs, seed) -> tuple:
    """(clips, own inputs, inputs with another person's sound) of `listen_clips` test clips, half of them real, people in turn."""
    rows = np.concatenate([in_turn(sample.people, np.flatnonzero(sample.label == y))[:max(p.listen_clips // 2, 2)] for y in (0, 1)])
    few = sample.pick(rows)
    order = controls.shuffled_order([row.identity for row in few.rows], [row.category for row in few.rows], seed=seed)
    return few, of_rows(inputs, rows)["own"], measured(p.store, probe, few, few.audio[order])


def in_turn(people, rows) -> np.ndarray:
    """Rows ordered so that everybody's first clip comes before anybody's second."""
    count, nth = {}, []
    for row in rows:
        nth.append(count.setdefault(people[row], 0))
        count[people[row]] += 1
    return np.asarray(rows)[np.argsort(nth, kind="stable")]


def moved(models, sample, own, other, *, n, seed) -> dict:
    """{forger or "real": Interval of the mean change of the logit}, mean over trainings, people resampled."""
    change = np.mean([experiments.logits(m, sample, other) - experiments.logits(m, sample, own) for m in models], 0)
    found = {}
    for forger in dict.fromkeys(sample.forger):
        rows = sample.forger == forger
        found[str(forger)] = metrics.bootstrap_ci(lambda x: float(np.mean(x)), change[rows], groups=sample.people[rows], n=n, seed=seed)
    return found


def longer(p, rows, seen, seed):
    """Clips of two chunks of the test people, fakes of the seen forgers and reals: (sample of chunks, number of the clip of each)."""
    drawn = clips.draw_pairs([row for row in rows if row.split == "test"], seen, p.longer_clips, seed, seconds=clips.LONGER)
    return clips.chunked(clips.load_sample(drawn))


def chunk_scores(p, probe, models, chunks) -> np.ndarray:
    """Score of every chunk, mean over trainings. The sound is passed by hand, for a chunk's record in a store must not be its clip's."""
    films = measured(p.store, probe, chunks, chunks.audio)
    return np.mean([experiments.logits(model, chunks, films) for model in models], 0)
