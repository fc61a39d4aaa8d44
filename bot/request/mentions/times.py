"""Discord's timestamps as plain words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.prompts import Language

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS_ZH = "一二三四五六日"
_UNITS = (
    ("year", "年", 365 * 86400),
    ("month", "个月", 30 * 86400),
    ("day", "天", 86400),
    ("hour", "小时", 3600),
    ("minute", "分钟", 60),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME, NO_TIME_ZH = "a time", "某个时间"
"""Stands for what is no date of the years 1 to 9999."""


def time_words(
    seconds: int, style: str, now: datetime | None = None, language: Language = "en"
) -> str:
    """Return a moment in words without commas: "20 April 2021 at 16:20 UTC".

    seconds: since 1970. style: one of Discord's tTdDfFsSR; others are as f, as is R without `now`.
    """
    chinese = language == "zh"
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return NO_TIME_ZH if chinese else NO_TIME
    minutes, whole = f"{moment:%H:%M} UTC", f"{moment:%H:%M:%S} UTC"
    if chinese:
        day, weekday = f"{moment.year}年{moment.month}月{moment.day}日", moment.weekday()
        weekday_and_day, at = f"{day}星期{_WEEKDAYS_ZH[weekday]}", " "
    else:
        day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
        weekday_and_day, at = f"{_WEEKDAYS[moment.weekday()]} {day}", " at "
    match style:
        case "t":
            return minutes
        case "T":
            return whole
        case "d" | "D":
            return day
        case "F":
            return f"{weekday_and_day}{at}{minutes}"
        case "S":
            return f"{day}{at}{whole}"
        case "R" if now is not None:
            return _relative((moment - now).total_seconds(), chinese=chinese)
        case _:
            return f"{day}{at}{minutes}"


def _relative(ahead_s: float, *, chinese: bool) -> str:
    distance_s = abs(ahead_s)
    for unit, unit_zh, length_s in _UNITS:
        count = int(distance_s // length_s)
        if count and chinese:
            return f"{count}{unit_zh}{'后' if ahead_s > 0 else '前'}"
        if count:
            length = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {length}" if ahead_s > 0 else f"{length} ago"
    return "现在" if chinese else "now"
