"""Why flags of a prompt cannot be obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FlagErrorKind(StrEnum):
    """What is wrong with a flag."""

    UNKNOWN = "unknown"
    UNSUPPORTED = "unsupported"
    """Midjourney has it, and here there is nothing that it could do."""
    MISSING = "missing"
    """Its value is not there."""
    BAD_VALUE = "bad_value"
    TWICE = "twice"
    """Given twice, or beside another flag that decides the same thing."""
    UNBALANCED = "unbalanced"
    """A brace without its counterpart."""
    PROSE = "prose"
    """Words after a dash that may be a flag or prose."""


@dataclass(frozen=True, slots=True)
class FlagError:
    """A flag of a text that cannot be obeyed, as it was written ("—Ar").

    value: as written, "" where there is none; with UNBALANCED the words around the brace that
    `flag` holds. expected: values it takes, or examples of them; with TWICE the flag that was
    there before. low, high: bounds of a number. suggestion: a flag to take instead, "" for none.
    """

    kind: FlagErrorKind
    flag: str
    value: str = ""
    expected: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    suggestion: str = ""
