"""Hand accepted jobs to the engine, with the pictures that they start from."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bot.accounts.delivery_settings import shows_previews
from bot.jobs.active import ActiveJob, ActiveJobs
from bot.jobs.completion import CompletionService
from engine import uploads
from engine.errors import InputMissing
from engine.job import EngineJob, JobSpec
from engine.queue import Slot
from engine.service import Engine
from engine.types import Conditions, ImageRequest, Raster, request_from_json
from storage.errors import StorageError
from storage.inputs import Inputs
from storage.types import Job


class EngineJobs:
    """Turn jobs of the database into jobs of the engine, and watch them until they finish."""

    def __init__(
        self,
        *,
        engine: Engine,
        active: ActiveJobs,
        completion: CompletionService,
        inputs: Inputs,
        previews: Callable[[], bool] = lambda: True,
    ) -> None:
        """previews: returns whether the engine makes previews for requesters who want them."""
        self.engine = engine
        self._active = active
        self._completion = completion
        self._inputs = inputs
        self._previews = previews

    def submit(self, slot: Slot, job: Job, replay: Conditions | None = None) -> ActiveJob:
        """Fill a reserved slot with the job. replay: conditions to repeat.

        Raises QueueClosed while the engine shuts down.
        """
        request = request_from_json(job.request)
        spec = JobSpec(
            id=job.id,
            request=request,
            replay=replay,
            admit=partial(self._completion.admit, job.id),
            inputs=input_loader(self._inputs, request),
            count=job.pictures,
            previews=self._previews() and shows_previews(job),
            on_step=lambda _: self._active.painting_began(job.id),
        )
        active = self._active.add(job, self.engine.submit(slot, spec))
        self._completion.watch(active)
        return active

    def handle_of(self, job_id: int) -> EngineJob | None:
        """Return the engine's handle of a job that has not finished."""
        active = self._active.get(job_id)
        return None if active is None or active.finished else active.handle


def input_loader(
    inputs: Inputs, request: ImageRequest
) -> Callable[[], Awaitable[tuple[Raster, ...]]]:
    """Return a call that reads a request's input pictures once its turn has come.

    The call raises InputMissing where a picture is gone or is not what it was.
    """

    async def load() -> tuple[Raster, ...]:
        return tuple([await _input(inputs, sha256) for sha256 in request.inputs])

    return load


async def _input(inputs: Inputs, sha256: str) -> Raster:
    try:
        data = await inputs.read(sha256)
        upload = await asyncio.to_thread(uploads.reopen, data, sha256)
    except (StorageError, uploads.UploadRefused) as error:
        raise InputMissing(sha256) from error
    return upload.raster
