"""Where the attention layers of a motion U-Net sit, and how their tokens lie.

Knows diffusers' UNetMotionModel by its module names; runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from avlab.errors import AvlabError

KINDS = ("spatial", "cross", "temporal")


@dataclass(frozen=True)
class AttentionLayer:
    """Where one attention layer sits.

    name      "up.-1.cross.1": block, kind, and its place among that kind in the block
    kind      "spatial" (attn1), "cross" (attn2, keys from the sound) or "temporal" (motion module)
    block     "down.0", "down.1", "mid", "up.0", ... ; the last up block is "up.-1"
    path      module path inside the U-Net
    channels  width D of its output
    heads     number of heads
    stride    latent cells per query cell along each side
    grid      (h, w) queries of a frame for the U-Net's own sample size; () when that is not recorded
    """

    name: str
    kind: str
    block: str
    path: str
    channels: int
    heads: int
    stride: int
    grid: tuple = ()

    def grid_for(self, h, w):
        """Return the layer's (h, w) for a latent of h x w cells (every stage halves, rounding up)."""
        return -(-h // self.stride), -(-w // self.stride)


def layers(unet, kind=None, *, block=None):
    """List the attention layers of a UNetMotionModel in the order in which a pass meets them.

    kind   one of "spatial", "cross", "temporal", or None for all
    block  "down.0", "mid", "up.-1", ..., or None for all
    Returns a list of AttentionLayer.  Raises AvlabError for an unknown kind or block.
    """
    if kind is not None and kind not in KINDS:
        raise AvlabError("An attention kind is one of spatial, cross, temporal", got=kind)
    found = [layer for stage in _stages(unet) for layer in _of_stage(unet, *stage)]
    if block is not None:
        names = list(dict.fromkeys(layer.block for layer in found))
        block = _block_name(block, len(unet.up_blocks))
        if block not in names:
            raise AvlabError("That block holds no attention layer", got=block, todo=f"Known: {', '.join(names)}")
    return [x for x in found if (kind is None or x.kind == kind) and (block is None or x.block == block)]


def last_layer(unet, kind, block="up.-1"):
    """Return the last attention layer of a kind in a block: the tap of psi (X-AVDT code: last up block, last module).

    Raises AvlabError when the block has none: a middle block without motion module has no temporal attention.
    """
    found = layers(unet, kind, block=block)
    if not found:
        raise AvlabError(f"Block {block} has no {kind} attention", todo=f"Blocks that have: {', '.join(dict.fromkeys(x.block for x in layers(unet, kind)))}")
    return found[-1]


def to_map(tokens, kind, b, t, h, w):
    """Lay the tokens of an attention layer out as a film.

    tokens  spatial and cross (b*t, h*w, c); temporal (b*h*w, t, c), as AnimateDiff folds them
    Returns (b, c, t, h, w).  Raises AvlabError if the sizes do not fit.
    """
    if kind not in KINDS:
        raise AvlabError("An attention kind is one of spatial, cross, temporal", got=kind)
    want = (b * h * w, t) if kind == "temporal" else (b * t, h * w)
    if tokens.ndim != 3 or tuple(tokens.shape[:2]) != want:
        raise AvlabError(f"{kind} tokens must be ({want[0]}, {want[1]}, channels)", got=tuple(tokens.shape))
    if kind == "temporal":
        return tokens.reshape(b, h, w, t, -1).permute(0, 4, 3, 1, 2)
    return tokens.reshape(b, t, h, w, -1).permute(0, 4, 1, 2, 3)


def select(unet, kinds, names):
    """Resolve what a store was asked to keep: named layers, or every layer of the kinds."""
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    if names is None:
        return [layer for kind in kinds for layer in layers(unet, kind)]
    known = {layer.name: layer for layer in layers(unet)}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise AvlabError("No such attention layer", got=wrong, todo=f"Known: {', '.join(known)}")
    return [known[name] for name in names]


def _block_name(block, n_up):
    """Spell the last up block one way: up.1 of two is up.-1."""
    return "up.-1" if block == f"up.{n_up - 1}" else block


def _stages(unet):
    """Yield (block name, module path, module, halvings of the latent so far), in the order of a pass."""
    n = len(unet.down_blocks)
    for i, stage in enumerate(unet.down_blocks):
        yield f"down.{i}", f"down_blocks.{i}", stage, i
    if unet.mid_block is not None:
        yield "mid", "mid_block", unet.mid_block, n - 1
    for i, stage in enumerate(unet.up_blocks):
        yield _block_name(f"up.{i}", n), f"up_blocks.{i}", stage, n - 1 - i


def _of_stage(unet, block, path, stage, level):
    """List the layers of one stage: attentions.0, motion_modules.0, attentions.1, ... as its forward runs them."""
    attentions = [name for name, module in stage.named_modules() if name.endswith(("attn1", "attn2")) and hasattr(module, "to_q")]
    attentions.sort(key=lambda name: (int(name.split(".")[1]), name))
    size = getattr(unet.config, "sample_size", None)
    h, w = (size, size) if isinstance(size, int) else size or (0, 0)
    counts, found = dict.fromkeys(KINDS, 0), []
    for sub in attentions:
        kind = "temporal" if sub.startswith("motion_modules") else {"attn1": "spatial", "attn2": "cross"}[sub[-5:]]
        module = stage.get_submodule(sub)
        grid = (-(-h // 2**level), -(-w // 2**level)) if h else ()
        found.append(AttentionLayer(name=f"{block}.{kind}.{counts[kind]}", kind=kind, block=block, path=f"{path}.{sub}",
                                    channels=module.to_out[0].out_features, heads=module.heads, stride=2**level, grid=grid))
        counts[kind] += 1
    return found
