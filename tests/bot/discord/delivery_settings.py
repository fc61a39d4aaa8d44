"""Helpers for delivery settings and direct messages."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness


async def change_settings(harness: BotHarness, **options: Any) -> str:
    """Run /settings as Alice; return the reply."""
    result = await harness.alice.slash(harness.channel, "settings", **options)
    assert result.ephemeral
    return harness.texts(result.response.message)


def direct_messages(harness: BotHarness) -> list[Any]:
    """Return the direct messages that Alice received."""
    channel_id = harness.env.backend.dm_channels.get(harness.alice.id)
    messages = harness.env.backend.messages.get(channel_id, {})
    return sorted(messages.values(), key=lambda each: each.id)
