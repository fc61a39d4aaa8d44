"""What is still to be done about a job by its server's filter, inside the job's transactions."""

import json
from datetime import datetime

from storage import cases
from storage.database import Reads, Transaction
from storage.timestamps import to_us
from storage.types import Job, JobFilter, ShownResult


async def keep(transaction: Transaction, job_id: int, found: JobFilter | None) -> None:
    """Store it for a job that was just accepted."""
    if found is not None:
        await transaction.execute(
            "INSERT INTO job_filters (job_id, exempt, report) VALUES (?, ?, ?)",
            (job_id, json.dumps(found.exempt), found.report),
        )


async def find(reads: Reads, job_id: int) -> JobFilter:
    """Return what is stored of an unfinished job; nothing to do if there is nothing."""
    row = await reads.fetch_one("SELECT * FROM job_filters WHERE job_id = ?", (job_id,))
    if row is None:
        return JobFilter()
    return JobFilter(tuple(json.loads(row["exempt"])), row["report"])


async def forget(transaction: Transaction, job_id: int) -> None:
    """Forget it, because the job has ended."""
    await transaction.execute("DELETE FROM job_filters WHERE job_id = ?", (job_id,))


async def show(transaction: Transaction, job: Job, shown: ShownResult) -> None:
    """Change how the result of an unfinished job is shown."""
    if shown.spoiler:
        await transaction.execute("UPDATE jobs SET spoiler = 1 WHERE id = ?", (job.id,))
    if shown.direct and not (job.private and job.delivery == "direct"):
        await transaction.execute(
            "UPDATE jobs SET private = 1, delivery = 'direct' WHERE id = ?", (job.id,)
        )
    if shown.direct and not job.private:
        # It would change an answer that everybody sees.
        await transaction.execute(
            "UPDATE deliveries SET reply_token = NULL WHERE job_id = ?", (job.id,)
        )


async def report(
    transaction: Transaction,
    job_id: int,
    picture_ids: list[int],
    shown: ShownResult,
    now: datetime,
) -> None:
    """Report the pictures of a finished job: the first one for its prompt, each for itself."""
    prompt = (await find(transaction, job_id)).report
    found = list(shown.reports) or [None] * len(picture_ids)
    if prompt is not None:
        found[0] = "; ".join(filter(None, (prompt, found[0])))
    for picture_id, reason in zip(picture_ids, found, strict=True):
        if reason is not None:
            await cases.file_found(transaction, picture_id, reason, to_us(now))
    await forget(transaction, job_id)
