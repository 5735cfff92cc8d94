"""`avlab bench`: what the instrument costs, beside a plain implementation and beside the bare network calls, which are the limit.

Times are taken in turns within one process, so that a noisy machine hurts all alike; read the ratios. Peak memory is taken in a process of
its own for each variant, above what the loaded networks need. A benchmark, not a test: nothing is asserted.
"""

import json
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import torch

from avlab import metrics
from avlab.clips import load_clip, manifest
from avlab.synthtalk.forgers import VIDEO_FORGERS

from . import bundled, plain
from .ddim import Schedule, ddim_invert, ddim_sample
from .diffusion_probe import PSI_T, DiffusionProbe
from .multistep import multistep_invert, multistep_sample

CLIPS = 4
VARIANTS = ("bare psi", "psi", "bare phi + psi", "phi + psi", "plain phi + psi", "plain phi + psi, maps kept")


def sample_rows(n, **wanted):
    """n test rows of one chunk that fit: first one of every person, then their second ones, because clips of one person are no two witnesses."""
    seen, ranked = {}, []
    for row in manifest.load("synthtalk").select(split="test", **wanted):
        if round(row.duration_s * 25) == bundled.CLIP_FRAMES:
            seen[row.identity] = seen.get(row.identity, 0) + 1
            ranked.append((seen[row.identity], row))
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])][:n]


def sample_clips(n, **wanted):
    """Frames (n, 16, 64, 64, 3) and sound (n, 10240) of `sample_rows`."""
    clips = [load_clip(row) for row in sample_rows(n, **wanted)]
    return torch.from_numpy(np.stack([c.frames for c in clips])), torch.from_numpy(np.stack([c.audio for c in clips]))


@torch.no_grad()
def bare(probe, frames, audio, calls):
    """Only the network and autoencoder calls that a measurement cannot do without: no scheduler, no capture, no arithmetic."""
    z, tokens = probe.encode(frames), probe.tokens(audio)
    for _ in range(calls):
        bundled.predict_v(probe.unet, z, PSI_T, z[:, :, 0], tokens)
    if calls > 1:
        probe.decode(z), probe.decode(z)


def run_variant(name, probe, frames, audio):
    """Run one variant over all clips: ours and the bare calls as one batch, the plain one clip by clip."""
    steps = probe.schedule.steps
    if name.startswith("bare"):
        bare(probe, frames, audio, 1 if name == "bare psi" else 2 * steps)
    elif name.startswith("plain"):
        before, kept = probe.unet.attn_processors, [] if name.endswith("kept") else None
        probe.unet.set_attn_processor(plain.KeepEveryMap(kept))
        try:
            for picture, sound in zip(frames.split(1), audio.split(1), strict=True):
                plain.round_trip(probe.vae, probe.unet, picture.to(probe.device), probe.tokens(sound), steps=steps, kept=kept)
                if kept is not None:
                    kept.clear()  # a clip's maps are read before the next clip starts
        finally:
            probe.unet.set_attn_processor(before)
    else:
        probe.measure(frames, audio, phi=name != "psi")
    if probe.device != "cpu":
        torch.cuda.synchronize()


def times(probe, frames, audio, rounds, say):
    """Median seconds a clip of every variant, taken in turns; the one that keeps its maps is measured for memory only."""
    seconds = {name: [] for name in VARIANTS[:-1]}
    bare(probe, frames, audio, 2)  # warm up
    for number in range(rounds):
        for name, taken in seconds.items():
            started = time.perf_counter()
            run_variant(name, probe, frames, audio)
            taken.append((time.perf_counter() - started) / len(frames))
        say(f"round {number + 1}/{rounds}: " + ", ".join(f"{name} {taken[-1]:.2f} s" for name, taken in seconds.items()))
    return {name: median(taken) for name, taken in seconds.items()}


