"""The embedded world: a spec of plain numbers becomes frames, sound and the truth about both."""

from .render import FPS, SAMPLE_RATE, SIZE, VERSION, Rendered, Spec, Truth, cell, render

__all__ = ["FPS", "SAMPLE_RATE", "SIZE", "VERSION", "Rendered", "Spec", "Truth", "cell", "render"]
