"""Planted effects get the verdict they were planted for, and a flip is seen."""

import copy

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.workbook import claims, judge

ROW = {"id": "L15", "parts": ["cross-temporal", "temporal-spatial"], "test": "each", "min_effect": 0.03}


def run(effects, *, seed=0, sd=0.01, controls=None, claim="L15", notebook="02", profile="full", seeds=1, clips=10, metrics=None):
    """A record of the runner with planted bootstrap draws around the effects of one seed."""
    rng = np.random.default_rng(seed)
    parts = {n: {"estimate": e, "draws": (e + sd * rng.standard_normal(400)).tolist()} for n, e in effects.items()}
    controls = {"labels": {"value": 0.5, "lo": 0.42, "hi": 0.58}} if controls is None else controls
    found = [{"id": claim, "parts": parts, "controls": controls} | ({"seeds": seeds} if seeds != 1 else {})] if effects else []
    return {"notebook": notebook, "status": "passed", "profile": profile, "parameters": {"seed": seed, "clips_per_class": clips},
            "claims": found, "metrics": {k: {"value": v} for k, v in (metrics or {}).items()}}


def runs(a, b, spread=0.0, n=5, **options):
    rng = np.random.default_rng(7)
    shifts = spread * (rng.permutation(n) - (n - 1) / 2)
    return [run({"cross-temporal": a + s, "temporal-spatial": b + s}, seed=k, **options) for k, s in enumerate(shifts)]


def verdict(records, row="L15"):
    return next(j for j in claims.ledger(records) if j.id == row)


def test_a_true_effect_holds():
    assert verdict(runs(0.1, 0.15)).verdict == judge.HOLDS


def test_no_effect_with_short_intervals_does_not_hold():
    assert verdict(runs(0.0, 0.1)).verdict == judge.FAILS            # one failing part decides


def test_a_tiny_true_effect_is_real_but_too_small():
    found = verdict(runs(0.012, 0.1, sd=0.003))
    assert found.verdict == judge.FAILS and found.parts[0].lo > 0 and "real but too small" in " ".join(found.notes)


def test_the_wrong_sign_does_not_hold():
    assert verdict(runs(-0.1, 0.1)).verdict == judge.FAILS


def test_a_wide_interval_is_not_resolved_and_says_how_many_clips_would_do():
    found = verdict(runs(0.02, 0.1, sd=0.1))
    assert found.verdict == judge.OPEN
    part = found.parts[0]
    need = int(np.ceil(10 * ((part.hi - part.lo) / 0.03) ** 2))
    assert f"about {need} clips per class" in " ".join(found.notes) and need > 10


def test_seeds_that_disagree_widen_the_interval():
    calm, torn = verdict(runs(0.05, 0.1)), verdict(runs(0.05, 0.1, spread=0.06))
    assert calm.verdict == judge.HOLDS and torn.verdict == judge.OPEN
    assert torn.parts[0].hi - torn.parts[0].lo > 2 * (calm.parts[0].hi - calm.parts[0].lo)


def test_a_control_outside_its_band_takes_the_verdict():
    bad = {"labels": {"value": 0.7, "lo": 0.42, "hi": 0.58}}
    found = verdict(runs(0.1, 0.15, controls=bad))
    assert found.verdict == judge.CONTROL and "labels is 0.7" in found.notes[0]


def test_a_control_that_was_never_recorded_takes_it_too():
    assert verdict(runs(0.1, 0.15, controls={})).verdict == judge.CONTROL


def test_the_world_gate_closes_every_measured_row():
    leaky = run({}, notebook="00", metrics={"shortcut_auroc.dub": 0.66, "shortcut_auroc.real": 0.5})
    found = verdict([*runs(0.1, 0.15), leaky])
    assert found.verdict == judge.CONTROL and "shortcut_auroc.dub = 0.66" in found.notes[0]
    assert verdict([*runs(0.1, 0.15), run({}, notebook="00", metrics={"shortcut_auroc.dub": 0.59})]).verdict == judge.HOLDS


