"""Builders and helpers shared by the tests of storage."""

import asyncio
import itertools
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.quotas import Quotas
from storage.reports import Reports
from storage.types import (
    Job,
    NewJob,
    NewPicture,
    Place,
    PolicySource,
    QuotaPolicy,
    Report,
    StoredPicture,
)
from tests.databases import place_new_database
from tests.fakes import FakeClock

T = TypeVar("T")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = Place(guild_id=10, channel_id=20, user_id=30)
BOB = Place(guild_id=10, channel_id=20, user_id=31)
PLENTY = QuotaPolicy(pictures=1000, hours=24, source=PolicySource.CONFIG)


def counting_nonces() -> Callable[[], str]:
    """Return a nonce factory that numbers its nonces in order of creation."""
    numbers = itertools.count(1)
    return lambda: f"nonce-{next(numbers)}"


def policy(pictures: int, hours: int = 24) -> QuotaPolicy:
    return QuotaPolicy(pictures=pictures, hours=hours, source=PolicySource.CONFIG)


def new_job(place: Place = ALICE, pictures: int = 1, **fields: Any) -> NewJob:
    values: dict[str, Any] = {
        "request": '{"steps": 8}',
        "prompt": "a mountain lake at dawn",
        "seed": 7,
    }
    return NewJob(place=place, pictures=pictures, **(values | fields))


def new_picture(seed: int = 7, **fields: Any) -> NewPicture:
    values: dict[str, Any] = {
        "file": f"pictures/2026/03/{seed}.png",
        "sha256": "ab" * 32,
        "recipe": '{"model": "sketch"}',
        "width_px": 256,
        "height_px": 192,
        "duration_s": 1.5,
    }
    return NewPicture(seed=seed, **(values | fields))


@dataclass
class OpenStores:
    """All stores over one database file."""

    db: Database
    clock: FakeClock
    jobs: Jobs
    deliveries: Deliveries
    history: History
    quotas: Quotas

    @classmethod
    async def open(
        cls,
        path: Path,
        clock: FakeClock | None = None,
        nonce: Callable[[], str] | None = None,
    ) -> Self:
        clock = clock or FakeClock(START)
        place_new_database(path)
        db = await Database.open(path)
        return cls(
            db=db,
            clock=clock,
            jobs=Jobs(db, clock, nonce or counting_nonces()),
            deliveries=Deliveries(db, clock),
            history=History(db, clock),
            quotas=Quotas(db, clock),
        )

    async def accept(self, new: NewJob | None = None, fallback: QuotaPolicy = PLENTY) -> Job:
        job = await self.jobs.accept(new or new_job(), fallback)
        assert isinstance(job, Job)
        return job

    async def painting(self, new: NewJob | None = None) -> Job:
        job = await self.accept(new)
        assert await self.jobs.painting(job.id)
        return job

    async def painted(self, new: NewJob | None = None) -> tuple[StoredPicture, ...]:
        job = await self.painting(new)
        return await self.jobs.painted(job.id, [new_picture() for _ in range(job.pictures)])

    async def ledger(self) -> dict[int, tuple[int, bool]]:
        """Return, by job id, how many pictures were charged and whether they were refunded."""
        rows = await self.db.fetch_all("SELECT job_id, pictures, refunded_at FROM ledger")
        return {row["job_id"]: (row["pictures"], row["refunded_at"] is not None) for row in rows}

    async def used(self, place: Place = ALICE, fallback: QuotaPolicy = PLENTY) -> int:
        return (await self.quotas.status(place.guild_id, place.user_id, fallback)).used


@dataclass
class Interruptions:
    """Cancels the current task when its coroutine awaits for the `at`-th time.

    With `again`, also at every later await, so that the clean-up is cancelled too.
    """

    at: int
    again: bool = False
    waits: int = field(default=0, init=False)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._step(work)

    @types.coroutine
    def _step(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        resume: Callable[[], Any] = lambda: work.send(None)  # noqa: E731
        while True:
            try:
                waiting_for = resume()
            except StopIteration as done:
                return done.value
            if self.waits == self.at or (self.again and self.waits > self.at):
                task = asyncio.current_task()
                assert task is not None
                # On the next iteration of the loop, when the task is really waiting.
                asyncio.get_running_loop().call_soon(task.cancel)
            self.waits += 1
            try:
                value = yield waiting_for
            except BaseException as error:
                resume = _throwing(work, error)
            else:
                resume = _sending(work, value)


def _throwing(work: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: work.throw(error)


def _sending(work: Coroutine[Any, Any, Any], value: Any) -> Callable[[], Any]:
    return lambda: work.send(value)


MODERATOR = 5


async def filed(
    reports: Reports, picture_id: int, by: int = 40, reason: str | None = None
) -> Report:
    report = await reports.file(picture_id, by, reason)
    assert isinstance(report, Report)
    return report
