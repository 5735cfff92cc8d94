# %% [markdown]
# # 04 Cross-modal similarity
#
# Lips and voice come from one vocal tract, so in a real clip they agree. AMDD (figure 10) shows that its embeddings of picture and sound are
# closer for real clips than for fakes, "for each generator", and its equation 12 pulls picture and sound of fakes *together*. This notebook
# asks one thing: does similarity tell real from fake, and when can it not?
#
# {{cost}} Level 2 of 5. 45 minutes of reading and 30 of exercises.
#
# **You will be able to**
# - compute a lag curve and say which lag means "audio late";
# - judge a cosine against its shuffled baseline, never against 0;
# - predict which forgers similarity cannot see;
# - measure the pull of CMFFC against the separation that it is meant to help;
# - explain in one line why attention over one key has no gradient in Q and K.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 00 (clips, forgers) | necessary | its first three beats are enough |
# | correlation and cosine | necessary | exercise 04.1 writes the first, beat 5 takes the second apart |
# | notebook 01 (noise levels) | helpful | beats 9 and 10 use one network call and say what it does |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
frames_lag: int = 40
clips_per_class: int = 2
real_clips: int = 12
max_lag: int = 8
train_clips: int = 2
fp_weights: list[float] = [0.0, 0.2]
projection_epochs: int = 2
projection_seeds: int = 1
temperature: float = 0.07
token_epochs: int = 1
centred: bool = True
probe_clips: int = 1
noise_draws: int = 1
lag_clips: int = 1
probe_max_lag: int = 1
n_bootstrap: int = 200
n_permutations: int = 20

# %%
import numpy as np

from avlab import course, workbook
from avlab.clips.manifest import load as load_manifest
from avlab.course import nb04_attention as attention
from avlab.course import nb04_clips as clips
from avlab.course import nb04_experiments as experiments
from avlab.course import nb04_probe as probing
from avlab.course import nb04_runs as runs
from avlab.course import nb04_words as words
from avlab.course import nb10_arithmetic as arithmetic
from avlab.explain import controls, similarity, two_tower
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.show import predict
from avlab.show import figures_similarity as drawn
from avlab.show.explore import explore
from avlab.show.figures_attention import interval_pairs

nb = workbook.start("04", globals())
many = {"n": nb.p.n_bootstrap, "seed": nb.seed}

# %% [markdown]
# The clips are drawn by the seed, before anything is measured, and each is rendered once. Every forger forges the same people, and each
# person is there as a real clip too. Nothing in this notebook is trained on them: the two towers of beat 3 and the probe of beat 9 know
# real clips of other people only, and the projections of beat 6 are trained on the training split.

# %%
rows = load_manifest(nb.p.manifest)
names = clips.forgers(rows)  # single forgers, those of the picture first
fvra = clips.of_the_picture(rows)
early = -1 if nb.p.mutant == "audio_shift" else 0
sample = clips.load_sample(clips.draw(rows, nb.p.clips_per_class, nb.seed), nb.p.frames_lag, shift_frames=early)
train = clips.load_sample(clips.draw(rows, nb.p.train_clips, nb.seed, split="train"), clips.WINDOW)
reals = clips.load_sample(clips.draw(rows, nb.p.real_clips, nb.seed, names=(), reals=1), 80, shift_frames=early)
nb.record("leaks", len(set(sample.people) & set(train.people)))
print(f"test: {len(sample)} clips of {len(set(sample.people))} people, {nb.p.frames_lag / 25:.1f} s each; forgers: {', '.join(names)}")
print(f"train: {len(train)} clips of {len(set(train.people))} people; real clips to listen to: {len(reals)} of 3.2 s")

# %% [markdown]
# ## 1 Does the mouth move with the loudness?
#
# The simplest signal there is. How dark the mouth's box is says how far the mouth is open; the energy of the sound under each picture says
# how loud it is. Shift one against the other and correlate what overlaps:
#
# $$r(L)=\mathrm{corr}\big(\mathrm{opening}[t+L],\ \mathrm{loudness}[t]\big)$$
#
# A peak at $L>0$ means that the picture is late. The grey band says how high strangers get *at their best lag*. First the proof that the sign and the ends are right: a picture that copies its sound
# three frames late must give exactly 1 at lag +3.

