"""One row of a manifest: the words that say what a clip is, and the rules that they must keep.

Knows no files and no pictures.  Labels are words ("real", "fake"); they become the number 1 = fake in one place, `Row.label`.
"""

import hashlib
import math
import os
import re
from dataclasses import dataclass, field, fields

from avlab.clips.columns import MORE, REAL, WHOLE, WORDS
from avlab.errors import AvlabError

LABELS = ("real", "fake", "absent", "unknown")
SPLITS = ("train", "val", "test")
LETTER = {"real": "R", "fake": "F", "absent": "-", "unknown": "?"}
# as in avlab.synthtalk.forgers, whose import is heavy
SYNTHTALK_FORGERS = {"video": ("faceswap", "reenact", "lipsync", "ldm", "flow", "dub"), "audio": ("rtvc",)}
MAX_SECONDS = 4 * 3600  # a longer "clip" is a mistyped duration
MAX_SEED = 2**31 - 1


def category(label_video, label_audio):
    """Name the four-letter category of a clip from the labels of its two streams.

    category = letter(video) "V" letter(audio) "A", with R real, F fake, - stream absent, ? label unknown
    (RVRA, RVFA, FVRA, FVFA are the four of FakeAVCeleb, Khalid et al. 2021; "-" and "?" are ours, so that a silent film
    can never be counted as one with real sound).

    label_video, label_audio   "real" | "fake" | "absent" | "unknown"
    Returns e.g. "FVRA", "RV-A", "?VFA".  Raises AvlabError for any other word.
    """
    for stream, label in (("video", label_video), ("audio", label_audio)):
        if label not in LABELS:
            raise AvlabError(f"label_{stream} must be one of {', '.join(LABELS)}", got=label)
    return f"{LETTER[label_video]}V{LETTER[label_audio]}A"


@dataclass(frozen=True)
class Row:
    """What one clip is: labels, people, seeds and where it lies.

    clip_id        unique name of the clip; any text without line breaks
    category       follows from the two labels, see `category`
    label_video    "real" | "fake" | "absent" | "unknown", the same for label_audio
    forger_video   what forged the picture, "" for none or not known; forger_audio the same for the sound
    identity       who is shown: a number (SynthTalk) or a name; donor: whose face or voice was put in, -1 for nobody
    cell           demographic-like group, -1 if not stated
    split          "train" | "val" | "test" | "" (not split yet)
    duration_s     seconds, > 0
    *_seed         seeds of the renderer (SynthTalk only)
    segments_*     ((start_s, end_s), ...) forged spans, half-open; () on a fake stream means all of it
    path           file inside the data root; "" means that SynthTalk renders the clip
    more           ((column, text), ...) of the further columns that public sets have, see `avlab.clips.columns`
    root           the data root, filled in by `manifest.load`, not a column
    """

    clip_id: str
    dataset: str = "synthtalk"
    category: str = "RVRA"
    label_video: str = "real"
    label_audio: str = "real"
    forger_video: str = ""
    forger_audio: str = ""
    identity: int | str = -1
    donor: int | str = -1
    cell: int = -1
    split: str = ""
    duration_s: float = 0.64
    speech_seed: int = 0
    motion_seed: int = 0
    camera_seed: int = 0
    forger_seed: int = 0
    segments_video: tuple = ()
    segments_audio: tuple = ()
    path: str = ""
    more: tuple = ()
    root: str = field(default="", compare=False, repr=False)

    @property
    def label(self):
        """1 if any stream is fake, 0 if none is; DFDC labels clips and not streams.  Raises AvlabError where that is not known."""
        if "fake" in (self.label_video, self.label_audio) or self.value("label_clip") == "fake":
            return 1
        if "unknown" in (self.label_video, self.label_audio) and self.value("label_clip") != "real":
            raise AvlabError("A clip with an unknown label has no class", got=self.clip_id,
                             todo="Leave it out, or select rows by label_video or label_audio")
        return 0

    @property
    def forger(self):
        """"real", or the forgers of both streams joined by "+": "faceswap", "rtvc", "faceswap+rtvc"."""
        if self.label == 0:
            return "real"
        names = [name or "unknown" for name, label in ((self.forger_video, self.label_video), (self.forger_audio, self.label_audio))
                 if label == "fake"]
        return "+".join(names) or "unknown"

    @property
    def identities(self):
        """Everyone in the clip, as a frozenset; names of people carry their data set, so that two sets never collide.

        A name that names its corpus, such as vox2:id00076, keeps it: sets that were made from one corpus share its people.
        Where no one is named (DFDC), the identity_group stands for them, so that it is not cut.
        """
        people = [person for person in (self.identity, self.donor, *self.value("others").split(";")) if person not in (-1, "")]
        if self.dataset == "synthtalk":
            return frozenset(people)
        if not people and self.value("identity_group"):
            return frozenset([f"{self.dataset}:group {self.value('identity_group')}"])
        return frozenset(person if ":" in str(person) else f"{self.dataset}:{person}" for person in people)

    def value(self, column):
        """What stands in a column; "" for a further column that this row does not have."""
        return getattr(self, column) if column in COLUMNS else dict(self.more).get(column, "")

    @property
    def source(self):
        """What a rendered fake and the real clip that it was made from have in common (person, length, speech, motion, camera), as one word."""
        return f"{self.identity}/{self.duration_s:g}/{self.speech_seed}/{self.motion_seed}/{self.camera_seed}"

    @property
    def digest(self):
        """16 hex digits of everything that determines the clip's pictures and sound (labels and split do not)."""
        parts = [repr(getattr(self, name)) for name in _CONTENT]
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


