"""What the bot may do in channels that admins choose for its posts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import discord

from storage.log_entries import LogEvent

_POSTING: Final = ("view_channel", "send_messages")
_LOOKED_FOR: Final = (*_POSTING, "read_message_history")
_WITH_FILES: Final = (*_LOOKED_FOR, "attach_files")
_OF_EVENTS: Final = {
    # Nothing is looked for there: an announcement that may have arrived is not repeated.
    LogEvent.ANNOUNCEMENTS: _POSTING,
    LogEvent.REPORTS: _WITH_FILES,
}


def missing_for_posts(channel: discord.TextChannel, event: LogEvent) -> list[str]:
    """Return the permissions that the bot lacks to post such events in a channel."""
    return _missing(channel, _OF_EVENTS.get(event, _LOOKED_FOR))


def missing_for_pictures(channel: discord.TextChannel) -> list[str]:
    """Return the permissions that the bot lacks to show pictures in a channel."""
    return _missing(channel, _WITH_FILES)


def _missing(channel: discord.TextChannel, needed: Sequence[str]) -> list[str]:
    can = channel.permissions_for(channel.guild.me)
    return [each for each in needed if not getattr(can, each)]
