"""Quotas: policies of servers and users, and how much of them is used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage import quota_rules
from storage.database import Database, Reads, Transaction
from storage.erasure import usage
from storage.timestamps import from_us, to_us
from storage.types import Clock, Place, PolicySource, QuotaExceeded, QuotaPolicy, QuotaStatus

PICTURES_LIMIT: Final = 1_000_000
"""Far above any sensible quota. Chosen by hand."""
HOURS_LIMIT: Final = 8760
"""One year."""


class Quotas:
    """Quota policies of servers and users, and how much of them is left."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def set_user(
        self, guild_id: int, user_id: int, pictures: int, hours: int, by: int
    ) -> None:
        """Give a user of a server a policy of their own, effective until it is cleared.

        `by` is the user who decided. ValueError outside 0..1,000,000 pictures and 1..8760 hours.
        """
        _check_policy(pictures, hours)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO user_quotas (guild_id, user_id, pictures, hours, set_by, set_at) "
                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (guild_id, user_id) DO UPDATE SET "
                "pictures = excluded.pictures, hours = excluded.hours, "
                "set_by = excluded.set_by, set_at = excluded.set_at",
                (guild_id, user_id, pictures, hours, by, to_us(self._clock())),
            )

    async def clear_user(self, guild_id: int, user_id: int) -> bool:
        """Remove a user's own policy; False if there was none."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM user_quotas WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
            )
        return changed > 0

    async def set_default(self, guild_id: int, pictures: int, hours: int, by: int) -> None:
        """Give a server a policy for everyone without their own; limits as in set_user()."""
        _check_policy(pictures, hours)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO server_quotas (guild_id, pictures, hours, set_by, set_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (guild_id) DO UPDATE SET "
                "pictures = excluded.pictures, hours = excluded.hours, "
                "set_by = excluded.set_by, set_at = excluded.set_at",
                (guild_id, pictures, hours, by, to_us(self._clock())),
            )

    async def policy(self, guild_id: int, user_id: int, fallback: QuotaPolicy) -> QuotaPolicy:
        """Return the effective policy: the user's own, else the server's, else the fallback."""
        return await effective_policy(self._db, guild_id, user_id, fallback)

    async def status(self, guild_id: int, user_id: int, fallback: QuotaPolicy) -> QuotaStatus:
        """Return what is used and left now under the effective policy."""
        policy = await effective_policy(self._db, guild_id, user_id, fallback)
        place, now = Place(guild_id, 0, user_id), self._clock()
        held = await usage.is_held(self._db, self._db.path.parent, guild_id, user_id)
        if held or await _newest_ahead(self._db, guild_id, user_id, now) is not None:
            async with self._db.transaction() as transaction:
                await date_back(transaction, guild_id, user_id, now)
        return (await _usage(self._db, place, policy, now)).status(policy)

    async def refusal(
        self, place: Place, fallback: QuotaPolicy, requested: int
    ) -> QuotaExceeded | None:
        """Return why that many pictures would be refused now, or None. Charges nothing."""
        async with self._db.transaction() as transaction:  # everything is read as of one instant
            now = self._clock()
            await date_back(transaction, place.guild_id, place.user_id, now)
            return await check(transaction, place, fallback, requested=requested, now=now)

    async def date_back_all(self) -> int:
        """Date back every user's charges from the future, as date_back() does.

        Returns how many users had any. Charges less than an hour ahead are left to their user's
        next request. Reads the hourly sums of all users.
        """
        now_us = to_us(self._clock())
        found = await self._db.fetch_all(
            "SELECT DISTINCT guild_id, user_id FROM usage_hours WHERE hour > ?",
            (now_us // _HOUR_US,),
        )
        for row in found:
            async with self._db.transaction() as transaction:
                await date_back(transaction, row["guild_id"], row["user_id"], self._clock())
        return len(found)


async def effective_policy(
    reads: Reads, guild_id: int, user_id: int, fallback: QuotaPolicy
) -> QuotaPolicy:
    """Return the effective policy for this user, as `reads` sees it."""
    rows = await reads.fetch_all(
        "SELECT 'user' AS source, pictures, hours FROM user_quotas "
        "WHERE guild_id = ? AND user_id = ? "
        "UNION ALL SELECT 'server', pictures, hours FROM server_quotas WHERE guild_id = ?",
        (guild_id, user_id, guild_id),
    )
    found = {
        row["source"]: QuotaPolicy(row["pictures"], row["hours"], PolicySource(row["source"]))
        for row in rows
    }
    return found.get(PolicySource.USER) or found.get(PolicySource.SERVER) or fallback


async def date_back(transaction: Transaction, guild_id: int, user_id: int, now: datetime) -> None:
    """Take the future out of a user's charges, so that a clock that was ahead costs no quota.

    No charge can be from the future: the clock was ahead when it was made, or is behind now. The
    newest one is dated now and the others keep their distance from it, as if the clock that made
    them had gone on. So they count for one window at most from the moment this is noticed: with the
    user's next request or look at the quota, at the start of the bot, or by date_back_all(). What
    the user used before they were erased counts again first.
    """
    await usage.give_back(transaction, guild_id, user_id)
    newest_us = await _newest_ahead(transaction, guild_id, user_id, now)
    if newest_us is None:
        return
    now_us = to_us(now)
    await transaction.execute(
        "UPDATE ledger SET charged_at = charged_at - ? "
        "WHERE guild_id = ? AND user_id = ? AND charged_at > ? AND refunded_at IS NULL",
        (newest_us - now_us, guild_id, user_id, now_us),
    )


async def _newest_ahead(reads: Reads, guild_id: int, user_id: int, now: datetime) -> int | None:
    row = await reads.fetch_one(
        f"SELECT max(charged_at) AS newest {_COUNTING}", (guild_id, user_id, to_us(now))
    )
    return None if row is None else row["newest"]


async def check(
    reads: Reads, place: Place, fallback: QuotaPolicy, *, requested: int, now: datetime
) -> QuotaExceeded | None:
    """Decide whether that many pictures may be charged now; None if they may."""
    policy = await effective_policy(reads, place.guild_id, place.user_id, fallback)
    usage = await _usage(reads, place, policy, now)
    if quota_rules.fits(used=usage.used, limit=policy.pictures, requested=requested):
        return None
    return QuotaExceeded(
        status=usage.status(policy),
        requested=requested,
        retry_at=await _retry_at(reads, place, policy, usage, requested=requested),
    )


@dataclass(frozen=True, slots=True)
class _Usage:
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

    def status(self, policy: QuotaPolicy) -> QuotaStatus:
        return QuotaStatus(
            policy=policy,
            used=self.used,
            remaining=quota_rules.remaining(used=self.used, limit=policy.pictures),
            next_return_at=_returns_at(self.oldest_us, policy),
        )


_HOUR_US: Final = 3_600_000_000
_COUNTING: Final = (
    "FROM ledger WHERE guild_id = ? AND user_id = ? AND charged_at > ? AND refunded_at IS NULL"
)
_HOURS: Final = "FROM usage_hours WHERE guild_id = ? AND user_id = ? AND hour >= ?"


async def _usage(reads: Reads, place: Place, policy: QuotaPolicy, now: datetime) -> _Usage:
    since_us = to_us(quota_rules.counts_after(now, policy.hours))
    whole_hour = since_us // _HOUR_US + 1
    edge_end_us = whole_hour * _HOUR_US
    whose = (place.guild_id, place.user_id)
    # One statement, so that all three are of the same instant.
    rows = await reads.fetch_all(
        f"SELECT 'at_edge' AS what, coalesce(sum(pictures), 0) AS value {_COUNTING} "
        f"AND charged_at < ? UNION ALL SELECT 'later', coalesce(sum(pictures), 0) {_HOURS} "
        f"UNION ALL SELECT 'oldest_us', min(charged_at) {_COUNTING}",
        (*whose, since_us, edge_end_us, *whose, whole_hour, *whose, since_us),
    )
    found = {row["what"]: row["value"] for row in rows}
    return _Usage(since_us, edge_end_us, found["at_edge"], found["later"], found["oldest_us"])


async def _retry_at(
    reads: Reads, place: Place, policy: QuotaPolicy, usage: _Usage, *, requested: int
) -> datetime | None:
    """Return when that many pictures fit; reads hourly sums, then charges of the deciding hour.

    `reads` must see the same instant as the usage: a transaction.
    """
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
            (*whose, usage.edge_end_us // _HOUR_US, needed),
        )
        found = quota_rules.reached((row["pictures"] for row in hours), needed)
        if found is None:
            return None
        index, before = found
        needed -= before
        after_us = hours[index]["hour"] * _HOUR_US - 1
        end_us = after_us + 1 + _HOUR_US
    charges = await reads.fetch_all(
        f"SELECT charged_at, pictures {_COUNTING} AND charged_at < ? ORDER BY charged_at LIMIT ?",
        (*whose, after_us, end_us, needed),
    )
    found = quota_rules.reached((row["pictures"] for row in charges), needed)
    return None if found is None else _returns_at(charges[found[0]]["charged_at"], policy)


def _returns_at(charged_us: int | None, policy: QuotaPolicy) -> datetime | None:
    if charged_us is None:
        return None
    return quota_rules.returns_at(from_us(charged_us), policy.hours)


def _check_policy(pictures: int, hours: int) -> None:
    if not 0 <= pictures <= PICTURES_LIMIT:
        raise ValueError(f"pictures must be 0..{PICTURES_LIMIT}, not {pictures}")
    if not 1 <= hours <= HOURS_LIMIT:
        raise ValueError(f"hours must be 1..{HOURS_LIMIT}, not {hours}")
