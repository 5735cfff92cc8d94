"""One loop for all detectors: it learns what is there and not what is not, leaks are refused, and a killed run ends like one that was not."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from toy_detector import arrays, data, rows, total_loss, toy, trained

from avlab import metrics
from avlab.detectors import training
from avlab.detectors.training import fit, predict
from avlab.errors import AvlabError

HERE = Path(__file__).parent


def same_weights(a, b):
    left, right = a.state_dict(), b.state_dict()
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run of the toy that nothing interrupts: (model, state, folder)."""
    out = tmp_path_factory.mktemp("whole")
    return *trained(out), out


# ------------------------------------------------------------------------------------------------ learning


def auroc_of(shift, shuffle=False, seed=0):
    """Train on 40 people, score 60 others; shuffle: training and test clips carry each other's labels. Returns AUROC, Progress, null band."""
    read, model, rng = partial(arrays, shift=shift), toy(seed), np.random.default_rng(seed)
    train, test = rows(range(40)), rows(range(200, 260))
    mixed = [[some[i] for i in rng.permutation(len(some))] if shuffle else None for some in (train, test)]
    state = fit(model, total_loss, data(train, read, labels=mixed[0]), epochs=8, lr=1e-2, seed=seed, batch_size=32)
    found = predict(model, data(test, read, labels=mixed[1]))
    n = len(test)
    return metrics.auroc(found["logit"], found["label"]), state, 2.58 * np.sqrt((n + 1) / (12 * (n / 2) ** 2))


def test_a_planted_signal_is_learned_and_holds_on_new_people():
    auroc, state, _ = auroc_of(2.0)
    first, last = state.history[0]["train_total"], state.history[-1]["train_total"]
    assert auroc > 0.95 and last < 0.6 * first and np.mean(state.steps[-5:]) < 0.6 * np.mean(state.steps[:5])


@pytest.mark.parametrize("shift, shuffle", [(2.0, True), (0.0, False)])
def test_shuffled_labels_and_inputs_without_a_signal_teach_nothing(shift, shuffle):
    """The band is Mann-Whitney's under the null, deviation sqrt((n + 1) / (12 n0 n1)), 2.58 of them.

    Shuffled labels are judged by shuffled labels: against the true ones a net that was trained blindly scores anything, because a random
    direction sees a planted shift too, from either side.
    """
    auroc, _, band = auroc_of(shift, shuffle)
    assert abs(auroc - 0.5) < band < 0.08


def test_the_best_epoch_on_the_validation_is_what_remains(whole):
    model, state, _ = whole
    losses = [record["val_total"] for record in state.history]
    assert state.best_epoch == int(np.argmin(losses)) and len(state.history) == 4 and len(state.steps) == 24
    assert not model.training and all(torch.equal(value, state.best[name]) for name, value in model.state_dict().items())
    val = data(rows(range(100, 108), split="val"))
    with torch.inference_mode():
        again = total_loss(model, val.collate([val[i] for i in range(len(val))]))
    assert again["cross"].item() == pytest.approx(state.history[state.best_epoch]["val_cross"], abs=1e-5)
    scores = predict(model, val)
    assert metrics.auroc(scores["logit"], scores["label"]) == pytest.approx(state.history[state.best_epoch]["val_auroc"], abs=1e-12)


def test_patience_ends_a_run_whose_validation_does_not_improve():
    """Validation labels turned round: the better the training, the worse the validation, so epoch 0 is the best."""
    val = rows(range(100, 108), split="val")
    fake, real = next(r for r in val if r.label), next(r for r in val if not r.label)
    model, seen = toy(), []
    state = fit(model, total_loss, data(rows(range(12)), partial(arrays, shift=4.0)),
                data(val, partial(arrays, shift=4.0), labels=[real if r.label else fake for r in val]),
                epochs=20, lr=1e-2, seed=0, patience=2, progress=lambda record: seen.append(record["epoch"]))
    assert state.stopped and state.best_epoch == 0 and seen == [0, 1, 2]
    assert state.history[2]["val_auroc"] < 0.5


