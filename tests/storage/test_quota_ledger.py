"""Quotas, grants, weights and resets are exact, compared with a reference ledger."""

import asyncio
import itertools
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.preferences import Preferences
from storage.quota_policies import EVERYBODY, QuotaSubject
from storage.types import Job, PolicySource, QuotaExceeded, QuotaStatus
from tests.fakes import FakeClock
from tests.storage.fakes import ALICE, OpenStores, new_job, new_picture, policy
from tests.storage.reference import Allowance, Charge, QuotaBook

QUARTER = timedelta(minutes=15)
"""All times are whole quarters of an hour; then the reference can walk through every one."""
HORIZON = 4 * 24 * 4
GUILD, USER, ROLE = ALICE.guild_id, ALICE.user_id, 7
CONFIG = policy(6, hours=3)
DAYS = {
    # Around the days on which clocks are changed.
    "Europe/Berlin": (
        datetime(2026, 3, 28, 18, tzinfo=UTC),
        datetime(2026, 10, 24, 18, tzinfo=UTC),
    ),
    "America/Havana": (
        datetime(2026, 3, 7, 22, tzinfo=UTC),
        datetime(2026, 10, 31, 22, tzinfo=UTC),
    ),
    "UTC": (datetime(2026, 5, 5, 20, tzinfo=UTC),),
}


def shown_days(zone: str, begin: datetime) -> dict[datetime, date]:
    """Return the day of every quarter around an instant, by what a clock there has shown so far."""
    days: dict[datetime, date] = {}
    newest = date.min
    at = begin - timedelta(days=9)
    while at < begin + timedelta(days=20):
        newest = max(newest, at.astimezone(ZoneInfo(zone)).date())
        days[at] = newest
        at += QUARTER
    return days


quarters = st.integers(1, 40)
limits = st.none() | st.integers(0, 8)
windows = st.none() | st.sampled_from([1, 3, 24])
steps = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 4), st.integers(1, 3)),
    st.tuples(st.just("ask"), st.integers(1, 4), st.integers(1, 3)),
    st.tuples(
        st.just("ask at once"), st.sampled_from([2, 5, 40]), st.integers(1, 4), st.integers(1, 3)
    ),
    st.tuples(st.just("wait"), quarters),
    st.tuples(st.just("wait"), quarters),
    st.tuples(st.just("set back"), quarters),
    st.tuples(st.just("fail")),
    st.tuples(st.just("paint"), st.integers(1, 4)),
    st.tuples(st.just("grant"), st.integers(1, 5), st.none() | quarters),
    st.tuples(st.just("reset")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("set"), st.sampled_from(["user", "role", "server"]), limits, windows),
    st.tuples(st.just("clear"), st.sampled_from(["user", "role", "server"])),
)
places = st.sampled_from([(zone, begin) for zone, begins in DAYS.items() for begin in begins])
SUBJECTS = {
    "user": QuotaSubject(PolicySource.USER, USER),
    "role": QuotaSubject(PolicySource.ROLE, ROLE),
    "server": EVERYBODY,
}


