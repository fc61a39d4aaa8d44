"""The durable job: every step is one transaction with its effect on ledger and delivery."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from storage import blocks, quotas, rows, steps
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.inputs import Inputs
from storage.lifecycle import LIVE, MAX_ATTEMPTS, check_job_step
from storage.settling import settle
from storage.steps import JobError
from storage.timestamps import to_us
from storage.types import (
    NONCE_LIMIT_CHARS,
    Block,
    Clock,
    DeliveryState,
    Job,
    JobState,
    NewJob,
    NewPicture,
    QuotaExceeded,
    QuotaPolicy,
    Recovery,
    StoredPicture,
)

CRASHED: Final = "crashed"
"""The error code of a job that was being painted whenever the process ended."""

PARTIAL: Final = "partial"
"""The error code of a painted job with fewer pictures than were asked for; its detail is their
number."""

_LIVE: Final = "SELECT * FROM jobs INDEXED BY jobs_live WHERE finished_at IS NULL ORDER BY id"


class Jobs:
    """Jobs from their acceptance to their end.

    A step that the lifecycle does not allow raises IllegalTransition, an id that was never given
    UnknownRow; both leave everything as it was. `nonce` makes a fresh text of at most 25
    characters that no other delivery has.
    """

    def __init__(self, db: Database, clock: Clock, nonce: Callable[[], str]) -> None:
        self._db = db
        self._clock = clock
        self._nonce = nonce
        self._inputs = Inputs(db, clock)

    async def accept(self, new: NewJob, fallback: QuotaPolicy) -> Job | QuotaExceeded | Block:
        """Decide, charge and queue in one transaction; a refusal writes nothing.

        A job that is returned is on the disk, charged, queued, and has a pending delivery. When
        this call is cancelled or raises, nothing stays accepted or charged. `fallback` is the
        policy where neither user nor server has one. UnknownRow for a parent picture that is not
        there, PictureMissing for an input without its file: written again, it can be accepted.
        """
        nonce = self._fresh_nonce()
        outcome: Job | QuotaExceeded | Block | None = None
        try:
            async with self._db.transaction() as transaction:
                outcome = await self._accept(transaction, new, fallback, nonce)
        except (asyncio.CancelledError, StorageError):
            # COMMIT was under way, or the disk did not take it: nobody will learn of this job.
            if isinstance(outcome, Job):
                with suppress(StorageError):
                    await settle(self._withdraw(nonce))
            raise
        return outcome

    async def painting(self, job_id: int) -> bool:
        """Begin an attempt; False when the job is no longer queued, for instance cancelled."""
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
        """Back from painting to queued, for the painter was asked to stop; no attempt is spent."""
        async with self._db.transaction() as transaction:
            job = await steps.fetch_job(transaction, job_id)
            return await steps.queue_again(transaction, job, spent=False)

    async def painted(
        self, job_id: int, pictures: NewPicture | Sequence[NewPicture]
    ) -> tuple[StoredPicture, ...]:
        """End the job with its pictures, whose files are on the disk already.

        Fewer than were charged: what is missing is given back, and the job says PARTIAL.
        ValueError for none, and for more.
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
            await transaction.execute(
                "UPDATE jobs SET state = 'painted', finished_at = ? WHERE id = ?",
                (to_us(now), job_id),
            )
            return tuple(
                [await steps.store_picture(transaction, job, new, now) for new in pictures]
            )

    async def failed(self, job_id: int, code: str, detail: str | None = None) -> Job:
        """End the job with an error, and give back what it took."""
        return await self._end(job_id, JobState.FAILED, JobError(code, detail))

    async def cancelled(self, job_id: int) -> Job:
        """End the job because someone asked for it, and give back what it took."""
        return await self._end(job_id, JobState.CANCELLED)

    async def expired(self, job_id: int) -> Job:
        """End the job because it waited for too long, and give back what it took."""
        return await self._end(job_id, JobState.EXPIRED)

    async def record(self, new: NewJob, picture: NewPicture) -> StoredPicture:
        """Write down a picture that was painted without the queue, for the command line.

        Nothing is charged and there is nothing to deliver. ValueError for more than one picture.
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
        """The jobs that were being painted when the last process ended, in order."""
        return [job for job in await self._live() if job.state is JobState.PAINTING]

    async def recover(self, accepted_after: datetime | None = None) -> Recovery:
        """Take up what the last process left: to be called once, before anything is painted.

        What was queued stays queued. What was being painted is queued again after its first
        attempt, and failed ("crashed") and refunded after its last. What was accepted before
        `accepted_after` has waited for too long: it expires and is refunded. One transaction.
        """
        queued, ended = [], []
        async with self._db.transaction() as transaction:
            now = self._clock()
            for job in map(rows.job, await transaction.fetch_all(_LIVE)):
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

    async def get(self, job_id: int) -> Job | None:
        """The job as last committed; None when the id was never given."""
        row = await self._db.fetch_one("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return None if row is None else rows.job(row)

    async def live_counts(self) -> dict[JobState, int]:
        """How many jobs are accepted, queued and painting; costs nothing for finished ones."""
        found = await self._db.fetch_all(
            "SELECT state, count(*) AS jobs FROM jobs INDEXED BY jobs_live "
            "WHERE finished_at IS NULL GROUP BY state"
        )
        counted = {JobState(row["state"]): row["jobs"] for row in found}
        return {state: counted.get(state, 0) for state in JobState if state in LIVE}

    async def _live(self) -> list[Job]:
        return [rows.job(row) for row in await self._db.fetch_all(_LIVE)]

    async def _accept(
        self, transaction: Transaction, new: NewJob, fallback: QuotaPolicy, nonce: str
    ) -> Job | QuotaExceeded | Block:
        now = self._clock()  # inside the lock, so that charges are in the order of their instants
        place = new.place
        block = await blocks.block_of(transaction, place.guild_id, place.user_id)
        if block is not None:
            return block
        refusal = await quotas.check(transaction, place, fallback, requested=new.pictures, now=now)
        if refusal is not None:
            return refusal
        # Accepted and queued are one instant: no other transaction ever sees the first.
        job = await steps.insert_job(transaction, new, JobState.QUEUED, accepted_at=now)
        await self._inputs.attach(transaction, job.id, new.inputs)
        await transaction.execute(
            "INSERT INTO ledger (job_id, guild_id, user_id, pictures, charged_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (job.id, place.guild_id, place.user_id, new.pictures, to_us(now)),
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

    async def _withdraw(self, nonce: str) -> None:
        # By nonce: the id of a rolled-back job is given again, to somebody else's.
        async with self._db.transaction() as transaction:
            row = await transaction.fetch_one(
                "SELECT job_id FROM deliveries WHERE nonce = ?", (nonce,)
            )
            if row is None:
                return
            job, now = await steps.fetch_job(transaction, row["job_id"]), self._clock()
            await steps.finish_job(transaction, job, JobState.CANCELLED, now)
            await transaction.execute(
                "UPDATE deliveries SET state = 'dropped', settled_at = ?, reply_token = NULL "
                "WHERE job_id = ?",
                (to_us(now), job.id),
            )

    def _fresh_nonce(self) -> str:
        nonce = self._nonce()
        if not 1 <= len(nonce) <= NONCE_LIMIT_CHARS:
            raise ValueError(f"a nonce has 1..{NONCE_LIMIT_CHARS} characters, not {len(nonce)}")
        return nonce
