"""The measuring runs of notebook 09: which clips are changed and read again, and the tables that its figures show."""

from __future__ import annotations

import numpy as np

from avlab import calibration_metrics as calibration
from avlab import metrics
from avlab.clips import degrade
from avlab.course import nb09_clips as clips
from avlab.course import nb09_detectors as detectors
from avlab.course import nb09_experiments as experiments
from avlab.course import published
from avlab.metrics import Interval

CONDITIONS = ("own sound", "another voice", "silent", "declared absent")


def grids(fit: dict, seen: dict, val, test, names, mutant, seed) -> dict:
    """{(detector, "true" | "shuffled"): (R, R) AUROC}; the mutant works on AMDD alone."""
    made, rng = {}, np.random.default_rng([seed, 5])
    for d in fit:
        table = experiments.train_by_test(fit[d], seen[d], val, names, mutant if d == "amdd" else "none")
        made[d, "true"] = experiments.matrix(table, test, names)
        made[d, "shuffled"] = experiments.matrix(experiments.permuted(fit[d], seen[d], val, names, rng), test, names)
    return made


def left_out(fit: dict, seen: dict, val, test, names, mutant, *, n, seed) -> tuple[dict, dict, int]:
    """({(detector, forger): Interval} of a head that was not taught it, the same taught all, training clips that leaked)."""
    out, ceiling, leaks = {}, {}, 0
    for d in fit:
        table, found = experiments.leave_one_out(fit[d], seen[d], val, names, mutant)
        whole, leaks = experiments.taught_all(fit[d], seen[d], val), leaks + found
        for name in names:
            both = experiments.against({"out": table[name], "all": whole}, test, name, n=n, seed=seed)
            out[d, name], ceiling[d, name] = both["out"], both["all"]
    return out, ceiling, leaks


def reread(sample, change, models, known) -> list:
    """What AMDD makes of a changed sample."""
    return detectors.read("amdd", models, clips.changed(sample, change), known)


def through_codec(val, test, models, known, levels) -> dict:
    """{crf: (readings of val, readings of test)} after H.264."""
    return {q: tuple(reread(part, lambda clip, q=q: degrade.h264(clip, q), models, known) for part in (val, test)) for q in levels}


def codec_curves(fit, found, coded: dict, val, test, sides, *, n, seed) -> dict:
    """{"known" | "strangers": {"clean lessons" | "lessons through it": [Interval as rendered, at each level]}} of a head taught the known forgers."""
    rows = np.flatnonzero(val.among(sides.known))
    label, made = val.label[rows], {side: {"clean lessons": [], "lessons through it": []} for side in ("known", "strangers")}
    for lesson, judged in [(fit, found), *coded.values()]:
        table = {"clean lessons": experiments.head(fit, judged, rows, label), "lessons through it": experiments.head(lesson, judged, rows, label)}
        for side, forgers in (("known", sides.known), ("strangers", sides.strangers)):
            for name, cell in experiments.on(table, test, forgers, n=n, seed=seed).items():
                made[side][name].append(cell)
    return made


def own_scores(seen: dict, test, forgers, *, n, seed) -> dict:
    """{detector with a score of its own: {forger: Interval of its AUROC}}."""
    scored = {d: experiments.own(readings) for d, readings in seen.items() if "score" in readings[0]}
    return {detectors.NAMES[d]: {f: experiments.against({"own": score}, test, f, n=n, seed=seed)["own"] for f in forgers} for d, score in scored.items()}


def beside(known, each: dict) -> tuple[list, dict]:
    """Lines of our own AUROCs and of printed ones for `figures_robust.ours_and_printed`, and the printed ones, {line: [AUROC as a share]}.

    known   Interval of AMDD on forgers it was taught;  each   {detector: {stranger: Interval}}
    """
    t5, t8, t4, far = published.AMDD_T5, published.AMDD_T8, published.XAVDT_T4, published.XAVDT_T5
    printed = {"AMDD, its own test set": {"table 5": t5.get("full", "AUC")}, "AMDD, sets of other origin": {row: t8.get(row, "AUC") for row in t8.rows},
               "X-AVDT, unseen generators": {g: t4.get("X-AVDT", "AUROC", g) for g in t4.groups if g != "Average"},
               "X-AVDT, sets of other origin": {g: far.get("X-AVDT", "AUROC", g) for g in far.groups}}
    printed = {line: {name: value / 100 for name, value in cells.items()} for line, cells in printed.items()}
    ours = [("AMDD here, known forgers", [(known.value, known.lo, known.hi, "known")]),
            *((f"{d} here, strangers", [(cell.value, cell.lo, cell.hi, name) for name, cell in cells.items()]) for d, cells in each.items())]
    lines = [(line, [(value, name) for name, value in cells.items()]) for line, cells in printed.items()]
    return ours + lines, {line: list(cells.values()) for line, cells in printed.items()}


def printed_ladder() -> tuple[dict, list]:
    """({"real", "fake": (crf, share called right)}, AUCs as shares) of AMDD's table 8 on DFDM."""
    t8, levels = published.AMDD_T8, (0, 10, 23)
    return ({name.lower(): (levels, [t8.get(f"DFDM crf{q}", name) / 100 for q in levels]) for name in ("Real", "Fake")},
            [t8.get(f"DFDM crf{q}", "AUC") / 100 for q in levels])


