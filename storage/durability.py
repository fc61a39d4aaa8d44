"""Commits that survive a power cut, flushed together instead of one by one."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

_flush_data = getattr(os, "fdatasync", os.fsync)  # macOS and Windows have no fdatasync


def flush_file(path: Path) -> None:
    """Put a file's contents on the disk (blocking). OSError where the disk refuses."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        _flush_data(descriptor)
    finally:
        os.close(descriptor)


class GroupFlush:
    """One flush of the write-ahead log serves every commit that waits for one.

    SQLite's own way (synchronous=FULL) flushes inside each COMMIT, one after the other, under
    the write lock: two hundred acceptances at once on a disk that takes 10 ms a flush would be
    answered after two seconds. Here COMMIT only writes the log, and whoever has committed waits
    outside the lock for the next flush to begin and end.
    """

    def __init__(self, path: Path, flush: Callable[[Path], None] = flush_file) -> None:
        self._path = path
        self._flush = flush
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def reached(self) -> None:
        """Return once all that was written before this call is on the disk. Raises OSError."""
        # A flush that is under way may have begun before our commit: only the next one counts.
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        await asyncio.shield(self._next)

    async def _after(self, running: asyncio.Task[None] | None) -> None:
        if running is not None:
            await asyncio.wait({running})
        self._running, self._next = self._next, None
        await asyncio.to_thread(self._flush, self._path)
