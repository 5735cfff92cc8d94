# %% [markdown]
# # 10 Reading the tables
#
# A table in a paper is a small set of printed numbers. How much do they give away? More than one thinks: how many clips
# stood behind a percentage, whether a difference could be luck, whether an average is an average. No data, no network:
# only fractions.
#
# Level 2 of 5. 40 minutes of reading and 40 of exercises.
#
# {{cost}}
#
# **You will be able to**
# - recover counts from printed percentages;
# - tell per cent from points, and balanced from plain accuracy;
# - check an average column;
# - bound a p-value without the raw data;
# - say exactly what an arithmetic finding shows about a paper, and what it does not.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | fractions, percentages | necessary | nothing else is used before beat 2 |
# | notebook 00 | helpful | it says what a clip, a fake and a split are here |
# | the idea of a p-value | helpful | beat 2 says what it needs |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
digits: int = 2
n_max: int = 500
papers: list[str] = ["all"]

# %%
import numpy as np

from avlab import course, metrics, workbook
from avlab.course import nb10, nb10_words as words
from avlab.course import nb10_arithmetic as arithmetic
from avlab.show import predict
from avlab.show import figures_tables as figures
from avlab.show.explore import explore

nb = workbook.start("10", globals())
tables, slack = nb10.tables(nb.p.mutant), nb10.slack(nb.p.mutant)
holds = {}

# %% [markdown]
# Every number below comes from a printed table, and every table says where it was read. Two of them could be read only in
# a picture on a project page; a slip there would be ours.

# %% tags=["hide-input"]
for table in tables.values():
    print(f"{table.name:10} {table.title}\n{'':10} {table.source}")

# %% [markdown]
# ## 1 AUC 96.17: of what?
#
# MSCT's ablation prints an accuracy and an AUC for each of four models. An AUC is normally computed from scores, and can then be
# almost anything. There is another way to get a number called AUC: from hard answers, real or fake. It is then the mean of
# two rates, and rates are fractions of counts:
#
# $$\mathrm{ACC}=1-\frac{r+f}{R+F},\qquad \mathrm{AUC}_{\text{hard}}=1-\frac12\Big(\frac rR+\frac fF\Big)$$
#
# with $r$ errors on $R$ real clips and $f$ errors on $F$ fakes. If the test set is one fold of 100 real and 300 fake
# clips: does any pair of whole numbers print as 96.75 and 96.17?

# %%
R, F = nb10.MSCT_CLIPS
guess = predict("10.1", f"How many of the {(R + 1) * (F + 1):,} pairs (r, f) fit both printed numbers of one row?",
                ["none", "exactly one", "about ten", "hundreds"])

# %%
rows = {row: (acc, auc, R, F) for row, (acc, auc) in tables["msct.t2"].rows.items()}
msct = list(rows)
# the evaluation code that MSCT builds on, with its five folds together
rows["MRDF-CE"] = (*tables["msct.t1"].rows["MRDF-CE"], *nb10.MRDF_CLIPS)
solutions = {row: arithmetic.solve_counts(*v, slack=slack) for row, v in rows.items()}
for row, found in solutions.items():
    acc, auc, real, fake = rows[row]
    print(f"{row:9} ACC {acc:5.2f}  AUC {auc:5.2f}  of {real} + {fake} clips: (real, fake) errors {found[:4]}")

# %%
chance = 100 * arithmetic.chance_share(R, F)
other = {f"{r} + {f}": sum(bool(arithmetic.solve_counts(*rows[row][:2], r, f, slack=slack)) for row in msct)
         for r, f in ((200, 200), (50, 150))}
cells = {row: [np.argwhere(c) for c in arithmetic.fitting_cells(*rows[row], slack=slack)] for row in msct}
near = {row: [c[(c[:, 0] <= 15) & (c[:, 1] <= 20)] for c in pair] for row, pair in cells.items()}
fig = figures.lattice(near, clips=(R, F), title="Where both printed numbers fit", guess=guess)
nb.show(fig, **words.beat1(solutions, chance, other))

# %% tags=["hide-input"]
unique = sum(len(found) == 1 for found in solutions.values())
nb10.record_all(nb, "l01", unique_rows=unique, chance_percent=chance, rows_fit_200_200=other["200 + 200"],
                rows_fit_50_150=other["50 + 150"])
