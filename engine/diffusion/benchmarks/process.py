"""What a process took so far, by the system's own count."""

from __future__ import annotations

import time
from pathlib import Path

import psutil


def peak_bytes() -> int | None:
    """Return the most memory that this process had at a time, mapped files included.

    None where the system does not say (it is Linux's VmHWM).
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None
    return int(found.split()[1]) * 1024


def resident_bytes() -> int:
    """Return the memory that this process has now, mapped files included."""
    return psutil.Process().memory_info().rss


def since_start_s() -> float:
    """Return the seconds since this process was started."""
    return time.time() - psutil.Process().create_time()
