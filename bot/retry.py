"""Retry an operation until it succeeds, with longer and longer waits between attempts.

The library stamina does not fit these loops. It always waits with `asyncio.sleep`, so a wait can
neither end early when the bot stops nor be replaced by a test, and it reports retries to hooks that
are set once for the whole process, where each caller here has failures of its own to report.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
Sleep = Callable[[float], Awaitable[object]]


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    on: type[E] | tuple[type[E], ...],
    unless: tuple[type[Exception], ...] = (),
    waits_s: Sequence[float],
    on_error: Callable[[E, float | None], object],
    is_last: Callable[[], bool] = lambda: False,
    sleep: Sleep = asyncio.sleep,
) -> T:
    """Return the operation's result from the first attempt that succeeds.

    on: the errors that are retried; `unless` names subclasses that are not. waits_s: how long to
    wait after each failure in turn; the last wait repeats without end. on_error(error, wait_s):
    called after each failed attempt; wait_s is None after the last one. is_last: asked before each
    attempt; once it is true, the error of that attempt is raised.
    """
    for attempt in itertools.count():
        last = is_last()
        try:
            return await operation()
        except unless:
            raise
        except on as error:
            wait_s = None if last else waits_s[min(attempt, len(waits_s) - 1)]
            on_error(error, wait_s)
            if wait_s is None:
                raise
        await sleep(wait_s)
    raise AssertionError("the attempts are endless")
