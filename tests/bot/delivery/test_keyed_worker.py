"""One task per key, a limited number of attempts at once, and no lost wake."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.delivery.keyed_worker import KeyedWorker
from tests.fakes import until

LIMIT = 2
WAITS_S = (1.0, 5.0)


class Trouble(Exception):
    """An error that is retried."""


class ControlledWorker:
    """A worker whose attempts last until a test ends them, and whose waits take no time."""

    def __init__(self, *, rerun: bool = False) -> None:
        self.begun: Counter[int] = Counter()
        self.prepared: list[int] = []
        self.slept: list[float] = []
        self.retried: list[tuple[int, str, float | None]] = []
        self.ended: list[tuple[int, BaseException | None]] = []
        self.most_at_once = 0
        self.overlapped = False
        self._open: defaultdict[int, list[asyncio.Future[None]]] = defaultdict(list)
        self.worker = KeyedWorker(
            self._attempt,
            name="test",
            limit=LIMIT,
            retry_on=(Trouble,),
            waits_s=WAITS_S,
            on_retry=lambda key, error, wait_s: self.retried.append((key, str(error), wait_s)),
            on_end=lambda key, error: self.ended.append((key, error)),
            prepare=self._prepare,
            rerun=rerun,
            sleep=self._sleep,
        )

    @property
    def keys(self) -> list[int]:
        """The keys with an attempt in progress."""
        return [key for key, attempts in self._open.items() if attempts]

    def finish(self, key: int, error: Exception | None = None) -> None:
        """End the attempt in progress for this key."""
        (attempt,) = self._open[key]
        if error is None:
            attempt.set_result(None)
        else:
            attempt.set_exception(error)

    async def _attempt(self, key: int) -> None:
        self.begun[key] += 1
        attempt = asyncio.get_running_loop().create_future()
        self._open[key].append(attempt)
        self.overlapped = self.overlapped or len(self._open[key]) > 1
        self.most_at_once = max(self.most_at_once, len(self.keys))
        try:
            await attempt
        finally:
            self._open[key].remove(attempt)

    async def _prepare(self, key: int) -> None:
        self.prepared.append(key)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@asynccontextmanager
async def running(*, rerun: bool = False) -> AsyncIterator[ControlledWorker]:
    """Run a worker's loop, and cancel it in the end."""
    controlled = ControlledWorker(rerun=rerun)
    task = asyncio.create_task(controlled.worker.run())
    yield controlled
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def let_tasks_run() -> None:
    """Let every task that can continue do so."""
    for _ in range(10):
        await asyncio.sleep(0)


ACTIONS = st.tuples(st.sampled_from(["wake", "finish", "fail"]), st.integers(1, 4))


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, max_size=40), st.booleans())
def test_attempts_never_overlap_and_no_wake_is_lost(actions: list[tuple[str, int]], rerun: bool):
    """In any order of events there is one attempt per key and at most LIMIT in all, and every woken
    key is worked on; with `rerun`, also after its last wake."""

    async def check() -> None:
        async with running(rerun=rerun) as controlled:
            seen_at_last_wake: dict[int, int] = {}
            for action, key in actions:
                if action == "wake":
                    controlled.worker.wake(key)
                    seen_at_last_wake[key] = controlled.begun[key]
                elif key in controlled.keys:
                    controlled.finish(key, Trouble() if action == "fail" else None)
                await let_tasks_run()
            while controlled.worker.busy:
                for key in controlled.keys:
                    controlled.finish(key)
                await let_tasks_run()
            assert not controlled.overlapped and controlled.most_at_once <= LIMIT
            for key, seen in seen_at_last_wake.items():
                assert controlled.begun[key] > (seen if rerun else 0)
            assert all(error is None for _, error in controlled.ended)

    asyncio.run(check())


async def test_a_wake_while_the_task_runs_is_ignored_or_repeated():
    """Several wakes during a task cause exactly one further run, or none without `rerun`."""
    for rerun in (False, True):
        async with running(rerun=rerun) as controlled:
            for _ in range(4):
                controlled.worker.wake(7)
                await let_tasks_run()
            controlled.finish(7)
            await let_tasks_run()
            assert controlled.begun[7] == 1 + rerun and controlled.worker.busy is rerun


async def test_a_failed_attempt_is_retried_with_growing_waits():
    """Each failure is reported with its wait, and the key is prepared once."""
    async with running() as controlled:
        controlled.worker.wake(1)
        for number in range(3):
            await let_tasks_run()
            controlled.finish(1, Trouble(f"no {number}"))
        await let_tasks_run()
        controlled.finish(1)
        await let_tasks_run()
    assert controlled.retried == [(1, "no 0", 1.0), (1, "no 1", 5.0), (1, "no 2", 5.0)]
    assert controlled.slept == [1.0, 5.0, 5.0] and controlled.prepared == [1]
    assert controlled.ended == [(1, None)]


async def test_an_unexpected_error_ends_one_task():
    """An unexpected error is reported and not retried; other keys and later wakes go on."""
    async with running() as controlled:
        controlled.worker.wake(1)
        controlled.worker.wake(2)
        await let_tasks_run()
        error = ValueError("a defect")
        controlled.finish(1, error)
        await let_tasks_run()
        assert controlled.ended == [(1, error)] and controlled.keys == [2]
        controlled.worker.wake(1)
        await let_tasks_run()
        assert controlled.begun[1] == 2 and controlled.retried == []


async def test_draining_finishes_what_it_can():
    """Running and woken tasks are given time to finish, even if nothing else starts them."""
    controlled = ControlledWorker()
    for key in (1, 2, 3):
        controlled.worker.wake(key)
    draining = asyncio.create_task(controlled.worker.drain(10))
    for key in (1, 2, 3):
        await until(lambda key=key: key in controlled.keys)
        controlled.finish(key)
        await let_tasks_run()
    await draining
    assert controlled.begun.total() == 3 and not controlled.worker.busy


@pytest.mark.parametrize("rerun", [False, True])
async def test_draining_cancels_what_is_late_and_starts_nothing_more(rerun: bool):
    """After the limit, tasks are cancelled, and later wakes start nothing."""
    async with running(rerun=rerun) as controlled:
        controlled.worker.wake(1)
        await let_tasks_run()
        controlled.worker.wake(1)
        await controlled.worker.drain(0.01)
        assert controlled.keys == [] and controlled.ended == [(1, None)]
        controlled.worker.wake(2)
        await let_tasks_run()
        assert controlled.begun.total() == 1
        controlled.worker.wake(3)
        await controlled.worker.drain(10)


async def test_cancelling_the_loop_cancels_its_tasks():
    """No task outlives the loop that started it."""
    async with running() as controlled:
        controlled.worker.wake(1)
        await let_tasks_run()
        assert controlled.keys == [1]
    assert controlled.keys == [] and controlled.ended == [(1, None)]
