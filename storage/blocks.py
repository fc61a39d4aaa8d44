"""Users blocked from generating pictures in a server by its moderators."""

import sqlite3
from datetime import datetime
from typing import Final

from storage import rows, steps
from storage.database import Database, Reads, Transaction
from storage.timestamps import from_us, to_us
from storage.types import REASON_LIMIT_CHARS, Block, Clock, Job, JobState

_LIVE_OF: Final = (
    "SELECT * FROM jobs INDEXED BY jobs_live "
    "WHERE finished_at IS NULL AND guild_id = ? AND user_id = ? ORDER BY id"
)


class Blocks:
    """Blocked users per server. What a block prevents is up to the caller."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def block(self, guild_id: int, user_id: int, by: int, reason: str | None) -> Block:
        """Block a user in a server until unblocked; a newer decision replaces an older one.

        `by` is the user who decided. An empty reason is stored as None; ValueError for more than
        500 characters.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            return await _written(transaction, guild_id, user_id, by, reason, self._clock())

    async def block_and_cancel(
        self, guild_id: int, user_id: int, by: int, reason: str | None
    ) -> tuple[Block, tuple[Job, ...]]:
        """Block a user as block() does, and cancel and refund their unfinished jobs in that server.

        All in one transaction, so no job of a blocked user can continue, whatever happens next.
        Returns the block and those jobs; the caller still has to stop them in the engine.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            now = self._clock()
            block = await _written(transaction, guild_id, user_id, by, reason, now)
            found = await transaction.fetch_all(_LIVE_OF, (guild_id, user_id))
            ended = [
                await steps.finish_job(transaction, job, JobState.CANCELLED, now)
                for job in map(rows.job, found)
            ]
        return block, tuple(ended)

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Unblock a user; False if they were not blocked."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
            )
        return changed > 0

    async def is_blocked(self, guild_id: int, user_id: int) -> Block | None:
        """Return the block on a user in a server, or None."""
        return await block_of(self._db, guild_id, user_id)

    async def blocked(self, guild_id: int) -> list[Block]:
        """List every block in a server, newest decision first."""
        found = await self._db.fetch_all(
            "SELECT * FROM blocks WHERE guild_id = ? ORDER BY blocked_at DESC, user_id DESC",
            (guild_id,),
        )
        return [_block(row) for row in found]


async def block_of(reads: Reads, guild_id: int, user_id: int) -> Block | None:
    """Return the block on a user in a server as `reads` sees it, or None."""
    row = await reads.fetch_one(
        "SELECT * FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
    )
    return None if row is None else _block(row)


def checked_reason(reason: str | None) -> str | None:
    """Normalise an empty reason to None; ValueError if it is too long."""
    if reason is not None and len(reason) > REASON_LIMIT_CHARS:
        raise ValueError(f"a reason of {len(reason)} characters exceeds {REASON_LIMIT_CHARS}")
    return reason or None


async def _written(
    transaction: Transaction,
    guild_id: int,
    user_id: int,
    by: int,
    reason: str | None,
    now: datetime,
) -> Block:
    row = await transaction.fetch_one(
        "INSERT INTO blocks (guild_id, user_id, reason, blocked_by, blocked_at) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (guild_id, user_id) DO UPDATE SET "
        "reason = excluded.reason, blocked_by = excluded.blocked_by, "
        "blocked_at = excluded.blocked_at RETURNING *",
        (guild_id, user_id, reason, by, to_us(now)),
    )
    assert row is not None
    return _block(row)


def _block(row: sqlite3.Row) -> Block:
    return Block(
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        by=row["blocked_by"],
        reason=row["reason"],
        blocked_at=from_us(row["blocked_at"]),
    )
