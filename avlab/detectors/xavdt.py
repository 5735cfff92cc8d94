"""X-AVDT (Kim et al. 2026, CVPR, arXiv 2603.08483): what inversion does to the pixels and what audio cross-attention writes, read by two 3-D encoders.

The path of a clip of 16 frames, in the order of this file:

    composite     phi (B, 12, 16, H, W)  -> composite_encoder     -> v' (B, D, 1, h, w)    frames, D(z_T), D(z0_hat) and residual
    av_attention  psi (B, C, 16, h', w') -> av_attention_encoder  -> a' (B, D, 1, h, w)    output of an attention layer: signed, no probability
    [v', a'] -> fuse, a 1x1 convolution -> decoder: positions, attention among the h w cells, three strided layers, mean -> g (B, D)
    g -> head -> logit;   g / |g| -> triplet term;   total = 0.7 cross-entropy + 0.3 triplet

size="paper": phi at 512 px, psi of 320 x 64 x 64, both streams end at 32 x 32; 43.0 M weights, 47.2 M with the checkpoint's projection heads.
Ours, where nothing that we could read says it: no bias in convolutions in front of a norm; bias in every Linear, in the attention and in `fuse`,
which has no norm; positions are added before the residual branches off; an ablated stream leaves with its encoder (and its weights).
The released code differs from the paper: FIRST_RELEASE and CHECKPOINT name its variants.

Departures of size="small", each an argument (in brackets the paper's):
    standardise="running"  every channel of phi and psi has mean 0 and deviation 1 over the training clips ((x - 0.45) / 0.225 for phi, psi as it is).
                           Never per clip: the mean and the deviation of a clip's channels are what tells, and an instance norm would erase them.
    statistics=True        `fuse` also reads maps (v' and a' alone): of every psi channel the mean in a cell and how far it moves from frame to frame,
                           and of phi's frames and residual, in gray, the power of local spectra; powers and movements as logarithms. What tells
                           lies in squares, of movements around the mouth and of the finest detail, which convolutions reach only through
                           squares that they must first learn; psi's constant pattern and phi's faces would drown it.
    composite_px=32        phi is averaged to 32 x 32 in front of its encoder (no averaging); the spectra are taken before.
    Widths 32 to 64 and one block a layer; 4 groups (32); stems of 3x3x3 (7x7x7 for phi); strides such that both streams end at 8 x 8;
    the third decoder layer has stride 1, so that 2 x 2 cells are left for its batch statistics.
"""

import torch
from torch import nn
from torch.nn import functional as F

from avlab.detectors import losses
from avlab.detectors.encoders import Fixed, ResNeXt3d, Standardise, layers_of, spectra
from avlab.errors import AvlabError
from avlab.results import Prediction

