# %% [markdown]
# # 02 Attention type and timestep
#
# X-AVDT reads one layer of a talking-head diffusion model: what its cross attention to the sound writes into the picture stream. The
# paper's table 6 says that this layer beats temporal and spatial attention, and that the first timestep beats later ones. Two claims
# hide in one sentence: that attention to sound separates real from fake, and that it does so *because lips and speech agree*. Only
# controls can tell them apart, and they are the spine of this notebook.
#
# {{cost}} Level 3 of 5. 55 minutes of reading and 30 of exercises.
#
# **You will be able to**
# - tap spatial, cross and temporal attention with one context manager, and prove that nothing was changed;
# - tell an attention probability from an attention output;
# - rebuild the 3 x 3 grid of table 6 with intervals;
# - run five controls on any cell;
# - say which part of psi comes from the sound.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 01 (inversion steps) | necessary | beats 1 to 4 work without it |
# | softmax attention | necessary | exercise 02.1 writes it in three lines |
# | U-Net blocks | helpful | the drawing of beat 1 |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
timesteps: list[int] = [24, 249, 499]
steps: int = 40
layer: str = "up.-1"
classifier: str = "linear"
clips_per_class: int = 1
control_clips: int = 2
film_clips: int = 1
control_latents: str = "noised"
n_bootstrap: int = 200
n_permutations: int = 5

# %%
import numpy as np

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb02_clips, published
from avlab.course import nb02_experiments as experiments
from avlab.course import nb02_looks as looks_at
from avlab.course import nb02_runs as runs
from avlab.course import nb02_words as words
from avlab.metrics import difference
from avlab.probe import attention
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.show import figures, pictures, predict
from avlab.show import figures_attention as drawn
from avlab.show.explore import explore

nb = workbook.start("02", globals())
steps_asked = sorted({24, *nb.p.timesteps})
kinds = experiments.KINDS

# %% [markdown]
# The clips are drawn by the seed, before anything is measured, and are the same in every figure: people and forgers of the test
# side never appear on the training side.

# %%
probe = DiffusionProbe.bundled(nb.device, nb.p.steps)
manifest_rows = load_manifest(nb.p.manifest)
rows = nb02_clips.draw(manifest_rows, nb.p.control_clips, nb.seed)
sample = nb02_clips.load_sample(rows, probe)
inside = sample.unseen & (sample.block < nb.p.clips_per_class)
grid = sample.pick(inside)  # all timesteps
close = sample.pick(sample.unseen)  # t = 24 only, which costs one call a clip
for name, part in (("all timesteps", grid), ("t = 24", close)):
    for side in ("train", "test"):
        names, counts = np.unique(part.forger[part.side == side], return_counts=True)
        told = ", ".join(f"{c} {n}" for n, c in zip(names, counts))
        print(f"{name:13} {side:5} {len(set(part.people[part.side == side]))} people: {told}")

# %% [markdown]
# ## 1 Where does sound enter?
#
# The probe is a U-Net with three kinds of attention. *Spatial*: cells of one frame look at each other. *Cross*: cells look at 16
# sound tokens of their own frame. *Temporal*: one cell looks at itself in other frames. Which layers could know anything of the sound?

# %%
tapped = experiments.taps(probe.unet, nb.p.layer, nb.p.mutant)
found = attention.layers(probe.unet)
for x in found:
    mark = "<- tap" if x.name in tapped.values() else ""
    print(f"{x.name:20} {x.kind:9} {x.channels:3} channels, {x.heads} heads, {x.grid[0]} x {x.grid[1]} {mark}")

# %%
proof = experiments.checks_of_the_store(probe, sample, tapped, nb.p.mutant)
hooks = attention.count_hooks(probe.unet)
fig = drawn.block_diagram([(x.name, x.kind, x.block, x.grid[0]) for x in found],
                          tapped=set(tapped.values()), title="Where attention sits in the probe")
