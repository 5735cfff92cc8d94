"""avlab: audio-visual deepfake detectors, taken apart. The public names stand in the order a clip travels.

Importing avlab imports nothing heavy; each name loads its room when it is first used.
"""

from importlib import import_module

from .errors import AvlabError

__version__ = "0.1.0"

_HOME = {
    "manifest": "avlab.clips.manifest", "load_clip": "avlab.clips", "write_clip": "avlab.clips", "Clip": "avlab.clips",
    "DiffusionProbe": "avlab.probe", "Schedule": "avlab.probe", "ddim_invert": "avlab.probe", "ddim_sample": "avlab.probe", "AttentionStore": "avlab.probe",
    "detectors": "avlab.detectors",
    "explain": "avlab.explain", "metrics": "avlab.metrics", "show": "avlab.show", "course": "avlab.course", "workbook": "avlab.workbook",
}
__all__ = ["AvlabError", *_HOME]


def __getattr__(name):
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'avlab' has no attribute {name!r}")
    module = import_module(home)
    return module if home.endswith("." + name) else getattr(module, name)


def __dir__():
    return sorted(__all__)
