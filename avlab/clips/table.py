"""A manifest as columns: a pandas DataFrame, for sets of a million clips. The same files and the same rules as `manifest`.

Every column of `rows.COLUMNS` and `columns.MORE` is there; text that is not known is "", a number that is not known is NaN. The index is
the line of the file (the header is line 1), so that whatever is said about a row can be looked up.
"""

import csv
import io
import os
import tempfile
import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from avlab.clips import manifest
from avlab.clips.columns import MORE, REAL, WHOLE
from avlab.clips.manifest import Manifest, Problem
from avlab.clips.rows import COLUMNS, INTEGERS, LETTER, Row, format_cell
from avlab.errors import AvlabError

ALL = (*COLUMNS, *MORE)
NUMBERS = ("duration_s", *INTEGERS, *REAL, *WHOLE)
LONG = ("clip_id", "path", "audio_path", "original", "variant_of", "segments_video", "segments_audio", "sha256", "notes", "faults")  # hardly ever repeat
WORDY = tuple(name for name in ALL if name not in NUMBERS and name not in LONG)
DEFAULTS = {"cell": -1.0, **dict.fromkeys(INTEGERS[1:], 0.0)}  # as in Row
ODD = "[\x00-\x1f\x7f\ud800-\udfff]"  # control characters, and bytes that are no UTF-8
_CONTROLS = bytes({*range(32), 127} - {10, 13})


@dataclass(frozen=True)
class Table:
    """Rows as columns, and the Problems of what could not be read at all; root is the folder that paths start from."""

    rows: pd.DataFrame
    problems: tuple = ()
    root: str = ""
    name: str = ""


def complete(rows, dataset="", release="", left_out=()):
    """Give a frame every column of a manifest, in order and of the right type, with what follows from the rest.

    rows      DataFrame with some of the columns, one row a clip; dataset, release fill columns that are not there
    Category, and label_clip where no stream is unknown, follow from the labels. Rows whose text holds control characters or bytes that
    are no UTF-8 cannot stand in a manifest: they are left out, and .attrs["left_out"] tells their paths.
    """
    rows = rows.reset_index(drop=True).copy()
    rows = rows.assign(**{name: value for name, value in (("dataset", dataset), ("release", release)) if name not in rows})
    if "category" not in rows and {"label_video", "label_audio"} <= set(rows):
        rows["category"] = categories(rows)
    if "label_clip" not in rows and {"label_video", "label_audio"} <= set(rows):
        rows["label_clip"] = clip_labels(rows)
    rows = _typed(rows)
    odd = np.zeros(len(rows), bool)
    for name in (*LONG, *WORDY):
        values = rows[name] if name in LONG else rows[name].cat.categories.to_series()
        found = values.str.contains(ODD, regex=True)
        odd |= found.to_numpy(bool) if name in LONG else rows[name].isin(list(values[found])).to_numpy()
    kept = rows[~odd].reset_index(drop=True)
    kept.index += 2
    kept.attrs["left_out"] = (*left_out, *(ascii(path) for path in rows["path"][odd]))
    return kept


def _typed(rows):
    made = {}
    for name in ALL:
        if name in NUMBERS:
            values = pd.to_numeric(rows[name], errors="coerce").astype(float) if name in rows else pd.Series(np.nan, rows.index)
            made[name] = values.fillna(DEFAULTS[name]) if name in DEFAULTS else values
        else:
            values = rows[name] if name in rows else pd.Series("", rows.index)
            if isinstance(values.dtype, pd.CategoricalDtype) and name in WORDY:
                missing = values.isna().any()
                made[name] = values.cat.add_categories(sorted({""} - set(values.cat.categories))).fillna("") if missing else values
            else:
                values = values.astype(object).where(values.notna(), "").astype(str)
                made[name] = values.astype("category") if name in WORDY else values
    return pd.DataFrame(made, index=rows.index)


def categories(rows):
    """Four-letter category of every row, see `rows.category`; "" where a label is no label."""
    letters = [rows[f"label_{stream}"].astype(object).map(LETTER) for stream in ("video", "audio")]
    return (letters[0] + "V" + letters[1] + "A").fillna("")


def clip_labels(rows):
    """fake if a stream is, real if every stream is real or absent, unknown else."""
    video, audio = rows["label_video"], rows["label_audio"]
    fake = (video == "fake") | (audio == "fake")
    real = video.isin(["real", "absent"]) & audio.isin(["real", "absent"])
    return pd.Series(np.select([fake, real], ["fake", "real"], "unknown"), rows.index)