def test_few_seeds_and_smoke_runs_give_no_verdict():
    assert verdict(runs(0.1, 0.15, n=2)).verdict == claims.FEW
    assert verdict(runs(0.1, 0.15, n=1, seeds=3)).verdict == judge.HOLDS          # three seeds inside one notebook
    assert verdict(runs(0.1, 0.15, profile="smoke")).verdict == claims.SMOKE
    assert verdict([]).verdict == claims.NOT_RUN


def test_a_failed_run_is_no_evidence():
    broken = runs(0.1, 0.15)
    for r in broken:
        r["status"] = "metric-drift"
    assert verdict(broken).verdict == claims.NOT_RUN


def test_a_missing_part_is_named():
    found = verdict([run({"cross-temporal": 0.1})])
    assert found.verdict == claims.INCOMPLETE and "temporal-spatial" in found.notes[0]


def test_equivalence_holds_only_inside_the_margin():
    row = {"id": "x", "parts": ["unseen", "in_domain"], "test": "equivalence", "margin": 0.1, "min_effect": 0.0}

    def said(unseen, sd=0.01):
        parts = judge.judge_parts(row, [run({"unseen": unseen, "in_domain": 0.05}, seed=k, sd=sd)["claims"][0]["parts"] for k in range(3)])
        return judge.together(parts, "equivalence")
    assert said(0.03) == judge.HOLDS and said(0.25) == judge.FAILS and said(-0.25) == judge.FAILS and said(0.03, sd=0.3) == judge.OPEN


def test_holm_steps_down_and_stops():
    assert judge.holm([0.01, 0.04, 0.03, 0.005]) == [True, False, False, True]       # 0.0125, 0.0167 pass; 0.025 < 0.03 stops
    assert judge.holm([0.04, 0.001]) == [True, True] and judge.holm([]) == []


def test_holm_over_parts_takes_back_a_lucky_one():
    parts = [judge.Part(str(k), 0.1, 0.01, 0.2, p, judge.HOLDS) for k, p in enumerate((0.001, 0.001, 0.04, 0.045))]
    assert judge.together(parts, "each") == judge.HOLDS and judge.together(parts, "holm") == judge.OPEN


def test_p_value_counts_tails():
    assert judge.p_value(np.r_[-1.0, np.ones(999)]) == pytest.approx(4 / 1001) and judge.p_value(np.r_[-np.ones(50), np.ones(50)]) == 1.0


def test_pooled_draws_have_the_mean_and_spread_of_two_levels():
    rng, means, sd = np.random.default_rng(0), np.array([0.0, 0.1, 0.2, 0.3, 0.4]), 0.2
    draws = judge.pooled([m + sd * rng.standard_normal(4000) for m in means], n=20000)
    assert draws.mean() == pytest.approx(0.2, abs=0.01) and draws.std() == pytest.approx(np.sqrt((means.var() + sd**2) / 5), rel=0.03)


def test_false_verdicts_expected_by_chance():
    expected, some = judge.chance_of_error(15)
    assert expected == pytest.approx(0.75) and some == pytest.approx(1 - 0.95**15) and round(some, 2) == 0.54


def test_under_the_null_at_most_about_one_in_forty_rows_holds():
    rng, held = np.random.default_rng(3), 0
    for _ in range(200):
        seeds = [rng.normal(0, 0.02) + 0.02 * rng.standard_normal(200) for _ in range(8)]
        lo, hi = judge.interval(judge.pooled(seeds, n=400))
        held += judge.verdict_of(lo, hi, 0.03) == judge.HOLDS
    assert held <= 12


# ------------------------------------------------------------------------------------------------------ rows of the ledger

def test_the_ledger_has_28_rows_of_three_kinds_and_reasons_for_the_rest():
    rows, untestable, gate = claims.rows()
    kinds = [r["kind"] for r in rows]
    assert [r["id"] for r in rows] == [f"L{k:02}" for k in range(1, 29)] and (kinds.count("A"), kinds.count("I"), kinds.count("M")) == (8, 5, 15)
    assert len(untestable) == 5 and all(u["why"] for u in untestable) and gate["below"] == 0.6


