"""The two encoders of AMDD, both ResNets of transformers (He et al. 2016): one vector a picture, one vector a stretch of sound.

They know no labels and no generators; the path through them stands in `amdd`.
"""

import math

import torch
from torch import nn, tensor
from torch.nn import functional as F


def resnet(num_channels, *, stem_pool=True, **config):
    """A ResNet of the given layout with random weights and no classifier; stem_pool=False keeps twice the grid, for pictures of 64 px."""
    from transformers import ResNetConfig, ResNetModel  # slow to import

    net = ResNetModel(ResNetConfig(num_channels=num_channels, **config))
    if not stem_pool:
        net.embedder.pooler = nn.Identity()
    return net


def local_spectra(film, *, tile=8, stride=4, floor=1.0):
    """How much of each spatial frequency stands where: film (B, T, 3, H, W) in 0..255 -> (B, T, 80, h, w), h = (H - tile) // stride + 1.

    Forgers of faces blur, warp and re-draw, which moves energy between frequencies; their traces are weaker than skin, hair and light, and
    a small network finds them only where this is taken out for it (from colours, ten epochs on 720 clips left every forged picture at chance).
    log(floor + |F|^2) of the Fourier transform F of brightness in Hann windows of tile x tile pixels; 40 frequencies (rfft2 order) of each
    picture, then 40 of what it adds to the mean of its two neighbours in time, where a forger smooths or flickers.
    """
    brightness = (film * film.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(2)
    beside = torch.cat([brightness[:, 1:2], brightness, brightness[:, -2:-1]], 1)  # the ends have one neighbour, which counts twice
    moved = brightness - (beside[:, :-2] + beside[:, 2:]) / 2
    kernels = _fourier_kernels(tile).to(brightness)
    made = []
    for pictures in (brightness, moved):
        waves = F.conv2d(pictures.flatten(0, 1)[:, None], kernels, stride=stride)
        made.append(torch.log(floor + waves[:, 0::2] ** 2 + waves[:, 1::2] ** 2))
    return torch.cat(made, 1).unflatten(0, film.shape[:2])


def _fourier_kernels(tile):
    """(2 * 5 * 8, 1, 8, 8) for tile 8: cosine and sine of each frequency under a Hann window, blind to a constant picture."""
    at = torch.arange(tile, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * (at + 1) / (tile + 1))
    window, kernels = hann[:, None] * hann, []
    for u in range(tile):
        for v in range(tile // 2 + 1):
            phase = 2 * math.pi * (u * at[:, None] + v * at) / tile
            kernels += [window * torch.cos(phase), window * torch.sin(phase)]
    made = torch.stack(kernels)[:, None]
    return made - window * made.sum((2, 3), keepdim=True) / window.sum()


class VisualEncoder(nn.Module):
    """Pictures (B, T, 3, H, W) in 0..255 -> one vector a picture (B, T, D): ResNet, Linear, LayerNorm, ReLU.

    spectra   0: the ResNet sees colours; n: the mean of `local_spectra` over n pictures, one vector for each such stretch, (B, ceil(T / n), D).
              Beside the ResNet's vector the Linear then gets the spectra themselves, averaged over a grid of 3 x 3: a straight line reads the
              faint lattice of a network from them at once, which the ResNet alone missed in 2 of 5 trainings (AUROC 0.58 and 0.60 on val people)
    """

    def __init__(self, width, spectra, **net):
        super().__init__()
        self.spectra = spectra
        self.resnet = resnet(80 if spectra else 3, **net)
        self.scale = nn.BatchNorm2d(80, affine=False) if spectra else None
        self.project = nn.Sequential(nn.Linear(net["hidden_sizes"][-1] + (720 if spectra else 0), width), nn.LayerNorm(width), nn.ReLU())
        self.register_buffer("mean", tensor([0.485, 0.456, 0.406]).view(3, 1, 1) * 255, persistent=False)  # of ImageNet
        self.register_buffer("deviation", tensor([0.229, 0.224, 0.225]).view(3, 1, 1) * 255, persistent=False)

    def forward(self, frames):
        film = frames.to(self.mean.dtype)
        if self.spectra:
            seen = torch.stack([part.mean(1) for part in local_spectra(film).split(self.spectra, 1)], 1)
            pictures = self.scale(seen.flatten(0, 1))
        else:
            seen = (film - self.mean) / self.deviation
            pictures = seen.flatten(0, 1)
        vectors = self.resnet(pictures).pooler_output.flatten(1)
        if self.spectra:
            vectors = torch.cat([vectors, F.adaptive_avg_pool2d(pictures, 3).flatten(1)], 1)
        return self.project(vectors).unflatten(0, seen.shape[:2])


class AudioEncoder(nn.Module):
    """Log-mel (B, F, N) -> one vector a stretch of time (B, L, D): ResNet on one channel, mean over frequency, Linear.

    Their mean over L is the paper's vector a: the Linear and the mean may change places.
    """

    def __init__(self, width, **net):
        super().__init__()
        self.resnet = resnet(1, **net)
        self.project = nn.Linear(net["hidden_sizes"][-1], width)

    def forward(self, log_mel):
        grid = self.resnet(log_mel[:, None].to(self.project.weight.dtype)).last_hidden_state  # (B, C, f, L)
        return self.project(grid.mean(2).transpose(1, 2))


def load_imagenet(model, visual, audio):
    """Start both ResNets from the weights of trained ones, as the paper does; the sound's first layer takes the mean of the three colours.

    A gray picture then excites that layer a third as much as it did in three channels (the sum of the colours would keep the level).
    visual, audio   state dicts of transformers' ResNetModel with the model's layouts ("microsoft/resnet-50", "microsoft/resnet-18")
    """
    model.visual_encoder.resnet.load_state_dict(visual)
    first = "embedder.embedder.convolution.weight"
    model.audio_encoder.resnet.load_state_dict({**audio, first: audio[first].mean(1, keepdim=True)})
