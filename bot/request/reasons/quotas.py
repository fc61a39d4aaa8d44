"""Why a quota, a grant or a server's time zone cannot be set as asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

QuotaOption = Literal["pictures", "hours", "limit", "per"]


@dataclass(frozen=True, slots=True)
class NoAmount:
    """A quota that says neither how many pictures nor that there is no limit."""


@dataclass(frozen=True, slots=True)
class OptionsExclude:
    """Two options that say the same thing, each in its own way."""

    first: QuotaOption
    second: QuotaOption


@dataclass(frozen=True, slots=True)
class RoleGone:
    """The role or member that was chosen does not exist any more."""


@dataclass(frozen=True, slots=True)
class UnknownTimezone:
    """A text that is no name in the time zone database."""

    text: str


@dataclass(frozen=True, slots=True)
class TooManyGrants:
    """A member has as many grants with pictures left as they can have."""

    limit: int


@dataclass(frozen=True, slots=True)
class ExpiryPassed:
    """The last day of a grant is over already."""

    day: date


QuotaReason = NoAmount | OptionsExclude | RoleGone | UnknownTimezone | TooManyGrants | ExpiryPassed
