"""One thread's clocks: how long it ran, and how long it only waited for a processor."""

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
    """cpu_ns: that the thread ran. queued_ns: that it could have run while others had the
    processors, up to when it last got one. turns: how often it got one."""

    wall_ns: int
    cpu_ns: int
    queued_ns: int
    turns: int


class ThreadClocks:
    """The clocks of the thread that makes this; any thread may read them. Only on Linux."""

    def __init__(self) -> None:
        self.thread_id = threading.get_ident()
        self._cpu = time.pthread_getcpuclockid(self.thread_id)
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def now(self) -> ClockReading:
        """Read them all."""
        wall_ns, cpu_ns = time.perf_counter_ns(), time.clock_gettime_ns(self._cpu)
        _, queued_ns, turns = os.pread(self._file, 100, 0).split()
        return ClockReading(wall_ns, cpu_ns, int(queued_ns), int(turns))

    def close(self) -> None:
        """They are not read any more."""
        os.close(self._file)
