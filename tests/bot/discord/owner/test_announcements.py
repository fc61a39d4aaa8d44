"""The channel of announcements, and /owner announce."""

from __future__ import annotations

from typing import Any

import discord

from bot.discord.views.custom_ids import ComponentAction
from bot.discord.views.log_channels import EVENTS
from storage.log_entries import LogEvent
from tests.bot.discord.direct_messages import shown_directly
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.owner.owners import command, give_owner
from tests.bot.discord.painting import private_text
from tests.fakes import until


async def choose(harness: BotHarness, channel: Any = None, who: Any = None) -> str:
    """Choose the server's channel; return the answer."""
    actor = who or harness.admin
    if channel is None:
        panel = await actor.slash(harness.channel, "admin log", event="announcements")
        if panel.response.message is None:
            return private_text(panel)
        number = EVENTS.index(LogEvent.ANNOUNCEMENTS)
        await harness.pick(
            actor, panel.response.message, ComponentAction.LOG_CHANNEL, number=number
        )
        return harness.texts(panel.response.message)
    return private_text(
        await actor.slash(harness.channel, "admin log", event="announcements", channel=channel)
    )


def posted(harness: BotHarness) -> list[str]:
    """Return the announcements in the channel."""
    texts = [harness.texts(each) for each in harness.channel.history()]
    return [each for each in texts if "An announcement by the bot's owner" in each]


async def test_it_is_posted_where_it_is_wanted(harness: BotHarness) -> None:
    """Only servers that chose a channel get it, after a question that says how many there are; it
    calls nobody."""
    await give_owner(harness)
    nobody = await command(harness, "announce", text="news")
    assert "No server has chosen a channel" in private_text(nobody)
    assert "posted in" in await choose(harness, harness.channel)
    asked = await command(harness, "announce", text="**News** for @everyone")
    assert "Post this on 1 server?" in harness.texts(asked.response.message)
    assert posted(harness) == []
    await harness.admin.click(asked.response.message, label="Post it")
    (text,) = posted(harness)
    assert "**News**" in text and "@everyone" not in text
    assert "was posted on 1 server." in harness.texts(asked.response.message)
    assert "no longer posted in a channel" in await choose(harness)
    nobody = await command(harness, "announce", text="news")
    assert "No server has chosen a channel" in private_text(nobody)


async def test_where_it_may_not_be_posted(harness: BotHarness) -> None:
    """A channel where the bot cannot write is not accepted; where it lost the right later, that is
    counted."""
    await give_owner(harness)
    blind = discord.PermissionOverwrite(view_channel=False)
    closed = harness.guild.create_text_channel("closed", overwrites={harness.guild.me: blind})
    assert "I cannot post in" in await choose(harness, closed)
    await choose(harness, harness.channel)
    harness.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    asked = await command(harness, "announce", text="news")
    await harness.admin.click(asked.response.message, label="Post it")
    said = harness.texts(asked.response.message)
    assert "posted on 0 servers" in said and "On 1 server I may not write" in said


async def test_it_goes_on_after_a_crash(harness: BotHarness) -> None:
    """What a killed process had begun to post is not posted twice; the rest is, and owners are told
    how it went."""
    await give_owner(harness)
    other = harness.env.create_guild(name="Elsewhere")
    lost = other.create_text_channel("news")
    await harness.env.settle()
    await choose(harness, harness.channel)
    stored, channels = harness.app.stores.announcements, harness.app.stores.log_channels
    event = LogEvent.ANNOUNCEMENTS
    await channels.choose(other.id, event, lost.id, harness.admin.id, "en-US")
    begun = await stored.begin("news", [harness.guild.id, other.id], harness.admin.id)
    first = await stored.attempt(begun.id)
    assert first is not None and first.guild_id == harness.guild.id
    await harness.crash()
    await harness.start()
    await harness.app.engine.ready()
    await until(lambda: shown_directly(harness, harness.admin))
    (text,) = (harness.texts(each) for each in shown_directly(harness, harness.admin))
    assert "posted on 1 server." in text and "Of 1 server it is not known" in text
    assert posted(harness) == [] and "news" in harness.texts(lost.history()[-1])
    assert harness.rows("SELECT * FROM announcements") == []