def test_monitor_auroc_keeps_the_epoch_of_the_highest(whole):
    _, state = trained(monitor="auroc")
    areas = [record["val_auroc"] for record in state.history]
    assert state.best_epoch == int(np.argmax(areas))
    assert [record["train_total"] for record in state.history] == [record["train_total"] for record in whole[1].history]  # only the choice differs


# ------------------------------------------------------------------------------------------------ the same again


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(whole):
    again, _ = trained()
    assert same_weights(again, whole[0])
    other = toy()
    fit(other, total_loss, data(rows(range(12))), epochs=4, lr=3e-3, seed=8)
    assert not same_weights(other, whole[0])


def test_a_run_that_stops_and_goes_on_ends_with_equal_weights(whole, tmp_path):
    trained(tmp_path, epochs=2)
    torch.manual_seed(99)  # whatever happened in between
    torch.rand(5)
    model, state = trained(tmp_path)
    assert state.resumed == 2 and same_weights(model, whole[0]) and state.steps == whole[1].steps
    without_time = [[{k: v for k, v in r.items() if k != "seconds"} for r in s.history] for s in (state, whole[1])]
    assert without_time[0] == without_time[1]


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("step", [15])
def test_a_run_that_was_killed_inside_an_epoch_ends_with_equal_weights(whole, tmp_path, step):
    done = subprocess.run([sys.executable, str(HERE / "toy_detector.py"), str(tmp_path), str(step)], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL and (done.stdout, done.stderr) == ("", ""), done.stderr[-2000:]
    model, state = trained(tmp_path)
    assert state.resumed == 2 and same_weights(model, whole[0]) and state.steps == whole[1].steps


def test_a_finished_run_is_not_trained_again_and_resume_false_starts_anew(whole):
    model, state = trained(whole[2], loss=total_loss)
    assert state.resumed == 4 and same_weights(model, whole[0])
    calls = []
    trained(whole[2], resume=False, progress=calls.append)
    assert [record["epoch"] for record in calls] == [0, 1, 2, 3]
    with pytest.raises(AvlabError, match="as many epochs"):
        trained(whole[2], epochs=2)


def test_a_run_says_nothing_and_leaves_the_process_as_it_was(capfd):
    import logging
    import random
    import warnings

    before = (torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate(), logging.getLogger("lightning.pytorch").level,
              signal.getsignal(signal.SIGINT), torch.are_deterministic_algorithms_enabled())
    model = toy()
    torch.random.set_rng_state(before[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model, total_loss, data(rows(range(12))), data(rows(range(100, 108), split="val")), epochs=1, lr=1e-3, seed=0)
    said = capfd.readouterr()
    after = (torch.random.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate(), logging.getLogger("lightning.pytorch").level,
             signal.getsignal(signal.SIGINT), torch.are_deterministic_algorithms_enabled())
    assert (said.out, said.err) == ("", "") and torch.equal(before[0], after[0]) and before[1:] == after[1:]


def test_ctrl_c_is_an_interrupt_and_not_an_exit_and_works_a_second_time(request):
    """Lightning answers it with sys.exit and leaves the signal ignored, after which a notebook cannot be stopped any more."""
    def interrupted(model, batch):
        os.kill(os.getpid(), signal.SIGINT)
        return total_loss(model, batch)

    at_start = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts its background jobs with the signal ignored
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, at_start))
    before = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(toy(), interrupted, data(rows(range(4))), epochs=1, lr=1e-3, seed=0)
        assert signal.getsignal(signal.SIGINT) is before


