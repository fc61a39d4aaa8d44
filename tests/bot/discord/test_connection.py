"""Logging in while the network is down."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import aiohttp
import discord
import pytest

from bot.discord import connection

CLOSED_PORT = "http://127.0.0.1:9"


async def test_failed_logins_leave_no_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt is made anew with as many connections, and nobody complains of its session."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    monkeypatch.setattr("discord.http.Route.BASE", CLOSED_PORT)
    monkeypatch.setattr(connection, "LOGIN_RETRY_S", (0.0,))
    failures: list[type[Exception]] = []  # an error itself would keep its session alive
    third = asyncio.Event()

    def note(error: Exception, wait_s: float | None) -> None:
        failures.append(type(error))
        if len(failures) == 3:
            third.set()

    monkeypatch.setattr(connection, "_not_reached", note)
    client = discord.Client(intents=discord.Intents.none(), connector=aiohttp.TCPConnector(limit=7))
    trying = asyncio.create_task(connection.stay_connected(client, "a.b.c", lambda: None))
    await asyncio.wait_for(third.wait(), 30)
    assert isinstance(client.http.connector, aiohttp.TCPConnector)
    assert client.http.connector.limit == 7
    trying.cancel()
    await asyncio.wait([trying])
    gc.collect()
    assert complaints == []
    await connection.disconnect(client)
    assert all(issubclass(each, aiohttp.ClientConnectorError) for each in failures), failures
