"""Servers on which nothing is painted for now, because their admins said so."""

from dataclasses import dataclass
from datetime import datetime

from storage.blocks import checked_reason
from storage.database import Database, Reads
from storage.timestamps import from_us, to_us
from storage.types import Clock


@dataclass(frozen=True, slots=True)
class Pause:
    """That a server's requests are refused. by: who decided; 0 for somebody who was erased."""

    guild_id: int
    reason: str | None
    by: int
    since: datetime


class Pauses:
    """Paused servers. `Jobs` refuses their requests in the transaction that would accept them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def pause(self, guild_id: int, by: int, reason: str | None) -> Pause:
        """Pause a server until it is resumed; a newer reason replaces an older one.

        ValueError for a reason of more than 500 characters.
        """
        pause = Pause(guild_id, checked_reason(reason), by, self._clock())
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO server_pauses (guild_id, reason, paused_by, paused_at) "
                "VALUES (?, ?, ?, ?) ON CONFLICT (guild_id) DO UPDATE SET "
                "reason = excluded.reason, paused_by = excluded.paused_by, "
                "paused_at = excluded.paused_at",
                (guild_id, pause.reason, by, to_us(pause.since)),
            )
        return pause

    async def resume(self, guild_id: int) -> bool:
        """End the pause of a server; False if there was none."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM server_pauses WHERE guild_id = ?", (guild_id,)
            )
        return changed > 0

    async def of(self, guild_id: int) -> Pause | None:
        """Return the pause of a server; None if it is not paused."""
        return await pause_of(self._db, guild_id)


async def pause_of(reads: Reads, guild_id: int) -> Pause | None:
    """Return the pause of a server as `reads` sees it, or None."""
    row = await reads.fetch_one("SELECT * FROM server_pauses WHERE guild_id = ?", (guild_id,))
    if row is None:
        return None
    return Pause(row["guild_id"], row["reason"], row["paused_by"], from_us(row["paused_at"]))
