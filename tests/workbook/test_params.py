"""Parameters: read by ast, compared with the model, and refused in words before anything runs."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from avlab.course import CommonParams
from avlab.errors import AvlabError
from avlab.workbook import params


class Some(CommonParams):
    steps: int = Field(10, ge=4, le=100)
    kind: Literal["v", "eps"] = "v"
    ts: list[Annotated[Literal[24, 249], Field()]] = [24]
    note: str | None = None
    share: float = 0.5
    on: bool = True


CELL = '''"""Parameters."""
seed: int = 0
device: str = "auto"
manifest: str = "synthtalk"
store: str = ""
mutant: str = "none"
steps: int = 10  # of the inversion
kind: str = "v"
ts: list[int] = [24]
note: str | None = None
share: float = 0.5
on: bool = True
'''


def test_a_cell_that_agrees_has_no_problems():
    assert params.compare(CELL, Some) == []


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("steps: int = 10", "steps: int = 20", "steps: the cell says 20, the default (smoke profile) is 10"),
        ("steps: int = 10", "steps: float = 10", "steps: the cell says float, Params says int"),
        ("share: float = 0.5", "share: float = 1", "share: the cell says 1, the default (smoke profile) is 0.5"),
        ("on: bool = True\n", "", "on: missing from the parameters cell"),
        ("on: bool = True\n", "on: bool = True\nextra: int = 1\n", "extra: not a field of Params"),
        ("on: bool = True\n", 'on: bool = True\napi_key: str = ""\n', "api_key: a parameter is saved with the notebook, so it must not be a secret"),
    ],
)
def test_each_difference_is_said(old, new, said):
    assert params.compare(CELL.replace(old, new), Some) == [said]


@pytest.mark.parametrize("line", ["x = 1", "x: int = seed * 2", "x: list[int] = list(range(3))", "import os", "x: int"])
def test_a_parameters_cell_computes_nothing(line):
    with pytest.raises(AvlabError):
        params.read_cell(CELL + line)


@pytest.mark.parametrize(
    "pair, value",
    [
        ("steps=20", 20),
        ("kind=eps", "eps"),
        ("ts=[24, 249]", [24, 249]),
        ("share=1", 1.0),
        ("on=false", False),
        ("manifest=007", "007"),
        ("note=null", None),
        ("store=a=b", "a=b"),
    ],
)
def test_pairs_become_typed_values(pair, value):
    made = params.validate(Some, params.overrides([pair], Some))
    got = getattr(made, pair.split("=")[0])
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize(
    "pair, said",
    [
        ("step=20", "did you mean steps"),
        ("steps=abc", "got 'abc'"),
        ("steps=20.0", "valid integer"),
        ("steps=3", "greater than or equal to 4"),
        ("steps=true", "valid integer"),
        ("kind=x", "'v' or 'eps'"),
        ("ts=[25]", "24 or 249"),
        ("share=NaN", "finite number"),
        ("on=True", "write true"),
        ("steps", "name=value"),
        ("hf_token=x", "secret"),
        ("=3", "name=value"),
    ],
)
def test_a_bad_pair_is_refused_with_its_reason(pair, said):
    with pytest.raises(AvlabError, match=said):
        params.validate(Some, params.overrides([pair], Some))


def test_the_same_name_twice_is_refused():
    with pytest.raises(AvlabError, match="once"):
        params.overrides(["steps=5", "steps=6"], Some)


def test_profiles_sit_between_defaults_and_pairs(fixture_course):
    assert params.resolve(fixture_course, "smoke").steps == 10
    assert params.resolve(fixture_course, "full").steps == 40
    assert params.resolve(fixture_course, "full", ["steps=50"]).steps == 50
    with pytest.raises(AvlabError, match="did you mean smoke"):
        params.resolve(fixture_course, "smok")


def test_profile_of_recognises_values_and_ignores_seed_and_mutant(fixture_course):
    assert params.profile_of(fixture_course, fixture_course.Params(steps=40, seed=3, mutant="off_by_one")) == "full"
    assert params.profile_of(fixture_course, fixture_course.Params(steps=41)) == "custom"


def test_digests_tell_what_they_should():
    a, b, c = Some(), Some(seed=1, mutant="none", store="x"), Some(steps=11)
    assert params.digest(a) == params.digest(b) != params.digest(c)
    assert len({params.digest_all(p) for p in (a, b, c)}) == 3


def test_plain_types_are_what_a_cell_can_write_before_any_import():
    shown = {name: params.plain_type(field.annotation) for name, field in Some.model_fields.items()}
    assert shown["ts"] == "list[int]" and shown["kind"] == "str" and shown["note"] == "str | None" and shown["device"] == "str"
