"""Pictures and sound keep their own times: nothing is chosen by index, nothing is shifted."""

from fractions import Fraction

import av
import numpy as np
import pytest
from clip_maker import clock_frames, lag_samples, time_shown, track, voice, write_film

from avlab.clips import load_clip
from avlab.errors import AvlabError


def pcm(samples, rate=16000, **more):
    return track(samples, rate, codec="pcm_s16le", fmt="s16", **more)


def noted(clip, words):
    return any(words in note for note in clip.notes)


VARYING = np.cumsum(np.r_[0, np.tile([0.02, 0.06, 0.033, 0.1, 0.017], 8)])


@pytest.mark.parametrize("name,times", [("10", np.arange(20) / 10), ("29.97", np.arange(60) * 1001 / 30000), ("30", np.arange(60) / 30),
                                        ("60", np.arange(120) / 60), ("vfr", VARYING)])
def test_each_output_frame_shows_the_picture_nearest_in_time(tmp_path, name, times):
    fps = 30 if name == "vfr" else float(name)
    path = write_film(tmp_path / "f.mkv", clock_frames(times), times, fps=fps, codec="ffv1", pix_fmt="bgr0", tracks=[pcm(voice(2.0, 16000))])
    clip = load_clip(path)
    targets = np.arange(len(clip.frames)) / 25
    nearest = times[np.abs(times[None] - targets[:, None]).argmin(1)]
    distance = np.abs(times[None] - targets[:, None]).min(1)
    assert abs(len(clip.frames) - 25 * (times[-1] + np.median(np.diff(times)))) <= 1.5
    assert np.abs(np.abs(clip.frame_times - targets) - distance).max() < 2e-3  # as near as any (mkv counts in ms)
    assert np.abs(time_shown(clip.frames) - nearest).max() < 0.02  # the picture itself says so
    assert noted(clip, "by timestamps")
    assert noted(clip, "varying") == (name == "vfr")


def test_25_fps_is_taken_frame_by_frame(tmp_path):
    times = np.arange(30) / 25
    clip = load_clip(write_film(tmp_path / "f.mkv", clock_frames(times), codec="ffv1", pix_fmt="bgr0"))
    assert len(clip.frames) == 30 and np.abs(clip.frame_times - times).max() < 1e-3
    assert np.abs(clip.frames.astype(int) - clock_frames(times)).max() <= 1


def test_a_clock_that_starts_late_is_set_to_zero_for_both_streams(tmp_path):
    times = np.arange(50) / 25
    sound = pcm(voice(2.0, 16000, clicks=(0.4, 1.2)), start=3.0)
    clip = load_clip(write_film(tmp_path / "f.mkv", clock_frames(times), times + 3.0, tracks=[sound]))
    assert clip.frame_times[0] == 0 and len(clip.frames) == 50
    assert abs(lag_samples(voice(2.0, 16000, clicks=(0.4, 1.2)), clip.audio)) <= 16


@pytest.mark.parametrize("container,codec", [("matroska", "pcm_s16le"), ("mp4", "aac"), ("mpegts", "ac3")])
def test_sound_that_starts_late_stays_late(tmp_path, container, codec):
    """A click planted 0.5 s into a track that starts at 1.5 s belongs at 2.0 s."""
    rate = 48000
    sound = track(voice(1.5, rate, clicks=(0.5, 1.0)), rate, codec=codec, fmt="s16" if codec == "pcm_s16le" else "fltp", start=1.5)
    clip = load_clip(write_film(tmp_path / "late", clock_frames(np.arange(75) / 25), container=container, tracks=[sound]))
    assert abs(lag_samples(voice(3.0, 16000, clicks=(2.0, 2.5)), clip.audio)) <= 40
    assert not clip.audio[: int(1.4 * 16000)].any()
    assert not clip.mask[:36].any() and clip.mask[40:70].all()
    assert (noted(clip, "starts 1.5") or noted(clip, "starts 1.4"))  # AAC and AC-3 begin with some ms of priming


