"""Work that continues when its caller is cancelled."""

import asyncio

import pytest

from storage.settling import settle


async def test_a_cancelled_caller_waits_for_the_work() -> None:
    """However often the caller is cancelled, it ends after the work does."""
    ended = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.02)
        ended.set()

    task = asyncio.create_task(settle(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_result_and_error_pass_through() -> None:
    """Without a cancellation the caller gets the work's result or error."""

    async def fails() -> None:
        raise ZeroDivisionError

    assert await settle(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ZeroDivisionError):
        await settle(fails())