nb.show(fig, **words.layers(found, proof["change"], hooks))

# %% [markdown]
# A reading that changes what it reads is worthless. So: the output with the store open against the output without, in units of the
# last bit; the hooks left behind; psi kept during an inversion against psi of one direct call (the label 24 comes twice in a
# round trip, and the second tensor is another); and a schedule that never visits 24, which must be refused.

# %%
nb.record("store_changes_output", proof["change"])
nb.record("hooks_left", hooks)
nb.record("psi_wrong_pass", proof["wrong_pass"])
nb.record("off_grid_refused", proof["off_grid_refused"])

# %% [markdown]
# ## 2 Is psi a probability?
#
# $$P=\mathrm{softmax}\Big(\frac{QK^\top}{\sqrt d}\Big),\qquad \psi=P\,V\,W^O$$
#
# Both are called "the attention". One is a map of weights, the other what the layer writes.

# %%
guess = predict("02.2", "psi is drawn as a heat map in the paper. Is it a probability?",
                ["yes, rows sum to 1", "no, but it is positive", "no, it has both signs"])

# %%
cross = experiments.taps(probe.unet, nb.p.layer)["cross"]
one = sample.pick(runs.few(sample, 1))
denoise = probe.denoiser(one.z0[:, :, 0], probe.tokens(one.audio))
with attention.AttentionStore(probe.unet, layers=[cross], timesteps=(24,), probabilities=True) as tap:
    denoise(one.z0, 24)
prob = tap.probabilities(cross, 24).float().cpu().numpy()  # (frames, heads, cells, slots)
psi = tap.map(cross, 24)[0].float().cpu().numpy()  # (channels, frames, h, w)
h, w = psi.shape[-2:]
regions = nb02_clips.region_masks(sample.regions, h, w)
top_prob, top_psi = float(prob.max()), float(abs(psi).max())


def look(head, frame):
    weights = prob[frame, head].T.reshape(-1, h, w)
    return {"probability, one tile a slot": drawn.tiles(weights, 4, top=top_prob),
            "psi, one tile a channel": drawn.tiles(psi[:, frame], 8, kind="signed", top=top_psi),
            "frame": one.frames[0, frame]}


# %%
said = words.probability_or_output(float(abs(prob.sum(-1) - 1).max()), float(psi.min()), float(psi.max()))
looks = explore(
    look, title="Probability and output of the same layer", size=270, head=range(prob.shape[1]),
    frame=range(0, prob.shape[0], 2),
    alt="Head {head}, frame {frame}: slot probabilities between 0 and 1 beside psi, which has both signs.")
nb.show(looks, **said)
nb.record("prob_row_sum_error", abs(prob.sum(-1) - 1).max())
nb.record("psi_min", psi.min())

# %% [markdown]
# ## 3 Which sound does a mouth pixel read?
#
# Each of the 16 slots mixes five frames of sound, two before and two after, so the probabilities cannot say which moment
# counts. Taking one moment away can: silence it in every window, and see where psi moves. Beside it the same with random weights.

# %%
few = runs.few(sample, nb.p.film_clips)
some, where = sample.pick(few), {name: mask[few] for name, mask in regions.items()}
fresh = DiffusionProbe.random(nb.device, nb.p.steps, seed=nb.seed, like=probe)
moved = {"trained": experiments.offset_shares(probe, some, cross, where),
         "random weights": experiments.offset_shares(fresh, some, cross, where)}
text = {name: [[f"{100 * v:.0f} %" for v in line] for line in m] for name, m in moved.items()}
fig = figures.heat_grid(moved, list(where), [-80, -40, 0, 40, 80], unit="share of psi's movement", low=0,
                        high=0.6, text=text, x="silenced moment (ms)", title="What moves psi, by region")
nb.show(fig, **words.offsets(*moved.values()))
nb.record("offset_share_mouth", moved["trained"][0, 2])
nb.record("offset_share_randw", moved["random weights"][0, 2])

