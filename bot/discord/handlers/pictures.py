"""Buttons that show, copy or mark a single picture, and the panel behind More."""

from __future__ import annotations

import asyncio
import io

import discord

from bot.delivery.attachments import fit_file_to_limit
from bot.discord.handlers.details import edit_reply
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.jobs import more_layout, picture_layout
from bot.request.outcomes import Refused
from bot.wording.delivery import copy_result


async def show(
    interaction: Interaction, services: Services, picture_id: int, *, anyones: bool
) -> None:
    """Show a picture ephemerally. anyones: pictures of other members are shown too."""
    outcome = await services.gallery.show(actor_of(interaction), picture_id, anyones=anyones)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    picture, path = outcome
    await interaction.response.defer(ephemeral=True, thinking=True)
    name, data = await asyncio.to_thread(
        fit_file_to_limit, path, path.name, interaction.filesize_limit
    )
    await interaction.edit_original_response(
        view=picture_layout(picture, name, words_of(interaction)),
        attachments=[discord.File(io.BytesIO(data), name)],
        allowed_mentions=NO_MENTIONS,
    )


async def show_more(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Open the panel behind More."""
    allowed = await services.gallery.allowed_actions(actor_of(interaction), picture_id)
    if isinstance(allowed, Refused):
        await refuse(interaction, allowed)
    else:
        await reply_layout_privately(
            interaction, more_layout(allowed, picture_id, words_of(interaction))
        )


async def set_favourite(
    interaction: Interaction, services: Services, picture_id: int, *, favourite: bool
) -> None:
    """Mark or unmark a favourite, and update the panel behind More that holds the button."""
    actor = actor_of(interaction)
    marked = await services.gallery.set_favourite(actor, picture_id, favourite=favourite)
    allowed = (
        marked
        if isinstance(marked, Refused)
        else await services.gallery.allowed_actions(actor, marked.id)
    )
    if isinstance(allowed, Refused):
        await refuse(interaction, allowed)
        return
    view = more_layout(allowed, picture_id, words_of(interaction))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def send_copy(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Send a copy of a picture by direct message to whoever pressed the button."""
    outcome = await services.gallery.show(actor_of(interaction), picture_id, anyones=True)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    copied = await services.copies.send(interaction.user.id, *outcome, str(interaction.locale))
    await edit_reply(interaction, copy_result(copied, words_of(interaction)))
