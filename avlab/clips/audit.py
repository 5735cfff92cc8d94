"""What a manifest's own columns tell about the label: silence at the start, length, codec, resolution. A detector could read them, too.

A fact of the file that separates real from fake is a shortcut: results on such a set need it trimmed, matched or reported beside them.
`explain.shortcuts` asks the same of pictures and sounds; here no film is opened.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avlab import metrics
from avlab.clips.table import classes

NUMERIC = ("leading_silence_s", "audio_start_s", "duration_s", "fps", "n_frames", "width", "height", "bit_rate")
WORDS = ("resolution", "video_codec", "pix_fmt", "audio_codec", "audio_sr_hz", "audio_channels", "dataset")
OF_SOUND = ("leading_silence_s", "audio_start_s", "audio_codec", "audio_sr_hz", "audio_channels")  # asked of label_audio, too
MOST = 4000  # clips; more make the interval no more useful and the bootstrap slow
STRONG = 0.6
FEW = 10  # people of either class


@dataclass(frozen=True)
class Shortcut:
    """How well one fact tells fake from real: medians (or the commonest words) of both, and the AUROC with its interval over people.

    n_people is of the class that has fewer.

    The AUROC of a number is turned so that it is 0.5 or more; that of words is of the share of fakes that a word has among other people.
    """

    fact: str
    against: str
    n_real: int
    n_fake: int
    real: str
    fake: str
    auroc: metrics.Interval
    n_people: int

    @property
    def verdict(self):
        """"shortcut" where the whole interval lies above 0.6, "weak" above 0.5, "" else; an interval over a few people means nothing."""
        if self.n_people < FEW:
            return "too few people"
        return "shortcut" if self.auroc.lo > STRONG else "weak" if self.auroc.lo > 0.5 else ""


def shortcuts(rows, *, n=200, seed=0):
    """List a Shortcut for every fact that is known for both classes and not the same everywhere, the clearest first.

    rows   table;  n   draws of the bootstrap over people (the person on screen; the clip where none is named)
    """
    if len(rows) > 10 * MOST:
        rows = rows.iloc[np.sort(np.random.default_rng(seed).choice(len(rows), 10 * MOST, replace=False))]
    facts = rows[["leading_silence_s", "audio_start_s", "duration_s", "fps", "n_frames", "width", "height"]].copy()
    facts["bit_rate"] = rows["bytes"] * 8 / rows["duration_s"]
    size = rows["width"].map("{:.0f}".format) + "x" + rows["height"].map("{:.0f}".format)
    facts["resolution"] = size.where(rows["width"].notna() & rows["height"].notna(), "")
    for name in WORDS[1:]:
        facts[name] = rows[name].astype(object).map(lambda value: "" if value != value else f"{value:g}" if isinstance(value, float) else value)
    people = rows["identity"].astype(object).where(~rows["identity"].isin(["", "-1"]), rows["clip_id"]).to_numpy()
    found = []
    for against in ("label_clip", "label_audio"):
        label = (classes(rows) if against == "label_clip" else rows[against].astype(object)).map({"fake": 1.0, "real": 0.0}).astype(float).to_numpy()
        for name in (*NUMERIC, *WORDS):
            if against == "label_clip" or name in OF_SOUND:
                found += _of(name, against, facts[name], label, people, n, seed)
    return sorted(found, key=lambda one: -one.auroc.value)


def _of(name, against, values, label, people, n, seed):
    known = np.flatnonzero((values.notna() & (values != "")).to_numpy() & ~np.isnan(label))
    if len(known) > MOST:
        known = np.sort(np.random.default_rng(seed).choice(known, MOST, replace=False))
    values, label, people = values.iloc[known], label[known], people[known]
    if len(set(label)) < 2 or values.nunique() < 2:
        return []
    real, fake = values[label == 0], values[label == 1]
    if name in NUMERIC:
        score = values.to_numpy(float)
        score = score if metrics.auroc(score, label) >= 0.5 else -score
        said, fold = [f"{part.median():.4g}" for part in (real, fake)], np.zeros(len(label), int)
    else:
        score, fold = _share_of_fakes(values.to_numpy(object), label, people)
        said = [f"{part.mode()[0]} ({100 * (part == part.mode()[0]).mean():.0f} %)" for part in (real, fake)]
    try:
        interval = metrics.bootstrap_ci(_within, score, label, fold, groups=people, n=n, seed=seed)
    except metrics.OneClass:
        return []  # all fakes, or all reals, are of one person: there is no telling
    return [Shortcut(name, against, len(real), len(fake), *said, interval, min(len(set(people[label == kind])) for kind in (0, 1)))]


def _share_of_fakes(values, label, people):
    """Share of fakes among the clips of the other half of the people that have the same word (smoothed by one clip); and the halves, 0 and 1."""
    fold = pd.factorize(people, sort=True)[0] % 2
    score = np.zeros(len(label))
    for half in (0, 1):
        rest = fold != half
        prior = label[rest].mean() if rest.any() else 0.5
        table = pd.DataFrame({"value": values[rest], "label": label[rest]}).groupby("value")["label"].agg(["sum", "count"])
        share = (table["sum"] + prior) / (table["count"] + 1)
        score[~rest] = pd.Series(values[~rest]).map(share).fillna(prior).to_numpy()
    return score, fold


def _within(score, label, fold):
    """Mean AUROC of the folds that have both classes: scores of two halves come from two fits."""
    halves = [fold == half for half in np.unique(fold)]
    both = [metrics.auroc(score[half], label[half]) for half in halves if len(set(label[half])) == 2]
    if not both:
        raise metrics.OneClass("Both classes are needed in one half of the people")
    return float(np.mean(both))


def as_text(found):
    """The shortcuts as lines of a plain table."""
    head = ("fact", "against", "real", "fake", "n real", "n fake", "AUROC", "95 % over people", "")
    lines = [(one.fact, one.against, one.real, one.fake, str(one.n_real), str(one.n_fake), f"{one.auroc.value:.2f}",
              f"{one.auroc.lo:.2f} to {one.auroc.hi:.2f}", one.verdict) for one in found]
    widths = [max(len(line[k]) for line in (head, *lines)) for k in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in (head, *lines)]
