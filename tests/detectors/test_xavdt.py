"""X-AVDT against its table of shapes, its equations in float64 numpy, and what each option must leave alone."""

import itertools
import math

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch.nn import functional as F

from avlab import detectors, metrics
from avlab.detectors import losses, xavdt
from avlab.detectors.encoders import Bottleneck, Fixed, ResNeXt3d, Standardise, spectra
from avlab.errors import AvlabError

PIXELS, CELLS = 16, 4  # a quarter of what the small size meets: both streams end at 2 x 2


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def small(**config):
    return detectors.build("xavdt", "small", **{"composite_px": 8, **config})


def batch_of(n=4, seed=1):
    rng = torch.Generator().manual_seed(seed)
    return {"composite": torch.rand(n, 12, 16, PIXELS, PIXELS, generator=rng), "av_attention": torch.randn(n, 32, 16, CELLS, CELLS, generator=rng),
            "label": (torch.arange(n) % 2).float()}


def films(batch):
    return batch["composite"], batch["av_attention"]


def trained_a_little(model, steps=3):
    """Running moments and batch statistics away from their first values, then eval mode."""
    model.train()
    with torch.no_grad():
        for k in range(steps):
            model(*films(batch_of(6, seed=50 + k)))
    return model.eval()


def reached(loss, model):
    """Names of the top modules that a loss sends a gradient into."""
    model.zero_grad()
    loss.backward()
    return {name.split(".")[0] for name, value in model.named_parameters() if value.grad is not None and value.grad.abs().max() > 0}


# ---------------------------------------------------------------- the published dimensions


def shapes(**config):
    return {name: shape for name, shape, _ in xavdt.stages("paper", **config)}


def test_every_stage_of_the_paper_size_has_its_published_shape():
    found = shapes()
    visual = {"stem": (64, 8, 256, 256), "pool": (64, 4, 128, 128), "layer1": (256, 4, 128, 128), "layer2": (512, 2, 64, 64), "layer3": (1024, 1, 32, 32)}
    sound = {"stem": (512, 8, 64, 64), "layer1": (512, 4, 64, 64), "layer2": (512, 2, 64, 64), "layer3": (1024, 1, 32, 32)}
    assert {name: found[f"composite_encoder.{name}"] for name in visual} == visual
    assert {name: found[f"av_attention_encoder.{name}"] for name in sound} == sound
    assert found["fuse"] == (1024, 32, 32) and found["decoder.attention"] == (1024, 1024)
    assert [found[f"decoder.layer{k}"] for k in (1, 2, 3)] == [(1024, 1, 16, 16), (1024, 1, 8, 8), (1024, 1, 4, 4)] and found["head"] == (1,)
    order = list(found)
    assert order.index("fuse") < order.index("decoder.norm1") < order.index("decoder.attention") < order.index("decoder.layer1") < order.index("head")


