"""A manifest as columns obeys the same rules as one of rows: the two readers, checks and splits are each other's second route."""

import random
import sys

import numpy as np
import pandas as pd
import pytest
from test_rows import BROKEN, FAKE, FILE

from avlab.clips import manifest, splits, table, table_check, table_splits
from avlab.clips.rows import Row
from avlab.errors import AvlabError

HEAD = "clip_id,dataset,label_video,label_audio,forger_video,duration_s,segments_video,path"


def checked(path, **more):
    return [(problem.line, problem.column) for problem in table_check.problems(table.read(path), **more)]


def written(tmp_path, text, name="m.csv"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path / name


@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"endless", "name in synthtalk"}))  # the one is found by both, the other is no number
def test_a_broken_row_breaks_the_same_rule_in_both_routes(tmp_path, name):
    row, column = BROKEN[name]
    rows = table.of_rows([row])
    assert {found for _, found, _ in table_check.problems(table.Table(rows, (), str(tmp_path)))} == {column}


def test_many_rows_with_planted_faults_are_judged_alike_by_both_routes(tmp_path):
    rng, rows = random.Random(0), []
    for number in range(300):
        row = FAKE if rng.random() < 0.5 else FILE
        changes = {"clip_id": f"c{rng.randrange(250)}", "path": f"{rng.choice(['a', '..', 'b/../..', '.', 'x y'])}/f{number}.mp4",
                   "split": rng.choice(["train", "test", "", "dev"]), "duration_s": rng.choice([0.9, 2.0, 0.0]),
                   "segments_video": rng.choice([(), ((0.0, 1.0),), ((0.5, 1.5), (1.0, 2.0)), ((1.0, 0.5),)]), "label_audio": rng.choice(["real", "absent", "fake"])}
        rows.append(Row(**{**{name: getattr(row, name) for name in ("dataset", "category", "label_video", "forger_video")}, **changes}))
    by_row = {(problem.line, problem.column) for problem in manifest.check(rows)}
    by_column = {problem[:2] for problem in table_check.problems(table.Table(table.of_rows(rows), (), str(tmp_path)))}
    assert by_row == by_column and len(by_row) > 200


LINES = [HEAD, "a,files,real,real,,2.0,,a.mp4", "b,files,real,bogus,,2.0,,b.mp4", "c,files,fake,real,x,2.0,1.0:3.0,c.mp4",
         "d,files,real,real,,long,,d.mp4", "", "e,files,real,real,,2.0,,../../etc/passwd", "a,files,real,real,,2.0,,a2.mp4"]
DAMAGE = {"as it is": [], "a quote": ['f,files,real,real,,2.0,,"unclosed.mp4'], "too short": ["g,files,real,real"], "too long": ["g,files,real,real,,2,,p.mp4,more"],
          "a byte": ["g,files,real,real,,2,,m\udcfcller.mp4"], "a control character": ["g,files,real,real,,2,,m\x07.mp4"],
          "a quoted comma": ['h,files,fake,real,x,2.0,0.5:1.0,"it\'s, a $b -c.mp4"']}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_damaged_files_are_judged_alike_by_both_routes(tmp_path, name, ending):
    text = ending.join([*LINES, *DAMAGE[name], ""])
    path = written(tmp_path, b"\xef\xbb\xbf" + text.encode("utf-8", "surrogateescape"))
    by_row = manifest.load(path)
    assert checked(path) == sorted((problem.line, problem.column) for problem in by_row.problems)
    found = table.read(path)
    bad = {line for line, _, _ in table_check.problems(found)}
    assert list(found.rows["clip_id"][[line not in bad for line in found.rows.index]]) == [row.clip_id for row in by_row]


@pytest.mark.parametrize("cell,column", [("1.5", "n_frames"), ("x", "n_frames"), ("inf", "fps"), ("x", "fps"), ("perhaps", "scope"), ("dev", "split_official"),
                                         ("fake", "label_clip"), ("identity: two names", "faults"), ("../x.wav", "audio_path"), ("/x.wav", "audio_path")])
def test_the_further_columns_are_judged_alike_by_both_routes(tmp_path, cell, column):
    path = written(tmp_path, f"{HEAD},{column}\na,files,real,real,,2.0,,a.mp4,{cell}\n")
    wanted = [(2, "identity" if column == "faults" else column)]
    assert checked(path) == wanted == [problem[:2] for problem in manifest.check(path)]


