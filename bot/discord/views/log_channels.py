"""Pure: the panel on which admins choose where events are posted, which is updated in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord
from discord import ui

from bot.discord.views.custom_ids import ComponentAction, custom_id
from bot.discord.views.markdown import layout
from bot.i18n import Words
from bot.wording.log_channels import EVENTS as NAMES
from bot.wording.log_channels import channel_lines
from storage.log_channels import LogChannel
from storage.log_entries import LogEvent

EVENTS: Final = (
    *(LogEvent.REPORTS, LogEvent.AUDIT, LogEvent.BLOCKS, LogEvent.FILTER, LogEvent.QUOTA),
    *(LogEvent.FAILURES, LogEvent.ERASURES, LogEvent.ANNOUNCEMENTS),
)
"""What LOG_CHANNEL is about, by its number. Old panels hold the numbers, so they never change."""


def log_layout(
    chosen: Sequence[LogChannel], event: LogEvent | None, say: Words, notice: str = ""
) -> ui.LayoutView:
    """Show where each kind of events is posted, with menus to change it.

    event: the kind that was picked, whose channel can be chosen now. notice: the outcome of a
    choice, shown first.
    """
    lines = [f"**{say('Where events are posted')}**", *channel_lines(chosen, say)]
    items: list[ui.Item[ui.LayoutView]] = []
    if notice:
        items += [ui.TextDisplay(notice), ui.Separator()]
    items += [ui.TextDisplay("\n".join(lines)), ui.ActionRow(_events(event, say))]
    if event is not None:
        items.append(ui.ActionRow(_channels(chosen, event, say)))
    return layout(*items)


def channel_menu(
    action: ComponentAction, number: int, channel_id: int | None, placeholder: str
) -> ui.ChannelSelect[ui.LayoutView]:
    """Return a menu of the channels that the bot can post in; none chosen is none."""
    return ui.ChannelSelect(
        custom_id=custom_id(action, number),
        channel_types=[discord.ChannelType.text, discord.ChannelType.news],
        placeholder=placeholder,
        min_values=0,
        max_values=1,
        default_values=[]
        if channel_id is None
        else [
            discord.SelectDefaultValue(id=channel_id, type=discord.SelectDefaultValueType.channel)
        ],
    )


def _events(event: LogEvent | None, say: Words) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        custom_id=custom_id(ComponentAction.LOG_EVENT, 0),
        placeholder=say("Choose what is posted"),
        options=[
            discord.SelectOption(label=say(NAMES[each]), value=each, default=each is event)
            for each in EVENTS
        ],
    )


def _channels(
    chosen: Sequence[LogChannel], event: LogEvent, say: Words
) -> ui.ChannelSelect[ui.LayoutView]:
    channel_id = next((each.channel_id for each in chosen if each.event is event), None)
    number = EVENTS.index(event)
    placeholder = say("The channel; none = it is posted nowhere")
    return channel_menu(ComponentAction.LOG_CHANNEL, number, channel_id, placeholder)
