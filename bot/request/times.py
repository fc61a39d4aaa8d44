"""Discord's timestamps as plain words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = "a time"
"""Stands for what is no date of the years 1 to 9999."""


def time_words(seconds: int, style: str, now: datetime | None = None) -> str:
    """Return a moment in English words without commas: "20 April 2021 at 16:20 UTC".

    seconds: since 1970. style: one of Discord's tTdDfFsSR; others are as f, as is R without `now`.
    """
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return NO_TIME
    day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    minutes, whole = f"{moment:%H:%M} UTC", f"{moment:%H:%M:%S} UTC"
    match style:
        case "t":
            return minutes
        case "T":
            return whole
        case "d" | "D":
            return day
        case "F":
            return f"{_WEEKDAYS[moment.weekday()]} {day} at {minutes}"
        case "S":
            return f"{day} at {whole}"
        case "R" if now is not None:
            return _relative((moment - now).total_seconds())
        case _:
            return f"{day} at {minutes}"


def _relative(ahead_s: float) -> str:
    distance_s = abs(ahead_s)
    for unit, length_s in _UNITS:
        count = int(distance_s // length_s)
        if count:
            length = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {length}" if ahead_s > 0 else f"{length} ago"
    return "now"
