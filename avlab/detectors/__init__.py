"""Four published audio-visual deepfake detectors, one paper a file, read top to bottom: xavdt, msct, amdd, mmmsba.

A detector is an ``nn.Module`` whose ``forward`` takes the tensors named in ``reads``, in that order, and returns a `results.Prediction`.
Papers do not import each other; what they share lies in `encoders` and `losses`, and one loop trains them all (`training`).
"""

import importlib
import inspect

from avlab.errors import AvlabError

NAMES = ("xavdt", "msct", "amdd", "mmmsba")

__all__ = ["NAMES", "build", "module_of"]


def build(name, size="paper", **config):
    """Return an untrained detector, its weights drawn from torch's global generator.

    name    "xavdt" | "msct" | "amdd" | "mmmsba"
    size    "paper" (the published widths) or "small" (trains on a thousand SynthTalk clips in minutes on a CPU)
    config  arguments of the detector's constructor that replace those of the size, e.g. use_psi=False
    Returns an nn.Module with ``built_as`` = {"name", "size", "config"}, which `training.save` keeps.
    Raises AvlabError for unknown names, and for options that no network can be built of.
    """
    module = module_of(name)
    if size not in module.SIZES:
        raise AvlabError(f"{name} has the sizes {', '.join(module.SIZES)}", got=size)
    known = _arguments(module)
    unknown = sorted(set(config) - set(known)) if known else []
    if unknown:
        raise AvlabError(f"Unknown option of {name}", got=", ".join(unknown), todo=f"Known: {', '.join(known)}")
    try:
        model = module.build(size, **config)
    except AvlabError:
        raise
    except Exception as error:  # noqa: BLE001, torch and transformers refuse a wrong number or word in as many ways as they have layers
        raise AvlabError(f"{name} cannot be built with these options", got=f"{config}: {error}" if config else f"{error}") from error
    model.built_as = {"name": name, "size": size, "config": config}
    return model


def module_of(name):
    """Return the paper's module, with its ``inputs``, ``SIZES``, ``build`` and ``total_loss``.  Raises AvlabError for an unknown name."""
    if name not in NAMES:
        raise AvlabError(f"The detectors are {', '.join(NAMES)}", got=name)
    return importlib.import_module(f"{__name__}.{name}")


def _arguments(module):
    """Names that the constructor of the module's detector (its class with ``reads``) takes; () if there is no such class."""
    own = [kind for kind in vars(module).values() if inspect.isclass(kind) and kind.__module__ == module.__name__ and hasattr(kind, "reads")]
    names = [] if len(own) != 1 else list(inspect.signature(own[0].__init__).parameters)[1:]
    return tuple(names)