def classes(rows):
    """real, fake or unknown for every clip: what is stated, else what follows from the labels of the streams."""
    stated = rows["label_clip"].astype(object)
    return stated.where(stated != "", clip_labels(rows))


# ------------------------------------------------------------------------------------------------ files


def read(source, *, root=None):
    """Read a manifest: "synthtalk", a .csv, .csv.gz or .parquet file, or a Manifest of rows.

    source   see above;  root   folder that the paths start from (default: the folder of the file)
    Returns Table; a cell that is no number, and a line that is no row, stand in .problems and the others go on.
    Raises AvlabError if the file cannot be read as a manifest at all.
    """
    if isinstance(source, Manifest) or str(source) == "synthtalk":
        rows = source if isinstance(source, Manifest) else manifest.load("synthtalk")
        return Table(of_rows(rows), rows.problems, str(root or ""), rows.name)
    root = os.path.abspath(root if root is not None else os.path.dirname(os.path.abspath(source)))
    if str(source).endswith(".parquet"):
        return Table(_read_parquet(source), (), root, str(source))
    data = manifest.read_bytes(source)
    text = manifest.decoded(data[:1 << 16], source)
    names, problems = manifest.header_of(io.StringIO(text, newline=None).readline(), source)
    rows = _read_fast(data, names)
    if rows is None:
        rows, bad = _read_line_by_line(manifest.decoded(data, source), names)
        problems = [*problems, *bad]
    cells, bad = _numbers(rows.loc[:, [name for name in names if name in ALL]])
    made = _typed(cells)
    for name, values in (("dataset", np.where(made["path"] != "", "files", "synthtalk")), ("category", categories(made))):
        if (made[name] == "").any():  # as in Row: an empty cell means what follows from the rest
            made[name] = made[name].astype(object).where(made[name] != "", values).astype(str).astype("category")
    return Table(made, (*problems, *bad), root, str(source))


def _read_fast(data, names):
    """Cells as pandas reads them, or None where any line needs a closer look: a quote, a byte or a count of cells that is wrong."""
    if len(data.translate(None, _CONTROLS)) != len(data):
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    kinds = {name: float if name in NUMBERS else str for name in names}  # not "category", which would read the names 007 and 7 as one number
    for dtype in (kinds, str):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                rows = pd.read_csv(io.BytesIO(data), dtype=dtype, header=0, names=names, index_col=False, keep_default_na=False, skip_blank_lines=False,
                                   na_values={name: [""] for name in NUMBERS} if dtype is kinds else None, encoding="utf-8-sig")
        except (ValueError, pd.errors.ParserWarning):  # ParserError and UnicodeDecodeError are ValueErrors
            continue
        total = len(rows)
        rows.index += 2
        rows = rows[~_blank(rows)]
        commas = data.count(b",") - (len(names) - 1) * (len(rows) + 1)
        return rows if total + 1 == lines and commas == (_commas(rows) if b'"' in data else 0) else None
    return None


def _blank(rows):
    """True for rows that say nothing: empty lines, which are no rows. Most are decided by their first cell."""
    blank = rows["clip_id"].isin(["", np.nan])
    for name in rows if blank.any() else ():
        blank &= rows[name].isin(["", np.nan])
    return blank


def _commas(rows):
    """How many commas stand inside cells, which must have been quoted: more commas in a file are separators, and fewer mean a short line."""
    return sum(int(rows[name].str.count(",").sum()) for name in rows if rows[name].dtype != float)


def _read_line_by_line(text, names):
    """Cells of every line that is a row, and the Problems of the others."""
    cells, lines, problems = [], [], []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if number == 1 or not line.strip():
            continue
        try:
            row = next(csv.reader([line.rstrip("\n")], strict=True))
        except csv.Error as error:
            problems.append(Problem(number, "", f"not a line of CSV: {error}"))
            continue
        if len(row) != len(names):
            problems.append(Problem(number, "", f"has {len(row)} cells and the header has {len(names)}"))
            continue
        cells.append(row)
        lines.append(number)
    rows = pd.DataFrame(cells, columns=names, index=lines, dtype=object)
    for name in rows:
        for number, value in rows[name][rows[name].str.contains(ODD, regex=True)].items():
            problems.append(Problem(number, name, f"Cells must be UTF-8 without control characters. Got: {ascii(value)}."))
    return rows.drop(index={number for number, column, _ in problems if column}), problems


