# %% [markdown]
# # 05 X-AVDT, whole
#
# Notebooks 01 and 02 took the two instruments apart: what an inversion does to the pixels (phi) and what the sound writes into the
# picture (psi). Here both reach a detector. We follow one tensor to the logit, train the small size, take its parts away one by one as
# table 7 does, and test on forgers that the training never met. Half of the notebook is about how sure such a table can be.
#
# {{cost}} Level 4 of 5. 55 minutes of reading and 30 of exercises.
#
# **You will be able to**
# - follow phi and psi to the logit, and say why a chunk has 16 frames;
# - rebuild table 7 with paired intervals, and name the control that each row needs;
# - test on unseen forgers against a network that sees pictures alone;
# - resample what was really drawn: people and clips, not chunks;
# - say what the probe's training adds over a probe of random weights.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebooks 01 and 02 | necessary | take phi and psi as two films and read on |
# | a training loop, AUROC | necessary | beats 1, 2 and 8 need none |
# | metric learning | helpful | beat 2 draws it on a circle |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
phi_steps: int = 2
weights: str = "live"
epochs: int = 12
train_clips: int = 1
val_clips: int = 1
test_clips: int = 1
longer_clips: int = 2
listen_clips: int = 4
trainings: int = 2
variants: list[str] = ["full", "no_psi", "rgb"]
lam: float = 0.3
margin: float = 0.3
mining: str = "batch_all"
train_forgers: list[str] = []
test_forgers: list[str] = []
n_bootstrap: int = 200
n_permutations: int = 10

# %%
import numpy as np

from avlab import course, metrics, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb05_clips as clips
from avlab.course import nb05_experiments as experiments
from avlab.course import nb05_runs as runs
from avlab.course import nb05_words as words
from avlab.course import published
from avlab.explain import readout
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.show import figures, predict
from avlab.show import figures_attention as drawn
from avlab.show import figures_detector as detector
from avlab.show.explore import explore

nb = workbook.start("05", globals())
seen, unseen = clips.protocol(nb.p.train_forgers, nb.p.test_forgers)

# %% [markdown]
# ## 1 What breaks at T = 15?
#
# Two 3-D encoders end on one grid and one frame; a 1x1 convolution fuses them, attention lets the cells look at each other, three more
# layers and a mean make the vector $g$, and $g$ makes the logit. Every stage halves time or leaves it, and 16 = 2 x 2 x 2 x 2.

# %%
guess = predict("05.1", "A chunk has 15 frames instead of 16. Which stage breaks?",
                ["the first convolution", "the fusion of both streams", "the decoder", "none of them"])

# %%
frames = (15, 16, 17)
rows, odd = experiments.shape_walk(frames)
total = sum(weights for _, weights, _ in rows)
said = {n: experiments.refused(n) for n in frames}
fig = detector.stages(rows, columns=[f"{n} frames" for n in frames], marked=odd,
                      title="The path of a chunk through X-AVDT small")
nb.show(fig, **words.stages(frames, sorted({frames[c] for _, c in odd}), total, said))
nb.record("shapes_ok", experiments.walk_agrees(rows, frames))
nb.record("refusals", sum(bool(said[n]) for n in frames if n != 16))
nb.record("params_small", total)
print(said[15])

# %% [markdown]
# ## 2 What does the triplet loss see?
#
# $$\mathcal L=(1-\lambda)\,\mathcal L_{bce}+\lambda\,\frac1B\sum\max\big(0,\;|u_a-u_p|^2-|u_a-u_n|^2+m\big),\qquad \lambda=m=0.3$$
#
# on unit vectors $u=g/|g|$. The released code computes something else: distances that are not squared, a soft hinge, and a margin of
# 0.05 that its own option never reaches.


# %%
def hinge(margin):
    far, curves = experiments.triplet_curves(margin)
    at = int(abs(far - 0.7).argmin())  # the negative as near as the positive
    lines = figures.lines_with_band({name: (far, y) for name, y in curves.items()}, markers=False, world="toy",
                                    x="distance of the negative (positive at 0.7)", y="loss of one triplet")
    return {"loss": lines, "note": words.triplet(margin, curves["released code"][at], curves["paper"][at])}


