"""Queue again what the last process left behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.jobs.active import ActiveJob
from bot.jobs.completion import CompletionService
from bot.jobs.engine_jobs import EngineJobs
from bot.pictures.recent import learn_speed
from bot.request.models import ModelCatalog
from engine.errors import ModelGone
from engine.queue import Priority
from engine.types import Conditions, Recipe, request_from_json
from storage.history import History
from storage.jobs import Jobs
from storage.types import Job

log = structlog.get_logger(__name__)


class RecoveryService:
    """Put unfinished jobs back into the queue when the bot starts."""

    def __init__(
        self,
        *,
        engine_jobs: EngineJobs,
        completion: CompletionService,
        jobs: Jobs,
        history: History,
        expires_before: Callable[[], datetime | None],
        models: ModelCatalog,
    ) -> None:
        """expires_before: jobs that were accepted before that are given up and refunded; None for
        no job. models: so are jobs of any other model."""
        self._models = models
        self._engine_jobs = engine_jobs
        self._completion = completion
        self._jobs = jobs
        self._history = history
        self._expires_before = expires_before

    async def resume(self) -> list[ActiveJob]:
        """Queue the jobs in the order in which they were accepted.

        A picture that was on the disk already is taken over, not painted again.
        """
        for job in await self._jobs.interrupted_painting():
            await self._completion.recover_finished(job)
        recovery = await self._jobs.recover(accepted_after=self._expires_before())
        engine = self._engine_jobs.engine
        resumed: list[ActiveJob] = []
        for job in recovery.queued:
            model = request_from_json(job.request).model
            if self._models.get(model) is None:
                gone = ModelGone(model)
                await self._jobs.failed(job.id, gone.code, str(gone))
                log.warning("the model of a job is gone", job=job.id, model=model)
                continue
            place = job.place
            priority = Priority.RESUMED if job.attempts else Priority.NORMAL
            slot = engine.reserve(
                place.user_id, place.guild_id, priority=priority, beyond_limit=True
            )
            with slot:
                replay = await self._replay_of(job)
                resumed.append(self._engine_jobs.submit(slot, job, replay))
        if recovery.queued or recovery.ended:
            log.info("resumed", queued=len(recovery.queued), given_up=len(recovery.ended))
        await learn_speed(engine.estimator, self._history)
        return resumed

    async def _replay_of(self, job: Job) -> Conditions | None:
        """The original's conditions if a resumed job repeats its very seed."""
        if job.parent_picture_id is None:
            return None
        parent = await self._history.get(job.parent_picture_id)
        if parent is None or parent.seed != job.seed:
            return None
        return Recipe.from_json(parent.recipe).conditions
