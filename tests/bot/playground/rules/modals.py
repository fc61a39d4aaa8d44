"""Builders for modals and their parts."""

from __future__ import annotations

from typing import Any

from tests.bot.playground.rules.components import Json


def line(**fields: Any) -> Json:
    """Return a text input with these fields changed; None removes a field."""
    part = {"type": 4, "custom_id": "prompt", "style": 1} | fields
    return {name: each for name, each in part.items() if each is not None}


def label(child: Any = None, **fields: Any) -> Json:
    """Return a label around a component, a text input by default."""
    return {"type": 18, "label": "Prompt", "component": line() if child is None else child} | fields


def modal(*components: Json, **fields: Any) -> Json:
    """Return the data of a response that opens a modal."""
    shown = list(components) or [label()]
    return {"title": "Paint", "custom_id": "paint", "components": shown} | fields


def upload(**fields: Any) -> Json:
    """Return a file upload."""
    return {"type": 19, "custom_id": "files"} | fields


def five() -> list[Json]:
    """Return as many labels as fit."""
    return [label(line(custom_id=f"line {number}")) for number in range(5)]
