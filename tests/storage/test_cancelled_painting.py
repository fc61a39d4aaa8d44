"""What is cancelled while it is painted is free up to a limit, and charged beyond it."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import consistency
from storage.cancelled_painting import CHARGED, BegunPainting, CancelledJob, FreeCancelling
from storage.errors import IllegalTransition
from storage.types import JobState, Place
from tests.storage.fakes import ALICE, BOB, START, OpenStores, new_job, policy

FREE = FreeCancelling(100.0, policy(50))


async def cancel(
    stores: OpenStores,
    seconds: float,
    *,
    place: Place = ALICE,
    pictures: int = 1,
    begun: int = 1,
    free: FreeCancelling = FREE,
) -> CancelledJob:
    """Cancel a new job after it was painted for this long."""
    job = await stores.painting(new_job(place, pictures))
    painted = BegunPainting(seconds, begun)
    return await stores.jobs.cancelled_by_requester(job.id, painted, free)


async def test_free_up_to_the_limit_and_not_a_second_more(stores: OpenStores) -> None:
    """Cancelled painting adds up; what would exceed the limit stays charged and does not count."""
    assert await cancel(stores, 60) == CancelledJob(await job(stores, 1), 0, 40.0, 24)
    charged = await cancel(stores, 41)
    assert (charged.charged, charged.left_s) == (1, 40.0)
    assert (charged.job.state, charged.job.error_code) == (JobState.CANCELLED, CHARGED)
    assert (await cancel(stores, 40)).left_s == 0.0
    assert (await cancel(stores, 0.001)).charged == 1
    assert await stores.ledger() == {1: (1, True), 2: (1, False), 3: (1, True), 4: (1, False)}
    assert await stores.used() == 2


async def job(stores: OpenStores, job_id: int):
    found = await stores.jobs.get(job_id)
    assert found is not None
    return found


async def test_what_was_not_begun_is_always_free(stores: OpenStores) -> None:
    """A waiting job is refunded however much was cancelled, and counts for nothing."""
    await cancel(stores, 1000)
    for begun in (None, BegunPainting(50.0, 1)):
        waiting = await stores.accept()
        outcome = await stores.jobs.cancelled_by_requester(waiting.id, begun, FREE)
        assert (outcome.charged, outcome.left_s) == (0, None)
    assert await stores.used() == 1
    assert (await cancel(stores, 100)).charged == 0


@pytest.mark.parametrize(
    ("pictures", "begun", "charged"), [(4, 1, 1), (4, 3, 3), (4, 4, 4), (4, 5, 4), (4, 0, 1)]
)
async def test_only_begun_pictures_are_charged(
    stores: OpenStores, pictures: int, begun: int, charged: int
) -> None:
    """Of a series, the pictures whose painting had not begun are given back."""
    outcome = await cancel(stores, 101, pictures=pictures, begun=begun)
    assert outcome.charged == outcome.job.pictures == charged == await stores.used()


async def test_the_window_is_that_of_the_quota(stores: OpenStores) -> None:
    """What was cancelled counts within the hours of the user's own quota, and then no more."""
    await stores.quotas.set_user(ALICE.guild_id, ALICE.user_id, 50, 2, by=1)
    assert (await cancel(stores, 100)).hours == 2
    stores.clock.advance(hours=2, microseconds=-1)
    assert (await cancel(stores, 1)).charged == 1
    stores.clock.advance(microseconds=1)
    assert (await cancel(stores, 100)).charged == 0


async def test_everybody_has_their_own(stores: OpenStores) -> None:
    """Other members and other servers have their own limit."""
    await cancel(stores, 100)
    elsewhere = Place(ALICE.guild_id + 1, 20, ALICE.user_id)
    assert (await cancel(stores, 100, place=BOB)).charged == 0
    assert (await cancel(stores, 100, place=elsewhere)).charged == 0
    assert (await cancel(stores, 1)).charged == 1


async def test_a_limit_of_zero_charges_whatever_was_begun(stores: OpenStores) -> None:
    """With 0 seconds free, every begun picture stays charged."""
    assert (await cancel(stores, 0.5, free=FreeCancelling(0.0, policy(50)))).charged == 1


async def test_it_outlives_a_restart(database_file: Path) -> None:
    """What was cancelled still counts after a restart, and the check of the data is content."""
    stores = await OpenStores.open(database_file)
    await cancel(stores, 90)
    await stores.db.close()
    stores = await OpenStores.open(database_file, nonce=lambda: "another")
    assert (await cancel(stores, 20)).charged == 1
    await stores.db.close()
    report = consistency.check(database_file.parent, clock=lambda: START)
    assert report.wrong() == []


async def test_a_clock_that_was_ahead_takes_it_away_for_one_window(stores: OpenStores) -> None:
    """What was cancelled in the future counts for one window from when it is noticed."""
    stores.clock.advance(days=365)
    await cancel(stores, 100)
    stores.clock.advance(days=-365)
    assert (await cancel(stores, 1)).charged == 1
    stores.clock.advance(hours=24)
    assert (await cancel(stores, 100)).charged == 0


async def test_a_finished_job_cannot_be_cancelled(stores: OpenStores) -> None:
    """A second cancel changes nothing and counts nothing."""
    outcome = await cancel(stores, 10)
    with pytest.raises(IllegalTransition):
        await stores.jobs.cancelled_by_requester(outcome.job.id, BegunPainting(10.0, 1), FREE)
    assert (await cancel(stores, 90)).left_s == 0.0


async def test_two_at_once_cannot_share_what_is_left(stores: OpenStores) -> None:
    """Of two cancellations that together exceed the limit, one is charged, also at one instant."""
    jobs = [await stores.painting() for _ in range(2)]
    begun = BegunPainting(60.0, 1)
    outcomes = await asyncio.gather(
        *(stores.jobs.cancelled_by_requester(each.id, begun, FREE) for each in jobs)
    )
    assert sorted(each.charged for each in outcomes) == [0, 1]


@given(st.lists(st.tuples(st.floats(0, 150), st.sampled_from([0, 1, 23, 24, 30])), max_size=10))
@settings(max_examples=25)
def test_no_window_has_more_free_painting_than_the_limit(steps: list[tuple[float, int]]) -> None:
    """However cancellations are spread, what was free within any window is within the limit."""

    async def live(path: Path) -> list[tuple[int, float]]:
        stores = await OpenStores.open(path)
        free: list[tuple[int, float]] = []
        hour = 0
        try:
            for seconds, hours in steps:
                hour += hours
                stores.clock.advance(hours=hours)
                fits = seconds + sum(each for at, each in free if hour - at < 24) <= 100.0001
                outcome = await cancel(stores, seconds)
                if not outcome.charged:
                    free.append((hour, seconds))
                    assert fits
        finally:
            await stores.db.close()
        return free

    with tempfile.TemporaryDirectory() as folder:
        free = asyncio.run(live(Path(folder, "zimagine.db")))
    for begin, _ in free:
        assert sum(each for at, each in free if begin <= at < begin + 24) <= 100.0001
