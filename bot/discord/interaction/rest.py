"""Deletion of the bot's own messages, also from archived threads."""

from __future__ import annotations

import discord

from bot.discord.interaction.error_codes import ErrorCode


async def remove_message(
    client: discord.Client, guild_id: int, channel_id: int, message_id: int
) -> None:
    """Delete one of the bot's messages, unarchiving its thread first if necessary.

    Raises discord.HTTPException, for example if the thread is locked, and connection errors.
    """
    channel = client.get_partial_messageable(channel_id, guild_id=guild_id)
    message = channel.get_partial_message(message_id)
    try:
        await message.delete()
    except discord.HTTPException as error:
        # An archived thread (by default after a day without messages) allows no changes.
        if error.code != ErrorCode.THREAD_ARCHIVED:
            raise
        await client.http.edit_channel(channel_id, archived=False)
        await message.delete()
