"""What outlives a process: a run's checkpoint after every epoch, and the finished weights; and the calm that a run works in.

Both are read as tensors and plain values only. Nothing in a file is ever executed, so files of strangers are safe to open.
"""

import hashlib
import io
import json
import logging
import os
import random
import secrets
import signal
import warnings
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from avlab import detectors
from avlab.errors import AvlabError

FORMAT = 1
PLAIN = ("history", "steps", "best_epoch")  # fields of training.Progress that are plain values
QUIET = (".*does not have many workers", ".*no `val_dataloader`", ".*GPU available but not used", ".*LeafSpec", ".*deterministic")  # Lightning's hints


def save(model, path, *, about: Mapping | None = None):
    """Write the weights as safetensors, whole or not at all, with how the model was built (and `about`, plain JSON values) in the header.

    Raises AvlabError for a model that `detectors.build` did not make.
    """
    from safetensors.torch import save as as_bytes

    built = getattr(model, "built_as", None)
    if built is None:
        raise AvlabError("Only a model made by detectors.build can be saved: its name, size and options are kept with it", got=type(model).__name__)
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    replace(path, as_bytes(weights, {"avlab": json.dumps({"format": FORMAT, **built, "about": dict(about or {})})}))


def load(path):
    """Build the detector of a file written by `save` and give it its weights; returns it in eval mode, with ``about`` beside ``built_as``.

    Safe for files of strangers: nothing in them is executed.  Raises AvlabError for damaged or foreign files.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            said = json.loads((file.metadata() or {})["avlab"])
            weights = {name: file.get_tensor(name) for name in file.keys()}
        with own_randomness():
            model = detectors.build(said["name"], said["size"], **said["config"])
        model.load_state_dict(weights)
    except (SafetensorError, OSError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise AvlabError("A detector's weights are a safetensors file written by avlab", got=f"{os.fspath(path)}: {error}") from None
    model.about = said.get("about", {})
    return model.eval()


def load_bundled(path, sha256, *, todo):
    """Load a detector that comes with the package.  Raises AvlabError where its file is missing (todo says how to make it) or not the one of its card.

    sha256   {file name: hex digest}, as the card says
    """
    path = Path(path)
    if not path.is_file():
        raise AvlabError("A bundled detector lies beside the package", got=path.name, todo=todo)
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256.get(path.name):
        raise AvlabError("Weights must be the ones their card describes", got=path.name)
    return load(path)


def write(path, mark, progress, model, optimiser, scaler):
    """Keep a run after an epoch, whole or not at all: tensors and plain values only, so that `restore` can refuse everything else.

    mark       text that names the run;  progress   training.Progress, of which `best` and the plain fields are kept
    optimiser, scaler   state dicts
    """
    buffer, plain = io.BytesIO(), {name: getattr(progress, name) for name in PLAIN}
    torch.save({"format": FORMAT, "mark": mark, "progress": json.dumps(plain), "best": progress.best,
                "model": model.state_dict(), "optimiser": optimiser, "scaler": scaler}, buffer)
    replace(path, buffer.getvalue())


def restore(path, mark, model):
    """Read a checkpoint, put its weights into the model, and return the fields of training.Progress; None where there is no file.

    Raises AvlabError for a file that is damaged, holds anything but tensors and plain values, or was kept under another mark.
    """
    if not os.path.exists(path):
        return None
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        same, told = (kept["format"], kept["mark"]) == (FORMAT, mark), json.loads(kept["progress"])
        fields = {name: told[name] for name in PLAIN} | {name: kept[name] for name in ("best", "optimiser", "scaler")}
        if same:
            model.load_state_dict(kept["model"])
    except Exception as error:  # noqa: BLE001, a damaged file fails in as many ways as it has bytes
        raise AvlabError("The checkpoint is damaged", got=f"{path}: {error}", todo="Delete it, or pass resume=False") from None
    if not same:
        raise AvlabError("The checkpoint belongs to another run: model, loss, recipe or clips differ", got=path, todo="Take another folder, or resume=False")
    return fields


def replace(path, data):
    """Write bytes so that the file is whole or not there at all."""
    path = os.fspath(path)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = f"{path}.tmp-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


@contextmanager
def own_randomness():
    """Put the random state of python, numpy and torch back afterwards."""
    python, array = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)


@contextmanager
def calm():
    """Lightning without its banners and hints, deterministic kernels where there are any, and Ctrl-C as it was."""
    logs = [logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")]
    levels, interrupt = [log.level for log in logs], signal.getsignal(signal.SIGINT)
    strict = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it matrix products on a GPU are not repeatable
    try:
        for log in logs:
            log.setLevel(logging.ERROR)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.utils.deterministic.fill_uninitialized_memory = False
        with warnings.catch_warnings():
            for message in QUIET:
                warnings.filterwarnings("ignore", message=message)
            yield
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning turns Ctrl-C into an exit, which in a notebook is no answer
            raise KeyboardInterrupt from None
        raise
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
        torch.use_deterministic_algorithms(strict[0], warn_only=strict[1])
        torch.utils.deterministic.fill_uninitialized_memory = fill
        if signal.getsignal(signal.SIGINT) is not interrupt:
            signal.signal(signal.SIGINT, interrupt)
