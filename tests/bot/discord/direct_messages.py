"""Helpers that paint pictures into direct messages and press buttons there."""

from __future__ import annotations

from typing import Any

import discord
from simcord.results import to_discord_message

from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint


async def picture_in_direct(harness: BotHarness, **options: Any) -> Any:
    """Paint a picture that Alice receives by direct message; return that message."""
    await change_settings(harness, delivery="direct")
    await paint(harness, **({"prompt": "a lake"} | options))
    return shown_directly(harness)[-1]


def shown_directly(harness: BotHarness, who: Any = None) -> list[Any]:
    """Return the messages of somebody's direct messages with the bot, ephemeral ones left out."""
    messages = (who or harness.alice).user.dm_channel.history()
    return [each for each in messages if not each.flags.ephemeral]


async def press(harness: BotHarness, message: Any, label: str, who: Any = None) -> Any:
    """Press a button in direct messages; return the result."""
    return await (who or harness.alice).user.click(message, label=label)


def refreshed(harness: BotHarness, message: Any) -> Any:
    """Return a message as it is now."""
    stored = harness.env.backend.get_message(message.channel.id, message.id)
    return to_discord_message(harness.env, stored)


def labels(message: Any) -> list[str]:
    """Return the labels of all buttons of a message, from top to bottom."""
    rows = [each for each in message.components if isinstance(each, discord.ActionRow)]
    parts = [part for row in rows for part in row.children]
    return [str(part.label) for part in parts if isinstance(part, discord.Button)]


def place_of(harness: BotHarness, job_id: int) -> tuple[int, int, bool, str]:
    """Return the server and channel of a job, whether it is private, and its delivery mode."""
    ((guild_id, channel_id, private, delivery),) = harness.rows(
        "SELECT guild_id, channel_id, private, delivery FROM jobs WHERE id = ?", job_id
    )
    return guild_id, channel_id, bool(private), delivery


def routes(harness: BotHarness) -> list[str | None]:
    """Return the route of every delivery, in the order of its job."""
    return [row[0] for row in harness.rows("SELECT road FROM deliveries ORDER BY job_id")]
