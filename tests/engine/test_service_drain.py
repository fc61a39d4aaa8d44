"""Stopping finishes the picture on the GPU, returns the waiting jobs, and blocks nobody."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from engine.engine_states import EngineState
from engine.errors import Cancelled, Defunct, Interrupted, QueueClosed
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.renderer import Outcome, RenderTask
from engine.service import Engine
from engine.types import Progress
from tests.fakes import ScriptedRenderer, a_request, until

GRACE_S = 0.3


def order(engine: Engine, number: int, user: int = 1) -> EngineJob:
    return engine.submit(engine.reserve(user, 0), JobSpec(number, a_request()))


async def test_drain_finishes_the_picture_and_hands_back_the_rest() -> None:
    """The job on the GPU gets its picture; the waiting ones come back open, in their order."""
    painter = ScriptedRenderer()
    engine = Engine(painter.load, bounds=Bounds(9))
    engine.start()
    painter.hold()
    first = order(engine, 1)
    await until(lambda: engine.current is first)
    b, c, d = order(engine, 2), order(engine, 3), order(engine, 4, user=2)
    draining = asyncio.create_task(engine.drain())
    await until(lambda: engine.state is EngineState.DRAINING)
    with pytest.raises(QueueClosed):
        engine.reserve(1, 0)
    assert not draining.done()
    painter.release()
    assert await asyncio.wait_for(draining, 10) == [b, d, c]
    await first.result()
    assert not any(job.done for job in (b, c, d))
    assert len(painter.painted) == 1
    assert engine.state is EngineState.STOPPED


async def test_drain_while_loading_returns_at_once() -> None:
    """A model that is still loading is not waited for, and `ready` does not hang."""
    gate = threading.Event()

    def load() -> ScriptedRenderer:
        gate.wait(30)
        return ScriptedRenderer()

    engine = Engine(load, bounds=Bounds(2))
    engine.start()
    ready = asyncio.create_task(engine.ready())
    job = order(engine, 1)
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(engine.drain(), 2) == [job]
    assert engine.state is EngineState.STOPPED
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(ready, 2)
    gate.set()


async def test_drain_when_idle() -> None:
    """An idle engine stops and frees its renderer."""
    painter = ScriptedRenderer()
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    await engine.ready()
    assert await asyncio.wait_for(engine.drain(), 10) == []
    assert painter.closed
    assert engine.state is EngineState.STOPPED


async def test_drain_before_start() -> None:
    """An engine that never started stops as well, and returns the submitted jobs."""
    engine = Engine(ScriptedRenderer().load, bounds=Bounds(2))
    job = order(engine, 1)
    assert await engine.drain() == [job]
    assert engine.state is EngineState.STOPPED


async def test_draining_twice_at_once() -> None:
    """Two callers may drain: both wait for the end, one gets the jobs, the renderer closes once."""
    painter = ScriptedRenderer()
    closed: list[int] = []
    painter.close = lambda: closed.append(1)  # type: ignore[method-assign]
    engine = Engine(painter.load, bounds=Bounds(9))
    engine.start()
    painter.hold()
    first = order(engine, 1)
    await until(lambda: engine.current is first)
    waiting = order(engine, 2)
    drains = [asyncio.create_task(engine.drain()) for _ in range(2)]
    await asyncio.sleep(0.01)
    painter.release()
    answers = await asyncio.wait_for(asyncio.gather(*drains), 10)
    assert answers == [[waiting], []]
    assert closed == [1]
    assert await asyncio.wait_for(engine.drain(), 2) == []


async def test_drain_during_admission_paints_that_job() -> None:
    """A job that is being admitted counts as started: it is painted, not returned."""
    engine = Engine(ScriptedRenderer().load, bounds=Bounds(2))
    engine.start()
    answer = asyncio.Event()

    async def admit() -> bool:
        return await answer.wait()

    job = engine.submit(engine.reserve(1, 0), JobSpec(1, a_request(), admit=admit))
    await until(lambda: engine.current is job)
    draining = asyncio.create_task(engine.drain())
    await asyncio.sleep(0.01)
    answer.set()
    assert await asyncio.wait_for(draining, 10) == []
    await job.result()


async def test_a_painter_that_cannot_be_closed_stops_nothing() -> None:
    """If freeing the device fails, the engine stops all the same."""
    painter = ScriptedRenderer()

    def close() -> None:
        raise RuntimeError("CUDA error")

    painter.close = close  # type: ignore[method-assign]
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    await engine.ready()
    await asyncio.wait_for(engine.drain(), 10)
    assert engine.state is EngineState.STOPPED


async def test_a_device_lost_while_draining() -> None:
    """A lost device during the last picture ends the drain too, and leaves that job open."""
    painter = ScriptedRenderer()
    painter.failures["a red boat"] = Defunct("CUDA error")
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    painter.hold()
    job = order(engine, 1)
    await until(lambda: engine.current is job)
    draining = asyncio.create_task(engine.drain())
    await until(lambda: engine.state is EngineState.DRAINING)
    painter.release()
    await asyncio.wait_for(draining, 10)
    assert engine.state is EngineState.STOPPED
    assert not job.done
    assert isinstance(await engine.failure(), Defunct)


def test_a_loop_closed_while_painting_is_survived() -> None:
    """The painting thread finishes its picture silently when the loop is gone before it."""
    painter = ScriptedRenderer()
    troubles: list[object] = []
    before, threading.excepthook = threading.excepthook, troubles.append

    async def leave_in_the_middle() -> None:
        engine = Engine(painter.load, bounds=Bounds(2))
        engine.start()
        painter.hold()
        job = order(engine, 1)
        await until(lambda: engine.current is job and job.latest is not None)

    async def painted() -> None:
        await until(lambda: painter.painted)

    try:
        asyncio.run(leave_in_the_middle())
        painter.release()
        asyncio.run(painted())
    finally:
        threading.excepthook = before
    assert troubles == []


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A renderer that was asked to stop gets only a short grace."""
    monkeypatch.setattr("engine.service.STOP_GRACE_S", GRACE_S)


