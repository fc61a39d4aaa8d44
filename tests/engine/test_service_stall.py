"""A renderer that hangs is detected: the engine ends, and the job is left to the next process."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from engine.engine_states import EngineState
from engine.errors import Cancelled, Defunct, QueueFull
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.service import Engine, EngineLimits
from tests.fakes import ScriptedRenderer, a_request, until

STALL_S = 0.6


@pytest.fixture
async def painter() -> AsyncIterator[ScriptedRenderer]:
    made = ScriptedRenderer()
    yield made
    made.release()


@pytest.fixture
async def engine(painter: ScriptedRenderer) -> AsyncIterator[Engine]:
    made = Engine(painter.load, bounds=Bounds(20), stall_s=STALL_S)
    made.start()
    yield made
    painter.release()
    await made.drain()


def order(engine: Engine, number: int, steps: int = 3) -> EngineJob:
    return engine.submit(engine.reserve(1, 0), JobSpec(number, a_request(steps=steps)))


async def test_a_painter_without_a_step_is_given_up_on(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """`failure` resolves, all jobs stay open for the next process, nobody waits for the thread."""
    painter.hold()
    job, waiting = order(engine, 1), order(engine, 2)
    painter.step()
    error = await asyncio.wait_for(engine.failure(), 10)
    assert isinstance(error, Defunct)
    assert str(error) == "no step for 0.6 s"
    assert engine.state is EngineState.DEFUNCT
    assert await asyncio.wait_for(engine.drain(), 2) == [waiting]
    assert engine.state is EngineState.STOPPED
    assert not job.done
    assert not waiting.done
    assert not painter.closed


async def test_a_picture_keeps_the_limit_that_it_began_with(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A limit that is changed while a picture is painted holds for the next one, and so do the
    bounds of the queue for the next jobs."""
    painter.hold()
    job = order(engine, 1)
    await until(lambda: job.latest is not None)
    waiting = order(engine, 2)
    engine.change_limits(EngineLimits(Bounds(1), stall_s=None, idle_s=None))
    with pytest.raises(QueueFull):
        engine.reserve(2, 0)
    assert isinstance(await asyncio.wait_for(engine.failure(), 10), Defunct)
    assert not job.done and not waiting.done


async def test_every_step_begins_the_time_anew(engine: Engine, painter: ScriptedRenderer) -> None:
    """A slow picture is painted even if it takes longer than the limit for one step."""
    painter.hold()
    job = order(engine, 1, steps=6)
    began_s = time.monotonic()
    for step in range(6):
        await until(lambda step=step: job.latest and job.latest.step == step)
        await asyncio.sleep(STALL_S / 4)
        painter.step()
    await job.result()
    assert time.monotonic() - began_s > STALL_S
    assert engine.state is EngineState.READY


async def test_loading_and_admission_are_not_steps() -> None:
    """A long loading time or a long admission does not count as a hung renderer."""
    painter = ScriptedRenderer()

    def load() -> ScriptedRenderer:
        time.sleep(STALL_S * 1.3)
        return painter

    async def admit() -> bool:
        await asyncio.sleep(STALL_S * 1.3)
        return True

    engine = Engine(load, bounds=Bounds(2), stall_s=STALL_S)
    engine.start()
    job = engine.submit(engine.reserve(1, 0), JobSpec(1, a_request(), admit=admit))
    await job.result()
    await engine.drain()


async def test_without_a_limit_a_painter_has_all_the_time(painter: ScriptedRenderer) -> None:
    """stall_s = None waits for a step without limit."""
    engine = Engine(painter.load, bounds=Bounds(2))
    engine.start()
    painter.hold()
    job = order(engine, 1)
    await asyncio.sleep(STALL_S)
    assert engine.state is EngineState.PAINTING
    painter.release()
    await job.result()
    await engine.drain()


async def test_a_hung_job_that_was_taken_back_is_cancelled(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A cancelled job of a hung renderer ends as Cancelled and is not tried again."""
    painter.hold()
    job = order(engine, 1)
    await until(lambda: job.latest is not None)
    engine.cancel(job)
    assert not job.done
    with pytest.raises(Cancelled):
        await asyncio.wait_for(job.result(), 10)
    assert isinstance(await asyncio.wait_for(engine.failure(), 2), Defunct)


async def test_a_painter_that_hangs_while_the_engine_drains(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A drain without a limit ends even if the renderer hangs."""
    painter.hold()
    job = order(engine, 1)
    await until(lambda: job.latest is not None)
    await asyncio.wait_for(engine.drain(), 10)
    assert engine.state is EngineState.STOPPED
    assert isinstance(await engine.failure(), Defunct)
    assert not job.done


async def test_what_a_hung_painter_answers_at_last_is_dropped(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """An error or a picture that arrives after the end changes nothing and raises nothing."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    painter.failures["a red boat"] = ValueError("much too late")
    painter.hold()
    job = order(engine, 1)
    await asyncio.wait_for(engine.failure(), 10)
    painter.release()
    await engine.drain()
    assert engine._thread is not None
    await asyncio.to_thread(engine._thread._thread.join, 10)
    await asyncio.sleep(0)
    assert complaints == []
    assert not job.done
