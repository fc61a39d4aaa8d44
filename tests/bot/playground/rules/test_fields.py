"""Unknown fields are reported anywhere in a body, and never refused."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.model import MessageFlag
from bot.playground.rules.fields import (
    CALLBACK,
    COMMAND,
    COMMANDS,
    MESSAGES,
    MODAL,
    MessageKind,
    unknown_fields,
)
from bot.playground.rules.grammar import Field
from bot.playground.rules.messages import check_message
from tests.bot.playground.rules.commands import command, option
from tests.bot.playground.rules.components import (
    box,
    button,
    gallery,
    options,
    picture,
    row,
    section,
    select,
    words,
)
from tests.bot.playground.rules.modals import label, line, modal

POST = MESSAGES[MessageKind.CHANNEL_POST]
ODD: dict[str, Any] = {"colour": "red"}


def of(*components: Any) -> dict[str, Any]:
    """Return a message of these components."""
    return {"components": list(components)}


@pytest.mark.parametrize(
    ("body", "shape", "place"),
    [
        (ODD, POST, "body"),
        ({"embeds": [{"title": "x"}, ODD]}, POST, "embeds[1]"),
        ({"embeds": [{"footer": ODD}]}, POST, "embeds[0].footer"),
        ({"embeds": [{"fields": [ODD]}]}, POST, "embeds[0].fields[0]"),
        ({"embeds": [{"image": ODD}]}, POST, "embeds[0].image"),
        ({"allowed_mentions": ODD}, POST, "allowed_mentions"),
        ({"attachments": [{"id": 0} | ODD]}, POST, "attachments[0]"),
        ({"message_reference": ODD}, POST, "message_reference"),
        ({"poll": {"question": ODD}}, POST, "poll.question"),
        (of(row() | ODD), POST, "components[0]"),
        (of(row(button(), button() | ODD)), POST, "components[0].components[1]"),
        (of(row(button(emoji={"name": "🎨"} | ODD))), POST, "components[0].components[0].emoji"),
        (
            of(row(select(options=options(1, **ODD)))),
            POST,
            "components[0].components[0].options[0]",
        ),
        (of(box(words() | ODD)), POST, "components[0].components[0]"),
        (of(section(words(), accessory=button(**ODD))), POST, "components[0].accessory"),
        (of(gallery(picture(**ODD))), POST, "components[0].items[0]"),
        (of(gallery({"media": {"url": "x"} | ODD})), POST, "components[0].items[0].media"),
        (ODD, MESSAGES[MessageKind.CHANNEL_EDIT], "body"),
        (ODD, MESSAGES[MessageKind.WEBHOOK_POST], "body"),
        (ODD, MESSAGES[MessageKind.WEBHOOK_EDIT], "body"),
        ({"type": 5} | ODD, CALLBACK, "body"),
        ({"type": 4, "data": ODD}, CALLBACK, "data"),
        ({"type": 7, "data": of(row() | ODD)}, CALLBACK, "data.components[0]"),
        ({"type": 8, "data": {"choices": [ODD]}}, CALLBACK, "data.choices[0]"),
        ({"type": 9, "data": modal(**ODD)}, CALLBACK, "data"),
        (modal(label(line(**ODD))), MODAL, "components[0].component"),
        (modal(row(line(**ODD))), MODAL, "components[0].components[0]"),
        (command(**ODD), COMMAND, "body"),
        (command(option(**ODD)), COMMAND, "options[0]"),
        (
            [command(), command(option(1, options=[option(**ODD)]))],
            COMMANDS,
            "[1].options[0].options[0]",
        ),
        ([command(option(choices=[ODD]))], COMMANDS, "[0].options[0].choices[0]"),
    ],
)
def test_a_field_that_discord_does_not_know(body: Any, shape: Field, place: str):
    """One sentence names the place and the field."""
    assert unknown_fields(body, shape) == [f"{place}: Discord knows no field 'colour'"]


def test_unknown_fields_are_not_refused():
    """Unknown fields pass the check, as Discord ignores them."""
    check_message({"content": "x", "colour": "red"}, kind=MessageKind.CHANNEL_POST)
    component = words() | ODD
    body = {"flags": MessageFlag.IS_COMPONENTS_V2, "components": [component]}
    check_message(body, kind=MessageKind.CHANNEL_POST)


@pytest.mark.parametrize("body", [None, 5, [], "x", {"embeds": 5, "components": [5, {"type": []}]}])
def test_what_has_no_shape_has_no_unknown_fields(body: Any):
    """Malformed values are not reported as unknown fields."""
    assert unknown_fields(body, POST) == []


def test_a_field_of_posts_is_unknown_to_answers():
    """Each kind of request has its own fields."""
    body = {"content": "x", "nonce": "1"}
    assert unknown_fields(body, POST) == []
    assert unknown_fields({"type": 4, "data": body}, CALLBACK) == [
        "data: Discord knows no field 'nonce'"
    ]
