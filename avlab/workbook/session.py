"""The object `nb` of every notebook: typed parameters, one device, seeds, and the places where results are noted.

Works the same under papermill, in JupyterLab, in the runner, and when the source is run as a plain script.
"""

import ast
import math
import os
import random
import sys

from avlab import course
from avlab.errors import AvlabError
from avlab.workbook import evidence, params


def start(nb_id: str, namespace: dict) -> "Session":
    """Begin a notebook: read its parameters from `namespace` (globals()), check them again, seed, choose the device, print one line.

    Raises AvlabError for a missing, unknown or unfit parameter, also for one that plain papermill injected with a warning only.
    """
    module = course.load(nb_id)
    missing = [name for name in module.Params.model_fields if name not in namespace]
    if missing:
        raise AvlabError("The parameters cell must run before the setup cell", got=f"no {', '.join(missing)}")
    values = {name: namespace[name] for name in module.Params.model_fields}
    stray = injected(namespace.get("In", [])) - set(values)
    p = params.validate(module.Params, values | {name: namespace.get(name) for name in stray})
    seed_everything(p.seed)
    device, versions = choose_device(p.device, p.seed) if getattr(module, "TORCH", True) else ("cpu", {})
    nb = Session(nb_id, module, p, device, versions)
    nb.introduce()
    return nb


def injected(cells: list[str]) -> set[str]:
    """Names that papermill's injected cell assigns; papermill only warns about a name that no parameter has."""
    sources = [source for source in cells if source.startswith("# Parameters\n")]
    nodes = [node for source in sources for node in ast.parse(source).body]
    return {target.id for node in nodes if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}


def seed_everything(seed: int) -> None:
    """Seed Python's and numpy's generators (torch's is seeded with the device)."""
    import numpy as np
    random.seed(seed)
    np.random.seed(seed)


