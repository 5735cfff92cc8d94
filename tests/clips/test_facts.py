"""What a film is, measured: each fact against what was written into the file, and a killed run that goes on."""

import hashlib
import json
import math

import numpy as np
import pandas as pd
import pytest
import soundfile
from clip_maker import clock_frames, track, voice, write_film

from avlab.clips import audit, facts, table, table_check
from avlab.clips.audio import leading_silence_s
from avlab.errors import AvlabError


def film(path, seconds=0.4, fps=25, silence=0.0, rate=16000, sound=True, **more):
    """A small film: a clock for a picture, a buzz for sound, which starts after some digital silence."""
    frames = clock_frames(np.arange(round(seconds * fps)) / fps)
    samples = voice(seconds, rate)
    samples[: round(silence * rate)] = 0
    write_film(path, frames, fps=fps, tracks=[track(samples, rate, codec="aac")] if sound else [], **more)
    return path


def listed(*paths, **columns):
    return table.complete(pd.DataFrame({"clip_id": [f"x/{path}" for path in paths], "dataset": "x", "label_video": "real", "label_audio": "real", "path": list(paths)} | columns))


def test_facts_are_those_that_were_written(tmp_path):
    path = film(tmp_path / "a.mp4", silence=0.2)
    found = facts.measure(str(path))
    assert {name: found[name] for name in ("width", "height", "n_frames", "pix_fmt", "video_codec", "audio_codec", "audio_sr_hz", "audio_channels", "rotation_deg")} == \
        {"width": 64, "height": 48, "n_frames": 10, "pix_fmt": "yuv420p", "video_codec": "h264", "audio_codec": "aac", "audio_sr_hz": 16000, "audio_channels": 1,
         "rotation_deg": 0}
    assert math.isclose(found["duration_s"], 0.4, abs_tol=1e-6) and math.isclose(found["avg_fps"], 25, abs_tol=1e-4) and math.isclose(found["fps"], 25)
    assert abs(found["leading_silence_s"] - 0.2) < 0.05 and abs(found["audio_start_s"]) < 0.08  # a frame of AAC is 64 ms
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and found["bytes"] == path.stat().st_size


def test_a_film_without_sound_a_sidecar_and_444(tmp_path):
    path = film(tmp_path / "a.mp4", fps=30, sound=False, pix_fmt="yuv444p")
    found = facts.measure(str(path))
    assert found["audio_codec"] == "-" and "leading_silence_s" not in found and found["pix_fmt"] == "yuv444p" and math.isclose(found["fps"], 30)
    wav = tmp_path / "a.wav"
    soundfile.write(wav, voice(0.4, 32000), 32000)
    found = facts.measure(str(path), str(wav))
    assert (found["audio_codec"], found["audio_sr_hz"]) == ("pcm_s16le", 32000) and abs(found["audio_start_s"]) < 0.01


def test_a_turned_film_and_a_varying_rate(tmp_path):
    quarter = film(tmp_path / "turned.mp4", sound=False, matrix=(0, 65536, 0, -65536, 0, 0, 0, 0, 1073741824))
    assert facts.measure(str(quarter))["rotation_deg"] in (90, 270)
    times = np.array([0, 1, 2, 3, 8, 9, 14]) / 25
    write_film(tmp_path / "vfr.mp4", clock_frames(times), times)
    found = facts.measure(str(tmp_path / "vfr.mp4"))
    assert found["n_frames"] == 7 and math.isclose(found["duration_s"], 15 / 25, abs_tol=1e-3) and found["avg_fps"] < 12


@pytest.mark.parametrize("samples, seconds", [(np.zeros(1600), 0.1), (np.r_[np.zeros(800), np.ones(800)], 0.05), (np.ones(100), 0.0),
                                              (np.r_[np.full(800, 0.02), np.ones(800)], 0.05), (np.r_[np.full(800, 0.03), np.ones(800)], 0.0)])
def test_leading_silence_ends_where_a_block_comes_within_30_db_of_the_loudness(samples, seconds):
    """The loudness of the last two is 0.71: 30 dB below lies 0.0224, between 0.02 and 0.03."""
    assert leading_silence_s(samples) == pytest.approx(seconds)


