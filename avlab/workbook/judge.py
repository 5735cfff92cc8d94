"""How a measured row of the claims ledger gets its verdict. Plain numbers in, a verdict and its reasons out.

An effect is a difference of two measurements on the same clips. Its interval is a hierarchical bootstrap: seeds are resampled,
and inside a seed one of the draws that the notebook recorded (which resample people). Percentile 95 %, 2,000 draws.

    holds here            interval above 0, its upper end at or above the smallest effect worth having, every control in its band
    does not hold here    upper end below that smallest effect, controls in their bands
    not resolved          anything else
    control failed        a control left its null band: no verdict
"""

from dataclasses import dataclass

import numpy as np

from avlab.errors import AvlabError

HOLDS, FAILS, OPEN, CONTROL = "holds here", "does not hold here", "not resolved", "control failed"
DRAWS, LEVEL = 2000, 0.95


@dataclass(frozen=True)
class Part:
    """One effect of a row: its estimate, its interval, a two-sided p-value, its own verdict."""
    name: str
    estimate: float
    lo: float
    hi: float
    p: float
    verdict: str


def pooled(draws_by_seed, *, n=DRAWS, seed=0):
    """Hierarchical bootstrap: (n,) draws of the mean over seeds, from one array of recorded draws a seed.

    Each of the n draws resamples the seeds with replacement and takes, for every chosen seed, one of its recorded draws.
    With one seed this is a resample of its draws.
    """
    rng, arrays = np.random.default_rng(seed), [np.asarray(d, float) for d in draws_by_seed]
    if not arrays or any(a.ndim != 1 or not len(a) for a in arrays):
        raise AvlabError("Every seed brings a row of bootstrap draws", got=[a.shape for a in arrays])
    chosen = rng.integers(0, len(arrays), (n, len(arrays)))
    place, taken = rng.random((n, len(arrays))), np.empty((n, len(arrays)))
    for s, draws in enumerate(arrays):
        here = chosen == s
        taken[here] = draws[(place[here] * len(draws)).astype(int)]
    return taken.mean(1)


def interval(draws, level=LEVEL):
    """Percentile interval (lo, hi) of draws."""
    return tuple(float(q) for q in np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]))


def p_value(draws):
    """Two-sided bootstrap p-value of 'the effect is 0': twice the smaller tail, (k + 1)/(n + 1), at most 1."""
    draws = np.asarray(draws)
    k = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(min(1.0, 2 * (k + 1) / (len(draws) + 1)))


def verdict_of(lo, hi, min_effect):
    """Verdict of one effect from its interval."""
    if hi < min_effect:
        return FAILS
    return HOLDS if lo > 0 else OPEN


def equivalent(lo, hi, margin):
    """Verdict of 'the effect is about 0': the whole interval inside +-margin holds, wholly outside fails."""
    if -margin < lo and hi < margin:
        return HOLDS
    return FAILS if lo > margin or hi < -margin else OPEN


def judge_parts(row, evidence):
    """Parts of a row from its evidence, a list over seeds of {part: {'estimate', 'draws'}}; all parts of the row must be there."""
    made = []
    for k, name in enumerate(row["parts"]):
        missing = [i for i, parts in enumerate(evidence) if name not in parts]
        if missing:
            raise AvlabError(f"{row['id']}: every run records the part {name}", got=f"runs with {sorted(evidence[missing[0]])}",
                             todo="Name the parts as claims.toml does")
        draws = pooled([e[name]["draws"] for e in evidence], seed=k)
        (lo, hi), estimate = interval(draws), float(np.mean([e[name]["estimate"] for e in evidence]))
        said = equivalent(lo, hi, row["margin"]) if row["test"] == "equivalence" and k == 0 else verdict_of(lo, hi, row["min_effect"])
        made.append(Part(name, estimate, lo, hi, p_value(draws), said))
    return made


def together(parts, test):
    """One verdict of several parts: a single failing part decides, and all must hold (intersection-union, no correction needed).

    Under 'holm' a part holds only if it also survives Holm's correction over the parts.
    """
    said = [p.verdict for p in parts]
    if test == "holm":
        alive = holm([p.p for p in parts])
        said = [OPEN if v == HOLDS and not ok else v for v, ok in zip(said, alive, strict=True)]
    if FAILS in said:
        return FAILS
    return HOLDS if all(v == HOLDS for v in said) else OPEN


def holm(p_values, alpha=0.05):
    """Holm's step-down: True where the hypothesis is rejected with family-wise error at most alpha."""
    order, alive, out = np.argsort(p_values, kind="stable"), True, [False] * len(p_values)
    for rank, i in enumerate(order):
        alive = alive and p_values[i] <= alpha / (len(p_values) - rank)
        out[i] = bool(alive)
    return out


def controls_out(names, evidence):
    """Sentences about controls that are missing or outside their null band. evidence: list over seeds of {name: {value, lo, hi}}.

    Value and band are averaged over seeds: a single seed of five leaves a 95 % band in one course of four even when nothing is wrong.
    """
    said = []
    for name in sorted(set(names) | {n for e in evidence for n in e}):
        got = [e[name] for e in evidence if name in e]
        if len(got) < len(evidence):
            said.append(f"control {name} was not recorded")
            continue
        value, lo, hi = (float(np.mean([g[k] for g in got])) for k in ("value", "lo", "hi"))
        if not lo <= value <= hi:
            said.append(f"control {name} is {value:.3g}, outside its null band {lo:.3g} to {hi:.3g}")
    return said


def clips_needed(part, min_effect, clips):
    """Clips per class after which the interval would be as short as min_effect (it could not hold both 0 and min_effect), or None."""
    if not clips or min_effect <= 0 or part.hi <= part.lo:
        return None
    return int(np.ceil(clips * ((part.hi - part.lo) / min_effect) ** 2))


def chance_of_error(n, alpha=1 - LEVEL):
    """(expected number of false verdicts, chance of at least one) among n rows if no effect were real."""
    return n * alpha, 1 - (1 - alpha) ** n
