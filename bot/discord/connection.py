"""The connection to Discord: log in, stay connected, and report why that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import discord
import structlog

from bot.retry import retry

log = structlog.get_logger(__name__)

LOGIN_RETRY_S = (5.0, 15.0, 60.0)
"""Waits between logins while the network is down. Chosen by judgement."""
DISCONNECT_S = 2.0
"""How long Discord may take to confirm the end of the connection; discord.py would wait 30 s.
Chosen by hand."""
AUTHENTICATION_FAILED = 4004
"""The gateway's close code for an invalid token."""


class TokenRefused(Exception):
    """Discord rejected the bot's token."""


class ConnectionEnded(Exception):
    """The connection ended in a way that only a restart can fix."""


async def stay_connected(client: discord.Client, token: str, on_login: Callable[[], None]) -> None:
    """Log in, retrying while the network is down, and stay connected until the client is closed.

    on_login: called once, as soon as the client can send requests. Raises TokenRefused and
    ConnectionEnded.
    """
    try:
        await retry(
            lambda: _log_in(client, token),
            on=(aiohttp.ClientError, OSError, discord.DiscordServerError),
            waits_s=LOGIN_RETRY_S,
            on_error=_not_reached,
        )
        on_login()
        await client.connect()
        raise ConnectionEnded("the connection was closed")
    except discord.LoginFailure as error:
        raise TokenRefused from error
    except discord.ConnectionClosed as error:
        if error.code == AUTHENTICATION_FAILED:
            raise TokenRefused from error
        raise ConnectionEnded(f"closed with code {error.code}") from error
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise ConnectionEnded(f"{type(error).__name__}: {error}") from error


async def _log_in(client: discord.Client, token: str) -> None:
    """Log in. discord.py makes a session for each login, and never closes that of a failed one."""
    try:
        await client.login(token)
    except Exception:
        used = client.http.connector
        await client.http.close()
        if isinstance(used, aiohttp.TCPConnector):  # the session has closed it
            client.http.connector = aiohttp.TCPConnector(limit=used.limit)
        raise


def _not_reached(error: Exception, wait_s: float | None) -> None:
    log.warning("Discord not reached", wait_s=wait_s, error=explained(error))


def explained(error: Exception) -> str:
    """Return what happened without an address, which may contain secrets."""
    match error:
        case aiohttp.ClientHttpProxyError(status=407):
            return (
                "the proxy asks for a user name and a password: put the right ones into "
                "[discord] proxy or HTTPS_PROXY"
            )
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused to connect to Discord, with status {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy cannot be reached: is [discord] proxy or HTTPS_PROXY right?"
        case _:
            return type(error).__name__


async def disconnect(client: discord.Client) -> None:
    """Close the client, even if it never logged in; takes at most `DISCONNECT_S`."""
    # Closing a sharded client fails before its first login.
    logged_in = client.user is not None
    if logged_in and not client.is_closed():
        await _within(client.close())
    # Also after a close that was cut short: this ends the sockets without asking anyone.
    await _within(client.http.close())


async def _within(closing: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(closing, name="disconnect")
    _, late = await asyncio.wait({task}, timeout=DISCONNECT_S / 2)
    for each in late:
        each.cancel()
        log.warning("Discord did not confirm the end of the connection")
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.warning("closing the connection failed", error=f"{type(error).__name__}: {error}")
