"""Whatever codec, container, name or pixel layout a clip comes in, the same pictures and the same sound come out."""

import os
import shutil
from fractions import Fraction

import numpy as np
import pytest
from clip_maker import clock_frames, lag_samples, time_shown, track, voice, write_film

from avlab.clips import load_clip, write_clip

TIMES = np.arange(25) / 25
FRAMES = clock_frames(TIMES)
VOICE = voice(1.0, 16000)
AAC = [track(VOICE, 16000)]
PCM = [track(VOICE, 16000, codec="pcm_s16le", fmt="s16")]
FORMATS = {
    "h264 aac mp4": dict(container="mp4", tracks=AAC),
    "vp9 opus webm": dict(codec="libvpx-vp9", container="webm", tracks=[track(voice(1.0, 48000), 48000, codec="libopus", fmt="flt")]),
    "hevc 8 bit": dict(codec="libx265", container="mp4", tracks=AAC, options={"x265-params": "log-level=none"}),
    "hevc 10 bit": dict(codec="libx265", pix_fmt="yuv420p10le", container="mp4", tracks=AAC, options={"x265-params": "log-level=none"}),
    "mpeg4 part 2 avi": dict(codec="mpeg4", container="avi", tracks=PCM, options={"qscale": "2"}),
    "mjpeg pcm avi": dict(codec="mjpeg", pix_fmt="yuvj420p", container="avi", tracks=PCM, options={"qscale": "2"}),
    "h264 pcm mov": dict(container="mov", tracks=PCM),
    "h264 4:4:4": dict(pix_fmt="yuv444p", container="mp4", tracks=AAC),
    "mpeg2 transport stream": dict(codec="mpeg2video", container="mpegts", tracks=[track(voice(1.0, 48000), 48000, codec="ac3")], options={"b": "2000000"}),
}


def assert_same_clip(clip, *, picture=6.0, sound=0.97):
    assert clip.frames.shape == FRAMES.shape and clip.frames.dtype == np.uint8
    assert np.abs(clip.frames.astype(float) - FRAMES).mean() < picture
    late = time_shown(clip.frames) - TIMES  # one frame is 0.04 s; a lossy grey is off by some 0.02 s on average
    assert abs(late.mean()) < 0.03 and np.abs(late).max() < 0.1
    assert clip.audio.shape == (16000,) and clip.audio.dtype == np.float32
    assert abs(lag_samples(VOICE, clip.audio)) <= 8  # half a millisecond
    assert np.corrcoef(VOICE[800:-1600], clip.audio[800:-1600])[0, 1] > sound
    assert 0.9 < clip.audio[800:-1600].std() / VOICE[800:-1600].std() < 1.1
    assert clip.mask[:-1].all()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_planted_pictures_and_sound(tmp_path, name):
    assert_same_clip(load_clip(write_film(tmp_path / "film", FRAMES, **FORMATS[name])))


def test_gray_ffv1_has_the_planted_brightness_and_no_colour(tmp_path):
    clip = load_clip(write_film(tmp_path / "g.mkv", FRAMES, codec="ffv1", pix_fmt="gray", container="matroska", tracks=PCM))
    assert np.ptp(clip.frames.astype(int), axis=-1).max() == 0
    assert np.abs(time_shown(clip.frames) - TIMES).max() < 0.02


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("good") / "good.mp4", FRAMES, tracks=AAC)


@pytest.mark.parametrize("name", ["CLIP.MP4", "clip", "clip.avi", "clip.txt", "a b.mp4", "it's \"so\".mp4", "$HOME.mp4", "gespr\u00e4ch-\u4f60\u597d.mp4",
                                  "-i.mp4", "%03d.mp4", "a:b.mp4", "concat:x|y.mp4", "x.m3u8"])
def test_content_decides_and_names_do_not_matter(tmp_path, good, name):
    shutil.copy(good, tmp_path / name)
    before = os.getcwd()
    os.chdir(tmp_path)  # a leading dash or "concat:" only bites as a bare name
    try:
        assert_same_clip(load_clip(name))
    finally:
        os.chdir(before)


@pytest.mark.parametrize("height,width,pix_fmt", [(47, 63, "yuv444p"), (48, 63, "yuv444p"), (47, 63, "bgr0")])
def test_odd_sizes_are_kept(tmp_path, height, width, pix_fmt):
    frames = clock_frames(TIMES, height, width)
    codec = "libx264" if pix_fmt == "yuv444p" else "ffv1"
    clip = load_clip(write_film(tmp_path / "odd.mkv", frames, codec=codec, pix_fmt=pix_fmt))
    assert clip.frames.shape == frames.shape
    assert np.abs(clip.frames.astype(float) - frames).mean() < 4


def test_pixels_that_are_not_square_are_squared(tmp_path):
    clip = load_clip(write_film(tmp_path / "sar.mp4", FRAMES, aspect=Fraction(3, 2)))
    assert clip.frames.shape[1:3] == (48, 96)
    assert np.abs(clip.frames[:, 2:14, 3:21] - np.array([220, 30, 30])).mean() < 25  # the red square: a quarter of the width still
    assert any("not square" in note for note in clip.notes)


