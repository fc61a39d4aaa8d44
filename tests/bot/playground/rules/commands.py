"""Application commands and their options."""

from __future__ import annotations

from typing import Any

from tests.bot.playground.rules.components import Json


def command(*options: Json, **fields: Any) -> Json:
    """A slash command, changed as told."""
    return {"name": "imagine", "description": "Paint.", "options": list(options)} | fields


def option(kind: int = 3, name: str = "prompt", **fields: Any) -> Json:
    """An option, of text if nothing else is said."""
    return {"type": kind, "name": name, "description": "What."} | fields


def menu(kind: int = 2, **fields: Any) -> Json:
    """A command in a menu."""
    return {"type": kind, "name": "Show Recipe"} | fields


def choices(count: int, value: Any = None) -> list[Json]:
    """So many choices, of text if no value is given."""
    return [{"name": f"No. {n}", "value": str(n) if value is None else value} for n in range(count)]


def named(name: Any) -> Json:
    """A slash command of this name."""
    return command(name=name)


def heavy(characters: int) -> Json:
    """A command of so many characters, most of them in choices."""
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