# %%
nb.record("planted_peak", experiments.planted(nb.p.max_lag, circular=nb.p.mutant == "np_roll"))
guess = predict("04.1", "Which forger's lips come late?", ["faceswap", "lipsync", "dub", "none of them"])

# %%
at = similarity.lags(nb.p.max_lag)
table = experiments.curves(sample.opening, sample.loudness, nb.p.max_lag)
pool = experiments.mismatched(sample, nb.p.max_lag, nb.seed)
strangers = experiments.best_of_strangers(pool, nb.p.clips_per_class, **many)
lips = experiments.mean_curves(sample, table, ["real", *names], at, **many)
fig = drawn.lag_panels(runs.in_ms(lips), band=strangers, y="correlation", title="Lips and loudness",
                       mark=runs.marks(lips, strangers[1]))
nb.show(fig, **words.lips(lips, strangers))
for name, curve in lips.items():
    if name not in ("real", "lipsync"):
        nb.record(f"peak_lag.{name}", curve.peak)
nb.record("peak_lag_lipsync", lips["lipsync"].peak)
nb.record("lips_r_real", lips["real"].mean[nb.p.max_lag])

# %% [markdown]
# ## 2 How long must I listen?
#
# A mean over clips is one thing, a verdict on one clip another. Real clips only now, own sound and somebody else's, over 0.64 s (what AMDD,
# X-AVDT and the probe see), 1.6 s and 3.2 s.

# %%
guess = predict("04.2", "In how many real clips of 0.64 s is the highest point at lag 0?", ["95 %", "80 %", "65 %", "40 %"])

# %%
lengths = [16, 40, 80]
heard = experiments.listening(reals, lengths, nb.p.max_lag, nb.seed)
share, best = runs.listening(heard, reals.people, **many)
chance = 1 / len(at)
nb.show(drawn.listening(np.array(lengths) / 25, share, best, chance, title="Own and foreign sound"),
        **words.listening(lengths, share, best, chance))
nb.record("peak_lag_real", np.median([similarity.peak_lag(curve) for curve in heard[-1].own]))
for k, frames in enumerate(lengths):
    nb.record(f"peak_share.{frames}", share["own"][0][k])
    nb.record(f"mismatched_max.{frames}", best["another's"][0][k])
    nb.record(f"mismatched_zero.{frames}", heard[k].other[:, nb.p.max_lag].mean())

# %% [markdown]
# ## 3 Now with learned embeddings
#
# Two small towers, one for the mouth and one for the sound, were trained on real clips of the training people: each film had to find its
# own sound among those of the other clips of a batch (InfoNCE). They never saw a forgery or a label. The weights are bundled; their card
# says how they were made and which command repeats it. A frame's vector sees two frames on either side, and the similarity of a clip is
# the cosine of all its frames' vectors joined. Before it means anything: own sound against another person's, and both with random weights.

# %%
towers = two_tower.load(device=nb.device)
seen = experiments.embed(towers, sample, train)
fresh = experiments.embed(controls.reinitialised(towers, seed=nb.seed), sample, train)
own, other, pairs = runs.own_and_other(seen, sample, centred=nb.p.centred, **many)
own_random, other_random, pairs_random = runs.own_and_other(fresh, sample, centred=nb.p.centred, **many)
fig = drawn.histograms({"trained on real clips": {"own": own, "other": other}, "random weights": {"own": own_random, "other": other_random}},
                       x="cosine of picture and sound, real clips", title="Does the encoder hear?")
nb.show(fig, **words.hears(own, other, pairs, pairs_random))
nb.record("cos_own", own.mean())
nb.record("cos_shuffled", other.mean())
nb.record("cos_pairs_auroc", pairs.value)
nb.record("cos_pairs_auroc_random", pairs_random.value)

# %% [markdown]
# The towers were never shown a shifted sound. Do they know *when*?

# %%
tower_table = experiments.embedding_curves(towers, sample, train, nb.p.max_lag)
by_towers = experiments.mean_curves(sample, tower_table, ["real", *names], at, **many)
fig = drawn.lag_panels(runs.in_ms(by_towers), y="cosine", title="Similarity of the two towers, sound shifted",
                       mark=runs.marks(by_towers, np.quantile(other, 0.975)))
