"""How proposals of forged segments are judged against the true ones: AP@IoU and AR@N. Reached as ``avlab.metrics.ap_at_iou`` and so on.

One array per video: proposals (N, 3) = start_s, end_s, score; truth (M, 2) = start_s, end_s. The conventions are those of LAV-DF's
evaluation (Cai et al. 2022, "Do you really mean that?", DICTA); where we depart, the function says so.
"""

import numpy as np

from avlab.errors import AvlabError, OneClass

AR_IOU = np.arange(10, 20) / 20  # 0.50, 0.55, ... 0.95
ROUNDING = 1e-9  # seconds on a frame grid are not exact in binary: an IoU this little above its threshold equals it


def interval_iou(a, b) -> np.ndarray:
    """Return (N, M): intersection over union in time of every interval of a (N, 2) with every one of b (M, 2), in seconds.

    0 where they do not meet, and 0 where both have no length.
    """
    a, b = (np.asarray(x, dtype=np.float64).reshape(-1, 2) for x in (a, b))
    inside = np.clip(np.minimum(a[:, None, 1], b[None, :, 1]) - np.maximum(a[:, None, 0], b[None, :, 0]), 0, None)
    union = (a[:, 1] - a[:, 0])[:, None] + (b[:, 1] - b[:, 0])[None] - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def proposal_hits(proposals, truth, iou: float) -> np.ndarray:
    """Return (N,) bool for one video: which proposals are true positives at an IoU threshold.

    Every true segment, in order of time, takes the best-scored proposal that no earlier one took and whose IoU with it is
    strictly above `iou`; the rest are false positives, duplicates among them (LAV-DF, Cai et al. 2022, its evaluation code).
    For true segments that do not overlap and iou >= 0.5 this is what going through the proposals by score gives as well.
    "Above" leaves 1e-9 for rounding: an IoU that equals the threshold on the frame grid is no hit whatever its last digit.

    proposals   (N, 3) start_s, end_s, score, any order; equal scores in the order given
    truth       (M, 2) start_s, end_s
    """
    proposals, truth = _proposals(proposals), np.asarray(truth, dtype=np.float64).reshape(-1, 2)
    rank = np.argsort(-proposals[:, 2], kind="stable")
    close = interval_iou(proposals[rank, :2], truth[np.argsort(truth[:, 0], kind="stable")]) > iou + ROUNDING
    hit = np.zeros(len(proposals), bool)
    for column in close.T:
        free = np.flatnonzero(column & ~hit)
        hit[free[:1]] = True
    return hit[np.argsort(rank, kind="stable")]


def ap_from_hits(score, hit, n_truth: int) -> float:
    """Return the average precision of the pooled proposals of many videos, score (N,) and hit (N,), for n_truth true segments.

    AP = sum_r (R_r - R_(r-1)) max_(q >= r) P_q: precision is taken as the best one at this recall or any higher, and recall that is
    never reached counts 0 (LAV-DF). Proposals of one score enter together, so that ties have no order; LAV-DF's code takes them in the
    order of its files, and starts the sum at the first proposal instead of at recall 0, which is up to 1 / n_truth lower.
    Raises AvlabError without a true segment.
    """
    if n_truth < 1:
        raise _no_truth("AP")
    score, hit = np.asarray(score, dtype=np.float64).ravel(), np.asarray(hit, dtype=bool).ravel()
    rank = np.argsort(-score, kind="stable")
    found, asked = np.cumsum(hit[rank]), np.arange(1, len(rank) + 1)
    last = np.flatnonzero(np.append(np.diff(score[rank]) != 0, True)[: len(rank)])  # the last proposal of each score
    recall, precision = found[last] / n_truth, found[last] / asked[last]
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * best).sum())


def ap_at_iou(proposals, truth, iou: float) -> float:
    """Return AP@IoU of proposals over many videos, 0..1 (LAV-DF's; `proposal_hits` and `ap_from_hits` say how).

    Real videos are part of it: they have no true segment, and each of their proposals is a false positive. A bootstrap over
    videos finds the hits once and pools them again for every draw.

    proposals   one (N, 3) array per video: start_s, end_s, score, comparable between videos; N may be 0
    truth       one (M, 2) array per video: start_s, end_s; M is 0 for real videos
    iou         a proposal counts when its IoU with an unused true segment is strictly above this
    Raises AvlabError when the numbers of videos differ or there is no true segment at all.
    """
    proposals, truth = _videos(proposals, truth)
    hit = [proposal_hits(p, t, iou) for p, t in zip(proposals, truth, strict=True)]
    return ap_from_hits(np.concatenate([p[:, 2] for p in proposals]), np.concatenate(hit), sum(map(len, truth)))


def ar_at_n(proposals, truth, n: int) -> float:
    """Return AR@N, 0..1: the share of true segments that one of the N best-scored proposals of their video covers.

    Recall is averaged over the ten IoU thresholds 0.50, 0.55, ... 0.95, each strictly above, and pooled over all true segments. One
    proposal may cover two segments, and real videos do not matter: that is LAV-DF's AR. AP is what punishes false alarms.
    Arguments and errors as in `ap_at_iou`; n >= 1.
    """
    if n < 1:
        raise AvlabError("AR@N looks at one proposal at least", got=n)
    proposals, truth = _videos(proposals, truth)
    if not sum(map(len, truth)):
        raise _no_truth("AR")
    best = []
    for p, t in zip(proposals, truth, strict=True):
        first = p[np.argsort(-p[:, 2], kind="stable")[:n], :2]
        best.append(interval_iou(first, t).max(0, initial=0.0))
    return float((np.concatenate(best)[:, None] > AR_IOU + ROUNDING).mean())


def _no_truth(name):
    """The metric is undefined without a true segment: a bootstrap draws again, everyone else is told."""
    return OneClass(f"{name} needs at least one true segment in one of the videos", todo="take more clips")


def _proposals(proposals):
    """One video's proposals as (N, 3) float64, or say what is wrong with them."""
    proposals = np.asarray(proposals, dtype=np.float64)
    proposals = proposals.reshape(0, 3) if proposals.size == 0 else proposals
    if proposals.ndim != 2 or proposals.shape[1] != 3 or not np.isfinite(proposals).all():
        raise AvlabError("Proposals of a video are finite rows of start_s, end_s, score", got=f"an array of shape {proposals.shape}")
    return proposals


def _videos(proposals, truth):
    if len(proposals) != len(truth) or not len(truth):
        raise AvlabError("Proposals and truth are lists with one array per video", got=f"{len(proposals)} and {len(truth)} videos")
    truth = [np.asarray(t, dtype=np.float64).reshape(-1, 2) for t in truth]
    for segments in truth:
        if not (segments[:, 0] < segments[:, 1]).all():
            raise AvlabError("A true segment ends after it starts", got=segments.tolist())
    return [_proposals(p) for p in proposals], truth
