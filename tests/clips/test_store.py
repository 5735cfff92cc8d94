"""Kept whole or not at all, never for the wrong clip or setting, and never computed twice."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avlab.clips.rows import Row
from avlab.clips.store import Store
from avlab.errors import AvlabError

ROWS = [Row(f"clip {i}", speech_seed=i) for i in range(6)]


def arrays(row):
    return {"psi": np.full((3, 4), row.speech_seed, np.float16), "ids": np.arange(row.speech_seed)}


def test_arrays_come_back_bit_for_bit(tmp_path):
    store = Store(tmp_path / "s", {"steps": 40, "probe": "abc"})
    value = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    store.put(ROWS[0], {"a": value, "b": value.astype(np.float16)[:, ::2], "c": np.array(True), "d": np.zeros((0, 3))})
    back = store.get(ROWS[0])
    assert np.array_equal(back["a"], value) and back["a"].dtype == np.float32
    assert np.array_equal(back["b"], value.astype(np.float16)[:, ::2]) and back["c"].item() is True and back["d"].shape == (0, 3)


def test_torch_tensors_may_be_put(tmp_path):
    torch = pytest.importorskip("torch")
    Store(tmp_path).put("x", {"a": torch.arange(4.0, requires_grad=True)})
    assert Store(tmp_path).get("x")["a"].tolist() == [0, 1, 2, 3]


def test_other_settings_never_mix(tmp_path):
    forty, twenty = Store(tmp_path, {"steps": 40}), Store(tmp_path, {"steps": 20})
    forty.put(ROWS[0], {"a": np.ones(2)})
    assert forty.has(ROWS[0]) and not twenty.has(ROWS[0])
    with pytest.raises(AvlabError, match="does not hold"):
        twenty.get(ROWS[0])
    os.makedirs(os.path.dirname(twenty.file(ROWS[0])))
    os.link(forty.file(ROWS[0]), twenty.file(ROWS[0]))  # a file moved by hand into the wrong place
    with pytest.raises(AvlabError, match="other settings"):
        twenty.get(ROWS[0])
    assert not twenty.has(ROWS[0])
    assert Store(tmp_path, {"b": 1, "a": 2}).settings_hash == Store(tmp_path, {"a": 2, "b": 1}).settings_hash


def test_a_row_that_changes_is_another_clip(tmp_path):
    store = Store(tmp_path)
    store.put(ROWS[1], {"a": np.ones(1)})
    assert not store.has(replace(ROWS[1], speech_seed=99)) and store.has(replace(ROWS[1], split="test"))
    os.makedirs(os.path.dirname(store.file(ROWS[2])), exist_ok=True)
    os.link(store.file(ROWS[1]), store.file(ROWS[2]))
    with pytest.raises(AvlabError, match="another clip"):
        store.get(ROWS[2])


@pytest.mark.parametrize("clip_id", ["../../../etc/passwd", "/abs", "a/b", "CON", "x" * 5000, "nul\x00", "\udcff", "", " ", "ü\u202e", "-rf *"])
def test_any_clip_id_is_a_safe_name(tmp_path, clip_id):
    store = Store(tmp_path / "s")
    store.put(clip_id, {"a": np.ones(1)})
    assert store.get(clip_id)["a"] == 1
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) == 1 and (tmp_path / "s") in files[0].parents and len(files[0].name) < 60


def test_map_reports_a_bad_clip_and_goes_on_and_computes_only_what_is_missing(tmp_path):
    store, calls, lines = Store(tmp_path), [], []

    def fn(row):
        calls.append(row.clip_id)
        if row.speech_seed == 2:
            raise AvlabError("A clip needs a face", got=row.clip_id)
        if row.speech_seed == 4:
            return {"a": np.array([np.nan])}
        return arrays(row)

    first = store.map(ROWS, fn, progress=lambda n, total, row, state: lines.append((n, total, row.clip_id, state)))
    assert first.done == ("clip 0", "clip 1", "clip 3", "clip 5") and first.kept == ()
    assert [name for name, _ in first.failed] == ["clip 2", "clip 4"] and "needs a face" in first.failed[0][1] and "finite" in first.failed[1][1]
    assert [line[:2] for line in lines] == [(n, 6) for n in range(1, 7)] and lines[0][3] == "done" and lines[2][3].startswith("failed: A clip needs")
    calls.clear()
    second = store.map(ROWS, arrays)
    assert second.done == ("clip 2", "clip 4") and len(second.kept) == 4 and calls == []
    assert store.missing(ROWS) == []
    with pytest.raises(ZeroDivisionError):
        store.map([Row("new")], lambda row: 1 / 0, on_error="raise")


@pytest.mark.parametrize("damage", ["cut", "empty", "garbage", "flipped header"])
def test_a_damaged_file_counts_as_missing(tmp_path, damage):
    store = Store(tmp_path)
    store.put(ROWS[0], {"a": np.arange(1000.0)})
    path = Path(store.file(ROWS[0]))
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-500], "empty": b"", "garbage": os.urandom(500), "flipped header": b"\xff" * 8 + data[8:]}[damage])
    assert store.missing(ROWS[:1]) == ROWS[:1]
    with pytest.raises(AvlabError, match="damaged"):
        store.get(ROWS[0])
    assert store.map(ROWS[:1], lambda row: {"a": np.ones(1)}).done == ("clip 0",)
    assert store.get(ROWS[0])["a"] == 1


@pytest.mark.parametrize("value", [np.array(["text"]), np.array([None]), np.array([np.inf]), "x", None])
def test_only_finite_numbers_are_kept(tmp_path, value):
    with pytest.raises(AvlabError):
        Store(tmp_path).put("x", {"a": value})
    assert not Store(tmp_path).has("x")


def test_settings_are_plain_values(tmp_path):
    for bad in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(AvlabError, match="plain JSON"):
            Store(tmp_path, bad).file("x")


def test_a_failed_write_leaves_nothing_and_keeps_what_was_there(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.put("x", {"a": np.ones(1)})

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        store.put("x", {"a": np.zeros(1)})
    monkeypatch.undo()
    assert store.get("x")["a"] == 1 and len([p for p in tmp_path.rglob("*") if p.is_file()]) == 1


WORKER = """
    import os, sys, time
    import numpy as np
    from avlab.clips.rows import Row
    from avlab.clips.store import Store
    rows = [Row(f"clip {i}", speech_seed=i) for i in range(6)]
    count = 0
    real = os.replace
    def slow(a, b):
        global count
        count += 1
        if count == 4:
            print("writing", flush=True)
            time.sleep(60)  # killed here, with the fourth file written but not yet in its place
        real(a, b)
    os.replace = slow
    Store(sys.argv[1], {"steps": 40}).map(rows, lambda row: {"psi": np.full((200, 200), row.speech_seed)})
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is a POSIX signal")
def test_kill_minus_nine_loses_at_most_the_clip_in_hand(tmp_path):
    root = Path(__file__).parents[2]
    worker = subprocess.Popen([sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path / "s")], stdout=subprocess.PIPE, cwd=root,
                              env={**os.environ, "PYTHONPATH": str(root)})
    assert worker.stdout.readline().strip() == b"writing"
    worker.send_signal(signal.SIGKILL)
    assert worker.wait() == -signal.SIGKILL
    store = Store(tmp_path / "s", {"steps": 40})
    left = [p.name for p in (tmp_path / "s").rglob("*") if p.is_file() and p.name.startswith(".tmp-")]
    assert len(left) == 1  # the half-finished file lies there and is nobody's clip
    assert [row.speech_seed for row in store.missing(ROWS)] == [3, 4, 5]
    computed = []

    def fn(row):
        computed.append(row.speech_seed)
        return {"psi": np.full((200, 200), row.speech_seed)}

    store.map(ROWS, fn)
    assert computed == [3, 4, 5]
    assert all((store.get(row)["psi"] == row.speech_seed).all() for row in ROWS)
    assert store.clean() == 0 and store.clean(older_than_s=0) == 1  # young ones are left alone: they may be at work


