"""Many jobs at once, and jobs whose callers are cancelled."""

import asyncio

import pytest

from storage.types import DeliveryState, Job, JobState, Place, QuotaExceeded
from tests.storage.fakes import ALICE, Interruptions, OpenStores, new_job, policy


async def test_many_accepts_at_once_never_overspend(stores: OpenStores) -> None:
    """Of 200 simultaneous requests, each user gets exactly their quota and no more."""
    users = [Place(guild_id=1, channel_id=1, user_id=user_id) for user_id in range(8)]
    outcomes = await asyncio.gather(
        *(stores.jobs.accept(new_job(users[number % 8]), policy(10)) for number in range(200))
    )
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Job)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, QuotaExceeded)]
    assert (len(accepted), len(refused)) == (80, 120)
    assert len({job.id for job in accepted}) == 80
    assert await stores.ledger() == {job.id: (1, False) for job in accepted}
    for user in users:
        assert await stores.used(user) == 10


async def test_ends_race_and_one_wins(stores: OpenStores) -> None:
    """Of several concurrent endings of a job exactly one succeeds, and it is refunded once."""
    for _ in range(10):
        job = await stores.painting(new_job(pictures=2))
        outcomes = await asyncio.gather(
            stores.jobs.cancelled(job.id),
            stores.jobs.expired(job.id),
            stores.jobs.failed(job.id, "broken"),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Job) for outcome in outcomes) == 1
        assert (await stores.ledger())[job.id] == (2, True)


@pytest.mark.parametrize("again", [False, True], ids=["cancelled once", "cancelled all the way"])
async def test_a_cancelled_accept_leaves_nothing_accepted(stores: OpenStores, again: bool) -> None:
    """An accept that is cancelled at any await, and returns nothing, has charged nothing."""
    cancelled = 0
    for at in range(40):
        interruptions = Interruptions(at, again)
        accept = stores.jobs.accept(new_job(), policy(1))
        try:
            job = await asyncio.create_task(interruptions.run(accept))
        except asyncio.CancelledError:
            cancelled += 1
        else:
            assert isinstance(job, Job)
            await stores.jobs.cancelled(job.id)
        assert await stores.used() == 0
        assert (await stores.jobs.live_counts())[JobState.QUEUED] == 0
        await stores.jobs.cancelled((await stores.accept(fallback=policy(1))).id)
        if interruptions.waits <= at:
            break
    assert cancelled >= 7
    row = await stores.db.fetch_one("SELECT count(*) FROM ledger WHERE refunded_at IS NULL")
    assert row is not None and row[0] == 0


async def test_a_job_committed_for_nobody_is_withdrawn(
    stores: OpenStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If COMMIT completes despite a cancellation, the job is withdrawn and refunded."""
    commit, committing, go_on = stores.db._commit, asyncio.Event(), asyncio.Event()

    async def slow_commit() -> None:
        committing.set()
        await go_on.wait()
        await commit()

    monkeypatch.setattr(stores.db, "_commit", slow_commit)
    task = asyncio.create_task(stores.jobs.accept(new_job(), policy(1)))
    await committing.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    (job_id,) = await stores.ledger()
    job, delivery = await stores.jobs.get(job_id), await stores.deliveries.get(job_id)
    assert job is not None and job.state is JobState.CANCELLED
    assert delivery is not None and delivery.state is DeliveryState.DROPPED
    assert await stores.used(ALICE) == 0
    assert await stores.deliveries.pending() == []
