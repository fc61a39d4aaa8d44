"""/gallery and /show: what somebody may read in the channels now, and nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import discord

from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import alice_as_actor, private_text, response_text

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


async def open_thread(harness: BotHarness, **options: Any) -> tuple[discord.Thread, Any]:
    """Open a thread in the channel, as the bot sees it and as members do."""
    channel = harness.app.client.get_channel(harness.channel.id)
    assert isinstance(channel, discord.TextChannel)
    options = {"type": discord.ChannelType.public_thread} | options
    thread = await channel.create_thread(name="Ideas", **options)
    await harness.env.settle()
    return thread, next(each for each in harness.channel.threads if each.id == thread.id)


async def archive(harness: BotHarness, thread: discord.Thread) -> None:
    """Archive a thread, so that the client forgets it."""
    await thread.edit(archived=True)
    await harness.env.settle()
    assert thread.guild.get_channel_or_thread(thread.id) is None


def asked_about(harness: BotHarness, thread: discord.Thread) -> int:
    """Return how often Discord was asked what a thread is."""
    paths = [(each.method, each.path) for each in harness.env.http_requests]
    return paths.count(("GET", f"/channels/{thread.id}"))


async def test_an_archived_thread_has_the_rights_of_its_channel(harness: BotHarness):
    """Pictures of an archived thread are shown to whoever reads its channel, and only to them;
    Discord is asked once what it is."""
    thread, place = await open_thread(harness)
    await paint_as(harness, harness.bob, place, prompt="a plan")
    await archive(harness, thread)
    for _ in range(2):
        assert "a plan" in response_text(harness, await gallery(harness, harness.alice))
    shown = await harness.alice.slash(harness.channel, "show", picture="1")
    assert "a plan" in response_text(harness, shown)
    listed = await gallery(harness, harness.alice, channel=place)
    assert f"Pictures in <#{thread.id}>" in response_text(harness, listed)
    assert asked_about(harness, thread) == 1
    await close(harness, harness.channel)
    elsewhere = harness.guild.create_text_channel("elsewhere")
    empty = await gallery(harness, harness.alice, elsewhere)
    assert "There are no pictures" in response_text(harness, empty)
    assert asked_about(harness, thread) == 1


async def test_a_private_thread_is_for_its_members(harness: BotHarness):
    """Pictures of a private thread, archived or not, are shown to its members and to those who
    manage threads, and to nobody else."""
    kind = discord.ChannelType.private_thread
    thread, place = await open_thread(harness, type=kind, invitable=False)
    await thread.add_user(discord.Object(harness.bob.id))
    assert isinstance(thread.parent, discord.TextChannel)
    admin = discord.Object(harness.admin.id, type=discord.Member)
    await thread.parent.edit(overwrites={admin: discord.PermissionOverwrite(manage_threads=True)})
    await harness.env.settle()
    await paint_as(harness, harness.bob, place, prompt="a plan")
    for _ in range(2):
        assert "a plan" in response_text(harness, await gallery(harness, harness.bob))
        assert "a plan" in response_text(harness, await gallery(harness, harness.admin))
        mine = response_text(harness, await gallery(harness, harness.alice))
        assert "There are no pictures" in mine
        refused = await harness.alice.slash(harness.channel, "show", picture="1")
        assert "There is no picture" in private_text(refused)
        if thread.guild.get_thread(thread.id) is not None:
            await archive(harness, thread)


async def test_what_discord_does_not_say_is_not_shown(harness: BotHarness):
    """If Discord fails or refuses to say what a thread is, its pictures are left out, and shown
    once it does; a deleted one is asked about once."""
    thread, place = await open_thread(harness)
    await paint_as(harness, harness.bob, place, prompt="a plan")
    await archive(harness, thread)
    harness.env.inject_error("GET", f"/channels/{thread.id}", status=400, code=50001)
    assert "There are no pictures" in response_text(harness, await gallery(harness, harness.alice))
    assert "a plan" in response_text(harness, await gallery(harness, harness.alice))
    deleted, place = await open_thread(harness)
    await paint_as(harness, harness.bob, place, prompt="a boat")
    await archive(harness, deleted)
    harness.env.inject_error("GET", f"/channels/{deleted.id}", status=404, code=10003)
    for _ in range(2):
        assert "a boat" not in response_text(harness, await gallery(harness, harness.alice))
    assert asked_about(harness, deleted) == 1


async def test_posts_of_a_forum_are_threads(harness: BotHarness):
    """Pictures in a post of a forum are listed, also when the post is archived."""
    forum = harness.guild.create_forum_channel("help")
    await harness.env.settle()
    channel = harness.app.client.get_channel(forum.id)
    assert isinstance(channel, discord.ForumChannel)
    post = (await channel.create_thread(name="A poster", content="Which one?")).thread
    await harness.env.settle()
    (place,) = forum.threads
    await paint_as(harness, harness.bob, place, prompt="a poster")
    assert "a poster" in response_text(harness, await gallery(harness, harness.alice))
    await archive(harness, post)
    assert "a poster" in response_text(harness, await gallery(harness, harness.alice))
    listed = await gallery(harness, harness.alice, channel=place)
    assert "a poster" in response_text(harness, listed)


async def test_a_gallery_is_searched(harness: BotHarness):
    """Words, seeds and days find what everybody may see, as in /history, and never by a note."""
    await paint_as(harness, harness.bob, harness.channel, prompt="a lake at dawn", seed=7)
    await paint_as(harness, harness.alice, harness.channel, prompt="日落的湖", seed=8)
    await paint_as(harness, harness.bob, hidden_channel(harness), prompt="a lake, hidden", seed=7)
    actor = alice_as_actor(harness)
    await harness.app.services.gallery.write_note(actor, 2, "birthday")

    async def found(**options: Any) -> str:
        return response_text(harness, await gallery(harness, harness.alice, **options))

    lake = await found(search="DAWN lake")
    assert "a lake at dawn" in lake and "日落" not in lake and "hidden" not in lake
    assert "that match “DAWN lake”, newest first" in lake
    assert "日落的湖" in await found(search="落的")
    assert "#1" in await found(seed=7) and "#2" not in await found(seed=7)
    assert "#2" in await found(**{"from": "2015", "search": "湖"})
    assert "No picture" in await found(search="birthday")
    nothing = await found(search="desert", channel=harness.channel)
    assert "No picture that you may see here matches “desert”." in nothing
    here = await found(search="lake", channel=harness.channel)
    assert f"Pictures in <#{harness.channel.id}> matching “lake”, newest first" in here
    refused = await gallery(harness, harness.alice, **{"from": "tomorrow"})
    assert "tomorrow" in private_text(refused)


async def test_pages_of_a_search(harness: BotHarness):
    """The buttons of a search lead through what it finds, after a restart too."""
    for number in range(2):
        await paint_as(harness, harness.bob, harness.channel, prompt=f"a lake {number}", count=4)
        await paint_as(harness, harness.bob, harness.channel, prompt="a boat")
    answer = await gallery(harness, harness.alice, search="lake")
    assert response_text(harness, answer).count("**#") == 5
    await harness.stop()
    await harness.start()
    await harness.alice.click(answer.response.message, label="Older")
    second = response_text(harness, answer)
    assert second.count("**#") == 3 and "boat" not in second and "“lake”" in second
    await harness.alice.click(answer.response.message, label="Newer")
    assert "#9" in response_text(harness, answer) and "#10" not in response_text(harness, answer)


async def test_a_page_whose_pictures_are_gone(harness: BotHarness):
    """It says so and shows the first page of the same search; one with nothing left says that."""
    for _ in range(2):
        await paint_as(harness, harness.bob, harness.channel, prompt="a lake", count=4)
    answer = await gallery(harness, harness.alice, search="lake")
    moderator = dataclasses.replace(alice_as_actor(harness), manages_messages=True)
    for number in (1, 2, 3):
        await harness.app.services.deletion.erase(moderator, number)
    await harness.alice.click(answer.response.message, label="Older")
    text = response_text(harness, answer)
    assert text.startswith("The pictures of that page have been deleted since. ")
    assert text.count("**#") == 5 and "“lake”" in text
    for number in range(4, 9):
        await harness.app.services.deletion.erase(moderator, number)
    gone = await gallery(harness, harness.alice, search="lake")
    assert "No picture that you may see here matches" in response_text(harness, gone)


async def test_syntax_is_looked_for_as_it_is_written(harness: BotHarness):
    """Operators of the index are no more than words."""
    await paint_as(harness, harness.bob, harness.channel, prompt='a "lake" OR a boat')
    for typed in ('" OR NEAR( * ^ -', "lake*", "NOT boat"):
        nothing = await gallery(harness, harness.alice, search=typed)
        assert "No picture that you may see here matches" in response_text(harness, nothing)
    found = await gallery(harness, harness.alice, search='"lake" OR')
    assert "#1" in response_text(harness, found)


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
