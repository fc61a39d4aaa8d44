"""The engine paints one job at a time, in turn, and one job's failure never affects another."""

import asyncio
import threading
import time

import pytest

from engine.engine_states import ENGINE_TRANSITIONS, EngineState
from engine.errors import (
    Cancelled,
    Defunct,
    EngineError,
    ModelNotFound,
    ModelUnavailable,
    NonFinite,
    OutOfMemory,
    QueueFull,
    RenderFailed,
)
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Progress
from tests.fakes import ScriptedRenderer, a_request, until

S = EngineState
LEGAL = {
    (S.STARTING, S.READY),
    (S.READY, S.PAINTING),
    (S.PAINTING, S.READY),
    (S.STARTING, S.DRAINING),
    (S.READY, S.DRAINING),
    (S.PAINTING, S.DRAINING),
    (S.DRAINING, S.STOPPED),
    (S.STARTING, S.DEFUNCT),
    (S.READY, S.DEFUNCT),
    (S.PAINTING, S.DEFUNCT),
    (S.DRAINING, S.DEFUNCT),
    (S.DEFUNCT, S.STOPPED),
}


def order(engine: Engine, number: int, prompt: str = "a red boat", user: int = 1) -> EngineJob:
    """Reserve and submit in one call."""
    slot = engine.reserve(user, 0)
    return engine.submit(slot, JobSpec(number, a_request(prompt)))


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", S)
def test_every_other_transition_raises(before: S, after: S) -> None:
    """Any transition that is not in `ENGINE_TRANSITIONS` raises RuntimeError."""
    engine = Engine(ScriptedRenderer().load, bounds=Bounds(1))
    engine._state = before
    assert (after in ENGINE_TRANSITIONS[before]) == ((before, after) in LEGAL)
    if (before, after) in LEGAL:
        engine._enter(after)
        assert engine.state is after
    else:
        with pytest.raises(RuntimeError, match="cannot go"):
            engine._enter(after)


async def test_states_of_a_life(engine: Engine, painter: ScriptedRenderer) -> None:
    """An outside observer sees starting → ready ⇄ painting → ready → stopped."""
    assert (engine.state, engine.info) == (S.STARTING, None)
    assert await engine.ready() == painter.info
    assert engine.state is S.READY
    painter.hold()
    job = order(engine, 1)
    await until(lambda: engine.state is S.PAINTING)
    assert engine.current is job
    painter.release()
    await job.result()
    assert (engine.state, engine.current) == (S.READY, None)
    await engine.drain()
    assert engine.state is S.STOPPED
    assert painter.closed


async def test_starting_twice_is_refused(engine: Engine) -> None:
    """There is one worker and one thread, whatever a caller does; a stopped engine stays so."""
    with pytest.raises(RuntimeError, match="before"):
        engine.start()
    unused = Engine(ScriptedRenderer().load, bounds=Bounds(1))
    await unused.drain()
    with pytest.raises(RuntimeError, match="before"):
        unused.start()


async def test_jobs_wait_while_the_model_loads() -> None:
    """Jobs are accepted from the first moment and painted once the model is loaded."""
    painter, gate = ScriptedRenderer(), threading.Event()

    def load() -> ScriptedRenderer:
        gate.wait(10)
        return painter

    engine = Engine(load, bounds=Bounds(2))
    engine.start()
    jobs = [order(engine, number) for number in range(2)]
    with pytest.raises(QueueFull):
        order(engine, 2)
    await asyncio.sleep(0.02)
    assert engine.state is S.STARTING
    assert not any(job.done for job in jobs)
    assert engine.queue.position(1) == 1
    gate.set()
    for job in jobs:
        await job.result()
    await engine.drain()


