"""Sentences about cancelled jobs."""

from __future__ import annotations

from bot.i18n import Words
from bot.request.outcomes import JobsCancelled
from storage.types import Job

JOBS_NAMED = 5
PROMPT_CHARS = 80


def jobs_cancelled(outcome: JobsCancelled, reader_id: int, say: Words) -> str:
    """Name the cancelled jobs by their prompts; other users' private prompts are not shown."""
    prompts = [_prompt(job, reader_id, say) for job in outcome.jobs[:JOBS_NAMED]]
    more = ["…"] if len(outcome.jobs) > len(prompts) else []
    return say.plural(
        "Cancelled and not charged: {prompts}",
        "{n} jobs cancelled and not charged: {prompts}",
        len(outcome.jobs),
        prompts=", ".join(prompts + more),
    )


def _prompt(job: Job, reader_id: int, say: Words) -> str:
    if job.private and job.place.user_id != reader_id:
        return say("(private)")
    return f"“{job.prompt[:PROMPT_CHARS]}”"
