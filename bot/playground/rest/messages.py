"""Messages in channels: post, edit, read, delete."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from bot.playground import errors
from bot.playground.errors import Form
from bot.playground.event_dispatch import message_for_bot_json
from bot.playground.message_builder import apply_edit, draft
from bot.playground.model import Channel, Message, MessageFlag, MessageType
from bot.playground.permissions import has
from bot.playground.rest.finding import not_closed, the_channel, the_message
from bot.playground.rest.gate import Call, Reply
from bot.playground.rest.threads import not_full
from bot.playground.rules.fields import unknown_fields
from bot.playground.rules.messages import MESSAGES, MessageKind, check_message
from bot.playground.shapes import message_json

OLD: Final = timedelta(hours=1)
FORWARD: Final = 1
EDITS_WHEN_OLD: Final = 30
"""Edits per hour of a message over an hour old; Discord publishes no number. Chosen by hand."""


async def post(call: Call) -> Reply:
    """POST /channels/{channel_id}/messages"""
    standin, json = call.standin, call.body.json
    channel = the_channel(call)
    speak = "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES"
    needs = [speak]
    needs += ["ATTACH_FILES"] if call.body.parts else []
    needs += ["EMBED_LINKS"] if json.get("embeds") else []
    the_channel(call, needs=tuple(needs))
    limit_bytes = standin.world.filesize_limit(channel)
    call.problems += unknown_fields(json, MESSAGES[MessageKind.CHANNEL_POST])
    check_message(json, call.body.uploads(), kind=MessageKind.CHANNEL_POST, limit_bytes=limit_bytes)
    reference = _reference(call, channel)
    people = [each for each in channel.recipients if each != standin.bot.id]
    if not all(standin.world.can_message(standin.bot.id, each) for each in people):
        raise errors.CANNOT_SEND_TO_USER.error()
    not_closed(channel)
    if channel.archived:
        not_full(call, channel)
    made = await draft(standin.world, call.body)
    if reference is not None:
        made = replace(made, reference=reference, type=MessageType.REPLY)
    message = standin.world.post(channel, standin.bot.id, made)
    if standin.world.message(message.channel_id, message.id) is None:
        raise errors.UNKNOWN_MESSAGE.error()  # its nonce is that of a deleted one
    return Reply(200, message_json(message, standin.world, standin.base_url))


def _reference(call: Call, channel: Channel) -> dict[str, Any] | None:
    sent = call.body.json.get("message_reference")
    if not sent:
        return None
    if sent.get("type") == FORWARD:
        call.problems.append("The playground does not support forwarding.")
        raise errors.INVALID_FORM_BODY.error()
    original = call.standin.world.message(channel.id, int(sent["message_id"]))
    if original is None:
        if sent.get("fail_if_not_exists", True) is False:
            return None
        problems = Form()
        problems.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        problems.check()
    shape = {"type": 0, "channel_id": str(channel.id), "message_id": str(sent["message_id"])}
    return shape | ({"guild_id": str(channel.guild_id)} if channel.guild_id else {})


async def edit(call: Call) -> Reply:
    """PATCH /channels/{channel_id}/messages/{message_id}"""
    standin = call.standin
    channel = the_channel(call)
    message = the_message(call, channel)
    if message.author_id != standin.bot.id:
        raise errors.NOT_YOUR_MESSAGE.error()
    if channel.archived:
        raise errors.THREAD_ARCHIVED.error()
    if call.body.parts and not has(
        standin.world.permissions(channel, standin.bot.id), "ATTACH_FILES"
    ):
        raise errors.MISSING_PERMISSIONS.error()
    _count_old(call, message)
    call.problems += unknown_fields(call.body.json, MESSAGES[MessageKind.CHANNEL_EDIT])
    old = message_json(message, standin.world, standin.base_url)
    old["attachments"] = [{"id": str(a.id), "filename": a.filename} for a in message.attachments]
    limit_bytes = standin.world.filesize_limit(channel)
    check_message(
        call.body.json,
        call.body.uploads(),
        kind=MessageKind.CHANNEL_EDIT,
        old=old,
        limit_bytes=limit_bytes,
    )
    await apply_edit(standin.world, message, call.body)
    return Reply(200, message_json(message, standin.world, standin.base_url))


def _count_old(call: Call, message: Message) -> None:
    """Raise ApiError for too many edits of a message that is over an hour old."""
    now = call.standin.world.clock()
    if now - message.created_at <= OLD:
        return
    message.edits_when_old = [each for each in message.edits_when_old if now - each <= OLD]
    if len(message.edits_when_old) >= EDITS_WHEN_OLD:
        raise errors.TOO_MANY_OLD_EDITS.error()
    message.edits_when_old.append(now)


async def read(call: Call) -> Reply:
    """GET /channels/{channel_id}/messages/{message_id}"""
    channel = the_channel(call, needs=("READ_MESSAGE_HISTORY",))
    return Reply(200, message_for_bot_json(the_message(call, channel), call.standin))


async def read_many(call: Call) -> Reply:
    """GET /channels/{channel_id}/messages"""
    channel = the_channel(call)
    standin, query = call.standin, call.request.query
    if not has(standin.world.permissions(channel, standin.bot.id), "READ_MESSAGE_HISTORY"):
        return Reply(200, [])
    messages = [m for m in standin.world.messages(channel.id) if m.reader_id is None]
    problems = Form()
    limit = _count(query.get("limit", "50"))
    if limit is None or not 1 <= limit <= 100:
        problems.add(("limit",), "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    cursors = {name: _count(query[name]) for name in ("before", "after", "around") if name in query}
    for name, cursor in cursors.items():
        if cursor is None:
            problems.add((name,), "NUMBER_TYPE_COERCE", "Value is not a snowflake.")
    problems.check()
    assert limit is not None
    if (before := cursors.get("before")) is not None:
        messages = [m for m in messages if m.id < before]
    if (after := cursors.get("after")) is not None:
        messages = [m for m in messages if m.id > after][:limit]
    if (around := cursors.get("around")) is not None:
        earlier = [m for m in messages if m.id <= around][-(limit // 2 + 1) :]
        messages = [*earlier, *[m for m in messages if m.id > around][: limit // 2]]
    return Reply(
        200, [message_for_bot_json(message, standin) for message in reversed(messages[-limit:])]
    )


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


async def delete(call: Call) -> Reply:
    """DELETE /channels/{channel_id}/messages/{message_id}"""
    standin = call.standin
    channel = the_channel(call)
    message = the_message(call, channel)
    if message.author_id != standin.bot.id:
        the_channel(call, needs=("MANAGE_MESSAGES",))
    if channel.archived:
        raise errors.THREAD_ARCHIVED.error()
    standin.world.delete(message)
    return Reply(204)


async def typing(call: Call) -> Reply:
    """POST /channels/{channel_id}/typing"""
    channel = the_channel(call)
    the_channel(call, needs=("SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES",))
    return Reply(204)


def is_ephemeral(flags: object) -> bool:
    """Return whether a body's flags ask for an ephemeral message."""
    return isinstance(flags, int) and bool(flags & MessageFlag.EPHEMERAL)
