"""/gallery and /show: what somebody may read in the channels now, and nothing else."""

from __future__ import annotations

from typing import Any

import discord

from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import private_text, response_text

SEE = discord.PermissionOverwrite(view_channel=True, read_message_history=True)
BLIND = discord.PermissionOverwrite(view_channel=False)


async def paint_as(harness: BotHarness, who: Any, channel: Any, **options: Any) -> None:
    """Paint a picture as this member in this channel."""
    await who.slash(channel, "imagine", **options)
    await harness.settled()


async def gallery(harness: BotHarness, who: Any, where: Any = None, **options: Any) -> Any:
    """Run /gallery; return the result, which only this member sees."""
    result = await who.slash(where or harness.channel, "gallery", **options)
    assert result.ephemeral
    return result


def hidden_channel(harness: BotHarness) -> Any:
    """Return a channel that Bob can read, and Alice cannot."""
    overwrites = {harness.guild.default_role: BLIND, harness.guild.me: SEE, harness.bob: SEE}
    return harness.guild.create_text_channel("hidden", overwrites=overwrites)


async def test_what_others_painted_in_public(harness: BotHarness):
    """The server's pictures are listed with their painters, never private ones or those sent by
    direct message; Show opens one with its buttons."""
    await paint_as(harness, harness.bob, harness.channel, prompt="a lake")
    await paint_as(harness, harness.bob, harness.channel, prompt="a secret", private=True)
    await change_settings(harness, delivery="direct")
    await paint_as(harness, harness.alice, harness.channel, prompt="by direct message")
    answer = await gallery(harness, harness.admin)
    text = response_text(harness, answer)
    assert "a lake" in text and f"by <@{harness.bob.id}> in <#{harness.channel.id}>" in text
    assert "secret" not in text and "direct message" not in text
    shown = await harness.admin.click(answer.response.message, label="Show #1")
    assert shown.ephemeral and "a lake" in response_text(harness, shown)
    assert "Note" not in str(shown.response.message.components)
    for number in ("2", "3", "99", "x"):
        refused = await harness.admin.slash(harness.channel, "show", picture=number)
        assert "There is no picture" in private_text(refused), number


async def test_only_from_channels_that_the_asker_reads_now(harness: BotHarness):
    """A hidden channel's pictures are in nobody's gallery who cannot read it, and neither in /show;
    nor are they once it is closed."""
    hidden = hidden_channel(harness)
    await paint_as(harness, harness.bob, hidden, prompt="a plan")
    for _ in range(2):
        await paint_as(harness, harness.bob, hidden, prompt="a plan", count=4)
    assert "a plan" in response_text(harness, await gallery(harness, harness.bob))
    assert "There are no pictures" in response_text(harness, await gallery(harness, harness.alice))
    refused = await harness.alice.slash(harness.channel, "show", picture="1")
    assert "There is no picture" in private_text(refused)
    shown = await harness.bob.slash(harness.channel, "show", picture="#1")
    assert "a plan" in response_text(harness, shown)
    listed = await gallery(harness, harness.bob, channel=hidden)
    assert f"Pictures in <#{hidden.id}>, newest first" in response_text(harness, listed)
    await close(harness, hidden)
    gone = await harness.bob.click(listed.response.message, label="Show #9")
    assert "There is no picture" not in private_text(gone)  # it is still Bob's own
    closed = await harness.bob.click(listed.response.message, label="Older")
    assert "You cannot see the pictures of that channel here" in private_text(closed)
    assert "There are no pictures" in response_text(harness, await gallery(harness, harness.bob))


async def close(harness: BotHarness, hidden: Any) -> None:
    """Close a channel to everybody but the bot, as an admin does."""
    channel = harness.app.client.get_channel(hidden.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.edit(overwrites={channel.guild.default_role: BLIND, channel.guild.me: SEE})
    await harness.env.settle()


async def test_age_restricted_channels_stay_among_themselves(harness: BotHarness):
    """Their pictures are shown in age-restricted channels only."""
    red = harness.guild.create_text_channel("red")
    await paint_as(harness, harness.bob, red, prompt="a lake")
    channel = harness.app.client.get_channel(red.id)
    assert isinstance(channel, discord.TextChannel)
    channel.nsfw = True
    assert "There are no pictures" in response_text(harness, await gallery(harness, harness.alice))
    refused = await harness.alice.slash(harness.channel, "show", picture="1")
    assert "There is no picture" in private_text(refused)
    inside = await gallery(harness, harness.alice, red)
    assert "a lake" in response_text(harness, inside)
    own = await harness.bob.slash(harness.channel, "show", picture="1")
    assert "a lake" in response_text(harness, own)


async def test_pages_of_a_gallery(harness: BotHarness):
    """They turn both ways after a restart, without what was deleted or closed since."""
    for number in range(2):
        prompt = f"a lake {number}"
        await paint_as(harness, harness.bob, harness.channel, prompt=prompt, count=4)
    answer = await gallery(harness, harness.alice)
    assert response_text(harness, answer).count("**#") == 5
    await harness.stop()
    await harness.start()
    await harness.alice.click(answer.response.message, label="Older")
    second = response_text(harness, answer)
    assert second.count("**#") == 3 and "#1" in second
    await harness.alice.click(answer.response.message, label="Newer")
    assert "#8" in response_text(harness, answer)
