"""Pages of lists: the same page has one id, for as long as it is used."""

from pathlib import Path

import pytest

from storage.lists import PAGE_LIFE, Lists
from storage.search import PictureQuery
from tests.storage.fakes import ALICE, BOB, OpenStores
from tests.storage.query_plans import plans_of

ALICES = (ALICE.user_id, ALICE.guild_id)


async def test_a_page_is_kept_once(stores: OpenStores) -> None:
    """The same page of the same list has one id; every other page has another."""
    lists = Lists(stores.db, stores.clock)
    wanted = PictureQuery("日落", seed=0, favourites=True)
    first, second = await lists.keep(*ALICES, wanted, [0, 12])
    assert await lists.keep(*ALICES, wanted, [12, 0]) == [second, first]
    others = await lists.keep(*ALICES, PictureQuery("日落"), [0])
    others += await lists.keep(BOB.user_id, BOB.guild_id, wanted, [0])
    assert len({first, second, *others}) == 4
    page = await lists.get(second)
    assert page is not None
    assert (page.user_id, page.guild_id, page.query, page.before_id) == (*ALICES, wanted, 12)
    assert await lists.get(99) is None


async def test_pages_outlive_restarts_and_a_year(stores: OpenStores, database_file: Path) -> None:
    """A page is there after a restart and a year, and goes after twice as long without use."""
    lists = Lists(stores.db, stores.clock)
    (used,) = await lists.keep(*ALICES, PictureQuery(), [5])
    (unused,) = await lists.keep(*ALICES, PictureQuery(), [9])
    await stores.db.close()
    again = await OpenStores.open(database_file, stores.clock)
    lists = Lists(again.db, again.clock)
    stores.clock.advance(days=366)
    assert await lists.sweep() == 0
    assert await lists.keep(*ALICES, PictureQuery(), [5]) == [used]
    stores.clock.advance(days=PAGE_LIFE.days - 366)
    assert await lists.sweep() == 1
    assert await lists.get(unused) is None and await lists.get(used) is not None
    stores.clock.advance(days=-2 * PAGE_LIFE.days)
    assert await lists.sweep() == 1
    await again.db.close()


async def test_ids_are_never_given_twice(stores: OpenStores) -> None:
    """The id of a page that is gone is not given to another: buttons still carry it."""
    lists = Lists(stores.db, stores.clock)
    (gone,) = await lists.keep(*ALICES, PictureQuery(), [0])
    stores.clock.advance(days=PAGE_LIFE.days)
    await lists.sweep()
    assert await lists.keep(*ALICES, PictureQuery(), [0]) > [gone]


async def test_old_pages_are_found_by_their_index(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reads all pages."""
    lists = Lists(stores.db, stores.clock)
    plans = await plans_of(stores, monkeypatch, lists.sweep())
    assert any("INDEX list_pages_by_use" in plan for plan in plans), plans
    assert not any("SCAN" in plan for plan in plans), plans
