# %% [markdown]
# # 03 Attribution clusters
#
# AMDD (Attribution-guided Multimodal Deepfake Detection) asks its detector to name the generator as well, and shows the reward as a picture:
# with the attribution loss the embedding falls into clusters, without it (11 % of fakes named) it does not. This notebook measures what an
# embedding knows *before* it draws it, reads the drawing with suspicion, and asks what else makes clusters.
#
# {{cost}} Level 3 of 5. 50 minutes of reading and 30 of exercises.
#
# **You will be able to**
# - measure generator information in an embedding before drawing it;
# - read t-SNE and UMAP without reading distances, sizes or gaps;
# - separate "the head was never trained" from "the information is not there";
# - compare visual and audio embeddings per category;
# - detect a generator that was never seen, and say how often that fails.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 00 (clips, forgers) | necessary | beat 1 works without it |
# | k nearest neighbours, cross-validation | necessary | exercises 03.1 and 03.2 write them |
# | notebook 04 (similarity) | helpful | only beat 5 looks at it |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
n_clips: int = 84
networks: int = 1
perplexities: list[float] = [5.0, 30.0]
seeds_2d: int = 2
method: str = "tsne"
train_live: bool = False
left_out: str = "flow"
n_random_heads: int = 50
n_bootstrap: int = 200
n_permutations: int = 5

# %%
import numpy as np

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb03_clips, published
from avlab.course import nb03_experiments as experiments
from avlab.course import nb03_runs as runs
from avlab.course import nb03_training as training
from avlab.course import nb03_words as words
from avlab.detectors import amdd
from avlab.explain import embedding as space
from avlab.metrics import difference
from avlab.show import figures, predict
from avlab.show import figures_attention as pairs
from avlab.show import figures_embedding as drawn
from avlab.show.explore import explore
from avlab.show.points import point_map

nb = workbook.start("03", globals())
n, boot = nb.p.networks, {"n": nb.p.n_bootstrap, "seed": nb.seed}

# %% [markdown]
# ## 1 How many clusters?
#
# 200 points of 50-dimensional *noise*: no classes, no structure. t-SNE draws them with several perplexities (how many neighbours each point
# tries to keep near). A silhouette of 20-means says how clustered a drawing looks, from -1 to 1.

# %%
guess = predict("03.1", "Noise, drawn by t-SNE at its smallest perplexity here: how many clusters will you see?",
                ["none", "2 or 3", "about 5", "more than 10"])

# %%
names = [f"perplexity {p:g}" for p in nb.p.perplexities]
toys = {name: runs.noise_maps(nb.p.perplexities, nb.seed, uniform=name == "uniform")
        for name in ("normal", "uniform")}
fig = drawn.map_rows({f"{name} noise": dict(zip(names, maps)) for name, (maps, _) in toys.items()},
                     title="Noise without classes, as t-SNE draws it", guess=guess, world="toy: noise")
looks = {name: dict(zip(nb.p.perplexities, values)) for name, (_, values) in toys.items()}
nb.show(fig, **words.clumps(looks["normal"], looks["uniform"]))
for p in nb.p.perplexities:
    nb.record(f"clumps_noise.{p:g}", looks["normal"][p])
    nb.record(f"clumps_uniform.{p:g}", looks["uniform"][p])
nb.record("clumps_excess", np.mean([looks["normal"][p] - looks["uniform"][p] for p in nb.p.perplexities]))

# %% [markdown]
# ## 2 What does it know, before any picture?
#
# The small AMDD was trained on SynthTalk with all five losses and without the attribution loss. It reads *local spectra* (how much of
# each frequency stands where), because the traces of forgers are fainter than skin and light. It never met the people below, nor the strangers.
# Two questions for each embedding, in all its dimensions: can a linear probe name the generator, do the ten nearest clips of
# *other people*? Both on people that the probe was not fitted on.

# %%
rows = load_manifest(nb.p.manifest)
forgers, strangers = training.known_forgers(rows), training.strangers(rows)
side = "train" if nb.p.mutant == "plot_training_clips" else "test"
sample = nb03_clips.load_sample(nb03_clips.draw(rows, nb.p.n_clips, nb.seed, split=side), forgers, amdd.inputs)
models = training.networks(rows, n, live=nb.p.train_live, device=nb.device, store=nb.p.store)
found = {name: [experiments.embed(model, sample) for model in some] for name, some in models.items()}
found["untrained"] = [experiments.embed(experiments.untrained(model, k), sample)
                      for k, model in enumerate(models["with"])]
