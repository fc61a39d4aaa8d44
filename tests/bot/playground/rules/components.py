"""Builders for message components, and checks of messages made of them."""

from __future__ import annotations

from typing import Any

from bot.playground.model import MessageFlag
from bot.playground.rules.messages import MessageKind, check_message

Json = dict[str, Any]


def button(**fields: Any) -> Json:
    """Return a grey button with label and id, with these fields changed; None removes a field."""
    part = {"type": 2, "style": 2, "label": "Reroll", "custom_id": "reroll"} | fields
    return {name: each for name, each in part.items() if each is not None}


def buttons(count: int) -> list[Json]:
    """Return this many buttons with different ids."""
    return [button(custom_id=f"b{number}") for number in range(count)]


def row(*children: Json, **fields: Any) -> Json:
    """Return an action row."""
    return {"type": 1, "components": list(children)} | fields


def options(count: int, **fields: Any) -> list[Json]:
    """Return this many select options."""
    return [{"label": f"No. {n}", "value": str(n)} | fields for n in range(count)]


def select(**fields: Any) -> Json:
    """Return a string select with two options and these changes; None removes a field."""
    part = {"type": 3, "custom_id": "select", "options": options(2)} | fields
    return {name: each for name, each in part.items() if each is not None}


def words(content: Any = "words", **fields: Any) -> Json:
    """Return a text display."""
    return {"type": 10, "content": content} | fields


def picture(url: Any = "https://example.org/a.png", **fields: Any) -> Json:
    """Return one item of a media gallery."""
    return {"media": {"url": url}} | fields


def thumbnail(**fields: Any) -> Json:
    """Return a thumbnail of an external image."""
    return {"type": 11} | picture() | fields


def section(*children: Json, **fields: Any) -> Json:
    """Return a section with a thumbnail."""
    return {"type": 9, "components": list(children), "accessory": thumbnail()} | fields


def gallery(*items: Json) -> Json:
    """Return a media gallery."""
    return {"type": 12, "items": list(items)}


def box(*children: Json, **fields: Any) -> Json:
    """Return a container."""
    return {"type": 17, "components": list(children)} | fields


def post(*components: Any, flags: int = 0, **fields: Any) -> None:
    """Check a message with these components."""
    body = {"components": list(components), "flags": flags} | fields
    check_message(body, kind=MessageKind.CHANNEL_POST)


def post_v2(*components: Any) -> None:
    """Check a message with the flag IS_COMPONENTS_V2."""
    post(*components, flags=MessageFlag.IS_COMPONENTS_V2)
