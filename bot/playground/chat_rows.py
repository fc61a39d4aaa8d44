"""The rows in which a chat is stored: channels, messages, interactions and commands as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from bot.playground.interactions import Interaction, InteractionKind, State
from bot.playground.model import Attachment, Channel, ChannelType, Message, MessageFlag, MessageType
from bot.playground.registry import Command

Json = dict[str, Any]

_NOT_STORED = {"channel", "source", "choices", "timer"}
"""What an interaction refers to is stored as ids; what only its process needs is not stored."""


def channel_row(channel: Channel) -> Json:
    """Return a thread or direct message channel; permission overwrites are not part of it."""
    shape = {each.name: getattr(channel, each.name) for each in fields(channel)}
    del shape["overwrites"]
    return shape | {
        "type": int(channel.type),
        "recipients": list(channel.recipients),
        "members": list(channel.members),
        "created_at": _iso(channel.created_at),
    }


def channel_from(row: Mapping[str, Any]) -> Channel:
    """Return the channel of a row. Raises KeyError, TypeError or ValueError."""
    changed = {
        "type": ChannelType(row["type"]),
        "recipients": tuple(row["recipients"]),
        "members": tuple(row.get("members", ())),
        "created_at": _moment(row["created_at"]),
    }
    return Channel(**{**row, **changed})


def message_row(message: Message) -> Json:
    """Return a message without its files' contents."""
    return asdict(message) | {
        "created_at": _iso(message.created_at),
        "edited_at": _iso(message.edited_at),
        "type": int(message.type),
        "flags": int(message.flags),
        "edits_when_old": [_iso(each) for each in message.edits_when_old],
    }


def message_from(row: Mapping[str, Any]) -> Message:
    """Return the message of a row. Raises KeyError, TypeError or ValueError."""
    changed = {
        "created_at": datetime.fromisoformat(row["created_at"]),
        "edited_at": _moment(row["edited_at"]),
        "type": MessageType(row["type"]),
        "flags": MessageFlag(row["flags"]),
        "attachments": [Attachment(**each) for each in row["attachments"]],
        "mentions": tuple(row["mentions"]),
        "mention_roles": tuple(row["mention_roles"]),
        "edits_when_old": [datetime.fromisoformat(each) for each in row["edits_when_old"]],
    }
    return Message(**{**row, **changed})


def interaction_row(interaction: Interaction) -> Json:
    """Return an interaction, with the ids of its channel and of the message it came from."""
    names = [each.name for each in fields(interaction) if each.name not in _NOT_STORED]
    source = interaction.source
    return {name: getattr(interaction, name) for name in names} | {
        "kind": int(interaction.kind),
        "state": interaction.state.value,
        "created_at": _iso(interaction.created_at),
        "channel_id": interaction.channel.id,
        "source_id": None if source is None else source.id,
    }


def interaction_from(
    row: Mapping[str, Any],
    channel: Callable[[int], Channel | None],
    message: Callable[[int], Message | None],
) -> Interaction | None:
    """Return the interaction of a row, None if its channel is gone.

    One that waited for a response has failed: its three seconds are over. Raises KeyError,
    TypeError or ValueError.
    """
    rest = dict(row)
    place = channel(rest.pop("channel_id"))
    source_id = rest.pop("source_id")
    if place is None:
        return None
    state = State(row["state"])
    changed = {
        "kind": InteractionKind(row["kind"]),
        "state": State.FAILED if state is State.SENT else state,
        "created_at": datetime.fromisoformat(row["created_at"]),
        "channel": place,
        "source": None if source_id is None else message(source_id),
    }
    return Interaction(**{**rest, **changed})


def command_row(command: Command) -> Json:
    """Return a registered command."""
    return asdict(command)


def command_from(row: Mapping[str, Any]) -> Command:
    """Return the command of a row. Raises KeyError, TypeError or ValueError."""
    command = Command(**row)
    command.to_json(0)  # what is broken inside fails here
    return command


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