for key, found in zip([*nb10.MSCT_ROWS, "mrdf"], solutions.values()):
    real, fake = found[0] if len(found) == 1 else (-1, -1)  # -1: the counts are not determined
    nb10.record_all(nb, "l01", **{f"real_errors.{key}": real, f"fake_errors.{key}": fake})
holds["l01"] = unique == len(rows)

# %% [markdown]
# So the sentence that the arithmetic supports is: *the printed AUC is that of hard answers on one fold of this size (or a
# multiple of it)*. It does not say that anyone did wrong: the evaluation code that MSCT builds on does the same. It does
# say that this AUC must not be put beside an AUC from scores.
#
# ## 2 98.75 against 96.75: how many clips is that?
#
# Two points of accuracy sound solid. On this fold they are a handful of clips. An interval says how far a share may be from
# the truth by luck; a *paired* test asks more: on how many clips did only one of two models fail? That is not printed. But the error
# counts bound it: the errors of two models overlap between not at all and as far as the smaller count allows.

# %%
accuracy = {row: tables["msct.t2"].get(row, "ACC") for row in msct}
errors = {row: R + F - arithmetic.possible_counts(acc, R + F)[0] for row, acc in accuracy.items()}
print(f"errors of {R + F} clips: {errors}")
guess = predict("10.2", f"One part added to the baseline: {errors['CA+SA']} errors become {errors['CA+MSSA']}, or "
                f"{errors['DCA+SA']}. Can either step be significant at 0.05?",
                ["yes, both", "only the larger step", "neither, however the errors are shared"])

# %%
wilson = {row: metrics.wilson(R + F - errors[row], R + F) for row in msct}
intervals = [(row, acc, 100 * wilson[row][0], 100 * wilson[row][1]) for row, acc in accuracy.items()]
steps = {"plain to MSSA": ("CA+SA", "CA+MSSA"), "plain to DCA": ("CA+SA", "DCA+SA"),
         "MSSA to both": ("CA+MSSA", "DCA+MSSA"), "DCA to both": ("DCA+SA", "DCA+MSSA"),
         "plain to both": ("CA+SA", "DCA+MSSA")}
bounds = {step: arithmetic.mcnemar_bounds([errors[a]], [errors[b]]) for step, (a, b) in steps.items()}
ranges = [(step, *p) for step, p in bounds.items()]
fig = figures.intervals_and_bounds(intervals, ranges, title="One ablation, seen as counts", guess=guess)
nb.show(fig, **words.beat2(intervals, ranges))

# %% tags=["hide-input"]
for key, (row, _, lo, hi) in zip(nb10.MSCT_ROWS, intervals):
    nb10.record_all(nb, "l02", **{f"errors.{key}": errors[row], f"wilson_lo.{key}": lo, f"wilson_hi.{key}": hi})
for step, (small, large) in bounds.items():
    key = step.lower().replace(" ", "_")
    nb10.record_all(nb, "l02", **{f"p_best.{key}": small, f"p_worst.{key}": large})
nb.record("l02.clips_apart", errors["CA+SA"] - errors["DCA+MSSA"])
single = [bounds[step][0] for step in ("plain to MSSA", "plain to DCA")]
holds["l02"] = min(single) >= 0.05 and bounds["plain to both"][0] < 0.05 <= bounds["plain to both"][1]

# %% [markdown]
# Overlapping intervals alone would not be a test (two models see the same clips); the bounds are one. "Not significant" is
# not "no effect" either: it says that this fold is too small to tell.
#
# ## 3 "+13.1 %" of what?
#
# X-AVDT's abstract reports a gain of 13.1 % in accuracy. A gain is a number of points, but it can be quoted as a share of
# different wholes: of all clips, of what the older method got right, of what it got wrong.

# %%
guess = predict("10.3", "Accuracy goes from 81.28 to 91.98. Which of these is 13.1 %?",
                ["the points", "the relative gain", "the cut in errors"])

