"""Grants and resets: what they give is given once, also with a clock that was wrong."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from storage import consistency
from storage.cancelled_painting import BegunPainting, FreeCancelling
from storage.quota_grants import GRANTS_LIMIT
from storage.types import Job, QuotaExceeded
from tests.storage.fakes import ALICE, BOB, START, OpenStores, new_job, policy

GUILD, USER = ALICE.guild_id, ALICE.user_id
NOTHING = policy(0)
HOUR = timedelta(hours=1)


async def granted(stores: OpenStores) -> int:
    return (await stores.quotas.status(GUILD, USER, NOTHING)).granted


async def grant(stores: OpenStores, pictures: int, lasts: timedelta | None = None) -> None:
    expires_at = None if lasts is None else stores.clock() + lasts
    assert await stores.quotas.grant(GUILD, USER, pictures, expires_at, by=1)


async def test_what_expires_first_is_taken_first(stores: OpenStores) -> None:
    """Grants are used up by their ends, and one without an end last."""
    for pictures, lasts in ((1, None), (1, 5 * HOUR), (1, 2 * HOUR)):
        await grant(stores, pictures, lasts)
    await stores.jobs.accept(new_job(pictures=2), NOTHING)
    rows = await stores.db.fetch_all("SELECT used FROM quota_grants ORDER BY id")
    assert [row["used"] for row in rows] == [0, 1, 1]


async def test_an_end_is_exact(stores: OpenStores) -> None:
    """A grant can be used until the microsecond before its end."""
    await grant(stores, 2, HOUR)
    stores.clock.now = START + HOUR - timedelta(microseconds=1)
    assert isinstance(await stores.jobs.accept(new_job(), NOTHING), Job)
    stores.clock.now = START + HOUR
    assert isinstance(await stores.jobs.accept(new_job(), NOTHING), QuotaExceeded)
    assert await granted(stores) == 0


async def test_a_clock_that_was_ahead_makes_no_grant_longer(stores: OpenStores) -> None:
    """A grant made while the clock was a year ahead lasts as long as it was meant to."""
    stores.clock.now = START + timedelta(days=365)
    await grant(stores, 1, HOUR)
    stores.clock.now = START
    assert await granted(stores) == 1
    stores.clock.now = START + HOUR
    assert await granted(stores) == 0


async def test_others_have_none_of_it(stores: OpenStores) -> None:
    """A grant is its member's alone, on its server alone."""
    await grant(stores, 5)
    assert isinstance(await stores.jobs.accept(new_job(BOB), NOTHING), QuotaExceeded)
    assert (await stores.quotas.status(GUILD + 1, USER, NOTHING)).granted == 0


async def test_there_is_a_limit_to_grants(stores: OpenStores) -> None:
    """Only grants with something left count, and a refused one gives nothing."""
    for _ in range(GRANTS_LIMIT):
        await grant(stores, 1)
    assert not await stores.quotas.grant(GUILD, USER, 1, None, by=1)
    assert isinstance(await stores.jobs.accept(new_job(), NOTHING), Job)
    await grant(stores, 1)
    assert await granted(stores) == GRANTS_LIMIT


@pytest.mark.parametrize("pictures", [0, -1, 1_000_001, 2**63])
async def test_senseless_grants_are_refused(stores: OpenStores, pictures: int) -> None:
    """Numbers outside 1..1,000,000 give nothing."""
    with pytest.raises(ValueError, match="must be"):
        await stores.quotas.grant(GUILD, USER, pictures, None, by=1)


async def test_a_reset_forgives_cancelled_painting_too(stores: OpenStores) -> None:
    """After a reset as much painting can be cancelled free as with nothing cancelled."""
    free, begun = FreeCancelling(10.0, policy(50)), BegunPainting(10.0, 1)
    for _ in range(2):
        job = await stores.painting()
        cancelled = await stores.jobs.cancelled_by_requester(job.id, begun, free)
        assert (cancelled.charged, cancelled.left_s) == (0, 0.0)
        await stores.quotas.reset(GUILD, USER)


async def test_the_check_of_the_data_agrees(database_file: Path) -> None:
    """Grants, weights and resets leave a database in which nothing contradicts anything."""
    stores = await OpenStores.open(database_file)
    await grant(stores, 3)
    await stores.jobs.accept(new_job(pictures=2), policy(1))
    job = await stores.accept(new_job(pictures=2))
    await stores.quotas.reset(GUILD, USER)
    await stores.jobs.cancelled(job.id)
    await stores.db.close()
    assert consistency.check(database_file.parent, clock=lambda: START).wrong() == []
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("UPDATE usage_hours SET cost = cost + 1")
        connection.commit()
    (found,) = consistency.check(database_file.parent, clock=lambda: START).wrong()
    assert found.kind is consistency.FindingKind.USAGE
