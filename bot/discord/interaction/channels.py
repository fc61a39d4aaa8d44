"""What the bot may do in channels that admins choose for its posts."""

from __future__ import annotations

from typing import Final

import discord

from storage.log_entries import LogEvent

_POSTING: Final = ("view_channel", "send_messages")
_MORE: Final = {
    # Nothing is looked for there: an announcement that may have arrived is not repeated.
    LogEvent.ANNOUNCEMENTS: (),
    LogEvent.REPORTS: ("read_message_history", "attach_files"),
}


def missing_for_posts(channel: discord.TextChannel, event: LogEvent) -> list[str]:
    """Return the permissions that the bot lacks to post such events in a channel."""
    can = channel.permissions_for(channel.guild.me)
    needed = (*_POSTING, *_MORE.get(event, ("read_message_history",)))
    return [each for each in needed if not getattr(can, each)]
