"""The queue as members see it: their own jobs, and how long everybody waits."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJob, ActiveJobs
from engine.service import Engine
from storage.types import Clock, Job

NEXT_SHOWN = 5
"""Jobs described one by one. Chosen by hand: a phone shows about that many without scrolling."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that has not finished. prompt: None where this reader may not see it.

    ahead: jobs that are painted first, the one on the GPU included; None once it is on the GPU
    itself or about to be shown. ready_at: when it is expected, None if unknown.
    """

    id: int
    user_id: int
    pictures: int
    prompt: str | None
    ahead: int | None
    ready_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """A member's jobs on this server in the order they will be painted. total: all of them."""

    jobs: tuple[QueuedJob, ...]
    total: int


@dataclass(frozen=True, slots=True)
class WholeQueue:
    """The queue of all servers: waiting jobs, the number of their requesters, jobs being painted.

    empty_at: when the queue will be empty, None if unknown or nothing waits. following: the next
    jobs of other members on this server for readers who may cancel them, None for everybody else.
    paused: nothing waiting is painted until the bot's owners let painting go on.
    """

    waiting: int
    people: int
    painting: int
    empty_at: datetime | None
    following: tuple[QueuedJob, ...] | None
    paused: bool = False


class QueueService:
    """Describe the queue. Private prompts are shown to their requester alone."""

    def __init__(
        self, *, engine: Engine, active: ActiveJobs, permissions: Permissions, clock: Clock
    ) -> None:
        self._engine = engine
        self._active = active
        self._permissions = permissions
        self._clock = clock

    def own(self, actor: Actor) -> OwnQueue:
        """Return the member's jobs on this server, at most NEXT_SHOWN of them one by one."""
        jobs = [
            job
            for job in self._here(actor)
            if job.row.place.user_id == actor.user_id and not job.finished
        ]
        return OwnQueue(self._next(jobs, lambda row: row.prompt), len(jobs))

    def whole(self, actor: Actor) -> WholeQueue:
        """Return the length of the queue, with other members' next jobs for those who may cancel
        them."""
        waiting = [job for job in self._active.oldest() if self._waits(job)]
        working = self._engine.current is not None
        following = None
        if self._permissions.allows(actor, Action.CANCEL_ANY):
            others = [
                job
                for job in self._here(actor)
                if job.row.place.user_id != actor.user_id and not job.finished
            ]
            following = self._next(others, lambda row: None if row.private else row.prompt)
        return WholeQueue(
            waiting=len(waiting),
            people=len({job.row.place.user_id for job in waiting}),
            painting=int(working),
            empty_at=self._empty_at() if waiting or working else None,
            following=following,
            paused=self._engine.paused,
        )

    def _here(self, actor: Actor) -> list[ActiveJob]:
        return [job for job in self._active if job.row.place.guild_id == actor.guild_id]

    def _waits(self, job: ActiveJob) -> bool:
        return not job.finished and self._engine.queue.get(job.row.id) is not None

    def _next(
        self, jobs: list[ActiveJob], prompt: Callable[[Job], str | None]
    ) -> tuple[QueuedJob, ...]:
        def position(job: ActiveJob) -> int:
            found = self._engine.queue.position(job.row.id)
            return -1 if found is None else found

        return tuple(
            self._queued(job, prompt(job.row))
            for job in heapq.nsmallest(NEXT_SHOWN, jobs, key=position)
        )

    def _queued(self, job: ActiveJob, prompt: str | None) -> QueuedJob:
        row, current = job.row, self._engine.current
        ahead = self._engine.queue.position(row.id)
        if ahead is not None:
            ahead += current is not None
            wait_s = self._engine.waiting_s(row.id)
        else:
            wait_s = self._left_s() if current is job.handle else None
        return QueuedJob(row.id, row.place.user_id, row.pictures, prompt, ahead, self._at(wait_s))

    def _empty_at(self) -> datetime | None:
        if self._engine.paused:
            return None
        waiting_s = self._engine.waiting_total_s()
        left_s = self._left_s()
        if waiting_s is None or left_s is None:
            return None
        return self._at(waiting_s + left_s)

    def _left_s(self) -> float | None:
        """Estimate how long the job on the GPU still takes."""
        return self._engine.current_left_s()

    def _at(self, wait_s: float | None) -> datetime | None:
        return None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
