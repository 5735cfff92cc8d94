"""The rules of a manifest, for all rows at once: the same ones as `rows.row_problems` and `splits.leaks`, and those that need the whole table.

A second route: tests hold the two equal on planted faults.
"""

import os
import re

import numpy as np
import pandas as pd

from avlab.clips import datasets
from avlab.clips.columns import WORDS
from avlab.clips.manifest import Problem
from avlab.clips.rows import INTEGERS, LABELS, MAX_SECONDS, MAX_SEED, SPLITS
from avlab.clips.splits import Leak
from avlab.clips.table import categories, classes, clip_labels

NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
SPANS = rf"-?{NUMBER}:-?{NUMBER}(?:;-?{NUMBER}:-?{NUMBER})*"
ABSOLUTE = r"/|\\\\|[A-Za-z]:[\\/]"
POSITIVE = ("fps", "avg_fps", "n_frames", "width", "height", "audio_sr_hz", "audio_channels", "n_faces_hint")
MIN_CLASS = 5  # clips of a generator in a split, below which its share there says nothing


def problems(table, *, files=False):
    """List the Problems of a Table, in the order of its lines.

    files   also look whether each file is there and lies inside the root when links are followed (a few microseconds a file)
    """
    rows, found = table.rows, list(table.problems)
    unread = {(line, column) for line, column, _ in found}
    for rule in (_names, _words, _labels, _forgers, _numbers, _segments, _scope, _originals, _sound, _paths, _faults):
        found += [problem for problem in rule(rows) if problem[:2] not in unread]
    if files:
        found += [Problem(line, column, message) for column in ("path", "audio_path") for line, message in files_missing(rows[column], table.root)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _where(rows, wrong, column, message):
    """A Problem for each row that is wrong; {} in the message is the cell."""
    return [Problem(line, column, message.replace("{}", ascii(value))) for line, value in rows.loc[np.asarray(wrong), column].items()]


def _names(rows):
    ids = rows["clip_id"]
    found = _where(rows, (ids.str.strip() == "") | (ids.str.len() > 200), "clip_id", "must have 1 to 200 characters")
    twice = ids.duplicated()
    if twice.any():
        first = {value: line for line, value in ids[ids.isin(ids[twice]) & ~twice].items()}
        found += [Problem(line, "clip_id", f"{value!r} stands already on line {first[value]}") for line, value in ids[twice].items()]
    return found + _where(rows, rows["dataset"].isin([value for value in rows["dataset"].cat.categories if not value.strip()]), "dataset", "must not be empty")


def _words(rows):
    allowed = {"label_video": LABELS, "label_audio": LABELS, "split": (*SPLITS, "")} | {name: (*words, "") for name, words in WORDS.items()}
    return [problem for name, words in allowed.items()
            for problem in _where(rows, ~rows[name].isin(words), name, f"must be one of {', '.join(filter(None, words))}, not {{}}")]


def _labels(rows):
    known = rows["label_video"].isin(LABELS) & rows["label_audio"].isin(LABELS)
    right = categories(rows)
    found = []
    for line, got in rows.loc[known & (rows["category"].astype(object) != right), "category"].items():
        found.append(Problem(line, "category", f"says {got!r} but the labels of the two streams make it {right[line]}"))
    clip, stated = clip_labels(rows), rows["label_clip"].astype(object)
    wrong = known & stated.isin(WORDS["label_clip"]) & (clip != "unknown") & (clip != stated)
    return found + _where(rows, wrong, "label_clip", "says {}, which is not what the labels of the streams say")


def _forgers(rows):
    found = []
    for stream in ("video", "audio"):
        column, label = f"forger_{stream}", rows[f"label_{stream}"]
        named = rows[column] != ""
        found += _where(rows, named & label.isin(["real", "absent"]), column, f"names {{}} although the {stream} is not fake")
        for name in rows["dataset"].cat.categories:
            known = datasets.forgers(name)
            if known is None or known[stream] is None:  # other data, or a set whose methods are not all known
                continue
            own = (rows["dataset"] == name) & label.isin(["fake", "unknown"])
            strange = [value for value in rows[column].cat.categories if not set(filter(None, value.split("+"))) <= set(known[stream])]
            found += _where(rows, own & rows[column].isin(strange), column, f"{name} has {', '.join(known[stream]) or 'none'}, not {{}}")
        found += _where(rows, (rows["dataset"] == "synthtalk") & ~named & (label == "fake"), column, f"is empty although the {stream} is fake")
    return found


def _numbers(rows):
    seconds = rows["duration_s"]
    found = _where(rows, (seconds <= 0) | (seconds > MAX_SECONDS), "duration_s", f"must lie in (0, {MAX_SECONDS}] s, not {{}}")
    for name in INTEGERS[1:]:
        found += _where(rows, (rows[name] < 0) | (rows[name] > MAX_SEED), name, f"must lie in 0..{MAX_SEED}")
    for name in POSITIVE:
        found += _where(rows, rows[name] <= 0, name, "must be more than 0, not {}")
    found += _where(rows, (rows["leading_silence_s"] < 0) | (rows["bytes"] < 0), "leading_silence_s", "must not be negative, nor may bytes")
    return found + _where(rows, ~rows["rotation_deg"].isin([0, 90, 180, 270]) & rows["rotation_deg"].notna(), "rotation_deg", "must be 0, 90, 180 or 270")


def spans(column):
    """Segments of a column of text, as a frame (line, start, end) in seconds, and the lines whose text is no list of spans."""
    said = column[column != ""]
    good = said.str.fullmatch(SPANS)
    said, bad = said[good], list(said.index[~good])
    counts = said.str.count(":").to_numpy(int)
    values = np.array(re.split("[:;]", ";".join(said)) if len(said) else [], float)
    return pd.DataFrame({"line": np.repeat(said.index.to_numpy(), counts), "start": values[::2], "end": values[1::2]}), bad


def _segments(rows):
    found = []
    for stream in ("video", "audio"):
        column = f"segments_{stream}"
        parts, bad = spans(rows[column])
        found += [Problem(line, column, f"Segments are written start:end;start:end in seconds. Got: {rows[column][line]}.") for line in bad]
        found += _where(rows, (rows[column] != "") & (rows[f"label_{stream}"] != "fake"), column, f"marks forged spans although the {stream} is not fake")
        seconds = rows["duration_s"].reindex(parts["line"]).to_numpy()
        before = parts.groupby("line")["end"].cummax().groupby(parts["line"]).shift(fill_value=0.0)
        rules = (((parts["start"] < 0) | (parts["end"] <= parts["start"]), "needs 0 <= start < end, not {}"),
                 (parts["end"] > seconds + 1e-6, "{} ends after the clip"), (parts["start"] < before, "{} overlaps the span before it, or stands out of order"))
        for wrong, message in rules:
            found += [Problem(line, column, message.replace("{}", f"{start}:{end}")) for line, start, end in parts[wrong].itertuples(index=False)]
    return list(dict.fromkeys(found))


def _scope(rows):
    spans_said, clip = (rows["segments_video"] != "") | (rows["segments_audio"] != ""), classes(rows)
    found = _where(rows, (rows["scope"] == "none") & (clip == "fake"), "scope", "says none although a stream is fake")
    found += _where(rows, rows["scope"].isin(["full", "partial"]) & (clip == "real"), "scope", "says {} although nothing is fake")
    found += _where(rows, (rows["scope"] == "partial") & (clip != "unknown") & ~spans_said, "scope", "says partial, and no span is marked as forged")
    return found + _where(rows, (rows["scope"] == "full") & spans_said, "scope", "says full, and spans are marked as forged")


def _originals(rows):
    """An original of the same data set must be a row, and real."""
    said = rows.loc[rows["original"] != "", ["original", "dataset"]]
    if not len(said):
        return []
    own = said["original"].str.split("/", n=1).str[0] == said["dataset"].astype(str)
    there, fake = said["original"].isin(rows["clip_id"]), said["original"].isin(rows.loc[classes(rows) == "fake", "clip_id"])
    return _where(said, own & ~there, "original", "{} is no row of this manifest") + _where(said, fake, "original", "{} is not a real clip")


def _sound(rows):
    """What the labels say of the sound, against what was found in the file."""
    codec, absent = rows["audio_codec"], rows["label_audio"] == "absent"
    found = _where(rows, absent & ~codec.isin(["", "-"]), "label_audio", "says {}, and the file has a sound track")
    return found + _where(rows, ~absent & (codec == "-"), "label_audio", "says {}, and the file has no sound track")


def _paths(rows):
    made = rows["dataset"] == "synthtalk"
    found = _where(rows, made & (rows["path"] != ""), "path", "must be empty: SynthTalk renders its clips")
    found += _where(rows, ~made & (rows["path"] == ""), "path", "is empty, so there is no clip to read")
    for column in ("path", "audio_path"):
        text = rows[column]
        found += _where(rows, text.str.match(ABSOLUTE), column, "A path in a manifest must be relative to its data root. Got: {}.")
        dots = text[text.str.contains(r"(?:^|/)\.{1,2}(?:/|$)", regex=True)]
        away = {line for line, path in dots.items() if os.path.normpath(path) == "." or os.path.normpath(path).split("/")[0] == ".."}
        found += _where(rows, rows.index.isin(away), column, "A path in a manifest must not leave its data root. Got: {}.")
    return found


def _faults(rows):
    return [Problem(line, *part.partition(": ")[::2]) for line, text in rows.loc[rows["faults"] != "", "faults"].items() for part in text.split("; ")]


def files_missing(paths, root):
    """[(line, message)] of files that are not there, are no plain files, or lie outside the root when links are followed; one look a file."""
    base, folders, found = os.path.realpath(root), {}, []
    prefix = base.rstrip("/") + "/"
    for line, path in paths[paths != ""].items():
        folder, name = os.path.split(path)
        if folder not in folders:
            folders[folder] = os.path.realpath(os.path.join(base, folder))
        full = os.path.join(folders[folder], name)
        if os.path.islink(full):
            full = os.path.realpath(full)
        if not full.startswith(prefix):
            found.append((line, f"A path in a manifest must not leave its data root. Got: {path!r}."))
        elif not os.path.isfile(full):
            what = "is a folder, not a film" if os.path.isdir(full) else "there is no such file"
            found.append((line, f"{what}. Got: {path!r}."))
    return found


# ------------------------------------------------------------------------------------------------ across splits


def people(rows):
    """Everyone in every clip: row number (n,), and name (n,), prefixed by the data set where the name does not name its corpus."""
    numbers, names, bare, sets = [], [], [], rows["dataset"].astype(object).to_numpy()
    for column in ("identity", "donor", "others"):
        codes, words = rows[column].cat.codes.to_numpy(), rows[column].cat.categories
        for code, word in enumerate(words) if column == "others" else ():  # few rows name more than two
            here = np.flatnonzero(codes == code)
            lists = [name for name in word.split(";") if name]
            numbers.append(np.repeat(here, len(lists)))
            names.append(np.array(lists * len(here), object))
            bare.append(np.array([":" not in name for name in lists] * len(here), bool))
        if column != "others":
            nobody = np.isin(words, ["", "-1"])
            said = np.flatnonzero(~nobody[codes])
            numbers.append(said)
            names.append(np.array(words, object)[codes[said]])
            bare.append(np.array([":" not in name for name in words], bool)[codes[said]])
    numbers, names, bare = np.concatenate(numbers), np.concatenate(names), np.concatenate(bare)
    names[bare] = sets[numbers[bare]] + ":" + names[bare]
    return numbers, names


def families(rows):
    """What ties clips together beside people: row number (n,), and key (n,): its own id, its original, what it is a variant of."""
    tied = rows["clip_id"].isin(set(rows["original"]) | set(rows["variant_of"])) | (rows["original"] != "") | (rows["variant_of"] != "")
    numbers, keys = [np.flatnonzero(tied)], [rows["clip_id"][tied].to_numpy(object)]
    for column in ("original", "variant_of"):
        said = np.flatnonzero(rows[column] != "")
        numbers.append(said)
        keys.append(rows[column].iloc[said].to_numpy(object))
    return np.concatenate(numbers), np.concatenate(keys)


def leaks(rows, *, generators=False):
    """List the Leaks of a table: people, families, files and contents in two splits; with generators=True also forgers, in train and test.

    A group (DFDC's parts) counts where no one is named.  Rows without a split are left out.
    """
    rows = rows[rows["split"] != ""]
    if not len(rows):
        return []
    named, paths = people(rows), rows["path"].to_numpy(object).copy()
    nameless = np.setdiff1d(np.arange(len(rows)), named[0])
    for number in np.flatnonzero(rows["path"].str.contains(r"//|(?:^|/)\.", regex=True)):  # another spelling is the same file
        paths[number] = os.path.normpath(paths[number])
    things = {"identity": named, "family": families(rows), "group": (nameless, rows["identity_group"].iloc[nameless].to_numpy(object)),
              "file": (np.arange(len(rows)), paths), "content": (np.arange(len(rows)), rows["sha256"].to_numpy(object))}
    splits = rows["split"].astype(object).to_numpy()
    found = [leak for kind, (numbers, values) in things.items() for leak in _in_two(kind, values, splits[numbers])]
    if generators:
        train = np.where(splits == "val", "train", splits)
        for column in ("forger_video", "forger_audio"):
            fake = np.flatnonzero(rows[column] != "")
            lists = rows[column].iloc[fake].astype(object).str.split("+")
            values = lists.explode().to_numpy(object)
            found += _in_two("generator", values, np.repeat(train[fake], lists.str.len().to_numpy(int)) if len(fake) else values)
    return sorted(set(found), key=lambda leak: (leak.kind, str(leak.value)))


def _in_two(kind, values, splits):
    codes, names = pd.factorize(values)
    places, words = pd.factorize(splits, sort=True)
    pairs = np.unique(codes.astype(np.int64) * max(len(words), 1) + places)
    thing, place = np.divmod(pairs, max(len(words), 1))
    twice = np.flatnonzero(np.bincount(thing, minlength=len(names)) > 1)
    starts, ends = np.searchsorted(thing, twice), np.searchsorted(thing, twice, side="right")
    return [Leak(kind, names[one], tuple(words[place[start:end]])) for one, start, end in zip(twice, starts, ends, strict=True) if names[one] not in ("", ".")]


def notices(rows):
    """Sentences about what breaks no rule and is worth knowing: rows without a split, small classes, unmeasured media."""
    found, split = [], rows["split"] != ""
    if split.any() and not split.all():
        found.append(f"{int((~split).sum())} of {len(rows)} rows are in no split")
    classes = rows.loc[split & (rows["attribution_class"] != ""), ["attribution_class", "split"]].astype(str)
    for name, counts in classes.groupby("attribution_class")["split"]:
        few = {part: n for part, n in counts.value_counts().items() if n < MIN_CLASS}
        if few:
            found.append(f"attribution class {name}: only " + ", ".join(f"{n} clips in {part}" for part, n in sorted(few.items())))
    nameless = int((split & rows["identity"].isin(["", "-1"])).sum())
    if nameless:
        found.append(f"{nameless} of {int(split.sum())} rows in a split name no one: whether people stand in two splits cannot be seen there")
    bare = int(((rows["n_frames"].isna()) & (rows["path"] != "")).sum())
    if bare:
        found.append(f"{bare} of {len(rows)} films are not measured (avlab manifest build --measure)")
    return found
