"""Tracks the interactions being answered, so that a restart leaves none without a response."""

from __future__ import annotations

import asyncio

from bot.tasks import end_tasks

CANCELLED_LIMIT_S = 1.0
"""How long a cancelled response may take to end. Chosen by hand."""


class InFlightInteractions:
    """The tasks that answer interactions; each calls `begin` once, first thing."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """Track the current task until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, limit_s: float) -> None:
        """Wait until all tracked tasks are done; cancel those that take longer than `limit_s`."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=limit_s)
        await end_tasks(late, CANCELLED_LIMIT_S)
