"""Goldens: what a notebook measured when somebody looked at it and agreed, per profile, and the rule by which a new run agrees with it.

    |value - golden| <= atol + rtol * |golden|        no global defaults: each metric brings its own class and tolerance

A band that would also accept 0 or chance accepts a broken run, so it is no check: the writer records such a metric only (class R,
and says so), and a golden file that holds one all the same is refused.
"""

import json
import math
from pathlib import Path
from statistics import fmean, stdev

from avlab import course
from avlab.errors import AvlabError

GPU_RTOL = 1e-2  # other summation orders and kernels than on a CPU


def path_of(notebook: Path, profile: str) -> Path:
    """Where the golden of a notebook and profile lies: goldens/NN.profile.json beside the notebook."""
    return Path(notebook).parent / "goldens" / f"{Path(notebook).stem.split('_')[0]}.{profile}.json"


def load(path: Path, module) -> dict | None:
    """A golden file, or None where there is none. Raises AvlabError for one that is unreadable or would accept a broken run."""
    if not Path(path).exists():
        return None
    try:
        golden = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise AvlabError("A golden is a JSON file", got=f"{path}: {error}") from None
    for name, entry in golden["metrics"].items():
        if not any(course.matches(pattern, name) for pattern in module.METRICS):
            continue  # left over from an older notebook: `judge` says so, and a new golden must remain possible
        if entry["class"] in ("N", "B") and vacuous(entry, course.metric_of(module, name)):
            raise AvlabError(f"{path}: the tolerance of {name} accepts a run that measured nothing", todo="narrow it, or record it only (class R)")
    return golden


def width(entry: dict) -> float:
    """Half-width of the accepted band."""
    return entry.get("atol", 0.0) + entry.get("rtol", 0.0) * abs(entry["value"])


def vacuous(entry: dict, metric) -> bool:
    """True where the band holds 0 or the chance level although the value is neither; a metric that should be near chance is exempt."""
    if metric.direction == "0":
        return False
    return any(abs(entry["value"] - level) <= width(entry) and entry["value"] != level for level in {0.0, metric.chance})


def judge(metrics: dict, module, golden: dict | None, *, digest: str, device: str, seed: int) -> dict:
    """Compare recorded metrics with the course module and, where one applies, with the golden.

    metrics   {name: {"value": ...}} of one run
    returns   {"problems": [{"metric", "message"}], "checked": names checked, "compared": what they were compared with}
    Invariants and exact values of METRICS are checked in every run. Missing and extra metrics and class N, B, E values need a golden
    of the same parameters; B also one of its seeds, N its first seed, and N and B the same kind of device.
    """
    problems, checked = [], []
    for name, noted in metrics.items():
        said = broken_rule(course.metric_of(module, name), noted["value"])
        if said is not None:
            checked.append(name)
        if said:
            problems.append({"metric": name, "message": said})
    if golden is None or golden["parameters_sha256"] != digest:
        why = "no golden of this profile yet" if golden is None else "the golden is of other parameters"
        return {"problems": problems, "checked": checked, "compared": f"invariants only: {why}"}
    known = golden["metrics"]
    problems += [{"metric": name, "message": "in the golden, not recorded"} for name in known if name not in metrics]
    problems += [{"metric": name, "message": "recorded, not in the golden"} for name in metrics if name not in known]
    same_device = golden["device"] == device
    for name in known.keys() & metrics.keys():
        kind = known[name]["class"]
        applies = {"E": True, "N": same_device and seed == golden["seeds"][0], "B": same_device and seed in golden["seeds"]}.get(kind, False)
        if applies:
            checked.append(name)
            if said := drift(known[name], metrics[name]["value"]):
                problems.append({"metric": name, "message": said})
    compared = "golden" if same_device and seed in golden["seeds"] else f"golden of {golden['device']}, seeds {golden['seeds']}: only what holds everywhere"
    problems = list({p["metric"]: p for p in problems}.values())
    return {"problems": sorted(problems, key=lambda p: p["metric"]), "checked": sorted(set(checked)), "compared": compared}


def broken_rule(metric, value) -> str | None:
    """What a value breaks of its declaration in words, "" when it keeps it, None when the declaration alone says nothing."""
    if metric.kind == "I":
        lo, hi = (math.copysign(math.inf, sign) if bound is None else bound for sign, bound in zip((-1, 1), metric.tolerance, strict=True))
        return "" if lo <= value <= hi else f"{value:.6g} is outside its invariant [{lo:g}, {hi:g}]"
    if metric.kind == "E" and metric.tolerance is not None:
        return "" if value == metric.tolerance else f"{value!r} is not exactly {metric.tolerance!r}"
    return None


