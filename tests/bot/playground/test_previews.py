"""Previews of a picture in progress on the page, from the real bot and renderer."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import expect

from bot.delivery.attachments import PREVIEW_NAME, PREVIEW_SIDE_PX
from bot.playground.files import REPLACED_KEPT, FileStore
from tests.bot.playground.browser import PICTURE_MS, SMALL_PHONE, open_browser, open_tab
from tests.bot.playground.conftest import StandInClient
from tests.bot.playground.live import open_live

PREVIEW = re.compile(r"^Preview of picture \d of 2 after step \d+ of 100: a slow red house")
SLOW = {"prompt": "a slow red house by the sea --steps 50", "count": 2, "aspect": "16:9"}


async def test_a_picture_in_the_making(tmp_path: Path) -> None:
    """On a phone a preview is visible and labelled while painting, then disappears."""
    async with (
        open_live(tmp_path) as live,
        open_browser() as browser,
        open_tab(live, browser, viewport=SMALL_PHONE) as tab,
    ):
        await tab.open()
        sent = live.send("imagine", **SLOW)
        preview = tab.log.get_by_role("img", name=PREVIEW)
        await expect(preview).to_be_visible(timeout=PICTURE_MS)
        assert 0 < await preview.evaluate("img => img.naturalWidth") <= PREVIEW_SIDE_PX
        box = await preview.bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= SMALL_PHONE["width"]
        await expect(tab.log.get_by_text(re.compile(r"picture \d of 2"))).to_be_visible()
        # Cancelled by hand: how long this many steps take depends on the machine.
        await tab.log.get_by_role("button", name="Cancel", exact=True).click()
        await expect(tab.log.get_by_text("Cancelled").first).to_be_visible()
        await expect(preview).to_have_count(0)
        await live.settled()
        assert live.answer(sent).attachments == []
        live.check()


def test_a_replaced_file_can_still_be_fetched(tmp_path: Path) -> None:
    """A slow page can still fetch a replaced preview, and replaced files are removed eventually."""
    files = FileStore(tmp_path)
    for number in range(REPLACED_KEPT + 2):
        files.put(number, PREVIEW_NAME, b"x")
        files.replace(number)
    there = [files.path(number).is_file() for number in range(REPLACED_KEPT + 2)]
    assert there == [False, False, *[True] * REPLACED_KEPT]


async def test_an_edit_replaces_a_file_and_does_not_pull_it_away(client: StandInClient) -> None:
    """The message shows only the new file, but the old one's address still works."""
    posted = await client.post({"content": "x"}, files={"files[0]": (PREVIEW_NAME, b"1")})
    path = f"/channels/{posted.json['channel_id']}/messages/{posted.json['id']}"
    body = {"attachments": [{"id": 0, "filename": PREVIEW_NAME}]}
    edited = await client.call("PATCH", path, body, files={"files[0]": (PREVIEW_NAME, b"2")})
    (old,), (new,) = posted.json["attachments"], edited.json["attachments"]
    assert old["id"] != new["id"]
    for attachment, data in ((old, b"1"), (new, b"2")):
        assert client.standin.world.files.path(int(attachment["id"])).read_bytes() == data
