"""Messages of the bot that are to be deleted, because what they show was erased."""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime

from storage.database import Database
from storage.timestamps import from_us, from_us_or_none


@dataclass(frozen=True, slots=True)
class MessageRemoval:
    """A message to be deleted.

    guild_id: 0 in direct messages. channel_id: None for the direct messages of `user_id`.
    message_id: None if it is unknown whether one arrived: it shows `job_id`, and was posted after
    `since`. reply_token: deletes it for some minutes from `since` on.
    """

    id: int
    guild_id: int
    channel_id: int | None
    message_id: int | None
    user_id: int | None
    job_id: int | None
    since: datetime | None
    asked_at: datetime
    reply_token: str | None = field(default=None, repr=False)


class MessageRemovals:
    """What is left to be deleted, in the order in which that was asked for."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def after(self, removal_id: int, limit: int) -> list[MessageRemoval]:
        """Return at most `limit` of them with higher ids."""
        found = await self._db.fetch_all(
            "SELECT * FROM message_removals WHERE id > ? ORDER BY id LIMIT ?", (removal_id, limit)
        )
        return [_removal(row) for row in found]

    async def done(self, removal_id: int) -> None:
        """Forget a message that is gone, or cannot be deleted."""
        async with self._db.transaction() as transaction:
            await transaction.execute("DELETE FROM message_removals WHERE id = ?", (removal_id,))


def _removal(row: sqlite3.Row) -> MessageRemoval:
    return MessageRemoval(
        id=row["id"],
        guild_id=row["guild_id"],
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        user_id=row["user_id"],
        job_id=row["job_id"],
        since=from_us_or_none(row["since"]),
        asked_at=from_us(row["asked_at"]),
        reply_token=row["reply_token"],
    )
