# %% [markdown]
# # 07 MMMS-BA: when was it forged?
#
# One forged word can turn a sentence around, and a detector that says "fake" about six seconds has not said where. MMMS-BA follows three
# sequences (sound, face, lips), lets each pair attend to each other, and scores every fifth of a second; a regression head then says where
# the forged span begins and ends. The paper shows its attention. This notebook asks what that attention may be taken for.
#
# {{cost}} Level 4 of 5. 55 minutes of reading and 35 of exercises.
#
# **You will be able to**
# - convert frames, segments and seconds without losing a boundary;
# - compute bi-modal attention by hand, and say what the missing $1/\sqrt d$ does;
# - train the family and compare AP and AR at several IoU;
# - test whether attention points at forged time;
# - handle a missing modality as absent, not as silence.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 00 (clips, rows, forgers) | necessary | its first two beats are enough |
# | precision and recall, recurrent networks | necessary | exercise 07.3 builds AP from a list |
# | notebook 04 (agreement of sound and picture) | helpful | nothing here computes with it |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
test_people: int = 2
models: int = 1
train_people: int = 2
scenes: int = 1
cuts: int = 3
epochs: int = 2
train_seeds: int = 1
family: list[str] = ["none", "mmms_ba"]
explained: int = 2
soft_nms_sigma: float = 0.75
n_bootstrap: int = 100

# %%
import numpy as np

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb07_clips as clips
from avlab.course import nb07_experiments as experiments
from avlab.course import nb07_runs as runs
from avlab.course import nb07_samples as samples
from avlab.course import nb07_toys as toys
from avlab.course import nb07_training as training
from avlab.course import nb07_words as words
from avlab.metrics import difference
from avlab.show import figures, predict
from avlab.show import figures_localise as drawn
from avlab.show.explore import explore
from avlab.show.figures_attention import interval_pairs
from avlab.show.thresholds import timeline_explorer

nb = workbook.start("07", globals())
IOUS, AP_50 = experiments.IOUS, experiments.average_precision(0.5)

# %% [markdown]
# ## 1 How well can a grid of 0.2 s do?
#
# Before any network: a segment of five frames is called forged as soon as it touches a forged frame. A true span then becomes a chain of
# segments, a little longer than itself. The measure is IoU, what both share over what either covers.

# %%
guess = predict("07.1", "A forged word of 0.6 s: what IoU does its chain of 0.2-s segments reach?",
                ["0.95", "0.85", "0.75", "0.6"])

# %%
lengths = np.round(np.arange(0.2, 4.41, 0.2), 1)
how = "inside" if nb.p.mutant == "ceil_floor" else "cover"
cover = toys.grid_ious(lengths, 0.2, 400, nb.seed, how)
nearest = toys.grid_ious(lengths, 0.2, 400, nb.seed, "nearest")
nb.show(runs.grid_figure(lengths, cover, nearest), **words.grid(lengths, cover.mean(1), nearest.mean(1), 0.2))
nb.record("grid_cover_error", abs(cover - (lengths / (lengths + 0.2))[:, None]).max())
for length in (0.2, 0.6, 1.6, 3.2):
    row = cover[np.argmin(abs(lengths - length))]
    nb.record(f"grid_iou_cover.{1000 * length:.0f}ms", row.mean())

# %% [markdown]
# For lengths of whole steps the cover has a closed form, $L/(L+0.2)$, and the record above checks it. The same arithmetic on the grid of
# frames: one frame lost at 25 a second is IoU 0.95 at 19 frames and less below.
#
# ## 2 Bi-modal attention, three steps by hand
#
# $$M_1=XY^\top,\quad N_1=\mathrm{softmax}_j M_1,\quad O_1=N_1Y,\quad A_1=O_1\odot X$$
#
# and the same with X and Y exchanged. X asks, Y is asked; what comes back is gated by X's own code, number by number. Three moments
# of two numbers each are enough to see all of it.

