"""Ask what a score or a map rests on: where a detector looks and whether that is true of it, the five controls, the simple read-out."""

from importlib import import_module

_HOME = {"grad_cam": "gradcam", "integrated_gradients": "attribution", "occlusion": "attribution", "psi_map": "attribution"}
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'avlab.explain' has no attribute {name!r}")
    return getattr(import_module(f"avlab.explain.{_HOME[name]}"), name)