def test_clean_takes_old_leftovers_only(tmp_path):
    store = Store(tmp_path)
    store.put("x", {"a": np.ones(1)})
    folder = Path(store.file("x")).parent
    for name, age_s in ((".tmp-1-old", 7200), (".tmp-1-new", 10)):
        (folder / name).write_bytes(b"half")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    store.map(["x"], lambda item: {})
    assert sorted(p.name for p in folder.iterdir())[0] == ".tmp-1-new" and len(list(folder.iterdir())) == 2 and store.has("x")


def test_two_processes_may_fill_one_store(tmp_path):
    root = Path(__file__).parents[2]
    code = textwrap.dedent("""
        import sys, numpy as np
        from avlab.clips.store import Store
        got = Store(sys.argv[1]).map([f"c{i}" for i in range(40)], lambda c: {"a": np.arange(int(c[1:]) + 1)})
        assert not got.failed, got.failed
    """)
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert all(len(Store(tmp_path).get(f"c{i}")["a"]) == i + 1 for i in range(40))
    assert not [p for p in tmp_path.rglob(".tmp-*")]


def test_a_full_disk_stops_the_run_instead_of_failing_clip_by_clip(tmp_path, monkeypatch):
    computed = []

    def full(handle):
        raise OSError(28, "No space left on device")

    store = Store(tmp_path)
    store.put(ROWS[0], arrays(ROWS[0]))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.map(ROWS, lambda row: computed.append(row) or arrays(row))
    monkeypatch.undo()
    assert computed == [ROWS[1]] and store.map(ROWS, arrays).kept == ("clip 0",)
    assert not [name for _, _, names in os.walk(store.folder) for name in names if name.startswith(".tmp-")]


def test_a_place_that_is_no_folder_is_refused_before_anything_is_computed(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Store(tmp_path / "file").map(ROWS, lambda row: pytest.fail("computed"))