# %%
x, y = np.array(toys.HAND_X), np.array(toys.HAND_Y)
n1, n2 = toys.hand_weights(nb.p.mutant)
print("X", x.tolist(), "  Y", y.tolist())
print("M1 = X Y^T", (x @ y.T).tolist())
print("A1 = (N1 Y) * X", np.round(n1 @ y * x, 2).tolist())
print("A2 = (N2 X) * Y", np.round(n2 @ x * y, 2).tolist())
row_error = max(abs(n.sum(1) - 1).max() for n in (n1, n2))
moments = ("moment 0", "moment 1", "moment 2")
both = {"N1: X asks Y": n1, "N2: Y asks X": n2}
fig = figures.heat_grid(both, moments, moments, low=0, high=1, unit="weight", x="who is asked",
                        y="who asks", title="Two directions of one pair", world="by hand")
nb.show(fig, **words.by_hand(row_error, abs(n2 - n1.T).max()))
nb.record("attention_rowsum_error", row_error)
nb.record("transpose_gap", abs(n2 - n1.T).max())

# %% [markdown]
# ## 3 What does the missing scale change?
#
# Codes leave a tanh layer, 100 numbers between -1 and 1. Their products can reach 100, and a softmax of such numbers is nearly one-hot.
# The textbook divides by $\sqrt{100}$; the paper's code does not. Count with $e^H$, the *effective number of keys* of a row with entropy $H$.

# %%
guess = predict("07.3", "Codes that mean nothing, 25 moments, no scale. How many keys does a row use?",
                ["25", "12", "3", "1"])

# %%
factors = np.round(np.geomspace(0.05, 1, 14), 3)
rows = {spread: [toys.effective(toys.random_rows(f, spread=spread)) for f in factors]
        for spread in (0.5, 1.0, 2.0)}
keys = {name: toys.effective(toys.random_rows(f)).mean() for name, f in (("unscaled", 1.0), ("scaled", 0.1))}
fig = runs.keys_figure(factors, rows)
nb.show(fig, **words.keys(keys["unscaled"], keys["scaled"], 25))
for name, value in keys.items():
    nb.record(f"effective_keys.{name}", value)
nb.record("l11.ok", int(round(keys["unscaled"], 1) == 3.2 and round(keys["scaled"], 1) == 23.2))

# %% [markdown]
# ## 4 Watch it work
#
# The clips last 6.4 s; a third of the forgeries touch the picture alone, a third the sound, a third both, one or two spans of 0.6 to 1.6 s each.
# The weights come with the course: MMMS-BA small, three training seeds on a part of the training people, each scene cut many times
# (`nb07_training` says how, and repeats it). The people below were in no training and no choice.

# %%
manifest_rows = load_manifest(nb.p.manifest)
bundled = training.bundled()
test_rows = clips.long_rows(manifest_rows, "test")
people = clips.people_of(test_rows, nb.p.test_people, nb.seed)
test, with_sound = samples.test_set(test_rows, people, store=nb.p.store)
models, gaps = (bundled[kind][:nb.p.models] for kind in ("plain", "gaps"))
fresh = [training.untrained(1000 + k) for k in range(len(models))]
made = {name: [experiments.found(m, test, sigma=nb.p.soft_nms_sigma) for m in some]
        for name, some in (("MMMS-BA", models), ("untrained", fresh))}
made["no regression"] = [experiments.found(m, test, spans=False) for m in models]
made["drawn spans"] = [experiments.by_chance(test, nb.seed)]
print(f"{len(test)} clips of {len(set(test.people))} people, {sum(map(len, test.truth))} forged spans, "
      f"{len(models)} and {len(gaps)} trained models")

# %%
shown = [k for k, row in enumerate(test.rows) if row.clip_id in test.films and row.label == 1]
names = {f"{test.stream[k]}: {test.rows[k].forger}": k for k in shown}


def told(clip, threshold):
    k = names[clip]
    return words.watched(clip, test.truth[k], runs.above(made["MMMS-BA"][0][k], threshold), threshold)


watched = {name: runs.watched(models[0], test, k, made["MMMS-BA"][0][k]) for name, k in names.items()}
timeline = timeline_explorer(watched, title="Where does it say forged?", alt=told,
                             labels={"clip": "what is forged", "threshold": "threshold on proposals"})
nb.show(timeline, alt=told(next(iter(names)), 0.5), caption=words.TIMELINE)

# %% [markdown]
# ## 5 AP at 0.5 or at 0.95?
#
# A proposal counts when its IoU with a true span that nobody took is *strictly above* a threshold. All proposals of all clips are ranked
# together, and what is proposed in a real clip is a false alarm: that is average precision, AP. AR@10 asks how many true spans
# are covered by one of the ten best proposals, and does not punish alarms.

