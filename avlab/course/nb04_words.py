"""What the figures of notebook 04 say, in words that follow the numbers: each function returns {"alt": ..., "caption": ...}.

A finding word stands in a branch on the number it speaks of, so a text cannot disagree with its figure.
"""

import numpy as np

from avlab.course.words import percent, side_of, span

MS = 40  # a frame lasts so many milliseconds


def listed(names, none="none") -> str:
    """'a, b and c', or the word for an empty list."""
    names = list(names)
    return none if not names else names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def delay(frames) -> str:
    """'0 ms', '+40 ms': a lag in words of time."""
    return f"{MS * frames:+d} ms" if frames else "0 ms"


def lips(curves, strangers) -> dict:
    """Beat 1. curves {forger: Curve of correlation}; strangers (lowest, highest) of a mean curve of mismatched pairs at its best lag."""
    heard = {name: curve for name, curve in curves.items() if curve.mean.max() > strangers[1]}
    peaks = "; ".join(f"{name} {curve.mean.max():.2f} at {delay(curve.peak)}" for name, curve in heard.items())
    deaf = [name for name in curves if name not in heard]
    zero = [name for name, curve in heard.items() if curve.peak == 0]
    late = [name for name, curve in heard.items() if curve.peak > 0]
    return {"alt": f"Peaks above what strangers reach at their best lag ({strangers[1]:.2f}): {peaks or 'none'}. No such peak: {listed(deaf)}.",
            "caption": f"In step with the sound: {listed(zero)}. Late: {listed(late)}. No peak that strangers could not have: {listed(deaf)}. The thin blue line repeats the "
                       "real clips. A curve measures the forgers' timing and says nothing about the rest of what they do."}


def listening(lengths, share, best, chance) -> dict:
    """Beat 2. share, best {which: (value, lo, hi)} over lengths in frames."""
    own, other, top = share["own"][0], share["another's"][0], best["another's"][0]
    grows = "grows" if own[-1] > own[0] + 0.05 else "does not grow"
    falls = "falls" if top[-1] < top[0] - 0.03 else "does not fall"
    first, last = f"{MS * lengths[0] / 1000:.2f} s", f"{MS * lengths[-1] / 1000:.1f} s"
    return {"alt": f"At {first} {percent(own[0])} of the real clips peak at lag 0, at {last} {percent(own[-1])}; with another's sound {percent(other[0])} and "
                   f"{percent(other[-1])} (chance {percent(chance)}). The highest point of a mismatched curve is {top[0]:.2f} at {first} and {top[-1]:.2f} at {last}.",
            "caption": f"The share that peaks at 0 {grows} with time, and the best correlation that strangers can reach {falls}. "
                       "Right panel: whoever takes the maximum over lags must compare it with the maximum of strangers, not with 0."}


def hears(own, other, auroc, random_auroc) -> dict:
    """Beat 3. own, other (N,) cosines; AUROC of own against other, trained and with random weights (Intervals)."""
    trained, fresh = side_of(auroc, 0.5) == "above", side_of(random_auroc, 0.5) == "above"
    verdict = "The encoder hears" if trained and auroc.value > 0.8 else "The encoder hears a little" if trained else "It cannot be shown that the encoder hears"
    control = "random weights do too, a little" if fresh else "random weights do not"
    return {"alt": f"Mean cosine with the own sound {np.mean(own):.2f}, with another's {np.mean(other):.2f}; AUROC of own against another's {span(auroc)}, "
                   f"with random weights {span(random_auroc)}.",
            "caption": f"{verdict}: own and foreign pairs part, and {control}. Only real clips were used in its training, and none of these people."}


def towers_lag(curves) -> dict:
    """Beat 3, lag curves of the towers. curves {forger: Curve}."""
    said = "; ".join(f"{name} {curve.mean.max():.2f} at {delay(curve.peak)}" for name, curve in curves.items())
    real = curves["real"]
    sharp = real.mean.max() - np.max([real.mean[real.lags == k] for k in (-2, 2)])
    word = "falls steeply on both sides" if sharp > 0.3 else "is broad"
    return {"alt": f"Highest mean cosine by forger: {said}.",
            "caption": f"The real clips' curve {word}, although no shifted sound took part in the training: a frame's vector says what is heard at that moment. "
                       "An embedding that was trained to be tolerant of shifts would show a plateau here."}


