# %% [markdown]
# # 08 Where the model looks
#
# Papers on deepfake detection end with coloured faces: *here* the detector looks, and it looks at the forgery. Such a map is easy to make and hard
# to make wrong-looking. This notebook makes four kinds of it, and puts each to the test that could refute it.
#
# {{cost}} Level 3 of 5. 60 minutes of reading and 35 of exercises.
#
# **You will be able to**
# - compute Grad-CAM, integrated gradients and occlusion for the same logit, and say what question each answers;
# - test a map by what happens when you believe it (deletion), against random orders;
# - run the randomised-weights test;
# - score a map against the true forged area, beside maps that know no network;
# - catch a planted shortcut, or show that a method misses it.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 03 or 05 (a trained detector) | necessary | AMDD is explained in 03 |
# | gradients, rank correlation | necessary | exercises 08.1 and 08.2 |
# | notebook 02 (psi) | helpful | only beat 2 shows it |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
methods: list[str] = ["grad_cam", "occlusion"]
layer: str = "visual_encoder.resnet.encoder.stages.1"
ig_steps: int = 64
ig_baseline: str = "blur"
stride: int = 8
deletion_steps: int = 10
fill: str = "blur"
clips: int = 6
few: int = 3
long_clips: int = 2
heard: int = 2
random_models: int = 4
n_bootstrap: int = 200
target: str = "fake"

# %%
import numpy as np
import torch

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb03_training, nb08_clips, nb08_training
from avlab.course import nb08_experiments as experiments
from avlab.course import nb08_maps as maps
from avlab.course import nb08_runs as runs
from avlab.course import nb08_words as words
from avlab.explain import gradcam
from avlab.metrics import difference
from avlab.results import Heatmap
from avlab.show import figures, overlay, predict
from avlab.show import figures_explain as drawn
from avlab.show.explore import explore

nb = workbook.start("08", globals())
p, boot = nb.p, {"n": nb.p.n_bootstrap, "seed": nb.seed}

# %% [markdown]
# ## 0 Do the tools work?
#
# Before a map is believed, its maker is asked something with a known answer: a detector that is a straight line. There integrated gradients and
# occlusion must give weight times (x - baseline), Grad-CAM the weighted mean, and deleting the most important tiles first must beat any random order.

# %%
nb.record("linear_deletion", runs.toy_deletion(p.mutant, nb.seed))
nb.record("linear_model_exact", runs.toy_error(p.mutant, nb.seed))

# %% [markdown]
# ## 1 Where will it look?
#
# One fake, the small AMDD (notebook 03 says how well it detects), and Grad-CAM of its logit of "fake": each channel of a layer is
# weighted by its mean gradient over space *and* time, and what remains positive is drawn. The layer is a choice; so is the frame.

# %%
guess = predict("08.1", "A face swap changes the inner face. Where will the map lie?",
                ["on the inner face", "on its rim", "on the background", "everywhere"])

# %%
rows = load_manifest(p.manifest)
model = nb03_training.bundled("with", nb03_training.SEEDS[nb.seed % 3]).to(nb.device)
drawn_rows = nb08_clips.draw(rows, p.clips, nb.seed)
sample = nb08_clips.load_sample(drawn_rows)
forgers = list(dict.fromkeys(sample.column("forger").tolist()))
some = sample.pick(experiments.spread_over(sample.column("forger"), p.few))
print(f"{len(sample)} forged test clips: {', '.join(forgers)}; {len(some)} where many networks are tried")
print("logits", np.round(maps.logits(model, sample), 1).tolist())

# %%
first = sample.pick([0])
film = gradcam.grad_cam_films(model, maps.tensors(first, model=model), layer=p.layer)[0].cpu().numpy()
heat = Heatmap(film, "grad_cam", layer=p.layer, detector="AMDD", box=nb08_clips.BOX)
fig = overlay(first.pictures[0], heat, truth=nb08_clips.on_picture(first.forged[0]), guess=guess)
pixels = maps.grad_cam(model, first, layer=p.layer)[0]
share = pixels[first.forged[0]].sum() / max(pixels.sum(), 1e-12)
nb.show(fig, **words.looks(p.layer, heat.grid, 40 / heat.grid[1], share, first.forged[0].mean()))

# %%
layers = {"spectra, 9 x 9": "visual_encoder.scale", "first layer, 5 x 5": "visual_encoder.resnet.embedder"}
layers |= {f"{name}, {grid}": f"visual_encoder.resnet.encoder.stages.{k}"
           for k, (name, grid) in enumerate((("first stage", "5 x 5"), ("last stage", "3 x 3")))}
