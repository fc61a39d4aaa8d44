"""What was read of members is read once, until it changes."""

from __future__ import annotations

import asyncio

from bot.accounts.member_cache import MemberCache


async def test_a_value_is_read_once_until_it_changes():
    """Forgetting one member reads that one again, forgetting all everybody."""
    asked: list[int] = []

    async def read(key: int) -> int:
        asked.append(key)
        return key * 10

    cache = MemberCache(read, limit=10)
    assert [await cache.get(key) for key in (1, 2, 1, 2)] == [10, 20, 10, 20]
    cache.forget(1)
    assert [await cache.get(key) for key in (1, 2)] == [10, 20]
    assert asked == [1, 2, 1]
    cache.clear()
    assert [await cache.get(key) for key in (1, 2)] == [10, 20]
    assert asked == [1, 2, 1, 1, 2]


async def test_the_one_not_asked_for_longest_goes():
    """There are never more than the limit."""
    asked: list[int] = []

    async def read(key: int) -> int:
        asked.append(key)
        return key

    cache = MemberCache(read, limit=2)
    for key in (1, 2, 1, 3, 1, 2):
        await cache.get(key)
    assert asked == [1, 2, 3, 2]


async def test_what_changes_while_it_is_read_is_not_kept():
    """A value that may be out of date is returned, and read again the next time."""
    asked, gate = 0, asyncio.Event()

    async def read(_key: int) -> int:
        nonlocal asked
        asked += 1
        number = asked
        await gate.wait()
        return number

    cache = MemberCache(read, limit=2)
    first = asyncio.create_task(cache.get(1))
    await asyncio.sleep(0)
    cache.forget(1)
    gate.set()
    assert await first == 1
    assert await cache.get(1) == 2
    assert await cache.get(1) == 2
