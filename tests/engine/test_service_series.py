"""A job of several pictures has one turn, one progress and one end; single failures stay single."""

import asyncio

import pytest

from engine.engine_states import EngineState
from engine.errors import (
    BlankPicture,
    Cancelled,
    Defunct,
    EngineError,
    Interrupted,
    ModelNotFound,
    NonFinite,
)
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.series import series
from engine.service import Engine
from engine.types import Conditions, Progress
from tests.fakes import ScriptedRenderer, a_request, until

STEPS = 3


def order(engine: Engine, number: int, count: int = 3, seed: int = 10, **spec: object) -> EngineJob:
    request = a_request(seed=seed, steps=STEPS)
    job_spec = JobSpec(number, request, count=count, **spec)  # pyright: ignore[reportArgumentType]
    return engine.submit(engine.reserve(number, 0), job_spec)


async def test_all_pictures_are_painted_in_one_turn(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """The series is painted in order before anybody else's turn, and returned together."""
    painter.hold()
    job, other = order(engine, 1), order(engine, 2, count=1, seed=99)
    painter.release()
    painted = await job.result()
    await other.result()
    assert [each.recipe.request for each in painted] == list(series(job.spec.request, 3))
    assert [request.seed for request in painter.painted] == [10, 11, 12, 99]
    assert job.flaws == ()


async def test_progress_counts_all_of_them(engine: Engine) -> None:
    """Progress runs from nothing to the last step of the last picture, without going back."""
    heard: list[Progress] = []
    await order(engine, 1, on_step=heard.append).result()
    assert heard == [Progress(step, 3 * STEPS) for step in range(3 * STEPS + 1)]


async def test_a_single_failure_costs_a_single_picture(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """The other pictures are delivered, the error is kept, and progress continues after it."""
    painter.flaws[11] = NonFinite("step 3")
    job = order(engine, 1)
    painted = await job.result()
    assert [each.recipe.request.seed for each in painted] == [10, 12]
    assert job.flaws == (painter.flaws[11],)
    assert job.latest == Progress(3 * STEPS, 3 * STEPS)


async def test_where_nothing_was_painted_the_first_error_tells(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A job without any picture fails, and the next one is painted."""
    errors = (NonFinite("step 1"), BlankPicture(0.1), NonFinite("step 2"))
    painter.flaws |= dict(zip((10, 11, 12), errors, strict=True))
    with pytest.raises(NonFinite, match="step 1"):
        await order(engine, 1).result()
    assert len(await order(engine, 2, seed=20).result()) == 3


async def test_cancelled_in_the_second_all_is_cancelled(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A job cancelled in the middle delivers nothing, not even what was already painted."""
    painter.hold()
    job, other = order(engine, 1), order(engine, 2, count=1, seed=99)
    painter.step(STEPS + 1)
    await until(lambda: job.latest == Progress(STEPS + 1, 3 * STEPS))
    engine.cancel(job)
    painter.release()
    with pytest.raises(Cancelled):
        await asyncio.wait_for(job.result(), 10)
    await other.result()
    assert [request.seed for request in painter.painted] == [10, 99]


async def test_interrupted_in_the_middle_all_is_painted_later(painter: ScriptedRenderer) -> None:
    """A drain past its limit interrupts the series, which the next start paints as a whole."""
    engine = Engine(painter.load, bounds=Bounds(9))
    engine.start()
    painter.hold()
    job = order(engine, 1)
    painter.step(STEPS + 1)
    await until(lambda: job.latest == Progress(STEPS + 1, 3 * STEPS))
    draining = asyncio.create_task(engine.drain(0.01))
    await until(job.stop_requested.is_set)
    painter.release()
    assert await asyncio.wait_for(draining, 10) == []
    with pytest.raises(Interrupted):
        await job.result()


async def test_a_drain_with_time_finishes_the_series(painter: ScriptedRenderer) -> None:
    """A series that was started is finished within the limit."""
    engine = Engine(painter.load, bounds=Bounds(9))
    engine.start()
    painter.hold()
    job = order(engine, 1)
    painter.step(STEPS + 1)
    await until(lambda: job.latest == Progress(STEPS + 1, 3 * STEPS))
    draining = asyncio.create_task(engine.drain(20))
    await until(lambda: engine.state is EngineState.DRAINING)
    painter.release()
    await asyncio.wait_for(draining, 10)
    assert len(await job.result()) == 3


@pytest.mark.parametrize("lost", [Defunct("CUDA error"), ModelNotFound("x", "gone")])
async def test_a_device_lost_in_the_middle_leaves_the_job_open(
    engine: Engine, painter: ScriptedRenderer, lost: EngineError
) -> None:
    """The next process paints all of it again, whatever was painted before."""
    painter.flaws[11] = lost
    job = order(engine, 1)
    assert await asyncio.wait_for(engine.failure(), 10) is lost
    assert not job.done


async def test_every_picture_teaches_the_estimate(engine: Engine) -> None:
    """A job's work is that of all its pictures, and each of them is a measurement."""
    job = order(engine, 1)
    assert job.work == pytest.approx(3 * job.spec.request.work)
    await job.result()
    assert len(engine.estimator._speeds[""]) == 3


async def test_waiting_counts_every_picture(engine: Engine, painter: ScriptedRenderer) -> None:
    """Jobs ahead count all of their pictures, the one on the GPU its remaining ones."""
    engine.estimator.record(a_request(steps=STEPS), 6.0)
    painter.hold()
    first, second = order(engine, 1), order(engine, 2, count=2, seed=20)
    await until(lambda: engine.current is first)
    third = order(engine, 3, count=1, seed=30)
    assert engine.queue.mean_work == pytest.approx(1.5 * third.work)
    assert engine.waiting_s(second.id) == pytest.approx((3 + 2) * 6.0)
    assert engine.waiting_s(third.id) == pytest.approx((3 + 2 + 1) * 6.0)
    painter.step(STEPS)
    await until(lambda: first.latest == Progress(STEPS, 3 * STEPS))
    assert engine.waiting_s(third.id) == pytest.approx((2 + 2 + 1) * 6.0)
    painter.release()
    await asyncio.gather(*(job.result() for job in (first, second, third)))
    assert engine.queue.mean_work == 0


async def test_inputs_and_conditions_are_those_of_each(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """Every picture of the series starts from the same inputs, which are loaded once."""
    fetched: list[int] = []

    async def inputs() -> tuple[()]:
        fetched.append(1)
        return ()

    replay = Conditions("cpu", 2, "float32", "native", "resident")
    await order(engine, 1, inputs=inputs, replay=replay).result()
    assert fetched == [1] and painter.inputs == [(), (), ()]
