"""What the figures of notebook 09 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

import numpy as np

from avlab.course.nb03_words import listed
from avlab.course.words import percent, side_of, span


def matrix(m, names, null: float, strangers) -> dict:
    """m (R, R) AUROC of the main detector, rows taught, columns tested; null = mean of the same with shuffled labels."""
    m = np.asarray(m)
    off = np.where(np.eye(len(m), dtype=bool), np.nan, m)
    r, c = np.unravel_index(np.nanargmax(off), m.shape)
    low = np.unravel_index(np.nanargmin(off), m.shape)
    diag, rest = float(np.diag(m).mean()), float(np.nanmean(off))
    known = [i for i, name in enumerate(names) if name not in strangers]
    inside = float(np.nanmean(off[np.ix_(known, known)]))
    wrong = "below 0.5, so what it learned there speaks for the opposite" if m[low] < 0.45 else "not below 0.5"
    leak = ("But the network below these heads was taught all of them: among those known to it a head reaches "
            f"{inside:.2f} on forgers that only the head has never met. That is no transfer; 'no network' shows what is")
    return {"alt": f"Heads taught one forger reach AUROC {diag:.2f} on it and {rest:.2f} on the others; best transfer {names[r]} to {names[c]} ({m[r, c]:.2f}), worst "
                   f"{names[low[0]]} to {names[low[1]]} ({m[low]:.2f}); with shuffled labels {null:.2f}.",
            "caption": f"* a forger that the network was not taught. The worst cell is {wrong}. {leak}."}


def kept_out(out: dict, ceiling: dict, known, strangers, kept: dict) -> dict:
    """out, ceiling {forger: Interval} of the main detector; kept {detector: (mean AUROC left out, taught)}."""
    lost = {name: ceiling[name].value - out[name].value for name in out}
    worst = max(lost, key=lost.get)
    word = "hardly a forger needs its own lesson" if lost[worst] < 0.05 else f"most is lost for {worst} ({ceiling[worst].value:.2f} to {out[worst].value:.2f})"
    missed = [name for name in out if out[name].lo <= 0.5]
    shares = "; ".join(f"{name} {b:.2f} to {a:.2f}" + ("" if b > 0.55 else ", nothing there to keep") for name, (a, b) in kept.items())
    first, last = next(iter(kept.values()))[0], list(kept.values())[-1][0]
    verdict = "That is the network's knowledge, not the head's" if first > last + 0.05 else "The network adds no more of a general fake than its inputs hold"
    return {"alt": f"Mean AUROC over forgers, taught and left out: {shares}; {word}.",
            "caption": f"Not told from real when left out: {listed(missed)}. The network had met {listed(n for n in known if n in out)} before any head was fitted and never "
                       f"{listed(n for n in strangers if n in out)}. {verdict}."}


def beside(known, unseen, each: dict, printed: dict) -> dict:
    """known, unseen Intervals of AMDD's own score; each {detector: {stranger: Interval}}, AMDD first; printed {line: [AUROC]}."""
    word = {"above": "are detected", "around": "are not told from reals", "below": "rank below the reals"}[side_of(unseen, 0.5)]
    near = "inside" if 0.4 < unseen.lo and unseen.hi < 0.6 else "not inside"
    said = "; ".join(f"{line} {min(v):.2f} to {max(v):.2f}" for line, v in printed.items())
    clear = [name for name, cell in each["AMDD"].items() if cell.lo > 0.5]
    rest = "".join(f" {d}: mean {np.mean([c.value for c in cells.values()]):.2f}." for d, cells in each.items() if d != "AMDD")
    return {"alt": f"AMDD here: forgers it was taught {span(known)}, strangers {span(unseen)}, which {word}.{rest} Printed: {said}.",
            "caption": f"'Fakes of unseen generators are not detected' (AMDD, table 8) asks the whole interval to lie within 0.1 of 0.5: it is {near} that. Above 0.5 one by one: "
                       f"{listed(clear)}. Strangers here share drawn people and one camera with the training; AMDD's other sets share nothing. The printed numbers are of other data."}


def codec(curves: dict, levels, crf_of_last) -> dict:
    """curves {"known" | "strangers": {"clean lessons", "lessons through it": [AUROC as rendered, ... worst level]}}."""
    known = curves["known"]
    lost, back = known["clean lessons"][0] - known["clean lessons"][-1], known["lessons through it"][-1] - known["clean lessons"][-1]
    word = f"loses {lost:.2f}" if lost > 0.02 else "loses hardly anything"
    helps = f"lessons through the codec bring {back:.2f} back" if back > 0.02 else "lessons through the codec bring nothing back"
    gone = known["lessons through it"][-1] < known["clean lessons"][0] - 0.05
    why = "What they cannot bring back is no longer in the file" if gone else "So the trace was still in the file, in another place"
    return {"alt": f"At crf {crf_of_last} ({levels[-1]:.0f} kbit/s) a head with clean lessons {word} of AUROC on known forgers ({known['clean lessons'][0]:.2f} to "
                   f"{known['clean lessons'][-1]:.2f}); {helps}; strangers {curves['strangers']['clean lessons'][0]:.2f} to {curves['strangers']['clean lessons'][-1]:.2f}.",
            "caption": f"Rightmost: the pictures as rendered, at their raw bitrate. Only the head is taught again, the network is as it was. {why}."}


