"""How the small MSCT is trained: its picture encoder first, alone, then everything behind it on the vectors that the encoder makes.

The paper trains all at once for 200 epochs on a GPU. Here nine tenths of the time go into the encoder, and nothing of what the paper is
about: so it is trained once, with a head of its own and without sound or attention, and then stays. Whatever is compared behind it (the
2x2 ablation, the weight of the alignment) stands on the same vectors, and no cell had the encoder made to its measure.

    python -m avlab.detectors.msct_training OUT [SEED]      makes the bundled weights again
"""

import copy
import hashlib
import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from avlab import detectors
from avlab.clips import load_clip, manifest
from avlab.clips.datasets import synthtalk
from avlab.detectors import msct
from avlab.detectors.batches import ClipDataset, stored
from avlab.detectors.checkpoints import load_bundled
from avlab.detectors.training import fit, load, save
from avlab.errors import AvlabError
from avlab.results import Prediction

WEIGHTS = Path(__file__).parent.parent / "weights"
SEEDS = (0, 1, 2)  # of the bundled weights
AUDIO_FORGERS = ("rtvc",)
PICTURES = {"epochs": 24, "weight_decay": 0.05, "lr": 4e-3, "batch_size": 32, "schedule": "cosine", "warmup": 60, "balance": "label"}
ATTENTION = {"epochs": 8, "lr": 2e-3, "batch_size": 32, "schedule": "cosine", "warmup": 20, "balance": "category", "monitor": "auroc"}
EVERY = 4  # of a clip's pictures one training step sees every 4th


def forgers_to_train_on(rows):
    """Names of the forgers whose parts the training may know: the seen ones of the picture, those of the sound, and both together."""
    known = {*synthtalk.SEEN, *AUDIO_FORGERS}
    return sorted(name for name in {row.forger for row in rows} - {"real"} if set(name.split("+")) <= known)


class PictureSide(nn.Module):
    """The picture encoder of an MSCT with a head of its own: mean of the vectors, Linear. No sound, no attention.

    forward(frames (B, 3, T, H, W)) -> Prediction: logit (B,) log-odds of a forged picture, embedding (B, width) the mean.
    While training it sees every 4th picture from a random one on, half of the clips mirrored.
    """

    reads = ("frames",)

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(encoder.leave.out_features, 2)

    def forward(self, frames):
        frames = some_pictures(frames.to(self.head.weight.dtype)) if self.training else frames
        vectors = self.encoder(frames.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(frames), frames.shape[2]))
        logits = self.head(vectors.mean(1))
        return Prediction(logits[:, 1] - logits[:, 0], vectors.mean(1), {"logits_video": logits})


def some_pictures(frames):
    """Draw the pictures of a training step from films (B, 3, T, H, W): (B, 3, about T / 4, H, W), by torch's generator."""
    frames = frames[:, :, int(torch.randint(0, EVERY, (1,))) % frames.shape[2]::EVERY]
    mirror = torch.rand(len(frames), 1, 1, 1, 1, device=frames.device) < 0.5
    return torch.where(mirror, frames.flip(-1), frames)


def picture_loss(model, batch):
    """Cross-entropy of the picture's own label: {"total", "video"}."""
    logits = model(batch["frames"]).parts["logits_video"]
    value = F.cross_entropy(logits, batch["label_video"].long())
    return {"total": value, "video": value}


def train_pictures(model, train, val=None, *, seed, **recipe):
    """Train the picture encoder of an MSCT in place on clips with true sound; returns `training.Progress`.

    train, val   ClipDataset of frames, RVRA and FVRA alone (there the clip's label is the picture's);  recipe   replaces entries of PICTURES
    Raises AvlabError for clips with forged sound.
    """
    wrong = {row.category for data in (train, val) if data is not None for row in data.label_rows} - {"RVRA", "FVRA"}
    if wrong:
        raise AvlabError("The picture encoder is trained on clips with true sound", got=", ".join(sorted(wrong)), todo="Select rows by label_audio")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        side = PictureSide(model.picture_encoder)
    return fit(side, picture_loss, train, val, seed=seed, **PICTURES | recipe)


