"""Threads under messages: at most one per message, with the message's own id."""

from __future__ import annotations

from typing import Final

from bot.playground import errors
from bot.playground.errors import Form
from bot.playground.model import Channel, ChannelType
from bot.playground.rest.finding import the_channel, the_message
from bot.playground.rest.gate import Call, Reply
from bot.playground.rules.fields import THREAD, unknown_fields
from bot.playground.rules.grammar import check
from bot.playground.shapes import channel_json, iso

_REST_MIN: Final = (60, 1440, 4320, 10080)
"""The auto-archive durations that Discord accepts, in minutes."""


async def open_under_message(call: Call) -> Reply:
    """POST /channels/{channel_id}/messages/{message_id}/threads"""
    world, json = call.standin.world, call.body.json
    channel = the_channel(call, needs=("CREATE_PUBLIC_THREADS", "READ_MESSAGE_HISTORY"))
    if channel.type is not ChannelType.TEXT:
        raise errors.WRONG_CHANNEL_TYPE.error()
    message = the_message(call, channel)
    call.problems += unknown_fields(json, THREAD)
    form = Form()
    check(json, THREAD, (), form)
    if json.get("auto_archive_duration") not in (None, *_REST_MIN):
        form.add(("auto_archive_duration",), "BASE_TYPE_CHOICES", f"Must be one of {_REST_MIN}.")
    form.check()
    if world.channel(message.id) is not None:
        raise errors.THREAD_EXISTS.error()
    not_full(call, channel)
    thread = Channel(
        message.id,
        ChannelType.PUBLIC_THREAD,
        json["name"],
        channel.guild_id,
        parent_id=channel.id,
        owner_id=call.standin.bot.id,
        created_at=world.clock(),
    )
    world.create_channel(thread)
    return Reply(201, channel_json(thread, world))


async def member(call: Call) -> Reply:
    """GET /channels/{channel_id}/thread-members/{user_id}"""
    thread = the_channel(call)
    if not thread.is_thread:
        raise errors.WRONG_CHANNEL_TYPE.error()
    user_id = call.number("user_id")
    if user_id not in thread.members:
        raise errors.UNKNOWN_MEMBER.error()
    return Reply(
        200,
        {
            "id": str(thread.id),
            "user_id": str(user_id),
            "join_timestamp": iso(thread.created_at or call.standin.world.clock()),
            "flags": 0,
        },
    )


def not_full(call: Call, channel: Channel) -> None:
    """Raise ApiError if the channel's server has reached its limit of active threads."""
    guild = call.standin.world.guild_of(channel)
    if guild is None:
        return
    active = sum(each.is_thread and not each.archived for each in guild.channels.values())
    if active >= guild.thread_limit:
        raise errors.TOO_MANY_THREADS.error()
