"""Stars: each user's once, on other users' pictures, for as long as these are there."""

import pytest

from storage.stars import Stars
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job
from tests.storage.query_plans import plans_of

CAROL = 99


async def test_a_star_is_given_and_taken_back(stores: OpenStores) -> None:
    """Every user has one star for a picture; its owner's is the mark as a favourite."""
    stars = Stars(stores.db, stores.clock)
    (picture,) = await stores.painted(new_job(ALICE))
    assert await stars.toggle(picture.id, BOB.user_id)
    assert await stars.toggle(picture.id, CAROL)
    assert not await stars.toggle(picture.id, ALICE.user_id)
    assert await stars.count(picture.id) == 2
    await stores.history.favour(picture.id, ALICE.user_id)
    assert await stars.count(picture.id) == 3
    assert not await stars.toggle(picture.id, BOB.user_id)
    assert await stars.count(picture.id) == 2
    assert not await stars.toggle(99, BOB.user_id) and await stars.count(99) == 0


async def test_what_is_erased_has_no_stars(stores: OpenStores) -> None:
    """Erasing a picture removes its stars, and nobody can give it another."""
    stars = Stars(stores.db, stores.clock)
    (gone,), (kept,) = await stores.painted(), await stores.painted()
    for picture in (gone, kept):
        assert await stars.toggle(picture.id, BOB.user_id)
    await stores.history.erase(gone.id)
    rows = await stores.db.fetch_all("SELECT picture_id FROM stars")
    assert [row["picture_id"] for row in rows] == [kept.id]
    assert not await stars.toggle(gone.id, BOB.user_id) and await stars.count(gone.id) == 0


async def test_stars_are_found_by_their_picture(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither giving a star nor counting them reads a table from end to end."""
    stars = Stars(stores.db, stores.clock)
    (picture,) = await stores.painted()
    plans = await plans_of(stores, monkeypatch, stars.toggle(picture.id, BOB.user_id))
    plans += await plans_of(stores, monkeypatch, stars.count(picture.id))
    assert plans and not any("SCAN s" in plan or "SCAN p" in plan for plan in plans), plans
