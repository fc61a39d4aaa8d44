"""Apps → Recipe and Apps → Reroll, on any message with a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.handlers.details import (
    can_read_of,
    edit_reply,
    recipe_file_of,
    show_details,
    show_found,
)
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.pictures.inspection import PictureDetails
from bot.request.outcomes import Refused

FILES_READ = 4
"""So many files of a message are looked into, until one has a recipe."""


def message_menus(services: Services) -> list[app_commands.ContextMenu]:
    """What the menu of a message offers, bound to these services."""

    async def recipe(interaction: Interaction, message: discord.Message) -> None:
        found = await _painted(interaction, services, message)
        if found is None:
            await _read(interaction, services, message)
        else:
            await show_details(interaction, found)

    async def reroll(interaction: Interaction, message: discord.Message) -> None:
        found = await _painted(interaction, services, message)
        if found is None:
            await _read(interaction, services, message)
        elif isinstance(found, Refused):
            await refuse(interaction, found)
        elif await can_deliver_here(interaction):
            assert found.picture is not None
            outcome = await services.generation.reroll(
                actor_of(interaction), picture=str(found.picture.id), anyones=True, whole=True
            )
            await answer(interaction, services, outcome)

    return [
        app_commands.ContextMenu(name=locale_str("Recipe"), callback=recipe),
        app_commands.ContextMenu(name=locale_str("Reroll"), callback=reroll),
    ]


async def _painted(
    interaction: Interaction, services: Services, message: discord.Message
) -> PictureDetails | Refused | None:
    names = list(shown_files(message))
    return await services.inspection.of_message(actor_of(interaction), message.id, names)


async def _read(interaction: Interaction, services: Services, message: discord.Message) -> None:
    """What the files of somebody else's message say of themselves: the first that has a recipe."""
    forwarded = [file for each in message.message_snapshots for file in each.attachments]
    files = [*message.attachments, *forwarded][:FILES_READ]
    if not files:
        say = words_of(interaction)
        await edit_reply(interaction, say("This message has no picture of mine and no PNG file."))
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor, sees = actor_of(interaction), can_read_of(interaction)
    outcomes = []
    for file in files:
        found = await services.inspection.read_file(actor, recipe_file_of(file), sees)
        if isinstance(found, PictureDetails):
            await show_found(interaction, found)
            return
        outcomes.append(found)
    await show_found(interaction, outcomes[0])


def shown_files(message: discord.Message) -> Iterator[str]:
    """The names of all files that a message shows, those in layouts too."""
    for attachment in message.attachments:
        yield attachment.filename
    for part in _parts(message.components):
        if isinstance(part, discord.MediaGalleryComponent):
            for item in part.items:
                yield urlsplit(item.media.url).path.rpartition("/")[2]


def _parts(components: Iterable[Any]) -> Iterator[Any]:
    for component in components:
        yield component
        yield from _parts(getattr(component, "children", ()))