# %%
t4, rival = tables["xavdt.t4"], "RealForensics retrained"
new, old = (t4.get(row, "Acc", "Average") for row in ("X-AVDT", rival))
relative, points = arithmetic.relative_and_points(new, old)
cut = arithmetic.error_cut(new, old)
bars = [("of all", old, points, 100, f"{points:.2f} points of 100"),
        ("of what was right", 0, points, old, f"{points:.2f} / {old:.2f} = {relative:.1f} %"),
        ("of what was wrong", 0, points, 100 - old, f"{points:.2f} / {100 - old:.2f} = {cut:.1f} %")]
fig = figures.wholes(bars, title="One gain, three wholes", guess=guess)
nb.show(fig, **words.beat3(points, relative, cut, printed=13.1))

# %% tags=["hide-input"]
means = (t4.array(row)[0, :3, 3].mean() for row in ("X-AVDT", rival))
aurocs = (t4.get(row, "AUROC", "Average") for row in ("X-AVDT", rival))
mean_relative, mean_points = arithmetic.relative_and_points(*means)
auroc_relative, auroc_points = arithmetic.relative_and_points(*aurocs)
nb10.record_all(nb, "l03", points=points, relative_percent=relative, error_cut_percent=cut, mean_points=mean_points,
                mean_relative_percent=mean_relative, auroc_points=auroc_points, auroc_relative_percent=auroc_relative)
holds["l03"] = abs(relative - 13.1) <= 0.1 and abs(points - 13.1) > 1

# %% [markdown]
# The recorded numbers above hold two more readings of the same claim: from the means of the three columns instead of the printed
# average, and for AUROC instead of accuracy. Which of the three would you have put into an abstract?
#
# ## 4 Is the average the average?
#
# Table 4 has three generators and a column "Average". Three numbers and their mean: surely the simplest check there is?

# %%
guess = predict("10.4", "Ten detectors, four metrics: how many of 40 averages are the mean of their columns?",
                ["all 40", "about 30", "about 20", "fewer than 10"])

# %%
detectors = [row for row in t4.rows if row != "Human"]
parts, shown = t4.array(*detectors)[:, :3], t4.array(*detectors)[:, 3]
equal = np.array([arithmetic.is_column_mean(c, s) for c, s in zip(parts, shown)])
outside = np.array([arithmetic.outside_columns(c, s) for c, s in zip(parts, shown)])
mean = parts.mean(axis=1)
left = {d: [m for m, o in zip(t4.columns, row) if o] for d, row in zip(detectors, outside) if row.any()}
fired, made = nb10.honest_failures(seed=nb.seed)

# %%
honest = np.random.default_rng(nb.seed).uniform(50, 98, (3, 60)).round(2)
control = honest.mean(axis=0), honest.mean(axis=0).round(2) - honest.mean(axis=0)
groups = {metric: (mean[:, m], (shown - mean)[:, m], detectors) for m, metric in enumerate(t4.columns)}
fig = figures.print_against_mean(groups, (mean[outside], (shown - mean)[outside]), control,
                                 title="Printed average against the mean of its columns", guess=guess)
nb.show(fig, **words.beat4(int(equal.sum()), equal.size, left, fired, made))

# %% tags=["hide-input"]
nb10.record_all(nb, "l04", cells=equal.size, cells_equal=equal.sum(), outside_cells=outside.sum(),
                impossible_acc=outside[:, 3].sum())
for metric, gap in zip(("auroc", "ap", "acc_at_eer", "acc"), (mean - shown)[detectors.index("X-AVDT")]):
    nb.record(f"l04.own_gap.{metric}", gap)
nb10.record_all(nb, "control", honest_failures=fired, honest_tests=made)
holds["l04"] = equal.sum() < equal.size and outside[:, 3].any() and fired == 0

# %% [markdown]
# "Average" may be a weighted mean, over clips rather than generators; then a detector's average still lies between its columns,
# and that is the part which is proof. For AUROC it is not: pooled scores of three generators can rank worse, or better, than
# each generator alone. The simplest explanation of all is a slip in a row, ours included. Ask the authors before you conclude.
#
# ## 5 Best everywhere?
#
# A summary of the paper says the detector is best on unseen generators and on both public sets. Five columns, one winner each.

# %%
guess = predict("10.5", "In how many of the five columns is X-AVDT first?", ["all five", "four", "three", "two"])

