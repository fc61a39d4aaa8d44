"""The windows in which quotas count: some hours until now, or the calendar day of a time zone."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT_ZONE: Final = "UTC"
_MICROSECOND: Final = timedelta(microseconds=1)
_SECOND: Final = timedelta(seconds=1)
_ZONE_LIMIT_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Rolling:
    """The last hours: a charge counts until exactly that long after it was made."""

    hours: int

    def counts_after(self, now: datetime) -> datetime:
        """Return the instant after which a charge must have been made to count now."""
        return now - timedelta(hours=self.hours)

    def returns_at(self, charged_at: datetime) -> datetime:
        """Return the first instant at which a charge no longer counts."""
        return charged_at + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """The calendar day in a time zone: what is charged on it counts until the next one begins.

    A day begins when the zone's clocks show its date for the first time, and lasts 23 or 25 hours
    where they are changed. If they are set back over midnight, the day before does not come again.
    """

    zone: str

    def counts_after(self, now: datetime) -> datetime:
        """As of `Rolling`."""
        zone = zone_of(self.zone)
        return day_start(day_of(now, zone), zone) - _MICROSECOND

    def returns_at(self, charged_at: datetime) -> datetime:
        """As of `Rolling`."""
        zone = zone_of(self.zone)
        return day_start(day_of(charged_at, zone) + timedelta(days=1), zone)


Window = Rolling | CalendarDay


def find_zone(name: str) -> tzinfo | None:
    """Return a zone of the time zone database by its name; None if there is none.

    Reads a file the first time that a name is asked for.
    """
    if name == DEFAULT_ZONE:
        return UTC
    if not 0 < len(name) <= _ZONE_LIMIT_CHARS:
        return None
    try:
        return _loaded(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # or the name is no path within it
        return None


def zone_of(name: str) -> tzinfo:
    """Return a zone by its name; UTC if this machine does not know it."""
    return find_zone(name) or UTC


@lru_cache(maxsize=1024)
def _loaded(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def day_of(instant: datetime, zone: tzinfo) -> date:
    """Return the calendar day that an instant belongs to."""
    day = instant.astimezone(zone).date()
    tomorrow = day + timedelta(days=1)
    # After a clock was set back over midnight, it shows yesterday's date for a while.
    return tomorrow if day_start(tomorrow, zone) <= instant else day


def day_start(day: date, zone: tzinfo) -> datetime:
    """Return the first instant, in UTC, at which the date in this zone is this day or later."""
    midnight = datetime.combine(day, time(), zone)  # fold=0: the first of two
    start = midnight.astimezone(UTC)
    if start.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # There is no midnight: the clock jumps over it, between the two readings of it.
    before, after = midnight.replace(fold=1).astimezone(UTC), start
    while after - before > _SECOND:  # zones change at whole seconds
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        if middle.astimezone(zone).date() >= day:
            after = middle
        else:
            before = middle
    return after
