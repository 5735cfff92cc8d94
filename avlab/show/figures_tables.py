"""Figures about printed tables (notebook 10): counts that fit, intervals, wholes, averages, leads. Each only draws what it is given."""

import numpy as np

from avlab.show import theme
from avlab.show.figures import _faint, _guess
from avlab.show.theme import PUBLISHED, axes, dressed

OPEN = {"color": "rgba(0,0,0,0)"}


def _note(fig, x, y, text, **where):
    """A label on a point; annotations take the page's text colour, so they read on light and on dark paper."""
    fig.add_annotation(x=x, y=y, text=text, **({"showarrow": False, "font": {"size": 12}} | where))


def _wide(fig, top=64, lift=0):
    """Room above the plot; `lift` moves the world's tag up, clear of the titles of subplots."""
    fig.update_layout(margin={"l": 12, "r": 16, "t": top, "b": 12})
    fig.update_annotations(selector={"name": "world"}, yshift=6 + lift)
    return fig


def lattice(panels, *, clips, title="", guess=None):
    """Error counts as a lattice, one panel a table row: what fits the first number, what fits the second, what fits both.

    panels  {row: (first (k, 2), second (k, 2)) cells as (real errors, fake errors)}      clips  (real, fake) in the test set
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots
    cells = np.concatenate([c for pair in panels.values() for c in pair])
    wide, high = cells.max(axis=0) + 1
    fig = make_subplots(2, (len(panels) + 1) // 2, subplot_titles=list(panels), shared_xaxes=True, shared_yaxes=True, horizontal_spacing=0.04,
                        vertical_spacing=0.1)
    gx, gy = (g.ravel() for g in np.meshgrid(np.arange(wide + 1), np.arange(high + 1)))
    for i, (first, second) in enumerate(panels.values()):
        at = {"row": i // ((len(panels) + 1) // 2) + 1, "col": i % ((len(panels) + 1) // 2) + 1}
        both = np.array([c for c in first.tolist() if c in second.tolist()]).reshape(-1, 2)
        fig.add_trace(
            go.Scatter(x=gx, y=gy, mode="markers", marker={"size": 2.5, "color": theme.AXIS, "line": {"width": 0}}, hoverinfo="skip", showlegend=False), **at)
        for name, xy, look in (("fits the accuracy", first, {"symbol": "circle-open", "color": theme.BLUE, "size": 9, "line": {"width": 2}}),
                               ("fits the AUC", second, {"symbol": "square-open", "color": theme.ORANGE, "size": 10, "line": {"width": 2}}),
                               ("fits both", both, {"symbol": "diamond", "color": theme.VERMILLION, "size": 14})):
            fig.add_trace(go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", name=name, legendgroup=name, showlegend=i == 0, marker=look,
                                     hovertemplate="%{x} real, %{y} fake errors<extra>" + name + "</extra>"), **at)
        for r, f in both[:3]:
            fig.add_annotation(x=r, y=f, text=f"{r} real, {f} fake", showarrow=False, xanchor="left", xshift=12, yshift=8, font={"size": 12}, **at)
    fig.update_xaxes(title_text=f"real clips taken for fake (of {clips[0]})", row=2)
    fig.update_yaxes(title_text=f"fakes missed (of {clips[1]})", col=1)
    fig.update_layout(legend={"y": -0.16})
    return _guess(_wide(dressed(fig, title=title, world=PUBLISHED, height=560), 92, 24), guess)


def intervals_and_bounds(rows, steps, *, title="", guess=None):
    """Top: accuracies with intervals; below: the range of p-values each step allows, on a log axis with the 0.05 line.

    rows   [(label, value, lo, hi)] in per cent        steps   [(label, smallest p, largest p)]
    """
    from plotly.subplots import make_subplots
    fig = make_subplots(2, 1, vertical_spacing=0.24)
    for label, value, lo, hi in rows:
        fig.add_scatter(x=[lo, hi], y=[label] * 2, mode="lines", line={"color": theme.BLUE, "width": 4}, hoverinfo="skip", row=1, col=1)
        fig.add_scatter(x=[value], y=[label], mode="markers", marker={"color": theme.BLUE, "size": 11}, row=1, col=1,
                        hovertemplate=f"%{{x:.2f}} % [{lo:.2f}, {hi:.2f}]<extra>{label}</extra>")
    for label, small, large in steps:
        fig.add_scatter(x=[small, large], y=[label] * 2, mode="lines+markers", line={"color": theme.GREEN, "width": 4},
                        marker={"color": theme.GREEN, "symbol": "square", "size": 9}, row=2, col=1, hovertemplate=f"p = %{{x:.4f}}<extra>{label}</extra>")
    fig.add_vline(0.05, line_dash="dash", line_color=theme.VERMILLION, row=2, col=1)
    _note(fig, np.log10(0.05), 1, "0.05", xref="x2", yref="y2 domain", yanchor="bottom", font={"size": 11})
    ends = [r[2] for r in rows] + [r[3] for r in rows]
    room = 0.03 * (max(ends) - min(ends))
    fig.update_xaxes(title_text="accuracy with its Wilson interval (%)", range=[min(ends) - room, max(ends) + room], row=1, col=1)
    fig.update_xaxes(title_text="p (exact McNemar) that the counts allow", type="log", range=[-2.4, 0.15], tickvals=[0.01, 0.1, 1], row=2, col=1)
    fig.update_yaxes(autorange="reversed", type="category")
    fig.update_layout(showlegend=False)
    return _guess(_wide(dressed(fig, title=title, world=PUBLISHED, height=520)), guess)


def wholes(parts, *, title="", guess=None):
    """One gain as a share of several wholes: a bar a whole, the gain coloured, the sum written out.

    parts  [(label, before, gain, whole, words)]: the coloured part runs from before to before + gain, in units of the whole
    """
    import plotly.graph_objects as go
    fig, labels = go.Figure(), [p[0] for p in parts]
    share = lambda k: [100 * p[k] / p[3] for p in parts]
    rest = [100 - b - g for b, g in zip(share(1), share(2))]
    for name, width, look in (("there before", share(1), {"color": _faint(theme.BLUE, 0.35)}),
                              ("the gain", share(2), {"color": theme.VERMILLION, "pattern": {"shape": "/", "solidity": 0.2}}),
                              ("not reached", rest, {"color": theme.BAND})):
        fig.add_bar(y=labels, x=width, name=name, orientation="h", marker=look | {"line": {"width": 1, "color": theme.AXIS}},
                    hovertemplate="%{x:.1f} %<extra>" + name + "</extra>")
    for label, before, gain, whole, words in parts:
        _note(fig, 100, label, words, xanchor="right", yshift=30, font={"size": 13})
    fig.update_layout(barmode="stack", bargap=0.55, legend_traceorder="normal")
    fig.update_yaxes(autorange="reversed")
    fig.update_xaxes(range=[0, 101])
    return _guess(axes(_wide(dressed(fig, title=title, world=PUBLISHED, height=400)), "share of the whole (%)"), guess)


def print_against_mean(groups, rings, honest, *, digits=2, title="", guess=None):
    """Printed average minus the mean of its columns, against that mean; rings lie outside all columns, crosses are honest tables.

    groups  {metric: (means (n,), differences (n,), names n)}     rings  (means, differences)     honest  (means, differences)
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    fig.add_hline(0, line_color=theme.AXIS, line_width=1.5)
    fig.add_scatter(x=honest[0], y=honest[1], mode="markers", name="control: honest made-up tables",
                    marker={"symbol": "line-ns-open", "size": 9, "color": theme.GREEN,
                            "line": {"width": 1.5}}, hovertemplate="%{y:.3f} points<extra>honest table</extra>")
    fig.add_scatter(x=rings[0], y=rings[1], mode="markers", name="outside all its columns",
                    marker={"symbol": "circle-open", "size": 20, "color": theme.VERMILLION, "line": {"width": 2.5}}, hoverinfo="skip")
    for i, (metric, (mean, gap, names)) in enumerate(groups.items()):
        s = theme.style(metric, i)
        fig.add_scatter(x=mean, y=gap, mode="markers", name=metric, text=names, marker={"color": s.colour, "symbol": s.symbol, "size": 9, "opacity": 0.9},
                        hovertemplate="%{text}: mean %{x:.2f}, print %{y:+.2f} points<extra>" + metric + "</extra>")
    return _guess(
        axes(_wide(dressed(fig, title=title, world=PUBLISHED, height=460)), "mean of the three columns (%)", "printed average minus that mean (points)"),
        guess)


