"""Favourites: marked by their owner, paged like the history, and spared by retention."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from storage.database import Database
from storage.files import PictureFiles
from storage.migrate import load_migrations
from storage.retention import Retention
from storage.search import PictureQuery
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, new_picture
from tests.storage.old_databases import NEWER
from tests.storage.query_plans import BY_WORDS_NEWEST_FIRST, plans_of, reads_all

ALICES = (ALICE.user_id, ALICE.guild_id)


@pytest.fixture
async def many(filled: OpenStores) -> AsyncIterator[OpenStores]:
    """A user with thousands of pictures and one favourite, unlike everybody else.

    One other has hundreds of favourites, and most have one picture, so that SQLite's averages
    suggest scanning a user's pictures rather than their favourites.
    """
    async with filled.db.transaction() as transaction:
        for sql in (
            "UPDATE pictures SET user_id = 30 WHERE id % 4 > 0",
            "UPDATE pictures SET user_id = 1000 + id WHERE id % 8 = 4",
            "UPDATE pictures SET user_id = 31, favourite_at = 1 WHERE id % 8 = 0",
        ):
            await transaction.execute(sql)
    assert await filled.history.favour(1, 30) is not None
    yield filled


async def test_pages_hold_the_favourites_of_one_person(stores: OpenStores) -> None:
    """Paging shows each favourite of one user in one server once, newest first."""
    elsewhere = dataclasses.replace(ALICE, guild_id=11)
    favourites = []
    for number in range(7):
        for place in (ALICE, BOB, elsewhere):
            (picture,) = await stores.painted(new_job(place))
            await stores.painted(new_job(place))
            marked = await stores.history.favour(picture.id, place.user_id)
            assert marked == dataclasses.replace(picture, favourite=True), number
            if place is ALICE:
                favourites.append(marked)
    seen, before_id = [], None
    while page := await stores.history.favourites(*ALICES, before_id, 3):
        assert len(page) <= 3
        seen += page
        before_id = page[-1].id
    assert seen == favourites[::-1]
    assert await stores.history.count_favourites(*ALICES) == 7
    back = await stores.history.favourites_after(*ALICES, favourites[2].id, 3)
    assert back == favourites[2:5]
    with pytest.raises(ValueError, match="at least one"):
        await stores.history.favourites(*ALICES, None, 0)


async def test_searching_among_favourites(stores: OpenStores) -> None:
    """Only the user's favourites with the words are found; without words, all favourites."""
    marked = []
    for number in range(6):
        for place in (ALICE, BOB):
            prompt = "a red boat" if number % 2 else "a lake"
            (picture,) = await stores.painted(new_job(place, prompt=prompt))
            if number > 1:
                await stores.history.favour(picture.id, place.user_id)
                marked += [picture.id] if place is ALICE else []

    async def found(text: str, before_id: int | None = None) -> list[int]:
        pictures = await stores.history.find(
            *ALICES, PictureQuery(text, favourites=True), before_id, 9
        )
        return [picture.id for picture in pictures]

    assert await found("boat") == [marked[3], marked[1]]
    assert await found("boat", marked[3]) == [marked[1]]
    assert await found(" ") == marked[::-1] and await found("tiger") == []


async def test_only_its_person_marks_a_picture(stores: OpenStores) -> None:
    """A picture that is another user's, erased or unknown cannot be marked or unmarked."""
    (mine,), (gone,) = await stores.painted(), await stores.painted()
    await stores.history.erase(gone.id)
    for picture_id, user_id in ((mine.id, BOB.user_id), (gone.id, ALICE.user_id), (99, 30)):
        assert await stores.history.favour(picture_id, user_id) is None
    assert await stores.history.get(mine.id) == mine
    assert await stores.history.favour(mine.id, ALICE.user_id) is not None
    assert await stores.history.unfavour(mine.id, BOB.user_id) is None
    assert [each.id for each in await stores.history.favourites(*ALICES, None, 5)] == [mine.id]


async def test_marking_again_is_nothing_new(stores: OpenStores) -> None:
    """Marking twice keeps the first time, and unmarking twice is the same as once."""
    (picture,) = await stores.painted()
    since = "SELECT favourite_at FROM pictures"
    first = await stores.history.favour(picture.id, ALICE.user_id)
    (before,) = await stores.db.fetch_all(since)
    stores.clock.advance(hours=1)
    assert await stores.history.favour(picture.id, ALICE.user_id) == first
    (after,) = await stores.db.fetch_all(since)
    assert after["favourite_at"] == before["favourite_at"] is not None
    for _ in range(2):
        assert await stores.history.unfavour(picture.id, ALICE.user_id) == picture
        assert await stores.history.favourites(*ALICES, None, 5) == []


