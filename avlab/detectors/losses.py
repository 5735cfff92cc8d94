"""The loss terms of the four papers as plain functions: tensors in, one scalar out (DIoU: one value a pair).

Label 1 = fake everywhere; the one term that is printed with the other polarity (MSCT's alignment) asks for `matched` by name.
A batch that holds nothing to compare (one class, no triplet, no fake) gives exactly 0 with a gradient of 0, never NaN, so that a small
batch cannot stop a training. The weights between the terms stand in the papers' files; nothing here has parameters of its own.
"""

import torch
from torch.nn import functional as F

from avlab.errors import AvlabError

CODE_MARGIN = 0.05  # default of the library that X-AVDT's released code calls; its own option of 0.3 never reaches the loss


def focal(logit, target, *, alpha, gamma):
    """Return the mean focal loss: cross-entropy in which what is already right counts little.

    -alpha_t (1 - p_t)^gamma log p_t,  p = sigmoid(logit), p_t = p where target is 1, else 1 - p     (Lin et al. 2017, eq. 5;
    AMDD eq. 9 with alpha 0.75, gamma 2; MMMS-BA's code with alpha 0.25, gamma 2)

    logit   any shape;  target   the same shape, 0 or 1
    alpha   0..1, weight of target 1 (1 - alpha of target 0), or None for no weights: alpha=None, gamma=0 is cross-entropy
    gamma   >= 0
    AMDD does not say which class has its alpha; we give it to the fakes. Returns a scalar, 0 for no elements.
    Raises AvlabError for unequal shapes, alpha outside 0..1 or a negative gamma.
    """
    _same_shape("A focal loss needs one target a logit", logit, target)
    if gamma < 0 or not (alpha is None or 0 <= alpha <= 1):
        raise AvlabError("alpha lies in 0..1 and gamma is not negative", got=f"alpha={alpha}, gamma={gamma}")
    target = target.to(logit.dtype)
    signed = logit * (2 * target - 1)  # p_t = sigmoid(signed)
    # the power is taken on the logarithm: (1 - p_t)^gamma through pow has an infinite slope at p_t = 1 for gamma < 1
    value = -torch.exp(gamma * F.logsigmoid(-signed)) * F.logsigmoid(signed)
    if alpha is not None:
        value = value * (alpha * target + (1 - alpha) * (1 - target))
    return value.mean() if value.numel() else _zero(logit)


def triplet(embedding, label, *, margin=0.3, mining="batch_all"):
    """Return the triplet loss on unit vectors: an anchor should be nearer to its own class than to the other, by a margin.

    mean of max(0, |u_a - u_p|^2 - |u_a - u_n|^2 + margin),  u = embedding / |embedding|     (X-AVDT, section 3; margin 0.3)

    The mean runs over all triplets of the batch with p != a of the anchor's class and n of another. The paper does not say how it mines;
    this is Hermans et al. 2017's "batch all", divided by the triplets that exist.
    mining="code" is what the released code computes: mean of softplus(|u_a - u_p| - |u_a - u_n| + 0.05), distances not squared and the
    margin fixed (`margin` never reaches that loss, there or here). Its memory of 1024 earlier embeddings is left out.

    embedding  (B, D), need not be normalised;  label   (B,), any values, equal = same class
    Returns a scalar, 0 where there is no triplet (one class, or no class with two clips).  Raises AvlabError for an unknown mining.
    """
    if embedding.ndim != 2 or label.shape != embedding.shape[:1]:
        raise AvlabError("A triplet loss takes (B, D) vectors and (B,) labels", got=f"{tuple(embedding.shape)} and {tuple(label.shape)}")
    if mining not in ("batch_all", "code"):
        raise AvlabError("mining is batch_all (the paper's formula) or code (the released one)", got=mining)
    unit = F.normalize(embedding, dim=1)
    distance = (unit[:, None] - unit[None]).square().sum(-1)
    if mining == "code":
        distance = torch.where(distance > 0, distance, 1.0).sqrt() * (distance > 0)  # equal vectors: slope 0 instead of infinity
    same = label[:, None] == label[None]
    positive = same & ~torch.eye(len(label), dtype=torch.bool, device=label.device)
    valid = positive[:, :, None] & ~same[:, None, :]  # anchor, positive, negative
    gap = (distance[:, :, None] - distance[:, None, :])[valid]
    if not len(gap):
        return _zero(embedding)
    return F.relu(gap + margin).mean() if mining == "batch_all" else F.softplus(gap + CODE_MARGIN).mean()