@pytest.mark.parametrize("data,word", [(b"", "column names"), (b"a;b\n1;2\n", "columns"), (b"clip_id,label_video,label_audio,path,path\n", "once"),
                                       ("clip_id".encode("utf-16"), "UTF-8"), (b"\x89PNG\r\n", "columns")])
def test_what_is_no_manifest_is_refused(tmp_path, data, word):
    with pytest.raises(AvlabError, match=word):
        table.read(written(tmp_path, data))


def test_names_of_people_that_look_like_numbers_stay_names(tmp_path):
    path = written(tmp_path, "clip_id,dataset,label_video,label_audio,path,identity,split\na,x,real,real,a,007,train\nb,x,real,real,b,7,test\n")
    assert list(table.read(path).rows["identity"]) == ["007", "7"] and table_check.leaks(table.read(path).rows) == []


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_file_comes_back_equal(tmp_path, ending):
    rows = table.complete(pd.DataFrame({"clip_id": ["x/a", "x/\u2028b"], "dataset": "x", "label_video": ["real", "fake"], "label_audio": "absent",
                                        "path": ["a, \"b\".mp4", "ü.mp4"], "n_frames": [5, None], "fps": [25.0, 29.97], "others": ["", "p;q"]}))
    table.write(rows, tmp_path / f"m.{ending}")
    assert table.read(tmp_path / f"m.{ending}").rows.equals(rows)
    loaded = manifest.load(tmp_path / f"m.{ending}")
    assert [row.value("n_frames") for row in loaded] == ["5", ""] and loaded[1].identities == {"x:p", "x:q"} and loaded[1].category == "FV-A"
    assert [path.name for path in tmp_path.iterdir()] == [f"m.{ending}"]


def test_parquet_comes_back_equal_where_pyarrow_is(tmp_path):
    pytest.importorskip("pyarrow")
    rows = table.complete(pd.DataFrame({"clip_id": ["x/a"], "dataset": "x", "label_video": ["real"], "label_audio": "absent", "path": ["a.mp4"], "n_frames": [5]}))
    table.write(rows, tmp_path / "m.parquet")
    assert table.read(tmp_path / "m.parquet").rows.equals(rows) and len(manifest.load(tmp_path / "m.parquet")) == 1


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    rows = table.of_rows([FILE])
    with pytest.raises(AvlabError, match="csv.gz"):
        table.write(rows, tmp_path / "m.parquet")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AvlabError, match="A manifest is written as"):
        table.write(rows, tmp_path / "m.xlsx")


def test_rows_of_a_part_keep_their_lines_and_root(tmp_path):
    found = table.read(written(tmp_path, "\n".join(LINES) + "\n"))
    part = table.to_rows(table.Table(found.rows[found.rows["clip_id"] != "a"], (), found.root, "m"))
    assert [row.clip_id for row in part] == ["d"] and {problem.line for problem in part.problems} == {3, 4, 7}  # d has lost its bad number
    assert part[0].root == str(tmp_path)


# ------------------------------------------------------------------------------------------------ files on disk


def test_files_that_are_missing_folders_or_elsewhere_are_named(tmp_path):
    root, away = tmp_path / "root", tmp_path / "away"
    (root / "d.mp4").mkdir(parents=True)
    away.mkdir()
    for place in (root / "a.mp4", away / "b.mp4"):
        place.touch()
    (root / "link.mp4").symlink_to(away / "b.mp4")
    (root / "sub").symlink_to(away)
    (root / "inner.mp4").symlink_to(root / "a.mp4")
    paths = pd.Series(["a.mp4", "none.mp4", "d.mp4", "link.mp4", "sub/b.mp4", "inner.mp4", ""], index=range(2, 9))
    found = dict(table_check.files_missing(paths, str(root)))
    assert sorted(found) == [3, 4, 5, 6] and "no such file" in found[3] and "folder" in found[4] and "leave" in found[5] and "leave" in found[6]


# ------------------------------------------------------------------------------------------------ splits


