"""Days, months and years as they are typed."""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from datetime import date
from typing import Final

_DAY: Final = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?)?[年月日]?")


def read_days(text: str) -> tuple[date, date] | None:
    """Return the first and the last day that a text means; None if it is no day, month or year."""
    match = _DAY.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    if match is None:
        return None
    try:
        return _days(*match.groups())
    except ValueError:
        return None


def _days(year: str, month: str | None, day: str | None) -> tuple[date, date]:
    if month is None:
        return date(int(year), 1, 1), date(int(year), 12, 31)
    if day is None:
        days = monthrange(int(year), int(month))[1]
        return date(int(year), int(month), 1), date(int(year), int(month), days)
    only = date(int(year), int(month), int(day))
    return only, only
