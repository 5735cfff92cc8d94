"""One visual language for every figure: colours, symbols, a plotly template that reads on light and on dark paper.

Colours are Okabe and Ito's (2008, "Color universal design"), which readers with any of the three common colour
deficiencies can tell apart. A category is never shown by colour alone: each one has a marker symbol and a dash too.
Backgrounds are transparent and the text colour is left to the page (TEXT_CSS), because no single grey reads at 4.5:1
on white and on black.
"""

from dataclasses import dataclass
from functools import cache

from avlab.errors import AvlabError

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, GREY = "#E69F00", "#56B4E9", "#F0E442", "#7F7F7F"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)   # yellow is left out: 1.3:1 on white
GRID, AXIS, BAND = "rgba(127,127,127,0.22)", "rgba(127,127,127,0.65)", "rgba(127,127,127,0.20)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"

MAGNITUDE = "Viridis"                                            # 0 .. largest
SIGNED = [[0, "#0072B2"], [0.25, "#7FB8D8"], [0.5, "#F7F7F5"], [0.75, "#EAAE7F"], [1, "#D55E00"]]   # -m .. 0 .. m

WORLD = "SynthTalk"                                              # drawn on a figure of our own world
PUBLISHED = "published numbers"                                  # drawn on a figure of printed tables


@dataclass(frozen=True)
class Style:
    """How one category is drawn: its label, colour, marker symbol and line dash (plotly names)."""
    label: str
    colour: str
    symbol: str
    dash: str = "solid"


REAL = Style("real", BLUE, "circle", "solid")
FAKE = Style("fake", VERMILLION, "diamond", "dash")
FORGER = {
    "real": REAL,
    "faceswap": Style("faceswap", VERMILLION, "diamond", "dash"),
    "reenact": Style("reenact", GREEN, "square", "dot"),
    "lipsync": Style("lipsync", PURPLE, "triangle-up", "dashdot"),
    "dub": Style("dub", ORANGE, "star", "longdash"),
    "rtvc": Style("rtvc", SKY, "x", "longdashdot"),
    "ldm": Style("ldm", "#8C6D31", "hexagon", "dot"),
    "flow": Style("flow", GREY, "pentagon", "dash"),
}


def style(name, index=0):
    """Style of a category: real, fake, a forger (also 'video+audio'), else the palette's entry `index`."""
    known = FORGER | {"fake": FAKE}
    if name in known:
        return known[name]
    first = str(name).split("+")[0]
    if first in FORGER and first != name:
        return Style(str(name), FORGER[first].colour, FORGER[first].symbol + "-open", "dot")
    symbols, dashes = ("circle", "diamond", "square", "triangle-up", "x", "star"), ("solid", "dash", "dot", "dashdot")
    return Style(str(name), PALETTE[index % len(PALETTE)], symbols[index % 6], dashes[index % 4])


# Text takes the page's colour: Lab's variable, else the browser's own (which follows color-scheme). Labels inside
# heat cells and hover boxes stand on a coloured ground and keep the colour that plotly chose for it.
TEXT_CSS = (":is(.jp-RenderedPlotly,.plotly-graph-div) .main-svg text:not(.heatmap-label *,.hoverlayer *,.textpoint *)"
            "{fill:var(--jp-content-font-color1,CanvasText)!important}"
            ":is(.jp-RenderedPlotly,.plotly-graph-div) .layer-above image{image-rendering:pixelated}")


@cache
def template():
    """The plotly template: transparent paper, quiet grid, titles on the left, our colours in order."""
    import plotly.graph_objects as go
    axis = {"gridcolor": GRID, "zerolinecolor": AXIS, "linecolor": AXIS, "tickcolor": AXIS, "ticks": "outside",
            "ticklen": 4, "automargin": True, "title": {"standoff": 8}}
    bar = {"outlinewidth": 0, "thickness": 12, "ticklen": 3, "len": 0.9}
    return go.layout.Template(
        layout={"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "colorway": PALETTE,
                "font": {"family": FONT, "size": 13, "color": GREY}, "hoverlabel": {"font": {"family": FONT}},
                "title": {"x": 0, "xref": "paper", "xanchor": "left", "y": 1, "yref": "container", "yanchor": "top",
                          "pad": {"t": 12}, "font": {"size": 16}},
                "margin": {"l": 12, "r": 16, "t": 56, "b": 12}, "xaxis": axis, "yaxis": axis,
                "legend": {"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)"},
                "coloraxis": {"colorbar": bar}, "hovermode": "closest"},
        data={"scatter": [{"marker": {"size": 9, "line": {"width": 1, "color": AXIS}}}],
              "heatmap": [{"colorbar": bar, "colorscale": MAGNITUDE}]})


def dressed(fig, *, title="", world=WORLD, height=360):
    """Put the template, the title and the world's tag on a figure and return it.

    title : the finding or the question, in words; '' for none
    world : what the numbers come from, drawn at the top right ('SynthTalk', 'published numbers', 'your clip', 'toy')
    height : pixels
    Raises AvlabError when world is empty: a figure must say what it was measured on.
    """
    if not world:
        raise AvlabError("A figure says what it was measured on", got=world, todo="Pass world='SynthTalk' or another name")
    lift = 26 if fig.layout.annotations else 6          # clear of the titles of subplots
    fig.update_layout(template=template(), height=height, title_text=title)
    fig.add_annotation(name="world", text=world, xref="paper", yref="paper", x=1, y=1, xanchor="right", yanchor="bottom",
                       yshift=lift, showarrow=False, font={"size": 11}, bordercolor=AXIS, borderwidth=1, borderpad=3, opacity=0.85)
    return fig


def axes(fig, x="", y="", **where):
    """Name both axes, units in the title ('time (s)'); `where` = row, col of a subplot."""
    fig.update_xaxes(title_text=x, **where)
    fig.update_yaxes(title_text=y, **where)
    return fig
