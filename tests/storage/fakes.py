"""The stand-ins and builders that the tests of storage share."""

import asyncio
import itertools
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.quotas import Quotas
from storage.types import (
    Job,
    NewJob,
    NewPicture,
    Place,
    PolicySource,
    QuotaPolicy,
    StoredPicture,
)
from tests.databases import place_new_database

T = TypeVar("T")

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = Place(guild_id=10, channel_id=20, user_id=30)
BOB = Place(guild_id=10, channel_id=20, user_id=31)
PLENTY = QuotaPolicy(pictures=1000, hours=24, source=PolicySource.CONFIG)


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


def counting_nonces() -> Callable[[], str]:
    """Nonces that tell in which order they were asked for."""
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
class Stores:
    """All of storage over one database file."""

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
        clock = clock or FakeClock()
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
        """Job id → how many pictures were charged, and whether they were given back."""
        rows = await self.db.fetch_all("SELECT job_id, pictures, refunded_at FROM ledger")
        return {row["job_id"]: (row["pictures"], row["refunded_at"] is not None) for row in rows}

    async def used(self, place: Place = ALICE, fallback: QuotaPolicy = PLENTY) -> int:
        return (await self.quotas.status(place.guild_id, place.user_id, fallback)).used


@dataclass
class Interruptions:
    """Cancels the task it runs in when its coroutine waits for the `at`-th time.

    With `again`, at every later wait as well: the clean-up is cancelled too.
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
                # In the next round of the loop, when the task really waits.
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