async def test_one_thread_paints_everything_in_order(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """After loading, the renderer is called on one thread, named painter, and users take turns."""
    painter.hold()
    jobs = [order(engine, 0, "first")]
    await until(lambda: engine.current is jobs[0])
    for number, (user, prompt) in enumerate([(1, "b"), (1, "c"), (2, "d"), (2, "e"), (3, "f")]):
        jobs.append(order(engine, number + 1, prompt, user))
    painter.release()
    await asyncio.gather(*(job.result() for job in jobs))
    assert [request.prompt for request in painter.painted] == ["first", *"bdfce"]
    assert painter.threads == {"painter"}


async def test_progress_at_every_step(engine: Engine, painter: ScriptedRenderer) -> None:
    """A watcher that keeps up sees 0, 1 … n, each when it happens."""
    painter.hold()
    job = order(engine, 1)
    watching = job.progress()
    for step in range(3):
        assert await asyncio.wait_for(anext(watching), 10) == Progress(step, 3)
        painter.step()
    (painted,) = await job.result()
    assert painted.recipe.request == job.spec.request


async def test_cancel_while_queued(engine: Engine, painter: ScriptedRenderer) -> None:
    """A waiting job ends at once, frees its place and is never painted."""
    painter.hold()
    first, second = order(engine, 1), order(engine, 2, "never")
    await until(lambda: engine.current is first)
    engine.cancel(second)
    assert second.done
    assert len(engine.queue) == 0
    with pytest.raises(Cancelled):
        await second.result()
    painter.release()
    await first.result()
    assert [request.prompt for request in painter.painted] == ["a red boat"]


async def test_cancel_while_painting(engine: Engine, painter: ScriptedRenderer) -> None:
    """A job on the GPU stops within a step, is not delivered, and the next one is painted."""
    painter.hold()
    first, second = order(engine, 1), order(engine, 2, "next")
    await until(lambda: engine.current is first)
    painter.step()
    await until(lambda: first.latest == Progress(1, 3))
    engine.cancel(first)
    assert not first.done
    painter.step()
    with pytest.raises(Cancelled):
        await asyncio.wait_for(first.result(), 10)
    painter.release()
    await second.result()
    assert [request.prompt for request in painter.painted] == ["next"]


async def test_cancelling_a_finished_job_spares_its_successor(engine: Engine) -> None:
    """An old handle cancels nothing, not even a later attempt that waits under the same id."""
    old = order(engine, 1)
    await old.result()
    held = asyncio.Event()

    async def admit() -> bool:
        return await held.wait()

    slot = engine.reserve(1, 0)
    engine.submit(slot, JobSpec(2, a_request(), admit=admit))
    await until(lambda: engine.current is not None)
    retry = order(engine, 1, "again")
    engine.cancel(old)
    assert engine.queue.get(1) is retry
    held.set()
    await retry.result()


async def test_a_job_that_is_not_admitted_is_not_painted(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """admit() is called right before painting; False ends the job as Cancelled."""

    async def no() -> bool:
        return False

    with engine.reserve(1, 0) as slot:
        job = engine.submit(slot, JobSpec(1, a_request(), admit=no))
    with pytest.raises(Cancelled):
        await job.result()
    assert painter.painted == []
    await order(engine, 2).result()


async def test_admission_that_breaks_fails_that_job_only(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """admit() may raise anything: its job fails, is not painted, and the next one is."""

    async def broken() -> bool:
        raise OSError("disk full")

    with engine.reserve(1, 0) as slot:
        job = engine.submit(slot, JobSpec(1, a_request("never"), admit=broken))
    with pytest.raises(RenderFailed, match="OSError: disk full"):
        await job.result()
    await order(engine, 2).result()
    assert [request.prompt for request in painter.painted] == ["a red boat"]


async def test_an_admission_may_say_how_the_job_ends(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """An EngineError that admit() raises becomes the job's outcome, whichever it is; the engine
    itself is not affected."""
    for number, error in enumerate([OutOfMemory(), Defunct("not this engine"), Cancelled("no")]):

        async def admit(error: EngineError = error) -> bool:
            raise error

        slot = engine.reserve(1, 0)
        job = engine.submit(slot, JobSpec(number, a_request("never"), admit=admit))
        with pytest.raises(type(error)) as end:
            await asyncio.wait_for(job.result(), 10)
        assert end.value is error
    await order(engine, 9).result()
    assert [request.prompt for request in painter.painted] == ["a red boat"]
    assert engine.state is S.READY


async def test_cancel_during_admission(engine: Engine, painter: ScriptedRenderer) -> None:
    """A job cancelled between the queue and the GPU is not painted."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def admit() -> bool:
        asked.set()
        return await answer.wait()

    with engine.reserve(1, 0) as slot:
        job = engine.submit(slot, JobSpec(1, a_request(), admit=admit))
    await asked.wait()
    engine.cancel(job)
    answer.set()
    with pytest.raises(Cancelled):
        await job.result()
    await order(engine, 2, "next").result()
    assert job.latest is None
    assert [request.prompt for request in painter.painted] == ["next"]


@pytest.mark.parametrize(
    ("trouble", "seen"),
    [(ValueError("odd"), RenderFailed), (NonFinite("step 2"), NonFinite), (SystemExit(), None)],
)
async def test_one_jobs_trouble_is_not_the_next_ones(
    engine: Engine,
    painter: ScriptedRenderer,
    trouble: EngineError | Exception,
    seen: type[EngineError] | None,
) -> None:
    """A renderer that raises or returns an error fails that job; the next one is painted."""
    painter.failures["bad"] = trouble
    bad, good = order(engine, 1, "bad"), order(engine, 2, "good")
    with pytest.raises(seen or RenderFailed):
        await bad.result()
    await good.result()
    assert engine.state is S.READY


async def test_a_painter_that_answers_nothing_fails_the_job(
    engine: Engine, painter: ScriptedRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renderer that returns fewer outcomes than tasks costs one job, not the engine."""
    await engine.ready()
    monkeypatch.setattr(painter, "render", lambda batch, on_step: [])
    with pytest.raises(RenderFailed):
        await asyncio.wait_for(order(engine, 1).result(), 10)
    monkeypatch.undo()
    await order(engine, 2).result()


async def test_defunct_leaves_the_job_open(engine: Engine, painter: ScriptedRenderer) -> None:
    """A lost device ends the engine: its job and the waiting ones stay unfinished for the next
    process, and `failure` has the reason."""
    painter.hold()
    painter.failures["last"] = Defunct("CUDA error: unspecified launch failure")
    job, waiting = order(engine, 1, "last"), order(engine, 2)
    failure = asyncio.create_task(engine.failure())
    await until(lambda: engine.current is job)
    assert not failure.done()
    painter.release()
    assert isinstance(await asyncio.wait_for(failure, 10), Defunct)
    assert engine.state is S.DEFUNCT
    with pytest.raises(Defunct):
        await engine.ready()
    assert not job.done
    assert await engine.drain() == [waiting]
    assert engine.state is S.STOPPED
    assert not waiting.done


async def test_a_missing_model_is_a_failure(painter: ScriptedRenderer) -> None:
    """A model that cannot be loaded resolves `failure` and `ready`; waiting jobs stay open."""

    def load() -> ScriptedRenderer:
        raise ModelNotFound("nobody/nothing", "it is not here")

    engine = Engine(load, bounds=Bounds(3))
    engine.start()
    job = order(engine, 1)
    error = await asyncio.wait_for(engine.failure(), 10)
    assert isinstance(error, ModelNotFound)
    with pytest.raises(ModelNotFound):
        await engine.ready()
    assert engine.state is S.DEFUNCT
    assert await engine.drain() == [job]
    assert not job.done


async def test_a_model_that_breaks_a_library_is_unavailable() -> None:
    """Any exception of loading becomes ModelUnavailable with the reason."""

    def load() -> ScriptedRenderer:
        raise KeyError("weight_map")

    engine = Engine(load, bounds=Bounds(1))
    engine.start()
    error = await asyncio.wait_for(engine.failure(), 10)
    assert isinstance(error, ModelUnavailable)
    assert "KeyError" in error.reason
    await engine.drain()


async def test_a_worker_that_dies_is_a_failure(engine: Engine) -> None:
    """The engine never ends unnoticed: if its own task dies, `failure` resolves."""

    async def admit() -> bool:
        raise asyncio.CancelledError

    slot = engine.reserve(1, 0)
    engine.submit(slot, JobSpec(1, a_request(), admit=admit))
    assert isinstance(await asyncio.wait_for(engine.failure(), 10), Defunct)
    assert engine.state is S.DEFUNCT


async def test_the_loop_is_free_while_the_painter_works(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """A renderer stuck in one step does not block the event loop."""
    painter.hold()
    job = order(engine, 1)
    await until(lambda: engine.state is S.PAINTING)
    turns, end_s = 0, time.monotonic() + 0.2
    while time.monotonic() < end_s:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 200
    assert not job.done


async def test_every_step_of_the_painter_reaches_who_asked_for_it(
    engine: Engine, painter: ScriptedRenderer
) -> None:
    """on_step is called on the loop's thread for every step, before the result."""
    heard: list[tuple[int, threading.Thread]] = []

    def on_step(progress: Progress) -> None:
        heard.append((progress.step, threading.current_thread()))

    slot = engine.reserve(1, 0)
    await engine.submit(slot, JobSpec(1, a_request(steps=50), on_step=on_step)).result()
    assert heard == [(step, threading.current_thread()) for step in range(51)]
