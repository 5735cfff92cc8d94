"""The recipe of the embedded world: counts, labels, people and spans, and the committed file."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from avlab.clips import load_clip, manifest, write_clip
from avlab.clips.datasets import synthtalk
from avlab.clips.rows import SYNTHTALK_FORGERS

ROWS = synthtalk.rows()
COMMITTED = Path(__file__).parents[2] / "data_manifests" / "synthtalk.csv"
FORGERS = ("faceswap", "reenact", "lipsync", "ldm", "flow", "dub", "rtvc", "faceswap+rtvc", "lipsync+rtvc")


def test_the_committed_file_is_the_recipe():
    loaded = manifest.load(COMMITTED)
    assert loaded.problems == () and loaded.rows == ROWS
    assert COMMITTED.stat().st_size < 1_500_000


def test_it_breaks_no_rule_and_leaks_nobody():
    assert manifest.check(ROWS) == [] and manifest.leaks(ROWS) == []


def test_counts_of_every_person():
    assert len(ROWS) == 6732
    people = defaultdict(Counter)
    for row in ROWS:
        people[row.identity][row.duration_s, row.forger if row.duration_s < 6 else row.category] += 1
    for counts in people.values():
        assert counts[0.64, "real"] == 12 and all(counts[0.64, name] == 4 for name in FORGERS)
        assert counts[1.28, "real"] == 3 and all(counts[1.28, name] == 1 for name in FORGERS)
        assert {key[1]: n for key, n in counts.items() if key[0] == 6.4} == {"RVRA": 3, "FVRA": 1, "RVFA": 1, "FVFA": 1}


def test_people_of_splits_and_cells():
    people = {split: {row.identity for row in ROWS if row.split == split} for split in ("train", "val", "test")}
    assert {split: len(ids) for split, ids in people.items()} == {"train": 60, "val": 18, "test": 24}
    assert all({i % 6 for i in ids} == set(range(6)) for ids in people.values())
    assert max(max(row.identities) for row in ROWS) < 1000  # from there on they belong to the probe's training
    for row in ROWS:
        if "faceswap" in row.forger:
            assert row.donor in people[row.split] and row.donor != row.identity and row.donor % 6 == row.cell
        else:
            assert row.donor == -1


def test_every_fake_shares_its_seeds_with_a_real_clip_of_the_same_person():
    def source(row):
        return row.identity, row.duration_s, row.speech_seed, row.motion_seed, row.camera_seed

    reals = Counter(source(row) for row in ROWS if row.label == 0)
    assert max(reals.values()) == 1
    assert all(source(row) in reals for row in ROWS)
    for name in FORGERS:  # and every forger uses four different ones
        used = Counter((source(row)) for row in ROWS if row.forger == name and row.duration_s == 0.64)
        assert max(used.values()) == 1


def test_partial_forgeries_lie_on_the_frame_grid_with_room_between_them():
    partial = [row for row in ROWS if row.segments_video or row.segments_audio]
    assert len(partial) == 3 * 102 and {row.duration_s for row in partial} == {6.4}
    for row in partial:
        assert bool(row.segments_video) == (row.label_video == "fake") and bool(row.segments_audio) == (row.label_audio == "fake")
        for spans in filter(None, (row.segments_video, row.segments_audio)):
            grid = np.array(spans) * 25
            assert np.abs(grid - grid.round()).max() < 1e-9 and len(spans) <= 2
            assert all(14.999 <= end - start <= 40.001 for start, end in grid)
            assert len(spans) == 1 or grid[1, 0] - grid[0, 1] >= 9.999
    starts = np.array([row.segments_video[0][0] for row in partial if row.segments_video])
    assert starts.min() < 0.5 and starts.max() > 4  # anywhere in the clip
    both = [row for row in partial if row.category == "FVFA"]
    assert 0.3 < np.mean([row.segments_video == row.segments_audio for row in both]) < 0.7


def test_the_generator_disjoint_protocol():
    chosen = synthtalk.generator_disjoint(ROWS)
    assert manifest.leaks(chosen, generators=True) == []
    seen = defaultdict(set)
    for row in chosen:
        seen[row.split].add(row.forger)
    seen_forgers = {"real", "faceswap", "reenact", "ldm"}
    assert seen == {"train": seen_forgers, "val": seen_forgers, "test": {"real", "lipsync", "flow", "dub"}}
    assert {leak.kind for leak in manifest.leaks(ROWS, generators=True)} == {"generator"}  # the ordinary protocol shares its forgers


def test_the_world_knows_the_same_forgers_and_cells():
    from avlab.synthtalk import cell
    from avlab.synthtalk.forgers import AUDIO_FORGERS, VIDEO_FORGERS

    assert SYNTHTALK_FORGERS == {"video": tuple(VIDEO_FORGERS), "audio": tuple(AUDIO_FORGERS)}
    assert all(cell(row.identity) == row.cell for row in ROWS)


def test_a_row_renders_the_same_clip_each_time():
    row = next(row for row in ROWS if row.forger == "faceswap")
    clip, again = load_clip(row), load_clip(row)
    assert np.array_equal(clip.frames, again.frames) and np.array_equal(clip.audio, again.audio)
    other = load_clip(next(row for row in ROWS if row.forger == "real"))
    assert not np.array_equal(clip.frames, other.frames)


def test_a_partial_forgery_is_forged_where_its_row_says():
    row = next(row for row in ROWS if row.category == "FVRA" and row.segments_video)
    clip = load_clip(row)
    assert clip.frames.shape == (160, 64, 64, 3) and clip.audio.shape == (102400,) and clip.clip_id == row.clip_id and clip.row is row
    inside = np.zeros(160, bool)
    for start, end in row.segments_video:
        inside[round(start * 25):round(end * 25)] = True
    forged = clip.truth.forged.any((1, 2))
    assert forged[inside].any() and not forged[~inside].any()


def test_a_rendered_clip_is_written_and_read_back_through_the_real_decoder(tmp_path):
    row = next(row for row in ROWS if row.duration_s == 1.28 and row.forger == "real")
    clip = load_clip(row)
    back = load_clip(write_clip(clip, tmp_path / "clip.mp4"))
    assert back.frames.shape == clip.frames.shape and back.audio.shape == clip.audio.shape and back.mask.all() and back.notes == ()
    error = ((back.frames.astype(float) - clip.frames) ** 2).mean((1, 2, 3))
    assert 10 * np.log10(255**2 / error).min() > 28  # dB, every frame
    shifted = ((back.frames[1:].astype(float) - clip.frames[:-1]) ** 2).mean()
    assert shifted > 1.5 * error.mean()  # and each frame is nearest to itself, not to its neighbour
    assert np.corrcoef(back.audio, clip.audio)[0, 1] > 0.99 and np.abs(back.frame_times - clip.frame_times).max() < 1e-6


def test_the_card_counts_what_is_there():
    card = COMMITTED.with_suffix(".md").read_text(encoding="utf-8")
    people = {split: sorted({row.identity for row in ROWS if row.split == split}) for split in ("train", "val", "test")}
    assert f"lists {len(ROWS)} clips of {sum(map(len, people.values()))} people" in card
    for split, ids in people.items():
        counts = Counter(row.duration_s for row in ROWS if row.split == split)
        line = [split, len(ids), f"{ids[0]}-{ids[-1]}", *(counts[s] for s in (0.64, 1.28, 6.4)), sum(counts.values())]
        assert f"| {' | '.join(map(str, line))} |" in card
    for name, count in Counter(row.category for row in ROWS).items():
        assert any(line.startswith(f"| {name},") and f"| {count} |" in line for line in card.splitlines())
