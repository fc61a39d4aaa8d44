"""Pictures that an admin gave a user on top of the quota, taken once nothing of it remains."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from storage.database import Reads, Transaction
from storage.timestamps import from_us_or_none, to_us

GRANTS_LIMIT: Final = 20
"""How many grants with pictures left a user can have on a server. Chosen by hand: a decision reads
all of them."""

AHEAD: Final = (
    "FROM quota_grants WHERE guild_id = ? AND user_id = ? AND used < pictures AND granted_at > ?"
)
"""Grants that a clock that was ahead has made."""

_LEFT: Final = "FROM quota_grants WHERE guild_id = ? AND user_id = ? AND used < pictures"


@dataclass(frozen=True, slots=True)
class Grant:
    """What is left of a grant. expires_at: the instant from which it is gone; None for never."""

    id: int
    left: int
    expires_at: datetime | None


async def grants_left(
    reads: Reads, guild_id: int, user_id: int, now: datetime
) -> tuple[Grant, ...]:
    """Return the grants that can be used now, in the order in which they are used up.

    Those that expire first come first.
    """
    rows = await reads.fetch_all(
        f"SELECT id, pictures - used AS left, expires_at {_LEFT} "
        "AND (expires_at IS NULL OR expires_at > ?)",
        (guild_id, user_id, to_us(now)),
    )
    grants = [Grant(row["id"], row["left"], from_us_or_none(row["expires_at"])) for row in rows]
    never = [each for each in grants if each.expires_at is None]
    ending = [each for each in grants if each.expires_at is not None]
    ending.sort(key=lambda each: (each.expires_at, each.id))
    return (*ending, *sorted(never, key=lambda each: each.id))


async def add_grant(
    transaction: Transaction,
    guild_id: int,
    user_id: int,
    pictures: int,
    expires_at: datetime | None,
    by: int,
    now: datetime,
) -> bool:
    """Grant pictures; False if the user has as many grants as they can have."""
    if len(await grants_left(transaction, guild_id, user_id, now)) >= GRANTS_LIMIT:
        return False
    await transaction.execute(
        "INSERT INTO quota_grants (guild_id, user_id, pictures, expires_at, granted_by, "
        "granted_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            guild_id,
            user_id,
            pictures,
            None if expires_at is None else to_us(expires_at),
            by,
            to_us(now),
        ),
    )
    return True


async def take(
    transaction: Transaction, job_id: int, grants: Sequence[Grant], pictures: int
) -> None:
    """Take pictures for a job from these grants, which have enough of them, in their order."""
    for grant in grants:
        taken = min(pictures, grant.left)
        if taken > 0:
            await transaction.execute(
                "INSERT INTO grant_uses (job_id, grant_id, pictures) VALUES (?, ?, ?)",
                (job_id, grant.id, taken),
            )
            pictures -= taken


def without(grants: Sequence[Grant], pictures: int) -> tuple[Grant, ...]:
    """Return what is left of grants once so many pictures were taken from them."""
    left: list[Grant] = []
    for grant in grants:
        taken = min(pictures, grant.left)
        pictures -= taken
        if grant.left > taken:
            left.append(Grant(grant.id, grant.left - taken, grant.expires_at))
    return tuple(left)


async def keep_only(transaction: Transaction, job_id: int, pictures: int) -> None:
    """Give back all but so many of the pictures that a job took; the last ones taken first."""
    uses = await transaction.fetch_all(
        "SELECT u.grant_id, u.pictures FROM grant_uses AS u "
        "JOIN quota_grants AS g ON g.id = u.grant_id WHERE u.job_id = ? "
        "ORDER BY g.expires_at IS NULL, g.expires_at, g.id",
        (job_id,),
    )
    for use in uses:
        kept = min(pictures, use["pictures"])
        pictures -= kept
        key = (job_id, use["grant_id"])
        if kept == 0:
            await transaction.execute(
                "DELETE FROM grant_uses WHERE job_id = ? AND grant_id = ?", key
            )
        elif kept < use["pictures"]:
            await transaction.execute(
                "UPDATE grant_uses SET pictures = ? WHERE job_id = ? AND grant_id = ?",
                (kept, *key),
            )


async def date_back_grants(
    transaction: Transaction, guild_id: int, user_id: int, now: datetime
) -> None:
    """Let grants from the future, which a wrong clock made, last as long as they were meant to."""
    now_us = to_us(now)
    await transaction.execute(
        "UPDATE quota_grants SET expires_at = expires_at - (granted_at - ?), granted_at = ? "
        "WHERE guild_id = ? AND user_id = ? AND used < pictures AND granted_at > ?",
        (now_us, now_us, guild_id, user_id, now_us),
    )
