"""Words, cells and rules of single rows."""

import itertools
from dataclasses import replace

import pytest

from avlab.clips.rows import COLUMNS, LABELS, Row, category, format_cell, parse_cell, row_problems, safe_path
from avlab.errors import AvlabError

CATEGORIES = {  # all sixteen, written out by hand
    ("real", "real"): "RVRA", ("real", "fake"): "RVFA", ("real", "absent"): "RV-A", ("real", "unknown"): "RV?A",
    ("fake", "real"): "FVRA", ("fake", "fake"): "FVFA", ("fake", "absent"): "FV-A", ("fake", "unknown"): "FV?A",
    ("absent", "real"): "-VRA", ("absent", "fake"): "-VFA", ("absent", "absent"): "-V-A", ("absent", "unknown"): "-V?A",
    ("unknown", "real"): "?VRA", ("unknown", "fake"): "?VFA", ("unknown", "absent"): "?V-A", ("unknown", "unknown"): "?V?A"}

FILE = Row("c", dataset="files", path="c.mp4")
FAKE = replace(FILE, category="FVRA", label_video="fake", forger_video="x", duration_s=5.0)


def test_category_of_every_pair_of_labels():
    assert {pair: category(*pair) for pair in itertools.product(LABELS, LABELS)} == CATEGORIES


@pytest.mark.parametrize("word", ["REAL", "genuine", "", 1, None])
def test_category_knows_no_other_word(word):
    with pytest.raises(AvlabError, match="label_video"):
        category(word, "real")
    with pytest.raises(AvlabError, match="label_audio"):
        category("real", word)


def test_label_and_forger():
    def of(video, audio, forger_video="", forger_audio=""):
        return Row("c", "files", "", video, audio, forger_video, forger_audio)

    assert (of("real", "real").label, of("real", "real").forger) == (0, "real")
    assert (of("fake", "real", "dub").label, of("fake", "real", "dub").forger) == (1, "dub")
    assert (of("real", "fake", "", "rtvc").label, of("real", "fake", "", "rtvc").forger) == (1, "rtvc")
    assert of("fake", "fake", "lipsync", "rtvc").forger == "lipsync+rtvc"
    assert of("fake", "fake").forger == "unknown+unknown"
    assert of("fake", "absent", "dub").label == 1 and of("real", "absent").label == 0
    assert of("fake", "unknown", "dub").label == 1  # one fake stream is enough
    with pytest.raises(AvlabError, match="unknown label"):
        _ = of("real", "unknown").label


def test_identities_are_everyone_in_the_clip():
    assert Row("c", identity=3, donor=7).identities == {3, 7}
    assert Row("c", identity=3).identities == {3}
    assert Row("c", dataset="a", identity=3, path="x").identities != Row("c", dataset="b", identity=3, path="x").identities
    assert Row("c", dataset="a").identities == frozenset()


def test_digest_follows_the_content_and_not_the_split():
    row = Row("c", speech_seed=4)
    assert replace(row, split="test", cell=2).digest == row.digest
    assert len({replace(row, **change).digest for change in ({}, {"speech_seed": 5}, {"path": "x"}, {"segments_video": ((0.0, 1.0),)}, {"donor": 2})}) == 5


@pytest.mark.parametrize("column,text,value", [("cell", "-1", -1), ("identity", "7", 7), ("identity", "007", "007"), ("identity", "id00076", "id00076"),
                                               ("donor", "", -1), ("duration_s", "1e0", 1.0), ("segments_video", "0.8:1.6;3:4.4", ((0.8, 1.6), (3.0, 4.4))),
                                               ("segments_audio", "", ()), ("clip_id", "é \"x\" $HOME, -y", "é \"x\" $HOME, -y")])
def test_cells_are_read_as_their_type(column, text, value):
    assert parse_cell(column, text) == value and type(parse_cell(column, text)) is type(value)