# %%
columns, lead = nb10.unseen_columns(t4) | nb10.unseen_columns(tables["xavdt.t5"]), {}
for name, column in columns.items():
    best, value = arithmetic.leaders({d: v for d, v in column.items() if d != "X-AVDT"})[0]
    lead[name] = column["X-AVDT"] - value
    print(f"{name:15} X-AVDT {column['X-AVDT']:.2f}, best other {best} {value:.2f}")
retrained = [d for d in detectors if d.endswith("retrained")]
same = columns["FF++"]["X-AVDT"] - max(columns["FF++"][d] for d in retrained)
fig = figures.leads(columns, "X-AVDT", same_training=retrained, saw=nb10.SAW_FFPP, guess=guess,
                    title="AUROC on five sets")
nb.show(fig, **words.beat5("X-AVDT", lead, t4.groups[:3], same))

# %% tags=["hide-input"]
for name, value in lead.items():
    nb.record(f"l05.lead.{name.lower().replace('-', '_').replace('++', 'pp')}", value)
nb10.record_all(nb, "l05", first_unseen=sum(lead[g] > 0 for g in t4.groups[:3]), lead_same_training=same)
holds["l05"] = lead["MegActor-Sigma"] < 0 and lead["FF++"] < 0 < same

# %% [markdown]
# Three released detectors saw FF++ in training; against those trained on the same data as X-AVDT the order turns. Both
# sentences are true, and they are different sentences.
#
# ## 6 Eleven percent of what?
#
# AMDD names the generator of a fake. Without the loss that teaches it, attribution falls to a printed 11.0 %, "below chance".
# Of which clips: all of the test set, or the fakes only? Four printed numbers share one denominator. Which sizes can print all four?

# %%
sizes = np.arange(20, 501)
guess = predict("10.6", "Between 20 and 500 clips: how many test sizes could print all four numbers?",
                ["fewer than twenty", "twenty to a hundred", "more than a hundred"])

# %%
t2, t5 = tables["amdd.t2"], tables["amdd.t5"]
printed = {row: t5.get(row, "Attr") for row in t5.rows}
tests = {g.lower(): t2.get(g, "test") for g in ("FaceSwap", "Wav2Lip", "FSGAN")}
fakes, clips = sum(tests.values()), t2.get("total", "test")
fits = arithmetic.sizes_that_fit(printed.values(), sizes, t5.digits)
all_four = fits.all(axis=0)
correct = {row: arithmetic.possible_counts(x, fakes, t5.digits)[0] for row, x in printed.items()}
constant = {g: 100 * k / fakes for g, k in tests.items()} | {"real": 0.0}  # no fake is rightly named "real"
wrong = {row: [fakes - k] for row, k in correct.items()}
p_best = {row: arithmetic.mcnemar_bounds(wrong["full"], wrong[row])[0] for row in ("row 3", "row 4")}

# %%
labels = [f"{x:.1f} % {row}" for row, x in printed.items()]
fig = figures.sizes(labels, sizes, fits, marks={fakes: f"{fakes} fakes", clips: f"{clips} clips"}, guess=guess,
                    title="Test sizes that can print these numbers")
nb.show(fig, **words.beat6(sizes[all_four].tolist(), sizes.size, int(fits[0].sum()), fakes, clips, constant,
                           printed["w/o attribution"], p_best["row 3"]))

# %% tags=["hide-input"]
later = np.arange(500, 1500)
misfits = later[~arithmetic.sizes_that_fit(printed.values(), later, t5.digits).all(axis=0)]
p_detection = arithmetic.mcnemar_bounds((0, 1), (2, 1))[0]  # 75/75 and 144/145 against 73/75 and 144/145
for key, row in {"full": "full", "no_attribution": "w/o attribution", "row_3": "row 3", "row_4": "row 4"}.items():
    nb.record(f"l06.correct.{key}", correct[row])
for g, value in constant.items():
    nb.record(f"l06.constant.{g}", value)
for key, p in {"row_3": p_best["row 3"], "row_4": p_best["row 4"], "detection": p_detection}.items():
    nb.record(f"l06.p_best.{key}", p)
nb10.record_all(nb, "l06", rows_fit_220=fits[:, clips - sizes[0]].sum(), sizes_fit=all_four.sum(),
                sizes_fit_one=fits[0].sum(), last_misfit=misfits.max())
holds["l06"] = all_four[fakes - sizes[0]] and not all_four[clips - sizes[0]] and min(p_best.values()) >= 0.05

