"""Deliveries: what is written before a try, what stays, and what settles."""

import pytest

from storage.errors import IllegalTransition, UnknownRow
from storage.types import DeliveryState, Job, JobState, Road
from tests.storage.fakes import Shelf, new_job


async def finished(shelf: Shelf) -> Job:
    (picture,) = await shelf.painted()
    job = await shelf.jobs.get(picture.job_id)
    assert job is not None
    return job


async def settle(shelf: Shelf, job_id: int, state: DeliveryState) -> None:
    match state:
        case DeliveryState.DELIVERED:
            await shelf.deliveries.delivered(job_id, 77)
        case DeliveryState.KEPT:
            await shelf.deliveries.kept(job_id, "channel gone")
        case _:
            await shelf.deliveries.dropped(job_id)


SETTLED = [DeliveryState.DELIVERED, DeliveryState.KEPT, DeliveryState.DROPPED]


async def test_placed_is_remembered(shelf: Shelf) -> None:
    """The message that shows a job is stored while the job is still waiting."""
    job = await shelf.accept()
    await shelf.deliveries.placed(job.id, 555)
    delivery = await shelf.deliveries.get(job.id)
    assert delivery is not None and delivery.message_id == 555


async def test_the_first_road_stays(shelf: Shelf) -> None:
    """A road is stored before its first try; a later attempt gets that road and that instant."""
    job = await finished(shelf)
    first = await shelf.deliveries.attempt(job.id, Road.EDIT)
    assert (first.road, first.attempted_at) == (Road.EDIT, shelf.clock.now)
    assert await shelf.deliveries.get(job.id) == first
    shelf.clock.advance(minutes=3)
    assert await shelf.deliveries.attempt(job.id, Road.POST) == first
    assert await shelf.deliveries.attempt(job.id, Road.EDIT) == first


async def test_switch_changes_the_road(shelf: Shelf) -> None:
    """Only switch takes another road, with its own first instant and the same nonce."""
    job = await finished(shelf)
    first = await shelf.deliveries.attempt(job.id, Road.EDIT)
    shelf.clock.advance(minutes=3)
    switched = await shelf.deliveries.switch(job.id, Road.POST)
    assert (switched.road, switched.attempted_at) == (Road.POST, shelf.clock.now)
    assert switched.nonce == first.nonce
    shelf.clock.advance(minutes=3)
    assert await shelf.deliveries.switch(job.id, Road.POST) == switched
    assert await shelf.deliveries.attempt(job.id, Road.EDIT) == switched


@pytest.mark.parametrize("state", SETTLED)
async def test_settling_is_final(shelf: Shelf, state: DeliveryState) -> None:
    """A settled delivery is pending no more, and no step leads out of it."""
    job = await finished(shelf)
    await settle(shelf, job.id, state)
    settled = await shelf.deliveries.get(job.id)
    assert settled is not None
    assert (settled.state, settled.settled_at) == (state, shelf.clock.now)
    assert await shelf.deliveries.pending() == []
    assert await shelf.deliveries.pending_for(job.id) is None
    for other in SETTLED:
        with pytest.raises(IllegalTransition) as caught:
            await settle(shelf, job.id, other)
        assert (caught.value.what, caught.value.from_, caught.value.to) == (
            "delivery",
            state,
            other,
        )
    for step in (shelf.deliveries.attempt, shelf.deliveries.switch):
        with pytest.raises(IllegalTransition):
            await step(job.id, Road.POST)
    with pytest.raises(IllegalTransition):
        await shelf.deliveries.placed(job.id, 1)
    assert await shelf.deliveries.get(job.id) == settled


async def test_settling_keeps_what_there_is_to_know(shelf: Shelf) -> None:
    """A delivered result keeps its message, a kept one its reason."""
    delivered, kept = await finished(shelf), await finished(shelf)
    await shelf.deliveries.delivered(delivered.id, 77)
    await shelf.deliveries.kept(kept.id, "channel gone")
    first, second = await shelf.deliveries.get(delivered.id), await shelf.deliveries.get(kept.id)
    assert first is not None and first.result_message_id == 77
    assert second is not None and second.detail == "channel gone"