@pytest.mark.parametrize("column,text", [("cell", "1.5"), ("cell", "x"), ("speech_seed", "1e3"), ("speech_seed", "٣"), ("duration_s", "nan"),
                                         ("duration_s", "inf"), ("duration_s", "long"), ("segments_video", "1-2"), ("segments_video", "1:nan"),
                                         ("segments_video", "1:2:3"), ("clip_id", "a\x00b"), ("clip_id", "a\tb"), ("path", "\udcff")])
def test_bad_cells_are_refused(column, text):
    with pytest.raises(AvlabError):
        parse_cell(column, text)


@pytest.mark.parametrize("row", [FILE, FAKE, Row("a,\"b\"\u2028 '; --", "files", "FVFA", "fake", "fake", "x", "", "Zoë", 5, 1, "val", 1 / 3, 1, 2, 3, 4,
                                                ((0.1, 0.2), (0.25, 0.30000000000000004)), (), "a/b.mp4")])
def test_cells_come_back_equal(row):
    assert Row(**{name: parse_cell(name, format_cell(name, getattr(row, name))) for name in COLUMNS}) == row
    assert row_problems(row) == []


BROKEN = {
    "category contradicts": (replace(FILE, category="FVRA"), "category"),
    "unknown word": (replace(FILE, label_audio="bogus"), "label_audio"),
    "forger of a real stream": (replace(FILE, forger_audio="x"), "forger_audio"),
    "no forger in synthtalk": (Row("c", category="FVRA", label_video="fake", identity=1), "forger_video"),
    "unknown forger in synthtalk": (Row("c", category="FVRA", label_video="fake", forger_video="magic"), "forger_video"),
    "audio forger on video": (Row("c", category="FVRA", label_video="fake", forger_video="rtvc"), "forger_video"),
    "empty id": (replace(FILE, clip_id=" "), "clip_id"),
    "split": (replace(FILE, split="dev"), "split"),
    "no time": (replace(FILE, duration_s=0.0), "duration_s"),
    "endless": (replace(FILE, duration_s=1e9), "duration_s"),
    "negative seed": (replace(FILE, motion_seed=-1), "motion_seed"),
    "huge seed": (replace(FILE, camera_seed=2**31), "camera_seed"),
    "segment on a real stream": (replace(FILE, segments_audio=((0.0, 0.1),)), "segments_audio"),
    "negative segment": (replace(FAKE, segments_video=((-0.1, 1.0),)), "segments_video"),
    "empty segment": (replace(FAKE, segments_video=((1.0, 1.0),)), "segments_video"),
    "backward segment": (replace(FAKE, segments_video=((2.0, 1.0),)), "segments_video"),
    "overlap": (replace(FAKE, segments_video=((0.0, 2.0), (1.5, 3.0))), "segments_video"),
    "out of order": (replace(FAKE, segments_video=((2.0, 3.0), (0.0, 1.0))), "segments_video"),
    "beyond the end": (replace(FAKE, segments_video=((4.0, 5.5),)), "segments_video"),
    "path in synthtalk": (Row("c", path="x.mp4"), "path"),
    "no path": (replace(FILE, path=""), "path"),
    "path leaves": (replace(FILE, path="../x.mp4"), "path"),
    "name in synthtalk": (Row("c", identity="Zoë"), "identity"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_names_its_column(name):
    row, column = BROKEN[name]
    assert {found for found, _ in row_problems(row)} == {column}


def test_touching_segments_are_allowed():
    assert row_problems(replace(FAKE, segments_video=((0.0, 1.0), (1.0, 5.0)))) == []


def test_safe_path_keeps_odd_names(tmp_path):
    for name in ("a b.mp4", "-x", "$HOME", "ü/ö.mp4", "a/../b.mp4", "...", "concat:a|b", "'q\".mp4"):
        assert safe_path(name, tmp_path).startswith(str(tmp_path.resolve()))
