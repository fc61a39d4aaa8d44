"""Autocomplete suggestions and fixed choices for command options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from discord import app_commands
from discord.app_commands import Choice, locale_str

from bot.discord.interaction.responses import Interaction, actor_of
from bot.discord.interaction.services import Services
from bot.i18n import words
from bot.wording.labels import level_name, speed_name, style_name
from engine.diffusion.families import Family
from engine.prompts import PictureStyle
from engine.sizing import ASPECTS

CHOICE_CHARS = 100
CHOICES = 25


def suggest_pictures(
    command: app_commands.Command[Any, ..., None], services: Services, option: str = "picture"
) -> None:
    """Suggest the member's newest pictures on this server while they type in `option`."""

    async def pictures(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        stored = await services.gallery.recent(actor_of(interaction))
        return matching_choices(current, ((each.id, each.prompt) for each in stored))

    command.autocomplete(option)(pictures)


def matching_choices(text: str, rows: Iterable[tuple[int, str]]) -> list[Choice[str]]:
    """Return choices for the rows whose number or prompt contains the typed text."""
    needle = text.casefold().lstrip("#")
    choices = []
    for row_id, prompt in rows:
        label = f"#{row_id} {prompt}"
        if needle in label.casefold():
            cut = label if len(label) <= CHOICE_CHARS else label[: CHOICE_CHARS - 1] + "…"
            choices.append(Choice(name=cut, value=str(row_id)))
    return choices[:CHOICES]


def closed_choices(family: Family) -> dict[str, list[Choice[str]]]:
    """Return the fixed choices of /imagine by option; Discord gets their names in every
    language."""
    say = words()
    return {
        "aspect": [Choice(name=ratio, value=ratio) for ratio in ASPECTS],
        "style": [
            Choice(name=locale_str(style_name(each, say)), value=each.value)
            for each in PictureStyle
        ],
        "speed": [
            Choice(name=locale_str(speed_name(each, say)), value=each.value)
            for each in family.speeds
        ],
        "enhance": [
            Choice(name=locale_str(level_name(each, say)), value=each.value)
            for each in family.levels
        ],
    }
