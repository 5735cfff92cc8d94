"""Share a logit among its inputs: integrated gradients, occlusion in picture, sound and time, and maps that a network writes by itself.

All through captum. `score` is any function of tensors that gives one number a clip, (B,); inputs are tensors, the clip axis in front.
Attribution is used in the sense of explainability; the forensic one (naming a generator) is another word of the same spelling.
"""

from __future__ import annotations

import numpy as np

from avlab.errors import AvlabError
from avlab.results import Heatmap

AT_ONCE = 32  # steps of an integral in one call of the network; bounds memory
NUMBERS = 2_500_000  # of one call of occlusion: as many hidden places at once as fit


def integrated_gradients(score, inputs, baselines, *, steps=64, method="gausslegendre"):
    """Attribute a score along the straight line from baselines to inputs (Sundararajan et al. 2017, eq. 1).

    IG[i] = (x[i] - b[i]) * integral over s in 0..1 of d score / d x[i] at b + s (x - b);   sum_i IG[i] = score(x) - score(b)

    inputs, baselines   tuples of tensors (B, ...), pairwise of one shape;   steps   of the integral >= 2;   method   captum's: "riemann_left" ...
    Returns (tuple of attributions like inputs, missed (B,)): missed = |sum - (score(x) - score(b))| over the larger of |score(x) - score(b)|
    and 0.1 logits: what the finite number of steps loses, relative to what there was to explain.  Raises AvlabError for unequal shapes.
    """
    import torch
    from captum.attr import IntegratedGradients

    shapes = [tuple(x.shape) for x in inputs], [tuple(b.shape) for b in baselines]
    if shapes[0] != shapes[1] or steps < 2:
        raise AvlabError("Every input has a baseline of its shape, and the line at least 2 steps", got=f"{shapes}, {steps} steps")
    made, delta = IntegratedGradients(score).attribute(tuple(x.detach().clone() for x in inputs), tuple(b.detach() for b in baselines), n_steps=steps,
                                                       method=method, internal_batch_size=max(AT_ONCE, len(inputs[0])), return_convergence_delta=True)
    with torch.no_grad():
        span = (score(*inputs) - score(*baselines)).abs()
    return tuple(x.detach() for x in made), delta.detach().abs() / span.clamp(min=0.1).to(delta)


def occlusion(score, inputs, which, *, window, stride, fill):
    """Slide a window of `fill` over one input and attribute to every place how far the score falls (Zeiler & Fergus 2014, section 4.2).

    which    number of the input;   window, stride   sizes for its axes behind the clip axis, e.g. (4, 3, 8, 8) of (T, 3, H, W): 4 frames at a time
    fill     tensor like that input: what stands where something is hidden. There is no neutral fill: each asks "instead of what?"
    Returns a tensor like the input; where windows overlap, their mean fall.  Positive: hiding it lowers the score.
    """
    import torch
    from captum.attr import Occlusion

    if inputs[which].shape != fill.shape or len(window) != fill.ndim - 1 or len(stride) != len(window):
        raise AvlabError("The fill has the input's shape, and window and stride a size for each of its axes behind the clip",
                         got=f"input {tuple(inputs[which].shape)}, fill {tuple(fill.shape)}, window {tuple(window)}, stride {tuple(stride)}")

    def of_one(x, *others):
        rest = list(others)
        return score(*rest[:which], x, *rest[which:])

    others = tuple(x for i, x in enumerate(inputs) if i != which)
    with torch.no_grad():
        return Occlusion(of_one).attribute(inputs[which], tuple(window), tuple(stride), fill, additional_forward_args=others,
                                           perturbations_per_eval=max(1, NUMBERS // fill.numel())).detach()


def psi_map(probed, *, silent=None) -> Heatmap:
    """What the probe's audio cross-attention writes, as one magnitude a cell: |psi| over channels (X-AVDT section 3.2), a film (T, h, w).

    psi is an attention *output*, signed, and no probability; and it knows of no detector: how large it is says where the probe computes,
    not where a detector looks.
    silent   the same clip probed with silent sound: then |psi - psi_silent|, the part that the sound made
    """
    psi = probed.av_attention if silent is None else probed.av_attention - silent.av_attention
    return Heatmap(psi.float().norm(dim=0).cpu().numpy(), "psi" if silent is None else "psi_of_the_sound", layer=probed.layer, target="", detector="probe")


def attended(weights, frames: int):
    """How much each moment is asked for: attention over time (B, T, T), rows adding to 1 -> (B, frames), mean 1, each step held over its frames.

    A weight says what was mixed, not what mattered: values and everything behind them may cancel it.  Raises AvlabError unless T divides frames.
    """
    weights = np.asarray(weights.detach().cpu() if hasattr(weights, "detach") else weights, dtype=np.float64)
    if weights.ndim != 3 or frames % weights.shape[2]:
        raise AvlabError("Attention over time is (B, T, T), and T divides the frames", got=f"{weights.shape}, {frames} frames")
    received = weights.mean(1)
    return (received * weights.shape[2]).repeat(frames // weights.shape[2], axis=1)
