"""History: paging, and that erased pictures are hidden."""

import dataclasses

import pytest

from storage.errors import IllegalTransition
from storage.types import DeliveryState, Route
from tests.storage.fakes import ALICE, BOB, OpenStores, new_job, policy

ALICES = (ALICE.user_id, ALICE.guild_id)


async def test_pages_are_newest_first_and_complete(stores: OpenStores) -> None:
    """Paging shows every picture of one user in one server once, newest first."""
    mine = []
    for number in range(7):
        mine += await stores.painted(new_job(prompt=f"number {number}"))
        await stores.painted(new_job(BOB))
        await stores.painted(new_job(dataclasses.replace(ALICE, guild_id=11)))
    seen, before_id = [], None
    while page := await stores.history.page(*ALICES, before_id, 3):
        assert len(page) <= 3
        seen += page
        before_id = page[-1].id
    assert seen == mine[::-1]
    assert await stores.history.count(*ALICES) == 7
    assert await stores.history.latest(*ALICES) == mine[-1]
    assert await stores.history.recent(*ALICES, 2) == mine[:-3:-1]
    assert await stores.history.get(mine[0].id) == mine[0]


async def test_nobody_has_nothing(stores: OpenStores) -> None:
    """A user without pictures gets empty results."""
    assert await stores.history.page(1, 1, None, 5) == []
    assert await stores.history.latest(1, 1) is None
    assert await stores.history.count(1, 1) == 0
    assert await stores.history.get(1) is None
    assert await stores.history.of_job(1) == ()
    assert await stores.history.erase(1) is None
    with pytest.raises(ValueError, match="at least one"):
        await stores.history.page(1, 1, None, 0)


async def test_erased_is_gone_from_every_answer(stores: OpenStores) -> None:
    """An erased picture is in no result, and erasing it again returns None."""
    (kept,), (gone,) = await stores.painted(), await stores.painted()
    assert await stores.history.erase(gone.id) == gone
    assert await stores.history.erase(gone.id) is None
    assert await stores.history.get(gone.id) is None
    assert await stores.history.of_job(gone.job_id) == ()
    assert await stores.history.page(*ALICES, None, 5) == [kept]
    assert await stores.history.latest(*ALICES) == kept
    assert await stores.history.count(*ALICES) == 1


async def test_erasing_gives_no_quota_back(stores: OpenStores) -> None:
    """Erasing a picture does not refund it."""
    (picture,) = await stores.painted()
    await stores.history.erase(picture.id)
    assert await stores.used(ALICE, policy(5)) == 1


async def test_erasing_drops_a_pending_delivery(stores: OpenStores) -> None:
    """Erasing a picture before its delivery drops the delivery, even one in progress."""
    (picture,) = await stores.painted()
    await stores.deliveries.attempt(picture.job_id, Route.EDIT)
    await stores.history.erase(picture.id)
    assert await stores.deliveries.pending() == []
    delivery = await stores.deliveries.get(picture.job_id)
    assert delivery is not None and delivery.state is DeliveryState.DROPPED
    with pytest.raises(IllegalTransition):
        await stores.deliveries.delivered(picture.job_id, 1)


async def test_a_delivery_is_dropped_with_its_last_picture_only(stores: OpenStores) -> None:
    """While a job has another picture, its delivery continues with that one."""
    first, second = await stores.painted(new_job(pictures=2))
    await stores.history.erase(first.id)
    (waiting,) = await stores.deliveries.pending()
    assert waiting.pictures == (second,)
    await stores.history.erase(second.id)
    assert await stores.deliveries.pending() == []


async def test_erasing_leaves_a_settled_delivery(stores: OpenStores) -> None:
    """Erasing leaves a completed delivery as it was."""
    (picture,) = await stores.painted()
    await stores.deliveries.delivered(picture.job_id, 5)
    before = await stores.deliveries.get(picture.job_id)
    await stores.history.erase(picture.id)
    assert await stores.deliveries.get(picture.job_id) == before


async def test_the_job_of_an_erased_picture_is_still_known(stores: OpenStores) -> None:
    """A picture leads to the job that made it, also after it was erased; an unknown one to none."""
    (picture,) = await stores.painted()
    job = await stores.jobs.get(picture.job_id)
    assert job is not None and await stores.jobs.of_picture(picture.id) == job
    await stores.history.erase(picture.id)
    assert await stores.jobs.of_picture(picture.id) == job
    assert await stores.jobs.of_picture(picture.id + 1) is None


async def test_what_was_erased_with_all_of_its_job(stores: OpenStores) -> None:
    """The job of an erased picture is known once all pictures of it are erased."""
    first, second = await stores.painted(new_job(pictures=2))
    assert await stores.history.erased_job(first.id) is None
    await stores.history.erase(first.id)
    assert await stores.history.erased_job(first.id) is None
    await stores.history.erase(second.id)
    job = await stores.history.erased_job(second.id)
    assert job is not None and (job.id, job.place) == (first.job_id, first.place)
    assert await stores.history.erased_job(99) is None
