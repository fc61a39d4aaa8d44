"""History: paging, and that what was erased is gone."""

import dataclasses

import pytest

from storage.errors import IllegalTransition
from storage.types import DeliveryState, Road
from tests.storage.fakes import ALICE, BOB, Shelf, new_job, policy

ALICES = (ALICE.user_id, ALICE.guild_id)


async def test_pages_are_newest_first_and_complete(shelf: Shelf) -> None:
    """Walking the pages shows every picture of one user in one server once, newest first."""
    mine = []
    for number in range(7):
        mine += await shelf.painted(new_job(prompt=f"number {number}"))
        await shelf.painted(new_job(BOB))
        await shelf.painted(new_job(dataclasses.replace(ALICE, guild_id=11)))
    seen, before_id = [], None
    while page := await shelf.history.page(*ALICES, before_id, 3):
        assert len(page) <= 3
        seen += page
        before_id = page[-1].id
    assert seen == mine[::-1]
    assert await shelf.history.count(*ALICES) == 7
    assert await shelf.history.latest(*ALICES) == mine[-1]
    assert await shelf.history.recent(*ALICES, 2) == mine[:-3:-1]
    assert await shelf.history.get(mine[0].id) == mine[0]


async def test_nobody_has_nothing(shelf: Shelf) -> None:
    """A user without pictures gets empty answers."""
    assert await shelf.history.page(1, 1, None, 5) == []
    assert await shelf.history.latest(1, 1) is None
    assert await shelf.history.count(1, 1) == 0
    assert await shelf.history.get(1) is None
    assert await shelf.history.of_job(1) == ()
    assert await shelf.history.erase(1) is None
    with pytest.raises(ValueError, match="at least one"):
        await shelf.history.page(1, 1, None, 0)


async def test_erased_is_gone_from_every_answer(shelf: Shelf) -> None:
    """An erased picture is in no answer, and erasing it again answers None."""
    (kept,), (gone,) = await shelf.painted(), await shelf.painted()
    assert await shelf.history.erase(gone.id) == gone
    assert await shelf.history.erase(gone.id) is None
    assert await shelf.history.get(gone.id) is None
    assert await shelf.history.of_job(gone.job_id) == ()
    assert await shelf.history.page(*ALICES, None, 5) == [kept]
    assert await shelf.history.latest(*ALICES) == kept
    assert await shelf.history.count(*ALICES) == 1


async def test_erasing_gives_no_quota_back(shelf: Shelf) -> None:
    """The charge of an erased picture stays."""
    (picture,) = await shelf.painted()
    await shelf.history.erase(picture.id)
    assert await shelf.used(ALICE, policy(5)) == 1


async def test_erasing_drops_a_pending_delivery(shelf: Shelf) -> None:
    """What was erased before it was delivered is not delivered any more, whoever was at it."""
    (picture,) = await shelf.painted()
    await shelf.deliveries.attempt(picture.job_id, Road.EDIT)
    await shelf.history.erase(picture.id)
    assert await shelf.deliveries.pending() == []
    delivery = await shelf.deliveries.get(picture.job_id)
    assert delivery is not None and delivery.state is DeliveryState.DROPPED
    with pytest.raises(IllegalTransition):
        await shelf.deliveries.delivered(picture.job_id, 1)


async def test_a_delivery_is_dropped_with_its_last_picture_only(shelf: Shelf) -> None:
    """While a job has another picture, its delivery goes on with that one."""
    first, second = await shelf.painted(new_job(pictures=2))
    await shelf.history.erase(first.id)
    (waiting,) = await shelf.deliveries.pending()
    assert waiting.pictures == (second,)
    await shelf.history.erase(second.id)
    assert await shelf.deliveries.pending() == []


async def test_erasing_leaves_a_settled_delivery(shelf: Shelf) -> None:
    """A delivery that was settled stays as it was."""
    (picture,) = await shelf.painted()
    await shelf.deliveries.delivered(picture.job_id, 5)
    before = await shelf.deliveries.get(picture.job_id)
    await shelf.history.erase(picture.id)
    assert await shelf.deliveries.get(picture.job_id) == before
