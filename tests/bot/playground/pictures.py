"""Takes the screenshots in docs/pictures: `python -m tests.bot.playground.pictures`.

The real bot paints with the embedded model; the page is shown by Debian's chromium.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from PIL import Image

from bot.playground.seed import ADMIN_ID, MEMBER_ID
from tests.bot.playground.live import Live, open_live
from tests.bot.playground.test_page import DESKTOP, PHONE, open_browser, open_tab

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"
COLOURS = 256


async def take() -> None:
    """Paint a little, then photograph the page: desktop, phone, Chinese, dark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with open_live(Path(folder)) as live:
            await _paint(live)
            async with open_browser() as browser:
                for name, viewport, locale, scheme in (
                    ("playground", DESKTOP, "en-US", "dark"),
                    ("playground-light-zh", DESKTOP, "zh-CN", "light"),
                    ("playground-phone", PHONE, "en-US", "light"),
                ):
                    async with open_tab(
                        live, browser, viewport=viewport, color_scheme=scheme
                    ) as tab:
                        await tab.open(locale=locale)
                        await tab.pictures().last.wait_for()
                        await tab.page.wait_for_timeout(800)
                        path = FOLDER / f"{name}.png"
                        await tab.page.screenshot(path=path)
                        _shrink(path)
                        print(path)


async def _paint(live: Live) -> None:
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
