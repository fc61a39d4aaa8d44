"""Sentences about cancelled jobs."""

from __future__ import annotations

from collections.abc import Sequence

from bot.i18n import Words
from bot.request.outcomes import JobsCancelled
from bot.wording.lists import enumerated
from bot.wording.rejections import window_length
from storage.cancelled_painting import CancelledJob
from storage.types import Job

JOBS_NAMED = 5
PROMPT_CHARS = 80
WARN_BELOW = 0.5
"""The rest of what can be cancelled free is mentioned below this share of it. Chosen by hand."""
MINUTES_FROM_S = 120
"""From here on a time is given in minutes. Chosen by hand."""


def jobs_cancelled(outcome: JobsCancelled, reader_id: int, say: Words) -> str:
    """Name the cancelled jobs by their prompts, and say which of them stay charged, and why.

    Other users' private prompts are not shown.
    """
    free = [each for each in outcome.jobs if not each.charged]
    charged = [each for each in outcome.jobs if each.charged]
    sentences: list[str] = []
    if free:
        sentences.append(
            say.plural(
                "Cancelled and not charged: {prompts}",
                "{n} jobs cancelled and not charged: {prompts}",
                len(free),
                prompts=_prompts(free, reader_id, say),
            )
        )
    if charged:
        sentences.append(
            say.plural(
                "Cancelled, but {n} picture stays charged: {prompts}",
                "Cancelled, but {n} pictures stay charged: {prompts}",
                sum(each.charged for each in charged),
                prompts=_prompts(charged, reader_id, say),
            )
        )
    return "\n".join([*sentences, *_about_the_limit(outcome, say)])


def _about_the_limit(outcome: JobsCancelled, say: Words) -> list[str]:
    """Say what can still be cancelled free, once little is left of it, or why it cannot."""
    begun = [each for each in outcome.jobs if each.left_s is not None]
    if not begun:
        return []
    last = begun[-1]
    assert last.left_s is not None
    charged = any(each.charged for each in begun)
    window = window_length(last.hours, say)
    if charged and not outcome.free_s:
        return [say("A picture whose painting has begun stays charged.")]
    if charged:
        return [
            say(
                "{limit} of painting can be cancelled without a charge within {window}, and this "
                "was more. Cancelling what still waits is always free.",
                limit=_duration(outcome.free_s, say),
                window=window,
            )
        ]
    if last.left_s < WARN_BELOW * outcome.free_s:
        return [
            say(
                "You can cancel {left} more of painting within {window} without a charge.",
                left=_duration(last.left_s, say),
                window=window,
            )
        ]
    return []


def _duration(seconds: float, say: Words) -> str:
    if seconds >= MINUTES_FROM_S:
        return say.plural("{n} minute", "{n} minutes", int(seconds // 60))
    return say.plural("{n} second", "{n} seconds", int(seconds))


def _prompts(jobs: Sequence[CancelledJob], reader_id: int, say: Words) -> str:
    named = (_prompt(each.job, reader_id, say) for each in jobs)
    return enumerated(named, say, shown=JOBS_NAMED)


def _prompt(job: Job, reader_id: int, say: Words) -> str:
    if job.private and job.place.user_id != reader_id:
        return say("(private)")
    return f"“{job.prompt[:PROMPT_CHARS]}”"
