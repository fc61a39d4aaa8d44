"""The engine: its states, the executor thread, and the way of a job through both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

from engine.errors import (
    Cancelled,
    Defunct,
    EngineError,
    ModelUnavailable,
    QueueClosed,
    RenderFailed,
)
from engine.estimate import Estimator
from engine.executor import ExecutorThread, post
from engine.job import Job, JobSpec
from engine.queue import FairQueue, Slot
from engine.renderer import Outcome, Renderer, RendererFactory, RenderTask
from engine.types import ENGINE_TRANSITIONS, EngineState, ModelInfo, Painted, Progress


class Engine:
    """Takes jobs from a bounded queue and paints them one at a time on a thread of its own.

    Lives on the event loop's thread. `start` returns at once; the model loads meanwhile and jobs
    wait. After `drain` nothing new is begun. When the model cannot be loaded or the device is
    lost, `failure` resolves and everything still waiting stays unfinished for the next start.
    """

    def __init__(self, load: RendererFactory, *, queue_limit: int) -> None:
        self._load = load
        self.queue = FairQueue(queue_limit)
        self.estimator = Estimator()
        self._state = EngineState.STARTING
        self._thread: ExecutorThread | None = None
        self._renderer: Renderer | None = None
        self._worker: asyncio.Task[None] | None = None
        self._current: Job | None = None
        # Set once `ready` has its answer: loaded, failed, or stopped before either.
        self._decided = asyncio.Event()
        self._failure: EngineError | None = None
        self._failed = asyncio.Event()
        self._stopping = asyncio.Lock()

    @property
    def state(self) -> EngineState:
        """Where the engine is in its life."""
        return self._state

    @property
    def info(self) -> ModelInfo | None:
        """What is loaded; None until it is."""
        return self._renderer.info if self._renderer else None

    @property
    def current(self) -> Job | None:
        """The job on the GPU."""
        return self._current

    def start(self) -> None:
        """Begin to load the model and to take jobs. Raises RuntimeError when called twice, or
        after `drain`."""
        if self._worker is not None or self._state is not EngineState.STARTING:
            raise RuntimeError("the engine was started or stopped before")
        self._thread = ExecutorThread("painter")
        self._worker = asyncio.create_task(self._work(self._thread), name="engine")
        self._worker.add_done_callback(self._worker_ended)

    async def ready(self) -> ModelInfo:
        """Wait until the model is loaded.

        Raises ModelUnavailable if it never will be, Defunct once the device is lost, QueueClosed
        when the engine was drained before the model was there.
        """
        await self._decided.wait()
        if self._failure is not None:
            raise self._failure
        if self._renderer is None:
            raise QueueClosed("the engine stopped before its model was loaded")
        return self._renderer.info

    async def failure(self) -> EngineError:
        """Wait until the engine is beyond help; ModelUnavailable or Defunct."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    def reserve(self, user_id: int, guild_id: int, *, beyond_limit: bool = False) -> Slot:
        """Hold a place in the queue. Raises QueueFull or QueueClosed at once."""
        return self.queue.reserve(user_id, guild_id, beyond_limit=beyond_limit)

    def submit(self, slot: Slot, spec: JobSpec) -> Job:
        """Fill the held place and hand back the job."""
        job = Job(spec, slot.user_id, slot.guild_id)
        slot.fill(job)
        return job

    def waiting_s(self, job_id: int) -> float | None:
        """Seconds until this job's picture, by measured speed; None if nothing is known."""
        position = self.queue.position(job_id)
        waiting = self.queue.get(job_id)
        if position is None or waiting is None:
            return None
        # Jobs ahead are taken to be like this one: nearly all requests are of the default size.
        work = waiting.spec.request.work * (position + 1)
        if self._current is not None:
            done = self._current.latest
            left = 1.0 if done is None else 1 - done.step / done.steps
            work += self._current.spec.request.work * left
        return self.estimator.seconds(work)

    def count_tokens(self, text: str) -> int | None:
        """How many tokens the model would read of a prompt; None until it is loaded."""
        return None if self._renderer is None else self._renderer.count_tokens(text)

    def cancel(self, job: Job) -> None:
        """Cancel a job: at once while it waits, at its next step while it paints."""
        if self.queue.get(job.id) is job:  # its id may belong to a later attempt by now
            self.queue.discard(job.id)
        job.cancel()

    async def drain(self) -> list[Job]:
        """Take nothing more, finish what is on the GPU, stop; hand back what still waits.

        Every call waits for the end; only the first one has jobs to hand back.
        """
        rest = self.queue.close()
        if self._state in (EngineState.STARTING, EngineState.READY, EngineState.PAINTING):
            loading = self._state is EngineState.STARTING
            self._enter(EngineState.DRAINING)
            # A model that is still loading is not worth waiting for: its thread is a daemon.
            if self._worker is not None and loading:
                self._worker.cancel()
        if self._worker is not None:
            await asyncio.wait({self._worker})
        async with self._stopping:
            await self._close_renderer()
            if self._state in (EngineState.DRAINING, EngineState.DEFUNCT):
                self._enter(EngineState.STOPPED)
        self._decided.set()
        return rest

    async def _close_renderer(self) -> None:
        if self._thread is None:
            return
        if self._renderer is not None and self._state is EngineState.DRAINING:
            # What cannot be freed now is freed by the end of the process, which comes next.
            with contextlib.suppress(Exception):
                await self._thread.run(self._renderer.close)
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
        """Nothing may end the worker unseen: jobs would wait for ever."""
        working = (EngineState.STARTING, EngineState.READY, EngineState.PAINTING)
        if self._state not in working:
            return
        error = None if worker.cancelled() else worker.exception()
        failure = Defunct("the engine's own task ended unexpectedly")
        failure.__cause__ = error
        self._fail(failure)

    async def _work(self, thread: ExecutorThread) -> None:
        try:
            self._renderer = await thread.run(self._load)
        except ModelUnavailable as error:
            self._fail(error)
            return
        except Exception as error:  # whatever a broken model makes a library raise
            self._fail(ModelUnavailable("", f"{type(error).__name__}: {error}"))
            return
        if self._state is EngineState.STARTING:
            self._enter(EngineState.READY)
        self._decided.set()
        while self._state is EngineState.READY:
            try:
                job = await self.queue.take()
            except EngineError:  # closed: draining
                return
            await self._paint(thread, job)

    async def _paint(self, thread: ExecutorThread, job: Job) -> None:
        self._current = job
        try:
            outcome = await self._outcome(thread, job)
        finally:
            self._current = None
        if isinstance(outcome, Painted):
            self.estimator.record(job.spec.request, outcome.duration_s)
        if self._state is EngineState.PAINTING:
            self._enter(EngineState.READY)
        if isinstance(outcome, Defunct):
            # The job stays unsettled on purpose: in the database it is "painting", and the next
            # process tries it once more.
            self._fail(outcome)
            return
        job.finish(outcome)

    async def _outcome(self, thread: ExecutorThread, job: Job) -> Outcome:
        try:
            admitted = await job.spec.admit()
        except Exception as error:
            return RenderFailed(f"{type(error).__name__}: {error}")
        if not admitted or job.cancel_requested.is_set() or job.done:
            return Cancelled("withdrawn before painting")
        if self._state is EngineState.READY:
            self._enter(EngineState.PAINTING)
        job.report(Progress(0, job.spec.request.steps))
        task = RenderTask(job.spec.request, job.cancel_requested, job.spec.replay)
        assert self._renderer is not None
        step = _reporter(asyncio.get_running_loop(), job)
        try:
            (outcome,) = await thread.run(partial(self._renderer.render, [task], on_step=step))
        except Exception as error:
            return RenderFailed(f"{type(error).__name__}: {error}")
        return outcome


def _reporter(loop: asyncio.AbstractEventLoop, job: Job) -> Callable[[int, Progress], None]:
    """A step callback for the painting thread that reports on the loop's thread."""

    def on_step(_row: int, progress: Progress) -> None:
        post(loop, job.report, progress)

    return on_step
