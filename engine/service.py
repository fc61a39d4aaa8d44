"""The engine: its states, the executor thread, and how a job passes through both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine.engine_states import ENGINE_TRANSITIONS, EngineState
from engine.errands import Errand, Errands
from engine.errors import (
    Cancelled,
    Defunct,
    EngineError,
    Interrupted,
    ModelUnavailable,
    QueueClosed,
    RenderFailed,
    Scope,
)
from engine.estimate import Estimator
from engine.executor import ExecutorThread, post
from engine.grouping import grouped
from engine.job import EngineJob, JobSpec
from engine.models import Models
from engine.queue import Bounds, FairQueue, Priority, Slot
from engine.renderer import DeviceMemory, Outcome, Renderer, RendererFactory, RenderTask
from engine.series import series
from engine.types import ModelInfo, Painted, Progress, Raster

STOP_GRACE_S = 10.0
"""How long a renderer that was asked to stop may take to do so. Chosen by hand."""
AHEAD_EXACT = 64
"""How many of the jobs ahead are estimated by their own work; those behind them by the mean. Chosen
by hand: it bounds the cost of an estimate."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """The limits of an engine that can change while it runs; see `Engine`."""

    bounds: Bounds
    stall_s: float | None
    idle_s: float | None


class Engine:
    """Takes jobs from a bounded queue and paints them one at a time on a dedicated thread.

    Lives on the event loop's thread. `start` returns at once; the model loads in the background and
    jobs wait. After `drain` nothing new is started. When the model cannot be loaded, the device is
    lost or the renderer makes no step for `stall_s` (None: no limit), `failure` resolves and
    everything unfinished stays unfinished for the next start. After `idle_s` without a job (None:
    never) the renderer is asked to free its memory until there is one.

    Where there are several models, the one of a job is loaded before the job is painted; a few jobs
    of the loaded model may go before it (`engine.grouping`). If loading fails, every job of that
    model fails, and painting goes on with the model that was loaded.
    """

    def __init__(
        self,
        load: RendererFactory,
        *,
        bounds: Bounds,
        stall_s: float | None = None,
        idle_s: float | None = None,
        default: str = "",
        others: Mapping[str, RendererFactory] | None = None,
    ) -> None:
        """load: of the default model, whose name is `default`. others: more models, by name."""
        self.models = Models({default: load, **(others or {})}, default)
        self._stall_s = stall_s
        self._idle_s = idle_s
        self.queue = FairQueue(bounds)
        self.estimator = Estimator(default=default)
        self._state = EngineState.STARTING
        self._errands = Errands()
        self._thread: ExecutorThread | None = None
        self._worker: asyncio.Task[None] | None = None
        self._current: EngineJob | None = None
        # The rendering of the current job; cancelled when its thread is given up on.
        self._rendering: asyncio.Future[list[Outcome]] | None = None
        self._heard_s = 0.0
        # Set once `ready` has its answer: loaded, failed, or stopped before either.
        self._decided = asyncio.Event()
        self._failure: EngineError | None = None
        self._failed = asyncio.Event()
        self._stopping = asyncio.Lock()

    @property
    def state(self) -> EngineState:
        """The state of the engine."""
        return self._state

    @property
    def info(self) -> ModelInfo | None:
        """The model that was loaded last; None until the first one is."""
        return self.models.info

    @property
    def current(self) -> EngineJob | None:
        """The job on the GPU."""
        return self._current

    def change_limits(self, limits: EngineLimits) -> None:
        """Let other limits hold from now on; the picture that is being painted keeps its own.

        Jobs that wait beyond a lower bound go on waiting; new ones are refused.
        """
        self.queue.bounds = limits.bounds
        self._stall_s, self._idle_s = limits.stall_s, limits.idle_s

    @property
    def paused(self) -> bool:
        """Whether no job is begun until `resume`."""
        return self.queue.held_back

    def pause(self) -> None:
        """Begin no job from now on; the present one is finished, and jobs wait."""
        self.queue.hold_back()

    def resume(self) -> None:
        """Begin jobs again."""
        self.queue.let_go()

    async def unload(self) -> None:
        """Free the memory after the present job; the next one brings the model back.

        Raises QueueClosed once the engine stops.
        """
        await self._between_jobs(self.models.unload)

    async def load(self, model: str) -> None:
        """Load a model after the present job, in place of the loaded one; no job is lost.

        It is tried although loading it has failed of late. Raises ModelUnavailable if that fails
        again, QueueClosed once the engine stops.
        """

        async def errand(thread: ExecutorThread) -> None:
            try:
                await self.models.use(thread, model)
            except ModelUnavailable:
                if self.models.renderer is None:
                    self._fail(Defunct("no model is loaded, and none can be"))
                raise

        await self._between_jobs(errand)

    def memory(self) -> DeviceMemory | None:
        """Read the memory of the device, from any thread but the loop's; None if unknown."""
        return self.models.memory()

    def start(self) -> None:
        """Start loading the model and taking jobs. Raises RuntimeError after `start` or `drain`."""
        if self._worker is not None or self._state is not EngineState.STARTING:
            raise RuntimeError("the engine was started or stopped before")
        self._thread = ExecutorThread("painter")
        self._worker = asyncio.create_task(self._work(self._thread), name="engine")
        self._worker.add_done_callback(self._worker_ended)

    async def ready(self) -> ModelInfo:
        """Wait until the model is loaded.

        Raises ModelUnavailable if it never will be, Defunct once the device is lost, QueueClosed
        when the engine was drained before the model was loaded.
        """
        await self._decided.wait()
        if self._failure is not None:
            raise self._failure
        if self.models.info is None:
            raise QueueClosed("the engine stopped before its model was loaded")
        return self.models.info

    async def failure(self) -> EngineError:
        """Wait until the engine has failed for good; return ModelUnavailable or Defunct."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    def reserve(
        self,
        user_id: int,
        guild_id: int,
        *,
        priority: Priority = Priority.NORMAL,
        beyond_limit: bool = False,
    ) -> Slot:
        """Reserve a place in the queue. Raises QueueFull or QueueClosed at once."""
        return self.queue.reserve(user_id, guild_id, priority=priority, beyond_limit=beyond_limit)

    def submit(self, slot: Slot, spec: JobSpec) -> EngineJob:
        """Fill the reserved place and return the job."""
        job = EngineJob(spec, slot.user_id, slot.guild_id)
        slot.fill(job)
        return job

    def waiting_s(self, job_id: int) -> float | None:
        """Return the seconds until this job's pictures, by measured speed; None if unknown.

        Loading another model on the way is counted, the first loading after the start is not.
        Unknown while painting is paused.
        """
        job = self.queue.get(job_id)
        if job is None or self.paused:
            return None
        return _sum(self._before_s(job), self._paint_s(job))

    def waiting_total_s(self) -> float | None:
        """Return the seconds of painting in the whole queue, the job on the GPU aside."""
        if not self.models.several:
            return self.estimator.seconds(len(self.queue) * self.queue.mean_work)
        jobs, loaded = self.queue.jobs(), self.models.loaded
        names = {self.models.name_of(each.model) for each in jobs}
        moving_s = self.models.moving_s(sorted(names, key=lambda name: name != loaded))
        return _sum(moving_s, *map(self._paint_s, jobs))

    def place_free_s(self, scope: Scope, user_id: int) -> float | None:
        """Return the seconds until a request refused with `scope` finds a place; None: unknown.

        A place in the queue is free when its next job begins, a user's when their own next job
        does.
        """
        if self.paused or self._state not in (EngineState.READY, EngineState.PAINTING):
            return None  # no job begins before the model is loaded, or after it failed to load
        if scope is Scope.QUEUE:
            return self.current_left_s()
        job = self.queue.first_of(user_id) if scope is Scope.USER else None
        return None if job is None else self._before_s(job)

    def _before_s(self, job: EngineJob) -> float | None:
        """Seconds before a waiting job begins."""
        ahead = self._grouped(self.queue.ahead(job.id, AHEAD_EXACT), job)
        further = max(0, (self.queue.position(job.id) or 0) - AHEAD_EXACT)
        exact = _sum(*map(self._paint_s, ahead))
        mean = self.estimator.seconds(self.queue.mean_work)
        if self.models.several:
            mean = None if exact is None else exact / max(1, len(ahead))
        moving_s = self.models.moving_s(each.model for each in (*ahead, job))
        rest = 0.0 if not further else None if mean is None else further * mean
        return _sum(self.current_left_s(), exact, rest, moving_s)

    def _grouped(self, ahead: list[EngineJob], job: EngineJob) -> list[EngineJob]:
        """Return which of the jobs ahead are painted before this one, in that order."""
        if not self.models.several:
            return ahead
        jobs = [*ahead, job]
        names = [self.models.name_of(each.model) for each in jobs]
        at = self.models.loading or self.models.loaded
        order = [jobs[place] for place in grouped(names, at, self.queue.passed)]
        return order[: order.index(job)]

    def _paint_s(self, job: EngineJob) -> float | None:
        return self.estimator.seconds(job.work, job.model)

    def current_left_s(self) -> float | None:
        """Return the seconds that the job on the GPU still takes; 0 if there is none."""
        if self._current is None:
            return 0.0
        done = self._current.latest
        left = 1.0 if done is None else 1 - done.step / done.steps
        return self.estimator.seconds(self._current.work * left, self._current.model)

    def count_tokens(self, text: str, model: str = "") -> int | None:
        """Return how many tokens a model would read for a prompt; None until it was loaded."""
        return self.models.count_tokens(text, model)

    def is_broken(self, model: str) -> bool:
        """Whether a model could not be loaded a short while ago, and another one paints."""
        return self.models.several and self.models.is_broken(model)

    def cancel(self, job: EngineJob) -> None:
        """Cancel a job: at once while it waits, at its next step while it is painted."""
        if self.queue.get(job.id) is job:  # by now its id may belong to a later attempt
            self.queue.discard(job.id)
        job.cancel()

    async def drain(self, limit_s: float | None = None) -> list[EngineJob]:
        """Accept nothing more, finish what is on the GPU, stop; return the jobs that still wait.

        After `limit_s` the renderer is asked to stop at its next step, and its job ends as
        Interrupted; if it does not stop within `STOP_GRACE_S`, its thread is given up on and the
        job stays unfinished. Every call waits for the end; only the first one returns jobs.
        """
        rest = self.queue.close()
        if self._state in (EngineState.STARTING, EngineState.READY, EngineState.PAINTING):
            loading = self._state is EngineState.STARTING or self.models.loading is not None
            self._enter(EngineState.DRAINING)
            # A model that is still loading is not worth waiting for: its thread is a daemon.
            if self._worker is not None and loading:
                self._worker.cancel()
        if self._worker is not None:
            await self._end_work(self._worker, limit_s)
        async with self._stopping:
            await self._close_renderer()
            if self._state in (EngineState.DRAINING, EngineState.DEFUNCT):
                self._enter(EngineState.STOPPED)
        self._decided.set()
        return rest

    async def _end_work(self, worker: asyncio.Task[None], limit_s: float | None) -> None:
        await asyncio.wait({worker}, timeout=limit_s)
        if worker.done():
            return
        if self._current is not None:
            self._current.interrupt()
            await asyncio.wait({worker}, timeout=STOP_GRACE_S)
        # A rendering that has just produced its picture cannot be cancelled any more.
        painting = self._current is not None and self._rendering is not None
        (self._rendering if painting and self._rendering else worker).cancel()
        await asyncio.wait({worker})

    async def _close_renderer(self) -> None:
        if self._thread is None:
            return
        lost = self._rendering is not None and self._rendering.cancelled()
        renderer = self.models.renderer
        if renderer is not None and self._state is EngineState.DRAINING and not lost:
            # What cannot be freed now is freed by the end of the process, which comes next.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(STOP_GRACE_S):
                    await self._thread.run(renderer.close)
        self._thread.close()

    def _enter(self, state: EngineState) -> None:
        if state not in ENGINE_TRANSITIONS[self._state]:
            raise RuntimeError(f"the engine cannot go from {self._state} to {state}")
        self._state = state

    def _fail(self, error: EngineError) -> None:
        self._failure = error
        self._enter(EngineState.DEFUNCT)
        self._failed.set()
        self._decided.set()

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        """Report any unexpected end of the worker: jobs would wait without end otherwise."""
        self._errands.end(QueueClosed("the engine stops"))
        working = (EngineState.STARTING, EngineState.READY, EngineState.PAINTING)
        if self._state not in working:
            return
        error = None if worker.cancelled() else worker.exception()
        failure = Defunct("the engine's own task ended unexpectedly")
        failure.__cause__ = error
        self._fail(failure)

    async def _work(self, thread: ExecutorThread) -> None:
        try:
            await self.models.use(thread, "")
        except ModelUnavailable as error:
            self._fail(error)
            return
        if self._state is EngineState.STARTING:
            self._enter(EngineState.READY)
        self._decided.set()
        while self._state is EngineState.READY:
            try:
                job = await self._next(thread)
            except QueueClosed:  # draining
                return
            if job is not None:
                await self._paint(thread, job)

    async def _next(self, thread: ExecutorThread) -> EngineJob | None:
        """Wait for the next job; after a long wait, free the memory for other programs.

        What was asked for while the last job was painted is done before; None if that was all.
        """
        if not self._errands:
            try:
                async with asyncio.timeout(self._idle_s):
                    await self.queue.wait()
            except TimeoutError:
                # Memory that cannot be freed now is freed the next time or never: no job fails.
                with contextlib.suppress(Exception):
                    await self.models.unload(thread)
                await self.queue.wait()
        await self._errands.run(thread)
        if self._state is not EngineState.READY or not self.queue.has_next:
            return None
        return await self.queue.take(self._preference())

    async def _between_jobs(self, errand: Errand) -> None:
        if self._state not in (EngineState.STARTING, EngineState.READY, EngineState.PAINTING):
            raise QueueClosed("the engine stops")
        done = self._errands.add(errand)
        self.queue.wake()
        await asyncio.shield(done)

    def _preference(self) -> Callable[[EngineJob], bool] | None:
        """Return whether a job is of the loaded model; None where nothing else can be loaded."""
        if not self.models.several:
            return None
        return lambda job: self.models.name_of(job.model) == self.models.loaded

    async def _paint(self, thread: ExecutorThread, job: EngineJob) -> None:
        self._current, self._rendering = job, None
        outcome: Sequence[Outcome] | EngineError | None
        try:
            inputs = await self._prepared(job)
            if isinstance(inputs, EngineError):
                outcome = inputs
            else:
                problem = await self._move_problem(thread, job)
                outcome = problem or await self._rendered(thread, job, inputs)
        finally:
            self._current = None
        if isinstance(outcome, Sequence):
            for each in outcome:
                if isinstance(each, Painted):
                    self.estimator.record(job.spec.request, each.duration_s)
        if self._state is EngineState.PAINTING:
            self._enter(EngineState.READY)
        if outcome is None and job.cancel_requested:
            outcome = Cancelled("withdrawn while painting")  # so it is not tried again
        if outcome is not None:
            job.finish(outcome)

    async def _prepared(self, job: EngineJob) -> EngineError | tuple[Raster, ...]:
        """Load a job's input pictures; return an error if it is not to be painted after all."""
        try:
            admitted = await job.spec.admit()
            if not admitted or job.cancel_requested:
                return Cancelled("withdrawn before painting")
            inputs = await job.spec.inputs()
        except EngineError as error:
            return error
        except Exception as error:
            return RenderFailed(f"{type(error).__name__}: {error}")
        if job.cancel_requested:
            return Cancelled("withdrawn before painting")
        return Interrupted("the engine stopped") if job.stop_requested.is_set() else inputs

    async def _move_problem(self, thread: ExecutorThread, job: EngineJob) -> EngineError | None:
        """Load the job's model if another one is loaded; return why it cannot be painted then."""
        try:
            await self.models.use(thread, job.model)
        except ModelUnavailable as error:
            # Each would unload the model that works, to fail in the same way.
            name = self.models.name_of(job.model)
            for other in self.queue.jobs():
                if self.models.name_of(other.model) == name:
                    self.queue.discard(other.id)
                    other.finish(error)
            if self.models.renderer is None:
                self._fail(Defunct("no model is loaded, and none can be"))
            return error
        except asyncio.CancelledError:
            job.finish(Interrupted("the engine stopped"))
            raise
        if job.cancel_requested:
            return Cancelled("withdrawn before painting")
        return Interrupted("the engine stopped") if job.stop_requested.is_set() else None

    @property
    def _renderer(self) -> Renderer:
        renderer = self.models.renderer
        assert renderer is not None
        return renderer

    async def _rendered(
        self, thread: ExecutorThread, job: EngineJob, inputs: tuple[Raster, ...]
    ) -> Sequence[Outcome] | EngineError | None:
        """Return the outcome of each picture, or of the whole job; None leaves the job unfinished,
        for the next process."""
        if self._state is EngineState.READY:
            self._enter(EngineState.PAINTING)
        spec = job.spec
        self.models.painting()
        self._hear(job, Progress(0, spec.request.forwards * spec.count))
        batch = [
            RenderTask(request, job.stop_requested, spec.replay, inputs, spec.previews)
            for request in series(spec.request, spec.count)
        ]
        step = _reporter(asyncio.get_running_loop(), partial(self._hear, job), spec.count)
        rendering = thread.run(partial(self._renderer.render, batch, on_step=step))
        self._rendering = rendering
        stall_s = self._stall_s
        if not await self._ended(rendering, stall_s):
            outcomes: Sequence[Outcome] = [Defunct(f"no step for {stall_s:g} s")]
        elif rendering.cancelled():
            return None
        else:
            try:
                outcomes = rendering.result()
            except Exception as error:
                return RenderFailed(f"{type(error).__name__}: {error}")
            if len(outcomes) != len(batch):
                return RenderFailed(f"{len(outcomes)} outcomes of {len(batch)} pictures")
        return self._judged(job, outcomes)

    def _judged(
        self, job: EngineJob, outcomes: Sequence[Outcome]
    ) -> Sequence[Outcome] | EngineError | None:
        """Return the outcomes, unless one of them ends the whole job, whatever came before it."""
        for outcome in outcomes:
            if isinstance(outcome, ModelUnavailable) and self.models.several:
                continue  # of this model alone
            if isinstance(outcome, Defunct | ModelUnavailable):
                # A lost device, or the only model was unloaded and no longer exists. In the
                # database the job is "painting", and the next process tries it once more.
                self._fail(outcome)
                return None
        for outcome in outcomes:
            if isinstance(outcome, Cancelled | Interrupted):
                if job.cancel_requested:
                    return Cancelled("withdrawn while painting")
                return Interrupted("the engine stopped")
        return outcomes

    async def _ended(self, rendering: asyncio.Future[list[Outcome]], stall_s: float | None) -> bool:
        """Wait until the renderer returns; False if it hangs and was given up on."""
        loop = asyncio.get_running_loop()
        while not rendering.done():
            left_s = None if stall_s is None else self._heard_s + stall_s - loop.time()
            if left_s is not None and left_s <= 0:
                rendering.cancel()
                return False
            await asyncio.wait({rendering}, timeout=left_s)
        return True

    def _hear(self, job: EngineJob, progress: Progress) -> None:
        self._heard_s = asyncio.get_running_loop().time()
        job.report(progress)


def _sum(*seconds: float | None) -> float | None:
    """Return the sum; None if a part of it is not known."""
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


def _reporter(
    loop: asyncio.AbstractEventLoop, report: Callable[[Progress], None], count: int
) -> Callable[[int, Progress], None]:
    """Return a step callback for the painting thread that reports on the loop's thread.

    count: how many pictures progress is counted over; they are painted one after another.
    """

    def on_step(row: int, progress: Progress) -> None:
        done = row * progress.steps + progress.step
        post(loop, report, Progress(done, count * progress.steps, progress.preview))

    return on_step
