"""What the figures of notebook 07 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.nb02_words import percent, side_of, span

SENSES = {"all there": "with all there", "no sound": "declaring the sound absent", "silence": "silence in its place", "someone else's sound": "someone else's sound",
          "no lips": "declaring the lips absent"}

TIMELINE = ("Top: what is forged. Middle: proposals at the height of their score, pale below the threshold, over the probability of each fifth of a second. "
            "Bottom: the attention that each moment receives, 1 = an even share. Drag the dashed line, or move the slider; listen, and a line shows the "
            "moment: can you hear the splice?")


def grid(lengths, cover, nearest, step) -> dict:
    """lengths (n,) s; cover, nearest (n,) mean IoU on a grid of `step` seconds."""
    first = next((f"reaches 0.95 only beyond {length:.1f} s" for length, iou in zip(lengths, cover) if iou > 0.95), "never reaches 0.95 here")
    at = min(range(len(lengths)), key=lambda k: abs(lengths[k] - 0.6))
    word = "better" if nearest[at] > cover[at] + 0.01 else "worse" if nearest[at] < cover[at] - 0.01 else "no better"
    return {"alt": f"A cover on a grid of {step:g} s labels {lengths[at]:.1f} s with IoU {cover[at]:.2f} and {first}; rounding to the nearest step gives {nearest[at]:.2f}.",
            "caption": f"Rounding to the nearest step is {word} for short spans than the cover, which is the paper's rule. No network has been asked yet: this is "
                       "the ceiling of a detector that scores segments and has no regression head. The shaded lengths are those forged here."}


def by_hand(row_error, gap) -> dict:
    sums = "Rows sum to 1 in both" if row_error < 1e-5 else f"Rows miss 1 by up to {row_error:.2f}"
    turned = "N2 is N1 turned over" if gap < 1e-6 else f"N2 is not N1 turned over: they differ by up to {gap:.2f}"
    return {"alt": f"{sums}; {turned}.",
            "caption": "Left: whom X looks at in Y. Right: whom Y looks at in X. Both start from the same nine products; each is normalised over the side that is asked."}


def keys(unscaled, scaled, n) -> dict:
    word = "fewer than half as many" if unscaled < scaled / 2 else "about as many" if unscaled > 0.9 * scaled else "fewer"
    return {"alt": f"Unscaled {unscaled:.1f} of {n} keys, scaled by 1/sqrt(100) {scaled:.1f}, for codes that mean nothing.",
            "caption": f"Without the scale {word} keys take part. It depends on how saturated the tanh units are, so there is a line for three spreads; the dotted "
                       "line is where the paper stands, the other one is the textbook's scale."}


def watched(clip, truth, proposals, threshold) -> str:
    """Alt text of one state of the timeline; truth (M, 2), proposals (N, 3) above the threshold."""
    from avlab.metrics import interval_iou
    spans = " and ".join(f"{a:.2f} to {b:.2f} s" for a, b in truth) or "nothing"
    if not len(proposals):
        return f"Clip {clip}: forged is {spans}; no proposal reaches {threshold:.2f}."
    best = proposals[0]
    said = f"{len(proposals)} proposal{'s' * (len(proposals) != 1)} reach{'es' * (len(proposals) == 1)} {threshold:.2f}, the best {best[0]:.2f} to {best[1]:.2f} s"
    if len(truth):
        said += f" with IoU {interval_iou(best[None, :2], truth).max():.2f}"
    return f"Clip {clip}: forged is {spans}; {said}."


def curves(with_head, without, untrained, chance, aurocs) -> dict:
    """with_head, without {iou: Interval of AP}; untrained, chance Intervals of AP@0.5; aurocs (frames, clips)."""
    gain = {iou: with_head[iou].value - without[iou].value for iou in with_head}
    helps = [f"{iou:g}" for iou, g in gain.items() if g > 0.02]
    said = f"regression adds more than 0.02 at IoU {', '.join(helps)}" if helps else "regression adds nothing"
    strict = "so almost no span is frame-exact" if with_head[0.95].value < 0.1 else "so some spans are frame-exact"
    return {"alt": f"AP falls from {span(with_head[0.5])} at 0.5 to {span(with_head[0.95])} at 0.95; without regression {without[0.5].value:.2f} and "
                   f"{without[0.95].value:.2f}; untrained {untrained.value:.2f}, drawn spans {chance.value:.2f}.",
            "caption": f"Here {said}, {strict}: one frame lost in under 20 is already below 0.95. AR@10 ignores false alarms, AP does not. "
                       "The published curve is from other clips and forgers, at second hand: only the way it falls may be compared. "
                       f"The same models rank frames with AUROC {aurocs[0]:.2f} and clips with {aurocs[1]:.2f}."}


def target(ap, wanted, seeds) -> str:
    """One sentence about the target of the recipe."""
    reached = "reaches" if ap.value >= wanted else "does not reach"
    return f"Mean AP@0.5 over {seeds} training seeds is {span(ap)} and {reached} the target of {wanted:.2f} that was set before."


def streams(table) -> dict:
    """table {stream: Interval of AP@0.5} for picture, sound, both."""
    easy, hard = max(table, key=lambda k: table[k].value), min(table, key=lambda k: table[k].value)
    said = ", ".join(f"{name} {span(v)}" for name, v in table.items())
    word = "is far easier than" if table[easy].lo > table[hard].hi else "is not clearly easier than"
    return {"alt": f"AP@0.5 by what is forged: {said}.",
            "caption": f"A span forged in {easy} {word} one forged in {hard}. Each line is measured on these forgeries and all real clips, so the lines may be compared, not averaged."}


def family(differences, labels, chance_hi) -> dict:
    """differences {relative: Interval of MMMS-BA minus it}; labels Interval under permuted labels."""
    said = "; ".join(f"minus {name} {span(d)}" for name, d in differences.items())
    ahead = [name for name, d in differences.items() if side_of(d) == "above"]
    behind = [name for name, d in differences.items() if side_of(d) == "below"]
    word = (f"ahead of {', '.join(ahead)}" if ahead else "ahead of none of them") + (f" and behind {', '.join(behind)}" if behind else "")
    control = "inside" if labels.value <= chance_hi else "above"
    return {"alt": f"MMMS-BA {said}. With permuted span labels AP is {labels.value:.2f}.",
            "caption": f"At this budget MMMS-BA is {word}. The control with permuted labels lies {control} what drawn spans reach ({chance_hi:.2f}). "
                       "Lines overlap more than differences do: differences are paired, the same clips and people."}


def missing(plain, dropped) -> dict:
    """plain, dropped {condition: Interval}: trained with everything, and trained with a modality missing now and then."""
    def cost(table, name):
        return table["all there"].value - table[name].value
    worst = max(list(plain)[1:], key=lambda name: cost(plain, name))
    better = "less" if cost(dropped, worst) < cost(plain, worst) - 0.02 else "more" if cost(dropped, worst) > cost(plain, worst) + 0.02 else "as much"
    return {"alt": f"Silence costs {cost(plain, 'silence'):.2f} of AP@0.5, declaring the sound absent {cost(plain, 'no sound'):.2f}, someone else's sound "
                   f"{cost(plain, 'someone else' + chr(39) + 's sound'):.2f}, no lips {cost(plain, 'no lips'):.2f}; trained with gaps {cost(dropped, 'silence'):.2f}, "
                   f"{cost(dropped, 'no sound'):.2f}, {cost(dropped, 'someone else' + chr(39) + 's sound'):.2f}, {cost(dropped, 'no lips'):.2f}.",
            "caption": f"All pictures here have true sound, so the spans to be found never change. The dearest change is {SENSES[worst]}; a model that met gaps in "
                       f"training pays {better} for it."}


def pointing(rho, fresh, ratio, fresh_ratio) -> dict:
    """Intervals over people of the rank correlation and of the attention on forged moments over their share, trained and untrained."""
    word = {"above": "goes with", "below": "goes against", "around": "says nothing certain about"}[side_of(rho)]
    where = {"above": "more than", "below": "less than", "around": "about"}[side_of(ratio, 1.0)]
    beyond = "more" if rho.lo > fresh.hi else "no more"
    return {"alt": f"Rank correlation of attention and occlusion {span(rho)}; untrained {span(fresh)}. Forged moments receive {span(ratio)} times their share, untrained "
                   f"{span(fresh_ratio)}.",
            "caption": f"Attention {word} what the decision needs, {beyond} than in a network that never learned. Forged moments receive {where} their share. "
                       "A point is one moment of one clip."}


def mixing(outside, share, padded) -> dict:
    """outside: gradient of forged moments from elsewhere; share: of time that is not forged; padded: attention on unmasked padding."""
    word = "mostly from inside the span" if outside < 0.5 else "mostly from outside the span"
    return {"alt": f"{percent(outside)} of the gradient of a forged moment's codes comes from outside its span, which is {percent(share)} of the clip; unmasked, padded "
                   f"moments take {percent(padded)} of attention.",
            "caption": f"The recurrence has mixed time before attention begins: a code at time t is made {word}, and a weight on it is a weight on all of that. "
                       "Each row sums to 1; the frames are the forged spans."}


def diou(values) -> dict:
    """values {"definition": (n,), "released code": (n,)} over growing distance."""
    top, wrong = max(values["definition"]), max(values["released code"])
    bound = "stays below 2" if top < 2 else f"reaches {top:.1f}"
    return {"alt": f"The definition {bound}; with the sum of lengths in the denominator the loss of distant spans grows to {wrong:.0f}.",
            "caption": "Two spans of 0.4 s, further and further apart. The released code divides by the square of the summed lengths: equal where the spans just touch, "
                       "too mild where they overlap, without bound beyond."}


def sharp(scale, n_keys, n) -> str:
    return f"An untrained network, scores times {scale:g}: each row spreads over {n_keys:.1f} of {n} keys."
