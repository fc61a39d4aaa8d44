"""Servers that removed the bot: what they left is erased after a time, unless they come back."""

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from storage.database import Database
from storage.timestamps import to_us
from storage.types import Clock

_WITH_DATA: Final = " UNION ".join(
    f"SELECT guild_id FROM {table}"
    for table in (
        *("jobs", "list_pages", "request_defaults", "user_settings", "server_settings"),
        *("channel_settings", "server_quotas", "user_quotas", "open_loras", "open_models"),
        *("blocks", "threads", "log_channels", "star_channels"),
    )
)
_MARK: Final = "INSERT OR IGNORE INTO departed_servers (guild_id, left_at) VALUES (?, ?)"


class DepartedServers:
    """Since when the bot has not been on servers of which something is stored."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def left(self, guild_id: int) -> None:
        """Write down that the bot is not on a server any more; an earlier time stays."""
        async with self._db.transaction() as transaction:
            await transaction.execute(_MARK, (guild_id, to_us(self._clock())))

    async def returned(self, guild_id: int) -> bool:
        """Forget that it had left; False if it had not."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                "DELETE FROM departed_servers WHERE guild_id = ?", (guild_id,)
            )
        return changed > 0

    async def compare(self, present: Collection[int]) -> int:
        """Take over which servers the bot is on now; returns how many are newly missed.

        Only those are missed of which anything is stored.
        """
        found = await self._db.fetch_all(_WITH_DATA)
        missed = {row["guild_id"] for row in found} - set(present) - {0}
        async with self._db.transaction() as transaction:
            await transaction.execute(
                "DELETE FROM departed_servers WHERE guild_id IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(present)),),
            )
            now_us = to_us(self._clock())
            return sum(
                [await transaction.execute(_MARK, (guild_id, now_us)) for guild_id in missed]
            )

    async def due(self, grace: timedelta) -> list[int]:
        """Return the servers that left at least that long ago, the first first."""
        found = await self._db.fetch_all(
            "SELECT guild_id FROM departed_servers WHERE left_at <= ? ORDER BY left_at, guild_id",
            (to_us(self._clock() - grace),),
        )
        return [row["guild_id"] for row in found]