# %%
guess = predict("07.5", "What happens to AP between IoU 0.5 and 0.95?",
                ["falls a little", "halves", "almost nothing is left"])

# %%
levels = np.round(np.arange(0.5, 0.96, 0.05), 2)
many = {"n": nb.p.n_bootstrap, "seed": nb.seed}
ap = {v: experiments.judged(made, test, experiments.average_precision(v), **many) for v in levels}
hit = {v: experiments.judged(made, test, experiments.recall(10, v), **many) for v in levels}
panels = {"AP": runs.curves(ap) | runs.printed(), "recall of ten proposals": runs.curves(hit)}
fig = drawn.curves_over(panels, x="IoU threshold", title="How exactly is the time found?", marks=IOUS,
                        world="SynthTalk | published numbers")
(frames, frame_labels), (logits, labels) = experiments.pooled_scores(models, test)
aurocs = [np.mean(list(map(runs.auroc, *both))) for both in ((frames, frame_labels), (logits, labels))]
with_head, bare = ({v: ap[v][name] for v in IOUS} for name in ("MMMS-BA", "no regression"))
nb.show(fig, **words.curves(with_head, bare, ap[0.5]["untrained"], ap[0.5]["drawn spans"], aurocs))

# %%
print(words.target(with_head[0.5], 0.80, len(models)))
for v in IOUS:
    nb.record(f"ap.{100 * v:.0f}", with_head[v].value)
    nb.record(f"ap_no_regression.{100 * v:.0f}", bare[v].value)
nb.record("ap_untrained", ap[0.5]["untrained"].value)
nb.record("ap_chance", ap[0.5]["drawn spans"].value)
ar = experiments.judged({"MMMS-BA": made["MMMS-BA"]}, test, experiments.recall(10), **many)
nb.record("ar10", ar["MMMS-BA"].value)
nb.record("frame_auroc", aurocs[0])
nb.record("detection_auroc", aurocs[1])
nb.record("ap_of_ties", experiments.ties(nb.p.mutant))

# %% [markdown]
# One number for three tasks hides which is hard. So: the same proposals, judged on the forgeries of one kind and all real clips.

# %%
by_stream = {}
for kind in ("sound", "both", "picture"):
    keep = np.isin(test.stream, ("real", kind))
    some = {"MMMS-BA": [[p for p, k in zip(one, keep) if k] for one in made["MMMS-BA"]]}
    by_stream[kind] = experiments.judged(some, test.pick(keep), AP_50, **many)["MMMS-BA"]
    nb.record(f"ap_stream.{kind}", by_stream[kind].value)
lines = [(f"forged: {name}", v.value, v.lo, v.hi) for name, v in by_stream.items()]
fig = figures.dot_interval(lines, x="AP at IoU 0.5", null=ap[0.5]["drawn spans"].value,
                           title="What was forged?")
nb.show(fig, **words.streams(by_stream))

# %% [markdown]
# The regression head learns from one loss: DIoU, which is 1 - IoU plus the squared distance of the centres over the squared length of the
# *hull* of both spans. The released detection code divides by the squared sum of the two lengths instead.

# %%
apart = np.round(np.geomspace(0.05, 10, 41), 3)
values = toys.diou_by_distance(apart)
fig = figures.lines_with_band({name: (apart, v) for name, v in values.items()}, y="loss", log_x=True, log_y=True,
                              markers=False, x="distance of two spans of 0.4 s (s)", world="toy",
                              title="Which distance does the loss see?")
nb.show(fig, **words.diou(values))
by_hand = np.array([pair[2] for pair in toys.DIOU_PAIRS])
right, released = (toys.diou(toys.DIOU_PAIRS, below) for below in ("enclosing", "lengths"))
bounded = right.max() < 2 < released.max()
nb.record("l12.ok", int(np.allclose(right, by_hand) and bounded and (abs(right - released) > 0.04).all()))

# %% [markdown]
# ## 6 Does bi-modal attention beat its relatives?
#
# Its family: no attention; each sequence attends to itself over time (MS-SA); the three attend to each other at each moment (MMUS-SA);
# bi-modal attention, with the softmax as in the paper and scaled. All are trained now, on the same few scenes, for the same number of
# steps, with the same seeds. The control is trained with the spans of other clips of the same person.

