"""Members try whatever is for admins, moderators and owners; nothing may come of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import discord

from tests.bot.discord.fuzzer import commands
from tests.day.asking import Answer
from tests.day.town import Town

REFUSALS: Final = ("You do not have permission to do that here.", "Only the bot's owners")
DECIDED: Final = (
    *("user_quotas", "role_quotas", "server_quotas", "quota_grants", "blocks", "access_rules"),
    *("admin_roles", "filter_rules", "filter_settings", "filter_pictures", "server_settings"),
    *("channel_settings", "open_loras", "open_models", "server_pauses", "star_channels"),
    *("announcements", "painting_control", "audit_log", "erasures"),
)
"""Tables with what only they may decide. (That of the channels of events changes with each post.)
"""


class Intruders:
    """Goes through the commands of the running bot that Discord hides from members."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.tried: set[str] = set()

    def hidden(self) -> dict[str, Any]:
        """Return the commands that Discord hides from members, and those of the owners."""
        tree = self.town.harness.app.client.tree
        own = tree.get_commands(guild=discord.Object(self.town.harness.guild.id))
        found = [*filter(_is_hidden, commands(tree.get_commands())), *commands(own)]
        return {each.qualified_name: each for each in found}

    async def try_some(self, number: int) -> None:
        """Let members try the next so many commands."""
        hidden = self.hidden()
        left = [name for name in hidden if name not in self.tried] or list(hidden)
        for name in left[:number]:
            await self._try(name, hidden[name])

    async def _try(self, name: str, command: Any) -> None:
        town = self.town
        person = town.rng.choice([each for each in town.present() if not each.fated])
        place = town.rng.choice(sorted(town.askers))
        asker, before = town.askers[place], self._decided()
        chosen = {each.name: asker.honest(each) for each in command.parameters if each.required}
        if town.rng.random() < 0.5:  # also what makes no sense
            chosen |= {e.name: town.rng.choice(asker.values(e)) for e in command.parameters}
        answer = Answer(town.harness, await asker.use(person.actor, command, chosen))
        self.tried.add(name)
        town.counts["commands tried by members"] += 1
        refused = any(each in answer.text for each in REFUSALS)
        town.expect(refused and answer.record.ephemeral, f"/{name} told a member {answer.text!r}")
        town.expect(self._decided() == before, f"/{name} of a member changed something")

    def _decided(self) -> list[list[tuple[Any, ...]]]:
        return [self.town.harness.rows(f"SELECT * FROM {table}") for table in DECIDED]


def _is_hidden(command: Any) -> bool:
    return next(_permissions(command), None) is not None


def _permissions(command: Any) -> Iterator[discord.Permissions]:
    while command is not None:
        if command.default_permissions is not None:
            yield command.default_permissions
        command = command.parent
