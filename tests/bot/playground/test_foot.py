"""The foot of the page says what the bot paints with and how much memory is in use."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.cli.playground import STATUS_FILE, kept_in
from bot.playground.initial_world import MEMBER_ID
from tests.bot.playground.browser import (
    CHROMIUM,
    DESKTOP,
    PHONE,
    open_browser,
    open_tab,
)
from tests.bot.playground.live import open_live

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

WIDTH = "document.documentElement.scrollWidth"
WORDS = {
    "en-US": r"^\d+ steps? · guidance \d\S* · float32 · memory of the machine: "
    r"\d+\.\d of \d+\.\d GiB in use$",
    "zh-CN": r"^\d+ 步 · 引导强度 \d\S* · float32 · 内存：已用 \d+\.\d/\d+\.\d GiB$",
}


async def test_what_the_bot_paints_with(tmp_path: Path) -> None:
    """In both languages and widths, as /status says it; gone while the bot is."""
    folder = tmp_path / "playground"
    folder.mkdir(mode=0o700)
    async with (
        open_live(tmp_path / "data", change=partial(kept_in, folder)) as live,
        open_browser() as browser,
    ):
        for locale, words in WORDS.items():
            for viewport in (DESKTOP, PHONE):
                async with open_tab(live, browser, viewport=viewport) as tab:
                    await tab.open(MEMBER_ID, locale)
                    foot = tab.page.locator("#foot")
                    await expect(foot).to_have_text(re.compile(words))
                    await expect(foot).to_be_in_viewport()
                    assert await tab.page.evaluate(WIDTH) <= viewport["width"]
        async with open_tab(live, browser, viewport=DESKTOP) as tab:
            await tab.open()
            foot = tab.page.locator("#foot")
            await expect(foot).to_be_visible()
            steps = str(await foot.text_content()).partition(" · memory")[0]
            asked = live.send("status")
            await live.answered(asked)
            assert steps in str(live.answer(asked).components)
            await live.playground.process.stop()
            await expect(foot).to_be_hidden()
            assert not (folder / STATUS_FILE).exists()