def block(c, out, inside, stride=1):
    """Weights of a ResNeXt block, counted by hand: three convolutions, three norms, and a projection where the shape changes."""
    shortcut = 0 if c == out and stride == 1 else c * out + 2 * out
    return c * inside + 2 * inside + inside * (inside // 32) * 27 + 2 * inside + inside * out + 2 * out + shortcut


def weights(model, *names):
    return sum(value.numel() for name, value in model.named_parameters() if name.startswith(names))


def test_parameters_of_the_paper_size_by_hand_and_as_published():
    with torch.device("meta"):
        model = detectors.build("xavdt", "paper", **xavdt.CHECKPOINT)
        plain = detectors.build("xavdt", "paper")
        first = detectors.build("xavdt", "paper", **xavdt.FIRST_RELEASE)
    seen = 12 * 64 * 343 + 128 + block(64, 256, 128) + block(256, 256, 128)
    seen += block(256, 512, 256, 2) + 2 * block(512, 512, 256) + block(512, 1024, 512, 2) + 2 * block(1024, 1024, 512)
    heard = 320 * 512 * 27 + 1024 + 2 * (block(512, 512, 256, 2) + block(512, 512, 256)) + block(512, 1024, 512, 2) + block(1024, 1024, 512)
    fused = 2048 * 1024 + 1024 + 2 * 1024 + 4 * (1024 * 1024 + 1024) + 1024 * 1024 + 1024 + 3 * (block(1024, 1024, 1024, 2) + block(1024, 1024, 1024))
    heads = 4 * (1024 * 1024 + 1024)
    assert weights(model, "composite_encoder") == seen and weights(model, "av_attention_encoder") == heard
    assert weights(model, "fuse", "decoder") == fused and weights(model, "projections") == heads
    assert [round(n / 1e6, 1) for n in (seen, heard, fused, heads)] == [5.5, 9.0, 28.4, 4.2]
    assert round(weights(model, "") / 1e6) == 47 and weights(plain, "") == seen + heard + fused + 2048 + 1025
    assert weights(first, "") - weights(plain, "") == 2 * block(1024, 1024, 512)  # two more blocks in the last layer of psi's encoder
    assert sum(count for _, _, count in xavdt.stages("paper", **xavdt.CHECKPOINT)) == weights(model, "")


@pytest.mark.parametrize(("frames", "left"), [(9, 1), (15, 1), (16, 1), (17, 2), (32, 2)])
def test_halving_rounds_up_so_the_arithmetic_lets_short_chunks_through(frames, left):
    found = [shape[1] for name, shape, _ in xavdt.stages("paper", frames) if name.endswith("layer3")][:2]
    assert found == [left, left] == [math.ceil(frames / 16)] * 2


@pytest.mark.parametrize("frames", [15, 17])
def test_other_than_16_frames_are_refused_with_their_number(frames):
    with pytest.raises(AvlabError, match=f"16 frames.*{frames} frames of phi"):
        small()(torch.rand(1, 12, frames, PIXELS, PIXELS), torch.randn(1, 32, frames, CELLS, CELLS))
    with pytest.raises(AvlabError, match=f"{frames} frames of psi"):
        small()(torch.rand(1, 12, 16, PIXELS, PIXELS), torch.randn(1, 32, frames, CELLS, CELLS))


def test_what_does_not_fit_is_refused():
    model, batch = small(), batch_of()
    with pytest.raises(AvlabError, match="one grid"):
        model(batch["composite"], torch.randn(4, 32, 16, 8, 8))
    with pytest.raises(AvlabError, match=r"psi is \(B, 32, 16"):
        model(batch["composite"], torch.randn(4, 31, 16, CELLS, CELLS))
    with pytest.raises(AvlabError, match="phi is"):
        model(batch["composite"][:, :9], batch["av_attention"])
    for config in ({"use_psi": False, "use_phi": False}, {"embed": "mean"}, {"mining": "hard"}, {"standardise": "none"},
                   {"classes": 3}, {"triplet_weight": 1.5}, {"heads": 5}, {"width": 50, "heads": 5}, {"heads": 0}, {"phi_layers": ()}):
        with pytest.raises(AvlabError):
            small(**config)
    with pytest.raises(AvlabError, match="lambda"):
        small(**{"lambda": 0.3})


# ---------------------------------------------------------------- the blocks in numpy


def np_convolution(x, module):
    """A Conv3d and its norm in eval mode, window by window, for one clip (C, T, H, W)."""
    conv, norm = module
    w, pad, groups = conv.weight.detach().double().numpy(), conv.padding[0], conv.groups
    windows = sliding_window_view(np.pad(x, ((0, 0),) + ((pad, pad),) * 3), w.shape[2:], axis=(1, 2, 3))
    windows = windows[:, ::conv.stride[0], ::conv.stride[1], ::conv.stride[2]]
    each, n_in = len(w) // groups, w.shape[1]
    y = np.concatenate([np.einsum("cthwijk,ocijk->othw", windows[g * n_in:(g + 1) * n_in], w[g * each:(g + 1) * each]) for g in range(groups)])
    mean, var, gain, shift = (v.detach().double().numpy()[:, None, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias))
    return (y - mean) / np.sqrt(var + norm.eps) * gain + shift


def relu(x):
    return np.maximum(x, 0)


def np_block(x, module):
    y = np_convolution(relu(np_convolution(relu(np_convolution(x, module.reduce)), module.grouped)), module.expand)
    return relu(y + (x if isinstance(module.shortcut, torch.nn.Identity) else np_convolution(x, module.shortcut)))


def unlike_its_start(module):
    """Norms whose moments and gains are not 0 and 1, in double precision and eval mode."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm3d):
            for value, low, high in ((part.running_mean, -1, 1), (part.running_var, 0.3, 3), (part.weight, 0.5, 2), (part.bias, -1, 1)):
                torch.nn.init.uniform_(value, low, high)
    return module.double().eval()


@pytest.mark.parametrize(("channels", "out", "stride"), [(8, 8, (1, 1, 1)), (8, 12, (1, 1, 1)), (8, 8, (2, 1, 1)), (6, 8, (2, 2, 2))])
def test_a_resnext_block_in_numpy(channels, out, stride):
    module = unlike_its_start(Bottleneck(channels, out, 4, stride, groups=2))
    x = torch.randn(1, channels, 5, 4, 3, dtype=torch.float64)
    assert np.abs(module(x)[0].detach().numpy() - np_block(x[0].numpy(), module)).max() < 1e-12


def test_an_encoder_in_numpy():
    module = unlike_its_start(ResNeXt3d(3, (4, 3, (2, 2, 2)), (2, 1, 1), ((8, 4, 2, (1, 1, 1)), (8, 4, 1, (2, 2, 2)), (6, 4, 1, (1, 2, 1))), groups=2))
    x = torch.randn(1, 3, 8, 8, 6, dtype=torch.float64)
    y = relu(np_convolution(x[0].numpy(), module.stem[0]))
    y = sliding_window_view(np.pad(y, ((0, 0),) + ((1, 1),) * 3, constant_values=-np.inf), (3, 3, 3), axis=(1, 2, 3)).max((-3, -2, -1))[:, ::2]
    for layer in (module.layer1, module.layer2, module.layer3):
        for part in layer:
            y = np_block(y, part)
    assert np.abs(module(x)[0].detach().numpy() - y).max() < 1e-12


def test_positions_by_hand_and_in_order():
    made = xavdt.positions(8, 2, 3).numpy()  # width 8: two rates an axis, 1 and 1/100
    for row, column in itertools.product(range(2), range(3)):
        want = [math.sin(row), math.sin(row / 100), math.cos(row), math.cos(row / 100),
                math.sin(column), math.sin(column / 100), math.cos(column), math.cos(column / 100)]
        assert made[:, 3 * row + column] == pytest.approx(want, abs=1e-6)


def np_norm(x, module):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + module.eps)
    return x * module.weight.detach().numpy() + module.bias.detach().numpy()


@pytest.mark.parametrize("shared", [False, True])
def test_attention_of_the_decoder_in_numpy(shared):
    width, heads, h, w = 16, 2, 2, 3
    decoder = xavdt.Decoder(width, heads, ((16, 4, 1, (2, 2, 2)),) * 3, 2, shared).double().eval()
    for value in decoder.parameters():
        torch.nn.init.normal_(value, 0.1, 0.5)
    fused = torch.randn(1, width, h, w, dtype=torch.float64)
    tokens, weights = decoder.attend(fused, weights=True)
    x = (fused[0].flatten(1) + xavdt.positions(width, h, w).double()).T.numpy()
    asked = np_norm(x, decoder.norm1)
    q, k, v = (asked @ m.T + b for m, b in zip(decoder.attention.in_proj_weight.detach().numpy().reshape(3, width, width),
                                               decoder.attention.in_proj_bias.detach().numpy().reshape(3, width), strict=True))
    made, d = [], width // heads
    for head in range(heads):
        part = slice(head * d, (head + 1) * d)
        scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(d))
        scores /= scores.sum(1, keepdims=True)
        assert np.abs(weights[0, head].detach().numpy() - scores).max() < 1e-12
        made.append(scores @ v[:, part])
    linear = [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in (decoder.attention.out_proj, decoder.linear)]
    y = np.concatenate(made, 1)
    for m, b in linear:
        y = y @ m.T + b
    assert (decoder.norm2 is decoder.norm1) == shared
    assert np.abs(tokens[0].detach().numpy() - relu(np_norm(y + x, decoder.norm2))).max() < 1e-12


def test_the_decoders_layers_read_the_tokens_row_by_row():
    decoder = unlike_its_start(xavdt.Decoder(8, 2, ((8, 4, 1, (1, 1, 2)), (8, 4, 1, (1, 1, 1)), (8, 4, 1, (1, 1, 1))), 2))
    tokens = torch.randn(1, 12, 8, dtype=torch.float64)
    y = tokens[0].numpy().reshape(3, 4, 8).transpose(2, 0, 1)[:, None]  # 3 rows of 4 cells
    for layer in (decoder.layer1, decoder.layer2, decoder.layer3):
        y = np_block(y, layer[0])
    assert y.shape == (8, 1, 3, 2) and np.abs(decoder(tokens, (3, 4))[0].detach().numpy() - y.mean((1, 2, 3))).max() < 1e-12


# ---------------------------------------------------------------- scaling and statistics


def test_what_reaches_the_encoders_and_the_fusion():
    """The paper: (x - 0.45) / 0.225 of phi, psi as it is. Small: both by their running moments, and maps of statistics beside both streams: spectra of phi as it came, means and movements of scaled psi."""
    batch, seen = batch_of(), {}
    for scaling in ("paper", "running"):
        model = trained_a_little(small(standardise=scaling))
        for name in ("composite_encoder", "av_attention_encoder", "fuse"):
            getattr(model, name).register_forward_pre_hook(lambda module, given, name=name: seen.update({name: given[0]}))
        made = model(*films(batch))
        phi, psi = xavdt.shrink(batch["composite"], 8), batch["av_attention"]
        if scaling == "running":
            assert model.composite_scale.mean.abs().min() > 0.1 and model.statistics_scale.seen == 3
            phi, psi = ((x - s.mean[:, None, None, None]) / s.variance.sqrt()[:, None, None, None]
                        for x, s in ((phi, model.composite_scale), (psi, model.av_attention_scale)))
        else:
            phi = (phi - 0.45) / 0.225
        assert torch.allclose(seen["composite_encoder"], phi, atol=1e-4) and torch.allclose(seen["av_attention_encoder"], psi, atol=1e-4)
        moments = model.statistics_scale
        grid = seen["fuse"].shape[2:]
        fine = torch.cat([batch["composite"][:, :3], batch["composite"][:, 9:]], 1)
        told = (torch.cat([spectra(fine, grid), xavdt.statistics(psi, grid)], 1) - moments.mean[:, None, None]) / moments.variance.sqrt()[:, None, None]
        assert torch.allclose(seen["fuse"][:, -told.shape[1]:], told, atol=1e-3) and torch.allclose(made.logit, model.head(made.parts["pooled"])[:, 0])


def test_standardise_has_the_moments_of_everything_it_saw():
    scale, seen = Standardise(3), []
    spread = torch.tensor([1e-3, 1.0, 50.0])[:, None, None]
    for k in range(5):
        x = (torch.randn(4, 3, 6, 5) + 20 + k) * spread  # the mean is twenty deviations away: sums of squares would cancel in float32
        made = scale(x)
        seen.append(x.transpose(0, 1).flatten(1))
        want = torch.cat(seen, 1).double()
        assert torch.allclose(scale.mean.double(), want.mean(1), rtol=1e-5) and torch.allclose(scale.variance.double(), want.var(1, unbiased=False), rtol=1e-3)
    assert made.mean((0, 2, 3)).abs().max() < 3 and scale.seen == 5
    before = scale.mean.clone()
    scale.eval()(torch.zeros(2, 3, 4))
    assert torch.equal(scale.mean, before)


def test_standardise_keeps_a_constant_channel_finite_and_takes_vectors():
    scale = Standardise(2)
    assert torch.equal(scale(torch.full((4, 2), 7.0)), torch.zeros(4, 2))


def test_a_residual_of_0_becomes_minus_2():
    assert Fixed()(torch.tensor([0.0, 0.45, 1.0])).tolist() == pytest.approx([-2, 0, 0.55 / 0.225])


def test_statistics_of_known_films():
    x = torch.randn(2, 3, 4, 6, 4, dtype=torch.float64)
    base = xavdt.statistics(x, (3, 2))
    for b, c, row, column in itertools.product(range(2), range(3), range(3), range(2)):
        cell = x[b, c, :, 2 * row:2 * row + 2, 2 * column:2 * column + 2].numpy()
        assert base[b, c, row, column] == pytest.approx(cell.mean(), abs=1e-12)
        assert base[b, 3 + c, row, column] == pytest.approx(math.log((np.diff(cell, axis=0)**2).mean() + 1e-6) / 2, abs=1e-12)
    wider = xavdt.statistics(2 * x + 5, (3, 2))
    assert torch.allclose(wider[:, :3], 2 * base[:, :3] + 5) and torch.allclose(wider[:, 3:], base[:, 3:] + math.log(2), atol=1e-4)
    assert torch.allclose(xavdt.statistics(x.flip(2), (3, 2)), base)
    still = xavdt.statistics(x + torch.randn(2, 3, 1, 6, 4, dtype=torch.float64), (3, 2))
    assert torch.allclose(still[:, 3:], base[:, 3:])  # a pattern that stands still is no movement
    assert xavdt.statistics(torch.full((1, 1, 2, 2, 2), 9.0), (1, 1)).flatten().tolist() == pytest.approx([9, math.log(1e-3)])


def test_spectra_of_known_films_in_numpy():
    """One window by numpy's transform; a grating answers at its own frequency and place; a still one has none of the second kind."""
    film = torch.rand(2, 6, 5, 16, 16, dtype=torch.float64)
    made = spectra(film, (4, 4))
    assert made.shape == (2, 160, 4, 4)
    gray = (film[1, 3:].numpy() * np.array([0.299, 0.587, 0.114])[:, None, None, None]).sum(0) * 255
    padded, ones = (np.pad(x, ((0, 0), (2, 2), (2, 2))) for x in (gray, np.ones_like(gray)))
    around = sliding_window_view(padded, (5, 5), (1, 2)).sum((-1, -2)) / sliding_window_view(ones, (5, 5), (1, 2)).sum((-1, -2))
    fine, weight = np.pad(gray - around, ((0, 0), (2, 2), (2, 2))), np.hanning(10)[1:-1]
    window = fine[:, 4:12, 8:16] * weight[:, None] * weight  # cell (1, 2)
    power = np.log(1 + np.abs(np.fft.fft2(window)[:, :, :5]) ** 2).mean(0)
    assert np.abs(made[1, 80:120, 1, 2].numpy() - power.ravel()).max() < 1e-4
    wave = 0.5 + 0.1 * torch.cos(2 * math.pi * 2 / 8 * torch.arange(16.0)) * (torch.arange(16) < 8)
    still = spectra(wave.expand(1, 3, 5, 16, 16), (2, 2))[0]
    assert still[:40].mean((1, 2)).argmax() == 2 and still[2, :, 0].min() > still[2, :, 1].max() + 2 and still[40:].abs().max() < 1e-3


def test_inputs_are_what_the_network_would_make_of_the_probe_itself():
    composite, psi = torch.rand(12, 16, PIXELS, PIXELS), torch.randn(32, 16, CELLS, CELLS)
    assert np.abs(xavdt.inputs(composite, psi)["composite"] - composite.numpy()).max() < 1e-3
    made = xavdt.inputs(composite, psi, px=8)
    assert {name: (value.shape, str(value.dtype)) for name, value in made.items()} == {
        "composite": ((12, 16, 8, 8), "float16"), "av_attention": ((32, 16, CELLS, CELLS), "float16")}
    assert np.abs(made["composite"] - composite.numpy().reshape(12, 16, 8, 2, 8, 2).mean((3, 5))).max() < 1e-3
    model, made = trained_a_little(small()), xavdt.inputs(composite, psi)
    before = xavdt.inputs(composite, psi, px=8, grid=(2, 2))
    assert before["spectra"].shape == (320, 2, 2)
    ahead = model(*(torch.as_tensor(before[name])[None] for name in (*model.reads, "spectra")))
    assert torch.allclose(ahead.logit, model(composite[None], psi[None]).logit, atol=2e-2)
    whole, stored = model(composite[None], psi[None]), model(*(torch.as_tensor(made[name])[None] for name in model.reads))
    assert torch.allclose(whole.logit, stored.logit, atol=5e-3) and stored.logit.dtype == torch.float32


def test_inputs_refuses_what_is_no_chunk():
    composite, psi = np.random.rand(12, 16, 8, 8), np.random.rand(5, 16, 4, 4)
    assert xavdt.inputs(composite, psi, px=None)["composite"].shape == (12, 16, 8, 8)
    with pytest.raises(AvlabError, match="32 frames of phi"):
        xavdt.inputs(np.concatenate([composite] * 2, 1), psi)
    with pytest.raises(AvlabError, match="finite"):
        xavdt.inputs(composite, psi * np.nan)


# ---------------------------------------------------------------- ablations: what an option must leave alone


def changed(batch, part, channels=slice(None)):
    other = {**batch, part: batch[part].clone()}
    other[part][:, channels] = torch.rand(other[part][:, channels].shape)
    return other


@pytest.mark.parametrize(("config", "part", "channels", "matters"), [
    ({}, "composite", slice(0, 3), True), ({}, "composite", slice(9, 12), True), ({}, "av_attention", slice(None), True),
    ({"use_psi": False}, "av_attention", slice(None), False), ({"use_phi": False}, "composite", slice(None), False),
    ({"use_residual": False}, "composite", slice(9, 12), False), ({"use_residual": False}, "composite", slice(6, 9), True),
    ({"rgb_only": True}, "composite", slice(3, 12), False), ({"rgb_only": True}, "composite", slice(0, 3), True),
])
def test_an_ablation_reads_nothing_of_what_it_leaves_out(config, part, channels, matters):
    model, batch = trained_a_little(small(**config)), batch_of()
    same = torch.equal(model(*films(batch)).logit, model(*films(changed(batch, part, channels))).logit)
    assert same != matters


def test_an_ablated_stream_takes_its_weights_along_and_may_be_missing():
    full, deaf, blind = small(), small(use_psi=False), small(use_phi=False)
    names = {name.split(".")[0] for name, _ in deaf.named_parameters()}
    assert "av_attention_encoder" not in names and [model.fuse.in_channels for model in (full, deaf, blind)] == [64 + 64 + 2 * 80 + 64, 64 + 2 * 80, 64 + 64]
    batch = batch_of()
    assert torch.isfinite(deaf(batch["composite"], None).logit).all() and torch.isfinite(blind(None, batch["av_attention"]).logit).all()


def test_a_score_depends_on_no_other_clip_of_its_batch():
    model, batch = trained_a_little(small()), batch_of(6)
    together = model(*films(batch))
    for k in range(6):
        alone = model(batch["composite"][k:k + 1], batch["av_attention"][k:k + 1])
        assert torch.allclose(alone.logit[0], together.logit[k], atol=1e-5) and torch.allclose(alone.embedding[0], together.embedding[k], atol=1e-5)


def test_attention_weights_come_back_when_asked_for_and_change_nothing():
    model, batch = trained_a_little(small(keep_attention=True)), batch_of()
    made = model(*films(batch))
    assert made.parts["attention"].shape == (4, 4, 4, 4) and torch.allclose(made.parts["attention"].sum(-1), torch.ones(4, 4, 4))
    model.keep_attention = False
    plain = model(*films(batch))
    assert "attention" not in plain.parts and torch.allclose(plain.logit, made.logit, atol=1e-6)


# ---------------------------------------------------------------- the loss


def np_total(logit, vectors, label, weight=0.3, margin=0.3):
    """0.7 cross-entropy + 0.3 triplet, clip by clip and triplet by triplet, in float64."""
    bce = np.mean([math.log1p(math.exp(-s)) if y else math.log1p(math.exp(s)) for s, y in zip(logit, label, strict=True)])
    u = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    terms = [max(0, ((u[a] - u[p]) ** 2).sum() - ((u[a] - u[n]) ** 2).sum() + margin)
             for a, p, n in itertools.product(range(len(u)), repeat=3) if a != p and label[a] == label[p] and label[a] != label[n]]
    triplet = np.mean(terms) if terms else 0.0
    return (1 - weight) * bce + weight * triplet, bce, triplet


@pytest.mark.parametrize(("config", "given"), [({}, {}), ({"triplet_weight": 0.6, "margin": 1.0}, {"weight": 0.6, "margin": 1.0})])
def test_total_loss_in_numpy(config, given):
    model, batch = trained_a_little(small(**config)), batch_of(6)
    made, found = model(*films(batch)), xavdt.total_loss(model, batch)
    want = np_total(made.logit.detach().double().numpy(), made.parts["pooled"].detach().double().numpy(), batch["label"].numpy(), **given)
    assert [found[name].item() for name in ("total", "bce", "triplet")] == pytest.approx(want, rel=1e-4)


def test_weights_0_and_1_leave_one_term_and_one_class_leaves_no_triplet():
    batch = batch_of()
    alone = xavdt.total_loss(trained_a_little(small(triplet_weight=0.0)), batch)
    assert alone["total"] == alone["bce"]
    other = xavdt.total_loss(trained_a_little(small(triplet_weight=1.0)), batch)
    assert other["total"] == other["triplet"] > 0
    model = small()
    one_class = xavdt.total_loss(model, {**batch, "label": torch.ones(4)})
    assert one_class["triplet"] == 0
    one_class["total"].backward()
    assert all(torch.isfinite(value.grad).all() for value in model.parameters() if value.grad is not None)


def test_two_classes_are_the_same_loss_as_one():
    model, batch = trained_a_little(small(classes=2)), batch_of()
    score = []
    model.head.register_forward_hook(lambda module, given, made: score.append(made))
    found = xavdt.total_loss(model, batch)["bce"]
    assert torch.allclose(F.cross_entropy(score[0], batch["label"].long()), found, atol=1e-6)


def test_the_codes_loss_is_another_one():
    model, batch = trained_a_little(small(mining="code", margin=0.9)), batch_of(6)
    embedding = model(*films(batch)).embedding
    assert torch.allclose(xavdt.total_loss(model, batch)["triplet"], losses.triplet(embedding, batch["label"], mining="code"))


EVERYTHING = {"composite_encoder", "av_attention_encoder", "fuse", "decoder"}


@pytest.mark.parametrize(("embed", "width", "triplet", "bce"), [
    ("pooled", 64, EVERYTHING, EVERYTHING | {"head"}), ("tokens", 64, EVERYTHING, EVERYTHING | {"head"}),
    ("streams", 128, {"composite_encoder", "av_attention_encoder", "projections"}, EVERYTHING | {"head"}),
])
def test_what_each_embedding_lets_the_triplet_term_teach(embed, width, triplet, bce):
    model, batch = small(embed=embed), batch_of()
    made = model(*films(batch))
    assert made.embedding.shape == (4, width) and torch.allclose(made.embedding.norm(dim=1), torch.ones(4), atol=1e-5)
    assert reached(xavdt.total_loss(model, batch)["triplet"], model) == triplet
    taught = model.decoder.layer3[0].reduce[0].weight.grad
    assert (taught is not None and bool(taught.abs().max() > 0)) == (embed == "pooled")  # the decoder's layers: only by the paper's embedding
    assert reached(xavdt.total_loss(model, batch)["bce"], model) == bce


def test_the_paper_size_runs_and_learns_in_every_part():
    """The published widths at a sixteenth of the published sides (32 px, 4 cells), one step."""
    model = detectors.build("xavdt", "paper")
    batch = {"composite": torch.rand(2, 12, 16, 32, 32), "av_attention": torch.randn(2, 320, 16, 4, 4), "label": torch.tensor([0.0, 1.0])}
    assert reached(xavdt.total_loss(model, batch)["total"], model) == EVERYTHING | {"head"}
    assert model.decoder.layer3[1].expand[1].running_mean.abs().max() > 0 and not hasattr(model, "projections")


# ---------------------------------------------------------------- what the small size is for


def planted(n, seed):
    """psi (n, 32, 16, 4, 4) where a fake's channel 5 deviates twice as far in one quarter of the picture. As in real psi, channels differ in size,
    each has a pattern that never changes, and each clip has its own gain."""
    rng, world = np.random.default_rng(seed), np.random.default_rng(99)
    size, label = 10 ** np.linspace(-1.3, 0.3, 32), np.arange(n) % 2
    x = rng.standard_normal((n, 32, 16, CELLS, CELLS)) * np.exp(0.15 * rng.standard_normal((n, 32, 1, 1, 1)))
    x[:, 5, :, 2:, :2] *= 2.0 ** label[:, None, None, None]
    x += 3 * world.standard_normal((32, 1, CELLS, CELLS)) + 0.3 * rng.standard_normal((n, 32, 1, 1, 1))
    return torch.tensor(x * size[:, None, None, None], dtype=torch.float32), torch.tensor(label, dtype=torch.float32)


def test_the_small_size_learns_a_local_deviation_of_one_channel():
    """From 160 clips in ten epochs, on 100 others: far above chance (0.5, standard error 0.06) if not perfect."""
    model, (psi, label), (new, truth) = small(use_phi=False), planted(160, 0), planted(100, 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    for _ in range(10):
        for rows in torch.randperm(len(psi)).split(16):
            optimiser.zero_grad()
            xavdt.total_loss(model, {"composite": None, "av_attention": psi[rows], "label": label[rows]})["total"].backward()
            optimiser.step()
    with torch.no_grad():
        assert metrics.auroc(model.eval()(None, new).logit.numpy(), truth.numpy()) > 0.7
