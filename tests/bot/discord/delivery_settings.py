"""Change how pictures are delivered, and look where they went."""

from __future__ import annotations

from typing import Any

from tests.bot.discord.harness import BotHarness


async def change_settings(harness: BotHarness, **options: Any) -> str:
    """What /settings answers Alice."""
    result = await harness.alice.slash(harness.channel, "settings", **options)
    assert result.ephemeral
    return result.response.content


def direct_messages(harness: BotHarness) -> list[Any]:
    """What Alice was written directly."""
    channel_id = harness.env.backend.dm_channels.get(harness.alice.id)
    messages = harness.env.backend.messages.get(channel_id, {})
    return sorted(messages.values(), key=lambda each: each.id)
