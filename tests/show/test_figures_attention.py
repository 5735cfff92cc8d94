"""The figures of notebook 02 put every mark where its number says."""

import numpy as np

from avlab.show import figures_attention as figures


def test_block_diagram_marks_every_layer_once_in_order_and_rings_the_taps():
    layers = [("down.0.spatial.0", "spatial", "down.0", 16), ("down.0.cross.0", "cross", "down.0", 16), ("mid.cross.0", "cross", "mid", 8),
              ("up.-1.temporal.0", "temporal", "up.-1", 16)]
    fig = figures.block_diagram(layers, tapped={"mid.cross.0"})
    marks = {name: (x, y, size) for trace in fig.data for name, x, y, size in zip(trace.text, trace.x, trace.y, trace.marker.size)}
    assert list(sorted(marks, key=lambda n: marks[n][0])) == [name for name, *_ in layers]
    assert marks["mid.cross.0"][1] < marks["down.0.cross.0"][1] == marks["up.-1.temporal.0"][1]  # the small grid lies lower
    assert [n for n, m in marks.items() if m[2] > 12] == ["mid.cross.0"]
    assert len(fig.layout.shapes) == 3 and {a.text for a in fig.layout.annotations} >= {"down.0", "mid", "up.-1", "SynthTalk"}


def test_tiles_keep_each_map_whole_and_on_one_scale():
    maps = np.zeros((3, 2, 4))
    maps[0], maps[1, 0, 0] = 1.0, 0.5
    picture = figures.tiles(maps, 2, kind="grey", top=1.0)
    assert picture.shape == (5, 9, 3)
    assert (picture[:2, :4] == 255).all() and picture[0, 5].tolist() == [128] * 3 and (picture[3:, :4] == 0).all()
    assert (picture[:, 4] == 127).all() and (picture[3:, 5:] == 127).all()  # gaps and the empty place


def test_interval_pairs_keeps_lines_and_series_apart():
    rows = [("t = 24", "inverted", 0.7, 0.6, 0.8), ("t = 24", "noised", 0.5, 0.4, 0.6), ("t = 249", "inverted", 0.9, 0.8, 1.0)]
    fig = figures.interval_pairs(rows, x="AUROC", null_band=(0.4, 0.6))
    points = [(t.name, t.x[0], round(t.y[0])) for t in fig.data if t.mode == "markers"]
    assert points == [("inverted", 0.7, 0), ("inverted", 0.9, 1), ("noised", 0.5, 0)]
    bands = [tuple(t.x) for t in fig.data if t.mode == "lines"]
    assert bands == [(0.6, 0.8), (0.8, 1.0), (0.4, 0.6)]
    heights = {(t.name, t.y[0]) for t in fig.data if t.mode == "markers"}
    assert len({y for _, y in heights}) == 3
