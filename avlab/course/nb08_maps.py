"""The maps of notebook 08: four methods, one form (N, 16, 40, 40), for any AMDD; and the baselines that know no network."""

from __future__ import annotations

import numpy as np
import torch

from avlab.course import nb08_clips
from avlab.course.nb08_clips import FRAMES, PX
from avlab.explain import attribution, faithfulness
from avlab.explain.gradcam import as_found, grad_cam_films, logit_of

GRID = (4, 10, 10)  # tiles in which maps are compared and removed: 4 frames of 4 x 4 px
TILES = int(np.prod(GRID))
FULL = (FRAMES, PX, PX)
PATCH = 8  # pixels a side that occlusion hides
PARTS = ("detection", "cross", "temporal", "visual_encoder.project", "visual_encoder.resnet.encoder.stages.1", "visual_encoder.resnet.encoder.stages.0",
         "visual_encoder.resnet.embedder", "audio_encoder")  # from the logit down; the fixed spectra and their scale hold no learned weight
SHORT = ("head", "cross", "time", "project", "stage 2", "stage 1", "first layer", "sound")  # what is lost at each step, those before it included


def tensors(sample, *names, model=None):
    """Float tensors of some of a sample's arrays, by default what AMDD reads, where the model lies (None: on the CPU)."""
    return tuple(torch.from_numpy(np.ascontiguousarray(getattr(sample, name))).float().to(place(model)) for name in names or ("frames", "log_mel"))


def place(model):
    """The device of a network; the CPU for one without weights."""
    return next((p.device for p in model.parameters()), torch.device("cpu")) if hasattr(model, "parameters") else torch.device("cpu")


def logits(model, sample, frames=None) -> np.ndarray:
    """Logit of fake of every clip, (N,); frames replace the sample's pictures."""
    own, mel = tensors(sample, model=model)
    with torch.no_grad(), as_found(model):
        return model(own if frames is None else torch.as_tensor(frames).to(own), mel).logit.double().cpu().numpy()


def grad_cam(model, sample, *, layer) -> np.ndarray:
    """Grad-CAM, each cell's value spread by straight lines over its pixels."""
    return faithfulness.resized(grad_cam_films(model, tensors(sample, model=model), layer=layer).double().cpu().numpy(), FULL)


def baseline(sample, kind: str, seed=0):
    """Where integrated gradients start, like frames: black, blur, mean, another clip's frames ("other"), or the true clip ("source")."""
    frames = tensors(sample, "frames")[0]
    if kind == "source":
        return tensors(sample, "source")[0]
    if kind == "black":
        return torch.zeros_like(frames)
    if kind == "other":
        return frames.roll(1, 0) if len(frames) > 1 else frames.flip(-1)
    return faithfulness.filled(frames, kind, seed=seed)


def integrated_gradients(model, sample, *, kind="blur", steps=16) -> np.ndarray:
    """Integrated gradients of the pictures, colours added up, signed. The sound stays as it is."""
    frames, mel = tensors(sample, model=model)
    start, made = baseline(sample, kind).to(frames), []
    with as_found(model):
        for k in range(len(frames)):  # clip by clip: captum keeps all steps of a batch
            score = lambda x, sound=mel[k:k + 1]: logit_of(model)(x, sound.expand(len(x), -1, -1))  # noqa: E731
            (own,), _ = attribution.integrated_gradients(score, (frames[k:k + 1],), (start[k:k + 1],), steps=steps)
            made.append(own[0].sum(1).double().cpu().numpy())
    return np.stack(made)


def occlusion(model, sample, *, fill="blur", stride=4, frames=4) -> np.ndarray:
    """How far the logit falls when 8 x 8 px of some frames are hidden, signed; stride  pixels from one hidden patch to the next."""
    inputs = tensors(sample, model=model)
    other, made = baseline(sample, fill).to(inputs[0]), []
    with as_found(model):
        for k in range(len(sample)):
            one = tuple(x[k:k + 1] for x in inputs)
            made.append(attribution.occlusion(logit_of(model), one, 0, window=(frames, 3, PATCH, PATCH), stride=(frames, 3, stride, stride),
                                              fill=other[k:k + 1])[0, :, 0].double().cpu().numpy())
    return np.stack(made)


def psi(sample) -> np.ndarray:
    """|psi| of the bundled probe: it has never heard of the detector, so it is a map that may agree with one for other reasons only."""
    from avlab.probe import DiffusionProbe

    probe, made = DiffusionProbe.bundled(), []
    for k in range(0, len(sample), 8):
        found = probe.measure(torch.as_tensor(sample.pictures[k:k + 8]), torch.as_tensor(sample.audio[k:k + 8]), phi=False)["psi"]
        made.append(found.float().norm(dim=1).numpy())
    return nb08_clips.into_box(np.concatenate(made))


def maps(model, sample, methods, p) -> dict:
    """{method: (N, 16, 40, 40)} of some methods by the run's parameters."""
    made = {"grad_cam": lambda: grad_cam(model, sample, layer=p.layer), "psi": lambda: psi(sample),
            "occlusion": lambda: occlusion(model, sample, fill=p.fill, stride=p.stride),
            "integrated_gradients": lambda: integrated_gradients(model, sample, kind=p.ig_baseline, steps=p.ig_steps)}
    return {name: made[name]() for name in methods}


def tiled(films) -> np.ndarray:
    """(..., 16, 40, 40) -> means over tiles (..., 4, 10, 10)."""
    return faithfulness.pooled(films, GRID)


def plain_maps(sample) -> dict:
    """Maps that know no network: {"uniform", "centre", "edges": (N, 16, 40, 40)}."""
    blob = np.broadcast_to(faithfulness.centred_blob(PX, PX), sample.forged.shape)
    return {"uniform": np.ones(sample.forged.shape), "centre": blob, "edges": np.stack([faithfulness.edges(film) for film in sample.frames])}


def random_network(model, seed: int):
    """The detector with fresh weights in every learned part; the scale of the spectra, which is no weight, stays: the strongest random model."""
    return list(faithfulness.cascade(model, PARTS, seed=seed))[-1][1].eval()