nb.show(fig, **words.towers_lag(by_towers))
nb.record("tower_lag_real", by_towers["real"].peak)
for name in names:
    nb.record(f"tower_lag.{name}", by_towers[name].peak)

# %% [markdown]
# All of it on one clip a forger, drawn by the seed. Move the sound, and watch where lips and loudness fall on each other.

# %%
state = runs.explorer_state(sample, table, tower_table, ["real", *names])
shown = explore(lambda forger, lag: runs.one_state(state, forger, lag), title="Similarity and lag", size=220, forger=["real", *names],
                lag=list(range(-3, 4)), labels={"lag": "the picture is taken to be late by (frames)"}, start={"lag": 0},
                alt=lambda v, _: words.explored(v["forger"], v["lag"], *runs.at_lag(state, **v)))
nb.show(shown, alt=words.explored("real", 0, *runs.at_lag(state, "real", 0)),
        caption="One clip proves nothing: its curve wobbles by as much as many effects are large. The panels above average over people.")

# %% [markdown]
# ## 4 Which forgers are invisible?
#
# AMDD's figure 10 in small: the cosine of every clip, by forger. The grey band is where pairs fall that do not belong together.

# %%
guess = predict("04.4", "Which forger's cosines lie on those of the reals?", ["none: every forgery breaks the agreement", "faceswap", "dub",
                                                                         "lipsync"])

# %%
cosine = seen.cosine(centred=nb.p.centred)
band = tuple(np.quantile(other, (0.025, 0.975)))
groups = {name: cosine[sample.forger == name] for name in ["real", *names]}
gaps = experiments.gaps(sample, cosine, names, **many)
means = {name: runs.ends(x) for name, x in experiments.by_forger(sample, cosine, groups, **many).items()}
nb.show(drawn.strips(groups, means, x="cosine of picture and sound", band=band, title="Which forgers are invisible?"),
        **words.invisible(gaps, band))

# %%
quiet = seen.cosine(audio=experiments.silence_vector(towers), centred=nb.p.centred)
scores = {"own sound": cosine, "silent": quiet, "random weights": fresh.cosine(centred=nb.p.centred)}
told = {kind: experiments.aurocs(sample, -score, names, **many) for kind, score in scores.items()}
lines = [(name, kind, *runs.ends(told[kind][name])) for name in names for kind in told]
nb.show(interval_pairs(lines, x="AUROC of low similarity", title="Similarity as a detector, with its controls"),
        **words.who_sees(*told.values()))
for name in names:
    for metric, kind in (("cos_auroc", "own sound"), ("cos_auroc_silent", "silent"), ("cos_auroc_random", "random weights")):
        nb.record(f"{metric}.{name}", told[kind][name].value)

# %% [markdown]
# "For each generator" is a claim about the worst of them, so every generator is a part of it. The control permutes labels inside each person.

# %%
labels = {"labels": (experiments.permuted_gap(sample, cosine, nb.p.n_permutations, nb.seed), -0.05, 0.05)}
nb.claim("L20", {name: (gaps[name].value, gaps[name].draws) for name in fvra}, labels)

# %% [markdown]
# ## 5 Is 0.8 a lot?
#
# Take vectors that have nothing to do with each other and add one common mean to all. Their cosine becomes $m^2/(1+m^2)$, whatever the number
# of dimensions. A ReLU at the end of an encoder is such a mean.

# %%
guess = predict("04.5", "Unrelated vectors with a common mean of 2 deviations: what is their cosine?", ["0.0", "0.2", "0.5", "0.8"])

# %%
sizes = [0.0, 0.5, 1.0, 2.0, 3.0, 5.0]
toys = {size: experiments.shared_mean(size, seed=nb.seed) for size in sizes}


def unrelated(common_mean):
    raw, centred = toys[common_mean]
    return {"": drawn.histograms({"as they are": {"": raw}, "after centring": {"": centred}}, x="cosine of unrelated vectors",
                                 y="share of pairs")}


