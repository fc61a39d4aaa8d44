"""Retry an operation until it succeeds, with increasing waits between attempts.

The library stamina does not fit these loops: it always waits with `asyncio.sleep`, so a wait can
neither end early when the bot stops nor be replaced in a test, and it reports retries to hooks that
are set once for the whole process, whereas each caller here reports its failures in its own way.
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
    """Return the result of the first attempt that succeeds.

    on: the errors that are retried, apart from the subclasses in `unless`. waits_s: how long to
    wait after each failed attempt in turn; the last wait repeats forever. on_error(error, wait_s):
    called after each failed attempt; wait_s is None if there will be no other. is_last: called
    before each attempt; once it returns True, that attempt's error is raised.
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
