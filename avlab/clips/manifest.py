"""Manifests: load, check, select, split by identity, and look for leaks.

A manifest is a CSV in UTF-8, one row a line.  Rows that break a rule are reported by line and column; the others go on.
Here rows are Python objects, one by one; `table` holds the same rows as columns, for sets of a million clips.
"""

import csv
import difflib
import gzip
import io
import os
import random
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from avlab.clips.columns import MORE
from avlab.clips.datasets import synthtalk
from avlab.clips.rows import COLUMNS, LABELS, Row, category, format_cell, parse_cell, row_problems
from avlab.clips.splits import Leak, leaks, split_by_identity
from avlab.errors import AvlabError

__all__ = ["Row", "Manifest", "Problem", "Leak", "category", "load", "save", "check", "split_by_identity", "leaks"]

REQUIRED = ("clip_id", "label_video", "label_audio")
_KNOWN = (*COLUMNS, *MORE)


class Problem(NamedTuple):
    """One broken rule: line of the file (the header is line 1), column, and what is wrong."""

    line: int
    column: str
    message: str


@dataclass(frozen=True)
class Manifest(Sequence):
    """Rows in order, like a list, with the problems of the rows that were left out."""

    rows: tuple
    problems: tuple = ()
    name: str = ""

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return replace(self, rows=self.rows[index]) if isinstance(index, slice) else self.rows[index]

    def __repr__(self):
        return f"Manifest({self.name!r}, {len(self.rows)} rows, {len(self.problems)} problems)"

    def select(self, **wanted):
        """Keep the rows whose fields have the wanted value, or one of them: select(split="test", forger=("real", "dub")).

        wanted   any column of Row, or label, forger; duration_s is compared within 1 ms.  Raises AvlabError for other names.
        """
        known = (*COLUMNS, "label", "forger", *MORE)
        for name in wanted:
            if name not in known:
                raise AvlabError(f"Rows are selected by {', '.join(known)}", got=name, todo=_near(name, known))
        sets = {name: _as_set(name, value) for name, value in wanted.items()}
        kept = tuple(row for row in self.rows if all(_value(row, name) in values for name, values in sets.items()))
        return replace(self, rows=kept)

    def draw(self, per_forger, *, seed=0, reals_per_fake=3, forgers=None):
        """Draw n clips of every forger and reals_per_fake * n reals, spread evenly over identities, decided by the seed alone.

        per_forger      n >= 1;   forgers   names to draw (default: all in these rows, but "real")
        Returns a Manifest in the order real, forger, forger ...  Raises AvlabError if there are too few clips.
        """
        groups = defaultdict(list)
        for row in self.rows:
            groups[row.forger].append(row)
        names = sorted(set(groups) - {"real"}) if forgers is None else list(forgers)
        drawn = _draw(groups["real"], per_forger * reals_per_fake, "real", seed)
        for name in names:
            drawn += _draw(groups[name], per_forger, name, seed)
        return replace(self, rows=tuple(drawn))


def _as_set(name, value):
    values = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    return {_key(name, item) for item in values}


def _value(row, name):
    return _key(name, row.value(name) if name in MORE else getattr(row, name))


def _key(name, value):
    return round(value * 1000) if name == "duration_s" else str(value) if name in MORE else value


def _near(name, known):
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else None


def _draw(rows, n, name, seed):
    if len(rows) < n:
        raise AvlabError(f"{n} clips of {name!r} were asked for and these rows hold {len(rows)}",
                         todo="Ask for fewer, or select a larger part of the manifest")
    rng = random.Random(f"{seed} {name}")  # text seeds do not depend on the run, unlike hash()
    by_person = defaultdict(list)
    for row in sorted(rows, key=lambda r: (rng.random(), r.clip_id)):
        by_person[row.identity].append(row)
    queues = list(by_person.values())
    drawn = []
    while len(drawn) < n:  # one of each person in turn
        drawn += [queue.pop() for queue in queues if queue]
    return drawn[:n]


def load(source, *, root=None):
    """Load a manifest: "synthtalk" for the embedded world, or the path of a .csv, .csv.gz or .parquet file.

    source   "synthtalk" or a path;  root   folder that the paths in it start from (default: the folder of the CSV)
    Returns Manifest; rows that break a rule are left out and stand in .problems as (line, column, message).
    Raises AvlabError if the file cannot be read as a manifest at all.
    """
    if str(source) == "synthtalk":
        return Manifest(synthtalk.rows(), (), "synthtalk")
    if str(source).endswith(".parquet"):
        from avlab.clips import table  # pandas, only where it is needed

        return table.to_rows(table.read(source, root=root))
    text = decoded(read_bytes(source), source)
    root = os.path.abspath(root if root is not None else os.path.dirname(os.path.abspath(source)))
    return parse([line.rstrip("\n") for line in io.StringIO(text, newline=None)], root, str(source))


