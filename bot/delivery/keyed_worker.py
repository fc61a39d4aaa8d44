"""Run one asynchronous task per key, retried until it succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from bot.retry import Sleep, retry
from bot.tasks import end_tasks

RETRY_S: Final = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Most faults of Discord pass within seconds; during a longer outage a request every five minutes
per key is enough. Chosen by judgement, not measured."""
CANCELLED_LIMIT_S: Final = 1.0
"""How long a cancelled task may take to end. Chosen by hand."""


class KeyedWorker:
    """Does the work for every key that is woken, never twice at once for the same key.

    prepare(key): runs once per task, before the first attempt and without taking a slot.
    attempt(key): the work itself; at most `limit` attempts run at once, and a task that waits for
    its next attempt takes no slot. retry_on, waits_s: as for `bot.retry.retry`. on_retry(key,
    error, wait_s): called after each failed attempt. on_end(key, error): called when a key's task
    is over, with the error that ended it, or None if it finished or was cancelled.

    rerun: whether a key that is woken while its task is running is worked on once more afterwards.
    Otherwise such a wake is ignored.
    """

    def __init__(
        self,
        attempt: Callable[[int], Awaitable[None]],
        *,
        name: str,
        limit: int,
        retry_on: tuple[type[Exception], ...],
        on_retry: Callable[[int, Exception, float | None], object],
        on_end: Callable[[int, BaseException | None], object],
        waits_s: Sequence[float] = RETRY_S,
        prepare: Callable[[int], Awaitable[None]] | None = None,
        rerun: bool = False,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._attempt = attempt
        self._name = name
        self._slots = asyncio.Semaphore(limit)
        self._retry_on = retry_on
        self._waits_s = waits_s
        self._on_retry = on_retry
        self._on_end = on_end
        self._prepare = prepare
        self._rerun = rerun
        self._sleep = sleep
        self._wakes: asyncio.Queue[int] = asyncio.Queue()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._woken_again: set[int] = set()
        self._drained = False

    @property
    def busy(self) -> bool:
        """Whether any task is running or about to be started."""
        return bool(self._running) or not self._wakes.empty()

    def wake(self, key: int) -> None:
        """Have the work done for this key."""
        self._wakes.put_nowait(key)

    async def run(self) -> None:
        """Start tasks until cancelled; then cancel those that are still running."""
        try:
            while True:
                self._start(await self._wakes.get())
        finally:
            await self._cancel_running()

    async def drain(self, limit_s: float) -> None:
        """Give running and woken tasks `limit_s` to finish, cancel the rest and start no more."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + limit_s
        while self.busy and not self._drained and loop.time() < until_s:
            while not self._wakes.empty():
                self._start(self._wakes.get_nowait())
            await asyncio.wait(self._running.values(), timeout=until_s - loop.time())
        # A wake may still come from a loop that stops after this one: it must start nothing.
        self._drained = True
        await self._cancel_running()

    def _start(self, key: int) -> None:
        if self._drained:
            return
        if key in self._running:
            if self._rerun:
                self._woken_again.add(key)
            return
        task = asyncio.create_task(self._work(key), name=f"{self._name}-{key}")
        self._running[key] = task
        task.add_done_callback(partial(self._ended, key))

    def _ended(self, key: int, task: asyncio.Task[None]) -> None:
        del self._running[key]
        if key in self._woken_again:
            self._woken_again.discard(key)
            self.wake(key)
        self._on_end(key, None if task.cancelled() else task.exception())

    async def _work(self, key: int) -> None:
        if self._prepare is not None:
            await self._prepare(key)
        await retry(
            partial(self._attempt_in_slot, key),
            on=self._retry_on,
            waits_s=self._waits_s,
            on_error=partial(self._on_retry, key),
            sleep=self._sleep,
        )

    async def _attempt_in_slot(self, key: int) -> None:
        async with self._slots:
            await self._attempt(key)

    async def _cancel_running(self) -> None:
        await end_tasks(list(self._running.values()), CANCELLED_LIMIT_S)