nb.show(explore(unrelated, title="A common mean makes everything similar", common_mean=sizes, start={"common_mean": 2.0}, world="toy",
                labels={"common_mean": "common mean (deviations)"}, alt=lambda v, _: words.shared_mean(v["common_mean"], *toys[v["common_mean"]])),
        alt=words.shared_mean(2.0, *toys[2.0]), caption="64 dimensions, 400 pairs. Nothing about the pairs changes, only where the origin is.")
nb.record("shared_mean_error", max(abs(toys[s][0].mean() - similarity.shared_mean_cosine(s)) for s in sizes))

# %% [markdown]
# And in networks: the two towers, and an untrained AMDD before fusion, on pairs of strangers.

# %%
real = sample.pick(sample.label == 0)
unrelated_pairs = runs.unrelated(towers, real, train, len(names), nb.seed)
rows_of = [(name, kind, *runs.ends(x)) for name, both in unrelated_pairs.items() for kind, x in zip(("raw", "centred"), both)]
nb.show(interval_pairs(rows_of, x="mean cosine of strangers", null=0.0, title="Strangers, raw and centred"),
        **words.raw_cosines({name: (raw.value, centred.value) for name, (raw, centred) in unrelated_pairs.items()}))
for name, (raw, _) in unrelated_pairs.items():
    nb.record(f"raw_unrelated.{name.replace(' ', '_')}", raw.value)

# %% [markdown]
# ## 6 Does CMFFC pull the wrong pair together?
#
# $$L_{fp}=\frac{1}{|G|}\sum_{g\ge 1}\ \frac{1}{|P_g|}\sum_{(i,j)\in P_g}\big(1-\langle p_v^i,p_a^j\rangle\big)$$
#
# AMDD's equation 12 speaks of fakes only: picture and sound of all clips of one generator should point the same way. Figure 10 wants fakes
# to be *less* aligned than reals. Both act on the same two projections. So train these projections, on frozen towers, with weight 0, the
# paper's 0.2, and more.
#
# Before that, a box on batches of four over four classes (L08): how many of the pairs $(i,j)$ are a clip with itself?

# %%
self_pairs = arithmetic.diagonal_share(4, 4)
drawn_pairs = runs.pairs_with_itself(train, names, nb.seed)
print(f"batches of 4, four classes: {self_pairs:.1%} of CMFFC's pairs are a clip with itself; in the batches drawn here {drawn_pairs:.1%}")
nb.record("l08.diagonal_share", self_pairs)
nb.record("l08.ok", int(self_pairs > 0.5))
nb.record("self_pairs_drawn", drawn_pairs)
nb.record("cmffc_on_reals", runs.gradient_on_reals(nb.p.mutant))
guess = predict("04.6", "With more weight on CMFFC, the gap between real and fake cosine ...", ["grows", "stays", "shrinks", "turns round"])

# %%
trained = runs.projections(towers, sample, train, names, nb.p, nb.seed)
pulls = runs.pulls(trained, sample, fvra, nb.p, nb.seed)
kinds = ("true generators", "shuffled generators", "raw")
lines = [(f"weight {w:g}", kind, *runs.ends(pulls[kind][w])) for w in nb.p.fp_weights for kind in kinds]
nb.show(interval_pairs(lines, x="cosine, real minus fake", null=0.0, title="The gap under CMFFC"),
        **words.pull(*(pulls[kind] for kind in kinds)))
for w in nb.p.fp_weights:
    nb.record(f"cos_gap.{runs.name_of(w)}", pulls["true generators"][w].value)
    nb.record(f"cos_gap_shuffled.{runs.name_of(w)}", pulls["shuffled generators"][w].value)
    nb.record(f"cos_gap_raw.{runs.name_of(w)}", pulls["raw"][w].value)

# %%
lines = [(f"weight {w:g}", kind, *runs.ends(pulls[kind][w])) for w in nb.p.fp_weights for kind in ("real", "fake")]
nb.show(interval_pairs(lines, x="mean cosine of picture and sound, raw", null=0.0, title="Who moves?"), **words.where_they_go(pulls["real"], pulls["fake"]))
effects = {name: runs.effect_of(pulls[kind]) for name, kind in (("raw", "raw"), ("centred", "true generators"))}
nb.claim("L21", {name: (x.value, x.draws) for name, x in effects.items()},
         {"labels": runs.permuted_effect(trained, sample, nb.p, nb.seed)})

