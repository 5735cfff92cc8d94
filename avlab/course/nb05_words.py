"""What the figures of notebook 05 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

from avlab.course.nb02_words import percent, side_of, span

__all__ = ["percent", "side_of", "span"]
NAMES = {"full": "full", "no_psi": "without psi", "no_phi": "without phi", "no_residual": "without the residual", "no_triplet": "without the triplet term",
         "full_here": "full, trained here", "no_psi_here": "without psi, trained here", "random_probe": "with a random probe", "rgb": "pictures alone", "noise_psi": "psi replaced by noise", "still_psi": "psi replaced by its mean over time"}


def listed(words) -> str:
    """'a', 'a and b', 'a, b and c'; 'none' for nothing."""
    words = list(words)
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]])) if words else "none"


def stages(frames, marked, weights, said) -> dict:
    """frames  the columns; marked  the numbers of frames whose path does not end at one; said {frames: refusal, "" for none}"""
    through = [n for n in frames if n not in marked and n != 16]
    shapes = (f"strides alone would let {listed(map(str, through))} frames through, because halving rounds up" if through
              else "strides alone stop every other number of frames")
    silent = [n for n in frames if n != 16 and not said[n]]
    guard = "only a check in front refuses every number but 16" if not silent else f"nothing refuses {listed(map(str, silent))} frames"
    return {"alt": f"Both encoders halve time four times: 16 frames end at 1, {listed(map(str, marked))} do not; {shapes}; {guard}.",
            "caption": f"{weights:,} weights in all. Ringed: what the fusion could not take. A shape that fits is no proof that the number of frames is the one meant."}


def circle(positive, negative) -> dict:
    """Straight distances of the positive and the negative from the anchor."""
    return {"alt": f"On the unit circle the positive lies {positive:.2f} from the anchor and the negative {negative:.2f}: their squares are {positive**2:.2f} and {negative**2:.2f}.",
            "caption": f"Plain distances differ by {negative - positive:.2f}, squared ones by {negative**2 - positive**2:.2f}: the same margin is not the same wish."}


def triplet(margin, code_at_zero_gap, paper_at_zero_gap) -> str:
    """Alt text of one state of the explorer."""
    return (f"Margin {margin:g}: with the negative as near as the positive the paper's loss is {paper_at_zero_gap:.2f} and the code's {code_at_zero_gap:.2f}; "
            f"the paper's ends at 0, the code's never does.")


def training(last, gaps) -> dict:
    """last (K,) validation AUROC at the end of every seed's training; gaps  printed differences of table 7, in AUROC"""
    spread = max(last) - min(last)
    beaten = sum(gap < spread for gap in gaps)
    many = f"more than {beaten} of the {len(gaps)} differences in table 7" if beaten else "less than every difference in table 7"
    if len(last) == 1:
        return {"alt": f"One training ends at a validation AUROC of {last[0]:.2f}; one seed says nothing about the spread.",
                "caption": "Take more trainings to see how far seeds lie apart."}
    return {"alt": f"{len(last)} seeds of the same training end at a validation AUROC between {min(last):.2f} and {max(last):.2f}: {spread:.2f} apart, {many}.",
            "caption": "Same clips, same recipe; only the first weights and the order of the batches differ. A table row from one seed carries this spread unseen."}


def losses(drop, last) -> dict:
    """drop  mean fall of the loss from the first third of the steps to the last;  last (K,) validation AUROC at the end"""
    word = "falls" if drop > 0 else "does not fall"
    mean = sum(last) / len(last)
    gap = "and the validation follows" if mean > 0.6 else "but the validation hardly does: what is learned there does not carry to new people"
    return {"alt": f"The training loss {word} by {abs(drop):.2f} from the first third of the steps to the last; validation AUROC ends at {mean:.2f} on average.",
            "caption": f"The loss on the training clips {word}, {gap if drop > 0 else 'so nothing can be said of the rest'}."}


def variants(cells) -> dict:
    """cells {variant: Interval}"""
    clear = [NAMES[v] for v, cell in cells.items() if cell.lo > 0.5]
    best = max(cells, key=lambda v: cells[v].value)
    above = f"above chance for sure: {listed(clear)}" if clear else "no interval lies above chance"
    return {"alt": f"X-AVDT small reads {span(cells['full'])} on known forgers and new people; the highest value is {NAMES[best]} ({span(cells[best])}); {above}.",
            "caption": "One line a variant, mean over trainings; intervals resample trainings and people. Overlap of two intervals says little: differences come next."}


def table7(gaps, printed) -> dict:
    """gaps {variant: Interval of full minus variant}; printed {variant: difference in AUROC}"""
    helps = [NAMES[v] for v, g in gaps.items() if side_of(g) == "above"]
    hurts = [NAMES[v] for v, g in gaps.items() if side_of(g) == "below"]
    said = "; ".join(f"{NAMES[v]} {span(g)}" for v, g in gaps.items())
    run = [v for v in printed if v in gaps]
    first, theirs = (NAMES[max(x, key=x.get)] for x in ({v: gaps[v].value for v in run} or {"full": 0}, printed or {"full": 0}))
    rank = (f"Of table 7's {len(run)} rows the largest loss here is {first}, in the paper {theirs}. " if len(run) == len(printed) > 1
            else f"{len(run)} of table 7's {len(printed)} rows were run. ")
    return {"alt": f"AUROC of the full network minus that of each variant: {said}.",
            "caption": f"{rank}Clearly worse than full: {listed(helps)}; clearly better: {listed(hurts)}. "
                       "Each against a full network of the same clips and steps. The hollow marks are printed without intervals, from one training each, on other data and other forgers."}


