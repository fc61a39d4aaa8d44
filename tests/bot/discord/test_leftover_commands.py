"""Commands that an earlier program registered under the same application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from discord import InteractionType
from structlog.testing import capture_logs

from bot.discord import leftover_commands
from bot.discord.leftover_commands import SERVERS_AT_START
from tests.bot.discord.fuzzer import Fuzzer
from tests.bot.discord.harness import BotHarness, open_harness
from tests.fakes import ScriptedRenderer


def old(name: str) -> dict[str, Any]:
    """Return a slash command as an earlier program registered it."""
    return {"name": name, "type": 1, "description": "Dreams", "options": []}


async def leave(harness: BotHarness, guild_id: int | None, *names: str) -> None:
    """Register commands as an earlier program; guild_id: None for global ones."""
    http, application_id = harness.app.client.http, harness.app.client.application_id
    assert application_id is not None
    payload: list[Any] = [old(name) for name in names]
    if guild_id is None:
        await http.bulk_upsert_global_commands(application_id, payload)
    else:
        await http.bulk_upsert_guild_commands(application_id, guild_id, payload)


def left(harness: BotHarness, guild_id: int) -> set[str]:
    """Return the names of a server's own commands."""
    found: Iterable[Any] = harness.env.backend.commands.get(guild_id, {}).values()
    return {each["name"] for each in found}


def looks(harness: BotHarness) -> list[str]:
    """Return the paths of the requests for servers' commands."""
    return [
        each.path
        for each in harness.env.http_requests
        if each.method == "GET" and "/guilds/" in each.path and each.path.endswith("/commands")
    ]


async def restart(harness: BotHarness) -> list[Any]:
    """Restart the bot and wait until it has looked at the server; return what it logged."""
    await harness.stop()
    before = len(looks(harness))
    with capture_logs() as logged:
        await harness.start()
        async with asyncio.timeout(10):
            while len(looks(harness)) == before:
                await asyncio.sleep(0.01)
        await harness.env.settle()
    return [each for each in logged if "commands" in each["event"]]


async def restart_named(harness: BotHarness) -> list[Any]:
    """Restart the bot; return what it logged about commands that were removed."""
    return [each for each in await restart(harness) if "removed" in each["event"]]


async def test_commands_of_another_program_are_named(harness: BotHarness) -> None:
    """What has another name stays, unless the owner says otherwise, and the log names it."""
    await leave(harness, harness.guild.id, "dream", "redo")
    (named,) = await restart(harness)
    assert named["log_level"] == "warning" and named["names"] == ["dream", "redo"]
    assert named["server"] == harness.guild.id and "remove_old_commands" in named["event"]
    assert left(harness, harness.guild.id) == {"dream", "redo"}


async def test_doubles_of_our_own_are_removed(harness: BotHarness) -> None:
    """Commands that members would see twice are removed from the server."""
    await leave(harness, harness.guild.id, "imagine", "history")
    (named,) = await restart(harness)
    assert named["event"] == "old commands removed" and named["names"] == ["history", "imagine"]
    assert left(harness, harness.guild.id) == set()
    assert "imagine" in {each["name"] for each in harness.env.backend.commands[None].values()}


async def test_the_owner_may_have_all_removed(data_dir: Path) -> None:
    """With remove_old_commands every command of a server goes."""
    settings = {"discord": {"remove_old_commands": True}}
    async with open_harness(data_dir, ScriptedRenderer().load, **settings) as harness:
        await leave(harness, harness.guild.id, "dream", "imagine")
        (named,) = await restart(harness)
        assert named["names"] == ["dream", "imagine"] and left(harness, harness.guild.id) == set()


async def test_a_tidy_server_costs_one_request(harness: BotHarness) -> None:
    """Without old commands nothing is logged, changed, or asked for twice."""
    assert await restart(harness) == []
    before = len(looks(harness))
    harness.app.client.leftovers.look_soon([harness.guild.id] * 3)
    await asyncio.sleep(0.05)
    assert len(looks(harness)) == before
    assert not [e for e in harness.env.http_requests if e.method == "PUT" and "/guilds/" in e.path]


async def test_global_commands_that_go_are_named(harness: BotHarness) -> None:
    """The sync replaces global commands, and the log names those that are gone."""
    await leave(harness, None, "dream", "imagine")
    assert [each["names"] for each in await restart_named(harness)] == [["dream"]]


async def test_the_command_of_an_activity_stays(harness: BotHarness) -> None:
    """Discord refuses a sync that would remove the command which launches an Activity."""
    http, application_id = harness.app.client.http, harness.app.client.application_id
    assert application_id is not None
    launch: dict[str, Any] = {"name": "launch", "type": 4, "contexts": [0]}
    payload: list[Any] = [launch, old("dream")]
    await http.bulk_upsert_global_commands(application_id, payload)
    (named,) = await restart_named(harness)
    assert named["names"] == ["dream"]
    puts = [each.json for each in harness.env.http_requests if each.method == "PUT"]
    (kept,) = [each for each in puts[-1] if each["type"] == 4]
    assert kept.items() >= launch.items()
    assert await restart_named(harness) == []


async def test_a_server_that_is_not_readable_stops_nothing(harness: BotHarness) -> None:
    """If Discord refuses to list a server's commands, the bot goes on."""
    harness.env.inject_error("GET", "/applications/*/guilds/*/commands", status=403, code=50001)
    (refused,) = await restart(harness)
    assert refused["event"] == "commands not read" and refused["log_level"] == "info"
    await leave(harness, harness.guild.id, "dream")
    assert (await restart(harness))[0]["names"] == ["dream"]


async def test_of_many_servers_only_some_are_looked_at(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requests after a start are bounded; the rest is looked at when it is needed."""
    assert SERVERS_AT_START <= 100
    monkeypatch.setattr(leftover_commands, "SERVERS_AT_START", 0)
    for _ in range(5):
        harness.env.create_guild()
    await harness.env.settle()
    await harness.stop()
    with capture_logs() as logged:
        await harness.start()
        await harness.env.settle()
    assert [each["count"] for each in logged if "not searched" in each["event"]] == [6]
    assert looks(harness) == []
    monkeypatch.undo()
    await leave(harness, harness.guild.id, "dream")
    data = {"id": "1", "name": "dream", "type": 1, "guild_id": str(harness.guild.id)}
    fuzzer = Fuzzer(harness)
    with capture_logs() as logged:
        for _ in range(3):
            await fuzzer.send(harness.alice, InteractionType.application_command, data)
        await harness.env.settle()
    assert [each["names"] for each in logged if "names" in each] == [["dream"]]
    assert len(looks(harness)) == 1


async def test_a_new_server_is_looked_at(harness: BotHarness) -> None:
    """When the bot joins a server, what an earlier program left there is found."""
    await leave(harness, harness.guild.id, "dream")
    client = harness.app.client
    with capture_logs() as logged:
        client.dispatch("guild_join", client.get_guild(harness.guild.id))
        await harness.env.settle()
    assert [each["names"] for each in logged if "names" in each] == [["dream"]]
