"""The writes that job transitions consist of, each inside its caller's transaction."""

from datetime import datetime
from typing import NamedTuple

from storage import job_filters, log_entries, quota_grants, rows
from storage.database import Transaction
from storage.errors import UnknownRow
from storage.lifecycle import check_job_step
from storage.log_entries import FILTER_CODES, LogEvent, Value
from storage.timestamps import to_us
from storage.types import DeliveryState, Job, JobState, NewJob, NewPicture, StoredPicture


class JobError(NamedTuple):
    """Why a job failed: a code for programs, and a technical sentence."""

    code: str
    detail: str | None = None


class TakenBack(NamedTuple):
    """A job that was undone, and the files of the pictures that it had."""

    job: Job
    files: tuple[str, ...]


async def fetch_job(transaction: Transaction, job_id: int) -> Job:
    """Return the job, or raise UnknownRow."""
    row = await transaction.fetch_one("SELECT * FROM jobs WHERE id = ?", (job_id,))
    if row is None:
        raise UnknownRow("job", job_id)
    return rows.job(row)


async def finish_job(
    transaction: Transaction,
    job: Job,
    to: JobState,
    now: datetime,
    error: JobError | None = None,
    *,
    refund: bool = True,
) -> Job:
    """Finish a job without a picture, and refund it unless told otherwise."""
    check_job_step(job.id, job.state, to, attempts=job.attempts)
    code, detail = error or (None, None)
    row = await transaction.fetch_one(
        "UPDATE jobs SET state = ?, finished_at = ?, error_code = ?, error_detail = ? "
        "WHERE id = ? RETURNING *",
        (to, to_us(now), code, detail, job.id),
    )
    assert row is not None
    await job_filters.forget(transaction, job.id)
    if to is JobState.FAILED:
        await _note_failure(transaction, job, code, now)
    if refund:
        await transaction.execute(
            "UPDATE ledger SET refunded_at = ? WHERE job_id = ? AND refunded_at IS NULL",
            (to_us(now), job.id),
        )
    return rows.job(row)


async def _note_failure(
    transaction: Transaction, job: Job, code: str | None, now: datetime
) -> None:
    """Write it in the log of the job's server."""
    refused = code in FILTER_CODES
    data: dict[str, Value] = {"job": job.id}
    if code is not None and not refused:
        data["code"] = code
    await log_entries.note(
        transaction,
        job.place.guild_id,
        LogEvent.FILTER if refused else LogEvent.FAILURES,
        "result refused" if refused else "job failed",
        now,
        actor_id=job.place.user_id,
        data=data,
    )


async def take_back(transaction: Transaction, job: Job, now: datetime) -> TakenBack:
    """Cancel and refund a job whose result nobody has seen, even a painted one.

    Its delivery is dropped, and its pictures are forgotten.
    """
    # A filter may have reported them already.
    cases = "SELECT id FROM cases WHERE picture_id IN (SELECT id FROM pictures WHERE job_id = ?)"
    reports = f"SELECT id FROM reports WHERE case_id IN ({cases})"  # noqa: S608
    await transaction.execute(
        f"DELETE FROM report_messages WHERE report_id IN ({reports})",  # noqa: S608
        (job.id,),
    )
    await transaction.execute(f"DELETE FROM reports WHERE case_id IN ({cases})", (job.id,))  # noqa: S608
    await transaction.execute(f"DELETE FROM cases WHERE id IN ({cases})", (job.id,))  # noqa: S608
    await job_filters.forget(transaction, job.id)
    pictures = await transaction.fetch_all(
        "DELETE FROM pictures WHERE job_id = ? RETURNING file", (job.id,)
    )
    row = await transaction.fetch_one(
        "UPDATE jobs SET state = 'cancelled', finished_at = ?, error_code = NULL, "
        "error_detail = NULL WHERE id = ? RETURNING *",
        (to_us(now), job.id),
    )
    assert row is not None
    for sql in (
        "UPDATE ledger SET refunded_at = ? WHERE job_id = ? AND refunded_at IS NULL",
        "UPDATE deliveries SET state = 'dropped', settled_at = ?, reply_token = NULL "
        "WHERE job_id = ?",
    ):
        await transaction.execute(sql, (to_us(now), job.id))
    return TakenBack(rows.job(row), tuple(picture["file"] for picture in pictures))


