"""Choosing where events are posted: by command, on its panel and on that of the setup."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import discord

from bot.discord.interaction.channels import missing_for_posts
from bot.discord.interaction.responses import (
    NO_MENTIONS,
    Interaction,
    actor_of,
    refuse,
    reject_foreign_press,
    reply_layout_privately,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.log_channels import EVENTS, log_layout
from bot.request.outcomes import Refused
from bot.wording.log_channels import channel_chosen
from bot.wording.permissions import permission_names
from storage import audit_draft
from storage.log_entries import LogEvent


async def answer(
    interaction: Interaction,
    services: Services,
    event: LogEvent | None,
    channel: discord.TextChannel | None,
) -> None:
    """Answer /admin log: with the panel, unless it says both what is posted and where."""
    if channel is None:
        await _show(interaction, services, event)
    elif event is None:
        say = words_of(interaction)
        await reply_privately(interaction, say("Please say, too, what is to be posted there."))
    else:
        text = await choose(interaction, services, event, channel)
        if text is not None:
            await reply_privately(interaction, text)


async def pick_event(interaction: Interaction, services: Services, _row_id: int) -> None:
    """Show the channel of the kind of events that was picked on the panel."""
    values = menu_values(interaction)
    event = next((each for each in EVENTS if [each] == values), None)
    if event is None:
        await reject_foreign_press(interaction)
    else:
        await _update(interaction, services, event)


async def pick_channel(interaction: Interaction, services: Services, number: int) -> None:
    """Choose the channel of a kind of events on the panel; none chosen is none."""
    if number >= len(EVENTS):  # a later version's
        await reject_foreign_press(interaction)
        return
    text = await choose_picked(interaction, services, EVENTS[number])
    if text is not None:
        await _update(interaction, services, EVENTS[number], text)


async def choose_picked(
    interaction: Interaction, services: Services, event: LogEvent
) -> str | None:
    """Choose the channel that was picked on a menu, as `choose` does."""
    picked, channel = menu_ids(interaction), None
    if picked:
        found = interaction.guild and interaction.guild.get_channel(picked[0])
        if not isinstance(found, discord.TextChannel):
            refused = services.administration.log_channels.refusal(actor_of(interaction))
            if refused is not None:
                await refuse(interaction, refused)
                return None
            text = words_of(interaction)("Nothing was changed: I cannot see that channel.")
            await reply_privately(interaction, text)
            return None
        channel = found
    return await choose(interaction, services, event, channel)


async def choose(
    interaction: Interaction,
    services: Services,
    event: LogEvent,
    channel: discord.TextChannel | None,
) -> str | None:
    """Choose where a kind of events is posted, None = nowhere; returns what to say of it.

    None if it was refused, which was said.
    """
    actor, say = actor_of(interaction), words_of(interaction)
    service = services.administration.log_channels
    if (refused := service.refusal(actor)) is not None:
        await refuse(interaction, refused)
        return None
    if channel is not None and (missing := missing_for_posts(channel, event)):
        text = say(
            "Nothing was changed: I cannot post in {channel}. Missing permissions: {names}.",
            channel=channel.mention,
            names=permission_names(missing, say),
        )
        await reply_privately(interaction, text)
        return None
    audit_draft.says(event=event.value)
    if channel is not None:
        audit_draft.says(channel={"channel": channel.id})
    # Where a server has no language, it is the one that Discord says.
    said = str(interaction.guild_locale or interaction.locale)
    done = await service.choose(actor, event, None if channel is None else channel.id, said)
    if isinstance(done, Refused):
        await refuse(interaction, done)
        return None
    everyone = None if channel is None else channel.permissions_for(channel.guild.default_role)
    return channel_chosen(done, say, public=everyone is not None and everyone.view_channel)


def menu_values(interaction: Interaction) -> list[str]:
    """Return what was chosen on a menu."""
    values = cast("Mapping[str, Any]", interaction.data or {}).get("values")
    return [str(each) for each in values] if isinstance(values, list) else []


def menu_ids(interaction: Interaction) -> list[int]:
    """Return the ids of what was chosen on a menu of channels or roles."""
    return [int(each) for each in menu_values(interaction) if each.isdecimal()]


async def _show(interaction: Interaction, services: Services, event: LogEvent | None) -> None:
    chosen = await services.administration.log_channels.chosen(actor_of(interaction))
    if isinstance(chosen, Refused):
        await refuse(interaction, chosen)
    else:
        view = log_layout(chosen, event, words_of(interaction))
        await reply_layout_privately(interaction, view)


async def _update(
    interaction: Interaction, services: Services, event: LogEvent, notice: str = ""
) -> None:
    chosen = await services.administration.log_channels.chosen(actor_of(interaction))
    if isinstance(chosen, Refused):
        await refuse(interaction, chosen)
    else:
        view = log_layout(chosen, event, words_of(interaction), notice)
        await interaction.response.edit_message(view=view, allowed_mentions=NO_MENTIONS)
