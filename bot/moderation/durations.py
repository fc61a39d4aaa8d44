"""How long something lasts, as it is typed: "30m", "12 h", "3d", "2 weeks". Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

MAX_DAYS: Final = 366
"""The longest block that ends by itself. Chosen by hand."""
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_WORDS: Final = {
    **dict.fromkeys(("m", "min", "minute", "minutes", "分", "分钟"), "m"),
    **dict.fromkeys(("h", "hour", "hours", "时", "小时"), "h"),
    **dict.fromkeys(("d", "day", "days", "天", "日"), "d"),
    **dict.fromkeys(("w", "week", "weeks", "周", "星期"), "w"),
}
_TYPED: Final = re.compile(r"\s*([0-9]{1,6})\s*([^\W\d_]+)\s*")


def read_duration(text: str) -> timedelta | None:
    """Return how long a text means; None if it means nothing, or more than MAX_DAYS."""
    found = _TYPED.fullmatch(text.casefold())
    unit = None if found is None else _WORDS.get(found[2])
    if found is None or unit is None:
        return None
    duration = int(found[1]) * _UNITS[unit]
    return duration if timedelta(0) < duration <= timedelta(days=MAX_DAYS) else None
