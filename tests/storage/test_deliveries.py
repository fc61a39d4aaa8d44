"""Deliveries: what is stored before an attempt, what stays, and how they are completed."""

import pytest

from storage.errors import IllegalTransition, UnknownRow
from storage.types import DeliveryState, Job, JobState, Route
from tests.storage.fakes import OpenStores, new_job


async def finished(stores: OpenStores) -> Job:
    (picture,) = await stores.painted()
    job = await stores.jobs.get(picture.job_id)
    assert job is not None
    return job


async def settle(stores: OpenStores, job_id: int, state: DeliveryState) -> None:
    match state:
        case DeliveryState.DELIVERED:
            await stores.deliveries.delivered(job_id, 77)
        case DeliveryState.KEPT:
            await stores.deliveries.kept(job_id, "channel gone")
        case _:
            await stores.deliveries.dropped(job_id)


SETTLED = [DeliveryState.DELIVERED, DeliveryState.KEPT, DeliveryState.DROPPED]


async def test_placed_is_remembered(stores: OpenStores) -> None:
    """The message that shows a job is stored while the job is still waiting."""
    job = await stores.accept()
    await stores.deliveries.placed(job.id, 555)
    delivery = await stores.deliveries.get(job.id)
    assert delivery is not None and delivery.message_id == 555


async def test_the_first_road_stays(stores: OpenStores) -> None:
    """A route is stored before its first attempt; later attempts get the same route and time."""
    job = await finished(stores)
    first = await stores.deliveries.attempt(job.id, Route.EDIT)
    assert (first.route, first.attempted_at) == (Route.EDIT, stores.clock.now)
    assert await stores.deliveries.get(job.id) == first
    stores.clock.advance(minutes=3)
    assert await stores.deliveries.attempt(job.id, Route.POST) == first
    assert await stores.deliveries.attempt(job.id, Route.EDIT) == first


async def test_switch_changes_the_road(stores: OpenStores) -> None:
    """Only switch changes the route, with a first time of its own and the same nonce."""
    job = await finished(stores)
    first = await stores.deliveries.attempt(job.id, Route.EDIT)
    stores.clock.advance(minutes=3)
    switched = await stores.deliveries.switch(job.id, Route.POST)
    assert (switched.route, switched.attempted_at) == (Route.POST, stores.clock.now)
    assert switched.nonce == first.nonce
    stores.clock.advance(minutes=3)
    assert await stores.deliveries.switch(job.id, Route.POST) == switched
    assert await stores.deliveries.attempt(job.id, Route.EDIT) == switched


@pytest.mark.parametrize("state", SETTLED)
async def test_settling_is_final(stores: OpenStores, state: DeliveryState) -> None:
    """A completed delivery is no longer pending, and no transition leads out of it."""
    job = await finished(stores)
    await settle(stores, job.id, state)
    settled = await stores.deliveries.get(job.id)
    assert settled is not None
    assert (settled.state, settled.settled_at) == (state, stores.clock.now)
    assert await stores.deliveries.pending() == []
    assert await stores.deliveries.pending_for(job.id) is None
    for other in SETTLED:
        with pytest.raises(IllegalTransition) as caught:
            await settle(stores, job.id, other)
        assert (caught.value.what, caught.value.from_, caught.value.to) == (
            "delivery",
            state,
            other,
        )
    for step in (stores.deliveries.attempt, stores.deliveries.switch):
        with pytest.raises(IllegalTransition):
            await step(job.id, Route.POST)
    with pytest.raises(IllegalTransition):
        await stores.deliveries.placed(job.id, 1)
    assert await stores.deliveries.get(job.id) == settled


async def test_settling_keeps_what_there_is_to_know(stores: OpenStores) -> None:
    """A delivered result keeps its message, a kept one its reason."""
    delivered, kept = await finished(stores), await finished(stores)
    await stores.deliveries.delivered(delivered.id, 77)
    await stores.deliveries.kept(kept.id, "channel gone")
    first, second = await stores.deliveries.get(delivered.id), await stores.deliveries.get(kept.id)
    assert first is not None and first.result_message_id == 77
    assert second is not None and second.detail == "channel gone"


