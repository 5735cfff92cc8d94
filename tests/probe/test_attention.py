"""AttentionStore against a plain recomputation from the layers' own weights, and against the ways it could lie."""

import pytest
import torch
from diffusers import UNetMotionModel

from avlab.errors import AvlabError
from avlab.probe import attention
from avlab.probe.attention import AttentionStore, count_hooks, last_layer, layers, to_map

B, T, H, W, L = 2, 3, 6, 4, 5  # all different, so that no two axes can be exchanged unseen


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    blocks = ("CrossAttn{}BlockMotion",) * 2
    net = UNetMotionModel(sample_size=(H, W), in_channels=8, out_channels=4, block_out_channels=(32, 64), layers_per_block=1,
                          down_block_types=tuple(b.format("Down") for b in blocks), up_block_types=tuple(b.format("Up") for b in blocks),
                          cross_attention_dim=64, norm_num_groups=8, num_attention_heads=2, motion_num_attention_heads=2)
    return net.double().eval().requires_grad_(False)


def pass_through(unet, t=24, seed=0, **change):
    g = torch.Generator().manual_seed(seed)
    dtype = next(unet.parameters()).dtype
    sample = torch.randn(B, 8, T, H, W, generator=g, dtype=torch.float64).to(dtype)
    tokens = torch.randn(B * T, L, 64, generator=g, dtype=torch.float64).to(dtype)
    return unet(change.get("sample", sample), t, change.get("tokens", tokens)).sample


def plain(module, hidden, context=None):
    """softmax(Q K^T / sqrt(d)) V W_o head by head, from the weights alone."""
    context = hidden if context is None else context
    q, k, v = (x @ y.weight.T + (0 if y.bias is None else y.bias) for x, y in ((hidden, module.to_q), (context, module.to_k), (context, module.to_v)))
    d = q.shape[-1] // module.heads
    probs, outs = [], []
    for i in range(module.heads):
        part = slice(i * d, (i + 1) * d)
        scores = torch.einsum("bnd,bmd->bnm", q[..., part], k[..., part]) / d**0.5
        probs.append(scores.exp() / scores.exp().sum(-1, keepdim=True))
        outs.append(probs[-1] @ v[..., part])
    return torch.stack(probs, 1), torch.cat(outs, -1) @ module.to_out[0].weight.T + module.to_out[0].bias


def inputs_of(unet, path, run):
    """What really went into one attention layer, seen by a hook of the test's own."""
    seen = []
    handle = unet.get_submodule(path).register_forward_pre_hook(lambda m, a, k: seen.append((a[0], k.get("encoder_hidden_states"))), with_kwargs=True)
    run()
    handle.remove()
    return seen[0]


def test_layers_lists_every_attention_once_with_its_kind(unet):
    found = layers(unet)
    assert len(found) == len({x.name for x in found}) == len(unet.attn_processors)
    assert {x.path + ".processor" for x in found} == set(unet.attn_processors)
    cross = [x for x in found if x.kind == "cross"]
    assert all(unet.get_submodule(x.path).to_k.in_features == 64 for x in cross)
    assert [x.block for x in cross] == ["down.0", "down.1", "mid", "up.0", "up.0", "up.-1", "up.-1"]
    assert {x.block: x.grid for x in found} == {"down.0": (6, 4), "down.1": (3, 2), "mid": (3, 2), "up.0": (3, 2), "up.-1": (6, 4)}
    assert {x.block: x.channels for x in found} == {"down.0": 32, "down.1": 64, "mid": 64, "up.0": 64, "up.-1": 32}
    assert last_layer(unet, "cross").path == "up_blocks.1.attentions.1.transformer_blocks.0.attn2" == last_layer(unet, "cross", "up.1").path
    assert last_layer(unet, "temporal").path == "up_blocks.1.motion_modules.1.transformer_blocks.0.attn2"


def test_a_middle_block_without_motion_has_no_temporal_layer():
    net = UNetMotionModel(sample_size=4, block_out_channels=(8, ), layers_per_block=1, down_block_types=("CrossAttnDownBlockMotion", ),
                          use_motion_mid_block=False, up_block_types=("CrossAttnUpBlockMotion", ), cross_attention_dim=8, norm_num_groups=4,
                          num_attention_heads=1, motion_num_attention_heads=1)
    assert last_layer(net, "cross", "mid").path == "mid_block.attentions.0.transformer_blocks.0.attn2"
    with pytest.raises(AvlabError, match="no temporal"):
        last_layer(net, "temporal", "mid")


def test_layers_come_in_the_order_of_the_pass(unet):
    met, handles = [], []
    for x in layers(unet):
        handles.append(unet.get_submodule(x.path).register_forward_hook(lambda *_, name=x.name: met.append(name)))
    pass_through(unet)
    for handle in handles:
        handle.remove()
    assert met == [x.name for x in layers(unet)]


