"""The pure decision on quotas: a limit of pictures within a rolling window of hours.

A charge made at `at` counts while `now < at + hours`; at that very instant it has come back.
decide() says from all the single charges what `quotas` finds out without reading them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Charge:
    """So many pictures taken at one instant."""

    at: datetime
    pictures: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request fits, and when things change.

    `next_return_at` is when the oldest counting charge comes back (None without any), `retry_at`
    the earliest instant at which the request fits: now if it is allowed, None if never.
    """

    allowed: bool
    used: int
    remaining: int
    next_return_at: datetime | None
    retry_at: datetime | None


def returns_at(charged_at: datetime, hours: int) -> datetime:
    """The first instant at which a charge no longer counts."""
    return charged_at + timedelta(hours=hours)


def counts_after(now: datetime, hours: int) -> datetime:
    """The instant that a charge must be later than, to count now."""
    return now - timedelta(hours=hours)


def fits(*, used: int, limit: int, requested: int) -> bool:
    """Whether a request fits into what is left."""
    return used + requested <= limit


def remaining(*, used: int, limit: int) -> int:
    """What is left; never below zero, also when a limit was lowered after pictures were taken."""
    return max(0, limit - used)


def to_come_back(*, used: int, limit: int, requested: int) -> int | None:
    """How many of the used pictures have to come back before a request fits; None if it never will.

    Zero or less where it fits now.
    """
    return None if requested > limit else used + requested - limit


def reached(amounts: Iterable[int], needed: int) -> tuple[int, int] | None:
    """Which of these, added up in their order, reaches `needed`, and the sum of those before it."""
    before = 0
    for index, amount in enumerate(amounts):
        if before + amount >= needed:
            return index, before
        before += amount
    return None


def decide(
    charges: Iterable[Charge], *, limit: int, hours: int, now: datetime, requested: int
) -> Decision:
    """Decide on a request for `requested` pictures, and say exactly when it would fit."""
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
    # Charges come back oldest first, so the first one that makes enough room is the answer.
    for charge in counting:
        used -= charge.pictures
        if fits(used=used, limit=limit, requested=requested):
            return returns_at(charge.at, hours)
    return None
