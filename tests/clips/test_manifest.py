"""Files of rows: what is right is loaded, what is wrong is named by line and column, and neither stops the other."""

import csv
from dataclasses import replace

import pytest

from avlab.clips import manifest
from avlab.clips.rows import COLUMNS, Row
from avlab.errors import AvlabError

HEAD = "clip_id,dataset,label_video,label_audio,forger_video,duration_s,segments_video,path"


def load(tmp_path, text, name="m.csv"):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(data)
    return manifest.load(tmp_path / name)


def found(m):
    return [(problem.line, problem.column) for problem in m.problems]


def test_good_rows_around_bad_ones(tmp_path):
    lines = [HEAD,
             "a,files,real,real,,2.0,,a.mp4",
             "b,files,real,bogus,,2.0,,b.mp4",
             "c,files,fake,real,x,2.0,1.0:3.0,c.mp4",
             "d,files,real,real,,nan,,d.mp4",
             "",
             "e,files,real,real,,2.0,,../../etc/passwd",
             "a,files,real,real,,2.0,,a2.mp4",
             "f,files,real,real,,2.0,,\"unclosed.mp4",
             "g,files,real,real",
             "h,files,fake,real,x,2.0,0.5:1.0,\"it's, a $b -c.mp4\""]
    m = load(tmp_path, "\n".join(lines))
    assert [row.clip_id for row in m] == ["a", "h"]
    assert found(m) == [(3, "label_audio"), (4, "segments_video"), (5, "duration_s"), (7, "path"), (8, "clip_id"), (9, ""), (10, "")]
    assert "line 2" in m.problems[4].message
    assert m[1].path == "it's, a $b -c.mp4" and m[1].segments_video == ((0.5, 1.0),) and m[1].category == "FVRA"
    assert m[1].root == str(tmp_path)


def test_each_of_several_faults_in_a_row_is_named(tmp_path):
    m = load(tmp_path, f"{HEAD}\na,files,real,real,,x,1-2,\nb,files,odd,odd,,-1,,b.mp4\n")
    assert found(m) == [(2, "duration_s"), (2, "segments_video"), (3, "label_video"), (3, "label_audio"), (3, "duration_s")]


def test_a_contradicting_category_is_named(tmp_path):
    m = load(tmp_path, "clip_id,category,label_video,label_audio,path\na,RVFA,fake,real,a.mp4\nb,FVRA,fake,real,b.mp4\n")
    assert found(m) == [(2, "category")] and "FVRA" in m.problems[0].message and len(m) == 1


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_byte_order_mark_and_line_endings(tmp_path, ending):
    m = load(tmp_path, b"\xef\xbb\xbf" + ending.join([HEAD, "a,files,real,real,,2.0,,\u00fc.mp4", ""]).encode())
    assert [row.path for row in m] == ["\u00fc.mp4"] and m.problems == ()


def test_odd_unicode_in_a_name_is_no_line_break(tmp_path):
    m = load(tmp_path, f"{HEAD}\na\u2028b,files,real,real,,2.0,,a\u0085b.mp4\n")
    assert m[0].clip_id == "a\u2028b"


def test_bytes_that_are_not_utf8_spoil_only_their_row(tmp_path):
    m = load(tmp_path, f"{HEAD}\na,files,real,real,,2.0,,".encode() + b"m\xfcller.mp4\nb,files,real,real,,2.0,,b.mp4\n")
    assert found(m) == [(2, "path")] and len(m) == 1


def test_unknown_columns_are_named_and_not_read(tmp_path):
    m = load(tmp_path, "clip_id,label_video,label_audio,path,identtiy,remarks\na,real,real,a.mp4,4,hello\n")
    assert found(m) == [(1, "identtiy"), (1, "remarks")] and "identity" in m.problems[0].message
    assert m[0].identity == -1


@pytest.mark.parametrize("data,word", [(b"", "column names"), (b"\n\n", "column names"), (b"\xef\xbb\xbf", "column names"), (b"a;b\n1;2\n", "columns"),
                                       (b"clip_id;label_video;label_audio\n", "commas"), (b"clip_id,label_video,label_audio,path,path\n", "once"),
                                       ("clip_id".encode("utf-16"), "UTF-8"), (b"\x89PNG\r\n", "columns")])
def test_what_is_no_manifest_is_refused(tmp_path, data, word):
    with pytest.raises(AvlabError, match=word):
        load(tmp_path, data)


@pytest.mark.parametrize("name", ["no such.csv", "", "."])
def test_no_file(tmp_path, name):
    with pytest.raises(AvlabError, match="synthtalk"):
        manifest.load(tmp_path / name)


