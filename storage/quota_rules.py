"""The pure quota decision: a limit of pictures within a window (`quota_windows`).

At the end of its window a charge becomes available again.
Charges from the future come from a wrong clock; `quotas.date_back` removes them beforehand.
decide() computes from all individual charges what `quotas` finds without reading them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.quota_windows import Window


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


def fits(*, used: int, limit: int | None, requested: int) -> bool:
    """Return whether a request fits into what is left; limit: None for no limit."""
    return limit is None or used + requested <= limit


def remaining(*, used: int, limit: int | None) -> int | None:
    """Return what is left; zero if the limit was lowered below what is used."""
    return None if limit is None else max(0, limit - used)


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
    charges: Iterable[Charge], *, limit: int, window: Window, now: datetime, requested: int
) -> Decision:
    """Decide on a request for `requested` pictures, and compute exactly when it would fit."""
    counting = sorted(
        (charge for charge in charges if now < window.returns_at(charge.at)),
        key=lambda charge: charge.at,
    )
    used = sum(charge.pictures for charge in counting)
    allowed = fits(used=used, limit=limit, requested=requested)
    return Decision(
        allowed=allowed,
        used=used,
        remaining=max(0, limit - used),
        next_return_at=window.returns_at(counting[0].at) if counting else None,
        retry_at=now if allowed else _retry_at(counting, used, limit, window, requested),
    )


def _retry_at(
    counting: list[Charge], used: int, limit: int, window: Window, requested: int
) -> datetime | None:
    # Charges become available oldest first: the first that frees enough is the answer.
    for charge in counting:
        used -= charge.pictures
        if fits(used=used, limit=limit, requested=requested):
            return window.returns_at(charge.at)
    return None