groups = experiments.fold_groups(sample.people, nb.p.mutant)
nb.record("people_known", len(set(sample.people.tolist()) & nb03_clips.trained_people(rows)))
nb.record("leaks", experiments.leaks(groups, sample.people))
told = [f"{name} {int((sample.forger == name).sum())}" for name in ("real", *forgers)]
print(f"{len(sample)} clips of {len(set(sample.people.tolist()))} people. Known: {', '.join(told)}")
print("Strangers:", ", ".join(f"{name} {int((sample.forger == name).sum())}" for name in strangers))
print("Networks:", ", ".join(f"{name} x {len(some)}" for name, some in models.items()),
      "(trained live)" if nb.p.train_live else "(bundled weights)")

# %%
kinds, known = ("with", "without", "untrained"), sample.known
close = sample.pick(known)
fused = {kind: [one["fused"][known] for one in found[kind]] for kind in kinds}
fused["no network"] = [experiments.plain(close)]
who = groups[known]
said = {"linear probe": experiments.probed(fused, close.forger, who),
        "10 neighbours": experiments.voted(fused, close.forger, close.people)}
tables = {name: space.accuracy_intervals(x, close.forger, close.people, **boot) for name, x in said.items()}
null = experiments.permuted_probe(fused["with"][0], close.forger, who, nb.p.n_permutations, nb.seed)
band, chance = runs.band(null), 1 / (len(forgers) + 1)
lines = [(kind, how, v.value, v.lo, v.hi) for kind in fused for how in said for v in [tables[how][kind]]]
fig = pairs.interval_pairs(lines, x="balanced accuracy of naming the generator", null=chance, null_band=band,
                           title="What an embedding knows, before any drawing")
learned = difference(tables["linear probe"]["without"], tables["linear probe"]["untrained"])
nb.show(fig, **words.knows(tables["linear probe"], band, chance, learned))

# %%
fake = np.where(close.label == 1, "fake", "real")
told = experiments.probed({kind: fused[kind] for kind in kinds}, fake, who)
right = {kind: np.mean([space.balanced_accuracy(row, fake) for row in told[kind]]) for kind in kinds}
print("The easier question, real or fake, by the same probe:", ", ".join(f"{k} {v:.2f}" for k, v in right.items()))
for kind in kinds:
    nb.record(f"probe_generator.{kind}", tables["linear probe"][kind].value)
    nb.record(f"knn_generator.{kind}", tables["10 neighbours"][kind].value)
    nb.record(f"probe_fake.{kind}", right[kind])
    nb.record(f"silhouette_full.{kind}", runs.silhouette(fused[kind], close.forger))
nb.record("probe_generator.no_network", tables["linear probe"]["no network"].value)

# %% [markdown]
# The ledger's row L18 asks for the first difference (with minus without) and shows the second (without minus untrained) beside it: "only
# attribution supervision makes generators separable" fails where the second is large. Neighbours have a control too: with permuted
# labels they must agree no more than chance, which fails as soon as a clip is counted among its own neighbours.

# %%
x, label = fused["with"][0], close.forger
gap = {"with-without": difference(tables["linear probe"]["with"], tables["linear probe"]["without"])}
print(f"with - without {words.span(gap['with-without'])}; without - untrained {words.span(learned)}")
nb.claim("L18", {name: (d.value, d.draws) for name, d in gap.items()},
         {"labels": (float(null.mean()), chance - 0.1, chance + 0.1)})
nb.record("probe_permuted", null.mean())
nb.record("permuted_excess",
          experiments.permuted_excess(x, label, max(nb.p.n_permutations, 20), nb.seed, nb.p.mutant))

# %% [markdown]
# ## 3 Draw it
#
# Now the pictures of the paper's figure 9, with a clip behind every point. Move one control at a time, and say what you would have concluded
# from a single one. Hover over a point, or walk through the map with the arrow keys, to see the face; a click or Enter plays the clip, so that you
# can ask what the neighbours of an island really have in common.

# %%
part = runs.spread_rows(close.forger, runs.DRAWN)
shown = {kind: fused[kind][0][part] for kind in ("with", "without")}
scales = [p for p in nb.p.perplexities if 5 <= p <= 30] or nb.p.perplexities[:2]
methods = runs.methods(nb.p.method)
maps = runs.layouts(shown, [*methods, "principal axes"], scales, range(2))
captions = [f"{name}, {category}, person {person}"
            for name, category, person in zip(close.forger[part], close.category[part], close.people[part])]
