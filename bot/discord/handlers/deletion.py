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
    refs = await services.gallery.messages_of(actor, allowed.pictures[0])
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
    actor = actor_of(interaction)
    outcome = await services.gallery.erase_all(actor, picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    for each in outcome:  # moderators must not see it on a report's card either
        services.report_notifier.wake(each.id)
    message_refs = await services.gallery.messages_of(actor, outcome[0])
    shown, links = _to_delete(interaction, outcome[0], message_refs)
    await interaction.response.defer()
    say = words_of(interaction)
    text = say("The picture was deleted.")
    try:
        await _delete_message(interaction, outcome[0], shown)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("message not deleted", picture=picture_id, error=str(error)[:200])
        text = (
            say("The picture was deleted, but I could not delete its message.")
            if actor.direct
            else say("The picture was deleted. Please delete the message yourself.")
        )
    await _delete_links(interaction, outcome[0], links)
    await interaction.edit_original_response(view=closed_layout(text), allowed_mentions=NO_MENTIONS)


def _to_delete(
    interaction: Interaction, picture: StoredPicture, refs: Sequence[MessageRef]
) -> tuple[MessageRef | None, Sequence[MessageRef]]:
    """Return the message that shows the pictures, and the others that can be deleted.

    The bot cannot delete a private status message on a server; only the requester can dismiss it.
    """
    if interaction.guild_id is None:
        here = [each for each in refs if each.channel_id == interaction.channel_id]
        elsewhere = [] if picture.private else [each for each in refs if each not in here]
        first, *others = [*here, *elsewhere] or [None]
        # It may be under a copy, which no table lists.
        opened_under = _message_of_panel(interaction)
        return first, [each for each in (*others, opened_under) if each not in (None, first)]
    return next(iter(refs), None), () if picture.private else refs[1:]


def _message_of_panel(interaction: Interaction) -> MessageRef | None:
    """Return the message below which the panel with the pressed button was opened."""
    panel, channel_id = interaction.message, interaction.channel_id
    metadata = None if panel is None else panel.interaction_metadata
    if metadata is None or metadata.interacted_message_id is None or channel_id is None:
        return None
    return MessageRef(channel_id, metadata.interacted_message_id)


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
