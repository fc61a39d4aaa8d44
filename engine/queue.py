"""The bounded, fair queue: a slot is reserved first, then filled with a job or released."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice
from types import TracebackType

from engine.errors import QueueClosed, QueueFull, Scope
from engine.fairness import Precedence, RoundRobin
from engine.grouping import next_place
from engine.job import EngineJob


class Priority(IntEnum):
    """Classes of jobs, the highest first; 0 is the highest."""

    RESUMED = 0
    """Was on the GPU when the last process ended."""
    NORMAL = 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many jobs may wait, reserved slots included: in total, per user and per server.

    None: as many as the queue holds.
    """

    queue: int
    user: int | None = None
    server: int | None = None


class Slot:
    """A place in the queue that is reserved but not yet filled.

    Use it as a context manager: leaving without `fill` releases the place.
    """

    def __init__(self, queue: FairQueue, user_id: int, guild_id: int, priority: Priority) -> None:
        self._queue = queue
        self._open = True
        self.user_id = user_id
        self.guild_id = guild_id
        self.priority = priority

    def fill(self, job: EngineJob) -> None:
        """Put `job` into the reserved place. Raises RuntimeError if the slot is already spent."""
        if not self._open:
            raise RuntimeError("this slot was filled or released before")
        self._open = False
        self._queue._fill(self, job)

    def release(self) -> None:
        """Release the place; has no effect after `fill`."""
        if self._open:
            self._open = False
            self._queue._give_back(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A filled place. arrival: a number that grows with every job of the queue."""

    job: EngineJob
    slot: Slot
    arrival: int


class FairQueue:
    """A bounded queue of jobs with priority classes, in which users of a class take turns.

    A higher class goes first, but after `TURNS_BEFORE_LOWER` of its turns a waiting lower class
    gets one. Each user's own jobs of a class keep their order, except where `take` prefers some.
    The cost of every operation hardly grows with the number of waiting jobs, from ten to ten
    thousand.

    All methods belong to the event loop's thread and take effect at once; only `take` waits.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._classes = [RoundRobin() for _ in Priority]
        self._precedence = Precedence(len(self._classes))
        self._waiting: dict[int, _Waiting] = {}
        self._arrivals = itertools.count()
        self._work = 0.0
        self._passed = 0
        # Places that are reserved or filled, by the limits they count for; never zero.
        self._held: Counter[tuple[Scope, int]] = Counter()
        self._closed = False
        self._held_back = False
        self._woken = False
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def mean_work(self) -> float:
        """The mean work of all waiting jobs in megapixel-steps; 0 if none waits."""
        return self._work / len(self._waiting) if self._waiting else 0.0

    def reserve(
        self,
        user_id: int,
        guild_id: int,
        *,
        priority: Priority = Priority.NORMAL,
        beyond_limit: bool = False,
    ) -> Slot:
        """Reserve a place. Raises QueueFull at once when there is none, QueueClosed when stopping.

        beyond_limit: for jobs that were accepted before a restart; they are never refused.
        """
        if self._closed:
            raise QueueClosed("the queue is closed")
        slot = Slot(self, user_id, guild_id, priority)
        if not beyond_limit:
            self._check(slot)
        self._held.update(_keys(slot))
        return slot

    @property
    def passed(self) -> int:
        """How many preferred jobs were taken since the job whose turn it is became the first."""
        return self._passed

    async def take(self, prefer: Callable[[EngineJob], bool] | None = None) -> EngineJob:
        """Wait for the next job and remove it. Raises QueueClosed once the queue is closed.

        prefer: such a job of the same class may go before the one whose turn it is, but only
        `MAX_PASSED` in succession: nobody waits for more than that for each job ahead of theirs.
        """
        while True:
            await self.wait()
            if self.has_next:
                return self._preferred(prefer) if prefer is not None else self._next()

    async def wait(self) -> None:
        """Wait until `take` would return at once, or for `wake`.

        Raises QueueClosed once the queue is closed.
        """
        while True:
            if self._closed:
                raise QueueClosed("the queue is closed")
            if self.has_next or self._woken:
                self._woken = False
                return
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def has_next(self) -> bool:
        """Whether a job may be taken now."""
        return bool(self._waiting) and not self._held_back

    @property
    def held_back(self) -> bool:
        """Whether jobs are kept although nothing else is before them."""
        return self._held_back

    def hold_back(self) -> None:
        """Let nobody take a job until `let_go`; places are reserved and filled as before."""
        self._held_back = True

    def let_go(self) -> None:
        """Let jobs be taken again."""
        self._held_back = False
        self._arrived.set()

    def wake(self) -> None:
        """Let the present or next `wait` return, whether or not there is a job."""
        self._woken = True
        self._arrived.set()

    def position(self, job_id: int) -> int | None:
        """Return how many waiting jobs come before this one; None if it does not wait."""
        found = self._waiting.get(job_id)
        if found is None:
            return None
        own = found.slot.priority
        rank = self._classes[own].rank(found.slot.user_id, found.arrival)
        return self._precedence.position(own, rank, self._lengths())

    def ahead(self, job_id: int, limit: int) -> list[EngineJob]:
        """Return the jobs that will be painted before this one, in order, at most `limit`.

        Empty if the job does not wait.
        """
        precedence, lengths = self._precedence.copy(), self._lengths()
        orders = [iter(each) for each in self._classes]
        found: list[EngineJob] = []
        for _ in range(min(self.position(job_id) or 0, limit)):
            turn = precedence.next(lengths)
            lengths[turn] -= 1
            found.append(next(orders[turn]))
        return found

    def first_of(self, user_id: int) -> EngineJob | None:
        """Return the job of this user that will be painted before their others."""
        firsts = [job for each in self._classes if (job := each.first_of(user_id)) is not None]
        return min(firsts, key=lambda job: self.position(job.id) or 0, default=None)

    def get(self, job_id: int) -> EngineJob | None:
        """Return the waiting job of this id."""
        found = self._waiting.get(job_id)
        return None if found is None else found.job

    def jobs(self) -> list[EngineJob]:
        """Return all waiting jobs, in no particular order."""
        return [each.job for each in self._waiting.values()]

    def discard(self, job_id: int) -> EngineJob | None:
        """Remove a waiting job and return it; None if it does not wait (any more)."""
        found = self._waiting.get(job_id)
        if found is None:
            return None
        self._classes[found.slot.priority].discard(found.slot.user_id, found.arrival)
        return self._left(job_id)

    def close(self) -> list[EngineJob]:
        """Refuse everything from now on and return the jobs that were still waiting, in order."""
        rest: list[EngineJob] = []
        while self._waiting:
            rest.append(self._next())
        self._closed = True
        self._arrived.set()
        return rest

    def _lengths(self) -> list[int]:
        return [len(each) for each in self._classes]

    def _next(self) -> EngineJob:
        turn = self._precedence.next(self._lengths())
        return self._left(self._classes[turn].take().id)

    def _preferred(self, prefer: Callable[[EngineJob], bool]) -> EngineJob:
        turn = self._precedence.copy().next(self._lengths())
        place = next_place(map(prefer, self._classes[turn]), self._passed)
        if place == 0:
            self._passed = 0
            return self._next()
        self._passed += 1
        job = next(islice(self._classes[turn], place, None))
        self.discard(job.id)
        return job

    def _left(self, job_id: int) -> EngineJob:
        """Remove a job from the bookkeeping: it waits no more, and its place is free."""
        found = self._waiting.pop(job_id)
        self._work -= found.job.work
        self._give_back(found.slot)
        return found.job

    def _check(self, slot: Slot) -> None:
        """Raise QueueFull with the narrowest limit that is reached: the most useful to report."""
        limits = (self.bounds.user, self.bounds.server, self.bounds.queue)
        for key, limit in zip(_keys(slot), limits, strict=True):
            if limit is not None and self._held[key] >= limit:
                raise QueueFull(key[0], self._held[key], limit)

    def _fill(self, slot: Slot, job: EngineJob) -> None:
        if self._closed or job.id in self._waiting:
            self._give_back(slot)
            if self._closed:
                raise QueueClosed("the queue closed while the slot was held")
            raise ValueError(f"job {job.id} is waiting already")
        arrival = next(self._arrivals)
        self._waiting[job.id] = _Waiting(job, slot, arrival)
        self._classes[slot.priority].add(slot.user_id, arrival, job)
        self._work += job.work
        self._arrived.set()

    def _give_back(self, slot: Slot) -> None:
        for key in _keys(slot):
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]  # otherwise every user who ever came would be remembered


def _keys(slot: Slot) -> tuple[tuple[Scope, int], ...]:
    """The limits that a place counts for, the narrowest first."""
    return (Scope.USER, slot.user_id), (Scope.SERVER, slot.guild_id), (Scope.QUEUE, 0)
