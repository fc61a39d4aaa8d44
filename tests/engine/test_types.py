"""Recipes and requests survive JSON unchanged, and hostile JSON raises only ValueError."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loras import MAX_LORAS, MAX_WEIGHT, LoraFile, LoraUse
from engine.modes import MAX_BLENDED
from engine.prompts import PictureStyle
from engine.types import (
    INPUTS,
    MAX_SEED,
    MAX_VARIATIONS,
    Adaptation,
    Conditions,
    Difference,
    Ground,
    ImageRequest,
    Mend,
    Mode,
    Recipe,
    SourceChange,
    SourceChangeKind,
    Variation,
    request_from_json,
    request_to_json,
)
from tests.fakes import a_request, fake_recipe

FINITE = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(1, 10**6)
SHARES = st.floats(0, 1)
MODES = st.sampled_from(Mode).flatmap(
    lambda mode: st.fixed_dictionaries(
        {
            "mode": st.just(mode),
            "strength": st.just(1.0) if mode is Mode.TEXT else SHARES.filter(bool),
            "inputs": st.lists(
                st.binary(min_size=32, max_size=32).map(bytes.hex),
                min_size=INPUTS[mode],
                max_size=MAX_BLENDED if mode is Mode.BLEND else INPUTS[mode],
            ).map(tuple),
        }
    )
)
PLAIN_REQUESTS = st.builds(
    ImageRequest,
    prompt=st.text(),
    effective_prompt=st.text(),
    negative_prompt=st.text(),
    seed=st.integers(0, MAX_SEED),
    width_px=COUNTS,
    height_px=COUNTS,
    steps=COUNTS,
    guidance=FINITE,
    variations=st.lists(
        st.builds(Variation, st.integers(0, MAX_SEED), SHARES.filter(bool)), max_size=3
    ).map(tuple),
    variety=SHARES,
    refine=SHARES,
    expand=st.booleans(),
    style=st.none() | st.sampled_from(PictureStyle),
    loras=st.lists(
        st.builds(
            LoraUse,
            st.text(min_size=1),
            st.floats(-MAX_WEIGHT, MAX_WEIGHT),
            st.lists(st.text(), max_size=2).map(tuple),
        ),
        max_size=MAX_LORAS,
        unique_by=lambda each: each.name,
    ).map(tuple),
    source_changes=st.lists(
        st.builds(SourceChange, st.just(SourceChangeKind.CUT), st.integers(0, 100).map(str))
        | st.builds(SourceChange, st.just(SourceChangeKind.GROUND), st.sampled_from(Ground))
        | st.builds(SourceChange, st.just(SourceChangeKind.FIRST_FRAME), st.text(max_size=3)),
        max_size=3,
    ).map(tuple),
    model=st.sampled_from(["", "turbo", "z-image_2.1"]),
)
REQUESTS = st.builds(
    lambda request, mode: dataclasses.replace(request, **mode), PLAIN_REQUESTS, MODES
)
CONDITIONS = st.builds(
    Conditions,
    device=st.text(),
    threads=st.none() | st.integers(),
    dtype=st.text(),
    attention=st.text(),
    plan=st.sampled_from(["resident", "resident+int8", "resident+fp8"]),
    compiled=st.booleans(),
    tiled=st.booleans(),
    batch_size=st.integers(),
    batch_row=st.integers(),
    versions=st.dictionaries(st.text(), st.text()),
    arithmetic=st.integers(),
)
RECIPES = st.builds(
    Recipe,
    model=st.text(),
    revision=st.text(),
    family=st.text(),
    request=REQUESTS,
    conditions=CONDITIONS,
    loras=st.lists(
        st.builds(LoraFile, st.text(), st.sampled_from(["0a" * 32, ""])), max_size=2
    ).map(tuple),
    adaptations=st.lists(
        st.builds(Adaptation, st.sampled_from(Mend), st.text(), st.text()), max_size=2
    ).map(tuple),
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
    """A recipe reads back equal from one line of valid JSON, whatever its texts contain."""
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
    """NaN and infinity are not valid JSON: writing them is refused."""
    broken = a_request(guidance=value)
    for write in (lambda: request_to_json(broken), fake_recipe(broken).to_json):
        with pytest.raises(ValueError, match="JSON"):
            write()


def paths(data: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every path in a nested object."""
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
    """A wrong value gives ValueError; accepted ones have the declared types and can be written."""
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
    assert all(
        type(text) is str
        for text in (recipe.model, request.prompt, *(each.name for each in recipe.loras))
    )
    assert all(type(text) is str for text in recipe.conditions.versions.values())
    recipe.to_json().encode()


@pytest.mark.parametrize("path", paths(PLAIN), ids=".".join)
def test_missing_fields_are_refused(path: tuple[str, ...]) -> None:
    """No field is optional except the library versions and, added later, the style."""
    data = json.loads(json.dumps(PLAIN))
    place = data
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    named = path[:2] == ("conditions", "versions") and len(path) == 3
    if named or path == ("request", "style"):
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
        '{"version": 3}',
        '{"version": true}',
        '{"version": ' + "9" * 10_000 + "}",
        '{"a":' * 50_000 + "1" + "}" * 50_000,
    ],
    ids=lambda text: text[:16] or "empty",
)
def test_other_json_is_refused(text: str) -> None:
    """JSON that is not a recipe gives ValueError, however deep or long it is."""
    for read in (Recipe.from_json, request_from_json):
        with pytest.raises(ValueError):
            read(text)


