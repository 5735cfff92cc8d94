"""What the figures of notebook 03 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.words import percent, span


def listed(names) -> str:
    """'a, b and c', 'none'"""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "none"


def clumps(of_noise: dict, of_uniform: dict) -> dict:
    """{perplexity: silhouette of a 20-means in the map}."""
    low, high = min(of_noise), max(of_noise)
    more = of_noise[low] - of_noise[high]
    word = "looks more clustered" if more > 0.05 else "looks less clustered" if more < -0.05 else "looks as clustered"
    apart = max(abs(of_noise[p] - of_uniform[p]) for p in of_noise)
    return {"alt": f"Noise at perplexity {low} {word} (silhouette of 20-means {of_noise[low]:.2f}) than at {high} ({of_noise[high]:.2f}); "
                   f"uniform points reach {of_uniform[low]:.2f} and {of_uniform[high]:.2f}.",
            "caption": f"No panel holds any class: every clump is the drawing's. Normal and uniform noise differ by {apart:.2f} at most, so a silhouette is "
                       "read against noise drawn the same way, never against 0."}


def knows(generator: dict, permuted: tuple, chance: float, learned) -> dict:
    """generator {network: Interval} of the probe's balanced accuracy; permuted (lo, hi) of shuffled labels; learned Interval of without minus untrained."""
    taught, untaught, fresh = (generator[name] for name in ("with", "without", "untrained"))
    clear = untaught.lo > permuted[1]
    told = "still names" if clear else "does not name"
    tail = "" if clear else " better than shuffled labels do"
    word = "so detection alone teaches some of it" if learned.lo > 0 else "so random weights come as far, or nearly"
    return {"alt": f"Without the attribution loss a probe {told} the generator{tail}: {span(untaught)}, with it {span(taught)}, random weights {span(fresh)}, "
                   f"permuted labels {permuted[0]:.2f} to {permuted[1]:.2f}, chance {chance:.2f}.",
            "caption": f"With minus without is {taught.value - untaught.value:+.2f}, without minus untrained {span(learned)}, {word}. "
                       "'Only attribution makes generators separable' needs that second difference to be small and the probe without it to be at chance. "
                       "'No network' reads what the encoders are given, mean spectra and loudness, without any of them."}


def drawing(overlap: float, method: str, perplexity) -> dict:
    word = "most" if overlap > 0.66 else "about half" if overlap > 0.4 else "few"
    return {"alt": f"{method} drawn twice at {perplexity} with two seeds: {percent(overlap)} of each point's 10 neighbours stay the same.",
            "caption": f"Move one control at a time. Between seeds {word} of the ten neighbours stay, and where a cluster lies, how large it is and how far "
                       "from the next one means nothing. Only clips of people whom no network has met are drawn."}


def one_map(state: dict, colour: str, share: float, chance: float) -> str:
    """What one drawing of the explorer shows: how often points of one colour lie together, against chance."""
    how = "" if state["method"] == "principal axes" else f", {state['neighbours']:g} neighbours, seed {state['seed']}"
    return (f"{state['method']}{how}, {state['network']} attribution loss: {percent(share)} of a clip's ten nearest points share its {colour}; "
            f"at random {percent(chance)} would.")


def truth(kept: dict, trust: dict, chance: float) -> dict:
    """kept {method: share of true neighbours kept at k = 10}, trust {method: trustworthiness@10}."""
    said = "; ".join(f"{m} keeps {percent(kept[m])}, trustworthiness {trust[m]:.2f}" for m in kept)
    best = max(kept, key=kept.get)
    worth = "under half" if kept[best] < 0.5 else "more than half"
    return {"alt": f"In the plane {worth} of the ten true neighbours survive: {said}; a random map would keep {percent(chance)}.",
            "caption": f"A drawing keeps {worth} of what it draws. Larger neighbourhoods are kept better: the plane shows districts, not addresses."}