films = {name: maps.grad_cam(model, some, layer=layer) for name, layer in layers.items()}
kinds = some.column("forger").tolist()


def look(layer, clip, frame):
    k, values = clip - 1, films[layer][clip - 1]
    picture = some.faces[k, frame]
    return {"frame, forged area hatched": drawn.hatched(picture, some.forged[k, frame]),
            "map": drawn.overlaid(picture, values[frame], top=max(values.max(), 1e-9))}


def said(v, _):
    k = v["clip"] - 1
    return words.one_layer(v["layer"], kinds[k], v["frame"], films[v["layer"]][k], some.forged[k])


view = explore(look, title="The same logit, read at four layers", layer=list(layers), frame=[1, 5, 9, 13],
               clip=range(1, min(len(some), 3) + 1), size=220, alt=said)
nb.show(view, alt="Grad-CAM of one logit at four layers: each layer gives another map of the same decision.",
        caption="Smoothed here, as papers do. The small AMDD also reads the spectra on a way around the ResNet: "
                "no map of its stages can show that.")

# %% [markdown]
# ## 2 Do the methods agree?
#
# The same logit, the same clips. Beside the methods stand two maps that know no network: a blob in the middle and the edges of the picture.
# The full profile adds integrated gradients, and |psi| of the diffusion probe, which has never heard of this detector.

# %%
found = maps.maps(model, sample, dict.fromkeys(["grad_cam", *p.methods]), p)
plain = maps.plain_maps(sample)
table = {**found, "centre": plain["centre"], "edges": plain["edges"]}
together = experiments.agreement(table)
names = [words.named(m) for m in table]
fig = figures.heat_grid({"": together}, names, names, signed=True, high=1, unit="rank correlation",
                        title="Agreement of maps, mean over clips")
nb.show(fig, **words.agree(list(table), together))
for i, a in enumerate(table):
    for j, b in enumerate(table):
        if i < j:
            nb.record(f"map_agreement.{a}-{b}", together[i, j])

# %% [markdown]
# ## 3 And with random weights?
#
# If a map shows what the network *learned*, it must change when the weights are thrown away. From the logit down, one part after another is drawn
# anew; the line is the rank correlation with the map before. The control is two random networks against each other: they share the picture and
# the architecture, and nothing that was learned.

# %%
guess = predict("08.3", "All weights random: what rank correlation with Grad-CAM's map before?",
                ["0", "0.2", "0.5", "0.9"])

# %%
tried = [m for m in p.methods if m != "psi"]
curves, null = experiments.randomised(model, some, tried, p, seed=nb.seed)
fig = drawn.weights_lost({words.named(m): v.mean(0) for m, v in curves.items()},
                         {words.named(m): band for m, band in null.items()}, ["trained", *maps.SHORT],
                         title="Weights lost, from the logit down", guess=guess)
last = {m: curves[m].mean(0)[-1] for m in tried}
nb.show(fig, **words.weights_gone(last, null))
for m in tried:
    nb.record(f"randomised_corr.{m}", last[m])

# %% [markdown]
# ## 4 Do they find the forgery?
#
# The forged pixels are known. The *pointing ratio* is the share of a map's mass inside them over their share of the area: 1 for a map that is
# equal everywhere. A face swap covers most of the face, so look at the baselines before the methods: a centred blob, the picture's edges, and
# Grad-CAM of networks with random weights. AMDD's figure 11 says that Grad-CAM lies on the forged regions (row L27).

# %%
guess = predict("08.4", "Which map points best at the forged pixels?",
                ["Grad-CAM", "occlusion", "a blob in the middle", "edges"])

# %%
randoms = experiments.random_logs(model, sample, p, seed=nb.seed)
ratios = experiments.pointing(found, sample, randoms)
whole = experiments.intervals(ratios, sample.column("identity"), **boot)
effect = {"blob": difference(whole["grad_cam"], whole["centre"]),
          "random_model": difference(whole["grad_cam"], whole["random model"])}
cells = experiments.by_forger(ratios, sample, **boot)
series = [m for m in ratios if m != "uniform"]
lines = [(f, words.named(m), *cells[f, m]) for f in forgers for m in series]
fig = drawn.log_ratios(lines, x="pointing ratio (1 = equal everywhere)", guess=guess,
                       title="Mass in the forged area, over its share")
value = {m: float(np.exp(whole[m].value)) for m in ratios}
clear = {m: [f for f in forgers if cells[f, m][1] > cells[f, "centre"][0]] for m in found}
nb.show(fig, **words.points(value, list(found), clear, effect))

