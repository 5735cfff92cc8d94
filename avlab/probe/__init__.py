"""The instrument: DDIM inversion and reconstruction, attention read on the way, and the bundled network they run on."""

from importlib import import_module

_HOME = {
    "Schedule": "ddim", "ddim_invert": "ddim", "ddim_sample": "ddim",
    "AttentionStore": "attention", "DiffusionProbe": "diffusion_probe",
}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'avlab.probe' has no attribute {name!r}")
    return getattr(import_module(f"avlab.probe.{_HOME[name]}"), name)
