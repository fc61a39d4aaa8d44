"""Users' actions in the playground: checked as Discord's client would, then carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.playground import registry
from bot.playground.forms import BadForm, FormContext, component_named, select_data, submitted
from bot.playground.interactions import Interaction, InteractionKind, State
from bot.playground.model import Attachment, Channel, Message, MessageFlag, MessageType
from bot.playground.options import BadOption, add_user, encode, resolved
from bot.playground.permissions import bits, has
from bot.playground.registry import Command
from bot.playground.shapes import (
    Json,
    attachment_json,
    channel_json,
    member_json,
    message_json,
    user_json,
)
from bot.playground.standin_parts import StandIn
from bot.playground.world import Draft, World

MAX_CONTENT_CHARS: Final = 2000
KEPT_UPLOADS: Final = 20
_GUILD_CONTEXT: Final = 0
_DM_CONTEXT: Final = 1
_APP_IN_DM: Final = bits("ATTACH_FILES", "EMBED_LINKS", "MENTION_EVERYONE", "USE_EXTERNAL_EMOJIS")
"""What Discord's documentation says `app_permissions` holds in the bot's own direct messages."""


class ActionRefused(Exception):
    """An action that Discord's client would not allow; str() is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class ActingUser:
    """Which user acts, and the language of their client."""

    user_id: int
    locale: str = "en-US"


