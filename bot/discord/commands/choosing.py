"""Suggestions while somebody types: rows by their number or their prompt."""

from __future__ import annotations

from collections.abc import Iterable

from discord.app_commands import Choice

CHOICE_CHARS = 100
CHOICES = 25


def choices(typed: str, rows: Iterable[tuple[int, str]]) -> list[Choice[str]]:
    """Those whose number or prompt holds what was typed so far."""
    wanted = typed.casefold().lstrip("#")
    found = []
    for row_id, prompt in rows:
        label = f"#{row_id} {prompt}"
        if wanted in label.casefold():
            cut = label if len(label) <= CHOICE_CHARS else label[: CHOICE_CHARS - 1] + "…"
            found.append(Choice(name=cut, value=str(row_id)))
    return found[:CHOICES]
