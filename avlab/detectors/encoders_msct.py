"""What stands in front of MSCT's transformer: wavelet convolution, Res2Net blocks and CBAM make one vector of a video frame; and positions.

The paper names the three parts and their order (WTConv in front, a Res2Net "adapted" with CBAM between its stages) and no width, depth
or kernel. The numbers are ours and stand in `msct.SIZES`; the blocks are the published ones:
WTConv (Finder et al. 2024, ECCV), Res2Net (Gao et al. 2021, TPAMI), CBAM (Woo et al. 2018, ECCV).
The small size looks at fine detail alone (`local_contrast`), as AMDD's does and for the same reason: on colours an encoder that starts from
random weights sees skin, hair and light, and after eleven epochs still called forged pictures by a coin (AUROC 0.54 on validation people).
"""

import torch
from torch import nn
from torch.nn import functional as F

from avlab.errors import AvlabError

# low-low, then the detail along x, along y, along both: the outer products of (1, 1) / sqrt 2 and (1, -1) / sqrt 2
HAAR = ((1, 1), (1, 1)), ((1, -1), (1, -1)), ((1, 1), (-1, -1)), ((1, -1), (-1, 1))


def haar(x):
    """Return one level of the Haar wavelet transform, by a convolution with fixed filters: every channel becomes four of half the size.

    out[c, s, i, j] = sum_{a, b in 0, 1} H[s, a, b] x[c, 2 i + a, 2 j + b],  H = +-1/2: LL, detail along x, along y, along both

    x   (B, C, H, W); odd sizes get a row or column of zeros at the end (as in WTConv's code)
    Returns (B, C, 4, ceil(H / 2), ceil(W / 2)).  H is orthonormal, so the sum of squares stays and `inverse_haar` is exact.
    """
    x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
    out = F.conv2d(x, _filters(x.shape[1], x), stride=2, groups=x.shape[1])
    return out.unflatten(1, (x.shape[1], 4))


def inverse_haar(bands):
    """Undo `haar`: (B, C, 4, h, w) -> (B, C, 2 h, 2 w)."""
    return F.conv_transpose2d(bands.flatten(1, 2), _filters(bands.shape[1], bands), stride=2, groups=bands.shape[1])


def _filters(channels, like):
    return (like.new_tensor(HAAR) / 2)[:, None].repeat(channels, 1, 1, 1)


