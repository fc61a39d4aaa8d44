"""Rules for message components."""

from __future__ import annotations

import pytest

from tests.bot.playground.rules.checks import problems
from tests.bot.playground.rules.components import (
    Json,
    button,
    buttons,
    options,
    post,
    post_v2,
    row,
    select,
    words,
)

AT_THE_LIMIT: dict[str, Json] = {
    "five buttons": row(*buttons(5)),
    "one select": row(select()),
    "a long label": row(button(label="x" * 80)),
    "a short id": row(button(custom_id="x")),
    "a long id": row(button(custom_id="x" * 100)),
    "only an emoji": row(button(label=None, emoji={"name": "🎨"})),
    "a custom emoji": row(button(label=None, emoji={"id": "123", "name": "art", "animated": True})),
    "an emoji of a digit": row(button(emoji={"id": None, "name": "1️⃣"})),
    "a link": row(button(style=5, custom_id=None, url="https://example.org")),
    "a link into Discord": row(button(style=5, custom_id=None, url="discord://-/channels/1/2")),
    "a long link": row(button(style=5, custom_id=None, url="https://e.org/" + "x" * 498)),
    "a premium button": row(button(style=6, custom_id=None, label=None, sku_id="123")),
    "25 options": row(select(options=options(25))),
    "long options": row(
        select(
            options=[{"label": "x" * 100, "value": "y" * 100, "description": "z" * 100}],
            placeholder="p" * 150,
        )
    ),
    "as many as there are": row(select(min_values=2, max_values=2)),
    "none to choose": row(select(min_values=0, max_values=1)),
    "a default": row(select(options=[*options(1, default=True), {"label": "b", "value": "b"}])),
    "all of 25": row(select(options=options(25, default=True), min_values=25, max_values=25)),
    "users": row(select(type=5, options=None, default_values=[{"id": "1", "type": "user"}])),
    "roles": row(select(type=6, options=None)),
    "both": row(
        select(
            type=7,
            options=None,
            max_values=2,
            default_values=[{"id": "1", "type": "user"}, {"id": 2, "type": "role"}],
        )
    ),
    "channels": row(select(type=8, options=None, channel_types=[0, 11])),
    "numbers of its own": row(button(id=2), id=1),
    "numbers left to Discord": row(button(id=0), id=0),
}

