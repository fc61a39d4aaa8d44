"""The ceiling of a whole server: exact among all its users, by whole hours of the clock."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.jobs import Jobs
from storage.quota_usage import HOUR_US, ceiling_reached
from storage.quotas import Quotas
from storage.timestamps import from_us, to_us
from storage.types import Ceiling, Job, Place, QuotaExceeded
from tests.storage.fakes import ALICE, BOB, PLENTY, START, OpenStores, new_job, policy
from tests.storage.test_usage import HOUR_US as STORED_HOUR_US
from tests.storage.test_usage import books, instants, kept

CEILING = Ceiling(5, 2)


def capped(stores: OpenStores) -> Jobs:
    nonces = iter(f"c{number}" for number in range(1000))
    ceilings = {ALICE.guild_id: CEILING}
    return Jobs(stores.db, stores.clock, nonces.__next__, ceilings.get)


async def test_all_users_share_it(stores: OpenStores) -> None:
    """What one user paints is missing to the others, and no other server's ceiling is touched."""
    jobs = capped(stores)
    assert isinstance(await jobs.accept(new_job(ALICE, 3), PLENTY), Job)
    refused = await jobs.accept(new_job(BOB, 3), PLENTY)
    assert isinstance(refused, QuotaExceeded)
    assert (refused.ceiling, refused.server_used, refused.status.used) == (CEILING, 3, 0)
    # START is at a full hour: its pictures count in it and in the next.
    assert refused.retry_at == START + timedelta(hours=2)
    assert isinstance(await jobs.accept(new_job(BOB, 2), PLENTY), Job)
    elsewhere = Place(ALICE.guild_id + 1, 20, BOB.user_id)
    assert isinstance(await jobs.accept(new_job(elsewhere, 9), PLENTY), Job)
    stores.clock.now = START + timedelta(hours=2) - timedelta(microseconds=1)
    assert isinstance(await jobs.accept(new_job(), PLENTY), QuotaExceeded)
    stores.clock.now = START + timedelta(hours=2)
    assert isinstance(await jobs.accept(new_job(pictures=5), PLENTY), Job)


async def test_grants_and_resets_do_not_lift_it(stores: OpenStores) -> None:
    """What was granted or forgiven counts against the server's ceiling."""
    jobs, quotas = capped(stores), stores.quotas
    assert await quotas.grant(ALICE.guild_id, ALICE.user_id, 5, None, by=1)
    assert isinstance(await jobs.accept(new_job(pictures=5), policy(0)), Job)
    await quotas.reset(ALICE.guild_id, ALICE.user_id)
    assert isinstance(await jobs.accept(new_job(BOB), PLENTY), QuotaExceeded)


async def test_a_refund_gives_it_back(stores: OpenStores) -> None:
    """A job that is refunded leaves its place below the ceiling to others."""
    jobs = capped(stores)
    job = await jobs.accept(new_job(pictures=5), PLENTY)
    assert isinstance(job, Job)
    await jobs.failed(job.id, "x")
    assert isinstance(await jobs.accept(new_job(BOB, 5), PLENTY), Job)


async def test_more_than_the_ceiling_never_fits(stores: OpenStores) -> None:
    """A request above the whole ceiling is refused without a time, also beforehand."""
    refused = await capped(stores).accept(new_job(pictures=6), PLENTY)
    assert isinstance(refused, QuotaExceeded) and refused.retry_at is None
    quotas = Quotas(stores.db, stores.clock, lambda _: CEILING)
    found = await quotas.refusal(ALICE, PLENTY, 6)
    assert found == refused


async def test_two_hundred_at_once_are_exact(stores: OpenStores) -> None:
    """Of 200 requests of many users at one instant, exactly the ceiling is accepted."""
    jobs = capped(stores)
    users = [Place(ALICE.guild_id, 20, 1000 + number % 40) for number in range(200)]
    outcomes = await asyncio.gather(*(jobs.accept(new_job(each), PLENTY) for each in users))
    assert sum(isinstance(each, Job) for each in outcomes) == CEILING.pictures


@settings(max_examples=150)
@given(books, instants, st.integers(1, 5), st.integers(0, 20), st.integers(1, 6))
def test_it_agrees_with_the_ledger(
    doings: list[tuple[object, ...]], now_us: int, hours: int, limit: int, requested: int
) -> None:
    """After any charges, refunds and corrections the decision and its time are those of a walk
    through the ledger hour by hour."""
    reads, now = kept(doings), from_us(now_us + 3 * HOUR_US)
    charges = reads.connection.execute(
        "SELECT charged_at / ?, pictures FROM ledger WHERE guild_id = 10 AND refunded_at IS NULL",
        (STORED_HOUR_US,),
    ).fetchall()
    this_hour = to_us(now) // HOUR_US

    def used(hour: int) -> int:
        return sum(row[1] for row in charges if row[0] + hours > hour)

    found = asyncio.run(
        ceiling_reached(reads, 10, Ceiling(limit, hours), requested=requested, now=now)
    )
    reads.connection.close()
    fitting = (hour for hour in range(this_hour, this_hour + 20) if used(hour) + requested <= limit)
    first = next(fitting, None)
    assert (found is None) == (first == this_hour)
    if found is not None:
        assert found.used == used(this_hour)
        assert found.retry_at == (None if first is None else from_us(first * HOUR_US))


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=300)], ids=str)
async def test_a_clock_that_was_ahead_is_forgiven(stores: OpenStores, ahead: timedelta) -> None:
    """What was charged in the future counts for one window from when that is noticed."""
    jobs = capped(stores)
    stores.clock.now = START + ahead
    await jobs.accept(new_job(pictures=5), PLENTY)
    stores.clock.now = START
    assert isinstance(await jobs.accept(new_job(BOB), PLENTY), QuotaExceeded)
    assert await stores.quotas.date_back_all() == 1
    stores.clock.now = START + timedelta(hours=2)
    assert isinstance(await jobs.accept(new_job(BOB), PLENTY), Job)