def drift(entry: dict, value) -> str:
    """How a value has left its golden in words, or nothing."""
    golden = entry["value"]
    if entry["class"] == "E":
        return "" if value == golden else f"{value!r} is not exactly {golden!r}"
    if abs(value - golden) <= width(entry):
        return ""
    moved = "higher" if value > golden else "lower"
    better = {"up": "higher", "down": "lower"}.get(entry["direction"])
    verdict = "" if better is None else " (better)" if moved == better else " (worse)"
    return f"{value:.6g} is {moved}{verdict} than {golden:.6g} +- {width(entry):.3g}"


def propose(runs: list[dict], module, reason: str) -> dict:
    """A golden from one or more passed runs of the same notebook, profile and parameters, seeds differing. Raises AvlabError."""
    if len(reason.split()) < 3:
        raise AvlabError("A golden is written with a reason in words: what changed and why the new values are right", got=reason)
    bad = [run for run in runs if run["status"] not in ("passed", "metric-drift")]
    if not runs or bad:
        raise AvlabError("A golden comes from runs that reached their end", got=bad[0]["status"] if bad else "no runs")
    same = ("notebook", "profile", "golden_sha256", "device")
    if len({tuple(run[key] for key in same) for run in runs}) > 1:
        raise AvlabError(f"The runs of one golden agree in {', '.join(same)}")
    if any(run["parameters"]["mutant"] != "none" for run in runs):
        raise AvlabError("A mutant is wrong on purpose and makes no golden")
    runs = sorted(runs, key=lambda run: run["parameters"]["seed"])
    names = [set(run["metrics"]) for run in runs]
    if any(n != names[0] for n in names):
        raise AvlabError("The runs of one golden record the same metrics", got=sorted(set.union(*names) - set.intersection(*names)))
    first = runs[0]
    entries = {name: entry(name, [run["metrics"][name]["value"] for run in runs], course.metric_of(module, name), first["device"]) for name in sorted(names[0])}
    return {"notebook": first["notebook"], "profile": first["profile"], "parameters": first["parameters"], "parameters_sha256": first["golden_sha256"],
            "device": first["device"], "versions": first["versions"], "seeds": [run["parameters"]["seed"] for run in runs], "reason": reason,
            "measured": {"seconds": max(run["seconds"] for run in runs), "peak_rss_mb": max(run["peak_rss_mb"] for run in runs), "machine": first["machine"]},
            "metrics": entries}


def entry(name: str, values: list, metric, device: str) -> dict:
    """One metric of a golden, its tolerance derived as its class says; B: 4 standard deviations over seeds, at least the floor. Raises AvlabError."""
    value = values[0]
    made = {"class": metric.kind, "value": value, "direction": metric.direction, "unit": metric.unit}
    if metric.kind == "E":
        if len(set(values)) > 1:
            raise AvlabError(f"{name} is declared exact and differs between seeds", got=values)
        return made | {"derived": "exact"}
    if metric.kind == "I":
        return made | {"lo": metric.tolerance[0], "hi": metric.tolerance[1], "derived": "bounds of the course module"}
    if metric.kind == "N":
        atol, rtol = metric.tolerance if isinstance(metric.tolerance, (tuple, list)) else (0.0, metric.tolerance or 1e-4)
        made |= {"atol": atol, "rtol": max(rtol, GPU_RTOL) if device == "cuda" else rtol, "derived": f"seed of the first run, on {device}"}
    if metric.kind == "B":
        sd = stdev(values) if len(values) > 1 else 0.0
        atol = float(f"{max(4 * sd, metric.tolerance):.3g}")
        derived = f"mean of {len(values)} seeds, max(4 sd = {4 * sd:.3g}, floor {metric.tolerance:g})"
        made |= {"value": fmean(values), "atol": atol, "rtol": 0.0, "derived": derived}
    if metric.kind in ("N", "B") and vacuous(made, metric):
        return made | {"class": "R", "derived": f"recorded only: +- {width(made):.3g} would accept 0 or chance ({metric.chance:g}); {made['derived']}"}
    return made | ({} if "derived" in made else {"derived": "recorded only"})


def write(path: Path, golden: dict) -> None:
    """Write a golden file, sorted and with a final newline, so that a change reads well in a diff."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def differences(old: dict | None, new: dict) -> list[str]:
    """What a new golden changes against the old one, a line a metric."""
    before = {} if old is None else old["metrics"]
    said = [f"- {name}" for name in before if name not in new["metrics"]]
    for name, made in new["metrics"].items():
        was = before.get(name)
        if was is None:
            said.append(f"+ {name} {made['value']:.6g} +- {width(made):.3g}  ({made['class']}, {made['derived']})")
        elif (was["value"], was["class"], width(was)) != (made["value"], made["class"], width(made)):
            said.append(f"~ {name} {was['value']:.6g} -> {made['value']:.6g} +- {width(made):.3g}  ({was['class']} -> {made['class']}, {made['derived']})")
    return said
