# %% [markdown]
# # 06 MSCT
#
# MSCT lets picture and sound ask each other's queries and takes the difference of two attention maps. Its argument: a loss pulls real pairs
# together and forged pairs apart, so ordinary cross-attention fades exactly on fakes; a difference turns that fading into a gain. Keys
# are convolved at four scales, because one frame is an incomplete syllable. This notebook states the formula in its three readings, tests the
# argument, repeats the 2 x 2 ablation with intervals, and asks what the printed AUC is.
#
# {{cost}} Level 4 of 5. 50 minutes of reading and 35 of exercises.
#
# **You will be able to**
# - state three readings of "differential attention" and tell them apart by a test;
# - show what multi-scale keys mix, in time and along features;
# - test an argument about a mechanism with a control that could refute it;
# - run a 2 x 2 ablation with main effects and intervals;
# - turn a printed pair of ACC and AUC back into error counts.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | matrix algebra of attention | necessary | exercise 02.1 writes it in three lines |
# | notebook 10 (counts behind percentages) | necessary | beat 7 repeats the one line it uses |
# | notebook 04 (cross-modal similarity) | necessary | d in beat 6 is its cosine |
# | notebook 02 (attention maps and outputs) | helpful | beat 5 says what is a weight and what is content |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
reading: str = "maps"
kernels: list[int] = [1, 3, 5, 7]
clips_per_class: int = 2
train_clips: int = 2
epochs: int = 8
blocks: int = 1
align_weight: float = 1.0
seeds_train: int = 1
n_bootstrap: int = 200

# %%
import numpy as np

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb06_clips, nb06_toys, published
from avlab.course import nb06_mechanism as mechanism
from avlab.course import nb06_runs as runs
from avlab.course import nb06_words as words
from avlab.course.nb10_arithmetic import solve_counts
from avlab.metrics import difference
from avlab.show import figures, pictures, predict
from avlab.show import figures_attention as tiled
from avlab.show import figures_msct as drawn
from avlab.show.explore import explore
from avlab.show.thresholds import threshold_explorer

nb = workbook.start("06", globals())

# %% [markdown]
# The clips are drawn by the seed before anything is measured: no person stands on two sides, and the training side knows only some
# of the forgers. What the detector reads of a clip: 16 pictures of the lower face, and 26 filterbank energies every 10 ms, four
# of them stacked to one row of 104 numbers a picture.

# %%
sides = nb06_clips.draw(load_manifest(nb.p.manifest), nb.p.clips_per_class, nb.p.train_clips, nb.seed)
clips = nb06_clips.read(sides, nb.p.store)
label, people, forger = (clips.column(name) for name in ("label", "identity", "forger"))
for side, rows in zip(("train", "val", "test"), sides):
    names, counts = np.unique([row.forger for row in rows], return_counts=True)
    told = ", ".join(f"{c} {n}" for n, c in zip(names, counts))
    print(f"{side:5} {len({row.identity for row in rows})} people: {told}")

# %% [markdown]
# ## 1 How many frames is a speech sound?
#
# MSCT's first figure says that one frame is an incomplete syllable. A frame is 40 ms.

# %%
guess = predict("06.1", "What share of the consonants is shorter than two frames?",
                ["a tenth", "a third", "a half", "nearly all"])

# %%
lasting = nb06_toys.durations(clips.column("speech_seed"))
short = float((lasting["consonants"] < 2 * nb06_toys.FRAME_MS).mean())
marks = {40 * k: f"{k} frame{'s' * (k > 1)}" for k in (1, 2, 3)}
fig = drawn.durations(lasting, step=10, marks=marks, x="duration (ms)", title="How long sounds last",
                      guess=guess)
nb.show(fig, **words.durations(short, np.median(np.concatenate(list(lasting.values())))))
nb.record("consonants_under_two_frames", short)

# %% [markdown]
# ## 2 What can multi-scale keys see?
#
# Heads are cut into four groups, and each group's keys go through a convolution of its own size over the (time, feature) plane: $K'=K*w$,
# then $\mathrm{softmax}(QK'^\top/\sqrt d)\,V$. Put a 1 into one frame of K and look which keys move.


# %%
def look(kernel):
    plane, moved = nb06_toys.impulse(kernel, nb.seed)
    steps = np.arange(len(moved)) - len(moved) // 2
    line = figures.lines_with_band({f"kernel {kernel}": (steps, moved)}, x="frames from the impulse",
                                   y="change of a logit", world=drawn.TOY, height=280)
    return {"keys: time across, features down": pictures.paint(plane.T, "magnitude"), "": line,
            "note": words.impulse_state(kernel, nb06_toys.reach(kernel, nb.seed))}


