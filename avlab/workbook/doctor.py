"""What this machine can run, and what is missing for the rest."""

import hashlib
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"
CODECS = {"h264": "most films", "hevc": "HEVC films", "vp9": "webm", "av1": "newer webm and mp4", "aac": "sound of most films", "opus": "sound of webm"}


@dataclass(frozen=True)
class Finding:
    """One thing looked at: state is "ok", "missing" or "note"; `needed` means that the smoke profile fails without it."""

    what: str
    state: str
    said: str
    needed: bool = False


def examine() -> list[Finding]:
    """Look at everything once; a check that itself fails is a finding, not a crash."""
    findings = []
    for check in (python, packages, torch_and_gpu, memory_and_disk, codecs, chromium, weights):
        try:
            findings += check()
        except Exception as error:  # a doctor that dies of one symptom helps nobody
            findings.append(Finding(check.__name__.replace("_", " "), "missing", f"{type(error).__name__}: {error}", True))
    return findings


def text(findings: list[Finding]) -> str:
    """The findings as lines, and a last line that says what can be run."""
    lines = [f"{finding.state:<8} {finding.what:<16} {finding.said}" for finding in findings]
    blocked = [finding.what for finding in findings if finding.state == "missing" and finding.needed]
    gpu = any(finding.what == "gpu" and finding.state == "ok" for finding in findings)
    last = f"cannot run the notebooks: {', '.join(blocked)}" if blocked else f"can run: smoke, full{', gpu' if gpu else ' (gpu profile: no GPU)'}"
    return "\n".join([*lines, last])


def python() -> list[Finding]:
    """Python 3.11 or 3.12."""
    good = (3, 11) <= sys.version_info[:2] <= (3, 12)
    return [Finding("python", "ok" if good else "missing", f"{platform.python_version()} (3.11 and 3.12 are supported)", True)]


def packages() -> list[Finding]:
    """Every requirement of the installed distribution, present and in range."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement
    try:
        wanted = [Requirement(line) for line in requires("avlab") or []]
    except PackageNotFoundError:
        return [Finding("packages", "note", "avlab runs from its folder and is not installed, so its requirements were not checked")]
    wrong = []
    for need in (need for need in wanted if need.marker is None or need.marker.evaluate()):
        try:
            found = version(need.name)
        except PackageNotFoundError:
            found = None
        if found is None or not need.specifier.contains(found, prereleases=True):
            wrong.append(f"{need.name} {found or 'missing'} (wants {need.specifier})")
    return [Finding("packages", "missing" if wrong else "ok", "; ".join(wrong) or f"{len(wanted)} requirements met", True)]


def torch_and_gpu() -> list[Finding]:
    """torch, its threads, and the GPU it sees."""
    import torch
    found = [Finding("torch", "ok", f"{torch.__version__}, {torch.get_num_threads()} threads of {os.cpu_count()} cores", True)]
    if not torch.cuda.is_available():
        why = "torch is a CPU build" if torch.version.cuda is None else "torch sees no device: driver missing, or hidden by CUDA_VISIBLE_DEVICES"
        return [*found, Finding("gpu", "note", f"none ({why}); smoke and full need none")]
    free, total = torch.cuda.mem_get_info()
    return [*found, Finding("gpu", "ok", f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, {free / 2**30:.0f} of {total / 2**30:.0f} GB free")]


def memory_and_disk() -> list[Finding]:
    """Free memory (a notebook takes 1 to 2 GB) and free disk where the command runs."""
    import psutil
    free, disk = psutil.virtual_memory().available / 2**30, shutil.disk_usage(Path.cwd()).free / 2**30
    return [Finding("memory", "ok" if free >= 3 else "note", f"{free:.1f} GB free" + ("" if free >= 3 else "; 3 GB are advisable")),
            Finding("disk", "ok" if disk >= 2 else "note", f"{disk:.0f} GB free here" + ("" if disk >= 2 else "; a report takes up to 1 GB"))]


def codecs() -> list[Finding]:
    """Decoders inside PyAV, and the encoder that writes rendered clips."""
    import av
    there = av.codecs_available
    lacking = [f"{name} ({use})" for name, use in CODECS.items() if name not in there]
    said = f"cannot read {', '.join(lacking)}" if lacking else ", ".join(CODECS)
    found = [Finding("film decoders", "note" if lacking else "ok", f"PyAV {av.__version__}: {said}")]
    try:
        av.CodecContext.create("libx264", "w")
    except Exception:
        return [*found, Finding("film encoder", "note", "no libx264 in PyAV: rendered clips cannot be written as mp4")]
    return [*found, Finding("film encoder", "ok", "libx264")]


def chromium() -> list[Finding]:
    """A browser for the browser tests; nothing else needs one."""
    path = os.environ.get("AVLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    return [Finding("chromium", "ok" if path else "note", path or "none: the browser tests skip; reports and notebooks do not need it")]


def weights(folder: Path = WEIGHTS) -> list[Finding]:
    """Every bundled weight file beside its card, with the sha256 that the card names."""
    cards = sorted(folder.glob("*.json"))
    if not cards:
        return [Finding("weights", "missing", "no weight card in the package", True)]
    return [of_card(card) for card in cards]


def of_card(card: Path) -> Finding:
    """One weight file against its card."""
    file, told = card.with_suffix(".safetensors"), json.loads(card.read_text(encoding="utf-8")).get("sha256", "")
    if not file.exists():
        return Finding("weights", "missing", f"{file.name} is not there (see its card, {card.name})", True)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    good = found == told
    return Finding("weights", "ok" if good else "missing", f"{file.name} {'equals' if good else 'differs from'} the sha256 of its card", True)