def own_numbers(readings, test, cuts, forgers) -> tuple[float, float, float]:
    """(AUROC, reals called right, fakes called right) of the networks' own scores, means over networks."""
    keep = test.among(forgers)
    auroc = float(np.mean([metrics.auroc(row[keep], test.label[keep]) for row in experiments.own(readings)]))
    return auroc, *experiments.shares(readings, test, cuts, forgers)


def corrupted(found, models, test, cuts, known, *, n, seed) -> tuple[dict, dict, dict]:
    """({change: Interval of the AUROC on known forgers}, {change: share of reals called fake}, {change: readings}), own scores, "as rendered" first."""
    readings = {"as rendered": found} | {name: reread(test, change, models, known) for name, change in clips.CORRUPTIONS.items()}
    table = experiments.on({name: experiments.own(one) for name, one in readings.items()}, test, known, n=n, seed=seed)
    return table, {name: 1 - experiments.shares(one, test, cuts, known)[0] for name, one in readings.items()}, readings


def sounds(nets: dict, fit: dict, seen: dict, val, test, known, *, n, seed) -> tuple[dict, dict]:
    """({(detector, condition): Interval}, {condition: readings of AMDD}): forged pictures against reals, known and new ones alike.

    One linear head taught clean clips meets the test clips with their own sound, silence, another person's voice; a second one was taught, and meets,
    clips of which both know that the sound is missing ("declared absent"): their sound is silence throughout.
    """
    forged = np.array([row.label_video == "fake" and row.label_audio == "real" for row in val.rows])
    rows, keep = np.flatnonzero(forged | (val.label == 0)), np.array([row.label_audio == "real" for row in test.rows])
    table, readings = {}, {}
    quiet, other = {part: clips.changed(sample, degrade.silent) for part, sample in (("val", val), ("test", test))}, clips.with_other_sound(test, seed)
    for d, models in nets.items():
        heard = {"own sound": seen[d], "another voice": detectors.read(d, models, other, known), "silent": detectors.read(d, models, quiet["test"], known)}
        lesson = {c: fit[d] for c in heard} | {"declared absent": detectors.read(d, models, quiet["val"], known)}
        judged = heard | {"declared absent": heard["silent"]}
        score = {c: experiments.head(lesson[c], judged[c], rows, val.label[rows]) for c in CONDITIONS}
        cells = experiments.readout.intervals(experiments.scores(score, test).pick(keep), n=n, seed=seed)
        table |= {(detectors.NAMES[d], c): cells[c] for c in CONDITIONS}
        readings = readings or heard
    return table, readings


def believed(fit, found, val, test, sides, bins: int, mutant, *, n, seed) -> tuple[dict, dict, dict]:
    """({set: {kind: Reliability}}, {(set, kind): ECE}, {(set, kind): Interval of the floor}) for sets "seen" and "unseen"."""
    curves, eces, floors = {}, {}, {}
    for name, forgers in (("seen", sides.known), ("unseen", sides.strangers)):
        curves[name] = {}
        for kind, (prob, label) in experiments.claimed(fit, found, val, test, sides.known, forgers, mutant).items():
            curves[name][kind] = calibration.reliability(prob, label, bins)
            eces[name, kind], floors[name, kind] = calibration.ece(prob, label, bins), calibration.ece_floor(prob, bins, n=n, seed=seed)
    return curves, eces, floors


def gains(error, order: dict, people, *, n, seed) -> dict:
    """{order: Interval of mean error minus AURC}, all on the same draws of people and networks: above 0 = better than abstaining at random."""
    rng, draws = np.random.default_rng([seed, 13]), []

    def gained(k, rows):
        return [error[k, rows].mean() - calibration.aurc(error[k, rows], value[k, rows]) for value in order.values()]
    for _ in range(n):
        draws.append(gained(rng.integers(len(error)), metrics.resample(people, rng)))
    values, draws = np.mean([gained(k, np.arange(error.shape[1])) for k in range(len(error))], 0), np.array(draws)
    return {name: Interval(float(v), *map(float, np.quantile(d, (0.025, 0.975))), d) for name, v, d in zip(order, values, draws.T, strict=True)}


def operating_points(found, test, cuts, sides) -> dict:
    """{"a textbook's", "known forgers", "strangers": (TPR, FPR)} at the carried thresholds; an FPR of 0 becomes the upper end of its Wilson interval."""
    points = {"a textbook's": (0.90, 0.05)}
    reals = int((test.label == 0).sum())
    for name, forgers in (("known forgers", sides.known), ("strangers", sides.strangers)):
        right, hit = experiments.shares(found, test, cuts, forgers)
        points[name] = (hit, 1 - right if right < 1 else metrics.wilson(0, reals)[1])
    return points


def ladder(sample, changes: dict, readings: dict) -> dict:
    """{change: (film strip (H, W, 3) uint8, AMDD's score in log-odds)} of the first forged picture of a sample; four pictures of each."""
    which = int(np.flatnonzero([row.label_video == "fake" for row in sample.rows])[0])
    made = {}
    for name, change in changes.items():
        frames = change(sample.clips[which]).frames[::4][:4]
        made[name] = (np.concatenate([np.repeat(np.repeat(f, 2, 0), 2, 1) for f in frames], 1), float(readings[name][0]["score"][which]))
    return made
