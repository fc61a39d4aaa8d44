"""Ids as Discord creates them: 42 bits of time, then a counter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

Clock = Callable[[], datetime]

_EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class Snowflakes:
    """Hands out increasing ids."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._last = 0

    def new(self) -> int:
        """Return a new id, whose upper bits contain the time."""
        earliest = ((self._clock() - _EPOCH) // _MILLISECOND) << 22
        self._last = max(self._last + 1, earliest)
        return self._last

    def skip_past(self, number: int) -> None:
        """Never hand out this id or a smaller one again."""
        self._last = max(self._last, number)


def moment(number: int) -> datetime:
    """Return when an id was created."""
    return _EPOCH + (number >> 22) * _MILLISECOND
