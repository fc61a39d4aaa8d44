"""The single thread that owns the GPU, and the bridge from it to the event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class ExecutorThread:
    """Run blocking calls one after another on a dedicated thread.

    The thread is a daemon: a call that hangs never keeps the process from ending. Results travel
    back by `call_soon_threadsafe`; a future cancelled or a loop closed in the meantime causes no
    error.
    """

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Queue `call`; its result or exception arrives in the returned future."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = call()
            except BaseException as error:
                post(loop, _settle, future, None, error)
            else:
                post(loop, _settle, future, result, None)

        self._calls.put(work)
        return future

    def close(self) -> None:
        """Let the thread end after the calls already queued. Does not wait."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def post(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *arguments: Any) -> None:
    """Run `call` on the loop, from any thread; a closed loop is not an error."""
    try:
        loop.call_soon_threadsafe(call, *arguments)
    except RuntimeError:
        # The loop was closed while the thread was painting: nobody waits for the result any more.
        if not loop.is_closed():
            raise


def _settle(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration) or not isinstance(error, Exception):
        # In a future these would end the awaiting coroutine, or the loop itself.
        future.set_exception(RuntimeError(f"{type(error).__name__} on the executor thread"))
    else:
        future.set_exception(error)
