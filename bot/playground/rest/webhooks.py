"""Follow-ups and edits through an interaction's token."""

from __future__ import annotations

from bot.playground import errors
from bot.playground.interactions import Interaction, State
from bot.playground.message_builder import apply_edit, draft
from bot.playground.model import Message, MessageFlag
from bot.playground.rest.callbacks import old_json, post_for
from bot.playground.rest.finding import check_application, not_closed, still_there
from bot.playground.rest.gate import Call, Reply
from bot.playground.rest.messages import is_ephemeral
from bot.playground.rules.fields import unknown_fields
from bot.playground.rules.messages import MESSAGES, MessageKind, check_message
from bot.playground.shapes import message_json

ORIGINAL = "@original"


async def follow_up(call: Call) -> Reply:
    """POST /webhooks/{application_id}/{token}"""
    interaction = _interaction(call)
    standin = call.standin
    call.problems += unknown_fields(call.body.json, MESSAGES[MessageKind.WEBHOOK_POST])
    check_message(
        call.body.json,
        call.body.uploads(),
        kind=MessageKind.WEBHOOK_POST,
        limit_bytes=standin.world.filesize_limit(interaction.channel),
    )
    not_closed(interaction.channel)
    waiting = _loading(call, interaction)
    if waiting is not None:
        if is_ephemeral(call.body.json.get("flags")) and waiting.reader_id is None:
            call.problems.append(
                "The response was deferred publicly, so the ephemeral flag is ignored."
            )
        # The first follow-up to a deferred response replaces it and keeps its visibility.
        await apply_edit(standin.world, waiting, call.body, silent=True)
        _arrived(call, interaction)
        return Reply(200, message_json(waiting, standin.world, standin.base_url))
    made = await draft(standin.world, call.body)
    message = post_for(call, interaction, made, first=False)
    interaction.followups.append(message.id)
    return Reply(200, message_json(message, standin.world, standin.base_url))


async def read(call: Call) -> Reply:
    """GET /webhooks/{application_id}/{token}/messages/{message_id}"""
    message = _message(call, _interaction(call))
    return Reply(200, message_json(message, call.standin.world, call.standin.base_url))


async def edit(call: Call) -> Reply:
    """PATCH /webhooks/{application_id}/{token}/messages/{message_id}"""
    interaction = _interaction(call)
    message = _message(call, interaction)
    _not_archived(interaction)
    standin = call.standin
    call.problems += unknown_fields(call.body.json, MESSAGES[MessageKind.WEBHOOK_EDIT])
    check_message(
        call.body.json,
        call.body.uploads(),
        kind=MessageKind.WEBHOOK_EDIT,
        old=old_json(call, message),
        limit_bytes=standin.world.filesize_limit(interaction.channel),
    )
    was_loading = bool(message.flags & MessageFlag.LOADING)
    await apply_edit(standin.world, message, call.body, silent=was_loading)
    if was_loading:
        _arrived(call, interaction)
    return Reply(200, message_json(message, standin.world, standin.base_url))


async def delete(call: Call) -> Reply:
    """DELETE /webhooks/{application_id}/{token}/messages/{message_id}"""
    interaction = _interaction(call)
    message = _message(call, interaction)
    _not_archived(interaction)
    call.standin.world.delete(message)
    if message.flags & MessageFlag.LOADING:
        _arrived(call, interaction)
    return Reply(204)


def _interaction(call: Call) -> Interaction:
    check_application(call)
    interaction = call.standin.interactions.webhook(call.text("token"))
    still_there(call, interaction.channel)
    return interaction


def _not_archived(interaction: Interaction) -> None:
    """Raise ApiError if the thread is archived: only a new message reopens it."""
    if interaction.channel.archived:
        raise errors.THREAD_ARCHIVED.error()


def _message(call: Call, interaction: Interaction) -> Message:
    """Return the path's message if this token gives access to it. Raises ApiError."""
    named = call.text("message_id")
    number = interaction.response_id if named == ORIGINAL else None
    if named.isdecimal() and int(named) in (interaction.response_id, *interaction.followups):
        number = int(named)
    if number is None:
        raise errors.UNKNOWN_MESSAGE.error()
    message = call.standin.world.message(interaction.channel.id, number)
    if message is None:
        raise errors.UNKNOWN_MESSAGE.error()
    return message


def _loading(call: Call, interaction: Interaction) -> Message | None:
    if interaction.response_id is None:
        return None
    message = call.standin.world.message(interaction.channel.id, interaction.response_id)
    return message if message is not None and message.flags & MessageFlag.LOADING else None


def _arrived(call: Call, interaction: Interaction) -> None:
    call.standin.interactions.set_state(interaction, State.ANSWERED)