def choose_device(wish: str, seed: int) -> tuple[str, dict]:
    """The device of the whole notebook, torch seeded and deterministic on it, and the versions that matter. Raises AvlabError."""
    import torch
    there = torch.cuda.is_available()
    if wish == "cuda" and not there:
        raise AvlabError("device=cuda needs a GPU that torch can see", todo="pass device=auto or device=cpu; `avlab doctor` says what is missing")
    device = "cuda" if there and wish in ("auto", "cuda") else "cpu"
    torch.manual_seed(seed)  # seeds the GPUs as well
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # a few CUDA kernels have no deterministic form: there a warning is more use than a refusal
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    versions = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    if device == "cuda":
        versions |= {"gpu": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    return device, versions


class Session:
    """One run of one notebook; `nb.p`, `nb.device`, `nb.seed`, and `record`, `claim`, `show`, `finish`."""

    def __init__(self, nb_id, module, p, device, versions):
        self.id, self.module, self.p, self.device, self.seed = nb_id, module, p, device, p.seed
        self.profile = params.profile_of(module, p)
        self.versions = versions
        self.noted = {}  # metric or claim name -> the cell that noted it

    def introduce(self) -> None:
        """Print the line that says what this run is: notebook, profile, device, threads, versions, seed."""
        import numpy as np
        versions = {"python": sys.version.split()[0], "numpy": np.__version__} | self.versions
        head = f"{self.id} {self.module.TITLE} | profile {self.profile} | device {self.device} | seed {self.seed}"
        line = " | ".join([head, ", ".join(f"{k} {v}" for k, v in versions.items())])
        if self.p.mutant != "none":
            line += f" | MUTANT {self.p.mutant}: results are wrong on purpose"
        display(evidence.SESSION, {"notebook": self.id, "title": self.module.TITLE, "profile": self.profile, "device": self.device, "seed": self.seed,
                                   "parameters": params.as_json(self.p), "versions": versions}, line)

    def record(self, name: str, value, unit: str = "") -> float:
        """Note a metric that METRICS declares: one finite number, once. Returns it as a plain number. Raises AvlabError."""
        metric = course.metric_of(self.module, name)
        if unit and metric.unit and unit != metric.unit:
            raise AvlabError(f"{name} is declared in {metric.unit}", got=unit)
        number = finite(name, value)
        self.note(name)
        unit = unit or metric.unit
        display(evidence.METRIC, {"name": name, "value": number, "unit": unit, "class": metric.kind, "direction": metric.direction},
                f"{name} = {number:.6g}{' ' + unit if unit else ''}")
        return number

    def claim(self, claim_id: str, parts: dict, controls: dict | None = None) -> None:
        """Note evidence for a row of the claims ledger.

        parts      {name: (estimate, draws)}: an effect and its bootstrap draws, at least 100 finite numbers
        controls   {name: (value, lo, hi)}: a control and the null band it must stay in
        """
        import numpy as np
        kept = {}
        for name, (estimate, draws) in parts.items():
            draws = np.asarray(draws, dtype=float).reshape(-1)
            if draws.size < 100 or not np.isfinite(draws).all():
                raise AvlabError(f"Claim {claim_id}, part {name}: at least 100 finite bootstrap draws are needed", got=f"{draws.size} draws")
            kept[name] = {"estimate": finite(name, estimate), "draws": [float(f"{d:.6g}") for d in draws]}
        if not kept:
            raise AvlabError(f"Claim {claim_id} needs at least one part")
        bands = {name: dict(zip(("value", "lo", "hi"), (finite(name, x) for x in band), strict=True)) for name, band in (controls or {}).items()}
        self.note(f"claim {claim_id}")
        said = "; ".join(f"{name} {part['estimate']:.3g}" for name, part in kept.items())
        display(evidence.CLAIM, {"id": claim_id, "parts": kept, "controls": bands}, f"evidence for {claim_id}: {said}")

    def note(self, name: str) -> None:
        """Refuse a name that another cell, or this cell in the same run, has noted; running a cell again in JupyterLab is fine."""
        here = where()
        before = self.noted.get(name)
        if before is not None and (before[0] != here[0] or before == here):
            raise AvlabError(f"{name} is recorded once", todo="give the second value its own name")
        self.noted[name] = here

    def show(self, fig, *, alt: str, caption: str = "") -> None:
        """Show a figure or explorer with its alt text (the finding in words); avlab.show refuses a missing or lazy one."""
        from avlab.show import show
        show(fig, alt=alt, caption=caption)

    def finish(self) -> None:
        """The last cell: check that every declared metric was recorded, and leave the sign that the notebook reached its end. Raises AvlabError."""
        missing = [pattern for pattern in self.module.METRICS if not any(course.matches(pattern, name) for name in self.noted)]
        if missing:
            raise AvlabError("Every metric of METRICS is recorded before nb.finish()", got=f"no {', '.join(missing)}")
        count = sum(not name.startswith("claim ") for name in self.noted)
        display(evidence.FINISH, {"notebook": self.id, "metrics": count, "gpu_peak_mb": gpu_peak_mb(self.device)}, f"finished, {count} metrics recorded")


def finite(name: str, value) -> float | int:
    """A plain finite number from a number, a numpy scalar or a tensor of one element. Raises AvlabError."""
    value = value.item() if hasattr(value, "item") else value
    value = int(value) if isinstance(value, bool) else value
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise AvlabError(f"{name} must be one finite number", got=value)
    return value


def gpu_peak_mb(device: str) -> float | None:
    """Most GPU memory that torch held in this process, or None without a GPU."""
    if device != "cuda":
        return None
    import torch
    return round(torch.cuda.max_memory_allocated() / 2**20, 1)


def shell():
    """The running IPython, or None in a plain script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def where() -> tuple:
    """(cell, execution) that is running now; a plain script is one cell."""
    ip = shell()
    if ip is None:
        return ("script", 0)
    parent = ip.get_parent() if hasattr(ip, "get_parent") else {}
    return (parent.get("metadata", {}).get("cellId") or ip.user_ns.get("In", [""])[-1], ip.execution_count)


def display(mime: str, payload: dict, text: str) -> None:
    """Show a line of text and keep the payload beside it in the notebook; print it in a plain script."""
    if shell() is None:
        print(text)
        return
    from IPython.display import display as show
    show({mime: payload, "text/plain": text}, raw=True)
