"""Stopping: what is on the GPU is finished, what waits is handed back, nobody is kept waiting."""

import asyncio
import threading

import pytest

from engine.errors import Defunct, QueueClosed
from engine.job import Job, JobSpec
from engine.service import Engine
from engine.types import EngineState
from tests.fakes import ScriptedRenderer, a_request, until


def order(engine: Engine, number: int, user: int = 1) -> Job:
    return engine.submit(engine.reserve(user, 0), JobSpec(number, a_request()))


async def test_drain_finishes_the_picture_and_hands_back_the_rest() -> None:
    """The job on the GPU gets its picture; the waiting ones come back open, in their order."""
    painter = ScriptedRenderer()
    engine = Engine(painter.load, queue_limit=9)
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
    """A model that is still loading is not waited for, and `ready` does not hang for ever."""
    gate = threading.Event()

    def load() -> ScriptedRenderer:
        gate.wait(30)
        return ScriptedRenderer()

    engine = Engine(load, queue_limit=2)
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
    """An engine with nothing to do stops and frees its painter."""
    painter = ScriptedRenderer()
    engine = Engine(painter.load, queue_limit=2)
    engine.start()
    await engine.ready()
    assert await asyncio.wait_for(engine.drain(), 10) == []
    assert painter.closed
    assert engine.state is EngineState.STOPPED


async def test_drain_before_start() -> None:
    """An engine that never began stops as well, and hands back what was ordered."""
    engine = Engine(ScriptedRenderer().load, queue_limit=2)
    job = order(engine, 1)
    assert await engine.drain() == [job]
    assert engine.state is EngineState.STOPPED


async def test_draining_twice_at_once() -> None:
    """Two callers may drain: both wait for the end, one gets the jobs, the painter closes once."""
    painter = ScriptedRenderer()
    closed: list[int] = []
    painter.close = lambda: closed.append(1)  # type: ignore[method-assign]
    engine = Engine(painter.load, queue_limit=9)
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
    """A job that is being admitted is already begun: it is painted, not handed back."""
    engine = Engine(ScriptedRenderer().load, queue_limit=2)
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
    """Freeing the device may fail: the engine is stopped all the same."""
    painter = ScriptedRenderer()

    def close() -> None:
        raise RuntimeError("CUDA error")

    painter.close = close  # type: ignore[method-assign]
    engine = Engine(painter.load, queue_limit=2)
    engine.start()
    await engine.ready()
    await asyncio.wait_for(engine.drain(), 10)
    assert engine.state is EngineState.STOPPED


async def test_a_device_lost_while_draining() -> None:
    """A lost device during the last picture ends the drain too, and leaves that job open."""
    painter = ScriptedRenderer()
    painter.failures["a red boat"] = Defunct("CUDA error")
    engine = Engine(painter.load, queue_limit=2)
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
    """The painting thread finishes its picture quietly when the loop is gone before it."""
    painter = ScriptedRenderer()
    troubles: list[object] = []
    before, threading.excepthook = threading.excepthook, troubles.append

    async def leave_in_the_middle() -> None:
        engine = Engine(painter.load, queue_limit=2)
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
