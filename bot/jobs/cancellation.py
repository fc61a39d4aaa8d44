"""Cancel unfinished jobs: by a member, by the application, or because they waited too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

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
from bot.request.values.ids import parse_id
from engine.service import Engine
from storage import audit_draft
from storage.cancelled_painting import CancelledJob, FreeCancelling
from storage.errors import IllegalTransition, StorageError
from storage.jobs import Jobs
from storage.types import Clock, Job, JobState, Place

log = structlog.get_logger(__name__)

ALL = "all"
"""Typed in place of a job number to cancel all of the member's own jobs."""
LOOK_EVERY_S = 5.0
"""Interval between checks for expired jobs. Chosen by hand."""
ENQUEUE_CHECKS = 20
ENQUEUE_CHECK_INTERVAL_S = 0.05
"""How often, and at what interval, to look for a job that is just entering the queue: for a second
in all. Chosen by hand."""


class CancellationService:
    """Cancels jobs: the end and the refund are recorded first, then the renderer is stopped.

    So an end that a member was shown is final whatever happens next, and a picture that is finished
    at the same moment either came first or is discarded. forget: removes the files of pictures
    whose rows are gone. expires_before: returns before when a job must have been accepted to have
    waited too long, None while none has.
    """

    def __init__(
        self,
        engine: Engine,
        jobs: Jobs,
        active: ActiveJobs,
        permissions: Permissions,
        events: JobEvents,
        *,
        clock: Clock,
        expires_before: Callable[[], datetime | None],
        free: Callable[[], FreeCancelling],
        forget: Callable[[Place, Sequence[str]], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._active = active
        self._permissions = permissions
        self._events = events
        self._clock = clock
        self._expires_before = expires_before
        self._free = free
        self._forget = forget
        self._sleep = sleep

    def cancellable(self, actor: Actor) -> list[ActiveJob]:
        """Return the jobs that the actor may cancel here: their own first, newest first."""
        own_jobs = self._own_jobs(actor)
        if not self._permissions.allows(actor, Action.CANCEL_ANY):
            return own_jobs
        here = [
            active
            for active in self._active
            if active.row.place.guild_id == actor.guild_id
            and active.row.place.user_id != actor.user_id
            and not active.row.private
        ]
        return own_jobs + here[::-1]

    async def cancel(self, actor: Actor, which: str | None) -> JobsCancelled | Refused:
        """Cancel a job by its number, all of the actor's own ("all"), or their newest (None)."""
        if which is None or which.strip().casefold() == ALL:
            own_jobs = self._own_jobs(actor)
            if not own_jobs:
                return Refused(NothingToCancel())
            return await self._cancel(actor, own_jobs if which else own_jobs[:1])
        job_id = parse_id(which)
        job = None if job_id is None else await self._jobs.get(job_id)
        if job is None or job.place.guild_id != actor.guild_id:
            return Refused(UnknownJob(which))
        own_jobs = job.place.user_id == actor.user_id
        if not own_jobs and not self._permissions.allows(actor, Action.CANCEL_ANY):
            # Other members must not learn that a private job exists.
            return Refused(UnknownJob(which) if job.private else NotAllowed(Action.CANCEL_ANY))
        audit_draft.concerns(job.place.user_id)
        active = self._active.get(job.id)
        if active is None:
            return Refused(JobFinished(job.state is JobState.CANCELLED))
        return await self._cancel(actor, [active])

    async def withdraw(self, job_id: int) -> None:
        """Cancel a job that its requester has not been shown; does nothing if it has finished."""
        active = self._active.get(job_id)
        if active is not None:
            await self._finish(active, self._jobs.cancelled)

    async def disown(self, job_id: int) -> None:
        """Undo a job that another copy of the bot answered: refunded, and delivered nowhere.

        Does nothing if it has ended otherwise or was delivered. Raises StorageError.
        """
        try:
            disowned = await self._jobs.disowned(job_id)
        except IllegalTransition:
            return
        active = self._active.get(job_id)
        if active is not None and not active.finished:
            active.finished = True
            self._engine.cancel(active.handle)
        self._events.finished(job_id)
        await self._forget(disowned.job.place, disowned.files)

    async def stop_ended(self, jobs: Sequence[Job]) -> None:
        """Stop jobs whose end and refund are already recorded, and publish that they finished."""
        remaining = [job.id for job in jobs]
        for _ in range(ENQUEUE_CHECKS):
            remaining = [job_id for job_id in remaining if not self._stop(job_id)]
            if not remaining:
                return
            # These were accepted a moment ago and are about to enter the queue.
            await self._sleep(ENQUEUE_CHECK_INTERVAL_S)
        for job_id in remaining:
            self._events.finished(job_id)

    def _stop(self, job_id: int) -> bool:
        """Stop a job and publish that it finished; return False if it is not in the queue."""
        active = self._active.get(job_id)
        if active is None:
            return False
        if not active.finished:
            active.finished = True
            self._engine.cancel(active.handle)
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
        now, oldest_allowed = self._clock(), self._expires_before()
        if oldest_allowed is None:
            return
        expired: list[ActiveJob] = []
        for active in self._active.oldest():
            if active.row.accepted_at > now:  # the clock was ahead: its wait begins now
                active.row = replace(active.row, accepted_at=now)
            if active.row.accepted_at >= oldest_allowed or active.finished:
                continue  # later ones may have waited longer, if the clock was ahead in between
            if self._engine.queue.get(active.row.id) is not None:
                expired.append(active)
        for active in expired:
            if await self._finish(active, self._jobs.expired):
                log.info("waited too long", job=active.row.id)

    async def _cancel(self, actor: Actor, jobs: Sequence[ActiveJob]) -> JobsCancelled | Refused:
        ended: list[CancelledJob] = []
        free = self._free()

        async def write(active: ActiveJob) -> None:
            if active.row.place.user_id == actor.user_id:
                begun = self._active.begun_painting(active)
                write = self._jobs.cancelled_by_requester(
                    active.row.id, begun, free, actor.role_ids
                )
                ended.append(await write)
            else:  # nobody is charged for what a moderator cancels
                ended.append(CancelledJob(await self._jobs.cancelled(active.row.id)))

        try:
            for each in jobs:
                await self._finish(each, lambda _, each=each: write(each))
        except StorageError as error:
            self._events.storage_failed(error)
            if not ended:
                return Refused(StorageUnavailable())
            # What was cancelled before that is said; the rest can be cancelled again.
        if not ended:
            now = [await self._jobs.get(each.row.id) for each in jobs]
            states = {None if row is None else row.state for row in now}
            return Refused(JobFinished(states == {JobState.CANCELLED}))
        return JobsCancelled(tuple(ended), free.limit_s)

    async def _finish(self, active: ActiveJob, write: Callable[[int], Awaitable[object]]) -> bool:
        """Record the end of a job and stop it; return False if it had already finished."""
        if active.finished:
            return False
        try:
            await write(active.row.id)
        except IllegalTransition:
            return False
        active.finished = True
        self._engine.cancel(active.handle)
        self._events.finished(active.row.id)
        return True

    def _own_jobs(self, actor: Actor) -> list[ActiveJob]:
        mine = [
            active
            for active in self._active
            if active.row.place.user_id == actor.user_id
            and active.row.place.guild_id == actor.guild_id
            and not active.finished
        ]
        return mine[::-1]
