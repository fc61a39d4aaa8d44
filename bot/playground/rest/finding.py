"""Find what a path names, or refuse as Discord does."""

from __future__ import annotations

from bot.playground import errors
from bot.playground.model import Channel, Guild, Message
from bot.playground.permissions import has
from bot.playground.rest.gate import Call


def the_channel(call: Call, *, needs: tuple[str, ...] = ()) -> Channel:
    """Return the path's channel if the bot has these permissions there. Raises ApiError."""
    world, bot_id = call.standin.world, call.standin.bot.id
    channel = world.channel(call.number("channel_id"))
    if channel is None:
        raise errors.UNKNOWN_CHANNEL.error()
    can = world.permissions(channel, bot_id)
    if not has(can, "VIEW_CHANNEL"):
        raise errors.MISSING_ACCESS.error()
    if any(not has(can, name) for name in needs):
        raise errors.MISSING_PERMISSIONS.error()
    return channel


def the_message(call: Call, channel: Channel) -> Message:
    """Return the path's message; ephemeral ones are not found. Raises ApiError."""
    message = call.standin.world.message(channel.id, call.number("message_id"))
    if message is None or message.reader_id is not None:
        raise errors.UNKNOWN_MESSAGE.error()
    return message


def not_closed(channel: Channel) -> None:
    """Raise ApiError for a thread that a new message cannot reopen."""
    if channel.archived and channel.locked:
        raise errors.THREAD_ARCHIVED.error()


def still_there(call: Call, channel: Channel) -> None:
    """Raise ApiError if the channel of an interaction was deleted in the meantime."""
    if call.standin.world.channel(channel.id) is None:
        raise errors.UNKNOWN_CHANNEL.error()


def the_guild(call: Call) -> Guild:
    """Return the path's guild if the bot is a member of it. Raises ApiError."""
    guild = call.standin.world.guilds.get(call.number("guild_id"))
    if guild is None or call.standin.bot.id not in guild.members:
        raise errors.UNKNOWN_GUILD.error()
    return guild


def check_application(call: Call) -> None:
    """Raise ApiError unless the path's application is the bot's own."""
    if call.number("application_id") != call.standin.bot.id:
        raise errors.UNKNOWN_APPLICATION.error()