# %% [markdown]
# ## 4 Silence the sound: what changes?
#
# The share of psi's energy that goes when the sound goes, cell by cell: $\sum(\psi_{own}-\psi_{silent})^2/\sum\psi_{own}^2$.

# %%
guess = predict("02.4", "Where does psi depend most on the sound?",
                ["in the mouth", "in the whole face", "everywhere alike"])

# %%
films = runs.sound_films(probe, sample, few, tapped, steps_asked, nb.seed)
share = runs.shares(films, where)


def cells(kind, t, without):
    shares = experiments.share_map(films["own"][kind, t], films[without][kind, t])
    note = f"{kind} attention at t = {t}: {100 * shares.mean():.0f} % of its energy depends on the sound, mean over cells."
    return {"first clip, frame 0": some.frames[0, 0],
            "share, 0 (dark) to 1": pictures.paint(shares, "magnitude", 1.0), "note": note}


maps = explore(cells, title="How much of an attention output depends on the sound", size=256,
               kind=list(kinds), t=steps_asked, without=["silent", "shuffled"],
               labels={"t": "timestep", "without": "own sound against"}, start={"kind": "cross"},
               alt=lambda v, result: result["note"])
nb.show(maps, **words.shares(share))

# %%
names = ("mouth", "face", "background")
bars = [(f"{kind}, t = {t}", name, *[share[kind, t, name]] * 3) for kind in kinds for t in steps_asked
        for name in names]
fig = drawn.interval_pairs(bars, x="share of energy that depends on the sound", null=0,
                           title="Share by region, layer and timestep")
nb.show(fig, **words.shares(share))
for name in names:
    nb.record(f"audio_share.{name}", share["cross", 24, name])
nb.record("audio_share_spatial_first_layer", share["first_spatial", 24, "all"])
nb.record("audio_share_cross_first_layer", share["first_cross", 24, "all"])
later = steps_asked[min(1, len(steps_asked) - 1)]
nb.record("audio_share_spatial_first_layer_249", share["first_spatial", later, "all"])

# %% [markdown]
# Look for yourself: a fake beside the very clip that it was made from, which differs in nothing else. Choose a kind of attention, a block and a
# timestep, then take the sound away, give it another speaker's, or take the training away. What in the picture depends on which?

# %%
both = looks_at.pair(manifest_rows, sample, probe)
stranger = sample.audio[sample.people != both.people[0]][0]
lengths = looks_at.strengths(probe, fresh, both, stranger, steps_asked, nb.seed)
ratio = {key: looks_at.mouth_ratio(both, maps) for key, maps in lengths.items()}


def state_note(state, result):
    key = tuple(state.values())
    return words.looked_at(state, ratio[key], looks_at.level(lengths, *key))


beside = explore(lambda **state: looks_at.looked_at(both, lengths, **state), size=256, kind=list(kinds),
                 block=list(looks_at.BLOCKS), t=steps_asked, sound=list(looks_at.SOUNDS), alt=state_note,
                 title="Real beside fake, layer by layer", start={"kind": "cross", "block": "up.-1"},
                 layers={"psi": 0.6, "outline of the mouth": True}, labels={"t": "timestep"})
three = [ratio["cross", "up.-1", 24, sound] for sound in ("own sound", "silence", "random weights")]
nb.show(beside, **words.real_beside_fake(*three))

# %% [markdown]
# At t = 24 the first spatial layer cannot know the sound: nothing before it has heard it, and the latent is clean. At later timesteps
# it can, because ten or twenty steps with sound have carried the latent there. So only at t = 24 is a comparison of *kinds* a
# comparison of what hears and what does not.
#
# ## 5 Rank the nine cells
#
# Each film is reduced to the mean and the deviation of its channels, and a linear classifier is fitted: same size, same penalty
# for every cell, nothing tuned. Trained on `faceswap`, `reenact` and `ldm`, tested on `lipsync`, `flow` and `dub`, on other people.

