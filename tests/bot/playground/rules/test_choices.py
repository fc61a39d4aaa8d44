"""Rules for autocomplete choices."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.rules.choices import check_choices
from tests.bot.playground.rules.checks import problems

TEXT, INTEGER, NUMBER = 3, 4, 10


def some(value: Any, count: int = 1, **fields: Any) -> dict[str, Any]:
    """Return the data of a response with choices of this value."""
    return {"choices": [{"name": "A lake", "value": value} | fields] * count}


@pytest.mark.parametrize(
    ("data", "option_type"),
    [
        ({}, TEXT),
        ({"choices": None}, TEXT),
        ({"choices": []}, INTEGER),
        (some("x", 25), TEXT),
        (some("x" * 100, name="x" * 100), TEXT),
        (some("x", name_localizations={"zh-CN": "湖"}), TEXT),
        (some(2**53 - 1), INTEGER),
        (some(-(2**53 - 1)), INTEGER),
        (some(0.5), NUMBER),
        (some(2**53), NUMBER),
    ],
)
def test_what_discord_takes_as_suggestions(data: Any, option_type: int):
    """Choices pass at their limits."""
    check_choices(data, option_type)


@pytest.mark.parametrize(
    ("data", "option_type", "problem"),
    [
        (None, TEXT, "data BASE_TYPE_REQUIRED"),
        ({"choices": {}}, TEXT, "data.choices LIST_TYPE_CONVERT"),
        (some("x", 26), TEXT, "data.choices BASE_TYPE_MAX_LENGTH"),
        (some("x", name=None), TEXT, "data.choices.0.name BASE_TYPE_REQUIRED"),
        (some("x", name=" "), TEXT, "data.choices.0.name BASE_TYPE_BAD_LENGTH"),
        (some("x", name="x" * 101), TEXT, "data.choices.0.name BASE_TYPE_BAD_LENGTH"),
        (some("x" * 101), TEXT, "data.choices.0.value BASE_TYPE_MAX_LENGTH"),
        (some(None), TEXT, "data.choices.0.value BASE_TYPE_REQUIRED"),
        (some(5), TEXT, "data.choices.0.value STRING_TYPE_CONVERT"),
        (some("5"), INTEGER, "data.choices.0.value NUMBER_TYPE_COERCE"),
        (some(True), INTEGER, "data.choices.0.value NUMBER_TYPE_COERCE"),
        (some(0.5), INTEGER, "data.choices.0.value NUMBER_TYPE_COERCE"),
        (some(2**53), INTEGER, "data.choices.0.value NUMBER_TYPE_MAX"),
        (some(-(2**53)), INTEGER, "data.choices.0.value NUMBER_TYPE_MIN"),
        (some("x"), NUMBER, "data.choices.0.value NUMBER_TYPE_COERCE"),
        (some(float("inf")), NUMBER, "data.choices.0.value NUMBER_TYPE_COERCE"),
        (
            some("x", name_localizations={"xx": "x"}),
            TEXT,
            "data.choices.0.name_localizations.xx BASE_TYPE_CHOICES",
        ),
    ],
)
def test_what_discord_refuses_in_suggestions(data: Any, option_type: int, problem: str):
    """Each mistake is reported with its path, starting at the response's data."""
    assert problems(check_choices, data, option_type) == {problem}
