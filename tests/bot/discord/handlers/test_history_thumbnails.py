"""The thumbnails of /history: which rows have one, how they change, and what is done without."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import discord
import pytest
from PIL import Image

from bot.discord.interaction import deferral as answering
from bot.pictures import thumbnails as making
from bot.pictures.gallery import PAGE_PICTURES
from tests.bot.discord.delivery_settings import change_settings
from tests.bot.discord.harness import BotHarness
from tests.bot.discord.openapi import DESCRIPTION, ApiDescription
from tests.bot.discord.painting import (
    alice_as_actor,
    announcements,
    button_rows,
    paint,
    picture_file,
)
from tests.bot.discord.views.limits import problems

CALLBACK = "/interactions/*/*/callback"
ORIGINAL = "/webhooks/*/*/messages/@original"


async def history_page(harness: BotHarness, **options: Any) -> Any:
    """Run /history as Alice; return the response that only she sees."""
    result = await harness.alice.slash(harness.channel, "history", **options)
    assert result.ephemeral and not result.followups
    return result.response


async def press(harness: BotHarness, page: Any, label: str) -> Any:
    """Press a button of a page as Alice."""
    return await harness.alice.click(page.message, label=label)


def thumbnails(page: Any) -> dict[str, discord.ThumbnailComponent]:
    """Return the thumbnails of the rows by the number that their row begins with."""
    return {
        part.children[0].content.split("**")[1]: part.accessory
        for part in page.message.components
        if isinstance(part, discord.SectionComponent)
        and isinstance(part.accessory, discord.ThumbnailComponent)
    }


def names(page: Any) -> list[str]:
    """Return the names of the attached files."""
    return [each.filename for each in page.attachments]


def rows(page: Any) -> str:
    """Return everything on a page."""
    return str(page.components)


def thumbnail_file(harness: BotHarness, picture_id: int) -> Path:
    """Return where the thumbnail of a picture is kept."""
    inside = picture_file(harness, picture_id).relative_to(harness.settings.storage.data_dir)
    return harness.app.stores.files.thumbnail_path(inside.as_posix())


async def test_each_row_has_a_thumbnail(harness: BotHarness):
    """A page shows each picture small, with its prompt as alt text, and a button to show it."""
    for prompt in ("a lake", "a <@123456789012345678> boat"):
        await paint(harness, prompt=prompt)
    page = await history_page(harness)
    shown = thumbnails(page)
    assert list(shown) == ["#2", "#1"] and shown["#1"].description == "a lake"
    assert names(page) == ["thumbnail-2.jpg", "thumbnail-1.jpg"]
    assert not any(each.spoiler for each in shown.values())
    (row,) = button_rows(page)
    assert [each["label"] for each in row] == ["Show #2", "Show #1"]
    for each in page.attachments:
        with Image.open(io.BytesIO(await each.read())) as image:
            assert image.format == "JPEG" and max(image.size) <= 256
    again = await press(harness, page, "Show #2")
    assert again.ephemeral and "boat" in harness.texts(again.response.message)


async def test_search_results_have_them_too(harness: BotHarness):
    """All results of a page have thumbnails, within Discord's limits."""
    await paint(harness, prompt="a lake", count=4)
    await paint(harness, prompt="a lake at dawn", count=2)
    page = await history_page(harness, search="lake")
    assert len(thumbnails(page)) == len(names(page)) == PAGE_PICTURES
    assert problems(page.components) == []
    assert names(await history_page(harness, search="no such word")) == []
    await harness.app.services.gallery.set_favourite(alice_as_actor(harness), 3, favourite=True)
    assert names(await history_page(harness, favourites=True)) == ["thumbnail-3.jpg"]


async def test_a_spoiler_stays_hidden(harness: BotHarness):
    """The thumbnail of a picture that is a spoiler is one too, by its mark and its name."""
    await paint(harness, prompt="a lake")
    await change_settings(harness, spoiler="on")
    await paint(harness, prompt="a boat")
    await change_settings(harness, spoiler="off")
    page = await history_page(harness)
    assert names(page) == ["SPOILER_thumbnail-2.jpg", "thumbnail-1.jpg"]
    assert [each.spoiler for each in thumbnails(page).values()] == [True, False]
    assert names(await history_page(harness, search="boat")) == ["SPOILER_thumbnail-2.jpg"]


async def test_a_row_without_a_file_stays(harness: BotHarness):
    """A missing or damaged file costs its own thumbnail only; the row and its button stay."""
    for number in range(3):
        await paint(harness, prompt=f"lake {number}")
    picture_file(harness, 1).unlink()
    damaged = picture_file(harness, 2)
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    thumbnail_file(harness, 2).unlink()
    page = await history_page(harness)
    assert list(thumbnails(page)) == ["#3"] and names(page) == ["thumbnail-3.jpg"]
    for number in range(3):
        assert f"lake {number}" in rows(page) and f"Show #{number + 1}" in rows(page)
    gone = await press(harness, page, "Show #1")
    assert gone.ephemeral and "was removed" in gone.response.content


