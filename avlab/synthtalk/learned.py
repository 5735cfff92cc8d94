"""The learned forgers: how the networks of forger_nets.py turn a true shot into a forged one.

reenact   the whole picture through an autoencoder, its inner face pasted: some of the finest detail is lost
lipsync   the lower face from sound and a reference, by one pass: over-smooth, and late because it plays out before its window is full
ldm       the inner face from its upper half, a reference and the sound, by diffusion of a latent code (cosine schedule, 5 steps of DDIM)
flow      the lower face as lipsync sees it, but sampled from noise along a straight path (4 Euler steps)

A forger has the film and the sound, never the phonemes. Imported only when one is asked for or trained, because it needs torch.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch

from ..errors import AvlabError
from . import aligned, face
from .forger_nets import NETS, cosine_abar

WEIGHTS = Path(__file__).parent.parent / "weights"
ABOVE = 0.16  # head coordinate y: a mouth forger sees only what lies higher, as the jaw would give the opening away
LATE_S = 0.06  # of lipsync: it draws the lips of its window's middle, but cannot wait until the 100 ms behind that are heard
DIFFUSION_STEPS, FLOW_STEPS = 5, 4


# ------------------------------------------------------------------------------------------------ forging


def forge(name, shot, rng, matched, *, net=None):
    """Forge a shot: pictures float32 (T, 64, 64, 3), bool mask (T, 64, 64), and the opening read from what was drawn (T,).

    name     one of NETS;  shot  render.Shot;  rng  numpy generator
    matched  (made, clean, mask, rng) -> made with about the true detail: the last step that all forgers share (forgers.finish)
    net      a network of that kind; the bundled one if left out
    """
    x, y, _ = face.head_coordinates(shot.move)
    mask = (lower_face(x, y) if name in ("lipsync", "flow") else face.inner_face(shot.who, x, y))[..., None]
    with _one_thread():
        made = {"reenact": _reenact, "lipsync": _lipsync, "ldm": _ldm, "flow": _flow}[name](net or load(name), shot, rng)
    made = shot.clean + mask * (matched(made, shot.clean, mask, rng) - shot.clean)
    return made, mask[..., 0] > 0.5, aligned.opening_of(shot.who, aligned.cut(made, shot.move, aligned.LOWER))


def lower_face(x, y):
    """Soft mask (T, 64, 64) of nose to chin, where a mouth forger blends: wide enough to cover a mouth that was open before."""
    return np.exp(-(((x / 0.42) ** 2 + ((y - 0.44) / 0.30) ** 2) ** 4)).astype(np.float32)


def _reenact(net, shot, rng):
    return _picture(net(_tensor(shot.clean)))


def _lipsync(net, shot, rng):
    crops = _tensor(aligned.cut(shot.clean, shot.move, aligned.LOWER))
    heard = _heard(shot, LATE_S * rng.uniform(0.7, 1.3))
    return aligned.paste(_picture(net(above(crops, aligned.LOWER), _reference(crops), heard)), shot.move, aligned.LOWER)


def _flow(net, shot, rng):
    crops = _tensor(aligned.cut(shot.clean, shot.move, aligned.LOWER))
    upper, reference, heard = above(crops, aligned.LOWER), _reference(crops), _heard(shot)
    x = euler(lambda x, time: net(x, upper, reference, heard, time), _noise(rng, crops), FLOW_STEPS)
    return aligned.paste(_picture(reference + net.SPREAD * x), shot.move, aligned.LOWER)


def _ldm(net, shot, rng):
    crops = _tensor(aligned.cut(shot.clean, shot.move, aligned.INNER))
    upper, heard = net.codec.encode(above(crops, aligned.INNER)), _heard(shot)
    reference = _reference(net.codec.encode(crops[:1]), len(crops))
    z = ddim(lambda z, time: net(z, upper, reference, heard, time), _noise(rng, reference), DIFFUSION_STEPS)
    return aligned.paste(_picture(net.codec.decode(z)), shot.move, aligned.INNER)


def euler(velocity, x, steps):
    """Follow dx/dt = velocity(x, t) from t = 0 (noise) to 1 (data) in equal steps; t is handed over as (N,)."""
    for step in range(steps):
        x = x + velocity(x, torch.full((len(x),), step / steps)) / steps
    return x


def ddim(denoise, z, steps):
    """DDIM without noise (Song et al. 2021, eq. 12) from time 1 (noise) to 0 on the cosine schedule; denoise(z, time (N,)) -> clean z."""
    times = torch.linspace(1, 0, steps + 1, dtype=z.dtype)
    for time, after in zip(times[:-1], times[1:], strict=True):
        now, then = cosine_abar(time), cosine_abar(after)
        clean = denoise(z, time.expand(len(z)))
        z = then.sqrt() * clean + (1 - then).sqrt() * (z - now.sqrt() * clean) / (1 - now).sqrt()
    return z


def above(picture, grid):
    """Hide everything below the nose: (N, 3, h, w) -> the same with 0.5 there."""
    hidden = torch.from_numpy(grid.rows > ABOVE)[None, None, :, None]
    return torch.where(hidden, torch.tensor(0.5), picture)


def _reference(crops, n_frames=None):
    """The film's first frame, beside every frame."""
    return crops[:1].expand(n_frames or len(crops), -1, -1, -1)


