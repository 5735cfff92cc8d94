"""Learned forgers: crops, samplers and the opening's reader against closed forms; what each forger may know; what it does and leaves behind."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from avlab.errors import AvlabError
from avlab.synthtalk import Spec, aligned, face, forger_card, forger_nets, forger_training, forgers, learned, render
from avlab.synthtalk.render import shot_of

NAMES = forgers.LEARNED
PEOPLE = range(78, 84)  # of the split test
SHOT = shot_of(Spec(8, 21, 22, 23, 0.64))
shot = cache(lambda person: shot_of(forger_card.spec_of(person)))


@cache
def forged(name, person):
    return learned.forge(name, shot(person), np.random.default_rng([5, person]), forgers.finish(name))


def r(a, b):
    return np.corrcoef(a, b)[0, 1]


# ------------------------------------------------------------------------------------------------ crops, sound, opening


@pytest.mark.parametrize("grid", [aligned.LOWER, aligned.INNER])
def test_a_crop_holds_what_lies_at_its_head_coordinates(grid):
    """A picture that is a linear function of head coordinates is that same function in the crop, and again after pasting."""
    x, y, _ = face.head_coordinates(SHOT.move)
    picture = np.stack([0.5 + 0.3 * x - 0.2 * y, x, y], -1)
    crops = aligned.cut(picture, SHOT.move, grid)
    u, v = np.meshgrid(grid.columns, grid.rows)
    gap = np.abs(crops - np.stack([0.5 + 0.3 * u - 0.2 * v, u, v], -1))
    assert np.median(gap) < 1e-6 and gap.max() < 5e-3  # at the picture's edge the spline bends
    back = aligned.paste(crops, SHOT.move, grid)
    inside = (np.abs(x) < grid.columns[-1] - 0.1) & (y > grid.rows[0] + 0.1) & (y < grid.rows[-1] - 0.1)
    assert inside.mean() > 0.1 and np.abs(back - picture)[inside].max() < 1e-3


def test_windows_hear_200_ms_around_the_middle_of_the_frame():
    """Columns that say their own time: 16 of them, 12.5 ms apart, symmetric about the frame's middle, or about late_s before it."""
    mel = np.repeat(np.arange(200)[:, None] * 0.0125, aligned.BANDS, 1)
    for late in (0.0, 0.06):
        heard = aligned.windows(mel, 40, 25, late).reshape(40, aligned.COLUMNS, aligned.BANDS)[..., 0]
        for k in (10, 25):
            np.testing.assert_allclose(heard[k], (k + 0.5) * 0.04 - late + 0.0125 * (np.arange(16) - 7.5), atol=1e-6)
    assert (heard[0][:11] == 0).all() and heard.max() <= mel.max()  # before the clip there is only its first column


def test_the_mel_does_not_know_the_level():
    np.testing.assert_allclose(aligned.log_mel(0.01 * SHOT.sound), aligned.log_mel(SHOT.sound), atol=1e-3)


def test_the_reader_reads_true_openings():
    true = np.concatenate([shot(p).mouth[:, 0] for p in PEOPLE])
    read = np.concatenate([aligned.opening_of(shot(p).who, aligned.cut(shot(p).clean, shot(p).move, aligned.LOWER)) for p in PEOPLE])
    assert r(read, true) > 0.97 and np.abs(read - true).mean() < 0.04 and read.min() >= 0 and read.max() <= 1


# ------------------------------------------------------------------------------------------------ samplers


