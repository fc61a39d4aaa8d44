"""The jobs that are not over, as the studio holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.job import EngineJob as EngineJob
from storage.types import Job


@dataclass(slots=True)
class ActiveJob:
    """A row and the engine's handle of it. over: the database has its end; nothing may follow."""

    row: Job
    handle: EngineJob
    finished: bool = False


class ActiveJobs:
    """In the order of acceptance."""

    def __init__(self) -> None:
        self._jobs: dict[int, ActiveJob] = {}

    def __iter__(self) -> Iterator[ActiveJob]:
        return iter(tuple(self._jobs.values()))

    def add(self, row: Job, handle: EngineJob) -> ActiveJob:
        """Hold a job until `remove`."""
        live = self._jobs[row.id] = ActiveJob(row, handle)
        return live

    def get(self, job_id: int) -> ActiveJob | None:
        """The job, None once it is over."""
        return self._jobs.get(job_id)

    def oldest(self) -> Iterator[ActiveJob]:
        """From the oldest on, without a copy: nothing may be added or removed meanwhile."""
        return iter(self._jobs.values())

    def remove(self, job_id: int) -> None:
        """Its end has been dealt with."""
        self._jobs.pop(job_id, None)
