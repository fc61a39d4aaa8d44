"""What operations on the queue cost while so many jobs wait."""

import itertools
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from engine.errors import Scope
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds, Priority
from engine.service import Engine
from tests.fakes import ScriptedRenderer, a_request, until

REPEATS = 300


class Crowd:
    """An engine whose renderer is blocked, and waiting jobs, of one user or one each."""

    def __init__(self, engine: Engine, *, one_user: bool) -> None:
        self.engine = engine
        self.one_user = one_user
        self.chance = random.Random(5)
        self.numbers = itertools.count(1)
        self.spent_s: dict[str, list[float]] = {}

    def job(self) -> EngineJob:
        number = next(self.numbers)
        return EngineJob(JobSpec(number, a_request()), 7 if self.one_user else number, 0)

    def fill(self, job: EngineJob) -> None:
        priority = Priority.RESUMED if job.id % 5 == 0 else Priority.NORMAL
        self.engine.reserve(job.user_id, 0, priority=priority).fill(job)

    async def time(self, name: str, call: Callable[[], object | Awaitable[object]]) -> object:
        began_s = time.perf_counter()
        answer = call()
        if isinstance(answer, Awaitable):
            answer = await answer
        self.spent_s.setdefault(name, []).append(time.perf_counter() - began_s)
        return answer

    async def use(self, size: int) -> None:
        """Perform every operation repeatedly while `size` jobs wait."""
        waiting = [self.job() for _ in range(size)]
        for each in waiting:
            self.fill(each)
        queue = self.engine.queue
        for _ in range(REPEATS):
            job = self.chance.choice(waiting)
            await self.time("position", lambda job=job: queue.position(job.id))
            await self.time("estimate", lambda job=job: self.engine.waiting_s(job.id))
            await self.time(
                "place", lambda job=job: self.engine.place_free_s(Scope.USER, job.user_id)
            )
            await self.time("discard", lambda job=job: queue.discard(job.id))
            waiting[waiting.index(job)] = new = self.job()
            await self.time("fill", lambda new=new: self.fill(new))
            taken = await self.time("take", queue.take)
            assert isinstance(taken, EngineJob)
            waiting[waiting.index(taken)] = new = self.job()
            self.fill(new)


@asynccontextmanager
async def a_busy_engine() -> AsyncIterator[Engine]:
    """An engine that is always painting, so that only the test takes jobs."""
    painter = ScriptedRenderer()
    painter.hold()
    engine = Engine(painter.load, bounds=Bounds(100_000, user=100_000, server=100_000))
    engine.estimator.record(a_request(), 2.0)
    engine.start()
    await engine.ready()
    first = engine.submit(engine.reserve(0, 0), JobSpec(0, a_request()))
    await until(lambda: first.latest is not None)
    yield engine
    painter.release()
    engine.queue.close()
    await first.result()
    await engine.drain()


async def medians_s(size: int, *, one_user: bool) -> dict[str, float]:
    """Return the median seconds of each operation while `size` jobs wait."""
    async with a_busy_engine() as engine:
        crowd = Crowd(engine, one_user=one_user)
        await crowd.use(size)
    return {name: statistics.median(spent) for name, spent in crowd.spent_s.items()}