margins = np.round(np.linspace(0, 1, 11), 2).tolist()
hinges = explore(hinge, title="Paper and released code", world="toy", margin=margins,
                 start={"margin": 0.3}, alt=lambda v, made: made["note"])
places = {"anchor": 90, "positive": 49, "negative": -20}  # degrees
apart = [2 * np.sin(np.deg2rad(abs(places["anchor"] - places[k])) / 2) for k in ("positive", "negative")]
nb.show(detector.circle(places, title="Three clips on the unit circle"), **words.circle(*apart))
nb.show(hinges, alt=hinge(0.3)["note"], caption="Move the margin: one curve follows, the other does not know it.")

# %% [markdown]
# ## 3 Train it
#
# The clips are drawn by the seed, before anything is measured. People of training, validation and test are three different groups, and
# the unseen forgers stand in the test alone. phi and psi are measured once. In training each forgery stands in its batch beside the
# clip that it was made from: what both share, face, light and motion, cancels in the gradient, and the forgery is left.

# %%
probe = DiffusionProbe.bundled(nb.device, nb.p.phi_steps)
manifest_rows = load_manifest(nb.p.manifest)
sizes = {"train": nb.p.train_clips, "val": nb.p.val_clips, "test": nb.p.test_clips}
sample = clips.load_sample(clips.draw(manifest_rows, seen, unseen, sizes, nb.seed))
if nb.p.mutant == "chunk_split":
    sample = clips.chunks_apart(sample)
nb.record("leaks", clips.leaks(sample))
for side in clips.SIDES:
    part = sample.on(side)
    names, counts = np.unique(part.forger, return_counts=True)
    told = ", ".join(f"{n} {c}" for n, c in zip(names, counts))
    print(f"{side:5} {len(set(part.people))} people: {told}")

# %%
inputs = runs.features(nb.p, probe, sample, nb.seed)
lessons = [experiments.trained("full", sample, inputs["own"], seen, nb.p, 1000 * nb.seed + k)
           for k in range(nb.p.trainings)]
curves = runs.curves([state for _, state in lessons])
fig = figures.lines_with_band(curves["AUROC"], x="epoch", y="AUROC on validation people", null=0.5,
                              title=f"{nb.p.trainings} seeds of one training")
last = [state.history[-1]["val_auroc"] for _, state in lessons]
printed = {v: (published.XAVDT_T7.get("full", "AUROC") - published.XAVDT_T7.get(r, "AUROC")) / 100
           for v, r in experiments.PRINTED.items()}
nb.show(fig, **words.training(last, list(printed.values())))
fig = figures.lines_with_band(curves["loss"], x="step", y="loss (0.7 cross-entropy + 0.3 triplet)",
                              markers=False, title="What the optimiser sees")
nb.show(fig, **words.losses(runs.loss_drop(lessons), last))
nb.record("loss_drop", runs.loss_drop(lessons))
nb.record("seed_spread", max(last) - min(last))

# %% [markdown]
# Two things must hold before any score is believed. A clip's score must not depend on its neighbours in the batch (a model left in
# training mode normalises by its batch). And where labels mean nothing, nothing may be learned.

# %%
test = sample.on("test")
tested = runs.of_rows(inputs, np.flatnonzero(sample.side == "test"))
nb.record("batch_change", experiments.batch_change(lessons[0][0], test, tested["own"], nb.p.mutant))
null = experiments.permuted(experiments.maps_of(inputs["own"]), sample, nb.p.n_permutations,
                            np.random.default_rng(nb.seed), nb.p.mutant)
nb.record("permuted_auroc", null.mean())
fig = figures.strip({"permuted labels": null}, x="AUROC on test people", title="When labels mean nothing")
nb.show(fig, **words.permuted(null.mean(), course.metric_of(nb.module, "permuted_auroc").tolerance))

# %% [markdown]
# ## 4 Which part would you miss most?
#
# Table 7 takes psi, phi, the residual and the triplet term away, one at a time. Here every row has the same clips, the same seeds of
# weights and order, and the same number of steps, so differences are paired. Two rows are not in the paper: a probe with *random
# weights*, which asks whether the probe had to be trained, and *pictures alone*, which asks whether a probe is needed at all.
# Bundled networks saw more clips than a run of this notebook can measure; each variant is compared with a full network of its own kind.

