"""Any value anywhere in a body is accepted or refused, and never crashes the rules."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.playground.errors import ApiError
from bot.playground.model import MessageFlag
from bot.playground.rules.choices import check_choices
from bot.playground.rules.commands import check_commands
from bot.playground.rules.fields import COMMANDS, MESSAGES, MODAL, MessageKind, unknown_fields
from bot.playground.rules.messages import UploadedFile, check_message
from bot.playground.rules.modals import check_modal
from tests.bot.playground.rules.commands import choices, command, option
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

JUNK: tuple[Any, ...] = (
    *(None, True, 0, -1, 5, 1.5, 2**70, float("nan"), "", "x", "attachment://", "1", "http://[x"),
    *([], {}, [1], [None], [[]], [{}], {"x": 1}, {"type": []}, {"type": 1}, {"type": 17}),
)
FILE = UploadedFile("files[0]", "lake.png", 8, "image/png")
OLD = {"content": "x", "flags": 0, "attachments": [{"id": "5", "filename": "old.png"}]}

PLAIN = {
    "content": "x",
    "flags": 4,
    "nonce": "1",
    "tts": False,
    "allowed_mentions": {"parse": ["roles"], "users": ["1"]},
    "attachments": [{"id": 0, "filename": "lake.png", "description": "A lake."}],
    "embeds": [
        {
            "title": "x",
            "timestamp": "2026-01-01",
            "image": {"url": "attachment://lake.png"},
            "footer": {"text": "x"},
            "author": {"name": "x"},
            "fields": [{"name": "x", "value": "x"}],
        }
    ],
    "components": [row(button(emoji={"name": "🎨"})), row(select(options=options(2)))],
    "message_reference": {"type": 1, "message_id": "1", "channel_id": "2"},
    "poll": {"question": {"text": "x"}, "answers": [{"poll_media": {"text": "x"}}]},
}
LAYOUT = {
    "flags": int(MessageFlag.IS_COMPONENTS_V2),
    "components": [
        box(section(words(), accessory=button(id=3)), gallery(picture("attachment://lake.png"))),
        {"type": 13, "file": {"url": "attachment://lake.png"}},
        {"type": 14, "spacing": 1},
        row(select(type=5, options=None, default_values=[{"id": "1", "type": "user"}])),
    ],
}


def post(body: Any) -> None:
    """Check a post, including its unknown fields."""
    unknown_fields(body, MESSAGES[MessageKind.CHANNEL_POST])
    check_message(body, [FILE], kind=MessageKind.CHANNEL_POST)


def edit(body: Any) -> None:
    """Check an edit, including its unknown fields."""
    unknown_fields(body, MESSAGES[MessageKind.WEBHOOK_EDIT])
    check_message(body, [FILE], kind=MessageKind.WEBHOOK_EDIT, old=OLD)


def show(body: Any) -> None:
    """Check a modal."""
    unknown_fields(body, MODAL)
    check_modal(body)


def register(body: Any) -> None:
    """Check commands."""
    unknown_fields(body, COMMANDS)
    check_commands(body)


def suggest(body: Any) -> None:
    """Check autocomplete choices."""
    check_choices(body, 4)


FORM = modal(
    words(),
    row(line(label="x", min_length=1, max_length=5, value="x")),
    label(select(custom_id="s", required=False)),
    label({"type": 22, "custom_id": "c", "options": options(2), "min_values": 1}),
    label({"type": 19, "custom_id": "f", "min_values": 1, "max_values": 2}),
)
TREE = [
    command(
        option(choices=choices(2), name_localizations={"de": "male"}),
        option(4, "steps", min_value=1, max_value=5),
        contexts=[0],
    ),
    command(option(2, "quota", options=[option(1, "set", options=[option()])]), name="admin"),
    {"type": 2, "name": "Show Recipe"},
]


def spoiled(body: Any) -> Iterator[Any]:
    """Yield the body with each value replaced in turn by each kind of junk."""
    for junk in JUNK:
        yield junk
        for steps in list(_paths(body)):
            changed = copy.deepcopy(body)
            place = changed
            for step in steps[:-1]:
                place = place[step]
            place[steps[-1]] = copy.deepcopy(junk)
            yield changed


def _paths(value: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if steps:
        yield steps
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _paths(each, (*steps, name))
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from _paths(each, (*steps, position))


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (post, PLAIN),
        (edit, PLAIN),
        (post, LAYOUT),
        (edit, LAYOUT),
        (show, FORM),
        (register, TREE),
        (suggest, {"choices": [{"name": "x", "value": 1}]}),
    ],
)
def test_junk_is_passed_or_refused(check: Callable[[Any], None], body: Any):
    """A body with any value replaced by junk is accepted or cleanly refused."""
    refused = 0
    for changed in spoiled(body):
        try:
            check(changed)
        except ApiError as error:
            refused += 1
            assert error.body()["message"]
    assert refused > len(JUNK)