def test_the_cosine_schedule_falls_from_lr_to_zero_warm_up_rises_and_both_resume(tmp_path):
    recipe = training.Recipe(epochs=2, lr=1.0, seed=0, schedule="cosine", warmup=3)
    factors = [training._factor(recipe, step, 5) for step in range(10)]
    assert factors[0] == pytest.approx(0.25) and factors[5] == pytest.approx(0.5) and factors[9] == pytest.approx((1 + np.cos(0.9 * np.pi)) / 2)
    one, state = trained(schedule="cosine", epochs=2)
    assert state.history[-1]["lr"] == pytest.approx(3e-3 * (1 + np.cos(np.pi * 11 / 12)) / 2)

    def stop(record):
        raise AvlabError("Stopped for the test")

    with pytest.raises(AvlabError, match="Stopped"):
        trained(tmp_path, schedule="cosine", epochs=2, progress=stop)
    two, again = trained(tmp_path, schedule="cosine", epochs=2)
    assert again.resumed == 1 and same_weights(one, two)
    with pytest.raises(AvlabError, match="another run"):  # more epochs would have fallen more slowly from the start
        trained(tmp_path, schedule="cosine", epochs=3)


# ------------------------------------------------------------------------------------------------ refusals


def test_what_would_leak_is_refused():
    train, val = rows(range(12)), rows(range(100, 108), split="val")
    run = partial(fit, toy(), total_loss, epochs=1, lr=1e-3, seed=0)
    with pytest.raises(AvlabError, match="files:P3"):
        run(data(train), data(val + rows([3], split="val")))
    with pytest.raises(AvlabError, match="files:P3"):  # as the donor of a face
        run(data(train), data([replace(val[1], donor="P3"), *val]))
    with pytest.raises(AvlabError, match="test split"):
        run(data(train), data(rows(range(100, 108), split="test")))
    with pytest.raises(AvlabError, match="number"):
        run(data([replace(train[1], forger_video="new"), *train]))


@pytest.mark.parametrize("options, words", [
    ({"momentum": 0.9}, "momentum"), ({"monitor": "acc"}, "monitor"), ({"schedule": "step"}, "schedule"), ({"batch_size": 0}, "clip"),
    ({"lr": 0.0}, "lr"), ({"seed": -1}, "seed"), ({"patience": 3}, "validation"), ({"balance": "people"}, "balanced"),
])
def test_options_are_checked_before_anything_runs(options, words):
    with pytest.raises(AvlabError, match=words):
        fit(toy(), total_loss, data(rows(range(4))), **({"epochs": 1, "lr": 1e-3, "seed": 0} | options))


def test_auroc_needs_both_classes_in_the_validation_and_loss_does_not():
    train, val = data(rows(range(4))), data([row for row in rows(range(100, 108), split="val") if row.label])
    with pytest.raises(AvlabError, match="real and fake"):
        fit(toy(), total_loss, train, val, epochs=1, lr=1e-3, seed=0, monitor="auroc")
    assert fit(toy(), total_loss, train, val, epochs=1, lr=1e-3, seed=0).history[0]["val_auroc"] is None


def test_a_loss_that_is_not_finite_stops_the_run():
    def broken(model, batch):
        parts = total_loss(model, batch)
        return parts | {"total": parts["total"] / 0.0}

    with pytest.raises(AvlabError, match="finite"):
        fit(toy(), broken, data(rows(range(4))), epochs=1, lr=1e-3, seed=0)


@pytest.mark.parametrize("change", [{"lr": 1e-4}, {"batch_size": 8}, {"loss": partial(total_loss, weight=0.2)}])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, change):
    options = {"epochs": 1, "lr": 1e-3, "seed": 0, "out": tmp_path}
    fit(toy(), total_loss, data(rows(range(4))), **options)
    loss = change.pop("loss", total_loss)
    with pytest.raises(AvlabError, match="another run"):
        fit(toy(), loss, data(rows(range(4))), **(options | change))
    change["loss"] = loss


