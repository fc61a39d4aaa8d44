"""One request that is being processed, for one picture or several, as the requester's handle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from engine.errors import Cancelled, EngineError
from engine.renderer import Outcome
from engine.types import Conditions, ImageRequest, Painted, Progress, Raster


async def _always() -> bool:
    return True


async def _none() -> tuple[Raster, ...]:
    return ()


def _unwatched(_: Progress) -> None:
    pass


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as it is submitted to the engine.

    id: the caller's own, unique among unfinished jobs. replay: the conditions of the original,
    which the renderer restores as far as it can. admit: awaited right before painting; False means
    that the job is not to be painted after all (it then ends as Cancelled), and an EngineError that
    it raises becomes the job's outcome. It lets the caller store "painting" durably before the GPU
    begins. inputs: awaited next; loads the input pictures, which need not be in memory until then.
    previews: whether progress includes the picture so far. count: how many pictures are painted, as
    a series that begins with the request.
    """

    id: int
    request: ImageRequest
    replay: Conditions | None = None
    admit: Callable[[], Awaitable[bool]] = _always
    inputs: Callable[[], Awaitable[tuple[Raster, ...]]] = _none
    previews: bool = False
    on_step: Callable[[Progress], object] = _unwatched
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"a job has at least one picture, not {self.count}")


class EngineJob:
    """A job's handle: watch `progress()`, await `result()`. Belongs to the event loop's thread.

    stop_requested: read by the renderer between two steps, on its own thread.
    """

    def __init__(self, spec: JobSpec, user_id: int, guild_id: int) -> None:
        self.spec = spec
        self.user_id = user_id
        self.guild_id = guild_id
        self.stop_requested = threading.Event()
        self._cancel_requested = False
        self._outcome: asyncio.Future[tuple[Painted, ...]] = (
            asyncio.get_running_loop().create_future()
        )
        # A job nobody waits for must not be reported as "exception was never retrieved".
        self._outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._flaws: tuple[EngineError, ...] = ()
        self._latest: Progress | None = None
        self._previewed: Progress | None = None
        self._changed = asyncio.Event()

    @property
    def id(self) -> int:
        """The caller's id."""
        return self.spec.id

    @property
    def model(self) -> str:
        """The name of the model that paints it; "" for the default one."""
        return self.spec.request.model

    @property
    def work(self) -> float:
        """The work of all its pictures in megapixel-steps."""
        return self.spec.request.work * self.spec.count

    @property
    def flaws(self) -> tuple[EngineError, ...]:
        """Why single pictures were not painted, where others were."""
        return self._flaws

    @property
    def latest(self) -> Progress | None:
        """The newest progress over all its pictures; None while the job waits."""
        return self._latest

    @property
    def previewed(self) -> Progress | None:
        """The newest progress with a preview; reports between two steps have none."""
        return self._previewed

    @property
    def cancel_requested(self) -> bool:
        """True once the job was cancelled; stopping the engine does not count as cancelling."""
        return self._cancel_requested

    @property
    def done(self) -> bool:
        """True once there are pictures or an error."""
        return self._outcome.done()

    async def result(self) -> tuple[Painted, ...]:
        """Wait for the pictures: at least one, in order, without those that failed individually.

        Raises the first EngineError where none was painted. Cancelling the wait does not cancel the
        job.
        """
        return await asyncio.shield(self._outcome)

    def when_done(self, call: Callable[[], object]) -> None:
        """Run `call` on the loop once the job has its outcome."""
        self._outcome.add_done_callback(lambda _: call())

    async def progress(self) -> AsyncIterator[Progress]:
        """Yield the newest progress whenever it changes; steps in between may be skipped."""
        seen: Progress | None = None
        while not self.done:
            self._changed.clear()
            if self._latest is not None and self._latest != seen:
                seen = self._latest
                yield seen
                continue
            await self._changed.wait()

    def report(self, progress: Progress) -> None:
        """Record a step (called by the engine)."""
        self._latest = progress
        if progress.preview is not None:
            self._previewed = progress
        self._changed.set()
        self.spec.on_step(progress)

    def finish(self, outcome: Sequence[Outcome] | EngineError) -> None:
        """Complete the job once; later outcomes are ignored (called by the engine).

        outcome: the outcome of each picture, in order and at least one, or of the whole job.
        """
        if self._outcome.done():
            return
        outcomes = [outcome] if isinstance(outcome, EngineError) else outcome
        painted = tuple(each for each in outcomes if isinstance(each, Painted))
        errors = tuple(each for each in outcomes if isinstance(each, EngineError))
        if painted:
            self._flaws = errors
            self._outcome.set_result(painted)
        else:
            self._outcome.set_exception(errors[0])
        self._changed.set()

    def cancel(self) -> None:
        """Cancel the job: the renderer stops at its next step (called by the engine)."""
        self._cancel_requested = True
        self.stop_requested.set()
        if self._latest is None:
            self.finish(Cancelled("cancelled while waiting"))

    def interrupt(self) -> None:
        """Ask the renderer to stop at its next step, without cancelling (called by the engine)."""
        self.stop_requested.set()
