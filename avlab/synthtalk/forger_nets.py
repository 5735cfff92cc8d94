"""The networks of the learned forgers: their inputs are all they see and hear, and their shape is what they leave in the picture."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from . import aligned

WIDTH = 96  # of the embedding that carries sound and time


class Hearing(nn.Module):
    """200 ms of log-mel (N, 512) -> (N, 96): a multilayer perceptron on the whole window."""

    def __init__(self, hidden=128):
        super().__init__()
        self.register_buffer("centre", torch.zeros(aligned.BANDS))
        self.register_buffer("spread", torch.ones(aligned.BANDS))
        self.net = nn.Sequential(nn.Linear(aligned.COLUMNS * aligned.BANDS, hidden), nn.SiLU(), nn.Dropout(0.1), nn.Linear(hidden, WIDTH), nn.SiLU(),
                                 nn.Linear(WIDTH, WIDTH))

    def forward(self, sound):
        bands = sound.unflatten(1, (-1, aligned.BANDS))
        return self.net(((bands - self.centre) / self.spread).flatten(1))


class Block(nn.Module):
    """Two 3x3 convolutions with group norm, shifted and scaled by the embedding, around a shortcut."""

    def __init__(self, c_in, c_out, width=0):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.film = nn.Linear(width, 2 * c_out) if width else None
        self.shortcut = nn.Conv2d(c_in, c_out, 1) if c_in != c_out else nn.Identity()
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, embedding=None):
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.film is not None:
            scale, shift = self.film(embedding)[..., None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(F.silu(h))


class Painter(nn.Module):
    """A U-Net of two resolutions that draws from pictures, sound and (for the samplers) time.

    picture (N, c_in, h, w), sound (N, 512), time (N,) in 0..1 or None -> (N, c_out, h, w). With fold=2 it works at half the resolution.
    """

    def __init__(self, c_in, c_out, widths=(48, 64), fold=2, timed=True):
        super().__init__()
        top, low = widths
        self.fold, self.timed = fold, timed
        self.hearing = Hearing()
        self.clock = nn.Sequential(nn.Linear(32, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH)) if timed else None
        self.enter = nn.Conv2d(c_in * fold**2, top, 3, padding=1)
        self.first = Block(top, top, WIDTH)
        self.down = nn.Conv2d(top, low, 3, stride=2, padding=1)
        self.middle = nn.ModuleList([Block(low, low, WIDTH), Block(low, low, WIDTH)])
        self.up = nn.Conv2d(low, top, 3, padding=1)
        self.last = Block(2 * top, top, WIDTH)
        self.leave = nn.Sequential(nn.GroupNorm(8, top), nn.SiLU(), nn.Conv2d(top, c_out * fold**2, 3, padding=1))

    def forward(self, picture, sound, time=None):
        embedding = self.hearing(sound)
        if self.timed:
            angles = time[:, None] * torch.exp(torch.linspace(0, math.log(200.0), 16))
            embedding = embedding + self.clock(torch.cat([angles.sin(), angles.cos()], 1))
        embedding = F.silu(embedding)
        top = self.first(self.enter(F.pixel_unshuffle(picture, self.fold)), embedding)
        low = self.down(top)
        for block in self.middle:
            low = block(low, embedding)
        top = self.last(torch.cat([self.up(F.interpolate(low, scale_factor=2.0)), top], 1), embedding)
        return F.pixel_shuffle(self.leave(top), self.fold)


class Reenact(nn.Module):
    """An autoencoder of whole pictures (N, 3, 64, 64) that comes back up by transposed convolutions of kernel 3 and stride 2.

    Such a kernel covers every other pixel more often than its neighbours (Odena et al. 2016, "Deconvolution and checkerboard artifacts"),
    and nothing stands behind the last one to smooth it. Its code is 16 x 16 x 16 numbers, and 32 x 32 x 4 more that go round the lower level.
    """

    def __init__(self, widths=(32, 64), code=16, side=4):
        super().__init__()
        a, b = widths
        up = {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}
        self.enter = nn.Sequential(nn.Conv2d(3, a, 4, 2, 1), Block(a, a))
        self.side = nn.Conv2d(a, side, 1)
        self.encoder = nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), Block(b, b), nn.Conv2d(b, code, 1))
        self.decoder = nn.Sequential(nn.Conv2d(code, b, 3, padding=1), Block(b, b), Block(b, b), nn.ConvTranspose2d(b, a, **up))
        self.beside = nn.Conv2d(side, a, 3, padding=1)
        self.leave = nn.Sequential(Block(a, a), nn.GroupNorm(8, a), nn.SiLU(), nn.ConvTranspose2d(a, 3, **up))

    def forward(self, picture):
        half = self.enter(picture)
        return self.leave(self.decoder(self.encoder(half)) + self.beside(self.side(half)))


class LipSync(nn.Module):
    """The lower face from 200 ms of sound, the face above the mouth and one reference frame (Prajwal et al. 2020, Wav2Lip, in small).

    above, reference (N, 3, 32, 40), sound (N, 512) -> (N, 3, 32, 40). Trained on the mean absolute error alone: no discriminator, so it is smooth.
    """

    def __init__(self):
        super().__init__()
        self.painter = Painter(6, 3, timed=False)

    def forward(self, above, reference, sound):
        return reference + 0.2 * self.painter(torch.cat([above, reference], 1), sound)


class Flow(nn.Module):
    """Velocity of a straight path from noise to the lower face's difference from its reference (Lipman et al. 2023; Liu et al. 2023).

    x[t] = (1 - t) noise + t difference / SPREAD;  v = a(t) x[t] + b(t) net, with a, b such that the net's target has unit variance when
    the difference is white (Karras et al. 2022, eq. 7, for straight paths).
    """

    SPREAD, SIGMA = 0.2, 0.35  # pixel units of the noise; deviation of the data in those units

    def __init__(self):
        super().__init__()
        self.painter = Painter(9, 3)

    def forward(self, x, above, reference, sound, time):
        t, s2 = time[:, None, None, None], self.SIGMA**2
        variance = (1 - t) ** 2 + t**2 * s2
        net = self.painter(torch.cat([x / variance.sqrt(), above, reference], 1), sound, time)
        return (t * s2 - (1 - t)) / variance * x + self.SIGMA / variance.sqrt() * net


class Codec(nn.Module):
    """Autoencoder of the inner face (N, 3, 48, 48) <-> (N, 8, 12, 12); up-sampling by nearest neighbours and convolutions, as in latent diffusion."""

    def __init__(self, widths=(32, 64), code=8):
        super().__init__()
        a, b = widths
        self.register_buffer("centre", torch.zeros(code, 1, 1))
        self.register_buffer("spread", torch.ones(code, 1, 1))
        self.encoder = nn.Sequential(nn.Conv2d(3, a, 4, 2, 1), Block(a, a), nn.Conv2d(a, b, 4, 2, 1), Block(b, b), nn.Conv2d(b, code, 1))
        self.decoder = nn.Sequential(
            nn.Conv2d(code, b, 3, padding=1), Block(b, b), Block(b, b), nn.Upsample(scale_factor=2), nn.Conv2d(b, a, 3, padding=1), Block(a, a),
            nn.Upsample(scale_factor=2), nn.Conv2d(a, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 3, 3, padding=1))

    def encode(self, picture):
        return (self.encoder(picture) - self.centre) / self.spread

    def decode(self, code):
        return self.decoder(code * self.spread + self.centre)


class LatentDiffusion(nn.Module):
    """Denoiser of the inner face's code from the masked frame's code, a reference's code and the sound: predicts the clean code (N, 8, 12, 12).

    In this it differs from the probe, which is a v-predictor of whole films on a linear schedule.
    """

    def __init__(self):
        super().__init__()
        self.codec = Codec()
        self.painter = Painter(24, 8, fold=1)

    def forward(self, z, above, reference, sound, time):
        return reference + self.painter(torch.cat([z, above, reference], 1), sound, time)


def cosine_abar(time):
    """Signal share of the cosine schedule (Nichol & Dhariwal 2021, eq. 17): 1 at time 0 (clean), 0 at time 1 (noise)."""
    start = math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    return torch.cos((time + 0.008) / 1.008 * math.pi / 2).square() / start


NETS = {"reenact": Reenact, "lipsync": LipSync, "ldm": LatentDiffusion, "flow": Flow}
