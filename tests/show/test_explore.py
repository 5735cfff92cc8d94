"""Explorers: every state is there, computed now, described, deterministic, and within budget."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from avlab.errors import AvlabError
from avlab.show import explore, figures, play
from avlab.show.explore import Explorer
from avlab.show.html import Html
from avlab.show.sound import wav_uri

ALT = "State {step} of {forger}: the picture has brightness {step}"


def picture(step, forger):
    return {"x": np.full((2, 2, 3), 10 * step + len(forger), np.uint8), "same": np.zeros((2, 2, 3), np.uint8)}


def made(**changes):
    return explore(**({"fn": picture, "title": "Brightness", "alt": ALT, "step": range(3), "forger": ["dub", "real"]} | changes))


def data(explorer):
    return json.loads(re.search(r'\("av\w+",(.*)\)</script>', explorer.html, re.S)[1])


def test_every_state_is_there_in_the_order_of_the_controls():
    d = data(made())
    assert [c["texts"] for c in d["controls"]] == [["0", "1", "2"], ["dub", "real"]]
    assert [s["alt"] for s in d["states"]] == [ALT.format(step=s, forger=f) for s in range(3) for f in ("dub", "real")]
    assert len({s["pictures"][0] for s in d["states"]}) == 6 and len({s["pictures"][1] for s in d["states"]}) == 1 and len(d["blobs"]) == 7


def test_the_html_stands_without_its_script_at_the_chosen_start():
    page = made(start={"step": 2, "forger": "real"}).html.split("<script")[0]
    assert 'value="2"' in page and 'aria-valuetext="2"' in page and '<option value="1" selected>real' in page
    assert f'alt="x: {ALT.format(step=2, forger="real")}"' in page and "<noscript>" in page
    for control in re.findall(r'<(?:input|select) id="([^"]+)"', page):
        assert f'<label for="{control}">' in page


def test_the_same_content_gives_the_same_bytes_and_another_content_another_id():
    ids = [re.search(r'id="(av\w+)"', e.html)[1] for e in (made(), made(), made(title="Other"))]
    assert made().html == made().html and ids[0] == ids[1] != ids[2]


def test_an_error_in_any_state_is_raised_now():
    def broken(step, forger):
        return picture(step, forger) if (step, forger) != (2, "real") else 1 / 0
    with pytest.raises(ZeroDivisionError):
        made(fn=broken)


@pytest.mark.parametrize("changes", [{"step": range(121)}, {"step": []}, {"start": {"step": 9}}, {"start": {"no": 1}}, {"alt": "Picture of {step}"},
                                     {"fn": lambda step, forger: {str(step): np.zeros((1, 1, 3), np.uint8)}}])
def test_refusals(changes):
    with pytest.raises(AvlabError):
        made(**changes)


def test_past_three_megabytes_it_is_refused_with_its_size():
    noise = np.random.default_rng(0).integers(0, 256, (60, 160, 160, 3), dtype=np.uint8)
    with pytest.raises(AvlabError, match=r"Got: 7\.\d MB"):
        explore(lambda k: noise[k], title="Noise", alt="Noise number {k} looks like the others", k=range(60))


def test_text_is_escaped_everywhere():
    page = explore(lambda name: {"<b>": np.zeros((1, 1, 3), np.uint8), "note": "</script><b>x"}, title="<script>alert(1)</script>",
                   alt="A black pixel for {name} & nothing else", name=["<i>", "b"]).html
    assert "<script>alert" not in page and "</script><b>" not in page and "&lt;i&gt;" in page and ">&lt;b&gt;<" in page


def test_curves_of_all_states_share_their_axes():
    explorer = explore(lambda top: figures.lines_with_band({"a": ([0, 1], [0, top])}, x="x", y="y"), title="Lines",
                       alt="The line rises to {top} at the right", top=[1, 10])
    low, high = data(explorer)["blobs"]
    ends = [float(re.findall(r'd="M[\d.,]+L[\d.]+,([\d.]+)"', svg)[0]) for svg in (low, high)]
    foot = float(re.findall(r'd="M[\d.]+,([\d.]+)L', low)[0])
    assert (foot - ends[1]) / (foot - ends[0]) == pytest.approx(10, rel=0.02)


def test_sound_and_notes_change_with_the_state():
    explorer = explore(lambda hz: {"x": np.zeros((1, 1, 3), np.uint8), "sound": (np.sin(np.arange(800) * hz), 8000), "note": f"{hz} rad"},
                       title="Tones", alt="A black pixel and a tone of {hz} rad", hz=[0.1, 0.2])
    states = data(explorer)["states"]
    assert [s["note"] for s in states] == ["0.1 rad", "0.2 rad"] and states[0]["sound"] != states[1]["sound"] and "<audio controls" in explorer.html


def test_headless_has_no_widget_and_live_has_both_forms(monkeypatch):
    monkeypatch.setenv("AVLAB_HEADLESS", "1")
    calls = []

    def live(step, forger):
        calls.append(step)
        return picture(step, forger)

    assert made(live=live).widget is None and calls == []
    monkeypatch.setenv("AVLAB_HEADLESS", "0")
    bundle = made(live=live)._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= set(bundle) and calls == [0]


def test_without_live_only_html_and_text_are_shown(monkeypatch):
    monkeypatch.delenv("AVLAB_HEADLESS", raising=False)
    assert set(made()._repr_mimebundle_()) == {"text/html", "text/plain"} and isinstance(made(), Explorer)


def clip(frames=20, audio=True):
    film = np.arange(frames, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 6, 3), np.uint8)
    return SimpleNamespace(frames=film, fps=25, audio=np.zeros(frames * 640, np.float32) if audio else None, sample_rate=16000)


def test_the_player_knows_frames_sound_and_their_clock():
    page = play({"RVRA": clip(), "mute": clip(audio=False)}, title="Two", alt="{name}: {seconds} s of a picture that brightens")
    first, second = json.loads(re.search(r'\("av\w+",(.*)\)</script>', page.html, re.S)[1])
    assert (first["frames"], first["fps"], first["width"], first["height"]) == (20, 25.0, 6, 8) and first["alt"].startswith("RVRA: 0.80 s")
    assert first["sound"].startswith("data:audio/wav") and second["sound"] is None and "no sound track" in second["note"] and isinstance(page, Html)


def test_wav_holds_the_samples():
    import base64
    import io
    import wave
    wanted = np.array([0, 0.5, -1, 2], np.float32)
    with wave.open(io.BytesIO(base64.b64decode(wav_uri(wanted, 16000).split(",")[1]))) as w:
        assert w.getframerate() == 16000 and w.getnchannels() == 1
        assert np.frombuffer(w.readframes(4), "<i2").tolist() == [0, 16384, -32767, 32767]
    with pytest.raises(AvlabError):
        wav_uri(np.zeros((2, 4)), 16000)
