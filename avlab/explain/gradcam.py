"""Grad-CAM over space and time: one weight a channel, a film of maps (Selvaraju et al. 2017, eq. 1-2; captum's LayerGradCam).

A detector is a function of tensors with a `logit`; nothing else about it is known here. It is asked in eval mode and left as it was found.
"""

from __future__ import annotations

import math
from contextlib import contextmanager

from avlab.errors import AvlabError
from avlab.results import Heatmap

WHOLE = (0.0, 0.0, 1.0, 1.0)


def grad_cam(model, inputs, *, layer, box=WHOLE) -> Heatmap:
    """Return the Grad-CAM film of one clip for the logit of "fake".

    a[c] = mean over t, h, w of d logit / d A[c, t, h, w];   map = ReLU(sum_c a[c] A[c])

    layer   dotted name of a module (see `layer_names`), whose output A is (B, C, t, h, w), or (B * t, C, h, w) as picture networks give it
    inputs  tensors of one clip, each with B = 1 in front;   box   top, left, bottom, right of what the network sees, as shares of the clip's pictures
    Returns Heatmap with values (t, h, w) >= 0: t steps that divide the clip evenly, on the layer's own grid, not enlarged.
    Raises AvlabError for more than one clip, an unknown layer, or an output without a grid.
    """
    if any(len(x) != 1 for x in inputs):
        raise AvlabError("grad_cam explains one clip", got=[tuple(x.shape) for x in inputs], todo="Use grad_cam_films for a batch")
    values = grad_cam_films(model, inputs, layer=layer)[0]
    return Heatmap(values.cpu().numpy(), "grad_cam", layer=layer, detector=type(model).__name__, box=box)


def grad_cam_films(model, inputs, *, layer, relu=True):
    """Return the films of a batch, (B, t, h, w); relu=False keeps what speaks against "fake". Errors as in `grad_cam`, which it computes."""
    from captum.attr import LayerGradCam

    with as_found(model), _film_of(named_layer(model, layer), len(inputs[0])) as film:
        fresh = tuple(x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs)
        made = LayerGradCam(logit_of(model), film).attribute(fresh, relu_attributions=relu)
    return made.detach()[:, 0]


def logit_of(model):
    """The function of tensors that is explained: inputs -> logit of "fake" (B,)."""
    return lambda *inputs: model(*inputs).logit


def layer_names(model, inputs) -> dict:
    """Layers that Grad-CAM can explain: {dotted name: (t, h, w)} of every module whose output is a film with a grid larger than 1 x 1."""
    import torch

    found, batch = {}, len(inputs[0])

    def note(name, made):
        if torch.is_tensor(made) and made.ndim in (4, 5) and max(made.shape[-2:]) > 1 and len(made) % batch == 0:
            found[name] = (made.shape[2] if made.ndim == 5 else len(made) // batch, *made.shape[-2:])

    hooks = [module.register_forward_hook(lambda _, __, made, name=name: note(name, made)) for name, module in model.named_modules() if name]
    try:
        with torch.no_grad(), as_found(model):
            model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def named_layer(model, name):
    """The module of a dotted name.  Raises AvlabError, naming the nearest ones."""
    from difflib import get_close_matches

    known = dict(model.named_modules())
    if not name or name not in known:
        near = get_close_matches(str(name), list(known), n=3, cutoff=0.3)
        raise AvlabError(f"{type(model).__name__} has no layer of this name", got=name, todo=f"Near: {', '.join(near)}" if near else "")
    return known[name]


@contextmanager
def as_found(model):
    """Eval mode inside, every module's own mode again afterwards; plain functions pass."""
    modes = {module: module.training for module in model.modules()} if hasattr(model, "modules") else {}
    try:
        if modes:
            model.eval()
        yield model
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _film_of(layer, batch):
    """Show a layer's output to captum as a film (B, C, t, h, w), whatever its own form, and give the network back what it expects.

    LayerGradCam averages gradients over every axis behind the channels. Where time is folded into the batch, (B * t, C, h, w), it would give
    each picture weights of its own, and maps of different pictures could not be compared: so time is unfolded around an identity layer.
    """
    from torch import nn

    film = nn.Identity()

    def unfold(_, __, made):
        if not hasattr(made, "ndim") or made.ndim not in (4, 5) or len(made) % batch or math.prod(made.shape[-2:]) < 2:
            got = tuple(made.shape) if hasattr(made, "shape") else type(made).__name__
            raise AvlabError("Grad-CAM needs a layer with a grid: output (B, C, t, h, w) or (B * t, C, h, w)", got=got, todo="See layer_names(model, inputs)")
        if made.ndim == 5:
            return film(made)
        return film(made.unflatten(0, (batch, -1)).transpose(1, 2)).transpose(1, 2).flatten(0, 1)

    hook = layer.register_forward_hook(unfold)
    try:
        yield film
    finally:
        hook.remove()