async def painting(painter: ScriptedRenderer) -> tuple[Engine, EngineJob]:
    """An engine whose renderer is blocked in the middle of a job."""
    engine = Engine(painter.load, bounds=Bounds(9))
    engine.start()
    painter.hold()
    job = order(engine, 1)
    painter.step()
    await until(lambda: job.latest and job.latest.step == 1)
    return engine, job


async def test_after_its_limit_a_drain_interrupts() -> None:
    """A picture that takes too long stops at its next step; it ends as Interrupted, not Cancelled,
    and waiting jobs come back open."""
    painter = ScriptedRenderer()
    engine, job = await painting(painter)
    waiting = order(engine, 2)
    draining = asyncio.create_task(engine.drain(0.05))
    await asyncio.sleep(0.02)
    assert not job.stop_requested.is_set()
    await until(job.stop_requested.is_set)
    assert not job.done
    painter.step()
    assert await asyncio.wait_for(draining, 5) == [waiting]
    with pytest.raises(Interrupted):
        await job.result()
    assert not waiting.done
    assert not job.cancel_requested
    assert painter.closed
    assert engine.state is EngineState.STOPPED


async def test_a_picture_within_the_limit_is_finished() -> None:
    """A drain with a limit does not interrupt what finishes within it."""
    painter = ScriptedRenderer()
    engine, job = await painting(painter)
    draining = asyncio.create_task(engine.drain(20))
    await until(lambda: engine.state is EngineState.DRAINING)
    painter.release()
    assert await asyncio.wait_for(draining, 5) == []
    await job.result()