def local_contrast(pictures, *, pixels=5, around=9, floor=1.4 / 42):
    """What a picture adds to its neighbourhood, in units of how much it adds nearby: fine texture, without faces, colours and light.

    (x - mean of 5 x 5) / sqrt(mean of its square over 9 x 9 and colours + floor^2)     (divisive normalisation: Jarrett et al. 2009, ICCV)

    pictures  (B, C, H, W);  floor  contrast below which nothing is told apart, 1.4 gray levels (the inputs are gray levels over 42)
    Traces of forgers are arrangements of fine detail: dividing by its strength makes them as visible in smooth skin as at the edge of a lip.
    """
    detail = pictures - F.avg_pool2d(pictures, pixels, 1, pixels // 2, count_include_pad=False)
    energy = F.avg_pool2d(detail.square().mean(1, keepdim=True), around, 1, around // 2, count_include_pad=False)
    return detail / (energy + floor**2).sqrt()


class WTConv2d(nn.Module):
    """Depthwise convolution that also runs in the wavelet domain, so that a small kernel sees far.

    Y = s0 DW_k(X) + IWT(s DW_k(WT(X))), and so on in the low-low band     (Finder et al. 2024, section 3)

    channels  in and out;  kernel  odd, of every depthwise convolution;  levels  of the wavelet: level l sees kernel * 2^l pixels
    The scales are learned per channel: s0 starts at 1, the wavelet ones at 0.1. The Haar filters are fixed.
    (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, channels, kernel=5, levels=2):
        super().__init__()

        def depthwise(n, bias):
            return nn.Conv2d(n, n, kernel, padding=kernel // 2, groups=n, bias=bias)

        self.base = depthwise(channels, True)
        self.base_scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.wavelet = nn.ModuleList(depthwise(4 * channels, False) for _ in range(levels))
        self.wavelet_scale = nn.ParameterList(nn.Parameter(torch.full((4 * channels, 1, 1), 0.1)) for _ in range(levels))

    def forward(self, x):
        return self.base_scale * self.base(x) + self._through_wavelets(x, 0)

    def _through_wavelets(self, x, level):
        if level == len(self.wavelet):
            return torch.zeros_like(x)
        bands = haar(x)
        deeper = self._through_wavelets(bands[:, :, 0], level + 1)
        bands = (self.wavelet_scale[level] * self.wavelet[level](bands.flatten(1, 2))).unflatten(1, bands.shape[1:3])
        bands = torch.cat([bands[:, :, :1] + deeper[:, :, None], bands[:, :, 1:]], 2)
        return inverse_haar(bands)[:, :, :x.shape[2], :x.shape[3]]


class Res2Block(nn.Module):
    """Residual block whose 3x3 convolution is a staircase over channel groups, so that one block has several receptive fields.

    y_1 = x_1, y_2 = K_2(x_2), y_i = K_i(x_i + y_{i-1});  out = relu(x + W_out [y_1 .. y_scale])     (Gao et al. 2021, eq. 1)

    inside, outside  channels, outside divisible by scale;  scale  groups
    Every convolution is followed by BatchNorm and, except the last, by ReLU. (B, inside, H, W) -> (B, outside, H, W).
    """

    def __init__(self, inside, outside, scale=4):
        super().__init__()
        if outside % scale:
            raise AvlabError("The channels of a Res2Net block are divisible by its scale", got=f"{outside} channels, scale {scale}")
        part = outside // scale
        self.enter = _conv_norm_relu(inside, outside, 1)
        self.steps = nn.ModuleList(_conv_norm_relu(part, part, 3) for _ in range(scale - 1))
        self.leave = nn.Sequential(nn.Conv2d(outside, outside, 1, bias=False), nn.BatchNorm2d(outside))
        self.shortcut = nn.Identity() if inside == outside else nn.Sequential(nn.Conv2d(inside, outside, 1, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        first, *rest = self.enter(x).chunk(len(self.steps) + 1, 1)
        made, below = [first], 0
        for part, step in zip(rest, self.steps, strict=True):
            below = step(part + below)
            made.append(below)
        return F.relu(self.shortcut(x) + self.leave(torch.cat(made, 1)))


def _conv_norm_relu(inside, outside, kernel, stride=1):
    conv = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outside), nn.ReLU())


class CBAM(nn.Module):
    """Weigh channels, then places.

    M_c = sigmoid(MLP(avg) + MLP(max)) over H, W;  M_s = sigmoid(conv_7x7 [avg; max]) over channels;  out = M_s (M_c x)
    (Woo et al. 2018, eq. 2 and 3; the MLP is shared, C -> C / reduction -> C)
    (B, C, H, W) -> the same.
    """

    def __init__(self, channels, reduction=16, kernel=7):
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mlp = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))
        self.place = nn.Conv2d(2, 1, kernel, padding=kernel // 2)

    def forward(self, x):
        x = x * torch.sigmoid(self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3))))[:, :, None, None]
        return x * torch.sigmoid(self.place(torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)))


class PictureEncoder(nn.Module):
    """One vector a picture: 3x3 stem with stride 2, WTConv, four Res2Net stages with CBAM after the first three, mean over places, Linear.

    width   of the vector;  stem  channels of the stem;  stages  channels of each stage;  depth  blocks in each
    levels  of the wavelet;  reduction  of CBAM's MLP
    detail  True: the stem reads the Haar bands of the local contrast (12 channels of half the size) instead of colours with a stride of 2,
            and nothing is pooled in front of the first stage: averaging would take away the very detail that is looked for
    Each stage begins with a 2x2 average pooling: it halves the picture without aliasing and needs no second kind of block.
    (B, 3, H, W) -> (B, width), any H, W not less than the total stride.  Raises AvlabError for smaller pictures.
    """

    def __init__(self, width, stem=64, stages=(64, 128, 256, 512), depth=2, levels=2, reduction=16, detail=False):
        super().__init__()
        self.detail = detail
        self.stem = _conv_norm_relu(12, stem, 3) if detail else _conv_norm_relu(3, stem, 3, stride=2)
        self.wtconv = nn.Sequential(WTConv2d(stem, 5, levels), nn.BatchNorm2d(stem), nn.ReLU())
        self.stages, inside = nn.ModuleList(), stem
        for number, outside in enumerate(stages):
            blocks = [Res2Block(inside if i == 0 else outside, outside) for i in range(depth)]
            attention = [CBAM(outside, reduction)] if number < len(stages) - 1 else []
            pool = [] if detail and number == 0 else [nn.AvgPool2d(2)]
            self.stages.append(nn.Sequential(*pool, *blocks, *attention))
            inside = outside
        self.leave = nn.Linear(inside, width)

    def forward(self, pictures):
        if min(pictures.shape[2:]) < 2 ** (len(self.stages) + 1 - self.detail):
            raise AvlabError("Every stage halves the picture, and one pixel must be left", got=tuple(pictures.shape))
        if self.detail:
            pictures = haar(local_contrast(pictures)).flatten(1, 2)
        pictures = pictures.contiguous(memory_format=torch.channels_last)  # the order in memory alone: a third off the time on a CPU
        x = self.wtconv(self.stem(pictures))
        for stage in self.stages:
            x = stage(x)
        return self.leave(x.mean((2, 3)))


def positions(length, width):
    """Sinusoidal positions (length, width) float32, Vaswani et al. 2017 section 3.5: sines in the even columns, cosines in the odd."""
    angle = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)
