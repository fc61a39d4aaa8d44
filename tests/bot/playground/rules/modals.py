"""Modals and their parts."""

from __future__ import annotations

from typing import Any

from tests.bot.playground.rules.components import Json


def line(**fields: Any) -> Json:
    """A text input, changed as told; None takes a field away."""
    part = {"type": 4, "custom_id": "prompt", "style": 1} | fields
    return {name: each for name, each in part.items() if each is not None}


def label(child: Any = None, **fields: Any) -> Json:
    """A label around a part, a text input if none is given."""
    return {"type": 18, "label": "Prompt", "component": line() if child is None else child} | fields


def modal(*components: Json, **fields: Any) -> Json:
    """The data of an answer that shows a modal."""
    shown = list(components) or [label()]
    return {"title": "Paint", "custom_id": "paint", "components": shown} | fields


def upload(**fields: Any) -> Json:
    """A place to put files."""
    return {"type": 19, "custom_id": "files"} | fields


def five() -> list[Json]:
    """As many labels as fit."""
    return [label(line(custom_id=f"line {number}")) for number in range(5)]