@pytest.mark.parametrize("kind", attention.KINDS)
@pytest.mark.parametrize("dtype,tolerance", [(torch.float64, 1e-12), (torch.float32, 2e-6)])
def test_outputs_and_probabilities_equal_a_plain_recomputation(unet, kind, dtype, tolerance):
    net = unet.to(dtype)
    try:
        for layer in layers(net, kind):
            hidden, context = inputs_of(net, layer.path, lambda: pass_through(net))
            probs, out = plain(net.get_submodule(layer.path), hidden, context)
            with AttentionStore(net, layers=[layer.name], probabilities=True) as store:
                pass_through(net)
            assert store.seen == (24,)
            assert (store.outputs[layer.name, 24] - out).abs().max() < tolerance
            got = store.probabilities(layer.name, 24)
            assert (got - probs).abs().max() < tolerance
            assert (got.sum(-1) - 1).abs().max() < tolerance and got.min() >= 0
            assert out.min() < 0  # psi is signed: nobody may call it a probability
    finally:
        unet.to(torch.float64)


def test_chunks_and_pooled_equal_the_whole_map(unet):
    name = last_layer(unet, "cross").name
    with AttentionStore(unet, layers=[name], probabilities=[name]) as store:
        pass_through(unet)
    whole = store.probabilities(name, 24)
    pieces = list(store.chunks(name, 24, size=1))  # one row at a time, whatever the size
    assert [first for first, _ in pieces] == list(range(B * T))
    assert torch.allclose(torch.cat([p for _, p in pieces]), whole, atol=1e-13)
    weights = torch.rand(B * T, 3, H * W, dtype=torch.float64)
    weights = weights / weights.sum(-1, keepdim=True)
    pooled = store.pooled(name, 24, weights, size=1)
    assert torch.allclose(pooled, torch.einsum("brn,bhnm->bhrm", weights, whole), atol=1e-12)
    assert torch.allclose(pooled.sum(-1), torch.ones(B * T, 2, 3, dtype=torch.float64))
    assert torch.allclose(store.probabilities(name, 24, rows=slice(2, 4)), whole[2:4], atol=1e-13)


def test_a_large_map_is_refused_whole_and_given_in_chunks(unet, monkeypatch):
    name = last_layer(unet, "spatial").name
    monkeypatch.setattr(attention, "MAX_PROBABILITIES", 100)
    with AttentionStore(unet, layers=[name], probabilities=True) as store:
        pass_through(unet)
    with pytest.raises(AvlabError, match="chunks"):
        store.probabilities(name, 24)
    assert sum(len(p) for _, p in store.chunks(name, 24)) == B * T


def test_without_probabilities_no_query_or_key_is_kept(unet):
    name = last_layer(unet, "cross").name
    with AttentionStore(unet, layers=[name]) as store:
        inside = count_hooks(unet)
        pass_through(unet)
    assert inside == 3  # the label in, the label out, one layer: nothing on Q or K
    with pytest.raises(AvlabError):
        store.probabilities(name, 24)


def test_the_network_is_the_same_before_inside_and_after(unet):
    processors = dict(unet.attn_processors)
    before = pass_through(unet)
    with AttentionStore(unet, kinds=attention.KINDS, probabilities=True):
        inside = pass_through(unet)
        assert count_hooks(unet) > 0
    assert torch.equal(before, inside) and torch.equal(before, pass_through(unet))
    assert count_hooks(unet) == 0
    assert all(unet.attn_processors[k] is v for k, v in processors.items())  # same objects, the fused kernel


def test_an_exception_inside_leaves_no_hook(unet):
    with pytest.raises(ZeroDivisionError), AttentionStore(unet) as store:
        pass_through(unet)
        1 / 0
    assert count_hooks(unet) == 0 and store.seen == (24,)
    with pytest.raises(Exception), AttentionStore(unet) as store:  # the pass itself fails half way
        pass_through(unet, tokens=torch.zeros(B * T, L, 63, dtype=torch.float64))
    assert count_hooks(unet) == 0 and store._now is None


def test_a_failure_while_entering_leaves_no_hook(unet, monkeypatch):
    monkeypatch.setattr(unet.get_submodule(last_layer(unet, "cross").path), "fused_projections", True)
    with pytest.raises(AvlabError, match="fused"):
        AttentionStore(unet, probabilities=True).__enter__()
    assert count_hooks(unet) == 0


def test_hooks_of_others_survive(unet):
    seen = []
    handle = unet.register_forward_hook(lambda *_: seen.append(1))
    with AttentionStore(unet):
        pass_through(unet)
    pass_through(unet)
    handle.remove()
    assert len(seen) == 2


def test_a_second_timestep_does_not_overwrite_the_first(unet):
    name = last_layer(unet, "cross").name
    alone = {}
    for t in (24, 49):
        with AttentionStore(unet, layers=[name]) as store:
            pass_through(unet, t)
        alone[t] = store.outputs[name, t]
    with AttentionStore(unet, layers=[name]) as store:
        pass_through(unet, torch.tensor(24))
        pass_through(unet, torch.tensor([49, 49]))
    assert store.seen == (24, 49) and not torch.equal(alone[24], alone[49])
    assert all(torch.equal(store.outputs[name, t], alone[t]) for t in (24, 49))