# %% [markdown]
# ## 7 What is attended with one key?
#
# AMDD's equation 6, as written: $\tilde v=\mathrm{LN}(v+\mathrm{MHA}(v,a,a))$ with $v$ and $a$ *pooled* vectors. One query, one key. A softmax over
# one number is 1, whatever the number is.

# %%
guess = predict("04.7", "How many of the 2,101,248 weights of both attentions get a gradient?", ["all", "three quarters", "half", "none"])

# %%
alone = attention.one_key()
nb.record("onekey_weight", alone.lowest if alone.lowest == alone.highest else 0)
nb.record("onekey_qk_grad_ratio", alone.gradient_ratio)
nb.record("l07.ok", int((alone.lowest, alone.highest, alone.gradient_ratio) == (1, 1, 0) and 2 * alone.silent == alone.weights))
model = attention.train_tokens(train, names, epochs=nb.p.token_epochs, seed=nb.seed, device=nb.device)
maps = attention.token_maps(model, sample, names)
blind = attention.token_maps(attention.untrained(model, nb.seed), sample, names)
moments = {name: runs.mean_of(attention.own_moment(m.maps), sample.people, **many) for name, m in (("trained", maps), ("random", blind))}
shown = {"one key, as written": np.ones((8, 1)), "tokens, trained": maps.maps.mean(0), "tokens, random weights": blind.maps.mean(0)}
fig = drawn.attention_maps(shown, step_ms=80, title="Pictures ask, sound answers")
nb.show(fig, **words.one_key(alone, moments["trained"], moments["random"], maps.auroc, attention.alike(maps.maps)))
for name, x in moments.items():
    nb.record(f"own_moment.{name}", x.value)
nb.record("token_auroc", maps.auroc)

# %% [markdown]
# ## 8 Silent or absent?
#
# For clips without sound (DFDM) AMDD puts silence in. What does a similarity say then?

# %%
groups = {name: quiet[sample.forger == name] for name in ["real", *names]}
means = experiments.by_forger(sample, quiet, groups, **many)
nb.show(drawn.strips(groups, {name: runs.ends(x) for name, x in means.items()}, x="cosine of picture and silence", band=band, title="Every clip with silence"),
        **words.silence(quiet.mean(), quiet.std(), np.ptp([x.value for x in means.values()])))
nb.record("cos_silent_mean", quiet.mean())
nb.record("cos_silent_sd", quiet.std())

# %% [markdown]
# ## 9 Ask the probe: does the right sound help to denoise?
#
# The bundled diffusion probe was trained to take noise off real talking heads, hearing their sound. Add noise to a clip ($t=249$), let it predict
# once with the clip's own sound and once with another person's, and compare its error around the lips:
#
# $$s=\log\frac{E(\text{another's sound})}{E(\text{own sound})}$$
#
# Nothing is trained, no fake was seen by anybody. Controls: silence in place of the own sound, and a probe with random weights.

# %%
guess = predict("04.9", "Which forger does this signal catch best?", ["faceswap", "lipsync", "dub", "rtvc"])
probe = DiffusionProbe.bundled(nb.device)
asked = runs.first_of_each(sample, nb.p.probe_clips)
few = sample.pick(asked)
measured = {"noise_draws": nb.p.noise_draws, "names": names, "seed": nb.seed, "n": nb.p.n_bootstrap}

# %%
agree, told = runs.agreements(probe, sample, asked, **measured)
groups = {name: agree["own"][few.forger == name] for name in ["real", *names]}
means = {name: runs.ends(x) for name, x in experiments.by_forger(few, agree["own"], groups, **many).items()}
nb.show(drawn.strips(groups, means, x="log error, another's sound over own", null=0.0, title="How much the own sound helps"),
        **words.probe_values(means))

# %%
lines = [(name, kind, *runs.ends(told[kind][name])) for name in names for kind in told]
nb.show(interval_pairs(lines, x="AUROC of low agreement", title="The probe's error as a detector, with its controls"),
        **words.probe_sees(*told.values()))
