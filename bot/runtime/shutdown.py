"""Turn the signals that stop a process into an event; a second one ends it at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator

SAME_SIGNAL_S = 0.3
"""Signals this close together are one: a terminal sends Ctrl-C to a wrapper such as make and to the
process, and some wrappers pass theirs on. Chosen by hand."""


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on the first SIGTERM or SIGINT; a second one ends the process at once.

    Also works on Windows, whose event loop has no signal handlers.
    """
    loop = asyncio.get_running_loop()
    first_s: float | None = None

    def handle(number: int, _frame: object) -> None:
        nonlocal first_s
        now_s = time.monotonic()
        if first_s is None:
            first_s = now_s
            loop.call_soon_threadsafe(stop.set)
        elif now_s - first_s > SAME_SIGNAL_S:
            # As if the process had not handled it, so that whoever started it sees the truth. The
            # next start recovers what was in progress, as after a crash.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
