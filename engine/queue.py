"""The bounded, fair queue: a slot is reserved first, then filled with a job or released."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from types import TracebackType

from engine.errors import QueueClosed, QueueFull
from engine.job import Job


class Slot:
    """A place in the queue that is held but not yet filled.

    Use it as a context manager: leaving without `fill` gives the place back.
    """

    def __init__(self, queue: FairQueue, user_id: int, guild_id: int) -> None:
        self._queue = queue
        self._open = True
        self.user_id = user_id
        self.guild_id = guild_id

    def fill(self, job: Job) -> None:
        """Put `job` into the held place. Raises RuntimeError if the slot is spent."""
        if not self._open:
            raise RuntimeError("this slot was filled or released before")
        self._open = False
        self._queue._fill(job)

    def release(self) -> None:
        """Give the place back; harmless after `fill`."""
        if self._open:
            self._open = False
            self._queue._give_back()

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class FairQueue:
    """At most `limit` jobs wait; users take turns, each user's own jobs keep their order.

    All methods belong to the event loop's thread and take effect at once; only `take` waits.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # Users in the order of their turns; the first is next. An empty lane is removed.
        self._lanes: OrderedDict[int, deque[Job]] = OrderedDict()
        self._waiting: dict[int, Job] = {}
        self._reserved = 0
        self._closed = False
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def reserved(self) -> int:
        """Slots that are held and not yet filled."""
        return self._reserved

    def reserve(self, user_id: int, guild_id: int, *, beyond_limit: bool = False) -> Slot:
        """Hold a place. Raises QueueFull at once when there is none, QueueClosed when stopping.

        beyond_limit: for jobs that were accepted before a restart; they are never refused.
        """
        if self._closed:
            raise QueueClosed("the queue is closed")
        taken = len(self._waiting) + self._reserved
        if taken >= self.limit and not beyond_limit:
            raise QueueFull(taken, self.limit)
        self._reserved += 1
        return Slot(self, user_id, guild_id)

    async def take(self) -> Job:
        """Wait for the next job and remove it. Raises QueueClosed once the queue is closed."""
        while True:
            if self._closed:
                raise QueueClosed("the queue is closed")
            if self._lanes:
                return self._next()
            self._arrived.clear()
            await self._arrived.wait()

    def position(self, job_id: int) -> int | None:
        """How many waiting jobs will be painted before this one; None if it does not wait."""
        job = self._waiting.get(job_id)
        if job is None:
            return None
        depth = self._lanes[job.user_id].index(job)
        ahead, turns = depth, depth + 1  # lanes before ours get one turn more than those behind
        for user_id, lane in self._lanes.items():
            if user_id == job.user_id:
                turns = depth
            else:
                ahead += min(len(lane), turns)
        return ahead

    def get(self, job_id: int) -> Job | None:
        """The waiting job of this id."""
        return self._waiting.get(job_id)

    def discard(self, job_id: int) -> Job | None:
        """Remove a waiting job; None if it does not wait (any more)."""
        job = self._waiting.pop(job_id, None)
        if job is not None:
            lane = self._lanes[job.user_id]
            lane.remove(job)
            if not lane:
                del self._lanes[job.user_id]
        return job

    def close(self) -> list[Job]:
        """Refuse everything from now on and hand back what was still waiting, in order."""
        rest: list[Job] = []
        while self._lanes:
            rest.append(self._next())
        self._closed = True
        self._arrived.set()
        return rest

    def _next(self) -> Job:
        user_id, lane = next(iter(self._lanes.items()))
        job = lane.popleft()
        del self._waiting[job.id]
        if lane:
            self._lanes.move_to_end(user_id)
        else:
            del self._lanes[user_id]
        return job

    def _fill(self, job: Job) -> None:
        self._reserved -= 1
        if self._closed:
            raise QueueClosed("the queue closed while the slot was held")
        if job.id in self._waiting:
            raise ValueError(f"job {job.id} is waiting already")
        self._lanes.setdefault(job.user_id, deque()).append(job)
        self._waiting[job.id] = job
        self._arrived.set()

    def _give_back(self) -> None:
        self._reserved -= 1