def people(seed, n=120):
    rng = random.Random(seed)
    rows = [Row(f"c{k}", "x", path=f"{k}.mp4", identity=f"p{rng.randrange(60)}", donor=f"p{rng.randrange(60)}" if rng.random() < 0.3 else -1) for k in range(n)]
    return rows, table.of_rows(rows)


@pytest.mark.parametrize("seed", range(4))
def test_the_split_by_identity_is_that_of_the_rows(seed):
    rows, columns = people(seed)
    assert list(table_splits.by_identity(columns, (0.6, 0.2, 0.2), seed)) == splits.split_by_identity(rows, (0.6, 0.2, 0.2), seed)


def test_families_and_groups_tie_clips_together():
    rows = table.complete(pd.DataFrame({"clip_id": list("abcdefg"), "dataset": "x", "label_video": "real", "label_audio": "real", "path": list("abcdefg"),
                                        "original": ["", "a", "", "", "", "", ""], "variant_of": ["", "", "k", "k", "", "", ""],
                                        "identity_group": ["", "", "", "", "g", "g", ""]}))
    assert list(table_splits.components(rows)) == [0, 0, 1, 1, 2, 2, 3]
    assert {leak.kind for leak in table_check.leaks(rows.assign(split=["train", "test", "train", "val", "train", "test", ""]))} == {"family", "group"}


@pytest.mark.parametrize("seed", range(3))
def test_the_split_by_people_parts_everyone_inside_their_cells_and_drops_the_rest(seed):
    rng = random.Random(seed)
    made = [(f"g{cell}", f"p{cell}-{k}", f"p{cell}-{rng.randrange(20)}" if rng.random() < 0.7 else "") for cell in range(4) for k in range(20) for _ in range(6)]
    rows = table.complete(pd.DataFrame({"clip_id": [f"c{k}" for k in range(len(made))], "dataset": "x", "label_video": "real", "label_audio": "real",
                                        "path": [f"{k}" for k in range(len(made))], "identity_group": [row[0] for row in made], "identity": [row[1] for row in made],
                                        "donor": [row[2] for row in made]}))
    split = table_splits.by_people(rows, (0.7, 0.1, 0.2), seed)
    assert table_check.leaks(rows.assign(split=split)) == []
    alone = rows["donor"] == ""
    places = dict(zip(rows["identity"][alone], split[alone], strict=True))
    for cell in range(4):  # 14, 2 and 4 of 20 in every cell
        assert [sum(place == part and name.startswith(f"p{cell}-") for name, place in places.items()) <= most for part, most in (("train", 14), ("val", 2), ("test", 4))]
    whole = [len({places.get(row[1]), places.get(row[2], places.get(row[1]))}) == 1 for row in made if row[1] in places and (not row[2] or row[2] in places)]
    kept = [split[k] != "" for k, row in enumerate(made) if row[1] in places and (not row[2] or row[2] in places)]
    assert whole == kept and 0 < sum(kept) < len(kept)


def test_leaks_of_both_routes_agree():
    rng = random.Random(1)
    rows, _ = people(2)
    rows = [manifest.replace(row, split=rng.choice(["train", "val", "test", ""]), path=f"{rng.randrange(100)}.mp4") for row in rows]
    wanted = {(leak.kind, str(leak.value).removeprefix("/"), leak.splits) for leak in splits.leaks(rows)}
    found = {(leak.kind, str(leak.value), leak.splits) for leak in table_check.leaks(table.of_rows(rows))}
    assert found == wanted and len(wanted) > 30


def test_the_same_bytes_in_two_parts_are_a_leak():
    rows = table.of_rows([Row("a", "x", path="a"), Row("b", "x", path="b")]).assign(split=["train", "test"], sha256=["f" * 64, "f" * 64])
    assert [(leak.kind, leak.splits) for leak in table_check.leaks(rows)] == [("content", ("test", "train"))]


def test_rows_whose_label_is_withheld_are_in_no_split():
    rows = table.of_rows([Row("a", "x", path="a"), Row("b", "x", "?V?A", "unknown", "unknown", path="b")])
    made = table_splits.applied(rows, np.array(["train", "test"], object), "identity")
    assert list(made["split"]) == ["train", ""] and made["split_scheme"].str.match(r"identity sha256:[0-9a-f]{12}$").all()
