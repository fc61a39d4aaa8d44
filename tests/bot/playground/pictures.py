"""Takes the screenshots in docs/pictures: `python -m tests.bot.playground.pictures`.

The real bot paints with the embedded model; the page is rendered by the installed Chromium.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser

from bot.playground.initial_world import ADMIN_ID, MEMBER_ID
from tests.bot.playground.browser import DESKTOP, SMALL_PHONE, Tab, open_browser, open_tab
from tests.bot.playground.live import LivePlayground, open_live

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
COLOURS = 256
TALL = {"width": 400, "height": 880}


async def take() -> None:
    """Paint a few pictures, then take screenshots: desktop, phone, Chinese, dark, in progress."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with open_live(Path(folder)) as live:
            await _paint(live)
            async with open_browser() as browser:
                for name, viewport, locale, scheme in (
                    ("playground", DESKTOP, "en-US", "dark"),
                    ("playground-light-zh", DESKTOP, "zh-CN", "light"),
                    ("playground-phone", SMALL_PHONE, "en-US", "light"),
                ):
                    async with open_tab(
                        live, browser, viewport=viewport, color_scheme=scheme
                    ) as tab:
                        await tab.open(locale=locale)
                        await tab.pictures().last.wait_for()
                        await tab.page.wait_for_timeout(800)
                        await _photograph(tab, name)
                await _making(live, browser)


async def _making(live: LivePlayground, browser: Browser) -> None:
    """Capture a picture in progress, and the confirmation of another user's permutations."""
    async with open_tab(live, browser, viewport=TALL, color_scheme="dark") as tab:
        await tab.open(ADMIN_ID)
        slow = "a white lighthouse by the sea at sunset --steps 50"
        live.send("imagine", MEMBER_ID, prompt=slow, aspect="16:9", count=4, seed=3)
        await tab.log.get_by_role("img", name=re.compile("^Preview ")).wait_for()
        prompt = "a {red, yellow} house {by a lake, in the snow}"
        await live.answered(live.send("imagine", ADMIN_ID, prompt=prompt))
        await tab.page.get_by_role("button", name="Paint 4 pictures").wait_for()
        await tab.page.wait_for_timeout(1500)
        await _photograph(tab, "playground-making")
        live.send("cancel", MEMBER_ID, job="all")
        await live.settled()


async def _photograph(tab: Tab, name: str) -> None:
    path = FOLDER / f"{name}.png"
    await tab.page.screenshot(path=path)
    _shrink(path)
    print(path)


async def _paint(live: LivePlayground) -> None:
    for number, (who, prompt) in enumerate(
        (
            (MEMBER_ID, "a red house by a mountain lake at dawn"),
            (ADMIN_ID, "夜晚，雪中的城市里有一座白色的灯塔"),
            (MEMBER_ID, "a yellow boat on the sea at sunset"),
        ),
        start=1,
    ):
        live.send("imagine", who, prompt=prompt, aspect="16:9", seed=7)
        await live.picture(number)


def _shrink(path: Path) -> None:
    """Keep the file small: everyone who clones the project downloads it."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    asyncio.run(take())
