"""The clocks of one thread: how long it ran, and how long it waited for a processor."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

LINUX: Final = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One reading of a thread's clocks.

    cpu_ns: how long the thread ran. queued_ns: how long it was ready to run while others had the
    processors, up to when it last got one. turns: how often it got one.
    """

    wall_ns: int
    cpu_ns: int
    queued_ns: int
    turns: int


class ThreadClocks:
    """The clocks of the thread that creates this; any thread may read them. Linux only."""

    def __init__(self) -> None:
        self.thread_id = threading.get_ident()
        self._cpu = time.pthread_getcpuclockid(self.thread_id)
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def now(self) -> ClockReading:
        """Read all clocks."""
        wall_ns, cpu_ns = time.perf_counter_ns(), time.clock_gettime_ns(self._cpu)
        _, queued_ns, turns = os.pread(self._file, 100, 0).split()
        return ClockReading(wall_ns, cpu_ns, int(queued_ns), int(turns))

    def close(self) -> None:
        """Stop reading; closes the file."""
        os.close(self._file)
