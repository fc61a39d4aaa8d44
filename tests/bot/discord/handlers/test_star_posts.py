"""The channel of starred pictures: what is shown there, once, and what never is."""

from __future__ import annotations

import asyncio
from typing import Any

import discord

from bot.delivery.messenger import TemporaryFailure
from tests.bot.discord.harness import WAIT_S, BotHarness
from tests.bot.discord.painting import alice_as_actor, paint, picture_messages, private_picture

BLIND = discord.PermissionOverwrite(view_channel=False)
SEE = discord.PermissionOverwrite(view_channel=True)


async def stars_channel(harness: BotHarness, stars: int = 2, **options: Any) -> Any:
    """Choose a new channel for starred pictures."""
    channel = harness.guild.create_text_channel("stars", **options)
    said = await harness.admin.slash(harness.channel, "admin stars", channel=channel, stars=stars)
    assert f"gets {stars} stars is shown once in <#{channel.id}>" in said.response.content
    return channel


async def star(harness: BotHarness, message: Any, *people: Any) -> None:
    """Press the star below a message, and wait until what follows is done."""
    for each in people:
        await each.click(message, label="Favourite")
    await posted(harness)


async def posted(harness: BotHarness) -> None:
    """Wait until everything is posted that is due, and removed that is to go."""
    async with asyncio.timeout(WAIT_S):
        while harness.app.services.administration.star_poster.busy:
            await asyncio.sleep(0.01)
        while not harness.app.message_remover.idle:
            await asyncio.sleep(0.01)
    await harness.env.settle()


def shown(channel: Any) -> list[Any]:
    """Return the messages of a channel that show pictures."""
    return [each for each in channel.history() if each.attachments]


async def test_enough_stars_show_a_picture_once(harness: BotHarness):
    """With its prompt, its alt text and a link; taking stars back and giving them again changes
    nothing, and neither does a restart."""
    channel = await stars_channel(harness)
    await paint(harness, prompt="a **red** boat")
    message = harness.message_with_picture()
    await star(harness, message, harness.bob)
    assert shown(channel) == []
    await star(harness, message, harness.alice)
    (post,) = shown(channel)
    text = harness.texts(post)
    assert r"a \*\*red\*\* boat" in text and f"by <@{harness.alice.id}> · picture #1" in text
    assert post.attachments[0].description == "a **red** boat"
    assert f"/{harness.guild.id}/{harness.channel.id}/{message.id}" in str(post.components)
    await star(harness, message, harness.alice, harness.bob, harness.bob, harness.alice)
    await harness.stop()
    await harness.start()
    await star(harness, message, harness.moderator)
    assert [each.id for each in shown(channel)] == [post.id]


async def test_a_crash_shows_it_once(harness: BotHarness):
    """Killed before the post, it is posted by the next start; killed before the answer to it was
    written down, the next start finds the message."""
    channel = await stars_channel(harness)
    await paint(harness, prompt="a boat")
    await paint(harness, prompt="a house")
    boat, house = picture_messages(harness)
    await star(harness, boat, harness.bob)
    harness.app.services.gallery._starred = lambda _picture_id: None  # what a crash loses
    await star(harness, boat, harness.moderator)
    assert shown(channel) == []
    await harness.crash()
    await harness.start()
    await posted(harness)
    assert len(shown(channel)) == 1
    await star(harness, house, harness.bob, harness.moderator)
    await harness.crash()
    harness.change("UPDATE star_posts SET message_id = NULL")
    await harness.start()
    await posted(harness)
    assert len(shown(channel)) == 2
    assert harness.rows("SELECT count(*) FROM star_posts WHERE message_id IS NULL") == [(0,)]


