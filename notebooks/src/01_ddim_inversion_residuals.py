# %% [markdown]
# # 01 DDIM inversion residuals
#
# X-AVDT turns a talking-head diffusion model into a measuring instrument: it walks a clip back to noise, walks the noise
# forward to a clip again, and looks at what is missing. This notebook asks what that residual is made of, first on a toy whose
# answer is known on paper, then on the bundled probe.
#
# {{cost}} Level 3 of 5. 55 minutes of reading and 35 of exercises.
#
# **You will be able to**
# - write one v-prediction inversion step as a rotation;
# - predict, and check, how fast its error falls with the number of steps;
# - find three planted bugs, one of which a round trip cannot see;
# - split a residual into what the autoencoder lost and what the inversion lost;
# - decide with controls whether "fakes are reconstructed better" is about diffusion or about sharpness.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | notebook 00 | necessary | what a clip, a forger and a region are here |
# | Gaussian noise, a chain of small steps | necessary | the primer below |
# | diffusion models | helpful | the primer below |
#
# **Primer.** A diffusion model is trained to undo noise. A clean latent $x$ and a noise $\epsilon$ are mixed,
#
# $$z=\sqrt{\bar\alpha}\,x+\sqrt{1-\bar\alpha}\,\epsilon=\cos\theta\,x+\sin\theta\,\epsilon$$
#
# so every noise level is an angle: 0 is clean, a quarter turn is pure noise. The network is shown $z$ and told the
# level by a timestep 0 to 999. It answers with $v=\cos\theta\,\epsilon-\sin\theta\,x$, the direction in which $z$ moves when the angle
# grows. Believe the answer for one step, turn by a small angle $d$, and you have DDIM:
#
# $$z'=\cos d\;z+\sin d\;v$$
#
# With $d<0$ it makes pictures out of noise; with $d>0$ it finds the noise of a picture: that is inversion. Nothing in it
# is random.

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
steps: int = 8
toy_steps: list[int] = [5, 10, 20, 40]
clips_per_class: int = 1
control_clips: int = 2
fixed_point_iters: list[int] = [0, 1]
solver_clips: int = 1
audio_clips: int = 2
blur_px: list[float] = [0.0, 2.0]
prediction: str = "v"
zero_snr: bool = True

# %%
from functools import partial

import numpy as np
from scipy.stats import spearmanr

from avlab import course, metrics, workbook
from avlab.course import nb01_experiments as lab, nb01_toys as toys, nb01_walks as walks, nb01_words as words
from avlab.probe.ddim import Schedule, ddim_invert, ddim_invert_fixed_point, ddim_sample
from avlab.probe.diffusion_probe import DiffusionProbe
from avlab.probe.gaussian import exact_flow, ideal_denoiser, sigma_points
from avlab.probe.multistep import multistep_invert, multistep_sample
from avlab.show import figures, figures_diffusion as drawn, pictures, predict
from avlab.show.explore import explore

nb = workbook.start("01", globals())
p = nb.p
setting = {"prediction": p.prediction, "zero_snr": p.zero_snr}
invert = toys.inversion(p.mutant)  # the honest inversion, unless a mutant was asked for

# %% [markdown]
# ## 1 What does one step do to a number?
#
# Take the simplest data there are: single numbers from a normal distribution with mean 0.5 and spread 0.3. For them the
# best possible denoiser is a formula, and so is the exact flow: a number keeps its standardised value while the
# distribution widens around it. Grey curves are exact. Where do the dots of DDIM leave them?

# %%
starts = toys.MU + toys.S * np.linspace(-1.5, 1.5, 7)
fine = np.linspace(0, np.pi / 2, 60)


def dots(steps):
    at, values = toys.path(steps, starts, invert, **setting)
    gap = np.abs(values - toys.exact_path(at, starts)).max()
    fig = drawn.walks(fine, toys.exact_path(fine, starts), {f"{steps} steps": (at, values)})
    return {"": fig, "note": words.toy_path(steps, gap)}


walkers = explore(dots, title="Seven numbers on their way to noise", world=drawn.TOY,
                  steps=[3, 5, 8, 12, 20, 40], start={"steps": 5}, labels={"steps": "DDIM steps"},
                  alt=lambda values, result: result["note"])