def called_right(ours: dict, aurocs, printed: dict, printed_auroc) -> dict:
    """ours, printed {"real", "fake": shares along the quality}; aurocs along ours, printed_auroc along theirs."""
    reals, fakes = ours["real"], ours["fake"]
    flipped = max(abs(reals[-1] - reals[0]), abs(fakes[-1] - fakes[0]))
    moved = abs(aurocs[-1] - aurocs[0])
    word = ("the level of the scores moved more than their order" if flipped > 2 * moved and flipped > 0.1 else
            "order and level were damaged alike" if flipped > 0.1 else "the threshold held")
    return {"alt": f"At the threshold from clean clips {percent(reals[0])} of reals and {percent(fakes[0])} of known fakes are called right as rendered, {percent(reals[-1])} and "
                   f"{percent(fakes[-1])} at the worst level: {word} (AUROC {aurocs[0]:.2f} to {aurocs[-1]:.2f}).",
            "caption": f"Hollow: AMDD's table 8 on DFDM at crf 0, 10 and 23. There the AUC is {min(printed_auroc):.3f} to {max(printed_auroc):.3f} at all three, while reals called right go "
                       f"from {percent(max(printed['real']))} to {percent(min(printed['real']))} and back: a threshold that wandered over scores that said nothing."}


def corruptions(table: dict, alarms: dict) -> dict:
    """table {name: Interval} of the AUROC on known forgers, "as rendered" first; alarms {name: share of reals called fake}."""
    clean = table["as rendered"]
    lost = {name: clean.value - cell.value for name, cell in table.items() if name != "as rendered"}
    worst, loud = max(lost, key=lost.get), max(lost, key=lambda n: abs(alarms[n] - alarms["as rendered"]))
    pushed = [name for name in lost if abs(alarms[name] - alarms["as rendered"]) > 0.2]
    low = min((table[name].value for name in pushed), default=0.0)
    word = (f"{listed(pushed)}: the threshold no longer fits (false alarms moved by more than 20 points), and AUROC, still {low:.2f} or more, shows little of it" if pushed else
            "no change moved false alarms by more than 20 points")
    return {"alt": f"As rendered AUROC {span(clean)}; worst {worst} ({table[worst].value:.2f}). False alarms at the carried threshold go from {percent(alarms['as rendered'])} to "
                   f"{percent(alarms[loud])} with {loud}.",
            "caption": f"Own score of the networks, nothing refitted. {word[0].upper()}{word[1:]}. None of these changes says anything about forgery."}


def sound(table: dict, alarms: dict) -> dict:
    """table {(detector, condition): Interval}; alarms {condition: share of reals called fake by the main detector's own score}."""
    who = list(dict.fromkeys(d for d, _ in table))
    main = who[0]
    own, quiet, gone = (table[main, c] for c in ("own sound", "silent", "declared absent"))
    word = "does better than" if gone.value > quiet.value + 0.02 else "does worse than" if gone.value < quiet.value - 0.02 else "does as well as"
    moved = alarms["silent"] - alarms["own sound"]
    alarm = (f"silence moves false alarms from {percent(alarms['own sound'])} to {percent(alarms['silent'])}" if abs(moved) > 0.05 else
             f"silence leaves false alarms where they were ({percent(alarms['silent'])})")
    lost = {d: table[d, "own sound"].value - table[d, "silent"].value for d in who}
    worst = max(lost, key=lost.get)
    most = f"most is lost to silence by {worst} ({lost[worst]:.2f})" if lost[worst] > 0.02 else "no detector here loses more than 0.02 to silence"
    return {"alt": f"{main}, forged pictures: own sound {span(own)}, silent {span(quiet)}, another's {span(table[main, 'another voice'])}, declared absent {span(gone)}.",
            "caption": f"A head that was told that sound is missing {word} one that is handed silence; {most}. At the carried threshold {alarm}. Fakes of the "
                       "sound alone are left out: without their sound they are real."}


def calibration(eces: dict, floors: dict, curves: dict) -> dict:
    """eces, floors {(set, kind): ece | Interval}; curves {set: {kind: Reliability}}; sets "seen", "unseen", kinds as `claimed` names them."""
    raw, better, far = eces["seen", "as it comes"], eces["seen", "recalibrated"], eces["unseen", "recalibrated"]
    top = curves["unseen"]["recalibrated"]
    k = int(np.argmax(np.abs(top.said - top.happened) * top.count))
    inside = [s for s in ("seen", "unseen") if floors[s, "recalibrated"].lo <= eces[s, "recalibrated"] <= floors[s, "recalibrated"].hi]
    word = "helps" if better < raw - 0.01 else "does not help"
    carries = "is carried over to strangers" if far <= floors["unseen", "recalibrated"].hi else "is not carried over to strangers"
    return {"alt": f"Strangers: where it says {top.said[k]:.2f}, {top.happened[k]:.2f} happens. ECE recalibrated {better:.3f} on known forgers and {far:.3f} on strangers; floor of a perfect "
                   f"model {floors['seen', 'recalibrated'].value:.3f} and {floors['unseen', 'recalibrated'].value:.3f}. As it comes {raw:.3f}.",
            "caption": f"Recalibration on val people {word} on known forgers and {carries}. Consistent with a perfect model at this number of clips: {listed(inside)}. "
                       "AMDD's focal loss does not put a clip that says nothing at one half (exercise 09.4), so its probabilities are no frequencies even in-domain."}


