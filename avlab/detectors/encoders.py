"""The 3-D parts of X-AVDT's detector: ResNeXt blocks and encoders (Xie et al. 2017 in three dimensions), the scaling in front of them, and spectra.

Films are (B, C, T, h, w). Nothing here knows phi or psi.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Fixed(nn.Module):
    """(x - 0.45) / 0.225 on every channel, the residual's too: a residual of 0 becomes -2 (trap X14)."""

    def forward(self, x):
        return (x - 0.45) / 0.225


class Standardise(nn.Module):
    """Bring every channel of (B, C, ...) to mean 0 and deviation 1 over the batches seen in training mode, each counted alike.

    Unlike a batch norm it uses these running moments in training too: a clip's score depends on no other clip of its batch, and the
    differences between batches stay in. The first batch of a training sets the moments, the next refine them, and after `batches` they stay:
    by then they hardly move, and the layers behind see the same input from epoch to epoch. Before any training it leaves x as it is.
    """

    def __init__(self, channels, batches=200):
        super().__init__()
        self.batches = batches
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    @torch.no_grad()
    def update(self, x):
        values = x.detach().float().transpose(0, 1).flatten(1)
        self.seen += 1
        gap = values.mean(1) - self.mean
        within = values.var(1, unbiased=False) - self.variance
        self.variance += within / self.seen + gap.square() * (self.seen - 1) / self.seen**2  # by parallel axes: E x^2 - (E x)^2 would cancel
        self.mean += gap / self.seen

    def forward(self, x):
        if self.training and self.seen < self.batches:
            self.update(x)
        shape = (-1,) + (1,) * (x.ndim - 2)
        return (x - self.mean.view(shape)) / (self.variance.view(shape) + 1e-12).sqrt()


class Bottleneck(nn.Module):
    """A 3-D ResNeXt block: 1x1x1 to `inside`, 3x3x3 in groups with the stride, 1x1x1 to `out`; shortcut by projection where the shape changes."""

    def __init__(self, channels, out, inside, stride, groups):
        super().__init__()
        self.reduce = convolution(channels, inside, 1)
        self.grouped = convolution(inside, inside, 3, stride, groups)
        self.expand = convolution(inside, out, 1)
        self.shortcut = nn.Identity() if channels == out and max(stride) == 1 else convolution(channels, out, 1, stride)

    def forward(self, x):
        return F.relu(self.expand(F.relu(self.grouped(F.relu(self.reduce(x))))) + self.shortcut(x))


def convolution(channels, out, kernel, stride=(1, 1, 1), groups=1):
    """A 3-D convolution and its batch norm."""
    return nn.Sequential(nn.Conv3d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm3d(out))


def layers_of(channels, specs, groups):
    """One nn.Sequential of Bottlenecks for each (out, inside, blocks, stride); the first block of each has the stride."""
    made = []
    for out, inside, blocks, stride in specs:
        made.append(nn.Sequential(*(Bottleneck(out if k else channels, out, inside, (1, 1, 1) if k else stride, groups) for k in range(blocks))))
        channels = out
    return made


class ResNeXt3d(nn.Module):
    """Stem, pool and three layers: film (B, C, T, H, W) -> (B, D, t, h, w).

    stem     (width, kernel, stride);  pool   stride of a 3x3x3 maximum after it, or None;  layers   three of (out, inside, blocks, stride)
    """

    def __init__(self, channels, stem, pool, layers, groups):
        super().__init__()
        width, kernel, stride = stem
        self.stem = nn.Sequential(convolution(channels, width, kernel, stride), nn.ReLU())
        self.pool = nn.MaxPool3d(3, pool, 1) if pool else nn.Identity()
        self.layer1, self.layer2, self.layer3 = layers_of(width, layers, groups)

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(self.pool(self.stem(x)))))


def spectra(film, grid, window=8):
    """(B, 3n, T, H, W) in 0..1 -> (B, 80 n, h, w): log power of local spectra of n gray films, a mean over the windows of a cell, then over time.

    Windows of 8 x 8 pixels every 4, weighted by a cosine; 8 x 5 frequencies, of each frame and of its difference to the mean of its neighbours.
    Before, each pixel loses the mean of the 5 x 5 around it. In gray levels, log(1 + power).
    """
    gray = film.unflatten(1, (-1, 3)).mul(255 * film.new_tensor([0.299, 0.587, 0.114])[:, None, None, None]).sum(2)  # (B, n, T, H, W)
    fine = gray.flatten(0, 2)[:, None]
    fine = (fine - F.avg_pool2d(fine, 5, 1, 2, count_include_pad=False)).view_as(gray)
    around = torch.cat([fine[:, :, 1:2], fine, fine[:, :, -2:-1]], 2)
    kinds = torch.stack([fine, fine - (around[:, :, :-2] + around[:, :, 2:]) / 2], 2)  # (B, n, 2, T, H, W)
    waves = F.conv2d(kinds.flatten(0, 3)[:, None], fourier(window).to(film), stride=window // 2, padding=window // 4)
    power = F.adaptive_avg_pool2d(waves.unflatten(1, (2, -1)).square().sum(1), grid)
    return (1 + power).log().unflatten(0, kinds.shape[:4]).mean(3).flatten(1, 3)  # from (B, n, 2, T, 40, h, w)


def fourier(n):
    """Filters (n (n/2 + 1) 2, 1, n, n) of a windowed Fourier transform: all cosines, then all sines."""
    weight = torch.hann_window(n + 2, periodic=False)[1:-1]
    row, column = torch.meshgrid(torch.arange(n) / n, torch.arange(n // 2 + 1) / n, indexing="ij")
    place = torch.arange(n)
    angle = 2 * torch.pi * (row.flatten()[:, None, None] * place[:, None] + column.flatten()[:, None, None] * place)
    return (weight[:, None] * weight * torch.cat([angle.cos(), angle.sin()]))[:, None]