nb.show(walkers, alt=walkers.text, caption="Each dot is one network call. The first turn is the widest: "
                                           "trailing timesteps are dense in t, not in angle.")

# %% [markdown]
# A dot leaves its curve because the network is asked about the old latent and told the new level. The old latent is all there is.
#
# ## 2 Twice the steps: how much less error?

# %%
guess = predict("01.2", "Twice the steps: what happens to the error of the inverted latent?",
                ["it halves", "it falls to a quarter", "it stays"])

# %%
steps_drawn = sorted({*p.toy_steps, 40})
errors = {n: toys.forward_error(invert, n, **setting) for n in steps_drawn}
second_steps = [n for n in p.toy_steps if 10 <= n <= 40]
second_steps = second_steps if len(second_steps) > 2 else [10, 20, 40]
second = {n: toys.forward_error(multistep_invert, n, spacing="angle", **setting) for n in second_steps}
slope = toys.order(p.toy_steps, [errors[n] for n in p.toy_steps])
slope_second = toys.order(list(second), list(second.values()))
fig = figures.lines_with_band(
    {"DDIM": (steps_drawn, list(errors.values())), "second order": (list(second), list(second.values()))},
    log_x=True, log_y=True, x="steps", y="rms error against the exact map",
    title="How fast does the error fall?", guess=guess, world=drawn.TOY)
nb.show(fig, **words.beat2(slope, errors[40], slope_second))

# %%
nb.record("toy_order", slope)
nb.record("toy_forward_error_40", errors[40])
nb.record("toy_second_order", slope_second)
nb.record("toy_roundtrip_40", toys.round_trip_error(invert, 40, **setting))

# %% [markdown]
# The second-order solver remembers the last answer and so sees how $v$ bends. It needs timesteps that are even in angle: with
# trailing spacing the first turn shrinks only with the square root of the number of steps, and the gain is lost.
#
# ## 3 Which bug does the round trip miss?
#
# On real clips nobody knows the exact map. What one can do is to walk there and back and compare. Here are four inversions;
# all four go back with the same correct sampler.
# - **correct**: the network is told the level it is going to;
# - **index**: it is told the step number 0, 1, 2, ... instead of the timestep 24, 49, 74, ...;
# - **swapped alpha**: image and noise are taken apart with the new level's alpha;
# - **source label**: it is told the level it comes from.

# %%
guess = predict("01.3", "Which bug cannot be seen in the round trip at 40 steps?",
                ["index", "swapped alpha", "source label", "each can be seen"])

# %%
four = {"correct": ddim_invert, "index": toys.invert_index, "swapped alpha": toys.invert_swap_alpha,
        "source label": toys.invert_source_label}
trip = {name: [toys.round_trip_error(f, n, **setting) for n in steps_drawn] for name, f in four.items()}
forward = {name: [toys.forward_error(f, n, **setting) for n in steps_drawn] for name, f in four.items()}
left, right = ({k: (steps_drawn, v) for k, v in one.items()} for one in (trip, forward))
fig = drawn.side_by_side(left, right, x="steps",
                         y=("round-trip error (share of the spread)", "error against the exact map (rms)"),
                         titles=("what one can measure", "what one wants to know"),
                         title="Four inversions, one sampler", guess=guess, world=drawn.TOY)
nb.show(fig, **words.beat3(steps_drawn, forward, trip))

# %% [markdown]
# The source label is a special case. Textbook Euler steps *do* use the source's level, and after the first step it is no
# worse than the target's. Its damage is done at the start: nobody ever trained the network at the clean level.
#
# And one bug is loud. At the last timestep nothing of the picture is left in $z$. The epsilon formula gets the picture by
# dividing by that nothing; with $v$ there is no division at all.

# %%
end = Schedule.ddim(40)
go_back = toys.sample_eps_at_terminal if p.mutant == "eps_at_terminal" else ddim_sample
noise = exact_flow(sigma_points(toys.MU, toys.S), toys.MU, toys.S, 0.0)
rebuilt = go_back(ideal_denoiser(toys.MU, toys.S, end), noise, end)
nb.record("terminal_finite", float(np.isfinite(rebuilt.numpy()).mean()))
print("by turning:",
      ddim_sample(ideal_denoiser(toys.MU, toys.S, end), noise, end).numpy().round(3),
      " by the epsilon formula:",
      toys.sample_eps_at_terminal(ideal_denoiser(toys.MU, toys.S, end), noise, end).numpy())