def test_a_repeated_label_is_refused_or_decided(unet):
    name = last_layer(unet, "cross").name
    def twice(repeat):
        with AttentionStore(unet, layers=[name], repeat=repeat, probabilities=True) as store:
            pass_through(unet, 24, seed=1)
            pass_through(unet, 24, seed=2)
        return store.outputs[name, 24], store.probabilities(name, 24)
    with pytest.raises(AvlabError, match="twice"):
        twice("refuse")
    assert count_hooks(unet) == 0
    with AttentionStore(unet, layers=[name], probabilities=True) as store:
        pass_through(unet, 24, seed=1)
        first = store.outputs[name, 24], store.probabilities(name, 24)
        store.clear()
        pass_through(unet, 24, seed=2)
    assert all(map(torch.equal, twice("first"), first))
    assert all(map(torch.equal, twice("last"), (store.outputs[name, 24], store.probabilities(name, 24))))


def test_a_timestep_that_never_came_is_an_error_not_none(unet):
    name = last_layer(unet, "cross").name
    with AttentionStore(unet, timesteps=(24,)) as store:
        pass_through(unet, 25)  # leading spacing: 1, 26, 51, ... never 24
    for read in (lambda: store.outputs[name, 24], lambda: store.map(name, 24), lambda: store.outputs.get((name, 24))):
        with pytest.raises(AvlabError):
            read()
    with AttentionStore(unet) as store:
        pass_through(unet, 1)
    with pytest.raises(AvlabError, match="trailing"):
        store.map(name, 24)


@pytest.mark.parametrize("bad", [dict(kinds=("audio",)), dict(layers=["up.-1.cross.7"]), dict(probabilities=["mid.spatial.0"]), dict(repeat="both")])
def test_wrong_arguments_are_refused_before_a_hook_is_put(unet, bad):
    with pytest.raises(AvlabError):
        AttentionStore(unet, **bad)
    assert count_hooks(unet) == 0


def test_mixed_timesteps_and_a_bypassed_call_are_refused(unet):
    with pytest.raises(AvlabError, match="one timestep"), AttentionStore(unet):
        pass_through(unet, torch.tensor([24, 49]))
    with pytest.raises(AvlabError, match="not known"), AttentionStore(unet):
        unet.forward(torch.zeros(1, 8, T, H, W, dtype=torch.float64), 24, torch.zeros(T, L, 64, dtype=torch.float64))
    assert count_hooks(unet) == 0


@pytest.mark.parametrize("kind", attention.KINDS)
def test_to_map_puts_every_token_where_it_says(kind):
    b, t, h, w = 2, 3, 4, 5
    where = torch.stack(torch.meshgrid(*[torch.arange(n) for n in (b, t, h, w)], indexing="ij"), -1)  # (b, t, h, w, 4)
    tokens = where.permute(0, 2, 3, 1, 4).reshape(b * h * w, t, 4) if kind == "temporal" else where.reshape(b * t, h * w, 4)
    film = to_map(tokens, kind, b, t, h, w)
    assert film.shape == (b, 4, t, h, w)
    assert torch.equal(film.permute(0, 2, 3, 4, 1), where)
    with pytest.raises(AvlabError):
        to_map(tokens[:-1], kind, b, t, h, w)


def test_maps_have_the_layers_own_grid(unet):
    with AttentionStore(unet, kinds=attention.KINDS) as store:
        pass_through(unet)
    for x in layers(unet):
        assert store.map(x.name, 24).shape == (B, x.channels, T, *x.grid)


def test_the_kinds_read_what_they_say(unet):
    """Only cross attention may move when the sound alone moves, ahead of any layer that has heard it: a tap on the wrong kind is seen."""
    first = {kind: layers(unet, kind)[0].name for kind in ("spatial", "cross")}
    runs = []
    for seed in (1, 2):
        tokens = torch.randn(B * T, L, 64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        with AttentionStore(unet, layers=list(first.values())) as store:
            pass_through(unet, tokens=tokens)
        runs.append(store)
    moved = {kind: (runs[0].map(name, 24) - runs[1].map(name, 24)).abs().max().item() for kind, name in first.items()}
    assert moved["spatial"] == 0.0 and moved["cross"] > 1e-3


def test_temporal_attention_mixes_frames_and_spatial_does_not(unet):
    """Change one frame: at the first layers, spatial attention moves in that frame alone, temporal in all."""
    names = {kind: layers(unet, kind)[0].name for kind in ("spatial", "temporal")}
    sample = torch.randn(B, 8, T, H, W, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    other = sample.clone()
    other[:, :, 1] += torch.randn(B, 8, H, W, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    maps = []
    for x in (sample, other):
        with AttentionStore(unet, layers=list(names.values())) as store:
            pass_through(unet, sample=x)
        maps.append({kind: store.map(name, 24) for kind, name in names.items()})
    moved = {kind: (maps[0][kind] - maps[1][kind]).abs().amax((0, 1, 3, 4)) for kind in names}
    assert moved["spatial"][1] > 1e-3 and moved["spatial"][[0, 2]].max() == 0
    assert moved["temporal"].min() > 1e-4
