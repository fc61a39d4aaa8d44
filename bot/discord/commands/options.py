"""What is offered: rows by their number or their prompt while somebody types, and closed lists."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from discord.app_commands import Choice, locale_str

from bot.i18n import words
from bot.request.options import OPTIONS
from bot.wording.labels import choice_label
from engine.diffusion.families import Family
from engine.sizing import ASPECTS

CHOICE_CHARS = 100
CHOICES = 25


def picture_choices(typed: str, rows: Iterable[tuple[int, str]]) -> list[Choice[str]]:
    """Those whose number or prompt holds what was typed so far."""
    wanted = typed.casefold().lstrip("#")
    found = []
    for row_id, prompt in rows:
        label = f"#{row_id} {prompt}"
        if wanted in label.casefold():
            cut = label if len(label) <= CHOICE_CHARS else label[: CHOICE_CHARS - 1] + "…"
            found.append(Choice(name=cut, value=str(row_id)))
    return found[:CHOICES]


def option_descriptions() -> dict[str, locale_str]:
    """Return the descriptions of the options of /imagine that the table of options has."""
    return {each.name: locale_str(each.description) for each in OPTIONS if each.description}


def closed_choices(family: Family) -> dict[str, list[Choice[str]]]:
    """Return the values of the options of /imagine that are chosen from a list.

    Only what this family can do is offered; the names are translated by Discord's clients.
    """
    say = words()
    offered: dict[str, Iterable[StrEnum]] = {
        each.name: each.choices for each in OPTIONS if each.choices is not None
    }
    offered |= {"speed": family.speeds, "enhance": family.levels}
    return {
        "aspect": [Choice(name=ratio, value=ratio) for ratio in ASPECTS],
        **{
            name: [
                Choice(name=locale_str(choice_label(each, say)), value=each.value)
                for each in values
            ]
            for name, values in offered.items()
        },
    }
