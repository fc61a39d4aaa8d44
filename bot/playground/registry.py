"""The application commands that the bot has registered, and who may use which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.playground.model import Channel, ChannelType
from bot.playground.permissions import has
from bot.playground.snowflakes import Snowflakes
from bot.playground.world import World

Json = dict[str, Any]

CHAT_INPUT: Final = 1
USER: Final = 2
MESSAGE: Final = 3
_GUILD_CONTEXT: Final = 0
_BOT_DM_CONTEXT: Final = 1
_GUILD_INSTALL: Final = 0


@dataclass(frozen=True, slots=True)
class Command:
    """One registered command. body: as the bot sent it; guild_id None means global."""

    id: int
    version: int
    guild_id: int | None
    body: Mapping[str, Any]

    @property
    def type(self) -> int:
        """CHAT_INPUT, USER or MESSAGE."""
        return int(self.body.get("type") or CHAT_INPUT)

    @property
    def name(self) -> str:
        """The name that users type or choose."""
        return str(self.body["name"])

    def to_json(self, application_id: int) -> Json:
        """Return the application command object."""
        defaults: Json = {
            "type": CHAT_INPUT,
            "description": "",
            "default_member_permissions": None,
            "nsfw": False,
        }
        sent = {key: value for key, value in self.body.items() if key != "id"}
        if sent.get("default_member_permissions") is not None:
            # discord.py sends a number; Discord accepts it and returns a string.
            sent["default_member_permissions"] = str(sent["default_member_permissions"])
        own: Json = {
            "id": str(self.id),
            "application_id": str(application_id),
            "version": str(self.version),
        }
        if self.guild_id is not None:
            own["guild_id"] = str(self.guild_id)
        else:
            contexts = sent.get("contexts")
            dm = contexts is None or _BOT_DM_CONTEXT in contexts
            own["dm_permission"] = bool(sent.get("dm_permission", True)) and dm
            own["integration_types"] = sent.get("integration_types") or [_GUILD_INSTALL]
            own["contexts"] = contexts
        return defaults | sent | own


class Registry:
    """All commands of one application."""

    def __init__(self, ids: Snowflakes) -> None:
        self._ids = ids
        self._commands: dict[int, Command] = {}

    def all(self, guild_id: int | None) -> list[Command]:
        """Return the commands of a guild, or the global ones for None."""
        return [each for each in self._commands.values() if each.guild_id == guild_id]

    def every(self) -> list[Command]:
        """Return the commands of all scopes."""
        return list(self._commands.values())

    def adopt(self, command: Command) -> None:
        """Add a command that was registered before a restart."""
        self._commands[command.id] = command

    def get(self, command_id: int) -> Command | None:
        """Return a command by its id."""
        return self._commands.get(command_id)

    def overwrite(self, guild_id: int | None, bodies: Iterable[Mapping[str, Any]]) -> list[Command]:
        """Replace the commands of a scope; one that keeps its name and type keeps its id."""
        before = {(each.name, each.type): each for each in self.all(guild_id)}
        for each in before.values():
            del self._commands[each.id]
        return [self._keep(guild_id, body, before) for body in bodies]

    def upsert(self, guild_id: int | None, body: Mapping[str, Any]) -> Command:
        """Register a command, or replace the one with the same name and type."""
        before = {(each.name, each.type): each for each in self.all(guild_id)}
        return self._keep(guild_id, body, before)

    def change(self, command: Command, body: Mapping[str, Any]) -> Command:
        """Replace some fields of a command."""
        changed = Command(
            command.id, self._ids.new(), command.guild_id, dict(command.body) | dict(body)
        )
        self._commands[changed.id] = changed
        return changed

    def remove(self, command: Command) -> None:
        """Remove a command."""
        del self._commands[command.id]

    def _keep(
        self,
        guild_id: int | None,
        body: Mapping[str, Any],
        before: Mapping[tuple[str, int], Command],
    ) -> Command:
        known = before.get((str(body["name"]), int(body.get("type") or CHAT_INPUT)))
        same = known is not None and dict(known.body) == dict(body)
        version = known.version if known is not None and same else self._ids.new()
        command = Command(known.id if known else self._ids.new(), version, guild_id, dict(body))
        self._commands[command.id] = command
        return command

    def usable(self, world: World, channel: Channel, user_id: int) -> Iterator[Command]:
        """Yield the commands that an account may use in a channel, those of its guild first."""
        for command in (*self.all(channel.guild_id or -1), *self.all(None)):
            if may_use(command, world, channel, user_id):
                yield command


def may_use(command: Command, world: World, channel: Channel, user_id: int) -> bool:
    """Return whether Discord would let this account use the command in this channel."""
    contexts = command.body.get("contexts")
    here = _BOT_DM_CONTEXT if channel.type is ChannelType.DM else _GUILD_CONTEXT
    if contexts is not None and here not in contexts:
        return False
    if channel.type is ChannelType.DM:
        return bool(command.body.get("dm_permission", True))
    can = world.permissions(channel, user_id)
    if not has(can, "USE_APPLICATION_COMMANDS") or not has(can, "VIEW_CHANNEL"):
        return False
    if not world.has_bot(channel):
        return False
    needed = command.body.get("default_member_permissions")
    if needed is None or has(can, "ADMINISTRATOR"):
        return True
    bits = int(needed)
    # "0" hides a command from everyone but administrators.
    return bits != 0 and can & bits == bits
