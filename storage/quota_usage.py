"""How much of a quota is used, and when it comes back: from hourly sums, and single charges where
a window begins within an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage import quota_rules
from storage.database import Reads
from storage.quota_grants import Grant
from storage.timestamps import from_us, to_us
from storage.types import Ceiling, Place, QuotaPolicy, QuotaStatus

HOUR_US: Final = 3_600_000_000
"""An hour in microseconds."""
WHOSE: Final = "WHERE guild_id = ? AND user_id = ? AND charged_at > ? AND refunded_at IS NULL"
CHARGED: Final = f"FROM ledger {WHOSE}"
_COUNTING: Final = f"{CHARGED} AND pictures * weight > waived"
_COUNTED: Final = "pictures * weight - waived"
_SERVER_HOURS: Final = "FROM server_usage_hours WHERE guild_id = ? AND hour >= ?"
_HOURS: Final = "FROM usage_hours WHERE guild_id = ? AND user_id = ? AND hour >= ? AND pictures > 0"


@dataclass(frozen=True, slots=True)
class Usage:
    """Charges that count in a window starting after `since_us`.

    at_edge: pictures charged in the hour that the start of the window cuts through, which ends at
    `edge_end_us`; later: in the whole hours after it. oldest_us: the oldest charge that counts.
    """

    since_us: int
    edge_end_us: int
    at_edge: int
    later: int
    oldest_us: int | None

    @property
    def used(self) -> int:
        return self.at_edge + self.later

    def status(self, policy: QuotaPolicy, grants: Sequence[Grant] = ()) -> QuotaStatus:
        return QuotaStatus(
            policy=policy,
            used=self.used,
            remaining=quota_rules.remaining(used=self.used, limit=policy.pictures),
            next_return_at=_returns_at(self.oldest_us, policy),
            granted=sum(each.left for each in grants),
        )


async def usage_in_window(reads: Reads, place: Place, policy: QuotaPolicy, now: datetime) -> Usage:
    since_us = to_us(policy.window.counts_after(now))
    whole_hour = since_us // HOUR_US + 1
    edge_end_us = whole_hour * HOUR_US
    whose = (place.guild_id, place.user_id)
    # One statement, so that all three are of the same instant.
    rows = await reads.fetch_all(
        f"SELECT 'at_edge' AS what, coalesce(sum({_COUNTED}), 0) AS value {_COUNTING} "
        f"AND charged_at < ? UNION ALL SELECT 'later', coalesce(sum(pictures), 0) {_HOURS} "
        f"UNION ALL SELECT 'oldest_us', min(charged_at) {_COUNTING}",
        (*whose, since_us, edge_end_us, *whose, whole_hour, *whose, since_us),
    )
    found = {row["what"]: row["value"] for row in rows}
    return Usage(since_us, edge_end_us, found["at_edge"], found["later"], found["oldest_us"])


@dataclass(frozen=True, slots=True)
class CeilingReached:
    """What a server used of its ceiling, and when a request fits again; None for never."""

    used: int
    retry_at: datetime | None


async def ceiling_reached(
    reads: Reads, guild_id: int, ceiling: Ceiling, *, requested: int, now: datetime
) -> CeilingReached | None:
    """Return how a request would exceed its server's ceiling; None if it would not."""
    since = to_us(now) // HOUR_US - ceiling.hours + 1
    row = await reads.fetch_one(
        f"SELECT coalesce(sum(cost), 0) AS used {_SERVER_HOURS}", (guild_id, since)
    )
    assert row is not None
    used = row["used"]
    if quota_rules.fits(used=used, limit=ceiling.pictures, requested=requested):
        return None
    needed = quota_rules.to_come_back(used=used, limit=ceiling.pictures, requested=requested)
    if needed is None:
        return CeilingReached(used, None)
    hours = await reads.fetch_all(
        f"SELECT hour, cost {_SERVER_HOURS} ORDER BY hour LIMIT ?", (guild_id, since, needed)
    )
    found = quota_rules.reached((each["cost"] for each in hours), needed)
    assert found is not None  # all that is used comes back
    return CeilingReached(used, from_us((hours[found[0]]["hour"] + ceiling.hours) * HOUR_US))


async def retry_at(
    reads: Reads,
    place: Place,
    policy: QuotaPolicy,
    usage: Usage,
    grants: Sequence[Grant],
    *,
    requested: int,
) -> datetime | None:
    """Return when that many pictures fit into the quota and what will then be left of grants."""
    left = list(grants)
    while True:
        lacking = requested - sum(each.left for each in left)
        at = await _fits_at(reads, place, policy, usage, requested=lacking)
        ends = [each.expires_at for each in left if each.expires_at is not None]
        if at is None or not ends or at < min(ends):
            return at
        left = [each for each in left if each.expires_at != min(ends)]


async def _fits_at(
    reads: Reads, place: Place, policy: QuotaPolicy, usage: Usage, *, requested: int
) -> datetime | None:
    """Return when that many pictures fit into the quota.

    Reads hourly sums, then charges of the deciding hour; `reads` must see the same instant as the
    usage: a transaction.
    """
    assert policy.pictures is not None
    needed = quota_rules.to_come_back(used=usage.used, limit=policy.pictures, requested=requested)
    if needed is None:
        return None
    whose = (place.guild_id, place.user_id)
    after_us, end_us = usage.since_us, usage.edge_end_us
    if needed > usage.at_edge:
        needed -= usage.at_edge
        # Each stored hour holds at least one picture, so this many hours are enough.
        hours = await reads.fetch_all(
            f"SELECT hour, pictures {_HOURS} ORDER BY hour LIMIT ?",
            (*whose, usage.edge_end_us // HOUR_US, needed),
        )
        found = quota_rules.reached((row["pictures"] for row in hours), needed)
        if found is None:
            return None
        index, before = found
        needed -= before
        after_us = hours[index]["hour"] * HOUR_US - 1
        end_us = after_us + 1 + HOUR_US
    charges = await reads.fetch_all(
        f"SELECT charged_at, {_COUNTED} AS pictures {_COUNTING} AND charged_at < ? "
        "ORDER BY charged_at LIMIT ?",
        (*whose, after_us, end_us, needed),
    )
    found = quota_rules.reached((row["pictures"] for row in charges), needed)
    return None if found is None else _returns_at(charges[found[0]]["charged_at"], policy)


def _returns_at(charged_us: int | None, policy: QuotaPolicy) -> datetime | None:
    if charged_us is None:
        return None
    return policy.window.returns_at(from_us(charged_us))
