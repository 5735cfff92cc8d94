"""Notebook 09 measures what was planted: readings with a known trace, a leak that is counted, a style that is learned, closed forms against samples."""

from dataclasses import replace

import numpy as np
import pytest

from avlab import metrics
from avlab.clips import manifest
from avlab.course import nb09_clips as clips
from avlab.course import nb09_experiments as experiments
from avlab.course import nb09_runs as runs
from avlab.course import nb09_toys as toys
from avlab.errors import AvlabError


@pytest.fixture(scope="module")
def rows():
    return manifest.load("synthtalk")


@pytest.fixture(scope="module")
def sides(rows):
    return clips.protocol(rows)


@pytest.fixture(scope="module")
def parts(rows):
    """(val, test) samples without pictures."""
    return tuple(bare(clips.draw(rows, 6, 0, split=split)) for split in ("val", "test"))


def bare(rows):
    held = np.empty(len(rows), object)
    held[:] = list(rows)
    column = {name: np.array([getattr(row, name) for row in rows]) for name in ("forger", "identity", "category", "label")}
    return clips.Sample(held, np.empty(len(rows), object), column["forger"], column["identity"], column["category"], column["label"])


def planted(sample, directions, seed=0, noise=0.5):
    """Readings of one network: every forger's part moves the embedding along its direction; the score is the sum over the first two dimensions."""
    rng = np.random.default_rng([seed, len(sample)])
    x = noise * rng.standard_normal((len(sample), 8))
    for i, name in enumerate(sample.forger):
        for part in name.split("+"):
            x[i] += np.asarray(directions.get(part, np.zeros(8)))
    logits = np.stack([-x[:, 0], x[:, 0], x[:, 1]], 1)
    return [{"embedding": x, "score": x[:, 0] + x[:, 1] - 1.0, "generator_logits": 3 * logits}]


E = np.eye(8) * 3


def test_the_draw_is_fair_and_the_sides_share_nobody(rows, sides, parts):
    val, test = parts
    assert set(val.forger) == set(test.forger) == {"real", *sides.known, *sides.strangers} and len(val) == 6 * (9 + clips.REALS)
    assert clips.shared_people(val, test) == 0 and clips.shared_people(val, val) > 10
    assert {"flow", "lipsync", "dub", "lipsync+rtvc"} == set(sides.strangers) and "faceswap+rtvc" in sides.known
    assert sides.single[:1] == ("faceswap",) and not [name for name in sides.single if "+" in name]
    with pytest.raises(AvlabError, match="strangers"):
        clips.protocol(rows.select(forger=("real", "ldm", "reenact")))


def test_one_trace_for_two_forgers_transfers_and_another_does_not(sides, parts):
    val, test = parts
    directions = {"faceswap": E[0], "ldm": E[0], "reenact": E[1], "flow": -E[0]}
    fit, seen = planted(val, directions), planted(test, directions, 1)
    names = ("faceswap", "ldm", "reenact", "flow")
    m = experiments.matrix(experiments.train_by_test(fit, seen, val, names), test, names)
    assert np.diag(m).min() > 0.95 and m[0, 1] > 0.95 and 0.2 < m[0, 2] < 0.8 and m[0, 3] < 0.1  # of the wrong sign
    flipped = experiments.matrix(experiments.train_by_test(fit, seen, val, names, "flip_polarity"), test, names)
    assert np.allclose(flipped, 1 - m) and experiments.diagonal(flipped)[0] < 0.1
    mixed = experiments.matrix(experiments.permuted(fit, seen, val, names, np.random.default_rng(0)), test, names)
    assert abs(mixed.mean() - 0.5) < 0.2 and experiments.diagonal([[1, 0.5], [0.7, 0.8]]) == pytest.approx((0.9, 0.6))


def test_leaving_out_goes_by_parts_and_the_leak_is_counted(parts):
    val, test = parts
    fit, seen = planted(val, {"lipsync": E[0]}), planted(test, {"lipsync": E[0]}, 1)
    kept, leaky = (val.forger[experiments.kept_out(val, "lipsync", mutant)] for mutant in ("none", "leak_forger"))
    assert set(kept) == set(val.forger) - {"lipsync", "lipsync+rtvc"} and set(leaky) == set(val.forger) - {"lipsync"}
    table, leaks = experiments.leave_one_out(fit, seen, val, ("lipsync", "dub"))
    other, found = experiments.leave_one_out(fit, seen, val, ("lipsync", "dub"), "leak_forger")
    assert (leaks, found) == (0, int((val.forger == "lipsync+rtvc").sum())) and np.array_equal(table["dub"], other["dub"])
    assert not np.array_equal(table["lipsync"], other["lipsync"]) and table["lipsync"].shape == (1, len(test))