class People:
    """Turns user actions into messages and interactions. Every action raises ActionRefused."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin
        self._uploads: dict[str, Attachment] = {}
        self._forms: dict[int, tuple[Interaction, Json]] = {}  # by the interaction that submits it
        standin.interactions.listen(self._answered)

    async def upload(self, filename: str, data: bytes) -> Attachment:
        """Store a file that a user chose for an option; beyond a limit, the oldest is removed."""
        world = self._standin.world
        kept = await asyncio.to_thread(world.files.put, world.ids.new(), filename, data)
        self._uploads[str(kept.id)] = kept
        while len(self._uploads) > KEPT_UPLOADS:
            world.files.remove(self._uploads.pop(next(iter(self._uploads))).id)
        return kept

    def command(
        self,
        actor: ActingUser,
        channel_id: int,
        command_id: int,
        path: Sequence[str],
        values: Mapping[str, Any],
    ) -> Interaction:
        """Send a slash command. path: names of group and subcommand, empty for a plain command."""
        channel = self._open_channel(actor, channel_id)
        command = self._command(actor, channel, command_id, registry.CHAT_INPUT)
        data = self._command_data(command, path, values, channel)
        name = " ".join((command.name, *path))
        interaction = self._standin.interactions.open(
            InteractionKind.COMMAND, actor.user_id, channel, data, locale=actor.locale, name=name
        )
        return self._sent(interaction)

    async def autocomplete(
        self,
        actor: ActingUser,
        channel_id: int,
        command_id: int,
        path: Sequence[str],
        values: Mapping[str, Any],
        focused: str,
    ) -> list[Json]:
        """Request choices for the option that is being typed."""
        channel = self._channel(actor, channel_id)
        command = self._command(actor, channel, command_id, registry.CHAT_INPUT)
        data = self._command_data(command, path, {focused: "", **values}, channel, focused)
        interaction = self._standin.interactions.open(
            InteractionKind.AUTOCOMPLETE,
            actor.user_id,
            channel,
            data,
            locale=actor.locale,
            name=command.name,
        )
        self._sent(interaction)
        assert interaction.choices is not None
        try:
            return await asyncio.shield(interaction.choices)
        except asyncio.CancelledError:
            if interaction.choices.cancelled():
                raise ActionRefused("Loading options failed.") from None
            raise

    def context(
        self, actor: ActingUser, channel_id: int, command_id: int, target_id: int
    ) -> Interaction:
        """Use a context menu command on a message or a member."""
        standin, channel = self._standin, self._open_channel(actor, channel_id)
        command = self._command(actor, channel, command_id, registry.USER, registry.MESSAGE)
        data = self._base_data(command, channel) | {"target_id": str(target_id)}
        target = None
        if command.type == registry.MESSAGE:
            message = self._message(actor, channel, target_id)
            target = message.id
            shape = message_json(message, standin.world, standin.base_url)
            data["resolved"] = {"messages": {str(message.id): shape}}
        else:
            found: Json = {}
            try:
                add_user(found, target_id, standin.world, standin.world.guild_of(channel))
            except BadOption as error:
                raise ActionRefused(str(error)) from None
            data["resolved"] = found
        interaction = standin.interactions.open(
            InteractionKind.COMMAND,
            actor.user_id,
            channel,
            data,
            locale=actor.locale,
            name=command.name,
            target_message_id=target,
        )
        return self._sent(interaction)

    def component(
        self,
        actor: ActingUser,
        channel_id: int,
        message_id: int,
        custom_id: str,
        values: Sequence[str] | None = None,
    ) -> Interaction:
        """Press a button or choose from a select menu."""
        standin, channel = self._standin, self._open_channel(actor, channel_id)
        message = self._message(actor, channel, message_id)
        part = component_named(message.components, custom_id)
        if not standin.world.has_bot(channel):
            raise ActionRefused("That application is no longer on this server.")
        if part is None:
            raise ActionRefused("That component is no longer on the message.")
        if part.get("disabled"):
            raise ActionRefused("That component is disabled.")
        shown = message_json(message, standin.world, standin.base_url)
        numbered = component_named(shown["components"], custom_id) or part
        data: Json = {
            "custom_id": custom_id,
            "component_type": part["type"],
            "id": numbered.get("id", 1),
        }
        if values is not None or part["type"] != 2:
            guild = standin.world.guild_of(channel)
            try:
                data |= select_data(part, list(values or ()), standin.world, guild)
            except (BadForm, BadOption) as error:
                raise ActionRefused(str(error)) from None
        interaction = standin.interactions.open(
            InteractionKind.COMPONENT,
            actor.user_id,
            channel,
            data,
            locale=actor.locale,
            source=message,
        )
        return self._sent(interaction)

    def modal(
        self, actor: ActingUser, interaction_id: int, custom_id: str, values: Mapping[str, Any]
    ) -> Interaction:
        """Submit a modal that the bot opened."""
        opened = self._standin.interactions.get(interaction_id)
        if opened is None or opened.modal is None or opened.user_id != actor.user_id:
            raise ActionRefused("That form is no longer open.")
        form, opened.modal = opened.modal, None
        if form.get("custom_id") != custom_id:
            raise ActionRefused("That is a different form.")
        world, base_url = self._standin.world, self._standin.base_url
        files = {
            key: attachment_json(each, opened.channel.id, base_url)
            for key, each in self._uploads.items()
        }
        try:
            data = submitted(
                form, values, FormContext(world, world.guild_of(opened.channel), files)
            )
        except (BadForm, BadOption) as error:
            opened.modal = form
            raise ActionRefused(str(error)) from None
        interaction = self._standin.interactions.open(
            InteractionKind.MODAL,
            actor.user_id,
            opened.channel,
            data,
            locale=actor.locale,
            name=opened.name,
            source=opened.source,
        )
        self._forms[interaction.id] = (opened, form)
        return self._sent(interaction)

    def _answered(self, interaction: Interaction) -> None:
        """Close a modal once its submission is acknowledged.

        One that gets no response stays open, as in Discord's client, and can be submitted again.
        """
        if interaction.state is State.SENT or interaction.id not in self._forms:
            return
        opened, form = self._forms.pop(interaction.id)
        if interaction.state is State.FAILED:
            opened.modal = form

    def say(
        self, actor: ActingUser, channel_id: int, content: str, reply_to: int | None = None
    ) -> Message:
        """Write a message."""
        channel = self._channel(actor, channel_id)
        can = self._standin.world.permissions(channel, actor.user_id)
        speak = "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES"
        if not has(can, speak) or (channel.locked and not has(can, "MANAGE_THREADS")):
            raise ActionRefused("You can't post in this channel.")
        text = content.strip()
        if not text:
            raise ActionRefused("Write something first.")
        if len(text) > MAX_CONTENT_CHARS:
            raise ActionRefused(f"Messages are limited to {MAX_CONTENT_CHARS} characters.")
        draft = Draft(content=text)
        if reply_to is not None:
            self._message(actor, channel, reply_to)
            reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(reply_to)}
            draft = Draft(content=text, type=MessageType.REPLY, reference=reference)
        return self._standin.world.post(channel, actor.user_id, draft)

    def delete(self, actor: ActingUser, channel_id: int, message_id: int) -> None:
        """Delete the user's own message or, as a moderator, any message."""
        channel = self._channel(actor, channel_id)
        message = self._message(actor, channel, message_id)
        can = self._standin.world.permissions(channel, actor.user_id)
        if message.author_id != actor.user_id and not has(can, "MANAGE_MESSAGES"):
            raise ActionRefused("You can only delete your own messages.")
        if message.flags & MessageFlag.EPHEMERAL:
            raise ActionRefused("Dismiss this message instead.")
        self._standin.world.delete(message)

    def _sent(self, interaction: Interaction) -> Interaction:
        """Send an interaction to the bot; it fails immediately if no bot is connected."""
        shape = interaction_json(interaction, self._standin)
        self._standin.gateway.dispatch(
            "INTERACTION_CREATE", shape, guild_id=interaction.channel.guild_id
        )
        return interaction

    def _channel(self, actor: ActingUser, channel_id: int) -> Channel:
        channel = self._standin.world.channel(channel_id)
        if channel is None:
            raise ActionRefused("That channel does not exist.")
        if not has(self._standin.world.permissions(channel, actor.user_id), "VIEW_CHANNEL"):
            raise ActionRefused("You can't see that channel.")
        return channel

    def _open_channel(self, actor: ActingUser, channel_id: int) -> Channel:
        """Return a channel in which the client would let the user act."""
        channel = self._channel(actor, channel_id)
        can = self._standin.world.permissions(channel, actor.user_id)
        if channel.archived and channel.locked and not has(can, "MANAGE_THREADS"):
            raise ActionRefused("This thread is locked.")
        return channel

    def _message(self, actor: ActingUser, channel: Channel, message_id: int) -> Message:
        message = self._standin.world.message(channel.id, message_id)
        if message is None or message.reader_id not in (None, actor.user_id):
            raise ActionRefused("That message no longer exists.")
        return message

    def _command(
        self, actor: ActingUser, channel: Channel, command_id: int, *types: int
    ) -> Command:
        command = self._standin.registry.get(command_id)
        if command is None or command.type not in types:
            raise ActionRefused("That command has changed. Choose it again.")
        if not registry.may_use(command, self._standin.world, channel, actor.user_id):
            raise ActionRefused("You can't use that command here.")
        return command

    def _base_data(self, command: Command, channel: Channel) -> Json:
        data: Json = {"id": str(command.id), "name": command.name, "type": command.type}
        return data | ({"guild_id": str(channel.guild_id)} if command.guild_id else {})

    def _command_data(
        self,
        command: Command,
        path: Sequence[str],
        values: Mapping[str, Any],
        channel: Channel,
        focused: str | None = None,
    ) -> Json:
        standin = self._standin
        try:
            encoded = encode(command.body, path, values, focused=focused)
            found = resolved(
                encoded,
                world=standin.world,
                guild=standin.world.guild_of(channel),
                files=self._uploads,
                channel=channel,
                base_url=standin.base_url,
            )
        except BadOption as error:
            raise ActionRefused(str(error)) from None
        data = self._base_data(command, channel)
        data |= {"options": encoded} if encoded else {}
        return data | ({"resolved": found} if found else {})