# %%
control = experiments.labels_control(nb08_training.bundled("shuffled").to(nb.device), sample, p, randoms)
print("Control, a network trained on shuffled labels: {:+.2f} of random ones, band {:.2f} to {:.2f}".format(*control))
nb.claim("L27", {name: (d.value, d.draws) for name, d in effect.items()}, {"labels": control})
nb.record("uniform_ratio", value.pop("uniform"))
for m in value:
    nb.record(f"pointing_ratio.{m.replace(' ', '_')}", value[m])
    for f in forgers:
        nb.record(f"pointing_ratio.{m.replace(' ', '_')}.{f}", cells[f, m][0])

# %% [markdown]
# ## 5 Does the model care?
#
# Pointing at the forgery is what *we* want. What the model uses is another question: take away what the map calls important and see whether the
# logit falls faster than in random order (deletion), or put it back first (insertion). Something must stand where something was taken away.

# %%
guess = predict("08.5", "Filled with a blur, what will the logit of 'fake' do when everything is gone?",
                ["fall below 0", "go to 0", "stay above 0"])

# %%
keep = experiments.spread_over(sample.column("forger"), max(p.few, 6))
those, part = sample.pick(keep), {m: film[keep] for m, film in found.items()}
gone = experiments.removals(model, those, part, p, seed=nb.seed)
back = experiments.removals(model, those, part, p, insert=True, kinds=(p.fill,), seed=nb.seed)
who = those.column("identity")
gain = experiments.gains(gone, who, **boot)
fills = list(experiments.FILLS)


def removal(what):
    curves = back if what.startswith("insertion") else gone
    kind = what.split(", ")[1]
    middle, lo, hi = experiments.band(curves["random", kind])
    return drawn.removal({m: curves[m, kind].mean(0) for m in part}, (middle, lo, hi), guess=guess)


states = [f"deletion, {kind}" for kind in fills] + [f"insertion, {p.fill}"]
view = explore(removal, title="What is left when the map is believed", start={"what": f"deletion, {p.fill}"},
               what=states, labels={"what": "curve, fill"},
               alt=lambda v, _: words.one_curve(v["what"], gain, back, list(part)))
nb.show(view, **words.cares(gain, list(part), fills))

# %%
level = {kind: float(gone["random", kind][:, -1].mean()) for kind in fills}
print(words.filled(level, float(gone["random", p.fill][:, 0].mean())))
for (m, kind), one in gain.items():
    nb.record(f"deletion_gain.{m}.{kind}", one.value)
for kind in fills:
    nb.record(f"fill_logit.{kind}", level[kind])

# %% [markdown]
# ## 6 Against what?
#
# Integrated gradients answer "why this logit *and not that of the baseline*?". Black, a blur, the mean colour, another clip, and, as only here,
# the true clip that the forgery was made from. Attributions add up to the difference of the logits, whatever the baseline.

# %%
sorts = ["black", "blur", "mean", "other", "source"]
rough = p.ig_steps // 4  # for looking; the integral is checked with all steps below
ways = experiments.against(model, some, sorts, steps=rough)
titles = {f"from {words.FILLED[kind]}": ways[kind][0, 8] for kind in sorts}
fig = drawn.gallery(titles, frame=some.faces[0, 8], signed=list(titles), columns=3,
                    title="One logit, five questions")
fresh = experiments.against(maps.random_network(model, nb.seed), some, ["source"], steps=rough)
from_true = {"trained": ways["source"], "random": fresh["source"]}
pointed = {name: float(np.exp(experiments.log_ratios(film, some.forged).mean()))
           for name, film in from_true.items()}
apart = experiments.agreement(ways)[np.triu_indices(len(sorts), 1)].mean()
nb.show(fig, **words.baselines(apart, pointed["trained"], pointed["random"]))

# %%
films = {n: maps.integrated_gradients(model, some, kind=p.ig_baseline, steps=n) for n in (8, p.ig_steps)}
films = {8: films[8], rough: ways[p.ig_baseline], p.ig_steps: films[p.ig_steps]}
missed = experiments.completeness(model, some, p.ig_baseline, films)
curve = {"missed": (list(missed), [100 * v for v in missed.values()])}
fig = figures.lines_with_band(curve, x="steps of the integral", y="missed of the logit difference (%)", log_x=True,
                              title="Completeness: a check of the integral, not of the map")
nb.show(fig, alt="The sum misses " + ", ".join(f"{100 * v:.1f} % at {n} steps" for n, v in missed.items()) + ".",
        caption="An integral that is computed well can still answer a question nobody asked.")
nb.record("completeness_error", missed[p.ig_steps])
for name in pointed:
    nb.record(f"source_ratio.{name}", pointed[name])

