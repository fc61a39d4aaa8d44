"""Whether jobs are begun and requests accepted, as the bot's owners decided; also after a
restart."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from bot.jobs.active import ActiveJobs
from engine.service import Engine
from storage.errors import StorageError
from storage.painting_control import ControlState, PaintingControls
from storage.types import Clock

log = structlog.get_logger(__name__)


class PaintingControl:
    """Knows the state without asking the database, from `load` on.

    max_wait: returns how long a job may wait. drained: called once everything is painted that had
    been accepted before nothing more was.
    """

    def __init__(
        self,
        stored: PaintingControls,
        engine: Engine,
        active: ActiveJobs,
        *,
        clock: Clock,
        max_wait: Callable[[], timedelta],
        drained: Callable[[], object],
    ) -> None:
        self._stored = stored
        self._engine = engine
        self._active = active
        self._clock = clock
        self._max_wait = max_wait
        self._drained = drained
        self._state = ControlState()
        self._changing = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    @property
    def paused(self) -> bool:
        """Whether accepted jobs wait until painting goes on."""
        return not self._state.painting

    @property
    def accepting(self) -> bool:
        """Whether requests are accepted."""
        return self._state.accepting

    @property
    def unfinished(self) -> bool:
        """Whether any job waits or is being painted."""
        return any(not each.finished for each in self._active.oldest())

    async def load(self) -> None:
        """Take up what was decided before the restart. Raises StorageError."""
        self._take_up(await self._stored.read())

    async def pause(self, by: int) -> None:
        """Begin no more jobs; whether requests are accepted stays. Raises StorageError."""
        async with self._changing:
            await self._change(dataclasses.replace(self._state, painting=False), by)

    async def resume(self, by: int) -> None:
        """Begin jobs, and accept requests. Raises StorageError."""
        async with self._changing:
            resumed_at = self._clock() if self.paused else self._state.resumed_at
            await self._change(ControlState(resumed_at=resumed_at), by)

    async def drain(self, by: int) -> None:
        """Accept nothing more, and paint what waits. Raises StorageError."""
        async with self._changing:
            resumed_at = self._clock() if self.paused else self._state.resumed_at
            await self._change(ControlState(accepting=False, resumed_at=resumed_at), by)
        self.job_finished()

    def job_finished(self) -> None:
        """Call `drained` if nothing is left of what was to be painted. Does not wait."""
        if not self.accepting and not self.paused and not self._state.told and not self.unfinished:
            task = asyncio.create_task(self._tell(), name="drained")
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def expires_before(self) -> datetime | None:
        """Return before when a job must have been accepted to have waited too long by now.

        None while none has: no wait counts during a pause, and after it all begin anew.
        """
        now, resumed_at = self._clock(), self._state.resumed_at
        max_wait = self._max_wait()
        if self.paused or (resumed_at is not None and abs(now - resumed_at) < max_wait):
            return None
        return now - max_wait

    async def _tell(self) -> None:
        try:
            if not await self._stored.tell():
                return
        except StorageError as error:
            log.warning("not known to be drained", detail=str(error))  # the next start tells it
            return
        self._state = dataclasses.replace(self._state, told=True)
        self._drained()

    async def _change(self, state: ControlState, by: int) -> None:
        await self._stored.write(state, by)
        self._take_up(state)
        log.info("painting control", painting=state.painting, accepting=state.accepting)

    def _take_up(self, state: ControlState) -> None:
        self._state = state
        if state.painting:
            self._engine.resume()
        else:
            self._engine.pause()