# %% [markdown]
# ## 4 And with a network?
#
# From here on the denoiser is the bundled probe: a small talking-head diffusion model that was trained on real SynthTalk clips and on
# nothing forged. $D$ is its decoder, $z_0$ the latent of the clip $x$, $z_T$ its noise, and $\hat z_0$ what comes back. At which step is the face
# gone? And where will the residual be largest?

# %%
probe = DiffusionProbe.bundled(nb.device, p.steps)
schedule = Schedule.ddim(p.steps, **setting)
clips = lab.material(p.manifest, p.clips_per_class, seed=nb.seed)
encode = lab.sampled_latent(probe, seed=nb.seed) if p.mutant == "sample_latent" else probe.encode
watch, passage, one = lab.Watch(p.steps), walks.Passage(p.steps), clips.take([0])
watched = {"invert": partial(ddim_invert, on_step=walks.each(watch.there, passage.there)),
           "sample": partial(ddim_sample, on_step=walks.each(watch.back, passage.back))}
calls, own = lab.network_calls(probe, lambda: lab.round_trip(probe, clips, schedule, encode=encode, **watched))
print(f"{len(clips)} clips of {len(set(clips.people))} people:",
      ", ".join(f"{np.sum(clips.forger == f)} {f}" for f in dict.fromkeys(clips.forger)))

# %%
there, back, agreement = watch.films(probe, own, frame=8)
psi_calls, _ = lab.network_calls(probe, lambda: probe.measure(one.frames, one.audio, phi=False))
regions = ("background", "face", "mouth")
means = {name: lab.in_region(own.residual[:1], one.regions, name)[0] for name in regions}
rows = {"x": own.x[0], "D(z_T)": lab.decoded(probe, own.z_T[:1])[0], "D(z0_hat)": own.rebuilt[0],
        "residual": own.residual[0]}
fig = pictures.filmstrip(rows, times=np.arange(16) / 25, kinds={"residual": "grey"}, unit="grey levels",
                         title="One real clip, to noise and back")
nb.show(fig, **words.beat4(words.first_below(agreement), p.steps, means))

# %%
apart = lab.grey(there, back)
levels = np.unique(np.linspace(0, p.steps, min(p.steps + 1, 41)).round().astype(int))
labels = [-1, *schedule.timesteps.tolist()]


def at_level(t):
    k = labels.index(t)
    note = words.level(t, agreement[k], apart[k].mean())
    return {"on the way to noise": pictures.paint(there[k]), "on the way back": pictures.paint(back[k]),
            "difference": pictures.paint(apart[k], "grey", apart.max()), "note": note}


