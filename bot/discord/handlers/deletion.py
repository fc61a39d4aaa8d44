"""Deletion of pictures, with every message that shows them or links to them."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import discord
import structlog

from bot.discord.interaction.error_codes import ErrorCode
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    words_of,
)
from bot.discord.interaction.rest import remove_message
from bot.discord.interaction.services import Services
from bot.discord.views.permutations import closed_layout
from bot.pictures.gallery import MessageRef
from bot.request.outcomes import Refused
from storage.types import StoredPicture

log = structlog.get_logger(__name__)


async def delete(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Delete all pictures of a message with their files, then the message and the links to it."""
    outcome = await services.gallery.erase_all(actor_of(interaction), picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    for each in outcome:  # moderators must not see it on a report's card either
        services.report_notifier.wake(each.id)
    pressed, message_refs = interaction.message, await services.gallery.messages_of(outcome[0])
    result = next(iter(message_refs), None)
    on_result = pressed is not None and result is not None and pressed.id == result.message_id
    on_panel = pressed is not None and pressed.flags.ephemeral and not on_result
    await interaction.response.defer()
    try:
        if on_panel:
            await _delete_message(interaction, outcome[0], result)
        else:
            await _delete_pressed(interaction, outcome[0], result)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("message not deleted", picture=picture_id, error=str(error)[:200])
        deleted = False
    else:
        deleted = True
    # The bot cannot delete a private status message; only the requester can dismiss it.
    await _delete_links(interaction, outcome[0], () if outcome[0].private else message_refs[1:])
    say = words_of(interaction)
    text = say("The picture was deleted.")
    if not deleted:
        text = say("The picture was deleted. Please delete the message yourself.")
    if on_panel:
        view = closed_layout(text)
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)
    elif not deleted:
        await interaction.followup.send(text, ephemeral=True)


async def _delete_message(
    interaction: Interaction, picture: StoredPicture, message_ref: MessageRef | None
) -> None:
    """Delete a message about a picture, if there is one."""
    if message_ref is not None:
        guild_id = picture.place.guild_id
        channel_id, message_id = message_ref.channel_id, message_ref.message_id
        await remove_message(interaction.client, guild_id, channel_id, message_id)


async def _delete_links(
    interaction: Interaction, picture: StoredPicture, message_refs: Sequence[MessageRef]
) -> None:
    """Delete the messages that link to the result; a link that cannot be deleted does no harm."""
    for message_ref in message_refs:
        try:
            await _delete_message(interaction, picture, message_ref)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("link not deleted", picture=picture.id, error=str(error)[:200])


async def _delete_pressed(
    interaction: Interaction, picture: StoredPicture, result: MessageRef | None
) -> None:
    """Delete the message whose button was pressed.

    An interaction's token cannot delete from an archived thread, so the bot's own account does it
    there.
    """
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        if error.code != ErrorCode.THREAD_ARCHIVED:
            raise
        await _delete_message(interaction, picture, result)