colours = {"generator": close.forger[part], "label": fake[part], "person": close.people[part].astype(str)}
together = runs.same_colour(maps, colours)


# %%
def at(state):
    return tuple(state[name] for name in ("method", "neighbours", "seed", "network"))


view = point_map(lambda **state: maps[at(state)], colours, close.film[part], sounds=close.sound[part], names=captions,
                 alt=lambda state, colour: words.one_map(state, colour, *together[at(state), colour]),
                 title="One embedding, many drawings", method=[*methods, "principal axes"], neighbours=scales,
                 seed=range(2), network=list(shown), start={"neighbours": scales[-1]},
                 labels={"network": "attribution loss"},
                 rate=nb03_clips.HEARD, quality=50,
                 caption="Small films at half the frame rate, sound at 6.4 kHz and 8 bits: enough to recognise a clip, "
                         "not to judge a forger.")
repeats = [maps[methods[0], scales[-1], 0, "with"], maps[methods[0], scales[-1], 1, "with"]]
repeats += [space.tsne(shown["with"], scales[-1], seed) for seed in range(2, nb.p.seeds_2d)]
stays = runs.seed_overlap(repeats)
nb.show(view, **words.drawing(stays, methods[0], f"{scales[-1]:g} neighbours"))
nb.record("neighbour_overlap_seeds", stays)

# %% [markdown]
# ## 4 How much of the drawing is true?
#
# A plane has two dimensions and the embedding 128. Of each point's k nearest neighbours there, how many are still neighbours in the plane?

# %%
planes = {method: maps[method, scales[-1], 0, "with"] for method in methods}
planes["principal axes"] = runs.principal(shown["with"])
curves = runs.kept(shown["with"], planes)
chance_kept = [k / (len(part) - 1) for k in runs.OVERLAPS if k < len(part) / 2]
curves["random map"] = (next(iter(curves.values()))[0], chance_kept)
trust = {name: space.trustworthiness(shown["with"], y) for name, y in planes.items()}
ten = {name: space.neighbour_overlap(shown["with"], y, 10) for name, y in planes.items()}
fig = figures.lines_with_band(curves, x="neighbours asked for, k", y="share kept by the plane", log_x=True,
                              title="Neighbours that survive the drawing")
nb.show(fig, **words.truth(ten, trust, 10 / (len(part) - 1)))
for name in planes:
    key = name.replace("-", "").replace(" ", "_").lower()
    nb.record(f"trustworthiness.{key}", trust[name])
    nb.record(f"neighbours_kept.{key}", ten[name])

# %% [markdown]
# ## 5 Picture or sound: which carries the fingerprint?
#
# The paper's figure 8 shows visual clusters and hardly any audio ones, for forgeries whose sound is *real*. So ask each stream before
# fusion, in each category: FVRA, which of its generators; RVFA and FVFA, forged like that or real.

# %%
guess = predict("03.5", "FVRA clips: which embedding names the generator?",
                ["visual only", "audio only", "both", "neither"])

# %%
table, chances, bands, nulls = runs.streams(found["with"], sample, groups, permutations=nb.p.n_permutations, **boot)
lines = [(f"{category} (chance {chances[category]:.2f})", stream, v.value, v.lo, v.hi)
         for (category, stream), v in table.items()]
fig = pairs.interval_pairs(lines, x="balanced accuracy of a linear probe before fusion", null=chances["FVRA"],
                           null_band=bands["FVRA"], title="Where the fingerprint is (band: FVRA)", guess=guess)
nb.show(fig, **words.streams(table, chances, bands))
for (category, stream), v in table.items():
    nb.record(f"probe_stream.{stream}.{category}", v.value)
both = [table["FVRA", stream] for stream in ("visual", "audio")]
audio = (both[1].value, *runs.wide(nulls["FVRA"], chances["FVRA"]))
nb.claim("L19", {"visual-audio": (difference(*both).value, difference(*both).draws)}, {"audio": audio})

# %% [markdown]
# ## 6 What does 11.0 % prove?
#
# Without its loss the attribution head is never trained. Here are heads with fresh weights on a *good* embedding, one that was trained
# with the loss. How many fakes do they name right?

# %%
guess = predict("03.6", "What is the best of them likely to reach?", ["about 10 %", "about 25 %", "over 40 %"])

