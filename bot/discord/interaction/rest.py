"""Taking messages of ours away, also out of threads that Discord has put away."""

from __future__ import annotations

import discord

from bot.discord.interaction.error_codes import ErrorCode


async def remove_message(
    client: discord.Client, guild_id: int, channel_id: int, message_id: int
) -> None:
    """Delete a message of the bot's; a thread is brought back first where it has to be.

    Raises discord.HTTPException, as where the thread is locked, and what the way there raises.
    """
    channel = client.get_partial_messageable(channel_id, guild_id=guild_id)
    message = channel.get_partial_message(message_id)
    try:
        await message.delete()
    except discord.HTTPException as error:
        # After a day without a message nothing in a thread can be changed, until it is back.
        if error.code != ErrorCode.THREAD_ARCHIVED:
            raise
        await client.http.edit_channel(channel_id, archived=False)
        await message.delete()
