"""Unknown fields, which Discord silently ignores, so that typing errors go unnoticed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.playground.errors import Path
from bot.playground.rules.choices import CHOICES
from bot.playground.rules.commands import COMMAND, COMMANDS
from bot.playground.rules.grammar import (
    Field,
    Fields,
    ValueKind,
    integer,
    object_with,
    required,
    text,
    union,
)
from bot.playground.rules.messages import MESSAGES, MessageKind
from bot.playground.rules.modals import MODAL

__all__ = [
    "CALLBACK",
    "COMMAND",
    "COMMANDS",
    "MESSAGES",
    "MODAL",
    "THREAD",
    "MessageKind",
    "unknown_fields",
]

_ANSWER: Final[Fields] = {"type": required(integer())}
_MESSAGE: Final[Fields] = _ANSWER | {"data": MESSAGES[MessageKind.CALLBACK]}
CALLBACK: Final[Field] = union(
    {
        1: _ANSWER,
        4: _MESSAGE,
        5: _MESSAGE,
        6: _MESSAGE,
        7: _MESSAGE,
        8: _ANSWER | {"data": object_with({"choices": CHOICES[3]})},
        9: _ANSWER | {"data": MODAL},
        12: _ANSWER,
    }
)
"""The whole body of an interaction response."""
THREAD: Final[Field] = required(
    object_with(
        {
            "name": required(text(1, 100)),
            "auto_archive_duration": integer(),
            "rate_limit_per_user": integer(0, 21600),
        }
    )
)
"""The body that creates a thread under a message."""


def unknown_fields(body: Any, shape: Field) -> list[str]:
    """Return one sentence for each field that its schema does not have, at any depth.

    shape: MESSAGES[kind], CALLBACK, MODAL, THREAD, COMMAND or COMMANDS.
    """
    return [
        f"{_place(path)}: Discord knows no field '{name}'" for path, name in _walk(body, shape, ())
    ]


def _walk(value: Any, shape: Field, path: Path) -> Iterator[tuple[Path, str]]:
    if shape.kind is ValueKind.LIST and isinstance(value, list) and shape.item is not None:
        for position, each in enumerate(value):
            yield from _walk(each, shape.item, (*path, position))
    if shape.kind is not ValueKind.OBJECT or not isinstance(value, Mapping):
        return
    fields: Mapping[str, Field] | None = shape.fields
    if shape.variants:
        kind = value.get("type")
        # Objects with an invalid type are refused, so their fields need no report.
        fields = shape.variants.get(kind) if type(kind) is int else None
        if fields is None:
            return
    for name, each in value.items():
        if name not in fields:
            yield path, str(name)
        else:
            yield from _walk(each, fields[name], (*path, name))


def _place(path: Path) -> str:
    """Format a path as in code: components[0].label."""
    words = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return words.removeprefix(".") or "body"