keys = explore(look, title="An impulse in one frame of K", kernel=sorted(set(nb.p.kernels)), size=300,
               world=drawn.TOY, start={"kernel": max(nb.p.kernels)}, alt=lambda v, result: result["note"])
reached = {k: nb06_toys.reach(k, nb.seed) for k in nb.p.kernels}
nb.show(keys, **words.impulse(reached))
nb.record("reach_error", max(abs(r - (k - 1) // 2) for k, r in reached.items()))

# %% [markdown]
# ## 3 Does the order of features matter?
#
# The heat map above also spread *downwards*: the kernel is as long along the features of a head as along time. Time has an order. Do
# features? Give the features of every head new places, in Q, K and V alike and behind the heads: a sum over features cannot notice.

# %%
guess = predict("06.3", "Which attention notices that its features were renamed?",
                ["neither", "plain", "multi-scale"])

# %%
models = runs.encoders(nb.p.seeds_train)
tables = [nb06_clips.encoded(clips, model) for model in models]
finished = runs.bundled_scores(clips, tables, models)
changed = {name: nb06_toys.permuted_features(name == "multi-scale", nb.seed)
           for name in ("plain", "multi-scale")}
known, renamed = clips.seen, runs.renamed(clips, tables[0], models[0], nb.seed)
before, after = (runs.mean_auroc(x[:, known], label[known]) for x in (runs.stack(finished[:1]), renamed))
fig = drawn.grouped({"largest change of the output": list(changed.values())}, list(changed), null=0,
                    y="change of the output", title="Features renamed", guess=guess, world=drawn.TOY)
nb.show(fig, **words.permuted(*changed.values(), before - after))
nb.record("permute_change_plain", changed["plain"])
nb.record("permute_change_mssa", changed["multi-scale"])
nb.record("permute_auroc_drop", before - after)

# %% [markdown]
# ## 4 Both queries equal: what comes out?
#
# The paper prints $\mathrm{Diff}_A=Q_AK_A^\top-Q_{B\_cross}K_A^\top$ and $O_A=\mathrm{Diff}_AV_A$, without a softmax. Three readings:
#
# | reading | weights | used by |
# |---|---|---|
# | literal | $Q_AK_A^\top-Q_BK_A^\top$ | the printed formula |
# | logits | $\mathrm{softmax}\big((Q_AK_A^\top-Q_BK_A^\top)/\sqrt d\big)$ | nobody we know |
# | maps | $\mathrm{softmax}(Q_AK_A^\top/\sqrt d)-\mathrm{softmax}(Q_BK_A^\top/\sqrt d)$ | the Differential Transformer; here |

# %%
guess = predict("06.4", "Both queries are equal. Which reading still puts something out?",
                ["maps", "logits", "literal", "none"])

# %%
slid = {s: nb06_toys.readings(s, nb.seed) for s in np.round(np.linspace(0, 1, 11), 1).tolist()}
tops = {reading: max(abs(made[reading][0]).max() for made in slid.values()) for reading in slid[0.0]}


def heats(similarity):
    made = slid[similarity]
    shown = {name: pictures.paint(weights, "signed", tops[name]) for name, (weights, _) in made.items()}
    return shown | {"note": words.readings_state(similarity, made)}


found = nb06_toys.identities(nb.seed)
three = explore(heats, title="Three readings of one difference", similarity=list(slid), size=220,
                world=drawn.TOY, labels={"similarity": "cosine of the two queries"},
                alt=lambda v, result: result["note"])
nb.show(three, **words.readings(found))
nb.record("logits_equals_single_query", found["one_query"])
nb.record("maps_rowsum", found["row_sum"])
nb.record("equal_queries_leave", found["equal_queries"])
ok = max(found[name] for name in ("one_query", "row_sum", "equal_queries", "equal_logits")) < 1e-12
nb.record("l13.ok", int(ok and found["apart"] > 1e-3))

# %% [markdown]
# So "logits" is one ordinary attention whose query is $Q_A-Q_B$; "maps" cannot pass on what all values share, because its rows sum to 0;
# "literal" is unbounded. A sentence that fits all three describes none.
#
# ## 5 Who speaks?
#
# Keys and values come from the own stream, only a query from the other. So whatever the other stream becomes, what is written stays a mixture of the
# *own* values. Four frames of a clip make five tokens (CLS is the fifth), fewer than the eight features of a head: then "inside the
# span of $V_A$" is a statement that can fail. The control beside it takes keys and values from the other side, as most code does.

# %%
layer, own, other = mechanism.first_cross_attention(models[0], clips, tables[0], frames=4)
others = nb06_toys.changed_others(other, nb.seed)
side = "other" if nb.p.mutant == "kv_other_side" else "own"
outside = {name: {k: nb06_toys.who_speaks(layer, own, x, values=values)[0] for k, x in others.items()}
           for name, values in (("differential", side), ("control: values of the other side", "other"))}
dca, usual = outside.values()
drawn_as = {name: [100 * v for v in part.values()] for name, part in outside.items()}
fig = drawn.grouped(drawn_as, list(others), null=0,
                    y="energy outside the span of V_A (%)", title="What the other stream can add")
nb.show(fig, **words.who_speaks(dca, usual))
nb.record("span_residual", max(dca.values()))
nb.record("span_residual_usual", max(usual.values()))

# %% [markdown]
# ## 6 Does the argument hold?
#
# The argument of the paper's introduction, in steps: (a) the alignment loss pulls $d=\cos(x_a,x_v)$ to 1 for wholly real clips and to 0 or less for
# all others; (b) so the cross map $\mathrm{Attn}_{BA}=Q_BK_A^\top$ is weak on fakes; (c) so the difference is large on fakes. Step (b) has a gap that
# needs no data: $Q_B=x_BW'$ has a matrix of its own. Change the sign of $W'$ and every logit of the cross map changes its sign, while the tokens
# that enter, and so their cosine, stay. The loss cannot see it.

# %%
flip = mechanism.flipped(models[0], clips, tables[0])
nb.record("flip_norm_change", flip["norm"])
nb.record("flip_map_change", flip["map"])
print(f"W' -> -W': |Attn_BA| moves by {flip['norm']:.1e}, its softmax by {100 * flip['map']:.0f} %")

# %% [markdown]
# Nothing forces step (b); training may still bring it about. So: the same detector trained with the loss and with weight 0, from the same
# picture vectors, seeds and clips. Everything behind the picture encoder is trained here, now. Whether the loss did its work, step (a), is asked of the
# clips it was trained on (`cos_gap_real_minus_fake`, which must be above 0), and what is left of it of the test clips.

# %%
guess = predict("06.6", "On which clips is the cross map stronger after training with the loss?",
                ["reals", "fakes", "no difference"])

# %%
with_loss = runs.trainings(clips, tables, models, nb.p, mutant=nb.p.mutant)
without = runs.trainings(clips, tables, models, nb.p, align_weight=0.0)
trained = {name: runs.measured_all(clips, tables, group)
           for name, group in (("with the loss", with_loss), ("weight 0", without))}
view = mechanism.View(trained, label, people, known)
said = view.intervals(nb.p.n_bootstrap, nb.seed)
trained_on = runs.measured_all(clips, tables, with_loss, clips.train)
nb.record("cos_gap_real_minus_fake", mechanism.cosine_gap(trained_on))
nb.record("cos_gap_test", said["cosine", "with the loss"].value)
nb.record("cos_gap_test_without_loss", said["cosine", "weight 0"].value)

# %%
dots = {"real" if y == 0 else "fake": view.points("with the loss", label == y) for y in (0, 1)}
fig = figures.scatter(dots, x="cosine d of picture and sound", y="log of the norm of Attn_BA",
                      title="Aligned clips, stronger cross map?")
corr, gap = (said[what, "with the loss"] for what in ("rank", "cross"))
gap_without = said["cross", "weight 0"]
nb.show(fig, **words.mechanism(corr, gap, gap_without))
nb.record("mech_rank_corr", corr.value)
nb.record("cross_norm_real_minus_fake", gap.value)
nb.record("cross_norm_without_loss", gap_without.value)

# %% [markdown]
# And step (c): does the difference of maps grow on fakes, and more than with any other disturbance? The controls are the same real clips
# with another person's sound, and with white noise for a sound.

# %%
sounds = mechanism.sound_norms(clips, tables, with_loss, nb.seed)
steps = mechanism.growth_intervals(view, sounds, nb.p.n_bootstrap, nb.seed)
lines = [(name, steps[name].value, steps[name].lo, steps[name].hi) for name in steps]
fig = figures.dot_interval(lines, x="log ratio of |Diff|", null=0,
                           title="What makes the difference of maps grow?")
nb.show(fig, **words.mechanism_table(steps["forging (fake over real)"], steps["noise over own sound"]))
for name, value in mechanism.norms(view, sounds).items():
    nb.record(f"diff_norm_{name}", value)

# %% [markdown]
# ## 7 Which brick matters?
#
# Table 2 of the paper: cross-attention plain (CA) or differential (DCA) times self-attention plain (SA) or multi-scale (MSSA). It prints
# ACC and "AUC". Notebook 10 showed that every pair is a whole number of errors of 100 real and 300 forged clips, in exactly one way.

# %%
table2 = published.MSCT_T2
printed = {cell: [table2.get(cell, column) for column in ("ACC", "AUC")] for cell in runs.CELLS}
errors = {cell: sum(solve_counts(*pair, 100, 300)[0]) for cell, pair in printed.items()}
print("published errors of 400 clips:", ", ".join(f"{cell} {n}" for cell, n in errors.items()))

# %%
guess = predict("06.7", "Which brick adds more here?",
                ["DCA", "MSSA", "neither, visibly", "together only"])

# %%
cells = runs.ablation(clips, tables, models, nb.p, mutant=nb.p.mutant, ready={runs.FULL: with_loss})
scored = {cell: runs.measured_all(clips, tables, group) for cell, group in cells.items()}
bare = runs.trainings(clips, tables, models, nb.p, blocks=0)
mute = runs.trainings(clips, tables, models, nb.p, shuffled=True)
no_attention = runs.either(runs.measured_all(clips, tables, bare))
null = runs.shuffled_control(runs.stack(runs.measured_all(clips, tables, mute)), clips, nb.seed)

# %%
scores = {cell: runs.stack(found) for cell, found in scored.items()} | {"no attention": no_attention}
judged = runs.judge_cells(scores, clips, nb.p.n_bootstrap, nb.seed)
effect = runs.effects(judged)
references = {"no attention": judged["no attention"].value, "shuffled labels": null[0]}
fig = drawn.interaction({cell: judged[cell] for cell in cells}, errors, references=references,
                        title="The 2 x 2 ablation", guess=guess)
nb.show(fig, **words.cells(effect, {cell: judged[cell] for cell in cells}))

# %%
for cell, group in cells.items():
    counts = [runs.hard_counts(one["logit"][known], label[known]) for one in scored[cell]]
    nb.record(f"score_auc.{cell}", judged[cell].value)
    nb.record(f"hard_auc.{cell}", np.mean([runs.hard_auc(*c) for c in counts]))
    nb.record(f"errors.{cell}", np.mean([fn + fp for _, fn, _, fp in counts]))
    nb.record(f"parameters.{cell}", runs.weights(group[0]))
nb.record("main_effect_dca", effect["dca"].value)
nb.record("main_effect_mssa", effect["mssa"].value)
nb.record("interaction", effect["interaction"].value)
nb.record("no_attention_auc", references["no attention"])
nb.record("shuffled_labels_auc", references["shuffled labels"])
chosen_on = {row.identity for row in runs.choosing_rows(clips, nb.p.mutant)}
nb.record("selection_split", len(chosen_on & set(people.tolist())))

# %% [markdown]
# CA lacks one matrix of 64 x 64 a stream and block, MSSA adds a few hundred weights: "equal" is meant to that degree, and the counts are
# recorded. The dashed line "no attention" has no block at all: one head a stream on the mean of the same vectors, forged if either is. Where a
# cell does not rise above it, no brick was needed. The line "shuffled labels" was trained, chosen and scored with labels that mean nothing. `selection_split` counts people who both chose the epoch and were scored. In the protocol that MSCT inherits they are the same.
#
# ## 8 Which AUC?
#
# From here on the scores are those of the bundled detectors: DCA and MSSA, trained the same way on all clips of the training people,
# stored with their recipe. First the question of the metric.

# %%
guess = predict("06.8", "Is the AUC of yes-or-no answers that of the scores behind them?",
                ["yes", "no, it is lower", "no, it is higher"])

# %%
logit, y = finished[0]["logit"][known], label[known]
score, thresholds = runs.mean_auroc(logit[None], y), np.round(np.linspace(0, 1, 21), 2).tolist()
best = max(runs.hard_auc(*runs.hard_counts(logit, y, t)) for t in thresholds)
half = runs.hard_auc(*runs.hard_counts(logit, y))
probability = {f"training seed {k}": (runs.probability(one["logit"][known]), y) for k, one in enumerate(finished)}
many = threshold_explorer(probability, title="One detector, many hard-label AUCs", start=0.5,
                          caption="Balanced accuracy is the AUC of the yes-or-no answers. Move the threshold: which of the "
                                  "numbers change, and which of them would a paper print?")
nb.show(many, **words.hard(half, best, score))
nb.record("hard_auc_best", best)
nb.record("hard_auc_at_half", half)

# %% [markdown]
# ## 9 Who is missed?
#
# The paper gives one number for all fakes. Here is one line a forger, and first the control that says what the detector reads: each fake replaced
# by the very clip it was made from, without the forger and called fake all the same.

# %%
tested = runs.seen_and_new(clips, finished, models, nb.p.n_bootstrap, nb.seed)
lines = [(name, v.value, v.lo, v.hi) for name, v in tested.items()]
fig = figures.dot_interval(lines, x="AUROC, mean over the bundled detectors", null=0.5,
                           title="Seen and new forgers")
nb.show(fig, **words.seen_and_new(*tested.values()))
nb.record("trained_auc.seen", tested["forgers of the training"].value)
nb.record("trained_auc.new", tested["new forgers"].value)
nb.record("reals_as_fakes_auc", tested["true clips called fake"].value)
for stream in runs.STREAMS:
    nb.record(f"trained_auc_stream.{stream}", runs.stream_auroc(clips, finished, stream))

# %%
by_forger = runs.by_forger(clips, finished, nb.p.n_bootstrap, nb.seed)
category = {row.forger: row.category for row in clips.test}
word = {f: " (half new)" for f in by_forger} | dict.fromkeys(set(forger[clips.new]), " (new)")
word |= dict.fromkeys(set(forger[known]), "")
lines = [(f"{category[f]} {f}{word[f]}, n = {int((forger == f).sum())}", v.value, v.lo, v.hi, f)
         for f, v in by_forger.items()]
fig = figures.dot_interval(lines, x="AUROC against all reals", null=0.5, title="One forger a line")
nb.show(fig, **words.missed(by_forger, set(forger[known])))
for f, v in by_forger.items():
    nb.record(f"forger_auc.{f}", v.value)
for name in ("RVFA", "FVRA", "FVFA"):
    part = (label == 0) | np.array([row.category == name for row in clips.test])
    nb.record(f"category_auc.{name}", runs.mean_auroc(runs.stack(finished)[:, part], label[part]))

# %% [markdown]
# Two rows of the claims ledger are judged from these numbers, over several seeds of clips (one run shows the shape, no verdict). L13 is
# algebra and is recorded in beat 4; L01 and L02 (the printed counts) are judged in notebook 10.

# %%
parts = {name: (effect[name].value, effect[name].draws) for name in ("dca", "mssa", "dca-mssa")}
nb.claim("L24", parts, {"labels": null})
extra = difference(gap, gap_without)
nb.claim("L25", {"real-fake": (gap.value, gap.draws), "with-without": (extra.value, extra.draws)},
         {"labels": view.label_control(200, nb.seed)})

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 06.1 Three readings
# Difficulty 3 · Importance 5 · 15 minutes. Inputs (heads, T, d) float64; `reading` is "maps", "logits" or "literal". Return the output (heads, T, d).


# %% tags=["exercise"]
def differential_attention(q, q_cross, k, v, *, reading):
    """Return the output of differential attention in the named reading."""
    ### BEGIN SOLUTION
    def soft(x):
        e = np.exp(x - x.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    own, other, scale = q @ k.swapaxes(-1, -2), q_cross @ k.swapaxes(-1, -2), q.shape[-1]**0.5
    if reading == "maps":
        return (soft(own / scale) - soft(other / scale)) @ v
    if reading == "logits":
        return soft((own - other) / scale) @ v
    return (own - other) @ v
    ### END SOLUTION


course.check("06.1", differential_attention)

# %% [markdown]
# ### 06.2 Alignment
# Difficulty 2 · Importance 5 · 8 minutes. `video`, `audio` (N, D); `matched` (N,) is 1 for RVRA only, 0 for RVFA, FVRA and FVFA alike.
# Return the mean of $y(1-d)+(1-y)\max(0,d)$.


# %% tags=["exercise"]
def alignment(video, audio, matched):
    """Return MSCT's alignment loss, one number."""
    ### BEGIN SOLUTION
    d = (video * audio).sum(1) / np.linalg.norm(video, axis=1) / np.linalg.norm(audio, axis=1)
    return np.where(matched == 1, 1 - d, np.maximum(0, d)).mean()
    ### END SOLUTION


course.check("06.2", alignment)

# %% [markdown]
# ### 06.3 The AUC of yes-or-no answers
# Difficulty 2 · Importance 4 · 8 minutes. From four counts, fake = positive.


# %% tags=["exercise"]
def hard_auc(tp, fn, tn, fp):
    """Return the area under the ROC of hard answers."""
    ### BEGIN SOLUTION
    return (tp / (tp + fn) + tn / (tn + fp)) / 2
    ### END SOLUTION


course.check("06.3", hard_auc)

# %% [markdown]
# ### 06.4 What two error counts can prove
# Difficulty 4 · Importance 4 · 15 minutes. Two detectors on the same clips, errors (real, fake) of each. How many clips they share in error is not
# printed. Return the smallest and the largest two-sided exact McNemar p that the counts allow.


# %% tags=["exercise"]
def mcnemar_bounds(errors_a, errors_b):
    """Return (p_best, p_worst): most errors shared, and none."""
    ### BEGIN SOLUTION
    from scipy.stats import binomtest
    p = []
    for shared in (sum(min(a, b) for a, b in zip(errors_a, errors_b)), 0):
        b, c = sum(errors_a) - shared, sum(errors_b) - shared
        p.append(binomtest(min(b, c), b + c).pvalue if b + c else 1.0)
    return p[0], p[1]
    ### END SOLUTION


course.check("06.4", mcnemar_bounds)

# %% [markdown]
# ## How this can fool you
#
# The gain that noise earns. Take *random* weights and *real* clips only, and grant the argument all it wishes for: $W'=W$ and the same tokens in both
# streams, so that the cross query equals the own one and the difference of maps is 0. Then let the cross query come more and more from another
# person's sound, and at last from noise. Move the slider.

# %%
path = mechanism.noise_path(clips, tables[0], nb.p, nb.seed)
correlation = path.rank_correlation()


def along(share):
    fig = drawn.growth(path.shares, path.norms, share)
    shown = tiled.tiles(path.maps[share], 4, kind="signed", top=path.top)
    note = words.growth_state(share, path.mean(share))
    return {"": fig, "one clip, one tile a head": shown, "note": note}


slide = explore(along, title="A gain without training or forgery", share=list(path.shares), size=300,
                start={"share": 0.5}, alt=lambda v, result: result["note"])
nb.show(slide, **words.growth(correlation))
nb.record("noise_growth", correlation)

# %% [markdown]
# And the second trap: a difference of two maps always has islands, because its scale is stretched to its own extremes.

# %%
nothing, share = nb06_toys.random_islands(nb.seed)
one = mechanism.one_map(models[0], clips, tables[0])
shown = {"two random softmax maps": nothing, "DCA of a trained detector": one}
sheet = explore(lambda what: pictures.paint(shown[what], "signed"), title="Islands", what=list(shown),
                size=280, alt="{what}, one minus the other, stretched to its own extremes: islands of both signs.")
nb.show(sheet, **words.islands(share))
nb.record("random_islands", share)

# %% [markdown]
# **What this does not show:** anything about FakeAVCeleb, about twelve heads and six blocks, or about an encoder trained together with the
# attention. The pictures are drawn heads, the encoder was trained first and alone, and a brick that helps only at size would not show here.
#
# ## Summary
#
# - "Differential attention" names three operators; only one of them vanishes where both queries agree and is bounded.
# - In DCA the other stream moves weights and adds no content.
# - A convolution over feature indices gives an order to what has none.
# - The alignment loss does not see the sign of the cross query: the argument has a gap, and training decides what fills it.
# - An ablation without intervals is a story; hard-label AUC is balanced accuracy under another name.
# - A difference of maps grows with any disturbance; forging is one of many.
#
# **What next:** 07 (when was it forged?), 08 (where a model looks), 09 (generalisation).
#
# **Read next:** Wei et al. 2026, MSCT (arXiv 2604.07741) · Ye et al. 2025, Differential Transformer (ICLR) · Zou et al. 2024, MRDF (ICASSP) · Gao et
# al. 2021, Res2Net (TPAMI) · Finder et al. 2024, Wavelet convolutions for large receptive fields (ECCV) · Woo et al. 2018, CBAM (ECCV) ·
# McNemar 1947 (Psychometrika) · Dietterich 1998, Approximate statistical tests (Neural Computation).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
