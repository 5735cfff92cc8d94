"""Drawing: figures in one visual language, explorers, and `show`, which refuses a figure without a description.

Nothing is computed here that a notebook could report: numbers come in, pictures go out, and no network is known.
"""

from avlab.show.display import Guess, alt_text, headless, predict, show
from avlab.show.explore import Explorer, explore
from avlab.show.figures_explain import overlay
from avlab.show.html import Html
from avlab.show.pictures import contact_sheet, filmstrip
from avlab.show.player import play

__all__ = ["Explorer", "Guess", "Html", "alt_text", "contact_sheet", "explore", "filmstrip", "headless", "overlay", "play", "predict", "show"]