def _numbers(rows):
    """The frame with numbers as floats, and the Problems of cells that are none."""
    problems, rows = [], rows.copy(deep=False)
    for name in set(rows) & set(NUMBERS):
        values = rows[name]
        if values.dtype != float:
            text = values.fillna("").astype(str).str.strip()
            values = pd.to_numeric(text, errors="coerce").astype(float)
            problems += [Problem(line, name, f"A number is needed. Got: {cell}.") for line, cell in text[values.isna() & (text != "")].items()]
        whole = name in WHOLE or name in INTEGERS
        wrong = np.isinf(values) | (whole & values.notna() & (values % 1 != 0))
        problems += [Problem(line, name, f"A {'whole' if whole else 'finite'} number is needed. Got: {cell}.") for line, cell in values[wrong].items()]
        rows[name] = values.mask(wrong)
    return rows, problems


def _parquet(do, path):
    try:
        return do()
    except ImportError:
        raise AvlabError("Parquet needs pyarrow, which is not installed", got=path, todo="pip install pyarrow, or use .csv.gz") from None


def _read_parquet(source):
    try:
        rows = _parquet(lambda: pd.read_parquet(source, engine="pyarrow"), source)
    except (OSError, ValueError) as error:
        raise error if isinstance(error, AvlabError) else AvlabError("The file cannot be read as parquet", got=f"{source}: {error}") from None
    missing = [name for name in manifest.REQUIRED if name not in rows]
    if missing:
        raise AvlabError(f"A manifest needs the columns {', '.join(manifest.REQUIRED)}", got=f"{source}: {list(rows)}")
    rows = _typed(rows.reset_index(drop=True))
    rows.index += 2
    return rows


def write(rows, path):
    """Write a table as .csv, .csv.gz or .parquet, by its name; columns that say nothing are left out. The file appears whole or not at all.

    Raises AvlabError for another ending, and for .parquet without pyarrow.
    """
    endings = {".csv": None, ".csv.gz": "gzip", ".parquet": "parquet"}
    kind = next((ending for ending in sorted(endings, key=len, reverse=True) if str(path).endswith(ending)), None)
    if kind is None:
        raise AvlabError(f"A manifest is written as {', '.join(endings)}", got=path)
    rows = _cells(rows)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".tmp")
    os.close(handle)
    try:
        if kind == ".parquet":
            _parquet(lambda: rows.to_parquet(temporary, engine="pyarrow", index=False), path)
        else:
            rows.to_csv(temporary, index=False, compression={"method": "gzip", "mtime": 0} if kind == ".csv.gz" else None, lineterminator="\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _cells(rows):
    """The columns that say something, with whole numbers as whole numbers."""
    made = {}
    for name in ALL:
        values = rows[name]
        if name in NUMBERS:
            said = values.notna() & (values != DEFAULTS.get(name, np.inf))
            if said.any():
                made[name] = values.astype("Int64") if name in WHOLE or name in INTEGERS else values
        elif name in (*manifest.REQUIRED, "dataset", "category", "split", "path") or (values != "").any():
            made[name] = values
    return pd.DataFrame(made)


# ------------------------------------------------------------------------------------------------ between rows and columns


def of_rows(rows):
    """The table of a Manifest, or of a list of Row; line n + 2 is row n."""
    columns = {name: [format_cell(name, row.value(name)) for row in rows] for name in COLUMNS}
    columns |= {name: [row.value(name) for row in rows] for name in MORE if any(row.more for row in rows)}
    for name in ("identity", "donor"):
        columns[name] = ["" if value == "-1" else value for value in columns[name]]
    made = _typed(pd.DataFrame(columns, dtype=object))
    made.index += 2
    return made


def to_rows(table):
    """The Manifest of a Table, so that clips can be loaded: to_rows(replace(table, rows=table.rows[table.rows.split == "val"])).

    Rows that break a rule are left out and stand in .problems, as in `manifest.load`.
    """
    buffer = io.StringIO()
    _cells(table.rows).to_csv(buffer, index=False, lineterminator="\n")
    header, *lines = buffer.getvalue().rstrip("\n").split("\n")
    read_rows = manifest.parse([header, *lines], table.root, table.name)
    numbers = {number: line for number, line in enumerate(table.rows.index, start=2)}
    return replace(read_rows, problems=tuple(problem._replace(line=numbers[problem.line]) for problem in read_rows.problems))


__all__ = ["Table", "Row", "complete", "read", "write", "of_rows", "to_rows"]
