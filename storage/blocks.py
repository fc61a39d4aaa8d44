"""Who may not paint in a server, as its moderators decided."""

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
    """Blocked people, each in one server; who asks decides what it keeps them from."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def block(self, guild_id: int, user_id: int, by: int, reason: str | None) -> Block:
        """Block a user of a server until they are unblocked; the newest decision holds.

        `by` is the user who decided. No reason and an empty one are the same; ValueError for more
        than 500 characters.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            return await _written(transaction, guild_id, user_id, by, reason, self._clock())

    async def block_and_cancel(
        self, guild_id: int, user_id: int, by: int, reason: str | None
    ) -> tuple[Block, tuple[Job, ...]]:
        """The same, and their jobs there that are not over are cancelled and refunded with it.

        One transaction: no job of a blocked user goes on, whatever happens next. Returns those
        jobs, too; the painter has not heard of it.
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
        """Let a user paint again; False when they were not blocked."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
            )
        return changed > 0

    async def is_blocked(self, guild_id: int, user_id: int) -> Block | None:
        """The block that holds for a user in a server; None where there is none."""
        return await block_of(self._db, guild_id, user_id)

    async def blocked(self, guild_id: int) -> list[Block]:
        """Everybody who is blocked in a server, the newest decision first."""
        found = await self._db.fetch_all(
            "SELECT * FROM blocks WHERE guild_id = ? ORDER BY blocked_at DESC, user_id DESC",
            (guild_id,),
        )
        return [_block(row) for row in found]


async def block_of(reads: Reads, guild_id: int, user_id: int) -> Block | None:
    """The block that holds for a user in a server, as `reads` sees it."""
    row = await reads.fetch_one(
        "SELECT * FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
    )
    return None if row is None else _block(row)


def checked_reason(reason: str | None) -> str | None:
    """The reason as it is kept, None for an empty one; ValueError for a long one."""
    if reason is not None and len(reason) > REASON_LIMIT_CHARS:
        raise ValueError(f"a reason has at most {REASON_LIMIT_CHARS} characters, not {len(reason)}")
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
