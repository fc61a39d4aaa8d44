"""A job completes once, reports its newest progress, and outlives its watchers."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.errors import Cancelled, EngineError, RenderFailed
from engine.job import EngineJob, JobSpec
from engine.types import Painted, Progress, Raster
from tests.fakes import a_request, fake_recipe, gradient


def a_picture(seed: int = 7) -> Painted:
    request = a_request(seed=seed)
    return Painted(gradient(request), fake_recipe(request), 0.1)


@pytest.fixture
async def job() -> EngineJob:
    return EngineJob(JobSpec(1, a_request()), user_id=5, guild_id=6)


class JobMachine(RuleBasedStateMachine):
    """Reports, outcomes and cancellations in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.job = self.loop.run_until_complete(self.make())
        self.outcome: tuple[Painted, ...] | type[EngineError] | None = None
        self.began = False
        self.asked = False

    async def make(self) -> EngineJob:
        return EngineJob(JobSpec(1, a_request()), 5, 6)

    def teardown(self) -> None:
        self.loop.close()

    @rule(step=st.integers(0, 3))
    def report(self, step: int) -> None:
        self.job.report(Progress(step, 3))
        self.began = True

    @rule(seed=st.integers(0, 3))
    def finish_with_a_picture(self, seed: int) -> None:
        picture = a_picture(seed)
        self.job.finish([picture])
        self.outcome = self.outcome or (picture,)

    @rule()
    def finish_with_an_error(self) -> None:
        self.job.finish(RenderFailed("broken"))
        self.outcome = self.outcome or RenderFailed

    @rule()
    def cancel(self) -> None:
        self.job.cancel()
        self.asked = True
        if not self.began:
            self.outcome = self.outcome or Cancelled

    @invariant()
    def the_first_outcome_stays(self) -> None:
        assert self.job.done == (self.outcome is not None)
        if isinstance(self.outcome, tuple):
            assert self.loop.run_until_complete(self.job.result()) == self.outcome
        elif self.outcome is not None:
            with pytest.raises(self.outcome):
                self.loop.run_until_complete(self.job.result())

    @invariant()
    def the_painter_hears_of_every_cancellation(self) -> None:
        assert self.job.cancel_requested == self.job.stop_requested.is_set() == self.asked


JobMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)


class TestAnyHistory(JobMachine.TestCase):
    """A job keeps its first outcome through any history of calls."""


async def test_progress_is_newest_wins(job: EngineJob) -> None:
    """A slow watcher skips steps and always sees the newest one next."""
    job.report(Progress(0, 8))
    watching = job.progress()
    assert await anext(watching) == Progress(0, 8)
    for step in (1, 2, 3):
        job.report(Progress(step, 8))
    assert await anext(watching) == Progress(3, 8)
    job.finish([a_picture()])
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(watching), 1)


async def test_the_newest_preview_is_kept(job: EngineJob) -> None:
    """A report between two steps has no preview, and does not remove the last one."""
    assert job.previewed is None
    small = Raster(1, 1, b"abc")
    for step in (1, 2):
        job.report(Progress(step, 8, small))
    job.report(Progress(2, 8))
    assert job.previewed == Progress(2, 8, small) and job.latest == Progress(2, 8)


async def test_two_watchers_both_see_every_awaited_step(job: EngineJob) -> None:
    """Watchers do not take progress from each other, and both end with the job."""

    async def watch() -> list[int]:
        return [progress.step async for progress in job.progress()]

    watchers = [asyncio.create_task(watch()) for _ in range(2)]
    for step in range(4):
        job.report(Progress(step, 3))
        await asyncio.sleep(0.005)
    job.finish(RenderFailed("broken"))
    assert await asyncio.gather(*watchers) == [[0, 1, 2, 3], [0, 1, 2, 3]]


async def test_progress_of_a_settled_job_is_empty(job: EngineJob) -> None:
    """Watching after the end yields nothing and returns."""
    job.report(Progress(3, 3))
    job.finish([a_picture()])
    assert [progress async for progress in job.progress()] == []


async def test_giving_up_waiting_leaves_the_job_alone(job: EngineJob) -> None:
    """Cancelling `result()` cancels that wait only: the job and other waiters get the picture."""
    impatient, patient = (asyncio.create_task(job.result()) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait({impatient})
    assert not job.done
    assert not job.cancel_requested
    picture = a_picture()
    job.finish([picture])
    assert await patient == (picture,)
    assert await job.result() == (picture,)


async def test_cancel_while_waiting_settles_at_once(job: EngineJob) -> None:
    """A job that has not begun ends as Cancelled without the renderer."""
    job.cancel()
    assert job.done
    with pytest.raises(Cancelled):
        await job.result()


async def test_cancel_while_painting_leaves_the_end_to_the_painter(job: EngineJob) -> None:
    """A job that has begun stays open until the renderer has stopped."""
    job.report(Progress(0, 3))
    job.cancel()
    assert job.cancel_requested
    assert not job.done


async def test_a_failed_job_without_a_listener_is_silent(job: EngineJob) -> None:
    """An error that nobody fetches is not reported as "exception was never retrieved"."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    lonely = EngineJob(JobSpec(2, a_request()), 5, 6)
    lonely.finish(RenderFailed("nobody asks"))
    await asyncio.sleep(0)
    del lonely
    await asyncio.sleep(0)
    assert complaints == []


async def test_who_asks_for_every_step_gets_every_step() -> None:
    """on_step skips nothing, where progress() may; each progress once, in order."""
    heard: list[Progress] = []
    job = EngineJob(JobSpec(1, a_request(), on_step=heard.append), user_id=5, guild_id=6)
    reported = [Progress(step, 3) for step in (0, 1, 1, 2, 3)]
    for progress in reported:
        job.report(progress)
    assert heard == reported
    newest = await anext(job.progress())
    assert newest == reported[-1]


async def test_single_failures_are_no_failure_of_the_job(job: EngineJob) -> None:
    """The painted pictures are the result, in order; the others' errors are kept beside it."""
    first, broken, last = a_picture(1), RenderFailed("broken"), a_picture(3)
    job.finish([first, broken, last])
    assert await job.result() == (first, last)
    assert job.flaws == (broken,)


async def test_a_job_of_failures_alone_fails_with_the_first(job: EngineJob) -> None:
    """If no picture was painted, the first error is the job's."""
    job.finish([RenderFailed("first"), RenderFailed("second")])
    with pytest.raises(RenderFailed, match="first"):
        await job.result()
    assert job.flaws == ()


def test_a_job_has_a_picture() -> None:
    """A job of no pictures is refused before anything waits for it."""
    with pytest.raises(ValueError, match="at least one"):
        JobSpec(1, a_request(), count=0)
