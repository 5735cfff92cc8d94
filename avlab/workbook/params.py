"""Parameters of a notebook: read from its cell by `ast`, compared with the course module's model, validated before a kernel starts."""

import ast
import hashlib
import json
import re
import types
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from avlab.course import next_to
from avlab.errors import AvlabError

SECRET = re.compile(r"secret|password|passwd|credential|api_?key|(^|_)token$", re.IGNORECASE)
# they change how, where or from what a notebook runs, not what it should measure: a golden holds for all of them
NOT_IN_DIGEST = ("seed", "device", "store", "mutant")


def read_cell(source: str) -> dict[str, tuple[str, object]]:
    """The parameters cell as {name: (annotation, value)}; annotated literals only, nothing computed. Raises AvlabError."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        line = ast.get_source_segment(source, node)
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise AvlabError("The parameters cell holds annotated literals only, such as `steps: int = 10`", got=line)
        try:
            value = ast.literal_eval(node.value)
        except ValueError:
            raise AvlabError("The parameters cell computes nothing: a computed value would keep its old number when another is passed in",
                             got=line, todo="compute it in a later cell") from None
        if node.target.id in found:
            raise AvlabError("A parameter is set once", got=line)
        found[node.target.id] = (ast.unparse(node.annotation), value)
    return found


def plain_type(annotation) -> str:
    """The type as the parameters cell writes it: constraints dropped, Literal["a", "b"] widened to str (the cell runs before any import)."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return plain_type(args[0])
    if origin is Literal:
        return " | ".join(dict.fromkeys(type(value).__name__ for value in args))
    if origin in (Union, types.UnionType):
        return " | ".join(plain_type(arg) for arg in args)
    if origin is not None:
        return f"{origin.__name__}[{', '.join(plain_type(arg) for arg in args)}]"
    return "None" if annotation in (None, type(None)) else annotation.__name__


def compare(source: str, model) -> list[str]:
    """What differs between a parameters cell and its pydantic model, in words; empty when they agree."""
    cell, problems = read_cell(source), []
    defaults = as_json(model())
    for name in sorted(set(cell) | set(defaults)):
        if SECRET.search(name):
            problems.append(f"{name}: a parameter is saved with the notebook, so it must not be a secret")
        elif name not in cell:
            problems.append(f"{name}: missing from the parameters cell")
        elif name not in defaults:
            problems.append(f"{name}: not a field of Params")
        else:
            annotation, value = cell[name]
            wanted = plain_type(model.model_fields[name].annotation)
            if annotation != wanted:
                problems.append(f"{name}: the cell says {annotation}, Params says {wanted}")
            if value != defaults[name] or type(value) is not type(defaults[name]):
                problems.append(f"{name}: the cell says {value!r}, the default (smoke profile) is {defaults[name]!r}")
    return problems


def as_json(params) -> dict:
    """The values of a parameters model in JSON types."""
    return params.model_dump(mode="json")


def validate(model, values: dict):
    """Build the model from plain values, or say in one sentence a value what is wrong. Raises AvlabError."""
    for name in values:
        if SECRET.search(name):
            raise AvlabError("A parameter must not be a secret, it is saved in the notebook and its metadata", got=name)
        if name not in model.model_fields:
            raise AvlabError(f"There is no parameter {name}", todo=next_to(name, model.model_fields) + f"choose from {', '.join(model.model_fields)}")
    try:
        return model(**values)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})" for e in error.errors()]
        raise AvlabError("The parameters do not fit this notebook: " + "; ".join(said)) from None


def overrides(pairs: list[str], model) -> dict:
    """`name=value` words of the command line as values: JSON, except that a text parameter takes its text as it stands. Raises AvlabError."""
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise AvlabError("A parameter is passed as name=value", got=pair)
        if name in values:
            raise AvlabError("A parameter is passed once", got=pair)
        field = model.model_fields.get(name)
        values[name] = text if field is None or plain_type(field.annotation) == "str" else from_json(name, text)
    return values


def from_json(name: str, text: str):
    """One value from its JSON text; a word that is no JSON stays a word, so that the model can refuse it by name."""
    def refuse(word):
        raise AvlabError(f"{name} must be a finite number", got=word)
    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError:
        if text in ("True", "False", "None"):
            raise AvlabError(f"{name}: values are JSON", got=text, todo=f"write {dict(True_='true', False_='false', None_='null')[text + '_']}") from None
        return text


def resolve(module, profile: str, pairs: list[str] = (), **more):
    """Parameters of a run: defaults, then the profile, then `name=value` pairs, then keywords. Raises AvlabError."""
    if profile not in module.PROFILES:
        raise AvlabError(f"{module.__name__} has no profile {profile}", todo=next_to(profile, module.PROFILES) + f"choose from {', '.join(module.PROFILES)}")
    return validate(module.Params, module.PROFILES[profile] | more | overrides(list(pairs), module.Params))


def profile_of(module, params) -> str:
    """The profile whose values these are (seed, device, store and mutant aside), or "custom"."""
    for profile in module.PROFILES:
        if digest(resolve(module, profile)) == digest(params):
            return profile
    return "custom"


def digest(params) -> str:
    """sha256 of the parameters that a golden depends on (canonical JSON, first 16 hex digits)."""
    values = {name: value for name, value in as_json(params).items() if name not in NOT_IN_DIGEST}
    return sha(json.dumps(values, sort_keys=True))


def digest_all(params) -> str:
    """sha256 of all parameters (canonical JSON, first 16 hex digits): two runs with the same digest were asked the same."""
    return sha(json.dumps(as_json(params), sort_keys=True))


def sha(text: str) -> str:
    """First 16 hex digits of the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
