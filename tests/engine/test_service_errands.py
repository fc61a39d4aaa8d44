"""Pausing the engine, and what is done to its models between two jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.engine_states import EngineState
from engine.errors import ModelUnavailable, QueueClosed
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.service import Engine
from tests.fakes import ScriptedRenderer, a_request, until


def order(engine: Engine, number: int, model: str = "") -> EngineJob:
    """Put a job into the queue."""
    slot = engine.reserve(1, 2)
    return engine.submit(slot, JobSpec(number, a_request(f"picture {number}", model=model)))


@pytest.fixture
def painter() -> ScriptedRenderer:
    """A renderer that paints at once unless a test holds it."""
    return ScriptedRenderer()


@pytest.fixture
async def engine(painter: ScriptedRenderer) -> AsyncIterator[Engine]:
    """A running engine with a second model, which cannot be loaded at first."""

    def broken() -> ScriptedRenderer:
        if fails:
            raise ModelUnavailable("other", fails.pop())
        return painter

    fails = ["no such file"]
    engine = Engine(painter.load, bounds=Bounds(10), default="first", others={"other": broken})
    engine.start()
    await engine.ready()
    yield engine
    painter.release()
    await engine.drain(0.0)


async def test_a_pause_keeps_what_waits(engine: Engine, painter: ScriptedRenderer) -> None:
    """The present job is finished, no other is begun, and all are painted after `resume`."""
    painter.hold()
    first, second = order(engine, 1), order(engine, 2)
    await until(lambda: engine.state is EngineState.PAINTING)
    engine.pause()
    painter.release()
    await first.result()
    third = order(engine, 3)
    await asyncio.sleep(0.05)
    assert engine.state is EngineState.READY and engine.queue.position(3) == 1
    assert engine.waiting_s(2) is None and not second.done
    engine.resume()
    await asyncio.gather(second.result(), third.result())
    assert [each.prompt[-1] for each in painter.painted] == ["1", "2", "3"]


async def test_a_paused_engine_stops(engine: Engine) -> None:
    """Draining a paused engine ends it and returns what waits."""
    engine.pause()
    waiting = order(engine, 1)
    assert await engine.drain() == [waiting] and engine.state is EngineState.STOPPED


async def test_memory_is_freed_between_two_jobs(engine: Engine, painter: ScriptedRenderer) -> None:
    """Not while a picture is painted, and before the next one begins; at once while nothing is."""
    await engine.unload()
    assert painter.unloaded == 1 and engine.models.in_memory is None
    painter.hold()
    jobs = [order(engine, 1), order(engine, 2)]
    await until(lambda: engine.current is jobs[0])
    freeing = asyncio.ensure_future(engine.unload())
    await asyncio.sleep(0.05)
    assert not freeing.done()
    painter.step(3)
    await freeing
    assert painter.unloaded == 2 and len(painter.painted) == 1
    painter.release()
    await jobs[1].result()
    assert engine.models.in_memory == "first"


async def test_a_model_is_loaded_on_demand(engine: Engine) -> None:
    """An error is that of who asked alone; asking again tries again, although it just failed."""
    with pytest.raises(ModelUnavailable, match="no such file"):
        await engine.load("other")
    assert engine.models.loaded == "first" and engine.models.broken == ("other",)
    await order(engine, 1).result()
    await engine.load("other")
    assert engine.models.loaded == "other" and engine.models.broken == ()


async def test_a_stopped_engine_does_nothing(engine: Engine, painter: ScriptedRenderer) -> None:
    """What was asked for before the end, and after it, is refused."""
    painter.hold()
    order(engine, 1)
    await until(lambda: engine.current is not None)
    freeing = asyncio.ensure_future(engine.unload())
    await asyncio.sleep(0)
    await engine.drain(0.0)
    for asked in (freeing, engine.unload(), engine.load("other")):
        with pytest.raises(QueueClosed):
            await asked
    assert painter.unloaded == 0
