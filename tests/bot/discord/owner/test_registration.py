"""The owners' commands are on one server alone, and leave it when the setting changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from structlog.testing import capture_logs

from bot.runtime.wiring import OWNER_SYNC_FILE
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.owner.owners import give_owner, restart_with, told
from tests.bot.discord.painting import private_text
from tests.fakes import until


def registered(harness: BotHarness, guild_id: int | None) -> set[str]:
    """Return the names of a server's own commands; None for those of all servers."""
    found: Iterable[Any] = harness.env.backend.commands.get(guild_id, {}).values()
    return {each["name"] for each in found}


def changes(harness: BotHarness) -> int:
    """Return how often commands of single servers have been registered."""
    found = (each for each in harness.env.http_requests if "/guilds/" in each.path)
    return sum(each.method == "PUT" and each.path.endswith("/commands") for each in found)


async def test_without_the_setting_there_is_no_group(harness: BotHarness) -> None:
    """No server has the commands, and nothing is asked of any server for them."""
    assert "owner" not in registered(harness, None)
    assert registered(harness, harness.guild.id) == set() and changes(harness) == 0


async def test_one_server_has_them(harness: BotHarness) -> None:
    """They are registered there once, survive restarts and the search for leftovers, and are gone
    when another server or none is chosen."""
    await give_owner(harness)
    assert registered(harness, harness.guild.id) == {"owner"}
    assert "owner" not in registered(harness, None)
    for _ in range(2):
        await restart_with(harness, remove_old_commands=True)
    assert registered(harness, harness.guild.id) == {"owner"} and changes(harness) == 1
    other = harness.env.create_guild(name="Elsewhere")
    await harness.env.settle()
    await restart_with(harness, owner_server=other.id)
    assert registered(harness, harness.guild.id) == set()
    assert registered(harness, other.id) == {"owner"}
    await restart_with(harness, owner_server=None)
    assert registered(harness, other.id) == set()
    assert (harness.settings.storage.data_dir / OWNER_SYNC_FILE).read_text() == ""


async def test_a_server_that_the_bot_is_not_on(harness: BotHarness) -> None:
    """If Discord refuses, the bot starts, says so in its log, and registers them when it joins."""
    await restart_with(harness, owners=(harness.admin.id,))
    harness.env.inject_error("GET", "/applications/*/guilds/*/commands", status=403, code=50001)
    with capture_logs() as logged:
        await restart_with(harness, owner_server=harness.guild.id)
    assert "owners' commands not registered" in {each["event"] for each in logged}
    assert registered(harness, harness.guild.id) == set()
    client = harness.app.client
    client.dispatch("guild_join", client.get_guild(harness.guild.id))
    await until(lambda: registered(harness, harness.guild.id) == {"owner"})
    await harness.env.settle()
    assert "Ready to paint." in await told(harness, "status")


async def test_the_server_need_not_paint(harness: BotHarness) -> None:
    """Where the settings let the bot paint on other servers alone, the commands and the buttons of
    their questions work, and nothing else does."""
    await give_owner(harness)
    await restart_with(harness, guilds=(1,))
    assert "Painting is paused" in await told(harness, "pause")
    asked = await harness.admin.slash(harness.channel, "owner drain")
    await harness.admin.click(asked.response.message, label="Accept nothing new")
    assert "Nothing new is accepted" in harness.texts(asked.response.message)
    refused = await harness.admin.slash(harness.channel, "queue")
    assert private_text(refused) == "I am not enabled on this server."
