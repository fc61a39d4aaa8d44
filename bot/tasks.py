"""End asyncio tasks without ever waiting for one that does not end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import structlog

log = structlog.get_logger(__name__)


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], limit_s: float) -> None:
    """Cancel tasks and wait until they end, but no longer than `limit_s`.

    A task may swallow its cancellation: discord.py does so while it reconnects a shard. One that
    is still running after `limit_s` is named in the log and left alone.
    """
    cancelled = set(tasks)
    for task in cancelled:
        task.cancel()
    if not cancelled:
        return
    ended, running = await asyncio.wait(cancelled, timeout=limit_s)
    for task in ended:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not report it as forgotten
    for task in running:
        log.warning("a cancelled task goes on", task=task.get_name())
