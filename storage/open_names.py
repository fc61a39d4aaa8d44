"""What the admins of a server have opened there, or in one of its channels: LoRAs, or models."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from storage.database import Database
from storage.timestamps import to_us
from storage.types import Clock

_WHOLE_SERVER: Final = 0


class OpenNames:
    """Lists of names by server and channel. What a list means for a request is up to the caller.

    table: one of this program's own, whose name is put into statements as it is.
    """

    def __init__(self, db: Database, clock: Clock, table: str) -> None:
        self._db = db
        self._clock = clock
        self._table = table

    async def open(
        self, guild_id: int, channel_id: int | None, names: Collection[str], by: int
    ) -> None:
        """Open exactly these on a server, or (channel_id) in one of its channels."""
        text = json.dumps(sorted(set(names)), ensure_ascii=False)
        async with self._db.transaction() as transaction:
            await transaction.execute(
                f"INSERT INTO {self._table} (guild_id, channel_id, names, set_by, set_at) "  # noqa: S608
                "VALUES (?, ?, ?, ?, ?) ON CONFLICT (guild_id, channel_id) DO UPDATE SET "
                "names = excluded.names, set_by = excluded.set_by, set_at = excluded.set_at",
                (guild_id, channel_id or _WHOLE_SERVER, text, by, to_us(self._clock())),
            )

    async def clear(self, guild_id: int, channel_id: int | None) -> bool:
        """Forget the list of a server or of a channel; False if there was none."""
        async with self._db.transaction() as transaction:
            changed = await transaction.execute(
                f"DELETE FROM {self._table} WHERE guild_id = ? AND channel_id = ?",  # noqa: S608
                (guild_id, channel_id or _WHOLE_SERVER),
            )
        return changed > 0

    async def has_own(self, guild_id: int, channel_id: int) -> bool:
        """Return whether a channel has a list of its own."""
        row = await self._db.fetch_one(
            f"SELECT 1 FROM {self._table} WHERE guild_id = ? AND channel_id = ?",  # noqa: S608
            (guild_id, channel_id),
        )
        return row is not None

    async def of(self, guild_id: int, channel_ids: Collection[int] = ()) -> frozenset[str] | None:
        """Return the list of the first of these channels that has one, else the server's.

        channel_ids: a thread before its parent channel. None where nothing was chosen: all are
        open.
        """
        for channel_id in (*channel_ids, _WHOLE_SERVER):
            row = await self._db.fetch_one(
                f"SELECT names FROM {self._table} WHERE guild_id = ? AND channel_id = ?",  # noqa: S608
                (guild_id, channel_id),
            )
            if row is not None:
                return frozenset(json.loads(row["names"]))
        return None


class OpenLoras(OpenNames):
    """The names of LoRAs."""

    def __init__(self, db: Database, clock: Clock) -> None:
        super().__init__(db, clock, "open_loras")


class OpenModels(OpenNames):
    """The names of models."""

    def __init__(self, db: Database, clock: Clock) -> None:
        super().__init__(db, clock, "open_models")
