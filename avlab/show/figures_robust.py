"""Figures about robustness (notebook 09): what was claimed and what happened, slopes, printed numbers beside ours, pooled scores. Each only draws."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _faint, _guess
from avlab.show.theme import WORLD, axes, dressed, style

PRINTED = {"color": theme.ORANGE, "symbol": "diamond-open", "size": 13, "line": {"width": 2.5}}


def train_by_test(panels, names, *, strangers=(), title="", world=WORLD):
    """Train-by-test matrices side by side, coloured by their distance from 0.5: below is information too, of the wrong sign.

    panels  {title: (R, R) AUROC}      names  R forgers, rows = taught, columns = tested      strangers  names that get an asterisk
    """
    from avlab.show.figures import heat_grid
    words = [name + " *" if name in strangers else name for name in names]
    text = {k: [[f"{v:.2f}" for v in row] for row in m] for k, m in panels.items()}
    fig = heat_grid({k: np.asarray(m) - 0.5 for k, m in panels.items()}, words, words, text=text, signed=True, high=0.5, unit="AUROC - 0.5",
                    x="tested on", y="head was taught", title=title, world=world)
    return fig.update_xaxes(tickangle=-40).update_layout(height=150 + 42 * len(names))


def reliability(curves, *, title="", guess=None, world=WORLD):
    """What was claimed against what happened, with Wilson intervals, one panel a set; the diagonal is a perfect model, marks grow with their clips.

    curves  {panel: {name: Reliability-like with said, happened, lo, hi, count, each (B,)}}
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(1, len(curves), subplot_titles=list(curves), shared_yaxes=True, horizontal_spacing=0.05)
    for c, (_, lines) in enumerate(curves.items(), 1):
        fig.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": theme.AXIS, "width": 1.5, "dash": "dash"}, name="what is said happens",
                        showlegend=c == 1, hoverinfo="skip", row=1, col=c)
        for i, (name, found) in enumerate(lines.items()):
            s, said = style(name, i), np.asarray(found.said) + 0.012 * i
            for at, lo, hi in zip(said, found.lo, found.hi, strict=True):
                fig.add_scatter(x=[at, at], y=[lo, hi], mode="lines", line={"color": s.colour, "width": 2}, showlegend=False, hoverinfo="skip", row=1, col=c)
            fig.add_scatter(x=said, y=found.happened, mode="lines+markers", name=name, legendgroup=name, showlegend=c == 1, row=1, col=c,
                            line={"color": s.colour, "dash": s.dash, "width": 1.5}, text=[f"{n} clips" for n in found.count],
                            marker={"color": s.colour, "symbol": s.symbol, "size": 6 + 14 * np.sqrt(np.asarray(found.count) / max(found.count.sum(), 1))},
                            hovertemplate="says %{x:.2f}, happens %{y:.2f}, %{text}<extra>" + name + "</extra>")
    fig.update_xaxes(range=[-0.03, 1.05], title_text="predicted probability of fake").update_yaxes(range=[-0.03, 1.03])
    fig.update_yaxes(title_text="share of fakes", col=1)
    fig.update_layout(meta={"min_width": 300 * len(curves)}, legend_y=-0.24)
    return _guess(dressed(fig, title=title, world=world, height=420), guess)


def slopes(lines, *, y, title="", guess=None, world=WORLD):
    """Several numbers of the same scores, one line a set of clips, with intervals. lines = {set: {column: Interval}}, all with the same columns."""
    import plotly.graph_objects as go
    fig = go.Figure()
    columns = list(next(iter(lines.values())))
    for i, (name, cells) in enumerate(lines.items()):
        s, at = style(name, i), np.arange(len(columns)) + 0.04 * (i - (len(lines) - 1) / 2)
        for x, cell in zip(at, cells.values(), strict=True):
            fig.add_scatter(x=[x, x], y=[cell.lo, cell.hi], mode="lines", line={"color": s.colour, "width": 3}, showlegend=False, hoverinfo="skip")
        fig.add_scatter(x=at, y=[cell.value for cell in cells.values()], mode="lines+markers", name=name,
                        line={"color": s.colour, "dash": s.dash, "width": 2.2}, marker={"color": s.colour, "symbol": s.symbol, "size": 11},
                        hovertemplate="%{y:.3f}<extra>" + name + "</extra>")
    fig.update_xaxes(tickvals=list(range(len(columns))), ticktext=columns, range=[-0.4, len(columns) - 0.6], showgrid=False, zeroline=False)
    return _guess(axes(dressed(fig, title=title, world=world, height=400), "", y), guess, along="y")


