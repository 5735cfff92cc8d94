"""Two explorers with one threshold to drag: what a detector's scores decide, and where a localiser says forged. Counts come in, nothing is trained."""

import html
from dataclasses import dataclass

import numpy as np

from avlab.errors import AvlabError
from avlab.metrics import auroc, wilson
from avlab.show import pictures, theme
from avlab.show.display import alt_text
from avlab.show.explore import Explorer
from avlab.show.figures_localise import timeline
from avlab.show.shell import control, packed, shell, words_of
from avlab.show.sound import wav_uri
from avlab.show.svg import from_plotly
from avlab.show.svg_axes import extent, frame

STEPS, BINS = 51, 10               # thresholds of a slider; bins of a histogram and of a reliability diagram
SMALL = 440                        # width of a drawing that stands beside another, so that its letters stay readable
REAL, FAKE = theme.REAL, theme.FAKE


@dataclass(frozen=True)
class View:
    """One detector or one clip: its HTML, the words at every threshold, what moves (name: 'x,y' a threshold) and what is counted (name: text a threshold)."""
    html: str
    notes: list
    moves: dict
    texts: dict


def threshold_explorer(detectors, *, title, start=None, labels=None, caption="", world=theme.WORLD):
    """Histogram, ROC curve, balanced accuracy, confusion counts and reliability of any detector, at a threshold that the reader moves.

    detectors  {name: (score (N,), label (N,) 1 = fake)} or one such pair; a clip is called fake where score >= threshold
    start      the threshold shown first, default the middle one
    labels     {control: label}; the controls are 'detector' and 'threshold'

    Scores of all detectors share one slider, from 0 to 1, else from their lowest to their highest. The reliability diagram (share of fakes in ten bins
    of the score, Wilson 95 % intervals) is drawn for scores in 0..1 alone: other scores claim no probability.
    Raises AvlabError for scores that are not finite, labels other than 0 and 1, or one class alone.
    """
    detectors = detectors if isinstance(detectors, dict) else {"": detectors}
    cases = {name: _case(*pair) for name, pair in detectors.items()}
    every = np.concatenate([s for s, _ in cases.values()])
    unit = 0 <= every.min() and every.max() <= 1
    lo, hi = (0.0, 1.0) if unit else (float(every.min()), float(every.max()))
    grid = [float(f"{t:.4g}") for t in np.linspace(lo, hi, STEPS)]
    views = {name: _scored(*case, grid, (lo, hi), unit) for name, case in cases.items()}
    return _explorer(views, grid, start, title=title, menu="detector", labels=labels, caption=caption, world=world)


def timeline_explorer(clips, *, title, alt, start=0.5, labels=None, caption="", world=theme.WORLD, width=640):
    """True spans, proposals at the height of their score, and the scores of the steps on one time axis, at a threshold that the reader moves.

    clips  {name: {"truth": {stream: (M, 2) s}, "proposals": (N, 3) start_s, end_s, score, "score": (steps,) 0..1, "step_s", "seconds",
           "frames": (T, H, W, 3) uint8, "sound": (samples, rate), "attention": (steps,)}}; the last three may be left out
    alt    (name, threshold) -> str, what is found at that threshold
    Proposals whose score is below the threshold are drawn pale. While the sound plays, a line shows the moment that is heard.
    """
    grid = [round(float(t), 2) for t in np.linspace(0, 1, STEPS)]
    views = {name: _localised(clip, [alt_text(alt(name, t)) for t in grid], grid, width) for name, clip in clips.items()}
    return _explorer(views, grid, start, title=title, menu="clip", labels=labels, caption=caption, world=world)