FRAMES = 16  # time is halved four times and then squeezed
# stem: (width, kernel, stride); a layer: (width, width inside, blocks, stride of the first block); stride: (time, height, width)
SIZES = {
    "paper": {
        "psi_channels": 320, "width": 1024, "heads": 8, "groups": 32, "standardise": "paper", "statistics": False, "composite_px": None,
        "phi_stem": (64, 7, (2, 2, 2)), "phi_pool": (2, 2, 2),
        "phi_layers": ((256, 128, 2, (1, 1, 1)), (512, 256, 3, (2, 2, 2)), (1024, 512, 3, (2, 2, 2))),
        "psi_stem": (512, 3, (2, 1, 1)),
        "psi_layers": ((512, 256, 2, (2, 1, 1)), (512, 256, 2, (2, 1, 1)), (1024, 512, 2, (2, 2, 2))),
        "decoder_layers": ((1024, 1024, 2, (2, 2, 2)),) * 3,
    },
    "small": {
        "psi_channels": 32, "width": 64, "heads": 4, "groups": 4, "standardise": "running", "statistics": True, "composite_px": 32,
        "phi_stem": (16, 3, (2, 2, 2)), "phi_pool": (2, 1, 1),
        "phi_layers": ((32, 16, 1, (1, 1, 1)), (48, 32, 1, (2, 2, 2)), (64, 32, 1, (2, 1, 1))),
        "psi_stem": (32, 3, (2, 1, 1)),
        "psi_layers": ((32, 16, 1, (2, 1, 1)), (48, 32, 1, (2, 1, 1)), (64, 32, 1, (2, 2, 2))),
        "decoder_layers": ((64, 32, 1, (2, 2, 2)), (64, 32, 1, (2, 2, 2)), (64, 32, 1, (1, 1, 1))),
    },
}
SIDES = {"paper": (512, 64), "small": (64, 16)}  # of phi in pixels, of psi in cells
STAGES = ("stem", "pool", "layer1", "layer2", "layer3", "fuse", "norm1", "attention", "linear", "norm2", "projections", "head")  # as `stages` lists them
# what the released code does instead, for build("xavdt", "paper", **FIRST_RELEASE); its loss squares no distance and its margin is 0.05
FIRST_RELEASE = {
    "embed": "tokens", "mining": "code",
    "psi_layers": (*SIZES["paper"]["psi_layers"][:2], (1024, 512, 4, (2, 2, 2))),
}
CHECKPOINT = {"embed": "streams", "mining": "code", "classes": 2, "shared_norm": True}


def inputs(composite, av_attention, *, px=None, grid=None):
    """Return what X-AVDT reads of a probed chunk: {"composite": (12, 16, px, px), "av_attention": (C, 16, h, w)}, float16, in the probe's units.

    composite     (12, 16, H, W) array or tensor in 0..1, averaged over areas to px x px; None = as it is
    grid          (h, w) on which the streams end: adds "spectra" (320, h, w) of phi's four films, for a training that need not make them at every step
    av_attention  (C, 16, h, w), as it is: all scaling belongs to the network
    Raises AvlabError for other shapes, other than 16 frames (cut a longer clip, each chunk gets its own score) or numbers that are not finite.
    """
    composite, av_attention = (torch.as_tensor(film).detach().cpu().float() for film in (composite, av_attention))
    _check(composite[None], av_attention[None], None)
    if not (torch.isfinite(composite).all() and torch.isfinite(av_attention).all()):
        raise AvlabError("phi and psi must be finite", todo="Look at the clip: the probe met something it cannot measure")
    made = {"composite": shrink(composite[None], px)[0], "av_attention": av_attention}
    made |= {} if grid is None else {"spectra": spectra(composite[None], grid)[0]}
    return {name: film.half().numpy() for name, film in made.items()}


def shrink(film, px):
    """(B, C, T, H, W) -> (B, C, T, px, px), averaged over areas; None leaves it as it is."""
    return film if px is None or film.shape[-2:] == (px, px) else F.adaptive_avg_pool3d(film, (film.shape[2], px, px))


class Decoder(nn.Module):
    """Fusion decoder: positions, self-attention among the cells of the fused map, three strided layers (trap X12: in this order).

    tokens = map + positions;  y = ReLU(LN2(Linear(MHA(LN1(tokens))) + tokens))     with LN2 = LN1 in the checkpoint (shared_norm)
    """

    def __init__(self, width, heads, layers, groups, shared_norm=False):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear = nn.Linear(width, width)
        self.norm2 = self.norm1 if shared_norm else nn.LayerNorm(width)
        self.layer1, self.layer2, self.layer3 = layers_of(width, layers, groups)

    def attend(self, fused, weights=False):
        """(B, D, h, w) -> tokens (B, h w, D), row by row, and the attention's weights (B, heads, h w, h w) if asked for, else None."""
        x = (fused.flatten(2) + positions(*fused.shape[1:]).to(fused)).transpose(1, 2)
        asked = self.norm1(x)
        made, weights = self.attention(asked, asked, asked, need_weights=weights, average_attn_weights=False)
        return F.relu(self.norm2(self.linear(made) + x)), weights

    def forward(self, tokens, grid):
        """Tokens (B, h w, D) on their grid (h, w) -> g (B, D): three layers, then the mean of what cells are left."""
        x = tokens.transpose(1, 2).unflatten(2, grid)[:, :, None]
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3, 4))