class Run:
    """The real storage and the reference, side by side."""

    def __init__(self, path: Path, zone: str, begin: datetime, weighted: bool) -> None:
        self.path = path
        self.clock = FakeClock(begin)
        self.book = QuotaBook(shown_days(zone, begin).__getitem__, self.allowance)
        self.policies: dict[str, Allowance] = {}
        self.zone = zone
        self.weighted = weighted
        self.jobs: list[tuple[int, Charge]] = []
        self.nonces = itertools.count()

    def allowance(self) -> Allowance:
        for subject in ("user", "role", "server"):
            if subject in self.policies:
                return self.policies[subject]
        return CONFIG.pictures, CONFIG.hours

    async def open(self) -> None:
        self.stores = await OpenStores.open(self.path, self.clock, lambda: f"n{next(self.nonces)}")

    async def play(self, doings: Iterable[tuple[Any, ...]]) -> None:
        await self.open()
        try:
            await Preferences(self.stores.db, self.clock).set_server(
                GUILD, by=1, timezone=self.zone, weighted=self.weighted
            )
            for what, *values in doings:
                await getattr(self, what.replace(" ", "_"))(*values)
                await self.compare()
        finally:
            await self.stores.db.close()

    async def compare(self) -> None:
        self.book.notice_clock(self.clock())
        now = self.clock()
        status = await self.stores.quotas.status(GUILD, USER, CONFIG, {ROLE})
        self.agrees(status)
        hours = await self.stores.db.fetch_all(
            "SELECT coalesce(sum(pictures), 0), coalesce(sum(cost), 0) FROM usage_hours"
        )
        live = [each for each in self.book.charges if not each.refunded]
        cost = sum(each.cost for each in live)
        assert tuple(hours[0]) == (sum(each.counted for each in live), cost)
        total = await self.stores.db.fetch_all(
            "SELECT coalesce(sum(cost), 0) AS n FROM server_usage_hours"
        )
        assert total[0]["n"] == cost, now

    def agrees(self, status: QuotaStatus) -> None:
        now, limit = self.clock(), self.allowance()[0]
        used = self.book.used(now)
        assert status.used == used
        assert status.remaining == (None if limit is None else max(0, limit - used))
        assert status.granted == self.book.granted(now)

    async def ask(self, pictures: int, weight: int) -> None:
        now, cost = self.clock(), pictures * (weight if self.weighted else 1)
        self.book.notice_clock(now)
        new = new_job(pictures=pictures, weight=weight, role_ids=frozenset({ROLE, 99}))
        outcome = await self.stores.jobs.accept(new, CONFIG)
        assert isinstance(outcome, Job) == self.book.fits(cost, now)
        if isinstance(outcome, Job):
            charge = self.book.charge(pictures, weight if self.weighted else 1, now)
            self.jobs.append((outcome.id, charge))
        else:
            assert isinstance(outcome, QuotaExceeded) and outcome.requested == cost
            self.agrees(outcome.status)
            instants = (now + n * QUARTER for n in range(HORIZON))
            assert outcome.retry_at == self.book.retry_at(cost, instants)

    async def ask_at_once(self, requests: int, pictures: int, weight: int) -> None:
        now, weight = self.clock(), weight if self.weighted else 1
        self.book.notice_clock(now)
        new = new_job(pictures=pictures, weight=weight, role_ids=frozenset({ROLE, 99}))
        asking = (self.stores.jobs.accept(new, CONFIG) for _ in range(requests))
        accepted = [each for each in await asyncio.gather(*asking) if isinstance(each, Job)]
        for job in sorted(accepted, key=lambda job: job.id):
            assert self.book.fits(pictures * weight, now)
            self.jobs.append((job.id, self.book.charge(pictures, weight, now)))
        assert len(accepted) == requests or not self.book.fits(pictures * weight, now)

    async def wait(self, count: int) -> None:
        self.clock.advance(seconds=count * QUARTER.total_seconds())

    async def set_back(self, count: int) -> None:
        self.clock.advance(seconds=-count * QUARTER.total_seconds())

    async def fail(self) -> None:
        if self.jobs:
            job_id, charge = self.jobs.pop(0)
            await self.stores.jobs.cancelled(job_id)
            self.book.refund(charge)

    async def paint(self, pictures: int) -> None:
        if self.jobs:
            job_id, charge = self.jobs.pop(0)
            painted = min(pictures, charge.pictures)
            assert await self.stores.jobs.painting(job_id)
            await self.stores.jobs.painted(job_id, [new_picture() for _ in range(painted)])
            self.book.lower(charge, painted)

    async def grant(self, pictures: int, lasts: int | None) -> None:
        now = self.clock()
        expires_at = None if lasts is None else now + lasts * QUARTER
        assert await self.stores.quotas.grant(GUILD, USER, pictures, expires_at, by=1)
        self.book.grant(pictures, now, expires_at)

    async def reset(self) -> None:
        self.book.notice_clock(self.clock())
        await self.stores.quotas.reset(GUILD, USER)
        self.book.reset()

    async def restart(self) -> None:
        await self.stores.db.close()
        await self.open()

    async def set(self, subject: str, pictures: int | None, hours: int | None) -> None:
        await self.stores.quotas.set(GUILD, SUBJECTS[subject], pictures, hours, by=1)
        self.policies[subject] = (pictures, hours)

    async def clear(self, subject: str) -> None:
        removed = await self.stores.quotas.clear(GUILD, SUBJECTS[subject])
        assert removed == (self.policies.pop(subject, None) is not None)


@settings(max_examples=60, deadline=None)
@given(places, st.booleans(), st.booleans(), st.lists(steps, max_size=20))
def test_storage_agrees_with_the_reference(
    place: tuple[str, datetime], weighted: bool, daily: bool, doings: list[tuple[Any, ...]]
) -> None:
    """After anything, over restarts, refunds and clocks that are changed or set back, what is used,
    left, granted, refused and promised is exactly what the reference says."""
    if daily:
        doings = [("set", "server", 6, None), *doings]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Run(Path(folder, "zimagine.db"), *place, weighted).play(doings))


asks = st.tuples(st.just("ask"), st.integers(1, 3), st.integers(1, 2))
before = st.lists(asks | st.tuples(st.just("wait"), st.integers(1, 4)), min_size=2, max_size=5)
after = st.lists(st.tuples(st.just("wait"), st.integers(1, 6)) | asks, min_size=5, max_size=10)
"""Together longer than the window of three hours."""


@settings(max_examples=25, deadline=None)
@given(places, before, st.integers(1, 12), after)
def test_a_clock_that_was_ahead_is_as_the_reference_says(
    place: tuple[str, datetime],
    before: list[tuple[Any, ...]],
    set_back: int,
    after: list[tuple[Any, ...]],
) -> None:
    """What was charged while the clock was ahead counts for one window from when it is noticed."""
    doings = [("ask", 1, 1), *before, ("set back", set_back), *after]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(Run(Path(folder, "zimagine.db"), *place, False).play(doings))


@pytest.mark.parametrize("hours", [24, None], ids=["hours", "day"])
async def test_two_hundred_at_once_are_exact(stores: OpenStores, hours: int | None) -> None:
    """Of 200 requests at one instant as many are accepted as the role's quota and a grant allow."""
    await stores.quotas.set(GUILD, QuotaSubject(PolicySource.ROLE, ROLE), 37, hours, by=1)
    assert await stores.quotas.grant(GUILD, USER, 5, None, by=1)
    new = new_job(role_ids=frozenset({ROLE}))
    outcomes = await asyncio.gather(*(stores.jobs.accept(new, CONFIG) for _ in range(200)))
    accepted = [each for each in outcomes if isinstance(each, Job)]
    assert len(accepted) == 42
    status = await stores.quotas.status(GUILD, USER, CONFIG, {ROLE})
    assert (status.used, status.remaining, status.granted) == (37, 0, 0)
    # What took from the grant gives it back, and the others give the quota back.
    await asyncio.gather(*(stores.jobs.cancelled(each.id) for each in accepted))
    status = await stores.quotas.status(GUILD, USER, CONFIG, {ROLE})
    assert (status.used, status.remaining, status.granted) == (0, 37, 5)
