"""The buttons. They live for ever: all they need is in their custom_id and the database."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

import aiohttp
import discord
import structlog
from discord import ui

from bot.delivery.copies import sentence
from bot.discord.handlers import moderation, permutations
from bot.discord.handlers.details import can_read_of, edit_reply, show_details
from bot.discord.handlers.history import turn_page
from bot.discord.handlers.queue import cancel_in_queue, show_queue
from bot.discord.handlers.variations import show_remix, upscale, vary
from bot.discord.interaction.error_handler import explain
from bot.discord.interaction.in_flight import InFlightInteractions
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    answer,
    can_deliver_here,
    refuse,
    reject_foreign_press,
    reject_server,
    reply_cancelled,
    reply_layout_privately,
    words_of,
)
from bot.discord.interaction.rest import THREAD_ARCHIVED, remove_message
from bot.discord.interaction.services import Services
from bot.discord.messenger import fitting
from bot.discord.views.custom_ids import PATTERN, PICKABLE, ComponentAction, parse
from bot.discord.views.jobs import more_layout, shown_layout
from bot.discord.views.permutations import closed_layout
from bot.pictures.gallery import MessageRef
from bot.request.outcomes import Refused
from bot.request.resolve import STRONG, SUBTLE
from storage.types import StoredPicture

log = structlog.get_logger(__name__)

_PICTURE_ACTS = PICKABLE - {ComponentAction.DETAILS, ComponentAction.REPORT} | {
    ComponentAction.MORE
}


def button_class(services: Services, in_flight: InFlightInteractions) -> type[ui.DynamicItem[Any]]:
    """A DynamicItem bound to these services, to be registered with the client."""

    class PictureButton(ui.DynamicItem[ui.Item[Any]], template=PATTERN):
        """Any of our buttons and menus, rebuilt from its custom_id when it is used."""

        def __init__(self, item: ui.Item[Any], action: ComponentAction, row_id: int) -> None:
            super().__init__(item)
            self.action = action
            self.row_id = row_id

        @classmethod
        async def from_custom_id(
            cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
        ) -> Self:
            return cls(item, ComponentAction(match["act"]), int(match["id"]))

        async def callback(self, interaction: Interaction) -> None:
            in_flight.begin()
            try:
                await press(interaction, services, self.action, self.row_id)
            except Exception as error:
                # discord.py would only log what a DynamicItem raises.
                await explain(interaction, error)

    return PictureButton


async def press(
    interaction: Interaction, services: Services, action: ComponentAction, row_id: int
) -> None:
    """Do what the button says, or the chosen option of the menu."""
    if not services.serves(interaction.guild_id):
        await reject_server(interaction)
        return
    if action is ComponentAction.PICK:
        chosen = picked(interaction)
        if chosen is None:
            await reject_foreign_press(interaction)
            return
        action, row_id = chosen
    if action in moderation.ACTS:
        await moderation.press(interaction, services, action, row_id)
        return
    if action in _PICTURE_ACTS:
        await _with_picture(interaction, services, action, row_id)
        return
    match action:
        case ComponentAction.REROLL:
            await _reroll(interaction, services, row_id)
        case ComponentAction.DELETE:
            await _delete(interaction, services, row_id)
        case ComponentAction.CANCEL:
            outcome = await services.cancellation.cancel(actor_of(interaction), str(row_id))
            await reply_cancelled(interaction, outcome)
        case ComponentAction.SHOW:
            await _show(interaction, services, row_id, anyones=False)
        case ComponentAction.OLDER | ComponentAction.NEWER:
            await turn_page(interaction, services, row_id, favourites=False)
        case ComponentAction.FAV_OLDER | ComponentAction.FAV_NEWER:
            await turn_page(interaction, services, row_id, favourites=True)
        case ComponentAction.DETAILS:
            found = await services.inspection.details(
                actor_of(interaction), row_id, can_read_of(interaction)
            )
            await show_details(interaction, found)
        case ComponentAction.AGAIN:
            await _again(interaction, services, row_id)
        case ComponentAction.QUEUE:
            await show_queue(interaction, services)
        case ComponentAction.UNQUEUE:
            await cancel_in_queue(interaction, services, row_id)
        case ComponentAction.PAINT:
            await permutations.paint(interaction, services, row_id)
        case ComponentAction.DECLINE:
            await permutations.decline(interaction, services, row_id)
        case _:
            await reject_foreign_press(interaction)


def picked(interaction: Interaction) -> tuple[ComponentAction, int] | None:
    """The act and the picture of the option that was chosen; None for what is no option of ours."""
    values = cast("Mapping[str, Any]", interaction.data or {}).get("values")
    chosen = parse(str(values[0])) if isinstance(values, list) and values else None
    return chosen if chosen is not None and chosen[0] in PICKABLE else None


async def _with_picture(
    interaction: Interaction, services: Services, action: ComponentAction, picture_id: int
) -> None:
    """What is done with one picture that the person sees before them."""
    picture = str(picture_id)
    match action:
        case ComponentAction.SUBTLE | ComponentAction.STRONG:
            amount = SUBTLE if action is ComponentAction.SUBTLE else STRONG
            await vary(interaction, services, amount, picture, anyones=True)
        case ComponentAction.UPSCALE:
            await upscale(interaction, services, picture, anyones=True)
        case ComponentAction.REMIX:
            await show_remix(interaction, services, picture, anyones=True)
        case ComponentAction.ORIGINAL:
            await _show(interaction, services, picture_id, anyones=True)
        case ComponentAction.COPY:
            await _copy(interaction, services, picture_id)
        case ComponentAction.FAVOUR | ComponentAction.UNFAVOUR:
            await _set_favourite(
                interaction, services, picture_id, favourite=action is ComponentAction.FAVOUR
            )
        case _:
            await _more(interaction, services, picture_id)


async def _reroll(interaction: Interaction, services: Services, picture_id: int) -> None:
    if await can_deliver_here(interaction):
        outcome = await services.generation.reroll(
            actor_of(interaction), picture=str(picture_id), anyones=True, whole=True
        )
        await answer(interaction, services, outcome)


async def _again(interaction: Interaction, services: Services, picture_id: int) -> None:
    """The very same picture once more, at the cost of who asks."""
    if not await can_deliver_here(interaction):
        return
    actor = actor_of(interaction)
    found = await services.inspection.details(actor, picture_id, can_read_of(interaction))
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    seed = found.recipe.request.seed
    outcome = await services.generation.reroll(
        actor, picture=str(picture_id), seed=seed, anyones=True
    )
    await answer(interaction, services, outcome)


async def _show(
    interaction: Interaction, services: Services, picture_id: int, *, anyones: bool
) -> None:
    found = await services.gallery.show(actor_of(interaction), picture_id, anyones=anyones)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    picture, path = found
    await interaction.response.defer(ephemeral=True, thinking=True)
    name, data = await asyncio.to_thread(fitting, path, path.name, interaction.filesize_limit)
    await interaction.edit_original_response(
        view=shown_layout(picture, name, words_of(interaction)),
        attachments=[discord.File(io.BytesIO(data), name)],
        allowed_mentions=NO_MENTIONS,
    )


async def _more(interaction: Interaction, services: Services, picture_id: int) -> None:
    allowed = await services.gallery.allowed_actions(actor_of(interaction), picture_id)
    if isinstance(allowed, Refused):
        await refuse(interaction, allowed)
    else:
        await reply_layout_privately(
            interaction, more_layout(allowed, picture_id, words_of(interaction))
        )


async def _set_favourite(
    interaction: Interaction, services: Services, picture_id: int, *, favourite: bool
) -> None:
    """The panel that the button stands on shows it; nothing else has such a button."""
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


async def _copy(interaction: Interaction, services: Services, picture_id: int) -> None:
    found = await services.gallery.show(actor_of(interaction), picture_id, anyones=True)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    await interaction.response.defer(ephemeral=True, thinking=True)
    copied = await services.copies.send(interaction.user.id, *found, str(interaction.locale))
    await edit_reply(interaction, sentence(copied, words_of(interaction)))


async def _delete(interaction: Interaction, services: Services, picture_id: int) -> None:
    outcome = await services.gallery.erase_all(actor_of(interaction), picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    for each in outcome:  # moderators who were told of it should not see it any longer either
        services.report_notifier.wake(each.id)
    pressed, message_refs = interaction.message, await services.gallery.messages_of(outcome[0])
    shown = next(iter(message_refs), None)
    on_result = pressed is not None and shown is not None and pressed.id == shown.message_id
    on_panel = pressed is not None and pressed.flags.ephemeral and not on_result
    await interaction.response.defer()
    try:
        if on_panel:
            await _delete_elsewhere(interaction, outcome[0], shown)
        else:
            await _delete_pressed(interaction, outcome[0], shown)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        log.warning("message not deleted", picture=picture_id, error=str(error)[:200])
        gone = False
    else:
        gone = True
    # What only its person sees they alone can dismiss.
    await _delete_others(interaction, outcome[0], () if outcome[0].private else message_refs[1:])
    say = words_of(interaction)
    text = say("The picture was deleted.")
    if not gone:
        text = say("The picture was deleted. Please delete the message yourself.")
    if on_panel:
        view = closed_layout(text)
        await interaction.edit_original_response(view=view, allowed_mentions=NO_MENTIONS)
    elif not gone:
        await interaction.followup.send(text, ephemeral=True)


async def _delete_elsewhere(
    interaction: Interaction, picture: StoredPicture, shown: MessageRef | None
) -> None:
    """Delete the message that shows a picture. A private one only its person can dismiss."""
    if shown is not None:
        guild_id = picture.place.guild_id
        await remove_message(interaction.client, guild_id, shown.channel_id, shown.message_id)


async def _delete_others(
    interaction: Interaction, picture: StoredPicture, message_refs: Sequence[MessageRef]
) -> None:
    """Delete what led to the message that showed a picture; a dead link harms nobody."""
    for message_ref in message_refs:
        try:
            await _delete_elsewhere(interaction, picture, message_ref)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            log.info("link not deleted", picture=picture.id, error=str(error)[:200])


async def _delete_pressed(
    interaction: Interaction, picture: StoredPicture, shown: MessageRef | None
) -> None:
    """Delete the message whose button was pressed; the token alone opens no thread again."""
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        if error.code != THREAD_ARCHIVED:
            raise
        await _delete_elsewhere(interaction, picture, shown)