# %%
fresh = experiments.random_heads(found["with"][0]["fused"], sample.generator, forgers, nb.p.n_random_heads, nb.seed)
constants = experiments.constant_answers(sample.generator, forgers)
fakes = close.label == 1
probe = (said["linear probe"]["with"][:, fakes] == close.forger[fakes]).mean()
printed = published.AMDD_T5.get("w/o attribution", "Attr")
untrained = np.mean([experiments.named([one], sample, **boot).value for one in found["without"]])
marks = {"always one generator": 100 * max(constants.values()), "always real": 0.0,
         f"printed {printed:g} %": printed, "probe": 100 * probe}
fig = drawn.histogram({"fresh heads": 100 * fresh}, x="fakes whose generator is named (%)", marks=marks,
                      span=(0, 100), title="Untrained heads on one good embedding", guess=guess,
                      world="SynthTalk | one printed number")
nb.show(fig, **words.heads(fresh.min(), fresh.max(), probe, untrained, constants, printed,
                           (fresh <= printed / 100).mean()))
nb.record("random_head_min", fresh.min())
nb.record("random_head_max", fresh.max())
nb.record("untrained_head", untrained)

# %% [markdown]
# ## 7 Where does a stranger land?
#
# Forgers that no network was taught. Each clip lands somewhere: a map has no place for "none of these". So measure how new it looks: the
# distance to the tenth nearest *known* clip of other people, and the energy of the attribution head.

# %%
name = nb.p.left_out
host = experiments.landing(found["with"][0], sample, strangers)
new = experiments.novelty_aurocs(found["with"], sample, strangers, **boot)
keep = np.flatnonzero(known | (sample.forger == name))
keep = keep[runs.spread_rows(sample.forger[keep], runs.DRAWN)]
place = space.tsne(found["with"][0]["fused"][keep], scales[-1], nb.seed)
fig = drawn.one_map(place, sample.forger[keep], crosses=(name,), title=f"{name}, a stranger, among the known")
where = dict(zip(("real", *forgers), host[list(strangers).index(name)]))
mine = {kind: new[name, kind] for kind in ("distance", "energy")}
nb.show(fig, **words.stranger(name, mine, where))

# %%
lines = [(stranger, kind, *runs.ends(new[stranger, kind]))
         for stranger in strangers for kind in ("distance", "energy")]
fig = pairs.interval_pairs(lines, x="AUROC of novelty: stranger against known clips",
                           title="Can it say 'this is new'?")
nb.show(fig, **words.novelty(new, strangers))
for stranger in strangers:
    nb.record(f"novelty_auroc.{stranger}", new[stranger, "distance"].value)
    nb.record(f"energy_auroc.{stranger}", new[stranger, "energy"].value)

# %% [markdown]
# ## 8 What else clusters?
#
# Same embedding, same ten neighbours, other labels: who speaks, the colour of the wall, the camera, the light, the speed of the speech.
# Chance differs between labels, so the figure shows the share of what there is to gain: (agreement - chance) / (1 - chance).

# %%
labels = {"generator": close.forger, **close.nuisance}
beyond = {kind: {what: np.mean([experiments.excess(x, label) for x in fused[kind]])
                 for what, label in labels.items()} for kind in ("with", "untrained")}
lines = [(what, kind, *[beyond[kind][what]] * 3) for what in labels for kind in beyond]
fig = pairs.interval_pairs(lines, x="agreement of 10 neighbours beyond chance (0 none, 1 all)", null=0,
                           title="What makes two clips neighbours?")
nb.show(fig, **words.nuisances(beyond["with"], beyond["untrained"]))
nb.record("excess_generator", beyond["with"]["generator"])
for what in close.nuisance:
    nb.record(f"knn_excess.{what.replace(' ', '_')}", beyond["with"][what])

# %% [markdown]
# ## 9 AMDD, whole: does it detect, does it name?
#
# The detector as the paper judges it: AUROC of every forger against real clips (its tables 6 and 8), the confusion of the attribution head
# (figure 5), the histogram of scores (figure 6). The paper's numbers are of other data and stand in the captions.

