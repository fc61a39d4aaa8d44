"""POST /interactions/{interaction_id}/{token}/callback: the bot's first response."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from bot.playground import errors
from bot.playground.errors import Form
from bot.playground.interactions import Interaction, InteractionKind, State
from bot.playground.message_builder import apply_edit, draft
from bot.playground.model import Message, MessageFlag, MessageType
from bot.playground.options import leaf_options
from bot.playground.rest.finding import not_closed, still_there
from bot.playground.rest.gate import Call, Reply
from bot.playground.rest.messages import is_ephemeral
from bot.playground.rules.choices import check_choices
from bot.playground.rules.fields import CALLBACK, unknown_fields
from bot.playground.rules.messages import MessageKind, check_message
from bot.playground.rules.modals import check_modal
from bot.playground.shapes import Json, message_json, user_json
from bot.playground.world import Draft

PONG, MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
_ALLOWED: Final = {
    InteractionKind.COMMAND: {MESSAGE, DEFERRED, MODAL},
    InteractionKind.COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL},
    InteractionKind.AUTOCOMPLETE: {CHOICES},
    InteractionKind.MODAL: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE},
}


async def callback(call: Call) -> Reply:
    """Respond to an interaction: once, in time, and with a type that fits it."""
    interactions = call.standin.interactions
    interaction = interactions.awaiting(call.number("interaction_id"), call.text("token"))
    json = call.body.json
    kind = json.get("type") if isinstance(json, dict) else None
    _check_type(interaction, kind)
    still_there(call, interaction.channel)
    if kind in (MESSAGE, DEFERRED):
        not_closed(interaction.channel)
    call.problems += unknown_fields(json, CALLBACK)
    if interaction.acknowledged is not None:
        call.problems.append("The interaction was already acknowledged.")
        raise errors.ALREADY_ACKNOWLEDGED.error()
    data = json.get("data") or {}
    if not isinstance(data, dict):
        problems = Form()
        problems.add(("data",), "MODEL_TYPE_CONVERT", "Only a dictionary can be used here")
        problems.check()
    message = await _carry_out(call, interaction, int(kind or 0), data)
    if call.request.query.get("with_response", "").lower() not in ("1", "true"):
        return Reply(204)
    return Reply(200, _response(call, interaction, int(kind or 0), message))


def _check_type(interaction: Interaction, kind: Any) -> None:
    allowed = set(_ALLOWED[interaction.kind])
    if interaction.kind is InteractionKind.MODAL and interaction.source is None:
        allowed -= {DEFERRED_UPDATE, UPDATE}
    if kind not in allowed:
        problems = Form()
        numbers = ", ".join(str(each) for each in sorted(allowed))
        problems.add(("type",), "BASE_TYPE_CHOICES", f"Value must be one of {{{numbers}}}.")
        problems.check()


async def _carry_out(call: Call, interaction: Interaction, kind: int, data: Json) -> Message | None:
    """Carry out the response; returns the message that it created or changed, if any."""
    standin = call.standin
    uploads = call.body.uploads()
    if kind == CHOICES:
        check_choices(data, option_type=_focused_type(call, interaction))
        standin.interactions.acknowledge(interaction, kind)
        if interaction.choices is not None and not interaction.choices.done():
            interaction.choices.set_result(list(data.get("choices") or ()))
        standin.interactions.set_state(interaction, State.ANSWERED)
        return None
    if kind == MODAL:
        check_modal(data)
        standin.interactions.acknowledge(interaction, kind)
        interaction.modal = data
        standin.interactions.set_state(interaction, State.ANSWERED)
        return None
    if kind == DEFERRED:
        standin.interactions.acknowledge(interaction, kind)
        loading = Draft(flags=MessageFlag.LOADING | _ephemeral(data))
        return _respond(call, interaction, loading, State.THINKING)
    if kind == DEFERRED_UPDATE:
        standin.interactions.acknowledge(interaction, kind)
        interaction.response_id = interaction.source.id if interaction.source else None
        standin.interactions.set_state(interaction, State.ANSWERED)
        return interaction.source
    limit_bytes = standin.world.filesize_limit(interaction.channel)
    source = interaction.source
    if kind == UPDATE and source is not None:
        old = old_json(call, source)
        check_message(data, uploads, kind=MessageKind.CALLBACK, old=old, limit_bytes=limit_bytes)
        standin.interactions.acknowledge(interaction, kind)
        interaction.response_id = source.id
        await apply_edit(standin.world, source, _data_body(call, data))
        standin.interactions.set_state(interaction, State.ANSWERED)
        return source
    check_message(data, uploads, kind=MessageKind.CALLBACK, limit_bytes=limit_bytes)
    standin.interactions.acknowledge(interaction, kind)
    made = await draft(standin.world, _data_body(call, data))
    return _respond(call, interaction, made, State.ANSWERED)


def _data_body(call: Call, data: Json) -> Any:
    return replace(call.body, json=data)


def _ephemeral(data: Json) -> MessageFlag:
    return MessageFlag.EPHEMERAL if is_ephemeral(data.get("flags")) else MessageFlag(0)


def _focused_type(call: Call, interaction: Interaction) -> int:
    """Return the type of the option that is being completed."""
    command = call.standin.registry.get(int(interaction.data["id"]))
    if command is None:
        raise errors.UNKNOWN_COMMAND.error()
    path: list[str] = []
    entries = interaction.data.get("options") or []
    while entries and entries[0]["type"] in (1, 2):
        path.append(entries[0]["name"])
        entries = entries[0].get("options") or []
    focused = next(each["name"] for each in entries if each.get("focused"))
    options = leaf_options(command.body, path)
    return next(option["type"] for option in options if option["name"] == focused)


def _respond(call: Call, interaction: Interaction, made: Draft, state: State) -> Message:
    """Post the message that responds to an interaction."""
    message = post_for(call, interaction, made, first=True)
    interaction.response_id = message.id
    interaction.deferred = state is State.THINKING
    call.standin.interactions.set_state(interaction, state)
    return message


def post_for(call: Call, interaction: Interaction, made: Draft, *, first: bool) -> Message:
    """Post a response or follow-up, visible only to its user if its flags say so."""
    standin = call.standin
    kind = MessageType.DEFAULT
    if first and interaction.kind is InteractionKind.COMMAND:
        chat = interaction.command_type == 1
        kind = MessageType.CHAT_INPUT_COMMAND if chat else MessageType.CONTEXT_MENU_COMMAND
    reference = None
    if kind is MessageType.DEFAULT and interaction.source is not None:
        kind = MessageType.REPLY
        reference = {
            "type": 0,
            "channel_id": str(interaction.channel.id),
            "message_id": str(interaction.source.id),
        }
        if interaction.channel.guild_id is not None:
            reference["guild_id"] = str(interaction.channel.guild_id)
    reader_id = interaction.user_id if made.flags & MessageFlag.EPHEMERAL else None
    made = replace(
        made,
        type=kind,
        reader_id=reader_id,
        reference=reference,
        origin=_origin(call, interaction),
        application_id=standin.bot.id,
    )
    return standin.world.post(interaction.channel, standin.bot.id, made)


def _origin(call: Call, interaction: Interaction) -> Json:
    """Return interaction_metadata: who triggered it, and how."""
    user = call.standin.world.users[interaction.user_id]
    guild_id = interaction.channel.guild_id
    shape: Json = {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": user_json(user),
        "authorizing_integration_owners": {"0": str(guild_id or 0)},
    }
    if interaction.kind is InteractionKind.COMPONENT and interaction.source is not None:
        shape["interacted_message_id"] = str(interaction.source.id)
    if interaction.kind is InteractionKind.MODAL:
        shape["triggering_interaction_metadata"] = {
            "id": str(interaction.id),
            "type": int(InteractionKind.COMMAND),
            "user": user_json(user),
            "authorizing_integration_owners": {"0": str(guild_id or 0)},
        }
    if interaction.target_message_id is not None:
        shape["target_message_id"] = str(interaction.target_message_id)
    return shape


def old_json(call: Call, message: Message) -> Json:
    """Return a message before an edit, with all its attachments."""
    shape = message_json(message, call.standin.world, call.standin.base_url)
    shape["attachments"] = [{"id": str(a.id), "filename": a.filename} for a in message.attachments]
    return shape


def _response(call: Call, interaction: Interaction, kind: int, message: Message | None) -> Json:
    """Return the body that `with_response` asks for."""
    about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
    resource: Json = {"type": kind}
    if message is not None and kind in (MESSAGE, DEFERRED, UPDATE):
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": bool(message.flags & MessageFlag.LOADING),
            "response_message_ephemeral": message.reader_id is not None,
        }
        about["channel_id"] = str(interaction.channel.id)
        resource["message"] = message_json(message, call.standin.world, call.standin.base_url)
    if interaction.channel.guild_id is not None:
        about["guild_id"] = str(interaction.channel.guild_id)
    if kind in (MESSAGE, UPDATE):
        return {"interaction": about, "resource": resource}
    return {"interaction": about}