def parse(lines, root, name=""):
    """The Manifest of lines of CSV, the header first; see `load`."""
    header, problems = header_of(lines[0] if lines else "", name)
    rows, seen = [], {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        row, found = _row(line, header, root)
        if row is not None and row.clip_id in seen:
            found.append(("clip_id", f"{row.clip_id!r} stands already on line {seen[row.clip_id]}"))
        problems += [Problem(number, column, message) for column, message in found]
        if row is not None and not found:
            rows.append(row)
        if row is not None:
            seen.setdefault(row.clip_id, number)
    return Manifest(tuple(rows), tuple(problems), name)


def read_bytes(source):
    """The bytes of a manifest file, unpacked if its name ends in .gz."""
    try:
        with (gzip.open if str(source).endswith(".gz") else open)(source, "rb") as file:
            data = file.read()
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise AvlabError("A manifest is \"synthtalk\" or the path of a CSV file", got=f"{source}: {error}") from None
    return data


def decoded(data, source):
    """Text of the bytes of a manifest; bytes that are no UTF-8 stay in it as surrogates, and are then reported cell by cell."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise AvlabError("A manifest is written in UTF-8", got=f"{source}: UTF-16", todo="Save it again as CSV UTF-8")
    return data.decode("utf-8-sig", "surrogateescape")


def header_of(line, source):
    """Column names of the first line, and the Problems of those that are unknown.  Raises AvlabError where they are not a manifest's."""
    if not line.strip():
        raise AvlabError("A manifest starts with a line of column names", got=f"{source}: nothing", todo="See data_manifests/")
    try:
        names = [name.strip() for name in next(csv.reader([line]))]
    except csv.Error as error:
        raise AvlabError("A manifest starts with a line of column names", got=f"{source}: {error}", todo="See data_manifests/") from None
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        todo = "Separate columns by commas" if len(names) == 1 and (";" in line or "\t" in line) else "See data_manifests/"
        raise AvlabError(f"A manifest needs the columns {', '.join(REQUIRED)}", got=f"{source}: {line}", todo=todo)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AvlabError("Each column may stand in a manifest once", got=f"{source}: twice {', '.join(map(repr, twice))}")
    unknown = [name for name in names if name not in _KNOWN]
    problems = [Problem(1, name, " ".join(filter(None, ["unknown column, not read.", _near(name, _KNOWN)]))) for name in unknown]
    return names, problems


def _row(line, header, root):
    """Row or None, and the list of (column, message) of what is wrong with this line."""
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        return None, [("", f"not a line of CSV: {error}")]
    if len(cells) != len(header):
        return None, [("", f"has {len(cells)} cells and the header has {len(header)}")]
    values, more, found = {}, [], []
    for column, text in zip(header, cells, strict=True):
        if column not in _KNOWN or (text == "" and column not in ("clip_id", "label_video", "label_audio")):
            continue  # an empty cell means the default
        try:
            value = parse_cell(column, text)
            if column in MORE:
                more.append((column, value))
            else:
                values[column] = value
        except AvlabError as error:
            found.append((column, str(error)))
    if found or "clip_id" not in values:
        return None, found
    if "category" not in values and {values["label_video"], values["label_audio"]} <= set(LABELS):
        values["category"] = category(values["label_video"], values["label_audio"])
    values.setdefault("dataset", "files" if values.get("path") else "synthtalk")
    row = Row(**values, more=tuple(more), root=root)
    return row, row_problems(row)


def save(rows, path):
    """Write rows as a CSV that `load` reads back equal, further columns where a row has any; the file appears whole or not at all.

    Raises AvlabError if a row breaks a rule or a value holds a line break.
    """
    further = [name for name in MORE if any(row.value(name) for row in rows)] if any(row.more for row in rows) else []
    lines = [",".join([*COLUMNS, *further])]
    for problem in check(rows):
        raise AvlabError(f"Row {problem.line - 1} breaks a rule: {problem.column} {problem.message}", todo="Put it right before saving")
    for row in rows:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="").writerow([format_cell(name, row.value(name)) for name in (*COLUMNS, *further)])
        lines.append(buffer.getvalue())
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write("\n".join(lines) + "\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def check(rows_or_path, *, root=None):
    """List the Problems of a manifest file, or of rows (row 1 then counts as line 2, as it would in a file)."""
    if isinstance(rows_or_path, (str, os.PathLike)):
        return list(load(rows_or_path, root=root).problems)
    problems, seen = [], {}
    for number, row in enumerate(rows_or_path, start=2):
        found = _type_problems(row) or row_problems(row)
        if row.clip_id in seen:
            found.append(("clip_id", f"{row.clip_id!r} stands already on line {seen[row.clip_id]}"))
        seen.setdefault(row.clip_id, number)
        problems += [Problem(number, column, message) for column, message in found]
    return problems


def _type_problems(row):
    """Columns whose value would not come back the same from a file."""
    found = []
    for column in (*COLUMNS, *dict(row.more)):
        value = row.value(column)
        try:
            if parse_cell(column, format_cell(column, value)) != value:
                found.append((column, f"{value!r} has the wrong type for this column"))
        except (AvlabError, TypeError, ValueError) as error:
            found.append((column, str(error)))
    return found
