"""How much memory of the device was in use of late."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from engine.executor import ExecutorThread
from engine.renderer import DeviceMemory

SAMPLE_EVERY_S: Final = 30.0
"""Chosen by hand: a picture of the usual size takes about as long, and a sample costs nothing."""
SPAN_S: Final = 3600.0
"""How far back samples are kept."""
COLUMNS: Final = 24
"""Columns of the curve, each of two and a half minutes: a phone shows that many in a line."""
READ_LIMIT_S: Final = 0.5
"""How long a driver may take to answer. Chosen by hand: Discord waits three seconds."""


class DeviceMemoryHistory:
    """Samples of the memory in use. read: blocks, on another thread; None if it is not known."""

    def __init__(
        self,
        read: Callable[[], DeviceMemory | None],
        *,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._now_s = now_s
        self._sleep = sleep
        self._samples: deque[tuple[float, float]] = deque()
        self._latest: DeviceMemory | None = None
        self._reading: asyncio.Future[DeviceMemory | None] | None = None
        self._thread: ExecutorThread | None = None

    async def run(self) -> None:
        """Take a sample now and then, until cancelled."""
        while True:
            found = await self.current()
            now_s = self._now_s()
            if found is not None:
                self._samples.append((now_s, found.used_bytes / max(1, found.total_bytes)))
            while self._samples and now_s - self._samples[0][0] > SPAN_S:
                self._samples.popleft()
            await self._sleep(SAMPLE_EVERY_S)

    async def current(self) -> DeviceMemory | None:
        """Return what is in use now; what was last known if the driver takes its time."""
        # One reading at a time, and on a daemon thread: a driver that hangs must neither use up
        # threads nor keep the process from ending.
        if self._thread is None:
            self._thread = ExecutorThread("device memory")
        if self._reading is None or self._reading.done():
            self._reading = self._thread.run(self._read)
        done, _ = await asyncio.wait({self._reading}, timeout=READ_LIMIT_S)
        if done:
            self._latest = self._reading.result()
        return self._latest

    def curve(self) -> tuple[float | None, ...]:
        """Return the most that was in use in each column of the last hour, the oldest first.

        As a share of all memory; None where there is no sample.
        """
        width_s, now_s = SPAN_S / COLUMNS, self._now_s()
        columns: list[float | None] = [None] * COLUMNS
        for at_s, share in self._samples:
            column = COLUMNS - 1 - int((now_s - at_s) / width_s)
            if column >= 0:
                columns[column] = max(share, columns[column] or 0.0)
        return tuple(columns)
