"""Putting a figure into a notebook so that it keeps its description, and asking the reader for a prediction."""

import html
import os
import re
from dataclasses import dataclass, field

from avlab.errors import AvlabError
from avlab.show import theme
from avlab.show.html import Html, prefix

PLOTLY = "application/vnd.plotly.v1+json"
LAZY = re.compile(r"^\s*(an? |the )?(bar|line|scatter|dot|strip|box|violin|heat)?[ -]?"
                  r"(chart|plot|graph|figure|image|picture|map|bars?|dots|lines|heatmap|histogram|screenshot)s?"
                  r"( (of|showing|with|that shows|illustrating)\b|\s*$|:)", re.I)


def headless():
    """True where no reader is present (AVLAB_HEADLESS=1, set by the runner): no widgets, every state computed."""
    return os.environ.get("AVLAB_HEADLESS", "") not in ("", "0")


def alt_text(alt):
    """The alternative text, stripped; refused when it is missing, shorter than 20 characters, or only names the plot type.

    Raises AvlabError.
    """
    text = " ".join(str(alt or "").split())
    todo = "Say what the figure shows and how sure it is, for example 'Mouth pixels put 61 % of their attention on offset 0'"
    if len(text) < 20:
        raise AvlabError("Every figure has alternative text of at least 20 characters", got=text, todo=todo)
    if LAZY.match(text):
        raise AvlabError("Alternative text states the finding, not the kind of plot", got=text, todo=todo)
    return text


def _in_lab(caption, alt):
    cap = f'<p style="margin:.2em 0;max-width:46em">{html.escape(caption)}</p>' if caption else ""
    return (f'<style>{theme.TEXT_CSS}</style>{cap}<details style="font-size:.9em"><summary>Description of the figure</summary>'
            f'<p style="margin:.2em 0;max-width:46em">{html.escape(alt)}</p></details>')


def show(fig, *, alt, caption=""):
    """Show a plotly figure, a uint8 image, an Explorer or an Html piece with its alternative text and caption.

    alt      what the figure says, for readers who do not see it (see alt_text)
    caption  one or two sentences under it: what to look at
    Both travel in the output's metadata under 'avlab', where the exporter finds them. Raises AvlabError on lazy alt text.
    """
    from IPython.display import display
    alt, caption = alt_text(alt), " ".join(caption.split())
    bundle = _bundle(fig, alt)
    display(bundle, raw=True, metadata={"avlab": {"role": "figure", "alt": alt, "caption": caption}})
    display({"text/html": _in_lab(caption, alt), "text/plain": caption or alt}, raw=True, metadata={"avlab": {"role": "caption"}})


def _bundle(fig, alt):
    if hasattr(fig, "to_plotly_json"):
        import plotly.io as pio
        made = pio.renderers["plotly_mimetype"].to_mimebundle(fig.to_dict()) if hasattr(fig, "to_dict") else {}
        body = made.get(PLOTLY)
        if body is None:
            raise AvlabError("A plotly object shown here is a Figure", got=type(fig).__name__)
        body["config"] = {"displaylogo": False, "responsive": True}
        return {PLOTLY: body, "text/plain": alt}
    if hasattr(fig, "_repr_mimebundle_"):
        made = fig._repr_mimebundle_()
        return (made[0] if isinstance(made, tuple) else made) | {"text/plain": alt}
    if hasattr(fig, "_repr_html_"):
        return {"text/html": fig._repr_html_(), "text/plain": alt}
    from avlab.show.pictures import data_uri
    text = html.escape(alt, quote=True)
    return {"text/html": f'<img src="{data_uri(fig)}" alt="{text}" style="image-rendering:pixelated;min-width:256px">', "text/plain": alt}


@dataclass
class Guess:
    """A reader's prediction: `.choice` is None until an option is clicked, and then that option."""
    id: str
    options: tuple
    choice: str | None = field(default=None)


def predict(id, question, options):
    """Ask for a prediction before the experiment runs; never graded, never required.

    Live: radio buttons, returns a Guess whose `.choice` follows the click. Headless: the question as text, returns None.
    The text form is a <details> block that survives export. Figures take the result as `guess=` and draw it dashed.
    """
    from IPython.display import display
    options = tuple(str(o) for o in options)
    if len(options) < 2:
        raise AvlabError("A prediction offers at least two options", got=options)
    items = "".join(f"<li>{html.escape(o)}</li>" for o in options)
    key = prefix(id + question)
    static = (f'<details id="{key}" class="avlab-predict"><summary>Before you go on: {html.escape(question)}</summary>'
              f"<ul>{items}</ul><p>Choose one, say why in a sentence, then read on.</p></details>")
    bundle, meta = {"text/html": static, "text/plain": f"{question} ({' / '.join(options)})"}, {"avlab": {"role": "predict", "id": id}}
    if headless():
        display(bundle, raw=True, metadata=meta)
        return None
    import ipywidgets as widgets
    guess = Guess(id, options)
    radio = widgets.RadioButtons(options=options, value=None, layout={"width": "max-content"})
    radio.observe(lambda change: setattr(guess, "choice", change["new"]), "value")
    box = widgets.VBox([widgets.HTML(f"<b>Before you go on:</b> {html.escape(question)}"), radio])
    made = box._repr_mimebundle_()
    display((made[0] if isinstance(made, tuple) else made) | bundle, raw=True, metadata=meta)
    return guess


__all__ = ["Guess", "Html", "alt_text", "headless", "predict", "show"]
