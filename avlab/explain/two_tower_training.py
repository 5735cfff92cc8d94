"""How the two towers were trained, and the command that repeats it: `python -m avlab.explain.two_tower_training OUT.safetensors`.

Real clips of 0.64 s of the training people, and nothing else: a batch of pairs, each picture must find its own sound among all sounds of the
batch and the other way round (InfoNCE). No shifted sound is used as a negative: the towers should learn what goes with what, and that they
can then also tell *when* is a finding of notebook 04 and not a thing they were drilled in. The epoch is chosen on the validation people.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

from avlab.clips import load_clip, manifest
from avlab.detectors import losses
from avlab.detectors.batches import ClipDataset
from avlab.detectors.checkpoints import replace as write_whole
from avlab.detectors.training import fit
from avlab.explain import two_tower
from avlab.explain.controls import shuffled_order
from avlab.explain.similarity import cosine
from avlab.metrics import auroc

RECIPE = {"epochs": 40, "lr": 2e-3, "batch_size": 96, "weight_decay": 0.3, "schedule": "cosine", "warmup": 20, "balance": None}
TEMPERATURE = 0.1
SEED = 0
LIMITS = ("Knows SynthTalk's real clips and nothing else: no forger, no label, no real person. A similarity on real video is not a finding.")


def total_loss(model, batch):
    """{"total": InfoNCE of the clips' joined frame vectors, own against the other clips of the batch}."""
    parts = model(*(batch[name] for name in model.reads)).parts
    return {"total": losses.info_nce(parts["video"].flatten(1), parts["audio"].flatten(1), temperature=TEMPERATURE)}


def real_rows(split, source="synthtalk"):
    """The real clips of 0.64 s of a split, in the manifest's order."""
    return [row for row in manifest.load(source) if row.split == split and row.forger == "real" and round(row.duration_s * 25) == two_tower.FRAMES]


def data_of(rows, people, load=load_clip):
    """A ClipDataset of these rows, each rendered once and kept in memory."""
    return ClipDataset(rows, lambda row: two_tower.inputs(load(row)), forgers=(), people=people, keep=True)


def train(train_data, val_data, *, seed=SEED, out=None, progress=None, **changes):
    """Train the towers: returns (net, Progress) with the weights of the best epoch on the validation clips. changes  replace entries of RECIPE."""
    torch.manual_seed(seed)
    net = two_tower.TwoTower()
    return net, fit(net, total_loss, train_data, val_data, seed=seed, out=out, progress=progress, **{**RECIPE, **changes})


def measure(net, data) -> dict:
    """Similarity of own and of shuffled pairs (another person's sound) on the real clips of a data set, means over the clips subtracted."""
    clips = [data[i] for i in range(len(data))]
    video, audio = two_tower.embed(net, *(np.stack([clip[name].numpy() for clip in clips]) for name in net.reads))
    other = shuffled_order([row.identity for row in data.rows], ["real"] * len(clips), seed=0)
    centre = {"centre_a": np.tile(video.mean((0, 1)), video.shape[1]), "centre_b": np.tile(audio.mean((0, 1)), audio.shape[1])}
    own, shuffled = cosine(video, audio, **centre), cosine(video, audio[other], **centre)
    label = np.r_[np.ones(len(own)), np.zeros(len(own))]
    return {"cos_own": own.mean(), "cos_shuffled": shuffled.mean(), "auroc_own_against_shuffled": auroc(np.r_[own, shuffled], label), "clips": len(own),
            "people": len({row.identity for row in data.rows})}


def main(path=two_tower.WEIGHTS, say=print):
    """Train, write the weights and their card, and say what was measured."""
    began, rows = time.monotonic(), {split: real_rows(split) for split in ("train", "val")}
    people = sorted({row.identity for part in rows.values() for row in part})
    data = {split: data_of(part, people) for split, part in rows.items()}
    net, state = train(data["train"], data["val"], progress=lambda record: say(f"epoch {record['epoch']}: {record['val_total']:.3f}"))
    two_tower.save(net, path)
    measured = measure(net.half().float(), data["val"])  # as the file has it
    from avlab.synthtalk import VERSION

    people = len({row.identity for row in rows["train"]})
    card = {
        "what": "two towers for lips and sound: small convolutions, one vector of 32 numbers a frame and side",
        "parameters": sum(p.numel() for p in net.parameters()),
        "recipe": {**RECIPE, "temperature": TEMPERATURE, "seed": SEED, "best_epoch": state.best_epoch},
        "made_by": "python -m avlab.explain.two_tower_training",
        "data": f"{len(rows['train'])} real SynthTalk clips of 0.64 s of the {people} training people (world version {VERSION}); own sound against the other "
                "clips of a batch, no shifted sounds, no forgeries",
        "measured": {key: round(float(value), 4) for key, value in measured.items()},
        "measured_on": f"real clips of the {measured['people']} validation people, which also chose the epoch",
        "seconds": round(time.monotonic() - began), "limits": LIMITS, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
    }
    write_whole(Path(path).with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    say(json.dumps(card["measured"]))


if __name__ == "__main__":
    main(*sys.argv[1:2])