# %%
guess = predict("02.5", "Which cell separates best here?",
                [f"{kind}, t = {t}" for kind in kinds for t in steps_asked])

# %%
features, early = runs.own_features(probe, sample, inside, tapped, steps_asked, nb.p.store)
own, scores = runs.intervals(features, grid, nb.p, nb.seed)


def table(cell):
    """(value, lo, hi), each (kinds, timesteps), of the cells that cell(kind, t) names."""
    return tuple(np.array([[getattr(cell(k, t), end) for t in steps_asked] for k in kinds])
                 for end in ("value", "lo", "hi"))


printed = np.array([[published.XAVDT_T6.get(k, str(t)) / 100 for t in steps_asked] for k in kinds])
both = {"measured here": table(lambda k, t: own[k, t, "own"]), "published (MMDF)": printed}
fig = figures.heat_grid(both, kinds, steps_asked, low=0.3, high=1.0, unit="AUROC", x="timestep",
                        title="Attention type and timestep", world="SynthTalk | published numbers")
nb.show(fig, **words.grid(own))
for (kind, t, _), cell in own.items():
    nb.record(f"auroc.{kind}.{t}", cell.value)

# %% [markdown]
# The two grids may not be compared cell by cell: other clips, other forgers, another classifier, another probe. Only the *order* is
# at stake, and an order needs intervals. A column can be had with more clips: t = 24 costs one call, the grid twenty.

# %%
near, _ = runs.intervals({key: x[sample.unseen] for key, x in early.items()}, close, nb.p, nb.seed)
lines = [(kind, *(getattr(near[kind, 24, "own"], end) for end in ("value", "lo", "hi")))
         for kind in ("cross", "temporal", "spatial")]
order = [difference(near[a, 24, "own"], near[b, 24, "own"])
         for a, b in (("cross", "temporal"), ("temporal", "spatial"))]
fig = figures.dot_interval(lines, x="AUROC", null=0.5, title="Attention type at t = 24, more clips")
nb.show(fig, **words.kinds(near, *order))

# %% [markdown]
# ## 6 Inversion, or would noise do?
#
# To reach t = 249 the inversion asks the network ten times. One could also take the clean latent and add noise of the same strength:
# one call. Does the inversion buy anything for the read-out?

# %%
features |= runs.noised_features(probe, grid, tapped, steps_asked, nb.seed, nb.p.store)
later = {key: x for key, x in features.items() if key[2] == "noised"}
noised = runs.intervals(later, grid, nb.p, nb.seed)[0] if later else {}
noised |= {(k, 24, "noised"): own[k, 24, "own"] for k in kinds}  # at t = 24 both begin at the clean latent
pairs = [(f"{k}, t = {t}", how, cell.value, cell.lo, cell.hi) for k in kinds for t in steps_asked
         for how, cell in (("inverted", own[k, t, "own"]), ("noised", noised[k, t, "noised"]))]
fig = drawn.interval_pairs(pairs, x="AUROC", title="Latents by inversion and by noise")
gain = {t: difference(own["cross", t, "own"], noised["cross", t, "noised"]) for t in steps_asked[1:]}
nb.show(fig, **words.noise(gain))
for t in steps_asked:
    nb.record(f"auroc_noised.{t}", noised["cross", t, "noised"].value)

# %% [markdown]
# ## 7 Cell by cell: is it the sound?
#
# The grid again, with silence and with someone else's sound (same category, never the same person), in training and in test. If a
# cell measures whether lips and speech agree, taking the right sound away must bring it down to the null band.

# %%
guess = predict("02.7", "What happens to cross attention at t = 24 with someone else's sound?",
                ["falls to 0.5", "falls a little", "stays", "rises"])

# %%
heard, heard_early = runs.sound_features(probe, sample, inside, tapped, steps_asked, nb.p.control_latents,
                                         nb.seed, nb.p.store)