async def test_turning_a_page_replaces_the_files(harness: BotHarness):
    """No file of the page before stays attached, also after a restart."""
    for number in range(3):
        await paint(harness, prompt=f"lake {number}", count=2)
    page = await history_page(harness)
    assert names(page) == [f"thumbnail-{number}.jpg" for number in (6, 5, 4, 3, 2)]
    await harness.stop()
    await harness.start()
    await press(harness, page, "Older")
    assert names(page) == ["thumbnail-1.jpg"] and list(thumbnails(page)) == ["#1"]
    await press(harness, page, "Newer")
    assert len(names(page)) == 5 and "#1" not in thumbnails(page)
    await harness.app.services.deletion.erase(alice_as_actor(harness), 1)
    await press(harness, page, "Older")
    assert "You have 5 pictures here." in rows(page) and len(names(page)) == 5


async def test_they_are_made_while_painting(harness: BotHarness, monkeypatch: pytest.MonkeyPatch):
    """A list decodes no picture: each thumbnail was made when its picture was painted."""
    await paint(harness, prompt="a lake", count=3)
    monkeypatch.setattr(making, "make_thumbnail", lambda _data: pytest.fail("made again"))
    assert len(names(await history_page(harness))) == 3
    assert all(thumbnail_file(harness, number).is_file() for number in (1, 2, 3))


async def test_a_page_costs_little(harness: BotHarness):
    """A page with five thumbnails, of which none has to be made, takes less than 0.3 s of
    processor time."""
    await paint(harness, prompt="a lake", count=4)
    await paint(harness, prompt="a boat")
    await history_page(harness)  # the first one imports and compiles
    before_s = time.process_time()
    page = await history_page(harness)
    spent_s = time.process_time() - before_s
    assert len(names(page)) == PAGE_PICTURES and spent_s < 0.3


async def test_a_deleted_picture_leaves_no_thumbnail(harness: BotHarness):
    """Whatever way a picture is deleted, its thumbnail goes too."""
    for number in range(2):
        await paint(harness, prompt=f"lake {number}")
    gallery, stored = harness.app.services.gallery, harness.app.stores.history
    pictures = [each for number in (1, 2) if (each := await stored.get(number)) is not None]
    assert len(names(await history_page(harness))) == 2
    await harness.delete(harness.alice, harness.message_with_picture())
    assert sorted(await gallery.thumbnails(pictures)) == [1]
    await harness.app.services.deletion.forget(pictures[0].place, [pictures[0].file])
    assert await gallery.thumbnails(pictures) == {}
    assert harness.app.stores.files.thumbnail_sizes() == {}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thumbnails take longer than a response may."""

    async def not_finished(_task: Any, _limit_s: float) -> bool:
        return False

    monkeypatch.setattr(answering, "finished_within", not_finished)


@pytest.mark.usefixtures("slow")
async def test_a_slow_page_is_announced(harness: BotHarness):
    """A page that takes long is announced to its reader alone; until then, the old one stays."""
    for number in range(3):
        await paint(harness, prompt=f"lake {number}", count=2)
    before = announcements(harness)
    page = await history_page(harness)
    assert announcements(harness) == before + 1 and len(thumbnails(page)) == 5
    turned = await press(harness, page, "Older")
    assert names(page) == ["thumbnail-1.jpg"] and not turned.followups
    assert announcements(harness) == before + 1


@pytest.mark.parametrize(("status", "code"), [(413, 40005), (403, 50013)])
async def test_where_files_are_refused_it_comes_without(
    harness: BotHarness, status: int, code: int
):
    """If Discord refuses the files, the page is shown without thumbnails, and so is the next."""
    for number in range(3):
        await paint(harness, prompt=f"lake {number}", count=2)
    harness.env.inject_error("POST", CALLBACK, status=status, code=code)
    page = await history_page(harness)
    assert thumbnails(page) == {} and names(page) == []
    assert "lake 2" in rows(page) and "Show #6" in rows(page)
    harness.env.inject_error("POST", CALLBACK, status=status, code=code)
    await press(harness, page, "Older")
    assert names(page) == [] and "lake 0" in rows(page)
    await press(harness, page, "Newer")
    assert len(names(page)) == 5


@pytest.mark.usefixtures("slow")
async def test_files_refused_after_an_announcement(harness: BotHarness):
    """The same holds for a page that was announced."""
    await paint(harness, prompt="a lake")
    harness.env.inject_error("PATCH", ORIGINAL, status=413, code=40005)
    page = await history_page(harness)
    assert names(page) == [] and "a lake" in rows(page)


async def test_without_the_permission_none_are_sent(harness: BotHarness):
    """Where the bot must not attach files, it does not try."""
    await paint(harness, prompt="a lake")
    denied = discord.PermissionOverwrite(attach_files=False)
    channel = harness.guild.create_text_channel(
        "no files", overwrites={harness.app.client.user: denied}
    )
    before = len(harness.env.http_requests)
    result = await harness.alice.slash(channel, "history")
    assert names(result.response) == [] and "a lake" in rows(result.response)
    assert len(harness.env.http_requests) == before + 1


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="Discord's API description is not at hand")
async def test_every_request_is_valid(harness: BotHarness):
    """Pages with thumbnails are valid by Discord's description."""
    await change_settings(harness, spoiler="on")
    for number in range(3):
        await paint(harness, prompt=f"a lake {number}", count=2)
    page = await history_page(harness)
    await press(harness, page, "Older")
    await history_page(harness, search="lake")
    api, requests = ApiDescription(), harness.env.http_requests
    assert [p for r in requests for p in api.problems(r.method, r.path, r.json)] == []
    assert "thumbnail-6" in str([r.json for r in requests])
