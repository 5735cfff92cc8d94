"""Training of the learned forgers on clean pictures and sounds of SynthTalk's training people; no forger, label or phoneme is used.

Resumable: a checkpoint every minute holds weights, optimiser and random state, so a resumed run ends with the very same weights.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import AvlabError
from . import aligned, face, forger_nets, learned, speech

PEOPLE = 60  # identities 0..59: the split train of data_manifests/synthtalk.csv
FPS, SECONDS, EVERY = 25, 0.64, 2  # every other frame of clips as long as the probe's
CHECKPOINT_S = 60


@dataclass(frozen=True)
class Recipe:
    """Everything that the weights depend on besides the code."""

    seed: int = 0
    clips: int = 1200  # of 0.64 s, of which every other frame is used
    steps: int = 1500
    codec_steps: int = 0  # ldm only: steps of its autoencoder, which is trained first
    codec_batch: int = 0
    batch: int = 32  # frames
    lr: float = 2e-3
    average: float = 0.995  # decay of the averaged weights, which are the ones kept


RECIPES = {"reenact": Recipe(steps=1200, batch=16), "lipsync": Recipe(steps=1600, seed=1),
           "ldm": Recipe(steps=1600, codec_steps=900, codec_batch=16, seed=2), "flow": Recipe(steps=1600, batch=24, seed=3)}


# ------------------------------------------------------------------------------------------------ data


def example(index: int):
    """Training clip `index`: clean uint8 pictures (8, 64, 64, 3), crops LOWER and INNER of them, and what each frame hears (8, 512)."""
    from .render import voice

    identity, n_frames = index % PEOPLE, round(SECONDS * FPS)
    utterance = speech.utter(40_000_000 + index, SECONDS)
    move = face.motion(41_000_000 + index, n_frames, FPS)
    move = face.Motion(**{name: value[::EVERY] for name, value in vars(move).items()})
    scene, clothes = face.background(42_000_000 + index)
    clean, _ = face.draw(face.person(identity), move, speech.visemes(utterance, n_frames, FPS)[::EVERY], scene, clothes)
    sound = speech.speak(utterance, voice(identity), SECONDS, 40_000_000 + index)
    heard = aligned.windows(aligned.log_mel(sound), n_frames, FPS)[::EVERY]
    pictures = (clean, aligned.cut(clean, move, aligned.LOWER), aligned.cut(clean, move, aligned.INNER))
    return (*(_bytes(picture) for picture in pictures), heard.astype(np.float16))


def _bytes(picture):
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def render_data(work, clips, say=print):
    """Render the training clips into memory maps under `work` (once): {"whole", "lower", "inner", "heard"}, each (clips, 8, ...)."""
    names, frames = ("whole", "lower", "inner", "heard"), round(SECONDS * FPS) // EVERY
    shapes = ((64, 64, 3), (aligned.LOWER.height, aligned.LOWER.width, 3), (aligned.INNER.height, aligned.INNER.width, 3), (aligned.COLUMNS * aligned.BANDS,))
    done = work / f"clips-{clips}.done"
    paths = {name: work / f"{name}-{clips}.npy" for name in names}
    if not done.exists():
        maps = [np.lib.format.open_memmap(paths[name], "w+", np.float16 if name == "heard" else np.uint8, (clips, frames, *shape))
                for name, shape in zip(names, shapes, strict=True)]
        for index in range(clips):
            for target, value in zip(maps, example(index), strict=True):
                target[index] = value
            if index % 100 == 0:
                say(f"rendered {index} of {clips}")
        for target in maps:
            target.flush()
        done.touch()
    return {name: np.load(path, mmap_mode="r") for name, path in paths.items()}


class Batches:
    """Draws frames, references of the same clip and what they hear, under one change of colours; all randomness is in the two generators."""

    def __init__(self, data, size, stage):
        self.data, self.size, self.stage = data, size, stage

    def whole(self):
        clip, frame, _ = self._picks()
        return self._tensor("whole", clip, frame) * self._colours()

    def inner(self):
        clip, frame, _ = self._picks()
        return self._tensor("inner", clip, frame) * self._colours()

    def talking(self, name):
        """Target, reference (both (N, 3, h, w) in 0..1) and sound (N, 512)."""
        clip, frame, other = self._picks()
        colours = self._colours()
        heard = torch.from_numpy(self.data["heard"][clip, frame].astype(np.float32))
        heard = heard + 0.15 * self._normal(self.size, 1) + 0.05 * self._normal(*heard.shape)
        return self._tensor(name, clip, frame) * colours, self._tensor(name, clip, other) * colours, heard

    def _picks(self):
        clips, frames = self.data["whole"].shape[:2]
        frame = self.stage.rng.integers(0, frames, self.size)
        return self.stage.rng.integers(0, clips, self.size), frame, (frame + self.stage.rng.integers(1, frames, self.size)) % frames

    def _tensor(self, name, clip, frame):
        return torch.from_numpy(self.data[name][clip, frame].astype(np.float32) / 255).permute(0, 3, 1, 2)

    def _colours(self):
        return 1 + 0.06 * self._normal(self.size, 3, 1, 1)

    def _normal(self, *shape):
        return torch.randn(shape, generator=self.stage.torch_rng)

    def noise(self, like):
        return self._normal(*like.shape)

    def times(self):
        return torch.rand(self.size, generator=self.stage.torch_rng)


# ------------------------------------------------------------------------------------------------ losses


def mouth_weight(grid):
    """Where the mouth is in a crop, (1, 1, height, width) in 0.1..1.1: there mistakes cost most."""
    x, y = np.meshgrid(grid.columns, grid.rows)
    return torch.from_numpy(0.1 + face.mouth_box(None, x, y)).float()[None, None]


def face_weight():
    """Where the inner face is in most pictures, (1, 1, 64, 64) in 0.1..1.1: only that is pasted."""
    axis = (np.arange(face.SIZE) + 0.5) * face.PIXEL - 1
    x, y = np.meshgrid(axis, axis)
    return torch.from_numpy(0.1 + np.exp(-(((x / 0.62) ** 2 + ((y - 0.15) / 0.75) ** 2) ** 4))).float()[None, None]


def reenact_loss(net, batches):
    picture = batches.whole()
    error = net(picture) - picture
    return ((error.abs() + 4 * error.square()) * face_weight()).mean()


def lipsync_loss(net, batches):
    target, reference, heard = batches.talking("lower")
    error = net(learned.above(target, aligned.LOWER), reference, heard) - target
    return (error.abs() * mouth_weight(aligned.LOWER)).mean()


def flow_loss(net, batches):
    target, reference, heard = batches.talking("lower")
    data = (target - reference) / net.SPREAD
    noise, time_ = batches.noise(data), batches.times()
    t = time_[:, None, None, None]
    found = net((1 - t) * noise + t * data, learned.above(target, aligned.LOWER), reference, heard, time_)
    scale = ((1 - t) ** 2 + t**2 * net.SIGMA**2) / net.SIGMA**2  # back to the unit variance of the network's own target
    return ((found - (data - noise)).square() * scale * mouth_weight(aligned.LOWER)).mean()


def codec_loss(net, batches):
    picture = batches.inner()
    code = net.encode(picture)
    error = net.decode(code + 0.03 * batches.noise(code)) - picture
    return (error.abs() * (0.5 + mouth_weight(aligned.INNER))).mean() + 1e-4 * code.square().mean()


def ldm_loss(net, batches):
    target, reference, heard = batches.talking("inner")
    with torch.no_grad():
        clean, above, beside = (net.codec.encode(picture) for picture in (target, learned.above(target, aligned.INNER), reference))
    noise, time_ = batches.noise(clean), batches.times()
    abar = forger_nets.cosine_abar(time_)[:, None, None, None]
    found = net(abar.sqrt() * clean + (1 - abar).sqrt() * noise, above, beside, heard, time_)
    weight = torch.nn.functional.avg_pool2d(0.4 + mouth_weight(aligned.INNER), 4)
    return ((found - clean).square() * weight).mean()


LOSSES = {"reenact": reenact_loss, "lipsync": lipsync_loss, "ldm": ldm_loss, "flow": flow_loss}


# ------------------------------------------------------------------------------------------------ optimisation


class Stage:
    """One optimisation with warm-up, cosine decay, averaged weights and a checkpoint every minute that resumes exactly."""

    def __init__(self, path, net, recipe, steps, batch):
        self.path, self.net, self.recipe, self.n_steps, self.batch = path, net, recipe, steps, batch
        self.optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.lr, weight_decay=0.01)
        shape = lambda s: min(1, (s + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(s / steps, 1))))  # noqa: E731
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, shape)
        self.average = {key: value.detach().clone() for key, value in net.state_dict().items()}
        self.rng, self.torch_rng = np.random.default_rng(recipe.seed), torch.Generator().manual_seed(recipe.seed)
        self.step, self.spent_s = 0, 0.0
        if path.exists():
            self._restore(torch.load(path, weights_only=True))

    def run(self, loss_of, data, say=print):
        """Minimise loss_of(net, batches); returns seconds spent, earlier calls included."""
        batches, last, running = Batches(data, self.batch, self), time.monotonic(), None
        self.net.train()
        while self.step < self.n_steps:
            began = time.monotonic()
            torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)  # dropout
            value = self._update(loss_of(self.net, batches))
            self.step, self.spent_s = self.step + 1, self.spent_s + time.monotonic() - began
            running = value if running is None else 0.98 * running + 0.02 * value
            if self.step % 50 == 0:
                say(f"{self.path.stem} {self.step}/{self.n_steps} loss {running:.4f} {self.spent_s / self.step:.2f} s/step")
            if time.monotonic() - last > CHECKPOINT_S or self.step == self.n_steps:
                self._save()
                last = time.monotonic()
        self.net.load_state_dict(self.average)
        self.net.eval().requires_grad_(False)
        return self.spent_s

    def _update(self, loss):
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        decay = min(self.recipe.average, (self.step + 1) / (self.step + 10))
        for key, value in self.net.state_dict().items():
            self.average[key].lerp_(value, 1 - decay)
        return loss.item()

    def _save(self):
        partial = self.path.with_suffix(".partial")
        torch.save({"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(),
                    "average": self.average, "step": self.step, "spent_s": self.spent_s, "torch_rng": self.torch_rng.get_state(),
                    "rng": json.dumps(self.rng.bit_generator.state)}, partial)
        partial.replace(self.path)

    def _restore(self, saved):
        self.net.load_state_dict(saved["net"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.schedule.load_state_dict(saved["schedule"])
        self.average, self.step, self.spent_s = saved["average"], saved["step"], saved["spent_s"]
        self.torch_rng.set_state(saved["torch_rng"])
        self.rng.bit_generator.state = json.loads(saved["rng"])


def train(name, work, out, recipe=None, say=print):
    """Train (or go on with) the forger `name` and write its weights to `out` (.safetensors). Returns (net, recipe, seconds spent)."""
    if name not in LOSSES:
        raise AvlabError("Unknown learned forger", got=name, todo=f"Known here: {', '.join(LOSSES)}")
    recipe, work = recipe or RECIPES[name], Path(work)
    work.mkdir(parents=True, exist_ok=True)
    mark = work / f"{name}.recipe.json"
    if mark.exists() and json.loads(mark.read_text()) != asdict(recipe):
        raise AvlabError("A training folder holds one recipe a forger", got=str(mark), todo="Choose another --work folder, or delete its checkpoints")
    mark.write_text(json.dumps(asdict(recipe), indent=1))
    data = render_data(work, recipe.clips, say)
    torch.manual_seed(recipe.seed)
    net, seconds = forger_nets.NETS[name](), 0.0
    _set_bands(net, data["heard"])
    if recipe.codec_steps:
        seconds += Stage(work / f"{name}-codec.pt", net.codec, recipe, recipe.codec_steps, recipe.codec_batch).run(codec_loss, data, say)
        _set_code(net.codec, data["inner"])
    seconds += Stage(work / f"{name}.pt", net, recipe, recipe.steps, recipe.batch).run(LOSSES[name], data, say)
    learned.save(net, out)
    return net, recipe, seconds


def _set_bands(net, heard):
    """Normalise every mel band by its mean and deviation over the training sounds."""
    bands = torch.from_numpy(heard[::4].astype(np.float32).reshape(-1, aligned.BANDS))
    for module in net.modules():
        if isinstance(module, forger_nets.Hearing):
            module.centre.copy_(bands.mean(0))
            module.spread.copy_(bands.std(0))


@torch.no_grad()
def _set_code(codec, inner):
    """Give every channel of the code zero mean and unit variance over some training crops."""
    some = torch.from_numpy(inner[::8, 0].astype(np.float32) / 255).permute(0, 3, 1, 2)
    codec.centre.zero_()
    codec.spread.fill_(1)
    code = codec.encode(some)
    codec.centre.copy_(code.mean((0, 2, 3))[:, None, None])
    codec.spread.copy_(code.std((0, 2, 3))[:, None, None])