sound, _ = runs.intervals(heard, grid, nb.p, nb.seed)
early |= heard_early
at_24 = {key: x[sample.unseen] for key, x in early.items()}
at_24["cross", 24, "silent_at_test"] = (at_24["cross", 24, "own"], at_24["cross", 24, "silent"])
near, _ = runs.intervals(at_24, close, nb.p, nb.seed)
inverted = {(k, t, "noised"): own[k, t, "own"] for k in kinds for t in steps_asked}
start = noised if nb.p.control_latents == "noised" else inverted
three = {"own sound": table(lambda k, t: start[k, t, "noised"])}
three |= {name: table(lambda k, t, name=name: sound[k, t, name]) for name in ("silent", "shuffled")}
fig = figures.heat_grid(three, kinds, steps_asked, low=0.3, high=1.0, unit="AUROC", x="timestep",
                        title="The grid under three sounds")
nb.show(fig, **words.sounds(*(near["cross", 24, name] for name in experiments.SOUNDS)))

# %%
for name in ("silent", "shuffled"):
    for kind in kinds:
        for t in steps_asked:
            nb.record(f"auroc_{name}.{kind}.{t}", sound[kind, t, name].value)
        nb.record(f"auroc_24.{kind}.{name}", near[kind, 24, name].value)
nb.record("auroc_silent_at_test", near["cross", 24, "silent_at_test"].value)

# %% [markdown]
# The forgers differ in what they leave behind. `dub` shows another utterance's mouth and touches nothing else; `lipsync` and `flow` draw the
# mouth anew from the sound, the first one late; `ldm` and `reenact` draw the whole inner face; `faceswap` keeps the lips in time. So ask for each alone, this time with a classifier that knows
# the forger and only not the people.

# %%
random = runs.random_features(fresh, sample, tapped, nb.p.store)
early |= {key: x for key, x in random.items() if key[2] == "random"}
seen = runs.seen_table(early, sample, nb.p)
conditions = ("own", "silent", "shuffled", "random")
by_kind = {kind: np.array([[seen[f, kind, c] for c in conditions] for f in runs.FORGERS]) for kind in kinds}
fig = figures.heat_grid(by_kind, runs.FORGERS, conditions, low=0.3, high=1.0, unit="AUROC",
                        x="sound, or random weights", title="Known forgers, new people, t = 24")
nb.show(fig, **words.seen(seen, runs.FORGERS))
for forger in runs.FORGERS:
    for condition in conditions:
        nb.record(f"auroc_seen.{forger}.{condition}", seen[forger, "cross", condition])

# %% [markdown]
# ## 8 How good is the mask alone?
#
# The paper's psi is pasted together with blurred masks of face and lips. Whatever follows the mask will look like attention to the
# lips. So the last controls use no learned attention at all: the mask itself, and a random probe seen through the mouth mask.

# %%
plain = {key: x[sample.unseen] for key, x in (runs.mask_features(sample) | random).items()}
bare, _ = runs.intervals(plain, close, nb.p, nb.seed)
against = {"silent": near["cross", 24, "silent"], "shuffled": near["cross", 24, "shuffled"],
           "mask only": bare["mask", 24, "mask_only"], "random weights": bare["cross", 24, "random"],
           "random weights x mouth": bare["cross", 24, "random_mouth"]}
psi_own = near["cross", 24, "own"]
lines = [(name, v.value, v.lo, v.hi) for name, v in {"psi, own sound": psi_own, **against}.items()]
nb.show(figures.dot_interval(lines, x="AUROC", null=0.5, title="Psi and its controls, t = 24"),
        **words.controls(psi_own, against))
nb.record("auroc_mask_only", against["mask only"].value)
for kind in kinds:
    nb.record(f"auroc_24.{kind}.own", near[kind, 24, "own"].value)
    nb.record(f"auroc_24.{kind}.random", bare[kind, 24, "random"].value)
nb.record("auroc_randw_mouth", against["random weights x mouth"].value)

