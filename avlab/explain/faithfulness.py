"""Is a map true of the network? Deletion and insertion, pointing, rank agreement, and networks whose weights or labels mean nothing.

Maps are arrays, networks are functions of tensors. A map is judged by what happens to the score when it is believed, and against what a map
without any knowledge of the network reaches.
"""

from __future__ import annotations

import numpy as np

from avlab.errors import AvlabError
from avlab.explain import controls

FILLS = ("blur", "mean", "noise")


# ------------------------------------------------------------------------------------------------ removing what a map names


def pooled(film, grid) -> np.ndarray:
    """Mean of a film (..., T, H, W) over blocks, (..., t, h, w) = grid; a coarser film is repeated first.  Raises AvlabError where sizes do not divide."""
    film = np.asarray(film, dtype=np.float64)
    for axis, n in zip((-3, -2, -1), grid, strict=True):
        size = film.shape[axis]
        if size < n and n % size == 0:
            film = film.repeat(n // size, axis)
        elif size % n:
            raise AvlabError("A film is pooled over whole blocks", got=f"{film.shape[-3:]} into {tuple(grid)}")
    *lead, t, h, w = film.shape
    a, b, c = grid
    return film.reshape(*lead, a, t // a, b, h // b, c, w // c).mean((-5, -3, -1))


def resized(film, size) -> np.ndarray:
    """A film (..., t, h, w) on another grid (T, H, W): straight lines between cell centres in space, and each step held in time."""
    import torch
    from torch.nn import functional as F

    film = torch.as_tensor(np.asarray(film, dtype=np.float64))
    lead, (T, H, W) = film.shape[:-3], size
    flat = F.interpolate(film.reshape(-1, 1, *film.shape[-2:]), (H, W), mode="bilinear", align_corners=False).reshape(-1, film.shape[-3], H, W)
    step = (np.arange(T) * film.shape[-3]) // T
    return flat[:, step].reshape(*lead, T, H, W).numpy()


def filled(x, kind: str, *, seed: int = 0):
    """What is put where something is taken away, like x (B, T, C, H, W): there is no neutral choice, and a score may move by the choice alone.

    blur   the film itself through a Gaussian of a tenth of its height      mean   its mean colour over time and place
    noise  normal noise with its mean and deviation, of each clip and colour.   Raises AvlabError for another kind.
    """
    import torch
    from scipy.ndimage import gaussian_filter

    if kind not in FILLS:
        raise AvlabError(f"A fill is {', '.join(FILLS)}", got=kind)
    mean = x.mean((1, 3, 4), keepdim=True).expand_as(x)
    if kind == "mean":
        return mean.clone()
    if kind == "noise":
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)).to(x)
        return mean + noise * x.std((1, 3, 4), keepdim=True)
    sigma = x.shape[-2] / 10
    return torch.as_tensor(gaussian_filter(x.cpu().numpy(), (0, 0, 0, sigma, sigma))).to(x)


def ranked(tiles) -> np.ndarray:
    """Numbers of the tiles, most important first: order (n,) of a film (t, h, w), ties in reading order."""
    return np.argsort(-np.asarray(tiles, dtype=np.float64).ravel(), kind="stable")