def test_a_damaged_checkpoint_is_refused_and_a_pickle_in_it_is_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    for content in ({"format": 1, "mark": Evil()}, {"format": 1}, [1]):
        torch.save(content, tmp_path / "last.ckpt")
        with pytest.raises(AvlabError, match="damaged"):
            trained(tmp_path)
    (tmp_path / "last.ckpt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(AvlabError, match="damaged"):
        trained(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_a_checkpoint_of_this_run_that_lacks_its_weights_is_damaged_too(tmp_path):
    trained(tmp_path, epochs=1)
    kept = torch.load(tmp_path / "last.ckpt", weights_only=True)
    for model in ({}, {**kept["model"], "head.bias": torch.zeros(2)}, None):
        torch.save({**kept, "model": model}, tmp_path / "last.ckpt")
        with pytest.raises(AvlabError, match="damaged"):
            trained(tmp_path, epochs=1)


# ------------------------------------------------------------------------------------------------ scores and weights


def test_scores_come_in_order_do_not_depend_on_the_batch_and_leave_the_model_as_it_was(whole):
    model, clips = whole[0], data(rows(range(100, 103)))
    model.train()
    model.body[1].eval()
    one, many = predict(model, clips, 1), predict(model, clips, 7, parts=["double"])
    assert model.training and model.body[3].training and not model.body[1].training
    model.eval()
    assert np.allclose(one["logit"], many["logit"], atol=1e-6) and np.allclose(many["double"], 2 * many["embedding"])
    assert many["clip_id"].tolist() == [row.clip_id for row in clips.rows] and many["label"].tolist() == [0, 1] * 12
    assert many["embedding"].shape == (24, 16) and many["person"].tolist() == [0] * 8 + [1] * 8 + [2] * 8


@pytest.fixture
def a_paper(monkeypatch):
    """The toy in the place of a paper's file."""
    import types

    import toy_detector

    from avlab import detectors
    module = types.ModuleType("toy_detector")
    module.SIZES, module.Toy, module.build = {"small": {}, "paper": {"width": 32}}, toy_detector.Toy, None
    module.build = lambda size, **config: toy_detector.Toy(**(module.SIZES[size] | config))
    monkeypatch.setattr(detectors, "module_of", lambda name: module)
    return detectors


def test_weights_are_kept_with_how_the_model_was_built(a_paper, tmp_path):
    model = a_paper.build("xavdt", "small", width=5)
    training.save(model, tmp_path / "toy.safetensors", about={"seed": 3, "trained_on": "SynthTalk"})
    before = torch.random.get_rng_state()
    again = training.load(tmp_path / "toy.safetensors")
    assert same_weights(model, again) and again.built_as == {"name": "xavdt", "size": "small", "config": {"width": 5}} and not again.training
    assert again.about == {"seed": 3, "trained_on": "SynthTalk"} and torch.equal(before, torch.random.get_rng_state())


def test_files_that_are_no_detectors_are_refused(a_paper, tmp_path):
    from safetensors.torch import save_file

    model = a_paper.build("xavdt", "small")
    path = tmp_path / "x.safetensors"
    with pytest.raises(AvlabError, match="build"):
        training.save(toy(), path)
    header = {"format": 1, "name": "xavdt", "size": "small", "config": {}}
    wrong = [json.dumps(header | {"config": config}) for config in ({"widht": 1}, {"width": 9}, 3)]
    for said in (None, *({"avlab": text} for text in ("no json", *wrong))):
        save_file(model.state_dict(), path, said)
        with pytest.raises(AvlabError, match="written by avlab"):
            training.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(AvlabError, match="written by avlab"):
        training.load(path)
    with pytest.raises(AvlabError):
        training.load(tmp_path / "missing")


def test_build_refuses_names_sizes_and_options_that_do_not_exist(a_paper):
    with pytest.raises(AvlabError, match="widht.*width"):
        a_paper.build("xavdt", "small", widht=3)
    with pytest.raises(AvlabError, match="small, paper"):
        a_paper.build("xavdt", "large")
    for width in (-1, "wide", None, [3]):  # torch refuses each in another way
        with pytest.raises(AvlabError, match="xavdt cannot be built with these options.*width"):
            a_paper.build("xavdt", "small", width=width)


def test_an_unknown_detector_is_refused():
    from avlab.detectors import module_of
    with pytest.raises(AvlabError, match="xavdt, msct, amdd, mmmsba"):
        module_of("xception")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_resumed_run_is_equal_too(tmp_path):
    one, _ = trained(device="cuda")
    trained(tmp_path, epochs=2, device="cuda")
    two, state = trained(tmp_path, device="cuda")
    assert state.resumed == 2 and same_weights(one, two) and next(two.parameters()).device.type == "cpu"
