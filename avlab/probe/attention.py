"""Read the attention layers of a motion U-Net during the very pass that made the score.

Knows diffusers' UNetMotionModel and its three kinds of attention, and nothing of clips, sounds or scores.
An attention layer computes P = softmax(Q K^T / sqrt(d)) and writes P V W_o into the residual stream. The first is
a probability map, the second is what X-AVDT calls psi: signed, one vector a query, *not* a map of probability.
"""

from __future__ import annotations

import torch

from avlab.errors import AvlabError
from avlab.probe.layers import KINDS, AttentionLayer, last_layer, layers, select, to_map

__all__ = ["KINDS", "AttentionLayer", "AttentionStore", "count_hooks", "last_layer", "layers", "to_map"]

MAX_PROBABILITIES = 1 << 26  # numbers handed out in one tensor (256 MB of float32); larger maps come in chunks
CHUNK = 1 << 22  # numbers of one chunk


class AttentionStore:
    """Keep what attention layers compute, keyed (layer, timestep), while the U-Net runs.

        with AttentionStore(unet, kinds=("cross",), timesteps=(24,)) as store:
            z = ddim_invert(denoise, z0, schedule)
        psi = store.map("up.-1.cross.1", 24)                  # (B, D, T, h, w)

    The timestep is the argument of the running U-Net call. Outputs P V W_o come from forward hooks and leave the fused
    kernel in place; for probabilities the pass's own Q and K are kept and the softmax is taken on reading, in chunks.
    Leaving the block, also by an exception, removes every hook: the network computes the same bits before, inside, after.

    unet           diffusers UNetMotionModel
    kinds          kinds to keep;  layers: names to keep instead of whole kinds (None: all layers of the kinds)
    timesteps      labels to keep, None for all that come
    probabilities  True, or names of kept layers: keep Q and K too, to read probabilities
    repeat         a second pass with the same label: "refuse", keep the "first", or keep the "last". t = 24 comes twice in
                   a round trip (first inversion step, last reconstruction step) and the two tensors differ (papers.md, X4)
    Raises AvlabError for unknown layers; on a repeated label; when a label that never came is read (never None).
    """

    def __init__(self, unet, kinds=("cross",), layers=None, timesteps=None, probabilities=False, *, repeat="refuse"):
        if repeat not in ("refuse", "first", "last"):
            raise AvlabError("repeat is one of refuse, first, last", got=repeat)
        self.unet, self.repeat = unet, repeat
        self.layers = {layer.name: layer for layer in select(unet, kinds, layers)}
        self.timesteps = None if timesteps is None else frozenset(_number(t) for t in timesteps)
        self._with_maps = frozenset(self.layers) if probabilities is True else frozenset(probabilities or ())
        if not self._with_maps <= set(self.layers):
            raise AvlabError("Probabilities can only be read from layers that are kept",
                             got=sorted(self._with_maps - set(self.layers)), todo="Name the layer in layers= too")
        self.clear()
        self._handles, self._now, self._shape = [], None, None

    def clear(self):
        """Forget all records, so that the next batch may pass the same timesteps."""
        self.outputs, self._queries, self._keys, self._shapes = _Records(), _Records(), _Records(), {}

    def __enter__(self):
        if self._handles:
            raise AvlabError("An AttentionStore is entered once at a time", todo="Make a second store")
        try:
            self._put_hooks()
        except BaseException:
            self._remove_hooks()
            raise
        return self

    def __exit__(self, *exc):
        self._remove_hooks()
        return False

    @property
    def seen(self):
        """The timesteps recorded so far, ascending."""
        return tuple(sorted({t for _, t in self.outputs}))

    def map(self, layer, t):
        """Return what the layer wrote at timestep t, as a film (B, D, T, h, w)."""
        tokens = self.outputs[layer, t]
        b, frames, h, w = self._shapes[layer, t]
        return to_map(tokens, self.layers[layer].kind, b, frames, h, w)

    def chunks(self, layer, t, *, size=CHUNK):
        """Yield (first, P): P (rows, heads, N, M) for a run of rows of the layer's batch, at most `size` numbers or one row.

        P = softmax(Q K^T / sqrt(d)), each row sums to 1. Rows are frames (B*T) for spatial and cross, cells (B*h*w) for temporal.
        """
        query, key = self._queries[layer, t], self._keys[layer, t]
        step = max(1, size // (query.shape[1] * query.shape[2] * key.shape[2]))
        for first in range(0, len(query), step):
            yield first, _softmax_scores(query[first:first + step], key[first:first + step])

    def probabilities(self, layer, t, *, rows=slice(None)):
        """Return P (rows, heads, N, M) of one layer and timestep.  Raises AvlabError if it would be too large to hand out whole."""
        query, key = self._queries[layer, t][rows], self._keys[layer, t][rows]
        numbers = len(query) * query.shape[1] * query.shape[2] * key.shape[2]
        if numbers > MAX_PROBABILITIES:
            raise AvlabError(f"A probability map of more than {MAX_PROBABILITIES} numbers is not built whole", got=numbers,
                             todo="Ask for fewer rows, or go through store.chunks(...) or store.pooled(...)")
        return _softmax_scores(query, key)

    def pooled(self, layer, t, weights, *, size=CHUNK):
        """Average the probabilities over groups of queries, never holding the whole map.

        weights  (rows, R, N), each row of N summing to 1 (a region's share of each query; a row of zeros stays zero)
        Returns (rows, heads, R, M).
        """
        parts = [torch.einsum("brn,bhnm->bhrm", weights[first:first + len(p)].to(p), p) for first, p in self.chunks(layer, t, size=size)]
        return torch.cat(parts)

    def _put_hooks(self):
        self._handles += [self.unet.register_forward_pre_hook(self._pass_starts, with_kwargs=True),
                          self.unet.register_forward_hook(self._pass_ends, always_call=True)]
        for name, layer in self.layers.items():
            module = self.unet.get_submodule(layer.path)
            self._handles.append(module.register_forward_hook(self._keep_output(name), with_kwargs=True))
            if name in self._with_maps:
                if getattr(module, "fused_projections", False):
                    raise AvlabError("Q and K cannot be read from fused projections", got=name, todo="Call unet.unfuse_qkv_projections()")
                self._handles.append(module.to_q.register_forward_hook(self._keep_heads(name, module, "_queries", module.norm_q)))
                self._handles.append(module.to_k.register_forward_hook(self._keep_heads(name, module, "_keys", module.norm_k)))

    def _remove_hooks(self):
        while self._handles:
            self._handles.pop().remove()
        self._now = self._shape = None

    def _pass_starts(self, unet, args, kwargs):
        sample = args[0] if args else kwargs["sample"]
        label = args[1] if len(args) > 1 else kwargs["timestep"]
        labels = set(torch.as_tensor(label).flatten().tolist())
        if len(labels) != 1:
            raise AvlabError("One pass under an AttentionStore has one timestep", got=sorted(labels), todo="Run one timestep at a time")
        self._now, self._shape = _number(labels.pop()), (sample.shape[0], *sample.shape[2:])

    def _pass_ends(self, unet, args, output):
        self._now = self._shape = None

    def _wanted(self, name, records):
        """Say whether this layer's record of the running pass is to be kept."""
        if self._now is None:
            raise AvlabError("The timestep of this pass is not known", todo="Call unet(...), not unet.forward(...) or a part of it")
        if self.timesteps is not None and self._now not in self.timesteps:
            return False
        if (name, self._now) not in records or self.repeat == "last":
            return True
        if self.repeat == "first":
            return False
        raise AvlabError("A timestep came twice under one AttentionStore; the records would overwrite each other", got=f"t = {self._now} in {name}",
                         todo='Leave the store before the second pass, call store.clear(), or choose repeat="first" or "last"')

    def _keep_output(self, name):
        def hook(module, args, kwargs, output):
            if not self._wanted(name, self.outputs):
                return
            if name in self._with_maps and kwargs.get("attention_mask") is not None:
                raise AvlabError("Probabilities under an attention mask are not read", got=name)
            b, frames, h, w = self._shape
            self.outputs[name, self._now] = output.detach()
            self._shapes[name, self._now] = (b, frames, *self.layers[name].grid_for(h, w))
        return hook

    def _keep_heads(self, name, module, which, norm):
        def hook(projection, args, output):
            records = getattr(self, which)
            if self._wanted(name, records):
                heads = output.detach().unflatten(-1, (module.heads, -1)).transpose(1, 2)
                records[name, self._now] = heads if norm is None else norm(heads)
        return hook


class _Records(dict):
    """Records keyed (layer, timestep); what never came is an error that says what did."""

    def __missing__(self, key):
        layer, t = key if isinstance(key, tuple) and len(key) == 2 else (key, None)
        names, steps = sorted({n for n, _ in self}), sorted({s for _, s in self})
        if layer not in names:
            raise AvlabError("No record of that layer", got=layer,
                             todo=f"Recorded layers: {', '.join(names) or 'none (did the network run inside the store?)'}")
        raise AvlabError(f"Timestep {t} never came while the store was open", got=f"timesteps {steps}",
                         todo="Check the schedule: only trailing spacing with 40 steps puts 24, 249 and 499 on the grid")

    def get(self, key, default=None):
        """Refuse like [key]: a silent None is how a psi goes missing (papers.md, X3)."""
        return self[key]


def count_hooks(network):
    """Count the forward and backward hooks on a network and all its parts: 0 on an untouched one."""
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) + len(m._backward_pre_hooks) for m in network.modules())


def _number(t):
    """24.0 and 24 are one label; 24.5 stays what it is."""
    return int(t) if t == int(t) else float(t)


def _softmax_scores(query, key):
    """P = softmax(Q K^T / sqrt(d)) for (b, heads, N, d) and (b, heads, M, d)."""
    return torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, dim=-1)