def removal_curve(score, x, order, fill, *, grid, steps, insert=False) -> np.ndarray:
    """Deletion: the score while the tiles of one film are replaced in their order; insertion: while they come back (Petsiuk et al. 2018).

    score  (n, T, C, H, W) -> (n,);   x, fill   (T, C, H, W): one film, one fill for all steps;   order   (t * h * w,) tile numbers of the grid (t, h, w)
    Returns (steps + 1,): share 0, 1/steps .. 1 of the tiles replaced (or restored).  Raises AvlabError unless order names every tile once.
    """
    import torch

    order, count = np.asarray(order), int(np.prod(grid))
    if not np.array_equal(np.sort(order), np.arange(count)) or steps < 1:
        raise AvlabError("An order names every tile once", got=f"{len(order)} of {count} tiles, {steps} steps")
    rank = np.empty(count)
    rank[order] = np.arange(count)
    rank = rank.reshape(grid)
    block = [n // g for n, g in zip((len(x), *x.shape[-2:]), grid, strict=True)]
    when = torch.as_tensor(np.kron(rank, np.ones(block)))[:, None].to(x.device)
    taken = torch.as_tensor(np.round(np.arange(steps + 1) / steps * count), device=x.device).view(-1, 1, 1, 1, 1)
    start, other = (fill, x) if insert else (x, fill)
    with torch.no_grad():
        return score(torch.where(when[None] < taken, other[None], start[None])).double().cpu().numpy()


def aopc(curve) -> float:
    """Area over a perturbation curve: mean over the steps of curve[0] - curve[k] (Samek et al. 2017, eq. 12); larger = what went first mattered more."""
    curve = np.asarray(curve, dtype=np.float64)
    return float((curve[0] - curve[1:]).mean())


def random_orders(count: int, n: int, *, seed: int) -> list:
    """n random orders of tiles: what deletion reaches without any map."""
    rng = np.random.default_rng([seed, 41])
    return [rng.permutation(count) for _ in range(n)]


# ------------------------------------------------------------------------------------------------ pointing


def pointing_ratio(values, mask) -> float:
    """Share of a map's mass inside a mask, over the mask's share of the area: 1 = as a map that is equal everywhere.

    values   (T, H, W) or (H, W); what is negative (speaks against the target) counts as 0.  A map without any mass points nowhere and gets 1.
    mask     bool of the same shape.  Raises AvlabError for unlike shapes, and a mask that is empty or full: then there is nothing to point at.
    """
    values, mask = np.clip(np.asarray(values, dtype=np.float64), 0, None), np.asarray(mask, bool)
    if values.shape != mask.shape or mask.all() or not mask.any():
        raise AvlabError("A map points at a mask of its own shape that covers part of it",
                         got=f"map {values.shape}, mask {mask.shape}, {mask.mean():.0%} covered")
    mass = values.sum()
    return 1.0 if mass <= 0 else float(values[mask].sum() / mass / mask.mean())


def centred_blob(height: int, width: int, *, spread=0.25) -> np.ndarray:
    """A Gaussian in the middle, (height, width), deviation = spread times each side: what a photographer's habit alone points at."""
    y, x = ((np.arange(n) + 0.5) / n - 0.5 for n in (height, width))
    return np.exp(-0.5 * ((y[:, None] / spread) ** 2 + (x / spread) ** 2))


def edges(frames) -> np.ndarray:
    """Length of the Sobel gradient of brightness: (T, C, H, W) -> (T, H, W). An edge detector knows no class (Adebayo et al. 2018, section 5)."""
    from scipy.ndimage import sobel

    grey = np.asarray(frames, dtype=np.float64).mean(1)
    return np.hypot(sobel(grey, 1), sobel(grey, 2))


def rank_correlation(a, b) -> float:
    """Spearman's rank correlation of two maps of one shape, in -1..1; 0 where one of them is equal everywhere."""
    from scipy.stats import rankdata

    a, b = (rankdata(np.asarray(x).ravel()) for x in (a, b))
    if len(a) != len(b):
        raise AvlabError("Maps are compared cell by cell", got=f"{len(a)} and {len(b)} cells")
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


# ------------------------------------------------------------------------------------------------ networks that know less


def cascade(model, parts, *, seed: int):
    """Yield (names so far, network) with the weights of parts[:1], parts[:2] .. re-initialised, from the logit down (Adebayo et al. 2018, section 3.1).

    parts   dotted names of modules or of parameters, each with all that is below it.  The model itself is not touched.
    """
    import copy

    fresh, made = controls.reinitialised(model, seed=seed).state_dict(), copy.deepcopy(model)
    for k, part in enumerate(parts, 1):
        own = {name: value for name, value in fresh.items() if name == part or name.startswith(part + ".")}
        if not own:
            raise AvlabError("A part of a network is a module or parameter with weights", got=part, todo="See model.named_modules()")
        made.load_state_dict(own, strict=False)
        yield tuple(parts[:k]), copy.deepcopy(made)
