"""From scores of frames to forged segments, and back from segments to what a frame should say.  Plain functions; knows no network.

Frame k covers [k, k + 1) / fps seconds; distances to the ends of a segment are measured from its centre, (k + 0.5) / fps.
Segments and proposals are in seconds, half-open. Judged by metrics.ap_at_iou and metrics.ar_at_n.
"""

import numpy as np
import torch
from torch.nn import functional as F

from avlab.errors import AvlabError
from avlab.metrics import interval_iou

FPS = 25


def frame_centres(n_frames, *, fps=FPS, stride=1, device=None):
    """Return (ceil(T / stride),) seconds: the centres of consecutive steps of `stride` frames each; the last one may reach past the end."""
    return (torch.arange(-(-n_frames // stride), device=device, dtype=torch.float32) + 0.5) * stride / fps


def cover(frames, stride):
    """Return (B, ceil(T / stride)): the maximum of every `stride` frames, so that a step is fake as soon as it touches a fake frame.

    frames   (B, T) labels 0 or 1.  This is MMMS-BA's rule (starts rounded down, ends up), papers.md 4.2.
    """
    return F.max_pool1d(F.pad(frames[:, None].float(), (0, -frames.shape[1] % stride)), stride)[:, 0] if stride > 1 else frames.float()


def first_of_step(valid, stride):
    """Return (B, T) bool: the first frame of every step that is there, to count a step of `stride` frames once.  valid   (B, T) bool."""
    steps = F.pad(valid, (0, -valid.shape[1] % stride)).unflatten(1, (-1, stride))
    return (steps & (steps.cumsum(2) == 1)).flatten(1)[:, :valid.shape[1]]


def runs(flags, *, fps=FPS):
    """Return (M, 2) float32 seconds: the spans of consecutive true frames.  flags   (T,) bool or 0/1, array or tensor."""
    flags = np.asarray(torch.as_tensor(flags).cpu()) > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return torch.from_numpy(edges.reshape(-1, 2).astype(np.float32) / np.float32(fps))


def span_targets(segments, centres):
    """Return for every centre the true segment it has to point at, (B, T, 2) in seconds, and whether it lies in one, (B, T) bool.

    A centre inside several segments takes the shortest (ActionFormer, Zhang et al. 2022, section 3.3): the long one has other centres.
    segments   list of B tensors (M, 2), M >= 0;  centres   (T,) seconds
    """
    target = torch.zeros(len(segments), len(centres), 2, device=centres.device)
    inside = torch.zeros(len(segments), len(centres), dtype=torch.bool, device=centres.device)
    for b, spans in enumerate(segments):
        for start, end in sorted(torch.as_tensor(spans).reshape(-1, 2).tolist(), key=lambda s: s[0] - s[1]):  # longest first, so that the shortest stays
            here = (centres >= start) & (centres < end)
            target[b, here] = torch.tensor([start, end], device=centres.device)
            inside[b] |= here
    return target, inside


def soft_nms(proposals, *, sigma=0.75, min_score=0.001, keep=100):
    """Return proposals with the doubles of better ones scored down: Gaussian soft-NMS (Bodla et al. 2017, eq. 3) on intervals.

    Repeat: take the best-scored proposal m; for every other one left, s_i <- s_i exp(-IoU(m, i)^2 / sigma).

    proposals   (N, 3) start_s, end_s, score > 0
    sigma       > 0; 0.75 in the localisation settings of MMMS-BA's repository. A double of IoU 1 keeps exp(-1 / 0.75) = 26 % of its score
    min_score   proposals that fall below it are dropped;  keep   at most so many come back
    Returns (M, 3) float64, best first.  Raises AvlabError if sigma is not positive.
    """
    if not sigma > 0:
        raise AvlabError("Soft-NMS needs sigma > 0", got=sigma)
    rest, kept = np.array(proposals, dtype=np.float64).reshape(-1, 3), []
    while len(rest) and len(kept) < keep:
        best = int(rest[:, 2].argmax())
        if rest[best, 2] < min_score:
            break
        kept.append(rest[best])
        rest = np.delete(rest, best, 0)
        rest[:, 2] *= np.exp(-interval_iou(rest[:, :2], kept[-1][None, :2])[:, 0] ** 2 / sigma)
    return np.stack(kept) if kept else np.zeros((0, 3))


def proposals(parts, *, fps=FPS, stride=1, top=2000, sigma=0.75, min_score=0.001, keep=100):
    """Return one (N, 3) array per clip of a batch: start_s, end_s, score, from each frame's probability and its span, after soft-NMS.

    Spans are cut at the ends of their clip, which are its first and last frame that are there.

    parts        Prediction.parts of MMMSBA, or what training.predict kept of them: frame_logit (B, T), spans (B, T, 2), valid (B, T), tensors or
                 arrays, or lists with one a clip
    fps, stride  of that model; frames of one step say the same and are counted once
    top          so many best frames enter soft-NMS; the other arguments are `soft_nms`'s. Defaults: papers.md 4.5
    """
    found = []
    for clip in zip(*(parts[name] for name in ("frame_logit", "spans", "valid")), strict=True):
        logit, spans, valid = (torch.as_tensor(value).detach().cpu() for value in clip)
        there = valid > 0.5
        step = first_of_step(there[None], stride)[0]
        ends = there.nonzero()[[0, -1], 0] + torch.tensor([0, 1]) if bool(there.any()) else torch.zeros(2)
        spans = spans[step].clamp(float(ends[0]) / fps, float(ends[1]) / fps)
        rows = torch.cat([spans, logit[step].sigmoid()[:, None]], 1).double().numpy()
        rows = rows[np.argsort(-rows[:, 2], kind="stable")[:top]]
        found.append(soft_nms(rows[rows[:, 1] > rows[:, 0]], sigma=sigma, min_score=min_score, keep=keep))
    return found


def grouped(parts, *, thresholds=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), fps=FPS, keep=100):
    """Return proposals as `proposals` does, but without the spans: runs of frames above a threshold, scored by their mean probability.

    The baseline of a model that only scores frames: its ends lie on the grid of frames (or of steps, for a stride above 1).
    parts        as for `proposals`; the spans are not read
    thresholds   each gives its own runs; equal runs are kept once
    """
    found = []
    for clip in zip(parts["frame_logit"], parts["valid"], strict=True):
        logit, valid = (torch.as_tensor(value).detach().cpu() for value in clip)
        score = torch.where(valid > 0.5, logit.sigmoid(), 0.0)
        spans = torch.cat([runs(score > threshold, fps=fps) for threshold in thresholds]).unique(dim=0)
        means = [float(score[round(float(a) * fps):round(float(b) * fps)].mean()) for a, b in spans]
        rows = np.column_stack([spans.double().numpy(), means]) if len(spans) else np.zeros((0, 3))
        found.append(rows[np.argsort(-rows[:, 2], kind="stable")[:keep]])
    return found