_CONTENT = ("clip_id", "dataset", "forger_video", "forger_audio", "identity", "donor", "duration_s", "speech_seed", "motion_seed",
            "camera_seed", "forger_seed", "segments_video", "segments_audio", "path")
COLUMNS = tuple(f.name for f in fields(Row) if f.name not in ("root", "more"))
INTEGERS = ("cell", "speech_seed", "motion_seed", "camera_seed", "forger_seed")
PEOPLE = ("identity", "donor")
SEGMENTS = ("segments_video", "segments_audio")


def parse_cell(column, text):
    """Read one cell of the CSV as the type of its column.  Raises AvlabError with the rule that it breaks."""
    if re.search(r"[\ud800-\udfff]", text):
        raise AvlabError("Cells must be UTF-8", got=text.encode("utf-8", "surrogateescape"))
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise AvlabError("Cells must not hold control characters", got=text)
    if column in INTEGERS:
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            raise AvlabError("A whole number is needed", got=text)
        return int(text)
    if column in PEOPLE:
        plain = re.fullmatch(r"-1|0|[1-9][0-9]{0,11}", text)  # "007" stays a name: as a number it would collide with "7"
        return int(text) if plain else (text or -1)
    if column == "duration_s":
        return _number(text)
    if column in REAL:
        _number(text)  # raises; the text itself is kept
    if column in WHOLE and not re.fullmatch(r"-?[0-9]{1,15}", text):
        raise AvlabError("A whole number is needed", got=text)
    if column in SEGMENTS:
        return _segments(text)
    return text


def _number(text):
    try:
        value = float(text)
    except ValueError:
        raise AvlabError("A number is needed", got=text) from None
    if not math.isfinite(value):
        raise AvlabError("The number must be finite", got=text)
    return value


def _segments(text):
    spans = []
    for part in filter(None, text.split(";")):
        ends = part.split(":")
        if len(ends) != 2:
            raise AvlabError("Segments are written start:end;start:end in seconds", got=text)
        spans.append((_number(ends[0]), _number(ends[1])))
    return tuple(spans)


def format_cell(column, value):
    """Write one value as a cell; `parse_cell` reads it back to an equal value."""
    if column in SEGMENTS:
        return ";".join(f"{start!r}:{end!r}" for start, end in value)
    return repr(float(value)) if column == "duration_s" else str(value)


def row_problems(row):
    """List (column, message) of every rule that this row breaks by itself; uniqueness over rows is the manifest's matter."""
    found = []
    if not row.clip_id.strip() or len(row.clip_id) > 200:
        found.append(("clip_id", "must have 1 to 200 characters"))
    if not row.dataset.strip():
        found.append(("dataset", "must not be empty"))
    found += _label_problems(row)
    if row.split not in (*SPLITS, ""):
        found.append(("split", f"must be one of {', '.join(SPLITS)} or empty, not {row.split!r}"))
    if not 0 < row.duration_s <= MAX_SECONDS:
        found.append(("duration_s", f"must lie in (0, {MAX_SECONDS}] s, not {row.duration_s!r}"))
    found += _more_problems(row)
    found += [(name, f"must lie in 0..{MAX_SEED}") for name in INTEGERS[1:] if not 0 <= getattr(row, name) <= MAX_SEED]
    found += _segment_problems(row) + _path_problems(row)
    return found


