"""The drawing: shapes, regions and motion against answers that the geometry gives."""

import numpy as np

from avlab.synthtalk import face


def still(n=1, **changes):
    """A head at rest in the middle, eyes open."""
    fields = {name: np.zeros(n) for name in ("x", "y", "turn", "lids", "gaze", "brows")} | {"scale": np.ones(n)}
    return face.Motion(**fields | {name: np.asarray(value, float) for name, value in changes.items()})


GREY = np.full((64, 64, 3), 0.5), np.array([0.2, 0.2, 0.2])


def drawn(who, mouth, move=None):
    mouth = np.atleast_2d(np.asarray(mouth, float))
    return face.draw(who, move or still(len(mouth)), mouth, *GREY)


def test_the_mouth_region_grows_with_the_opening_and_narrows_with_rounding():
    who = face.person(3)
    _, regions = drawn(who, [[0, 0.3, 0], [0.5, 0.3, 0], [1, 0.3, 0], [0.5, 0.0, 1]])
    area = (regions == 2).sum((1, 2))
    assert area[0] < area[1] < area[2]
    width = [(r == 2).any(0).sum() for r in regions]
    assert width[3] < width[1]


def test_an_open_mouth_is_dark_inside_and_a_closed_one_is_not():
    who = face.person(3)
    picture, regions = drawn(who, [[0, 0.3, 0], [1, 0.3, 0]])
    inside = (regions[1] == 2) & (regions[0] != 2) | (regions[0] == 2)
    darkest = [picture[k][inside].sum(-1).min() for k in (0, 1)]
    assert darkest[1] < 0.45 < darkest[0]


def test_only_the_lower_face_changes_with_the_mouth():
    for identity in (0, 7, 20):
        picture, _ = drawn(face.person(identity), [[0, 0.3, 0], [1, 0.3, 0]])
        moved = np.abs(picture[1] - picture[0]).max(-1) > 1e-6
        assert not moved[:32].any() and moved[40:].any()  # the jaw bends the outline from the middle down


def test_the_head_moves_as_a_whole():
    """Two pixels to the right moves the face region by two pixels, exactly."""
    who = face.person(9)
    _, a = drawn(who, [[0.4, 0.3, 0]])
    _, b = drawn(who, [[0.4, 0.3, 0]], still(x=[2 * face.PIXEL]))
    np.testing.assert_array_equal(a[0, :, :-2], b[0, :, 2:])


def test_a_blink_hides_the_iris():
    who = face.person(2)
    picture, _ = drawn(who, [[0, 0.3, 0]] * 2, still(2, lids=[0, 1]))
    row = slice(26, 31)
    assert picture[0, row].min(-1).max() > 0.8  # the white of the eye
    assert picture[1, row, 18:46].min(-1).max() < max(0.8, float((who.skin * 1.1).min()) + 0.02)


def test_masks_lie_where_a_forger_would_cut():
    who, move = face.person(5), still()
    x, y, _ = face.head_coordinates(move)
    _, regions = drawn(who, [[0.5, 0.3, 0]])
    mouth, inner = face.mouth_box(who, x, y)[0], face.inner_face(who, x, y)[0]
    assert mouth[regions[0] == 2].min() > 0.5 and inner[regions[0] == 2].min() > 0.8
    assert mouth[:20].max() < 0.01 and inner[regions[0] == 0].max() < 0.9
    assert 0 <= mouth.min() and mouth.max() <= 1 and 0 <= inner.min() and inner.max() <= 1


def test_motion_is_smooth_small_and_continues():
    short, long = face.motion(4, 16, 25.0), face.motion(4, 32, 25.0)
    for name in ("x", "y", "turn", "scale", "lids", "gaze", "brows"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:16])
    for seed in range(40):
        move = face.motion(seed, 160, 25.0)
        assert np.abs(np.diff(move.x)).max() < 0.02  # under two thirds of a pixel a frame
        assert np.abs(move.x).max() < 0.2 and np.abs(move.turn).max() < 0.2 and 1.0 < move.scale.min() and move.scale.max() < 1.35
        assert 0 <= move.lids.min() and move.lids.max() <= 1 and np.abs(move.gaze).max() <= 1


def test_people_stay_in_their_ranges_and_differ():
    people = [face.person(k) for k in range(60)]
    for who in people:
        for colour in (who.skin, who.hair, who.iris, who.lips):
            assert colour.shape == (3,) and colour.min() >= 0 and colour.max() <= 1
        assert 0.5 <= who.width <= 0.58 and 0.66 <= who.height <= 0.74 and 0.9 <= who.mouth_gain <= 1.1
    assert len({tuple(who.skin) for who in people}) == 60
    tones = [np.mean([who.skin.mean() for who in people[c::6]]) for c in (0, 2, 4)]
    assert tones[0] > tones[1] > tones[2]


def test_a_picture_has_values_in_0_to_1_and_the_same_seed_the_same_room():
    picture, regions = drawn(face.person(1), np.random.default_rng(0).random((3, 3)))
    assert picture.dtype == np.float32 and picture.min() >= 0 and picture.max() <= 1
    assert set(np.unique(regions)) == {0, 1, 2}
    for a, b in zip(face.background(6), face.background(6)):
        np.testing.assert_array_equal(a, b)
    scene, clothes = face.background(7)
    assert scene.shape == (64, 64, 3) and clothes.shape == (3,) and scene.min() >= 0 and scene.max() <= 1
    assert np.abs(scene - face.background(8)[0]).max() > 0.05
