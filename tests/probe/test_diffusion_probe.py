"""The probe's wiring, on random weights: what it measures is checked by a second route, call by call."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from avlab.errors import AvlabError
from avlab.probe import bundled
from avlab.probe.attention import AttentionStore, last_layer
from avlab.probe.ddim import Schedule, ddim_invert, ddim_sample
from avlab.probe.diffusion_probe import PSI_T, DiffusionProbe, central_square, prepare


@dataclass
class FakeClip:
    frames: np.ndarray
    audio: np.ndarray | None
    fps: float = 25
    sample_rate: int = 16_000
    row: object = None
    clip_id: str = "made"


@pytest.fixture(scope="module")
def probe():
    torch.manual_seed(0)
    vae, audio, unet = bundled.build()
    nets = [net.eval().requires_grad_(False) for net in (vae, audio, unet)]
    return DiffusionProbe(*nets, Schedule.ddim(steps=4), last_layer(unet, "cross").name)


def clip_of(n_frames, seed=0, size=64):
    rng = np.random.default_rng(seed)
    return FakeClip(rng.integers(0, 256, (n_frames, size, size, 3), dtype=np.uint8), rng.uniform(-0.3, 0.3, n_frames * 640).astype(np.float32))


def counted(probe, run):
    calls = []
    handle = probe.unet.register_forward_pre_hook(lambda net, args: calls.append(1))
    try:
        return run(), len(calls)
    finally:
        handle.remove()


def test_phi_and_psi_equal_the_steps_taken_by_hand(probe):
    clip = clip_of(16)
    z0 = probe.encode(clip.frames[None])
    denoise = probe.denoiser(z0[:, :, 0], probe.tokens(clip.audio[None]))
    z_T = ddim_invert(denoise, z0, probe.schedule)
    made = probe.decode(ddim_sample(denoise, z_T, probe.schedule))[0].permute(3, 0, 1, 2)
    x = torch.from_numpy(clip.frames).float().permute(3, 0, 1, 2) / 255
    probed = probe(clip)
    torch.testing.assert_close(probed.frames, x)
    torch.testing.assert_close(probed.inverted, probe.decode(z_T)[0].permute(3, 0, 1, 2))
    torch.testing.assert_close(probed.residual, (x - made).abs())
    torch.testing.assert_close(probed.latents["z_T"], z_T[0])
    assert probed.calls == 9 and probed.clip_id == "made"


def test_psi_is_what_one_call_on_the_clean_latent_writes(probe):
    clip = clip_of(16)
    z0 = probe.encode(clip.frames[None])
    seen = []
    layer = probe.unet.up_blocks[-1].attentions[-1].transformer_blocks[0].attn2
    handle = layer.register_forward_hook(lambda net, args, out: seen.append(out))
    bundled.predict_v(probe.unet, z0, PSI_T, z0[:, :, 0], probe.tokens(clip.audio[None]))
    handle.remove()
    want = seen[0].reshape(16, 16, 16, -1).permute(3, 0, 1, 2)  # (frames, h, w, D) -> (D, T, h, w)
    alone, calls = counted(probe, lambda: probe.psi(clip))
    assert calls == 1 and alone.composite is None
    torch.testing.assert_close(alone.av_attention, want, rtol=0, atol=0)


def test_psi_of_the_round_trip_is_the_first_inversion_step(probe):
    """Trap X4: t = 24 also ends the reconstruction; with 40 steps on the grid the record must come from the clean latent."""
    real = DiffusionProbe(probe.vae, probe.audio, probe.unet, Schedule.ddim(steps=40), probe.layer)
    clip = clip_of(16, seed=1)
    both, calls = counted(probe, lambda: real(clip))
    assert calls == 80
    torch.testing.assert_close(both.av_attention, real.psi(clip).av_attention, rtol=0, atol=0)


def test_chunks_do_not_know_each_other_and_the_remainder_is_dropped(probe):
    clip = clip_of(37, seed=2)
    probed = probe.psi(clip)
    assert probed.av_attention.shape[1] == 32 and "last 5 frames" in probed.notes[0]
    second = FakeClip(clip.frames[16:32], clip.audio[16 * 640 : 32 * 640])
    torch.testing.assert_close(probed.av_attention[:, 16:], probe.psi(second).av_attention, rtol=1e-4, atol=1e-5)


def test_tokens_hear_two_frames_to_either_side(probe):
    clip = clip_of(16, seed=3)
    changed = clip.audio.copy()
    changed[8 * 640 + 320] += 0.5  # a click in the middle of frame 8, inside the 32 ms windows of its own columns only
    a, b = (probe.tokens(x[None]).reshape(16, -1) for x in (clip.audio, changed))
    moved = set(torch.nonzero((a - b).abs().amax(1) > 1e-5).flatten().tolist())
    assert moved == {6, 7, 8, 9, 10}


def test_every_frame_hears_its_own_tokens(probe):
    """Cross-attention maps tokens frame by frame: with the temporal layers' output removed, frame 3's sound reaches frame 3 alone."""
    layer = last_layer(probe.unet, "cross", "down.0").name
    z = torch.randn(1, 4, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    tokens = torch.randn(16, 16, 64, generator=torch.Generator().manual_seed(1))
    other = tokens.clone()
    other[3] = -other[3]
    maps = []
    for given in (tokens, other):
        with AttentionStore(probe.unet, layers=[layer]) as store:
            bundled.predict_v(probe.unet, z, 24, z[:, :, 0], given)
        maps.append(store.map(layer, 24)[0])
    moved = (maps[0] - maps[1]).abs().amax((0, 2, 3)) > 1e-6
    assert torch.nonzero(moved).flatten().tolist() == [3]


@pytest.mark.parametrize(("clip", "sentence"), [
    (FakeClip(np.zeros((16, 64, 64, 3), np.uint8), None), "without sound"),
    (FakeClip(np.zeros((15, 64, 64, 3), np.uint8), np.zeros(9600, np.float32)), "window is 16 frames"),
    (FakeClip(np.zeros((16, 64, 64, 3), np.uint8), np.zeros(9600, np.float32), fps=30), "25 fps"),
])
def test_what_cannot_be_measured_is_refused_with_its_rule(probe, clip, sentence):
    with pytest.raises(AvlabError, match=sentence):
        probe(clip)


def test_foreign_sizes_are_cut_to_the_central_square():
    frames = torch.zeros(1, 128, 256, 3, dtype=torch.uint8)
    frames[:, :, 64:192, 0] = 200  # the central square is red, the margins are not
    frames[:, :64, 64:192, 1] = 100  # and its upper half is yellow
    small = central_square(frames)
    assert small.shape == (1, 64, 64, 3) and (small[..., 0] == 200).all()
    assert (small[:, :32, :, 1] == 100).all() and (small[:, 32:, :, 1] == 0).all()
    clip = FakeClip(frames.expand(16, -1, -1, -1).numpy(), np.zeros(16 * 640, np.float32))
    assert "central square" in prepare(clip)[2][0] and "knows no real people" in prepare(clip)[2][1]


def test_mouth_cells_are_those_that_hold_mouth_pixels():
    regions = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    regions[0, 0, 41, 30] = 2
    regions[0, 0, 0, 0] = 1
    cells = bundled.mouth_weights(regions)
    assert torch.nonzero(cells).tolist() == [[0, 0, 10, 7]]


def test_weights_survive_saving_and_damage_is_named(tmp_path, probe):
    path = tmp_path / "probe.safetensors"
    bundled.save(probe.vae, probe.audio, probe.unet, path)
    vae, audio, unet = bundled.load(path)
    for kept, given in ((vae, probe.vae), (audio, probe.audio), (unet, probe.unet)):
        for key, value in given.state_dict().items():
            torch.testing.assert_close(kept.state_dict()[key], value.half().float(), rtol=0, atol=0)
    path.with_suffix(".json").write_text('{"sha256": "00"}')
    with pytest.raises(AvlabError, match="card"):
        bundled.load(path)
    path.with_suffix(".json").unlink()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(AvlabError, match="must fit its networks"):
        bundled.load(path)
    with pytest.raises(AvlabError, match="avlab train probe"):
        bundled.load(tmp_path / "absent.safetensors")


def test_the_random_control_keeps_the_ears_filters_and_nothing_else(probe):
    control, again = DiffusionProbe.random(like=probe, seed=5), DiffusionProbe.random(like=probe, seed=5)
    assert torch.equal(control.audio.mel, probe.audio.mel) and control.vae is probe.vae
    w = "up_blocks.1.attentions.1.transformer_blocks.0.attn2.to_q.weight"
    assert torch.equal(control.unet.state_dict()[w], again.unet.state_dict()[w]) and not torch.equal(control.unet.state_dict()[w], probe.unet.state_dict()[w])