def test_the_cosine_schedule_starts_clean_and_ends_in_noise():
    time = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    found = forger_nets.cosine_abar(time)
    middle = np.cos(0.508 / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(found, [1, middle, 0], atol=1e-12)


def test_ddim_of_a_known_answer():
    """A denoiser that always says c ends at c; the ideal one for unit normal data turns z by the schedule's angle at each step."""
    z = torch.randn(3, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    c = torch.full_like(z, 0.7)
    np.testing.assert_allclose(learned.ddim(lambda z, time: c, z, 5), c, atol=1e-12)
    times = np.linspace(1, 0, 6)
    angle = np.arccos(np.clip(np.cos((times + 0.008) / 1.008 * np.pi / 2) / np.cos(0.008 / 1.008 * np.pi / 2), -1, 1))
    made = learned.ddim(lambda z, time: forger_nets.cosine_abar(time).sqrt()[:, None, None, None] * z, z, 5)
    np.testing.assert_allclose(made, z * np.prod(np.cos(np.diff(angle))), atol=1e-9)


def test_euler_follows_a_straight_path_exactly_and_a_bent_one_by_its_own_formula():
    noise, data = torch.randn(2, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    for steps in (1, 4):
        np.testing.assert_allclose(learned.euler(lambda x, t: data - noise, noise, steps), data, atol=1e-12)
    np.testing.assert_allclose(learned.euler(lambda x, t: -x, noise, 4), noise * 0.75**4, atol=1e-12)
    seen = []
    learned.euler(lambda x, t: seen.append(float(t[0])) or x, noise, 4)
    assert seen == [0, 0.25, 0.5, 0.75]


def test_a_flow_network_that_says_nothing_is_the_ideal_one_for_white_data():
    """With net = 0 the velocity is E[data - noise | x] of independent normals: the regression of one on the other, found here from samples."""
    net = forger_nets.Flow()
    torch.nn.init.zeros_(net.painter.leave[-1].weight)
    torch.nn.init.zeros_(net.painter.leave[-1].bias)
    rng, face_, sound = np.random.default_rng(0), torch.zeros(1, 3, 32, 40), torch.zeros(1, 512)
    noise, data = rng.standard_normal(200_000), net.SIGMA * rng.standard_normal(200_000)
    for t in (0.0, 0.3, 0.75):
        x = (1 - t) * noise + t * data
        slope = np.polyfit(x, data - noise, 1)[0]
        with torch.no_grad():
            found = net(torch.ones(1, 3, 32, 40), face_, face_, sound, torch.tensor([t]))
        assert found.min() == found.max() and float(found.max()) == pytest.approx(slope, abs=0.02)


# ------------------------------------------------------------------------------------------------ what a forger may know


@pytest.mark.parametrize("name", NAMES)
def test_a_forger_has_film_and_sound_and_nothing_else(name):
    """Without the truth it draws the same; with other speech over the same film it does not, unless it only copies the film."""
    with torch.no_grad():
        draw = lambda shot: getattr(learned, f"_{name}")(learned.load(name), shot, np.random.default_rng(3))  # noqa: E731
        made = draw(SHOT)
        np.testing.assert_array_equal(draw(replace(SHOT, mouth=None, utterance=None, who=None, scene=None, clothes=None)), made)
        other = draw(replace(SHOT, sound=shot_of(Spec(8, 99, 22, 23, 0.64)).sound))
    assert (np.abs(other - made).max() > 0.1) == (name != "reenact")


@pytest.mark.parametrize("name", ["lipsync", "ldm", "flow"])
def test_a_mouth_forger_does_not_see_the_mouth_of_the_frame_it_draws(name):
    """Whatever is painted over the lower faces of all frames but the reference, the drawing is the same."""
    x, y, _ = face.head_coordinates(SHOT.move)
    hidden = np.repeat((y > learned.ABOVE + 0.15)[..., None], 3, -1)  # a crop's cubic spline still feels a pixel or two further
    hidden[0] = False
    painted = replace(SHOT, clean=np.where(hidden, SHOT.clean.mean(), SHOT.clean).astype(np.float32))
    with torch.no_grad():
        made, again = (getattr(learned, f"_{name}")(learned.load(name), s, np.random.default_rng(3)) for s in (SHOT, painted))
    assert np.abs(again - made).max() < 3 / 255


# ------------------------------------------------------------------------------------------------ what it does


@pytest.mark.parametrize("name, least", [("reenact", 0.93), ("lipsync", 0.75), ("ldm", 0.75), ("flow", 0.75)])
def test_the_drawn_mouth_follows_the_sound(name, least):
    """Correlation of opening drawn and asked for, at the best shift up to 100 ms; against another person's sound it is nothing."""
    true, shown = (np.array(rows) for rows in ([shot(p).mouth[:, 0] for p in PEOPLE], [forged(name, p)[2] for p in PEOPLE]))
    best = [max(forger_card._late(a, b, lag) for lag in np.arange(0, 0.11, 0.02)) for a, b in zip(shown, true, strict=True)]
    other = [r(a, b) for a, b in zip(shown, np.roll(true, 1, 0), strict=True)]
    assert np.mean(best) > least and abs(np.mean(other)) < 0.3


def test_lipsync_is_late_and_the_others_are_not():
    late = {}
    for name in NAMES:
        curves = [[forger_card._late(forged(name, p)[2], shot(p).mouth[:, 0], lag) for lag in forger_card.LAGS_S] for p in PEOPLE]
        late[name] = forger_card.LAGS_S[np.argmax(curves, 1)].mean()
    assert 0.04 < late["lipsync"] < 0.08 and all(abs(late[name]) < 0.02 for name in ("reenact", "ldm", "flow"))


def test_each_network_leaves_its_trace():
    """Before the camera: one-pass and sampled mouths lack the finest detail; the samplers' own detail stands on the head, the one-pass network's moves."""
    left = {name: forger_card.traces([shot(p) for p in PEOPLE], [forged(name, p)[:2] for p in PEOPLE]) for name in NAMES}
    assert max(left[name]["lattice_db"] for name in ("lipsync", "flow")) < -2 and left["ldm"]["lattice_db"] < -0.5
    assert left["lipsync"]["still_db"] < -6 and min(left[name]["still_db"] for name in ("ldm", "flow")) > -3


@pytest.mark.parametrize("name", NAMES)
def test_forged_pixels_are_what_the_mask_says(name):
    made, mask, opening = forged(name, 78)
    assert made.dtype == np.float32 and mask.dtype == bool and 0 <= opening.min() and opening.max() <= 1
    change = np.abs(made - shot(78).clean).max(-1)
    assert change[~mask].mean() < 0.1 * change[mask].mean()


def test_the_same_bytes_with_any_number_of_threads():
    spec = replace(forger_card.spec_of(79), duration_s=0.4)
    code = ("import hashlib; from avlab.synthtalk import Spec, render; from dataclasses import replace\n"
            f"for name in {NAMES!r}: print(hashlib.sha256(render(replace({spec!r}, forger_video=name)).frames.tobytes()).hexdigest())")
    import os
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "2"})
    own = [hashlib.sha256(render(replace(spec, forger_video=name)).frames.tobytes()).hexdigest() for name in NAMES]
    assert other.stdout.split() == own


# ------------------------------------------------------------------------------------------------ weights, cards, training


def test_importing_the_world_imports_no_torch():
    code = "import sys, avlab.synthtalk; sys.exit('torch' in sys.modules or 'librosa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_those_of_their_card(name):
    path = learned.WEIGHTS / f"forger_{name}.safetensors"
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card["parameters"] == sum(p.numel() for p in learned.load(name).parameters()) < 800_000
    assert card["recipe"] == forger_training.asdict(forger_training.RECIPES[name])


def test_all_weights_together_are_small():
    assert sum((learned.WEIGHTS / f"forger_{name}.safetensors").stat().st_size for name in NAMES) < 6e6


def test_wrong_weights_are_refused(tmp_path):
    with pytest.raises(AvlabError, match="must lie beside"):
        learned.read("flow", tmp_path / "none.safetensors")
    path = tmp_path / "forger_flow.safetensors"
    learned.save(forger_nets.Flow(), path)
    with pytest.raises(AvlabError, match="must fit"):
        learned.read("ldm", path)
    path.with_suffix(".json").write_text('{"sha256": "0"}')
    with pytest.raises(AvlabError, match="their card"):
        learned.read("flow", path)


def test_training_people_are_the_train_split():
    from avlab.clips import manifest

    assert set(range(forger_training.PEOPLE)) == {row.identity for row in manifest.load("synthtalk") if row.split == "train"}
    assert set(forger_card.HELD_OUT) == {row.identity for row in manifest.load("synthtalk") if row.split == "test"}


def small_recipe(**changes):
    return forger_training.Recipe(clips=3, batch=2, steps=4, codec_batch=2, **changes)


def test_a_killed_training_resumes_to_the_same_bits(tmp_path, monkeypatch):
    """Stopped in the middle of the codec and again in the middle of the denoiser, against a run in one go."""
    recipe = small_recipe(codec_steps=3)
    whole, _, _ = forger_training.train("ldm", tmp_path / "a", tmp_path / "a.safetensors", recipe, say=lambda _: None)
    update, left = forger_training.Stage._update, []
    monkeypatch.setattr(forger_training, "CHECKPOINT_S", -1.0)

    def stopping(self, loss):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return update(self, loss)

    monkeypatch.setattr(forger_training.Stage, "_update", stopping)
    for steps in (2, 3):
        left[:] = [None] * steps
        with pytest.raises(KeyboardInterrupt):
            forger_training.train("ldm", tmp_path / "b", tmp_path / "b.safetensors", recipe, say=lambda _: None)
    left[:] = [None] * 9
    resumed, _, _ = forger_training.train("ldm", tmp_path / "b", tmp_path / "b.safetensors", recipe, say=lambda _: None)
    assert len(left) == 7 and (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True))


def test_training_refuses_another_recipe_and_an_unknown_name(tmp_path):
    (tmp_path / "flow.recipe.json").write_text('{"seed": 1}')
    with pytest.raises(AvlabError, match="one recipe"):
        forger_training.train("flow", tmp_path, tmp_path / "flow.safetensors", small_recipe())
    with pytest.raises(AvlabError, match="Unknown learned forger"):
        forger_training.train("faceswap", tmp_path, tmp_path / "x.safetensors")


def test_no_gradient_reaches_the_codec_while_the_denoiser_learns(tmp_path):
    """The codec of the weights is the one of its own stage."""
    forger_training.train("ldm", tmp_path, tmp_path / "x.safetensors", small_recipe(codec_steps=2), say=lambda _: None)
    first = torch.load(tmp_path / "ldm-codec.pt", weights_only=True)["average"]
    last = torch.load(tmp_path / "ldm.pt", weights_only=True)["average"]
    assert all(torch.equal(value, last[f"codec.{key}"]) for key, value in first.items() if key not in ("centre", "spread"))
