"""Durable jobs: each transition is one transaction with its effect on ledger and delivery."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from storage import (
    audit_draft,
    blocks,
    cancelled_painting,
    job_filters,
    member_limits,
    pauses,
    proposals,
    quota_grants,
    quotas,
    rows,
    steps,
)
from storage.cancelled_painting import BegunPainting, CancelledJob, FreeCancelling
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.inputs import Inputs
from storage.lifecycle import LIVE, MAX_ATTEMPTS, check_delivery_step, check_job_step
from storage.member_limits import NO_LIMITS, LimitReached, MemberLimits
from storage.pauses import Pause
from storage.proposals import ProposalState
from storage.settling import settle
from storage.steps import JobError
from storage.timestamps import to_us
from storage.types import (
    NONCE_LIMIT_CHARS,
    Block,
    Ceiling,
    Clock,
    Cost,
    DeliveryState,
    Job,
    JobFilter,
    JobState,
    NewJob,
    NewPicture,
    QuotaExceeded,
    QuotaPolicy,
    Recovery,
    ShownResult,
    StoredPicture,
)

CRASHED: Final = "crashed"
"""Error code of a job whose every attempt ended with the process."""

PARTIAL: Final = "partial"
"""Error code of a finished job with fewer pictures than requested; its detail is their number."""

NotAccepted = QuotaExceeded | Block | Pause
"""Why a job was not accepted."""

AS_REQUESTED: Final = ShownResult()
"""How a result is shown in which no filter found anything."""

_LIVE: Final = "SELECT * FROM jobs INDEXED BY jobs_live WHERE finished_at IS NULL ORDER BY id"


class Jobs:
    """Jobs from acceptance to their final state.

    A transition that the lifecycle does not allow raises IllegalTransition, an unknown id
    UnknownRow; both change nothing. `nonce` returns a fresh string of at most 25 characters that no
    other delivery has. `ceilings`: as of `Quotas`.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        nonce: Callable[[], str],
        ceilings: Callable[[int], Ceiling | None] = quotas.no_ceiling,
    ) -> None:
        self._db = db
        self._ceilings = ceilings
        self._clock = clock
        self._nonce = nonce
        self._inputs = Inputs(db, clock)

    async def accept(self, new: NewJob, fallback: QuotaPolicy) -> Job | NotAccepted:
        """Check the quota, charge and queue in one transaction; a refusal charges nothing.

        A returned job is on disk, charged and queued, and has a pending delivery. If this call is
        cancelled or raises, nothing stays accepted or charged. `fallback` is the policy if neither
        user nor server has one. UnknownRow if the parent picture does not exist, PictureMissing for
        an input without its file: once it has been written again, the job can be accepted.
        """
        outcome = await self.accept_all((new,), fallback)
        assert not isinstance(outcome, LimitReached)  # there are no limits
        return outcome[0] if isinstance(outcome, tuple) else outcome

    async def accept_all(
        self,
        news: Sequence[NewJob],
        fallback: QuotaPolicy,
        proposal_id: int | None = None,
        limits: MemberLimits = NO_LIMITS,
    ) -> tuple[Job, ...] | NotAccepted | LimitReached:
        """Accept several jobs of one place as accept() does: all of them or none.

        The roles of the first are those of their requester. proposal_id: the proposal that these
        jobs confirm, which is accepted in the same transaction. IllegalTransition if it is no
        longer open, UnknownRow if it was removed; a refusal leaves it open. ValueError for no jobs,
        and for jobs of several places.
        """
        if len({new.place for new in news}) != 1:
            raise ValueError("jobs that are accepted together must have the same place")
        nonces = [self._fresh_nonce() for _ in news]
        outcome: tuple[Job, ...] | NotAccepted | LimitReached | None = None
        try:
            async with self._db.transaction() as transaction:
                outcome = await self._accept(
                    transaction, news, fallback, nonces, proposal_id, limits
                )
        except (asyncio.CancelledError, StorageError):
            # COMMIT was running, or the disk refused it: the caller will never learn of these jobs.
            if isinstance(outcome, tuple):
                with suppress(StorageError):
                    await settle(self._withdraw(nonces, proposal_id))
            raise
        return outcome

    async def painting(self, job_id: int) -> bool:
        """Start an attempt; False if the job is no longer queued, for instance if cancelled."""
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            if job.state is not JobState.QUEUED:
                return False
            check_job_step(job_id, job.state, JobState.PAINTING, attempts=job.attempts)
            await transaction.execute(
                "UPDATE jobs SET state = 'painting', attempts = attempts + 1, started_at = ? "
                "WHERE id = ?",
                (to_us(self._clock()), job_id),
            )
        return True

    async def interrupted(self, job_id: int) -> Job:
        """Return a job from painting to queued, as the engine is stopping; spends no attempt."""
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            return await steps.queue_again(transaction, job, spent=False)

    async def painted(
        self,
        job_id: int,
        pictures: NewPicture | Sequence[NewPicture],
        shown: ShownResult = AS_REQUESTED,
    ) -> tuple[StoredPicture, ...]:
        """Finish the job with its pictures, whose files are already on disk.

        What a filter found is reported and hidden in the same transaction.

        With fewer pictures than were charged, the rest is refunded and the job's error code is
        PARTIAL. ValueError for none, and for more than were charged.
        """
        if isinstance(pictures, NewPicture):
            pictures = (pictures,)
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            check_job_step(job_id, job.state, JobState.PAINTED, attempts=job.attempts)
            if not 1 <= len(pictures) <= job.pictures:
                raise ValueError(
                    f"job {job_id} takes 1..{job.pictures} pictures, not {len(pictures)}"
                )
            if len(pictures) < job.pictures:
                error = JobError(PARTIAL, str(job.pictures))
                await steps.lower_charge(transaction, job, len(pictures), error)
            now = self._clock()
            await job_filters.show(transaction, job, shown)
            await transaction.execute(
                "UPDATE jobs SET state = 'painted', finished_at = ? WHERE id = ?",
                (to_us(now), job_id),
            )
            job = await steps.fetch_job(transaction, job_id)
            stored = [await steps.store_picture(transaction, job, new, now) for new in pictures]
            ids = [each.id for each in stored]
            await job_filters.report(transaction, job_id, ids, shown, now)
            return tuple(stored)

    async def failed(self, job_id: int, code: str, detail: str | None = None) -> Job:
        """Finish the job with an error and refund it."""
        return await self._end(job_id, JobState.FAILED, JobError(code, detail))

    async def cancelled(self, job_id: int) -> Job:
        """Finish the job because someone cancelled it, and refund it."""
        return await self._end(job_id, JobState.CANCELLED)

    async def expired(self, job_id: int) -> Job:
        """Finish the job because it waited too long, and refund it."""
        return await self._end(job_id, JobState.EXPIRED)

    async def disowned(self, job_id: int) -> steps.TakenBack:
        """Cancel and refund a job that another program answered for, and do not deliver it.

        The one step that a painted job may take, as long as its delivery is pending. The caller
        removes the files. IllegalTransition if the job has ended otherwise or was delivered.
        """
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            row = await transaction.fetch_one(
                "SELECT state FROM deliveries WHERE job_id = ?", (job_id,)
            )
            assert row is not None
            check_delivery_step(job_id, DeliveryState(row["state"]), DeliveryState.DROPPED)
            if job.state is not JobState.PAINTED:
                check_job_step(job_id, job.state, JobState.CANCELLED, attempts=job.attempts)
            return await steps.take_back(transaction, job, self._clock())

    async def record(self, new: NewJob, picture: NewPicture) -> StoredPicture:
        """Store a picture that the command line generated without the queue.

        Nothing is charged and nothing has to be delivered. ValueError for more than one picture.
        """
        if new.pictures != 1:
            raise ValueError(f"one picture is recorded at a time, not {new.pictures}")
        nonce = self._fresh_nonce()
        async with self._db.transaction() as transaction:
            now = self._clock()
            began_at = now - timedelta(seconds=picture.duration_s)
            job = await steps.insert_job(
                transaction,
                new,
                JobState.PAINTED,
                accepted_at=began_at,
                painted=(began_at, now),
            )
            await self._inputs.attach(transaction, job.id, new.inputs)
            await steps.insert_delivery(
                transaction, job, nonce, DeliveryState.DELIVERED, settled_at=now
            )
            return await steps.store_picture(transaction, job, picture, now)

    async def interrupted_painting(self) -> list[Job]:
        """Return the jobs that were in progress when the last process ended, in order."""
        return [job for job in await self._live() if job.state is JobState.PAINTING]

    async def recover(self, accepted_after: datetime | None = None) -> Recovery:
        """Resume what the last process left; call once, before the engine starts.

        Queued jobs stay queued. A job that was in progress is queued again after its first attempt,
        and failed ("crashed") and refunded after its last. A job accepted before `accepted_after`
        has waited too long: it expires and is refunded. One from the future, accepted while the
        clock was ahead, counts as accepted now. All in one transaction.
        """
        queued, ended = [], []
        async with self._db.transaction() as transaction:
            now = self._clock()
            for row in await transaction.fetch_all(_LIVE):
                job = await steps.date_back(transaction, rows.job(row), now)
                crashed = job.state is JobState.PAINTING and job.attempts >= MAX_ATTEMPTS
                if crashed:
                    end, error = JobState.FAILED, JobError(CRASHED)
                elif accepted_after is not None and job.accepted_at < accepted_after:
                    end, error = JobState.EXPIRED, None
                else:
                    queued.append(
                        job
                        if job.state is JobState.QUEUED
                        else await steps.queue_again(transaction, job)
                    )
                    continue
                ended.append(await steps.finish_job(transaction, job, end, now, error))
        return Recovery(queued=tuple(queued), ended=tuple(ended))

    async def cancelled_by_requester(
        self,
        job_id: int,
        begun: BegunPainting | None,
        free: FreeCancelling,
        roles: Collection[int] = (),
    ) -> CancelledJob:
        """Cancel a job for its requester; beyond what is free to cancel, it stays charged.

        The decision and what it counts are one transaction. begun: None if nothing was painted.
        roles: those of the requester.
        """
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            now = self._clock()
            return await cancelled_painting.cancel(transaction, job, begun, free, now, roles)

    async def cancelled_waiting(self, job_ids: Iterable[int]) -> tuple[Job, ...]:
        """Cancel and refund those of these jobs that still wait, in one transaction.

        Returns those; the caller still has to stop them in the engine. Others are left alone.
        """
        async with self._db.transaction() as transaction:
            now, ended = self._clock(), list[Job]()
            for job_id in job_ids:
                job = await steps.fetch_job(transaction, job_id)
                if job.state is JobState.QUEUED:
                    ended.append(await steps.finish_job(transaction, job, JobState.CANCELLED, now))
            if ended:
                audit_draft.says(jobs=len(ended), pictures=sum(each.pictures for each in ended))
            return tuple(ended)

    async def get(self, job_id: int) -> Job | None:
        """Return the job as last committed; None if the id does not exist."""
        row = await self._db.fetch_one("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return None if row is None else rows.job(row)

    async def servers_of(self, user_id: int) -> tuple[int, ...]:
        """Return the servers on which a user has jobs, in order."""
        rows = await self._db.fetch_all(
            "SELECT DISTINCT guild_id FROM jobs WHERE user_id = ? AND guild_id > 0 "
            "ORDER BY guild_id",
            (user_id,),
        )
        return tuple(row["guild_id"] for row in rows)

    async def of_picture(self, picture_id: int) -> Job | None:
        """Return the job that made a picture, also if the picture was erased; None if none did."""
        row = await self._db.fetch_one(
            "SELECT j.* FROM jobs AS j JOIN pictures AS p ON p.job_id = j.id WHERE p.id = ?",
            (picture_id,),
        )
        return None if row is None else rows.job(row)

    async def filter_of(self, job_id: int) -> JobFilter:
        """Return what its server's filter still has to do about an unfinished job."""
        return await job_filters.find(self._db, job_id)

    async def live_counts(self) -> dict[JobState, int]:
        """Count accepted, queued and painting jobs; the cost does not depend on finished jobs."""
        found = await self._db.fetch_all(
            "SELECT state, count(*) AS jobs FROM jobs INDEXED BY jobs_live "
            "WHERE finished_at IS NULL GROUP BY state"
        )
        counted = {JobState(row["state"]): row["jobs"] for row in found}
        return {state: counted.get(state, 0) for state in JobState if state in LIVE}

    async def _live(self) -> list[Job]:
        return [rows.job(row) for row in await self._db.fetch_all(_LIVE)]

    async def _accept(
        self,
        transaction: Transaction,
        news: Sequence[NewJob],
        fallback: QuotaPolicy,
        nonces: Sequence[str],
        proposal_id: int | None,
        limits: MemberLimits,
    ) -> tuple[Job, ...] | NotAccepted | LimitReached:
        now = self._clock()  # inside the lock, so that charges are in order of their times
        if proposal_id is not None:
            await proposals.check_open(transaction, proposal_id, now, ProposalState.TAKEN)
        place, costs = news[0].place, [Cost(new.pictures, new.weight) for new in news]
        block = await blocks.block_of(transaction, place.guild_id, place.user_id, now)
        if block is not None:
            return block
        if (pause := await pauses.pause_of(transaction, place.guild_id)) is not None:
            return pause
        await quotas.date_back(transaction, place.guild_id, place.user_id, now)
        reached = await member_limits.limit_reached(
            transaction, place, limits, requested=len(news), now=now
        )
        if reached is not None:
            return reached
        charges = await quotas.decide(
            transaction,
            place,
            fallback,
            costs,
            now=now,
            roles=news[0].role_ids,
            ceiling=self._ceilings(place.guild_id),
        )
        if isinstance(charges, QuotaExceeded):
            await quotas.note_refusal(transaction, place, charges, now)
            return charges
        if proposal_id is not None:
            await proposals.settle(transaction, proposal_id, now, ProposalState.TAKEN)
        jobs: list[Job] = []
        grants = charges.grants
        accepting = zip(news, nonces, charges.weights, charges.waived, strict=True)
        for new, nonce, weight, waived in accepting:
            job = await self._insert(transaction, new, nonce, now, weight=weight, waived=waived)
            if waived:
                await quota_grants.take(transaction, job.id, grants, waived)
                grants = quota_grants.without(grants, waived)
            jobs.append(job)
        return tuple(jobs)

    async def _insert(
        self,
        transaction: Transaction,
        new: NewJob,
        nonce: str,
        now: datetime,
        *,
        weight: int,
        waived: int,
    ) -> Job:
        """Insert a job with its delivery, charge and inputs."""
        place = new.place
        # Acceptance and queueing are one step: no other transaction ever sees ACCEPTED.
        job = await steps.insert_job(transaction, new, JobState.QUEUED, accepted_at=now)
        await self._inputs.attach(transaction, job.id, new.inputs)
        await job_filters.keep(transaction, job.id, new.filter)
        await transaction.execute(
            "INSERT INTO ledger "
            "(job_id, guild_id, user_id, pictures, charged_at, weight, waived) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(job.id, place.guild_id, place.user_id, new.pictures, to_us(now)),
                *(weight, waived),
            ),
        )
        await steps.insert_delivery(
            transaction,
            job,
            nonce,
            DeliveryState.PENDING,
            reply_token=new.reply_token,
            upload_limit_bytes=new.upload_limit_bytes,
        )
        return job

    async def _end(self, job_id: int, to: JobState, error: JobError | None = None) -> Job:
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            return await steps.finish_job(transaction, job, to, self._clock(), error)

    async def _withdraw(self, nonces: Sequence[str], proposal_id: int | None) -> None:
        # By nonce: the id of a rolled-back job is reused, possibly for another user's job.
        async with self._db.transaction() as transaction:
            now = self._clock()
            for nonce in nonces:
                row = await transaction.fetch_one(
                    "SELECT job_id FROM deliveries WHERE nonce = ?", (nonce,)
                )
                if row is None:
                    return  # all of them were rolled back
                job = await steps.fetch_job(transaction, row["job_id"])
                await steps.finish_job(transaction, job, JobState.CANCELLED, now)
                await transaction.execute(
                    "UPDATE deliveries SET state = 'dropped', settled_at = ?, reply_token = NULL "
                    "WHERE job_id = ?",
                    (to_us(now), job.id),
                )
            if proposal_id is not None:
                await proposals.reopen(transaction, proposal_id)

    def _fresh_nonce(self) -> str:
        nonce = self._nonce()
        if not 1 <= len(nonce) <= NONCE_LIMIT_CHARS:
            raise ValueError(f"a nonce needs 1..{NONCE_LIMIT_CHARS} characters, not {len(nonce)}")
        return nonce
