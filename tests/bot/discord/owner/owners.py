"""The bot of an owner who has a server for its commands."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness


async def restart_with(harness: BotHarness, **discord: Any) -> None:
    """Restart the bot with other settings of [discord]."""
    settings = harness.settings
    section = settings.discord.model_copy(update=discord)
    harness.settings = settings.model_copy(update={"discord": section})
    await harness.stop()
    await harness.start()
    await harness.app.engine.ready()
    await harness.env.settle()


async def give_owner(harness: BotHarness) -> Any:
    """Make the admin the bot's owner, with the commands on the server; return them."""
    await restart_with(harness, owners=(harness.admin.id,), owner_server=harness.guild.id)
    return harness.admin


async def command(harness: BotHarness, name: str, /, **options: Any) -> Any:
    """Run a command of the owner."""
    return await harness.admin.slash(harness.channel, f"owner {name}", **options)


async def told(harness: BotHarness, name: str, /, **options: Any) -> str:
    """Run a command of the owner and return the answer, which nobody else sees."""
    result = await command(harness, name, **options)
    assert result.response.ephemeral
    return harness.texts(result.response.message)
