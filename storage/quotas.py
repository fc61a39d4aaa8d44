"""Who may take how many pictures: policies, and what was used of them."""

from datetime import datetime
from typing import Final

from storage import quota_rules
from storage.database import Database, Reads
from storage.quota_rules import Charge
from storage.timestamps import from_us, to_us
from storage.types import Clock, Place, PolicySource, QuotaExceeded, QuotaPolicy, QuotaStatus

PICTURES_LIMIT: Final = 1_000_000
HOURS_LIMIT: Final = 8760


class Quotas:
    """Quota policies of servers and users, and how much of them is left."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def set_user(
        self, guild_id: int, user_id: int, pictures: int, hours: int, by: int
    ) -> None:
        """Give one user of one server a policy of their own, at once and until it is cleared.

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
        """Take a user's own policy away; False when there was none."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM user_quotas WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
            )
        return changed > 0

    async def set_default(self, guild_id: int, pictures: int, hours: int, by: int) -> None:
        """Give a server a policy for everyone who has none of their own; as set_user."""
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
        """The policy that holds: the user's own, else the server's, else the fallback."""
        return await effective_policy(self._db, guild_id, user_id, fallback)

    async def status(self, guild_id: int, user_id: int, fallback: QuotaPolicy) -> QuotaStatus:
        """What is used and left now, under the policy that holds."""
        policy = await effective_policy(self._db, guild_id, user_id, fallback)
        return await _status(self._db, guild_id, user_id, policy, self._clock())


async def effective_policy(
    reads: Reads, guild_id: int, user_id: int, fallback: QuotaPolicy
) -> QuotaPolicy:
    """The policy that holds for this person, as `reads` sees it."""
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


async def check(
    reads: Reads, place: Place, fallback: QuotaPolicy, *, requested: int, now: datetime
) -> QuotaExceeded | None:
    """Decide whether so many pictures may be taken now; None when they may."""
    guild_id, user_id = place.guild_id, place.user_id
    policy = await effective_policy(reads, guild_id, user_id, fallback)
    status = await _status(reads, guild_id, user_id, policy, now)
    if quota_rules.fits(used=status.used, limit=policy.pictures, requested=requested):
        return None
    # Only a refusal needs the single charges: most requests are settled by one sum.
    charges = await _charges(reads, guild_id, user_id, policy, now)
    decision = quota_rules.decide(
        charges, limit=policy.pictures, hours=policy.hours, now=now, requested=requested
    )
    return QuotaExceeded(status=status, requested=requested, retry_at=decision.retry_at)


_COUNTING: Final = (
    "FROM ledger WHERE guild_id = ? AND user_id = ? AND charged_at > ? AND refunded_at IS NULL"
)


async def _status(
    reads: Reads, guild_id: int, user_id: int, policy: QuotaPolicy, now: datetime
) -> QuotaStatus:
    since_us = to_us(quota_rules.counts_after(now, policy.hours))
    row = await reads.fetch_one(
        f"SELECT coalesce(sum(pictures), 0) AS used, min(charged_at) AS oldest {_COUNTING}",
        (guild_id, user_id, since_us),
    )
    assert row is not None
    used, oldest = row["used"], row["oldest"]
    return QuotaStatus(
        policy=policy,
        used=used,
        remaining=quota_rules.remaining(used=used, limit=policy.pictures),
        next_return_at=(
            None if oldest is None else quota_rules.returns_at(from_us(oldest), policy.hours)
        ),
    )


async def _charges(
    reads: Reads, guild_id: int, user_id: int, policy: QuotaPolicy, now: datetime
) -> list[Charge]:
    since_us = to_us(quota_rules.counts_after(now, policy.hours))
    rows = await reads.fetch_all(
        f"SELECT charged_at, pictures {_COUNTING}", (guild_id, user_id, since_us)
    )
    return [Charge(at=from_us(row["charged_at"]), pictures=row["pictures"]) for row in rows]


def _check_policy(pictures: int, hours: int) -> None:
    if not 0 <= pictures <= PICTURES_LIMIT:
        raise ValueError(f"pictures must be 0..{PICTURES_LIMIT}, not {pictures}")
    if not 1 <= hours <= HOURS_LIMIT:
        raise ValueError(f"hours must be 1..{HOURS_LIMIT}, not {hours}")