def streams(found: dict, chance: dict, band: dict) -> dict:
    """found {(category, "visual" | "audio"): Interval}; chance, band {category: ...}."""
    parts, where = [], {}
    for category in dict.fromkeys(c for c, _ in found):
        for stream in ("visual", "audio"):
            where[category, stream] = found[category, stream].lo > band[category][1]
        parts.append(f"{category} visual {span(found[category, 'visual'])}, audio {span(found[category, 'audio'])}, chance {chance[category]:.2f}")
    carries = {c: listed(s for s in ("visual", "audio") if where[c, s]) for c in chance}
    reversed_ = carries.get("FVRA") == "visual" and carries.get("RVFA") == "audio"
    word = "as it should be: the fingerprint is in the stream that was forged" if reversed_ else "which is not simply the stream that was forged"
    return {"alt": "Probes before fusion: " + "; ".join(parts) + ".",
            "caption": f"Above shuffled labels: {'; '.join(f'{c} {s}' for c, s in carries.items())}: {word}. In FVRA the sound is real for every generator, so an "
                       "audio embedding without clusters there (the paper's figure 8) is what must come out, not a finding about audio."}


def heads(lo, hi, probe, untrained, constants: dict, printed: float, share_inside: float) -> dict:
    top = max(constants, key=constants.get)
    inside = "inside" if lo <= printed / 100 <= hi else "outside"
    return {"alt": f"Heads with fresh weights on one and the same embedding name {percent(lo)} to {percent(hi)} of the fakes right; a probe on it reaches {percent(probe)}. "
                   f"Always saying '{top}' gives {percent(constants[top])}; the printed {printed:g} % lies {inside} that range.",
            "caption": f"The head of our network without attribution loss, never trained, names {percent(untrained)}; {percent(share_inside)} of fresh heads do no better than "
                       "the printed number. What an untrained head says measures the head, not the embedding. Counts and constants of the paper's 145 fakes are in notebook 10, row L06."}


def stranger(name, aurocs: dict, where: dict) -> dict:
    """aurocs {score: Interval} of one stranger; where {class: share of its clips' neighbours}."""
    host = max(where, key=where.get)
    one = aurocs["distance"]
    word = "is recognised as new" if one.lo > 0.5 else "looks less new than the known clips" if one.hi < 0.5 else "is not told from the known clips"
    return {"alt": f"{name} lands among '{host}' ({percent(where[host])} of its neighbours) and {word}: novelty AUROC {span(one)} by distance, "
                   f"{span(aurocs['energy'])} by energy.",
            "caption": f"Crosses: {name}, which no network was taught. A classifier must call it something that it knows; whether it can also say 'this is new' is another "
                       "question, and it is the one with the interval."}


def novelty(table: dict, strangers) -> dict:
    clear = [name for name in strangers if table[name, "distance"].lo > 0.5]
    said = "; ".join(f"{name} {span(table[name, 'distance'])}" for name in strangers)
    word = f"{listed(clear)} can be called new" if clear else "no stranger can be called new"
    return {"alt": f"Novelty of strangers against known clips, AUROC by distance: {said}; {word}.",
            "caption": f"{word[0].upper()}{word[1:]} by the distance to the tenth neighbour. An AUROC near 0.5 means: it passes for one of the known, silently."}


def nuisances(found: dict, untrained: dict) -> dict:
    """found, untrained {label: excess agreement} of the trained network and of random weights; "generator" among them."""
    others, before = ({name: value for name, value in table.items() if name != "generator"} for table in (found, untrained))
    top, first = max(others, key=others.get), max(before, key=before.get)
    ratio = others[top] / max(found["generator"], 1e-9)
    word = "more than the generator" if ratio > 1 else "nearly as much as the generator" if ratio > 0.66 else "less than the generator"
    rest = f"here the strongest rival is {top}" if others[top] > 0.05 else "here nothing else that we asked for does"
    own = f"{first} ({before[first]:.2f})" if before[first] > 0.05 else "nothing that we asked for"
    return {"alt": f"{top[0].upper()}{top[1:]} explains {others[top]:.2f} of the neighbours beyond chance, {word} ({found['generator']:.2f}); with random weights "
                   f"the generator explains {untrained['generator']:.2f} and most is {own}.",
            "caption": "The same embedding, the same neighbours, other labels. A map coloured by generator hides whatever else made two clips neighbours; "
                       f"{rest}. With random weights neighbours share {own}: that is what training had to take away."}


