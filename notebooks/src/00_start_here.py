# %% [markdown]
# # 00 Start here: a clip, a row, a world
#
# This workbook takes four published deepfake detectors apart. For that it needs clips whose truth is known to the last pixel, and
# no data set gives them. So it draws its own: **SynthTalk**, people who do not exist, who say nothing in particular, and forgers who
# really forge them. This notebook shows what a clip is, where its truth lies, and how one can be fooled before any network is asked.
#
# Level 1 of 5. 30 minutes of reading and 20 of exercises.
#
# {{cost}}
#
# **You will be able to**
# - read any row of a manifest aloud: category, forger, segments, split;
# - rebuild a clip from its row and prove that it is the same;
# - split clips by people and prove that nothing leaks;
# - run the shortcut audit, and say what an AUROC of 0.60 from ten trifles would mean;
# - name three things that SynthTalk cannot show.
#
# | You need | how much | if it is missing |
# |---|---|---|
# | Python, arrays | necessary | a clip is two arrays and a row |
# | a ROC curve | helpful | AUROC: the chance that a random fake scores higher than a random real clip; 0.5 is a coin |

# %% tags=["parameters"]
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
clips_per_class: int = 16
frames: int = 16
n_permutations: int = 5
silence_ms: int = 60
split_people: int = 20
label_identity_share: float = 0.9

# %%
import numpy as np

from avlab import course, metrics, workbook
from avlab.clips import load_clip
from avlab.clips.audio import log_mel
from avlab.clips.datasets.synthtalk import generator_disjoint
from avlab.clips.manifest import category as category_of, leaks
from avlab.course import nb00_experiments as lab, nb00_traces as traces, nb00_words as words
from avlab.explain import shortcuts
from avlab.show import figures, figures_world as drawn, html, pictures, play, predict
from avlab.show.explore import explore
from avlab.show.figures_attention import interval_pairs

nb = workbook.start("00", globals())
p = nb.p
rows = lab.rows_of(p.manifest)
print(f"{len(rows)} clips of {len({row.identity for row in rows})} people; nothing of them is stored but this list")

# %% [markdown]
# Here are some of them, and what the forgers make of them.

# %%
cast = lab.one_of_each_cell(rows, seed=nb.seed)
films = {"real": [load_clip(row) for row in cast]}
for name in lab.FORGERS:
    films[name] = [load_clip(lab.forged(row, name, seed=k)) for k, row in enumerate(cast)]
sheet = drawn.sheet({name: [clip.frames for clip in own] for name, own in films.items()},
                    [f"person {row.identity}" for row in cast], title="One film, real and forged")
nb.show(sheet, **words.sheet(len(cast), len(lab.FORGERS)))

# %% [markdown]
# A clip has two streams, and either may be forged. So there are four **categories**, and two labels a clip, one for each stream. The film below
# is the first, in the seed's order, in which somebody says m, b or p twice: beat 3 will need that.

# %%
medium = lab.closing_lips(rows.select(forger="real", duration_s=1.28), seed=nb.seed)
four = {"RVRA: both real": medium, "RVFA: real picture, forged sound (rtvc)": lab.forged(medium, "", "rtvc"),
        "FVRA: forged picture (dub), real sound": lab.forged(medium, "dub"),
        "FVFA: both forged (faceswap, rtvc)": lab.forged(medium, "faceswap", "rtvc")}
categories = {name: load_clip(row) for name, row in four.items()}
player = play(categories, title="Four categories of one film", alt="{name}, {seconds} s with sound")
nb.show(player, **words.players(categories))

# %% [markdown]
# ## 1 What is a clip here?
#
# A row of the manifest: a line of words and numbers. Everything else follows from it. Here is one in which only parts are forged,
# drawn by the seed from all such rows.

# %%
partial = rows.select(duration_s=6.4, category="FVFA")
row = partial[int(np.random.default_rng(nb.seed).integers(len(partial)))]
clip = load_clip(row)
print(words.read_aloud(row))
said = lab.at_phonemes(clip)
named = [r.category == category_of(r.label_video, r.label_audio) for r in rows]
nb.record("category_from_labels_ok", np.mean(named))