# %% [markdown]
# The fair question is not what an untrained head answers, but whether the *embedding* still separates the generators: a
# linear probe on frozen embeddings would say. Notebook 03 runs it.
#
# ## 7 Which answer gives F1 88.8?
#
# On the face-swap set DFDM the same detector scores F1 2.7, 88.8 and 16.3 at three strengths of compression, and AUC 49.6
# at all three. Did medium compression help?

# %%
t3, t8 = tables["amdd.t3"], tables["amdd.t8"]
n_real, n_fake = (t3.get("DFDM crf10", c) for c in ("real", "fake"))
guess = predict("10.7", f"What would F1 be for an answer that calls all {n_real + n_fake} clips fake?",
                ["50", "67", "80", "89"])

# %%
dfdm, counted_f1 = [], {}
for row in ("DFDM crf0", "DFDM crf10", "DFDM crf23"):
    caught = arithmetic.possible_counts(t8.get(row, "Fake"), n_fake, t8.digits)[0]
    alarms = n_real - arithmetic.possible_counts(t8.get(row, "Real"), n_real, t8.digits)[0]
    dfdm.append((row, (caught + alarms) / (n_real + n_fake), t8.get(row, "F1"), t8.get(row, "BalAcc")))
    counted_f1[row] = arithmetic.f1_percent(caught, alarms, n_fake - caught)
    print(f"{row:11} F1 printed {t8.get(row, 'F1')}, from the counts {counted_f1[row]:.1f}")

# %%
share = np.linspace(0, 1, 201)
gap = max(abs(shown_f1 - arithmetic.f1_without_looking(called, n_fake, n_real)) for _, called, shown_f1, _ in dfdm)
all_fake = arithmetic.f1_percent(n_fake, n_real, 0)
fig = figures.f1_curve(share, arithmetic.f1_without_looking(share, n_fake, n_real), dfdm, guess=guess,
                       title="F1 of an answer that does not look")
nb.show(fig, **words.beat7("DFDM crf10", dfdm[1][2], all_fake, t8.get("DFDM crf10", "AUC"), float(gap)))

# %% tags=["hide-input"]
exceptions = sum(t8.get(row, "Real") < 92 for row in t8.rows)
timit = t2.get("Real DF-TIMIT", "train")
nb10.record_all(nb, "l10", rows=len(t8.rows), exceptions=exceptions, f1_printed_counts=counted_f1["DFDM crf10"],
                training_reals=t2.get("Real FakeAVCeleb", "train") + timit,
                shared_reals=min(timit, t3.get("TIMIT-HQ", "real")), f1_all_fake=all_fake, f1_gap_max=gap)
holds["l10"] = exceptions > 1 and abs(dfdm[1][2] - all_fake) < 0.5

# %% [markdown]
# The same table is where "real videos transfer, above 92 % in all but one case" is said: count the exceptions in the
# recorded numbers above. And the two best rows are tested on real clips of DF-TIMIT, all of which (if that set has 32 people with 10
# clips each: our inference, not a statement of the paper) were real clips in training.
#
# ## 8 Does attribution include detection?
#
# A statement that sounds like logic: an embedding that separates the generators, reals being one class among them, must
# separate real from fake. Try three points on a line.

# %%
guess = predict("10.8", "A linear head names every generator. What can one threshold do for real against fake?",
                ["100 % right", "at least 90 %", "no better than a coin", "it depends on where the reals lie"])

# %%
toy = arithmetic.three_points()
fig = figures.three_points(toy.x, toy.generator, toy.logits, toy.thresholds, toy.balanced, guess=guess,
                           title="Fakes on both sides of the reals")
nb.show(fig, **words.beat8(toy.attribution, float(toy.balanced.max())))

# %% tags=["hide-input"]
nb10.record_all(nb, "l09", attribution=toy.attribution, best_threshold=toy.balanced.max())
holds["l09"] = toy.attribution == 1 and toy.balanced.max() < 1

# %% [markdown]
# ## 9 Your own paper
#
# Put the percentages of a paper that you are reading into the next cell and run it and the one after it again (the parameter
# `digits` says with how many decimals they are printed). The explorer lists the test sizes that could have printed all of
# them. Had the paper printed one decimal less: how many sizes would be left?

