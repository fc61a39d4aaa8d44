"""The durable job: every step is one transaction with its effect on ledger and delivery."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from storage import blocks, proposals, quotas, rows, steps
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.inputs import Inputs
from storage.lifecycle import LIVE, MAX_ATTEMPTS, check_job_step
from storage.proposals import ProposalState
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
        outcome = await self.accept_all((new,), fallback)
        return outcome[0] if isinstance(outcome, tuple) else outcome

    async def accept_all(
        self, news: Sequence[NewJob], fallback: QuotaPolicy, proposal_id: int | None = None
    ) -> tuple[Job, ...] | QuotaExceeded | Block:
        """The same for several jobs of one place: one decision on all, and all of them or none.

        proposal_id: the question that they are the answer to, which is taken by the same
        transaction: IllegalTransition where it is not open any more, UnknownRow where it is
        forgotten; a refusal leaves it open. ValueError for no job, and for several places.
        """
        if len({new.place for new in news}) != 1:
            raise ValueError("jobs that are accepted together have one place")
        nonces = [self._fresh_nonce() for _ in news]
        outcome: tuple[Job, ...] | QuotaExceeded | Block | None = None
        try:
            async with self._db.transaction() as transaction:
                outcome = await self._accept(transaction, news, fallback, nonces, proposal_id)
        except (asyncio.CancelledError, StorageError):
            # COMMIT was under way, or the disk did not take it: nobody will learn of these jobs.
            if isinstance(outcome, tuple):
                with suppress(StorageError):
                    await settle(self._withdraw(nonces, proposal_id))
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
        self,
        transaction: Transaction,
        news: Sequence[NewJob],
        fallback: QuotaPolicy,
        nonces: Sequence[str],
        proposal_id: int | None,
    ) -> tuple[Job, ...] | QuotaExceeded | Block:
        now = self._clock()  # inside the lock, so that charges are in the order of their instants
        if proposal_id is not None:
            await proposals.check_open(transaction, proposal_id, now, ProposalState.TAKEN)
        block = await blocks.block_of(transaction, news[0].place.guild_id, news[0].place.user_id)
        if block is not None:
            return block
        place, requested = news[0].place, sum(new.pictures for new in news)
        refusal = await quotas.check(transaction, place, fallback, requested=requested, now=now)
        if refusal is not None:
            return refusal
        if proposal_id is not None:
            await proposals.settle(transaction, proposal_id, now, ProposalState.TAKEN)
        accepting = zip(news, nonces, strict=True)
        return tuple([await self._insert(transaction, *each, now) for each in accepting])

    async def _insert(
        self, transaction: Transaction, new: NewJob, nonce: str, now: datetime
    ) -> Job:
        """A job with all that belongs to it."""
        place = new.place
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

    async def _withdraw(self, nonces: Sequence[str], proposal_id: int | None) -> None:
        # By nonce: the id of a rolled-back job is given again, to somebody else's.
        async with self._db.transaction() as transaction:
            now = self._clock()
            for nonce in nonces:
                row = await transaction.fetch_one(
                    "SELECT job_id FROM deliveries WHERE nonce = ?", (nonce,)
                )
                if row is None:
                    return  # rolled back, all of them
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
            raise ValueError(f"a nonce has 1..{NONCE_LIMIT_CHARS} characters, not {len(nonce)}")
        return nonce