def _explorer(views, grid, start, *, title, menu, labels, caption, world):
    if not views:
        raise AvlabError("An explorer of thresholds needs something to look at", got="nothing")
    names = list(views)
    at = int(np.argmin(np.abs(np.array(grid) - (grid[len(grid) // 2] if start is None else start))))
    labels = {"threshold": "threshold", menu: menu} | (labels or {})
    data = {"controls": [{"texts": names}, {"texts": [words_of(t) for t in grid]}], "thresholds": grid,
            "views": [{"notes": v.notes, "moves": v.moves, "texts": v.texts} for v in views.values()]}
    key, body = packed(title, data)
    inputs = control(key, 0, labels[menu], names, 0) + control(key, 1, labels["threshold"], grid, at)
    stage = "".join(f'<div data-view="{k}"{" hidden" * (k > 0)}>{_still(v, at)}</div>' for k, v in enumerate(views.values()))
    first = views[names[0]].notes[at]
    page = shell(key, body, title=title, world=world, controls=inputs, stage=stage, note=first, caption=caption, script="threshold.js")
    return Explorer(page, len(names) * len(grid), f"{title}: {len(names) * len(grid)} states. {first}")


def _still(view, at):
    """A view as it stands before any script: everything in its place at one threshold."""
    page = view.html.replace("{note}", html.escape(view.notes[at], quote=True))
    for name, places in view.moves.items():
        page = page.replace(f'data-move="{name}"', f'data-move="{name}" transform="translate({places[at]})"')
    for name, told in view.texts.items():
        page = page.replace(f'data-text="{name}">', f'data-text="{name}">{html.escape(told[at])}')
    return page


def _case(score, label):
    score, label = np.asarray(score, float).ravel(), np.asarray(label).ravel().astype(int)
    if len(score) != len(label) or not np.isfinite(score).all() or set(label.tolist()) != {0, 1}:
        raise AvlabError("A threshold divides finite scores of both classes, 1 = fake", got=f"{len(score)} scores, labels {sorted(set(label.tolist()))}")
    return score, label


def _scored(score, label, grid, span, unit):
    """The view of one detector."""
    counts = np.array([_counts(score, label, t) for t in grid])                       # hits, misses, alarms, passes
    hit, alarm = counts[:, 0] / (label == 1).sum(), counts[:, 2] / (label == 0).sum()
    bars, sx = _drawn(_histogram(score, label, span))
    curve, at = _drawn(_roc(score, label))
    moves = {"line": [f"{sx['x'](t):.1f},0" for t in grid], "point": [f"{at['x'](a):.1f},{at['y'](h):.1f}" for a, h in zip(alarm, hit, strict=True)]}
    even, ex = _drawn(_balanced(grid, (hit + 1 - alarm) / 2, auroc(score, label)))
    moves["even"] = [f"{ex['x'](t):.1f},0" for t in grid]
    panels = [_laid(bars, _handle(sx, "line") + _grip(sx["x"], sx["y"], "x", span)),
              _laid(curve, f'<circle data-move="point" r="7" fill="none" stroke="{theme.VERMILLION}" stroke-width="3"/>'),
              _laid(even, _handle(ex, "even") + _grip(ex["x"], ex["y"], "x", span))]
    bins = None
    if unit:
        rel, bins = _reliability(score, label)
        diagram, scale = _drawn(rel)
        moves["bin"] = [f"{scale['x'](t):.1f},0" for t in grid]
        panels.append(_laid(diagram, _handle(scale, "bin") + _grip(scale["x"], scale["y"], "x", span)))
    cells = "".join(f'<div class="av-drawing" role="img" aria-label="{{note}}" data-said tabindex="0">{p}</div>' for p in panels)
    texts = {name: [str(c) for c in counts[:, k]] for k, name in enumerate(("hits", "misses", "alarms", "passes"))}
    notes = [alt_text(_verdict(t, c, bins)) for t, c in zip(grid, counts, strict=True)]
    return View(f'<div class="av-stage av-panels">{cells}{_table()}</div>', notes, moves, texts)


def _counts(score, label, threshold):
    said = score >= threshold
    return [int((said & (label == 1)).sum()), int((~said & (label == 1)).sum()), int((said & (label == 0)).sum()), int((~said & (label == 0)).sum())]


def _verdict(threshold, counts, bins):
    """One sentence about one threshold."""
    hits, misses, alarms, passes = (int(c) for c in counts)
    hit, alarm = hits / (hits + misses), alarms / (alarms + passes)
    sure = f"precision {hits / (hits + alarms):.2f}" if hits + alarms else "nothing is called fake"
    said = (f"At {words_of(threshold)}: {hits} of {hits + misses} fakes found ({100 * hit:.0f} %), {alarms} of {alarms + passes} reals accused "
            f"({100 * alarm:.0f} %); {sure}, accuracy {(hits + passes) / sum(counts):.2f}, balanced accuracy {(hit + 1 - alarm) / 2:.2f}.")
    if bins is None:
        return said
    low, high, k, n = bins[min(int(threshold * BINS), BINS - 1)]
    where = f"scored {low:.1f} to {high:.1f}"
    return said + (f" Of {n} clip{'s' * (n != 1)} {where}, {k} {'is' if k == 1 else 'are'} fake." if n else f" No clip is {where}.")


def _histogram(score, label, span):
    import plotly.graph_objects as go
    fig, edges = go.Figure(), np.linspace(*span, 2 * BINS + 1)
    for style, side in ((REAL, 0), (FAKE, 1)):
        share = 100 * np.histogram(score[label == side], edges)[0] / (label == side).sum()
        fig.add_scatter(x=np.repeat(edges, 2), y=[0, *np.repeat(share, 2), 0], mode="lines", name=style.label,
                        line={"color": style.colour, "dash": style.dash, "width": 2.2})
    top = max(max(t.y) for t in fig.data)
    fig.update_xaxes(range=list(span)).update_yaxes(range=[0, 1.08 * top])
    return theme.axes(theme.dressed(fig, title="Scores, and the threshold", height=300).update_layout(width=SMALL), "score", "share of the class (%)")


def _roc(score, label):
    import plotly.graph_objects as go
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))                # equal scores fall together
    hit, alarm = (np.append(0, np.cumsum(label[order] == side)[last]) / (label == side).sum() for side in (1, 0))
    fig = go.Figure()
    fig.add_scatter(x=[0, 1], y=[0, 1], mode="lines", showlegend=False, line={"color": theme.GREY, "dash": "dot", "width": 1.5})
    fig.add_scatter(x=alarm, y=hit, mode="lines", showlegend=False, line={"color": theme.BLUE, "width": 2.2})
    fig.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1.02])
    said = f"ROC curve, AUROC {auroc(score, label):.3f}"
    return theme.axes(theme.dressed(fig, title=said, height=300).update_layout(width=SMALL), "reals accused (share)", "fakes found (share)")


def _balanced(grid, values, area):
    import plotly.graph_objects as go
    fig = go.Figure()
    fig.add_scatter(x=grid, y=values, mode="lines", showlegend=False, line={"color": theme.BLUE, "width": 2.2})
    fig.add_hline(area, line_dash="dash", line_color=theme.VERMILLION)
    fig.add_annotation(x=grid[0], y=area, text="AUROC of the scores", xanchor="left", yanchor="bottom", showarrow=False)
    fig.update_xaxes(range=[grid[0], grid[-1]]).update_yaxes(range=[min(0.45, values.min()), 1.02])
    return theme.axes(theme.dressed(fig, title="AUC of the yes-or-no answers", height=300).update_layout(width=SMALL), "threshold", "balanced accuracy")


def _reliability(score, label):
    """(figure, [(low, high, fakes, clips)] of each bin); bins without clips have no mark."""
    import plotly.graph_objects as go
    where = np.minimum((score * BINS).astype(int), BINS - 1)
    bins = [(b / BINS, (b + 1) / BINS, int(label[where == b].sum()), int((where == b).sum())) for b in range(BINS)]
    fig = go.Figure()
    fig.add_scatter(x=[0, 1], y=[0, 1], mode="lines", showlegend=False, line={"color": theme.GREY, "dash": "dot", "width": 1.5})
    for b, (_, _, k, n) in enumerate(bins):
        if n:
            x = float(score[where == b].mean())
            fig.add_scatter(x=[x, x], y=list(wilson(k, n)), mode="lines", showlegend=False, line={"color": theme.BLUE, "width": 3})
            fig.add_scatter(x=[x], y=[k / n], mode="markers", showlegend=False, marker={"color": theme.BLUE, "size": 11})
    fig.update_xaxes(range=[0, 1]).update_yaxes(range=[0, 1.02])
    theme.dressed(fig, title="Reliability: is 0.8 eight in ten?", height=300).update_layout(width=SMALL)
    return theme.axes(fig, "mean score of a bin", "fakes in it (share)"), bins


def _table():
    """Confusion counts; the script fills the cells."""
    def cell(name):
        return f'<td data-text="{name}"></td>'
    return ('<div class="av-table"><table><caption>Counts at the threshold</caption><thead><tr><td></td><th scope="col">called fake</th>'
            '<th scope="col">called real</th></tr></thead><tbody>'
            f'<tr><th scope="row">is fake</th>{cell("hits")}{cell("misses")}</tr><tr><th scope="row">is real</th>{cell("alarms")}{cell("passes")}</tr>'
            '</tbody></table></div>')


def _localised(clip, notes, grid, width):
    """The view of one clip."""
    fig = timeline(clip["truth"], clip["score"], step_s=clip["step_s"], seconds=clip["seconds"], attention=clip.get("attention"),
                   title="forged, then proposals (orange) at the height of their score")
    drawing, scale = _drawn(fig)
    sx, sy = scale["x2"], scale["y2"]
    bars = "".join(f'<line data-score="{s:.4f}" x1="{sx(a):.1f}" x2="{sx(b):.1f}" y1="{sy(s):.1f}" y2="{sy(s):.1f}" stroke="{theme.ORANGE}" stroke-width="6"/>'
                   for a, b, s in clip["proposals"])
    rule = (f'<g data-move="line"><line x1="{sx.start:.1f}" x2="{sx.end:.1f}" y1="0" y2="0" stroke="currentColor" stroke-width="2" stroke-dasharray="6 4"/>'
            f'<path d="M{sx.end:.1f},0l12,-7v14z" fill="currentColor"/></g>')
    foot = max(s.start for n, s in scale.items() if n[0] == "y")
    head = (f'<line data-head visibility="hidden" data-from="{sx.start:.1f}" data-to="{sx.end:.1f}" data-seconds="{clip["seconds"]:g}" x1="0" x2="0" '
            f'y1="{scale["y"].end:.1f}" y2="{foot:.1f}" stroke="{theme.PURPLE}" stroke-width="2"/>')
    laid = _laid(drawing, bars + rule + head + _grip(sx, sy, "y", (0, 1)))
    film = sound = ""
    if "frames" in clip:
        pick = np.linspace(0, len(clip["frames"]) - 1, 10).round().astype(int)
        film = (f'<img class="av-strip" style="max-width:{width}px" src="{pictures.data_uri(pictures.montage([clip["frames"][pick]]))}" '
                f'alt="ten frames of the clip, evenly spaced over {clip["seconds"]:.1f} s">')
    if "sound" in clip:
        sound = f'<audio controls src="{wav_uri(*clip["sound"])}" aria-label="sound of the clip"></audio>'
    page = f'{film}<div class="av-stage"><div class="av-drawing av-wide" role="img" aria-label="{{note}}" data-said tabindex="0">{laid}</div></div>{sound}'
    return View(page, notes, {"line": [f"0,{sy(t):.1f}" for t in grid]}, {})


def _drawn(fig):
    """(SVG, {axis: pixel scale}) of a figure, so that marks can be laid over it."""
    spans = extent(fig)
    return from_plotly(fig, spans), frame(fig, spans, int(fig.layout.height))[0]


def _laid(svg, over):
    """SVG with more of it on top."""
    return svg.removesuffix("</svg>") + over + "</svg>"


def _handle(scale, name):
    """A vertical line with a handle at its top, to be moved along x."""
    top, foot = scale["y"].end, scale["y"].start
    return (f'<g data-move="{name}"><line x1="0" x2="0" y1="{top:.1f}" y2="{foot:.1f}" stroke="currentColor" stroke-width="2" stroke-dasharray="6 4"/>'
            f'<path d="M0,{top:.1f}l-7,-12h14z" fill="currentColor"/></g>')


def _grip(sx, sy, axis, span):
    """The area of a drawing that takes the pointer; from, to = its ends in pixels, lo, hi = their values."""
    scale, (lo, hi) = {"x": sx, "y": sy}[axis], span
    return (f'<rect class="av-grip" data-drag="{axis}" data-from="{scale(lo):.1f}" data-to="{scale(hi):.1f}" data-lo="{lo:g}" data-hi="{hi:g}" '
            f'x="{sx.start - 8:.1f}" y="{sy.end - 16:.1f}" width="{sx.end - sx.start + 24:.1f}" height="{sy.start - sy.end + 24:.1f}" fill="transparent"/>')
