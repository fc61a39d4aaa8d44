"""Filling in a command on a phone, and a modal that gets no response."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.playground.initial_world import MEMBER_ID
from tests.bot.playground.browser import (
    CHROMIUM,
    COMPOSER,
    LONG_PROMPT,
    PHONE,
    PICTURE_MS,
    open_browser,
    open_tab,
)
from tests.bot.playground.live import open_live

WHOLE = """(field) => field.scrollHeight <= field.clientHeight + 1
  && field.scrollWidth <= field.clientWidth + 1"""
INSIDE = """(pill) => { const seen = pill.closest('#option-form').getBoundingClientRect();
  const own = pill.getBoundingClientRect();
  return own.top >= seen.top - 1 && own.bottom <= seen.bottom + 1 && own.right <= innerWidth; }"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


async def test_a_long_prompt_is_seen_whole(tmp_path: Path) -> None:
    """A prompt takes as many lines as it needs on a phone, and pasted lines become one."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=PHONE) as tab,
    ):
        await tab.open()
        await tab.page.get_by_role("textbox", name=COMPOSER).fill("/imagine")
        await tab.page.keyboard.press("Enter")
        prompt = tab.page.get_by_label("prompt", exact=True)
        await prompt.fill(LONG_PROMPT.replace(", ", ",\n ", 1))
        await expect(prompt).to_have_value(LONG_PROMPT)
        assert await prompt.evaluate(WHOLE)
        for name in ("picture", "aspect", "private"):
            await tab.page.get_by_role("button", name="more").click()
            await tab.page.get_by_role("menuitem", name=re.compile(f"^{name}")).click()
        pill = tab.page.locator(".pill[data-option=private]")
        assert await pill.evaluate(INSIDE)
        for name in ("picture", "aspect", "private"):
            await tab.page.get_by_role("button", name=f"Remove {name}").click()
        await prompt.press("Enter")
        await expect(tab.pictures()).to_be_visible(timeout=PICTURE_MS)
        assert live.rows("SELECT prompt FROM jobs") == [(LONG_PROMPT,)]


async def test_a_form_can_be_sent_again(tmp_path: Path) -> None:
    """If nobody responds to a modal, what was typed stays and can be submitted again."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=PHONE) as tab,
    ):
        await tab.open()
        live.send("imagine", MEMBER_ID, prompt="a lake")
        painted = await live.picture()
        more = live.press(painted, "More ▾")
        await live.answered(more)
        live.press(live.answer(more), "Remix")
        form = tab.page.get_by_role("dialog")
        await form.get_by_label("Prompt", exact=False).first.fill("a red tower")
        live.playground.process.kill()
        await live.until(lambda: not live.playground.standin.gateway.online)
        send = form.get_by_role("button", name="Submit")
        await send.click()
        await expect(form.get_by_text("Something went wrong.")).to_be_visible()
        await live.ready()
        await send.click()
        await expect(form).to_have_count(0)
        await live.picture(2)
        assert live.rows("SELECT prompt FROM jobs ORDER BY id")[-1] == ("a red tower",)
