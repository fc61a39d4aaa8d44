"""The page in a real browser, with the real bot: what a newcomer sees and does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID
from tests.bot.playground.browser import (
    CHROMIUM,
    DESKTOP,
    PICTURE_MS,
    SMALL_PHONE,
    another_tab,
    open_browser,
    open_tab,
    visit,
)
from tests.bot.playground.live import LivePlayground, open_live

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


async def test_a_newcomers_first_picture(tmp_path: Path) -> None:
    """From an empty data folder, the page says what to do and a picture arrives within 30 s."""
    async with visit(tmp_path) as tab:
        example = tab.page.get_by_role("button", name=re.compile("imagine")).first
        await example.click()
        await tab.page.keyboard.press("Enter")
        picture = tab.pictures().first
        await expect(picture).to_be_visible(timeout=PICTURE_MS)
        prompt = tab.live.rows("SELECT prompt FROM jobs")[0][0]
        assert await picture.get_attribute("alt") == prompt
        assert await picture.evaluate("img => img.naturalWidth") >= 128


async def test_the_same_seed_and_every_button(tmp_path: Path) -> None:
    """A seed paints the same pixels, even after a restart; buttons do what they say."""
    async with visit(tmp_path) as tab:
        live = tab.live
        await tab.send("/imagine prompt: a red house by the sea at noon seed: 5")
        await expect(tab.pictures()).to_have_count(1, timeout=PICTURE_MS)
        first = await tab.pixels(tab.pictures().first)
        await tab.page.get_by_role("button", name="Behind the scenes").click()
        await tab.page.get_by_role("tab", name="Faults").click()
        await tab.page.get_by_role("button", name="Restart the bot").click()
        await live.until(lambda: not live.playground.standin.gateway.online)
        await live.ready()
        await tab.send("/reroll seed: 5")
        await expect(tab.pictures()).to_have_count(2, timeout=PICTURE_MS)
        assert await tab.pixels(tab.pictures().nth(1)) == first
        await tab.page.get_by_role("button", name="Reroll").first.click()
        await expect(tab.pictures()).to_have_count(3, timeout=PICTURE_MS)
        assert await tab.pixels(tab.pictures().nth(2)) != first
        await tab.page.get_by_role("button", name="More ▾", exact=True).first.click()
        await tab.page.get_by_role("button", name="Delete", exact=True).first.click()
        await expect(tab.log.get_by_text("Delete this picture and its message?")).to_be_visible()
        await tab.page.get_by_role("button", name="Delete", exact=True).first.click()
        await expect(tab.pictures()).to_have_count(2)
        await expect(tab.log.get_by_text("The picture was deleted.")).to_be_visible()
        await tab.page.get_by_role("button", name="Dismiss message").click()
        await tab.send("/history")  # selects the command, as in Discord
        await tab.page.keyboard.press("Enter")
        await expect(tab.log.get_by_text("You have 2 pictures here.")).to_be_visible()
        await tab.page.get_by_role("button", name="Dismiss message").click()
        await expect(tab.log.get_by_text("You have 2 pictures here.")).to_have_count(0)


async def test_leafing_through_the_history(tmp_path: Path) -> None:
    """Older and Newer turn the pages of a response that only its reader sees."""
    async with visit(tmp_path) as tab:
        for number in range(6):
            tab.live.send("imagine", prompt=f"a lake {number}")
        await expect(tab.pictures()).to_have_count(6, timeout=PICTURE_MS)
        await tab.send("/history")
        await tab.page.keyboard.press("Enter")
        page = tab.page.get_by_role("article", name=re.compile("Only you can see this"))
        await expect(page).to_contain_text("a lake 5")
        await page.get_by_role("button", name="Older").click()
        await expect(page).to_contain_text("a lake 0")
        await expect(page).not_to_contain_text("a lake 5")
        await page.get_by_role("button", name="Newer").click()
        await expect(page).to_contain_text("a lake 5")


async def test_the_quota_refuses_for_its_reader_alone(tmp_path: Path) -> None:
    """A member over a quota of zero is refused privately, and nothing is charged."""
    async with visit(tmp_path) as member, another_tab(member) as admin:
        live = member.live
        await admin.open(ADMIN_ID)
        await expect(member.page.get_by_role("heading", level=1)).to_be_visible()
        limit = live.send("admin quota set", ADMIN_ID, who=str(MEMBER_ID), pictures=0)
        await live.answered(limit)
        await member.send("/imagine a lake")
        private = member.page.get_by_role("article", name=re.compile("Only you can see this"))
        await expect(private).to_be_visible()
        await expect(private).to_contain_text("0 pictures")
        await expect(admin.log.get_by_text("0 pictures")).to_have_count(1)
        assert live.charged() == 0
        member_commands = member.page.get_by_role("listbox", name="Commands")
        await member.page.get_by_role("textbox", name="Message").fill("/admin")
        await expect(member_commands.get_by_role("option")).to_have_count(0)


async def test_keyboard_alone(tmp_path: Path) -> None:
    """A command can be chosen, filled in and sent, and a button pressed, by keyboard alone."""
    async with visit(tmp_path) as tab:
        keyboard = tab.page.keyboard
        await keyboard.press("Tab")
        await expect(tab.page.get_by_text("Skip to the message box")).to_be_focused()
        await keyboard.press("Enter")
        await keyboard.type("/ima")
        await expect(tab.page.get_by_role("listbox", name="Commands")).to_be_visible()
        await keyboard.press("Enter")
        await expect(tab.page.get_by_role("group", name="/imagine")).to_be_visible()
        await keyboard.type("a yellow boat on the lake")
        await keyboard.press("Enter")
        await expect(tab.pictures()).to_have_count(1, timeout=PICTURE_MS)
        for _ in range(40):
            await keyboard.press("Shift+Tab")
            focused = await tab.page.evaluate("document.activeElement.textContent")
            if "Reroll" in focused:
                break
        await keyboard.press("Enter")
        await expect(tab.pictures()).to_have_count(2, timeout=PICTURE_MS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def painted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LivePlayground]:
    """One playground with a picture and a private answer, for tests that only look at it."""
    async with open_live(tmp_path_factory.mktemp("painted")) as live:
        live.send("imagine", prompt="a red house by the sea at noon")
        live.send("history")
        await live.picture()
        yield live


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("viewport", [DESKTOP, SMALL_PHONE], ids=["desktop", "phone"])
async def test_everyone_can_use_it(painted: LivePlayground, viewport: dict[str, int]) -> None:
    """No serious fault for assistive technology, in both languages and themes; nothing is cut."""
    async with open_browser() as browser:
        for locale, scheme in (("en-US", "light"), ("zh-CN", "dark")):
            async with open_tab(painted, browser, viewport=viewport, color_scheme=scheme) as tab:
                await tab.open(locale=locale)
                await expect(tab.pictures()).to_have_count(1)
                found = await Axe().run(tab.page)
                serious = [
                    (v["id"], [node["html"][:200] for node in v["nodes"]])
                    for v in found.response["violations"]
                    if v["impact"] in ("serious", "critical")
                ]
                assert serious == []
                wide = await tab.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= viewport["width"]


@pytest.mark.asyncio(loop_scope="module")
async def test_strangers_are_turned_away(painted: LivePlayground) -> None:
    """Another host's name or another site's page gets nothing."""
    url = painted.playground.url
    async with aiohttp.ClientSession() as session:
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 403
        async with session.post(url + "page/act", data="{}") as answer:
            assert answer.status == 415
        async with session.get(url) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
