"""Rules for modals."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.rules.modals import check_modal
from tests.bot.playground.rules.checks import problems
from tests.bot.playground.rules.components import button, options, row, select, words
from tests.bot.playground.rules.modals import five, label, line, modal, upload

Json = dict[str, Any]


PASSES: dict[str, Json] = {
    "the shortest": modal(title="x", custom_id="x"),
    "the longest": modal(title="x" * 45, custom_id="x" * 100),
    "five parts": modal(*five()),
    "a row of old": modal(row(line(label="x" * 45))),
    "a long label": modal(label(label="x" * 45, description="x" * 100)),
    "a short label": modal(label(label="x", description="x")),
    "words": modal(words("x" * 4000)),
    "a long text": modal(label(line(style=2, value="x" * 4000, placeholder="x" * 100))),
    "lengths at their ends": modal(label(line(min_length=0, max_length=4000))),
    "the same length": modal(label(line(min_length=4000, max_length=4000))),
    "a select": modal(label(select(required=True, disabled=False))),
    "an optional select": modal(label(select(required=False, min_values=0))),
    "people": modal(label(select(type=5, options=None, max_values=25))),
    "files": modal(label(upload(min_values=1, max_values=10))),
    "no files": modal(label(upload(min_values=0, required=False))),
    "radios": modal(label({"type": 21, "custom_id": "r", "options": options(10)})),
    "checkboxes": modal(
        label({"type": 22, "custom_id": "c", "options": options(10, default=True)})
    ),
    "a checkbox": modal(label({"type": 23, "custom_id": "c", "default": True})),
}

INNER = "data.components.0.component"
REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (None, "data BASE_TYPE_REQUIRED"),
    "no title": (modal(title=None), "data.title BASE_TYPE_REQUIRED"),
    "an empty title": (modal(title=""), "data.title BASE_TYPE_BAD_LENGTH"),
    "a long title": (modal(title="x" * 46), "data.title BASE_TYPE_BAD_LENGTH"),
    "no id": (modal(custom_id=None), "data.custom_id BASE_TYPE_REQUIRED"),
    "a long id": (modal(custom_id="x" * 101), "data.custom_id BASE_TYPE_BAD_LENGTH"),
    "no list": (modal() | {"components": None}, "data.components BASE_TYPE_REQUIRED"),
    "no parts": (modal() | {"components": []}, "data.components BASE_TYPE_BAD_LENGTH"),
    "six parts": (modal(*five(), words()), "data.components BASE_TYPE_BAD_LENGTH"),
    "a text input alone": (modal(line(label="x")), "data.components.0 UNION_TYPE_CHOICES"),
    "a box": (
        modal({"type": 17, "components": [words()]}),
        "data.components.0 UNION_TYPE_CHOICES",
    ),
    "a button": (modal(row(button())), "data.components.0.components.0 UNION_TYPE_CHOICES"),
    "a button in a label": (modal(label(button())), f"{INNER} UNION_TYPE_CHOICES"),
    "a label in a label": (modal(label(label())), f"{INNER} UNION_TYPE_CHOICES"),
    "two inputs in a row": (
        modal(row(line(label="x"), line(label="y", custom_id="other"))),
        "data.components.0.components.1 COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    "no label in a row": (
        modal(row(line())),
        "data.components.0.components.0.label BASE_TYPE_REQUIRED",
    ),
    "a long label in a row": (
        modal(row(line(label="x" * 46))),
        "data.components.0.components.0.label BASE_TYPE_BAD_LENGTH",
    ),
    "a long label": (modal(label(label="x" * 46)), "data.components.0.label BASE_TYPE_BAD_LENGTH"),
    "an empty label": (modal(label(label="")), "data.components.0.label BASE_TYPE_BAD_LENGTH"),
    "a long description": (
        modal(label(description="x" * 101)),
        "data.components.0.description BASE_TYPE_BAD_LENGTH",
    ),
    "an empty label around something": (
        modal({"type": 18, "label": "Prompt"}),
        f"{INNER} BASE_TYPE_REQUIRED",
    ),
    "no style": (modal(label(line(style=None))), f"{INNER}.style BASE_TYPE_REQUIRED"),
    "a third style": (modal(label(line(style=3))), f"{INNER}.style BASE_TYPE_CHOICES"),
    "less than nothing": (modal(label(line(min_length=-1))), f"{INNER}.min_length NUMBER_TYPE_MIN"),
    "much at least": (modal(label(line(min_length=4001))), f"{INNER}.min_length NUMBER_TYPE_MAX"),
    "nothing at most": (modal(label(line(max_length=0))), f"{INNER}.max_length NUMBER_TYPE_MIN"),
    "much at most": (modal(label(line(max_length=4001))), f"{INNER}.max_length NUMBER_TYPE_MAX"),
    "more at least than at most": (
        modal(label(line(min_length=3, max_length=2))),
        f"{INNER}.min_length NUMBER_TYPE_MAX",
    ),
    "a long value": (modal(label(line(value="x" * 4001))), f"{INNER}.value BASE_TYPE_MAX_LENGTH"),
    "a value longer than allowed": (
        modal(label(line(value="xxx", max_length=2))),
        f"{INNER}.value BASE_TYPE_MAX_LENGTH",
    ),
    "a long placeholder": (
        modal(label(line(placeholder="x" * 101))),
        f"{INNER}.placeholder BASE_TYPE_MAX_LENGTH",
    ),
    "an id twice": (
        modal(label(), label()),
        "data.components.1.component.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
    ),
    "a select that is disabled": (
        modal(label(select(disabled=True))),
        f"{INNER}.disabled MODAL_COMPONENT_DISABLED",
    ),
    "a required select of none": (
        modal(label(select(min_values=0))),
        f"{INNER}.min_values SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES",
    ),
    "eleven files": (modal(label(upload(max_values=11))), f"{INNER}.max_values NUMBER_TYPE_MAX"),
    "required files, but none": (
        modal(label(upload(min_values=0))),
        f"{INNER}.min_values SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES",
    ),
    "one radio": (
        modal(label({"type": 21, "custom_id": "r", "options": options(1)})),
        f"{INNER}.options BASE_TYPE_BAD_LENGTH",
    ),
    "two radios chosen": (
        modal(label({"type": 21, "custom_id": "r", "options": options(2, default=True)})),
        f"{INNER}.options SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
    ),
    "eleven checkboxes": (
        modal(label({"type": 22, "custom_id": "c", "options": options(11)})),
        f"{INNER}.options BASE_TYPE_BAD_LENGTH",
    ),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_discord_takes_as_a_modal(name: str):
    """Modals pass at their limits."""
    check_modal(PASSES[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_discord_refuses_in_a_modal(name: str):
    """Each mistake is reported with its path, starting at the response's data."""
    data, problem = REFUSED[name]
    assert problems(check_modal, data) == {problem}
