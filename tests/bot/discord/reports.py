"""Helpers that report pictures and read the cards that moderators see."""

from __future__ import annotations

import asyncio
from typing import Any

import discord

from tests.bot.discord.harness import WAIT_S, BotHarness


async def reports_shown(harness: BotHarness) -> None:
    """Wait until there is nothing left to be posted for moderators."""
    services = harness.app.services
    async with asyncio.timeout(WAIT_S):
        while services.report_notifier.busy or services.administration.log_notifier.busy:
            await asyncio.sleep(0.01)
    await harness.env.settle()


async def hidden_channel(harness: BotHarness, name: str = "mods") -> Any:
    """Create a channel that only moderators, admins and the bot can see."""
    see, blind = (discord.PermissionOverwrite(view_channel=each) for each in (True, False))
    staff = dict.fromkeys((harness.moderator, harness.admin, harness.guild.me), see)
    everyone = {harness.guild.default_role: blind}
    return harness.guild.create_text_channel(name, overwrites=everyone | staff)


async def reports_channel(harness: BotHarness, name: str = "mods") -> Any:
    """Create such a channel and make it the reports channel."""
    channel = await hidden_channel(harness, name)
    await harness.admin.slash(harness.channel, "admin log", event="reports", channel=channel)
    await reports_shown(harness)
    return channel


async def report(harness: BotHarness, who: Any, reason: str = "", message: Any = None) -> Any:
    """Press Report on the newest picture and submit the form; return the result."""
    panel = await harness.more(who, message or harness.message_with_picture())
    form = await who.click(panel, label="Report")
    result = await who.submit_modal(form, {"reason": reason})
    await reports_shown(harness)
    return result


async def delete_reported(harness: BotHarness, who: Any, card: Any) -> Any:
    """Press Delete on a card and confirm it; return the question, in whose place the verdict is."""
    asked = await who.click(card, label="Delete")
    question = asked.response.message or card  # what only they see becomes the question itself
    await who.click(question, label="Delete")
    await reports_shown(harness)
    return question


def answer_to(harness: BotHarness, interaction: Any) -> str:
    """Return the reply to an interaction that the fuzzer sent."""
    return harness.env.backend.get_message(harness.channel.id, interaction.message_id).content


def button_labels(message: Any) -> list[str]:
    """Return the button labels of a card."""
    rows = [part for part in message.components if isinstance(part, discord.ActionRow)]
    parts = [part for row in rows for part in row.children]
    return [str(part.label) for part in parts if isinstance(part, discord.Button)]


def gallery_items(message: Any) -> list[Any]:
    """Return the gallery items of a card."""
    found = [p for p in message.components if isinstance(p, discord.MediaGalleryComponent)]
    return [item for part in found for item in part.items]
