"""MSCT: multi-scale self-attention and differential cross-modal attention (Wei et al. 2026, ICASSP, arXiv 2604.07741).

The path of a clip: pictures -> WTConv, Res2Net, CBAM -> one vector a frame (`encoders_msct`); sound -> fbank-104 -> one Linear -> one vector
a frame; a CLS token in front of each; six blocks of multi-scale self-attention (MSSA), differential cross-modal attention (DCA) and a
feed-forward layer, both streams side by side; three two-class heads. Needs the same T in both streams: 25 a second.

No code is public and much is not printed. Ours, where the paper is silent: width 768, 12 heads, FFN 3072, GELU, dropout 0.1 (MRDF's, whose
protocol it follows); pre-norm blocks in the order MSSA, DCA, FFN with a norm after the last; softmax and 1/sqrt(d) in both attentions, though
neither is printed; the "maps" reading of the difference; an output matrix after the heads; kernels 1, 3, 5, 7; sinusoidal positions;
heads on temporal means; all four loss weights 1. The pictures are a fixed region of the frame, not a face found by DLIB.
The small size has two blocks and sees local contrast in place of colours (`encoders_msct`); its picture encoder is trained first, alone
(`msct_training`), so that what is left, the attention, trains in seconds.
Label 1 = fake here; the paper and MRDF say 1 = real.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from avlab.clips.audio import fbank104
from avlab.detectors import losses
from avlab.detectors.encoders_msct import PictureEncoder, positions
from avlab.errors import AvlabError
from avlab.results import Prediction

SIZES = {
    "paper": {"width": 768, "heads": 12, "ffn": 3072, "blocks": 6, "stem": 64, "stages": (64, 128, 256, 512), "depth": 2, "reduction": 16},
    "small": {"width": 64, "heads": 8, "ffn": 128, "blocks": 2, "stem": 24, "stages": (24, 32, 48), "depth": 1, "reduction": 4, "detail": True},
}
READINGS = ("maps", "logits", "literal")
MEAN, STD = 0.421, 0.165  # of grey values in 0..1, as in MRDF
TOP, LEFT, SIDE = 20 / 64, 12 / 64, 40 / 64  # of the central square: eyes to chin of SynthTalk's centred head, with room for its motion


def inputs(clip, *, pixels=40):
    """Return what MSCT reads of a clip: {"frames": (3, T, pixels, pixels), "fbank": (104, T)} float16 and {"mask": (T,)} bool.

    frames   the lower middle of each picture, (value / 255 - 0.421) / 0.165: of a 64x64 picture exactly rows 20..59 and columns 12..51, of
             others the same share of the central square, averaged over areas. No face is looked for: it must be centred as SynthTalk's is
    fbank    `fbank104` of the sound, cut or filled with silence to the length of the pictures
    mask     the clip's own: True where there are picture and sound (zeros that fill up a batch make it False at the end)
    pixels   40 for the small size, about 96 for the paper's
    Raises AvlabError for a clip without a frame that has both, or on other clocks than 25 fps and 16 kHz.
    """
    if clip.audio is None or not np.any(clip.mask):
        raise AvlabError("MSCT compares two streams: a clip needs pictures and sound", got=clip.clip_id)
    if (round(clip.fps, 3), clip.sample_rate) != (25, 16_000):
        raise AvlabError("MSCT runs at 25 fps and 16 kHz", got=(clip.fps, clip.sample_rate), todo="Read the clip with load_clip, which resamples")
    height, width = clip.frames.shape[1:3]
    square = min(height, width)
    top, left, side = (height - square) // 2 + round(TOP * square), (width - square) // 2 + round(LEFT * square), round(SIDE * square)
    region = torch.as_tensor(clip.frames[:, top:top + side, left:left + side].transpose(3, 0, 1, 2).copy())
    frames = torch.stack([F.interpolate(picture[None].float(), (pixels, pixels), mode="area")[0] for picture in region.unbind(1)], 1)
    sound = torch.as_tensor(clip.audio[:640 * len(clip.frames)])
    fbank = fbank104(F.pad(sound, (0, 640 * len(clip.frames) - len(sound))).numpy())
    return {"frames": ((frames / 255 - MEAN) / STD).half().numpy(), "fbank": fbank.T.astype(np.float16), "mask": np.array(clip.mask, bool)}


def differential_attention(q, q_cross, k, v, *, reading="maps", mask=None):
    """Return the difference of two attentions to the same keys: one asked by the own stream, one by the other (MSCT eq. 1).
    "maps"     (softmax(q k^T / sqrt d) - softmax(q_cross k^T / sqrt d)) v      the default; Differential Transformer with lambda = 1
    "logits"   softmax((q k^T - q_cross k^T) / sqrt d) v                        the same as one attention with the query q - q_cross
    "literal"  (q k^T - q_cross k^T) v                                          as printed: no softmax, no scale, unbounded

    The paper prints the last and names no softmax. Equal queries give 0 in "maps" and "literal", the plain mean of v in "logits".
    Keys and values are the own stream's: the other one changes the weights and adds no content (trap M2).

    q, q_cross, k, v   (B, heads, T, d);  mask   bool, broadcastable to (B, heads, T, T), False = a key that is not there
    Returns out (B, heads, T, d) and weights (B, heads, T, T), whose rows sum to 0 ("maps"), 1 ("logits") or anything ("literal").
    Raises AvlabError for an unknown reading or unequal shapes.
    """
    if reading not in READINGS:
        raise AvlabError(f"The readings of the difference are {', '.join(READINGS)}", got=reading)
    if not (q.shape == q_cross.shape and k.shape == v.shape and q.shape[:2] == k.shape[:2] and q.shape[3] == k.shape[3]):
        raise AvlabError("Differential attention takes q, q_cross and k, v of shape (B, heads, T, d), the same T in both streams",
                         got=[tuple(t.shape) for t in (q, q_cross, k, v)])
    if reading == "maps":
        weights = attention_map(q, k, mask) - attention_map(q_cross, k, mask)
    elif reading == "logits":
        weights = attention_map(q - q_cross, k, mask)
    else:
        weights = q @ k.mT - q_cross @ k.mT
        weights = weights if mask is None else weights.masked_fill(~mask, 0)
    return weights @ v, weights


def attention_map(q, k, mask=None):
    """softmax(q k^T / sqrt d) over the keys: (B, heads, T, d) twice -> (B, heads, T, T)."""
    logits = q @ k.mT * q.shape[-1] ** -0.5
    return (logits if mask is None else logits.masked_fill(~mask, -torch.inf)).softmax(-1)


class MultiScaleKeys(nn.Module):
    """Convolve the keys at several scales, so that the key of one frame knows its neighbours (MSCT section 2.2.2).
    heads    cut into len(kernels) equal groups; a group's heads are the channels of its convolution over the (T, d) plane
    kernels  odd sizes, "same" padding; 1 keeps a group that sees one frame only
    Queries and values stay as they are (trap M4). The kernel is as long along d, whose order means nothing, as along T. No bias: it would
    add the same to the key of every frame and so tell none apart. CLS (position 0) stays out, and frames that are not there count as 0.
    (B, heads, 1 + T, d), mask (B, 1, 1, 1 + T) bool or None -> (B, heads, 1 + T, d).  Raises AvlabError if heads or kernels do not fit.
    """

    def __init__(self, heads, kernels=(1, 3, 5, 7)):
        super().__init__()
        if not len(kernels) or heads % len(kernels) or any(size % 2 == 0 for size in kernels):
            raise AvlabError("Multi-scale keys need odd kernels, as many as divide the heads", got=f"{heads} heads, kernels {list(kernels)}")
        part = heads // len(kernels)
        self.scales = nn.ModuleList(nn.Conv2d(part, part, size, padding=size // 2, bias=False) for size in kernels)

    def forward(self, keys, mask=None):
        cls, frames = keys[:, :, :1], keys[:, :, 1:] if mask is None else keys[:, :, 1:] * mask[..., 1:].mT
        groups = [scale(part) for scale, part in zip(self.scales, frames.chunk(len(self.scales), 1), strict=True)]
        return torch.cat([cls, torch.cat(groups, 1)], 2)


class SelfAttention(nn.Module):
    """softmax(Q K'^T / sqrt d) V with K' = MultiScaleKeys(K), or K' = K (plain) for multi_scale=False.  (B, L, C) -> (B, L, C), weights."""

    def __init__(self, width, heads, kernels, multi_scale):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.scales = MultiScaleKeys(heads, kernels) if multi_scale else None
        self.leave = nn.Linear(width, width)

    def forward(self, x, mask=None):
        q, k, v = (_split(layer(x), self.heads) for layer in (self.to_q, self.to_k, self.to_v))
        weights = attention_map(q, k if self.scales is None else self.scales(k, mask), mask)
        return self.leave((weights @ v).transpose(1, 2).flatten(2)), weights


class CrossAttention(nn.Module):
    """What one stream takes from the other: differential attention, or a plain cross-attention as the ablation's control.
    differential=True    `differential_attention`: queries of both streams, keys and values of the own one. Four matrices, as in the paper;
                         "literal" gets a LayerNorm before the output matrix, because nothing else bounds it
    differential=False   plain_values="other": own queries, the other stream's keys and values (the usual cross-attention)
                         plain_values="own": the other stream's queries, own keys and values: DCA without its first term
                         either way one matrix of width^2 less
    own, other (B, L, C) -> (B, L, C), weights (B, heads, L, L), and |q_cross k^T / sqrt d| (B, heads), the Frobenius norm of Attn_BA.
    """

    def __init__(self, width, heads, reading, differential, plain_values):
        super().__init__()
        if plain_values not in ("other", "own") or reading not in READINGS:
            raise AvlabError(f"plain_values is other or own, reading is {', '.join(READINGS)}", got=f"{plain_values}, {reading}")
        self.heads, self.reading, self.differential, self.plain_values = heads, reading, differential, plain_values
        self.to_q, self.to_k, self.to_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.to_q_cross = nn.Linear(width, width, bias=False) if differential else None
        self.norm = nn.LayerNorm(width) if differential and reading == "literal" else nn.Identity()
        self.leave = nn.Linear(width, width)

    def forward(self, own, other, mask=None):
        asks, holds = (own, other) if not self.differential and self.plain_values == "other" else (other, own)
        k, v = _split(self.to_k(holds), self.heads), _split(self.to_v(holds), self.heads)
        if self.differential:
            q, q_cross = _split(self.to_q(own), self.heads), _split(self.to_q_cross(asks), self.heads)
            out, weights = differential_attention(q, q_cross, k, v, reading=self.reading, mask=mask)
        else:
            q_cross = _split(self.to_q(asks), self.heads)
            weights = attention_map(q_cross, k, mask)
            out = weights @ v
        return self.leave(self.norm(out.transpose(1, 2).flatten(2))), weights, _norm(q_cross @ k.mT * q_cross.shape[-1] ** -0.5, mask)


def _split(x, heads):
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def _norm(logits, mask):
    """Frobenius norm (B, heads) over the tokens that are there."""
    return torch.linalg.vector_norm(logits if mask is None else logits * (mask & mask.mT), dim=(2, 3))


class Stream(nn.Module):
    """One stream's half of a block: self-attention, cross-attention and feed-forward layer, each behind a LayerNorm of its own."""

    def __init__(self, width, heads, ffn, kernels, multi_scale, differential, reading, plain_values, dropout):
        super().__init__()
        self.norm_self, self.norm_cross, self.norm_ffn = (nn.LayerNorm(width) for _ in range(3))
        self.self_attention = SelfAttention(width, heads, kernels, multi_scale)
        self.cross_attention = CrossAttention(width, heads, reading, differential, plain_values)
        self.ffn = nn.Sequential(nn.Linear(width, ffn), nn.GELU(), nn.Dropout(dropout), nn.Linear(ffn, width))
        self.dropout = nn.Dropout(dropout)


class Block(nn.Module):
    """x + MSSA(x), then x + DCA(x, other) for both streams from the same tokens, then x + FFN(x).  (B, L, C) twice -> the same, and a record."""

    def __init__(self, **options):
        super().__init__()
        self.video, self.audio = Stream(**options), Stream(**options)

    def forward(self, video, audio, mask=None):
        x, record, streams = {"video": video, "audio": audio}, {}, {"video": self.video, "audio": self.audio}
        for name, stream in streams.items():
            out, record[f"self_{name}"] = stream.self_attention(stream.norm_self(x[name]), mask)
            x[name] = x[name] + stream.dropout(out)
        ready = {name: stream.norm_cross(x[name]) for name, stream in streams.items()}
        for name, other in (("video", "audio"), ("audio", "video")):
            stream = streams[name]
            out, weights, record[f"cross_norm_{name}"] = stream.cross_attention(ready[name], ready[other], mask)
            record[f"cross_{name}"], record[f"diff_norm_{name}"] = weights, _norm(weights, mask)
            x[name] = x[name] + stream.dropout(out)
            x[name] = x[name] + stream.dropout(stream.ffn(stream.norm_ffn(x[name])))
        return x["video"], x["audio"], record


class MSCT(nn.Module):
    """The detector. Its 2x2 ablation (MSCT table 2) is multi_scale on or off times differential on or off.
    width, heads, ffn, blocks, dropout   of the transformer;  kernels  of the keys;  stem, stages, depth, reduction, detail  of `PictureEncoder`
    multi_scale    False: plain self-attention;  differential  False: plain cross-attention, plain_values says which (`CrossAttention`)
    reading        of the difference, see `differential_attention`
    align_weight   of the alignment loss;  ce_weights  of the three cross-entropies: video, audio, both

    forward(frames (B, 3, T, H, W), fbank (B, 104, T), mask (B, T), 0 or False = not there, None = all are) -> Prediction
    (what is not there changes nothing, except BatchNorm's statistics while training)
    frames may be vectors (B, T, width) instead, made by `encode` before: a training on them leaves the picture encoder as it is
      logit       (B,) log-odds of "fake" of the head on both streams;  embedding  (B, 2 width) the two CLS tokens, video first
      parts       logits_video, logits_audio, logits_both (B, 2), columns real and fake; video, audio (B, width) temporal means and
                  similarity (B,) their cosine d; for each stream and block, without gradient: self_* and cross_* (B, blocks, heads, 1 + T,
                  1 + T) weights, cross_norm_* and diff_norm_* (B, blocks, heads) norms of Attn_BA (scaled logits) and of the weights
    """

    reads = ("frames", "fbank", "mask")

    def __init__(self, width=768, heads=12, ffn=3072, blocks=6, kernels=(1, 3, 5, 7), stem=64, stages=(64, 128, 256, 512), depth=2, reduction=16,
                 multi_scale=True, differential=True, reading="maps", plain_values="other", dropout=0.1, align_weight=1.0, ce_weights=(1.0, 1.0, 1.0),
                 detail=False):
        super().__init__()
        if width % heads or width % 2:
            raise AvlabError("The width is even and divisible by the heads", got=f"width {width}, {heads} heads")
        self.align_weight, self.ce_weights = align_weight, tuple(ce_weights)
        self.picture_encoder = PictureEncoder(width, stem, stages, depth, reduction=reduction, detail=detail)
        self.sound_encoder = nn.Linear(104, width)
        self.cls_video, self.cls_audio = (nn.Parameter(0.02 * torch.randn(width)) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width=width, heads=heads, ffn=ffn, kernels=kernels, multi_scale=multi_scale, differential=differential,
                                          reading=reading, plain_values=plain_values, dropout=dropout) for _ in range(blocks))
        self.norm_video, self.norm_audio = nn.LayerNorm(width), nn.LayerNorm(width)
        self.head_video, self.head_audio = nn.Linear(width, 2), nn.Linear(width, 2)
        self.head_both = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, frames, fbank, mask=None):
        frames, fbank, there, mask = self._checked(frames, fbank, mask)
        video = frames if frames.ndim == 3 else self.encode(frames)
        video, audio, records = self._tokens(self.cls_video, video), self._tokens(self.cls_audio, self.sound_encoder(fbank.mT)), []
        for block in self.blocks:
            video, audio, record = block(video, audio, mask)
            records.append(record)
        video, audio = self.norm_video(video), self.norm_audio(audio)
        share = (there / there.sum(1, keepdim=True))[..., None]
        mean_video, mean_audio = (video[:, 1:] * share).sum(1), (audio[:, 1:] * share).sum(1)
        both = self.head_both(embedding := torch.cat([video[:, 0], audio[:, 0]], 1))
        parts = {"logits_video": self.head_video(mean_video), "logits_audio": self.head_audio(mean_audio), "logits_both": both,
                 "video": mean_video, "audio": mean_audio, "similarity": F.cosine_similarity(mean_video, mean_audio)}
        parts |= {name: torch.stack([record[name].detach() for record in records], 1) for name in (records[0] if records else ())}
        return Prediction(both[:, 1] - both[:, 0], embedding, parts)

    def encode(self, frames):
        """One vector a picture: (B, 3, T, H, W) -> (B, T, width)."""
        return self.picture_encoder(frames.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(frames), frames.shape[2]))

    def _tokens(self, cls, x):
        """(B, T, C) -> (B, 1 + T, C): CLS in front, positions added."""
        x = torch.cat([cls.expand(len(x), 1, -1), x], 1)
        return self.dropout(x + positions(x.shape[1], x.shape[2]).to(x))

    def _checked(self, frames, fbank, mask):
        dtype = self.cls_video.dtype
        time = {3: 1, 5: 2}.get(frames.ndim, 0)  # of vectors, of pictures
        good = frames.shape[3 - time] == (len(self.cls_video), 3)[time - 1] if time else False
        good, time = good and fbank.shape == (len(frames), 104, frames.shape[time]), frames.shape[time]
        if not good or not (mask is None or mask.shape == (len(frames), time) and bool(mask.any(1).all())):
            raise AvlabError("MSCT takes frames (B, 3, T, H, W), fbank (B, 104, T) and a mask (B, T) with one frame a clip at least",
                             got=[None if t is None else tuple(t.shape) for t in (frames, fbank, mask)])
        there = frames.new_ones(len(frames), time, dtype=dtype) if mask is None else mask.bool().to(dtype)
        return frames.to(dtype), fbank.to(dtype), there, None if mask is None else F.pad(mask.bool(), (1, 0), value=True)[:, None, None]