# %%
guess = predict("07.6", "Who is best at equal budget?",
                ["none", "MS-SA", "MMUS-SA", "MMMS-BA", "cannot be told apart"])

# %%
train_rows = [row for row in manifest_rows if row.split == "train"]
people = clips.people_of(train_rows, nb.p.train_people, nb.seed)
train = training.training_set(train_rows, people, cuts=nb.p.cuts, seed=nb.seed, each=nb.p.scenes, store=nb.p.store)
print(f"{len(train)} clips of {nb.p.scenes * len(people)} scenes to train on")
live = {name: [training.trained(train, seed=nb.seed + k, epochs=nb.p.epochs, **training.FAMILY[name])
               for k in range(nb.p.train_seeds)] for name in nb.p.family}
permuted = training.permuted(train, nb.seed)
live["permuted labels"] = [training.trained(train, seed=nb.seed, epochs=nb.p.epochs, labels=permuted)]

# %%
proposals = {name: [experiments.found(m, test, sigma=nb.p.soft_nms_sigma) for m in some]
             for name, some in live.items()}
judged = experiments.judged(proposals, test, AP_50, **many)
chance = experiments.chance_band(test, nb.seed)
lines = [(training.LABELS.get(name, name), v.value, v.lo, v.hi) for name, v in judged.items()]
fig = figures.dot_interval(lines, x="AP at IoU 0.5", null_band=(0, chance), title="The family at equal budget")
relatives = {name: difference(judged["mmms_ba"], judged[name]) for name in nb.p.family if name != "mmms_ba"}
by_label = {training.LABELS[name]: d for name, d in relatives.items()}
nb.show(fig, **words.family(by_label, judged["permuted labels"], chance))
for name in nb.p.family:
    nb.record(f"ap_live.{name}", judged[name].value)
nb.record("ap_live_labels", judged["permuted labels"].value)
if {"ms_sa", "mmus_sa"} <= set(relatives):
    parts = {name.replace("_", "-"): (relatives[name].value, relatives[name].draws) for name in ("ms_sa", "mmus_sa")}
    nb.claim("L26", parts, {"labels": (judged["permuted labels"].value, 0.0, chance)})

# %% [markdown]
# ## 7 One sense missing
#
# A film without sound is not a film of silence. An absent modality has no weight as a key and is skipped by the recurrence; silence is an
# input, and one that training never showed. Here every picture has its true sound, so that what is to be found does not change:
# picture forgeries, with everything, without sound, with silence, with a stranger's sound, without lips. Twice: trained with everything, and trained
# with one of the three taken away from half of the clips.

# %%
guess = predict("07.7", "What is worse for a detector of picture forgeries?",
                ["sound declared absent", "silence", "someone else's sound"])

# %%
changed = {"all there": with_sound, "no sound": samples.without(with_sound, "audio"),
           "silence": samples.silenced(with_sound), "someone else's sound": samples.swapped(with_sound, nb.seed),
           "no lips": samples.without(with_sound, "lips")}
met = {}
for how, some in (("plain", models), ("with gaps", gaps)):
    found = {name: [experiments.found(m, s, sigma=nb.p.soft_nms_sigma) for m in some]
             for name, s in changed.items()}
    met[how] = experiments.judged(found, with_sound, AP_50, **many)
lines = [(name, f"trained {how}", v.value, v.lo, v.hi)
         for how, table in met.items() for name, v in table.items()]
fig = interval_pairs(lines, x="AP at IoU 0.5, pictures forged", null=0, title="One sense missing")
nb.show(fig, **words.missing(met["plain"], met["with gaps"]))
for how, table in met.items():
    for name, key in runs.CONDITIONS.items():
        nb.record(f"drop.{key}.{how.replace(' ', '_')}", table["all there"].value - table[name].value)

# %% [markdown]
# ## 8 Does attention point at the forged part?
#
# Two questions about the same moments. How much attention does a moment receive, over all six maps and all who ask? And how much does the
# clip's score fall when that moment is taken out of all three inputs? If attention explained the decision, the two would agree.

# %%
guess = predict("07.8", "Rank correlation of attention and occlusion?",
                ["near 1", "about 0.5", "about 0", "negative"])