async def test_an_erased_favourite_is_gone(stores: OpenStores) -> None:
    """An erased picture is no longer a favourite."""
    (picture,) = await stores.painted()
    await stores.history.favour(picture.id, ALICE.user_id)
    await stores.history.erase(picture.id)
    assert await stores.history.favourites(*ALICES, None, 5) == []


async def test_retention_leaves_a_favourite_until_it_is_none(
    stores: OpenStores, tmp_path: Path
) -> None:
    """Retention keeps the file while marked and removes it afterwards; no mark brings it back."""
    files = PictureFiles(tmp_path / "data")
    retention = Retention(stores.db, files, stores.clock)
    job = await stores.painting()
    files.path("pictures/x.png").parent.mkdir(parents=True)
    files.path("pictures/x.png").write_bytes(b"picture")
    new = new_picture(file="pictures/x.png", size_bytes=7)
    (picture,) = await stores.jobs.painted(job.id, [new])
    await stores.deliveries.delivered(job.id, 5)
    await stores.history.favour(picture.id, ALICE.user_id)
    stores.clock.advance(days=400)
    assert (await retention.apply(keep_days=1, limit_bytes=0)).files == 0
    await stores.history.unfavour(picture.id, ALICE.user_id)
    assert (await retention.apply(keep_days=1, limit_bytes=None)).files == 1
    assert not files.path("pictures/x.png").exists()
    late = await stores.history.favour(picture.id, ALICE.user_id)
    assert late is not None and late.favourite and not late.on_disk


@pytest.mark.parametrize("analysed", [False, True], ids=["as created", "after ANALYZE"])
@pytest.mark.parametrize("before_id", [None, 500])
async def test_a_page_walks_its_own_index(
    many: OpenStores, monkeypatch: pytest.MonkeyPatch, before_id: int | None, analysed: bool
) -> None:
    """One favourite among thousands of pictures is found through its index, without sorting."""
    if analysed:
        async with many.db.transaction() as transaction:
            await transaction.execute("ANALYZE")
    work: Any = many.history.favourites(30, 10, before_id, 10)
    (plan,) = await plans_of(many, monkeypatch, work)
    assert "SEARCH p USING INDEX pictures_favourite (guild_id=? AND user_id=? AND id<?)" in plan
    assert not reads_all(plan) and "TEMP B-TREE" not in plan, plan
    work = many.history.favourites_after(30, 10, before_id or 1, 10)
    (plan,) = await plans_of(many, monkeypatch, work)
    assert "SEARCH p USING INDEX pictures_favourite (guild_id=? AND user_id=? AND id>?)" in plan
    assert not reads_all(plan) and "TEMP B-TREE" not in plan, plan
    (plan,) = await plans_of(many, monkeypatch, many.history.count_favourites(30, 10))
    assert "COVERING INDEX pictures_favourite (guild_id=? AND user_id=?)" in plan, plan
    work = many.history.find(30, 10, PictureQuery("lake", favourites=True), before_id, 10)
    (plan,) = await plans_of(many, monkeypatch, work)
    assert BY_WORDS_NEWEST_FIRST in plan and not reads_all(plan), plan
    plans = await plans_of(many, monkeypatch, many.history.unfavour(1, 30))
    assert len(plans) == 2 and not any("SCAN" in plan for plan in plans), plans


async def test_favourites_of_earlier_versions_are_found(old_file: Path) -> None:
    """Favourites from before they could be paged are shown after the upgrade."""
    async with (
        await Database.open(old_file, migrations=load_migrations()[:4]) as db,
        db.transaction() as transaction,
    ):
        for sql in NEWER:
            await transaction.execute(sql)
    stores = await OpenStores.open(old_file)
    for place in (ALICE, BOB):
        person = (place.user_id, place.guild_id)
        everything = await stores.history.page(*person, None, 100)
        favourites = await stores.history.favourites(*person, None, 100)
        assert favourites and favourites == [each for each in everything if each.favourite]
    await stores.db.close()