async def lower_charge(transaction: Transaction, job: Job, pictures: int, error: JobError) -> None:
    """Charge an unrefunded job for fewer pictures; `error` records why."""
    await transaction.execute(
        "UPDATE jobs SET pictures = ?, error_code = ?, error_detail = ? WHERE id = ?",
        (pictures, error.code, error.detail, job.id),
    )
    # What was granted was taken last, so it is given back first.
    row = await transaction.fetch_one(
        "UPDATE ledger SET pictures = ?1, waived = max(0, ?1 * weight - "
        "(pictures * weight - waived)) WHERE job_id = ?2 AND refunded_at IS NULL "
        "RETURNING waived",
        (pictures, job.id),
    )
    if row is not None:
        await quota_grants.keep_only(transaction, job.id, row["waived"])


async def queue_again(transaction: Transaction, job: Job, *, spent: bool = True) -> Job:
    """Return a job to queued. spent: count the attempt, since the job may have caused the crash."""
    check_job_step(job.id, job.state, JobState.QUEUED, attempts=job.attempts if spent else 0)
    row = await transaction.fetch_one(
        "UPDATE jobs SET state = 'queued', attempts = ? WHERE id = ? RETURNING *",
        (job.attempts if spent else max(0, job.attempts - 1), job.id),
    )
    assert row is not None
    return rows.job(row)


async def date_back(transaction: Transaction, job: Job, now: datetime) -> Job:
    """Let a job from the future, which a wrong clock accepted, count as accepted now."""
    if job.accepted_at <= now:
        return job
    row = await transaction.fetch_one(
        "UPDATE jobs SET accepted_at = ? WHERE id = ? RETURNING *", (to_us(now), job.id)
    )
    assert row is not None
    return rows.job(row)


async def insert_job(
    transaction: Transaction,
    new: NewJob,
    state: JobState,
    *,
    accepted_at: datetime,
    painted: tuple[datetime, datetime] | None = None,
) -> Job:
    """Insert a job; `painted` holds when its only attempt started and finished."""
    parent_id = new.parent_picture_id
    if parent_id is not None and not await transaction.fetch_all(
        "SELECT 1 FROM pictures WHERE id = ?", (parent_id,)
    ):
        raise UnknownRow("picture", parent_id)
    row = await transaction.fetch_one(
        "INSERT INTO jobs (guild_id, channel_id, user_id, state, request, prompt, seed, pictures, "
        "parent_picture_id, locale, own_locale, private, delivery, spoiler, quiet, attempts, "
        "accepted_at, started_at, finished_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        (
            new.place.guild_id,
            new.place.channel_id,
            new.place.user_id,
            state,
            new.request,
            new.prompt,
            new.seed,
            new.pictures,
            parent_id,
            new.locale,
            new.own_locale,
            new.private,
            new.delivery,
            new.spoiler,
            new.quiet,
            0 if painted is None else 1,
            to_us(accepted_at),
            *((None, None) if painted is None else map(to_us, painted)),
        ),
    )
    assert row is not None
    return rows.job(row)


async def insert_delivery(
    transaction: Transaction,
    job: Job,
    nonce: str,
    state: DeliveryState,
    *,
    settled_at: datetime | None = None,
    reply_token: str | None = None,
    upload_limit_bytes: int | None = None,
) -> None:
    """Insert the delivery of a job that was just inserted."""
    await transaction.execute(
        "INSERT INTO deliveries "
        "(job_id, state, channel_id, nonce, settled_at, reply_token, upload_limit_bytes) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job.id,
            state,
            job.place.channel_id,
            nonce,
            None if settled_at is None else to_us(settled_at),
            reply_token,
            upload_limit_bytes,
        ),
    )


async def store_picture(
    transaction: Transaction, job: Job, new: NewPicture, now: datetime
) -> StoredPicture:
    """Insert a picture of the job."""
    # RETURNING: the trigger that feeds the search may change SQLite's last inserted row id.
    row = await transaction.fetch_one(
        "INSERT INTO pictures (job_id, guild_id, user_id, file, sha256, recipe, seed, width_px, "
        "height_px, duration_s, size_bytes, painted_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            job.id,
            job.place.guild_id,
            job.place.user_id,
            new.file,
            new.sha256,
            new.recipe,
            new.seed,
            new.width_px,
            new.height_px,
            new.duration_s,
            new.size_bytes,
            to_us(now),
        ),
    )
    assert row is not None
    return StoredPicture(
        id=row["id"],
        job_id=job.id,
        place=job.place,
        file=new.file,
        sha256=new.sha256,
        recipe=new.recipe,
        prompt=job.prompt,
        seed=new.seed,
        width_px=new.width_px,
        height_px=new.height_px,
        duration_s=new.duration_s,
        painted_at=now,
        private=job.private,
        spoiler=job.spoiler,
    )
