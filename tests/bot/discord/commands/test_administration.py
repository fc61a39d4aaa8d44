"""The audit log's channel, pauses, cancelling by rank and the setup panel, across restarts."""

import asyncio
from typing import Any

from bot.discord.handlers.setup import welcome
from bot.discord.views.custom_ids import ComponentAction
from tests.bot.discord.harness import WAIT_S, BotHarness


async def posted(harness: BotHarness) -> None:
    """Wait until the audit log is posted as far as it can be."""
    async with asyncio.timeout(WAIT_S):
        while harness.app.services.administration.log_notifier.busy:
            await asyncio.sleep(0.01)
    await harness.env.settle()


def texts(harness: BotHarness, channel: Any) -> str:
    return "\n".join(harness.texts(each) for each in channel.history())


async def test_a_pause_survives_a_restart(harness: BotHarness) -> None:
    """Requests are refused with the reason until the server is resumed, also after a restart."""
    admin, channel = harness.admin, harness.channel
    await admin.slash(channel, "admin pause", reason="**tea** @everyone")
    await harness.stop()
    await harness.start()
    refused = await harness.alice.slash(channel, "imagine", prompt="a lake")
    assert refused.ephemeral and "have paused painting here" in refused.response.content
    assert "@everyone" not in refused.response.content and harness.charged() == 0
    await admin.slash(channel, "admin resume")
    await harness.alice.slash(channel, "imagine", prompt="a lake")
    await harness.settled()
    assert harness.charged() == 1


async def test_a_closed_channel_loses_no_entry(harness: BotHarness) -> None:
    """What cannot be posted is said to admins, and goes to the channel that is chosen next."""
    admin, channel = harness.admin, harness.channel
    log = harness.guild.create_text_channel("log")
    await admin.slash(channel, "admin log", event="audit", channel=log)
    await posted(harness)
    assert "chose where events are posted" in texts(harness, log)
    path = f"/channels/{log.id}/messages"
    harness.env.inject_error("POST", path, status=403, code=50013, times=None)
    await admin.slash(channel, "admin block", who=harness.bob, reason="spam")
    await posted(harness)
    listed = await admin.slash(channel, "admin audit")
    assert "Nothing is lost" in harness.texts(listed.response.message)
    another = harness.guild.create_text_channel("another")
    await admin.slash(channel, "admin log", event="audit", channel=another)
    await posted(harness)
    assert texts(harness, another).count("blocked a member") == 1


async def test_nobody_cancels_against_a_higher_role(harness: BotHarness) -> None:
    """Cancelling asks back with the number, and leaves alone whoever does not rank below; equal
    roles protect each other."""
    admin, channel = harness.admin, harness.channel
    chief = harness.guild.add_member(harness.env.create_user("chief"), roles=[harness.admin_role])
    harness.renderer.hold()
    await harness.bob.slash(channel, "imagine", prompt="in the way")
    for person in (harness.alice, harness.alice, chief):
        await person.slash(channel, "imagine", prompt="waits")
    asked = await admin.slash(channel, "admin cancel all")
    question = asked.response.message
    await admin.click(question, label="Cancel 2 jobs")
    assert "1 other job is left alone" in harness.texts(question)
    assert harness.rows("SELECT count(*) FROM jobs WHERE state = 'cancelled'") == [(2,)]
    refused = await admin.slash(channel, "admin cancel user", who=chief)
    assert "You cannot cancel the jobs" in harness.texts(refused.response.message)
    harness.renderer.release()
    await harness.settled()


async def test_roles_that_may_administer_are_chosen_on_the_panel(harness: BotHarness) -> None:
    """They replace those that could; everybody's own role is none of them."""
    shown = await harness.admin.slash(harness.channel, "admin setup")
    panel, action = shown.response.message, ComponentAction.SETUP_ROLES
    first, second = (harness.guild.create_role(name) for name in ("crew", "night crew"))
    stored = "SELECT role_id FROM admin_roles ORDER BY role_id"
    await harness.env.settle()
    await harness.pick(harness.admin, panel, action, first, second)
    assert "Saved." in harness.texts(shown.response.message)
    assert harness.rows(stored) == [(first.id,), (second.id,)]
    await harness.pick(harness.admin, panel, action, second)
    assert harness.rows(stored) == [(second.id,)]
    await harness.pick(harness.admin, panel, action, harness.guild.default_role)
    assert harness.rows(stored) == [(second.id,)]
    await harness.pick(harness.admin, panel, action)
    assert harness.rows(stored) == []
    entries = "SELECT count(*) FROM audit_log WHERE action = 'setup roles'"
    assert harness.rows(entries) == [(3,)]


async def test_a_new_server_is_welcomed(harness: BotHarness) -> None:
    """The panel appears in the first channel where the bot may write."""
    (guild,) = harness.app.client.guilds
    await welcome(harness.app.client, guild, harness.app.services)
    await harness.env.settle()
    assert "I paint pictures from words" in texts(harness, harness.channel)