@pytest.mark.parametrize("change", ['kind = "X"', 'id = "L02"', "DROP numbers", 'test = "maybe"'])
def test_a_row_that_cannot_be_judged_is_refused(change, tmp_path):
    from importlib.resources import files
    text = (files("avlab.workbook") / "claims.toml").read_text()
    text = {"DROP numbers": text.replace('numbers = "91.98 against 81.28"\n', ""), 'kind = "X"': text.replace('kind = "A"', 'kind = "X"', 1),
            'id = "L02"': text.replace('id = "L01"', 'id = "L02"'), 'test = "maybe"': text.replace('\ntest = "each"', '\ntest = "maybe"', 1)}[change]
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(AvlabError):
        claims.rows(tmp_path / "c.toml")


def test_an_arithmetic_row_adds_up_or_not():
    good = run({}, notebook="10", metrics={"l03.ok": 1, "l03.points": 10.7, "l03.relative_percent": 13.16, "l03.error_cut_percent": 57.2})
    found = verdict([good], "L03")
    assert found.verdict == claims.ARITHMETIC and found.ours == "10.70 points, 13.2 % relative, 57.2 % fewer errors"
    bad = copy.deepcopy(good)
    bad["metrics"]["l03.ok"]["value"] = 0
    assert verdict([bad], "L03").verdict == claims.BROKEN and verdict([run({}, notebook="10")], "L03").verdict == claims.NOT_RUN


def test_a_sentence_marks_what_was_not_recorded():
    assert claims.fill("{a.b:.1f} of {c-d} and {none:.0%}", {"a.b": 2, "c-d": 0.5}) == "2.0 of 0.5 and ?"


def test_a_flip_is_seen_a_touched_row_is_not_one(tmp_path):
    path, held = tmp_path / "v.json", claims.ledger(runs(0.1, 0.15))
    claims.accept(held, path)
    assert claims.flips(held, path) == []
    turned = claims.ledger(runs(0.0, 0.15))
    assert claims.flips(turned, path) == ["L15 xavdt.t6.attention_type: was 'holds here', now 'does not hold here'"]
    touched = [claims.Judged(**{**j.__dict__, "row": j.row | {"min_effect": 0.02}}) if j.id == "L15" else j for j in turned]
    assert claims.flips(touched, path) == [] and claims.flips(claims.ledger([]), path) == []
    claims.accept(claims.ledger([]), path)
    assert claims.flips(turned, path) != []                      # accepting a run of other notebooks forgets nothing


def test_the_table_and_its_warning_about_many_tests():
    text = claims.table(claims.ledger(runs(0.1, 0.15)))
    assert "L15  holds here" in text and "1 rows were tested" in text and "0.05 verdicts would be false" in text and "differ from 0: L15" in text


def test_main_is_red_when_a_verdict_flipped(tmp_path, monkeypatch):
    import json
    monkeypatch.setattr(claims, "verdicts_file", lambda: tmp_path / "v.json")
    claims.accept(claims.ledger(runs(0.1, 0.15)), tmp_path / "v.json")
    for k, record in enumerate(runs(0.1, 0.15)):
        (tmp_path / f"out/seed-{k}/02").mkdir(parents=True)
        (tmp_path / f"out/seed-{k}/02/run.json").write_text(json.dumps(record))
    said = []
    assert claims.main(tmp_path / "out", say=said.append) == 0
    for k, record in enumerate(runs(0.0, 0.15)):
        (tmp_path / f"out/seed-{k}/02/run.json").write_text(json.dumps(record))
    assert claims.main(tmp_path / "out", say=said.append) == 1 and said[-1].startswith("FLIPPED  L15")
    with pytest.raises(AvlabError):
        claims.main(tmp_path / "nothing")