def ours_and_printed(rows, *, x, null=0.5, title="", world="SynthTalk | published numbers"):
    """Our numbers with intervals and printed ones without, one line a source.

    rows  list of (line, points); a point is (value, lo, hi, name) of ours or (value, name) printed
    """
    import plotly.graph_objects as go
    fig, seen = go.Figure(), set()
    fig.add_vline(null, line_color=theme.AXIS, line_width=1.5)
    for r, (_, points) in enumerate(rows):
        for k, point in enumerate(points):
            ours = len(point) == 4
            at = r + (k - (len(points) - 1) / 2) * min(0.16, 0.7 / max(len(points), 1))
            if ours:
                fig.add_scatter(x=point[1:3], y=[at, at], mode="lines", line={"color": theme.BLUE, "width": 3}, showlegend=False, hoverinfo="skip")
            fig.add_scatter(x=[point[0]], y=[at], mode="markers", marker={"color": theme.BLUE, "size": 10} if ours else PRINTED,
                            name="measured here, interval over people" if ours else "printed (other data, no interval)", legendgroup=str(ours),
                            showlegend=ours not in seen, hovertemplate=f"{point[-1]}: %{{x:.3f}}<extra></extra>")
            seen.add(ours)
    fig.update_yaxes(tickvals=list(range(len(rows))), ticktext=[line for line, _ in rows], range=[len(rows) - 0.45, -0.55], zeroline=False)
    height = 170 + 52 * len(rows)
    return axes(dressed(fig, title=title, world=world, height=height), x).update_layout(legend_y=-60 / (height - 110))


def right_and_wrong(ours, printed, *, x, printed_name, title="", guess=None, world="SynthTalk | published numbers"):
    """Shares of reals and fakes called right at one carried threshold, along a quality, beside printed marks.

    ours  {"real" | "fake": (x, share)}      printed  the same keys and form: hollow marks joined by a thin line
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    for name, (px, share) in ours.items():
        s = style(name)
        fig.add_scatter(x=list(px), y=list(share), mode="lines+markers", name=f"{name}s here", line={"color": s.colour, "dash": s.dash, "width": 2.5},
                        marker={"color": s.colour, "symbol": s.symbol, "size": 10})
    for name, (px, share) in printed.items():
        s = style(name)
        fig.add_scatter(x=list(px), y=list(share), mode="lines+markers", name=f"{name}s, {printed_name}",
                        line={"color": _faint(s.colour, 0.6), "dash": "dot", "width": 1.5},
                        marker={"color": s.colour, "symbol": f"{s.symbol}-open", "size": 12, "line": {"width": 2.5}})
    fig.update_yaxes(range=[-0.04, 1.04])
    return _guess(axes(dressed(fig, title=title, world=world, height=400), x, "share that is called right"), guess, along="y")


def abstention(curves, at, *, title="", guess=None, world=WORLD):
    """Risk against coverage. curves = {name: (coverage, risk)}; at = coverage that is read off, a dotted line."""
    from avlab.show.figures import lines_with_band
    fig = lines_with_band(curves, x="coverage (share of clips that are answered)", y="risk (share of wrong answers)", markers=False, title=title,
                          guess=guess, world=world, height=400)
    fig.add_vline(at, line_color=theme.AXIS, line_width=1.5, line_dash="dot")
    return fig.update_yaxes(rangemode="tozero").update_xaxes(range=[0.08, 1.02])


def alarm_value(curves, at, *, title="", world="toy and SynthTalk"):
    """Predictive value of an alarm against the base rate (log), one line an operating point, the chosen base rate as a line."""
    from avlab.show.figures import lines_with_band
    fig = lines_with_band(curves, x="base rate (share of clips that are fake)", y="share of alarms that are right", log_x=True, markers=False, title=title,
                          world=world)
    fig.add_scatter(x=[at, at], y=[0, 1], mode="lines", line={"color": theme.AXIS, "width": 1.5, "dash": "dot"}, showlegend=False)
    ticks = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.5]
    fig.update_xaxes(tickvals=ticks, ticktext=["1 in 100,000", "1 in 10,000", "1 in 1,000", "1 in 100", "1 in 10", "half"])
    return fig.update_yaxes(range=[0, 1.02])


def pooled(densities, curve, at, *, title="", world="toy"):
    """Two panels: densities of the pooled scores {name: (x, y)}, and the pooled AUROC against a share with the present state marked (share, AUROC)."""
    from plotly.subplots import make_subplots
    fig = make_subplots(1, 2, horizontal_spacing=0.14, subplot_titles=["scores of both sets together", "their pooled AUROC"])
    for name, (x, y) in densities.items():
        s = style(name)
        fig.add_scatter(x=x, y=y, mode="lines", name=name, line={"color": s.colour, "dash": s.dash, "width": 2.5}, row=1, col=1)
    fig.add_scatter(x=curve[0], y=curve[1], mode="lines", line={"color": theme.GREEN, "width": 2.5}, showlegend=False, row=1, col=2)
    fig.add_scatter(x=[curve[0][0], curve[0][-1]], y=[0.5, 0.5], mode="lines", line={"color": theme.AXIS, "width": 1.5}, showlegend=False, row=1, col=2)
    fig.add_scatter(x=[at[0]], y=[at[1]], mode="markers", marker={"color": theme.GREEN, "size": 13}, showlegend=False, row=1, col=2)
    fig.update_xaxes(title_text="score (larger = more fake)", row=1, col=1).update_xaxes(title_text="share of fakes in the second set", row=1, col=2)
    fig.update_yaxes(title_text="density", rangemode="tozero", row=1, col=1).update_yaxes(title_text="AUROC", range=[0, 1], row=1, col=2)
    return dressed(fig, title=title, world=world, height=360)