def _heard(shot, late_s=0.0):
    return torch.from_numpy(aligned.windows(aligned.log_mel(shot.sound), len(shot.clean), shot.fps, late_s))


def _noise(rng, like):
    """One noise picture for all frames of a film: with fresh noise in every frame the face would flicker."""
    return torch.from_numpy(rng.standard_normal((1, *like.shape[1:])).astype(np.float32)).expand(len(like), -1, -1, -1)


def _tensor(pictures):
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32))


def _picture(tensor):
    """(T, 3, h, w) -> (T, h, w, 3) in steps of 1/255: a generator writes bytes, and last bits that differ between processors end here."""
    return (tensor.clamp(0, 1) * 255).round().div(255).permute(0, 2, 3, 1).numpy()


@contextmanager
def _one_thread():
    """No gradients, and one thread: the order of sums, and so the bytes, must not depend on how many cores there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(threads)


# ------------------------------------------------------------------------------------------------ weights


@cache
def load(name):
    """The bundled network of a forger, float32 in eval mode. Raises AvlabError where its file is missing or not the one of its card."""
    return read(name, WEIGHTS / f"forger_{name}.safetensors")


def read(name, path):
    """The network `name` with weights from `path`; a card beside it (.json) must name their sha256. Raises AvlabError if anything does not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    path = Path(path)
    if not path.is_file():
        raise AvlabError("A learned forger's weights must lie beside the package", got=path.name, todo=f"Run `avlab train forger {name}`, or reinstall avlab")
    data, card = path.read_bytes(), path.with_suffix(".json")
    if card.is_file() and json.loads(card.read_text())["sha256"] != hashlib.sha256(data).hexdigest():
        raise AvlabError("Weights must be the ones their card describes", got=path.name)
    net = NETS[name]()
    try:
        net.load_state_dict({key: value.float() for key, value in from_bytes(data).items()})
    except (SafetensorError, RuntimeError) as error:
        raise AvlabError("A forger's weights must fit its network", got=f"{path.name}: {str(error)[:120]}") from error
    return net.eval().requires_grad_(False)


def save(net, path):
    """Write a network as one safetensors file in half precision; replaces `path` in one step."""
    from safetensors.torch import save_file

    partial = Path(path).with_suffix(".partial")
    save_file({key: value.detach().half().contiguous() for key, value in net.state_dict().items()}, partial)
    partial.chmod(0o644)  # safetensors makes it private
    partial.replace(path)
