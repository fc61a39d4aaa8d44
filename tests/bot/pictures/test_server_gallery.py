"""The gallery of a server asks about unknown threads only as far as a page needs it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.accounts.permissions import Actor
from bot.pictures import server_gallery
from bot.pictures.gallery import PAGE_PICTURES, GalleryPage
from bot.pictures.server_gallery import ServerGallery
from storage.files import PictureFiles
from storage.lists import Lists
from storage.search import WHOLE_SERVER, PictureQuery
from storage.shown import ShownPictures
from storage.types import Route
from tests.storage.fakes import ALICE, OpenStores, new_job

READER = Actor(999, ALICE.guild_id, 5)


class Threads:
    """Threads of which some may be read; nothing is known before it is asked."""

    def __init__(self, open_: set[int]) -> None:
        self.open = open_
        self.asked: list[int] = []

    def known(self, channel_id: int) -> bool | None:
        return None

    async def ask(self, channel_id: int) -> bool:
        self.asked.append(channel_id)
        return channel_id in self.open


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[ServerGallery]:
    """A gallery of 40 pictures, each in a thread of its own: 101, 102, … in order."""
    stores = await OpenStores.open(tmp_path / "data" / "zimagine.db")
    for number in range(40):
        place = dataclasses.replace(ALICE, channel_id=101 + number)
        (picture,) = await stores.painted(new_job(place, prompt=f"a lake {number}"))
        await stores.deliveries.attempt(picture.job_id, Route.EDIT)
        await stores.deliveries.delivered(picture.job_id, 5)
    lists = Lists(stores.db, stores.clock)
    shown = ShownPictures(stores.db)
    yield ServerGallery(stores.history, shown, lists, PictureFiles(tmp_path))
    await stores.db.close()


async def page(
    gallery: ServerGallery, threads: Threads, wanted: PictureQuery | None = None
) -> GalleryPage:
    """Return the first page of the whole server."""
    found = await gallery.find(READER, wanted or PictureQuery(), WHOLE_SERVER, threads)
    assert isinstance(found, GalleryPage)
    return found


@pytest.mark.parametrize("wanted", [PictureQuery(), PictureQuery("lake")], ids=["all", "found"])
async def test_only_the_threads_of_a_page_are_asked_about(
    gallery: ServerGallery, wanted: PictureQuery
) -> None:
    """A page of readable threads costs one question for each of its pictures and the next one."""
    threads = Threads(set(range(101, 141)))
    found = await page(gallery, threads, wanted)
    assert [each.place.channel_id for each in found.pictures] == [140, 139, 138, 137, 136]
    assert sorted(threads.asked) == list(range(135, 141)) and len(found.pictures) == PAGE_PICTURES


async def test_a_page_is_filled_with_what_may_be_read(gallery: ServerGallery) -> None:
    """Pictures of closed threads are passed over, until the page is full or all are asked about."""
    threads = Threads({140, 131, 120})
    found = await page(gallery, threads)
    assert {each.place.channel_id for each in found.pictures} <= threads.open
    assert [each.place.channel_id for each in found.pictures][:2] == [140, 131]
    assert len(threads.asked) == len(set(threads.asked)) <= server_gallery.LOOKUPS


async def test_questions_are_bounded(gallery: ServerGallery) -> None:
    """Of many closed threads so many are asked about, and nothing is shown of the others."""
    threads = Threads({101})
    found = await page(gallery, threads)
    assert found.pictures == () and len(threads.asked) <= server_gallery.LOOKUPS
    assert len(threads.asked) > server_gallery.LOOKUPS - PAGE_PICTURES - 1