@given(JSON_VALUES, st.sampled_from(paths(PLAIN)))
def test_no_json_raises_anything_else(value: Any, path: tuple[str, ...]) -> None:
    """Any JSON, alone or inside a recipe, gives a recipe or ValueError."""
    for text in (json.dumps(value), changed(path, value)):
        for read in (Recipe.from_json, request_from_json):
            try:
                read(text)
            except ValueError:
                continue


def test_differences_name_what_changed() -> None:
    """A replay reports every difference with both values, and nothing else."""
    before = fake_recipe(a_request())
    conditions = dataclasses.replace(
        before.conditions, threads=4, versions={"torch": "1", "diffusers": "2"}
    )
    files = (LoraFile("fox", "ab" * 32),)
    after = dataclasses.replace(before, revision="f" * 16, conditions=conditions, loras=files)
    assert before.differences(after) == (
        Difference("weights", "0" * 16, "f" * 16),
        Difference("LoRA fox", None, "ab" * 6),
        Difference("threads", 1, 4),
        Difference("versions.torch", "0", "1"),
        Difference("versions.diffusers", None, "2"),
    )
    assert str(Difference("threads", 1, 4)) == "threads: 1 → 4"


@given(CONDITIONS, CONDITIONS)
def test_no_difference_means_equal(one: Conditions, other: Conditions) -> None:
    """Conditions without a difference are equal, and unequal ones have one."""
    assert (one.differences(other) == ()) == (one == other)


def test_recipes_of_version_1_are_read():
    """Recipes from before there were input pictures are still read."""
    old = json.loads(json.dumps(PLAIN)) | {"version": 1}
    del old["adaptations"]
    for name in ("mode", "inputs", "strength", "variations", "variety", "refine", "expand"):
        del old["request"][name]
    recipe = Recipe.from_json(json.dumps(old))
    assert recipe.version == 1 and recipe.request == a_request()
    assert recipe.request.mode is Mode.TEXT and recipe.request.strength == 1.0
    assert request_from_json(json.dumps(old["request"])) == recipe.request
    old["version"] = 2
    with pytest.raises(ValueError):
        Recipe.from_json(json.dumps(old))


@pytest.mark.parametrize(
    "change",
    [
        {"strength": 0},
        {"strength": 0.5},
        {"strength": 1.1},
        {"variety": -0.1},
        {"refine": 2},
        {"mode": "sketchy"},
        {"mode": "image"},
        {"inputs": ["a" * 64]},
        {"mode": "image", "inputs": ["../../etc/passwd"]},
        {"mode": "image", "inputs": ["A" * 64]},
        {"source_changes": [{"kind": "painted", "value": ""}]},
        {"source_changes": [{"kind": "cut", "value": "101"}]},
        {"source_changes": [{"kind": "cut", "value": "a third"}]},
        {"source_changes": [{"kind": "ground", "value": "@everyone"}]},
        {"source_changes": [{"kind": "first_frame", "value": ""}] * 9},
        {"loras": [{"name": "", "weight": 1.0, "words": []}]},
        {"loras": [{"name": "fox", "weight": 4.1, "words": []}]},
        {"loras": [{"name": "fox", "weight": "1", "words": []}]},
        {"loras": [{"name": "fox", "weight": 1.0, "words": "fox"}]},
        {"loras": [{"name": "fox", "weight": 1.0, "words": []}] * 2},
        {"loras": [{"name": f"{n}", "weight": 1.0, "words": []} for n in range(MAX_LORAS + 1)]},
        {"model": "Turbo"},
        {"model": "../turbo"},
        {"model": "x" * 33},
        {"model": None},
        {"variations": [{"seed": -1, "amount": 0.5}]},
        {"variations": [{"seed": 1, "amount": 0}]},
        {"variations": [{"seed": 1, "amount": 0.5}] * (MAX_VARIATIONS + 1)},
    ],
)
def test_senseless_beginnings_are_refused(change: dict[str, Any]):
    """Noise levels, shares, modes and inputs that cannot be painted raise ValueError."""
    changed = json.loads(json.dumps(PLAIN))
    changed["request"] |= change
    with pytest.raises(ValueError):
        Recipe.from_json(json.dumps(changed))


def test_work_counts_the_steps_that_are_taken():
    """A late start costs less, a refinement more, and guidance doubles everything."""
    whole = dataclasses.replace(a_request(), width_px=1000, height_px=1000, steps=8, guidance=1.0)
    assert (whole.forwards, whole.work) == (8, 8.0)
    assert dataclasses.replace(whole, strength=0.6).forwards == 3
    assert dataclasses.replace(whole, refine=0.35).forwards == 10
    assert dataclasses.replace(whole, guidance=2.0).work == 16.0
