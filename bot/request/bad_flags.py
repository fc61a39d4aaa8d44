"""Errors in flags, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FlagErrorKind(StrEnum):
    """The kinds of error in a flag."""

    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    """A flag of Midjourney that has no equivalent here."""
    MISSING = "missing"
    """The value is missing."""
    BAD_VALUE = "bad_value"
    TWICE = "twice"
    """Given twice, or together with another flag that sets the same thing."""
    UNBALANCED = "unbalanced"
    """A brace without a matching one."""


@dataclass(frozen=True, slots=True)
class FlagError:
    """The first invalid flag of a text.

    flag: as written ("—Ar"); with UNBALANCED, the brace. value: as written, "" for none; with
    UNBALANCED, the words around the brace. expected: the accepted values, or examples of them; with
    TWICE, the earlier flag. low, high: bounds of a number. suggestion: a flag to use instead, ""
    for none.
    """

    kind: FlagErrorKind
    flag: str
    value: str = ""
    expected: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    suggestion: str = ""