def positions(width, h, w):
    """2-D sine-cosine positions (width, h w): the first half of the channels tells the row, the second the column, sines before cosines.

    angle = place / 10000^(4 i / width), i = 0 .. width/4 - 1     (Vaswani et al. 2017, section 3.5, once an axis)
    """
    rate = 10_000.0 ** -(torch.arange(width // 4) * 4 / width)
    rows, columns = (rate[:, None] * torch.arange(n) for n in (h, w))
    rows, columns = rows[:, :, None].expand(-1, h, w), columns[:, None].expand(-1, h, w)
    return torch.cat([rows.sin(), rows.cos(), columns.sin(), columns.cos()]).flatten(1)


def statistics(film, grid):
    """(B, C, T, H, W) -> (B, 2C, h, w): mean of each channel over time and the pixels of a cell, then log of the root mean square of its change.

    The change is that from frame to frame: a pattern that stands still has none.  grid   (h, w), dividing (H, W).  Nothing moves: log 0.001.
    """
    cells = (1, *grid)
    change = F.adaptive_avg_pool3d((film[:, :, 1:] - film[:, :, :-1]).square(), cells)
    return torch.cat([F.adaptive_avg_pool3d(film, cells), (change + 1e-6).log() / 2], 1).squeeze(2)


class XAVDT(nn.Module):
    """phi and psi of a chunk -> Prediction: logit (B,), embedding (B, D) unit vectors for the triplet term.

    use_psi, use_phi, use_residual   False takes that input out, with its weights: Table 7's ablations
    rgb_only        True: of phi only the frames; with use_psi=False the same network without a probe
    triplet_weight  lambda in 0..1 (0.3), the rest is for cross-entropy;  margin  of the triplet term (0.3)
    embed           "pooled": g (the paper);  "tokens": mean over cells after the attention (first release);
                    "streams": means of v' and a', each through two Linears, before the fusion (checkpoint)
    mining          "batch_all" (the paper's formula) or "code", see losses.triplet;  classes  outputs of the head, 2: logit = their difference
    keep_attention  True: parts hold the decoder's weights among cells (at paper size 32 MB a clip)
    others          shapes, see SIZES, and the departures named at the head of this file
    spectra         of forward: those of phi, if `inputs` made them from larger pictures; None = made here of composite
    parts of a Prediction   pooled: g (B, D);  attention: (B, heads, h w, h w), if kept; rows are the cells that ask, row by row of the picture
    Raises AvlabError for options outside these, and in forward for shapes that do not fit.
    """

    reads = ("composite", "av_attention")

    def __init__(self, *, psi_channels, width, heads, groups, phi_stem, phi_pool, phi_layers, psi_stem, psi_layers, decoder_layers,
                 standardise="paper", statistics=False, composite_px=None, use_psi=True, use_phi=True, use_residual=True, rgb_only=False,
                 triplet_weight=0.3, margin=0.3, embed="pooled", mining="batch_all", classes=1, shared_norm=False, keep_attention=False):
        super().__init__()
        _options(locals())
        self.use_psi, self.use_phi, self.composite_px, self.psi_channels = use_psi, use_phi, composite_px, psi_channels
        self.phi_channels = 3 if rgb_only else 12 if use_residual else 9
        self.spectral = (0, 3) if self.phi_channels == 12 else (0,)  # films of phi: frames and residual; what is decoded has lost its finest detail
        self.embed, self.mining, self.triplet_weight, self.margin, self.keep_attention = embed, mining, triplet_weight, margin, keep_attention
        running = standardise == "running"
        if use_phi:
            self.composite_scale = Standardise(self.phi_channels) if running else Fixed()
            self.composite_encoder = ResNeXt3d(self.phi_channels, phi_stem, phi_pool, phi_layers, groups)
        if use_psi:
            self.av_attention_scale = Standardise(psi_channels) if running else nn.Identity()
            self.av_attention_encoder = ResNeXt3d(psi_channels, psi_stem, None, psi_layers, groups)
        ends = [spec[-1][0] for spec, used in ((phi_layers, use_phi), (psi_layers, use_psi)) if used]
        extra = (2 * psi_channels * use_psi + 80 * len(self.spectral) * use_phi) if statistics else 0
        self.statistics_scale = Standardise(extra) if extra else None
        self.fuse = nn.Conv2d(sum(ends) + extra, width, 1)
        self.decoder = Decoder(width, heads, decoder_layers, groups, shared_norm)
        if embed == "streams":
            self.projections = nn.ModuleList(nn.Sequential(nn.Linear(n, width), nn.GELU(), nn.Linear(width, width)) for n in ends)
        self.head = nn.Linear(decoder_layers[-1][0], classes)

    def forward(self, composite, av_attention, spectra=None):
        composite, av_attention = self._checked(composite, av_attention)
        streams, maps = self.streams(composite, av_attention, spectra)
        if len({stream.shape[3:] for stream in streams}) > 1:
            raise AvlabError("phi and psi must end on one grid (512 px and 64 cells a side at paper size, 64 px and 16 at the small one)",
                             got=[tuple(stream.shape) for stream in streams])
        fused = self.fuse(torch.cat([stream.squeeze(2) for stream in streams] + maps, 1))
        tokens, attention = self.decoder.attend(fused, self.keep_attention)
        pooled = self.decoder(tokens, fused.shape[2:])  # g
        score = self.head(pooled)
        logit = score[:, 0] if score.shape[1] == 1 else score[:, 1] - score[:, 0]
        parts = {"pooled": pooled} | ({"attention": attention} if self.keep_attention else {})
        return Prediction(logit, F.normalize(self._embedded(pooled, tokens, streams), dim=1), parts)

    def streams(self, composite, av_attention, made=None):
        """The encoders alone: [v' and a', each (B, D, 1, h, w)], and [maps of their statistics (B, 80 n + 2C, h, w)] or []."""
        streams, maps = [], []
        if self.use_phi:
            phi = composite[:, :self.phi_channels]
            streams.append(self.composite_encoder(self.composite_scale(shrink(phi, self.composite_px))))
            if self.statistics_scale is not None:
                fine = phi.unflatten(1, (-1, 3))[:, self.spectral].flatten(1, 2)
                maps.append(spectra(fine, streams[0].shape[3:]) if made is None else made.unflatten(1, (-1, 80))[:, self.spectral].flatten(1, 2).to(phi))
        if self.use_psi:
            psi = self.av_attention_scale(av_attention)
            streams.append(self.av_attention_encoder(psi))
            if self.statistics_scale is not None:
                maps.append(statistics(psi, streams[-1].shape[3:]))
        agree = len({m.shape[2:] for m in maps}) == 1  # where the streams end on two grids, `forward` says so
        return streams, [self.statistics_scale(torch.cat(maps, 1))] if agree else []

    def _embedded(self, pooled, tokens, streams):
        """What the triplet term compares, not yet normalised: three published definitions (trap X11)."""
        if self.embed == "streams":
            return torch.cat([project(stream.mean((2, 3, 4))) for project, stream in zip(self.projections, streams, strict=True)], 1)
        return tokens.mean(1) if self.embed == "tokens" else pooled

    def _checked(self, composite, av_attention):
        """Both films in the network's precision; one that is ablated may be None."""
        _check(composite if self.use_phi else None, av_attention if self.use_psi else None, self.psi_channels)
        dtype = self.head.weight.dtype
        return tuple(None if film is None else film.to(dtype) for film in (composite, av_attention))


def _check(composite, av_attention, psi_channels):
    for name, film, channels in (("phi", composite, 12), ("psi", av_attention, psi_channels)):
        if film is None:
            continue
        if film.ndim != 5 or (channels and film.shape[1] != channels):
            raise AvlabError(f"{name} is (B, {channels or 'C'}, {FRAMES}, height, width)", got=tuple(film.shape))
        if film.shape[2] != FRAMES:
            raise AvlabError(f"X-AVDT reads {FRAMES} frames: both encoders halve time four times and then drop it", got=f"{film.shape[2]} frames of {name}",
                             todo=f"Cut a clip into chunks of {FRAMES}; each has its own score")


def _options(given):
    """Refuse options that no line of the network would notice."""
    for name, known in (("standardise", ("paper", "running")), ("embed", ("pooled", "tokens", "streams")),
                        ("mining", ("batch_all", "code")), ("classes", (1, 2))):
        if given[name] not in known:
            raise AvlabError(f"{name} is one of {', '.join(map(str, known))}", got=given[name])
    if not (given["use_phi"] or given["use_psi"]):
        raise AvlabError("A detector needs phi or psi", got="use_phi=False, use_psi=False")
    if given["heads"] < 1 or given["width"] < 1 or given["width"] % given["heads"] or given["width"] % 4:
        raise AvlabError("The width is divisible by the heads, and by the four parts of a position", got=f"width {given['width']}, {given['heads']} heads")
    if not 0 <= given["triplet_weight"] <= 1:
        raise AvlabError("triplet_weight is a share between 0 and 1", got=given["triplet_weight"])


def stages(size="paper", frames=FRAMES, **config):
    """Walk a chunk through the network on shapes alone and return [(stage, shape without B, weights), ...] in the order of the path.

    frames   other than 16 stops in front of the fusion: 9 to 15 end at one frame like 16, because halving rounds up, and 17 at two. So the
             arithmetic alone does not catch a short chunk; `forward` refuses both.
    """
    rows = {}

    def note(name, module, made):
        shape = (made[0] if isinstance(made, tuple) else made).shape[1:]
        rows.setdefault(name, (name, tuple(shape), sum(weight.numel() for weight in module.parameters())))

    with torch.device("meta"):
        model, (px, cells) = build(size, **config).eval(), SIDES[size]
        for name, module in model.named_modules():
            if set(name.split(".")) & set(STAGES) and name.count(".") <= 1:
                module.register_forward_hook(lambda module, _, made, name=name: note(name, module, made))
        films = torch.empty(1, 12, frames, px, px), torch.empty(1, model.psi_channels, frames, cells, cells)
        (model if frames == FRAMES else model.streams)(*films)
    return list(rows.values())


def build(size="paper", **config):
    """Return an untrained X-AVDT of a size in SIZES; config replaces arguments of the constructor."""
    return XAVDT(**{**SIZES[size], **config})


def total_loss(model, batch):
    """Return the paper's loss: (1 - lambda) cross-entropy + lambda triplet, lambda = 0.3, margin 0.3 (X-AVDT section 3).

    The released checkpoint's cross-entropy over two classes is the same number: CE((s0, s1), y) = BCE(s1 - s0, y).
    batch   composite, av_attention, label (B,) 1 = fake
    Returns {"total", "bce", "triplet"}, scalars, the parts unweighted.
    """
    made = model(*(batch[name] for name in model.reads))
    bce = F.binary_cross_entropy_with_logits(made.logit, batch["label"].to(made.logit.dtype))
    triplet = losses.triplet(made.embedding, batch["label"], margin=model.margin, mining=model.mining)
    return {"total": (1 - model.triplet_weight) * bce + model.triplet_weight * triplet, "bce": bce, "triplet": triplet}
