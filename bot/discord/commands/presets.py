"""/preset: save settings by name, list, show, copy and delete them."""

from __future__ import annotations

from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.accounts.presets import MAX_NAME_CHARS
from bot.discord.commands.options import CHOICES, cut
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.request.outcomes import Refused
from bot.request.presets import MAX_PRESET_CHARS
from bot.wording import presets as presets_wording

Name = Range[str, 1, MAX_NAME_CHARS]
Settings = Range[str, 1, MAX_PRESET_CHARS]
Code = Range[str, 1, 20]

_WHICH = locale_str("Which preset")


def preset_commands(services: Services) -> app_commands.Group:
    """Return the group /preset, bound to these services."""
    preset = app_commands.Group(
        name="preset", description=locale_str("Settings that you save by a name")
    )

    @preset.command(description=locale_str("Save settings by a name"))
    @app_commands.describe(
        name=locale_str("A name of your choice; one that you have is replaced"),
        settings=locale_str("Words and flags, such as: soft light --ar 16:9 --no text"),
    )
    async def save(interaction: Interaction, name: Name, settings: Settings) -> None:
        outcome = await services.presets.save(actor_of(interaction), name, settings)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            await _tell(interaction, presets_wording.saved(outcome, words_of(interaction)))

    @preset.command(name="list", description=locale_str("Your presets, with their codes"))
    async def list_(interaction: Interaction) -> None:
        found = await services.presets.listed(actor_of(interaction))
        await _tell(interaction, presets_wording.listed(found, words_of(interaction)))

    @preset.command(description=locale_str("Show a preset, and the code to share it"))
    @app_commands.describe(name=_WHICH)
    async def show(interaction: Interaction, name: Name) -> None:
        found = await services.presets.find(actor_of(interaction), name)
        if isinstance(found, Refused):
            await refuse(interaction, found)
        else:
            await _tell(interaction, presets_wording.shown(found, words_of(interaction)))

    @preset.command(description=locale_str("Save a copy of somebody's preset"))
    @app_commands.describe(
        code=locale_str("The code that they gave you"),
        name=locale_str("What to call it (default: as they do)"),
    )
    async def copy(interaction: Interaction, code: Code, name: Name | None = None) -> None:
        outcome = await services.presets.copy(actor_of(interaction), code, name)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            await _tell(interaction, presets_wording.saved(outcome, words_of(interaction)))

    @preset.command(description=locale_str("Delete a preset"))
    @app_commands.describe(name=_WHICH)
    async def delete(interaction: Interaction, name: Name) -> None:
        outcome = await services.presets.delete(actor_of(interaction), name)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            await _tell(interaction, presets_wording.deleted(outcome, words_of(interaction)))

    for command in (show, delete):
        suggest_presets(command, services, "name")
    return preset


async def _tell(interaction: Interaction, text: str) -> None:
    """Answer privately with a text that has words of a member's."""
    await reply_privately(interaction, discord.utils.escape_mentions(text))


def suggest_presets(
    command: app_commands.Command[Any, ..., None], services: Services, option: str = "preset"
) -> None:
    """Suggest the member's presets while they type in `option`."""

    async def presets(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        found = await services.presets.matching(actor_of(interaction), current)
        return [
            Choice(name=cut(f"{each.name}: {each.line}"), value=each.name)
            for each in found[:CHOICES]
        ]

    command.autocomplete(option)(presets)