async def test_nothing_is_tried_before_the_end_of_its_job(stores: OpenStores) -> None:
    """A waiting or painting job has nothing to deliver; its delivery can only be dropped."""
    for job in (await stores.accept(), await stores.painting()):
        for work in (
            stores.deliveries.attempt(job.id, Route.EDIT),
            stores.deliveries.switch(job.id, Route.EDIT),
            stores.deliveries.delivered(job.id),
            stores.deliveries.kept(job.id, "no"),
        ):
            with pytest.raises(IllegalTransition):
                await work
        assert await stores.deliveries.pending_for(job.id) is None
        await stores.deliveries.dropped(job.id)


async def test_pending_is_every_finished_job_in_order(stores: OpenStores) -> None:
    """Painted, failed, cancelled and expired jobs are pending, in order of acceptance."""
    jobs = [await stores.accept(new_job(pictures=2)) for _ in range(5)]
    await stores.jobs.cancelled(jobs[3].id)
    await stores.jobs.expired(jobs[2].id)
    await stores.jobs.failed(jobs[1].id, "broken")
    pictures = await stores.painted(new_job(pictures=2))

    waiting = await stores.deliveries.pending()
    assert [each.job.id for each in waiting] == [
        jobs[1].id,
        jobs[2].id,
        jobs[3].id,
        pictures[0].job_id,
    ]
    assert [each.job.state for each in waiting] == [
        JobState.FAILED,
        JobState.EXPIRED,
        JobState.CANCELLED,
        JobState.PAINTED,
    ]
    assert [each.pictures for each in waiting] == [(), (), (), pictures]
    for each in waiting:
        assert each.delivery == await stores.deliveries.get(each.job.id)
        assert each.job == await stores.jobs.get(each.job.id)
        assert each == await stores.deliveries.pending_for(each.job.id)


async def test_unknown_jobs_are_named(stores: OpenStores) -> None:
    """A step for an unknown job raises UnknownRow; reading it returns None."""
    with pytest.raises(UnknownRow):
        await stores.deliveries.attempt(99, Route.EDIT)
    with pytest.raises(UnknownRow):
        await stores.deliveries.placed(99, 1)
    assert await stores.deliveries.get(99) is None
    assert await stores.deliveries.pending_for(99) is None


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("newer", [None, "newer"])
async def test_a_job_keeps_its_token_until_it_is_settled(
    stores: OpenStores, private: bool, newer: str | None
) -> None:
    """The token of the status message stays: sometimes it alone can change that message."""
    job = await stores.accept(new_job(reply_token="first", private=private))
    await stores.deliveries.placed(job.id, 77, reply_token=newer)
    found = await stores.deliveries.get(job.id)
    assert found is not None and found.reply_token == (newer or "first")
    await stores.jobs.cancelled(job.id)
    assert (await stores.deliveries.delivered(job.id)).reply_token is None


async def test_a_missed_try_makes_the_next_one_the_first(stores: OpenStores) -> None:
    """Once nothing is known to have arrived, the next attempt counts as the first."""
    (picture,) = await stores.painted()
    first = await stores.deliveries.attempt(picture.job_id, Route.POST)
    stores.clock.advance(minutes=9)
    missed = await stores.deliveries.missed(picture.job_id)
    assert first.attempted_at is not None and missed.attempted_at is not None
    assert (missed.attempted_at - first.attempted_at).total_seconds() == 540
    assert missed.route is Route.POST


async def test_kept_results_can_be_told_apart(stores: OpenStores) -> None:
    """Of many jobs, those whose result is in no message are returned."""
    kept, posted = [(await stores.painted())[0].job_id for _ in range(2)]
    await stores.deliveries.kept(kept, "no permission")
    await stores.deliveries.delivered(posted, 5)
    assert await stores.deliveries.kept_among([kept, posted, 999]) == {kept}
    assert await stores.deliveries.kept_among([]) == frozenset()
