"""Calendar days of a time zone, by what a clock that hangs there has shown so far."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MINUTE: Final = timedelta(minutes=1)
BEFORE: Final = timedelta(days=3)
AFTER: Final = timedelta(days=5)


class Calendar:
    """The days around an instant. A day that a clock has shown does not come again when the clock
    is set back over midnight."""

    def __init__(self, zone: str, begin: datetime) -> None:
        there, newest = ZoneInfo(zone), date.min
        self._starts: list[datetime] = []
        self._days: list[date] = []
        at = begin - BEFORE
        while at < begin + AFTER:
            if (shown := at.astimezone(there).date()) > newest:
                newest = shown
                self._starts.append(at)
                self._days.append(newest)
            at += MINUTE

    def day_of(self, at: datetime) -> date:
        """Return the day that an instant belongs to."""
        return self._days[bisect_right(self._starts, at) - 1]

    def end_of(self, day: date) -> datetime:
        """Return the first instant of the day after."""
        return self._starts[self._days.index(day) + 1]
