"""Unfinished jobs: their database rows and the engine's handles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.job import EngineJob as EngineJob
from storage.types import Job


@dataclass(slots=True)
class ActiveJob:
    """A job's row and its engine handle.

    finished: the end of the job is in the database; nothing may change it any more.
    """

    row: Job
    handle: EngineJob
    finished: bool = False


class ActiveJobs:
    """Unfinished jobs by id, in the order in which they were accepted."""

    def __init__(self) -> None:
        self._jobs: dict[int, ActiveJob] = {}

    def __iter__(self) -> Iterator[ActiveJob]:
        return iter(tuple(self._jobs.values()))

    def add(self, row: Job, handle: EngineJob) -> ActiveJob:
        """Register a job until `remove`."""
        active = self._jobs[row.id] = ActiveJob(row, handle)
        return active

    def get(self, job_id: int) -> ActiveJob | None:
        """Return the job, or None once it has been removed."""
        return self._jobs.get(job_id)

    def oldest(self) -> Iterator[ActiveJob]:
        """Iterate from the oldest, without a copy: add and remove nothing while iterating."""
        return iter(self._jobs.values())

    def remove(self, job_id: int) -> None:
        """Forget a job whose end has been handled."""
        self._jobs.pop(job_id, None)