def unseen(full, rgb, gap, forgers) -> dict:
    """Intervals of the mean AUROC on unseen forgers of the full network and of the one on pictures alone, and of their difference."""
    word = {"above": "transfers better than", "below": "transfers worse than", "around": "is not told apart from"}[side_of(gap)]
    chance = "" if full.lo > 0.5 else " Its own interval holds chance, 0.5."
    return {"alt": f"On {listed(forgers)} the probe's features read {span(full)}, pictures alone {span(rgb)}, difference {span(gap)}: X-AVDT {word} pictures alone.",
            "caption": f"People and forgers are both new. The control has as many weights and the same training; it never met the probe.{chance}"}


def forgers(cells, seen) -> dict:
    """cells {(forger, "full" or "rgb"): Interval}"""
    said = "; ".join(f"{f} {cells[f, 'full'].value:.2f} against {cells[f, 'rgb'].value:.2f}" for f in dict.fromkeys(f for f, _ in cells))
    worst = min((f for f, v in cells if v == "full"), key=lambda f: cells[f, "full"].value)
    return {"alt": f"AUROC by forger, X-AVDT against pictures alone: {said}; lowest for {worst}.",
            "caption": f"{listed(seen)} were in the training, the others were not. A mean over forgers hides which one carries it."}


def chunks(cells, rho, clips) -> dict:
    """cells {"chunk": Interval, "clip": Interval}; rho  how alike two chunks of a clip are;  clips  how many there were"""
    widths = {name: cell.hi - cell.lo for name, cell in cells.items()}
    ratio = widths["clip"] / max(widths["chunk"], 1e-9)
    word = "wider" if ratio > 1.05 else "narrower" if ratio < 0.95 else "as wide"
    grow = max(1 + 6 * rho, 0) ** 0.5
    alike = "repeat each other" if rho > 0.2 else "hardly repeat each other"
    few = f" But {clips} clips are too few to say so." if clips < 12 else ""
    return {"alt": f"Resampling chunks gives an interval {widths['chunk']:.2f} wide, resampling clips {widths['clip']:.2f}: by clip it is {word} (factor {ratio:.2f}).",
            "caption": f"Two chunks of one clip {alike} (rho {rho:.2f}). With the paper's 7 chunks a clip the variance would be 1 + 6 rho = {1 + 6 * rho:.1f} times, "
                       f"the interval {grow:.1f} times what counting chunks claims.{few}"}


def listens(moved, forgers) -> dict:
    """moved {forger or "real": Interval of the mean change of the logit when the sound is another person's}"""
    real = moved["real"]
    word = {"above": "towards fake", "below": "towards real", "around": "neither way for sure"}[side_of(real)]
    said = "; ".join(f"{f} {span(moved[f])}" for f in forgers if f in moved)
    clear = "The detector listens: " if side_of(real) == "above" else "What a listening detector must do is not shown: "
    return {"alt": f"With another person's voice the logit of real clips moves by {span(real)}, {word}; fakes: {said}.",
            "caption": f"{clear}real lips with a stranger's sound should look more fake, and `dub`, which never fitted its sound, should not care."}


def shift(changes) -> dict:
    """changes {metric: largest change over the shifts}"""
    moved = [name for name, change in changes.items() if change > 1e-9]
    still = [name for name, change in changes.items() if change <= 1e-9]
    return {"alt": f"Adding a constant to every score changes {listed(moved)} and leaves {listed(still)} as they were.",
            "caption": "Rank measures do not see a shift of all scores; a fixed threshold does. Acc@EER hides it by moving the threshold along, with the test labels in hand."}


def permuted(mean, band) -> dict:
    inside = band[0] <= mean <= band[1]
    word = "near chance, as it must" if inside else "away from chance: the pipeline itself leaks"
    return {"alt": f"With labels permuted inside each person before fitting, the test AUROC is {mean:.2f} on average, {word}.",
            "caption": "The same clips, features and read-out; only the labels mean nothing."}


def capacity(full_minus, out, fed) -> dict:
    """full_minus {variant: Interval of full minus it}; out  name of psi taken out, fed  names of psi's branch fed with nothing"""
    same = [NAMES[v] for v in fed if abs(full_minus[v].value - full_minus[out].value) < 0.02]
    said = "; ".join(f"{NAMES[v]} {span(full_minus[v])}" for v in (out, *fed))
    tail = f"As much as taking the branch out: {listed(same)}." if same else "None costs as much as taking the branch out."
    return {"alt": f"What is lost against the full network of the same training: {said}.",
            "caption": f"{tail} A branch fed with nothing keeps its weights: what it loses is what psi says, what taking it out loses besides is capacity."}
