"""What the bot may do in channels that admins choose for its posts."""

from __future__ import annotations

from typing import Final

import discord

_POSTING: Final = ("view_channel", "send_messages", "read_message_history")


def missing_for_posts(channel: discord.TextChannel, *, files: bool) -> list[str]:
    """Return the permissions that the bot lacks to post in a channel. files: with pictures."""
    can = channel.permissions_for(channel.guild.me)
    needed = (*_POSTING, "attach_files") if files else _POSTING
    return [each for each in needed if not getattr(can, each)]