# %%
guess = predict("05.4", "Which part would you miss most?", ["psi", "phi", "the residual", "the triplet term"])

# %%
models, here = runs.models(nb.p, sample, inputs, seen, nb.seed, lessons)
print(runs.origin(models, here))
scores = experiments.scored(models, test, tested)
known = experiments.among(scores, seen)
cells = readout.intervals(known, n=nb.p.n_bootstrap, seed=nb.seed)
lines = [(words.NAMES[v], cell.value, cell.lo, cell.hi) for v, cell in cells.items()]
fig = figures.dot_interval(lines, x="AUROC, seen forgers and new people", null=0.5, title="Every variant")
nb.show(fig, **words.variants(cells))
for variant, cell in cells.items():
    nb.record(f"auroc.{variant}", cell.value)
nb.record("params_rgb", sum(w.numel() for w in models["rgb"][0].parameters()))

# %%
gaps = experiments.gaps(cells, here)
lines = [(words.NAMES[v], gap.value, gap.lo, gap.hi) for v, gap in gaps.items()]
fig = detector.gaps(lines, {words.NAMES[v]: gap for v, gap in printed.items()}, guess=guess,
                    x="AUROC of the full network minus the variant's", title="What each part is worth",
                    world="SynthTalk | published numbers")
nb.show(fig, **words.table7(gaps, printed))
for variant, gap in gaps.items():
    nb.record(f"delta.{variant}", gap.value)

# %% [markdown]
# ## 5 Unseen forgers?
#
# The claim of table 4 is not that X-AVDT works on forgers it knows, but on others. The control is a 3-D network of as many weights
# that sees the pictures alone and never met the probe.

# %%
far = readout.intervals(experiments.among(scores, unseen), n=nb.p.n_bootstrap, seed=nb.seed)
transfer = metrics.difference(far["full"], far["rgb"])
each = runs.by_forger(scores, ("full", "rgb"), (*seen, *unseen), nb.p.n_bootstrap, nb.seed)
pairs = [(f, words.NAMES[v], cell.value, cell.lo, cell.hi) for (f, v), cell in each.items()]
fig = drawn.interval_pairs(pairs, x="AUROC against all reals, new people", title="Forger by forger")
nb.show(fig, **words.forgers(each, seen))
lines = [(words.NAMES[v], far[v].value, far[v].lo, far[v].hi) for v in ("full", "rgb")]
fig = figures.dot_interval(lines, x="mean AUROC on unseen forgers", null=0.5, title="Does the probe help to transfer?")
nb.show(fig, **words.unseen(far["full"], far["rgb"], transfer, unseen))
nb.record("auroc_seen", cells["full"].value)
nb.record("auroc_unseen", far["full"].value)
nb.record("auroc_unseen_rgb", far["rgb"].value)
for forger in (*seen, *unseen):
    nb.record(f"auroc_forger.{forger}", each[forger, "full"].value)

# %% [markdown]
# ## 6 How many clips do I have?
#
# The paper cuts a clip of five seconds into seven chunks and evaluates chunks. Seven chunks of one clip are not seven witnesses: same
# face, same forger, same light. Here clips of two chunks are scored, and either chunks or whole clips are resampled.

# %%
guess = predict("05.6", "Seven chunks of a clip: how much wider is an honest interval?",
                ["as wide", "about 1.4 times", "about twice", "seven times"])

# %%
chunks, of = runs.longer(nb.p, manifest_rows, seen, nb.seed)
piece = runs.chunk_scores(nb.p, probe, models["full"], chunks)
both = experiments.by_chunk_and_clip(piece, chunks.label, of, n=nb.p.n_bootstrap, seed=nb.seed)
rho = experiments.likeness(piece, chunks.label, of)
lines = [(f"{name}s resampled", cell.value, cell.lo, cell.hi) for name, cell in both.items()]
fig = figures.dot_interval(lines, x="AUROC over chunks", null=0.5, guess=guess,
                           title="The same scores, two intervals")
