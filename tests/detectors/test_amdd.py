"""AMDD against its equations in float64 numpy, its published sizes, hand-worked centroids and a planted signature."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from avlab import detectors
from avlab.clips import load_clip
from avlab.clips.datasets import synthtalk
from avlab.clips.media import Clip
from avlab.detectors import amdd, encoders_amdd
from avlab.errors import AvlabError

NET = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic", "stem_pool": False}
TINY = {"visual": NET, "audio": NET, "width": 8, "heads": 2, "hidden": 8, "generators": 3, "spectra": 0}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def tiny(**config):
    return amdd.build("small", **{**TINY, **config}).double()


def batch_of(generator=(0, 1, 2, 1, 0, 3), t=3, pixels=16, bands=16, columns=24):
    n = len(generator)
    return {"frames": torch.rand(n, t, 3, pixels, pixels, dtype=torch.float64) * 255, "log_mel": torch.rand(n, bands, columns, dtype=torch.float64),
            "label": (torch.tensor(generator) > 0).double(), "generator": torch.tensor(generator)}


def clip_of(frames=16, size=64, audio=None, **more):
    rng = np.random.default_rng(0)
    sound = rng.uniform(-0.5, 0.5, frames * 640).astype(np.float32) if audio is None else audio
    pictures = rng.integers(0, 256, (frames, size, size, 3), dtype=np.uint8)
    return Clip(pictures, sound, 25, 16000, np.arange(frames) / 25, np.ones(frames, bool), **more)


def np_norm(x, layer):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + layer.eps) * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def np_attention(x, y, block):
    """LN(x + MHA(x, y, y)) of one clip, head by head: (T, D), (L, D) -> (T, D), (T, L)."""
    weight, bias = block.mha.in_proj_weight.detach().numpy(), block.mha.in_proj_bias.detach().numpy()
    d, heads = x.shape[1], block.mha.num_heads
    q, k, v = (side @ weight[i * d:(i + 1) * d].T + bias[i * d:(i + 1) * d] for i, side in enumerate((x, y, y)))
    out, maps, each = [], [], d // heads
    for h in range(heads):
        cut = slice(h * each, (h + 1) * each)
        e = np.exp(q[:, cut] @ k[:, cut].T / np.sqrt(each))
        maps.append(e / e.sum(1, keepdims=True))
        out.append(maps[-1] @ v[:, cut])
    answer = np.concatenate(out, 1) @ block.mha.out_proj.weight.detach().numpy().T + block.mha.out_proj.bias.detach().numpy()
    return np_norm(x + answer, block.norm), np.mean(maps, 0)


def scrambled(model):
    """Give every parameter and norm statistic a value that no default hides behind."""
    for value in [*model.parameters(), *(b for name, b in model.named_buffers() if "running_mean" in name)]:
        nn.init.normal_(value, std=0.3)
    return model


# ---------------------------------------------------------------- published sizes


def test_paper_size_counts_as_published():
    with torch.device("meta"):
        model = amdd.build("paper")
    count = {name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()}
    assert count == {"visual_encoder": 23_508_032 + 2048 * 512 + 512 + 1024, "temporal": 4 * 512 * 513 + 1024, "audio_encoder": 11_170_240 + 512 * 513,
                     "cross": 2 * (4 * 512 * 513 + 1024), "project_video": 2 * 512 * 513, "project_audio": 2 * 512 * 513,
                     "detection": 256 * 1025 + 257, "attribution": 256 * 1025 + 4 * 257}
    published = {"visual_encoder": 24.56, "temporal": 1.05, "audio_encoder": 11.43, "cross": 2.10}
    assert all(abs(count[name] / 1e6 - millions) < 0.005 for name, millions in published.items())
    assert abs(sum(count.values()) / 1e6 - 40.72) < 0.005
    said = model(torch.zeros(2, 16, 3, 224, 224, device="meta"), torch.zeros(2, 128, 125, device="meta"))
    assert said.embedding.shape == (2, 1024) and said.parts["video_to_audio"].shape == (2, 1, 1) and said.parts["generator_logits"].shape == (2, 4)


def test_half_of_the_cross_block_is_dead_as_written():
    with torch.device("meta"):
        block = amdd.CrossModalAttention(512, 8, "pooled")
    whole = sum(p.numel() for side in (block.video, block.audio) for p in side.mha.parameters())
    dead = sum(2 * (side.mha.in_proj_weight.numel() + side.mha.in_proj_bias.numel()) // 3 for side in (block.video, block.audio))
    assert (dead, whole) == (1_050_624, 2_101_248)


# ---------------------------------------------------------------- the path


@pytest.mark.parametrize("over", ["pooled", "tokens"])
def test_attention_equations_in_numpy(over):
    model, batch = scrambled(tiny(cross=over)).eval(), batch_of()
    with torch.no_grad():
        film, sound = model.visual_encoder(batch["frames"]), model.audio_encoder(batch["log_mel"])
        said = model(batch["frames"], batch["log_mel"])
    for b in range(len(film)):
        tokens, over_time = np_attention(film[b].numpy(), film[b].numpy(), model.temporal)
        heard = sound[b].numpy()
        video, audio = (tokens, heard) if over == "tokens" else (tokens.mean(0, keepdims=True), heard.mean(0, keepdims=True))
        (new_video, to_audio), (new_audio, to_video) = np_attention(video, audio, model.cross.video), np_attention(audio, video, model.cross.audio)
        expected = {"temporal_attention": over_time, "video": tokens.mean(0), "audio": heard.mean(0), "video_to_audio": to_audio, "audio_to_video": to_video}
        assert all(np.abs(said.parts[name][b].numpy() - value).max() < 1e-10 for name, value in expected.items())
        assert np.abs(said.embedding[b].numpy() - np.concatenate([new_video.mean(0), new_audio.mean(0)])).max() < 1e-10


def test_heads_and_projections_in_numpy():
    model, batch = scrambled(tiny()).eval(), batch_of()
    with torch.no_grad():
        said = model(batch["frames"], batch["log_mel"])

    def two(x, net):
        first, last = [layer for layer in net if isinstance(layer, nn.Linear)]
        hidden = np.maximum(x @ first.weight.detach().numpy().T + first.bias.detach().numpy(), 0)
        return hidden @ last.weight.detach().numpy().T + last.bias.detach().numpy()

    for net, x, out in ((model.detection, said.embedding, said.logit[:, None]), (model.attribution, said.embedding, said.parts["generator_logits"]),
                        (model.project_video, said.parts["video"], said.parts["p_video"]), (model.project_audio, said.parts["audio"], said.parts["p_audio"])):
        assert np.abs(two(x.numpy(), net) - out.numpy()).max() < 1e-10


def test_encoders_normalise_pictures_and_average_sound():
    model = tiny().eval()
    seen = []
    model.visual_encoder.resnet.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    frames = torch.tensor([123.675, 116.28, 103.53], dtype=torch.float64).view(1, 1, 3, 1, 1).expand(1, 2, 3, 16, 16)  # ImageNet's mean colour
    model.visual_encoder(frames)
    assert seen[0].abs().max() < 1e-4
    mel = torch.rand(2, 16, 24, dtype=torch.float64)
    pooled = model.audio_encoder.resnet(mel[:, None]).pooler_output.flatten(1)  # the paper's order: average first, Linear after
    assert (model.audio_encoder(mel).mean(1) - model.audio_encoder.project(pooled)).abs().max() < 1e-12


@pytest.mark.parametrize("over", ["pooled", "tokens", "none"])
def test_pictures_are_a_set_and_clips_do_not_touch(over):
    model, batch = scrambled(tiny(cross=over)).eval(), batch_of()
    with torch.no_grad():
        whole = model(batch["frames"], batch["log_mel"])
        shuffled = model(batch["frames"][:, [2, 0, 1]], batch["log_mel"])
        alone = model(batch["frames"][3:4], batch["log_mel"][3:4])
        other = model(batch["frames"], batch["log_mel"].flip(0))
    assert (whole.logit - shuffled.logit).abs().max() < 1e-10
    assert abs(whole.logit[3] - alone.logit[0]) < 1e-10
    assert (whole.embedding - other.embedding).abs().max() > 1e-3


def test_without_the_cross_block_the_fused_vector_is_the_two_side_by_side():
    model, batch = tiny(cross="none").eval(), batch_of()
    said = model(batch["frames"], batch["log_mel"])
    assert torch.equal(said.embedding, torch.cat([said.parts["video"], said.parts["audio"]], 1))
    assert "video_to_audio" not in said.parts and not any(name.startswith("cross.") for name in model.state_dict())


# ---------------------------------------------------------------- one key


def grad_of_query_key_value(block):
    d = block.mha.embed_dim
    return [max(block.mha.in_proj_weight.grad[i * d:(i + 1) * d].abs().max().item(), block.mha.in_proj_bias.grad[i * d:(i + 1) * d].abs().max().item())
            for i in range(3)]


def test_one_key_has_weight_one_and_no_gradient_in_query_and_key():
    model, batch = tiny(), batch_of()
    amdd.total_loss(model, batch)["total"].backward()
    for block in (model.cross.video, model.cross.audio):
        query, key, value = grad_of_query_key_value(block)
        assert query == key == 0 and value > 1e-6
    said = model.eval()(batch["frames"], batch["log_mel"])
    assert bool((said.parts["video_to_audio"] == 1).all()) and bool((said.parts["audio_to_video"] == 1).all())
    for block in (model.cross.video, model.cross.audio):
        nn.init.normal_(block.mha.in_proj_weight.data[:16], std=9)  # other queries and keys
    assert torch.equal(model(batch["frames"], batch["log_mel"]).embedding, said.embedding)


def test_over_tokens_queries_and_keys_learn():
    model = tiny(cross="tokens")
    amdd.total_loss(model, batch_of())["total"].backward()
    for block in (model.cross.video, model.cross.audio):
        assert min(grad_of_query_key_value(block)) > 1e-6
    said = model(*(batch_of()[key] for key in model.reads))
    weights = said.parts["video_to_audio"]
    assert weights.shape == (6, 3, 6) and (weights.sum(2) - 1).abs().max() < 1e-12 and weights.std(2).min() > 1e-6


# ---------------------------------------------------------------- the losses


def np_losses(said, batch, centroids):
    """The five terms of section 3.4, clip by clip."""
    y, g, n = batch["label"].numpy(), batch["generator"].numpy(), len(batch["label"])
    unit = lambda x: x / np.linalg.norm(x)  # noqa: E731
    score, guess, f = (x.detach().numpy() for x in (said.logit, said.parts["generator_logits"], said.embedding))
    pv, pa = ([unit(x) for x in said.parts[name].detach().numpy()] for name in ("p_video", "p_audio"))
    p = 1 / (1 + np.exp(-score))
    focal = [-(0.75 if y[i] else 0.25) * (1 - (p[i] if y[i] else 1 - p[i])) ** 2 * np.log(p[i] if y[i] else 1 - p[i]) for i in range(n)]
    attribution = [-guess[i, g[i]] + np.log(np.exp(guess[i]).sum()) for i in range(n)]
    sim = np.array([[pv[i] @ pa[j] / 0.07 for j in range(n)] for i in range(n)])
    nce = [-np.log(np.exp(s[i, i]) / np.exp(s[i]).sum()) for s in (sim, sim.T) for i in range(n)]
    fingerprint = [np.mean([1 - pv[i] @ pa[j] for i in range(n) for j in range(n) if g[i] == g[j] == k]) for k in sorted(set(g)) if k >= 1]
    cen = [((unit(f[i]) - unit(centroids[g[i]])) ** 2).sum() for i in range(n)]
    return {name: np.mean(x) for name, x in {"detection": focal, "attribution": attribution, "alignment": nce, "cmffc": fingerprint, "centroid": cen}.items()}


def test_total_loss_in_numpy():
    model, batch = tiny().eval(), batch_of()
    model.centroids.normal_()
    before = model.centroids.clone()
    found = amdd.total_loss(model, batch)
    expected = np_losses(model(batch["frames"], batch["log_mel"]), batch, before.numpy())
    assert set(found) == {"total", *expected}
    assert all(abs(found[name].item() - value) < 1e-10 for name, value in expected.items())
    weights = {"detection": 1, "attribution": 0.3, "alignment": 0.1, "cmffc": 0.2, "centroid": 0.05}
    assert found["total"].item() == pytest.approx(sum(weights[name] * value for name, value in expected.items()), abs=1e-10)


@pytest.mark.parametrize("name", ["attribution", "cmffc", "alignment", "centroid"])
def test_ablations_leave_out_one_term(name):
    model, batch = tiny(**{f"use_{name}": False}), batch_of()
    found = amdd.total_loss(model.eval(), batch)
    assert found["total"].item() == pytest.approx(sum(w * found[key].item() for key, w in amdd.WEIGHTS.items() if key != name), abs=1e-12)
    assert found[name].item() > 0 or name == "centroid"


def test_untouched_heads_get_no_gradient():
    """Trap A2: without attribution its head is never trained, so its accuracy says nothing about the embedding."""
    model = tiny(use_attribution=False, use_cmffc=False, use_alignment=False)
    amdd.total_loss(model, batch_of())["total"].backward()
    idle = [p for part in (model.attribution, model.project_video, model.project_audio) for p in part.parameters()]
    assert all(p.grad is None or not p.grad.any() for p in idle)
    assert all(p.grad.any() for p in model.detection.parameters())


def test_weights_can_be_set():
    found = amdd.total_loss(tiny(weights={"cmffc": 5.0, "attribution": 0}).eval(), batch_of())
    assert found["total"].item() == pytest.approx((found["detection"] + 0.1 * found["alignment"] + 5 * found["cmffc"] + 0.05 * found["centroid"]).item())


def test_a_batch_of_reals_and_a_batch_of_one_are_finite():
    for generator in ((0, 0, 0), (2,)):
        model = tiny()
        found = amdd.total_loss(model, batch_of(generator))
        found["total"].backward()
        assert all(bool(torch.isfinite(value)) for value in found.values())
        assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in model.parameters())
        assert found["cmffc"] == 0 or generator != (0, 0, 0)


# ---------------------------------------------------------------- centroids


def unit_mean(embedding, rows):
    return np.mean([embedding[i] / np.linalg.norm(embedding[i]) for i in rows], 0)


def test_centroids_by_hand():
    model, first, second = tiny(dropout=0.0), batch_of((0, 1, 1, 0)), batch_of((1, 2, 1))
    one = model(first["frames"], first["log_mel"]).embedding.detach().numpy()
    assert amdd.total_loss(model, first)["centroid"] == 0  # nobody seen before: the update comes after the loss
    expected = {0: unit_mean(one, (0, 3)), 1: unit_mean(one, (1, 2)), 2: np.zeros(16), 3: np.zeros(16)}
    assert all(np.abs(model.centroids[g].numpy() - c).max() < 1e-12 for g, c in expected.items())
    two = model(second["frames"], second["log_mel"]).embedding.detach().numpy()
    loss = amdd.total_loss(model, second)["centroid"].item()
    assert loss == pytest.approx(np.mean([((unit_mean(two, (i,)) - expected[1] / np.linalg.norm(expected[1])) ** 2).sum() for i in (0, 2)]))
    expected[1] = 0.9 * expected[1] + 0.1 * unit_mean(two, (0, 2))
    expected[2] = unit_mean(two, (1,))
    assert all(np.abs(model.centroids[g].numpy() - c).max() < 1e-12 for g, c in expected.items())  # 0 was missing and did not decay


def test_centroids_rest_in_eval_travel_with_the_weights_and_take_no_gradient():
    model, batch = tiny(), batch_of()
    amdd.total_loss(model, batch)["total"].backward()
    kept = model.centroids.clone()
    assert kept[:4].any(1).all() and not model.centroids.requires_grad and torch.equal(model.state_dict()["centroids"], kept)
    amdd.total_loss(model.eval(), batch_of())
    model(batch["frames"], batch["log_mel"])
    assert torch.equal(model.centroids, kept)
    model.train()(batch["frames"], batch["log_mel"])  # a forward alone has no labels and moves nothing
    assert torch.equal(model.centroids, kept)


def test_reals_can_be_left_without_a_pull():
    batch = batch_of((0, 0, 1, 1))
    for reals in (True, False):
        model = tiny(centroid_reals=reals).eval()
        model.centroids.normal_()
        f, c = model(batch["frames"], batch["log_mel"]).embedding.detach().numpy(), model.centroids.numpy()
        rows = range(4) if reals else (2, 3)
        expected = np.mean([((f[i] / np.linalg.norm(f[i]) - c[i // 2] / np.linalg.norm(c[i // 2])) ** 2).sum() for i in rows])
        assert amdd.total_loss(model, batch)["centroid"].item() == pytest.approx(expected)


# ---------------------------------------------------------------- chance


def test_eval_draws_nothing_and_training_drops():
    model, batch = tiny(dropout=0.5, augment=True), batch_of()
    read = lambda: model(batch["frames"], batch["log_mel"]).parts["generator_logits"]  # noqa: E731
    model.eval()
    state = torch.get_rng_state()
    assert torch.equal(read(), read()) and torch.equal(torch.get_rng_state(), state)
    model.train()
    assert not torch.equal(read(), read())
    torch.manual_seed(5)
    first = read()
    torch.manual_seed(5)
    assert torch.equal(read(), first)


def test_the_seed_decides_the_weights():
    a, _, b = (torch.manual_seed(s) and tiny().state_dict() for s in (1, 2, 1))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_augmentation_treats_all_pictures_of_a_clip_alike():
    still = (torch.rand(200, 1, 3, 4, 6) * 200).expand(200, 5, 3, 4, 6)
    made = amdd.augment(still)
    assert (made - made[:, :1]).abs().max() == 0 and made.min() >= 0 and made.max() <= 255
    gray = (made.std(2).amax((1, 2, 3)) < 1e-4)
    ratio, mirrored = made[~gray] / still[~gray], made[~gray] / still[~gray].flip(-1)
    alike = lambda r: r.std((1, 3, 4)).amax(1) < 1e-4  # one factor a colour  # noqa: E731
    assert bool((alike(ratio) ^ alike(mirrored)).all())
    assert 0.35 < alike(mirrored).float().mean() < 0.65 and 0.03 < gray.float().mean() < 0.2
    factor = ratio[alike(ratio)].mean((1, 3, 4))
    assert factor.min() >= 0.9 - 1e-4 and factor.max() <= 1.1 + 1e-4 and factor.std() > 0.04


# ---------------------------------------------------------------- inputs


def test_local_spectra_tell_frequency_place_and_movement():
    at = torch.arange(40, dtype=torch.float64)
    wave = 120 + 40 * torch.cos(2 * torch.pi * (2 * at[:, None] + 1 * at) / 8)  # 2 cycles in 8 rows, 1 in 8 columns: number 2 * 5 + 1
    film = wave.expand(1, 3, 3, 40, 40).clone()
    film[..., 20:] = 120  # the right half is flat
    made = encoders_amdd.local_spectra(film)
    assert made.shape == (1, 3, 80, 9, 9)
    assert (made[:, :, :40, :, :4].argmax(2) == 11).all() and made[:, :, 0].abs().max() < 1e-9  # a constant picture has no energy, not even at 0
    assert made[..., 6:].abs().max() < 1e-9 and made[:, :, 40:].abs().max() < 1e-9  # nothing in the flat half, and nothing moves
    assert torch.allclose(encoders_amdd.local_spectra(film + 50), made)  # light is taken out
    window = torch.hann_window(10, periodic=False, dtype=torch.float64)[1:-1]
    tile = (wave[4:12, 8:16] - 120) * window[:, None] * window
    by_hand = torch.log(1 + torch.fft.rfft2(tile).abs() ** 2)[2, 1]
    assert made[0, 0, 11, 1, 2] == pytest.approx(float(by_hand), abs=0.02)
    flicker = film.clone()
    flicker[:, 1] += 8 * torch.cos(torch.pi * at)  # one picture of three has stripes of one column
    moved = encoders_amdd.local_spectra(flicker)[:, :, 40:]
    assert (moved[0, 1, :, 4, 7].argmax() == 4) and moved[0, 0, 4, 4, 7] > 1 and moved[0, 1, 4, 4, 7] > moved[0, 0, 4, 4, 7] - 1e-9


def test_small_encoder_averages_spectra_over_stretches():
    model = amdd.build("small", **{**TINY, "spectra": 4}).double().eval()
    frames = torch.rand(2, 10, 3, 40, 40, dtype=torch.float64) * 255
    seen = []
    model.visual_encoder.scale.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    assert model.visual_encoder(frames).shape == (2, 3, 8)  # 4, 4 and 2 pictures
    spectra = encoders_amdd.local_spectra(frames)
    assert torch.allclose(seen[0][2], spectra[0, 8:].mean(0)) and torch.allclose(seen[0][3], spectra[1, :4].mean(0))
    wide = []
    model.visual_encoder.project[0].register_forward_pre_hook(lambda _, args: wide.append(args[0]))
    model.visual_encoder(frames)
    scaled = model.visual_encoder.scale(seen[0])
    corner = scaled[:, :, :3, :3].mean((2, 3))  # the straight line beside the ResNet: 80 spectra in each of nine thirds of the picture
    assert wide[0].shape == (6, 8 + 720) and torch.allclose(wide[0][:, 8::9], corner)


def test_small_inputs_are_every_picture_and_the_whole_sound():
    clip = clip_of()
    made = amdd.inputs(clip)
    assert made["frames"].dtype == made["log_mel"].dtype == np.float16 and made["log_mel"].shape == (64, 64)
    assert np.array_equal(made["frames"].astype(int), clip.frames[:, 20:60, 12:52].transpose(0, 3, 1, 2))  # whole numbers survive float16
    assert all(np.array_equal(value, amdd.inputs(clip)[name]) for name, value in made.items())


def test_paper_inputs_are_sixteen_large_pictures_and_four_seconds():
    frames = np.repeat(np.arange(150, dtype=np.uint8)[:, None, None, None], 20, 1).repeat(30, 2).repeat(3, 3)  # picture k has the value k
    clip = replace(clip_of(frames=150), frames=frames)
    made = amdd.inputs(clip, size="paper")
    assert made["frames"].shape == (16, 3, 224, 224) and np.ptp(made["frames"], axis=(1, 2, 3)).max() == 0
    assert made["frames"][:, 0, 0, 0].tolist() == np.linspace(0, 99, 16).round().tolist()  # the first 4 s
    assert made["log_mel"].shape == (128, 125)
    short = amdd.inputs(replace(clip, frames=frames[:25], audio=clip.audio[:16000]), size="paper")
    assert short["log_mel"].shape == (128, 125) and not short["log_mel"][:, 34:].any() and short["frames"].max() == 24


def test_a_larger_picture_gives_the_same_share_of_its_central_square():
    frames = np.zeros((4, 128, 168, 3), np.uint8)
    frames[:, 40:120, 44:124] = 200  # rows 40..119 and columns 24..103 of the square that starts at column 20
    clip = replace(clip_of(frames=4), frames=frames)
    assert all(bool((amdd.inputs(clip, size=size)["frames"] == 200).all()) for size in ("small", "paper"))
    assert not amdd.inputs(replace(clip, frames=200 - frames))["frames"].any()


def test_mel_level_is_measured_from_the_loudest():
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
    quiet = np.concatenate([tone[:8000], 0.01 * tone[8000:]])  # 40 dB lower in its second half
    level = amdd.mel_level(quiet, n_mels=64)
    band = level[:, 20].argmax()
    assert level.max() == 1 and level.min() >= 0
    assert level[band, 20] - level[band, 80] == pytest.approx(0.5, abs=1e-3)
    assert np.abs(amdd.mel_level(0.1 * quiet, n_mels=64) - level).max() < 1e-3  # loudness is no cue


def test_silence_is_zero_and_stands_in_for_absent_sound():
    silent, absent = clip_of(audio=np.zeros(10240, np.float32)), replace(clip_of(), audio=None)
    made = amdd.inputs(silent)["log_mel"]
    assert not made.any() and np.array_equal(made, amdd.inputs(absent)["log_mel"])
    assert not amdd.inputs(absent, size="paper")["log_mel"].any()


def test_inputs_see_no_label():
    row = next(row for row in synthtalk.rows() if row.forger == "faceswap" and row.duration_s == 0.64)
    clip = load_clip(row)
    made, blind = amdd.inputs(clip), amdd.inputs(replace(clip, row=None, truth=None, clip_id=""))
    assert all(np.array_equal(made[name], blind[name]) for name in made)
    model = amdd.build("small").eval()
    said = model(*(torch.as_tensor(made[name])[None].float() for name in model.reads))
    assert torch.isfinite(said.logit).all() and said.parts["temporal_attention"].shape == (1, 4, 4)


# ---------------------------------------------------------------- trained ResNets, Grad-CAM, errors


def test_the_first_layer_of_the_sound_takes_the_mean_of_three_colours():
    model = tiny()
    colour = {key: scrambled(encoders_amdd.resnet(3, **NET)).double() for key in ("visual", "audio")}
    encoders_amdd.load_imagenet(model, *(net.state_dict() for net in colour.values()))
    gray = torch.rand(2, 1, 16, 16, dtype=torch.float64)
    first = lambda net: net.embedder.embedder.convolution  # noqa: E731
    whole = first(colour["audio"])(gray.expand(2, 3, 16, 16))
    assert (first(model.audio_encoder.resnet)(gray) - whole / 3).abs().max() < 1e-12  # trap A12: the mean, not the sum
    assert torch.equal(first(model.visual_encoder.resnet).weight, first(colour["visual"]).weight)
    assert torch.equal(model.audio_encoder.resnet.encoder.stages[1].layers[0].layer[0].convolution.weight,
                       colour["audio"].encoder.stages[1].layers[0].layer[0].convolution.weight)


def test_the_layer_for_grad_cam_decides_the_logit():
    model, batch = detectors.build("amdd", size="small").eval(), batch_of((0, 1), t=8, pixels=40)
    kept = []
    dict(model.named_modules())[model.cam_layer].register_forward_hook(lambda _, args, out: kept.append(out))
    logit = model(batch["frames"].float(), batch["log_mel"].float()).logit
    slope, = torch.autograd.grad(logit[0], kept[0])
    assert slope.shape == (4, 64, 3, 3) and slope[:2].abs().amax((1, 2, 3)).min() > 0 and not slope[2:].any()  # stretches of clip 0, then of clip 1


def test_errors_name_the_rule():
    model, batch = tiny(), batch_of()
    for rule, call in {
        "frames": lambda: model(batch["frames"][:, :2].transpose(1, 2), batch["log_mel"]),
        "log_mel": lambda: model(batch["frames"], batch["log_mel"][:, None]),
        "knows the generators 0..3": lambda: amdd.total_loss(model, batch_of((0, 4))),
        "-1": lambda: amdd.total_loss(model, batch_of((0, -1))),
        "pooled, tokens or none": lambda: tiny(cross="both"),
        "losses of AMDD": lambda: tiny(weights={"triplet": 1}),
        "sizes paper, small": lambda: amdd.build("huge"),
        "options": lambda: amdd.build("small", depth=3),
        "Unknown option": lambda: detectors.build("amdd", size="small", depth=3),
        "inputs": lambda: amdd.inputs(clip_of(), size="huge"),
    }.items():
        with pytest.raises(AvlabError, match=rule):
            call()


# ---------------------------------------------------------------- it learns


def planted(n, rng):
    """Noise pictures and sounds; forger 1 leaves stripes in the pictures, 2 a bright column in the sound, 3 a checkerboard in the pictures."""
    generator = np.arange(n) % 4
    frames = rng.uniform(60, 190, (n, 2, 3, 16, 16)).astype(np.float32)
    mel = rng.uniform(0, 1, (n, 16, 16)).astype(np.float32)
    stripes, board = np.tile([30.0, -30.0], 8), 30.0 * (1 - 2 * (np.indices((16, 16)).sum(0) % 2))
    frames[generator == 1] += stripes
    mel[generator == 2, 6:8] += 0.7
    frames[generator == 3] += board
    generator = torch.tensor(generator)
    return {"frames": torch.tensor(frames), "log_mel": torch.tensor(mel), "generator": generator, "label": (generator > 0).float()}


def test_a_planted_signature_is_attributed():
    rng = np.random.default_rng(0)
    model = amdd.build("small", **{**TINY, "width": 16, "hidden": 16}).train()
    optimiser = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(80):
        losses = amdd.total_loss(model, planted(32, rng))
        optimiser.zero_grad()
        losses["total"].backward()
        optimiser.step()
    fresh = planted(80, rng)
    with torch.no_grad():
        said = model.eval()(fresh["frames"], fresh["log_mel"])
    guess = said.parts["generator_logits"].argmax(1)
    for g in range(4):
        assert (guess[fresh["generator"] == g] == g).float().mean() > 0.85, f"generator {g}"
    assert ((said.logit > 0).float() == fresh["label"]).float().mean() > 0.9
    near = torch.cdist(nn.functional.normalize(said.embedding, dim=1), nn.functional.normalize(model.centroids, dim=1)).argmin(1)
    assert (near == fresh["generator"]).float().mean() > 0.85  # each clip lies nearest to its own generator's centroid
