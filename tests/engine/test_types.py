"""Recipes and requests survive JSON unchanged, and hostile JSON gets ValueError alone."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.types import (
    MAX_SEED,
    Conditions,
    Difference,
    ImageRequest,
    Recipe,
    request_from_json,
    request_to_json,
)
from tests.fakes import a_request, fake_recipe

FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(1, 10**6)
REQUESTS = st.builds(
    ImageRequest,
    prompt=st.text(),
    effective_prompt=st.text(),
    negative_prompt=st.text(),
    seed=st.integers(0, MAX_SEED),
    width_px=COUNTS,
    height_px=COUNTS,
    steps=COUNTS,
    guidance=FINITE,
)
CONDITIONS = st.builds(
    Conditions,
    device=st.text(),
    threads=st.none() | st.integers(),
    dtype=st.text(),
    attention=st.text(),
    plan=st.text(),
    compiled=st.booleans(),
    tiled=st.booleans(),
    batch_size=st.integers(),
    batch_row=st.integers(),
    versions=st.dictionaries(st.text(), st.text()),
)
RECIPES = st.builds(
    Recipe,
    model=st.text(),
    revision=st.text(),
    family=st.text(),
    request=REQUESTS,
    conditions=CONDITIONS,
    loras=st.lists(st.text()).map(tuple),
)
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    -1,
    0.5,
    "1",
    "",
    [],
    {},
    [[1]],
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    MAX_SEED + 1,
    "\ud800",
]
PLAIN = json.loads(fake_recipe(a_request()).to_json())
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(RECIPES)
def test_recipes_survive_json(recipe: Recipe) -> None:
    """A recipe reads back equal, whatever its texts hold, from one line of proper JSON."""
    text = recipe.to_json()
    assert "\n" not in text
    json.loads(text, parse_constant=pytest.fail)
    assert Recipe.from_json(text) == recipe
    assert recipe.differences(Recipe.from_json(text)) == ()


@given(REQUESTS)
def test_requests_survive_json(request_: ImageRequest) -> None:
    """A request reads back equal."""
    assert request_from_json(request_to_json(request_)) == request_


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_never_written(value: float) -> None:
    """NaN and infinity are no JSON: writing them is refused."""
    broken = a_request(guidance=value)
    for write in (lambda: request_to_json(broken), fake_recipe(broken).to_json):
        with pytest.raises(ValueError, match="JSON"):
            write()


def paths(data: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in a nested object."""
    found = []
    for key, value in data.items():
        found.append((*before, key))
        if isinstance(value, dict):
            found += paths(value, (*before, key))
    return found


def changed(path: tuple[str, ...], value: Any) -> str:
    data = json.loads(json.dumps(PLAIN))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize("path", paths(PLAIN), ids=".".join)
@pytest.mark.parametrize(
    "value", ODD_VALUES, ids=lambda value: str(value)[:8].encode("unicode_escape")
)
def test_odd_values_are_refused_or_of_the_right_type(path: tuple[str, ...], value: Any) -> None:
    """In any place, any wrong value gives ValueError; what is accepted has the declared types
    and can be written again."""
    try:
        recipe = Recipe.from_json(changed(path, value))
    except ValueError:
        return
    request = recipe.request
    assert type(request.seed) is int
    assert 0 <= request.seed <= MAX_SEED
    assert all(
        type(n) is int and n > 0 for n in (request.width_px, request.height_px, request.steps)
    )
    assert type(request.guidance) is float
    assert math.isfinite(request.guidance)
    assert type(recipe.conditions.compiled) is bool
    assert all(type(text) is str for text in (recipe.model, request.prompt, *recipe.loras))
    assert all(type(text) is str for text in recipe.conditions.versions.values())
    recipe.to_json().encode()


@pytest.mark.parametrize("path", paths(PLAIN), ids=".".join)
def test_missing_fields_are_refused(path: tuple[str, ...]) -> None:
    """No field is optional but the names of versions."""
    data = json.loads(json.dumps(PLAIN))
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    if path[:2] == ("conditions", "versions") and len(path) == 3:
        Recipe.from_json(json.dumps(data))
        return
    with pytest.raises(ValueError):
        Recipe.from_json(json.dumps(data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "7",
        '"text"',
        "{",
        "[" * 100_000,
        '{"version": 2}',
        '{"version": true}',
        '{"version": ' + "9" * 10_000 + "}",
        '{"a":' * 50_000 + "1" + "}" * 50_000,
    ],
    ids=lambda text: text[:16] or "empty",
)
def test_other_json_is_refused(text: str) -> None:
    """What is no recipe at all gives ValueError, however deep or long it is."""
    for read in (Recipe.from_json, request_from_json):
        with pytest.raises(ValueError):
            read(text)


@given(JSON_VALUES, st.sampled_from(paths(PLAIN)))
def test_no_json_raises_anything_else(value: Any, path: tuple[str, ...]) -> None:
    """Any JSON whatever, alone or inside a recipe, gives a recipe or ValueError."""
    for text in (json.dumps(value), changed(path, value)):
        for read in (Recipe.from_json, request_from_json):
            try:
                read(text)
            except ValueError:
                continue


def test_differences_name_what_changed() -> None:
    """A replay says what is not as it was, with both values, and nothing else."""
    before = fake_recipe(a_request())
    conditions = dataclasses.replace(
        before.conditions, threads=4, versions={"torch": "1", "diffusers": "2"}
    )
    after = dataclasses.replace(before, revision="f" * 16, conditions=conditions)
    assert before.differences(after) == (
        Difference("weights", "0" * 16, "f" * 16),
        Difference("threads", 1, 4),
        Difference("versions.torch", "0", "1"),
        Difference("versions.diffusers", None, "2"),
    )
    assert str(Difference("threads", 1, 4)) == "threads: 1 → 4"


@given(CONDITIONS, CONDITIONS)
def test_no_difference_means_equal(one: Conditions, other: Conditions) -> None:
    """Conditions without a difference are equal, and unequal ones have one."""
    assert (one.differences(other) == ()) == (one == other)
