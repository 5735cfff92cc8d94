"""What the figures of notebook 06 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.words import percent, side_of


def span(interval, digits=3) -> str:
    """'0.710 [0.600, 0.820]'"""
    return f"{interval.value:.{digits}f} [{interval.lo:.{digits}f}, {interval.hi:.{digits}f}]"


def durations(share, median_ms) -> dict:
    """share of the consonants under two frames; median duration of all sounds in ms."""
    most = "Most" if share > 0.5 else "Few" if share < 0.2 else "Many"
    return {"alt": f"{percent(share)} of SynthTalk's consonants are shorter than two frames (80 ms); the median sound lasts {median_ms:.0f} ms.",
            "caption": f"{most} consonants are shorter than two frames. One frame is an incomplete syllable: that is why MSCT's keys look at neighbours."}


def impulse(reaches: dict) -> dict:
    """{kernel: frames reached on each side}."""
    said = ", ".join(f"kernel {k} reaches {r} frame{'s' * (r != 1)} to each side" for k, r in reaches.items())
    good = all(r == (k - 1) // 2 for k, r in reaches.items())
    return {"alt": f"After an impulse in one frame of K, {said}.",
            "caption": ("Each reach is (kernel - 1) / 2, as it must be" if good else "A reach is not (kernel - 1) / 2, which is a fault")
            + "; a kernel of 1 is plain attention up to a factor. The impulse also spreads along the feature axis: look at the rows of the heat map."}


def impulse_state(kernel, reach) -> str:
    return f"Kernel {kernel}: the impulse at frame 0 moves keys up to {reach} frame{'s' * (reach != 1)} away and features up to {reach} places away."


def permuted(plain, mssa, drop) -> dict:
    """Largest changes of the output of a plain and a multi-scale layer; loss of AUROC of a trained detector after the same renaming."""
    blind = "does not notice" if plain < 1e-9 else f"moves by {plain:.1e}, which it must not"
    cost = "costs the trained detector nothing that these clips show" if abs(drop) < 0.005 else f"moves the trained detector's AUROC by {-drop:+.3f}"
    return {"alt": f"Renaming the features of every head: plain attention {blind}; multi-scale attention changes by up to {mssa:.2f}.",
            "caption": f"A convolution over feature indices needs an order that features do not have. The same renaming {cost}."}


def readings(found: dict) -> dict:
    """found of `nb06_toys.identities`."""
    ok = max(found["one_query"], found["row_sum"], found["equal_queries"]) < 1e-12 < found["apart"]
    word = "three operators" if ok else "not the identities that were expected"
    return {"alt": f"Equal queries leave {found['equal_queries']:.0e} in maps and literal, and the plain mean of V in logits (off by {found['equal_logits']:.0e}): {word}.",
            "caption": "One sentence of the paper, three computations. Blue is below 0, orange above, on one scale a panel; slide the queries together and watch "
                       "which map dies and which turns flat."}


def readings_state(similarity, made: dict) -> str:
    sizes = ", ".join(f"{name} {size:.2g}" for name, (_, size) in made.items())
    return f"Cosine of the two queries {similarity:.1f}: largest output {sizes}."


def who_speaks(dca: dict, usual: dict) -> dict:
    """{change of the other stream: share of the output's energy outside the span of the own values}."""
    quiet = "stays inside" if max(dca.values()) < 1e-9 else f"leaves by up to {percent(max(dca.values()))}"
    loud = "does not" if max(usual.values()) > 1e-3 else "does too"
    return {"alt": f"Whatever becomes of the other stream, the differential output {quiet} the span of its own values; with keys and values from the other side it {loud} "
                   f"({percent(max(usual.values()))} outside).",
            "caption": "In DCA the other stream turns the weights and says nothing itself. In most code 'cross-attention' means the opposite: values from the other side."}


def mechanism(corr, with_loss, without) -> dict:
    """corr of d and log|Attn_BA|; log ratio of |Attn_BA| real over fake, with the alignment loss and without: Intervals."""
    word = {"above": "larger on reals", "below": "larger on fakes", "around": "not told apart between reals and fakes"}
    return {"alt": f"Rank correlation of d and the norm of Attn_BA: {span(corr, 2)}. With the loss the norm is {word[side_of(with_loss)]} (log ratio {span(with_loss)}), "
                   f"without it {word[side_of(without)]} ({span(without)}).",
            "caption": "The argument needs points that rise to the right and reals above fakes, with the loss and not without it. One point a test clip, mean over trainings."}


def mechanism_table(forging, noise) -> dict:
    """Log ratios of |Diff|: fake over real, and noise over own sound on real clips: Intervals."""
    more = "more than" if noise.lo > forging.hi else "less than" if noise.hi < forging.lo else "about as much as"
    raised = {"above": "raises", "below": "lowers", "around": "does not visibly change"}
    return {"alt": f"Forging {raised[side_of(forging)]} the norm of the difference (log ratio {span(forging)}); noise in place of the sound {raised[side_of(noise)]} it "
                   f"({span(noise)}), {more} forging does.",
            "caption": "A gain on fakes is evidence for the argument only where it exceeds what any disturbance of the query earns."}


def cells(effect: dict, found: dict) -> dict:
    """effects {"dca", "mssa", "interaction", "dca-mssa"} and cells {name: Interval}."""
    word = {"above": "helps", "below": "hurts", "around": "is not resolved"}
    best = max(found, key=lambda name: found[name].value)
    order = {"above": "DCA adds more than MSSA", "below": "MSSA adds more than DCA", "around": "which adds more is not resolved"}[side_of(effect["dca-mssa"])]
    return {"alt": f"DCA main effect {span(effect['dca'])}, MSSA {span(effect['mssa'])}, in AUROC; the best cell is {best} with {found[best].value:.3f}.",
            "caption": f"Here DCA {word[side_of(effect['dca'])]}, MSSA {word[side_of(effect['mssa'])]}, and {order}. Same clips, same picture vectors, paired seeds; "
                       "intervals resample people and trainings. The published panel has no interval, and is eight clips high."}


def hard(at_half, best, score) -> dict:
    gap = score - best
    word = "stays below" if gap > 0.005 else "touches"
    return {"alt": f"The AUC of yes-or-no answers runs from 0.5 to {best:.3f}, {at_half:.3f} at threshold 0.5; the AUROC of the same scores is {score:.3f}.",
            "caption": f"At its best threshold the hard-label AUC {word} the score's. Printed without a word, the two are the same three letters."}


def missed(rows: dict, seen) -> dict:
    """rows {forger: Interval}; seen = forgers that the training knew."""
    weakest = min(rows, key=lambda name: rows[name].value)
    new = "new to the training" if weakest not in seen else "known from the training"
    blind = [name for name, v in rows.items() if side_of(v, 0.5) != "above"]
    chance = f"not told from chance: {', '.join(blind)}" if blind else "all above chance"
    return {"alt": f"Weakest: {weakest}, AUROC {span(rows[weakest], 2)}, {new}; {chance}.",
            "caption": "One forger a row, against all reals, mean over the bundled detectors. One number over all forgers would hide the spread."}


def seen_and_new(seen, new, reals) -> dict:
    """AUROC Intervals of seen and unseen forgers, and of re-rendered reals in place of the fakes."""
    reach = "reaches" if seen.value >= 0.95 else "misses"
    control = "chance" if side_of(reals, 0.5) == "around" else "not chance, so something besides forgery is read"
    return {"alt": f"Forgers of the training {span(seen)}, which {reach} 0.95; new forgers {span(new)}; the fakes' own true clips in their place {span(reals)}: {control}.",
            "caption": "The last line is the control: the same people, words and cameras without any forger, scored as if they were fakes."}


def growth(correlation) -> dict:
    word = "grows with every step" if correlation > 0.999 else "grows" if correlation > 0.5 else "does not grow"
    return {"alt": f"With random weights and real clips only, the norm of the difference {word} from the own sound to noise (rank correlation {correlation:.2f}).",
            "caption": "No training, no forgery, and still a 'gain': what the norm measures is how much the query was disturbed."}


def growth_state(share, value) -> str:
    return f"Share {share:.2f} of the way to noise: mean norm of the difference {value:.3f}, on real clips, with random weights."


def islands(share) -> dict:
    return {"alt": f"The difference of two random softmax maps has islands too: {percent(share)} of its cells exceed half of the largest value.",
            "caption": "A diverging scale fills itself. Show the difference of two random maps beside yours before you interpret islands."}
