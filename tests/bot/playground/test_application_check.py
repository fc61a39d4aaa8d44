"""`zimagine doctor --online`: what is told of an application, asked of the stand-in for Discord."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import discord.http
import pytest

from bot.diagnosis.findings import Code, Finding, Level
from bot.discord import application_check
from bot.discord.application_check import OnlineSetup, check_application
from bot.discord.command_sync import sync_commands
from bot.playground.initial_world import BOT_ID, GUILD_ID
from bot.playground.rest.routes import PREFIX
from bot.proxies import Proxies
from tests.bot.cli.calling import zimagine
from tests.bot.diagnosis.reading import levels, said
from tests.bot.playground.conftest import COMMAND, StandInClient
from tests.bot.sample_token import TOKEN


@pytest.fixture(autouse=True)
def _redirected(client: StandInClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let discord.py ask the stand-in, and give up at once where nobody answers."""
    monkeypatch.setattr(discord.http.Route, "BASE", client.standin.base_url + PREFIX)
    monkeypatch.setattr(application_check, "LIMIT_S", 3.0)


async def ask(
    client: StandInClient, state: Path, *guilds: int, token: str = "", ahead_s: float = 0
) -> list[Finding]:
    """Ask with the token of the stand-in, by a clock that is ahead."""
    return await check_application(
        OnlineSetup(
            token or client.standin.token,
            Proxies(""),
            guilds,
            state,
            lambda: datetime.now(UTC) + timedelta(seconds=ahead_s),
        )
    )


async def test_an_application_that_is_well(client: StandInClient, tmp_path: Path) -> None:
    """Name, servers and permissions are told; only reading requests are sent."""
    found = await ask(client, tmp_path / "synced", GUILD_ID)
    assert levels(found) == {
        Code.APPLICATION: Level.OK,
        Code.SERVER: Level.OK,
        Code.COMMANDS_UNREGISTERED: Level.NOTE,
    }
    assert {each.method for each in client.exchanges} == {"GET"}


async def test_a_token_that_is_rejected(client: StandInClient, tmp_path: Path) -> None:
    """A token that Discord does not know is broken, and not printed."""
    found = await ask(client, tmp_path, token="MTIz.secret.token")
    assert levels(found) == {Code.TOKEN_REFUSED: Level.BROKEN} and "secret" not in said(found)


async def test_lost_permissions_and_servers(client: StandInClient, tmp_path: Path) -> None:
    """Permissions that the bot's roles lack are named by server; so are servers it is not on."""
    guild = client.standin.world.guilds[GUILD_ID]
    for role in guild.roles.values():
        role.permissions &= ~discord.Permissions(attach_files=True, administrator=True).value
    found = await ask(client, tmp_path / "synced", GUILD_ID, 42)
    assert levels(found)[Code.PERMISSIONS_MISSING] is Level.BROKEN
    assert levels(found)[Code.SERVER_MISSING] is Level.NOTE
    assert "lacks permissions: “Attach Files”" in said(found) and "server 42" in said(found)
    del guild.members[BOT_ID]
    assert levels(await ask(client, tmp_path / "synced"))[Code.NO_SERVERS] is Level.NOTE


async def test_commands(client: StandInClient, tmp_path: Path) -> None:
    """Discord's commands are compared with those of the last sync, and old ones are named."""
    state = tmp_path / "synced"
    bot = discord.Client(intents=discord.Intents(guilds=True))
    await bot.login(client.standin.token)
    tree: Any = discord.app_commands.CommandTree(bot)
    await sync_commands(tree, BOT_ID, state)
    await bot.http.close()
    assert levels(await ask(client, state))[Code.COMMANDS] is Level.OK
    await client.call("POST", f"/applications/{BOT_ID}/commands", COMMAND)
    await client.call("POST", f"/applications/{BOT_ID}/guilds/{GUILD_ID}/commands", COMMAND)
    found = await ask(client, state)
    assert levels(found)[Code.COMMANDS_STALE] is Level.NOTE
    assert levels(found)[Code.LEFTOVER_COMMANDS] is Level.NOTE
    assert f"on the server {GUILD_ID}: paint" in said(found)


async def test_clocks_that_differ(client: StandInClient, tmp_path: Path) -> None:
    """A clock that is a minute ahead of Discord's is noted; a second is not."""
    found = await ask(client, tmp_path / "synced", ahead_s=60)
    assert levels(found)[Code.CLOCK_SKEW] is Level.NOTE
    assert re.search(r"is 6\d s away", said(found))
    assert Code.CLOCK_SKEW not in levels(await ask(client, tmp_path / "synced", ahead_s=1))


async def test_nobody_answers(
    client: StandInClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a connection, that is what is broken, in one sentence."""
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:9/api/v10")
    found = await ask(client, tmp_path)
    assert levels(found) == {Code.UNREACHABLE: Level.BROKEN}
    assert "127.0.0.1" not in said(found) and "Connect" in said(found)


async def test_the_command_asks(
    client: StandInClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--online` asks with the settings' token, beside the checks of the machine, and prints
    neither the token nor anything on standard error; without a usable token nothing is asked."""
    client.standin.token = TOKEN
    monkeypatch.chdir(tmp_path)
    # It imports torch, which takes longer than all else here.
    monkeypatch.setattr("bot.diagnosis.report.check_machine", lambda *_, **__: [])
    monkeypatch.setenv("ZIMAGINE_DISCORD__PROXY", "")
    for token, asked in ((TOKEN, True), ("none", False)):
        monkeypatch.setenv("DISCORD_TOKEN", token)
        done = await asyncio.to_thread(zimagine, "doctor", "--online")
        assert ("Discord accepts the token: zimagine" in done.stdout) == asked
        assert ("there is no usable token" in done.stdout) != asked
        assert (done.exit_code == 0) == asked and TOKEN not in done.output
        assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []
