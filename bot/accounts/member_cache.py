"""What was read of members and is kept in memory, of so many of them at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class MemberCache(Generic[Key, Value]):
    """Reads a value once; the ones that were not asked for the longest are dropped.

    Whoever changes what is stored calls `forget`.
    """

    def __init__(self, read: Callable[[Key], Awaitable[Value]], limit: int) -> None:
        self._read = read
        self._limit = limit
        self._changes = 0
        self._known: OrderedDict[Key, Value] = OrderedDict()

    async def get(self, key: Key) -> Value:
        """Return the value, from memory if it is there."""
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        changes = self._changes
        found = await self._read(key)
        if changes == self._changes:  # otherwise the result may already be out of date
            self._known[key] = found
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return found

    def forget(self, key: Key) -> None:
        """Drop a value after a change."""
        self._changes += 1
        self._known.pop(key, None)

    def clear(self) -> None:
        """Drop all values."""
        self._changes += 1
        self._known.clear()
