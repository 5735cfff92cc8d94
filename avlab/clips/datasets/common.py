"""What the adapters share: finding the folder, listing films, reading lists that strangers wrote."""

import json
import os
import posixpath

import pandas as pd

from avlab.errors import AvlabError

FILMS = (".mp4", ".avi", ".mov", ".mkv", ".webm")


def base_of(root, marks, names, what):
    """Where the data set lies under the root: "" if one of the marks lies in the root itself, else the first of the names that holds one.

    marks   files or folders that make it this data set;  names   folders that it may have been unpacked into
    Raises AvlabError if neither is there.
    """
    if not os.path.isdir(root):
        raise AvlabError("The data root is a folder", got=root)
    for base in ("", *names):
        if any(os.path.exists(os.path.join(root, base, mark)) for mark in marks):
            return base
    raise AvlabError(f"{what} has {' or '.join(marks)} in it", got=f"{root}: {', '.join(sorted(os.listdir(root))[:8]) or 'nothing'}",
                     todo=f"Name the folder that holds {' or '.join(names) or marks[0]}")


def films(root, under="", endings=FILMS):
    """Paths of all films under a folder, relative to the root, with /, sorted; hidden files are left out and links to folders not followed."""
    found, top = [], os.path.join(root, under)
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if not name.startswith(".")]
        place = os.path.relpath(folder, root).replace(os.sep, "/")
        found += [posixpath.normpath(f"{place}/{name}") for name in files if name.lower().endswith(endings) and not name.startswith(".")]
    return sorted(found)


def read_json(root, *parts):
    """A JSON file of the data set.  Raises AvlabError if it cannot be read, or is no JSON."""
    path = os.path.join(root, *parts)
    try:
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise AvlabError("A list of the data set must be a readable JSON file", got=f"{path}: {error}") from None


def read_lines(root, *parts):
    """Lines of a text file of the data set that are not empty.  Raises AvlabError if it cannot be read."""
    path = os.path.join(root, *parts)
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError as error:
        raise AvlabError("A list of the data set must be readable", got=f"{path}: {error}") from None


def records_of(values, keys, where):
    """Dicts of a JSON list, as a frame with these columns, None where a key is not there.  Raises AvlabError where it is no list of objects."""
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise AvlabError("The list of clips is a JSON list of objects", got=f"{where}: {type(values).__name__}")
    return pd.DataFrame({key: pd.Series([value.get(key) for value in values], dtype=object) for key in keys})


def numbers(values):
    """A list of JSON values as floats; what is no number is NaN."""
    return pd.Series([float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan") for value in values], dtype=float)


def clip_ids(dataset, paths, base=""):
    """<dataset>/<path below base, without its ending>: never the file's own name alone, which repeats; the same wherever the set lies."""
    return dataset + "/" + paths.str.removeprefix(f"{base}/" if base else "").str.replace(r"\.[A-Za-z0-9]+$", "", regex=True)


def segments(periods, seconds=None, slack_s=0.04):
    """[[start, end], ...] of a list, as the text of a cell, sorted; ends within a frame after the clip's end are cut there.

    What is no list of pairs of numbers is returned as it stands, for `check` to find.
    """
    if periods is None or not isinstance(periods, list):
        return "" if periods is None else str(periods)
    if not all(isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, (int, float)) for end in pair) for pair in periods):
        return str(periods)
    if seconds is not None and seconds == seconds:
        periods = [[start, seconds if seconds < end <= seconds + slack_s else end] for start, end in periods]
    return ";".join(f"{float(start)!r}:{float(end)!r}" for start, end in sorted(periods))


def faults(*lists):
    """Join texts "column: what" of each row, leaving out empty ones: several Series in, one out."""
    return pd.concat(lists, axis=1).apply(lambda row: "; ".join(filter(None, row)), axis=1) if len(lists[0]) else pd.Series([], dtype=str)


def says(wrong, text):
    """A Series with this text (or Series of texts) where wrong, "" elsewhere."""
    wrong = pd.Series(wrong)
    text = text if isinstance(text, pd.Series) else pd.Series(text, wrong.index)
    return text.where(wrong, "").astype(str)
