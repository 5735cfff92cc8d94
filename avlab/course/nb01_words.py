"""The sentences under the figures of notebook 01, filled from results: each has its opposite, so words never disagree with numbers.

Every function returns {"alt": ..., "caption": ...} for nb.show.
"""

import numpy as np

ENOUGH = 6  # clips of a class below which an interval is not put into words


def told(alt, caption):
    return {"alt": " ".join(alt.split()), "caption": caption}


def listed(names):
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def side(interval, null=0.5):
    """-1, 0 or 1: the interval lies below, across or above the null."""
    return -1 if interval.hi < null else 1 if interval.lo > null else 0


def toy_path(steps, gap):
    near = "still visibly off the exact curves" if gap > 0.1 else "almost on the exact curves"
    return f"With {steps} steps the DDIM dots are {near}: the largest gap is {gap:.2f} in units of the noise."


def beat2(slope, forward_40, slope2):
    kind = "first order" if -1.3 < slope < -0.85 else "not first order, so something is wrong"
    return told(f"The error of DDIM inversion falls with slope {slope:.2f} in the number of steps: {kind}; at 40 steps it is {forward_40:.4f}. "
                f"The second-order solver falls with slope {slope2:.2f}.",
                "Halving the step halves the error of DDIM. The second-order solver has the same number of calls, give or take two.")


def beat3(steps, forward, trip):
    at = steps.index(40) if 40 in steps else len(steps) - 1
    alike = trip["index"][at] < 1.5 * trip["correct"][at]
    grows = forward["index"][-1] > forward["index"][at] or forward["index"][-1] > 3 * forward["correct"][-1]
    seen = "looks almost like the correct one" if alike else "differs from the correct one"
    then = "but its error against the exact map does not go away with more steps" if grows else "and so does its error against the exact map"
    return told(f"At {steps[at]} steps the round trip with the index bug ({trip['index'][at]:.2f}) {seen} ({trip['correct'][at]:.2f}), {then}: "
                f"{forward['index'][at]:.2f} against {forward['correct'][at]:.2f}.",
                "Left: what one can measure without knowing the truth. Right: what one would want to know. Swapped alphas leave every latent where it was.")


def beat4(gone, steps, means):
    where = f"correlation with the clean latent falls below 0.1 at step {gone} of {steps}" if gone else f"something of the face is left after all {steps} steps"
    brightest = max(means, key=means.get)
    return told(f"On the way to noise the {where}. The residual is largest in the {brightest} ({means[brightest]:.1f} grey levels; "
                + ", ".join(f"{name} {value:.1f}" for name, value in means.items() if name != brightest) + ").",
                "One real clip. The residual has its own grey scale, from 0 to its largest value in the clip.")


def level(t, agreement, difference):
    return (f"At t = {t} the latent has correlation {agreement:.2f} with the clean one; the way there and the way back differ by "
            f"{difference:.1f} grey levels on average.")


def walked(solver, forger, step, steps, t, gap):
    where = "Clean" if step == 0 else "All noise" if step == steps else f"Step {step} of {steps}, t = {t}"
    return f"{where}, {solver}, {forger}: in this frame the way there and the way back differ by {gap:.1f} grey levels."


def walks(at_clean: dict):
    """at_clean {solver: {forger: grey levels that remain at the clean level}}."""
    means = {solver: sum(v.values()) / len(v) for solver, v in at_clean.items()}
    least, most = min(means, key=means.get), max(means, key=means.get)
    said = "; ".join(f"{solver} " + ", ".join(f"{forger} {v:.1f}" for forger, v in row.items()) for solver, row in at_clean.items())
    return told(f"What remains at the clean level, in grey levels of one frame: {said}.",
                f"{least.capitalize()} leaves least here, {most} most. Choose a solver and walk back from noise: where does the difference begin? One clip of each "
                "kind is shown, so this is a picture of what the curves above count, not a comparison of forgers.")


def beat5(share, n):
    much = "most" if share > 0.5 else "less than half"
    return told(f"The autoencoder alone makes {share:.0%} of the summed parts of the residual on {n} real clips: {much} of it has nothing to do with diffusion.",
                "The two parts are measured apart; their sum is an upper bound of the residual, because errors can cancel.")


def beat6(table, control, n):
    """n: clips of each forger; below ENOUGH a bootstrap of one forger is narrow by accident and is not put into words."""
    every = table["all"]
    if n < ENOUGH:
        found = f"With {n} clip{'s' * (n != 1)} of each forger no single forger can be judged"
    else:
        signs = {name: side(interval) for name, interval in table.items() if name != "all"}
        smaller, larger = ([name for name, s in signs.items() if s == k] for k in (1, -1))
        found = f"Fakes of {listed(smaller)} have a smaller residual than reals" if smaller else "No forger's fakes have a clearly smaller residual than reals"
        found += f", those of {listed(larger)} a larger one" if larger else ""
    overall = {1: "smaller on fakes", 0: "not clearly different", -1: "larger on fakes"}[side(every)]
    return told(f"{found}; over all forgers the residual is {overall}, AUROC {every.value:.2f} [{every.lo:.2f}, {every.hi:.2f}]. "
                f"The probe with random weights has {control.value:.2f} [{control.lo:.2f}, {control.hi:.2f}] on its clips.",
                "Each mark is a clip, each bar a median. Right of 0.5: fakes have the smaller residual, as the paper says. Grey band: all clips with shuffled labels.")