def carried(lines: dict) -> dict:
    """lines {set: {"AUROC", "Acc@EER", "Acc, threshold carried": Interval}}, the first set as the threshold knows it."""
    last = list(lines)[-1]
    first = next(iter(lines.values()))
    auc, eer, acc = (lines[last][name] for name in ("AUROC", "Acc@EER", "Acc, threshold carried"))
    hidden = eer.value - acc.value
    word = "hides" if hidden > 0.02 else "does not hide"
    return {"alt": f"{last}: AUROC {span(auc)}, Acc@EER {span(eer)}, Acc with the carried threshold {span(acc)}; known clean clips {first['AUROC'].value:.2f}, {first['Acc@EER'].value:.2f}, "
                   f"{first['Acc, threshold carried'].value:.2f}.",
            "caption": f"Acc@EER takes its threshold from the answers, so it {word} what a user would lose here ({hidden:+.2f}). AUROC needs no threshold and can see none of it."}


def abstention(areas: dict, mean_error: float, at: float, risks: dict, gains: dict, gap) -> dict:
    """areas {order: AURC}; risks {order: risk at coverage `at`}; gains {order: Interval of mean error - AURC}; gap Interval of novelty's minus softmax's gain."""
    word = {"above": "novelty is the better reason to abstain", "below": "the softmax is the better reason to abstain",
            "around": "neither order is better beyond doubt"}[side_of(gap)]
    sure = [name for name, gain in gains.items() if gain.lo > 0]
    return {"alt": f"At {percent(at)} coverage the error goes from {mean_error:.2f} to {risks['novelty']:.2f} by novelty and {risks['softmax']:.2f} by softmax; {word} "
                   f"(difference of the areas {span(gap)}).",
            "caption": f"Better than abstaining at random beyond doubt: {listed(sure)}. Areas: at random {mean_error:.3f}, novelty {areas['novelty']:.3f}, softmax {areas['softmax']:.3f}, best "
                       f"possible {areas['best possible']:.3f}. Novelty asks whether anything known is near; softmax asks whether the classes disagree, which a stranger need not make them do."}


def alarm(points: dict, base_rate: float, values: dict) -> dict:
    """points {name: (tpr, fpr)}; values {name: ppv at the base rate}."""
    book = list(points)[0]
    ours = [f"{name} {percent(values[name])}" for name in list(points)[1:] if name in values]
    worst = min(values, key=values.get)
    most = "most alarms are right" if values[worst] > 0.5 else "most alarms are wrong for " + listed(n for n in values if values[n] <= 0.5)
    return {"alt": f"At {base_rate:g} fakes a clip, TPR {points[book][0]:.2f} and FPR {points[book][1]:.2f} make {100 * values[book]:.1f} % of alarms right; measured here: {'; '.join(ours) or 'none'}.",
            "caption": f"There {most}. Every test set here is half fakes or more; a detector in use sees a share that nobody chose. A point measured as no false alarm among few reals is "
                       "drawn with the upper end of its interval: none among few is not never."}


def worlds(cells: dict) -> dict:
    """cells {(test set, lessons): Interval}."""
    trained, swapped = ({k: cells[where, k] for k in ("one world", "two worlds")} for where in ("as trained", "swapped"))
    gain, cost = trained["two worlds"].value - trained["one world"].value, swapped["one world"].value - swapped["two worlds"].value
    word = "it learned the style" if gain + cost > 0.05 else "the style was not learned"
    sold = "The benchmark rewards it" if gain > 0.02 else "The benchmark does not even reward it"
    return {"alt": f"Lessons with a second style on reals alone: AUROC {span(trained['two worlds'])} as trained, {span(swapped['two worlds'])} when the style is swapped; lessons "
                   f"of one world {span(trained['one world'])} and {span(swapped['one world'])}: {word}.",
            "caption": f"Against a head that never saw the second style, on the same clips: {gain:+.2f} on a test built like the training, {-cost:+.2f} when the style is swapped. {sold}, and only a "
                       "test that breaks the pairing of style and label tells. (The style itself makes clips look faker, beat 3: so compare heads on one test, not tests.)"}


def pooled(gap: float, share: float, auroc: float) -> str:
    """Alt text of one state of the closing explorer."""
    word = "looks like a detector" if auroc > 0.6 else "looks like a detector of the wrong sign" if auroc < 0.4 else "looks like the chance that it is"
    return f"Two sets with AUROC 0.50 each, levels {gap:g} apart, {percent(share)} fakes in the second and {percent(1 - share)} in the first: pooled AUROC {auroc:.2f}, which {word}."
