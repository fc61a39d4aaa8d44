"""/admin log: each kind of events in a channel of its own, across restarts and closed channels."""

from __future__ import annotations

from typing import Any

import discord

from bot.discord.views.custom_ids import ComponentAction
from bot.discord.views.log_channels import EVENTS
from bot.jobs.content_check import ResultRefusal
from engine.errors import EngineError
from storage.log_entries import FILTER_CODES, LogEvent
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint, private_text
from tests.bot.discord.reports import hidden_channel, reports_shown


async def choose(harness: BotHarness, event: LogEvent, channel: Any) -> str:
    """Choose the channel of a kind of events; return the answer."""
    used = await harness.admin.slash(harness.channel, "admin log", event=event, channel=channel)
    return private_text(used)


async def told(harness: BotHarness, channel: Any) -> list[str]:
    """Return what has been posted in a channel, the oldest first."""
    await reports_shown(harness)
    return [harness.texts(each) for each in channel.history()]


def test_the_codes_of_the_filter_are_known() -> None:
    """Jobs whose pictures a filter refuses are told apart from failures."""
    assert {each.value for each in ResultRefusal} == FILTER_CODES


def test_every_kind_is_on_the_panel() -> None:
    """Each once, and old panels keep their numbers."""
    assert sorted(EVENTS) == sorted(LogEvent)
    assert EVENTS[0] is LogEvent.REPORTS and EVENTS[7] is LogEvent.ANNOUNCEMENTS


async def test_each_kind_has_its_channel(harness: BotHarness) -> None:
    """Blocks, refusals and failures are each posted where their kind is, and nowhere else."""
    kinds = (LogEvent.BLOCKS, LogEvent.FILTER, LogEvent.QUOTA, LogEvent.FAILURES)
    rooms = {each: await hidden_channel(harness, each.value) for each in kinds}
    for event, room in rooms.items():
        assert f"posted in <#{room.id}> from now on" in await choose(harness, event, room)
    admin, channel = harness.admin, harness.channel
    await admin.slash(channel, "admin filter add", rule="pets", words="cat")
    await harness.alice.slash(channel, "imagine", prompt="a cat")
    harness.renderer.failures["a lake"] = EngineError("out of order")
    await paint(harness, prompt="a lake")
    await admin.slash(channel, "admin quota set", who=harness.bob, pictures=0)
    await harness.bob.slash(channel, "imagine", prompt="a lake")
    await admin.slash(channel, "admin block", who=harness.bob)
    alice, bob = f"<@{harness.alice.id}>", f"<@{harness.bob.id}>"
    (blocked,) = await told(harness, rooms[LogEvent.BLOCKS])
    assert "blocked a member" in blocked and bob in blocked
    (filtered,) = await told(harness, rooms[LogEvent.FILTER])
    assert f"{alice} asked for something that the filter refuses" in filtered
    assert "rule: pets" in filtered and "words: cat" in filtered
    (spent,) = await told(harness, rooms[LogEvent.QUOTA])
    assert f"{bob} asked for more than is left of their quota" in spent
    (failed,) = await told(harness, rooms[LogEvent.FAILURES])
    assert f"A job of {alice} failed" in failed and "job: 1" in failed


async def test_what_was_not_posted_is_posted_once_after_a_restart(harness: BotHarness) -> None:
    """Written and not posted when the process died, or posted and not recorded: it appears once."""
    log = await hidden_channel(harness)
    await choose(harness, LogEvent.AUDIT, log)
    await harness.admin.slash(harness.channel, "admin pause")
    assert len(await told(harness, log)) == 2
    await harness.crash()
    harness.change("UPDATE log_channels SET posted_id = posted_id - 1")  # as if not recorded
    harness.change(
        "INSERT INTO audit_log (guild_id, actor_id, action, data, done_at) "
        f"VALUES ({harness.guild.id}, {harness.admin.id}, 'admin resume', '{{}}', 1)"
    )
    harness.clock.advance(minutes=30)
    await harness.start()
    texts = await told(harness, log)
    assert [sum(words in each for each in texts) for words in ("paused", "resumed")] == [1, 1]


async def test_a_deleted_channel_blocks_no_other(harness: BotHarness) -> None:
    """Admins see it where they look; other kinds of events are posted, and its own go to the
    channel that is chosen next."""
    gone, blocks = await hidden_channel(harness, "gone"), await hidden_channel(harness, "blocks")
    await choose(harness, LogEvent.AUDIT, gone)
    await choose(harness, LogEvent.BLOCKS, blocks)
    await told(harness, gone)
    harness.env.backend.delete_channel(gone.id)
    await harness.env.settle()
    await harness.admin.slash(harness.channel, "admin block", who=harness.bob)
    assert "blocked a member" in (await told(harness, blocks))[0]
    for command in ("admin log", "admin status", "admin audit"):
        shown = await harness.admin.slash(harness.channel, command)
        text = harness.texts(shown.response.message)
        assert text.count("at the moment: check my permissions") == 1, command
    await choose(harness, LogEvent.AUDIT, blocks)
    assert sum("blocked a member" in each for each in await told(harness, blocks)) == 2


async def test_the_panel_chooses(harness: BotHarness) -> None:
    """It lists every kind, and changes and switches off the one that was picked."""
    shown = await harness.admin.slash(harness.channel, "admin log")
    panel, room = shown.response.message, await hidden_channel(harness)
    assert harness.texts(panel).count("posted in no channel") == len(LogEvent)
    await harness.env.settle()
    await harness.pick(harness.admin, panel, ComponentAction.LOG_EVENT, "failures")
    number = EVENTS.index(LogEvent.FAILURES)
    await harness.pick(harness.admin, panel, ComponentAction.LOG_CHANNEL, room, number=number)
    assert f"**Failed jobs:** posted in <#{room.id}>" in harness.texts(shown.response.message)
    stored = "SELECT event, channel_id FROM log_channels"
    assert harness.rows(stored) == [("failures", room.id)]
    audit = await harness.admin.slash(harness.channel, "admin audit")
    entry = harness.texts(audit.response.message)
    assert "chose where events are posted" in entry and f"<#{room.id}>" in entry
    await harness.pick(harness.admin, panel, ComponentAction.LOG_CHANNEL, number=number)
    assert "no longer posted" in harness.texts(shown.response.message)
    assert harness.rows(stored) == []


async def test_what_is_left_out_is_asked_for(harness: BotHarness) -> None:
    """A channel alone changes nothing, nor does one where the bot may not post."""
    alone = await harness.admin.slash(harness.channel, "admin log", channel=harness.channel)
    assert "what is to be posted" in private_text(alone)
    blind = discord.PermissionOverwrite(read_message_history=False)
    closed = harness.guild.create_text_channel("closed", overwrites={harness.guild.me: blind})
    assert "“Read Message History”" in await choose(harness, LogEvent.QUOTA, closed)
    assert harness.rows("SELECT * FROM log_channels") == []
    assert "from now on" in await choose(harness, LogEvent.ANNOUNCEMENTS, closed)
