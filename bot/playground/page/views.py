"""The content of one user's page: everything they may see, in Discord's JSON format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.playground.ideas import Ideas
from bot.playground.initial_world import LEVELS, PEOPLE
from bot.playground.interactions import Interaction, State, state_json
from bot.playground.model import Channel, ChannelType, Guild, Message
from bot.playground.permissions import has
from bot.playground.process import BotProcess
from bot.playground.shapes import Json, message_json, user_json
from bot.playground.standin_parts import StandIn

SHOWN_MESSAGES = 500


class Views:
    """Builds the JSON that pages receive."""

    def __init__(
        self,
        standin: StandIn,
        process: BotProcess,
        known: Mapping[str, str] = MappingProxyType({}),
        ideas: Ideas | None = None,
    ) -> None:
        """known: all that the bot's model knows, by language, if it knows little. ideas: prompts
        for newcomers."""
        self._examples = None if ideas is None else ideas.examples
        self._standin = standin
        self._process = process
        self._known = dict(known)

    def state(self, viewer_id: int, vitals: Json) -> Json:
        """Return everything, for a page that has just been opened."""
        standin = self._standin
        channels = [
            channel
            for guild in standin.world.guilds.values()
            for channel in guild.channels.values()
            if self.sees(viewer_id, channel)
        ] + standin.world.private_of(viewer_id)
        return {
            "type": "state",
            "viewer": str(viewer_id),
            "people": [{"user": user_json(user), "level": LEVELS[user.id]} for user in PEOPLE],
            "bot": self.bot(),
            "known": self._known,
            "guilds": [self._guild(viewer_id, guild) for guild in standin.world.guilds.values()],
            "commands": self.commands(viewer_id),
            "messages": {
                str(channel.id): [
                    self.message(message)
                    for message in standin.world.visible(channel, viewer_id)[-SHOWN_MESSAGES:]
                ]
                for channel in channels
                if channel.type is not ChannelType.CATEGORY
            },
            "interactions": [state_json(i) for i in standin.interactions.of_user(viewer_id)],
            "requests": [entry.to_json() for entry in standin.log.entries],
            "faults": standin.faults.to_json(),
            "vitals": vitals,
            "examples": self._examples,
        }

    def sees(self, viewer_id: int, channel: Channel) -> bool:
        """Return whether a user sees a channel."""
        return has(self._standin.world.permissions(channel, viewer_id), "VIEW_CHANNEL")

    def sees_message(self, viewer_id: int, message: Message) -> bool:
        """Return whether a user sees a message."""
        channel = self._standin.world.channel(message.channel_id)
        if channel is None or message.reader_id not in (None, viewer_id):
            return False
        return self.sees(viewer_id, channel)

    def message(self, message: Message) -> Json:
        """Return a message, with fields that only the page uses."""
        shape = message_json(message, self._standin.world, self._standin.base_url)
        if message.origin is not None:
            origin = self._standin.interactions.get(int(message.origin["id"]))
            name = origin.name if origin is not None else ""
            shape["interaction_metadata"] = {**message.origin, "name": name}
        return shape

    def bot(self) -> Json:
        """Return the bot's state."""
        return {
            "user": user_json(self._standin.bot),
            "state": self._process.state.value,
            "detail": self._process.detail,
        }

    def commands(self, viewer_id: int) -> list[Json]:
        """Return the commands that a user can use in at least one channel."""
        standin = self._standin
        found: dict[int, Json] = {}
        for guild in standin.world.guilds.values():
            for channel in guild.channels.values():
                if channel.type is ChannelType.CATEGORY or not self.sees(viewer_id, channel):
                    continue
                for command in standin.registry.usable(standin.world, channel, viewer_id):
                    found[command.id] = command.to_json(standin.bot.id)
        return list(found.values())

    def home(self) -> Guild:
        """Return the server under which the page lists direct messages, which have none."""
        return next(iter(self._standin.world.guilds.values()))

    def channel(self, viewer_id: int, channel: Channel) -> Json:
        """Return a channel for one user; a direct message channel is named after the bot."""
        if channel.type is ChannelType.DM:
            return {
                "id": str(channel.id),
                "type": int(channel.type),
                "name": self._standin.bot.username,
                "can_send": False,
            }
        can = self._standin.world.permissions(channel, viewer_id)
        speak = "SEND_MESSAGES_IN_THREADS" if channel.is_thread else "SEND_MESSAGES"
        return {
            "id": str(channel.id),
            "type": int(channel.type),
            "name": channel.name,
            "topic": channel.topic,
            "parent_id": None if channel.parent_id is None else str(channel.parent_id),
            "position": channel.position,
            "can_send": has(can, speak) and not channel.locked,
            "archived": channel.archived,
        }

    def _guild(self, viewer_id: int, guild: Guild) -> Json:
        private = self._standin.world.private_of(viewer_id) if guild is self.home() else []
        return {
            "id": str(guild.id),
            "name": guild.name,
            "roles": [
                {"id": str(r.id), "name": r.name, "color": r.color, "position": r.position}
                for r in guild.roles.values()
            ],
            "members": [
                {
                    "user": user_json(member.user),
                    "nick": member.nick,
                    "roles": [str(role) for role in member.roles],
                    "level": LEVELS.get(member.user.id, "member"),
                }
                for member in guild.members.values()
            ],
            "channels": [
                self.channel(viewer_id, channel)
                for channel in guild.channels.values()
                if channel.type is ChannelType.CATEGORY or self.sees(viewer_id, channel)
            ]
            + [self.channel(viewer_id, channel) for channel in private],
        }


def modal_json(interaction: Interaction) -> Json | None:
    """Return the modal that an interaction opened, if any."""
    if interaction.modal is None or interaction.state is not State.ANSWERED:
        return None
    return {
        "type": "modal",
        "interaction_id": str(interaction.id),
        "modal": interaction.modal,
    }