def beat7(rho, raw, matched, sharp):
    follows = "follows sharpness closely" if abs(rho) > 0.6 else "follows sharpness in part" if abs(rho) > 0.3 else "hardly follows sharpness"
    change = {0: "fakes and reals cannot be told apart by the rest", 1: "fakes have the smaller residual for their sharpness",
              -1: "fakes have the larger residual for their sharpness"}[side(matched)]
    return told(f"The residual {follows} (rank correlation {rho:.2f} over real clips). Raw AUROC {raw.value:.2f}; after sharpness is taken out {matched.value:.2f} "
                f"[{matched.lo:.2f}, {matched.hi:.2f}]: {change}. Blurriness alone has {sharp.value:.2f}.",
                "The line is fitted on real clips only. What counts is whether a fake lies below the line, not whether it lies low.")


def beat8(iterations, residual, auroc, floor, second, n):
    """n: clips of each class. Residuals in grey levels; floor: the autoencoder alone; second: the second-order solver."""
    gap = max(residual[0] - floor, 1e-9)
    down = ("falls to the autoencoder's part" if residual[-1] - floor < 0.15 * gap else "falls" if residual[-1] < residual[0] else "does not fall")
    close = "as low as the autoencoder alone" if second - floor < 0.15 * gap else "lower than DDIM's" if second < residual[0] else "no lower than DDIM's"
    area = f"The AUROC goes from {auroc[0].value:.2f} to {auroc[-1].value:.2f}" if n >= ENOUGH else f"{n} clip{'s' * (n != 1)} a class are too few for an AUROC"
    return told(f"With {iterations[-1]} inner iterations the mean residual {down}: {residual[0]:.1f} to {residual[-1]:.1f} grey levels, autoencoder alone {floor:.1f}. "
                f"The second-order solver's, with hardly more calls than DDIM, is {close}: {second:.1f}. {area}.",
                "What a better solver takes away was the solver's own error, not a property of the clip. If the AUROC goes with it, that error was the cue.")


def beat9(mouth, n):
    said = {1: "raises", 0: "does not clearly change", -1: "lowers"}[side(mouth, 0)]
    few = "" if n >= ENOUGH else ", too few to be sure"
    return told(f"Another person's sound {said} the residual of the mouth: {mouth.value:+.2f} grey levels [{mouth.lo:+.2f}, {mouth.hi:+.2f}] over {n} real clips{few}.",
                "Paired differences against the clip's own sound. The background is the check: no sound should reach it.")


def blur(sigmas, residual, band):
    inside = [s for s, r in zip(sigmas, residual) if band[0] <= r <= band[1]]
    enters = f"at {inside[0]:g} px it lies among the fakes" if inside and inside[0] > 0 else "it lies among the fakes from the start" if inside else "it stays outside the fakes' range"
    return told(f"A real clip blurred from {sigmas[0]:g} to {sigmas[-1]:g} px has a face residual of {residual[0]:.1f} down to {residual[-1]:.1f} grey levels; {enters}. Nothing was forged."
                if residual[-1] < residual[0] else
                f"Blurring a real clip from {sigmas[0]:g} to {sigmas[-1]:g} px does not lower its face residual ({residual[0]:.1f} to {residual[-1]:.1f} grey levels).",
                "Red band: where the middle half of the fakes lies.")


def perfect(iterations, trip, forward):
    return told(f"On the toy {iterations[-1]} inner iterations bring the round trip from {trip[0]:.3f} to {trip[-1]:.4f}, while the error against the exact map "
                f"{'grows' if forward[-1] > forward[0] else 'falls'} from {forward[0]:.4f} to {forward[-1]:.4f}.",
                "A perfect round trip proves that the two directions agree with each other, not that either is right.")


def codec(before, after):
    change = after.mean() - before.mean()
    return told(f"Saving both films as H.264 before subtracting changes the mean residual by {change:+.2f} grey levels, from {before.mean():.2f} to {after.mean():.2f}.",
                "Same clip, same latents. X-AVDT's code saves its films before it takes the difference.")


def first_below(agreement, limit=0.1):
    """Index of the first level whose correlation with the clean latent is below the limit, 0 if none is."""
    below = np.flatnonzero(np.asarray(agreement) < limit)
    return int(below[0]) if len(below) else 0
