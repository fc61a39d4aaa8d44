"""A loop that is blocked in every way the watch has to find: `python -m tests.loop.mischief`.

Prints the findings as JSON. A separate process, because an audit hook cannot be removed.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.loop.watch import LoopWatch

BLOCK_S = 0.2


async def computes() -> None:
    """Compute for longer than allowed."""
    until_s = time.thread_time() + BLOCK_S
    while time.thread_time() < until_s:
        sum(range(1000))


async def sleeps() -> None:
    """Sleep as a thread may, but no coroutine."""
    time.sleep(BLOCK_S)  # noqa: ASYNC251 - the mischief itself


async def waits_for_a_lock() -> None:
    """Wait for a lock that another thread holds."""
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(BLOCK_S, lock.release).start()
    lock.acquire()


async def reads_a_file() -> None:
    """Read a file."""
    Path(__file__).read_bytes()


async def looks_for_a_file() -> None:
    """Check whether a file exists."""
    Path(__file__).exists()


async def calls_back() -> None:
    """Compute in a plain callback rather than a task."""
    ended = asyncio.Event()

    def plain_callback() -> None:
        until_s = time.thread_time() + BLOCK_S
        while time.thread_time() < until_s:
            pass
        ended.set()

    asyncio.get_running_loop().call_soon(plain_callback)
    await ended.wait()


async def collects() -> None:
    """Collect garbage in a large heap, on another thread."""

    def large() -> list[list[int]]:
        gc.disable()
        return [[] for _ in range(3_000_000)]

    heap = await asyncio.to_thread(large)
    await asyncio.to_thread(gc.collect)
    gc.enable()
    del heap[:0]


async def behaves() -> None:
    """Wait as a coroutine should, and read a file on another thread."""
    await asyncio.sleep(BLOCK_S)
    await asyncio.to_thread(Path(__file__).read_bytes)


async def crowded() -> None:
    """Share the interpreter with threads that never yield voluntarily."""
    over = threading.Event()

    def burn() -> None:
        while not over.is_set():
            sum(range(200))

    threads = [threading.Thread(target=burn) for _ in range(4)]
    for each in threads:
        each.start()
    for _ in range(60):
        sum(range(20_000))
        await asyncio.sleep(0)
    over.set()
    for each in threads:
        await asyncio.to_thread(each.join)


DEEDS: dict[str, Callable[[], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        computes, sleeps, waits_for_a_lock, reads_a_file, looks_for_a_file, calls_back, collects,
        behaves, crowded,
    )
}  # fmt: skip


async def _do(names: list[str]) -> str:
    await asyncio.to_thread(time.sleep, 0)  # the first use of a thread imports what it needs
    watch = LoopWatch()
    watch.begin()
    await asyncio.sleep(0)
    for name in names:
        await asyncio.create_task(DEEDS[name]())  # type: ignore[arg-type]
    watch.end()
    return watch.findings.to_json()


if __name__ == "__main__":
    print(asyncio.run(_do(sys.argv[1:])))