def test_shorter_sound_is_masked_and_longer_sound_cut(tmp_path):
    frames = clock_frames(np.arange(50) / 25)
    short = load_clip(write_film(tmp_path / "s.mov", frames, tracks=[pcm(voice(1.2, 16000))]))
    assert len(short.frames) == 50 and short.audio.shape == (32000,)
    assert short.mask[:30].all() and not short.mask[30:].any() and noted(short, "ends 0.80 s before")
    long = load_clip(write_film(tmp_path / "l.mov", frames, tracks=[pcm(voice(3.0, 16000))]))
    assert long.audio.shape == (32000,) and long.mask.all() and noted(long, "after the picture")


def test_a_gap_in_the_sound_stays_a_gap(tmp_path):
    write_gap(tmp_path / "gap.mkv", clock_frames(np.arange(50) / 25), voice(0.5, 16000), voice(0.5, 16000))
    clip = load_clip(tmp_path / "gap.mkv")
    heard = np.abs(clip.audio).reshape(50, 640).max(1) > 0.01
    assert heard[:12].all() and not heard[13:29].any() and heard[30:42].all()
    assert (clip.mask == heard).mean() > 0.95 and noted(clip, "gaps")


def write_gap(path, frames, first, second):
    """One sound stream in two spans; PCM needs no flush between them."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        sound = out.add_stream("pcm_s16le", rate=16000, layout="mono")
        for number, frame in enumerate(frames):
            packed = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
            packed.pts, packed.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(packed))
        out.mux(stream.encode(None))
        for samples, start_s in ((first, 0.0), (second, 1.2)):
            frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = 16000, Fraction(1, 16000), round(start_s * 16000)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))


def test_two_tracks_the_one_marked_default_is_read(tmp_path):
    frames = clock_frames(np.arange(25) / 25)
    tone, speech = 0.3 * np.sin(2 * np.pi * 3000 * np.arange(16000) / 16000), voice(1.0, 16000)
    marked = load_clip(write_film(tmp_path / "m.mkv", frames, tracks=[pcm(tone, default=False), pcm(speech, default=True)]))
    assert np.corrcoef(marked.audio, speech)[0, 1] > 0.99 and noted(marked, "2 sound tracks")
    first = load_clip(write_film(tmp_path / "f.mkv", frames, tracks=[pcm(speech, default=False), pcm(tone, default=False)]))
    assert np.corrcoef(first.audio, speech)[0, 1] > 0.99


def test_a_wav_beside_a_silent_film_is_its_sound(tmp_path):
    frames, speech = clock_frames(np.arange(50) / 25), voice(1.5, 44100)
    write_film(tmp_path / "a.mp4", frames)
    assert load_clip(tmp_path / "a.mp4").audio is None
    write_film(tmp_path / "a.wav", tracks=[track(speech, 44100, codec="pcm_s16le", fmt="s16")], times=[])
    clip = load_clip(tmp_path / "a.mp4")
    assert np.corrcoef(clip.audio[:24000], voice(1.5, 16000))[0, 1] > 0.99 and noted(clip, "'a.wav'")
    assert clip.mask[:37].all() and not clip.mask[38:].any()


def test_without_sound_it_is_absent_and_never_silence(tmp_path):
    clip = load_clip(write_film(tmp_path / "a.mp4", clock_frames(np.arange(25) / 25)))
    assert clip.audio is None and clip.mask.all() and noted(clip, "absent, not silent")


def test_a_long_film_is_cut_at_max_seconds(tmp_path):
    path = write_film(tmp_path / "l.mp4", clock_frames(np.arange(75) / 25), tracks=[track(voice(3.0, 16000), 16000)])
    clip = load_clip(path, max_seconds=1.0)
    assert len(clip.frames) == 25 and clip.audio.shape == (16000,) and noted(clip, "cut after 1.00 s of 3.0")
    with pytest.raises(AvlabError, match="last 4.0 s at least"):
        load_clip(path, min_seconds=4.0)


def test_other_rates_can_be_asked_for(tmp_path):
    path = write_film(tmp_path / "l.mp4", clock_frames(np.arange(50) / 25), tracks=[track(voice(2.0, 16000), 16000)])
    clip = load_clip(path, fps=10, sample_rate=8000)
    assert len(clip.frames) == 20 and clip.audio.shape == (16000,)
    assert np.abs(time_shown(clip.frames) - np.arange(20) / 10).max() < 0.05