def info_nce(a, b, *, temperature=0.07):
    """Return the symmetric InfoNCE loss: the partner of each row among all rows of the other side.

    1/2 [CE(S, i) + CE(S^T, i)],  S_ij = cos(a_i, b_j) / temperature     (AMDD eq. 11; van den Oord et al. 2018; symmetry assumed)

    a, b   (B, D), row i of both from the same clip, need not be normalised;  temperature   > 0
    Returns a scalar: ln B where nothing is told apart, 0 for B = 1 or B = 0.  AMDD's batches of 4 leave three negatives.
    """
    _same_shape("InfoNCE pairs the rows of two (B, D) tensors", a, b, ndim=2)
    if not temperature > 0:
        raise AvlabError("A temperature is positive", got=temperature)
    if not len(a):
        return _zero(a, b)
    similarity = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    partner = torch.arange(len(a), device=a.device)
    return (F.cross_entropy(similarity, partner) + F.cross_entropy(similarity.T, partner)) / 2


def cmffc(p_video, p_audio, generator, *, same_clip=True):
    """Return the cross-modal forgery fingerprint consistency loss: picture and sound of one generator should agree.

    mean over generators g >= 1 in the batch of  mean over (i, j) with g_i = g_j = g of  1 - cos(p_video_i, p_audio_j)   (AMDD eq. 12)

    Reals (generator 0) take no part, and each generator counts once, whatever its number of clips. The paper does not say whether
    i = j is a pair; it is here. same_clip=False leaves these pairs out, which in batches of 4 leaves almost nothing.

    p_video, p_audio   (B, D) projections, need not be normalised;  generator   (B,) whole numbers, 0 = real
    Returns a scalar in 0..2, 0 where there is no pair.
    """
    _same_shape("CMFFC pairs the rows of two (B, D) tensors", p_video, p_audio, ndim=2)
    if generator.shape != p_video.shape[:1]:
        raise AvlabError("CMFFC needs one generator a clip", got=f"{tuple(generator.shape)} for {len(p_video)} clips")
    apart = 1 - F.normalize(p_video, dim=1) @ F.normalize(p_audio, dim=1).T
    pair = (generator[:, None] == generator[None]) & (generator > 0)[:, None]
    if not same_clip:
        pair = pair & ~torch.eye(len(generator), dtype=torch.bool, device=generator.device)
    groups = [apart[pair & (generator == g)[:, None]].mean() for g in generator.unique() if bool((pair & (generator == g)[:, None]).any())]
    return torch.stack(groups).mean() if groups else _zero(p_video, p_audio)


def centroid(embedding, generator, centroids, *, reals=True):
    """Return the mean squared distance of each clip to the centroid of its generator, all on the unit sphere.

    mean_i |f_i / |f_i| - c_g / |c_g||^2,  g = g_i     (AMDD section 3.4; the distance is not printed, unit vectors are our reading)

    The centroids get no gradient: they follow by `update_centroids`, after the loss. A generator not seen before (a row of zeros) has
    no centroid yet, so its clips do not count.

    embedding  (B, D);  generator   (B,) whole numbers 0..G;  centroids   (G + 1, D);  reals=False leaves out generator 0
    Returns a scalar in 0..4, 0 where no clip counts.  Raises AvlabError for a generator that has no row.
    """
    generator = _rows_of(generator, embedding, centroids)
    centre = centroids.detach().to(embedding.dtype)
    counts = centre.abs().sum(1).gt(0)[generator] & (reals | (generator > 0))
    if not bool(counts.any()):
        return _zero(embedding)
    apart = F.normalize(embedding, dim=1) - F.normalize(centre, dim=1)[generator]
    return apart.square().sum(1)[counts].mean()


def update_centroids(centroids, embedding, generator, *, momentum=0.9):
    """Return new centroids (G + 1, D): an exponential moving average of each generator's mean unit vector.

    c_g <- momentum c_g + (1 - momentum) mean of f_i / |f_i|,  for the generators in this batch     (AMDD section 3.4, momentum 0.9)

    A generator that is not in the batch keeps its centroid; one seen for the first time (a row of zeros) takes the mean itself.
    Call it after the loss.  Takes no gradient.  Arguments and errors as in `centroid`.
    """
    with torch.no_grad():
        generator = _rows_of(generator, embedding, centroids)
        unit, new = F.normalize(embedding.detach(), dim=1), centroids.detach().clone()
        for g in generator.unique().tolist():
            mean = unit[generator == g].mean(0).to(new.dtype)
            new[g] = momentum * new[g] + (1 - momentum) * mean if bool(new[g].any()) else mean
        return new


