"""Ask Discord about the application: the token, its servers, their permissions and its commands."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import discord
from discord.http import Route

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from bot.discord.client import PERMISSIONS
from bot.discord.command_sync import compare_commands
from bot.discord.connection import explained
from bot.discord.leftover_commands import SERVERS_AT_START
from bot.proxies import Proxies, ProxyRefused, proxy_auth

LIMIT_S: Final = 60.0
"""How long all questions together may take; discord.py tries again for minutes. Chosen by hand."""
SKEW_S: Final = 10.0
"""Difference between the clocks that is worth a note: Discord dates a command itself, and the bot
reckons its three seconds from that. Chosen by hand; the date has whole seconds."""
_SERVERS_A_PAGE: Final = 200


@dataclass(frozen=True, slots=True)
class OnlineSetup:
    """What is asked about.

    guilds: the servers that the settings allow; empty for all. state_file: of the last sync.
    """

    token: str
    proxies: Proxies
    guilds: Collection[int]
    state_file: Path
    clock: Callable[[], datetime]


async def check_application(setup: OnlineSetup) -> list[Finding]:
    """Return what Discord says. Only reads: nothing is registered, no gateway is opened."""
    dates: list[tuple[datetime, datetime]] = []
    try:
        proxy = setup.proxies.for_url(Route.BASE)
        client = discord.Client(
            # No gateway is opened; without this one discord.py warns.
            intents=discord.Intents(guilds=True),
            proxy=None if proxy is None else proxy.url,
            proxy_auth=None if proxy is None else proxy_auth(proxy),
            http_trace=_dated(dates, setup.clock),
        )
    except ProxyRefused as error:
        return [broken(Code.UNREACHABLE, reason=str(error))]
    found: list[Finding] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            await client.login(setup.token)
            found += await _ask(client, setup)
    except discord.LoginFailure:
        found.append(broken(Code.TOKEN_REFUSED))
    except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
        found.append(broken(Code.UNREACHABLE, reason=_reason(error)))
    finally:
        await client.http.close()
    return [*found, *_skew(dates)]


def _reason(error: Exception) -> str:
    """Return why Discord was not reached, without an address, which may contain secrets."""
    match error:
        case discord.HTTPException():
            return f"it answers with status {error.status}"
        case TimeoutError():
            return f"it did not answer within {LIMIT_S:g} s"
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return explained(error)
        case aiohttp.ClientConnectorError() | OSError():
            return f"there is no connection ({_system_reason(error)})"
        case _:
            return explained(error)


def _system_reason(error: OSError) -> str:
    """Return the system's own words; other texts of connection errors hold addresses."""
    number = error.errno or 0
    if number > 0:
        return os.strerror(number)
    return (
        "its name is not found"
        if isinstance(error, aiohttp.ClientConnectorDNSError)
        else type(error).__name__
    )


async def _ask(client: discord.Client, setup: OnlineSetup) -> list[Finding]:
    application_id = client.application_id
    assert application_id is not None
    servers = await _servers(client)
    found = [ok(Code.APPLICATION, name=str(client.user), servers=len(servers))]
    found += _membership(servers, setup.guilds)
    served = {
        number: server
        for number, server in servers.items()
        if not setup.guilds or number in setup.guilds
    }
    found += _permissions(served)
    registered = await compare_commands(client, application_id, setup.state_file)
    if registered.unchanged is None:
        found.append(note(Code.COMMANDS_UNREGISTERED))
    elif registered.unchanged:
        found.append(ok(Code.COMMANDS, count=registered.count))
    else:
        found.append(note(Code.COMMANDS_STALE))
    return [*found, *await _leftovers(client, application_id, list(served)[:SERVERS_AT_START])]


async def _servers(client: discord.Client) -> dict[int, Any]:
    """Return Discord's record of each server that the bot is on, by id."""
    servers: dict[int, Any] = {}
    while True:
        after = max(servers, default=None)
        page = await client.http.get_guilds(_SERVERS_A_PAGE, after=after, with_counts=False)
        servers |= {int(each["id"]): each for each in page}
        if len(page) < _SERVERS_A_PAGE:
            return servers


def _membership(servers: Collection[int], guilds: Collection[int]) -> list[Finding]:
    if not servers:
        return [note(Code.NO_SERVERS)]
    return [note(Code.SERVER_MISSING, server=each) for each in guilds if each not in servers]


def _permissions(servers: dict[int, Any]) -> list[Finding]:
    """Compare the permissions of the bot's roles; channels may take some of them away."""
    found: list[Finding] = []
    for number, server in servers.items():
        there = discord.Permissions(int(server["permissions"]))
        missing = [name for name, needed in PERMISSIONS if needed and not getattr(there, name)]
        if missing and not there.administrator:
            found.append(
                broken(
                    Code.PERMISSIONS_MISSING,
                    server=number,
                    name=str(server["name"]),
                    missing=tuple(missing),
                )
            )
    if len(found) < len(servers):
        found.append(ok(Code.SERVER, servers=len(servers) - len(found)))
    return found


async def _leftovers(
    client: discord.Client, application_id: int, servers: list[int]
) -> list[Finding]:
    """Look for commands of single servers: the bot's own are global."""
    found: list[Finding] = []
    for number in servers:
        try:
            left = await client.http.get_guild_commands(application_id, number)
        except (discord.Forbidden, discord.NotFound):
            found.append(note(Code.COMMANDS_UNREADABLE, server=number))
            continue
        if left:
            names = tuple(sorted(str(each["name"]) for each in left))
            found.append(note(Code.LEFTOVER_COMMANDS, server=number, names=names))
    return found


def _dated(
    dates: list[tuple[datetime, datetime]], clock: Callable[[], datetime]
) -> aiohttp.TraceConfig:
    """Return an observer that notes Discord's clock beside this machine's."""
    trace = aiohttp.TraceConfig()

    async def ended(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        date = params.response.headers.get("Date")
        if date is not None:
            dates.append((parsedate_to_datetime(date), clock()))

    trace.on_request_end.append(ended)
    return trace


def _skew(dates: list[tuple[datetime, datetime]]) -> list[Finding]:
    skews_s = [(here - there).total_seconds() for there, here in dates]
    if not skews_s:
        return []
    least_s = min(skews_s, key=abs)  # a slow answer was dated before it arrived
    return [note(Code.CLOCK_SKEW, seconds=round(least_s))] if abs(least_s) > SKEW_S else []