# %% [markdown]
# ## 7 Would they catch a cheat?
#
# Another AMDD was trained on fakes that all carry a mark of 2 x 2 pixels at the top right, and reals that do not. Here are test fakes with the mark,
# and the maps of that detector.

# %%
guess = predict("08.7", "Which method puts the mark first?",
                ["Grad-CAM", "occlusion", "integrated gradients", "none"])

# %%
cheat = runs.cheats(nb08_training.bundled("cheat").to(nb.device), some, p, p.mutant)
flips, rank = runs.flip_rate(cheat), {m: float(np.median(r)) for m, r in cheat["rank"].items()}
marked = cheat["frames"][0, 8].transpose(1, 2, 0).astype(np.uint8)
big = {words.named(m): np.kron(np.clip(one[0], 0, None), np.ones((4, 4))) for m, one in cheat["maps"].items()}
fig = drawn.gallery(big, frame=marked, title="Maps of a detector that cheats", columns=5, guess=guess)
nb.show(fig, **words.caught(flips, rank, float(np.median(cheat["pointing"]))))
nb.record("mark_pointing", np.median(cheat["pointing"]))
nb.record("mark_flip_rate", flips)
for m in rank:
    nb.record(f"mark_rank.{m}", rank[m])

# %% [markdown]
# ## 8 When does it look?
#
# Clips of 6.4 s, forged in part. Hide one step of 0.16 s of the picture at a time, and beside it ask the detector about the frames around that step
# alone. The fill is the mean colour, which this detector takes for real (beat 5): a blur would look like a forgery of its own.

# %%
spans = runs.timing(model, runs.long_rows(rows, p.long_clips, nb.seed))
auroc = {name: runs.frame_auroc(spans, name, **boot) for name in ("occlusion", "own")}
late = {name: runs.lateness(spans, name) for name in auroc}
row, start = spans["rows"][0], spans["start"][0]
traces = {"hidden (logit)": (start, spans["occlusion"][0]), "alone (logit)": (start, spans["own"][0])}
fig = drawn.with_segments(figures.timeline(traces=traces, title="One clip, step by step"),
                          {"picture forged": row.segments_video, "sound forged": row.segments_audio})
nb.show(fig, **words.when(auroc, late))
for name in auroc:
    nb.record(f"frame_auroc.{name}", auroc[name].value)
    nb.record(f"late_s.{name}", late[name])

# %% [markdown]
# ## 9 What does it hear?
#
# The same method on the other input: patches of the log-mel, 8 bands of 80 ms, become silence. `rtvc` forged the sound, `dub` did not (its picture
# speaks other words), and real clips are the control.

# %%
speech = {}
for name in ("rtvc", "dub", "real"):
    own = rows.select(split="test", forger=name, duration_s=nb03_training.SECONDS).rows
    chosen = np.random.default_rng([nb.seed, 53]).permutation(len(own))[:p.heard]
    speech[name] = runs.heard(model, nb08_clips.load_sample([own[k] for k in chosen]))
hz = runs.band_hz()
high = {name: runs.high_share(fall, hz) for name, fall in speech.items()}
mean = {name: fall.mean(0) for name, fall in speech.items()}
fig = drawn.sound_maps(mean, hop_s=0.010, hz=hz, title="What silence costs")
nb.show(fig, **words.hears(high, {name: float(np.clip(fall, 0, None).sum()) for name, fall in mean.items()}))
for name in high:
    nb.record(f"high_share.{name}", high[name])

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 08.1 Grad-CAM by hand
# Difficulty 3 · Importance 5 · 15 minutes. From `activations` and `gradients` of a layer, both (C, T, h, w) arrays, return the film of maps (T, h, w).


# %%
def grad_cam(activations, gradients):
    """Return the Grad-CAM film (T, h, w): channels weighted by their mean gradient, summed, cut at 0."""
    ### BEGIN SOLUTION
    weights = gradients.mean(axis=(1, 2, 3), keepdims=True)
    return np.maximum((weights * activations).sum(0), 0)
    ### END SOLUTION


course.check("08.1", grad_cam)

# %% [markdown]
# ### 08.2 Integrated gradients
# Difficulty 3 · Importance 5 · 15 minutes. `f` takes a tensor (D,) and returns a number. Return the attribution of every coordinate along the straight
# line from `baseline` to `x`; use `torch.autograd.grad`, and take the middle of each of the `steps`.


# %%
def integrated_gradients(f, x, baseline, steps):
    """Return (x - baseline) times the mean gradient along the line, like x."""
    ### BEGIN SOLUTION
    total = torch.zeros_like(x)
    for k in range(steps):
        at = (baseline + (k + 0.5) / steps * (x - baseline)).requires_grad_(True)
        total += torch.autograd.grad(f(at), at)[0]
    return (x - baseline) * total / steps
    ### END SOLUTION