# %% [markdown]
# ## 9 How sure?
#
# Two questions about the same number. How much would it move with other people? And where would it land if the labels meant nothing?

# %%
psi_features = at_24["cross", 24, "own"]
by_clips = runs.intervals({"psi": psi_features}, close, nb.p, nb.seed, by="clips")[0]["psi"]
null = experiments.permuted(psi_features, close, nb.p.n_permutations, np.random.default_rng(nb.seed),
                            classifier=nb.p.classifier)
band = tuple(float(q) for q in np.quantile(null, (0.025, 0.975)))
lines = [(name, v.value, v.lo, v.hi)
         for name, v in (("people resampled", psi_own), ("clips resampled", by_clips))]
fig = figures.dot_interval(lines, x="AUROC of cross attention, t = 24", null=0.5, null_band=band,
                           title="Interval and null band")
nb.show(fig, **words.sure(psi_own, by_clips, band))
nb.record("null_band_lo", band[0])
nb.record("null_band_hi", band[1])
nb.record("permuted_auroc", null.mean())
nb.record("width_ratio", (psi_own.hi - psi_own.lo) / max(by_clips.hi - by_clips.lo, 1e-9))

# %% [markdown]
# Three rows of the claims ledger are judged from these numbers, over several seeds of clips (one run shows the shape, no verdict).
# A row with several parts holds only if each part does.


# %%
def evidence(*pairs):
    """Claim parts from pairs of intervals: {name: (estimate, draws)} of a - b."""
    return {name: (difference(a, b).value, difference(a, b).draws) for name, a, b in pairs}


labels = {"labels": runs.label_control(null)}
cross_24, temporal_24, spatial_24 = (near[kind, 24, "own"] for kind in ("cross", "temporal", "spatial"))
order = evidence(("cross-temporal", cross_24, temporal_24), ("temporal-spatial", temporal_24, spatial_24))
nb.claim("L15", order, labels)
if steps_asked == [24, 249, 499]:
    at = {t: own["cross", t, "own"] for t in steps_asked}
    nb.claim("L16", evidence(("24-249", at[24], at[249]), ("249-499", at[249], at[499])), labels)
parts = (("own-shuffled", "shuffled"), ("own-silent", "silent"), ("own-mask_only", "mask only"),
         ("own-random", "random weights"))
nb.claim("L17", evidence(*((part, psi_own, against[name]) for part, name in parts)), labels)

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 02.1 Attention by hand
# Difficulty 2 · Importance 5 · 8 minutes. From `q` (heads, N, d), `k` and `v` (heads, M, d) return the probabilities
# (heads, N, M) and the output (heads, N, d) before $W^O$.


# %%
def attention_parts(q, k, v):
    """Return (prob, out)."""
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1]**0.5
    prob = np.exp(scores - scores.max(-1, keepdims=True))
    prob = prob / prob.sum(-1, keepdims=True)
    return prob, prob @ v
    ### END SOLUTION


course.check("02.1", attention_parts)

# %% [markdown]
# ### 02.2 From tokens to a film
# Difficulty 3 · Importance 5 · 12 minutes. Spatial and cross tokens come as (b t, h w, c), temporal ones as (b h w, t, c). Return
# (b, c, t, h, w).


# %%
def to_map(tokens, kind, b, t, h, w):
    """Return the film (b, c, t, h, w) of the tokens of one attention layer."""
    ### BEGIN SOLUTION
    if kind == "temporal":
        return tokens.reshape(b, h, w, t, -1).transpose(0, 4, 3, 1, 2)
    return tokens.reshape(b, t, h, w, -1).transpose(0, 4, 1, 2, 3)
    ### END SOLUTION


course.check("02.2", to_map)

# %% [markdown]
# ### 02.3 A null band
# Difficulty 3 · Importance 5 · 12 minutes. `fit_and_score(fit_labels, score_labels, on="test")` fits a classifier on the training clips of
# `fit_labels` and returns its AUROC on the test clips of `score_labels`. Return the 2.5 and 97.5 per cent points over `n` permutations.