# %%
whole = experiments.detection(found["with"], sample, **boot)
lines = [(forger, *runs.ends(whole[forger]), forger) for forger in whole if forger != "all known"]
lines.append(("all known", *runs.ends(whole["all known"]), "fake"))
fig = figures.dot_interval(lines, x="AUROC against real clips", null=0.5, title="Known forgers and strangers")
nb.show(fig, **words.per_generator(whole, forgers, strangers))
nb.record("auroc_seen", whole["all known"].value)
for forger in (*forgers, *strangers):
    nb.record(f"auroc.{forger}", whole[forger].value)

# %%
shares, lines = experiments.confusion(found["with"], sample)
text = {"": [[f"{100 * v:.0f}" for v in line] for line in shares]}
fig = figures.heat_grid({"": shares}, lines, ("real", *forgers), unit="share of the row", low=0, high=1, text=text,
                        x="named by the attribution head", y="true forger", title="Who is taken for whom (%)")
nb.show(fig, **words.confused(shares.tolist(), lines, ["real", *forgers]))
nb.record("named_share", experiments.named(found["with"], sample, **boot).value)

# %%
score = 1 / (1 + np.exp(-np.mean([one["score"] for one in found["with"]], 0)))
sets = {"real": score[sample.forger == "real"], "fake": score[known & (sample.label == 1)],
        "strangers": score[~known]}
fig = drawn.histogram(sets, x="score, 0 real to 1 fake", span=(0, 1), bins=20, title="Scores of held-out clips")
nb.show(fig, **words.histogram(runs.between(score[known], sample.label[known])))

# %% [markdown]
# ## 10 What do five losses buy?
#
# The paper's table 5, with the question it could not ask: beside the head's accuracy stands that of a probe on the same embedding. One
# network each was trained without the alignment, the CMFFC and the centroid term; where a recipe has several seeds, each is a short stroke.

# %%
trained = {name: found[name] for name in models if found[name]}
parts = runs.ablation(trained, sample, groups, **boot)
t5, printed = published.AMDD_T5, {"with": "full", "without": "w/o attribution"}
titles = {"auroc": "AUROC, known forgers (%)", "head": "named by the head (%)",
          "probe": "named by a probe (balanced %)"}
panels = {titles[m]: [(name, *(100 * v for v in runs.ends(p[m])),
                       t5.get(printed[name], {"auroc": "AUC", "head": "Attr"}[m])
                       if m != "probe" and name in printed else None, [100 * v for v in p["each"][m]])
                      for name, p in parts.items()] for m in titles}
fig = drawn.beside_published(panels, title="Losses taken away, one at a time")
rowed = {name: [p[m].value for m in titles] for name, p in parts.items()}
printed = np.ptp([t5.get(row, "Attr") for row in t5.rows if row != "w/o attribution"]) / 100
nb.show(fig, **words.ablation(rowed, float(np.ptp(parts["with"]["each"]["probe"])), (fresh.min(), fresh.max()), printed))
for name, (auc, head, probed) in rowed.items():
    key = name.replace(" ", "_").lower()
    nb.record(f"ablation_auroc.{key}", auc)
    nb.record(f"ablation_head.{key}", head)
    nb.record(f"ablation_probe.{key}", probed)

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 03.1 Do neighbours agree?
# Difficulty 2 · Importance 4 · 10 minutes. From `x` (N, D) and `label` (N,) return the mean share of each row's `k` nearest *other* rows
# (Euclidean) that carry its label.


# %%
def knn_agreement(x, label, k=10):
    """Return the mean share of a row's k nearest other rows with its label."""
    ### BEGIN SOLUTION
    apart = ((x[:, None] - x[None])**2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    near = np.argsort(apart, axis=1)[:, :k]
    return (label[near] == label[:, None]).mean()
    ### END SOLUTION


course.check("03.1", knn_agreement)

# %% [markdown]
# ### 03.2 A probe that cannot cheat
# Difficulty 3 · Importance 5 · 12 minutes. Return the balanced accuracy of a linear probe in five folds that keep every group (person) together;
# `rng` shuffles the people. Whatever is fitted, is fitted on the training rows of its fold.


# %%
def probe_accuracy(x, label, group, rng):
    """Return the balanced accuracy of a linear probe on groups it was not fitted on."""
    ### BEGIN SOLUTION
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    guessed = np.empty_like(label)
    for people in np.array_split(rng.permutation(np.unique(group)), 5):
        test = np.isin(group, people)
        fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x[~test], label[~test])
        guessed[test] = fitted.predict(x[test])
    return np.mean([(guessed[label == c] == c).mean() for c in np.unique(label)])
    ### END SOLUTION