# %%
mel, centres = log_mel(clip.audio, n_mels=40, hop_s=0.020), (np.arange(len(clip.frames)) + 0.5) / clip.fps
fig = figures.timeline(frames=(clip.frames, clip.fps), sound=(clip.audio, clip.sample_rate),
                       mel=(mel, 0.020, 7600), traces={"opening": (centres, clip.truth.mouth_shown)},
                       title=f"Row {row.clip_id}")
drawn.with_segments(fig, {"picture forged": row.segments_video, "sound forged": row.segments_audio})
nb.show(fig, **words.beat1(row, {name: float(np.mean(found)) for name, found in said.items()}))

# %% [markdown]
# Segments are given in seconds and half-open: frame k is forged if it *starts* inside [start, end). Outside them, the clip must be
# the real film, bit for bit. Is it?

# %%
real = load_clip(lab.source_of(row))
mask_ok, equal = lab.untouched(row, clip, real, closed=p.mutant == "closed_interval")
nb.record("frame_mask_ok", mask_ok)
nb.record("outside_segments_equal", equal)

# %% [markdown]
# ## 2 Is it always the same clip?
#
# Nothing but rows is shipped, so this had better be true. Render one row twice. Then change one number of it at a time: what they say, how
# the head moves, the camera, the person, the forger. Which change will touch the most pixels, and which the fewest?

# %%
guess = predict("00.2", "Only what is said changes. How many pixels of the film differ?",
                ["under 5 %", "about 15 %", "over half"])

# %%
original = films["real"][0]
again = load_clip(cast[0])
variants = lab.changes(cast[0], original, seed=nb.seed)
gaps = {name: lab.difference(film, original.frames) for name, film in variants.items()}
nb.record("clip_sha_equal", lab.digest(again) == lab.digest(original))
moved = gaps["speech seed"] > 2
pct = nb.record("speech_changes_pixels", moved.mean())
around = moved[:, 30:].sum() / max(moved.sum(), 1)

# %%
middle = len(original.frames) // 2
tiles = {name: film[middle] for name, film in variants.items()}
tiles |= {f"|{name}": gap[middle] for name, gap in gaps.items()}
fig = drawn.panels(tiles, columns=len(variants), unit="grey levels",
                   title="One number of the row changed at a time")
nb.show(fig, **words.beat2(int((gaps["nothing"] > 0).sum()), pct, around))

# %% [markdown]
# ## 3 Why does the mouth know the sound?
#
# In a real clip lips and voice agree because one tract makes both. Here the tract is a table: for every phoneme its formants and how far the
# mouth opens. Watch the grey spans. What must the lips do there, and what does the loudness do?

# %%
spoken = categories["RVRA: both real"]
at = (np.arange(len(spoken.frames)) + 0.5) / spoken.fps
track, loud = spoken.truth.track, lab.loudness_db(spoken.audio, len(spoken.frames))
fig = drawn.said_and_shown((np.arange(len(track)) + 0.5) / 200, track[:, :2], (at, spoken.truth.mouth_shown),
                           (at, loud), spoken.truth.phonemes, title="One track drives voice and lips")
cases = [lab.at_phonemes(one) for one in (spoken, real)]
closed, vowels = (np.concatenate([case[key] for case in cases]) for key in ("closed", "vowels"))
nb.show(fig, **words.beat3(closed.tolist(), vowels.tolist()))
nb.record("opening_gap", vowels.mean() - closed.mean())


# %%
def moment(frame):
    big = pictures.paint(spoken.frames[frame])
    symbol = lab.phoneme_at(spoken, at[frame])
    note = words.moment(at[frame], symbol, spoken.truth.mouth_shown[frame], loud[frame])
    return {"face": big, "mouth": big[lab.MOUTH].repeat(2, 0).repeat(2, 1), "note": note}