# %%
def null_band(fit_and_score, labels, groups, n, rng):
    """Return (lo, hi): where the score falls when labels mean nothing."""
    ### BEGIN SOLUTION
    scores = []
    for _ in range(n):
        permuted = labels.copy()
        for g in np.unique(groups):
            permuted[groups == g] = rng.permutation(labels[groups == g])
        scores.append(fit_and_score(permuted, permuted))
    return np.quantile(scores, 0.025), np.quantile(scores, 0.975)
    ### END SOLUTION


course.check("02.3", null_band)

# %% [markdown]
# ### 02.4 The share of the sound
# Difficulty 2 · Importance 3 · 8 minutes. Energy of the difference over energy of psi with its own sound, inside a mask (t, h, w); psi is (c, t, h, w).


# %%
def audio_share(psi_own, psi_silent, mask):
    """Return the share of psi's energy that depends on the sound."""
    ### BEGIN SOLUTION
    return (mask * (psi_own - psi_silent)**2).sum() / (mask * psi_own**2).sum()
    ### END SOLUTION


course.check("02.4", audio_share)

# %% [markdown]
# ## How this can fool you
#
# The mask paints the lips. White noise, multiplied with a blurred lip mask and averaged over 16 frames, is a convincing "the model
# attends to the lips". Move the slider: below which share of real psi do you see no difference any more?

# %%
mouth = nb02_clips.region_masks(one.regions, h, w)["mouth"][0]
lips = {share: runs.painted_lips(psi, mouth, share, nb.seed)
        for share in np.round(np.linspace(0, 1, 11), 1).tolist()}
mask, energy = runs.lip_mask(mouth)[0], np.sqrt((psi**2).mean((0, 1)))


def mixture(share):
    return {"psi and noise, times the mask": pictures.paint(lips[share], "magnitude", 1.0),
            "the mask alone": pictures.paint(mask, "magnitude", 1.0),
            "psi without a mask": pictures.paint(energy, "magnitude")}


painted = explore(
    mixture, title="How much psi does a lip map need?", size=240, share=list(lips),
    labels={"share": "share of real psi"}, start={"share": 1.0},
    alt=lambda v, result: words.fooled(v["share"], runs.correlation(lips[v["share"]], lips[1.0])))
nb.show(painted, alt=words.fooled(0.0, runs.correlation(lips[0.0], lips[1.0])),
        caption="A map that was multiplied with a mask shows the mask. Ask for all three pictures, side by side.")
nb.record("mask_noise_corr", runs.correlation(lips[0.0], lips[1.0]))

# %% [markdown]
# **What this does not show:** anything about Hallo, whose psi has 320 channels, three pasted modules and other data. The verdicts are about
# this probe on drawn heads.
#
# ## Summary
#
# - An attention output is not a probability, and neither is evidence of why a decision was made.
# - A tap is only as good as its proof: same bits, right pass, right timestep, nothing left behind.
# - "It separates" and "it separates because sound and lips agree" are two claims; silence and someone else's sound tell them apart.
# - Only at t = 24 does a comparison of attention kinds compare what hears with what does not.
# - A map multiplied with a mask shows the mask.
#
# **What next:** 05 (the whole detector), 08 (where a model looks, and causal tests of it).
#
# **Read next:** Vaswani et al. 2017, Attention is all you need (NeurIPS) · Rombach et al. 2022, Latent diffusion models (CVPR) · Xu et al. 2024,
# Hallo (arXiv 2406.08801) · Guo et al. 2024, AnimateDiff (ICLR) · Hertz et al. 2023, Prompt-to-Prompt (ICLR) · Tang et al. 2023, What the
# DAAM (ACL) · Jain & Wallace 2019, Attention is not explanation (NAACL) · Wiegreffe & Pinter 2019, Attention is not not explanation (EMNLP).
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
