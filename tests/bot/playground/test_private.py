"""The bot's direct messages are shown on the page, only to their reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.playground.initial_world import ADMIN_ID, GUILD_ID, MEMBER_ID
from tests.bot.playground.browser import (
    BROKEN_LABELS,
    CHROMIUM,
    PHONE,
    PICTURE_MS,
    TOO_WIDE,
    another_tab,
    open_browser,
    open_tab,
)
from tests.bot.playground.live import open_live

PROMPT = "a white boat in the snow, and a long line of birds over the water"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


async def test_a_picture_sent_by_direct_message(tmp_path: Path) -> None:
    """A direct message is announced at once, fits a phone and survives a reload."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=PHONE) as tab,
        another_tab(tab) as other,
    ):
        await tab.open()
        await other.open(ADMIN_ID)
        await live.answered(live.send("settings", MEMBER_ID, delivery="direct"))
        live.send("imagine", MEMBER_ID, prompt=PROMPT, count=2)
        side = tab.page.get_by_role("button", name="Channels", exact=True)
        await expect(side).to_have_class("icon-button narrow-only news", timeout=PICTURE_MS)
        await side.click()
        entry = tab.page.get_by_role("button", name="zimagine (1 new message)")
        await entry.click()
        await expect(tab.pictures()).to_be_visible()
        await expect(tab.page.get_by_role("textbox", name="Message")).to_be_disabled()
        assert await tab.page.evaluate(TOO_WIDE) == []
        assert await tab.page.evaluate(BROKEN_LABELS) == []
        await expect(side).to_have_class("icon-button narrow-only")
        await tab.page.reload()
        await side.click()
        await tab.page.get_by_role("button", name="zimagine", exact=True).click()
        await expect(tab.pictures()).to_be_visible()
        await expect(other.page.get_by_role("heading", name="Direct messages")).to_have_count(0)
        await live.settled()
        live.check()


async def test_buttons_in_direct_messages(tmp_path: Path) -> None:
    """The page has the buttons of a direct message; a press, a form and a deletion work there."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser) as tab,
        another_tab(tab) as other,
    ):
        await tab.open()
        await other.open(ADMIN_ID)
        await live.answered(live.send("settings", MEMBER_ID, delivery="direct"))
        live.send("imagine", MEMBER_ID, prompt=PROMPT)
        entry = tab.page.get_by_role("button", name="zimagine (1 new message)")
        await expect(entry).to_be_visible(timeout=PICTURE_MS)
        await entry.click()
        await expect(tab.pictures()).to_have_count(1)
        await tab.log.get_by_role("button", name="Reroll").click()
        await expect(tab.pictures()).to_have_count(2, timeout=PICTURE_MS)
        await tab.log.get_by_role("button", name="More ▾").last.click()
        await tab.log.get_by_role("button", name="Remix").click()
        form = tab.page.get_by_role("dialog")
        await form.get_by_role("textbox").first.fill("a red house on a hill")
        await form.get_by_role("button", name="Submit").click()
        await expect(tab.pictures()).to_have_count(3, timeout=PICTURE_MS)
        await tab.log.get_by_role("button", name="Delete", exact=True).click()
        await tab.log.get_by_role("button", name="Delete", exact=True).click()
        await expect(tab.pictures()).to_have_count(2)
        await live.settled()
        jobs = live.rows("SELECT guild_id, private FROM jobs ORDER BY id")
        assert jobs == [(GUILD_ID, 0), (GUILD_ID, 1), (GUILD_ID, 1)]
        assert live.charged() == 3 and live.pictures() == []
        await expect(other.page.get_by_role("heading", name="Direct messages")).to_have_count(0)
        live.check()
