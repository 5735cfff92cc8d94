"""What the figures of notebook 10 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word ("only", "overlap", "outside") stands in a branch on the number it speaks of, so a text cannot disagree with its
figure. Captions are the answers to the questions of the beats.
"""


def percent(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f} %"


def several(words) -> str:
    """'a', 'a and b', 'a, b and c'."""
    words = [str(w) for w in words]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else "none"


def counted(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def beat1(solutions: dict[str, list], chance: float, other_sizes: dict[str, int], rows: int = 4) -> dict[str, str]:
    """solutions {row: [(real, fake)]}; chance in per cent; other_sizes {words: how many of the ablation's `rows` fit}."""
    n = len(solutions)
    unique = [row for row, s in solutions.items() if len(s) == 1]
    pairs = several(f"{row} {s[0][0]} real and {s[0][1]} fake errors" for row, s in solutions.items() if len(s) == 1)
    none, many = [r for r, s in solutions.items() if not s], [r for r, s in solutions.items() if len(s) > 1]
    if len(unique) == n:
        alt = f"In each of {n} rows exactly one cell of the lattice fits both numbers: {pairs}."
        said = (f"The printed AUC is that of hard labels: all {n} pairs are whole error counts of one real clip to three fakes, each in exactly "
                f"one way, and a made-up AUC would fit about {percent(chance, 0)} of the time. ")
    else:
        alt = f"Not every row has exactly one fitting cell: {several(none)} without any, {several(many)} with several."
        said = "The reading as hard labels is not forced: a row without a fit contradicts it, a row with many fits says nothing. "
    fits = "; ".join(f"{size} clips: {k} of {rows}" for size, k in other_sizes.items())
    return {"alt": alt, "caption": f"{said}Control, rows of the ablation that fit other test sets: {fits}."}


def beat2(rows: list, steps: list) -> dict[str, str]:
    """rows [(label, value, lo, hi)], steps [(label, smallest p, largest p)]; the first row is the baseline, the last the full model."""
    (_, a, alo, ahi), (_, b, blo, bhi) = rows[0], rows[-1]
    overlap = "overlap" if ahi >= blo and bhi >= alo else "do not overlap"
    label, small, large = steps[-1]
    where = ("may or may not be significant" if small < 0.05 <= large else "is significant however the errors are shared" if large < 0.05
             else "cannot be significant however the errors are shared")
    alt = (f"The intervals {alo:.1f}-{ahi:.1f} of {percent(a, 2)} and {blo:.1f}-{bhi:.1f} of {percent(b, 2)} {overlap}; "
           f"for that step p lies between {small:.2g} and {large:.2g}.")
    never = [s[0] for s in steps[:-1] if s[1] >= 0.05]
    said = f"The step from the plain baseline to the full model {where} at 0.05: it depends on which clips the two got wrong, which is not printed. "
    said += f"Even with the most helpful sharing of errors {several(never)} cannot reach 0.05." if never else "Every single step could reach 0.05."
    return {"alt": alt, "caption": said}


def beat3(points: float, relative: float, cut: float, printed: float) -> dict[str, str]:
    """points, relative gain, error reduction (per cent), and the gain as the paper prints it."""
    names = {"points": points, "the relative gain": relative, "the error reduction": cut}
    match = [k for k, v in names.items() if abs(v - printed) <= 0.1]
    alt = f"One change, three names: {points:.2f} points, {percent(relative)} relative, {percent(cut)} fewer errors."
    said = f"The printed {printed} % is {several(match)}, not the points. " if match and "points" not in match else \
        f"The printed {printed} % is {several(match)}. " if match else f"The printed {printed} % is none of the three. "
    return {"alt": alt, "caption": said + "All three have the same numerator; only the whole differs, so a gain without its whole says little."}


def beat4(equal: int, cells: int, outside: dict[str, list], fired: int, made: int) -> dict[str, str]:
    """outside {row: metrics whose printed average leaves all columns}."""
    rows = several(f"{row} ({several(metrics)})" for row, metrics in outside.items())
    tail = f"; {rows} lies outside all of its columns." if outside else "; none lies outside its columns."
    alt = f"{equal} of {cells} printed averages equal the mean of their three columns{tail}"
    proof = [row for row, metrics in outside.items() if "Acc" in metrics]
    said = (f"No weighting of the three generators can give the accuracy printed for {several(proof)}: a weighted mean stays inside its parts. "
            if proof else "Every printed accuracy could be a weighted mean of its columns. ")
    said += (f"Control: {counted(made, 'test')} on honest made-up tables fired {counted(fired, 'time')}"
             + (", so the tests do not invent findings." if fired == 0 else ", so the tests invent findings and prove nothing."))
    return {"alt": alt, "caption": said}


def beat5(own: str, leads: dict[str, float], unseen: list[str], same: float) -> dict[str, str]:
    """leads {set: lead over the best other detector}, unseen the sets that stand for unseen generators, same the lead on FF++
    over detectors with the same training data."""
    first = [s for s in unseen if leads[s] > 0]
    behind = several(f"{s} by {-v:.2f} points" for s, v in leads.items() if v <= 0)
    alt = f"{own} is first on {len(first)} of {len(unseen)} unseen generators" + (f"; it is behind on {behind}." if behind != "none" else " and nowhere behind.")
    said = f"\"Best\" needs its list: {own} is behind on {behind}. " if behind != "none" else f"{own} is best in every column. "
    said += (f"Against detectors trained on the same data it leads on FF++ by {same:.2f} points." if same > 0
             else f"Even against detectors trained on the same data it is behind on FF++ by {-same:.2f} points.")
    return {"alt": alt, "caption": said}


def beat6(fit: list[int], total: int, one: int, fakes: int, clips: int, constants: dict[str, float], printed: float, p: float) -> dict[str, str]:
    """fit: sizes that fit all four numbers; one: how many fit the first alone; p: the smallest p of the better ablation."""
    those = f"{len(fit)} of {total} sizes" + (f" ({several(runs(fit))})" if fit else "")
    tail = (f"; {fakes}, the number of fakes, is one of them and {clips}, the number of clips, is not." if fakes in fit and clips not in fit
            else f"; {clips}, the number of clips, is one of them." if clips in fit else ".")
    lo, hi = min(constants.values()), max(constants.values())
    inside = "lies inside" if lo <= printed <= hi else "lies outside"
    said = (f"The printed {printed} % {inside} what one constant answer can score ({percent(lo)} to {percent(hi)}): "
            + ("an untrained head may land there, so it is no sign of a learned mistake. " if inside == "lies inside" else "no constant answer scores that. "))
    said += f"Leaving a term out raised the score, and the smallest p that the counts allow is {p:.2g}: " + ("noise covers it." if p >= 0.05 else "noise alone would rarely do it.")
    return {"alt": f"{those} fit all four printed numbers{tail}",
            "caption": said + f" How much is the fit worth? All four numbers fit {len(fit)} of {total} sizes, one of them alone {one}."}


def runs(numbers: list[int]) -> list[str]:
    """[145, 146, 290, 291, 292] -> ['145-146', '290-292']."""
    groups = []
    for n in numbers:
        if groups and n == groups[-1][-1] + 1:
            groups[-1].append(n)
        else:
            groups.append([n])
    return [str(g[0]) if len(g) == 1 else f"{g[0]}-{g[-1]}" for g in groups]


def beat7(label: str, printed: float, all_fake: float, auc: float, gap: float) -> dict[str, str]:
    """printed F1 of one row, F1 of calling everything fake, the row's AUC, largest distance of a row from the no-look curve."""
    near = abs(printed - all_fake) < 0.5
    alt = (f"F1 {printed:.1f} of {label} is " + (f"the all-fake answer's {all_fake:.1f}" if near else f"not the all-fake answer's {all_fake:.1f}")
           + f"; every row lies within {gap:.1f} points of an answer that does not look.")
    said = ("The F1 rewards not deciding: it is high where everything is called fake and low where nothing is" if near else "Here the F1 does say something")
    return {"alt": alt, "caption": f"{said}, while the AUC stays at {percent(auc)} in all three rows. Ask for the share called fake beside any F1."}


def cmffc(alone: float, diagonal: float) -> dict[str, str]:
    """The share of present generators with one clip, and the expected share of pairs that are a clip with itself."""
    most = ("mostly aligns the sound and the picture of one clip" if diagonal > 0.5 else "compares different clips more often than a clip with itself")
    return {"alt": f"{percent(100 * diagonal)} of the loss's pairs are a clip with itself in batches of 4; {percent(100 * alone, 0)} of present generators have one clip.",
            "caption": f"The loss {most}; different clips of one generator meet in the remaining {percent(100 * (1 - diagonal), 0)}."}


def beat8(attribution: float, threshold: float) -> dict[str, str]:
    gap = "does not include" if threshold < attribution else "includes"
    return {"alt": f"Generators are named {percent(100 * attribution, 0)} right by a linear head, real against fake at most {percent(100 * threshold, 0)} by a threshold.",
            "caption": f"Telling generators apart {gap} telling real from fake, as long as the detection head is one threshold on this embedding. "
                       "A head with a hidden layer could do it: the statement needs the word non-linear."}


def own_paper(name: str, what: str, possible: list[int], total: int, digits: int) -> str:
    """Note and alt text of one state of "your own paper"."""
    said = (f"{len(possible)} of {total} sizes fit every number, the smallest {several(possible[:6])}" if possible
            else f"none of {total} sizes fits every number: another quantity, another denominator, or a slip")
    return f"{name} ({what}), read with {counted(digits, 'decimal')}: {said}."


def worth(fit: int, total: int, last_misfit: int) -> str:
    """What the fit of beat 6 is worth, as a caption."""
    return (f"In beat 6, {fit} of {total} sizes fit all four numbers and one of them is the count of fakes: the fit says something because so few "
            f"others were possible. Beyond {last_misfit} clips every size fits, and the same fit would say nothing.")


def reach(n: int, digits: int, share: float, numbers: int) -> str:
    """Alt text of one state of the slider of "how this can fool you"."""
    many = 100 * share**numbers
    said = "everything fits, so a fit says nothing" if share == 1 else f"one number fits by accident in {percent(100 * share)}, {numbers} at once in {many:.2g} %"
    return f"{n} clips, {counted(digits, 'decimal')}: {said}."
