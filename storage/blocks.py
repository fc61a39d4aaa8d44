"""Users blocked from generating pictures in a server by its moderators."""

import sqlite3
from datetime import datetime, timedelta
from typing import Final

from storage import rows, steps
from storage.database import Database, Reads, Transaction
from storage.timestamps import from_us, to_us
from storage.types import REASON_LIMIT_CHARS, Block, Clock, Job, JobState

_LIVE_OF: Final = (
    "SELECT * FROM jobs INDEXED BY jobs_live "
    "WHERE finished_at IS NULL AND guild_id = ? AND user_id = ? ORDER BY id"
)

ENDED_FOR: Final = timedelta(days=1)
"""How long a block that has ended is kept, so that a clock that is ahead by less lifts none. Chosen
by hand."""
_HOLDS: Final = "(until IS NULL OR until > ?)"


class Blocks:
    """Blocked users per server. What a block prevents is up to the caller."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def block(
        self,
        guild_id: int,
        user_id: int,
        by: int,
        reason: str | None,
        until: datetime | None = None,
    ) -> Block:
        """Block a user in a server; a newer decision replaces an older one.

        until: when it ends by itself, None for as long as nobody unblocks them.
        `by` is the user who decided. An empty reason is stored as None; ValueError for more than
        500 characters.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            now = self._clock()
            return await _written(transaction, guild_id, user_id, by, reason, now, until)

    async def block_and_cancel(
        self,
        guild_id: int,
        user_id: int,
        by: int,
        reason: str | None,
        until: datetime | None = None,
    ) -> tuple[Block, tuple[Job, ...]]:
        """Block a user as block() does, and cancel and refund their unfinished jobs in that server.

        All in one transaction, so no job of a blocked user can continue, whatever happens next.
        Returns the block and those jobs; the caller still has to stop them in the engine.
        """
        reason = checked_reason(reason)
        async with self._db.transaction() as transaction:
            now = self._clock()
            block = await _written(transaction, guild_id, user_id, by, reason, now, until)
            found = await transaction.fetch_all(_LIVE_OF, (guild_id, user_id))
            ended = [
                await steps.finish_job(transaction, job, JobState.CANCELLED, now)
                for job in map(rows.job, found)
            ]
        return block, tuple(ended)

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Unblock a user; False if they were not blocked."""
        async with self._db.transaction() as transaction:
            # One that has ended stays until `sweep`: the clock may be ahead, and be set back.
            changed = await transaction.execute(
                f"DELETE FROM blocks WHERE guild_id = ? AND user_id = ? AND {_HOLDS}",  # noqa: S608
                (guild_id, user_id, to_us(self._clock())),
            )
        return changed > 0

    async def sweep(self) -> int:
        """Forget the blocks that ended ENDED_FOR ago; returns how many.

        One of a person who was erased is all that still names them.
        """
        async with self._db.transaction() as transaction:
            return await transaction.execute(
                "DELETE FROM blocks WHERE until <= ?", (to_us(self._clock() - ENDED_FOR),)
            )

    async def is_blocked(self, guild_id: int, user_id: int) -> Block | None:
        """Return the block on a user in a server, or None."""
        return await block_of(self._db, guild_id, user_id, self._clock())

    async def blocked(self, guild_id: int) -> list[Block]:
        """List every block in a server, newest decision first."""
        found = await self._db.fetch_all(
            f"SELECT * FROM blocks WHERE guild_id = ? AND {_HOLDS} "  # noqa: S608
            "ORDER BY blocked_at DESC, user_id DESC",
            (guild_id, to_us(self._clock())),
        )
        return [_block(row) for row in found]


async def block_of(reads: Reads, guild_id: int, user_id: int, now: datetime) -> Block | None:
    """Return the block that holds for a user in a server as `reads` sees it, or None."""
    row = await reads.fetch_one(
        f"SELECT * FROM blocks WHERE guild_id = ? AND user_id = ? AND {_HOLDS}",  # noqa: S608
        (guild_id, user_id, to_us(now)),
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
    until: datetime | None,
) -> Block:
    row = await transaction.fetch_one(
        "INSERT INTO blocks (guild_id, user_id, reason, blocked_by, blocked_at, until) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (guild_id, user_id) DO UPDATE SET "
        "reason = excluded.reason, blocked_by = excluded.blocked_by, "
        "blocked_at = excluded.blocked_at, until = excluded.until RETURNING *",
        (guild_id, user_id, reason, by, to_us(now), None if until is None else to_us(until)),
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
        until=None if row["until"] is None else from_us(row["until"]),
    )