# %%
mine = (87.5, 93.75, 95.31)

# %%
choices = {"your numbers": ([round(x, nb.p.digits) for x in mine], nb.p.digits, "accuracies on one test set")}
choices |= nb10.presets(nb.p.papers)
candidates = np.arange(20, nb.p.n_max + 1)


def read(numbers, decimals):
    percents, printed_digits, what = choices[numbers]
    d = printed_digits if decimals == "as printed" else max(printed_digits - 1, 0)
    shown = [round(x, d) for x in percents]
    fit = arithmetic.sizes_that_fit(shown, candidates, d)
    possible = candidates[fit.all(axis=0)].tolist()
    return {"": figures.size_dots([f"{x:.{d}f} %" for x in shown], candidates, fit),
            "note": words.own_paper(numbers, what, possible, candidates.size, d)}


# %%
own_paper = explore(read, title="Which test sizes can print these numbers?", world="published numbers",
                    numbers=list(choices), decimals=["as printed", "one fewer"],
                    alt=lambda values, result: result["note"])
nb.show(own_paper, alt=own_paper.text,
        caption="A size that fits is possible, not proven. One that does not fit is impossible, or there is a slip.")

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 10.1 Counts behind a percentage
# Difficulty 2 · Importance 5 · 10 minutes. `possible_counts(percent, n, digits)` returns the list of all counts out of `n` that would be
# printed as `percent` with `digits` decimals.

# %%
def possible_counts(percent, n, digits):
    """Return the list of all counts k, 0 to n, that print as percent."""
    ### BEGIN SOLUTION
    half = 0.5 * 10**-digits + 1e-9  # half a unit of the last decimal; 1e-9 because 0.05 is not exact in binary
    return [k for k in range(n + 1) if abs(100 * k / n - percent) <= half]
    ### END SOLUTION


course.check("10.1", possible_counts)

# %% [markdown]
# ### 10.2 Two numbers, two unknowns
# Difficulty 3 · Importance 5 · 12 minutes. `solve_counts(acc, auc, n_real, n_fake)` returns the list of all pairs (errors on real clips,
# errors on fakes) that print as this accuracy and this hard-label AUC, two decimals each.

# %%
def solve_counts(acc, auc, n_real, n_fake):
    """Return the list of all (real errors, fake errors) that fit both numbers."""
    ### BEGIN SOLUTION
    def fits(share, printed):
        return abs(100 * share - printed) <= 0.005 + 1e-9

    return [(r, f) for r in range(n_real + 1) for f in range(n_fake + 1)
            if fits(1 - (r + f) / (n_real + n_fake), acc) and fits(1 - (r / n_real + f / n_fake) / 2, auc)]
    ### END SOLUTION


course.check("10.2", solve_counts)

# %% [markdown]
# ### 10.3 Per cent and points
# Difficulty 1 · Importance 4 · 5 minutes. `relative_and_points(new, old)` returns the gain relative to the old value in per cent, and the
# gain in points.

# %%
def relative_and_points(new, old):
    """Return (relative gain in per cent of the old value, gain in points)."""
    ### BEGIN SOLUTION
    return 100 * (new - old) / old, new - old
    ### END SOLUTION


course.check("10.3", relative_and_points)

# %% [markdown]
# ### 10.4 An average that cannot be one
# Difficulty 3 · Importance 4 · 12 minutes. `outside_columns(columns, printed, metrics, digits)` returns m bools, True where **no weighting**
# of the parts can give the printed total. `columns` (parts, m) and `printed` (m,) are percentages, `metrics` names the m quantities
# ("AUROC", "AP", "Acc@EER" or "Acc"). Which of these are weighted means of their parts at all? And every number was rounded to `digits`.

# %%
def outside_columns(columns, printed, metrics, digits):
    """Return m bools, True where the printed total is impossible as a weighted mean of its columns."""
    ### BEGIN SOLUTION
    slack = 10.0**-digits + 1e-9  # half a unit in the total and half in the part
    outside = (printed > columns.max(axis=0) + slack) | (printed < columns.min(axis=0) - slack)
    return outside & np.array([metric == "Acc" for metric in metrics])
    ### END SOLUTION


course.check("10.4", outside_columns)

