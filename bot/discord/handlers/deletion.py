"""Deletion of pictures, with every message that shows them or links to them."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp
import discord
import structlog

from bot.discord.interaction.messages import file_names
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
from bot.pictures.filenames import is_picture_of
from bot.pictures.gallery import MessageRef
from bot.request.outcomes import Refused, UnknownPicture
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

_FAULTS = (discord.HTTPException, aiohttp.ClientError, OSError)


async def ask(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Ask back privately before a deletion, on the panel behind More if it was pressed there."""
    actor = actor_of(interaction)
    allowed = await services.deletion.deletable(actor, picture_id)
    if isinstance(allowed, Refused):
        await refuse(interaction, allowed)
        return
    view = deletion_layout(allowed, picture_id, words_of(interaction))
    refs = await services.gallery.messages_of(allowed.pictures[0], actor.channel_id)
    if _is_panel(interaction, refs):
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
    else:
        await reply_layout_privately(interaction, view)


async def keep(interaction: Interaction, services: Services, picture_id: int) -> None:
    """Close the question; nothing is deleted, unless Delete was pressed before or elsewhere."""
    say = words_of(interaction)
    kept = await services.deletion.deletable(actor_of(interaction), picture_id)
    gone = isinstance(kept, Refused) and isinstance(kept.reason, UnknownPicture)
    view = closed_layout(say("The picture was deleted.") if gone else say("Nothing was deleted."))
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
    outcome = await services.deletion.erase_all(actor, picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    for each in outcome:  # moderators must not see it on a report's card either
        services.report_notifier.wake(each.id)
    unanswered: Exception | None = None
    try:
        await interaction.response.defer()
    except _FAULTS as error:
        unanswered = error  # the pictures are gone already; their messages must not stay
    text = await _delete_messages(interaction, services, outcome[0])
    if unanswered is not None:
        raise unanswered
    await interaction.edit_original_response(view=closed_layout(text), allowed_mentions=NO_MENTIONS)


async def _delete_messages(
    interaction: Interaction, services: Services, picture: StoredPicture
) -> str:
    """Delete the messages about deleted pictures; return what to say."""
    say, direct_id = words_of(interaction), None
    try:
        direct_id = await _direct_channel(interaction, services, picture)
    except _FAULTS as error:
        log.warning("direct messages not opened", picture=picture.id, error=str(error)[:200])
    refs = await services.gallery.messages_of(picture, direct_id)
    shown, links = _to_delete(interaction, picture, refs)
    text = say("The picture was deleted.")
    try:
        await _delete_message(interaction, picture, shown)
    except _FAULTS as error:
        log.warning("message not deleted", picture=picture.id, error=str(error)[:200])
        if picture.private and direct_id is None:
            text = say("The picture was deleted. Please delete the message yourself.")
        elif not isinstance(error, discord.NotFound):  # else somebody has deleted it
            text = say(
                "The picture was deleted, but I could not delete its message. To try again, "
                "press {more} there.",
                more=say("More ▾"),
            )
    await _delete_links(interaction, picture, links)
    return text


async def _direct_channel(
    interaction: Interaction, services: Services, picture: StoredPicture
) -> int | None:
    """Return the direct messages that show a picture: those where its deletion was requested, or
    to which it was sent. They have no other way to get rid of it."""
    actor = actor_of(interaction)
    if actor.direct and picture.place.user_id == actor.user_id:
        return actor.channel_id
    if not await services.gallery.sent_directly(picture):
        return None
    return (await interaction.client.create_dm(discord.Object(picture.place.user_id))).id


async def remove_leftover(interaction: Interaction, services: Services, picture_id: int) -> bool:
    """Delete the pressed message if its pictures were deleted and it was left behind.

    Discord was in trouble then, or the bot was killed in between, or has no access, as in a private
    thread: there this press's token can delete it. Returns whether it was answered.
    """
    pressed = interaction.message
    if pressed is None or pressed.flags.ephemeral:
        return False
    actor, say = actor_of(interaction), words_of(interaction)
    job_id = await services.deletion.leftover_job(actor, picture_id)
    if job_id is None or not any(is_picture_of(job_id, name) for name in file_names(pressed)):
        return False
    await interaction.response.defer()
    text = say("This picture was deleted before, and now its message is, too.")
    try:
        try:
            await interaction.delete_original_response()
        except _FAULTS:
            await remove_message(interaction.client, actor.guild_id, pressed.channel.id, pressed.id)
    except _FAULTS as error:
        log.warning("message not deleted", picture=picture_id, error=str(error)[:200])
        text = say("This picture was deleted, but I cannot delete its message.")
    await interaction.followup.send(text, ephemeral=True, allowed_mentions=NO_MENTIONS)
    return True


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
        except _FAULTS as error:
            log.info("link not deleted", picture=picture.id, error=str(error)[:200])
