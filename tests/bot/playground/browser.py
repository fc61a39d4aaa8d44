"""The playground's page in headless Chromium, for tests and screenshots."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from bot.playground.initial_world import MEMBER_ID
from tests.bot.playground.live import LivePlayground, open_live

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PICTURE_MS = 30_000
COMPOSER = re.compile("^(Message|消息)$")
DESKTOP = {"width": 1280, "height": 800}
SMALL_PHONE = {"width": 360, "height": 740}


@dataclass(slots=True)
class Tab:
    """One open page, and every error that occurred on it."""

    page: Page
    live: LivePlayground
    errors: list[str] = field(default_factory=list[str])

    async def open(self, viewer: int = MEMBER_ID, locale: str = "en-US") -> None:
        """Open the page as this user, and wait until the bot is online."""
        await self.page.goto(f"{self.live.playground.url}?viewer={viewer}&locale={locale}")
        await expect(
            self.page.get_by_role("textbox", name=re.compile("Message|消息"))
        ).to_be_visible()

    async def send(self, text: str) -> None:
        """Type something into the composer and send it."""
        await self.page.get_by_role("textbox", name=COMPOSER).fill(text)
        await self.page.keyboard.press("Enter")

    @property
    def log(self) -> Locator:
        """The message log, without what is only announced to screen readers."""
        return self.page.get_by_role("log")

    def pictures(self) -> Locator:
        """Return the finished pictures in the messages."""
        return self.log.get_by_role("img", name=re.compile("^(?!Preview |预览)"))

    async def pixels(self, picture: Locator) -> bytes:
        """Return the bytes of a picture on the page."""
        address = await picture.get_attribute("src")
        answer = await self.page.request.get(str(address))
        return await answer.body()


@asynccontextmanager
async def open_browser(**options: Any) -> AsyncIterator[Browser]:
    """Start the installed Chromium, without network access of its own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS), **options
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def open_tab(live: LivePlayground, browser: Browser, **context: Any) -> AsyncIterator[Tab]:
    """Open a new page; an error in its console fails the test."""
    opened = await browser.new_context(**{"viewport": DESKTOP, **context})
    page = await opened.new_page()
    tab = Tab(page, live)
    page.on("console", lambda m: tab.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: tab.errors.append(str(error)))
    page.on("request", lambda r: tab.errors.append(r.url) if _is_foreign(r.url, live) else None)
    yield tab
    await opened.close()
    assert tab.errors == []


@asynccontextmanager
async def another_tab(tab: Tab) -> AsyncIterator[Tab]:
    """Open a second page of the same playground in the same browser."""
    browser = tab.page.context.browser
    assert browser is not None
    async with open_tab(tab.live, browser) as another:
        yield another


@asynccontextmanager
async def visit(data_dir: Path) -> AsyncIterator[Tab]:
    """Open a member's page with a bot that has not painted yet."""
    async with (
        open_live(data_dir) as live,
        open_browser() as browser,
        open_tab(live, browser) as tab,
    ):
        await tab.open()
        yield tab


def _is_foreign(url: str, live: LivePlayground) -> bool:
    return not url.startswith((live.playground.url, "blob:", "data:", "ws://127.0.0.1"))


PHONE = {"width": 390, "height": 844}
ONE_LINE_PX = 50
LONG_PROMPT = (
    "a red house by a mountain lake at dawn, a small boat, a long line of birds over the water"
)
TOO_WIDE = """() => [...document.querySelectorAll('[role=log] article *')]
  .filter((each) => each.getBoundingClientRect().width > 1)
  .filter((each) => !each.closest('.snippet'))
  .filter((each) => each.getBoundingClientRect().right > innerWidth
    || (each.clientWidth && each.scrollWidth > each.clientWidth + 1))
  .map((each) => each.className + ': ' + each.textContent.slice(0, 60))"""
BROKEN_LABELS = f"""() => [...document.querySelectorAll('[role=log] article .bot-button')]
  .filter((each) => each.getBoundingClientRect().height > {ONE_LINE_PX})
  .map((each) => each.textContent)"""