for name in names:
    for metric, kind in (("probe_auroc", "own sound"), ("probe_auroc_silent", "silent"), ("probe_auroc_random", "random weights")):
        nb.record(f"{metric}.{name}", told[kind][name].value)

# %% [markdown]
# ## 10 And when?
#
# The same error with the clip's own sound moved by a few frames: a lag curve without any embedding. Its lowest point says when lips and
# sound agree; a forger whose lips say something else has no such point.

# %%
guess = predict("04.10", "Where is the lowest error of a forger whose lips are 60 ms late?", ["0 ms", "+40 or +80 ms", "-40 or -80 ms"])

# %%
steps = list(range(-nb.p.probe_max_lag, nb.p.probe_max_lag + 1))
some = sample.pick(runs.first_of_each(sample, nb.p.lag_clips))
valleys = experiments.mean_curves(some, probing.lag_errors(probe, some, steps, draws=nb.p.noise_draws, seed=nb.seed), ["real", *names], steps, **many)
fig = drawn.lag_panels(runs.in_ms(valleys), y="error against its mean", title="Error of the probe, sound shifted",
                       mark={name: 40 * curve.valley for name, curve in valleys.items()})
nb.show(fig, **words.probe_lag(valleys))
for name, curve in valleys.items():
    nb.record(f"probe_lag.{name}", curve.valley)

# %% [markdown]
# ## Exercises
#
# Write the function, run its check; after twice the minutes, open the solution. Every check tells you the likeliest mistake.
#
# ### 04.1 A lag curve
# Difficulty 2 · Importance 5 · 10 minutes. Correlation of `opening` with `energy` (T numbers each) at the lags `-max_lag` to `max_lag`, over the
# frames that both have. A copy delayed by three frames peaks at +3.


# %% tags=["exercise"]
def lag_curve(opening, energy, max_lag):
    """Return the correlation at every lag, (2 max_lag + 1,)."""
    ### BEGIN SOLUTION
    curve = []
    for lag in range(-max_lag, max_lag + 1):
        a = opening[max(lag, 0):len(opening) + min(lag, 0)]
        b = energy[max(-lag, 0):len(energy) - max(lag, 0)]
        curve.append(np.corrcoef(a, b)[0, 1])
    return np.array(curve)
    ### END SOLUTION


course.check("04.1", lag_curve)

# %% [markdown]
# ### 04.2 A derangement
# Difficulty 2 · Importance 5 · 8 minutes. Whose sound does each clip get in the shuffled baseline? A permutation in which no clip meets its own
# person. Where there is none, raise a `ValueError`.


# %% tags=["exercise"]
def derange(identities, rng):
    """Return a permutation (N,) with identities[order] different from identities everywhere."""
    ### BEGIN SOLUTION
    identities = np.asarray(identities)
    largest = np.unique(identities, return_counts=True)[1].max()
    if 2 * largest > len(identities):
        raise ValueError("one person owns more than half of the clips")
    shuffled = rng.permutation(len(identities))
    order = shuffled[np.argsort(identities[shuffled], kind="stable")]  # sorted by person, at random inside
    taken = np.empty(len(identities), int)
    taken[order] = np.roll(order, -largest)  # a step that no person's block is longer than
    return taken
    ### END SOLUTION


course.check("04.2", derange)

# %% [markdown]
# ### 04.3 CMFFC
# Difficulty 3 · Importance 4 · 12 minutes. Tensors `p_video`, `p_audio` (B, D) and `generator` (B,), 0 = real. The mean over the generators of the
# batch of the mean over all pairs (i, j) of that generator, i = j included, of 1 minus the cosine.


# %% tags=["exercise"]
def cmffc(p_video, p_audio, generator):
    """Return the loss; fakes only, 0 where there are none."""
    ### BEGIN SOLUTION
    from torch.nn.functional import normalize
    apart = 1 - normalize(p_video, dim=1) @ normalize(p_audio, dim=1).T
    groups = [apart[generator == g][:, generator == g].mean() for g in generator.unique() if g >= 1]
    return sum(groups) / len(groups) if groups else apart.sum() * 0
    ### END SOLUTION


course.check("04.3", cmffc)