ONE = 65536
TURNS = {  # matrix -> what must have been done to the stored picture (a phone films sideways and says so)
    "quarter": ((0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30), lambda f: np.rot90(f, -1, (1, 2))),
    "half": ((-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30), lambda f: f[:, ::-1, ::-1]),
    "three quarters": ((0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30), lambda f: np.rot90(f, 1, (1, 2))),
    "mirror": ((-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), lambda f: f[:, :, ::-1]),
}


@pytest.mark.parametrize("name", TURNS)
def test_the_display_matrix_is_applied(tmp_path, name):
    matrix, turn = TURNS[name]
    clip = load_clip(write_film(tmp_path / "turned.mp4", FRAMES, matrix=matrix))
    wanted = turn(FRAMES)
    assert clip.frames.shape == wanted.shape
    assert np.abs(clip.frames.astype(float) - wanted).mean() < 6
    assert any("display matrix" in note for note in clip.notes)


def test_interlaced_fields_are_joined_without_combs(tmp_path):
    """A bright bar moves between the two fields of each frame: undone combs would alternate from line to line."""
    height, width, n = 64, 96, 12
    frames = np.full((n, height, width, 3), 60, np.uint8)
    for k in range(n):
        for field in (0, 1):
            x = 8 + 6 * k + 3 * field
            frames[k, field::2, x:x + 12] = 200
    options = {"x264-params": "tff=1:interlaced=1", "crf": "5", "flags": "+ildct+ilme"}
    clip = load_clip(write_film(tmp_path / "i.mp4", frames, options=options))
    assert any("interlaced" in note for note in clip.notes)

    def combing(f):
        return np.abs(f[:, 1:-1].astype(float) - (f[:, :-2].astype(float) + f[:, 2:]) / 2).mean()

    assert clip.frames.shape == frames.shape
    assert combing(clip.frames[2:-2]) < 0.35 * combing(frames[2:-2])


@pytest.mark.parametrize("layout,channels", [("stereo", 2), ("5.1", 6)])
def test_the_same_voice_in_all_channels_keeps_its_level(tmp_path, layout, channels):
    rate = 48000
    sound = track(np.tile(voice(1.0, rate), (channels, 1)), rate, codec="pcm_s16le", fmt="s16", layout=layout)
    clip = load_clip(write_film(tmp_path / "many.mkv", FRAMES, tracks=[sound]))
    assert_same_clip(clip)
    assert any("mixed down" in note for note in clip.notes)


def test_a_voice_in_the_centre_is_heard_and_a_rumble_in_the_lfe_is_not(tmp_path):
    rate, six = 48000, np.zeros((6, 48000), np.float32)  # FL FR FC LFE BL BR
    six[2], six[3] = voice(1.0, rate), 0.9 * np.sin(2 * np.pi * 40 * np.arange(rate) / rate)
    for container in ("mov", "matroska"):  # matroska does not say which channel is which
        check_centre(write_film(tmp_path / container, FRAMES, container=container, tracks=[track(six, rate, codec="pcm_s16le", fmt="s16", layout="5.1")]))


def check_centre(path):
    assert np.corrcoef(load_clip(path).audio, VOICE)[0, 1] > 0.99


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_any_rate_becomes_16_khz_in_time(tmp_path, rate):
    clicks = (0.2, 0.5, 0.8)
    sound = track(voice(1.0, rate, clicks), rate, codec="pcm_s16le", fmt="s16")
    clip = load_clip(write_film(tmp_path / "r.mov", FRAMES, tracks=[sound]))
    assert clip.audio.shape == (16000,)
    assert abs(lag_samples(voice(1.0, 16000, clicks), clip.audio)) <= 1


@pytest.mark.parametrize("height,width", [(64, 64), (48, 80), (47, 63), (200, 120)])
def test_a_written_clip_reads_back(tmp_path, height, width):
    frames = clock_frames(TIMES, height, width)
    path = write_clip(frames, tmp_path / "w.mp4", audio=VOICE)
    clip = load_clip(path)
    assert clip.frames.shape == frames.shape and clip.mask.all() and all("under 64" in note for note in clip.notes)
    assert np.abs(clip.frames.astype(float) - frames).mean() < 4
    assert lag_samples(VOICE, clip.audio) == 0 and np.corrcoef(VOICE, clip.audio)[0, 1] > 0.99
    again = write_clip(clip, tmp_path / "again.mp4")
    assert np.abs(load_clip(again).frames.astype(float) - frames).mean() < 5


def test_a_written_silent_film_has_no_sound_track(tmp_path):
    clip = load_clip(write_clip(FRAMES, tmp_path / "w.mp4"))
    assert clip.audio is None and clip.mask.all()


def test_size_scales_while_decoding_and_keeps_the_shape(tmp_path):
    frames = clock_frames(TIMES, 96, 160)
    clip = load_clip(write_film(tmp_path / "big.mp4", frames, tracks=AAC), size=48)
    assert clip.frames.shape == (25, 48, 80, 3)
    assert np.abs(clip.frames.astype(float) - frames[:, ::2, ::2]).mean() < 6
    assert load_clip(tmp_path / "big.mp4", size=500).frames.shape == frames.shape  # never enlarged
