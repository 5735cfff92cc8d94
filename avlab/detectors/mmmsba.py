"""MMMS-BA (Katamneni & Rattani 2024, arXiv 2408.01532): which moments are forged, from three sequences that attend to each other pair by pair.

The path of a clip of T frames, in the order of the file:

    audio (B, T, a), face (B, T, f), lips (B, T, l), mask (B, T, 3)      what `inputs` makes of a clip; mask says what is there
    each modality -> per-frame projection -> Bi-GRU -> tanh layer        D (B, T, D)
    each pair (X, Y) -> bi_modal_attention -> [a1, a2]                    (B, T, 2D);  pairs (face, lips), (audio, face), (lips, audio)
    [three pairs, three D] -> tanh layer -> W (B, T, D)                   "merged", 900 wide in the paper
    W -> frame_logit (B, T), distances to both ends -> spans (B, T, 2)    localise.proposals makes forged segments of them
    W, averaged with softmax(frame_logit) as weights -> embedding -> logit
    total = 1 focal(frames) + 2 DIoU(spans of forged frames) + 1 cross-entropy(clip)

The released code descends from MMMU-BA (Ghosal et al., EMNLP 2018, sentiment of utterances). Its families are all here: "mmmsba", "ms_sa" (each
modality attends to itself over time), "mmus_sa" (at each moment, the three modalities attend to each other) and "none" (no attention).

Filled in by us, because nothing readable says it: the width of W (100); loss weights; distances as softplus, in seconds, anchor-free (as in
ActionFormer, whose code the repository holds); a clip-level head, trained with plain cross-entropy (a variant script of theirs averages segments).
Departures, each with the way back:
    mask          the original pads with zeros and attends to them. Here what is not there has no weight as a key, adds exactly 0 to every sum and
                  is skipped by the GRU: padding and a missing modality change nothing elsewhere. mask_padding=False is the original.
    dropout       torch's fused GRU has no recurrent dropout (0.5 in the code); the dropout of its input is one mask per clip, as in Keras.
    two classes   one logit instead of a softmax over two, which has the same freedom; padded frames report a logit of -20.
    training      their validation data were the test data; ours are not (training.py).
Departures of size="small": `project` gives each modality a learnable layer per frame on standardised cheap features (the paper's inputs are
precomputed networks' features and enter the GRU as they are); smaller widths; dropout 0.1 everywhere instead of 0.5 to 0.7.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avlab.clips.audio import log_mel
from avlab.detectors import localise, losses
from avlab.detectors.sequences import GapGRU, Standardise, masked_softmax, one_dropped, pooled
from avlab.errors import AvlabError
from avlab.results import Prediction

MODALITIES = ("audio", "face", "lips")
PAIRS = (("face", "lips"), ("audio", "face"), ("lips", "audio"))
NOT_THERE = -20.0  # log-odds of a frame that is padding

SIZES = {
    # 40 MFCC, ResNet features of 512 for face and lips: papers.md 4.2 and 4.3
    "paper": {"widths": (40, 512, 512), "project": 0, "hidden": 300, "width": 100, "dropout": (0.5, 0.7, 0.7)},
    "small": {"widths": (128, 720, 690), "project": 48, "hidden": 32, "width": 32, "dropout": (0.1, 0.1, 0.1)},
}


def inputs(clip):
    """Return what a SynthTalk clip of 64 x 64 pixels becomes for size="small": cheap features of every frame, without a network.

    audio (T, 128)   mean and deviation of the log of 64 mel bands over the four 10-ms columns of the frame's 40 ms; zeros if there is no sound
    face (T, 720)    12 x 12 grey values of the inner picture, the logarithm of how much each cell changed since the frame before, and of how
                     much detail of two pixels it holds in each of three directions
    lips (T, 690)    20 x 24 grey pixels about the mouth, 120 changes and 3 x 30 details likewise
    mask (T, 3)      1 where audio, face, lips are there: a missing sound is absent, not silent, and so are frames outside the clip's sound

    Nothing is tracked: face and mouth are cut at fixed places, where synthtalk.face draws them, give or take the head's motion. Whole pixels of
    the mouth because forgers leave patterns of two pixels; changes because a splice is a jump; detail because networks and warps arrange it in
    their own way (a straight line on it tells forged frames from their originals better than on grey values, training people). Values fit float16.
    At size="paper" bring the features of other networks under the same four names.  Raises AvlabError for another picture size.
    """
    frames = np.asarray(clip.frames)
    if frames.shape[1:] != (64, 64, 3):
        raise AvlabError("The small MMMS-BA reads pictures of 64 x 64 pixels that the face fills", got=f"{frames.shape[2]} x {frames.shape[1]} pixels")
    n, mask = len(frames), np.ones((len(frames), 3), np.float32)
    mask[:, 0] = np.asarray(clip.mask) & (clip.audio is not None)
    audio = np.zeros((n, 128), np.float32)
    if clip.audio is not None:
        bands = log_mel(clip.audio, sample_rate=clip.sample_rate).T[:4 * n].reshape(n, 4, 64)
        audio = np.concatenate([bands.mean(1), bands.std(1)], 1)
    grey = frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    face, lips = grey[:, 8:56, 8:56], grey[:, 36:56, 20:44]
    return {"audio": audio, "face": np.concatenate([_cells(face, 4), _change(face, 4), _detail(face, 4)], 1),
            "lips": np.concatenate([_cells(lips, 1), _change(lips, 2), _detail(lips, 4)], 1), "mask": mask}


def _cells(grey, size):
    """(T, H, W) -> (T, H / size * W / size): means of square cells."""
    return grey.reshape(len(grey), grey.shape[1] // size, size, grey.shape[2] // size, size).mean((2, 4)).reshape(len(grey), -1)


def _change(grey, size):
    """Logarithm of the mean absolute change of 2 x 2 pixels since the frame before, in cells; the first frame has not changed."""
    small = _cells(grey, 2).reshape(len(grey), grey.shape[1] // 2, -1)
    return np.log(_cells(np.abs(np.diff(small, axis=0, prepend=small[:1])), size // 2) + 0.003)


def _detail(grey, size):
    """Logarithm of the energy of the three Haar differences inside every 2 x 2 pixels (across, down, diagonal), in cells."""
    a, b, c, d = (grey[:, y::2, x::2] for y in (0, 1) for x in (0, 1))
    return np.concatenate([np.log(_cells(h**2, size // 2) + 1e-5) for h in ((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2)], 1)


def bi_modal_weights(x, y, *, mask=None, scaled=False):
    """Return (n1, n2), each (B, T, T), rows summing to 1: whom x looks at in y, and whom y looks at in x.

    n1 = softmax_j(x_i . y_j), n2 = softmax_j(y_i . x_j): the softmax runs over the other one's moments, so n2 is not n1 transposed.
    Without 1/sqrt(D) (scaled=True divides by it) and with tanh codes of width 100 the rows are nearly one-hot, trained or not.
    Arguments as in `bi_modal_attention`. Rows and columns of what is not there are 0.
    """
    x, y, here_x, here_y = _present(x, y, mask)
    score = x @ y.transpose(1, 2) / (x.shape[-1] ** 0.5 if scaled else 1.0)
    return masked_softmax(score, here_x, here_y), masked_softmax(score.transpose(1, 2), here_y, here_x)


def bi_modal_attention(x, y, *, mask=None, scaled=False):
    """Return (a1, a2), each (B, T, D): what two sequences take from each other, gated by what they are themselves.

    a1 = (softmax(x y^T) y) * x,   a2 = (softmax(y x^T) x) * y       (papers.md 4.3; Ghosal et al. 2018, eq. 1-6)

    The gate is the asking side's own code, elementwise, not a sigmoid. The paper has neither 1/sqrt(D) (scaled=True) nor a mask.

    x, y   (B, T, D) with the same T
    mask   (B, T) bool, True where a moment is there, or a pair of them (for x, for y); None: everywhere
    What is not there is no key (its content has no influence, not even NaN) and its own rows of a1, a2 are 0.
    Raises AvlabError unless x and y have one shape.
    """
    n1, n2 = bi_modal_weights(x, y, mask=mask, scaled=scaled)
    x, y, *_ = _present(x, y, mask)
    return (n1 @ y) * x, (n2 @ x) * y


def _present(x, y, mask):
    if x.shape != y.shape or x.ndim != 3:
        raise AvlabError("Bi-modal attention takes two (B, T, D) sequences of one shape", got=f"{tuple(x.shape)} and {tuple(y.shape)}")
    here_x, here_y = mask if isinstance(mask, (tuple, list)) else (mask, mask)
    here_x, here_y = (torch.ones(x.shape[:2], dtype=torch.bool, device=x.device) if m is None else m.bool() for m in (here_x, here_y))
    return torch.where(here_x[..., None], x, 0.0), torch.where(here_y[..., None], y, 0.0), here_x, here_y


class ModalityEncoder(nn.Module):
    """One modality over time: (B, T, in) -> projection -> Bi-GRU -> tanh layer -> (B, T, D) in -1..1, 0 where the mask is False."""

    def __init__(self, inside, *, project, hidden, width, dropout):
        super().__init__()
        self.standardise = Standardise(inside) if project else None
        self.project = nn.Sequential(nn.Linear(inside, project), nn.ReLU()) if project else nn.Identity()
        self.gru = GapGRU(project or inside, hidden)
        self.dense = nn.Linear(2 * hidden, width)
        self.dropout = dropout

    def forward(self, x, here, stride=1):
        """x (B, T, in), here (B, T) bool -> code (B, ceil(T / stride), D), and which of its steps are there."""
        x = self.standardise(x, here) if self.standardise else torch.where(here[..., None], x, 0.0)
        x, here = pooled(self.project(x), here, stride)
        x = F.dropout(torch.ones_like(x[:, :1]), self.dropout[0], self.training) * x  # one mask for all moments of a clip
        x = F.dropout(self.gru(x, here), self.dropout[1], self.training)
        code = F.dropout(torch.tanh(self.dense(x)), self.dropout[2], self.training)
        return torch.where(here[..., None], code, 0.0), here


class MMMSBA(nn.Module):
    """The detector of frames, segments and clips.

    widths         of the audio, face and lip features that come in
    project        width of the learnable layer per frame in front of the GRU, 0 for none (features of other networks)
    hidden, width  of each GRU direction; D of the codes and of W
    dropout        of the GRU's input, of its output, of the codes
    family         "mmmsba" | "ms_sa" | "mmus_sa" | "none", see the head of the file
    modalities     those that are used, in any order; the others are ignored as if they were not there
    modality_dropout  0..1, share of training clips that lose one of their modalities (never the last), so that one may be missing later
    scaled         divide attention scores by sqrt(D), which the paper does not
    mask_padding   False: attend to what is not there as if its features were zeros, as the original does
    stride         frames a step: 5 makes the segments of 0.2 s of the paper's kind, 1 scores every frame
    fps            frames a second, for the spans
    """

    reads = ("audio", "face", "lips", "mask")

    def __init__(self, widths=(40, 512, 512), *, project=0, hidden=300, width=100, dropout=(0.5, 0.7, 0.7), family="mmmsba", modalities=MODALITIES,
                 modality_dropout=0.0, scaled=False, mask_padding=True, stride=1, fps=localise.FPS):
        super().__init__()
        _check(family, modalities, modality_dropout, stride)
        self.widths, self.family, self.scaled, self.mask_padding = tuple(widths), family, scaled, mask_padding
        self.modalities = tuple(name for name in MODALITIES if name in modalities)
        self.modality_dropout, self.stride, self.fps = modality_dropout, stride, fps
        inside = dict(zip(MODALITIES, widths, strict=True))
        self.encoders = nn.ModuleDict({name: ModalityEncoder(inside[name], project=project, hidden=hidden, width=width, dropout=dropout)
                                       for name in self.modalities})
        self.pairs = tuple(pair for pair in PAIRS if set(pair) <= set(self.modalities))
        blocks = len(self.modalities) + {"mmmsba": 2 * len(self.pairs), "none": 0}.get(family, len(self.modalities))
        self.merge = nn.Linear(blocks * width, width)
        self.frame_head, self.span_head, self.clip_head = nn.Linear(width, 1), nn.Linear(width, 2), nn.Linear(width, 1)

    def forward(self, audio, face, lips, mask=None, *, attention=False):
        """Score a batch of clips.

        audio, face, lips   (B, T, width of each);  mask  (B, T, 3) in that order, 1 where the modality is there; None: everywhere
        Returns Prediction: logit (B,) of the clip, embedding (B, D), and parts
            frame_logit (B, T)    log-odds that picture or sound of this frame is forged; -20 where nothing is there
            spans (B, T, 2)       start and end in seconds of the forged segment that this frame lies in, if it lies in one; may reach past the clip
                                  (cut off by localise.proposals; cut off here, ends outside would learn nothing)
            valid (B, T)          1 where some modality is there
        With attention=True also "attention.<asking>.<asked>" (B, T, T) for both directions of each pair (family mmmsba), "attention.<name>" for each
        modality (ms_sa) or "attention" (B, T, 3, 3) (mmus_sa), rows summing to 1; T counts steps here where stride is above 1.
        """
        here = self._here(audio, face, lips, mask)
        valid, codes, steps = here.any(-1), {}, {}
        for k, name in enumerate(self.modalities):
            x = (audio, face, lips)[MODALITIES.index(name)]
            x, seen = (x, here[..., k]) if self.mask_padding else (torch.where(here[..., k, None], x, 0.0), torch.ones_like(valid))
            codes[name], steps[name] = self.encoders[name](x, seen, self.stride)
        attended, weights = FAMILY[self.family](self, codes, steps)
        w = torch.tanh(self.merge(torch.cat([*attended, *codes.values()], -1)))
        return self._read(w, valid, weights if attention else {})

    def _here(self, audio, face, lips, mask):
        """(B, T, M) bool: which of the modalities in use is there; in training, one of them may be taken away."""
        shapes = [tuple(x.shape) for x in (audio, face, lips)]
        good = all(len(s) == 3 and s[:2] == shapes[0][:2] and s[2] == width for s, width in zip(shapes, self.widths, strict=True))
        if not good or (mask is not None and tuple(mask.shape) != (*shapes[0][:2], 3)):
            raise AvlabError(f"Features are (B, T, {' | '.join(map(str, self.widths))}) and the mask (B, T, 3)",
                             got=f"{shapes}, mask {None if mask is None else tuple(mask.shape)}", todo="Make them with mmmsba.inputs, or state their widths")
        here = torch.ones(*shapes[0][:2], 3, dtype=torch.bool, device=audio.device) if mask is None else mask > 0.5
        here = here[..., [MODALITIES.index(name) for name in self.modalities]]
        return here & one_dropped(here, self.modality_dropout)[:, None] if self.training and self.modality_dropout else here

    def _read(self, w, valid, weights):
        """Read frames, spans and the clip off W (B, steps, D); valid (B, T)."""
        n_frames, step_valid = valid.shape[1], localise.cover(valid, self.stride) > 0
        step_logit = self.frame_head(w)[..., 0].masked_fill(~step_valid, NOT_THERE)
        centres = localise.frame_centres(n_frames, fps=self.fps, stride=self.stride, device=w.device)
        away = F.softplus(self.span_head(w))
        spans = torch.stack([centres - away[..., 0], centres + away[..., 1]], -1)
        share = masked_softmax(step_logit[:, None], torch.ones_like(step_valid[:, :1]), step_valid)[:, 0]
        embedding = (share[..., None] * w).sum(1)
        parts = {name: value.repeat_interleave(self.stride, 1)[:, :n_frames] for name, value in (("frame_logit", step_logit), ("spans", spans))}
        parts["frame_logit"] = parts["frame_logit"].masked_fill(~valid, NOT_THERE)
        return Prediction(self.clip_head(embedding)[:, 0], embedding, {**parts, "valid": valid.to(w.dtype), **weights})


def _pairwise(model, codes, steps):
    """MMMS-BA: both directions of every pair, over time."""
    out, weights = [], {}
    for a, b in model.pairs:
        n1, n2 = bi_modal_weights(codes[a], codes[b], mask=(steps[a], steps[b]), scaled=model.scaled)
        out += [(n1 @ codes[b]) * codes[a], (n2 @ codes[a]) * codes[b]]
        weights |= {f"attention.{a}.{b}": n1, f"attention.{b}.{a}": n2}
    return out, weights


def _each_over_time(model, codes, steps):
    """MS-SA: every modality attends to itself over time, softmax(X X^T) X * X."""
    weights = {f"attention.{name}": bi_modal_weights(x, x, mask=steps[name], scaled=model.scaled)[0] for name, x in codes.items()}
    return [(weights[f"attention.{name}"] @ x) * x for name, x in codes.items()], weights


def _across_modalities(model, codes, steps):
    """MMUS-SA: at every moment the modalities attend to each other and to themselves; time plays no part."""
    x, here = (torch.stack(list(values.values()), 2).flatten(0, 1) for values in (codes, steps))
    n = bi_modal_weights(x, x, mask=here, scaled=model.scaled)[0]
    out = ((n @ x) * x).unflatten(0, next(iter(codes.values())).shape[:2])
    return list(out.unbind(2)), {"attention": n.unflatten(0, out.shape[:2])}


FAMILY = {"mmmsba": _pairwise, "ms_sa": _each_over_time, "mmus_sa": _across_modalities, "none": lambda model, codes, steps: ([], {})}


def _check(family, modalities, modality_dropout, stride):
    if family not in FAMILY:
        raise AvlabError(f"The families are {', '.join(FAMILY)}", got=family)
    if not modalities or isinstance(modalities, str) or set(modalities) - set(MODALITIES):
        raise AvlabError(f"modalities is a tuple of some of {', '.join(MODALITIES)}", got=modalities)
    if not 0 <= modality_dropout <= 1 or stride < 1:
        raise AvlabError("modality_dropout lies in 0..1 and stride is 1 or more", got=f"{modality_dropout}, {stride}")


def build(size="paper", **config):
    """Return MMMSBA of a size, its arguments replaced by those of `config`.  Raises AvlabError for an unknown size or argument."""
    if size not in SIZES:
        raise AvlabError(f"mmmsba has the sizes {', '.join(SIZES)}", got=size)
    return MMMSBA(**{**SIZES[size], **config})


WEIGHTS = {"focal": 1.0, "diou": 2.0, "clip": 1.0}  # 1 and 2 after the configuration in the repository (papers.md 4.4); the clip's term is ours


def total_loss(model, batch):
    """Return {"total", "focal", "diou", "clip"}: total = 1 focal + 2 DIoU + 1 clip.

    focal   of every frame that is there (alpha 0.25, gamma 2), its sum divided by the number of forged frames, at least 1 (Lin et al. 2017, section 4.1)
    diou    mean over forged frames between their span and their true segment; 0 where there is none
    clip    cross-entropy of the clip's logit

    batch   model.reads, label (B,), frame_label (B, T), and segments, a list of B (M, 2) in seconds; without it the runs of frame_label are taken
    """
    pred = model(*(batch[name] for name in model.reads))
    stride, n_frames, parts = model.stride, batch["frame_label"].shape[1], pred.parts
    label = localise.cover(batch["frame_label"], stride).repeat_interleave(stride, 1)[:, :n_frames]
    centres = localise.frame_centres(n_frames, fps=model.fps, stride=stride, device=label.device).repeat_interleave(stride)[:n_frames]
    segments = batch.get("segments") or [localise.runs(row, fps=model.fps) for row in batch["frame_label"]]
    target, inside = localise.span_targets(segments, centres)
    valid = localise.first_of_step(parts["valid"] > 0.5, stride)
    inside, count = inside & valid, valid.sum() / label[valid].sum().clamp(min=1)
    focal = losses.focal(parts["frame_logit"][valid], label[valid], alpha=0.25, gamma=2.0) * count
    diou = losses.diou_1d(parts["spans"][inside], target[inside]).mean() if bool(inside.any()) else parts["spans"].sum() * 0
    terms = {"focal": focal, "diou": diou, "clip": losses.focal(pred.logit, batch["label"], alpha=None, gamma=0.0)}
    return {"total": sum(WEIGHTS[name] * value for name, value in terms.items()), **terms}