def leads(columns, own, *, same_training=(), saw=(), title="", guess=None):
    """Every detector on every set, one line for the paper's own, and its lead over the best other one written above each set.

    columns  {set: {detector: AUROC in per cent}}      own  the paper's detector      same_training  detectors drawn as diamonds
    saw      (set, detector) pairs that are not unseen: that set was in the detector's training
    """
    import plotly.graph_objects as go
    fig, sets = go.Figure(), list(columns)
    others = [(s, name, v) for s, c in columns.items() for name, v in c.items() if name != own and v is not None]
    seen, released = [o for o in others if o[:2] in saw], [o for o in others if o[1] not in same_training and o[:2] not in saw]
    for label, chosen, look in (("released weights", released, {"color": theme.GREY, "symbol": "circle-open", "size": 8}),
                                ("released, this set in training", seen, {"color": theme.GREY, "symbol": "square", "size": 9}),
                                ("trained on the same data", [o for o in others
                                                              if o[1] in same_training], {"color": theme.VERMILLION, "symbol": "diamond", "size": 9})):
        fig.add_scatter(x=[o[0] for o in chosen], y=[o[2] for o in chosen], text=[o[1] for o in chosen], mode="markers", name=label, marker=look,
                        hovertemplate="%{text}: %{y:.2f}<extra></extra>")
    fig.add_scatter(x=sets, y=[columns[s][own] for s in sets], mode="lines+markers", name=own, line={"color": theme.BLUE, "width": 3},
                    marker={"size": 11, "color": theme.BLUE}, hovertemplate=own + ": %{y:.2f}<extra></extra>")
    for s in sets:
        best = max(v for k, v in columns[s].items() if k != own and v is not None)
        _note(fig, s, 104, f"<b>{columns[s][own] - best:+.2f}</b>")
    fig.update_yaxes(range=[30, 108], tickvals=[40, 50, 60, 70, 80, 90, 100])
    fig.update_xaxes(type="category", categoryarray=sets)
    return _guess(axes(_wide(dressed(fig, title=title, world=PUBLISHED, height=440)), "", "AUROC (%), lead of " + own + " above"), guess)


