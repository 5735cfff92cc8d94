"""The arithmetic of notebook 10 against the worked rows of the ledger, against brute force, and against honest tables."""

from math import comb

import numpy as np
import pytest

from avlab.course import nb10, published
from avlab.course import nb10_arithmetic as arithmetic
from avlab.errors import AvlabError

T = published.TABLES


# ------------------------------------------------------------------------------------------------ counts


def test_possible_counts_worked_rows():
    assert [arithmetic.possible_counts(p, 145, 1) for p in (95.9, 11.0, 97.9, 96.6)] == [[139], [16], [142], [140]]
    assert [arithmetic.possible_counts(p, 220, 1) for p in (95.9, 11.0, 97.9, 96.6)] == [[211], [], [], []]


@pytest.mark.parametrize("n, digits", [(7, 0), (145, 1), (999, 1), (400, 2), (1500, 1)])
def test_every_count_finds_itself_and_only_its_print(n, digits):
    for k in range(0, n + 1, max(1, n // 60)):
        percent = round(100 * k / n, digits)
        got = arithmetic.possible_counts(percent, n, digits)
        assert k in got
        assert all(abs(100 * j / n - percent) <= 0.5 * 10.0**-digits + 1e-9 for j in got)


def test_exact_halves_fit_both_prints():
    """1 of 8 is 12.5 %: printed without decimals it may read 12 or 13, and nobody says which."""
    assert arithmetic.possible_counts(12, 8, 0) == [1] and arithmetic.possible_counts(13, 8, 0) == [1]
    assert arithmetic.possible_counts(14, 8, 0) == []


def test_solve_counts_worked_rows():
    rows = ((96.75, 96.17), (97, 97), (98, 98), (98.75, 98.83))
    assert [arithmetic.solve_counts(*p, 100, 300) for p in rows] == [[(5, 8)], [(3, 9)], [(2, 6)], [(1, 4)]]
    assert arithmetic.solve_counts(94.05, 92.43, 500, 1500) == [(54, 65)]


def test_solve_counts_by_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(10):
        R, F = (int(x) for x in rng.integers(10, 60, 2))
        r, f = int(rng.integers(R)), int(rng.integers(F))
        acc, auc = round(100 * (1 - (r + f) / (R + F)), 2), round(100 * (1 - (r / R + f / F) / 2), 2)
        brute = [(i, j) for i in range(R + 1) for j in range(F + 1)
                 if abs(100 * (1 - (i + j) / (R + F)) - acc) < 0.00501 and abs(100 * (1 - (i / R + j / F) / 2) - auc) < 0.00501]
        assert (r, f) in brute and arithmetic.solve_counts(acc, auc, R, F) == brute


def test_no_solution_for_a_slipped_digit_and_many_for_a_wide_tolerance():
    slipped = nb10.tables("digit_slip")["msct.t2"].rows["CA+SA"]
    assert slipped == (96.75, 96.27) and arithmetic.solve_counts(*slipped, 100, 300) == []
    assert published.MSCT_T2.rows["CA+SA"] == (96.75, 96.17)  # the mutant changes a copy
    assert len(arithmetic.solve_counts(96.75, 96.17, 100, 300, slack=nb10.slack("tolerance_wide"))) > 1


def test_the_fit_is_not_for_every_size():
    fits = lambda R, F: sum(bool(arithmetic.solve_counts(*v, R, F)) for v in T["msct.t2"].rows.values())
    assert (fits(100, 300), fits(200, 200), fits(50, 150), fits(200, 600)) == (4, 2, 1, 4)
    assert arithmetic.chance_share(100, 300) == pytest.approx(0.03) and arithmetic.chance_share(200, 200) == 1


def test_chance_share_is_what_a_random_auc_does():
    """Of all prints between the smallest and the largest AUC that 13 errors of 400 can have, about 3 % fit some split."""
    prints = np.arange(9567, 9801) / 100  # 94.67 .. 98.00 holds all splits of 13 errors; the middle of it is enough
    share = np.mean([bool(arithmetic.solve_counts(96.75, float(p), 100, 300)) for p in prints])
    assert share == pytest.approx(arithmetic.chance_share(100, 300), abs=0.005)


def test_sizes_that_fit_all_four_numbers():
    sizes = np.arange(20, 501)
    fit = arithmetic.sizes_that_fit((95.9, 11.0, 97.9, 96.6), sizes, 1)
    assert sizes[fit.all(0)].tolist() == [145, 146, 290, 291, 292, 435, 436, 437, 438]
    assert fit[0].sum() == 125 and sizes.size == 481
    late = np.arange(900, 1100)
    assert late[~arithmetic.sizes_that_fit((95.9, 11.0, 97.9, 96.6), late, 1).all(0)].max() == 976


@pytest.mark.parametrize("n, digits", [(8, 0), (145, 1), (220, 1), (37, 2)])
def test_reachable_share_counts_the_numbers_that_fit(n, digits):
    every = [round(i / 10**digits, digits) for i in range(100 * 10**digits + 1)]
    assert arithmetic.reachable_share(n, digits) == np.mean([bool(arithmetic.possible_counts(p, n, digits)) for p in every])


def test_everything_fits_once_the_clips_outnumber_the_prints():
    assert arithmetic.reachable_share(1000, 1) == 1 and arithmetic.reachable_share(145, 1) == 146 / 1001


def test_counts_say_what_is_wrong_with_the_question():
    with pytest.raises(AvlabError, match="more decimals"):
        arithmetic.possible_counts(95.94, 145, 1)
    with pytest.raises(AvlabError, match="at least one clip"):
        arithmetic.possible_counts(95.9, 0, 1)
    with pytest.raises(AvlabError, match="printed decimals"):
        arithmetic.possible_counts(95.9, 100, 1.0)


# ------------------------------------------------------------------------------------------------ differences


def exact_p(b, c):
    """Two-sided sign test written out: the chance of a split at least as uneven."""
    n = b + c
    return min(1.0, 2 * sum(comb(n, k) for k in range(min(b, c) + 1)) / 2**n)


@pytest.mark.parametrize("b, c", [(0, 0), (0, 3), (0, 8), (2, 1), (13, 5), (6, 6)])
def test_mcnemar_is_the_sign_test(b, c):
    assert arithmetic.mcnemar_p(b, c) == pytest.approx(exact_p(b, c))


def test_mcnemar_bounds_worked_rows():
    e = {"base": (5, 8), "mssa": (3, 9), "dca": (2, 6), "full": (1, 4)}
    best = lambda a, b: round(arithmetic.mcnemar_bounds(e[a], e[b])[0], 4)
    steps = (("base", "mssa"), ("base", "dca"), ("mssa", "full"), ("dca", "full"), ("base", "full"))
    assert [best(*s) for s in steps] == [1, 0.0625, 0.0156, 0.25, 0.0078]
    assert round(arithmetic.mcnemar_bounds(e["base"], e["full"])[1], 4) == 0.0963
    assert arithmetic.mcnemar_bounds((6,), (3,))[0] == 0.25 and arithmetic.mcnemar_bounds((0, 1), (2, 1))[0] == 0.5


def test_mcnemar_bounds_hold_for_every_way_to_share_errors():
    """Draw which clips each detector gets wrong: the p of the drawn pair never leaves the bounds."""
    rng = np.random.default_rng(1)
    lo, hi = arithmetic.mcnemar_bounds((5, 8), (1, 4))
    seen = []
    for _ in range(400):
        b = c = 0
        for n, x, y in ((100, 5, 1), (300, 8, 4)):
            pool = rng.permutation(n)[:rng.integers(x + y, 2 * (x + y))]  # a small pool, so that errors are often shared
            first, second = set(rng.permutation(pool)[:x].tolist()), set(rng.permutation(pool)[:y].tolist())
            b, c = b + len(first - second), c + len(second - first)
        seen.append(exact_p(b, c))
    assert lo - 1e-12 <= min(seen) and max(seen) <= hi + 1e-12 and len(set(seen)) > 2


def test_one_change_three_names():
    relative, points = arithmetic.relative_and_points(91.98, 81.28)
    assert (round(relative, 1), round(points, 2)) == (13.2, 10.70)
    assert round(arithmetic.error_cut(91.98, 81.28), 1) == 57.2
    assert round(arithmetic.relative_and_points(95.29, 92.42)[0], 1) == 3.1


# ------------------------------------------------------------------------------------------------ averages


def machine_rows():
    t4 = T["xavdt.t4"]
    return [r for r in t4.rows if r != "Human"], t4.array(*(r for r in t4.rows if r != "Human"))


def test_seven_of_forty_averages_are_averages():
    rows, cells = machine_rows()
    equal = {(r, m) for r, c in zip(rows, cells) for m, e in zip(published.FOUR, arithmetic.is_column_mean(c[:3], c[3])) if e}
    assert cells.shape == (10, 4, 4)
    assert equal == {("FACTOR", m) for m in published.FOUR} | {("RealForensics", "Acc"), ("RealForensics retrained", "Acc@EER"),
                                                               ("RealForensics retrained", "Acc")}


def test_one_row_lies_outside_its_columns():
    rows, cells = machine_rows()
    outside = {r: arithmetic.outside_columns(c[:3], c[3]).tolist() for r, c in zip(rows, cells)}
    assert [r for r, o in outside.items() if any(o)] == ["LipFD retrained"] and all(outside["LipFD retrained"])


def test_rounding_alone_never_looks_like_a_finding():
    """Means of rounded parts, themselves rounded: weighted with any weights they stay inside, with equal ones they are the mean."""
    rng = np.random.default_rng(2)
    for digits in (0, 1, 2):
        parts = rng.uniform(40, 99, (3, 2000))
        parts[:, :500] = parts[:1, :500]  # equal parts are the hardest case
        weights = rng.dirichlet(np.ones(3), 2000).T
        shown = parts.round(digits)
        assert not arithmetic.outside_columns(shown, (weights * parts).sum(0).round(digits), digits).any()
        assert arithmetic.is_column_mean(shown, parts.mean(0).round(digits), digits).all()
    assert arithmetic.outside_columns([[80.0], [81.0]], [81.2], 1).tolist() == [True]


def test_honest_tables_pass_every_test_and_a_forged_one_does_not():
    fired, made = nb10.honest_failures(50, seed=3)
    assert fired == 0 and made == 350


# ------------------------------------------------------------------------------------------------ the rest


def test_f1_of_an_answer_that_does_not_look():
    assert round(arithmetic.f1_percent(518, 129, 2), 1) == 88.8 and round(arithmetic.f1_percent(520, 130, 0), 1) == 88.9
    assert arithmetic.f1_without_looking(1.0, 520, 130) == pytest.approx(arithmetic.f1_percent(520, 130, 0))
    assert arithmetic.f1_without_looking(0.25, 520, 130) == pytest.approx(arithmetic.f1_percent(130, 32.5, 390))


def test_diagonal_share_by_drawing_batches():
    draws = (np.random.default_rng(0).integers(0, 4, (200000, 4)) == 1).sum(1)
    assert arithmetic.diagonal_share(4, 4) == pytest.approx((1 / draws[draws > 0]).mean(), abs=0.002)
    assert arithmetic.diagonal_share(4, 4) == pytest.approx(0.796, abs=5e-4)
    assert arithmetic.present_counts(4, 4)[0] == pytest.approx(0.617, abs=5e-4)
    assert arithmetic.diagonal_share(1, 9) == 1


def test_three_points_separate_generators_and_not_fakes():
    t = arithmetic.three_points()
    assert t.attribution == 1 and t.balanced.max() == 0.75 and (t.logits.argmax(0) == t.generator).all()
    by_hand = lambda h: (h[t.generator > 0].mean() + (~h[t.generator == 0]).mean()) / 2
    assert max(by_hand(s * t.x > c) for s in (-1, 1) for c in (-1.5, -0.5, 0.5, 1.5)) == 0.75


def test_leads_of_table_4_and_5():
    gaps = {}
    for name in ("xavdt.t4", "xavdt.t5"):
        for group, column in nb10.unseen_columns(T[name]).items():
            others = {k: v for k, v in column.items() if k != "X-AVDT"}
            gaps[group] = round(column["X-AVDT"] - arithmetic.leaders(others)[0][1], 2)
    assert gaps == {"AniPortrait": 0.16, "MegActor-Sigma": -7.43, "HunyuanAvatar": 21.87, "FakeAVCeleb": 1.29, "FF++": -9.92}


# ------------------------------------------------------------------------------------------------ the tables themselves


def test_tables_hold_what_the_papers_print_elsewhere():
    """Cross-checks inside the papers: totals, and numbers that two tables share."""
    t2 = T["amdd.t2"]
    parts = [r for r in t2.rows if r != "total"]
    for column in t2.columns:
        assert sum(t2.get(r, column) or 0 for r in parts) == t2.get("total", column)
    assert T["msct.t1"].get("MSCT", "ACC") == T["msct.t2"].get("DCA+MSSA", "ACC")
    assert T["xavdt.t7"].rows["full"] == T["xavdt.t4"].rows["X-AVDT"][-4:-1]
    t8, t3 = T["amdd.t8"], T["amdd.t3"]
    for row in t8.rows:
        if t8.get(row, "Fake") is not None:  # balanced accuracy is the mean of the two rates, up to rounding of all three
            assert abs(t8.get(row, "BalAcc") - (t8.get(row, "Real") + t8.get(row, "Fake")) / 2) <= 0.1 + 1e-9
            assert arithmetic.possible_counts(t8.get(row, "Fake"), t3.get(row, "fake"), 1)
        assert arithmetic.possible_counts(t8.get(row, "Real"), t3.get(row, "real"), 1)


def test_a_table_names_its_source_and_its_cells():
    assert all(t.source.startswith("arXiv 2") and t.title for t in T.values())
    assert T["xavdt.t4"].get("X-AVDT", "Acc", "MegActor-Sigma") == 84.52
    with pytest.raises(AvlabError, match="no such cell"):
        T["xavdt.t4"].get("X-AVDT", "Acc", "Nowhere")
    with pytest.raises(AvlabError, match="needs 2 cells"):
        published.Table("x.t1", "t", "s", 1, ("a", "b"), {"r": (1.0,)})
