"""The engine's life as a state machine: any jobs, steps and cancellations, then the end."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.engine_states import EngineState
from engine.errors import (
    Cancelled,
    EngineError,
    Interrupted,
    NonFinite,
    QueueFull,
    RenderFailed,
)
from engine.job import EngineJob, JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import Painted
from tests.fakes import ScriptedRenderer, a_request, until

LIMIT = 4
STEPS = 2
TROUBLES: dict[str, EngineError | Exception] = {
    "broken": NonFinite("step 1"),
    "raises": ValueError("odd"),
}
ENDS = {"fine": Painted, "broken": NonFinite, "raises": RenderFailed, "refused": Cancelled}


class EngineMachine(RuleBasedStateMachine):
    """The renderer is blocked throughout, so that the model knows what is on the GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.painter = ScriptedRenderer()
        self.painter.failures.update(TROUBLES)
        self.painter.hold()
        self.engine = Engine(self.painter.load, bounds=Bounds(LIMIT))
        self.jobs: list[EngineJob] = []
        self.waiting: list[EngineJob] = []
        self.current: EngineJob | None = None
        self.steps_left = 0
        self.run(self.begin())

    def run(self, what: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(what)

    async def begin(self) -> None:
        self.engine.start()
        await self.engine.ready()

    async def settle(self) -> None:
        """Wait until the engine has started the next job that it can paint."""
        while self.current is None and self.waiting:
            job = self.waiting.pop(0)
            if job.spec.request.prompt == "refused":
                await self.ended(job, Cancelled)
                continue
            self.current, self.steps_left = job, STEPS
            await until(partial(self.is_painting, job))

    def is_painting(self, job: EngineJob) -> bool:
        return self.engine.current is job and job.latest is not None

    async def ended(self, job: EngineJob, end: type) -> None:
        if end is Painted:
            (painted,) = await asyncio.wait_for(job.result(), 20)
            assert painted.recipe.request == job.spec.request
            return
        with pytest.raises(end):
            await asyncio.wait_for(job.result(), 20)

    @rule(prompt=st.sampled_from(sorted(ENDS)))
    def order(self, prompt: str) -> None:
        if len(self.waiting) == LIMIT:
            with pytest.raises(QueueFull):
                self.engine.reserve(1, 0)
            return
        self.run(self.submit(prompt))

    async def submit(self, prompt: str) -> None:
        async def admit() -> bool:
            return prompt != "refused"

        request = a_request(prompt, steps=STEPS, seed=len(self.jobs))
        slot = self.engine.reserve(1, 0)
        job = self.engine.submit(slot, JobSpec(len(self.jobs), request, admit=admit))
        self.jobs.append(job)
        self.waiting.append(job)
        await self.settle()

    @precondition(lambda self: self.current)
    @rule()
    def step(self) -> None:
        self.run(self.one_step())

    async def one_step(self) -> None:
        assert self.current is not None
        job = self.current
        self.painter.step()
        self.steps_left -= 1
        if job.cancel_requested:
            await self.ended(job, Cancelled)
            self.current = None
        elif self.steps_left == 0:
            await self.ended(job, ENDS[job.spec.request.prompt])
            self.current = None
        else:
            await until(lambda: job.latest and job.latest.step == STEPS - self.steps_left)
        await self.settle()

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.jobs))
        settled = job.done
        self.engine.cancel(job)
        if job in self.waiting:
            self.waiting.remove(job)
            self.run(self.ended(job, Cancelled))
        else:
            assert job.done == settled

    @invariant()
    def the_engine_is_where_the_model_is(self) -> None:
        expected = EngineState.PAINTING if self.current else EngineState.READY
        assert self.engine.state is expected
        assert self.engine.current is self.current
        assert [job.id for job in self.waiting] == sorted(job.id for job in self.waiting)
        for place, job in enumerate(self.waiting):
            assert self.engine.queue.position(job.id) == place
            assert not job.done

    def teardown(self) -> None:
        self.run(self.end())
        self.loop.close()

    async def end(self) -> None:
        if len(self.jobs) % 2:
            await self.end_at_once()
        else:
            self.painter.release()
            assert await asyncio.wait_for(self.engine.drain(), 20) == self.waiting
        assert self.engine.state is EngineState.STOPPED
        assert all(job.done != (job in self.waiting) for job in self.jobs)
        assert self.painter.threads <= {"painter"}

    async def end_at_once(self) -> None:
        draining = asyncio.create_task(self.engine.drain(0))
        if self.current is not None:
            await until(self.current.stop_requested.is_set)
            await until(lambda: self.engine.state is EngineState.DRAINING)
        self.painter.release()
        assert await asyncio.wait_for(draining, 20) == self.waiting
        if self.current is not None:
            end = Cancelled if self.current.cancel_requested else Interrupted
            await self.ended(self.current, end)


EngineMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


class TestAnyLife(EngineMachine.TestCase):
    """Each job gets exactly its own outcome, and draining returns exactly the rest."""
