"""Why a list or a search of pictures cannot be shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ListGone:
    """The page of a list is not stored any more, or belongs to somebody else."""


@dataclass(frozen=True, slots=True)
class NotADay:
    """A text that is no day, month or year between the first and the last that can be found."""

    text: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class EmptyPeriod:
    """A period that ends before it begins."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """Whoever asks may not read what the channel shows, or not here: it is age-restricted."""


@dataclass(frozen=True, slots=True)
class ExportRunning:
    """An earlier export of the same member is still being made."""


ListReason = ChannelClosed | ListGone | NotADay | EmptyPeriod | ExportRunning
