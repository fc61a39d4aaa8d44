"""Sentences about cancelled jobs say what stays charged, and what is left before that."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.i18n import words
from bot.request.outcomes import JobsCancelled
from bot.wording.cancellations import jobs_cancelled
from storage.cancelled_painting import CancelledJob
from storage.types import Job, JobState, Place

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cancelled(**values: Any) -> CancelledJob:
    """Return a cancelled job."""
    job = Job(
        id=1,
        place=Place(1, 2, 3),
        state=JobState.CANCELLED,
        request="{}",
        prompt="a lake",
        seed=1,
        pictures=1,
        attempts=1,
        parent_picture_id=None,
        locale="en-US",
        private=False,
        accepted_at=NOW,
        started_at=NOW,
        finished_at=NOW,
        error_code=None,
        error_detail=None,
    )
    return CancelledJob(job, hours=24, **values)


@pytest.mark.parametrize(
    ("jobs", "free_s", "sentences"),
    [
        ([cancelled()], 600, ["Cancelled and not charged: “a lake”"]),
        ([cancelled(left_s=300.0)], 600, ["Cancelled and not charged: “a lake”"]),
        (
            [cancelled(left_s=299.0)],
            600,
            [
                "Cancelled and not charged: “a lake”",
                "You can cancel 4 minutes more of painting within 24 hours without a charge.",
            ],
        ),
        (
            [cancelled(left_s=1.0), cancelled()],
            600,
            [
                "2 jobs cancelled and not charged: “a lake”, “a lake”",
                "You can cancel 1 second more of painting within 24 hours without a charge.",
            ],
        ),
        (
            [cancelled(left_s=30.0, charged=3), cancelled()],
            600,
            [
                "Cancelled and not charged: “a lake”",
                "Cancelled, but 3 pictures stay charged: “a lake”",
                "10 minutes of painting can be cancelled without a charge within 24 hours, and "
                "this was more. Cancelling what still waits is always free.",
            ],
        ),
        (
            [cancelled(left_s=0.0, charged=1)],
            0,
            [
                "Cancelled, but 1 picture stays charged: “a lake”",
                "A picture whose painting has begun stays charged.",
            ],
        ),
    ],
)
def test_the_answer(jobs: list[CancelledJob], free_s: float, sentences: list[str]):
    """Free and charged jobs are named apart, with the limit where it matters."""
    outcome = JobsCancelled(tuple(jobs), free_s)
    assert jobs_cancelled(outcome, 3, words()).splitlines() == sentences