def sizes(numbers, sizes, fits, *, marks=None, title="", guess=None):
    """Which test sizes could have printed each number: a tick for every size that fits, and a last line where all fit.

    numbers  labels of k printed numbers      sizes (n,) clips      fits (k, n) bool      marks  {size: words} vertical lines
    """
    import plotly.graph_objects as go
    fig, sizes = go.Figure(), np.asarray(sizes)
    rows = [*((label, sizes[f], theme.BLUE) for label, f in zip(numbers, fits)), ("all of them", sizes[np.all(fits, axis=0)], theme.VERMILLION)]
    for label, at, colour in rows:
        fig.add_scatter(x=at, y=[label] * len(at), mode="markers", showlegend=False,
                        marker={"symbol": "line-ns-open", "size": 15, "color": colour,
                                "line": {"width": 2}}, hovertemplate="%{x} clips<extra>" + label + "</extra>")
    for n, words in (marks or {}).items():
        fig.add_vline(n, line_dash="dash", line_color=theme.AXIS)
        _note(fig, n, 1, words, yref="paper", yanchor="bottom", xanchor="left", font={"size": 11})
    fig.update_yaxes(type="category", categoryorder="array", categoryarray=[r[0] for r in rows][::-1])
    fig.update_xaxes(range=[sizes[0] - 5, sizes[-1] + 5])
    return _guess(axes(_wide(dressed(fig, title=title, world=PUBLISHED, height=150 + 44 * len(rows)), 84), "clips in the test set"), guess)


