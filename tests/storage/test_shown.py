"""What everybody in a channel saw: by channel, newest first, and nothing else."""

import dataclasses
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import load_migrations
from storage.shown import ShownPictures
from storage.types import Place, Route, StoredPicture
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job
from tests.storage.query_plans import plans_of, reads_all

GUILD = ALICE.guild_id


async def delivered(
    stores: OpenStores, place: Place = ALICE, route: Route = Route.EDIT, *, private: bool = False
) -> StoredPicture:
    """Return a new picture whose result arrived on this route."""
    (picture,) = await stores.painted(new_job(place, private=private))
    thread_id = 77 if route is Route.THREAD else None
    await stores.deliveries.attempt(picture.job_id, route, thread_id)
    await stores.deliveries.delivered(picture.job_id, 5)
    return picture


async def test_only_what_was_shown_to_all(stores: OpenStores) -> None:
    """Public results count where they were delivered; private, direct, kept and waiting ones do
    not, nor do those of another server."""
    shown = ShownPictures(stores.db)
    edited = await delivered(stores)
    posted = await delivered(stores, BOB, Route.POST)
    in_thread = await delivered(stores, route=Route.THREAD)
    await delivered(stores, private=True)
    await delivered(stores, route=Route.REPLY)
    await delivered(stores, route=Route.DIRECT)
    (kept,) = await stores.painted()
    await stores.deliveries.kept(kept.job_id, "closed")
    (waiting,) = await stores.painted()
    await stores.deliveries.attempt(waiting.job_id, Route.EDIT)
    await delivered(stores, dataclasses.replace(ALICE, guild_id=11))
    assert await shown.channels(GUILD) == [ALICE.channel_id, 77]
    assert await shown.page(GUILD, [ALICE.channel_id], None, 9) == [posted, edited]
    assert await shown.page(GUILD, [77], None, 9) == [in_thread]
    assert await shown.channel_of(in_thread.id) == 77
    assert await shown.channel_of(waiting.id) is None
    await stores.deliveries.delivered(waiting.job_id, 6)
    assert await shown.channel_of(waiting.id) == ALICE.channel_id


async def test_pages_of_several_channels(stores: OpenStores) -> None:
    """Pages go through all channels together, newest first and back; what is erased is gone."""
    shown = ShownPictures(stores.db)
    elsewhere = dataclasses.replace(BOB, channel_id=21)
    mine = [await delivered(stores, (ALICE, elsewhere)[number % 2]) for number in range(7)]
    channels, seen, before_id = await shown.channels(GUILD), list[StoredPicture](), None
    assert channels == [ALICE.channel_id, 21]
    while page := await shown.page(GUILD, channels, before_id, 3):
        seen += page
        before_id = page[-1].id
    assert seen == mine[::-1]
    assert await shown.after(GUILD, channels, mine[2].id, 3) == mine[2:5]
    await stores.history.erase(mine[5].id)
    assert await shown.page(GUILD, [21], None, 9) == [mine[3], mine[1]]
    assert await shown.page(GUILD, [], None, 9) == [] and await shown.channels(12) == []
    with pytest.raises(ValueError, match="at least one"):
        await shown.page(GUILD, channels, None, 0)


async def test_pages_walk_their_index(filled: OpenStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pages nor the list of channels read a table, or sort one, from end to end."""
    async with filled.db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO shown_pictures SELECT id, 10, 20 + id % 3 FROM pictures"
        )
    shown = ShownPictures(filled.db)
    plans = await plans_of(filled, monkeypatch, shown.page(10, [20], None, 5))
    plans += await plans_of(filled, monkeypatch, shown.after(10, [20], 5, 5))
    assert sum("COVERING INDEX shown_pictures_in" in plan for plan in plans) == 2, plans
    for plan in plans:
        assert not reads_all(plan.replace("SCAN json_each", "")), plan
    walks = [plan for plan in plans if "shown_pictures_in" in plan]
    assert not any("TEMP B-TREE" in plan for plan in walks), walks
    assert await shown.channels(10) == [20, 21, 22]


async def test_pictures_of_earlier_versions_are_there(old_file: Path) -> None:
    """After an upgrade, the public results of before are found where they were delivered."""
    await (await Database.open(old_file, migrations=load_migrations()[:13])).close()
    stores = await OpenStores.open(old_file)
    rows = await stores.db.fetch_all(
        "SELECT p.id FROM pictures AS p JOIN deliveries AS d ON d.job_id = p.job_id "
        "WHERE d.state = 'delivered' AND d.road IN ('edit', 'post') AND p.deleted_at IS NULL"
    )
    shown = await stores.db.fetch_all("SELECT picture_id FROM shown_pictures")
    assert rows and sorted(map(tuple, rows)) == sorted(map(tuple, shown))
    await stores.db.close()
