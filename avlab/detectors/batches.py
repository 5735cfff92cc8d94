"""From manifest rows and stored arrays to batches: what a detector reads, and the labels that only its loss may see.

Labels come from the words of the row and from nowhere else; arrays come from a function of the row, usually `stored`. A data set draws
nothing at random: the order of the clips is the sampler's, and depends on its seed and the epoch alone.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from avlab.clips.rows import Row
from avlab.clips.store import Store
from avlab.errors import AvlabError

ONE_A_CLIP = ("label", "label_video", "label_audio", "generator", "person", "clip_id")
LABELS = (*ONE_A_CLIP, "frame_label", "segments")  # the keys of a batch that are no inputs


class ClipDataset(Dataset):
    """Clips as dictionaries of tensors: the detector's arrays under their own names, and the labels of the row.

    label        0. or 1., 1 = any stream fake;  label_video, label_audio   the same of one stream, NaN where the row says unknown
    generator    0 = real, k = the k-th name of `forgers`, -1 = a forger that is not among them (fit refuses it, scores do not mind)
    person       number of the row's identity in `people`
    frame_label  (T,) 0. or 1.: picture or sound of that frame is forged (the frame's start lies in a half-open segment)
    segments     (M, 2) forged spans in seconds of either stream, merged, cut off after T frames (only with segments=True)
    clip_id      the row's, a str

    rows      manifest rows, all with known classes
    arrays    row -> {name: array};  floats become float32, whole numbers int64
    forgers   names as in Row.forger ("faceswap", "faceswap+rtvc"), in the order of their numbers
    people    identities in the order of their numbers; None: those of these rows, sorted
    labels    rows whose labels are given to the clips instead of their own, one a clip: the shuffled-label control
    frames    T of frame_label; None: the row's duration times fps
    pad       let a batch hold clips of unequal shapes: zeros are added at the end of every axis
    keep      keep every array in memory once it was read
    """

    def __init__(self, rows: Sequence[Row], arrays: Callable[[Row], Mapping], *, forgers, people=None, fps=25, labels=None, segments=False,
                 frames=None, pad=False, keep=False):
        self.rows, self.arrays, self.fps = tuple(rows), arrays, fps
        self.label_rows = self.rows if labels is None else tuple(labels)
        self.segments, self.frames, self.pad = segments, frames, pad
        self.memory = {} if keep else None
        if not self.rows or len(self.label_rows) != len(self.rows):
            raise AvlabError("A data set holds at least one clip, and labels for each", got=f"{len(self.rows)} rows, {len(self.label_rows)} labels")
        self.forgers = {name: number for number, name in enumerate(("real", *forgers))}
        self.people = {name: number for number, name in enumerate(sorted({row.identity for row in self.rows}, key=str) if people is None else people)}
        unknown = {row.identity for row in self.rows} - set(self.people)
        if unknown:
            raise AvlabError("Every identity has its number in `people`", got=sorted(map(str, unknown)), todo="Pass the people of all splits")
        for row in self.label_rows:
            _ = row.label  # raises for a clip without a class, before hours of training

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row, said = self.rows[index], self.label_rows[index]
        n = round(row.duration_s * self.fps) if self.frames is None else self.frames
        sample = {name: _tensor(value) for name, value in self._read(index).items()}
        taken = sorted(set(sample) & set(LABELS))
        if taken:
            raise AvlabError("The inputs of a detector must not be called like a label", got=", ".join(taken))
        sample |= {"label": torch.tensor(float(said.label)), "label_video": _stream(said.label_video), "label_audio": _stream(said.label_audio),
                   "generator": torch.tensor(self.forgers.get(said.forger, -1)), "person": torch.tensor(self.people[row.identity]),
                   "frame_label": torch.tensor(forged_frames(said, n, self.fps), dtype=torch.float32), "clip_id": row.clip_id}
        if self.segments:
            sample["segments"] = torch.tensor(forged_spans(said, n / self.fps), dtype=torch.float32).reshape(-1, 2)
        return sample

    def _read(self, index):
        if self.memory is None:
            return self.arrays(self.rows[index])
        if index not in self.memory:
            self.memory[index] = self.arrays(self.rows[index])
        return self.memory[index]

    def collate(self, samples):
        """Stack samples to a batch {name: (B, ...)}; segments and clip_id stay lists.  Raises AvlabError for unequal shapes without `pad`."""
        batch = {}
        for name in samples[0]:
            values = [sample[name] for sample in samples]
            batch[name] = values if name in ("segments", "clip_id") else _stack(name, values, self.pad or name == "frame_label")
        return batch

    def groups(self, by="label"):
        """(N,) names to balance by: "label" (real, fake), "generator" (Row.forger) or "category" (RVRA, FVRA ...)."""
        names = {"label": "label", "generator": "forger", "category": "category"}
        if by not in names:
            raise AvlabError(f"Clips are balanced by {', '.join(names)}", got=by)
        return np.array([str(getattr(row, names[by])) for row in self.label_rows])

    def sampler(self, balance, seed):
        """The order of a training: "source" pairs (`PairedSampler`), groups alike (`groups`), or with None the clips as they are."""
        if balance == "source":
            return PairedSampler(self.rows, [row.label for row in self.label_rows], seed=seed)
        return BalancedSampler(np.zeros(len(self)) if balance is None else self.groups(balance), seed=seed)

    @property
    def identities(self):
        """Everyone who is seen or heard in these clips, donors of faces included (as `Row.identities`)."""
        return frozenset().union(*(row.identities for row in self.rows))

    @property
    def digest(self):
        """16 hex digits of which clips these are and which labels they carry (not of the arrays)."""
        labels = [(row.label_video, row.label_audio, row.forger, row.segments_video, row.segments_audio) for row in self.label_rows]
        text = repr([[(row.clip_id, row.digest) for row in self.rows], labels, self.forgers, self.people])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def splits(self):
        """The splits that the rows name, "" for none."""
        return frozenset(row.split for row in self.rows)


class Drawn(Sampler):
    """An order of clips that its seed and the epoch alone decide, so that a resumed run goes on with the same: the state is these two numbers."""

    def __init__(self, seed):
        if seed < 0:
            raise AvlabError("A sampler needs a seed that is not negative", got=seed)
        self.seed, self.epoch = seed, 0

    def at(self, epoch):
        """Draw the order of this epoch (0, 1, ...) from now on."""
        self.epoch = epoch

    def state_dict(self):
        return {"seed": self.seed, "epoch": self.epoch}

    def load_state_dict(self, state):
        self.seed, self.epoch = state["seed"], state["epoch"]


class BalancedSampler(Drawn):
    """Indices of one epoch in which every group comes equally often: small groups are repeated, large ones drawn in part.

    Inside a group no clip comes a second time before all have come once. The draw is decided by the seed and the epoch alone, so a
    resumed run goes on with the same order: set the epoch with `at`; the state is these two numbers.

    groups   (N,) names; all alike = a plain shuffle      seed   >= 0      length   indices an epoch, default N
    """

    def __init__(self, groups, *, seed, length=None):
        names, self.member = np.unique(np.asarray(groups), return_inverse=True)
        self.count, self.length = len(names), len(self.member) if length is None else length
        if not self.count or self.length < 1 or seed < 0:
            raise AvlabError("A sampler needs clips, a length of at least 1 and a seed that is not negative", got=f"{len(self.member)}, {length}, {seed}")
        super().__init__(seed)

    def __len__(self):
        return self.length

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.epoch])
        share = np.full(self.count, self.length // self.count)
        share[rng.permutation(self.count)[:self.length % self.count]] += 1
        drawn = []
        for group, n in enumerate(share):
            clips = np.flatnonzero(self.member == group)
            rounds = [rng.permutation(clips) for _ in range(-(-n // len(clips)))]
            drawn.append(np.concatenate([clips[:0], *rounds])[:n])
        yield from rng.permutation(np.concatenate(drawn)).tolist()


class PairedSampler(Drawn):
    """Indices of one epoch: every fake once, and right behind it the real clip that it was made from.

    So in batches of even size each forgery stands beside its source: what both share, face, light and motion, cancels in the gradient, and
    what is left is the forgery. A fake without its source (same person, same seeds) gets another real clip of its person, or any.
    Decided by the seed and the epoch alone, as in `BalancedSampler`.

    rows, label   of the clips, label 1 = fake      seed   >= 0.  Raises AvlabError where a class is missing.
    """

    def __init__(self, rows, label, *, seed):
        super().__init__(seed)
        self.fakes, self.reals = (np.flatnonzero(np.asarray(label) == y) for y in (1, 0))
        if not len(self.fakes) or not len(self.reals):
            raise AvlabError("Pairs need real and fake clips", got=f"{len(self.fakes)} fake and {len(self.reals)} real")
        source, own = {rows[i].source: i for i in self.reals}, {}
        for i in self.reals:
            own.setdefault(rows[i].identity, []).append(i)
        self.others = {i: [source[rows[i].source]] if rows[i].source in source else own.get(rows[i].identity, self.reals) for i in self.fakes}

    def __len__(self):
        return 2 * len(self.fakes)

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.epoch])
        for i in rng.permutation(self.fakes).tolist():
            yield from (i, int(rng.choice(self.others[i])))


def stored(rows, inputs, store_folder, settings, *, load=None, progress=None, failed=None):
    """Compute a detector's inputs of every clip once and return the function row -> arrays that reads them back.

    What is there already is kept, so a killed run goes on where it was; each clip's file appears whole or not at all (`clips.Store`).

    inputs     Clip -> {name: array}, kept as float16 (or as it is, if not a float)
    settings   what the arrays depend on besides the clip, as plain JSON values, e.g. {"detector": "msct", "pixels": 40}
               (SynthTalk's version is added: other clips, other store)
    load       row -> what `inputs` takes; default `clips.load_clip`
    progress   called as progress(number, total, row, state) after each clip
    failed     a list to which (clip_id, message) of clips that could not be read are added; without it they raise AvlabError, after the
               others were computed, so rows without them go through at once
    """
    from avlab.clips import load_clip
    from avlab.synthtalk import VERSION

    store = Store(store_folder, {"synthtalk": VERSION, **settings})
    done = store.map(rows, lambda row: {name: _half(value) for name, value in inputs((load or load_clip)(row)).items()}, progress=progress)
    if failed is not None:
        failed += done.failed
    elif done.failed:
        first = "; ".join(f"{name}: {message}" for name, message in done.failed[:3])
        raise AvlabError(f"{len(done.failed)} clips could not be read", got=first, todo="Leave these rows out, or repair the files")
    return store.get


def forged_frames(row, n, fps=25):
    """(n,) bool, True where picture or sound of frame k, which starts at k / fps, is forged; a fake stream without segments is so throughout."""
    from avlab.synthtalk.render import frames_inside

    forged = np.zeros(n, bool)
    for label, segments in ((row.label_video, row.segments_video), (row.label_audio, row.segments_audio)):
        if label == "fake":
            forged |= frames_inside(segments, n, fps)
    return forged


def forged_spans(row, seconds=None):
    """[(start_s, end_s), ...] in which picture or sound is forged, merged where they touch, in order; [] for a real clip.

    seconds   of a clip that is cut: spans end there, and those that would start later are left out; None = the row's duration
    """
    last = row.duration_s if seconds is None else seconds
    spans = []
    for label, segments in ((row.label_video, row.segments_video), (row.label_audio, row.segments_audio)):
        spans += (segments or [(0.0, row.duration_s)]) if label == "fake" else []
    merged = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return [(start, min(end, last)) for start, end in merged if start < last]


# ------------------------------------------------------------------------------------------------ inside


def _tensor(value):
    value = torch.as_tensor(np.asarray(value))
    return value.float() if value.is_floating_point() else value if value.dtype == torch.bool else value.long()


def _half(value):
    value = np.asarray(value)
    return value.astype(np.float16) if value.dtype.kind == "f" else value


def _stream(word):
    return torch.tensor({"fake": 1.0, "real": 0.0, "absent": 0.0}.get(word, float("nan")))


def _stack(name, values, pad):
    shapes = {tuple(value.shape) for value in values}
    if len(shapes) == 1:
        return torch.stack(values)
    if not pad or len({len(shape) for shape in shapes}) > 1:
        raise AvlabError("Clips of one batch have arrays of one shape", got=f"{name}: {sorted(shapes)}", todo="Take clips of one duration, or pad=True")
    out = values[0].new_zeros((len(values), *np.max(list(shapes), 0).tolist()))
    for row, value in zip(out, values, strict=True):
        row[tuple(slice(size) for size in value.shape)] = value
    return out