nb.show(fig, **words.chunks(both, rho, len(set(of))))
widths = {name: max(cell.hi - cell.lo, 1e-9) for name, cell in both.items()}
nb.record("ci_ratio_clip_over_chunk", widths["clip"] / widths["chunk"])
nb.record("rho_chunks", rho)

# %% [markdown]
# ## 7 Does the finished detector listen?
#
# The test clips once more, each with the voice of another person; nothing is trained again. A detector that listens must find real
# lips with a stranger's voice more fake than before.

# %%
few, own, other = runs.heard_by_others(nb.p, probe, test, tested, nb.seed)
moved = runs.moved(models["full"], few, own, other, n=nb.p.n_bootstrap, seed=nb.seed)
lines = [(forger, cell.value, cell.lo, cell.hi) for forger, cell in moved.items()]
fig = figures.dot_interval(lines, x="change of the logit with another person's voice", null=0,
                           title="Own voice against another's")
nb.show(fig, **words.listens(moved, (*seen, *unseen)))
nb.record("logit_shift_shuffled", moved["real"].value)

# %% [markdown]
# ## 8 Acc or Acc@EER?
#
# Add the same number to every score. Nothing about who ranks above whom has changed; what do the four columns of table 4 say?

# %%
guess = predict("05.8", "Every logit rises by 3. Which column falls?", ["AUROC", "AP", "Acc@EER", "Acc", "none"])

# %%
mean_score, label = known.score["full"].mean(0), known.label
spread = mean_score.std() + 1e-9
shifts = np.linspace(-4, 4, 33)
columns = experiments.shifted(mean_score / spread, label, shifts)
fig = figures.lines_with_band({name: (shifts, y) for name, y in columns.items()}, markers=False, guess=guess,
                              x="added to every score (standard deviations)", y="value", title="What a shift does")
changes = {name: float(np.ptp(y)) for name, y in columns.items()}
nb.show(fig, **words.shift(changes))
nb.record("auroc_shift_change", changes["AUROC"])
nb.record("acc_shift_change", changes["Acc"])
nb.record("acc_at_eer", metrics.acc_at_eer(mean_score, label))
nb.record("acc", ((mean_score > 0) == (label == 1)).mean())
nb.record("eer_threshold", metrics.eer_threshold(mean_score, label))

# %% [markdown]
# Two rows of the claims ledger are judged from these numbers, over several seeds of clips and trainings. One run shows the shape and
# gives no verdict.

# %%
labels = {"labels": (float(null.mean()), 0.4, 0.6)}
parts = {part: f"no_{part}" for part in ("psi", "phi", "residual", "triplet")} | {"random_probe": "random_probe"}
if set(parts.values()) <= set(gaps):
    nb.claim("L22", {part: (gaps[v].value, gaps[v].draws) for part, v in parts.items()}, labels)
nb.claim("L23", {"unseen-rgb": (transfer.value, transfer.draws)}, labels)

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 05.1 The triplet term
# Difficulty 3 · Importance 4 · 15 minutes. From `embedding` (B, D), not yet of length 1, and `label` (B,) return the paper's triplet
# term: the mean over all triplets (anchor, another clip of its class, a clip of another class) of the hinge of *squared* distances.
# A batch without triplets gives 0.


# %% tags=["exercise"]
def triplet(embedding, label, margin):
    """Return the mean hinge over all triplets of the batch."""
    ### BEGIN SOLUTION
    u = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    d = ((u[:, None] - u[None])**2).sum(-1)
    same = label[:, None] == label[None]
    positive = same & ~np.eye(len(label), dtype=bool)
    valid = positive[:, :, None] & ~same[:, None, :]
    hinges = np.maximum(0, d[:, :, None] - d[:, None, :] + margin)[valid]
    return hinges.mean() if len(hinges) else 0.0
    ### END SOLUTION


course.check("05.1", triplet)

# %% [markdown]
# ### 05.2 From chunks to clips
# Difficulty 2 · Importance 5 · 8 minutes. `score` (N,) and `clip_id` (N,) belong to chunks. Return the clips in the order in which they
# first appear, and the mean score of each.


# %% tags=["exercise"]
def clip_scores(score, clip_id):
    """Return (clips, means), clips in order of first appearance."""
    ### BEGIN SOLUTION
    clips_in_order = list(dict.fromkeys(clip_id))
    return clips_in_order, [score[clip_id == clip].mean() for clip in clips_in_order]
    ### END SOLUTION