def test_a_header_alone_is_an_empty_manifest(tmp_path):
    assert len(load(tmp_path, HEAD)) == 0


def test_save_and_load_give_the_same_rows(tmp_path):
    rows = [Row(f"x, \"{i}\"", "files", "FVFA", "fake", "fake", "a", "b", f"p{i}", -1, i, "test", 1 / 3 + i, i, i, i, i, ((0.1, 0.2),), (), f"d/{i}.mp4")
            for i in range(3)]
    manifest.save(rows, tmp_path / "m.csv")
    loaded = manifest.load(tmp_path / "m.csv")
    assert loaded.rows == tuple(rows) and loaded.problems == ()
    with open(tmp_path / "m.csv", newline="", encoding="utf-8") as file:  # second route: the csv module reads the same cells
        assert [line[0] for line in csv.reader(file)][1:] == [row.clip_id for row in rows]
    assert [p.name for p in tmp_path.iterdir()] == ["m.csv"]


@pytest.mark.parametrize("change", [{"clip_id": "a\nb"}, {"duration_s": float("nan")}, {"duration_s": "2"}, {"cell": 1.5}, {"label_video": "odd"},
                                    {"segments_video": [(0, 1)]}, {"identity": None}])
def test_a_bad_row_is_not_saved(tmp_path, change):
    (tmp_path / "m.csv").write_text("before")
    with pytest.raises(AvlabError):
        manifest.save([replace(Row("a", "files", path="a.mp4"), **change)], tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text() == "before"


def test_check_of_rows_counts_lines_as_in_a_file():
    rows = [Row("a", "files", path="a.mp4"), Row("a", "files", path="b.mp4"), Row("c", "files", path="c.mp4", split="odd")]
    assert [(p.line, p.column) for p in manifest.check(rows)] == [(3, "clip_id"), (4, "split")]


def test_check_of_a_file(tmp_path):
    load(tmp_path, f"{HEAD}\na,files,real,real,,-1,,a.mp4\n")
    assert [(p.line, p.column) for p in manifest.check(tmp_path / "m.csv")] == [(2, "duration_s")]


def test_select():
    m = manifest.load("synthtalk")
    chosen = m.select(split="test", forger=("real", "dub"), duration_s=0.64)
    wanted = [row for row in m if row.split == "test" and row.forger in ("real", "dub") and abs(row.duration_s - 0.64) < 1e-9]
    assert list(chosen) == wanted and len(wanted) == 24 * 16
    assert {row.category for row in m.select(category="RVFA")} == {"RVFA"} and {row.label for row in m.select(label=0)} == {0}
    assert len(m.select(duration_s=0.6400001)) == len(m.select(duration_s=0.64))
    assert len(m.select(split="test", forger="nobody")) == 0
    with pytest.raises(AvlabError, match="Did you mean 'forger'"):
        m.select(forgr="dub")


def test_slices_and_counts_like_a_list():
    m = manifest.load("synthtalk")
    assert m[3] in m and len(m[:5]) == 5 and m[-1] == list(m)[-1] and isinstance(m[:5], manifest.Manifest)


def test_draw_is_balanced_spread_over_people_and_decided_by_the_seed():
    part = manifest.load("synthtalk").select(split="test", duration_s=0.64)
    drawn = part.draw(24, seed=1)
    counts = {name: [row.identity for row in drawn if row.forger == name] for name in {row.forger for row in drawn}}
    assert {name: len(people) for name, people in counts.items()} == {name: (72 if name == "real" else 24) for name in counts} and len(counts) == 10
    assert all(len(set(people)) == 24 for people in counts.values())  # 24 people are in the test split: each is drawn
    assert len({row.clip_id for row in drawn}) == len(drawn)
    assert part.draw(24, seed=1) == drawn and part.draw(24, seed=2) != drawn
    assert part.draw(24, seed=1, forgers=("dub",)).select(forger="dub").rows == drawn.select(forger="dub").rows
    with pytest.raises(AvlabError, match="asked for"):
        part.draw(10_000)


def test_columns_are_the_contract():
    assert ",".join(COLUMNS) == ("clip_id,dataset,category,label_video,label_audio,forger_video,forger_audio,identity,donor,cell,split,duration_s,"
                                 "speech_seed,motion_seed,camera_seed,forger_seed,segments_video,segments_audio,path")


def test_a_header_that_is_no_csv_is_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("clip_id,label_video,label_audio," + "z" * 200_000 + "\n")
    with pytest.raises(AvlabError, match="column names"):
        manifest.load(path)
