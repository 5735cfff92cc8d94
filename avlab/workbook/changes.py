"""What changed since the last run: a report leaves a short memory of itself beside its pages, and the next one in that folder reads it."""

import json

from avlab.errors import AvlabError

MEMORY, KEPT = "history.json", 20  # file beside the pages; so many reports are remembered
SLOWER, LARGER = (1.25, 5.0), (1.25, 100.0)  # a cost changed when it did by this factor and by so many seconds or megabytes
NAMED = 5  # metrics that are named one by one


def snapshot(records, judged) -> dict:
    """What is compared of a report: {"notebooks": {"00" or "00 seed 1": profile, status, cost, metrics}, "verdicts": {id: verdict}}."""
    def name(record):
        seed = record["parameters"].get("seed", 0)
        return f"{record['notebook']} seed {seed}" if seed else record["notebook"]
    made = {name(r): {"profile": r["profile"], "status": r["status"], "seconds": round(r["seconds"], 1), "peak_rss_mb": round(r["peak_rss_mb"]),
                      "metrics": {k: m["value"] for k, m in r["metrics"].items()}} for r in records}
    return {"notebooks": made, "verdicts": {j.id: j.verdict for j in judged}}


def remember(path, now) -> dict | None:
    """Return the last remembered report that differs from this one, None for the first, and remember this one.

    Writing the pages of the same runs again changes nothing, neither in the memory nor in what is compared.  Raises AvlabError for a file of another kind.
    """
    kept = _read(path)
    if not kept or kept[-1] != now:
        kept = [*kept, now][-KEPT:]
        path.write_text(json.dumps(kept, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
    return next((one for one in reversed(kept[:-1]) if one != now), None)


def _read(path) -> list:
    if not path.exists():
        return []
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        whole = isinstance(kept, list) and all({"notebooks", "verdicts"} <= set(one) for one in kept)
    except (ValueError, TypeError):
        whole = False
    if not whole:
        raise AvlabError("The memory of earlier reports is a file of `avlab run`", got=str(path), todo="Delete it, and the next report is the first")
    return kept


def sentences(before, now) -> list[str]:
    """What differs between two snapshots, the gravest first; empty when nothing does."""
    old, new = before["notebooks"], now["notebooks"]
    verdicts = [f"{k}: “{before['verdicts'][k]}” became “{v}”" for k, v in now["verdicts"].items() if before["verdicts"].get(k, v) != v]
    both = [k for k in new if k in old]
    status = [f"{k}: {old[k]['status']} became {new[k]['status']}" for k in both if old[k]["status"] != new[k]["status"]]
    said = status + verdicts + [line for k in both for line in _numbers(k, old[k], new[k])] + [line for k in both for line in _cost(k, old[k], new[k])]
    said += [f"{k}: new in this report" for k in new if k not in old] + [f"{k}: was in the last report, is not in this one" for k in old if k not in new]
    return said


def _numbers(name, old, new) -> list[str]:
    """One line about the metrics of a notebook that moved, the largest relative change first."""
    if old["profile"] != new["profile"]:
        return [f"{name}: profile {old['profile']} became {new['profile']}, so its numbers are not compared"]
    a, b = old["metrics"], new["metrics"]
    moved = sorted((k for k in b if k in a and a[k] != b[k]), key=lambda k: (-abs(b[k] - a[k]) / max(abs(a[k]), abs(b[k])), k))
    other = [f"{len(lost)} metric{'s' * (len(lost) != 1)} {word}: {', '.join(lost[:NAMED])}" for word, lost in
             (("new", [k for k in b if k not in a]), ("gone", [k for k in a if k not in b])) if lost]
    if moved:
        shown = ", ".join(f"{k} {a[k]:.4g} → {b[k]:.4g}" for k in moved[:NAMED])
        more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
        other.insert(0, f"{len(moved)} of {len(b)} numbers moved: {shown}{more}")
    return [f"{name}: {line}" for line in other]


def _cost(name, old, new) -> list[str]:
    """Lines about time and memory that differ by more than noise."""
    if old["profile"] != new["profile"]:
        return []
    out = []
    for key, unit, (factor, least) in (("seconds", "s", SLOWER), ("peak_rss_mb", "MB", LARGER)):
        low, high = sorted((old[key], new[key]))
        if high - low > least and high > factor * low:
            out.append(f"{name}: {old[key]:.0f} {unit} became {new[key]:.0f} {unit}")
    return out