REFUSED: dict[str, tuple[Json, str]] = {
    "no button": (row(), "components.0.components BASE_TYPE_BAD_LENGTH"),
    "no list": ({"type": 1}, "components.0.components BASE_TYPE_REQUIRED"),
    "six buttons": (row(*buttons(6)), "components.0.components BASE_TYPE_BAD_LENGTH"),
    "two selects": (
        row(select(), select(custom_id="other")),
        "components.0.components.1 COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    "a button and a select": (
        row(button(), select()),
        "components.0.components.1 COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    "a text input": (
        row({"type": 4, "custom_id": "x", "style": 1, "label": "x"}),
        "components.0.components.0 UNION_TYPE_CHOICES",
    ),
    "a button alone": (button(), "components.0 UNION_TYPE_CHOICES"),
    "words without the flag": (words(), "components.0 UNION_TYPE_CHOICES"),
    "a label": ({"type": 18, "label": "x"}, "components.0 UNION_TYPE_CHOICES"),
    "no type": ({"components": []}, "components.0 UNION_TYPE_CHOICES"),
    "an odd type": ({"type": [1]}, "components.0 UNION_TYPE_CHOICES"),
    "a long label": (
        row(button(label="x" * 81)),
        "components.0.components.0.label BASE_TYPE_MAX_LENGTH",
    ),
    "neither label nor emoji": (
        row(button(label=None)),
        "components.0.components.0.label BASE_TYPE_REQUIRED",
    ),
    "an emoji's name in ASCII": (
        row(button(emoji={"name": ":art:"})),
        "components.0.components.0.emoji.name BUTTON_COMPONENT_INVALID_EMOJI",
    ),
    "an empty id": (
        row(button(custom_id="")),
        "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH",
    ),
    "a long id": (
        row(button(custom_id="x" * 101)),
        "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH",
    ),
    "no id": (
        row(button(custom_id=None)),
        "components.0.components.0.custom_id BUTTON_COMPONENT_CUSTOM_ID_REQUIRED",
    ),
    "an id twice": (
        row(button(), button()),
        "components.0.components.1.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
    ),
    "a number twice": (
        row(button(id=7), id=7),
        "components.0.components.0.id COMPONENT_ID_DUPLICATED",
    ),
    "no style": (row(button(style=None)), "components.0.components.0.style BASE_TYPE_REQUIRED"),
    "an unknown style": (row(button(style=7)), "components.0.components.0.style BASE_TYPE_CHOICES"),
    "a link and an id": (
        row(button(url="https://example.org")),
        "components.0.components.0.url BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
    ),
    "a link with an id": (
        row(button(style=5, url="https://example.org")),
        "components.0.components.0.custom_id BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
    ),
    "a link to nowhere": (
        row(button(style=5, custom_id=None)),
        "components.0.components.0.url BUTTON_COMPONENT_URL_REQUIRED",
    ),
    "a long link": (
        row(button(style=5, custom_id=None, url="https://e.org/" + "x" * 499)),
        "components.0.components.0.url BASE_TYPE_MAX_LENGTH",
    ),
    "a link to a file": (
        row(button(style=5, custom_id=None, url="ftp://example.org")),
        "components.0.components.0.url URL_TYPE_INVALID_SCHEME",
    ),
    "a link without a host": (
        row(button(style=5, custom_id=None, url="https:/example.org")),
        "components.0.components.0.url URL_TYPE_INVALID_URL",
    ),
    "a premium button without its thing": (
        row(button(style=6, custom_id=None, label=None)),
        "components.0.components.0.sku_id BUTTON_COMPONENT_SKU_ID_REQUIRED",
    ),
    "a premium button with a label": (
        row(button(style=6, custom_id=None, sku_id="1")),
        "components.0.components.0.label BUTTON_COMPONENT_FIELD_NOT_ALLOWED",
    ),
    "disabled in words": (
        row(button(disabled="yes")),
        "components.0.components.0.disabled BOOLEAN_TYPE_CONVERT",
    ),
    "no options": (
        row(select(options=None)),
        "components.0.components.0.options BASE_TYPE_REQUIRED",
    ),
    "an empty list of options": (
        row(select(options=[])),
        "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
    ),
    "26 options": (
        row(select(options=options(26))),
        "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
    ),
    "a long option": (
        row(select(options=[{"label": "x" * 101, "value": "x"}])),
        "components.0.components.0.options.0.label BASE_TYPE_BAD_LENGTH",
    ),
    "a long value": (
        row(select(options=[{"label": "x", "value": "x" * 101}])),
        "components.0.components.0.options.0.value BASE_TYPE_BAD_LENGTH",
    ),
    "a long description": (
        row(select(options=options(1, description="x" * 101))),
        "components.0.components.0.options.0.description BASE_TYPE_MAX_LENGTH",
    ),
    "a value twice": (
        row(select(options=[*options(1), *options(1)])),
        "components.0.components.0.options.1 COMPONENT_OPTION_VALUE_DUPLICATED",
    ),
    "too few options": (
        row(select(max_values=3)),
        "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
    ),
    "more at least than at most": (
        row(select(min_values=2, max_values=1)),
        "components.0.components.0.min_values NUMBER_TYPE_MAX",
    ),
    "too many at least": (
        row(select(type=5, options=None, min_values=26, max_values=25)),
        "components.0.components.0.min_values NUMBER_TYPE_MAX",
    ),
    "none at most": (
        row(select(min_values=0, max_values=0)),
        "components.0.components.0.max_values NUMBER_TYPE_MIN",
    ),
    "two defaults for one": (
        row(select(options=options(2, default=True))),
        "components.0.components.0.options SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
    ),
    "a long placeholder": (
        row(select(placeholder="x" * 151)),
        "components.0.components.0.placeholder BASE_TYPE_MAX_LENGTH",
    ),
    "a select without an id": (
        row(select(custom_id=None)),
        "components.0.components.0.custom_id BASE_TYPE_REQUIRED",
    ),
    "options for users": (
        row(select(type=5)),
        "components.0.components.0.options SELECT_COMPONENT_OPTIONS_NOT_ALLOWED",
    ),
    "two users for one": (
        row(select(type=5, options=None, default_values=[{"id": n, "type": "user"} for n in "12"])),
        "components.0.components.0.default_values SELECT_COMPONENT_TOO_MANY_DEFAULT_VALUES",
    ),
    "a role among users": (
        row(select(type=5, options=None, default_values=[{"id": "1", "type": "role"}])),
        "components.0.components.0.default_values.0.type BASE_TYPE_CHOICES",
    ),
    "an unknown type of channel": (
        row(select(type=8, options=None, channel_types=[0, 99])),
        "components.0.components.0.channel_types.1 BASE_TYPE_CHOICES",
    ),
}


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_what_discord_takes_in_any_message(name: str):
    """Rows pass at their limits, with and without the flag IS_COMPONENTS_V2."""
    post(AT_THE_LIMIT[name])
    post_v2(AT_THE_LIMIT[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_discord_refuses_in_a_message(name: str):
    """Each mistake is reported with the path of its field, and nothing else is."""
    component, problem = REFUSED[name]
    assert problems(post, component) == {problem}


def test_all_mistakes_are_told_at_once():
    """One response names every wrong field."""
    found = problems(post, row(button(label="x" * 81, custom_id="")), row(select(options=None)))
    assert found == {
        "components.0.components.0.label BASE_TYPE_MAX_LENGTH",
        "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH",
        "components.1.components.0.options BASE_TYPE_REQUIRED",
    }


def test_five_rows_without_the_flag():
    """Five rows pass, six do not."""
    rows = [row(each) for each in buttons(6)]
    post(*rows[:5])
    assert problems(post, *rows) == {"components BASE_TYPE_MAX_LENGTH"}
    post_v2(*rows)