def size_dots(numbers, sizes, fits, *, title=""):
    """The same as `sizes`, in marks that an explorer can draw without plotly; past 500 sizes one mark stands for several."""
    import plotly.graph_objects as go
    fig, sizes = go.Figure(), np.asarray(sizes)
    step = -(-sizes.size // 500)
    rows = [("all", np.all(fits, axis=0)), *reversed(list(zip(numbers, fits)))]
    for i, (label, f) in enumerate(rows):
        at = np.unique(sizes[f] // step * step)
        fig.add_scatter(x=at.tolist(), y=[i] * at.size, mode="markers", showlegend=False,
                        marker={"symbol": "square", "color": theme.VERMILLION if i == 0 else theme.BLUE})
    fig.update_yaxes(tickvals=list(range(len(rows))), ticktext=[r[0] for r in rows], range=[-0.6, len(rows) - 0.4], showgrid=False)
    fig.update_xaxes(range=[float(sizes[0]) - 0.015 * sizes.size, float(sizes[-1]) + 0.015 * sizes.size])
    words = "clips in the test set" + (f" (one mark for {step} sizes)" if step > 1 else "")
    return axes(dressed(fig, title=title, world=PUBLISHED, height=120 + 34 * len(rows)), words)


def f1_curve(share, curve, rows, *, title="", guess=None):
    """F1 of an answer that does not look, against the share it calls fake, with printed rows on it and chance balanced accuracy below.

    share (n,) in 0..1, curve (n,) in per cent      rows  [(label, share called fake, printed F1, balanced accuracy)]
    """
    import plotly.graph_objects as go
    fig = go.Figure()
    fig.add_scatter(x=100 * np.asarray(share), y=curve, mode="lines", name="F1 of calling a random share fake", line={"color": theme.GREY, "width": 3})
    fig.add_scatter(x=[0, 100], y=[50, 50], mode="lines", name="its balanced accuracy", line={"color": theme.GREY, "width": 2, "dash": "dot"})
    fig.add_scatter(x=[100 * r[1] for r in rows], y=[r[2] for r in rows], mode="markers", name="printed F1",
                    marker={"color": theme.VERMILLION, "symbol": "diamond",
                            "size": 13}, text=[r[0] for r in rows], hovertemplate="%{text}: F1 %{y:.1f}, %{x:.1f} % called fake<extra></extra>")
    fig.add_scatter(x=[100 * r[1] for r in rows], y=[r[3] for r in rows], mode="markers", name="printed balanced accuracy",
                    marker={"color": theme.BLUE, "symbol": "circle",
                            "size": 11}, text=[r[0] for r in rows], hovertemplate="%{text}: balanced %{y:.1f}<extra></extra>")
    for label, at, f1, _ in rows:
        left = at > 0.5
        _note(fig, 100 * at, f1, label, xanchor="right" if left else "left", xshift=-12 if left else 12, yshift=4)
    fig.update_yaxes(range=[-3, 103])
    return _guess(axes(_wide(dressed(fig, title=title, world=PUBLISHED, height=420)), "clips called fake (%)", "per cent"), guess, along="y")


def three_points(x, generator, logits, thresholds, balanced, *, title="", guess=None):
    """Top: three logits over one feature, clips on the winning line; bottom: what the best-turned threshold there reaches."""
    from plotly.subplots import make_subplots
    fig = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.55, 0.45], vertical_spacing=0.08)
    at = np.unique(x)
    first = np.array([np.flatnonzero(x == v)[0] for v in at])
    for g, (name, s) in enumerate((("real", theme.REAL), ("generator A", theme.style("A", 1)), ("generator B", theme.style("B", 2)))):
        slope = [(logits[g, first[-1]] - logits[g, first[0]]) / (at[-1] - at[0])] * 2
        ends = np.array([thresholds[0], thresholds[-1]])
        fig.add_scatter(x=ends, y=logits[g, first[1]] + np.array(slope) * ends, mode="lines", name=f"logit of {name}",
                        line={"color": s.colour, "dash": s.dash, "width": 2.5}, row=1, col=1)
        here = first[generator[first] == g]
        fig.add_scatter(x=x[here], y=logits[:, here].max(axis=0), mode="markers", name=f"clips: {name}",
                        marker={"color": s.colour, "symbol": s.symbol, "size": 15}, row=1, col=1)
    fig.add_scatter(x=thresholds, y=100 * balanced, mode="lines", name="one threshold, either side", line={"color": theme.PURPLE, "width": 3}, row=2, col=1)
    fig.add_hline(100, line_dash="dash", line_color=theme.AXIS, row=2, col=1)
    fig.update_yaxes(title_text="logit", row=1, col=1)
    fig.update_yaxes(title_text="balanced accuracy (%)", range=[45, 105], row=2, col=1)
    fig.update_xaxes(title_text="the one feature", row=2, col=1)
    return _guess(_wide(dressed(fig, title=title, world="three points", height=520)), guess)


def reach(sizes, shares, at, *, decimals, numbers=4, title=""):
    """How many of all printable percentages some count of n clips reaches, and the same for several at once; a line at one n."""
    import plotly.graph_objects as go
    fig, shares = go.Figure(), np.asarray(shares, float)
    fig.add_scatter(x=np.asarray(sizes), y=100 * shares, mode="lines", name="one number", line={"color": theme.BLUE, "width": 3})
    fig.add_scatter(x=np.asarray(sizes), y=100 * shares**numbers, mode="lines", name=f"{numbers} numbers at once",
                    line={"color": theme.VERMILLION, "width": 3, "dash": "dash"})
    fig.add_vline(at, line_dash="dash", line_color=theme.AXIS)
    fig.update_yaxes(range=[0, 104])
    return axes(dressed(fig, title=title, world=PUBLISHED, height=340), "clips in the test set",
                f"fits by accident (%), {decimals} decimal{'s' * (decimals != 1)}")


def batch_counts(p, *, title=""):
    """Probability of 1, 2, ... clips of one generator in a batch that has any, with the share of pairs i = j written on each bar."""
    import plotly.graph_objects as go
    k = np.arange(1, len(p) + 1)
    fig = go.Figure(go.Bar(x=[str(i) for i in k], y=100 * np.asarray(p), marker={"color": theme.BLUE, "line": {"width": 1, "color": theme.AXIS}}, width=0.55))
    for i, q in zip(k, p):
        _note(fig, int(i) - 1, 100 * q, f"{i} of {i * i} pairs i = j" if i > 1 else "its only pair is i = j", yanchor="bottom")
    fig.update_xaxes(type="category")  # a note's x is then the place of the bar, not its name
    fig.update_yaxes(range=[0, 100 * max(p) + 12])
    return axes(dressed(fig, title=title, world=PUBLISHED, height=320), "clips of the generator in the batch", "probability (%)")