@torch.no_grad()
def vectors(model, rows, arrays, batch=16):
    """Encode the pictures of every clip once: {clip_id: {"frames": (T, width) float32, "fbank", "mask"}}, what the rest of the model trains on."""
    encoder, made = model.eval(), {}
    for first in range(0, len(rows), batch):
        some = [arrays(row) for row in rows[first:first + batch]]
        for row, clip, vector in zip(rows[first:], some, encoder.encode(torch.stack([torch.as_tensor(clip["frames"]).float() for clip in some])), strict=False):
            made[row.clip_id] = {"frames": vector.numpy(), "fbank": clip["fbank"], "mask": clip["mask"]}
    return made


def train_attention(model, train, val=None, *, seed, **recipe):
    """Train everything behind the picture encoder on `vectors` with the four-term loss; returns `training.Progress`. recipe replaces ATTENTION's."""
    return fit(model, msct.total_loss, train, val, seed=seed, **ATTENTION | recipe)


def fresh(encoder, *, seed, **config):
    """An untrained small MSCT, its weights drawn by the seed, with the picture encoder of another one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = detectors.build("msct", "small", **config)
    model.picture_encoder.load_state_dict(encoder.picture_encoder.state_dict())
    return model


def bundled(seed=0):
    """The small MSCT trained on all people of the train split; seed in SEEDS.  Raises AvlabError where its file is missing or not its card's."""
    path = WEIGHTS / f"msct_small_{seed}.safetensors"
    card = json.loads(path.with_suffix(".json").read_text()) if path.with_suffix(".json").is_file() else {}
    return load_bundled(path, {path.name: card.get("sha256")}, todo=f"python -m avlab.detectors.msct_training {WEIGHTS.name} {seed}")


def make(out, seed, store, say=print, encoder=None):
    """Train one of the bundled detectors and write OUT/msct_small_SEED.safetensors (half precision) with its card; returns its path.

    All 0.64 s clips of the train split whose forgers may be known; epochs are chosen on the val split, the test split is never read.
    store   folder of computed inputs, shared by all seeds;  encoder   a file of such a detector: its picture encoder is taken, not trained again
    """
    rows, forgers = _rows()
    arrays = stored(rows, msct.inputs, store, {"detector": "msct", "pixels": 40}, load=load_clip)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = detectors.build("msct", "small")

    def data(split, read, **words):
        mine = [row for row in rows if row.split == split and all(getattr(row, name) == value for name, value in words.items())]
        return ClipDataset(mine, read, forgers=forgers, keep=True)

    if encoder:
        ready = load(encoder)
        model.picture_encoder.load_state_dict(ready.picture_encoder.state_dict())
        reached = ready.about["val_auroc_pictures"]
    else:
        first = train_pictures(model, data("train", arrays, label_audio="real"), data("val", arrays, label_audio="real"), seed=seed,
                               progress=lambda record: say(_line("pictures", record)))
        reached = first.history[first.best_epoch]["val_auroc"]
    model.picture_encoder.half().float()  # what is stored: so the second step can be repeated from the file alone
    table = vectors(model, rows, arrays)
    train, val = (data(split, lambda row: table[row.clip_id]) for split in ("train", "val"))
    second = train_attention(model, train, val, seed=seed, progress=lambda record: say(_line("attention", record)))
    about = {"forgers": forgers, "clips": len(train), "val_clips": len(val), "seed": seed, "pictures": PICTURES, "attention": ATTENTION,
             "val_auroc_pictures": reached, "val_auroc": second.history[second.best_epoch]["val_auroc"]}
    return _keep(model, Path(out) / f"msct_small_{seed}.safetensors", about)


def _rows():
    """The clips of the train and val splits whose forgers may be known, and these forgers."""
    rows = [row for row in manifest.load("synthtalk") if row.split != "test" and abs(row.duration_s - synthtalk.SHORT) < 1e-3]
    forgers = forgers_to_train_on(rows)
    return [row for row in rows if row.forger in ("real", *forgers)], forgers


def _keep(model, path, about):
    save(copy.deepcopy(model).half(), path, about=about)
    card = {"network": "MSCT, size small", "data": f"SynthTalk, split train ({about['clips']} clips of 0.64 s), epochs chosen on split val", **about,
            "command": f"python -m avlab.detectors.msct_training OUT {about['seed']}", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n")
    return path


def _line(stage, record):
    return "{stage} {epoch}: loss {train_total:.3f}, val {val_total:.3f}, AUROC {val_auroc:.3f}, {seconds:.0f} s".format(stage=stage, **record)


if __name__ == "__main__":
    for number in (int(word) for word in sys.argv[2:] or map(str, SEEDS)):
        print(make(sys.argv[1], number, Path(sys.argv[1]) / "inputs"))