def invisible(gaps, band) -> dict:
    """Beat 4. gaps {forger: Interval real - fake}, band (lo, hi) of mismatched pairs."""
    seen = [name for name, x in gaps.items() if side_of(x) == "above"]
    turned = [name for name, x in gaps.items() if side_of(x) == "below"]
    hidden = [name for name in gaps if name not in seen and name not in turned]
    values = ", ".join(f"{name} {x.value:+.2f}" for name, x in gaps.items())
    return {"alt": f"Cosine of reals minus fakes: {values}. Told from the reals: {listed(seen)}; not told: {listed(hidden)}; nearer than the reals: {listed(turned)}.",
            "caption": f"Similarity sees {listed(seen, 'nobody')}. It does not see {listed(hidden, 'nobody')}"
                       + (f", and {listed(turned)} lie{'s' * (len(turned) == 1)} even closer than the reals" if turned else "")
                       + ". A forger that keeps the mouth, or draws it from the sound, leaves nothing here to see. "
                       f"The grey band holds 95 % of mismatched pairs ({band[0]:.2f} to {band[1]:.2f})."}


def who_sees(trained, silent, random) -> dict:
    """Beat 4, AUROC with controls: {forger: Interval} each."""
    good = [name for name, x in trained.items() if side_of(x, 0.5) == "above"]
    rest = [name for name in good if silent[name].lo > 0.5 and silent[name].value > 0.5 + 0.5 * (trained[name].value - 0.5)]
    return {"alt": "AUROC of low similarity by forger: " + ", ".join(f"{n} {span(x)}" for n, x in trained.items()) + ".",
            "caption": f"Above chance: {listed(good)}. With silence in place of the sound more than half of it remains for {listed(rest)}"
                       f"{': there agreement is not the whole story' if rest else ''}. Random weights reach {max(x.value for x in random.values()):.2f} at best."}


def shared_mean(size, raw, centred) -> str:
    """Alt text of one state of beat 5."""
    return f"Common mean {size:g}: unrelated vectors have a mean cosine of {np.mean(raw):.2f}, centred {np.mean(centred):.2f}."


def raw_cosines(rows) -> dict:
    """Beat 5, real encoders: rows {name: (mean raw, mean centred)} of unrelated pairs."""
    worst = max(rows, key=lambda name: abs(rows[name][0]))
    high = "high" if abs(rows[worst][0]) > 0.3 else "low"
    return {"alt": "Mean cosine of unrelated pairs, raw and centred: " + "; ".join(f"{n} {a:.2f} and {b:.2f}" for n, (a, b) in rows.items()) + ".",
            "caption": f"The raw value is {high} ({rows[worst][0]:.2f}, {worst}) for clips that have nothing to do with each other. A cosine means something only against such a baseline, or centred."}


def pull(gaps, shuffled, raw) -> dict:
    """Beat 6. gaps, shuffled, raw {weight: Interval of real - fake}; each kind is compared with its own weight 0, for the batches differ too."""
    low, high = min(gaps), max(gaps)
    moved, control, bare = (x[high].value - x[low].value for x in (gaps, shuffled, raw))
    word, plain = ("shrinks" if x < -0.01 else "grows" if x > 0.01 else "stays about the same" for x in (moved, bare))
    both = (f"Raw, as in the paper's figure, the gap {plain}; centred it {word}: the answer depends on where the origin is (beat 5), so a claim about it needs both"
            if word != plain else f"Raw or centred, the gap {word}")
    tie = ("" if abs(moved) <= 0.01 else ". Shuffled generators do at least half of what true ones do, so it is hardly a fingerprint that is tied"
           if control / moved > 0.5 else ". Shuffled generators do less than half of what true ones do, so the generators matter")
    ends = "; ".join(f"{name} from {span(x[low])} to {span(x[high])}" for name, x in (("centred", gaps), ("with shuffled generators", shuffled), ("raw", raw)))
    return {"alt": f"Gap between real and fake cosine, weight {low:g} to {high:g}: {ends}.", "caption": f"{both}{tie}. All on people who were not trained on."}


def where_they_go(real, fake) -> dict:
    """Beat 6, both means. real, fake {weight: Interval}."""
    weights = sorted(real)
    rise = {name: x[weights[-1]].value - x[weights[0]].value for name, x in (("fakes", fake), ("reals", real))}
    both = rise["fakes"] > 0.02 and rise["reals"] > 0.02
    word = "Both rise: the loss names fakes only, and the reals come along" if both else "The fakes rise and the reals do not" if rise["fakes"] > 0.02 else "Neither rises by much"
    return {"alt": f"From weight {weights[0]:g} to {weights[-1]:g} the mean cosine of fakes goes from {fake[weights[0]].value:.2f} to {fake[weights[-1]].value:.2f}, "
                   f"that of reals from {real[weights[0]].value:.2f} to {real[weights[-1]].value:.2f}.",
            "caption": f"{word}. What fig. 10 of the paper shows (reals closer than fakes) is not what its equation 12 asks for."}


