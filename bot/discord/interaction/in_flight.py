"""Who is being answered right now, so that nobody is left without a word at a restart."""

from __future__ import annotations

import asyncio


class InFlightInteractions:
    """The tasks that answer interactions; each calls `begin` once, as the first thing it does."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """The current task answers somebody, until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, limit_s: float) -> None:
        """Wait until everybody has their answer; what takes longer than `limit_s` is cancelled."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=limit_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
