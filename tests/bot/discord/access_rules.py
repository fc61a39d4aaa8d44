"""Helpers that set rules and ask for pictures."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import private_text


async def rule(harness: BotHarness, what: str, value: str, **subject: Any) -> str:
    """Set a rule as an admin; return the answer."""
    result = await harness.admin.slash(
        harness.channel, "admin rules set", what=what, value=value, **subject
    )
    return private_text(result)


async def answer(harness: BotHarness, who: Any = None, where: Any = None, **options: Any) -> str:
    """Return the private answer to /imagine, "" where it was painted for all to see."""
    options = {"prompt": "a lake"} | options
    result = await (who or harness.alice).slash(where or harness.channel, "imagine", **options)
    await harness.settled()
    return private_text(result) if result.ephemeral else ""
