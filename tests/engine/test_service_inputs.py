"""Input pictures are loaded with their job, and an idle renderer frees its memory."""

from __future__ import annotations

import asyncio
import threading

import pytest

from engine.engine_states import EngineState
from engine.errors import Cancelled, InputUnfit, ModelNotFound, RenderFailed
from engine.job import JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Raster
from tests.fakes import ScriptedRenderer, a_request, until

PICTURE = Raster(1, 1, b"abc")


async def inputs() -> tuple[Raster, ...]:
    return (PICTURE,)


async def test_inputs_are_fetched_when_it_is_their_turn(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """The renderer gets the pictures, which are not in memory while the job waits."""
    fetched: list[int] = []

    async def fetch() -> tuple[Raster, ...]:
        fetched.append(1)
        return (PICTURE,)

    painter.hold()
    with engine.reserve(1, 1) as slot:
        first = engine.submit(slot, JobSpec(1, a_request("one")))
    with engine.reserve(1, 1) as slot:
        second = engine.submit(slot, JobSpec(2, a_request("two"), inputs=fetch))
    await until(lambda: engine.current is first)
    assert fetched == []
    painter.release()
    await second.result()
    assert painter.inputs == [(), (PICTURE,)] and fetched == [1]


@pytest.mark.parametrize(
    ("error", "kind"), [(InputUnfit([], [(1, 1)]), InputUnfit), (OSError("gone"), RenderFailed)]
)
async def test_inputs_that_cannot_be_had_fail_their_job_alone(
    engine: Engine, painter: ScriptedRenderer, error: Exception, kind: type[Exception]
) -> None:
    """The job ends with the error; the next one is painted."""

    async def fail() -> tuple[Raster, ...]:
        raise error

    with engine.reserve(1, 1) as slot:
        job = engine.submit(slot, JobSpec(1, a_request(), inputs=fail))
    with pytest.raises(kind):
        await job.result()
    with engine.reserve(1, 1) as slot:
        await engine.submit(slot, JobSpec(2, a_request())).result()
    assert len(painter.painted) == 1


async def test_a_job_taken_back_while_its_inputs_are_fetched_is_not_painted(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A job cancelled while its inputs are loaded never reaches the renderer."""
    gate = asyncio.Event()

    async def slow() -> tuple[Raster, ...]:
        await gate.wait()
        return (PICTURE,)

    with engine.reserve(1, 1) as slot:
        job = engine.submit(slot, JobSpec(1, a_request(), inputs=slow))
    await until(lambda: engine.current is job)
    engine.cancel(job)
    gate.set()
    with pytest.raises(Cancelled):
        await job.result()
    assert painter.painted == []


async def test_an_idle_painter_gives_its_memory_back_once(painter: ScriptedRenderer) -> None:
    """After a while without a job the renderer is asked once, and the next job is painted."""
    engine = Engine(painter.load, bounds=Bounds(5), idle_s=0.02)
    engine.start()
    await until(lambda: painter.unloaded == 1)
    await asyncio.sleep(0.1)
    assert painter.unloaded == 1
    with engine.reserve(1, 1) as slot:
        await engine.submit(slot, JobSpec(1, a_request())).result()
    await until(lambda: painter.unloaded == 2)
    await engine.drain()


async def test_without_a_limit_the_memory_stays(engine: Engine, painter: ScriptedRenderer) -> None:
    """By default the memory is kept."""
    await engine.ready()
    await asyncio.sleep(0.1)
    assert painter.unloaded == 0


async def test_trouble_with_giving_back_harms_nobody(
    painter: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renderer that fails to free its memory still paints the next job."""

    def fail() -> None:
        painter.unloaded += 1
        raise RuntimeError("stuck")

    monkeypatch.setattr(painter, "unload", fail)
    engine = Engine(painter.load, bounds=Bounds(5), idle_s=0.02)
    engine.start()
    await until(lambda: painter.unloaded == 1)
    with engine.reserve(1, 1) as slot:
        await engine.submit(slot, JobSpec(1, a_request())).result()
    await engine.drain()


async def test_a_model_that_does_not_come_back_ends_the_engine(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A renderer that cannot load its model again is lost; the job is left to the next start."""
    painter.failures["a red boat"] = ModelNotFound("gone", "no such folder")
    with engine.reserve(1, 1) as slot:
        job = engine.submit(slot, JobSpec(1, a_request("a red boat")))
    assert isinstance(await engine.failure(), ModelNotFound)
    assert not job.done and engine.state is EngineState.DEFUNCT


async def test_a_stop_does_not_wait_for_memory_that_is_given_back(
    painter: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renderer that hangs while it frees its memory does not keep the engine from stopping."""
    gate = threading.Event()

    def hang() -> None:
        painter.unloaded += 1
        gate.wait(20)

    monkeypatch.setattr(painter, "unload", hang)
    engine = Engine(painter.load, bounds=Bounds(5), idle_s=0.02)
    engine.start()
    with engine.reserve(1, 1) as slot:
        await engine.submit(slot, JobSpec(1, a_request())).result()
    await until(lambda: painter.unloaded == 1)
    draining = asyncio.create_task(engine.drain(limit_s=0.05))
    await until(lambda: engine.state is EngineState.DRAINING)
    await asyncio.sleep(0.2)
    gate.set()
    async with asyncio.timeout(5):
        await draining
    assert engine.state is EngineState.STOPPED
