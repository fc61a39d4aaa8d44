"""Application commands and their options."""

from __future__ import annotations

from typing import Any

from tests.bot.playground.rules.components import Json


def command(*options: Json, **fields: Any) -> Json:
    """Return a slash command with these fields changed."""
    return {"name": "imagine", "description": "Paint.", "options": list(options)} | fields


def option(kind: int = 3, name: str = "prompt", **fields: Any) -> Json:
    """Return an option, a string by default."""
    return {"type": kind, "name": name, "description": "What."} | fields


def menu(kind: int = 2, **fields: Any) -> Json:
    """Return a context menu command."""
    return {"type": kind, "name": "Show Recipe"} | fields


def choices(count: int, value: Any = None) -> list[Json]:
    """Return this many choices, of strings by default."""
    return [{"name": f"No. {n}", "value": str(n) if value is None else value} for n in range(count)]


def named(name: Any) -> Json:
    """Return a slash command with this name."""
    return command(name=name)


def heavy(characters: int) -> Json:
    """Return a command with this many characters, most of them in choices."""
    rest = characters - len("imagine") - len("Paint.") - len("prompt") - len("What.")
    parts: list[Json] = []
    options = [option(choices=parts)]
    for number in range(60):
        if number % 25 == 24:
            parts = []
            name = f"p{len(options)}"
            rest -= len(name) + len("What.")
            options.append(option(name=name, choices=parts))
        pair = min(200, rest)
        half = max(1, pair // 2)
        parts.append({"name": "n" * half, "value": "v" * (pair - half)})
        rest -= pair
        if rest <= 0:
            break
    return command(*options)
