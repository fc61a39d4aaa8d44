"""The context menus Apps → Recipe, Reroll, Upscale and Report, for messages with a picture.

With Apps → Paint from this they are five, the most that discord.py 2.7.1 registers of a kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.discord.handlers.details import (
    edit_reply,
    recipe_file_of,
    show_details,
    show_file_details,
)
from bot.discord.handlers.moderation import show_report_form
from bot.discord.handlers.pictures import show_more
from bot.discord.handlers.variations import upscale_picture
from bot.discord.interaction.messages import file_names
from bot.discord.interaction.readable_channels import can_read_of
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.pictures.inspection import ForeignDetails, PictureDetails
from bot.request.outcomes import Refused

FILES_READ = 4
"""At most this many files of a message are searched for a recipe."""


def message_menus(services: Services) -> list[app_commands.ContextMenu]:
    """Return the message context menus, bound to these services."""

    async def recipe(interaction: Interaction, message: discord.Message) -> None:
        details = await _own_picture(interaction, services, message)
        if details is None:
            await _read_files(interaction, services, message)
        else:
            await show_details(interaction, details)

    async def reroll(interaction: Interaction, message: discord.Message) -> None:
        details = await _own_picture(interaction, services, message)
        if details is None:
            await _read_files(interaction, services, message)
        elif isinstance(details, Refused):
            await refuse(interaction, details)
        elif await can_deliver_here(interaction):
            assert details.picture is not None
            outcome = await services.rerolls.reroll(
                actor_of(interaction), picture=str(details.picture.id), anyones=True, whole=True
            )
            await answer(interaction, services, outcome)

    async def upscale(interaction: Interaction, message: discord.Message) -> None:
        await _act(interaction, services, message, upscale_picture)

    async def report(interaction: Interaction, message: discord.Message) -> None:
        await _act(interaction, services, message, show_report_form)

    return [
        app_commands.ContextMenu(name=locale_str("Recipe"), callback=recipe),
        app_commands.ContextMenu(name=locale_str("Reroll"), callback=reroll),
        app_commands.ContextMenu(name=locale_str("Upscale"), callback=upscale),
        app_commands.ContextMenu(name=locale_str("Report"), callback=report),
    ]


async def _act(
    interaction: Interaction,
    services: Services,
    message: discord.Message,
    act: Callable[[Interaction, Services, int], Awaitable[None]],
) -> None:
    """Do something with the picture of a message of ours; of several, ask which one is meant."""
    details = await _own_picture(interaction, services, message)
    if details is None:
        say = words_of(interaction)
        await reply_privately(interaction, say("This message has no picture of mine."))
    elif isinstance(details, Refused):
        await refuse(interaction, details)
    else:
        assert details.picture is not None
        chosen = act if len(details.series) <= 1 else show_more
        await chosen(interaction, services, details.picture.id)


async def _own_picture(
    interaction: Interaction, services: Services, message: discord.Message
) -> PictureDetails | Refused | None:
    names = list(file_names(message))
    return await services.inspection.of_message(actor_of(interaction), message.id, names)


async def _read_files(
    interaction: Interaction, services: Services, message: discord.Message
) -> None:
    """Show the recipe in the files of another user's message; the first file that has one
    counts."""
    forwarded = [file for each in message.message_snapshots for file in each.attachments]
    files = [*message.attachments, *forwarded][:FILES_READ]
    if not files:
        say = words_of(interaction)
        await edit_reply(interaction, say("This message has no picture of mine and no file."))
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    actor, sees = actor_of(interaction), can_read_of(interaction)
    outcomes = []
    for file in files:
        outcome = await services.inspection.read_file(actor, recipe_file_of(file), sees)
        if isinstance(outcome, PictureDetails | ForeignDetails):
            await show_file_details(interaction, services, outcome)
            return
        outcomes.append(outcome)
    await show_file_details(interaction, services, outcomes[0])
