"""The buttons. They live for ever: all they need is in their custom_id and the database."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any, Self

import discord
import structlog
from discord import ui

from bot.discord.answers import (
    NO_MENTIONS,
    Interaction,
    answer,
    can_deliver_here,
    person_of,
    refuse,
    say_cancelled,
    turn_away,
    words_of,
)
from bot.discord.custom_ids import PATTERN, Act
from bot.discord.errors import explain
from bot.discord.messenger import fitting
from bot.discord.panels import queue_layout
from bot.discord.present import history_layout, shown_layout
from bot.discord.showing import eyes_of, show_details
from bot.services import Services
from bot.studio.outcomes import Refused

log = structlog.get_logger(__name__)


def button_class(services: Services) -> type[ui.DynamicItem[Any]]:
    """A DynamicItem bound to these services, to be registered with the client."""

    class PictureButton(ui.DynamicItem[ui.Button[ui.LayoutView]], template=PATTERN):
        """Any of our buttons, rebuilt from its custom_id when it is pressed."""

        def __init__(self, item: ui.Button[ui.LayoutView], act: Act, row_id: int) -> None:
            super().__init__(item)
            self.act = act
            self.row_id = row_id

        @classmethod
        async def from_custom_id(
            cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
        ) -> Self:
            assert isinstance(item, ui.Button)
            return cls(item, Act(match["act"]), int(match["id"]))

        async def callback(self, interaction: Interaction) -> None:
            try:
                await press(interaction, services, self.act, self.row_id)
            except Exception as error:
                # discord.py would only log what a DynamicItem raises.
                await explain(interaction, error)

    return PictureButton


async def press(interaction: Interaction, services: Services, act: Act, row_id: int) -> None:
    """Do what the button says."""
    if not services.serves(interaction.guild_id):
        await turn_away(interaction)
        return
    match act:
        case Act.REROLL:
            await _reroll(interaction, services, row_id)
        case Act.DELETE:
            await _delete(interaction, services, row_id)
        case Act.CANCEL:
            outcome = await services.endings.cancel(person_of(interaction), str(row_id))
            await say_cancelled(interaction, outcome)
        case Act.SHOW:
            await _show(interaction, services, row_id)
        case Act.OLDER | Act.NEWER:
            page = await services.album.page(person_of(interaction), row_id)
            view = history_layout(page, words_of(interaction))
            await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
        case Act.DETAILS:
            found = await services.lookup.details(
                person_of(interaction), row_id, eyes_of(interaction)
            )
            await show_details(interaction, found)
        case Act.AGAIN:
            await _again(interaction, services, row_id)
        case Act.QUEUE:
            person = person_of(interaction)
            own, whole = services.lookup.queue_of(person), services.lookup.everybodys_queue(person)
            view = queue_layout(own, whole, words_of(interaction))
            await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)


async def _reroll(interaction: Interaction, services: Services, picture_id: int) -> None:
    if await can_deliver_here(interaction):
        outcome = await services.painter.reroll(
            person_of(interaction), picture=str(picture_id), anyones=True, whole=True
        )
        await answer(interaction, services, outcome)


async def _again(interaction: Interaction, services: Services, picture_id: int) -> None:
    """The very same picture once more, at the cost of who asks."""
    if not await can_deliver_here(interaction):
        return
    person = person_of(interaction)
    found = await services.lookup.details(person, picture_id, eyes_of(interaction))
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    seed = found.recipe.request.seed
    outcome = await services.painter.reroll(
        person, picture=str(picture_id), seed=seed, anyones=True
    )
    await answer(interaction, services, outcome)


async def _show(interaction: Interaction, services: Services, picture_id: int) -> None:
    found = await services.album.show(person_of(interaction), picture_id)
    if isinstance(found, Refused):
        await refuse(interaction, found)
        return
    picture, path = found
    name, data = await asyncio.to_thread(fitting, path, path.name, interaction.filesize_limit)
    await interaction.response.send_message(
        view=shown_layout(picture, name, words_of(interaction)),
        file=discord.File(io.BytesIO(data), name),
        ephemeral=True,
        allowed_mentions=NO_MENTIONS,
    )


async def _delete(interaction: Interaction, services: Services, picture_id: int) -> None:
    outcome = await services.album.erase_all(person_of(interaction), picture_id)
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    await interaction.response.defer()
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        log.warning("message not deleted", picture=picture_id, status=error.status)
        say = words_of(interaction)
        await interaction.followup.send(
            say("The picture is deleted; please delete the message yourself."), ephemeral=True
        )