def test_retention_is_a_share_of_the_excess():
    assert experiments.retention(0.65, 0.85) == pytest.approx(0.15 / 0.35) and experiments.retention(0.9, 0.9) == 1
    assert experiments.retention(0.2, 0.52) == 0.0  # where nothing is known, nothing can be kept


def test_thresholds_and_columns_follow_a_shift_of_the_scores(sides, parts):
    val, test = parts
    directions = {name: E[0] for name in ("faceswap", "ldm", "reenact", "rtvc")}
    fit, seen = planted(val, directions), planted(test, directions, 1)
    cuts = experiments.thresholds(fit, val, sides.known)
    right, hit = experiments.shares(seen, test, cuts, sides.known)
    assert right > 0.9 and hit > 0.9
    moved = [{**seen[0], "score": seen[0]["score"] + 10}]
    assert experiments.shares(moved, test, cuts, sides.known) == (0.0, 1.0)
    before, after = (experiments.three_numbers(x, test, cuts, sides.known, n=100, seed=0) for x in (seen, moved))
    assert before["AUROC"].value == after["AUROC"].value and before["Acc@EER"].value == after["Acc@EER"].value
    assert after["Acc, threshold carried"].value < before["Acc, threshold carried"].lo
    assert after["Acc, threshold carried"].value == pytest.approx(test.label[test.among(sides.known)].mean())  # everything is called fake
    assert runs.own_numbers(moved, test, cuts, sides.known)[1:] == (0.0, 1.0)


def test_calibration_on_the_test_looks_better_than_a_perfect_model(sides, parts):
    val, test = parts
    directions = {name: 0.4 * E[0] for name in ("faceswap", "ldm", "flow", "dub", "lipsync")}
    fit, seen = planted(val, directions), planted(test, directions, 1)
    for mutant, below in (("none", False), ("calibrate_on_test", True)):
        _, eces, floors = runs.believed(fit, seen, val, test, sides, 5, mutant, n=200, seed=0)
        assert (eces["unseen", "recalibrated"] < floors["unseen", "recalibrated"].lo) == below
        assert (experiments.over_floor(eces["unseen", "recalibrated"], floors["unseen", "recalibrated"]) < 0.25) == below
    assert eces["unseen", "recalibrated"] < 1e-9


def test_strangers_are_far_and_the_softmax_does_not_mind(sides, parts):
    val, test = parts
    directions = {"ldm": E[0], "faceswap": E[0], **{name: 4 * E[5] - E[0] for name in ("flow", "lipsync", "dub")}}  # surely real, and far from every real
    fit, seen = planted(val, directions), planted(test, directions, 1)
    cuts = experiments.thresholds(fit, val, sides.known)
    order, error = experiments.unsure(fit, seen, val, sides.known), experiments.wrong(seen, test, cuts)
    assert order["novelty"].shape == order["softmax"].shape == error.shape == (1, len(test))
    assert metrics.auroc(order["novelty"][0], np.isin(test.forger, ["flow", "lipsync", "dub", "lipsync+rtvc"])) > 0.95
    curves, areas = experiments.abstaining(error, order)
    assert areas["best possible"] < areas["novelty"] < areas["softmax"] and curves["novelty"][1][-1] == pytest.approx(error.mean())
    gains = runs.gains(error, order, test.people, n=100, seed=0)
    assert gains["novelty"].lo > 0 and metrics.difference(gains["novelty"], gains["softmax"]).lo > 0
    assert gains["novelty"].value == pytest.approx(error.mean() - areas["novelty"])
    assert experiments.risk_at([0, 1, 1, 0], [0.1, 0.2, 0.3, 0.05], 0.5) == 0.0


def test_a_style_of_reals_is_learned_and_fails_when_it_is_swapped(sides, parts):
    val, test = parts
    directions = {name: 0.3 * E[0] for name in ("faceswap", "ldm", "reenact", "rtvc")}

    def styled(readings):
        return [{"embedding": one["embedding"] + 0.5 * E[7]} for one in readings]
    fit, seen = planted(val, directions), planted(test, directions, 1)
    made = experiments.two_worlds(fit, styled(fit), seen, styled(seen), val, test, sides.known)
    cells = {name: experiments.readout.intervals(said, n=100, seed=0) for name, said in made.items()}
    gap = {k: cells["as trained"][k].value - cells["swapped"][k].value for k in ("one world", "two worlds")}
    assert gap["two worlds"] > 0.2 > 0.1 > abs(gap["one world"])


