"""What the figures of notebook 02 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.words import percent, side_of, span

KINDS = ("spatial", "cross", "temporal")


def layers(found, change, hooks) -> dict:
    """found = list of AttentionLayer; change = largest difference of the output with and without the store."""
    counts = {kind: sum(x.kind == kind for x in found) for kind in KINDS}
    said = "is the same to the last bit" if change == 0 else f"differs by up to {change:.1e}"
    alt = (f"The probe has {counts['spatial']} spatial, {counts['cross']} cross and {counts['temporal']} temporal attention layers; "
           f"sound enters at the {counts['cross']} cross layers only. With the store open the network's output {said}.")
    quiet = "Reading changed nothing" if change == 0 and hooks == 0 else "Reading left a trace, which it must not"
    return {"alt": alt, "caption": f"{quiet}: the output {said}, and {hooks} hooks were left behind."}


def probability_or_output(row_error, low, high) -> dict:
    sums = "sum to 1" if row_error < 1e-4 else f"miss 1 by up to {row_error:.1e}"
    signed = low < 0 < high
    kind = "an output, not a map of probability" if signed else "one sign only here, and still no probability: nothing makes it sum to 1"
    return {"alt": f"Left: rows of the probabilities {sums}, no value below 0. Right: psi runs from {low:.2f} to {high:.2f}, {kind}.",
            "caption": "Left: 16 tiles, one a token slot, from 0 (dark) to the largest probability (bright). Right: 32 tiles, one a channel of psi, "
                       "blue below 0 and orange above. Whoever plots psi as a heat map has chosen how to make it positive."}


def offsets(trained, fresh) -> dict:
    """trained, fresh (R, 5): share of psi's movement by region and offset; regions mouth, face, background."""
    mouth, flat = trained[0], float(abs(fresh - 0.2).max())
    peak = int(mouth.argmax()) - 2
    spread = "every cell is within 5 points of 20 %" if flat < 0.05 else f"cells differ from 20 % by up to {percent(flat)}"
    where = "the present frame" if peak == 0 else f"offset {40 * peak:+d} ms"
    return {"alt": f"Psi in the mouth moves most when {where} is silenced: {percent(mouth.max())}, with {percent(mouth[2])} on offset 0; with random weights {spread}.",
            "caption": "Each row sums to 100 %. A token slot mixes all five frames, so the probabilities cannot show this; only taking a moment away can."}


def shares(found, t=24) -> dict:
    """found {(tap, t, region): share}."""
    m, f, b = (found["cross", t, region] for region in ("mouth", "face", "background"))
    order = "more than" if m > 1.1 * b else "less than" if m < 0.9 * b else "about as much as"
    return {"alt": f"At t = {t} {percent(m)} of psi's energy in the mouth depends on the sound, {percent(f)} in the face, {percent(b)} in the background.",
            "caption": f"The mouth depends on the sound {order} the background. A large share says that psi hears; whether it hears that lips and sound agree is another question."}


def grid(cells) -> dict:
    """cells {(kind, t, "own"): Interval}."""
    (kind, t, _), best = max(cells.items(), key=lambda item: item[1].value)
    rivals = sum(other.hi >= best.lo for other in cells.values() if other is not best)
    tie = f"{rivals} of the other {len(cells) - 1} cells overlap{'s' * (rivals == 1)} its interval" if rivals else "no other cell reaches its interval"
    clear = sum(cell.lo > 0.5 for cell in cells.values())
    chance = f"{clear} of {len(cells)} cells lie{'s' * (clear == 1)} above chance" if clear else "no cell lies above chance"
    return {"alt": f"Here {kind} attention at t = {t} is best ({span(best)}); {tie}; {chance}.",
            "caption": f"{tie[0].upper()}{tie[1:]}, and {chance}. The published order at t = 24 is cross, temporal, spatial, falling to the right. "
                       "Forgers and people of the test are unknown to the classifier. Cells right of t = 24 also carry the sound in their latents."}


def kinds(near, cross_minus_temporal, temporal_minus_spatial) -> dict:
    """near {(kind, 24, "own"): Interval}; the two differences as paired intervals."""
    word = {"above": "leads", "below": "falls behind", "around": "is not told apart from"}
    values = ", ".join(f"{kind} {span(near[kind, 24, 'own'])}" for kind in ("cross", "temporal", "spatial"))
    return {"alt": f"At t = 24: {values}. Cross minus temporal is {span(cross_minus_temporal)}.",
            "caption": f"Cross attention {word[side_of(cross_minus_temporal)]} temporal, and temporal {word[side_of(temporal_minus_spatial)]} spatial "
                       f"({span(temporal_minus_spatial)}). Both differences are paired: the same clips, the same resampled people."}


