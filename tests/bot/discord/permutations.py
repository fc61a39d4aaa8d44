"""Helpers that ask for permutations."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness

FOUR = "{red, blue} house {at dawn, at night}"


async def propose(harness: BotHarness, prompt: str = FOUR, **options: Any) -> Any:
    """Ask for permutations as Alice; return the result."""
    asked = {"prompt": prompt, "enhance": "off"} | options
    return await harness.alice.slash(harness.channel, "imagine", **asked)
