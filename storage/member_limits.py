"""How many unfinished jobs a member may have on a server, and how soon they may ask again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storage.database import Reads
from storage.timestamps import from_us
from storage.types import Place

_PENDING: Final = (
    "SELECT count(*) AS jobs FROM jobs INDEXED BY jobs_live "
    "WHERE finished_at IS NULL AND guild_id = ? AND user_id = ?"
)
_LATEST: Final = (
    "SELECT max(charged_at) AS latest FROM ledger INDEXED BY ledger_counting "
    "WHERE guild_id = ? AND user_id = ? AND refunded_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """None: no limit. pending: unfinished jobs. cooldown_s: from one request to the next one."""

    pending: int | None = None
    cooldown_s: int | None = None


NO_LIMITS: Final = MemberLimits()


@dataclass(frozen=True, slots=True)
class TooManyPending:
    """A member has so many unfinished jobs on a server, and asks for more than may be added."""

    pending: int
    limit: int
    requested: int


@dataclass(frozen=True, slots=True)
class CoolingDown:
    """A member has asked a moment ago, and may ask again at this time."""

    cooldown_s: int
    retry_at: datetime


LimitReached = TooManyPending | CoolingDown


async def limit_reached(
    reads: Reads, place: Place, limits: MemberLimits, *, requested: int, now: datetime
) -> LimitReached | None:
    """Return which limit keeps a member from so many more jobs now; None if none does.

    A request that was cancelled or failed, and was refunded, starts no cooldown.
    """
    whose = (place.guild_id, place.user_id)
    if limits.cooldown_s:
        row = await reads.fetch_one(_LATEST, whose)
        latest_us = None if row is None else row["latest"]
        if latest_us is not None:
            retry_at = from_us(latest_us) + timedelta(seconds=limits.cooldown_s)
            if retry_at > now:
                return CoolingDown(limits.cooldown_s, retry_at)
    if limits.pending is not None:
        row = await reads.fetch_one(_PENDING, whose)
        pending = 0 if row is None else row["jobs"]
        if pending + requested > limits.pending:
            return TooManyPending(pending, limits.pending, requested)
    return None
