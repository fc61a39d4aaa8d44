"""Times in SQL are integers: microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """Convert to exact microseconds; ValueError for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError(f"a naive datetime has no time zone: {instant!r}")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(instant_us: int) -> datetime:
    """Convert to an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant_us)


def is_old(instant_s: float, now: datetime, min_age_s: float) -> bool:
    """Return whether that much time has passed since, whatever the clock was then.

    What is as far in the future counts as old, too: the clock was ahead, and nobody knows by how
    much. instant_s: seconds since 1970, as file systems give them.
    """
    return abs(now.timestamp() - instant_s) >= min_age_s


def from_us_or_none(instant_us: int | None) -> datetime | None:
    """Convert a column that may be NULL."""
    return None if instant_us is None else from_us(instant_us)
