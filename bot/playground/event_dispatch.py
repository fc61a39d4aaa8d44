"""Sends changes of the world to the bot as gateway events, as far as its intents ask for them."""

from __future__ import annotations

from typing import Any

from bot.playground.model import ChannelType, Message
from bot.playground.protocol import DIRECT_MESSAGES, GUILD_MEMBERS, GUILD_MESSAGES, GUILDS
from bot.playground.shapes import (
    channel_json,
    guild_create_json,
    is_hidden,
    member_json,
    message_json,
    user_json,
)
from bot.playground.standin_parts import StandIn
from bot.playground.world import (
    ChannelChanged,
    Event,
    MemberChanged,
    MessageCreated,
    MessageDeleted,
)


def announce(event: Event, standin: StandIn) -> None:
    """Dispatch an event of the world."""
    if isinstance(event, ChannelChanged):
        _announce_channel(event, standin)
        return
    if isinstance(event, MemberChanged):
        _announce_member(event, standin)
        return
    message = event.message
    channel = standin.world.channel(message.channel_id)
    if channel is None or message.reader_id is not None or is_hidden(channel, standin.bot.id):
        return
    intent = DIRECT_MESSAGES if channel.type is ChannelType.DM else GUILD_MESSAGES
    place = {"guild_id": str(channel.guild_id)} if channel.guild_id else {}
    if isinstance(event, MessageDeleted):
        gone = {"id": str(message.id), "channel_id": str(channel.id), **place}
        standin.gateway.dispatch("MESSAGE_DELETE", gone, guild_id=channel.guild_id, intent=intent)
        return
    created = isinstance(event, MessageCreated)
    shape = message_for_bot_json(message, standin) | place
    member = standin.world.member(channel.guild_id, message.author_id)
    if member is not None:
        shape["member"] = {k: v for k, v in member_json(member).items() if k != "user"}
    name = "MESSAGE_CREATE" if created else "MESSAGE_UPDATE"
    standin.gateway.dispatch(name, shape, guild_id=channel.guild_id, intent=intent)


def _announce_channel(event: ChannelChanged, standin: StandIn) -> None:
    channel = event.channel
    if is_hidden(channel, standin.bot.id):
        return
    kind = "THREAD" if channel.is_thread else "CHANNEL"
    what = "DELETE" if event.gone else "CREATE" if event.fresh else "UPDATE"
    name = f"{kind}_{what}"
    shape = channel_json(channel, standin.world)
    if channel.is_thread and event.gone:
        shape = {key: shape[key] for key in ("id", "guild_id", "parent_id", "type")}
    standin.gateway.dispatch(name, shape, guild_id=channel.guild_id, intent=GUILDS)


def _announce_member(event: MemberChanged, standin: StandIn) -> None:
    """Announce a member; the bot's own arrival or removal is announced as that of the guild.

    Other members' events require an intent.
    """
    guild, member = event.guild, event.member
    if member.user.id == standin.bot.id:
        name = "GUILD_DELETE" if event.gone else "GUILD_CREATE"
        shape = {"id": str(guild.id)}  # without "unavailable": removed, not just an outage
        if not event.gone:
            shape = guild_create_json(guild, standin.world, standin.bot.id)
        standin.gateway.dispatch(name, shape, guild_id=guild.id, intent=GUILDS)
        return
    name = f"GUILD_MEMBER_{'REMOVE' if event.gone else 'ADD'}"
    shape = {"user": user_json(member.user)} if event.gone else member_json(member)
    shape |= {"guild_id": str(guild.id)}
    standin.gateway.dispatch(name, shape, guild_id=guild.id, intent=GUILD_MEMBERS)


def message_for_bot_json(message: Message, standin: StandIn) -> dict[str, Any]:
    """Return a message as the bot may read it; others' text needs an intent that it lacks."""
    shape = message_json(message, standin.world, standin.base_url)
    if message.author_id != standin.bot.id and standin.bot.id not in message.mentions:
        shape |= {"content": "", "embeds": [], "attachments": [], "components": []}
    return shape
