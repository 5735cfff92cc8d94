"""What the figures of notebook 08 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.words import percent, side_of, span

NAMES = {"grad_cam": "Grad-CAM", "grad_cam_9x9": "Grad-CAM of the spectra", "integrated_gradients": "integrated gradients", "occlusion": "occlusion", "psi": "|psi|", "centre": "a centred blob",
         "edges": "Sobel edges", "uniform": "a uniform map", "random model": "Grad-CAM of random weights"}
FILLED = {"blur": "a blur", "mean": "the mean colour", "noise": "noise", "source": "the true clip", "black": "black", "other": "another clip"}


def named(method) -> str:
    return NAMES.get(method, method)


def listed(names) -> str:
    """'a, b and c', 'none'"""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "none"


def ratio_of(film, mask) -> float:
    """Pointing ratio of one clip's film, for the description of a state."""
    from avlab.explain.faithfulness import pointing_ratio

    return pointing_ratio(film, mask)


def one_layer(layer, kind, frame, film, mask) -> str:
    """Alt text of one state of the explorer of layers."""
    return f"Grad-CAM at the {layer} grid for a {kind}, frame {frame}: pointing ratio of its film {ratio_of(film, mask):.2f}."


def looks(layer, grid, px, share, area) -> dict:
    word = "more than its share" if share > 1.1 * area else "less than its share" if share < 0.9 * area else "about its share"
    return {"alt": f"At {layer} the map has {grid[0]} steps of {grid[1]} x {grid[2]} cells of {px:.3g} px; {percent(share)} of its mass lies in the forged "
                   f"area, which covers {percent(area)}: {word} of the area.",
            "caption": "Hatched: what the forger changed. Cells are drawn as they are; a smooth overlay would hide how few there are. In the paper's size a cell "
                       "of the last stage spans 32 px of 224. AMDD sees only the face: outside that box the frame is grey."}


def agree(names, table) -> dict:
    """names of the maps, table (M, M) mean rank correlations; the last two are the blob and the edges."""
    own = [n for n in names if n not in ("centre", "edges")]
    pairs = [(float(table[i][j]), a, b) for i, a in enumerate(names) for j, b in enumerate(names) if i < j and a in own and b in own]
    (most, *high), (least, *low) = max(pairs), min(pairs)
    outside = max((float(table[names.index(a)][names.index(b)]), a, b) for a in own for b in ("centre", "edges"))
    word = "more than" if outside[0] > most else "less than"
    pair = f"Highest agreement {most:.2f} ({named(high[0])} and {named(high[1])})" + (f", lowest {least:.2f} ({named(low[0])} and {named(low[1])})"
                                                                                     if len(pairs) > 1 else "")
    return {"alt": f"{pair}; {named(outside[1])} agrees with {named(outside[2])} at {outside[0]:.2f}, {word} any two methods agree.",
            "caption": "Rank correlation over 400 tiles, mean over clips. The methods answer different questions of one logit: what a layer's channels carry, what "
                       "the way from a baseline adds up to, what happens when a patch is hidden. Disagreement is no error; a map shown alone hides it."}


def weights_gone(last: dict, null: dict) -> dict:
    """last {method: mean correlation when every weight is random}; null {method: (lo, hi)} of two random networks."""
    above = [m for m in last if last[m] > null[m][1]]
    said = "; ".join(f"{named(m)} still correlates {last[m]:.2f} when every weight is random (two random networks: {null[m][0]:.2f} to {null[m][1]:.2f})"
                     for m in last)
    word = f"{listed(named(m) for m in above)} keeps more than two random networks share" if above else "no method keeps more than two random networks share"
    high = [m for m in null if null[m][1] > 0.5]
    tail = f" Two random networks agree up to {max(null[m][1] for m in high):.2f}: what they share is the picture and the grid." if high else ""
    return {"alt": f"{said}.",
            "caption": f"From the left one part after another loses its weights, the logit's head first. {word[0].upper()}{word[1:]}.{tail} A map that "
                       "does not change when the weights go does not show what they learned."}