# %% [markdown]
# ### 10.5 How often does a loss compare a clip with itself?
# Difficulty 4 · Importance 3 · 15 minutes. `diagonal_share(batch, classes)`: AMDD's loss CMFFC averages over all pairs (i, j) of clips of one generator inside a batch, i = j included,
# then over the generators that are there. A batch of `batch` clips is drawn evenly from `classes` classes, real being one of them. Given that a
# generator is in the batch: which share of its pairs is a clip with itself, on average?

# %%
def diagonal_share(batch, classes):
    """Return the expected share of pairs i = j of one generator, given that it is in the batch."""
    ### BEGIN SOLUTION
    from math import comb
    p = [comb(batch, k) * (1 / classes) ** k * (1 - 1 / classes) ** (batch - k) for k in range(batch + 1)]
    return sum(p[k] * k / k**2 for k in range(1, batch + 1)) / (1 - p[0])
    ### END SOLUTION


course.check("10.5", diagonal_share)

# %% [markdown]
# AMDD trains with batches of 4 from 4 classes. So what does the loss mostly tie together: different clips of one
# generator, or the sound and the picture of one clip?

# %%
alone, diagonal = arithmetic.present_counts(4, 4), arithmetic.diagonal_share(4, 4)
fig = figures.batch_counts(alone, title="Clips of a generator in a batch, when it is there")
nb.show(fig, **words.cmffc(float(alone[0]), diagonal))

# %% tags=["hide-input"]
nb10.record_all(nb, "l08", alone_share=alone[0], diagonal_share=diagonal)
holds["l08"] = diagonal > 0.5

# %% [markdown]
# ## How this can fool you
#
# Arithmetic fools too. A fit is evidence only against the number of ways in which it could have fitted. With more clips
# every percentage is reachable, and a fit says nothing; with one number, many sizes fit. Move the slider: how
# many clips does it take until *any* four printed numbers fit?

# %%
def accident(n, decimals):
    around = np.unique(np.concatenate([np.linspace(20, 3000, 60).astype(int), [n]]))
    shares = [arithmetic.reachable_share(int(m), decimals) for m in around]
    note = words.reach(n, decimals, arithmetic.reachable_share(n, decimals), len(printed))
    return {"": figures.reach(around, shares, n, decimals=decimals, numbers=len(printed)), "note": note}


accidents = explore(accident, title="How easily does a printed percentage fit n clips?", world="published numbers",
                    n=[20, 50, 100, fakes, clips, 300, 400, 500, 700, int(misfits.max()), 1000, 1500, 2000, 3000],
                    decimals=[1, 2], labels={"n": "clips in the test set"}, start={"n": fakes},
                    alt=lambda values, result: result["note"])
nb.show(accidents, alt=accidents.text, caption=words.worth(int(all_four.sum()), sizes.size, int(misfits.max())))

# %% [markdown]
# So write "the printed numbers are those of hard labels on 100 real and 300 fake clips", never "they cheated". And write
# beside it how many other readings you tried.
#
# **What this does not show:** whether any of the four detectors works. A table with a slip can belong to a good detector.

# %% [markdown]
# ## The ledger rows of this notebook
#
# Each row of the claims ledger that arithmetic can decide, 1 where the computed numbers say what the row states.

# %%
for row, ok in holds.items():
    nb.record(f"{row}.ok", int(ok))
rows_ok = nb.record("arithmetic_rows_ok", sum(int(ok) for ok in holds.values()))

# %% [markdown]
# ## Summary
#
# - A percentage is a fraction in disguise; its denominator is often recoverable.
# - Two printed numbers can pin down two counts, and so reveal which quantity was printed.
# - Without the raw data a p-value can still be bounded; the bound may be all one needs.
# - A gain has a whole, a "best" has a list, an average has weights, an F1 has a share called fake. Ask for them.
# - A fit is worth as much as the number of fits it could have been is small.
#
# **What next:** 04 (what the similarity of sound and picture can and cannot tell) and 06 (MSCT, with score AUC and hard-label AUC side by side).
#
# **Read next:** Brown & Heathers 2017, The GRIM test (SPPS) · Wilson 1927, Probable inference (JASA) · Hanley & McNeil 1982, The area
# under a ROC curve (Radiology) · Efron & Tibshirani 1993, An introduction to the bootstrap.
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