def noise(differences) -> dict:
    """differences {t: Interval of AUROC inverted minus noised}, t > 24."""
    if not differences:
        return {"alt": "Only t = 24 was asked for, where inversion and noise start from the same clean latent.", "caption": "Nothing to compare at t = 24."}
    said = "; ".join(f"t = {t}: {span(d)}" for t, d in differences.items())
    gains, losses = (", ".join(str(t) for t, d in differences.items() if side_of(d) == side) for side in ("above", "below"))
    word = " and ".join([f"buys something at t = {gains}"] * bool(gains) + [f"costs something at t = {losses}"] * bool(losses)) or "buys nothing that these clips can show"
    return {"alt": f"Inverted minus noised latents, difference of AUROC of cross attention: {said}. Inversion {word}.",
            "caption": "At t = 24 both start from the clean latent and are one and the same. Beyond, inversion needs (t + 1) / 25 calls and noise one."}


def sounds(own, silent, shuffled) -> dict:
    """Intervals of cross attention at t = 24."""
    drop = own.value - max(silent.value, shuffled.value)
    word = "falls" if drop > 0.03 else "rises" if drop < -0.03 else "hardly moves"
    return {"alt": f"Cross attention at t = 24 {word} from {span(own)} with its own sound to {span(shuffled)} with someone else's and {span(silent)} in silence.",
            "caption": "Same clips, same classifier, same scale; sound replaced in training and in test. A cell that keeps its value does not need the clip's own sound."}


def seen(table, forgers) -> dict:
    """table {(forger, kind, condition): AUROC} of clips whose forger the training knew."""
    heard = [f for f in forgers if table[f, "cross", "own"] - max(table[f, "cross", "silent"], table[f, "cross", "shuffled"]) > 0.1]
    deaf = [f for f in forgers if f not in heard and table[f, "cross", "silent"] > 0.6]
    said = "; ".join(f"{f} {table[f, 'cross', 'own']:.2f} own, {table[f, 'cross', 'silent']:.2f} silent" for f in forgers)
    split = (f"{', '.join(heard)} lose{'s' * (len(heard) == 1)} more than 0.10 without their own sound" if heard else "no forger loses more than 0.10 without its own sound")
    return {"alt": f"Cross attention at t = 24 by forger: {said}; {split}.",
            "caption": f"Where the value stays high in silence ({', '.join(deaf) or 'nowhere'}), psi is a picture feature seen through its queries, not a measure of agreement. Few clips a cell: read patterns, not digits."}


def controls(full, rows) -> dict:
    """full Interval; rows {name: Interval} of the controls."""
    name, top = max(rows.items(), key=lambda item: item[1].value)
    word = "above every control" if full.value > top.value else f"not above the control {name}"
    listed = ", ".join(f"{n} {v.value:.2f}" for n, v in rows.items())
    return {"alt": f"Full psi reads {span(full)}, {word}; controls: {listed}.",
            "caption": "One line a control, one axis for all. The claim that psi shows lip-speech agreement needs the first line right of all others, interval by interval."}


def sure(by_people, by_clips, band) -> dict:
    ratio = (by_people.hi - by_people.lo) / max(by_clips.hi - by_clips.lo, 1e-9)
    verb = "widens" if ratio > 1.05 else "narrows" if ratio < 0.95 else "hardly changes"
    inside = "inside" if band[0] <= by_people.value <= band[1] else "outside"
    return {"alt": f"Resampling people instead of clips {verb} the interval (factor {ratio:.2f}); the value {by_people.value:.2f} lies {inside} the null band {band[0]:.2f} to {band[1]:.2f}.",
            "caption": "People are the witnesses, clips are their statements. The grey band is where the same read-out lands when labels are shuffled inside each person."}


def fooled(share, correlation) -> str:
    """Alt text of one state of the last explorer."""
    return f"{percent(share)} real psi, the rest noise, times the lip mask: a blob on the lips, correlation {correlation:.2f} with the map of psi alone."


def looked_at(state: dict, ratio, level: float) -> str:
    """Alt text of one state of the attention explorer; ratio (2,) psi in the mouth over psi everywhere, real and fake; level  its mean, own sound = 1."""
    size = "" if state["sound"] in ("own sound", "random weights") else f" It is {100 * level:.0f} % as long as with its own sound."
    return (f"{state['kind'].capitalize()} attention, block {state['block']}, t = {state['t']}, {state['sound']}: in the mouth psi is {ratio[0]:.2f} times its "
            f"mean in the real clip, {ratio[1]:.2f} times in the fake.{size}")


def real_beside_fake(own, silent, fresh) -> dict:
    """Alt text and caption of the whole explorer; each (2,) a mouth ratio at t = 24, cross attention, last block: own sound, silence, random weights."""
    loud = [abs(own[k] - silent[k]) for k in (0, 1)]
    word = "hardly changes" if max(loud) < 0.1 else "changes"
    return {"alt": f"Cross attention at t = 24, mouth against frame: own sound {own[0]:.2f} (real) and {own[1]:.2f} (fake), silence {silent[0]:.2f} and "
                   f"{silent[1]:.2f}, random weights {fresh[0]:.2f} and {fresh[1]:.2f}.",
            "caption": f"Psi's length over channels in the frame with the widest mouth: white is its mean there, blue 0, orange twice the mean. "
                       f"Without the sound its place {word}: where psi is large is not yet what it hears. One fake is one clip; the table below counts. Psi has no heads left, they are mixed in its last product: "
                       "the heads are in the explorer of beat 2."}
