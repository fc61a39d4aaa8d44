"""The pure quota decision: a limit of pictures within a rolling window of hours.

A charge made at `at` counts while `now < at + hours`; at that instant it becomes available again.
Charges from the future come from a wrong clock; `quotas.date_back` removes them beforehand.
decide() computes from all individual charges what `quotas` finds without reading them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Charge:
    """A number of pictures charged at one instant."""

    at: datetime
    pictures: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request fits, and when that changes.

    `next_return_at` is when the oldest counting charge becomes available again (None if there is
    none), `retry_at` the earliest instant at which the request fits: now if it is allowed, None if
    it never will.
    """

    allowed: bool
    used: int
    remaining: int
    next_return_at: datetime | None
    retry_at: datetime | None


def returns_at(charged_at: datetime, hours: int) -> datetime:
    """Return the first instant at which a charge no longer counts."""
    return charged_at + timedelta(hours=hours)


def counts_after(now: datetime, hours: int) -> datetime:
    """Return the instant after which a charge must have been made to count now."""
    return now - timedelta(hours=hours)


def fits(*, used: int, limit: int, requested: int) -> bool:
    """Return whether a request fits into what is left."""
    return used + requested <= limit


def remaining(*, used: int, limit: int) -> int:
    """Return what is left; zero if the limit was lowered below what is used."""
    return max(0, limit - used)


def to_come_back(*, used: int, limit: int, requested: int) -> int | None:
    """Return how many used pictures must become available before a request fits; None if never.

    Zero or less if it fits now.
    """
    return None if requested > limit else used + requested - limit


def reached(amounts: Iterable[int], needed: int) -> tuple[int, int] | None:
    """Find where a running sum reaches `needed`: that amount and the sum before it."""
    before = 0
    for index, amount in enumerate(amounts):
        if before + amount >= needed:
            return index, before
        before += amount
    return None


def decide(
    charges: Iterable[Charge], *, limit: int, hours: int, now: datetime, requested: int
) -> Decision:
    """Decide on a request for `requested` pictures, and compute exactly when it would fit."""
    counting = sorted(
        (charge for charge in charges if now < returns_at(charge.at, hours)),
        key=lambda charge: charge.at,
    )
    used = sum(charge.pictures for charge in counting)
    allowed = fits(used=used, limit=limit, requested=requested)
    return Decision(
        allowed=allowed,
        used=used,
        remaining=remaining(used=used, limit=limit),
        next_return_at=returns_at(counting[0].at, hours) if counting else None,
        retry_at=now if allowed else _retry_at(counting, used, limit, hours, requested),
    )


def _retry_at(
    counting: list[Charge], used: int, limit: int, hours: int, requested: int
) -> datetime | None:
    # Charges become available oldest first: the first that frees enough is the answer.
    for charge in counting:
        used -= charge.pictures
        if fits(used=used, limit=limit, requested=requested):
            return returns_at(charge.at, hours)
    return None