walk = explore(at_level, title="There and back, level by level", t=[labels[k] for k in levels],
               start={"t": labels[levels[len(levels) // 3]]}, labels={"t": "timestep t (-1 is clean)"},
               alt=lambda values, result: result["note"])
nb.show(walk, alt=walk.text, caption="At the last timestep both are the same latent. Follow the difference "
                                     "down to t = -1: that is the residual, growing.")

# %%
nb.record("calls_phi", calls / -(-len(clips) // lab.batch_of(probe)))  # calls of one batch
nb.record("calls_psi", psi_calls)
once, twice = (encode(lab.tensor(one.frames)).cpu().numpy() for _ in range(2))
nb.record("latent_repeat", np.abs(once - twice).max())
real = clips.label == 0
nb.record("roundtrip_latent", lab.relative_error(own.z0_hat[real], own.z0[real]))

# %% [markdown]
# ## 5 How much of the residual has nothing to do with diffusion?
#
# The autoencoder alone already loses something: $|x-D(z_0)|$. The walk adds $|D(z_0)-D(\hat z_0)|$. Only the second part is what
# "inversion residual" promises.

# %%
guess = predict("01.5", "How much of the residual does the autoencoder make by itself, on real clips?",
                ["under a quarter", "about half", "over three quarters"])

# %%
classes = list(dict.fromkeys(clips.forger))
lost, added = lab.split(probe, own)
parts = {"autoencoder, |x - D(z0)|": lost, "inversion, |D(z0) - D(z0_hat)|": added}
heights = {name: [film[clips.forger == c].mean() for c in classes] for name, film in parts.items()}
share = lost[real].mean() / (lost[real].mean() + added[real].mean())
fig = drawn.stacked_parts(heights, classes, y="mean absolute error (grey levels)",
                          title="What a residual is made of", guess=guess)
nb.show(fig, **words.beat5(share, int(real.sum())))
nb.record("vae_share", share)

# %% [markdown]
# ## 6 Are fakes reconstructed better?
#
# That is the claim behind phi: a generator's output lies close to what a generator can draw, so it is inverted and
# rebuilt with a smaller mismatch (ledger row L14). The score is minus the log of the residual in the face. If the claim is
# false, every forger sits at 0.5. And if a probe with *random* weights finds the same, the claim was not about diffusion.

# %%
guess = predict("01.6", "Which forgers will have a smaller residual than reals?",
                ["all of them", "those that smooth the face", "none"])

# %%
residual = lab.in_region(own.residual, clips.regions, "face")
table = lab.auroc_table(residual, clips, seed=nb.seed)
few = lab.balanced_rows(clips, max(1, p.control_clips // 2), seed=nb.seed)
random_probe = DiffusionProbe.random(nb.device, p.steps, seed=nb.seed, like=probe)
deaf = lab.round_trip(random_probe, clips.take(few), schedule)
score = -np.log(lab.in_region(deaf.residual, clips.regions[few], "face"))
control = metrics.bootstrap_ci(metrics.auroc, score, clips.label[few], groups=clips.people[few],
                               seed=nb.seed)
band = lab.chance_band(score, clips.take(few), seed=nb.seed)
band_all = lab.chance_band(-np.log(residual), clips, seed=nb.seed)

# %%
by_class = {c: residual[clips.forger == c] for c in classes}
fig = drawn.strip_and_auroc(by_class, table, control=("random weights", control), null_band=band_all,
                            title="Is a smaller residual a sign of forgery?", guess=guess)
nb.show(fig, **words.beat6(table, control, p.clips_per_class))
nb.record("residual_auroc_all", table["all"].value)
for name, interval in table.items():
    if name != "all":
        nb.record(f"residual_auroc.{name}", interval.value)
nb.record("residual_auroc_randw", control.value)
nb.record("residual_auroc_randw_own", metrics.auroc(-np.log(residual[few]), clips.label[few]))

# %% [markdown]
# `rtvc` changes no pixel and `dub` only the mouth: the rest of their faces is as real as any. What would you expect of them?
#
# ## 7 Diffusion or sharpness?
#
# A blurred face has less to lose. Forgers that smooth get a small residual for free, and so would any smooth real face. So: how
# much does the residual depend on sharpness among *reals alone*, and is anything left of the fakes' advantage when that is
# taken out?

# %%
sharp = lab.sharpness_db(clips.frames, clips.regions)
matched = metrics.bootstrap_ci(lab.matched_auroc, residual, sharp, clips.label, groups=clips.people,
                               seed=nb.seed)
blurry = metrics.bootstrap_ci(metrics.auroc, -sharp, clips.label, groups=clips.people, seed=nb.seed)
rho = spearmanr(sharp[real], residual[real]).statistic
b1, b0 = np.polyfit(sharp[real], np.log(residual[real]), 1)
ends = np.array([sharp.min(), sharp.max()])
points = {c: (sharp[clips.forger == c], residual[clips.forger == c]) for c in classes}
fig = figures.scatter(points, x="high-frequency energy of the face (dB)", log_y=True,
                      y="residual of the face (grey levels)", title="Residual against sharpness",
                      line=(ends, np.exp(b0 + b1 * ends), "fitted on reals"))
nb.show(fig, **words.beat7(rho, table["all"], matched, blurry))

# %%
nb.record("sharpness_rho", rho)
nb.record("sharpness_auroc", blurry.value)
nb.record("residual_auroc_matched", matched.value)
parts = {name: (i.value - 0.5, i.draws - 0.5) for name, i in (("all", table["all"]), ("sharpness_matched", matched))}
nb.claim("L14", parts=parts, controls={"random_weights": (control.value, *band)})

# %% [markdown]
# ## 8 A better solver, a better detector?
#
# DDIM inversion is sloppy: its error is first order. Fixed-point iterations repair each step until the sampler undoes it exactly; the
# second-order solver of beat 2 makes a smaller error to begin with. If the residual is a property of the *clip*, a better solver
# should separate better, or at least as well.

# %%
guess = predict("01.8", "With more inner iterations the AUROC ...", ["rises", "stays", "falls towards 0.5"])

# %%
rows = lab.balanced_rows(clips, p.solver_clips, seed=nb.seed)
sub, floor = clips.take(rows), lab.in_region(lost[rows], clips.regions[rows], "face").mean()
repaired = {k: partial(ddim_invert_fixed_point, iterations=k) for k in p.fixed_point_iters}
seen, angles = {k: walks.Passage(p.steps) for k in (*repaired, "even")}, Schedule.ddim(p.steps, spacing="angle", **setting)
trips = {k: lab.round_trip(probe, sub, schedule, **seen[k].hooks(f)) if k else own.take(rows)
         for k, f in repaired.items()}
even = lab.round_trip(probe, sub, angles, **seen["even"].hooks(multistep_invert, multistep_sample))
by_k = {k: lab.in_region(t.residual, sub.regions, "face") for k, t in trips.items()}
areas = [metrics.bootstrap_ci(metrics.auroc, -np.log(r), sub.label, groups=sub.people, seed=nb.seed)
         for r in by_k.values()]
second_order = lab.in_region(even.residual, sub.regions, "face").mean()
means = [r.mean() for r in by_k.values()]
curve = {"DDIM, repaired": (list(by_k), means), "autoencoder alone": (list(by_k), [floor] * len(by_k)),
         "second order": ([0], [second_order])}

# %%
interval = {"DDIM, repaired": (list(by_k), *([getattr(a, end) for a in areas] for end in ("value", "lo", "hi")))}
fig = drawn.side_by_side(curve, interval, x="inner iterations",
                         y=("residual of the face (grey levels)", "AUROC of -log residual"),
                         log=(False, False), titles=("what is missing", "what it tells"), null=0.5,
                         title="Repairing the solver", guess=guess)
fig.update_yaxes(range=[-0.03, 1.03], col=2)
nb.show(fig, **words.beat8(list(by_k), means, areas, floor, second_order, p.solver_clips))
for k, r, a in zip(by_k, by_k.values(), areas):
    nb.record(f"residual_by_fixed_point.{k}", r.mean())
    nb.record(f"auroc_by_fixed_point.{k}", a.value)
nb.record("residual_second_order", second_order)

# %% [markdown]
# And to the eye: the same frame through every solver, from clean to noise and back.

# %%
passed = {"DDIM": passage.walk(own)[:, :, rows]}
passed |= {f"repaired {k} times": seen[k].walk(trips[k]) for k in trips if k}
passed["second order"] = seen["even"].walk(even)
kinds = walks.one_of_each(sub.forger)
seen_as = {solver: walks.films(probe, walk, kinds.values()) for solver, walk in passed.items()}
order = {name: k for k, name in enumerate(kinds)}
left = {solver: {name: walks.gap(film, k, 0) for name, k in order.items()} for solver, film in seen_as.items()}
clock = {solver: [-1, *(angles if solver == "second order" else schedule).timesteps.tolist()] for solver in passed}
top = max(lab.grey(film[0], film[1]).max() for film in seen_as.values())


# %%
def passing(solver, forger, step):
    k, film = order[forger], seen_as[solver]
    note = words.walked(solver, forger, step, p.steps, clock[solver][step], walks.gap(film, k, step))
    return walks.state(passed[solver], film, kinds[forger], k, step, top) | {"note": note}


inversion = explore(passing, title="To noise and back: solver, forger, step", solver=list(passed), forger=list(kinds),
                    step=walks.shown_levels(p.steps), quality=80, start={"step": 0},
                    alt=lambda values, result: result["note"])
nb.show(inversion, **words.walks(left))

# %% [markdown]
# ## 9 Does the sound matter to phi?
#
# The walk is conditioned on the clip's sound in both directions. If phi listens, another person's sound must cost something, and
# it must cost it at the mouth. The background is drawn beside it: no sound should matter there.

# %%
rows = np.flatnonzero(real)[: p.audio_clips]
reals = clips.take(rows)
effects = lab.audio_effects(probe, reals, schedule, own.take(rows), seed=nb.seed)
spread = {key: metrics.bootstrap_ci(np.mean, values, groups=reals.people, seed=nb.seed)
          for key, values in effects.items()}
lines = [(f"{region}, {sound} sound", i.value, i.lo, i.hi) for (sound, region), i in spread.items()]
fig = figures.dot_interval(lines,
                           x="residual with that sound minus residual with the own sound (grey levels)",
                           null=0, title="What a wrong sound costs")
nb.show(fig, **words.beat9(spread["shuffled", "mouth"], len(rows)))
for region in ("mouth", "face", "background"):
    nb.record(f"audio_effect_{region}", spread["shuffled", region].value)

# %% [markdown]
# ## Exercises
#
# Stuck for more than twice the minutes? Open the solution.
#
# **01.1** Difficulty 2 of 5 · importance 5 of 5 · 10 minutes. One step, with the v of the primer. `abar_s` and `abar_t` are the levels it
# leaves and reaches.


# %% tags=["exercise"]
def invert_step(z, v, abar_s, abar_t):
    """Return z at the level abar_t, from z and v at the level abar_s."""
    ### BEGIN SOLUTION
    cos_s, sin_s = abar_s**0.5, (1 - abar_s)**0.5
    image, eps = cos_s * z - sin_s * v, sin_s * z + cos_s * v
    return abar_t**0.5 * image + (1 - abar_t)**0.5 * eps
    ### END SOLUTION


course.check("01.1", invert_step)

# %% [markdown]
# **01.2** Difficulty 3 of 5 · importance 5 of 5 · 15 minutes. The whole inversion. `schedule.timesteps` and `schedule.alphas` hold the labels and
# the levels in climbing order; `denoise(z, t)` returns v. Where does the first step start?


# %% tags=["exercise"]
def my_inversion(denoise, z0, schedule):
    """Return z at the last level, asking the network once a step."""
    ### BEGIN SOLUTION
    z, abar_s = z0, 1.0
    for t, abar_t in zip(schedule.timesteps, schedule.alphas):
        z = invert_step(z, denoise(z, int(t)), abar_s, float(abar_t))
        abar_s = float(abar_t)
    return z
    ### END SOLUTION


course.check("01.2", my_inversion)

# %% [markdown]
# **01.3** Difficulty 2 of 5 · importance 4 of 5 · 8 minutes. Split a residual. `x` is a uint8 film, `decode(z)` gives a film in 0..1 that
# may leave that range a little, as decoders do.


# %% tags=["exercise"]
def split_residual(x, z0, z0_hat, decode):
    """Return two films of grey levels: |x - D(z0)| and |D(z0) - D(z0_hat)|."""
    ### BEGIN SOLUTION
    coded, rebuilt = (np.clip(decode(z), 0, 1) * 255 for z in (z0, z0_hat))
    return np.abs(x.astype(float) - coded), np.abs(coded - rebuilt)
    ### END SOLUTION


course.check("01.3", split_residual)

# %% [markdown]
# **01.4** Difficulty 4 of 5 · importance 4 of 5 · 15 minutes. Beat 7 by hand: the AUROC (fake = 1 is positive, and the claim is that fakes have the
# *smaller* residual) after the straight-line dependence of log residual on sharpness is taken out.


# %% tags=["exercise"]
def matched_auroc(residual, sharpness, label):
    """Return the AUROC of what sharpness does not explain; the line is fitted on reals (label 0) only."""
    ### BEGIN SOLUTION
    b1, b0 = np.polyfit(sharpness[label == 0], np.log(residual[label == 0]), 1)
    left = np.log(residual) - b0 - b1 * sharpness
    return metrics.auroc(-left, label)
    ### END SOLUTION


course.check("01.4", matched_auroc)

# %% [markdown]
# ## How this can fool you
#
# **A residual is not a forgery meter.** Take one real clip and blur it. Nothing is forged. Where does its residual go?

# %%
soft = {s: lab.blurred(one, s) for s in p.blur_px}
soft_trips = {s: lab.round_trip(probe, film, schedule) if s else own.take([0]) for s, film in soft.items()}
faces = [lab.in_region(t.residual, one.regions, "face")[0] for t in soft_trips.values()]
middle = tuple(np.quantile(residual[clips.label == 1], (0.25, 0.75)))
fig = drawn.one_curve_and_band(list(soft), faces, (*middle, "middle half of the fakes"),
                               x_title="blur (px)", y_title="residual of the face (grey levels)",
                               title="A real clip, blurred")
nb.show(fig, **words.blur(list(soft), faces, middle))
nb.record("blur_slope", np.polyfit(list(soft), faces, 1)[0])

# %%
top = max(t.residual.max() for t in soft_trips.values())


def look(sigma):
    t = soft_trips[sigma]
    note = f"Blurred by {sigma:g} px, the real clip has a mean face residual of {faces[list(soft).index(sigma)]:.1f} grey levels."
    return {
        "clip": pictures.paint(t.x[0, 8]), "rebuilt": pictures.paint(t.rebuilt[0, 8]),
        "residual": pictures.paint(t.residual[0, 8], "grey", top), "note": note
    }


blur = explore(look, title="Blur a real clip", sigma=list(soft), labels={"sigma": "blur (px)"},
               alt=lambda values, result: result["note"])
nb.show(blur, alt=blur.text, caption="The same real clip at every position of the slider.")

# %% [markdown]
# **A perfect round trip is not a correct inversion.** Back to the toy, where the truth is known: repair each step as in beat 8, at 40
# steps.

# %%
ks = [0, 1, 2, 4]
repaired = {k: partial(ddim_invert_fixed_point, iterations=k) for k in ks}
there_and_back = [toys.round_trip_error(f, 40, **setting) for f in repaired.values()]
against_truth = [toys.forward_error(f, 40, **setting) for f in repaired.values()]
fig = drawn.side_by_side({"repaired": (ks, there_and_back)}, {"repaired": (ks, against_truth)},
                         x="inner iterations", log=(False, False),
                         y=("round-trip error (share of the spread)", "error against the exact map (rms)"),
                         titles=("what one can measure", "what one wants to know"),
                         title="Consistent, and wrong", world=drawn.TOY)
nb.show(fig, **words.perfect(ks, there_and_back, against_truth))
nb.record("toy_perfect_roundtrip", there_and_back[-1])
nb.record("toy_perfect_error", against_truth[-1])

# %% [markdown]
# **A codec in between is part of the residual.** X-AVDT's code saves each film as H.264 and subtracts what it reads back.

# %%
straight = own.residual[0]
saved = lab.grey(lab.through_codec(own.x[0]), lab.through_codec(own.rebuilt[0]))
fig = pictures.filmstrip({"floats": straight, "H.264 first": saved}, times=np.arange(16) / 25,
                         kinds={"floats": "grey", "H.264 first": "grey"}, unit="grey levels",
                         title="The same residual, before and after a codec", frames=6)
nb.show(fig, **words.codec(straight, saved))
nb.record("codec_change", saved.mean() - straight.mean())

# %% [markdown]
# **What this does not show:** whether phi helps a trained detector (notebook 05 asks that), and anything about real people or other
# generators. One small probe on one drawn world was measured.
#
# ## Summary
#
# - A DDIM step is a turn of the latent; inversion errs because it asks about the old latent at the new level.
# - The error is first order in the steps. A round trip can hide a wrong inversion, and a perfect one proves only consistency.
# - A residual has an autoencoder part and an inversion part; sharpness drives both. Take sharpness out before you speak of diffusion.
# - If a better solver takes the cue away, the cue was the solver's error.
#
# **What next:** 02 (what the attention to the sound reads, at which timestep) and 05 (phi and psi in a trained detector).
#
# **Read next:** Song, Meng & Ermon 2021, Denoising diffusion implicit models (ICLR) · Salimans & Ho 2022, Progressive distillation (ICLR) ·
# Lin et al. 2024, Common diffusion noise schedules and sample steps are flawed (WACV) · Wang et al. 2023, DIRE (ICCV) · Cazenavette et al.
# 2024, FakeInversion (CVPR) · Wallace, Gokul & Naik 2023, EDICT (CVPR) · Garibi et al. 2024, ReNoise (ECCV) · Mokady et al. 2023, Null-text
# inversion (CVPR) · Lu et al. 2022, DPM-Solver++.
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