# %%
forged = test.pick(test.stream != "real")
few = forged.pick(np.arange(len(forged)) < nb.p.explained)
told = {name: experiments.attention_and_occlusion(m, few)
        for name, m in (("trained", models[0]), ("untrained", fresh[0]))}
rho, ratio = ({name: runs.over_people(one, few, key, **many) for name, one in told.items()}
              for key in ("rho", "ratio"))
fig = figures.scatter(runs.moments(told["trained"]), x="fall of the clip's logit without this moment",
                      y="attention received (x its share)", title="Attention against occlusion")
nb.show(fig, **words.pointing(rho["trained"], rho["untrained"], ratio["trained"], ratio["untrained"]))
nb.record("attention_occlusion_rho", rho["trained"].value)
nb.record("attention_occlusion_rho_untrained", rho["untrained"].value)
nb.record("attention_ratio_forged", ratio["trained"].value)
nb.record("attention_ratio_untrained", ratio["untrained"].value)

# %% [markdown]
# ## 9 Why not? The GRU has already mixed
#
# Attention weighs *codes*, and a code has been through a recurrence that runs both ways. Ask the gradient: of which moments of the input is
# the code of moment t made? And what the original's missing mask does: pad a clip by half its length and see who is attended to.

# %%
heats = [experiments.mixing(models[0], experiments.batch(models[0], few, k)) for k in range(len(few))]
masks = [t["forged"] for t in told["trained"]]
shares = np.mean([[experiments.outside(h, m), (~m).mean()] for h, m in zip(heats, masks)], 0)
one = experiments.batch(models[0], few, 0)
masked = experiments.padding_mass(models[0], one, masked=nb.p.mutant != "mask_off")
unmasked = experiments.padding_mass(models[0], one, masked=False)
maps = {"gradient of the codes": heats[0],
        "attention, mean of six maps": experiments.attention_of(models[0], one)["mean"]}
fig = drawn.time_heats(maps, step_s=0.2, unit="share of the row", x="moment of the input, or asked (s)",
                       y="moment of the code (s)", forged=few.truth[0],
                       title="What a moment is made of, and what it asks")
nb.show(fig, **words.mixing(*shares, unmasked))
nb.record("gru_outside_share", shares[0])
nb.record("padding_mass", masked)
nb.record("padding_mass_unmasked", unmasked)
for name, model in (("trained", models[0]), ("untrained", fresh[0])):
    weights = experiments.attention_of(model, one)["face.lips"]
    nb.record(f"effective_keys_here.{name}", toys.effective(weights).mean())

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 07.1 Bi-modal attention
# Difficulty 3 · Importance 5 · 15 minutes. `x` and `y` are (T, D), `mask` (T,) bool says which moments are there. Without the scale unless
# `scaled`. What is not there is nobody's key, and its own rows of the answer are 0.


# %%
def bi_modal_attention(x, y, *, mask, scaled):
    """Return (a1, a2), each (T, D): what x takes from y, gated by x, and what y takes from x, gated by y."""
    ### BEGIN SOLUTION
    def taken(asks, asked):
        scores = asks @ asked.T / (x.shape[1]**0.5 if scaled else 1)
        powers = np.where(mask[None], np.exp(scores - scores.max()), 0)
        return np.where(mask[:, None], powers / powers.sum(1, keepdims=True) @ asked * asks, 0)

    return taken(x, y), taken(y, x)
    ### END SOLUTION


course.check("07.1", bi_modal_attention)

# %% [markdown]
# ### 07.2 The loss of a span
# Difficulty 3 · Importance 5 · 12 minutes. DIoU of two spans (start, end) in seconds. An untrained network proposes spans of no length: stay finite.


# %%
def diou_1d(pred, target):
    """Return 1 - IoU + (distance of the centres)^2 / (length of the hull)^2."""
    ### BEGIN SOLUTION
    inside = max(0.0, min(pred[1], target[1]) - max(pred[0], target[0]))
    union = pred[1] - pred[0] + target[1] - target[0] - inside
    hull = max(pred[1], target[1]) - min(pred[0], target[0])
    if hull == 0:
        return 0.0
    return 1 - (inside / union if union else 0) + (abs(sum(pred) - sum(target)) / 2)**2 / hull**2
    ### END SOLUTION


course.check("07.2", diou_1d)

