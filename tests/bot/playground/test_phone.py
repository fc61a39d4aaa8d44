"""Lists and panels on a phone can be read and used without scrolling sideways."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID, PAINT_ID
from bot.playground.people import ActingUser
from tests.bot.playground.browser import (
    BROKEN_LABELS,
    CHROMIUM,
    LONG_PROMPT,
    PHONE,
    TOO_WIDE,
    Tab,
    open_browser,
    open_tab,
)
from tests.bot.playground.live import LivePlayground, open_live

SLOW = {"count": 4, "guidance": 3.0}


pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


async def fits(tab: Tab, words: str) -> None:
    """Wait for a response with these words; nothing may be wider than the phone."""
    private = tab.page.get_by_role("article").filter(has_text="Only you can see this")
    await expect(private.last).to_contain_text(words)
    assert await tab.page.evaluate(TOO_WIDE) == []
    assert await tab.page.evaluate(BROKEN_LABELS) == []


async def cancel_from_the_queue(live: LivePlayground, tab: Tab) -> None:
    """Press Cancel in the panel of /queue, whose row then disappears, and Cancel all."""
    asked = live.send("queue", ADMIN_ID)
    await live.answered(asked)
    await fits(tab, "Other members' next jobs here")
    panel = live.answer(asked)
    rows = [part["accessory"]["custom_id"] for part in panel.components if "accessory" in part]
    live.playground.people.component(ActingUser(ADMIN_ID), PAINT_ID, panel.id, rows[-1])
    await fits(tab, "Cancelled and not charged")
    assert rows[-1] not in str(live.answer(asked).components)
    live.press(live.answer(asked), "Cancel all", ADMIN_ID)
    await fits(tab, "jobs cancelled and not charged")
    assert "Cancel all" not in str(live.answer(asked).components)


async def change_settings(live: LivePlayground, tab: Tab) -> None:
    """Press a button of the panel of /settings, which then has its mark."""
    asked = live.send("settings", ADMIN_ID)
    await live.answered(asked)
    await fits(tab, "Delivery: in the channel (the bot's default)")
    for label in ("In a personal thread", "Delivery: default"):
        live.press(live.answer(asked), label, ADMIN_ID)
        await fits(tab, f"✓ {label}")


async def has_thumbnails(tab: Tab, count: int) -> None:
    """Wait until the newest private response shows this many thumbnails, all of them loaded."""
    private = tab.page.get_by_role("article").filter(has_text="Only you can see this")
    shown = private.last.locator(".thumbnail img")
    await expect(shown).to_have_count(count)
    for at in range(count):
        await expect(shown.nth(at)).to_have_js_property("complete", value=True)
        assert await shown.nth(at).evaluate("each => each.naturalWidth") > 0
        assert LONG_PROMPT in str(await shown.nth(at).get_attribute("alt"))


async def test_lists_and_panels_fit(tmp_path: Path) -> None:
    """Queue, history, search, Details and More: no label wraps, nothing scrolls sideways."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=PHONE) as tab,
    ):
        await tab.open(ADMIN_ID)
        live.send(
            "imagine", ADMIN_ID, prompt=LONG_PROMPT, seed=4294967295, negative="fog", guidance=2.0
        )
        painted = await live.picture()
        await live.settled()
        for name, options, words, thumbnails in (
            ("history", {}, "You have 1 picture here.", 1),
            ("history", {"search": "Boat lake"}, "1 picture matching", 1),
            ("history", {"favourites": True}, "no favourites here yet", 0),
            ("recipe", {"picture": "1"}, "--guidance 2", 0),
            ("explain", {"prompt": LONG_PROMPT}, "“Paint it” paints 1 picture", 0),
        ):
            live.send(name, ADMIN_ID, **options)
            await fits(tab, words)
            await has_thumbnails(tab, thumbnails)
        live.press(painted, "More ▾", ADMIN_ID)
        await fits(tab, "Picture #1")
        await change_settings(live, tab)
        people = (ADMIN_ID, ADMIN_ID, ADMIN_ID, MEMBER_ID)
        slow = {"prompt": f"{LONG_PROMPT} --steps 50", **SLOW}
        # A job is in the queue when its request is answered; its row is there a little earlier.
        await live.answered(*[live.send("imagine", person, **slow) for person in people])
        await cancel_from_the_queue(live, tab)
        live.send("cancel", MEMBER_ID, job="all")
        live.check()
