"""What is done to the models between two jobs because somebody asked for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from engine.errors import EngineError
from engine.executor import ExecutorThread

Errand = Callable[[ExecutorThread], Awaitable[None]]


class Errands:
    """Errands in the order in which they were asked for; belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Errand, asyncio.Future[None]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, errand: Errand) -> asyncio.Future[None]:
        """Return a future for what becomes of it: None, or the error that it raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting any more: that must not be reported as "never retrieved".
        done.add_done_callback(lambda each: each.cancelled() or each.exception())
        self._waiting.append((errand, done))
        return done

    async def run(self, thread: ExecutorThread) -> None:
        """Do all that wait; an error of one is the outcome of that one alone."""
        while self._waiting:
            errand, done = self._waiting[0]
            try:
                if not done.done():
                    await errand(thread)
            except Exception as error:
                if not done.done():
                    done.set_exception(error)
            else:
                if not done.done():
                    done.set_result(None)
            self._waiting.popleft()

    def end(self, error: EngineError) -> None:
        """Give up those that were not finished, with this error."""
        while self._waiting:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_exception(error)
