"""Reports through crashes, restarts and closed channels: nothing lost, nothing twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import structlog

from bot.discord.handlers import moderation
from storage.database import FILE_NAME
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.conftest import World
from tests.bot.discord.handlers.test_moderation import (
    gallery,
    labels,
    report,
    reports_channel,
    shown,
)


def forget_card(world: World) -> None:
    """As if the process had been killed right after the post, before it was written down."""
    with closing(sqlite3.connect(world.settings.storage.data_dir / FILE_NAME)) as db:
        db.execute("UPDATE cases SET channel_id = NULL, message_id = NULL")
        db.commit()


async def test_everything_outlives_a_restart(world: World):
    """The button, the form, the card and its buttons work in the next process."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    panel = await world.more(world.bob, world.message_with_picture())
    form = await world.bob.click(panel, label="Report")
    assert not world.house.client._connection._view_store._modals  # pyright: ignore[reportPrivateUsage]
    await world.stop()
    await world.start()
    await world.bob.submit_modal(form, {"reason": "why"})
    await shown(world)
    (card,) = mods.history()
    await world.stop()
    await world.start()
    await shown(world)
    await world.moderator.click(card, label="Delete")
    await shown(world)
    (card,) = mods.history()
    assert labels(card) == [] and world.channel.history() == []


async def test_a_crash_before_the_card_is_posted(world: World, monkeypatch: pytest.MonkeyPatch):
    """Filed and never shown: the next start posts the card."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    monkeypatch.setattr(world.house.services.moderation, "_changed", lambda _: None)
    await report(world, world.bob, "why")
    assert mods.history() == []
    await world.crash()
    await world.start()
    await shown(world)
    (card,) = mods.history()
    assert "why" in world.texts(card) and card.attachments


async def test_a_crash_after_the_card_is_posted(world: World):
    """Posted and not written down: the next start finds the card and posts no second one."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    await report(world, world.bob, "why")
    (card,) = mods.history()
    await world.crash()
    forget_card(world)
    await world.start()
    await shown(world)
    assert [each.id for each in mods.history()] == [card.id]
    assert world.rows("SELECT message_id FROM cases") == [(card.id,)]
    await world.moderator.click(card, label="Dismiss")
    await shown(world)
    assert labels(mods.history()[0]) == []


async def test_a_crash_after_the_verdict(world: World, monkeypatch: pytest.MonkeyPatch):
    """Decided, and neither the card nor the picture's message had followed: the next start does."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    await report(world, world.bob, "why")
    listed = await world.admin.slash(world.channel, "admin reports list")
    opened = await world.admin.click(listed.response.message, label="Show")
    monkeypatch.setattr(world.house.services.moderation, "_changed", lambda _: None)
    await world.admin.click(opened.response.message, label="Delete")
    assert labels(mods.history()[0]) and len(world.channel.history()) == 1
    await world.crash()
    await world.start()
    await shown(world)
    (card,) = mods.history()
    assert labels(card) == [] and card.attachments == []
    assert world.channel.history() == []


@pytest.mark.parametrize("code", [50001, 50013, 10003])
async def test_a_closed_channel(world: World, code: int):
    """The reporter is thanked, the case stays open, one log line; the next channel has it."""
    mods = await reports_channel(world)
    for prompt in ("a lake", "a hill"):
        await paint(world, prompt=prompt)
    world.env.inject_error(
        "POST", f"/channels/{mods.id}/messages", status=403, code=code, times=None
    )
    pictures = [each for each in world.channel.history() if each.attachments]
    with structlog.testing.capture_logs() as events:
        for picture in pictures:
            result = await report(world, world.bob, "why", picture)
            assert "Thank you" in result.response.content
    warned = [each for each in events if "cannot be shown" in each["event"]]
    assert len(warned) == 1 and warned[0]["log_level"] == "warning"
    assert world.rows("SELECT verdict, message_id FROM cases") == [(None, None)] * 2
    other = await reports_channel(world, "other")
    assert len(other.history()) == 2


async def test_a_card_that_was_deleted_comes_back(world: World):
    """Where somebody deleted the card or its channel, the next report posts it anew."""
    mods = await reports_channel(world)
    await paint(world, prompt="a lake")
    picture = world.message_with_picture()
    await report(world, world.bob, "one", picture)
    world.env.backend.delete_channel(mods.id)
    await world.env.settle()
    assert "Thank you" in (await report(world, world.admin, "two", picture)).response.content
    other = await reports_channel(world, "other")
    (card,) = other.history()
    assert "2 reports" in world.texts(card)


async def test_a_card_whose_file_cannot_be_sent(world: World, monkeypatch: pytest.MonkeyPatch):
    """Without the picture a moderator still reads where it stands and what goes with it."""
    await paint(world, prompt="a lake", count=2)
    message = world.message_with_picture()
    panel = await world.more(world.bob, message)
    form = await world.bob.select(panel, ["z1:report:1"])
    await world.bob.submit_modal(form, {"reason": "why"})

    def removed(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(moderation, "fitting", removed)
    listed = await world.admin.slash(world.channel, "admin reports list")
    opened = await world.admin.click(listed.response.message, label="Show")
    told = world.texts(opened.response.message)
    assert "not kept any more" in told and gallery(opened.response.message) == []
    assert message.jump_url in told and "one of 2 pictures" in told