def interaction_json(interaction: Interaction, standin: StandIn) -> Json:
    """Return the payload of INTERACTION_CREATE for the bot."""
    world, channel = standin.world, interaction.channel
    guild = world.guild_of(channel)
    can = world.permissions(channel, interaction.user_id)
    shape: Json = {
        "id": str(interaction.id),
        "application_id": str(standin.bot.id),
        "type": int(interaction.kind),
        "data": _with_permissions(interaction.data, interaction.user_id, world),
        "token": interaction.token,
        "version": 1,
        "channel_id": str(channel.id),
        "channel": channel_json(channel, world),
        "app_permissions": str(_APP_IN_DM),
        "locale": interaction.locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": _GUILD_CONTEXT if guild else _DM_CONTEXT,
        "attachment_size_limit": world.filesize_limit(channel),
    }
    if guild is None:
        shape["user"] = user_json(world.users[interaction.user_id])
    else:
        member = member_json(guild.members[interaction.user_id])
        shape |= {
            "channel": shape["channel"] | {"permissions": str(can)},
            "app_permissions": str(world.granted(channel, standin.bot.id)),
            "guild_id": str(guild.id),
            "guild_locale": guild.locale,
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "member": member | {"permissions": str(can)},
        }
    if interaction.source is not None:
        shape["message"] = message_json(interaction.source, world, standin.base_url)
    return shape


def _with_permissions(data: Json, user_id: int, world: World) -> Json:
    """Add to each chosen channel what the user who chose it may do there."""
    chosen = data.get("resolved", {}).get("channels")
    if not chosen:
        return data
    channels: Json = {}
    for channel_id, shape in chosen.items():
        channel = world.channel(int(channel_id))
        can = 0 if channel is None else world.permissions(channel, user_id)
        channels[channel_id] = shape | {"permissions": str(can)}
    return data | {"resolved": data["resolved"] | {"channels": channels}}
