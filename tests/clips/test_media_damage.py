"""Odd and broken files: warned about and finite, or refused in one sentence that names the file, the stream and the rule."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from clip_maker import clock_frames, time_shown, track, voice, write_film

from avlab.clips import load_clip
from avlab.clips.rows import Row
from avlab.errors import AvlabError

FRAMES = clock_frames(np.arange(50) / 25)


def noted(clip, words):
    return any(words in note for note in clip.notes)


def wav(path, samples, rate=16000, kind=3):
    """A wav file by hand, so that it can hold NaN: kind 3 is 32-bit float."""
    data = np.asarray(samples, "<f4").tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, kind, 1, rate, rate * 4, 4, 32, b"data", len(data))
    path.write_bytes(head + data)


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("damage") / "silent.mp4", FRAMES)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("damage") / "good.mp4", FRAMES, tracks=[track(voice(2.0, 16000), 16000)],
                      options={"g": "10", "crf": "12"}, container_options={"movflags": "+faststart"})


T = np.arange(32000) / 16000
NOISE = np.random.default_rng(0).normal(0, 0.1, 32000)
SOUNDS = {
    "digital silence": (np.zeros(32000), "digital silence"),
    "speech at -60 dB": (voice(2.0, 16000) * 0.004, "very quiet"),
    "pure tone": (0.3 * np.sin(2 * np.pi * 440 * T), "single tone near 4"),
    "white noise": (NOISE, "white noise"),
    "clipped": (np.clip(8 * voice(2.0, 16000), -1, 1), "clipped"),
    "beyond full scale": (8 * voice(2.0, 16000), "outside -1..1"),
    "NaN samples": (np.where(np.arange(32000) % 1000 == 7, np.nan, voice(2.0, 16000)), "32 sound samples were NaN"),
    "infinite samples": (np.where(np.arange(32000) == 7, np.inf, voice(2.0, 16000)), "1 sound samples were NaN or infinite"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_odd_sound_is_warned_about_and_finite(tmp_path, silent, name):
    samples, warning = SOUNDS[name]
    shutil.copy(silent, tmp_path / "a.mp4")
    wav(tmp_path / "a.wav", samples)
    clip = load_clip(tmp_path / "a.mp4")
    assert clip.audio is not None and np.isfinite(clip.audio).all() and np.abs(clip.audio).max() <= 1
    assert noted(clip, warning)


def test_plain_speech_is_not_warned_about(tmp_path, silent):
    shutil.copy(silent, tmp_path / "a.mp4")
    wav(tmp_path / "a.wav", voice(2.0, 16000))
    notes = load_clip(tmp_path / "a.mp4").notes
    assert not [note for note in notes if any(word in note for word in ("silence", "quiet", "tone", "noise", "clipped", "NaN"))]


def test_one_picture_a_second_is_warned_about(tmp_path):
    path = write_film(tmp_path / "slow.mp4", clock_frames(np.arange(3)), fps=1, tracks=[track(voice(3.0, 16000), 16000)])
    clip = load_clip(path)
    assert len(clip.frames) == 75 and noted(clip, "too few to show lips")


def test_a_still_picture_with_speech_is_a_clip(tmp_path):
    still = np.repeat(FRAMES[:1], 50, axis=0)
    clip = load_clip(write_film(tmp_path / "still.mp4", still, tracks=[track(voice(2.0, 16000), 16000)]))
    assert len(clip.frames) == 50 and noted(clip, "does not move")
    assert np.corrcoef(clip.audio, voice(2.0, 16000))[0, 1] > 0.98


def test_flipped_bytes_are_counted_and_the_rest_is_decoded(tmp_path, good):
    data = bytearray(good.read_bytes())
    rng = np.random.default_rng(1)
    body = data.index(b"mdat") + 4
    for position in rng.integers(body + len(data) // 8, len(data) - 200, 60):
        data[position] ^= int(rng.integers(1, 256))
    (tmp_path / "f.mp4").write_bytes(data)
    clip = load_clip(tmp_path / "f.mp4")
    assert noted(clip, "errors while decoding") and np.isfinite(clip.audio).all()
    assert len(clip.frames) >= 25
    assert np.abs(time_shown(clip.frames)[:3] - np.arange(3) / 25).max() < 0.05  # what was not hit is right


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_truncated_film_is_decoded_as_far_as_it_goes(tmp_path, container):
    times = np.arange(250) / 25
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 40, (250, 48, 64, 3), dtype=np.uint8)  # so that the data, not the header, fill the file
    whole = write_film(tmp_path / "whole", np.clip(clock_frames(times, 48, 64) // 2 + grain, 0, 255).astype(np.uint8), container=container,
                       tracks=[track(voice(10.0, 16000), 16000)], container_options={"movflags": "+faststart"} if container == "mp4" else {})
    data = whole.read_bytes()
    (tmp_path / "cut").write_bytes(data[: len(data) // 2])
    clip = load_clip(tmp_path / "cut")
    assert 50 < len(clip.frames) < 200
    assert noted(clip, "truncated") and noted(clip, "promises 10.0")


def refused(path, *words, **options):
    with pytest.raises(AvlabError) as caught:
        load_clip(path, **options)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    return message


def test_zero_bytes(tmp_path):
    (tmp_path / "zero.mp4").write_bytes(b"")
    refused(tmp_path / "zero.mp4", "zero.mp4", "0 bytes")


@pytest.mark.parametrize("data,word", [(b"Dear reader,\nthis is text.\n" * 50, "text"), (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG"),
                                       (b"\xff\xd8\xff\xe0" + bytes(500), "JPEG"), (b"PK\x03\x04" + bytes(300), "zip"), (os.urandom(3000), "fake.mp4"),
                                       (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "text"),
                                       (b"ffconcat version 1.0\nfile secret.mp4\n", "text")])
def test_other_things_named_mp4(tmp_path, data, word):
    (tmp_path / "fake.mp4").write_bytes(data)
    refused(tmp_path / "fake.mp4", "fake.mp4", word)


def test_a_playlist_does_not_open_what_it_names(tmp_path, good):
    shutil.copy(good, tmp_path / "secret.ts")
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.ts\n#EXT-X-ENDLIST\n")
    refused(tmp_path / "list.mp4", "list.mp4")


def test_a_real_png_is_refused(tmp_path):
    from PIL import Image

    Image.fromarray(FRAMES[0]).save(tmp_path / "p.png")
    os.rename(tmp_path / "p.png", tmp_path / "p.mp4")
    refused(tmp_path / "p.mp4", "PNG")


def test_folders_pipes_and_nothing(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    refused(tmp_path / "folder.mp4", "folder")
    refused(tmp_path / "none.mp4", "no such file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.mp4")  # opening it would wait for ever
        refused(tmp_path / "pipe.mp4", "pipe")


def test_an_mp4_without_its_index(tmp_path):
    path = write_film(tmp_path / "late_index.mp4", FRAMES, tracks=[track(voice(2.0, 16000), 16000)])
    data = path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 50])
    refused(tmp_path / "cut.mp4", "cut.mp4", "moov", "cut off")


def test_one_picture(tmp_path):
    refused(write_film(tmp_path / "one.mp4", FRAMES[:1]), "one.mp4", "at least two pictures", "picture stream")


def test_pictures_that_last_no_time(tmp_path):
    refused(write_film(tmp_path / "quick.mkv", FRAMES[:2], [0.0, 0.005], fps=200, codec="ffv1", pix_fmt="bgr0"), "quick.mkv", "picture stream")


def test_shorter_than_the_window(tmp_path):
    refused(write_film(tmp_path / "s.mp4", FRAMES[:10]), "s.mp4", "0.64 s", "0.40 s", min_seconds=0.64)


def test_sound_without_a_picture(tmp_path):
    refused(write_film(tmp_path / "a.m4a", times=[], container="mp4", tracks=[track(voice(1.0, 16000), 16000)]), "a.m4a", "picture stream")
    wav(tmp_path / "b.wav", voice(1.0, 16000))
    refused(tmp_path / "b.wav", "b.wav", "picture stream")


def test_cover_art_is_not_a_film(tmp_path):
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as out:
        cover = out.add_stream("png", rate=1)
        cover.height, cover.width, cover.pix_fmt = 48, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = out.add_stream("aac", rate=16000, layout="mono")
        packed = av.VideoFrame.from_ndarray(FRAMES[0], format="rgb24")
        packed.pts = 0
        out.mux(cover.encode(packed))
        out.mux(cover.encode(None))
        frame = av.AudioFrame.from_ndarray(voice(1.0, 16000)[None, :1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    refused(tmp_path / "song.m4a", "picture stream", "none")


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    """8192 x 8192 in a small file; its picture data are overwritten, so any try to decode would say something else."""
    path = tmp_path / "huge.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 8192, 8192, "yuv420p"
        black = av.VideoFrame(8192, 8192, "yuv420p")
        for plane, value in zip(black.planes, (16, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        out.mux(stream.encode(black))
        out.mux(stream.encode(None))
    assert path.stat().st_size < 2_000_000
    data = bytearray(path.read_bytes())
    body = data.index(b"mdat") + 4
    data[body + 5000:data.index(b"moov") - 4] = bytes(len(data[body + 5000:data.index(b"moov") - 4]))
    path.write_bytes(data)
    refused(path, "huge.mp4", "8192 x 8192", "pixels at most", "picture stream")


def test_too_much_memory_is_refused_with_a_way_out(tmp_path, good):
    message = refused(good, "GB at most", "size=", max_bytes=100_000)
    assert "good.mp4" in message
    assert len(load_clip(good, max_bytes=100_000, size=12).frames) == 50


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory is read from /proc")
def test_decoding_holds_what_is_shown_and_not_the_film(tmp_path):
    """300 pictures of 0.46 MB each, shown at 48 pixels, in a process of its own: it must grow by far less than the 138 MB of the film."""
    frames = np.broadcast_to(clock_frames([0.5], 480, 640), (300, 480, 640, 3))
    path = write_film(tmp_path / "long.mp4", frames, options={"preset": "ultrafast"})
    code = f"""if True:
        from avlab.clips import load_clip
        peak = lambda: int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
        load_clip({str(path)!r}, size=48, max_seconds=1)
        before = peak()
        load_clip({str(path)!r}, size=48)
        print(peak() - before)"""
    root = str(Path(__file__).parents[2])
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONPATH": root}, capture_output=True, check=True)
    assert int(ran.stdout) < 60_000  # kB


@pytest.mark.parametrize("path", ["../good.mp4", "../root2/good.mp4", "/etc/hostname", "a/../../good.mp4", "link.mp4", "..", "", "a\x00b",
                                  "C:\\x.mp4", "\\\\host\\x.mp4"])
def test_a_path_does_not_leave_the_data_root(tmp_path, good, path):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "root2").mkdir()
    shutil.copy(good, tmp_path / "good.mp4")
    shutil.copy(good, tmp_path / "root2" / "good.mp4")
    os.symlink(tmp_path / "good.mp4", root / "link.mp4")
    refused(path, "data root" if "\x00" not in path else "NUL", root=root)
    if path:
        with pytest.raises(AvlabError):
            load_clip(Row("x", dataset="files", path=path, root=str(root)))


def test_a_sidecar_does_not_leave_the_data_root(tmp_path, silent):
    root = tmp_path / "root"
    root.mkdir()
    shutil.copy(silent, root / "a.mp4")
    wav(tmp_path / "secret.wav", voice(2.0, 16000))
    os.symlink(tmp_path / "secret.wav", root / "a.wav")
    refused("a.mp4", "data root", root=root)


def test_a_row_reads_its_file_and_says_where_labels_and_file_differ(tmp_path, silent):
    shutil.copy(silent, tmp_path / "a b.mp4")
    row = Row("mine", dataset="files", path="a b.mp4", root=str(tmp_path), duration_s=2.0)
    clip = load_clip(row)
    assert clip.row is row and clip.clip_id == "mine" and clip.audio is None
    assert noted(clip, "manifest says that the sound is real, but the file has none")


@pytest.mark.parametrize("name, value", [("max_seconds", float("inf")), ("max_seconds", float("nan")), ("fps", 0), ("sample_rate", -1)])
def test_numbers_that_make_no_clip_are_refused(name, value):
    with pytest.raises(AvlabError, match=f"{name} must be a positive, finite number"):
        load_clip("any.mp4", **{name: value})