def test_a_killed_run_goes_on_and_a_changed_film_is_measured_again(tmp_path, monkeypatch):
    for name in "abc":
        film(tmp_path / f"{name}.mp4")
    (tmp_path / "bad.mp4").write_text("no film")
    rows = listed("a.mp4", "b.mp4", "c.mp4", "bad.mp4", "none.mp4", "../away.mp4")
    journal, seen, journal_was, real = tmp_path / "journal", [], [], facts.measure

    def counting(path, sound=None):
        seen.append(path.rsplit("/", 1)[1])
        if len(seen) == 3 and not journal_was:
            raise KeyboardInterrupt
        return real(path, sound)

    monkeypatch.setattr(facts, "measure", counting)
    with pytest.raises(KeyboardInterrupt):
        facts.measure_table(rows, str(tmp_path), journal, workers=1)
    done = [json.loads(line) for line in journal.read_text().splitlines() if line]
    assert len(done) == 2
    journal.write_text(journal.read_text() + '[1, "torn')  # as a killed write leaves it
    journal_was.append(done)
    seen.clear()
    made, failed = facts.measure_table(rows, str(tmp_path), journal, workers=2)
    assert sorted(seen) == ["bad.mp4", "c.mp4", "none.mp4"]  # the path that leaves the root is never opened
    assert made["n_frames"].notna().tolist() == [True, True, True, False, False, False]
    assert {clip_id for clip_id, _ in failed} == {"x/bad.mp4", "x/none.mp4", "x/../away.mp4"}
    seen.clear()
    film(tmp_path / "b.mp4", seconds=0.6)
    made, _ = facts.measure_table(rows, str(tmp_path), journal)
    assert sorted(seen) == ["b.mp4", "bad.mp4", "none.mp4"] and made["n_frames"][3] == 15


def test_what_the_list_says_is_replaced_by_what_was_measured_and_noted(tmp_path):
    film(tmp_path / "a.mp4")
    film(tmp_path / "b.mp4", sound=False)
    rows = listed("a.mp4", "b.mp4", duration_s=[0.41, 3.0])
    made, failed = facts.measure_table(rows, str(tmp_path), tmp_path / "journal")
    assert failed == [] and made["duration_s"].tolist() == [0.4, 0.4]
    assert made["notes"].tolist() == ["", "the list says 3.00 s and the film has 0.40 s"]
    found = table_check.problems(table.Table(made, (), str(tmp_path)))
    assert [problem[:2] for problem in found] == [(3, "label_audio")] and "no sound track" in found[0].message
    table.write(made, tmp_path / "m.csv")
    assert table.read(tmp_path / "m.csv").rows.equals(made)


# ------------------------------------------------------------------------------------------------ what they tell


def shortcut_rows(n=240, *, silence=0.0, codec=0.0, seed=0):
    """Rows of n clips by n / 4 people; leading silence and codec tell the label as strongly as asked for, everything else is chance."""
    rng = np.random.default_rng(seed)
    fake = np.arange(n) % 2 == 1
    chance = rng.normal(0.05, 0.01, n) + silence * fake
    words = np.where(rng.random(n) < np.where(fake, 0.5 + codec / 2, 0.5 - codec / 2), "h264", "mpeg4")
    rows = listed(*(f"{k}.mp4" for k in range(n)), identity=[f"p{k // 4}" for k in range(n)], label_video=np.where(fake, "fake", "real"), duration_s=rng.uniform(2, 9, n),
                  leading_silence_s=chance.clip(0), video_codec=words, width=224, height=224, bytes=10**5, audio_codec="aac")
    return rows


def told(rows):
    return {one.fact: one for one in audit.shortcuts(rows) if one.against == "label_clip"}


def test_planted_shortcuts_are_found_and_chance_is_not():
    found = told(shortcut_rows(silence=0.05, codec=0.9))
    assert found["leading_silence_s"].verdict == found["video_codec"].verdict == "shortcut" and found["leading_silence_s"].auroc.value > 0.99
    assert found["duration_s"].verdict == "" and "width" not in found and "resolution" not in found and "audio_codec" not in found  # the same everywhere


def test_chance_alone_is_called_a_shortcut_hardly_ever():
    verdicts = [one.verdict for seed in range(12) for one in told(shortcut_rows(seed=seed)).values()]
    assert verdicts.count("shortcut") == 0 and len(verdicts) == 48


def test_a_number_may_tell_in_either_direction():
    rows = shortcut_rows(silence=0.05)
    flipped = rows.assign(leading_silence_s=rows["leading_silence_s"].max() - rows["leading_silence_s"])
    assert told(flipped)["leading_silence_s"].auroc.value == pytest.approx(told(rows)["leading_silence_s"].auroc.value)


def test_sound_is_asked_of_the_label_of_the_sound_and_lines_are_a_table():
    rows = shortcut_rows(silence=0.05).assign(label_audio=lambda frame: frame["label_video"])
    found = audit.shortcuts(rows)
    assert ("leading_silence_s", "label_audio") in {(one.fact, one.against) for one in found}
    lines = audit.as_text(found)
    assert len(lines) == len(found) + 1 and "shortcut" in lines[1] and lines[0].startswith("fact")


def test_one_class_or_nothing_measured_gives_no_table():
    assert audit.shortcuts(listed("a.mp4", "b.mp4")) == []


def test_a_picture_is_needed(tmp_path):
    soundfile.write(tmp_path / "a.wav", voice(0.4, 16000), 16000)
    with pytest.raises(AvlabError, match="picture"):
        facts.measure(str(tmp_path / "a.wav"))
