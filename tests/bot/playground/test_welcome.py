"""The beginning of a channel, with a model that knows little."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.cli import playground as command
from bot.playground.standin_server import PlaygroundPlan, open_playground
from tests.bot.playground.browser import open_browser, open_tab
from tests.bot.playground.live import LivePlayground

SKETCH = command._known("sketch")  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    ("known", "locale", "says"),
    [
        (SKETCH, "en-US", "This is the built-in demo model. It knows only: house, boat, tree"),
        (SKETCH, "zh-CN", "这是内置的演示模型，只认识：房子、船、树"),
        ({}, "en-US", ""),
    ],
)
async def test_the_welcome_says_what_it_knows(
    tmp_path: Path, known: dict[str, str], locale: str, says: str
) -> None:
    """The welcome names what the demo model knows in the page's language, and only then."""
    plan = PlaygroundPlan(None, {}, output=None, known=known)
    async with (
        open_playground(plan) as playground,
        open_browser() as browser,
        open_tab(LivePlayground(playground, tmp_path), browser) as tab,
    ):
        await tab.open(locale=locale)
        welcome = tab.page.locator("#welcome")
        await expect(welcome.get_by_role("heading").first).to_be_visible()
        if says:
            await expect(welcome).to_contain_text(says)
        else:
            await expect(welcome).not_to_contain_text("demo")


@pytest.mark.parametrize("model", ["Tongyi-MAI/Z-Image-Turbo", "no/such-model"])
def test_other_models_are_not_listed(model: str) -> None:
    """A model that knows more than can be listed has no list."""
    assert command._known(model) == {}  # pyright: ignore[reportPrivateUsage]
