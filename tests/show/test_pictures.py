"""Arrays become pictures without losing what is measured on them: known colours, one scale, bytes that read back."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from avlab.errors import AvlabError
from avlab.show import pictures


def read(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_png_reads_back_to_the_same_pixels():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert (read(pictures.data_uri(image)) == image).all()
    assert (read(pictures.data_uri(image, zoom=2))[::2, 1::2] == image).all()


def test_one_scale_over_the_whole_clip():
    film = np.zeros((2, 1, 1))
    film[0], film[1] = 1.0, 10.0
    painted = pictures.paint(film, "grey")
    assert painted[0, 0, 0, 0] == round(25.5) and painted[1, 0, 0, 0] == 255     # a frame alone would have been white


def test_signed_zero_is_the_middle_and_signs_are_opposite_ends():
    low, zero, high = pictures.paint(np.array([[[-2.0], [0.0], [2.0]]]).reshape(1, 3), "signed")[0]
    assert (low == (0, 114, 178)).all() and (high == (213, 94, 0)).all() and zero.min() > 235


def test_float_pictures_are_clipped_not_wrapped():
    assert pictures.paint(np.full((1, 1, 3), 1.2)).max() == 255 and pictures.paint(np.full((1, 1, 3), -0.2)).max() == 0


@pytest.mark.parametrize("bad", [lambda: pictures.paint(np.array([[np.nan]]), "magnitude"), lambda: pictures.paint(np.zeros((2, 2)), "rainbow"),
                                 lambda: pictures.paint(np.zeros((2, 2, 4)), "rgb"), lambda: pictures.data_uri(np.zeros((2, 2, 3)))])
def test_bad_arrays_are_refused(bad):
    with pytest.raises(AvlabError):
        bad()


def test_montage_puts_each_frame_at_its_place_with_clear_gaps():
    rows = [np.full((2, 3, 4, 3), v, np.uint8) for v in (10, 20)]
    sheet = pictures.montage(rows, gap=2)
    assert sheet.shape == (8, 10, 4) and (sheet[:3, :4, 0] == 10).all() and (sheet[5:, 6:, 0] == 20).all() and (sheet[3:5, :, 3] == 0).all()


def test_filmstrip_shares_the_scale_of_its_maps_and_names_time():
    maps = {"own": np.full((4, 2, 2), 1.0), "silent": np.full((4, 2, 2), 3.0)}
    fig = pictures.filmstrip({"x": np.zeros((4, 2, 2, 3), np.uint8), **maps}, times=np.arange(4) / 25, unit="grey levels", frames=2)
    assert fig.data[0].marker.cmax == 3.0 and list(fig.layout.xaxis.ticktext) == ["0.00", "0.12"] and list(fig.layout.yaxis.ticktext) == ["x", "own", "silent"]
    sheet = read(fig.layout.images[0].source)
    assert tuple(sheet[-1, 0, :3]) == tuple(pictures.lookup("magnitude")[255]) and tuple(sheet[8, 0, :3]) == tuple(pictures.lookup("magnitude")[85])


def test_contact_sheet_is_described_focusable_and_quiet():
    film = np.zeros((6, 4, 4, 3), np.uint8)
    page = pictures.contact_sheet([("RVRA", "identity <3>", film)], title="Clips")._repr_html_()
    assert 'aria-label="RVRA, identity &lt;3&gt;: frame 0 of 6"' in page and 'tabindex="0"' in page and "<script" not in page
    assert "SynthTalk" in page and "animation:" in page.split(":is(:hover,:focus)")[1]