# %% [markdown]
# ### 04.4 InfoNCE
# Difficulty 3 · Importance 3 · 10 minutes. Row i of `a` and of `b` (B, D) comes from one clip. Each row must find its partner among all rows of the
# other side, in both directions, from cosine / temperature.


# %% tags=["exercise"]
def info_nce(a, b, temperature):
    """Return the symmetric InfoNCE loss."""
    ### BEGIN SOLUTION
    from torch import arange
    from torch.nn.functional import cross_entropy, normalize
    similarity = normalize(a, dim=1) @ normalize(b, dim=1).T / temperature
    partner = arange(len(a))
    return (cross_entropy(similarity, partner) + cross_entropy(similarity.T, partner)) / 2
    ### END SOLUTION


course.check("04.4", info_nce)

# %% [markdown]
# ## How this can fool you
#
# Best of many lags. Take films of 0.64 s with a *stranger's* sound. At lag 0 nothing agrees. Now allow yourself to look for the lag that fits best:
# "synchrony" climbs, although nothing is in step. Second slider: let every clip begin with a little silence and closed lips. Every pair agrees at
# lag 0, because all start together.

# %%
picked = {k: experiments.best_of_lags(heard[0].other, k) for k in range(nb.p.max_lag + 1)}
led = {k: experiments.led_by_silence(reals, k, nb.seed) for k in (0, 2, 4, 6)}


def agreement_of(values, x):
    return {"": drawn.histograms({"strangers": {"": values}}, x=x, bins=20)}


nb.show(explore(lambda max_lag: agreement_of(picked[max_lag], "highest correlation"), title="Strangers in step, if I may choose the lag",
                max_lag=list(picked), start={"max_lag": 0}, labels={"max_lag": "lags allowed (frames on either side)"}, alt=lambda v, _: words.chosen(v["max_lag"], 0, picked[v["max_lag"]].mean())),
        alt=words.chosen(0, 0, picked[0].mean()), caption="Take the maximum over lags of strangers as the baseline of a maximum over lags.")
nb.show(explore(lambda silence: agreement_of(led[silence], "correlation at lag 0"), title="Strangers in step, if all begin with silence",
                silence=list(led), start={"silence": 0}, labels={"silence": "silence at the start (frames)"}, alt=lambda v, _: words.chosen(0, v["silence"], led[v["silence"]].mean())),
        alt=words.chosen(0, 0, led[0].mean()), caption="A shared beginning is a shared mean in time: see beat 5.")
nb.record("chosen_lag.0", picked[0].mean())
nb.record(f"chosen_lag.{nb.p.max_lag}", picked[nb.p.max_lag].mean())
nb.record("led_by_silence", led[6].mean())

# %% [markdown]
# **What this does not show:** anything about AMDD's own embeddings, which were trained on FakeAVCeleb with labels, or about lips of real people.
# The towers and the probe know one drawn world, and a forger that keeps the sync is invisible to them by design.
#
# ## Summary
#
# - A lag has a sign; say which side is late before looking.
# - A cosine or a correlation is read against pairs that do not belong together, and a maximum against their maximum.
# - Similarity sees broken agreement and nothing else: a face swap that keeps the mouth is none of its business.
# - Pulling picture and sound of fakes together and wanting them apart are two wishes; the projections can grant one.
# - Attention over one key is a linear map with unused weights.
# - A generative model that listens is a synchrony meter for free: its error says whether the sound fits.
#
# **What next:** 06 (MSCT builds on the same similarity), 03 (what else an embedding holds).
#
# **Read next:** Chung & Zisserman 2016, Out of time (SyncNet, ACCV workshops) · van den Oord, Li & Vinyals 2018, CPC (arXiv 1807.03748) · Liang et al. 2022,
# Mind the gap (NeurIPS) · Steck, Ekanadham & Kallus 2024, Is cosine-similarity of embeddings really about similarity? (WWW companion) · Feng, Chen & Owens
# 2023, Self-supervised video forensics by audio-visual anomaly detection (CVPR) · McGurk & MacDonald 1976, Hearing lips and seeing voices (Nature) ·
# ITU-R BT.1359, Relative timing of sound and vision.
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
