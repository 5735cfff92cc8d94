"""The map of clips: places, groups and films are those that were given, and what does not fit is refused."""

import base64
import io
import json
import re

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.show.points import EDGE, SIDE, point_map

FILMS = np.arange(3 * 4, dtype=np.uint8).reshape(3, 4, 1, 1, 1) * np.full((1, 1, 8, 6, 3), 20, np.uint8)
PLACES = {1: [(0, 0), (2, 0), (0, 1)], 2: [(5, 5), (5, 7), (5, 6)]}
ALT = "At scale {scale} three clips stand where they were put"


def made(**changes):
    given = {"fn": lambda scale: PLACES[scale], "groups": {"label": ["fake", "real", "real"], "person": ["p", "q", "p"]}, "films": FILMS,
             "names": ["one", "two", "<three>"], "sounds": np.array([[0, 1, -1, 0.5]] * 3), "title": "Three", "alt": ALT, "scale": [1, 2]}
    return point_map(**given | changes)


def data(explorer):
    return json.loads(re.search(r'\("av\w+",(.*)\)</script>', explorer.html, re.S)[1])


def test_a_map_fills_its_frame_with_equal_scales_and_up_is_up():
    wide, high = data(made())["maps"]
    far, mid = SIDE - EDGE, SIDE // 2
    assert wide == [EDGE, mid + (far - mid) // 2, far, mid + (far - mid) // 2, EDGE, mid - (far - mid) // 2]
    assert high == [mid, far, mid, EDGE, mid, mid]


def test_groups_have_a_colour_a_symbol_and_a_count_and_real_comes_first():
    label, person = data(made())["looks"]
    assert label["of"] == [1, 0, 0] and person["of"] == [0, 1, 0]
    assert len({tuple(p) for p in label["paints"]}) == 2 == len(set(label["marks"]))
    assert re.sub("<[^>]+>", " ", label["legend"]).split() == ["real", "2", "fake", "1"]


def test_every_state_of_map_and_colour_is_described():
    d = data(made())
    assert [c["texts"] for c in d["controls"]] == [["1", "2"], ["label", "person"]]
    assert d["alts"] == [ALT.format(scale=s) for s in (1, 1, 2, 2)]
    spoken = data(made(alt=lambda state, colour: f"Scale {state['scale']} and the colour of {colour}"))["alts"]
    assert spoken[1] == "Scale 1 and the colour of person"


def test_the_film_holds_every_frame_of_every_clip_in_order():
    from PIL import Image
    d = data(made(quality=None))
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(d["film"].split(",")[1]))).convert("RGB"))
    for clip in range(3):
        for t in range(4):
            k = clip * d["frames"] + t
            y, x = k // d["columns"] * d["height"], k % d["columns"] * d["width"]
            assert (sheet[y:y + 8, x:x + 6] == FILMS[clip, t]).all()


def test_sound_is_eight_unsigned_bits_and_may_be_missing():
    assert list(base64.b64decode(data(made())["sounds"][0])) == [128, 255, 1, 192]
    assert data(made(sounds=None))["sounds"] is None


def test_it_stands_without_its_script_and_is_the_same_twice():
    first = made(start={"colour": "person", "scale": 2}).html
    page = first.split("<script")[0]
    assert page.count("data-p=") == 3 and 'role="img"' in page and 'value="1" selected>person' in page and ALT.format(scale=2) in page
    assert page.count('alt="face of ') == 3 and "<noscript>" in page
    assert first == made(start={"colour": "person", "scale": 2}).html and "<three>" not in page


@pytest.mark.parametrize("changes", [{"names": ["one"]}, {"groups": {}}, {"groups": {"label": ["real"]}}, {"sounds": np.zeros((2, 4))},
                                     {"fn": lambda scale: [(0, 0)]}, {"fn": lambda scale: [(0, np.nan)] * 3}, {"alt": "figure of {scale}"},
                                     {"start": {"scale": 7}}])
def test_what_does_not_fit_is_refused(changes):
    with pytest.raises(AvlabError):
        made(**changes)
