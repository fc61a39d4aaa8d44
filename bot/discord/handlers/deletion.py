"""Deletion of pictures, with every message that shows them or links to them."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import discord
import structlog

from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.rest import remove_message
from bot.discord.interaction.services import Services
from bot.discord.views.permutations import closed_layout
from bot.discord.views.pictures import deletion_layout
from bot.pictures.gallery import MessageRef
from bot.request.outcomes import Refused
from storage.types import StoredPicture

log = structlog.get_logger(__name__)


async def ask(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Ask back privately before a deletion, on the panel behind More if it was pressed there."""
    actor = actor_of(interaction)
    allowed = await services.gallery.deletable(actor, picture_id)
    if isinstance(allowed, Refused):
        await refuse(interaction, allowed)
        return
    view = deletion_layout(allowed, picture_id, words_of(interaction))
    refs = await services.gallery.messages_of(allowed.pictures[0])
    if _is_panel(interaction, refs):
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await reply_layout_privately(interaction, view)


async def keep(interaction: Interaction, _services: Services, _picture_id: int) -> None:
    """Close the question; nothing is deleted."""
    say = words_of(interaction)
    view = closed_layout(say("Nothing was deleted."))
    await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


def _is_panel(interaction: Interaction, refs: Sequence[MessageRef]) -> bool:
    """Return whether the pressed button is on a panel, which only the member sees.

    The result of a private job is as private, but it is no panel.
    """
    pressed, result = interaction.message, next(iter(refs), None)
    on_result = pressed is not None and result is not None and pressed.id == result.message_id
    return pressed is not None and pressed.flags.ephemeral and not on_result


async def delete(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Delete all pictures of a job with their files, then the message and the links to it.

    The outcome takes the place of the question.
    """
    outcome = await services.gallery.erase_all(actor_of(interaction), picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    for each in outcome:  # moderators must not see it on a report's card either
        services.report_notifier.wake(each.id)
    message_refs = await services.gallery.messages_of(outcome[0])
    await interaction.response.defer()
    say = words_of(interaction)
    text = say("The picture was deleted.")
    try:
        await _delete_message(interaction, outcome[0], next(iter(message_refs), None))
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("message not deleted", picture=picture_id, error=str(error)[:200])
        text = say("The picture was deleted. Please delete the message yourself.")
    # The bot cannot delete a private status message; only the requester can dismiss it.
    await _delete_links(interaction, outcome[0], () if outcome[0].private else message_refs[1:])
    await interaction.edit_original_response(view=closed_layout(text), allowed_mentions=NO_MENTIONS)


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
