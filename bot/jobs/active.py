"""Unfinished jobs: their database rows and the engine's handles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.job import EngineJob as EngineJob
from storage.cancelled_painting import BegunPainting
from storage.types import Job


@dataclass(slots=True)
class ActiveJob:
    """A job's row and its engine handle.

    finished: the end of the job is in the database; nothing may change it any more. began_s: when
    its painting began, by the clock of `ActiveJobs`; None while it waits.
    """

    row: Job
    handle: EngineJob
    finished: bool = False
    began_s: float | None = None


class ActiveJobs:
    """Unfinished jobs by id, in the order in which they were accepted.

    now_s: a clock in seconds that nobody sets.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.now_s = now_s
        self._jobs: dict[int, ActiveJob] = {}

    def __iter__(self) -> Iterator[ActiveJob]:
        return iter(tuple(self._jobs.values()))

    def add(self, row: Job, handle: EngineJob) -> ActiveJob:
        """Register a job until `remove`."""
        active = self._jobs[row.id] = ActiveJob(row, handle)
        return active

    def painting_began(self, job_id: int) -> None:
        """Remember the time at which a job's painting began; later calls change nothing."""
        active = self._jobs.get(job_id)
        if active is not None and active.began_s is None:
            active.began_s = self.now_s()

    def begun_painting(self, active: ActiveJob) -> BegunPainting | None:
        """Return what has been painted of a job, or None while it waits."""
        progress = active.handle.latest
        if active.began_s is None or progress is None:
            return None
        finished = progress.step * active.row.pictures // max(1, progress.steps)
        return BegunPainting(self.now_s() - active.began_s, finished + 1)

    def get(self, job_id: int) -> ActiveJob | None:
        """Return the job, or None once it has been removed."""
        return self._jobs.get(job_id)

    def oldest(self) -> Iterator[ActiveJob]:
        """Iterate from the oldest, without a copy: add and remove nothing while iterating."""
        return iter(self._jobs.values())

    def remove(self, job_id: int) -> None:
        """Forget a job whose end has been handled."""
        self._jobs.pop(job_id, None)