def peak_megabytes(name, device, clips):
    """Peak memory of one variant above the loaded networks, in a process of its own (resident set, or the GPU's allocator)."""
    done = subprocess.run([sys.executable, "-m", "avlab.probe.bench", name, device, str(clips)], capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def _measure_peak(name, device, clips):
    """Body of that process: the highest resident memory during the variant, above what is resident after loading and one small call."""
    probe = DiffusionProbe.bundled(device)
    frames, audio = sample_clips(clips)
    bare(probe, frames[:1], audio[:1], 1)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run_variant(name, probe, frames, audio)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with Highest() as resident:
        run_variant(name, probe, frames, audio)
    return resident.megabytes


def _own_bytes():
    memory = psutil.Process().memory_info()
    return memory.rss - getattr(memory, "shared", 0)


class Highest:
    """Watch this process's resident memory every 2 ms; `megabytes` is the highest reading above the first.

    The kernel's own peak (ru_maxrss) cannot be used: it never falls, and loading the libraries has passed what a small variant needs.
    Pages of files are left out where the system tells them apart: it takes them back when it likes.

    read   () -> bytes, instead of this process's memory
    """

    def __init__(self, read=None):
        self.read = read or _own_bytes

    def __enter__(self):
        self.done = threading.Event()
        self.first = self.top = self.read()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def _watch(self):
        while not self.done.wait(0.002):
            self.top = max(self.top, self.read())

    def __exit__(self, *error):
        self.done.set()
        self.thread.join()
        self.top = max(self.top, self.read())
        self.megabytes = (self.top - self.first) / 2**20


def solvers():
    """name -> (schedule, invert, sample, network calls): the choices a reader has."""
    first = {f"DDIM, {n} steps": (Schedule.ddim(steps=n), ddim_invert, ddim_sample, 2 * n) for n in (10, 20, 40)}
    second = {f"second order, {n} steps": (Schedule.ddim(steps=n, spacing="angle"), multistep_invert, multistep_sample, 2 * n + 2) for n in (10, 20)}
    return first | second


@torch.no_grad()
def quality(probe, clips, say):
    """Residual and read-out against the number of calls: mean residual in grey levels, latent round trip, AUROC of -log residual.

    `clips` fakes of each picture forger against three times as many reals, test split; the interval resamples people.
    """
    rows = []
    for forger, n in (("real", 3 * clips), *((name, clips) for name in VIDEO_FORGERS)):
        rows += sample_rows(n, forger=forger)
    loaded = [load_clip(row) for row in rows]
    label, people = np.array([row.label for row in rows]), np.array([row.identity for row in rows])
    table = {}
    for name, (schedule, invert, sample, calls) in solvers().items():
        residual, trip = [], []
        for first in range(0, len(loaded), 4):
            part = loaded[first : first + 4]
            frames = torch.from_numpy(np.stack([c.frames for c in part]))
            z0 = probe.encode(frames)
            denoise = probe.denoiser(z0[:, :, 0], probe.tokens(np.stack([c.audio for c in part])))
            back = sample(denoise, invert(denoise, z0, schedule), schedule)
            difference = (frames.to(z0.device).float() / 255 - probe.decode(back)).abs().mean((1, 2, 3, 4))
            residual += (255 * difference).tolist()
            trip += ((back - z0).flatten(1).norm(dim=1) / z0.flatten(1).norm(dim=1)).tolist()
        score = -np.log(residual)
        area = metrics.bootstrap_ci(metrics.auroc, score, label, groups=people, n=1000, seed=0)
        table[name] = {"calls": calls, "residual": float(np.mean(residual)), "round_trip": float(np.mean(trip)),
                       "auroc": area.value, "auroc_low": area.lo, "auroc_high": area.hi, "clips": len(rows)}
        say(f"{name}: {table[name]}")
    return table


def markdown(figures):
    """The figures as tables for docs/benchmarks.md."""
    lines = [f"## {figures['device']}, torch {figures['torch']}", "", "| variant | clips a minute | peak MB, one clip |", "|---|---|---|"]
    for name, peak in figures["peak_mb"].items():
        speed = figures["clips_per_minute"].get(name)
        lines.append(f"| {name} | {f'{speed:.1f}' if speed else 'not timed'} | {peak['one clip']:.0f} |")
    lines += ["", "| ratio, measured in one run | value |", "|---|---|", *(f"| {name} | {value:.2f} |" for name, value in figures["ratios"].items())]
    if figures["quality"]:
        lines += ["", "| solver | network calls | residual (grey levels) | latent round trip | AUROC of -log residual |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {q['calls']} | {q['residual']:.1f} | {q['round_trip']:.3f} | {q['auroc']:.2f} [{q['auroc_low']:.2f}, {q['auroc_high']:.2f}] |"
                  for name, q in figures["quality"].items()]
    return "\n".join(lines)


def main(out=None, *, device=None, rounds=3, quality_clips=6, say=print):
    """Run the benchmark, print its tables, and write them as JSON if `out` is given. Returns the figures as a dict."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    probe = DiffusionProbe.bundled(device)
    name = torch.cuda.get_device_name() if device == "cuda" else f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"
    say(f"device {device} ({name}), torch {torch.__version__}, {CLIPS} clips of 16 frames, {probe.schedule.steps} steps")
    frames, audio = sample_clips(CLIPS)
    seconds = times(probe, frames, audio, rounds, say)
    memory = {variant: {"one clip": peak_megabytes(variant, device, 1)} for variant in VARIANTS}
    memory["phi + psi"]["four clips"] = peak_megabytes("phi + psi", device, CLIPS)
    figures = {
        "device": name, "torch": torch.__version__, "clips_per_minute": {k: 60 / v for k, v in seconds.items()}, "peak_mb": memory,
        "ratios": {
            "phi + psi over bare calls": seconds["phi + psi"] / seconds["bare phi + psi"], "psi over bare call": seconds["psi"] / seconds["bare psi"],
            "plain over phi + psi": seconds["plain phi + psi"] / seconds["phi + psi"], "phi + psi over psi": seconds["phi + psi"] / seconds["psi"],
            "memory, phi + psi over plain": memory["phi + psi"]["one clip"] / memory["plain phi + psi"]["one clip"],
            "memory, phi + psi over plain with maps kept": memory["phi + psi"]["one clip"] / memory["plain phi + psi, maps kept"]["one clip"],
        },
    }
    figures["quality"] = quality(probe, quality_clips, say) if quality_clips else {}
    say(markdown(figures))
    if out:
        Path(out).write_text(json.dumps(figures, indent=1) + "\n")
    return figures


if __name__ == "__main__":
    print(_measure_peak(sys.argv[1], sys.argv[2], int(sys.argv[3])))
