"""MSCT against its equations in float64 numpy, closed forms and cases worked by hand."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from avlab import detectors
from avlab.clips.audio import fbank104
from avlab.clips.media import Clip
from avlab.detectors import encoders_msct, msct
from avlab.detectors.encoders_msct import CBAM, Res2Block, WTConv2d, haar, inverse_haar
from avlab.detectors.msct import CrossAttention, MultiScaleKeys, SelfAttention, differential_attention
from avlab.errors import AvlabError

TINY = {"width": 16, "heads": 4, "ffn": 24, "blocks": 2, "stem": 4, "stages": (4, 8, 8, 8), "depth": 1, "reduction": 2}
CELLS = list(itertools.product((True, False), (True, False)))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def qkv(batch=2, heads=3, t=5, d=4):
    return [torch.randn(batch, heads, t, d, dtype=torch.float64) for _ in range(4)]


def batch_of(n=4, t=6, pixels=32):
    label_video, label_audio = torch.tensor([0.0, 1, 0, 1] * n)[:n], torch.tensor([0.0, 0, 1, 1] * n)[:n]
    return {"frames": torch.randn(n, 3, t, pixels, pixels), "fbank": torch.randn(n, 104, t), "label_video": label_video,
            "label_audio": label_audio, "label": torch.maximum(label_video, label_audio)}


def np_softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


# ---------------------------------------------------------------- differential attention


@pytest.mark.parametrize("reading", msct.READINGS)
def test_the_readings_row_by_row_in_numpy(reading):
    q, cross, k, v = qkv()
    out, weights = differential_attention(q, cross, k, v, reading=reading)
    q, cross, k, v = (x.numpy() for x in (q, cross, k, v))
    for b, h, i in itertools.product(range(2), range(3), range(5)):
        own = np.array([sum(q[b, h, i, c] * k[b, h, j, c] for c in range(4)) for j in range(5)])
        other = np.array([sum(cross[b, h, i, c] * k[b, h, j, c] for c in range(4)) for j in range(5)])
        row = {"maps": np_softmax(own / 2) - np_softmax(other / 2), "logits": np_softmax((own - other) / 2), "literal": own - other}[reading]
        assert np.abs(weights[b, h, i].numpy() - row).max() < 1e-12
        assert np.abs(out[b, h, i].numpy() - sum(row[j] * v[b, h, j] for j in range(5))).max() < 1e-12


def test_logits_is_one_plain_attention_with_the_difference_of_the_queries():
    q, cross, k, v = qkv()
    out, _ = differential_attention(q, cross, k, v, reading="logits")
    assert (out - F.scaled_dot_product_attention(q - cross, k, v)).abs().max() < 1e-12


def test_sign_and_sizes_by_hand():
    """The own query likes key 0 with odds 3 : 1, the other one key 1: own minus other is +1/2 and -1/2."""
    k = torch.tensor([[1.0], [0.0]])[None, None].double()
    v = torch.tensor([[10.0], [2.0]])[None, None].double()
    q, cross = torch.full((1, 1, 2, 1), np.log(3)).double(), torch.full((1, 1, 2, 1), -np.log(3)).double()
    for reading, row, out in (("maps", [0.5, -0.5], 4.0), ("logits", [0.9, 0.1], 9.2), ("literal", [2 * np.log(3), 0], 20 * np.log(3))):
        made, weights = differential_attention(q, cross, k, v, reading=reading)
        assert weights[0, 0, 0].numpy() == pytest.approx(row) and made[0, 0, 1].item() == pytest.approx(out)


def test_equal_queries_leave_nothing_or_the_plain_mean():
    q, _, k, v = qkv()
    assert all((differential_attention(q, q, k, v, reading=r)[0] == 0).all() for r in ("maps", "literal"))
    assert (differential_attention(q, q, k, v, reading="logits")[0] - v.mean(2, keepdim=True)).abs().max() < 1e-12


def test_rows_sum_to_zero_one_and_anything():
    q, cross, k, v = qkv()
    sums = {r: differential_attention(q, cross, k, v, reading=r)[1].sum(-1) for r in msct.READINGS}
    assert sums["maps"].abs().max() < 1e-12 and (sums["logits"] - 1).abs().max() < 1e-12 and sums["literal"].std() > 0.5
    moved = differential_attention(q, cross, k, v + 7, reading="maps")[0] - differential_attention(q, cross, k, v, reading="maps")[0]
    assert moved.abs().max() < 1e-12  # what all values share does not come through


@pytest.mark.parametrize("reading", msct.READINGS)
def test_the_other_stream_moves_weights_and_adds_no_content(reading):
    """All values are multiples of u: so is every output, whatever the cross query (trap M2)."""
    q, cross, k, _ = qkv()
    u = torch.randn(4, dtype=torch.float64)
    v = torch.randn(2, 3, 5, 1, dtype=torch.float64) * u
    out, other = (differential_attention(q, c, k, v, reading=reading)[0] for c in (cross, 100 * cross))
    assert (out - (out @ u)[..., None] * u / (u @ u)).abs().max() < 1e-10 and (other - (other @ u)[..., None] * u / (u @ u)).abs().max() < 1e-10
    assert (out - other).abs().max() > 1e-2


@pytest.mark.parametrize("reading", msct.READINGS)
def test_a_masked_key_is_a_key_that_is_not_there(reading):
    q, cross, k, v = qkv()
    mask = torch.tensor([True, True, False, True, False])
    out, weights = differential_attention(q, cross, k, v, reading=reading, mask=mask)
    want, _ = differential_attention(q, cross, k[:, :, mask], v[:, :, mask], reading=reading)
    assert (out - want).abs().max() < 1e-12 and (weights[..., ~mask] == 0).all()


def test_gradients_where_both_queries_agree():
    """maps and literal: V gets none and the two queries opposite ones; logits: V gets 1 / T each, K none."""
    q, _, k, v = qkv()
    got = {}
    for reading in msct.READINGS:
        leaves = [x.clone().requires_grad_() for x in (q, q, k, v)]
        out, _ = differential_attention(*leaves, reading=reading)
        (out * torch.arange(out.numel()).view_as(out).cos()).sum().backward()
        got[reading] = [x.grad for x in leaves]
        assert (got[reading][0] + got[reading][1]).abs().max() < 1e-12 and got[reading][0].abs().max() > 1e-2
    assert (got["maps"][3] == 0).all() and (got["literal"][3] == 0).all() and (got["literal"][2] == 0).all()
    assert got["logits"][3].abs().max() > 1e-2 and (got["logits"][2] == 0).all()
    assert got["maps"][2].abs().max() < 1e-12  # the two maps pull the keys by equal and opposite amounts


def test_differential_attention_names_what_is_wrong():
    q, cross, k, v = qkv()
    with pytest.raises(AvlabError, match="maps, logits, literal"):
        differential_attention(q, cross, k, v, reading="softmax")
    with pytest.raises(AvlabError, match="same T"):
        differential_attention(q, cross[:, :, :4], k, v)


# ---------------------------------------------------------------- multi-scale self-attention


def test_multi_scale_keys_against_loops():
    keys = torch.randn(2, 8, 1 + 5, 6, dtype=torch.float64)
    module = MultiScaleKeys(8).double()
    got = module(keys).detach().numpy()
    assert (got[:, :, 0] == keys[:, :, 0].numpy()).all()  # CLS
    for group, conv in enumerate(module.scales):
        size, w = 2 * group + 1, conv.weight.detach().numpy()
        padded = np.pad(keys[1, 2 * group:2 * group + 2, 1:].numpy(), ((0, 0), (size // 2,) * 2, (size // 2,) * 2))
        want = [[[(w[o] * padded[:, t:t + size, c:c + size]).sum() for c in range(6)] for t in range(5)] for o in range(2)]
        assert np.abs(got[1, 2 * group:2 * group + 2, 1:] - want).max() < 1e-12


def test_kernel_k_reaches_k_half_frames():
    keys = torch.zeros(1, 4, 1 + 11, 8)
    keys[:, :, 1 + 5, 4] = 1
    reach = (MultiScaleKeys(4)(keys).detach().abs().sum(3) > 0)[0]
    assert [np.where(row.numpy())[0].tolist() for row in reach] == [list(range(6 - r, 7 + r)) for r in range(4)]


def test_frames_that_are_not_there_do_not_leak_through_the_convolution():
    """Trap M5: the masked keys equal those of the shorter clip, whatever stands in the padding."""
    keys, module = torch.randn(1, 4, 1 + 6, 8), MultiScaleKeys(4)
    keys[:, :, 5:] = 1e3
    mask = (torch.arange(7) < 5)[None, None, None]
    assert (module(keys, mask)[:, :, :5] - module(keys[:, :, :5])).abs().max() < 1e-6
    assert (module(keys)[:, :, :5] - module(keys[:, :, :5])).abs().max() > 1


def test_the_order_of_features_matters_to_mssa_alone():
    """Trap M4: shuffle the features of every head in Q, K and V alike; plain attention gives the shuffled answer, MSSA another one."""
    order = torch.randperm(4)
    rows = torch.cat([4 * head + order for head in range(4)])
    x = torch.randn(2, 6, 16, dtype=torch.float64)
    change = {}
    for multi_scale in (True, False):
        module = SelfAttention(16, 4, (1, 3, 5, 7), multi_scale).double()
        before = module(x)[1]
        with torch.no_grad():
            for layer in (module.to_q, module.to_k, module.to_v):
                layer.weight.copy_(layer.weight[rows].clone())
        change[multi_scale] = (module(x)[1] - before).abs().max().item()
    assert change[False] < 1e-12 and change[True] > 1e-3


def test_plain_self_attention_against_torch_with_the_same_matrices():
    module, x = SelfAttention(16, 4, (), False), torch.randn(2, 6, 16)
    reference = torch.nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.cat([module.to_q.weight, module.to_k.weight, module.to_v.weight]))
        reference.in_proj_bias.zero_()
        reference.out_proj.load_state_dict(module.leave.state_dict())
    want, weights = reference(x, x, x, average_attn_weights=False)
    got, mine = module(x)
    assert (got - want).abs().max() < 1e-6 and (mine - weights).abs().max() < 1e-6


@pytest.mark.parametrize("heads, kernels", [(4, (1, 2)), (6, (1, 3, 5, 7)), (4, ())])
def test_kernels_that_do_not_fit(heads, kernels):
    with pytest.raises(AvlabError, match="odd kernels"):
        MultiScaleKeys(heads, kernels)


# ---------------------------------------------------------------- cross-attention, and its control


def test_two_equal_streams_with_equal_queries_write_nothing():
    module, x = CrossAttention(16, 4, "maps", True, "other"), torch.randn(2, 6, 16)
    with torch.no_grad():
        module.to_q_cross.weight.copy_(module.to_q.weight)
    assert (module(x, x)[0] - module.leave.bias).abs().max() < 1e-6


@pytest.mark.parametrize("values", ["other", "own"])
def test_the_control_is_an_ordinary_attention_of_the_named_stream(values):
    module, own, other = CrossAttention(16, 4, "maps", False, values), torch.randn(2, 6, 16), torch.randn(2, 6, 16)
    asks, holds = (own, other) if values == "other" else (other, own)
    split = lambda x: x.view(2, 6, 4, 4).transpose(1, 2)  # noqa: E731
    q, k, v = split(module.to_q(asks)), split(module.to_k(holds)), split(module.to_v(holds))
    want = module.leave(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 6, 16))
    got, weights, norm = module(own, other)
    assert (got - want).abs().max() < 1e-6 and (weights.sum(-1) - 1).abs().max() < 1e-6
    assert (norm - torch.einsum("bhic,bhjc->bhij", q, k).div(2).square().sum((2, 3)).sqrt()).abs().max() < 1e-5


def test_the_norm_of_the_cross_map_does_not_see_the_sign_of_the_cross_query():
    module, own, other = CrossAttention(16, 4, "maps", True, "other"), torch.randn(2, 6, 16), torch.randn(2, 6, 16)
    before = module(own, other)
    with torch.no_grad():
        module.to_q_cross.weight.neg_()
    after = module(own, other)
    assert torch.equal(before[2], after[2]) and (before[0] - after[0]).abs().max() > 1e-3


def test_a_block_is_its_equation_on_both_streams_side_by_side():
    """x + MSSA(LN x), then x + DCA(LN x, LN of the other) from the same tokens on both sides, then x + FFN(LN x)."""
    block = msct.Block(width=16, heads=4, ffn=24, kernels=(1, 3, 5, 7), multi_scale=True, differential=True, reading="maps", plain_values="other",
                       dropout=0.1).double().eval()
    for name, value in block.named_parameters():
        if "norm_" in name:
            torch.nn.init.normal_(value, 1.0, 0.5)
    video, audio = torch.randn(2, 2, 6, 16, dtype=torch.float64)
    v, a = (x + s.self_attention(s.norm_self(x))[0] for x, s in ((video, block.video), (audio, block.audio)))
    ready_v, ready_a = block.video.norm_cross(v), block.audio.norm_cross(a)
    v, a = v + block.video.cross_attention(ready_v, ready_a)[0], a + block.audio.cross_attention(ready_a, ready_v)[0]
    want = v + block.video.ffn(block.video.norm_ffn(v)), a + block.audio.ffn(block.audio.norm_ffn(a))
    got = block(video, audio)
    assert all((mine - other).abs().max() < 1e-12 for mine, other in zip(got, want, strict=False))


# ---------------------------------------------------------------- the picture side


def test_haar_by_hand_and_against_matrices():
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])[None, None]
    assert haar(x).flatten().tolist() == [5.5, -1.5, -2.5, 0.5]
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    low, high = (lambda n, s=s: np.kron(np.eye(n // 2), [[1, s]]) / np.sqrt(2) for s in (1, -1))
    rows = {"L": low(6), "H": high(6)}
    for band, (along_y, along_x) in enumerate(["LL", "LH", "HL", "HH"]):
        want = np.einsum("iy,bcyx,jx->bcij", rows[along_y], x.numpy(), {"L": low(8), "H": high(8)}[along_x])
        assert np.abs(haar(x)[:, :, band].numpy() - want).max() < 1e-12


def test_haar_keeps_the_energy_and_comes_back():
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    assert (inverse_haar(haar(x)) - x).abs().max() < 1e-12
    assert haar(x).square().sum().item() == pytest.approx(x.square().sum().item(), rel=1e-12)
    flat = haar(torch.full((1, 2, 4, 4), 3.0))
    assert (flat[:, :, 0] == 6).all() and (flat[:, :, 1:] == 0).all()


def impulse(conv):
    torch.nn.init.zeros_(conv.weight)
    conv.weight[:, :, conv.kernel_size[0] // 2, conv.kernel_size[1] // 2] = 1


@pytest.mark.parametrize("height, width", [(8, 12), (7, 9)])
def test_wtconv_with_impulse_kernels_in_closed_form(height, width):
    """All kernels an impulse: Y = (s0 + s) X + s M X with two levels, M the mean of 2x2 blocks (low-low alone goes through level 2)."""
    module = WTConv2d(3, 5, 2)
    with torch.no_grad():
        for conv in (module.base, *module.wavelet):
            impulse(conv)
        module.base.bias.zero_()
        module.base_scale.fill_(2.0)
        x = torch.randn(2, 3, height, width)
        padded = F.pad(x, (0, width % 2, 0, height % 2))
        blocks = F.avg_pool2d(padded, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :height, :width]
        assert (module(x) - (2.1 * x + 0.1 * blocks)).abs().max() < 1e-6


def test_wtconv_sees_far_with_few_weights():
    module = WTConv2d(2, 3, 2)
    x = torch.zeros(1, 2, 32, 32, requires_grad=True)
    module(x)[0, 0, 16, 16].backward()
    assert (x.grad[0, 1] == 0).all()  # depthwise
    reach = np.where(x.grad[0, 0].abs().sum(0) > 0)[0]
    assert (reach[0], reach[-1]) == (12, 23)  # three blocks of 4 pixels, the middle one 16..19
    assert sum(p.numel() for p in module.parameters()) == 2 * (9 + 1 + 1) + 2 * 8 * (9 + 1)  # and no Haar filter among them


def test_local_contrast_sees_arrangement_and_neither_light_nor_strength():
    x = torch.rand(2, 3, 40, 40, dtype=torch.float64)
    got = encoders_msct.local_contrast(x)
    assert (encoders_msct.local_contrast(x + 2.0) - got).abs().max() < 1e-9
    assert (encoders_msct.local_contrast(5 * x) / got - 1).abs().median() < 0.05  # only the floor tells the two apart
    assert (encoders_msct.local_contrast(torch.ones(1, 3, 8, 8)) == 0).all()
    y, c = 20, 11
    detail = x - F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
    want = detail[1, 2, y, c] / (detail[1, :, y - 4:y + 5, c - 4:c + 5].square().mean() + (1.4 / 42) ** 2).sqrt()
    assert abs(got[1, 2, y, c] - want) < 1e-12


def test_a_detail_encoder_loses_no_pixel_before_its_first_stage():
    """Stride and pooling would: here the stem sees all four Haar bands, so a one-pixel checkerboard reaches the first stage."""
    made = []
    encoder = encoders_msct.PictureEncoder(16, 8, (8, 8), 1, reduction=2, detail=True)
    encoder.wtconv.register_forward_pre_hook(lambda module, given: made.append(given[0]))
    board = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float()[None, None].expand(1, 3, 16, 16)
    encoder.eval()(board)
    encoder(torch.zeros(1, 3, 16, 16))
    assert made[0].shape == (1, 8, 8, 8) and (made[0] - made[1]).abs().max() > 0.1
    with pytest.raises(AvlabError, match="one pixel"):
        encoder(torch.zeros(1, 3, 2, 2))


def test_vectors_are_as_good_as_the_pictures_they_came_from():
    model, batch = msct.MSCT(**TINY).eval(), batch_of()
    with torch.no_grad():
        vectors = model.encode(batch["frames"])
        assert (model(vectors, batch["fbank"]).logit - model(batch["frames"], batch["fbank"]).logit).abs().max() < 1e-6
    model.train()
    before = {name: value.clone() for name, value in model.picture_encoder.state_dict().items()}
    msct.total_loss(model, batch | {"frames": vectors})["total"].backward()
    assert all(p.grad is None for p in model.picture_encoder.parameters()) and model.head_video.weight.grad.abs().max() > 0
    assert all(torch.equal(before[name], value) for name, value in model.picture_encoder.state_dict().items())
    with pytest.raises(AvlabError, match="MSCT takes frames"):
        model(vectors[..., :15], batch["fbank"])


def test_res2net_is_a_staircase():
    """Steps that double and no other weights: 1, 2, 2 (1 + 2), 2 (1 + 6) times the input, and the shortcut on top."""
    block = Res2Block(4, 4)
    block.enter = block.leave = torch.nn.Identity()

    class Double(torch.nn.Module):
        def forward(self, x):
            return 2 * x

    block.steps = torch.nn.ModuleList(Double() for _ in range(3))
    assert block(torch.ones(1, 4, 2, 2)).mean((2, 3)).tolist() == [[2, 3, 7, 15]]
    with pytest.raises(AvlabError, match="divisible"):
        Res2Block(4, 6)


def test_cbam_in_numpy():
    module, x = CBAM(6, 2, 3).double(), torch.randn(2, 6, 5, 5, dtype=torch.float64)
    got = module(x).detach().numpy()[1]
    (w1, b1), (w2, b2) = ((layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in (module.mlp[0], module.mlp[2]))
    z = x[1].numpy()

    def mlp(c):
        return w2 @ np.maximum(w1 @ c + b1, 0) + b2

    z = z / (1 + np.exp(-mlp(z.mean((1, 2))) - mlp(z.max((1, 2)))))[:, None, None]
    pooled = np.pad(np.stack([z.mean(0), z.max(0)]), ((0, 0), (1, 1), (1, 1)))
    kernel, bias = module.place.weight.detach().numpy()[0], module.place.bias.item()
    place = np.array([[(kernel * pooled[:, i:i + 3, j:j + 3]).sum() + bias for j in range(5)] for i in range(5)])
    assert np.abs(got - z / (1 + np.exp(-place))).max() < 1e-12


def test_positions_by_their_formula():
    got = encoders_msct.positions(9, 6)
    want = [[(np.sin, np.cos)[c % 2](t / 10000 ** (2 * (c // 2) / 6)) for c in range(6)] for t in range(9)]
    assert np.abs(got.numpy() - want).max() < 1e-6


# ---------------------------------------------------------------- the whole detector


@pytest.mark.parametrize("multi_scale, differential", CELLS)
@pytest.mark.parametrize("width, heads, ffn, blocks", [(768, 12, 3072, 6), (64, 8, 128, 2)])
def test_parameters_of_the_transformer_from_its_equations(multi_scale, differential, width, heads, ffn, blocks):
    size = "paper" if width == 768 else "small"
    with torch.device("meta"):
        model = detectors.build("msct", size, multi_scale=multi_scale, differential=differential)
    count = sum(p.numel() for p in model.blocks.parameters())
    attention = 4 * width**2 + width + multi_scale * (heads // 4) ** 2 * (1 + 9 + 25 + 49)
    cross = (4 + differential) * width**2 + width
    assert count == blocks * 2 * (attention + cross + 2 * width * ffn + ffn + width + 3 * 2 * width)
    heads_count = sum(p.numel() for name, p in model.named_parameters() if name.startswith(("head_", "sound_", "cls_", "norm_")))
    assert heads_count == 2 * (2 * width + 2) + (2 * width**2 + width + 2 * width + 2) + (104 * width + width) + 2 * width + 4 * width


def picture_encoder_parameters(width, stem, stages, depth, reduction, detail=False):
    count = (108 if detail else 27) * stem + 2 * stem + (25 + 1 + 1) * stem + 2 * (25 + 1) * 4 * stem + 2 * stem  # stem, WTConv on two levels, norm
    for number, (inside, outside) in enumerate(zip((stem, *stages), stages, strict=False)):
        for i in [inside] + [outside] * (depth - 1):
            steps = 3 * (9 * (outside // 4) ** 2 + 2 * outside // 4)
            count += i * outside + 2 * outside + steps + outside**2 + 2 * outside + (i != outside) * (i * outside + 2 * outside)
        hidden = outside // reduction
        count += (number < len(stages) - 1) * (2 * outside * hidden + hidden + outside + 2 * 49 + 1)
    return count + stages[-1] * width + width


def test_parameters_of_the_sizes():
    with torch.device("meta"):
        models = {size: detectors.build("msct", size) for size in msct.SIZES}
    count = {size: sum(p.numel() for p in model.parameters()) for size, model in models.items()}
    for size, model in models.items():
        options = {name: msct.SIZES[size][name] for name in ("width", "stem", "stages", "depth", "reduction", "detail") if name in msct.SIZES[size]}
        assert sum(p.numel() for p in model.picture_encoder.parameters()) == picture_encoder_parameters(**options)
    assert count == {"paper": 124_725_819, "small": 261_842}  # ours: the paper prints none


@pytest.mark.parametrize("multi_scale, differential, reading", [(*cell, "maps") for cell in CELLS] + [(True, True, "logits"), (True, True, "literal")])
def test_every_weight_gets_a_gradient_and_every_loss_reaches_its_stream(multi_scale, differential, reading):
    model = msct.MSCT(**TINY, multi_scale=multi_scale, differential=differential, reading=reading)
    made = msct.total_loss(model, batch_of())
    made["total"].backward()
    dead = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert dead == [] and all(torch.isfinite(p.grad).all() for p in model.parameters())
    model.zero_grad()
    msct.total_loss(model, batch_of())["video"].backward()
    assert model.sound_encoder.weight.grad.abs().max() > 0  # through the cross-attention of the first blocks


def test_the_loss_is_the_sum_of_the_four_printed_terms():
    model, batch = msct.MSCT(**TINY, align_weight=0.5, ce_weights=(1.0, 2.0, 3.0)).eval(), batch_of()
    with torch.no_grad():
        made, prediction = msct.total_loss(model, batch), model(batch["frames"], batch["fbank"])
    parts, want = prediction.parts, {}
    for name, label in (("video", "label_video"), ("audio", "label_audio"), ("both", "label")):
        z = parts[f"logits_{name}"].double().numpy()
        want[name] = np.mean([-np.log(np_softmax(row)[int(y)]) for row, y in zip(z, batch[label], strict=True)])
    a, v = parts["audio"].double().numpy(), parts["video"].double().numpy()
    d = (a * v).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(v, axis=1)
    want["alignment"] = np.mean([1 - d[0], max(0, d[1]), max(0, d[2]), max(0, d[3])])  # RVRA alone is matched: RVFA, FVRA, FVFA are not (M6)
    assert {name: made[name].item() for name in want} == pytest.approx(want, abs=1e-6)
    assert made["total"].item() == pytest.approx(want["video"] + 2 * want["audio"] + 3 * want["both"] + 0.5 * want["alignment"], abs=1e-5)
    assert parts["similarity"].numpy() == pytest.approx(d, abs=1e-6)
    batch["label_video"][1:3] = torch.nan  # a stream of which nobody knows
    with torch.no_grad():
        z = parts["logits_video"].double().numpy()
        few = np.mean([-np.log(np_softmax(z[i])[int(batch["label_video"][i])]) for i in (0, 3)])
        assert msct.total_loss(model, batch)["video"].item() == pytest.approx(few, abs=1e-6)
        batch["label_video"][:] = torch.nan
        assert msct.total_loss(model, batch)["video"].item() == 0
    # two classes under a softmax are one logit under a sigmoid: the logit is the log-odds of fake, label 1
    sigmoid = 1 / (1 + np.exp(-prediction.logit.double().numpy()))
    assert want["both"] == pytest.approx(-np.mean(np.log(np.where(batch["label"].bool(), sigmoid, 1 - sigmoid))), abs=1e-6)


def test_a_padded_clip_scores_as_the_short_one():
    model, batch = msct.MSCT(**TINY).eval(), batch_of(t=6)
    mask = (torch.arange(9) < 6).expand(4, 9)
    frames, fbank = F.pad(batch["frames"], (0, 0, 0, 0, 0, 3), value=5.0), F.pad(batch["fbank"], (0, 3), value=-5.0)
    with torch.no_grad():
        short, padded, open_ = model(batch["frames"], batch["fbank"]), model(frames, fbank, mask), model(frames, fbank)
    assert (model(frames, fbank, mask.float()).logit == padded.logit).all()  # a store or an explainer may hold the mask as numbers
    for got, want in [(padded.logit, short.logit), (padded.embedding, short.embedding)] + [(padded.parts[n], short.parts[n]) for n in (
            "logits_video", "logits_audio", "similarity", "cross_norm_video", "diff_norm_audio")]:
        assert (got - want).abs().max() < 1e-5
    assert (open_.logit - short.logit).abs().max() > 1e-4


def test_a_score_depends_on_no_other_clip_and_is_repeatable():
    model, batch = msct.MSCT(**TINY).eval(), batch_of()
    with torch.no_grad():
        all_, one = model(batch["frames"], batch["fbank"]), model(batch["frames"][2:3], batch["fbank"][2:3])
        half = model(batch["frames"].half(), batch["fbank"].half())  # as a store keeps them
    assert (all_.logit[2] - one.logit[0]).abs() < 1e-5 and (all_.parts["cross_audio"][2] - one.parts["cross_audio"][0]).abs().max() < 1e-5
    assert (half.logit - all_.logit).abs().max() < 1e-2


@pytest.mark.parametrize("multi_scale", [True, False])
def test_the_order_of_time_is_seen(multi_scale):
    """Without multi-scale keys by the positions alone: a transformer without them reads a set."""
    model, batch = msct.MSCT(**TINY, multi_scale=multi_scale).eval(), batch_of()
    with torch.no_grad():
        forth, back = (model(batch["frames"][:, :, order], batch["fbank"][:, :, order]).logit for order in (range(6), range(5, -1, -1)))
    assert (forth - back).abs().max() > 1e-4


def test_attention_in_the_parts():
    model, batch = msct.MSCT(**TINY).eval(), batch_of()
    parts = model(batch["frames"], batch["fbank"]).parts
    assert parts["self_video"].shape == parts["cross_audio"].shape == (4, 2, 4, 7, 7) and parts["cross_norm_audio"].shape == (4, 2, 4)
    assert (parts["self_audio"].sum(-1) - 1).abs().max() < 1e-5 and parts["cross_video"].sum(-1).abs().max() < 1e-5
    assert (parts["diff_norm_video"] - parts["cross_video"].square().sum((3, 4)).sqrt()).abs().max() < 1e-6


@pytest.mark.parametrize("config, rule", [({"reading": "max"}, "reading"), ({"plain_values": "both"}, "plain_values"), ({"width": 18}, "width"),
                                          ({"kernels": (2, 4)}, "odd kernels"), ({"colour": 1}, "Unknown option")])
def test_options_that_do_not_exist(config, rule):
    with pytest.raises(AvlabError, match=rule):
        detectors.build("msct", "small", **config)


def test_tensors_that_do_not_fit():
    model, batch = msct.MSCT(**TINY), batch_of()
    for frames, fbank, mask in [(batch["frames"], batch["fbank"].mT, None), (batch["frames"][:, :, :5], batch["fbank"], None),
                                (batch["frames"], batch["fbank"], torch.zeros(4, 6, dtype=torch.bool))]:
        with pytest.raises(AvlabError, match="frames"):
            model(frames, fbank, mask)
    with pytest.raises(AvlabError, match="halves"):
        model(batch["frames"][..., :16, :16], batch["fbank"])


def test_it_can_learn_whether_picture_and_sound_agree():
    """A planted rule that no single stream holds: brightness and loudness go up and down together, or not."""
    rng = np.random.default_rng(0)
    model = msct.MSCT(**{**TINY, "blocks": 1}, dropout=0.0)
    model.picture_encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 4, 16))  # the cross-attention is to learn here
    light, sound = rng.choice([-1.0, 1.0], (2, 64, 4))
    label = rng.integers(0, 2, 64)
    sound[label == 0] = light[label == 0]
    sound[label == 1] = -light[label == 1]
    frames = torch.tensor(light)[:, None, :, None, None].float().expand(-1, 3, -1, 2, 2) + 0.1 * torch.randn(64, 3, 4, 2, 2)
    fbank = torch.tensor(sound)[:, None].float().expand(-1, 104, -1) + 0.1 * torch.randn(64, 104, 4)
    label = torch.tensor(label).float()
    batch = {"frames": frames, "fbank": fbank, "label": label, "label_video": label, "label_audio": label}
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(200):
        optimiser.zero_grad()
        made = msct.total_loss(model, batch)
        made["total"].backward()
        optimiser.step()
    assert made["both"].item() < 0.1, made


# ---------------------------------------------------------------- inputs


def clip_of(frames, audio, **changes):
    values = {"fps": 25, "sample_rate": 16000, "frame_times": np.arange(len(frames)) / 25, "mask": np.ones(len(frames), bool), "clip_id": "c"}
    return Clip(frames, audio, **{**values, **changes})


def test_inputs_are_the_named_pixels_and_the_named_sound():
    rng = np.random.default_rng(0)
    frames, audio = rng.integers(0, 256, (16, 64, 64, 3), np.uint8), rng.normal(0, 0.1, 10240).astype(np.float32)
    made = msct.inputs(clip_of(frames, audio))
    want = (frames[:, 20:60, 12:52].transpose(3, 0, 1, 2) / 255 - 0.421) / 0.165
    assert made["frames"].dtype == made["fbank"].dtype == np.float16 and tuple(made) == msct.MSCT.reads and made["mask"].all()
    late = clip_of(frames, audio, mask=np.arange(16) > 3)  # its sound starts with frame 4
    assert msct.inputs(late)["mask"].tolist() == [False] * 4 + [True] * 12
    assert np.abs(made["frames"] - want).max() < 2e-3 and np.abs(made["fbank"].T - fbank104(audio)).max() < 4e-3


def test_inputs_of_a_larger_picture_and_of_a_shorter_sound():
    """Each pixel four times as wide and high, with bars at both sides: the same 40 x 40, and silence where the sound has ended."""
    rng = np.random.default_rng(1)
    small, audio = rng.integers(0, 256, (8, 64, 64, 3), np.uint8), rng.normal(0, 0.1, 5120).astype(np.float32)
    large = np.pad(small.repeat(4, 1).repeat(4, 2), ((0, 0), (0, 0), (50, 50), (0, 0)))
    made, want = msct.inputs(clip_of(large, audio[:2560])), msct.inputs(clip_of(small, np.r_[audio[:2560], np.zeros(2560, np.float32)]))
    assert np.abs(made["frames"] - want["frames"]).max() < 2e-3 and (made["fbank"] == want["fbank"]).all()
    assert msct.inputs(clip_of(large, audio), pixels=96)["frames"].shape == (3, 8, 96, 96)


def test_clips_that_msct_cannot_read():
    frames, audio = np.zeros((4, 64, 64, 3), np.uint8), np.zeros(2560, np.float32)
    for clip in (clip_of(frames, None), clip_of(frames[:0], audio), clip_of(frames, audio, mask=np.zeros(4, bool)),
                 clip_of(frames, audio, fps=30), clip_of(frames, audio, sample_rate=8000)):
        with pytest.raises(AvlabError, match="MSCT"):
            msct.inputs(clip)
