"""Commands that an earlier program left on servers under the same application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord import app_commands

log = structlog.get_logger(__name__)

SERVERS_AT_START: Final = 100
"""How many servers are looked at after a start, with one request each. Chosen by hand."""


class LeftoverCommands:
    """Finds commands that are registered for single servers; the bot's own are global, but for the
    owners' on one server.

    Discord removes nothing that an earlier program registered, and members see it beside the bot's
    commands. What has the name of one of ours is removed: it stands there twice, and cannot work.
    Other commands are only named in the log, because another program may still want them, unless
    the owner lets them be removed.
    """

    def __init__(self, tree: app_commands.CommandTree[Any], *, remove_all: bool) -> None:
        self._tree = tree
        self._remove_all = remove_all
        self._waiting: asyncio.Queue[int] = asyncio.Queue()
        self._seen: set[int] = set()

    def look_soon(self, guild_ids: Iterable[int]) -> None:
        """Look at these servers, but at none a second time and not at too many at once.

        The others are looked at when somebody uses an unknown command there.
        """
        unseen = [each for each in guild_ids if each not in self._seen]
        for guild_id in unseen[:SERVERS_AT_START]:
            self._seen.add(guild_id)
            self._waiting.put_nowait(guild_id)
        if len(unseen) > SERVERS_AT_START:
            log.info("servers not searched for old commands", count=len(unseen) - SERVERS_AT_START)

    async def run(self) -> None:
        """Look at one server after the other, until cancelled; the client must be logged in."""
        while True:
            guild_id = await self._waiting.get()
            try:
                await self._look(guild_id)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                # For example a server whose admins have not allowed the bot any commands.
                log.info("commands not read", server=guild_id, error=str(error)[:200])

    async def _look(self, guild_id: int) -> None:
        http, application_id = self._tree.client.http, self._tree.client.application_id
        assert application_id is not None
        server = discord.Object(guild_id)
        here = {_key(each.to_dict(self._tree)) for each in self._tree.get_commands(guild=server)}
        registered = await http.get_guild_commands(application_id, guild_id)
        found = [each for each in registered if _key(each) not in here]
        ours = {_key(each.to_dict(self._tree)) for each in self._tree.get_commands()}
        removed = [each for each in found if self._remove_all or _key(each) in ours]
        left = [each for each in found if each not in removed]
        if not found:
            return
        if not left and found == registered:
            await http.bulk_upsert_guild_commands(application_id, guild_id, [])
        else:
            for each in removed:
                await http.delete_guild_command(application_id, guild_id, each["id"])
        if removed:
            log.warning("old commands removed", server=guild_id, names=_names(removed))
        if left:
            log.warning(
                "commands of another program; remove_old_commands in [discord] removes them",
                server=guild_id,
                names=_names(left),
            )


def _key(command: Mapping[str, Any]) -> tuple[int, str]:
    """Return what Discord tells commands apart by."""
    return int(command.get("type", 1)), str(command["name"])


def _names(commands: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted(str(each["name"]) for each in commands)
