"""Pausing, draining, and what is done to the model, for the bot's owners alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.jobs.painting_control import PaintingControl
from bot.operation.owners import Owners
from bot.request.models import ModelCatalog
from bot.request.outcomes import Refused, StorageUnavailable
from bot.request.reasons.models import UnknownModel
from bot.request.reasons.operation import EngineEnds, ModelFailed, NothingToRetry
from engine.errors import ModelUnavailable, QueueClosed
from engine.service import Engine
from storage.errors import StorageError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left to paint. painting: whether a job is on the GPU. seconds: None if unknown."""

    painting: bool
    waiting: int
    seconds: float | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return not self.painting and not self.waiting


@dataclass(frozen=True, slots=True)
class ModelMove:
    """A model is being loaded in place of another one.

    loaded: it was in use already. seconds: until it is loaded, None if unknown. default: the model
    of requests that name none.
    """

    model: str
    default: str
    backlog: Backlog
    loaded: bool = False
    seconds: float | None = None


class OperationService:
    """Refuses everybody but owners first, in every call. Nothing that waits is ever lost."""

    def __init__(
        self, owners: Owners, control: PaintingControl, engine: Engine, models: ModelCatalog
    ) -> None:
        self._owners = owners
        self._control = control
        self._engine = engine
        self._models = models

    async def refusal(self, user_id: int) -> Refused | None:
        """Return why somebody may not use any of this; None for an owner."""
        return await self._owners.refusal(user_id)

    def backlog(self) -> Backlog:
        """Return what is left to paint."""
        engine = self._engine
        seconds = _sum(engine.waiting_total_s(), engine.current_left_s())
        return Backlog(engine.current is not None, len(engine.queue), seconds)

    async def pause(self, user_id: int) -> Backlog | Refused:
        """Begin no more jobs; returns what waits then."""
        return await self._changed(user_id, self._control.pause)

    async def resume(self, user_id: int) -> Backlog | Refused:
        """End a pause and a drain."""
        return await self._changed(user_id, self._control.resume)

    async def drain(self, user_id: int) -> Backlog | Refused:
        """Accept nothing more, and paint what waits, also after a pause."""
        return await self._changed(user_id, self._control.drain)

    async def unload(self, user_id: int) -> Backlog | Refused:
        """Free the memory, after the present job if there is one."""
        if (refused := await self._owners.refusal(user_id)) is not None:
            return refused
        backlog = self.backlog()
        try:
            await self._engine.unload()
        except QueueClosed:
            return Refused(EngineEnds())
        log.info("unloaded", by=user_id)
        return backlog

    async def plan_move(self, user_id: int, typed: str) -> ModelMove | Refused:
        """Return what `move` to the model that is meant would do, and how long it takes."""
        if (refused := await self._owners.refusal(user_id)) is not None:
            return refused
        meant = self._models.meant(typed)
        if isinstance(meant, UnknownModel):
            return Refused(meant)
        return self._move(meant.name)

    async def move(self, model: str) -> Refused | None:
        """Load a model that `plan_move` or `plan_retry` named; None once it is loaded."""
        try:
            await self._engine.load(model)
        except ModelUnavailable as error:
            return Refused(ModelFailed(model, str(error)))
        except QueueClosed:
            return Refused(EngineEnds())
        return None

    async def plan_retry(self, user_id: int) -> ModelMove | Refused:
        """Return the first model that failed to load of late, as `plan_move` does."""
        if (refused := await self._owners.refusal(user_id)) is not None:
            return refused
        broken = self._engine.models.broken
        return self._move(broken[0]) if broken else Refused(NothingToRetry())

    def matching(self, typed: str) -> tuple[str, ...]:
        """Return the names of the models that have the typed text in their name or title."""
        return tuple(each.name for each in self._models.matching(typed))

    def _move(self, model: str) -> ModelMove:
        models, default = self._engine.models, self._models.default.name
        loaded = models.loaded == models.name_of(model) and models.loading is None
        seconds = _sum(self._engine.current_left_s(), models.load_s(model))
        return ModelMove(model, default, self.backlog(), loaded, seconds)

    async def _changed(
        self, user_id: int, change: Callable[[int], Awaitable[None]]
    ) -> Backlog | Refused:
        if (refused := await self._owners.refusal(user_id)) is not None:
            return refused
        try:
            await change(user_id)
        except StorageError as error:
            log.warning("not changed", detail=str(error))
            return Refused(StorageUnavailable())
        return self.backlog()


def _sum(one_s: float | None, other_s: float | None) -> float | None:
    return None if one_s is None or other_s is None else one_s + other_s
