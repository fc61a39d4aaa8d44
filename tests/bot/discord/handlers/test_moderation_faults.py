"""Reports survive crashes, restarts and closed channels: none is lost or shown twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import structlog

from bot.discord.handlers import moderation
from storage.database import FILE_NAME
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.painting import paint
from tests.bot.discord.reports import (
    button_labels,
    delete_reported,
    gallery_items,
    report,
    reports_channel,
    reports_shown,
)


def forget_card(harness: BotHarness) -> None:
    """Undo the record of a card, as if the process had been killed right after posting it."""
    with closing(sqlite3.connect(harness.settings.storage.data_dir / FILE_NAME)) as db:
        db.execute("UPDATE cases SET channel_id = NULL, message_id = NULL")
        db.commit()


async def test_everything_outlives_a_restart(harness: BotHarness):
    """Button, form, card and verdict work in the next process."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    panel = await harness.more(harness.bob, harness.message_with_picture())
    form = await harness.bob.click(panel, label="Report")
    assert not harness.app.client._connection._view_store._modals  # pyright: ignore[reportPrivateUsage]
    await harness.stop()
    await harness.start()
    await harness.bob.submit_modal(form, {"reason": "why"})
    await reports_shown(harness)
    (card,) = mods.history()
    await harness.stop()
    await harness.start()
    await reports_shown(harness)
    asked = await harness.moderator.click(card, label="Delete")
    await harness.stop()
    await harness.start()
    await reports_shown(harness)
    await harness.moderator.click(asked.response.message, label="Delete")
    await reports_shown(harness)
    assert "deleted picture #1" in harness.texts(asked.response.message)
    (card,) = mods.history()
    assert button_labels(card) == [] and harness.channel.history() == []


async def test_a_crash_before_the_card_is_posted(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A report filed before a crash is posted by the next start."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    monkeypatch.setattr(harness.app.services.reports, "_changed", lambda _: None)
    await report(harness, harness.bob, "why")
    assert mods.history() == []
    await harness.crash()
    await harness.start()
    await reports_shown(harness)
    (card,) = mods.history()
    assert "why" in harness.texts(card) and card.attachments


async def test_a_crash_after_the_card_is_posted(harness: BotHarness):
    """A card posted but not recorded before a crash is found, and not posted again."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "why")
    (card,) = mods.history()
    await harness.crash()
    forget_card(harness)
    await harness.start()
    await reports_shown(harness)
    assert [each.id for each in mods.history()] == [card.id]
    assert harness.rows("SELECT message_id FROM cases") == [(card.id,)]
    await harness.moderator.click(card, label="Dismiss")
    await reports_shown(harness)
    assert button_labels(mods.history()[0]) == []


async def test_a_crash_after_the_verdict(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """After a crash right after the verdict, the next start updates the card and deletes the
    message."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    await report(harness, harness.bob, "why")
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    opened = await harness.admin.click(listed.response.message, label="Show")
    monkeypatch.setattr(harness.app.services.reports, "_changed", lambda _: None)
    await delete_reported(harness, harness.admin, opened.response.message)
    assert button_labels(mods.history()[0]) and len(harness.channel.history()) == 1
    await harness.crash()
    await harness.start()
    await reports_shown(harness)
    (card,) = mods.history()
    assert button_labels(card) == [] and card.attachments == []
    assert harness.channel.history() == []


@pytest.mark.parametrize("code", [50001, 50013, 10003])
async def test_a_closed_channel(harness: BotHarness, code: int):
    """If the channel is closed, the report stays open with one log line; the next channel shows
    it."""
    mods = await reports_channel(harness)
    for prompt in ("a lake", "a hill"):
        await paint(harness, prompt=prompt)
    harness.env.inject_error(
        "POST", f"/channels/{mods.id}/messages", status=403, code=code, times=None
    )
    pictures = [each for each in harness.channel.history() if each.attachments]
    with structlog.testing.capture_logs() as events:
        for picture in pictures:
            result = await report(harness, harness.bob, "why", picture)
            assert "Thank you" in result.response.content
    warned = [each for each in events if "cannot be shown" in each["event"]]
    assert len(warned) == 1 and warned[0]["log_level"] == "warning"
    assert harness.rows("SELECT verdict, message_id FROM cases") == [(None, None)] * 2
    other = await reports_channel(harness, "other")
    assert len(other.history()) == 2


async def test_a_card_that_was_deleted_comes_back(harness: BotHarness):
    """If the card or its channel was deleted, the next report posts a new card."""
    mods = await reports_channel(harness)
    await paint(harness, prompt="a lake")
    picture = harness.message_with_picture()
    await report(harness, harness.bob, "one", picture)
    harness.env.backend.delete_channel(mods.id)
    await harness.env.settle()
    assert "Thank you" in (await report(harness, harness.admin, "two", picture)).response.content
    other = await reports_channel(harness, "other")
    (card,) = other.history()
    assert "2 reports" in harness.texts(card)


async def test_a_card_whose_file_cannot_be_sent(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    """A card without its picture still shows where it is and what belongs to it."""
    await paint(harness, prompt="a lake", count=2)
    message = harness.message_with_picture()
    panel = await harness.more(harness.bob, message)
    await harness.bob.click(panel, label="Picture 1")
    form = await harness.bob.click(panel, label="Report")
    await harness.bob.submit_modal(form, {"reason": "why"})

    def removed(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(moderation, "fit_file_to_limit", removed)
    listed = await harness.admin.slash(harness.channel, "admin reports list")
    opened = await harness.admin.click(listed.response.message, label="Show")
    told = harness.texts(opened.response.message)
    assert "no longer stored" in told and gallery_items(opened.response.message) == []
    assert message.jump_url in told and "one of 2 pictures" in told