def per_generator(table: dict, forgers, strangers) -> dict:
    low = min(forgers, key=lambda name: table[name].value)
    new = [table[name].value for name in strangers if name in table]
    missed = [name for name in strangers if name in table and table[name].lo <= 0.5]
    goal = "at or above" if table["all known"].value >= 0.95 else "below"
    drop = table["all known"].value - sum(new) / len(new)
    word = f"here strangers cost {drop:.2f} of AUROC" if drop > 0.03 else "here strangers cost hardly anything"
    return {"alt": f"Known forgers against real: AUROC {span(table['all known'])}, weakest {low} {span(table[low])}. Strangers: "
                   + "; ".join(f"{name} {span(table[name])}" for name in strangers if name in table) + ".",
            "caption": f"On forgers it was taught the detector lies {goal} 0.95; {word}. Not told from real among the strangers: {listed(missed)}. The paper prints 98.2 to "
                       "100 % accuracy on its three generators (table 6) and balanced accuracies of 50 to 67 % on other sets (table 8), on other data."}


def histogram(share_between: float) -> dict:
    word = "two heaps" if share_between < 0.2 else "two heaps that overlap" if share_between < 0.4 else "one heap, hardly two"
    return {"alt": f"Scores of real and known fake clips form {word}: {percent(share_between)} lie between the two medians' inner thirds.",
            "caption": "The paper's figure 6 shows two heaps in-domain. Strangers are drawn too: where their line follows the reals, the detector is silent about them."}


def confused(shares, rows, columns) -> dict:
    """shares (rows, columns) of the attribution head; the first rows are the columns' classes."""
    right = {name: shares[k][k] for k, name in enumerate(columns)}
    worst = min(right, key=right.get)
    line = shares[rows.index(worst)]
    taken = max((name for name in columns if name != worst), key=lambda n: line[columns.index(n)])
    goal = sum(v for n, v in right.items() if n != "real") / (len(right) - 1)
    return {"alt": f"The attribution head names known generators in {percent(goal)} of their clips; weakest {worst} ({percent(right[worst])}), then taken for {taken}.",
            "caption": f"Rows below the known classes are strangers: the head must call them something. Mean over known generators {percent(goal)}, "
                       f"{'at or above' if goal >= 0.9 else 'below'} 90 %; the paper prints 95.9 % of 145 fakes."}


def ablation(rows: dict, spread: float, fresh: tuple, printed: float) -> dict:
    """rows {variant: (auroc, head, probe)} means; spread = largest minus smallest probe over seeds of the whole model; fresh (lo, hi) of heads with
    fresh weights; printed = largest difference of the paper's rows with attribution, a share."""
    base = rows["with"]
    moved = {name: probe - base[2] for name, (_, _, probe) in rows.items() if name != "with"}
    beyond = [name for name, d in moved.items() if abs(d) > max(spread, 0.02)]
    word = f"{listed(beyond)} move{'s' * (len(beyond) == 1)} the probe by more than seeds do" if beyond else "no variant moves the probe by more than seeds do"
    said = "; ".join(f"{name} {percent(head)} by head, {percent(probe)} by probe" for name, (_, head, probe) in rows.items())
    head = "lies where fresh heads lie" if fresh[0] <= rows["without"][1] <= fresh[1] else "lies outside what fresh heads reach"
    size = "less" if printed < spread else "more"
    return {"alt": f"Generators named right: {said}. Seeds of one recipe differ by {percent(spread)}; {word}.",
            "caption": f"The head of 'without' {head} ({percent(fresh[0])} to {percent(fresh[1])}); the probe tells what is in the embedding. Seeds differ by "
                       f"{percent(spread)}: {word}. The printed rows with attribution differ by {percent(printed)}, {size} than our seeds (L06)."}


def fooled(dimensions, fitted, fresh) -> str:
    """Alt text of one state: (accuracy, silhouette) on what the map was fitted on and on fresh noise."""
    return (f"Noise of {dimensions} dimensions with shuffled labels: islands with silhouette {fitted[1]:.2f} and accuracy {fitted[0]:.2f} where the map was fitted, "
            f"{fresh[1]:.2f} and {fresh[0]:.2f} on fresh noise.")