def _label_problems(row):
    found = []
    for stream in ("video", "audio"):
        label, forger = getattr(row, f"label_{stream}"), getattr(row, f"forger_{stream}")
        if label not in LABELS:
            found.append((f"label_{stream}", f"must be one of {', '.join(LABELS)}, not {label!r}"))
        elif forger and label in ("real", "absent"):
            found.append((f"forger_{stream}", f"names {forger!r} although the {stream} is {label}"))
        elif label == "fake" and not forger and row.dataset == "synthtalk":
            found.append((f"forger_{stream}", f"is empty although the {stream} is fake"))
        elif forger and row.dataset == "synthtalk" and forger not in SYNTHTALK_FORGERS[stream]:
            found.append((f"forger_{stream}", f"SynthTalk has {', '.join(SYNTHTALK_FORGERS[stream])}, not {forger!r}"))
    if not found and row.category != category(row.label_video, row.label_audio):
        right = category(row.label_video, row.label_audio)
        found.append(("category", f"says {row.category!r} but the labels of the two streams make it {right}"))
    return found


def _more_problems(row):
    found = [("more", f"has no column {name!r}") for name, _ in row.more if name not in MORE]
    found += [(name, f"must be one of {', '.join(words)}, not {row.value(name)!r}") for name, words in WORDS.items()
              if row.value(name) and row.value(name) not in words]
    streams, clip = {row.label_video, row.label_audio}, row.value("label_clip")
    if clip and not found and (("fake" in streams) > (clip == "fake") or (not streams & {"fake", "unknown"} and clip != "real")):
        found.append(("label_clip", f"says {clip!r} but the streams are {row.label_video} and {row.label_audio}"))
    return found + [tuple(part.partition(": ")[::2]) for part in row.value("faults").split("; ") if part]


def _segment_problems(row):
    found = []
    for stream in ("video", "audio"):
        column, last = f"segments_{stream}", 0.0
        spans = getattr(row, column)
        if spans and getattr(row, f"label_{stream}") != "fake":
            found.append((column, f"marks forged spans although the {stream} is not fake"))
        for start, end in spans:
            if start < 0 or end <= start:
                found.append((column, f"needs 0 <= start < end, not {start}:{end}"))
            elif end > row.duration_s + 1e-6:
                found.append((column, f"{start}:{end} ends after the clip ({row.duration_s} s)"))
            elif start < last:
                found.append((column, f"{start}:{end} overlaps the span before it, or stands out of order"))
            last = max(last, end)
    return found


def _path_problems(row):
    if row.dataset == "synthtalk":
        found = [("path", "must be empty: SynthTalk renders its clips")] if row.path else []
        return found + [(name, "must be a number in SynthTalk") for name in PEOPLE if not isinstance(getattr(row, name), int)]
    if not row.path:
        return [("path", "is empty, so there is no clip to read")]
    found = []
    for column in ("path", "audio_path"):
        try:
            if row.value(column):
                safe_path(row.value(column), row.root or os.curdir)
        except AvlabError as error:
            found.append((column, str(error)))
    return found


def safe_path(path, root):
    """Join a path from a manifest to the data root and prove that it stays inside, links followed.

    path   untrusted text;  root   folder
    Returns an absolute path, which need not exist.  Raises AvlabError if the path is absolute, holds a NUL or leaves the root.
    """
    todo = "Write paths relative to the data root"
    if "\x00" in path:
        raise AvlabError("A path must not hold a NUL character", got=path)
    if os.path.isabs(path) or re.match(r"[A-Za-z]:[\\/]|\\\\", path):
        raise AvlabError("A path in a manifest must be relative to its data root", got=path, todo=todo)
    base = os.path.realpath(root)
    full = os.path.realpath(os.path.join(base, path))
    if os.path.commonpath([base, full]) != base or full == base:
        raise AvlabError("A path in a manifest must not leave its data root", got=path, todo=todo)
    return full