course.check("05.2", clip_scores)

# %% [markdown]
# ### 05.3 Acc@EER
# Difficulty 3 · Importance 5 · 12 minutes. Take as threshold the ROC point at which false alarms and misses are nearest (scores at or
# above it are fake), and return the accuracy there and the threshold.


# %% tags=["exercise"]
def acc_at_eer(score, label):
    """Return (accuracy, threshold)."""
    ### BEGIN SOLUTION
    from sklearn.metrics import roc_curve
    alarms, hits, thresholds = roc_curve(label, score, drop_intermediate=False)
    threshold = thresholds[np.argmin(abs(alarms - (1 - hits)))]
    return ((score >= threshold) == (label == 1)).mean(), threshold
    ### END SOLUTION


course.check("05.3", acc_at_eer)

# %% [markdown]
# ### 05.4 Resample groups
# Difficulty 3 · Importance 5 · 10 minutes. `metric(score, label)` raises `AvlabError` when a class is missing. Draw groups with
# replacement, as many as there are and each one whole; draw again where the metric refuses. Return the 2.5 and 97.5 per cent points of
# `n` values, and how many draws were refused.


# %% tags=["exercise"]
def bootstrap_by_group(metric, score, label, group, n, rng):
    """Return (lo, hi, refused)."""
    ### BEGIN SOLUTION
    from avlab.errors import AvlabError
    names, values, refused = np.unique(group), [], 0
    while len(values) < n:
        drawn = rng.choice(names, len(names))
        rows = np.concatenate([np.flatnonzero(group == g) for g in drawn])
        try:
            values.append(metric(score[rows], label[rows]))
        except AvlabError:
            refused += 1
    return np.quantile(values, 0.025), np.quantile(values, 0.975), refused
    ### END SOLUTION


course.check("05.4", bootstrap_by_group)

# %% [markdown]
# ## How this can fool you
#
# Ablate a bigger network. "Without psi" takes a branch and its weights away, a fifth of the paper's 47 million. Did the score fall for
# want of sound, or of weights? Keep the branch and feed it with nothing: white noise with psi's own mean and deviation, or psi's mean
# over time, which is a picture and no film. If the score falls as far, it was not capacity that made the difference.

# %%
out = "no_psi_here" if "no_psi_here" in gaps else "no_psi"
fed = [v for v in experiments.CAPACITY if v in gaps]
lines = [(words.NAMES[v], gaps[v].value, gaps[v].lo, gaps[v].hi) for v in (out, *fed)]
fig = figures.dot_interval(lines, x="AUROC of the full network minus the variant's", null=0,
                           title="Psi taken out, and psi's branch fed with nothing")
nb.show(fig, **words.capacity(gaps, out, fed))

# %% [markdown]
# **What this does not show:** anything about MMDF, Hallo or the 43 million weights of the paper's size. The small size departs from it,
# and the docstring of `avlab.detectors.xavdt` names each departure. Verdicts are about this probe on drawn heads.
#
# ## Summary
#
# - A shape that fits is no check: 15 frames would pass every stride; only a sentence in front stops them.
# - The paper's triplet term and the released code's are two losses.
# - A row of an ablation table is a difference of two trainings. It needs the same clips, several seeds, and an interval.
# - "Without psi" needs three controls: a random probe, pictures alone, and the branch kept but fed with nothing.
# - Chunks of a clip repeat each other; resample what was drawn.
# - Acc@EER looks at the answers to choose its threshold.
#
# **What next:** 06 (MSCT), 08 (where the model looks), 09 (generalisation and robustness).
#
# **Read next:** X-AVDT (arXiv 2603.08483, CVPR 2026) · Schroff, Kalenichenko & Philbin 2015, FaceNet (CVPR) · Hermans, Beyer & Leibe 2017,
# In defense of the triplet loss (arXiv 1703.07737) · Haliassos et al. 2021, LipForensics (CVPR); 2022, RealForensics (CVPR) ·
# Bouthillier et al. 2021, Accounting for variance in machine learning benchmarks (MLSys).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
