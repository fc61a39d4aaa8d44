"""Pictures that everybody in a channel saw: delivered there, not private, and not erased.

Triggers keep the table (migrations/0014). Who may read which channel now is the caller's to say.
"""

import json
from collections.abc import Collection
from typing import Final

from storage import rows
from storage.database import Database
from storage.history import PICTURES
from storage.types import StoredPicture

_CHANNELS: Final = (
    # From one channel to the next, however many pictures each has.
    "WITH RECURSIVE channels (id) AS ("
    "SELECT min(channel_id) FROM shown_pictures WHERE guild_id = ? "
    "UNION ALL SELECT (SELECT min(channel_id) FROM shown_pictures "
    "WHERE guild_id = ? AND channel_id > channels.id) FROM channels WHERE channels.id IS NOT NULL) "
    "SELECT id FROM channels WHERE id IS NOT NULL"
)
_OLDER: Final = (
    "SELECT picture_id FROM shown_pictures WHERE guild_id = ? AND channel_id = ? "
    "AND picture_id < ? ORDER BY picture_id DESC LIMIT ?"
)
_NEWER: Final = (
    "SELECT picture_id FROM shown_pictures WHERE guild_id = ? AND channel_id = ? "
    "AND picture_id >= ? ORDER BY picture_id LIMIT ?"
)
_BY_IDS: Final = f"{PICTURES} AND p.id IN (SELECT value FROM json_each(?)) ORDER BY p.id DESC"  # noqa: S608
_AFTER_ALL: Final = 2**63 - 1
"""Greater than every row id."""


class ShownPictures:
    """Reads what was shown in the channels and threads of a server."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def channels(self, guild_id: int) -> list[int]:
        """Return the channels and threads of a server in which any picture was shown."""
        found = await self._db.fetch_all(_CHANNELS, (guild_id, guild_id))
        return [row["id"] for row in found]

    async def channel_of(self, picture_id: int) -> int | None:
        """Return where a picture was shown; None if nowhere, or if it is erased."""
        row = await self._db.fetch_one(
            "SELECT channel_id FROM shown_pictures WHERE picture_id = ?", (picture_id,)
        )
        return None if row is None else row["channel_id"]

    async def page(
        self, guild_id: int, channel_ids: Collection[int], before_id: int | None, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` pictures that were shown in these channels, newest first.

        before_id: the last id of the previous page, None for the first. Costs one read of an index
        for each channel, however many pictures it has.
        """
        before_id = _AFTER_ALL if before_id is None else before_id
        ids = await self._ids(_OLDER, guild_id, channel_ids, before_id, limit)
        return await self._pictures(sorted(ids, reverse=True)[:limit])

    async def after(
        self, guild_id: int, channel_ids: Collection[int], from_id: int, limit: int
    ) -> list[StoredPicture]:
        """Return at most `limit` of them with ids from `from_id` up, oldest first."""
        ids = await self._ids(_NEWER, guild_id, channel_ids, from_id, limit)
        return (await self._pictures(sorted(ids)[:limit]))[::-1]

    async def _ids(
        self, sql: str, guild_id: int, channel_ids: Collection[int], cursor_id: int, limit: int
    ) -> list[int]:
        if limit < 1:
            raise ValueError(f"a page must have at least one picture, not {limit}")
        found: list[int] = []
        for channel_id in channel_ids:
            page = await self._db.fetch_all(sql, (guild_id, channel_id, cursor_id, limit))
            found += [row["picture_id"] for row in page]
        return found

    async def _pictures(self, ids: list[int]) -> list[StoredPicture]:
        """Return these pictures, newest first, without those erased in the meantime."""
        found = await self._db.fetch_all(_BY_IDS, (json.dumps(ids),))
        return [rows.picture(row) for row in found]