def one_key(found, trained, random, auroc, alike) -> dict:
    """Beat 7. found OneKey; trained, random Intervals of the weight on the own moment (x of an even share); alike share of the map that all rows have in common."""
    side = {"above": "prefers its own moment", "below": "avoids its own moment", "around": "has no preference for its own moment"}[side_of(trained, 1.0)]
    rows = "all pictures ask alike: what is seen hardly matters for what is listened to" if alike > 0.8 else "different pictures ask for different stretches"
    little = "; that is a detector which hardly works, so the map says little" if auroc < 0.7 else ""
    return {"alt": f"One key: every weight is {found.lowest:.3f}, the gradient of Q and K is {found.gradient_ratio:.0e} of that of V. With tokens a picture gives its "
                   f"own moment {span(trained)} times an even share, with random weights {span(random)}.",
            "caption": f"Left: a softmax over one number is 1, so there is no map and {found.silent:,} of {found.weights:,} weights never learn. Middle: with tokens "
                       f"there is a map; after this training (AUROC {auroc:.2f} on these clips{little}) a picture {side}, and {rows}. Right: the same with random weights."}


def silence(mean, sd, spread) -> dict:
    """Beat 8. mean, sd over classes of the mean cosine with silence; spread = largest minus smallest class mean."""
    word = "land at the same place" if spread < 0.05 else "lie close together" if spread < 0.15 else "do not land at one place"
    return {"alt": f"With silence all classes {word}: mean cosine {mean:.2f}, deviation over clips {sd:.2f}, class means within {spread:.2f}.",
            "caption": "A similarity score without sound is a number, not evidence: nothing was compared. Missing sound must be declared as absent; giving silence instead "
                       "(as AMDD does for DFDM) asks the model about an input that it never saw."}


def probe_values(means) -> dict:
    """Beat 9, values. means {forger: (value, lo, hi)} of the log ratio of errors."""
    helped = [name for name, (_, lo, _) in means.items() if lo > 0]
    hurt = [name for name, (_, _, hi) in means.items() if hi < 0]
    rest = [name for name in means if name not in helped and name not in hurt]
    return {"alt": "Mean log ratio of errors, another's sound over own: " + ", ".join(f"{n} {v:+.2f}" for n, (v, _, _) in means.items()) + ".",
            "caption": f"At 0 the own sound helps no more than a stranger's. It helps for {listed(helped, 'nobody')}; it makes no difference for {listed(rest, 'nobody')}"
                       + (f"; it hurts for {listed(hurt)}" if hurt else "") + ". Reals: the own sound divides the error by "
                       f"{np.exp(means['real'][0]):.1f}."}


def probe_sees(own, silent, random) -> dict:
    """Beat 9. AUROC of low agreement, {forger: Interval} each."""
    good = [name for name, x in own.items() if side_of(x, 0.5) == "above"]
    wrong = [name for name, x in own.items() if side_of(x, 0.5) == "below"]
    best = max(own, key=lambda name: own[name].value)
    fooled = [name for name in good if max(silent[name].lo, random[name].lo) > 0.5]
    return {"alt": "AUROC of low agreement by forger: " + ", ".join(f"{n} {span(x)}" for n, x in own.items()) + ".",
            "caption": f"Highest for {best} ({span(own[best])}). Above chance: {listed(good)}; below: {listed(wrong)}. "
                       + (f"A control also leaves chance for {listed(fooled)}, so there it is not the agreement alone. " if fooled else "No control leaves chance where the signal does. ")
                       + "No fake was used to make this signal: the probe knows real clips only."}


def probe_lag(curves) -> dict:
    """Beat 10. curves {forger: Curve of relative error}; the valley is where lips and sound agree."""
    said = "; ".join(f"{name} {delay(curve.valley)}" for name, curve in curves.items())
    flat = [name for name, curve in curves.items() if np.ptp(curve.mean) < 0.25 * np.ptp(curves["real"].mean)]
    late = [name for name, curve in curves.items() if curve.valley > 0 and name not in flat]
    return {"alt": f"The probe's error is lowest at: {said}.",
            "caption": f"Lowest beside 0 on the late side: {listed(late)}. Without a valley of its own: {listed(flat)}. Over these lags the reals' error changes by {100 * np.ptp(curves['real'].mean):.0f} % of "
                       "its mean. One clip needs a network call for each lag and noise."}


def explored(forger, lag, r, cosine) -> str:
    """Alt text of one state of the explorer."""
    return f"{forger}, sound shifted so that the picture would be late by {MS * lag} ms: correlation of lips and loudness {r:.2f}, cosine of the towers {cosine:.2f}."


def chosen(lags, frames, mean) -> str:
    """Alt text of one state of the last explorer."""
    lead = f", every clip led by {MS * frames} ms of silence" if frames else ""
    where = f"best of {2 * lags + 1} lags" if lags else "at lag 0"
    return f"Strangers of 0.64 s, {where}{lead}: mean correlation {mean:.2f}, and nothing is in step."