def points(ratio: dict, methods, forgers: dict, effect: dict) -> dict:
    """ratio {map: geometric mean}; forgers {method: names of forgers whose ratio lies clearly above the blob's}; effect {"blob", "random_model": Interval}."""
    cam = "grad_cam" if "grad_cam" in methods else methods[0]
    clear = forgers[cam]
    word = f"above the blob for {listed(clear)} only" if clear else "above the blob for no forger"
    told = {"above": "points better than", "below": "points worse than", "around": "cannot be told from"}
    random = f"{named(cam)} {told[side_of(effect['random_model'])]} random weights and {told[side_of(effect['blob'])]} the blob"
    rest = ", ".join(f"{named(m)} {ratio[m]:.2f}" for m in methods if m != cam)
    return {"alt": f"{named(cam)} {ratio[cam]:.2f}, centred blob {ratio['centre']:.2f}, edges {ratio['edges']:.2f}, random weights {ratio['random model']:.2f}"
                   f"{', ' + rest if rest else ''}: {word}.",
            "caption": f"1 is a map that is equal everywhere. {random} (log ratio {span(effect['random_model'])} and {span(effect['blob'])}). Faces stand in the "
                       "middle and forgers work on faces: a blob that knows no network earns its ratio by that alone."}


def cares(gain: dict, methods, fills) -> dict:
    """gain {(method, fill): Interval} of AOPC over random order."""
    order = {f: tuple(sorted(methods, key=lambda m: -gain[m, f].value)) for f in fills}
    turns = len(set(order.values())) > 1
    said = "; ".join(f"{named(m)} " + ", ".join(f"{gain[m, f].value:.2f} with {FILLED[f]}" for f in fills) for m in methods)
    lost = [f for f in fills if all(gain[m, f].hi < 0 for m in methods)]
    tail = f" With {listed(FILLED[f] for f in lost)} every map does worse than chance." if lost else ""
    strange = [f for f in fills if "psi" in methods and order[f][0] == "psi"]
    tail += f" With {listed(FILLED[f] for f in strange)} the best is |psi|, which has never heard of this detector." if strange else ""
    return {"alt": f"Area between method and random order (logit): {said}: the ranking of the maps {'turns' if turns else 'holds'} from fill to fill.",
            "caption": f"Grey: random order. Whatever is put in is a picture too.{tail} 'The true clip' puts back the pixels that were there before the forgery, "
                       "which only a rendered world has; everybody else must choose a fill, and the choice is part of the answer."}


def one_curve(what, gain, back, methods) -> str:
    """Alt text of one state: the logit at the start and the end, and how far each map beats the random order."""
    kind, insert = what.split(", ")[1], what.startswith("insertion")
    if insert:
        ends = back["random", kind].mean(0)
        return f"Insertion into {FILLED[kind]}: the logit goes from {ends[0]:.1f} to {ends[-1]:.1f} as the film comes back, in the order of each map."
    said = ", ".join(f"{named(m)} {gain[m, kind].value:+.2f}" for m in methods)
    return f"Deletion with {FILLED[kind]}: mean fall of the logit beyond the random order, {said}."


def likeness(blur, sigmas, curves: dict) -> str:
    """Alt text of one state of the line-up; curves {letter: (len(sigmas),) cosine with the face}."""
    values = {name: curve[list(sigmas).index(blur)] for name, curve in curves.items()}
    return f"Blurred by {blur} px the six maps are like the face to {min(values.values()):.2f} to {max(values.values()):.2f} (cosine; 1 = the same picture)."


def filled(level: dict, before: float) -> str:
    """level {fill: mean logit of films that are all fill}; before = mean logit of the clips."""
    fake = [f for f in level if level[f] > 0]
    word = f"{listed(FILLED[f] for f in fake)} alone looks forged to this detector" if fake else "no fill alone looks forged to this detector"
    return f"The clips: logit {before:.1f}.\nAll fill: " + ", ".join(f"{FILLED[f]} {v:.1f}" for f, v in level.items()) + f".\nSo {word}."


