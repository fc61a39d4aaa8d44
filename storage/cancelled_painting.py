"""How much painting a user may cancel without being charged, within the window of their quota."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage import quotas, steps
from storage.database import Transaction
from storage.quota_windows import Window
from storage.steps import JobError
from storage.timestamps import to_us
from storage.types import Job, JobState, QuotaPolicy

CHARGED: Final = "charged"
"""Error code of a cancelled job that stays charged."""

_FREE: Final = (
    "FROM cancelled_painting INDEXED BY cancelled_painting_free "
    "WHERE guild_id = ? AND user_id = ? AND charged = 0 AND cancelled_at > ?"
)


@dataclass(frozen=True, slots=True)
class FreeCancelling:
    """The owner's limit: this many seconds of painting are free within the window of the quota.

    fallback: the quota of users for whom no other was set.
    """

    limit_s: float
    fallback: QuotaPolicy


@dataclass(frozen=True, slots=True)
class BegunPainting:
    """What had been painted of a job when it was cancelled. pictures: how many were begun."""

    duration_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class CancelledJob:
    """A job that its requester cancelled.

    charged: how many pictures stay charged, 0 if the job was refunded. left_s: how many seconds of
    painting can still be cancelled free within `hours`, or within the day if they are None; None if
    nothing had been painted.
    """

    job: Job
    charged: int = 0
    left_s: float | None = None
    hours: int | None = 0


async def cancel(
    transaction: Transaction,
    job: Job,
    begun: BegunPainting | None,
    free: FreeCancelling,
    now: datetime,
    roles: Collection[int] = (),
) -> CancelledJob:
    """Cancel a job, and refund it unless its painting goes beyond what is free to cancel.

    Beyond it, the pictures that were begun stay charged. begun: None if the job still waited, which
    is always free. roles: those of its requester. Raises IllegalTransition.
    """
    if begun is None or job.state is not JobState.PAINTING:
        return CancelledJob(await steps.finish_job(transaction, job, JobState.CANCELLED, now))
    whose = (job.place.guild_id, job.place.user_id)
    policy = await quotas.effective_policy(transaction, *whose, free.fallback, roles)
    used_s = await _used_s(transaction, whose, policy.window, now)
    charged = used_s + begun.duration_s > free.limit_s
    pictures = min(job.pictures, max(1, begun.pictures))
    if charged:
        error = JobError(CHARGED, f"{begun.duration_s:.1f} s after {used_s:.1f} s")
        await steps.lower_charge(transaction, job, pictures, error)
        job = await steps.finish_job(transaction, job, JobState.CANCELLED, now, error, refund=False)
    else:
        job = await steps.finish_job(transaction, job, JobState.CANCELLED, now)
        used_s += begun.duration_s
    await transaction.execute(
        "INSERT INTO cancelled_painting "
        "(job_id, guild_id, user_id, cancelled_at, painted_us, charged) VALUES (?, ?, ?, ?, ?, ?)",
        (job.id, *whose, to_us(now), round(begun.duration_s * 1e6), charged),
    )
    return CancelledJob(
        job, pictures if charged else 0, max(0.0, free.limit_s - used_s), policy.hours
    )


async def _used_s(
    transaction: Transaction, whose: tuple[int, int], window: Window, now: datetime
) -> float:
    """Return how many seconds of painting were cancelled free within the window."""
    # As charges do, what a clock that was ahead wrote counts from when it is noticed.
    await transaction.execute(
        "UPDATE cancelled_painting SET cancelled_at = ? WHERE guild_id = ? AND user_id = ? "
        "AND charged = 0 AND cancelled_at > ?",
        (to_us(now), *whose, to_us(now)),
    )
    since_us = to_us(window.counts_after(now))
    row = await transaction.fetch_one(
        f"SELECT coalesce(sum(painted_us), 0) AS used_us {_FREE}", (*whose, since_us)
    )
    assert row is not None
    return timedelta(microseconds=row["used_us"]).total_seconds()
