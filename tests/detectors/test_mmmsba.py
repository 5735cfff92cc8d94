"""MMMS-BA against float64 arithmetic, by hand, with gaps, and on planted segments."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from avlab import detectors, metrics
from avlab.detectors import localise, losses, mmmsba, sequences
from avlab.errors import AvlabError

WIDTHS = (5, 7, 6)


def small(seed=0, **config):
    torch.manual_seed(seed)
    return mmmsba.build("small", **{"widths": WIDTHS, "project": 8, "hidden": 6, "width": 8, "dropout": (0.0, 0.0, 0.0), **config}).eval()


def clips(b=3, t=20, seed=0):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(b, t, w, generator=g) for w in WIDTHS]


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# ------------------------------------------------------------------------------------------------ bi-modal attention


@pytest.mark.parametrize("scaled", [False, True])
def test_attention_against_float64(scaled):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, 11, 9))
    scale = 3.0 if scaled else 1.0
    n1, n2 = softmax(np.einsum("bid,bjd->bij", x, y) / scale), softmax(np.einsum("bid,bjd->bij", y, x) / scale)
    a1, a2 = mmmsba.bi_modal_attention(torch.from_numpy(x), torch.from_numpy(y), scaled=scaled)
    np.testing.assert_allclose(a1, np.einsum("bij,bjd->bid", n1, y) * x, atol=1e-12)
    np.testing.assert_allclose(a2, np.einsum("bij,bjd->bid", n2, x) * y, atol=1e-12)


def test_attention_by_hand():
    """Scores x y^T = [[ln 3, 0], [0, ln 4]] ask y; the mirror asks x with the transposed scores and its own normalisation."""
    x, y = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]), torch.tensor([[[np.log(3), 0.0], [0.0, np.log(2)]]], dtype=torch.float32)
    n1, n2 = mmmsba.bi_modal_weights(x, y)
    torch.testing.assert_close(n1, torch.tensor([[[3 / 4, 1 / 4], [1 / 5, 4 / 5]]]))
    a1, a2 = mmmsba.bi_modal_attention(x, y)
    torch.testing.assert_close(a1[0], torch.tensor([[0.75 * np.log(3), 0.0], [0.0, 2 * 0.8 * np.log(2)]], dtype=torch.float32))
    torch.testing.assert_close(a2[0], torch.tensor([[np.log(3) * 0.75, 0.0], [0.0, np.log(2) * 0.8 * 2]], dtype=torch.float32))


def test_two_directions_are_not_one_transposed():
    x, y = clips()[0], clips(seed=1)[0]
    n1, n2 = mmmsba.bi_modal_weights(x, y)
    torch.testing.assert_close(n1.sum(-1), torch.ones(3, 20))
    torch.testing.assert_close(n2.sum(-1), torch.ones(3, 20))
    assert (n1.transpose(1, 2) - n2).abs().max() > 0.1
    for mine, other in zip(mmmsba.bi_modal_attention(x, y), reversed(mmmsba.bi_modal_attention(y, x)), strict=True):
        torch.testing.assert_close(mine, other)  # the mirror is the same function with its arguments swapped


def test_the_gate_is_the_asking_side():
    x, y = clips()[0], clips(seed=1)[0]
    x[..., 2] = 0
    a1, a2 = mmmsba.bi_modal_attention(x, y)
    assert bool((a1[..., 2] == 0).all()) and bool((a2[..., 2] == 0).all()) and a2[..., 1].abs().max() > 0
    gated = mmmsba.bi_modal_attention(x, y)[0]
    assert bool((torch.sign(gated[..., 0]) == torch.sign(x[..., 0]) * torch.sign((mmmsba.bi_modal_weights(x, y)[0] @ y)[..., 0])).all())


def test_padding_changes_nothing_whatever_it_holds():
    x, y = clips()[0].double(), clips(seed=1)[0].double()
    want = mmmsba.bi_modal_attention(x, y)
    junk = torch.full((3, 5, 5), float("nan"), dtype=torch.float64)
    here = torch.cat([torch.ones(3, 20), torch.zeros(3, 5)], 1).bool()
    long_x, long_y = torch.cat([x, junk], 1).requires_grad_(), torch.cat([y, junk], 1)
    got = mmmsba.bi_modal_attention(long_x, long_y, mask=here)
    for a, b in zip(got, want, strict=True):
        torch.testing.assert_close(a[:, :20], b, atol=1e-12, rtol=0)
        assert bool((a[:, 20:] == 0).all())
    got[0].sum().backward()
    assert bool(torch.isfinite(long_x.grad).all()) and bool((long_x.grad[:, 20:] == 0).all())


def test_unmasked_padding_takes_weight():
    """Zero codes score 0, more than every negative score: the original attends to its padding (papers.md B4)."""
    x, y = clips()[0], torch.cat([clips(seed=1)[0], torch.zeros(3, 20, 5)], 1)
    n1, _ = mmmsba.bi_modal_weights(torch.cat([x, x], 1), y)
    assert n1[:, :20, 20:].sum(-1).mean() > 0.15


def test_each_side_has_its_own_mask_and_nobody_to_ask_gives_zero():
    x, y = clips()[0], clips(seed=1)[0]
    here_x, here_y = torch.ones(3, 20).bool(), torch.zeros(3, 20).bool()
    here_y[1:, :4] = True
    a1, a2 = mmmsba.bi_modal_attention(x, y, mask=(here_x, here_y))
    assert bool((a1[0] == 0).all()) and bool((a2[0] == 0).all()) and bool((a2[1:, 4:] == 0).all())
    torch.testing.assert_close(a1[1:], mmmsba.bi_modal_attention(x[1:], torch.cat([y[1:, :4], y[1:, :1].expand(-1, 16, -1)], 1),
                                                               mask=(here_x[1:], here_y[1:]))[0])


def test_the_unscaled_softmax_is_nearly_one_hot_at_the_papers_width():
    """exp(entropy) of rows over 25 keys, tanh codes of width 100: about 3 keys without 1/sqrt(100), about 23 with it (papers.md B2)."""
    g = torch.Generator().manual_seed(0)
    x, y = (torch.tanh(torch.randn(40, 25, 100, generator=g)) for _ in "xy")

    def effective_keys(scaled):
        n1, _ = mmmsba.bi_modal_weights(x, y, scaled=scaled)
        return float(torch.special.entr(n1).sum(-1).exp().mean())

    assert 2.5 < effective_keys(False) < 4 and 22 < effective_keys(True) < 24


def test_sequences_of_different_shape_are_told():
    with pytest.raises(AvlabError, match="one shape"):
        mmmsba.bi_modal_attention(torch.zeros(1, 4, 3), torch.zeros(1, 5, 3))


# ------------------------------------------------------------------------------------------------ the network


def paper_count(blocks):
    gru = sum(2 * 3 * 300 * (inside + 300 + 2) for inside in (40, 512, 512))
    return gru + 3 * (600 * 100 + 100) + (100 * blocks * 100 + 100) + 101 + 202 + 101


@pytest.mark.parametrize("family, blocks", [("mmmsba", 9), ("ms_sa", 6), ("mmus_sa", 6), ("none", 3)])
def test_parameters_of_the_papers_size(family, blocks):
    with torch.device("meta"):
        model = detectors.build("mmmsba", size="paper", family=family)
    count = sum(p.numel() for p in model.parameters())
    assert count == paper_count(blocks) and model.merge.in_features == 100 * blocks
    assert 3.7e6 < count < 3.9e6  # papers.md 4.3


@pytest.mark.parametrize("stride", [1, 5])
@pytest.mark.parametrize("family", mmmsba.FAMILY)
def test_a_padded_clip_is_scored_as_it_is_alone(family, stride):
    model, alone = small(family=family, stride=stride), clips(t=20)
    mask = torch.cat([torch.ones(3, 20, 3), torch.zeros(3, 13, 3)], 1)
    padded = [torch.cat([x, torch.full((3, 13, x.shape[-1]), 1e4)], 1) for x in alone]
    want, got = model(*alone), model(*padded, mask)
    torch.testing.assert_close(got.logit, want.logit)
    torch.testing.assert_close(got.embedding, want.embedding)
    for name in ("frame_logit", "spans"):
        torch.testing.assert_close(got.parts[name][:, :20], want.parts[name])
    assert bool((got.parts["frame_logit"][:, 20:] == mmmsba.NOT_THERE).all()) and bool((got.parts["valid"] == mask[..., 0]).all())
    for a, b in zip(localise.proposals(got.parts, stride=stride), localise.proposals(want.parts, stride=stride), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


def test_without_the_mask_padding_changes_the_scores():
    model, alone = small(mask_padding=False), clips()
    padded = [torch.cat([x, torch.full((3, 13, x.shape[-1]), 1e4)], 1) for x in alone]
    mask = torch.cat([torch.ones(3, 20, 3), torch.zeros(3, 13, 3)], 1)
    got = model(*padded, mask, attention=True)
    assert (got.parts["frame_logit"][:, :20] - model(*alone).parts["frame_logit"]).abs().max() > 1e-3
    assert got.parts["attention.audio.face"][:, :20, 20:].sum(-1).min() > 0
    assert bool((got.parts["frame_logit"][:, 20:] == mmmsba.NOT_THERE).all())  # still no verdict about what is not there


@pytest.mark.parametrize("family", mmmsba.FAMILY)
def test_a_missing_modality_is_not_silence(family):
    model, (audio, face, lips) = small(family=family), clips()
    mask = torch.ones(3, 20, 3)
    mask[..., 0] = 0
    absent = model(audio, face, lips, mask, attention=True)
    for other in (torch.zeros_like(audio), torch.full_like(audio, float("nan"))):
        torch.testing.assert_close(model(other, face, lips, mask).parts["frame_logit"], absent.parts["frame_logit"])  # its content is never read
    silent = model(torch.zeros_like(audio), face, lips)
    assert (silent.parts["frame_logit"] - absent.parts["frame_logit"]).abs().max() > 1e-3
    if family == "mmmsba":
        assert bool((absent.parts["attention.face.audio"] == 0).all())
        torch.testing.assert_close(absent.parts["attention.face.lips"].sum(-1), torch.ones(3, 20))


def test_a_clip_of_nothing_has_a_finite_score():
    pred = small()(*clips(), torch.zeros(3, 20, 3))
    assert bool(torch.isfinite(pred.logit).all()) and bool((pred.embedding == 0).all()) and bool((pred.parts["valid"] == 0).all())
    assert [len(p) for p in localise.proposals(pred.parts)] == [0, 0, 0] and [len(p) for p in localise.grouped(pred.parts)] == [0, 0, 0]


def test_the_gru_closes_up_gaps():
    torch.manual_seed(0)
    gru, x = sequences.GapGRU(4, 3), torch.randn(2, 9, 4)
    here = torch.tensor([[1, 1, 0, 0, 1, 1, 1, 0, 1], [0, 1, 1, 1, 0, 0, 0, 0, 0]]).bool()
    out = gru(x, here)
    for b in range(2):
        torch.testing.assert_close(out[b, here[b]], gru(x[b:b + 1, here[b]], torch.ones(1, int(here[b].sum())).bool())[0])


def test_standardise_reads_only_what_is_there():
    norm, x = sequences.Standardise(2).train(), 5 + 3 * torch.randn(4, 50, 2)
    here = torch.zeros(4, 50).bool()
    here[:, :30] = True
    x[:, 30:] = 1e6
    out = norm(x, here)
    assert abs(float(out[here].mean())) < 1e-5 and abs(float(out[here].std()) - 1) < 1e-2 and bool((out[~here] == 0).all())


def test_clip_level_numbers_are_the_weighted_average_of_frames():
    model, x = small(), clips()
    seen = {}
    model.frame_head.register_forward_pre_hook(lambda module, given: seen.update(w=given[0].detach()))
    pred = model(*x)
    share = torch.from_numpy(softmax(pred.parts["frame_logit"].detach().double().numpy()))
    torch.testing.assert_close(pred.embedding.double(), (share[..., None] * seen["w"].double()).sum(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(pred.logit, model.clip_head(pred.embedding)[:, 0])


def test_spans_hold_their_frame_and_proposals_stay_in_the_clip():
    mask = torch.ones(3, 20, 3)
    mask[1, 15:] = 0
    pred = small()(*clips(), mask)
    spans, centre = pred.parts["spans"], (torch.arange(20) + 0.5) / 25
    assert bool((spans[..., 0] <= centre).all()) and bool((spans[..., 1] >= centre).all()) and spans.max() > 0.8
    for found, end in zip(localise.proposals(pred.parts), (0.8, 0.6, 0.8), strict=True):
        assert len(found) and found[:, 0].min() >= 0 and found[:, 1].max() == pytest.approx(end)


def test_families_against_their_formulas():
    torch.manual_seed(0)
    codes = {name: torch.tanh(torch.randn(2, 6, 4)) for name in mmmsba.MODALITIES}
    steps = {name: torch.ones(2, 6).bool() for name in mmmsba.MODALITIES}
    model = SimpleNamespace(scaled=False, pairs=mmmsba.PAIRS)
    paired, _ = mmmsba.FAMILY["mmmsba"](model, codes, steps)
    pairs = (("face", "lips"), ("audio", "face"), ("lips", "audio"))
    want = [side for a, b in pairs for side in mmmsba.bi_modal_attention(codes[a], codes[b])]
    assert len(paired) == 6 and all(torch.equal(got, side) for got, side in zip(paired, want, strict=True))
    own, _ = mmmsba.FAMILY["ms_sa"](model, codes, steps)
    for got, x in zip(own, codes.values(), strict=True):
        x = x.double().numpy()
        np.testing.assert_allclose(got, softmax(x @ x.transpose(0, 2, 1)) @ x * x, atol=1e-6)
    across, weights = mmmsba.FAMILY["mmus_sa"](model, codes, steps)
    x = np.stack([c.double().numpy() for c in codes.values()], 2)  # (B, T, 3, D)
    want = softmax(x @ x.transpose(0, 1, 3, 2)) @ x * x
    for k, got in enumerate(across):
        np.testing.assert_allclose(got, want[:, :, k], atol=1e-6)
    assert weights["attention"].shape == (2, 6, 3, 3)


@pytest.mark.parametrize("family, names", [("mmmsba", 6), ("ms_sa", 3), ("mmus_sa", 1), ("none", 0)])
def test_attention_comes_when_asked_and_sums_to_one(family, names):
    model, x = small(family=family), clips()
    assert not [name for name in model(*x).parts if name.startswith("attention")]
    weights = {name: value for name, value in model(*x, attention=True).parts.items() if name.startswith("attention")}
    assert len(weights) == names
    for value in weights.values():
        torch.testing.assert_close(value.sum(-1), torch.ones(value.shape[:-1]))


def test_modalities_that_are_not_used_do_not_matter():
    model, (audio, face, lips) = small(modalities=("face", "audio")), clips()
    assert model.modalities == ("audio", "face") and model.pairs == (("audio", "face"),) and model.merge.in_features == 4 * 8
    torch.testing.assert_close(model(audio, face, lips).logit, model(audio, face, lips * float("nan")).logit)
    assert small(modalities=("lips",)).merge.in_features == 8 and small(modalities=("lips",), family="ms_sa").merge.in_features == 16


def test_modality_dropout_takes_one_and_never_the_last():
    torch.manual_seed(0)
    here = torch.ones(4000, 2, 3).bool()
    here[:1000, :, 0] = False  # two left
    here[1000:2000, :, :2] = False  # one left
    keep = sequences.one_dropped(here, 0.6)
    left = (keep & here.any(1)).sum(1)
    assert bool((left[1000:2000] == 1).all()) and bool((left[:1000] >= 1).all()) and bool((left[2000:] >= 2).all())
    assert abs(float((left[2000:] == 2).float().mean()) - 0.6) < 0.03 and abs(float((left[:1000] == 1).float().mean()) - 0.6) < 0.06
    share = (~keep[2000:]).float().mean(0)
    assert bool(((share - 0.2).abs() < 0.03).all())
    model, x = small(modality_dropout=1.0), clips()
    torch.testing.assert_close(model(*x).logit, model(*x).logit)  # not outside training
    torch.manual_seed(1)
    one = [value[:1] for value in x]
    assert len({round(model.train()(*one).logit.item(), 5) for _ in range(16)}) == 3  # one for each that may be missing


def test_frames_of_a_step_say_the_same():
    pred = small(stride=5)(*clips(t=23))
    logit = torch.nn.functional.pad(pred.parts["frame_logit"], (0, 2), mode="replicate").reshape(3, 5, 5)
    assert bool((logit == logit[..., :1]).all()) and pred.parts["spans"].shape == (3, 23, 2)
    centre = (torch.arange(4) + 0.5) / 5
    assert bool((pred.parts["spans"][:, 0:20:5, 0] <= centre).all())


# ------------------------------------------------------------------------------------------------ the loss


def test_total_loss_against_float64():
    model, x = small(), clips()
    segments = [torch.tensor([[0.2, 0.44]]), torch.zeros(0, 2), torch.tensor([[0.0, 0.12], [0.6, 0.8]])]
    centres = (torch.arange(20) + 0.5)[:, None] / 25
    label = torch.stack([((centres >= s[:, 0]) & (centres < s[:, 1])).any(1) for s in segments])
    mask = torch.ones(3, 20, 3)
    mask[2, 17:] = 0
    batch = dict(zip(model.reads, (*x, mask), strict=True)) | {"label": torch.tensor([1.0, 0.0, 1.0]), "frame_label": label.float(), "segments": segments}
    got = mmmsba.total_loss(model, batch)
    pred = model(*x, mask)
    z, y, valid = pred.parts["frame_logit"].detach().double().numpy(), label.numpy(), mask[..., 0].numpy() > 0
    p = 1 / (1 + np.exp(-z))
    p_t, alpha = np.where(y, p, 1 - p), np.where(y, 0.25, 0.75)
    focal = (-alpha * (1 - p_t) ** 2 * np.log(p_t))[valid].sum() / (y & valid).sum()
    diou = []
    for b in range(3):
        for t in np.flatnonzero(y[b] & valid[b]):
            s, e = pred.parts["spans"][b, t].tolist()
            a, c = next((a, c) for a, c in segments[b].tolist() if a <= (t + 0.5) / 25 < c)
            inside, hull = max(0, min(e, c) - max(s, a)), max(e, c) - min(s, a)
            diou.append(1 - inside / (e - s + c - a - inside) + ((s + e - a - c) / 2) ** 2 / hull**2)
    q = pred.logit.detach().double().numpy()
    clip = np.log1p(np.exp(-q * np.array([1, -1, 1]))).mean()
    for name, want in (("focal", focal), ("diou", np.mean(diou)), ("clip", clip), ("total", focal + 2 * np.mean(diou) + clip)):
        assert got[name].item() == pytest.approx(want, rel=1e-4), name


def test_without_segments_the_runs_of_frame_label_are_taken():
    model, x = small(stride=2), clips()
    label = torch.zeros(3, 20)
    label[0, 5:11] = label[2, 0:3] = label[2, 15:20] = 1
    batch = dict(zip(model.reads, (*x, torch.ones(3, 20, 3)), strict=True)) | {"label": label.amax(1), "frame_label": label}
    with_runs = mmmsba.total_loss(model, batch)
    told = [torch.tensor([[0.2, 0.44]]), torch.zeros(0, 2), torch.tensor([[0.0, 0.12], [0.6, 0.8]])]
    for name, value in mmmsba.total_loss(model, batch | {"segments": told}).items():
        torch.testing.assert_close(value, with_runs[name])


def test_a_step_of_several_frames_counts_once_in_both_terms():
    """23 frames in steps of 5: the last step holds 3, the forged ones are steps 1 and 4; every step weighs alike."""
    model, x = small(stride=5), [value[:1] for value in clips(t=23)]
    label = torch.zeros(1, 23)
    label[0, 5:10] = label[0, 20:23] = 1
    batch = dict(zip(model.reads, (*x, torch.ones(1, 23, 3)), strict=True)) | {"label": torch.ones(1), "frame_label": label}
    got, parts = mmmsba.total_loss(model, batch), model(*x).parts
    spans, true = parts["spans"][0, [5, 20]], torch.tensor([[0.2, 0.4], [0.8, 0.92]])
    torch.testing.assert_close(got["diou"], losses.diou_1d(spans, true).mean())
    z, y = parts["frame_logit"][0, ::5], torch.tensor([0.0, 1, 0, 0, 1])
    torch.testing.assert_close(got["focal"], losses.focal(z, y, alpha=0.25, gamma=2.0) * 5 / 2)


def test_a_batch_of_reals_has_no_span_loss_and_every_weight_learns_from_fakes():
    model, x = small().train(), clips()
    batch = dict(zip(model.reads, (*x, torch.ones(3, 20, 3)), strict=True)) | {"label": torch.zeros(3), "frame_label": torch.zeros(3, 20)}
    loss = mmmsba.total_loss(model, batch)
    loss["total"].backward()
    assert loss["diou"].item() == 0 and bool(torch.isfinite(model.merge.weight.grad).all())
    batch["frame_label"][:, 4:9] = 1
    model.zero_grad()
    mmmsba.total_loss(model, batch | {"label": torch.ones(3)})["total"].backward()
    assert all(p.grad is not None and bool((p.grad != 0).any()) for p in model.parameters())


# ------------------------------------------------------------------------------------------------ segments


def test_soft_nms_closed_forms():
    same = [[0, 1, 0.9], [0, 1, 0.8], [5, 6, 0.7]]
    np.testing.assert_allclose(localise.soft_nms(same, sigma=0.75), [[0, 1, 0.9], [5, 6, 0.7], [0, 1, 0.8 * np.exp(-1 / 0.75)]])
    # IoU 1/3 with the best; then 1/2 of what is left with the second
    half = [[0, 2, 0.9], [1, 3, 0.8]]
    np.testing.assert_allclose(localise.soft_nms(half, sigma=0.5), [[0, 2, 0.9], [1, 3, 0.8 * np.exp(-(1 / 9) / 0.5)]])
    # every better one takes its share
    three = [[0, 2, 0.9], [0, 2, 0.8], [0, 2, 0.7]]
    e = np.exp(-1 / 0.75)
    np.testing.assert_allclose(localise.soft_nms(three, sigma=0.75)[:, 2], [0.9, 0.8 * e, 0.7 * e * e])


def test_soft_nms_ends():
    assert localise.soft_nms(np.zeros((0, 3))).shape == (0, 3)
    apart = np.column_stack([np.arange(5), np.arange(5) + 0.5, np.linspace(0.1, 0.9, 5)])
    np.testing.assert_allclose(localise.soft_nms(apart), apart[::-1])  # disjoint ones keep their scores, best first
    assert len(localise.soft_nms(apart, keep=2)) == 2 and len(localise.soft_nms(apart, min_score=0.5)) == 3
    # a narrow sigma is hard suppression of everything that overlaps
    assert localise.soft_nms([[0, 1, 0.9], [0.5, 1.5, 0.8], [3, 4, 0.1]], sigma=0.01)[:, 0].tolist() == [0, 3]
    with pytest.raises(AvlabError, match="sigma"):
        localise.soft_nms(apart, sigma=0)


def test_runs_and_their_frames_are_inverse():
    flags = torch.tensor([1, 1, 0, 0, 1, 0, 1, 1])
    np.testing.assert_allclose(localise.runs(flags), [[0, 0.08], [0.16, 0.2], [0.24, 0.32]], atol=1e-7)
    assert localise.runs(torch.zeros(4)).shape == (0, 2)
    _, inside = localise.span_targets([localise.runs(flags)], localise.frame_centres(8))
    assert inside[0].int().tolist() == flags.tolist()


def test_a_step_is_measured_from_its_middle():
    np.testing.assert_allclose(localise.frame_centres(3), [0.02, 0.06, 0.10], atol=1e-7)
    np.testing.assert_allclose(localise.frame_centres(3, stride=2, fps=10), [0.1, 0.3], atol=1e-7)


def test_a_centre_takes_the_shortest_segment_it_lies_in():
    target, inside = localise.span_targets([torch.tensor([[0.1, 0.2], [0.0, 0.4]]), torch.zeros(0, 2)], torch.tensor([0.05, 0.1, 0.2, 0.4]))
    np.testing.assert_allclose(target[0], [[0, 0.4], [0.1, 0.2], [0, 0.4], [0, 0]], atol=1e-7)
    assert inside.tolist() == [[True, True, True, False], [False] * 4]


def test_a_step_is_fake_as_soon_as_it_touches_a_fake_frame():
    frames = torch.tensor([[0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0.0]])
    assert localise.cover(frames, 5).tolist() == [[1, 1, 0]] and localise.cover(frames, 1).tolist() == frames.tolist()


def test_a_step_is_counted_once():
    valid = torch.tensor([[0, 1, 1, 1, 0, 0, 1, 1.0], [1, 1, 1, 1, 1, 1, 1, 1]]).bool()
    assert localise.first_of_step(valid, 3).int().tolist() == [[0, 1, 0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0, 1, 0]]
    assert bool((localise.first_of_step(valid, 1) == valid).all())


def said(logit, spans):
    logit = torch.tensor([logit])
    return SimpleNamespace(parts={"frame_logit": logit, "spans": torch.tensor([spans]), "valid": (logit > -20).float()})


def test_proposals_of_agreeing_frames_are_one_segment():
    pred = said([-9.0, 2.0, 3.0, 2.0, -9.0, -20.0], [[0.0, 0.1], [0.04, 0.16], [0.04, 0.16], [0.04, 0.16], [0.1, 0.2], [0.0, 0.2]])
    found = localise.proposals(pred.parts, min_score=0.05)[0]
    sure, less = torch.tensor([3.0, 2.0]).sigmoid().tolist()
    e = np.exp(-1 / 0.75)
    np.testing.assert_allclose(found, [[0.04, 0.16, sure], [0.04, 0.16, less * e], [0.04, 0.16, less * e * e]], atol=1e-6)
    kept = {name: list(value.numpy()) for name, value in pred.parts.items()}  # as training.predict gives them
    np.testing.assert_array_equal(localise.proposals(kept, min_score=0.05)[0], found)
    np.testing.assert_allclose(localise.grouped(pred.parts, thresholds=(0.5,))[0], [[0.04, 0.16, (sure + 2 * less) / 3]], atol=1e-6)


# ------------------------------------------------------------------------------------------------ clips


@pytest.fixture(scope="module")
def swapped():
    from avlab.synthtalk.render import Spec, render
    made = render(Spec(identity=3, speech_seed=1, motion_seed=2, camera_seed=3, duration_s=1.28, forger_video="faceswap", forger_seed=4, donor=10,
                       segments_video=((0.4, 0.8),)))
    return SimpleNamespace(frames=made.frames, audio=made.audio, fps=25, sample_rate=16000, mask=np.ones(32, bool), truth=made.truth)


def test_inputs_see_the_splices_and_hold_the_mouth(swapped):
    made = mmmsba.inputs(swapped)
    assert {name: value.shape for name, value in made.items()} == {"audio": (32, 128), "face": (32, 720), "lips": (32, 690), "mask": (32, 3)}
    change = made["face"][:, 144:288].reshape(32, 12, 12)[:, 2:7].mean((1, 2))  # brows to nose, where an inner face is put in
    assert sorted(np.argsort(change)[-2:]) == [10, 20]
    mouth = swapped.truth.regions == 2
    assert mouth[:, 36:56, 20:44].sum() > 0.95 * mouth.sum()
    assert bool((made["face"][0, 144:288] == np.log(np.float32(0.003))).all())
    for name, value in made.items():
        assert np.isfinite(value).all() and np.abs(value - value.astype(np.float16)).max() < 0.01, name


def test_inputs_average_pixels_and_bands(swapped):
    from avlab.clips.audio import log_mel
    made, grey = mmmsba.inputs(swapped), swapped.frames.astype(np.float64) @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(made["face"][7, :144].reshape(12, 12)[2, 5], grey[7, 16:20, 28:32].mean(), atol=1e-6)
    np.testing.assert_allclose(made["lips"][7, :480].reshape(20, 24), grey[7, 36:56, 20:44], atol=1e-6)
    cell = grey[7, 16:20, 28:32]
    across, down = np.diff(cell.reshape(2, 2, 2, 2).sum(1), axis=-1)[..., 0] / 2, np.diff(cell.reshape(2, 2, 2, 2).sum(3), axis=1)[:, 0] / 2
    detail = made["face"][7, 288:].reshape(3, 12, 12)[:2, 2, 5]
    np.testing.assert_allclose(detail, np.log([(across**2).mean() + 1e-5, (down**2).mean() + 1e-5]), atol=1e-4)
    bands = log_mel(swapped.audio)[:, 28:32].astype(np.float64)
    np.testing.assert_allclose(made["audio"][7], np.concatenate([bands.mean(1), bands.std(1)]), atol=1e-4)
    assert made["mask"].all()


def test_detail_tells_stripes_by_their_direction(swapped):
    """Stripes of one pixel fill one of the three differences of their cells and leave the others at the floor."""
    stripes = np.zeros((2, 64, 64, 3), np.uint8)
    stripes[:, :, 32:] = np.where(np.arange(32) % 2, 120, 100)[None, None, :, None]
    stripes[:, :32, :32] = np.where(np.arange(32) % 2, 120, 100)[None, :, None, None]
    made = mmmsba.inputs(SimpleNamespace(**{**vars(swapped), "frames": stripes, "mask": np.ones(2, bool), "audio": None}))
    across, down, diagonal = made["face"][0, 288:].reshape(3, 12, 12)
    full, floor = np.log((20 / 255) ** 2 + 1e-5), np.log(1e-5)
    np.testing.assert_allclose([across[3, 8], down[3, 8], diagonal[3, 8]], [full, floor, floor], atol=1e-3)
    np.testing.assert_allclose([across[3, 3], down[3, 3], diagonal[3, 3]], [floor, full, floor], atol=1e-3)


def test_absent_sound_is_masked_and_silence_is_not(swapped):
    absent = mmmsba.inputs(SimpleNamespace(**{**vars(swapped), "audio": None}))
    silent = mmmsba.inputs(SimpleNamespace(**{**vars(swapped), "audio": np.zeros_like(swapped.audio)}))
    assert absent["mask"].mean(0).tolist() == [0, 1, 1] and silent["mask"].all()
    late = mmmsba.inputs(SimpleNamespace(**{**vars(swapped), "mask": np.arange(32) >= 5}))
    assert late["mask"][:, 0].tolist() == [0] * 5 + [1] * 27 and late["mask"][:, 1:].all()


def test_other_pictures_are_refused(swapped):
    with pytest.raises(AvlabError, match="64 x 64"):
        mmmsba.inputs(SimpleNamespace(**{**vars(swapped), "frames": np.zeros((4, 96, 64, 3), np.uint8)}))


# ------------------------------------------------------------------------------------------------ planted segments


def planted(n, seed, t=60):
    """Clips of noise; in half of them one stretch of 8 to 20 frames has a louder first audio feature or shifted first face feature."""
    rng = np.random.default_rng(seed)
    x = [rng.normal(size=(n, t, w)).astype(np.float32) for w in WIDTHS]
    label = np.zeros((n, t), np.float32)
    for b in range(0, n, 2):
        start, length = rng.integers(2, 36), rng.integers(8, 21)
        label[b, start:start + length] = 1
        x[b // 2 % 2][b, start:start + length, :2] += 2.5
    batch = {name: torch.from_numpy(value) for name, value in zip(mmmsba.MODALITIES, x, strict=True)} | {"mask": torch.ones(n, t, 3)}
    return batch | {"label": torch.from_numpy(label.max(1)), "frame_label": torch.from_numpy(label)}


def test_planted_segments_are_found():
    torch.manual_seed(0)
    model = mmmsba.build("small", widths=WIDTHS, project=16, hidden=16, width=16, dropout=(0.0, 0.0, 0.0)).train()
    data, held = planted(128, 0), planted(60, 1)
    truth = [localise.runs(row).numpy() for row in held["frame_label"]]

    def judged():
        with torch.no_grad():
            pred = model.eval()(*(held[name] for name in model.reads))
        return metrics.ap_at_iou(localise.proposals(pred.parts), truth, 0.5), metrics.auroc(pred.logit.numpy(), held["label"].numpy())

    before, optimiser = judged(), torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(12):
        for rows in torch.randperm(128).split(32):
            optimiser.zero_grad()
            mmmsba.total_loss(model.train(), {name: value[rows] for name, value in data.items()})["total"].backward()
            optimiser.step()
    after = judged()
    assert before[0] < 0.3 and after[0] > 0.85 and after[1] > 0.9, (before, after)


# ------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("config", [{"family": "mmms"}, {"modalities": ()}, {"modalities": ("voice",)}, {"modalities": "face"},
                                    {"modality_dropout": 2}, {"stride": 0}])
def test_wrong_options_are_told(config):
    with pytest.raises(AvlabError):
        mmmsba.build("small", **config)


def test_wrong_features_are_told():
    with pytest.raises(AvlabError, match="mask"):
        small()(*clips(), torch.ones(3, 20))
    with pytest.raises(AvlabError, match="inputs"):
        mmmsba.build("small")(*clips())
    with pytest.raises(AvlabError, match="sizes"):
        mmmsba.build("huge")
