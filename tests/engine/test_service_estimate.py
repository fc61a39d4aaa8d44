"""Waiting times are the real work ahead, at the measured speed."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Scope
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds, Priority
from engine.service import AHEAD_EXACT, Engine
from engine.types import Progress
from tests.fakes import ScriptedRenderer, a_request, until

STEP = a_request(steps=1)
STEP_S = 2.0
"""How long a step takes, by the engine's clock."""


def primed(engine: Engine) -> Engine:
    engine.estimator.record(STEP, STEP_S)
    return engine


def order(
    engine: Engine, number: int, steps: int, user: int = 1, priority: Priority = Priority.NORMAL
) -> EngineJob:
    slot = engine.reserve(user, 0, priority=priority)
    return engine.submit(slot, JobSpec(number, a_request(steps=steps)))


@pytest.fixture
async def painter() -> AsyncIterator[ScriptedRenderer]:
    made = ScriptedRenderer()
    made.hold()
    yield made
    made.release()


@pytest.fixture
async def engine(painter: ScriptedRenderer) -> AsyncIterator[Engine]:
    """An engine that is blocked in its first job."""
    made = Engine(painter.load, bounds=Bounds(500))
    made.start()
    await made.ready()
    yield made
    painter.release()
    made.queue.close()
    await made.drain()


async def test_waiting_time_counts_what_is_ahead(engine: Engine, painter: ScriptedRenderer) -> None:
    """There is no estimate before the first picture; then each job ahead adds its time, and the one
    on the GPU its remaining time."""
    first, second = order(engine, 1, 3), order(engine, 2, 3)
    await until(lambda: engine.current is first)
    assert engine.waiting_s(2) is None
    engine.estimator.record(second.spec.request, 3.0)
    order(engine, 3, 3)
    assert engine.waiting_s(2) == pytest.approx(6.0)
    assert engine.waiting_s(3) == pytest.approx(9.0)
    painter.step()
    await until(lambda: first.latest == Progress(1, 3))
    assert engine.waiting_s(2) == pytest.approx(5.0)
    assert engine.waiting_s(1) is None


JOBS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 40), st.sampled_from(Priority)), max_size=40
)


@given(JOBS)
def test_each_job_ahead_counts_by_its_own_work(
    jobs: list[tuple[int, int, Priority]],
) -> None:
    """Large and small jobs of several users in both classes add up over the real order."""

    async def check() -> None:
        engine = primed(Engine(ScriptedRenderer().load, bounds=Bounds(500)))
        for number, (user, steps, priority) in enumerate(jobs):
            order(engine, number, steps, user, priority)
        told_s = {number: engine.waiting_s(number) for number in range(len(jobs))}
        total_s = 0.0
        for job in await engine.drain():
            total_s += STEP_S * job.spec.request.steps
            assert told_s[job.id] == pytest.approx(total_s)

    asyncio.run(check())


async def test_far_ahead_the_mean_work_counts(engine: Engine) -> None:
    """Behind the first 64, each job counts as the mean of all that wait."""
    primed(engine)
    current = order(engine, 0, 10)
    await until(lambda: engine.current is current)
    for number in range(1, 101):
        order(engine, number, steps=number)
    mean = sum(range(1, 101)) / 100
    ahead = sum(range(1, AHEAD_EXACT + 1))
    assert engine.waiting_s(65) == pytest.approx(STEP_S * (10 + ahead + 65))
    assert engine.waiting_s(100) == pytest.approx(STEP_S * (10 + ahead + 35 * mean + 100))


async def test_the_whole_queue_has_a_place_when_its_next_job_begins(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A full queue has a place after the rest of the picture on the GPU, however long it is."""
    current = order(engine, 0, 10)
    await until(lambda: engine.current is current)
    assert engine.place_free_s(Scope.QUEUE, 5) is None
    primed(engine)
    for number in range(1, 30):
        order(engine, number, 40)
    assert engine.place_free_s(Scope.QUEUE, 5) == pytest.approx(10 * STEP_S)
    painter.step(4)
    await until(lambda: current.latest == Progress(4, 10))
    assert engine.place_free_s(Scope.QUEUE, 5) == pytest.approx(6 * STEP_S)


async def test_a_user_has_a_place_when_their_next_job_begins(engine: Engine) -> None:
    """A user's place is free when their first waiting job begins; without one it is unknown."""
    primed(engine)
    current = order(engine, 0, 10)
    await until(lambda: engine.current is current)
    order(engine, 1, 20, user=1)
    order(engine, 2, 20, user=1)
    order(engine, 3, 30, user=2)
    order(engine, 4, 30, user=2)
    assert engine.place_free_s(Scope.USER, 1) == pytest.approx(10 * STEP_S)
    assert engine.place_free_s(Scope.USER, 2) == pytest.approx((10 + 20) * STEP_S)
    assert engine.place_free_s(Scope.USER, 3) is None
    order(engine, 5, 7, user=2, priority=Priority.RESUMED)
    assert engine.place_free_s(Scope.USER, 2) == pytest.approx(10 * STEP_S)


async def test_no_place_is_promised_that_nobody_can_foresee(engine: Engine) -> None:
    """Places per server, a loading model and a stopped engine give None rather than a guess."""
    primed(engine)
    current = order(engine, 0, 10)
    await until(lambda: engine.current is current)
    order(engine, 1, 10)
    assert engine.place_free_s(Scope.SERVER, 1) is None
    gate = threading.Event()

    def load() -> ScriptedRenderer:
        gate.wait(10)
        return ScriptedRenderer()

    loading = primed(Engine(load, bounds=Bounds(1)))
    loading.start()
    order(loading, 1, 10)
    assert [loading.place_free_s(scope, 1) for scope in Scope] == [None] * 3
    await loading.drain()
    assert [loading.place_free_s(scope, 1) for scope in Scope] == [None] * 3
    gate.set()