def test_pooling_is_the_closed_form_of_a_sample():
    rng = np.random.default_rng(0)
    n, gap, first, second = 30_000, 1.5, 0.2, 0.7
    label = np.concatenate([rng.random(n) < first, rng.random(n) < second])
    score = rng.standard_normal(2 * n) + np.repeat([0, gap], n)
    assert toys.pooled_auroc(gap, first, second) == pytest.approx(metrics.auroc(score, label), abs=0.01)
    assert metrics.auroc(score[:n], label[:n]) == pytest.approx(0.5, abs=0.02)
    assert toys.pooled_auroc(0, 0.1, 0.9) == pytest.approx(0.5) == toys.pooled_auroc(3, 0.5, 0.5)
    assert toys.pooled_auroc(2, 0.95, 0.05) < 0.2 and toys.pooled_auroc(2, 0.05, 0.95) > 0.8
    x = np.linspace(-8, 11, 2000)
    for _, density in toys.pooled_densities(gap, first, second, x).values():
        assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-3)


def test_an_alarm_needs_few_false_ones_where_fakes_are_rare():
    wanted = toys.false_alarms_for(0.5, 0.9, 0.001)
    from avlab.calibration_metrics import ppv
    assert ppv(0.9, wanted, 0.001) == pytest.approx(0.5) and wanted < 0.001
    curves = toys.value_curves({"book": (0.9, 0.05), "nothing": (0, 0)})
    assert list(curves) == ["book"] and np.all(np.diff(curves["book"][1]) > 0)


def test_printed_numbers_come_from_the_tables(parts, sides):
    theirs, auc = runs.printed_ladder()
    assert theirs["real"][1] == pytest.approx([0.992, 0.008, 0.923]) and auc == pytest.approx([0.496] * 3)
    cell = metrics.Interval(0.9, 0.8, 1.0, np.array([0.9]))
    lines, printed = runs.beside(cell, {"AMDD": {"flow": cell}})
    assert len(lines) == 6 and len(printed["AMDD, sets of other origin"]) == 6 and len(printed["X-AVDT, unseen generators"]) == 3


def test_a_point_without_false_alarms_is_not_believed(sides, parts):
    val, test = parts
    readings = [{"score": np.where(test.label == 1, 1.0, -1.0)}]
    points = runs.operating_points(readings, test, [0.0], sides)
    assert points["known forgers"][0] == 1 and points["known forgers"][1] == pytest.approx(metrics.wilson(0, int((test.label == 0).sum()))[1])


def test_changed_clips_and_other_voices_keep_their_rows(rows):
    sample = clips.load_sample(clips.draw(rows, 1, 0, split="val").select(forger="real"))
    grey = clips.changed(sample, lambda clip: replace(clip, frames=clip.frames * 0))
    assert not grey.clips[0].frames.any() and sample.clips[0].frames.any() and grey.rows[0] is sample.rows[0]
    other = clips.with_other_sound(sample, 0)
    assert all(not np.array_equal(a.audio, b.audio) for a, b in zip(sample.clips, other.clips))
    assert {tuple(c.audio[:50].tolist()) for c in other.clips} == {tuple(c.audio[:50].tolist()) for c in sample.clips}
    assert clips.kbits(sample, 40, n=2) < clips.kbits(sample, 15, n=2) < clips.raw_kbits(sample)


def test_several_networks_are_averaged_and_every_table_has_its_rows(sides, parts):
    val, test = parts
    directions = {name: E[0] for name in ("faceswap", "ldm", "reenact", "rtvc", "flow")}
    fit, seen = (planted(part, directions, k) + planted(part, directions, k + 7) for k, part in ((0, val), (1, test)))
    boot = {"n": 100, "seed": 0}
    cuts = experiments.thresholds(fit, val, sides.known)
    assert len(cuts) == 2 and experiments.own(seen).shape == (2, len(test))
    assert experiments.three_numbers(seen, test, cuts, sides.known, **boot)["AUROC"].value > 0.9
    out, ceiling, leaks = runs.left_out({"amdd": fit}, {"amdd": seen}, val, test, ("ldm", "flow"), "none", **boot)
    assert set(out) == set(ceiling) == {("amdd", "ldm"), ("amdd", "flow")} and out["amdd", "flow"].lo > 0.8 and leaks == 0
    grids = runs.grids({"amdd": fit}, {"amdd": seen}, val, test, ("ldm", "flow"), "none", 0)
    assert grids["amdd", "true"].min() > 0.9 > abs(grids["amdd", "shuffled"].mean() - 0.5) + 0.5
    curves = runs.codec_curves(fit, seen, {30: (fit, seen), 40: (fit, seen)}, val, test, sides, **boot)
    assert [c.value for c in curves["known"]["clean lessons"]] == [c.value for c in curves["known"]["lessons through it"]] and len(curves["strangers"]["clean lessons"]) == 3
    each = runs.own_scores({"amdd": seen, "plain": [{"embedding": seen[0]["embedding"]}]}, test, ("flow",), **boot)
    assert list(each) == ["AMDD"] and each["AMDD"]["flow"].lo > 0.8
    null = experiments.null(fit, seen, val, test, sides.known, ("flow",), 20, 0)
    assert null.shape == (20,) and abs(null.mean() - 0.5) < 0.2