@pytest.mark.parametrize("when", ["before the drain", "after its limit"])
async def test_a_cancellation_outdoes_the_interruption(when: str) -> None:
    """A job that its user cancelled is not painted at the next start."""
    painter = ScriptedRenderer()
    engine, job = await painting(painter)
    if when == "before the drain":
        engine.cancel(job)
    draining = asyncio.create_task(engine.drain(0))
    await until(job.stop_requested.is_set)
    if when == "after its limit":
        engine.cancel(job)
    painter.step()
    await asyncio.wait_for(draining, 5)
    with pytest.raises(Cancelled):
        await job.result()


@pytest.mark.usefixtures("short_grace")
async def test_a_painter_that_does_not_stop_is_left_behind() -> None:
    """Past the grace the thread is given up on: the job stays open, and the drain returns."""
    painter = ScriptedRenderer()
    engine, job = await painting(painter)
    await asyncio.wait_for(engine.drain(0), 2)
    assert engine.state is EngineState.STOPPED
    assert not job.done
    painter.release()
    assert engine._thread is not None
    await asyncio.to_thread(engine._thread._thread.join, 10)
    assert not painter.closed  # nothing was waiting for the thread to return


class DeafPainter(ScriptedRenderer):
    """Waits for its gate, and then paints whether it was asked to stop or not."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Progress], None]
    ) -> list[Outcome]:
        self.gate.wait(10)
        deaf = [RenderTask(task.request, threading.Event()) for task in batch]
        return super().render(deaf, on_step=on_step)


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 1.0, 1.05])
async def test_a_picture_is_kept_or_open_and_nothing_in_between(share: float) -> None:
    """Whenever the picture arrives around the end of the grace, it counts or the job stays open."""
    painter = DeafPainter()
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    job = order(engine, 1)
    await until(lambda: job.latest is not None)
    threading.Timer(share * GRACE_S, painter.gate.set).start()
    await asyncio.wait_for(engine.drain(0), 5)
    assert engine.state is EngineState.STOPPED
    if job.done:
        await job.result()
    assert job.done or share > 0


@pytest.mark.usefixtures("short_grace")
async def test_a_picture_of_the_very_last_moment_is_painted() -> None:
    """A picture within the grace counts even if the loop sees both ends at once."""
    painter = DeafPainter()
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    job = order(engine, 1)
    await until(lambda: job.latest is not None)
    draining = asyncio.create_task(engine.drain(0))
    await until(job.stop_requested.is_set)
    painter.gate.set()
    time.sleep(GRACE_S * 1.5)  # noqa: ASYNC251  the loop is to be late
    await asyncio.wait_for(draining, 5)
    await job.result()


@pytest.mark.usefixtures("short_grace")
@pytest.mark.parametrize("answers", [True, False])
async def test_a_limit_holds_for_an_admission_too(answers: bool) -> None:
    """A job that is being admitted is interrupted unpainted, or left open if admission never
    returns; also after another was painted."""
    painter, answer = ScriptedRenderer(), asyncio.Event()
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    await order(engine, 0).result()

    async def admit() -> bool:
        return await answer.wait()

    job = engine.submit(engine.reserve(1, 0), JobSpec(1, a_request(), admit=admit))
    await until(lambda: engine.current is job)
    draining = asyncio.create_task(engine.drain(0))
    await until(job.stop_requested.is_set)
    if answers:
        answer.set()
    await asyncio.wait_for(draining, 5)
    assert engine.state is EngineState.STOPPED
    assert len(painter.painted) == 1
    assert job.done == answers
    if answers:
        with pytest.raises(Interrupted):
            await job.result()


@pytest.mark.usefixtures("short_grace")
async def test_a_painter_that_never_closes_holds_up_nothing() -> None:
    """If freeing the device hangs, the engine stops all the same."""
    painter, gate = ScriptedRenderer(), threading.Event()
    painter.close = lambda: gate.wait(10)  # type: ignore[method-assign]
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    await engine.ready()
    await asyncio.wait_for(engine.drain(), 5)
    assert engine.state is EngineState.STOPPED
    gate.set()
