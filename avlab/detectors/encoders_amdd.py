"""The two encoders of AMDD, both ResNets of transformers (He et al. 2016): one vector a picture, one vector a stretch of sound.

They know no labels and no generators; the path through them stands in `amdd`.
"""

from torch import nn, tensor
from torch.nn import functional as F


def resnet(num_channels, *, stem_pool=True, **config):
    """A ResNet of the given layout with random weights and no classifier; stem_pool=False keeps twice the grid, for pictures of 64 px."""
    from transformers import ResNetConfig, ResNetModel  # slow to import

    net = ResNetModel(ResNetConfig(num_channels=num_channels, **config))
    if not stem_pool:
        net.embedder.pooler = nn.Identity()
    return net


def local_contrast(pictures, *, pixels=5, gray_levels=8.0):
    """What a picture (N, 3, H, W) adds to the mean of its 5 x 5 neighbourhood, in units of 8 gray levels: fine texture, no faces and no colours."""
    around = F.avg_pool2d(pictures, pixels, 1, pixels // 2, count_include_pad=False)
    return (pictures - around) / gray_levels


class VisualEncoder(nn.Module):
    """Pictures (B, T, 3, H, W) in 0..255 -> one vector a picture (B, T, D): ResNet, Linear, LayerNorm, ReLU."""

    def __init__(self, width, local, **net):
        super().__init__()
        self.local = local
        self.resnet = resnet(3, **net)
        self.project = nn.Sequential(nn.Linear(net["hidden_sizes"][-1], width), nn.LayerNorm(width), nn.ReLU())
        self.register_buffer("mean", tensor([0.485, 0.456, 0.406]).view(3, 1, 1) * 255, persistent=False)  # of ImageNet
        self.register_buffer("deviation", tensor([0.229, 0.224, 0.225]).view(3, 1, 1) * 255, persistent=False)

    def forward(self, frames):
        pictures = frames.flatten(0, 1).to(self.mean.dtype)
        pictures = local_contrast(pictures) if self.local else (pictures - self.mean) / self.deviation
        vectors = self.project(self.resnet(pictures).pooler_output.flatten(1))
        return vectors.unflatten(0, frames.shape[:2])


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