course.check("03.2", probe_accuracy)

# %% [markdown]
# ### 03.3 Two maps of one embedding
# Difficulty 3 · Importance 4 · 10 minutes. Return the mean share of each point's `k` nearest neighbours in `a` that are among its `k` nearest in `b`.


# %%
def neighbour_overlap(a, b, k):
    """Return the share of the k nearest neighbours that two maps (N, d) of the same points have in common."""
    ### BEGIN SOLUTION
    shared = 0
    for i in range(len(a)):
        near = [np.argsort(np.where(np.arange(len(x)) == i, np.inf, ((x - x[i])**2).sum(1)))[:k] for x in (a, b)]
        shared += len(set(near[0]) & set(near[1]))
    return shared / (len(a) * k)
    ### END SOLUTION


course.check("03.3", neighbour_overlap)

# %% [markdown]
# ### 03.4 "I have never seen this"
# Difficulty 4 · Importance 3 · 15 minutes. Score every row of `x` by how little it resembles the clips of known generators, `train_x` with
# `train_label`; larger = newer. It must see a stranger between two classes and one far away from all.


# %%
def novelty_score(train_x, train_label, x):
    """Return one number a row of x, larger where nothing known is near."""
    ### BEGIN SOLUTION
    apart = np.sqrt(((x[:, None] - train_x[None])**2).sum(-1))
    return np.sort(apart, axis=1)[:, 9]
    ### END SOLUTION


course.check("03.4", novelty_score)

# %% [markdown]
# ## How this can fool you
#
# 250 points of pure noise, five *shuffled* labels, and a map that was fitted to the labels (a linear discriminant). Move the slider to
# as many dimensions as you like: the islands on the left come out of nothing. On the right fresh noise through the same map.

# %%
sizes = [10, 40, 80, 120, 160, 200, 240]
made = {size: experiments.islands(size, seed=nb.seed) for size in sizes}


def both_sides(dimensions):
    return {name: drawn.one_map(points, [f"label {c}" for c in label])
            for name, (points, label, _, _) in made[dimensions].items()}


view = explore(both_sides, title="Islands of noise: fitted, and fresh", dimensions=sizes, start={"dimensions": 200},
               alt=lambda v, _: words.fooled(v["dimensions"], *(made[v["dimensions"]][k][2:] for k in ("fitted", "fresh"))),
               world="toy: noise")
nb.show(view, alt=words.fooled(200, made[200]["fitted"][2:], made[200]["fresh"][2:]),
        caption="An embedding that was trained on the labels it is coloured by must be drawn on held-out clips, as in beat 3.")
nb.record("islands_fitted", made[200]["fitted"][2])
nb.record("islands_fresh", made[200]["fresh"][2])

# %% [markdown]
# **What this does not show:** anything about FakeAVCeleb or AMDD's 40-million-parameter network. The verdicts are about a small AMDD on drawn
# heads, whose encoder was given the local spectra that a large network has to find by itself.
#
# ## Summary
#
# - Ask in the full space first: a probe and neighbours, on people never seen, against shuffled labels and an untrained network.
# - A drawing shows neighbourhoods in part, and neither sizes nor distances at all; noise has clumps too.
# - An untrained head says nothing about an embedding. The printed 11.0 % came from one.
# - A sound that nobody forged carries no fingerprint of the picture's forger, however it is drawn.
# - A stranger is always put somewhere. Whether it is noticed is a number with an interval.
#
# **What next:** 08 (where the model looks), 09 (strangers, compression, calibration). **Arithmetic of the same claims:** 10, rows L06 and L09.
#
# **Read next:** van der Maaten & Hinton 2008, Visualizing data using t-SNE (JMLR) · McInnes, Healy & Melville 2018, UMAP (arXiv 1802.03426) ·
# Wattenberg, Viegas & Johnson 2016, How to use t-SNE effectively (Distill) · Kobak & Berens 2019, The art of using t-SNE (Nature Communications) ·
# Kobak & Linderman 2021, Initialization is critical (Nature Biotechnology) · Chari & Pachter 2023, The specious art of single-cell genomics
# (PLOS Computational Biology) · Alain & Bengio 2016, Linear classifier probes (arXiv 1610.01644) · Hewitt & Liang 2019, Control tasks (EMNLP) ·
# Yu, Davis & Fritz 2019, Attributing fake images to GANs (ICCV) · Bendale & Boult 2016, Towards open set deep networks (CVPR).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