def alignment(video, audio, matched, *, margin=0.0):
    """Return MSCT's alignment loss: picture and sound of a wholly real clip should point the same way, of any other not.

    mean of y (1 - d) + (1 - y) max(0, d - margin),  d = cos(video, audio)     (MSCT section 2.4; no margin there)

    The polarity is MSCT's: y = `matched` = 1 only where picture AND sound are real (RVRA), 0 for the three other kinds alike. It is not
    the label of a clip but its opposite.

    video, audio   (B, D), or (B, T, D) which is averaged over T first (as MRDF does);  matched   (B,) 0 or 1;  margin   -1..1
    Returns a scalar in 0..2, 0 for an empty batch.
    """
    _same_shape("Alignment compares two tensors of one shape", video, audio)
    if video.ndim == 3:
        video, audio = video.mean(1), audio.mean(1)
    if video.ndim != 2 or matched.shape != video.shape[:1]:
        raise AvlabError("Alignment takes (B, D) or (B, T, D) and matched (B,)", got=f"{tuple(video.shape)} and {tuple(matched.shape)}")
    if not len(video):
        return _zero(video, audio)
    matched = matched.to(video.dtype)
    cosine = (F.normalize(video, dim=1) * F.normalize(audio, dim=1)).sum(1)
    return (matched * (1 - cosine) + (1 - matched) * F.relu(cosine - margin)).mean()


def diou_1d(pred, target, *, denominator="enclosing"):
    """Return the distance-IoU loss of each pair of intervals.

    1 - |intersection| / |union| + rho^2 / c^2,  rho = distance of the centres, c = length of the smallest interval that holds both
    (Zheng et al. 2020 eq. 7 in one dimension; MMMS-BA section 4.4). In 0..2, and its slope does not vanish where the two are disjoint.

    denominator="lengths" divides by the sum of the two lengths instead, as the public MMMS-BA detection code does: equal for disjoint
    neighbours that touch, too small a denominator for distant ones (no bound), too large for overlapping ones.

    pred, target   (N, 2) start and end in seconds, start <= end; zero length is allowed, and two equal points have a loss of 0
    Returns (N,).  Raises AvlabError for other shapes or an end before its start.
    """
    _same_shape("DIoU compares (N, 2) intervals pairwise", pred, target, ndim=2)
    if denominator not in ("enclosing", "lengths"):
        raise AvlabError("denominator is enclosing or lengths", got=denominator)
    if pred.shape[1] != 2 or bool((pred[:, 1] < pred[:, 0]).any()) or bool((target[:, 1] < target[:, 0]).any()):
        raise AvlabError("An interval is (start, end) with start <= end", got=f"{tuple(pred.shape)}, or an end before its start")
    (start, end), (start_t, end_t) = pred.unbind(1), target.unbind(1)
    both = (end - start) + (end_t - start_t)
    shared = (torch.minimum(end, end_t) - torch.maximum(start, start_t)).clamp(min=0)
    hull = torch.maximum(end, end_t) - torch.minimum(start, start_t)
    rho = ((start + end) - (start_t + end_t)) / 2
    below = hull if denominator == "enclosing" else both
    loss = 1 - _ratio(shared, both - shared) + _ratio(rho.square(), below.square())
    return torch.where(hull > 0, loss, pred.sum(1) * 0)


# ------------------------------------------------------------------------------------------------ inside


def _ratio(above, below):
    """above / below, 0 with slope 0 where below is 0."""
    there = below > 0
    return torch.where(there, above / torch.where(there, below, 1.0), 0.0)


def _zero(*tensors):
    """0 that hangs on the graph, so that backward() works and gives zeros."""
    return sum(tensor.sum() * 0 for tensor in tensors)


def _same_shape(rule, a, b, ndim=None):
    if a.shape != b.shape or (ndim is not None and a.ndim != ndim):
        raise AvlabError(rule, got=f"{tuple(a.shape)} and {tuple(b.shape)}")


def _rows_of(generator, embedding, centroids):
    """The generator numbers as an index, checked against the rows of the centroids."""
    good = embedding.ndim == centroids.ndim == 2 and generator.shape == embedding.shape[:1] and centroids.shape[1] == embedding.shape[1]
    if not good or (len(generator) and not 0 <= int(generator.min()) <= int(generator.max()) < len(centroids)):
        got = f"embedding {tuple(embedding.shape)}, generator {generator.tolist()[:8]}, centroids {tuple(centroids.shape)}"
        raise AvlabError("Centroids are (G + 1, D), generators 0..G and embeddings (B, D)", got=got)
    return generator.long()
