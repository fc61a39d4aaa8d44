"""Why nothing more is accepted at the moment."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Scope


@dataclass(frozen=True, slots=True)
class QueueIsFull:
    """The queue has no place for `requested` more jobs.

    waiting: jobs that count against `limit`. scope: whether it is the limit of the whole queue, of
    this user or of this server.
    """

    waiting: int
    limit: int
    scope: Scope
    requested: int = 1


@dataclass(frozen=True, slots=True)
class QuotaSpent:
    """`used` of `limit` pictures in `hours` hours are used; `requested` more do not fit.

    hours: None for a calendar day. granted: pictures that can be painted on top of the quota.
    """

    used: int
    limit: int
    hours: int | None
    requested: int = 1
    granted: int = 0


@dataclass(frozen=True, slots=True)
class ServerQuotaSpent:
    """All members together used so many of what the bot's owner lets their server paint."""

    used: int
    limit: int
    hours: int
    requested: int = 1


@dataclass(frozen=True, slots=True)
class CostsMore:
    """So many pictures count as `cost`, which was not shown before; nothing was charged.

    available: what can be painted now, in pictures that count; None for no limit.
    """

    pictures: int
    cost: int
    available: int | None


@dataclass(frozen=True, slots=True)
class ShuttingDown:
    """The bot is shutting down."""


@dataclass(frozen=True, slots=True)
class NotAccepting:
    """The bot's owners let nothing more be accepted for now."""


@dataclass(frozen=True, slots=True)
class StorageUnavailable:
    """The disk or the database cannot be written to at the moment."""


LimitReason = (
    QueueIsFull
    | QuotaSpent
    | ServerQuotaSpent
    | CostsMore
    | ShuttingDown
    | NotAccepting
    | StorageUnavailable
)
