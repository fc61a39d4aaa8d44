"""What the page offers to newcomers: examples, surprises, people told apart, a log in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.async_api import expect

from bot.cli.common.prompt_ideas import prompt_ideas
from bot.playground.initial_world import PAINT_ID, PEOPLE
from bot.playground.rest.routes import ROUTES
from tests.bot.playground.browser import (
    CHROMIUM,
    DESKTOP,
    PHONE,
    PICTURE_MS,
    Tab,
    open_browser,
    open_tab,
)
from tests.bot.playground.live import open_live

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

IN_WORDS = """async (rows) => {
  const { requestInWords } = await import('/static/requestwords.js');
  return rows.map(requestInWords); }"""


async def prompts_of(tab: Tab) -> list[str]:
    """Press the button for a surprise three times and return what it filled in."""
    found: list[str] = []
    prompt = tab.page.get_by_label("prompt", exact=True)
    for _ in range(3):
        await tab.page.get_by_role("button", name="Surprise me").first.click()
        before = found[-1] if found else ""
        await expect(prompt).not_to_have_value(before)
        found.append(await prompt.input_value())
    return found


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_examples_of_the_model_and_surprises(
    tmp_path: Path, viewport: dict[str, int]
) -> None:
    """The examples are those of the model in use, each press is another surprise, and it paints."""
    ideas = prompt_ideas("sketch", np.random.default_rng(5))
    async with (
        open_live(tmp_path, ideas=ideas) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=viewport) as tab,
    ):
        await tab.open()
        for example in ideas.examples["en-US"]:
            await expect(tab.page.get_by_role("button", name=f"/imagine {example}")).to_be_visible()
        found = await prompts_of(tab)
        assert len(set(found)) == 3
        await tab.page.keyboard.press("Enter")
        await expect(tab.pictures()).to_have_count(1, timeout=PICTURE_MS)
        assert live.rows("SELECT prompt FROM jobs") == [(found[-1],)]
        wide = await tab.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"]


async def test_the_log_speaks_in_words(tmp_path: Path) -> None:
    """Every route has a sentence in both languages, with names of channels and commands."""
    fills = {"channel_id": str(PAINT_ID), "user_id": str(PEOPLE[1].id), "token": "abcdef…"}

    def path(template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda name: fills.get(name[1], "123"), template)

    rows: list[dict[str, Any]] = [
        {"method": method, "path": path(template), "about": "imagine"}
        for method, template, _ in ROUTES
    ]
    for event in ("IDENTIFY", "RESUME", "REQUEST_GUILD_MEMBERS", "close 4000", "INTERACTION x"):
        rows.append({"method": "GATEWAY", "path": event, "about": ""})
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser) as tab,
    ):
        for locale, unknown in (("en-US", "unknown"), ("zh-CN", "未知")):
            await tab.open(locale=locale)
            words = await tab.page.evaluate(IN_WORDS, rows)
            assert all(each and "{" not in each and unknown not in each for each in words), words
            assert any("#paint" in each for each in words)
            assert any("/imagine" in each for each in words)
        odd = {"method": "GET", "path": "/unheard/of", "about": ""}
        assert "未知" in (await tab.page.evaluate(IN_WORDS, [odd]))[0]
        live.send("imagine", prompt="a lake")
        await live.picture()
        await tab.open()
        await tab.page.get_by_role("button", name="Behind the scenes").click()
        log = tab.page.locator("#request-list")
        await expect(log.get_by_text("Answered /imagine").first).to_be_visible()
        await expect(log.get_by_text("Registered commands").first).to_be_visible()


async def test_people_are_told_apart(tmp_path: Path) -> None:
    """No two people look alike: name, mark and colour of each are their own."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser) as tab,
    ):
        await tab.open()
        await tab.page.get_by_role("button", name="Members").click()
        rows = tab.page.locator("#member-list .member")
        await expect(rows).to_have_count(len(PEOPLE) + 1)
        marks = await rows.locator(".avatar").all_inner_texts()
        colours = await rows.locator(".avatar").evaluate_all(
            "all => all.map((each) => each.style.backgroundColor)"
        )
        assert sorted(marks) == ["1", "2", "3", "A", "M", "Z"]
        assert len(set(colours)) == len(colours)
