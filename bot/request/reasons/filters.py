"""What a server's filter of prompts and pictures forbids, and why a pattern cannot be one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PromptFiltered:
    """A pattern of the server's filter is found in the request.

    pattern: as an admin typed it, None where the server does not say which.
    """

    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class PictureFiltered:
    """A picture that nothing may be painted from here."""


@dataclass(frozen=True, slots=True)
class PictureNotListed:
    """The picture is not among those that nothing is painted from."""


@dataclass(frozen=True, slots=True)
class TooManyListed:
    """The server has as many pictures on its list as it can."""

    limit: int


class PatternProblem(StrEnum):
    """Why a pattern is refused."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    """The detail is the limit in characters."""
    INVALID = "invalid"
    """It is no regular expression; the detail is RE2's own."""
    EVERYTHING = "everything"
    """It is found in every prompt."""


@dataclass(frozen=True, slots=True)
class PatternRefused:
    """A pattern that cannot be used. line: of an imported file, 0 for none."""

    pattern: str
    problem: PatternProblem
    detail: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class TooManyPatterns:
    """The server would have more patterns than it can."""

    patterns: int
    limit: int


@dataclass(frozen=True, slots=True)
class PatternsTooLarge:
    """All expressions of the server together would take too much memory."""


@dataclass(frozen=True, slots=True)
class TooManyRules:
    """The server has as many rules as it can."""

    limit: int


@dataclass(frozen=True, slots=True)
class BadRuleName:
    """The name of a rule is empty or longer than `limit` characters."""

    limit: int


@dataclass(frozen=True, slots=True)
class UnknownRule:
    """The server has no rule of this name. names: those that there are."""

    name: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnknownPattern:
    """No rule of the server has this pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class NothingToFilter:
    """A command names none of these options, of which it needs one."""

    options: tuple[str, ...] = ("words", "regex", "allowed")


@dataclass(frozen=True, slots=True)
class FilterFileRefused:
    """A file of rules cannot be imported. line: the first that is not understood.

    version: that of the file, where this program reads another.
    """

    line: int = 0
    version: str | None = None


@dataclass(frozen=True, slots=True)
class FilterFileTooLarge:
    """A file of rules is larger than one can be."""

    limit_kib: int


FilterReason = (
    PromptFiltered
    | PictureFiltered
    | PictureNotListed
    | TooManyListed
    | PatternRefused
    | TooManyPatterns
    | PatternsTooLarge
    | TooManyRules
    | BadRuleName
    | UnknownRule
    | UnknownPattern
    | NothingToFilter
    | FilterFileRefused
    | FilterFileTooLarge
)