scrub = explore(moment, title="Frame by frame", frame=list(range(len(spoken.frames))),
                start={"frame": len(spoken.frames) // 3}, alt=lambda values, result: result["note"])
nb.show(scrub, alt=scrub.text, caption="Stop at an m, b or p and at the vowel after it.")

# %% [markdown]
# A rendered clip is only arrays. Real clips come as files, and files cost something: compression, and often a shift between picture and
# sound. Does ours survive the way through a film file and the decoder that reads any film?

# %%
found = lab.through_a_file(spoken)
n = min(len(found.clip.frames), len(spoken.frames))
strips = {"rendered": spoken.frames[:n], "from the file": found.clip.frames[:n]}
strips["difference"] = lab.difference(strips["from the file"], strips["rendered"])
fig = pictures.filmstrip(strips, times=np.arange(n) / spoken.fps, kinds={"difference": "grey"},
                         unit="grey levels", title="Through an mp4 and back")
nb.show(fig, **words.file(found, n))
nb.record("file_psnr", found.psnr)
nb.record("file_lag_ms", found.lag_ms)

# %% [markdown]
# ## 4 Fake or real, by eye?
#
# Eight clips, drawn by the seed, each real or forged in the picture by the toss of a coin. Write down eight answers before you go on.

# %%
short, rng = rows.select(duration_s=p.frames / 25), np.random.default_rng([nb.seed, 4])
pool = {0: short.select(forger="real"), 1: short.select(forger=lab.FORGERS)}
eight = [pool[int(kind)][int(rng.integers(len(pool[int(kind)])))] for kind in rng.integers(0, 2, 8)]
quiz = dict(zip("ABCDEFGH", map(load_clip, eight)))
fig = drawn.sheet({"": [one.frames for one in quiz.values()]}, list(quiz), title="Real or forged?")
nb.show(fig, alt="Eight clips, A to H, without labels: by eye at this size real and forged ones look alike.",
        caption="Rest the mouse on a clip and it moves. The truth follows below.")

# %%
truth = {f"{letter}: {one.row.forger}": drawn.hatched(one.frames[middle], one.truth.forged[middle])
         for letter, one in quiz.items()}
fig = drawn.panels(truth, columns=8, title="The truth: hatched is forged")
nb.show(fig, **words.revealed([one.row for one in quiz.values()]))

# %%
guess = predict("00.4", "How many of your eight answers were right?", [str(k) for k in range(9)])

# %%
outcomes = {k: metrics.wilson(k, 8) for k in range(9)}
lines = [(f"{k} of 8", k, 8 * lo, 8 * hi, "real") for k, (lo, hi) in outcomes.items()]
skilled = [f"{k}" for k, (lo, hi) in outcomes.items() if lo > 0.5]
fig = figures.dot_interval(lines, x="right answers of 8, with the 95 % interval of the rate behind them", null=4,
                           title="What can eight guesses show?", guess=guess, world="counting, no clips")
nb.show(fig, **words.votes(lines, skilled))

# %% [markdown]
# The eye sees little here. That is as it should be: the traces are there, but one has to know where to look. Each forger leaves one,
# with a cause that can be read in a page of code.

# %%
sources = films["real"]
made = {name: films[name] for name in lab.FORGERS}
pictures_of = {name: [c.frames for c in own] for name, own in made.items()}
grid = traces.lattice(pictures_of, [c.frames for c in sources])
lags = traces.lag_curves({"real": sources} | made)
step = traces.colour_step(made, sources)
still = traces.standing(pictures_of, [c.frames for c in sources], cast)
late = float(lags["lipsync"][0][np.argmax(lags["lipsync"][1])])
deep, off = step["faceswap"]
jump = float(np.nanmean(off[deep > 2]) - np.nanmean(off[deep < 0]))

# %%
fig = drawn.four_traces(grid, lags, step, still, title="What each forger leaves behind")
far = {name: float(curve[-1]) for name, (_, curve) in still.items()}
nb.show(fig, **words.traces(float(grid["reenact"][1][-1]), late, jump, far))
nb.record("trace_lattice_db", grid["reenact"][1][-1])
nb.record("trace_lag_ms", late)
nb.record("trace_colour_step", jump)
for name, alike in far.items():
    nb.record(f"trace_standing.{name}", alike)

# %% [markdown]
# ## 5 Could something silly tell them apart?
#
# A detector looks for the easiest difference, not for the one you mean. So before any detector: take **ten trifles** of every clip (mean grey, contrast, noise,
# sharpness, change from frame to frame, loudness, peak, leading silence, zero crossings, duration) and fit a logistic regression. If that
# finds a forger with AUROC 0.60, then 0.60 of every later figure about that forger may be noise level and loudness. No person, and no donor
# of a face, is on both sides. And the same audit with shuffled labels says how much is luck.

# %%
guess = predict("00.5", "Which forger is the easiest for ten trifles?",
                [*lab.FORGERS, "rtvc", "none of them"])

# %%
late_ms = p.silence_ms if p.mutant == "leading_silence" else 0
found = lab.audited(rows, p.clips_per_class, frames=p.frames, seed=nb.seed, late_ms=late_ms)
table = shortcuts.audit(found.data, seed=nb.seed)
shuffled = lab.null_band(found.data, p.n_permutations, seed=nb.seed)
band = tuple(np.quantile(shuffled, (0.025, 0.975)))
print(f"{len(found.data.label)} clips of {len(set(found.data.people))} people. Trifles:", *shortcuts.TRIFLES)

# %%
fig = drawn.audit([(name, i.value, i.lo, i.hi) for name, i in table.items()], band, guess=guess,
                  title="What ten trifles can read")
nb.show(fig, **words.audit(table, band))
for name, interval in table.items():
    nb.record(f"shortcut_auroc.{name}", interval.value)
nb.record("shortcut_gate_lo", max(i.lo for i in table.values()))
nb.record("permuted_auroc", shuffled.mean())

# %% [markdown]
# ## 6 And if a trifle were there?
#
# An audit that never fires is worth nothing. So plant one: start every *forged* sound a little later. This is no invention. Forged sound in
# FakeAVCeleb and in AV-Deepfake1M begins with a short silence that tells real from fake by itself (Smeu et al. 2025).

# %%
planted = shortcuts.audit(lab.with_silence(found, p.silence_ms), seed=nb.seed)
lines = [(name, when, i.value, i.lo, i.hi) for when, one in (("as it is", table), ("with silence", planted))
         for name, i in one.items()]
fig = interval_pairs(lines, x="AUROC of ten trifles", null_band=band,
                     title=f"{p.silence_ms} ms of silence before forged sound")
nb.show(fig, **words.silence(table["rtvc"], planted["rtvc"], "rtvc", p.silence_ms))
nb.record("shortcut_auroc_silence", planted["rtvc"].value)

# %% [markdown]
# ## 7 Split by clip or by person?
#
# Real data sets are worse than ours in one more way: most clips of a person carry one label. Take such a set, nine mean colours of hair,
# brow and cheeks, and the label of the nearest clip. Half of the clips are known, the other half is asked. Once the halves are
# made of clips, once of people. No forger leaves a trace in a mean colour.

# %%
guess = predict("00.7", "With halves made of clips, the AUROC is ...",
                ["about 0.5: colours say nothing", "about 0.6", "above 0.7"])

# %%
set_of = lab.colours(rows, p.split_people, p.label_identity_share, seed=nb.seed)
score = {}
for by in ("clip", "person"):
    half = lab.halves(set_of, by, seed=nb.seed)
    near = lab.nearest(set_of, half)
    score[by] = metrics.bootstrap_ci(shortcuts.within, near, set_of.label, half, groups=set_of.people, n=500,
                                     seed=nb.seed)
fig = figures.dot_interval([(f"split by {by}", i.value, i.lo, i.hi) for by, i in score.items()],
                           x="AUROC of the nearest colour", null=0.5, title="Recognising people", guess=guess)
nb.show(fig, **words.splits(score["clip"], score["person"]))
for by, interval in score.items():
    nb.record(f"auroc_by_{by}", interval.value)
nb.record("split_gap", score["clip"].value - score["person"].value)

# %% [markdown]
# SynthTalk's own split keeps people apart, donors included. Generators are shared by all its parts; where a question is about *new* forgers,
# there is a second protocol on top of the first.

# %%
apart = generator_disjoint(rows)
nb.record("leaks", len(leaks(rows)))
nb.record("leaks_generator_disjoint", len(leaks(apart, generators=True)))
lines = []
for split in ("train", "val", "test"):
    own, strict = ([r for r in some if r.split == split] for some in (rows, apart))
    forgers, few = (sorted({r.forger for r in some} - {"real"}) for some in (own, strict))
    lines.append((split, len({r.identity for r in own}), len(own), len(forgers), len(strict), ", ".join(few)))
head = ["split", "people", "clips", "forgers", "clips, generators apart", "forgers, generators apart"]
said = words.protocols(len(leaks(rows)), len(leaks(apart, generators=True)))
nb.show(html.Html(html.table(head, lines, caption="Two protocols")), **said)

# %% [markdown]
# ## 8 Which number means fake?
#
# Four data sets or their loaders, and no agreement. A loader that copies the number along has, for some of them, trained a detector of real clips; its AUROC
# of 0.2 is then an AUROC of 0.8 with the wrong sign. Here labels are words until one place turns them into a number: **1 is fake**.

# %%
polarity = [("Celeb-DF, test list", "first column of a text file", "real", "fake if 0"),
            ("MRDF on FakeAVCeleb (MSCT builds on it)", "c_label", "real", "fake if 0"),
            ("DFDC, test labels", "column label", "fake", "fake if 1"),
            ("LAV-DF", "n_fakes, modify_video, modify_audio", "one forged span", "fake if above 0; a label a stream")]
table_html = html.table(["where", "label stands in", "1 means", "here"], polarity, caption="What a 1 says")
turned = 1 - planted["rtvc"].value
nb.show(html.Html(table_html), alt="In two of four places 1 means real, in the others fake; here it is always fake.",
        caption=f"The planted silence of beat 6, read with the wrong polarity, has AUROC {turned:.2f}. "
                "What counts is the distance from 0.5.")

# %% [markdown]
# ## Exercises
#
# Five-minute rule: when twice the stated minutes are over, open the solution.
#
# ### 00.1 Four letters
# Difficulty 1 · Importance 5 · 5 minutes.
#
# A clip's category has the picture's letter, V, the sound's letter, A. `real` is R, `fake` F, `absent` -, `unknown` ?.

# %% tags=["exercise"]
def category(label_video: str, label_audio: str) -> str:
    """Return the category of a clip, for example "FVRA"."""
    ### BEGIN SOLUTION
    letter = {"real": "R", "fake": "F", "absent": "-", "unknown": "?"}
    return f"{letter[label_video]}V{letter[label_audio]}A"
    ### END SOLUTION


course.check("00.1", category)

# %% [markdown]
# ### 00.2 Split by people
# Difficulty 3 · Importance 5 · 15 minutes.
#
# A row has `identities`, the set of everybody in the clip, and `clip_id`, `identity`, `donor`, `path`. Return one name of `fractions`
# (`{"train": 0.6, ...}`, shares of *clips*) for each row, so that nobody stands in two splits; `seed` decides which group goes where.

# %% tags=["exercise"]
def split_by_identity(rows, fractions, seed):
    """Return a list of split names, one a row, with no person in two splits."""
    ### BEGIN SOLUTION
    import random
    groups = []  # (people, row numbers): clips that share anybody, directly or through others
    for number, row in enumerate(rows):
        near = [g for g in groups if g[0] & row.identities]
        people = set(row.identities).union(*(g[0] for g in near))
        groups = [g for g in groups if g not in near] + [(people, [number, *(k for g in near for k in g[1])])]
    random.Random(seed).shuffle(groups)
    room, names = {name: share * len(rows) for name, share in fractions.items()}, [""] * len(rows)
    for _, numbers in sorted(groups, key=lambda g: -len(g[1])):  # large ones first: the small ones fill the gaps
        split = max(room, key=room.get)
        room[split] -= len(numbers)
        for number in numbers:
            names[number] = split
    return names
    ### END SOLUTION


course.check("00.2", split_by_identity)

# %% [markdown]
# ### 00.3 Which frames are forged?
# Difficulty 2 · Importance 4 · 10 minutes.
#
# Frame k of n starts at k / fps seconds. It is forged where that moment lies in one of the half-open segments. No segments: no frame.

# %% tags=["exercise"]
def frame_mask(segments_s, n_frames, fps=25):
    """Return n_frames booleans, True where a frame starts inside a segment [start, end)."""
    ### BEGIN SOLUTION
    start = np.arange(n_frames) / fps + 1e-9  # a little slack: 0.28 * 25 is not quite 7 in floating point
    mask = np.zeros(n_frames, bool)
    for a, b in segments_s:
        mask |= (a <= start) & (start < b)
    return mask
    ### END SOLUTION


course.check("00.3", frame_mask)

# %% [markdown]
# ### 00.4 An interval for a share
# Difficulty 2 · Importance 3 · 8 minutes.
#
# The Wilson interval holds every rate p from which k of n would be less than 1.96 standard errors away: $|k/n-p|\le z\sqrt{p(1-p)/n}$.

# %% tags=["exercise"]
def wilson(k, n):
    """Return (lo, hi), the 95 % Wilson interval of k successes in n trials."""
    ### BEGIN SOLUTION
    z = 1.959964
    centre = (k / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(k * (n - k) / n**3 + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - half, centre + half
    ### END SOLUTION


course.check("00.4", wilson)

# %% [markdown]
# ## How this can fool you
#
# The cherry tree. Every paper shows an example, and nobody says how many were looked at before. Here are two groups, A and B, of *real*
# clips, dealt by a coin. Somebody claims that A is sharper, and looks for a pair that shows it. Move the slider: how many pairs did they look at?

# %%
pairs, apart_by = lab.pairs_of_reals(found, seed=nb.seed)


def cherry(k):
    best = int(np.argmax(apart_by[:k]))
    a, b = pairs[best]
    note = words.cherry(k, apart_by[best], apart_by[:k].mean())
    return {"": drawn.cherries(apart_by, k, title="The best pair so far"), "group A": found.middle[a],
            "group B": found.middle[b], "note": note}


tree = explore(cherry, title="How many pairs did you look at before you chose the figure?", start={"k": 10}, size=128,
               k=[1, 2, 5, 10, 20, 50, 100, 200], labels={"k": "pairs looked at"}, alt=lambda values, result: result["note"])
nb.show(tree, alt=tree.text, caption="There is no difference between the groups: which clip is called A was a coin. "
                                     "The best pair grows anyway, like the largest of k draws.")
nb.record("best_of_200", apart_by.max())

# %% [markdown]
# The rule of the course: example clips are drawn by the seed, before anybody looks.
#
# **What SynthTalk cannot show.** Faces with skin, light and a past; voices with words; forgers that a whole industry has polished. A trace
# was put here by the same hand that wrote the course, so finding it proves that a mechanism *can* work, not that it does work on a film of a person. And it cannot say
# how often anything happens: there is no base rate of forgery in a drawing.

# %% [markdown]
# ## Summary
#
# - A row determines a clip; its labels are words, one a stream, and its segments are half-open seconds.
# - Nobody stands in two splits, face-swap donors included; where forgers must be new, there is a second protocol.
# - Ten trifles and a straight line come before any detector; with the labels shuffled they say how much is luck.
# - Eight guesses show nothing, and the best of many examples shows what you looked for.
#
# **What next:** 10 (what a table gives away, no network needed) or 01 (a diffusion model walks a clip to noise and back).
#
# **Read next:** Khalid et al. 2021, FakeAVCeleb (NeurIPS D&B) · Smeu et al. 2025, Circumventing shortcuts in audio-visual deepfake detection datasets (CVPR) · Geirhos et al. 2020, Shortcut learning in
# deep neural networks (Nature MI) · Gebru et al. 2021, Datasheets for datasets (CACM) · Kapoor & Narayanan 2023, Leakage and the reproducibility crisis (Patterns) · Fant 1960, Acoustic theory of speech production.
#
# <details><summary>Glossary of the course</summary>
#
# {{glossary}}
#
# </details>
#
# ## Ethics and limits
#
# {{ethics}}

# %%
nb.finish()