async def test_a_lost_answer_shows_it_once(harness: BotHarness):
    """Where Discord's answer to the post is lost, the message is found, not posted again."""
    channel = await stars_channel(harness, 2)
    await paint(harness, prompt="a boat")
    poster = harness.app.services.administration.star_poster
    messenger, failed = poster._messenger, list[int]()
    post = messenger.post

    async def lossy(*args: Any) -> int:
        message_id = await post(*args)
        if not failed:
            failed.append(message_id)
            raise TemporaryFailure("the answer was lost")
        return message_id

    async def at_once(_delay_s: float) -> None:
        await asyncio.sleep(0)

    messenger.post = lossy  # pyright: ignore[reportAttributeAccessIssue]
    poster._worker._sleep = at_once
    message = harness.message_with_picture()
    await star(harness, message, harness.bob, harness.moderator)
    assert [each.id for each in shown(channel)] == failed
    assert harness.rows("SELECT message_id FROM star_posts") == [(failed[0],)]


async def test_only_what_everybody_there_may_read(harness: BotHarness):
    """A picture of a channel that is closed to somebody who sees the stars stays where it is, and
    so does one of an age-restricted channel; opened, the next star shows it."""
    channel = await stars_channel(harness)
    inside = (harness.guild.me, harness.alice, harness.bob, harness.moderator)
    closed = {harness.guild.default_role: BLIND}
    hidden = harness.guild.create_text_channel(
        "hidden", overwrites=closed | dict.fromkeys(inside, SEE)
    )
    await harness.alice.slash(hidden, "imagine", prompt="a secret")
    await harness.settled()
    (message,) = shown(hidden)
    await star(harness, message, harness.bob, harness.alice)
    assert shown(channel) == [] and harness.rows("SELECT * FROM star_posts") == []
    found = harness.app.client.get_channel(hidden.id)
    assert isinstance(found, discord.TextChannel)
    await found.edit(overwrites={})
    found.nsfw = True
    await star(harness, message, harness.moderator)
    assert shown(channel) == []
    found.nsfw = False
    await star(harness, message, harness.moderator, harness.moderator)
    assert len(shown(channel)) == 1


async def test_no_private_picture(harness: BotHarness):
    """However many stars it has."""
    channel = await stars_channel(harness, 2)
    await private_picture(harness)
    await harness.app.services.gallery.star(alice_as_actor(harness), 1)
    for user_id in (5, 6, 7):
        await harness.app.stores.stars.toggle(1, user_id)
    harness.app.services.administration.star_poster.wake(1)
    await posted(harness)
    assert shown(channel) == []


async def test_it_goes_with_its_picture(harness: BotHarness):
    """Deleted or erased with its member, it is gone there too; another's stays."""
    channel = await stars_channel(harness)
    for who in (harness.alice, harness.alice, harness.bob):
        await paint(harness, who, prompt="a boat")
    for message in picture_messages(harness):
        await star(harness, message, harness.alice, harness.bob)
    assert len(shown(channel)) == 3
    await harness.app.services.deletion.erase(alice_as_actor(harness), 1)
    await posted(harness)
    assert len(shown(channel)) == 2
    await harness.app.services.erasure.erase_own(alice_as_actor(harness))
    await posted(harness)
    (left,) = shown(channel)
    assert f"by <@{harness.bob.id}>" in harness.texts(left)


async def test_a_channel_is_chosen_and_left(harness: BotHarness):
    """The number stays if none is given; without a channel nothing is shown; a channel where the
    bot may not post is refused; only admins choose."""
    denied = discord.PermissionOverwrite(attach_files=False)
    closed = harness.guild.create_text_channel(
        "closed", overwrites={harness.app.client.user: denied}
    )
    said = await harness.admin.slash(harness.channel, "admin stars", channel=closed)
    assert "I cannot post in" in said.response.content
    channel = await stars_channel(harness, 3)
    said = await harness.admin.slash(harness.channel, "admin stars", channel=channel)
    assert "gets 3 stars" in said.response.content
    said = await harness.admin.slash(harness.channel, "admin stars")
    assert "not shown in a channel any more" in said.response.content
    await paint(harness, prompt="a boat")
    message = harness.message_with_picture()
    await star(harness, message, harness.alice, harness.bob, harness.moderator)
    assert shown(channel) == []
    assert harness.rows("SELECT count(*) FROM audit_log WHERE action = 'admin stars'") == [(3,)]
