"""What a clip is: a row of a manifest, its pictures and its sound, and what was computed from them.

Reading order: rows, manifest, datasets, media, audio, store, degrade.  Nothing heavy is imported before it is asked for.
"""

_HOME = {"Row": "rows", "Manifest": "manifest", "Clip": "media", "load_clip": "media", "write_clip": "writing", "Store": "store"}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'avlab.clips' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"avlab.clips.{_HOME[name]}"), name)