course.check("08.2", integrated_gradients)

# %% [markdown]
# ### 08.3 Does it point?
# Difficulty 2 · Importance 5 · 8 minutes. From a map (h, w) and a mask (H, W) of bool, whose sides are multiples of the map's, return the pointing ratio.
# What speaks against the class counts as 0.


# %%
def pointing_ratio(map, mask):
    """Return the share of the map's mass in the mask, over the mask's share of the area."""
    ### BEGIN SOLUTION
    large = np.kron(np.clip(map, 0, None), np.ones((mask.shape[0] // map.shape[0], mask.shape[1] // map.shape[1])))
    return large[mask].sum() / large.sum() / mask.mean()
    ### END SOLUTION


course.check("08.3", pointing_ratio)

# %% [markdown]
# ### 08.4 Deletion
# Difficulty 3 · Importance 4 · 12 minutes. `f` takes an array (D,); `order` names its places, the most important first; `fill(x)` returns what stands
# where something is deleted, drawn anew at each call. Return the `steps + 1` values of `f` with 0, 1/steps, .. 1 of the places replaced.


# %%
def deletion_curve(f, x, order, fill, steps):
    """Return f with more and more of x replaced, the most important places first, (steps + 1,)."""
    ### BEGIN SOLUTION
    other, values = fill(x), []
    for k in range(steps + 1):
        now, gone = x.copy(), order[:round(k * len(x) / steps)]
        now[gone] = other[gone]
        values.append(f(now))
    return np.array(values)
    ### END SOLUTION


course.check("08.4", deletion_curve)

# %% [markdown]
# ## How this can fool you
#
# The blind line-up. Three pairs of Grad-CAM maps of three clips, in the same colours. In each pair one map is by the trained network, the other by a network
# whose weights are random. Pick three; by chance one reader in eight gets all of them. Then move the slider: blurred enough, any map looks like a face.

# %%
choices = [a + b + c for a in "AB" for b in "CD" for c in "EF"]
guess = predict("08.f", "Which three are by the trained network (one of A B, one of C D, one of E F)?", choices)

# %%
letters, right = runs.line_up(model, some, p, seed=nb.seed)
face = some.face[0].mean(0)
sigmas = [0, 1, 2, 4, 6, 8]


def line_up(blur):
    return {name: drawn.overlaid(np.full((40, 40, 3), 127, np.uint8), seen, top=max(seen.max(), 1e-9), opacity=1.0)
            for name, values in letters.items() for seen in [runs.blurred(values, blur)]}


likeness = runs.face_agreement(letters, face, sigmas)
grown = float(np.mean([v[-1] - v[0] for v in likeness.values()]))
view = explore(line_up, title="Which are by the trained network?", blur=sigmas, labels={"blur": "blur (px)"},
               size=120, alt=lambda v, _: words.likeness(v["blur"], sigmas, likeness))
nb.show(view, **words.fooled(right, grown))
nb.record("blur_gain", grown)

# %% [markdown]
# **What this does not show:** anything about networks of 224 px or real faces. The small AMDD sees 40 px and has 9 cells in its last stage; on larger
# grids maps are finer and the same tests apply.
#
# ## Summary
#
# - A map answers a question. Name it: what a layer's channels carry, what adds up from a baseline, what happens when a patch is hidden.
# - Score it beside maps that know no network. A blob in the middle is hard to beat where faces stand in the middle.
# - Deletion needs a fill, integrated gradients need a baseline: the choice is part of the answer, and can be all of it.
# - Run the random weights before the paper, not after it.
# - A planted mark is found because you know where to look.
#
# **What next:** 09 (generalisation and robustness), 11 (your own clip, with its map and what the map passed). **Ledger:** row L27.
#
# **Read next:** Selvaraju et al. 2017, Grad-CAM (ICCV) · Sundararajan, Taly & Yan 2017, Axiomatic attribution for deep networks (ICML) · Zeiler & Fergus
# 2014, Visualizing and understanding convolutional networks (ECCV) · Adebayo et al. 2018, Sanity checks for saliency maps (NeurIPS) · Hooker et al. 2019,
# A benchmark for interpretability methods (ROAR, NeurIPS) · Petsiuk, Das & Saenko 2018, RISE (BMVC) · Sturmfels, Lundberg & Lee 2020, Visualizing the impact
# of feature attribution baselines (Distill) · Bilodeau et al. 2024, Impossibility theorems for feature attribution (PNAS).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