async def test_nothing_is_tried_before_the_end_of_its_job(shelf: Shelf) -> None:
    """A waiting or painting job has nothing to deliver; it can only be dropped."""
    for job in (await shelf.accept(), await shelf.painting()):
        for work in (
            shelf.deliveries.attempt(job.id, Road.EDIT),
            shelf.deliveries.switch(job.id, Road.EDIT),
            shelf.deliveries.delivered(job.id),
            shelf.deliveries.kept(job.id, "no"),
        ):
            with pytest.raises(IllegalTransition):
                await work
        assert await shelf.deliveries.pending_for(job.id) is None
        await shelf.deliveries.dropped(job.id)


async def test_pending_is_every_finished_job_in_order(shelf: Shelf) -> None:
    """Painted, failed, cancelled and expired jobs wait to be told, in order of acceptance."""
    jobs = [await shelf.accept(new_job(pictures=2)) for _ in range(5)]
    await shelf.jobs.cancelled(jobs[3].id)
    await shelf.jobs.expired(jobs[2].id)
    await shelf.jobs.failed(jobs[1].id, "broken")
    pictures = await shelf.painted(new_job(pictures=2))

    waiting = await shelf.deliveries.pending()
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
        assert each.delivery == await shelf.deliveries.get(each.job.id)
        assert each.job == await shelf.jobs.get(each.job.id)
        assert each == await shelf.deliveries.pending_for(each.job.id)


async def test_unknown_jobs_are_named(shelf: Shelf) -> None:
    """A step for a job that does not exist raises UnknownRow; reading it answers None."""
    with pytest.raises(UnknownRow):
        await shelf.deliveries.attempt(99, Road.EDIT)
    with pytest.raises(UnknownRow):
        await shelf.deliveries.placed(99, 1)
    assert await shelf.deliveries.get(99) is None
    assert await shelf.deliveries.pending_for(99) is None


async def test_a_private_job_keeps_its_token_until_it_is_settled(shelf: Shelf) -> None:
    """Only the token reaches a message that one person sees; a public job's goes at once."""
    public = await shelf.accept(new_job(reply_token="one"))
    private = await shelf.accept(new_job(reply_token="two", private=True))
    for job in (public, private):
        await shelf.deliveries.placed(job.id, 77)
    tokens = [
        found.reply_token
        for job in (public, private)
        if (found := await shelf.deliveries.get(job.id)) is not None
    ]
    assert tokens == [None, "two"]
    await shelf.jobs.cancelled(private.id)
    assert (await shelf.deliveries.delivered(private.id)).reply_token is None


async def test_a_missed_try_makes_the_next_one_the_first(shelf: Shelf) -> None:
    """Once it is known that nothing arrived, the instant of the first try is the present one."""
    (picture,) = await shelf.painted()
    first = await shelf.deliveries.attempt(picture.job_id, Road.POST)
    shelf.clock.advance(minutes=9)
    missed = await shelf.deliveries.missed(picture.job_id)
    assert first.attempted_at is not None and missed.attempted_at is not None
    assert (missed.attempted_at - first.attempted_at).total_seconds() == 540
    assert missed.road is Road.POST


async def test_kept_results_can_be_told_apart(shelf: Shelf) -> None:
    """Of many jobs, those whose result no message shows are named."""
    kept, posted = [(await shelf.painted())[0].job_id for _ in range(2)]
    await shelf.deliveries.kept(kept, "no permission")
    await shelf.deliveries.delivered(posted, 5)
    assert await shelf.deliveries.kept_among([kept, posted, 999]) == {kept}
    assert await shelf.deliveries.kept_among([]) == frozenset()
