"""Blocked members cannot paint but keep what is theirs; and the moderators' commands."""

from __future__ import annotations

from typing import Any

import discord

from tests.bot.discord.every_way import ways_to_paint
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint
from tests.bot.discord.reports import hidden_channel
from tests.fakes import ScriptedRenderer


async def block(harness: BotHarness, who: Any, **options: Any) -> Any:
    """Block a member by command."""
    return await harness.admin.slash(harness.channel, "admin block", who=who, **options)


async def test_who_is_blocked_paints_in_no_way(harness: BotHarness):
    """A blocked member is refused in every way, with the reason escaped, and not charged."""
    ways = await ways_to_paint(harness)
    done = await block(harness, harness.bob, reason="**@everyone** three warnings")
    assert done.ephemeral and f"<@{harness.bob.id}>" in done.response.content
    before = harness.rows("SELECT count(*) FROM jobs"), harness.charged()
    for way in ways:
        refused = await way()
        assert refused.ephemeral and refused.modal is None
        said = refused.response.content
        assert "blocked you" in said and "three warnings" in said
        assert "@everyone" not in said and "**@" not in said
    await harness.settled()
    assert (harness.rows("SELECT count(*) FROM jobs"), harness.charged()) == before
    assert harness.rows("SELECT count(*) FROM job_inputs") == [(0,)]


async def test_who_is_blocked_keeps_what_is_theirs(harness: BotHarness):
    """A blocked member keeps history, recipes, favourites, quota and reports; other servers still
    serve."""
    await paint(harness, harness.bob, prompt="his own")
    message = harness.message_with_picture()
    await block(harness, harness.bob)
    history = await harness.bob.slash(harness.channel, "history")
    assert "his own" in harness.texts(history.response.message)
    recipe = await harness.bob.slash(harness.channel, "recipe", picture="1")
    assert "his own" in harness.texts(recipe.response.message)
    panel = await harness.more(harness.bob, message)
    await harness.bob.click(panel, label="Add to favourites")
    assert harness.rows("SELECT count(*) FROM pictures WHERE favourite_at IS NOT NULL") == [(1,)]
    await harness.alice.slash(harness.channel, "imagine", prompt="hers")
    await harness.settled()
    assert harness.charged() == 2


async def test_what_waits_is_cancelled_and_refunded(
    harness: BotHarness, renderer: ScriptedRenderer
):
    """Blocking cancels and refunds all of the member's jobs, no one else's, and survives a
    crash."""
    renderer.hold()
    for private in (False, True, False):
        await harness.bob.slash(harness.channel, "imagine", prompt="x", private=private)
    await harness.alice.slash(harness.channel, "imagine", prompt="hers")
    await harness.state(1, "painting")
    done = await block(harness, harness.bob)
    assert "3 of their jobs were cancelled" in done.response.content
    assert harness.charged() == 1
    await harness.crash()
    await harness.start()
    await harness.settled()
    assert harness.rows("SELECT state FROM jobs ORDER BY id") == [
        ("cancelled",), ("cancelled",), ("cancelled",), ("painted",)
    ]  # fmt: skip
    assert harness.charged() == 1


async def test_blocks_are_taken_off_and_listed(harness: BotHarness):
    """Blocks are listed with their reason, survive a restart, and can be lifted."""
    nobody = await harness.admin.slash(harness.channel, "admin blocked")
    assert "Nobody" in harness.texts(nobody.response.message)
    await block(harness, harness.bob, reason="spam")
    listed = await harness.admin.slash(harness.channel, "admin blocked")
    text = harness.texts(listed.response.message)
    assert listed.ephemeral and f"<@{harness.bob.id}>" in text and "spam" in text
    await harness.stop()
    await harness.start()
    refused = await harness.bob.slash(harness.channel, "imagine", prompt="x")
    assert "spam" in refused.response.content
    freed = await harness.admin.slash(harness.channel, "admin unblock", who=harness.bob)
    assert freed.ephemeral and "again" in freed.response.content
    await paint(harness, harness.bob, prompt="x")
    assert harness.charged() == 1
    twice = await harness.admin.slash(harness.channel, "admin unblock", who=harness.bob)
    assert "not blocked" in twice.response.content
    oneself = await block(harness, harness.admin)
    assert "yourself" in oneself.response.content
    assert harness.rows("SELECT * FROM blocks") == []


# Commands


async def test_rights_are_checked_again(harness: BotHarness):
    """Opening /admin to everyone grants nothing; moderators can block and list, but no more."""
    command = next(
        each for each in await harness.app.client.tree.fetch_commands() if each.name == "admin"
    )
    harness.guild.set_command_permissions(command.id, {harness.guild.default_role: True})
    calls: tuple[tuple[str, dict[str, Any], bool], ...] = (
        ("admin log", {"event": "reports", "channel": harness.channel}, False),
        ("admin log", {}, False),
        ("admin reports list", {}, True),
        ("admin block", {"who": harness.alice}, True),
        ("admin blocked", {}, True),
        ("admin unblock", {"who": harness.alice}, True),
    )
    for name, options, _ in calls:
        result = await harness.bob.slash(harness.channel, name, **options)
        assert result.ephemeral and "permission" in result.response.content
    assert harness.rows("SELECT * FROM blocks") == harness.rows("SELECT * FROM log_channels") == []
    for name, options, allowed in calls:
        result = await harness.moderator.slash(harness.channel, name, **options)
        assert ("permission to" not in (result.response.content or "")) == allowed, name


async def test_a_channel_that_the_bot_cannot_use_is_not_taken(harness: BotHarness):
    """Missing permissions in the reports channel are named; a public channel causes a warning."""
    deny = discord.PermissionOverwrite(attach_files=False, view_channel=True)
    closed = harness.guild.create_text_channel("closed", overwrites={harness.guild.me: deny})
    refused = await harness.admin.slash(
        harness.channel, "admin log", event="reports", channel=closed
    )
    assert refused.ephemeral and "“Attach Files”" in refused.response.content
    assert harness.rows("SELECT * FROM log_channels") == []
    open_ = await harness.admin.slash(
        harness.channel, "admin log", event="reports", channel=harness.channel
    )
    assert "Everyone can see" in open_.response.content
    quiet = await harness.admin.slash(
        harness.channel, "admin log", event="reports", channel=await hidden_channel(harness)
    )
    assert "Everyone" not in quiet.response.content
