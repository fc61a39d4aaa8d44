"""Features that other bots use: select menus, modals, message commands."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import expect

from bot.playground.interactions import Interaction, InteractionKind
from bot.playground.standin_server import PlaygroundPlan, open_playground
from tests.bot.playground.browser import CHROMIUM, open_browser, open_tab
from tests.bot.playground.conftest import StandInClient
from tests.bot.playground.live import LivePlayground
from tests.bot.playground.payloads import PNG, row

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")


async def test_menus_forms_and_message_commands(tmp_path: Path) -> None:
    """Each is used in the browser, and the bot receives what the user entered."""
    menu = {
        "type": 3,
        "custom_id": "colour",
        "placeholder": "Colour",
        "options": [{"label": "Red", "value": "r"}, {"label": "Blue", "value": "b"}],
    }
    field = {"type": 4, "custom_id": "name", "label": "Name", "style": 1}
    form = {"custom_id": "form", "title": "A form", "components": [row(field)]}
    async with (
        open_playground(PlaygroundPlan(None, {}, output=None)) as playground,
        aiohttp.ClientSession() as session,
        open_browser() as browser,
    ):
        heard: list[Interaction] = []
        client = StandInClient(playground.standin, playground.people, session)
        playground.standin.interactions.listen(
            lambda each: None if each in heard else heard.append(each)
        )
        await client.register(
            {"name": "form", "description": "Opens a form"}, {"name": "Describe", "type": 3}
        )
        await client.post({"content": "||secret||", "components": [row(menu)]})
        live = LivePlayground(playground, tmp_path)
        async with open_tab(live, browser) as tab:
            await tab.open()
            page = tab.page
            await page.get_by_role("combobox", name="Colour").click()
            await page.get_by_role("option", name="Blue").click()
            await live.until(lambda: heard)
            await client.answer(heard[0], {"type": 6})
            assert heard[0].data["values"] == ["b"]
            await tab.send("/form")
            await page.keyboard.press("Enter")
            await live.until(lambda: len(heard) == 2)
            await client.answer(heard[1], {"type": 9, "data": form})
            dialog = page.get_by_role("dialog", name="A form")
            await dialog.get_by_label("Name").fill("Lu")
            await dialog.get_by_role("button", name="Submit").click()
            await live.until(lambda: len(heard) == 3)
            await client.answer(heard[2], {"type": 4, "data": {"content": "x", "flags": 64}})
            assert heard[2].kind is InteractionKind.MODAL
            assert heard[2].data["components"][0]["components"][0]["value"] == "Lu"
            message = tab.log.get_by_role("article").first
            await message.hover()
            await message.get_by_role("button", name="More actions for the message").click()
            await page.get_by_role("menuitem", name="Describe").click()
            await live.until(lambda: len(heard) == 4)
            await client.answer(heard[3], {"type": 4, "data": {"content": "y", "flags": 64}})
            assert heard[3].data["target_id"] in heard[3].data["resolved"]["messages"]
            await expect(tab.log.get_by_text("y", exact=True)).to_be_visible()


async def test_spoilers_and_uploads(tmp_path: Path) -> None:
    """A spoiler is hidden until clicked; a chosen file reaches the bot with its size."""
    option = {"type": 11, "name": "file", "description": "A picture", "required": True}
    async with (
        open_playground(PlaygroundPlan(None, {}, output=None)) as playground,
        aiohttp.ClientSession() as session,
        open_browser() as browser,
    ):
        heard: list[Interaction] = []
        client = StandInClient(playground.standin, playground.people, session)
        playground.standin.interactions.listen(heard.append)
        await client.register({"name": "look", "description": "Looks", "options": [option]})
        await client.post({"content": "||secret||"})
        live = LivePlayground(playground, tmp_path)
        async with open_tab(live, browser) as tab:
            await tab.open()
            spoiler = tab.log.get_by_role("button", name="poiler")
            await expect(spoiler).to_have_count(1)
            await spoiler.click()
            await expect(tab.log.get_by_text("secret")).to_be_visible()
            await tab.send("/look")
            (tmp_path / "a.png").write_bytes(PNG)
            group = tab.page.get_by_role("group", name="/look")
            await group.locator("input[type=file]").set_input_files(tmp_path / "a.png")
            await expect(group).to_contain_text("a.png")
            await tab.page.get_by_role("button", name="Send").click()
            await live.until(lambda: heard)
            await client.answer(heard[0], {"type": 4, "data": {"content": "z", "flags": 64}})
            (found,) = heard[0].data["resolved"]["attachments"].values()
            assert (found["filename"], found["width"], found["size"]) == ("a.png", 2, len(PNG))
