"""Who may not paint in a server, as its moderators decided."""

import sqlite3

from storage.database import Database
from storage.timestamps import from_us, to_us
from storage.types import REASON_LIMIT_CHARS, Block, Clock


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
            row = await transaction.fetch_one(
                "INSERT INTO blocks (guild_id, user_id, reason, blocked_by, blocked_at) "
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (guild_id, user_id) DO UPDATE SET "
                "reason = excluded.reason, blocked_by = excluded.blocked_by, "
                "blocked_at = excluded.blocked_at RETURNING *",
                (guild_id, user_id, reason, by, to_us(self._clock())),
            )
        assert row is not None
        return _block(row)

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Let a user paint again; False when they were not blocked."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
            )
        return changed > 0

    async def is_blocked(self, guild_id: int, user_id: int) -> Block | None:
        """The block that holds for a user in a server; None where there is none."""
        row = await self._db.fetch_one(
            "SELECT * FROM blocks WHERE guild_id = ? AND user_id = ?", (guild_id, user_id)
        )
        return None if row is None else _block(row)

    async def blocked(self, guild_id: int) -> list[Block]:
        """Everybody who is blocked in a server, the newest decision first."""
        found = await self._db.fetch_all(
            "SELECT * FROM blocks WHERE guild_id = ? ORDER BY blocked_at DESC, user_id DESC",
            (guild_id,),
        )
        return [_block(row) for row in found]


def checked_reason(reason: str | None) -> str | None:
    """The reason as it is kept, None for an empty one; ValueError for a long one."""
    if reason is not None and len(reason) > REASON_LIMIT_CHARS:
        raise ValueError(f"a reason has at most {REASON_LIMIT_CHARS} characters, not {len(reason)}")
    return reason or None


def _block(row: sqlite3.Row) -> Block:
    return Block(
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        by=row["blocked_by"],
        reason=row["reason"],
        blocked_at=from_us(row["blocked_at"]),
    )