# %% [markdown]
# ### 07.3 AP of proposals
# Difficulty 3 · Importance 5 · 15 minutes. `proposals` and `truth` are lists with one array a video: (N, 3) start, end, score and (M, 2) start,
# end; a real video has M = 0. Go through all proposals by score. A proposal hits when its IoU is strictly above `iou` for a true span
# of its video that is still free. AP is the sum over ranks of the gain in recall times the best precision at this rank or any later one.


# %%
def ap_at_iou(proposals, truth, iou):
    """Return the average precision over all videos, between 0 and 1."""
    ### BEGIN SOLUTION
    ranked = sorted(((-s, v, a, b) for v, video in enumerate(proposals) for a, b, s in video))
    taken, hits = set(), []
    for _, v, a, b in ranked:
        hit = None
        for k, (c, d) in enumerate(truth[v]):
            shared = max(0, min(b, d) - max(a, c))
            if shared / (b - a + d - c - shared) > iou and (v, k) not in taken:
                hit = (v, k)
        taken |= {hit} - {None}
        hits.append(hit is not None)
    found = np.cumsum(hits)
    precision = found / np.arange(1, len(found) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1] if len(found) else precision
    return float((np.array(hits, float) * best).sum() / sum(map(len, truth)))
    ### END SOLUTION


course.check("07.3", ap_at_iou)

# %% [markdown]
# ### 07.4 Effective keys
# Difficulty 2 · Importance 4 · 8 minutes. `p` (T, K) holds rows of weights that sum to 1, some of them exactly 0.


# %%
def effective_keys(p):
    """Return exp of the entropy of each row, (T,)."""
    ### BEGIN SOLUTION
    logs = np.log(np.where(p > 0, p, 1.0))
    return np.exp(-(p * logs).sum(1))
    ### END SOLUTION


course.check("07.4", effective_keys)

# %% [markdown]
# ## How this can fool you
#
# A bright row that means nothing. This network was never trained and the 25 moments are noise. Move the factor on the scores from the
# textbook's 0.1 to the paper's 1: the same logits turn from "attends to everything" to "has decided". Sharpness is a constant of the
# code, not the confidence of a model.

# %%
steps = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
noise = {f: toys.random_rows(f, clips=1, seed=nb.seed)[0] for f in steps}
spread = {f: toys.effective(noise[f]).mean() for f in steps}


def row_of(factor):
    return {"weights of 25 moments (rows ask, columns are asked)": runs.painted(noise[factor])}


bright = explore(row_of, title="The same meaningless scores, another constant", size=300, factor=list(steps),
                 labels={"factor": "factor on the scores"}, start={"factor": 1.0},
                 alt=lambda v, result: words.sharp(v["factor"], spread[v["factor"]], 25))
nb.show(bright, alt=words.sharp(1.0, spread[1.0], 25),
        caption="Ask of every attention picture: how bright would it be untrained?")

# %% [markdown]
# **What this does not show:** anything about LAV-DF or AV-Deepfake1M, whose forged words come from real films and whose detectors read features
# of large networks. Spans of 0.6 to 1.6 s in clips of 6.4 s are long; forged words are shorter.
#
# ## Summary
#
# - A grid of 0.2 s ends at IoU 0.75 for a word of 0.6 s; what is beyond, the regression head has to find.
# - AP punishes alarms in real clips, AR does not; "strictly above" and the real clips are part of the definition.
# - Without $1/\sqrt d$ attention looks sure whatever it knows.
# - Attention weighs codes that a recurrence has mixed; only taking the input away says what the decision needs.
# - Absent is a statement, silence an input. A model must be told the first and will misread the second.
#
# **What next:** 08 (where a model looks, and causal tests of it), 09 (other forgers, other conditions).
#
# **Read next:** Katamneni & Rattani 2024, MMMS-BA (arXiv 2408.01532) · Ghosal et al. 2018, Contextual inter-modal attention (EMNLP) · Zheng et
# al. 2020, Distance-IoU loss (AAAI) · Lin et al. 2017, Focal loss (ICCV) · Bodla et al. 2017, Soft-NMS (ICCV) · Zhang, Wu & Li 2022,
# ActionFormer (ECCV) · Cai et al. 2022, Do you really mean that? LAV-DF (DICTA) · Abnar & Zuidema 2020, Quantifying attention flow (ACL).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
