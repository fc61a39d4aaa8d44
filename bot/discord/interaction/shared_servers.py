"""The servers that somebody shares with the bot, for those who ask in direct messages."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
import discord
import structlog

from bot.discord.interaction.services import Services
from storage.errors import StorageError

log = structlog.get_logger(__name__)

LOOKED_AT: Final = 12
"""Servers on which Discord is asked for a member. Chosen by hand: one request for each."""
LIMIT_S: Final = 0.8
"""How long that may take altogether. Chosen by hand: Discord waits three seconds for the answer."""


async def shared_servers(
    client: discord.Client, services: Services, user_id: int
) -> tuple[str, ...]:
    """Return the names of servers that are served and that this user is on, as far as Discord says
    so in time: those first on which they have painted."""
    served = {guild.id: guild.name for guild in client.guilds if services.serves(guild.id)}
    try:
        known = await services.where_asked.servers_of(user_id)
    except StorageError as error:
        log.warning("servers of a member not read", detail=str(error))
        known = ()
    order = dict.fromkeys([*(each for each in known if each in served), *served])
    asked = list(order)[:LOOKED_AT]
    checks = [asyncio.create_task(_is_member(client, each, user_id)) for each in asked]
    if not checks:
        return ()
    done, late = await asyncio.wait(checks, timeout=LIMIT_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    found = zip(asked, checks, strict=True)
    return tuple(served[guild_id] for guild_id, task in found if task in done and task.result())


async def _is_member(client: discord.Client, guild_id: int, user_id: int) -> bool:
    try:
        await client.http.get_member(guild_id, user_id)
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return False
    return True
