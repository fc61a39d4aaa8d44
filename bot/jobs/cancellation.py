"""Cancel unfinished jobs: by a member, by the application, or because they waited too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from bot.accounts.permissions import Action, Actor, Permissions
from bot.jobs.active import ActiveJob, ActiveJobs
from bot.jobs.completion import JobEvents
from bot.request.outcomes import (
    JobFinished,
    JobsCancelled,
    NotAllowed,
    NothingToCancel,
    Refused,
    StorageUnavailable,
    UnknownJob,
)
from engine.service import Engine
from storage.errors import IllegalTransition, StorageError
from storage.jobs import Jobs
from storage.types import Clock, Job

log = structlog.get_logger(__name__)

ALL = "all"
"""Typed instead of a job's number to cancel all of one's own jobs."""
LOOK_EVERY_S = 5.0
"""Interval between checks for expired jobs. Chosen by hand."""
QUEUED_TRIES = 20
QUEUED_EVERY_S = 0.05
"""How often, and for how long in all, to wait for a job that is just entering the queue. Chosen by
hand."""


class CancellationService:
    """Cancels jobs: the end and the refund are recorded first, then the renderer is stopped.

    So an end that a member was shown is final whatever happens next, and a picture that is finished
    at the same moment either came first or is discarded.
    """

    def __init__(
        self,
        engine: Engine,
        jobs: Jobs,
        live: ActiveJobs,
        permissions: Permissions,
        events: JobEvents,
        *,
        clock: Clock,
        max_wait: timedelta,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._live = live
        self._permissions = permissions
        self._events = events
        self._clock = clock
        self._max_wait = max_wait
        self._sleep = sleep

    def cancellable(self, actor: Actor) -> list[ActiveJob]:
        """Return the jobs that the actor may cancel here: their own first, newest first."""
        own = self._own(actor)
        if not self._permissions.allows(actor, Action.CANCEL_ANY):
            return own
        here = [
            live
            for live in self._live
            if live.row.place.guild_id == actor.guild_id
            and live.row.place.user_id != actor.user_id
            and not live.row.private
        ]
        return own + here[::-1]

    async def cancel(self, actor: Actor, which: str | None) -> JobsCancelled | Refused:
        """Cancel a job by its number, all of the actor's own ("all"), or their newest (None)."""
        if which is None or which.strip().casefold() == ALL:
            own = self._own(actor)
            if not own:
                return Refused(NothingToCancel())
            return await self._cancel(own if which else own[:1])
        digits = which.strip().lstrip("#")
        known = digits.isascii() and digits.isdigit() and len(digits) <= 18
        job = await self._jobs.get(int(digits)) if known else None
        if job is None or job.place.guild_id != actor.guild_id:
            return Refused(UnknownJob(which))
        own = job.place.user_id == actor.user_id
        if not own and not self._permissions.allows(actor, Action.CANCEL_ANY):
            # Other members must not learn that a private job exists.
            return Refused(UnknownJob(which) if job.private else NotAllowed(Action.CANCEL_ANY))
        live = self._live.get(job.id)
        return Refused(JobFinished()) if live is None else await self._cancel([live])

    async def withdraw(self, job_id: int) -> None:
        """Cancel a job that its requester has not been shown; does nothing if it has finished."""
        live = self._live.get(job_id)
        if live is not None:
            await self._end(live, self._jobs.cancelled)

    async def stop_ended(self, jobs: Sequence[Job]) -> None:
        """Stop jobs whose end and refund are already recorded, and publish that they finished."""
        left = [job.id for job in jobs]
        for _ in range(QUEUED_TRIES):
            left = [job_id for job_id in left if not self._stopped(job_id)]
            if not left:
                return
            # These were accepted a moment ago and are about to enter the queue.
            await self._sleep(QUEUED_EVERY_S)
        for job_id in left:
            self._events.finished(job_id)

    def _stopped(self, job_id: int) -> bool:
        """Stop a job and publish that it finished; return False if it is not in the queue."""
        live = self._live.get(job_id)
        if live is None:
            return False
        if not live.finished:
            live.finished = True
            self._engine.cancel(live.handle)
        self._events.finished(job_id)
        return True

    async def run(self) -> None:
        """Expire jobs that have waited too long, until cancelled."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            try:
                await self._expire()
            except StorageError as error:
                log.warning("not expired", detail=str(error))

    async def _expire(self) -> None:
        due = self._clock() - self._max_wait
        late: list[ActiveJob] = []
        for live in self._live.oldest():
            if live.row.accepted_at >= due:
                break
            if not live.finished and self._engine.queue.get(live.row.id) is not None:
                late.append(live)
        for live in late:
            if await self._end(live, self._jobs.expired):
                log.info("waited too long", job=live.row.id)

    async def _cancel(self, jobs: Sequence[ActiveJob]) -> JobsCancelled | Refused:
        try:
            ended = [each.row for each in jobs if await self._end(each, self._jobs.cancelled)]
        except StorageError as error:
            self._events.storage_failed(error)
            return Refused(StorageUnavailable())
        return JobsCancelled(tuple(ended)) if ended else Refused(JobFinished())

    async def _end(self, live: ActiveJob, write: Callable[[int], Awaitable[object]]) -> bool:
        """Record the end of a job and stop it; return False if it had already finished."""
        if live.finished:
            return False
        try:
            await write(live.row.id)
        except IllegalTransition:
            return False
        live.finished = True
        self._engine.cancel(live.handle)
        self._events.finished(live.row.id)
        return True

    def _own(self, actor: Actor) -> list[ActiveJob]:
        mine = [
            live
            for live in self._live
            if live.row.place.user_id == actor.user_id
            and live.row.place.guild_id == actor.guild_id
            and not live.finished
        ]
        return mine[::-1]