def build(size="paper", **config):
    """Return an untrained MSCT of a size in SIZES; config replaces arguments of the constructor."""
    return MSCT(**{**SIZES[size], **config})


def total_loss(model, batch):
    """Return the four-term loss: three cross-entropies, one a stream and one for the clip, and the alignment (MSCT eq. 2 to 4).

    total = w_v CE_video + w_a CE_audio + w_av CE_both + w_c alignment,  all weights 1 (unpublished; MRDF sums them so)
    Alignment is taken on the temporal means of the transformer's outputs; matched = 1 only for a clip without any forgery (RVRA).
    batch  frames, fbank, label, label_video, label_audio (NaN = not known: not counted), and mask if it has one
    Returns {"total", "video", "audio", "both", "alignment"}, scalars, the parts unweighted.
    """
    parts = model(batch["frames"], batch["fbank"], batch.get("mask")).parts
    labels = {"video": batch["label_video"], "audio": batch["label_audio"], "both": batch["label"]}
    found = {name: F.cross_entropy(parts[f"logits_{name}"], label.nan_to_num(-100).long(), reduction="sum") / label.isfinite().sum().clamp(min=1)
             for name, label in labels.items()}  # -100 is the class that cross_entropy leaves out
    found["alignment"] = losses.alignment(parts["video"], parts["audio"], 1 - batch["label"])
    weights = dict(zip(found, (*model.ce_weights, model.align_weight), strict=True))
    return {"total": sum(weight * found[name] for name, weight in weights.items()), **found}