def baselines(agreement: float, trained: float, random: float) -> dict:
    """agreement mean rank correlation between baselines; pointing ratios of integrated gradients from the true clip."""
    close = abs(trained - random) < 0.15 * trained
    word = "as well as" if close else "better than" if random > trained else "less than"
    return {"alt": f"Attributions of one logit from five baselines agree {agreement:.2f} on average (rank correlation); from the true clip the map puts {trained:.1f} times "
                   f"its share into the forged area, with random weights {random:.1f} times.",
            "caption": f"From the true clip (last map) the map is 0 wherever nothing was changed, by the factor (x - baseline). So a network with random weights "
                       f"points {word} the trained one: this baseline answers the question itself. Completeness holds for every baseline and tells none of them apart."}


def caught(flips: float, ranks: dict, pointing: float) -> dict:
    """ranks {method: median place of the mark among 100 tiles}."""
    found = [m for m in ranks if ranks[m] <= 1]
    said = "; ".join(f"{named(m)} puts the mark in place {ranks[m]:.0f} of 100" for m in ranks)
    word = f"found first by {listed(named(m) for m in found)}" if found else "found first by no method"
    return {"alt": f"Removing the mark flips {percent(flips)} of decisions; {said}.",
            "caption": f"White over black at the top right: the mark of 2 x 2 px, {word}; occlusion puts {pointing:.0f} times its share of mass there. You knew "
                       "where to look. A cheat that covers the whole face (a codec, a light) would leave a map that looks just right."}


def when(auroc: dict, late: dict) -> dict:
    """auroc {"occlusion", "own": Interval}; late {same: s}."""
    clear = [name for name in auroc if auroc[name].lo > 0.5]
    names = {"occlusion": "occlusion in time", "own": "the 16 frames around a step alone"}
    word = f"{listed(names[n] for n in clear)} tell{'s' * (len(clear) == 1)} when" if clear else "neither tells when"
    return {"alt": f"Frame AUROC {span(auroc['occlusion'])} by occlusion, {late['occlusion']:+.2f} s late; {span(auroc['own'])} by the score of each moment alone, "
                   f"{late['own']:+.2f} s late: {word}.",
            "caption": "Shaded: forged. Each step of 0.16 s is hidden behind its mean colour, and the fall of the clip's logit is drawn beside what the detector says of "
                       "the frames around it alone. The detector was trained on 0.64 s and averages over time: a long true part dilutes a short forgery."}


def hears(high: dict, sums: dict) -> dict:
    """high {forger: share of the positive fall above 4 kHz}; sums {forger: mean total fall, logit}."""
    top = max(sums, key=sums.get)
    heard = [name for name in sums if sums[name] > 0.1 * sums[top]]
    still = [name for name in sums if name not in heard]
    said = ", ".join(f"for {name} {percent(high[name])} of the drop lies above 4 kHz" for name in heard)
    return {"alt": f"Silence lowers the logit most for {top}: {said}; {f'{listed(still)} hardly move' if still else 'no group stays still'}.",
            "caption": "Fall of the logit when 8 bands of 80 ms become silence, mean over clips, one scale. The sound of dub is real, and so is that of 'real': what "
                       "is drawn there is the control, and what silence itself does to the logit is in all three."}


def fooled(right, gain: float) -> dict:
    word = "grows" if gain > 0.02 else "falls" if gain < -0.02 else "stays"
    return {"alt": f"Six smooth maps in three pairs; of each pair one is by the trained network ({', '.join(right)}). Blurred, the maps' likeness to the face {word} by "
                   f"{gain:+.2f} on average, whoever made them.",
            "caption": "Guess first, then read the description. Nothing in these pictures says which network made them; only the tests above do."}
